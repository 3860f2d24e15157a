package bigquery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// stage loads the rows b of t.
func stage(ctx context.Context, d *db, t frame.Table, b frame.Batch) (warehouse.Ref, error) {
	w, err := d.Stage(ctx, t)
	if err != nil {
		return warehouse.Ref{}, err
	}
	if err := w.Write(b); err != nil {
		return warehouse.Ref{}, errors.Join(err, w.Abort())
	}
	return w.Commit()
}

// rowsOf says how many rows come, and what they are.
func rowsOf(in frame.Batches) (string, error) {
	var lines []string
	for b, err := range in {
		if err != nil {
			return "", err
		}
		for i := range int(b.NumRows()) {
			line := ""
			for c := range int(b.NumCols()) {
				line += b.Column(c).ValueStr(i) + "|"
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("%d rows: %s", len(lines), strings.Join(lines, " ")), nil
}

// generation publishes n rows of r in the tables that there were before second, and closes d.
func (w *world) generation(r warehouse.Run, n int) error {
	d, err := w.open()
	if err != nil {
		return err
	}
	old := dated
	old.Columns = dated.Columns[:4]
	ctx := context.Background()
	if err := d.Claim(ctx, r); err != nil {
		return errors.Join(err, d.Close())
	}
	var refs []warehouse.Ref
	for _, t := range []frame.Table{old, whole, perRun} {
		ref, err := stage(ctx, d, t, data(t, r, n, 1))
		if err != nil {
			return errors.Join(err, d.Close())
		}
		refs = append(refs, ref)
	}
	e := entryOf(r, warehouse.Published)
	e.EndedAt = e.EndedAt.Add(time.Duration(n) * time.Minute)
	return errors.Join(d.Publish(ctx, e, time.Time{}, nil, refs...), d.Close())
}

// newShop makes a world in which oldest and first have published, and a dead run has left something.
func newShop(t testing.TB) *world {
	t.Helper()
	w := newWorld(t, nil)
	t.Cleanup(w.t.end)
	for _, err := range []error{w.generation(oldest, 3), w.generation(first, 10), w.rest.Put(staging+"."+leftover, sourceRows.Schema(), sourceRows)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

const (
	ours     = "segments_e0afe0ef_segments_" // what the names of this data set's staging tables begin with
	leftover = ours + "00000000dead_1_dated"
)

// A stop is where a life ended.
type stop struct {
	step string
	err  error
}

func (s *stop) Error() string { return s.step + ": " + s.err.Error() }
func (s *stop) Unwrap() error { return s.err }

// live is the whole life of second in d: all that a run asks of a warehouse. It returns what it has read, and says begin
// before each step.
func live(ctx context.Context, d *db, begin func(step string)) (read []string, err error) {
	at := ""
	defer func() {
		if err != nil {
			err = &stop{at, err}
		}
	}()
	note := func(s string, err error) error {
		read = append(read, s)
		return err
	}
	q := sql.Query{Name: "customers", Text: "SELECT id, value FROM `" + project + "`.`shop`.`orders`"}
	made := map[string]warehouse.Ref{}
	materialize := func(t frame.Table, q sql.Query) (err error) {
		made[t.Name], err = d.Materialize(ctx, t, q)
		return err
	}
	load := func(t frame.Table) (err error) {
		made[t.Name], err = stage(ctx, d, t, data(t, second, 30, 2))
		return err
	}
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"check", func() error { return d.Check(ctx) }},
		{"pin", func() error {
			pin, err := d.Pin(ctx, "shop.orders", "shop.missing")
			return note(fmt.Sprint(pin.Tables), err)
		}},
		{"estimate", func() error { e, err := d.Estimate(ctx, q); return note(fmt.Sprint(e.Columns, e.Bytes), err) }},
		{"fingerprint", func() error { f, err := d.Fingerprint(ctx, q); return note(strconv.FormatInt(f.Rows, 10), err) }},
		{"published", func() error {
			view := dated
			view.Name, view.Columns = "dated_current", dated.Columns[:4]
			ref, ok, err := d.Published(ctx, view)
			if err != nil {
				return err
			}
			rows, err := rowsOf(d.Scan(ctx, ref))
			return note(fmt.Sprint(ok, rows), err)
		}},
		{"claim", func() error { return d.Claim(ctx, second) }},
		{"materialize", func() error { return materialize(customers, q) }},
		{"scan", func() error { return note(rowsOf(d.Scan(ctx, made["customers"]))) }},
		{"materialize", func() error { return materialize(whole, sql.Query{Name: "whole", Text: "SELECT 1"}) }},
		{"materialize", func() error { return materialize(fresh, sql.Query{Name: "fresh", Text: "SELECT 1"}) }},
		{"stage", func() error { return load(dated) }},
		{"stage", func() error { return load(perRun) }},
		{"scan", func() error { return note(rowsOf(d.Scan(ctx, made["dated"], idCol.Column, addedCol.Column))) }},
		{"publish", func() error {
			return d.Publish(ctx, entryOf(second, warehouse.Published), second.AsOf.AddDate(0, 0, -10), nil,
				made["dated"], made["fresh"], made["whole"], made["per_run"])
		}},
		{"query", func() error {
			return note(rowsOf(d.Query(ctx, sql.Query{Name: "look", Text: "SELECT * FROM run_events"})))
		}},
		{"record", func() error { return d.Record(ctx, entryOf(other, warehouse.Failed)) }},
		{"sweep", func() error { return d.Sweep(ctx) }},
	} {
		at = s.name
		begin(at)
		if err := s.do(); err != nil {
			return read, err
		}
	}
	return read, nil
}

// What readers see before and after the life of second.
const (
	before = "dated: 2024-01-18-a x3, 2024-02-27-b x10; per_run: 2024-01-18-a x3, 2024-02-27-b x10; " +
		"run_events: 2024-01-18-a PUBLISHED, 2024-02-27-b PUBLISHED; whole: 2024-02-27-b x10"
	after = "dated: 2024-02-27-b x10, 2024-02-28-c x30; fresh: 2024-02-28-c x30; per_run: 2024-01-18-a x3, 2024-02-27-b x10, 2024-02-28-c x30; " +
		"run_events: 2024-01-18-a PUBLISHED, 2024-02-27-b PUBLISHED, 2024-02-28-c PUBLISHED; whole: 2024-02-28-c x30"
	recorded = "dated: 2024-02-27-b x10, 2024-02-28-c x30; fresh: 2024-02-28-c x30; per_run: 2024-01-18-a x3, 2024-02-27-b x10, 2024-02-28-c x30; " +
		"run_events: 2024-01-18-a PUBLISHED, 2024-02-27-b PUBLISHED, 2024-02-28-c PUBLISHED, 2024-02-28-d FAILED; whole: 2024-02-28-c x30"
)

// A record of a clean life.
type clean struct {
	calls, effects, read []string
	steps                map[string]int // how many calls there had been when each began
	billed               int64
}

// lives runs the life of second in w, closes, and returns what happened.
func (w *world) lives(ctx context.Context) (c clean, err error) {
	d, err := w.open()
	if err != nil {
		return c, err
	}
	c.steps = map[string]int{}
	begin := func(step string) {
		w.keys.Lock()
		defer w.keys.Unlock()
		c.steps[step] = len(w.calls)
	}
	c.read, err = live(ctx, d, begin)
	begin("close")
	c.billed = d.Charges().Bytes
	if closed := d.Close(); err == nil && closed != nil {
		err = &stop{"close", closed}
	}
	w.keys.Lock()
	c.calls = slices.Clone(w.calls)
	w.keys.Unlock()
	c.effects = w.effects()
	return c, err
}
