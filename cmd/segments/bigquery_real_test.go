package main

import (
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"segments/pipeline/demo"
	"segments/pipeline/warehouse/bigquery/emulator"
)

// TestRealBigQuery runs the whole job in a real project, in data sets that it makes and deletes: what no emulator shows.
// `make e2e-bigquery` starts it; docs/e2e-bigquery.md says what it needs and costs.
func TestRealBigQuery(t *testing.T) {
	project, prefix, location := os.Getenv("SEGMENTS_E2E_PROJECT"), os.Getenv("SEGMENTS_E2E_DATASET"), os.Getenv("SEGMENTS_E2E_LOCATION")
	if project == "" || prefix == "" || location == "" || os.Getenv("CI") == "true" {
		t.Skip("for whoever has a project: make e2e-bigquery")
	}
	if os.Getenv("BIGQUERY_EMULATOR_HOST") != "" || os.Getenv("BIGQUERY_STORAGE_EMULATOR_HOST") != "" {
		t.Fatal("the environment names an emulator: unset BIGQUERY_EMULATOR_HOST and BIGQUERY_STORAGE_EMULATOR_HOST")
	}
	client, err := bq.NewClient(t.Context(), project)
	check(t, err)
	client.Location = location
	defer client.Close()
	p := place{TB: t, client: client, project: project, location: location, poll: 500 * time.Millisecond}
	p.Source, p.Results, p.Staging = datasets(prefix)
	american := emulator.Shop{Source: prefix + "_us", Results: prefix + "_us", Staging: prefix + "_us"}
	p.clean(p.Shop)
	p.clean(american)
	check(t, p.Make(t.Context(), client, location))

	dir, _ := company(t, demo.Options{Customers: 5000, Dirt: true})
	p.wholeJob(dir, "")
	p.cost()
	p.again()

	check(t, american.Make(t.Context(), client, "US"))
	p.forbidden(american)
}

// clean fails where a data set of shop is there, and deletes them at the end of the test, whatever came of it.
func (p place) clean(shop emulator.Shop) {
	p.Helper()
	for _, name := range []string{shop.Source, shop.Results, shop.Staging} {
		_, err := p.client.Dataset(name).Metadata(p.Context())
		var missing *googleapi.Error
		if err == nil {
			p.Fatalf("the data set %s:%s is there; this test deletes its data sets: give another DATASET", p.project, name)
		}
		if !errors.As(err, &missing) || missing.Code != http.StatusNotFound {
			p.Fatal(err)
		}
		p.Logf("makes, and deletes at its end, the data set %[1]s:%[2]s; should it be cut short: bq rm -r -f -d %[1]s:%[2]s", p.project, name)
	}
	p.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := shop.Remove(ctx, p.client); err != nil {
			p.Errorf("NOT DELETED, it may go on costing money: %v", err)
			return
		}
		p.Logf("deleted %s, %s and %s", shop.Source, shop.Results, shop.Staging)
	})
}

var dayOfRun = regexp.MustCompile(`^[0-9-]{10}`)

// cost holds what the runs were billed for against what plan says, which is rather too much than too little, and what the
// ledger says of it against what the jobs themselves say.
func (p place) cost() {
	p.Helper()
	out, _ := p.example("").segments(exitOK, "plan", "--as-of", day(0), "-o", "csv")
	lines, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	check(p, err)
	planned := int64(0)
	for _, l := range lines {
		if l[0] == "cost" {
			number, _, _ := strings.Cut(l[3], " ")
			planned, err = strconv.ParseInt(number, 10, 64)
			check(p, err)
		}
	}
	for _, line := range p.rows("SELECT CAST(as_of AS STRING), bytes_billed FROM OUT.runs ORDER BY 1") {
		asOf := dayOfRun.FindString(line)
		billed, err := strconv.ParseInt(strings.TrimSpace(strings.TrimPrefix(line, asOf)), 10, 64)
		check(p, err)
		p.Logf("%s: %d bytes billed, %d planned: %.2f of it", asOf, billed, planned, float64(billed)/float64(planned))
		if billed == 0 || billed > planned {
			p.Errorf("%s: %d bytes billed, %d planned", asOf, billed, planned)
		}
	}
}

// again runs the current day once more: its sources are as they were.
func (p place) again() {
	p.Helper()
	since := time.Now().Add(-time.Second)
	says(p, p.example("").child("run", "--as-of", day(0)).exits(exitOK), day(0)+" is published already")
	onlyLooks(p, p.jobs(since))
}

// forbidden checks a configuration whose output data set everybody may read, and nobody write to.
func (p place) forbidden(american emulator.Shop) {
	p.Helper()
	s := p.example("")
	s.edit("dataset: "+p.Results+" ", "dataset: bigquery-public-data.samples ", "staging_dataset: "+p.Staging, "staging_dataset: "+american.Staging,
		"location: "+p.location, "location: US")
	_, stderr := s.segments(exitPermission, "check")
	says(p, stderr, "lacks roles/bigquery.dataEditor on the data set bigquery-public-data:samples", "GRANT `roles/bigquery.dataEditor`")
}
