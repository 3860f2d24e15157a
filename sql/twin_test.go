package sql_test

import (
	stdsql "database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/bigquery"
	"cloud.google.com/go/civil"
	"github.com/apache/arrow/go/v17/arrow"
	"google.golang.org/api/iterator"

	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A twin is a case in DuckDB, and the one script by which BigQuery comes to the same: a temporary table for each input,
// holding the rows that DuckDB has, and for each query one of what it gives there.
type twin struct {
	world
	statements []string
	there      map[string]sql.Relation // what BigQuery has
	used       map[string]any          // parameters of the script
	compared   []string
}

func newTwin(t *testing.T, c parityCase) *twin {
	t.Helper()
	tw := &twin{there: map[string]sql.Relation{}, used: map[string]any{}}
	if c.staged == nil {
		tw.world = world{open(t, ""), map[string]sql.Relation{}, map[string]any{}}
	} else {
		tw.world = parseWorld(t, c.archive, "SELECT * FROM (%s) AS source")
	}
	maps.Copy(tw.params, c.params)
	for _, f := range c.archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "table/"); ok {
			name = strings.TrimSuffix(name, ".sql")
			tw.have[name] = sql.Relation{Name: name, Select: string(f.Data)}
		}
	}
	if c.staged != nil {
		tw.features()
	}
	for _, f := range c.archive.Files {
		kind, name, _ := strings.Cut(strings.TrimSuffix(f.Name, ".sql"), "/")
		switch kind {
		case "table":
			tw.there[name] = tw.input(name, string(f.Data), tableTypes)
		case "source":
			tw.source(name, string(f.Data), string(c.archive.Comment))
		}
	}
	if c.staged != nil {
		tw.absent(c)
	}
	for _, s := range c.staged {
		if !slices.Contains(tw.compared, s.Name) { // canonical ones are there already
			tw.query(s.Name)
		}
		if s.Name == customer.Features.Name {
			tw.there["features"] = sql.Relation{Name: "features", Select: tw.there[s.Name].Select}
		}
	}
	for _, name := range c.more {
		tw.query(name)
	}
	return tw
}

// source adds the input that is the source called name, and the canonical table of it.
func (tw *twin) source(name, query, comment string) {
	tw.t.Helper()
	s := sql.Source{Name: name, From: "in_" + name, Columns: map[string]string{}}
	for line := range strings.Lines(comment) {
		if names, ok := strings.CutPrefix(line, "attributes: "); ok && name == "customers" {
			s.Attributes = strings.Fields(names)
		}
	}
	tw.input(name, query, sourceTypes)
	has := tw.describe(sql.Relation{Select: "SELECT * FROM (" + query + ")"})
	for _, c := range has {
		s.Columns[c.Name] = c.Name
	}
	mapped, err := s.Mapped(sql.BigQuery, has)
	if err != nil {
		tw.t.Fatal(err)
	}
	for _, a := range s.Attributes {
		i := slices.IndexFunc(has, func(c sql.ColumnInfo) bool { return c.Name == a })
		has = append(has, sql.ColumnInfo{Name: "attr_" + a, Native: has[i].Native, Family: has[i].Family})
	}
	if tw.there["source"], err = s.Typed(sql.BigQuery, mapped, has); err != nil {
		tw.t.Fatal(err)
	}
	tw.query("canonical_" + name)
	if name == "customers" {
		tw.there["attributes"] = sql.Attributes(s.Attributes, sql.BigQuery, tw.there["canonical_customers"])
	}
}

// absent gives BigQuery what the world has of itself: rates, and empty tables for what the case has no source of.
func (tw *twin) absent(c parityCase) {
	all := slices.Concat(sql.Prepared(), sql.AsOf())
	for _, name := range sql.SourceNames() {
		all = append(all, sql.Canonical(name))
	}
	for _, t := range all {
		if !slices.ContainsFunc(c.staged, func(s frame.Table) bool { return s.Name == t.Name }) {
			tw.there[t.Name] = sql.Empty(t, sql.BigQuery)
		}
	}
	if tw.there["attributes"].Name == "" {
		tw.there["attributes"] = sql.Attributes(nil, sql.BigQuery, tw.there["canonical_customers"])
	}
	if tw.there["previous"].Name == "" {
		tw.there["previous"] = tw.input("previous", tw.have["previous"].Select, tableTypes)
	}
	tw.there["rates"] = tw.input("rates", tw.have["rates"].Select, tableTypes)
	tw.there["horizons"] = sql.Horizons(sql.BigQuery, 30, 90)
}

// query adds the temporary table of what the query called name gives in BigQuery.
func (tw *twin) query(name string) {
	tw.t.Helper()
	rels, err := sql.Resolve(name, sql.BigQuery, slices.Collect(maps.Values(tw.there))...)
	if err != nil {
		tw.t.Fatal(err)
	}
	q, err := sql.Bind(name, sql.BigQuery, tw.params, rels...)
	if err != nil {
		tw.t.Fatal(err)
	}
	maps.Copy(tw.used, q.Params)
	tw.statements = append(tw.statements, "CREATE TEMP TABLE out_"+name+" AS\n"+q.Text)
	tw.there[name] = sql.Relation{Name: name, Select: "SELECT * FROM out_" + name}
	tw.compared = append(tw.compared, name)
}

// Types of DuckDB's columns in BigQuery: those of sources, where a timestamp has no zone, and those of tables of ours.
var (
	sourceTypes = map[sql.Family]string{
		sql.Text: "STRING", sql.Integer: "INT64", sql.Decimal: "NUMERIC", sql.Float: "FLOAT64", sql.Boolean: "BOOL",
		sql.Day: "DATE", sql.Timestamp: "DATETIME", sql.Instant: "TIMESTAMP", sql.Null: "INT64",
	}
	tableTypes = map[sql.Family]string{
		sql.Text: "STRING", sql.Integer: "INT64", sql.Decimal: "FLOAT64", sql.Float: "FLOAT64", sql.Boolean: "BOOL",
		sql.Day: "DATE", sql.Timestamp: "TIMESTAMP", sql.Null: "INT64",
	}
)

// input adds the temporary table that has the rows of query, which is one of DuckDB.
func (tw *twin) input(name, query string, types map[sql.Family]string) sql.Relation {
	tw.t.Helper()
	columns := tw.describe(sql.Relation{Select: "SELECT * FROM (" + query + ")"})
	fields, native := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		native[i] = types[c.Family]
		if native[i] == "" {
			tw.t.Fatalf("%s.%s is of type %s, which has none in BigQuery", name, c.Name, c.Native)
		}
		fields[i] = "`" + c.Name + "` " + native[i]
	}
	var rows []string
	for _, row := range tw.values("SELECT COLUMNS(*)::VARCHAR FROM (" + query + ")") {
		for i, v := range row {
			row[i].String = literal(native[i], v)
		}
		rows = append(rows, "STRUCT("+strings.Join(texts(row), ", ")+")")
	}
	tw.statements = append(tw.statements, fmt.Sprintf("CREATE TEMP TABLE in_%s AS SELECT * FROM unnest(ARRAY<STRUCT<%s>>[%s])",
		name, strings.Join(fields, ", "), strings.Join(rows, ",\n")))
	return sql.Relation{Name: name, Select: "SELECT * FROM in_" + name}
}

// literal returns v, as DuckDB writes it, as a value of BigQuery's type t. BigQuery has no infinite timestamps: they are
// NULL, which the queries treat alike.
func literal(t string, v stdsql.NullString) string {
	switch {
	case !v.Valid, t == "DATETIME" && strings.HasSuffix(v.String, "infinity"):
		return "NULL"
	case t == "STRING":
		return sql.BigQuery.Literal(v.String)
	case t == "INT64", t == "BOOL":
		return v.String
	case t == "TIMESTAMP" && !strings.ContainsRune(v.String, '+'):
		v.String += "+00"
	}
	return "CAST(" + sql.BigQuery.Literal(v.String) + " AS " + t + ")"
}

func texts(row []stdsql.NullString) []string {
	out := make([]string, len(row))
	for i, v := range row {
		out[i] = v.String
	}
	return out
}

// values returns the rows of a query of DuckDB whose columns are all text.
func (tw *twin) values(query string, args ...any) [][]stdsql.NullString {
	tw.t.Helper()
	rs, err := tw.QueryContext(tw.t.Context(), query, args...)
	if err != nil {
		tw.t.Fatalf("%v\n%s", err, query)
	}
	defer rs.Close()
	header, err := rs.Columns()
	if err != nil {
		tw.t.Fatal(err)
	}
	var out [][]stdsql.NullString
	for rs.Next() {
		row, into := make([]stdsql.NullString, len(header)), make([]any, len(header))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rs.Scan(into...); err != nil {
			tw.t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rs.Err(); err != nil {
		tw.t.Fatal(err)
	}
	return out
}

// run gives the script to BigQuery and returns the rows of each query there, as JSON.
func (tw *twin) run(client *bigquery.Client) map[string][]string {
	tw.t.Helper()
	var last []string
	for _, name := range tw.compared {
		last = append(last, fmt.Sprintf("SELECT '%s' AS name, to_json_string(t) AS r FROM out_%s AS t", name, name))
	}
	// the statement at fault is in the message
	q := client.Query("BEGIN\n" + strings.Join(append(tw.statements, strings.Join(last, "\nUNION ALL\n")), ";\n") +
		";\nEXCEPTION WHEN ERROR THEN RAISE USING MESSAGE = concat(@@error.message, ' in ', substr(@@error.statement_text, 1, 100));\nEND")
	for name, v := range tw.used {
		switch x := v.(type) {
		case arrow.Date32:
			v = civil.DateOf(x.ToTime())
		case arrow.Timestamp:
			v = x.ToTime(arrow.Microsecond)
		}
		q.Parameters = append(q.Parameters, bigquery.QueryParameter{Name: name, Value: v})
	}
	rows, err := q.Read(tw.t.Context())
	if err != nil {
		tw.t.Fatal(err)
	}
	got := map[string][]string{}
	for {
		var row struct{ Name, R string }
		err := rows.Next(&row)
		if errors.Is(err, iterator.Done) {
			return got
		}
		if err != nil {
			tw.t.Fatal(err)
		}
		got[row.Name] = append(got[row.Name], row.R)
	}
}

// duckRows returns the rows of the query called name in DuckDB, as JSON.
func (tw *twin) duckRows(name string) []string {
	tw.t.Helper()
	q := sql.Query{Text: "SELECT * FROM " + name}
	if r, ok := tw.have[name]; !ok || !strings.HasSuffix(r.Select, " FROM "+name) { // it is not staged
		q = tw.bind(name)
	}
	for p, v := range q.Params {
		if d, ok := v.(arrow.Date32); ok {
			q.Params[p] = d.ToTime() // what database/sql takes
		}
	}
	var out []string
	for _, row := range tw.values("SELECT to_json(t)::VARCHAR FROM ("+q.Text+"\n) AS t", args(q)...) {
		out = append(out, row[0].String)
	}
	return out
}
