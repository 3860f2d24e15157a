// Package scout reads what init guesses from: which tables and files there are, and a sample of the rows of each.
package scout

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"segments/pipeline/discover"
	"segments/pipeline/discover/values"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// How much is looked at.
const (
	sampledRows    = 1000    // from the beginning, and as many from what follows
	sampledFrom    = 200_000 // rows that the second half of a sample is drawn from
	sampledColumns = 300
	countedBytes   = 2 << 30 // of files that are read whole, to see that every row can be
)

// A Scout reads samples from a warehouse, and writes nothing.
type Scout struct {
	Warehouse warehouse.Warehouse
}

// Look describes t and samples its rows. Columns without a usable name or of types that are no values are left out.
func (l Scout) Look(ctx context.Context, t *discover.Table) error {
	d := l.Warehouse.Dialect()
	rel, err := l.relation(t)
	if err != nil {
		return err
	}
	q, err := sql.Select(rel, d, nil)
	if err != nil {
		return err
	}
	est, err := l.Warehouse.Estimate(ctx, q)
	if err != nil {
		return err
	}
	for _, c := range est.Columns {
		_, unnamed := d.Quote(c.Name)
		if c.Family == sql.Other || unnamed != nil || strings.Contains(c.Name, "${") || len(t.Columns) == sampledColumns {
			continue
		}
		t.Columns = append(t.Columns, values.Column{ColumnInfo: c})
	}
	if len(t.Columns) == 0 {
		return fmt.Errorf("%s has no column that can be read", t.Name)
	}
	return l.sample(ctx, t, rel)
}

func (l Scout) relation(t *discover.Table) (sql.Relation, error) {
	return t.Source().All(l.Warehouse.Dialect())
}

// sample reads the values of t's columns, as text: the first rows, where those of an order are together, and rows from
// further on, chosen by a hash of what they say.
func (l Scout) sample(ctx context.Context, t *discover.Table, rel sql.Relation) error {
	d := l.Warehouse.Dialect()
	var cols []string
	for i, c := range t.Columns {
		cols = append(cols, fmt.Sprintf("substr(CAST(%s AS %s), 1, 200) AS c%d", values.Quoted(d, c.Name), d.Type(frame.StringKind), i))
	}
	list := strings.Join(cols, ", ")
	text := fmt.Sprintf("SELECT %s FROM (%s\n) AS t LIMIT %d", list, rel.Select, 2*sampledRows)
	if d == sql.DuckDB { // one query: what a file is like is found out anew with each
		text = fmt.Sprintf("WITH head AS MATERIALIZED (SELECT * FROM (%s\n) LIMIT %d)\n"+
			"SELECT %s FROM (SELECT * FROM head LIMIT %d) AS t UNION ALL\n"+
			"SELECT * FROM (SELECT %s FROM (SELECT * FROM head OFFSET %d) AS t ORDER BY hash(t) LIMIT %d)",
			rel.Select, sampledRows+sampledFrom, list, sampledRows, list, sampledRows, sampledRows)
	}
	for b, err := range l.Warehouse.Query(ctx, sql.Query{Name: "sample of " + t.Name, Text: text}) {
		if err != nil {
			return err
		}
		for i := range t.Columns {
			for row := range int(b.NumRows()) {
				v, _ := frame.Value(b, fmt.Sprintf("c%d", i), row).(string)
				t.Columns[i].Values = append(t.Columns[i].Values, v)
			}
		}
	}
	return nil
}

// Whole reads all rows of t and notes how many there are. It fails where one of them cannot be read.
func (l Scout) Whole(ctx context.Context, t *discover.Table) error {
	rel, err := l.relation(t)
	if err != nil {
		return err
	}
	f, err := l.Warehouse.Fingerprint(ctx, sql.Query{Name: "rows of " + t.Name, Text: rel.Select})
	t.Rows = f.Rows
	return err
}

// Overlap returns the Overlap that asks the warehouse. Errors count as nobody having looked.
func (l Scout) Overlap(ctx context.Context) discover.Overlap {
	d := l.Warehouse.Dialect()
	return func(of *discover.Table, a string, in *discover.Table, b string) (float64, bool) {
		i := slices.IndexFunc(of.Columns, func(c values.Column) bool { return c.Name == a })
		rel, err := l.relation(in)
		if i < 0 || err != nil {
			return 0, false
		}
		ids := slices.Sorted(maps.Keys(values.ShapeOf(of.Columns[i]).Values))
		if len(ids) == 0 {
			return 0, false
		}
		ids = ids[:min(len(ids), 500)]
		for k, id := range ids {
			ids[k] = d.Literal(id)
		}
		text := fmt.Sprintf("SELECT count(DISTINCT CAST(%[1]s AS %[2]s)) AS n FROM (%[3]s\n) AS t WHERE CAST(%[1]s AS %[2]s) IN (%[4]s)",
			values.Quoted(d, b), d.Type(frame.StringKind), rel.Select, strings.Join(ids, ", "))
		n := frame.Int64("n", "")
		for batch, err := range l.Warehouse.Query(ctx, sql.Query{Name: "ids of " + in.Name, Text: text}) {
			if err != nil {
				return 0, false
			}
			if batch.NumRows() == 1 {
				return float64(n.Of(batch).Value(0)) / float64(len(ids)), true
			}
		}
		return 0, false
	}
}

// Tables lists the tables and views of the warehouse, not yet looked at: those of the DuckDB file, or of a data set of
// BigQuery, given as PROJECT.DATASET.
func (l Scout) Tables(ctx context.Context, dataset string) ([]discover.Table, error) {
	text := "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database() AND table_schema = 'main' ORDER BY 1"
	if l.Warehouse.Dialect() == sql.BigQuery {
		at, err := sql.BigQuery.TableName(dataset)
		if err != nil {
			return nil, err
		}
		text = "SELECT table_name FROM " + at + ".INFORMATION_SCHEMA.TABLES ORDER BY table_name"
	}
	var names []string
	for b, err := range l.Warehouse.Query(ctx, sql.Query{Name: "tables", Text: text}) {
		if err != nil {
			return nil, err
		}
		for i := range int(b.NumRows()) {
			if s, ok := frame.Value(b, "table_name", i).(string); ok {
				names = append(names, s)
			}
		}
	}
	return tablesOf(names, dataset), nil
}

var daily = regexp.MustCompile(`^([\pL_][\pL\pN_]*_)[0-9]{8}$`)

// tablesOf makes tables of names. Those that end with a day, as exports of Google Analytics to BigQuery do, are one.
func tablesOf(names []string, dataset string) (out []discover.Table) {
	prefix := ""
	if _, name, ok := strings.Cut(dataset, "."); ok {
		prefix = name + "."
	}
	seen := map[string]bool{}
	for _, name := range names {
		m := daily.FindStringSubmatch(name)
		switch {
		case m == nil || prefix == "":
			out = append(out, discover.Table{Name: name, From: prefix + name, Rows: -1})
		case !seen[m[1]]:
			seen[m[1]] = true
			out = append(out, discover.Table{
				Name: strings.TrimRight(m[1], "_"), Query: "SELECT *\nFROM `" + dataset + "." + m[1] + "*`", Rows: -1,
				Note: "a table for each day; a filter on _TABLE_SUFFIX reads less",
			})
		}
	}
	return out
}

// Newest returns the newest day up to today that a row of s has, and the rows up to then; empty where there is none.
func (l Scout) Newest(ctx context.Context, s sql.Source, timezone string, today frame.Day) (day string, err error) {
	d := l.Warehouse.Dialect()
	describe := func(r sql.Relation) ([]sql.ColumnInfo, error) {
		q, err := sql.Select(r, d, nil)
		if err != nil {
			return nil, err
		}
		est, err := l.Warehouse.Estimate(ctx, q)
		return est.Columns, err
	}
	all, err := s.All(d)
	if err != nil {
		return "", err
	}
	has, err := describe(all)
	if err != nil {
		return "", err
	}
	rel, err := s.Mapped(d, has)
	if err != nil {
		return "", err
	}
	types, err := describe(rel)
	if err != nil {
		return "", err
	}
	typed, err := s.Typed(d, rel, types)
	if err != nil {
		return "", err
	}
	q, err := sql.Select(s.Newest(typed), d, map[string]any{"timezone": timezone, "as_of_day": int64(today)})
	if err != nil {
		return "", err
	}
	n := frame.Int64("n", "")
	for b, err := range l.Warehouse.Query(ctx, q) {
		if err != nil {
			return "", err
		}
		if b.NumRows() == 1 && n.Of(b).IsValid(0) {
			return frame.TimeOf(frame.Day(n.Of(b).Value(0))).Format("2006-01-02"), nil
		}
	}
	return "", nil
}
