package rfm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Segment is one line of a segment map: the customers whose scores are in all of its lists. A list that is left out
// takes any score. A map may have several lines of one name. The lines of a map give each of the 125 combinations of
// scores exactly one name.
type Segment struct {
	Name   string `yaml:"name" json:"name" jsonschema:"required" jsonschema_description:"The name of the segment."`
	R      []int  `yaml:"r" json:"r" jsonschema:"minimum=1,maximum=5" jsonschema_description:"The recency scores, 1 to 5; any where left out."`
	F      []int  `yaml:"f" json:"f" jsonschema:"minimum=1,maximum=5" jsonschema_description:"The frequency scores, 1 to 5; any where left out."`
	M      []int  `yaml:"m" json:"m" jsonschema:"minimum=1,maximum=5" jsonschema_description:"The monetary scores, 1 to 5; any where left out."`
	FM     []int  `yaml:"fm" json:"fm" jsonschema:"minimum=1,maximum=5" jsonschema_description:"The means of the frequency and monetary scores, a half rounded up; any where left out."`
	Action string `yaml:"action" json:"action" jsonschema_description:"What a marketer could do."`
}

// holds says whether the scores are in s.
func (s Segment) holds(r, f, m int) bool {
	in := func(scores []int, score int) bool { return scores == nil || slices.Contains(scores, score) }
	return in(s.R, r) && in(s.F, f) && in(s.M, m) && in(s.FM, (f+m+1)/2)
}

// A grid is the name of every combination of scores.
type grid [5][5][5]string

// at returns the name for scores from 1 to 5.
func (g *grid) at(r, f, m int) string { return g[r-1][f-1][m-1] }

// usesMoney says whether the monetary score decides any name.
func (g *grid) usesMoney() bool {
	for r := 1; r <= 5; r++ {
		for f := 1; f <= 5; f++ {
			for m := 2; m <= 5; m++ {
				if g.at(r, f, m) != g.at(r, f, 1) {
					return true
				}
			}
		}
	}
	return false
}

// notBuyers are the names that package segment gives to who has never bought.
var notBuyers = []string{"Browser", "Prospect"}

// newGrid proves that segs give every combination of scores exactly one name, and every name a combination.
func newGrid(segs []Segment) (*grid, error) {
	for _, s := range segs {
		if s.Name == "" || s.Name != strings.TrimSpace(s.Name) {
			return nil, fmt.Errorf("%q is no name", s.Name)
		}
		if slices.Contains(notBuyers, s.Name) {
			return nil, fmt.Errorf("the name %s is taken by customers who never bought", s.Name)
		}
		for _, score := range slices.Concat(s.R, s.F, s.M, s.FM) {
			if score < 1 || score > 5 {
				return nil, fmt.Errorf("%s: %d is no score from 1 to 5", s.Name, score)
			}
		}
	}
	g := new(grid)
	var wrong [5][5][5]string
	reached := map[string]bool{}
	for c := range cells {
		var names []string
		for _, s := range segs {
			if s.holds(c.r, c.f, c.m) {
				names = append(names, s.Name)
			}
		}
		switch len(names) {
		case 0:
			wrong[c.r-1][c.f-1][c.m-1] = "no segment"
		case 1:
			g[c.r-1][c.f-1][c.m-1] = names[0]
		default:
			wrong[c.r-1][c.f-1][c.m-1] = strings.Join(names, " and ")
		}
		if len(names) > 0 {
			reached[names[0]] = true // what a reader who takes the first match would call it
		}
	}
	faults := faultyCells(wrong)
	for i, s := range segs {
		first := slices.IndexFunc(segs, func(o Segment) bool { return o.Name == s.Name }) == i
		if first && !reached[s.Name] {
			faults = append(faults, fmt.Sprintf("%s is unreachable", s.Name))
		}
	}
	if len(faults) > 0 {
		return nil, errors.New("every combination of scores must have exactly one segment: " + strings.Join(faults, "; "))
	}
	return g, nil
}

type cell struct{ r, f, m int }

// cells ranges over all combinations of scores, best first.
func cells(yield func(cell) bool) {
	for r := 5; r >= 1; r-- {
		for f := 5; f >= 1; f-- {
			for m := 5; m >= 1; m-- {
				if !yield(cell{r, f, m}) {
					return
				}
			}
		}
	}
}

// faultyCells lists the cells by fault. Where M makes no difference it is not named.
func faultyCells(wrong [5][5][5]string) []string {
	var order []string
	where := map[string][]string{}
	add := func(fault, at string) {
		if where[fault] == nil {
			order = append(order, fault)
		}
		where[fault] = append(where[fault], at)
	}
	for c := range cells {
		row := wrong[c.r-1][c.f-1]
		fault, whole := row[c.m-1], row == [5]string{row[0], row[0], row[0], row[0], row[0]}
		switch {
		case fault == "":
		case !whole:
			add(fault, fmt.Sprintf("R%d F%d M%d", c.r, c.f, c.m))
		case c.m == 5:
			add(fault, fmt.Sprintf("R%d F%d", c.r, c.f))
		}
	}
	var faults []string
	for _, fault := range order {
		faults = append(faults, fmt.Sprintf("%s at %s", fault, strings.Join(where[fault], ", ")))
	}
	return faults
}
