package rfm

import (
	"testing"

	"segments/transforms"
)

// Between two models lie the rules of one with the cuts of the other: what they call somebody differs from the old model by
// the map alone, and from the new one by the cuts alone.
func TestRecut(t *testing.T) {
	const today = 20_000
	in := features(today, defaultBands, crowd(2000, today)...)
	old := fit(t, New(), nil, in)
	both := fit(t, with(func(e *Estimator) {
		e.Map, e.Segments = "custom", []Segment{{Name: "Fresh", R: []int{4, 5}}, {Name: "Stale", R: []int{1, 2, 3}}}
		e.RecencyCuts = Cuts{1, 2, 3, 4}
	}), old, in)
	names := func(m transforms.Model) []string {
		out, err := m.Apply(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		names := make([]string, out.NumRows())
		for i := range names {
			names[i] = SegmentColumn.Of(out).Value(i)
		}
		return names
	}
	renamed := fit(t, with(func(e *Estimator) {
		e.Map, e.Segments = "custom", []Segment{{Name: "Fresh", R: []int{4, 5}}, {Name: "Stale", R: []int{1, 2, 3}}}
	}), old, in)
	recut := both.Recut(old)
	got, want, moved := names(recut), names(renamed), 0
	for i, name := range names(both) {
		if got[i] != want[i] {
			t.Fatalf("row %d: %s by the new map and the old cuts, want %s", i, got[i], want[i])
		}
		if name != got[i] {
			moved++
		}
	}
	if moved == 0 {
		t.Error("the cuts move nobody")
	}
	if m := both.Recut(nil); m != nil {
		t.Errorf("a model of nothing: %v", m)
	}
}
