package report

import (
	"cmp"
	"slices"
	"strings"
)

var contentPanel = panel{
	id: "content", question: "What should each group get?", needs: []string{"segment_profiles", "customer_segments", "customer_features"}, build: buildContent,
}

// stageNames are the stages of the journey, the one nearest to a purchase last but for who has bought and rests.
var stageNames = []string{"awareness", "consideration", "decision", "retention"}

// The columns of the list of buildContent.
const (
	contentGroup = iota
	contentStage
	contentPeople
	contentMailable
	contentSuggestion
	contentChannel
)

// buildContent says what to suggest to each group in each stage of the journey, and how many people that is.
func buildContent(d *data) (*section, error) {
	rows := d.byOrder(d.CoreSegment, "core_segment", d.stages())
	if len(rows) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(rows, func(a, b record) int { // within a group by stage
		if a.text("core_segment") != b.text("core_segment") {
			return 0
		}
		return cmp.Compare(slices.Index(stageNames, a.text("journey_stage")), slices.Index(stageNames, b.text("journey_stage")))
	})
	list := d.contentList(rows)
	totals := contentTotals(rows)
	s := &section{Tone: neutral, Tables: []*table{d.contentMatrix(list), totals, list}, Notes: []string{
		"Stage of the next purchase. Decision: something is in the cart, or a checkout was begun. Consideration: looking around. Else retention for who has " +
			"bought and awareness for who has not.",
		"The suggestions are those of the table of content: \"segments report --print-content\" prints it, and report.content in the configuration names " +
			"one of your own.",
		"Who may be e-mailed has agreed to it and not unsubscribed since.",
		hiddenNote,
	}}
	s.Title, s.Lead = contentTitle(list, totals, d.sawEvents()), contentLead(list, totals)
	return s, nil
}

// sawEvents says whether web or e-mail events tell anything of anybody.
func (d *data) sawEvents() bool {
	return slices.ContainsFunc([]string{"engagement", "intent"}, func(segmentation string) bool {
		groups := d.profiles(segmentation)
		return slices.ContainsFunc(groups, func(p record) bool { return p.text("segment") != "unknown" })
	})
}

// contentList has a row for each group and stage with anybody.
func (d *data) contentList(rows []record) *table {
	t := &table{ID: "content-list", Caption: "Suggestions by group and stage", From: "customer_segments, customer_features", Key: 2, Columns: []column{
		{Name: "core_segment", Title: "Group", Format: formatText},
		d.shows("customer_segments", "journey_stage", "Stage", formatText),
		{Name: "customers", Title: "People", Format: formatCount, Doc: "People of the group in the stage."},
		{Name: "mailable", Title: "May be e-mailed", Format: formatCount, Doc: "Of those, who agreed to e-mail and has not unsubscribed since."},
		{Name: "content", Title: "Suggestion", Format: formatText, Doc: "From the table of content."},
		{Name: "channel", Title: "Where", Format: formatText, Doc: "From the table of content."},
	}}
	for _, r := range rows {
		var content, channel any
		if s, ok := d.Content.For(r.text("core_segment"), r.text("journey_stage")); ok {
			content, channel = s.Content, s.Channel
		}
		t.add("", r["core_segment"], r["journey_stage"], r["customers"], r["mailable"], content, channel)
	}
	return t
}

// A stageColumn is a stage of the matrix, or two of which each group is in one at most.
type stageColumn struct {
	name, title string
	stages      []string
}

// stageColumns are the stages that anybody is in. Awareness, of who has not bought, and retention, of who has, share a
// column, unless a group is in both.
func stageColumns(list *table) []stageColumn {
	in := func(stage string) []string {
		var groups []string
		for _, r := range list.Rows {
			if r[contentStage].Value == stage {
				groups = append(groups, r[contentGroup].String())
			}
		}
		return groups
	}
	aware, kept := in("awareness"), in("retention")
	var out []stageColumn
	for _, stage := range stageNames {
		switch {
		case len(in(stage)) == 0 && (stage != "awareness" || len(kept) == 0):
		case stage == "awareness" && len(kept) > 0 && !slices.ContainsFunc(aware, func(g string) bool { return slices.Contains(kept, g) }):
			out = append(out, stageColumn{"awareness_or_retention", "Awareness or retention", []string{"awareness", "retention"}})
			kept = nil
		case stage == "retention" && kept == nil:
		case len(in(stage)) > 0:
			out = append(out, stageColumn{stage, strings.ToUpper(stage[:1]) + stage[1:], []string{stage}})
		}
	}
	return out
}

// contentMatrix has a row for each group, and a column for each stage that anybody is in.
func (d *data) contentMatrix(list *table) *table {
	t := &table{
		ID: "content", Caption: "How many people of each group are in which stage, and what to suggest to them", Shown: true, Key: 1,
		From: "customer_segments, customer_features", Columns: []column{{Name: "core_segment", Title: "Group", Format: formatText}},
	}
	columns := stageColumns(list)
	for _, c := range columns {
		t.Columns = append(t.Columns, column{Name: c.name, Title: c.title, Format: formatText, Doc: "How many they are, what to show to them, and where."})
	}
	at := map[string][]any{}
	var names []string
	for _, r := range list.Rows {
		name := r[contentGroup].String()
		if at[name] == nil {
			at[name] = make([]any, len(t.Columns))
			at[name][0] = name
			names = append(names, name)
		}
		i := slices.IndexFunc(columns, func(c stageColumn) bool { return slices.Contains(c.stages, r[contentStage].String()) })
		if i < 0 {
			continue
		}
		field := []string{r[contentPeople].String()}
		if known(r[contentSuggestion]) {
			field = append(field, r[contentSuggestion].String()+" ("+r[contentChannel].String()+")")
		}
		at[name][1+i] = strings.Join(field, " · ")
	}
	for _, name := range names {
		t.add("", at[name]...)
	}
	return t
}

// contentTotals has the stages with how many are in them, as far as that is told.
func contentTotals(rows []record) *table {
	t := &table{ID: "content-stages", Caption: "The stages", From: "customer_segments, customer_features", Key: 1, Columns: []column{
		{Name: "journey_stage", Title: "Stage", Format: formatText},
		{Name: "customers", Title: "People", Format: formatCount, Doc: "Of the groups shown."},
		{Name: "mailable", Title: "May be e-mailed", Format: formatCount, Doc: "Of those; of groups with too few to be told, none are counted."},
		{Name: "unknown", Title: "Not known", Format: formatCount, Doc: "Of those people, of whom it is not known whether they may be e-mailed; likewise."},
	}}
	for _, stage := range stageNames {
		in := where(rows, "journey_stage", stage)
		if n, ok := sum(in, "customers").(float64); ok {
			t.add("", stage, int64(n), whole(sum(in, "mailable")), whole(sum(in, "unknown")))
		}
	}
	return t
}

// whole is a number of people that was summed.
func whole(v any) any {
	if n, ok := v.(float64); ok {
		return int64(n)
	}
	return nil
}

// contentTitle says how many are near a purchase. saw says that anything tells who is.
func contentTitle(list, totals *table, saw bool) sentence {
	hidden := func(stages ...string) bool { // somebody is in them, but too few to be told
		return slices.ContainsFunc(list.Rows, func(r []*cell) bool {
			return slices.Contains(stages, r[contentStage].String()) && !known(r[contentPeople])
		})
	}
	stage := func(name string) []*cell {
		for _, r := range totals.Rows {
			if r[0].Value == name {
				return r
			}
		}
		return nil
	}
	about := func(r []*cell, one, many string) sentence {
		s := counted(r[1], "person "+one, "people "+many)
		if hidden(r[0].String()) {
			s = words("At least ", s)
		}
		if known(r[2]) {
			s = words(s, say("; {} of them may be e-mailed", r[2]))
		}
		return s
	}
	if r := stage("decision"); r != nil {
		return about(r, "is about to decide", "are about to decide")
	}
	if r := stage("consideration"); r != nil {
		return about(r, "is looking around", "are looking around")
	}
	switch {
	case len(totals.Rows) == 0:
		return say("What to suggest to each group")
	case !saw:
		return say("The data have no web or e-mail events: suggestions go by what people bought")
	case hidden("decision", "consideration"):
		return say("Few were seen looking around: suggestions go by what people bought")
	case stage("retention") == nil && !hidden("retention"):
		return say("Nobody was seen looking around, and nobody has bought yet")
	}
	return say("Nobody was seen looking around: suggestions go by what people bought")
}

// contentConsent says once that e-mail is no way to anybody, or that the data do not say to whom it is.
func contentConsent(totals *table) []sentence {
	var people, unknown float64
	for _, r := range totals.Rows {
		if known(r[2]) {
			return nil
		}
		people, unknown = people+value(r[1]), unknown+value(r[3])
	}
	switch {
	case people == 0: // nothing is told of anybody
		return nil
	case unknown == people:
		return []sentence{say("The data do not say who may be e-mailed: check that before you write to anybody.")}
	}
	return []sentence{say("By what the data say, too few may be e-mailed to count on it: use other channels where e-mail is suggested.")}
}

// contentLead names where most are to be won: the largest fields of decision and consideration, at most three.
func contentLead(list, totals *table) []sentence {
	out := contentConsent(totals)
	near := slices.DeleteFunc(slices.Clone(list.Rows), func(r []*cell) bool {
		return !known(r[contentPeople]) || !known(r[contentSuggestion]) || (r[contentStage].Value != "decision" && r[contentStage].Value != "consideration")
	})
	slices.SortStableFunc(near, func(a, b []*cell) int {
		return cmp.Or(cmp.Compare(b2i(b[contentStage].Value == "decision"), b2i(a[contentStage].Value == "decision")),
			cmp.Compare(value(b[contentPeople]), value(a[contentPeople])))
	})
	for _, r := range near[:min(3, len(near))] {
		doing := number(int(value(r[contentPeople])), "is", "are") + " looking around"
		if r[contentStage].Value == "decision" {
			doing = number(int(value(r[contentPeople])), "is", "are") + " about to decide"
		}
		s := words(say("{}: ", r[contentGroup]), counted(r[contentPeople], "person", "people"), " ", doing,
			say(". Suggestion: {} ({})", r[contentSuggestion], r[contentChannel]))
		if strings.Contains(strings.ToLower(r[contentChannel].String()), "mail") && slices.ContainsFunc(totals.Rows, func(r []*cell) bool { return known(r[2]) }) {
			if known(r[contentMailable]) {
				s = words(s, say(". {} of them may be e-mailed", r[contentMailable]))
			} else {
				s = words(s, ". Too few of them may be e-mailed to count on it")
			}
		}
		out = append(out, words(s, "."))
	}
	return out
}
