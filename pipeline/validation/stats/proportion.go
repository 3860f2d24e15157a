package stats

import (
	"cmp"
	"math"
	"slices"
)

// MinExpected is Cochran's rule of thumb: where a cell of a table expects fewer, the normal approximation is not used
// (Cochran, "Some Methods for Strengthening the Common Chi-Square Tests", Biometrics 10, 1954).
const MinExpected = 5

// Wilson returns k/n with its 95 % score interval, without continuity correction: Wilson, "Probable Inference, the Law
// of Succession, and Statistical Inference", JASA 22 (1927). n is positive.
func Wilson(k, n int64) Estimate {
	p, m, zz := float64(k)/float64(n), float64(n), Z95*Z95
	center := (p + zz/(2*m)) / (1 + zz/m)
	half := Z95 / (1 + zz/m) * math.Sqrt(p*(1-p)/m+zz/(4*m*m))
	e := Estimate{p, max(0, center-half), min(1, center+half)}
	if k == 0 {
		e.Low = 0 // exactly, where rounding would leave a trace
	}
	if k == n {
		e.High = 1
	}
	return e
}

// Newcombe returns x1/n1 - x2/n2 with its 95 % hybrid score interval, made of the Wilson limits of both: Newcombe,
// "Interval Estimation for the Difference between Independent Proportions", Statistics in Medicine 17 (1998), method 10.
// n1 and n2 are positive.
func Newcombe(x1, n1, x2, n2 int64) Estimate {
	a, b := Wilson(x1, n1), Wilson(x2, n2)
	d := a.Value - b.Value
	return Estimate{
		d,
		max(-1, d-math.Hypot(a.Value-a.Low, b.High-b.Value)),
		min(1, d+math.Hypot(a.High-a.Value, b.Value-b.Low)),
	}
}

// RatioInterval returns the 95 % interval of the ratio of the proportions x1/n1 and x2/n2, with the center of the interval
// as its value: Katz et al., "Obtaining Confidence Intervals for the Risk Ratio in Cohort Studies", Biometrics 34 (1978),
// on the scale of logarithms, with a half added to each count and each number of customers so that it is finite where nobody
// converted (Walter, "The Distribution of Levin's Measure of Attributable Risk", Biometrika 62, 1975). n1 and n2 are positive.
func RatioInterval(x1, n1, x2, n2 int64) Estimate {
	a, m, b, n := float64(x1)+.5, float64(n1)+.5, float64(x2)+.5, float64(n2)+.5
	ratio := a / m / (b / n)
	spread := math.Exp(Z95 * math.Sqrt(1/a-1/m+1/b-1/n))
	return Estimate{ratio, ratio / spread, ratio * spread}
}

// TwoProportions tests x1 of n1 against x2 of n2, two-sided, and names the test: "fisher", the exact one (tables no likelier
// than the observed one), where a cell of their table expects fewer than [MinExpected]; else "z" with the pooled variance and
// without continuity correction, whose square is Pearson's chi-square. The name is empty where there is nothing to test:
// a side without customers, nobody converted, or everybody.
func TwoProportions(x1, n1, x2, n2 int64) (p float64, test string) {
	n, k := n1+n2, x1+x2
	if n1 <= 0 || n2 <= 0 || k == 0 || k == n {
		return 0, ""
	}
	if float64(min(n1, n2))*float64(min(k, n-k))/float64(n) < MinExpected {
		return fisher(x1, n1, n2, k), "fisher"
	}
	pooled := float64(k) / float64(n)
	se := math.Sqrt(pooled * (1 - pooled) * (1/float64(n1) + 1/float64(n2)))
	return normalTails((float64(x1)/float64(n1) - float64(x2)/float64(n2)) / se), "z"
}

// fisher returns the two-sided p-value of x converters among the n1 of one side, where both sides, n1 and n2, have k:
// the probability of all tables with these margins that are no likelier than this one (as fisher.test in R). The
// probabilities are built from their mode outwards by their ratios, so that nothing overflows. Called where a cell expects
// fewer than five, the support has at most about sqrt(5 (n1+n2)) tables.
func fisher(x, n1, n2, k int64) float64 {
	lo, hi := max(0, k-n2), min(k, n1)
	mode := int64((float64(n1) + 1) * (float64(k) + 1) / (float64(n1) + float64(n2) + 2))
	mode = min(max(mode, lo), hi)
	weights := make([]float64, hi-lo+1) // hypergeometric probabilities over that of the mode
	up := func(i int64) float64 {       // probability of i+1 over that of i
		return float64(n1-i) / float64(i+1) * (float64(k-i) / float64(n2-k+i+1))
	}
	weights[mode-lo] = 1
	for i := mode; i < hi; i++ {
		weights[i+1-lo] = weights[i-lo] * up(i)
	}
	for i := mode; i > lo; i-- {
		weights[i-1-lo] = weights[i-lo] / up(i-1)
	}
	const slack = 1 + 1e-7 // tables as likely as the observed one, but for rounding
	var all, extreme float64
	for _, w := range weights {
		all += w
		if w <= weights[x-lo]*slack {
			extreme += w
		}
	}
	return min(1, extreme/all)
}

// BenjaminiHochberg returns the q-value of each p: the least false discovery rate at which it would be called a
// discovery. Benjamini & Hochberg, "Controlling the False Discovery Rate", JRSS B 57 (1995).
func BenjaminiHochberg(ps []float64) []float64 {
	m := len(ps)
	descending := make([]int, m)
	for i := range descending {
		descending[i] = i
	}
	slices.SortStableFunc(descending, func(a, b int) int { return cmp.Compare(ps[b], ps[a]) })
	qs := make([]float64, m)
	q := 1.0
	for i, at := range descending {
		q = min(q, ps[at]*(float64(m)/float64(m-i))) // so that no q is under its p
		qs[at] = q
	}
	return qs
}
