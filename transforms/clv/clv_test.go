package clv_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"pgregory.net/rapid"

	"segments/transforms"
	"segments/transforms/clv"
	"segments/transforms/clv/btyd"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/transformstest"
)

const asOf = 20_000 // 2024-10-04

// A buyer is a row of the inputs; null where nothing is known of a first purchase.
type buyer struct {
	x, tx, age int64
	mean       float64 // NULL where it is NaN
	null       bool
}

func batch(bs ...buyer) frame.Batch {
	n := len(bs)
	x, tx, age, mean, day := make([]int64, n), make([]int64, n), make([]int64, n), make([]float64, n), make([]arrow.Date32, n)
	known, spent := make([]bool, n), make([]bool, n)
	for i, b := range bs {
		x[i], tx[i], age[i], mean[i], day[i] = b.x, b.tx, b.age, b.mean, asOf
		known[i], spent[i] = !b.null, !math.IsNaN(b.mean)
	}
	return frame.Record(customer.AsOf.Array(day, nil), customer.BtydX.Array(x, known), customer.BtydTx.Array(tx, known),
		customer.BtydAge.Array(age, known), customer.MonetaryRepeatMean.Array(mean, spent))
}

// sample returns n customers, some of them with every defect that there can be.
func sample(n int) []buyer {
	rng := rand.New(rand.NewPCG(5, 6))
	out := make([]buyer, n)
	for i := range out {
		b := buyer{age: rng.Int64N(500), mean: math.NaN()}
		if b.x = min(int64(rng.ExpFloat64()*rng.ExpFloat64()*3), b.age); b.x > 0 {
			b.tx = b.x + rng.Int64N(b.age-b.x+1)
			b.mean = math.Exp(3 + rng.NormFloat64()/2)
		}
		switch i % 97 {
		case 0:
			b = buyer{null: true, mean: math.NaN()}
		case 1:
			b.tx = b.age + 1
		case 2:
			b.mean = -1
		case 3:
			b = buyer{x: 4000, tx: 5000, age: 5000, mean: 3}
		}
		out[i] = b
	}
	return out
}

func estimator(model string) *clv.Estimator {
	e := clv.New().(*clv.Estimator)
	e.Model = model
	return e
}

func TestContract(t *testing.T) {
	data := batch(sample(3000)...)
	for _, model := range []string{"", "mbgnbd", "bgnbd", "auto"} {
		t.Run("model "+model, func(t *testing.T) { transformstest.Run(t, estimator(model), data) })
	}
}

func TestHyperparameters(t *testing.T) {
	for _, c := range []struct {
		change func(*clv.Estimator)
		want   string // what the error begins with
	}{
		{func(*clv.Estimator) {}, ""},
		{func(e *clv.Estimator) { e.Model = "" }, ""},
		{func(e *clv.Estimator) { e.Horizon, e.TimeUnit, e.DiscountRateAnnual = "3650d", "day", 0 }, ""},
		{func(e *clv.Estimator) { e.Model = "paretonbd" }, "model: paretonbd is not built yet"},
		{func(e *clv.Estimator) { e.Model = "BGNBD" }, "model: "},
		{func(e *clv.Estimator) { e.Horizon = "" }, "horizon: "},
		{func(e *clv.Estimator) { e.Horizon = "365" }, "horizon: "},
		{func(e *clv.Estimator) { e.Horizon = "52w" }, "horizon: "},
		{func(e *clv.Estimator) { e.Horizon = "-5d" }, "horizon: "},
		{func(e *clv.Estimator) { e.Horizon = "+5d" }, "horizon: "},
		{func(e *clv.Estimator) { e.Horizon = "0d" }, "horizon: "},
		{func(e *clv.Estimator) { e.Horizon = "3651d" }, "horizon: "},
		{func(e *clv.Estimator) { e.Horizon = "99999999999999999999d" }, "horizon: "},
		{func(e *clv.Estimator) { e.DiscountRateAnnual = -0.1 }, "discount_rate_annual: "},
		{func(e *clv.Estimator) { e.DiscountRateAnnual = math.NaN() }, "discount_rate_annual: "},
		{func(e *clv.Estimator) { e.DiscountRateAnnual = 11 }, "discount_rate_annual: "},
		{func(e *clv.Estimator) { e.TimeUnit = "month" }, "time_unit: "},
	} {
		e := estimator("mbgnbd")
		c.change(e)
		_, err := e.Signature()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v", *e, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%+v: error is %v, want %q…", *e, err, c.want)
		}
	}
}

// stored is a model with the published CDNOW parameters, in weeks.
const stored = `{"settings": {"horizon_days": 365, "discount_rate_annual": 0.1, "time_unit": "week"},
	"buyers": 2357, "repeat_buyers": 946, "invalid_histories": 0, "spend_not_positive": 0, "spend_correlation": 0.19,
	"counting": [
		{"name": "bgnbd", "params": [0.2425945, 4.4136019, 0.7929199, 2.4258881], "standard_errors": null, "log_likelihood": -9582.4292, "evaluations": 1, "converged": true},
		{"name": "mbgnbd", "params": [0.5248432, 6.1830858, 0.8913593, 1.6140020], "standard_errors": null, "log_likelihood": -9582.1357, "evaluations": 1, "converged": true}],
	"spend": {"name": "gammagamma", "params": [6.24957, 3.74422, 15.44352], "standard_errors": null, "log_likelihood": -4055.9177, "evaluations": 1, "converged": true}}`

func load(t *testing.T, data string) transforms.Model {
	t.Helper()
	m, err := clv.New().Load(json.RawMessage(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func apply(t *testing.T, m transforms.Model, bs ...buyer) frame.Batch {
	t.Helper()
	out, err := m.Apply(context.Background(), batch(bs...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestForecasts(t *testing.T) {
	m := load(t, stored)
	bs := []buyer{{x: 2, tx: 213, age: 272, mean: 22.345}, {x: 0, tx: 0, age: 272, mean: math.NaN()}, {x: 26, tx: 216, age: 217, mean: 60}}
	out := apply(t, m, bs...)
	mbg, gg := btyd.MBGNBD(0.5248432, 6.1830858, 0.8913593, 1.6140020), btyd.GammaGamma{P: 6.24957, Q: 3.74422, Gamma: 15.44352}
	for i, b := range bs {
		tx, age := float64(b.tx)/7, float64(b.age)/7
		orders := func(days float64) float64 { return mbg.ConditionalExpected(b.x, tx, age, days/7) }
		value := gg.Mean()
		if b.x > 0 {
			value = gg.ConditionalExpected(b.x, b.mean)
		}
		revenue, before := 0.0, 0.0
		for month := 1.0; month <= 12; month++ {
			end := min(month*30.4375, 365)
			revenue += value * (orders(end) - before) / math.Pow(1.1, end/365.25)
			before = orders(end)
		}
		for _, c := range []struct {
			name      string
			got, want float64
		}{
			{"p_alive", clv.PAlive.Of(out).Value(i), mbg.PAlive(b.x, tx, age)},
			{"p_purchase_30d", clv.PPurchase30d.Of(out).Value(i), mbg.PPurchase(b.x, tx, age, 30.0/7)},
			{"p_purchase_60d", clv.PPurchase60d.Of(out).Value(i), mbg.PPurchase(b.x, tx, age, 60.0/7)},
			{"p_purchase_90d", clv.PPurchase90d.Of(out).Value(i), mbg.PPurchase(b.x, tx, age, 90.0/7)},
			{"expected_orders_90d", clv.ExpectedOrders90d.Of(out).Value(i), orders(90)},
			{"expected_value_90d", clv.ExpectedValue90d.Of(out).Value(i), orders(90) * value},
			{"horizon_days", float64(clv.HorizonDays.Of(out).Value(i)), 365},
			{"expected_orders", clv.ExpectedOrders.Of(out).Value(i), orders(365)},
			{"expected_order_value", clv.ExpectedOrderValue.Of(out).Value(i), value},
			{"clv_revenue", clv.Revenue.Of(out).Value(i), revenue},
		} {
			if math.Abs(c.got-c.want) > 1e-9*c.want {
				t.Errorf("customer %d: %s is %v, want %v", i, c.name, c.got, c.want)
			}
		}
		low, high := clv.OrdersLow.Of(out).Value(i), clv.OrdersHigh.Of(out).Value(i)
		if float64(low) > orders(365) || float64(high) < orders(365) {
			t.Errorf("customer %d: %v orders expected, %d to %d", i, orders(365), low, high)
		}
		on := clv.ExpectedNextOrderDate.Of(out)
		p := func(days int64) float64 { return mbg.PPurchase(b.x, tx, age, float64(days)/7) }
		if on.IsNull(i) {
			if p(365) >= 0.5 {
				t.Errorf("customer %d orders within a year with probability %v, but has no next order", i, p(365))
			}
		} else if days := int64(on.Value(i)) - asOf; days < 1 || p(days) < 0.5 || p(days-1) >= 0.5 {
			t.Errorf("customer %d: next order in %d days, with probability %v", i, days, p(days))
		}
	}
	if on := clv.ExpectedNextOrderDate.Of(out); on.NullN() != 1 || on.IsValid(1) {
		t.Errorf("next orders %v, want none for the one-time buyer alone", on)
	}
}

func TestStatus(t *testing.T) {
	fitted := load(t, stored)
	noSpend := load(t, strings.Replace(stored, `-4055.9177, "evaluations": 1, "converged": true`, `-4055.9177, "evaluations": 1, "converged": false`, 1))
	heavyTail := load(t, strings.Replace(stored, "3.74422", "0.9", 1)) // no finite mean for all, but for repeat buyers
	notConverged := load(t, strings.ReplaceAll(stored, `"converged": true`, `"converged": false`))
	nothing, err := clv.New().Fit(context.Background(), frame.Of(), nil)
	if err != nil {
		t.Fatal(err)
	}
	null := math.NaN()
	for _, c := range []struct {
		model         transforms.Model
		buyer         buyer
		want          string
		counts, money bool // whether they are known
	}{
		{fitted, buyer{x: 2, tx: 50, age: 90, mean: 10}, "ok", true, true},
		{fitted, buyer{x: 0, tx: 0, age: 90, mean: null}, "uncalibrated", true, true},
		{fitted, buyer{x: 0, tx: 0, age: 0, mean: null}, "uncalibrated", true, true},
		{fitted, buyer{x: 2, tx: 50, age: 90, mean: 0}, "spend_not_positive", true, false},
		{fitted, buyer{x: 2, tx: 50, age: 90, mean: -3}, "spend_not_positive", true, false},
		{fitted, buyer{x: 2, tx: 50, age: 90, mean: null}, "spend_not_positive", true, false},
		{fitted, buyer{x: 2, tx: 50, age: 90, mean: 1e308}, "no_spend_model", true, false},
		{fitted, buyer{null: true, mean: null}, "no_purchase", false, false},
		{fitted, buyer{x: 2, tx: 91, age: 90, mean: 10}, "invalid_history", false, false},
		{fitted, buyer{x: 2, tx: 0, age: 90, mean: 10}, "invalid_history", false, false},
		{fitted, buyer{x: -1, tx: 0, age: 90, mean: 10}, "invalid_history", false, false},
		{fitted, buyer{x: 0, tx: 0, age: -1, mean: null}, "invalid_history", false, false},
		{noSpend, buyer{x: 2, tx: 50, age: 90, mean: 10}, "no_spend_model", true, false},
		{noSpend, buyer{x: 0, tx: 0, age: 90, mean: null}, "no_spend_model", true, false},
		{heavyTail, buyer{x: 2, tx: 50, age: 90, mean: 10}, "ok", true, true},
		{heavyTail, buyer{x: 0, tx: 0, age: 90, mean: null}, "no_spend_model", true, false},
		{notConverged, buyer{x: 2, tx: 50, age: 90, mean: 10}, "not_converged", false, false},
		{nothing, buyer{x: 2, tx: 50, age: 90, mean: 10}, "no_model", false, false},
		{nothing, buyer{null: true, mean: null}, "no_purchase", false, false},
	} {
		out := apply(t, c.model, c.buyer)
		if got := clv.Status.Of(out).Value(0); got != c.want {
			t.Errorf("%+v has status %s, want %s", c.buyer, got, c.want)
		}
		for i, f := range out.Schema().Fields() {
			known := c.counts
			switch f.Name {
			case "clv_status", "expected_next_order_date":
				continue
			case "expected_value_90d", "expected_order_value", "clv_revenue":
				known = c.money
			}
			if out.Column(i).IsValid(0) != known {
				t.Errorf("%+v with status %s: %s known is %v, want %v", c.buyer, c.want, f.Name, !known, known)
			}
		}
	}
}

func TestReportStatus(t *testing.T) {
	oneTime := make([]buyer, 50)
	for i := range oneTime {
		oneTime[i] = buyer{age: int64(i), mean: math.NaN()}
	}
	refunded := sample(2000)
	for i := range refunded {
		refunded[i].mean = 0
	}
	for _, c := range []struct {
		name   string
		buyers []buyer
		want   string
	}{
		{"nobody", nil, "no_rows"},
		{"prospects only", []buyer{{null: true, mean: math.NaN()}}, "no_rows"},
		{"one-time buyers only", oneTime, "no_model"},
		{"one customer", []buyer{{x: 5, tx: 80, age: 90, mean: 10}}, "no_model"},
		{"all refunded", refunded, "no_spend_model"},
		{"a sample", sample(2000), "ok"},
	} {
		m, err := clv.New().Fit(context.Background(), frame.Of(batch(c.buyers...)), nil)
		if err != nil {
			t.Fatal(err)
		}
		r := m.Report()
		if r.Status != c.want {
			t.Errorf("%s: status %s, want %s", c.name, r.Status, c.want)
		}
		if c.want != "ok" && len(r.Warnings) == 0 {
			t.Errorf("%s: status %s without a warning", c.name, r.Status)
		}
	}
}

func TestAutoTakesTheLikelier(t *testing.T) {
	m, err := estimator("auto").Fit(context.Background(), frame.Of(batch(sample(3000)...)), nil)
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]float64{}
	for _, p := range m.Report().Params {
		params[p.Name] = p.Value
	}
	bg, mbg := params["bgnbd_log_likelihood"], params["mbgnbd_log_likelihood"]
	if bg == 0 || mbg == 0 || (params["bgnbd_chosen"] == 1) != (bg > mbg) || params["bgnbd_chosen"]+params["mbgnbd_chosen"] != 1 {
		t.Errorf("params %v", params)
	}
	// stored has the log-likelihoods of CDNOW: MBG/NBD's is higher, and it doubts that one-time buyers are alive.
	out := apply(t, load(t, stored), buyer{age: 272, mean: math.NaN()})
	if p := clv.PAlive.Of(out).Value(0); p > 0.5 {
		t.Errorf("P(alive) is %v: not MBG/NBD's", p)
	}
}

// Days or weeks: the fitted scale differs by seven, and nothing else does.
func TestTimeUnitDoesNotMatter(t *testing.T) {
	data := batch(sample(3000)...)
	var outs []frame.Batch
	for _, unit := range []string{"day", "week"} {
		e := estimator("mbgnbd")
		e.TimeUnit = unit
		m, err := e.Fit(context.Background(), frame.Of(data), nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Apply(context.Background(), data)
		if err != nil {
			t.Fatal(err)
		}
		outs = append(outs, out)
	}
	for i := range int(data.NumRows()) {
		days, weeks := clv.ExpectedOrders.Of(outs[0]), clv.ExpectedOrders.Of(outs[1])
		if days.IsNull(i) != weeks.IsNull(i) || days.IsValid(i) && math.Abs(days.Value(i)/weeks.Value(i)-1) > 1e-6 {
			t.Fatalf("row %d: %v orders with days, %v with weeks", i, days.ValueStr(i), weeks.ValueStr(i))
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"no settings":          `{}`,
		"unknown field":        strings.Replace(stored, `"buyers"`, `"bidders"`, 1),
		"unknown model":        strings.Replace(stored, `"mbgnbd"`, `"paretonbd"`, 1),
		"too few parameters":   strings.Replace(stored, `[6.24957, `, `[`, 1),
		"a negative parameter": strings.Replace(stored, "0.2425945", "-1", 1),
		"an endless horizon":   strings.Replace(stored, `"horizon_days": 365`, `"horizon_days": 999999`, 1),
		"an unknown unit":      strings.Replace(stored, `"week"`, `"fortnight"`, 1),
		"a wrong place":        strings.Replace(stored, `"name": "gammagamma", "params": [6.24957,`, `"name": "bgnbd", "params": [1, 6.24957,`, 1),
	} {
		if _, err := clv.New().Load(json.RawMessage(data)); err == nil {
			t.Errorf("Load took a model with %s", name)
		}
	}
}

// TestAnythingStaysFinite scores impossible and extreme customers with impossible and extreme parameters.
func TestAnythingStaysFinite(t *testing.T) {
	sig, err := clv.New().Signature()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := func(name string) string {
			return fmt.Sprint(math.Exp(rapid.Float64Range(-20, 20).Draw(rt, name)))
		}
		model := rapid.SampledFrom([]string{"bgnbd", "mbgnbd"}).Draw(rt, "model")
		data := fmt.Sprintf(`{"settings": {"horizon_days": %d, "discount_rate_annual": %v, "time_unit": "week"},
			"counting": [{"name": %q, "params": [%s, %s, %s, %s], "converged": true}],
			"spend": {"name": "gammagamma", "params": [%s, %s, %s], "converged": true}}`,
			rapid.IntRange(1, 3650).Draw(rt, "horizon"), rapid.Float64Range(0, 10).Draw(rt, "rate"),
			model, p("r"), p("alpha"), p("a"), p("b"), p("p"), p("q"), p("gamma"))
		n := rapid.OneOf(rapid.Int64Range(-1, 9), rapid.Int64Range(0, 5000), rapid.Int64())
		b := buyer{
			x: n.Draw(rt, "x"), tx: n.Draw(rt, "t_x"), age: n.Draw(rt, "T"),
			mean: rapid.Float64().Draw(rt, "mean"),
		}
		out := apply(t, load(t, data), b)
		for i, c := range sig.Outputs {
			if c.Kind != frame.Float64Kind || out.Column(i).IsNull(0) {
				continue
			}
			if v := out.Column(i).ValueStr(0); strings.Contains(v, "Inf") || strings.Contains(v, "NaN") || strings.HasPrefix(v, "-") {
				rt.Errorf("%+v: %s is %s", b, c.Name, v)
			}
		}
	})
}
