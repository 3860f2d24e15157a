package report

import (
	"fmt"
	"math"
	"slices"
)

var calibrationPanel = panel{id: "calibration", question: "Is the model honest?", needs: []string{"model_validation"}, build: buildCalibration}

// buildCalibration holds the forecast of orders against what came: bin by bin, in all, and against naive forecasts.
func buildCalibration(d *data) (*section, error) {
	bins, models, why := d.calibrationBins(), d.calibrationModels(), d.forecastChecks("calibration-checks")
	if len(models.Rows) == 0 {
		if len(why.Rows) == 0 {
			return nil, nil // the job makes no forecasts
		}
		return &section{
			Title: say("No forecast has been held against what came"), Tone: caution,
			Lead: calibrationWhy(why), Tables: []*table{why},
		}, nil
	}
	s := &section{Tables: []*table{models, why}, Lead: calibrationLead(models)}
	s.Title, s.Tone = calibrationTitle(models)
	if len(bins.Rows) > 0 {
		s.Charts = []*chart{{
			ID: "chart-calibration", Height: 380, Table: bins, Option: calibrationOption(bins),
			Label: "Expected against realized orders a customer, by tenth of the customers, from each origin. " +
				"On the diagonal, a forecast is what came; under it, too high; above it, too low.",
		}}
	}
	s.Notes = []string{
		"The job was fitted as of each origin, as if what came after were not known yet, and held against what then came.",
		"Deviance measures the error of forecasts of counts (the mean Poisson deviance): the lower, the better.",
		"Gini says how well a forecast puts customers in order: one is a perfect order, nothing is chance.",
	}
	return s, nil
}

// calibrationWhy says in the words of the checks why there is nothing to say.
func calibrationWhy(why *table) []sentence {
	for _, r := range why.Rows {
		if r[2].String() == "not evaluated" {
			return []sentence{stopped(say("The reason: {}", inFitWords(r[3])))}
		}
	}
	for _, r := range why.Rows {
		if r[2].String() != "passed" {
			return []sentence{stopped(say("{}: {}", stepIn(r[1]), inFitWords(r[3])))}
		}
	}
	return nil
}

// calibrationBins are the mean orders of the tenths at every origin, newest origin last.
func (d *data) calibrationBins() *table {
	t := &table{
		ID: "calibration-bins", Caption: "Expected and realized orders a customer, by tenth of the customers", From: "model_validation", Key: 2,
		Columns: []column{
			d.shows("model_validation", "origin", "From", formatDate),
			{Name: "bin", Title: "Tenth", Format: formatScore, Doc: "A tenth of the customers by forecast, lowest first."},
			d.shows("model_validation", "customers", "Customers", formatCount),
			{Name: "predicted", Title: "Expected orders a customer", Format: formatRate, Doc: "Mean forecast."},
			{Name: "actual", Title: "Realized orders a customer", Format: formatRate, Doc: "Mean of what came."},
		},
	}
	rows := where(own(d.forecasts()), "metric", "mean_orders")
	if slices.ContainsFunc(rows, func(r record) bool { return d.hidden(r, "customers") }) {
		return t
	}
	for _, r := range rows {
		t.add("", r.values(t.names()...)...)
	}
	return t
}

// Columns of calibrationModels.
const (
	ofOrigin = iota
	ofMeasure
	ofModel
	ofHorizon
	ofCustomers
	ofPredicted
	ofActual
	ofBias
	ofMiss
	ofDeviance
	ofBetter
	ofGini
)

// ownForecast stands for the job's own model among the naive forecasts.
const ownForecast = "the model"

// calibrationModels are the figures over all customers: newest origin first, orders before value, the own model first.
func (d *data) calibrationModels() *table {
	t := &table{
		ID: "calibration-models", Caption: "The model and the naive forecasts, over all customers", From: "model_validation", Key: 3,
		Columns: []column{
			d.shows("model_validation", "origin", "From", formatDate),
			{Name: "measure", Title: "Of", Format: formatText, Doc: "What is forecast: orders, or their value."},
			{Name: "model", Title: "Forecast", Format: formatText, Doc: "The job's own, or a naive one that it must beat."},
			d.shows("model_validation", "horizon_days", "Horizon", formatDays),
			d.shows("model_validation", "customers", "Customers", formatCount),
			{Name: "predicted", Title: "Expected", Format: formatCount, Doc: "Sum of the forecasts."},
			{Name: "actual", Title: "Realized", Format: formatCount, Doc: "Sum of what came."},
			{Name: "bias", Title: "Bias", Format: formatDelta, Doc: "What was expected by what came, less 1."},
			{Name: "miss", Title: "Off by", Format: formatShare, Doc: "The bias without its sign."},
			{
				Name: "deviance", Title: "Deviance", Format: formatRate,
				Doc: "Mean Poisson deviance of a customer: the lower, the better. Unknown where somebody gave back more than they bought.",
			},
			{Name: "better", Title: "Model better by", Format: formatShare, Doc: "How much lower the model's deviance is than this one."},
			{Name: "gini", Title: "Gini", Format: formatRate, Doc: "How well it orders the customers: 1 is perfect, 0 is chance."},
		},
	}
	all := d.forecasts()
	origins := distinct(all, "origin")
	slices.Reverse(origins)
	for _, origin := range origins {
		for _, measure := range []string{"orders", "value"} {
			d.calibrationOf(t, where(all, "origin", origin), measure)
		}
	}
	return t
}

// calibrationOf adds the forecasts of an origin.
func (d *data) calibrationOf(t *table, rows []record, measure string) {
	models := distinct(own(rows), "model")
	for _, m := range distinct(rows, "model") {
		if naiveForecasts[m] != "" {
			models = append(models, m)
		}
	}
	var ours record
	for _, m := range models {
		rows := where(rows, "model", m)
		total, deviance := find(rows, "metric", "total_"+measure), find(rows, "metric", "poisson_deviance_"+measure)
		bias, gini := find(rows, "metric", "total_bias_"+measure), find(rows, "metric", "gini_"+measure)
		if n, _ := total.number("customers"); n == 0 {
			continue
		}
		model, better := naiveForecasts[m], any(nil)
		if model == "" {
			model, ours = ownForecast, deviance
		} else if v := change(deviance["actual"], ours["actual"]); v != nil {
			better = -v.(float64)
		}
		var miss any
		if v, ok := bias.number("actual"); ok {
			miss = math.Abs(v)
		}
		row := t.add(d.Currency, total["origin"], measure, model, total["horizon_days"], total["customers"],
			total["predicted"], total["actual"], bias["actual"], miss, deviance["actual"], better, gini["actual"])
		if measure == "value" {
			row[ofPredicted].Format, row[ofActual].Format = formatMoney, formatMoney
		}
	}
}

// calibrationAt are the rows of the newest origin about a measure, the own model first.
func calibrationAt(t *table, measure string) [][]*cell {
	var out [][]*cell
	for _, r := range t.Rows {
		if r[ofOrigin].String() == t.Rows[0][ofOrigin].String() && r[ofMeasure].String() == measure {
			out = append(out, r)
		}
	}
	return out
}

// A forecast that is off by more than muchMiss in total is said to be too low or too high.
const muchMiss = 0.2

// calibrationTitle judges the newest forecast of orders.
func calibrationTitle(t *table) (sentence, tone) {
	rows := calibrationAt(t, "orders")
	if len(rows) == 0 || rows[0][ofModel].String() != ownForecast {
		return say("The forecasts held against what came"), neutral
	}
	ours := rows[0]
	var worse []*cell
	for _, r := range rows[1:] {
		if better, ok := r[ofBetter].number(); ok && better <= 0 {
			worse = append(worse, r[ofModel])
		}
	}
	bias, ok := ours[ofBias].number()
	switch {
	case !ok:
		return say("Nothing came that the newest forecast could be held against"), caution
	case len(worse) > 0:
		return say("The newest forecast of orders is no better than {}", worse[0]), bad
	case bias < -muchMiss:
		return say("The newest forecast was {} too low: {} expected, {} came", ours[ofMiss], counted(ours[ofPredicted], "order", "orders"), ours[ofActual]), caution
	case bias > muchMiss:
		return say("The newest forecast was {} too high: {} expected, {} came", ours[ofMiss], counted(ours[ofPredicted], "order", "orders"), ours[ofActual]), caution
	}
	return say("The newest forecast came within {} of the orders that followed", ours[ofMiss]), good
}

// calibrationLead compares the newest forecast with the naive ones, and with those of earlier origins.
func calibrationLead(t *table) []sentence {
	var lead []sentence
	for _, measure := range []string{"orders", "value"} {
		rows := calibrationAt(t, measure)
		if len(rows) == 0 || rows[0][ofModel].String() != ownForecast {
			continue
		}
		var beaten, alike, ahead []sentence
		for _, r := range rows[1:] {
			switch better, ok := r[ofBetter].number(); {
			case !ok:
			case better >= 0.01:
				beaten = append(beaten, say("{} by {}", r[ofModel], r[ofBetter]))
			case better > -0.01:
				alike = append(alike, sentence{r[ofModel]})
			default:
				ahead = append(ahead, sentence{r[ofModel]})
			}
		}
		of := say("The forecast of {}", rows[0][ofMeasure])
		if len(beaten) > 0 {
			lead = append(lead, say("{} beats {} (by deviance).", of, listed(beaten)))
		}
		if len(alike) > 0 {
			lead = append(lead, say("{} is no better than {}.", of, listed(alike)))
		}
		if len(ahead) > 0 {
			lead = append(lead, say("{} is worse than {}: do not rely on it.", of, listed(ahead)))
		}
	}
	var misses []sentence
	for _, r := range t.Rows {
		if r[ofMeasure].String() == "orders" && r[ofModel].String() == ownForecast && known(r[ofMiss]) {
			misses = append(misses, say("{} from {}", r[ofBias], r[ofOrigin]))
		}
	}
	if len(misses) > 1 {
		lead = append(lead, say("In total, the forecasts of orders were off by {}.", listed(misses)))
	}
	if rows := calibrationAt(t, "orders"); len(rows) > 0 && rows[0][ofModel].String() == ownForecast && known(rows[0][ofGini]) {
		lead = append(lead, say("The newest forecast of orders puts the customers in order with a Gini of {}.", rows[0][ofGini]))
	}
	return lead
}

// calibrationOption draws a line for each origin, and the diagonal.
func calibrationOption(t *table) map[string]any {
	var most float64
	series := []any{}
	for _, origin := range distinctTexts(t.column(0)) {
		var points []any
		for _, r := range t.Rows {
			if r[0].String() == origin && known(r[3]) && known(r[4]) {
				points = append(points, []any{r[3].Value, r[4].Value})
				most = max(most, value(r[3]), value(r[4]))
			}
		}
		color := fmt.Sprintf("@color:cat%d", len(series)%8)
		series = append(series, map[string]any{
			"type": "line", "name": "from " + origin, "data": points, "symbolSize": 8,
			"symbol":    []string{"circle", "rect", "triangle", "diamond"}[len(series)%4],
			"itemStyle": map[string]any{"color": color}, "lineStyle": map[string]any{"color": color, "width": 1},
		})
	}
	if len(series) > 0 {
		series[0].(map[string]any)["markLine"] = map[string]any{
			"silent": true, "symbol": "none", "animation": false, "label": map[string]any{"show": false},
			"lineStyle": map[string]any{"color": "@color:muted", "type": "dashed"},
			"data":      []any{[]any{map[string]any{"coord": []float64{0, 0}}, map[string]any{"coord": []float64{most, most}}}},
		}
	}
	axis := func(name string) map[string]any {
		return map[string]any{
			"type": "value", "name": name, "nameLocation": "middle", "nameGap": 34, "min": 0, "axisLabel": map[string]any{"formatter": "@format:rate"},
		}
	}
	return map[string]any{
		"grid":    map[string]any{"left": 56, "right": 24, "top": 36, "bottom": 52},
		"tooltip": map[string]any{},
		"legend":  map[string]any{"top": 0},
		"xAxis":   axis("Expected orders a customer"),
		"yAxis":   axis("Realized orders a customer"),
		"series":  series,
	}
}

// distinctTexts are the texts of cells, each once, in their order.
func distinctTexts(cells []*cell) []string {
	var out []string
	for _, s := range texts(cells) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
