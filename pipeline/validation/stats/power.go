package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// MinimumDetectableEffect is the least rise of a rate above base that a two-sided test at level alpha of n1 against n2 customers
// finds with probability power. The difference is taken on Cohen's scale h = 2 asin sqrt p1 - 2 asin sqrt p2, on which
// its variance is 1/n1 + 1/n2 whatever the rates, with the normal approximation: Cohen, "Statistical Power Analysis for the
// Behavioral Sciences" (1988), chapter 6. It is not ok where no rise is large enough, or the arguments make no sense: no customers,
// a base outside [0, 1), alpha or power outside (0, 1), power not above alpha.
func MinimumDetectableEffect(n1, n2 int64, base, alpha, power float64) (rise float64, ok bool) {
	if n1 <= 0 || n2 <= 0 || !(base >= 0 && base < 1) || !(alpha > 0 && alpha < 1) || !(power > alpha && power < 1) {
		return 0, false
	}
	n := 1 / (1/float64(n1) + 1/float64(n2))
	h := shift(alpha, power) / math.Sqrt(n)
	angle := math.Asin(math.Sqrt(base)) + h/2
	if angle > math.Pi/2 {
		return 0, false
	}
	// sin²(a + h/2) - sin²(a), without the cancellation
	return math.Sin(h/2) * math.Sin(2*angle-h/2), true
}

// shift returns the mean at which a normal variable of variance 1 is beyond the two-sided bounds of alpha with probability power.
func shift(alpha, power float64) float64 {
	normal := distuv.UnitNormal
	bound := -normal.Quantile(alpha / 2)
	found := func(x float64) float64 { return normal.CDF(x-bound) + normal.CDF(-x-bound) }
	lo, hi := 0.0, bound+10
	for hi < 1e3 && found(hi) < power {
		hi *= 2
	}
	for range 200 { // halving ends when no number lies between
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		if found(mid) < power {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}
