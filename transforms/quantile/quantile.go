// Package quantile finds exact order statistics of a replayable stream without holding the column.
//
// It selects by radix: the bits of a finite float64, with the sign dealt with, order like the numbers. A pass counts
// the values by 16 bits below the prefix found so far and so learns 16 more bits of each quantile; four passes find any.
// Once the values that are left fit into a small buffer they are sorted instead, so that up to 65,536 values take one
// pass and a few million mostly three. It holds that buffer and one table of counts a distinct prefix: half a megabyte
// each, whatever the number of values.
//
// The result does not depend on the order or the batching of the rows.
package quantile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"segments/transforms/frame"
)

const (
	radixBits  = 16
	bufferSize = 1 << 16
)

// Of returns the quantiles ps of the values that the function values yields from each batch of in, and their number n.
//
// qs[i] is the smallest value v with at least ceil(ps[i]*n) values <= v: the inverse of the empirical distribution
// function, type 1 of Hyndman & Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996).
// It is always one of the values; ps[i] = 0 gives the least. Where n is 0, qs is nil.
//
// It fails on a p outside [0, 1], a value that is NaN or infinite, an error of in, the end of ctx, and a stream that
// does not give the same values when it is read again.
func Of(
	ctx context.Context, in frame.Batches, values func(b frame.Batch, yield func(float64)), ps ...float64,
) (qs []float64, n int64, err error) {
	for _, p := range ps {
		if !(p >= 0 && p <= 1) {
			return nil, 0, fmt.Errorf("quantile: p is %v, want 0 to 1", p)
		}
	}
	groups := []*group{{left: -1}}
	var targets []target
	for shift := 64 - radixBits; shift >= 0; shift -= radixBits {
		keys, err := pass(ctx, in, values, groups, shift)
		if err != nil {
			return nil, 0, err
		}
		if targets == nil { // the first pass
			if n = groups[0].counted; n == 0 {
				return nil, 0, nil
			}
			for _, p := range ps {
				targets = append(targets, target{groups[0], rank(p, n)})
			}
		}
		if keys != nil {
			return sorted(keys, targets, shift+radixBits), n, nil
		}
		groups = narrow(targets)
	}
	for _, t := range targets {
		qs = append(qs, value(t.group.prefix))
	}
	return qs, n, nil
}

// A group is the values whose keys begin with the bits prefix, counted by the 16 bits that follow.
type group struct {
	prefix  uint64
	left    int64 // how many values an earlier pass counted; -1 where there was none
	counted int64
	counts  []int64
}

// A target is the value sought: the rank-th least of its group, from 1.
type target struct {
	group *group
	rank  int64
}

// pass counts the values of groups by the 16 bits from shift on. It returns their keys, or nil where they are too many.
func pass(
	ctx context.Context, in frame.Batches, values func(frame.Batch, func(float64)), groups []*group, shift int,
) ([]uint64, error) {
	for _, g := range groups {
		g.counts = make([]int64, 1<<radixBits)
	}
	keys := make([]uint64, 0, bufferSize)
	overflow, bad := false, false
	add := func(v float64) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			bad = true
			return
		}
		k := key(v)
		for _, g := range groups {
			if k>>(shift+radixBits) != g.prefix {
				continue
			}
			g.counts[k>>shift&(1<<radixBits-1)]++
			g.counted++
			if overflow = overflow || len(keys) == bufferSize; !overflow {
				keys = append(keys, k)
			}
			return
		}
	}
	for b, err := range in {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if values(b, add); bad {
			return nil, errors.New("quantile: a value is not finite")
		}
	}
	for _, g := range groups {
		if g.left >= 0 && g.counted != g.left {
			return nil, fmt.Errorf("quantile: the stream changed between passes: %d values, then %d", g.left, g.counted)
		}
	}
	if overflow {
		return nil, nil
	}
	return keys, nil
}

// narrow moves each target into the part of its group that holds it, and returns the distinct parts.
func narrow(targets []target) []*group {
	var groups []*group
	for i, t := range targets {
		digit, r := 0, t.rank
		for r > t.group.counts[digit] {
			r -= t.group.counts[digit]
			digit++
		}
		prefix := t.group.prefix<<radixBits | uint64(digit)
		at := slices.IndexFunc(groups, func(g *group) bool { return g.prefix == prefix })
		if at < 0 {
			at = len(groups)
			groups = append(groups, &group{prefix: prefix, left: t.group.counts[digit]})
		}
		targets[i] = target{groups[at], r}
	}
	return groups
}

// sorted finds the targets among keys, the lower bits of which lie below prefixAt.
func sorted(keys []uint64, targets []target, prefixAt int) []float64 {
	slices.Sort(keys)
	qs := make([]float64, len(targets))
	for i, t := range targets {
		first, _ := slices.BinarySearch(keys, t.group.prefix<<prefixAt)
		qs[i] = value(keys[int64(first)+t.rank-1])
	}
	return qs
}

// rank returns ceil(p*n), at least 1. A product that misses a whole number by rounding alone, such as .07*100, is that
// number.
func rank(p float64, n int64) int64 {
	x := p * float64(n)
	if r := math.Round(x); math.Abs(x-r) <= 4*0x1p-52*x {
		x = r
	}
	return min(max(int64(math.Ceil(x)), 1), n)
}

const sign = 1 << 63

// key returns bits that order as finite numbers do. Both zeros have the key of 0.
func key(v float64) uint64 {
	u := math.Float64bits(v + 0)
	if u&sign != 0 {
		return ^u
	}
	return u | sign
}

// value returns the number whose key is k.
func value(k uint64) float64 {
	if k&sign == 0 {
		return math.Float64frombits(^k)
	}
	return math.Float64frombits(k &^ sign)
}
