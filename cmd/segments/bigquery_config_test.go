package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
)

// A source that is too old ends the run before anything is paid for: by when it was written to, which needs no query, or by
// its newest row, which needs one.
func TestBigQueryFreshness(t *testing.T) {
	t.Parallel()
	p := onEmulator(t)
	p.fillOrders(few)
	s := p.orders(noBacktest + "freshness: {orders: 3d}\n")

	s.now = time.Now().AddDate(0, 0, 10) // the table was written to today
	since := time.Now()
	asOf := s.now.AddDate(0, 0, -1).Format(time.DateOnly)
	_, stderr := s.segments(exitNotReady, "run", "--as-of", asOf)
	says(t, stderr, "sources.orders is too old: it was last written to on "+since.UTC().Format(time.DateOnly), "freshness.orders allows 3d", "run again when the source")
	if steps := p.jobs(since); len(steps) > 0 {
		t.Errorf("jobs were made: %q", steps)
	}

	s.now = time.Now()
	since = s.now
	asOf = s.now.Format(time.DateOnly)
	_, stderr = s.segments(exitNotReady, "run", "--as-of", asOf)
	says(t, stderr, "sources.orders is too old: its newest row up to "+asOf+" is of "+day(0), "freshness.orders allows 3d")
	steps := p.jobs(since)
	onlyLooks(t, steps)
	if len(steps) != 1 {
		t.Errorf("the steps %q were made for one look", steps)
	}
	if _, err := p.client.Dataset(p.Results).Table("run_events").Metadata(t.Context()); err == nil {
		t.Error("there is a ledger") // whoever has only been waiting leaves nothing
	}
}

// The same on DuckDB, which knows no time of writing.
func TestFreshness(t *testing.T) {
	t.Parallel()
	dir, _ := company(t, few)
	s := shop{t, t.TempDir(), today}
	check(t, os.WriteFile(s.config(), []byte(ordersOnly+"freshness: {orders: 3d}\n"), 0o644))
	check(t, os.Symlink(filepath.Join(dir, "orders.parquet"), filepath.Join(s.dir, "orders.parquet")))
	_, stderr := s.segments(exitNotReady, "run", "--as-of", day(-10))
	says(t, stderr, "sources.orders is too old: its newest row up to "+day(-10)+" is of "+day(0), "freshness.orders allows 3d")
	says(t, s.publish(-2, "--dry-run"), "dry run of "+day(-2))
}

func TestBigQueryMistakes(t *testing.T) {
	t.Parallel()
	p := onEmulator(t)
	p.fillOrders(few)
	staging := p.client.Dataset(p.Staging + "_forever")
	check(t, staging.Create(t.Context(), &bq.DatasetMetadata{Location: p.location}))
	output := p.client.Dataset(p.Results + "_expires")
	check(t, output.Create(t.Context(), &bq.DatasetMetadata{Location: p.location, DefaultTableExpiration: time.Hour}))
	for name, c := range map[string]struct {
		from, to string
		says     []string
	}{
		"no output data set": {"dataset: " + p.Results, "dataset: nowhere", []string{
			"warehouse.bigquery.dataset: there is no data set example-project:nowhere", "bq --location=EU mk --dataset example-project:nowhere",
		}},
		"no staging data set": {"staging_dataset: " + p.Staging, "staging_dataset: nowhere", []string{
			"staging_dataset: there is no data set", "bq --location=EU mk --default_table_expiration=86400 --dataset example-project:nowhere",
		}},
		"staging stays": {"staging_dataset: " + p.Staging, "staging_dataset: " + staging.DatasetID, []string{
			"do not expire within 7 days", "bq update --default_table_expiration=86400 example-project:" + staging.DatasetID,
		}},
		"output expires": {"dataset: " + p.Results, "dataset: " + output.DatasetID, []string{
			"expire by default", "bq update --default_table_expiration=0 --default_partition_expiration=0 example-project:" + output.DatasetID,
		}},
		"elsewhere":     {"location: EU", "location: europe-west3", []string{p.Results + " is in EU, the configuration says europe-west3"}},
		"one for both":  {"staging_dataset: " + p.Staging, "staging_dataset: " + p.Results, []string{"segments.yaml:2:", "that of the published tables"}},
		"no project":    {"project: example-project, ", "", []string{"segments.yaml:2:", "project: missing"}},
		"bad project":   {"project: example-project", "project: Example Project", []string{"segments.yaml:2:", "no project id"}},
		"bad size":      {"location: EU", "location: EU, max_bytes_billed: lots", []string{"segments.yaml:2:", `"lots" is no size; want one such as 200GiB`}},
		"no streams":    {"location: EU", "location: EU, read_streams: -1", []string{"segments.yaml:2:", "read_streams: -1, want at least 1"}},
		"undated price": {"location: EU", "location: EU, price: {per_tib: 6.25, currency: USD}", []string{"segments.yaml:2:", "say when the price was looked up"}},
		"free of money": {"location: EU", "location: EU, price: {per_tib: 6.25, date: 2026-11-01}", []string{"segments.yaml:2:", "a currency"}},
		"unknown key":   {"location: EU", "location: EU, threads: 2", []string{"segments.yaml:2:", "threads"}},
		"no table":      {"from: " + p.Source + ".orders", "from: " + p.Source + ".order", []string{"segments.yaml:5:11:", "sources.orders.from", p.Source + ".order"}},
		"no column":     {"amount: total}", "amount: sum}", []string{"segments.yaml:6:", "sources.orders.columns", "sum"}},
		"wrong type":    {"amount: total}", "amount: customer}", []string{"segments.yaml:6:", "sources.orders.columns", "amount", "customer"}},
		"bad SQL":       {"from: " + p.Source + ".orders", "query: SELECT FROM", []string{"segments.yaml:5:12:", "sources.orders.query"}},
		"a file":        {"from: " + p.Source + ".orders", "from: orders.csv", []string{"segments.yaml:5:11:", "sources.orders.from", "orders.csv"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := p
			p.TB = t
			s := p.orders(noBacktest)
			s.edit(c.from, c.to)
			_, stderr := s.segments(exitConfig, "check")
			says(t, stderr, c.says...)
			if strings.Count(stderr, "\n") > 4 {
				t.Errorf("that is long:\n%s", stderr)
			}
		})
	}
}
