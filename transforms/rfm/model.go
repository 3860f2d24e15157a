package rfm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A model is cut points and a segment map.
type model struct {
	Segments   []Segment `json:"segments"`
	Relative   bool      `json:"relative"` // whether frequency is cut at quantiles of all purchase days so far
	WindowDays int64     `json:"window_days"`

	Recency   cuts `json:"recency"`
	Frequency cuts `json:"frequency"`
	Monetary  cuts `json:"monetary"`
	Value     cuts `json:"value"`

	Warnings []string `json:"warnings"`

	CutMoved    bool `json:"cut_moved"` // since the model before, such that segments changed
	RuleChanged bool `json:"rule_changed"`

	grid *grid
}

// longAgo is the number of days from which on learned cuts that still call a purchase recent deserve a warning.
const longAgo = 180

// fewBuyers is the number of buyers below which keeping the cuts learned from them deserves a warning.
const fewBuyers = 100

// Fit implements transforms.Estimator.
func (e *Estimator) Fit(ctx context.Context, in frame.Batches, prev transforms.Model) (transforms.Model, error) {
	m, err := e.rules()
	if err != nil {
		return nil, err
	}
	old, _ := prev.(*model)
	if old == nil {
		old = &model{}
	}
	keep := !m.Relative && e.Refresh == "never"
	for _, c := range []struct {
		to    *cuts
		old   cuts
		given Cuts
		learn func() (cuts, error)
	}{
		{&m.Recency, old.Recency, e.RecencyCuts, func() (cuts, error) { return learnRecency(ctx, in) }},
		{&m.Monetary, old.Monetary, e.MonetaryCuts, func() (cuts, error) { return learn(ctx, in, monetaryOf, quintiles) }},
		{&m.Value, old.Value, nil, func() (cuts, error) { return learn(ctx, in, monetaryOf, tierCuts) }},
	} {
		switch {
		case c.given != nil:
			*c.to = cuts{At: slices.Clone(c.given), Source: configured}
		case keep && c.old.Source == learned && c.old.known():
			*c.to = c.old
		default:
			if *c.to, err = c.learn(); err != nil {
				return nil, err
			}
		}
	}
	if m.Relative {
		if m.Frequency, err = learn(ctx, in, frequencyOf, quintiles); err != nil {
			return nil, err
		}
	}
	m.Warnings = m.warnings(old, keep)
	return m, nil
}

func (m *model) warnings(old *model, keep bool) []string {
	var ws []string
	if !m.Value.known() {
		ws = append(ws, "nobody has bought: there are no cuts, and no scores, until somebody has")
	}
	if n := m.Value.Buyers; keep && n > 0 && n < fewBuyers {
		ws = append(ws, fmt.Sprintf("the cuts were learned from only %d buyers and are kept: refresh them when there are more", n))
	}
	if r := m.Recency; r.Source == learned && r.known() && r.At[1] > longAgo {
		ws = append(ws, fmt.Sprintf("the learned cuts call a purchase of up to %.10g days ago recent, since few bought lately: "+
			"consider recency_cuts of your own", r.At[1]))
	}
	for _, c := range []struct {
		name     string
		was, now []float64
	}{
		{"recency", old.Recency.At, m.Recency.At},
		{"frequency", old.Frequency.At, m.Frequency.At},
		{"monetary", old.Monetary.At, m.Monetary.At},
		{"value tier", old.Value.At, m.Value.At},
	} {
		if c.was != nil && !slices.Equal(c.was, c.now) {
			m.CutMoved = m.CutMoved || c.name == "recency" || c.name == "frequency" || c.name == "monetary" && m.grid.usesMoney()
			ws = append(ws, fmt.Sprintf("cut moved: %s from %.10g to %.10g", c.name, c.was, c.now))
		}
	}
	if old.grid != nil && old.Relative != m.Relative {
		m.CutMoved = true
		ws = append(ws, "cut moved: what frequency counts, purchase days in the window or so far")
	}
	if old.WindowDays != 0 && old.WindowDays != m.WindowDays {
		m.CutMoved = true
		ws = append(ws, fmt.Sprintf("cut moved: the window from %d to %d days", old.WindowDays, m.WindowDays))
	}
	if old.grid != nil && *old.grid != *m.grid {
		m.RuleChanged = true
		ws = append(ws, "rule changed: the segment map is another than before")
	}
	return ws
}

var _ transforms.Recutter = (*model)(nil)

// Recut implements transforms.Recutter: today's segment map on the scores of before.
func (m *model) Recut(before transforms.Model) transforms.Model {
	old, ok := before.(*model)
	if !ok {
		return nil
	}
	recut := *old
	recut.Segments, recut.grid = m.Segments, m.grid
	return &recut
}

// Load implements transforms.Estimator.
func (e *Estimator) Load(data json.RawMessage) (transforms.Model, error) {
	var m model
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("rfm: stored model: %w", err)
	}
	var err error
	if m.grid, err = newGrid(m.Segments); err != nil {
		return nil, fmt.Errorf("rfm: stored model: %w", err)
	}
	if m.WindowDays < 1 {
		return nil, errors.New("rfm: stored model: no window_days")
	}
	if err := errors.Join(m.Recency.check(4), m.Frequency.check(4), m.Monetary.check(4), m.Value.check(3)); err != nil {
		return nil, fmt.Errorf("rfm: stored model: %w", err)
	}
	return &m, nil
}

// MarshalJSON implements json.Marshaler.
func (m *model) MarshalJSON() ([]byte, error) {
	type plain model
	return json.Marshal((*plain)(m))
}

// Report implements transforms.Model.
func (m *model) Report() transforms.Report {
	r := transforms.Report{Status: "ok", Warnings: m.Warnings, CutMoved: m.CutMoved, RuleChanged: m.RuleChanged}
	if !m.Value.known() {
		r.Status = "no_buyers"
	}
	for _, c := range []struct {
		name string
		cuts cuts
	}{{"recency", m.Recency}, {"frequency", m.Frequency}, {"monetary", m.Monetary}, {"value", m.Value}} {
		for i, at := range c.cuts.At {
			r.Params = append(r.Params, transforms.Param{Name: fmt.Sprintf("%s_cut_%d", c.name, i+1), Value: at})
		}
	}
	r.Params = append(r.Params, transforms.Param{Name: "buyers", Value: float64(m.Value.Buyers)})
	return r
}

// Apply implements transforms.Model.
func (m *model) Apply(_ context.Context, b frame.Batch) (frame.Batch, error) {
	n := int(b.NumRows())
	r, f, money := newValues[int64](n), newValues[int64](n), newValues[int64](n)
	rBetter, rWorse := newValues[int64](n), newValues[int64](n)
	fBetter, fWorse := newValues[int64](n), newValues[int64](n)
	mBetter, mWorse := newValues[float64](n), newValues[float64](n)
	name, tier := newValues[string](n), newValues[string](n)
	dropsOn, dropsTo := newValues[arrow.Date32](n), newValues[string](n)

	read := reader(b)
	for i := range n {
		c, ok := read(i)
		if !ok {
			continue
		}
		if m.Value.known() {
			tier.set(i, tiers[len(m.Value.At)-m.Value.class(c.money)])
		}
		if m.Monetary.known() {
			class := m.Monetary.class(c.money)
			money.set(i, int64(class+1))
			if class < 4 {
				setFinite(mBetter, i, m.Monetary.At[class]-c.money)
			}
			if class > 0 {
				setFinite(mWorse, i, c.money-m.Monetary.At[class-1])
			}
		}
		if m.Recency.known() {
			score := m.recencyScore(c.recency)
			r.set(i, int64(score))
			if score < 5 {
				rBetter.set(i, c.recency-int64(m.Recency.At[4-score]))
			}
			if score > 1 {
				rWorse.set(i, int64(m.Recency.At[5-score])+1-c.recency)
			}
		}
		if m.Frequency.known() {
			score := m.frequencyScore(c, c.asOf)
			f.set(i, int64(score))
			if score < 5 {
				fBetter.set(i, int64(m.Frequency.At[score-1])+1-m.purchaseDays(c, score))
			}
			if score > 1 && !m.Relative {
				fWorse.set(i, c.bands[score-2]+m.WindowDays-c.asOf)
			}
		}
		if r.ok[i] && f.ok[i] && money.ok[i] {
			name.set(i, m.grid.at(int(r.vs[i]), int(f.vs[i]), int(money.vs[i])))
			if on, to, ok := m.silence(c, int(money.vs[i])); ok {
				dropsOn.set(i, on)
				dropsTo.set(i, to)
			}
		}
	}
	return frame.Record(
		RScore.Array(r.vs, r.ok), FScore.Array(f.vs, f.ok), MScore.Array(money.vs, money.ok),
		SegmentColumn.Array(name.vs, name.ok), ValueTier.Array(tier.vs, tier.ok),
		RDaysToBetter.Array(rBetter.vs, rBetter.ok), RDaysToWorse.Array(rWorse.vs, rWorse.ok),
		FDaysToBetter.Array(fBetter.vs, fBetter.ok), FDaysToWorse.Array(fWorse.vs, fWorse.ok),
		MToBetter.Array(mBetter.vs, mBetter.ok), MToWorse.Array(mWorse.vs, mWorse.ok),
		DropsOn.Array(dropsOn.vs, dropsOn.ok), DropsTo.Array(dropsTo.vs, dropsTo.ok),
	), nil
}

// A buyer is what the scores of one customer are made of. Days are counted from 1970-01-01.
type buyer struct {
	asOf         int64
	recency      int64 // days since the last purchase
	first        int64 // the day of the first purchase
	purchaseDays int64
	bands        [4]int64 // the days that band2_on to band5_on give; never for NULL
	money        float64
}

// never is a day that lies in no window.
const never = math.MinInt32

// reader returns what reads a row of b; its second result is false for who has never bought.
func reader(b frame.Batch) func(row int) (buyer, bool) {
	asOf, recency, first := customer.AsOf.Of(b), customer.DaysSinceLastOrder.Of(b), customer.FirstOrderOn.Of(b)
	days, money := customer.PurchaseDays.Of(b), customer.MonetaryTotal.Of(b)
	bands := [4]*array.Date32{
		customer.Band2On.Of(b), customer.Band3On.Of(b), customer.Band4On.Of(b), customer.Band5On.Of(b),
	}
	day := func(a *array.Date32, i int) int64 {
		if a.IsNull(i) {
			return never
		}
		return int64(a.Value(i))
	}
	return func(i int) (buyer, bool) {
		if recency.IsNull(i) {
			return buyer{}, false
		}
		c := buyer{
			asOf: day(asOf, i), recency: recency.Value(i), first: day(first, i),
			purchaseDays: days.Value(i), money: money.Value(i),
		}
		for k, a := range bands {
			c.bands[k] = day(a, i)
		}
		return c, true
	}
}

// values collects the values of an output, NULL unless set.
type values[V any] struct {
	vs []V
	ok []bool
}

func newValues[V any](n int) values[V] { return values[V]{make([]V, n), make([]bool, n)} }

func (v values[V]) set(i int, value V) { v.vs[i], v.ok[i] = value, true }

// setFinite sets a difference of amounts, unless it is too large for a number.
func setFinite(v values[float64], i int, value float64) {
	if !math.IsInf(value, 0) {
		v.set(i, value)
	}
}
