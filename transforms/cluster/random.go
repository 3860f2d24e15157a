package cluster

// random is the SplitMix64 generator: Steele, Lea & Flood, "Fast splittable pseudorandom number generators" (OOPSLA
// 2014), figure 17. Its numbers are part of what a seed means, so they must not change with the Go version.
type random uint64

// newRandom returns a generator of its own for each seed, number of clusters and start.
func newRandom(seed int64, k, start int) *random {
	r := random(seed)
	r = random(r.next() ^ uint64(k))
	r = random(r.next() ^ uint64(start))
	return &r
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// draw returns an index in proportion to mass, never one without mass unless there is none at all.
func (r *random) draw(mass []float64) int {
	total := 0.0
	for _, m := range mass {
		total += m
	}
	left := float64(r.next()>>11) * 0x1p-53 * total
	last := 0
	for i, m := range mass {
		if m > 0 {
			last = i
			if left < m {
				return i
			}
			left -= m
		}
	}
	return last
}
