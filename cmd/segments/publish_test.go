package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"segments/pipeline/demo"
)

// small is the company of most tests.
var small = demo.Options{Customers: 800, Days: 400, Seed: 7, Dirt: true}

func TestTheSameSlotTwice(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	says(t, s.publish(0), "✓ published "+day(0))
	first, runs := s.image(), s.row("SELECT count(*) FROM run_events")
	says(t, s.publish(0), "is published already", "nothing was done")
	same(t, "after a second run", s.image(), first)
	if again := s.row("SELECT count(*) FROM run_events"); again != runs {
		t.Errorf("%s lines in the ledger, want %s", again, runs)
	}
	s.now = lastDay.AddDate(0, 0, 1)
	_, stderr := s.segments(exitOK, "run")
	says(t, stderr, "✓ "+day(0)+" is published already") // yesterday is what is run where nothing else is said
}

// Where a naive forecast is as good, forecasts are withheld, and explaining a customer does not bring them back.
func TestWithheldForecasts(t *testing.T) {
	t.Parallel()
	s := shop{t, t.TempDir(), today}
	check(t, os.WriteFile(s.config(), []byte(ordersOnly), 0o644))
	// Everybody buys every 15, 30, 45 or 90 days: nothing is more right than that the last 90 days come again.
	copyToParquet(t, "SELECT concat(c, '-', k) AS invoice, concat('c', c) AS customer, DATE '"+day(0)+"' - CAST(c % every + every * k AS INTEGER) AS date,"+
		" 20 + c % 7 + k % 3 AS total FROM (SELECT c, [15, 30, 45, 90][1 + c % 4] AS every FROM range(400) AS r(c)), range(30) AS k(k) WHERE every * k < 450",
		filepath.Join(s.dir, "orders.parquet"))
	says(t, s.publish(0), "withheld")
	got := s.row("SELECT count(*), count(*) FILTER (clv_status = 'worse_than_naive'), count(p_alive), count(expected_orders_90d), count(clv_revenue) FROM customer_clv_current")
	if got != "400 400 0 0 0" {
		t.Errorf("customers, withheld, forecasts: %s", got)
	}
	if got := s.row("SELECT state FROM run_checks WHERE check_name = 'forecast_beats_naive' AND subject = 'clv orders'"); got != "warned" {
		t.Errorf("the check: %s", got)
	}
	out, _ := s.segments(exitOK, "explain", "customer", "c7", "-o", "csv")
	says(t, out, "clv_status,worse_than_naive")
	if strings.Contains(out, "expected_orders_90d") {
		t.Error("explain tells the forecast that is withheld")
	}
}

func TestLateData(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(1)
	s.publish(0)
	before := s.row("SELECT count(*) FILTER (as_of = '" + day(1) + "'), count(*) FILTER (as_of = '" + day(0) + "') FROM customer_segments")
	old := s.row("SELECT run_id FROM runs WHERE as_of = '" + day(0) + "'")

	// An order of somebody new comes in late.
	late := filepath.Join(s.dir, "orders.parquet")
	transform(t, filepath.Join(data, "orders.parquet"), late,
		"SELECT * FROM source UNION ALL BY NAME SELECT 'late' AS invoice, 'latecomer' AS customer, TIMESTAMP '"+day(0)+" 10:00:00' AS date, 33 AS total")
	s.edit(filepath.Join(data, "orders.parquet"), late)
	says(t, s.publish(0), "✓ published "+day(0))

	var then, now int
	_, err := fmt.Sscan(before, &then, &now)
	check(t, err)
	after := s.row("SELECT count(*) FILTER (as_of = '" + day(1) + "'), count(*) FILTER (as_of = '" + day(0) + "') FROM customer_segments")
	if want := fmt.Sprint(then, " ", now+1); after != want {
		t.Errorf("customers %s, want %s", after, want)
	}
	for _, table := range []string{"customer_segments", "customer_features", "customer_rfm", "customer_clv", "customer_clusters"} {
		got := s.row("SELECT count(*), count(DISTINCT customer_id), count(*) FILTER (customer_id = 'latecomer') FROM " + table + " WHERE as_of = '" + day(0) + "'")
		if want := fmt.Sprint(now+1, now+1, 1); got != want {
			t.Errorf("%s: rows, customers and latecomers %s, want %s", table, got, want)
		}
	}
	if n := s.row("SELECT count(*), count(DISTINCT run_id) FROM runs WHERE as_of = '" + day(0) + "' AND run_id <> '" + old + "'"); n != "1 1" {
		t.Errorf("new runs %s", n)
	}
}

// transform writes what query makes of the Parquet file from, its relation source, to the file to.
func transform(t testing.TB, from, to, query string) {
	t.Helper()
	copyToParquet(t, fmt.Sprintf("WITH source AS (SELECT * FROM read_parquet('%s')) %s", from, query), to)
}

// copyToParquet writes the result of query to the file to.
func copyToParquet(t testing.TB, query, to string) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close() //nolint:errcheck // it is in memory
	_, err = db.Exec(fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet)", query, to))
	check(t, err)
}

func TestOrderDuplicatesAndThreadsChangeNothing(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	publish := func(data, threads string) image {
		s := newShop(t, data, "")
		s.edit("threads: 1}", "threads: "+threads+"}")
		s.publish(30)
		s.publish(0)
		return s.image()
	}
	want := publish(data, "1")
	same(t, "two threads", publish(data, "2"), want)

	shuffled := t.TempDir()
	check(t, os.CopyFS(shuffled, os.DirFS(data)))
	for _, name := range []string{"customers", "orders", "web_events", "email_events", "conversions", "touchpoints", "costs", "experiments"} {
		transform(t, filepath.Join(data, name+".parquet"), filepath.Join(shuffled, name+".parquet"),
			"SELECT * FROM (SELECT * FROM source UNION ALL SELECT * FROM source WHERE hash(source) % 10 = 0) ORDER BY hash(COLUMNS(*)), random()")
	}
	same(t, "shuffled, and every tenth row twice", publish(shuffled, "2"), want)
}

func TestHistory(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(10)
	s.publish(0)
	current := func() image {
		m, err := imageOf(s.file(), "table_name LIKE '%_current' OR table_name = 'segment_definitions'")
		check(t, err)
		return m
	}
	id := func(daysBefore int, what string) string {
		return s.row("SELECT " + what + " FROM runs WHERE state = 'PUBLISHED' AND as_of = '" + day(daysBefore) + "'")
	}
	before := current()

	says(t, s.publish(5), "✓ published "+day(5)) // a late older slot
	same(t, "after a late older slot", current(), before)
	if got, want := id(5, "previous_run"), id(10, "run_id"); got != want {
		t.Errorf("the late slot builds on %s, want %s", got, want)
	}
	if got, want := id(0, "previous_run"), id(10, "run_id"); got != want {
		t.Errorf("the newest slot builds on %s, want %s", got, want)
	}

	s.now = today.AddDate(0, 0, 1)
	says(t, s.publish(-3, "--backfill"), "✓ published "+day(-3)) // a newer date, but history
	same(t, "after a backfill", current(), before)

	s.segments(exitOK, "backfill", "--from", day(12), "--to", day(11))
	same(t, "after backfills", current(), before)
	got := strings.Join(s.rows("SELECT as_of, backfill FROM runs WHERE state = 'PUBLISHED' ORDER BY as_of"), ", ")
	want := fmt.Sprintf("%s true, %s true, %s false, %s false, %s false, %s true", day(12), day(11), day(10), day(5), day(0), day(-3))
	if got != want {
		t.Errorf("published %s, want %s", got, want)
	}
	if got := s.row("SELECT count(DISTINCT as_of) FROM customer_segments"); got != "6" {
		t.Errorf("%s dates in customer_segments, want 6", got)
	}

	s.publish(-1) // builds on the newest before it, and shows in the _current views
	if got, want := id(-1, "previous_run"), id(0, "run_id"); got != want {
		t.Errorf("the next run builds on %s, want %s", got, want)
	}
	if got := s.row("SELECT min(as_of), max(as_of) FROM customer_segments_current"); got != day(-1)+" "+day(-1) {
		t.Errorf("current is %s", got)
	}
	// Since when is the first of the published days in a row, those that were filled in behind included.
	bad := s.rows(`WITH days AS (SELECT DISTINCT as_of FROM customer_segments WHERE as_of <= '` + day(-1) + `'),
		others AS (
			SELECT n.customer_id, n.core_segment_since, max(d.as_of) FILTER (p.core_segment IS DISTINCT FROM n.core_segment) AS last_other
			FROM customer_segments AS n CROSS JOIN days AS d
			LEFT JOIN customer_segments AS p ON p.customer_id = n.customer_id AND p.as_of = d.as_of
			WHERE n.as_of = '` + day(-1) + `' GROUP BY ALL
		)
		SELECT customer_id, core_segment_since, last_other FROM others
		WHERE core_segment_since IS DISTINCT FROM (SELECT min(as_of) FROM days WHERE last_other IS NULL OR as_of > last_other)`)
	if bad != nil {
		t.Errorf("core_segment_since: %d wrong, first %s", len(bad), bad[0])
	}
	s.historyIsPublished()
	kept := s.row("SELECT count(*) FILTER (core_segment_since = '" + day(12) + "') > 100, min(core_segment_since) FROM customer_segments_current")
	if kept != "true "+day(12) {
		t.Errorf("core_segment_since is not carried over: %s", kept)
	}
}
