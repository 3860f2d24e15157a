package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"

	"segments/pipeline/demo"
	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/emulator"
	"segments/transforms/frame"
)

const schemas = "../../examples/bigquery/schema"

// noBacktest makes runs quicker still: the backtest's only origin lies before all data.
const noBacktest = `
transforms: {cluster: {k: 4}}
validation: {origins: 1, horizon: 3000d}
`

// A place is the three data sets of a test, on the emulator or in a real project.
type place struct {
	testing.TB
	emulator.Shop
	client            *bq.Client
	project, location string
	poll              time.Duration // between two looks of a reader
}

// emulate starts the emulator and makes the program talk to it, in this process and in its children. It is the
// environment that names it: for the whole binary, so that tests can be parallel.
func emulate(t testing.TB) *emulator.Server {
	t.Helper()
	server := emulator.Start(t)
	named.Do(func() {
		for variable, host := range map[string]string{"BIGQUERY_EMULATOR_HOST": server.REST, "BIGQUERY_STORAGE_EMULATOR_HOST": server.Storage} {
			if err := os.Setenv(variable, host); err != nil { //nolint:usetesting // it is for all tests
				panic(err)
			}
		}
	})
	return server
}

var named sync.Once

// onEmulator makes data sets for a test on the emulator.
func onEmulator(t testing.TB) place {
	t.Helper()
	if testing.Short() {
		t.Skip("minutes on the emulator, which -short leaves out")
	}
	server := emulate(t)
	p := place{TB: t, project: "example-project", location: "EU", poll: 2 * time.Second} // a look takes the emulator one
	p.Source, p.Results, p.Staging = datasets("t" + strings.ToLower(rand.Text()[:10]))
	var err error
	p.client, err = server.Client(context.Background(), p.project)
	check(t, err)
	t.Cleanup(func() { _ = p.client.Close() })
	check(t, p.Make(t.Context(), p.client, p.location))
	return p
}

func datasets(prefix string) (source, output, staging string) {
	return prefix + "_shop", prefix + "_out", prefix + "_staging"
}

// fill loads the company in the folder dir.
func (p place) fill(dir string) {
	p.Helper()
	check(p, p.Load(p.Context(), p.client, dir, schemas))
}

// fillOrders loads the orders of the company of o, and nothing else.
func (p place) fillOrders(o demo.Options) {
	p.Helper()
	dir, _ := company(p, o)
	schema, err := os.ReadFile(filepath.Join(schemas, "orders.json"))
	check(p, err)
	only := p.TempDir()
	check(p, os.WriteFile(filepath.Join(only, "orders.json"), schema, 0o644))
	check(p, p.Load(p.Context(), p.client, dir, only))
}

// exec runs statements. They may name the data sets SOURCE, OUT and STAGING.
func (p place) exec(statements string) { p.Helper(); p.rows(statements) }

// rows returns the rows of a query, a line each, their values with spaces between.
func (p place) rows(query string) []string {
	p.Helper()
	lines, err := p.try(query)
	if err != nil {
		p.Fatalf("%v\n%s", err, query)
	}
	return lines
}

func (p place) try(query string) (lines []string, err error) {
	query = strings.NewReplacer("SOURCE.", p.Source+".", "OUT.", p.Results+".", "STAGING.", p.Staging+".").Replace(query)
	q := p.client.Query(query)
	q.Location, q.DisableQueryCache = p.location, true
	rows, err := q.Read(context.Background())
	if err != nil {
		return nil, err
	}
	for {
		var row []bq.Value
		err := rows.Next(&row)
		if errors.Is(err, iterator.Done) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, strings.TrimSuffix(fmt.Sprintln(toAny(row)...), "\n"))
	}
}

func toAny(row []bq.Value) []any {
	out := make([]any, len(row))
	for i, v := range row {
		out[i] = v
	}
	return out
}

// example is the shipped example on the data sets of p. more is added to its configuration.
func (p place) example(more string) shop {
	p.Helper()
	yaml, err := os.ReadFile("../../examples/bigquery/segments.yaml")
	check(p, err)
	text := string(yaml)
	for _, replaced := range [][2]string{
		{"project: example-project", "project: " + p.project},
		{"location: EU", "location: " + p.location},
		{"dataset: segments ", "dataset: " + p.Results + " "},
		{"staging_dataset: segments_staging", "staging_dataset: " + p.Staging},
		{"from: shop.", "from: " + p.Source + "."},
	} {
		if !strings.Contains(text, replaced[0]) {
			p.Fatalf("the example has no %q", replaced[0])
		}
		text = strings.ReplaceAll(text, replaced[0], replaced[1])
	}
	return p.configured(text + "\n" + more)
}

// orders is a shop that reads the orders of p's company, without a backtest.
func (p place) orders(more string) shop {
	p.Helper()
	return p.configured(fmt.Sprintf(`name: shop
warehouse: {bigquery: {project: %s, location: %s, dataset: %s, staging_dataset: %s}}
sources:
  orders:
    from: %s.orders
    columns: {order_id: invoice, customer_id: customer, ordered_at: date, amount: total}
%s`, p.project, p.location, p.Results, p.Staging, p.Source, more))
}

func (p place) configured(yaml string) shop {
	p.Helper()
	s := shop{p.TB, p.TempDir(), today}
	check(p, os.WriteFile(s.config(), []byte(yaml), 0o644))
	return s
}

// jobs lists the steps of the jobs for p's output data set that were made since then, dry runs left out. The emulator
// keeps only jobs that have run.
func (p place) jobs(since time.Time) (steps []string) {
	p.Helper()
	p.eachJob(since, func(step string, _ *bq.Job) { steps = append(steps, step) })
	return steps
}

func (p place) eachJob(since time.Time, f func(step string, job *bq.Job)) {
	p.Helper()
	jobs := p.client.Jobs(p.Context())
	jobs.MinCreationTime = since
	for {
		job, err := jobs.Next()
		if errors.Is(err, iterator.Done) {
			return
		}
		check(p, err)
		config, err := job.Config()
		check(p, err)
		var labels map[string]string
		switch config := config.(type) {
		case *bq.QueryConfig:
			if labels = config.Labels; config.DryRun {
				continue
			}
		case *bq.LoadConfig:
			labels = config.Labels
		}
		if labels["dataset"] == strings.ToLower(p.Results) {
			f(labels["step"], job)
		}
	}
}

// staged lists the tables in the staging data set, but for the lease.
func (p place) staged() []string {
	p.Helper()
	tables := p.client.Dataset(p.Staging).Tables(p.Context())
	var names []string
	for {
		t, err := tables.Next()
		if errors.Is(err, iterator.Done) {
			return names
		}
		check(p, err)
		if !strings.HasSuffix(t.TableID, "_claim") {
			names = append(names, t.TableID)
		}
	}
}

// published returns what the warehouse of s has published: the rows of each table as text, sorted, without the columns
// that name runs.
func published(t testing.TB, s shop) map[string][]string {
	t.Helper()
	a := &app{out: io.Discard, err: io.Discard, now: func() time.Time { return s.now }, configFile: s.config()}
	j, _, err := a.open(t.Context(), true)
	check(t, err)
	defer j.Warehouse.Close()
	tables, err := declared()
	check(t, err)
	out := map[string][]string{}
	for _, table := range tables {
		if table.Name == warehouse.Runs.Name {
			continue
		}
		ref, ok, err := j.Warehouse.Published(t.Context(), table)
		check(t, err)
		if !ok {
			continue
		}
		cols := slices.DeleteFunc(slices.Clone(table.Columns), func(c frame.Column) bool { return c.Name == "run_id" || c.Name == "known_from" })
		lines := []string{}
		for b, err := range j.Warehouse.Scan(t.Context(), ref, cols...) {
			check(t, err)
			for i := range int(b.NumRows()) {
				values := make([]string, len(cols))
				for k := range cols {
					values[k] = cols[k].Name + "=" + b.Column(k).ValueStr(i)
				}
				lines = append(lines, strings.Join(values, " "))
			}
		}
		slices.Sort(lines)
		out[table.Name] = lines
	}
	return out
}

// alike fails where two warehouses have published different rows.
func alike(t testing.TB, got, want map[string][]string) {
	t.Helper()
	if len(want) < 15 {
		t.Errorf("only %d tables to compare", len(want))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		w, g := want[name], got[name]
		if len(w) != len(g) {
			t.Errorf("%s: BigQuery has %d rows, DuckDB %d", name, len(g), len(w))
			continue
		}
		differ := 0
		for i := range w {
			if w[i] == g[i] {
				continue
			}
			if differ++; differ <= 2 {
				t.Errorf("%s: BigQuery and DuckDB differ:\n%s\n%s", name, g[i], w[i])
			}
		}
		if differ > 2 {
			t.Errorf("%s: %d of %d rows differ", name, differ, len(w))
		}
	}
}

var foreseen = regexp.MustCompile(`in about (\d+) reads of tables`)

// readsPlanned is how many reads of tables plan says that a run makes.
func readsPlanned(t testing.TB, plan string) int {
	t.Helper()
	m := foreseen.FindStringSubmatch(plan)
	if m == nil {
		t.Fatalf("plan foresees no reads:\n%s", plan)
	}
	n, err := strconv.Atoi(m[1])
	check(t, err)
	return n
}

// reads counts the tables that the queries since a time have read, anew for each query.
func (p place) reads(since time.Time) (n int) {
	p.Helper()
	p.eachJob(since, func(_ string, job *bq.Job) {
		if q, ok := job.LastStatus().Statistics.Details.(*bq.QueryStatistics); ok {
			n += len(q.ReferencedTables)
		}
	})
	return n
}

// The whole job on the emulator; TestRealBigQuery does the same in a real project.
func TestBigQuery(t *testing.T) {
	t.Parallel()
	p := onEmulator(t)
	dir, _ := company(t, demo.Options{Customers: 800, Dirt: true})
	p.wholeJob(dir, quick)
}

// wholeJob runs the example on the company in dir, twice: with a second process that wants the same slot, on sources that
// change after they were pinned, and under the eyes of a reader. What is published is what DuckDB publishes, row by row.
// more is added to the configuration.
func (p place) wholeJob(dir, more string) {
	t := p.TB
	p.fill(dir)
	s := p.example(more)
	_, stderr := s.segments(exitOK, "check")
	says(t, stderr, "8 sources")
	out, _ := s.segments(exitOK, "plan", "--as-of", day(1), "-o", "csv")
	says(t, out, "source,customers,", "table,customer_segments,", "would be made", "cost,bytes,")
	planned := readsPlanned(t, out)

	began := time.Now()
	first := s.child("run", "--as-of", day(1))
	first.reaches("stage customers")
	first.signal(syscall.SIGSTOP)
	says(t, s.child("run", "--as-of", day(1)).exits(exitTemporary), "another run is at work", "run "+day(1)+"-", "try again")
	p.exec("DELETE FROM SOURCE.orders WHERE TRUE") // the run reads what was there when it began
	first.signal(syscall.SIGCONT)
	stderr = first.exits(exitOK)
	says(t, stderr, "✓ published "+day(1), "billed")
	t.Log(stderr)
	embedded := newShop(t, dir, more)
	embedded.publish(1)
	if n := p.reads(began); n > planned || 3*n < planned {
		t.Errorf("plan foresaw %d reads of tables, and the run made %d: see otherReads and originReads in pipeline/cost.go", planned, n)
	}
	alike(t, published(t, s), published(t, embedded))
	if left := p.staged(); left != nil {
		t.Errorf("left in staging: %v", left)
	}

	p.fill(dir)
	before, err := p.current()
	check(t, err)
	r := p.read(viewsOf(before))
	var second *child
	first, second = s.child("run", "--as-of", day(0)), s.child("run", "--as-of", day(0)) // at the same time
	<-first.ended
	<-second.ended
	if !strings.Contains(first.err.String(), "✓ published ") {
		first, second = second, first
	}
	stderr = first.exits(exitOK)
	says(t, stderr, "✓ published "+day(0))
	if code := second.ProcessState.ExitCode(); code != exitTemporary && code != exitOK {
		t.Errorf("the other of two runs at the same time ended with %d:\n%s", code, withoutLog(second.err.String()))
	}
	if got := p.rows("SELECT count(*) FROM OUT.run_events WHERE state = 'PUBLISHED' AND as_of = '" + day(0) + "'"); got[0] != "1" {
		t.Errorf("the day is in the ledger %s times", got[0])
	}
	t.Log(stderr)
	after, err := p.current()
	check(t, err)
	r.saw(t, before, after)
	embedded.publish(0)
	alike(t, published(t, s), published(t, embedded))

	customer := p.rows("SELECT min(customer_id) FROM OUT.customer_segments_current")[0]
	for _, args := range [][]string{
		{"status"}, {"runs"}, {"show"}, {"explain", "segment", "Champions"}, {"explain", "customer", customer}, {"plan", "--as-of", day(0)},
	} {
		out, _ := s.segments(exitOK, append(args, "-o", "json")...)
		want, _ := embedded.segments(exitOK, append(args, "-o", "json")...)
		if args[0] == "explain" && out != want {
			t.Errorf("%v: BigQuery says\n%s\nDuckDB\n%s", args, out, want)
		}
		if len(out) < len(want)/2 {
			t.Errorf("%v: says only\n%s", args, out)
		}
	}
}
