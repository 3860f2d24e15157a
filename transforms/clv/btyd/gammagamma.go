package btyd

import (
	"context"
	"math"
	"slices"
)

// GammaGamma is the model of what customers spend of Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value"
// (brucehardie.com, note 025): a purchase's value is gamma distributed with shape P and a rate that is the customer's
// own, drawn from a gamma distribution with shape Q and rate Gamma (money). It takes spend to be independent of how
// often somebody buys. All three parameters are positive.
type GammaGamma struct {
	P, Q, Gamma float64
}

// LogLikelihood returns the log-likelihood of a mean spend of mean > 0 over x > 0 purchases: note 025, equation 1a.
func (m GammaGamma) LogLikelihood(x int64, mean float64) float64 {
	fx, logMean := float64(x), math.Log(mean)
	one := spendLikelihood{xs: []float64{fx}, groups: []spendGroup{{x: 0, n: 1, logTotal: math.Log(fx) + logMean}}}
	ll, _ := one.logLikelihood(m)
	return ll - logMean
}

// Mean returns the mean spend over all customers, P·Gamma/(Q-1). It is +Inf for Q <= 1.
func (m GammaGamma) Mean() float64 { return m.ConditionalExpected(0, 0) }

// ConditionalExpected returns the expected value of further purchases of a customer who made x with a mean spend of
// mean: note 025, equation 5, a weighted average of mean and Mean. Without purchases (0, 0) it is Mean.
// It is +Inf for P·x + Q <= 1.
func (m GammaGamma) ConditionalExpected(x int64, mean float64) float64 {
	px := m.P * float64(x)
	if px+m.Q <= 1 {
		return math.Inf(1)
	}
	return (m.P*m.Gamma + px*mean) / (px + m.Q - 1)
}

// Spends counts repeat buyers by (x, mean spend), the mean in bins 1/4096 wide in its logarithm, and keeps the
// sum of each bin's logarithms in whole units: a bin stands for its customers by their geometric mean, which leaves an
// error of second order, some 1e-9 of the log-likelihood. So it takes no more memory for more customers, and adds up
// in any order to the same bits.
type Spends map[spendKey]spendSum

type spendKey struct{ x, bin int32 }

type spendSum struct{ n, offset int64 }

const (
	binsPerLog    = 4096
	offsetsPerLog = 1 << 44 // room for four billion customers in a bin
)

// Add counts one customer with x > 0 repeat purchases, at most 8 million, and a mean spend above zero and finite.
func (c Spends) Add(x int64, mean float64) {
	v := math.Log(mean)
	bin := math.Round(v * binsPerLog)
	k := spendKey{int32(x), int32(bin)}
	s := c[k]
	c[k] = spendSum{s.n + 1, s.offset + int64(math.Round((v-bin/binsPerLog)*offsetsPerLog))}
}

// Fit fits the Gamma-Gamma model by maximum likelihood. Params are P, Q and Gamma, the last in money. It fails only when
// ctx ends. There must be a customer.
func (c Spends) Fit(ctx context.Context) (Fit, error) {
	s := c.likelihood()
	return maximize(ctx, s.objective(), s.starts(), s.customers)
}

// Correlation returns the correlation of log(x) and log(mean) over the customers: the independence that the model takes
// for granted would make it zero. It is 0 where either does not vary.
func (c Spends) Correlation() float64 {
	s := c.likelihood()
	var logX float64
	for _, g := range s.groups {
		logX += g.n * math.Log(s.xs[g.x])
	}
	meanX, meanM := logX/s.customers, s.logMeans/s.customers
	var xx, xm, mm float64
	for _, g := range s.groups {
		lx := math.Log(s.xs[g.x])
		dx, dm := lx-meanX, g.logTotal-lx-meanM
		xx, xm, mm = xx+g.n*dx*dx, xm+g.n*dx*dm, mm+g.n*dm*dm
	}
	if r := xm / math.Sqrt(xx*mm); finite(r) {
		return r
	}
	return 0
}

// A spendLikelihood is that of counted spends, which it holds in ascending order.
type spendLikelihood struct {
	xs        []float64 // the distinct x, ascending
	groups    []spendGroup
	customers float64
	logMeans  float64 // sum of log(mean)
}

// A spendGroup is n customers with the same x, an index into xs, and the same total spend.
type spendGroup struct {
	x        int32
	n        float64
	logTotal float64 // log(x·mean)
}

func (c Spends) likelihood() spendLikelihood {
	keys := make([]spendKey, 0, len(c))
	for k := range c {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b spendKey) int {
		if a.x != b.x {
			return int(a.x - b.x)
		}
		return int(a.bin - b.bin)
	})
	s := spendLikelihood{groups: make([]spendGroup, len(keys))}
	for i, k := range keys {
		if x := float64(k.x); len(s.xs) == 0 || s.xs[len(s.xs)-1] != x {
			s.xs = append(s.xs, x)
		}
		sum := c[k]
		n := float64(sum.n)
		logMean := float64(k.bin)/binsPerLog + float64(sum.offset)/offsetsPerLog/n
		s.groups[i] = spendGroup{x: int32(len(s.xs) - 1), n: n, logTotal: math.Log(float64(k.x)) + logMean}
		s.customers += n
		s.logMeans += n * logMean
	}
	return s
}

// logLikelihood returns the log-likelihood of m, but for the term -log(mean) that no parameter touches, and its
// gradient in the logarithms of P, Q and Gamma. With y = log(x·mean/Gamma), equation 1a is
//
//	log Γ(Px+Q)/(Γ(Px)Γ(Q)) - log(mean) - Px·log(1+e^-y) - Q·log(1+e^y)
func (s *spendLikelihood) logLikelihood(m GammaGamma) (float64, [3]float64) {
	logGamma := math.Log(m.Gamma)
	logs, dP, dQ := make([]float64, len(s.xs)), make([]float64, len(s.xs)), make([]float64, len(s.xs))
	for i, x := range s.xs {
		px := m.P * x
		overPx, psiOverPx := gammaRatio(px, m.Q)
		overQ, psiOverQ := gammaRatio(m.Q, px)
		if logs[i] = overPx - lgamma(m.Q); m.Q > px {
			logs[i] = overQ - lgamma(px)
		}
		dP[i], dQ[i] = x*psiOverPx, psiOverQ
	}
	sum := sumChunks(len(s.groups), func(lo, hi int) (q [5]float64) {
		for _, g := range s.groups[lo:hi] {
			x := s.xs[g.x]
			y := g.logTotal - logGamma
			e := math.Exp(-math.Abs(y))
			big, small, l := 1/(1+e), e/(1+e), math.Log1p(e)
			below, above := l, l+y     // log(1+e^-y), log(1+e^y)
			total, gamma := big, small // the shares of Gamma + total
			if y < 0 {
				below, above = l-y, l
				total, gamma = small, big
			}
			q[0] += g.n * (logs[g.x] - m.P*x*below - m.Q*above)
			q[1] += g.n * m.P * (dP[g.x] - x*below)
			q[2] += g.n * m.Q * (dQ[g.x] - above)
			q[3] += g.n * (m.Q*total - m.P*x*gamma)
		}
		return q
	})
	return sum[0], [3]float64(sum[1:4])
}

func (s *spendLikelihood) objective() objective {
	return func(theta, grad []float64) float64 {
		p := expAll(theta)
		ll, g := s.logLikelihood(GammaGamma{p[0], p[1], p[2]})
		for i := range grad {
			grad[i] = -g[i] / s.customers
		}
		return (s.logMeans - ll) / s.customers
	}
}

// starts returns parameters to search from: for each guess of the shapes, Gamma from the typical spend.
func (s *spendLikelihood) starts() [][]float64 {
	typical := math.Exp(s.logMeans / s.customers)
	var out [][]float64
	for _, shapes := range [][2]float64{{1, 3}, {6, 4}, {2, 12}, {30, 3}} {
		out = append(out, []float64{shapes[0], shapes[1], typical * (shapes[1] - 1) / shapes[0]})
	}
	return out
}
