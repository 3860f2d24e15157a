package behavior

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// TestCDNOW runs the life cycle on the 23,570 customers of CDNOW as of 1997-09-30 and counts who bought in the 90 days
// that followed. The counts were computed from the same file by a script of another language; there is no first_time_buyer,
// since everybody's first purchase lies in the first quarter.
func TestCDNOW(t *testing.T) {
	asOf := arrow.Date32FromTime(time.Date(1997, 9, 30, 0, 0, 0, 0, time.UTC))
	rows, later := cdnow(t, asOf, 90)
	m := fit(t, New().(*Estimator), nil, batch(rows...))

	// 0.9 quantile of 9,451 intervals; 0.8 quantile of 23,570 revenues.
	if l, h := m.InForce.Lapse, m.InForce.HighValue; l.Value != 152 || l.Buyers != 9451 || h.Value != 93.96 || h.Buyers != 23570 {
		t.Errorf("learned %+v", m.InForce)
	}
	// Nine months of history are short for a threshold of five.
	if w := m.Report().Warnings; len(w) != 1 || !strings.HasPrefix(w[0], "lapse_days is 152, learned from only 272 days") {
		t.Errorf("warnings %q", w)
	}
	type count struct{ customers, bought int }
	got := map[string]count{}
	for i, l := range apply(t, m, rows...) {
		c := got[l.lifeCycle]
		c.customers++
		if later[i] {
			c.bought++
		}
		got[l.lifeCycle] = c
	}
	want := map[string]count{repeatCustomer: {5213, 2196}, lapsed: {16215, 1420}, highValueLapsed: {2142, 561}}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// cdnow returns the customers of CDNOW as of a day, and whether each bought in the days that followed.
func cdnow(t *testing.T, asOf arrow.Date32, horizon int) ([]row, []bool) {
	t.Helper()
	dir := cmp.Or(os.Getenv("SEGMENTS_DATA"), filepath.Join("..", "..", "..", "shared", "data"))
	text, err := os.ReadFile(filepath.Join(dir, "cdnow_master", "CDNOW_master.txt"))
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("SEGMENTS_DATA has no CDNOW: %v", err)
	}
	if err != nil {
		t.Skipf("SKIPPED, NOTHING CHECKED ON REAL DATA: set SEGMENTS_DATA to the folder of the data sets: %v", err)
	}
	days, cents, later := map[string][]int64{}, map[string]int64{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		day, err := time.Parse("20060102", f[1])
		if err != nil {
			continue // the header
		}
		amount, err := strconv.ParseInt(strings.Replace(f[3], ".", "", 1), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		switch d := arrow.Date32FromTime(day); {
		case d <= asOf:
			days[f[0]] = append(days[f[0]], int64(d))
			cents[f[0]] += amount
		case d <= asOf+arrow.Date32(horizon):
			later[f[0]] = true
		}
	}
	var rows []row
	var bought []bool
	for _, id := range slices.Sorted(maps.Keys(days)) {
		ds := slices.Compact(slices.Sorted(slices.Values(days[id])))
		first, last := ds[0], ds[len(ds)-1]
		r := buyer(int64(len(ds)), int64(asOf)-last, 0, float64(cents[id])/100)
		r.asOf, r.tx, r.age = asOf, last-first, int64(asOf)-first
		if len(ds) > 2 {
			gaps := make([]int64, len(ds)-1)
			for i := range gaps {
				gaps[i] = ds[i+1] - ds[i]
			}
			r.hasInterval, r.interval = true, median(gaps)
		}
		rows, bought = append(rows, r), append(bought, later[id])
	}
	return rows, bought
}
