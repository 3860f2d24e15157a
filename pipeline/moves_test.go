package pipeline

import (
	"slices"
	"testing"

	"segments/transforms/frame"
)

func TestLargestMove(t *testing.T) {
	type row struct {
		from, to, cause string
		customers       int64
	}
	for _, c := range []struct {
		name string
		rows []row
		want *Move
	}{
		{"nothing", nil, nil},
		{"new, left and stayed", []row{{"", "Loyal", "new", 99}, {"Loyal", "", "left", 99}, {"Loyal", "Loyal", "none", 99}}, nil},
		{"too few", []row{{"Loyal", "At Risk", "silence", 19}}, nil},
		{"the most", []row{{"Loyal", "At Risk", "silence", 20}, {"New", "Loyal", "purchase", 21}, {"", "New", "new", 400}}, &Move{"New", "Loyal", "purchase", 21}},
		{"the first of as many", []row{{"New", "Loyal", "purchase", 20}, {"Loyal", "At Risk", "silence", 20}, {"Loyal", "At Risk", "cut moved", 20}}, &Move{"Loyal", "At Risk", "cut moved", 20}},
	} {
		for range 2 {
			var from, to, cause []string
			var n []int64
			for _, r := range c.rows {
				from, to, cause, n = append(from, r.from), append(to, r.to), append(cause, r.cause), append(n, r.customers)
			}
			b := frame.Record(frame.String("from_segment", "").Array(from, nil), frame.String("to_segment", "").Array(to, nil),
				frame.String("cause", "").Array(cause, nil), profileCustomers.Array(n, nil))
			got := largestMove([]frame.Batch{b.NewSlice(0, b.NumRows()/2), b.NewSlice(b.NumRows()/2, b.NumRows())}, 20)
			if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
			slices.Reverse(c.rows) // their order does not matter
		}
	}
}
