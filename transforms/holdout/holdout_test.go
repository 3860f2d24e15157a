package holdout

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/segment"
	"segments/transforms/transformstest"
)

var names = []string{"Champions", "Loyal", "Hibernating", "Prospect"}

// sample has n customers, every fourth in each of the segments, every eleventh in none.
func sample(n int, segments []string) frame.Batch {
	ids, core, known := make([]string, n), make([]string, n), make([]bool, n)
	for i := range n {
		ids[i], core[i], known[i] = fmt.Sprintf("c%d", i), segments[i%len(segments)], i%11 != 0
	}
	return frame.Record(customer.ID.Array(ids, nil), segment.Core.Array(core, known))
}

// held lists who is in the holdout; known says of how many it is said at all.
func held(t testing.TB, e *Estimator, b frame.Batch) (in map[string]bool, known int) {
	t.Helper()
	m := fit(t, e, b)
	out, err := m.Apply(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	ids, held := customer.ID.Of(b), InHoldout.Of(out)
	in = map[string]bool{}
	for i := range ids.Len() {
		if held.IsValid(i) {
			known++
			if held.Value(i) {
				in[ids.Value(i)] = true
			}
		}
	}
	return in, known
}

func fit(t testing.TB, e *Estimator, b frame.Batch) transforms.Model {
	t.Helper()
	m, err := e.Fit(t.Context(), frame.Of(b), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestContract(t *testing.T) {
	for name, e := range map[string]*Estimator{
		"off":         {},
		"on":          {Share: .1, Salt: "2026"},
		"by segments": {Share: .1, Shares: map[string]float64{"Loyal": .3, "Prospect": 0, "Nobody": .5}, Salt: "2026"},
	} {
		t.Run(name, func(t *testing.T) { transformstest.Run(t, e, sample(3000, names)) })
	}
}

// The share of those drawn is within six standard deviations of what was asked for, in every segment.
func TestShare(t *testing.T) {
	const n = 40_000
	b := sample(n, names)
	for _, salt := range []string{"a", "b", "2026-11"} {
		e := &Estimator{Share: .05, Shares: map[string]float64{"Loyal": .4}, Salt: salt}
		in, known := held(t, e, b)
		if known != n {
			t.Errorf("known of %d", known)
		}
		counts, drawn := map[string]float64{}, map[string]float64{}
		core := segment.Core.Of(b)
		for i := range n {
			name := core.Value(i)
			if core.IsNull(i) {
				name = ""
			}
			counts[name]++
			if in[fmt.Sprintf("c%d", i)] {
				drawn[name]++
			}
		}
		for name, all := range counts {
			share := .05
			if name == "Loyal" {
				share = .4
			}
			if sd := math.Sqrt(share * (1 - share) / all); math.Abs(drawn[name]/all-share) > 6*sd {
				t.Errorf("salt %s, segment %q: %v of %v, want %v", salt, name, drawn[name], all, share)
			}
		}
	}
}

// A larger share only adds; the names of segments do not matter; another salt draws others.
func TestStays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		low, high := rapid.Float64Range(.001, .9).Draw(rt, "share"), rapid.Float64Range(.001, .9).Draw(rt, "share")
		if low > high {
			low, high = high, low
		}
		salt := rapid.StringN(1, 20, -1).Draw(rt, "salt")
		few, _ := held(t, &Estimator{Share: low, Salt: salt}, sample(500, names))
		more, _ := held(t, &Estimator{Share: high, Salt: salt}, sample(500, []string{"x", "y"}))
		for id := range few {
			if !more[id] {
				rt.Fatalf("%s is in a holdout of %v and not of %v", id, low, high)
			}
		}
	})
	a, _ := held(t, &Estimator{Share: .5, Salt: "a"}, sample(2000, names))
	b, _ := held(t, &Estimator{Share: .5, Salt: "b"}, sample(2000, names))
	both := 0
	for id := range a {
		if b[id] {
			both++
		}
	}
	if both < 400 || both > 600 {
		t.Errorf("two salts share %d of 1000: they do not draw independently", both)
	}
}

// The lot is the hash as the documentation has it, computed here with whole numbers.
func TestLot(t *testing.T) {
	for _, id := range []string{"", "1", "customer 42", strings.Repeat("x", 500)} {
		sum := sha256.Sum256([]byte("salt\x00" + id))
		whole := new(big.Int).SetBytes(sum[:8])
		want, _ := new(big.Rat).SetFrac(whole.Rsh(whole, 11), new(big.Int).Lsh(big.NewInt(1), 53)).Float64()
		if got := lot("salt", id); got != want || got < 0 || got >= 1 {
			t.Errorf("lot of %q: %v, want %v", id, got, want)
		}
	}
	if lot("a", "b") == lot("ab", "") {
		t.Error("salt and identifier run together")
	}
}

func TestSignature(t *testing.T) {
	for want, e := range map[string]*Estimator{
		"":        {},
		"share: ": {Share: 1, Salt: "x"},
		"share:":  {Share: math.NaN(), Salt: "x"},
		"shares:": {Shares: map[string]float64{"Loyal": -.1}, Salt: "x"},
		"salt:":   {Share: .1},
		"salt: ":  {Shares: map[string]float64{"Loyal": .1}},
	} {
		_, err := e.Signature()
		if want == "" && err == nil {
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%+v: %v, want %q", e, err, want)
		}
	}
	if _, err := New().Load([]byte(`{"share": 2}`)); err == nil {
		t.Error("Load took a share of 2")
	}
}

func TestReport(t *testing.T) {
	r := fit(t, &Estimator{Share: .1, Shares: map[string]float64{"Loyal": .3, "Loyall": .5}, Salt: "x"}, sample(100, names)).Report()
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], `"Loyall"`) || len(r.Params) != 3 {
		t.Errorf("%+v", r)
	}
	if _, known := held(t, &Estimator{}, sample(100, names)); known != 0 {
		t.Error("with no share something is said of somebody")
	}
}
