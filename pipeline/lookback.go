package pipeline

import (
	"context"
	"fmt"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// Days before the as-of day whose members retention asks about, and how many days older what is asked may be where that
// day was not published.
var retentionDays = []int{30, 60, 90}

const retentionSlack = 3

// driftDays are the least days between a day and the far one that it is compared with for drift.
const driftDays = 28

// A lookback is what a run reads of published days other than the previous generation's.
type lookback struct {
	members map[int]generation // by the days of retention: whose members are asked about; none where no day near was published
	far     generation         // the newest generation at least driftDays before
	behind  string             // the newest run that published a day before the previous generation's after it: see behind
	held    generation         // whose holdout is held against the others: the newest whose horizon of experiments is over
}

// retentionParam is the parameter that says which day stands for that of so many days ago.
func retentionParam(days int) string { return fmt.Sprintf("as_of_%d", days) }

// lookedBack finds the generations, beside the previous one prev, that the run of asOf looks back to.
func (j *Job) lookedBack(ctx context.Context, asOf time.Time, prev generation) (lookback, error) {
	back := lookback{members: map[int]generation{}}
	events, ok, err := j.Warehouse.Published(ctx, warehouse.Runs)
	if err != nil || !ok {
		return back, err
	}
	params := map[string]any{}
	for _, days := range retentionDays {
		params[retentionParam(days)] = frame.DayOf(asOf.AddDate(0, 0, -days))
		params[fmt.Sprintf("from_%d", days)] = frame.DayOf(asOf.AddDate(0, 0, -days-retentionSlack))
	}
	q, err := sql.Bind("generations", j.Warehouse.Dialect(), params, events.Relation())
	if err != nil {
		return back, err
	}
	for b, err := range j.Warehouse.Query(ctx, q) { // oldest first
		if err != nil {
			return back, fmt.Errorf("read the ledger: %w", err)
		}
		for i := range int(b.NumRows()) {
			day := asOfOut.Of(b).Value(i)
			for _, days := range retentionDays {
				if ago := int(frame.DayOf(asOf) - day); ago >= days && ago <= days+retentionSlack {
					back.members[days] = generation{runID.Of(b).Value(i), frame.TimeOf(day)}
				}
			}
		}
	}
	if j.Experiments.Holdout {
		if back.held, err = j.previous(ctx, j.overSince(asOf, j.Experiments.HorizonDays).AddDate(0, 0, 1)); err != nil {
			return back, err
		}
	}
	if back.far, err = j.previous(ctx, asOf.AddDate(0, 0, 1-driftDays)); err != nil {
		return back, err
	}
	back.behind, err = j.behind(ctx, prev)
	return back, err
}

// overSince is the newest day after whose end so many days of 24 hours are over at the end of asOf. Where clocks went forward
// in between, that is a day more ago: so many days of the calendar are an hour short of it.
func (j *Job) overSince(asOf time.Time, days int) time.Time {
	at := asOf.AddDate(0, 0, -days)
	if dayEnd(at, j.Location).Add(time.Duration(days) * 24 * time.Hour).After(dayEnd(asOf, j.Location)) {
		return at.AddDate(0, 0, -1)
	}
	return at
}

// runs lists what is read, for the digest.
func (b lookback) runs() []string {
	var out []string
	for _, days := range retentionDays {
		out = append(out, b.members[days].runID)
	}
	return append(out, b.far.runID, b.held.runID, b.behind)
}

// params are the days of the members that retention asks about, for sql.MembersBefore.
func (b lookback) params(asOf time.Time) map[string]any {
	p := map[string]any{}
	for _, days := range retentionDays {
		day := asOf.AddDate(0, 0, -days) // where it was not published: nobody
		if g, ok := b.members[days]; ok {
			day = g.asOf
		}
		p[retentionParam(days)] = frame.DayOf(day)
	}
	return p
}
