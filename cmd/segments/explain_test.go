package main

import (
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// listed reads what -o json prints: the rows of one listing or several.
func listed(t testing.TB, out string) (rows []map[string]any) {
	t.Helper()
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var some []map[string]any
		if err := d.Decode(&some); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		rows = append(rows, some...)
	}
	return rows
}

// Explaining a customer loads the published models and applies them to the published features: that gives what was published.
func TestExplainCustomer(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(1)
	s.publish(0)
	ids := s.rows("SELECT customer_id FROM customer_segments_current ORDER BY md5(customer_id) LIMIT 50")
	if len(ids) != 50 {
		t.Fatalf("%d customers", len(ids))
	}
	segments := map[string]bool{}
	for _, id := range ids {
		out, _ := s.segments(exitOK, "explain", "customer", id, "-o", "json")
		got := map[string]string{}
		for _, r := range listed(t, out) {
			got[r["column"].(string)] = plain(r["value"])
			if r["meaning"] == "" {
				t.Fatalf("%s is not explained", r["column"])
			}
		}
		want := map[string]string{}
		for _, table := range []string{"customer_features", "customer_rfm", "customer_clv", "customer_clusters", "customer_segments"} {
			for _, pair := range s.rows("SELECT name, value FROM (UNPIVOT (SELECT COLUMNS(*)::VARCHAR FROM " + table +
				"_current WHERE customer_id = '" + id + "') ON *) WHERE name NOT IN ('as_of', 'customer_id')") {
				name, value, _ := strings.Cut(pair, " ")
				want[name] = plain(value)
			}
		}
		delete(got, "as_of")
		if !maps.Equal(got, want) {
			for _, c := range slices.Sorted(maps.Keys(want)) {
				if got[c] != want[c] {
					t.Errorf("%s: %s is %q, published %q", id, c, got[c], want[c])
				}
			}
			t.Fatalf("%s: %d columns explained, %d published", id, len(got), len(want))
		}
		segments[got["core_segment"]] = true
	}
	if len(segments) < 8 {
		t.Errorf("the 50 are in %d segments only", len(segments))
	}

	then, _ := s.segments(exitOK, "explain", "customer", ids[0], "--as-of", day(1), "-o", "csv")
	says(t, then, "as_of,"+day(1))
	_, stderr := s.segments(exitConfig, "explain", "customer", "nobody")
	says(t, stderr, `customer "nobody" is not in the published customer_features`)
}

// plain is a value of JSON or of DuckDB in one form.
func plain(v any) string {
	if f, err := strconv.ParseFloat(fmt.Sprint(v), 64); err == nil {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	s := strings.TrimSuffix(strings.Replace(fmt.Sprint(v), "T", " ", 1), "Z")
	return strings.TrimSuffix(s, " 00:00:00")
}

func TestCommandsThatRead(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)

	out, _ := s.segments(exitOK, "status")
	says(t, out, "none")
	_, stderr := s.segments(exitChanges, "plan", "--as-of", day(0), "--detailed-exitcode")
	says(t, stderr, "building on no earlier day")
	s.publish(0)
	id := s.row("SELECT run_id FROM runs")
	out, stderr = s.segments(exitOK, "plan", "--as-of", day(-1), "--detailed-exitcode", "-o", "json")
	says(t, stderr, "building on "+id)
	var plan jsonPlan
	check(t, json.Unmarshal([]byte(out), &plan))
	rows := map[string]any{}
	for _, p := range plan.Sources {
		rows[p.Name] = p.Rows
	}
	for _, p := range plan.Tables {
		rows[p.Name] = p.Rows
	}
	if plan.AsOf != day(-1) || plan.Slot != "new" || plan.Previous != id || plan.Changes || len(plan.Waits) != 0 {
		t.Errorf("plan: %+v", plan)
	}
	_, stderr = s.segments(exitOK, "plan", "--as-of", day(0))
	says(t, stderr, day(0)+" is published already as run "+id+": nothing has changed since, a run would do nothing; building on no earlier day")
	for name, n := range map[string]string{
		"orders":            s.row("SELECT count(*) FROM read_parquet('" + data + "/orders.parquet')"),
		"customer_segments": s.row("SELECT count(*) FROM customer_segments"),
	} {
		if fmt.Sprint(rows[name]) != n {
			t.Errorf("plan: %s has %v rows, want %s", name, rows[name], n)
		}
	}

	for _, args := range [][]string{{"status"}, {"runs"}, {"show"}, {"show", id}, {"explain", "segment", "Champions"}} {
		out, _ := s.segments(exitOK, append(args, "-o", "json")...)
		if strings.HasPrefix(out, "{") { // several listings, by name
			var all map[string][]map[string]any
			check(t, json.Unmarshal([]byte(out), &all))
			for name, rows := range all {
				if (len(rows) == 0) != (name == "staged") { // of what is published nothing is kept staged
					t.Errorf("%v: %d rows are listed as %s", args, len(rows), name)
				}
			}
		} else if rows := listed(t, out); len(rows) == 0 {
			t.Errorf("%v: nothing is listed", args)
		}
		out, _ = s.segments(exitOK, append(args, "-o", "csv")...)
		r := csv.NewReader(strings.NewReader(out))
		r.FieldsPerRecord = -1 // there may be several listings, with empty lines between
		if _, err := r.ReadAll(); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		if out, _ := s.segments(exitOK, args...); len(out) < 100 {
			t.Errorf("%v: %s", args, out)
		}
	}
	out, _ = s.segments(exitOK, "status", "-o", "json")
	if r := listed(t, out)[0]; r["current"] != day(0) || r["run_id"] != id || r["state"] != "PUBLISHED" {
		t.Errorf("status: %v", r)
	}
	out, _ = s.segments(exitOK, "show", id)
	says(t, out, "conservation", "unique_keys", "accepted_values", "gate", "forecast_beats_naive", "missing customer id", "duplicate")
	out, _ = s.segments(exitOK, "explain", "segment", "champions") // in whatever case
	says(t, out, "Champions (core segment)", "what to do", "revenue total", "what customers did next", "times everybody's rate")
	_, stderr = s.segments(exitConfig, "explain", "segment", "Whales")
	says(t, stderr, `there is no segment "Whales"; there are `, "At Risk")
	_, stderr = s.segments(exitConfig, "explain", "segment", "at", "risks")
	says(t, stderr, `there is no segment "at risks"; did you mean At Risk?`)
	for _, args := range [][]string{{"show", id[:14]}, {"show", day(0)}} { // the beginning of one, and its day
		out, _ = s.segments(exitOK, args...)
		says(t, out, "run "+id+" · as of "+day(0)+" · PUBLISHED", "what became of the rows", "unique_keys (")
	}
	_, stderr = s.segments(exitConfig, "show", "2025-06-30-000000000000")
	says(t, stderr, "there is no run 2025-06-30-000000000000; near are "+id)

	out, stderr = s.segments(exitOK, "validate", "--as-of", day(0), "-o", "json")
	says(t, stderr, "checks passed")
	for _, r := range listed(t, out) {
		got := fmt.Sprint(r["customers"], " ", r["converters"])
		want := s.row(fmt.Sprintf("SELECT customers, converters FROM segment_validation WHERE main_horizon AND origin = '%s' AND conversion_kind = '%s' AND segmentation = '%s' AND segment = '%s'",
			r["origin"], r["conversion"], r["segmentation"], strings.ReplaceAll(r["segment"].(string), "'", "''")))
		if got != want {
			t.Fatalf("validate: %v, published %s", r, want)
		}
	}
	before := s.image()
	says(t, s.publish(-1, "--dry-run"), "✓ dry run of "+day(-1))
	same(t, "after a dry run", s.image(), before)
	if n := s.row("SELECT count(*) FROM run_events"); n != "1" {
		t.Errorf("%s lines in the ledger, want 1", n)
	}
}

func TestTablesDDL(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(0)
	ddl, _ := s.segments(exitOK, "tables", "ddl")
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close() //nolint:errcheck // it is in memory
	_, err = db.Exec(ddl)
	check(t, err)
	const columns = "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main'" +
		" AND table_name IN (SELECT table_name FROM duckdb_tables()) ORDER BY table_name, column_index"
	made, err := queryDB(db, columns)
	check(t, err)
	published := s.rows(columns)
	if len(made) < 150 || !slices.Equal(made, published) {
		for i := range min(len(made), len(published)) {
			if made[i] != published[i] {
				t.Errorf("tables ddl makes\n%s, published is\n%s", made[i], published[i])
				break
			}
		}
		t.Errorf("tables ddl makes %d columns, %d are published", len(made), len(published))
	}
	says(t, first(s.segments(exitOK, "tables", "ddl", "--dialect", "bigquery")), "PARTITION BY `as_of`", "CLUSTER BY `customer_id`")
	page := first(s.segments(exitOK, "tables", "markdown"))
	for _, name := range s.rows("SELECT table_name FROM duckdb_tables()") {
		says(t, page, name)
	}
	_, stderr := s.segments(exitConfig, "tables", "ddl", "--dialect", "oracle")
	says(t, stderr, `--dialect: "oracle", want duckdb or bigquery`)
}

func first(s, _ string) string { return s }

// Every command explains itself.
func TestHelp(t *testing.T) {
	t.Parallel()
	s := shop{t, t.TempDir(), today}
	n := 0
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		n++
		out, _ := s.segments(exitOK, append(slices.Clone(path), "--help")...)
		says(t, out, "Usage:", "segments")
		if c.Short == "" || !strings.Contains(out, c.Short) && !strings.Contains(out, strings.SplitN(c.Long, "\n", 2)[0]) {
			t.Errorf("%v: the help does not say what it does\n%s", path, out)
		}
		for _, sub := range c.Commands() {
			walk(sub, append(slices.Clone(path), sub.Name()))
		}
	}
	a := &app{}
	walk(a.root(), nil)
	if n < 18 {
		t.Errorf("%d commands", n)
	}
}
