package report

import "testing"

func TestMoves(t *testing.T) {
	base := map[string][]record{
		"report_definitions": rowsOf(t, "segment=Champions", "segment=Loyal", "segment=Hibernating"),
		"report_history": rowsOf(t, "as_of=2026-10-17 segment=Loyal", "as_of=2026-10-24 segment=Loyal", "as_of=2026-10-24 segment=Champions",
			"as_of=2026-10-31 segment=Loyal"),
	}
	tests := []struct {
		name        string
		moves       []string
		drops       []string
		title, lead string
		tone        tone
	}{
		{
			name: "up and down", tone: caution,
			moves: []string{
				"from_segment=Loyal to_segment=Loyal cause=none customers=1000", "from_segment=Champions to_segment=Loyal cause=silence customers=40",
				"from_segment=Champions to_segment=Loyal cause=purchase customers=21", "from_segment=Hibernating to_segment=Champions cause=purchase customers=1",
				"from_segment= to_segment=Loyal cause=new customers=21", "from_segment=Loyal to_segment= cause=consent customers=2",
			},
			drops: []string{
				"core_segment=Loyal drops_to=Hibernating within_7_days=25 within_30_days=90", "core_segment=Champions drops_to=Loyal within_7_days= within_30_days=",
			},
			title: "The largest move: 61 customers went from Champions to Loyal",
			lead: `Since 2026-10-24, 1 customer moved to a better group, 61 to a worse one; 1,000 stayed where they were.
21 people have come in and 2 have left.
Of those who moved, came in or left, 40 did nothing while time passed and 22 bought or got money back.
If they stay silent, 90 customers will go from Loyal to Hibernating within a month.
Within a week: 25 customers from Loyal to Hibernating. A message now comes before the drop.
Champions to Loyal: 40 customers, since they did nothing and time passed.
Champions to Loyal: 21 customers, since they bought too little, or got money back.`,
		},
		{
			name: "nobody", tone: neutral, moves: []string{"from_segment=Loyal to_segment=Loyal cause=none customers=10"},
			title: "Nobody changed groups since the run before",
			lead:  "Since 2026-10-24, 0 customers moved to a better group, 0 to a worse one; 10 stayed where they were.",
		},
		{
			name: "few", tone: good, moves: []string{"from_segment=Loyal to_segment=Champions cause=purchase customers=19"},
			title: "Few customers changed groups since the run before",
			lead:  "Since 2026-10-24, 19 customers moved to a better group, 0 to a worse one; 0 stayed where they were.",
		},
		{
			name: "a first run", tone: neutral, drops: []string{"core_segment=Loyal drops_to=Hibernating within_7_days= within_30_days=90"},
			title: "If they stay silent, 90 customers will go from Loyal to Hibernating within a month",
		},
	}
	tests = append(tests, tests[len(tests)-1])
	last := &tests[len(tests)-1]
	last.name, last.drops = "all of them this week", []string{"core_segment=Loyal drops_to=Hibernating within_7_days=90 within_30_days=90"}
	last.title = "If they stay silent, 90 customers will go from Loyal to Hibernating within a week"
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := fake(with(base, map[string][]record{"segment_transitions": rowsOf(t, test.moves...), "report_drops": rowsOf(t, test.drops...)}))
			s := built(t, d, movesPanel)
			equal(t, "title", s.Title.String(), test.title)
			equal(t, "lead", lines(s.Lead), test.lead)
			if s.Tone != test.tone {
				t.Errorf("tone %s, want %s", s.Tone, test.tone)
			}
			for _, c := range s.Charts {
				for _, r := range c.Table.Rows {
					if v, ok := r[len(r)-1].number(); !ok || v < 20 {
						t.Errorf("%s tells of %s people", c.ID, r[len(r)-1])
					}
				}
			}
		})
	}
	if s := built(t, fake(nil), movesPanel); s != nil {
		t.Errorf("without moves and drops there is a section: %q", s.Title)
	}
}
