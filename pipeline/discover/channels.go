package discover

import (
	"fmt"
	"slices"

	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/values"
)

// matchChannels sees to it that costs name channels as touches do, or web events where there are no touches: by the columns
// whose values are found in the other source. What was paid for google is not held against touches of cpc.
func matchChannels(chosen map[string]fit, overlap Overlap) {
	costs, ok := chosen["costs"]
	touches, has := chosen["touchpoints"]
	if !has {
		touches, has = chosen["web_events"]
	}
	if !ok || !has || overlap == nil {
		return
	}
	paid, seen := costs.guess("channel"), touches.guess("channel")
	if paid == nil || seen == nil {
		return
	}
	best, a, b := -1.0, "", ""
	for _, s := range touches.columns(seen) {
		for _, p := range costs.columns(paid) {
			// Of two that are as good the one that names fit better was looked at first.
			if share, ok := overlap(costs.table, p, touches.table, s); ok && share > best+0.3 {
				best, a, b = share, p, s
			}
		}
	}
	switch {
	case best < 0:
	case best < 0.05:
		paid.Ask = "hardly any of them are in " + touches.source.Name + ": are channels called alike there?"
	default:
		reason := fmt.Sprintf("; %.0f %% of the channels of costs are in %s", 100*best, touches.source.Name)
		costs.choose(paid, a, reason)
		touches.choose(seen, b, reason)
		chosen["costs"], chosen[touches.source.Name] = costs, touches
	}
}

// guess returns where the canonical column comes from; nil where it is not there.
func (f *fit) guess(column string) *draft.Guess {
	i := slices.IndexFunc(f.source.Columns, func(m draft.Mapping) bool { return m.Column == column })
	if i < 0 {
		return nil
	}
	return &f.source.Columns[i].Guess
}

// columns lists the columns that g may be, the one that it is first.
func (f *fit) columns(g *draft.Guess) (out []string) {
	for _, o := range append([]draft.Other{{Value: g.Value}}, g.Others...) {
		if slices.ContainsFunc(f.table.Columns, func(c values.Column) bool { return c.Name == o.Value }) {
			out = append(out, o.Value)
		}
	}
	return out
}

// choose makes g the column, and says why.
func (f *fit) choose(g *draft.Guess, column, reason string) {
	if column != g.Value {
		g.Others = slices.DeleteFunc(g.Others, func(o draft.Other) bool { return o.Value == column })
		g.Others = append([]draft.Other{{Value: g.Value, Why: "by its name"}}, g.Others...)
		g.Value, g.Reason = column, "by its values"
		f.source.Unused = slices.DeleteFunc(f.source.Unused, func(u string) bool { return u == column })
	}
	g.Reason += reason
}
