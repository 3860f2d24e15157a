package bigquery

import (
	"strings"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/emulator"
	"segments/sql"
	"segments/transforms/frame"
)

// A view over sources is made once and then left alone, since whoever replaces it may lack the right to, until it is to be
// another one.
func TestViewOverSources(t *testing.T) {
	server := emulator.Start(t)
	d := openAt(t, server, newPlace(t, server))
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	over := func(doc, text string) warehouse.View {
		return warehouse.View{Name: "people", Doc: doc, Query: "table_rows", Over: []sql.Relation{{Name: "t", Select: text}}}
	}
	run := warehouse.Run{ID: "2026-11-20-0123456789ab", Name: "shop", AsOf: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), Digest: strings.Repeat("0", 64)}
	check(d.Claim(t.Context(), run))
	perRun := frame.Table{Name: "per_run", Doc: "By run.", PartitionBy: "run_id", Columns: []frame.Column{frame.String("run_id", "The run.").Column}}
	w, err := d.Stage(t.Context(), perRun)
	check(err)
	ref, err := w.Commit()
	check(err)
	entry := warehouse.Entry{Run: run, StartedAt: time.Now(), EndedAt: time.Now()}
	check(d.Publish(t.Context(), entry, time.Time{}, []warehouse.View{over("Who.", "SELECT 1 AS x\n  -- everybody")}, ref))
	for _, c := range []struct {
		view warehouse.View
		want string
	}{
		{over("Who.", "SELECT 1 AS x\n  -- everybody"), ""},
		{over("Who else.", "SELECT 1 AS x\n  -- everybody"), "CREATE OR REPLACE VIEW"},
		{over("Who.", "SELECT 2 AS x"), "CREATE OR REPLACE VIEW"},
		{warehouse.View{Name: "people", Doc: "Who.", Query: "table_rows", Gone: true}, "DROP VIEW IF EXISTS"},
		{warehouse.View{Name: "people", Doc: "Another's.", Query: "table_rows", Gone: true}, ""},
		{warehouse.View{Name: "nobody", Doc: "Who.", Query: "table_rows", Gone: true}, ""},
		{warehouse.View{Name: "per_run", Doc: perRun.Doc, Query: "table_rows", Gone: true}, ""}, // it is a table
	} {
		got, err := d.namedView(t.Context(), c.view)
		check(err)
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.view, got, c.want)
		}
	}
	check(d.Close())
}
