package sql_test

import (
	"context"
	stdsql "database/sql"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A db is a DuckDB in memory with one connection, which has run the prelude.
type db struct {
	*stdsql.Conn
	t testing.TB
}

func open(t testing.TB, path string) db {
	t.Helper()
	pool, err := stdsql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	c, err := pool.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	d := db{c, t}
	for _, s := range sql.DuckDBPrelude {
		d.exec(sql.Query{Text: s})
	}
	return d
}

func args(q sql.Query) []any {
	var out []any
	for _, name := range slices.Sorted(maps.Keys(q.Params)) {
		out = append(out, stdsql.Named(name, q.Params[name]))
	}
	return out
}

func (d db) exec(q sql.Query) {
	d.t.Helper()
	if _, err := d.ExecContext(context.Background(), q.Text, args(q)...); err != nil {
		d.t.Fatalf("%s: %v\n%s", q.Name, err, q.Text)
	}
}

// rows returns the result of q as text, in its order; NULL is the empty string.
func (d db) rows(q sql.Query) (header []string, rows [][]string) {
	d.t.Helper()
	rs, err := d.QueryContext(context.Background(), "SELECT COLUMNS(*)::VARCHAR FROM ("+q.Text+"\n)", args(q)...)
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", q.Name, err, q.Text)
	}
	defer rs.Close()
	if header, err = rs.Columns(); err != nil {
		d.t.Fatal(err)
	}
	for rs.Next() {
		values, into := make([]stdsql.NullString, len(header)), make([]any, len(header))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rs.Scan(into...); err != nil {
			d.t.Fatal(err)
		}
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = v.String
		}
		rows = append(rows, row)
	}
	if err := rs.Err(); err != nil {
		d.t.Fatalf("%s: %v", q.Name, err)
	}
	return header, rows
}

// describe returns the columns of r as a warehouse would.
func (d db) describe(r sql.Relation) []sql.ColumnInfo {
	d.t.Helper()
	_, rows := d.rows(sql.Query{Text: "SELECT column_name, column_type FROM (DESCRIBE " + r.Select + ")"})
	var out []sql.ColumnInfo
	for _, r := range rows {
		out = append(out, sql.ColumnInfo{Name: r[0], Native: r[1], Family: family(r[1])})
	}
	return out
}

func family(native string) sql.Family {
	switch {
	case native == "VARCHAR":
		return sql.Text
	case strings.HasPrefix(native, "DECIMAL"):
		return sql.Decimal
	case native == "DOUBLE":
		return sql.Float
	case strings.HasSuffix(native, "INT"), native == "INTEGER":
		return sql.Integer
	case native == "BOOLEAN":
		return sql.Boolean
	case native == "DATE":
		return sql.Day
	case native == "TIMESTAMP":
		return sql.Timestamp
	case native == "TIMESTAMP WITH TIME ZONE":
		return sql.Instant
	case native == `"NULL"`:
		return sql.Null
	}
	return sql.Other
}

// A world is the sources and what has been staged of them.
type world struct {
	db
	have   map[string]sql.Relation
	params map[string]any
}

// newWorld stages the canonical and prepared tables of sources. asOf and today are days in zone.
func newWorld(d db, zone, asOf, today string, sources []sql.Source) world {
	d.t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		d.t.Fatal(err)
	}
	w := world{d, map[string]sql.Relation{}, map[string]any{
		"timezone": zone, "today_day": day(d.t, today), "undated": true,
		"horizon_days": int64(90), "band_2": int64(2), "band_3": int64(3), "band_4": int64(4), "band_5": int64(6),
		"web_window_days": int64(90), "intent_window_days": int64(14), "engaged_session_seconds": int64(300),
		"engaged_session_page_views": int64(3), "hot_lead_views": int64(3),
		"conversion_kind": "any", "segmentation": "core_segment", "min_group": int64(2), "experiment_days": int64(30),
		"attribution_days": int64(90), "attribution_window_days": int64(30), "attribution_touches": int64(20), "attribution_channels": int64(50),
		"half_life_days": int64(7), "funnel_pages": int64(10), "has_touchpoints": false, "frequency_days": int64(730),
		"has_web": false, "has_email": false, "has_discounts": false, "has_stores": false, "has_conversions": false,
	}}
	w.setAsOf(asOf, loc)
	w.have["rates"] = sql.Rates(map[string]float64{"usd": 0.5}, sql.DuckDB)
	w.have["horizons"] = sql.Horizons(sql.DuckDB, 30, 90)
	w.have["previous"] = sql.Empty(frame.Table{Name: "previous", Columns: []frame.Column{
		customer.ID.Column, frame.String("core_segment", "").Column, frame.Date("core_segment_since", "").Column,
	}}, sql.DuckDB)
	for _, name := range sql.SourceNames() {
		t := sql.Canonical(name)
		w.have[t.Name] = sql.Empty(t, sql.DuckDB)
	}
	for _, s := range sources {
		all, err := s.All(sql.DuckDB)
		if err != nil {
			d.t.Fatal(err)
		}
		has := d.describe(all)
		if s.Columns == nil {
			s.Columns = map[string]string{}
			for _, c := range has {
				s.Columns[c.Name] = c.Name
			}
		}
		mapped, err := s.Mapped(sql.DuckDB, has)
		if err != nil {
			d.t.Fatal(err)
		}
		typed, err := s.Typed(sql.DuckDB, mapped, d.describe(mapped))
		if err != nil {
			d.t.Fatal(err)
		}
		w.have["source"] = typed
		w.stage(sql.Canonical(s.Name))
		for param, source := range map[string]string{"has_web": "web_events", "has_email": "email_events", "has_conversions": "conversions", "has_touchpoints": "touchpoints"} {
			if s.Name == source {
				w.params[param] = true
			}
		}
		if s.Name == "orders" {
			w.params["has_discounts"], w.params["has_stores"] = s.Columns["discount_amount"] != "", s.Columns["store_id"] != ""
		}
	}
	for _, t := range sql.Prepared() {
		w.stage(t)
	}
	var attributes []string
	for _, s := range sources {
		attributes = append(attributes, s.Attributes...)
	}
	w.have["attributes"] = sql.Attributes(attributes, sql.DuckDB, w.have["canonical_customers"])
	return w
}

func day(t testing.TB, s string) int64 {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d.Unix() / 86400
}

func (w world) setAsOf(asOf string, loc *time.Location) {
	end, err := time.ParseInLocation(time.DateOnly, asOf, loc)
	if err != nil {
		w.t.Fatal(err)
	}
	w.params["as_of_day"], w.params["as_of_end_us"] = day(w.t, asOf), end.AddDate(0, 0, 1).UnixMicro()
}

// bind returns the query called name over what has been staged.
func (w world) bind(name string) sql.Query {
	w.t.Helper()
	rels, err := sql.Resolve(name, sql.DuckDB, slices.Collect(maps.Values(w.have))...)
	if err != nil {
		w.t.Fatal(err)
	}
	q, err := sql.Bind(name, sql.DuckDB, w.params, rels...)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

// stage stores the result of the query called t.Name as t, so that types and forbidden NULLs are checked.
func (w world) stage(t frame.Table) {
	w.t.Helper()
	q := w.bind(t.Name)
	w.exec(sql.Query{Text: "DROP TABLE IF EXISTS " + t.Name})
	w.exec(sql.Query{Text: sql.CreateTable(t, sql.DuckDB, t.Name)})
	names, types := make([]string, len(t.Columns)), w.types(q)
	for i, c := range t.Columns {
		names[i] = c.Name
		if got, want := types[c.Name], sql.DuckDB.Type(c.Kind); got != want {
			w.t.Errorf("%s.%s is of type %s, want %s", t.Name, c.Name, got, want)
		}
	}
	w.exec(sql.Query{
		Name: t.Name, Params: q.Params,
		Text: "INSERT INTO " + t.Name + " BY NAME SELECT " + strings.Join(names, ", ") + " FROM (" + q.Text + "\n)",
	})
	w.have[t.Name] = sql.Relation{Name: t.Name, Select: "SELECT * FROM " + t.Name}
}

// types returns the types of the columns of q.
func (d db) types(q sql.Query) map[string]string {
	d.t.Helper()
	rs, err := d.QueryContext(context.Background(), "SELECT * FROM ("+q.Text+"\n) LIMIT 0", args(q)...)
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", q.Name, err, q.Text)
	}
	defer rs.Close()
	columns, err := rs.ColumnTypes()
	if err != nil {
		d.t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range columns {
		out[c.Name()] = c.DatabaseTypeName()
	}
	return out
}

// features stages the customer features as of the date of the world.
func (w world) features() {
	w.t.Helper()
	for _, t := range sql.AsOf() {
		w.stage(t)
	}
	w.stage(customer.Features)
	w.have["features"] = sql.Relation{Name: "features", Select: w.have["customer_features"].Select}
	w.stage(outcomes)
}

var outcomes = frame.Table{Name: "outcomes", Key: []string{"customer_id", "conversion_kind", "horizon_days"}, Columns: []frame.Column{
	customer.ID.Column, frame.String("conversion_kind", "").Column, frame.Int64("horizon_days", "").Column, frame.Int64("conversions", "").Column,
	frame.Int64("value_e4", "").Column,
}}

// table returns the columns of the query called name as CSV, its rows in order.
func (w world) table(name string, columns []string) string {
	w.t.Helper()
	r, ok := w.have[name] // staged tables have their own names in the database
	q := sql.Query{Name: name, Text: r.Select}
	if !ok {
		q = w.bind(name)
	}
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = `"` + c + `"`
	}
	q.Text = "SELECT " + strings.Join(quoted, ", ") + " FROM (" + q.Text + "\n)"
	_, rows := w.rows(q)
	slices.SortFunc(rows, slices.Compare)
	var b strings.Builder
	out := csv.NewWriter(&b)
	if err := out.WriteAll(append([][]string{columns}, rows...)); err != nil {
		w.t.Fatal(err)
	}
	return b.String()
}

// digest returns a number that stands for all rows of a staged table, whatever their order.
func (w world) digest(name string) string {
	w.t.Helper()
	_, rows := w.rows(sql.Query{Text: fmt.Sprintf("SELECT count(*), sum(hash(t)) FROM %s AS t", name)})
	return strings.Join(rows[0], " ")
}
