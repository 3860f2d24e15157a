package rfm

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A history is what a customer bought: the days, in any order and with repeats, and the money in all.
type history struct {
	days  []int
	money float64
}

// features computes the customer features that the transform reads, by their definitions and nothing else.
func features(asOf int, bands []int, people ...history) frame.Batch {
	n := len(people)
	recency, first := newValues[int64](n), newValues[arrow.Date32](n)
	band := [4]values[arrow.Date32]{}
	for k := range band {
		band[k] = newValues[arrow.Date32](n)
	}
	id, on, count, money := make([]string, n), make([]arrow.Date32, n), make([]int64, n), make([]float64, n)
	for i, h := range people {
		days := slices.Compact(slices.Sorted(slices.Values(h.days)))
		days = slices.DeleteFunc(days, func(d int) bool { return d > asOf })
		id[i], on[i], count[i], money[i] = strconv.Itoa(i), arrow.Date32(asOf), int64(len(days)), h.money
		if len(days) == 0 {
			continue
		}
		recency.set(i, int64(asOf-days[len(days)-1]))
		first.set(i, arrow.Date32(days[0]))
		for k, nth := range bands[1:] {
			if nth <= len(days) {
				band[k].set(i, arrow.Date32(days[len(days)-nth]))
			}
		}
	}
	return frame.Record(
		customer.ID.Array(id, nil), customer.AsOf.Array(on, nil),
		customer.DaysSinceLastOrder.Array(recency.vs, recency.ok), customer.FirstOrderOn.Array(first.vs, first.ok),
		customer.PurchaseDays.Array(count, nil), customer.MonetaryTotal.Array(money, nil),
		customer.Band2On.Array(band[0].vs, band[0].ok), customer.Band3On.Array(band[1].vs, band[1].ok),
		customer.Band4On.Array(band[2].vs, band[2].ok), customer.Band5On.Array(band[3].vs, band[3].ok),
	)
}

// crowd draws people of all kinds: some never bought, many bought once, some often, some long ago, some on one day.
func crowd(n, asOf int) []history {
	r := rand.New(rand.NewPCG(3, 4))
	people := make([]history, n)
	for i := range people {
		times := max(0, int(r.ExpFloat64()*3)-i%2)
		last := asOf - int(r.ExpFloat64()*200)
		if i%7 == 0 {
			last = asOf - 30
		}
		for range times {
			people[i].days = append(people[i].days, last)
			people[i].money += float64(r.IntN(20000)) / 100
			last -= int(r.ExpFloat64() * 60)
		}
		if i%50 == 0 {
			people[i].money = -people[i].money
		}
	}
	return people
}

func fit(t testing.TB, e transforms.Estimator, prev transforms.Model, b frame.Batch) *model {
	t.Helper()
	sig, err := e.Signature()
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Fit(context.Background(), frame.Of(frame.Select(b, sig.FitInputs...)), prev)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*model)
}

func apply(t testing.TB, m transforms.Model, b frame.Batch) frame.Batch {
	t.Helper()
	out, err := m.Apply(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// with returns the default estimator after change.
func with(change func(e *Estimator)) *Estimator {
	e := New().(*Estimator)
	change(e)
	return e
}

// cdnow reads the purchases of CDNOW's customers (see data/cdnow_master/SOURCE.txt), or skips the test.
func cdnow(t *testing.T) []history {
	t.Helper()
	dir := os.Getenv("SEGMENTS_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	f, err := os.Open(filepath.Join(dir, "cdnow_master", "CDNOW_master.txt"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("SEGMENTS_DATA: %v", err)
		}
		t.Skipf("NOT TESTED on real data: set SEGMENTS_DATA to the folder that has cdnow_master: %v", err)
	}
	defer f.Close()
	at := map[string]int{}
	var people []history
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 4 || fields[0] == "customer_id" {
			continue
		}
		on, err := time.Parse("20060102", fields[1])
		if err != nil {
			t.Fatal(err)
		}
		amount, err := strconv.ParseFloat(fields[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		i, ok := at[fields[0]]
		if !ok {
			i = len(people)
			at[fields[0]] = i
			people = append(people, history{})
		}
		people[i].days = append(people[i].days, int(on.Unix()/86400))
		people[i].money += amount
	}
	return people
}

// day returns a date as days since 1970-01-01.
func day(date string) int {
	on, err := time.Parse("2006-01-02", date)
	if err != nil {
		panic(err)
	}
	return int(on.Unix() / 86400)
}
