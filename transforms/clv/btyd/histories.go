package btyd

import (
	"context"
	"math"
	"slices"
)

// Histories counts customers by history (x, t_x, T) in days. It holds one entry for each distinct history: what the
// likelihood needs, and far fewer than customers. Its zero value is not usable: make it.
type Histories map[uint64]int64

const (
	maxX    = 1<<23 - 1 // repeat purchase days
	maxDays = 1<<20 - 1 // 2,870 years
)

// Valid says whether x repeat purchase days, the last of them tx days after the first, can have happened by age days.
func Valid(x, tx, age int64) bool {
	return 0 <= x && x <= maxX && 0 <= tx && tx <= age && age <= maxDays && (x == 0) == (tx == 0)
}

// Add counts one customer. The history must be Valid.
func (c Histories) Add(x, tx, age int64) { c[uint64(x)<<40|uint64(tx)<<20|uint64(age)]++ }

// A likelihood is that of counted histories, which it holds in ascending order: sums over them do not depend on the
// order in which they were added.
type likelihood struct {
	xs        []float64 // the distinct x, ascending
	times     []float64 // the distinct t_x and T, ascending, in the time unit
	groups    []group
	customers float64
	purchases float64 // sum of x
	age       float64 // sum of T
}

// A group is n customers with the same history; x indexes xs, tx and age index times.
type group struct {
	x, tx, age int32
	n          float64
}

// Fit fits BG/NBD, or MBG/NBD where a customer can leave at the first purchase, by maximum likelihood, with times in
// units of unit days. Params are R, Alpha, A and B. It fails only when ctx ends. There must be a repeat purchase.
func (c Histories) Fit(ctx context.Context, unit float64, leavesAtFirst bool) (Fit, error) {
	h := c.in(unit)
	return maximize(ctx, h.objective(leavesAtFirst), h.starts(), h.customers)
}

func (c Histories) in(unit float64) likelihood {
	split := func(k uint64) (x, tx, age uint64) { return k >> 40, k >> 20 & maxDays, k & maxDays }
	var keys, xs, days []uint64
	for k := range c {
		x, tx, age := split(k)
		keys, xs, days = append(keys, k), append(xs, x), append(days, tx, age)
	}
	slices.Sort(keys)
	xs, days = distinct(xs), distinct(days)
	h := likelihood{xs: floats(xs, 1), times: floats(days, unit), groups: make([]group, len(keys))}
	for i, k := range keys {
		x, tx, age := split(k)
		g := group{position(xs, x), position(days, tx), position(days, age), float64(c[k])}
		h.groups[i] = g
		h.customers += g.n
		h.purchases += g.n * float64(x)
		h.age += g.n * h.times[g.age]
	}
	return h
}

func distinct(vs []uint64) []uint64 {
	slices.Sort(vs)
	return slices.Compact(vs)
}

func position(vs []uint64, v uint64) int32 {
	i, _ := slices.BinarySearch(vs, v)
	return int32(i)
}

func floats(vs []uint64, unit float64) []float64 {
	out := make([]float64, len(vs))
	for i, v := range vs {
		out[i] = float64(v) / unit
	}
	return out
}

// logLikelihood returns the log-likelihood of m over the groups and its gradient in the logarithms of R, Alpha, A, B.
// With k chances survived, e = alive/left of the likelihood's two summands, and w = 1/(1+e) the probability of having
// left,
//
//	log L = Σ_{i<x} log(R+i) - x·log Alpha + Σ_{i<k} log((B+i)/(A+B+i)) + log(left) + log(1+e)
//
// where powers of 1+T/Alpha stand for those of Alpha+T: their logarithms stay exact for large Alpha. What depends on x
// or on a day alone comes from tables.
func (h *likelihood) logLikelihood(m BetaGeometric) (float64, [4]float64) {
	ks, odds, logOdds := make([]float64, len(h.xs)), make([]float64, len(h.xs)), make([]float64, len(h.xs))
	for i, x := range h.xs {
		ks[i] = m.chances(x)
		odds[i] = (m.B + ks[i] - 1) / m.A
		logOdds[i] = math.Log(odds[i]) // not looked at where k is 0
	}
	logR, sumR := rising(m.R, h.xs)
	logB, sumB := rising(m.B, ks)
	logAB, sumAB := rising(m.A+m.B, ks)
	logAlpha := math.Log(m.Alpha)
	logs, shares := make([]float64, len(h.times)), make([]float64, len(h.times))
	for i, t := range h.times {
		logs[i], shares[i] = math.Log1p(t/m.Alpha), t/(m.Alpha+t)
	}
	sum := sumChunks(len(h.groups), func(lo, hi int) (q [5]float64) {
		for _, g := range h.groups[lo:hi] {
			x, k := h.xs[g.x], ks[g.x]
			s := m.R + x
			logTx, logAge, shareTx, shareAge := logs[g.tx], logs[g.age], shares[g.tx], shares[g.age]
			ll := logR[g.x] - x*logAlpha + logB[g.x] - logAB[g.x]
			dA, dB := -sumAB[g.x], sumB[g.x]-sumAB[g.x]
			left, alive := 0.0, 1.0
			if k == 0 {
				ll -= s * logAge
			} else {
				e := odds[g.x] * math.Exp(s*(logTx-logAge))
				left = 1 / (1 + e)
				alive = e * left
				ll += math.Log(1+e) - logOdds[g.x] - s*logTx
				dA += left / m.A
				dB -= left / (m.B + k - 1)
			}
			q[0] += g.n * ll
			q[1] += g.n * m.R * (sumR[g.x] - alive*logAge - left*logTx)
			q[2] += g.n * (s*(alive*shareAge+left*shareTx) - x)
			q[3] += g.n * m.A * dA
			q[4] += g.n * m.B * dB
		}
		return q
	})
	return sum[0], [4]float64(sum[1:])
}

// objective returns the objective of fitting MBG/NBD (leavesAtFirst) or BG/NBD to h.
func (h *likelihood) objective(leavesAtFirst bool) objective {
	return func(theta, grad []float64) float64 {
		p := expAll(theta)
		ll, g := h.logLikelihood(BetaGeometric{p[0], p[1], p[2], p[3], leavesAtFirst})
		for i := range grad {
			grad[i] = -g[i] / h.customers
		}
		return -ll / h.customers
	}
}

// starts returns parameters to search from: for each guess of the heterogeneities, Alpha from the mean rate, which
// leaving makes twice as high while alive.
func (h *likelihood) starts() [][]float64 {
	rate := 2 * h.purchases / h.age
	var out [][]float64
	for _, r := range []float64{0.25, 1, 4} {
		for _, leaving := range [][2]float64{{0.5, 2}, {1, 4}, {1, 20}} {
			out = append(out, []float64{r, r / rate, leaving[0], leaving[1]})
		}
	}
	return out
}
