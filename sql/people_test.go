package sql_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"segments/sql"
)

// audiencesCase is the case of TestParity that TestPeople looks at too.
const audiencesCase = "testdata/parity/audiences.txtar"

func TestPeople(t *testing.T) {
	tw := duckCase(t)
	got := lines(tw.world, "SELECT * FROM ("+tw.bind("people").Text+") ORDER BY customer_id")
	want := []string{"ann ann@example.com 2", "fay a@example.com "}
	if !slices.Equal(got, want) {
		t.Errorf("people are %q, want %q", got, want)
	}
}

func TestAudiences(t *testing.T) {
	tw := duckCase(t)
	got := lines(tw.world, "SELECT segmentation, segment, customers::VARCHAR, mailable::VARCHAR, held_out::VARCHAR, round(share, 3)::VARCHAR, rule, sets_apart FROM ("+
		tw.bind("audiences").Text+") WHERE segmentation IN ('core_segment', 'cluster', 'value_tier') ORDER BY ALL")
	want := []string{
		"cluster c1 2 2 0 0.667  ", "cluster c2 1 1 0 0.333  ",
		"core_segment Lost 5 3 1 0.556 gone ", "core_segment Loyal 3 2 0 0.333 buys often plan pro (1.5x)", "core_segment Prospect 1 0 0 0.111  ",
		"value_tier Rest 8 4 1 0.889  ", "value_tier Top 5% 1 1 0 0.111  ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("audiences are\n%q, want\n%q", got, want)
	}
	// What an audience counts as mailable is who its memberships list.
	counts := lines(tw.world, "SELECT segmentation, segment, count(*)::VARCHAR FROM ("+tw.bind("audience_memberships").Text+") GROUP BY ALL ORDER BY ALL")
	mailable := lines(tw.world, "SELECT segmentation, segment, mailable::VARCHAR FROM ("+tw.bind("audiences").Text+") WHERE mailable > 0 ORDER BY ALL")
	if !slices.Equal(counts, mailable) || len(counts) < 10 {
		t.Errorf("memberships are\n%q, audiences\n%q", counts, mailable)
	}
}

// A view has no parameters, and reads no more of the source than it shows or decides by.
func TestAddresses(t *testing.T) {
	w := world{open(t, ""), map[string]sql.Relation{}, map[string]any{}}
	if _, err := w.ExecContext(t.Context(), `CREATE TABLE crm AS SELECT * FROM (VALUES
		(1.0::DOUBLE, ' a@example.com ', ' ', TIMESTAMPTZ '2024-01-01 00:00:00+00', 'Opted In', 'infinity'::TIMESTAMP, 'secret'),
		(2.0::DOUBLE, '', '+49', 'infinity'::TIMESTAMPTZ, 'nein', TIMESTAMP '2024-01-01', 'secret')) AS c(id, mail, tel, made, yes, gone, notes)`); err != nil {
		t.Fatal(err)
	}
	s := sql.Source{
		Name: "customers", From: "crm", Pinned: true, Attributes: []string{"notes"},
		Columns: map[string]string{
			"customer_id": "id", "email": "mail", "phone": "tel", "created_at": "made", "consent_email": "yes", "deleted_at": "gone", "city": "notes",
		},
	}
	has := w.describe(sql.Relation{Select: "SELECT * FROM crm"})
	unpinned := s
	unpinned.Pinned = false
	mapped, err := unpinned.Mapped(sql.DuckDB, has)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Addresses(sql.DuckDB, has, w.describe(mapped))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ExecContext(t.Context(), "CREATE VIEW addresses AS "+r.Select); err != nil {
		t.Fatal(err)
	}
	got := lines(w, "SELECT customer_id, email, phone, (created_at IS NULL)::VARCHAR, consent_profiling::VARCHAR, consent_email::VARCHAR, "+
		"(deleted_at IS NULL)::VARCHAR FROM addresses ORDER BY 1")
	want := []string{"1 a@example.com  false  true true", "2  +49 true  false false"}
	if !slices.Equal(got, want) {
		t.Errorf("addresses are %q, want %q", got, want)
	}
	for _, column := range lines(w, "SELECT column_name FROM (DESCRIBE addresses)") {
		if column == "city" || column == "notes" {
			t.Errorf("the view reads %s", column)
		}
	}
}

// lines returns the rows of a query, their values with spaces between.
func lines(w world, query string) []string {
	_, rows := w.rows(sql.Query{Text: query})
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = strings.Join(r, " ")
	}
	return out
}

// duckCase is the case of audiences in DuckDB.
func duckCase(t *testing.T) *twin {
	t.Helper()
	a, err := txtar.ParseFile(audiencesCase)
	if err != nil {
		t.Fatal(err)
	}
	return newTwin(t, parityCase{name: "audiences", archive: a, params: map[string]any{}})
}
