package pipeline

import (
	"context"
	"fmt"
	"maps"

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
			frame.Float64("clv_revenue_mean", "Mean forecast value of those with one, over the horizon of customer_clv.horizon_days; NULL where fewer "+
				"than privacy.min_group have one, or it is withheld.").In("money").Null(),
			frame.Float64("expected_value_90d_mean", "As clv_revenue_mean, of the next 90 days.").In("money").Null(),
			frame.Float64("repeat_rate", "Buyers with two or more purchase days by buyers; NULL with fewer buyers than privacy.min_group.").In("share").Null(),
			frame.Float64("purchase_interval_days_mean", "Mean of the customers' own median intervals between purchase days; NULL where fewer than "+
				"privacy.min_group have one.").In("days").Null(),
			frame.Float64("web_sessions_mean", "Sessions in the behavior window by customers; NULL where the source is left out.").In("sessions").Null(),
			frame.Float64("mailable_share", "Share who may be e-mailed (email_allowed) of those of whom it is known; NULL where of fewer than "+
				"privacy.min_group.").In("share").Null(),
			frame.String("sets_apart", "Up to three things at least 1.2 times as common here as with everybody, where they are known; NULL where nothing is.").Null(),
			frame.Float64("retention_30d", "Share who bought in the last 30 days, of the members as published 30 days ago, or on the newest of the "+
				"three days before that; NULL where none of these was published, or fewer than privacy.min_group of them are known today.").In("share").Null(),
			frame.Float64("retention_60d", "As retention_30d, of 60 days.").In("share").Null(),
			frame.Float64("retention_90d", "As retention_30d, of 90 days.").In("share").Null(),
			frame.Int64("customers_before", "Customers in the previous generation; NULL where there was none.").In("customers").Null(),
			frame.Float64("growth", "Customers by customers_before, less 1.").In("share").Null(),
		),
		PartitionBy: "as_of",
	}
)

// stageAggregates stages segment_profiles.
func (r *run) stageAggregates(ctx context.Context, c *chain, features, labels warehouse.Ref) ([]warehouse.Ref, error) {
	published, before, err := r.Warehouse.Published(ctx, r.customerSegments())
	if err != nil {
		return nil, err
	}
	before = before && r.prev.runID != ""
	var profiles []frame.Batch
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
		maps.Copy(params, r.back.params(r.AsOf))
		attributes := sql.Attributes(r.attributes(), d, r.relation("canonical_customers"))
		have := append(r.relations(), features.As("customer_features"), r.forecasts(), attributes, now, previous, earlier)
		if profiles, err = r.collect(ctx, profiles, "segment_profiles", params, have, segmentProfiles); err != nil {
			return nil, err
		}
	}
	p, err := r.stageBatch(ctx, segmentProfiles, profiles...)
	if err != nil {
		return nil, err
	}
	r.profiled = p
	return []warehouse.Ref{p}, err
}

// forecastsTable has the columns of the relation forecasts.
var forecastsTable = frame.Table{Name: "forecasts", Columns: append(cols(customer.ID),
	frame.Float64("clv_revenue", "").Column, frame.Float64("expected_value_90d", "").Column)}

// forecasts is the relation of what customers are expected to be worth: the step's table that says it, or nothing.
func (r *run) forecasts() sql.Relation {
	for _, ref := range r.applied {
		if frame.Check(frame.Schema(ref.Table.Columns...), forecastsTable.Columns...) == nil {
			return ref.As(forecastsTable.Name)
		}
	}
	return sql.Empty(forecastsTable, r.Warehouse.Dialect())
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
