package report

import (
	"cmp"
	"slices"
)

var channelsPanel = panel{id: "channels", question: "Which channels bring it, and at what price?", needs: []string{"attribution"}, build: buildChannels}

// The models in their order, as columns and in words.
var (
	creditModels = []string{"first", "last", "linear", "time_decay", "position", "markov"}
	modelWords   = map[string]string{
		"first": "the first touch", "last": "the last touch", "linear": "equal parts", "time_decay": "time decay", "position": "position",
		"markov": "the Markov chain",
	}
	modelTitles = map[string]string{
		"first": "First touch", "last": "Last touch", "linear": "Equal parts", "time_decay": "Time decay", "position": "Position", "markov": "Markov",
	}
)

// usualModel is what leads where no costs say which model they are held against.
const usualModel = "position"

// noTouch is the channel of the conversions that no touch came before.
const noTouch = "(none)"

// The columns of the table of channels; those of the models follow.
const (
	channelName = iota
	channelTouches
	channelCustomers
	channelShare
	channelValue
	channelModels
)

// buildChannels says which channels conversions came through, by every model, and what that cost.
func buildChannels(d *data) (*section, error) {
	all := d.rows("attribution")
	if len(all) == 0 {
		return nil, nil
	}
	var returns []record
	if d.has("channel_returns") {
		returns = d.rows("channel_returns")
	}
	lead := usualModel
	if len(returns) > 0 {
		lead = returns[0].text("model")
	}
	kind, noun := "order", "purchases"
	if len(where(all, "conversion_kind", kind)) == 0 {
		kind, noun = all[0].text("conversion_kind"), "conversions"
	}
	all = where(all, "conversion_kind", kind)
	t := d.channels(where(all, "segment", ""), lead)
	if len(t.Rows) == 1 && t.Rows[0][channelName].Value == noTouch {
		return nil, nil // no touch is known at all
	}
	ranked := slices.DeleteFunc(slices.Clone(t.Rows), func(r []*cell) bool { return r[channelName].Value == noTouch || !known(r[modelColumn(lead)]) })
	s := &section{Tone: neutral}
	if len(ranked) == 0 || value(ranked[0][modelColumn(lead)]) == 0 {
		s.Title = say("No touch is known before enough of the {}", sentence{noun})
	} else if len(ranked) == 1 {
		s.Title = say("Only one channel is known, {}: it has {} of the {}", ranked[0][channelName], ranked[0][channelShare], sentence{noun})
	} else {
		s.Title = say("No channel brings more {} than {}: {} of them by {}",
			sentence{noun}, ranked[0][channelName], ranked[0][channelShare], sentence{modelWords[lead]})
		s.Lead = append(s.Lead, modelsLead(ranked, lead)...)
		s.Lead = append(s.Lead, endsLead(ranked, noun)...)
	}
	s.Lead = append(s.Lead, untouchedLead(t, noun)...)
	if groups := d.channelGroups(all, lead); len(groups.Rows) > 0 {
		s.Tables = append(s.Tables, groups)
		s.Lead = append(s.Lead, groupsLead(groups, ranked)...)
	}
	if len(returns) > 0 {
		costs := d.channelCosts(where(returns, "segment", ""))
		s.Tables = append(s.Tables, costs)
		more, bad := costsLead(costs)
		s.Lead = append(s.Lead, more...)
		if bad {
			s.Tone = caution
		}
	}
	if len(ranked) == 0 {
		s.Tables = append(s.Tables, t)
	} else {
		s.Charts = []*chart{{
			ID: "chart-channels", Wide: true, Height: 96 + 48*min(len(ranked), mostBars), Table: t, Option: channelsOption(ranked, lead),
			Label: "The " + noun + " that models give to each channel, as of " + d.day() + ".",
		}}
	}
	s.Notes = []string{
		"What came after a touch did not come because of it: the models divide the " + noun + ", and none says what would have come without a channel. " +
			"An experiment does.",
		"First and last touch give all to one touch; equal parts the same to each; time decay more to the later ones; position most to the first and the " +
			"last. Markov asks how many would be lost without the channel, if people otherwise went on from channel to channel as they did.",
	}
	if slices.ContainsFunc(t.Rows, func(r []*cell) bool { return slices.ContainsFunc(r, func(c *cell) bool { return !known(c) }) }) {
		s.Notes = append(s.Notes, hiddenNote)
	}
	return s, nil
}

// modelColumn is the column of the table of channels that has what the model gives.
func modelColumn(model string) int { return channelModels + slices.Index(creditModels, model) }

// channels has a row for each channel, most first by the model that leads, and at the end what no touch came before.
func (d *data) channels(rows []record, lead string) *table {
	of := func(name, title string, f format) column { return d.shows("attribution", name, title, f) }
	t := &table{ID: "channels", Caption: "What the models give to each channel", From: "attribution", Key: 1, Columns: []column{
		of("channel", "Channel", formatText), of("touches", "Touches", formatCount), of("customers", "Customers", formatCount),
		{Name: "share", Title: "Share by " + modelWords[lead], Format: formatShare, Doc: "What the model gives to the channel by all."},
		{Name: "value", Title: "Value by " + modelWords[lead], Format: formatMoney, Doc: "What came of that."},
	}}
	for _, m := range creditModels {
		t.Columns = append(t.Columns, column{Name: m, Title: modelTitles[m], Format: formatMean, Doc: "Conversions that the model gives to the channel."})
	}
	given := map[string]map[string]record{}
	for _, r := range rows {
		if given[r.text("channel")] == nil {
			given[r.text("channel")] = map[string]record{}
		}
		given[r.text("channel")][r.text("model")] = r
	}
	order := slices.SortedStableFunc(slices.Values(where(rows, "model", lead)), func(a, b record) int {
		x, _ := a.number("conversions")
		y, _ := b.number("conversions")
		return cmp.Or(cmp.Compare(truth(a.text("channel") == noTouch), truth(b.text("channel") == noTouch)), cmp.Compare(y, x))
	})
	for _, r := range order {
		values := append([]any{plain(r.text("channel"))}, r.values("touches", "customers", "share", "value")...)
		for _, m := range creditModels {
			values = append(values, given[r.text("channel")][m]["conversions"])
		}
		if n, _ := r.number("customers"); n > 0 && d.hidden(r, "customers") {
			for i := channelCustomers; i < len(values); i++ {
				values[i] = nil
			}
		}
		t.add(d.Currency, values...)
	}
	return t
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// modelsLead says whether the models agree on the channel that brings most.
func modelsLead(ranked [][]*cell, lead string) []sentence {
	var others []sentence
	for _, m := range creditModels {
		top := slices.MaxFunc(ranked, func(a, b []*cell) int { return cmp.Compare(value(a[modelColumn(m)]), value(b[modelColumn(m)])) })
		if m != lead && top[channelName] != ranked[0][channelName] {
			others = append(others, say("{} by {}", top[channelName], sentence{modelWords[m]}))
		}
	}
	if len(others) == 0 {
		return []sentence{say("All models say so.")}
	}
	return []sentence{say("The models disagree: most goes to {}.", listed(others))}
}

// endsLead names the channel that begins ways more than it ends them, and the one that does the opposite.
func endsLead(ranked [][]*cell, noun string) []sentence {
	const often = 2 // times as many
	first, last := modelColumn("first"), modelColumn("last")
	lean := func(a, b int) []*cell {
		var most []*cell
		for _, r := range ranked {
			if value(r[a]) >= often*value(r[b]) && value(r[a]) > 0 && (most == nil || value(r[a])-value(r[b]) > value(most[a])-value(most[b])) {
				most = r
			}
		}
		return most
	}
	var out []sentence
	if r := lean(first, last); r != nil {
		out = append(out, say("The way begins with {} rather than ending with it: {} {} by the first touch, {} by the last.",
			r[channelName], r[first], sentence{noun}, r[last]))
	}
	if r := lean(last, first); r != nil {
		out = append(out, say("The way ends with {} rather than beginning with it: {} {} by the last touch, {} by the first.",
			r[channelName], r[last], sentence{noun}, r[first]))
	}
	return out
}

// untouchedLead says how much no touch came before.
func untouchedLead(t *table, noun string) []sentence {
	for _, r := range t.Rows {
		if r[channelName].Value == noTouch && known(r[channelShare]) && value(r[channelShare]) > 0 {
			return []sentence{say("Before {} of the {} no touch is known.", r[channelShare], sentence{noun})}
		}
	}
	return nil
}

// channelGroups has the channel that brings most to each group, by the model that leads.
func (d *data) channelGroups(rows []record, lead string) *table {
	t := &table{
		ID: "channels-groups", Caption: "The channel that brings most to each group, by " + modelWords[lead], From: "attribution, segment_definitions", Key: 1,
		Columns: []column{
			{Name: "segment", Title: "Group", Format: formatText, Doc: "The core segment before the day of the touch."},
			d.shows("attribution", "channel", "Channel", formatText), d.shows("attribution", "customers", "Customers", formatCount),
			d.shows("attribution", "conversions", "Conversions", formatMean),
			{Name: "share", Title: "Of the group's", Format: formatShare, Doc: "Of all conversions that touches of the group were given."},
		},
	}
	rows = where(rows, "model", lead)
	for _, g := range d.definitions(d.CoreSegment) {
		var best record
		var sum float64
		for _, r := range where(rows, "segment", g.text("segment")) {
			if r.text("channel") == noTouch {
				continue
			}
			n, _ := r.number("conversions")
			most, _ := best.number("conversions")
			if sum += n; best == nil || n > most {
				best = r
			}
		}
		if best != nil && sum > 0 && !d.hidden(best, "customers") {
			n, _ := best.number("conversions")
			t.add("", best["segment"], plain(best.text("channel")), best["customers"], n, n/sum)
		}
	}
	return t
}

// groupsLead names up to three groups that another channel brings most to.
func groupsLead(groups *table, ranked [][]*cell) []sentence {
	var others []sentence
	for _, r := range groups.Rows {
		if len(ranked) > 0 && r[1].Value != ranked[0][channelName].Value && len(others) < 3 {
			others = append(others, say("{} leads with {} ({} of theirs)", r[1], r[0], r[4]))
		}
	}
	if len(others) == 0 {
		return nil
	}
	return []sentence{say("Groups differ: {}.", listed(others))}
}

// The columns of the table of costs.
const (
	costChannel = iota
	costMoney
	costValue
	costReturn
	costConversions
	costEach
	costAcquisitions
	costNew
	costTouches
)

// channelCosts has what each channel cost and brought.
func (d *data) channelCosts(rows []record) *table {
	of := func(name, title string, f format) column { return d.shows("channel_returns", name, title, f) }
	t := &table{ID: "channels-costs", Caption: "What channels cost, and what they brought", From: "channel_returns", Key: 1, Shown: true, Columns: []column{
		of("channel", "Channel", formatText), of("cost", "Cost", formatMoney), of("value", "Value", formatMoney), of("return_on_spend", "Value by cost", formatRatio),
		of("conversions", "Purchases", formatMean), of("cost_per_conversion", "Each", formatMoney), of("acquisitions", "First ones", formatMean),
		of("cost_per_acquisition", "Each", formatMoney), of("touches", "Touches", formatCount),
	}}
	for _, r := range slices.SortedStableFunc(slices.Values(rows), func(a, b record) int {
		x, _ := a.number("cost")
		y, _ := b.number("cost")
		return cmp.Compare(y, x)
	}) {
		t.add(d.Currency, append([]any{plain(r.text("channel"))}, r.values("cost", "value", "return_on_spend", "conversions", "cost_per_conversion",
			"acquisitions", "cost_per_acquisition", "touches")...)...)
	}
	return t
}

// costsLead says what brought back most and least, and what was spent without a touch; bad is whether a channel cost more
// than it brought.
func costsLead(costs *table) (out []sentence, bad bool) {
	var told [][]*cell
	var blind []sentence
	for _, r := range costs.Rows {
		if known(r[costReturn]) && value(r[costTouches]) > 0 {
			told = append(told, r)
		}
		if value(r[costMoney]) > 0 && value(r[costTouches]) == 0 {
			blind = append(blind, say("{} on {}", r[costMoney], r[costChannel]))
		}
	}
	if len(told) > 0 {
		byReturn := func(a, b []*cell) int { return cmp.Compare(value(a[costReturn]), value(b[costReturn])) }
		best, worst := slices.MaxFunc(told, byReturn), slices.MinFunc(told, byReturn)
		s := say("The purchases given to {} were worth {} its cost", best[costChannel], best[costReturn])
		if best[costChannel] != worst[costChannel] {
			s = words(s, say(", those given to {} {}", worst[costChannel], worst[costReturn]))
		}
		out = append(out, words(s, "."))
		if bad = value(worst[costReturn]) < 1; bad {
			out = append(out, say("More went into {} than came of it: {}, for {}.", worst[costChannel], worst[costMoney], worst[costValue]))
		}
		var dear []*cell
		for _, r := range costs.Rows {
			if known(r[costNew]) && (dear == nil || value(r[costNew]) > value(dear[costNew])) {
				dear = r
			}
		}
		if dear != nil {
			out = append(out, say("A first purchase cost most through {}: {}.", dear[costChannel], dear[costNew]))
		}
	}
	if len(blind) > 0 {
		out = append(out, say("No touch is known of what was spent: {}.", listed(blind)))
	}
	return out, bad
}

// mostBars is how many channels are drawn.
const mostBars = 12

func channelsOption(ranked [][]*cell, lead string) map[string]any {
	ranked = ranked[:min(len(ranked), mostBars)]
	names := make([]*cell, len(ranked))
	for i, r := range ranked {
		names[i] = r[channelName]
	}
	var series []any
	for i, m := range []string{"first", lead, "last"} {
		if i != 1 && m == lead {
			continue
		}
		cells := make([]*cell, len(ranked))
		for k, r := range ranked {
			cells[k] = r[modelColumn(m)]
		}
		series = append(series, map[string]any{
			"type": "bar", "name": modelTitles[m], "data": raw(cells), "itemStyle": map[string]any{"color": []string{"@color:cat1", "@color:cat0", "@color:cat2"}[i]},
		})
	}
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 24, "top": 36, "bottom": 24, "containLabel": true},
		"tooltip": map[string]any{"trigger": "axis", "axisPointer": map[string]any{"type": "shadow"}, "valueFormatter": "@format:mean"},
		"legend":  map[string]any{"top": 0},
		"xAxis":   map[string]any{"type": "value", "splitNumber": 4, "axisLabel": map[string]any{"formatter": "@format:count", "hideOverlap": true}},
		"yAxis":   map[string]any{"type": "category", "inverse": true, "data": texts(names), "axisLabel": nameLabel()},
		"series":  series,
	}
}
