package validation

import (
	"math"

	"segments/pipeline/validation/stats"
)

// alpha is the false discovery rate at which a difference counts as proven.
const alpha = .05

// A Verdict says in one word what conversions prove. The set is closed.
type Verdict string

// The verdicts on segments. Above and below need a q-value under .05. The tests keep their level however few the customers, so
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
	LiftRange        *Estimate // Lift with its interval; nil also without other customers
	ValuePerCustomer *float64  // money; nil without customers or where the value given is not finite

	// The test against the customers of all other segments, two-sided ([stats.TwoProportions], which names it). PValue is nil
	// where Test is empty.
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
			rate := stats.Wilson(c.Converters, c.Customers)
			s.Rate = &rate
			s.Lift = known(rate.Value / base)
			s.LiftRange = liftRange(c, customers, converters)
			s.ValuePerCustomer = known(c.Value / float64(c.Customers))
		}
		if p, test := stats.TwoProportions(c.Converters, c.Customers, converters-c.Converters, customers-c.Customers); test != "" {
			s.Test, s.PValue = test, &p
			tested, ps = append(tested, i), append(ps, p)
		}
		segments[i] = s
	}
	for j, q := range stats.BenjaminiHochberg(ps) {
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

// liftRange is the lift of c, one of several segments with converters among customers in all. With share w of the customers
// and a rate r times that of the others, the lift is r / (w r + 1 - w), which rises with r: the ends of r's interval
// ([stats.RatioInterval]) give those of the lift's. It is widened to the lift itself, which may be 0.
func liftRange(c Count, customers, converters int64) *Estimate {
	others := customers - c.Customers
	if others == 0 || converters == 0 {
		return nil
	}
	w := float64(c.Customers) / float64(customers)
	lift := func(r float64) float64 { return r / (w*r + 1 - w) }
	ratio := stats.RatioInterval(c.Converters, c.Customers, converters-c.Converters, others)
	v := float64(c.Converters) / float64(c.Customers) / (float64(converters) / float64(customers))
	return &Estimate{Value: v, Low: min(v, lift(ratio.Low)), High: max(v, lift(ratio.High))}
}

// small reports whether c expects fewer than five converters, or others, at the base rate.
func small(c Count, base float64) bool {
	return float64(c.Customers)*min(base, 1-base) < stats.MinExpected
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
			if p, test := stats.TwoProportions(a.Converters, a.Customers, b.Converters, b.Customers); test != "" {
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
	for k, q := range stats.BenjaminiHochberg(ps) {
		if q >= alpha {
			propose(pairs[k][0], pairs[k][1])
			propose(pairs[k][1], pairs[k][0])
		}
	}
}
