package report

import (
	"cmp"
	"fmt"
	"slices"
)

var experimentsPanel = panel{
	id: "experiments", question: "What worked for whom?", needs: []string{"experiment_results", "experiment_arms", "run_checks"}, build: buildExperiments,
}

// mostExperiments are drawn; the table of everybody has all of them.
const mostExperiments = 3

// rareRatio is the p-value of the sample ratio below which chance is no explanation.
const rareRatio = 0.001

// Words for the verdicts of experiments.
var effects = map[string]string{
	"higher": "more", "lower": "less", "not_proven": "not proven", "too_few": "too few", "not_evaluated": "not evaluated", "control": "control",
}

// Columns of a table of an experiment's results.
const (
	effectExperiment = iota
	effectKind
	effectVariant
	effectGroup
	effectVerdict
	effectCustomers
	effectRate
	effectControl
	effectControlCustomers
	effectControlRate
	effectDifference
	effectLow
	effectHigh
	effectQ
	effectDetectable
	effectSame
	effectValue
)

// An experimentReport is what is known of one experiment.
type experimentReport struct {
	name      string
	customers float64
	suspect   bool      // it was not shared out as meant
	everybody [][]*cell // of the table of everybody
	groups    *table    // by segment, for the kind that is drawn
	arms      [][]*cell
}

// buildExperiments says what was proven, for whom, and what could not have been seen.
func buildExperiments(d *data) (*section, error) {
	arms := d.arms()
	if len(arms.Rows) == 0 {
		return nil, nil
	}
	results := d.rows("experiment_results")
	everybody := d.effects("experiments-everybody", "All customers of each experiment, against its control", where(results, "segment", ""))
	s := &section{Tone: neutral, Tables: []*table{arms}, Notes: []string{
		"The groups are those that the customers were in before they were given a variant: nothing that the variant did can have moved them. Only customers whose " +
			"time to convert is over count.",
		"More and less: than those of the control, by more than chance explains. Of many groups some differ by chance alone; that is taken into account over all " +
			"groups and variants of an experiment.",
		"What could be seen: the least rise that so many customers would have shown in four of five such experiments. " +
			"That nothing is proven says nothing about smaller ones.",
	}}
	if len(everybody.Rows) > 0 {
		s.Tables = append(s.Tables, everybody)
	}
	all := d.experimentReports(arms, everybody, results)
	for i, x := range all {
		if i < mostExperiments && x.groups != nil && len(x.groups.Rows) > 0 {
			s.Charts = append(s.Charts, x.chart(fmt.Sprintf("chart-experiments-%d", i+1)))
		}
		s.Lead = append(s.Lead, x.says()...)
	}
	s.Title, s.Tone = experimentsTitle(all)
	return s, nil
}

// arms says who takes part in each experiment.
func (d *data) arms() *table {
	of := func(name, title string, f format) column { return d.shows("experiment_arms", name, title, f) }
	t := &table{
		ID: "experiments", Caption: "Who takes part in experiments", From: "experiment_arms", Key: 2,
		Columns: []column{
			{Name: "experiment", Title: "Experiment", Format: formatText, Doc: "The experiment; holdout is the always-on one."},
			of("variant", "Variant", formatText),
			of("customers", "Customers", formatCount), of("waiting", "Still waiting", formatCount), of("share", "Share", formatShare),
			of("expected_share", "Expected", formatShare), of("sample_ratio_p_value", "By chance (p)", formatP),
			of("crossed_over", "Given several variants", formatCount),
			of("first_assigned_on", "First day", formatDate), of("last_assigned_on", "Last day", formatDate),
		},
	}
	for _, r := range d.rows("experiment_arms") {
		t.add("", append([]any{plain(r.text("experiment")), r.text("variant")}, r.values(t.names()[2:]...)...)...)
	}
	return t
}

// effects are results against the control, without those of the control itself.
func (d *data) effects(id, caption string, rows []record) *table {
	of := func(name, title string, f format) column { return d.shows("experiment_results", name, title, f) }
	t := &table{
		ID: id, Caption: caption, From: "experiment_results", Key: 4,
		Columns: []column{
			{Name: "experiment", Title: "Experiment", Format: formatText, Doc: "The experiment; holdout is the always-on one."},
			{Name: "conversion_kind", Title: "Conversion", Format: formatText, Doc: "The kind of conversion; order where purchases are meant."},
			of("variant", "Variant", formatText),
			{Name: "segment", Title: "Group", Format: formatText, Doc: "The core segment before the assignment, or everybody."},
			{Name: "verdict", Title: "Than the control", Format: formatText, Doc: "What is proven: more or less often than the control."},
			of("customers", "Customers", formatCount), of("rate", "Converted", formatShare), of("control", "Control", formatText),
			of("control_customers", "Customers of the control", formatCount), of("control_rate", "Of the control", formatShare),
			of("difference", "Difference", formatDelta), of("difference_low", "At least", formatDelta), of("difference_high", "At most", formatDelta),
			of("q_value", "By chance (q)", formatP), of("minimum_detectable_effect", "Could be seen", formatDelta),
			of("homogeneity_p_value", "Same in all groups (p)", formatP), of("value_difference", "Value per customer", formatMoney),
		},
	}
	for _, r := range rows {
		if r.text("verdict") == "control" {
			continue
		}
		group := cmp.Or(r.text("segment"), "everybody")
		t.add(d.Currency, append([]any{
			plain(r.text("experiment")), plain(r.text("conversion_kind")), r.text("variant"), group, effects[r.text("verdict")],
		}, r.values(t.names()[effectCustomers:]...)...)...)
	}
	return t
}

// experimentReports are the experiments, that with most customers first.
func (d *data) experimentReports(arms, everybody *table, results []record) []*experimentReport {
	var out []*experimentReport
	for _, name := range distinct(d.rows("experiment_arms"), "experiment") {
		x := &experimentReport{name: plain(name)}
		for _, r := range arms.Rows {
			if r[0].Value == x.name {
				x.arms, x.customers = append(x.arms, r), x.customers+value(r[2])
			}
		}
		for _, c := range d.checks("sample_ratio") {
			x.suspect = x.suspect || c.text("subject") == name && c.text("state") == checkWarned
		}
		for _, r := range everybody.Rows {
			if r[effectExperiment].Value == x.name {
				x.everybody = append(x.everybody, r)
			}
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b *experimentReport) int { return cmp.Compare(b.customers, a.customers) })
	for i, x := range out {
		if i < mostExperiments {
			var of []record
			for _, r := range results {
				if plain(r.text("experiment")) == x.name && r.text("segment") != "" {
					of = append(of, r)
				}
			}
			kind := tellingKind(of)
			x.groups = d.effects(fmt.Sprintf("experiments-%d", i+1), "By group: "+x.name+", "+plain(kind),
				d.byOrder(d.CoreSegment, "segment", where(of, "conversion_kind", kind)))
		}
	}
	return out
}

// tellingKind is the kind of conversion for which something is proven of most groups; of as many, the one with most converters.
func tellingKind(rows []record) string {
	var best string
	var most [2]float64
	for _, kind := range distinct(rows, "conversion_kind") {
		var of [2]float64
		for _, r := range where(rows, "conversion_kind", kind) {
			if v := r.text("verdict"); v == "higher" || v == "lower" {
				of[0]++
			}
			n, _ := r.number("converters")
			of[1] += n
		}
		if best == "" || slices.Compare(of[:], most[:]) > 0 {
			best, most = kind, of
		}
	}
	return best
}

// shown says that r is more or less than the control.
func shown(r []*cell) bool {
	return r[effectVerdict].Value == "more" || r[effectVerdict].Value == "less"
}

// experimentsTitle is the finding: the first effect that is proven, or why there is none.
func experimentsTitle(all []*experimentReport) (sentence, tone) {
	for _, x := range all {
		if x.suspect {
			continue
		}
		for _, r := range x.everybody {
			if shown(r) {
				return say("Proven for {}: with {}, {} converted ({}), with {} {}", r[effectExperiment], r[effectVariant], r[effectRate], r[effectKind],
					r[effectControl], r[effectControlRate]), good
			}
		}
		if x.groups != nil {
			for _, r := range x.groups.Rows {
				if shown(r) {
					return say("Proven for {} in {}: with {}, {} converted ({}), with {} {}", r[effectExperiment], r[effectGroup], r[effectVariant], r[effectRate],
						r[effectKind], r[effectControl], r[effectControlRate]), good
				}
			}
		}
	}
	for _, x := range all {
		if x.suspect {
			return say("Do not trust {}: its customers were not shared out as meant", x.arms[0][0]), bad
		}
	}
	if !slices.ContainsFunc(all, func(x *experimentReport) bool { return x.customers > 0 }) {
		return say("Nobody's time to convert is over: there is nothing to say yet"), neutral
	}
	return say("Nothing is proven by experiments"), neutral
}

// says is what to know of an experiment.
func (x *experimentReport) says() []sentence {
	name := x.arms[0][0]
	switch {
	case x.suspect && known(x.arms[0][6]) && value(x.arms[0][6]) < rareRatio:
		return []sentence{say("Do not trust {} before it is known why its customers were not shared out as meant (chance alone: p {}).", name, x.arms[0][6])}
	case x.suspect:
		return []sentence{say("Do not trust {} before it is known why its customers were not shared out as meant.", name)}
	case x.customers == 0:
		return []sentence{say("In {}, all customers are still waiting; {} were given {}.", name, x.arms[0][3], x.arms[0][1])}
	}
	var out []sentence
	for _, r := range x.everybody {
		if shown(r) {
			out = append(out, say("In {}, {} converted with {} ({}), {} with {}: a difference of {} to {} of the customers.", r[effectExperiment],
				r[effectRate], r[effectVariant], r[effectKind], r[effectControlRate], r[effectControl], r[effectLow], r[effectHigh]))
		}
	}
	first := min(1, len(out)) // for whom comes right after what was proven first
	return slices.Concat(out[:first], x.forWhom(), out[first:], x.unproven())
}

// unproven says what is not proven of all customers, by variant, and what could have been seen.
func (x *experimentReport) unproven() []sentence {
	var variants []string
	kinds, least := map[string][]*cell{}, map[string][]*cell{}
	variant := map[string]*cell{}
	for _, r := range x.everybody {
		if v := r[effectVariant].String(); !shown(r) && known(r[effectQ]) && known(r[effectDetectable]) {
			if kinds[v] == nil {
				variants, variant[v] = append(variants, v), r[effectVariant]
			}
			kinds[v], least[v] = append(kinds[v], r[effectKind]), append(least[v], r[effectDetectable])
		}
	}
	var out []sentence
	for _, v := range variants {
		out = append(out, say("Not proven in {}: that {} changes how many convert ({}). {} of less than {} of the customers would mostly not have been seen.",
			x.arms[0][0], variant[v], listed(kinds[v]), sentence{number(len(kinds[v]), "A rise", "Rises")}, listed(least[v])))
	}
	return out
}

// forWhom says for which groups something is proven, by variant.
func (x *experimentReport) forWhom() []sentence {
	switch {
	case x.groups == nil:
		return nil
	case len(x.groups.Rows) == 0:
		return []sentence{say("Nothing can be said by group of {}: no group is known that its customers were in before.", x.arms[0][0])}
	}
	var out []sentence
	for _, variant := range distinctTexts(x.groups.column(effectVariant)) {
		by := map[string][]*cell{}
		var first []*cell
		tested := 0
		for _, r := range x.groups.Rows {
			if r[effectVariant].String() != variant {
				continue
			}
			if first == nil {
				first = r
			}
			if known(r[effectQ]) {
				tested++
			}
			if shown(r) {
				by[r[effectVerdict].String()] = append(by[r[effectVerdict].String()], r[effectGroup])
			}
		}
		if tested < 2 {
			continue
		}
		for _, verdict := range []string{"more", "less"} {
			switch groups := by[verdict]; {
			case len(groups) == tested:
				out = append(out, say("By group, it is proven of all that could be tested that they convert {} often with {} ({}, {}).", sentence{verdict},
					first[effectVariant], first[effectExperiment], first[effectKind]))
			case groups != nil:
				out = append(out, say("By group, it is proven that {} {} often with {} ({}, {}).", listed(groups),
					sentence{number(len(groups), "converts ", "convert ") + verdict}, first[effectVariant], first[effectExperiment], first[effectKind]))
			}
		}
		if len(by) == 0 {
			out = append(out, say("By group, nothing is proven of {} ({}, {}).", first[effectVariant], first[effectExperiment], first[effectKind]))
		}
	}
	return out
}

// chart is a forest plot of the differences by group.
func (x *experimentReport) chart(id string) *chart {
	t := x.groups
	several := len(distinctTexts(t.column(effectVariant))) > 1
	var items []any
	names := make([]string, len(t.Rows))
	for i, r := range t.Rows {
		names[i] = r[effectGroup].String() + " (" + r[effectVerdict].String() + ")"
		if several {
			names[i] = r[effectGroup].String() + ", " + r[effectVariant].String() + " (" + r[effectVerdict].String() + ")"
		}
		if !known(r[effectDifference]) {
			continue
		}
		color := map[string]string{"more": "@color:good", "less": "@color:bad"}[r[effectVerdict].String()]
		items = append(items, map[string]any{
			"name": names[i], "value": []any{i, r[effectLow].Value, r[effectDifference].Value, r[effectHigh].Value},
			"itemStyle": map[string]any{"color": cmp.Or(color, "@color:neutral")},
			"tip":       []string{names[i], r[effectDifference].String() + " (" + r[effectLow].String() + " to " + r[effectHigh].String() + ")"},
		})
	}
	return &chart{
		ID: id, Table: t, Height: 90 + 26*len(t.Rows), Wide: true,
		Label: fmt.Sprintf("%s: how many more converted than with the control (%s), as a share of the customers of each group, with 95 %% intervals", x.name,
			t.Rows[0][effectKind].String()),
		Option: map[string]any{
			"grid":    map[string]any{"left": 8, "right": 24, "top": 16, "bottom": 24, "containLabel": true},
			"tooltip": map[string]any{"valueFormatter": "@format:delta"},
			"xAxis":   map[string]any{"type": "value", "axisLabel": map[string]any{"formatter": "@format:delta"}},
			"yAxis":   map[string]any{"type": "category", "inverse": true, "data": names, "axisLabel": map[string]any{"width": 240, "overflow": "truncate"}},
			"series": []any{map[string]any{
				"type": "custom", "name": "Difference", "renderItem": "@render:interval", "data": items, "encode": map[string]any{"x": []int{1, 2, 3}, "y": 0},
				"markLine": map[string]any{
					"silent": true, "symbol": "none", "animation": false, "lineStyle": map[string]any{"color": "@color:muted", "type": "dashed"},
					"data": []any{map[string]any{"xAxis": 0}}, "label": map[string]any{"show": false},
				},
			}},
		},
	}
}
