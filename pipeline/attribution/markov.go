package attribution

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// A Transition counts how often journeys went on from a channel.
type Transition struct {
	From      string // the channel; empty at the start of a journey
	To        string // the next channel; empty where the journey ended
	Converted bool   // of an end: whether with a conversion
	Journeys  int64
}

// An Effect is what a channel is worth to the chain.
type Effect struct {
	Channel string
	Removal float64 // the share of the conversions that would go without the channel
	Share   int64   // Removal by the sum of those of all channels, in parts of One; these add up to One, or are all 0
}

// Removal returns the effects of all channels, by name. The journeys are a Markov chain of first order: where somebody
// goes next depends on the last channel alone. Without a channel, those who would have gone to it do not convert.
// Anderl, Becker, von Wangenheim and Schumann, "Mapping the customer journey", International Journal of Research in
// Marketing 33 (2016), section 4.
//
// The order of transitions does not matter. It fails where the chain has no solution, as with journeys that never end.
func Removal(transitions []Transition) ([]Effect, error) {
	c := newChain(transitions)
	all, err := c.converting(-1)
	if err != nil || all == 0 {
		return c.effects(nil), err
	}
	removal := make([]float64, len(c.channels))
	for i := range c.channels {
		if c.out[i+1] == 0 {
			continue
		}
		without, err := c.converting(i + 1)
		if err != nil {
			return nil, err
		}
		removal[i] = math.Max(0, 1-without/all)
	}
	return c.effects(removal), nil
}

// A chain counts transitions between states: 0 is the start, the channels follow.
type chain struct {
	channels []string
	next     [][]int64 // from a state to a state
	won      []int64   // from a state to the conversion
	out      []int64   // from a state to anywhere
}

func newChain(transitions []Transition) chain {
	state := map[string]int{"": 0}
	for _, t := range transitions {
		state[t.From], state[t.To] = 0, 0
	}
	names := slices.Sorted(maps.Keys(state)) // the start's, empty, is the first
	for i, name := range names {
		state[name] = i
	}
	c := chain{channels: names[1:], next: make([][]int64, len(names)), won: make([]int64, len(names)), out: make([]int64, len(names))}
	for i := range c.next {
		c.next[i] = make([]int64, len(names))
	}
	for _, t := range transitions {
		from := state[t.From]
		c.out[from] += t.Journeys
		switch {
		case t.To != "":
			c.next[from][state[t.To]] += t.Journeys
		case t.Converted:
			c.won[from] += t.Journeys
		}
	}
	return c
}

// converting is the chance to come from the start to the conversion without going through the state removed; -1 removes
// none. x being the chances from each state, out(i) x(i) = won(i) + sum over j of next(i, j) x(j).
func (c chain) converting(removed int) (float64, error) {
	states := c.reaching(removed)
	if !slices.Contains(states, 0) {
		return 0, nil
	}
	a, b := mat.NewDense(len(states), len(states), nil), mat.NewVecDense(len(states), nil)
	for i, from := range states {
		b.SetVec(i, float64(c.won[from]))
		for k, to := range states {
			a.Set(i, k, -float64(c.next[from][to]))
		}
		a.Set(i, i, float64(c.out[from]-c.next[from][from]))
	}
	var x mat.VecDense
	if err := x.SolveVec(a, b); err != nil {
		return 0, fmt.Errorf("attribution: the chain of %d channels has no solution: %w", len(c.channels), err)
	}
	return x.AtVec(slices.Index(states, 0)), nil
}

// reaching lists the states from which the conversion can be reached without the state removed: from the others the
// chance is 0, and the rest have just one solution.
func (c chain) reaching(removed int) []int {
	reached := make([]bool, len(c.out))
	for grown := true; grown; {
		grown = false
		for i := range c.out {
			if reached[i] || i == removed {
				continue
			}
			can := c.won[i] > 0
			for j, n := range c.next[i] {
				can = can || n > 0 && reached[j]
			}
			if can {
				reached[i], grown = true, true
			}
		}
	}
	var out []int
	for i, r := range reached {
		if r {
			out = append(out, i)
		}
	}
	return out
}

// effects puts names and shares to the removal effects; nil are all 0.
func (c chain) effects(removal []float64) []Effect {
	var sum float64
	for _, r := range removal {
		sum += r
	}
	weights := make([]int64, len(removal))
	for i, r := range removal {
		if sum > 0 {
			weights[i] = int64(math.Round(One * r / sum))
		}
	}
	shares := Divide(One, weights)
	out := make([]Effect, len(c.channels))
	for i, name := range c.channels {
		out[i].Channel = name
		if removal != nil {
			out[i].Removal, out[i].Share = removal[i], shares[i]
		}
	}
	return out
}
