package quantile

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segments/transforms/frame"
)

var x = frame.Float64("x", "A number.").Null()

func values(b frame.Batch, yield func(float64)) {
	a := x.Of(b)
	for i := range a.Len() {
		if a.IsValid(i) {
			yield(a.Value(i))
		}
	}
}

// stream cuts vs into batches of at most size rows.
func stream(vs []float64, size int) frame.Batches {
	var bs []frame.Batch
	for part := range slices.Chunk(vs, size) {
		bs = append(bs, frame.Record(x.Array(part, nil)))
	}
	return frame.Of(bs...)
}

// bySorting is the definition, taken literally.
func bySorting(vs []float64, p float64) float64 {
	s := slices.Sorted(slices.Values(vs))
	for i, v := range s {
		if float64(i+1) >= p*float64(len(s))-1e-9 {
			return v
		}
	}
	return s[len(s)-1]
}

func TestOfAgreesWithSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vs := rapid.SliceOfN(rapid.OneOf(
			rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64),
			rapid.Map(rapid.IntRange(-3, 3), func(i int) float64 { return float64(i) }),
			rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64}),
		), 1, 200).Draw(t, "values")
		ps := rapid.SliceOfN(rapid.SampledFrom([]float64{0, .01, .07, .2, 1. / 3, .4, .5, .6, .8, .95, .99, 1}), 1, 5).Draw(t, "ps")
		qs, n, err := Of(context.Background(), stream(vs, rapid.IntRange(1, 50).Draw(t, "size")), values, ps...)
		if err != nil || n != int64(len(vs)) {
			t.Fatalf("n = %d, err = %v", n, err)
		}
		for i, p := range ps {
			if want := bySorting(vs, p); qs[i] != want {
				t.Errorf("quantile %v is %v, want %v", p, qs[i], want)
			}
		}
	})
}

// TestOfManyValues goes through the passes that few values do not need.
func TestOfManyValues(t *testing.T) {
	const n = 300_000
	r := rand.New(rand.NewPCG(1, 2))
	ps := []float64{0, .2, .4, .6, .8, .8, .95, .99, 1}
	for name, draw := range map[string]func() float64{
		"normal":        r.NormFloat64,
		"whole numbers": func() float64 { return float64(r.IntN(700)) },
		"one value":     func() float64 { return -1.25 },
		"near one":      func() float64 { return 1 + float64(r.IntN(200_000))*0x1p-52 }, // told apart by the last bits only
		"two clumps":    func() float64 { return float64(r.IntN(2)*2-1) * (1e9 + float64(r.IntN(5))*1e-3) },
	} {
		t.Run(name, func(t *testing.T) {
			vs := make([]float64, n)
			for i := range vs {
				vs[i] = draw()
			}
			qs, got, err := Of(context.Background(), stream(vs, 10_000), values, ps...)
			if err != nil || got != n {
				t.Fatalf("n = %d, err = %v", got, err)
			}
			for i, p := range ps {
				if want := bySorting(vs, p); qs[i] != want {
					t.Errorf("quantile %v is %v, want %v", p, qs[i], want)
				}
			}
			r.Shuffle(n, func(i, j int) { vs[i], vs[j] = vs[j], vs[i] })
			if again, _, _ := Of(context.Background(), stream(vs, 77_777), values, ps...); !slices.Equal(qs, again) {
				t.Errorf("another order gives %v, not %v", again, qs)
			}
		})
	}
}

func TestOfPasses(t *testing.T) {
	for _, c := range []struct{ values, most int }{{1 << 16, 1}, {1<<16 + 1, 4}, {200_000, 4}} {
		passes := 0
		in := stream(make([]float64, c.values), 50_000)
		counted := func(yield func(frame.Batch, error) bool) { passes++; in(yield) }
		if _, _, err := Of(context.Background(), counted, values, .5); err != nil || passes > c.most {
			t.Errorf("%d values took %d passes, want at most %d; err = %v", c.values, passes, c.most, err)
		}
	}
}

func TestOfNothing(t *testing.T) {
	for name, in := range map[string]frame.Batches{
		"no batch":  frame.Of(),
		"no rows":   stream(nil, 1),
		"all NULLs": frame.Of(frame.Record(x.Array([]float64{1, 2}, []bool{false, false}))),
	} {
		if qs, n, err := Of(context.Background(), in, values, .5); qs != nil || n != 0 || err != nil {
			t.Errorf("%s: %v, %d, %v", name, qs, n, err)
		}
	}
	if qs, n, err := Of(context.Background(), stream([]float64{3}, 1), values); len(qs) != 0 || n != 1 || err != nil {
		t.Errorf("no ps: %v, %d, %v", qs, n, err)
	}
}

func TestOfErrors(t *testing.T) {
	ctx := context.Background()
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, _, err := Of(ctx, stream([]float64{1, v}, 2), values, .5); err == nil {
			t.Errorf("value %v was taken", v)
		}
	}
	for _, p := range []float64{-.1, 1.1, math.NaN()} {
		if _, _, err := Of(ctx, stream([]float64{1}, 1), values, p); err == nil {
			t.Errorf("p %v was taken", p)
		}
	}
	boom := errors.New("boom")
	if _, _, err := Of(ctx, frame.Fail(boom), values, .5); !errors.Is(err, boom) {
		t.Errorf("error of the stream: %v", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := Of(done, stream([]float64{1}, 1), values, .5); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	calls := 0
	changing := func(yield func(frame.Batch, error) bool) {
		calls++
		stream(make([]float64, 100_000-calls), 100_000)(yield)
	}
	if _, _, err := Of(ctx, changing, values, .5); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("changing stream: %v", err)
	}
}

func TestRank(t *testing.T) {
	for _, c := range []struct {
		p       float64
		n, want int64
	}{{0, 10, 1}, {1, 10, 10}, {.2, 10, 2}, {.21, 10, 3}, {.07, 100, 7}, {.55, 100, 55}, {.8, 5_000_000, 4_000_000}, {1e-9, 10, 1}} {
		if got := rank(c.p, c.n); got != c.want {
			t.Errorf("rank(%v, %d) = %d, want %d", c.p, c.n, got, c.want)
		}
	}
}

func TestKeyKeepsOrder(t *testing.T) {
	ordered := []float64{-math.MaxFloat64, -1, -math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, 1, math.MaxFloat64}
	for i, v := range ordered {
		if value(key(v)) != v {
			t.Errorf("%v came back as %v", v, value(key(v)))
		}
		if i > 0 && key(ordered[i-1]) >= key(v) {
			t.Errorf("%v does not order before %v", ordered[i-1], v)
		}
	}
	if zero := math.Copysign(0, -1); key(zero) != key(0) || math.Signbit(value(key(zero))) {
		t.Error("the two zeros differ")
	}
}
