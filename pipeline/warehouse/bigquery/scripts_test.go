package bigquery

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/sql"
	"segments/transforms/frame"
)

var update = flag.Bool("update", false, "write the files in testdata anew")

// The texts that only this package makes. They are kept as files so that they can be read, and so that GoogleSQL's parser
// is run over them (sql/typecheck).
func TestScripts(t *testing.T) {
	c := Defaults()
	c.Project, c.Location, c.Dataset, c.StagingDataset = "example-project", "EU", "segments", "segments_staging"
	s, err := c.check()
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(context.Background(), warehouse.Env{Now: time.Now}, s, "127.0.0.1:1", "127.0.0.1:1", call.Options{}) // nobody is asked
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	day := frame.DayOf(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	asOf, run, value := frame.Date("as_of", "The \"day\".").Column, frame.String("run_id", "The run.").Column, frame.Float64("value", "A number.").Null().Column
	dated := frame.Table{Name: "dated", PartitionBy: "as_of", Columns: []frame.Column{asOf, run, value}}
	perRun := frame.Table{Name: "per_run", PartitionBy: "run_id", Columns: []frame.Column{run, value}}
	whole := frame.Table{Name: "whole", Columns: []frame.Column{value}}

	publish := d.script(ledger{}, warehouse.Entry{Run: warehouse.Run{ID: "2026-11-20-0123456789ab", AsOf: frame.TimeOf(day)}, State: warehouse.Published})
	for _, table := range []frame.Table{dated, perRun, whole} {
		if err := publish.replace(warehouse.Ref{Name: "`example-project`.`segments_staging`.`staged_" + table.Name + "`", Table: table, Rows: 3}); err != nil {
			t.Fatal(err)
		}
	}
	publish.record()
	publish.add("DELETE FROM " + d.published("dated") + " WHERE as_of < @keep_from")
	view, err := d.namedView(t.Context(), warehouse.View{Name: "audiences", Query: "audiences", Doc: "Who.", Reads: []string{"customer_segments_current", "customer_features_current", "segment_profiles_current", "segment_definitions"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"publish":     publish.text(),
		"views":       strings.Join([]string{d.lock(), d.runsView(), d.currentView("dated", schemaOf(dated.Columns, true), day), view}, ";\n") + ";\n",
		"materialize": materialized(dated, sql.Query{Text: "SELECT as_of, run_id, value FROM `example-project`.`segments`.`dated`"}) + ";\n",
	} {
		file := filepath.Join("testdata", name+".sql")
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, []byte(text)) {
			t.Errorf("%s is another text by now; look at it, and run: go test ./pipeline/warehouse/bigquery -run TestScripts -update && make typecheck\n%s", file, text)
		}
	}
}
