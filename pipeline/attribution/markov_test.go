package attribution_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segments/pipeline/attribution"
)

// journeys are the transitions of paths such as "a b !", where ! ends with a conversion; repeated n times.
func journeys(n int64, paths ...string) []attribution.Transition {
	var out []attribution.Transition
	for _, p := range paths {
		from := ""
		for _, to := range strings.Fields(p) {
			if to == "!" {
				out = append(out, attribution.Transition{From: from, Converted: true, Journeys: n})
				from = "!"
				break
			}
			out = append(out, attribution.Transition{From: from, To: to, Journeys: n})
			from = to
		}
		if from != "!" {
			out = append(out, attribution.Transition{From: from, Journeys: n})
		}
	}
	return out
}

func TestRemoval(t *testing.T) {
	for _, c := range []struct {
		name  string
		of    []attribution.Transition
		want  string // removal and share in thousandths
		whole bool
	}{
		{
			// S. Bryl', "Attribution model with R (part 1: Markov chains concept)", analyzecore.com, 2016: the start goes to c1 in
			// two thirds and to c2 in one; half of c1 goes on to c2, all of c2 to c3, half of c3 converts: 1/3 in all. Without c1
			// it is 1/6, without c2 or c3 nothing.
			name: "three paths", of: journeys(1, "c1 c2 c3 !", "c1", "c2 c3"), want: "c1 500 200, c2 1000 400, c3 1000 400",
		},
		{
			// By hand: the start goes to a in 3/4 and to b in 1/4. Of the 3 at a 1 converts and 2 go to b; of the 3 at b 1 converts.
			// P(b) = 1/3, P(a) = 1/3 + 2/3·1/3 = 5/9, P = 3/4·5/9 + 1/4·1/3 = 1/2. Without a: 1/4·1/3 = 1/12, so 5/6 goes. Without b:
			// 3/4·1/3 = 1/4, so 1/2 goes. Shares 5/8 and 3/8.
			name: "four paths", of: journeys(1, "a !", "a b !", "a b", "b"), want: "a 833 625, b 500 375",
		},
		{name: "one channel", of: journeys(7, "a !", "a a !", "a"), want: "a 1000 1000"},
		{name: "no conversion", of: journeys(1, "a b", "b"), want: "a 0 0, b 0 0"},
		{name: "nothing", want: ""},
		{
			// A channel after itself changes nothing: it is left in the end as often as before.
			name: "loops", of: journeys(1, "a a a !", "a a b !", "a b", "b"), want: "a 833 625, b 500 375",
		},
		{
			// c is on the way to nothing; d is on no path that converted, but leads to a.
			name: "dead ends", of: journeys(1, "a !", "a", "c", "c c", "d a"), want: "a 1000 750, c 0 0, d 333 250",
		},
		{name: "the conversion itself", of: journeys(1, "a !", "!"), want: "a 500 1000"},
	} {
		got, err := attribution.Removal(c.of)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		var said []string
		for _, e := range got {
			said = append(said, fmt.Sprintf("%s %.0f %.0f", e.Channel, 1000*e.Removal, float64(e.Share)/1e6))
		}
		if s := strings.Join(said, ", "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}

// A walk that is followed step by step until next to nobody is on the way comes to the same chances as the solver.
func TestRemovalByWalking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ts := drawTransitions(t)
		effects, err := attribution.Removal(ts)
		if err != nil {
			t.Fatal(err)
		}
		all := walk(ts, "nobody")
		var sum int64
		for _, e := range effects {
			want := 0.
			if all > 0 {
				want = 1 - walk(ts, e.Channel)/all
			}
			if math.Abs(e.Removal-want) > 1e-9 {
				t.Fatalf("removing %s takes %v, walking says %v", e.Channel, e.Removal, want)
			}
			sum += e.Share
		}
		if all > 0 && sum != attribution.One && sum != 0 {
			t.Fatalf("the shares add up to %d", sum)
		}
		shuffled := rapid.Permutation(ts).Draw(t, "shuffled")
		if again, err := attribution.Removal(shuffled); err != nil || !slices.Equal(again, effects) {
			t.Fatalf("in another order: %v, %v; before %v", again, err, effects)
		}
	})
}

// drawTransitions draws journeys of up to five channels, with an end after every one.
func drawTransitions(t *rapid.T) []attribution.Transition {
	var out []attribution.Transition
	names := []string{"", "a", "b", "c", "d", "e"}[:rapid.IntRange(2, 6).Draw(t, "channels")]
	for _, from := range names {
		for _, to := range names[1:] {
			out = append(out, attribution.Transition{From: from, To: to, Journeys: rapid.Int64Range(0, 4).Draw(t, "n")})
		}
		out = append(out, attribution.Transition{From: from, Journeys: rapid.Int64Range(1, 4).Draw(t, "lost")},
			attribution.Transition{From: from, Converted: true, Journeys: rapid.Int64Range(0, 2).Draw(t, "won")})
	}
	return out
}

// walk is the chance to convert where the channel removed leads nowhere.
func walk(ts []attribution.Transition, removed string) float64 {
	out := map[string]float64{}
	for _, t := range ts {
		out[t.From] += float64(t.Journeys)
	}
	at, won := map[string]float64{"": 1}, 0.
	for range 2000 {
		next := map[string]float64{}
		for _, t := range ts {
			p := at[t.From] * float64(t.Journeys) / out[t.From]
			switch {
			case t.To == removed:
			case t.To != "":
				next[t.To] += p
			case t.Converted:
				won += p
			}
		}
		at = next
	}
	return won
}
