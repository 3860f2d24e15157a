package validation

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestGateCheck(t *testing.T) {
	if err := DefaultGate().Check(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for _, c := range []struct {
		gate Gate
		want string
	}{
		{Gate{MinAUCLower: .49, MinConverters: 100}, "min_auc_lower: is 0.49, want"},
		{Gate{MinAUCLower: 1, MinConverters: 100}, "min_auc_lower: is 1, want"},
		{Gate{MinAUCLower: .52, MinConverters: 1}, "min_converters: want at least 2"},
	} {
		if err := c.gate.Check(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s…", c.gate, err, c.want)
		}
	}
}

func TestDecide(t *testing.T) {
	order := []string{"a", "b", "c", "d", "e"}
	upsideDown := []string{"e", "d", "c", "b", "a"}
	for _, c := range []struct {
		name     string
		gate     Gate
		counts   []Count
		scores   map[string]float64
		state    State
		reason   string
		warnings []string
	}{
		{
			"an effect", DefaultGate(), five, OrderScores(order), StatePassed,
			"The order of the segments has an AUC of 0.7186 (95 % interval 0.6925 to 0.7446) for 392 converters among 3530 customers: " +
				"the lower bound reaches the threshold of 0.5200.", nil,
		},
		{
			"too small an effect",
			Gate{.7, 100},
			five, OrderScores(order), StateFailed,
			"The order of the segments has an AUC of 0.7186 (95 % interval 0.6925 to 0.7446) for 392 converters among 3530 customers: " +
				"the lower bound is under the threshold of 0.7000.", nil,
		},
		{
			"upside down", DefaultGate(), five, OrderScores(upsideDown), StateFailed,
			"The order of the segments has an AUC of 0.2814 (95 % interval 0.2554 to 0.3075) for 392 converters among 3530 customers: " +
				"the lower bound is under the threshold of 0.5200.",
			[]string{"The order is upside down: segments expected to convert less converted more."},
		},
		{
			"most of them alike", DefaultGate(),
			[]Count{{"a", 100, 60, 0}, {"b", 450, 132, 0}, {"c", 450, 132, 0}},
			OrderScores(order),
			StatePassed, "The order of the segments has an AUC of 0.5630 (95 % interval 0.5271 to 0.5989) for 324 converters among 1000 " +
				"customers: the lower bound reaches the threshold of 0.5200.",
			[]string{"Only 10 % of the customers are in segments whose conversion rate is proven to differ from the rest."},
		},
		{
			"no history", DefaultGate(), nil, nil, StateNotEvaluated,
			"There was no customer at the origin: the history is too short to look back.", nil,
		},
		{
			"one segment", DefaultGate(),
			[]Count{{"a", 3000, 500, 0}, {"b", 0, 0, 0}},
			OrderScores(order), StateNotEvaluated,
			"All 3000 customers were in one segment, which leaves nothing to compare.", nil,
		},
		{
			"few converters", DefaultGate(),
			[]Count{{"a", 3000, 99, 0}, {"b", 3000, 0, 0}},
			OrderScores(order), StateNotEvaluated,
			"99 of 6000 customers converted, and 100 are needed to judge.", nil,
		},
		{
			"few others", DefaultGate(),
			[]Count{{"a", 3000, 2950, 0}, {"b", 3000, 3000, 0}},
			OrderScores(order), StateNotEvaluated,
			"All but 50 of 6000 customers converted, and 100 who did not are needed to judge.", nil,
		},
		{
			"unscored", DefaultGate(), five, OrderScores(order[:3]), StateNotEvaluated,
			"No earlier rate and no declared order places the segments d, e.", nil,
		},
	} {
		e, err := Evaluate(c.counts, c.scores)
		if err != nil {
			t.Fatal(err)
		}
		d := c.gate.Decide(e)
		if d.State != c.state || d.Reason != c.reason || strings.Join(d.Warnings, "|") != strings.Join(c.warnings, "|") {
			t.Errorf("%s:\n got %s %s %q\nwant %s %s %q", c.name, d.State, d.Reason, d.Warnings, c.state, c.reason, c.warnings)
		}
	}
}

// draw returns how many of each segment's size customers convert at its rate.
func draw(r *rand.Rand, sizes []int64, rates []float64) []Count {
	cs := make([]Count, len(sizes))
	for i, n := range sizes {
		cs[i] = Count{Segment: string(rune('a' + i)), Customers: n}
		for range n {
			if r.Float64() < rates[i] {
				cs[i].Converters++
			}
		}
	}
	return cs
}

// tally gives the gate 200 draws of a segmentation at two origins, scored by the earlier one, and returns how often
// it passed, and how often a rule that wants half of the customers in proven segments would have failed.
func tally(t *testing.T, sizes []int64, rates []float64) (passed, shareFails int, auc float64) {
	t.Helper()
	const draws = 200
	r := rand.New(rand.NewPCG(20111209, 4))
	for range draws {
		e, err := Evaluate(draw(r, sizes, rates), EarlierScores(draw(r, sizes, rates), nil))
		if err != nil {
			t.Fatal(err)
		}
		auc += e.AUC.Value / draws
		d := DefaultGate().Decide(e)
		if d.State == StatePassed {
			passed++
		}
		if len(d.Warnings) > 0 {
			shareFails++
		}
	}
	return passed, shareFails, auc
}

var (
	sizes    = []int64{160, 150, 150, 140, 130, 120, 110, 100, 100, 90} // 1,250 customers in ten segments
	atRandom = []float64{.4, .4, .4, .4, .4, .4, .4, .4, .4, .4}
	telling  = []float64{.16, .21, .27, .32, .38, .44, .53, .62, .71, .78} // an AUC of about .725
)

// Segments that mean nothing pass in at most the 2.5 % of draws that the lower bound of a 95 % interval allows; with
// the margin of .02 it is fewer.
func TestGateOnNothing(t *testing.T) {
	passed, _, auc := tally(t, sizes, atRandom)
	t.Logf("passed %d of 200 at a mean AUC of %.3f", passed, auc)
	if passed > 5 || auc < .49 || auc > .51 {
		t.Errorf("passed %d of 200 at a mean AUC of %.3f", passed, auc)
	}
}

// An effect of the size of that in Online Retail passes whether there are 1,250 customers or 400.
func TestGateOnAnEffect(t *testing.T) {
	third := make([]int64, len(sizes))
	for i, n := range sizes {
		third[i] = n / 3
	}
	for _, sizes := range [][]int64{sizes, third} {
		passed, shareFails, auc := tally(t, sizes, telling)
		t.Logf("passed %d of 200 at a mean AUC of %.3f; a share rule would have failed %d", passed, auc, shareFails)
		if passed < 198 || auc < .70 || auc > .75 {
			t.Errorf("passed %d of 200 at a mean AUC of %.3f", passed, auc)
		}
	}
}
