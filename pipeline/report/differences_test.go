package report

import "testing"

func TestDifferences(t *testing.T) {
	everyone := rowsOf(t, "customers=400 average_order_value=40 revenue_per_customer=20 days_since_last_order_mean=100 purchase_days_mean=2 discount_share=0.3")
	group := func(line string) string { return line + " window_days=90" }
	for _, x := range []said{
		{name: "nobody", none: true},
		{
			name: "revenue sets them apart", tone: neutral,
			tables: map[string][]record{"report_everybody": everyone, "segment_profiles": rowsOf(t,
				group("segment=Champions customers=100 average_order_value=41 revenue_window=6000 days_since_last_order_mean=10 purchase_days_mean=6 discount_share=0.2"),
				group("segment=Hibernating customers=300 average_order_value=39 revenue_window=2000 days_since_last_order_mean=200 purchase_days_mean=1 discount_share=0.4"))},
			title: "What sets Champions apart most is revenue a customer in 90 days: 60 EUR, everybody 20 EUR",
			lead: "What an order is worth hardly differs between the groups: it runs from 39 EUR (Hibernating) to 41 EUR (Champions).\n" +
				"The share of orders at a discount runs from 20 % (Champions) to 40 % (Hibernating).",
		},
		{
			name: "nothing does", tone: neutral,
			tables: map[string][]record{"report_everybody": everyone, "segment_profiles": rowsOf(t,
				group("segment=Champions customers=100 average_order_value=41 revenue_window=2100 purchase_days_mean=6"),
				group("segment=Hibernating customers=12"))},
			title: "What sets Champions apart is little but how lately and how often they buy",
		},
		{
			name: "one group", tone: neutral,
			tables: map[string][]record{"report_everybody": everyone, "segment_profiles": rowsOf(t,
				group("segment=Champions customers=400 average_order_value=40 revenue_window=8000"))},
			title: "All customers are in one group, Champions",
		},
	} {
		x.run(t, differencesPanel)
	}
}
