package pipeline

import (
	"context"
	"encoding/json"
	"fmt"

	"segments/pipeline/warehouse"
	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// stage applies the chain to the features and stages every table that is published.
func (r *run) stage(ctx context.Context, c *chain, features warehouse.Ref, w withheld) ([]warehouse.Ref, error) {
	refs, err := r.apply(ctx, c, features, w)
	if err != nil {
		return nil, err
	}
	labels := refs[0]
	r.applied = refs
	refs = append(refs, features)
	for _, f := range []func(context.Context, *chain) ([]warehouse.Ref, error){r.stageParameters, r.stageLearned, r.stageDefinitions} {
		more, err := f(ctx, c)
		if err != nil {
			return nil, err
		}
		refs = append(refs, more...)
	}
	for _, f := range []func(context.Context, *chain, warehouse.Ref, warehouse.Ref) ([]warehouse.Ref, error){
		r.stageMoves, r.stageAggregates, r.stageTraits, r.stageExperiments, r.stageShifts, r.stageDrift, r.stageChannels,
	} {
		more, err := f(ctx, c, features, labels)
		if err != nil {
			return nil, err
		}
		refs = append(refs, more...)
	}
	return refs, nil
}

// apply runs every batch of features through the chain once and writes it to every output table, customer_segments first.
func (r *run) apply(ctx context.Context, c *chain, features warehouse.Ref, w withheld) (refs []warehouse.Ref, err error) {
	ctx = beginSpan(ctx, "apply")
	tables := []frame.Table{r.customerSegments()}
	for i, s := range c.steps {
		if t, ok := stepTable(s, c.sigs[i]); ok {
			tables = append(tables, t)
		}
	}
	var want []frame.Column
	writers := make([]warehouse.Writer, len(tables))
	for i, t := range tables {
		for _, col := range t.Columns {
			if !has(want, col.Name) {
				want = append(want, col)
			}
		}
		if writers[i], err = r.Warehouse.Stage(ctx, t); err != nil {
			return nil, fmt.Errorf("stage %s: %w", t.Name, err)
		}
		defer func() {
			if err != nil {
				_ = writers[i].Abort() // err says what happened
			}
		}()
	}
	in := c.stream(ctx, r.Warehouse, features, want)
	var done int64
	for b, err := range in {
		if err != nil {
			return nil, fmt.Errorf("apply: %w", err)
		}
		if w.orders || w.value {
			b = r.withhold(b, w)
		}
		for i, t := range tables {
			if err := writers[i].Write(frame.Select(b, t.Columns...)); err != nil {
				return nil, fmt.Errorf("stage %s: %w", t.Name, err)
			}
		}
		done += b.NumRows()
		r.progress("apply", done, features.Rows)
	}
	return commit(writers, func(i int) frame.Table { return tables[i] })
}

// withheld says which forecasts must not be published: those of orders, and with them of value, or those of value alone.
type withheld struct{ orders, value bool }

// withhold is b without the forecasts of w, and with the reason in the status of who had one.
func (j *Job) withhold(b frame.Batch, w withheld) frame.Batch {
	f := j.Forecast
	hidden, reason, judged := f.WithholdValue, f.ValueWithheldAs, f.Value
	switch {
	case w.orders:
		hidden, reason, judged = f.Withhold, f.WithheldAs, f.Orders
	case !w.value:
		return b
	}
	n := int(b.NumRows())
	forecast, old := frame.Float64(judged.Name, "").Of(b), frame.String(f.Status.Name, "").Of(b)
	status := make([]string, n)
	for i := range n {
		if status[i] = old.Value(i); forecast.IsValid(i) {
			status[i] = reason
		}
	}
	with := []frame.Data{frame.String(f.Status.Name, f.Status.Doc).Array(status, nil)}
	for _, col := range hidden {
		with = append(with, frame.NullsOf(col, n))
	}
	return frame.With(b, with...)
}

// stageParameters stages what every model learned, and the models themselves.
func (r *run) stageParameters(ctx context.Context, c *chain) ([]warehouse.Ref, error) {
	var steps, names, texts []string
	var values []float64
	var isNumber []bool
	put := func(s, name string, v float64, t string, number bool) {
		steps, names, values, texts, isNumber = append(steps, s), append(names, name), append(values, v), append(texts, t), append(isNumber, number)
	}
	for i, m := range c.models {
		name := c.steps[i].Name
		js, err := json.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("store the model of %s: %w", name, err)
		}
		report := m.Report()
		put(name, "model", 0, string(js), false)
		put(name, "status", 0, report.Status, false)
		for _, p := range report.Params {
			put(name, p.Name, p.Value, "", true)
		}
		state := Passed
		if report.Status != "ok" {
			state = Warned
		}
		r.check(checkFit, name, state, "%s", report.Status)
		for _, w := range report.Warnings {
			r.warnings = append(r.warnings, name+": "+w)
		}
	}
	isText := make([]bool, len(isNumber))
	for i, n := range isNumber {
		isText[i] = !n
	}
	ref, err := r.stageBatch(ctx, modelParameters, frame.Record(
		customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), len(steps)), nil), step.Array(steps, nil), parameter.Array(names, nil),
		value.Array(values, isNumber), text.Array(texts, isText)))
	return []warehouse.Ref{ref}, err
}

// stageLearned stages the tables of what was learned.
func (r *run) stageLearned(ctx context.Context, c *chain) ([]warehouse.Ref, error) {
	var ts []staging
	for i, m := range c.models {
		for k, b := range m.Learned() {
			dated := frame.Zip(frame.Record(customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), int(b.NumRows())), nil)), b)
			ts = append(ts, staging{learnedTable(c.sigs[i].Learned[k]), []frame.Batch{dated}})
		}
	}
	return r.stageBatches(ctx, ts...)
}

// stageDefinitions stages what each segment means. A definition that reads as the published one keeps its first day.
func (r *run) stageDefinitions(ctx context.Context, c *chain) ([]warehouse.Ref, error) {
	before, err := r.publishedDefinitions(ctx)
	if err != nil {
		return nil, err
	}
	var ds []definition
	for _, s := range c.segmentations() {
		for i, g := range s.Segments {
			ds = append(ds, definition{s.Name, g.Name, int64(i + 1), g.Parent, g.Rule, g.Action})
		}
	}
	n := len(ds)
	ss, gs, parents, rules, actions := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	hasParent, hasAction := make([]bool, n), make([]bool, n)
	orders, from := make([]int64, n), make([]frame.Day, n)
	for i, d := range ds {
		ss[i], gs[i], orders[i], parents[i], rules[i], actions[i] = d.segmentation, d.segment, d.order, d.parent, d.rule, d.action
		hasParent[i], hasAction[i] = d.parent != "", d.action != ""
		from[i] = frame.DayOf(r.AsOf)
		if day, ok := before[d]; ok {
			from[i] = min(day, from[i])
		}
	}
	ref, err := r.stageBatch(ctx, definitions, frame.Record(segmentation.Array(ss, nil), segment.Array(gs, nil), definitionOrder.Array(orders, nil),
		definitionParent.Array(parents, hasParent), definitionRule.Array(rules, nil), definitionAction.Array(actions, hasAction), validFrom.Array(from, nil)))
	return []warehouse.Ref{ref}, err
}

// A definition is a row of segment_definitions but for its first day.
type definition struct {
	segmentation, segment string
	order                 int64
	parent, rule, action  string
}

func (r *run) publishedDefinitions(ctx context.Context) (map[definition]frame.Day, error) {
	out := map[definition]frame.Day{}
	ref, ok, err := r.Warehouse.Published(ctx, definitions)
	if err != nil || !ok {
		return out, err
	}
	for b, err := range r.Warehouse.Scan(ctx, ref, definitions.Columns...) {
		if err != nil {
			return nil, fmt.Errorf("read segment_definitions: %w", err)
		}
		for i := range int(b.NumRows()) {
			out[definition{
				segmentation.Of(b).Value(i), segment.Of(b).Value(i), definitionOrder.Of(b).Value(i), definitionParent.Of(b).Value(i),
				definitionRule.Of(b).Value(i), definitionAction.Of(b).Value(i),
			}] = validFrom.Of(b).Value(i)
		}
	}
	return out, nil
}

// segmentationsOf lists the segmentations that customer_segments has.
func (r *run) segmentationsOf(c *chain) []transforms.Segmentation {
	wide := r.customerSegments().Columns
	var out []transforms.Segmentation
	for _, s := range c.segmentations() {
		if has(wide, s.Name) {
			out = append(out, s)
		}
	}
	return out
}
