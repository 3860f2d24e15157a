package validation

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// scipy 1.18.1: of (a, k, e, n) the p-value is that of
//
//	t = [[a, k-a], [e-a, n-k-(e-a)]]; stats.chi2_contingency(t, correction=False)
//
// or, where its least expected frequency is under 5, of stats.fisher_exact(t); the q-values are those of
// multipletests(ps, method="fdr_bh") in statsmodels 0.15.0.
func TestTraits(t *testing.T) {
	cases := []struct {
		Trait
		p, q    float64
		verdict Verdict
	}{
		{Trait{60, 100, 300, 1000}, 5.17630905699014e-12, 2.070523622796056e-11, More},
		{Trait{35, 100, 300, 1000}, 0.2500988706139202, 0.2858272807016231, NotProven}, // by chance
		{Trait{50, 200, 400, 1000}, 1.2903844524871997e-06, 2.5807689049743994e-06, Less},
		{Trait{3, 10, 20, 400}, 0.010284078570025995, 0.016454525712041593, More},                     // of few: Fisher's test
		{Trait{120, 1000, 1000, 10000}, 0.026268291382042237, 0.03502438850938965, More},              // the lift is 1.2 exactly
		{Trait{1199, 10000, 10000, 100000}, 2.7071048456116663e-12, 2.070523622796056e-11, NotProven}, // proven, and small
		{Trait{1000, 10000, 12000, 100000}, 8.727743502185935e-11, 2.3273982672495828e-10, Less},      // the lift is 1/1.2 exactly
		{Trait{99, 1000, 1000, 10000}, 0.9115282379093772, 0.9115282379093772, NotProven},
	}
	ts := make([]Trait, len(cases))
	for i, c := range cases {
		ts[i] = c.Trait
	}
	got, err := Traits(ts)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		r := got[i]
		if !near(*r.PValue, c.p) || !near(*r.QValue, c.q) || r.Verdict != c.verdict {
			t.Errorf("%v: p %v, q %v, %s; want %v, %v, %s", c.Trait, *r.PValue, *r.QValue, r.Verdict, c.p, c.q, c.verdict)
		}
	}
	if r := got[0]; r.Share != .6 || r.ShareEverybody != .3 || r.Lift != 2 {
		t.Errorf("60 of 100, and 300 of 1000 with everybody, are %+v", r)
	}
}

// Where there is nothing to test against, nothing is proven, and the rest is tested as if it were not there.
func TestTraitsWithoutOthers(t *testing.T) {
	tested := Trait{60, 100, 300, 1000}
	got, err := Traits([]Trait{{40, 100, 40, 100}, tested, {100, 100, 150, 150}})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 2} {
		if r := got[i]; r.PValue != nil || r.QValue != nil || r.Verdict != NotProven || r.Lift != 1 {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if r := got[1]; *r.QValue != *r.PValue || r.Verdict != More {
		t.Errorf("the tested one: %+v", r)
	}
	if got, err := Traits(nil); err != nil || len(got) != 0 {
		t.Errorf("of nothing: %v, %v", got, err)
	}
}

func TestTraitsContradictory(t *testing.T) {
	for _, bad := range []Trait{
		{3, 2, 3, 10}, // more than known
		{-1, 2, 3, 10},
		{0, 0, 3, 10}, // known of nobody
		{0, 5, 0, 10}, // nobody has it
		{3, 5, 2, 10}, // more than everybody
		{1, 5, 7, 10}, // six of five others
		{1, 5, 1, 4},  // more known than of everybody
		{1, 5, 1, -4000000},
	} {
		if _, err := Traits([]Trait{bad}); err == nil || !strings.Contains(err.Error(), "in a segment cannot be among") {
			t.Errorf("%v: error %v", bad, err)
		}
	}
}

// Whatever the counts: shares are shares, a verdict has the evidence it needs and says the direction, and the order of the
// traits changes no bit.
func TestTraitsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Trait {
			known, others := rapid.Int64Range(1, 5_000_000).Draw(t, "known"), rapid.Int64Range(0, 5_000_000).Draw(t, "others")
			n := rapid.Int64Range(0, known).Draw(t, "n")
			return Trait{n, known, max(1, n+rapid.Int64Range(0, others).Draw(t, "of others")), max(known+others, known)}
		}), 0, 20).Draw(t, "traits")
		ts = slices.DeleteFunc(ts, func(t Trait) bool { return t.Everybody-t.Customers > t.KnownEverybody-t.Known })
		got, err := Traits(ts)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range got {
			if !(r.Share >= 0 && r.Share <= 1) || !(r.ShareEverybody > 0 && r.ShareEverybody <= 1) || !(r.Lift >= 0) || math.IsInf(r.Lift, 0) {
				t.Fatalf("%v: %+v", ts[i], r)
			}
			if (r.PValue == nil) != (r.QValue == nil) || r.PValue != nil && !(*r.PValue >= 0 && *r.PValue <= *r.QValue && *r.QValue <= 1) {
				t.Fatalf("%v: p and q of %+v", ts[i], r)
			}
			const slack = 1e-12 // the verdict compares whole numbers, the lift is rounded
			switch proven := r.QValue != nil && *r.QValue <= .05; {
			case r.Verdict == More && !(proven && r.Lift >= 1.2-slack),
				r.Verdict == Less && !(proven && r.Lift <= 1/1.2+slack),
				r.Verdict == NotProven && proven && (r.Lift > 1.2+slack || r.Lift < 1/1.2-slack):
				t.Fatalf("%v: %+v", ts[i], r)
			}
		}
		perm := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)).Perm(len(ts))
		shuffled := make([]Trait, len(ts))
		for i, at := range perm {
			shuffled[i] = ts[at]
		}
		again, err := Traits(shuffled)
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range perm {
			a, b := again[i], got[at]
			if a.Share != b.Share || a.Lift != b.Lift || a.Verdict != b.Verdict || (a.QValue == nil) != (b.QValue == nil) || a.QValue != nil && *a.QValue != *b.QValue {
				t.Fatalf("%v: %+v in one order, %+v in another", ts[at], b, a)
			}
		}
	})
}

// The segment and the rest are judged alike: what is more common here is less common there.
func TestTraitsOfTwoSegments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n1, n2 := rapid.Int64Range(1, 100000).Draw(t, "n1"), rapid.Int64Range(1, 100000).Draw(t, "n2")
		k1, k2 := rapid.Int64Range(0, n1).Draw(t, "k1"), rapid.Int64Range(0, n2).Draw(t, "k2")
		if k1+k2 == 0 || k1+k2 == n1+n2 {
			return
		}
		got, err := Traits([]Trait{{k1, n1, k1 + k2, n1 + n2}, {k2, n2, k1 + k2, n1 + n2}})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := got[0], got[1]; math.Abs(*a.PValue-*b.PValue) > 1e-6**a.PValue+1e-300 || a.Verdict != NotProven && a.Verdict == b.Verdict {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
}
