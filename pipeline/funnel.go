package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"segments/transforms/customer"
	"segments/transforms/frame"
)

// funnelSteps are the steps to a purchase in their order.
var funnelSteps = []string{"view", "product", "cart", "checkout", "purchase"}

var (
	funnelSegment   = frame.String("segment", "The core segment as of the session, before its day; (unknown) where none is known. Empty in rows of all segments together: do not add these to the others.")
	funnelDimension = frame.String("dimension", "What sessions are told apart by: nothing, the channel, or the page of their first event.").OneOf("all", "channel", "landing_page")
	funnelValue     = frame.String("value", "The channel, or the page, of which the 10 commonest are told apart and the rest is (other); empty where dimension is all. (none) and (unknown) where there is none.")
	funnelStep      = frame.String("step", "The step: a session, a product seen, put into the cart, the checkout begun, bought.").OneOf(funnelSteps...)
	funnelOrder     = frame.Int64("step_order", "The place of the step, from 1.")
	funnelSessions  = frame.Int64("sessions", "Sessions of the days that came so far, or farther.").In("sessions")
	funnelCustomers = frame.Int64("customers", "Customers with such a session.").In("customers")
	funnelOfFirst   = frame.Float64("share_of_first", "sessions by those of the first step; NULL where fewer than privacy.min_group customers had a session.").In("share").Null()
	funnelOfBefore  = frame.Float64("share_of_before", "sessions by those of the step before; NULL for the first step, where that has none, and as share_of_first is.").In("share").Null()
	funnelDropOff   = frame.Float64("drop_off", "1 less share_of_before.").In("share").Null()

	segmentFunnel = frame.Table{
		Name: "segment_funnel",
		Doc: "How far sessions on the web come on the way to a purchase, and where they end. A session that came to a step has passed those " +
			"before it. Empty without web events.",
		Key: []string{"as_of", "segment", "dimension", "value", "step_order"},
		Columns: cols(customer.AsOf, attributedDays, funnelSegment, funnelDimension, funnelValue, funnelStep, funnelOrder, funnelSessions,
			funnelCustomers, funnelOfFirst, funnelOfBefore, funnelDropOff),
		PartitionBy: "as_of",
	}

	furthestStep = frame.Int64("furthest", "")
)

// A funnelCell is the sessions that a funnel is about.
type funnelCell struct{ segment, dimension, value string }

// reached counts what came so far or farther, by step.
type reached struct{ sessions, customers [5]int64 }

// funnel gives the rows of segment_funnel.
func (c *channels) funnel(ctx context.Context) ([]frame.Batch, error) {
	if !configured(c.sources, "web_events") {
		return nil, nil
	}
	columns := cols(funnelSegment, funnelDimension, funnelValue, furthestStep, funnelCustomers)
	for i := range funnelSteps {
		columns = append(columns, wholeColumn(fmt.Sprintf("sessions_%d", i+1)))
	}
	cells := map[funnelCell]*reached{}
	err := c.ask(ctx, "funnel_steps", columns, func(b frame.Batch, i int) {
		at := funnelCell{funnelSegment.Of(b).Value(i), funnelDimension.Of(b).Value(i), funnelValue.Of(b).Value(i)}
		if cells[at] == nil {
			cells[at] = &reached{}
		}
		furthest := min(int(furthestStep.Of(b).Value(i)), len(funnelSteps))
		for step := range furthest {
			cells[at].customers[step] += funnelCustomers.Of(b).Value(i)
			for farther := step; farther < furthest; farther++ {
				cells[at].sessions[step] += whole(b, fmt.Sprintf("sessions_%d", farther+1), i)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return []frame.Batch{c.funnelRows(cells)}, nil
}

func (c *channels) funnelRows(cells map[funnelCell]*reached) frame.Batch {
	var segments, dimensions, values, steps []string
	var orders, sessions, people []int64
	var ofFirst, ofBefore, dropped floats
	for _, at := range slices.SortedFunc(maps.Keys(cells), func(a, b funnelCell) int {
		return cmp.Or(cmp.Compare(a.segment, b.segment), cmp.Compare(a.dimension, b.dimension), cmp.Compare(a.value, b.value))
	}) {
		n := cells[at]
		for i, step := range funnelSteps {
			segments, dimensions, values = append(segments, at.segment), append(dimensions, at.dimension), append(values, at.value)
			steps, orders = append(steps, step), append(orders, int64(i+1))
			sessions, people = append(sessions, n.sessions[i]), append(people, n.customers[i])
			ofFirst.add(c.told(n.customers[0], ratio(n.sessions[i], n.sessions[0])))
			if i == 0 || n.sessions[i-1] == 0 {
				ofBefore.add(nil)
				dropped.add(nil)
				continue
			}
			share := ratio(n.sessions[i], n.sessions[i-1])
			ofBefore.add(c.told(n.customers[0], share))
			dropped.add(c.told(n.customers[0], 1-share))
		}
	}
	n := len(steps)
	return frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(c.AsOf), n), nil), attributedDays.Array(repeat(int64(c.Attribution.Days), n), nil),
		funnelSegment.Array(segments, nil), funnelDimension.Array(dimensions, nil), funnelValue.Array(values, nil), funnelStep.Array(steps, nil),
		funnelOrder.Array(orders, nil), funnelSessions.Array(sessions, nil), funnelCustomers.Array(people, nil), ofFirst.of(funnelOfFirst),
		ofBefore.of(funnelOfBefore), dropped.of(funnelDropOff),
	)
}
