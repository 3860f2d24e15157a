package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// ChiSquare is Pearson's test, without continuity correction, of whether the rows of a table of counts differ: customers
// who converted and who did not, by segment. Rows of zeros are left out; the degrees of freedom are one less than the
// others. The p-value is an approximation, a rough one where many rows are small. It is not ok with fewer than two rows
// that have anybody, or where nobody converted or everybody did.
func ChiSquare(rows [][2]int64) (t Test, ok bool) {
	n, k, occupied := margins(rows)
	if occupied < 2 || k == 0 || k == n {
		return Test{}, false
	}
	base := float64(k) / float64(n)
	for _, r := range rows {
		if size := float64(r[0] + r[1]); size > 0 {
			d := float64(r[0]) - size*base
			t.Statistic += d * d / (size * base * (1 - base))
		}
	}
	t.DF = occupied - 1
	t.P = survival(t.Statistic, t.DF)
	return t, true
}

// ChiSquareGoodness tests counts against the shares that they were meant to have, such as the variants of an experiment
// (the sample-ratio test): Pearson's goodness of fit. The shares need not add up to 1. It is not ok where there is nothing
// to test: fewer than two shares above 0, or no counts. Counts where the share is 0 are left out.
func ChiSquareGoodness(observed []int64, shares []float64) (t Test, ok bool) {
	var n, all float64
	cells := 0
	for i, o := range observed {
		if shares[i] > 0 {
			n, all, cells = n+float64(o), all+shares[i], cells+1
		}
	}
	if cells < 2 || n == 0 {
		return Test{}, false
	}
	for i, o := range observed {
		if shares[i] > 0 {
			expected := n * (shares[i] / all)
			d := float64(o) - expected
			t.Statistic += d * d / expected
		}
	}
	t.DF = cells - 1
	t.P = survival(t.Statistic, t.DF)
	return t, true
}

// survival is the probability that a chi-square variable is above x.
func survival(x float64, df int) float64 {
	return distuv.ChiSquared{K: float64(df)}.Survival(x)
}

// CramersV is the association of the rows with conversion, 0 to 1: Cramér, "Mathematical Methods of Statistics" (1946), §21.9.
// It is not ok where [ChiSquare] is not.
func CramersV(rows [][2]int64) (v float64, ok bool) {
	t, ok := ChiSquare(rows)
	if !ok {
		return 0, false
	}
	n, _, _ := margins(rows)
	return min(1, math.Sqrt(t.Statistic/float64(n))), true // of two columns
}

// CramersVCorrected is [CramersV] less what chance leaves in it: Bergsma, "A Bias-Correction for Cramér's V and Tschuprow's
// T", J. Korean Stat. Soc. 42 (2013). It is not ok also where there are about as many rows as customers.
func CramersVCorrected(rows [][2]int64) (v float64, ok bool) {
	t, ok := ChiSquare(rows)
	if !ok {
		return 0, false
	}
	customers, _, _ := margins(rows)
	n, df := float64(customers), float64(t.DF)
	phi2 := max(0, t.Statistic/n-df/(n-1))
	short := min(df-df*df/(n-1), 1-1/(n-1)) // the columns are the shorter side, but for the correction
	if !(short > 0) {
		return 0, false
	}
	return min(1, math.Sqrt(phi2/short)), true
}

// MutualInformation is what the row tells about conversion, in bits: Shannon, "A Mathematical Theory of Communication", Bell
// System Technical Journal 27 (1948). It is that of the counts as they are; see [InformationBias] for what chance leaves in it.
func MutualInformation(rows [][2]int64) float64 {
	n, k, _ := margins(rows)
	var bits float64
	for _, r := range rows {
		size := float64(r[0] + r[1])
		for i, column := range [2]int64{k, n - k} {
			if r[i] > 0 {
				o := float64(r[i])
				bits += o / float64(n) * math.Log2(o*float64(n)/(size*float64(column)))
			}
		}
	}
	return max(0, bits)
}

// InformationBias is what [MutualInformation] is expected to be, in bits, where the rows have nothing to do with conversion:
// DF/(2 n ln 2) (Miller, "Note on the Bias of Information Estimates", 1955).
func InformationBias(df int, n int64) float64 {
	return float64(df) / (2 * float64(n) * math.Ln2)
}

// Entropy is that of whether one of n customers is among the k who converted, in bits.
func Entropy(k, n int64) float64 {
	if k <= 0 || k >= n {
		return 0
	}
	p := float64(k) / float64(n)
	return -p*math.Log2(p) - (1-p)*math.Log1p(-p)/math.Ln2
}

// psiFloor is the least share that PSI takes a bin to have, so that an empty one weighs finitely.
const psiFloor = 1e-4

// PSI is the population stability index of the counts after against those before, bin by bin: the sum of
// (q - p) ln(q / p) over their shares p and q, each taken to be at least .0001. It is the symmetric divergence of Jeffreys,
// "An Invariant Form for the Prior Probability in Estimation Problems", Proc. R. Soc. A 186 (1946), eq. 1; credit scoring
// calls under .1 stable and above .25 a shift (Siddiqi, "Credit Risk Scorecards", 2006). It is not ok where either
// has no counts.
func PSI(before, after []int64) (psi float64, ok bool) {
	var m, n float64
	for i := range before {
		m, n = m+float64(before[i]), n+float64(after[i])
	}
	if m == 0 || n == 0 {
		return 0, false
	}
	for i := range before {
		p, q := max(psiFloor, float64(before[i])/m), max(psiFloor, float64(after[i])/n)
		psi += (q - p) * math.Log(q/p)
	}
	return psi, true
}

// margins returns the customers of rows, those who converted, and the rows that have anybody.
func margins(rows [][2]int64) (n, k int64, occupied int) {
	for _, r := range rows {
		n, k = n+r[0]+r[1], k+r[0]
		if r[0]+r[1] > 0 {
			occupied++
		}
	}
	return n, k, occupied
}
