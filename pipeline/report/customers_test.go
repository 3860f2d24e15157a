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
		},
		{
			name: "nobody lately",
			rows: []string{
				"segment=Hibernating customers=900 share=0.9 revenue_window=0", "segment=At_Risk customers=100 share=0.1 revenue_window=0",
			},
			title: "The largest group is Hibernating with 90 % of all people",
			lead:  "Nobody bought in the last 90 days.",
		},
		{
			name: "more refunded than bought",
			rows: []string{
				"segment=Champions customers=100 share=0.1 revenue_window=900", "segment=Hibernating customers=900 share=0.9 revenue_window=-300",
			},
			title: "The largest group is Hibernating with 90 % of all people",
			lead: "A customer in Champions brought 9 EUR in that time, 15.0x the average.\n" +
				"Hibernating got more back than they paid in that time: −300 EUR.",
		},
		{
			name: "small groups are hidden, even where the table tells",
			rows: []string{
				"segment=Champions customers=19 share=0.02 revenue_window=100000", "segment=Loyal customers=900 share=0.9 revenue_window=900",
				"segment=New customers=2 share=0.08" + unknown,
			},
			title: "The largest group is Loyal with 90 % of all people",
			lead:  "The rest, 21 people, are in 2 groups too small to describe.",
		},
		{
			name: "of hidden groups nothing is said, nor that they bought nothing",
			rows: []string{
				"segment=Champions customers=12 share=0.12" + unknown, "segment=Hibernating customers=88 share=0.88 revenue_window=0",
			},
			title: "The largest group is Hibernating with 88 % of all people",
			lead:  "Nobody in the groups shown bought in the last 90 days.\nThe rest, 12 people, are in 1 group too small to describe.",
		},
		{
			name: "a few bring most of what is told",
			rows: []string{
				"segment=Champions customers=100 share=0.1 revenue_window=6000", "segment=Loyal customers=19 share=0.02" + unknown,
				"segment=Hibernating customers=881 share=0.88 revenue_window=3000",
			},
			title: "Champions are 10 % of all people and bring 67 % of what the groups shown brought in the last 90 days",
			lead: `A customer in Champions brought 60 EUR in that time, 6.54x the average of the groups shown.
The rest, 19 people, are in 1 group too small to describe.
The largest group is Hibernating: 881 people, 88 %.`,
		},
		{
			name: "nearly all hidden",
			rows: []string{
				"segment=Champions customers=12 share=0.2" + unknown, "segment=Loyal customers=19 share=0.32" + unknown,
				"segment=Hibernating customers=29 share=0.48 revenue_window=10",
			},
			title: "The largest group is Hibernating with 48 % of all people",
			lead:  "Of 31 people in 2 groups, 52 %, only their number is told: privacy.min_group in the configuration hides groups of fewer than 20 people.",
		},
		{
			name:  "all hidden",
			rows:  []string{"segment=Champions customers=12 share=0.4" + unknown, "segment=Hibernating customers=18 share=0.6" + unknown},
			title: "30 people are too few to describe: each of the 2 groups has fewer than 20",
			lead:  "privacy.min_group in the configuration hides groups of fewer than 20 people, so that nothing but their sizes is told.",
		},
		{
			name: "value spread evenly",
			rows: []string{
				"segment=Loyal customers=500 share=0.5 revenue_window=500", "segment=Hibernating customers=500 share=0.5 revenue_window=490",
			},
			title: "The largest group is Loyal with 50 % of all people",
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

// The group to begin with is the one that is expected to bring most, of those that are proven to convert more often.
func TestFirst(t *testing.T) {
	base := map[string][]record{
		"segment_profiles": rowsOf(t, "segment=Champions customers=100 share=0.1 revenue_window= window_days=90",
			"segment=Loyal customers=630 share=0.6 revenue_window= window_days=90", "segment=Hibernating customers=300 share=0.3 revenue_window= window_days=90"),
		"segment_validation": outcomeRows(t, "order", "2026-08-02", "segment=Champions customers=90 rate=0.9 horizon_days=90 verdict=above",
			"segment=Loyal customers=600 rate=0.86 horizon_days=90 verdict=above", "segment=Hibernating customers=200 rate=0.1 horizon_days=90 verdict=not_proven"),
		"run_checks": rowsOf(t, "check_name=gate state=passed"),
	}
	worth := rowsOf(t, "core_segment=Champions clv_revenue=9000", "core_segment=Loyal clv_revenue=7000", "core_segment=Hibernating clv_revenue=90000")
	for _, test := range []struct {
		name   string
		tables map[string][]record
		state  State
		want   string
	}{
		{name: "by how many convert", want: "Begin with Loyal: 630 people. Of those in this group on 2026-08-02, 86 % bought within 90 days, proven more often than the others."},
		{
			name: "by worth, and to whom one can write",
			tables: map[string][]record{
				"report_worth":  worth,
				"report_stages": rowsOf(t, "core_segment=Champions customers=100 mailable=60", "core_segment=Loyal customers=630 mailable=400"),
			},
			want: "Write first to Champions: 100 people, of whom 60 may be e-mailed. Of those in this group on 2026-08-02, 90 % bought within 90 days, proven more often than the others.",
		},
		{name: "rejected", state: Rejected},
		{name: "not judged", tables: map[string][]record{"run_checks": {{"check_name": "gate", "state": checkNotEvaluated}}}},
		{name: "nothing proven", tables: map[string][]record{"segment_validation": nil}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := fake(with(base, test.tables))
			if test.state != "" {
				d.Run.State = test.state
			}
			s := built(t, d, customersPanel)
			equal(t, "first", s.First.String(), test.want)
			if test.want != "" {
				equal(t, "the first of the lead", s.Lead[0].String(), test.want)
			}
		})
	}
}
