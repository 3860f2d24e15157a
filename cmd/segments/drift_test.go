package main

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"segments/pipeline/demo"
)

// A calm company drifts nowhere, against yesterday's week and against last month. When all prices are three times as high
// and everybody is twenty years older, these are named, with what is made of them, and nothing else.
func TestDrift(t *testing.T) {
	t.Parallel()
	data, _ := company(t, demo.Options{Customers: 2000, Days: 500, Seed: 5})
	s := newShop(t, data, quick)
	for _, before := range []int{35, 7, 0} {
		s.publish(before)
	}
	if warned := s.rows("SELECT compared_with, name, reason FROM drift WHERE state = 'warned'"); warned != nil {
		t.Errorf("the calm company drifts: %s", strings.Join(warned, "\n"))
	}
	if n := s.row("SELECT count(DISTINCT compared_with) || ' ' || (count(*) > 150) FROM drift WHERE as_of = '" + day(0) + "'"); n != "2 true" {
		t.Errorf("days compared with, and whether there are comparisons: %s", n)
	}

	calm := s.run()
	s.now = s.now.Add(time.Hour)
	s.edit("amount: total", "amount: total * 3", "refund_amount: refund", "refund_amount: refund * 3",
		"birth_date: born", "birth_date: CAST(born AS DATE) - INTERVAL 20 YEAR")
	s.publish(0)
	want := []string{
		"feature age_years", "feature average_order_value", "feature monetary_repeat_mean", "feature monetary_total", "feature value_last_horizon",
		"parameter behavior.high_value_today", "segment_share value_tier",
	}
	if got := s.rows("SELECT DISTINCT kind, name FROM drift WHERE state = 'warned' ORDER BY ALL"); !slices.Equal(got, want) {
		t.Errorf("it drifts in\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	checks := s.rows("SELECT subject, state, detail FROM run_checks WHERE check_name = 'drift' AND run_id = '" + s.run() + "' ORDER BY ALL")
	if s.run() == calm || len(checks) != len(want)+1 || !strings.HasPrefix(checks[0], "age_years warned since 2025-06-23 (PSI ") ||
		!strings.Contains(checks[0], "the middle customer has about 76.1, before about 38.1") || !slices.ContainsFunc(checks, func(c string) bool {
		return strings.HasPrefix(c, "everything else passed ")
	}) {
		t.Errorf("the checks:\n%s", strings.Join(checks, "\n"))
	}

	db, err := sql.Open("duckdb", s.file()+"?access_mode=READ_ONLY")
	check(t, err)
	defer db.Close() //nolint:errcheck // it was only read
	rows, err := valuesOf(db, strings.ReplaceAll(movedOracle, "{day}", "DATE '"+day(0)+"'"))
	check(t, err)
	page := parsePage(t, s.read(""))
	table := page.tables["drift"]
	if table == nil || len(rows) != len(table.rows) {
		t.Fatalf("the report's table has not the %d rows of what drifted", len(rows))
	}
	for i, row := range rows {
		page.rowIsTrue(fmt.Sprintf("row %d", i), table.columns, table.rows[i], row)
	}
}
