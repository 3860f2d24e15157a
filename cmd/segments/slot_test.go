package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// with makes an app that believes to be at a time, in an environment.
func with(now time.Time, environment map[string]string) *app {
	return &app{
		out: io.Discard, err: &strings.Builder{}, now: func() time.Time { return now },
		getenv: func(name string) string { return environment[name] },
	}
}

// jobOf is the name that Kubernetes gives the Job of the CronJob called segments for a time.
func jobOf(at time.Time) string { return fmt.Sprintf("segments-%d", at.Unix()/60) }

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse("2006-01-02T15:04Z", s)
	check(t, err)
	return v
}

func TestSlotOfJob(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ zone, scheduled, now, want string }{
		{"UTC", "2026-11-21T03:17Z", "2026-11-21T03:17Z", "2026-11-20"},
		// However late, and however often it is tried again.
		{"UTC", "2026-11-21T03:17Z", "2026-11-21T23:59Z", "2026-11-20"},
		{"UTC", "2026-11-21T23:50Z", "2026-11-22T00:10Z", "2026-11-20"},
		{"UTC", "2026-11-21T03:17Z", "2026-12-24T00:00Z", "2026-11-20"},
		// The node's clock is behind.
		{"UTC", "2026-11-21T00:01Z", "2026-11-20T23:58Z", "2026-11-20"},
		// The date is that of the configured time zone.
		{"Europe/Berlin", "2026-11-20T23:30Z", "2026-11-20T23:30Z", "2026-11-20"},
		{"Europe/Berlin", "2026-11-20T22:30Z", "2026-11-20T22:30Z", "2026-11-19"},
		{"America/Los_Angeles", "2026-11-22T03:17Z", "2026-11-22T03:17Z", "2026-11-20"},
		{"Pacific/Kiritimati", "2026-11-20T10:00Z", "2026-11-20T10:00Z", "2026-11-20"},
		// Leap years.
		{"UTC", "2028-03-01T03:17Z", "2028-03-01T03:17Z", "2028-02-29"},
		{"UTC", "2028-02-29T03:17Z", "2028-02-29T03:17Z", "2028-02-28"},
		{"UTC", "2027-03-01T03:17Z", "2027-03-01T03:17Z", "2027-02-28"},
		{"UTC", "2028-02-29T23:50Z", "2028-03-01T00:10Z", "2028-02-28"},
		// In Berlin the clocks go from 02:00 to 03:00 on 2026-03-29 and back from 03:00 to 02:00 on 2026-10-25.
		{"Europe/Berlin", "2026-03-28T22:59Z", "2026-03-28T22:59Z", "2026-03-27"},
		{"Europe/Berlin", "2026-03-28T23:00Z", "2026-03-28T23:00Z", "2026-03-28"},
		{"Europe/Berlin", "2026-03-29T01:30Z", "2026-03-29T01:30Z", "2026-03-28"},
		{"Europe/Berlin", "2026-03-29T21:59Z", "2026-03-29T21:59Z", "2026-03-28"},
		{"Europe/Berlin", "2026-03-29T22:00Z", "2026-03-29T22:00Z", "2026-03-29"},
		{"Europe/Berlin", "2026-10-25T00:30Z", "2026-10-25T00:30Z", "2026-10-24"},
		{"Europe/Berlin", "2026-10-25T01:30Z", "2026-10-25T01:30Z", "2026-10-24"},
		{"Europe/Berlin", "2026-10-25T23:00Z", "2026-10-25T23:00Z", "2026-10-25"},
		// In Santiago 2024-09-08 had no midnight.
		{"America/Santiago", "2024-09-08T04:00Z", "2024-09-08T04:00Z", "2024-09-07"},
		{"America/Santiago", "2024-09-09T03:00Z", "2024-09-09T03:00Z", "2024-09-08"},
	} {
		loc, err := time.LoadLocation(tc.zone)
		check(t, err)
		a := with(at(t, tc.now), map[string]string{jobNameVariable: jobOf(at(t, tc.scheduled))})
		if got := a.slot(loc).Format(time.DateOnly); got != tc.want {
			t.Errorf("scheduled %s in %s, started %s: %s, want %s", tc.scheduled, tc.zone, tc.now, got, tc.want)
		}
		says(t, a.err.(*strings.Builder).String(), `"as_of":"`+tc.want+`"`, "scheduled time")
	}
}

// A schedule in UTC that keeps away from midnight names every day once, whatever the clocks of the zone do.
func TestSlotsOfAScheduleAreConsecutive(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		loc, err := time.LoadLocation(zone)
		check(t, err)
		var last time.Time
		for day := range 4 * 366 {
			scheduled := time.Date(2026, time.January, 1+day, 10, 17, 0, 0, time.UTC)
			got := with(scheduled, map[string]string{jobNameVariable: jobOf(scheduled)}).slot(loc)
			if day > 0 && !got.Equal(last.AddDate(0, 0, 1)) {
				t.Fatalf("%s: scheduled %s: %s comes after %s", zone, scheduled, got.Format(time.DateOnly), last.Format(time.DateOnly))
			}
			last = got
		}
	}
}

func TestSlotWithoutScheduledTime(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-22T03:00Z")
	for _, job := range []string{
		"manual-1", "segments", "segments-", "-29711000", "29711000", "segments-2971100x", "segments-+29711000", "segments-029711000",
		"segments--29711000x", "segments-0", "segments-99999999999999999999", "segments-1795314000", // seconds
		"backfill-20261120", "segments-20200101", "segments-20991231", // days
		fmt.Sprintf("segments-%d", minute2020-1), fmt.Sprintf("segments-%d", minute2100), jobOf(now.AddDate(0, 0, 2)),
	} {
		a := with(now, map[string]string{jobNameVariable: job})
		if got := a.slot(time.UTC).Format(time.DateOnly); got != "2026-11-21" {
			t.Errorf("%s: %s, want yesterday", job, got)
		}
		says(t, a.err.(*strings.Builder).String(), "ends in no scheduled time", job)
	}
	if got, ok := scheduledTime("a-2-29711000"); !ok || got != time.Unix(29711000*60, 0).UTC() {
		t.Errorf("a CronJob called a-2: %v %v", got, ok)
	}
	for minute, want := range map[int64]string{minute2020: "2020-01-01T00:00:00Z", minute2100: "2100-01-01T00:00:00Z"} {
		if got := time.Unix(minute*60, 0).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%d is %s, want %s", minute, got, want)
		}
	}
	for _, a := range []*app{with(now, nil), {now: with(now, nil).now}} { // no Kubernetes, no environment
		if got := a.slot(time.UTC).Format(time.DateOnly); got != "2026-11-21" {
			t.Errorf("without a Job: %s, want yesterday", got)
		}
	}
}

// in runs the command on the shop in an environment and wants the exit code.
func (s shop) in(environment map[string]string, code int, args ...string) (stderr string) {
	s.Helper()
	a := with(s.now, environment)
	got := a.main(context.Background(), append(args, "-c", s.config()))
	stderr = a.err.(*strings.Builder).String()
	if got != code {
		s.Fatalf("segments %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, stderr)
	}
	return withoutLog(stderr)
}

func TestRunOfAJob(t *testing.T) {
	t.Parallel()
	s := everyTwelveDays(t, day(0))
	job := map[string]string{jobNameVariable: jobOf(lastDay.Add(47 * time.Hour))} // 23:00 of the day after
	s.now = lastDay.Add(47 * time.Hour)
	says(t, s.in(job, exitOK, "run", "--dry-run"), "dry run of "+day(0))
	s.now = lastDay.Add(49 * time.Hour) // the second try is after midnight
	says(t, s.in(job, exitOK, "run"), "✓ published "+day(0))
	says(t, s.in(job, exitOK, "run"), "✓ "+day(0)+" is published already")
	says(t, s.in(job, exitOK, "run", "--as-of", day(3), "--dry-run"), "dry run of "+day(3))
}

func TestBackfillByIndex(t *testing.T) {
	t.Parallel()
	s := everyTwelveDays(t, day(0))
	backfill := []string{"backfill", "--from", day(2), "--to", day(0)}
	for _, tc := range []struct{ flag, variable, want string }{
		{"3", "", `--index: 3 is after --to ` + day(0) + `, the day of index 2: a Job wants as many completions as there are days, 3`},
		{"", "3", `JOB_COMPLETION_INDEX: 3 is after --to `},
		{"-1", "", `--index: "-1" is no index`},
		{"", "first", `JOB_COMPLETION_INDEX: "first" is no index`},
		{"99999999999999999999", "0", `is no index`},
	} {
		args := backfill
		if tc.flag != "" {
			args = append(args[:len(args):len(args)], "--index", tc.flag)
		}
		says(t, s.in(map[string]string{indexVariable: tc.variable}, exitConfig, args...), tc.want)
	}
	says(t, s.in(map[string]string{indexVariable: "0"}, exitOK, backfill...), "✓ published "+day(2))
	says(t, s.in(map[string]string{indexVariable: "0"}, exitOK, append(backfill, "--index", "2")...), "✓ published "+day(0))
	if got := s.rows("SELECT DISTINCT as_of FROM customer_segments ORDER BY 1"); len(got) != 2 || got[0] != day(2) || got[1] != day(0) {
		t.Errorf("published days %v, want %s and %s", got, day(2), day(0))
	}
}
