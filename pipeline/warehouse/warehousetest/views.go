package warehousetest

import (
	"strings"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

var (
	countCol  = frame.Int64("n", "How many rows.")
	countView = frame.Table{Name: "counted", Columns: []frame.Column{countCol.Column}}
)

// counted is a view of how many rows the relation t has.
func counted(name, doc string, t sql.Relation) warehouse.View {
	return warehouse.View{Name: name, Doc: doc, Query: "table_rows", Over: []sql.Relation{t}}
}

// A view reads what is published and what it is over, is renewed by each publish, and goes when it is not wanted; what
// somebody else has called so stays.
func views(t *testing.T, open Place) {
	var c clock
	previous, n := "", 0
	published := func(vs ...warehouse.View) string {
		run := newRun(n, "a", previous)
		previous, n = run.ID, n+1
		wh := open(t)
		defer func() { ok(t, wh.Close()) }()
		ok(t, wh.Claim(t.Context(), run))
		ok(t, wh.Publish(t.Context(), c.entry(run, warehouse.Published), time.Time{}, vs, stage(t, wh, dated, data(dated, run, n, 1))))
		ref, there, err := wh.Published(t.Context(), countView)
		ok(t, err)
		if !there {
			return "none"
		}
		return strings.Join(lines(t, wh.Query(t.Context(), query(t, wh, "SELECT n FROM "+ref.Name, nil))), ", ")
	}
	two := sql.Relation{Name: "t", Select: "SELECT 1 AS x UNION ALL SELECT 2"}
	gone := warehouse.View{Name: "counted", Doc: "How many.", Query: "table_rows", Gone: true}
	equal(t, "a view that nobody wants", published(gone), "none")
	equal(t, "over a relation", published(counted("counted", "How many.", two)), "2")
	equal(t, "over what is published", published(counted("t", "One row.", sql.Relation{Name: "t", Select: "SELECT 1 AS x"}),
		warehouse.View{Name: "counted", Doc: "How many.", Query: "table_rows", Reads: []string{"t"}}), "1")
	equal(t, "a view that is gone", published(gone), "none")
	equal(t, "somebody else's view", published(counted("counted", "Another text.", two)), "2")
	equal(t, "what is not ours", published(gone), "2")
}
