package warehousetest

import (
	"strings"
	"testing"
	"time"

	"segments/pipeline/warehouse"
)

// reject records r, which has staged n rows of dated and two of per_run, as rejected, and keeps the first.
func reject(t *testing.T, open Place, c *clock, r warehouse.Run, n int) warehouse.Kept {
	t.Helper()
	wh := open(t)
	ok(t, wh.Claim(t.Context(), r))
	ok(t, wh.Sweep(t.Context()))
	ref, other := stage(t, wh, dated, data(dated, r, n, 3)), stage(t, wh, perRun, data(perRun, r, 2, 3))
	ok(t, wh.Record(t.Context(), c.entry(r, warehouse.Rejected), other))
	kept, err := wh.Keep(t.Context(), ref)
	ok(t, err)
	equal(t, "rows after Keep", len(lines(t, wh.Scan(t.Context(), ref, idCol.Column))), n)
	ok(t, wh.Close())
	return kept
}

// kept returns what there is of the dated table of the run called id, and its names.
func kept(t *testing.T, open Place, id string) (got string, k warehouse.Kept) {
	t.Helper()
	wh := open(t)
	defer func() { ok(t, wh.Close()) }()
	k, err := wh.Kept(t.Context(), id, dated, perRun, whole)
	ok(t, err)
	for _, ref := range k.Tables {
		got += ref.Table.Name + ": " + strings.Join(sorted(t, wh.Scan(t.Context(), ref, idCol.Column, valueCol.Column)), ", ")
		again := query(t, wh, "SELECT count(*) AS n FROM "+ref.Name, nil)
		got += " = " + strings.Join(lines(t, wh.Query(t.Context(), again)), "")
	}
	return got, k
}

// What a rejected run has kept can be read when it is over, and nothing else of it; nothing of it is published.
func keeps(t *testing.T, open Place) {
	var c clock
	first := publish(t, open, &c, generation{run: newRun(0, "a", ""), n: 2, value: 1})
	bad := newRun(1, "b", first)
	k := reject(t, open, &c, bad, 3)
	if left := time.Until(k.Until); left <= 0 || left > warehouse.KeptFor+time.Minute {
		t.Errorf("kept until %s, want at most %s from now", k.Until, warehouse.KeptFor)
	}
	const want = "dated: id 0000 | 3, id 0001 | 3, id 0002 | 3 = 3"
	got, again := kept(t, open, bad.ID)
	equal(t, "kept", got, want)
	if d := again.Until.Sub(k.Until); d > time.Minute || d < -time.Minute {
		t.Errorf("kept until %s, and then until %s", k.Until, again.Until)
	}
	got, none := kept(t, open, first)
	equal(t, "kept of a published run", got, "")
	equal(t, "until", none.Until.IsZero(), true)
	got, _ = kept(t, open, "no such run, nor a file of its name/../")
	equal(t, "kept of no run", got, "")
	equal(t, "published", summary(t, open, dated), "2024-02-27-a 1x2")
	equal(t, "recorded", summary(t, open, perRun), "2024-02-27-a 1x2, 2024-02-28-b 3x2")

	wh := open(t)
	ok(t, wh.Sweep(t.Context())) // of nobody at work
	ok(t, wh.Close())
	got, _ = kept(t, open, bad.ID)
	equal(t, "after a sweep", got, want)

	third := newRun(2, "c", first)
	other := reject(t, open, &c, third, 1)
	equal(t, "tables", len(other.Tables), 1)
	got, _ = kept(t, open, bad.ID)
	equal(t, "after a run of another date", got, want)

	wh = open(t) // what is kept of two runs can be read side by side, and again
	defer func() { ok(t, wh.Close()) }()
	var refs []warehouse.Ref
	for _, id := range []string{bad.ID, third.ID, bad.ID} {
		k, err := wh.Kept(t.Context(), id, dated)
		ok(t, err)
		refs = append(refs, k.Tables...)
	}
	for i, n := range []int{3, 1, 3} {
		equal(t, "rows side by side", len(lines(t, wh.Scan(t.Context(), refs[i], idCol.Column))), n)
	}
}

// What is kept of a run goes with the next run of its date, whatever becomes of that one.
func keepsOne(t *testing.T, open Place) {
	var c clock
	bad, next := newRun(0, "a", ""), newRun(0, "b", "")
	reject(t, open, &c, bad, 3)
	reject(t, open, &c, bad, 4) // the same run again
	got, _ := kept(t, open, bad.ID)
	equal(t, "kept", got, "dated: id 0000 | 3, id 0001 | 3, id 0002 | 3, id 0003 | 3 = 4")
	reject(t, open, &c, next, 1)
	got, _ = kept(t, open, bad.ID)
	equal(t, "kept of the run before", got, "")
	got, _ = kept(t, open, next.ID)
	equal(t, "kept of the newest run", got, "dated: id 0000 | 3 = 1")

	wh := open(t)
	good := newRun(0, "c", "")
	ok(t, wh.Claim(t.Context(), good))
	ok(t, wh.Sweep(t.Context()))
	ref := stage(t, wh, dated, data(dated, good, 5, 1))
	ok(t, wh.Publish(t.Context(), c.entry(good, warehouse.Published), time.Time{}, nil, ref))
	ok(t, wh.Close())
	got, _ = kept(t, open, next.ID)
	equal(t, "kept after a publish", got, "")
	equal(t, "published", summary(t, open, dated), "2024-02-27-c 1x5")
}

// Whoever has nothing claimed keeps nothing.
func keepsNothing(t *testing.T, open Place) {
	wh := open(t)
	if _, err := wh.Keep(t.Context()); err == nil {
		t.Error("a run that is not at work keeps something")
	}
	ok(t, wh.Close())
}
