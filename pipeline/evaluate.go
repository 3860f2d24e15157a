package pipeline

import (
	"context"
	"fmt"
	"slices"

	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms"
)

// A judged is what conversions are counted for.
type judged struct {
	kind, segmentation string
	horizonDays        int
}

// horizons are the days after an origin in which conversions count, ascending; the longest is that of the gate.
func (r *run) horizons() []int {
	out := append(slices.Clone(r.Horizons), r.HorizonDays)
	slices.Sort(out)
	return slices.Compact(out)
}

// evaluate holds every segmentation against the conversions of every kind within every horizon.
func (r *run) evaluate(ctx context.Context, c *chain, labels, outcomes warehouse.Ref, before, learnt *earlier) ([]SegmentationResult, error) {
	segmentations, err := r.withHistory(c)
	if err != nil {
		return nil, err
	}
	kinds, err := r.countConversions(ctx, segmentations, labels, outcomes, learnt)
	if err != nil {
		return nil, err
	}
	var out []SegmentationResult
	for _, s := range r.segmentationsOf(c) {
		known := slices.ContainsFunc(segmentations, func(k transforms.Segmentation) bool { return k.Name == s.Name })
		for _, days := range r.horizons() {
			for _, kind := range kinds {
				sr := SegmentationResult{Kind: kind, Segmentation: s.Name, HorizonDays: days, Order: order(s), Fitted: s.Fitted, Current: !known}
				if err := r.evaluateOne(&sr, before, learnt); err != nil {
					return nil, fmt.Errorf("%s: %w", s.Name, err)
				}
				out = append(out, sr)
			}
		}
	}
	return out, nil
}

// evaluateOne fills in what conversions say.
func (r *run) evaluateOne(sr *SegmentationResult, before, learnt *earlier) (err error) {
	if sr.Current {
		sr.Finding = validation.Finding{Verdict: validation.NotEvaluated, Reason: "It is made of what has no history: what it was at the origin is not known."}
		return nil
	}
	key := judged{sr.Kind, sr.Segmentation, sr.HorizonDays}
	scores := validation.OrderScores(sr.Order)
	if before != nil && before.counts[key] != nil && !sr.Fitted {
		scores, sr.ByEarlierRates = validation.EarlierScores(before.counts[key], sr.Order), true
	}
	if sr.Evaluation, err = validation.Evaluate(learnt.counts[key], scores); err != nil {
		return err
	}
	sr.Finding = r.Gate.Judge(sr.Evaluation, sr.Fitted)
	sr.Merges, err = validation.Merges(learnt.counts[key], r.MaxSegments)
	return err
}

func order(s transforms.Segmentation) []string {
	out := make([]string, len(s.Segments))
	for i, g := range s.Segments {
		out[i] = g.Name
	}
	return out
}

// withHistory are the segmentations of customer_segments but for those that are made of what has no history: as of an
// earlier day they would be made of what was not known then.
func (r *run) withHistory(c *chain) ([]transforms.Segmentation, error) {
	current, err := r.current()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(r.segmentationsOf(c), func(s transforms.Segmentation) bool { return current[s.Name] }), nil
}

// mostKinds is how many kinds of conversions there may be: what identifies a conversion is none.
const mostKinds = 100

// countConversions counts customers and converters by segment into learnt, in one query. Segments that nobody is in are there
// too. It returns the kinds of conversions, with all of them together first where there are several.
func (r *run) countConversions(
	ctx context.Context, segmentations []transforms.Segmentation, labels, outcomes warehouse.Ref, learnt *earlier,
) ([]string, error) {
	learnt.counts = map[judged][]validation.Count{}
	if len(segmentations) == 0 {
		return []string{anyKind}, nil
	}
	names := make([]string, len(segmentations))
	for i, s := range segmentations {
		names[i] = s.Name
	}
	d := r.Warehouse.Dialect()
	q, err := sql.Bind("segment_outcomes", d, nil, sql.Memberships(labels.Relation(), d, names...), outcomes.As("outcomes"),
		sql.Horizons(d, r.horizons()...))
	if err != nil {
		return nil, err
	}
	found := map[judged]map[string]validation.Count{}
	kinds, seen := []string{anyKind}, map[string]bool{anyKind: true}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, err
		}
		for i := range int(b.NumRows()) {
			key := judged{outcomeKind.Of(b).Value(i), segmentation.Of(b).Value(i), int(horizonDays.Of(b).Value(i))}
			if found[key] == nil {
				found[key] = map[string]validation.Count{}
			}
			if !seen[key.kind] {
				kinds, seen[key.kind] = append(kinds, key.kind), true
			}
			if len(kinds) > mostKinds+1 {
				return nil, rejected("the conversions are of more than %d kinds, such as %s: is sources.conversions.columns.kind an identifier? "+
					"Map a column of a few words, or leave it out", mostKinds, key.kind)
			}
			name := segment.Of(b).Value(i)
			found[key][name] = validation.Count{
				Segment: name, Customers: customers.Of(b).Value(i), Converters: converters.Of(b).Value(i), Value: outcomeValue.Of(b).Value(i),
			}
		}
	}
	slices.Sort(kinds[1:])
	if len(kinds) == 2 { // the only kind is all of them
		kinds = kinds[1:]
	}
	for _, s := range segmentations {
		for _, kind := range kinds {
			for _, days := range r.horizons() {
				key := judged{kind, s.Name, days}
				learnt.counts[key] = countsOf(s, found[key])
			}
		}
	}
	return kinds, nil
}

// countsOf are the counts of the segments of s, in their order.
func countsOf(s transforms.Segmentation, bySegment map[string]validation.Count) []validation.Count {
	out := make([]validation.Count, len(s.Segments))
	for i, g := range s.Segments {
		out[i] = bySegment[g.Name]
		out[i].Segment = g.Name
	}
	return out
}
