package main

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"segments/pipeline/demo"
	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/emulator"
	"segments/transforms/frame"
)

// An emulated is the emulator as the program finds it: the environment names it.
type emulated struct {
	client *bq.Client
}

// emulate starts the emulator, and makes the program of this test talk to it, as the project called project.
func emulate(t *testing.T, project string) emulated {
	t.Helper()
	server := emulator.Start(t)
	t.Setenv("BIGQUERY_EMULATOR_HOST", server.REST)
	t.Setenv("BIGQUERY_STORAGE_EMULATOR_HOST", server.Storage)
	client, err := bq.NewClient(t.Context(), project, option.WithEndpoint(server.Endpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return emulated{client}
}

// dataset makes a data set, unless it is there.
func (e emulated) dataset(t *testing.T, name string, expiration time.Duration) {
	t.Helper()
	err := e.client.Dataset(name).Create(t.Context(), &bq.DatasetMetadata{Location: "EU", DefaultTableExpiration: expiration})
	var there *googleapi.Error
	if err != nil && !(errors.As(err, &there) && there.Code == http.StatusConflict) {
		t.Fatal(err)
	}
}

// load loads the shop's files in dir, as the schemas of the example have them.
func (e emulated) load(t *testing.T, dir, dataset string) {
	t.Helper()
	for _, name := range []string{"customers", "orders", "web_events", "email_events", "conversions"} {
		text, err := os.ReadFile(filepath.Join("../../examples/bigquery/schema", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := bq.SchemaFromJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(filepath.Join(dir, name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		source := bq.NewReaderSource(f)
		source.SourceFormat, source.SkipLeadingRows, source.Schema = bq.CSV, 1, schema
		loader := e.client.Dataset(dataset).Table(name).LoaderFrom(source)
		loader.WriteDisposition = bq.WriteTruncate
		loader.MediaOptions = []googleapi.MediaOption{googleapi.ChunkSize(0)}
		job, err := loader.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		status, err := job.Wait(t.Context())
		if err == nil {
			err = status.Err()
		}
		if err != nil {
			t.Fatalf("load %s: %v", name, err)
		}
	}
}

// published returns what the warehouse of s has published: the rows of each table as text, sorted, without the columns
// that name runs.
func published(t *testing.T, s shop) map[string][]string {
	t.Helper()
	a := &app{out: io.Discard, err: io.Discard, now: func() time.Time { return s.now }, configFile: s.config()}
	j, _, err := a.open(t.Context(), true)
	check(t, err)
	defer j.Warehouse.Close() //nolint:errcheck // it was only read
	tables, err := declared()
	check(t, err)
	out := map[string][]string{}
	for _, table := range tables {
		ref, ok, err := j.Warehouse.Published(t.Context(), table)
		check(t, err)
		if !ok || table.Name == warehouse.Runs.Name {
			continue
		}
		cols := slices.DeleteFunc(slices.Clone(table.Columns), func(c frame.Column) bool { return c.Name == "run_id" })
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

// The example publishes on BigQuery what the demo publishes on DuckDB: table by table, row by row.
func TestBigQueryIsDuckDB(t *testing.T) {
	e := emulate(t, "example-project")
	dir, _ := company(t, demo.Options{Customers: 1500, Dirt: true})
	e.dataset(t, "shop", 0)
	e.dataset(t, "segments", 0)
	e.dataset(t, "segments_staging", 24*time.Hour)
	e.load(t, dir, "shop")

	embedded := newShop(t, dir, "")
	embedded.publish(0)
	example := shop{t, "../../examples/bigquery", today}
	_, stderr := example.segments(0, "check")
	says(t, stderr, "5 sources")
	stderr = example.publish(0)
	says(t, stderr, "published "+day(0))

	want, got := published(t, embedded), published(t, example)
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

	_, stderr = example.segments(0, "run", "--as-of", day(0)) // nothing has changed
	says(t, stderr, "published already")
}
