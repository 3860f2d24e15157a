package report

import "testing"

func TestCustomers(t *testing.T) {
	const unknown = " revenue_window= "
	tests := []struct {
		name        string
		rows        []string
		title, lead string
	}{
		{
			name: "a few bring most",
			rows: []string{
				"segment=Champions customers=100 share=0.1 revenue_window=6000", "segment=Loyal customers=300 share=0.3 revenue_window=3000",
				"segment=Hibernating customers=500 share=0.5 revenue_window=1000", "segment=Prospect customers=100 share=0.1 revenue_window=0",
			},
			title: "Champions are 10 % of all people and bring 60 % of the revenue of the last 90 days",
			lead: `A customer in Champions brought 60 EUR in that time, 6.00x the average.
100 of 1,000 people, 10 %, have never bought, or gave everything back.
The largest group is Hibernating: 500 people, 50 %.`,
		},
		{
			name: "two groups",
			rows: []string{
				"segment=Loyal customers=200 share=0.2 revenue_window=4000", "segment=Champions customers=100 share=0.1 revenue_window=4000",
				"segment=Hibernating customers=700 share=0.7 revenue_window=2000",
			},
			title: "Champions and Loyal, 30 % of all people, bring 80 % of the revenue of the last 90 days",
			lead: "A customer in Champions brought 40 EUR in that time, 4.00x the average.\n" +
				"The largest group is Hibernating: 700 people, 70 %.",
		},
		{
			name:  "one group",
			rows:  []string{"segment=Loyal customers=200 share=1 revenue_window=4000"},
			title: "All 200 people are in one group: Loyal",
		},
		{
			name: "only a CRM",
			rows: []string{
				"segment=Prospect customers=900 share=0.9 revenue_window=0", "segment=Browser customers=100 share=0.1 revenue_window=0",
			},
			title: "Nobody has bought yet: the largest group is Prospect with 90 % of all people",
			lead:  "The largest group is Prospect: 900 people, 90 %.",
		},
		{
			name: "nobody lately",
			rows: []string{
				"segment=Hibernating customers=900 share=0.9 revenue_window=0", "segment=At_Risk customers=100 share=0.1 revenue_window=0",
			},
			title: "The largest group is Hibernating with 90 % of all people",
			lead:  "Nobody bought in the last 90 days.\nThe largest group is Hibernating: 900 people, 90 %.",
		},
		{
			name: "more refunded than bought",
			rows: []string{
				"segment=Champions customers=100 share=0.1 revenue_window=900", "segment=Hibernating customers=900 share=0.9 revenue_window=-300",
			},
			title: "The largest group is Hibernating with 90 % of all people",
			lead: "A customer in Champions brought 9 EUR in that time, 15.0x the average.\n" +
				"Hibernating got more back than they paid in that time: −300 EUR.\nThe largest group is Hibernating: 900 people, 90 %.",
		},
		{
			name: "small groups are hidden, even where the table tells",
			rows: []string{
				"segment=Champions customers=19 share=0.02 revenue_window=100000", "segment=Loyal customers=900 share=0.9 revenue_window=900",
				"segment=New customers=2 share=0.08" + unknown,
			},
			title: "The largest group is Loyal with 90 % of all people",
			lead:  "The largest group is Loyal: 900 people, 90 %.",
		},
		{
			name: "value spread evenly",
			rows: []string{
				"segment=Loyal customers=500 share=0.5 revenue_window=500", "segment=Hibernating customers=500 share=0.5 revenue_window=490",
			},
			title: "The largest group is Loyal with 50 % of all people",
			lead:  "The largest group is Loyal: 500 people, 50 %.",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var rows []string
			for _, r := range test.rows {
				rows = append(rows, r+" window_days=90")
			}
			s := built(t, fake(map[string][]record{"segment_profiles": rowsOf(t, rows...)}), customersPanel)
			equal(t, "title", s.Title.String(), test.title)
			equal(t, "lead", lines(s.Lead), test.lead)
		})
	}
	if s := built(t, fake(nil), customersPanel); s != nil {
		t.Errorf("without profiles there is a section: %q", s.Title)
	}
}
