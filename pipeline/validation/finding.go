package validation

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"segments/pipeline/validation/stats"
)

// The verdicts on segmentations, beside NotEvaluated.
const (
	Tells   Verdict = "tells"   // who is in which segment tells who converts, by more than the margin of the gate
	Useless Verdict = "useless" // it is not shown to
)

// A Finding is what conversions say about a segmentation as a whole.
type Finding struct {
	Verdict Verdict
	Reason  string // a sentence with the numbers
}

// Judge says whether a segmentation is of use, by the margin that g asks of the core segments. Where the order of the segments
// was known before, it is that of [Gate.Decide]: the lower bound of the AUC.
//
// Where the segments were found in the data there is no order that could be held against another origin's. Then the test is of
// Pearson's statistic, to which order is nothing: whether Cramér's V is more, with 97.5 % confidence, than an AUC of
// MinAUCLower comes to at this base rate. It is a minimum-effect test, Murphy and Myors, "Testing the Hypothesis That
// Treatments Have Negligible Effects", J. Applied Psychology 84 (1999), by [stats.NoncentralSurvival].
func (g Gate) Judge(e Evaluation, fitted bool) Finding {
	if !fitted {
		d := g.Decide(e)
		v := map[State]Verdict{StatePassed: Tells, StateFailed: Useless, StateNotEvaluated: NotEvaluated}[d.State]
		return Finding{v, d.Reason}
	}
	if reason := g.tooLittle(e); reason != "" {
		return Finding{NotEvaluated, reason}
	}
	v := leastV(g.MinAUCLower, *e.BaseRate)
	f := Finding{Useless, "is not shown to be"}
	if stats.NoncentralSurvival(*e.ChiSquare, e.DF, float64(e.Customers)*v*v) < .025 {
		f = Finding{Tells, "is shown to be"}
	}
	f.Reason = fmt.Sprintf("The segments, whose order is not known beforehand, have a Cramér's V of %.4f for %d converters among %d customers: "+
		"it %s more than %.4f, which an AUC of %.4f comes to.", math.Sqrt(*e.ChiSquare/float64(e.Customers)), e.Converters, e.Customers,
		f.Reason, v, g.MinAUCLower)
	return f
}

// leastV is the Cramér's V of conversion, at a base rate, and a score whose AUC is auc: of normal scores the means are
// d = √2 Φ⁻¹(auc) standard deviations apart (McGraw and Wong, "A Common Language Effect Size Statistic", Psychological
// Bulletin 111, 1992), and their correlation with conversion is d √pq / √(1 + d² pq) (Cohen 1988, equation 2.2.7).
func leastV(auc, base float64) float64 {
	d := math.Sqrt2 * distuv.UnitNormal.Quantile(auc)
	pq := base * (1 - base)
	return d * math.Sqrt(pq) / math.Sqrt(1+d*d*pq)
}
