package pipeline

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segments/transforms/frame"
)

// weeksOf are the weeks of a source that has so many rows on each of the days from first to last.
func weeksOf(first, last, aDay int64) []week {
	var out []week
	for d := first; d <= last; d++ {
		if n := len(out); n > 0 && out[n-1].day == d-d%7 {
			out[n-1].rows += aDay
			out[n-1].amount += aDay * 250_000
			continue
		}
		out = append(out, week{d - d%7, aDay, aDay * 250_000})
	}
	return out
}

// volumeChecks are the checks that the rows of a source get. day is that of the run, and apart how long ago the one before was.
func volumeChecks(day, apart int64, before, now []week, first int64) []Check {
	r := &run{Job: &Job{}, prev: generation{"before", frame.TimeOf(frame.Day(day - apart))}}
	v := volume{before: before, now: now, first: first - first%7}
	r.auditVolume("orders", v.compare(apart), before != nil)
	r.auditAmounts(v.compare(apart))
	return r.checks
}

// A source that is a window of the last days has lost nothing when it slides, however far the runs are apart; one of which rows
// are gone has.
func TestHistoryOfSources(t *testing.T) {
	const day = 20_000
	for _, apart := range []int64{1, 7, 30} {
		for _, window := range []int64{14, 35, 90, 730} {
			prev := day - apart
			before := weeksOf(prev-window+1, prev, 10)
			state := func(now []week, first int64) CheckState { return volumeChecks(day, apart, before, now, first)[0].State }

			switch got := state(weeksOf(day-window+1, prev, 10), day-window+1); {
			case got == Passed:
			case got == NotEvaluated && window-apart < 2*fullWeek+fewRows/10: // hardly a whole week is in both
			default:
				t.Errorf("window of %d days, runs %d apart: %s", window, apart, got)
			}
			if got := state(weeksOf(prev-window+1, prev, 10), prev-window+1); got != Passed {
				t.Errorf("nothing has changed in %d days, runs %d apart: %s", window, apart, got)
			}
			if got := state(weeksOf(prev-window+1, prev, 4), prev-window+1); got != Failed {
				t.Errorf("60 %% of the rows are gone of %d days, runs %d apart: %s", window, apart, got)
			}
			if got := state(weeksOf(prev-window+1, prev, 7), prev-window+1); got != Warned {
				t.Errorf("30 %% of the rows are gone of %d days, runs %d apart: %s", window, apart, got)
			}
			if got := state(weeksOf(prev-window+1, prev, 13), prev-window+1); got != Warned {
				t.Errorf("30 %% more rows of %d days, runs %d apart: %s", window, apart, got)
			}
			if window == 730 {
				if got := state(weeksOf(prev-90, prev, 10), prev-90); got != Failed {
					t.Errorf("all but the last 90 days are gone, runs %d apart: %s", apart, got)
				}
				if got := state(weeksOf(day-window+1, prev, 4), day-window+1); got != Failed {
					t.Errorf("60 %% are gone of a window that slid, runs %d apart: %s", apart, got)
				}
				if got := state(nil, day); got != Failed {
					t.Errorf("nothing before today is left, runs %d apart: %s", apart, got)
				}
			}
		}
	}
}

// What no segment is made of may go: that warns.
func TestHistoryBesides(t *testing.T) {
	for source, want := range map[string]CheckState{
		"orders": Failed, "customers": Failed, "conversions": Failed, "experiments": Warned, "touchpoints": Warned, "costs": Warned,
	} {
		r := &run{Job: &Job{}}
		r.auditVolume(source, comparison{before: week{rows: 100}, now: week{rows: 10}}, true)
		if got := r.checks[0].State; got != want {
			t.Errorf("%s lost 90 %% of its rows: %s, want %s", source, got, want)
		}
		r.limit(checkRejected, source, 90, 100, 0.05, "quality.max_rejected", "were put aside")
		if got := r.checks[1].State; got != want {
			t.Errorf("90 %% of the rows of %s were put aside: %s, want %s", source, got, want)
		}
	}
}

// Rows without a day are compared all together, and that there are more of them is no surprise.
func TestHistoryWithoutDays(t *testing.T) {
	for now, want := range map[int64]CheckState{1000: Passed, 1900: Passed, 700: Warned, 499: Failed} {
		got := volumeChecks(20_000, 7, []week{{0, 1000, 0}}, []week{{0, now, 0}}, 0)[0]
		if got.State != want {
			t.Errorf("%d of 1000 rows: %s, want %s", now, got.State, want)
		}
	}
}

func TestFewRowsSayNothing(t *testing.T) {
	for _, before := range [][]week{nil, {{0, 19, 0}}} {
		if got := volumeChecks(20_000, 7, before, []week{{0, 1, 0}}, 0)[0]; got.State != NotEvaluated {
			t.Errorf("%v before: %+v", before, got)
		}
	}
}

func TestAmounts(t *testing.T) {
	before := weeksOf(19_000, 19_999, 5)
	for factor, want := range map[int64]CheckState{100: Warned, 1: Passed} {
		now := weeksOf(19_000, 19_999, 5)
		for i := range now {
			now[i].amount *= factor
		}
		checks := volumeChecks(20_000, 1, before, now, 19_000)
		if len(checks) != 2 || checks[1].Name != checkAmounts || checks[1].State != want {
			t.Errorf("amounts are %d times what they were: %+v", factor, checks)
		}
		if factor == 100 && !strings.Contains(checks[1].Detail, "2500.00 on average, 25.00 when") {
			t.Errorf("detail %q", checks[1].Detail)
		}
	}
	// Half of the rows are worth what they were.
	if got := volumeChecks(20_000, 1, before, weeksOf(19_000, 19_999, 2), 19_000)[1]; got.State != Passed {
		t.Errorf("%+v", got)
	}
}

func TestRecentRows(t *testing.T) {
	for _, c := range []struct {
		spans [spansBack + 1]int64
		want  CheckState // empty: nothing is said
	}{
		{[...]int64{100, 100, 100, 100, 100}, Passed},
		{[...]int64{49, 100, 400, 100, 900}, Warned},
		{[...]int64{51, 100, 400, 100, 900}, Passed},
		{[...]int64{0, 60, 60, 60, 60}, Warned},
		{[...]int64{0, 49, 60, 60, 60}, ""},
		{[...]int64{0, 100_000, 0, 0, 0}, ""}, // a newsletter now and then
	} {
		r := &run{Job: &Job{}}
		r.auditRecent("orders", c.spans, 7)
		var got CheckState
		if r.checks != nil {
			got = r.checks[0].State
		}
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.spans, got, c.want)
		}
	}
	for days, want := range map[int64]int64{1: 7, 7: 7, 8: 14, 30: 35} {
		if got := spanStep(days); got != want {
			t.Errorf("spans of %d days are %d apart, want %d", days, got, want)
		}
	}
}

// Where nothing is gone and nothing is new, nothing is said, wherever the source begins.
func TestHistoryOfTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.Int64Range(10_000, 30_000).Draw(t, "day")
		apart := rapid.Int64Range(1, 60).Draw(t, "apart")
		prev := day - apart
		first := rapid.Int64Range(prev-900, prev).Draw(t, "first")
		slid := first + rapid.Int64Range(0, min(apart, prev-first)).Draw(t, "slid")
		aDay := rapid.Int64Range(1, 50).Draw(t, "rows")
		for _, c := range volumeChecks(day, apart, weeksOf(first, prev, aDay), weeksOf(slid, prev, aDay), slid) {
			if c.State != Passed && c.State != NotEvaluated {
				t.Fatalf("from %d, then from %d, to %d: %+v", first, slid, prev, c)
			}
		}
	})
}

func TestShares(t *testing.T) {
	sizes := func(a, b, c int64) []SegmentSize { return []SegmentSize{{"a", a}, {"b", b}, {"c", c}} }
	for _, c := range []struct {
		name        string
		before, now []SegmentSize
		want        CheckState
		detail      string
	}{
		{"alike", sizes(100, 200, 700), sizes(120, 190, 690), Passed, "no segment"},
		{"large", sizes(100, 200, 700), sizes(20, 40, 940), Passed, "no segment"},
		{"swallowed", sizes(100, 200, 700), sizes(10, 20, 970), Failed, "c has 97.0 % of all customers, 70.0 % before"},
		{"swallowed by a new one", sizes(100, 200, 0), []SegmentSize{{"d", 300}}, Failed, "d has 100.0 % of all customers, 0.0 % before"},
		{"was so before", sizes(0, 10, 990), sizes(0, 20, 980), Passed, "no segment"},
		{"nobody before", nil, sizes(0, 0, 980), Passed, "no segment"},
	} {
		r := &run{Job: &Job{CoreSegment: "core_segment"}}
		of := func(s SegmentSize) int64 { return s.Customers }
		r.auditShares(c.before, c.now, total(c.before, of), total(c.now, of))
		if len(r.checks) != 1 || r.checks[0].State != c.want || !strings.Contains(r.checks[0].Detail, c.detail) {
			t.Errorf("%s: %+v", c.name, r.checks)
		}
	}
}

// Of the weeks up to a day only those that end by it are compared; rows without a day belong to none.
func TestUpTo(t *testing.T) {
	ws := []week{{0, 5, 0}, {7, 1, 0}, {14, 2, 0}, {21, 4, 0}}
	for day, rows := range map[int64]int64{12: 0, 13: 1, 20: 3, 26: 3, 27: 7} {
		if got := total(upTo(day, ws), func(w week) int64 { return w.rows }); got != rows {
			t.Errorf("up to day %d: %d rows, want %d", day, got, rows)
		}
	}
}

// Two runs that lost 40 % each were published with a warning each: of what was there before both, more than half is gone.
func TestErosionIsMoreThanItsSteps(t *testing.T) {
	const far, prev = 19_999, 20_030
	at := func(aDay int64) []week { return weeksOf(19_700, prev, aDay) }
	since := volume{before: at(60), now: at(36), first: 19_698}
	long := volume{before: upTo(far, at(100)), now: upTo(far, at(36)), first: 19_698}
	if halved(since.compare(1)) || !halved(long.compare(prev+1-far)) {
		t.Errorf("since the run before %+v, since the far one %+v", since.compare(1), long.compare(prev+1-far))
	}
}
