package behavior

import (
	"context"
	"encoding/json"

	"github.com/apache/arrow/go/v17/arrow"
	"pgregory.net/rapid"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A row is a person with what only Fit reads, and whether the web and e-mail sources are left out.
type row struct {
	person
	x, tx, age     int64 // BTYD: later purchase days, first to last, first to the as-of day
	noWeb, noEmail bool
}

// batch makes a batch with all columns of the signature.
func batch(rows ...row) frame.Batch {
	n := len(rows)
	bought, web, email, interval := make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n)
	asOf, spent, median := make([]arrow.Date32, n), make([]float64, n), make([]float64, n)
	for i, r := range rows {
		bought[i], web[i], email[i], interval[i] = r.bought, !r.noWeb, !r.noEmail, r.hasInterval
		asOf[i], spent[i], median[i] = r.asOf, r.spent, r.interval
	}
	ints := func(get func(row) int64) []int64 {
		vs := make([]int64, n)
		for i, r := range rows {
			vs[i] = get(r)
		}
		return vs
	}
	return frame.Record(
		customer.AsOf.Array(asOf, nil),
		customer.DaysSinceLastOrder.Array(ints(func(r row) int64 { return r.silence }), bought),
		customer.PurchaseDays.Array(ints(func(r row) int64 { return r.purchaseDays }), nil),
		customer.IntervalDays.Array(median, interval),
		customer.BtydX.Array(ints(func(r row) int64 { return r.x }), bought),
		customer.BtydTx.Array(ints(func(r row) int64 { return r.tx }), bought),
		customer.BtydAge.Array(ints(func(r row) int64 { return r.age }), bought),
		customer.MonetaryTotal.Array(spent, nil),
		customer.WebEventsEver.Array(ints(func(r row) int64 { return r.webEver }), web),
		customer.WebSessions.Array(ints(func(r row) int64 { return r.sessions }), web),
		customer.WebEngagedSessions.Array(ints(func(r row) int64 { return r.engagedSessions }), web),
		customer.IntentSessions.Array(ints(func(r row) int64 { return r.intentSessions }), web),
		customer.IntentProductViews.Array(ints(func(r row) int64 { return r.intentViews }), web),
		customer.IntentCartAdds.Array(ints(func(r row) int64 { return r.intentCartAdds }), web),
		customer.IntentCheckouts.Array(ints(func(r row) int64 { return r.intentCheckouts }), web),
		customer.IntentForms.Array(ints(func(r row) int64 { return r.intentForms }), web),
		customer.EmailEventsEver.Array(ints(func(r row) int64 { return r.emailEver }), email),
		customer.EmailActionsEver.Array(ints(func(r row) int64 { return r.emailActions }), email),
		customer.EmailOpened.Array(ints(func(r row) int64 { return r.opens }), email),
		customer.EmailClicked.Array(ints(func(r row) int64 { return r.clicks }), email),
	)
}

// customers draws customers as the features query could give them, with small counts so that thresholds are met often.
func customers() *rapid.Generator[row] {
	few := rapid.Int64Range(0, 4)
	return rapid.Custom(func(t *rapid.T) row {
		var r row
		r.asOf = today
		if r.bought = rapid.Bool().Draw(t, "bought"); r.bought {
			r.x = few.Draw(t, "x")
			r.purchaseDays = r.x + 1
			r.silence = rapid.Int64Range(0, 700).Draw(t, "silence")
			if r.x > 0 {
				r.tx = r.x + rapid.Int64Range(0, 400).Draw(t, "tx")
			}
			if r.hasInterval = r.x >= 2; r.hasInterval {
				r.interval = float64(rapid.Int64Range(2, 2*r.tx).Draw(t, "half days")) / 2
			}
			r.age = r.tx + r.silence
			r.spent = float64(rapid.Int64Range(-500, 50000).Draw(t, "cents")) / 100
		}
		if r.noWeb = rapid.Bool().Draw(t, "no web"); !r.noWeb && rapid.Bool().Draw(t, "visits") {
			r.sessions, r.engagedSessions = few.Draw(t, "sessions"), few.Draw(t, "engaged")
			r.intentSessions, r.intentViews, r.intentForms = few.Draw(t, "intent sessions"), few.Draw(t, "views"), few.Draw(t, "forms")
			r.intentCartAdds, r.intentCheckouts = few.Draw(t, "cart adds")/2, few.Draw(t, "checkouts")/2
			r.webEver = 1 + r.sessions + r.intentViews + r.intentForms + r.intentCartAdds + r.intentCheckouts
		}
		if r.noEmail = rapid.Bool().Draw(t, "no e-mail"); !r.noEmail && rapid.Bool().Draw(t, "mailed") {
			r.opens, r.clicks = few.Draw(t, "opens"), few.Draw(t, "clicks")/2
			r.emailActions = r.opens + r.clicks + few.Draw(t, "earlier")
			r.emailEver = 1 + r.emailActions
		}
		return r
	})
}

const today arrow.Date32 = 20000

// fitted returns a model of the default rules, changed by change, with known thresholds of 100 days and 500 of revenue.
func fitted(t fataler, change func(*Estimator)) *model {
	t.Helper()
	e := New().(*Estimator)
	if change != nil {
		change(e)
	}
	m := fit(t, e, nil)
	m.InForce.Lapse = threshold{Known: true, Value: 100, LearnedOn: 19000, Quantile: e.LapseQuantile, Buyers: 30}
	m.InForce.HighValue = threshold{Known: true, Value: 500, LearnedOn: 19000, Quantile: e.HighValueQuantile, Buyers: 30}
	return m
}

func fit(t fataler, e *Estimator, prev transforms.Model, bs ...frame.Batch) *model {
	t.Helper()
	m, err := e.Fit(context.Background(), frame.Of(bs...), prev)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*model)
}

// stored returns the model that m's JSON gives.
func stored(t fataler, m transforms.Model) *model {
	t.Helper()
	js, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := New().Load(js)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.(*model)
}

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// apply returns the labels of rows, read back from the outputs.
func apply(t fataler, m transforms.Model, rows ...row) []labels {
	t.Helper()
	out, err := m.Apply(context.Background(), batch(rows...))
	if err != nil {
		t.Fatal(err)
	}
	ls := make([]labels, len(rows))
	for i := range ls {
		on := LapsesOn.Of(out)
		ls[i] = labels{
			lifeCycle: LifeCycle.Of(out).Value(i), engagement: Engagement.Of(out).Value(i), intent: Intent.Of(out).Value(i),
			stage: JourneyStage.Of(out).Value(i), engagedNotPurchased: EngagedNotPurchased.Of(out).Value(i),
		}
		if on.IsValid(i) {
			ls[i].lapses, ls[i].lapsesOn = true, on.Value(i)
		}
	}
	return ls
}

// repeat returns n rows: those of f(0), f(1) and so on.
func repeat(n int, f func(i int) row) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = f(i)
	}
	return rows
}
