package duckdb

import (
	"path/filepath"
	"testing"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/warehousetest"
)

func TestContract(t *testing.T) {
	warehousetest.Run(t, func(t *testing.T) warehousetest.Place {
		path := filepath.Join(t.TempDir(), "warehouse.duckdb")
		return func(t *testing.T) warehouse.Warehouse { return openAt(t, path) }
	})
}

func openAt(t testing.TB, path string) *db {
	t.Helper()
	c := Defaults()
	c.Path, c.LockWait, c.Memory = path, "2s", "1GB"
	d, err := open(t.Context(), warehouse.Env{}, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}
