package pipeline

import (
	"context"
	"time"

	"segments/transforms/frame"
)

// auditErosion warns where sources have lost more than half of their rows little by little: each run less than fails, so that
// none was rejected. It holds the whole weeks up to the far generation against what that run used of them. That warns
// only, since rows that were deleted on purpose, and accepted then, are missing for as long.
func (r *run) auditErosion(ctx context.Context, volumes map[string]*volume) error {
	far := r.back.far
	if far == r.prev {
		return nil
	}
	before := map[string]*volume{}
	if _, err := r.weeksBefore(ctx, far, before); err != nil {
		return err
	}
	apart := int64(frame.DayOf(r.AsOf) - frame.DayOf(far.asOf))
	for _, s := range r.sources {
		v, old := volumes[s.Name], before[s.Name]
		if v == nil || old == nil {
			continue
		}
		day := int64(frame.DayOf(far.asOf))
		c := volume{before: upTo(day, old.before), now: upTo(day, v.now), first: v.first}.compare(apart)
		since := v.compare(int64(frame.DayOf(r.AsOf) - frame.DayOf(r.prev.asOf)))
		if c.before.rows < fewRows || !halved(c) || halved(since) { // since the previous run: told of that one
			continue
		}
		told := far.asOf.Format(time.DateOnly)
		r.check(checkHistory, s.Name+" since "+told, Warned, "%d used rows of the weeks up to %s, %d when that day was run (%.1f %%): more than half "+
			"are gone, and no run since has lost as many at once", c.now.rows, told, c.before.rows, 100*float64(c.now.rows)/float64(c.before.rows))
	}
	return nil
}

// upTo are those of ws that end by the day, without the rows that have none.
func upTo(day int64, ws []week) []week {
	var out []week
	for _, w := range ws {
		if w.day > 0 && w.day+fullWeek-1 <= day {
			out = append(out, w)
		}
	}
	return out
}

// halved says whether more than half of the rows are gone.
func halved(c comparison) bool { return float64(c.now.rows) < collapseBelow*float64(c.before.rows) }
