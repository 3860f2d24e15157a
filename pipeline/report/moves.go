package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

var movesPanel = panel{id: "moves", question: "Who moved?", build: buildMoves}

// The columns of the flows of buildMoves.
const (
	moveFrom = iota
	moveTo
	moveCause
	movePeople
)

// buildMoves shows who went from which core segment to which since the generation before, why, and whom silence alone
// will move next. A first run has only the latter.
func buildMoves(d *data) (*section, error) {
	all := where(d.rows("segment_transitions"), "segmentation", d.CoreSegment)
	s := &section{Tone: neutral}
	var flows []sentence
	if len(all) > 0 {
		flows = d.addMoves(s, all)
	}
	d.addDrops(s)
	s.Told = len(s.Lead) // whom silence moves next must not be folded away
	s.Lead = append(s.Lead, flows...)
	if s.Title == nil {
		return nil, nil
	}
	return s, nil
}

// addMoves adds what has happened, and returns the sentences about single flows, which come last.
func (d *data) addMoves(s *section, all []record) []sentence {
	place := d.places()
	totals := d.moveTotals(all, place)
	causes := d.moveTable("moves-causes", "Who moved, and why", true, all)
	flows := d.moveTable("moves-flows", "Who moved", false, all)
	why := d.moveReasons(all)
	s.Tables = append(s.Tables, totals, why, causes)
	s.Title, s.Tone = movesTitle(totals, flows)
	s.Lead = append(s.Lead, movesLead(totals, why)...)
	s.Notes = append(s.Notes, "Better and worse are by the order of the groups, best first. Who is new, or has left, is no move.",
		"Each customer who moved has one cause: the last of the inputs that changed the group, when one after the other is changed from what it was to what it is.",
		"segment_history has every move, with the day from which it was true and the moment from which it was known.")
	if slices.ContainsFunc(all, func(r record) bool { return d.hidden(r, "customers") }) {
		s.Notes = append(s.Notes, "Flows of too few people are left out, and counted in the sums.")
	}
	if len(flows.Rows) == 0 {
		s.Tables = append(s.Tables, flows)
		return flowsLead(causes, place)
	}
	s.Charts = append(s.Charts, &chart{
		ID: "chart-moves", Wide: true, Pan: true, Height: 460, Table: flows, Option: movesOption(flows),
		Label: "Customers who changed groups since the run before, as of " + d.day() +
			": from the group on the left to that on the right. Who stayed is left out" + only(flows) + ".",
	})
	return flowsLead(causes, place)
}

// moved says whether r is a move between two groups.
func moved(r record) bool {
	from, to := r.text("from_segment"), r.text("to_segment")
	return from != "" && to != "" && from != to
}

// places are the groups' places in the order, best first, from 1.
func (d *data) places() map[string]int {
	place := map[string]int{}
	for i, s := range d.definitions(d.CoreSegment) {
		place[s.text("segment")] = i + 1
	}
	return place
}

// before is the day of the run before; nil where it is not known.
func (d *data) before() any {
	var last any
	for _, day := range distinct(d.query("report_history", map[string]string{"segment_profiles": "segment_profiles"}), "as_of") {
		if day < d.day() {
			last = day
		}
	}
	return last
}

// The columns of moveTotals.
const (
	totalBefore = iota
	totalStayed
	totalBetter
	totalWorse
	totalNew
	totalLeft
)

// moveTotals adds up who moved and who did not.
func (d *data) moveTotals(all []record, place map[string]int) *table {
	var n [5]int64
	for _, r := range all {
		v, _ := r.number("customers")
		from, to := r.text("from_segment"), r.text("to_segment")
		kind := 0
		switch {
		case from == "":
			kind = 3
		case to == "":
			kind = 4
		case from == to:
		case place[from] == 0 || place[to] == 0: // nobody says which is better
			continue
		case place[to] < place[from]:
			kind = 1
		default:
			kind = 2
		}
		n[kind] += int64(v)
	}
	t := &table{ID: "moves-totals", Caption: "Since the run before", From: "segment_transitions, segment_definitions", Columns: []column{
		{Name: "before", Title: "Run before", Format: formatDate, Doc: "The day as of which the run before was."},
		{Name: "stayed", Title: "Stayed", Format: formatCount, Doc: "In the same group as before."},
		{Name: "better", Title: "To a better group", Format: formatCount},
		{Name: "worse", Title: "To a worse group", Format: formatCount},
		{Name: "new", Title: "Came in", Format: formatCount, Doc: "In no group before: new, or left out then."},
		{Name: "left", Title: "Left", Format: formatCount, Doc: "In no group now: consent withdrawn, deleted, or an id that no source knows any more."},
	}}
	t.add("", d.before(), n[0], n[1], n[2], n[3], n[4])
	return t
}

// moveTable has the moves, most people first, apart by cause or not, as far as they are of enough people to be told.
func (d *data) moveTable(id, caption string, apart bool, all []record) *table {
	t := &table{ID: id, Caption: caption, From: "segment_transitions", Key: 2, Columns: []column{
		d.shows("segment_transitions", "from_segment", "From", formatText),
		d.shows("segment_transitions", "to_segment", "To", formatText),
		d.shows("segment_transitions", "cause", "Cause", formatText),
		{Name: "customers", Title: "Customers", Format: formatCount, Doc: "Customers who moved so."},
	}}
	type key struct{ from, to, cause string }
	n := map[key]int64{}
	for _, r := range all {
		if !moved(r) {
			continue
		}
		k := key{r.text("from_segment"), r.text("to_segment"), r.text("cause")}
		if !apart {
			k.cause = ""
		}
		v, _ := r.number("customers")
		n[k] += int64(v)
	}
	keys := slices.SortedFunc(maps.Keys(n), func(a, b key) int {
		return cmp.Or(cmp.Compare(n[b], n[a]), strings.Compare(a.from, b.from), strings.Compare(a.to, b.to), strings.Compare(a.cause, b.cause))
	})
	if !apart {
		t.Columns = slices.Delete(t.Columns, moveCause, moveCause+1)
	}
	for _, k := range keys {
		switch {
		case n[k] < d.MinGroup:
		case apart:
			t.add("", k.from, k.to, k.cause, n[k])
		default:
			t.add("", k.from, k.to, n[k])
		}
	}
	return t
}

// The columns of moveReasons.
const (
	reasonCause = iota
	reasonPeople
)

// moveReasons adds up by cause who moved, came in or left, as far as they are enough people to be told of.
func (d *data) moveReasons(all []record) *table {
	t := &table{ID: "moves-why", Caption: "Why customers moved, came in or left", From: "segment_transitions", Columns: []column{
		d.shows("segment_transitions", "cause", "Cause", formatText),
		{
			Name: "customers", Title: "Customers", Format: formatCount,
			Doc: "Customers who are in another group than in the run before, or in one only then or only now.",
		},
	}}
	n := map[string]int64{}
	for _, r := range all {
		if v, _ := r.number("customers"); r.text("from_segment") != r.text("to_segment") {
			n[r.text("cause")] += int64(v)
		}
	}
	for _, cause := range slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), strings.Compare(a, b)) }) {
		if n[cause] >= d.MinGroup {
			t.add("", cause, n[cause])
		}
	}
	return t
}

// movesTitle is the largest move.
func movesTitle(totals, flows *table) (sentence, tone) {
	r := totals.Rows[0]
	better, worse := value(r[totalBetter]), value(r[totalWorse])
	t := neutral
	switch {
	case better > worse:
		t = good
	case worse > better:
		t = caution
	}
	if len(flows.Rows) > 0 {
		f := flows.Rows[0]
		return words("The largest move: ", counted(f[2], "customer", "customers"), say(" went from {} to {}", f[0], f[1])), t
	}
	if better+worse == 0 {
		return say("Nobody changed groups since the run before"), t
	}
	return say("Few customers changed groups since the run before"), t
}

// causeWords say why somebody moved.
var causeWords = map[string]string{
	"purchase": "they bought", "silence": "they did nothing and time passed", "cut moved": "the borders of the groups were moved",
	"rule changed": "a rule was changed", "activity": "they came to the site, or opened or clicked an e-mail",
	"corrected": "the sources say otherwise now of the days before: rows came late, were lost or corrected",
}

// reasonWords say what was with those who moved, came in or left.
var reasonWords = map[string]string{
	"purchase": "bought or got money back", "silence": "did nothing while time passed", "activity": "came to the site, or opened or clicked an e-mail",
	"cut moved": "are beyond a border that was moved", "rule changed": "fall under a rule that was changed",
	"corrected": "have rows that came late, were lost or were corrected", "new": "were not known before",
	"consent": "agreed to profiling, refused it or were deleted", "identity": "are known to no source any more",
}

// movesLead says how many moved up, down or not at all, and why.
func movesLead(totals, reasons *table) []sentence {
	r := totals.Rows[0]
	s := words(counted(r[totalBetter], "customer", "customers"),
		say(" moved to a better group, {} to a worse one; {} stayed where they were.", r[totalWorse], r[totalStayed]))
	if known(r[totalBefore]) {
		s = words(say("Since {}, ", r[totalBefore]), s)
	}
	out := []sentence{s}
	var others []sentence
	if value(r[totalNew]) > 0 {
		others = append(others, counted(r[totalNew], "person has come in", "people have come in"))
	}
	if value(r[totalLeft]) > 0 {
		others = append(others, counted(r[totalLeft], "has left", "have left"))
	}
	if len(others) > 0 {
		out = append(out, words(listed(others), "."))
	}
	var why []sentence
	for _, r := range reasons.Rows {
		if r[reasonCause].Value != "new" && len(why) < 3 { // who is new has been told of
			why = append(why, say("{} "+cmp.Or(reasonWords[r[reasonCause].String()], "for another reason"), r[reasonPeople]))
		}
	}
	if len(why) > 1 {
		out = append(out, words("Of those who moved, came in or left, ", listed(why), "."))
	}
	return out
}

// flowsLead says why the largest flows went as they did.
func flowsLead(causes *table, place map[string]int) []sentence {
	var out []sentence
	for _, r := range causes.Rows[:min(3, len(causes.Rows))] {
		why := causeWords[r[moveCause].String()]
		switch worse := place[r[moveTo].String()] > place[r[moveFrom].String()]; {
		case why == "":
			why = plain(r[moveCause].String())
		case worse && r[moveCause].Value == "purchase":
			why = "they bought too little, or got money back"
		}
		out = append(out, words(say("{} to {}: ", r[moveFrom], r[moveTo]), counted(r[movePeople], "customer", "customers"), ", since ", why, "."))
	}
	return out
}

// maxFlows is how many flows are drawn: with more, none can be told from the others.
const maxFlows = 60

// only says that not all flows are drawn.
func only(flows *table) string {
	if len(flows.Rows) > maxFlows {
		return ", and so are the smallest flows"
	}
	return ""
}

// movesOption draws a sankey from the groups before to the groups now.
func movesOption(flows *table) map[string]any {
	before, now := map[string]float64{}, map[string]float64{}
	var links []any
	for _, r := range flows.Rows[:min(maxFlows, len(flows.Rows))] {
		from, to := r[0].String()+" before", r[1].String()+" now"
		before[from] += value(r[2])
		now[to] += value(r[2])
		links = append(links, map[string]any{
			"source": from, "target": to, "value": r[2].Value,
			"tip": []string{r[0].String() + " → " + r[1].String(), counted(r[2], "customer", "customers").String()},
		})
	}
	var nodes []any
	for i, side := range []map[string]float64{before, now} {
		for _, name := range slices.SortedFunc(maps.Keys(side), func(a, b string) int { return cmp.Or(cmp.Compare(side[b], side[a]), strings.Compare(a, b)) }) {
			nodes = append(nodes, map[string]any{
				"name": name, "depth": i, "itemStyle": map[string]any{"color": "@color:cat" + string(rune('0'+len(nodes)%8))},
				"label": map[string]any{"position": []string{"right", "left"}[i]},
			})
		}
	}
	return map[string]any{
		"tooltip": map[string]any{},
		"series": []any{map[string]any{
			"type": "sankey", "name": "Customers", "data": nodes, "links": links, "left": 8, "right": 8, "top": 8, "bottom": 8,
			"nodeGap": 10, "draggable": false, "emphasis": map[string]any{"focus": "adjacency"},
			"lineStyle": map[string]any{"color": "source", "opacity": 0.35, "curveness": 0.5},
			"label":     map[string]any{"color": "@color:ink", "fontSize": 12},
		}},
	}
}

// The columns of the table of addDrops.
const (
	dropFrom = iota
	dropTo
	dropWeek
	dropMonth
)

// addDrops adds what silence alone will do.
func (d *data) addDrops(s *section) {
	t := &table{ID: "moves-drops", Caption: "Whom silence alone moves next", From: "customer_segments", Key: 2, Columns: []column{
		{Name: "core_segment", Title: "From", Format: formatText},
		d.shows("customer_segments", "drops_to", "To", formatText),
		{Name: "within_7_days", Title: "Within a week", Format: formatCount, Doc: "Customers who are in the other group within 7 days if they do nothing."},
		{Name: "within_30_days", Title: "Within a month", Format: formatCount, Doc: "Customers who are in the other group within 30 days if they do nothing."},
	}}
	rows := d.query("report_drops", map[string]string{"customer_segments": "customer_segments"})
	rows = slices.SortedStableFunc(slices.Values(rows), func(a, b record) int {
		x, _ := a.number("within_30_days")
		y, _ := b.number("within_30_days")
		return cmp.Compare(y, x)
	})
	for _, r := range rows {
		if r["within_30_days"] != nil {
			t.add("", r.values("core_segment", "drops_to", "within_7_days", "within_30_days")...)
		}
	}
	if len(t.Rows) == 0 {
		return
	}
	top := t.Rows[0]
	week := slices.MaxFunc(t.Rows, func(a, b []*cell) int { return cmp.Compare(value(a[dropWeek]), value(b[dropWeek])) })
	soon := known(top[dropWeek]) && value(top[dropWeek]) == value(top[dropMonth]) // so that there is nothing more to say
	when := "a month"
	if soon {
		when = "a week"
	}
	drop := words("If they stay silent, ", counted(top[dropMonth], "customer", "customers"),
		say(" will go from {} to {} within {}", top[dropFrom], top[dropTo], sentence{when}))
	if s.Title == nil {
		s.Title = drop
	} else {
		s.Lead = append(s.Lead, words(drop, "."))
	}
	if known(week[dropWeek]) && !soon {
		s.Lead = append(s.Lead, words("Within a week: ", counted(week[dropWeek], "customer", "customers"),
			say(" from {} to {}. A message now comes before the drop.", week[dropFrom], week[dropTo])))
	}
	s.Charts = append(s.Charts, &chart{
		ID: "chart-drops", Wide: true, Height: 80 + 30*min(len(t.Rows), maxDrops), Table: t, Option: dropsOption(t),
		Label: "Customers whom silence alone moves to another group within a month of " + d.day() + ", the largest flows.",
	})
	s.Notes = append(s.Notes, "Silence alone: what becomes of customers who buy nothing until then, under today's borders of the groups.")
}

// maxDrops is how many bars are drawn.
const maxDrops = 10

func dropsOption(t *table) map[string]any {
	var names, bars []any
	longest := 0
	for _, r := range t.Rows[:min(maxDrops, len(t.Rows))] {
		name := r[dropFrom].String() + " → " + r[dropTo].String()
		names, bars = append(names, name), append(bars, r[dropMonth].Value)
		longest = max(longest, len([]rune(name)))
	}
	return map[string]any{
		"tooltip": map[string]any{},
		"grid":    map[string]any{"left": int(math.Min(260, 24+6.5*float64(longest))), "right": 56, "top": 8, "bottom": 32},
		"xAxis":   map[string]any{"type": "value", "minInterval": 1, "axisLabel": map[string]any{"formatter": "@format:count"}},
		"yAxis":   map[string]any{"type": "category", "inverse": true, "data": names, "axisLabel": map[string]any{"width": 236, "overflow": "truncate"}},
		"series": []any{map[string]any{
			"type": "bar", "name": "Within a month", "data": bars, "itemStyle": map[string]any{"color": "@color:caution"},
			"label": map[string]any{"show": true, "position": "right", "formatter": "@format:count"},
		}},
	}
}
