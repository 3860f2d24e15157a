package btyd_test

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// A row is a customer of the CDNOW 1/10 sample.
type row struct {
	x, txDays, ageDays int64
	tx, age            float64 // weeks
	mean               float64 // spend on a repeat purchase day
	holdout            float64 // purchases in the next 39 weeks
}

// cbs reads the CDNOW 1/10 sample: 2,357 customers, calibration to 1997-09-30, from R's BTYD package.
func cbs(t *testing.T) []row {
	t.Helper()
	var out []row
	for _, r := range readCSV(t, "cdnow_summary/btyd_cdnow_cbs.csv") {
		w := row{x: int64(r[1]), tx: r[2], age: r[3], holdout: r[4], mean: r[5]}
		w.txDays, w.ageDays = int64(math.Round(7*w.tx)), int64(math.Round(7*w.age))
		out = append(out, w)
	}
	if len(out) != 2357 {
		t.Fatalf("%d customers, want 2357", len(out))
	}
	return out
}

// readCSV reads a file of numbers below SEGMENTS_DATA, without its header.
func readCSV(t *testing.T, name string) [][]float64 {
	t.Helper()
	dir := os.Getenv("SEGMENTS_DATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("reference data is needed in CI: set SEGMENTS_DATA: %v", err)
		}
		t.Skipf("SKIPPED, NOT CHECKED against reference data: set SEGMENTS_DATA to the folder that has %s: %v", name, err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]float64, len(records)-1)
	for i, rec := range records[1:] {
		for _, s := range rec {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatalf("%s, row %d: %v", name, i+2, err)
			}
			out[i] = append(out[i], v)
		}
	}
	return out
}
