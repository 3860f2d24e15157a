package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"segments/pipeline/warehouse"
	"segments/transforms"
	"segments/transforms/frame"
)

// A chain is the fitted steps, in order.
type chain struct {
	steps  []Step
	sigs   []transforms.Signature
	models []transforms.Model
}

// fit fits every step on the features in ref. prev has the models to take over from, by step; nil in a backtest.
func (j *Job) fit(ctx context.Context, ref warehouse.Ref, prev map[string]transforms.Model) (*chain, error) {
	sigs, err := j.signatures()
	if err != nil {
		return nil, err
	}
	c := &chain{}
	for i, s := range j.Steps {
		ctx := j.step(ctx, "fit "+s.Name)
		in := c.stream(ctx, j.Warehouse, ref, sigs[i].FitInputs)
		m, err := s.Estimator.Fit(ctx, in, prev[s.Name])
		if err != nil {
			return nil, fmt.Errorf("fit %s: %w", s.Name, err)
		}
		c.steps, c.sigs, c.models = append(c.steps, s), append(c.sigs, sigs[i]), append(c.models, m)
	}
	return c, nil
}

// stream gives the columns want of the features in ref and of the outputs of the chain's steps, reading no other
// columns and applying no other steps than it takes.
func (c *chain) stream(ctx context.Context, w warehouse.Warehouse, ref warehouse.Ref, want []frame.Column) frame.Batches {
	apply, base := c.needs(want...)
	if len(want) == 0 {
		return frame.Of()
	}
	return parallel(w.Scan(ctx, ref, base...), func(b frame.Batch) (frame.Batch, error) {
		for _, i := range apply {
			out, err := c.models[i].Apply(ctx, frame.Select(b, c.sigs[i].Inputs...))
			if err != nil {
				return nil, fmt.Errorf("apply %s: %w", c.steps[i].Name, err)
			}
			b = frame.Zip(b, out)
		}
		return frame.Select(b, want...), nil
	})
}

// needs says which steps give the columns want, in order, and which features these steps and want take.
func (c *chain) needs(want ...frame.Column) (apply []int, features []frame.Column) {
	need := slices.Clone(want)
	outputs := c.outputs()
	for i := range slices.Backward(c.steps) {
		if !slices.ContainsFunc(c.sigs[i].Outputs, func(o frame.Column) bool { return has(need, o.Name) }) {
			continue
		}
		apply = append(apply, i)
		for _, in := range c.sigs[i].Inputs {
			if !has(need, in.Name) {
				need = append(need, in)
			}
		}
	}
	slices.Reverse(apply)
	return apply, slices.DeleteFunc(need, func(n frame.Column) bool { return has(outputs, n.Name) })
}

func has(cs []frame.Column, name string) bool {
	return slices.ContainsFunc(cs, func(c frame.Column) bool { return c.Name == name })
}

// outputs lists the outputs of all steps.
func (c *chain) outputs() []frame.Column {
	var out []frame.Column
	for _, s := range c.sigs {
		out = append(out, s.Outputs...)
	}
	return out
}

// segmentations lists what the models' outputs say about segments, the last step's first.
func (c *chain) segmentations() []transforms.Segmentation {
	var out []transforms.Segmentation
	for i := range slices.Backward(c.models) {
		out = append(out, c.models[i].Segmentations()...)
	}
	return out
}

// load makes the chain of stored models: what model_parameters has, by step.
func (j *Job) load(stored map[string]json.RawMessage) (*chain, error) {
	sigs, err := j.signatures()
	if err != nil {
		return nil, err
	}
	c := &chain{steps: j.Steps, sigs: sigs}
	for _, s := range j.Steps {
		data, ok := stored[s.Name]
		if !ok {
			return nil, fmt.Errorf("no stored model of step %s", s.Name)
		}
		m, err := s.Estimator.Load(data)
		if err != nil {
			return nil, fmt.Errorf("load the stored model of step %s: %w", s.Name, err)
		}
		c.models = append(c.models, m)
	}
	return c, nil
}
