package pipeline

import (
	"context"
	"fmt"

	"segments/pipeline/attribution"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// Values of columns that stand for what is not one.
const (
	allSegments    = ""
	unknownSegment = "(unknown)"
	noChannel      = "(none)"
	otherChannel   = "(other)"
)

// How many channels and landing pages are told apart.
const (
	mostChannels = 50
	mostPages    = 10
)

var (
	attributedDays  = frame.Int64("days", "The days up to as_of whose conversions and touches are counted.").In("days")
	attributionDays = frame.Int64("window_days", "The days before a conversion in which a touch counts for it.").In("days")
	attributedKind  = frame.String("conversion_kind", "The kind of conversion. Purchases are order, and a customer's first one ever is an acquisition too.")
	creditModel     = frame.String("model", "How a conversion is divided among the touches before it; docs/attribution.md says how.").
			OneOf(each(attribution.Models(), func(m attribution.Model) string { return string(m) })...)
	touchChannel  = frame.String("channel", "The channel; (none) has the conversions that no touch came before, and (other) the channels beyond the 50 commonest.")
	touchSegment  = frame.String("segment", "The core segment as of the touch, before its day; (unknown) where none is known. Empty in rows of all segments together: do not add these to the others.")
	channelTouch  = frame.Int64("touches", "Touches of the days, whatever came of them.").In("touches")
	creditedTo    = frame.Int64("customers", "Customers with a conversion that such a touch came before.").In("customers")
	credited      = frame.Float64("conversions", "Conversions that the model gives to the touches. Those of all channels add up to all conversions of the kind.")
	creditedValue = frame.Float64("value", "Value of the conversions, given likewise; NULL where it is of some customers, but fewer than privacy.min_group.").In("money").Null()
	creditedShare = frame.Float64("share", "conversions by all conversions of the kind.").In("share")

	attributionTable = frame.Table{
		Name: "attribution",
		Doc: "Which channels the conversions came through, by six models and by the core segment as of the touch. Empty where no source tells of " +
			"touches. Observed, not caused: experiment_results has what a channel adds.",
		Key: []string{"as_of", "conversion_kind", "model", "channel", "segment"},
		Columns: cols(customer.AsOf, attributionDays, attributedDays, attributedKind, creditModel, touchChannel, touchSegment, channelTouch,
			creditedTo, credited, creditedValue, creditedShare),
		PartitionBy: "as_of",
	}
)

// What is staged on the way, and not published. Money is in ten-thousandths, days and moments are integers.
var (
	webSessionsTable = frame.Table{Name: "web_sessions", Columns: []frame.Column{
		customer.ID.Column, textColumn("session_key"), wholeColumn("started_us"), wholeColumn("started_day"), wholeColumn("ended_us"),
		maybe(textColumn("channel")), maybe(textColumn("page")), wholeColumn("step"),
	}}
	touchesTable = frame.Table{Name: "touches", Columns: []frame.Column{
		customer.ID.Column, wholeColumn("occurred_us"), wholeColumn("occurred_day"), touchChannel.Column, touchSegment.Column,
		wholeColumn("from_end"), maybe(wholeColumn("before_us")), maybe(wholeColumn("before_day")), maybe(textColumn("before")),
	}}
	pathsTable = frame.Table{Name: "paths", Columns: []frame.Column{
		attributedKind.Column, customer.ID.Column, wholeColumn("number"), wholeColumn("converted_us"), wholeColumn("value_e4"),
		maybe(textColumn("channel")), touchSegment.Column, wholeColumn("place"), wholeColumn("length"), wholeColumn("days"), maybe(textColumn("before")),
	}}
)

func wholeColumn(name string) frame.Column { return frame.Int64(name, "").Column }

func textColumn(name string) frame.Column { return frame.String(name, "").Column }

func maybe(c frame.Column) frame.Column {
	c.Nullable = true
	return c
}

// stageChannels stages attribution, channel_returns and segment_funnel. It holds their rows: some thousands.
func (r *run) stageChannels(ctx context.Context, _ *chain, features, _ warehouse.Ref) ([]warehouse.Ref, error) {
	ctx = r.step(ctx, "attribute conversions")
	then, err := r.segmentsThen(ctx)
	if err != nil {
		return nil, err
	}
	c := channels{run: r, have: append(r.relations(), then, features.As("customer_features"))}
	for _, x := range []struct {
		wanted bool
		table  frame.Table
	}{
		{configured(r.sources, "web_events"), webSessionsTable}, {r.touched(), touchesTable}, {r.touched(), pathsTable},
	} {
		if err := c.prepare(ctx, x.table, x.wanted); err != nil {
			return nil, err
		}
	}
	attributed, returns, err := c.attribute(ctx)
	if err != nil {
		return nil, err
	}
	funnel, err := c.funnel(ctx)
	if err != nil {
		return nil, err
	}
	return r.stageBatches(ctx, staging{attributionTable, attributed}, staging{channelReturns, returns}, staging{segmentFunnel, funnel})
}

// touched says whether a source can tell of touches.
func (r *run) touched() bool {
	return configured(r.sources, "touchpoints") || configured(r.sources, "email_events") || given(r.sources, "web_events", "channel")
}

// channels is what is asked about the channels of a run.
type channels struct {
	*run
	have []sql.Relation
}

// values are the parameters of the run and of the queries of channels.
func (c *channels) values() map[string]any {
	p, o := c.params(c.AsOf), c.Attribution
	p["attribution_days"], p["attribution_window_days"], p["half_life_days"] = int64(o.Days), int64(o.WindowDays), int64(o.HalfLifeDays)
	p["attribution_touches"], p["attribution_channels"] = int64(attribution.LongestPath), int64(mostChannels)
	p["funnel_pages"], p["has_touchpoints"] = int64(mostPages), configured(c.sources, "touchpoints")
	return p
}

// prepare stages what the query of t's name gives, for the queries after it, or takes nothing for it.
func (c *channels) prepare(ctx context.Context, t frame.Table, wanted bool) error {
	if !wanted {
		c.have = append(c.have, sql.Empty(t, c.Warehouse.Dialect()))
		return nil
	}
	q, err := c.resolve(t.Name, c.values(), c.have)
	if err != nil {
		return err
	}
	ref, err := c.Warehouse.Materialize(ctx, t, q)
	if err != nil {
		return err
	}
	c.have = append(c.have, ref.As(t.Name))
	return nil
}

// ask calls each for every row of the query called name, which must have these columns.
func (c *channels) ask(ctx context.Context, name string, columns []frame.Column, each func(b frame.Batch, i int)) error {
	q, err := c.resolve(name, c.values(), c.have)
	if err != nil {
		return err
	}
	for b, err := range c.Warehouse.Query(ctx, q) {
		if err != nil {
			return err
		}
		if err := frame.Check(b.Schema(), columns...); err != nil {
			return fmt.Errorf("query %s: %w", name, err)
		}
		for i := range int(b.NumRows()) {
			each(b, i)
		}
	}
	return nil
}
