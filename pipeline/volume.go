package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// The table of what the sources had, which the next run holds against what they have then.
var (
	weekSource = frame.String("source", "The source.")
	weekDay    = frame.Date("week", "The first day of a week of seven days; 1970-01-01 has the rows without a day.")
	weekRows   = frame.Int64("used_rows", "Rows of the source of that week that the run used, up to as_of.").In("rows")
	weekAmount = frame.Float64("amount", "Of orders: the amounts of those rows added up, before refunds. NULL for other sources.").In("money").Null()

	sourceWeeks = frame.Table{
		Name: "source_weeks",
		Doc: "The used rows of the sources by week. The next run holds them against what the sources have then, so that orders " +
			"that were lost do not go unnoticed.",
		Key:         []string{"as_of", "source", "week"},
		Columns:     cols(customer.AsOf, weekSource, weekDay, weekRows, weekAmount),
		PartitionBy: "as_of",
	}
)

// Limits of the checks on volume.
const (
	fewRows    = 20   // under so many rows before nothing is said
	fewRecent  = 50   // under so many rows in each of the earlier spans nothing is said
	partBelow  = 0.5  // share of the fewest rows of the earlier spans under which the newest one looks like a load in part
	spansBack  = 4    // how many earlier spans the newest one is compared with
	fullWeek   = 7    // days
	mostDays   = 366  // of a span
	dearBelow  = 0.8  // the mean amount by that of the run before under which a run warns
	dearAbove  = 1.25 // and above which
	moneyUnits = 1e4  // ten-thousandths
)

// A week is what a source has in one: rows, and of orders the money in ten-thousandths. day is its first, counted from
// 1970-01-01; week 0 has the rows without a day.
type week struct{ day, rows, amount int64 }

// A volume is what a source had when the previous generation was made, and what it has now.
type volume struct {
	before, now []week // up to the previous as-of day
	first       int64  // the first week in which the source has anything now; 0 where none of its rows has a day
	spans       [spansBack + 1]int64
}

// A comparison is the part of a volume that can be compared.
type comparison struct {
	before, now           week  // all weeks together
	datedBefore, datedNow int64 // of those rows
	from                  int64 // the first week that was compared, where the source begins later now; else 0
}

// compare adds up the weeks that the source should still have. A source that is a window of the last days begins later than it
// did, by at most the days since the previous run, be it within a week: then the weeks that it has whole are compared.
func (v volume) compare(apart int64) comparison {
	var c comparison
	old, first := firstWeek(v.before), week{}
	for _, w := range v.now {
		if w.day == v.first {
			first.rows += w.rows
		}
	}
	if slid := v.first - old.day; old.day > 0 && v.first > 0 && (slid > 0 && slid <= apart+fullWeek || slid == 0 && first.rows < old.rows) {
		c.from = v.first + fullWeek
	}
	sum := func(ws []week, total *week, dated *int64) {
		for _, w := range ws {
			if w.day > 0 && w.day < c.from {
				continue
			}
			total.rows, total.amount = total.rows+w.rows, total.amount+w.amount
			if w.day > 0 {
				*dated += w.rows
			}
		}
	}
	sum(v.before, &c.before, &c.datedBefore)
	sum(v.now, &c.now, &c.datedNow)
	return c
}

// firstWeek is the first of ws that is one; the zero week where none of the rows has a day.
func firstWeek(ws []week) week {
	var first week
	for _, w := range ws {
		if w.day > 0 && (first.day == 0 || w.day < first.day) {
			first = w
		}
	}
	return first
}

// auditHistory holds what the sources have of the days up to the previous run against what that run had, and the days since
// then against as many before. It stages what they have now.
func (r *run) auditHistory(ctx context.Context) (warehouse.Ref, error) {
	ctx = r.step(ctx, "compare the sources")
	volumes, staged, err := r.volumes(ctx)
	if err != nil {
		return warehouse.Ref{}, err
	}
	known, err := r.weeksBefore(ctx, r.prev, volumes)
	if err != nil {
		return warehouse.Ref{}, err
	}
	if err := r.auditErosion(ctx, volumes); err != nil {
		return warehouse.Ref{}, err
	}
	apart := int64(frame.DayOf(r.AsOf) - frame.DayOf(r.prev.asOf))
	for _, s := range r.sources {
		switch v := volumes[s.Name]; {
		case v == nil: // all of its rows were put aside, or come later
		case !known:
			r.check(checkHistory, s.Name, NotEvaluated, "there is no run before whose rows could be compared")
		default:
			r.auditVolume(s.Name, v.compare(apart), v.before != nil)
			if s.Name == "orders" {
				r.auditAmounts(v.compare(apart))
			}
			r.auditRecent(s.Name, v.spans, apart)
		}
		delete(volumes, s.Name)
	}
	for _, name := range sql.SourceNames() {
		if v := volumes[name]; v != nil && v.before != nil {
			r.check(checkHistory, name, Warned, "it is no longer configured; the run of %s used %d rows of it",
				r.prev.asOf.Format(time.DateOnly), total(v.before, func(w week) int64 { return w.rows }))
		}
	}
	return staged, nil
}

// besides are the sources that no segment is made of: who archives an experiment that is over, or has not begun the first one,
// must not stop the job.
var besides = []string{"experiments", "touchpoints", "costs"}

// auditVolume judges the rows of the days up to the previous run.
func (r *run) auditVolume(source string, c comparison, had bool) {
	day, since := r.prev.asOf.Format(time.DateOnly), ""
	if c.from > 0 {
		since = "from " + frame.TimeOf(frame.Day(c.from)).Format(time.DateOnly) + " on, since it begins later now, "
	}
	if !had || c.before.rows < fewRows {
		r.check(checkHistory, source, NotEvaluated, "%s%d rows up to %s when that day was run: too few to compare with", since, c.before.rows, day)
		return
	}
	state := Passed
	switch {
	case float64(c.now.rows) < collapseBelow*float64(c.before.rows) && !slices.Contains(besides, source):
		state = Failed
	case float64(c.now.rows) < driftBelow*float64(c.before.rows), float64(c.datedNow) > driftAbove*float64(c.datedBefore) && c.datedBefore >= fewRows:
		state = Warned
	}
	r.check(checkHistory, source, state, "%s%d used rows up to %s, %d when that day was run (%.1f %%)", since, c.now.rows, day,
		c.before.rows, 100*float64(c.now.rows)/float64(c.before.rows))
}

// auditAmounts warns where an order is worth another amount than the same orders were: as when amounts turn to cents.
func (r *run) auditAmounts(c comparison) {
	if c.before.rows < fewRows || c.now.rows < fewRows || c.before.amount <= 0 || c.now.amount <= 0 {
		return
	}
	then := float64(c.before.amount) / float64(c.before.rows) / moneyUnits
	now := float64(c.now.amount) / float64(c.now.rows) / moneyUnits
	state := Passed
	if ratio := now / then; ratio < dearBelow || ratio > dearAbove {
		state = Warned
	}
	r.check(checkAmounts, "orders", state, "a line of the days up to %s is %.2f on average, %.2f when that day was run",
		r.prev.asOf.Format(time.DateOnly), now, then)
}

// auditRecent warns where the days since the previous run have far fewer rows than any of the spans of the same weekdays before
// them.
func (r *run) auditRecent(source string, spans [spansBack + 1]int64, days int64) {
	fewest := int64(math.MaxInt64)
	for _, n := range spans[1:] {
		fewest = min(fewest, n)
	}
	if fewest < fewRecent {
		return // too short a history, too small a source, or one that comes in bursts
	}
	state := Passed
	if float64(spans[0]) < partBelow*float64(fewest) {
		state = Warned
	}
	r.check(checkRecent, source, state, "%d rows of the last %s; of the %d times the same weekdays before, the fewest are %d", spans[0],
		daysInWords(days), spansBack, fewest)
}

func daysInWords(n int64) string {
	if n == 1 {
		return "day"
	}
	return fmt.Sprintf("%d days", n)
}

// spanStep is how many days lie between spans of so many days on the same weekdays.
func spanStep(days int64) int64 { return (days + fullWeek - 1) / fullWeek * fullWeek }

var (
	weekNumber  = frame.Int64("week", "")
	weekSpan    = frame.Int64("span", "")
	weekEarlier = frame.Int64("earlier_rows", "")
	weekE4      = frame.Int64("amount_e4", "")
	weekEarlyE4 = frame.Int64("earlier_amount_e4", "")
)

// volumes counts the used rows of each source by week, and stages them.
func (r *run) volumes(ctx context.Context) (map[string]*volume, warehouse.Ref, error) {
	params := r.params(r.AsOf)
	days := min(max(int64(frame.DayOf(r.AsOf)-frame.DayOf(r.prev.asOf)), 1), mostDays)
	params["previous_day"], params["span_days"], params["span_step"] = int64(frame.DayOf(r.prev.asOf)), days, spanStep(days)
	q, err := r.resolve(sourceWeeks.Name, params, r.relations())
	if err != nil {
		return nil, warehouse.Ref{}, err
	}
	out := map[string]*volume{}
	var staged []week
	var sources []string
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, warehouse.Ref{}, fmt.Errorf("count the sources' rows by week: %w", err)
		}
		for i := range int(b.NumRows()) {
			name, w := weekSource.Of(b).Value(i), week{weekNumber.Of(b).Value(i), weekRows.Of(b).Value(i), weekE4.Of(b).Value(i)}
			v := out[name]
			if v == nil {
				v = &volume{}
				out[name] = v
			}
			if n := len(staged); n > 0 && sources[n-1] == name && staged[n-1].day == w.day {
				staged[n-1].rows, staged[n-1].amount = staged[n-1].rows+w.rows, staged[n-1].amount+w.amount
			} else {
				sources, staged = append(sources, name), append(staged, w)
			}
			if v.first == 0 {
				v.first = w.day
			}
			if span := weekSpan.Of(b).Value(i); span >= 0 && span < int64(len(v.spans)) {
				v.spans[span] += w.rows
			}
			v.now = append(v.now, week{w.day, weekEarlier.Of(b).Value(i), weekEarlyE4.Of(b).Value(i)})
		}
	}
	ref, err := r.stageWeeks(ctx, sources, staged)
	return out, ref, err
}

func (r *run) stageWeeks(ctx context.Context, sources []string, ws []week) (warehouse.Ref, error) {
	n := len(ws)
	days, rows, amounts, isMoney := make([]frame.Day, n), make([]int64, n), make([]float64, n), make([]bool, n)
	for i, w := range ws {
		days[i], rows[i], amounts[i], isMoney[i] = frame.Day(w.day), w.rows, float64(w.amount)/moneyUnits, sources[i] == "orders"
	}
	return r.stageBatch(ctx, sourceWeeks, frame.Record(customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), n), nil),
		weekSource.Array(sources, nil), weekDay.Array(days, nil), weekRows.Array(rows, nil), weekAmount.Array(amounts, isMoney)))
}

// weeksBefore adds what the run of the generation g used. It says whether that run counted its rows.
func (r *run) weeksBefore(ctx context.Context, g generation, into map[string]*volume) (known bool, err error) {
	if g.runID == "" {
		return false, nil
	}
	for b, err := range r.read(ctx, "source_weeks_before", map[string]any{"as_of": frame.DayOf(g.asOf)}, sourceWeeks) {
		if err != nil {
			return false, fmt.Errorf("read source_weeks: %w", err)
		}
		for i := range int(b.NumRows()) {
			name := weekSource.Of(b).Value(i)
			if into[name] == nil {
				into[name] = &volume{}
			}
			w := week{day: int64(weekDay.Of(b).Value(i)), rows: weekRows.Of(b).Value(i)}
			if a := weekAmount.Of(b); a.IsValid(i) {
				w.amount = int64(math.Round(a.Value(i) * moneyUnits))
			}
			into[name].before, known = append(into[name].before, w), true
		}
	}
	return known, nil
}
