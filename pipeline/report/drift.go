package report

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

var driftPanel = panel{id: "drift", question: "What has changed under the hood?", needs: []string{"drift"}, build: buildDrift}

// The states of drift.
const (
	driftWarned   = "warned"
	driftExpected = "expected"
)

// driftKinds say what is compared, one and many.
var driftKinds = map[string]string{
	"feature": "what is known of customers", "segment_share": "how customers are spread over groups", "segment_size": "the size of a group",
	"cut": "a border between groups", "parameter": "what a model learned",
}

// driftRank puts first what people know: customers and groups before what models learned.
func driftRank(r record) int {
	return slices.Index([]string{"feature", "segment_share", "segment_size", "cut", "parameter"}, r.text("kind"))
}

// driftSubject is what moved, for people.
func driftSubject(r record) string {
	name := r.text("name")
	switch r.text("kind") {
	case "segment_size":
		_, segment, _ := strings.Cut(name, "/")
		return "the size of " + cmp.Or(segment, name)
	case "segment_share":
		return "the mix by " + plain(name)
	case "cut", "parameter":
		step, parameter, _ := strings.Cut(name, ".")
		if words := stepWords[step]; words != "" && parameter != "" {
			return plain(parameter) + " of " + strings.ToLower(words[:1]) + words[1:]
		}
	}
	return plain(name)
}

// mostDriftBars are the features that are drawn at most.
const mostDriftBars = 12

// buildDrift says what has moved since earlier runs.
func buildDrift(d *data) (*section, error) {
	all := d.rows("drift")
	if len(all) == 0 {
		return nil, nil
	}
	summary, moved, features := d.driftSummary(all), d.driftMoved(all), d.driftFeatures(all)
	s := &section{Lead: driftLead(moved), Notes: []string{
		"Compared are the run before, and the newest one at least four weeks older. What grows with time by itself is expected to move.",
		"The population stability index says how unlike two distributions are: small numbers are alike, and above a quarter something has shifted. " +
			"Nothing is withheld for it: it says where to look.",
	}}
	s.Title, s.Tone = driftTitle(summary, moved)
	if len(moved.Rows) > 0 {
		s.Tables = append(s.Tables, moved)
	}
	s.Tables = append(s.Tables, summary)
	if len(features.Rows) > 0 {
		s.Charts = []*chart{{
			ID: "chart-drift", Height: 60 + 26*len(features.Rows), Table: features, Option: driftOption(features),
			Label: "Population stability index of the features that moved most, on " + d.day() + " against " + features.Rows[0][featureSince].String(),
		}}
	}
	return s, nil
}

// Columns of driftMoved.
const (
	movedName = iota
	movedKind
	movedSince
	movedBefore
	movedNow
	movedPSI
	movedState
	movedReason
)

// driftMoved is what moved beyond its threshold, what nobody expected first.
func (d *data) driftMoved(all []record) *table {
	t := &table{ID: "drift", Caption: "What moved", From: "drift", Key: 1, Columns: []column{
		d.shows("drift", "name", "What", formatText), d.shows("drift", "kind", "Kind", formatText),
		d.shows("drift", "compared_with", "Since", formatDate), d.shows("drift", "before", "Before", formatRate),
		d.shows("drift", "now", "Now", formatRate), d.shows("drift", "psi", "PSI", formatRate),
		d.shows("drift", "state", "State", formatText), d.shows("drift", "reason", "What was seen", formatText),
	}}
	rows := slices.DeleteFunc(slices.Clone(all), func(r record) bool { return r.text("state") != driftWarned && r.text("state") != driftExpected })
	slices.SortStableFunc(rows, func(a, b record) int {
		x, _ := a.number("psi")
		y, _ := b.number("psi")
		return cmp.Or(strings.Compare(b.text("state"), a.text("state")), cmp.Compare(y, x), strings.Compare(b.text("compared_with"), a.text("compared_with")),
			cmp.Compare(driftRank(a), driftRank(b)), strings.Compare(a.text("name"), b.text("name")))
	})
	for _, r := range rows {
		row := t.add("", driftSubject(r), driftKinds[r.text("kind")], r["compared_with"], r["before"], r["now"], r["psi"], r["state"], r["reason"])
		if r.text("kind") == "segment_size" {
			row[movedBefore].Format, row[movedNow].Format = formatCount, formatCount
		}
	}
	return t
}

// Columns of driftSummary.
const (
	summarySince = iota
	summaryKind
	summaryAll
	summaryWarned
	summaryExpected
)

// driftSummary counts the comparisons, by day and kind, the newest day first.
func (d *data) driftSummary(all []record) *table {
	t := &table{ID: "drift-summary", Caption: "What was compared", From: "drift", Key: 2, Columns: []column{
		d.shows("drift", "compared_with", "With", formatDate), d.shows("drift", "kind", "Kind", formatText),
		{Name: "comparisons", Title: "Compared", Format: formatCount, Doc: "Comparisons of the kind with that day."},
		{Name: "warned", Title: "Moved", Format: formatCount, Doc: "Of those, how many moved beyond their threshold, and nobody expected it."},
		{Name: "expected", Title: "As expected", Format: formatCount, Doc: "How many did as time alone makes them, or had been told."},
	}}
	days := distinct(all, "compared_with")
	slices.Reverse(days)
	for _, day := range days {
		of := where(all, "compared_with", day)
		for _, kind := range distinct(of, "kind") {
			rows := where(of, "kind", kind)
			t.add("", day, driftKinds[kind], int64(len(rows)), int64(len(where(rows, "state", driftWarned))), int64(len(where(rows, "state", driftExpected))))
		}
	}
	return t
}

// Columns of driftFeatures.
const (
	featureName = iota
	featureSince
	featurePSI
	featureState
)

// driftFeatures are the features that moved most since the run before.
func (d *data) driftFeatures(all []record) *table {
	t := &table{ID: "drift-features", Caption: "The features that moved most", From: "drift", Key: 1, Columns: []column{
		d.shows("drift", "name", "Feature", formatText), d.shows("drift", "compared_with", "Since", formatDate),
		d.shows("drift", "psi", "PSI", formatRate), d.shows("drift", "state", "State", formatText),
	}}
	rows := slices.DeleteFunc(where(all, "kind", "feature"), func(r record) bool { return r["psi"] == nil })
	days := distinct(rows, "compared_with")
	if len(days) == 0 {
		return t
	}
	rows = where(rows, "compared_with", slices.Max(days))
	slices.SortStableFunc(rows, func(a, b record) int {
		x, y, _ := pair(a["psi"], b["psi"])
		return cmp.Or(cmp.Compare(y, x), strings.Compare(a.text("name"), b.text("name")))
	})
	for _, r := range rows[:min(mostDriftBars, len(rows))] {
		t.add("", driftSubject(r), r["compared_with"], r["psi"], r["state"])
	}
	return t
}

// driftTitle names what moved most.
func driftTitle(summary, moved *table) (sentence, tone) {
	last := summary.Rows[len(summary.Rows)-1]
	if len(moved.Rows) == 0 || moved.Rows[0][movedState].Value != driftWarned {
		return say("Nothing has shifted since {}", last[summarySince]), good
	}
	first, others := moved.Rows[0], map[any]bool{}
	for _, r := range moved.Rows {
		if r[movedState].Value == driftWarned && r[movedName].Value != first[movedName].Value {
			others[r[movedName].Value] = true
		}
	}
	switch n := len(others); n {
	case 0:
		return say("Since {}, {} has shifted", first[movedSince], first[movedName]), caution
	case 1:
		return say("Since {}, {} has shifted, and so has something else", first[movedSince], first[movedName]), caution
	}
	return say("Since {}, {} has shifted most, and others have, too", first[movedSince], first[movedName]), caution
}

// driftLead is what the run said of what moved, each thing once.
func driftLead(moved *table) []sentence {
	var lead []sentence
	seen := map[any]bool{}
	for _, r := range moved.Rows {
		if r[movedState].Value != driftWarned || seen[r[movedName].Value] {
			continue
		}
		if seen[r[movedName].Value] = true; len(lead) == mostTold {
			return append(lead, say("More is in the table."))
		}
		lead = append(lead, stopped(say("Since {}, {}: {}", r[movedSince], r[movedName], thousands(r[movedReason]))))
	}
	return lead
}

// calmScale is the least that the scale of driftOption ends at, so that what is calm looks calm: just above what shifts.
const calmScale = 0.3

// driftOption draws a bar for each feature.
func driftOption(t *table) map[string]any {
	var bars []any
	var most float64
	for _, r := range t.Rows {
		most = math.Max(most, value(r[featurePSI]))
		color := "@color:cat0"
		switch r[featureState].Value {
		case driftWarned:
			color = "@color:caution"
		case driftExpected:
			color = "@color:neutral"
		}
		bars = append(bars, map[string]any{
			"name": r[featureName].String(), "value": r[featurePSI].Value, "itemStyle": map[string]any{"color": color},
			"tip": []string{r[featureName].String(), r[featurePSI].String() + " (" + r[featureState].String() + ")"},
		})
	}
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 56, "top": 8, "bottom": 24, "containLabel": true},
		"tooltip": map[string]any{},
		"xAxis": map[string]any{
			"type": "value", "min": 0, "max": math.Max(calmScale, math.Ceil(10*1.15*most)/10),
			"axisLabel": map[string]any{"formatter": "@format:rate", "hideOverlap": true},
		},
		"yAxis": map[string]any{
			"type": "category", "inverse": true, "data": texts(t.column(featureName)),
			"axisLabel": map[string]any{"width": 200, "overflow": "truncate"},
		},
		"series": []any{map[string]any{
			"type": "bar", "name": "PSI", "data": bars, "label": map[string]any{"show": true, "position": "right", "formatter": "@format:rate", "color": "@color:ink"},
		}},
	}
}
