package demo

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// The kinds of conversion: an order, an offer taken through a link in the newsletter, and one taken in an experiment.
const (
	kindOrder  = "order"
	kindOffer  = "newsletter_offer"
	kindRedeem = "offer_redeemed"
)

const (
	conversionDays = 365  // conversions are recorded for so many days up to AsOf
	convertedDays  = 90   // Truth counts the people who converted in so many days up to AsOf
	campaignDays   = 28   // a newsletter goes out every so many days
	offerCents     = 1000 // what a newsletter offer is worth
)

var (
	countries = [...]string{"DE", "DE", "DE", "AT", "CH", "FR", "NL"}
	origins   = [...]string{"search", "search", "social", "referral", "newspaper"}
	genders   = [...]string{"female", "male", "female", "male", ""}
)

// An actor is a person whose doings go into the files.
type actor struct {
	person
	w                *writer
	truth            *TypeTruth
	aside            *rand.Rand // for what marketing and experiments do with them
	placed, sessions int        // orders and web sessions so far
	bought, redeemed bool       // in the last 90 days
}

// people writes everybody.
func (w *writer) people() {
	for n := range w.o.Customers {
		p := draw(w.o, n)
		a := &actor{w: w, person: p, truth: &w.truth.Types[p.Type]}
		a.aside = rand.New(rand.NewPCG(scramble(scramble(w.o.Seed)), scramble(uint64(n))))
		a.reach()
		a.takePart()
		for _, day := range p.purchases {
			a.purchase(day)
		}
		a.lookAround()
		if p.InCRM {
			a.register(n, a.readNewsletters())
		}
		a.count()
	}
}

func (a *actor) count() {
	t, d := a.truth, &a.w.truth.Dirt
	t.People++
	t.Purchases += len(a.purchases)
	t.Visits += a.sessions
	for counter, is := range map[*int]bool{
		&t.Alive: a.Alive, &t.Buyers90: a.bought, &t.Redeemed90: a.redeemed,
		&d.OptedOut: a.OptedOut, &d.UnknownToCRM: !a.InCRM && a.Type != Browser,
	} {
		if is {
			*counter++
		}
	}
}

func (a *actor) chance(p float64) bool { return a.rng.Float64() < p }

// A visit is what happens in a web session.
type visit struct {
	products                         int    // product views, at least one
	last                             string // the product viewed last; any, if empty
	newsletter                       bool   // it comes from the newsletter
	search, cart, checkout, purchase bool
}

// visit writes a web session that starts at the given moment, and returns when its last event happened.
func (a *actor) visit(now moment, v visit) (last moment) {
	a.sessions++
	session := fmt.Sprintf("s%s-%d", a.ID[1:], a.sessions)
	device := "desktop"
	if a.mobile == a.chance(0.85) {
		device = "mobile"
	}
	channel, landing := a.enter(v)
	event := func(name, product string) {
		a.w.row(a.w.web, a.ID, a.w.time(now), name, session, product, device, cmp.Or(pages[name], landing), channel)
		last = now
		now += moment(5 + min(175, int(45*a.rng.ExpFloat64())))
	}
	event("page_view", "")
	if a.w.fault(anonymousVisitShare) {
		a.w.truth.Dirt.WebEventsWithoutCustomer++
		a.w.web.write([]string{"", a.w.time(now), "page_view", session + "a", "", device, landing, channel})
	}
	if v.search {
		event("search", "")
	}
	product := v.last
	for left := v.products; left > 0; left-- {
		if product = v.last; left > 1 || product == "" {
			product = a.product(a.favorite())
		}
		event("product_view", product)
	}
	if v.cart {
		event("add_to_cart", product)
	}
	if v.checkout {
		event("begin_checkout", "")
	}
	if v.purchase {
		event("purchase", product)
	}
	return last
}

// browse makes a web session without a purchase; some leave a cart behind.
func (a *actor) browse(now moment, newsletter bool) {
	v := visit{
		newsletter: newsletter,
		products:   1 + min(8, int(a.views*a.rng.ExpFloat64())),
		search:     a.chance(a.search), cart: a.chance(a.cart),
	}
	v.checkout = v.cart && a.chance(0.4)
	a.visit(now, v)
}

// lookAround makes the visits that people make of their own accord, at a steady rate of theirs, until they are lost.
func (a *actor) lookAround() {
	rate := a.visits * a.keen / 7
	if rate == 0 {
		return
	}
	for day := float64(a.from) + a.rng.ExpFloat64()/rate; day < float64(a.to+1); day += a.rng.ExpFloat64() / rate {
		a.browse(at(int(day), a.second()), false)
	}
}

// readNewsletters sends the newsletter to who wants it, and returns whether they still do at the end. Those who were
// lost seldom open it.
func (a *actor) readNewsletters() (subscribed bool) {
	if !a.chance(0.7) {
		return false
	}
	tuesday := int(time.Tuesday-a.w.o.day(0).Weekday()+7) % 7
	for n, day := 1, tuesday; day < a.w.o.Days; n, day = n+1, day+campaignDays {
		if day <= a.joined {
			continue
		}
		campaign := fmt.Sprintf("n%03d", n)
		event := func(now moment, kind string) { a.w.row(a.w.email, a.ID, a.w.time(now), kind, campaign) }
		sent := at(day, 9*3600+a.rng.IntN(900))
		event(sent, "sent")
		if a.chance(0.015) {
			event(sent+20, "bounce")
			continue
		}
		event(sent+10, "delivered")
		open, leave := a.open*a.opener, 0.005
		if !a.Alive && day > a.purchases[len(a.purchases)-1] {
			open, leave = open*0.15, 0.1
		}
		u := a.rng.Float64()
		opened := sent + 60 + moment(12*3600*u*u) // on the same day
		if !a.chance(open) {
			continue
		}
		event(opened, "open")
		if a.chance(leave) {
			event(opened+30, "unsubscribe")
			return false
		}
		if a.chance(a.click) {
			event(opened+20, "click")
			a.follow(opened+20, campaign)
		}
	}
	return true
}

// follow is what comes of a click in a newsletter: a visit of the web shop, and perhaps the offer taken.
func (a *actor) follow(clicked moment, campaign string) {
	a.truth.Clicks++
	if a.visits > 0 {
		a.browse(clicked+3, true)
	}
	if a.chance(a.redeem) {
		a.convert(fmt.Sprintf("k%s-%s", a.ID[1:], campaign), clicked+600, kindOffer, offerCents)
	}
}

// convert writes a conversion, if conversions were recorded then.
func (a *actor) convert(id string, when moment, kind string, cents int) {
	a.convertBy(a.w.row, id, when, kind, cents)
}

// convertBy is convert with the function that writes the row.
func (a *actor) convertBy(row func(*table, ...string), id string, when moment, kind string, cents int) {
	if when.day() < a.w.o.Days-conversionDays {
		return
	}
	row(a.w.conversions, id, a.ID, a.w.time(when), kind, money(cents))
	a.w.truth.Conversions[kind]++
	if when.day() >= a.w.o.Days-convertedDays {
		a.bought = a.bought || kind == kindOrder
		a.redeemed = a.redeemed || kind == kindOffer
	}
}

// register writes the record of the n-th person in the customers file.
func (a *actor) register(n int, newsletter bool) {
	email := fmt.Sprintf("person%d@example.com", n+1)
	born := a.w.o.AsOf.AddDate(-18-a.rng.IntN(55), 0, -a.rng.IntN(365)).Format(time.DateOnly)
	origin := origins[a.rng.IntN(len(origins))]
	if a.Type == StoreRegular {
		origin = "store"
	}
	record := func(id, email string, optedOut bool) []string {
		return []string{
			id, email, a.w.time(at(a.joined, a.second())), countries[a.rng.IntN(len(countries))], born,
			genders[a.rng.IntN(len(genders))], origin, strconv.FormatBool(!optedOut), strconv.FormatBool(newsletter),
		}
	}
	a.w.row(a.w.customers, record(a.ID, email, a.OptedOut)...)
	if a.w.fault(sharedEmailShare) {
		a.w.truth.Dirt.SharedEmails++
		a.w.customers.write(record(a.ID+"b", strings.ToUpper(email), false))
	}
}
