package report

import (
	"fmt"
	"slices"
	"testing"
)

func TestTrend(t *testing.T) {
	day := func(day string, lines ...string) []record {
		out := rowsOf(t, lines...)
		for _, r := range out {
			r["as_of"], r["window_days"] = day, int64(90)
		}
		return out
	}
	first := day("2026-09-30", "segment=Champions customers=100 revenue_window=800 conversion_rate=0.9", "segment=Loyal customers=100 revenue_window=200 conversion_rate=0.5")
	for _, x := range []said{
		{name: "no day", none: true},
		{name: "one day", tables: map[string][]record{"report_history": first}, none: true},
		{
			name: "two days", tone: neutral,
			tables: map[string][]record{"report_history": slices.Concat(first,
				day("2026-10-31", "segment=Champions customers=120 revenue_window=1000 conversion_rate=0.9", "segment=Loyal customers=60 revenue_window=100 conversion_rate=0.5"))},
			title: "Revenue of the last 90 days is +10 % against that on 2026-09-30; the number of customers is −10 %",
			lead: "Revenue went from 1,000 EUR to 1,100 EUR.\nThe share of customers who bought went from 70 % to 77 %.\n" +
				"Champions grew most: from 100 customers to 120 (+20 %).\nLoyal shrank most: from 100 customers to 60 (−40 %).",
		},
		{
			name: "no orders", tone: neutral,
			tables: map[string][]record{"report_history": slices.Concat(day("2026-09-30", "segment=Prospect customers=100 revenue_window=0"),
				day("2026-10-31", "segment=Prospect customers=100 revenue_window=0"))},
			title: "The number of customers is unchanged against 2026-09-30",
		},
	} {
		x.run(t, trendPanel)
	}
}

func TestThinned(t *testing.T) {
	var days []string
	for i := range 100 {
		days = append(days, fmt.Sprintf("%03d", i))
	}
	got := thinned(days, 24)
	if len(got) != 24 || got[0] != "000" || got[23] != "099" || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != 24 {
		t.Errorf("thinned: %q", got)
	}
	if got := thinned(days[:24], 24); len(got) != 24 {
		t.Errorf("%d of 24 days are left", len(got))
	}
}
