package report

import (
	"slices"
	"testing"
)

func TestScores(t *testing.T) {
	profiles := func(lines ...string) []record {
		out := rowsOf(t, lines...)
		for _, r := range out {
			r["segmentation"] = rfmSegmentation
		}
		return out
	}
	for _, x := range []said{
		{name: "nobody has scores", none: true},
		{
			name: "the largest is not the best",
			tables: map[string][]record{
				"report_scores":    rowsOf(t, "r_score=1 f_score=1 rfm_segment=Hibernating customers=300", "r_score=5 f_score=5 rfm_segment=Champions customers=100"),
				"segment_profiles": profiles("segment=Champions customers=100 share=0.25", "segment=Hibernating customers=300 share=0.75"),
			},
			title: "Hibernating is the largest group of buyers with 75 %; the best, Champions, has 25 %",
			lead:  "The fullest field, with 300 buyers, has the lowest recency and the lowest frequency score: Hibernating.", tone: neutral,
		},
		{
			name: "the best is the largest",
			tables: map[string][]record{
				"report_scores":    rowsOf(t, "r_score=5 f_score=4 rfm_segment=Champions customers=300", "r_score=1 f_score=1 rfm_segment=Hibernating customers="),
				"segment_profiles": profiles("segment=Champions customers=300 share=0.96", "segment=Hibernating customers=12 share=0.04"),
			},
			title: "Champions is both the best group of buyers and the largest: 96 % of them",
			lead:  "The fullest field, with 300 buyers, has the highest recency and the second highest frequency score: Champions.", tone: neutral,
		},
		{
			name: "every field is too small to be told",
			tables: map[string][]record{
				"report_scores": rowsOf(t, "r_score=5 f_score=4 rfm_segment=Champions customers="), "segment_profiles": profiles("segment=Champions customers=7 share=1"),
			},
			none: true,
		},
	} {
		if defined := rowsOf(t, "segment=Champions", "segment=Hibernating"); x.tables != nil {
			for _, r := range defined {
				r["segmentation"] = rfmSegmentation
			}
			x.tables["segment_definitions"], x.tables["report_definitions"] = nil, defined
		}
		x.run(t, scoresPanel)
	}
}

// Borders are drawn where the segments differ, and nowhere else; under some maps several segments share a field.
func TestScoresBorders(t *testing.T) {
	table := &table{ID: "t", Columns: make([]column, 4)}
	for f := range 5 {
		for r := range 5 {
			segment := "low"
			if r >= 3 {
				segment = "high"
			}
			table.add("", int64(r+1), int64(f+1), segment, int64(10))
		}
	}
	fields, _ := scoresFields(table)
	if got := len(scoresBorders(fields)); got != 5 {
		t.Errorf("%d pieces of the border, want 5", got)
	}
	table.add("", int64(1), int64(1), "rich", int64(90))
	fields, most := scoresFields(table)
	if got := fields[[2]int{1, 1}].names; most != 90 || !slices.Equal(got, []string{"rich", "low"}) {
		t.Errorf("the shared field has %q, the most is %v", got, most)
	}
	if got := len(scoresBorders(fields)); got != 7 {
		t.Errorf("%d pieces of the border, want 7", got)
	}
}
