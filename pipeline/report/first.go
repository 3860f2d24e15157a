package report

import "slices"

// The columns of firstTable.
const (
	firstGroup = iota
	firstPeople
	firstMailable
	firstOrigin
	firstHorizon
	firstKind
	firstRate
	firstVerdict
	firstValue
)

// firstTable has the groups that are proven to convert more often than the others, by what they are expected to bring: the
// first is the one to begin with. It is empty of a run that was rejected, or whose groups were not tested.
func (d *data) firstTable(groups []record) *table {
	t := &table{
		ID: "customers-first", Caption: "The groups that are proven to convert more often", Key: 1,
		From: "segment_profiles, segment_validation, customer_clv, customer_segments, customer_features",
		Columns: []column{
			{Name: "segment", Title: "Group", Format: formatText},
			d.shows("segment_profiles", "customers", "Customers", formatCount),
			{Name: "mailable", Title: "May be e-mailed", Format: formatCount, Doc: "Of those, at least so many have agreed to e-mail and not unsubscribed since."},
			d.shows("segment_validation", "origin", "Groups as of", formatDate),
			d.shows("segment_validation", "horizon_days", "Days after", formatDays),
			d.shows("segment_validation", "conversion_kind", "Conversion", formatText),
			d.shows("segment_validation", "rate", "Converted", formatShare),
			d.shows("segment_validation", "verdict", "Verdict", formatText),
			{Name: "expected", Title: "Expected value", Format: formatMoney, Doc: "Sum of clv_revenue of the group's customers, where there are forecasts."},
		},
	}
	if d.Run.State == Rejected || !d.judged() {
		return t
	}
	outcomes, reached := d.outcomes(d.CoreSegment), d.reach()
	worth := d.query("report_worth", map[string]string{"customer_segments": "customer_segments", "customer_clv": "customer_clv"})
	type proven struct{ profile, outcome, worth record }
	var list []proven
	for _, p := range groups {
		o := find(outcomes, "segment", p.text("segment"))
		if o.text("verdict") == "above" && !d.hidden(o, "customers") && !d.hidden(p, "customers") {
			list = append(list, proven{p, o, find(worth, "core_segment", p.text("segment"))})
		}
	}
	slices.SortStableFunc(list, func(a, b proven) int {
		x, xok := a.worth.number("clv_revenue")
		y, yok := b.worth.number("clv_revenue")
		if !xok && !yok { // by how many are likely to convert
			n, _ := a.profile.number("customers")
			m, _ := b.profile.number("customers")
			x, y = n*share(a.outcome), m*share(b.outcome)
		}
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for _, g := range list {
		var mailable any
		if n := reached[g.profile.text("segment")].mailable; n > 0 {
			mailable = n
		}
		t.add(d.Currency, g.profile["segment"], g.profile["customers"], mailable, g.outcome["origin"], g.outcome["horizon_days"],
			g.outcome["conversion_kind"], g.outcome["rate"], g.outcome["verdict"], g.worth["clv_revenue"])
	}
	return t
}

// judged says that the groups have passed their test, or that there is no such test.
func (d *data) judged() bool {
	return !slices.ContainsFunc(d.checks("gate"), func(c record) bool { return c.text("state") != checkPassed })
}

func share(outcome record) float64 {
	v, _ := outcome.number("rate")
	return v
}

// firstSentence says with which group to begin.
func firstSentence(t *table) sentence {
	r := t.Rows[0]
	s := say("Begin with {}: {}", r[firstGroup], counted(r[firstPeople], "person", "people"))
	if known(r[firstMailable]) {
		s = say("Write first to {}: {}, of whom {} may be e-mailed", r[firstGroup], counted(r[firstPeople], "person", "people"), r[firstMailable])
	}
	return say("{}. Of those in this group on {}, {} {} within {}, proven more often than the others.", s, r[firstOrigin], r[firstRate],
		convertedWords(r[firstKind]), r[firstHorizon])
}
