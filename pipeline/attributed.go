package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"segments/pipeline/attribution"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A place is a channel and a core segment; allSegments is all of them together.
type place struct{ channel, segment string }

// inOrder lists the places of both maps, by channel and segment.
func inOrder[V, W any](a map[place]V, b map[place]W) []place {
	all := map[place]bool{}
	for p := range a {
		all[p] = true
	}
	for p := range b {
		all[p] = true
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.segment, b.segment))
	})
}

// A credit is what a model gives to a place: parts of attribution.One, and ten-thousandths of money.
type credit struct{ conversions, value int64 }

// kindCredits are what the models say about the conversions of a kind.
type kindCredits struct {
	customers map[place]int64
	by        map[attribution.Model]map[place]credit
}

// sum is what m gives to all channels together.
func (k *kindCredits) sum(m attribution.Model) (all credit) {
	for p, c := range k.by[m] {
		if p.segment == allSegments {
			all.conversions += c.conversions
			all.value += c.value
		}
	}
	return all
}

// attribute gives the rows of attribution and, where there are costs, of channel_returns.
func (c *channels) attribute(ctx context.Context) (attributed, returns []frame.Batch, err error) {
	if !c.touched() {
		return nil, nil, nil
	}
	touches, err := c.touches(ctx)
	if err != nil {
		return nil, nil, err
	}
	kinds, err := c.credits(ctx)
	if err != nil {
		return nil, nil, err
	}
	journeys, err := c.transitions(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if err := kinds[kind].addMarkov(journeys[kind], touches); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", kind, err)
		}
	}
	costs, err := c.costs(ctx)
	if err != nil {
		return nil, nil, err
	}
	if costs != nil {
		returns = []frame.Batch{c.returnRows(kinds, touches, costs)}
	}
	return []frame.Batch{c.attributionRows(kinds, touches)}, returns, nil
}

// The columns of attribution_credits with what each of the models that look at places gives.
var creditColumns = map[attribution.Model]string{
	attribution.First: "first", attribution.Last: "last", attribution.Linear: "linear", attribution.TimeDecay: "decay", attribution.Position: "position",
}

// credits asks what the models that look at places give, by kind of conversion.
func (c *channels) credits(ctx context.Context) (map[string]*kindCredits, error) {
	columns := cols(attributedKind, touchChannel, touchSegment, creditedTo)
	for _, name := range creditColumns {
		columns = append(columns, wholeColumn(name+"_credit"), wholeColumn(name+"_e4"))
	}
	out := map[string]*kindCredits{}
	return out, c.ask(ctx, "attribution_credits", columns, func(b frame.Batch, i int) {
		kind, at := attributedKind.Of(b).Value(i), place{touchChannel.Of(b).Value(i), touchSegment.Of(b).Value(i)}
		k := out[kind]
		if k == nil {
			k = &kindCredits{map[place]int64{}, map[attribution.Model]map[place]credit{}}
			out[kind] = k
		}
		k.customers[at] = creditedTo.Of(b).Value(i)
		for model, name := range creditColumns {
			if k.by[model] == nil {
				k.by[model] = map[place]credit{}
			}
			k.by[model][at] = credit{whole(b, name+"_credit", i), whole(b, name+"_e4", i)}
		}
	})
}

// whole is the integer in row i of the column called name.
func whole(b frame.Batch, name string, i int) int64 { return frame.Int64(name, "").Of(b).Value(i) }

// touches counts the touches of the days, by place; those of all segments are there too.
func (c *channels) touches(ctx context.Context) (map[place]int64, error) {
	out := map[place]int64{}
	return out, c.ask(ctx, "channel_touches", cols(touchChannel, touchSegment, channelTouch), func(b frame.Batch, i int) {
		channel, n := touchChannel.Of(b).Value(i), channelTouch.Of(b).Value(i)
		out[place{channel, touchSegment.Of(b).Value(i)}] += n
		out[place{channel, allSegments}] += n
	})
}

var (
	fromChannel   = frame.String("from_channel", "")
	toChannel     = frame.String("to_channel", "")
	endsConverted = frame.Bool("converted", "")
	journeyCount  = frame.Int64("journeys", "")
)

// transitions asks how journeys went on, by kind of conversion.
func (c *channels) transitions(ctx context.Context) (map[string][]attribution.Transition, error) {
	out := map[string][]attribution.Transition{}
	columns := cols(attributedKind, fromChannel, toChannel, endsConverted, journeyCount)
	return out, c.ask(ctx, "attribution_transitions", columns, func(b frame.Batch, i int) {
		kind := attributedKind.Of(b).Value(i)
		out[kind] = append(out[kind], attribution.Transition{
			From: fromChannel.Of(b).Value(i), To: toChannel.Of(b).Value(i), Converted: endsConverted.Of(b).Value(i), Journeys: journeyCount.Of(b).Value(i),
		})
	})
}

// addMarkov adds what the Markov chain gives. The conversions that touches came before are divided by the removal effects
// of the channels, and what a channel has among the segments as its linear credits are; a channel that is on no way to a
// conversion itself, but leads to ones that are, has none of these: there the touches count. Touches of a source that calls
// a channel (none) itself keep what is linear.
func (k *kindCredits) addMarkov(journeys []attribution.Transition, touches map[place]int64) error {
	effects, err := attribution.Removal(journeys)
	if err != nil {
		return err
	}
	effects = slices.DeleteFunc(effects, func(e attribution.Effect) bool { return e.Channel == noChannel })
	linear, out := k.by[attribution.Linear], map[place]credit{}
	reached := k.sum(attribution.Linear)
	for p, c := range linear {
		if p.channel != noChannel {
			continue
		}
		out[p] = c
		if p.segment == allSegments {
			reached.conversions -= c.conversions
			reached.value -= c.value
		}
	}
	shares := each(effects, func(e attribution.Effect) int64 { return e.Share })
	conversions, values := attribution.Divide(reached.conversions, shares), attribution.Divide(reached.value, shares)
	for i, e := range effects {
		whole := credit{conversions[i], values[i]}
		out[place{e.Channel, allSegments}] = whole
		segments, weights := shareOut(e.Channel, linear, touches)
		conversions, values := attribution.Divide(whole.conversions, weights), attribution.Divide(whole.value, weights)
		for s, segment := range segments {
			out[place{e.Channel, segment}] = credit{conversions[s], values[s]}
		}
	}
	k.by[attribution.Markov] = out
	return nil
}

// shareOut lists the segments of a channel, and the weights by which what it has is divided among them.
func shareOut(channel string, linear map[place]credit, touches map[place]int64) (segments []string, weights []int64) {
	var byTouches []int64
	var sum, sumOfTouches int64
	for _, p := range inOrder(linear, touches) {
		if p.channel == channel && p.segment != allSegments {
			segments = append(segments, p.segment)
			weights, byTouches = append(weights, linear[p].conversions), append(byTouches, touches[p])
			sum, sumOfTouches = sum+linear[p].conversions, sumOfTouches+touches[p]
		}
	}
	switch {
	case sum > 0:
		return segments, weights
	case sumOfTouches > 0:
		return segments, byTouches
	}
	return []string{unknownSegment}, []int64{1}
}

// attributionRows are the rows of attribution: of every kind and model, one for each place that has touches or credits.
func (c *channels) attributionRows(kinds map[string]*kindCredits, touches map[place]int64) frame.Batch {
	var names, models, at, segments []string
	var counts, people []int64
	var conversions, shares []float64
	var values floats
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[kind]
		for _, model := range attribution.Models() {
			all := k.sum(model)
			for _, p := range inOrder(k.by[model], touches) {
				got := k.by[model][p]
				names, models, at, segments = append(names, kind), append(models, string(model)), append(at, p.channel), append(segments, p.segment)
				counts, people = append(counts, touches[p]), append(people, k.customers[p])
				conversions = append(conversions, float64(got.conversions)/attribution.One)
				shares = append(shares, ratio(got.conversions, all.conversions))
				values.add(c.told(k.customers[p], float64(got.value)/1e4))
			}
		}
	}
	n := len(names)
	return frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(c.AsOf), n), nil), attributionDays.Array(repeat(int64(c.Attribution.WindowDays), n), nil),
		attributedDays.Array(repeat(int64(c.Attribution.Days), n), nil), attributedKind.Array(names, nil), creditModel.Array(models, nil),
		touchChannel.Array(at, nil), touchSegment.Array(segments, nil), channelTouch.Array(counts, nil), creditedTo.Array(people, nil),
		credited.Array(conversions, nil), values.of(creditedValue), creditedShare.Array(shares, nil),
	)
}

// told is v, or nil where it would tell of some customers, but of fewer than the smallest group.
func (c *channels) told(customers int64, v float64) *float64 {
	if customers > 0 && customers < c.MinGroup {
		return nil
	}
	return &v
}

// ratio is a by b, 0 where b is 0.
func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
