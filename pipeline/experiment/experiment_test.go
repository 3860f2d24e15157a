package experiment

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }

// cell counts customers of whom the converters spent 1 each.
func cell(variant, segment string, converters, customers int64) Cell {
	return Cell{
		Variant: variant, Segment: segment, Customers: customers, Converters: converters,
		Value: e4 * converters, ValueSquares: new(big.Int).Mul(big.NewInt(e4*e4), big.NewInt(converters)),
	}
}

// by returns the result of a variant in a segment; in that of everyone where it is empty.
func by(rs []Result, variant, segment string) Result {
	return rs[slices.IndexFunc(rs, func(r Result) bool {
		return r.Variant == variant && r.Segment == segment && r.Everyone == (segment == "")
	})]
}

func compare(t testing.TB, cells []Cell, control string, minGroup int64) []Result {
	t.Helper()
	rs, err := Compare(cells, control, minGroup)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// statsmodels 0.15.0: confint_proportions_2indep(method="newcomb"), proportions_ztest, multipletests(method="fdr_bh") and
// proportion_confint(method="wilson").
func TestCompare(t *testing.T) {
	rs := compare(t, []Cell{
		cell("mail", "A", 30, 400), cell("none", "A", 12, 390), cell("mail", "B", 9, 150), cell("none", "B", 10, 160),
		cell("mail", "C", 0, 25), cell("none", "C", 0, 30), cell("mail", "D", 1, 5), cell("none", "", 3, 40), cell("mail", "", 2, 44),
	}, "none", 20)
	a, b, c, d := by(rs, "mail", "A"), by(rs, "mail", "B"), by(rs, "mail", "C"), by(rs, "mail", "D")
	if !near(a.Difference.Low, 0.012977634000419909) || !near(a.Difference.High, 0.07700272870933955) || !near(*a.PValue, 0.005600677688040042) ||
		a.Verdict != Higher || a.Test != "z" {
		t.Errorf("A: %+v, difference %+v, p %v", a, *a.Difference, *a.PValue)
	}
	if !near(*a.QValue, 2*0.005600677688040042) || !near(*b.QValue, 0.9269307190614712) || b.Verdict != NotProven {
		t.Errorf("q-values %v and %v over the two segments that can be tested", *a.QValue, *b.QValue)
	}
	if c.Verdict != NotEvaluated || c.PValue != nil || c.Difference == nil || c.ValueDifference != nil || c.Detectable == nil {
		t.Errorf("C, where nobody converted: %+v", c)
	}
	if d.Verdict != TooFew || d.Rate != nil || d.Difference != nil || d.Customers != 5 {
		t.Errorf("D, of five: %+v", d)
	}
	all := by(rs, "mail", "")
	if all.Customers != 624 || all.Converters != 42 || all.Control.Customers != 620 || all.Control.Converters != 25 {
		t.Errorf("everyone: %+v", all)
	}
	if !near(*all.ValuePer, 42./624) || !near(all.ValueDifference.Value, 42./624-25./620) {
		t.Errorf("everyone's value %v, difference %+v", *all.ValuePer, *all.ValueDifference)
	}
	if all.Homogeneity == nil || a.Homogeneity != nil {
		t.Error("the test of homogeneity belongs to everyone")
	}
	if r := by(rs, "none", "A"); r.Verdict != IsControl || r.Difference != nil || r.Rate == nil {
		t.Errorf("the control: %+v", r)
	}
}

// Values are compared, too: Welch's interval of the same numbers, by statsmodels 0.15.0 (see stats.TestWelch).
func TestValue(t *testing.T) {
	values := func(variant string, vs ...int64) Cell {
		c := Cell{Variant: variant, Customers: int64(len(vs)), ValueSquares: new(big.Int)}
		for _, v := range vs {
			if v != 0 {
				c.Converters++
			}
			c.Value += v * e4
			square := big.NewInt(v * e4)
			c.ValueSquares.Add(c.ValueSquares, square.Mul(square, square))
		}
		return c
	}
	rs := compare(t, []Cell{values("x", 1, 2, 3, 4, 10), values("control", 2, 2, 2, 3)}, "control", 1)
	got := by(rs, "x", "").ValueDifference
	if !near(got.Value, 1.75) || !near(got.Low, -2.6126303938625686) || !near(got.High, 6.112630393862569) {
		t.Errorf("%+v", got)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []Cell{{Variant: "a", Customers: 1, Converters: 2}, {Variant: "a", Customers: -1}, {Variant: "a", Customers: 1, Converters: -1}} {
		if _, err := Compare([]Cell{c}, "a", 1); err == nil || !strings.Contains(err.Error(), `"a"`) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Neither the order of the cells nor how they are cut matters.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var cells []Cell
		for _, v := range []string{"a", "b", "control"} {
			for _, s := range []string{"x", "y", ""} {
				for range rapid.IntRange(0, 2).Draw(rt, "pieces") {
					n := rapid.Int64Range(0, 500).Draw(rt, "customers")
					cells = append(cells, cell(v, s, rapid.Int64Range(0, n).Draw(rt, "converters"), n))
				}
			}
		}
		want := compare(t, cells, "control", 20)
		shuffled := rapid.Permutation(cells).Draw(rt, "order")
		for i, got := range compare(t, shuffled, "control", 20) {
			w := want[i]
			same := func(a, b *float64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
			if got.Variant != w.Variant || got.Segment != w.Segment || got.Verdict != w.Verdict || got.Converters != w.Converters ||
				!same(got.PValue, w.PValue) || !same(got.QValue, w.QValue) || !same(got.ValuePer, w.ValuePer) || !same(got.Homogeneity, w.Homogeneity) {
				rt.Fatalf("%+v\n%+v", got, w)
			}
			finite(rt, got)
		}
	})
}

// finite fails where a number of r is not.
func finite(t interface{ Fatalf(string, ...any) }, r Result) {
	for _, v := range []*float64{r.PValue, r.QValue, r.Detectable, r.Homogeneity, r.ValuePer, r.ControlValuePer} {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			t.Fatalf("%+v", r)
		}
	}
	for _, e := range []*struct{ Value, Low, High float64 }{
		(*struct{ Value, Low, High float64 })(r.Rate), (*struct{ Value, Low, High float64 })(r.Difference),
		(*struct{ Value, Low, High float64 })(r.Lift), (*struct{ Value, Low, High float64 })(r.ValueDifference),
	} {
		if e != nil && !(e.Low <= e.Value && e.Value <= e.High && !math.IsInf(e.Low, 0) && !math.IsInf(e.High, 0)) {
			t.Fatalf("%+v: %+v", r, *e)
		}
	}
}

func TestControl(t *testing.T) {
	for _, c := range []struct {
		variants []string
		want     string
		known    bool
	}{
		{[]string{"b", "Control"}, "Control", true},
		{[]string{"holdout", "placebo", "a"}, "holdout", true},
		{[]string{"placebo", "none"}, "none", true},
		{[]string{"b", "a"}, "a", false},
	} {
		if got, known := Control(c.variants, []string{"control", "holdout", "none", "placebo"}); got != c.want || known != c.known {
			t.Errorf("%q: %q %v", c.variants, got, known)
		}
	}
}

// scipy 1.17.1, stats.chisquare.
func TestSampleRatio(t *testing.T) {
	for _, c := range []struct {
		counts   map[string]int64
		expected map[string]float64
		p        float64
		ok       bool
	}{
		{map[string]int64{"a": 540, "b": 460}, nil, 0.01141203638600166, true},
		{map[string]int64{"a": 910, "b": 90}, map[string]float64{"a": 9, "b": 1}, 0.29184054514378543, true},
		{map[string]int64{"a": 340, "b": 330, "c": 330}, nil, 0.9048374180359595, true},
		{map[string]int64{"a": 340}, nil, 0, false},
		{map[string]int64{"a": 340, "b": 330, "c": 1}, map[string]float64{"a": 1, "b": 1}, 0, true}, // nobody was to be given c
	} {
		shares, p, ok := SampleRatio(c.counts, c.expected)
		if ok != c.ok || math.Abs(p-c.p) > 1e-9 {
			t.Errorf("%v: %v %v, want %v", c.counts, p, ok, c.p)
		}
		var all float64
		for _, s := range shares {
			all += s
		}
		if !near(all, 1) {
			t.Errorf("%v: shares %v", c.counts, shares)
		}
	}
	if _, p, ok := SampleRatio(map[string]int64{"a": 100}, map[string]float64{"a": 1, "b": 1}); !ok || p > 1e-20 {
		t.Errorf("a variant that nobody was given: %v %v", p, ok)
	}
}

func TestUneven(t *testing.T) {
	even := []Cell{
		cell("a", "x", 0, 500), cell("b", "x", 0, 500), cell("a", "y", 0, 90), cell("b", "y", 0, 110),
		cell("a", "z", 0, 4), cell("b", "z", 0, 0), cell("a", "", 0, 900),
	}
	if Uneven(even) {
		t.Error("chance is taken for a fault")
	}
	odd := append(even, cell("a", "v", 0, 200), cell("b", "v", 0, 20))
	if !Uneven(odd) {
		t.Error("other shares in a segment were not seen")
	}
	for _, r := range compare(t, odd, "a", 1) {
		if r.Everyone && (r.Difference != nil || r.Verdict == NotProven) {
			t.Errorf("all customers are compared although the shares differ: %+v", r)
		}
	}
}
