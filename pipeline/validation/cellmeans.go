package validation

import (
	"fmt"
	"math"
)

// CellMeans is a naive baseline: it predicts for a customer what the customers of the same cell (a cohort, an RF cell) did
// on average in an earlier horizon. It holds two numbers a cell and does not depend on the order of what it learns.
type CellMeans struct {
	all   mean
	cells map[string]mean
}

type mean struct {
	n   int64
	sum fixed
}

func (m *mean) add(v float64) {
	m.n++
	m.sum.add(v)
}

// NewCellMeans returns a baseline that has learnt nothing.
func NewCellMeans() *CellMeans { return &CellMeans{cells: map[string]mean{}} }

// Learn takes the outcome of one customer of cell key. It fails on what is not finite or over 1e12, and then learns nothing.
func (m *CellMeans) Learn(key string, actual float64) error {
	if !(math.Abs(actual) <= maxAmount) {
		return fmt.Errorf("validation: actual %v of cell %q: want a number up to %g", actual, key, maxAmount)
	}
	c := m.cells[key]
	c.add(actual)
	m.cells[key] = c
	m.all.add(actual)
	return nil
}

// Mean returns the mean outcome in cell key, or that of all customers where the cell was never seen. It is not ok
// where nothing was learnt.
func (m *CellMeans) Mean(key string) (v float64, ok bool) {
	c, seen := m.cells[key]
	if !seen {
		c = m.all
	}
	if c.n == 0 {
		return 0, false
	}
	return c.sum.float() / float64(c.n), true
}
