package demo

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// A channel is a way in which the company reaches people: what it costs, and how likely it begins or ends the way to a
// purchase, of people who use the web shop and of those who do not.
type channel struct {
	name      string
	campaigns []campaign
	web       way
	store     way
}

// A campaign has a price of a touch in cents; what costs nothing has no row in the costs file.
type campaign struct {
	id    string
	cents int
}

// A way holds the chances of a channel to be the first touch before a purchase, and the last one.
type way struct{ opens, closes float64 }

var channels = [...]channel{
	{"paid_search", []campaign{{"brand", 30}, {"generic", 80}}, way{.30, .35}, way{}},
	{"social", []campaign{{"stories", 45}}, way{.25, .05}, way{.20, 0}},
	{"display", []campaign{{"prospecting", 1}, {"retargeting", 2}}, way{.25, .05}, way{.30, .05}},
	{"email", []campaign{{"reminder", 1}}, way{.05, .30}, way{.10, .15}},
	{"referral", []campaign{{"partners", 120}}, way{.10, .10}, way{}},
	{"store", []campaign{{"", 0}}, way{.05, .15}, way{.40, .80}},
}

const (
	pathShare = 0.7  // of the purchases have touches before them
	pathDays  = 30   // the days before a purchase in which these lie, none of them before the purchase before it
	idleTouch = 0.04 // rate, a week, of touches that no purchase follows within pathDays
)

// A ChannelTruth is what is known about a channel in the touchpoints and costs files. A touch that lies up to 31 days
// before a purchase was made for it.
type ChannelTruth struct {
	Channel string
	Touches int
	First90 int // purchases of the last 90 days whose first touch is of the channel
	Last90  int // purchases of the last 90 days whose last touch is of the channel
	Cents   int // what the touches cost, in hundredths of the currency
}

// reach writes the touches that lie before the person's purchases, and some that lead nowhere.
func (a *actor) reach() {
	before := -1
	for _, day := range a.purchases {
		from := max(before+1, day-pathDays, 0)
		before = day
		if n := 2 + min(3, int(a.aside.ExpFloat64())); a.aside.Float64() < pathShare && from < day {
			a.path(n, from, day)
		}
	}
	first := max(0, a.from)
	for day := float64(first) + 7*a.aside.ExpFloat64()/idleTouch; day < float64(a.to+1); day += 7 * a.aside.ExpFloat64() / idleTouch {
		when, c := at(int(day), a.daytime()), a.aside.IntN(len(channels))
		if next, _ := slices.BinarySearch(a.purchases, when.day()); next == len(a.purchases) || a.purchases[next] > when.day()+pathDays+1 {
			a.touch(when, c)
		}
	}
}

// path writes n touches on the days since from, before a purchase on the day bought.
func (a *actor) path(n, from, bought int) {
	when := make([]moment, n)
	for i := range when {
		when[i] = at(from+a.aside.IntN(bought-from), a.daytime())
	}
	slices.Sort(when)
	for i := 1; i < n; i++ {
		when[i] = max(when[i], when[i-1]+1)
	}
	way := func(c channel) way {
		if a.Type == StoreRegular {
			return c.store
		}
		return c.web
	}
	for i, t := range when {
		c := pick(a.aside, channels[:], func(c channel) float64 {
			switch w := way(c); i {
			case 0:
				return w.opens
			case n - 1:
				return w.closes
			default:
				return (w.opens + w.closes) / 2
			}
		})
		a.touch(t, c)
		if truth := &a.w.truth.Channels[c]; bought >= a.w.o.Days-convertedDays {
			switch i {
			case 0:
				truth.First90++
			case n - 1:
				truth.Last90++
			}
		}
	}
}

// touch writes a touch through the channel c, and counts what it costs.
func (a *actor) touch(when moment, c int) {
	w := a.w
	k := a.aside.IntN(len(channels[c].campaigns))
	of := channels[c].campaigns[k]
	row := []string{a.ID, w.time(when), channels[c].name, of.id}
	w.rowAside(w.touchpoints, row...)
	if w.faultAside(anonymousTouchShare) {
		w.truth.Dirt.TouchpointsWithoutCustomer++
		w.touchpoints.write(append([]string{""}, row[1:]...))
	}
	w.truth.Channels[c].Touches++
	w.truth.Channels[c].Cents += of.cents
	w.spent[spending{when.day(), c, k}] += of.cents
}

func (a *actor) daytime() int { return 8*3600 + a.aside.IntN(13*3600) }

// pick returns the index of one of the things, each with the chance that share gives it.
func pick[T any](rng *rand.Rand, things []T, share func(T) float64) int {
	u := rng.Float64()
	for i, t := range things {
		if u -= share(t); u < 0 {
			return i
		}
	}
	return len(things) - 1
}

// spending is what the touches of one day through one campaign have in common.
type spending struct{ day, channel, campaign int }

// writeCosts writes what was spent on each day, by campaign.
func (w *writer) writeCosts() {
	keys := make([]spending, 0, len(w.spent))
	for k, cents := range w.spent {
		if cents > 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b spending) int {
		return cmp.Or(a.day-b.day, a.channel-b.channel, a.campaign-b.campaign)
	})
	for _, k := range keys {
		c := channels[k.channel]
		w.costs.write([]string{w.o.day(k.day).Format(time.DateOnly), c.name, c.campaigns[k.campaign].id, money(w.spent[k])})
	}
}

// A door is a channel through which web sessions begin, with the pages that they land on, and its shares of the
// sessions in which people look around and of those in which they buy. Sessions that come from the newsletter have none.
type door struct {
	channel     string
	pages       []string
	looks, buys float64
}

var doors = [...]door{
	{"direct", []string{"/", "/", "/category"}, .25, .45},
	{"organic", []string{"/", "/category", "/category", "/stories"}, .30, .25},
	{"paid_search", []string{"/category", "/sale"}, .20, .20},
	{"social", []string{"/stories", "/sale"}, .15, .02},
	{"referral", []string{"/sale", "/stories"}, .10, .08},
}

var newsletter = door{channel: "email", pages: []string{"/newsletter"}}

// enter draws how a session begins: the channel, and the page.
func (a *actor) enter(v visit) (channel, page string) {
	d := newsletter
	if !v.newsletter {
		d = doors[pick(a.aside, doors[:], func(d door) float64 {
			if v.purchase {
				return d.buys
			}
			return d.looks
		})]
	}
	return d.channel, d.pages[a.aside.IntN(len(d.pages))]
}

// pages are where the events of a session happen, but for the page it begins with.
var pages = map[string]string{
	"search": "/search", "product_view": "/product", "add_to_cart": "/cart", "begin_checkout": "/checkout", "purchase": "/thanks",
}
