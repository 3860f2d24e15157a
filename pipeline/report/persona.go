package report

import (
	"cmp"
	"slices"
	"strings"
)

// A reach is how many people of a group may be e-mailed.
type reach struct {
	customers, mailable int64
	unknown             int64 // of whom it is not known whether they may
	atLeast             bool  // some of the mailable are too few to be told
}

// stages are how many people of each group are in which stage of the journey.
func (d *data) stages() []record {
	return d.query("report_stages", map[string]string{"customer_segments": "customer_segments", "customer_features": "customer_features"})
}

// reach adds up the stages of each group.
func (d *data) reach() map[string]reach {
	out := map[string]reach{}
	for _, r := range d.stages() {
		g := out[r.text("core_segment")]
		n, ok := r.number("customers")
		m, told := r.number("mailable")
		u, _ := r.number("unknown")
		g.customers += int64(n)
		g.unknown += int64(u)
		g.mailable += int64(m)
		g.atLeast = g.atLeast || !ok || !told
		out[r.text("core_segment")] = g
	}
	return out
}

// proven are the traits of a kind that set the group apart, the strongest first.
func proven(g *group, kind string) []record {
	var out []record
	for _, r := range where(where(g.traits, "kind", kind), "verdict", "more") {
		if share, ok := r.number("share"); ok && share >= 0.1 && telling(r.text("value")) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b record) int {
		x, _ := a.number("lift")
		y, _ := b.number("lift")
		return cmp.Or(cmp.Compare(y, x), strings.Compare(a.text("trait"), b.text("trait")), strings.Compare(a.text("value"), b.text("value")))
	})
	return out
}

// telling says whether a value tells anything.
func telling(v string) bool {
	v = strings.ToLower(strings.TrimSpace(v))
	switch v {
	case "", "-", "?", "n/a", "na", "none", "null", "nan", "other", "others", "undefined", "unspecified":
		return false
	}
	return !strings.Contains(v, "unknown")
}

// persona names the people of a group: its name, and the one attribute that sets it apart most, if it is common.
func persona(g *group) string {
	if g.hidden {
		return g.name
	}
	for _, r := range proven(g, "attribute") {
		switch share, _ := r.number("share"); {
		case share >= 0.5:
			return g.name + ", mostly " + described(r.text("trait"), r.text("value")).String()
		case share >= 0.25:
			return g.name + ", often " + described(r.text("trait"), r.text("value")).String()
		}
	}
	return g.name
}

// described says a trait in words that follow "they are"; v is its value, as a text or a cell.
func described(trait string, v any) sentence {
	text, _ := v.(string)
	if c, ok := v.(*cell); ok {
		text = c.String()
	}
	switch low := strings.ToLower(strings.TrimSpace(text)); trait {
	case "gender":
		switch low {
		case "f", "w", "female", "woman", "women":
			return say("women")
		case "m", "male", "man", "men":
			return say("men")
		}
	case "country":
		return say("from {}", v)
	case "age":
		return say("aged {}", v)
	case "acquired through":
		return say("won through {}", v)
	case "industry":
		return say("in the industry {}", v)
	case "plan":
		return say("on the plan {}", v)
	default:
		switch low {
		case "yes", "true", "y":
			return say("with {}", plain(trait))
		case "no", "false", "n":
			return say("without {}", plain(trait))
		}
	}
	return say("with {} {}", plain(trait), v)
}

// trait adds a trait to the evidence.
func (g *group) trait(r record) []*cell {
	return g.fact("", formatShare, r.text("trait"), r["value"], r["share"], r["share_everybody"], r["lift"], r["verdict"])
}

// against is the share of a trait here and with everybody.
func against(c []*cell) sentence { return say("{}, everybody {}", c[factHere], c[factEverybody]) }

// who says which attributes set the people apart: at most three, and one value of each.
func who(g *group) []sentence {
	var parts []sentence
	seen := map[string]bool{}
	for _, r := range proven(g, "attribute") {
		if seen[r.text("trait")] || len(parts) == 3 {
			continue
		}
		seen[r.text("trait")] = true
		c := g.trait(r)
		parts = append(parts, words(described(r.text("trait"), c[factValue]), " (", against(c), ")"))
	}
	if len(parts) == 0 {
		return nil
	}
	return []sentence{words("More often than others they are ", listed(parts), ".")}
}

// A habit is a trait of the kind habit, with words around its value.
type habit struct{ trait, text string }

var habits = []habit{
	{"category", "buy {}"}, {"weekday", "buy on {}"}, {"day part", "buy in the {}"}, {"sales channel", "buy through {}"}, {"device", "use {}"},
}

// What sets nobody apart is worth a word where at least half of those with a habit have it, and at least a fifth of the
// group has one.
const (
	commonHabit = 0.5
	knownHabit  = 0.2
)

// reachable says when and where the people of a group can be reached, and whether by e-mail.
func reachable(g *group, b base) []sentence {
	var out []sentence
	set := proven(g, "habit")
	var more, common []sentence
	for _, h := range habits {
		r, list := find(set, "trait", h.trait), &more
		if r == nil {
			r, list = commonest(g, h.trait), &common
		}
		if r == nil {
			continue
		}
		c, text := g.trait(r), h.text
		if c[factValue].Value == "night" {
			text = "buy at {}"
		}
		*list = append(*list, words(say(text, c[factValue]), " (", against(c), ")"))
	}
	if len(more) > 0 {
		out = append(out, words("Of those with a habit, more than elsewhere ", listed(more), "."))
	}
	if len(common) > 0 {
		out = append(out, words("As elsewhere, most of those with a habit ", listed(common), "."))
	}
	return append(out, mail(g, b)...)
}

// commonest is the most frequent value of a habit, where it is frequent.
func commonest(g *group, trait string) record {
	size, _ := g.profile.number("customers")
	for _, r := range where(where(g.traits, "kind", "habit"), "trait", trait) {
		known, _ := r.number("known")
		if v, ok := r.number("share"); ok && v > commonHabit && known >= knownHabit*size && telling(r.text("value")) && r.text("verdict") == "not_proven" {
			return r
		}
	}
	return nil
}

// mail says whether e-mail is a way to the people of a group.
func mail(g *group, b base) []sentence {
	if !b.mailable || g.reach.customers == 0 {
		return nil
	}
	switch {
	case g.reach.mailable == 0 && g.reach.unknown == g.reach.customers:
		return []sentence{say("Whether they may be e-mailed is not known: check that before you write to them.")}
	case g.reach.mailable == 0:
		return []sentence{say("Too few of them may be e-mailed to count on it: reach them on the site, with ads or in person.")}
	}
	size, _ := g.profile.number("customers")
	n := g.fact("", formatCount, "mailable", nil, g.reach.mailable, nil, nil, nil)
	share := g.fact("", formatShare, "mailable_share", nil, float64(g.reach.mailable)/size, nil, nil, nil)
	s := say("{} of them ({}) may be e-mailed", n[factHere], share[factHere])
	if g.reach.atLeast {
		s = words("At least ", s)
	}
	if value(share[factHere]) >= 0.3 {
		return []sentence{words(s, ": e-mail is the channel.")}
	}
	return []sentence{words(s, ": reach the others on the site, with ads or in person.")}
}
