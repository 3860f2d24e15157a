package experiment

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// The core segments of the demo with 20,000 customers: how many are in each, and how many of them convert in 30 days.
var demoSegments = []struct {
	name string
	size int64
	rate float64
}{
	{"Champions", 1500, .30},
	{"Loyal", 1700, .20},
	{"Potential Loyalist", 1800, .12},
	{"New", 900, .10},
	{"Can't Lose", 250, .10},
	{"At Risk", 800, .06},
	{"Need Attention", 600, .09},
	{"Promising", 1200, .07},
	{"About to Sleep", 1600, .05},
	{"Hibernating", 4500, .03},
	{"Browser", 1400, .02},
	{"Prospect", 1700, .01},
}

// planted are the segments in which the treatment works, and by how much it raises the rate.
var planted = map[string]float64{"Hibernating": .025, "Loyal": .08}

// With an effect in two segments of twelve, the two are found, and of what is found few are wrong: of all seeds at most the
// level, but for three standard deviations. The bound on the power is below what was measured: .92.
func TestPower(t *testing.T) {
	seeds := 500
	if os.Getenv("SEGMENTS_LONG") == "true" { // make test-long
		seeds = 10_000
	}
	var found, wrong, proportion, spread float64
	none, differ := 0, 0
	for seed := range seeds {
		rs := compare(t, trial(uint64(seed), planted), "control", 20)
		var right, others float64
		for _, r := range rs {
			if r.Everyone || r.Verdict != Higher && r.Verdict != Lower {
				continue
			}
			if planted[r.Segment] > 0 && r.Verdict == Higher {
				right++
			} else {
				others++
			}
		}
		if right+others > 0 {
			share := others / (right + others)
			proportion += share
			spread += share * share
		}
		found, wrong = found+right, wrong+others
		if h := by(rs, "treatment", "").Homogeneity; h != nil && *h < .05 {
			differ++
		}
		for _, r := range compare(t, trial(uint64(seed)+1_000_000, nil), "control", 20) {
			if !r.Everyone && (r.Verdict == Higher || r.Verdict == Lower) {
				none++
				break
			}
		}
	}
	n := float64(seeds)
	power, fdr := found/(2*n), proportion/n
	sigma := math.Sqrt(max(spread/n-fdr*fdr, .05*.05) / n)
	t.Logf("%d seeds: power %.3f, false discoveries %.4f (%v in all), homogeneity rejected %.3f; without an effect %.3f name somebody",
		seeds, power, fdr, wrong, float64(differ)/n, float64(none)/n)
	if power < .88 {
		t.Errorf("power %.3f, want .88", power)
	}
	if fdr > .05+3*sigma {
		t.Errorf("false discovery rate %.4f, want at most .05 + 3 x %.4f", fdr, sigma)
	}
	if rate := float64(none) / n; rate > .05+3*math.Sqrt(.05*.95/n) {
		t.Errorf("without an effect %.3f of the seeds name a segment, want .05", rate)
	}
}

// trial shares the customers of the segments out at even odds, and lets them convert.
func trial(seed uint64, effects map[string]float64) []Cell {
	r := rand.New(rand.NewPCG(seed, 42))
	var cells []Cell
	for _, s := range demoSegments {
		control, treatment := cell("control", s.name, 0, 0), cell("treatment", s.name, 0, 0)
		for range s.size {
			arm, rate := &control, s.rate
			if r.IntN(2) == 1 {
				arm, rate = &treatment, s.rate+effects[s.name]
			}
			arm.Customers++
			if r.Float64() < rate {
				arm.Converters++
			}
		}
		cells = append(cells, control, treatment)
	}
	return cells
}
