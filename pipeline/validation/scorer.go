package validation

import (
	"fmt"
	"math"
)

const (
	// minPredicted is the least prediction that the deviance reads. A naive 0 for a customer who then bought would cost
	// infinitely much; so it costs what one in a thousand costs. Kind to the baselines, which makes beating them mean more.
	minPredicted = 1e-3
	// keptValues bounds a histogram, and so a scorer: two of them hold about 3 MB.
	keptValues = 1 << 14
	binCount   = 10
)

// A Scorer holds predictions of a quantity (orders, money) against what happened, customer by customer and in any
// order, in bounded memory: at most about 3 MB, however many the customers.
//
// Totals and the deviance are exact sums of every customer's, rounded to 2^-50. For the Gini and the bins, customers
// are grouped by their prediction, up to 16,384 different ones exactly. Where there are more, predictions that differ
// in their last binary digits count as tied: at most one part in some hundreds, the least that gets them under that number.
// Predictions within 1e-9 of 0 count as tied with it.
type Scorer struct {
	totals      cell
	deviance    fixed
	negative    bool // some outcome was under 0
	byPredicted histogram
	byActual    histogram
}

// NewScorer returns a scorer that has seen nobody.
func NewScorer() *Scorer { return newScorer(keptValues) }

func newScorer(limit int) *Scorer {
	return &Scorer{
		byPredicted: histogram{limit: limit, cells: map[uint64]*cell{}},
		byActual:    histogram{limit: limit, cells: map[uint64]*cell{}},
	}
}

// Add takes one customer: what was predicted for the horizon and what happened in it, in the same unit. Either may be
// under 0, as money with refunds is. It fails on what is not finite or over 1e12, and then takes nothing.
func (s *Scorer) Add(predicted, actual float64) error {
	if !(math.Abs(predicted) <= maxAmount && math.Abs(actual) <= maxAmount) {
		return fmt.Errorf("validation: predicted %v, actual %v: want numbers up to %g", predicted, actual, maxAmount)
	}
	c := cell{n: 1}
	c.predicted.add(predicted)
	c.actual.add(actual)
	s.totals.add(&c)
	s.byPredicted.add(predicted, &c)
	s.byActual.add(actual, &c)
	if actual < 0 {
		s.negative = true
	} else {
		s.deviance.add(poissonDeviance(actual, max(predicted, minPredicted)))
	}
	return nil
}

// Merge takes the customers of t, which is left as it was: those of another origin, say.
func (s *Scorer) Merge(t *Scorer) {
	s.totals.add(&t.totals)
	s.deviance.addFixed(t.deviance)
	s.negative = s.negative || t.negative
	s.byPredicted.merge(&t.byPredicted)
	s.byActual.merge(&t.byActual)
}

// poissonDeviance returns the deviance of one outcome y from its expectation mu: McCullagh & Nelder, "Generalized
// Linear Models" (1989), section 2.3.
func poissonDeviance(y, mu float64) float64 {
	if y == 0 {
		return 2 * mu
	}
	return 2 * (y*math.Log(y/mu) - (y - mu))
}

// A Result is how predictions compare with what happened.
type Result struct {
	Customers int64
	Predicted float64 // total
	Actual    float64 // total

	// Bias is total predicted over total actual, less 1; nil where nothing happened in total, or less.
	Bias *float64
	// Deviance is the mean Poisson deviance of a customer, with predictions under .001 read as .001. Of money it is a
	// quasi-deviance, in money. Nil where an outcome is under 0.
	Deviance *float64
	// Gini is the concentration of the outcomes by the order of the predictions, over that by their own order: 1 is the
	// best order there is, 0 one that tells nothing, -1 the worst. Ties count as their average rank. Of outcomes
	// that are 0 or 1 it is 2 AUC - 1. Nil where all outcomes are equal.
	Gini *float64
	// Bins are ten groups of equally many customers (up to one) by rising prediction. Customers with equal predictions
	// that a border runs through are split in proportion, each part with their mean outcome. Fewer customers than ten
	// make fewer bins.
	Bins []Bin
}

// A Bin is a group of customers with neighboring predictions.
type Bin struct {
	Bin               int // 1 to 10, by rising prediction
	Customers         int64
	Predicted, Actual float64 // means
}

// Result returns the comparison over the customers added so far.
func (s *Scorer) Result() Result {
	n := s.totals.n
	r := Result{Customers: n, Predicted: s.totals.predicted.float(), Actual: s.totals.actual.float()}
	if n == 0 {
		return r
	}
	if r.Actual > 0 {
		r.Bias = known(r.Predicted/r.Actual - 1)
	}
	if !s.negative {
		r.Deviance = known(s.deviance.float() / float64(n))
	}
	cells := s.byPredicted.sorted()
	if best := concentration(s.byActual.sorted(), n); len(s.byActual.cells) > 1 && best > 0 {
		r.Gini = known(min(max(concentration(cells, n)/best, -1), 1))
	}
	r.Bins = bins(cells, n)
	return r
}

// bins cuts the n customers of cells into bins of equally many.
func bins(cells []*cell, n int64) []Bin {
	var bs []Bin
	at, used := 0, int64(0) // customers of cells[at] that are in bins already
	for b := range int64(binCount) {
		size := share(n, b+1) - share(n, b)
		if size == 0 {
			continue
		}
		var predicted, actual float64
		for need := size; need > 0; {
			c := cells[at]
			take := min(need, c.n-used)
			part := float64(take) / float64(c.n)
			predicted += part * c.predicted.float()
			actual += part * c.actual.float()
			need -= take
			if used += take; used == c.n {
				at, used = at+1, 0
			}
		}
		bs = append(bs, Bin{int(b) + 1, size, predicted / float64(size), actual / float64(size)})
	}
	return bs
}

// share returns how many of n customers are in the first b bins.
func share(n, b int64) int64 { return n/binCount*b + n%binCount*b/binCount }
