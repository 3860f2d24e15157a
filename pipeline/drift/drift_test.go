package drift

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSize(t *testing.T) {
	for _, test := range []struct {
		before, now int64
		want        State
	}{
		{1000, 1000, Calm},
		{1000, 1500, Calm},
		{1000, 1501, Warned},
		{1000, 499, Warned},
		{150, 250, Calm},
		{150, 251, Warned},
		{10, 90, Calm},
		{0, 101, Warned},
		{0, 50, Calm},
		{101, 0, Warned},
		{0, 0, Calm},
	} {
		f := Size("core_segment/Loyal", test.before, test.now)
		if f.State != test.want || (f.Reason != "") != (f.State == Warned) {
			t.Errorf("%d to %d: %s (%s), want %s", test.before, test.now, f.State, f.Reason, test.want)
		}
	}
}

func TestParameters(t *testing.T) {
	for _, test := range []struct {
		name        string
		before, now map[string]float64
		want        State
		none        bool
	}{
		{name: "m.a", before: map[string]float64{"m.a": 1}, now: map[string]float64{"m.a": 1.4}, want: Calm},
		{name: "m.a", before: map[string]float64{"m.a": 1}, now: map[string]float64{"m.a": .4}, want: Warned},
		{name: "m.a", before: map[string]float64{"m.a": 1, "m.a_se": .3}, now: map[string]float64{"m.a": 1.8, "m.a_se": .1}, want: Calm},
		{name: "m.a", before: map[string]float64{"m.a": 1, "m.a_se": .1}, now: map[string]float64{"m.a": 1.2, "m.a_se": .05}, want: Calm},
		{name: "m.a", before: map[string]float64{"m.a": 1, "m.a_se": .05}, now: map[string]float64{"m.a": 1.2, "m.a_se": .01}, want: Warned},
		{name: "m.a", before: map[string]float64{"m.a": 0}, now: map[string]float64{"m.a": 1e-9}, want: Warned},
		{name: "m.a", before: map[string]float64{"m.a": 1, "m.b_se": .05}, now: map[string]float64{"m.a": 9, "m.b_se": .01}, want: NotEvaluated},
		{name: "m.a", before: map[string]float64{"m.a": 1, "n.b_se": .05}, now: map[string]float64{"m.a": 9}, want: Warned},
		{name: "m.a", before: map[string]float64{"m.a": 1e-300}, now: map[string]float64{"m.a": 1e300}, want: Warned},
		{name: "m.spend_correlation", before: map[string]float64{"m.spend_correlation": .01}, now: map[string]float64{"m.spend_correlation": .2}, want: Calm},
		{name: "m.spend_correlation", before: map[string]float64{"m.spend_correlation": .01}, now: map[string]float64{"m.spend_correlation": .3}, want: Warned},
		{name: "rfm.recency_cut_1", before: map[string]float64{"rfm.recency_cut_1": 36}, now: map[string]float64{"rfm.recency_cut_1": 36.01}, want: Warned},
		{name: "rfm.recency_cut_1", before: map[string]float64{"rfm.recency_cut_1": 36}, now: map[string]float64{"rfm.recency_cut_1": 36}, want: Calm},
		{name: "rfm.buyers", before: map[string]float64{"rfm.buyers": 1}, now: map[string]float64{"rfm.buyers": 100}, none: true},
		{name: "m.x_log_likelihood", before: map[string]float64{"m.x_log_likelihood": 1}, now: map[string]float64{"m.x_log_likelihood": 9}, none: true},
		{name: "c.center_log_x", before: map[string]float64{"c.center_log_x": 1}, now: map[string]float64{"c.center_log_x": 9}, none: true},
		{name: "m.new", now: map[string]float64{"m.new": 9}, none: true},
	} {
		got := Parameters(test.before, test.now)
		i := slices.IndexFunc(got, func(f Finding) bool { return f.Name == test.name })
		switch {
		case test.none:
			if i >= 0 {
				t.Errorf("%s is judged: %+v", test.name, got[i])
			}
		case i < 0:
			t.Errorf("%s is not judged", test.name)
		case got[i].State != test.want || math.IsInf(got[i].Weight, 0) || math.IsNaN(got[i].Weight):
			t.Errorf("%s, %v to %v: %s by %v, want %s", test.name, test.before, test.now, got[i].State, got[i].Weight, test.want)
		}
	}
}

func TestFeature(t *testing.T) {
	// A tenth of the customers in each of ten buckets, and then one more in the last instead of the first.
	even := func(shift int64) []Bucket {
		var out []Bucket
		for i := range int64(10) {
			b := Bucket{Number: octaveZero + i, Before: 100, Now: 100}
			if i == 0 {
				b.Now -= shift
			}
			if i == 9 {
				b.Now += shift
			}
			out = append(out, b)
		}
		return out
	}
	flag := func(a, b, c, d int64) []Bucket {
		return []Bucket{{Number: 0, Before: a, Now: b}, {Number: 1, Before: c, Now: d}}
	}
	for _, test := range []struct {
		name    string
		kind    Kind
		buckets []Bucket
		state   State
		psi     float64
		reason  string
	}{
		{name: "the same", buckets: even(0), state: Calm},
		// by hand: shares of .1 and .1 become .05 and .15
		{name: "a little", buckets: even(50), state: Calm, psi: .05*math.Log(1.5) + .05*math.Log(2)},
		{name: "much", buckets: even(99), state: Warned, psi: .099*math.Log(1.99) + .099*math.Log(100), reason: "about 6.73, before about 4.76"},
		{
			name: "beside the middle", buckets: []Bucket{{Number: 0, Before: 300, Now: 10}, {Number: octaveZero, Before: 100, Now: 390}, {Number: octaveZero + 2, Before: 600, Now: 600}},
			state: Warned, psi: -1, reason: "not its middle",
		},
		{name: "flags", kind: Flag, buckets: flag(900, 500, 100, 500), state: Warned, psi: .4*math.Log(1.8) + .4*math.Log(5), reason: "of yes went from 10.0 % to 50.0 %"},
		{
			name: "texts", kind: Text, buckets: []Bucket{{Text: "DE", Before: 900, Now: 300}, {Text: "AT", Before: 100, Now: 700}}, state: Warned,
			psi: .6*math.Log(3) + .6*math.Log(7), reason: `the share of "DE" went from 90.0 % to 30.0 %`,
		},
		{
			name: "unknown", buckets: append(even(0), Bucket{Null: true, Now: 1000}), state: Warned, psi: .5*math.Log(2) + (.5-1e-4)*0 + .5*math.Log(5000),
			reason: "not known went from 0.0 % to 50.0 %",
		},
		{name: "gone", buckets: []Bucket{{Number: 0, Before: 500}, {Null: true, Now: 500}}, state: Warned, psi: -1, reason: "of nobody any more"},
		{name: "new", buckets: []Bucket{{Number: 0, Now: 500}, {Null: true, Before: 500}}, state: Warned, psi: -1, reason: "it is new"},
		{name: "few", buckets: []Bucket{{Number: 0, Before: 99, Now: 500}}, state: NotEvaluated, reason: "fewer than 100"},
		{
			name: "a middle that moved", buckets: []Bucket{{Number: octaveZero, Before: 500}, {Number: octaveZero + 4, Now: 500}}, state: Warned, psi: -1,
			reason: "about 4.76, before about 1.19",
		},
	} {
		f, ok := Feature("x", test.kind, test.buckets)
		if !ok || f.State != test.state || !strings.Contains(f.Reason, test.reason) || (f.Reason == "") != (test.state == Calm) {
			t.Errorf("%s: %s (%s), want %s (%s)", test.name, f.State, f.Reason, test.state, test.reason)
		}
		if f.PSI != nil && test.psi >= 0 && math.Abs(*f.PSI-test.psi) > 1e-3 {
			t.Errorf("%s: %v, want %v", test.name, *f.PSI, test.psi)
		}
	}
	if _, ok := Feature("x", Number, []Bucket{{Null: true, Before: 500, Now: 500}}); ok {
		t.Error("what is known of nobody is judged")
	}
}

// What did not move is calm, both ways are the same distance, the order of the buckets does not matter, and many tiny buckets
// are no drift of their own.
func TestFeatureProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]Kind{Number, Text}).Draw(t, "kind")
		n := rapid.IntRange(1, 60).Draw(t, "buckets")
		counts := rapid.SliceOfN(rapid.Int64Range(0, 300), 2*n, 2*n).Draw(t, "counts")
		var there, back []Bucket
		for i := range n {
			b := Bucket{Number: int64(i), Before: counts[2*i], Now: counts[2*i+1]}
			if kind == Text {
				b.Number, b.Text = 0, string(rune('a'+i))
			}
			there = append(there, b)
			b.Before, b.Now = b.Now, b.Before
			back = append(back, b)
		}
		slices.Reverse(back)
		f, ok := Feature("x", kind, there)
		g, ok2 := Feature("x", kind, back)
		if ok != ok2 {
			t.Fatal("judged one way")
		}
		if !ok || f.PSI == nil {
			return
		}
		if math.Abs(*f.PSI-*g.PSI) > 1e-9 || *f.PSI < 0 || math.IsNaN(*f.PSI) || math.IsInf(*f.PSI, 0) {
			t.Fatalf("%v one way, %v the other", *f.PSI, *g.PSI)
		}
		for i := range there {
			there[i].Now = there[i].Before
		}
		if f, ok := Feature("x", kind, there); ok && f.State == Warned {
			t.Fatalf("the same drifts: %+v", f)
		}
	})
}

func TestShares(t *testing.T) {
	f, ok := Shares("core_segment", []Bucket{{Text: "A", Before: 900, Now: 300}, {Text: "B", Before: 100, Now: 700}})
	if !ok || f.State != Warned || !strings.Contains(f.Reason, "the share of A went from 90.0 % to 30.0 %") {
		t.Errorf("%+v", f)
	}
	if f, ok := Shares("core_segment", []Bucket{{Text: "A", Before: 9, Now: 300}}); !ok || f.State != NotEvaluated {
		t.Errorf("of few: %+v", f)
	}
	if _, ok := Shares("core_segment", nil); ok {
		t.Error("of nobody it is judged")
	}
}
