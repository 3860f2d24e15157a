package report

import (
	"fmt"
	"testing"
)

// funnelRows are the steps of a funnel of so many sessions, each of a customer; of fewer than 20 nothing is told of shares.
func funnelRows(dimension, v, segment string, sessions ...int64) []record {
	var out []record
	for i, step := range []string{"view", "product", "cart", "checkout", "purchase"} {
		r := record{
			"segment": segment, "dimension": dimension, "value": v, "step": step, "step_order": int64(i + 1), "sessions": sessions[i],
			"customers": sessions[i], "share_of_first": nil, "share_of_before": nil, "drop_off": nil,
		}
		if sessions[0] >= 20 {
			r["share_of_first"] = float64(sessions[i]) / float64(sessions[0])
			if i > 0 && sessions[i-1] > 0 {
				share := float64(sessions[i]) / float64(sessions[i-1])
				r["share_of_before"], r["drop_off"] = share, 1-share
			}
		}
		out = append(out, r)
	}
	return out
}

func TestFunnel(t *testing.T) {
	join := func(parts ...[]record) (out []record) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	for _, x := range []said{
		{name: "no table", none: true},
		{name: "too few", tables: map[string][]record{"segment_funnel": funnelRows("all", "", "", 19, 9, 8, 7, 6)}, none: true},
		{
			name: "all", tone: neutral, title: "Of 1,000 sessions, 10 % end in a purchase; the largest part of those still there, 80 %, is lost before putting something into the cart",
			lead: "From ads, 20 % of the sessions end in a purchase; from email, 0 % do.\nOf Loyal, 25 % of the sessions end in a purchase; of Lost, 5.0 % do.",
			tables: map[string][]record{
				"report_definitions": rowsOf(t, "segment=Loyal", "segment=Lost"),
				"segment_funnel": join(funnelRows("all", "", "", 1000, 1000, 200, 150, 100), funnelRows("channel", "ads", "", 500, 400, 300, 200, 100),
					funnelRows("channel", "email", "", 400, 100, 50, 10, 0), funnelRows("channel", "tiny", "", 15, 15, 15, 15, 15),
					funnelRows("channel", "small", "", 30, 30, 30, 30, 30), funnelRows("landing_page", "/", "", 500, 400, 300, 200, 100),
					funnelRows("all", "", "Lost", 400, 200, 100, 50, 20), funnelRows("all", "", "Loyal", 200, 100, 80, 60, 50),
					funnelRows("all", "", "(unknown)", 400, 200, 100, 50, 20)),
			},
		},
		{
			name: "everybody buys", tone: neutral, title: "Of 50 sessions, 100 % end in a purchase",
			tables: map[string][]record{"segment_funnel": funnelRows("all", "", "", 50, 50, 50, 50, 50)},
		},
		{
			name: "nothing but the first step is known of", none: true,
			tables: map[string][]record{"segment_funnel": funnelRows("all", "", "", 50, 0, 0, 0, 0)},
		},
	} {
		x.run(t, funnelPanel)
		if x.none {
			continue
		}
		for _, table := range built(t, faked(x.tables), funnelPanel).Tables {
			for _, r := range table.Rows {
				if known(r[2]) && value(r[2]) < 20 {
					t.Error("told of too few: " + fmt.Sprint(table.ID, texts(r)))
				}
			}
		}
	}
}
