package demo

import (
	"math"
	"path/filepath"
	"testing"
	"time"
)

// A behavior is what the files show of the people of one type.
type behavior struct {
	people, orders, web, discounted, sessions, carts, lostCarts float64
	delivered, clicks, bought, redeemed                         float64
}

// observe adds up the files of the whole company by type.
func observe(t *testing.T) []behavior {
	t.Helper()
	dir, truth := wholeCompany(t)
	seen := make([]behavior, len(Types()))
	types := map[string]Type{}
	for p := range People(truth.Options) {
		types[p.ID] = p.Type
		seen[p.Type].people++
	}
	eachRow(t, filepath.Join(dir, "orders.csv"), func(r record) {
		b := &seen[types[r["customer"]]]
		b.orders++
		if r["channel"] == "web" {
			b.web++
		}
		if r["discount"] != "0.00" {
			b.discounted++
		}
	})
	cart := false // the rows of a session stand together
	eachRow(t, filepath.Join(dir, "web_events.csv"), func(r record) {
		b := &seen[types[r["user_id"]]]
		switch r["name"] {
		case "page_view":
			b.sessions++
			cart = false
		case "add_to_cart":
			b.carts++
			b.lostCarts++
			cart = true
		case "purchase":
			b.lostCarts--
			if !cart {
				t.Errorf("%s bought what was not in the cart", r["user_id"])
			}
		}
	})
	eachRow(t, filepath.Join(dir, "email_events.csv"), func(r record) {
		b := &seen[types[r["user_id"]]]
		switch r["kind"] {
		case "delivered":
			b.delivered++
		case "click":
			b.clicks++
		}
	})
	recent := truth.Options.AsOf.AddDate(0, 0, -89).Format(time.DateOnly)
	bought, redeemed := map[string]bool{}, map[string]bool{}
	eachRow(t, filepath.Join(dir, "conversions.csv"), func(r record) {
		if r["ts"] < recent || r["kind"] == kindRedeem {
			return
		}
		set, count := bought, &seen[types[r["user"]]].bought
		if r["kind"] == kindOffer {
			set, count = redeemed, &seen[types[r["user"]]].redeemed
		}
		if !set[r["user"]] {
			set[r["user"]] = true
			*count++
		}
	})
	return seen
}

func TestTypesDiffer(t *testing.T) {
	_, truth := wholeCompany(t)
	seen := observe(t)
	n := float64(truth.Options.Customers)
	for i, b := range seen {
		want := truth.Types[i]
		if b.people != float64(want.People) || b.sessions != float64(want.Visits) || b.clicks != float64(want.Clicks) ||
			b.bought != float64(want.Buyers90) || b.redeemed != float64(want.Redeemed90) {
			t.Errorf("%s: the files have %+v, the truth says %+v", want.Type, b, want)
		}
		if se := math.Sqrt(want.Share * (1 - want.Share) * n); math.Abs(b.people-want.Share*n) > 4*se {
			t.Errorf("%s: %g people, want %g within 4 standard errors of %g", want.Type, b.people, want.Share*n, se)
		}
		if b.web+b.sessions > 0 {
			t.Logf("%-15s %5.0f people, %4.2f orders, %5.2f sessions, %.2f web, %.2f discount, %.2f carts lost, "+
				"%.3f clicks, %.3f bought, %.3f redeemed",
				want.Type, b.people, b.orders/b.people, b.sessions/b.people, b.web/b.orders, b.discounted/b.orders,
				b.lostCarts/b.sessions, b.clicks/b.delivered, b.bought/b.people, b.redeemed/b.people)
		}
	}
	fan, hunter, window, store := seen[Enthusiast], seen[BargainHunter], seen[WindowShopper], seen[StoreRegular]
	browser, prospect := seen[Browser], seen[Prospect]
	for what, holds := range map[string]bool{
		"enthusiasts order half as much again as window shoppers": fan.orders/fan.people > 1.5*window.orders/window.people,
		"enthusiasts convert more than window shoppers":           fan.bought/fan.people > 1.25*window.bought/window.people,
		"bargain hunters buy at a discount":                       hunter.discounted/hunter.orders > 2*fan.discounted/fan.orders,
		"bargain hunters take offers":                             hunter.redeemed/hunter.people > 1.5*fan.redeemed/fan.people,
		"bargain hunters leave carts behind":                      hunter.lostCarts/hunter.sessions > 3*fan.lostCarts/fan.sessions,
		"bargain hunters click more than window shoppers":         hunter.clicks/hunter.delivered > 3*window.clicks/window.delivered,
		"window shoppers look more for an order":                  window.sessions/window.orders > 1.4*hunter.sessions/hunter.orders,
		"enthusiasts visit more than bargain hunters":             fan.sessions/fan.people > 1.4*hunter.sessions/hunter.people,
		"store regulars buy in stores, never on the web":          store.orders > 0 && store.web+store.sessions == 0,
		"browsers look and never buy":                             browser.sessions > browser.people && browser.orders == 0,
		"browsers get no mail":                                    browser.delivered == 0,
		"prospects get mail, and do not buy or visit":             prospect.delivered > 0 && prospect.orders+prospect.sessions == 0,
		"prospects seldom click":                                  prospect.clicks/prospect.delivered < 0.02,
		"buyers of different types convert differently":           chiSquare(seen[:4]) > 100, // 3 degrees of freedom
	} {
		if !holds {
			t.Errorf("it does not hold that %s", what)
		}
	}
}

// chiSquare is Pearson's statistic of who bought in the last 90 days, by type.
func chiSquare(seen []behavior) (x2 float64) {
	people, bought := 0.0, 0.0
	for _, b := range seen {
		people, bought = people+b.people, bought+b.bought
	}
	p := bought / people
	for _, b := range seen {
		d := b.bought - p*b.people
		x2 += d * d / (p * (1 - p) * b.people)
	}
	return x2
}

// Who is lost stops visiting; who is alive and on the web goes on.
func TestTheLostStayAway(t *testing.T) {
	dir, truth := wholeCompany(t)
	last := map[string]string{}
	eachRow(t, filepath.Join(dir, "orders.csv"), func(r record) { last[r["customer"]] = max(last[r["customer"]], r["date"][:10]) })
	recent := truth.Options.AsOf.AddDate(0, 0, -89).Format(time.DateOnly)
	visited := map[string]bool{}
	eachRow(t, filepath.Join(dir, "web_events.csv"), func(r record) {
		if r["ts"] >= recent {
			visited[r["user_id"]] = true
		}
	})
	long := truth.Options.AsOf.AddDate(0, 0, -150).Format(time.DateOnly)
	var people, back [2]float64
	for p := range People(truth.Options) {
		if p.Type > WindowShopper || last[p.ID] > long {
			continue
		}
		alive := 0
		if p.Alive {
			alive = 1
		}
		people[alive]++
		if visited[p.ID] {
			back[alive]++
		}
	}
	lost, alive := back[0]/people[0], back[1]/people[1]
	t.Logf("last order over 150 days ago, a visit in the last 90: %.3f of the lost, %.3f of the others", lost, alive)
	if people[0] < 1000 || lost > 0.1 || alive < 0.4 {
		t.Errorf("%.3f of %g lost and %.3f of %g others visited", lost, people[0], alive, people[1])
	}
}

// Web orders and the web shop's events tell the same story: every web order is a purchase event, seconds included, and
// most are preceded by product views of earlier days.
func TestOrdersAreSeenOnTheWeb(t *testing.T) {
	dir, truth := wholeCompany(t)
	events := map[string]bool{}
	viewed := map[string]bool{} // person and day
	eachRow(t, filepath.Join(dir, "web_events.csv"), func(r record) {
		switch r["name"] {
		case "purchase":
			events[r["user_id"]+r["ts"]+r["product"]] = true
		case "product_view":
			viewed[r["user_id"]+r["ts"][:10]] = true
		}
	})
	types := map[string]Type{}
	for p := range People(truth.Options) {
		types[p.ID] = p.Type
	}
	orders, looked, placebo := 0.0, 0.0, 0.0
	eachRow(t, filepath.Join(dir, "orders.csv"), func(r record) {
		if r["channel"] != "web" {
			return
		}
		orders++
		if !events[r["customer"]+r["date"]+r["product"]] {
			t.Fatalf("order %s is no purchase event", r["invoice"])
		}
		date := parseTime(t, r["date"])
		before := func(from int) float64 {
			for d := from; d < from+5; d++ {
				if viewed[r["customer"]+date.AddDate(0, 0, -d).Format(time.DateOnly)] {
					return 1
				}
			}
			return 0
		}
		looked += before(1)
		placebo += before(15)
	})
	if int(orders) != len(events) {
		t.Errorf("%g web orders, %d purchase events", orders, len(events))
	}
	t.Logf("product views 1 to 5 days before a web order %.2f, 15 to 19 days before %.2f", looked/orders, placebo/orders)
	if looked < 1.8*placebo || looked/orders < 0.5 {
		t.Errorf("product views 1 to 5 days before %.2f of the orders, 15 to 19 days before %.2f", looked/orders, placebo/orders)
	}
}
