package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// near reports whether got is want to a relative 1e-9, or to an absolute 1e-12.
func near(got, want float64) bool {
	return math.Abs(got-want) <= 1e-9*math.Abs(want)+1e-12
}

// statsmodels 0.15.0, proportion_confint(k, n, method="wilson"). The rows of 263, 148, 20 and 29 are Newcombe's,
// "Two-Sided Confidence Intervals for the Single Proportion", Statistics in Medicine 17 (1998), table I, method 3.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      int64
		low, high float64
	}{
		{0, 10, 0, .27753279986288926},
		{1, 10, .017876213095072924, .40415002679523854},
		{10, 10, .7224672001371106, 1},
		{81, 263, .2552885198782742, .36620957698280004},
		{15, 148, .06238639953073628, .16048724172330803},
		{0, 20, 0, .1611251580528194},
		{1, 29, .006113214292762667, .17175521879320294},
		{3, 5000000, 2.040541661769987e-07, 1.7642360857406366e-06},
	} {
		if got := Wilson(c.k, c.n); !near(got.Low, c.low) || !near(got.High, c.high) || got.Value != float64(c.k)/float64(c.n) {
			t.Errorf("Wilson(%d, %d) = %v, want %v to %v", c.k, c.n, got, c.low, c.high)
		}
	}
}

// scipy 1.17.1, stats.fisher_exact([[x1, n1-x1], [x2, n2-x2]]).pvalue (3 of 4 against 1 of 4 is Fisher's lady tasting
// tea: 17/35), and statsmodels 0.15.0, proportions_ztest([x1, x2], [n1, n2]).
func TestTwoProportions(t *testing.T) {
	for _, c := range []struct {
		x1, n1, x2, n2 int64
		p              float64
		test           string
	}{
		{8, 10, 1, 6, 0.034965034965034975, "fisher"},
		{3, 4, 1, 4, 0.48571428571428565, "fisher"},
		{2, 1000, 12, 3000, 0.5388657813237858, "fisher"},
		{4, 100, 4999, 4999900, 3.6360989748274454e-06, "fisher"},
		{1, 1, 3, 10, 0.36363636363636365, "fisher"},
		{10, 100, 50, 900, 0.07582986134045121, "z"},
		{120, 1000, 90, 1000, 0.028650240398448473, "z"},
		{30, 200, 400, 4000, 0.0228264169143928, "z"},
		{900, 1000, 700, 1000, 5.08946897381411e-29, "z"},
		{60000, 1000000, 300000, 4000000, 0, "z"},
		{0, 0, 3, 10, 0, ""},
		{3, 10, 0, 0, 0, ""},
		{0, 5, 0, 10, 0, ""},
		{5, 5, 10, 10, 0, ""},
	} {
		p, test := TwoProportions(c.x1, c.n1, c.x2, c.n2)
		if !near(p, c.p) || test != c.test {
			t.Errorf("%d of %d against %d of %d: p = %v by %q, want %v by %q", c.x1, c.n1, c.x2, c.n2, p, test, c.p, c.test)
		}
		if q, _ := TwoProportions(c.x2, c.n2, c.x1, c.n1); !near(q, p) {
			t.Errorf("%d of %d against %d of %d: p = %v one way and %v the other", c.x1, c.n1, c.x2, c.n2, p, q)
		}
	}
}

func TestFisherIsAProbability(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n1 := rapid.Int64Range(1, 5_000_000).Draw(t, "n1")
		n2 := rapid.Int64Range(1, 5_000_000).Draw(t, "n2")
		k := rapid.Int64Range(1, min(200, n1+n2)).Draw(t, "k")
		lo, hi := max(0, k-n2), min(k, n1)
		x := rapid.Int64Range(lo, hi).Draw(t, "x")
		p := fisher(x, n1, n2, k)
		if !(p >= 0 && p <= 1) {
			t.Fatalf("p = %v", p)
		}
		if q := fisher(k-x, n2, n1, k); math.Abs(p-q) > 1e-6*p+1e-300 { // the slack may take one table more
			t.Fatalf("p = %v one way and %v the other", p, q)
		}
	})
}

// The fifteen p-values of Benjamini & Hochberg (1995), section 3.2, of which they reject four at .05;
// q-values by statsmodels 0.15.0, multipletests(p, method="fdr_bh").
func TestBenjaminiHochberg(t *testing.T) {
	ps := []float64{.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1}
	want := []float64{
		.0015, .003, .0095, .035625, .0603, .06385714285714286, .06385714285714286, .0645, .0765,
		.486, .5811818181818182, .714875, .7532307692307693, .8132142857142857, 1,
	}
	perm := rand.New(rand.NewPCG(1, 2)).Perm(len(ps))
	shuffled := make([]float64, len(ps))
	for i, at := range perm {
		shuffled[i] = ps[at]
	}
	for i, q := range BenjaminiHochberg(shuffled) {
		if !near(q, want[perm[i]]) {
			t.Errorf("q of %v is %v, want %v", shuffled[i], q, want[perm[i]])
		}
	}
	if got := BenjaminiHochberg(nil); len(got) != 0 {
		t.Errorf("q-values of nothing: %v", got)
	}
}

// DeLong's components taken literally: every converter against every other customer.
func TestAUCAgreesWithPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var groups []Group
		var pos, neg []float64
		for range rapid.IntRange(0, 8).Draw(t, "groups") {
			g := Group{float64(rapid.IntRange(0, 5).Draw(t, "score")), rapid.Int64Range(0, 12).Draw(t, "converted"), rapid.Int64Range(0, 25).Draw(t, "rest")}
			groups = append(groups, g)
			pos = append(pos, slices.Repeat([]float64{g.Score}, int(g.Converted))...)
			neg = append(neg, slices.Repeat([]float64{g.Score}, int(g.Rest))...)
		}
		if len(pos) < 2 || len(neg) < 2 {
			t.Skip("no variance")
		}
		v10, v01 := make([]float64, len(pos)), make([]float64, len(neg))
		for i, x := range pos {
			for j, y := range neg {
				psi := 0.
				switch {
				case x > y:
					psi = 1
				case x == y:
					psi = .5
				}
				v10[i] += psi / float64(len(neg))
				v01[j] += psi / float64(len(pos))
			}
		}
		m1, var1 := meanVariance(v10)
		_, var0 := meanVariance(v01)
		half := 1.959963984540054 * math.Sqrt(var1/float64(len(pos))+var0/float64(len(neg)))
		want := Estimate{m1, max(0, m1-half), min(1, m1+half)}
		got, ok := AUC(groups)
		if !ok {
			t.Fatalf("no AUC of %v", groups)
		}
		if math.Abs(got.Value-want.Value)+math.Abs(got.Low-want.Low)+math.Abs(got.High-want.High) > 1e-7 {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func meanVariance(xs []float64) (mean, variance float64) {
	for _, x := range xs {
		mean += x / float64(len(xs))
	}
	for _, x := range xs {
		variance += (x - mean) * (x - mean) / float64(len(xs)-1)
	}
	return mean, variance
}

// Where there is nothing to tell, nothing is told.
func TestNotDefined(t *testing.T) {
	none, alone, all := [][2]int64{{0, 5}, {0, 7}}, [][2]int64{{3, 5}, {0, 0}}, [][2]int64{{3, 0}, {9, 0}}
	for name, rows := range map[string][][2]int64{"nothing": nil, "nobody converted": none, "one row": alone, "everybody converted": all} {
		chi, ok := ChiSquare(rows)
		v, ok2 := CramersV(rows)
		corrected, ok3 := CramersVCorrected(rows)
		if ok || ok2 || ok3 || chi != (Test{}) || v != 0 || corrected != 0 {
			t.Errorf("%s: %v, V %v and %v", name, chi, v, corrected)
		}
		if bits := MutualInformation(rows); bits != 0 {
			t.Errorf("%s: %v bits", name, bits)
		}
	}
	for name, ok := range map[string]bool{
		"as many rows as customers": second(CramersVCorrected([][2]int64{{1, 0}, {0, 1}, {1, 0}, {0, 1}})),
		"no shares":                 third(ChiSquareGoodness([]int64{3, 4}, []float64{0, 1})),
		"no counts":                 third(ChiSquareGoodness([]int64{0, 0}, []float64{1, 1})),
		"no counts before":          second(PSI([]int64{0, 0}, []int64{1, 2})),
		"no counts after":           second(PSI([]int64{1, 2}, []int64{0, 0})),
		"one converter":             fourth(AUC([]Group{{1, 1, 0}, {2, 0, 9}})),
		"one score":                 second(KendallTauOfGroups([]Group{{1, 5, 5}, {1, 2, 9}})),
		"nobody converted":          second(KendallTauOfGroups([]Group{{1, 0, 5}, {2, 0, 9}})),
		"short lists":               second(KendallTauB([]float64{1}, []float64{2})),
		"a list that stays":         second(KendallTauB([]float64{1, 1, 1}, []float64{2, 3, 4})),
		"no customers":              second(MinimumDetectableEffect(0, 10, .1, .05, .8)),
		"too few":                   second(MinimumDetectableEffect(3, 3, .9, .05, .8)),
		"a base above 1":            second(MinimumDetectableEffect(10, 10, 1.2, .05, .8)),
		"no power":                  second(MinimumDetectableEffect(10, 10, .2, .05, .05)),
		"a level of nothing":        second(MinimumDetectableEffect(10, 10, math.NaN(), .05, .8)),
	} {
		if ok {
			t.Errorf("%s is told", name)
		}
	}
	if Entropy(0, 9) != 0 || Entropy(9, 9) != 0 || Entropy(1, 2) != 1 {
		t.Errorf("entropies %v, %v and %v", Entropy(0, 9), Entropy(9, 9), Entropy(1, 2))
	}
}

func second(_ float64, ok bool) bool  { return ok }
func third(_ Test, ok bool) bool      { return ok }
func fourth(_ Estimate, ok bool) bool { return ok }

// A difference runs from -1 to 1, is the negative of the one the other way round, and holds what is observed.
func TestNewcombe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n1, n2 := rapid.Int64Range(1, 5000).Draw(t, "n1"), rapid.Int64Range(1, 5000).Draw(t, "n2")
		x1, x2 := rapid.Int64Range(0, n1).Draw(t, "x1"), rapid.Int64Range(0, n2).Draw(t, "x2")
		d, back := Newcombe(x1, n1, x2, n2), Newcombe(x2, n2, x1, n1)
		if !(-1 <= d.Low && d.Low <= d.Value && d.Value <= d.High && d.High <= 1) || !near(d.Low, -back.High) {
			t.Fatalf("%v, and %v the other way round", d, back)
		}
	})
}
