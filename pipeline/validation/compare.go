package validation

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// A Comparison says whether a model earned its place beside naive baselines.
type Comparison struct {
	Beats  bool
	Reason string // a sentence with the numbers
	Best   string // the baseline that the reason speaks of; empty where none could be compared
}

// Compare reads "a model must beat the naive ones by deviance, total bias and Gini together" as: no naive baseline may
// be at least as good on all three, with a deviance and an absolute bias that are no higher and a Gini that is no lower.
// A model that some baseline equals or dominates so is refused. One that each baseline falls behind on something is not:
// repeating the last period may well have the smaller bias by luck, yet not the order.
//
// Best is, of the baselines that refuse the model or else of all, the one with the least deviance (the greatest Gini
// where outcomes under 0 leave no deviance; the first by name where they tie). Measures that are nil are left out. A model
// that cannot be judged does not beat: no baseline, other customers than the model's, or outcomes that are all equal
// or sum to nothing.
func Compare(model Result, baselines map[string]Result) Comparison {
	if len(baselines) == 0 {
		return Comparison{Reason: "There is no naive baseline to compare with."}
	}
	if model.Bias == nil || model.Gini == nil {
		return Comparison{Reason: fmt.Sprintf("The outcomes of %d customers, %.6g in total, leave nothing to judge a prediction by.",
			model.Customers, model.Actual)}
	}
	best, refuted := "", false
	for _, name := range slices.Sorted(maps.Keys(baselines)) {
		b := baselines[name]
		if b.Customers != model.Customers || b.Actual != model.Actual || b.Bias == nil || b.Gini == nil {
			return Comparison{Reason: fmt.Sprintf("The naive %s was held against other customers than the model: %d with outcomes of %.6g "+
				"in total, not %d with %.6g.", name, b.Customers, b.Actual, model.Customers, model.Actual)}
		}
		dominates := asGood(b, model)
		if best == "" || dominates && !refuted || dominates == refuted && closer(b, baselines[best]) {
			best, refuted = name, dominates
		}
	}
	numbers := versus(baselines[best], model)
	if refuted {
		return Comparison{Best: best, Reason: fmt.Sprintf("The naive %s is at least as good by every measure: %s.", best, numbers)}
	}
	reason := fmt.Sprintf("No naive baseline is as good by every measure; the closest, %s, has %s.", best, numbers)
	return Comparison{Beats: true, Best: best, Reason: reason}
}

// asGood reports whether a is at least as good as b by every measure.
func asGood(a, b Result) bool {
	return (a.Deviance == nil || b.Deviance == nil || *a.Deviance <= *b.Deviance) &&
		math.Abs(*a.Bias) <= math.Abs(*b.Bias) && *a.Gini >= *b.Gini
}

// closer reports whether a is the stronger baseline.
func closer(a, b Result) bool {
	if a.Deviance != nil && b.Deviance != nil {
		return *a.Deviance < *b.Deviance
	}
	return *a.Gini > *b.Gini
}

// versus returns the measures of baseline a against those of model b in words.
func versus(a, b Result) string {
	var ws []string
	if a.Deviance != nil && b.Deviance != nil {
		ws = append(ws, fmt.Sprintf("deviance %.4g against the model's %.4g", *a.Deviance, *b.Deviance))
	}
	ws = append(ws,
		fmt.Sprintf("total bias %+.1f %% against %+.1f %%", 100**a.Bias, 100**b.Bias),
		fmt.Sprintf("Gini %.3f against %.3f", *a.Gini, *b.Gini))
	return strings.Join(ws, ", ")
}
