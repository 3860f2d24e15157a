package report

import (
	"fmt"
	"slices"
	"strings"
)

var worthPanel = panel{id: "worth", question: "What are they worth?", needs: []string{"customer_clv", "customer_segments"}, build: buildWorth}

// The naive forecasts in model_validation, and what they do.
var naiveForecasts = map[string]string{
	"repeat_last_period": "repeating the last period",
	"cohort_mean":        "the mean of those who came in the same month",
	"rf_cell_mean":       "the mean of those alike in recency and frequency",
}

// forecastChecks are the checks that held the forecasts against naive ones.
const forecastChecks = "forecast_beats_naive"

// forecasts are the rows of model_validation, by origin and bin.
func (d *data) forecasts() []record {
	rows := slices.Clone(d.rows("model_validation"))
	slices.SortFunc(rows, func(a, b record) int { return strings.Compare(forecastKey(a), forecastKey(b)) })
	return rows
}

func forecastKey(r record) string {
	bin, _ := r.number("bin")
	return fmt.Sprintf("%s %s %s %03.0f", r.text("origin"), r.text("metric"), r.text("model"), bin)
}

// own are the rows of the job's own forecast.
func own(rows []record) []record {
	var out []record
	for _, r := range rows {
		if naiveForecasts[r.text("model")] == "" {
			out = append(out, r)
		}
	}
	return out
}

// buildWorth says what the groups are expected to bring, and what such forecasts were worth the last time.
func buildWorth(d *data) (*section, error) {
	groups, tenths, why := d.worthGroups(), d.worthTenths(), d.forecastChecks("worth-checks")
	all := len(groups.Rows) > 0 && groups.Rows[len(groups.Rows)-1][0].Value == everybody
	if len(groups.Rows) == 0 && len(why.Rows) == 0 {
		return nil, nil // the job makes no forecasts
	}
	s := &section{Tone: neutral, Title: worthTitle(groups, why, all), Lead: worthLead(groups, tenths, all)}
	if len(groups.Rows) > 0 {
		if last := d.worthLast(); len(last.Rows) > 0 {
			s.Tables = append(s.Tables, last)
			if care := worthCaution(last); care != nil {
				s.Lead, s.Tone = append(s.Lead, care...), caution
			}
		}
		s.Notes = append(s.Notes, "What is expected holds the chance that a customer has left for good, and is discounted: money later counts less. "+
			"Of those who bought once, the chances have not been held against what came.")
		s.Charts = append(s.Charts, &chart{
			ID: "chart-worth-groups", Height: 90 + 26*len(groups.Rows), Table: groups, Option: worthGroupsOption(groups),
			Label: "Expected revenue by group, discounted, over the horizon from " + d.day() + d.in(),
		})
	} else {
		s.Tone = caution
	}
	if len(tenths.Rows) > 0 {
		s.Charts = append(s.Charts, &chart{
			ID: "chart-worth-tenths", Height: 320, Table: tenths, Option: worthTenthsOption(tenths),
			Label: fmt.Sprintf("Expected and realized %s by tenth of the customers, by forecast, in the %s after %s",
				worthMeasure(tenths), tenths.Rows[0][1], tenths.Rows[0][0]),
		})
	}
	if len(why.Rows) > 0 {
		s.Tables = append(s.Tables, why)
	}
	return s, nil
}

// in says in what unit money is.
func (d *data) in() string {
	if d.Currency == "" {
		return ""
	}
	return ", in " + d.Currency
}

// worthGroups is what each core segment is expected to bring, and all of them in the last row.
func (d *data) worthGroups() *table {
	t := &table{
		ID: "worth-groups", Caption: "What each group is expected to bring", From: "customer_clv, customer_segments", Key: 1,
		Columns: []column{
			d.shows("customer_segments", "core_segment", "Group", formatText),
			{Name: "forecast_customers", Title: "Customers with a forecast", Format: formatCount, Doc: "Customers of the group with a forecast of value."},
			d.shows("customer_clv", "horizon_days", "Horizon", formatDays),
			{Name: "clv_revenue", Title: "Expected revenue", Format: formatMoney, Doc: "Sum of clv_revenue: over the horizon, discounted."},
			{Name: "share", Title: "Share", Format: formatShare, Doc: "Of the expected revenue of all groups in the table."},
			{Name: "clv_revenue_mean", Title: "A customer", Format: formatMoney, Doc: "Mean clv_revenue."},
			{Name: "expected_orders_90d", Title: "Expected orders, next quarter", Format: formatCount, Doc: "Sum " +
				"of expected_orders_90d: in the 90 days after the as-of day."},
			{Name: "expected_value_90d", Title: "Their value", Format: formatMoney, Doc: "Sum of expected_value_90d, not discounted."},
		},
	}
	rows := d.byOrder(d.CoreSegment, "core_segment",
		d.query("report_worth", map[string]string{"customer_clv": "customer_clv", "customer_segments": "customer_segments"}))
	if len(rows) == 0 {
		return t
	}
	total := sum(rows, "clv_revenue")
	for _, r := range rows {
		r = record{
			"core_segment": r["core_segment"], "forecast_customers": r["forecast_customers"], "horizon_days": r["horizon_days"],
			"clv_revenue": r["clv_revenue"], "share": ratio(r["clv_revenue"], total), "clv_revenue_mean": r["clv_revenue_mean"],
			"expected_orders_90d": r["expected_orders_90d"], "expected_value_90d": r["expected_value_90d"],
		}
		t.add(d.Currency, r.values(t.names()...)...)
	}
	n := sum(rows, "forecast_customers")
	name := everybody
	if d.worthHidden(rows) {
		name = toldGroups
	}
	t.add(d.Currency, name, n, rows[0]["horizon_days"], total, ratio(total, total), ratio(total, n),
		sum(rows, "expected_orders_90d"), sum(rows, "expected_value_90d"))
	return t
}

// worthHidden says whether anybody may have a forecast who is in none of these groups: one too small to be told.
func (d *data) worthHidden(rows []record) bool {
	return slices.ContainsFunc(d.profiles(d.CoreSegment), func(p record) bool {
		return !slices.Contains(neverBought, p.text("segment")) && find(rows, "core_segment", p.text("segment")) == nil
	})
}

// The names of the row about all groups: of the second where some are too small to be told.
const (
	everybody  = "Everybody"
	toldGroups = "All that are told"
)

// names are those of the columns.
func (t *table) names() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Name
	}
	return out
}

// worthTenths holds the newest forecast against what came, by tenth of the customers.
func (d *data) worthTenths() *table {
	all := own(d.forecasts())
	measure, title, format := "value", "value a customer", formatMoney
	if len(where(all, "metric", "mean_value")) == 0 {
		measure, title, format = "orders", "orders a customer", formatRate
	}
	t := &table{
		ID: "worth-tenths", Caption: "The newest forecast held against what came, by tenth of the customers", From: "model_validation", Key: 3,
		Columns: []column{
			d.shows("model_validation", "origin", "From", formatDate),
			d.shows("model_validation", "horizon_days", "Horizon", formatDays),
			{Name: "bin", Title: "Tenth", Format: formatScore, Doc: "A tenth of the customers by forecast, lowest first."},
			d.shows("model_validation", "customers", "Customers", formatCount),
			{Name: "predicted", Title: "Expected " + title, Format: format, Doc: "Mean forecast."},
			{Name: "actual", Title: "Realized " + title, Format: format, Doc: "Mean of what came."},
			{Name: "share", Title: "Share of all that came", Format: formatShare, Doc: "Of what came from all customers with a forecast."},
		},
	}
	rows := where(all, "metric", "mean_"+measure)
	rows = where(rows, "origin", newest(rows))
	if slices.ContainsFunc(rows, func(r record) bool { return d.hidden(r, "customers") }) {
		return t
	}
	var total float64
	for _, r := range rows {
		n, _ := r.number("customers")
		mean, _ := r.number("actual")
		total += n * mean
	}
	for _, r := range rows {
		n, _ := r.number("customers")
		mean, ok := r.number("actual")
		var share any
		if ok && total > 0 {
			share = n * mean / total
		}
		t.add(d.Currency, append(r.values("origin", "horizon_days", "bin", "customers", "predicted", "actual"), share)...)
	}
	return t
}

// worthMeasure is what the tenths are about.
func worthMeasure(t *table) string {
	if t.Columns[5].Format == formatMoney {
		return "value a customer"
	}
	return "orders a customer"
}

// forecastChecks is a table of what the run's checks say about the forecasts.
func (d *data) forecastChecks(id string) *table {
	t := &table{
		ID: id, Caption: "What the checks say about the forecasts", From: "run_checks", Key: 2,
		Columns: []column{
			d.shows("run_checks", "check_name", "Check", formatText), d.shows("run_checks", "subject", "About", formatText),
			d.shows("run_checks", "state", "State", formatText), d.shows("run_checks", "detail", "What was seen", formatText),
		},
	}
	for _, c := range append(d.checks(forecastChecks), where(d.checks("fit"), "subject", "clv")...) {
		t.add("", plain(c.text("check_name")), c["subject"], plain(c.text("state")), c["detail"])
	}
	return t
}

// worthTitle says what is expected, or why nothing is; the last row of groups is of them all, and of everybody if all is
// true.
func worthTitle(groups, why *table, all bool) sentence {
	if len(groups.Rows) == 0 {
		for _, r := range why.Rows {
			detail := r[3].String()
			switch state := r[2].String(); {
			case strings.HasPrefix(detail, "withheld"):
				return say("No forecast of worth is shown: a naive forecast was as good as the model's")
			case state != "passed" && detail == "no_model":
				return say("No forecast of worth can be made: too few customers have bought more than once")
			case state != "passed" && detail == "no_rows":
				return say("No forecast of worth can be made: nobody has bought yet")
			case state != "passed" && detail == "no_spend_model":
				return say("No forecast of worth can be made: what customers spend could not be learned")
			case state != "passed" && detail == "not_converged":
				return say("No forecast of worth can be made: the model did not fit the purchases")
			}
		}
		return say("No group is large enough to tell what it is worth")
	}
	total := groups.Rows[len(groups.Rows)-1]
	best := slices.MaxFunc(groups.Rows[:len(groups.Rows)-1], byMoney)
	switch one := len(groups.Rows) == 2; {
	case one && all:
		return say("The next {} are expected to bring {}, all of it from {}", best[2], best[3], best[0])
	case one:
		return say("In the next {}, {} is expected to bring {}; the rest is in groups too small to describe", best[2], best[0], best[3])
	case all:
		return say("The next {} are expected to bring {}, {} of it from {}", total[2], total[3], best[4], best[0])
	}
	return say("In the next {}, the groups shown are expected to bring {}, {} of it from {}", total[2], total[3], best[4], best[0])
}

func byMoney(a, b []*cell) int {
	switch x, y := value(a[3]), value(b[3]); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// worthLead says who is worth most each, what is due soon, and how well the last forecast ordered the customers.
func worthLead(groups, tenths *table, everyone bool) []sentence {
	var lead []sentence
	if n := len(groups.Rows) - 1; n >= 1 {
		all, best := groups.Rows[n], groups.Rows[0]
		for _, r := range groups.Rows[:n] {
			if value(r[5]) > value(best[5]) {
				best = r
			}
		}
		if n > 1 {
			average := say("the average one")
			if !everyone {
				average = say("the average one of the groups shown")
			}
			lead = append(lead, say("A customer of {} is expected to bring {}, {} {}.", best[0], best[5], average, all[5]))
		}
		if known(all[6]) {
			s := say("In the next quarter, {} {} expected", counted(all[6], "order", "orders"),
				sentence{number(int(value(all[6])), "is", "are")})
			if !everyone {
				s = words(s, " of the groups shown")
			}
			if known(all[7]) {
				s = words(s, say(", worth {}", all[7]))
			}
			lead = append(lead, words(s, "."))
		}
	}
	if n := len(tenths.Rows); n > 1 {
		low, high := tenths.Rows[0], tenths.Rows[n-1]
		if known(low[6]) && known(high[6]) {
			lead = append(lead, say("The tenth of the customers with the highest forecasts on {} brought {} of the {} of the {} after, the tenth with the lowest {}.",
				high[0], high[6], sentence{strings.TrimSuffix(worthMeasure(tenths), " a customer")}, high[1], low[6]))
		}
	}
	return lead
}

// worthLast is how far the newest forecast was off in total: of value, or of orders where value is not forecast.
func (d *data) worthLast() *table {
	t := &table{
		ID: "worth-last", Caption: "The newest forecast that could be held against what came, in total", From: "model_validation", Key: 2,
		Columns: []column{
			d.shows("model_validation", "origin", "From", formatDate),
			{Name: "measure", Title: "Of", Format: formatText, Doc: "What was forecast: orders, or their value."},
			{Name: "bias", Title: "Bias", Format: formatDelta, Doc: "What was expected by what came, less 1."},
			{Name: "miss", Title: "Off by", Format: formatShare, Doc: "The bias without its sign."},
		},
	}
	models := d.calibrationModels()
	for _, measure := range []string{"value", "orders"} {
		if rows := calibrationAt(models, measure); len(rows) > 0 && rows[0][ofModel].Value == ownForecast && known(rows[0][ofBias]) {
			t.add("", rows[0][ofOrigin].Value, measure, rows[0][ofBias].Value, rows[0][ofMiss].Value)
			break
		}
	}
	return t
}

// worthCaution says that the newest forecast was far off in total.
func worthCaution(last *table) []sentence {
	for _, r := range last.Rows {
		switch bias := value(r[2]); {
		case bias < -muchMiss:
			return []sentence{say("Take it with care: the newest forecast of {} that could be held against what came was {} too low.", r[1], r[3])}
		case bias > muchMiss:
			return []sentence{say("Take it with care: the newest forecast of {} that could be held against what came was {} too high.", r[1], r[3])}
		}
	}
	return nil
}

// column returns the cells of a column.
func (t *table) column(i int) []*cell {
	out := make([]*cell, len(t.Rows))
	for k, r := range t.Rows {
		out[k] = r[i]
	}
	return out
}

// raw are the values of cells, for a series; what is not known leaves a gap.
func raw(cells []*cell) []any {
	out := make([]any, len(cells))
	for i, c := range cells {
		out[i] = c.Value
		if c.Value == nil {
			out[i] = "-"
		}
	}
	return out
}

// texts are cells as they are written.
func texts(cells []*cell) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = c.String()
	}
	return out
}

func worthGroupsOption(t *table) map[string]any {
	n := len(t.Rows) - 1
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 72, "top": 8, "bottom": 24, "containLabel": true},
		"tooltip": map[string]any{"trigger": "axis", "axisPointer": map[string]any{"type": "shadow"}},
		"xAxis":   map[string]any{"type": "value", "splitNumber": 3, "axisLabel": map[string]any{"formatter": "@format:money", "hideOverlap": true}},
		"yAxis":   map[string]any{"type": "category", "inverse": true, "data": texts(t.column(0)[:n]), "axisLabel": nameLabel()},
		"series": []any{map[string]any{
			"type": "bar", "name": "Expected revenue", "data": raw(t.column(3)[:n]), "itemStyle": map[string]any{"color": "@color:cat0"},
			"label": map[string]any{"show": true, "position": "right", "color": "@color:ink", "formatter": "@format:money"},
		}},
	}
}

// nameLabel keeps names of groups short enough for an axis.
func nameLabel() map[string]any {
	return map[string]any{"width": 120, "overflow": "truncate"}
}

func worthTenthsOption(t *table) map[string]any {
	format := "@format:" + string(t.Columns[5].Format)
	return map[string]any{
		"grid":    map[string]any{"left": 8, "right": 16, "top": 36, "bottom": 32, "containLabel": true},
		"tooltip": map[string]any{"trigger": "axis", "valueFormatter": format},
		"legend":  map[string]any{"top": 0},
		"xAxis":   map[string]any{"type": "category", "data": texts(t.column(2)), "name": "Tenth by forecast", "nameLocation": "middle", "nameGap": 26},
		"yAxis":   map[string]any{"type": "value", "axisLabel": map[string]any{"formatter": format}},
		"series": []any{
			map[string]any{"type": "bar", "name": "Expected", "data": raw(t.column(4)), "itemStyle": map[string]any{"color": "@color:cat1"}},
			map[string]any{"type": "bar", "name": "Realized", "data": raw(t.column(5)), "itemStyle": map[string]any{"color": "@color:cat0"}},
		},
	}
}
