package report

import (
	"math"
	"slices"
)

var differencesPanel = panel{
	id: "differences", question: "Why are the segments different?", needs: []string{"segment_profiles", "customer_features", "customer_segments"},
	build: buildDifferences,
}

// A measure is something that profiles say of a group.
type measure struct {
	name, title string
	format      format
	defines     bool   // it is what the segments are made of, so that they must differ
	what        string // as in "What sets Champions apart most is ..."
	subject     string // as in "... hardly differs between the groups"
}

var measures = []measure{
	{"days_since_last_order_mean", "Days since the last order", formatDays, true, "how lately they bought", ""},
	{"purchase_days_mean", "Purchase days", formatRate, true, "how often they bought", ""},
	{"average_order_value", "Value of an order", formatMoney, false, "the value of an order", "What an order is worth"},
	{"revenue_per_customer", "Revenue a customer", formatMoney, false, "revenue a customer", ""},
	{"engagement_rate", "Engaged", formatShare, false, "the share engaged on the web or by e-mail", "Engagement on the web and by e-mail"},
	{"conversion_rate", "Bought lately", formatShare, true, "the share who bought lately", ""},
	{"discount_share", "At a discount", formatShare, false, "the share of orders at a discount", "The share of orders at a discount"},
	{"store_share", "In a store", formatShare, false, "the share of orders in a store", "The share of orders in stores"},
	{"repeat_rate", "Bought again", formatShare, true, "the share of buyers who bought again", ""},
	{"purchase_interval_days_mean", "Between purchases", formatDays, true, "the time between purchases", ""},
	{"web_sessions_mean", "Visits", formatMean, false, "visits to the site", "The number of visits to the site"},
	{"mailable_share", "Mailable", formatShare, false, "the share who may be e-mailed", "The share who may be e-mailed"},
}

// buildDifferences sets what the profiles say of each group against everybody.
func buildDifferences(d *data) (*section, error) {
	groups := d.profiles(d.CoreSegment)
	all := d.query("report_everybody", map[string]string{"customer_features": "customer_features", "customer_segments": "customer_segments"})
	if len(groups) == 0 || len(all) == 0 {
		return nil, nil
	}
	for i, g := range groups {
		r := record{"revenue_per_customer": ratio(g["revenue_window"], g["customers"])}
		for k, v := range g {
			r[k] = v
		}
		groups[i] = r
	}
	var shown []measure
	for _, m := range measures {
		if all[0][m.name] != nil && slices.ContainsFunc(groups, func(g record) bool { return g[m.name] != nil && value(&cell{Value: g[m.name]}) != 0 }) {
			shown = append(shown, m)
		}
	}
	values, ratios := d.differences(shown, groups, all[0])
	s := &section{
		Title: differencesTitle(shown, values, ratios), Tone: neutral,
		Lead: differencesLead(shown, values, ratios), Tables: []*table{values},
		Notes: []string{
			"Days since the last order, purchase days, the time between purchases, and who bought lately or again are what the segments are made of: " +
				"there they must differ. The rest is what one finds.",
			hiddenNote,
		},
	}
	if len(groups) > 1 && slices.ContainsFunc(ratios.Rows, told) {
		s.Charts = []*chart{{
			ID: "chart-differences", Wide: true, Pan: true, Height: 110 + 34*len(groups), Table: ratios, Option: differencesOption(ratios, values),
			Label: "The core segments by measure, on " + d.day() + d.in() + ": the figures are each group's own, the colors say how they compare with everybody's.",
		}}
	}
	return s, nil
}

// differences are the measures of the groups, and the same by everybody's.
func (d *data) differences(shown []measure, groups []record, all record) (values, ratios *table) {
	first := []column{
		{Name: "segment", Title: "Group", Format: formatText, Doc: "The core segment."},
		d.shows("segment_profiles", "customers", "Customers", formatCount),
		d.shows("segment_profiles", "window_days", "Window", formatDays),
	}
	values = &table{
		ID: "differences", Caption: "What the groups are like", From: "segment_profiles, customer_features", Key: 1, Columns: slices.Clone(first),
	}
	ratios = &table{
		ID: "differences-relative", Caption: "What the groups are like, compared with everybody", From: "segment_profiles, customer_features", Key: 1,
		Columns: slices.Clone(first),
	}
	for _, m := range shown {
		c := d.shows("segment_profiles", m.name, m.title, m.format)
		if m.name == "revenue_per_customer" {
			c.Doc = "Net revenue of the last window_days by customers."
		}
		values.Columns = append(values.Columns, c)
		c.Format, c.Doc = formatRatio, "The group's by everybody's. "+c.Doc
		ratios.Columns = append(ratios.Columns, c)
	}
	for _, g := range groups {
		own, relative := g.values("segment", "customers", "window_days"), g.values("segment", "customers", "window_days")
		for _, m := range shown {
			own, relative = append(own, g[m.name]), append(relative, ratio(g[m.name], all[m.name]))
		}
		values.add(d.Currency, own...)
		ratios.add("", relative...)
	}
	row := []any{everybody, all["customers"], groups[0]["window_days"]}
	for _, m := range shown {
		row = append(row, all[m.name])
	}
	values.add(d.Currency, row...)
	return values, ratios
}

// The first column of a measure, after the group, its customers and the window.
const ofMeasures = 3

// told says whether a group is large enough that any measure of it is told.
func told(r []*cell) bool { return slices.ContainsFunc(r[ofMeasures:], known) }

// Two figures are alike where one is less than a quarter above the other.
const alike = 1.25

// differencesTitle says what sets the best group apart, of what does not define it.
func differencesTitle(shown []measure, values, ratios *table) sentence {
	if len(ratios.Rows) == 1 {
		return say("All customers are in one group, {}", values.Rows[0][0])
	}
	first := slices.IndexFunc(ratios.Rows, told)
	if first < 0 {
		return say("No group is large enough to be compared with the others: privacy.min_group hides what would tell about single people")
	}
	best := ratios.Rows[first]
	found, most := -1, math.Log(alike)
	for i, m := range shown {
		v, ok := best[ofMeasures+i].number()
		if far := math.Abs(math.Log(v)); ok && !m.defines && v > 0 && far > most {
			found, most = i, far
		}
	}
	if found < 0 {
		return say("What sets {} apart is little but how lately and how often they buy", best[0])
	}
	all := values.Rows[len(values.Rows)-1]
	what := sentence{shown[found].what}
	if shown[found].name == "revenue_per_customer" {
		what = say("{} in {}", what, values.Rows[first][2])
	}
	return say("What sets {} apart most is {}: {}, everybody {}", best[0], what, values.Rows[first][ofMeasures+found], all[ofMeasures+found])
}

// differencesLead says of what one finds which groups are highest and lowest, or that there is no difference.
func differencesLead(shown []measure, values, ratios *table) []sentence {
	var lead []sentence
	for i, m := range shown {
		if m.defines || m.subject == "" {
			continue
		}
		low, high := -1, -1
		for k, r := range ratios.Rows {
			if v, ok := r[ofMeasures+i].number(); ok {
				if low < 0 || v < value(ratios.Rows[low][ofMeasures+i]) {
					low = k
				}
				if high < 0 || v > value(ratios.Rows[high][ofMeasures+i]) {
					high = k
				}
			}
		}
		if low == high {
			continue
		}
		a, b := values.Rows[low], values.Rows[high]
		if value(ratios.Rows[high][ofMeasures+i]) < alike*value(ratios.Rows[low][ofMeasures+i]) {
			lead = append(lead, say("{} hardly differs between the groups: it runs from {} ({}) to {} ({}).",
				sentence{m.subject}, a[ofMeasures+i], a[0], b[ofMeasures+i], b[0]))
			continue
		}
		lead = append(lead, say("{} runs from {} ({}) to {} ({}).", sentence{m.subject}, a[ofMeasures+i], a[0], b[ofMeasures+i], b[0]))
	}
	return lead
}

// differencesOption colors the fields by the ratios, and writes the values into them.
func differencesOption(ratios, values *table) map[string]any {
	var items []any
	var names []string
	for _, c := range ratios.Columns[ofMeasures:] {
		names = append(names, c.Title)
	}
	for k, r := range ratios.Rows {
		for i := range names {
			c := r[ofMeasures+i]
			if !known(c) {
				continue
			}
			items = append(items, map[string]any{
				"name": r[0].String(), "value": []any{names[i], r[0].String(), c.Value},
				"label": map[string]any{"color": "@color:ink-on-" + differencesColor(value(c)), "formatter": bare(values.Rows[k][ofMeasures+i])},
				"tip":   []string{r[0].String(), names[i] + ": " + values.Rows[k][ofMeasures+i].String(), c.String() + " everybody's"},
			})
		}
	}
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 8, "top": 8, "bottom": 48, "containLabel": true},
		"tooltip": map[string]any{"valueFormatter": "@format:ratio"},
		"xAxis": map[string]any{
			"type": "category", "data": names, "position": "top",
			"axisLabel": map[string]any{"interval": 0, "hideOverlap": false, "width": 64, "overflow": "break", "lineHeight": 14},
		},
		"yAxis": map[string]any{"type": "category", "inverse": true, "data": texts(ratios.column(0)), "axisLabel": nameLabel()},
		"visualMap": map[string]any{
			"type": "piecewise", "orient": "horizontal", "left": "center", "bottom": 0, "itemSymbol": "rect",
			"pieces": []any{
				map[string]any{"lt": 0.5, "label": "less than half", "color": "@color:seq0"},
				map[string]any{"gte": 0.5, "lt": 1 / alike, "label": "less", "color": "@color:seq1"},
				map[string]any{"gte": 1 / alike, "lt": alike, "label": "like everybody", "color": "@color:seq2"},
				map[string]any{"gte": alike, "lt": 2, "label": "more", "color": "@color:seq4"},
				map[string]any{"gte": 2, "label": "more than twice", "color": "@color:seq6"},
			},
		},
		"series": []any{map[string]any{
			"type": "heatmap", "name": "Compared with everybody", "data": items, "label": map[string]any{"show": true, "fontSize": 11},
			"itemStyle": map[string]any{"borderColor": "@color:surface", "borderWidth": 1},
		}},
	}
}

// differencesColor is the color of a ratio, as in the pieces of differencesOption.
func differencesColor(ratio float64) string {
	switch {
	case ratio < 0.5:
		return "seq0"
	case ratio < 1/alike:
		return "seq1"
	case ratio < alike:
		return "seq2"
	case ratio < 2:
		return "seq4"
	}
	return "seq6"
}

// bare is a cell as it is written, without the unit.
func bare(c *cell) string {
	short := *c
	short.Unit = ""
	return short.String()
}
