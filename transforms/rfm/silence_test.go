package rfm

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"segments/transforms/customer"
)

// TestSilence watches customers who buy nothing more, day by day: the label and nothing else decides whether drops_on
// and drops_to were right.
func TestSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const today = 20_000
		bands := []int{1, 2, 3, 4, 6}
		if rapid.Bool().Draw(t, "other bands") {
			bands = append([]int{1}, increasingInts(4, 2, 12).Draw(t, "bands")...)
		}
		window := rapid.SampledFrom([]int{1, 5, 30, 90}).Draw(t, "window")
		recency := increasingInts(4, 0, 100).Draw(t, "recency cuts")
		e := with(func(e *Estimator) {
			e.Map = rapid.SampledFrom([]string{"rf10", "rfxm", "rxfm", "custom"}).Draw(t, "map")
			if e.Map == "custom" {
				e.Segments = anyMap().Draw(t, "segments")
			}
			e.FrequencyBands = bands
			e.Window = fmt.Sprintf("%dd", window)
			for _, cut := range recency {
				e.RecencyCuts = append(e.RecencyCuts, float64(cut))
			}
			e.MonetaryCuts = Cuts{10, 20, 30, 40}
		})
		var people []history
		for range rapid.IntRange(1, 4).Draw(t, "people") {
			people = append(people, history{
				days:  rapid.SliceOfN(rapid.IntRange(today-120, today), 1, 14).Draw(t, "days"),
				money: float64(rapid.IntRange(0, 50).Draw(t, "money")),
			})
		}
		m, err := e.rules()
		if err != nil {
			t.Fatal(err)
		}
		m.Recency, m.Monetary = cuts{At: e.RecencyCuts}, cuts{At: e.MonetaryCuts}

		first, _ := m.Apply(t.Context(), features(today, bands, people...))
		on, to, now := DropsOn.Of(first), DropsTo.Of(first), SegmentColumn.Of(first)
		fWorse, rWorse := FDaysToWorse.Of(first), RDaysToWorse.Of(first)
		open := len(people)
		settled := make([]bool, len(people))
		// After the longest cut and the window nothing can change any more.
		for later := 1; later <= max(recency[3], window)+2; later++ {
			then, _ := m.Apply(t.Context(), features(today+later, bands, people...))
			label := SegmentColumn.Of(then)
			for i := range people {
				if f := FScore.Of(then).Value(i) < FScore.Of(first).Value(i); f != (fWorse.IsValid(i) && int64(later) >= fWorse.Value(i)) {
					t.Fatalf("customer %d, %d days on: F fell: %v, f_days_to_worse %v", i, later, f, fWorse)
				}
				if r := RScore.Of(then).Value(i) < RScore.Of(first).Value(i); r != (rWorse.IsValid(i) && int64(later) >= rWorse.Value(i)) {
					t.Fatalf("customer %d, %d days on: R fell: %v, r_days_to_worse %v", i, later, r, rWorse)
				}
				if settled[i] || label.Value(i) == now.Value(i) {
					continue
				}
				settled[i] = true
				open--
				if on.IsNull(i) || int(on.Value(i)) != today+later || to.Value(i) != label.Value(i) {
					t.Fatalf("customer %d went from %s to %s after %d days; foreseen: %v, %v (today is %d)",
						i, now.Value(i), label.Value(i), later, to, on, today)
				}
			}
		}
		if got := len(people) - on.NullN(); got != len(people)-open {
			t.Fatalf("%d changes were foreseen, %d happened", got, len(people)-open)
		}
	})
}

// increasingInts draws n different numbers in order.
func increasingInts(n, low, high int) *rapid.Generator[[]int] {
	return rapid.Map(rapid.SliceOfNDistinct(rapid.IntRange(low, high), n, n, rapid.ID[int]), func(vs []int) []int {
		return slices.Sorted(slices.Values(vs))
	})
}

// anyMap draws a partition of the cells that need not make sense: a line a cell of R by F, in a few names.
func anyMap() *rapid.Generator[[]Segment] {
	return rapid.Custom(func(t *rapid.T) []Segment {
		var segs []Segment
		for r := 1; r <= 5; r++ {
			for f := 1; f <= 5; f++ {
				segs = append(segs, Segment{Name: rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "name"), R: []int{r}, F: []int{f}})
			}
		}
		return segs
	})
}

func TestSilenceOfKnownCustomers(t *testing.T) {
	const today = 20_000
	m := fit(t, with(func(e *Estimator) {
		e.RecencyCuts, e.MonetaryCuts, e.Window = Cuts{30, 60, 90, 120}, Cuts{1, 2, 3, 4}, "100d"
	}), nil, features(today, []int{1, 2, 3, 4, 6}, history{}))
	ago := func(days ...int) history {
		h := history{money: 5}
		for _, d := range days {
			h.days = append(h.days, today-d)
		}
		return h
	}
	out := apply(t, m, features(today, []int{1, 2, 3, 4, 6},
		ago(0),                         // New until the 31st day of silence
		ago(10, 11, 99, 99),            // Potential Loyalist with F3; F2 tomorrow keeps the name, R3 after 51 days does not
		ago(10, 20, 30, 99),            // Champion who is one tomorrow's expiry away from F3
		ago(121, 122),                  // Hibernating: nothing more to lose
		ago(100, 101, 102, 103, 104),   // all purchases have left the window: F1, not NULL
		ago(0, 0, 0, 0, 0),             // five purchases on one day are one
		history{},                      // never bought
		ago(0, 1, 2, 3, 4, 500, 600),   // five days in the window
		ago(0, 1, 2, 3),                // four days, all there are
		ago(0, 1, 2, 3, 110, 120, 130), // four, or five: the fifth is not known to have left
	))
	for i, want := range []struct {
		segment, to string
		on          int
		f, missing  int64
	}{
		{"New", "Promising", 31, 1, 1},
		{"Potential Loyalist", "About to Sleep", 51, 3, 1},
		{"Champions", "Potential Loyalist", 1, 4, 2},
		{"Hibernating", "", 0, 1, 2},
		{"Hibernating", "", 0, 1, 2},
		{"New", "Promising", 31, 1, 1},
		{},
		{"Champions", "Loyal", 31, 4, 2},
		{"Champions", "Loyal", 31, 4, 2},
		{"Champions", "Loyal", 31, 4, 2},
	} {
		if got := SegmentColumn.Of(out).Value(i); got != want.segment {
			t.Errorf("customer %d is %q, want %q", i, got, want.segment)
		}
		if got := DropsTo.Of(out).Value(i); got != want.to {
			t.Errorf("customer %d drops to %q, want %q", i, got, want.to)
		}
		if a := DropsOn.Of(out); a.IsValid(i) != (want.on > 0) || a.IsValid(i) && int(a.Value(i))-today != want.on {
			t.Errorf("customer %d drops on %v, want day %d", i, a.ValueStr(i), want.on)
		}
		if got := FScore.Of(out).Value(i); got != want.f {
			t.Errorf("customer %d has F%d, want F%d", i, got, want.f)
		}
		if got := FDaysToBetter.Of(out).Value(i); got != want.missing {
			t.Errorf("customer %d lacks %d purchase days, want %d", i, got, want.missing)
		}
	}
	if customer.DaysSinceLastOrder.Of(features(today, []int{1, 2, 3, 4, 6}, history{})).NullN() != 1 {
		t.Error("the helper gives recency to who never bought")
	}
}
