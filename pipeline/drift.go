package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"segments/pipeline/drift"
	"segments/pipeline/warehouse"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// The kinds of things that are watched for drift.
const (
	driftFeature   = "feature"
	driftShare     = "segment_share"
	driftSize      = "segment_size"
	driftCut       = "cut"
	driftParameter = "parameter"
)

var (
	comparedWith = frame.Date("compared_with", "The day of the generation that it is compared with: the previous one, and the newest at least 28 days older.")
	driftKind    = frame.String("kind", "feature: a column of customer_features. segment_share: a segmentation. segment_size: a core segment. "+
		"cut: a border between groups. parameter: what else a model learned.").
		OneOf(driftFeature, driftShare, driftSize, driftCut, driftParameter)
	driftName   = frame.String("name", "The column, the segmentation, segmentation/segment, or step.parameter.")
	driftBefore = frame.Float64("before", "On the day compared with: the median of a feature of numbers, within a fifth; the share of yes of one of flags; "+
		"the customers of a segment; the value of a cut or parameter. NULL of texts, of shares, and where nobody had a value.").Null()
	driftNow = frame.Float64("now", "As before, on the as-of day.").Null()
	driftPSI = frame.Float64("psi", "Population stability index of the distribution now against that before; NULL of what has none, and where either day "+
		"had fewer than 100 customers.").Null()
	driftNullBefore = frame.Float64("null_share_before", "Share of the customers of whom the feature was not known; NULL of what is no feature.").In("share").Null()
	driftNullNow    = frame.Float64("null_share_now", "As null_share_before, on the as-of day.").In("share").Null()
	driftState      = frame.String("state", "calm, or warned where it moved beyond its threshold; expected where it did and time alone does that, or it was "+
		"told when it happened; not_evaluated with too few customers.").
		OneOf(string(drift.Calm), string(drift.Warned), string(drift.Expected), string(drift.NotEvaluated))
	driftReason = frame.String("reason", "What moved, from what to what, and what it may mean; NULL of what is calm.").Null()

	driftTable = frame.Table{
		Name: "drift",
		Doc: "What has moved since earlier generations: features, segments, cuts and parameters of models. Empty for the first run. " +
			"Thresholds and formulas are in docs/drift.md.",
		Key: []string{"as_of", "compared_with", "kind", "name"},
		Columns: cols(customer.AsOf, comparedWith, driftKind, driftName, driftBefore, driftNow, driftPSI, driftNullBefore, driftNullNow,
			driftState, driftReason),
		PartitionBy: "as_of",
	}
)

// mostDrifts is how many movements become a check of their own; the table has all.
const mostDrifts = 10

// A drifted is a row of drift.
type drifted struct {
	since generation
	kind  string
	drift.Finding
}

// stageDrift stages drift and checks it.
func (r *run) stageDrift(ctx context.Context, c *chain, features, _ warehouse.Ref) ([]warehouse.Ref, error) {
	ctx = r.step(ctx, "compare with earlier runs")
	sizes, err := r.driftSizes(ctx)
	if err != nil {
		return nil, err
	}
	var since []generation
	for _, g := range []generation{r.prev, r.back.far} {
		if g.runID != "" && !slices.Contains(since, g) && len(sizes[frame.DayOf(g.asOf)]) > 0 { // else its rows are gone
			since = append(since, g)
		}
	}
	var all []drifted
	if len(since) > 0 {
		if all, err = r.driftAll(ctx, c, features, since, sizes); err != nil {
			return nil, err
		}
	}
	r.tellDrift(all, since)
	ref, err := r.stageBatch(ctx, driftTable, r.driftRows(all))
	return []warehouse.Ref{ref}, err
}

// driftAll compares everything with each of the generations.
func (r *run) driftAll(ctx context.Context, c *chain, features warehouse.Ref, since []generation, sizes sizesByDay) ([]drifted, error) {
	out, err := r.driftFeatures(ctx, features, since)
	if err != nil {
		return nil, err
	}
	out = append(out, r.driftSegments(c, since, sizes)...)
	parameters, err := r.driftParameters(ctx, c, since)
	return append(out, parameters...), err
}

// tellDrift tells of the largest movements, each once however many generations it shows against, and of how much is calm.
func (r *run) tellDrift(all []drifted, since []generation) {
	if len(since) == 0 {
		r.check(checkDrift, "everything", NotEvaluated, "there is no earlier run to compare with")
		return
	}
	worst := map[[2]string]drifted{}
	var calm int
	for _, d := range all {
		if d.State != drift.Warned {
			calm++
			continue
		}
		key := [2]string{d.kind, d.Name}
		if old, ok := worst[key]; !ok || d.Weight > old.Weight {
			worst[key] = d
		}
	}
	var told []drifted
	for _, d := range worst {
		told = append(told, d)
	}
	slices.SortFunc(told, func(a, b drifted) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.kind, b.kind), cmp.Compare(a.Name, b.Name))
	})
	for _, d := range told[:min(mostDrifts, len(told))] {
		measured := ""
		if d.PSI != nil {
			measured = fmt.Sprintf(" (PSI %.2f)", *d.PSI)
		}
		r.check(checkDrift, d.Name, Warned, "since %s%s: %s", d.since.asOf.Format(time.DateOnly), measured, d.Reason)
	}
	days := each(since, func(g generation) string { return g.asOf.Format(time.DateOnly) })
	rest := "everything"
	if len(told) > 0 {
		rest = "everything else"
	}
	r.check(checkDrift, rest, Passed, "%d of %d comparisons with %s are calm", calm, len(all), strings.Join(days, " and "))
}

func (r *run) driftRows(all []drifted) frame.Batch {
	n := len(all)
	var before, now, psi, nullBefore, nullNow floats
	reasons, told := make([]string, n), make([]bool, n)
	for i, d := range all {
		before.add(d.Before)
		now.add(d.Now)
		psi.add(d.PSI)
		nullBefore.add(d.NullBefore)
		nullNow.add(d.NullNow)
		reasons[i], told[i] = d.Reason, d.Reason != ""
	}
	return frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), n), nil),
		comparedWith.Array(each(all, func(d drifted) frame.Day { return frame.DayOf(d.since.asOf) }), nil),
		driftKind.Array(each(all, func(d drifted) string { return d.kind }), nil),
		driftName.Array(each(all, func(d drifted) string { return d.Name }), nil),
		before.of(driftBefore), now.of(driftNow), psi.of(driftPSI), nullBefore.of(driftNullBefore), nullNow.of(driftNullNow),
		driftState.Array(each(all, func(d drifted) string { return string(d.State) }), nil),
		driftReason.Array(reasons, told),
	)
}
