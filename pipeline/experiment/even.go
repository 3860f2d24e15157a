package experiment

import (
	"maps"
	"slices"

	"segments/pipeline/validation/stats"
)

// Uneven says whether the variants have other shares in some segments than in others, by more than chance explains: each
// variant against all others, chi-square over the segments, at SuspectRatio over the number of variants (Bonferroni). Then a
// comparison of all customers mixes what a variant did with who was given it, and only those by segment can be trusted.
// Segments that expect fewer than stats.MinExpected customers of the variant, or of the others, are left out.
func Uneven(cells []Cell) bool {
	byVariant := map[string]map[string]int64{}
	all := map[string]int64{}
	var total int64
	for _, c := range cells {
		if c.Segment == "" {
			continue
		}
		if byVariant[c.Variant] == nil {
			byVariant[c.Variant] = map[string]int64{}
		}
		byVariant[c.Variant][c.Segment] += c.Customers
		all[c.Segment] += c.Customers
		total += c.Customers
	}
	segments := slices.Sorted(maps.Keys(all))
	for _, v := range slices.Sorted(maps.Keys(byVariant)) {
		var of int64
		for _, n := range byVariant[v] {
			of += n
		}
		var rows [][2]int64
		for _, s := range segments {
			if float64(all[s])*float64(min(of, total-of))/float64(total) >= stats.MinExpected {
				rows = append(rows, [2]int64{byVariant[v][s], all[s] - byVariant[v][s]})
			}
		}
		if t, ok := stats.ChiSquare(rows); ok && t.P*float64(len(byVariant)) < SuspectRatio {
			return true
		}
	}
	return false
}
