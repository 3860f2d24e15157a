package bigquery

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/option"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/pipeline/warehouse/bigquery/emulator"
	"segments/pipeline/warehouse/warehousetest"
	"segments/sql"
	"segments/transforms/frame"
)

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute and more on the emulator, which -short leaves out")
	}
	server := emulator.Start(t)
	warehousetest.Run(t, func(t *testing.T) warehousetest.Place {
		c := newPlace(t, server)
		return func(t *testing.T) warehouse.Warehouse { return openAt(t, server, c) }
	})
}

// newPlace makes two data sets on the emulator, and returns the configuration of a warehouse in them. They are in a project
// of their own: the emulator takes the longer for every change, the more its project has.
func newPlace(t testing.TB, server *emulator.Server) Config {
	t.Helper()
	c := Defaults()
	c.Project, c.Location, c.Dataset, c.StagingDataset = "test-"+nonce(), "US", "out", "staging"
	client, err := bq.NewClient(t.Context(), c.Project, option.WithEndpoint(server.Endpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() //nolint:errcheck // nothing is written by it any more
	for name, expiration := range map[string]time.Duration{c.Dataset: 0, c.StagingDataset: 24 * time.Hour} {
		if err := client.Dataset(name).Create(t.Context(), &bq.DatasetMetadata{Location: c.Location, DefaultTableExpiration: expiration}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func openAt(t testing.TB, server *emulator.Server, c Config) *db {
	t.Helper()
	s, err := c.check()
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(context.Background(), warehouse.Env{Now: time.Now}, s, server.REST, server.Storage, call.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// A published table is partitioned, clustered, described and labeled; so are its columns, and those of its view.
func TestPublishedMetadata(t *testing.T) {
	server := emulator.Start(t)
	d := openAt(t, server, newPlace(t, server))
	asOf, id := frame.Date("as_of", "The day.").Column, frame.String("customer_id", "Who.").Column
	spent := frame.Float64("spent", "What they spent.").In("money").Null().Column
	table := frame.Table{
		Name: "customer_money", Doc: "Money by customer.", PartitionBy: "as_of", ClusterBy: []string{"customer_id"}, Key: []string{"as_of", "customer_id"},
		Columns: []frame.Column{asOf, id, spent},
	}
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	run := warehouse.Run{ID: "2026-11-20-0123456789ab", Name: "shop", AsOf: day, Digest: strings.Repeat("0", 64)}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(d.Claim(t.Context(), run))
	ref, err := d.Materialize(t.Context(), table, sql.Query{Name: "money", Text: "SELECT DATE '2026-11-20' AS as_of, 'ann' AS customer_id, 1.5 AS spent"})
	check(err)
	e := warehouse.Entry{
		Run: run, StartedAt: time.Now(), EndedAt: time.Now(), BytesBilled: 7, Snapshot: time.Date(2026, 11, 21, 3, 0, 0, 5000, time.UTC),
	}
	check(d.Publish(t.Context(), e, time.Time{}, nil, ref))

	md, err := d.outputTable("customer_money").Metadata(t.Context())
	check(err)
	if p := md.TimePartitioning; p == nil || p.Field != "as_of" || p.Type != bq.DayPartitioningType {
		t.Errorf("partitioned by %+v, want the day as_of", p)
	}
	if c := md.Clustering; c == nil || !slices.Equal(c.Fields, table.ClusterBy) {
		t.Errorf("clustered by %+v, want %v", c, table.ClusterBy)
	}
	if md.Description != table.Doc || md.Labels["application"] != "segments" {
		t.Errorf("description %q, labels %v", md.Description, md.Labels)
	}
	view, err := d.outputTable("customer_money_current").Metadata(t.Context())
	check(err)
	if view.Type != bq.ViewTable || !strings.Contains(view.Description, "customer_money") {
		t.Errorf("the view is a %s, described as %q", view.Type, view.Description)
	}
	for _, s := range []bq.Schema{md.Schema, view.Schema} {
		if f := field(s, "spent"); f == nil || f.Description != sql.Description(spent) {
			t.Errorf("the column spent is %+v, want it described as %q", f, sql.Description(spent))
		}
	}
	if f := field(md.Schema, "customer_id"); f == nil || !f.Required {
		t.Errorf("the key's column is %+v, want it required", f)
	}
	r, err := d.small(t.Context(), sql.Query{Name: "ledger", Text: "SELECT bytes_billed, snapshot FROM " + d.published(warehouse.Runs.Name)})
	check(err)
	if len(r.values) != 1 || r.values[0][0] != int64(7) || !r.values[0][1].(time.Time).Equal(e.Snapshot) {
		t.Errorf("the ledger says %v of the bytes billed and the snapshot", r.values)
	}
	staged, err := d.stagingTable(strings.Split(ref.Name, "`")[5]).Metadata(t.Context())
	check(err)
	if left := time.Until(staged.ExpirationTime); left <= 0 || left > mostStay {
		t.Errorf("what is staged expires in %s, want at most %s", left, mostStay)
	}
}

func TestBytesOf(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0, "1000": 1000, "1B": 1, "2KB": 2000, "2KiB": 2048, "1.5GiB": 3 << 29, "200 GB": 200e9, "3TiB": 3 << 40, "1PiB": 1 << 50,
	} {
		if got, err := bytesOf(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"0", "-1GB", "1XB", "GB", "1e3", "9999PiB", "1 G iB"} {
		if got, err := bytesOf(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}
