// Package behavior says by plain rules where customers stand and what they are about to do: life cycle, engagement,
// intent and journey stage.
//
// All thresholds are hyperparameters, but two that are quantiles of the buyers: the silence after which a customer whose
// own rhythm is not known yet has lapsed, and the spend that makes one of high value. These are learned once and then
// kept, so that labels move because of what the customer did, not because a quantile moved.
//
// Missing sources are no obstacle: a count that is NULL counts as 0, and where no web or e-mail event ever reached a
// person, engagement and intent are unknown rather than low. Fit holds what package quantile holds and nothing that
// grows with the customers; Apply holds its batch.
package behavior

import (
	"fmt"
	"strconv"
	"strings"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// What behavior adds to a customer.
var (
	LifeCycle = frame.String("life_cycle",
		"How far the customer has come: prospect (nothing done), browser (web or e-mail activity, never bought), "+
			"first_time_buyer (one purchase day), repeat_customer (two or more), lapsed (bought, then silent for too long) or "+
			"high_value_lapsed (lapsed, and among those who spent most). Orders that were fully refunded do not count.").
		OneOf(prospect, browser, firstTimeBuyer, repeatCustomer, lapsed, highValueLapsed)
	LapsesOn = frame.Date("lapses_on",
		"The day whose end finds the customer lapsed if they buy nothing until then, under today's thresholds; "+
			"NULL where they never bought or have lapsed already.").Null()
	Engagement = frame.String("engagement",
		"How much the customer had to do with us in the behavior window: high, medium or low; "+
			"unknown where no web or e-mail event of theirs was ever seen.").
		OneOf(high, medium, low, unknown)
	Intent = frame.String("intent",
		"How close to a purchase the web events look that fell into the intent window and after the last purchase: "+
			"high, medium or low; unknown where no web event of theirs was ever seen.").
		OneOf(high, medium, low, unknown)
	JourneyStage = frame.String("journey_stage",
		"The stage of the next purchase: decision (cart or checkout), consideration (looking around), "+
			"else retention for buyers and awareness for those who never bought.").
		OneOf(awareness, consideration, decision, retention)
	EngagedNotPurchased = frame.Bool("engaged_not_purchased",
		"Whether engagement is high and the behavior window has no purchase.")
)

// The labels.
const (
	prospect        = "prospect"
	browser         = "browser"
	firstTimeBuyer  = "first_time_buyer"
	repeatCustomer  = "repeat_customer"
	lapsed          = "lapsed"
	highValueLapsed = "high_value_lapsed"

	high    = "high"
	medium  = "medium"
	low     = "low"
	unknown = "unknown"

	awareness     = "awareness"
	consideration = "consideration"
	decision      = "decision"
	retention     = "retention"
)

// What behavior learns.
var (
	Measure = frame.String("measure",
		"What the threshold is for: lapse_days, the days of silence after which a buyer with fewer than two purchase intervals "+
			"has lapsed; high_value, the net revenue above which a lapsed buyer is of high value.").
		OneOf(lapseDays, highValue)
	Value = frame.Float64("value",
		"The threshold, in days or money; NULL where too few buyers were seen to learn it.").Null()
	LearnedOn = frame.Date("learned_on",
		"The as-of day of the features it was learned from; NULL where it was not learned.").Null()

	thresholdsTable = frame.Table{
		Name:        "behavior_thresholds",
		Doc:         "The population thresholds of the life cycle: learned once, kept until a refresh or a change of their quantile.",
		Key:         []string{Measure.Name},
		Columns:     []frame.Column{Measure.Column, Value.Column, LearnedOn.Column},
		PartitionBy: "as_of",
	}
)

const (
	lapseDays = "lapse_days"
	highValue = "high_value"
)

var (
	fitInputs = []frame.Column{
		customer.AsOf.Column, customer.DaysSinceLastOrder.Column, customer.IntervalDays.Column, customer.BtydX.Column,
		customer.BtydTx.Column, customer.BtydAge.Column, customer.MonetaryTotal.Column,
	}
	inputs = []frame.Column{
		customer.AsOf.Column, customer.DaysSinceLastOrder.Column, customer.PurchaseDays.Column, customer.IntervalDays.Column,
		customer.MonetaryTotal.Column,
		customer.WebEventsEver.Column, customer.WebSessions.Column, customer.WebEngagedSessions.Column,
		customer.IntentSessions.Column, customer.IntentProductViews.Column, customer.IntentCartAdds.Column,
		customer.IntentCheckouts.Column, customer.IntentForms.Column,
		customer.EmailEventsEver.Column, customer.EmailActionsEver.Column, customer.EmailOpened.Column, customer.EmailClicked.Column,
	}
	outputs = []frame.Column{
		LifeCycle.Column, LapsesOn.Column, Engagement.Column, Intent.Column, JourneyStage.Column, EngagedNotPurchased.Column,
	}
)

// Estimator holds the thresholds of the rules. Lengths of time are whole days, written as in 90d.
// The tags give units; New gives the defaults.
type Estimator struct {
	Window       string `yaml:"window" json:"window" jsonschema:"pattern=^[1-9][0-9]*d$" jsonschema_description:"The days of engagement, ending with the as-of day."`
	IntentWindow string `yaml:"intent_window" json:"intent_window" jsonschema:"pattern=^[1-9][0-9]*d$" jsonschema_description:"The days of intent, ending with the as-of day; at most window."`

	// What the features query counts as a hot lead and as an engaged session. HotLeadViews is also high intent.
	HotLeadViews            int `yaml:"hot_lead_views" json:"hot_lead_views" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"Product views in the intent window that make a hot lead, and high intent."`
	EngagedSessionMinutes   int `yaml:"engaged_session_minutes" json:"engaged_session_minutes" jsonschema:"minimum=0,maximum=1440" jsonschema_description:"The minutes that make a session engaged."`
	EngagedSessionPageViews int `yaml:"engaged_session_page_views" json:"engaged_session_page_views" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"The page views that make a session engaged."`

	// Engagement in the window. Reaching one threshold of a level is enough. Opens alone are never more than medium, and
	// by default (0: not looked at) low: mail privacy features open every message by themselves.
	EngagementHighSessions   int `yaml:"engagement_high_sessions" json:"engagement_high_sessions" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"Engaged sessions in the window that make engagement high."`
	EngagementHighClicks     int `yaml:"engagement_high_clicks" json:"engagement_high_clicks" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"E-mail clicks in the window that make engagement high."`
	EngagementMediumSessions int `yaml:"engagement_medium_sessions" json:"engagement_medium_sessions" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"Sessions in the window that make engagement medium."`
	EngagementMediumOpens    int `yaml:"engagement_medium_opens" json:"engagement_medium_opens" jsonschema:"minimum=0,maximum=1000000" jsonschema_description:"E-mail opens in the window that make engagement medium; 0 does not look at opens."`

	// Intent in the intent window, after the last purchase. Reaching one threshold of a level is enough.
	IntentHighCartAdds       int `yaml:"intent_high_cart_adds" json:"intent_high_cart_adds" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"Additions to the cart in the intent window that make intent high."`
	IntentHighCheckouts      int `yaml:"intent_high_checkouts" json:"intent_high_checkouts" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"Checkouts begun in the intent window that make intent high."`
	IntentMediumProductViews int `yaml:"intent_medium_product_views" json:"intent_medium_product_views" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"Product views in the intent window that make intent medium; at most hot_lead_views."`
	IntentMediumForms        int `yaml:"intent_medium_forms" json:"intent_medium_forms" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"Forms and downloads in the intent window that make intent medium."`
	IntentMediumSessions     int `yaml:"intent_medium_sessions" json:"intent_medium_sessions" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"Sessions in the intent window that make intent medium."`

	// A buyer lapses after LapseIntervals times their own median purchase interval of silence; with fewer than two
	// intervals, after the LapseQuantile of the buyers' purchase intervals; never before LapseMin. LapseDefault stands
	// in where fewer than MinBuyers repeat buyers were there to learn from.
	LapseIntervals float64 `yaml:"lapse_intervals" json:"lapse_intervals" jsonschema:"minimum=1,maximum=100" jsonschema_description:"After how many of their own median purchase intervals of silence a buyer lapses."`
	LapseQuantile  float64 `yaml:"lapse_quantile" json:"lapse_quantile" jsonschema:"exclusiveMinimum=0,exclusiveMaximum=1" jsonschema_description:"Buyers with too few intervals of their own lapse after this quantile of the purchase intervals of all."`
	LapseMin       string  `yaml:"lapse_min" json:"lapse_min" jsonschema:"pattern=^[1-9][0-9]*d$" jsonschema_description:"No buyer lapses after fewer days of silence."`
	LapseDefault   string  `yaml:"lapse_default" json:"lapse_default" jsonschema:"pattern=^[1-9][0-9]*d$" jsonschema_description:"The days after which buyers lapse where there were too few to learn from."`

	// Of high value is who spent more than the HighValueQuantile of the buyers, so at most one in five by default.
	// Nobody is where fewer than MinBuyers buyers were there to learn from.
	HighValueQuantile float64 `yaml:"high_value_quantile" json:"high_value_quantile" jsonschema:"exclusiveMinimum=0,exclusiveMaximum=1" jsonschema_description:"Of high value is who spent more than this share of the buyers."`

	MinBuyers int    `yaml:"min_buyers" json:"min_buyers" jsonschema:"minimum=1,maximum=1000000" jsonschema_description:"The fewest buyers that a quantile is learned from."`
	Refresh   string `yaml:"refresh" json:"refresh" jsonschema:"enum=never,enum=always" jsonschema_description:"Whether every fit learns the quantiles anew; with never, those learned first are kept."`
}

const (
	never  = "never"
	always = "always"
)

// New returns an Estimator with the defaults.
func New() transforms.Estimator {
	return &Estimator{
		Window: "90d", IntentWindow: "14d",
		HotLeadViews: 3, EngagedSessionMinutes: 5, EngagedSessionPageViews: 3,
		EngagementHighSessions: 1, EngagementHighClicks: 1, EngagementMediumSessions: 1, EngagementMediumOpens: 0,
		IntentHighCartAdds: 1, IntentHighCheckouts: 1,
		IntentMediumProductViews: 1, IntentMediumForms: 1, IntentMediumSessions: 2,
		LapseIntervals: 2.5, LapseQuantile: 0.9, LapseMin: "30d", LapseDefault: "365d",
		HighValueQuantile: 0.8, MinBuyers: 30, Refresh: never,
	}
}

// Signature implements transforms.Estimator.
func (e *Estimator) Signature() (transforms.Signature, error) {
	d, err := e.check()
	if err != nil {
		return transforms.Signature{}, err
	}
	return transforms.Signature{
		FitInputs: fitInputs, Inputs: inputs, Outputs: outputs,
		Learned: []frame.Table{thresholdsTable},
		Params: map[string]any{
			"web_window_days":            d.window,
			"intent_window_days":         d.intentWindow,
			"engaged_session_seconds":    int64(e.EngagedSessionMinutes) * 60,
			"engaged_session_page_views": int64(e.EngagedSessionPageViews),
			"hot_lead_views":             int64(e.HotLeadViews),
		},
	}, nil
}

// lengths are the hyperparameters that are lengths of time, in days.
type lengths struct{ window, intentWindow, lapseMin, lapseDefault int64 }

// maxDays bounds every length of time, and with it every date that is computed from one: a hundred years.
const maxDays = 36500

// check returns the lengths of e, or an error that begins with the yaml name of the first field that makes no sense.
func (e *Estimator) check() (lengths, error) {
	var d lengths
	for _, f := range []struct {
		name, value string
		days        *int64
	}{
		{"window", e.Window, &d.window},
		{"intent_window", e.IntentWindow, &d.intentWindow},
		{"lapse_min", e.LapseMin, &d.lapseMin},
		{"lapse_default", e.LapseDefault, &d.lapseDefault},
	} {
		n, ok := parseDays(f.value)
		if !ok {
			return lengths{}, fmt.Errorf("%s: %q, want a number of days from 1d to %dd, such as 90d", f.name, f.value, maxDays)
		}
		*f.days = n
	}
	if d.intentWindow > d.window {
		return lengths{}, fmt.Errorf("intent_window: %s, want at most window (%s)", e.IntentWindow, e.Window)
	}
	for _, f := range []struct {
		name               string
		value, least, most int
	}{
		{"hot_lead_views", e.HotLeadViews, 1, 1e6},
		{"engaged_session_minutes", e.EngagedSessionMinutes, 0, 24 * 60},
		{"engaged_session_page_views", e.EngagedSessionPageViews, 1, 1e6},
		{"engagement_high_sessions", e.EngagementHighSessions, 1, 1e6},
		{"engagement_high_clicks", e.EngagementHighClicks, 1, 1e6},
		{"engagement_medium_sessions", e.EngagementMediumSessions, 1, 1e6},
		{"engagement_medium_opens", e.EngagementMediumOpens, 0, 1e6},
		{"intent_high_cart_adds", e.IntentHighCartAdds, 1, 1e6},
		{"intent_high_checkouts", e.IntentHighCheckouts, 1, 1e6},
		{"intent_medium_product_views", e.IntentMediumProductViews, 1, 1e6},
		{"intent_medium_forms", e.IntentMediumForms, 1, 1e6},
		{"intent_medium_sessions", e.IntentMediumSessions, 1, 1e6},
		{"min_buyers", e.MinBuyers, 1, 1e6},
	} {
		if f.value < f.least || f.value > f.most {
			return lengths{}, fmt.Errorf("%s: %d, want %d to %d", f.name, f.value, f.least, f.most)
		}
	}
	if e.IntentMediumProductViews > e.HotLeadViews {
		return lengths{}, fmt.Errorf("intent_medium_product_views: %d, want at most hot_lead_views (%d)",
			e.IntentMediumProductViews, e.HotLeadViews)
	}
	if !(e.LapseIntervals >= 1 && e.LapseIntervals <= 100) {
		return lengths{}, fmt.Errorf("lapse_intervals: %v, want 1 to 100", e.LapseIntervals)
	}
	if !(e.LapseQuantile > 0 && e.LapseQuantile < 1) {
		return lengths{}, fmt.Errorf("lapse_quantile: %v, want a share between 0 and 1", e.LapseQuantile)
	}
	if !(e.HighValueQuantile > 0 && e.HighValueQuantile < 1) {
		return lengths{}, fmt.Errorf("high_value_quantile: %v, want a share between 0 and 1", e.HighValueQuantile)
	}
	if e.Refresh != never && e.Refresh != always {
		return lengths{}, fmt.Errorf("refresh: %q, want %s or %s", e.Refresh, never, always)
	}
	return d, nil
}

// parseDays reads a length such as 90d: digits without a leading zero or a sign, then d.
func parseDays(s string) (int64, bool) {
	digits, ok := strings.CutSuffix(s, "d")
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, ok && err == nil && n >= 1 && n <= maxDays && strconv.FormatInt(n, 10) == digits
}
