package report

import "testing"

func TestQuality(t *testing.T) {
	rejects := func(lines ...string) []record {
		out := rowsOf(t, lines...)
		for _, r := range out {
			r["source"], r["reason"] = underscored(r.text("source")), underscored(r.text("reason"))
		}
		return out
	}
	people := []string{"source=customers_known reason=read rows=50", "source=customers_known reason=used rows=50"}
	orders := func(more ...string) map[string][]record {
		return map[string][]record{"run_rejects": rejects(append(more, people...)...)}
	}
	const all = "All 50 customers known are segmented."
	for _, x := range []said{
		{name: "nothing was counted", none: true},
		{
			name: "nothing was lost", tone: good, title: "No row had to be put aside", lead: all,
			tables: orders("source=orders reason=read rows=100", "source=orders reason=duplicate rows=10", "source=orders reason=later rows=30", "source=orders reason=used rows=60",
				"source=orders reason=refund_above_amount rows=7"),
		},
		{
			name: "a little", tone: good, title: "Hardly any data was put aside, most in orders: 1 of 100 rows (1.0 %)",
			lead:   "The most frequent reason in orders: no customer (1 row, 1.0 %).\n" + all,
			tables: orders("source=orders reason=read rows=100", "source=orders reason=missing_customer_id rows=1", "source=orders reason=used rows=99"),
		},
		{
			name: "some", tone: caution, title: "Some of the data was put aside, most in orders: 12 of 100 rows (12 %)",
			lead: "The most frequent reason in orders: no time (8 rows, 8.0 %). Mend it at the source where that can be done: what these rows say is in no figure here.\n" + all,
			tables: orders("source=orders reason=read rows=100", "source=orders reason=missing_customer_id rows=4", "source=orders reason=missing_time rows=8",
				"source=orders reason=used rows=88"),
		},
		{
			name: "much, and people", tone: bad, title: "Much of the data was put aside, most in orders: 40 of 100 rows (40 %)",
			lead: "The most frequent reason in orders: an amount that is no number (40 rows, 40 %). Mend it at the source where that can be done: what these rows say is in no figure here.\n" +
				"Of 50 customers known, 1 is in no segment; the most frequent reason: no consent to profiling.\nA check failed: rows put aside.",
			tables: map[string][]record{
				"run_rejects": rejects("source=customers_known reason=read rows=50", "source=customers_known reason=consent rows=1", "source=customers_known reason=used rows=49",
					"source=orders reason=read rows=100", "source=orders reason=bad_amount rows=40", "source=orders reason=used rows=60"),
				"run_checks": checkRows(t, "check_name=rejected_rows subject=orders state=failed", "check_name=fit subject=clv state=passed"),
			},
		},
	} {
		x.run(t, qualityPanel)
	}
}

// What is left after every step is what is used in the end; notes are no steps.
func TestQualityFlow(t *testing.T) {
	d := faked(nil)
	rows := rowsOf(t, "reason=read rows=100", "reason=used rows=60", "reason=duplicate rows=10", "reason=later rows=5", "reason=test rows=25")
	rows = append(rows, record{"reason": "refund_above_amount", "rows": int64(7)})
	flow := d.qualityFlow("orders", rows)
	var left []float64
	for _, r := range flow.Rows {
		left = append(left, value(r[flowLeft]))
	}
	if want := []float64{100, 75, 65, 60, 60}; len(left) != len(want) || left[1] != want[1] || left[3] != want[3] || left[4] != want[4] {
		t.Errorf("left: %v, want %v", left, want)
	}
}
