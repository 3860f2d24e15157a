package stats

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// askDifferences asks of the means of two sides, as whole numbers that occur so many times, and of the differences of strata.
func askDifferences(r *rand.Rand, ask asker) {
	side := func() (values, times []int64, n int64, mean, variance float64) {
		most := []int64{3, 1000, 1_000_000_000}[r.IntN(3)]
		sum, squares := int64(0), new(big.Int)
		for range 2 + r.IntN(20) {
			v, k := r.Int64N(2*most)-most/4, 1+r.Int64N(200)
			values, times, n, sum = append(values, v), append(times, k), n+k, sum+v*k
			square := new(big.Int).Mul(big.NewInt(v), big.NewInt(v))
			squares.Add(squares, square.Mul(square, big.NewInt(k)))
		}
		return values, times, n, float64(sum) / float64(n), SampleVariance(n, sum, squares)
	}
	v1, k1, n1, m1, s1 := side()
	v2, k2, n2, m2, s2 := side()
	if d, ok := Welch(n1, m1, s1, n2, m2, s2); ok {
		ask(1e-9*math.Abs(d.High-d.Low), "welch", []float64{d.Low, d.High},
			map[string]any{"values1": v1, "times1": k1, "values2": v2, "times2": k2})
	}
	strata := make([]TwoByTwo, 2+r.IntN(11))
	for i := range strata {
		a, b := 1+r.Int64N(5000), 1+r.Int64N(5000)
		strata[i] = TwoByTwo{r.Int64N(a/4 + 1), a, r.Int64N(b/4 + 1), b}
	}
	if q, ok := Homogeneity(strata); ok {
		ask(1e-300, "homogeneity", []float64{q.Statistic, float64(q.DF), q.P}, map[string]any{"strata": strata})
	}
}

// statsmodels 0.15.0, CompareMeans(DescrStatsW(x), DescrStatsW(y)).tconfint_diff(usevar="unequal").
func TestWelch(t *testing.T) {
	for _, c := range []struct {
		xs, ys    []int64
		low, high float64
	}{
		{[]int64{1, 2, 3, 4, 10}, []int64{2, 2, 2, 3}, -2.6126303938625686, 6.112630393862569},
		{append(make([]int64, 95), 10, 20, 30, 5, 7), append(make([]int64, 197), 12, 15, 18), -0.2987656275757672, 1.288765627575767},
	} {
		of := func(xs []int64) (int64, float64, float64) {
			sum, squares := int64(0), new(big.Int)
			for _, x := range xs {
				sum += x
				squares.Add(squares, big.NewInt(x*x))
			}
			n := int64(len(xs))
			return n, float64(sum) / float64(n), SampleVariance(n, sum, squares)
		}
		n1, m1, s1 := of(c.xs)
		n2, m2, s2 := of(c.ys)
		if got, ok := Welch(n1, m1, s1, n2, m2, s2); !ok || !near(got.Low, c.low) || !near(got.High, c.high) {
			t.Errorf("%v, want %v to %v", got, c.low, c.high)
		}
	}
	if _, ok := Welch(1, 1, 0, 5, 1, 1); ok {
		t.Error("a side of one has an interval")
	}
	if _, ok := Welch(5, 1, 0, 5, 2, 0); ok {
		t.Error("sides that do not vary have an interval")
	}
	if v := SampleVariance(2, 1<<62, new(big.Int)); v != 0 {
		t.Errorf("the variance of squares that cannot be is %v", v)
	}
}

// statsmodels 0.15.0, combine_effects(differences, variances).test_homogeneity(), with the variances of the comment of Homogeneity.
func TestHomogeneity(t *testing.T) {
	strata := []TwoByTwo{{120, 1000, 90, 1000}, {30, 500, 45, 480}, {8, 200, 2, 210}, {60, 300, 40, 310}} // the third expects 4.9 converters: left out
	got, ok := Homogeneity(strata)
	if !ok || !near(got.Statistic, 12.729456923277711) || got.DF != 2 || !near(got.P, 0.0017212087701576517) {
		t.Errorf("%+v, ok %v", got, ok)
	}
	if _, ok := Homogeneity(strata[2:3]); ok {
		t.Error("one stratum is the same as itself")
	}
	if _, ok := Homogeneity([]TwoByTwo{{}, {0, 10, 0, 10}}); ok {
		t.Error("nobody was tested")
	}
}
