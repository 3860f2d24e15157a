// Package demo writes the data of a small invented shop whose parameters are known, so that what the job finds can be
// held against what is true.
//
// People are of six types (see Types). Purchases follow the BG/NBD model and spend follows the Gamma-Gamma model over all
// buyers together; a buyer's type depends on the rate of purchase, and web visits, e-mail and conversions follow from the
// type and from the purchases: people look before they buy, and who is lost stops visiting. Marketing touches lie before
// purchases by known chances, and one of two experiments has an effect, on two of the types. With Options.Dirt the files
// also hold the faults that real exports have, each counted in Truth. Faults are rows added to those of the process, or
// marks on them; no purchase of the process is taken away, save that a purchase may be refunded.
//
// Each person has random streams of their own, one of them for marketing and experiments: the same options give the same
// bytes (on one processor architecture), the first people are the same whatever their number, and the purchases, touches and
// variants are the same with and without faults.
package demo

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// Options says which company is written. The zero value of a field other than Seed and Dirt means its default.
type Options struct {
	Customers int       // people, of all types; default 20,000
	Seed      uint64    // another seed gives another company
	AsOf      time.Time // the last day with data, in UTC; default 2026-10-31
	Days      int       // length of the history in days, AsOf included; 60 to 5,000, default 540
	Dirt      bool      // whether to add faults
}

func (o Options) withDefaults() (Options, error) {
	o.Customers = cmp.Or(o.Customers, 20_000)
	o.Days = cmp.Or(o.Days, 540)
	if o.AsOf.IsZero() {
		o.AsOf = time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC)
	}
	y, m, d := o.AsOf.Date()
	o.AsOf = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	if o.Customers < 0 || o.Customers > 9_999_999 {
		return o, fmt.Errorf("demo: %d customers; want 1 to 9,999,999", o.Customers)
	}
	if o.Days < 60 || o.Days > 5000 {
		return o, fmt.Errorf("demo: a history of %d days; want 60 to 5,000", o.Days)
	}
	return o, nil
}

// day returns the n-th day of the history; the first is 0.
func (o Options) day(n int) time.Time { return o.AsOf.AddDate(0, 0, n-o.Days+1) }

// A Process holds the parameters of the purchases of all buyers. Time is in weeks and money in units of the currency.
type Process struct {
	R, Alpha float64 // rates of purchase are Gamma(shape R, rate Alpha) over buyers
	A, B     float64 // chances to be lost after a repeat purchase are Beta(A, B) over buyers

	// The spend of a purchase is Gamma(shape P, rate v), and v is Gamma(shape Q, rate Gamma) over buyers.
	P, Q, Gamma float64
}

// The parameters are of the size that is usual in retail (compare CDNOW's in Fader, Hardie and Lee 2005), with Q above 2
// so that the variance of spend is finite.
var process = Process{R: 0.6, Alpha: 9, A: 0.8, B: 2.5, P: 5, Q: 4.5, Gamma: 28}

// Truth is what is known about a company that was written.
type Truth struct {
	Options     Options
	Process     Process
	Types       []TypeTruth    // in the order of Types
	Channels    []ChannelTruth // of marketing
	Experiments []ArmTruth     // by experiment, type and variant, the control first
	Rows        map[string]int // by file name, without the header, faults included
	Conversions map[string]int // by kind, without duplicates
	Dirt        Dirt
}

// A TypeTruth is what is known about the people of one type. Counts leave out the rows that are faults; people who
// object to profiling are in.
type TypeTruth struct {
	Type       Type
	Share      float64 // the chance of a person to be of the type
	People     int
	Alive      int // not lost by the end of AsOf; the lost are buyers who will not come back
	Purchases  int // purchase days, fully refunded ones included
	Visits     int // web sessions
	Clicks     int // on links in e-mails
	Buyers90   int // people with a conversion of kind order in the last 90 days
	Redeemed90 int // people with a conversion of kind newsletter_offer in the last 90 days
}

// Dirt counts the faults in the files, by reason.
type Dirt struct {
	// Rows written twice, in all columns alike.
	DuplicateCustomers, DuplicateOrders, DuplicateWebEvents, DuplicateEmailEvents, DuplicateConversions int

	// Rows without which the files would be right: nobody's, at no time, of no amount.
	OrdersWithoutCustomer, WebEventsWithoutCustomer, OrdersWithoutTime, OrdersWithoutAmount int

	// Orders given back in part, in full, and by more than was paid, up to AsOf; and how many of these after four weeks or more.
	PartialRefunds, FullRefunds, ExcessRefunds, LateRefunds int

	// Orders of the first second of a day.
	MidnightOrders int

	// People who object to profiling, and buyers whom the customers file does not know.
	OptedOut, UnknownToCRM int

	// Second records with an e-mail address that somebody has already, written in capitals.
	SharedEmails int

	// Rows written twice, touches of nobody, and people whom an experiment gave both variants.
	DuplicateTouchpoints, DuplicateAssignments, TouchpointsWithoutCustomer, InBothVariants int
}

//go:embed segments.yaml
var configuration []byte

// Write writes the company into the folder dir, which it makes where there is none: customers.csv, orders.csv,
// web_events.csv, email_events.csv, conversions.csv, touchpoints.csv, costs.csv, experiments.csv, and segments.yaml, a
// configuration that reads them. Files of these names are overwritten. Times are UTC. It holds no more in memory than one
// person, the costs by day and campaign, and the rows that will be written twice.
func Write(dir string, o Options) (Truth, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Truth{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Truth{}, fmt.Errorf("demo: %w", err)
	}
	w := &writer{
		o: o, dirt: rand.New(rand.NewPCG(scramble(o.Seed), math.MaxUint64)),
		dirtAside: rand.New(rand.NewPCG(scramble(o.Seed), math.MaxUint64-1)), spent: make(map[spending]int),
		truth: Truth{
			Options: o, Process: process, Rows: make(map[string]int), Conversions: make(map[string]int),
			Types: make([]TypeTruth, len(profiles)), Channels: make([]ChannelTruth, len(channels)), Experiments: arms(),
		},
	}
	for c := range channels {
		w.truth.Channels[c].Channel = channels[c].name
	}
	for t, p := range profiles {
		w.truth.Types[t].Type, w.truth.Types[t].Share = Type(t), p.share
	}
	err = w.open(dir)
	if err == nil {
		w.people()
		w.writeCosts()
	}
	if err = errors.Join(err, w.close()); err != nil {
		return Truth{}, fmt.Errorf("demo: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "segments.yaml"), configuration, 0o644); err != nil {
		return Truth{}, fmt.Errorf("demo: %w", err)
	}
	return w.truth, nil
}
