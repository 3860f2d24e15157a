package validation

import (
	"maps"
	"math"
	"math/bits"
	"slices"
)

// fixed is a sum of numbers in 128-bit fixed point, in units of 2^-50. Numbers are rounded to a unit before they are added;
// the additions are exact, so that the sum does not depend on their order. It holds 1e11 numbers of maxAmount.
type fixed struct {
	hi int64
	lo uint64
}

const (
	fixedBits = 50
	maxAmount = 1e12 // of one number; fits, with its deviance
)

func (f *fixed) add(v float64) {
	whole, part := math.Modf(v)
	w := int64(whole)
	f.addFixed(fixed{w >> (64 - fixedBits), uint64(w) << fixedBits})
	p := int64(math.Round(part * (1 << fixedBits)))
	f.addFixed(fixed{p >> 63, uint64(p)})
}

func (f *fixed) addFixed(g fixed) {
	lo, carry := bits.Add64(f.lo, g.lo, 0)
	f.lo = lo
	f.hi += g.hi + int64(carry)
}

func (f fixed) float() float64 {
	if f.hi < 0 { // by its negative, lest nearly equal numbers be subtracted
		lo, borrow := bits.Sub64(0, f.lo, 0)
		return -fixed{-f.hi - int64(borrow), lo}.float()
	}
	return math.Ldexp(float64(f.hi), 64-fixedBits) + math.Ldexp(float64(f.lo), -fixedBits)
}

// A cell is the customers of a histogram who share a key.
type cell struct {
	n                 int64
	predicted, actual fixed
}

func (c *cell) add(d *cell) {
	c.n += d.n
	c.predicted.addFixed(d.predicted)
	c.actual.addFixed(d.actual)
}

// A histogram groups customers by the leading bits of a number, in the order of the numbers. It starts with all bits,
// exact, and drops the last one of all keys whenever more than limit differ. It ends with the most bits that leave no more
// than limit keys, whatever the order in which the numbers came.
type histogram struct {
	limit int
	shift int
	cells map[uint64]*cell
}

// negligible is where numbers are grouped with 0: their order means nothing, and their exponents would use up the keys.
const negligible = 1e-9

// key returns bits that are ordered as the numbers are.
func key(v float64) uint64 {
	if math.Abs(v) < negligible {
		v = 0
	}
	const sign = 1 << 63
	b := math.Float64bits(v)
	if b&sign != 0 {
		return ^b
	}
	return b | sign
}

// add puts c into the cell of v.
func (h *histogram) add(v float64, c *cell) { h.put(key(v)>>h.shift, c) }

func (h *histogram) put(k uint64, c *cell) {
	if at := h.cells[k]; at != nil {
		at.add(c)
		return
	}
	own := *c
	h.cells[k] = &own
	for len(h.cells) > h.limit {
		h.coarsen()
	}
}

func (h *histogram) coarsen() {
	coarser := make(map[uint64]*cell, len(h.cells))
	for k, c := range h.cells {
		if at := coarser[k>>1]; at != nil {
			at.add(c)
		} else {
			coarser[k>>1] = c
		}
	}
	h.cells = coarser
	h.shift++
}

// merge adds the cells of g, which is left as it was.
func (h *histogram) merge(g *histogram) {
	for h.shift < g.shift {
		h.coarsen()
	}
	for k, c := range g.cells {
		h.put(k>>(h.shift-g.shift), c) // h.shift may grow on the way
	}
}

// sorted returns the cells in the order of their numbers.
func (h *histogram) sorted() []*cell {
	cs := make([]*cell, 0, len(h.cells))
	for _, k := range slices.Sorted(maps.Keys(h.cells)) {
		cs = append(cs, h.cells[k])
	}
	return cs
}

// concentration returns 2 n times the covariance of rank and outcome over the n customers of cells, who share the
// average rank of their cell: what a Gini is made of.
func concentration(cells []*cell, n int64) float64 {
	var sum float64
	var below int64
	for _, c := range cells {
		sum += c.actual.float() * float64(2*below+c.n-n)
		below += c.n
	}
	return sum
}
