package pipeline

import (
	"context"
	"errors"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// A Plan is what a run would do.
type Plan struct {
	AsOf     time.Time
	Run      string    // the run's identifier, with the sources as they are
	Slot     SlotState // what it would find of its day
	Replaces string    // the run whose rows it would replace; empty where there is none
	Previous string    // the run it would build on; empty where there is none
	Waits    []string  // why it would wait at first, at most Wait: sources that are too old
	Wait     time.Duration
	Sources  []PlannedSource
	Tables   []PlannedTable
	Cost     Cost
	Charges  warehouse.Charges // the price, and what may be spent
}

// A SlotState is what a run would find of its day.
type SlotState string

// The states of a day: nothing published, something that would be replaced, or the very same, so that nothing would be done.
const (
	SlotNew      SlotState = "new"
	SlotReplaced SlotState = "replaced"
	SlotDone     SlotState = "done"
)

// A PlannedSource is a source as a run would find it.
type PlannedSource struct {
	Name   string
	Rows   int64
	Absent []string // canonical columns that the configuration leaves out
}

// A PlannedTable is a table that a run would write to.
type PlannedTable struct {
	Name    string
	New     bool     // it would be made
	Columns []string // columns that would be added
	Rows    int64    // now
}

// Changes says whether tables would be made or columns added.
func (p Plan) Changes() bool {
	for _, t := range p.Tables {
		if t.New || len(t.Columns) > 0 {
			return true
		}
	}
	return false
}

// Plan reads the sources, and says what a run of the day asOf would do.
func (j *Job) Plan(ctx context.Context, asOf time.Time) (*Plan, error) {
	ss, err := j.fingerprint(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{AsOf: asOf, Wait: j.FreshnessWait, Charges: j.Warehouse.Charges()}
	if err := j.planSlot(ctx, p, ss); err != nil {
		return nil, err
	}
	if p.Cost, err = j.cost(ss); err != nil {
		return nil, err
	}
	r := &run{Job: j, Options: Options{AsOf: asOf}, stale: map[string]staleness{}}
	for _, s := range ss {
		switch err := r.freshSource(ctx, s); {
		case errors.Is(err, ErrNotReady):
			p.Waits = append(p.Waits, err.Error())
		case err != nil:
			return nil, err
		}
		ps := PlannedSource{Name: s.Name, Rows: s.rows}
		for _, c := range sql.SourceColumns(s.Name) {
			if !s.given[c.Name] {
				ps.Absent = append(ps.Absent, c.Name)
			}
		}
		p.Sources = append(p.Sources, ps)
	}
	tables, err := j.Tables()
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		pt, err := j.planTable(ctx, t)
		if err != nil {
			return nil, err
		}
		p.Tables = append(p.Tables, pt)
	}
	return p, nil
}

// runName is the identifier of the run of a day with a digest.
func runName(asOf time.Time, digest string) string {
	return asOf.Format(time.DateOnly) + "-" + digest[:12]
}

// planSlot finds out what there is of p's day already.
func (j *Job) planSlot(ctx context.Context, p *Plan, ss []source) error {
	prev, err := j.previous(ctx, p.AsOf)
	if err != nil {
		return err
	}
	back, err := j.lookedBack(ctx, p.AsOf, prev)
	if err != nil {
		return err
	}
	digest, err := j.digest(p.AsOf, ss, prev, back.runs(), (&run{}).mode())
	if err != nil {
		return err
	}
	p.Previous, p.Run, p.Slot = prev.runID, runName(p.AsOf, digest), SlotNew
	for b, err := range j.Runs(ctx, "") {
		if err != nil {
			return err
		}
		for i := range int(b.NumRows()) {
			if p.Replaces != "" || frame.Value(b, "as_of", i) != p.AsOf.Format(time.DateOnly) ||
				frame.Value(b, "state", i) != string(warehouse.Published) {
				continue
			}
			p.Replaces, _ = frame.Value(b, runID.Name, i).(string)
			if p.Slot = SlotReplaced; p.Replaces == p.Run && frame.Value(b, "backfill", i) != true {
				p.Slot = SlotDone
			}
		}
	}
	return nil
}

func (j *Job) planTable(ctx context.Context, t frame.Table) (PlannedTable, error) {
	pt := PlannedTable{Name: t.Name}
	ref, ok, err := j.Warehouse.Published(ctx, t)
	if err != nil {
		return pt, err
	}
	if !ok {
		pt.New = true
		return pt, nil
	}
	q, err := sql.Bind("table_rows", j.Warehouse.Dialect(), nil, ref.As("t"))
	if err != nil {
		return pt, err
	}
	if pt.Rows, err = j.count(ctx, q); err != nil {
		return pt, err
	}
	pt.Columns = ref.Lacking
	return pt, nil
}
