// Package shift foresees the sizes of segments from who moved before: the share of a segment's customers who were in
// another one so many days later is taken to be the share who will be. That is a Markov chain of one step, estimated by
// counting (Anderson and Goodman, "Statistical Inference about Markov Chains", Annals of Mathematical Statistics 28, 1957),
// and it holds as long as customers go on as they did. [Validate] says whether they did.
package shift

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"segments/pipeline/validation/stats"
)

// Nowhere is where who is new came from, and where who has left has gone.
const Nowhere = ""

// A Flow is how many customers were in one segment and, a horizon later, in another or the same.
type Flow struct {
	From, To  string
	Customers int64
}

// Totals are the customers by where flows begin.
func Totals(flows []Flow) map[string]int64 {
	return totals(flows, func(f Flow) string { return f.From })
}

// Sizes are the customers by where flows end.
func Sizes(flows []Flow) map[string]int64 { return totals(flows, func(f Flow) string { return f.To }) }

func totals(flows []Flow, by func(Flow) string) map[string]int64 {
	out := map[string]int64{}
	for _, f := range flows {
		if f.From != Nowhere || f.To != Nowhere {
			out[by(f)] += f.Customers
		}
	}
	return out
}

// A Transition is a Flow with what it says of the future.
type Transition struct {
	Flow
	CustomersFrom int64           // all who were there: of From
	Probability   *stats.Estimate // of going there, with Wilson's interval; nil where too few were there
	Expected      *float64        // customers who will go there within the next horizon; nil where there is no probability
}

// Transitions are the flows in the order of their names, with the probabilities of those that began with at least `least`
// customers. now are the customers of each segment today. Of who is new, the probability is that of coming to a
// segment, and as many are expected as came.
func Transitions(flows []Flow, now map[string]int64, least int64) []Transition {
	began := Totals(flows)
	out := make([]Transition, 0, len(flows))
	for _, f := range sorted(flows) {
		t := Transition{Flow: f, CustomersFrom: began[f.From]}
		if n := began[f.From]; n >= least && n > 0 {
			p, expected := stats.Wilson(f.Customers, n), float64(f.Customers)
			if f.From != Nowhere {
				expected = float64(now[f.From]) * float64(f.Customers) / float64(n)
			}
			t.Probability, t.Expected = &p, &expected
		}
		out = append(out, t)
	}
	return out
}

func sorted(flows []Flow) []Flow {
	out := slices.DeleteFunc(slices.Clone(flows), func(f Flow) bool { return f.From == Nowhere && f.To == Nowhere || f.Customers == 0 })
	slices.SortFunc(out, func(a, b Flow) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out
}

// Forecast is the size of each segment after the next horizon, with its 95 % interval: where the customers of today go as the
// flows went, and as many come as came. The customers of a segment of which the transitions know nothing, or too little,
// stay. Who leaves is under Nowhere.
//
// The interval is that of a sum of independent moves whose probabilities p were estimated from n customers: the variance of
// N moves is N p (1-p) (1 + N/n), that of c new customers 2c, as of the difference of two Poisson counts. That
// customers move together, as in a season, it does not know.
func Forecast(ts []Transition, now map[string]int64) map[string]stats.Estimate {
	mean, variance := map[string]float64{}, map[string]float64{}
	known := map[string]bool{}
	for _, t := range ts { // in order: sums do not depend on that of the flows
		if t.Expected == nil {
			continue
		}
		known[t.From] = true
		mean[t.To] += *t.Expected
		if t.From == Nowhere {
			variance[t.To] += 2 * *t.Expected
			continue
		}
		n, from, p := float64(now[t.From]), float64(t.CustomersFrom), float64(t.Customers)/float64(t.CustomersFrom)
		variance[t.To] += n * p * (1 - p) * (1 + n/from)
	}
	for name, n := range now {
		if !known[name] && name != Nowhere {
			mean[name] += float64(n)
		}
	}
	out := map[string]stats.Estimate{}
	for name, m := range mean {
		half := stats.Z95 * math.Sqrt(variance[name])
		out[name] = stats.Estimate{Value: m, Low: max(0, m-half), High: m + half}
	}
	return out
}

// A Backtest holds a forecast against what came.
type Backtest struct {
	Segments []Size  // by name
	Error    float64 // of the sizes
	Naive    float64 // the error of the forecast that the sizes stay

	// Of who was known at the beginning: the share whose moves were not as foreseen, half the sum of the absolute differences
	// of flows by their sum, and the share who moved, which is that of the forecast that everybody stays.
	MovesError, Moved float64
}

// A Size is that of a segment: as foreseen, as it was before, and as it came.
type Size struct {
	Segment   string
	Predicted stats.Estimate
	Naive     int64
	Actual    int64
}

// Validate foresees the sizes at the end of the flows then from the flows of the horizon before. The errors are total variation
// distances between the shares of the segments: half the sum of their absolute differences, or the share of customers
// who would have to be put elsewhere. ok is false where nobody was there, or nobody is.
func Validate(before, then []Flow, least int64) (b Backtest, ok bool) {
	start, actual := Sizes(before), Sizes(then)
	delete(start, Nowhere)
	delete(actual, Nowhere)
	predicted := Forecast(Transitions(before, start, least), start)
	names := map[string]bool{}
	for _, m := range []map[string]int64{start, actual} {
		for name := range m {
			names[name] = true
		}
	}
	for name := range predicted {
		names[name] = true
	}
	delete(names, Nowhere)
	var p, n, a []float64
	for name := range names {
		b.Segments = append(b.Segments, Size{name, predicted[name], start[name], actual[name]})
	}
	slices.SortFunc(b.Segments, func(a, b Size) int { return cmp.Compare(a.Segment, b.Segment) })
	for _, s := range b.Segments {
		p, n, a = append(p, s.Predicted.Value), append(n, float64(s.Naive)), append(a, float64(s.Actual))
	}
	var okP, okN bool
	b.Error, okP = variation(p, a)
	b.Naive, okN = variation(n, a)
	b.MovesError, b.Moved = moves(before, then)
	return b, okP && okN
}

// moves are the errors of the flows then, foreseen from those before, and foreseen to stay. From segments that nobody was in
// before, everybody is foreseen to stay.
func moves(before, then []Flow) (wrong, moved float64) {
	was, began := map[Flow]int64{}, Totals(before)
	all := map[Flow]float64{} // actual less foreseen, by From and To
	for _, f := range before {
		was[Flow{From: f.From, To: f.To}] += f.Customers
	}
	var total float64
	start := Totals(then)
	for _, f := range then {
		if f.From == Nowhere {
			continue
		}
		all[Flow{From: f.From, To: f.To}] += float64(f.Customers)
		total += float64(f.Customers)
		if f.From != f.To {
			moved += float64(f.Customers)
		}
	}
	for key, n := range was {
		if key.From != Nowhere && start[key.From] > 0 && began[key.From] > 0 {
			all[key] -= float64(start[key.From]) * float64(n) / float64(began[key.From])
		}
	}
	for name, n := range start {
		if name != Nowhere && began[name] == 0 {
			all[Flow{From: name, To: name}] -= float64(n)
		}
	}
	keys := slices.SortedFunc(maps.Keys(all), func(a, b Flow) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	for _, key := range keys { // in order: sums do not depend on that of the flows
		wrong += math.Abs(all[key])
	}
	if total == 0 {
		return 0, 0
	}
	return wrong / 2 / total, moved / total
}

// variation is the total variation distance of the shares of two lists of sizes.
func variation(xs, ys []float64) (d float64, ok bool) {
	var x, y float64
	for i := range xs {
		x, y = x+xs[i], y+ys[i]
	}
	if x == 0 || y == 0 {
		return 0, false
	}
	for i := range xs {
		d += math.Abs(xs[i]/x - ys[i]/y)
	}
	return d / 2, true
}
