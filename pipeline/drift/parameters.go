package drift

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// counted are what models report that is no parameter: how many rows they read, and how the fit went.
var counted = []string{"buyers", "repeat_buyers", "customers", "sampled", "passes", "inertia", "history_days", "invalid_histories"}

// Parameters judges what models learned, by step.parameter, in the order of names. Left out are standard errors, likelihoods,
// what says how a feature is distributed (the features have that), what counts rows or describes the fit, and what either
// time lacks.
//
// A parameter P is measured by its standard error P_se where there is one, and not evaluated where its step gives some for
// other parameters alone: the likelihood is flat there. Names that end in correlation by an absolute
// change; cuts must not move at all.
func Parameters(before, now map[string]float64) []Finding {
	var names []string
	for name := range now {
		if _, ok := before[name]; ok && isParameter(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out := make([]Finding, len(names))
	for i, name := range names {
		out[i] = parameter(name, before, now)
	}
	return out
}

func isParameter(name string) bool {
	_, last, _ := strings.Cut(name, ".")
	return !slices.Contains(counted, last) &&
		!slices.ContainsFunc([]string{"_se", "_log_likelihood"}, func(s string) bool { return strings.HasSuffix(last, s) }) &&
		!slices.ContainsFunc([]string{"center_", "scale_", "nulls_"}, func(s string) bool { return strings.HasPrefix(last, s) })
}

func parameter(name string, before, now map[string]float64) Finding {
	b, n := before[name], now[name]
	unit := math.Abs(b)
	switch {
	case strings.Contains(name, "_cut_"):
		return Cut(name, b, n)
	case strings.HasSuffix(name, "correlation"):
		unit = MaxRhoChange / MaxChange
	}
	se := max(before[name+"_se"], now[name+"_se"])
	if b != n && se == 0 && (hasErrors(name, before) || hasErrors(name, now)) {
		return Finding{
			Name: name, Before: &b, Now: &n, State: NotEvaluated,
			Reason: fmt.Sprintf("it went from %s to %s; its standard error is not known, since the data do not determine it", short(b), short(n)),
		}
	}
	return Parameter(name, b, n, unit, se)
}

// hasErrors says whether values have a standard error of any parameter of name's step.
func hasErrors(name string, values map[string]float64) bool {
	step, _, _ := strings.Cut(name, ".")
	for other := range values {
		if strings.HasPrefix(other, step+".") && strings.HasSuffix(other, "_se") {
			return true
		}
	}
	return false
}
