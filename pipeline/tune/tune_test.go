package tune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestHalvesAreHalves(t *testing.T) {
	const n = 20_000
	for seed := range uint64(3) {
		judged, moved := 0, 0
		for i := range n {
			id := fmt.Sprintf("c%07d", i)
			judged += Half(seed, id)
			if Half(seed, id) != Half(seed+1, id) {
				moved++
			}
		}
		for what, k := range map[string]int{"judged": judged, "elsewhere with another seed": moved} {
			if math.Abs(float64(k)-n/2) > 4*math.Sqrt(n)/2 {
				t.Errorf("seed %d: %d of %d are %s", seed, k, n, what)
			}
		}
	}
}

// A person has two counts.
type person struct {
	values    []float64
	half      int
	converted bool
}

func people(rng *rand.Rand, n int, rate func(values []float64) float64) []person {
	out := make([]person, n)
	for i := range out {
		v := []float64{float64(rng.IntN(10)), float64(rng.IntN(10))}
		out[i] = person{v, rng.IntN(2), rng.Float64() < rate(v)}
	}
	return out
}

// segment is high from the first threshold on by the first count, or from the second on by the second.
func segment(v, thresholds []float64) string {
	if v[0] >= thresholds[0] || v[1] >= thresholds[1] {
		return "high"
	}
	return "low"
}

var (
	inForce = []float64{9, 9}
	values  = []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	edges   = [][]float64{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}
)

func count(t interface{ Fatal(...any) }, ps []person) []Cell {
	c := NewCounts(edges)
	for _, p := range ps {
		if !c.Add(p.values, segment(p.values, inForce), p.half, p.converted) {
			t.Fatal("a cell has two segments")
		}
	}
	return c.Cells()
}

func search(t *testing.T, cells []Cell) (Found, Verdict) {
	t.Helper()
	s := Search{
		Cells: cells, Now: inForce, Choices: [][]float64{values, values},
		Segments: func(thresholds []float64) ([]string, bool, error) {
			of := make([]string, len(cells))
			for i, c := range cells {
				of[i] = segment(c.Values, thresholds)
			}
			return of, thresholds[0] != 10, nil
		},
	}
	f, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	now := make([]string, len(cells))
	for i, c := range cells {
		now[i] = c.Segment
	}
	v, ok := Judge(cells, now, f.Segments, 1.96)
	if !ok {
		t.Fatal("nothing to judge by")
	}
	return f, v
}

func TestPlantedThresholdIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	cells := count(t, people(rng, 8000, func(v []float64) float64 {
		if v[0] >= 3 {
			return .4
		}
		return .1
	}))
	f, v := search(t, cells)
	if f.Thresholds[0] != 3 || f.Thresholds[1] != 10 || !f.Moved || !f.Differs {
		t.Errorf("found %+v, want thresholds of 3 and of 10, which nobody reaches", f)
	}
	if !v.Better() || v.Gain.Value < .1 || math.Abs(v.Then-v.Now-v.Gain.Value) > 1e-12 {
		t.Errorf("the verdict is %+v", v)
	}
	if most := 1 + rounds*(len(values)*2-2); f.Tried > most {
		t.Errorf("%d candidates were tried, want at most %d", f.Tried, most)
	}
	movers := int64(0)
	for i, c := range cells {
		if c.Segment != f.Segments[i] {
			movers += c.Customers[0] + c.Customers[1]
		}
	}
	if v.Movers != movers || movers == 0 {
		t.Errorf("%d movers, want %d", v.Movers, movers)
	}
}

// Of conversions that have nothing to do with the counts, hardly ever anything is proposed: 2.5 % of the time, by the level.
func TestNothingIsProposedOfNoise(t *testing.T) {
	const seeds = 100
	proposed := 0
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 99))
		if _, v := search(t, count(t, people(rng, 3000, func([]float64) float64 { return .2 }))); v.Better() {
			proposed++
		}
	}
	t.Logf("%d proposals in %d seeds", proposed, seeds)
	if proposed > 5 {
		t.Errorf("%d proposals in %d seeds of noise, want at most 5", proposed, seeds)
	}
}

// What is in force and best is kept: nothing moves, and the gain is none.
func TestTheBestIsKept(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	cells := count(t, people(rng, 8000, func(v []float64) float64 {
		if segment(v, inForce) == "high" {
			return .5
		}
		return .1
	}))
	f, v := search(t, cells)
	if f.Moved || !slices.Equal(f.Thresholds, inForce) || v.Gain.Value != 0 || v.Better() || v.Movers != 0 {
		t.Errorf("found %+v, judged %+v", f, v)
	}
}

func TestCountsAreOfNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5))
		ps := people(rng, 60, func([]float64) float64 { return .5 })
		want := count(t, ps)
		rng.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
		if got := count(t, ps); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// What stands for a cell lies where its customers lie, between all edges.
func TestStandIns(t *testing.T) {
	c := NewCounts([][]float64{{-1, 0, 2.5, 10}, nil, {0}})
	for _, k := range []struct{ in, want []float64 }{
		{[]float64{-3, 17, 0}, []float64{-1, 0, 0}},
		{[]float64{0, 17, 1}, []float64{0, 0, 1}},
		{[]float64{.1, 17, 5}, []float64{2.5, 0, 1}},
		{[]float64{10, -4, 5}, []float64{10, 0, 1}},
		{[]float64{99, 1, 0}, []float64{11, 0, 0}},
	} {
		c.Add(k.in, "x", Chosen, false)
		for m := range k.in {
			if got := c.standIn(m, k.in[m]); got != k.want[m] {
				t.Errorf("%v of measure %d stands for %v, want %v", got, m, k.in[m], k.want[m])
			}
			if c.class(m, k.in[m]) != c.class(m, k.want[m]) {
				t.Errorf("%v and its stand-in %v are in two classes", k.in[m], k.want[m])
			}
		}
	}
	if got := c.standIn(0, math.NaN()); !math.IsNaN(got) {
		t.Errorf("%v stands for what is not known", got)
	}
	if c.Add([]float64{99, 1, 0}, "y", Judged, true) {
		t.Error("a cell of two segments was not noticed")
	}
}

func TestFewest(t *testing.T) {
	cells := []Cell{{Customers: [2]int64{10, 8}, Converters: [2]int64{4, 5}}, {Customers: [2]int64{1, 1}, Converters: [2]int64{1, 0}}}
	if got := Fewest(cells); got != 4 {
		t.Errorf("the fewest are %d, want the 4 others of the second half", got)
	}
	if n, k := Sum(cells); n != 20 || k != 10 {
		t.Errorf("%d customers and %d converters, want 20 and 10", n, k)
	}
	if _, ok := Judge(cells[1:], []string{"a"}, []string{"b"}, 2); ok {
		t.Error("a half without converters judged")
	}
}
