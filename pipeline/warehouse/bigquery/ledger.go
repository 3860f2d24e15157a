package bigquery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/civil"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// An event is a line of the ledger, as far as it decides what may be published.
type event struct {
	run, name, digest string
	asOf              frame.Day
	state             warehouse.State
	backfill          bool
	ended             time.Time
}

// A ledger is all its lines. It is insert-only, so that it is unchanged as long as it has as many lines.
type ledger struct {
	there  bool // there is a table
	events []event
}

// ledger reads the ledger.
func (d *db) ledger(ctx context.Context) (ledger, error) {
	md, err := d.call.Table(ctx, d.outputTable(warehouse.Runs.Name))
	if err != nil {
		return ledger{}, unlessMissing(err)
	}
	needed := []string{"run_id", "name", "as_of", "digest", "state", "backfill", "ended_at"}
	for _, name := range needed {
		if field(md.Schema, name) == nil {
			return ledger{}, fmt.Errorf("%w: %s has a table %s that is no ledger: it lacks the column %s",
				warehouse.ErrOwner, d.output.ID(), warehouse.Runs.Name, name)
		}
	}
	r, err := d.small(ctx, sql.Query{Name: "ledger", Text: "SELECT " + strings.Join(needed, ", ") + " FROM " + d.published(warehouse.Runs.Name)})
	if err != nil {
		return ledger{}, err
	}
	l := ledger{there: true}
	for _, v := range r.values {
		e := event{run: v[0].(string), name: v[1].(string), digest: v[3].(string), state: warehouse.State(v[4].(string)), backfill: v[5].(bool)}
		e.asOf, e.ended = frame.DayOf(v[2].(civil.Date).In(time.UTC)), v[6].(time.Time)
		l.events = append(l.events, e)
	}
	return l, nil
}

// latest returns the last word on each run, the newest word first.
func (l ledger) latest() []event {
	all := slices.Clone(l.events)
	slices.SortFunc(all, func(a, b event) int {
		if c := b.ended.Compare(a.ended); c != 0 {
			return c
		}
		return strings.Compare(string(a.state)+a.run, string(b.state)+b.run)
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(e event) bool {
		was := seen[e.run]
		seen[e.run] = true
		return was
	})
}

// current returns the newest published date; ok is false where there is none.
func (l ledger) current() (day frame.Day, ok bool) {
	for _, e := range l.latest() {
		if e.state == warehouse.Published && !e.backfill && (!ok || e.asOf > day) {
			day, ok = e.asOf, true
		}
	}
	return day, ok
}

// with returns l after one more line.
func (l ledger) with(e warehouse.Entry) ledger {
	return ledger{true, append(slices.Clone(l.events), event{
		run: e.ID, name: e.Name, digest: e.Digest, asOf: frame.DayOf(e.AsOf), state: e.State, backfill: e.Backfill, ended: e.EndedAt,
	})}
}

// owned fails where l is the ledger of another configuration.
func (d *db) owned(l ledger, run warehouse.Run) error {
	for _, e := range l.events {
		if e.name != run.Name {
			return fmt.Errorf("%w: %s is that of %q; give %q a data set of its own", warehouse.ErrOwner, d.output.ID(), e.name, run.Name)
		}
	}
	return nil
}

// mayRun asks the ledger whether the slot of run is still to be published, by run.
func (d *db) mayRun(ctx context.Context, l ledger, run warehouse.Run) error {
	if err := d.owned(l, run); err != nil {
		return err
	}
	if by := l.doneBy(run); by != "" {
		there, err := d.keeps(ctx, run)
		if err != nil {
			return err
		}
		if there {
			return fmt.Errorf("%w: %s, by run %s", warehouse.ErrDone, run.AsOf.Format(time.DateOnly), by)
		}
	}
	if newest := l.previous(run.AsOf); newest != run.Previous {
		return fmt.Errorf("%w: the newest run before %s is %q, this one builds on %q", warehouse.ErrMoved,
			run.AsOf.Format(time.DateOnly), newest, run.Previous)
	}
	return nil
}

// previous returns the newest run published before asOf, or none.
func (l ledger) previous(asOf time.Time) string {
	var best *event
	for _, e := range l.latest() { // the newest word first
		if e.state == warehouse.Published && e.asOf < frame.DayOf(asOf) && (best == nil || e.asOf > best.asOf) {
			best = &e
		}
	}
	if best == nil {
		return ""
	}
	return best.run
}

// doneBy returns the run that has published the slot of run for good, as long as its rows are there; empty where there is none.
func (l ledger) doneBy(run warehouse.Run) string {
	i := 0
	for _, e := range l.latest() {
		if e.asOf != frame.DayOf(run.AsOf) || e.state != warehouse.Published && e.state != warehouse.Broken {
			continue
		}
		newest := i == 0 // nothing broken came after it
		i++
		if e.state == warehouse.Broken {
			continue
		}
		if newest && e.digest == run.Digest && e.backfill == run.Backfill || !e.backfill && run.Backfill {
			return e.run
		}
		return ""
	}
	return ""
}

// keeps says whether rows of run's date are still there, which retention takes from all dated tables at once.
func (d *db) keeps(ctx context.Context, run warehouse.Run) (bool, error) {
	tables, err := d.datedTables(ctx)
	if err != nil || len(tables) == 0 {
		return err == nil, err
	}
	there := make([]string, len(tables))
	for i, t := range tables {
		there[i] = "EXISTS (SELECT 1 FROM " + d.published(t) + " WHERE as_of = @as_of)"
	}
	r, err := d.small(ctx, sql.Query{
		Name: "rows of the slot", Text: "SELECT " + strings.Join(there, " OR ") + " AS there", Params: map[string]any{"as_of": frame.DayOf(run.AsOf)},
	})
	if err != nil {
		return false, err
	}
	return r.values[0][0].(bool), nil
}

// datedTables returns the published tables that have a view of their newest date.
func (d *db) datedTables(ctx context.Context) ([]string, error) {
	names, err := d.call.Tables(ctx, d.bq.DatasetInProject(d.output.project, d.output.name))
	if err != nil {
		return nil, err
	}
	var tables []string
	for _, name := range names {
		if slices.Contains(names, name+currentSuffix) {
			tables = append(tables, name)
		}
	}
	slices.Sort(tables)
	return tables, nil
}

// mayRecord says whether e, which publishes nothing, may be the last word on its run.
func (d *db) mayRecord(l ledger, e warehouse.Entry) error {
	if err := d.owned(l, e.Run); err != nil || e.State == warehouse.Broken {
		return err
	}
	for _, old := range l.events {
		if old.run == e.ID && old.state == warehouse.Published {
			return fmt.Errorf("%w: at %s; it is not %s", warehouse.ErrDone, old.ended.UTC().Format(time.RFC3339), e.State)
		}
	}
	return nil
}

// refuseStrangers fails where the output data set has no ledger, and yet something under one of our names.
func (d *db) refuseStrangers(ctx context.Context, l ledger, refs []warehouse.Ref) error {
	if l.there {
		return nil
	}
	names, err := d.call.Tables(ctx, d.bq.DatasetInProject(d.output.project, d.output.name))
	if err != nil {
		return err
	}
	ours := []string{"runs"}
	for _, r := range refs {
		ours = append(ours, r.Table.Name, r.Table.Name+currentSuffix)
	}
	for _, name := range names {
		if slices.Contains(ours, strings.ToLower(name)) {
			return fmt.Errorf("%w: %s has a table %s that this program did not make; rename it, or publish to another data set",
				warehouse.ErrOwner, d.output.ID(), name)
		}
	}
	return nil
}

// partition returns the condition of the rows of t that run replaces.
func partition(t frame.Table) (string, error) {
	switch t.PartitionBy {
	case "":
		return "TRUE", nil
	case "as_of":
		return "as_of = @as_of", nil
	case "run_id":
		return "run_id = @run_id", nil
	}
	return "", errors.New("table " + t.Name + ": partitioned by " + t.PartitionBy + ", want as_of, run_id or nothing")
}
