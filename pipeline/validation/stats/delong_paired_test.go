package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A scored is a customer with two scores.
type scored struct {
	a, b      float64
	converted bool
}

func grouped(rows []scored) []PairedGroup {
	var out []PairedGroup
	at := map[[2]float64]int{}
	for _, r := range rows {
		k, seen := at[[2]float64{r.a, r.b}]
		if !seen {
			k = len(out)
			at[[2]float64{r.a, r.b}] = k
			out = append(out, PairedGroup{A: r.a, B: r.b})
		}
		if r.converted {
			out[k].Converted++
		} else {
			out[k].Rest++
		}
	}
	return out
}

// plainDeLong is the definition, row by row and pair by pair: DeLong, DeLong & Clarke-Pearson 1988, equations 1 to 6. The
// variance is that of L S L' with L = (-1, 1), S being the covariance matrix of the two areas.
func plainDeLong(rows []scored) (areas [2]float64, gain, se float64) {
	var pos, neg []scored
	for _, r := range rows {
		if r.converted {
			pos = append(pos, r)
		} else {
			neg = append(neg, r)
		}
	}
	score := func(r scored, k int) float64 { return [2]float64{r.a, r.b}[k] }
	psi := func(x, y float64) float64 {
		switch {
		case x > y:
			return 1
		case x == y:
			return .5
		}
		return 0
	}
	m, n := float64(len(pos)), float64(len(neg))
	v10, v01 := make([][2]float64, len(pos)), make([][2]float64, len(neg))
	for k := range areas {
		for i, x := range pos {
			for j, y := range neg {
				p := psi(score(x, k), score(y, k))
				v10[i][k] += p / n
				v01[j][k] += p / m
				areas[k] += p / m / n
			}
		}
	}
	covariance := func(vs [][2]float64, k, l int) float64 {
		sum := 0.0
		for _, v := range vs {
			sum += (v[k] - areas[k]) * (v[l] - areas[l])
		}
		return sum / float64(len(vs)-1) / float64(len(vs))
	}
	s := func(k, l int) float64 { return covariance(v10, k, l) + covariance(v01, k, l) }
	return areas, areas[1] - areas[0], math.Sqrt(max(0, s(0, 0)+s(1, 1)-2*s(0, 1)))
}

func draw(rng *rand.Rand, n int) []scored {
	rows := make([]scored, n)
	for i := range rows {
		r := &rows[i]
		r.converted = rng.Float64() < .3
		shift := 0.0
		if r.converted {
			shift = 1
		}
		common := rng.NormFloat64()
		r.a = math.Round(2 * (shift*.5 + common + rng.NormFloat64()))
		r.b = math.Round(2 * (shift + common + .5*rng.NormFloat64()))
	}
	return rows
}

func TestDeLongPairedIsTheDefinition(t *testing.T) {
	for seed := range uint64(20) {
		rows := draw(rand.New(rand.NewPCG(seed, 1)), 150)
		areas, gain, se := plainDeLong(rows)
		got, ok := DeLongPaired(grouped(rows))
		if !ok || !near(got.A, areas[0]) || !near(got.B, areas[1]) || !near(got.Gain, gain) || math.Abs(got.SE-se) > 1e-9 {
			t.Errorf("seed %d: %+v, want %v, %v, %v", seed, got, areas, gain, se)
		}
	}
}

// Each area is that of AUC.
func TestDeLongPairedAgreesWithAUC(t *testing.T) {
	rows := draw(rand.New(rand.NewPCG(3, 3)), 400)
	got, _ := DeLongPaired(grouped(rows))
	var a, b []Group
	for _, g := range grouped(rows) {
		a, b = append(a, Group{g.A, g.Converted, g.Rest}), append(b, Group{g.B, g.Converted, g.Rest})
	}
	one, _ := AUC(a)
	two, _ := AUC(b)
	if !near(got.A, one.Value) || !near(got.B, two.Value) {
		t.Errorf("%v and %v, AUC says %v and %v", got.A, got.B, one.Value, two.Value)
	}
}

// The standard error is that which samples drawn again show, within a tenth.
func TestDeLongPairedBootstrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	rows := draw(rng, 1500)
	got, _ := DeLongPaired(grouped(rows))
	const times = 800
	var sum, squares float64
	again := make([]scored, len(rows))
	for range times {
		for i := range again {
			again[i] = rows[rng.IntN(len(rows))]
		}
		d, _ := DeLongPaired(grouped(again))
		sum += d.Gain
		squares += d.Gain * d.Gain
	}
	se := math.Sqrt((squares - sum*sum/times) / (times - 1))
	t.Logf("gain %.4f, standard error %.5f, of the bootstrap %.5f", got.Gain, got.SE, se)
	if math.Abs(se/got.SE-1) > .1 || math.Abs(sum/times-got.Gain) > got.SE/4 {
		t.Errorf("standard error %v, the bootstrap says %v", got.SE, se)
	}
}

func TestDeLongPairedProperties(t *testing.T) {
	few := rapid.Int64Range(0, 5)
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) PairedGroup {
			return PairedGroup{
				A: float64(few.Draw(t, "a")), B: float64(few.Draw(t, "b")), Converted: few.Draw(t, "converted"), Rest: few.Draw(t, "rest"),
			}
		}), 1, 8).Draw(t, "groups")
		got, ok := DeLongPaired(groups)
		var pos, neg int64
		turned := make([]PairedGroup, len(groups))
		same := make([]PairedGroup, len(groups))
		for i, g := range groups {
			pos, neg = pos+g.Converted, neg+g.Rest
			turned[i] = PairedGroup{g.B, g.A, g.Converted, g.Rest}
			same[i] = PairedGroup{g.A, 3*g.A + 1, g.Converted, g.Rest}
		}
		if ok != (pos >= 2 && neg >= 2) {
			t.Fatalf("ok is %t for %d converters and %d others", ok, pos, neg)
		}
		if !ok {
			return
		}
		if math.IsNaN(got.SE) || got.SE < 0 || got.A < -1e-12 || got.A > 1+1e-12 || math.Abs(got.B-got.A-got.Gain) > 1e-12 {
			t.Fatalf("%+v", got)
		}
		if back, _ := DeLongPaired(turned); !near(back.Gain, -got.Gain) || !near(back.SE, got.SE) {
			t.Fatalf("%+v, the other way round %+v", got, back)
		}
		if none, _ := DeLongPaired(same); none.Gain != 0 || none.SE != 0 {
			t.Fatalf("scores of one order differ by %+v", none)
		}
	})
}
