package report

import (
	"strings"
	"testing"
)

func TestDrift(t *testing.T) {
	calm := []string{
		"compared_with=2026-10-24 kind=feature name=orders psi=0.01 before=2.0 now=2.1 state=calm", "compared_with=2026-10-24 kind=cut name=rfm.recency_cut_1 before=36 now=36 state=calm",
		"compared_with=2026-09-30 kind=feature name=orders psi=0.6 before=1.0 now=2.1 state=expected reason=it_grows_with_time",
	}
	priced := "compared_with=2026-10-24 kind=feature name=average_order_value psi=0.8 before=18.0 now=55.0 state=warned reason=the_distribution_moved"
	old := "compared_with=2026-09-30 kind=feature name=average_order_value psi=0.9 before=17.0 now=55.0 state=warned reason=the_distribution_moved"
	cut := "compared_with=2026-10-24 kind=cut name=rfm.recency_cut_1 before=36 now=40 state=warned reason=the_cut_moved"
	rows := func(lines ...string) map[string][]record {
		out := rowsOf(t, lines...)
		for _, r := range out {
			r["kind"] = strings.ReplaceAll(r.text("kind"), " ", "_")
		}
		return map[string][]record{"drift": out}
	}
	for _, x := range []said{
		{name: "a first run", none: true},
		{name: "nothing", tables: rows(calm...), title: "Nothing has shifted since 2026-09-30", tone: good},
		{
			name: "prices", tables: rows(append([]string{priced, old}, calm...)...), title: "Since 2026-09-30, average order value has shifted", tone: caution,
			lead: "Since 2026-09-30, average order value: the distribution moved.",
		},
		{
			name: "prices and a cut", tables: rows(append([]string{priced, cut}, calm...)...),
			title: "Since 2026-10-24, average order value has shifted, and so has something else", tone: caution,
			lead: "Since 2026-10-24, average order value: the distribution moved.\nSince 2026-10-24, recency cut 1 of the scores: the cut moved.",
		},
		{
			name: "a group before a parameter", tables: rows(append([]string{
				"compared_with=2026-10-24 kind=parameter name=clv.mbgnbd_b before=1121.0 now=102089.0 state=warned reason=it_went_from_1121_to_102089:_more",
				"compared_with=2026-10-24 kind=segment_size name=core_segment/New before=104.0 now=237.0 state=warned reason=it_grew",
			}, calm...)...),
			title: "Since 2026-10-24, the size of New has shifted, and so has something else", tone: caution,
			lead: "Since 2026-10-24, the size of New: it grew.\nSince 2026-10-24, mbgnbd b of the forecasts: it went from 1,121 to 102,089: more.",
		},
	} {
		x.run(t, driftPanel)
	}
}
