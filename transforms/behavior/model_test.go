package behavior

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// TestLearn checks both quantiles on populations whose quantiles can be counted by hand.
func TestLearn(t *testing.T) {
	// One-time buyers, and forty repeat buyers with intervals of 1 to 40 days, known in three ways.
	rows := repeat(100, func(i int) row {
		r := buyer(1, 5, 0, float64(i+1))
		switch n := int64(i + 1); {
		case i >= 40:
		case i%3 == 0:
			r.hasInterval, r.interval, r.x, r.tx = true, float64(n), 2, 999
		case i%3 == 1:
			r.x, r.tx = 1, n
		default:
			r.x, r.tx = 4, 4*n
		}
		return r
	})
	rows = append(rows, repeat(100, func(int) row { return visitor(nil) })...)

	m := fit(t, New().(*Estimator), nil, batch(rows...))
	// The 0.9 quantile of 1..40 is the 36th, the 0.8 quantile of 1..100 the 80th (type 1 of Hyndman & Fan 1996).
	if want := (threshold{true, 36, today, 0.9, 40}); m.InForce.Lapse != want {
		t.Errorf("lapse is %+v, want %+v", m.InForce.Lapse, want)
	}
	if want := (threshold{true, 80, today, 0.8, 100}); m.InForce.HighValue != want {
		t.Errorf("high value is %+v, want %+v", m.InForce.HighValue, want)
	}
	wantParams := []transforms.Param{
		{Name: "lapse_days", Value: 36},
		{Name: "lapse_days_today", Value: 36},
		{Name: "high_value", Value: 80},
		{Name: "high_value_today", Value: 80},
		{Name: "buyers", Value: 100},
		{Name: "repeat_buyers", Value: 40},
		{Name: "history_days", Value: 0},
	}
	if r := m.Report(); r.Status != "ok" || !slices.Equal(r.Params, wantParams) {
		t.Errorf("report %+v, want the params %v", r, wantParams)
	}
	late := slices.Clone(rows[:100])
	for i := range late {
		late[i].silence, late[i].hasInterval = 400, false
	}
	n := map[string]int{}
	for _, l := range apply(t, m, late...) {
		n[l.lifeCycle]++
	}
	if n[highValueLapsed] != 20 || n[lapsed] != 80 {
		t.Errorf("of 100 lapsed buyers %v, want 20 of high value", n)
	}
}

func TestEqualBuyersAreNotOfHighValue(t *testing.T) {
	rows := repeat(50, func(int) row { return buyer(1, 999, 0, 12) })
	for _, l := range apply(t, fit(t, New().(*Estimator), nil, batch(rows...)), rows...) {
		if l.lifeCycle != lapsed {
			t.Fatalf("one of equal buyers is %s", l.lifeCycle)
		}
	}
}

func TestFewBuyers(t *testing.T) {
	rows := repeat(30, func(i int) row {
		r := buyer(2, 5, 0, 10)
		r.tx, r.age = 7, 99
		if i == 29 {
			r.x, r.tx = 0, 0
		}
		return r
	})
	m := fit(t, New().(*Estimator), nil, batch(rows...)) // 30 buyers, 29 of them repeat buyers
	if m.InForce.Lapse.Known || !m.InForce.HighValue.Known {
		t.Errorf("learned %+v, want high value only", m.InForce)
	}
	r := m.Report()
	const warning = "lapse_days is not learned: 29 repeat buyers, 30 are needed"
	if r.Status != "few_buyers" || len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0], warning) {
		t.Errorf("report %+v", r)
	}
	wantLearned(t, m, []any{nil, 10.0}, []any{nil, today})

	none := fit(t, New().(*Estimator), nil)
	if r := none.Report(); r.Status != "no_rows" || len(r.Warnings) != 2 {
		t.Errorf("report of no rows %+v", r)
	}
	wantLearned(t, none, []any{nil, nil}, []any{nil, nil})

	// What could not be learned is learned as soon as it can be.
	rows[29].x, rows[29].tx = 1, 7
	if next := fit(t, New().(*Estimator), none, batch(rows...)); !next.InForce.Lapse.Known || next.Report().Status != "ok" {
		t.Errorf("with enough buyers learned %+v, report %+v", next.InForce, next.Report())
	}
}

func TestShortHistory(t *testing.T) {
	for _, c := range []struct {
		age   int64
		warns bool
	}{{119, true}, {120, false}} {
		rows := repeat(40, func(int) row {
			r := buyer(2, 5, 0, 10)
			r.tx, r.age = 60, c.age
			return r
		})
		m := fit(t, New().(*Estimator), nil, batch(rows...))
		if w := m.Report().Warnings; (len(w) == 1) != c.warns {
			t.Errorf("threshold of 60 days from %d days of history: warnings %q", c.age, w)
		}
		if m = fit(t, New().(*Estimator), m, batch(rows[:1]...)); len(m.Report().Warnings) != 0 {
			t.Errorf("a kept threshold is held against the history: %q", m.Report().Warnings)
		}
	}
}

// TestRefresh checks what a second fit on other customers, a later day, takes over.
func TestRefresh(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := New().(*Estimator)
		e.MinBuyers = rapid.IntRange(1, 8).Draw(rt, "min_buyers")
		first := rapid.SliceOfN(customers(), 0, 40).Draw(rt, "first")
		second := rapid.SliceOfN(customers(), 0, 40).Draw(rt, "second")
		for i := range second {
			second[i].asOf += 30
		}
		old := fit(rt, e, nil, batch(first...))
		fresh := fit(rt, e, nil, batch(second...))
		kept := fit(rt, e, stored(rt, old), batch(rapid.Permutation(second).Draw(rt, "order")...))

		want := old.InForce
		if !want.Lapse.Known {
			want.Lapse = fresh.InForce.Lapse
		}
		if !want.HighValue.Known {
			want.HighValue = fresh.InForce.HighValue
		}
		if kept.InForce != want || kept.Today != fresh.Today {
			rt.Fatalf("in force %+v, want %+v; today %+v, want %+v", kept.InForce, want, kept.Today, fresh.Today)
		}
		if again := fit(rt, e, kept, batch(second...)); again.InForce != kept.InForce {
			rt.Fatalf("a third fit has %+v, the second %+v", again.InForce, kept.InForce)
		}

		requantiled := *e
		requantiled.LapseQuantile = 0.5
		m, refitted := fit(rt, &requantiled, old, batch(second...)), fit(rt, &requantiled, nil, batch(second...))
		if m.InForce.Lapse != refitted.InForce.Lapse || m.InForce.HighValue != want.HighValue {
			rt.Fatalf("after a change of lapse_quantile %+v, want %+v and the old high value", m.InForce, refitted.InForce)
		}

		always := *e
		always.Refresh = "always"
		if m := fit(rt, &always, old, batch(second...)); m.InForce != fresh.InForce {
			rt.Fatalf("refreshed %+v, want %+v", m.InForce, fresh.InForce)
		}
	})
}

// TestLabelsStay checks the point of keeping: who did nothing keeps the label though the population changed.
func TestLabelsStay(t *testing.T) {
	slow := repeat(50, func(int) row {
		r := buyer(2, 5, 0, 100)
		r.tx = 80
		return r
	})
	quick := repeat(500, func(int) row {
		r := buyer(2, 5, 0, 1)
		r.tx = 31
		return r
	})
	one := buyer(1, 60, 0, 50)
	e := New().(*Estimator)
	old := fit(t, e, nil, batch(slow...))
	kept := fit(t, e, old, batch(append(quick, slow...)...))
	fresh := fit(t, e, nil, batch(append(quick, slow...)...))
	was, is, refreshed := apply(t, old, one)[0], apply(t, kept, one)[0], apply(t, fresh, one)[0]
	if was != is || was.lifeCycle != firstTimeBuyer || refreshed.lifeCycle != highValueLapsed {
		t.Errorf("was %+v, is %+v; a refresh gives %+v", was, is, refreshed)
	}
	wantLearned(t, kept, []any{80.0, 100.0}, []any{today, today})
}

func TestWords(t *testing.T) {
	m := fitted(t, func(e *Estimator) { e.EngagementMediumOpens, e.IntentMediumSessions = 7, 1 })
	got := map[string]string{}
	for _, s := range m.Segmentations() {
		for _, g := range s.Segments {
			got[s.Name+" "+g.Name] = g.Rule
			if g.Action == "" {
				t.Errorf("%s %s has no action", s.Name, g.Name)
			}
		}
	}
	for name, want := range map[string]string{
		"life_cycle lapsed": "Lapsed, and not of high value. " +
			"Lapsed: silence of more than 2.5 times the customer's own median purchase interval, " +
			"or of more than 100 days (90 % of the repeat buyers usually come back within that time) " +
			"where fewer than two intervals are known, and of more than 30 days in any case.",
		"life_cycle high_value_lapsed": "Lapsed, and of high value. High value: net revenue above 500 (the top 20 % of the buyers).",
		"engagement high": "With at least 1 engaged session (5 minutes and 3 page views or more) or at least 1 e-mail click " +
			"in the last 90 days.",
		"engagement medium": "Not high, with at least 1 session or at least 7 e-mail opens in the last 90 days.",
		"intent high": "With at least 1 cart addition or at least 1 checkout or at least 3 product views " +
			"in the last 14 days, after the last purchase.",
		"intent medium": "Not high, with at least 1 product view, at least 1 form (a download counts as one) or at least 1 session " +
			"in the last 14 days, after the last purchase.",
		"journey_stage decision": "With at least 1 cart addition or at least 1 checkout in the last 14 days, after the last purchase.",
	} {
		if got[name] != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got[name], want)
		}
	}
	m.InForce = thresholds{}
	segments := m.Segmentations()[0].Segments
	if r := segments[4].Rule; !strings.Contains(r, "365 days (lapse_default)") {
		t.Errorf("lapsed, not learned: %s", r)
	}
	if r := segments[2].Rule; !strings.Contains(r, "nobody, since too few buyers") {
		t.Errorf("high value, not learned: %s", r)
	}
}

// TestStoredRules checks that a stored model scores by its own hyperparameters.
func TestStoredRules(t *testing.T) {
	m := fitted(t, func(e *Estimator) { e.Window, e.HotLeadViews = "30d", 1 })
	r := visitor(func(p *person) { p.intentViews, p.clicks, p.bought, p.silence, p.purchaseDays = 1, 1, true, 40, 1 })
	if a, b := apply(t, m, r)[0], apply(t, stored(t, m), r)[0]; a != b || b.intent != high || !b.engagedNotPurchased {
		t.Errorf("fitted %+v, stored %+v", a, b)
	}
}

func TestBadModels(t *testing.T) {
	for _, js := range []string{
		``, `{`, `null`, `{}`, `[]`, `{"rules": {"window": "90"}}`, `{"rules": 1}`, `{"in_force": {"lapse_days": {"value": "NaN"}}}`,
	} {
		if _, err := New().Load(json.RawMessage(js)); err == nil {
			t.Errorf("Load took %q", js)
		}
	}
	if _, err := New().Fit(t.Context(), frame.Of(), stranger{}); err == nil {
		t.Error("Fit took another transform's model for its own")
	}
}

type stranger struct{ transforms.Model }

func TestErrors(t *testing.T) {
	b := batch(buyer(1, 5, 0, 10))
	lacking := frame.Select(b, customer.AsOf.Column, customer.MonetaryTotal.Column)
	m := fitted(t, nil)
	_, fitErr := New().Fit(t.Context(), frame.Of(b, lacking), nil)
	_, applyErr := m.Apply(t.Context(), lacking)
	for _, err := range []error{fitErr, applyErr} {
		if err == nil || !strings.Contains(err.Error(), "days_since_last_order is missing") {
			t.Errorf("without a column: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New().Fit(ctx, frame.Of(b), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Fit after the end: %v", err)
	}
	if _, err := m.Apply(ctx, b); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply after the end: %v", err)
	}
}

// wantLearned checks the learned table: values and days by measure, nil for NULL.
func wantLearned(t *testing.T, m transforms.Model, values, days []any) {
	t.Helper()
	b := m.Learned()[0]
	for i, name := range []string{lapseDays, highValue} {
		var v, d any
		if a := Value.Of(b); a.IsValid(i) {
			v = a.Value(i)
		}
		if a := LearnedOn.Of(b); a.IsValid(i) {
			d = a.Value(i)
		}
		if Measure.Of(b).Value(i) != name || v != values[i] || d != days[i] {
			t.Errorf("learned %s: %v on %v, want %s: %v on %v", Measure.Of(b).Value(i), v, d, name, values[i], days[i])
		}
	}
}
