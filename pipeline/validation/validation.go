// Package validation holds what was predicted against what happened.
//
// It has two halves, both pure functions of what they are given:
//
//   - Segments against conversions. [Evaluate] takes, for one segmentation at one origin, the customers of each segment
//     and how many of them converted in the horizon that followed. It says which segments convert differently from the
//     rest and how much the whole order of the segments tells; a [Gate] decides on the latter. The order itself comes
//     from before the origin ([EarlierScores]) or was declared ([OrderScores]): it is never the rate that is judged.
//   - Predictions against outcomes. A [Scorer] takes a model's prediction and the outcome of each customer, in any
//     order; [Compare] holds the model's [Result] against those of naive baselines, some of which [CellMeans] gives.
//
// Every number is finite or absent (a nil pointer). Results do not depend on the order of what was fed in, to the bit.
package validation

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"segments/pipeline/validation/stats"
)

// A Count is one segment at the origin, and what its members did in the horizon after it.
type Count struct {
	Segment    string
	Customers  int64   // members at the origin
	Converters int64   // those of them with at least one conversion in the horizon
	Value      float64 // sum of the values of all their conversions in the horizon, money
}

// An Estimate is a number with its 95 % confidence interval.
type Estimate = stats.Estimate

// sorted returns counts by the name of the segment, or an error when they contradict themselves.
func sorted(counts []Count) ([]Count, error) {
	cs := slices.Clone(counts)
	slices.SortFunc(cs, func(a, b Count) int { return cmp.Compare(a.Segment, b.Segment) })
	for i, c := range cs {
		switch {
		case c.Segment == "":
			return nil, fmt.Errorf("validation: a segment of %d customers has no name", c.Customers)
		case i > 0 && c.Segment == cs[i-1].Segment:
			return nil, fmt.Errorf("validation: segment %q is counted twice", c.Segment)
		case c.Converters < 0 || c.Converters > c.Customers:
			return nil, fmt.Errorf("validation: segment %q has %d converters among %d customers", c.Segment, c.Converters, c.Customers)
		}
	}
	return cs, nil
}

// known returns v, or nil where v is not a number.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
