package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// NoncentralSurvival is the probability that a noncentral chi-square variable is at least x: Johnson, Kotz and Balakrishnan,
// "Continuous Univariate Distributions" 2 (1995), equation 29.2, a mixture of central ones with Poisson weights, summed from
// the largest weight outwards. x and the noncentrality lambda are at least 0, df at least 1.
//
// With n customers in df+1 segments whose Cramér's V is v in truth, Pearson's statistic is of this law with lambda = n v²
// (Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, chapter 12, with its effect size w).
func NoncentralSurvival(x float64, df int, lambda float64) float64 {
	half := lambda / 2
	if half == 0 {
		return survival(x, df)
	}
	mode := math.Floor(half)
	gamma, _ := math.Lgamma(mode + 1)
	top := math.Exp(mode*math.Log(half) - half - gamma)
	term := func(weight, j float64) float64 {
		return weight * distuv.ChiSquared{K: float64(df) + 2*j}.Survival(x)
	}
	const negligible = 1e-17
	sum := 0.0
	for j, w := mode, top; w > negligible*sum; j++ {
		sum += term(w, j)
		w *= half / (j + 1)
	}
	for j, w := mode-1, top*mode/half; j >= 0; j-- {
		t := term(w, j)
		if t <= negligible*sum {
			break
		}
		sum += t
		w *= j / half
	}
	return min(1, sum)
}
