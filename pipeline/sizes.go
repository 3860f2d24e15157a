package pipeline

import (
	"context"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// Shares of what there was under which a run fails, or warns.
const (
	collapseBelow = 0.5
	driftBelow    = 0.8
	driftAbove    = 1.25
	swallowed     = 0.95 // share of the customers in one segment that fails, unless it was so before
)

// auditSizes compares the sizes of the core segments with those of the previous generation.
func (r *run) auditSizes(ctx context.Context, res *Result, labels warehouse.Ref) error {
	var err error
	if res.Segments, err = r.sizes(ctx, labels.Relation(), nil); err != nil {
		return err
	}
	var before []SegmentSize
	if ref, ok, err := r.Warehouse.Published(ctx, r.customerSegments()); err != nil {
		return err
	} else if ok && r.prev.runID != "" {
		at := map[string]any{"as_of": frame.DayOf(r.prev.asOf)}
		if before, err = r.sizes(ctx, ref.Relation().Where(r.Warehouse.Dialect(), "as_of", "as_of"), at); err != nil {
			return err
		}
	}
	of := func(s SegmentSize) int64 { return s.Customers }
	old, now := total(before, of), total(res.Segments, of)
	r.auditCustomers(old, now)
	r.auditShares(before, res.Segments, old, now)
	return nil
}

// auditCustomers compares how many customers there are.
func (r *run) auditCustomers(old, now int64) {
	if old == 0 {
		r.check(checkVolume, "customers", NotEvaluated, "%d customers, and no run before to compare with", now)
		return
	}
	state := Passed
	switch ratio := float64(now) / float64(old); {
	case ratio < collapseBelow:
		state = Failed
	case ratio < driftBelow || ratio > driftAbove:
		state = Warned
	}
	r.check(checkVolume, "customers", state, "%d customers, %d on %s", now, old, r.prev.asOf.Format(time.DateOnly))
}

// auditShares looks for a segment that has swallowed the others.
func (r *run) auditShares(before, now []SegmentSize, old, all int64) {
	was := map[string]float64{}
	for _, s := range before {
		was[s.Segment] = float64(s.Customers) / float64(old)
	}
	for _, s := range now {
		if share := float64(s.Customers) / float64(all); share >= swallowed && old > 0 && was[s.Segment] < swallowed {
			r.check(checkCollapse, r.CoreSegment, Failed, "%s has %.1f %% of all customers, %.1f %% before", s.Segment, 100*share, 100*was[s.Segment])
			return
		}
	}
	r.check(checkCollapse, r.CoreSegment, Passed, "no segment has swallowed the others")
}

func total[E any](all []E, of func(E) int64) int64 {
	var n int64
	for _, e := range all {
		n += of(e)
	}
	return n
}

// sizes counts the customers of each core segment in labels.
func (r *run) sizes(ctx context.Context, labels sql.Relation, params map[string]any) ([]SegmentSize, error) {
	d := r.Warehouse.Dialect()
	q, err := sql.Bind("segment_sizes", d, params, sql.Members("members", labels, d, r.CoreSegment))
	if err != nil {
		return nil, err
	}
	var out []SegmentSize
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, err
		}
		for i := range int(b.NumRows()) {
			out = append(out, SegmentSize{segment.Of(b).Value(i), customers.Of(b).Value(i)})
		}
	}
	return out, nil
}
