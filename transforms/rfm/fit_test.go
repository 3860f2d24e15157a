package rfm

import (
	"slices"
	"strings"
	"testing"

	"segments/transforms/frame"
)

func warns(m *model, what string) bool {
	return slices.ContainsFunc(m.Report().Warnings, func(w string) bool { return strings.Contains(w, what) })
}

func TestRefresh(t *testing.T) {
	const today = 20_000
	before := features(today, defaultBands, crowd(2000, today)...)
	after := features(today+100, defaultBands, crowd(1000, today)...)
	old := fit(t, New(), nil, before)
	for name, c := range map[string]struct {
		change func(e *Estimator)
		moved  []string // the measures the cuts of which differ from old's
	}{
		"never":    {func(*Estimator) {}, nil},
		"always":   {func(e *Estimator) { e.Refresh = "always" }, []string{"recency", "monetary", "value tier"}},
		"quantile": {func(e *Estimator) { e.Cuts = "quantile" }, []string{"recency", "monetary", "value tier", "what frequency counts"}},
		"by hand":  {func(e *Estimator) { e.RecencyCuts = Cuts{1, 2, 3, 4} }, []string{"recency"}},
		"bands":    {func(e *Estimator) { e.FrequencyBands = []int{1, 2, 3, 4, 5} }, []string{"frequency"}},
		"window":   {func(e *Estimator) { e.Window = "365d" }, []string{"the window"}},
	} {
		m := fit(t, with(c.change), old, after)
		moved := 0
		for _, w := range m.Report().Warnings {
			if strings.HasPrefix(w, "cut moved: ") {
				moved++
			}
		}
		if moved != len(c.moved) {
			t.Errorf("%s: %q, want %d moved cuts", name, m.Report().Warnings, len(c.moved))
		}
		for _, measure := range c.moved {
			if !warns(m, "cut moved: "+measure) {
				t.Errorf("%s: %q says nothing of %s", name, m.Report().Warnings, measure)
			}
		}
		learnedOn := m.Value.LearnedOn
		if kept := !slices.Contains(c.moved, "value tier"); kept != (learnedOn == today) {
			t.Errorf("%s: learned on %v", name, learnedOn)
		}
	}

	kept := fit(t, New(), old, after)
	if a, b := kept.Recency, old.Recency; !slices.Equal(a.At, b.At) || a.LearnedOn != b.LearnedOn || a.Buyers != b.Buyers {
		t.Errorf("kept %+v, want %+v", a, b)
	}
	if !slices.Equal(kept.Monetary.At, old.Monetary.At) || !slices.Equal(kept.Value.At, old.Value.At) {
		t.Error("monetary cuts were not kept")
	}
	byHand := fit(t, with(func(e *Estimator) { e.RecencyCuts = Cuts{1, 2, 3, 4} }), nil, before)
	if m := fit(t, New(), byHand, after); m.Recency.LearnedOn != today+100 {
		t.Errorf("cuts given by hand were kept as if learned: %+v", m.Recency)
	}
	other := fit(t, with(func(e *Estimator) { e.Map = "rfxm" }), old, after)
	if !warns(other, "rule changed") || warns(other, "cut moved") {
		t.Errorf("another map: %q", other.Report().Warnings)
	}
}

// TestKeptCutsNeedNoData asks that a fit with kept cuts leaves its input alone.
func TestKeptCutsNeedNoData(t *testing.T) {
	old := fit(t, New(), nil, features(20_000, defaultBands, crowd(500, 20_000)...))
	read := false
	in := func(func(frame.Batch, error) bool) { read = true }
	if _, err := New().Fit(t.Context(), in, old); err != nil || read {
		t.Errorf("read: %v, error: %v", read, err)
	}
}

func TestNobodyBought(t *testing.T) {
	b := features(20_000, defaultBands, history{}, history{})
	m := fit(t, New(), nil, b)
	if r := m.Report(); r.Status != "no_buyers" || len(r.Warnings) != 1 {
		t.Errorf("report %+v", r)
	}
	again := fit(t, New(), m, features(20_001, defaultBands, crowd(500, 20_000)...))
	if again.Report().Status != "ok" || again.Recency.LearnedOn != 20_001 || warns(again, "cut moved") {
		t.Errorf("after the first buyers: %+v", again.Report())
	}
	if few := fit(t, New(), nil, features(20_000, defaultBands, crowd(20, 20_000)...)); !warns(few, "only") {
		t.Errorf("cuts of a handful of buyers are kept without a warning: %q", few.Report().Warnings)
	}
}

// TestCDNOW follows the customers of CDNOW from night to night with kept cuts: nobody's label changes unless they
// bought, or the night before had foreseen it. The refitted quintiles of usual practice move 3,753 customers who bought
// nothing in one night here.
func TestCDNOW(t *testing.T) {
	people := cdnow(t)
	first := day("1997-09-28")
	prev := fit(t, New(), nil, features(first, defaultBands, people...))
	if n := prev.Value.Buyers; n != 23_570 {
		t.Errorf("%d buyers, want 23570", n)
	}
	last := apply(t, prev, features(first, defaultBands, people...))
	quiet := 0
	for on := first + 1; on <= first+6; on++ {
		b := features(on, defaultBands, people...)
		m := fit(t, New(), prev, b)
		out := apply(t, m, b)
		for i, h := range people {
			was, is := SegmentColumn.Of(last).Value(i), SegmentColumn.Of(out).Value(i)
			if slices.Contains(h.days, on) {
				continue
			}
			foreseen := DropsOn.Of(last).IsValid(i) && int(DropsOn.Of(last).Value(i)) == on
			if foreseen != (was != is) || foreseen && DropsTo.Of(last).Value(i) != is {
				t.Fatalf("customer %d went from %s to %s on day %d; foreseen: %v", i, was, is, on-first, foreseen)
			}
			if was != is {
				quiet++
			}
		}
		prev, last = m, out
	}
	t.Logf("%d changes by silence in six nights, all foreseen", quiet)
}
