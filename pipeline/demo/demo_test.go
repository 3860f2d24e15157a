package demo

import (
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var files = []string{
	"customers.csv", "orders.csv", "web_events.csv", "email_events.csv", "conversions.csv", "touchpoints.csv", "costs.csv",
	"experiments.csv", "segments.yaml",
}

// A record is a row of a file by column name.
type record map[string]string

// eachRow calls do with every row of a file; the record is reused.
func eachRow(t *testing.T, path string, do func(record)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	header = slices.Clone(header)
	row := make(record, len(header))
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range header {
			row[name] = fields[i]
		}
		do(row)
	}
}

func parseTime(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.DateTime, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func write(t *testing.T, o Options) (dir string, truth Truth) {
	t.Helper()
	dir = t.TempDir()
	truth, err := Write(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, truth
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSameOptionsSameBytes(t *testing.T) {
	o := Options{Customers: 1500, Seed: 3, Dirt: true}
	once, truth := write(t, o)
	again, same := write(t, o)
	if truth.Dirt != same.Dirt || !slices.Equal(truth.Types, same.Types) {
		t.Errorf("the truth differs:\n%+v\n%+v", truth, same)
	}
	o.Seed = 4
	other, _ := write(t, o)
	for _, name := range files {
		if !bytes.Equal(read(t, once, name), read(t, again, name)) {
			t.Errorf("%s differs between two runs with the same options", name)
		}
		if name != "segments.yaml" && bytes.Equal(read(t, once, name), read(t, other, name)) {
			t.Errorf("%s is the same for another seed", name)
		}
	}
}

func TestMorePeopleAreMoreRows(t *testing.T) {
	few, _ := write(t, Options{Customers: 500, Seed: 9})
	many, _ := write(t, Options{Customers: 900, Seed: 9})
	for _, name := range files {
		if name == "costs.csv" { // the costs of a day are those of everybody
			continue
		}
		if a, b := read(t, few, name), read(t, many, name); !bytes.HasPrefix(b, a) {
			t.Errorf("%s of 500 people is not the beginning of that of 900", name)
		}
	}
}

// A file with faults has every order of the file without, at the same day and amount.
func TestFaultsTakeNothingAway(t *testing.T) {
	orders := func(dirt bool) map[string]bool {
		dir, _ := write(t, Options{Customers: 4000, Seed: 5, Dirt: dirt})
		set := map[string]bool{}
		eachRow(t, filepath.Join(dir, "orders.csv"), func(r record) {
			day, _, _ := strings.Cut(r["date"], " ")
			set[strings.Join([]string{r["invoice"], r["customer"], day, r["total"], r["channel"], r["product"]}, "|")] = true
		})
		return set
	}
	clean, dirty := orders(false), orders(true)
	if len(clean) < 4000 || len(dirty) <= len(clean) {
		t.Fatalf("%d orders without faults, %d with", len(clean), len(dirty))
	}
	for o := range clean {
		if !dirty[o] {
			t.Fatalf("order %s is missing from the file with faults", o)
		}
	}
}

func TestPeopleAreThoseOfTheFiles(t *testing.T) {
	o := Options{Customers: 3000, Seed: 6, Dirt: true}
	dir, truth := write(t, o)
	inCRM, optedOut := map[string]bool{}, map[string]bool{}
	eachRow(t, filepath.Join(dir, "customers.csv"), func(r record) {
		inCRM[r["id"]] = true
		optedOut[r["id"]] = r["opted_in"] == "false"
	})
	first := map[string]string{}
	eachRow(t, filepath.Join(dir, "orders.csv"), func(r record) {
		day, _, _ := strings.Cut(r["date"], " ")
		if f, ok := first[r["customer"]]; day != "" && (!ok || day < f) {
			first[r["customer"]] = day
		}
	})
	types := make([]TypeTruth, len(Types()))
	n := 0
	for p := range People(o) {
		n++
		types[p.Type].People++
		if p.Alive {
			types[p.Type].Alive++
		}
		if inCRM[p.ID] != p.InCRM || optedOut[p.ID] != p.OptedOut {
			t.Fatalf("the customers file disagrees about %+v", p)
		}
		if buys := p.Type <= StoreRegular; buys != (p.Rate > 0) || buys && first[p.ID] != p.First.Format(time.DateOnly) {
			t.Fatalf("the first order is of %q, the person %+v", first[p.ID], p)
		}
	}
	if n != o.Customers {
		t.Errorf("%d people, want %d", n, o.Customers)
	}
	for i, want := range truth.Types {
		if types[i].People != want.People || types[i].Alive != want.Alive {
			t.Errorf("%s: %d people, %d alive; the truth says %d, %d", want.Type, types[i].People, types[i].Alive, want.People, want.Alive)
		}
	}
}

func TestEverythingHappensInTheHistory(t *testing.T) {
	o := Options{Customers: 1500, Seed: 2, Dirt: true, AsOf: time.Date(2024, 3, 1, 17, 0, 0, 0, time.UTC), Days: 60}
	dir, truth := write(t, o)
	from, to := "2024-01-02", "2024-03-01 23:59:59"
	for file, columns := range map[string][]string{
		"customers.csv": {"created"}, "orders.csv": {"date", "refunded"}, "web_events.csv": {"ts"}, "email_events.csv": {"ts"},
		"conversions.csv": {"ts"}, "touchpoints.csv": {"ts"}, "costs.csv": {"day"},
	} {
		rows, first, last := 0, "9", ""
		eachRow(t, filepath.Join(dir, file), func(r record) {
			rows++
			for _, c := range columns {
				if r[c] != "" {
					first, last = min(first, r[c]), max(last, r[c])
				}
			}
		})
		if first < from || last > to || last < "2024-02" {
			t.Errorf("%s runs from %s to %s, want %s to %s", file, first, last, from, to)
		}
		if rows != truth.Rows[file] {
			t.Errorf("%s has %d rows, the truth says %d", file, rows, truth.Rows[file])
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Customers: -1}, "demo: -1 customers; want 1 to 9,999,999"},
		{Options{Days: 59}, "demo: a history of 59 days; want 60 to 5,000"},
	} {
		dir := filepath.Join(t.TempDir(), "new")
		if _, err := Write(dir, c.o); err == nil || err.Error() != c.want {
			t.Errorf("got error %v, want %s", err, c.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("the folder was made all the same")
		}
		for range People(c.o) {
			t.Error("People gives somebody")
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(file, Options{Customers: 1}); err == nil {
		t.Error("writing into a file instead of a folder gives no error")
	}
}

// Weekday habits move purchases within the week only.
func TestCalendarKeepsWholeWeeks(t *testing.T) {
	o, err := Options{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := draw(o, rapid.IntRange(0, 500).Draw(t, "person"))
		from := rapid.IntRange(0, 400).Draw(t, "from")
		weeks := rapid.IntRange(0, 50).Draw(t, "weeks")
		part := rapid.Float64Range(0, 6.999).Draw(t, "part of a week")
		if got := p.calendar(o, from, float64(7*weeks)); got != from+7*weeks {
			t.Fatalf("after %d weeks: day %d, want %d", weeks, got, from+7*weeks)
		}
		got := p.calendar(o, from, float64(7*weeks)+part)
		if got < from+7*weeks || got > from+7*weeks+6 {
			t.Fatalf("day %d is not in week %d after day %d", got, weeks, from)
		}
	})
}
