// Package attribution divides conversions among the touches before them, by six models.
//
// Five look at the places of the touches in a path alone (Credits). The sixth looks at all journeys together as a Markov
// chain, and asks how many conversions would go without a channel (Removal). Credits are integers, parts of a billion of
// a conversion: those of a path add up to one conversion exactly, in whatever order they are summed.
//
// The credits by place are what the query attribution_credits computes in the warehouse, where the paths are; a test
// holds it to Credits.
package attribution

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// One is a whole conversion in the unit of credits.
const One = 1_000_000_000

// LongestPath is how many touches a path has at most: the last ones before the conversion.
const LongestPath = 20

// A Model says how a conversion is divided.
type Model string

// The models. Each but Markov is a rule; the last-touch rule is what most web analytics show.
const (
	First     Model = "first"      // all to the first touch
	Last      Model = "last"       // all to the last touch
	Linear    Model = "linear"     // the same to each touch
	TimeDecay Model = "time_decay" // half as much for each half-life before the last touch
	Position  Model = "position"   // 40 % to the first, 40 % to the last, the rest to those between; of two, half to each
	Markov    Model = "markov"     // by removal effect
)

// Models lists the models in the order in which they are told.
func Models() []Model { return []Model{First, Last, Linear, TimeDecay, Position, Markov} }

// Options say which conversions and touches count.
type Options struct {
	WindowDays   int   // the days before a conversion in which a touch counts for it
	Days         int   // the days up to the as-of day whose conversions are divided
	HalfLifeDays int   // of TimeDecay
	Model        Model // the one that costs are held against
}

// Default returns the options of a configuration that says nothing: 30 days, 90 days, 7 days, Position.
func Default() Options {
	return Options{WindowDays: 30, Days: 90, HalfLifeDays: 7, Model: Position}
}

// Check returns an error that begins with the key that makes no sense.
func (o Options) Check() error {
	for _, x := range []struct {
		key  string
		days int
	}{{"window", o.WindowDays}, {"days", o.Days}, {"half_life", o.HalfLifeDays}} {
		if x.days < 1 || x.days > 365 {
			return fmt.Errorf("%s: %dd, want 1d to 365d", x.key, x.days)
		}
	}
	if !slices.Contains(Models(), o.Model) {
		return fmt.Errorf("model: %q is no model; want one of %v", o.Model, Models())
	}
	return nil
}

// Credits divides One among the touches of a path, first to last. days are the calendar days from each touch to the last
// one, so that they end with 0; halfLife is that of TimeDecay in days. Markov has no credits by place: it gives nil.
func Credits(m Model, days []int64, halfLife int) []int64 {
	if len(days) == 0 {
		return nil
	}
	n := int64(len(days))
	weights := make([]int64, n)
	for i := range n {
		switch m {
		case First:
			weights[i] = truth(i == 0)
		case Last:
			weights[i] = truth(i == n-1)
		case Linear:
			weights[i] = 1
		case TimeDecay:
			weights[i] = int64(math.Round(1e8 * math.Pow(.5, float64(days[i])/float64(halfLife))))
		case Position:
			if weights[i] = 1; n > 2 && (i == 0 || i == n-1) {
				weights[i] = 2 * (n - 2)
			}
		default:
			return nil
		}
	}
	return Divide(One, weights)
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Divide divides total in proportion to weights, which are not negative: in integers that add up to it exactly, each
// within 1 of its share. It is all zeros where the weights are.
func Divide(total int64, weights []int64) []int64 {
	out := make([]int64, len(weights))
	var sum, upTo, given uint64
	for _, w := range weights {
		sum += uint64(w)
	}
	if sum == 0 {
		return out
	}
	sign, size := int64(1), uint64(total)
	if total < 0 {
		sign, size = -1, uint64(-total)
	}
	for i, w := range weights { // what is left over by rounding down goes to the next
		upTo += uint64(w)
		hi, lo := bits.Mul64(size, upTo)
		due, _ := bits.Div64(hi, lo, sum)
		out[i], given = sign*int64(due-given), due
	}
	return out
}
