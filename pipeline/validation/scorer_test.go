package validation

import (
	"cmp"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// A row is one customer.
type row struct{ predicted, actual float64 }

func score(t interface{ Fatal(...any) }, limit int, rows ...row) *Scorer {
	s := newScorer(limit)
	for _, r := range rows {
		if err := s.Add(r.predicted, r.actual); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// ginis returns the normalised concentration by its definition: the covariance of the average rank and the outcome,
// ranks by the prediction over ranks by the outcome itself.
func ginis(rows []row) float64 {
	covariance := func(by func(row) float64) (sum float64) {
		for _, r := range rows {
			rank := 0.
			for _, o := range rows {
				switch cmp.Compare(by(o), by(r)) {
				case -1:
					rank++
				case 0:
					rank += .5
				}
			}
			sum += r.actual * (rank - float64(len(rows))/2)
		}
		return sum
	}
	return covariance(func(r row) float64 { return r.predicted }) / covariance(func(r row) float64 { return r.actual })
}

func rowsOf(t *rapid.T) []row {
	number := rapid.OneOf(
		rapid.SampledFrom([]float64{0, 0, 1, 2}),
		rapid.Map(rapid.IntRange(1, 1<<20), func(i int) float64 { return float64(i) / 1024 }),
		rapid.Float64Range(.01, 1e4),
	)
	n := rapid.SampledFrom([]int{1, 2, 5, 9, 10, 11, 30, 67}).Draw(t, "customers")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		return row{number.Draw(t, "predicted"), number.Draw(t, "actual")}
	}), n, n).Draw(t, "rows")
}

// scikit-learn 1.9.1, mean_poisson_deviance([0, 3, 1, 0, 2, 1], [.5, 2, .001, .25, 3, 1]).
func TestDeviance(t *testing.T) {
	rows := []row{{.5, 0}, {2, 3}, {.001, 1}, {.25, 0}, {3, 2}, {1, 1}}
	if got := *score(t, keptValues, rows...).Result().Deviance; !near(got, 2.3547401290301004) {
		t.Errorf("deviance %v", got)
	}
	// Under a prediction of .001 nothing gets worse, and a refund expected is no order expected.
	for _, p := range []float64{0, 1e-12, -5} {
		rows[2].predicted = p
		if got := *score(t, keptValues, rows...).Result().Deviance; !near(got, 2.3547401290301004) {
			t.Errorf("deviance with a prediction of %v: %v", p, got)
		}
	}
}

func TestScorerAgreesWithDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rowsOf(t)
		got := score(t, keptValues, rows...).Result()
		var predicted, actual, deviance float64
		constant := true
		for _, r := range rows {
			predicted += r.predicted
			actual += r.actual
			mu := max(r.predicted, .001)
			deviance += 2 * (mu - r.actual) / float64(len(rows))
			if r.actual > 0 {
				deviance += 2 * r.actual * math.Log(r.actual/mu) / float64(len(rows))
			}
			constant = constant && r.actual == rows[0].actual
		}
		if got.Customers != int64(len(rows)) || !near(got.Predicted, predicted) || !near(got.Actual, actual) {
			t.Fatalf("totals: %+v, want %v and %v", got, predicted, actual)
		}
		if (got.Bias == nil) != (actual == 0) || got.Bias != nil && !near(1+*got.Bias, predicted/actual) {
			t.Fatalf("bias %v of %v and %v", got.Bias, predicted, actual)
		}
		if math.Abs(*got.Deviance-deviance) > 1e-9*(1+deviance) {
			t.Fatalf("deviance %v, want %v", *got.Deviance, deviance)
		}
		if (got.Gini == nil) != constant || got.Gini != nil && math.Abs(*got.Gini-ginis(rows)) > 1e-9 {
			t.Fatalf("Gini %v, want %v", got.Gini, ginis(rows))
		}
	})
}

// The bytes are the same in any order, in one scorer or merged from two, with exact keys and with coarse ones.
func TestScorerDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rowsOf(t)
		limit := rapid.SampledFrom([]int{2, 7, 20, keptValues}).Draw(t, "limit")
		one := score(t, limit, rows...)
		want := one.Result()
		assertFinite(t, "result", reflect.ValueOf(want))

		shuffled := rapid.Permutation(rows).Draw(t, "order")
		cut := rapid.IntRange(0, len(rows)).Draw(t, "cut")
		two := score(t, limit, shuffled[:cut]...)
		two.Merge(score(t, limit, shuffled[cut:]...))
		if !reflect.DeepEqual(two, one) {
			t.Fatalf("in another order the scorer differs")
		}
		if got := two.Result(); !reflect.DeepEqual(got, want) {
			t.Fatalf("in another order: %+v, not %+v", got, want)
		}
		if len(one.byPredicted.cells) > limit || len(one.byActual.cells) > limit {
			t.Fatalf("%d and %d cells, limit %d", len(one.byPredicted.cells), len(one.byActual.cells), limit)
		}
		var customers int64
		var predicted, actual float64
		for i, b := range want.Bins {
			customers += b.Customers
			predicted += b.Predicted * float64(b.Customers)
			actual += b.Actual * float64(b.Customers)
			if b.Customers < int64(len(rows)/10) || b.Customers > int64(len(rows)/10+1) {
				t.Fatalf("bin of %d among %d", b.Customers, len(rows))
			}
			if i > 0 && b.Predicted < want.Bins[i-1].Predicted*(1-1e-12) {
				t.Fatalf("bins fall: %+v", want.Bins)
			}
		}
		if customers != want.Customers || !near(predicted, want.Predicted) || !near(actual, want.Actual) {
			t.Fatalf("bins hold %d, %v, %v of %+v", customers, predicted, actual, want)
		}
	})
}

func TestBins(t *testing.T) {
	var rows []row
	for i := range 20 { // predictions 0 to 19: two a bin
		rows = append(rows, row{float64(i), float64(i % 2)})
	}
	for i, b := range score(t, keptValues, rows...).Result().Bins {
		if want := (Bin{i + 1, 2, float64(2*i) + .5, .5}); b != want {
			t.Errorf("%+v, want %+v", b, want)
		}
	}
	// Fifteen tied at 0, of whom three bought, and five at 1 who all did: the tie is split in proportion.
	rows = nil
	for i := range 20 {
		r := row{0, 0}
		if i < 3 || i >= 15 {
			r.actual = 1
		}
		if i >= 15 {
			r.predicted = 1
		}
		rows = append(rows, r)
	}
	want := []Bin{
		{1, 2, 0, .2},
		{2, 2, 0, .2},
		{3, 2, 0, .2},
		{4, 2, 0, .2},
		{5, 2, 0, .2},
		{6, 2, 0, .2},
		{7, 2, 0, .2},
		{8, 2, .5, .6},
		{9, 2, 1, 1},
		{10, 2, 1, 1},
	}
	for i, b := range score(t, keptValues, rows...).Result().Bins {
		if w := want[i]; b.Bin != w.Bin || b.Customers != w.Customers || !near(b.Predicted, w.Predicted) || !near(b.Actual, w.Actual) {
			t.Errorf("%+v, want %+v", b, w)
		}
	}
	if bs := score(t, keptValues, rows[:3]...).Result().Bins; len(bs) != 3 {
		t.Errorf("three customers in %d bins", len(bs))
	}
}

// Of outcomes that are 0 or 1 the Gini is the one of the segments.
func TestGiniIsThatOfTheAUC(t *testing.T) {
	scores := OrderScores([]string{"a", "b", "c", "d", "e"})
	e, err := Evaluate(five, scores)
	if err != nil {
		t.Fatal(err)
	}
	s := NewScorer()
	for _, c := range five {
		for i := range c.Customers {
			actual := 0.
			if i < c.Converters {
				actual = 1
			}
			if err := s.Add(scores[c.Segment], actual); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := *s.Result().Gini; !near(got, e.Gini.Value) {
		t.Errorf("Gini %v, want %v", got, e.Gini.Value)
	}
}

func TestScorerEdges(t *testing.T) {
	if r := NewScorer().Result(); !reflect.DeepEqual(r, Result{}) {
		t.Errorf("of nobody: %+v", r)
	}
	s := NewScorer()
	for _, r := range []row{{math.NaN(), 0}, {0, math.NaN()}, {math.Inf(1), 0}, {0, math.Inf(-1)}, {1e12 + 1, 0}} {
		if s.Add(r.predicted, r.actual) == nil {
			t.Errorf("%v was taken", r)
		}
	}
	if s.Result().Customers != 0 {
		t.Error("what was refused was counted")
	}

	r := score(t, keptValues, row{1, 0}, row{2, 0}).Result()
	if r.Bias != nil || r.Gini != nil || *r.Deviance != 3 {
		t.Errorf("where nothing happened: %+v", r)
	}
	r = score(t, keptValues, row{10, 30}, row{-5, -10}, row{2, 2}).Result()
	if r.Deviance != nil || !near(*r.Bias, 7./22-1) || *r.Gini != 1 {
		t.Errorf("with a refund: %+v", r)
	}
	if r = score(t, keptValues, row{-3, 2}, row{-5, 1}, row{-1, 3}, row{2, 4}).Result(); *r.Gini != 1 {
		t.Errorf("the right order, from under 0: Gini %v", *r.Gini)
	}
	tied := []row{{0, 2}, {0, 1}, {1, 3}}
	if r = score(t, keptValues, row{1e-12, 2}, row{-1e-12, 1}, row{1, 3}).Result(); !near(*r.Gini, ginis(tied)) {
		t.Errorf("next to nothing is not tied: Gini %v", *r.Gini)
	}
	withRefund, without := score(t, keptValues, row{1, -1}), score(t, keptValues, row{1, 1})
	if without.Merge(withRefund); without.Result().Deviance != nil {
		t.Error("a merged refund has a deviance")
	}
	r = score(t, keptValues, row{1e12, 1e12}, row{-1e12, 1e12}, row{1e-9, 0}).Result()
	if r.Actual != 2e12 || math.Abs(r.Predicted-1e-9) > 1e-15 {
		t.Errorf("large and small: %+v", r)
	}
}

// 200,000 different predictions, so that keys are coarse, against the same with all bits.
func TestCoarseKeysChangeNextToNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	coarse, exact := NewScorer(), newScorer(math.MaxInt)
	for range 200_000 {
		predicted := math.Exp(2*r.NormFloat64() - 1)
		actual := math.Floor(predicted * r.ExpFloat64())
		for _, s := range []*Scorer{coarse, exact} {
			if err := s.Add(predicted, actual); err != nil {
				t.Fatal(err)
			}
		}
	}
	c, e := coarse.Result(), exact.Result()
	if n := len(coarse.byPredicted.cells); n > keptValues || n < keptValues/3 {
		t.Errorf("%d cells", n)
	}
	if math.Abs(*c.Gini-*e.Gini) > 1e-6 || c.Predicted != e.Predicted || *c.Deviance != *e.Deviance {
		t.Errorf("coarse %v, exact %v", *c.Gini, *e.Gini)
	}
	for i, b := range c.Bins {
		if w := e.Bins[i]; math.Abs(b.Predicted/w.Predicted-1) > 1e-3 || math.Abs(b.Actual-w.Actual) > 1e-2*(1+w.Actual) {
			t.Errorf("bin %+v, exactly %+v", b, w)
		}
	}
}

func TestCompare(t *testing.T) {
	result := func(deviance, bias, gini float64) Result {
		return Result{Customers: 100, Predicted: 50 * (1 + bias), Actual: 50, Bias: &bias, Deviance: &deviance, Gini: &gini}
	}
	refund := func(r Result) Result { r.Deviance = nil; return r }
	model := result(.80, -.12, .50)
	nothing := Result{Customers: 100}
	for _, c := range []struct {
		name      string
		model     Result
		baselines map[string]Result
		want      Comparison
	}{
		{"each falls behind on something", model, map[string]Result{
			"repeat": result(1.9, .01, .51), "cohort": result(.95, .01, .10), "zero": result(2.5, -1, 0),
		}, Comparison{true, "No naive baseline is as good by every measure; the closest, cohort, has deviance 0.95 " +
			"against the model's 0.8, total bias +1.0 % against -12.0 %, Gini 0.100 against 0.500.", "cohort"}},
		{"dominated", model, map[string]Result{
			"closest": result(.70, -.13, .60), "cell": result(.79, .12, .50), "cell 2": result(.80, .0, .50),
		}, Comparison{false, "The naive cell is at least as good by every measure: deviance 0.79 against the model's 0.8, " +
			"total bias +12.0 % against -12.0 %, Gini 0.500 against 0.500.", "cell"}},
		{
			"a baseline by another name", model,
			map[string]Result{"same": model},
			Comparison{false, "The naive same is at least as good by every measure: deviance 0.8 against the model's 0.8, " +
				"total bias -12.0 % against -12.0 %, Gini 0.500 against 0.500.", "same"},
		},
		{
			"without a deviance", refund(model),
			map[string]Result{"a": refund(result(0, .2, .4)), "b": refund(result(0, .3, .45))},
			Comparison{true, "No naive baseline is as good by every measure; the closest, b, has total bias +30.0 % against -12.0 %, " +
				"Gini 0.450 against 0.500.", "b"},
		},
		{"no baseline", model, nil, Comparison{false, "There is no naive baseline to compare with.", ""}},
		{
			"nothing happened", nothing,
			map[string]Result{"zero": nothing},
			Comparison{false, "The outcomes of 100 customers, 0 in total, leave nothing to judge a prediction by.", ""},
		},
		{"others", model, map[string]Result{"zero": nothing}, Comparison{false, "The naive zero was held against other customers " +
			"than the model: 100 with outcomes of 0 in total, not 100 with 50.", ""}},
	} {
		if got := Compare(c.model, c.baselines); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func TestCellMeans(t *testing.T) {
	m := NewCellMeans()
	if _, ok := m.Mean("R5F5"); ok {
		t.Error("a mean of nothing")
	}
	if m.Learn("R1F1", math.NaN()) == nil {
		t.Error("NaN was learnt")
	}
	learnt := []struct {
		key    string
		actual float64
	}{{"R1F1", 0}, {"R5F5", 4}, {"R5F5", 7}, {"R1F1", 1}, {"R1F1", .3}, {"R1F1", .1}}
	again := NewCellMeans()
	for i, l := range learnt {
		r := learnt[len(learnt)-1-i]
		if m.Learn(l.key, l.actual) != nil || again.Learn(r.key, r.actual) != nil {
			t.Fatal("refused")
		}
	}
	if !reflect.DeepEqual(m, again) {
		t.Error("the order matters")
	}
	for key, want := range map[string]float64{"R1F1": .35, "R5F5": 5.5, "R3F3": 12.4 / 6} {
		if got, ok := m.Mean(key); !ok || !near(got, want) {
			t.Errorf("mean of %s: %v, want %v", key, got, want)
		}
	}
}

// cdnow reads the columns of the golden predictions of CDNOW's 1/10 sample.
func cdnow(t *testing.T, columns ...string) [][]float64 {
	t.Helper()
	dir := os.Getenv("SEGMENTS_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(dir, "golden", "cdnow_customer_predictions.csv"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("SEGMENTS_DATA does not name the folder of the reference data: %v", err)
		}
		t.Skipf("NOT RUN: SEGMENTS_DATA does not name the folder of the reference data: %v", err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([][]float64, len(records)-1)
	for _, column := range columns {
		at := slices.Index(records[0], column)
		if at < 0 {
			t.Fatalf("no column %s", column)
		}
		for i, r := range records[1:] {
			v, err := strconv.ParseFloat(r[at], 64)
			if err != nil {
				t.Fatal(err)
			}
			rows[i] = append(rows[i], v)
		}
	}
	return rows
}

// BG/NBD on CDNOW's holdout of 39 weeks, at the parameters of Fader, Hardie & Lee, "Counting Your Customers the Easy
// Way", Marketing Science 24 (2005): 2,357 customers who made 1,882 purchases. The naive ones repeat the calibration
// period, or expect the same of everybody, or nothing. Totals by numpy 2.4.6; deviances by scikit-learn 1.9.1,
// mean_poisson_deviance(x_star, maximum(p, .001)); Ginis by scipy 1.17.1, cov(rankdata(p), x_star)/cov(rankdata(x_star), x_star).
func TestCDNOW(t *testing.T) {
	rows := cdnow(t, "bg_cet39", "x", "x_star")
	results := map[string]Result{}
	for _, c := range []struct {
		name                   string
		of                     func(row []float64) float64
		predicted, deviance, g float64
	}{
		{"bg_nbd", func(r []float64) float64 { return r[0] }, 1653.9412592969506, 1.5992394171993585, .662423360000686},
		{"repeat", func(r []float64) float64 { return r[1] }, 2457, 3.017759074937036, .660166320076992},
		{"flat", func([]float64) float64 { return .8 }, 1885.6, 2.5845363323048223, 0},
		{"zero", func([]float64) float64 { return 0 }, 0, 11.661495408648513, 0},
	} {
		s := NewScorer()
		for _, r := range rows {
			if err := s.Add(c.of(r), r[2]); err != nil {
				t.Fatal(err)
			}
		}
		got := s.Result()
		if got.Customers != 2357 || got.Actual != 1882 || !near(got.Predicted, c.predicted) ||
			!near(*got.Deviance, c.deviance) || !near(*got.Gini, c.g) {
			t.Errorf("%s: %+v, deviance %v, Gini %v", c.name, got, *got.Deviance, *got.Gini)
		}
		results[c.name] = got
	}
	model := results["bg_nbd"]
	delete(results, "bg_nbd")
	if c := Compare(model, results); !c.Beats || c.Best != "flat" {
		t.Errorf("%+v", c)
	}
}

func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	rows := make([]row, 1<<20)
	for i := range rows {
		p := math.Exp(2*r.NormFloat64() - 1)
		rows[i] = row{p, math.Floor(p * r.ExpFloat64())}
	}
	s := NewScorer()
	for i := 0; b.Loop(); i++ {
		_ = s.Add(rows[i&(1<<20-1)].predicted, rows[i&(1<<20-1)].actual)
	}
}
