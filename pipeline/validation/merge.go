package validation

import (
	"cmp"
	"slices"

	"segments/pipeline/validation/stats"
)

// A Merge is a step of merging segments, two at a time.
type Merge struct {
	Segment, Into string // the smaller of the two goes into the larger, which keeps its name
	Left          int    // segments with customers after it

	// The test of the two against each other; nil where there is nothing to test. Alike says that, tested beside all other pairs,
	// they cannot be told apart; else they are merged because there are more segments than there may be.
	PValue *float64
	Alike  bool

	// In bits, of the counts as they are, without a correction for chance: what the segments tell about conversion after
	// the step, what the step lost, and the share of what the segments told before the first step that is kept; nil where they
	// told nothing.
	Information, Lost float64
	Kept              *float64
}

// Merges proposes which segments to merge, step by step: each time the two that lose the least mutual information of segment and
// conversion, of those that conversions cannot tell apart (q at least .05 over all pairs that are left) or, while more than
// most segments have customers, of all. A segment too small to be told from anything is only merged for the latter reason.
// By the chain rule of information a step loses what the two tell between themselves, times their share of the customers: Cover
// and Thomas, "Elements of Information Theory" (2006), theorem 2.5.2. It fails where [Evaluate] does.
func Merges(counts []Count, most int) ([]Merge, error) {
	cs, err := sorted(counts)
	if err != nil {
		return nil, err
	}
	cs = slices.DeleteFunc(cs, func(c Count) bool { return c.Customers == 0 })
	var customers, converters int64
	for _, c := range cs {
		customers, converters = customers+c.Customers, converters+c.Converters
	}
	if converters == 0 || converters == customers {
		return nil, nil
	}
	base := float64(converters) / float64(customers)
	before := stats.MutualInformation(rows(cs))
	var out []Merge
	for {
		p, ok := cheapest(pairsOf(cs, customers, base), len(cs) > most)
		if !ok {
			return out, nil
		}
		from, into := cs[p.a], cs[p.b]
		if from.Customers > into.Customers {
			from, into = into, from
		}
		m := Merge{Segment: from.Segment, Into: into.Segment, PValue: p.p, Alike: p.alike, Lost: p.lost}
		into.Customers += from.Customers
		into.Converters += from.Converters
		cs = slices.DeleteFunc(cs, func(c Count) bool { return c.Segment == from.Segment })
		cs[slices.IndexFunc(cs, func(c Count) bool { return c.Segment == into.Segment })] = into
		m.Left, m.Information = len(cs), stats.MutualInformation(rows(cs))
		if before > 0 {
			m.Kept = known(min(1, m.Information/before))
		}
		out = append(out, m)
	}
}

// A pair is two of the segments left, and what merging them loses.
type pair struct {
	a, b  int
	p     *float64
	alike bool
	lost  float64
}

// pairsOf lists the pairs of cs, which are in the order of their names.
func pairsOf(cs []Count, customers int64, base float64) []pair {
	var pairs []pair
	var tested []int
	var ps []float64
	for i, a := range cs {
		for j, b := range cs[:i] {
			two := pair{a: i, b: j, lost: stats.MutualInformation(rows([]Count{a, b})) * float64(a.Customers+b.Customers) / float64(customers)}
			if p, test := stats.TwoProportions(a.Converters, a.Customers, b.Converters, b.Customers); test != "" {
				two.p = &p
			}
			if !small(a, base) && !small(b, base) {
				two.alike = two.p == nil // nobody of either converted, or everybody
				if two.p != nil {
					tested, ps = append(tested, len(pairs)), append(ps, *two.p)
				}
			}
			pairs = append(pairs, two)
		}
	}
	for k, q := range stats.BenjaminiHochberg(ps) {
		pairs[tested[k]].alike = q >= alpha
	}
	return pairs
}

// cheapest is the pair that loses the least, the first of several; of those that are alike, where any are or no others are wanted.
func cheapest(pairs []pair, tooMany bool) (pair, bool) {
	alike := slices.DeleteFunc(slices.Clone(pairs), func(p pair) bool { return !p.alike })
	if len(alike) == 0 && tooMany {
		alike = pairs
	}
	if len(alike) == 0 {
		return pair{}, false
	}
	return slices.MinFunc(alike, func(a, b pair) int { return cmp.Compare(a.lost, b.lost) }), true
}
