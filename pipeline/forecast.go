package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// score holds the forecast and the naive ones against the purchases of the horizon, over the customers who had bought
// by the origin, and learns the naive means for the next origin.
func (r *run) score(ctx context.Context, b *Backtest, labels warehouse.Ref, at time.Time, before, learnt *earlier) error {
	learnt.cohortN, learnt.cohortMoney = validation.NewCellMeans(), validation.NewCellMeans()
	learnt.cellN, learnt.cellMo = validation.NewCellMeans(), validation.NewCellMeans()
	if r.Forecast == nil || r.Forecast.HorizonDays != r.HorizonDays {
		return nil
	}
	q, err := r.bind("forecast_outcomes", at, labels.As("labels"))
	if err != nil {
		return err
	}
	ref, err := r.Warehouse.Materialize(ctx, named(forecastTable, at), q)
	if err != nil {
		return err
	}
	names := []string{r.Forecast.Model, repeatLastPeriod}
	if before != nil && before.cohortN != nil {
		names = append(names, cohortMean, rfCellMean)
	}
	orders, money := scorers(names), scorers(names)
	for batch, err := range r.Warehouse.Scan(ctx, ref, forecastTable.Columns...) {
		if err != nil {
			return err
		}
		if err := scoreBatch(batch, names, orders, money, before, learnt); err != nil {
			return fmt.Errorf("score the forecast: %w", err)
		}
	}
	for _, n := range names {
		b.Forecasts = append(b.Forecasts, ForecastResult{n, orders[n].Result(), money[n].Result()})
	}
	b.Orders = compare(b.Forecasts, func(f ForecastResult) validation.Result { return f.Orders })
	b.Value = compare(b.Forecasts, func(f ForecastResult) validation.Result { return f.Value })
	return nil
}

// compare holds the first forecast against the naive ones; nil where there is nothing to hold it against.
func compare(all []ForecastResult, of func(ForecastResult) validation.Result) *validation.Comparison {
	model := of(all[0])
	if model.Customers == 0 || model.Actual <= 0 {
		return nil
	}
	naive := map[string]validation.Result{}
	for _, f := range all[1:] {
		naive[f.Model] = of(f)
	}
	c := validation.Compare(model, naive)
	return &c
}

func scorers(names []string) map[string]*validation.Scorer {
	out := map[string]*validation.Scorer{}
	for _, n := range names {
		out[n] = validation.NewScorer()
	}
	return out
}

// scoreBatch adds the customers of b to every scorer. Whom the model says nothing about is left out of all of them.
func scoreBatch(b frame.Batch, names []string, orders, money map[string]*validation.Scorer, before, learnt *earlier) error {
	fo, fv, first, cells := forecastOrders.Of(b), forecastValue.Of(b), customer.FirstOrderOn.Of(b), cell.Of(b)
	lastN, lastV := customer.PurchaseDaysLastHorizon.Of(b), customer.ValueLastHorizon.Of(b)
	an, av := actualOrders.Of(b), actualValue.Of(b)
	cohorts := map[frame.Day]string{}
	for i := range int(b.NumRows()) {
		cohort, ok := cohorts[first.Value(i)]
		if !ok {
			cohort = frame.TimeOf(first.Value(i)).Format("2006-01")
			cohorts[first.Value(i)] = cohort
		}
		n, v := float64(an.Value(i)), av.Value(i)
		if err := errors.Join(learnt.cohortN.Learn(cohort, n), learnt.cohortMoney.Learn(cohort, v),
			learnt.cellN.Learn(cells.Value(i), n), learnt.cellMo.Learn(cells.Value(i), v)); err != nil {
			return err
		}
		if fo.IsNull(i) {
			continue
		}
		for _, name := range names {
			var ofOrders, ofMoney float64
			switch name {
			case repeatLastPeriod:
				ofOrders, ofMoney = float64(lastN.Value(i)), lastV.Value(i)
			case cohortMean:
				ofOrders, ofMoney = mean(before.cohortN, cohort), mean(before.cohortMoney, cohort)
			case rfCellMean:
				ofOrders, ofMoney = mean(before.cellN, cells.Value(i)), mean(before.cellMo, cells.Value(i))
			default: // the model
				ofOrders, ofMoney = fo.Value(i), fv.Value(i)
			}
			if err := orders[name].Add(ofOrders, n); err != nil {
				return err
			}
			if fv.IsValid(i) {
				if err := money[name].Add(ofMoney, v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func mean(m *validation.CellMeans, key string) float64 {
	v, _ := m.Mean(key) // nothing learnt is nobody bought: 0
	return v
}

// judgeForecasts says what must be withheld: a forecast of orders, or of value, that a naive one equals in every respect
// at the newest origin.
func (r *run) judgeForecasts(all []Backtest) (hidden withheld) {
	f := r.Forecast
	if f == nil {
		return hidden
	}
	if f.HorizonDays != r.HorizonDays {
		r.check(checkForecast, f.Model, NotEvaluated, "the forecasts are for %d days, the horizon is %d", f.HorizonDays, r.HorizonDays)
		return hidden
	}
	newest := r.newest(all)
	if newest == nil || newest.Orders == nil {
		r.check(checkForecast, f.Model, NotEvaluated,
			"too little history: nobody had bought %d days before the as-of date, or nobody bought since", r.HorizonDays)
		return hidden
	}
	hidden.orders = r.judge(f.Model+" orders", newest.Orders, newest.Forecasts[0].Orders)
	if newest.Value != nil {
		hidden.value = r.judge(f.Model+" value", newest.Value, newest.Forecasts[0].Value)
	}
	return hidden
}

// judge notes how a forecast compares, and says whether it must be withheld.
func (r *run) judge(subject string, c *validation.Comparison, res validation.Result) bool {
	switch {
	case !c.Beats:
		r.check(checkForecast, subject, Warned, "withheld. %s", c.Reason)
		return true
	case res.Bias != nil && (*res.Bias > mostBias || *res.Bias < -mostBias):
		r.check(checkForecast, subject, Warned, "%s", c.Reason)
	default:
		r.check(checkForecast, subject, Passed, "%s", c.Reason)
	}
	return false
}

// mostBias is the total bias of the forecast, either way, above which a run warns: a season that the model knows nothing of.
const mostBias = 0.2

// floats are values that may be NULL.
type floats struct {
	vs    []float64
	valid []bool
}

func (f *floats) add(v *float64) {
	if v == nil {
		f.vs, f.valid = append(f.vs, 0), append(f.valid, false)
		return
	}
	f.vs, f.valid = append(f.vs, *v), append(f.valid, true)
}

// set takes back the last value for v, or for NULL where it is not ok.
func (f *floats) set(v float64, ok bool) {
	f.vs[len(f.vs)-1], f.valid[len(f.valid)-1] = v, ok
}

func estimate(e *validation.Estimate, v, low, high *floats) {
	if e == nil {
		v.add(nil)
		low.add(nil)
		high.add(nil)
		return
	}
	v.add(&e.Value)
	low.add(&e.Low)
	high.add(&e.High)
}

// modelRows are the rows of model_validation.
func (r *run) modelRows(all []Backtest) []frame.Batch {
	var out []frame.Batch
	for _, b := range all {
		for _, f := range b.Forecasts {
			out = append(out, r.forecastRows(b.Origin, f.Model, "orders", f.Orders), r.forecastRows(b.Origin, f.Model, "value", f.Value))
		}
	}
	return out
}

func (r *run) forecastRows(at time.Time, name, what string, res validation.Result) frame.Batch {
	var metrics []string
	var bins, counts []int64
	var forecast, came floats
	add := func(m string, bin int, n int64, p, a *float64) {
		metrics, bins, counts = append(metrics, m), append(bins, int64(bin)), append(counts, n)
		forecast.add(p)
		came.add(a)
	}
	for _, b := range res.Bins {
		add("mean_"+what, b.Bin, b.Customers, &b.Predicted, &b.Actual)
	}
	add("total_"+what, 0, res.Customers, &res.Predicted, &res.Actual)
	add("poisson_deviance_"+what, 0, res.Customers, nil, res.Deviance)
	add("total_bias_"+what, 0, res.Customers, nil, res.Bias)
	add("gini_"+what, 0, res.Customers, nil, res.Gini)
	n := len(metrics)
	return frame.Record(customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), n), nil), origin.Array(repeat(frame.DayOf(at), n), nil),
		horizonDays.Array(repeat(int64(r.HorizonDays), n), nil), model.Array(repeat(name, n), nil), metric.Array(metrics, nil),
		bin.Array(bins, nil), binCount.Array(counts, nil), forecast.of(predicted), came.of(actual))
}

// of returns the values as column c.
func (f *floats) of(c interface {
	Array(values []float64, valid []bool) frame.Data
},
) frame.Data {
	return c.Array(f.vs, f.valid)
}
