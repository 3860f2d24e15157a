package bigquery

import (
	"context"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/option"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/pipeline/warehouse/bigquery/emulator"
	"segments/pipeline/warehouse/warehousetest"
)

func TestContract(t *testing.T) {
	server := emulator.Start(t)
	warehousetest.Run(t, func(t *testing.T) warehousetest.Place {
		c := newPlace(t, server)
		return func(t *testing.T) warehouse.Warehouse { return openAt(t, server, c) }
	})
}

// newPlace makes two data sets on the emulator, and returns the configuration of a warehouse in them.
func newPlace(t testing.TB, server *emulator.Server) Config {
	t.Helper()
	c := Defaults()
	c.Project, c.Location = server.Project, "US"
	c.Dataset, c.StagingDataset = server.Dataset(t), server.Dataset(t)
	client, err := bq.NewClient(t.Context(), server.Project, option.WithEndpoint(server.Endpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() //nolint:errcheck // nothing is written by it any more
	if _, err := client.Dataset(c.StagingDataset).Update(t.Context(), bq.DatasetMetadataToUpdate{DefaultTableExpiration: 24 * time.Hour}, ""); err != nil {
		t.Fatal(err)
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
