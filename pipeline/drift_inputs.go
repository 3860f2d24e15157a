package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"segments/pipeline/drift"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// growing are the features that time alone moves: what is counted from the beginning, and what has passed since a day.
// Over more than growsWithin days their distribution says more of the calendar than of the data.
var growing = []string{
	customer.Orders.Name, customer.PurchaseDays.Name, customer.DaysSinceLastOrder.Name, customer.BtydX.Name, customer.BtydTx.Name,
	customer.BtydAge.Name, customer.MonetaryTotal.Name, customer.RefundTotal.Name, customer.WebEventsEver.Name, customer.EmailEventsEver.Name,
	customer.EmailActionsEver.Name,
}

const growsWithin = 7

var (
	bucketGeneration = frame.Int64("generation", "")
	bucketFeature    = frame.String("feature", "")
	bucketNumber     = frame.Int64("bucket", "").Null()
	bucketText       = frame.String("value", "").Null()
)

// driftFeatures compares the features: one query counts them all.
func (r *run) driftFeatures(ctx context.Context, features warehouse.Ref, since []generation) ([]drifted, error) {
	d := r.Warehouse.Dialect()
	published, ok, err := r.Warehouse.Published(ctx, customer.Features)
	if err != nil || !ok {
		return nil, err
	}
	params := map[string]any{"min_group": r.MinGroup}
	generations := []sql.Relation{features.Relation()}
	for i, g := range since {
		name := fmt.Sprintf("as_of_%d", i+1)
		params[name] = frame.DayOf(g.asOf)
		generations = append(generations, published.Relation().Where(d, "as_of", name))
	}
	watched := watchedFeatures(published.Lacking)
	q, err := r.resolve("drift_features", params, []sql.Relation{sql.Buckets(d, watched, generations...)})
	if err != nil {
		return nil, err
	}
	type key struct {
		feature string
		number  int64
		text    string
		null    bool
	}
	counts := make([]map[key]int64, len(generations))
	for i := range counts {
		counts[i] = map[key]int64{}
	}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("count features: %w", err)
		}
		for i := range int(b.NumRows()) {
			k := key{feature: bucketFeature.Of(b).Value(i)}
			number, text := bucketNumber.Of(b), bucketText.Of(b)
			switch {
			case number.IsValid(i):
				k.number = number.Value(i)
			case text.IsValid(i):
				k.text = text.Value(i)
			default:
				k.null = true
			}
			counts[bucketGeneration.Of(b).Value(i)][k] += profileCustomers.Of(b).Value(i)
		}
	}
	var out []drifted
	for i, g := range since {
		merged := map[key]drift.Bucket{}
		for side, m := range []map[key]int64{counts[i+1], counts[0]} {
			for k, n := range m {
				b := merged[k]
				b.Number, b.Text, b.Null = k.number, k.text, k.null
				if side == 0 {
					b.Before = n
				} else {
					b.Now = n
				}
				merged[k] = b
			}
		}
		byFeature := map[string][]drift.Bucket{}
		for k, b := range merged {
			byFeature[k.feature] = append(byFeature[k.feature], b)
		}
		for _, col := range watched {
			f, ok := drift.Feature(col.Name, kindOf(col), byFeature[col.Name]) // sorts the buckets
			if !ok {
				continue
			}
			days := daysBetween(g.asOf, r.AsOf)
			switch {
			case f.State != drift.Warned:
			case days > growsWithin && slices.Contains(growing, col.Name):
				f.State, f.Reason = drift.Expected, fmt.Sprintf("it grows with time, and %d days have passed", days)
			case col.Name == customer.EmailDelivered.Name:
				f.State, f.Reason = drift.Expected, "it is what the shop sent: everybody gets one more, or one less"
			}
			out = append(out, drifted{g, driftFeature, f})
		}
	}
	return out, nil
}

func daysBetween(from, to time.Time) int { return int(frame.DayOf(to) - frame.DayOf(from)) }

// watchedFeatures are the numbers, flags and texts among the customer features; lacking are those that the published table
// does not have yet.
func watchedFeatures(lacking []string) []frame.Column {
	var out []frame.Column
	for _, c := range customer.Features.Columns {
		switch {
		case slices.Contains(customer.Features.Key, c.Name), c.Name == customer.PreviousCoreSegment.Name, slices.Contains(lacking, c.Name):
		case c.Kind == frame.DateKind, c.Kind == frame.TimestampKind: // days since then say it
		default:
			out = append(out, c)
		}
	}
	return out
}

func kindOf(c frame.Column) drift.Kind {
	switch c.Kind {
	case frame.StringKind:
		return drift.Text
	case frame.BoolKind:
		return drift.Flag
	}
	return drift.Number
}

// sizesByDay are customers by day, segmentation and segment.
type sizesByDay map[frame.Day]map[string]map[string]int64

// driftSizes reads the sizes of the segments now and on the days that they are compared with.
func (r *run) driftSizes(ctx context.Context) (sizesByDay, error) {
	published, ok, err := r.Warehouse.Published(ctx, segmentProfiles)
	if err != nil || !ok {
		return nil, err
	}
	params := map[string]any{"previous_as_of": frame.DayOf(r.prev.asOf), "far_as_of": frame.DayOf(r.back.far.asOf)}
	q, err := r.resolve("drift_segments", params, []sql.Relation{r.profiled.As("profiles_now"), published.Relation()})
	if err != nil {
		return nil, err
	}
	sizes := sizesByDay{}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("compare sizes: %w", err)
		}
		for i := range int(b.NumRows()) {
			day, of := customer.AsOf.Of(b).Value(i), segmentation.Of(b).Value(i)
			if sizes[day] == nil {
				sizes[day] = map[string]map[string]int64{}
			}
			if sizes[day][of] == nil {
				sizes[day][of] = map[string]int64{}
			}
			sizes[day][of][segment.Of(b).Value(i)] = profileCustomers.Of(b).Value(i)
		}
	}
	return sizes, nil
}

// driftSegments compares the shares and sizes of segments, but for those that were found in the data: there the same name
// need not mean the same group.
func (r *run) driftSegments(c *chain, since []generation, sizes sizesByDay) []drifted {
	var out []drifted
	today := sizes[frame.DayOf(r.AsOf)]
	for _, g := range since {
		was := sizes[frame.DayOf(g.asOf)]
		for _, s := range r.segmentationsOf(c) {
			if s.Fitted || was[s.Name] == nil { // it is new
				continue
			}
			var buckets []drift.Bucket
			for _, name := range segmentNames(was[s.Name], today[s.Name]) {
				before, now := was[s.Name][name], today[s.Name][name]
				buckets = append(buckets, drift.Bucket{Text: name, Before: before, Now: now})
				if s.Name == r.CoreSegment { // those of short windows come and go
					out = append(out, drifted{g, driftSize, drift.Size(s.Name+"/"+name, before, now)})
				}
			}
			if f, ok := drift.Shares(s.Name, buckets); ok {
				out = append(out, drifted{g, driftShare, f})
			}
		}
	}
	return out
}

// segmentNames lists the keys of both maps, each once, sorted.
func segmentNames(a, b map[string]int64) []string {
	var out []string
	for _, m := range []map[string]int64{a, b} {
		for name := range m {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// driftParameters compares what the models learned.
func (r *run) driftParameters(ctx context.Context, c *chain, since []generation) ([]drifted, error) {
	published, ok, err := r.Warehouse.Published(ctx, modelParameters)
	if err != nil || !ok {
		return nil, err
	}
	params := map[string]any{"previous_as_of": frame.DayOf(r.prev.asOf), "far_as_of": frame.DayOf(r.back.far.asOf)}
	q, err := r.resolve("drift_parameters", params, []sql.Relation{published.Relation()})
	if err != nil {
		return nil, err
	}
	before := map[frame.Day]map[string]float64{}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("read what models learned: %w", err)
		}
		for i := range int(b.NumRows()) {
			day := customer.AsOf.Of(b).Value(i)
			if before[day] == nil {
				before[day] = map[string]float64{}
			}
			before[day][step.Of(b).Value(i)+"."+parameter.Of(b).Value(i)] = value.Of(b).Value(i)
		}
	}
	now := map[string]float64{}
	for i, m := range c.models {
		for _, p := range m.Report().Params {
			now[c.steps[i].Name+"."+p.Name] = p.Value
		}
	}
	var out []drifted
	for i, g := range since {
		for _, f := range drift.Parameters(before[frame.DayOf(g.asOf)], now) {
			kind := driftParameter
			if strings.Contains(f.Name, "_cut_") {
				kind = driftCut
				if f.State == drift.Warned && i > 0 {
					f.State, f.Reason = drift.Expected, "it was told when it moved"
				}
			}
			out = append(out, drifted{g, kind, f})
		}
	}
	return out, nil
}
