package pipeline

import (
	"context"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

var (
	moveFrom  = frame.String("from_segment", "The segment in the previous generation; empty for who was in none.")
	moveTo    = frame.String("to_segment", "The segment now; empty for who is in none any more.")
	moveCause = frame.String("cause", causeDoc+" none: they stayed.").OneOf(append([]string{causeNone}, causes...)...)

	segmentTransitions = frame.Table{
		Name: "segment_transitions",
		Doc: "Who moved between the core segments since the previous generation, and why; empty for the first one. Every customer of that " +
			"generation and of this one is in one row, so that customers add up to the sizes of the segments before and now.",
		Key: []string{"as_of", "segmentation", "from_segment", "to_segment", "cause"},
		Columns: cols(customer.AsOf, segmentation, moveFrom, moveTo, moveCause, profileCustomers,
			frame.Float64("value", "What they spent within the last validation horizon.").In("money")),
		PartitionBy: "as_of",
	}
)

// drops is the view of whom silence moves next.
var drops = frame.Table{
	Name: "drops_next_week",
	Doc: "Whom silence alone takes to another RFM segment within the 7 days after the newest published day: drops_on says when, drops_to " +
		"where. A message that comes before drops_on comes before the drop.",
}

// stageMoves stages segment_transitions and segment_history.
func (r *run) stageMoves(ctx context.Context, c *chain, features, labels warehouse.Ref) ([]warehouse.Ref, error) {
	d := r.Warehouse.Dialect()
	now, previous := sql.Members("members", labels.Relation(), d, r.CoreSegment), sql.Empty(memberTable("previous_members"), d)
	published, before, err := r.Warehouse.Published(ctx, r.customerSegments())
	if err != nil {
		return nil, err
	}
	if before = before && r.prev.runID != ""; before {
		previous = sql.Members("previous_members", published.Relation().Where(d, "as_of", "previous_as_of"), d, r.CoreSegment)
	}
	causes, err := r.causes(ctx, c, features, previous, now)
	if err != nil {
		return nil, err
	}
	history, err := r.stageHistory(ctx, previous, now, causes)
	if err != nil {
		return nil, err
	}
	var rows []frame.Batch
	if before {
		params := r.params(r.AsOf)
		params["segmentation"] = r.CoreSegment
		have := []sql.Relation{causes, now, features.As("customer_features")}
		if rows, err = r.collect(ctx, nil, segmentTransitions.Name, params, have, segmentTransitions); err != nil {
			return nil, err
		}
	}
	r.moved = largestMove(rows, r.MinGroup)
	moves, err := r.stageBatch(ctx, segmentTransitions, rows...)
	return []warehouse.Ref{moves, history}, err
}

// A Move is how many customers went from one core segment to another since the previous generation, by cause.
type Move struct {
	From, To, Cause string
	Customers       int64
}

// largestMove returns the move of most customers in rows of segment_transitions, of as many the first by name; nil where
// none has at least `least`. Who is new, has left or has stayed is no move.
func largestMove(rows []frame.Batch, least int64) *Move {
	var best *Move
	for _, b := range rows {
		for i := range int(b.NumRows()) {
			m := Move{moveFrom.Of(b).Value(i), moveTo.Of(b).Value(i), moveCause.Of(b).Value(i), profileCustomers.Of(b).Value(i)}
			if m.From == "" || m.To == "" || m.From == m.To || m.Customers < least {
				continue
			}
			if best == nil || m.before(*best) {
				best = &m
			}
		}
	}
	return best
}

// before says whether m is the one to tell of rather than o.
func (m Move) before(o Move) bool {
	if m.Customers != o.Customers {
		return m.Customers > o.Customers
	}
	for _, c := range [][2]string{{m.From, o.From}, {m.To, o.To}} {
		if c[0] != c[1] {
			return c[0] < c[1]
		}
	}
	return m.Cause < o.Cause
}
