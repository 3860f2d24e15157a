package pipeline

import "segments/transforms/frame"

// A Move is how many customers went from one core segment to another since the previous generation, by cause.
type Move struct {
	From, To, Cause string
	Customers       int64
}

// largestMove returns the move of most customers in rows of segment_transitions, of as many the first by name; nil where
// none has at least `least`. Who is new, has left or has stayed is no move.
func largestMove(rows []frame.Batch, least int64) *Move {
	from, to, cause := frame.String("from_segment", ""), frame.String("to_segment", ""), frame.String("cause", "")
	var best *Move
	for _, b := range rows {
		for i := range int(b.NumRows()) {
			m := Move{from.Of(b).Value(i), to.Of(b).Value(i), cause.Of(b).Value(i), profileCustomers.Of(b).Value(i)}
			if m.From == "" || m.To == "" || m.From == m.To || m.Customers < least {
				continue
			}
			if best == nil || m.before(*best) {
				best = &m
			}
		}
	}
	return best
}

// before says whether m is the one to tell of rather than o.
func (m Move) before(o Move) bool {
	if m.Customers != o.Customers {
		return m.Customers > o.Customers
	}
	for _, c := range [][2]string{{m.From, o.From}, {m.To, o.To}} {
		if c[0] != c[1] {
			return c[0] < c[1]
		}
	}
	return m.Cause < o.Cause
}
