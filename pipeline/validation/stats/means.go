package stats

import (
	"math"
	"math/big"

	"gonum.org/v1/gonum/stat/distuv"
)

// Welch returns mean1 - mean2 with its 95 % interval, by Student's t with the degrees of freedom of Welch, "The Generalization
// of 'Student's' Problem when Several Different Population Variances are Involved", Biometrika 34 (1947). The variances are
// those of samples, with n - 1. It is not ok with fewer than two of either side, or where neither side varies.
func Welch(n1 int64, mean1, variance1 float64, n2 int64, mean2, variance2 float64) (difference Estimate, ok bool) {
	if n1 < 2 || n2 < 2 {
		return Estimate{}, false
	}
	a, b := variance1/float64(n1), variance2/float64(n2)
	if !(a+b > 0) {
		return Estimate{}, false
	}
	// (a+b)²/(a²/(n1-1) + b²/(n2-1)), of shares so that no square overflows
	wa, wb := a/(a+b), b/(a+b)
	df := 1 / (wa*wa/float64(n1-1) + wb*wb/float64(n2-1))
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(.975) * math.Sqrt(a+b)
	d := mean1 - mean2
	return Estimate{d, d - half, d + half}, true
}

// SampleVariance is that of n whole numbers with this sum and sum of squares: n times the squares less the squared sum, by
// n (n - 1). The difference is taken between integers, so that nothing cancels. It is 0 with fewer than two.
func SampleVariance(n, sum int64, squares *big.Int) float64 {
	if n < 2 {
		return 0
	}
	many := big.NewInt(n)
	spread := new(big.Int).Mul(many, squares)
	spread.Sub(spread, new(big.Int).Mul(big.NewInt(sum), big.NewInt(sum)))
	if spread.Sign() < 0 { // not squares of numbers with this sum
		return 0
	}
	v, _ := new(big.Rat).SetFrac(spread, many.Mul(many, big.NewInt(n-1))).Float64()
	return v
}
