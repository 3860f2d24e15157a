package cluster

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A group is one cluster, in numbers and in words.
type group struct {
	Name    string    `json:"name"`
	Rule    string    `json:"rule"`
	Action  string    `json:"action"`
	Share   float64   `json:"share"`   // of the sample
	Center  []float64 `json:"center"`  // over the scaled features
	Typical []float64 `json:"typical"` // the center in the units of the columns
	Apart   []float64 `json:"apart"`   // the center less the mean of all, over the scaled features
}

// How far a center has to be apart along a feature, in units of the scaled feature, for the first trait of a name and
// for a rule to speak of it, for the further traits of a name, and for a name to say very.
const (
	worthFirst = .25
	worthMore  = .5
	worthVery  = 1.5
)

// describe names the clusters of c and puts them into their order: by frequency and order value less recency.
func describe(scales []scale, p points, c partition) []group {
	groups := make([]group, len(c.centers)/p.dim)
	sizes := make([]int, len(groups))
	for _, l := range c.labels {
		sizes[l]++
	}
	everybody, column := make([]float64, p.dim), make([]float64, p.n)
	for j := range scales {
		for i := range column {
			column[i] = p.row(i)[j]
		}
		middle := mean(column)
		everybody[j] = scales[j].undo(middle)
		for l := range groups {
			g, x := &groups[l], c.centers[l*p.dim+j]
			g.Center = append(g.Center, x)
			g.Typical = append(g.Typical, scales[j].undo(x))
			g.Apart = append(g.Apart, x-middle)
			g.Share = float64(sizes[l]) / float64(p.n)
		}
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.worth(scales), a.worth(scales)), slices.Compare(a.Center, b.Center))
	})
	name(groups, scales)
	for l := range groups {
		groups[l].Rule = groups[l].rule(scales, everybody)
		groups[l].Action = groups[l].action(scales)
	}
	return groups
}

// along returns how far g is apart along a feature, 0 where the model does without it.
func (g *group) along(scales []scale, feature int) float64 {
	if j := slices.IndexFunc(scales, func(s scale) bool { return s.feature == feature }); j >= 0 {
		return g.Apart[j]
	}
	return 0
}

func (g *group) worth(scales []scale) float64 {
	return g.along(scales, frequency) + g.along(scales, orderValue) - g.along(scales, recency)
}

// traits returns the features that set g apart, the most telling first.
func (g *group) traits() []int {
	js := make([]int, len(g.Apart))
	for j := range js {
		js[j] = j
	}
	slices.SortStableFunc(js, func(a, b int) int { return cmp.Compare(math.Abs(g.Apart[b]), math.Abs(g.Apart[a])) })
	return js
}

// name gives each group a name of two traits at most; of three, and then a number, where another group has the same.
func name(groups []group, scales []scale) {
	count := map[string]int{}
	for l := range groups {
		groups[l].Name = groups[l].words(scales, 2)
		count[groups[l].Name]++
	}
	taken := map[string]bool{}
	for l := range groups {
		n := groups[l].Name
		if count[n] > 1 {
			n = groups[l].words(scales, 3)
		}
		unique := n
		for i := 2; taken[unique]; i++ {
			unique = n + " " + strconv.Itoa(i)
		}
		taken[unique] = true
		groups[l].Name = unique
	}
}

// words joins up to most traits of g, one of each topic, in the order of the features.
func (g *group) words(scales []scale, most int) string {
	var said []int
	for _, j := range g.traits() {
		by := math.Abs(g.Apart[j])
		if len(said) == most || by < worthFirst || len(said) > 0 && by < worthMore {
			break
		}
		topic := features[scales[j].feature].topic
		if !slices.ContainsFunc(said, func(o int) bool { return features[scales[o].feature].topic == topic }) {
			said = append(said, j)
		}
	}
	if len(said) == 0 {
		return "Average"
	}
	slices.Sort(said)
	words := make([]string, len(said))
	for i, j := range said {
		words[i] = features[scales[j].feature].few
		if g.Apart[j] > 0 {
			words[i] = features[scales[j].feature].many
		}
		if math.Abs(g.Apart[j]) >= worthVery {
			words[i] = "very " + words[i]
		}
	}
	s := strings.Join(words, ", ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// rule says who is in g: the center beside that of everybody, in the units of the columns, the most telling first.
func (g *group) rule(scales []scale, everybody []float64) string {
	var typical []string
	for _, j := range g.traits() {
		if len(typical) == 0 || math.Abs(g.Apart[j]) >= worthFirst {
			say := features[scales[j].feature].say + " (everybody %s)"
			typical = append(typical, fmt.Sprintf(say, number(g.Typical[j]), number(everybody[j])))
		}
	}
	return "Nearest to this center: " + strings.Join(typical, ", ") + "."
}

// action says what a marketer could do, by how recent and how frequent g is.
func (g *group) action(scales []scale) string {
	lapsed, frequent := g.along(scales, recency) >= worthFirst, g.along(scales, frequency) >= worthFirst
	switch {
	case lapsed && frequent:
		return "Win them back: they used to buy often. Ask what changed and make a personal offer."
	case lapsed:
		return "Try one cheap reminder and do not spend more on who stays silent."
	case frequent:
		return "Keep and reward them: early access, loyalty benefits, asking for recommendations. No discounts needed."
	case g.along(scales, recency) > -worthFirst && g.along(scales, tenure) > -worthFirst:
		return "Test an offer that fits what sets them apart."
	default:
		return "Earn the next purchase while they remember the last: a welcome series and what goes with what they bought."
	}
}

// number formats v for a sentence: to one decimal below 10, and to none from there on.
func number(v float64) string {
	if v = max(v, 0); v < 9.95 {
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}
