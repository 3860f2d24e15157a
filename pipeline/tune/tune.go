// Package tune looks for thresholds that tell converters from others better than those in force, and says whether they do
// so among customers on whom they were not chosen.
//
// Customers are counted by cell: those whom no candidate threshold tells apart are one. What is held is the cells, whatever
// the number of customers, and every candidate is judged from the same counts. It is pure; the same counts give the same
// result whatever the order in which they were taken.
package tune

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"segments/pipeline/validation/stats"
)

// The halves of the customers: candidates are chosen on one and judged on the other.
const (
	Chosen = iota
	Judged
)

// Half returns the half that the customer id is in. Another seed makes other halves.
func Half(seed uint64, id string) int { return int(xxh3.HashStringSeed(id, seed) >> 63) }

// A Cell is customers whom no candidate tells apart.
type Cell struct {
	Values                []float64 // of each measure one that stands for all of them; NaN where it is not known
	Segment               string    // the one they are in now
	Customers, Converters [2]int64  // by half
}

// Counts are customers by cell.
type Counts struct {
	edges [][]float64
	cells map[string]*Cell
}

// NewCounts returns counts of nobody. edges are, for each measure, the ascending values at which a threshold may part
// customers: those up to and including an edge from those above it.
func NewCounts(edges [][]float64) *Counts { return &Counts{edges, map[string]*Cell{}} }

// Add counts a customer with the given values of the measures, NaN where one is not known. It returns false where the
// cell has somebody of another segment: then the edges leave out something that segments depend on.
func (c *Counts) Add(values []float64, segment string, half int, converted bool) bool {
	key := make([]byte, 0, 32)
	for m, v := range values {
		class := c.class(m, v)
		key = append(key, byte(class>>8), byte(class))
	}
	cell := c.cells[string(key)]
	if cell == nil {
		cell = &Cell{Values: make([]float64, len(values)), Segment: strings.Clone(segment)}
		for m, v := range values {
			cell.Values[m] = c.standIn(m, v)
		}
		c.cells[string(key)] = cell
	}
	cell.Customers[half]++
	if converted {
		cell.Converters[half]++
	}
	return cell.Segment == segment
}

// class returns 0 for what is not known, else 1 more than the number of edges below v.
func (c *Counts) class(m int, v float64) int {
	if math.IsNaN(v) {
		return 0
	}
	below, _ := slices.BinarySearch(c.edges[m], v)
	return 1 + below
}

// standIn returns the value that stands for the class of v: its upper edge, or 1 above the last.
func (c *Counts) standIn(m int, v float64) float64 {
	k, edges := c.class(m, v)-1, c.edges[m]
	switch {
	case k < 0:
		return math.NaN()
	case k < len(edges):
		return edges[k]
	case k == 0:
		return 0
	}
	return edges[k-1] + 1
}

// Cells returns the cells in a fixed order.
func (c *Counts) Cells() []Cell {
	keys := make([]string, 0, len(c.cells))
	for k := range c.cells {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make([]Cell, len(keys))
	for i, k := range keys {
		out[i] = *c.cells[k]
	}
	return out
}

// A Search looks for better values of some thresholds, one at a time.
type Search struct {
	Cells   []Cell
	Now     []float64   // the thresholds in force
	Choices [][]float64 // for each of them, what may be tried

	// Segments returns the segment of each cell under the thresholds; not ok where these may not stand together.
	Segments func(thresholds []float64) (of []string, ok bool, err error)
}

// rounds is how often a search goes through all thresholds, at most.
const rounds = 3

// little is the least difference of AUC on the half that is searched for which a threshold is moved: less is rounding.
const little = 1e-9

// Found is what a search has found.
type Found struct {
	Thresholds []float64 // those in force where none is better
	Segments   []string  // of the cells
	Moved      bool      // whether Thresholds are others than those in force
	Differs    bool      // whether any candidate that was tried put anybody into another segment
	Tried      int
}

// Run goes through the thresholds up to three times, and takes for each the choice with the greatest AUC on the half that is
// searched, the first of those where several tie; it ends when a round changes nothing. It tries at most three times as many
// candidates as there are choices.
func (s Search) Run() (Found, error) {
	now, ok, err := s.Segments(s.Now)
	if err != nil || !ok {
		return Found{}, err
	}
	best := Found{Thresholds: slices.Clone(s.Now), Segments: now, Tried: 1}
	auc := chosenAUC(s.Cells, now)
	for range rounds {
		before := best.Thresholds
		for k, choices := range s.Choices {
			for _, v := range choices {
				if v == best.Thresholds[k] {
					continue
				}
				then := slices.Clone(best.Thresholds)
				then[k] = v
				segments, ok, err := s.Segments(then)
				if err != nil {
					return Found{}, err
				}
				if !ok {
					continue
				}
				best.Tried++
				best.Differs = best.Differs || !slices.Equal(segments, now)
				if a := chosenAUC(s.Cells, segments); a > auc+little {
					auc, best.Thresholds, best.Segments = a, then, segments
				}
			}
		}
		if slices.Equal(before, best.Thresholds) {
			break
		}
	}
	best.Moved = !slices.Equal(best.Thresholds, s.Now)
	return best, nil
}

// rates returns the share of converters by segment on the half that is searched; that of everybody where nobody of it is in one.
func rates(cells []Cell, segments []string) map[string]float64 {
	type sum struct{ customers, converters int64 }
	sums, all := map[string]sum{}, sum{}
	for i, c := range cells {
		s := sums[segments[i]]
		n, k := c.Customers[Chosen], c.Converters[Chosen]
		sums[segments[i]] = sum{s.customers + n, s.converters + k}
		all = sum{all.customers + n, all.converters + k}
	}
	everybody := float64(all.converters) / float64(max(all.customers, 1))
	of := map[string]float64{}
	for name, s := range sums {
		of[name] = everybody
		if s.customers > 0 {
			of[name] = float64(s.converters) / float64(s.customers)
		}
	}
	return of
}

// chosenAUC is the AUC of segments on the half that is searched, each scored by its own rate there.
func chosenAUC(cells []Cell, segments []string) float64 {
	score := rates(cells, segments)
	at := map[float64]int{}
	var groups []stats.Group
	for i, c := range cells {
		s := score[segments[i]]
		k, seen := at[s]
		if !seen {
			k = len(groups)
			at[s] = k
			groups = append(groups, stats.Group{Score: s})
		}
		groups[k].Converted += c.Converters[Chosen]
		groups[k].Rest += c.Customers[Chosen] - c.Converters[Chosen]
	}
	slices.SortFunc(groups, func(a, b stats.Group) int { return cmp.Compare(a.Score, b.Score) })
	auc, ok := stats.AUC(groups)
	if !ok {
		return 0.5
	}
	return auc.Value
}

// A Verdict is what the half that was not searched says of a candidate.
type Verdict struct {
	Now, Then float64        // the AUC of the segments in force, and of the candidate's
	Gain      stats.Estimate // the difference, with an interval of z standard errors either way
	Movers    int64          // customers of both halves who would be in another segment
}

// Better says whether the interval of the gain lies above 0.
func (v Verdict) Better() bool { return v.Gain.Low > 0 }

// Judge compares the segments now and then of the cells on the half that was not searched. A segment's score is its rate on
// the half that was. It is not ok where the half has fewer than two converters or two others.
func Judge(cells []Cell, now, then []string, z float64) (v Verdict, ok bool) {
	a := rates(cells, now)
	b := rates(cells, then)
	sums := map[[2]float64]stats.PairedGroup{}
	for i, c := range cells {
		key := [2]float64{a[now[i]], b[then[i]]}
		g := sums[key]
		g.A, g.B = key[0], key[1]
		g.Converted += c.Converters[Judged]
		g.Rest += c.Customers[Judged] - c.Converters[Judged]
		sums[key] = g
		if now[i] != then[i] {
			v.Movers += c.Customers[Chosen] + c.Customers[Judged]
		}
	}
	groups := make([]stats.PairedGroup, 0, len(sums))
	for _, g := range sums {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(x, y stats.PairedGroup) int { return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B)) })
	d, ok := stats.DeLongPaired(groups)
	v.Now, v.Then = d.A, d.B
	v.Gain = stats.Estimate{Value: d.Gain, Low: d.Gain - z*d.SE, High: d.Gain + z*d.SE}
	return v, ok
}

// Sum returns how many customers there are in all cells, and how many of them converted.
func Sum(cells []Cell) (customers, converters int64) {
	for _, c := range cells {
		customers += c.Customers[Chosen] + c.Customers[Judged]
		converters += c.Converters[Chosen] + c.Converters[Judged]
	}
	return customers, converters
}

// Fewest returns how many converters, or others, the smallest of the four groups has: those of either half.
func Fewest(cells []Cell) int64 {
	least := int64(math.MaxInt64)
	for half := range 2 {
		var converters, others int64
		for _, c := range cells {
			converters += c.Converters[half]
			others += c.Customers[half] - c.Converters[half]
		}
		least = min(least, converters, others)
	}
	return least
}
