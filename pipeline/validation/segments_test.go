package validation

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// near reports whether got is want to a relative 1e-9, or to an absolute 1e-12.
func near(got, want float64) bool {
	return math.Abs(got-want) <= 1e-9*math.Abs(want)+1e-12
}

// five is a segmentation with a real effect and one segment of few.
var five = []Count{
	{"a", 400, 120, 6000},
	{"b", 600, 110, 4400},
	{"c", 1000, 100, 3000},
	{"d", 1500, 60, 1200},
	{"e", 30, 2, 10},
}

func TestVerdicts(t *testing.T) {
	e, err := Evaluate(five, OrderScores([]string{"a", "b", "c", "d", "e"}))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Verdict{Above, Above, NotProven, Below, TooFew} {
		if s := e.Segments[i]; s.Verdict != want || s.MergeCandidate != "" {
			t.Errorf("%s: %s, merge with %q, want %s and none; q = %v", s.Segment, s.Verdict, s.MergeCandidate, want, *s.QValue)
		}
	}
	a := e.Segments[0]
	if base := 392. / 3530; !near(*e.BaseRate, base) || !near(*a.Lift, .3/base) || *a.ValuePerCustomer != 15 || a.Test != "z" {
		t.Errorf("base %v, lift %v, value %v, test %s", *e.BaseRate, *a.Lift, *a.ValuePerCustomer, a.Test)
	}
	if e.Segments[4].Test != "fisher" {
		t.Errorf("e was tested by %s", e.Segments[4].Test)
	}
}

// A handful that all convert is proven: the exact test keeps its level however few they are.
func TestFewMayStillBeProven(t *testing.T) {
	e, err := Evaluate([]Count{{"vip", 12, 8, 0}, {"rest", 5000, 250, 0}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Segments[1]; got.Verdict != Above || got.Test != "fisher" {
		t.Errorf("vip is %s by %s", got.Verdict, got.Test)
	}
}

func TestMergeCandidates(t *testing.T) {
	e, err := Evaluate([]Count{
		{"high", 2000, 400, 0},
		{"high too", 2000, 410, 0},
		{"low", 2000, 100, 0},
		{"lower", 2000, 90, 0},
		{"lowest", 2000, 85, 0},
		{"tiny", 10, 1, 0},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range e.Segments {
		got = append(got, s.MergeCandidate)
	}
	if want := []string{"high too", "high", "lower", "lowest", "lower", ""}; !slices.Equal(got, want) {
		t.Errorf("candidates %q, want %q", got, want)
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	for _, c := range []struct {
		counts []Count
		want   string
	}{
		{[]Count{{"", 3, 1, 0}}, "validation: a segment of 3 customers has no name"},
		{[]Count{{"a", 3, 1, 0}, {"b", 1, 1, 0}, {"a", 3, 1, 0}}, `validation: segment "a" is counted twice`},
		{[]Count{{"a", 3, 4, 0}}, `validation: segment "a" has 4 converters among 3 customers`},
		{[]Count{{"a", 3, -1, 0}}, `validation: segment "a" has -1 converters among 3 customers`},
		{[]Count{{"a", -3, 0, 0}}, `validation: segment "a" has 0 converters among -3 customers`},
	} {
		if _, err := Evaluate(c.counts, nil); err == nil || err.Error() != c.want {
			t.Errorf("%v: error %v, want %s", c.counts, err, c.want)
		}
	}
}

// The degenerate cases: numbers are finite or absent, and nothing is proven.
func TestNothingToTell(t *testing.T) {
	scores := OrderScores([]string{"a", "b"})
	for name, c := range map[string]struct {
		counts  []Count
		verdict Verdict
	}{
		"one segment":             {[]Count{{"a", 50, 10, 0}}, NotEvaluated},
		"one occupied":            {[]Count{{"a", 50, 10, 0}, {"b", 0, 0, 0}}, NotEvaluated},
		"nobody converted":        {[]Count{{"a", 50, 0, 0}, {"b", 50, 0, 0}}, NotEvaluated},
		"everybody converted":     {[]Count{{"a", 50, 50, 0}, {"b", 50, 50, 0}}, NotEvaluated},
		"nobody":                  {[]Count{{"a", 0, 0, 0}}, NotEvaluated},
		"one converter":           {[]Count{{"a", 50, 1, 0}, {"b", 50, 0, 0}}, TooFew},
		"two customers":           {[]Count{{"a", 1, 1, 0}, {"b", 1, 0, 0}}, TooFew},
		"a value beyond counting": {[]Count{{"a", 20, 10, math.Inf(1)}, {"b", 20, 10, math.NaN()}}, NotProven},
	} {
		e, err := Evaluate(c.counts, scores)
		if err != nil {
			t.Fatal(err)
		}
		assertFinite(t, name, reflect.ValueOf(zeroValues(e)))
		if got := e.Segments[0].Verdict; got != c.verdict {
			t.Errorf("%s: %s, want %s", name, got, c.verdict)
		}
		if d := DefaultGate().Decide(e); d.State != StateNotEvaluated || d.Reason == "" {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if e, err := Evaluate(nil, nil); err != nil || e.BaseRate != nil || e.AUC != nil || len(e.Segments) != 0 {
		t.Errorf("of nothing: %+v, %v", e, err)
	}
}

// zeroValues returns e without the callers' own values, which may be anything.
func zeroValues(e Evaluation) Evaluation {
	e.Segments = slices.Clone(e.Segments)
	for i := range e.Segments {
		e.Segments[i].Value = 0
	}
	return e
}

type failer interface{ Errorf(string, ...any) }

// assertFinite fails on any number in v that is NaN or infinite.
func assertFinite(t failer, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			t.Errorf("%s is %v", path, f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			assertFinite(t, path, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			assertFinite(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			assertFinite(t, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	}
}

func countsOf(t *rapid.T, most int64) []Count {
	var cs []Count
	for i := range rapid.IntRange(0, 8).Draw(t, "segments") {
		n := rapid.Int64Range(0, most).Draw(t, "customers")
		k := rapid.Int64Range(0, n).Draw(t, "converters")
		cs = append(cs, Count{string(rune('a' + i)), n, k, rapid.Float64Range(-1e9, 1e9).Draw(t, "value")})
	}
	return cs
}

func TestEvaluateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cs := countsOf(t, rapid.SampledFrom([]int64{3, 40, 5_000_000}).Draw(t, "most"))
		scores := map[string]float64{}
		for _, c := range cs {
			scores[c.Segment] = float64(rapid.IntRange(0, 4).Draw(t, "score"))
		}
		e, err := Evaluate(cs, scores)
		if err != nil {
			t.Fatal(err)
		}
		assertFinite(t, "evaluation", reflect.ValueOf(e))
		for _, s := range e.Segments {
			if s.Rate != nil && !(0 <= s.Rate.Low && s.Rate.Low <= s.Rate.Value && s.Rate.Value <= s.Rate.High && s.Rate.High <= 1) {
				t.Fatalf("rate of %s: %v", s.Segment, *s.Rate)
			}
			if s.QValue != nil && !(*s.QValue <= 1 && *s.QValue >= *s.PValue) {
				t.Fatalf("p %v, q %v", *s.PValue, *s.QValue)
			}
			if proven := s.QValue != nil && *s.QValue < .05; proven != (s.Verdict == Above || s.Verdict == Below) {
				t.Fatalf("%s with q = %v", s.Verdict, *s.QValue)
			}
			if s.MergeCandidate == s.Segment {
				t.Fatalf("%s is to be merged with itself", s.Segment)
			}
		}
		if a := e.AUC; a != nil && !(0 <= a.Low && a.Low <= a.Value && a.Value <= a.High && a.High <= 1) {
			t.Fatalf("AUC %v", *a)
		}
		if v := e.CramersV; v != nil && !(*v >= 0 && *v <= 1) {
			t.Fatalf("V %v", *v)
		}
		if i := e.MutualInformation; i != nil && !(*i >= 0 && *i <= 1) {
			t.Fatalf("information %v bits", *i)
		}
		again, err := Evaluate(rapid.Permutation(cs).Draw(t, "order"), scores)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("in another order: %+v, not %+v", again, e)
		}
	})
}

// scipy 1.17.1, stats.chi2_contingency(table, correction=False) and stats.contingency.association(table,
// method="cramer") = .26875210892147283 before Bergsma's formula in numpy; scikit-learn 1.9.1, mutual_info_score =
// .032967705808090365 nats, less 4/(2*3530), over ln 2; roc_auc_score on the 3,530 rows. The interval is by the midrank
// form of DeLong's variance (Sun & Xu, IEEE Signal Processing Letters 21, 2014) in numpy on the same rows.
func TestSummary(t *testing.T) {
	e, err := Evaluate(five, OrderScores([]string{"a", "b", "c", "d", "e"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"chi-square", *e.ChiSquare, 254.9637670555794},
		{"p", *e.PValue * 1e54, 5.548343440776952},
		{"Cramér's V", *e.CramersV, .2666727993339939},
		{"mutual information", *e.MutualInformation, .0467449547208075},
		{"AUC", e.AUC.Value, .7185601774170471},
		{"AUC, lower", e.AUC.Low, .6925183078822368},
		{"AUC, upper", e.AUC.High, .7446020469518575},
		{"Gini", e.Gini.Value, 2*.7185601774170471 - 1},
		{"Gini, lower", e.Gini.Low, 2*.6925183078822368 - 1},
		{"Gini, upper", e.Gini.High, 2*.7446020469518575 - 1},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
	if e.DF != 4 || e.Customers != 3530 || e.Converters != 392 {
		t.Errorf("df %d, %d of %d", e.DF, e.Converters, e.Customers)
	}
}

func TestScores(t *testing.T) {
	order := []string{"best", "middling", "worst", "new"}
	declared := map[string]float64{"best": 4, "middling": 3, "worst": 2, "new": 1}
	if got := OrderScores(order); !reflect.DeepEqual(got, declared) {
		t.Errorf("order: %v, want %v", got, declared)
	}
	counts := []Count{{"best", 80, 40, 0}, {"middling", 0, 0, 0}, {"worst", 120, 0, 0}, {"undeclared", 0, 0, 0}}
	// 40 of 200 is a base of .2, so 4 of 20 customers more for each.
	want := map[string]float64{"best": .44, "middling": .2, "worst": 4. / 140, "new": .2, "undeclared": .2}
	if got := EarlierScores(counts, order); len(got) != len(want) {
		t.Errorf("earlier rates: %v, want %v", got, want)
	} else {
		for s, w := range want {
			if !near(got[s], w) {
				t.Errorf("earlier rate of %s: %v, want %v", s, got[s], w)
			}
		}
	}
	for _, counts := range [][]Count{nil, {{"best", 10, 0, 0}}, {{"best", 10, 10, 0}}} {
		if got := EarlierScores(counts, order); !reflect.DeepEqual(got, OrderScores(order)) {
			t.Errorf("%v say nothing, but give %v", counts, got)
		}
	}
}

func TestUnscored(t *testing.T) {
	e, err := Evaluate(five, map[string]float64{"a": 2, "b": 1, "c": 0, "d": math.NaN()})
	if err != nil {
		t.Fatal(err)
	}
	if e.AUC != nil || e.ChiSquare == nil || strings.Join(e.Unscored, " ") != "d e" {
		t.Errorf("AUC %v, unscored %v", e.AUC, e.Unscored)
	}
}
