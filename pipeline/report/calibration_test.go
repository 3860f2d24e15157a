package report

import "testing"

// forecastRows are rows of model_validation about orders from an origin: the model's, and one naive forecast's.
func forecastRows(t *testing.T, origin, predicted, actual, bias, deviance, naive string) []record {
	t.Helper()
	at := "origin=" + origin + " horizon_days=90 customers=1000 "
	return rowsOf(t,
		at+"model=clv metric=total_orders bin=0 predicted="+predicted+" actual="+actual, at+"model=clv metric=total_bias_orders bin=0 actual="+bias,
		at+"model=clv metric=poisson_deviance_orders bin=0 actual="+deviance, at+"model=clv metric=gini_orders bin=0 actual=0.54",
		at+"model=clv metric=mean_orders bin=1 predicted=0.1 actual=0.2", at+"model=clv metric=mean_orders bin=2 predicted=1.1 actual=1.2",
		at+"model=naive metric=total_orders bin=0 predicted=900 actual="+actual, at+"model=naive metric=poisson_deviance_orders bin=0 actual="+naive)
}

// named gives the naive forecast its name, which has blanks for rowsOf.
func named(rows ...[]record) []record {
	var out []record
	for _, rs := range rows {
		for _, r := range rs {
			if r["model"] == "naive" {
				r["model"] = "repeat_last_period"
			}
			r["metric"] = underscored(r.text("metric"))
			out = append(out, r)
		}
	}
	return out
}

func underscored(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == ' ' {
			b[i] = '_'
		}
	}
	return string(b)
}

func checkRows(t *testing.T, lines ...string) []record {
	t.Helper()
	out := rowsOf(t, lines...)
	for _, r := range out {
		r["check_name"], r["state"] = underscored(r.text("check_name")), underscored(r.text("state"))
	}
	return out
}

func TestCalibration(t *testing.T) {
	const beats = "The forecast of orders beats repeating the last period by 50 % (by deviance)."
	const gini = "The newest forecast of orders puts the customers in order with a Gini of 0.54."
	one := func(predicted, actual, bias, deviance, naive string) map[string][]record {
		return map[string][]record{"model_validation": named(forecastRows(t, "2026-08-02", predicted, actual, bias, deviance, naive))}
	}
	for _, x := range []said{
		{name: "no forecasts", none: true},
		{
			name:   "not evaluated",
			tables: map[string][]record{"run_checks": checkRows(t, "check_name=forecast_beats_naive subject=clv state=not_evaluated detail=too_little_history")},
			title:  "No forecast has been held against what came", lead: "The reason: too little history.", tone: caution,
		},
		{
			name: "good", tables: one("1020", "1000", "0.02", "1", "2"), tone: good,
			title: "The newest forecast came within 2.0 % of the orders that followed", lead: beats + "\n" + gini,
		},
		{
			name: "too low", tables: one("700", "1000", "-0.3", "1", "2"), tone: caution,
			title: "The newest forecast was 30 % too low: 700 orders expected, 1,000 came", lead: beats + "\n" + gini,
		},
		{
			name: "too high", tables: one("1", "0.5", "1", "1", "2"), tone: caution,
			title: "The newest forecast was 100 % too high: 1 order expected, 1 came", lead: beats + "\n" + gini,
		},
		{
			name: "no better", tables: one("1000", "1000", "0", "2", "2"), tone: bad,
			title: "The newest forecast of orders is no better than repeating the last period",
			lead:  "The forecast of orders is no better than repeating the last period.\n" + gini,
		},
		{
			name: "worse", tables: one("1000", "1000", "0", "3", "2"), tone: bad,
			title: "The newest forecast of orders is no better than repeating the last period",
			lead:  "The forecast of orders is worse than repeating the last period: do not rely on it.\n" + gini,
		},
		{
			name: "nothing came", tables: one("10", "0", "", "3", ""), tone: caution,
			title: "Nothing came that the newest forecast could be held against", lead: gini,
		},
		{
			name: "two origins", tone: good,
			tables: map[string][]record{"model_validation": named(
				forecastRows(t, "2026-05-04", "1100", "1000", "0.1", "1", "2"), forecastRows(t, "2026-08-02", "950", "1000", "-0.05", "1", "2"))},
			title: "The newest forecast came within 5.0 % of the orders that followed",
			lead:  beats + "\nIn total, the forecasts of orders were off by −5.0 % from 2026-08-02 and +10 % from 2026-05-04.\n" + gini,
		},
	} {
		x.run(t, calibrationPanel)
	}
}

func TestWorth(t *testing.T) {
	worth := rowsOf(t,
		"core_segment=Champions forecast_customers=100 horizon_days=365 clv_revenue=9000 clv_revenue_mean=90 expected_orders_90d=200 expected_value_90d=4000",
		"core_segment=Loyal forecast_customers=300 horizon_days=365 clv_revenue=3000 clv_revenue_mean=10 expected_orders_90d=100 expected_value_90d=1000")
	const lead = "A customer of Champions is expected to bring 90 EUR, the average one 30 EUR.\nIn the next quarter, 300 orders are expected, worth 5,000 EUR."
	for _, x := range []said{
		{name: "no forecasts", none: true},
		{
			name: "two groups", tables: map[string][]record{"report_worth": worth}, tone: neutral,
			title: "The next 365 days are expected to bring 12,000 EUR, 75 % of it from Champions", lead: lead,
		},
		{
			name: "one group", tables: map[string][]record{"report_worth": worth[:1]}, tone: neutral,
			title: "The next 365 days are expected to bring 9,000 EUR, all of it from Champions", lead: "In the next quarter, 200 orders are expected, worth 4,000 EUR.",
		},
		{
			name: "the last was too low", tone: caution,
			tables: map[string][]record{
				"report_worth": worth, "model_validation": named(forecastRows(t, "2026-08-02", "700", "1000", "-0.3", "1", "2")),
			},
			title: "The next 365 days are expected to bring 12,000 EUR, 75 % of it from Champions",
			lead: lead + "\nThe tenth of the customers with the highest forecasts on 2026-08-02 brought 86 % of the orders of the 90 days after, the tenth with the lowest 14 %.\n" +
				"Take it with care: the newest forecast of orders that could be held against what came was 30 % too low.",
		},
		{
			name: "withheld", tone: caution,
			tables: map[string][]record{"run_checks": checkRows(t, "check_name=forecast_beats_naive subject=clv_orders state=warned detail=withheld._It_is_worse.")},
			title:  "No forecast of worth is shown: a naive forecast was as good as the model's",
		},
		{
			name: "no model", tone: caution, tables: map[string][]record{"run_checks": fits(checkRows(t, "check_name=fit subject=clv state=warned"), "no_model")},
			title: "No forecast of worth can be made: too few customers have bought more than once",
		},
		{
			name: "no convergence", tone: caution, tables: map[string][]record{"run_checks": fits(checkRows(t, "check_name=fit subject=clv state=warned"), "not_converged")},
			title: "No forecast of worth can be made: the model did not fit the purchases",
		},
	} {
		x.run(t, worthPanel)
	}
}

func fits(rows []record, detail string) []record {
	rows[0]["detail"] = detail
	return rows
}
