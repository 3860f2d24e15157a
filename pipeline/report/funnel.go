package report

import (
	"cmp"
	"slices"
)

var funnelPanel = panel{id: "funnel", question: "Where do they drop off?", needs: []string{"segment_funnel"}, build: buildFunnel}

// stepDoing says what the step is that those who drop off before it do not do.
var stepDoing = map[string]string{
	"product": "looking at a product", "cart": "putting something into the cart", "checkout": "going to the checkout", "purchase": "buying",
}

// The columns of the table of steps.
const (
	stepName = iota
	stepSessions
	stepCustomers
	stepOfFirst
	stepOfBefore
	stepDropOff
)

// The columns of the tables that hold funnels beside each other.
const (
	funnelOf = iota
	funnelSessions
	funnelCustomers
	funnelBought = 6
)

// buildFunnel says how many sessions go how far, and where most end.
func buildFunnel(d *data) (*section, error) {
	rows := d.rows("segment_funnel")
	if len(rows) == 0 {
		return nil, nil
	}
	everyone := where(rows, "segment", "")
	steps := d.funnelSteps(where(everyone, "dimension", "all"))
	if len(steps.Rows) == 0 || !known(steps.Rows[len(steps.Rows)-1][stepOfFirst]) {
		return nil, nil // too few to be told
	}
	if !slices.ContainsFunc(steps.Rows[1:], func(r []*cell) bool { return value(r[stepSessions]) > 0 }) {
		return nil, nil // the events tell of no step but the first
	}
	s := &section{Tone: neutral, Title: funnelTitle(steps), Charts: []*chart{{
		ID: "chart-funnel", Height: 240, Table: steps, Option: funnelOption(steps),
		Label: "Sessions that came to each step or farther, as of " + d.day() + ".",
	}}}
	order := map[string]int{}
	for i, g := range d.definitions(d.CoreSegment) {
		order[g.text("segment")] = i + 1
	}
	groups := slices.DeleteFunc(slices.Clone(where(rows, "dimension", "all")), func(r record) bool { return order[r.text("segment")] == 0 })
	slices.SortStableFunc(groups, func(a, b record) int { return cmp.Compare(order[a.text("segment")], order[b.text("segment")]) })
	for _, x := range []struct {
		id, caption, title, column, from string
		rows                             []record
	}{
		{"funnel-channels", "By channel", "Channel", "value", "from", where(everyone, "dimension", "channel")},
		{"funnel-pages", "By landing page", "Landing page", "value", "landing on", where(everyone, "dimension", "landing_page")},
		{"funnel-groups", "By group", "Group", "segment", "of", groups},
	} {
		if t := d.funnels(x.id, x.caption, x.title, x.column, x.rows); len(t.Rows) > 0 {
			s.Tables = append(s.Tables, t)
			s.Lead = append(s.Lead, d.funnelLead(x.from, t)...)
		}
	}
	s.Notes = []string{
		"A session is counted for a step when it came so far or farther. An order from its beginning to half an hour after its last event is a purchase.",
		"A group is the one that the customer was in before the day. Sessions without a customer who is known are left out.",
	}
	return s, nil
}

// funnelSteps are the steps of all sessions.
func (d *data) funnelSteps(rows []record) *table {
	of := func(name, title string, f format) column { return d.shows("segment_funnel", name, title, f) }
	t := &table{ID: "funnel", Caption: "How far sessions come", From: "segment_funnel", Key: 1, Columns: []column{
		of("step", "Step", formatText), of("sessions", "Sessions", formatCount), of("customers", "Customers", formatCount),
		of("share_of_first", "Of all sessions", formatShare), of("share_of_before", "Of the step before", formatShare), of("drop_off", "Lost", formatShare),
	}}
	for _, r := range rows {
		t.add("", d.toldSteps(r, "step", "sessions", "customers", "share_of_first", "share_of_before", "drop_off")...)
	}
	return t
}

// toldSteps are values of a row, of which the number of customers is hidden where it is of too few, unless it is of nobody.
func (d *data) toldSteps(r record, columns ...string) []any {
	values := r.values(columns...)
	if n, _ := r.number("customers"); n > 0 && d.hidden(r, "customers") {
		values[slices.Index(columns, "customers")] = nil
	}
	return values
}

// funnels has a row for each value of a column: how many of its sessions come to each step.
func (d *data) funnels(id, caption, title, of string, rows []record) *table {
	t := &table{ID: id, Caption: caption, From: "segment_funnel", Key: 1, Columns: []column{
		{Name: of, Title: title, Format: formatText},
		{Name: "sessions", Title: "Sessions", Format: formatCount, Doc: "All of its sessions."},
		{Name: "customers", Title: "Customers", Format: formatCount, Doc: "Customers with such a session."},
		{Name: "product", Title: "A product", Format: formatShare, Doc: "Of its sessions, those with a product seen, or more."},
		{Name: "cart", Title: "The cart", Format: formatShare, Doc: "Of its sessions, those with something put into the cart, or more."},
		{Name: "checkout", Title: "The checkout", Format: formatShare, Doc: "Of its sessions, those with the checkout begun, or more."},
		{Name: "purchase", Title: "Bought", Format: formatShare, Doc: "Of its sessions, those with a purchase."},
	}}
	for _, r := range rows {
		if r.text("step") != "view" || d.hidden(r, "customers") {
			continue
		}
		values := r.values(of, "sessions", "customers")
		for _, step := range t.Columns[3:] {
			at := slices.IndexFunc(rows, func(o record) bool { return o.text(of) == r.text(of) && o.text("step") == step.Name })
			values = append(values, rows[at]["share_of_first"])
		}
		t.add("", values...)
	}
	return t
}

// funnelTitle says how many buy, and where most are lost.
func funnelTitle(steps *table) sentence {
	first, last := steps.Rows[0], steps.Rows[len(steps.Rows)-1]
	s := words(say("Of {}, {} end in a purchase", counted(first[stepSessions], "session", "sessions"), last[stepOfFirst]))
	var worst []*cell
	for _, r := range steps.Rows[1:] {
		if known(r[stepDropOff]) && value(r[stepDropOff]) > 0 && (worst == nil || value(r[stepDropOff]) > value(worst[stepDropOff])) {
			worst = r
		}
	}
	if worst == nil {
		return s
	}
	return words(s, say("; the largest part of those still there, {}, is lost before {}", worst[stepDropOff], sentence{stepDoing[worst[stepName].String()]}))
}

// clearlyMore is how many times as often sessions must end in a purchase for a difference to be told, and clearlyMany of how
// many of the smallest groups the customers must be enough.
const (
	clearlyMore = 1.5
	clearlyMany = 5
)

// funnelLead says whose sessions end in a purchase most often and least often, where that is far apart.
func (d *data) funnelLead(from string, t *table) []sentence {
	rows := slices.DeleteFunc(slices.Clone(t.Rows), func(r []*cell) bool { return value(r[funnelCustomers]) < float64(clearlyMany*d.MinGroup) })
	if len(rows) == 0 {
		return nil
	}
	byBought := func(a, b []*cell) int { return cmp.Compare(value(a[funnelBought]), value(b[funnelBought])) }
	best, worst := slices.MaxFunc(rows, byBought), slices.MinFunc(rows, byBought)
	if value(best[funnelBought]) < clearlyMore*value(worst[funnelBought]) || value(best[funnelBought]) == 0 {
		return nil
	}
	return []sentence{upper(say("{} {}, {} of the sessions end in a purchase; {} {}, {} do.", sentence{from}, best[funnelOf], best[funnelBought],
		sentence{from}, worst[funnelOf], worst[funnelBought]))}
}

// funnelOption draws a bar for each step.
func funnelOption(t *table) map[string]any {
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 72, "top": 8, "bottom": 24, "containLabel": true},
		"tooltip": map[string]any{"trigger": "axis", "axisPointer": map[string]any{"type": "shadow"}},
		"xAxis":   map[string]any{"type": "value", "splitNumber": 3, "axisLabel": map[string]any{"formatter": "@format:count", "hideOverlap": true}},
		"yAxis":   map[string]any{"type": "category", "inverse": true, "data": texts(t.column(stepName)), "axisLabel": nameLabel()},
		"series": []any{map[string]any{
			"type": "bar", "name": "Sessions", "data": raw(t.column(stepSessions)), "itemStyle": map[string]any{"color": "@color:cat0"},
			"label": map[string]any{"show": true, "position": "right", "color": "@color:ink", "formatter": "@format:count"},
		}},
	}
}
