package rfm

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/goccy/go-yaml"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/transformstest"
)

var defaultBands = []int{1, 2, 3, 4, 6}

func TestContract(t *testing.T) {
	const today = 20_000
	for name, e := range map[string]*Estimator{
		"default":  with(func(*Estimator) {}),
		"quantile": with(func(e *Estimator) { e.Cuts = "quantile" }),
		"rfxm":     with(func(e *Estimator) { e.Map, e.Window = "rfxm", "30d" }),
		"rxfm":     with(func(e *Estimator) { e.Map, e.Refresh = "rxfm", "always" }),
		"by hand": with(func(e *Estimator) {
			e.Map, e.Segments = "custom", []Segment{{Name: "In", R: []int{3, 4, 5}}, {Name: "Out", R: []int{1, 2}}}
			e.RecencyCuts, e.MonetaryCuts = Cuts{10, 20, 40, 80}, Cuts{-1, 0, 100, 200.5}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			transformstest.Run(t, e, features(today, defaultBands, crowd(3000, today)...))
		})
	}
}

func TestSignatureErrors(t *testing.T) {
	for field, change := range map[string]func(e *Estimator){
		"map: 1":             func(e *Estimator) { e.Map = "rf11" },
		"segments: 1":        func(e *Estimator) { e.Map = "custom" },
		"segments: 2":        func(e *Estimator) { e.Segments = []Segment{{Name: "All"}} },
		"segments: 3":        func(e *Estimator) { e.Map, e.Segments = "custom", []Segment{{Name: "Some", R: []int{1}}} },
		"cuts: 1":            func(e *Estimator) { e.Cuts = "learned" },
		"refresh: 1":         func(e *Estimator) { e.Refresh = "weekly" },
		"window: 1":          func(e *Estimator) { e.Window = "730" },
		"window: 2":          func(e *Estimator) { e.Window = "0d" },
		"window: 3":          func(e *Estimator) { e.Window = "d" },
		"window: 4":          func(e *Estimator) { e.Window = "36501d" },
		"frequency_bands: 1": func(e *Estimator) { e.FrequencyBands = []int{1, 2, 3, 4} },
		"frequency_bands: 2": func(e *Estimator) { e.FrequencyBands = []int{2, 3, 4, 5, 6} },
		"frequency_bands: 3": func(e *Estimator) { e.FrequencyBands = []int{1, 2, 2, 4, 6} },
		"frequency_bands: 4": func(e *Estimator) { e.FrequencyBands = nil },
		"recency_cuts: 1":    func(e *Estimator) { e.RecencyCuts = Cuts{} },
		"recency_cuts: 2":    func(e *Estimator) { e.RecencyCuts = Cuts{1, 2, 3, 3} },
		"recency_cuts: 3":    func(e *Estimator) { e.RecencyCuts = Cuts{1, 2, 3, 4.5} },
		"recency_cuts: 4":    func(e *Estimator) { e.RecencyCuts = Cuts{-1, 2, 3, 4} },
		"recency_cuts: 5":    func(e *Estimator) { e.RecencyCuts = Cuts{1, 2, 3, 1e9} },
		"recency_cuts: 6":    func(e *Estimator) { e.RecencyCuts, e.Cuts = Cuts{1, 2, 3, 4}, "quantile" },
		"monetary_cuts: 1":   func(e *Estimator) { e.MonetaryCuts = Cuts{1, 2, 3} },
		"monetary_cuts: 2":   func(e *Estimator) { e.MonetaryCuts = Cuts{1, 2, 3, math.NaN()} },
		"monetary_cuts: 3":   func(e *Estimator) { e.MonetaryCuts, e.Cuts = Cuts{1, 2, 3, 4}, "quantile" },
	} {
		e := with(change)
		_, err := e.Signature()
		if name, _, _ := strings.Cut(field, " "); err == nil || !strings.HasPrefix(err.Error(), name+" ") {
			t.Errorf("%s: error %v", field, err)
		}
		if _, err := e.Fit(t.Context(), frame.Of(), nil); err == nil {
			t.Errorf("%s: Fit took it", field)
		}
	}
}

func TestParams(t *testing.T) {
	sig, err := New().Signature()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"band_2": int64(2), "band_3": int64(3), "band_4": int64(4), "band_5": int64(6)}
	if !reflect.DeepEqual(sig.Params, want) {
		t.Errorf("Params = %v, want %v", sig.Params, want)
	}
}

func TestYAML(t *testing.T) {
	text := `
map: custom
segments:
  - {name: Here, r: [4, 5], action: Greet.}
  - {name: Gone, r: [1, 2, 3], f: [1, 2, 3, 4, 5]}
frequency_bands: [1, 2, 4, 8, 16]
recency_cuts: [7, 30, 90, 365]
monetary_cuts: learned
window: 365d
`
	e := New()
	if err := yaml.NewDecoder(strings.NewReader(text), yaml.Strict()).Decode(e); err != nil {
		t.Fatal(err)
	}
	want := with(func(e *Estimator) {
		e.Map, e.Segments = "custom", []Segment{
			{Name: "Here", R: []int{4, 5}, Action: "Greet."},
			{Name: "Gone", R: []int{1, 2, 3}, F: []int{1, 2, 3, 4, 5}},
		}
		e.FrequencyBands, e.RecencyCuts, e.Window = []int{1, 2, 4, 8, 16}, Cuts{7, 30, 90, 365}, "365d"
	})
	if !reflect.DeepEqual(e, transforms.Estimator(want)) {
		t.Errorf("decoded %+v, want %+v", e, want)
	}
	if _, err := e.Signature(); err != nil {
		t.Error(err)
	}
	for name, coder := range map[string]struct {
		encode func(any) ([]byte, error)
		decode func([]byte, any) error
	}{
		"yaml": {func(v any) ([]byte, error) { return yaml.Marshal(v) }, func(b []byte, v any) error { return yaml.Unmarshal(b, v) }},
		"json": {json.Marshal, json.Unmarshal},
	} {
		for _, e := range []*Estimator{want, New().(*Estimator)} {
			data, err := coder.encode(e)
			if err != nil {
				t.Fatal(err)
			}
			var again Estimator
			if err := coder.decode(data, &again); err != nil {
				t.Fatalf("%s: %v", data, err)
			}
			if s1, s2 := fmt.Sprintf("%+v", *e), fmt.Sprintf("%+v", again); s1 != s2 {
				t.Errorf("%s: %s came back as %s by way of\n%s", name, s1, s2, data)
			}
		}
	}
	for _, bad := range []string{"recency_cuts: taught", "recency_cuts: 30", "recency_cuts: {a: 1}", "segments: [{nam: x}]", "windw: 1d"} {
		if err := yaml.NewDecoder(strings.NewReader(bad), yaml.Strict()).Decode(New()); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	// A list that is there and empty takes no score, one that is left out takes all.
	var s Segment
	if err := yaml.Unmarshal([]byte("{name: x, r: []}"), &s); err != nil || s.R == nil || s.F != nil {
		t.Errorf("%#v, %v", s, err)
	}
}

func TestScores(t *testing.T) {
	const today = 20_000
	m := fit(t, with(func(e *Estimator) {
		e.RecencyCuts, e.MonetaryCuts = Cuts{0, 10, 20, 30}, Cuts{-5, 0, 9.99, 100}
	}), nil, features(today, defaultBands, history{}))
	for _, c := range []struct {
		ago        int
		money      float64
		r, mon     int64
		rUp, rDown string
		mUp, mDown string
	}{
		{0, 100.01, 5, 5, "(null)", "1", "(null)", "0.010000000000005116"},
		{1, 100, 4, 4, "1", "10", "0", "90.01"},
		{10, 10, 4, 4, "10", "1", "90", "0.009999999999999787"},
		{11, 9.99, 3, 3, "1", "10", "0", "9.99"},
		{21, 0, 2, 2, "1", "10", "0", "5"},
		{30, -5, 2, 1, "10", "1", "0", "(null)"},
		{31, -math.MaxFloat64, 1, 1, "1", "(null)", "1.7976931348623157e+308", "(null)"},
		{9999, 1e300, 1, 5, "9969", "(null)", "(null)", "1e+300"},
	} {
		out := apply(t, m, features(today, defaultBands, history{days: []int{today - c.ago}, money: c.money}))
		if r, mon := RScore.Of(out).Value(0), MScore.Of(out).Value(0); r != c.r || mon != c.mon {
			t.Errorf("%d days, %v: R%d M%d, want R%d M%d", c.ago, c.money, r, mon, c.r, c.mon)
		}
		for _, d := range []struct {
			name, got, want string
		}{
			{"r_days_to_better", RDaysToBetter.Of(out).ValueStr(0), c.rUp},
			{"r_days_to_worse", RDaysToWorse.Of(out).ValueStr(0), c.rDown},
			{"m_to_better", MToBetter.Of(out).ValueStr(0), c.mUp},
			{"m_to_worse", MToWorse.Of(out).ValueStr(0), c.mDown},
		} {
			if d.got != d.want {
				t.Errorf("%d days, %v: %s = %s, want %s", c.ago, c.money, d.name, d.got, d.want)
			}
		}
	}
}

// TestTies asks that who is equal is treated equally, in whatever order they come, and however many of them there are.
func TestTies(t *testing.T) {
	const today = 20_000
	people := crowd(2000, today)
	for i := range people {
		if i%3 > 0 { // two thirds are one and the same customer
			people[i] = history{days: []int{today - 40, today - 50}, money: 25}
		}
	}
	for _, mode := range []string{"stored", "quantile"} {
		b := features(today, defaultBands, people...)
		m := fit(t, with(func(e *Estimator) { e.Cuts = mode }), nil, b)
		out := apply(t, m, b)
		for i := 2; i < len(people); i++ {
			if i%3 == 0 {
				continue
			}
			if !array.RecordEqual(out.NewSlice(1, 2), out.NewSlice(int64(i), int64(i)+1)) {
				t.Fatalf("%s: equal customers differ: %v, %v", mode, out.NewSlice(1, 2), out.NewSlice(int64(i), int64(i)+1))
			}
		}
		if !increasing(m.Recency.At) {
			t.Errorf("%s: the recency cuts %v are not increasing", mode, m.Recency.At)
		}
	}
}

func TestLearnedCuts(t *testing.T) {
	const today = 20_000
	var people []history
	for i := range 100 { // recency 0 to 99, money 1 to 100
		people = append(people, history{days: []int{today - i}, money: float64(i + 1)})
	}
	m := fit(t, New(), nil, features(today, defaultBands, append(people, history{}, history{})...))
	for name, c := range map[string]struct{ got, want []float64 }{
		"recency":  {m.Recency.At, []float64{19, 39, 59, 79}},
		"monetary": {m.Monetary.At, []float64{20, 40, 60, 80}},
		"value":    {m.Value.At, []float64{80, 95, 99}},
		"bands":    {m.Frequency.At, []float64{1, 2, 3, 5}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s cuts %v, want %v", name, c.got, c.want)
		}
	}
	out := apply(t, m, features(today, defaultBands, people...))
	tiers := map[string]int{}
	for i := range people {
		tiers[ValueTier.Of(out).Value(i)]++
	}
	if want := map[string]int{"Top 1%": 1, "Top 5%": 4, "Top 20%": 15, "Rest": 80}; !reflect.DeepEqual(tiers, want) {
		t.Errorf("tiers %v, want %v", tiers, want)
	}
	table := m.Learned()[0]
	if table.NumRows() != 19 || cutLearnedOn.Of(table).Value(0) != today || cutBuyers.Of(table).Value(0) != 100 {
		t.Errorf("rfm_cuts: %v", table)
	}
	if rule := m.Segmentations()[0].Segments[0].Rule; rule !=
		"Days since the last purchase at most 19, and purchase days in 730 days at least 4." {
		t.Errorf("rule of Champions: %s", rule)
	}
}

func TestQuantileScoresFrequencyByAllPurchases(t *testing.T) {
	const today = 20_000
	var people []history
	for i := range 10 {
		h := history{money: float64(i)}
		for d := range max(1, i-4) { // 1 1 1 1 1 1 2 3 4 5 purchase days, long ago
			h.days = append(h.days, today-5000-d)
		}
		people = append(people, h)
	}
	b := features(today, defaultBands, people...)
	m := fit(t, with(func(e *Estimator) { e.Cuts = "quantile" }), nil, b)
	out := apply(t, m, b)
	for i, want := range []int64{1, 1, 1, 1, 1, 1, 4, 4, 5, 5} {
		if got := FScore.Of(out).Value(i); got != want {
			t.Errorf("customer %d has F%d, want F%d (cuts %v)", i, got, want, m.Frequency.At)
		}
		if FDaysToWorse.Of(out).IsValid(i) {
			t.Errorf("customer %d: silence takes purchase days away", i)
		}
	}
	if customer.PurchaseDays.Of(b).Value(9) != 5 {
		t.Error("the helper counts otherwise")
	}
}

func TestLoadErrors(t *testing.T) {
	good, err := json.Marshal(fit(t, New(), nil, features(20_000, defaultBands, crowd(50, 20_000)...)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New().Load(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		`{}`, `null`, `[]`,
		strings.Replace(string(good), `"window_days":730`, `"window_days":0`, 1),
		strings.Replace(string(good), `"name":"Loyal"`, `"name":""`, 1),
		strings.Replace(string(good), `"at":[1,2,3,5]`, `"at":[1,2,3]`, 1),
		strings.Replace(string(good), `"at":[1,2,3,5]`, `"at":[1,2,5,3]`, 1),
	} {
		if bad == string(good) {
			t.Fatal("nothing was replaced")
		}
		if _, err := New().Load([]byte(bad)); err == nil {
			t.Errorf("Load took %.80s", bad)
		}
	}
}
