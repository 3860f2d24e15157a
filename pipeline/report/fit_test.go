package report

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// vast is a run with more of everything than any company has: twelve kinds of conversion from twelve origins, eight
// segmentations of fifteen groups with names as long as they may be, and twenty-four days.
func vast(t *testing.T) *data {
	t.Helper()
	const groups, kinds, origins, days = 15, 12, 12, 24
	name := func(i int) string { return fmt.Sprintf("%s %d", strings.Repeat("Größte Käufer ", 14), i) }
	day := func(i int) string { return time.Date(2026, 10, 31-i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) }
	tables := map[string][]record{}
	add := func(table string, r record) { tables[table] = append(tables[table], r) }
	segmentations := []string{"core_segment", "rfm_segment", "cluster", "life_cycle", "engagement", "intent", "journey_stage", "value_tier"}
	rate := func(i int) float64 { return 1 / (3.1 + float64(i)) }
	for k, of := range segmentations {
		for g := range groups {
			add("report_definitions", record{
				"segmentation": of, "segment": name(g), "segment_order": int64(g), "action": strings.Repeat("Send them something. ", 30),
				"rule": strings.Repeat("bought in the last thirty days, ", 20),
			})
			profile := record{
				"segmentation": of, "segment": name(g), "customers": int64(1000 + 10*g + k), "share": rate(g), "window_days": int64(90),
				"revenue_window": 123456.789 * rate(g), "conversion_rate": rate(g), "days_since_last_order_mean": 100 * rate(g), "purchase_days_mean": 9 * rate(g),
				"average_order_value": 80 * rate(g), "engagement_rate": rate(g), "discount_share": rate(g), "store_share": rate(g),
			}
			add("segment_profiles", profile)
			for o := range origins {
				for c := range kinds {
					add("segment_validation", record{
						"segmentation": of, "segment": name(g), "origin": day(90 * (o + 1)), "horizon_days": int64(90), "conversion_kind": []string{"any", fmt.Sprint("kind ", c)}[min(c, 1)],
						"customers": int64(1000), "converters": int64(100 + g), "rate": rate(g), "rate_low": 0.9 * rate(g), "rate_high": 1.1 * rate(g), "lift": 7 * rate(g),
						"verdict": []string{"above", "below", "not_proven"}[g%3], "q_value": 0.0001 * rate(g), "value_per_customer": 90 * rate(g), "merge_candidate": name(g / 2),
						"segmentation_auc": 0.7654321, "segmentation_auc_low": 0.7543211, "segmentation_auc_high": 0.7765432,
					})
				}
			}
			for v := range 40 {
				add("segment_traits", record{
					"segmentation": of, "segment": name(g), "kind": "attribute", "trait": fmt.Sprint(name(3), v), "value": name(v), "share": rate(g), "share_everybody": rate(g + 1),
					"lift": 1.5, "verdict": "more", "known": int64(900),
				})
			}
			for to := range groups {
				add("segment_transitions", record{
					"segmentation": of, "from_segment": name(g), "to_segment": name(to), "cause": "purchase", "customers": int64(20 + g + to),
				})
			}
		}
	}
	for g := range groups {
		for _, stage := range stageNames {
			add("report_stages", record{"core_segment": name(g), "journey_stage": stage, "customers": int64(300), "mailable": int64(200)})
		}
		add("report_drops", record{"core_segment": name(g), "drops_to": name(g + 1), "within_7_days": int64(30), "within_30_days": int64(90)})
		add("report_worth", record{
			"core_segment": name(g), "forecast_customers": int64(1000), "horizon_days": int64(365), "clv_revenue": 1e6 * rate(g), "clv_revenue_mean": 1e3 * rate(g),
			"expected_orders_90d": 1e3 * rate(g), "expected_value_90d": 1e5 * rate(g),
		})
		for i := range days {
			add("report_history", record{
				"segment": name(g), "as_of": day(i), "customers": int64(1000 + i), "share": rate(g), "window_days": int64(90), "revenue_window": 1e5 * rate(i), "conversion_rate": rate(i),
			})
		}
	}
	for i := range 3000 {
		add("model_parameters", record{"step": name(i / 100), "parameter": fmt.Sprint("center ", i), "value": rate(i)})
	}
	for i := range 300 {
		add("run_checks", record{"check_name": fmt.Sprint("check ", i), "subject": name(i), "state": "warned", "detail": name(i)})
		if i < 20 {
			add("run_rejects", record{"source": "orders", "reason": fmt.Sprint(name(i), i), "rows": int64(i + 1)})
		}
	}
	add("run_rejects", record{"source": "orders", "reason": "read", "rows": int64(1e6)})
	for _, t := range []string{"customer_segments", "customer_features", "customer_clv"} {
		add(t, record{})
	}
	d := fake(tables)
	d.cached[fmt.Sprint("report_everybody", map[string]string{"customer_features": "customer_features", "customer_segments": "customer_segments"})] = []record{tables["segment_profiles"][0]}
	d.cached[fmt.Sprint("report_day", map[string]string{"t": "model_parameters"})] = tables["model_parameters"]
	return d
}

// However much there is to say, a report can be mailed, what it cites is in it, and it says what it leaves out.
func TestFits(t *testing.T) {
	d, err := vast(t).document()
	if err != nil {
		t.Fatal(err)
	}
	root, text := rendered(t, d)
	if n := len(text); n > mostBytes || n < mostBytes*8/10 {
		t.Errorf("%d bytes, want at most %d, and most of that", n, mostBytes)
	}
	if _, cited := checkPage(t, root); cited < 200 {
		t.Errorf("%d citations", cited)
	}
	if n := len(elements(root, "section", "")); n < 11 {
		t.Errorf("%d sections", n)
	}
	left := false
	for _, p := range elements(root, "p", "more") {
		left = left || strings.Contains(content(p), " more rows in the warehouse.")
	}
	if !left {
		t.Error("nothing says that there are more rows")
	}
	if _, again := rendered(t, d); again != text {
		t.Error("the same document gives other bytes")
	}
}

func TestLimits(t *testing.T) {
	table := &table{ID: "t", Columns: []column{{Name: "n", Format: formatCount}}}
	for i := range mostRows + 5 {
		table.add("", int64(i))
	}
	for _, test := range []struct{ limit, cited, rows, more int }{
		{mostRows, 0, mostRows, 5},
		{mostRows, mostRows + 2, mostRows + 1, 4},
		{3, 100, 4, mostRows + 1},
		{0, 100, 1, mostRows + 4},
		{mostRows + 5, 0, mostRows + 5, 0},
	} {
		v := viewOf(table, map[string]bool{table.Rows[test.cited][0].at: true}, test.limit)
		more := 0
		if v.More != nil {
			more = int(value(v.More))
		}
		if len(v.Rows) != test.rows || more != test.more {
			t.Errorf("limit %d: %d rows and %d more, want %d and %d", test.limit, len(v.Rows), more, test.rows, test.more)
		}
	}
}
