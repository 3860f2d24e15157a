package validation

import (
	"cmp"
	"math"
	"slices"
)

// delong returns the area under the ROC curve of scores on the customers of cs, with its 95 % interval: DeLong, DeLong
// & Clarke-Pearson, "Comparing the Areas under Two or More Correlated ROC Curves", Biometrics 44 (1988), equations 3-5.
//
// Customers of one segment share their score and so their structural component (the share of the other class that they
// beat, ties counting half); summing over groups of equal score, with the counts as weights, is exact and takes no
// expansion into rows. The interval is the normal one, cut to [0, 1]; of classes that scores separate perfectly it
// has no width. Every occupied segment has a finite score, and both classes have at least two customers.
func delong(cs []Count, scores map[string]float64) Estimate {
	type group struct{ score, pos, neg float64 }
	var groups []group
	var pos, neg float64
	for _, c := range cs {
		if c.Customers > 0 {
			g := group{scores[c.Segment], float64(c.Converters), float64(c.Customers - c.Converters)}
			groups = append(groups, g)
			pos, neg = pos+g.pos, neg+g.neg
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.score, b.score) })
	merged := groups[:1]
	for _, g := range groups[1:] {
		if last := &merged[len(merged)-1]; last.score == g.score {
			last.pos, last.neg = last.pos+g.pos, last.neg+g.neg
		} else {
			merged = append(merged, g)
		}
	}

	// Counts are whole numbers, so that the sums of counts are exact.
	visit := func(f func(g group, beats, beaten float64)) {
		var posBelow, negBelow float64
		for _, g := range merged {
			posAbove := pos - posBelow - g.pos
			f(g, (negBelow+g.neg/2)/neg, (posAbove+g.pos/2)/pos)
			posBelow, negBelow = posBelow+g.pos, negBelow+g.neg
		}
	}
	var auc float64
	visit(func(g group, beats, _ float64) { auc += g.pos * beats / pos })
	var s10, s01 float64
	visit(func(g group, beats, beaten float64) {
		s10 += g.pos * (beats - auc) * (beats - auc)
		s01 += g.neg * (beaten - auc) * (beaten - auc)
	})
	se := math.Sqrt(s10/(pos-1)/pos + s01/(neg-1)/neg)
	auc = min(max(auc, 0), 1)
	return Estimate{auc, max(0, auc-z95*se), min(1, auc+z95*se)}
}
