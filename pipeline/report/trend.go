package report

import (
	"fmt"
	"slices"
)

var trendPanel = panel{id: "trend", question: "How is it going?", needs: []string{"segment_profiles"}, build: buildTrend}

// mostDays are the days that the trend shows at most.
const mostDays = 24

// buildTrend draws the published days up to this one; there must be two.
func buildTrend(d *data) (*section, error) {
	history := d.query("report_history", map[string]string{"segment_profiles": "segment_profiles"})
	days := thinned(distinct(history, "as_of"), mostDays)
	if len(days) < 2 {
		return nil, nil
	}
	all, groups := d.trendAll(history, days), d.trendGroups(history, days)
	changes := d.trendChanges(groups, days)
	told := sentence{}
	if slices.ContainsFunc(history, d.small) {
		told = say(" of the groups shown")
	}
	s := &section{Tone: neutral, Title: trendTitle(all, told), Lead: trendLead(all, changes, told), Tables: []*table{changes}, Notes: []string{
		"Days close to each other share most of their orders, and a change may be the season's. What caused it is not said here.",
	}}
	s.Charts = []*chart{
		{
			ID: "chart-trend", Height: 320, Table: all, Option: trendOption(all),
			Label: fmt.Sprintf("Net revenue of the %s before each day%s, and the share of customers who bought in them, on %d days from %s to %s",
				all.Rows[0][trendWindow], d.in(), len(days), days[0], days[len(days)-1]),
		},
		{
			ID: "chart-trend-groups", Height: 40 + 110*((d.trendPanes(groups)+2)/3), Table: groups, Wide: true, Pan: true, Option: trendGroupsOption(groups, days),
			Label: fmt.Sprintf("Customers by core segment, from %s to %s; every field has a scale of its own that begins at nothing", days[0], days[len(days)-1]),
		},
	}
	return s, nil
}

// thinned keeps at most n of the days, evenly spread, and the last of them always.
func thinned(days []string, n int) []string {
	if len(days) <= n {
		return days
	}
	out := make([]string, n)
	for i := range out {
		out[i] = days[len(days)-1-(n-1-i)*(len(days)-1)/(n-1)]
	}
	return out
}

// Columns of trendAll.
const (
	trendDay = iota
	trendCustomers
	trendWindow
	trendRevenue
	trendConversion
	trendRevenueChange
	trendCustomersChange
)

// trendAll is what all groups came to on each day.
func (d *data) trendAll(history []record, days []string) *table {
	t := &table{
		ID: "trend", Caption: "All customers, by day", From: "segment_profiles", Key: 1,
		Columns: []column{
			d.shows("segment_profiles", "as_of", "Day", formatDate),
			{Name: "customers", Title: "Customers", Format: formatCount, Doc: "Customers in a core segment."},
			d.shows("segment_profiles", "window_days", "Window", formatDays),
			{Name: "revenue_window", Title: "Revenue", Format: formatMoney, Doc: "Net revenue of the last window_days, of all groups that are described."},
			{Name: "conversion_rate", Title: "Bought", Format: formatShare, Doc: "Share with a purchase in the last window_days, of all groups that are described."},
			{Name: "revenue_change", Title: "Revenue since the first day", Format: formatDelta, Doc: "Growth of the revenue since the first day in the table."},
			{Name: "customers_change", Title: "Customers since the first day", Format: formatDelta, Doc: "Growth of the customers since the first day in the table."},
		},
	}
	var first []*cell
	for _, day := range days {
		rows := where(history, "as_of", day)
		var bought, of float64
		for _, r := range rows {
			if share, ok := r.number("conversion_rate"); ok {
				n, _ := r.number("customers")
				bought, of = bought+share*n, of+n
			}
		}
		customers, revenue := sum(rows, "customers"), sum(rows, "revenue_window")
		var sinceRevenue, sinceCustomers any
		if first != nil {
			sinceRevenue, sinceCustomers = change(first[trendRevenue].Value, revenue), change(first[trendCustomers].Value, customers)
		}
		row := t.add(d.Currency, day, customers, rows[0]["window_days"], revenue, ratio(bought, of), sinceRevenue, sinceCustomers)
		if first == nil {
			first = row
		}
	}
	return t
}

// trendGroups are the customers of each core segment on each day, best segment first.
func (d *data) trendGroups(history []record, days []string) *table {
	t := &table{
		ID: "trend-groups", Caption: "Customers by core segment and day", From: "segment_profiles", Key: 2,
		Columns: []column{
			{Name: "segment", Title: "Group", Format: formatText, Doc: "The core segment."},
			d.shows("segment_profiles", "as_of", "Day", formatDate),
			d.shows("segment_profiles", "customers", "Customers", formatCount), d.shows("segment_profiles", "share", "Share", formatShare),
		},
	}
	for _, r := range d.byOrder(d.CoreSegment, "segment", history) {
		if slices.Contains(days, r.text("as_of")) {
			t.add("", r.values("segment", "as_of", "customers", "share")...)
		}
	}
	return t
}

// trendChanges compares the newest day with the first one, and with the one before.
func (d *data) trendChanges(groups *table, days []string) *table {
	t := &table{
		ID: "trend-changes", Caption: "Customers by core segment, on the first day and the last", From: "segment_profiles", Key: 1,
		Columns: []column{
			{Name: "segment", Title: "Group", Format: formatText, Doc: "The core segment."},
			{Name: "from", Title: "First day", Format: formatDate, Doc: "The first day in the table of days."},
			{Name: "customers_from", Title: "Customers then", Format: formatCount, Doc: "Customers of the group on that day; none where there was no such group."},
			{Name: "customers", Title: "Customers now", Format: formatCount, Doc: "Customers of the group on the last day."},
			{Name: "change", Title: "Change", Format: formatDelta, Doc: "Growth between the two; unknown where the group is too small to speak of growth."},
		},
	}
	for _, name := range distinctTexts(groups.column(0)) {
		var then, now any
		for _, r := range groups.Rows {
			if r[0].String() == name && r[1].Value == days[0] {
				then = r[2].Value
			}
			if r[0].String() == name && r[1].Value == days[len(days)-1] {
				now = r[2].Value
			}
		}
		growth := change(then, now)
		if d.hidden(record{"n": then}, "n") || d.hidden(record{"n": now}, "n") {
			growth = nil
		}
		t.add("", name, days[0], then, now, growth)
	}
	return t
}

// trendTitle says how revenue and customers have changed since the first day; told says whose revenue that is.
func trendTitle(all *table, told sentence) sentence {
	first, last := all.Rows[0], all.Rows[len(all.Rows)-1]
	switch {
	case known(last[trendRevenueChange]):
		return say("Revenue of the last {}{} is {} against that on {}; the number of customers is {}", last[trendWindow], told, changed(last[trendRevenueChange]),
			first[trendDay], changed(last[trendCustomersChange]))
	case known(last[trendCustomersChange]):
		return say("The number of customers is {} against {}", changed(last[trendCustomersChange]), first[trendDay])
	}
	return say("From {} to {}", first[trendDay], last[trendDay])
}

// changed is a growth in words where it is none.
func changed(c *cell) sentence {
	if value(c) == 0 {
		return sentence{"unchanged"}
	}
	return sentence{c}
}

// trendLead says what the figures were, and which groups grew and shrank most.
func trendLead(all, changes *table, told sentence) []sentence {
	var lead []sentence
	first, last := all.Rows[0], all.Rows[len(all.Rows)-1]
	if known(first[trendRevenue]) && known(last[trendRevenue]) && (value(first[trendRevenue]) != 0 || value(last[trendRevenue]) != 0) {
		lead = append(lead, say("Revenue{} went from {} to {}.", told, first[trendRevenue], last[trendRevenue]))
	}
	if known(first[trendConversion]) && known(last[trendConversion]) {
		lead = append(lead, say("The share of customers{} who bought went from {} to {}.", told, first[trendConversion], last[trendConversion]))
	}
	var grew, shrank []*cell
	for _, r := range changes.Rows {
		switch v, ok := r[4].number(); {
		case !ok:
		case v > 0 && (grew == nil || v > value(grew[4])):
			grew = r
		case v < 0 && (shrank == nil || v < value(shrank[4])):
			shrank = r
		}
	}
	if grew != nil {
		lead = append(lead, say("{} grew most: from {} to {} ({}).", grew[0], counted(grew[2], "customer", "customers"), grew[3], grew[4]))
	}
	if shrank != nil {
		lead = append(lead, say("{} shrank most: from {} to {} ({}).", shrank[0], counted(shrank[2], "customer", "customers"), shrank[3], shrank[4]))
	}
	return lead
}

// trendOption draws revenue, and under it the share who bought, each on a scale of its own.
func trendOption(t *table) map[string]any {
	days := texts(t.column(trendDay))
	axis := func(i int, format string) map[string]any {
		return map[string]any{"type": "value", "gridIndex": i, "min": 0, "splitNumber": 3, "axisLabel": map[string]any{"formatter": format}}
	}
	line := func(i int, name string, column int) map[string]any {
		return map[string]any{
			"type": "line", "name": name, "xAxisIndex": i, "yAxisIndex": i, "data": raw(t.column(column)), "symbolSize": 6, "connectNulls": true,
			"itemStyle": map[string]any{"color": fmt.Sprintf("@color:cat%d", i)}, "lineStyle": map[string]any{"color": fmt.Sprintf("@color:cat%d", i)},
		}
	}
	return map[string]any{
		"tooltip": map[string]any{"trigger": "axis"},
		"title": []any{
			map[string]any{"text": "Revenue", "left": 0, "top": 0, "textStyle": paneTitle()},
			map[string]any{"text": "Share who bought", "left": 0, "top": "50%", "textStyle": paneTitle()},
		},
		"grid": []any{
			map[string]any{"left": 64, "right": 16, "top": 28, "height": "32%"}, map[string]any{"left": 64, "right": 16, "top": "60%", "height": "30%"},
		},
		"xAxis": []any{
			map[string]any{"type": "category", "gridIndex": 0, "data": days, "axisLabel": map[string]any{"show": false}},
			map[string]any{"type": "category", "gridIndex": 1, "data": days, "axisLabel": map[string]any{"hideOverlap": true}},
		},
		"yAxis":  []any{axis(0, "@format:money"), axis(1, "@format:share")},
		"series": []any{line(0, "Revenue", trendRevenue), line(1, "Share who bought", trendConversion)},
	}
}

func paneTitle() map[string]any {
	return map[string]any{"fontSize": 12, "fontWeight": "normal", "color": "@color:ink", "width": 150, "overflow": "truncate"}
}

// mostPanes are the groups that are drawn at most.
const mostPanes = 15

func (d *data) trendPanes(groups *table) int {
	return min(len(distinctTexts(groups.column(0))), mostPanes)
}

// trendGroupsOption draws a small field for each group, three in a row.
func trendGroupsOption(t *table, days []string) map[string]any {
	names := distinctTexts(t.column(0))
	names = names[:min(len(names), mostPanes)]
	height := 100 / float64((len(names)+2)/3)
	percent := func(v float64) string { return fmt.Sprintf("%.2f%%", v) }
	var titles, grids, xs, ys, series []any
	for i, name := range names {
		left, top := float64(i%3)*34, float64(i/3)*height
		titles = append(titles, map[string]any{"text": name, "left": percent(left), "top": percent(top), "textStyle": paneTitle()})
		grids = append(grids, map[string]any{"left": percent(left + 6), "width": "25%", "top": percent(top + height*0.26), "height": percent(height * 0.54)})
		xs = append(xs, map[string]any{
			"type": "category", "gridIndex": i, "data": days, "axisLabel": map[string]any{"show": false}, "axisTick": map[string]any{"show": false},
		})
		ys = append(ys, map[string]any{
			"type": "value", "gridIndex": i, "min": 0, "splitNumber": 2, "axisLabel": map[string]any{"formatter": "@format:count", "fontSize": 10},
		})
		var data []any
		for _, r := range t.Rows {
			if r[0].String() == name && known(r[2]) {
				data = append(data, []any{r[1].Value, r[2].Value})
			}
		}
		series = append(series, map[string]any{
			"type": "line", "name": name, "xAxisIndex": i, "yAxisIndex": i, "data": data, "symbolSize": 4,
			"itemStyle": map[string]any{"color": "@color:cat0"}, "lineStyle": map[string]any{"color": "@color:cat0"},
		})
	}
	return map[string]any{"tooltip": map[string]any{"trigger": "axis"}, "title": titles, "grid": grids, "xAxis": xs, "yAxis": ys, "series": series}
}
