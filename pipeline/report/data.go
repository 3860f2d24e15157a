package report

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"

	"segments/sql"
	"segments/transforms/frame"
)

// data gives panels the tables of the run, each read once. The first error is kept in err, and everything is empty after
// it: build looks once a panel.
type data struct {
	Source
	ctx    context.Context
	err    error
	cached map[string][]record
}

// A record is a row: values by column, as frame.Value gives them.
type record map[string]any

func newData(ctx context.Context, s Source) *data {
	return &data{Source: s, ctx: ctx, cached: map[string][]record{}}
}

// has says whether the run left all of these tables.
func (d *data) has(tables ...string) bool {
	for _, t := range tables {
		_, ok, err := d.Table(d.ctx, t)
		if err != nil {
			d.fail(err)
		}
		if !ok || err != nil {
			return false
		}
	}
	return true
}

// rows returns the rows of the dated table called name on the run's day, by its key: warehouses give them in any order.
func (d *data) rows(table string) []record {
	rows := d.query("report_day", map[string]string{"t": table})
	at := slices.IndexFunc(d.Declared, func(t frame.Table) bool { return t.Name == table })
	if at < 0 {
		return rows
	}
	slices.SortStableFunc(rows, func(a, b record) int {
		for _, k := range d.Declared[at].Key {
			x, isNumber := a.number(k)
			y, _ := b.number(k)
			if c := cmp.Compare(x, y); isNumber && c != 0 {
				return c
			}
			if c := cmp.Compare(a.text(k), b.text(k)); c != 0 {
				return c
			}
		}
		return 0
	})
	return rows
}

// query returns the rows of the query called name; tables says which table stands under which name in it. The query may
// use the parameters as_of (the run's day) and as_of_day (the same as days since 1970-01-01), run_id, min_group and segmentation (the core segment's).
func (d *data) query(name string, tables map[string]string) []record {
	if d.err != nil {
		return nil
	}
	key := fmt.Sprint(name, tables) // maps are printed in order
	if rows, ok := d.cached[key]; ok {
		return rows
	}
	rows, err := d.ask(name, tables)
	if err != nil {
		d.fail(fmt.Errorf("report: %w", err))
	}
	d.cached[key] = rows
	return rows
}

func (d *data) ask(name string, tables map[string]string) ([]record, error) {
	var have []sql.Relation
	for alias, t := range tables {
		ref, ok, err := d.Table(d.ctx, t)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, nil
		}
		have = append(have, ref.As(alias))
	}
	reads, err := sql.Resolve(name, d.Warehouse.Dialect(), have...)
	if err != nil {
		return nil, err
	}
	q, err := sql.Bind(name, d.Warehouse.Dialect(), map[string]any{
		"as_of": frame.DayOf(d.Run.AsOf), "as_of_day": int64(frame.DayOf(d.Run.AsOf)), "run_id": d.Run.ID, "min_group": d.MinGroup, "segmentation": d.CoreSegment,
	}, reads...)
	if err != nil {
		return nil, err
	}
	var rows []record
	for b, err := range d.Warehouse.Query(d.ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("query %s: %w", name, err)
		}
		for i := range int(b.NumRows()) {
			r := record{}
			for _, f := range b.Schema().Fields() {
				r[f.Name] = frame.Value(b, f.Name, i)
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// onlyCurrency is the code that the run's check found to be that of all orders; empty where they do not say.
func (d *data) onlyCurrency() string {
	for _, c := range d.query("run_checks", map[string]string{"run_checks": "run_checks"}) {
		if c.text("check_name") == "one_currency" && currencyCode.MatchString(c.text("detail")) {
			return c.text("detail")
		}
	}
	return ""
}

func (d *data) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// text returns the text in column c; empty where there is none.
func (r record) text(c string) string {
	s, _ := r[c].(string)
	return s
}

// number returns the number in column c; ok is false where there is none.
func (r record) number(c string) (v float64, ok bool) {
	switch v := r[c].(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// values returns the values of columns cs, for a row of a table.
func (r record) values(cs ...string) []any {
	out := make([]any, len(cs))
	for i, c := range cs {
		out[i] = r[c]
	}
	return out
}
