package validation

import (
	"fmt"

	"segments/pipeline/validation/stats"
)

// The verdicts on traits, beside NotProven: More and Less need a q-value of at most .05 and a lift of at least 1.2, or of
// at most 1/1.2. With enough customers every difference is significant; the lift says that it matters.
const (
	More Verdict = "more" // more common in the segment than with the customers of the others
	Less Verdict = "less" // less common in the segment than with the customers of the others
)

// The least lift of a verdict is liftOver/liftUnder, 1.2: a quotient of whole numbers, so that the bound itself counts.
const liftOver, liftUnder = 6, 5

// A Trait is how many customers of a segment have a value of a trait, and how many of everybody, the segment included; each
// of those of whom the trait is known.
type Trait struct {
	Customers, Known          int64 // of the segment: who has the value, and of whom the trait is known
	Everybody, KnownEverybody int64 // likewise of all segments
}

// A TraitResult says whether a Trait sets the segment apart.
type TraitResult struct {
	Share          float64 // customers with the value per customer of whom the trait is known, in the segment
	ShareEverybody float64 // likewise with everybody
	Lift           float64 // Share by ShareEverybody

	// The test of the share against that of all others of whom the trait is known, two-sided: Fisher's exact one where a
	// cell of the 2x2 table expects fewer than five, else two proportions, pooled, whose square is Pearson's chi-square
	// without continuity correction. Both are nil where there are no others, or everybody has the value.
	PValue *float64
	QValue *float64 // Benjamini and Hochberg's, over all the traits

	Verdict Verdict
}

// Traits tests each of ts, which are all that is said of one segmentation, against the rest. The results are in the order of
// ts and do not depend on it. An error says that counts contradict themselves.
func Traits(ts []Trait) ([]TraitResult, error) {
	out := make([]TraitResult, len(ts))
	var tested []int
	var ps []float64
	for i, t := range ts {
		others, knownOthers := t.Everybody-t.Customers, t.KnownEverybody-t.Known
		if t.Customers < 0 || t.Customers > t.Known || t.Known == 0 || t.Everybody == 0 || others < 0 || others > knownOthers {
			return nil, fmt.Errorf("validation: %d of %d in a segment cannot be among %d of %d",
				t.Customers, t.Known, t.Everybody, t.KnownEverybody)
		}
		r := TraitResult{
			Share:          float64(t.Customers) / float64(t.Known),
			ShareEverybody: float64(t.Everybody) / float64(t.KnownEverybody),
			Verdict:        NotProven,
		}
		r.Lift = r.Share / r.ShareEverybody
		if p, test := stats.TwoProportions(t.Customers, t.Known, others, knownOthers); test != "" {
			r.PValue = &p
			tested, ps = append(tested, i), append(ps, p)
		}
		out[i] = r
	}
	for j, q := range stats.BenjaminiHochberg(ps) {
		i := tested[j]
		out[i].QValue = &q
		if q <= alpha {
			out[i].Verdict = ts[i].lifted()
		}
	}
	return out, nil
}

// lifted is the verdict where the difference is significant.
func (t Trait) lifted() Verdict {
	here := float64(t.Customers) * float64(t.KnownEverybody) // over Everybody times Known it is the lift
	there := float64(t.Everybody) * float64(t.Known)
	switch {
	case here*liftUnder >= there*liftOver:
		return More
	case here*liftOver <= there*liftUnder:
		return Less
	}
	return NotProven
}
