package duckdb

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

const benchRows = 1_000_000

// wide is a table of 12 columns such as the job writes: numbers, two moments, and text within and beyond 12 bytes.
var wide = frame.Table{Name: "wide", Columns: []frame.Column{
	frame.Int64("customer", "").Column, frame.Int64("orders", "").Column, frame.Int64("items", "").Column,
	frame.Float64("revenue", "").Column, frame.Float64("value", "").Column, frame.Float64("discount", "").Column,
	frame.Float64("recency", "").Null().Column, frame.Float64("age", "").Column,
	frame.Timestamp("first", "").Column, frame.Timestamp("last", "").Column,
	frame.String("segment", "").Column, frame.String("email", "").Column,
}}

func benchTable(b *testing.B) (*db, warehouse.Ref) {
	d := openAt(b, filepath.Join(b.TempDir(), "w.duckdb"))
	check(b, d.Claim(b.Context(), crashRun(1)))
	ref, err := d.Materialize(b.Context(), wide, sql.Query{Name: "wide", Text: fmt.Sprintf(`SELECT i AS customer, i %% 17 AS orders, i %% 31 AS items,
		sqrt(i) AS revenue, sin(i) AS value, 0.25 AS discount, CASE WHEN i %% 3 > 0 THEN i / 7 END AS recency, i %% 999 AS age,
		make_timestamp(i * 1000000) AS "first", make_timestamp(i * 2000000) AS "last",
		'segment ' || (i %% 8) AS segment, 'customer' || i || '@example.com' AS email FROM range(%d) t(i)`, benchRows)})
	check(b, err)
	return d, ref
}

func reportRows(b *testing.B) {
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkScan(b *testing.B) {
	d, ref := benchTable(b)
	for b.Loop() {
		for _, err := range d.Scan(b.Context(), ref, wide.Columns...) {
			check(b, err)
		}
	}
	reportRows(b)
}

func BenchmarkStage(b *testing.B) {
	d, ref := benchTable(b)
	all, err := frame.Collect(d.Scan(b.Context(), ref, wide.Columns...))
	check(b, err)
	for b.Loop() {
		w, err := d.Stage(b.Context(), wide)
		check(b, err)
		for _, batch := range all {
			check(b, w.Write(batch))
		}
		_, err = w.Commit()
		check(b, err)
	}
	reportRows(b)
}

func BenchmarkPublish(b *testing.B) {
	d, ref := benchTable(b)
	for b.Loop() {
		e := warehouse.Entry{Run: crashRun(1)}
		e.Digest = time.Now().String() // not yet done
		d.claim.run = e.Run
		check(b, d.Publish(b.Context(), e, time.Time{}, nil, ref))
	}
	reportRows(b)
}
