package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// A Side is one of the two runs that Diff compares.
type Side struct {
	ID  string
	Day time.Time

	// Table finds a table of the run by its name, a published one or what is kept of it. ok is false where it has none.
	Table func(ctx context.Context, name string) (ref warehouse.Ref, ok bool, err error)
}

// A Difference is something that two runs say otherwise, or a figure of both. A value is an int64, a float64, a string, or nil
// where the run does not have it.
type Difference struct {
	About         string // checks, sources, segments, validation, parameters, rules or moves
	Name          string
	Before, After any
}

// sameParameter is the relative difference under which a learned number counts as the same.
const sameParameter = 0.01

// Diff says how the run b differs from the run a: checks that went otherwise, the used rows of the sources, the sizes of the core
// segments, how well each segmentation tells who converts, parameters and cuts that moved by 1 % or more, rules that were changed in
// between, and who moved on the day of b, by cause. Of a run without tables there is what the ledger has.
func (j *Job) Diff(ctx context.Context, a, b Side) ([]Difference, error) {
	var out []Difference
	for _, f := range []func(context.Context, Side, Side) ([]Difference, error){
		j.diffChecks, j.diffSources, j.diffSizes, j.diffValidation, j.diffParameters, j.diffRules, j.diffMoves,
	} {
		ds, err := f(ctx, a, b)
		if err != nil {
			return nil, err
		}
		out = append(out, ds...)
	}
	return out, nil
}

// values are those of a run by name, in an order of their own.
type values struct {
	names []string
	of    map[string]any
}

// both joins the values of two runs, those of the second first. Values that are alike are left out where not all are wanted.
func both(about string, a, b values, all bool, alike func(x, y any) bool) []Difference {
	var out []Difference
	for _, name := range slices.Concat(b.names, a.names) {
		if slices.ContainsFunc(out, func(d Difference) bool { return d.Name == name }) {
			continue
		}
		if x, y := a.of[name], b.of[name]; all || !alike(x, y) {
			out = append(out, Difference{about, name, x, y})
		}
	}
	return out
}

func equal(x, y any) bool { return x == y }

// collect reads the rows of in: value says what each of them is and is called, or that it is none of interest.
func collect(in frame.Batches, value func(b frame.Batch, i int) (name string, v any, ok bool)) (values, error) {
	out := values{of: map[string]any{}}
	for b, err := range in {
		if err != nil {
			return values{}, err
		}
		for i := range int(b.NumRows()) {
			if name, v, ok := value(b, i); ok {
				out.names, out.of[name] = append(out.names, name), v
			}
		}
	}
	return out, nil
}

// sides reads the query called name over the table of both runs. ok is false where one of them lacks it.
func (j *Job) sides(
	ctx context.Context, name, table string, params map[string]any, a, b Side, value func(frame.Batch, int) (string, any, bool),
) (x, y values, ok bool, err error) {
	if x, ok, err = j.side(ctx, name, table, params, a, value); err == nil && ok {
		y, ok, err = j.side(ctx, name, table, params, b, value)
	}
	return x, y, ok, err
}

func (j *Job) side(
	ctx context.Context, name, table string, params map[string]any, s Side, value func(frame.Batch, int) (string, any, bool),
) (values, bool, error) {
	ref, ok, err := s.Table(ctx, table)
	if err != nil || !ok {
		return values{}, false, err
	}
	all := map[string]any{"as_of": frame.DayOf(s.Day), "segmentation": j.CoreSegment, "horizon_days": int64(j.HorizonDays)}
	for k, v := range params {
		all[k] = v
	}
	q, err := sql.Bind(name, j.Warehouse.Dialect(), all, ref.Relation())
	if err != nil {
		return values{}, false, err
	}
	out, err := collect(j.Warehouse.Query(ctx, q), value)
	return out, true, err
}

func (j *Job) diffChecks(ctx context.Context, a, b Side) ([]Difference, error) {
	read := func(s Side) (values, error) {
		return collect(j.Checks(ctx, s.ID), func(b frame.Batch, i int) (string, any, bool) {
			return checkName.Of(b).Value(i) + " of " + checkSubject.Of(b).Value(i), checkState.Of(b).Value(i), true
		})
	}
	x, err := read(a)
	if err != nil {
		return nil, err
	}
	y, err := read(b)
	if err != nil {
		return nil, err
	}
	return both("checks", x, y, false, func(x, y any) bool {
		return x == y || x == nil && y == string(Passed) || y == nil && x == string(Passed) // what is new and fine is no news
	}), nil
}

func (j *Job) diffSources(ctx context.Context, a, b Side) ([]Difference, error) {
	read := func(s Side) (values, error) {
		return collect(j.Rejects(ctx, s.ID), func(b frame.Batch, i int) (string, any, bool) {
			return rejectSource.Of(b).Value(i), rejectRows.Of(b).Value(i), rejectReason.Of(b).Value(i) == "used"
		})
	}
	x, err := read(a)
	if err != nil {
		return nil, err
	}
	y, err := read(b)
	return both("sources", x, y, true, equal), err
}

func (j *Job) diffSizes(ctx context.Context, a, b Side) ([]Difference, error) {
	x, y, ok, err := j.sides(ctx, "diff_sizes", segmentProfiles.Name, nil, a, b, func(b frame.Batch, i int) (string, any, bool) {
		return segment.Of(b).Value(i), profileCustomers.Of(b).Value(i), true
	})
	if err != nil || !ok {
		return nil, err
	}
	for _, v := range []values{x, y} { // whom nobody is in has none
		for _, name := range slices.Concat(x.names, y.names) {
			if v.of[name] == nil {
				v.of[name] = int64(0)
			}
		}
	}
	return both("segments", x, y, true, equal), nil
}

func (j *Job) diffValidation(ctx context.Context, a, b Side) ([]Difference, error) {
	x, y, ok, err := j.sides(ctx, "diff_validation", segmentationValidation.Name, nil, a, b, func(b frame.Batch, i int) (string, any, bool) {
		name := "AUC of " + segmentation.Of(b).Value(i) + " (" + conversionKind.Of(b).Value(i) + ")"
		if v := auc.Of(b); v.IsValid(i) {
			return name, v.Value(i), true
		}
		return name, nil, true
	})
	if err != nil || !ok {
		return nil, err
	}
	return both("validation", x, y, false, equal), nil
}

func (j *Job) diffParameters(ctx context.Context, a, b Side) ([]Difference, error) {
	x, y, ok, err := j.sides(ctx, "diff_parameters", modelParameters.Name, nil, a, b, func(b frame.Batch, i int) (string, any, bool) {
		name := step.Of(b).Value(i) + "." + parameter.Of(b).Value(i)
		if v := value.Of(b); v.IsValid(i) {
			return name, v.Value(i), true
		}
		return name, text.Of(b).Value(i), true
	})
	if err != nil || !ok {
		return nil, err
	}
	return both("parameters", x, y, false, func(x, y any) bool {
		v, ok1 := x.(float64)
		w, ok2 := y.(float64)
		if !ok1 || !ok2 {
			return x == y
		}
		return math.Abs(v-w) <= sameParameter*max(math.Abs(v), math.Abs(w))
	}), nil
}

// diffRules are the rules that read as they do only since the earlier of the two days.
func (j *Job) diffRules(ctx context.Context, a, b Side) ([]Difference, error) {
	if b.Day.Before(a.Day) {
		a, b = b, a
	}
	now, ok, err := j.side(ctx, "diff_rules", definitions.Name, map[string]any{"since": frame.DayOf(a.Day)}, b,
		func(b frame.Batch, i int) (string, any, bool) {
			return fmt.Sprintf("%s of %s", segment.Of(b).Value(i), segmentation.Of(b).Value(i)), "now " + definitionRule.Of(b).Value(i), true
		})
	if err != nil || !ok {
		return nil, err
	}
	return both("rules", values{}, now, true, equal), nil
}

// diffMoves are those of the second run alone, since the run that it builds on.
func (j *Job) diffMoves(ctx context.Context, _, b Side) ([]Difference, error) {
	now, ok, err := j.side(ctx, "diff_moves", segmentTransitions.Name, nil, b, func(b frame.Batch, i int) (string, any, bool) {
		return moveCause.Of(b).Value(i), profileCustomers.Of(b).Value(i), true
	})
	if err != nil || !ok {
		return nil, err
	}
	return both("moves", values{}, now, true, equal), nil
}
