package validation

import "math"

const (
	// alpha is the false discovery rate at which a difference counts as proven.
	alpha = .05
	// minExpected is Cochran's rule of thumb: under five expected in a cell, a segment is small and the normal
	// approximation is not used (Cochran, "Some Methods for Strengthening the Common Chi-Square Tests", Biometrics 10, 1954).
	minExpected = 5
)

// A Verdict says in one word what conversions prove about a segment. The set is closed.
type Verdict string

// The verdicts. Above and below need a q-value under .05. The tests keep their level however few the customers, so
// a small segment may earn one of them; only where it does not is it called too few.
const (
	Above        Verdict = "above"         // converts more often than the customers of the other segments
	Below        Verdict = "below"         // converts less often than the customers of the other segments
	NotProven    Verdict = "not_proven"    // no difference shown, although the segment is large enough to show one
	TooFew       Verdict = "too_few"       // none shown; fewer than five converters, or five others, expected at the base rate
	NotEvaluated Verdict = "not_evaluated" // nothing to test: no customers, no other segment, nobody converted or everybody did
)

// A Segment is what the conversions of a horizon say about one segment.
type Segment struct {
	Count
	Rate             *Estimate // converters per customer with Wilson's interval; nil without customers
	Lift             *float64  // rate over the base rate, that of all customers of the segmentation; nil where that is 0
	ValuePerCustomer *float64  // money; nil without customers or where the value given is not finite

	// The test against the customers of all other segments, two-sided. Test names it: "fisher" where a cell of the 2x2
	// table expects fewer than five (tables no likelier than the observed one), else "z" (two proportions, pooled,
	// without continuity correction; its square is Pearson's chi-square). PValue is nil where Test is empty.
	Test   string
	PValue *float64
	QValue *float64 // Benjamini and Hochberg's, over the segments of the segmentation

	Verdict Verdict

	// MergeCandidate is the segment with the nearest rate among those that conversions cannot tell from this one:
	// the same test on each pair, q at least .05 over all pairs. Empty where there is none. Small segments take no
	// part: they cannot be told from anything. It is a proposal, and need not be mutual.
	MergeCandidate string
}

// judge tests each of cs, which hold converters among customers in all, against the rest.
func judge(cs []Count, customers, converters int64) []Segment {
	base := float64(converters) / float64(customers)
	segments := make([]Segment, len(cs))
	var tested []int
	var ps []float64
	for i, c := range cs {
		s := Segment{Count: c, Verdict: NotEvaluated}
		if c.Customers > 0 {
			rate := wilson(c.Converters, c.Customers)
			s.Rate = &rate
			s.Lift = known(rate.Value / base)
			s.ValuePerCustomer = known(c.Value / float64(c.Customers))
		}
		if p, test := twoProportions(c.Converters, c.Customers, converters-c.Converters, customers-c.Customers); test != "" {
			s.Test, s.PValue = test, &p
			tested, ps = append(tested, i), append(ps, p)
		}
		segments[i] = s
	}
	for j, q := range benjaminiHochberg(ps) {
		s := &segments[tested[j]]
		s.QValue = &q
		switch {
		case q < alpha && s.Rate.Value > base:
			s.Verdict = Above
		case q < alpha:
			s.Verdict = Below
		case small(s.Count, base):
			s.Verdict = TooFew
		default:
			s.Verdict = NotProven
		}
	}
	proposeMerges(segments, base)
	return segments
}

// small reports whether c expects fewer than five converters, or others, at the base rate.
func small(c Count, base float64) bool {
	return float64(c.Customers)*min(base, 1-base) < minExpected
}

// proposeMerges sets the merge candidates of segments, which are in the order of their names.
func proposeMerges(segments []Segment, base float64) {
	var pairs [][2]int
	var ps []float64
	for i, a := range segments {
		for j, b := range segments[:i] {
			if small(a.Count, base) || small(b.Count, base) {
				continue
			}
			if p, test := twoProportions(a.Converters, a.Customers, b.Converters, b.Customers); test != "" {
				pairs, ps = append(pairs, [2]int{i, j}), append(ps, p)
			}
		}
	}
	nearest := make([]float64, len(segments))
	propose := func(i, j int) {
		a, b := &segments[i], segments[j]
		d := math.Abs(a.Rate.Value - b.Rate.Value)
		if a.MergeCandidate == "" || d < nearest[i] || d == nearest[i] && b.Segment < a.MergeCandidate {
			a.MergeCandidate, nearest[i] = b.Segment, d
		}
	}
	for k, q := range benjaminiHochberg(ps) {
		if q >= alpha {
			propose(pairs[k][0], pairs[k][1])
			propose(pairs[k][1], pairs[k][0])
		}
	}
}
