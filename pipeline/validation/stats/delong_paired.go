package stats

import (
	"cmp"
	"math"
	"slices"
)

// A PairedGroup is how many customers converted and how many did not, of those who share both of two scores.
type PairedGroup struct {
	A, B            float64
	Converted, Rest int64
}

// An AUCDifference is how much better B tells converters from others than A does, on the same customers.
type AUCDifference struct {
	A, B float64 // the areas under the ROC curves
	Gain float64 // B less A
	SE   float64 // the standard error of Gain
}

// DeLongPaired compares two scores of the same customers by the areas under their ROC curves, which are correlated: DeLong,
// DeLong & Clarke-Pearson, "Comparing the Areas under Two or More Correlated ROC Curves", Biometrics 44 (1988), equations 3-6
// with the contrast (-1, 1). It is not ok with fewer than two converters or two others. Scores that order the customers
// alike have a Gain and an SE of 0.
//
// The variance of a difference of structural components is that of the difference itself, so that no covariances are
// subtracted from each other; customers who share both scores share their components.
func DeLongPaired(groups []PairedGroup) (d AUCDifference, ok bool) {
	var pos, neg float64 // sums of whole numbers are exact
	for _, g := range groups {
		pos, neg = pos+float64(g.Converted), neg+float64(g.Rest)
	}
	if pos < 2 || neg < 2 {
		return AUCDifference{}, false
	}
	a := placements(groups, func(g PairedGroup) float64 { return g.A }, pos, neg)
	b := placements(groups, func(g PairedGroup) float64 { return g.B }, pos, neg)
	for i, g := range groups {
		share := float64(g.Converted) / pos
		d.A += share * a[i].beats
		d.B += share * b[i].beats
		d.Gain += share * (b[i].beats - a[i].beats)
	}
	var s10, s01 float64
	for i, g := range groups {
		up, down := b[i].beats-a[i].beats-d.Gain, b[i].beaten-a[i].beaten-d.Gain
		s10 += float64(g.Converted) * up * up
		s01 += float64(g.Rest) * down * down
	}
	d.SE = math.Sqrt(s10/(pos-1)/pos + s01/(neg-1)/neg)
	return d, true
}

// A placement is where the customers of a group stand by a score: the share of the others that they beat, and the share of
// the converters that beat them, ties counting half.
type placement struct{ beats, beaten float64 }

func placements(groups []PairedGroup, score func(PairedGroup) float64, pos, neg float64) []placement {
	order := make([]int, len(groups))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(score(groups[i]), score(groups[j])) })
	out := make([]placement, len(groups))
	var posBelow, negBelow float64
	for from := 0; from < len(order); {
		to, p, n := from, 0.0, 0.0
		for ; to < len(order) && score(groups[order[to]]) == score(groups[order[from]]); to++ {
			p, n = p+float64(groups[order[to]].Converted), n+float64(groups[order[to]].Rest)
		}
		for _, i := range order[from:to] {
			out[i] = placement{(negBelow + n/2) / neg, (pos - posBelow - p/2) / pos}
		}
		posBelow, negBelow, from = posBelow+p, negBelow+n, to
	}
	return out
}
