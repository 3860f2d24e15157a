package report

import (
	"cmp"
	"slices"
	"strings"
)

var qualityPanel = panel{id: "quality", question: "What became of the data?", needs: []string{"run_rejects"}, build: buildQuality}

// What became of rows, in words.
var reasons = map[string]string{
	"read": "read", "used": "used",
	"duplicate": "merged with an equal row", "duplicate_key": "merged with one of the same key",
	"later": "after the as-of day", "not_a_purchase": "not a purchase",
	"missing_customer_id": "no customer", "missing_order_id": "no order number", "missing_time": "no time",
	"implausible_time": "an implausible time", "future": "in the future",
	"bad_amount": "an amount that is no number", "bad_refund": "a refund that is no number",
	"consent": "no consent to profiling", "deleted": "deleted", "quarantined": "known only from rows that were put aside",
	"refund_above_amount": "a refund above the amount, read as the amount", "unreadable_consent": "a consent that cannot be read, read as no",
	"other_event": "an event of no known kind, read as some event",
}

// Reasons that are no loss: rows that are there already, rows that are none of this day's business, and notes about rows
// that were mended and used.
var (
	mergedReasons = []string{"duplicate", "duplicate_key"}
	otherReasons  = []string{"later", "not_a_purchase"}
	noteReasons   = []string{"refund_above_amount", "unreadable_consent", "other_event"}
)

// populationSource counts people, not rows.
const populationSource = "customers_known"

// How much of a source may be put aside before it is said to matter, and to matter much.
const (
	someLoss = 0.05
	muchLoss = 0.2
)

// Columns of qualityFlow.
const (
	flowReason = iota
	flowRows
	flowShare
	flowLeft
)

// Columns of qualitySources.
const (
	sourceName = iota
	sourceRead
	sourceMerged
	sourceOther
	sourceAside
	sourceUsed
	sourceAsideShare
	sourceWhy
	sourceWhyRows
	sourceWhyShare
)

// buildQuality follows the rows of each source, and the people, from what was read to what was used.
func buildQuality(d *data) (*section, error) {
	rejects := d.query("run_rejects", map[string]string{"run_rejects": "run_rejects"})
	if len(rejects) == 0 {
		return nil, nil
	}
	sources, checks := d.qualitySources(rejects), d.qualityChecks()
	s := &section{Lead: qualityLead(sources, checks), Tables: []*table{sources}}
	s.Title, s.Tone = qualityTitle(sources, checks)
	if len(checks.Rows) > 0 {
		s.Tables = append(s.Tables, checks)
	}
	for _, source := range distinct(rejects, "source") {
		own := where(rejects, "source", source)
		if !slices.ContainsFunc(own, func(r record) bool { return aside(r.text("reason")) }) {
			continue
		}
		t := d.qualityFlow(source, own)
		what := "Rows of " + plain(source)
		if source == populationSource {
			what = "People known"
		}
		s.Charts = append(s.Charts, &chart{
			ID: "chart-" + t.ID, Height: 60 + 30*len(t.Rows), Table: t, Option: qualityOption(t),
			Label: what + ", from what was read to what was used, on " + d.day(),
		})
	}
	if notes := d.qualityNotes(rejects); len(notes.Rows) > 0 {
		s.Tables = append(s.Tables, notes)
	}
	s.Notes = []string{
		"Rows that say the same are merged, and rows from after the as-of day wait for theirs: nothing is lost by that. What is put aside is not used at all.",
		"Rows without a customer belong to nobody known: their revenue is in no figure of this report.",
	}
	return s, nil
}

// aside says whether rows were put aside for a reason.
func aside(reason string) bool {
	return reason != "read" && reason != "used" && !slices.Contains(mergedReasons, reason) && !slices.Contains(otherReasons, reason) &&
		!slices.Contains(noteReasons, reason)
}

// inWords is a reason in words.
func inWords(reason string) string { return cmp.Or(reasons[reason], plain(reason)) }

// qualityFlow is the way of the rows of a source: what was read, what went and why, most first, and what was used.
func (d *data) qualityFlow(source string, rejects []record) *table {
	t := &table{
		ID: "quality-" + source, Caption: "The way of " + plain(source), From: "run_rejects", Key: 1,
		Columns: []column{
			{Name: "reason", Title: "What became of them", Format: formatText, Doc: "What was read and used, and why the rest was not."},
			d.shows("run_rejects", "rows", "Rows", formatCount),
			{Name: "share", Title: "Share", Format: formatShare, Doc: "Of what was read."},
			{Name: "left", Title: "Left", Format: formatCount, Doc: "What was left after that."},
		},
	}
	read := find(rejects, "reason", "read")["rows"]
	left, _ := record{"n": read}.number("n")
	t.add("", inWords("read"), read, ratio(read, read), left)
	gone := slices.DeleteFunc(slices.Clone(rejects), func(r record) bool {
		reason := r.text("reason")
		return reason == "read" || reason == "used" || slices.Contains(noteReasons, reason)
	})
	slices.SortStableFunc(gone, func(a, b record) int {
		x, y, _ := pair(b["rows"], a["rows"])
		return cmp.Or(cmp.Compare(x, y), strings.Compare(a.text("reason"), b.text("reason")))
	})
	for _, r := range gone {
		n, _ := r.number("rows")
		left -= n
		t.add("", inWords(r.text("reason")), r["rows"], ratio(r["rows"], read), left)
	}
	used := find(rejects, "reason", "used")["rows"]
	t.add("", inWords("used"), used, ratio(used, read), left)
	return t
}

// qualitySources sums the sources up, with what each lost most by.
func (d *data) qualitySources(rejects []record) *table {
	t := &table{
		ID: "quality", Caption: "What was read of each source, and used", From: "run_rejects", Key: 1,
		Columns: []column{
			{Name: "source", Title: "Source", Format: formatText, Doc: "The source; customers known are the people that any source knows."},
			{Name: "read", Title: "Read", Format: formatCount, Doc: "Rows of the source, or people."},
			{Name: "merged", Title: "Merged", Format: formatCount, Doc: "Rows that say the same as another."},
			{Name: "other", Title: "Not counted", Format: formatCount, Doc: "Rows from after the as-of day, and orders that are no purchase."},
			{Name: "aside", Title: "Put aside", Format: formatCount, Doc: "Rows, or people, that are not used."},
			{Name: "used", Title: "Used", Format: formatCount, Doc: "What the report rests on."},
			{Name: "aside_share", Title: "Share put aside", Format: formatShare, Doc: "Put aside by read."},
			{Name: "why", Title: "Mostly since", Format: formatText, Doc: "Why most of those were put aside."},
			{Name: "why_rows", Title: "Of them", Format: formatCount, Doc: "How many for that reason."},
			{Name: "why_share", Title: "Share", Format: formatShare, Doc: "Those by read."},
		},
	}
	for _, source := range distinct(rejects, "source") {
		rows := where(rejects, "source", source)
		read, used := find(rows, "reason", "read")["rows"], find(rows, "reason", "used")["rows"]
		var same, other, lost, most float64
		var why any
		for _, r := range rows {
			n, _ := r.number("rows")
			switch reason := r.text("reason"); {
			case slices.Contains(mergedReasons, reason):
				same += n
			case slices.Contains(otherReasons, reason):
				other += n
			case aside(reason):
				lost += n
				if n > most {
					why, most = inWords(reason), n
				}
			}
		}
		var whyRows any
		if why != nil {
			whyRows = most
		}
		t.add("", plain(source), read, same, other, lost, used, ratio(lost, read), why, whyRows, ratio(whyRows, read))
	}
	return t
}

// qualityNotes are the rows that were mended and used.
func (d *data) qualityNotes(rejects []record) *table {
	t := &table{
		ID: "quality-notes", Caption: "Rows that were mended, and used", From: "run_rejects", Key: 2,
		Columns: []column{
			{Name: "source", Title: "Source", Format: formatText, Doc: "The source."},
			{Name: "reason", Title: "What was mended", Format: formatText, Doc: "What was odd, and how it was read."},
			d.shows("run_rejects", "rows", "Rows", formatCount),
		},
	}
	for _, r := range rejects {
		if slices.Contains(noteReasons, r.text("reason")) {
			t.add("", plain(r.text("source")), inWords(r.text("reason")), r["rows"])
		}
	}
	return t
}

// qualityChecks are the checks that did not pass.
func (d *data) qualityChecks() *table {
	t := &table{
		ID: "quality-checks", Caption: "The checks that did not pass", From: "run_checks", Key: 2,
		Columns: []column{
			d.shows("run_checks", "check_name", "Check", formatText), d.shows("run_checks", "subject", "About", formatText),
			d.shows("run_checks", "state", "State", formatText), d.shows("run_checks", "detail", "What was seen", formatText),
		},
	}
	for _, c := range d.query("run_checks", map[string]string{"run_checks": "run_checks"}) {
		if c.text("state") != "passed" {
			t.add("", plain(c.text("check_name")), plain(c.text("subject")), plain(c.text("state")), c["detail"])
		}
	}
	return t
}

// sourceLoss is the source of which most was put aside, by share; nil where nothing was.
func sourceLoss(t *table, people bool) []*cell {
	var worst []*cell
	for _, r := range t.Rows {
		if (r[sourceName].Value == plain(populationSource)) != people || value(r[sourceAside]) == 0 {
			continue
		}
		if worst == nil || value(r[sourceAsideShare]) > value(worst[sourceAsideShare]) {
			worst = r
		}
	}
	return worst
}

// qualityTitle names the greatest loss and says whether it matters.
func qualityTitle(t, checks *table) (sentence, tone) {
	worst := sourceLoss(t, false)
	if worst == nil {
		return say("No row had to be put aside"), good
	}
	words, tone := "Much of the data was put aside", caution
	switch share := value(worst[sourceAsideShare]); {
	case share < someLoss:
		words, tone = "Hardly any data was put aside", good
	case share < muchLoss:
		words = "Some of the data was put aside"
	}
	if slices.ContainsFunc(checks.Rows, func(r []*cell) bool { return r[2].Value == "failed" && r[1].Value == worst[sourceName].Value }) {
		tone = bad
	}
	return say("{}, most in {}: {} of {} ({})", sentence{words}, worst[sourceName], worst[sourceAside], counted(worst[sourceRead], "row", "rows"),
		worst[sourceAsideShare]), tone
}

// qualityLead says why rows and people were put aside, and how many checks did not pass.
func qualityLead(t, checks *table) []sentence {
	var lead []sentence
	if worst := sourceLoss(t, false); worst != nil {
		s := say("The most frequent reason in {}: {} ({}, {})",
			worst[sourceName], worst[sourceWhy], counted(worst[sourceWhyRows], "row", "rows"), worst[sourceWhyShare])
		if value(worst[sourceAsideShare]) >= someLoss {
			s = words(s, ". Mend it at the source where that can be done: what these rows say is in no figure here")
		}
		lead = append(lead, words(s, "."))
	}
	if people := sourceLoss(t, true); people != nil {
		lead = append(lead, say("Of {} known, {} {} in no segment; the most frequent reason: {}.",
			counted(people[sourceRead], "customer", "customers"), people[sourceAside],
			sentence{number(int(value(people[sourceAside])), "is", "are")}, people[sourceWhy]))
	} else if i := slices.IndexFunc(t.Rows, func(r []*cell) bool { return r[sourceName].Value == plain(populationSource) }); i >= 0 {
		all := counted(t.Rows[i][sourceUsed], "customer is known, and segmented.", "customers known are segmented.")
		if value(t.Rows[i][sourceUsed]) != 1 {
			all = words("All ", all)
		}
		lead = append(lead, all)
	}
	for _, state := range []string{"failed", "warned"} {
		var names []*cell
		for _, r := range checks.Rows {
			if r[2].Value == state && r[0].Value != runWarnings { // which are not about the data
				names = append(names, r[0])
			}
		}
		if names = uniqueCells(names); len(names) > 0 {
			which := make([]sentence, 0, mostTold+1)
			for _, c := range names[:min(mostTold, len(names))] {
				which = append(which, inCheckWords(c))
			}
			if len(names) > mostTold {
				which = append(which, sentence{"others"})
			}
			lead = append(lead, say("{} {}: {}.", sentence{number(len(names), "A check", "Checks")}, sentence{state}, listed(which)))
		}
	}
	return lead
}

// inCheckWords is the name of a check within a sentence.
func inCheckWords(c *cell) sentence {
	words := checkWords[strings.ReplaceAll(c.String(), " ", "_")]
	if words == "" {
		return sentence{c}
	}
	return sentence{strings.ToLower(words[:1]) + words[1:]}
}

// uniqueCells are the cells, of those that read alike the first.
func uniqueCells(cells []*cell) []*cell {
	seen := map[string]bool{}
	return slices.DeleteFunc(cells, func(c *cell) bool {
		was := seen[c.String()]
		seen[c.String()] = true
		return was
	})
}

// qualityOption is a waterfall across: what went hangs where it left off.
func qualityOption(t *table) map[string]any {
	var base, bars []any
	last := len(t.Rows) - 1
	for i, r := range t.Rows {
		color := "@color:bad"
		if i == 0 || i == last {
			color = "@color:cat0"
		} else if slices.ContainsFunc(slices.Concat(mergedReasons, otherReasons), func(reason string) bool { return r[flowReason].Value == inWords(reason) }) {
			color = "@color:neutral"
		}
		before := r[flowLeft].Value
		if i == 0 || i == last {
			before = "-"
		}
		base = append(base, before)
		bars = append(bars, map[string]any{
			"name": r[flowReason].String(), "value": r[flowRows].Value, "itemStyle": map[string]any{"color": color},
			"label": map[string]any{"formatter": r[flowRows].String() + " (" + r[flowShare].String() + ")"},
			"tip":   []string{r[flowReason].String(), r[flowRows].String() + " (" + r[flowShare].String() + ")"},
		})
	}
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 96, "top": 8, "bottom": 24, "containLabel": true},
		"tooltip": map[string]any{},
		"xAxis":   map[string]any{"type": "value", "min": 0, "axisLabel": map[string]any{"formatter": "@format:count", "hideOverlap": true}},
		"yAxis": map[string]any{
			"type": "category", "inverse": true, "data": texts(t.column(flowReason)), "axisLabel": map[string]any{"width": 150, "overflow": "truncate"},
		},
		"series": []any{
			map[string]any{
				"type": "bar", "stack": "flow", "name": "left", "data": base, "silent": true, "itemStyle": map[string]any{"opacity": 0},
				"tooltip": map[string]any{"show": false},
			},
			map[string]any{
				"type": "bar", "stack": "flow", "name": "Rows", "data": bars,
				"label": map[string]any{"show": true, "position": "right", "color": "@color:ink"},
			},
		},
	}
}
