package warehousetest

import (
	"math"
	"strings"
	"sync"
	"testing"

	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

var nullable = frame.Table{Name: "nullable", Doc: "Numbers, or none.", Columns: []frame.Column{number.Null().Column, valueCol.Column}}

func materialize(t *testing.T, open Place) {
	wh := claimed(t, open)
	ref := stage(t, wh, numbers, count(0, 10))
	q := query(t, wh, "SELECT 'x' AS extra, CAST(n AS NUMERIC) AS value, @run AS run_id, CAST(n AS STRING) AS id FROM "+ref.Name+" WHERE n < @limit",
		map[string]any{"run": "it's", "limit": int64(3)})
	out, err := wh.Materialize(t.Context(), whole, q)
	ok(t, err)
	equal(t, "rows", out.Rows, 3)
	got := sorted(t, wh.Scan(t.Context(), out, whole.Columns...))
	equal(t, "rows", strings.Join(got, ", "), "it's | 0 | 0, it's | 1 | 1, it's | 2 | 2")

	_, err = wh.Materialize(t.Context(), whole, query(t, wh, "SELECT 'x' AS id, 'y' AS run_id", nil))
	if err == nil || !strings.Contains(err.Error(), "value") {
		t.Errorf("got %v, want an error that names the column that is missing", err)
	}
	ok(t, wh.Close())
}

func materializeRefuses(t *testing.T, open Place) {
	wh := claimed(t, open)
	ref := stage(t, wh, numbers, count(0, 10))
	for _, bad := range []string{"CAST('NaN' AS FLOAT64)", "CAST('inf' AS FLOAT64)", "CAST('-inf' AS FLOAT64)"} {
		_, err := wh.Materialize(t.Context(), whole,
			query(t, wh, "SELECT 'r' AS run_id, 'i' AS id, CASE WHEN n < 4 THEN "+bad+" ELSE 1 END AS value FROM "+ref.Name, nil))
		fails(t, err, warehouse.ErrBadData, "value", "4")
	}
	_, err := wh.Materialize(t.Context(), whole,
		query(t, wh, "SELECT 'r' AS run_id, CASE WHEN n > 2 THEN 'i' END AS id, 1.0 AS value FROM "+ref.Name, nil))
	fails(t, err, warehouse.ErrBadData, "id", "3")
	good, err := wh.Materialize(t.Context(), whole, query(t, wh, "SELECT 'r' AS run_id, 'i' AS id, CAST(NULL AS FLOAT64) AS value", nil))
	ok(t, err)
	equal(t, "rows", good.Rows, 1)
	ok(t, wh.Close())
}

func writeRefuses(t *testing.T, open Place) {
	wh := claimed(t, open)
	r := newRun(0, "a", "")
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		w, err := wh.Stage(t.Context(), whole)
		ok(t, err)
		ok(t, w.Write(data(whole, r, 2, 1)))
		fails(t, w.Write(data(whole, r, 3, bad)), warehouse.ErrBadData, "whole", "value", "3")
		if _, err := w.Commit(); err == nil {
			t.Error("what was refused is committed")
		}
		ok(t, w.Abort())
	}
	w, err := wh.Stage(t.Context(), numbers)
	ok(t, err)
	nulls := frame.Record(number.Null().Array([]int64{1, 2, 3}, []bool{true, false, false}))
	fails(t, w.Write(nulls), warehouse.ErrBadData, "numbers", "n", "2")
	ok(t, w.Abort())

	w, err = wh.Stage(t.Context(), numbers)
	ok(t, err)
	if err := w.Write(data(whole, r, 1, 1)); err == nil || !strings.Contains(err.Error(), "n") {
		t.Errorf("got %v, want an error about the schema", err)
	}
	ok(t, w.Abort())

	// What lies under a NULL is nobody's business.
	hidden := frame.Record(number.Array([]int64{1, 2}, nil), valueCol.Array([]float64{math.NaN(), 1}, []bool{false, true}))
	ref := stage(t, wh, nullable, hidden)
	equal(t, "rows", strings.Join(sorted(t, wh.Scan(t.Context(), ref, nullable.Columns...)), ", "), "1 | (null), 2 | 1")
	ok(t, wh.Close())
}

func abort(t *testing.T, open Place) {
	wh := claimed(t, open)
	w, err := wh.Stage(t.Context(), numbers)
	ok(t, err)
	ok(t, w.Write(count(0, 5)))
	ok(t, w.Abort())
	ok(t, w.Abort())
	if err := w.Write(count(0, 5)); err == nil {
		t.Error("a writer writes after Abort")
	}
	if _, err := w.Commit(); err == nil {
		t.Error("a writer commits after Abort")
	}
	kept := stage(t, wh, numbers, count(0, 3))
	left, err := wh.Stage(t.Context(), nullable) // neither committed nor aborted
	ok(t, err)
	ok(t, left.Write(frame.Record(number.Array([]int64{1}, nil), valueCol.Array([]float64{1}, nil))))
	equal(t, "rows", len(lines(t, wh.Scan(t.Context(), kept, number.Column))), 3)
	for _, err := range wh.Scan(t.Context(), warehouse.Ref{Name: strings.Replace(kept.Name, "numbers", "nullable", 1), Table: nullable, Rows: -1}) {
		if err == nil {
			t.Error("what was not committed can be read")
		}
	}
	ok(t, left.Abort())
	ok(t, wh.Close())
}

func concurrent(t *testing.T, open Place) {
	wh := claimed(t, open)
	source := stage(t, wh, numbers, count(0, 150_000))
	tables := []frame.Table{numbers, numbers, numbers}
	refs := make([]warehouse.Ref, len(tables))
	var group sync.WaitGroup
	for i := range tables {
		tables[i].Name = "copy_" + string(rune('a'+i))
		group.Go(func() {
			w, err := wh.Stage(t.Context(), tables[i])
			if err != nil {
				t.Error(err)
				return
			}
			for b, err := range wh.Scan(t.Context(), source, number.Column) {
				if err == nil {
					err = w.Write(b)
				}
				if err != nil {
					t.Error(err)
					break
				}
			}
			if refs[i], err = w.Commit(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i, ref := range refs {
		equal(t, tables[i].Name, ref.Rows, 150_000)
		copied := query(t, wh, "SELECT count(DISTINCT n) AS rows_, min(n) AS low, max(n) AS high FROM "+ref.Name, nil)
		equal(t, "the copy", strings.Join(lines(t, wh.Query(t.Context(), copied)), ""), "150000 | 0 | 149999")
	}
	ok(t, wh.Close())
}
