package btyd_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"segments/transforms/clv/btyd"
)

// simulate returns the purchase times after the first, up to until, of one customer of m.
func simulate(m btyd.BetaGeometric, rng *rand.Rand, until float64) []float64 {
	rate := distuv.Gamma{Alpha: m.R, Beta: m.Alpha, Src: rng}.Rand()
	leaves := distuv.Beta{Alpha: m.A, Beta: m.B, Src: rng}.Rand()
	var times []float64
	if m.LeavesAtFirst && rng.Float64() < leaves {
		return nil
	}
	for t := rng.ExpFloat64() / rate; t <= until; t += rng.ExpFloat64() / rate {
		times = append(times, t)
		if rng.Float64() < leaves {
			break
		}
	}
	return times
}

// TestForecastsAgainstSimulation: averaged over simulated customers who were alike so far, forecasts are what comes.
func TestForecastsAgainstSimulation(t *testing.T) {
	const customers, age, ahead = 100_000, 30.0, 13.0
	for name, m := range map[string]btyd.BetaGeometric{"bgnbd": btyd.BGNBD(0.6, 4, 0.8, 2.5), "mbgnbd": btyd.MBGNBD(0.6, 4, 0.8, 2.5)} {
		rng := rand.New(rand.NewPCG(1, 2))
		var n, p, bought, expected, orders, variance, below, above [3]float64 // by x: 0, 1, 2 and more
		for range customers {
			times := simulate(m, rng, age+ahead)
			var x, y int64
			tx := 0.0
			for _, at := range times {
				if at <= age {
					x, tx = x+1, at
				} else {
					y++
				}
			}
			k := min(x, 2)
			n[k]++
			p[k] += m.PPurchase(x, tx, age, ahead)
			expected[k] += m.ConditionalExpected(x, tx, age, ahead)
			orders[k] += float64(y)
			variance[k] += float64(y * y)
			if y > 0 {
				bought[k]++
			}
			q := m.OrderQuantiles(x, age, ahead, m.PAlive(x, tx, age), 0.1, 0.9)
			if y < q[0] {
				below[k]++
			}
			if y > q[1] {
				above[k]++
			}
		}
		for k := range n {
			const errors = 4 // standard errors
			near(t, name+" share who bought", bought[k]/n[k], p[k]/n[k], errors*math.Sqrt(p[k]/n[k]/n[k]))
			near(t, name+" orders", orders[k]/n[k], expected[k]/n[k], errors*math.Sqrt(variance[k]/n[k]/n[k]))
			if below[k] > 0.1*n[k]+errors*math.Sqrt(n[k]) || above[k] > 0.1*n[k]+errors*math.Sqrt(n[k]) {
				t.Errorf("%s: of %v, %v are below the 10 %% quantile and %v above the 90 %% quantile", name, n[k], below[k], above[k])
			}
		}
	}
}

// Identities between functions that are computed in different ways.
func TestIdentities(t *testing.T) {
	for _, m := range []btyd.BetaGeometric{cdnowBG, cdnowMBG, btyd.BGNBD(3, 20, 0.4, 0.3), btyd.MBGNBD(1.5, 9, 1, 7)} {
		for _, c := range []struct {
			x       int64
			tx, age float64
		}{{0, 0, 0}, {0, 0, 38}, {1, 2, 38}, {3, 30, 38}, {40, 38, 38}, {1200, 2999, 3000}} {
			for _, ahead := range []float64{0.5, 13, 200} {
				alive := m.PAlive(c.x, c.tx, c.age)
				silent := math.Exp(m.LogLikelihood(c.x, c.tx, c.age+ahead) - m.LogLikelihood(c.x, c.tx, c.age))
				near(t, "P(purchase) and the likelihood of longer silence", m.PPurchase(c.x, c.tx, c.age, ahead), 1-silent, 1e-11)

				// E[Y] = Σ P(Y > y), with P(Y > y) read off the quantiles: both ends of it within a step of 1/4096.
				const steps = 4096
				ps := make([]float64, steps)
				for i := range ps {
					ps[i] = (float64(i) + 0.5) / steps
				}
				sum, tail := 0.0, 0.0
				for _, q := range m.OrderQuantiles(c.x, c.age, ahead, alive, ps...) {
					sum += float64(q)
					tail = float64(q)
				}
				want := m.ConditionalExpected(c.x, c.tx, c.age, ahead)
				near(t, "E[Y] and the mean of its quantiles", sum/steps, want, 0.01*want+4*(tail+1)/steps)

				if wait := m.MedianWait(c.x, c.age, alive); !math.IsInf(wait, 1) {
					near(t, "P(purchase) within the median wait", m.PPurchase(c.x, c.tx, c.age, wait), 0.5, 1e-9)
				} else if p := m.PPurchase(c.x, c.tx, c.age, 1e12); p > 0.5 {
					t.Errorf("no median wait, but a purchase has probability %v", p)
				}
			}
		}
	}
}

// The density of the mean spend integrates to 1, and Bayes' theorem on it gives the conditional expectation.
func TestGammaGammaIntegrates(t *testing.T) {
	const x, mean, step = 3, 40.0, 1.0 / 256
	var mass, joint, both float64
	for v := -20.0; v < 25; v += step { // log spend
		mass += step * math.Exp(cdnowGG.LogLikelihood(x, math.Exp(v))+v)
		// the value z of a fourth purchase, given the mean of three: f(z, mean) = ∫ over the customer's rate
		z := math.Exp(v)
		p, q, g := cdnowGG.P, cdnowGG.Q, cdnowGG.Gamma
		f := step * math.Exp(p*v-((x+1)*p+q)*math.Log(g+x*mean+z))
		joint += f
		both += z * f
	}
	near(t, "mass", mass, 1, 1e-9)
	near(t, "expected spend", cdnowGG.ConditionalExpected(x, mean), both/joint, 1e-6*both/joint)
	if v := (btyd.GammaGamma{P: 1, Q: 1, Gamma: 1}).Mean(); !math.IsInf(v, 1) {
		t.Errorf("the mean without a finite expectation is %v", v)
	}
}

func TestDiscounted(t *testing.T) {
	linear := func(t float64) float64 { return 2 * t }
	near(t, "without a rate", btyd.Discounted(linear, 10, 3, 0), 20, 1e-12)
	near(t, "two steps and a half", btyd.Discounted(linear, 2.5, 1, 0.1), 2/1.1+2/1.21+1/math.Pow(1.1, 2.5), 1e-12)
	near(t, "whole steps", btyd.Discounted(linear, 0.3, 0.1, 1), 0.2*(0.5+0.25+0.125), 1e-12)
}

// TestRecovery fits simulated customers and finds the parameters again; the bits do not depend on the threads, nor the
// forecasts on the time unit. Times are in hundredths, so that whole numbers of them lose next to nothing.
func TestRecovery(t *testing.T) {
	h, rng := btyd.Histories{}, rand.New(rand.NewPCG(3, 4))
	truth := btyd.MBGNBD(0.8, 40, 1.2, 3)
	for range 40_000 {
		age := 60 + rng.Int64N(600)
		times := simulate(truth, rng, float64(age))
		var last int64
		if len(times) > 0 {
			last = int64(math.Ceil(100 * times[len(times)-1]))
		}
		h.Add(int64(len(times)), last, 100*age)
	}
	if len(h) < 2*8192 {
		t.Fatalf("%d histories do not fill two chunks", len(h))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := fit(t, h, 100, true)
	runtime.GOMAXPROCS(7)
	if seven := fit(t, h, 100, true); !reflect.DeepEqual(one, seven) {
		t.Errorf("one thread gives %+v, seven give %+v", one, seven)
	}
	sevenths := fit(t, h, 700, true)
	for i, want := range []float64{truth.R, truth.Alpha, truth.A, truth.B} {
		near(t, "parameter", one.Params[i], want, 4*one.StandardErrors[i])
		scale := 1.0
		if i == 1 {
			scale = 7
		}
		near(t, "parameter in another unit", sevenths.Params[i]*scale, one.Params[i], 1e-6*one.Params[i])
	}
}

// TestDegenerateFits: whatever is fitted ends finite, and says whether it converged.
func TestDegenerateFits(t *testing.T) {
	for name, hs := range map[string][][3]int64{
		"one customer":                  {{5, 100, 120}},
		"one who just bought":           {{1, 30, 30}},
		"all alike":                     {{3, 90, 100}, {3, 90, 100}, {3, 90, 100}},
		"never leaving":                 {{9, 99, 100}, {10, 100, 100}, {11, 100, 100}},
		"gone at once":                  {{0, 0, 5000}, {0, 0, 5000}, {1, 1, 5000}},
		"thousands":                     {{4000, 5000, 5001}, {1, 1, 5001}, {0, 0, 5001}},
		"one-time buyers without a day": {{0, 0, 0}, {0, 0, 0}, {1, 1, 1}},
		"nobody repeats":                {{0, 0, 10}, {0, 0, 20}},
	} {
		h := btyd.Histories{}
		for _, c := range hs {
			h.Add(c[0], c[1], c[2])
		}
		for _, leavesAtFirst := range []bool{false, true} {
			f, err := h.Fit(context.Background(), 7, leavesAtFirst)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			finiteFit(t, name, f)
		}
	}
	for name, means := range map[string][]float64{"one": {10}, "all alike": {10, 10, 10}, "far apart": {1e-300, 1e300}} {
		s := btyd.Spends{}
		for i, m := range means {
			s.Add(int64(i+1), m)
		}
		f, err := s.Fit(context.Background())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		finiteFit(t, name, f)
		if c := s.Correlation(); math.IsNaN(c) || math.Abs(c) > 1+1e-12 {
			t.Errorf("%s: correlation %v", name, c)
		}
	}
}

func finiteFit(t *testing.T, name string, f btyd.Fit) {
	t.Helper()
	t.Logf("%s: %+v", name, f)
	for _, v := range append(append([]float64{f.LogLikelihood}, f.Params...), f.StandardErrors...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%s: %+v is not finite", name, f)
		}
	}
}

func TestCancelledFit(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (btyd.Histories{1 << 40: 1}).Fit(ctx, 7, true); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
}
