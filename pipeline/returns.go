package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"segments/pipeline/attribution"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// The kinds of conversions that costs are held against.
const (
	orderKind       = "order"
	acquisitionKind = "acquisition"
)

var (
	channelCost    = frame.Float64("cost", "What was spent on the channel in the days; among the segments it is divided as the touches are. A channel without touches has it in the segment (unknown).").In("money")
	ordersGiven    = frame.Float64("conversions", "Purchases that the model gives to the touches.")
	acquisitions   = frame.Float64("acquisitions", "First purchases ever that it gives to them.")
	ordersValue    = frame.Float64("value", "Value of the purchases, given likewise; NULL where it is of some customers, but fewer than privacy.min_group.").In("money").Null()
	costPer        = frame.Float64("cost_per_conversion", "cost by conversions; NULL without either.").In("money a purchase").Null()
	costPerNew     = frame.Float64("cost_per_acquisition", "cost by acquisitions; NULL without either.").In("money a customer").Null()
	returnOnSpend  = frame.Float64("return_on_spend", "value by cost; NULL without cost, and where value is.").Null()
	channelReturns = frame.Table{
		Name: "channel_returns",
		Doc: "What channels cost and what they brought, by the model that attribution.model names. Empty where no source tells of touches or of costs, " +
			"or where costs are in a currency without a rate.",
		Key: []string{"as_of", "model", "channel", "segment"},
		Columns: cols(customer.AsOf, attributionDays, attributedDays, creditModel, touchChannel, touchSegment, channelCost, channelTouch, ordersGiven,
			acquisitions, ordersValue, costPer, costPerNew, returnOnSpend),
		PartitionBy: "as_of",
	}

	costCurrency = frame.String("currency", "").Null()
	costRated    = frame.Bool("rated", "")
	costMoney    = frame.Int64("cost_e4", "")
)

// costs asks what was spent on each channel, in ten-thousandths; nil where there is no source of it, or where it cannot be
// added up, which is said.
func (c *channels) costs(ctx context.Context) (map[string]int64, error) {
	if !configured(c.sources, "costs") {
		return nil, nil
	}
	known := []string{c.Currency}
	if c.Currency == "" {
		known = nil // then the orders have one
		err := c.ask(ctx, "currencies", cols(currencyCode), func(b frame.Batch, i int) {
			if currencyCode.Of(b).IsValid(i) {
				known = append(known, currencyCode.Of(b).Value(i))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	out, foreign := map[string]int64{}, map[string]bool{}
	err := c.ask(ctx, "channel_costs", cols(touchChannel, costCurrency, costRated, costMoney), func(b frame.Batch, i int) {
		out[touchChannel.Of(b).Value(i)] += costMoney.Of(b).Value(i)
		code := costCurrency.Of(b)
		if code.IsValid(i) && !costRated.Of(b).Value(i) {
			foreign[code.Value(i)] = !slices.Contains(known, code.Value(i))
		}
	})
	if err != nil {
		return nil, err
	}
	var codes []string
	for _, code := range slices.Sorted(maps.Keys(foreign)) {
		if foreign[code] && (len(known) > 0 || len(foreign) > 1) {
			codes = append(codes, code)
		}
	}
	if codes != nil {
		c.check(checkCostCurrency, "costs", Warned, "some costs are in %v, and currency.rates has nothing for that: channel_returns is left empty", codes)
		return nil, nil
	}
	c.check(checkCostCurrency, "costs", Passed, "all costs are in the currency of the outputs, or have a rate")
	return out, nil
}

// spend divides the costs among the segments that the touches of their channels were of. Where channels are put together
// as otherChannel, so is the cost of those that are not told apart.
func spend(costs map[string]int64, touches map[place]int64) map[place]int64 {
	out := map[place]int64{}
	for channel, cost := range costs {
		if touches[place{channel, allSegments}] == 0 && touches[place{otherChannel, allSegments}] > 0 {
			channel = otherChannel
		}
		out[place{channel, allSegments}] += cost
	}
	for _, p := range inOrder(out, map[place]bool{}) {
		segments, weights := shareOut(p.channel, nil, touches)
		for i, part := range attribution.Divide(out[p], weights) {
			out[place{p.channel, segments[i]}] = part
		}
	}
	return out
}

// returnRows are the rows of channel_returns: one for each place with costs or touches.
func (c *channels) returnRows(kinds map[string]*kindCredits, touches map[place]int64, costs map[string]int64) frame.Batch {
	spent, bought, first := spend(costs, touches), kinds[orderKind], kinds[acquisitionKind]
	model := c.Attribution.Model
	var channelNames, segments []string
	var counts []int64
	var cost, conversions, won []float64
	var values, per, perNew, back floats
	for _, p := range inOrder(spent, touches) {
		var got, gotFirst credit
		var people int64
		if bought != nil {
			got, people = bought.by[model][p], bought.customers[p]
		}
		if first != nil {
			gotFirst = first.by[model][p]
		}
		money := float64(spent[p]) / 1e4
		channelNames, segments, counts = append(channelNames, p.channel), append(segments, p.segment), append(counts, touches[p])
		cost = append(cost, money)
		conversions = append(conversions, float64(got.conversions)/attribution.One)
		won = append(won, float64(gotFirst.conversions)/attribution.One)
		value := c.told(people, float64(got.value)/1e4)
		values.add(value)
		per.add(perUnit(money, conversions[len(conversions)-1]))
		perNew.add(perUnit(money, won[len(won)-1]))
		if value == nil || money <= 0 {
			back.add(nil)
			continue
		}
		times := *value / money
		back.add(&times)
	}
	n := len(cost)
	return frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(c.AsOf), n), nil), attributionDays.Array(repeat(int64(c.Attribution.WindowDays), n), nil),
		attributedDays.Array(repeat(int64(c.Attribution.Days), n), nil), creditModel.Array(repeat(string(model), n), nil),
		touchChannel.Array(channelNames, nil), touchSegment.Array(segments, nil), channelCost.Array(cost, nil), channelTouch.Array(counts, nil),
		ordersGiven.Array(conversions, nil), acquisitions.Array(won, nil), values.of(ordersValue), per.of(costPer), perNew.of(costPerNew), back.of(returnOnSpend),
	)
}

// perUnit is money by n, nil where either is not above 0.
func perUnit(money, n float64) *float64 {
	if money <= 0 || n <= 0 {
		return nil
	}
	v := money / n
	return &v
}

const checkCostCurrency = "cost_currency"

// costCurrencyDoc describes the check.
var costCurrencyDoc = CheckDoc{
	Name:  checkCostCurrency,
	About: "The amounts of all costs can be added up and held against the orders: each is in their currency, or has a rate.",
	Warns: fmt.Sprintf("some cannot. %s is left empty then, rather than wrong.", channelReturns.Name),
	Do:    "Set currency.code to that of the outputs, and currency.rates to what a unit of each other currency is worth in it.",
}
