package rfm

import (
	"slices"
	"strings"
	"testing"
)

func TestShippedMapsArePartitions(t *testing.T) {
	for name, segs := range shippedMaps {
		g, err := newGrid(segs)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		names := map[string]bool{}
		for c := range cells {
			names[g.at(c.r, c.f, c.m)] = true
		}
		described := Describe(name)
		if len(names) != len(described) {
			t.Errorf("%s names %d segments, Describe %d", name, len(names), len(described))
		}
		for _, s := range described {
			if !names[s.Name] || s.Rule == "" || s.Action == "" {
				t.Errorf("%s: Describe gives %+v", name, s)
			}
		}
	}
	if Describe("custom") != nil {
		t.Error("Describe knows a map that is not shipped")
	}
}

// TestRF10 holds the default map against the table it is specified by, F1 to F5.
func TestRF10(t *testing.T) {
	want := map[int]string{
		5: "New, Potential Loyalist, Potential Loyalist, Champions, Champions",
		4: "Promising, Potential Loyalist, Potential Loyalist, Loyal, Loyal",
		3: "About to Sleep, About to Sleep, Need Attention, Loyal, Loyal",
		2: "Hibernating, Hibernating, At Risk, At Risk, Can't Lose",
		1: "Hibernating, Hibernating, At Risk, At Risk, Can't Lose",
	}
	g, err := newGrid(shippedMaps["rf10"])
	if err != nil {
		t.Fatal(err)
	}
	for r, row := range want {
		for m := 1; m <= 5; m++ {
			var got []string
			for f := 1; f <= 5; f++ {
				got = append(got, g.at(r, f, m))
			}
			if strings.Join(got, ", ") != row {
				t.Errorf("R%d M%d: %v, want %s", r, m, got, row)
			}
		}
	}
}

func TestMeanOfFrequencyAndMoneyRoundsUp(t *testing.T) {
	s := Segment{FM: []int{3}}
	for _, c := range []struct {
		f, m int
		want bool
	}{{3, 3, true}, {1, 5, true}, {2, 3, true}, {1, 4, true}, {3, 4, false}, {2, 2, false}, {1, 3, false}} {
		if s.holds(1, c.f, c.m) != c.want {
			t.Errorf("F%d M%d has the mean 3: %v", c.f, c.m, !c.want)
		}
	}
}

func TestMapFaults(t *testing.T) {
	change := func(f func(segs []Segment) []Segment) []Segment { return f(slices.Clone(shippedMaps["rf10"])) }
	const loyalAt, newAt = 1, 3
	for name, c := range map[string]struct {
		segs []Segment
		want []string
	}{
		"unassigned": {
			change(func(s []Segment) []Segment { return slices.Delete(s, newAt, newAt+1) }),
			[]string{"no segment at R5 F1"},
		},
		"unassigned for some money": {
			change(func(s []Segment) []Segment { s[newAt].M = []int{1, 2, 4}; return s }),
			[]string{"no segment at R5 F1 M5, R5 F1 M3"},
		},
		"twice": {
			change(func(s []Segment) []Segment { s[newAt].R = []int{4, 5}; return s }),
			[]string{"New and Promising at R4 F1", "Promising is unreachable"},
		},
		"unreachable, since others have all of it": {
			change(func(s []Segment) []Segment {
				return append(s, Segment{Name: "Whales", R: []int{5}, F: []int{5}, M: []int{5}})
			}),
			[]string{"Champions and Whales at R5 F5 M5", "Whales is unreachable"},
		},
		"unreachable, since it takes no score": {
			change(func(s []Segment) []Segment { return append(s, Segment{Name: "Ghosts", R: []int{}}) }),
			[]string{"Ghosts is unreachable"},
		},
		"both": {
			change(func(s []Segment) []Segment { s[loyalAt].R = []int{2, 3}; return s }),
			[]string{"no segment at R4 F5, R4 F4", "Loyal and Can't Lose at R2 F5", "Loyal and At Risk at R2 F4"},
		},
		"no score":    {[]Segment{{Name: "All", R: []int{1, 2, 3, 4, 5, 6}}}, []string{"6 is no score"}},
		"no name":     {[]Segment{{Name: ""}}, []string{"no name"}},
		"blanks":      {[]Segment{{Name: "All "}}, []string{"no name"}},
		"not a buyer": {[]Segment{{Name: "Prospect"}}, []string{"Prospect is taken"}},
	} {
		_, err := newGrid(c.segs)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q lacks %q", name, err, w)
			}
		}
	}
	if _, err := newGrid([]Segment{{Name: "All"}}); err != nil {
		t.Errorf("one segment for all: %v", err)
	}
	twice := []Segment{{Name: "Edge", R: []int{1}}, {Name: "Mid", R: []int{2, 3, 4}}, {Name: "Edge", R: []int{5, 5}}}
	if _, err := newGrid(twice); err != nil {
		t.Errorf("two lines of one name: %v", err)
	}
}
