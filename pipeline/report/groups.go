package report

import (
	"fmt"
	"slices"
)

var groupsPanel = panel{id: "groups", question: "What is each group like?", needs: []string{"segment_profiles"}, build: buildGroups}

// A group is a core segment with what the tables say of it.
type group struct {
	name       string
	profile    record
	forecast   record   // of report_worth
	outcome    record   // of segment_validation; what came after
	traits     []record // of segment_traits
	reach      reach
	definition record
	hidden     bool // under MinGroup people
	facts      *table
}

// buildGroups describes each core segment on a card.
func buildGroups(d *data) (*section, error) {
	profiles := d.profiles(d.CoreSegment)
	if len(profiles) == 0 {
		return nil, nil
	}
	outcomes := d.outcomes(d.CoreSegment)
	worth := d.query("report_worth", map[string]string{"customer_segments": "customer_segments", "customer_clv": "customer_clv"})
	traits := where(d.rows("segment_traits"), "segmentation", d.CoreSegment)
	reached := d.reach()
	s := &section{Tone: neutral, Notes: []string{
		"Who they are: only what is more common in the group than with all others, by at least a fifth and by more than chance explains.",
		"When and where: from the habits of those who buy often enough to have one.",
		"What followed looks ahead: the share of the group of an earlier day that converted in the days after.",
		"Who may be e-mailed has agreed to it and not unsubscribed since.",
	}}
	var groups []*group
	for i, p := range profiles {
		name := p.text("segment")
		g := &group{
			name: name, profile: p, hidden: d.hidden(p, "customers"), reach: reached[name],
			forecast: find(worth, "core_segment", name), outcome: find(outcomes, "segment", name),
			traits: where(traits, "segment", name), definition: find(d.definitions(d.CoreSegment), "segment", name),
		}
		if d.hidden(g.outcome, "customers") && g.outcome != nil { // a rate of few tells about single ones
			g.outcome = record{"verdict": "too_few"}
		}
		g.facts = factsTable(fmt.Sprintf("group-%d-facts", i+1), name)
		groups = append(groups, g)
		s.Cards = append(s.Cards, d.card(fmt.Sprintf("group-%d", i+1), g, d.base(profiles, outcomes, reached)))
	}
	s.Title = groupsTitle(groups)
	known := len(where(traits, "kind", "attribute")) > 0
	if known && len(groups) > 1 && !slices.ContainsFunc(groups, func(g *group) bool { return len(proven(g, "attribute")) > 0 }) {
		s.Lead = append(s.Lead, say("Nothing that is known of the customers as people is proven to set any group apart: the groups differ in what they do."))
	}
	if slices.ContainsFunc(groups, func(g *group) bool { return g.hidden }) {
		s.Notes = append(s.Notes, hiddenNote)
	}
	return s, nil
}

// A base is what groups are held against.
type base struct {
	profiles []record // of the groups that are described
	revenue  any      // of them all in the look-back window
	hidden   bool     // there are others that are too small to be described
	rate     any      // of conversions of everybody
	mailable bool     // whether it is known of any group that people may be e-mailed
}

func (d *data) base(profiles, outcomes []record, reached map[string]reach) base {
	b := base{rate: ratio(sum(outcomes, "converters"), sum(outcomes, "customers")), profiles: slices.DeleteFunc(slices.Clone(profiles), d.small)}
	b.revenue, b.hidden = sum(b.profiles, "revenue_window"), len(b.profiles) < len(profiles)
	for _, r := range reached {
		b.mailable = b.mailable || r.mailable > 0
	}
	return b
}

// The columns of a card's evidence.
const (
	factWhat = iota
	factValue
	factHere
	factEverybody
	factTimes
	factVerdict
)

func factsTable(id, name string) *table {
	return &table{
		ID: id, Caption: "What is known of " + name, Key: 2,
		From: "segment_profiles, segment_traits, segment_validation, customer_segments, customer_features, customer_clv",
		Columns: []column{
			{Name: "what", Title: "What", Format: formatText, Doc: "The column, or the trait."},
			{Name: "value", Title: "Value", Format: formatText, Doc: "The value of the trait; the day, or the kind, of the conversions."},
			{Name: "here", Title: "Here", Format: formatCount, Doc: "In this group."},
			{Name: "everybody", Title: "Everybody", Format: formatCount, Doc: "The same of everybody."},
			{Name: "times", Title: "Times", Format: formatRatio, Doc: "Here by everybody."},
			{Name: "verdict", Title: "Verdict", Format: formatText, Doc: "Whether the difference is more than chance explains."},
		},
	}
}

// fact adds a row to the evidence and returns its cells; nil where the value is not known.
func (g *group) fact(unit string, f format, what string, value, here, everybody, times, verdict any) []*cell {
	if here == nil {
		return nil
	}
	row := g.facts.add(unit, what, value, here, everybody, times, verdict)
	row[factHere].Format, row[factEverybody].Format = f, f
	return row
}

// column adds a column of the profile to the evidence; nil where it is not known.
func (g *group) column(unit string, f format, name string) []*cell {
	return g.fact(unit, f, name, nil, g.profile[name], nil, nil, nil)
}

// card describes a group.
func (d *data) card(id string, g *group, b base) *card {
	c := &card{ID: id, Name: g.name, Title: persona(g), Tone: neutral, Action: g.definition.text("action"), Table: g.facts}
	people, share := g.column("", formatCount, "customers"), g.column("", formatShare, "share")
	c.Figures = append(c.Figures, figure{Label: "Customers", Value: people[factHere]}, figure{Label: "Share", Value: share[factHere], Of: "of everybody"})
	if g.hidden {
		c.Badge = "Too small"
		c.Says = append(c.Says, say("Too few people to describe without telling about single ones."))
		return c
	}
	c.Says = append(c.Says, who(g)...)
	c.Says = append(c.Says, d.does(g, b)...)
	c.Says = append(c.Says, reachable(g, b)...)
	worth, money := d.worth(g, b, share)
	c.Says = append(c.Says, worth...)
	followed, rate := followed(g, b)
	c.Says = append(c.Says, followed...)
	if money != nil {
		c.Figures = append(c.Figures, *money)
	}
	if rate != nil {
		c.Figures = append(c.Figures, *rate)
	}
	c.Badge, c.Tone = badge(g)
	return c
}

// badge is what came after, in a word or two.
func badge(g *group) (string, tone) {
	verb := "Converts"
	if g.outcome.text("conversion_kind") == "order" {
		verb = "Buys"
	}
	switch g.outcome.text("verdict") {
	case "above":
		return verb + " more often", good
	case "below":
		return verb + " less often", caution
	case "not_proven":
		return "Not proven", neutral
	case "too_few":
		return "Too few to tell", neutral
	}
	return "Not evaluated", neutral
}

// does says what the people of a group do: how lately, often and for how much they buy, and whether they are engaged.
func (d *data) does(g *group, b base) []sentence {
	var out []sentence
	days := g.column("", formatMean, "purchase_days_mean")
	switch recency := g.column("", formatDays, "days_since_last_order_mean"); {
	case slices.Contains(neverBought, g.name):
		out = append(out, say("They have never bought, or gave everything back."))
	case recency != nil:
		s := say("On average they last bought {} ago", recency[factHere])
		switch {
		case days == nil:
		case value(days[factHere]) == 1:
			s = say("They have bought on a single day, {} ago on average", recency[factHere])
		case value(days[factHere]) > 0:
			s = words(s, ", on ", days[factHere], " days so far")
		}
		if spend := g.column(d.Currency, formatMoney, "average_order_value"); spend != nil && value(spend[factHere]) > 0 {
			s = words(s, ", for ", spend[factHere], " a purchase")
		}
		out = append(out, words(s, "."))
	}
	var parts []sentence
	for _, of := range []struct{ column, text string }{
		{"discount_share", "at a discount"},
		{"store_share", "in a store"},
	} {
		// a share that is much like that of the other groups tells nothing
		if c := g.column("", formatShare, of.column); c != nil && value(c[factHere]) >= 0.05 {
			if place := rank(g, b, of.column); place != "" {
				parts = append(parts, words(c[factHere], " ", of.text, place))
			}
		}
	}
	if len(parts) > 0 {
		out = append(out, words("Of their purchases, ", listed(parts), "."))
	}
	if c := g.column("", formatShare, "engagement_rate"); c != nil && value(c[factHere]) >= 0.005 {
		out = append(out, words(c[factHere], " clicked an e-mail or had an engaged visit lately", rank(g, b, "engagement_rate"), "."))
	}
	return out
}

// rank says that no group comes near g in a column of the profiles.
func rank(g *group, b base, c string) string {
	mine, _ := g.profile.number(c)
	var others []float64
	for _, p := range b.profiles {
		if v, ok := p.number(c); ok && p.text("segment") != g.name {
			others = append(others, v)
		}
	}
	switch {
	case len(others) < 2:
		return ""
	case mine > 1.1*slices.Max(others):
		return " (the most of all groups)"
	case mine < slices.Min(others)/1.1:
		return " (the least of all groups)"
	}
	return ""
}

// worth says what a group has brought and is expected to bring.
func (d *data) worth(g *group, b base, share []*cell) ([]sentence, *figure) {
	var out []sentence
	var money *figure
	revenue := g.column(d.Currency, formatMoney, "revenue_window")
	window := g.column("", formatDays, "window_days")
	part := g.fact("", formatShare, "revenue_share", nil, ratio(g.profile["revenue_window"], b.revenue), nil, nil, nil)
	if revenue != nil && window != nil && value(revenue[factHere]) != 0 {
		switch total, _ := (record{"v": b.revenue}).number("v"); {
		case value(revenue[factHere]) < 0:
			out = append(out, say("In the last {} more was refunded than they bought: {}.", window[factHere], revenue[factHere]))
		case part != nil && total > 0:
			of := say("the revenue")
			if b.hidden {
				of = say("what the groups shown brought")
			}
			out = append(out, say("They are {} of everybody and brought {} of {} in the last {}: {}.",
				share[factHere], part[factHere], of, window[factHere], revenue[factHere]))
		}
		money = &figure{Label: "Revenue", Value: revenue[factHere], Of: "lately"}
	}
	mean := g.fact(d.Currency, formatMoney, "clv_revenue_mean", nil, g.forecast["clv_revenue_mean"], nil, nil, nil)
	horizon := g.fact("", formatDays, "horizon_days", nil, g.forecast["horizon_days"], nil, nil, nil)
	total := g.fact(d.Currency, formatMoney, "clv_revenue", nil, g.forecast["clv_revenue"], nil, nil, nil)
	if mean != nil && horizon != nil && total != nil && value(mean[factHere]) > 0 {
		out = append(out, say("In the next {} each is expected to bring {}, all together {}.", horizon[factHere], mean[factHere], total[factHere]))
	}
	return out, money
}

// followed says what the group of an earlier day did after it.
func followed(g *group, b base) ([]sentence, *figure) {
	o := g.outcome
	if o.text("verdict") == "not_evaluated" {
		return nil, nil
	}
	r := g.fact("", formatShare, "rate", o["origin"], o["rate"], b.rate, o["lift"], o["verdict"])
	days := g.fact("", formatDays, "horizon_days after", nil, o["horizon_days"], nil, nil, nil)
	kind := g.fact("", formatText, "conversion_kind", nil, o["conversion_kind"], nil, nil, nil)
	if r == nil || days == nil || kind == nil || known(r[factEverybody]) && value(r[factEverybody]) == 0 { // nobody did
		return nil, nil
	}
	did := convertedWords(kind[factHere])
	s := words(say("Of those in this group on {}, {} ", r[factValue], r[factHere]), did, say(" in the {} after", days[factHere]))
	if known(r[factEverybody]) {
		s = words(s, say(" ({} of everybody)", r[factEverybody]))
	}
	switch o.text("verdict") {
	case "above":
		s = words(s, ": proven more often than the others.")
	case "below":
		s = words(s, ": proven less often than the others.")
	case "not_proven":
		s = words(s, ": not proven to differ from the others.")
	case "too_few":
		s = words(s, ": too few to tell whether they differ from the others.")
	default:
		s = words(s, ".")
	}
	label := "Converted"
	if kind[factHere].Value == "order" {
		label = "Bought"
	}
	return []sentence{s}, &figure{Label: label, Value: r[factHere], Of: "afterwards"}
}

// groupsTitle tells the groups apart by what followed, or else names the first and the last.
func groupsTitle(groups []*group) sentence {
	var best, worst *group
	for _, g := range groups {
		rate, ok := g.outcome.number("rate")
		switch v := g.outcome.text("verdict"); {
		case !ok || g.hidden:
		case v == "above" && (best == nil || rate > outcomeRate(best)):
			best = g
		case v == "below" && (worst == nil || rate < outcomeRate(worst)):
			worst = g
		}
	}
	if best != nil && worst != nil {
		rate, days := best.found("rate"), best.found("horizon_days after")
		return words(say("{} of {} ", rate[factHere], best.name), convertedWords(&cell{Value: best.outcome.text("conversion_kind")}),
			say(" in the {} after {}, {} of {}", days[factHere], rate[factValue], worst.found("rate")[factHere], worst.name))
	}
	switch {
	case len(groups) == 1:
		return say("Everybody is in one group: {}", groups[0].name)
	case !slices.ContainsFunc(groups, func(g *group) bool { return !g.hidden }):
		return say("No group has enough people to be described: privacy.min_group hides what would tell about single ones")
	}
	return say("From {} to {}: what is known of each group", groups[0].name, groups[len(groups)-1].name)
}

func outcomeRate(g *group) float64 {
	v, _ := g.outcome.number("rate")
	return v
}

// found is the row of the evidence on something that is there.
func (g *group) found(what string) []*cell {
	for _, r := range g.facts.Rows {
		if r[factWhat].Value == what {
			return r
		}
	}
	return nil
}
