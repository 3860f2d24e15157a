package warehousetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

func busy(t *testing.T, open Place) {
	first, second := open(t), open(t)
	ok(t, first.Claim(t.Context(), newRun(0, "a", "")))
	fails(t, second.Claim(t.Context(), newRun(0, "a", "")), warehouse.ErrBusy)
	fails(t, second.Claim(t.Context(), newRun(0, "b", "")), warehouse.ErrBusy)
	ok(t, first.Close())
	ok(t, second.Claim(t.Context(), newRun(0, "b", "")))
	ok(t, second.Close())
	ok(t, second.Close())
}

func doneOnce(t *testing.T, open Place) {
	var c clock
	a := newRun(0, "a", "")
	publish(t, open, &c, generation{run: a, n: 2, value: 1})
	wh := open(t)
	fails(t, wh.Claim(t.Context(), a), warehouse.ErrDone, a.ID)
	ok(t, wh.Close())
	publish(t, open, &c, generation{run: newRun(0, "b", ""), n: 3, value: 2})
	equal(t, "after another digest", summary(t, open, dated), "2024-02-27-b 2x3")
	publish(t, open, &c, generation{run: a, n: 2, value: 1}) // the inputs are again what they were
	equal(t, "after the first digest", summary(t, open, dated), "2024-02-27-a 1x2")
	wh = open(t)
	fails(t, wh.Claim(t.Context(), a), warehouse.ErrDone)
	ok(t, wh.Close())
}

func moved(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 1, value: 1})
	wh := open(t)
	fails(t, wh.Claim(t.Context(), newRun(1, "b", "")), warehouse.ErrMoved, first)
	fails(t, wh.Claim(t.Context(), newRun(1, "b", "no-such-run")), warehouse.ErrMoved)
	ok(t, wh.Close())
	publish(t, open, &c, generation{run: newRun(2, "b", first), n: 1, value: 2})
	publish(t, open, &c, generation{run: newRun(1, "c", first), n: 1, value: 3}) // late: what is newer than it does not count
	wh = open(t)
	fails(t, wh.Claim(t.Context(), newRun(3, "d", first)), warehouse.ErrMoved)
	ok(t, wh.Close())
}

func owner(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 1, value: 1})
	other := newRun(1, "b", first)
	other.Name = "another"
	wh := open(t)
	fails(t, wh.Claim(t.Context(), other), warehouse.ErrOwner, "another", "test")
	fails(t, wh.Record(t.Context(), c.entry(other, warehouse.Failed)), warehouse.ErrOwner)
	ok(t, wh.Close())
}

func replaces(t *testing.T, open Place) {
	var c clock
	equal(t, "at first", summary(t, open, dated), "none")
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 2, value: 1})
	second := publish(t, open, &c, generation{run: newRun(1, "b", first), n: 3, value: 2})
	equal(t, "dated", summary(t, open, dated), "2024-02-27-a 1x2, 2024-02-28-b 2x3")
	equal(t, "the newest date", summary(t, open, view(dated)), "2024-02-28-b 2x3")
	equal(t, "whole", summary(t, open, whole), "2024-02-28-b 2x3")
	equal(t, "by run", summary(t, open, perRun), "2024-02-27-a 1x2, 2024-02-28-b 2x3")

	publish(t, open, &c, generation{run: newRun(1, "c", first), n: 4, value: 3}) // the same date again
	equal(t, "dated", summary(t, open, dated), "2024-02-27-a 1x2, 2024-02-28-c 3x4")
	equal(t, "whole", summary(t, open, whole), "2024-02-28-c 3x4")
	equal(t, "by run", summary(t, open, perRun), "2024-02-27-a 1x2, 2024-02-28-b 2x3, 2024-02-28-c 3x4")

	wh := open(t)
	defer func() { ok(t, wh.Close()) }()
	equal(t, "the ledger", strings.Join(ledger(t, wh, warehouse.Runs), "; "),
		first+" PUBLISHED; "+second+" PUBLISHED; "+newRun(1, "c", first).ID+" PUBLISHED")
	// A warehouse answers after its own publish.
	next := newRun(2, "d", newRun(1, "c", first).ID)
	ok(t, wh.Claim(t.Context(), next))
	ref := stage(t, wh, dated, data(dated, next, 1, 9))
	equal(t, "staged only", summarize(t, wh, view(dated)), "2024-02-28-c 3x4")
	ok(t, wh.Publish(t.Context(), c.entry(next, warehouse.Published), time.Time{}, nil, ref))
	equal(t, "published", summarize(t, wh, view(dated)), "2024-02-29-d 9x1")
	equal(t, "staging after it", len(lines(t, wh.Scan(t.Context(), ref, dated.Columns...))), 1)
}

// ledger returns the runs and states of the ledger, or of its view.
func ledger(t *testing.T, wh warehouse.Warehouse, table frame.Table) []string {
	t.Helper()
	ref, there, err := wh.Published(t.Context(), table)
	ok(t, err)
	if !there {
		return []string{"none"}
	}
	return lines(t, frame.Map(wh.Query(t.Context(), query(t, wh, "SELECT run_id, state, ended_at FROM "+ref.Name+" ORDER BY ended_at", nil)),
		func(b frame.Batch) (frame.Batch, error) { return joined(b), nil }))
}

// joined returns the first two columns of b as one.
func joined(b frame.Batch) frame.Batch {
	s := make([]string, b.NumRows())
	for i := range s {
		s[i] = b.Column(0).ValueStr(i) + " " + b.Column(1).ValueStr(i)
	}
	return frame.Record(textCol.Array(s, nil))
}

func late(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 1, value: 1})
	publish(t, open, &c, generation{run: newRun(2, "b", first), n: 3, value: 2})
	publish(t, open, &c, generation{run: newRun(1, "c", first), n: 2, value: 3})
	equal(t, "dated", summary(t, open, dated), "2024-02-27-a 1x1, 2024-02-28-c 3x2, 2024-02-29-b 2x3")
	equal(t, "the newest date", summary(t, open, view(dated)), "2024-02-29-b 2x3")
	equal(t, "whole", summary(t, open, whole), "2024-02-29-b 2x3")
}

func backfill(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(1, "a", ""), n: 1, value: 1})
	publish(t, open, &c, generation{run: history(newRun(0, "b", "")), n: 2, value: 2})
	publish(t, open, &c, generation{run: history(newRun(2, "c", first)), n: 3, value: 3})
	equal(t, "dated", summary(t, open, dated), "2024-02-27-b 2x2, 2024-02-28-a 1x1, 2024-02-29-c 3x3")
	equal(t, "the newest date", summary(t, open, view(dated)), "2024-02-28-a 1x1")
	equal(t, "whole", summary(t, open, whole), "2024-02-28-a 1x1")
}

func backfillDone(t *testing.T, open Place) {
	var c clock
	a, b := newRun(0, "a", ""), newRun(0, "b", "")
	publish(t, open, &c, generation{run: history(a), n: 1, value: 1})
	wh := open(t)
	fails(t, wh.Claim(t.Context(), history(a)), warehouse.ErrDone, a.ID)
	ok(t, wh.Close())
	publish(t, open, &c, generation{run: history(b), n: 2, value: 2}) // history may be rewritten
	equal(t, "the newest date", summary(t, open, view(dated)), "")
	equal(t, "dated", summary(t, open, dated), "2024-02-27-b 2x2")
	publish(t, open, &c, generation{run: b, n: 3, value: 3}) // a run makes current what was history, even with the same digest
	equal(t, "the newest date", summary(t, open, view(dated)), "2024-02-27-b 3x3")
	wh = open(t)
	for _, r := range []warehouse.Run{a, b, newRun(0, "c", "")} {
		fails(t, wh.Claim(t.Context(), history(r)), warehouse.ErrDone, b.ID)
	}
	ok(t, wh.Claim(t.Context(), a))
	ok(t, wh.Close())
}

func zones(t *testing.T, open Place) {
	var c clock
	previous := ""
	for n, hours := range []int{14, -12} {
		r := newRun(n, "a", previous)
		r.AsOf = time.Date(2024, 2, 27+n, 23*n, 30, 0, 0, time.FixedZone("", hours*3600)) // UTC has the day before, the day after
		previous = publish(t, open, &c, generation{run: r, n: 1, value: 1, keepFrom: r.AsOf})
		wh := open(t)
		fails(t, wh.Claim(t.Context(), r), warehouse.ErrDone, day(n).Format(time.DateOnly))
		ref, _, err := wh.Published(t.Context(), view(dated))
		ok(t, err)
		equal(t, "as of", strings.Join(sorted(t, wh.Scan(t.Context(), ref, asOfCol.Column)), ", "), day(n).Format(time.DateOnly))
		ok(t, wh.Close())
	}
}

func uncounted(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 2, value: 1})
	next := newRun(1, "b", first)
	wh := open(t)
	ok(t, wh.Claim(t.Context(), next))
	good := stage(t, wh, whole, data(whole, next, 1, 5))
	short := stage(t, wh, dated, data(dated, next, 3, 2))
	short.Rows++
	fails(t, wh.Publish(t.Context(), c.entry(next, warehouse.Published), time.Time{}, nil, good, short), warehouse.ErrBadData, "dated", "3", "4")
	stray := stage(t, wh, dated, data(dated, newRun(0, "z", ""), 3, 2)) // rows of another date than the run's
	fails(t, wh.Publish(t.Context(), c.entry(next, warehouse.Published), time.Time{}, nil, good, stray), warehouse.ErrBadData, "dated")
	equal(t, "whole", summarize(t, wh, whole), "2024-02-27-a 1x2")
	equal(t, "dated", summarize(t, wh, dated), "2024-02-27-a 1x2")
	equal(t, "the ledger", strings.Join(ledger(t, wh, warehouse.Runs), "; "), first+" PUBLISHED")
	right := stage(t, wh, dated, data(dated, next, 3, 2))
	ok(t, wh.Publish(t.Context(), c.entry(next, warehouse.Published), time.Time{}, nil, good, right))
	equal(t, "the newest date", summarize(t, wh, view(dated)), "2024-02-28-b 2x3")
	ok(t, wh.Close())
}

func additive(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 2, value: 1})
	wider := dated
	wider.Columns = append(wider.Columns[:4:4], addedCol.Column)
	read := func(wh warehouse.Warehouse, table frame.Table, lacking bool) string {
		ref, there, err := wh.Published(t.Context(), table)
		ok(t, err)
		equal(t, "there", there, true)
		equal(t, "what lacks", slices.Contains(ref.Lacking, addedCol.Name), lacking)
		return strings.Join(sorted(t, wh.Scan(t.Context(), ref, runCol.Column, addedCol.Column)), ", ")
	}
	next := newRun(1, "b", first)
	wh := open(t)
	equal(t, "a column that lacks", read(wh, wider, true), strings.Repeat(first+" | (null), ", 1)+first+" | (null)")
	ok(t, wh.Claim(t.Context(), next))
	ref := stage(t, wh, wider, data(wider, next, 1, 5))
	ok(t, wh.Publish(t.Context(), c.entry(next, warehouse.Published), time.Time{}, nil, ref))
	equal(t, "the newest date", read(wh, view(wider), false), next.ID+" | 5")
	ok(t, wh.Close())

	// A program that does not know the column goes on publishing, here of rows without those that were needed before.
	last, narrow := newRun(2, "c", next.ID), dated
	narrow.Columns = []frame.Column{asOfCol.Column, runCol.Column, valueCol.Column}
	wh = open(t)
	ok(t, wh.Claim(t.Context(), last))
	ref = stage(t, wh, narrow, data(narrow, last, 1, 6))
	ok(t, wh.Publish(t.Context(), c.entry(last, warehouse.Published), time.Time{}, nil, ref))
	equal(t, "the newest date", read(wh, view(wider), false), last.ID+" | (null)")

	retyped := dated
	retyped.Columns = append(retyped.Columns[:3:3], frame.String("value", "No number.").Column)
	ok(t, wh.Close())
	again := newRun(3, "d", last.ID)
	wh = open(t)
	ok(t, wh.Claim(t.Context(), again))
	ref, err := wh.Materialize(t.Context(), retyped, query(t, wh, "SELECT @d AS as_of, 'x' AS run_id, 'y' AS id, 'z' AS value",
		map[string]any{"d": asOfCol.Of(data(dated, again, 1, 1)).Value(0)}))
	ok(t, err)
	if err := wh.Publish(t.Context(), c.entry(again, warehouse.Published), time.Time{}, nil, ref); err == nil || !strings.Contains(err.Error(), "value") {
		t.Errorf("got %v, want an error that names the column of another type", err)
	}
	ok(t, wh.Close())
}

func retention(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 1, value: 1})
	second := publish(t, open, &c, generation{run: newRun(1, "b", first), n: 1, value: 2})
	third := newRun(2, "c", second)
	wh := open(t)
	ok(t, wh.Claim(t.Context(), third)) // the dated table is not even among what this run publishes
	ok(t, wh.Publish(t.Context(), c.entry(third, warehouse.Published), day(1), nil, stage(t, wh, perRun, data(perRun, third, 1, 3))))
	equal(t, "dated", summarize(t, wh, dated), "2024-02-28-b 2x1")
	equal(t, "by run", summarize(t, wh, perRun), "2024-02-27-a 1x1, 2024-02-28-b 2x1, 2024-02-29-c 3x1")
	ok(t, wh.Close())
	publish(t, open, &c, generation{run: newRun(3, "d", third.ID), n: 1, value: 4, keepFrom: day(3)})
	equal(t, "dated", summary(t, open, dated), "2024-03-01-d 4x1")
}

func retentionOfBackfill(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 1, value: 1})
	second := publish(t, open, &c, generation{run: newRun(1, "b", first), n: 1, value: 2})
	publish(t, open, &c, generation{run: history(newRun(5, "c", second)), n: 1, value: 3, keepFrom: day(4)})
	equal(t, "the newest date", summary(t, open, view(dated)), "2024-02-28-b 2x1")
	equal(t, "dated", summary(t, open, dated), "2024-02-28-b 2x1, 2024-03-03-c 3x1")
	publish(t, open, &c, generation{run: history(newRun(0, "d", "")), n: 1, value: 4, keepFrom: day(1)}) // nor its own date
	equal(t, "dated", summary(t, open, dated), "2024-02-27-d 4x1, 2024-02-28-b 2x1, 2024-03-03-c 3x1")
}

func retentionUndone(t *testing.T, open Place) {
	var c clock
	a := newRun(0, "a", "")
	b := newRun(1, "b", a.ID)
	publish(t, open, &c, generation{run: a, n: 1, value: 1})
	publish(t, open, &c, generation{run: b, n: 1, value: 2})
	publish(t, open, &c, generation{run: newRun(2, "c", b.ID), n: 1, value: 3, keepFrom: day(2)})
	equal(t, "dated", summary(t, open, dated), "2024-02-29-c 3x1")
	publish(t, open, &c, generation{run: history(a), n: 1, value: 1})
	publish(t, open, &c, generation{run: b, n: 1, value: 2}) // though an older date is there
	equal(t, "dated", summary(t, open, dated), "2024-02-27-a 1x1, 2024-02-28-b 2x1, 2024-02-29-c 3x1")
	wh := open(t)
	fails(t, wh.Claim(t.Context(), history(a)), warehouse.ErrDone)
	fails(t, wh.Claim(t.Context(), b), warehouse.ErrDone)
	ok(t, wh.Claim(t.Context(), history(newRun(0, "d", "")))) // what is history by now may be rewritten
	ok(t, wh.Close())
}

func unpublishes(t *testing.T, open Place) {
	var c clock
	a := newRun(0, "a", "")
	publish(t, open, &c, generation{run: a, n: 1, value: 1})
	wh := open(t)
	for _, s := range []warehouse.State{warehouse.Rejected, warehouse.Failed} {
		fails(t, wh.Record(t.Context(), c.entry(a, s)), warehouse.ErrDone, a.ID, string(s))
	}
	if err := wh.Record(t.Context(), c.entry(newRun(1, "b", a.ID), warehouse.Published)); err == nil {
		t.Error("Record publishes")
	}
	equal(t, "the ledger", strings.Join(ledger(t, wh, warehouse.Runs), "; "), a.ID+" PUBLISHED")
	equal(t, "the newest date", summarize(t, wh, view(dated)), "2024-02-27-a 1x1")
	ok(t, wh.Record(t.Context(), c.entry(a, warehouse.Broken)))
	equal(t, "the newest date of what is broken", summarize(t, wh, view(dated)), "")
	publish(t, open, &c, generation{run: a, n: 2, value: 2}) // may be published again
	equal(t, "the newest date", summarize(t, wh, view(dated)), "2024-02-27-a 2x2")
	ok(t, wh.Close())
}

func recorded(t *testing.T, open Place) {
	var c clock
	run := newRun(0, "a", "")
	wh := open(t)
	ok(t, wh.Claim(t.Context(), run))
	ref := stage(t, wh, perRun, data(perRun, run, 2, 1))
	ok(t, wh.Record(t.Context(), c.entry(run, warehouse.Rejected), ref))
	equal(t, "dated", summarize(t, wh, dated), "none")
	equal(t, "by run", summarize(t, wh, perRun), "2024-02-27-a 1x2")
	if err := wh.Record(t.Context(), c.entry(run, warehouse.Failed), stage(t, wh, dated, data(dated, run, 1, 1))); err == nil {
		t.Error("a table of a date is written by Record")
	}
	ok(t, wh.Close())

	publish(t, open, &c, generation{run: run, n: 1, value: 2}) // the same run, since it was rejected only
	failed := newRun(1, "b", run.ID)
	wh = open(t)
	ok(t, wh.Record(t.Context(), c.entry(failed, warehouse.Failed))) // without a claim
	equal(t, "the events", strings.Join(ledger(t, wh, warehouse.Runs), "; "),
		run.ID+" REJECTED; "+run.ID+" PUBLISHED; "+failed.ID+" FAILED")
	latest := warehouse.Runs
	latest.Name = "runs"
	equal(t, "the runs", strings.Join(ledger(t, wh, latest), "; "), run.ID+" PUBLISHED; "+failed.ID+" FAILED")
	equal(t, "the newest date", summarize(t, wh, view(dated)), "2024-02-27-a 2x1")
	equal(t, "by run", summarize(t, wh, perRun), "2024-02-27-a 2x1")
	ok(t, wh.Close())
}

// A report of a run that is not published reads its staging after the ledger has been told.
func readAfterRecord(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 2, value: 1})
	wh := open(t)
	next := newRun(1, "b", first)
	ok(t, wh.Claim(t.Context(), next))
	rows, checks := stage(t, wh, dated, data(dated, next, 4, 2)), stage(t, wh, perRun, data(perRun, next, 3, 2))
	empty := stage(t, wh, whole)
	ok(t, wh.Record(t.Context(), c.entry(next, warehouse.Rejected), checks))
	for ref, n := range map[*warehouse.Ref]int{&rows: 4, &checks: 3, &empty: 0} {
		q := query(t, wh, "SELECT * FROM "+ref.Name, nil)
		for range 2 {
			equal(t, "staged rows of "+ref.Table.Name+" by Query", len(lines(t, wh.Query(t.Context(), q))), n)
			equal(t, "staged rows of "+ref.Table.Name+" by Scan", len(lines(t, wh.Scan(t.Context(), *ref, ref.Table.Columns...))), n)
		}
	}
	equal(t, "published", summarize(t, wh, dated), "2024-02-27-a 1x2")
	ok(t, wh.Close())
}

func sweep(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 2, value: 1})
	wh, other := open(t), open(t)
	next := newRun(1, "b", first)
	ok(t, wh.Claim(t.Context(), next))
	ref := stage(t, wh, dated, data(dated, next, 4, 2))
	ok(t, wh.Sweep(t.Context()))
	ok(t, other.Sweep(t.Context()))
	ok(t, other.Close())
	equal(t, "staged", len(lines(t, wh.Scan(t.Context(), ref, idCol.Column))), 4)
	equal(t, "published", summarize(t, wh, dated), "2024-02-27-a 1x2")
	ok(t, wh.Publish(t.Context(), c.entry(next, warehouse.Published), time.Time{}, nil, ref))
	ok(t, wh.Close())
}
