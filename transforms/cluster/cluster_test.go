package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/transformstest"
)

// A shopper is one row of test data; web is -1 where the shopper has none of the web and e-mail columns.
type shopper struct {
	days, last, first, web, clicks int64
	value                          float64
}

func batch(shoppers []shopper) frame.Batch {
	n := len(shoppers)
	ids, value, bought, online := make([]string, n), make([]float64, n), make([]bool, n), make([]bool, n)
	days, last, first, web, clicks := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, s := range shoppers {
		ids[i] = fmt.Sprintf("c%06d", i)
		days[i], last[i], first[i], web[i], value[i] = s.days, s.last, s.first, max(s.web, 0), s.value
		bought[i], online[i], clicks[i] = s.days > 0, s.web >= 0, s.clicks
	}
	return frame.Record(
		customer.ID.Array(ids, nil), customer.PurchaseDays.Array(days, nil), customer.DaysSinceLastOrder.Array(last, bought),
		customer.BtydAge.Array(first, bought), customer.AverageOrderValue.Array(value, bought),
		customer.WebSessions.Array(web, online), customer.WebProductViews.Array(web, online), customer.EmailClicked.Array(clicks, online),
	)
}

// kinds are the three kinds of shopper that blobs mixes.
var kinds = []shopper{
	{days: 30, last: 5, first: 700, value: 100, web: 20, clicks: 4},
	{days: 1, last: 600, first: 600, value: 20, web: 0},
	{days: 3, last: 40, first: 120, value: 400, web: 5, clicks: 1},
}

// blobs returns n shoppers, the i-th of them of kind i modulo 3, and spread around it.
func blobs(n int) []shopper {
	r := rand.New(rand.NewPCG(1, 2))
	spread := func(v int64) int64 { return int64(math.Round(float64(v) * math.Exp(.1*r.NormFloat64()))) }
	ss := make([]shopper, n)
	for i := range ss {
		k := kinds[i%3]
		ss[i] = shopper{days: spread(k.days), last: spread(k.last), web: spread(k.web), clicks: k.clicks}
		ss[i].value = k.value * math.Exp(.2*r.NormFloat64())
		ss[i].first = max(ss[i].last, spread(k.first))
	}
	return ss
}

// crowd returns n shoppers without groups: a continuum, some without purchases, some who are not known online.
func crowd(n int) []shopper {
	r := rand.New(rand.NewPCG(3, 4))
	ss := make([]shopper, n)
	for i := range ss {
		s := &ss[i]
		s.web, s.clicks = int64(r.ExpFloat64()*4)-1, int64(r.ExpFloat64())
		if r.IntN(10) == 0 {
			continue
		}
		s.days = 1 + int64(r.ExpFloat64()*3)
		s.first = int64(r.IntN(1000))
		s.last = int64(float64(s.first) * r.Float64())
		s.value = 50*math.Exp(r.NormFloat64()) - 5
	}
	return ss
}

func estimator(k string) *Estimator {
	e := New().(*Estimator)
	e.K = k
	return e
}

func fit(t testing.TB, e transforms.Estimator, bs ...frame.Batch) *model {
	t.Helper()
	m, err := e.Fit(context.Background(), frame.Of(bs...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*model)
}

func apply(t testing.TB, m *model, b frame.Batch) frame.Batch {
	t.Helper()
	out, err := m.Apply(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestContract(t *testing.T) {
	small := New().(*Estimator)
	small.Sample = 1000
	for name, tc := range map[string]struct {
		e        transforms.Estimator
		shoppers []shopper
	}{
		"crowd": {New(), crowd(2000)}, "sampled": {small, crowd(3000)},
	} {
		t.Run(name, func(t *testing.T) { transformstest.Run(t, tc.e, batch(tc.shoppers)) })
	}
}

// fromTwo tries two clusters and more.
func fromTwo() *Estimator {
	e := New().(*Estimator)
	e.KMin = 2
	return e
}

// In order: who buys much and often, who buys much and lately, who bought little and long ago.
func TestBlobsAreRecovered(t *testing.T) {
	b := batch(blobs(3000))
	m := fit(t, fromTwo(), b)
	if r := m.Report(); r.Status != "ok" || len(m.Clusters) != 3 || m.Silhouette < .7 {
		t.Fatalf("status %s, %d clusters, silhouette %g; want ok, 3 and at least 0.7", r.Status, len(m.Clusters), m.Silhouette)
	}
	out := apply(t, m, b)
	ids, shares, status := ID.Of(out), Probability.Of(out), Status.Of(out)
	want := []int64{1, 3, 2}
	for i := range ids.Len() {
		if ids.Value(i) != want[i%3] || status.Value(i) != "ok" || shares.Value(i) < .9 {
			t.Fatalf("shopper %d of kind %d: cluster %d, want %d (status %s, probability %g)",
				i, i%3, ids.Value(i), want[i%3], status.Value(i), shares.Value(i))
		}
	}
	segments := m.Segmentations()[0].Segments
	for i, w := range []struct{ name, rule, action string }{
		{
			"Frequent, many e-mail clicks",
			": purchase days 30 (everybody 4.5), e-mail clicks 4 (everybody 1.2), last order 5 days ago", "Keep and reward",
		},
		{"Big orders, new", ": first order 120 days ago (everybody 377), order value 403 (everybody 94).", "Earn the next purchase"},
		{
			"Small orders, rarely on the web",
			": order value 20 (everybody 94), web sessions 0 (everybody 4), product views 0 ", "Try one cheap reminder",
		},
	} {
		if g := segments[i]; g.Name != w.name || !strings.Contains(g.Rule, w.rule) || !strings.HasPrefix(g.Action, w.action) {
			t.Errorf("segment %d is %q: %s %s; want %q: %s %s", i, g.Name, g.Rule, g.Action, w.name, w.rule, w.action)
		}
	}
}

// Ids and names must not depend on chance: other seeds find the same clusters.
func TestSeedsAgree(t *testing.T) {
	b := batch(blobs(3000))
	want := fit(t, estimator("3"), b)
	for seed := int64(2); seed < 10; seed++ {
		e := estimator("3")
		e.Seed = seed
		if !array.RecordEqual(frame.Select(apply(t, fit(t, e, b), b), ID.Column), frame.Select(apply(t, want, b), ID.Column)) {
			t.Errorf("seed %d gives other clusters than seed 1", seed)
		}
	}
}

func TestChoiceOfK(t *testing.T) {
	if m := fit(t, New(), batch(blobs(3000))); m.Candidates[0].K != 4 {
		t.Errorf("without being told, auto begins with %d clusters, want 4", m.Candidates[0].K)
	}
	m := fit(t, fromTwo(), batch(blobs(3000)))
	if len(m.Candidates) != 11 || m.Candidates[0].K != 2 || m.Candidates[10].K != 12 {
		t.Fatalf("candidates %v, want 2 to 12", m.Candidates)
	}
	for i, c := range m.Candidates {
		if c.Chosen != (c.K == 3) {
			t.Errorf("k %d is chosen: %t", c.K, c.Chosen)
		}
		if c.Silhouette > m.Candidates[1].Silhouette {
			t.Errorf("k %d has a better silhouette than the chosen one", c.K)
		}
		if i > 0 && c.Inertia > m.Candidates[i-1].Inertia {
			t.Errorf("k %d has inertia %g, more than k %d with %g", c.K, c.Inertia, c.K-1, m.Candidates[i-1].Inertia)
		}
	}
	if m := fit(t, estimator("5"), batch(blobs(300))); len(m.Clusters) != 5 || len(m.Candidates) != 1 {
		t.Errorf("k 5 gives %d clusters of %d candidates", len(m.Clusters), len(m.Candidates))
	}
}

func TestHyperparameters(t *testing.T) {
	for name, tc := range map[string]struct {
		yaml string
		err  string // begins with it
	}{
		"nothing":      {"{}", ""},
		"k number":     {"k: 5", ""},
		"k text":       {"k: '5'", ""},
		"k auto":       {"k: auto", ""},
		"k small":      {"k: 1", "k: want auto or a number from 2 to 50"},
		"k large":      {"k: 51", "k: "},
		"k fraction":   {"k: 2.5", "k: "},
		"k word":       {"k: many", "k: "},
		"k nothing":    {"k: ", ""},
		"method":       {"method: dbscan", "method: want kmeans"},
		"k_min":        {"k_min: 1", "k_min: "},
		"k_max":        {"k_max: 51", "k_max: "},
		"k_max small":  {"k_max: 3", "k_max: "},
		"starts":       {"starts: 0", "starts: "},
		"sample":       {"sample: 10", "sample: "},
		"no customers": {"min_customers: 1", "min_customers: "},
	} {
		e := New()
		if err := yaml.UnmarshalWithOptions([]byte(tc.yaml), e, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err := e.Signature()
		_, fitErr := e.Fit(context.Background(), frame.Of(), nil)
		for _, err := range []error{err, fitErr} {
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.err)) {
				t.Errorf("%s: error %v, want %q", name, err, tc.err)
			}
		}
	}
}

func TestMoreClustersThanCustomers(t *testing.T) {
	few := slices.Repeat(blobs(3), 10)
	_, err := estimator("4").Fit(context.Background(), frame.Of(batch(few)), nil)
	want := "k: too few customers for 4 clusters: only 3 of 30 with a purchase differ"
	if !errors.Is(err, transforms.ErrTooFewRows) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	e := estimator("3")
	e.MinCustomers = 2
	if m := fit(t, e, batch(few)); len(m.Clusters) != 3 || m.Inertia > 1e-20 {
		t.Errorf("%d clusters of inertia %g, want 3 and 0", len(m.Clusters), m.Inertia)
	}
}

func TestNothingToCluster(t *testing.T) {
	for name, tc := range map[string]struct {
		k        string
		shoppers []shopper
		status   string
	}{
		"nobody":               {"auto", nil, "not_enough_customers"},
		"nobody, k given":      {"5", nil, "not_enough_customers"},
		"nobody bought":        {"5", slices.Repeat([]shopper{{web: 3}}, 500), "not_enough_customers"},
		"one":                  {"auto", blobs(1), "not_enough_customers"},
		"one under the floor":  {"auto", crowd(100), "not_enough_customers"},
		"all alike":            {"auto", slices.Repeat(blobs(1), 500), "no_variation"},
		"all who bought alike": {"auto", append(slices.Repeat(blobs(1), 500), make([]shopper, 50)...), "no_variation"},
	} {
		t.Run(name, func(t *testing.T) {
			m := fit(t, estimator(tc.k), batch(tc.shoppers))
			r := m.Report()
			if r.Status != tc.status || len(r.Warnings) == 0 || m.Segmentations() != nil || m.Learned()[0].NumRows() != 0 {
				t.Errorf("report %+v, segmentations %v; want status %s with a warning and neither clusters nor candidates",
					r, m.Segmentations(), tc.status)
			}
			out := apply(t, m, batch(append(blobs(1), shopper{web: 1})))
			if s := Status.Of(out); s.Value(0) != tc.status || s.Value(1) != "no_purchase" || Name.Of(out).NullN() != 2 {
				t.Errorf("got %v", out)
			}
		})
	}
}

// The starts see 10,000 customers. Where they are all alike, the whole sample has to do.
func TestRareDifference(t *testing.T) {
	p := points{x: make([]float64, startRows+100), dim: 1, n: startRows + 100}
	for i := startRows; i < p.n; i++ {
		p.x[i] = 1
	}
	for _, asked := range []int{0, 2} {
		par := parameters{Features: []scale{{Column: "purchase_days", Scale: 1, feature: frequency}}}
		if err := New().(*Estimator).cluster(context.Background(), &par, asked, p); err != nil {
			t.Fatal(err)
		}
		if len(par.Clusters) != 2 || par.Inertia != 0 {
			t.Errorf("k %d: %d clusters of inertia %g, want 2 and 0", asked, len(par.Clusters), par.Inertia)
		}
	}
}

func TestColumnsThatTellNothing(t *testing.T) {
	ss := blobs(600)
	for i := range ss {
		ss[i].web, ss[i].value = -1, 20
	}
	m := fit(t, New(), batch(ss))
	want := []dropped{
		{"average_order_value", "constant"}, {"web_sessions", "null"}, {"web_product_views", "null"}, {"email_clicked", "null"},
	}
	if !slices.Equal(m.Dropped, want) || len(m.Features) != 3 {
		t.Errorf("dropped %v, want %v", m.Dropped, want)
	}
	for i := range ss[:300] {
		ss[i].web = int64(i % 7)
	}
	m = fit(t, New(), batch(ss))
	at := slices.IndexFunc(m.Features, func(s scale) bool { return s.Column == "web_sessions" })
	if at < 0 || m.Features[at].Nulls != .5 || m.Features[at].Center != math.Log1p(3) {
		t.Errorf("features %+v, want web_sessions with center log 4 and half NULL", m.Features)
	}
	speaks := func(w string) bool { return strings.HasPrefix(w, "web_sessions is NULL for 50.0 %") }
	if !slices.ContainsFunc(m.Report().Warnings, speaks) {
		t.Errorf("warnings %q do not speak of NULLs", m.Report().Warnings)
	}
}

// Half the customers within some percent of the median: that is no reason to stretch the column.
func TestScalesHaveAFloor(t *testing.T) {
	sample := make([]member, 100)
	for i := range sample {
		sample[i].values[orderValue] = 1000 + float64(i%3)
	}
	if scales, _ := fitScales(sample); len(scales) != 1 || scales[0].Scale != minScale {
		t.Errorf("scales %+v, want one of %g", scales, minScale)
	}
}

// Median 3, quartiles 2 and 4 (definition 7), by hand; and a column whose quartiles are equal.
func TestScales(t *testing.T) {
	sample := make([]member, 5)
	for i := range sample {
		for j := range features {
			sample[i].values[j] = math.NaN()
		}
		sample[i].values[recency] = math.Expm1(float64(i + 1))
		sample[i].values[frequency] = 1
	}
	sample[0].values[frequency] = math.E
	scales, _ := fitScales(sample)
	if len(scales) != 2 {
		t.Fatalf("scales %+v, want two", scales)
	}
	s := scales[0]
	if math.Abs(s.Center-3) > 1e-12 || math.Abs(s.Scale-2/normalIQR) > 1e-12 || s.of(math.NaN()) != 0 || s.of(1e300) != maxScaled {
		t.Errorf("scale %+v, want center 3 and scale 2 / %g", s, normalIQR)
	}
	// One 1 among five: standard deviation √(1/5 · 4/5).
	if s := scales[1]; s.Center != 0 || math.Abs(s.Scale-.4) > 1e-12 {
		t.Errorf("scale %+v, want center 0 and scale 0.4", s)
	}
}

// Whatever the customers are like, all that is published is finite.
func TestOddCustomers(t *testing.T) {
	money := rapid.SampledFrom([]float64{0, -1, 1e-300, 1, 1e9, math.MaxFloat64, -math.MaxFloat64})
	days := rapid.SampledFrom([]int64{0, 1, 2, 1000, math.MaxInt64})
	rapid.Check(t, func(t *rapid.T) {
		ss := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) shopper {
			return shopper{
				days: days.Draw(t, "days"), last: days.Draw(t, "last"), first: days.Draw(t, "first"), value: money.Draw(t, "value"),
				web: rapid.Int64Range(-1, 2).Draw(t, "web"), clicks: days.Draw(t, "clicks"),
			}
		}), 0, 30).Draw(t, "shoppers")
		e := New().(*Estimator)
		e.MinCustomers, e.Starts, e.KMin, e.KMax = 2, 1, 2, 4
		m, err := e.Fit(context.Background(), frame.Of(batch(ss)), nil)
		if err != nil {
			t.Fatal(err)
		}
		js, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Load(js); err != nil {
			t.Fatal(err)
		}
		out, err := m.Apply(context.Background(), batch(ss))
		if err != nil {
			t.Fatal(err)
		}
		shares, distances := Probability.Of(out), Distance.Of(out)
		for i := range ss {
			if shares.IsNull(i) {
				continue
			}
			if p, d := shares.Value(i), distances.Value(i); !(p > 0 && p <= 1) || !(d >= 0 && d < 1e3) {
				t.Fatalf("%+v has probability %g and distance %g", ss[i], p, d)
			}
		}
	})
}

func TestNamesAreUnique(t *testing.T) {
	for k := 2; k <= 20; k++ {
		names := map[string]bool{}
		for _, g := range fit(t, estimator(strconv.Itoa(k)), batch(crowd(1000))).Clusters {
			names[g.Name] = true
		}
		if len(names) != k {
			t.Errorf("%d clusters have %d names", k, len(names))
		}
	}
}

func TestSampleIsOrderFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := batch(crowd(200))
		limit := rapid.IntRange(1, 250).Draw(t, "limit")
		ids := func(b frame.Batch, cut int64) (out []string) {
			s := newSampler(limit, 7)
			s.add(b.NewSlice(0, cut))
			s.add(b.NewSlice(cut, b.NumRows()))
			for _, m := range s.sample() {
				out = append(out, m.id)
			}
			return out
		}
		rows := make([]int, b.NumRows())
		for i := range rows {
			rows[i] = i
		}
		shuffled := transformstest.Take(b, rapid.Permutation(rows).Draw(t, "rows"))
		want, got := ids(b, 0), ids(shuffled, rapid.Int64Range(0, b.NumRows()).Draw(t, "cut"))
		if !slices.Equal(want, got) || len(want) > limit {
			t.Fatalf("%d and %d ids that differ, limit %d", len(want), len(got), limit)
		}
	})
}

func TestBrokenModels(t *testing.T) {
	js, err := json.Marshal(fit(t, New(), batch(blobs(300))))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]string{
		{`"method":"kmeans"`, `"method":"gmm"`}, {`"column":"purchase_days"`, `"column":"plan"`}, {`"center":[`, `"center":[1,`},
	} {
		broken := strings.Replace(string(js), r[0], r[1], 1)
		if _, err := New().Load(json.RawMessage(broken)); err == nil || broken == string(js) {
			t.Errorf("Load took a model with %s", r[1])
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := New().Fit(ctx, frame.Of(batch(blobs(300))), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Fit: %v", err)
	}
	if _, err := fit(t, New(), batch(blobs(300))).Apply(ctx, batch(blobs(3))); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply: %v", err)
	}
}

func BenchmarkFit(b *testing.B) {
	in := batch(crowd(250_000))
	for b.Loop() {
		fit(b, New(), in)
	}
}

func BenchmarkApply(b *testing.B) {
	in := batch(crowd(100_000))
	m := fit(b, estimator("8"), in)
	b.ReportAllocs()
	for b.Loop() {
		apply(b, m, in)
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
