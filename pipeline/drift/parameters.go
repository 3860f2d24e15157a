package drift

import (
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
// A parameter P is measured by its standard error P_se where there is one; names that end in correlation by an absolute
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
	return Parameter(name, b, n, unit, max(before[name+"_se"], now[name+"_se"]))
}
