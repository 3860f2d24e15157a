package report

import (
	"cmp"
	"slices"
	"strings"
)

// longest are the rows within the longest horizon, which is the one that decides.
func longest(rows []record) []record {
	most := 0.0
	for _, r := range rows {
		days, _ := r.number("horizon_days")
		most = max(most, days)
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r record) bool {
		days, _ := r.number("horizon_days")
		return days < most
	})
}

// conversionsMore are more rows of segment_validation, each with its origin and kind; nil where they are only those of one.
func (d *data) conversionsMore(id, caption string, rows []record, want func(record) bool) *table {
	t := &table{
		ID: id, Caption: caption, From: "segment_validation", Key: 3,
		Columns: append([]column{d.shows("segment_validation", "origin", "From", formatDate), {
			Name: "conversion_kind", Title: "Kind", Format: formatText, Doc: "The kind of conversion; any is all of them together.",
		}}, d.conversionColumns()...),
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b record) int {
		return cmp.Or(strings.Compare(b.text("origin"), a.text("origin")), strings.Compare(a.text("conversion_kind"), b.text("conversion_kind")))
	})
	blocks := map[string]bool{}
	for _, r := range rows {
		if n, _ := r.number("customers"); n == 0 || !want(r) {
			continue
		}
		blocks[r.text("origin")+" "+r.text("conversion_kind")] = true
		t.add(d.Currency, append([]any{r["origin"], plain(r.text("conversion_kind"))}, d.conversionValues(r)...)...)
	}
	if len(blocks) < 2 {
		return nil
	}
	return t
}

// Columns of conversionsSooner before those of conversions.
const (
	soonerDays = iota
	soonerFirst
)

// conversionsSooner is what the core segments did within the shorter horizons too; nil where there are none.
func (d *data) conversionsSooner(origin, kind string) *table {
	t := &table{
		ID: "conversions-horizons", Caption: "The same within shorter horizons", From: "segment_validation", Key: 2,
		Columns: append([]column{d.shows("segment_validation", "horizon_days", "Within", formatDays)}, d.conversionColumns()...),
	}
	rows := at(where(d.rows("segment_validation"), "segmentation", d.CoreSegment), origin, kind)
	rows = d.byOrder(d.CoreSegment, "segment", rows)
	most := longest(rows)
	slices.SortStableFunc(rows, func(a, b record) int {
		x, y, _ := pair(a["horizon_days"], b["horizon_days"])
		return cmp.Compare(x, y)
	})
	for _, r := range rows[:len(rows)-len(most)] {
		t.add(d.Currency, append([]any{r["horizon_days"]}, d.conversionValues(r)...)...)
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// soonerLead says what the group that converts most had done sooner.
func soonerLead(sooner, t *table, kind string) []sentence {
	most, _ := extremes(t)
	if sooner == nil || most == nil {
		return nil
	}
	for _, r := range sooner.Rows {
		if r[soonerFirst+ofSegment].Value == most[ofSegment].Value && known(r[soonerFirst+ofRate]) {
			return []sentence{say("{} of {} had {} within {} already.", r[soonerFirst+ofRate], r[soonerFirst+ofSegment], sentence{converted(kind)}, r[soonerDays])}
		}
	}
	return nil
}

// Columns of merges.
const (
	mergeStep = iota
	mergeSegment
	mergeInto
	mergeLeft
	mergeReason
	mergeP
	mergeLost
	mergeKept
)

// mergeReasons in words, as segment_merges has them.
var mergeReasons = map[string]string{"alike": "conversions cannot tell them apart", "too_many": "there are too many groups"}

// merges are the merges that are proposed, step by step; nil where there are none. Of small groups, among those in rows, nothing but
// their names is said.
func (d *data) merges(origin, kind string, rows []record) *table {
	of := func(name, title string, f format) column { return d.shows("segment_merges", name, title, f) }
	t := &table{
		ID: "conversions-merges", Caption: "Groups that could be merged, and what that would lose", From: "segment_merges", Key: 1,
		Columns: []column{
			of("step", "Step", formatCount), of("segment", "Group", formatText), of("into", "Into", formatText), of("segments_left", "Groups left", formatCount),
			{Name: "reason", Title: "Why", Format: formatText, Doc: "Whether conversions cannot tell the two apart, or there are too many groups."},
			of("p_value", "p value", formatP),
			{Name: "information_lost_share", Title: "Loses", Format: formatShare, Doc: "What the step loses " +
				"of what the groups told about conversions before the first step."},
			of("information_kept", "Kept", formatShare),
		},
	}
	all := longest(where(where(where(d.rows("segment_merges"), "segmentation", d.CoreSegment), "origin", origin), "conversion_kind", kind))
	slices.SortStableFunc(all, func(a, b record) int {
		x, y, _ := pair(a["step"], b["step"])
		return cmp.Compare(x, y)
	})
	before := 1.0
	for _, r := range all {
		p, kept := r["p_value"], r["information_kept"]
		var lost any
		if k, ok := r.number("information_kept"); ok {
			lost = max(0, before-k)
			before = k
		}
		if d.hidden(find(rows, "segment", r.text("segment")), "customers") {
			p, lost, kept = nil, nil, nil
		}
		t.add("", r["step"], r["segment"], r["into"], r["segments_left"], mergeReasons[r.text("reason")], p, lost, kept)
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// mergesLead says what merging all that conversions cannot tell apart would lose.
func mergesLead(t *table) []sentence {
	if t == nil {
		return nil
	}
	var last []*cell
	for _, r := range t.Rows {
		if r[mergeReason].Value == mergeReasons["alike"] && known(r[mergeKept]) {
			last = r
		}
	}
	if last == nil {
		return nil
	}
	return []sentence{say("Merged step by step, {} would keep {} of what the groups tell about who converts. Nothing is merged: that is for you to decide.",
		counted(last[mergeLeft], "group", "groups"), last[mergeKept])}
}
