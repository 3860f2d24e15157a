package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// everyTwelveDays makes a shop of people who buy every few days, up to the day last.
func everyTwelveDays(t *testing.T, last string) shop {
	t.Helper()
	s := shop{t, t.TempDir(), today}
	check(t, os.WriteFile(s.config(), []byte(ordersOnly), 0o644))
	copyToParquet(t, "SELECT concat(c, '-', k) AS invoice, concat('c', c) AS customer, DATE '"+last+"' - CAST(c % 12 + (9 + c % 7) * k AS INTEGER) AS date,"+
		" 20 + c % 7 + k % 3 AS total FROM range(60) AS r(c), range(20) AS k(k)", filepath.Join(s.dir, "orders.parquet"))
	return s
}

// On 2024-09-08 the clocks of Santiago go from 00:00 to 01:00: that day has no midnight. A slot is a calendar day.
func TestDayWithoutMidnight(t *testing.T) {
	t.Parallel()
	s := everyTwelveDays(t, "2024-09-08")
	s.edit("name: shop\n", "name: shop\ntimezone: America/Santiago\n")
	s.segments(exitOK, "backfill", "--from", "2024-09-07", "--to", "2024-09-09")
	for i, want := range []string{"2024-09-07 60", "2024-09-08 60", "2024-09-09 60"} {
		if got := s.rows("SELECT as_of, count(*) FROM customer_segments GROUP BY ALL ORDER BY 1")[i]; got != want {
			t.Errorf("customers by day: %s, want %s", got, want)
		}
	}
	if got := s.row("SELECT count(*) FROM runs WHERE left(run_id, 10) <> CAST(as_of AS VARCHAR)"); got != "0" {
		t.Errorf("%s runs are named after another day", got)
	}
	santiago, err := time.LoadLocation("America/Santiago")
	check(t, err)
	if got := dayBefore(time.Date(2024, 9, 9, 2, 30, 0, 0, time.UTC), santiago).Format(time.DateOnly); got != "2024-09-07" {
		t.Errorf("the day before 2024-09-08 23:30 is %s", got)
	}
}

// A backfill leaves alone what a run has published, and a run takes over what was backfilled.
func TestBackfillOfPublishedDays(t *testing.T) {
	t.Parallel()
	s := everyTwelveDays(t, day(0))
	s.publish(0)
	before := s.image()
	_, stderr := s.segments(exitOK, "backfill", "--from", day(1), "--to", day(0))
	says(t, stderr, "✓ published "+day(1), "✓ "+day(0)+" is published already")
	if got := s.row("SELECT DISTINCT as_of FROM customer_segments_current"); got != day(0) {
		t.Errorf("the current day is %s, want %s", got, day(0))
	}
	if got, want := s.image()["customer_segments_current"], before["customer_segments_current"]; got != want {
		t.Error("the backfill changed what customer_segments_current shows")
	}
}

// What retention looks back to is part of what a run depends on: a day that was filled in later changes it.
func TestRetentionSeesBackfilledDays(t *testing.T) {
	t.Parallel()
	s := everyTwelveDays(t, day(0))
	s.publish(0)
	if got := s.row("SELECT count(retention_30d) FROM segment_profiles_current"); got != "0" {
		t.Fatalf("%s profiles know of 30 days ago, which was not published", got)
	}
	s.segments(exitOK, "backfill", "--from", day(30), "--to", day(30))
	says(t, s.publish(0), "✓ published "+day(0))
	if got := s.row("SELECT count(retention_30d) > 0 FROM segment_profiles_current WHERE segmentation = 'core_segment'"); got != "true" {
		t.Error("retention is not known although 30 days ago is published")
	}
}
