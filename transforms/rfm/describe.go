package rfm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"segments/transforms"
)

// Segmentations implements transforms.Model.
func (m *model) Segmentations() []transforms.Segmentation {
	rfm := transforms.Segmentation{Name: SegmentColumn.Name, Doc: "What the buyers' recency, frequency and money make them."}
	for _, s := range m.Segments {
		at := slices.IndexFunc(rfm.Segments, func(o transforms.Segment) bool { return o.Name == s.Name })
		if at >= 0 { // another line of the same segment
			rfm.Segments[at].Rule += " Or: " + m.rule(s)
			continue
		}
		action := s.Action
		if action == "" {
			action = meanings[s.Name].Action
		}
		rfm.Segments = append(rfm.Segments, transforms.Segment{Name: s.Name, Rule: m.rule(s), Action: action})
	}
	return []transforms.Segmentation{rfm, m.valueTiers()}
}

func (m *model) valueTiers() transforms.Segmentation {
	actions := []string{
		"Know each of them: a personal contact, service first.",
		"Reward loyalty and lead to the top.",
		"Develop: recommendations, bundles, a loyalty program.",
		"Serve well at low cost.",
	}
	s := transforms.Segmentation{
		Name: ValueTier.Name,
		Doc:  "How much net revenue a buyer has brought so far, against cuts learned from all buyers.",
	}
	for k, name := range tiers {
		rule := "Buyers by net revenue so far; no cuts have been learned."
		if m.Value.known() {
			class := len(m.Value.At) - k
			rule = sentence(m.Value.money(class, class))
		}
		s.Segments = append(s.Segments, transforms.Segment{Name: name, Rule: rule, Action: actions[k]})
	}
	return s
}

// rule says in words, with the numbers of today's cuts, who is in a line of the map.
func (m *model) rule(s Segment) string {
	window := fmt.Sprintf("purchase days in %d days", m.WindowDays)
	if m.Relative {
		window = "purchase days so far"
	}
	var parts []string
	for _, c := range []struct {
		scores []int
		name   string
		words  func(low, high int) string
	}{
		{s.R, "recency score", func(low, high int) string { return m.Recency.days(5-high, 5-low, "days since the last purchase") }},
		{s.F, "frequency score", func(low, high int) string { return m.Frequency.days(low-1, high-1, window) }},
		{s.M, "monetary score", func(low, high int) string { return m.Monetary.money(low-1, high-1) }},
		{s.FM, "mean of frequency and monetary score (a half rounded up)", func(int, int) string { return "" }},
	} {
		var alternatives []string
		for _, run := range runs(c.scores) {
			words := c.words(run.low, run.high)
			if words == "" {
				words = span(c.name, run.low, run.high)
			}
			alternatives = append(alternatives, words)
		}
		if len(alternatives) > 0 {
			parts = append(parts, strings.Join(alternatives, " or "))
		}
	}
	if len(parts) == 0 {
		return "Every buyer."
	}
	return sentence(strings.Join(parts, ", and "))
}

// days says in words which whole numbers lie in the classes from first to last; "" where there are no cuts.
func (c cuts) days(first, last int, measure string) string {
	if !c.known() {
		return ""
	}
	least, most := int64(0), int64(0)
	if first > 0 {
		least = int64(c.At[first-1]) + 1
	}
	if last < len(c.At) {
		most = int64(c.At[last])
	}
	switch {
	case last == len(c.At):
		return fmt.Sprintf("%s at least %d", measure, least)
	case first == 0:
		return fmt.Sprintf("%s at most %d", measure, most)
	case least > most:
		return measure + " between cuts that coincide (nobody)"
	default:
		return span(measure, least, most)
	}
}

func span[V int | int64](measure string, low, high V) string {
	if low == high {
		return fmt.Sprintf("%s exactly %d", measure, low)
	}
	return fmt.Sprintf("%s from %d to %d", measure, low, high)
}

// money says in words which amounts lie in the classes from first to last; "" where there are no cuts.
func (c cuts) money(first, last int) string {
	if !c.known() {
		return ""
	}
	amount := func(k int) string { return strconv.FormatFloat(c.At[k], 'f', 2, 64) }
	switch {
	case last == len(c.At):
		return "net revenue so far above " + amount(first-1)
	case first == 0:
		return "net revenue so far at most " + amount(last)
	default:
		return fmt.Sprintf("net revenue so far above %s and at most %s", amount(first-1), amount(last))
	}
}

// A run is some scores without a gap.
type run struct{ low, high int }

// runs parts scores at their gaps. It returns none where the scores leave nobody out.
func runs(scores []int) []run {
	var rs []run
	for _, s := range slices.Compact(slices.Sorted(slices.Values(scores))) {
		if n := len(rs); n > 0 && rs[n-1].high == s-1 {
			rs[n-1].high = s
		} else {
			rs = append(rs, run{s, s})
		}
	}
	if slices.Equal(rs, []run{{1, 5}}) {
		return nil
	}
	return rs
}

// sentence begins words with a capital and ends them with a full stop.
func sentence(words string) string {
	return strings.ToUpper(words[:1]) + words[1:] + "."
}
