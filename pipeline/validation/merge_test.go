package validation

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"segments/pipeline/validation/stats"
)

// Of six segments those that convert alike become one, the closest first; what is left is told apart, or too small.
func TestMerges(t *testing.T) {
	cs := []Count{
		{"high", 2000, 400, 0}, {"high too", 2100, 410, 0}, {"low", 2000, 100, 0}, {"lower", 1900, 90, 0}, {"lowest", 1800, 85, 0}, {"tiny", 10, 1, 0},
	}
	got, err := Merges(cs, 12)
	if err != nil {
		t.Fatal(err)
	}
	var steps [][2]string
	for _, m := range got {
		steps = append(steps, [2]string{m.Segment, m.Into})
		if !m.Alike || m.PValue == nil || *m.Kept < .99 {
			t.Errorf("%+v", m)
		}
	}
	if want := [][2]string{{"lowest", "lower"}, {"high", "high too"}, {"low", "lower"}}; !reflect.DeepEqual(steps, want) {
		t.Errorf("merged %v, want %v", steps, want)
	}
	got, err = Merges(cs, 2) // tiny is told from nothing, but there are too many
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; len(got) != 4 || last.Segment != "tiny" || last.Alike || last.Left != 2 {
		t.Errorf("to two: %+v", got)
	}
	for name, cs := range map[string][]Count{
		"nobody": nil, "nobody converted": {{"a", 5, 0, 0}, {"b", 7, 0, 0}}, "everybody did": {{"a", 5, 5, 0}, {"b", 7, 7, 0}}, "one": {{"a", 50, 7, 0}},
	} {
		if got, err := Merges(cs, 1); err != nil || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := Merges([]Count{{"", 5, 1, 0}}, 3); err == nil {
		t.Error("a segment without a name was merged")
	}
}

// What the steps lose adds up to what is lost, no step gains, and no more than the cap are left.
func TestMergesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cs := countsOf(t, rapid.SampledFrom([]int64{6, 80, 100_000}).Draw(t, "most"))
		most := rapid.IntRange(1, 8).Draw(t, "cap")
		got, err := Merges(cs, most)
		if err != nil {
			t.Fatal(err)
		}
		occupied, customers, converters := 0, int64(0), int64(0)
		for _, c := range cs {
			if c.Customers > 0 {
				occupied++
			}
			customers, converters = customers+c.Customers, converters+c.Converters
		}
		left, before := occupied, stats.MutualInformation(rows(cs))
		sum := 0.0
		for _, m := range got {
			left--
			sum += m.Lost
			if m.Left != left || m.Lost < 0 || m.Segment == m.Into || math.Abs(before-sum-m.Information) > 1e-9 {
				t.Fatalf("%+v after %v bits of %v were lost", m, sum, before)
			}
			if m.Kept != nil && !(*m.Kept >= 0 && *m.Kept <= 1) {
				t.Fatalf("%v is kept", *m.Kept)
			}
		}
		if converters > 0 && converters < customers && left > max(most, 1) {
			t.Fatalf("%d segments are left, %d are allowed", left, most)
		}
		again, err := Merges(rapid.Permutation(cs).Draw(t, "order"), most)
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("in another order: %+v, not %+v", again, got)
		}
	})
}

// An AUC of .52 at a base rate of .2 is a V of .028: d = .0709, times the root of .16. The test of groups that were found
// takes strong effects, however the groups are ordered, and refuses none at all.
func TestJudgeFitted(t *testing.T) {
	if v := leastV(.52, .2); math.Abs(v-.0284) > 1e-4 {
		t.Errorf("V of an AUC of .52 is %v", v)
	}
	if leastV(.5, .3) != 0 {
		t.Errorf("V of chance is %v", leastV(.5, .3))
	}
	gate := DefaultGate()
	strong := []Count{{"a", 1000, 300, 0}, {"b", 1000, 100, 0}, {"c", 1000, 200, 0}}
	none := []Count{{"a", 1000, 204, 0}, {"b", 1000, 199, 0}, {"c", 1000, 197, 0}}
	for _, c := range []struct {
		counts []Count
		want   Verdict
	}{{strong, Tells}, {none, Useless}, {[]Count{{"a", 1000, 30, 0}, {"b", 1000, 10, 0}}, NotEvaluated}, {strong[:1], NotEvaluated}} {
		for range 2 { // whatever the order
			e, err := Evaluate(c.counts, nil)
			if err != nil {
				t.Fatal(err)
			}
			if f := gate.Judge(e, true); f.Verdict != c.want || f.Reason == "" {
				t.Errorf("%v: %+v, want %s", c.counts, f, c.want)
			}
			slices.Reverse(c.counts)
		}
	}
}

// The lift of a segment is in its interval, whatever the counts.
func TestLiftRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := Evaluate(countsOf(t, rapid.SampledFrom([]int64{3, 60, 50_000}).Draw(t, "most")), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range e.Segments {
			if r := s.LiftRange; r != nil && !(r.Low >= 0 && r.Low <= *s.Lift*(1+1e-12) && *s.Lift <= r.High*(1+1e-12)) {
				t.Fatalf("lift %v in %v", *s.Lift, *r)
			}
		}
	})
	// statsmodels 0.15.0, confint_proportions_2indep(60, 200, 120, 800, compare="ratio", method="log-adjusted"), each end r as
	// r / (.2 r + .8)
	e, err := Evaluate([]Count{{"a", 200, 60, 0}, {"b", 800, 120, 0}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := e.Segments[0].LiftRange; !near(r.Low, liftLow) || !near(r.High, liftHigh) || !near(r.Value, 5./3) {
		t.Errorf("%v, want %v to %v", *r, liftLow, liftHigh)
	}
}

const liftLow, liftHigh = 1.386277072042905, 1.978230065411906
