package demo

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// A table is one of the files: rows, and at its end once more those that are there twice.
type table struct {
	name   string
	header []string
	twice  *int // how many are there twice
	file   *os.File
	csv    *csv.Writer
	again  [][]string
	rows   int
}

// A writer writes the files and counts what is in them.
type writer struct {
	o     Options
	truth Truth
	dirt  *rand.Rand       // chooses the faults; the people have streams of their own
	spent map[spending]int // cents

	// dirtAside chooses the faults of the rows that marketing and experiments make.
	dirtAside *rand.Rand

	customers, orders, web, email, conversions *table
	touchpoints, costs, experiments            *table
	all                                        []*table
}

// open makes the files.
func (w *writer) open(dir string) error {
	d := &w.truth.Dirt
	w.customers = &table{
		name: "customers.csv", twice: &d.DuplicateCustomers,
		header: []string{"id", "email", "created", "country", "born", "gender", "source", "opted_in", "newsletter"},
	}
	w.orders = &table{
		name: "orders.csv", twice: &d.DuplicateOrders,
		header: []string{
			"invoice", "customer", "date", "total", "discount", "refund", "refunded", "channel", "store", "category", "product",
		},
	}
	w.web = &table{
		name: "web_events.csv", twice: &d.DuplicateWebEvents,
		header: []string{"user_id", "ts", "name", "session", "product", "device", "page", "channel"},
	}
	w.email = &table{
		name: "email_events.csv", twice: &d.DuplicateEmailEvents,
		header: []string{"user_id", "ts", "kind", "campaign"},
	}
	w.conversions = &table{
		name: "conversions.csv", twice: &d.DuplicateConversions,
		header: []string{"id", "user", "ts", "kind", "value"},
	}
	w.touchpoints = &table{
		name: "touchpoints.csv", twice: &d.DuplicateTouchpoints,
		header: []string{"customer", "ts", "channel", "campaign"},
	}
	w.costs = &table{name: "costs.csv", header: []string{"day", "channel", "campaign", "amount"}}
	w.experiments = &table{
		name: "experiments.csv", twice: &d.DuplicateAssignments,
		header: []string{"experiment", "variant", "customer", "assigned"},
	}
	for _, t := range []*table{w.customers, w.orders, w.web, w.email, w.conversions, w.touchpoints, w.costs, w.experiments} {
		f, err := os.Create(filepath.Join(dir, t.name))
		if err != nil {
			return err
		}
		t.file, t.csv = f, csv.NewWriter(f)
		w.all = append(w.all, t)
		t.csv.Write(t.header) // csv.Writer keeps its first error until close asks for it
	}
	return nil
}

// row writes a row of the process, which may be written again at the end of the file.
func (w *writer) row(t *table, fields ...string) { t.writeTwice(fields, w.fault(duplicateShare)) }

// rowAside is row for what marketing and experiments make.
func (w *writer) rowAside(t *table, fields ...string) {
	t.writeTwice(fields, w.faultAside(duplicateShare))
}

func (t *table) writeTwice(fields []string, again bool) {
	t.write(fields)
	if again {
		*t.twice++
		t.again = append(t.again, fields)
	}
}

func (t *table) write(fields []string) {
	t.rows++
	t.csv.Write(fields)
}

// close writes the duplicates, counts the rows and closes the files that were opened.
func (w *writer) close() error {
	var errs []error
	for _, t := range w.all {
		for _, fields := range t.again {
			t.write(fields)
		}
		t.csv.Flush()
		errs = append(errs, t.csv.Error(), t.file.Close())
		w.truth.Rows[t.name] = t.rows
	}
	return errors.Join(errs...)
}

// fault says whether a fault of the given share happens here.
func (w *writer) fault(share float64) bool { return w.o.Dirt && w.dirt.Float64() < share }

// faultAside is fault for what marketing and experiments make.
func (w *writer) faultAside(share float64) bool { return w.o.Dirt && w.dirtAside.Float64() < share }

// A moment is a time in seconds since the start of the history.
type moment int

const daySeconds = 24 * 3600

func at(day, second int) moment { return moment(day*daySeconds + second) }

func (m moment) day() int { return int(m) / daySeconds }

// time writes m as the files have it.
func (w *writer) time(m moment) string {
	return w.o.day(0).Add(time.Duration(m) * time.Second).Format(time.DateTime)
}

// money writes cents in units of the currency.
func money(cents int) string {
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}
