package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"segments/pipeline/shift"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// shiftHorizons are the days over which moves between core segments are counted, and so many days ahead foreseen.
var shiftHorizons = []int{30, 60, 90}

// minShifts are the customers that must have been known at the beginning of a horizon for its moves to be counted.
const minShifts = 100

// The states of a forecast of sizes.
const (
	shiftOK       = "ok"
	shiftTooFew   = "too_few"
	shiftUntested = "unvalidated"
	shiftNoBetter = "no_better_than_naive"
)

var (
	shiftHorizon       = frame.Int64("horizon_days", "The days that lie between from and to, and that expected_customers looks ahead.").In("days")
	shiftFrom          = frame.String("from_segment", "The core segment horizon_days before the as-of day, by the models of today; empty for who was not known yet.")
	shiftTo            = frame.String("to_segment", "The core segment on the as-of day; empty for who is not known any more.")
	shiftCustomersFrom = frame.Int64("customers_from", "Customers of from_segment then; who came since, where it is empty.").In("customers")
	shiftCustomers     = frame.Int64("customers", "Of those, who are in to_segment now.").In("customers")
	shiftProbability   = frame.Float64("probability", "customers by customers_from: how likely such a move was. NULL where fewer than privacy.min_group were there.").
				In("share").Null()
	shiftLow      = frame.Float64("probability_low", "Lower end of its 95 % Wilson interval.").In("share").Null()
	shiftHigh     = frame.Float64("probability_high", "Upper end of its 95 % Wilson interval.").In("share").Null()
	shiftExpected = frame.Float64("expected_customers", "Customers of from_segment today by the probability: who will be in to_segment horizon_days from the "+
		"as-of day; of new ones, as many as came. NULL where there is no probability. See status before adding it up.").In("customers").Null()
	shiftStatus = frame.String("status", "ok; too_few customers were there; unvalidated: the history is too short for a backtest of expected_customers; "+
		"no_better_than_naive: in the backtest the sizes of today were as good a forecast of the sizes to come.").
		OneOf(shiftOK, shiftTooFew, shiftUntested, shiftNoBetter)

	segmentShifts = frame.Table{
		Name: "segment_shifts",
		Doc: "Where the customers of each core segment went within 30, 60 and 90 days, and how many are expected to go in the next ones. Both days are " +
			"scored by the models of today, so that no moved cut is in it. Empty where the history is too short.",
		Key: []string{"as_of", "horizon_days", "from_segment", "to_segment"},
		Columns: cols(customer.AsOf, shiftHorizon, shiftFrom, shiftTo, shiftCustomersFrom, shiftCustomers, shiftProbability, shiftLow, shiftHigh,
			shiftExpected, shiftStatus),
		PartitionBy: "as_of",
	}

	shiftSegment   = frame.String("segment", "The core segment; empty for all of them.")
	shiftPredicted = frame.Float64("predicted_customers", "The size on the as-of day as foreseen horizon_days before, from the moves of the horizon before that; "+
		"NULL for all of them.").In("customers").Null()
	shiftPredictedLow  = frame.Float64("predicted_low", "Lower end of its 95 % interval, as if customers moved independently.").In("customers").Null()
	shiftPredictedHigh = frame.Float64("predicted_high", "Upper end of that interval.").In("customers").Null()
	shiftNaive         = frame.Int64("naive_customers", "The size horizon_days before: the forecast that nobody moves; NULL for all of them.").In("customers").Null()
	shiftActual        = frame.Int64("actual_customers", "The size on the as-of day; NULL for all of them.").In("customers").Null()
	shiftError         = frame.Float64("error", "Total variation distance between the shares of the segments that were foreseen and those that came: the "+
		"share of customers that the sizes put in the wrong segment. The same in all rows of a horizon, and so are the next three.").In("share")
	shiftNaiveError = frame.Float64("naive_error", "As error, of the forecast that the sizes stay.").In("share")
	shiftMovesError = frame.Float64("moves_error", "Share of the customers known horizon_days before whose moves were not as foreseen, segment by segment.").In("share")
	shiftMovesAtAll = frame.Float64("moved_share", "Share of them who moved at all: the moves_error of the forecast that everybody stays.").In("share")

	segmentShiftValidation = frame.Table{
		Name: "segment_shift_validation",
		Doc: "The forecast of the sizes of core segments held against what came: made horizon_days before the as-of day from what was known of the " +
			"horizon before. Empty where the history is too short.",
		Key: []string{"as_of", "horizon_days", "segment"},
		Columns: cols(customer.AsOf, shiftHorizon, shiftSegment, shiftPredicted, shiftPredictedLow, shiftPredictedHigh, shiftNaive, shiftActual,
			shiftError, shiftNaiveError, shiftMovesError, shiftMovesAtAll),
		PartitionBy: "as_of",
	}
)

// A span is the moves within a horizon, and those of the horizon before.
type span struct {
	days         int
	then, before []shift.Flow
	transitions  []shift.Transition
	backtest     *shift.Backtest // nil where the history is too short
	status       string
}

// stageShifts stages segment_shifts and segment_shift_validation, and checks the forecast.
func (r *run) stageShifts(ctx context.Context, c *chain, _, labels warehouse.Ref) ([]warehouse.Ref, error) {
	counts, err := r.shiftCounts(ctx, c, labels)
	var spans []span
	switch {
	case errors.Is(err, errCoreInputs):
		r.check(checkShifts, "core segments", NotEvaluated, "%v", err)
	case err != nil:
		return nil, err
	default:
		for _, days := range shiftHorizons {
			spans = append(spans, r.shiftSpan(days, counts[[2]int{days, 0}], counts[[2]int{days, days}]))
		}
	}
	return r.stageBatches(ctx,
		staging{segmentShifts, []frame.Batch{r.shiftRows(spans)}},
		staging{segmentShiftValidation, []frame.Batch{r.shiftValidationRows(spans)}},
	)
}

var (
	shiftEnded  = frame.Int64("ended", "")
	shiftCounts = cols(shiftHorizon, shiftEnded, shiftFrom, shiftTo, profileCustomers)
)

// shiftCounts counts the moves, by the days of the horizon and how many days ago it ended. It reads the orders once for each
// day that no backtest has read.
func (r *run) shiftCounts(ctx context.Context, c *chain, labels warehouse.Ref) (map[[2]int][]shift.Flow, error) {
	d := r.Warehouse.Dialect()
	ago := map[int]sql.Relation{0: sql.Members("", labels.Relation(), d, r.CoreSegment)}
	for _, h := range shiftHorizons {
		for _, days := range []int{h, 2 * h} {
			if _, ok := ago[days]; ok {
				continue
			}
			ref, err := r.coreLabels(ctx, c, r.AsOf.AddDate(0, 0, -days))
			if err != nil {
				return nil, err
			}
			ago[days] = ref.Relation()
		}
	}
	ctx = r.step(ctx, "count shifts")
	q, err := r.resolve("shift_counts", nil, []sql.Relation{sql.LabelsAgo(ago)})
	if err != nil {
		return nil, err
	}
	out := map[[2]int][]shift.Flow{}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("count shifts: %w", err)
		}
		if err := frame.Check(b.Schema(), shiftCounts...); err != nil {
			return nil, fmt.Errorf("query shift_counts: %w", err)
		}
		for i := range int(b.NumRows()) {
			key := [2]int{int(shiftHorizon.Of(b).Value(i)), int(shiftEnded.Of(b).Value(i))}
			out[key] = append(out[key], shift.Flow{From: shiftFrom.Of(b).Value(i), To: shiftTo.Of(b).Value(i), Customers: profileCustomers.Of(b).Value(i)})
		}
	}
	return out, nil
}

// shiftSpan judges the moves of a horizon.
func (r *run) shiftSpan(days int, then, before []shift.Flow) span {
	subject := fmt.Sprintf("%d days", days)
	if n := known(shift.Totals(then)); n < minShifts {
		r.check(checkShifts, subject, NotEvaluated, "too little history: %d customers were known on %s, and %d are needed", n,
			r.AsOf.AddDate(0, 0, -days).Format(time.DateOnly), minShifts)
		return span{days: days}
	}
	s := span{days: days, then: then, before: before, status: shiftUntested}
	s.transitions = shift.Transitions(then, shift.Sizes(then), r.MinGroup)
	if n := known(shift.Totals(before)); n < minShifts {
		r.check(checkShifts, subject, NotEvaluated, "too little history for a backtest: %d customers were known on %s, and %d are needed", n,
			r.AsOf.AddDate(0, 0, -2*days).Format(time.DateOnly), minShifts)
		return s
	}
	b, ok := shift.Validate(before, then, r.MinGroup)
	if !ok {
		r.check(checkShifts, subject, NotEvaluated, "nobody is in a core segment")
		return s
	}
	state, verdict := Passed, "better than"
	if s.status = shiftOK; b.Error >= b.Naive {
		s.status, state, verdict = shiftNoBetter, Warned, "no better than"
	}
	s.backtest = &b
	r.check(checkShifts, subject, state, "the sizes foreseen %d days ago put %.1f %% of the customers in the wrong segment: %s the sizes of that day "+
		"(%.1f %%)", days, 100*b.Error, verdict, 100*b.Naive)
	return s
}

// known adds up the customers who were in a segment.
func known(began map[string]int64) int64 {
	var n int64
	for name, v := range began {
		if name != shift.Nowhere {
			n += v
		}
	}
	return n
}

func (r *run) shiftRows(spans []span) frame.Batch {
	type row struct {
		span
		shift.Transition
	}
	var rows []row
	var p, low, high, expected floats
	for _, s := range spans {
		for _, t := range s.transitions {
			x := row{s, t}
			if t.Probability == nil {
				x.status = shiftTooFew
			}
			rows = append(rows, x)
			expected.add(t.Expected)
			if t.Probability == nil {
				p.add(nil)
				low.add(nil)
				high.add(nil)
				continue
			}
			p.add(&t.Probability.Value)
			low.add(&t.Probability.Low)
			high.add(&t.Probability.High)
		}
	}
	return frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), len(rows)), nil),
		shiftHorizon.Array(each(rows, func(x row) int64 { return int64(x.days) }), nil),
		shiftFrom.Array(each(rows, func(x row) string { return x.From }), nil),
		shiftTo.Array(each(rows, func(x row) string { return x.To }), nil),
		shiftCustomersFrom.Array(each(rows, func(x row) int64 { return x.CustomersFrom }), nil),
		shiftCustomers.Array(each(rows, func(x row) int64 { return x.Customers }), nil),
		p.of(shiftProbability), low.of(shiftLow), high.of(shiftHigh), expected.of(shiftExpected),
		shiftStatus.Array(each(rows, func(x row) string { return x.status }), nil),
	)
}

func (r *run) shiftValidationRows(spans []span) frame.Batch {
	type row struct {
		span
		*shift.Size // nil for all of them
	}
	var rows []row
	for _, s := range spans {
		if s.backtest == nil {
			continue
		}
		rows = append(rows, row{s, nil})
		for i := range s.backtest.Segments {
			rows = append(rows, row{s, &s.backtest.Segments[i]})
		}
	}
	n := len(rows)
	names, naive, actual, of := make([]string, n), make([]int64, n), make([]int64, n), make([]bool, n)
	var predicted, low, high floats
	for i, x := range rows {
		if of[i] = x.Size != nil; !of[i] {
			predicted.add(nil)
			low.add(nil)
			high.add(nil)
			continue
		}
		names[i], naive[i], actual[i] = x.Segment, x.Naive, x.Actual
		predicted.add(&x.Predicted.Value)
		low.add(&x.Predicted.Low)
		high.add(&x.Predicted.High)
	}
	return frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), n), nil),
		shiftHorizon.Array(each(rows, func(x row) int64 { return int64(x.days) }), nil),
		shiftSegment.Array(names, nil),
		predicted.of(shiftPredicted), low.of(shiftPredictedLow), high.of(shiftPredictedHigh),
		shiftNaive.Array(naive, of), shiftActual.Array(actual, of),
		shiftError.Array(each(rows, func(x row) float64 { return x.backtest.Error }), nil),
		shiftNaiveError.Array(each(rows, func(x row) float64 { return x.backtest.Naive }), nil),
		shiftMovesError.Array(each(rows, func(x row) float64 { return x.backtest.MovesError }), nil),
		shiftMovesAtAll.Array(each(rows, func(x row) float64 { return x.backtest.Moved }), nil),
	)
}
