// Package btyd has the "buy till you die" models of customers who leave without saying so: how often somebody still buys
// (BetaGeometric: BG/NBD and MBG/NBD) and for how much (GammaGamma), their maximum likelihood fits, and their forecasts.
//
// Data come as counts (Histories, Spends): memory and time grow with the number of different histories, not with that
// of customers, and no result depends on the order in which customers were added or on the number of threads.
package btyd

import "math"

// BetaGeometric is a model of when customers buy. While alive, a customer buys at a rate drawn from a gamma
// distribution with shape R and rate Alpha (a time); after a purchase the customer leaves for good with a probability
// drawn from a beta distribution (A, B). All four parameters are positive.
//
// A history is x purchases after the first, the last of them txn after the first (0 where x is 0), watched until age
// T, txn <= T. Times are in the unit of Alpha.
//
// BG/NBD and MBG/NBD differ in one thing only: whether a customer can leave after the very first purchase. Somebody
// alive has therefore survived k = x chances to leave in BG/NBD and k = x + 1 in MBG/NBD, and the papers' formulas
// become one, with k in them:
//
//	L = Γ(R+x)/Γ(R) · B(A, B+k)/B(A, B) · Alpha^R · [(Alpha+T)^-(R+x) + A/(B+k-1)·(Alpha+t_x)^-(R+x) if k > 0]
//
// The first summand is "still alive", the second "left after the last purchase". Given the history and that the
// customer is alive, rate and leaving probability are independent: Gamma(R+x, Alpha+T) and Beta(A, B+k).
type BetaGeometric struct {
	R, Alpha, A, B float64

	LeavesAtFirst bool // MBG/NBD: the first purchase is a chance to leave as well
}

// BGNBD returns the model of Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way".
func BGNBD(r, alpha, a, b float64) BetaGeometric {
	return BetaGeometric{R: r, Alpha: alpha, A: a, B: b}
}

// MBGNBD returns the model of Batislam, Denizel & Filiztekin (2007), "Empirical validation and comparison of models for
// customer base analysis".
func MBGNBD(r, alpha, a, b float64) BetaGeometric {
	return BetaGeometric{R: r, Alpha: alpha, A: a, B: b, LeavesAtFirst: true}
}

// chances returns k, the chances to leave that somebody alive with x repeat purchases has survived.
func (m BetaGeometric) chances(x float64) float64 {
	if m.LeavesAtFirst {
		return x + 1
	}
	return x
}

// LogLikelihood returns the log-likelihood of one history: Fader, Hardie & Lee (2005), equation 6, for BG/NBD.
func (m BetaGeometric) LogLikelihood(x int64, tx, age float64) float64 {
	one := likelihood{xs: []float64{float64(x)}, times: []float64{tx, age}, groups: []group{{x: 0, tx: 0, age: 1, n: 1}}}
	ll, _ := one.logLikelihood(m)
	return ll
}

// PAlive returns the probability that the customer has not left: the first summand of the likelihood over both.
// In BG/NBD it is 1 for everybody without a repeat purchase.
func (m BetaGeometric) PAlive(x int64, tx, age float64) float64 {
	fx := float64(x)
	k := m.chances(fx)
	if k == 0 {
		return 1
	}
	return 1 / (1 + m.A/(m.B+k-1)*math.Exp((m.R+fx)*math.Log1p((age-tx)/(m.Alpha+tx))))
}

// PPurchase returns the probability of at least one purchase within t after age.
//
// Nobody leaves between purchases, so an alive customer stays silent for t with probability E[exp(-λt)], which under
// the gamma posterior is ((Alpha+T)/(Alpha+T+t))^(R+x); whoever has left stays silent for sure. Equivalently it is
// 1 - L(x, t_x, T+t)/L(x, t_x, T), since "the same history, watched for longer" is "no purchase".
func (m BetaGeometric) PPurchase(x int64, tx, age, t float64) float64 {
	return m.PAlive(x, tx, age) * m.PPurchaseAlive(x, age, t)
}

// PPurchaseAlive returns the probability of at least one purchase within t after age of somebody alive at age.
func (m BetaGeometric) PPurchaseAlive(x int64, age, t float64) float64 {
	return -math.Expm1(-(m.R + float64(x)) * math.Log1p(t/(m.Alpha+age)))
}

// Expected returns the expected number of repeat purchases of a new customer within t of the first:
// Fader, Hardie & Lee (2005), equation 9, for BG/NBD.
func (m BetaGeometric) Expected(t float64) float64 { return m.ConditionalExpected(0, 0, 0, t) }

// ConditionalExpected returns the expected number of purchases within t after age: Fader, Hardie & Lee (2005),
// equation 10, for BG/NBD. It contains the probability of being alive.
func (m BetaGeometric) ConditionalExpected(x int64, tx, age, t float64) float64 {
	return m.PAlive(x, tx, age) * m.ExpectedAlive(x, age, t)
}

// ExpectedAlive returns the expected number of purchases within t after age of somebody alive at age.
func (m BetaGeometric) ExpectedAlive(x int64, age, t float64) float64 {
	fx := float64(x)
	return meanUntilLeaving(m.R+fx, m.A, m.B+m.chances(fx), t/(m.Alpha+age))
}

// MedianWait returns the time after age by which another purchase is as likely as not: PPurchase reaches one half.
// It is +Inf for whoever is more likely than not to have left, or to stay silent for good.
func (m BetaGeometric) MedianWait(x int64, age, pAlive float64) float64 {
	if pAlive <= 0.5 {
		return math.Inf(1)
	}
	return (m.Alpha + age) * math.Expm1(-math.Log1p(-0.5/pAlive)/(m.R+float64(x)))
}

// maxOrders bounds the search of OrderQuantiles.
const maxOrders = 10_000

// OrderQuantiles returns the smallest numbers of purchases within t after age whose cumulative probability reaches the
// ascending probabilities ps. A number is -1 where it would be above maxOrders.
//
// Somebody alive makes n purchases by surviving n chances to leave and making exactly n in the time, or by leaving at
// the n-th of at least n. Over the posteriors the first factor is B(A, B'+n)/B(A, B') with B' = B+k, respectively
// B(A+1, B'+n-1)/B(A, B'), and the second the negative binomial probability of n, respectively of n or more.
func (m BetaGeometric) OrderQuantiles(x int64, age, t, pAlive float64, ps ...float64) []int64 {
	fx := float64(x)
	s, b := m.R+fx, m.B+m.chances(fx)
	logZ, logQ := -math.Log1p((m.Alpha+age)/t), -math.Log1p(t/(m.Alpha+age))
	out := make([]int64, 0, len(ps))
	logPmf, atLeast := s*logQ, 1.0 // of the negative binomial at n, and its tail from n on
	logStay := 0.0                 // log B(A, b+n)/B(A, b)
	cumulative := 1 - pAlive
	for n := 0.0; n <= maxOrders && len(out) < len(ps); n++ {
		pmf := math.Exp(logPmf)
		p := math.Exp(logStay) * pmf
		if n > 0 {
			p += math.Exp(logStay) * m.A / (b + n - 1) * atLeast
		}
		cumulative += pAlive * p
		for len(out) < len(ps) && cumulative >= ps[len(out)] {
			out = append(out, int64(n))
		}
		atLeast = max(0, atLeast-pmf)
		logPmf += math.Log((s+n)/(n+1)) + logZ
		logStay -= math.Log1p(m.A / (b + n))
	}
	for len(out) < len(ps) {
		out = append(out, -1)
	}
	return out
}

// Discounted returns the sum of the expected purchases in steps of step up to horizon, those of the i-th step divided
// by (1+rate)^i: bought at the end of the step. The last step may be shorter. expected is cumulative.
func Discounted(expected func(t float64) float64, horizon, step, rate float64) float64 {
	var sum, before float64
	steps := math.Ceil(horizon/step - 1e-9)
	for i := 1.0; i <= steps; i++ {
		t := min(i*step, horizon)
		now := expected(t)
		sum += (now - before) * math.Pow(1+rate, -t/step)
		before = now
	}
	return sum
}
