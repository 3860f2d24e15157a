package behavior

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/quantile"
)

// A threshold is a quantile of the buyers.
type threshold struct {
	Known     bool         `json:"known"` // false where there were too few to learn from
	Value     float64      `json:"value"`
	LearnedOn arrow.Date32 `json:"learned_on"` // days since 1970-01-01
	Quantile  float64      `json:"quantile"`
	Buyers    int64        `json:"buyers"` // how many it was learned from
}

type thresholds struct {
	Lapse     threshold `json:"lapse_days"`
	HighValue threshold `json:"high_value"`
}

// survey is what one look at the customers tells.
type survey struct {
	Customers   int64        `json:"customers"`
	AsOf        arrow.Date32 `json:"as_of"`        // days since 1970-01-01
	HistoryDays int64        `json:"history_days"` // the earliest first purchase to the as-of day
}

// model implements transforms.Model. Its exported fields are its JSON.
type model struct {
	Rules   Estimator  `json:"rules"`
	InForce thresholds `json:"in_force"`
	Today   thresholds `json:"today"` // what would be in force had it been learned in this fit
	Seen    survey     `json:"seen"`

	days lengths
}

// Fit implements transforms.Estimator. It learns the two thresholds and, unless refresh is always, prefers those of
// prev that were learned with the same quantile.
func (e *Estimator) Fit(ctx context.Context, in frame.Batches, prev transforms.Model) (transforms.Model, error) {
	days, err := e.check()
	if err != nil {
		return nil, err
	}
	m := &model{Rules: *e, days: days}
	if m.Seen, err = look(ctx, in); err != nil {
		return nil, fmt.Errorf("behavior: %w", err)
	}
	if m.Today.Lapse, err = m.learn(ctx, in, typicalIntervals, e.LapseQuantile); err != nil {
		return nil, fmt.Errorf("behavior: %s: %w", lapseDays, err)
	}
	if m.Today.HighValue, err = m.learn(ctx, in, spends, e.HighValueQuantile); err != nil {
		return nil, fmt.Errorf("behavior: %s: %w", highValue, err)
	}
	m.InForce = m.Today
	if prev != nil && e.Refresh == never {
		old, ok := prev.(*model)
		if !ok {
			return nil, fmt.Errorf("behavior: the previous model is a %T", prev)
		}
		m.InForce.Lapse = keep(old.InForce.Lapse, m.Today.Lapse)
		m.InForce.HighValue = keep(old.InForce.HighValue, m.Today.HighValue)
	}
	return m, nil
}

// keep returns old where it was learned, with the quantile that fresh has.
func keep(old, fresh threshold) threshold {
	if old.Known && old.Quantile == fresh.Quantile {
		return old
	}
	return fresh
}

// learn returns the quantile q of what values yields.
func (m *model) learn(
	ctx context.Context, in frame.Batches, values func(frame.Batch, func(float64)), q float64,
) (threshold, error) {
	qs, n, err := quantile.Of(ctx, in, values, q)
	if err != nil {
		return threshold{}, err
	}
	t := threshold{Quantile: q, Buyers: n}
	if n >= int64(m.Rules.MinBuyers) {
		t.Known, t.Value, t.LearnedOn = true, qs[0], m.Seen.AsOf
	}
	return t, nil
}

// look reads in once.
func look(ctx context.Context, in frame.Batches) (survey, error) {
	var s survey
	for b, err := range in {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = frame.Check(b.Schema(), fitInputs...)
		}
		if err != nil {
			return survey{}, err
		}
		asOf, age := customer.AsOf.Of(b), customer.BtydAge.Of(b)
		for i := range int(b.NumRows()) {
			s.Customers++
			s.AsOf = max(s.AsOf, asOf.Value(i))
			s.HistoryDays = max(s.HistoryDays, count(age, i))
		}
	}
	return s, nil
}

// typicalIntervals yields each repeat buyer's own purchase interval in days: the median, or the mean where there is no
// median.
func typicalIntervals(b frame.Batch, yield func(float64)) {
	median, x, tx := customer.IntervalDays.Of(b), customer.BtydX.Of(b), customer.BtydTx.Of(b)
	for i := range int(b.NumRows()) {
		switch {
		case median.IsValid(i):
			yield(median.Value(i))
		case count(x, i) > 0 && tx.IsValid(i):
			yield(float64(tx.Value(i)) / float64(x.Value(i)))
		}
	}
}

// spends yields each buyer's net revenue.
func spends(b frame.Batch, yield func(float64)) {
	silence, spent := customer.DaysSinceLastOrder.Of(b), customer.MonetaryTotal.Of(b)
	for i := range int(b.NumRows()) {
		if silence.IsValid(i) {
			yield(spent.Value(i))
		}
	}
}

// Load implements transforms.Estimator. The model scores by the hyperparameters it was fitted with, not by those of e.
func (e *Estimator) Load(data json.RawMessage) (transforms.Model, error) {
	m := &model{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("behavior: stored model: %w", err)
	}
	var err error
	if m.days, err = m.Rules.check(); err != nil {
		return nil, fmt.Errorf("behavior: stored model: %w", err)
	}
	return m, nil
}

// MarshalJSON implements transforms.Model.
func (m *model) MarshalJSON() ([]byte, error) {
	type plain model // without this method
	return json.Marshal((*plain)(m))
}

// Apply implements transforms.Model.
func (m *model) Apply(ctx context.Context, b frame.Batch) (frame.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := frame.Check(b.Schema(), inputs...); err != nil {
		return nil, fmt.Errorf("behavior: %w", err)
	}
	n := int(b.NumRows())
	lifeCycle, engagement, intent, stage := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	lapsesOn, lapses, notPurchased := make([]arrow.Date32, n), make([]bool, n), make([]bool, n)
	person := people(b)
	for i := range n {
		l := m.label(person(i))
		lifeCycle[i], engagement[i], intent[i], stage[i] = l.lifeCycle, l.engagement, l.intent, l.stage
		lapsesOn[i], lapses[i], notPurchased[i] = l.lapsesOn, l.lapses, l.engagedNotPurchased
	}
	return frame.Record(
		LifeCycle.Array(lifeCycle, nil), LapsesOn.Array(lapsesOn, lapses), Engagement.Array(engagement, nil),
		Intent.Array(intent, nil), JourneyStage.Array(stage, nil), EngagedNotPurchased.Array(notPurchased, nil),
	), nil
}

// Learned implements transforms.Model.
func (m *model) Learned() []frame.Batch {
	l, h := m.InForce.Lapse, m.InForce.HighValue
	known := []bool{l.Known, h.Known}
	return []frame.Batch{frame.Record(
		Measure.Array([]string{lapseDays, highValue}, nil),
		Value.Array([]float64{l.Value, h.Value}, known),
		LearnedOn.Array([]arrow.Date32{l.LearnedOn, h.LearnedOn}, known),
	)}
}

// Report implements transforms.Model. Its status is ok, no_rows, or few_buyers where a threshold could not be learned.
// The params that end in _today say what a refresh would change.
func (m *model) Report() transforms.Report {
	r := transforms.Report{Status: "ok"}
	add := func(name string, v float64) { r.Params = append(r.Params, transforms.Param{Name: name, Value: v}) }
	for _, t := range []struct {
		name            string
		inForce, today  threshold
		buyers, without string
	}{
		{
			lapseDays, m.InForce.Lapse, m.Today.Lapse, "repeat buyers",
			"buyers with fewer than two intervals lapse after lapse_default, " + m.Rules.LapseDefault,
		},
		{highValue, m.InForce.HighValue, m.Today.HighValue, "buyers", "nobody is of high value"},
	} {
		if t.inForce.Known {
			add(t.name, t.inForce.Value)
		} else {
			r.Status = "few_buyers"
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s is not learned: %d %s, %d are needed (min_buyers); %s.",
				t.name, t.inForce.Buyers, t.buyers, m.Rules.MinBuyers, t.without))
		}
		if t.today.Known {
			add(t.name+"_today", t.today.Value)
		}
	}
	add("buyers", float64(m.Today.HighValue.Buyers))
	add("repeat_buyers", float64(m.Today.Lapse.Buyers))
	add("history_days", float64(m.Seen.HistoryDays))

	// Intervals longer than the history cannot be seen, so a short one makes the buyers look faster than they are.
	fresh := m.InForce.Lapse.Known && m.InForce.Lapse == m.Today.Lapse
	if v := m.InForce.Lapse.Value; fresh && float64(m.Seen.HistoryDays) < 2*v {
		r.Warnings = append(r.Warnings, fmt.Sprintf("lapse_days is %s, learned from only %d days of history, in which longer "+
			"intervals hardly show: learn it again (refresh: always, once) when there is more.", number(v), m.Seen.HistoryDays))
	}
	if m.Seen.Customers == 0 {
		r.Status = "no_rows"
	}
	return r
}
