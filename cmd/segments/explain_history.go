package main

import (
	"context"
	"fmt"
	"slices"

	"segments/cmd/segments/terminal"
	"segments/pipeline"
)

// causeWords say why somebody is in another segment.
var causeWords = map[string]string{
	"new":          "was not known before",
	"consent":      "refused profiling or was deleted, or no longer so",
	"identity":     "no source knows the id any more",
	"rule changed": "the segment map was changed",
	"cut moved":    "the borders of the segments were moved",
	"silence":      "time passed, and nothing else happened",
	"corrected":    "rows came late, were lost or corrected",
	"purchase":     "bought, or got money back",
	"activity":     "came to the site, or opened or clicked an e-mail",
	"restated":     "another run said otherwise of the day",
}

// A stay is a row of a customer's history.
type stay struct{ from, known, segment, previous, cause string }

// history lists where the customer has been, newest first.
func history(ctx context.Context, j *pipeline.Job, id string) ([]stay, error) {
	l, err := list(j.History(ctx, id))
	if err != nil {
		return nil, err
	}
	var out []stay
	for _, r := range l.rows {
		of := func(name string) string { return measured(r[slices.Index(l.headers, name)], "") }
		out = append(out, stay{of("true_from"), of("known_from"), of("core_segment"), of("previous_segment"), of("cause")})
	}
	slices.Reverse(out)
	return out, nil
}

// String says to where, from where and why, and when that was known.
func (m stay) String() string {
	to := m.segment
	if to == "" {
		to = "in none"
	}
	if m.previous != "" && m.previous != m.segment {
		to += ", from " + m.previous
	}
	return fmt.Sprintf("%s · %s: %s · known since %.10s", to, m.cause, causeWords[m.cause], m.known)
}

// left says of somebody whose newest row says so when they left, and why.
func left(been []stay) string {
	if len(been) == 0 || been[0].segment != "" {
		return ""
	}
	return fmt.Sprintf("; in no segment since %s: %s", been[0].from, causeWords[been[0].cause])
}

// historySheet adds where the customer has been.
func historySheet(s *terminal.Sheet, ms []stay) {
	if len(ms) == 0 {
		return
	}
	s.Title("core segment over time, as it is known now")
	for _, m := range ms {
		s.Line(m.from, m.String())
	}
}
