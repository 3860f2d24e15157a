package attribution_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segments/pipeline/attribution"
)

// Worked by hand. Time decay with a half-life of 7 days: 14, 7 and 0 days before the last touch weigh 1/4, 1/2 and 1, so
// that they have 1/7, 2/7 and 4/7. What rounding down leaves goes to a later touch.
func TestCredits(t *testing.T) {
	for _, c := range []struct {
		model attribution.Model
		days  []int64
		want  []int64
	}{
		{attribution.First, []int64{14, 7, 0}, []int64{1e9, 0, 0}},
		{attribution.Last, []int64{14, 7, 0}, []int64{0, 0, 1e9}},
		{attribution.Linear, []int64{14, 7, 0}, []int64{333_333_333, 333_333_333, 333_333_334}},
		{attribution.Linear, []int64{3, 2, 1, 0}, []int64{25e7, 25e7, 25e7, 25e7}},
		{attribution.TimeDecay, []int64{14, 7, 0}, []int64{142_857_142, 285_714_286, 571_428_572}},
		{attribution.TimeDecay, []int64{0, 0}, []int64{5e8, 5e8}},
		{attribution.TimeDecay, []int64{365, 0}, []int64{0, 1e9}},
		{attribution.Position, []int64{0}, []int64{1e9}},
		{attribution.Position, []int64{1, 0}, []int64{5e8, 5e8}},
		{attribution.Position, []int64{2, 1, 0}, []int64{4e8, 2e8, 4e8}},
		{attribution.Position, []int64{3, 2, 1, 0}, []int64{4e8, 1e8, 1e8, 4e8}},
		{attribution.Markov, []int64{1, 0}, nil},
		{attribution.Linear, nil, nil},
	} {
		if got := attribution.Credits(c.model, c.days, 7); !slices.Equal(got, c.want) {
			t.Errorf("%s of %v: %v, want %v", c.model, c.days, got, c.want)
		}
	}
}

func TestCreditsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.SliceOfN(rapid.Int64Range(0, 364), 0, attribution.LongestPath-1).Draw(t, "days")
		slices.Sort(days)
		slices.Reverse(days)
		days = append(days, 0)
		halfLife := rapid.IntRange(1, 365).Draw(t, "half-life")
		for _, m := range attribution.Models()[:5] {
			var sum int64
			for _, c := range attribution.Credits(m, days, halfLife) {
				if c < 0 {
					t.Fatalf("%s of %v gives %d", m, days, c)
				}
				sum += c
			}
			if sum != attribution.One {
				t.Fatalf("%s of %v gives %d in all", m, days, sum)
			}
		}
	})
}

func TestDivide(t *testing.T) {
	for _, c := range []struct {
		total   int64
		weights []int64
		want    []int64
	}{
		{10, []int64{1, 1, 1}, []int64{3, 3, 4}},
		{-10, []int64{1, 1, 1}, []int64{-3, -3, -4}},
		{10, []int64{0, 0}, []int64{0, 0}},
		{7, []int64{0, 5}, []int64{0, 7}},
		{9e18, []int64{9e17, 9e17}, []int64{45e17, 45e17}}, // products are of 128 bits
		{5, nil, []int64{}},
	} {
		if got := attribution.Divide(c.total, c.weights); !slices.Equal(got, c.want) {
			t.Errorf("%d by %v: %v, want %v", c.total, c.weights, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64().Filter(func(n int64) bool { return n != -1<<63 }).Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 1, 50).Draw(t, "weights")
		var sum, got int64
		for _, w := range weights {
			sum += w
		}
		for i, n := range attribution.Divide(total, weights) {
			if n != 0 && (n < 0) != (total < 0) || n != 0 && weights[i] == 0 {
				t.Fatalf("part %d of %d by %v is %d", i, total, weights, n)
			}
			got += n
		}
		if sum > 0 && got != total {
			t.Fatalf("%d by %v gives %d", total, weights, got)
		}
	})
}

func TestOptions(t *testing.T) {
	if err := attribution.Default().Check(); err != nil {
		t.Error(err)
	}
	for key, change := range map[string]func(*attribution.Options){
		"window":    func(o *attribution.Options) { o.WindowDays = 0 },
		"days":      func(o *attribution.Options) { o.Days = 366 },
		"half_life": func(o *attribution.Options) { o.HalfLifeDays = -1 },
		"model":     func(o *attribution.Options) { o.Model = "shapley" },
	} {
		o := attribution.Default()
		change(&o)
		if err := o.Check(); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("a wrong %s: %v", key, err)
		}
	}
}
