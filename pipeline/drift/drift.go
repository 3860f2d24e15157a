// Package drift says what has moved between two generations of a run: how features are distributed, how large segments
// are, and what models learned. It judges numbers that others have counted.
//
// Movement is measured against what it is expected to be: distributions by the population stability index, sizes by
// themselves, parameters by their standard errors where these are known.
package drift

import (
	"fmt"
	"math"
	"strconv"
)

// The thresholds above which something is told of.
const (
	MaxPSI       = 0.25 // of a distribution: Siddiqi, "Credit Risk Scorecards" (2006) calls it a shift above this
	MaxJump      = 0.5  // of a segment's size, by its size before
	MinJump      = 100  // customers: a jump of fewer is none
	MaxErrors    = 3    // standard errors of a parameter
	MaxChange    = 0.5  // of a parameter without a standard error, by its value before
	MaxRhoChange = 0.2  // of a correlation
	MinCustomers = 100  // with fewer at either time distributions are not compared
)

// A State is what is to be thought of a movement.
type State string

// The states. What is Expected has moved beyond its threshold and is no reason to worry: time alone does that, or it was
// told when it happened.
const (
	Calm         State = "calm"
	Warned       State = "warned"
	Expected     State = "expected"
	NotEvaluated State = "not_evaluated"
)

// A Finding is how one thing has moved.
type Finding struct {
	Name        string
	Before, Now *float64 // what of: see the function that made it
	PSI         *float64 // nil where it is no distribution

	NullBefore, NullNow *float64 // shares of customers of whom a feature is not known; nil where it is none

	State  State
	Reason string  // what moved, from what to what, and what that may mean; empty where Calm
	Weight float64 // the movement by its threshold: above 1 it is told of
}

// judged is f with the state that its weight asks for. meaning is said of what is beyond the threshold.
func (f Finding) judged(weight float64, meaning string) Finding {
	f.Weight, f.State = weight, Calm
	if weight > 1 {
		f.State, f.Reason = Warned, meaning
	}
	return f
}

// Size judges the size of the segment called name: Before and Now are customers.
func Size(name string, before, now int64) Finding {
	b, n := float64(before), float64(now)
	f := Finding{Name: name, Before: &b, Now: &n}
	weight := math.Min(math.Abs(n-b)/(MaxJump*math.Max(b, 1)), math.Abs(n-b)/MinJump)
	way := "grew"
	if now < before {
		way = "shrank"
	}
	return f.judged(weight, fmt.Sprintf("the segment %s from %d to %d customers: look at segment_transitions for where they went, and at the features "+
		"it is made of", way, before, now))
}

// Cut judges a border between groups: Before and Now are where it lies. It may not move at all.
func Cut(name string, before, now float64) Finding {
	f := Finding{Name: name, Before: &before, Now: &now}
	weight := 0.0
	if before != now {
		weight = 1 + math.Abs(now-before)/math.Max(math.Abs(before), 1)
	}
	return f.judged(weight, fmt.Sprintf("the cut moved from %s to %s: customers near it change groups without having done anything",
		short(before), short(now)))
}

// Parameter judges what a model learned: Before and Now are its values. unit is what a movement of MaxChange is measured
// by, and se the standard error, which counts instead where it is positive.
func Parameter(name string, before, now, unit, se float64) Finding {
	f := Finding{Name: name, Before: &before, Now: &now}
	moved := math.Abs(now - before)
	switch {
	case moved == 0:
		return f.judged(0, "")
	case se > 0:
		return f.judged(moved/(MaxErrors*se), fmt.Sprintf("it went from %s to %s, %s of its standard errors: what the model learned of "+
			"customers no longer holds, or the data has changed", short(before), short(now), short(moved/se)))
	case unit == 0: // nothing to measure by: it was 0
		unit = MaxChange * moved
	}
	weight := math.Min(moved/(MaxChange*unit), 1e6) // a weight is a number, however small the unit
	return f.judged(weight, fmt.Sprintf("it went from %s to %s: what it was learned from has changed", short(before), short(now)))
}

// short writes v with three digits that count.
func short(v float64) string {
	if v != 0 && math.Abs(v) < 1e6 && math.Abs(v) >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
