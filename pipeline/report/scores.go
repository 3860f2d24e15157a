package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

var scoresPanel = panel{id: "scores", question: "Where do they sit?", needs: []string{"customer_rfm"}, build: buildScores}

// rfmSegmentation is the segmentation that recency and frequency scores give.
const rfmSegmentation = "rfm_segment"

// buildScores draws how many buyers have each pair of scores, and the borders of the segments.
func buildScores(d *data) (*section, error) {
	fields := d.query("report_scores", map[string]string{"customer_rfm": "customer_rfm"})
	if !slices.ContainsFunc(fields, func(r record) bool { return r["customers"] != nil }) {
		return nil, nil // nobody has scores, or every field is too small to be told
	}
	t := &table{
		ID: "scores", Caption: "Buyers by recency and frequency score", From: "customer_rfm", Key: 2,
		Columns: []column{
			d.shows("customer_rfm", "r_score", "Recency score", formatScore),
			d.shows("customer_rfm", "f_score", "Frequency score", formatScore),
			d.shows("customer_rfm", "rfm_segment", "Segment", formatText),
			{Name: "customers", Title: "Customers", Format: formatCount, Doc: "How many have both scores and are in the segment."},
		},
	}
	for _, r := range fields {
		t.add("", r.values("r_score", "f_score", "rfm_segment", "customers")...)
	}
	sizes := &table{
		ID: "scores-segments", Caption: "The segments that the scores give", From: "segment_profiles, segment_definitions", Key: 1,
		Columns: []column{
			{Name: "segment", Title: "Segment", Format: formatText, Doc: "The segment, best first."},
			{Name: "customers", Title: "Customers", Format: formatCount, Doc: "Buyers in the segment."},
			{Name: "share", Title: "Share", Format: formatShare, Doc: "Of all buyers with scores."},
			{Name: "rule", Title: "Rule", Format: formatText, Doc: "Who is in it, in words."},
		},
	}
	definitions := d.definitions(rfmSegmentation)
	for _, p := range d.profiles(rfmSegmentation) {
		sizes.add("", p["segment"], p["customers"], p["share"], find(definitions, "segment", p.text("segment"))["rule"])
	}
	s := &section{
		Title: scoresTitle(sizes), Tone: neutral, Lead: scoresLead(t), Tables: []*table{sizes},
		Charts: []*chart{{
			ID: "chart-scores", Wide: true, Pan: true, Height: 420, Table: t, Option: scoresOption(t),
			Label: "Buyers by recency score (upward: bought lately) and frequency score (to the right: bought often), as of " + d.day() +
				". Darker fields hold more buyers; lines are the borders of the segments.",
		}},
		Notes: []string{
			"Scores run from one to five, and five is best. The cuts between them are in the last section.",
			"A customer who stays silent sinks; one who buys again moves right and jumps to the top.",
		},
	}
	if slices.ContainsFunc(t.Rows, func(r []*cell) bool { return !known(r[3]) }) {
		s.Notes = append(s.Notes, hiddenNote)
	}
	return s, nil
}

// hiddenNote says what dashes may mean.
const hiddenNote = "A dash stands for what is not known, or hidden since it would describe too few people."

// day is the as-of day.
func (d *data) day() string { return d.Run.AsOf.Format("2006-01-02") }

// scoresTitle says where most sit and where the best do; the rows of sizes are best first.
func scoresTitle(sizes *table) sentence {
	if len(sizes.Rows) == 0 {
		return say("Buyers by how lately and how often they bought")
	}
	best := sizes.Rows[0]
	largest := slices.MaxFunc(sizes.Rows, func(a, b []*cell) int { return cmp.Compare(value(a[1]), value(b[1])) })
	switch {
	case len(sizes.Rows) == 1:
		return say("All buyers with scores are in {}", best[0])
	case largest[0] == best[0]:
		return say("{} is both the best group of buyers and the largest: {} of them", best[0], best[2])
	}
	return say("{} is the largest group of buyers with {}; the best, {}, has {}", largest[0], largest[2], best[0], best[2])
}

// In words, the scores one to five.
var scoreWords = []string{"lowest", "second lowest", "middle", "second highest", "highest"}

// scoresLead names the field with the most buyers.
func scoresLead(t *table) []sentence {
	top := slices.MaxFunc(t.Rows, func(a, b []*cell) int { return cmp.Compare(value(a[3]), value(b[3])) })
	r, f := int(value(top[0])), int(value(top[1]))
	if !known(top[3]) || r < 1 || r > len(scoreWords) || f < 1 || f > len(scoreWords) {
		return nil
	}
	s := say("The fullest field, with {}, has the {} recency and the {} frequency score", counted(top[3], "buyer", "buyers"),
		sentence{scoreWords[r-1]}, sentence{scoreWords[f-1]})
	if known(top[2]) {
		s = words(s, ": ", top[2])
	}
	return []sentence{words(s, ".")}
}

// A scoresField is a field of the heatmap: under some maps, several segments share one.
type scoresField struct {
	names []string // largest first
	cell  *cell    // of the number of the largest
}

func scoresFields(t *table) (fields map[[2]int]*scoresField, most float64) {
	fields = map[[2]int]*scoresField{}
	for _, r := range slices.SortedStableFunc(slices.Values(t.Rows), func(a, b []*cell) int { return cmp.Compare(value(b[3]), value(a[3])) }) {
		at := [2]int{int(value(r[1])), int(value(r[0]))}
		f := fields[at]
		if f == nil {
			f = &scoresField{cell: r[3]}
			fields[at] = f
		}
		f.names = append(f.names, r[2].String())
		most = max(most, value(r[3]))
	}
	return fields, most
}

// scoresOption draws a heatmap, and over it the borders between fields of unlike segments.
func scoresOption(t *table) map[string]any {
	fields, most := scoresFields(t)
	var items []any
	for f := 1; f <= 5; f++ {
		for r := 1; r <= 5; r++ {
			x := fields[[2]int{f, r}]
			if x == nil || !known(x.cell) {
				continue
			}
			color := fmt.Sprintf("@color:ink-on-seq%d", int(math.Round(6*value(x.cell)/most)))
			name := x.names[0]
			if len(x.names) > 1 {
				name += " …"
			}
			items = append(items, map[string]any{
				"name":  name,
				"value": []any{strconv.Itoa(f), strconv.Itoa(r), x.cell.Value},
				"tip":   []string{name, "recency " + strconv.Itoa(r) + ", frequency " + strconv.Itoa(f) + ": " + x.cell.String() + " customers"},
				"label": map[string]any{"color": color, "formatter": braceless(cut(name, 40)) + "\n" + x.cell.String()},
			})
		}
	}
	scores := []string{"1", "2", "3", "4", "5"}
	plane := map[string]any{"type": "value", "min": 0, "max": 5, "show": false}
	return map[string]any{
		"grid":    map[string]any{"left": 56, "right": 16, "top": 16, "bottom": 48},
		"tooltip": map[string]any{},
		"xAxis": []any{
			map[string]any{"type": "category", "data": scores, "name": "Frequency score", "nameLocation": "middle", "nameGap": 28},
			plane,
		},
		"yAxis": []any{
			map[string]any{"type": "category", "data": scores, "name": "Recency score", "nameLocation": "middle", "nameGap": 30},
			plane,
		},
		"visualMap": map[string]any{"show": false, "min": 0, "max": most, "seriesIndex": 0, "inRange": map[string]any{"color": sequence()}},
		"series": []any{
			map[string]any{
				"type": "heatmap", "name": "Customers", "data": items,
				"label": map[string]any{"show": true, "width": 96, "overflow": "break", "fontSize": 11, "lineHeight": 14},
			},
			map[string]any{
				"type": "line", "xAxisIndex": 1, "yAxisIndex": 1, "data": []any{}, "silent": true,
				"markLine": map[string]any{
					"silent": true, "symbol": "none", "animation": false, "label": map[string]any{"show": false},
					"lineStyle": map[string]any{"color": "@color:ink", "width": 2, "type": "solid"}, "data": scoresBorders(fields),
				},
			},
		},
	}
}

// sequence are the colors from least to most.
func sequence() []string {
	return []string{"@color:seq0", "@color:seq1", "@color:seq2", "@color:seq3", "@color:seq4", "@color:seq5", "@color:seq6"}
}

// scoresBorders are lines between neighboring fields of unlike segments, in a plane where a field is 1 by 1.
func scoresBorders(fields map[[2]int]*scoresField) []any {
	segments := func(f, r int) string {
		x := fields[[2]int{f, r}]
		if x == nil {
			return ""
		}
		return strings.Join(slices.Sorted(slices.Values(x.names)), "\n")
	}
	line := func(x0, y0, x1, y1 int) any {
		return []any{map[string]any{"coord": []int{x0, y0}}, map[string]any{"coord": []int{x1, y1}}}
	}
	lines := []any{}
	for f := 1; f <= 5; f++ {
		for r := 1; r <= 5; r++ {
			if f < 5 && segments(f, r) != segments(f+1, r) {
				lines = append(lines, line(f, r-1, f, r))
			}
			if r < 5 && segments(f, r) != segments(f, r+1) {
				lines = append(lines, line(f-1, r, f, r))
			}
		}
	}
	return lines
}

// braceless is a name that is no template of a chart's label, where {b} would stand for something else.
func braceless(name string) string {
	return strings.NewReplacer("{", "(", "}", ")").Replace(name)
}
