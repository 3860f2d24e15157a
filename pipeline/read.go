package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// ErrNothing is wrapped where there is nothing published to read.
var ErrNothing = errors.New("nothing has been published")

// read runs the query called name over published tables. Without one of them there are no rows.
func (j *Job) read(ctx context.Context, name string, params map[string]any, tables ...frame.Table) frame.Batches {
	var rels []sql.Relation
	for _, t := range tables {
		ref, ok, err := j.Warehouse.Published(ctx, t)
		if err != nil {
			return frame.Fail(err)
		}
		if !ok {
			return frame.Of()
		}
		rels = append(rels, ref.Relation())
	}
	q, err := sql.Bind(name, j.Warehouse.Dialect(), params, rels...)
	if err != nil {
		return frame.Fail(err)
	}
	return j.Warehouse.Query(ctx, q)
}

// Runs lists the ledger: the latest line of each run, newest first; of one run where id is given.
func (j *Job) Runs(ctx context.Context, id string) frame.Batches {
	return j.read(ctx, "runs", map[string]any{"run_id": id}, warehouse.Runs)
}

// Checks lists the checks of a run, what failed first.
func (j *Job) Checks(ctx context.Context, id string) frame.Batches {
	return j.read(ctx, "run_checks", map[string]any{"run_id": id}, runChecks)
}

// Rejects lists what became of the rows of a run's sources.
func (j *Job) Rejects(ctx context.Context, id string) frame.Batches {
	return j.read(ctx, "run_rejects", map[string]any{"run_id": id}, runRejects)
}

// CurrentDay is the day that the _current views show. Its error wraps ErrNothing where there is none.
func (j *Job) CurrentDay(ctx context.Context) (time.Time, error) {
	for b, err := range j.read(ctx, "current_day", nil, warehouse.Runs) {
		if err != nil {
			return time.Time{}, err
		}
		if b.NumRows() > 0 {
			return frame.TimeOf(asOfOut.Of(b).Value(0)), nil
		}
	}
	return time.Time{}, ErrNothing
}

// Definitions lists the segments of every segmentation, best first.
func (j *Job) Definitions(ctx context.Context) frame.Batches {
	return j.read(ctx, "report_definitions", nil, definitions)
}

// Segment tells what the segment called name is, by its definition, its profile and what conversions said on the current day.
func (j *Job) Segment(ctx context.Context, name string) (definition, profile, validated frame.Batches, err error) {
	day, err := j.CurrentDay(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	at := map[string]any{"segment": name, "as_of": frame.DayOf(day)}
	return j.read(ctx, "explain_segment", at, definitions), j.read(ctx, "explain_segment_profile", at, segmentProfiles),
		j.read(ctx, "explain_segment_validation", at, segmentValidation), nil
}

// Customer scores one customer again from what was published: the features of a day, through the stored models. It returns
// the features, and the outputs of every step. A zero day is the current one. Without the customer the batches are nil.
func (j *Job) Customer(ctx context.Context, id string, day time.Time) (features, outputs frame.Batch, err error) {
	if day.IsZero() {
		if day, err = j.CurrentDay(ctx); err != nil {
			return nil, nil, err
		}
	}
	at := map[string]any{"as_of": frame.DayOf(day), "customer_id": id}
	for b, err := range j.read(ctx, "customer_row", at, customer.Features) {
		if err != nil {
			return nil, nil, err
		}
		if b.NumRows() > 0 {
			features = frame.Select(b, customer.Features.Columns...)
		}
	}
	if features == nil {
		return nil, nil, nil
	}
	stored, err := j.storedJSON(ctx, generation{"stored", day})
	if err != nil {
		return nil, nil, err
	}
	c, err := j.load(stored)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", day.Format(time.DateOnly), err)
	}
	row := features
	for i, m := range c.models {
		out, err := m.Apply(ctx, frame.Select(row, c.sigs[i].Inputs...))
		if err != nil {
			return nil, nil, fmt.Errorf("apply %s: %w", c.steps[i].Name, err)
		}
		row = frame.Zip(row, out)
	}
	hidden, err := j.wasWithheld(ctx, c, at)
	if err != nil {
		return nil, nil, err
	}
	if j.Forecast != nil {
		row = j.withhold(row, hidden)
	}
	return features, frame.Select(row, c.outputs()...), nil
}

// wasWithheld says which forecasts of the customer and the day of at were published without their numbers.
func (j *Job) wasWithheld(ctx context.Context, c *chain, at map[string]any) (withheld, error) {
	for i, s := range c.steps {
		t, ok := stepTable(s, c.sigs[i])
		if !ok || j.Forecast == nil || !has(t.Columns, j.Forecast.Status.Name) {
			continue
		}
		ref, ok, err := j.Warehouse.Published(ctx, t)
		if err != nil || !ok {
			return withheld{}, err
		}
		q, err := sql.Bind("customer_row", j.Warehouse.Dialect(), at, ref.As(customer.Features.Name)) // any table has such a row
		if err != nil {
			return withheld{}, err
		}
		for b, err := range j.Warehouse.Query(ctx, q) {
			if err != nil {
				return withheld{}, err
			}
			if b.NumRows() > 0 {
				status := frame.Value(b, j.Forecast.Status.Name, 0)
				return withheld{orders: status == j.Forecast.WithheldAs, value: status == j.Forecast.ValueWithheldAs}, nil
			}
		}
	}
	return withheld{}, nil
}
