package pipeline

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"segments/pipeline/experiment"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// Experiments says how experiments are read.
type Experiments struct {
	Controls    []string                      // names that a control goes by, the first of them that is a variant counts
	HorizonDays int                           // after each customer's assignment
	Expected    map[string]map[string]float64 // by experiment and variant; equal shares where an experiment is not there
	Holdout     bool                          // whether there is an always-on holdout, which is read like an experiment
}

// The always-on holdout as an experiment.
const (
	holdoutExperiment = "holdout"
	holdoutVariant    = "holdout"
)

// mostCrossed is the share of customers who may have been given several variants until a run warns.
const mostCrossed = .01

// What experiment_counts gives beside the columns of the published tables.
var (
	countedCells = cols(experimentName, variantName, segmentBefore, experimentKind, armCustomers, armWaiting,
		frame.Int64("known", ""), frame.Int64("reconstructed", ""), firstAssignedDay, lastAssignedDay, frame.Int64("converters", ""),
		cellValue, frame.Int64(squares[0], ""), frame.Int64(squares[1], ""), frame.Int64(squares[2], ""), frame.Int64(squares[3], ""),
		frame.Int64(squares[4], ""), crossedOver, armLeftOut)
	firstAssignedDay, lastAssignedDay = frame.Int64("first_day", ""), frame.Int64("last_day", "")
	cellValue                         = frame.Int64("value_e4", "")

	// value² by its digits to the base 2^17, see the query.
	squares = []string{"c0", "c1", "c2", "c3", "c4"}
)

// An experimentCount is a row of experiment_counts.
type experimentCount struct {
	experiment.Cell
	experiment, kind        string
	waiting, known, rebuilt int64
	firstDay, lastDay       frame.Day
	crossedOver, leftOut    int64
}

// stageExperiments stages experiment_results and experiment_arms.
func (r *run) stageExperiments(ctx context.Context, _ *chain, _, _ warehouse.Ref) ([]warehouse.Ref, error) {
	var counts []experimentCount
	if configured(r.sources, "experiments") || r.back.held.runID != "" {
		var err error
		if counts, err = r.countExperiments(r.step(ctx, "read experiments")); err != nil {
			return nil, err
		}
	}
	var results []experimentRow
	var arms []armRow
	for _, rows := range grouped(counts, func(c experimentCount) string { return c.experiment }) {
		found, of, err := r.judgeExperiment(rows)
		if err != nil {
			return nil, fmt.Errorf("experiment %s: %w", rows[0].experiment, err)
		}
		results, arms = append(results, found...), append(arms, of...)
	}
	return r.stageBatches(ctx,
		staging{experimentResults, []frame.Batch{r.experimentBatch(results)}},
		staging{experimentArms, []frame.Batch{r.armBatch(arms)}},
	)
}

// grouped cuts xs, which are sorted by key, into runs of the same key.
func grouped[X any](xs []X, key func(X) string) [][]X {
	var out [][]X
	for i, x := range xs {
		if i == 0 || key(x) != key(xs[i-1]) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], x)
	}
	return out
}

// countExperiments asks who takes part, by experiment, and what became of them.
func (r *run) countExperiments(ctx context.Context) ([]experimentCount, error) {
	then, err := r.segmentsThen(ctx)
	if err != nil {
		return nil, err
	}
	held, err := r.holdoutThen(ctx)
	if err != nil {
		return nil, err
	}
	params := r.params(r.AsOf)
	params["experiment_days"], params["held_as_of"] = int64(r.Experiments.HorizonDays), frame.DayOf(r.back.held.asOf)
	q, err := r.resolve("experiment_counts", params, append(r.relations(), then, held))
	if err != nil {
		return nil, err
	}
	var out []experimentCount
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("count experiments: %w", err)
		}
		if err := frame.Check(b.Schema(), countedCells...); err != nil {
			return nil, fmt.Errorf("query experiment_counts: %w", err)
		}
		for i := range int(b.NumRows()) {
			whole := func(name string) int64 { return frame.Int64(name, "").Of(b).Value(i) }
			c := experimentCount{
				experiment: experimentName.Of(b).Value(i), kind: experimentKind.Of(b).Value(i), waiting: whole("waiting"), known: whole("known"),
				rebuilt: whole("reconstructed"), firstDay: frame.Day(whole("first_day")), lastDay: frame.Day(whole("last_day")),
				crossedOver: whole("crossed_over"), leftOut: whole("left_out"),
			}
			c.Cell = experiment.Cell{
				Variant: variantName.Of(b).Value(i), Segment: segmentBefore.Of(b).Value(i), Customers: whole("customers"),
				Converters: whole("converters"), Value: whole("value_e4"), ValueSquares: new(big.Int),
			}
			for k, digit := range squares {
				term := big.NewInt(whole(digit))
				c.ValueSquares.Add(c.ValueSquares, term.Lsh(term, uint(17*k)))
			}
			out = append(out, c)
		}
		if len(out) > mostCells {
			r.check(checkExperiment, "experiments", Warned, "there are more than %d combinations of experiment, variant, segment and kind of conversion: "+
				"is one of them, such as sources.experiments.columns.experiment, an identifier? Nothing is said of experiments", mostCells)
			return nil, nil
		}
	}
	return out, nil
}

// mostCells is how many combinations the experiments of a shop may come to before a column is taken for a mistake.
const mostCells = 100_000

// holdoutThen is the relation holdout_then: who was in the always-on holdout, and who was not, as published by the newest
// generation that is a horizon old. Its horizon begins with the day after.
func (r *run) holdoutThen(ctx context.Context) (sql.Relation, error) {
	d := r.Warehouse.Dialect()
	day := frame.Int64("since_day", "")
	none := sql.Empty(frame.Table{Name: "holdout_then", Columns: cols(customer.ID, heldOut, segment, frame.Int64("since_us", ""), day)}, d)
	if r.back.held.runID == "" || !r.hasWide(heldOut.Name) {
		return none, nil
	}
	ref, ok, err := r.Warehouse.Published(ctx, r.customerSegments())
	if err != nil || !ok {
		return none, err
	}
	since := r.back.held.asOf
	return sql.HeldOut(ref.As(none.Name).Where(d, "as_of", "held_as_of"), d, r.CoreSegment,
		dayEnd(since, r.Location).UnixMicro(), int64(frame.DayOf(since))+1), nil
}

// heldOut is the column of customer_segments that says who is in the always-on holdout.
var heldOut = frame.Bool("in_holdout", "").Null()

// hasWide says whether customer_segments has a column called name.
func (r *run) hasWide(name string) bool { return has(r.customerSegments().Columns, name) }

// An experimentRow is a row of experiment_results.
type experimentRow struct {
	experiment.Result
	experiment, kind, control string
	known, rebuilt            int64
}

// An armRow is a row of experiment_arms.
type armRow struct {
	experiment, variant  string
	control              bool
	customers, waiting   int64
	share, expected, p   *float64
	crossedOver, leftOut int64
	firstDay, lastDay    frame.Day
}

// judgeExperiment says what the counts of one experiment prove, and checks them.
func (r *run) judgeExperiment(counts []experimentCount) ([]experimentRow, []armRow, error) {
	name := counts[0].experiment
	arms, sizes := armsOf(counts)
	if len(arms) == 0 { // all of them crossed over or were left out
		r.check(checkExperiment, name, NotEvaluated, "nobody takes part: %d customers were given several variants, %d object to profiling or are deleted",
			counts[0].crossedOver, counts[0].leftOut)
		return nil, nil, nil
	}
	variants := each(arms, func(a armRow) string { return a.variant })
	control, named := experiment.Control(variants, r.Experiments.Controls)
	always := name == holdoutExperiment && r.back.held.runID != "" && slices.Contains(variants, holdoutVariant)
	if always {
		control, named = holdoutVariant, true
	}
	var cells []experiment.Cell
	for _, c := range counts {
		if c.kind == "" && c.Variant != "" {
			cells = append(cells, c.Cell)
		}
	}
	r.checkRatio(name, arms, sizes, experiment.Uneven(cells), always)
	r.checkExperiment(name, arms, control, named)
	for i := range arms {
		arms[i].control = arms[i].variant == control
	}
	var rows []experimentRow
	byKind := slices.SortedStableFunc(slices.Values(counts), func(a, b experimentCount) int { return strings.Compare(a.kind, b.kind) })
	for _, of := range grouped(byKind, func(c experimentCount) string { return c.kind }) {
		if of[0].kind == "" || !slices.ContainsFunc(of, converted) && slices.ContainsFunc(counts, converted) {
			continue // of kinds, only those that somebody did; all, where nobody did anything
		}
		found, err := experiment.Compare(each(of, func(c experimentCount) experiment.Cell { return c.Cell }), control, r.MinGroup)
		if err != nil {
			return nil, nil, err
		}
		for _, res := range found {
			row := experimentRow{Result: res, experiment: name, kind: of[0].kind, control: control}
			for _, c := range of {
				if c.Variant == res.Variant && (res.Everyone || c.Segment == res.Segment) {
					row.known, row.rebuilt = row.known+c.known, row.rebuilt+c.rebuilt
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, arms, nil
}

// converted says whether somebody of c did.
func converted(c experimentCount) bool { return c.Converters > 0 }

// armsOf adds the counts of an experiment up by variant, in the order of their names. sizes are the customers of each, those
// who wait included.
func armsOf(counts []experimentCount) (arms []armRow, sizes map[string]int64) {
	by := map[string]*armRow{}
	sizes = map[string]int64{}
	var crossed, left int64
	for _, c := range counts {
		crossed, left = crossed+c.crossedOver, left+c.leftOut
		if c.kind != "" || c.Variant == "" {
			continue
		}
		a := by[c.Variant]
		if a == nil {
			a = &armRow{experiment: c.experiment, variant: c.Variant, firstDay: c.firstDay, lastDay: c.lastDay}
			by[c.Variant] = a
		}
		a.customers, a.waiting = a.customers+c.Customers, a.waiting+c.waiting
		a.firstDay, a.lastDay = min(a.firstDay, c.firstDay), max(a.lastDay, c.lastDay)
		sizes[c.Variant] += c.Customers + c.waiting
	}
	for _, v := range slices.Sorted(maps.Keys(by)) {
		a := *by[v]
		a.crossedOver, a.leftOut = crossed, left
		arms = append(arms, a)
	}
	return arms, sizes
}

// checkRatio warns where the customers were not shared out as meant, and writes into arms how they were.
func (r *run) checkRatio(name string, arms []armRow, sizes map[string]int64, uneven, always bool) {
	expected := r.Experiments.Expected[name]
	shares, p, ok := experiment.SampleRatio(sizes, expected)
	var all int64
	for _, n := range sizes {
		all += n
	}
	var told []string
	for i := range arms {
		a := &arms[i]
		share := float64(sizes[a.variant]) / float64(all)
		a.share = &share
		text := fmt.Sprintf("%s %d", a.variant, sizes[a.variant])
		if !always {
			meant := shares[a.variant]
			a.expected = &meant
			if ok {
				a.p = &p
			}
			text += fmt.Sprintf(" (%.1f %%, expected %.1f %%)", 100*share, 100*meant)
		}
		told = append(told, text)
	}
	seen := strings.Join(told, ", ")
	switch {
	case always: // drawn by hash: as meant, also where the shares of segments differ
	case !ok:
		r.check(checkRatio, name, NotEvaluated, "there is only one variant: %s", seen)
	case p < experiment.SuspectRatio:
		r.check(checkRatio, name, Warned, "the customers were not shared out as expected: %s; p = %.2g", seen, p)
	case uneven:
		r.check(checkRatio, name, Warned, "the variants have other shares in some segments than in others, so that only the results by segment "+
			"can be compared: %s", seen)
	default:
		r.check(checkRatio, name, Passed, "%s; p = %.2g", seen, p)
	}
}

// checkExperiment says who takes part in an experiment, and warns where many were given several variants.
func (r *run) checkExperiment(name string, arms []armRow, control string, named bool) {
	var mature, waiting int64
	for _, a := range arms {
		mature, waiting = mature+a.customers, waiting+a.waiting
	}
	crossed, left := arms[0].crossedOver, arms[0].leftOut
	state, detail := Passed, fmt.Sprintf("%d customers whose %d days are over, %d waiting, %d given several variants, %d left out", mature,
		r.Experiments.HorizonDays, waiting, crossed, left)
	if mature == 0 {
		state = NotEvaluated
	}
	if share := float64(crossed) / float64(crossed+mature+waiting); share > mostCrossed {
		state = Warned
		detail += fmt.Sprintf("; %.1f %% of all were given several variants and are in none", 100*share)
	}
	if !named {
		detail += fmt.Sprintf("; experiments.control names none of its variants: %s, the first by name, is taken for the control", control)
	}
	r.check(checkExperiment, name, state, "%s", detail)
}

func (r *run) experimentBatch(rows []experimentRow) frame.Batch {
	n := len(rows)
	var rate, rateLow, rateHigh, of, diff, diffLow, diffHigh, lift, liftLow, liftHigh, p, q, mde, worth, ofWorth, gain, gainLow, gainHigh, same floats
	described, compared := make([]bool, n), make([]bool, n)
	against := make([]bool, n)
	for i, x := range rows {
		described[i], compared[i], against[i] = x.Rate != nil, x.ControlRate != nil, x.Verdict != experiment.IsControl
		estimate(x.Rate, &rate, &rateLow, &rateHigh)
		estimate(x.Difference, &diff, &diffLow, &diffHigh)
		estimate(x.Lift, &lift, &liftLow, &liftHigh)
		estimate(x.ValueDifference, &gain, &gainLow, &gainHigh)
		of.add(nil)
		if x.ControlRate != nil {
			of.set(x.ControlRate.Value, true)
		}
		p.add(x.PValue)
		q.add(x.QValue)
		mde.add(x.Detectable)
		worth.add(x.ValuePer)
		ofWorth.add(x.ControlValuePer)
		same.add(x.Homogeneity)
	}
	return frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), n), nil),
		experimentName.Array(each(rows, func(x experimentRow) string { return x.experiment }), nil),
		experimentKind.Array(each(rows, func(x experimentRow) string { return x.kind }), nil),
		variantName.Array(each(rows, func(x experimentRow) string { return x.Variant }), nil),
		segmentBefore.Array(each(rows, func(x experimentRow) string { return x.Segment }), nil),
		controlName.Array(each(rows, func(x experimentRow) string { return x.control }), nil),
		experimentDays.Array(repeat(int64(r.Experiments.HorizonDays), n), nil),
		armCustomers.Array(each(rows, func(x experimentRow) int64 { return x.Customers }), nil),
		armKnown.Array(each(rows, func(x experimentRow) int64 { return x.known }), nil),
		armRebuilt.Array(each(rows, func(x experimentRow) int64 { return x.rebuilt }), nil),
		armConverters.Array(each(rows, func(x experimentRow) int64 { return x.Converters }), described),
		rate.of(armRate), rateLow.of(armRateLow), rateHigh.of(armRateHigh),
		controlCustomers.Array(each(rows, func(x experimentRow) int64 { return x.Control.Customers }), against),
		controlConverters.Array(each(rows, func(x experimentRow) int64 { return x.Control.Converters }), compared),
		of.of(controlRate), diff.of(difference), diffLow.of(differenceLow), diffHigh.of(differenceHigh),
		lift.of(armLift), liftLow.of(armLiftLow), liftHigh.of(armLiftHigh), p.of(armP), q.of(armQ), mde.of(detectable),
		worth.of(armValue), ofWorth.of(controlValue), gain.of(valueDifference), gainLow.of(valueDifferenceLow), gainHigh.of(valueDifferenceHigh),
		same.of(homogeneityP),
		armVerdict.Array(each(rows, func(x experimentRow) string { return string(x.Verdict) }), nil),
	)
}

func (r *run) armBatch(arms []armRow) frame.Batch {
	n := len(arms)
	var share, meant, p floats
	for _, a := range arms {
		share.add(a.share)
		meant.add(a.expected)
		p.add(a.p)
	}
	return frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), n), nil),
		experimentName.Array(each(arms, func(a armRow) string { return a.experiment }), nil),
		variantName.Array(each(arms, func(a armRow) string { return a.variant }), nil),
		isControl.Array(each(arms, func(a armRow) bool { return a.control }), nil),
		armCustomers.Array(each(arms, func(a armRow) int64 { return a.customers }), nil),
		armWaiting.Array(each(arms, func(a armRow) int64 { return a.waiting }), nil),
		share.of(armShare), meant.of(expectedShare), p.of(ratioP),
		crossedOver.Array(each(arms, func(a armRow) int64 { return a.crossedOver }), nil),
		armLeftOut.Array(each(arms, func(a armRow) int64 { return a.leftOut }), nil),
		firstAssigned.Array(each(arms, func(a armRow) frame.Day { return a.firstDay }), nil),
		lastAssigned.Array(each(arms, func(a armRow) frame.Day { return a.lastDay }), nil),
	)
}
