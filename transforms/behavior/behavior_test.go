package behavior

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"segments/transforms/transformstest"
)

func TestContract(t *testing.T) {
	rows := make([]row, 3000)
	for i := range rows {
		rows[i] = customers().Example(i)
	}
	t.Run("all sources", func(t *testing.T) { transformstest.Run(t, New(), batch(rows...)) })

	ordersOnly := make([]row, len(rows))
	for i, r := range rows {
		ordersOnly[i] = row{person: r.person, x: r.x, tx: r.tx, age: r.age, noWeb: true, noEmail: true}
	}
	t.Run("orders only", func(t *testing.T) { transformstest.Run(t, New(), batch(ordersOnly...)) })

	noOrders := make([]row, len(rows))
	for i, r := range rows {
		r.bought, r.hasInterval, r.purchaseDays, r.spent = false, false, 0, 0
		noOrders[i] = r
	}
	t.Run("no orders", func(t *testing.T) { transformstest.Run(t, New(), batch(noOrders...)) })

	always := New().(*Estimator)
	always.Refresh = "always"
	t.Run("refresh", func(t *testing.T) { transformstest.Run(t, always, batch(rows...)) })
}

func TestSignatureParams(t *testing.T) {
	e := New().(*Estimator)
	e.Window, e.IntentWindow, e.HotLeadViews, e.EngagedSessionMinutes, e.EngagedSessionPageViews = "60d", "7d", 4, 2, 5
	sig, err := e.Signature()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"web_window_days": int64(60), "intent_window_days": int64(7), "engaged_session_seconds": int64(120),
		"engaged_session_page_views": int64(5), "hot_lead_views": int64(4),
	}
	if !reflect.DeepEqual(sig.Params, want) {
		t.Errorf("Params are %v, want %v", sig.Params, want)
	}
}

func TestBadHyperparameters(t *testing.T) {
	for _, c := range []struct {
		field string
		set   func(*Estimator)
	}{
		{"window", func(e *Estimator) { e.Window = "" }},
		{"window", func(e *Estimator) { e.Window = "90" }},
		{"window", func(e *Estimator) { e.Window = "0d" }},
		{"window", func(e *Estimator) { e.Window = "-1d" }},
		{"window", func(e *Estimator) { e.Window = "+90d" }},
		{"window", func(e *Estimator) { e.Window = "090d" }},
		{"window", func(e *Estimator) { e.Window = " 90d" }},
		{"window", func(e *Estimator) { e.Window = "1.5d" }},
		{"window", func(e *Estimator) { e.Window = "90D" }},
		{"window", func(e *Estimator) { e.Window = "90dd" }},
		{"window", func(e *Estimator) { e.Window = "12w" }},
		{"window", func(e *Estimator) { e.Window = "d" }},
		{"window", func(e *Estimator) { e.Window = "36501d" }},
		{"window", func(e *Estimator) { e.Window = "99999999999999999999d" }},
		{"intent_window", func(e *Estimator) { e.IntentWindow = "two weeks" }},
		{"intent_window", func(e *Estimator) { e.IntentWindow = "91d" }},
		{"lapse_min", func(e *Estimator) { e.LapseMin = "0d" }},
		{"lapse_default", func(e *Estimator) { e.LapseDefault = "1y" }},
		{"hot_lead_views", func(e *Estimator) { e.HotLeadViews = 0 }},
		{"engaged_session_minutes", func(e *Estimator) { e.EngagedSessionMinutes = -1 }},
		{"engaged_session_minutes", func(e *Estimator) { e.EngagedSessionMinutes = 1441 }},
		{"engaged_session_page_views", func(e *Estimator) { e.EngagedSessionPageViews = 0 }},
		{"engagement_high_sessions", func(e *Estimator) { e.EngagementHighSessions = 0 }},
		{"engagement_high_clicks", func(e *Estimator) { e.EngagementHighClicks = 0 }},
		{"engagement_medium_sessions", func(e *Estimator) { e.EngagementMediumSessions = 0 }},
		{"engagement_medium_opens", func(e *Estimator) { e.EngagementMediumOpens = -1 }},
		{"intent_high_cart_adds", func(e *Estimator) { e.IntentHighCartAdds = 0 }},
		{"intent_high_checkouts", func(e *Estimator) { e.IntentHighCheckouts = 1e6 + 1 }},
		{"intent_medium_product_views", func(e *Estimator) { e.IntentMediumProductViews = 0 }},
		{"intent_medium_product_views", func(e *Estimator) { e.IntentMediumProductViews = 4 }},
		{"intent_medium_forms", func(e *Estimator) { e.IntentMediumForms = 0 }},
		{"intent_medium_sessions", func(e *Estimator) { e.IntentMediumSessions = 0 }},
		{"lapse_intervals", func(e *Estimator) { e.LapseIntervals = 0.99 }},
		{"lapse_intervals", func(e *Estimator) { e.LapseIntervals = 100.5 }},
		{"lapse_intervals", func(e *Estimator) { e.LapseIntervals = math.NaN() }},
		{"lapse_quantile", func(e *Estimator) { e.LapseQuantile = 0 }},
		{"lapse_quantile", func(e *Estimator) { e.LapseQuantile = 1 }},
		{"lapse_quantile", func(e *Estimator) { e.LapseQuantile = math.NaN() }},
		{"high_value_quantile", func(e *Estimator) { e.HighValueQuantile = -0.1 }},
		{"high_value_quantile", func(e *Estimator) { e.HighValueQuantile = math.Inf(1) }},
		{"min_buyers", func(e *Estimator) { e.MinBuyers = 0 }},
		{"refresh", func(e *Estimator) { e.Refresh = "" }},
		{"refresh", func(e *Estimator) { e.Refresh = "Never" }},
	} {
		e := New().(*Estimator)
		c.set(e)
		if _, err := e.Signature(); err == nil || !strings.HasPrefix(err.Error(), c.field+": ") {
			t.Errorf("%+v: error %v, want one that begins with %s", *e, err, c.field)
		}
		if _, err := e.Fit(t.Context(), nil, nil); err == nil {
			t.Errorf("%s: Fit took what Signature refuses", c.field)
		}
	}
}

// TestBounds holds the values just inside what TestBadHyperparameters holds just outside.
func TestBounds(t *testing.T) {
	for _, set := range []func(*Estimator){
		func(e *Estimator) { e.Window, e.IntentWindow = "1d", "1d" },
		func(e *Estimator) { e.Window, e.IntentWindow = "36500d", "36500d" },
		func(e *Estimator) { e.EngagedSessionMinutes = 0 },
		func(e *Estimator) { e.EngagedSessionMinutes = 1440 },
		func(e *Estimator) { e.IntentMediumProductViews = 3 },
		func(e *Estimator) { e.IntentHighCheckouts = 1e6 },
		func(e *Estimator) { e.LapseIntervals = 1 },
		func(e *Estimator) { e.LapseIntervals = 100 },
		func(e *Estimator) { e.LapseQuantile, e.HighValueQuantile = 0.001, 0.999 },
		func(e *Estimator) { e.MinBuyers = 1 },
		func(e *Estimator) { e.Refresh = "always" },
	} {
		e := New().(*Estimator)
		set(e)
		if _, err := e.Signature(); err != nil {
			t.Errorf("%+v: %v", *e, err)
		}
	}
}

// TestYAML checks that every hyperparameter can be set by its yaml name, and that the JSON of a stored model has the same.
func TestYAML(t *testing.T) {
	const doc = `
window: 1d
intent_window: 2d
hot_lead_views: 3
engaged_session_minutes: 4
engaged_session_page_views: 5
engagement_high_sessions: 6
engagement_high_clicks: 7
engagement_medium_sessions: 8
engagement_medium_opens: 9
intent_high_cart_adds: 10
intent_high_checkouts: 11
intent_medium_product_views: 12
intent_medium_forms: 13
intent_medium_sessions: 14
lapse_intervals: 15.5
lapse_quantile: 0.16
lapse_min: 17d
lapse_default: 18d
high_value_quantile: 0.19
min_buyers: 20
refresh: always
`
	want := Estimator{"1d", "2d", 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15.5, 0.16, "17d", "18d", 0.19, 20, "always"}
	var got Estimator
	if err := yaml.UnmarshalWithOptions([]byte(doc), &got, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for f := range reflect.TypeFor[Estimator]().Fields() {
		if f.Tag.Get("yaml") != f.Tag.Get("json") {
			t.Errorf("%s is %s in yaml and %s in JSON", f.Name, f.Tag.Get("yaml"), f.Tag.Get("json"))
		}
	}
}
