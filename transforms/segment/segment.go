// Package segment gives every customer one core segment: the RFM segment of who has bought, Browser for who has never
// bought but was active on the web or by e-mail, Prospect for who is known and has done nothing. With the default segment
// map that makes twelve, always the same.
//
// A fit reads which RFM segments there are. It holds one count a segment, whatever the number of customers.
package segment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/rfm"
)

// The outputs.
var (
	Core      = frame.String("core_segment", "The core segment: the RFM segment, or Browser or Prospect for who has never bought; NULL only for buyers without an RFM segment, where there were no cuts to score by.").Null()
	CoreSince = frame.Date("core_segment_since", "Since when the customer is in the core segment: the first as-of day of an unbroken row of generations; NULL without a core segment.").Null()
)

// The core segments of who has never bought.
const (
	browser  = "Browser"
	prospect = "Prospect"
)

// An Estimator has no hyperparameters. Make one with New.
type Estimator struct{}

var _ transforms.Estimator = (*Estimator)(nil)

// New returns the estimator.
func New() transforms.Estimator { return &Estimator{} }

// Signature implements transforms.Estimator. It never fails.
func (e *Estimator) Signature() (transforms.Signature, error) {
	return transforms.Signature{
		FitInputs: []frame.Column{rfm.SegmentColumn.Column, rfm.RScore.Column, rfm.FScore.Column},
		Inputs: []frame.Column{
			rfm.SegmentColumn.Column, customer.AsOf.Column, customer.DaysSinceLastOrder.Column,
			customer.WebEventsEver.Column, customer.EmailActionsEver.Column,
			customer.PreviousCoreSegment.Column, customer.PreviousSince.Column,
		},
		Outputs: []frame.Column{Core.Column, CoreSince.Column},
	}, nil
}

// A model is what the core segments mean.
type model struct {
	Segments []transforms.Segment `json:"segments"` // best first
	Buyers   int64                `json:"buyers"`   // how many customers had an RFM segment
}

// Fit implements transforms.Estimator.
func (e *Estimator) Fit(ctx context.Context, in frame.Batches, _ transforms.Model) (transforms.Model, error) {
	seen := map[string]*tally{}
	m := &model{}
	for b, err := range in {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		name, r, f := rfm.SegmentColumn.Of(b), rfm.RScore.Of(b), rfm.FScore.Of(b)
		for i := range name.Len() {
			if name.IsNull(i) {
				continue
			}
			t := seen[name.Value(i)]
			if t == nil {
				t = &tally{}
				seen[name.Value(i)] = t
			}
			t.customers++
			t.scores += r.Value(i) + f.Value(i)
			m.Buyers++
		}
	}
	for _, s := range buyers(seen) {
		s.Rule += " Its exact rule is that of the same rfm_segment."
		m.Segments = append(m.Segments, s)
	}
	m.Segments = append(m.Segments,
		transforms.Segment{
			Name: browser, Rule: "Bought nothing, or gave all of it back, but was active on the web or opened or clicked an e-mail.",
			Action: "Show what they looked at and give a reason for the first purchase.",
		},
		transforms.Segment{
			Name: prospect, Rule: "Known, but bought nothing, or gave all of it back, was never seen on the web and never opened or clicked an e-mail.",
			Action: "Introduce the brand; take out who stays silent.",
		},
	)
	return m, nil
}

// A tally is the number of customers in an RFM segment and the sum of their recency and frequency scores.
type tally struct{ customers, scores int64 }

// buyers describes the RFM segments, best first: all segments of the shipped map that the seen ones are from, or else
// those seen, by the mean of their customers' recency and frequency scores.
func buyers(seen map[string]*tally) []transforms.Segment {
	for _, name := range []string{"rf10", "rxfm", "rfxm"} {
		segs := rfm.Describe(name)
		known := 0
		for _, s := range segs {
			if seen[s.Name] != nil {
				known++
			}
		}
		if known == len(seen) {
			return segs
		}
	}
	names := slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		ta, tb := seen[a], seen[b]
		return cmp.Or(cmp.Compare(tb.scores*ta.customers, ta.scores*tb.customers), cmp.Compare(a, b))
	})
	var segs []transforms.Segment
	for _, name := range names {
		segs = append(segs, transforms.Segment{Name: name, Rule: fmt.Sprintf("Buyers that the configured segment map calls %s.", name)})
	}
	return segs
}

// Load implements transforms.Estimator.
func (e *Estimator) Load(data json.RawMessage) (transforms.Model, error) {
	var m model
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("segment: stored model: %w", err)
	}
	if len(m.Segments) == 0 {
		return nil, errors.New("segment: stored model: no segments")
	}
	return &m, nil
}

// MarshalJSON implements json.Marshaler.
func (m *model) MarshalJSON() ([]byte, error) {
	type plain model
	return json.Marshal((*plain)(m))
}

// Apply implements transforms.Model.
func (m *model) Apply(_ context.Context, b frame.Batch) (frame.Batch, error) {
	name, asOf, recency := rfm.SegmentColumn.Of(b), customer.AsOf.Of(b), customer.DaysSinceLastOrder.Of(b)
	web, email := customer.WebEventsEver.Of(b), customer.EmailActionsEver.Of(b)
	before, since := customer.PreviousCoreSegment.Of(b), customer.PreviousSince.Of(b)

	n := int(b.NumRows())
	core, known, from := make([]string, n), make([]bool, n), make([]arrow.Date32, n)
	for i := range n {
		known[i] = true
		switch {
		case name.IsValid(i):
			core[i] = name.Value(i)
		case recency.IsValid(i): // bought, and yet without a segment
			known[i] = false
		case web.IsValid(i) && web.Value(i) > 0, email.IsValid(i) && email.Value(i) > 0:
			core[i] = browser
		default:
			core[i] = prospect
		}
		from[i] = asOf.Value(i)
		if before.IsValid(i) && before.Value(i) == core[i] && since.IsValid(i) {
			from[i] = since.Value(i)
		}
	}
	return frame.Record(Core.Array(core, known), CoreSince.Array(from, known)), nil
}

// Learned implements transforms.Model: nothing is.
func (m *model) Learned() []frame.Batch { return nil }

// Segmentations implements transforms.Model.
func (m *model) Segmentations() []transforms.Segmentation {
	return []transforms.Segmentation{{
		Name:     Core.Name,
		Doc:      "One segment for every customer: where they stand between unknown and loyal.",
		Segments: slices.Clone(m.Segments),
	}}
}

// Report implements transforms.Model.
func (m *model) Report() transforms.Report {
	r := transforms.Report{
		Status: "ok",
		Params: []transforms.Param{{Name: "buyers", Value: float64(m.Buyers)}, {Name: "segments", Value: float64(len(m.Segments))}},
	}
	if m.Buyers == 0 {
		r.Status, r.Warnings = "no_buyers", []string{"nobody has an RFM segment: the core segments are those of the default map"}
	}
	return r
}
