package pipeline

import (
	"context"
	"fmt"
	"maps"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

var (
	profileCustomers = frame.Int64("customers", "Customers in the segment.").In("customers")

	segmentProfiles = frame.Table{
		Name: "segment_profiles",
		Doc:  "What each segment is like on a day. Of groups under privacy.min_group there are the sizes alone; what describes them is NULL.",
		Key:  []string{"as_of", "segmentation", "segment"},
		Columns: cols(customer.AsOf, segmentation, segment, profileCustomers,
			frame.Float64("share", "Customers by all customers of the segmentation.").In("share"),
			frame.Float64("revenue_total", "Net revenue so far; NULL for groups under privacy.min_group.").In("money").Null(),
			frame.Float64("revenue_window", "Value of the purchases of the last window_days, less refunds that name their purchase; "+
				"refunds that name none are in revenue_total only. NULL for groups under privacy.min_group.").In("money").Null(),
			frame.Int64("window_days", "The days up to as_of that revenue_window and conversion_rate are about.").In("days"),
			frame.Float64("average_order_value", "Net value of a purchase; NULL without purchases.").In("money an order").Null(),
			frame.Float64("engagement_rate", "Share with a click or an engaged session in the behavior window; NULL where no source covers anybody.").In("share").Null(),
			frame.Float64("conversion_rate", "Share with a purchase in the last window_days. It looks back: segment_validation looks ahead. "+
				"NULL for groups under privacy.min_group.").In("share").Null(),
			frame.Float64("days_since_last_order_mean", "Mean recency of the buyers; NULL without any.").In("days").Null(),
			frame.Float64("purchase_days_mean", "Mean number of purchase days; NULL for groups under privacy.min_group.").In("days").Null(),
			frame.Float64("discount_share", "Share of the purchases made at a discount; NULL where it is not known.").In("share").Null(),
			frame.Float64("store_share", "Share of the purchases made in a store; NULL where it is not known.").In("share").Null(),
			frame.String("sets_apart", "Up to three things at least 1.2 times as common here as with everybody, where they are known; NULL where nothing is.").Null(),
			frame.Float64("retention_30d", "Share of the members of 30 days ago who have bought since; NULL where that day was not published, "+
				"or fewer than privacy.min_group were members.").In("share").Null(),
			frame.Float64("retention_60d", "As retention_30d, of 60 days ago.").In("share").Null(),
			frame.Float64("retention_90d", "As retention_30d, of 90 days ago.").In("share").Null(),
			frame.Int64("customers_before", "Customers in the previous generation; NULL where there was none.").In("customers").Null(),
			frame.Float64("growth", "Customers by customers_before, less 1.").In("share").Null(),
		),
		PartitionBy: "as_of",
	}

	segmentTransitions = frame.Table{
		Name: "segment_transitions",
		Doc:  "Who moved between segments since the previous generation, and why; empty for the first one.",
		Key:  []string{"as_of", "segmentation", "from_segment", "to_segment", "cause"},
		Columns: cols(customer.AsOf, segmentation,
			frame.String("from_segment", "The segment in the previous generation; empty for who is new."),
			frame.String("to_segment", "The segment now; empty for who has left (consent withdrawn, deleted)."),
			frame.String("cause", "The first that applies: new, left, none (stayed), purchase (or refund), rule changed, cut moved, "+
				"activity (web or e-mail), silence.").
				OneOf("new", "left", "none", "purchase", "rule changed", "cut moved", "activity", "silence"),
			profileCustomers,
			frame.Float64("value", "What they spent within the last validation horizon.").In("money")),
		PartitionBy: "as_of",
	}
)

// Days before the as-of day whose members retention asks about.
var retentionDays = []int{30, 60, 90}

// retentionParams are the days that retention looks back to.
func retentionParams(asOf time.Time) map[string]any {
	p := map[string]any{}
	for _, days := range retentionDays {
		p[fmt.Sprintf("as_of_%d", days)] = frame.DayOf(asOf.AddDate(0, 0, -days))
	}
	return p
}

// stageAggregates stages segment_profiles and segment_transitions.
func (r *run) stageAggregates(ctx context.Context, c *chain, features, labels warehouse.Ref) ([]warehouse.Ref, error) {
	published, before, err := r.Warehouse.Published(ctx, r.customerSegments())
	if err != nil {
		return nil, err
	}
	before = before && r.prev.runID != ""
	var profiles, transitions []frame.Batch
	for _, s := range r.segmentationsOf(c) {
		ctx := r.step(ctx, "profile "+s.Name)
		d := r.Warehouse.Dialect()
		now := sql.Members("members", labels.Relation(), d, s.Name)
		previous, earlier := sql.Empty(memberTable("previous_members"), d), sql.Empty(memberTable("members_before"), d)
		if before && !s.Fitted {
			previous = sql.Members("previous_members", published.Relation().Where(d, "as_of", "previous_as_of"), d, s.Name)
			earlier = sql.MembersBefore(published.Relation(), d, s.Name, retentionDays...)
		}
		params := r.params(r.AsOf)
		params["segmentation"], params["min_group"] = s.Name, r.MinGroup
		params["previous_as_of"] = frame.DayOf(r.prev.asOf)
		maps.Copy(params, retentionParams(r.AsOf))
		attributes := sql.Attributes(r.attributes(), d, r.tables[sql.Canonical("customers").Name].Relation())
		have := append(r.relations(), features.As("customer_features"), attributes, now, previous, earlier)
		if profiles, err = r.collect(ctx, profiles, "segment_profiles", params, have, segmentProfiles); err != nil {
			return nil, err
		}
		if before && s.Name == r.CoreSegment {
			params["cut_moved"], params["rule_changed"] = r.cutMoved, r.ruleChanged
			was := published.As("was").Where(d, "as_of", "previous_as_of")
			if transitions, err = r.collect(ctx, transitions, "segment_transitions", params, append(have, was), segmentTransitions); err != nil {
				return nil, err
			}
		}
	}
	r.moved = largestMove(transitions, r.MinGroup)
	p, err := r.stageBatch(ctx, segmentProfiles, profiles...)
	if err != nil {
		return nil, err
	}
	t, err := r.stageBatch(ctx, segmentTransitions, transitions...)
	return []warehouse.Ref{p, t}, err
}

// collect appends what the query called name gives, as rows of t.
func (r *run) collect(
	ctx context.Context, to []frame.Batch, name string, params map[string]any, have []sql.Relation, t frame.Table,
) ([]frame.Batch, error) {
	q, err := r.resolve(name, params, have)
	if err != nil {
		return nil, err
	}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, err
		}
		if err := frame.Check(b.Schema(), t.Columns...); err != nil {
			return nil, fmt.Errorf("query %s: %w", name, err)
		}
		to = append(to, frame.Select(b, t.Columns...))
	}
	return to, nil
}

func (r *run) attributes() []string {
	for _, s := range r.sources {
		if s.Name == "customers" {
			return s.Attributes
		}
	}
	return nil
}

// memberTable has the columns of the relations of members.
func memberTable(name string) frame.Table {
	return frame.Table{Name: name, Columns: append(cols(customer.ID, segment), frame.Int64("days_ago", "").Column)}
}
