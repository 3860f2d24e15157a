package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"segments/pipeline/demo"
)

// TestMain makes this test binary play the command where it is called segments: scripts and tests of several processes
// run that.
func TestMain(m *testing.M) {
	testscript.Main(withCompanies{m}, map[string]func(){"segments": mainAtAnyTime})
}

// companies is the folder of the companies that the tests only read; see company.
var companies string

type withCompanies struct{ *testing.M }

func (m withCompanies) Run() int {
	dir, err := os.MkdirTemp("", "companies")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is in the folder of temporary files
	companies = dir
	return m.M.Run()
}

// The last day that has data, and the day on which the tests believe to be.
var (
	lastDay = time.Date(2025, time.June, 30, 0, 0, 0, 0, time.UTC)
	today   = lastDay.AddDate(0, 0, 40)
)

var written sync.Map // demo.Options to func() (written, error)

// company writes the company of o once, as Parquet files, which are read faster than CSV. Its last day is lastDay.
func company(t testing.TB, o demo.Options) (dir string, truth demo.Truth) {
	t.Helper()
	o.AsOf = lastDay
	dir = filepath.Join(companies, fmt.Sprintf("%d-%d-%d-%t", o.Customers, o.Seed, o.Days, o.Dirt))
	once, _ := written.LoadOrStore(o, sync.OnceValues(func() (demo.Truth, error) {
		truth, err := demo.Write(dir, o)
		if err != nil {
			return truth, err
		}
		return truth, toParquet(dir)
	}))
	truth, err := once.(func() (demo.Truth, error))()
	check(t, err)
	return dir, truth
}

func toParquet(dir string) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // it is in memory
	files, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	for _, csv := range files {
		if _, err := db.Exec(fmt.Sprintf("COPY (SELECT * FROM read_csv('%s')) TO '%s.parquet'", csv, strings.TrimSuffix(csv, ".csv"))); err != nil {
			return err
		}
	}
	return err
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A shop is a folder with a configuration and the file that it publishes to.
type shop struct {
	testing.TB
	dir string
	now time.Time
}

// quick makes runs quick: one backtest, a given number of clusters.
const quick = `
transforms: {cluster: {k: 4}}
validation: {origins: 1}
`

// ordersOnly reads a file of orders beside it.
const ordersOnly = `name: shop
warehouse: {duckdb: {path: shop.duckdb, threads: 1}}
sources:
  orders:
    from: orders.parquet
    columns: {order_id: invoice, customer_id: customer, ordered_at: date, amount: total}
` + quick

// newShop makes a shop that reads the company in the folder data. more is added to its configuration.
func newShop(t testing.TB, data, more string) shop {
	t.Helper()
	s := shop{t, t.TempDir(), today}
	yaml, err := os.ReadFile(filepath.Join(data, "segments.yaml"))
	check(t, err)
	for _, name := range []string{"customers", "orders", "web_events", "email_events", "conversions", "touchpoints", "costs", "experiments"} {
		yaml = bytes.ReplaceAll(yaml, []byte("from: "+name+".csv"), []byte("from: "+filepath.Join(data, name+".parquet")))
	}
	yaml = bytes.ReplaceAll(yaml, []byte("path: shop.duckdb"), []byte("path: shop.duckdb, threads: 1")) // which takes least in all
	check(t, os.WriteFile(s.config(), append(yaml, more...), 0o644))
	return s
}

// edit replaces text in the configuration.
func (s shop) edit(oldnew ...string) {
	s.Helper()
	yaml, err := os.ReadFile(s.config())
	check(s, err)
	for i := 0; i < len(oldnew); i += 2 {
		if !bytes.Contains(yaml, []byte(oldnew[i])) {
			s.Fatalf("the configuration has no %q", oldnew[i])
		}
	}
	edited := strings.NewReplacer(oldnew...).Replace(string(yaml))
	check(s, os.WriteFile(s.config(), []byte(edited), 0o644))
}

func (s shop) config() string { return filepath.Join(s.dir, "segments.yaml") }
func (s shop) file() string   { return filepath.Join(s.dir, "shop.duckdb") }

// segments runs the command in this process and wants the exit code; it returns both streams.
func (s shop) segments(code int, args ...string) (stdout, stderr string) {
	s.Helper()
	var out, err strings.Builder
	a := &app{out: &out, err: &err, now: func() time.Time { return s.now }}
	if got := a.main(context.Background(), append(args, "-c", s.config())); got != code {
		s.Fatalf("segments %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), withoutLog(err.String()))
	}
	return out.String(), withoutLog(err.String())
}

// publish runs the job for a day that is so many days before lastDay.
func (s shop) publish(daysBefore int, args ...string) (stderr string) {
	s.Helper()
	_, stderr = s.segments(exitOK, append([]string{"run", "--as-of", day(daysBefore)}, args...)...)
	return stderr
}

// day is the day so many days before lastDay.
func day(daysBefore int) string { return lastDay.AddDate(0, 0, -daysBefore).Format(time.DateOnly) }

// withoutLog is s without the JSON lines.
func withoutLog(s string) string {
	lines := slices.DeleteFunc(strings.SplitAfter(s, "\n"), func(l string) bool { return strings.HasPrefix(l, "{") })
	return strings.Join(lines, "")
}

// rows returns the rows of a query on the published file, a line each, their values with spaces between.
func (s shop) rows(query string) []string {
	s.Helper()
	out, err := queryFile(s.file(), query)
	check(s, err)
	return out
}

// row is rows of a query that gives one.
func (s shop) row(query string) string {
	s.Helper()
	rows := s.rows(query)
	if len(rows) != 1 {
		s.Fatalf("%d rows, want 1: %s", len(rows), query)
	}
	return rows[0]
}

func queryFile(file, query string) (lines []string, err error) {
	db, err := sql.Open("duckdb", file+"?access_mode=READ_ONLY")
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it was only read
	return queryDB(db, query)
}

func queryDB(db *sql.DB, query string) (lines []string, err error) {
	rows, err := db.Query("SELECT coalesce(CAST(COLUMNS(*) AS VARCHAR), 'NULL') FROM (" + query + ")")
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err says it
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row, to := make([]string, len(names)), make([]any, len(names))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		lines = append(lines, strings.Join(row, " "))
	}
	return lines, rows.Err()
}

// An image stands for every row of the tables and views of a published file, by name; the order of rows does not matter.
type image map[string]string

// The ledger and what goes with it say when a run was and how: they differ where nothing else does.
var ledger = []string{"run_events", "runs", "run_checks", "run_rejects"}

// image reads the whole published file.
func (s shop) image() image {
	s.Helper()
	m, err := imageOf(s.file(), "TRUE")
	check(s, err)
	return m
}

// imageOf reads the tables whose names fulfill where, but for the ledger, in one transaction.
func imageOf(file, where string) (image, error) {
	db, err := sql.Open("duckdb", file+"?access_mode=READ_ONLY")
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it was only read
	names, err := queryDB(db, "SELECT table_name FROM information_schema.tables WHERE "+where)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(ledger, n) })
	var parts []string
	for _, n := range names {
		rows := n
		if n == "segment_history" { // the others say what the inputs were, and when it was
			rows = "(SELECT * EXCLUDE (run_id, known_from) FROM segment_history)"
		}
		parts = append(parts, fmt.Sprintf("SELECT '%s', count(*), md5(coalesce(string_agg(r, chr(10) ORDER BY r), '')) FROM (SELECT CAST(t AS VARCHAR) AS r FROM %s AS t)", n, rows))
	}
	if parts == nil {
		return image{}, nil
	}
	lines, err := queryDB(db, strings.Join(parts, " UNION ALL "))
	m := image{}
	for _, l := range lines {
		name, rest, _ := strings.Cut(l, " ")
		m[name] = rest
	}
	return m, err
}

// same fails where two images differ, naming the tables.
func same(t testing.TB, what string, got, want image) {
	t.Helper()
	if len(want) < 10 {
		t.Errorf("%s: only %d tables to compare", what, len(want))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s: %s: rows and digest %s, want %s", what, name, got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: there is a table %s", what, name)
		}
	}
}

// says fails where text lacks one of the parts.
func says(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not said in\n%s", p, text)
		}
	}
}
