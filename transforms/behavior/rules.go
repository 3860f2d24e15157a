package behavior

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A person is what the rules read about a customer. A count whose source is left out is 0.
type person struct {
	asOf         arrow.Date32
	bought       bool
	silence      int64 // days since the last purchase
	purchaseDays int64
	hasInterval  bool
	interval     float64 // the median of the customer's own purchase intervals, in days
	spent        float64

	webEver, sessions, engagedSessions                                        int64
	intentSessions, intentViews, intentCartAdds, intentCheckouts, intentForms int64
	emailEver, emailActions, opens, clicks                                    int64
}

// labels are what the rules say about a person.
type labels struct {
	lifeCycle, engagement, intent, stage string

	lapses   bool // whether lapsesOn is known
	lapsesOn arrow.Date32

	engagedNotPurchased bool
}

func (m *model) label(p person) labels {
	left := m.patience(p) - p.silence
	l := labels{lifeCycle: m.lifeCycle(p, left < 0), engagement: m.engagement(p), intent: m.intent(p)}
	l.stage = m.stage(p, l.engagement, l.intent)
	if p.bought && left >= 0 {
		l.lapses, l.lapsesOn = true, p.asOf+arrow.Date32(left)+1
	}
	// The window is the window days that end with the as-of day: silences of 0 to window-1 days.
	l.engagedNotPurchased = l.engagement == high && !(p.bought && p.silence < m.days.window)
	return l
}

func (m *model) lifeCycle(p person, silentTooLong bool) string {
	switch {
	case !p.bought && p.webEver <= 0 && p.emailActions <= 0:
		return prospect
	case !p.bought:
		return browser
	case silentTooLong && m.InForce.HighValue.Known && p.spent > m.InForce.HighValue.Value:
		return highValueLapsed
	case silentTooLong:
		return lapsed
	case p.purchaseDays <= 1:
		return firstTimeBuyer
	default:
		return repeatCustomer
	}
}

// patience returns how many days of silence p may have without being lapsed.
func (m *model) patience(p person) int64 {
	days := float64(m.days.lapseDefault)
	switch {
	case p.hasInterval:
		days = m.Rules.LapseIntervals * p.interval
	case m.InForce.Lapse.Known:
		days = m.InForce.Lapse.Value
	}
	if !(days < maxDays) {
		return maxDays
	}
	return max(int64(days), m.days.lapseMin)
}

func (m *model) engagement(p person) string {
	r := &m.Rules
	switch {
	case p.webEver <= 0 && p.emailEver <= 0:
		return unknown
	case reached(p.engagedSessions, r.EngagementHighSessions), reached(p.clicks, r.EngagementHighClicks):
		return high
	case reached(p.sessions, r.EngagementMediumSessions),
		r.EngagementMediumOpens > 0 && reached(p.opens, r.EngagementMediumOpens):
		return medium
	default:
		return low
	}
}

func (m *model) intent(p person) string {
	r := &m.Rules
	switch {
	case p.webEver <= 0:
		return unknown
	case m.hasCart(p), reached(p.intentViews, r.HotLeadViews):
		return high
	case reached(p.intentViews, r.IntentMediumProductViews), reached(p.intentForms, r.IntentMediumForms),
		reached(p.intentSessions, r.IntentMediumSessions):
		return medium
	default:
		return low
	}
}

func (m *model) stage(p person, engagement, intent string) string {
	switch {
	case intent == high && m.hasCart(p):
		return decision
	case intent == high, intent == medium, !p.bought && engagement == high:
		return consideration
	case p.bought:
		return retention
	default:
		return awareness
	}
}

// hasCart says whether p put enough into the cart, or went to the checkout, since the last purchase.
func (m *model) hasCart(p person) bool {
	return reached(p.intentCartAdds, m.Rules.IntentHighCartAdds) || reached(p.intentCheckouts, m.Rules.IntentHighCheckouts)
}

func reached(n int64, threshold int) bool { return n >= int64(threshold) }

// people returns the persons of b by row.
func people(b frame.Batch) func(row int) person {
	asOf, spent, interval := customer.AsOf.Of(b), customer.MonetaryTotal.Of(b), customer.IntervalDays.Of(b)
	silence, purchaseDays := customer.DaysSinceLastOrder.Of(b), customer.PurchaseDays.Of(b)
	webEver, sessions, engaged := customer.WebEventsEver.Of(b), customer.WebSessions.Of(b), customer.WebEngagedSessions.Of(b)
	intentSessions, views, forms := customer.IntentSessions.Of(b), customer.IntentProductViews.Of(b), customer.IntentForms.Of(b)
	cartAdds, checkouts := customer.IntentCartAdds.Of(b), customer.IntentCheckouts.Of(b)
	emailEver, emailActions := customer.EmailEventsEver.Of(b), customer.EmailActionsEver.Of(b)
	opens, clicks := customer.EmailOpened.Of(b), customer.EmailClicked.Of(b)

	return func(row int) person {
		p := person{
			asOf:            asOf.Value(row),
			bought:          silence.IsValid(row),
			silence:         count(silence, row),
			purchaseDays:    count(purchaseDays, row),
			hasInterval:     interval.IsValid(row),
			spent:           spent.Value(row),
			webEver:         count(webEver, row),
			sessions:        count(sessions, row),
			engagedSessions: count(engaged, row),
			intentSessions:  count(intentSessions, row),
			intentViews:     count(views, row),
			intentCartAdds:  count(cartAdds, row),
			intentCheckouts: count(checkouts, row),
			intentForms:     count(forms, row),
			emailEver:       count(emailEver, row),
			emailActions:    count(emailActions, row),
			opens:           count(opens, row),
			clicks:          count(clicks, row),
		}
		if p.hasInterval {
			p.interval = interval.Value(row)
		}
		return p
	}
}

// count returns the value in a row, 0 where it is NULL.
func count(a *array.Int64, row int) int64 {
	if a.IsNull(row) {
		return 0
	}
	return a.Value(row)
}
