package pipeline_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"segments/pipeline"
	"segments/pipeline/validation"
)

// seeds are how many times lots are drawn: 200 in `make test-long`.
func seeds() uint64 {
	if os.Getenv("SEGMENTS_LONG") == "true" {
		return 200
	}
	return 20
}

// With the labels of the demo's customers shuffled the gate rejects the core segments every time, and hardly ever passes another
// segmentation that is judged by its order. A useless segmentation, one more whose groups are drawn by lot, is named every time and nothing else is.
//
// The labels and what came are read once, from two origins of a run, as counts; that is all that there is of them, since
// customers of a segment who converted are alike. Shuffling labels draws anew who of a segment's customers converted: without
// replacement, so many in all. It is done at both origins, since the earlier one orders the segments.
func shuffledLabels(t *testing.T, all []pipeline.Backtest) {
	gate := validation.DefaultGate()
	var rejected, judged, passed uint64
	for seed := range seeds() {
		r := rand.New(rand.NewPCG(seed, 7))
		for _, s := range all[0].Segmentations {
			if s.Kind != "any" {
				continue
			}
			before := find(t, all[1], s)
			found := judge(t, gate, s, countsOf(s), countsOf(before))
			if found.Verdict != validation.Tells {
				t.Errorf("seed %d: %s is %s: %s", seed, s.Segmentation, found.Verdict, found.Reason)
			}
			if s.Fitted {
				continue // judged by how much its groups differ
			}
			shuffled := judge(t, gate, s, shuffle(r, countsOf(s)), shuffle(r, countsOf(before)))
			judged++
			switch {
			case shuffled.Verdict != validation.Useless && s.Segmentation == "core_segment":
				t.Errorf("seed %d: shuffled, the core segments are not rejected: %s", seed, shuffled.Reason)
			case shuffled.Verdict != validation.Useless:
				passed++
			case s.Segmentation == "core_segment":
				rejected++
			}
		}
		core := all[0].Segmentations[0]
		lots := pipeline.SegmentationResult{Segmentation: "lots", Order: []string{"a", "b", "c", "d", "e"}}
		byLot := judge(t, gate, lots, draw(r, lots.Order, core.Customers, core.Converters), draw(r, lots.Order, core.Customers, core.Converters))
		if byLot.Verdict != validation.Useless {
			t.Errorf("seed %d: groups drawn by lot are %s: %s", seed, byLot.Verdict, byLot.Reason)
		}
	}
	t.Logf("the gate rejected the core segments in %d of %d, and passed %d of %d segmentations", rejected, seeds(), passed, judged)
	if passed*200 > judged { // by lot a few in ten thousand have a lower bound above .52
		t.Errorf("%d of %d shuffled segmentations pass", passed, judged)
	}
}

// judge says what the gate says of now, where before orders the segments.
func judge(t *testing.T, g validation.Gate, s pipeline.SegmentationResult, now, before []validation.Count) validation.Finding {
	t.Helper()
	e, err := validation.Evaluate(now, validation.EarlierScores(before, s.Order))
	if err != nil {
		t.Fatal(err)
	}
	return g.Judge(e, s.Fitted)
}

// find is what b says of the segmentation of s.
func find(t *testing.T, b pipeline.Backtest, s pipeline.SegmentationResult) pipeline.SegmentationResult {
	t.Helper()
	for _, o := range b.Segmentations {
		if o.Kind == s.Kind && o.Segmentation == s.Segmentation {
			return o
		}
	}
	t.Fatalf("nothing is said of %s at %s", s.Segmentation, b.Origin)
	return s
}

func countsOf(s pipeline.SegmentationResult) []validation.Count {
	out := make([]validation.Count, len(s.Segments))
	for i, g := range s.Segments {
		out[i] = g.Count
	}
	return out
}

// shuffle draws anew who of the customers of all segments converted.
func shuffle(r *rand.Rand, cs []validation.Count) []validation.Count {
	out := append([]validation.Count{}, cs...)
	var customers, converters int64
	for i := range out {
		customers, converters = customers+out[i].Customers, converters+out[i].Converters
	}
	for i := range out {
		out[i].Converters = 0
		for range out[i].Customers {
			if r.Int64N(customers) < converters {
				out[i].Converters++
				converters--
			}
			customers--
		}
	}
	return out
}

// draw puts customers, of whom so many convert, into groups by lot.
func draw(r *rand.Rand, groups []string, customers, converters int64) []validation.Count {
	out := make([]validation.Count, len(groups))
	for i, g := range groups {
		out[i].Segment = g
	}
	for i := range customers {
		c := &out[r.IntN(len(out))]
		c.Customers++
		if i < converters {
			c.Converters++
		}
	}
	return out
}
