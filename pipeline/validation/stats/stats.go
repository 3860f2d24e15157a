// Package stats holds the statistics that the job publishes: intervals and tests of proportions, tests and information of
// tables of counts, and how well scores rank.
//
// They are pure functions of counts, so that customers are never expanded into rows. The order of groups and rows does not
// matter beyond rounding; who needs the same bits brings them in the same order. Where a number is not defined, ok is false and
// the number 0: nothing here returns NaN or an infinity, given counts that are not negative and numbers that are finite.
// Each is held against scipy, statsmodels and scikit-learn in the tests.
package stats

import "math"

// Z95 is the .975 quantile of the standard normal distribution: two of them either way hold 95 %.
const Z95 = 1.959963984540054

// An Estimate is a number with its 95 % confidence interval.
type Estimate struct {
	Value, Low, High float64
}

// A Group is how many customers converted and how many did not, of those who share a score.
type Group struct {
	Score           float64
	Converted, Rest int64
}

// A Test is a statistic with its degrees of freedom and its p-value.
type Test struct {
	Statistic float64
	DF        int
	P         float64
}

// normalTails is the probability that a standard normal variable is further from 0 than z, either way.
func normalTails(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }
