package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"segments/pipeline/demo"
)

// A sandbox is a folder in which the commands of a document are run, and what a reader would have there.
type sandbox struct {
	*testing.T
	dir     string
	now     time.Time                // what the program takes for the time
	replace []string                 // what stands in the document, and what a reader would type instead
	ask     func(query string) error // asks what the document's queries are asked of
}

// sandboxes say for each document with commands where they are run. A document that is not here may have none.
var sandboxes = map[string]func(s *sandbox){
	"README.md": func(s *sandbox) {
		s.published("demo-company")
		s.asks("demo-company/shop.duckdb")
		s.orders("orders.csv")
		s.write("more.yaml", quick+"schedule: \"0 3 * * *\"\n")
		s.replace = []string{"segments check   ", "cat more.yaml >> segments.yaml; segments check   "}
	},
	"docs/activation.md":  func(s *sandbox) { s.published(".") },
	"docs/experiments.md": func(s *sandbox) { s.published("."); s.asks("shop.duckdb") },
	"docs/drift.md":       func(s *sandbox) { s.published("."); s.asks("shop.duckdb") },
	"docs/attribution.md": func(s *sandbox) { s.published("."); s.asks("shop.duckdb") },
	"docs/bigquery.md": func(s *sandbox) {
		p := onEmulator(s)
		dir, _ := company(s, demo.Options{Customers: 300, Seed: 1})
		p.fill(dir)
		s.now = lastDay.Add(33 * time.Hour)
		check(s, os.CopyFS(s.dir, os.DirFS(p.example(noBacktest).dir)))
		s.replace = []string{
			"`PROJECT.segments.", "`" + p.Results + ".",
			"FROM customer_segments_current", "FROM " + p.Results + ".customer_segments_current",
		}
		s.ask = func(query string) error {
			if strings.Contains(query, "INFORMATION_SCHEMA.JOBS") {
				s.Log("NOT ASKED: the emulator has no INFORMATION_SCHEMA.JOBS")
				return nil
			}
			_, err := p.try(query)
			return err
		}
	},
	"docs/kubernetes.md": func(s *sandbox) { s.published("."); s.asks("shop.duckdb") },
	"docs/looker.md":     func(*sandbox) {},
	"docs/memory.md":     func(s *sandbox) { s.published("."); s.asks("shop.duckdb") },
	"docs/real-data.md": func(s *sandbox) {
		data := publicData(s, "online_retail/online_retail.parquet")
		examples, err := filepath.Abs("../../examples")
		check(s, err)
		s.asks("online_retail/online_retail.duckdb")
		s.replace = []string{
			"/where/the/data/are", data, "/tmp/", s.dir + "/", "examples/", examples + "/",
			"hillstrom_data.csv", data + "/hillstrom/hillstrom_data.csv",
		}
	},
	"docs/report.md":  func(s *sandbox) { s.published("."); s.asks("shop.duckdb") },
	"docs/runbook.md": func(s *sandbox) { s.published(".") },
	"docs/telemetry.md": func(s *sandbox) {
		s.published(".")
		check(s, os.Rename(filepath.Join(s.dir, "segments.yaml"), filepath.Join(s.dir, "shop.yaml")))
	},
	"docs/tuning.md":     func(s *sandbox) { s.published(".") },
	"docs/validation.md": func(s *sandbox) { s.published("."); s.asks("shop.duckdb") },
	"docs/tutorial.md": func(s *sandbox) {
		s.asks("my-shop/my_shop.duckdb")
		s.write("more.yaml", quick)
		s.replace = []string{
			"--customers 2000", "--customers 300",
			"mv answered.yaml segments.yaml", "cat answered.yaml ../more.yaml > segments.yaml",
		}
	},
	"examples/bigquery/segments.yaml": func(s *sandbox) {
		p := onEmulator(s)
		dir, _ := company(s, demo.Options{Customers: 300, Seed: 1})
		p.fill(dir)
		check(s, os.CopyFS(filepath.Join(s.dir, "examples", "bigquery"), os.DirFS(p.example(noBacktest).dir)))
		s.replace = []string{"demo --dir shop", "demo --dir shop --customers 300", "--as-of 2026-10-31", "--as-of " + day(0)}
	},
	"pipeline/demo/segments.yaml": func(s *sandbox) { s.published(".") },
}

// runElsewhere says which test runs the commands of other documents.
var runElsewhere = map[string]string{
	"docs/commands.md":                        "TestDocumentsParse: they are examples of what --help says, and are not run",
	"examples/cdnow/segments.yaml":            "TestExamples",
	"examples/complete_journey/segments.yaml": "TestExamples",
	"examples/hillstrom/segments.yaml":        "TestExamples",
	"examples/online_retail/segments.yaml":    "TestExamples",
}

// theDay is the last day of demo companies; the program is told that it is the morning after.
var theDay = time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC)

// run runs the script in the sandbox.
func (s *sandbox) run(d *document, script string) {
	s.Helper()
	program, err := exec.LookPath("segments")
	check(s, err)
	check(s, os.MkdirAll(filepath.Join(s.dir, "bin"), 0o755))
	check(s, os.Symlink(program, filepath.Join(s.dir, "bin", "segments")))
	script = strings.NewReplacer(s.replace...).Replace(script)
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-eux", "-c", script)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "HOME="+s.dir, clockVariable+"="+time.Until(s.now).String())
	began := time.Now()
	out, err := c.CombinedOutput()
	s.Logf("%.1f s, of CPU %.1f s", time.Since(began).Seconds(), (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds())
	if err != nil {
		var last string
		for _, m := range regexp.MustCompile(`(?m)^\+ : @(\d+)$`).FindAllSubmatch(out, -1) {
			last = string(m[1])
		}
		s.Fatalf("%s:%s: %v\n%s", d.name, last, err, withoutLog(string(out)))
	}
}

// query asks what a document asks.
func (s *sandbox) query(d *document, q query) {
	s.Helper()
	if s.ask == nil {
		s.Errorf("%s: a query, and the sandbox has nothing to ask", d.at(q.line))
		return
	}
	text := strings.NewReplacer(s.replace...).Replace(strings.TrimSuffix(strings.TrimSpace(q.sql), ";"))
	if err := s.ask(text); err != nil {
		s.Errorf("%s: %v\n%s", d.at(q.line), err, text)
	}
}

// asks makes queries be asked of a DuckDB file of the sandbox.
func (s *sandbox) asks(file string) {
	s.ask = func(query string) error {
		_, err := queryFile(filepath.Join(s.dir, filepath.FromSlash(file)), query)
		return err
	}
}

// publicData is the folder of the public data sets, which has the file needs; without it the test is skipped.
func publicData(t testing.TB, needs string) string {
	t.Helper()
	data, err := filepath.Abs(cmp.Or(os.Getenv("SEGMENTS_DATA"), filepath.Join("..", "..", "..", "shared", "data")))
	check(t, err)
	if _, err := os.Stat(filepath.Join(data, needs)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the real data are needed in CI: set SEGMENTS_DATA: %v", err)
		}
		t.Skipf("SKIPPED, THE COMMANDS WERE NOT RUN: set SEGMENTS_DATA to the folder that has %s: %v", needs, err)
	}
	return data
}

// clockVariable tells the program how far its clock is from the machine's; only the test binary listens.
const clockVariable = "SEGMENTS_TEST_CLOCK"

// mainAtAnyTime is main, with the clock that the environment gives.
func mainAtAnyTime() {
	offset, err := time.ParseDuration(os.Getenv(clockVariable))
	if err != nil {
		main()
		return
	}
	ctx, stop := withSignals(context.Background())
	a := &app{out: os.Stdout, err: os.Stderr, now: func() time.Time { return time.Now().Add(offset) }, getenv: os.Getenv}
	code := a.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// smallDemo makes a small company once, and publishes two days of it.
var smallDemo = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(companies, "documents")
	if _, err := demo.Write(dir, demo.Options{Customers: 600, Seed: 1, Dirt: true, AsOf: theDay}); err != nil {
		return "", err
	}
	if err := toParquet(dir); err != nil { // which is read faster than CSV
		return "", err
	}
	file := filepath.Join(dir, "segments.yaml")
	yaml, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	yaml = bytes.ReplaceAll(yaml, []byte(".csv\n"), []byte(".parquet\n"))
	yaml = bytes.ReplaceAll(yaml, []byte("path: shop.duckdb"), []byte("path: shop.duckdb, threads: 1"))
	yaml = append(yaml, quick+"outputs: {people: true}\n"...)
	if err := os.WriteFile(file, yaml, 0o644); err != nil {
		return "", err
	}
	for _, day := range []time.Time{theDay.AddDate(0, 0, -31), theDay} {
		var out bytes.Buffer
		a := &app{out: &out, err: &out, now: func() time.Time { return theDay.AddDate(0, 0, 1) }}
		if code := a.main(context.Background(), []string{"run", "-c", file, "--as-of", day.Format(time.DateOnly)}); code != exitOK {
			return "", fmt.Errorf("exit code %d\n%s", code, withoutLog(out.String()))
		}
	}
	for _, csv := range []string{"web_events.csv", "email_events.csv", "conversions.csv"} {
		if err := os.Remove(filepath.Join(dir, csv)); err != nil {
			return "", err
		}
	}
	return dir, nil
})

// published puts the small company, with what was published of it, into the folder to.
func (s *sandbox) published(to string) {
	s.Helper()
	dir, err := smallDemo()
	check(s, err)
	check(s, os.CopyFS(filepath.Join(s.dir, filepath.FromSlash(to)), os.DirFS(dir)))
}

// orders puts a file of orders into the sandbox.
func (s *sandbox) orders(file string) {
	s.Helper()
	dir, err := smallDemo()
	check(s, err)
	all, err := os.ReadFile(filepath.Join(dir, "orders.csv"))
	check(s, err)
	check(s, os.WriteFile(filepath.Join(s.dir, file), all, 0o644))
}

// write writes a file of the sandbox.
func (s *sandbox) write(file, text string) {
	s.Helper()
	check(s, os.MkdirAll(filepath.Dir(filepath.Join(s.dir, file)), 0o755))
	check(s, os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o644))
}
