package pipeline

import (
	"context"
	"fmt"

	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// The kinds of traits.
const (
	attributeKind = "attribute"
	habitKind     = "habit"
)

var (
	trait     = frame.String("trait", "What is known of customers: an attribute, such as country or age, or a habit, such as weekday.")
	traitText = frame.String("value", "The value of the trait.")
	traitKind = frame.String("kind", "attribute: what describes customers. habit: how they buy, known of frequent buyers only and said of them alone.").
			OneOf(attributeKind, habitKind)
	traitCustomers = frame.Int64("customers", "Customers of the segment with the value.").In("customers")
	traitKnown     = frame.Int64("known", "Customers of the segment of whom the trait is known.").In("customers")
	traitShare     = frame.Float64("share", "customers by known.").In("share")
	traitEverybody = frame.Float64("share_everybody", "The same share of all customers of the segmentation.").In("share")
	traitLift      = frame.Float64("lift", "share by share_everybody.")
	traitP         = frame.Float64("p_value", "Test of the share against that of all others of whom the trait is known: chi-square, or Fisher's exact test "+
		"where fewer than five are expected; NULL where there are no others, or everybody has the value.").Null()
	traitQ       = frame.Float64("q_value", "The p value after Benjamini and Hochberg over all rows of the segmentation.").Null()
	traitVerdict = frame.String("verdict", "Whether the value sets the segment apart: more or less common than with the others, where q_value is "+
		"at most 0.05 and lift at least 1.2 or at most 1/1.2; else not_proven.").
		OneOf(string(validation.More), string(validation.Less), string(validation.NotProven))

	segmentTraits = frame.Table{
		Name: "segment_traits",
		Doc: "What sets each segment apart, tested: how common the values of attributes and habits are in it, and with everybody. Of a trait " +
			"there are the 20 commonest values, each as far as privacy.min_group customers of the segment have it; none of more than 120 characters. " +
			"What a left-out value has can often be found by subtraction: the table is for those who may see customers one by one.",
		Key: []string{"as_of", "segmentation", "segment", "trait", "value"},
		Columns: cols(customer.AsOf, segmentation, segment, trait, traitText, traitKind, traitCustomers, traitKnown, traitShare, traitEverybody,
			traitLift, traitP, traitQ, traitVerdict),
		PartitionBy: "as_of",
	}
)

// What the query gives that segment_traits has not, or not as nullable.
var (
	countedText    = frame.String("value", "").Null()
	everybody      = frame.Int64("everybody", "")
	knownEverybody = frame.Int64("known_everybody", "")
	countedTraits  = cols(segmentation, segment, trait, traitKind, countedText, traitCustomers, traitKnown, everybody, knownEverybody)
)

// A traitRow is a row of segment_traits: what was counted, and what the test says of it.
type traitRow struct {
	segment, trait, value, kind string
	validation.Trait
	validation.TraitResult
}

// stageTraits stages segment_traits for all segmentations. It holds the rows in memory: at most 20 for each segment and trait.
func (r *run) stageTraits(ctx context.Context, c *chain, features, labels warehouse.Ref) ([]warehouse.Ref, error) {
	ctx = r.step(ctx, "test traits")
	var names []string
	for _, s := range r.segmentationsOf(c) {
		names = append(names, s.Name)
	}
	counted, err := r.countTraits(ctx, features, labels, names)
	if err != nil {
		return nil, err
	}
	var batches []frame.Batch
	for _, name := range names {
		if err := testTraits(counted[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		batches = append(batches, r.traitBatch(name, counted[name]))
	}
	ref, err := r.stageBatch(ctx, segmentTraits, batches...)
	return []warehouse.Ref{ref}, err
}

// countTraits asks for the counts, by segmentation. It warns of traits some of whose values are too long.
func (r *run) countTraits(ctx context.Context, features, labels warehouse.Ref, segmentations []string) (map[string][]traitRow, error) {
	if len(segmentations) == 0 {
		return nil, nil
	}
	d := r.Warehouse.Dialect()
	attributes := sql.Attributes(r.attributes(), d, r.relation("canonical_customers"))
	have := append(r.relations(), features.As("customer_features"), attributes, sql.Memberships(labels.Relation(), d, segmentations...))
	q, err := r.resolve("segment_traits", map[string]any{"min_group": r.MinGroup}, have)
	if err != nil {
		return nil, err
	}
	out := map[string][]traitRow{}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("count traits: %w", err)
		}
		if err := frame.Check(b.Schema(), countedTraits...); err != nil {
			return nil, fmt.Errorf("query segment_traits: %w", err)
		}
		for i := range int(b.NumRows()) {
			of, value := segmentation.Of(b).Value(i), countedText.Of(b)
			row := traitRow{segment: segment.Of(b).Value(i), trait: trait.Of(b).Value(i), value: value.Value(i), kind: traitKind.Of(b).Value(i)}
			row.Trait = validation.Trait{
				Customers: traitCustomers.Of(b).Value(i), Known: traitKnown.Of(b).Value(i),
				Everybody: everybody.Of(b).Value(i), KnownEverybody: knownEverybody.Of(b).Value(i),
			}
			switch {
			case value.IsValid(i):
				out[of] = append(out[of], row)
			case of == r.CoreSegment: // the others say the same
				r.warnings = append(r.warnings, fmt.Sprintf("the trait %q of %d customers has more than 120 characters: segment_traits leaves such "+
					"values out", row.trait, row.Customers))
			}
		}
	}
	return out, nil
}

// testTraits fills in the results of rows, which are all of a segmentation.
func testTraits(rows []traitRow) error {
	counts := each(rows, func(t traitRow) validation.Trait { return t.Trait })
	results, err := validation.Traits(counts)
	if err != nil {
		return err
	}
	for i, res := range results {
		rows[i].TraitResult = res
	}
	return nil
}

func (r *run) traitBatch(of string, rows []traitRow) frame.Batch {
	n := len(rows)
	var ps, qs floats
	for _, t := range rows {
		ps.add(t.PValue)
		qs.add(t.QValue)
	}
	return frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), n), nil),
		segmentation.Array(repeat(of, n), nil),
		segment.Array(each(rows, func(t traitRow) string { return t.segment }), nil),
		trait.Array(each(rows, func(t traitRow) string { return t.trait }), nil),
		traitText.Array(each(rows, func(t traitRow) string { return t.value }), nil),
		traitKind.Array(each(rows, func(t traitRow) string { return t.kind }), nil),
		traitCustomers.Array(each(rows, func(t traitRow) int64 { return t.Customers }), nil),
		traitKnown.Array(each(rows, func(t traitRow) int64 { return t.Known }), nil),
		traitShare.Array(each(rows, func(t traitRow) float64 { return t.Share }), nil),
		traitEverybody.Array(each(rows, func(t traitRow) float64 { return t.ShareEverybody }), nil),
		traitLift.Array(each(rows, func(t traitRow) float64 { return t.Lift }), nil),
		ps.of(traitP), qs.of(traitQ),
		traitVerdict.Array(each(rows, func(t traitRow) string { return string(t.Verdict) }), nil),
	)
}

// each returns f of each of xs.
func each[X, Y any](xs []X, f func(X) Y) []Y {
	out := make([]Y, len(xs))
	for i, x := range xs {
		out[i] = f(x)
	}
	return out
}
