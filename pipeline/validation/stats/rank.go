package stats

import (
	"cmp"
	"math"
	"slices"
)

// AUC returns the area under the ROC curve of the groups' scores, the probability that a converter scores higher than
// one who is not, ties counting half, with its 95 % interval: DeLong, DeLong & Clarke-Pearson, "Comparing the Areas under
// Two or More Correlated ROC Curves", Biometrics 44 (1988), equations 3-5. It is not ok with fewer than two of either.
//
// Customers of one score share their structural component (the share of the other class that they beat, ties counting
// half); summing over groups, with the counts as weights, is exact and takes no expansion into rows. The interval is the
// normal one, cut to [0, 1]; of classes that scores separate perfectly it has no width.
func AUC(groups []Group) (auc Estimate, ok bool) {
	merged, pos, neg := byScore(groups)
	if pos < 2 || neg < 2 {
		return Estimate{}, false
	}
	// Counts are whole numbers, so that the sums of counts are exact.
	visit := func(f func(converted, rest, beats, beaten float64)) {
		var posBelow, negBelow float64
		for _, g := range merged {
			p, n := float64(g.Converted), float64(g.Rest)
			f(p, n, (negBelow+n/2)/neg, (pos-posBelow-p+p/2)/pos)
			posBelow, negBelow = posBelow+p, negBelow+n
		}
	}
	var a float64
	visit(func(p, _, beats, _ float64) { a += p * beats / pos })
	var s10, s01 float64
	visit(func(p, n, beats, beaten float64) {
		s10 += p * (beats - a) * (beats - a)
		s01 += n * (beaten - a) * (beaten - a)
	})
	se := math.Sqrt(s10/(pos-1)/pos + s01/(neg-1)/neg)
	a = min(max(a, 0), 1)
	return Estimate{a, max(0, a-Z95*se), min(1, a+Z95*se)}, true
}

// KendallTauOfGroups is Kendall's tau-b of score and conversion, -1 to 1: Kendall, "The Treatment of Ties in Ranking Problems",
// Biometrika 33 (1945). It is not ok where all have one score, nobody converted or everybody did.
func KendallTauOfGroups(groups []Group) (tau float64, ok bool) {
	merged, pos, neg := byScore(groups)
	if pos == 0 || neg == 0 || len(merged) < 2 {
		return 0, false
	}
	var concordant, posBelow, negBelow, untied float64 // untied: pairs of different scores
	for _, g := range merged {
		p, n := float64(g.Converted), float64(g.Rest)
		concordant += p*negBelow - n*posBelow
		untied += (p + n) * (posBelow + negBelow)
		posBelow, negBelow = posBelow+p, negBelow+n
	}
	return min(max(concordant/math.Sqrt(untied)/math.Sqrt(pos*neg), -1), 1), true
}

// KendallTauB is Kendall's tau-b of the pairs of xs and ys, -1 to 1 (Kendall 1945). It compares every pair with every other, so
// is for short lists. It is not ok where either does not vary.
func KendallTauB(xs, ys []float64) (tau float64, ok bool) {
	var s, ofX, ofY float64
	for i := range xs {
		for j := range i {
			a, b := float64(cmp.Compare(xs[i], xs[j])), float64(cmp.Compare(ys[i], ys[j]))
			s, ofX, ofY = s+a*b, ofX+a*a, ofY+b*b
		}
	}
	if ofX == 0 || ofY == 0 {
		return 0, false
	}
	return min(max(s/math.Sqrt(ofX*ofY), -1), 1), true
}

// byScore returns the groups that have anybody by ascending score, those of one score as one, and how many converted in all
// and how many did not.
func byScore(groups []Group) (merged []Group, pos, neg float64) {
	for _, g := range groups {
		if g.Converted+g.Rest > 0 {
			merged = append(merged, g)
			pos, neg = pos+float64(g.Converted), neg+float64(g.Rest)
		}
	}
	slices.SortStableFunc(merged, func(a, b Group) int { return cmp.Compare(a.Score, b.Score) })
	out := merged[:0]
	for _, g := range merged {
		if n := len(out); n > 0 && out[n-1].Score == g.Score {
			out[n-1].Converted += g.Converted
			out[n-1].Rest += g.Rest
		} else {
			out = append(out, g)
		}
	}
	return out, pos, neg
}
