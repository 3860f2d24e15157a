// Package experiment says what the variants of a randomized experiment did to whom: for each variant against the control,
// among all customers and in each segment, the rates, their difference with an interval, a test, what difference the
// experiment could have found, and a verdict; whether the effect differs between segments; and whether the customers were
// shared out as meant.
//
// It is a pure function of counts and of whole numbers of money, so that the order of rows does not matter. Segments must be
// those of before the assignment: a segment that the variant itself has changed would show the selection, not the effect.
package experiment

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"segments/pipeline/validation/stats"
)

// Alpha is the false discovery rate at which a difference counts as proven, and the level that the minimum detectable effect
// is of.
const Alpha = .05

// Power is the probability with which the minimum detectable effect would be found.
const Power = .8

// A Cell counts the customers of one variant in one segment, and who of them converted.
type Cell struct {
	Variant, Segment string // an empty segment stands for customers without one
	Customers        int64
	Converters       int64

	// What their conversions were worth, in ten-thousandths: the sum over customers, and the sum of their squares.
	Value        int64
	ValueSquares *big.Int // nil is 0
}

// A Verdict says in one word what the experiment proves. The set is closed.
type Verdict string

// The verdicts. Higher and lower need a q-value of at most Alpha.
const (
	Higher       Verdict = "higher"        // converts more often than the control
	Lower        Verdict = "lower"         // converts less often than the control
	NotProven    Verdict = "not_proven"    // no difference shown
	TooFew       Verdict = "too_few"       // one of the sides has fewer customers than are described
	NotEvaluated Verdict = "not_evaluated" // nothing to test: one side has nobody, or nobody converted, or everybody did
	IsControl    Verdict = "control"       // what the others are held against
)

// A Result is what the counts say about a variant, among all customers or in one segment.
type Result struct {
	Cell          // of the variant; Segment is empty for all customers, those without a segment included
	Control  Cell // of the control in the same segment; the zero Cell where the variant is the control
	Everyone bool // of all customers, and not of one segment
	Hidden   bool // there are too few customers to say more than how many
	Verdict  Verdict
	Rate     *stats.Estimate // with Wilson's interval; nil without customers

	// Against the control. They are nil where there is nothing to compare.
	ControlRate *stats.Estimate
	Difference  *stats.Estimate // of the rates, with Newcombe's interval
	Lift        *stats.Estimate // their ratio, a half added to each count (stats.RatioInterval)
	Test        string          // of the rates; see stats.TwoProportions
	PValue      *float64
	QValue      *float64 // Benjamini and Hochberg's: over all segments and variants, or of the results of everyone over the variants
	Detectable  *float64 // the least rise above the control's rate that would be found with probability Power
	Homogeneity *float64 // of everyone: p-value of the test of whether the difference is the same in all segments

	// Value per customer in units of money, and its difference to the control with Welch's interval.
	ValuePer, ControlValuePer *float64
	ValueDifference           *stats.Estimate
}

// Compare holds each variant of cells against control, for all customers and for each segment that has a name, in the order
// of variants and segments, everyone first. Cells of the same variant and segment are added up. In groups of fewer than
// minGroup customers nothing is compared, nor among all customers where the variants are Uneven.
//
// It fails where a cell makes no sense: counts below 0, or more converters than customers.
func Compare(cells []Cell, control string, minGroup int64) ([]Result, error) {
	sums, variants, segments, err := addUp(cells)
	if err != nil {
		return nil, err
	}
	uneven := Uneven(cells)
	var out []Result
	for _, v := range variants {
		for _, s := range append([]key{{"", true}}, segments...) {
			c, ok := sums[cellKey{v, s}]
			if !ok || !s.everyone && c.Customers == 0 {
				continue
			}
			r := describe(c, minGroup)
			r.Everyone = s.everyone
			switch of := sums[cellKey{control, s}]; {
			case v == control:
				r.Verdict = IsControl
			case s.everyone && uneven:
				r.Control = of
			default:
				r.against(of, minGroup)
			}
			out = append(out, r)
		}
	}
	correct(out, true)
	correct(out, false)
	for i := range out {
		if r := &out[i]; r.Everyone && r.Verdict != IsControl {
			r.Homogeneity = homogeneity(out, r.Variant)
		}
	}
	return out, nil
}

// A key is a segment, or everyone.
type key struct {
	segment  string
	everyone bool
}

type cellKey struct {
	variant string
	key
}

// addUp sums cells up by variant and segment, and by variant.
func addUp(cells []Cell) (sums map[cellKey]Cell, variants []string, segments []key, err error) {
	sums = map[cellKey]Cell{}
	for _, c := range cells {
		if c.Customers < 0 || c.Converters < 0 || c.Converters > c.Customers {
			return nil, nil, nil, fmt.Errorf("variant %q, segment %q: %d converters of %d customers", c.Variant, c.Segment, c.Converters, c.Customers)
		}
		keys := []key{{"", true}}
		if c.Segment != "" {
			keys = append(keys, key{c.Segment, false})
			segments = append(segments, key{c.Segment, false})
		}
		variants = append(variants, c.Variant)
		for _, k := range keys {
			at := cellKey{c.Variant, k}
			sum := sums[at]
			sum.Variant, sum.Segment = c.Variant, k.segment
			sum.Customers, sum.Converters, sum.Value = sum.Customers+c.Customers, sum.Converters+c.Converters, sum.Value+c.Value
			sum.ValueSquares = plus(sum.ValueSquares, c.ValueSquares)
			sums[at] = sum
		}
	}
	slices.Sort(variants)
	slices.SortFunc(segments, func(a, b key) int { return cmp.Compare(a.segment, b.segment) })
	return sums, slices.Compact(variants), slices.Compact(segments), nil
}

func plus(a, b *big.Int) *big.Int {
	sum := new(big.Int)
	for _, x := range []*big.Int{a, b} {
		if x != nil {
			sum.Add(sum, x)
		}
	}
	return sum
}

// describe is what c says on its own.
func describe(c Cell, minGroup int64) Result {
	r := Result{Cell: c, Verdict: NotEvaluated, Hidden: c.Customers < max(1, minGroup)}
	if r.Hidden {
		return r
	}
	rate := stats.Wilson(c.Converters, c.Customers)
	r.Rate, r.ValuePer = &rate, c.valuePer()
	return r
}

// e4 are the parts that a unit of money has.
const e4 = 10_000

func (c Cell) valuePer() *float64 {
	v := float64(c.Value) / float64(c.Customers) / e4
	return &v
}

// variance is that of the value per customer, in squared units of money.
func (c Cell) variance() float64 {
	return stats.SampleVariance(c.Customers, c.Value, plus(c.ValueSquares, nil)) / (e4 * e4)
}

// against holds r against the control.
func (r *Result) against(control Cell, minGroup int64) {
	r.Control = control
	switch {
	case r.Customers == 0 && control.Customers == 0:
		return
	case r.Hidden || control.Customers < max(1, minGroup):
		r.Verdict = TooFew
		return
	}
	of := describe(control, minGroup)
	r.ControlRate, r.ControlValuePer = of.Rate, of.ValuePer
	difference := stats.Newcombe(r.Converters, r.Customers, control.Converters, control.Customers)
	lift := stats.RatioInterval(r.Converters, r.Customers, control.Converters, control.Customers)
	r.Difference, r.Lift = &difference, &lift
	if d, ok := stats.Welch(r.Customers, *r.ValuePer, r.variance(), control.Customers, *of.ValuePer, control.variance()); ok {
		r.ValueDifference = &d
	}
	if rise, ok := stats.MinimumDetectableEffect(r.Customers, control.Customers, of.Rate.Value, Alpha, Power); ok {
		r.Detectable = &rise
	}
	p, test := stats.TwoProportions(r.Converters, r.Customers, control.Converters, control.Customers)
	if test == "" {
		return
	}
	r.Test, r.PValue, r.Verdict = test, &p, NotProven
}

// correct gives the tested results of everyone, or of segments, their q-values and verdicts.
func correct(rs []Result, everyone bool) {
	var tested []int
	var ps []float64
	for i, r := range rs {
		if r.Everyone == everyone && r.PValue != nil {
			tested, ps = append(tested, i), append(ps, *r.PValue)
		}
	}
	for j, q := range stats.BenjaminiHochberg(ps) {
		r := &rs[tested[j]]
		r.QValue = &q
		switch {
		case q > Alpha:
		case r.Difference.Value > 0:
			r.Verdict = Higher
		case r.Difference.Value < 0:
			r.Verdict = Lower
		}
	}
}

// homogeneity tests whether variant did the same in all segments; nil where that cannot be tested.
func homogeneity(rs []Result, variant string) *float64 {
	var strata []stats.TwoByTwo
	for _, r := range rs {
		if r.Variant == variant && !r.Everyone && r.Difference != nil {
			strata = append(strata, stats.TwoByTwo{
				Converters1: r.Converters, Customers1: r.Customers, Converters2: r.Control.Converters, Customers2: r.Control.Customers,
			})
		}
	}
	t, ok := stats.Homogeneity(strata)
	if !ok {
		return nil
	}
	return &t.P
}
