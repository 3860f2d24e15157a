package shift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"segments/pipeline/validation/stats"
)

var flows = []Flow{{"B", "B", 90}, {"A", "A", 60}, {"", "A", 20}, {"A", "B", 40}, {"B", "", 10}, {"", "", 7}, {"C", "A", 3}}

func TestTransitions(t *testing.T) {
	got := Transitions(flows, map[string]int64{"A": 200, "B": 100, "C": 5}, 20)
	if len(got) != 6 {
		t.Fatalf("%d transitions, want 6: %v", len(got), got)
	}
	for i, want := range []struct {
		from, to             string
		customersFrom        int64
		p, low, high, expect float64
	}{
		{"", "A", 20, 1, .8389, 1, 20},
		{"A", "A", 100, .6, .5020, .6906, 120}, // Wilson's interval of 60 of 100: R, prop.test(60, 100, correct = FALSE)
		{"A", "B", 100, .4, .3094, .4980, 80},
		{"B", "", 100, .1, .0552, .1744, 10},
		{"B", "B", 100, .9, .8256, .9448, 90},
	} {
		g := got[i]
		if g.From != want.from || g.To != want.to || g.CustomersFrom != want.customersFrom {
			t.Errorf("%d: %v, want %v", i, g, want)
			continue
		}
		p := *g.Probability
		for _, c := range [][2]float64{{p.Value, want.p}, {p.Low, want.low}, {p.High, want.high}, {*g.Expected, want.expect}} {
			if math.Abs(c[0]-c[1]) > 5e-5 {
				t.Errorf("%s to %s: %v, want %v", g.From, g.To, c[0], c[1])
			}
		}
	}
	if last := got[5]; last.From != "C" || last.Probability != nil || last.Expected != nil {
		t.Errorf("of 3 customers: %v", last)
	}
}

func TestForecast(t *testing.T) {
	now := map[string]int64{"A": 200, "B": 100, "C": 5, "D": 1}
	got := Forecast(Transitions(flows, now, 20), now)
	for name, want := range map[string][2]float64{ // mean and variance
		"A": {140, 200*.6*.4*3 + 40}, "B": {170, 200*.4*.6*3 + 100*.9*.1*2}, "C": {5, 0}, "D": {1, 0}, "": {10, 100 * .1 * .9 * 2},
	} {
		g := got[name]
		half := stats.Z95 * math.Sqrt(want[1])
		if math.Abs(g.Value-want[0]) > 1e-9 || math.Abs(g.High-want[0]-half) > 1e-9 || math.Abs(g.Low-max(0, want[0]-half)) > 1e-9 {
			t.Errorf("%q: %v, want %v ± %v", name, g, want[0], half)
		}
	}
	if len(got) != 5 {
		t.Errorf("%d segments, want 5", len(got))
	}
}

func TestValidate(t *testing.T) {
	// A loses a tenth to B each time: foreseen exactly, and the naive forecast puts 90 of 1,000 into the wrong segment
	before := []Flow{{"A", "A", 900}, {"A", "B", 100}}
	then := []Flow{{"A", "A", 810}, {"A", "B", 90}, {"B", "B", 100}}
	b, ok := Validate(before, then, 20)
	if !ok || math.Abs(b.Error) > 1e-12 || math.Abs(b.Naive-.09) > 1e-12 || math.Abs(b.MovesError) > 1e-12 || math.Abs(b.Moved-.09) > 1e-12 {
		t.Errorf("%+v, %v", b, ok)
	}
	if s := b.Segments; len(s) != 2 || s[0].Segment != "A" || s[0].Naive != 900 || s[0].Actual != 810 || math.Abs(s[0].Predicted.Value-810) > 1e-9 {
		t.Errorf("%+v", b.Segments)
	}
	// whoever moved then has stopped: the naive forecast is right
	b, ok = Validate(before, []Flow{{"A", "A", 900}, {"B", "B", 100}}, 20)
	if !ok || math.Abs(b.Error-.09) > 1e-12 || b.Naive != 0 || math.Abs(b.MovesError-.09) > 1e-12 || b.Moved != 0 {
		t.Errorf("%+v, %v", b, ok)
	}
	for _, none := range [][2][]Flow{{nil, nil}, {nil, then}, {before, nil}, {before, {{"A", "", 1000}}}} {
		if b, ok := Validate(none[0], none[1], 20); ok && (none[0] == nil || none[1] == nil) {
			t.Errorf("of %v: %+v", none, b)
		}
	}
}

func drawn(t *rapid.T, label string) []Flow {
	names := rapid.SampledFrom([]string{"", "A", "B", "C"})
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) Flow {
		return Flow{names.Draw(t, "from"), names.Draw(t, "to"), rapid.Int64Range(0, 1000).Draw(t, "customers")}
	})).Draw(t, label)
}

// Nobody is lost or invented, whatever the order of the flows, and every number is one.
func TestForecastKeepsEverybody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := drawn(t, "flows")
		now := map[string]int64{}
		for _, name := range []string{"A", "B", "C", "D"} {
			now[name] = rapid.Int64Range(0, 10_000).Draw(t, name)
		}
		ts := Transitions(fs, now, rapid.Int64Range(1, 500).Draw(t, "least"))
		got := Forecast(ts, now)
		var sum, want float64
		for _, e := range got {
			sum += e.Value
			if !(e.Low >= 0 && e.Low <= e.Value && e.Value <= e.High && e.High < math.Inf(1)) {
				t.Fatalf("an interval of %v", e)
			}
		}
		for name, n := range now {
			_ = name
			want += float64(n)
		}
		for _, x := range ts {
			if x.From == Nowhere && x.Expected != nil {
				want += *x.Expected
			}
		}
		if math.Abs(sum-want) > 1e-6 {
			t.Fatalf("%v customers, want %v", sum, want)
		}
		turned := slices.Clone(fs)
		slices.Reverse(turned)
		for name, e := range Forecast(Transitions(merge(turned), now, 20), now) {
			if o := Forecast(Transitions(merge(fs), now, 20), now)[name]; o != e {
				t.Fatalf("%s: %v in one order, %v in the other", name, o, e)
			}
		}
		if b, ok := Validate(merge(fs), merge(drawn(t, "then")), 20); ok {
			for _, v := range []float64{b.Error, b.Naive, b.Moved} {
				if !(v >= 0 && v <= 1+1e-12) {
					t.Fatalf("an error of %v", v)
				}
			}
			if !(b.MovesError >= 0 && b.MovesError <= 1+1e-9) {
				t.Fatalf("an error of moves of %v", b.MovesError)
			}
		}
	})
}

// merge adds up flows of the same ends, as a query does.
func merge(fs []Flow) []Flow {
	n := map[Flow]int64{}
	var out []Flow
	for _, f := range fs {
		n[Flow{From: f.From, To: f.To}] += f.Customers
	}
	for f, customers := range n {
		f.Customers = customers
		out = append(out, f)
	}
	return out
}

// Of customers who move independently the intervals hold what they say: of 400 histories of a known chain, about 95 %.
func TestIntervalsHold(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	chain := map[string][]float64{"A": {.7, .2, .1}, "B": {.1, .6, .3}, "C": {.05, .05, .9}}
	names := []string{"A", "B", "C"}
	move := func(sizes map[string]int64) ([]Flow, map[string]int64) {
		count, next := map[Flow]int64{}, map[string]int64{}
		for _, from := range names {
			for range sizes[from] {
				u, to := rng.Float64(), 0
				for u > chain[from][to] && to < 2 {
					u -= chain[from][to]
					to++
				}
				count[Flow{From: from, To: names[to]}]++
				next[names[to]]++
			}
		}
		var out []Flow
		for f, n := range count {
			f.Customers = n
			out = append(out, f)
		}
		return out, next
	}
	var inside, all int
	for range 400 {
		before, sizes := move(map[string]int64{"A": 300, "B": 500, "C": 200})
		then, _ := move(sizes)
		b, ok := Validate(before, then, 20)
		if !ok {
			t.Fatal("not validated")
		}
		for _, s := range b.Segments {
			all++
			if a := float64(s.Actual); a >= s.Predicted.Low && a <= s.Predicted.High {
				inside++
			}
		}
	}
	if share := float64(inside) / float64(all); share < .93 || share > .97 {
		t.Errorf("%.3f of the sizes are within their 95 %% intervals", share)
	}
}
