package sql_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"segments/sql"
	"segments/transforms/frame"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var example = frame.Table{
	Name: "example", Doc: `One row a "customer"; it's an example.`, Key: []string{"as_of", "customer_id"},
	Columns: []frame.Column{
		frame.Date("as_of", "The day.").Column,
		frame.String("customer_id", "Who.").Column,
		frame.String("size", "How large | small.").Null().OneOf("s", "l").Column,
		frame.Float64("value", "How much.").In("money").Null().Column,
		frame.Int64("orders", "How often.").In("orders").Column,
		frame.Bool("known", "Whether.").Column,
		frame.Timestamp("seen_at", "When.").Null().Column,
	},
	PartitionBy: "as_of", ClusterBy: []string{"customer_id"},
}

func TestDDL(t *testing.T) {
	duckdb := []string{sql.CreateTable(example, sql.DuckDB, `"example"`)}
	duckdb = append(duckdb, sql.Comments(example, `"example"`)...)
	duckdb = append(duckdb, sql.AddColumn(frame.Float64("more", "").Column, sql.DuckDB, `"example"`))
	golden(t, "example.duckdb.sql", strings.Join(duckdb, ";\n")+";\n")
	golden(t, "example.bigquery.sql", sql.CreateTable(example, sql.BigQuery, "`p`.`d`.`example`")+";\n"+
		sql.AddColumn(frame.Float64("more", "").Column, sql.BigQuery, "`p`.`d`.`example`")+";\n")
	golden(t, "example.md", sql.Markdown([]frame.Table{example}))
	d := open(t, "")
	for _, s := range duckdb {
		d.exec(sql.Query{Name: "DDL", Text: s})
	}
}

func TestAudit(t *testing.T) {
	d := open(t, "")
	d.exec(sql.Query{Text: `CREATE TABLE t AS SELECT * FROM (VALUES
		(DATE '2024-01-01', 'ann', 's', 1.5, 1, true, NULL::TIMESTAMP),
		(DATE '2024-01-01', 'ann', 'm', 'NaN'::DOUBLE, 1, true, NULL),
		(DATE '2024-01-01', 'bob', NULL, '-Infinity'::DOUBLE, NULL, NULL, NULL),
		(DATE '2024-01-02', 'bob', 'l', NULL, 1, true, NULL)
	) AS v(as_of, customer_id, size, value, orders, known, seen_at)`})
	for _, c := range []struct {
		where string
		want  string
	}{
		{"TRUE", "accepted_values known 1, accepted_values orders 1, accepted_values size 1, accepted_values value 2, unique_keys as_of, customer_id 2"},
		{"as_of > DATE '2024-01-01'", ""},
		{"FALSE", ""},
	} {
		q, err := sql.Audit(example, sql.DuckDB, sql.Relation{Name: "example", Select: "SELECT * FROM t WHERE " + c.where})
		if err != nil {
			t.Fatal(err)
		}
		q.Text = strings.ReplaceAll(q.Text, "SELECT * FROM t WHERE", "SELECT * FROM memory.main.t WHERE")
		_, rows := d.rows(q)
		var got []string
		for _, r := range rows {
			got = append(got, strings.Join(r, " "))
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: found %s, want %s", c.where, s, c.want)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/ddl/" + name
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is stale (go test ./sql -update):\n%s", file, got)
	}
}
