package report

import (
	"slices"
	"testing"
)

func TestContentPanel(t *testing.T) {
	definitions := rowsOf(t, "segment=Champions", "segment=Loyal", "segment=Browser")
	tests := []struct {
		name        string
		rows        []string
		unseen      bool // there are no events
		title, lead string
	}{
		{
			name: "all stages",
			rows: []string{
				"core_segment=Browser journey_stage=awareness customers=100 mailable=50", "core_segment=Browser journey_stage=decision customers=21 mailable=",
				"core_segment=Champions journey_stage=consideration customers=60 mailable=40", "core_segment=Champions journey_stage=retention customers= mailable=",
				"core_segment=Loyal journey_stage=decision customers=30 mailable=25",
			},
			title: "51 people are about to decide; 25 of them may be e-mailed",
			lead: `Loyal: 30 people are about to decide. Suggestion: A reminder of the cart with delivery times and returns made clear (e-mail). 25 of them may be e-mailed.
Browser: 21 people are about to decide. Suggestion: Help with the first order: sizes and payment and returns (site and e-mail). Too few of them may be e-mailed to count on it.
Champions: 60 people are looking around. Suggestion: Early access to what is new; no discount (e-mail). 40 of them may be e-mailed.`,
		},
		{
			name: "no web, no e-mail", unseen: true,
			rows:  []string{"core_segment=Champions journey_stage=retention customers=60 mailable= unknown=60"},
			title: "The data have no web or e-mail events: suggestions go by what people bought",
			lead:  "The data do not say who may be e-mailed: check that before you write to anybody.",
		},
		{
			name:  "hardly anybody may be e-mailed",
			rows:  []string{"core_segment=Champions journey_stage=retention customers=60 mailable= unknown=40"},
			title: "Nobody was seen looking around: suggestions go by what people bought",
			lead:  "By what the data say, too few may be e-mailed to count on it: use other channels where e-mail is suggested.",
		},
		{
			name: "who looks around is hidden",
			rows: []string{
				"core_segment=Champions journey_stage=retention customers=60 mailable=30", "core_segment=Loyal journey_stage=consideration customers= mailable=",
			},
			title: "Few were seen looking around: suggestions go by what people bought",
		},
		{
			name: "some who decide are hidden",
			rows: []string{
				"core_segment=Champions journey_stage=decision customers=60 mailable=30", "core_segment=Loyal journey_stage=decision customers= mailable=",
			},
			title: "At least 60 people are about to decide; 30 of them may be e-mailed",
			lead:  "Champions: 60 people are about to decide. Suggestion: Free express delivery as a thank-you (site and e-mail). 30 of them may be e-mailed.",
		},
		{
			name:  "one looks around",
			rows:  []string{"core_segment=Loyal journey_stage=consideration customers=1 mailable=1"},
			title: "1 person is looking around; 1 of them may be e-mailed",
			lead: "Loyal: 1 person is looking around. Suggestion: What goes with the things they own (e-mail). " +
				"1 of them may be e-mailed.",
		},
		{
			name:  "all too few",
			rows:  []string{"core_segment=Loyal journey_stage=decision customers= mailable="},
			title: "What to suggest to each group",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tables := map[string][]record{"report_definitions": definitions, "report_stages": rowsOf(t, test.rows...)}
			if !test.unseen {
				tables["segment_profiles"] = []record{{"segmentation": "intent", "segment": "low", "customers": int64(100)}}
			}
			s := built(t, fake(tables), contentPanel)
			equal(t, "title", s.Title.String(), test.title)
			equal(t, "lead", lines(s.Lead), test.lead)
		})
	}
	if s := built(t, fake(nil), contentPanel); s != nil {
		t.Errorf("without stages there is a section: %q", s.Title)
	}
}

func TestContentMatrix(t *testing.T) {
	titles := func(rows ...string) []string {
		d := fake(map[string][]record{"report_stages": rowsOf(t, rows...)})
		var out []string
		for _, c := range d.contentMatrix(d.contentList(d.stages())).Columns {
			out = append(out, c.Title)
		}
		return out
	}
	aware, kept := "core_segment=Browser journey_stage=awareness customers=30", "core_segment=Loyal journey_stage=retention customers=30"
	for _, test := range []struct{ rows, want []string }{
		{[]string{aware, kept}, []string{"Group", "Awareness or retention"}},
		{[]string{kept}, []string{"Group", "Awareness or retention"}},
		{[]string{aware}, []string{"Group", "Awareness"}},
		{
			[]string{aware, kept, "core_segment=Loyal journey_stage=awareness customers=30", "core_segment=Loyal journey_stage=decision customers=30"},
			[]string{"Group", "Awareness", "Decision", "Retention"},
		},
	} {
		if got := titles(test.rows...); !slices.Equal(got, test.want) {
			t.Errorf("columns %q, want %q", got, test.want)
		}
	}
}

func TestDefaultContent(t *testing.T) {
	c := DefaultContent()
	for _, segment := range []string{
		"Champions", "Loyal", "Potential Loyalist", "New", "Can't Lose", "At Risk", "Need Attention", "Promising", "About to Sleep", "Hibernating", "Browser",
		"Prospect", "Rising Star", "New Big Spender", "Lapsed Big Spender", "one of the user's",
	} {
		for _, stage := range stageNames {
			if s, ok := c.For(segment, stage); !ok || s.Content == "" || s.Channel == "" {
				t.Errorf("nothing is suggested to %s in %s", segment, stage)
			}
		}
	}
	for _, s := range c {
		if s.Segment != "*" && !slices.ContainsFunc(c, func(o Suggestion) bool { return o.Segment == "*" && o.Stage == s.Stage }) {
			t.Errorf("stage %s has no suggestion for everybody", s.Stage)
		}
	}
}
