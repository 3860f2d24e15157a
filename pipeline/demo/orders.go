package demo

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/gonum/stat/distuv"
)

// The shares of faults: of people, of orders, of web sessions, and duplicates of all rows of the process.
const (
	unknownShare     = 0.015
	optedOutShare    = 0.02
	sharedEmailShare = 0.003

	anonymousOrderShare = 0.02
	timelessShare       = 0.0005
	amountlessShare     = 0.0005
	fullRefundShare     = 0.01
	partialRefundShare  = 0.02
	excessRefundShare   = 0.0005
	midnightShare       = 0.002

	anonymousVisitShare = 0.003
	anonymousTouchShare = 0.002
	bothVariantsShare   = 0.002
	duplicateShare      = 0.002
)

// lateRefund is after how many days a refund is counted as late.
const lateRefund = 28

const productsPerCategory = 40

var categories = [...]string{"clothing", "home", "sports", "beauty", "toys"}

// An order is a purchase, or one receipt of it.
type order struct {
	at              moment
	cents, discount int
	web             bool
	category        int
	product         string
}

// purchase makes a purchase on the given day, with the visits that lead to it.
func (a *actor) purchase(day int) {
	spend := distuv.Gamma{Alpha: process.P, Beta: process.P / a.Spend, Src: a.rng}.Rand()
	o := order{
		cents: max(2, int(math.Round(100*spend))),
		web:   a.chance(a.web), category: a.favorite(),
	}
	o.product = a.product(o.category)
	if a.chance(a.discount) {
		o.discount = o.cents * (10 + 5*a.rng.IntN(5)) / 100
	}
	for range 2 {
		if before := day - 1 - a.rng.IntN(5); a.chance(a.research) && before >= 0 {
			a.visit(at(before, a.second()), visit{products: 1 + a.rng.IntN(3), last: o.product, search: a.chance(a.search)})
		}
	}
	o.at = at(day, a.second())
	if o.web {
		o.at = a.visit(o.at, visit{products: 1 + a.rng.IntN(2), last: o.product, cart: true, checkout: true, purchase: true})
	} else if a.chance(0.05) { // two receipts
		rest := o
		rest.cents, rest.discount = o.cents/2, 0
		rest.at += moment(60 + a.rng.IntN(600))
		o.cents -= rest.cents
		a.place(rest)
	}
	a.place(o)
}

// favorite returns a category: often the person's own.
func (a *actor) favorite() int {
	if a.chance(0.5) {
		return a.category
	}
	return a.rng.IntN(len(categories))
}

func (a *actor) product(category int) string {
	return "p" + strconv.Itoa(100*(category+1)+a.rng.IntN(productsPerCategory))
}

// place writes an order, its conversion, and the faults beside it.
func (a *actor) place(o order) {
	a.placed++
	if !o.web && a.w.fault(midnightShare) {
		o.at = at(o.at.day(), 0)
		a.w.truth.Dirt.MidnightOrders++
	}
	refund, refunded := a.refund(o)
	channel, store := "store", strconv.Itoa(a.store)
	if o.web {
		channel, store = "web", ""
	}
	id := fmt.Sprintf("%s-%d", a.ID[1:], a.placed)
	row := func(invoice, customer, date, total string) []string {
		return []string{
			invoice, customer, date, total, money(o.discount), money(refund), refunded, channel, store,
			categories[o.category], o.product,
		}
	}
	a.w.row(a.w.orders, row("o"+id, a.ID, a.w.time(o.at), money(o.cents))...)
	a.convert("k"+id, o.at, kindOrder, o.cents)

	// Faults: an order as this one, of nobody, at no time, of no amount.
	refund, refunded = 0, ""
	d := &a.w.truth.Dirt
	if a.w.fault(anonymousOrderShare) {
		d.OrdersWithoutCustomer++
		a.w.orders.write(row("o"+id+"a", "", a.w.time(o.at+1), money(o.cents+1)))
	}
	if a.w.fault(timelessShare) {
		d.OrdersWithoutTime++
		a.w.orders.write(row("o"+id+"t", a.ID, "", money(o.cents)))
	}
	if a.w.fault(amountlessShare) {
		d.OrdersWithoutAmount++
		a.w.orders.write(row("o"+id+"n", a.ID, a.w.time(o.at), "NaN"))
	}
}

// refund returns how many cents of the order are given back and when: nothing, for most. What would be given back after
// AsOf has not happened yet.
func (a *actor) refund(o order) (cents int, when string) {
	full, partial, excess := a.w.fault(fullRefundShare), a.w.fault(partialRefundShare), a.w.fault(excessRefundShare)
	if !full && !partial && !excess {
		return 0, ""
	}
	after := moment(3600 + 12*daySeconds*a.w.dirt.ExpFloat64())
	if (o.at + after).day() >= a.w.o.Days {
		return 0, ""
	}
	d := &a.w.truth.Dirt
	switch {
	case excess:
		cents = o.cents * 3 / 2
		d.ExcessRefunds++
	case full:
		cents = o.cents
		d.FullRefunds++
	default:
		cents = max(1, o.cents/(2+a.w.dirt.IntN(3)))
		d.PartialRefunds++
	}
	if after >= lateRefund*daySeconds {
		d.LateRefunds++
	}
	return cents, a.w.time(o.at + after)
}
