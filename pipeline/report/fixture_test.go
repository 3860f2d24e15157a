package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// hostile are names that try to be more than names.
var hostile = []string{
	`</script><script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	"</style><style>*{display:none}</style><!--",
	"evil\u202egnp.exe\u2029\u2028",
	"@format:money", "@color:bad", "{b}{a|x}", "javascript:alert(1)",
	"👩‍👩‍👧‍👦 عملاء ܫܠܡܐ 客户",
	strings.Repeat("Very long name ", 10<<10/15),
	strings.Repeat("unbroken", 10<<10/8),
}

var plainNames = []string{
	"Champions", "Loyal Customers", "Potential Loyalists", "New Customers", "Promising", "Need Attention", "About To Sleep",
	"At Risk", "Can't Lose Them", "Hibernating", "Browser", "Prospect",
}

// fixture is a document with every kind of chart, about groups with these names.
func fixture(state State, names []string) *document {
	d := &document{Source: Source{
		Run: Run{
			ID: "run 2026-10-31-3f9c1a7be210", Name: names[0] + " shop", AsOf: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC), State: state,
			EndedAt: time.Date(2026, 11, 1, 3, 0, 41, 0, time.UTC), CodeVersion: "v1.2.3",
		},
		CoreSegment: "core_segment", Currency: "EUR", MinGroup: 20,
	}}
	if state != Published {
		d.Run.Why = "customers fell by 62 % against the run before; at most 50 % are allowed"
	}
	groups := &table{ID: "groups", Caption: "The groups", From: "segment_profiles", Key: 1, Columns: []column{
		{Name: "segment", Title: "Group", Format: formatText, Doc: "The core segment."},
		{Name: "customers", Title: "Customers", Format: formatCount, Doc: "People in the group on the as-of day."},
		{Name: "revenue", Title: "Revenue", Format: formatMoney, Doc: "Net of refunds."},
		{Name: "share", Title: "Share", Format: formatShare},
		{Name: "low", Title: "From", Format: formatShare},
		{Name: "rate", Title: "Rate", Format: formatShare},
		{Name: "high", Title: "To", Format: formatShare},
		{Name: "rule", Title: "Rule", Format: formatText},
	}}
	for i, n := range names {
		rate := 0.45 - 0.035*float64(i)
		var revenue any = 81234.5 * rate
		if i == 3 {
			revenue = nil
		}
		groups.add("EUR", n, int64(1000+137*i), revenue, 1/float64(len(names)), rate-0.02, rate, rate+0.03,
			"bought in the last 30 days, at least 4 times, and "+n)
	}
	first := groups.Rows[0]
	ask := func(id, question string, s section) {
		s.ID, s.Question = id, question
		if s.Title == nil {
			s.Title = say("{} are {} of all people and bring {}", first[0], first[3], first[2])
		}
		d.Sections = append(d.Sections, &s)
	}
	some := func(id string, option map[string]any, wide, printed bool) *chart {
		return &chart{
			ID: "chart-" + id, Label: "What " + id + " shows for " + names[0] + ", customers, n = 21,042, as of 2026-10-31",
			Height: 320, Wide: wide, Print: printed, Option: option, Table: groups,
		}
	}
	ask("trust", "Can I trust this run?", section1(groups))
	ask("customers", "Who are my customers?", section{Tone: neutral, Lead: []sentence{
		say("{} of {} people are in {}.", first[3], first[1], first[0]), say("{} come next.", names[1]),
	}, Charts: []*chart{some("treemap", fixtureTreemap(groups), true, true)}, Notes: []string{"Area is people, color is money."}})
	cards := section{Tone: neutral, Charts: []*chart{
		some("bar", fixtureBar(groups), false, true), some("line", fixtureLine(groups), false, true),
	}}
	for i, r := range groups.Rows {
		cards.Cards = append(cards.Cards, &card{
			ID: strconv.Itoa(i), Name: names[i], Title: names[i], Tone: []tone{good, caution, bad, neutral}[i%4],
			Badge: "buys more often", Table: groups,
			Figures: []figure{{"Customers", r[1], "10 % of all"}, {"Revenue", r[2], ""}, {"Bought again", r[5], "within 90 days"}},
			Says: []sentence{
				say("They are mostly from {}; {} of them bought again.", names[i], r[5]),
				say("They bought for {} lately.", r[2]),
			},
			Action: "Ask them for a review, and offer early access to the new collection before everybody else hears of it.",
		})
	}
	ask("groups", "What is each group like?", cards)
	ask("moves", "Who moved?", section{Tone: caution, Charts: []*chart{some("sankey", fixtureSankey(groups), true, false)}})
	ask("scores", "Where do they sit?", section{Charts: []*chart{
		some("heatmap", fixtureHeatmap(groups), false, false), some("scatter", fixtureScatter(groups), false, false),
	}})
	ask("conversions", "Do they convert differently?", section{
		Tone: good, Charts: []*chart{some("forest", fixtureForest(groups), true, true), some("upright", fixtureUpright(groups), false, false)},
	})
	ask("quality", "What became of the data?", section{Tone: good, Title: say("{} of the rows were used", first[3])})
	ask("provenance", "How was it made?", section{Title: say("Run of {}", names[0]), Tables: []*table{groups}})
	return d
}

func section1(groups *table) section {
	t := &table{ID: "content", Caption: "What to send", Key: 1, Shown: true, Columns: []column{
		{Name: "segment", Title: "Group", Format: formatText}, {Name: "content", Title: "Suggestion", Format: formatText},
	}}
	for _, r := range groups.Rows {
		t.add("", r[0].Value, "A guide to the first purchase, by e-mail")
	}
	best := groups.Rows[0]
	return section{
		Title: say("Trust it: {} bought again in {} of cases", best[0], best[5]), Tone: good, Tables: []*table{groups, t},
		Lead: []sentence{say("All checks passed, and {} differ.", best[1])},
	}
}

func column1(t *table, i int) []any {
	var out []any
	for _, r := range t.Rows {
		v := r[i].Value
		if v == nil {
			v = "-"
		}
		out = append(out, v)
	}
	return out
}

func fixtureTreemap(t *table) map[string]any {
	var data []any
	for i, r := range t.Rows {
		data = append(data, map[string]any{
			"name": r[0].Value, "value": r[1].Value, "itemStyle": map[string]any{"color": fmt.Sprintf("@color:seq%d", i%7)},
			"tip": []string{r[0].String(), r[1].String() + " customers"},
		})
	}
	return map[string]any{"series": []any{map[string]any{
		"type": "treemap", "roam": false, "nodeClick": false, "data": data, "label": map[string]any{"overflow": "truncate"},
		"left": 0, "right": 0, "top": 0, "bottom": 0,
	}}}
}

func fixtureBar(t *table) map[string]any {
	return map[string]any{
		"xAxis": map[string]any{"type": "value", "axisLabel": map[string]any{"formatter": "@format:money EUR"}},
		"yAxis": map[string]any{"type": "category", "inverse": true, "data": column1(t, 0), "axisLabel": map[string]any{"width": 110}},
		"series": []any{map[string]any{
			"type": "bar", "data": column1(t, 2), "label": map[string]any{"show": true, "position": "right", "formatter": "@format:money"},
		}},
		"tooltip": map[string]any{"valueFormatter": "@format:money EUR"},
	}
}

func fixtureLine(t *table) map[string]any {
	return map[string]any{
		"legend": map[string]any{"top": 0, "type": "plain", "data": []any{"Customers", "Of them, new"}},
		"xAxis":  map[string]any{"type": "category", "data": []string{"2026-08-31", "2026-09-30", "2026-10-31"}},
		"yAxis":  map[string]any{"type": "value", "axisLabel": map[string]any{"formatter": "@format:count"}},
		"series": []any{
			map[string]any{"type": "line", "name": "Customers", "data": column1(t, 1)[:3]},
			map[string]any{"type": "line", "name": "Of them, new", "data": column1(t, 1)[1:4], "markLine": map[string]any{
				"symbol": "none", "data": []any{map[string]any{"yAxis": 1200, "label": map[string]any{"formatter": "all"}}},
			}},
		},
		"tooltip": map[string]any{"trigger": "axis", "valueFormatter": "@format:count"},
	}
}

func fixtureSankey(t *table) map[string]any {
	var nodes, links []any
	for i, r := range t.Rows {
		color := map[string]any{"color": fmt.Sprintf("@color:cat%d", i%8)}
		nodes = append(nodes,
			map[string]any{"name": r[0].String(), "depth": 0, "itemStyle": color},
			map[string]any{"name": r[0].String() + " now", "depth": 1})
		next := t.Rows[(i+1)%len(t.Rows)][0].String() + " now"
		links = append(links, map[string]any{"source": r[0].String(), "target": next, "value": r[1].Value})
	}
	return map[string]any{"series": []any{map[string]any{
		"type": "sankey", "data": nodes, "links": links, "right": 160, "label": map[string]any{"width": 140, "overflow": "truncate"},
	}}}
}

func fixtureHeatmap(t *table) map[string]any {
	var data []any
	for i := range 25 {
		data = append(data, []any{i % 5, i / 5, t.Rows[i%len(t.Rows)][1].Value})
	}
	return map[string]any{
		"xAxis":     map[string]any{"type": "category", "data": []string{"1", "2", "3", "4", "5"}, "name": "Frequency"},
		"yAxis":     map[string]any{"type": "category", "data": []string{"1", "2", "3", "4", "5"}, "name": "Recency"},
		"visualMap": map[string]any{"min": 900, "max": 2600, "show": false, "seriesIndex": 0},
		"series": []any{
			map[string]any{"type": "heatmap", "data": data, "label": map[string]any{"show": true, "formatter": "@format:count"}},
			map[string]any{
				"type": "custom", "renderItem": "@render:outline", "itemStyle": map[string]any{"color": "@color:ink"},
				"data": []any{[]int{3, 3, 4, 4}, []int{0, 0, 2, 0}},
			},
		},
	}
}

func fixtureScatter(t *table) map[string]any {
	var data []any
	for i, r := range t.Rows {
		data = append(data, []any{r[5].Value, 0.4 - 0.03*float64(i)})
	}
	return map[string]any{
		"xAxis":   map[string]any{"type": "value", "axisLabel": map[string]any{"formatter": "@format:share"}},
		"yAxis":   map[string]any{"type": "value", "axisLabel": map[string]any{"formatter": "@format:share"}},
		"series":  []any{map[string]any{"type": "scatter", "data": data, "symbolSize": 10}},
		"tooltip": map[string]any{"valueFormatter": "@format:share"},
	}
}

func fixtureForest(t *table) map[string]any {
	var data []any
	for i, r := range t.Rows {
		data = append(data, map[string]any{
			"name": r[0].Value, "value": []any{i, r[4].Value, r[5].Value, r[6].Value},
			"itemStyle": map[string]any{"color": "@color:" + []string{"good", "muted"}[i%2]},
		})
	}
	return map[string]any{
		"grid":  map[string]any{"left": 8, "right": 24, "top": 24, "bottom": 24},
		"xAxis": map[string]any{"type": "value", "axisLabel": map[string]any{"formatter": "@format:share"}},
		"yAxis": map[string]any{
			"type": "category", "inverse": true, "data": column1(t, 0), "axisLabel": map[string]any{"width": 130, "overflow": "truncate"},
		},
		"series": []any{
			map[string]any{
				"type": "custom", "renderItem": "@render:interval", "encode": map[string]any{"x": []int{1, 2, 3}, "y": 0}, "data": data,
			},
			map[string]any{"type": "line", "data": []any{}, "markLine": map[string]any{
				"symbol": "none", "lineStyle": map[string]any{"color": "@color:muted"},
				"data": []any{map[string]any{"xAxis": 0.25, "label": map[string]any{"formatter": "everybody 25 %"}}},
			}},
		},
	}
}

func fixtureUpright(t *table) map[string]any {
	var data []any
	for i, r := range t.Rows {
		data = append(data, []any{i, r[4].Value, r[5].Value, r[6].Value})
	}
	return map[string]any{
		"xAxis": map[string]any{"type": "category", "data": column1(t, 0)},
		"yAxis": map[string]any{"type": "value", "axisLabel": map[string]any{"formatter": "@format:share"}},
		"series": []any{map[string]any{
			"type": "custom", "renderItem": "@render:intervalUp", "encode": map[string]any{"x": 0, "y": []int{1, 2, 3}}, "data": data,
		}},
	}
}
