package report

import (
	"testing"
	"time"
)

func trusted(t *testing.T) map[string][]record {
	return map[string][]record{
		"run_checks": rowsOf(t, "check_name=conservation state=passed", "check_name=gate subject=core state=passed detail=fine"),
		"run_rejects": rowsOf(t, "source=customers_known reason=read rows=1000", "source=customers_known reason=used rows=990",
			"source=customers_known reason=consent rows=10", "source=orders reason=read rows=5000", "source=orders reason=used rows=5000"),
		"segment_validation": rowsOf(t,
			"segment=Loyal origin=2026-08-02 horizon_days=90 conversion_kind=order customers=400 converters=200 verdict=above "+
				"segmentation_auc=0.75 segmentation_auc_low=0.72 segmentation_auc_high=0.78",
			"segment=Hibernating origin=2026-08-02 horizon_days=90 conversion_kind=order customers=500 converters=50 verdict=below "+
				"segmentation_auc=0.75 segmentation_auc_low=0.72 segmentation_auc_high=0.78"),
	}
}

func TestTrust(t *testing.T) {
	base := trusted(t)
	base["run_rejects"][0]["source"], base["run_rejects"][1]["source"], base["run_rejects"][2]["source"] = peopleSource, peopleSource, peopleSource
	tests := []struct {
		name        string
		change      func(*data)
		more        map[string][]record
		title, lead string
		tone        tone
	}{
		{
			name: "good", tone: good, title: "You can trust this run: the groups tell well who converts and who does not",
			lead: `It describes your customers as of 2026-10-31.
In the 90 days after 2026-08-02, 250 of 900 customers bought. The order of the groups tells them from the others with an AUC of 0.75 (between 0.72 and 0.78; a coin toss gives a half).
2 of 2 groups differ measurably from the rest.
2 checks passed.
Of 1,000 people known, left out: 10 (no consent to profiling).`,
		},
		{
			name: "small warnings", tone: good, title: "You can trust this run: the groups tell well who converts and who does not",
			more: map[string][]record{
				"segment_validation": nil,
				"run_checks": {
					{"check_name": "anonymous_rows", "subject": "orders", "state": "warned", "detail": "3 rows"},
				},
			},
			lead: "",
		},
		{
			name: "warnings of steps beside the groups", tone: good, title: "You can trust this run: the groups tell well who converts and who does not",
			more: map[string][]record{"run_rejects": nil, "run_checks": {
				{"check_name": runWarnings, "subject": "cluster", "state": "warned", "detail": "The clusters are weak."},
				{"check_name": "drift", "subject": "clv.mbgnbd_a", "state": "warned", "detail": "it went"},
				{"check_name": runWarnings, "subject": "clv", "state": "warned", "detail": "The 12054 one-time buyers have not been held against what came. Of 2026-10-31."},
			}},
			lead: `It describes your customers as of 2026-10-31.
In the 90 days after 2026-08-02, 250 of 900 customers bought. The order of the groups tells them from the others with an AUC of 0.75 (between 0.72 and 0.78; a coin toss gives a half).
2 of 2 groups differ measurably from the rest.
0 checks passed, 3 warned.
The clusters are weak.
The 12,054 one-time buyers have not been held against what came. Of 2026-10-31.`,
		},
		{
			name: "warnings that put the groups in doubt", tone: caution, title: "Trust it with care: the groups tell well who converts, but mind the warnings",
			more: map[string][]record{"run_rejects": nil, "run_checks": {
				{"check_name": "fit", "subject": "cluster", "state": "warned", "detail": "not_enough_customers"},
				{"check_name": runWarnings, "subject": "behavior", "state": "warned", "detail": "one"},
				{"check_name": runWarnings, "subject": "clv", "state": "warned", "detail": "two"},
				{"check_name": runWarnings, "subject": "cluster", "state": "warned", "detail": "said already"},
				{"check_name": runWarnings, "subject": "mystery", "state": "warned", "detail": "0.5116 (95 % interval 0.5072 to 0.5160) of 1503 customers, 102089: more."},
				{"check_name": "segmentation", "subject": "journey_stage", "state": "warned", "detail": "an AUC of 0.5116"},
				{"check_name": "shifts", "subject": "30 days", "state": "warned", "detail": "no better"},
				{"check_name": "drift", "subject": "core_segment/New", "state": "warned", "detail": "it grew"},
				{"check_name": runWarnings, "subject": "rfm", "state": "warned", "detail": "the learned cuts call a purchase of up to 432 days ago recent"},
			}},
			lead: `It describes your customers as of 2026-10-31.
In the 90 days after 2026-08-02, 250 of 900 customers bought. The order of the groups tells them from the others with an AUC of 0.75 (between 0.72 and 0.78; a coin toss gives a half).
2 of 2 groups differ measurably from the rest.
The scores: the learned cuts call a purchase of up to 432 days ago recent.
The clusters: too few customers to find any.
Beside the groups: journey stage is not shown to tell who converts.
How large the groups will be is not foreseen better than by the sizes they have.
Something has shifted since earlier runs; what, is said under “What has changed under the hood?”.
0 checks passed, 9 warned.
The life cycle: one.
The forecasts: two.
Mystery: 0.5116 (95 % interval 0.5072 to 0.5160) of 1,503 customers, 102,089: more.`,
		},
		{
			name: "too little history", tone: caution, title: "Not evaluated: the groups could not be tested against what customers did next",
			more: map[string][]record{
				"segment_validation": nil, "run_rejects": nil,
				"run_checks": {{"check_name": "gate", "subject": "core_segment", "state": checkNotEvaluated, "detail": "too little history"}},
			},
			lead: "It describes your customers as of 2026-10-31.\nThe groups were not tested: too little history\n0 checks passed, 1 could not be evaluated.",
		},
		{
			name: "rejected early", tone: bad, title: "Do not use this run: it was rejected, and nothing was published",
			change: func(d *data) { d.Run.State, d.Run.Why = Rejected, "the orders are in EUR and USD" },
			more:   map[string][]record{"segment_validation": nil, "run_checks": nil, "run_rejects": nil},
			lead:   "The run for 2026-10-31 was stopped before there were any groups. What was published before is still in place.",
		},
		{
			name: "rejected by a check", tone: bad, title: "Do not use this run: it was rejected, and nothing was published",
			change: func(d *data) {
				d.Run.State, d.Run.Why = Rejected, "volume of customers: 12 customers, 900 on 2026-10-24"
			},
			more: map[string][]record{
				"segment_profiles": nil, "segment_validation": nil, "run_rejects": nil,
				"run_checks": {{"check_name": "volume", "subject": "customers", "state": checkFailed, "detail": "12 customers, 900 on 2026-10-24"}},
			},
			lead: "This is what would have been published as of 2026-10-31. What was published before is still in place.\n" +
				"0 checks passed, 1 failed.",
		},
		{
			name: "accepted", tone: caution, title: "Use with care: a check failed, and somebody accepted that",
			more: map[string][]record{"run_rejects": nil, "run_checks": {
				{"check_name": "history", "subject": "orders", "state": checkAccepted, "detail": "accepted by --accept history: 4000 used rows, 9000 before"},
			}},
			lead: `It describes your customers as of 2026-10-31.
Rows of days that were read before (orders): accepted by --accept history: 4,000 used rows, 9,000 before.
In the 90 days after 2026-08-02, 250 of 900 customers bought. The order of the groups tells them from the others with an AUC of 0.75 (between 0.72 and 0.78; a coin toss gives a half).
2 of 2 groups differ measurably from the rest.
0 checks passed, 1 failed and accepted.`,
		},
		{
			name: "old, forecasts off, many rows without a customer", tone: caution,
			title:  "Trust it with care: the groups tell well who converts, but mind the warnings",
			change: func(d *data) { d.Run.EndedAt = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) },
			more: map[string][]record{
				"run_checks": {
					{"check_name": forecastChecks, "subject": "clv orders", "state": checkWarned, "detail": "No naive baseline"},
					{"check_name": forecastChecks, "subject": "clv value", "state": checkWarned, "detail": "withheld. As good"},
					{"check_name": "volume", "subject": "customers", "state": checkWarned, "detail": "half of last week's"},
				},
				"model_validation": rowsOf(t, "origin=2026-08-02 model=clv metric=total bin=0"),
				"run_rejects":      rowsOf(t, "source=orders reason=read rows=100", "source=orders reason=other rows=25"),
			},
			lead: `It describes your customers as of 2026-10-31.
The day lies 31 days back: ask whether there is a newer report.
In the 90 days after 2026-08-02, 250 of 900 customers bought. The order of the groups tells them from the others with an AUC of 0.75 (between 0.72 and 0.78; a coin toss gives a half).
2 of 2 groups differ measurably from the rest.
25 rows of orders, 25 %, name no customer: they count for nobody.
Number of customers (customers): half of last week's.
The forecast of orders beats the naive ones, but was off by −26 % in all: trust its order more than its sums.
The forecast of value is withheld: a naive one is as good.
0 checks passed, 3 warned.`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tables := with(base, test.more)
			switch test.name {
			case "small warnings", "warnings of steps beside the groups", "warnings that put the groups in doubt":
				tables["segment_validation"] = base["segment_validation"]
			case "old, forecasts off, many rows without a customer":
				tables["model_validation"] = []record{{"origin": "2026-08-02", "model": "clv", "metric": "total_bias_orders", "actual": -0.26}}
				tables["run_rejects"][1]["reason"] = "missing_customer_id"
			}
			d := fake(tables)
			if test.change != nil {
				test.change(d)
			}
			s := built(t, d, trustPanel)
			equal(t, "title", s.Title.String(), test.title)
			if s.Tone != test.tone {
				t.Errorf("tone %s, want %s", s.Tone, test.tone)
			}
			if test.lead != "" {
				equal(t, "lead", lines(s.Lead), test.lead)
			}
		})
	}
}

func TestTrustTitle(t *testing.T) {
	for _, test := range []struct {
		low, share float64
		want       string
	}{
		{0.85, 1, "You can trust this run: the groups tell very well who converts and who does not"},
		{0.65, 0.5, "You can trust this run: the groups tell fairly well who converts and who does not"},
		{0.55, 0.9, "You can trust this run: the groups tell a little better than chance who converts and who does not"},
		{0.5, 0.9, "Use with care: the order of the groups is not proven to tell who converts"},
		{0.7, 0.4, "Use with care: only 40 % of the customers are in groups that are proven to differ from the rest"},
	} {
		d := fake(trusted(t))
		x := trust{order: d.orderTable(), troubles: &table{}}
		x.order.Rows[0][6].Value, x.order.Rows[0][10].Value = test.low, test.share
		title, _ := x.verdict(Published)
		equal(t, "title", title.String(), test.want)
	}
}

func TestOutcomesKind(t *testing.T) {
	d := fake(map[string][]record{"segment_validation": rowsOf(t,
		"segment=Loyal origin=2026-05-01 conversion_kind=any rate=0.1", "segment=Loyal origin=2026-08-02 conversion_kind=any rate=0.2",
		"segment=Loyal origin=2026-08-02 conversion_kind=lead rate=0.3", "segment=Loyal origin=2026-08-02 conversion_kind=order rate=0.4")})
	if got := d.outcomes("core_segment"); len(got) != 1 || got[0]["rate"] != 0.2 {
		t.Errorf("outcomes %v, want those of any conversion at the newest origin", got)
	}
}
