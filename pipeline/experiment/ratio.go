package experiment

import (
	"maps"
	"slices"
	"strings"

	"segments/pipeline/validation/stats"
)

// Control picks the variant that the others are held against: the first of names that is one of variants, whatever its case. Where
// none is, it is the first of variants by name, and known is false. variants has at least one.
func Control(variants, names []string) (control string, known bool) {
	sorted := slices.Sorted(slices.Values(variants))
	for _, n := range names {
		if i := slices.IndexFunc(sorted, func(v string) bool { return strings.EqualFold(v, n) }); i >= 0 {
			return sorted[i], true
		}
	}
	return sorted[0], false
}

// SuspectRatio is the p-value below which customers were not shared out as meant: so rare by chance that something between
// the assignment and the data went wrong (Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments",
// KDD 2019).
const SuspectRatio = .001

// SampleRatio tests whether customers, by variant, were shared out as expected, by shares that need not add up to 1; without
// expected, equally. It returns the share that each was expected to have of those that are expected at all. The test is not ok
// where there is nothing to test. Customers of a variant that expected does not name were not to be there: their share is 0.
func SampleRatio(customers map[string]int64, expected map[string]float64) (shares map[string]float64, p float64, ok bool) {
	names := slices.Sorted(maps.Keys(customers))
	for n := range expected {
		if _, there := customers[n]; !there {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	counts, weights := make([]int64, len(names)), make([]float64, len(names))
	var all float64
	for i, n := range names {
		counts[i], weights[i] = customers[n], 1
		if expected != nil {
			weights[i] = expected[n]
		}
		all += weights[i]
	}
	shares = map[string]float64{}
	stranger := false
	for i, n := range names {
		if all > 0 {
			shares[n] = weights[i] / all
		}
		stranger = stranger || weights[i] == 0 && counts[i] > 0
	}
	if stranger { // chance alone never does that
		return shares, 0, true
	}
	t, ok := stats.ChiSquareGoodness(counts, weights)
	return shares, t.P, ok
}
