package rfm

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/transforms/frame"
)

// tiers are the value tiers, best first: at most that share of the buyers lay above the tier's cut when it was learned.
var tiers = []string{"Top 1%", "Top 5%", "Top 20%", "Rest"}

// The table of the cuts.
var (
	cutMeasure = frame.String("measure", "What is cut: days since the last purchase, purchase days, or net revenue so far for scores and for value tiers.").
			OneOf("recency", "frequency", "monetary", "value")
	cutLabel     = frame.String("label", "The class: the score, 1 to 5, or the value tier.")
	cutAbove     = frame.Float64("above", "The class holds what is greater than this; NULL where it has no lower end.").Null()
	cutUpTo      = frame.Float64("up_to", "The class holds what is at most this; NULL where it has no upper end.").Null()
	cutUnit      = frame.String("unit", "The unit of above and up_to.").OneOf("days", "purchase days", "money")
	cutSource    = frame.String("source", "Whether the cuts were learned or configured.").OneOf(learned, configured)
	cutLearnedOn = frame.Date("learned_on", "The as-of day of the fit that learned them; NULL where they are configured.").Null()
	cutBuyers    = frame.Int64("buyers", "How many buyers they were learned from; NULL where they are configured.").In("customers").Null()

	cutTable = frame.Table{
		Name: "rfm_cuts",
		Doc:  "The classes that scores and value tiers stand for, by their cut points. A measure without cuts has no rows.",
		Key:  []string{cutMeasure.Name, cutLabel.Name},
		Columns: []frame.Column{
			cutMeasure.Column, cutLabel.Column, cutAbove.Column, cutUpTo.Column,
			cutUnit.Column, cutSource.Column, cutLearnedOn.Column, cutBuyers.Column,
		},
		PartitionBy: "as_of",
	}
)

// Learned implements transforms.Model.
func (m *model) Learned() []frame.Batch {
	var measure, label, unit, source []string
	var above, upTo []float64
	var hasAbove, hasUpTo, hasLearned []bool
	var on []arrow.Date32
	var buyers []int64
	add := func(name, in string, c cuts, labels []string) { // labels of the classes, ascending
		if !c.known() {
			return
		}
		ends := slices.Concat([]float64{0}, c.At, []float64{0})
		for k, l := range labels {
			measure, label, unit, source = append(measure, name), append(label, l), append(unit, in), append(source, c.Source)
			above, hasAbove = append(above, ends[k]), append(hasAbove, k > 0)
			upTo, hasUpTo = append(upTo, ends[k+1]), append(hasUpTo, k < len(c.At))
			on, buyers, hasLearned = append(on, c.LearnedOn), append(buyers, c.Buyers), append(hasLearned, c.Source == learned)
		}
	}
	add("recency", "days", m.Recency, []string{"5", "4", "3", "2", "1"})
	add("frequency", "purchase days", m.Frequency, []string{"1", "2", "3", "4", "5"})
	add("monetary", "money", m.Monetary, []string{"1", "2", "3", "4", "5"})
	add("value", "money", m.Value, []string{tiers[3], tiers[2], tiers[1], tiers[0]})
	return []frame.Batch{frame.Record(
		cutMeasure.Array(measure, nil), cutLabel.Array(label, nil), cutAbove.Array(above, hasAbove), cutUpTo.Array(upTo, hasUpTo),
		cutUnit.Array(unit, nil), cutSource.Array(source, nil), cutLearnedOn.Array(on, hasLearned), cutBuyers.Array(buyers, hasLearned),
	)}
}
