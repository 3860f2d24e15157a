package report

import (
	"cmp"
	"math"
	"slices"
)

var shiftsPanel = panel{id: "shifts", question: "Where are they going?", needs: []string{"segment_shifts", "segment_profiles"}, build: buildShifts}

// The statuses of segment_shifts.
const (
	shiftTooFew   = "too_few"
	shiftNoBetter = "no_better_than_naive"
)

// buildShifts says where the customers of each core segment went within the longest horizon there is, and how many each is
// expected to have as much later.
func buildShifts(d *data) (*section, error) {
	all := d.rows("segment_shifts")
	days := slices.MaxFunc(append(all, record{}), func(a, b record) int { return cmp.Compare(horizonOf(a), horizonOf(b)) })["horizon_days"]
	rows := slices.DeleteFunc(slices.Clone(all), func(r record) bool { return r["horizon_days"] != days })
	moves := d.shiftMoves(rows)
	if len(moves.Rows) == 0 {
		return nil, nil
	}
	tested, sizes := d.shiftTests(), d.shiftSizes(rows, days)
	s := &section{Tone: neutral, Title: shiftsTitle(moves), Lead: shiftsLead(moves, tested), Tables: []*table{tested}}
	if missed := d.shiftMisses(days); len(missed.Rows) > 0 {
		s.Tables = append(s.Tables, missed)
		s.Lead = append(s.Lead, shiftsMissed(missed, d.MinGroup)...)
	}
	s.Charts = []*chart{{
		ID: "chart-shifts", Wide: true, Pan: true, Height: 90 + 30*len(distinctTexts(moves.column(shiftFrom))), Table: moves, Option: shiftsOption(moves),
		Label: "Of the customers of each group " + moves.Rows[0][shiftDays].String() + " before " + d.day() +
			", the share who are in which group now. Shares of too few people are left out.",
	}}
	if len(sizes.Rows) > 0 {
		s.Lead = append(s.Lead, shiftsExpected(sizes)...)
		s.Charts = append(s.Charts, &chart{
			ID: "chart-shifts-sizes", Wide: true, Height: 90 + 34*len(sizes.Rows), Table: sizes, Option: shiftSizesOption(sizes),
			Label: "Customers by core segment on " + d.day() + ", and as expected " + sizes.Rows[0][sizeDays].String() +
				" later, if as many new ones come as came before",
		})
	}
	s.Notes = []string{
		"Both days are scored by the models of today, so that no moved border is in it. " +
			"A forecast takes it that customers go on as they did: a season or a campaign is not foreseen.",
		"Who has left is gone from all sources, or has withdrawn consent. " +
			"Who is in a group by buying once is often in another one soon: that is what the groups are made for.",
	}
	return s, nil
}

func horizonOf(r record) float64 {
	v, _ := r.number("horizon_days")
	return v
}

// Columns of shiftMoves.
const (
	shiftFrom = iota
	shiftTo
	shiftDays
	shiftThen
	shiftPeople
	shiftShare
	shiftLow
	shiftHigh
)

// shiftMoves are the moves of enough people between groups, and stays, best group first.
func (d *data) shiftMoves(rows []record) *table {
	t := &table{ID: "shifts", Caption: "Where the groups went", From: "segment_shifts", Key: 2, Columns: []column{
		d.shows("segment_shifts", "from_segment", "Then", formatText),
		d.shows("segment_shifts", "to_segment", "Now", formatText),
		d.shows("segment_shifts", "horizon_days", "Within", formatDays),
		d.shows("segment_shifts", "customers_from", "Customers then", formatCount),
		d.shows("segment_shifts", "customers", "Went", formatCount),
		d.shows("segment_shifts", "probability", "Share", formatShare),
		d.shows("segment_shifts", "probability_low", "From", formatShare),
		d.shows("segment_shifts", "probability_high", "To", formatShare),
	}}
	place := d.places()
	told := slices.DeleteFunc(slices.Clone(rows), func(r record) bool {
		return r.text("from_segment") == "" || r.text("to_segment") == "" || r["probability"] == nil || d.hidden(r, "customers")
	})
	slices.SortStableFunc(told, func(a, b record) int {
		return cmp.Or(cmp.Compare(place[a.text("from_segment")], place[b.text("from_segment")]),
			cmp.Compare(place[a.text("to_segment")], place[b.text("to_segment")]))
	})
	for _, r := range told {
		t.add("", r.values("from_segment", "to_segment", "horizon_days", "customers_from", "customers", "probability", "probability_low", "probability_high")...)
	}
	return t
}

// Columns of shiftSizes.
const (
	sizeSegment = iota
	sizeDays
	sizeNow
	sizeExpected
	sizeChange
)

// shiftSizes are the sizes now, and as expected; empty where today's sizes are as good a forecast. The customers of a
// group whose moves are not known are expected to stay.
func (d *data) shiftSizes(rows []record, days any) *table {
	t := &table{ID: "shifts-sizes", Caption: "The sizes to come", From: "segment_shifts, segment_profiles", Key: 1, Columns: []column{
		{Name: "segment", Title: "Group", Format: formatText, Doc: "The core segment."},
		{Name: "horizon_days", Title: "Ahead", Format: formatDays, Doc: "How far ahead the forecast looks."},
		d.shows("segment_profiles", "customers", "Customers", formatCount),
		{Name: "expected_customers", Title: "Expected", Format: formatCount, Doc: "Who will be there if customers go on as they did, and as many new ones come."},
		{Name: "change", Title: "Change", Format: formatDelta, Doc: "Expected by customers, less 1; unknown where the group is too small to speak of growth."},
	}}
	if slices.ContainsFunc(rows, func(r record) bool { return r.text("status") == shiftNoBetter }) {
		return t
	}
	expected, unknown := map[string]float64{}, map[string]bool{}
	for _, r := range rows {
		if v, ok := r.number("expected_customers"); ok {
			expected[r.text("to_segment")] += v
		}
		unknown[r.text("from_segment")] = r.text("status") == shiftTooFew
	}
	for _, p := range d.profiles(d.CoreSegment) {
		name := p.text("segment")
		n, _ := p.number("customers")
		v := expected[name]
		if few, seen := unknown[name]; few || !seen {
			v += n
		}
		growth := change(n, v)
		if d.small(p) {
			growth = nil
		}
		t.add("", name, days, p["customers"], v, growth)
	}
	return t
}

// Columns of shiftTests.
const (
	testDays = iota
	testError
	testNaive
	testMoves
	testMoved
)

// shiftTests say how the forecasts of each horizon went that are over, the longest horizon first.
func (d *data) shiftTests() *table {
	t := &table{ID: "shifts-tests", Caption: "The forecasts that are over", From: "segment_shift_validation", Key: 1, Columns: []column{
		d.shows("segment_shift_validation", "horizon_days", "Ahead", formatDays),
		d.shows("segment_shift_validation", "error", "In the wrong group", formatShare),
		d.shows("segment_shift_validation", "naive_error", "If sizes stay", formatShare),
		d.shows("segment_shift_validation", "moves_error", "Moved otherwise", formatShare),
		d.shows("segment_shift_validation", "moved_share", "Moved at all", formatShare),
	}}
	rows := where(d.rows("segment_shift_validation"), "segment", "")
	slices.SortStableFunc(rows, func(a, b record) int { return cmp.Compare(horizonOf(b), horizonOf(a)) })
	for _, r := range rows {
		t.add("", r.values("horizon_days", "error", "naive_error", "moves_error", "moved_share")...)
	}
	return t
}

// Columns of shiftMisses.
const (
	missSegment = iota
	missDays
	missActual
	missPredicted
	missLow
	missHigh
	missSaid
)

// shiftMisses hold the sizes foreseen against those that came.
func (d *data) shiftMisses(days any) *table {
	t := &table{ID: "shifts-foreseen", Caption: "What was foreseen, and what came", From: "segment_shift_validation", Key: 1, Columns: []column{
		{Name: "segment", Title: "Group", Format: formatText, Doc: "The core segment."},
		d.shows("segment_shift_validation", "horizon_days", "Ahead", formatDays),
		d.shows("segment_shift_validation", "actual_customers", "Customers", formatCount),
		d.shows("segment_shift_validation", "predicted_customers", "Foreseen", formatCount),
		d.shows("segment_shift_validation", "predicted_low", "From", formatCount),
		d.shows("segment_shift_validation", "predicted_high", "To", formatCount),
		{Name: "said", Title: "What came", Format: formatText, Doc: "as foreseen, or more or fewer than the interval holds."},
	}}
	rows := slices.DeleteFunc(slices.Clone(d.rows("segment_shift_validation")), func(r record) bool {
		return r["horizon_days"] != days || r["predicted_customers"] == nil
	})
	for _, r := range d.byOrder(d.CoreSegment, "segment", rows) {
		said := "as foreseen"
		actual, low, _ := pair(r["actual_customers"], r["predicted_low"])
		_, high, _ := pair(r["actual_customers"], r["predicted_high"])
		if actual < low {
			said = "fewer"
		} else if actual > high {
			said = "more"
		}
		t.add("", append(r.values("segment", "horizon_days", "actual_customers", "predicted_customers", "predicted_low", "predicted_high"), said)...)
	}
	return t
}

// shiftsTitle says what became of the best group of which it can be told.
func shiftsTitle(moves *table) sentence {
	group := moves.Rows[0][shiftFrom].Value
	var stayed, most []*cell
	for _, r := range moves.Rows {
		switch {
		case r[shiftFrom].Value != group:
		case r[shiftTo].Value == group:
			stayed = r
		case most == nil || value(r[shiftShare]) > value(most[shiftShare]):
			most = r
		}
	}
	switch {
	case stayed == nil:
		return say("Of those in {} {} ago, {} are in {} now", most[shiftFrom], most[shiftDays], most[shiftShare], most[shiftTo])
	case most == nil:
		return say("Of those in {} {} ago, {} still are", stayed[shiftFrom], stayed[shiftDays], stayed[shiftShare])
	}
	return say("Of those in {} {} ago, {} still are, and {} are in {} now",
		stayed[shiftFrom], stayed[shiftDays], stayed[shiftShare], most[shiftShare], most[shiftTo])
}

// shiftsLead says which group keeps its customers best and which worst, and how the forecast did.
func shiftsLead(moves, tested *table) []sentence {
	var lead []sentence
	var best, worst []*cell
	for _, r := range moves.Rows {
		if r[shiftFrom].Value != r[shiftTo].Value {
			continue
		}
		if best == nil || value(r[shiftShare]) > value(best[shiftShare]) {
			best = r
		}
		if worst == nil || value(r[shiftShare]) < value(worst[shiftShare]) {
			worst = r
		}
	}
	if best != nil && value(best[shiftShare]) > value(worst[shiftShare]) {
		lead = append(lead, say("{} keeps the largest share of its customers ({}), {} the smallest ({}).",
			best[shiftFrom], best[shiftShare], worst[shiftFrom], worst[shiftShare]))
	}
	if len(tested.Rows) == 0 {
		return append(lead, say("Whether the past tells the future has not been tried yet: the history is too short."))
	}
	t := tested.Rows[0]
	s := say("The sizes that were foreseen {} ago put {} of the customers into the wrong group; taking it that nothing changes, {}.",
		t[testDays], t[testError], t[testNaive])
	switch {
	case value(t[testError]) >= value(t[testNaive]):
		s = words(s, " The sizes to come are not drawn, therefore.")
	case t[testError].String() == t[testNaive].String():
		s = words(s, " That is hardly better: do not plan with the sizes to come.")
	}
	return append(lead, s)
}

// shiftsExpected says which group is to grow most, and which to shrink most, in customers: the smallest groups grow by most
// percent.
func shiftsExpected(sizes *table) []sentence {
	more := func(r []*cell) float64 { return value(r[sizeExpected]) - value(r[sizeNow]) }
	var grow, shrink []*cell
	for _, r := range sizes.Rows {
		switch v := more(r); {
		case !known(r[sizeChange]) || math.Round(value(r[sizeExpected])) == value(r[sizeNow]):
		case v > 0 && (grow == nil || v > more(grow)):
			grow = r
		case v < 0 && (shrink == nil || v < more(shrink)):
			shrink = r
		}
	}
	var out []sentence
	if grow != nil {
		out = append(out, say("In {}, {} is expected to grow most: from {} to {} ({}).", grow[sizeDays], grow[sizeSegment],
			counted(grow[sizeNow], "customer", "customers"), grow[sizeExpected], grow[sizeChange]))
	}
	if shrink != nil {
		out = append(out, say("In {}, {} is expected to shrink most: from {} to {} ({}).", shrink[sizeDays], shrink[sizeSegment],
			counted(shrink[sizeNow], "customer", "customers"), shrink[sizeExpected], shrink[sizeChange]))
	}
	return out
}

// shiftsMissed names the group of at least so many that came most unlike what was foreseen.
func shiftsMissed(t *table, least int64) []sentence {
	var worst []*cell
	var most float64
	for _, r := range t.Rows {
		if r[missSaid].Value == "as foreseen" || value(r[missActual]) < float64(least) {
			continue
		}
		if off := math.Abs(value(r[missActual]) - value(r[missPredicted])); off > most {
			worst, most = r, off
		}
	}
	if worst == nil {
		return []sentence{say("All groups have come to the sizes that were foreseen, as far as chance lets them.")}
	}
	return []sentence{say("Not foreseen: {} has {}, and {} to {} were expected.", worst[missSegment], counted(worst[missActual], "customer", "customers"),
		worst[missLow], worst[missHigh])}
}

// shiftsOption draws the shares as fields, from the group on the left to that above, in one order, so that who stayed is on the diagonal.
func shiftsOption(t *table) map[string]any {
	from, to := distinctTexts(t.column(shiftFrom)), distinctTexts(t.column(shiftTo))
	slices.SortStableFunc(to, func(a, b string) int { return cmp.Compare(slices.Index(from, a), slices.Index(from, b)) })
	var items []any
	for _, r := range t.Rows {
		items = append(items, map[string]any{
			"name": r[shiftFrom].String(), "value": []any{r[shiftTo].String(), r[shiftFrom].String(), r[shiftShare].Value},
			"label": map[string]any{"color": "@color:ink-on-" + shiftColor(value(r[shiftShare])), "formatter": r[shiftShare].String()},
			"tip": []string{
				r[shiftFrom].String() + " → " + r[shiftTo].String(), r[shiftShare].String() + " (" + r[shiftLow].String() + " to " + r[shiftHigh].String() + ")",
				r[shiftPeople].String() + " of " + counted(r[shiftThen], "customer", "customers").String(),
			},
		})
	}
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 8, "top": 8, "bottom": 48, "containLabel": true},
		"tooltip": map[string]any{"valueFormatter": "@format:share"},
		"xAxis": map[string]any{
			"type": "category", "data": to, "position": "top",
			"axisLabel": map[string]any{"interval": 0, "hideOverlap": false, "width": 76, "overflow": "break", "lineHeight": 14},
		},
		"yAxis": map[string]any{"type": "category", "inverse": true, "data": from, "axisLabel": nameLabel()},
		"visualMap": map[string]any{
			"type": "piecewise", "orient": "horizontal", "left": "center", "bottom": 0, "itemSymbol": "rect",
			"pieces": []any{
				map[string]any{"lt": 0.1, "label": "few", "color": "@color:seq0"},
				map[string]any{"gte": 0.1, "lt": 0.25, "label": "some", "color": "@color:seq1"},
				map[string]any{"gte": 0.25, "lt": 0.5, "label": "many", "color": "@color:seq3"},
				map[string]any{"gte": 0.5, "label": "most", "color": "@color:seq5"},
			},
		},
		"series": []any{map[string]any{
			"type": "heatmap", "name": "Share", "data": items, "label": map[string]any{"show": true, "fontSize": 11},
			"itemStyle": map[string]any{"borderColor": "@color:surface", "borderWidth": 1},
		}},
	}
}

// shiftColor is the color of a share, as in the pieces of shiftsOption.
func shiftColor(share float64) string {
	switch {
	case share < 0.1:
		return "seq0"
	case share < 0.25:
		return "seq1"
	case share < 0.5:
		return "seq3"
	}
	return "seq5"
}

// shiftSizesOption draws the sizes now and to come beside each other.
func shiftSizesOption(t *table) map[string]any {
	bar := func(name string, column int, color string) map[string]any {
		return map[string]any{
			"type": "bar", "name": name, "data": raw(t.column(column)), "itemStyle": map[string]any{"color": color},
			"label": map[string]any{"show": true, "position": "right", "formatter": "@format:count", "fontSize": 11},
		}
	}
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 48, "top": 32, "bottom": 24, "containLabel": true},
		"legend":  map[string]any{"top": 0},
		"tooltip": map[string]any{"trigger": "axis", "valueFormatter": "@format:count"},
		"xAxis":   map[string]any{"type": "value", "min": 0, "axisLabel": map[string]any{"formatter": "@format:count", "hideOverlap": true}},
		"yAxis":   map[string]any{"type": "category", "inverse": true, "data": texts(t.column(sizeSegment)), "axisLabel": nameLabel()},
		"series":  []any{bar("Now", sizeNow, "@color:cat0"), bar("Expected", sizeExpected, "@color:cat1")},
	}
}
