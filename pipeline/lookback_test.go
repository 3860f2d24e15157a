package pipeline

import (
	"testing"
	"time"

	"segments/transforms/frame"
)

// The holdout is held against the others when its horizon is over to the microsecond, also where clocks were changed.
func TestHorizonIsOver(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		loc         *time.Location
		asOf, since string
	}{
		{time.UTC, "2026-04-09", "2026-03-10"},
		{berlin, "2026-03-28", "2026-02-26"},
		{berlin, "2026-03-29", "2026-02-26"}, // a day of 23 hours
		{berlin, "2026-04-09", "2026-03-09"},
		{berlin, "2026-04-27", "2026-03-27"},
		{berlin, "2026-04-28", "2026-03-29"},
		{berlin, "2026-10-25", "2026-09-25"}, // a day of 25 hours
		{berlin, "2026-11-09", "2026-10-10"},
	} {
		day, err := time.Parse(time.DateOnly, test.asOf)
		if err != nil {
			t.Fatal(err)
		}
		since := (&Job{Location: test.loc}).overSince(day, 30)
		if got := since.Format(time.DateOnly); got != test.since {
			t.Errorf("%s in %s: since %s, want %s", test.asOf, test.loc, got, test.since)
		}
		if over := dayEnd(since, test.loc).Add(30 * 24 * time.Hour); over.After(dayEnd(day, test.loc)) {
			t.Errorf("%s in %s: over only at %s", test.asOf, test.loc, over)
		}
		if frame.DayOf(day)-frame.DayOf(since) > 31 {
			t.Errorf("%s in %s: %s is too long ago", test.asOf, test.loc, since)
		}
	}
}
