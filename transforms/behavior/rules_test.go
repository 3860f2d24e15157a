package behavior

import (
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"pgregory.net/rapid"
)

// buyer returns a customer who bought on n days, the last of them silence days ago; the own interval is known where it is
// positive.
func buyer(n, silence int64, interval, spent float64) row {
	return row{
		person: person{
			asOf: today, bought: true, silence: silence, purchaseDays: n, hasInterval: interval > 0, interval: interval, spent: spent,
		},
		x: n - 1, noWeb: true, noEmail: true,
	}
}

// visitor returns a customer who never bought, with events of both kinds at some time and what change adds.
func visitor(change func(*person)) row {
	r := row{person: person{asOf: today, webEver: 1, emailEver: 1}}
	if change != nil {
		change(&r.person)
	}
	return r
}

func TestLifeCycle(t *testing.T) {
	m := fitted(t, nil) // 100 days or 2.5 intervals, at least 30 days; high value above 500
	unlearned := fitted(t, nil)
	unlearned.InForce = thresholds{}
	daily := fitted(t, func(e *Estimator) { e.LapseMin = "1d" })
	visited := visitor(func(p *person) { p.bought, p.silence, p.purchaseDays = true, 101, 1 })
	for _, c := range []struct {
		name string
		m    *model
		row  row
		want string
		left int64 // days from today to lapses_on; 0 for NULL
	}{
		{"nothing known", m, row{person: person{asOf: today}, noWeb: true, noEmail: true}, prospect, 0},
		{"sources there, nothing seen", m, row{person: person{asOf: today}}, prospect, 0},
		{"only sent e-mails", m, row{person: person{asOf: today, emailEver: 9}}, prospect, 0},
		{"one web event", m, row{person: person{asOf: today, webEver: 1}, noEmail: true}, browser, 0},
		{"one e-mail action", m, row{person: person{asOf: today, emailEver: 2, emailActions: 1}, noWeb: true}, browser, 0},
		{"bought today", m, buyer(1, 0, 0, 10), firstTimeBuyer, 101},
		{"one day, at the threshold", m, buyer(1, 100, 0, 10), firstTimeBuyer, 1},
		{"one day, past the threshold", m, buyer(1, 101, 0, 10), lapsed, 0},
		{"two days, one interval, at the threshold", m, buyer(2, 100, 0, 10), repeatCustomer, 1},
		{"two days, past the threshold", m, buyer(2, 101, 0, 10), lapsed, 0},
		{"own interval, at 2.5 of it", m, buyer(3, 50, 20, 10), repeatCustomer, 1},
		{"own interval, past 2.5 of it", m, buyer(3, 51, 20, 10), lapsed, 0},
		{"own interval longer than the population's", m, buyer(3, 250, 100, 10), repeatCustomer, 1},
		{"own interval of half days, 52.5", m, buyer(4, 52, 21, 10), repeatCustomer, 1},
		{"own interval of half days, past 52.5", m, buyer(4, 53, 21, 10), lapsed, 0},
		{"short interval, at the least silence", m, buyer(9, 30, 1, 10), repeatCustomer, 1},
		{"short interval, past the least silence", m, buyer(9, 31, 1, 10), lapsed, 0},
		{"short interval without a least silence", daily, buyer(9, 2, 1, 10), repeatCustomer, 1},
		{"short interval without a least silence, past", daily, buyer(9, 3, 1, 10), lapsed, 0},
		{"own interval of forty years", m, buyer(3, 36500, 14601, 10), repeatCustomer, 1},
		{"endless interval", m, buyer(3, 36500, 1e300, 10), repeatCustomer, 1},
		{"endless interval, past a hundred years", m, buyer(3, 36501, 1e300, 10), lapsed, 0},
		{"lapsed at the high value", m, buyer(1, 101, 0, 500), lapsed, 0},
		{"lapsed above the high value", m, buyer(1, 101, 0, 500.01), highValueLapsed, 0},
		{"not lapsed above the high value", m, buyer(1, 100, 0, 500.01), firstTimeBuyer, 1},
		{"owed money", m, buyer(1, 101, 0, -3), lapsed, 0},
		{"activity does not make up for silence", m, visited, lapsed, 0},
		{"not learned, at the default", unlearned, buyer(1, 365, 0, 1e9), firstTimeBuyer, 1},
		{"not learned, past the default", unlearned, buyer(1, 366, 0, 1e9), lapsed, 0},
	} {
		got := apply(t, c.m, c.row)[0]
		want := labels{lapses: c.left > 0}
		if want.lapses {
			want.lapsesOn = today + arrow.Date32(c.left)
		}
		if got.lifeCycle != c.want || got.lapses != want.lapses || got.lapsesOn != want.lapsesOn {
			t.Errorf("%s: %s until %v (%v), want %s until %v (%v)",
				c.name, got.lifeCycle, got.lapsesOn, got.lapses, c.want, want.lapsesOn, want.lapses)
		}
	}
}

func TestEngagement(t *testing.T) {
	m := fitted(t, nil)
	opens := fitted(t, func(e *Estimator) { e.EngagementMediumOpens = 5 })
	strict := fitted(t, func(e *Estimator) {
		e.EngagementHighSessions, e.EngagementHighClicks, e.EngagementMediumSessions = 2, 3, 4
	})
	for _, c := range []struct {
		name string
		m    *model
		row  row
		want string
	}{
		{"no source", m, row{noWeb: true, noEmail: true}, unknown},
		{"a store customer", m, buyer(5, 3, 20, 99), unknown},
		{"sources there, nothing seen", m, row{}, unknown},
		{"web only, long ago", m, row{person: person{webEver: 1}, noEmail: true}, low},
		{"e-mail only, sent", m, row{person: person{emailEver: 1}, noWeb: true}, low},
		{"a session", m, visitor(func(p *person) { p.sessions = 1 }), medium},
		{"an engaged session", m, visitor(func(p *person) { p.sessions, p.engagedSessions = 1, 1 }), high},
		{"a click", m, visitor(func(p *person) { p.clicks = 1 }), high},
		{"a click, web left out", m, row{person: person{emailEver: 2, clicks: 1}, noWeb: true}, high},
		{"opens alone", m, visitor(func(p *person) { p.opens = 1000 }), low},
		{"opens alone, fewer than configured", opens, visitor(func(p *person) { p.opens = 4 }), low},
		{"opens alone, as configured", opens, visitor(func(p *person) { p.opens = 5 }), medium},
		{"opens alone, many more", opens, visitor(func(p *person) { p.opens = 1000 }), medium},
		{"one engaged session of two", strict, visitor(func(p *person) { p.sessions, p.engagedSessions = 3, 1 }), low},
		{"two engaged sessions of two", strict, visitor(func(p *person) { p.sessions, p.engagedSessions = 3, 2 }), high},
		{"two clicks of three", strict, visitor(func(p *person) { p.clicks = 2 }), low},
		{"three clicks of three", strict, visitor(func(p *person) { p.clicks = 3 }), high},
		{"four sessions of four", strict, visitor(func(p *person) { p.sessions = 4 }), medium},
	} {
		if got := apply(t, c.m, c.row)[0].engagement; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestIntentAndStage(t *testing.T) {
	m := fitted(t, nil)
	strict := fitted(t, func(e *Estimator) {
		e.HotLeadViews, e.IntentHighCartAdds, e.IntentHighCheckouts = 6, 2, 3
		e.IntentMediumProductViews, e.IntentMediumForms, e.IntentMediumSessions = 4, 2, 5
	})
	for _, c := range []struct {
		name          string
		m             *model
		change        func(*person)
		intent        string
		stage, bought string // the stage of those who never bought, and of buyers
	}{
		{"nothing lately", m, nil, low, awareness, retention},
		{"web never", m, func(p *person) { p.webEver = 0 }, unknown, awareness, retention},
		{"web never, yet a cart", m, func(p *person) { p.webEver, p.intentCartAdds = 0, 1 }, unknown, awareness, retention},
		{"web never, a click", m, func(p *person) { p.webEver, p.clicks = 0, 1 }, unknown, consideration, retention},
		{"an engaged session before the intent window", m, func(p *person) { p.engagedSessions = 1 }, low, consideration, retention},
		{"a session before the intent window", m, func(p *person) { p.sessions = 1 }, low, awareness, retention},
		{"opens", m, func(p *person) { p.opens = 50 }, low, awareness, retention},
		{"a session", m, func(p *person) { p.intentSessions = 1 }, low, awareness, retention},
		{"two sessions", m, func(p *person) { p.intentSessions = 2 }, medium, consideration, consideration},
		{"a product view", m, func(p *person) { p.intentViews = 1 }, medium, consideration, consideration},
		{"a form", m, func(p *person) { p.intentForms = 1 }, medium, consideration, consideration},
		{"two product views", m, func(p *person) { p.intentViews = 2 }, medium, consideration, consideration},
		{"three product views", m, func(p *person) { p.intentViews = 3 }, high, consideration, consideration},
		{"forms and sessions", m, func(p *person) { p.intentForms, p.intentSessions = 90, 90 }, medium, consideration, consideration},
		{"a cart", m, func(p *person) { p.intentCartAdds = 1 }, high, decision, decision},
		{"a checkout", m, func(p *person) { p.intentCheckouts = 1 }, high, decision, decision},

		{"strict: three views", strict, func(p *person) { p.intentViews = 3 }, low, awareness, retention},
		{"strict: four views", strict, func(p *person) { p.intentViews = 4 }, medium, consideration, consideration},
		{"strict: five views", strict, func(p *person) { p.intentViews = 5 }, medium, consideration, consideration},
		{"strict: six views", strict, func(p *person) { p.intentViews = 6 }, high, consideration, consideration},
		{"strict: one form", strict, func(p *person) { p.intentForms = 1 }, low, awareness, retention},
		{"strict: two forms", strict, func(p *person) { p.intentForms = 2 }, medium, consideration, consideration},
		{"strict: four sessions", strict, func(p *person) { p.intentSessions = 4 }, low, awareness, retention},
		{"strict: five sessions", strict, func(p *person) { p.intentSessions = 5 }, medium, consideration, consideration},
		{"strict: one cart addition", strict, func(p *person) { p.intentCartAdds = 1 }, low, awareness, retention},
		{"strict: two cart additions", strict, func(p *person) { p.intentCartAdds = 2 }, high, decision, decision},
		{"strict: two checkouts", strict, func(p *person) { p.intentCheckouts = 2 }, low, awareness, retention},
		{"strict: three checkouts", strict, func(p *person) { p.intentCheckouts = 3 }, high, decision, decision},
	} {
		r := visitor(c.change)
		b := r
		b.bought, b.purchaseDays, b.silence = true, 1, 200
		got := apply(t, c.m, r, b)
		if got[0].intent != c.intent || got[1].intent != c.intent {
			t.Errorf("%s: intent %s, of buyers %s, want %s", c.name, got[0].intent, got[1].intent, c.intent)
		}
		if got[0].stage != c.stage || got[1].stage != c.bought {
			t.Errorf("%s: stage %s, of buyers %s, want %s and %s", c.name, got[0].stage, got[1].stage, c.stage, c.bought)
		}
	}
	known := row{person: person{asOf: today}, noWeb: true, noEmail: true}
	if got := apply(t, m, known)[0]; got.intent != unknown || got.stage != awareness {
		t.Errorf("known only: intent %s, stage %s, want unknown, awareness", got.intent, got.stage)
	}
}

func TestEngagedNotPurchased(t *testing.T) {
	m := fitted(t, func(e *Estimator) { e.Window, e.IntentWindow = "60d", "7d" })
	for _, c := range []struct {
		name    string
		bought  bool
		silence int64
		clicks  int64
		want    bool
	}{
		{"never bought", false, 0, 1, true},
		{"bought today", true, 0, 1, false},
		{"bought on the first day of the window", true, 59, 1, false},
		{"bought on the day before the window", true, 60, 1, true},
		{"not engaged", true, 60, 0, false},
		{"neither engaged nor bought", false, 0, 0, false},
	} {
		r := visitor(func(p *person) {
			p.bought, p.silence, p.purchaseDays, p.clicks, p.opens, p.sessions = c.bought, c.silence, 1, c.clicks, 9, 9
		})
		if got := apply(t, m, r)[0].engagedNotPurchased; got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestOneRuleHolds states every label's rule by itself, as segment_definitions does, and finds exactly one of each
// segmentation that holds: the one that Apply gives.
func TestOneRuleHolds(t *testing.T) {
	m := fitted(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		p := customers().Draw(t, "customer")
		limit := 100.0
		if p.hasInterval {
			limit = 2.5 * p.interval
		}
		isLapsed := p.bought && float64(p.silence) > max(limit, 30)
		active := p.webEver > 0 || p.emailActions > 0
		covered := p.webEver > 0 || p.emailEver > 0
		engaged := p.engagedSessions >= 1 || p.clicks >= 1
		cart := p.intentCartAdds >= 1 || p.intentCheckouts >= 1
		looking := p.intentViews >= 1 || p.intentForms >= 1 || p.intentSessions >= 2
		web := p.webEver > 0
		considers := web && looking || !p.bought && engaged

		got := apply(t, m, p)[0]
		for _, s := range []struct {
			got   string
			rules map[string]bool
		}{
			{got.lifeCycle, map[string]bool{
				prospect:        !p.bought && !active,
				browser:         !p.bought && active,
				firstTimeBuyer:  p.bought && !isLapsed && p.purchaseDays == 1,
				repeatCustomer:  p.bought && !isLapsed && p.purchaseDays >= 2,
				lapsed:          isLapsed && p.spent <= 500,
				highValueLapsed: isLapsed && p.spent > 500,
			}},
			{got.engagement, map[string]bool{
				unknown: !covered,
				high:    covered && engaged,
				medium:  covered && !engaged && p.sessions >= 1,
				low:     covered && !engaged && p.sessions == 0,
			}},
			{got.intent, map[string]bool{
				unknown: !web,
				high:    web && (cart || p.intentViews >= 3),
				medium:  web && !cart && p.intentViews < 3 && looking,
				low:     web && !cart && !looking,
			}},
			{got.stage, map[string]bool{
				decision:      web && cart,
				consideration: !(web && cart) && considers,
				retention:     !(web && cart) && !considers && p.bought,
				awareness:     !(web && cart) && !considers && !p.bought,
			}},
		} {
			var holds []string
			for name, ok := range s.rules {
				if ok {
					holds = append(holds, name)
				}
			}
			if len(holds) != 1 || holds[0] != s.got {
				t.Fatalf("%+v is %s; the rules of %q hold", p, s.got, holds)
			}
		}
	})
}

// TestSilence lives through a customer's silence day by day: they lapse on the very day that was foretold on each day
// before, and for good.
func TestSilence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := fitted(rt, func(e *Estimator) {
			e.LapseIntervals = rapid.Float64Range(1, 4).Draw(rt, "lapse_intervals")
			e.LapseMin = rapid.SampledFrom([]string{"1d", "30d", "120d"}).Draw(rt, "lapse_min")
		})
		m.InForce.Lapse.Known = rapid.Bool().Draw(rt, "known")
		m.InForce.Lapse.Value = float64(rapid.Int64Range(2, 600).Draw(rt, "half days")) / 2
		m.InForce.HighValue.Value = rapid.SampledFrom([]float64{0, 100}).Draw(rt, "high_value")

		gaps := rapid.SliceOfN(rapid.Int64Range(1, 200), 0, 5).Draw(rt, "gaps")
		r := buyer(int64(len(gaps))+1, 0, 0, 50)
		if len(gaps) >= 2 {
			r.hasInterval, r.interval = true, median(gaps)
		}
		days := repeat(1000, func(i int) row {
			r := r
			r.asOf, r.silence = today+arrow.Date32(i), int64(i)
			return r
		})
		got := apply(rt, m, days...)
		if !got[0].lapses {
			rt.Fatal("no foretold day on the day of the purchase")
		}
		day := got[0].lapsesOn
		for i, l := range got {
			asOf := today + arrow.Date32(i)
			isLapsed := l.lifeCycle == lapsed || l.lifeCycle == highValueLapsed
			if isLapsed != (asOf >= day) || l.lapses == isLapsed || l.lapses && l.lapsesOn != day ||
				!isLapsed && l.lifeCycle != got[0].lifeCycle {
				rt.Fatalf("on day %d: %+v, foretold was day %d", i, l, day-today)
			}
		}
		if last := got[len(got)-1]; last.lapses {
			rt.Fatalf("not lapsed after %d days", len(got))
		}
	})
}

func median(vs []int64) float64 {
	vs = slices.Sorted(slices.Values(vs))
	return float64(vs[(len(vs)-1)/2]+vs[len(vs)/2]) / 2
}

// TestMoreIsNeverLess adds activity of any kind: nobody falls back.
func TestMoreIsNeverLess(t *testing.T) {
	levels := []string{unknown, low, medium, high}
	stages := []string{awareness, retention, consideration, decision}
	rapid.Check(t, func(rt *rapid.T) {
		m := fitted(rt, func(e *Estimator) {
			e.EngagementMediumOpens = rapid.IntRange(0, 3).Draw(rt, "opens")
			e.EngagementHighSessions = rapid.IntRange(1, 3).Draw(rt, "sessions")
			e.HotLeadViews = rapid.IntRange(1, 4).Draw(rt, "views")
			e.IntentMediumSessions = rapid.IntRange(1, 4).Draw(rt, "intent sessions")
		})
		before := customers().Draw(rt, "customer")
		after := before
		after.noWeb, after.noEmail = false, false
		for _, n := range []*int64{
			&after.webEver, &after.sessions, &after.engagedSessions, &after.intentSessions, &after.intentViews, &after.intentCartAdds,
			&after.intentCheckouts, &after.intentForms, &after.emailEver, &after.emailActions, &after.opens, &after.clicks,
		} {
			*n += rapid.SampledFrom([]int64{0, 0, 1, 5}).Draw(rt, "more")
		}
		was, is := apply(rt, m, before)[0], apply(rt, m, after)[0]
		rank := func(names []string, name string) int { return slices.Index(names, name) }
		if rank(levels, is.engagement) < rank(levels, was.engagement) || rank(levels, is.intent) < rank(levels, was.intent) ||
			rank(stages, is.stage) < rank(stages, was.stage) || was.engagedNotPurchased && !is.engagedNotPurchased ||
			was.lifeCycle != is.lifeCycle && was.lifeCycle != prospect {
			rt.Fatalf("%+v became %+v", was, is)
		}
	})
}
