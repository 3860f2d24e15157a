// Package warehousetest is the contract of a warehouse as a test that every implementation runs, whole.
//
// It speaks the SQL that the dialects share, and makes its inputs by staging them.
package warehousetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// A Place opens one and the same warehouse each time that it is called. It is empty at first.
// Whoever opens a warehouse closes it; one that the test has not closed is to be closed when the test ends.
type Place func(t *testing.T) warehouse.Warehouse

// Run holds the warehouses that newPlace makes against the contract.
func Run(t *testing.T, newPlace func(t *testing.T) Place) {
	t.Helper()
	for _, check := range []struct {
		name string
		run  func(*testing.T, Place)
	}{
		{"every kind comes back as it went in", kinds},
		{"every row of many batches comes back, again and again", batches},
		{"an empty table is a table", empty},
		{"a range that is left early frees what it holds", early},
		{"parameters of every type arrive", parameters},
		{"results have the kinds of frame", results},
		{"a query is described without running", estimate},
		{"a fingerprint is that of the rows", fingerprint},
		{"a query's result is staged by name", materialize},
		{"bad numbers and NULLs are refused by Materialize", materializeRefuses},
		{"bad numbers and NULLs are refused by Write", writeRefuses},
		{"what is not committed is not there", abort},
		{"several writers and readers work at once", concurrent},
		{"the end of the context ends a query", cancel},
		{"one run at a time", busy},
		{"a slot is published once", doneOnce},
		{"a run builds on the newest one before it", moved},
		{"a warehouse has one owner", owner},
		{"a publish replaces what its partition says", replaces},
		{"an older date does not change what is current", late},
		{"a backfill is never current", backfill},
		{"a backfill leaves alone what a run has published", backfillDone},
		{"a day is the one that the calendar shows", zones},
		{"rows that do not agree change nothing", uncounted},
		{"columns are added, and read as NULL where they lack", additive},
		{"old dates are let go", retention},
		{"a backfill lets nothing go that is current", retentionOfBackfill},
		{"a date that was let go is published again", retentionUndone},
		{"an entry without a publish changes nothing else", recorded},
		{"an entry unpublishes nothing", unpublishes},
		{"what is staged can be read after an entry", readAfterRecord},
		{"views are renewed and go", views},
		{"sweeping takes nothing that is in use", sweep},
		{"what a rejected run has staged can be kept", keeps},
		{"one run of a date is kept", keepsOne},
		{"nothing is kept without a claim", keepsNothing},
	} {
		t.Run(strings.ReplaceAll(check.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			check.run(t, newPlace(t))
		})
	}
}

// The tables of the tests, one for each way of replacing rows.
var (
	asOfCol  = frame.Date("as_of", "The date.")
	runCol   = frame.String("run_id", "The run.")
	idCol    = frame.String("id", "The key.")
	valueCol = frame.Float64("value", "A number.").Null()
	addedCol = frame.Int64("added", "A later column.").Null()

	dated = frame.Table{
		Name: "dated", Doc: "Rows of a date.", PartitionBy: "as_of", Key: []string{"as_of", "id"},
		Columns: []frame.Column{asOfCol.Column, runCol.Column, idCol.Column, valueCol.Column},
	}
	whole = frame.Table{
		Name: "whole", Doc: "Rows of the newest date.", Key: []string{"id"},
		Columns: []frame.Column{runCol.Column, idCol.Column, valueCol.Column},
	}
	perRun = frame.Table{
		Name: "per_run", Doc: "Rows of a run.", PartitionBy: "run_id", Key: []string{"run_id", "id"},
		Columns: []frame.Column{runCol.Column, idCol.Column, valueCol.Column},
	}
)

// view returns the table that stands for t's view of the newest date.
func view(t frame.Table) frame.Table { t.Name += "_current"; return t }

// day returns the n-th day of the tests.
func day(n int) time.Time { return time.Date(2024, 2, 27+n, 0, 0, 0, 0, time.UTC) }

// newRun returns the run of the n-th day whose digest begins with the letter digest.
func newRun(n int, digest, previous string) warehouse.Run {
	d := strings.Repeat(digest, 64)
	return warehouse.Run{ID: day(n).Format("2006-01-02") + "-" + d[:12], Name: "test", AsOf: day(n), Digest: d, Previous: previous}
}

// history returns r as a backfill.
func history(r warehouse.Run) warehouse.Run { r.Backfill = true; return r }

// clock counts up, so that later entries are later.
type clock struct{ minutes int }

func (c *clock) entry(r warehouse.Run, s warehouse.State) warehouse.Entry {
	c.minutes += 2
	at := time.Date(2024, 6, 1, 0, c.minutes, 0, 0, time.UTC)
	return warehouse.Entry{
		Run: r, State: s, StartedAt: at.Add(-time.Minute), EndedAt: at, Customers: 7, LeftOut: 1, CodeVersion: "v1", Message: "It's done.",
	}
}

// data returns a batch of t with n rows, whose values are value.
func data(t frame.Table, r warehouse.Run, n int, value float64) frame.Batch {
	fill := func(v float64) []float64 { return slices.Repeat([]float64{v}, n) }
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("id %04d", i)
	}
	var cols []frame.Data
	for _, c := range t.Columns {
		switch c.Name {
		case "as_of":
			cols = append(cols, asOfCol.Array(slices.Repeat([]frame.Day{frame.DayOf(r.AsOf)}, n), nil))
		case "run_id":
			cols = append(cols, runCol.Array(slices.Repeat([]string{r.ID}, n), nil))
		case "id":
			cols = append(cols, idCol.Array(ids, nil))
		case "value":
			cols = append(cols, valueCol.Array(fill(value), nil))
		case "added":
			cols = append(cols, addedCol.Array(slices.Repeat([]int64{int64(value)}, n), nil))
		}
	}
	return frame.Record(cols...)
}

// stage stages batches as t.
func stage(t *testing.T, wh warehouse.Warehouse, table frame.Table, batches ...frame.Batch) warehouse.Ref {
	t.Helper()
	w, err := wh.Stage(t.Context(), table)
	ok(t, err)
	for _, b := range batches {
		ok(t, w.Write(b))
	}
	ref, err := w.Commit()
	ok(t, err)
	return ref
}

// claimed opens the warehouse and claims a run of day 0 in it.
func claimed(t *testing.T, open Place) warehouse.Warehouse {
	t.Helper()
	wh := open(t)
	ok(t, wh.Claim(t.Context(), newRun(0, "a", "")))
	return wh
}

// A generation is a publish: rows of value, n of them in each of the three tables.
type generation struct {
	run      warehouse.Run
	n        int
	value    float64
	keepFrom time.Time
}

// publish makes g visible, and returns the run's id.
func publish(t *testing.T, open Place, c *clock, g generation) string {
	t.Helper()
	wh := open(t)
	ok(t, wh.Claim(t.Context(), g.run))
	var refs []warehouse.Ref
	for _, table := range []frame.Table{dated, whole, perRun} {
		refs = append(refs, stage(t, wh, table, data(table, g.run, g.n, g.value)))
	}
	ok(t, wh.Publish(t.Context(), c.entry(g.run, warehouse.Published), g.keepFrom, nil, refs...))
	ok(t, wh.Close())
	return g.run.ID
}

// summary returns how many rows of which value the published table has, by run: "RUN 3x1, …".
func summary(t *testing.T, open Place, table frame.Table) string {
	t.Helper()
	wh := open(t)
	defer func() { ok(t, wh.Close()) }()
	return summarize(t, wh, table)
}

func summarize(t *testing.T, wh warehouse.Warehouse, table frame.Table) string {
	t.Helper()
	ref, there, err := wh.Published(t.Context(), table)
	ok(t, err)
	if !there {
		return "none"
	}
	rows := map[string]int{}
	for b, err := range wh.Scan(t.Context(), ref, runCol.Column, valueCol.Column) {
		ok(t, err)
		for i := range int(b.NumRows()) {
			rows[fmt.Sprintf("%s %v", runCol.Of(b).Value(i)[:12], valueCol.Of(b).Value(i))]++
		}
	}
	var out []string
	for k, n := range rows {
		out = append(out, fmt.Sprintf("%sx%d", k, n))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// query returns the query text over relations, with parameters as @name.
func query(t *testing.T, wh warehouse.Warehouse, text string, params map[string]any) sql.Query {
	t.Helper()
	q, err := sql.Select(sql.Relation{Name: "test", Select: text}, wh.Dialect(), params)
	ok(t, err)
	return q
}

// lines returns the rows of in as text, one line a row, in their order.
func lines(t *testing.T, in frame.Batches) []string {
	t.Helper()
	var out []string
	for b, err := range in {
		ok(t, err)
		for i := range int(b.NumRows()) {
			row := make([]string, b.NumCols())
			for j := range row {
				row[j] = b.Column(j).ValueStr(i)
			}
			out = append(out, strings.Join(row, " | "))
		}
	}
	return out
}

// sorted returns the rows of in as text, one line a row, in the order of the text: what is scanned comes in any order.
func sorted(t *testing.T, in frame.Batches) []string {
	t.Helper()
	out := lines(t, in)
	slices.Sort(out)
	return out
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// fails checks that err is of the kind want and speaks of each of words.
func fails(t *testing.T, err, want error, words ...string) {
	t.Helper()
	if err == nil || !errors.Is(err, want) {
		t.Fatalf("got the error %v, want one of the kind %q", err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not speak of %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error %q has several lines", err)
	}
}
