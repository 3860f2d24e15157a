package cluster

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// maxPasses bounds Lloyd's algorithm, which ends after some tens of passes as a rule.
const maxPasses = 300

// points are rows of dim numbers each, one after the other, with their weights: positive, and nil where all are 1.
type points struct {
	x   []float64
	dim int
	n   int
	w   []float64
}

func (p points) row(i int) []float64 { return p.x[i*p.dim : (i+1)*p.dim] }

func (p points) weight(i int) float64 {
	if p.w == nil {
		return 1
	}
	return p.w[i]
}

// first returns the first n points, or all where there are fewer.
func (p points) first(n int) points {
	if n >= p.n {
		return p
	}
	p.x, p.n = p.x[:n*p.dim], n
	if p.w != nil {
		p.w = p.w[:n]
	}
	return p
}

// distinct counts the different points, and stops counting at kMost.
func (p points) distinct() int {
	var seen [][]float64
	for i := 0; i < p.n && len(seen) < kMost; i++ {
		x := p.row(i)
		if !slices.ContainsFunc(seen, func(s []float64) bool { return slices.Equal(s, x) }) {
			seen = append(seen, x)
		}
	}
	return len(seen)
}

// A partition is what k-means gives: centers, and for each point the nearest of them (of equally near ones the first)
// and the squared distance to it.
type partition struct {
	centers   []float64
	labels    []int
	dist      []float64
	inertia   float64 // weighted sum of dist
	passes    int
	converged bool
}

// bounds spare Lloyd's algorithm most distances: a point that is nearer to its own center than any other center can have
// come keeps it. Hamerly (SDM 2010), but for the distances to the own centers, which are always computed. The result is
// that of computing all.
type bounds struct {
	next []float64 // for each point, no other center than its own is nearer
	away []float64 // for each center, how far any other one has moved since
}

// slack is more than the rounding errors of the bounds, relative and absolute.
const slack = 1e-9

// kMeans returns the partition into k clusters of least inertia that starts runs of Lloyd's algorithm find. The points
// must have at least k different ones among them. Of equally good runs the first is taken.
func kMeans(ctx context.Context, p points, k, starts int, seed int64) (partition, error) {
	var (
		best partition
		from = starts // the start that best came of
		next atomic.Int64
		mu   sync.Mutex
		all  sync.WaitGroup
	)
	for range min(runtime.GOMAXPROCS(0), starts) {
		all.Go(func() {
			for s := int(next.Add(1)) - 1; s < starts && ctx.Err() == nil; s = int(next.Add(1)) - 1 {
				c := lloyd(p, plusPlus(p, k, newRandom(seed, k, s)))
				mu.Lock()
				if from == starts || c.inertia < best.inertia || c.inertia == best.inertia && s < from {
					best, from = c, s
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return partition{}, err
	}
	return best, nil
}

// plusPlus draws k points as centers, each in proportion to its weight and its squared distance to those drawn before:
// the k-means++ of Arthur & Vassilvitskii (SODA 2007), section 2.2.
func plusPlus(p points, k int, r *random) []float64 {
	centers := make([]float64, 0, k*p.dim)
	mass := make([]float64, p.n)
	dist := make([]float64, p.n)
	for i := range dist {
		dist[i] = math.Inf(1)
		mass[i] = p.weight(i)
	}
	for range k {
		c := p.row(r.draw(mass))
		centers = append(centers, c...)
		for i := range dist {
			dist[i] = min(dist[i], squared(p.row(i), c))
			mass[i] = p.weight(i) * dist[i]
		}
	}
	return centers
}

// lloyd moves the centers to the means of the points nearest to them until no point changes its center: Lloyd (IEEE
// Trans. Inf. Theory 28, 1982). It changes centers.
func lloyd(p points, centers []float64) partition {
	k := len(centers) / p.dim
	c := partition{centers: centers, labels: make([]int, p.n), dist: make([]float64, p.n)}
	for i := range c.labels {
		c.labels[i] = -1
	}
	sizes := make([]float64, k)
	b := bounds{make([]float64, p.n), make([]float64, k)}
	for {
		changed := c.assign(p, b)
		clear(sizes)
		for i, l := range c.labels {
			sizes[l] += p.weight(i)
		}
		for l, size := range sizes {
			if size == 0 {
				c.reseed(p, l, sizes)
				clear(b.next)
				changed = true
			}
		}
		c.passes++
		c.converged = !changed
		if c.converged || c.passes == maxPasses {
			break
		}
		before := slices.Clone(c.centers)
		c.move(p, sizes)
		b.moved(before, c.centers)
	}
	for i, d := range c.dist {
		c.inertia += p.weight(i) * d
	}
	return c
}

// assign gives each point its nearest center and says whether any point had another one before.
func (c *partition) assign(p points, b bounds) (changed bool) {
	for i := range p.n {
		x := p.row(i)
		if l := c.labels[i]; l >= 0 {
			b.next[i] -= b.away[l]
			c.dist[i] = squared(x, c.centers[l*p.dim:(l+1)*p.dim])
			if math.Sqrt(c.dist[i])*(1+slack)+slack < b.next[i] {
				continue
			}
		}
		best, least, next := 0, math.Inf(1), math.Inf(1)
		for l, at := 0, 0; at < len(c.centers); l, at = l+1, at+p.dim {
			switch d := squared(x, c.centers[at:at+p.dim]); {
			case d < least:
				best, least, next = l, d, least
			case d < next:
				next = d
			}
		}
		c.dist[i], b.next[i] = least, math.Sqrt(next)
		if c.labels[i] != best {
			c.labels[i], changed = best, true
		}
	}
	return changed
}

// moved notes how far the centers have moved.
func (b bounds) moved(before, after []float64) {
	dim := len(after) / len(b.away)
	clear(b.away)
	for at := 0; at < len(after); at += dim {
		far := math.Sqrt(squared(before[at:at+dim], after[at:at+dim]))
		for l := range b.away {
			if l != at/dim {
				b.away[l] = max(b.away[l], far)
			}
		}
	}
}

// reseed puts the center of cluster l, which has no points, on the point that is farthest from its own center; of
// equally far ones on the first.
func (c *partition) reseed(p points, l int, sizes []float64) {
	far := 0
	for i, d := range c.dist {
		if d > c.dist[far] {
			far = i
		}
	}
	center := c.centers[l*p.dim : (l+1)*p.dim]
	copy(center, p.row(far))
	for i := range p.n {
		if d := squared(p.row(i), center); d < c.dist[i] {
			sizes[c.labels[i]] -= p.weight(i)
			sizes[l] += p.weight(i)
			c.labels[i], c.dist[i] = l, d
		}
	}
}

// move puts each center on the mean of its points.
func (c *partition) move(p points, sizes []float64) {
	for l, size := range sizes {
		if size > 0 {
			clear(c.centers[l*p.dim : (l+1)*p.dim])
		}
	}
	for i, l := range c.labels {
		w := p.weight(i)
		center := c.centers[l*p.dim : (l+1)*p.dim]
		for j, v := range p.row(i) {
			center[j] += w * v
		}
	}
	for l, size := range sizes {
		if size > 0 {
			for j := range p.dim {
				c.centers[l*p.dim+j] /= size
			}
		}
	}
}

// squared returns the squared Euclidean distance of a and b.
func squared(a, b []float64) float64 {
	sum := 0.0
	b = b[:len(a)]
	for i, v := range a {
		d := v - b[i]
		sum += d * d
	}
	return sum
}

// silhouette returns the mean silhouette width of p's points: Rousseeuw (J. Comput. Appl. Math. 20, 1987), section 2.
// A point alone in its cluster counts as 0, and so do all where only one cluster has points. Weights are not looked at.
// The work grows with the square of the number of points.
func silhouette(p points, labels []int, k int) float64 {
	sizes := make([]int, k)
	for _, l := range labels[:p.n] {
		sizes[l]++
	}
	sums := make([]float64, p.n*k) // of the distances of each point to those of each cluster
	for i := range p.n {
		for j := range i {
			d := math.Sqrt(squared(p.row(i), p.row(j)))
			sums[i*k+labels[j]] += d
			sums[j*k+labels[i]] += d
		}
	}
	total := 0.0
	for i := range p.n {
		own, other := labels[i], math.Inf(1)
		for l, size := range sizes {
			if l != own && size > 0 {
				other = min(other, sums[i*k+l]/float64(size))
			}
		}
		if sizes[own] > 1 && !math.IsInf(other, 1) {
			within := sums[i*k+own] / float64(sizes[own]-1)
			if most := max(within, other); most > 0 {
				total += (other - within) / most
			}
		}
	}
	return total / float64(max(p.n, 1))
}
