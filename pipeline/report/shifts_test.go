package report

import (
	"strings"
	"testing"
)

func TestShifts(t *testing.T) {
	defined := rowsOf(t, "segment=Champions", "segment=Loyal", "segment=Lost")
	profiles := rowsOf(t, "segment=Champions customers=200 share=0.2", "segment=Loyal customers=300 share=0.3", "segment=Lost customers=19 share=0.5")
	shifts := func(status string, lines ...string) []record {
		out := rowsOf(t, lines...)
		for _, r := range out {
			if r["status"] == nil {
				r["status"] = status
			}
			for _, c := range []string{"from_segment", "to_segment"} {
				if r[c] == nil {
					r[c] = ""
				}
			}
		}
		return out
	}
	moves := []string{
		"horizon_days=30 from_segment=Champions to_segment=Champions customers_from=150 customers=150 probability=1.0 probability_low=0.97 probability_high=1.0 expected_customers=200.0",
		"horizon_days=90 from_segment=Champions to_segment=Champions customers_from=100 customers=60 probability=0.6 probability_low=0.5 probability_high=0.69 expected_customers=120.0",
		"horizon_days=90 from_segment=Champions to_segment=Loyal customers_from=100 customers=40 probability=0.4 probability_low=0.31 probability_high=0.5 expected_customers=80.0",
		"horizon_days=90 from_segment=Loyal to_segment=Loyal customers_from=100 customers=95 probability=0.95 probability_low=0.88 probability_high=0.98 expected_customers=285.0",
		"horizon_days=90 from_segment=Loyal to_segment=Lost customers_from=100 customers=5 probability=0.05 probability_low=0.02 probability_high=0.11 expected_customers=15.0",
		"horizon_days=90 from_segment= to_segment=Champions customers_from=50 customers=50 probability=1.0 probability_low=0.93 probability_high=1.0 expected_customers=50.0",
		"horizon_days=90 from_segment=Lost to_segment=Lost customers_from=9 customers=9 status=too_few",
	}
	tests := func(wrong, naive string, segments ...string) []record {
		all := "horizon_days=90 segment= moves_error=0.1 moved_share=0.3 error=" + wrong + " naive_error=" + naive
		return shifts("", append([]string{all, "horizon_days=30 segment= moves_error=0.1 moved_share=0.2 error=0.5 naive_error=0.4"}, segments...)...)
	}
	for _, x := range []said{
		{name: "nothing", none: true},
		{
			name: "too few to tell", none: true,
			tables: map[string][]record{"segment_shifts": shifts("too_few", "horizon_days=90 from_segment=Lost to_segment=Lost customers_from=9 customers=9")},
		},
		{
			name: "a good forecast", tone: neutral,
			tables: map[string][]record{
				"segment_shifts": shifts("ok", moves...), "segment_profiles": profiles, "report_definitions": defined,
				"segment_shift_validation": blank(tests("0.02", "0.05", "horizon_days=90 segment=Champions actual_customers=200 predicted_customers=150.2 predicted_low=130.1 predicted_high=170.4",
					"horizon_days=90 segment=Loyal actual_customers=300 predicted_customers=310.0 predicted_low=290.0 predicted_high=330.0")),
			},
			title: "Of those in Champions 90 days ago, 60 % still are, and 40 % are in Loyal now",
			lead: `Loyal keeps the largest share of its customers (95 %), Champions the smallest (60 %).
The sizes that were foreseen 90 days ago put 2.0 % of the customers into the wrong group; taking it that nothing changes, 5.0 %.
Not foreseen: Champions has 200 customers, and 130 to 170 were expected.
In 90 days, Loyal is expected to grow most: from 300 customers to 365 (+22 %).
In 90 days, Champions is expected to shrink most: from 200 customers to 170 (−15 %).`,
		},
		{
			name: "no better than nothing", tone: neutral,
			tables: map[string][]record{
				"segment_shifts": shifts("no_better_than_naive", moves...), "segment_profiles": profiles, "report_definitions": defined,
				"segment_shift_validation": blank(tests("0.05", "0.05", "horizon_days=90 segment=Loyal actual_customers=300 predicted_customers=310.0 predicted_low=290.0 predicted_high=330.0")),
			},
			title: "Of those in Champions 90 days ago, 60 % still are, and 40 % are in Loyal now",
			lead: `Loyal keeps the largest share of its customers (95 %), Champions the smallest (60 %).
The sizes that were foreseen 90 days ago put 5.0 % of the customers into the wrong group; taking it that nothing changes, 5.0 %. The sizes to come are not drawn, therefore.
All groups have come to the sizes that were foreseen, as far as chance lets them.`,
		},
		{
			name: "untried", tone: neutral,
			tables: map[string][]record{"segment_shifts": shifts("unvalidated", moves[1]), "segment_profiles": profiles, "report_definitions": defined},
			title:  "Of those in Champions 90 days ago, 60 % still are",
			lead: `Whether the past tells the future has not been tried yet: the history is too short.
In 90 days, Champions is expected to shrink most: from 200 customers to 120 (−40 %).`,
		},
	} {
		x.run(t, shiftsPanel)
	}
}

// blank puts an empty text where a row names no segment.
func blank(rows []record) []record {
	for _, r := range rows {
		if r["segment"] == nil {
			r["segment"] = ""
		}
	}
	return rows
}

// A size that nobody foresees well is not drawn, and a group that is hidden is no group of nobody.
func TestShiftSizes(t *testing.T) {
	d := faked(map[string][]record{
		"report_definitions": rowsOf(t, "segment=Champions", "segment=Lost"),
		"segment_profiles":   rowsOf(t, "segment=Champions customers=200 share=0.9", "segment=Lost customers=19 share=0.1"),
	})
	rows := rowsOf(t, "horizon_days=90 from_segment=Champions to_segment=Champions expected_customers=150.0 status=ok",
		"horizon_days=90 from_segment=Champions to_segment=Lost expected_customers=50.0 status=ok", "horizon_days=90 from_segment=Lost to_segment=Lost status=too_few")
	for _, r := range rows {
		r["status"] = strings.ReplaceAll(r.text("status"), " ", "_")
	}
	sizes := d.shiftSizes(rows, int64(90))
	if len(sizes.Rows) != 2 || value(sizes.Rows[0][sizeExpected]) != 150 || value(sizes.Rows[1][sizeExpected]) != 69 || known(sizes.Rows[1][sizeChange]) {
		for _, r := range sizes.Rows {
			t.Errorf("%s: %s to %s (%s)", r[sizeSegment], r[sizeNow], r[sizeExpected], r[sizeChange])
		}
	}
	rows[0]["status"] = shiftNoBetter
	if sizes := d.shiftSizes(rows, int64(90)); len(sizes.Rows) != 0 {
		t.Error("a useless forecast is drawn")
	}
}

// Both axes have the groups in the same order, whichever a group's customers went to first.
func TestShiftsDiagonal(t *testing.T) {
	d := faked(map[string][]record{"report_definitions": rowsOf(t, "segment=Champions", "segment=Loyal", "segment=Lost")})
	moves := d.shiftMoves(rowsOf(t, "horizon_days=90 from_segment=Champions to_segment=Lost customers=60 probability=0.6",
		"horizon_days=90 from_segment=Loyal to_segment=Loyal customers=60 probability=0.6",
		"horizon_days=90 from_segment=Lost to_segment=Champions customers=60 probability=0.6"))
	option := shiftsOption(moves)
	x, y := option["xAxis"].(map[string]any)["data"].([]string), option["yAxis"].(map[string]any)["data"].([]string)
	if want := "Champions Loyal Lost"; strings.Join(x, " ") != want || strings.Join(y, " ") != want {
		t.Errorf("%v across, %v down, want %s", x, y, want)
	}
}
