package report

import (
	"strings"
	"testing"
)

// experimentRows are the tables of a run with an experiment whose check of the sample ratio went so.
func experimentRows(t *testing.T, arms, results []string, ratio string) *data {
	t.Helper()
	told := rowsOf(t, results...)
	for _, r := range told {
		r["verdict"] = strings.ReplaceAll(r.text("verdict"), " ", "_")
	}
	return fake(map[string][]record{
		"experiment_arms": rowsOf(t, arms...), "experiment_results": told,
		"run_checks":          {{"check_name": "sample_ratio", "subject": "winter mail", "state": ratio}},
		"report_definitions":  rowsOf(t, "segment=Loyal", "segment=Lost", "segment=Few"),
		"segment_definitions": {},
	})
}

var mailArms = []string{
	"experiment=winter_mail variant=control customers=1000 waiting=0 share=0.5 expected_share=0.5 sample_ratio_p_value=0.8 crossed_over=0 first_assigned_on=2026-09-01 last_assigned_on=2026-09-01",
	"experiment=winter_mail variant=mail customers=1010 waiting=0 share=0.5 expected_share=0.5 sample_ratio_p_value=0.8 crossed_over=0 first_assigned_on=2026-09-01 last_assigned_on=2026-09-01",
}

const mailIn = "experiment=winter_mail conversion_kind=order variant=mail control=control "

func TestExperiments(t *testing.T) {
	const (
		everybody = mailIn + "segment= customers=1010 rate=0.074 control_customers=1000 control_rate=0.019 difference=0.055 difference_low=0.037 difference_high=0.073 q_value=0.0001 minimum_detectable_effect=0.02 verdict=higher"
		nothing   = mailIn + "segment= customers=1010 rate=0.02 control_customers=1000 control_rate=0.019 difference=0.001 difference_low=-0.01 difference_high=0.01 q_value=0.8 minimum_detectable_effect=0.02 verdict=not_proven"
		loyal     = mailIn + "segment=Loyal customers=400 converters=40 rate=0.1 control_customers=400 control_rate=0.02 difference=0.08 difference_low=0.04 difference_high=0.12 q_value=0.001 minimum_detectable_effect=0.04 verdict=higher"
		lost      = mailIn + "segment=Lost customers=400 converters=8 rate=0.02 control_customers=400 control_rate=0.02 difference=0 difference_low=-0.02 difference_high=0.02 q_value=1 minimum_detectable_effect=0.04 verdict=not_proven"
		few       = mailIn + "segment=Few customers=5 verdict=too_few"
		control   = "experiment=winter_mail conversion_kind=order variant=control control=control segment= customers=1000 rate=0.019 verdict=control"
	)
	for name, c := range map[string]struct {
		arms, results []string
		ratio         string
		title         string
		tone          tone
		lead          []string
	}{
		"proven": {
			mailArms,
			[]string{everybody, loyal, lost, few, control},
			"passed",
			"Proven for winter mail: with mail, 7.4 % converted (order), with control 1.9 %", good,
			[]string{
				"In winter mail, 7.4 % converted with mail (order), 1.9 % with control: a difference of +3.7 % to +7.3 % of the customers.",
				"By group, it is proven that Loyal converts more often with mail (winter mail, order).",
			},
		},
		"proven of all groups": {
			mailArms,
			[]string{everybody, loyal, strings.Replace(loyal, "Loyal", "Lost", 1), few},
			"passed",
			"Proven for winter mail: with mail, 7.4 % converted (order), with control 1.9 %", good,
			[]string{
				"In winter mail, 7.4 % converted with mail (order), 1.9 % with control: a difference of +3.7 % to +7.3 % of the customers.",
				"By group, it is proven of all that could be tested that they convert more often with mail (winter mail, order).",
			},
		},
		"no group is known": {
			mailArms,
			[]string{everybody},
			"passed",
			"Proven for winter mail: with mail, 7.4 % converted (order), with control 1.9 %", good,
			[]string{
				"In winter mail, 7.4 % converted with mail (order), 1.9 % with control: a difference of +3.7 % to +7.3 % of the customers.",
				"Nothing can be said by group of winter mail: no group is known that its customers were in before.",
			},
		},
		"for a group alone": {
			mailArms,
			[]string{nothing, loyal, lost},
			"passed",
			"Proven for winter mail in Loyal: with mail, 10 % converted (order), with control 2.0 %", good,
			[]string{
				"By group, it is proven that Loyal converts more often with mail (winter mail, order).",
				"Not proven in winter mail: that mail changes how many convert (order). A rise of less than +2.0 % of the customers would mostly not have been seen.",
			},
		},
		"nothing": {
			mailArms,
			[]string{nothing, lost, strings.Replace(lost, "Lost", "Loyal", 1)},
			"passed",
			"Nothing is proven by experiments", neutral,
			[]string{
				"By group, nothing is proven of mail (winter mail, order).",
				"Not proven in winter mail: that mail changes how many convert (order). A rise of less than +2.0 % of the customers would mostly not have been seen.",
			},
		},
		"not shared out as meant": {
			[]string{strings.Replace(mailArms[0], "value=0.8", "value=0.0001", 1), mailArms[1]},
			[]string{everybody, loyal},
			"warned",
			"Do not trust winter mail: its customers were not shared out as meant", bad,
			[]string{"Do not trust winter mail before it is known why its customers were not shared out as meant (chance alone: p <0.001)."},
		},
		"other shares in a group": {
			mailArms,
			[]string{everybody, loyal},
			"warned",
			"Do not trust winter mail: its customers were not shared out as meant", bad,
			[]string{"Do not trust winter mail before it is known why its customers were not shared out as meant."},
		},
		"all waiting": {
			[]string{
				"experiment=winter_mail variant=control customers=0 waiting=500 first_assigned_on=2026-10-20 last_assigned_on=2026-10-20",
				"experiment=winter_mail variant=mail customers=0 waiting=510 first_assigned_on=2026-10-20 last_assigned_on=2026-10-20",
			},
			[]string{mailIn + "segment= customers=0 control_customers=0 verdict=not_evaluated"},
			"passed",
			"Nobody's time to convert is over: there is nothing to say yet", neutral,
			[]string{"In winter mail, all customers are still waiting; 500 were given control."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := built(t, experimentRows(t, c.arms, c.results, c.ratio), experimentsPanel)
			if got := strings.ReplaceAll(s.Title.String(), nbsp, " "); got != c.title || s.Tone != c.tone {
				t.Errorf("%s: %s, want %s: %s", s.Tone, got, c.tone, c.title)
			}
			var lead []string
			for _, l := range s.Lead {
				lead = append(lead, strings.ReplaceAll(l.String(), nbsp, " "))
			}
			if strings.Join(lead, "\n") != strings.Join(c.lead, "\n") {
				t.Errorf("%s\nwant\n%s", strings.Join(lead, "\n"), strings.Join(c.lead, "\n"))
			}
		})
	}
}

func TestNoExperiments(t *testing.T) {
	if s := built(t, experimentRows(t, nil, nil, "passed"), experimentsPanel); s != nil {
		t.Errorf("without experiments there is a panel: %s", s.Title)
	}
}
