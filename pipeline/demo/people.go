package demo

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// A Type is what sort of person somebody is. The job never sees it; it shows in what they do.
type Type int

// The types. The first four buy.
const (
	Enthusiast    Type = iota // buys often, reads the newsletter, looks around and then buys
	BargainHunter             // comes through the newsletter, waits for discounts, leaves carts behind
	WindowShopper             // looks much, buys little
	StoreRegular              // buys in stores only and has never visited the web shop
	Browser                   // visits the web shop, never buys, and is not in the customers file
	Prospect                  // is in the customers file, and does next to nothing
)

// Types lists the types.
func Types() []Type {
	return []Type{Enthusiast, BargainHunter, WindowShopper, StoreRegular, Browser, Prospect}
}

// String returns the name of t, such as bargain_hunter.
func (t Type) String() string {
	return [...]string{"enthusiast", "bargain_hunter", "window_shopper", "store_regular", "browser", "prospect"}[t]
}

// A profile is how people of one type behave: probabilities, where nothing else is said.
type profile struct {
	share    float64 // the chance of a person to be of the type
	slope    float64 // of buyers: how the share rises (or falls) with the rank of the rate of purchase
	visits   float64 // rate, a week, of web sessions that lead to no purchase
	views    float64 // about the mean number of product views in such a session, beyond the first
	search   float64 // a session has a search
	cart     float64 // such a session leaves a cart behind
	research float64 // each of two possible visits in the days before a purchase is made
	web      float64 // a purchase is made on the web
	discount float64 // a purchase is made at a discount
	open     float64 // a delivered e-mail is opened
	click    float64 // an opened e-mail is clicked
	redeem   float64 // a click ends in a newsletter offer taken
	mobile   float64 // the preferred device is a phone
}

// Over buyers the slopes, weighted with the shares, add up to zero: so the shares hold whatever the rates of purchase.
var profiles = [...]profile{
	Enthusiast: {
		share: .14, slope: .9, visits: .22, views: 2.5, search: .3, cart: .05, research: .6,
		web: .85, discount: .15, open: .5, click: .4, redeem: .25, mobile: .4,
	},
	BargainHunter: {
		share: .18, slope: .2, visits: .14, views: 1.5, search: .5, cart: .3, research: .25,
		web: .8, discount: .75, open: .45, click: .5, redeem: .45, mobile: .6,
	},
	WindowShopper: {
		share: .18, slope: -.9, visits: .32, views: 3.5, search: .1, cart: .12, research: .5,
		web: .75, discount: .25, open: .25, click: .15, redeem: .05, mobile: .7,
	},
	StoreRegular: {share: .13, discount: .2, open: .15, click: .08, redeem: .06},
	Browser:      {share: .2, visits: .25, views: 1.5, search: .2, cart: .06, mobile: .65},
	Prospect:     {share: .17, open: .06, click: .1, redeem: .03},
}

// A Person is one of the company's people, and what only the generator knows about them.
type Person struct {
	ID    string
	Type  Type
	First time.Time // the day of the first purchase; of who never buys, the first day in the data

	// Of buyers, zero for the others.
	Rate  float64 // purchases a week while alive
	Lost  float64 // the chance to be lost after a repeat purchase
	Spend float64 // mean spend of a purchase, before it is rounded to cents

	Alive    bool // not lost by the end of AsOf
	InCRM    bool // known to the customers file
	OptedOut bool // objects to profiling
}

// People gives the people that Write writes with the same options, without writing them; nobody, where Write fails.
func People(o Options) iter.Seq[Person] {
	o, err := o.withDefaults()
	return func(yield func(Person) bool) {
		for n := 0; err == nil && n < o.Customers; n++ {
			if !yield(draw(o, n).Person) {
				return
			}
		}
	}
}

// A person is a Person with the random stream of their own, and habits. Days are counted from the first of the history.
type person struct {
	Person
	profile
	rng       *rand.Rand
	purchases []int // purchase days
	from, to  int   // first and last day on which the person visits the web shop of their own accord
	joined    int   // the day on which the customers file began to know the person
	keen      float64
	weekdays  [7]float64 // how purchases spread over the weekdays, Sunday first; adds up to 7
	dayParts  [4]float64 // how purchases and visits spread over the parts of the day; adds up to 1
	category  int        // the favorite one
	store     int        // the usual one
	mobile    bool
	opener    float64 // multiplies the probability to open an e-mail
}

var (
	weekdays = [7]float64{0.9, 0.8, 0.85, 0.9, 1, 1.15, 1.4}
	dayParts = [4]float64{0.03, 0.25, 0.4, 0.32}
)

// draw makes the n-th person of the company: everything about them that does not depend on the files.
func draw(o Options, n int) person {
	rng := rand.New(rand.NewPCG(scramble(o.Seed), scramble(uint64(n))))
	p := person{rng: rng, weekdays: weekdays, dayParts: dayParts}
	p.ID = fmt.Sprintf("c%07d", n+1)
	kind, mark := rng.Float64(), rng.Float64()
	first := rng.IntN(o.Days)
	p.First, p.Alive = o.day(first), true
	p.from, p.to, p.joined = first, o.Days-1, first
	p.habits()

	switch buyers := 1 - profiles[Browser].share - profiles[Prospect].share; {
	case kind < buyers:
		p.Rate = distuv.Gamma{Alpha: process.R, Beta: process.Alpha, Src: rng}.Rand()
		p.Lost = distuv.Beta{Alpha: process.A, Beta: process.B, Src: rng}.Rand()
		p.Spend = process.P / distuv.Gamma{Alpha: process.Q, Beta: process.Gamma, Src: rng}.Rand()
		p.Type = buyerType(distuv.Gamma{Alpha: process.R, Beta: process.Alpha}.CDF(p.Rate), kind)
		p.keen *= math.Sqrt(p.Rate * process.Alpha / process.R)
		p.from = max(0, first-int(14*rng.ExpFloat64()))
		if rng.Float64() < 0.35 {
			p.joined = max(0, first-int(20*rng.ExpFloat64()))
		}
		p.buy(o, first)
	case kind < buyers+profiles[Browser].share:
		p.Type = Browser
		p.to = min(p.to, first+int(90*rng.ExpFloat64()))
	default:
		p.Type = Prospect
	}
	p.profile = profiles[p.Type]
	p.mobile = rng.Float64() < p.profile.mobile
	p.InCRM = p.Type != Browser && (p.Type == Prospect || !o.Dirt || mark >= unknownShare)
	p.OptedOut = o.Dirt && p.InCRM && mark > 1-optedOutShare
	return p
}

// habits draws what a person prefers: some have a weekday and some a part of the day, everybody has a category.
func (p *person) habits() {
	rng := p.rng
	if day := rng.IntN(7); rng.Float64() < 0.25 {
		for d := range p.weekdays {
			p.weekdays[d] *= 0.4
		}
		p.weekdays[day] += 0.6 * 7
	}
	if part := 1 + rng.IntN(3); rng.Float64() < 0.3 {
		for d := range p.dayParts {
			p.dayParts[d] *= 0.3
		}
		p.dayParts[part] += 0.7
	}
	p.category, p.store = rng.IntN(len(categories)), 1+rng.IntN(12)
	p.keen = distuv.Gamma{Alpha: 2, Beta: 2, Src: rng}.Rand()
	p.opener = 0.5 + rng.Float64()
}

// buyerType gives the type of a buyer whose rate of purchase has the given rank, 0 to 1; u is uniform below the share of
// buyers. The weight of a type is linear in the rank, so the types differ in their rates while all buyers together keep
// the law of the process.
func buyerType(rank, u float64) Type {
	for t := Enthusiast; t < StoreRegular; t++ {
		u -= profiles[t].share * (1 + profiles[t].slope*(2*rank-1))
		if u < 0 {
			return t
		}
	}
	return StoreRegular
}

// buy draws the purchase days after the first by the BG/NBD process (Fader, Hardie and Lee 2005, section 2): intervals
// are exponential, and after each repeat purchase the buyer is lost with probability p.Lost. The clock starts at the end
// of the first purchase day, so the days of exposure up to a date are that date minus the first day, as BTYD counts them.
// A day holds one purchase: a second one moves to the next day.
func (p *person) buy(o Options, first int) {
	p.purchases = append(p.purchases, first)
	for last, clock := first, 0.0; ; {
		clock += 7 * p.rng.ExpFloat64() / p.Rate
		if clock > float64(o.Days+7) {
			return
		}
		last = max(p.calendar(o, first+1, clock), last+1)
		if last >= o.Days {
			return
		}
		p.purchases = append(p.purchases, last)
		if p.rng.Float64() < p.Lost {
			p.Alive = false
			p.to = min(p.to, last+int(7*p.rng.ExpFloat64()))
			return
		}
	}
}

// calendar returns the day that lies clock days after the start of the day from, on a clock that runs faster on weekdays
// that the person prefers. It agrees with the calendar after every whole week: weekday habits leave the rate as it is.
func (p *person) calendar(o Options, from int, clock float64) int {
	weeks := math.Floor(clock / 7)
	rest, day := clock-7*weeks, from+7*int(weeks)
	weekday := int(o.day(day).Weekday())
	for rest >= p.weekdays[weekday] {
		rest -= p.weekdays[weekday]
		day, weekday = day+1, (weekday+1)%7
	}
	return day
}

// second returns a second of the day at which the person buys or visits, by part of the day: after midnight to six, to
// noon, to six, and to eleven in the evening, so that what takes less than an hour ends on the same day.
func (p *person) second() int {
	u, part := p.rng.Float64(), 0
	for part < 3 && u >= p.dayParts[part] {
		u -= p.dayParts[part]
		part++
	}
	hours := 6
	if part == 3 {
		hours = 5
	}
	return 1 + 6*3600*part + p.rng.IntN(3600*hours-1)
}

// scramble gives neighboring numbers unrelated seeds: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
