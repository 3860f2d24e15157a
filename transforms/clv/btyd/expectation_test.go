package btyd

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The references are c/(a-1)·[1 - (1-z)^s·2F1(s, b; c; z)] in mpmath 1.3 with 60 digits.
var meanUntilLeavingCases = []struct{ s, a, b, u, want float64 }{
	{0.25, 0.8, 2.5, 10, 1.3403904453211918},
	{26.25, 0.793, 28.4, 1.5, 27.000630985153915},
	{0.5, 1, 2.6, 9, 2.0787957015309265}, // the limit a = 1
	{0.5, 1.000000001, 2.6, 9, 2.0787957004703095},
	{0.5, 0.9999, 2.6, 9, 2.07890168993256},
	{2000.5, 0.8, 2003.1, 0.9, 1370.4380419279792},
	{5000.2, 1.2, 5002, 30, 12424.86644468878},
	{0.24, 0.3, 0.4, 5, 0.71440898282328286}, // c below 0
	{0.24, 0.3, 0.4, 4000, 76.464321576122535},
	{1000, 2, 5, 0.3, 5.9012239184015416}, // the series alternates with terms up to 1e30
	{1000, 2, 5, 20, 5.9984987993553364},
	{0.001, 0.001, 1000, 2, 0.0019999980006647001},
	{3, 50, 4000, 0.7, 2.0642297213150283},
	{30000, 3, 30002, 0.05, 1394.5709945961897},
	{1.5, 20, 0.01, 12, 0.979163901589383},
	{0.25, 0.000001, 3, 8, 1.999998323358553},
	{7, 10000, 10000, 0.5, 1.5805957796966716},
	{10000, 1e-5, 10000, 1e-3, 9.9999999500116619},
}

func TestMeanUntilLeaving(t *testing.T) {
	for _, c := range meanUntilLeavingCases {
		if got := meanUntilLeaving(c.s, c.a, c.b, c.u); math.Abs(got/c.want-1) > 1e-9 {
			t.Errorf("meanUntilLeaving(%v, %v, %v, %v) = %v, want %v", c.s, c.a, c.b, c.u, got, c.want)
		}
		if got := integrateUntilLeaving(c.s, c.a, c.b, c.u); math.Abs(got/c.want-1) > 1e-9 {
			t.Errorf("integrateUntilLeaving(%v, %v, %v, %v) = %v, want %v", c.s, c.a, c.b, c.u, got, c.want)
		}
	}
}

// The series and the integral share nothing but their arguments.
func TestSeriesAgreesWithIntegral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, a, b, u := logUniform(t, "s", -7, 9), logUniform(t, "a", -7, 9), logUniform(t, "b", -7, 9), logUniform(t, "u", -9, 9)
		got, want := meanUntilLeaving(s, a, b, u), integrateUntilLeaving(s, a, b, u)
		if !(math.Abs(got/want-1) < 1e-8) {
			t.Errorf("s %v, a %v, b %v, u %v: series %v, integral %v", s, a, b, u, got, want)
		}
	})
}

func logUniform(t *rapid.T, name string, lo, hi float64) float64 {
	return math.Exp(rapid.Float64Range(lo, hi).Draw(t, name))
}

// TestFinite goes to the corners of what a fit can reach and of what a warehouse can hold.
func TestFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := BetaGeometric{
			logUniform(t, "r", -limit, limit), logUniform(t, "alpha", -limit, limit),
			logUniform(t, "a", -limit, limit), logUniform(t, "b", -limit, limit), rapid.Bool().Draw(t, "leaves at first"),
		}
		x := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, 5000), rapid.Int64Range(0, maxX)).Draw(t, "x")
		age := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 100), rapid.Float64Range(0, maxDays)).Draw(t, "T")
		tx := 0.0
		if x > 0 {
			tx = age * rapid.OneOf(rapid.Just(1.0), rapid.Float64Range(0, 1)).Draw(t, "t_x/T")
		}
		days := rapid.Float64Range(0.01, 3650).Draw(t, "t")

		alive := m.PAlive(x, tx, age)
		p := m.PPurchase(x, tx, age, days)
		orders := m.ConditionalExpected(x, tx, age, days)
		if ll := m.LogLikelihood(x, tx, age); !finite(ll) {
			t.Errorf("LogLikelihood %v", ll)
		}
		if !(0 <= alive && alive <= 1 && 0 <= p && p <= alive) {
			t.Errorf("PAlive %v, PPurchase %v", alive, p)
		}
		if !finite(orders) || orders < p*(1-1e-8) {
			t.Errorf("ConditionalExpected %v is below PPurchase %v", orders, p)
		}
		if wait := m.MedianWait(x, age, alive); math.IsNaN(wait) || wait < 0 {
			t.Errorf("MedianWait %v", wait)
		}
		if x < 1000 {
			q := m.OrderQuantiles(x, age, days, alive, 0.1, 0.9)
			if q[1] >= 0 && !(0 <= q[0] && q[0] <= q[1]) {
				t.Errorf("OrderQuantiles %v", q)
			}
		}
	})
}

// The references are mpmath's loggamma and digamma with 60 digits.
var gammaRatioCases = []struct{ z, q, log, psi float64 }{
	{0.25, 3, -0.3522205935893521, 5.2444444444444444},
	{99.5, 7, 32.407706605750393, 0.068318701047249278},
	{100, 0.5, 2.3013350982022228, 0.0050124998437578117},
	{100, 1e6, 12816526.990947874, 9.2154482002764317},
	{1e3, 2.5, 17.271261948625938, 0.0024981274964894924},
	{1e9, 3.7, 76.676083601696721, 3.699999995005e-9},
	{1e12, 0.25, 6.9077552789820433, 2.5000000000009375e-13},
	{5e8, 8e6, 160304610.61455045, 0.015873349172038181},
}

func TestGammaRatio(t *testing.T) {
	for _, c := range gammaRatioCases {
		log, psi := gammaRatio(c.z, c.q)
		if math.Abs(log-c.log) > 1e-13*(1+math.Abs(c.log)) || math.Abs(psi/c.psi-1) > 1e-12 {
			t.Errorf("gammaRatio(%v, %v) = %v, %v, want %v, %v", c.z, c.q, log, psi, c.log, c.psi)
		}
	}
}

// TestGradients compares the gradients with differences of the likelihoods, over histories of all kinds.
func TestGradients(t *testing.T) {
	h, s := Histories{}, Spends{}
	for _, r := range [][3]int64{{0, 0, 0}, {0, 0, 300}, {1, 1, 1}, {1, 40, 300}, {2, 100, 300}, {9, 280, 281}, {700, 800, 810}, {4000, 5000, 7000}} {
		h.Add(r[0], r[1], r[2])
		if r[0] > 0 {
			s.Add(r[0], float64(1+r[1]%97))
		}
	}
	counting, spending := h.in(7), s.likelihood()
	objectives := map[string]objective{
		"bgnbd": counting.objective(false), "mbgnbd": counting.objective(true), "gammagamma": spending.objective(),
	}
	for name, f := range objectives {
		n := 4
		if name == "gammagamma" {
			n = 3
		}
		rapid.Check(t, func(t *rapid.T) {
			theta, grad := make([]float64, n), make([]float64, n)
			for i := range theta {
				theta[i] = rapid.Float64Range(-4, 4).Draw(t, "theta")
			}
			value := f(theta, grad)
			for i := range theta {
				const d = 1e-4
				at := append([]float64{}, theta...)
				at[i] += d
				up := f(at, make([]float64, n))
				at[i] -= 2 * d
				down := f(at, make([]float64, n))
				if want := (up - down) / (2 * d); math.Abs(grad[i]-want) > 1e-6*(1+math.Abs(want))+1e-10*math.Abs(value) {
					t.Errorf("%s at %v: gradient %d is %v, difference %v", name, theta, i, grad[i], want)
				}
			}
		})
	}
}
