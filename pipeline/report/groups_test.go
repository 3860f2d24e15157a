package report

import (
	"strings"
	"testing"
)

func cardText(c *card) string {
	return c.Title + " [" + c.Badge + "]\n" + lines(c.Says) + "\n" + c.Action
}

func groupTables(t *testing.T) map[string][]record {
	return map[string][]record{
		"report_definitions": rowsOf(t, "segment=Champions action=Reward.", "segment=Loyal action=", "segment=Prospect action=Introduce."),
		"segment_profiles": rowsOf(t,
			"segment=Prospect customers=400 share=0.4 revenue_window=0 window_days=90 purchase_days_mean=0",
			"segment=Loyal customers=500 share=0.5 revenue_window=2000 window_days=90 average_order_value=20 engagement_rate=0 "+
				"days_since_last_order_mean=60 purchase_days_mean=1 discount_share=0.1 store_share=0",
			"segment=Champions customers=100 share=0.1 revenue_window=6000 window_days=90 average_order_value=39.97 engagement_rate=0.58 "+
				"days_since_last_order_mean=12.4 purchase_days_mean=7.53 discount_share=0.4 store_share=0.3"),
	}
}

func TestGroups(t *testing.T) {
	tables := with(groupTables(t), map[string][]record{
		"segment_validation": rowsOf(t,
			"segment=Champions origin=2026-08-02 horizon_days=90 conversion_kind=order customers=80 converters=40 rate=0.5 lift=2.5 verdict=above",
			"segment=Loyal origin=2026-08-02 horizon_days=90 conversion_kind=order customers=120 converters=0 rate=0 lift=0 verdict=below"),
		"report_worth": rowsOf(t, "core_segment=Champions horizon_days=365 clv_revenue=12000 clv_revenue_mean=120"),
		"report_stages": rowsOf(t, "core_segment=Champions journey_stage=decision customers=40 mailable=30",
			"core_segment=Champions journey_stage=retention customers=60 mailable=", "core_segment=Loyal journey_stage=retention customers=500 mailable="),
		"segment_traits": rowsOf(t,
			"segment=Champions kind=attribute trait=country value=DE share=0.6 share_everybody=0.3 lift=2 verdict=more",
			"segment=Champions kind=attribute trait=gender value=f share=0.7 share_everybody=0.5 lift=1.4 verdict=more",
			"segment=Champions kind=attribute trait=country value=FR share=0.1 share_everybody=0.3 lift=0.3 verdict=less",
			"segment=Champions kind=attribute trait=plan value=unknown share=0.9 share_everybody=0.3 lift=3 verdict=more",
			"segment=Champions kind=habit trait=weekday value=Sunday known=80 share=0.3 share_everybody=0.15 lift=2 verdict=more",
			"segment=Champions kind=habit trait=device value=mobile known=60 share=0.6 share_everybody=0.55 lift=1.1 verdict=not_proven",
			"segment=Loyal kind=attribute trait=country value=DE share=0.3 share_everybody=0.3 lift=1 verdict=not_proven",
			"segment=Loyal kind=habit trait=device value=mobile known=9 share=1 share_everybody=0.55 lift=1.8 verdict=not_proven"),
	})
	for _, r := range tables["segment_traits"] { // their verdicts have no blanks
		r["verdict"] = strings.ReplaceAll(r.text("verdict"), " ", "_")
	}
	s := built(t, fake(tables), groupsPanel)
	equal(t, "title", s.Title.String(), "50 % of Champions bought in the 90 days after 2026-08-02, 0 % of Loyal")
	want := []string{
		`Champions, mostly from DE [Buys more often]
More often than others they are from DE (60 %, everybody 30 %) and women (70 %, everybody 50 %).
On average they last bought 12 days ago, on 7.5 days so far, for 39.97 EUR a purchase.
58 % clicked an e-mail or had an engaged visit lately.
Of those with a habit, more than elsewhere buy on Sunday (30 %, everybody 15 %).
As elsewhere, most of those with a habit use mobile (60 %, everybody 55 %).
At least 30 of them (30 %) may be e-mailed: e-mail is the channel.
They are 10 % of everybody and brought 75 % of the revenue in the last 90 days: 6,000 EUR.
In the next 365 days each is expected to bring 120 EUR, all together 12,000 EUR.
Of those in this group on 2026-08-02, 50 % bought in the 90 days after (20 % of everybody): proven more often than the others.
Reward.`,
		`Loyal [Buys less often]
They have bought on a single day, 60 days ago on average, for 20 EUR a purchase.
Too few of them may be e-mailed to count on it: reach them on the site, with ads or in person.
They are 50 % of everybody and brought 25 % of the revenue in the last 90 days: 2,000 EUR.
Of those in this group on 2026-08-02, 0 % bought in the 90 days after (20 % of everybody): proven less often than the others.
`,
		`Prospect [Not evaluated]
They have never bought, or gave everything back.
Introduce.`,
	}
	for i, c := range s.Cards {
		equal(t, c.Name, cardText(c), want[i])
	}
	if len(s.Cards) != len(want) {
		t.Errorf("%d cards, want %d", len(s.Cards), len(want))
	}
}

func TestGroupsWithLittle(t *testing.T) {
	s := built(t, fake(map[string][]record{
		"segment_profiles": rowsOf(t, "segment=New customers=19 share=0.1 revenue_window=100 window_days=90 days_since_last_order_mean=3",
			"segment=Loyal customers=100 share=0.9 window_days=90 days_since_last_order_mean=3 purchase_days_mean=2 average_order_value=-1 revenue_window=-5"),
		"segment_traits":     rowsOf(t, "segment=Loyal kind=attribute trait=country value=DE share=0.3 share_everybody=0.3 verdict=no"),
		"segment_validation": rowsOf(t, "segment=Loyal origin=2026-08-02 horizon_days=90 conversion_kind=order customers=19 converters=19 rate=1 verdict=above"),
	}), groupsPanel)
	equal(t, "title", s.Title.String(), "From Loyal to New: what is known of each group")
	equal(t, "lead", lines(s.Lead), "Nothing that is known of the customers as people is proven to set any group apart: the groups differ in what they do.")
	equal(t, "Loyal", cardText(s.Cards[0]), `Loyal [Too few to tell]
On average they last bought 3 days ago, on 2 days so far.
In the last 90 days more was refunded than they bought: −5 EUR.`)
	equal(t, "New", cardText(s.Cards[1]), "New [Too small]\nToo few people to describe without telling about single ones.")
	if n := len(s.Cards[1].Table.Rows); n != 2 {
		t.Errorf("the evidence of a small group has %d rows, want customers and share alone", n)
	}

	s = built(t, fake(map[string][]record{"segment_profiles": rowsOf(t, "segment=Loyal customers=100 share=1 window_days=90")}), groupsPanel)
	equal(t, "title of one group", s.Title.String(), "Everybody is in one group: Loyal")
	if len(s.Cards[0].Says) > 0 {
		t.Errorf("of nothing known it says: %s", lines(s.Cards[0].Says))
	}
	if s := built(t, fake(nil), groupsPanel); s != nil {
		t.Errorf("without profiles there is a section: %q", s.Title)
	}
}

func TestFollowed(t *testing.T) {
	for verdict, want := range map[string]string{
		"above":      "Converts more often: proven more often than the others.",
		"below":      "Converts less often: proven less often than the others.",
		"not_proven": "Not proven: not proven to differ from the others.",
		"too_few":    "Too few to tell: too few to tell whether they differ from the others.",
	} {
		g := &group{facts: factsTable("t", "x"), outcome: record{
			"origin": "2026-08-02", "horizon_days": int64(90), "conversion_kind": "lead", "rate": 0.1, "verdict": verdict,
		}}
		said, _ := followed(g, base{rate: 0.2})
		words, _ := badge(g)
		equal(t, verdict, lines(said), "Of those in this group on 2026-08-02, 10 % converted (lead) in the 90 days after (20 % of everybody)"+strings.TrimPrefix(want, words))
	}
}

// What was not judged says nothing of what followed, not even that it was nothing.
func TestNotFollowed(t *testing.T) {
	g := &group{facts: factsTable("t", "x"), outcome: record{
		"origin": "2026-08-02", "horizon_days": int64(14), "conversion_kind": "conversion", "rate": 0.0, "verdict": "not_evaluated",
	}}
	if said, figure := followed(g, base{rate: 0.1}); said != nil || figure != nil {
		t.Errorf("it says %s", lines(said))
	}
	equal(t, "a kind that says nothing", convertedWords(&cell{Value: "conversion"}).String(), "converted")
}

// That nothing known of people sets groups apart is only said where something is known.
func TestNothingKnownOfPeople(t *testing.T) {
	for kind, want := range map[string]int{"attribute": 1, "habit": 0} {
		tables := groupTables(t)
		tables["segment_traits"] = rowsOf(t, "segment=Loyal trait=country value=DE share=0.5 kind="+kind)
		if s := built(t, fake(tables), groupsPanel); len(s.Lead) != want {
			t.Errorf("traits of kind %s: %q", kind, lines(s.Lead))
		}
	}
}

func TestDescribed(t *testing.T) {
	for _, test := range [][3]string{
		{"gender", "F", "women"},
		{"gender", "male", "men"},
		{"gender", "x", "with gender x"},
		{"country", "DE", "from DE"},
		{"age", "25-34", "aged 25-34"},
		{"acquired through", "search", "won through search"},
		{"industry", "Retail", "in the industry Retail"},
		{"plan", "Pro", "on the plan Pro"},
		{"home_ownership", "Renter", "with home ownership Renter"},
		{"has_dog", "true", "with has dog"},
		{"club", "no", "without club"},
	} {
		equal(t, test[0], described(test[0], test[1]).String(), test[2])
	}
}

func TestPersonaNames(t *testing.T) {
	for _, test := range []struct {
		share float64
		value string
		want  string
	}{
		{0.5, "DE", "Loyal, mostly from DE"},
		{0.25, "DE", "Loyal, often from DE"},
		{0.24, "DE", "Loyal"},
		{0.9, "Unknown", "Loyal"},
		{0.9, " n/a ", "Loyal"},
	} {
		g := &group{name: "Loyal", traits: []record{
			{"kind": "attribute", "trait": "country", "value": test.value, "share": test.share, "lift": 2.0, "verdict": "more"},
			{"kind": "attribute", "trait": "gender", "value": "f", "share": 0.9, "lift": 1.1, "verdict": "not_proven"},
		}}
		equal(t, test.value, persona(g), test.want)
		g.hidden = true
		equal(t, "a small group", persona(g), "Loyal")
	}
}
