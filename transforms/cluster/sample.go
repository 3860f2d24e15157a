package cluster

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A member is a customer of the sample: the values of the features, NaN for NULL.
type member struct {
	hash   uint64
	id     string
	values [len(features)]float64
}

// A sampler keeps the customers with a purchase whose keyed hashes are smallest. That is a uniform sample, and the same
// one in whatever order the customers come. The first n of it are one as well.
type sampler struct {
	limit     int
	seed      uint64
	customers int // seen, with a purchase
	members   []member
	bound     uint64 // larger hashes are out
}

func newSampler(limit int, seed int64) *sampler {
	return &sampler{limit: limit, seed: uint64(seed), bound: math.MaxUint64}
}

// add looks at the customers of b.
func (s *sampler) add(b frame.Batch) {
	ids, days := customer.ID.Of(b), customer.PurchaseDays.Of(b)
	read := readers(b)
	for i := range ids.Len() {
		if days.Value(i) < 1 {
			continue
		}
		s.customers++
		h := xxh3.HashStringSeed(ids.Value(i), s.seed)
		if h > s.bound {
			continue
		}
		m := member{hash: h, id: strings.Clone(ids.Value(i))}
		for j := range m.values {
			m.values[j] = read[j](i)
		}
		if s.members = append(s.members, m); len(s.members) == 2*s.limit {
			s.cut()
		}
	}
}

// cut sorts the members and drops those beyond the limit.
func (s *sampler) cut() {
	slices.SortFunc(s.members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), strings.Compare(a.id, b.id))
	})
	if len(s.members) > s.limit {
		clear(s.members[s.limit:])
		s.members = s.members[:s.limit]
		s.bound = s.members[s.limit-1].hash
	}
}

// sample returns the members in the order of their hashes.
func (s *sampler) sample() []member {
	s.cut()
	return s.members
}
