package report

import (
	"cmp"
	"slices"
	"strings"
)

var conversionsPanel = panel{
	id: "conversions", question: "Do they convert differently?", needs: []string{"segment_validation", "run_checks"}, build: buildConversions,
}

// verdicts in words, as validation gives them.
var verdicts = map[string]string{
	"above": "more often", "below": "less often", "not_proven": "not proven", "too_few": "too few", "not_evaluated": "not evaluated",
}

// orderKind is the kind of conversion where purchases are the conversions.
const orderKind = "order"

// validated are the rows of segment_validation within the longest horizon, in the order of the segments.
func (d *data) validated(segmentation string) []record {
	return d.byOrder(segmentation, "segment", longest(where(d.rows("segment_validation"), "segmentation", segmentation)))
}

// mainKind is the kind of conversion that panels are about: all together where there are several.
func mainKind(rows []record) string {
	kinds := distinct(rows, "conversion_kind")
	for _, k := range []string{"any", orderKind} {
		if slices.Contains(kinds, k) {
			return k
		}
	}
	if len(kinds) > 0 {
		return kinds[0]
	}
	return ""
}

// at are the rows of an origin and a kind of conversion that somebody was in.
func at(rows []record, origin, kind string) []record {
	var out []record
	for _, r := range where(where(rows, "origin", origin), "conversion_kind", kind) {
		if n, _ := r.number("customers"); n > 0 {
			out = append(out, r)
		}
	}
	return out
}

// buildConversions says which core segments convert more or less often than the rest.
func buildConversions(d *data) (*section, error) {
	all := d.validated(d.CoreSegment)
	kind, origin := mainKind(all), newest(all)
	rows := at(all, origin, kind)
	if len(rows) == 0 {
		return d.notEvaluated(), nil
	}
	if !slices.ContainsFunc(rows, func(r record) bool { return r.text("verdict") != "not_evaluated" }) {
		if s := d.notEvaluated(); s != nil {
			return s, nil
		}
	}
	t, base := d.conversions("conversions", "What the groups did after the newest origin", rows), d.conversionsBase(all, rows)
	b := base.Rows[0]
	s := &section{
		Charts: []*chart{{
			ID: "chart-conversions", Wide: true, Print: true, Height: 90 + 30*len(rows), Table: t, Option: conversionsOption(t, b),
			Label: "Share who " + converted(kind) + " in the " + b[baseHorizon].String() + " after " + origin +
				", by the core segment of that day, with 95 % intervals; the line is everybody's rate. n\u00a0=\u00a0" + b[baseCustomers].String() + ".",
		}},
		Lead: conversionsLead(t, b, kind), Tables: []*table{base},
		Notes: []string{
			"This looks ahead: the job was done again as of the origin, and what customers did after that day was counted. It is not what they had done before.",
			"A group differs where the difference from all others is too great to be chance, after allowing for the number of groups (the q value).",
			hiddenNote,
		},
	}
	if !slices.ContainsFunc(t.Rows, func(r []*cell) bool { return known(r[ofRate]) }) { // there is nothing to draw
		s.Charts, s.Tables = nil, append(s.Tables, t)
	}
	s.Title, s.Tone = conversionsTitle(t, b, kind)
	sooner, merges := d.conversionsSooner(origin, kind), d.merges(origin, kind, rows)
	s.Lead = append(s.Lead, append(soonerLead(sooner, t, kind), mergesLead(merges)...)...)
	for _, more := range []*table{
		d.conversionsMore("conversions-origins", "The same from every origin", all, func(r record) bool { return r.text("conversion_kind") == kind }),
		d.conversionsMore("conversions-kinds", "Every kind of conversion, from the newest origin", all, func(r record) bool { return r.text("origin") == origin }),
		sooner, merges,
	} {
		if more != nil {
			s.Tables = append(s.Tables, more)
		}
	}
	return s, nil
}

// converted is what customers did: purchases are the conversions of kind order.
func converted(kind string) string {
	if kind == orderKind {
		return "bought"
	}
	return "converted"
}

// notEvaluated says why nothing was held against conversions; nil where no check says so.
func (d *data) notEvaluated() *section {
	gate := find(d.checks("gate"), "subject", d.CoreSegment)
	if gate == nil {
		return nil
	}
	t := &table{
		ID: "conversions-gate", Caption: "What the check says", From: "run_checks", Key: 1,
		Columns: []column{
			{Name: "subject", Title: "Segmentation", Format: formatText, Doc: "The segmentation that was to be judged."},
			d.shows("run_checks", "state", "State", formatText), d.shows("run_checks", "detail", "What was seen", formatText),
		},
	}
	c := t.add("", plain(gate.text("subject")), plain(gate.text("state")), gate["detail"])
	why := thousands(c[2])
	return &section{
		Title: say("Not evaluated: {}", quote(strings.TrimSuffix(string(why), "."))), Tone: caution, Tables: []*table{t},
		Lead:  []sentence{say("Until it has been, the groups describe what customers did; they do not promise what they will do.")},
		Notes: []string{"What customers did before is not what is meant: that is what the groups are made of."},
	}
}

// Columns of conversions.
const (
	ofSegment = iota
	ofMembers
	ofConverters
	ofRate
	ofLow
	ofHigh
	ofVerdict
	ofLift
	ofQ
	ofValueEach
	ofMerge
	ofLiftLow
	ofLiftHigh
	ofAgreeing
	ofEvaluated
)

// conversions are rows of segment_validation, of which those about small groups say only how many they are.
func (d *data) conversions(id, caption string, rows []record) *table {
	t := &table{ID: id, Caption: caption, From: "segment_validation", Key: 1, Columns: d.conversionColumns()}
	for _, r := range rows {
		t.add(d.Currency, d.conversionValues(r)...)
	}
	return t
}

func (d *data) conversionColumns() []column {
	of := func(name, title string, f format) column { return d.shows("segment_validation", name, title, f) }
	return []column{
		of("segment", "Group", formatText), of("customers", "Customers", formatCount), of("converters", "Converters", formatCount),
		of("rate", "Rate", formatShare), of("rate_low", "At least", formatShare), of("rate_high", "At most", formatShare),
		{Name: "verdict", Title: "Than the rest", Format: formatText, Doc: "Whether the group converts more or less often than all others, or why that is not said."},
		of("lift", "Of everybody's rate", formatRatio), of("q_value", "q value", formatP),
		of("value_per_customer", "Value a customer", formatMoney), of("merge_candidate", "Cannot be told from", formatText),
		of("lift_low", "Of everybody's, at least", formatRatio), of("lift_high", "At most", formatRatio),
		of("origins_agreeing", "Origins that say the same", formatCount), of("origins_evaluated", "Of", formatCount),
	}
}

func (d *data) conversionValues(r record) []any {
	if d.hidden(r, "customers") {
		return []any{r["segment"], r["customers"], nil, nil, nil, nil, verdicts["too_few"], nil, nil, nil, nil, nil, nil, nil, nil}
	}
	out := r.values("segment", "customers", "converters", "rate", "rate_low", "rate_high", "verdict", "lift", "q_value", "value_per_customer", "merge_candidate",
		"lift_low", "lift_high", "origins_agreeing", "origins_evaluated")
	out[ofVerdict] = verdicts[r.text("verdict")]
	return out
}

// Columns of conversionsBase.
const (
	baseOrigin = iota
	baseHorizon
	baseKind
	baseCustomers
	baseConverters
	baseRate
	baseGroups
	baseDiffer
	baseSteady
	baseOrigins
	baseAUC
	baseLow
	baseHigh
)

// conversionsBase is what all the groups in rows did together, and how many of them differ, among all rows.
func (d *data) conversionsBase(all, rows []record) *table {
	of := func(name, title string, f format) column { return d.shows("segment_validation", name, title, f) }
	t := &table{
		ID: "conversions-base", Caption: "Everybody after the newest origin, and how the groups tell who converts", From: "segment_validation", Key: 1,
		Columns: []column{
			of("origin", "From", formatDate), of("horizon_days", "Horizon", formatDays),
			{Name: "conversion_kind", Title: "Kind", Format: formatText, Doc: "The kind of conversion; any is all of them together."},
			{Name: "customers", Title: "Customers", Format: formatCount, Doc: "Customers in any of the groups at the origin."},
			{Name: "converters", Title: "Converters", Format: formatCount, Doc: "Of those, who converted within the horizon."},
			{Name: "rate", Title: "Rate", Format: formatShare, Doc: "Converters by customers."},
			{Name: "groups", Title: "Groups", Format: formatCount, Doc: "Groups that somebody was in."},
			{Name: "differ", Title: "Differ", Format: formatCount, Doc: "Groups that converted measurably more or less often than the rest."},
			{Name: "steady", Title: "At every origin", Format: formatCount, Doc: "Of those, the ones with the same verdict at every origin."},
			{Name: "origins", Title: "Origins", Format: formatCount, Doc: "Days as of which the job was done again."},
			of("segmentation_auc", "AUC", formatRate), of("segmentation_auc_low", "At least", formatRate), of("segmentation_auc_high", "At most", formatRate),
		},
	}
	r := rows[0]
	kind := r.text("conversion_kind")
	origins := distinct(where(all, "conversion_kind", kind), "origin")
	var differ, steady int64
	for _, g := range rows {
		v := g.text("verdict")
		if d.hidden(g, "customers") || v != "above" && v != "below" {
			continue
		}
		differ++
		same := where(where(where(all, "conversion_kind", kind), "segment", g.text("segment")), "verdict", v)
		if len(same) == len(origins) {
			steady++
		}
	}
	customers, converters := sum(rows, "customers"), sum(rows, "converters")
	t.add("", r["origin"], r["horizon_days"], plain(kind), customers, converters, ratio(converters, customers), int64(len(rows)), differ, steady,
		int64(len(origins)), r["segmentation_auc"], r["segmentation_auc_low"], r["segmentation_auc_high"])
	return t
}

// extremes are the groups that convert most and least, of those where that is proven; nil where it is of none.
func extremes(t *table) (most, least []*cell) {
	for _, r := range t.Rows {
		if r[ofVerdict].Value == verdicts["above"] && (most == nil || value(r[ofRate]) > value(most[ofRate])) {
			most = r
		}
		if r[ofVerdict].Value == verdicts["below"] && (least == nil || value(r[ofRate]) < value(least[ofRate])) {
			least = r
		}
	}
	return most, least
}

// conversionsTitle says how many groups differ, and which most.
func conversionsTitle(t *table, b []*cell, kind string) (sentence, tone) {
	if value(b[baseConverters]) == 0 {
		return say("Nobody {} in the {} after {}: there is nothing to compare", sentence{converted(kind)}, b[baseHorizon], b[baseOrigin]), caution
	}
	if len(t.Rows) == 1 {
		return say("All customers were in one group, {}: there is nothing to compare", t.Rows[0][ofSegment]), caution
	}
	did := sentence{converted(kind)}
	differ := value(b[baseDiffer])
	if differ == 0 {
		return say("Not proven: no group has {} measurably more or less often than the rest", did), caution
	}
	most, least := extremes(t)
	var ends []sentence
	if most != nil {
		ends = append(ends, say("{} most ({})", most[ofSegment], most[ofRate]))
	}
	if least != nil {
		ends = append(ends, say("{} least ({})", least[ofSegment], least[ofRate]))
	}
	s := say("{} of {} {} measurably more or less often than the rest: {}", b[baseDiffer], counted(b[baseGroups], "group", "groups"), did, listed(ends))
	if differ*2 < value(b[baseGroups]) {
		return s, neutral
	}
	return s, good
}

// conversionsLead says in words what is proven, what is not, and what could be merged.
func conversionsLead(t *table, b []*cell, kind string) []sentence {
	did := sentence{converted(kind)}
	lead := []sentence{say("Of {} known on {}, {} {} in the {} after: {}.",
		counted(b[baseCustomers], "customer", "customers"), b[baseOrigin], b[baseConverters], did, b[baseHorizon], b[baseRate])}
	if most, _ := extremes(t); most != nil && len(t.Rows) > 1 {
		s := say("Of {}, {} {} (the interval runs from {} to {})", most[ofSegment], most[ofRate], did, most[ofLow], most[ofHigh])
		if known(most[ofLift]) {
			s = say("{}, {} everybody's rate", s, most[ofLift])
		}
		if known(most[ofLiftLow]) && known(most[ofLiftHigh]) {
			s = say("{} ({} to {})", s, most[ofLiftLow], most[ofLiftHigh])
		}
		if known(most[ofVerdict]) {
			s = say("{}: {}", s, most[ofVerdict])
		}
		lead = append(lead, words(s, "."))
	}
	if names := having(t, "not proven"); len(names) > 0 {
		lead = append(lead, say("Not proven: whether {} {} differently from the rest.", listed(names), did))
	}
	if names := having(t, "too few"); len(names) > 0 {
		lead = append(lead, say("Too few to say anything of: {}.", listed(names)))
	}
	if value(b[baseOrigins]) > 1 && value(b[baseDiffer]) > 0 {
		lead = append(lead, say("Of the {} that {}, {} did so from all {}.", counted(b[baseDiffer], "group", "groups"),
			sentence{number(int(value(b[baseDiffer])), "differs", "differ")}, b[baseSteady], counted(b[baseOrigins], "origin", "origins")))
	}
	switch auc := known(b[baseAUC]) && known(b[baseLow]) && known(b[baseHigh]); {
	case auc && value(b[baseLow]) <= 0.5:
		lead = append(lead, say("Not proven: whether the group somebody is in tells who {} (AUC {}, from {} to {}; a coin has one half).",
			did, b[baseAUC], b[baseLow], b[baseHigh]))
	case auc:
		lead = append(lead, say("Which group somebody is in tells who {} with an AUC of {} ({} to {}); a coin has one half.",
			did, b[baseAUC], b[baseLow], b[baseHigh]))
	}
	if pairs := mergeable(t); len(pairs) > 0 {
		lead = append(lead, say("By conversions alone, one cannot tell {}.", listed(pairs[:min(len(pairs), mostPairs)])))
	}
	return lead
}

// having are the names of the groups with a verdict.
func having(t *table, verdict string) []*cell {
	var out []*cell
	for _, r := range t.Rows {
		if r[ofVerdict].Value == verdict {
			out = append(out, r[ofSegment])
		}
	}
	return out
}

// mostPairs are the pairs of groups that are named at most; the table has all of them.
const mostPairs = 3

// mergeable are the pairs of groups that conversions cannot tell apart, each once, the largest groups first.
func mergeable(t *table) []sentence {
	var out []sentence
	said := map[[2]string]bool{}
	for _, r := range slices.SortedStableFunc(slices.Values(t.Rows), func(a, b []*cell) int { return cmp.Compare(value(b[ofMembers]), value(a[ofMembers])) }) {
		a, b := r[ofSegment].String(), r[ofMerge].String()
		if !known(r[ofMerge]) || said[[2]string{b, a}] {
			continue
		}
		said[[2]string{a, b}] = true
		out = append(out, say("{} from {}", r[ofSegment], r[ofMerge]))
	}
	return out
}

// Colors of the verdicts.
var verdictColors = map[string]string{"more often": "@color:good", "less often": "@color:bad"}

// conversionsOption is a forest plot: an interval a group, and everybody's rate as a line.
func conversionsOption(t *table, b []*cell) map[string]any {
	var items []any
	for i, r := range t.Rows {
		if !known(r[ofRate]) || !known(r[ofLow]) || !known(r[ofHigh]) {
			continue
		}
		color := cmp.Or(verdictColors[r[ofVerdict].String()], "@color:neutral")
		items = append(items, map[string]any{
			"name": r[ofSegment].String(), "value": []any{i, r[ofLow].Value, r[ofRate].Value, r[ofHigh].Value},
			"itemStyle": map[string]any{"color": color},
			"tip": []string{
				r[ofSegment].String() + ": " + r[ofVerdict].String(), r[ofRate].String() + " (" + r[ofLow].String() + " to " + r[ofHigh].String() + ")",
			},
		})
	}
	names := make([]string, len(t.Rows))
	for i, r := range t.Rows {
		names[i] = r[ofSegment].String() + " (" + r[ofVerdict].String() + ")"
	}
	share := map[string]any{"formatter": "@format:share"}
	series := map[string]any{
		"type": "custom", "name": "Rate", "renderItem": "@render:interval", "data": items,
		"encode": map[string]any{"x": []int{1, 2, 3}, "y": 0},
	}
	if known(b[baseRate]) {
		series["markLine"] = map[string]any{
			"silent": true, "symbol": "none", "animation": false, "lineStyle": map[string]any{"color": "@color:muted", "type": "dashed"},
			"data":  []any{map[string]any{"xAxis": b[baseRate].Value}},
			"label": map[string]any{"formatter": "everybody " + b[baseRate].String(), "color": "@color:ink", "position": "start"},
		}
	}
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 24, "top": 32, "bottom": 24, "containLabel": true},
		"tooltip": map[string]any{"valueFormatter": "@format:share"},
		"xAxis":   map[string]any{"type": "value", "min": 0, "axisLabel": share},
		"yAxis":   map[string]any{"type": "category", "inverse": true, "data": names, "axisLabel": map[string]any{"width": 200, "overflow": "truncate"}},
		"series":  []any{series},
	}
}
