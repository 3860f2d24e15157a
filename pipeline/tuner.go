package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"segments/pipeline/tune"
	"segments/pipeline/warehouse"
	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/quantile"
)

// A tuner has the cells of a Tunable.
type tuner struct {
	Tunable
	chain *chain
	first transforms.Estimator // of the first of Steps
	model transforms.Model     // in force
	now   [][]float64          // the thresholds in force
	why   []string             // why nothing is proposed of each; empty where something may be
	cells []tune.Cell

	choices [][]float64
}

// newTuner counts the customers in ref by cell.
func newTuner(ctx context.Context, j *Job, c *chain, t Tunable, ref warehouse.Ref, seed uint64) (*tuner, error) {
	w := &tuner{Tunable: t, chain: c}
	at := slices.IndexFunc(c.steps, func(s Step) bool { return s.Name == t.Steps[0] })
	w.first, w.model = c.steps[at].Estimator, c.models[at]
	edges := make([][]float64, len(t.Measures))
	for m, measure := range t.Measures {
		edges[m] = slices.Clone(measure.Edges)
	}
	for _, th := range t.Thresholds {
		now, why := th.Now(w.first, w.model)
		choices := th.Choices
		if choices == nil && !th.Fixed {
			var err error
			if choices, err = quantilesOf(ctx, j.Warehouse, ref, t.Measures[th.Measure].Column); err != nil {
				return nil, err
			}
		}
		w.now, w.why, w.choices = append(w.now, now), append(w.why, why), append(w.choices, choices)
		for _, v := range slices.Concat(now, choices) {
			if th.Least {
				v--
			}
			edges[th.Measure] = append(edges[th.Measure], v)
		}
	}
	for m := range edges {
		slices.Sort(edges[m])
		edges[m] = slices.Compact(edges[m])
	}
	if w.open() == 0 {
		return w, nil
	}
	counts := tune.NewCounts(edges)
	segmentation := frame.String(t.Segmentation, "").Null()
	want := cols(customer.ID, tuningConverted, segmentation)
	for _, m := range t.Measures {
		want = append(want, m.Column)
	}
	for b, err := range c.stream(ctx, j.Warehouse, ref, want) {
		if err != nil {
			return nil, err
		}
		ids, converted, segment := customer.ID.Of(b), tuningConverted.Of(b), segmentation.Of(b)
		read := make([]func(int) float64, len(t.Measures))
		for m, measure := range t.Measures {
			read[m] = reading(b, measure.Column)
		}
		values := make([]float64, len(read))
		for i := range int(b.NumRows()) {
			for m := range read {
				values[m] = read[m](i)
			}
			if !counts.Add(values, segment.Value(i), tune.Half(seed, ids.Value(i)), converted.Value(i)) {
				return nil, fmt.Errorf("customers who are alike in all measures are in several segments, one of them %s", segment.Value(i))
			}
		}
	}
	w.cells = counts.Cells()
	return w, nil
}

// reading returns what reads a column of numbers, NaN where it is NULL.
func reading(b frame.Batch, c frame.Column) func(row int) float64 {
	if c.Kind == frame.Float64Kind {
		a := frame.Float64(c.Name, "").Of(b)
		return func(i int) float64 {
			if a.IsNull(i) {
				return math.NaN()
			}
			return a.Value(i)
		}
	}
	a := frame.Int64(c.Name, "").Of(b)
	return func(i int) float64 {
		if a.IsNull(i) {
			return math.NaN()
		}
		return float64(a.Value(i))
	}
}

// quantilesOf returns the 19 twentieths of the values of a column that are above 0, rounded to two digits.
func quantilesOf(ctx context.Context, w warehouse.Warehouse, ref warehouse.Ref, c frame.Column) ([]float64, error) {
	var ps []float64
	for k := 1; k < 20; k++ {
		ps = append(ps, float64(k)/20)
	}
	qs, _, err := quantile.Of(ctx, w.Scan(ctx, ref, c), func(b frame.Batch, yield func(float64)) {
		read := reading(b, c)
		for i := range int(b.NumRows()) {
			if v := read(i); v > 0 {
				yield(v)
			}
		}
	}, ps...)
	for i, q := range qs {
		digit := math.Pow(10, math.Floor(math.Log10(q))-1)
		qs[i] = math.Round(q/digit) * digit
		if digit < 1 {
			inverse := math.Round(1 / digit)
			qs[i] = math.Round(q*inverse) / inverse // rather than a product with what is no binary fraction
		}
	}
	return slices.Compact(qs), err
}

// open returns how many hyperparameters may be changed.
func (w *tuner) open() (n int) {
	for k, th := range w.Thresholds {
		if !th.Fixed && w.why[k] == "" {
			n++
		}
	}
	return n
}

// segments returns the segment of each cell with the estimator e as the first step; not ok where e makes no sense.
func (w *tuner) segments(ctx context.Context, e transforms.Estimator) (of []string, ok bool, err error) {
	if _, err := e.Signature(); err != nil {
		return nil, false, nil //nolint:nilerr // thresholds that may not stand together
	}
	m, err := e.Fit(ctx, frame.Of(), w.model) // what was learned is taken over
	if err != nil {
		return nil, false, err
	}
	column := frame.String(w.Segmentation, "").Null()
	b := w.Customers(e, w.cells)
	for _, name := range w.Steps {
		i := slices.IndexFunc(w.chain.steps, func(s Step) bool { return s.Name == name })
		model := w.chain.models[i]
		if name == w.Steps[0] {
			model = m
		}
		out, err := model.Apply(ctx, frame.Select(b, w.chain.sigs[i].Inputs...))
		if err != nil {
			return nil, false, err
		}
		b = frame.Zip(b, out)
	}
	a := column.Of(b)
	of = make([]string, len(w.cells))
	for i := range of {
		of[i] = a.Value(i)
	}
	return of, true, nil
}

// proposals searches each hyperparameter alone, and judges those together that are better.
func (w *tuner) proposals(ctx context.Context, z float64, minConverters int64) ([]Proposal, error) {
	now := make([]string, len(w.cells))
	for i, c := range w.cells {
		now[i] = c.Segment
	}
	few := ""
	if n := tune.Fewest(w.cells); n < minConverters || n < 2 {
		few = fmt.Sprintf("a half of the customers has only %d who converted, or who did not; %d are needed (validation.gate.min_converters)",
			n, max(minConverters, 2))
	}
	var out []Proposal
	var better []int
	found := make([][]float64, len(w.Thresholds))
	for k, th := range w.Thresholds {
		if th.Fixed {
			continue
		}
		p := Proposal{
			Step: w.Steps[0], Parameter: th.Name, Segmentation: w.Segmentation, Verdict: TuneNotEvaluated, Reason: w.why[k],
		}
		if w.now[k] != nil {
			p.Now = th.Text(w.now[k])
		}
		if p.Reason == "" {
			p.Reason = few
		}
		if p.Reason == "" {
			f, err := w.search(ctx, k, now)
			if err != nil {
				return nil, err
			}
			p.judge(w.cells, now, f, z)
			if f.Moved {
				p.Proposed = th.Text(f.Thresholds)
			}
			if p.Verdict == TuneBetter {
				better, found[k] = append(better, k), f.Thresholds
			}
		}
		out = append(out, p)
	}
	if len(better) < 2 {
		return out, nil
	}
	e, p := w.first, Proposal{Step: w.Steps[0], Parameter: Together, Segmentation: w.Segmentation, Verdict: TuneNotEvaluated}
	var names []string
	for _, k := range better {
		e, names = w.Thresholds[k].With(e, found[k]), append(names, w.Thresholds[k].Name)
	}
	p.Proposed = strings.Join(names, ", ")
	segments, ok, err := w.segments(ctx, e)
	if err != nil {
		return nil, err
	}
	if p.Reason = "they may not stand together"; ok {
		p.judge(w.cells, now, tune.Found{Segments: segments, Moved: true, Differs: true}, z)
	}
	return append(out, p), nil
}

// search looks for better numbers of the k-th threshold.
func (w *tuner) search(ctx context.Context, k int, now []string) (tune.Found, error) {
	s := tune.Search{Cells: w.cells, Now: w.now[k]}
	for range w.now[k] {
		s.Choices = append(s.Choices, w.choices[k])
	}
	first := true
	s.Segments = func(numbers []float64) ([]string, bool, error) {
		of, ok, err := w.segments(ctx, w.Thresholds[k].With(w.first, numbers))
		if err == nil && first && !slices.Equal(of, now) {
			err = errors.New("the customers that stand for the cells are in other segments than the customers")
		}
		first = false
		return of, ok, err
	}
	return s.Run()
}

// judge fills in what the half that was not searched says of f.
func (p *Proposal) judge(cells []tune.Cell, now []string, f tune.Found, z float64) {
	v, ok := tune.Judge(cells, now, f.Segments, z)
	if !ok {
		p.Reason = "too few converters"
		return
	}
	p.Verdict, p.AUCNow = TuneNothing, &v.Now
	if f.Moved {
		p.AUCThen, p.Gain, p.Movers = &v.Then, &v.Gain, v.Movers
	}
	switch {
	case !f.Differs:
		p.Reason = "no value that was tried puts anybody into another segment"
	case !f.Moved:
		p.Reason = fmt.Sprintf("none of %d values tried is better", f.Tried)
	case v.Better():
		p.Verdict, p.Reason = TuneBetter, "better on the customers that it was not chosen on"
	default:
		p.Reason = "better on the customers that it was chosen on, not shown on the others"
	}
}
