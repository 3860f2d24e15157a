package rfm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/quantile"
)

// Cuts is four increasing cut points given by hand; nil, written as the word learned, means that they are learned.
type Cuts []float64

// UnmarshalYAML reads the word learned or a list of numbers.
func (c *Cuts) UnmarshalYAML(unmarshal func(any) error) error {
	var word string
	if unmarshal(&word) == nil && word == "learned" {
		*c = nil
		return nil
	}
	var list []float64
	if unmarshal(&list) != nil || list == nil {
		return errors.New("want learned or a list of four numbers")
	}
	*c = list
	return nil
}

// MarshalYAML returns what UnmarshalYAML reads.
func (c Cuts) MarshalYAML() (any, error) {
	if c == nil {
		return "learned", nil
	}
	return []float64(c), nil
}

// MarshalJSON returns what UnmarshalJSON reads.
func (c Cuts) MarshalJSON() ([]byte, error) {
	v, _ := c.MarshalYAML()
	return json.Marshal(v)
}

// UnmarshalJSON reads the word learned or a list of numbers.
func (c *Cuts) UnmarshalJSON(data []byte) error {
	return c.UnmarshalYAML(func(v any) error { return json.Unmarshal(data, v) })
}

func (c Cuts) check() error {
	if c == nil {
		return nil
	}
	for _, v := range c {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%v is not a finite number", v)
		}
	}
	if len(c) != 4 || !increasing(c) {
		return fmt.Errorf("%v is neither learned nor four increasing numbers", []float64(c))
	}
	return nil
}

// The sources of cuts.
const (
	configured = "configured"
	learned    = "learned"
)

// cuts part a measure into classes: class k holds the values above At[k-1], up to and including At[k].
type cuts struct {
	At        []float64    `json:"at"` // ascending; empty where nothing could be learned
	Source    string       `json:"source"`
	LearnedOn arrow.Date32 `json:"learned_on"` // the as-of day of the fit that learned them
	Buyers    int64        `json:"buyers"`     // how many they were learned from
}

// class returns the number of the class that v is in, from 0 to len(c.At).
func (c cuts) class(v float64) int { return sort.SearchFloat64s(c.At, v) }

// known says whether there are cuts at all.
func (c cuts) known() bool { return len(c.At) > 0 }

func (c cuts) check(n int) error {
	if c.known() && (len(c.At) != n || !slices.IsSorted(c.At)) {
		return fmt.Errorf("%v is not %d ascending cuts", c.At, n)
	}
	return nil
}

// quintiles are the quantiles that cut scores, tierCuts those that cut value tiers.
var (
	quintiles = []float64{.2, .4, .6, .8}
	tierCuts  = []float64{.80, .95, .99}
)

// learn cuts a measure of the buyers at its quantiles ps.
func learn(ctx context.Context, in frame.Batches, measure func(frame.Batch) func(row int) float64, ps []float64) (cuts, error) {
	on := arrow.Date32(math.MinInt32)
	qs, n, err := quantile.Of(ctx, in, func(b frame.Batch, yield func(float64)) {
		asOf, since, value := customer.AsOf.Of(b), customer.DaysSinceLastOrder.Of(b), measure(b)
		for i := range since.Len() {
			if since.IsValid(i) {
				on = max(on, asOf.Value(i))
				yield(value(i))
			}
		}
	}, ps...)
	if err != nil {
		return cuts{}, err
	}
	if n == 0 {
		on = 0
	}
	return cuts{At: qs, Source: learned, LearnedOn: on, Buyers: n}, nil
}

// learnRecency cuts at the quintiles, and moves cuts that fall on one day apart, since each class is a whole day at least.
func learnRecency(ctx context.Context, in frame.Batches) (cuts, error) {
	c, err := learn(ctx, in, recencyOf, quintiles)
	for i := 1; i < len(c.At); i++ {
		c.At[i] = max(c.At[i], c.At[i-1]+1)
	}
	return c, err
}

func recencyOf(b frame.Batch) func(int) float64 {
	days := customer.DaysSinceLastOrder.Of(b)
	return func(i int) float64 { return float64(days.Value(i)) }
}

func frequencyOf(b frame.Batch) func(int) float64 {
	days := customer.PurchaseDays.Of(b)
	return func(i int) float64 { return float64(days.Value(i)) }
}

func monetaryOf(b frame.Batch) func(int) float64 {
	return customer.MonetaryTotal.Of(b).Value
}
