package clv

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"segments/transforms/clv/btyd"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

const (
	daysPerYear  = 365.25
	daysPerMonth = daysPerYear / 12
	lastDay      = 2_932_896 // 9999-12-31, the last date that all warehouses know
)

// An outlook is the forecast for somebody alive, which depends on x and T alone.
type outlook struct {
	p30, p60, p90    float64
	orders90, orders float64
	discounted       float64 // orders within the horizon
}

// An outlookCache keeps outlooks, which many customers share. Forgetting one costs time and nothing else.
type outlookCache struct {
	outlooks sync.Map // outlookKey to *outlook
	size     atomic.Int64
}

type outlookKey struct{ x, age int64 }

const maxOutlooks = 1 << 17 // some 20 MB

// outlook returns the forecast for somebody alive with x repeat purchases at age days.
func (m *model) outlook(x, age int64) *outlook {
	key := outlookKey{x, age}
	if o, ok := m.cache.outlooks.Load(key); ok {
		return o.(*outlook)
	}
	o := m.computeOutlook(x, age)
	if m.cache.size.Load() < maxOutlooks {
		m.cache.outlooks.Store(key, o)
		m.cache.size.Add(1)
	}
	return o
}

func (m *model) computeOutlook(x, age int64) *outlook {
	unit := timeUnits[m.Settings.TimeUnit]
	t := float64(age) / unit
	orders := func(days float64) float64 { return m.counting.ExpectedAlive(x, t, days/unit) }
	p := func(days float64) float64 { return m.counting.PPurchaseAlive(x, t, days/unit) }
	monthly := math.Pow(1+m.Settings.DiscountRateAnnual, 1.0/12) - 1
	return &outlook{
		p30: p(30), p60: p(60), p90: p(90),
		orders90: orders(90), orders: orders(float64(m.Settings.HorizonDays)),
		discounted: btyd.Discounted(orders, float64(m.Settings.HorizonDays), daysPerMonth, monthly),
	}
}

// A forecast is the outputs of one customer. NaN, a negative count and a negative day stand for NULL.
type forecast struct {
	pAlive, p30, p60, p90 float64
	orders90, value90     float64
	horizon               int64
	orders                float64
	low, high             int64
	orderValue, revenue   float64
	nextOrderOn           int64
	status                string
}

func unknown(status string) forecast {
	nan := math.NaN()
	return forecast{
		pAlive: nan, p30: nan, p60: nan, p90: nan, orders90: nan, value90: nan, horizon: -1, orders: nan, low: -1, high: -1,
		orderValue: nan, revenue: nan, nextOrderOn: -1, status: status,
	}
}

// forecast scores a customer with x repeat purchase days, the last tx days after the first, age days old on day asOf,
// who spent mean on a repeat purchase day, NaN where that is not known. The history is valid.
func (m *model) forecast(x, tx, age int64, mean float64, asOf int64) forecast {
	if m.counting == nil {
		if m.Counting == nil {
			return unknown(statusNoModel)
		}
		return unknown(statusNotConverged)
	}
	unit, horizon := timeUnits[m.Settings.TimeUnit], m.Settings.HorizonDays
	t := float64(age) / unit
	alive := m.counting.PAlive(x, float64(tx)/unit, t)
	o := m.outlook(x, age)

	f := unknown(statusOK)
	if x == 0 {
		f.status = statusUncalibrated
	}
	f.pAlive, f.p30, f.p60, f.p90 = alive, alive*o.p30, alive*o.p60, alive*o.p90
	f.orders90, f.orders, f.horizon = alive*o.orders90, alive*o.orders, horizon
	quantiles := m.counting.OrderQuantiles(x, t, float64(horizon)/unit, alive, 0.1, 0.9)
	f.low, f.high = quantiles[0], quantiles[1]
	if wait := math.Ceil(m.counting.MedianWait(x, t, alive) * unit); wait <= float64(horizon) && asOf+int64(wait) <= lastDay {
		f.nextOrderOn = asOf + max(1, int64(wait))
	}
	m.addMoney(&f, x, mean, alive*o.discounted)
	return f
}

// addMoney adds to f what its orders are worth, or the status that says why that is not known.
func (m *model) addMoney(f *forecast, x int64, mean, discountedOrders float64) {
	if x == 0 {
		mean = 0
	} else if !validSpend(mean) {
		f.status = statusSpendNotPositive
		return
	}
	if m.spend == nil {
		f.status = statusNoSpendModel
		return
	}
	value := m.spend.ConditionalExpected(x, mean)
	value90, revenue := f.orders90*value, discountedOrders*value
	if !finite(value) || !finite(value90) || !finite(revenue) {
		f.status = statusNoSpendModel
		return
	}
	f.orderValue, f.value90, f.revenue = value, value90, revenue
}

// Apply forecasts each customer of b.
func (m *model) Apply(ctx context.Context, b frame.Batch) (frame.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := frame.Check(b.Schema(), inputs()...); err != nil {
		return nil, fmt.Errorf("clv: %w", err)
	}
	rows, asOf := readRows(b), customer.AsOf.Of(b)
	fs := make([]forecast, b.NumRows())
	for i := range fs {
		x, tx, age, mean, status := rows.at(i)
		if status == statusOK {
			fs[i] = m.forecast(x, tx, age, mean, int64(asOf.Value(i)))
		} else {
			fs[i] = unknown(status)
		}
	}
	return frame.Record(
		floats(PAlive, fs, func(f *forecast) float64 { return f.pAlive }),
		floats(PPurchase30d, fs, func(f *forecast) float64 { return f.p30 }),
		floats(PPurchase60d, fs, func(f *forecast) float64 { return f.p60 }),
		floats(PPurchase90d, fs, func(f *forecast) float64 { return f.p90 }),
		floats(ExpectedOrders90d, fs, func(f *forecast) float64 { return f.orders90 }),
		floats(ExpectedValue90d, fs, func(f *forecast) float64 { return f.value90 }),
		counts(HorizonDays, fs, func(f *forecast) int64 { return f.horizon }),
		floats(ExpectedOrders, fs, func(f *forecast) float64 { return f.orders }),
		counts(OrdersLow, fs, func(f *forecast) int64 { return f.low }),
		counts(OrdersHigh, fs, func(f *forecast) int64 { return f.high }),
		floats(ExpectedOrderValue, fs, func(f *forecast) float64 { return f.orderValue }),
		floats(Revenue, fs, func(f *forecast) float64 { return f.revenue }),
		column(ExpectedNextOrderDate, fs, func(f *forecast) (arrow.Date32, bool) {
			return arrow.Date32(f.nextOrderOn), f.nextOrderOn >= 0
		}),
		column(Status, fs, func(f *forecast) (string, bool) { return f.status, true }),
	), nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func floats(c frame.Col[*array.Float64, float64], fs []forecast, of func(*forecast) float64) frame.Data {
	return column(c, fs, func(f *forecast) (float64, bool) { v := of(f); return v, finite(v) })
}

func counts(c frame.Col[*array.Int64, int64], fs []forecast, of func(*forecast) int64) frame.Data {
	return column(c, fs, func(f *forecast) (int64, bool) { v := of(f); return v, v >= 0 })
}

// column makes the array of c from the forecasts; of says whether there is a value.
func column[A arrow.Array, V any](c frame.Col[A, V], fs []forecast, of func(*forecast) (V, bool)) frame.Data {
	values, valid := make([]V, len(fs)), make([]bool, len(fs))
	for i := range fs {
		values[i], valid[i] = of(&fs[i])
	}
	return c.Array(values, valid)
}
