package report

import (
	"cmp"
	"slices"
)

var customersPanel = panel{id: "customers", question: "Who are my customers?", needs: []string{"segment_profiles"}, build: buildCustomers}

// neverBought are the core segments of people who are no customers yet.
var neverBought = []string{"Browser", "Prospect"}

// The columns of the table of buildCustomers.
const (
	customersGroup = iota
	customersPeople
	customersShare
	customersRevenue
	customersRevenueShare
	customersEach
	customersTimes
	customersPeopleSoFar
	customersRevenueSoFar
)

// buildCustomers shows how many people are in each core segment, and what they brought lately.
func buildCustomers(d *data) (*section, error) {
	groups := d.profiles(d.CoreSegment)
	if len(groups) == 0 {
		return nil, nil
	}
	t, window := d.customersTable(groups), d.windowTable(groups)
	s := &section{
		Tone: neutral, Tables: []*table{window},
		Charts: []*chart{{
			ID: "chart-customers", Wide: true, Print: true, Height: 380, Table: t, Option: customersOption(t),
			Label: "The groups as of " + d.day() + ". Area: customers. Color: revenue of a customer in the look-back window against that of the average " +
				"customer; the stronger, the more, and gray where nothing came or nothing is told.",
		}},
		Notes: []string{
			"The look-back window is that of the test of the groups. Its revenue is what was bought in it, less the refunds that name one of these purchases; " +
				"refunds that name none are only in a customer's total.",
			"The groups are listed by what one of their customers brought, most first; the last two columns add them up from the top.",
		},
	}
	s.Title, s.Lead = customersTitle(t, window), customersLead(t, window)
	if first := d.firstTable(groups); len(first.Rows) > 0 {
		s.Tables = append(s.Tables, first)
		s.First = firstSentence(first)
		s.Lead = append([]sentence{s.First}, s.Lead...)
	}
	if slices.ContainsFunc(groups, func(r record) bool { return d.hidden(r, "customers") }) {
		s.Notes = append(s.Notes, hiddenNote)
	}
	return s, nil
}

// customersTable has the groups by revenue of a customer, most first.
func (d *data) customersTable(groups []record) *table {
	revenue := func(r record) any {
		if d.hidden(r, "customers") {
			return nil
		}
		return r["revenue_window"]
	}
	each := func(r record) any { return ratio(revenue(r), r["customers"]) }
	groups = slices.SortedStableFunc(slices.Values(groups), func(a, b record) int {
		x, xok := record{"v": each(a)}.number("v")
		y, yok := record{"v": each(b)}.number("v")
		if xok != yok {
			return cmp.Compare(b2i(yok), b2i(xok))
		}
		return cmp.Compare(y, x)
	})
	t := &table{ID: "customers-groups", Caption: "The groups and what they brought in the look-back window", From: "segment_profiles", Key: 1, Columns: []column{
		{Name: "segment", Title: "Group", Format: formatText},
		d.shows("segment_profiles", "customers", "Customers", formatCount),
		d.shows("segment_profiles", "share", "Share of customers", formatShare),
		d.shows("segment_profiles", "revenue_window", "Revenue", formatMoney),
		{Name: "revenue_share", Title: "Share of revenue", Format: formatShare, Doc: "Of the revenue of all groups that are described."},
		{Name: "revenue_each", Title: "Revenue of a customer", Format: formatMoney, Doc: "Revenue by customers."},
		{Name: "times", Title: "Times the average", Format: formatRatio, Doc: "Revenue of a customer by that of the average one of the groups that are described."},
		{Name: "share_so_far", Title: "Customers up to here", Format: formatShare, Doc: "Share of customers of this group and those above it."},
		{Name: "revenue_so_far", Title: "Revenue up to here", Format: formatShare, Doc: "Share of revenue of this group and those above it."},
	}}
	var total, people, everybody float64
	for _, r := range groups {
		n, _ := r.number("customers")
		everybody += n
		if v, ok := (record{"v": revenue(r)}).number("v"); ok {
			total, people = total+v, people+n
		}
	}
	var n, money float64
	for _, r := range groups {
		var share, times, soFar, moneySoFar any
		size, _ := r.number("customers")
		n += size
		if v, ok := (record{"v": revenue(r)}).number("v"); ok && total > 0 {
			money += v
			share, times = v/total, v/size/(total/people)
			soFar, moneySoFar = n/everybody, money/total
		}
		t.add(d.Currency, r["segment"], r["customers"], r["share"], revenue(r), share, each(r), times, soFar, moneySoFar)
	}
	return t
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// The columns of windowTable.
const (
	windowPeople = iota
	windowNever
	windowNeverShare
	windowDays
	windowRevenue
	windowGroups
	windowHidden
	windowHiddenPeople
	windowHiddenShare
	windowLeast
)

// windowTable has the look-back window, who has never bought, and who is in groups too small to be described.
func (d *data) windowTable(groups []record) *table {
	t := &table{ID: "customers-base", Caption: "Everybody in the groups", From: "segment_profiles", Columns: []column{
		{Name: "customers", Title: "People", Format: formatCount, Doc: "All people in the groups."},
		{Name: "never_bought", Title: "Never bought", Format: formatCount, Doc: "Of those, Browser and Prospect."},
		{Name: "never_bought_share", Title: "Share", Format: formatShare, Doc: "Of all people in the groups."},
		d.shows("segment_profiles", "window_days", "Look-back window", formatDays),
		{Name: "revenue", Title: "Revenue", Format: formatMoney, Doc: "Of the groups that are described, in the look-back window."},
		{Name: "groups", Title: "Groups", Format: formatCount, Doc: "Groups that anybody is in."},
		{Name: "hidden", Title: "Too small to describe", Format: formatCount, Doc: "Of those, groups of which only is told how many people are in them."},
		{Name: "hidden_people", Title: "People in these", Format: formatCount},
		{Name: "hidden_share", Title: "Their share", Format: formatShare, Doc: "Of all people in the groups."},
		{Name: "least", Title: "Least people", Format: formatCount, Doc: "Groups of fewer are not described: privacy.min_group of the configuration."},
	}}
	var all, never, hidden int64
	var described []record
	for _, r := range groups {
		n, _ := r.number("customers")
		all += int64(n)
		if slices.Contains(neverBought, r.text("segment")) {
			never += int64(n)
		}
		if d.hidden(r, "customers") {
			hidden += int64(n)
		} else {
			described = append(described, r)
		}
	}
	t.add(d.Currency, all, never, ratio(never, all), groups[0]["window_days"], sum(described, "revenue_window"),
		int64(len(groups)), int64(len(groups)-len(described)), hidden, ratio(hidden, all), d.MinGroup)
	return t
}

// customersTitle is how concentrated revenue is, or else where most people are.
func customersTitle(t, window *table) sentence {
	w := window.Rows[0]
	if top, last := customersTop(t, w); last != nil {
		of := say("the revenue of the last {}", w[windowDays])
		if value(w[windowHidden]) > 0 {
			of = say("what the groups shown brought in the last {}", w[windowDays])
		}
		if len(top) == 1 {
			return say("{} are {} of all people and bring {} of {}", top[0], last[customersPeopleSoFar], last[customersRevenueSoFar], of)
		}
		return say("{}, {} of all people, bring {} of {}", listed(top), last[customersPeopleSoFar], last[customersRevenueSoFar], of)
	}
	largest := slices.MaxFunc(t.Rows, func(a, b []*cell) int { return cmp.Compare(value(a[customersPeople]), value(b[customersPeople])) })
	switch {
	case value(w[windowPeople]) == 1:
		return say("There is {} customer, in the group {}", w[windowPeople], largest[customersGroup])
	case len(t.Rows) == 1:
		return say("All {} people are in one group: {}", w[windowPeople], largest[customersGroup])
	case value(w[windowHidden]) == value(w[windowGroups]):
		return say("{} people are too few to describe: each of the {} groups has fewer than {}", w[windowPeople], w[windowGroups], w[windowLeast])
	case value(w[windowNever]) == value(w[windowPeople]):
		return say("Nobody has bought yet: the largest group is {} with {} of all people", largest[customersGroup], largest[customersShare])
	}
	return say("The largest group is {} with {} of all people", largest[customersGroup], largest[customersShare])
}

// customersTop are the fewest groups, from the top, that bring half of the revenue, and the row of the last of them; nil
// where revenue is not known, nothing, or pushed about by refunds, or where these are most of the people, or of most
// nothing is told.
func customersTop(t *table, window []*cell) (names []*cell, last []*cell) {
	if value(window[windowHiddenShare]) >= 0.5 {
		return nil, nil
	}
	for _, r := range t.Rows {
		if v, ok := r[customersRevenue].number(); ok && v < 0 {
			return nil, nil
		}
	}
	for _, r := range t.Rows {
		if !known(r[customersRevenueSoFar]) {
			return nil, nil
		}
		names = append(names, r[customersGroup])
		if value(r[customersRevenueSoFar]) >= 0.5 {
			if value(r[customersPeopleSoFar]) > 0.8*value(r[customersRevenueSoFar]) || len(names) > 3 {
				return nil, nil
			}
			return names, r
		}
	}
	return nil, nil
}

// customersLead says who has never bought, what the best group brings, where most people are and of whom nothing is told.
func customersLead(t, window *table) []sentence {
	var out []sentence
	w := window.Rows[0]
	hidden := value(w[windowHidden]) > 0
	if revenue, ok := w[windowRevenue].number(); ok && revenue == 0 && value(w[windowNever]) < value(w[windowPeople]) {
		who := "Nobody"
		if hidden {
			who = "Nobody in the groups shown"
		}
		out = append(out, say("{} bought in the last {}.", sentence{who}, w[windowDays]))
	}
	if best := t.Rows[0]; known(best[customersTimes]) && value(best[customersTimes]) >= 1.5 && len(t.Rows) > 1 {
		s := say("A customer in {} brought {} in that time, {} the average", best[customersGroup], best[customersEach], best[customersTimes])
		if hidden {
			s = words(s, " of the groups shown")
		}
		out = append(out, words(s, "."))
	}
	for _, r := range t.Rows {
		if v, ok := r[customersRevenue].number(); ok && v < 0 {
			out = append(out, say("{} got more back than they paid in that time: {}.", r[customersGroup], r[customersRevenue]))
		}
	}
	if never := value(w[windowNever]); value(w[windowNeverShare]) >= 0.01 && never < value(w[windowPeople]) && never >= value(w[windowLeast]) {
		out = append(out, say("{} of {} people, {}, have never bought, or gave everything back.", w[windowNever], w[windowPeople], w[windowNeverShare]))
	}
	out = append(out, hiddenSentence(w)...)
	if _, last := customersTop(t, w); last == nil { // the title has the largest group
		return out
	}
	if largest := slices.MaxFunc(t.Rows, func(a, b []*cell) int { return cmp.Compare(value(a[customersPeople]), value(b[customersPeople])) }); len(t.Rows) > 1 {
		out = append(out, say("The largest group is {}: {} people, {}.", largest[customersGroup], largest[customersPeople], largest[customersShare]))
	}
	return out
}

// hiddenSentence says of whom nothing is told, and where that is most people, why.
func hiddenSentence(w []*cell) []sentence {
	switch few := say("privacy.min_group in the configuration hides groups of fewer than {} people", w[windowLeast]); {
	case value(w[windowHidden]) == 0:
		return nil
	case value(w[windowHidden]) == value(w[windowGroups]):
		return []sentence{words(few, ", so that nothing but their sizes is told.")}
	case value(w[windowHiddenShare]) >= 0.5:
		return []sentence{words(say("Of {} in {}, {}, only their number is told: ", counted(w[windowHiddenPeople], "person", "people"),
			counted(w[windowHidden], "group", "groups"), w[windowHiddenShare]), few, ".")}
	}
	return []sentence{words("The rest, ", counted(w[windowHiddenPeople], "person, is", "people, are"), " in ",
		counted(w[windowHidden], "group", "groups"), " too small to describe.")}
}

// customersOption draws a treemap: area customers, color revenue of a customer.
func customersOption(t *table) map[string]any {
	var items []any
	for _, r := range t.Rows {
		name, people := r[customersGroup].String(), r[customersPeople].String()+" · "+r[customersShare].String()
		tip := []string{name, people}
		if known(r[customersTimes]) {
			tip = append(tip, r[customersEach].String()+" each, "+r[customersTimes].String()+" the average")
		}
		items = append(items, map[string]any{
			"name": name, "value": r[customersPeople].Value, "tip": tip,
			"itemStyle": map[string]any{"color": timesColor(r[customersTimes])},
			"lines":     []string{name, people, r[customersPeople].String()},
		})
	}
	return map[string]any{
		"tooltip": map[string]any{},
		"series": []any{map[string]any{
			"type": "treemap", "name": "Customers", "data": items, "roam": false, "nodeClick": false,
			"breadcrumb": map[string]any{"show": false}, "left": 0, "right": 0, "top": 0, "bottom": 0,
			"itemStyle": map[string]any{"borderColor": "@color:surface", "gapWidth": 2},
			"label":     map[string]any{"show": true, "fontSize": 12, "lineHeight": 17, "overflow": "truncate"}, // the script puts lines into it that fit
		}},
	}
}

// timesClass is how dark an item is: 0 for nothing, up to 6 for four times the average and more.
func timesClass(c *cell) int {
	v, ok := c.number()
	if !ok || v <= 0 {
		return 0
	}
	class := 1
	for _, from := range []float64{0.25, 0.5, 1, 2, 4} {
		if v >= from {
			class++
		}
	}
	return class
}

func timesColor(c *cell) string {
	if n := timesClass(c); n > 0 {
		return sequence()[n]
	}
	return "@color:line"
}
