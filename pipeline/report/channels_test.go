package report

import "testing"

// credits are rows of attribution for all segments: a channel with what the six models give to it.
func creditRows(t *testing.T, kind string, lines ...string) []record {
	t.Helper()
	var out []record
	for _, r := range rowsOf(t, lines...) {
		for _, m := range creditModels {
			row := record{"segment": "", "conversion_kind": kind, "model": m, "conversions": r[m]}
			for _, c := range []string{"channel", "touches", "customers", "share", "value", "segment"} {
				if v, ok := r[c]; ok {
					row[c] = v
				}
			}
			out = append(out, row)
		}
	}
	return out
}

func TestChannels(t *testing.T) {
	const (
		search = "channel=search touches=900 customers=200 share=0.5 value=5000.0 first=100.0 last=220.0 linear=150.0 time_decay=170.0 position=160.0 markov=150.0"
		social = "channel=social touches=400 customers=150 share=0.25 value=2500.0 first=150.0 last=30.0 linear=80.0 time_decay=60.0 position=90.0 markov=70.0"
		none   = "channel=(none) touches=0 customers=60 share=0.25 value=2500.0 first=80.0 last=80.0 linear=80.0 time_decay=80.0 position=80.0 markov=80.0"
		tiny   = "channel=radio touches=4 customers=3 share=0.01 value= first=3.0 last=3.0 linear=3.0 time_decay=3.0 position=3.0 markov=3.0"
	)
	all := creditRows(t, "order", none, tiny, social, search)
	for _, x := range []said{
		{name: "no table", none: true},
		{
			name: "two channels, and one of too few", tables: map[string][]record{"attribution": all}, tone: neutral,
			title: "No channel brings more purchases than search: 50 % of them by position",
			lead: "The models disagree: most goes to social by the first touch.\n" +
				"The way begins with social rather than ending with it: 150 purchases by the first touch, 30 by the last.\n" +
				"The way ends with search rather than beginning with it: 220 purchases by the last touch, 100 by the first.\n" +
				"Before 25 % of the purchases no touch is known.",
		},
		{
			name: "no touches", tables: map[string][]record{"attribution": creditRows(t, "order", none)}, none: true,
		},
		{
			name: "groups and costs", tone: caution,
			tables: map[string][]record{
				"report_definitions": rowsOf(t, "segment=Loyal", "segment=Lost", "segment=Few"),
				"attribution": append(creditRows(t, "trial", "segment=Loyal channel=search customers=50 markov=30.0", "segment=Loyal channel=social customers=40 markov=10.0",
					"segment=Lost channel=social customers=40 markov=10.0", "segment=Lost channel=(none) customers=70 markov=60.0",
					"segment=Few channel=social customers=4 markov=4.0"), creditRows(t, "trial", search)...),
				"channel_returns": rowsOf(t, "segment= model=markov channel=search cost=1000.0 touches=900 conversions=150.0 acquisitions=10.0 value=500.0 cost_per_conversion=6.67 "+
					"cost_per_acquisition=100.0 return_on_spend=0.5", "segment= model=markov channel=paper cost=70.0 touches=0 conversions=0.0 acquisitions=0.0 value=0.0 return_on_spend=0.0"),
			},
			title: "Only one channel is known, search: it has 50 % of the conversions",
			lead: "Groups differ: social leads with Lost (100 % of theirs).\n" +
				"The purchases given to search were worth 0.50x its cost.\n" +
				"More went into search than came of it: 1,000 EUR, for 500 EUR.\n" +
				"A first purchase cost most through search: 100 EUR.\n" +
				"No touch is known of what was spent: 70 EUR on paper.",
		},
	} {
		x.run(t, channelsPanel)
	}
	for _, r := range built(t, faked(map[string][]record{"attribution": all}), channelsPanel).Charts[0].Table.Rows {
		if r[channelName].Value == "radio" && (known(r[channelCustomers]) || known(r[modelColumn("first")])) {
			t.Error("the three customers of radio are told of")
		}
	}
}
