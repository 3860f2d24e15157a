package report

import (
	"slices"
	"testing"
)

// outcomeRows are rows of segment_validation from an origin. The verdicts are written with blanks by rowsOf.
func outcomeRows(t *testing.T, kind, origin string, lines ...string) []record {
	t.Helper()
	out := rowsOf(t, lines...)
	for _, r := range out {
		r["origin"], r["horizon_days"], r["conversion_kind"], r["verdict"] = origin, int64(90), kind, underscored(r.text("verdict"))
	}
	return out
}

func TestConversions(t *testing.T) {
	const champions = "segment=Champions customers=100 converters=50 rate=0.5 rate_low=0.4 rate_high=0.6 lift=2 verdict=above"
	const hibernating = "segment=Hibernating customers=300 converters=50 rate=0.16667 rate_low=0.12 rate_high=0.2 lift=0.66 verdict=below"
	const fresh = "segment=New customers=50 converters=12 rate=0.24 rate_low=0.1 rate_high=0.3 lift=0.96 verdict=not_proven merge_candidate=Hibernating"
	const few = "segment=At_Risk customers=7 converters=2 rate=0.28 rate_low=0.1 rate_high=0.5 lift=0.9 verdict=too_few"
	const all = "Of 400 customers known on 2026-08-02, 100 bought in the 90 days after: 25 %.\n"
	for _, x := range []said{
		{name: "nothing is known", none: true},
		{
			name:   "not evaluated",
			tables: map[string][]record{"run_checks": gateOf(checkRows(t, "check_name=gate state=not_evaluated detail=too_little_history"))},
			title:  "Not evaluated: too little history", tone: caution,
			lead: "Until it has been, the groups describe what customers did; they do not promise what they will do.",
		},
		{
			name: "there are outcomes, but too few to judge",
			tables: map[string][]record{
				"run_checks":         gateOf([]record{{"check_name": "gate", "state": checkNotEvaluated, "detail": "0 of 47511 customers converted, and 100 are needed to judge."}}),
				"segment_validation": outcomeRows(t, "order", "2026-08-02", "segment=Champions customers=47511 converters=0 rate=0 verdict=not_evaluated"),
			},
			title: "Not evaluated: 0 of 47,511 customers converted, and 100 are needed to judge", tone: caution,
			lead: "Until it has been, the groups describe what customers did; they do not promise what they will do.",
		},
		{
			name: "two groups that differ", tone: good,
			tables: map[string][]record{"segment_validation": outcomeRows(t, "order", "2026-08-02", champions, hibernating)},
			title:  "2 of 2 groups bought measurably more or less often than the rest: Champions most (50 %) and Hibernating least (17 %)",
			lead:   all + "Of Champions, 50 % bought (the interval runs from 40 % to 60 %), 2.00x everybody's rate: more often.",
		},
		{
			name: "only one is proven", tone: neutral,
			tables: map[string][]record{"segment_validation": outcomeRows(t, "any", "2026-08-02", champions, fresh, few)},
			title:  "1 of 3 groups converted measurably more or less often than the rest: Champions most (50 %)",
			lead: "Of 157 customers known on 2026-08-02, 64 converted in the 90 days after: 41 %.\n" +
				"Of Champions, 50 % converted (the interval runs from 40 % to 60 %), 2.00x everybody's rate: more often.\n" +
				"Not proven: whether New converted differently from the rest.\nToo few to say anything of: At Risk.\n" +
				"By conversions alone, one cannot tell New from Hibernating.",
		},
		{
			name: "nothing is proven", tone: caution,
			tables: map[string][]record{"segment_validation": outcomeRows(t, "order", "2026-08-02", fresh, few)},
			title:  "Not proven: no group has bought measurably more or less often than the rest",
			lead: "Of 57 customers known on 2026-08-02, 14 bought in the 90 days after: 25 %.\nNot proven: whether New bought differently from the rest.\n" +
				"Too few to say anything of: At Risk.\nBy conversions alone, one cannot tell New from Hibernating.",
		},
		{
			name: "one group", tone: caution,
			tables: map[string][]record{"segment_validation": outcomeRows(t, "order", "2026-08-02", fresh)},
			title:  "All customers were in one group, New: there is nothing to compare",
			lead: "Of 50 customers known on 2026-08-02, 12 bought in the 90 days after: 24 %.\nNot proven: whether New bought differently from the rest.\n" +
				"By conversions alone, one cannot tell New from Hibernating.",
		},
		{
			name: "two origins", tone: good,
			tables: map[string][]record{"segment_validation": append(outcomeRows(t, "order", "2026-08-02", champions, hibernating),
				outcomeRows(t, "order", "2026-05-04", champions, fresh)...)},
			title: "2 of 2 groups bought measurably more or less often than the rest: Champions most (50 %) and Hibernating least (17 %)",
			lead: all + "Of Champions, 50 % bought (the interval runs from 40 % to 60 %), 2.00x everybody's rate: more often.\n" +
				"Of the 2 groups that differ, 1 did so from all 2 origins.",
		},
		{
			name: "intervals, a shorter horizon and merges", tone: good,
			tables: map[string][]record{
				"segment_validation": slices.Concat(outcomeRows(t, "order", "2026-08-02", champions+" lift_low=1.6 lift_high=2.4", hibernating),
					within(30, outcomeRows(t, "order", "2026-08-02", "segment=Champions customers=100 converters=20 rate=0.2 verdict=above", hibernating))),
				"segment_merges": mergeRows(t, "step=1 segment=Hibernating into=Promising segments_left=2 p_value=0.4 reason=alike information_kept=0.996",
					"step=2 segment=Champions into=Promising segments_left=1 p_value=0.001 reason=too_many information_kept=0.2"),
			},
			title: "2 of 2 groups bought measurably more or less often than the rest: Champions most (50 %) and Hibernating least (17 %)",
			lead: all + "Of Champions, 50 % bought (the interval runs from 40 % to 60 %), 2.00x everybody's rate (1.60x to 2.40x): more often.\n" +
				"20 % of Champions had bought within 30 days already.\n" +
				"Merged step by step, 2 groups would keep 99.6 % of what the groups tell about who converts. Nothing is merged: that is for you to decide.",
		},
	} {
		x.run(t, conversionsPanel)
	}
}

// within are rows of another horizon.
func within(days int64, rows []record) []record {
	for _, r := range rows {
		r["horizon_days"] = days
	}
	return rows
}

// mergeRows are rows of segment_merges of the newest origin.
func mergeRows(t *testing.T, lines ...string) []record {
	t.Helper()
	out := rowsOf(t, lines...)
	for _, r := range out {
		r["origin"], r["horizon_days"], r["conversion_kind"], r["reason"] = "2026-08-02", int64(90), "order", underscored(r.text("reason"))
	}
	return out
}

// Of a small group that could be merged nothing but its name is said.
func TestMergesHide(t *testing.T) {
	d := faked(map[string][]record{"segment_merges": mergeRows(t,
		"step=1 segment=Tiny into=Hibernating segments_left=2 p_value=0.4 reason=alike information_kept=0.9",
		"step=2 segment=New into=Hibernating segments_left=1 p_value=0.3 reason=alike information_kept=0.7")})
	rows := d.merges("2026-08-02", "order", outcomeRows(t, "order", "2026-08-02", "segment=Tiny customers=19", "segment=New customers=20")).Rows
	for i, c := range rows[0] {
		if hide := i == mergeP || i == mergeLost || i == mergeKept; known(c) == hide {
			t.Errorf("column %d of a group of nineteen: %q", i, c)
		}
	}
	if rows[1][mergeLost].String() != percent(.2) || rows[1][mergeKept].String() != percent(.7) {
		t.Errorf("the second step loses %v and keeps %v", rows[1][mergeLost], rows[1][mergeKept])
	}
}

func gateOf(rows []record) []record {
	rows[0]["subject"] = "core_segment"
	return rows
}

// Of small groups nothing but the size is in any table.
func TestConversionsHide(t *testing.T) {
	d := faked(map[string][]record{"segment_validation": outcomeRows(t, "order", "2026-08-02",
		"segment=A customers=19 converters=9 rate=0.47 rate_low=0.1 rate_high=0.6 lift=2 q_value=0.01 value_per_customer=3 verdict=above",
		"segment=B customers=20 converters=9 rate=0.45 rate_low=0.1 rate_high=0.6 lift=2 q_value=0.01 value_per_customer=3 verdict=above")})
	s := built(t, d, conversionsPanel)
	rows := s.Charts[0].Table.Rows
	for i, c := range rows[0] {
		if shown := i == ofSegment || i == ofMembers || i == ofVerdict; known(c) != shown {
			t.Errorf("column %d of a group of nineteen: %q", i, c)
		}
	}
	if got := rows[0][ofVerdict].String(); got != "too few" {
		t.Errorf("the verdict on a group of nineteen: %q", got)
	}
	if !known(rows[1][ofRate]) {
		t.Error("a group of twenty is hidden")
	}
}
