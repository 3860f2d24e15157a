// Package transformstest checks that a transform meets its contract.
package transformstest

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"segments/transforms"
	"segments/transforms/frame"
)

// Run checks that e meets the contract of transforms.Estimator on data, a sample with all columns of the signature and
// some thousand rows: the signature holds, nothing depends on the order or the batching of rows, a stored model scores
// as the fitted one does, no output is NaN, infinite or outside its declared values, and no rows are no problem.
func Run(t *testing.T, e transforms.Estimator, data frame.Batch) {
	t.Helper()
	ctx := context.Background()
	sig, err := e.Signature()
	if err != nil {
		t.Fatalf("Signature: %v", err)
	}
	before := asJSON(t, e)
	if err := frame.Check(data.Schema(), append(slices.Clone(sig.FitInputs), sig.Inputs...)...); err != nil {
		t.Fatalf("sample data: %v", err)
	}
	whole := fit(t, e, nil, frame.Select(data, sig.FitInputs...))
	want := apply(t, whole, sig, frame.Select(data, sig.Inputs...))

	t.Run("outputs", func(t *testing.T) { checkOutputs(t, sig, want, int(data.NumRows())) })
	t.Run("learned", func(t *testing.T) { checkLearned(t, sig, whole) })
	t.Run("segmentations", func(t *testing.T) { checkSegmentations(t, sig, whole, want) })
	t.Run("report", func(t *testing.T) {
		r := whole.Report()
		if r.Status == "" {
			t.Error("Report has no Status")
		}
		for _, p := range r.Params {
			if !finite(p.Value) {
				t.Errorf("param %s is %v", p.Name, p.Value)
			}
		}
	})
	t.Run("same twice", func(t *testing.T) {
		equalModels(t, whole, fit(t, e, nil, frame.Select(data, sig.FitInputs...)))
		if after := asJSON(t, e); before != after {
			t.Errorf("Fit changed the estimator from %s to %s", before, after)
		}
	})
	t.Run("batching", func(t *testing.T) {
		var bs []frame.Batch
		for at := int64(0); at < data.NumRows(); {
			n := min(1+at%97*3, data.NumRows()-at)
			bs = append(bs, frame.Select(data, sig.FitInputs...).NewSlice(at, at+n))
			at += n
		}
		equalModels(t, whole, fit(t, e, nil, bs...))
	})
	t.Run("row order", func(t *testing.T) {
		perm := rand.New(rand.NewPCG(1, 2)).Perm(int(data.NumRows()))
		shuffled := Take(data, perm)
		m := fit(t, e, nil, frame.Select(shuffled, sig.FitInputs...))
		equalModels(t, whole, m)
		got := apply(t, m, sig, frame.Select(shuffled, sig.Inputs...))
		if !array.RecordEqual(got, Take(want, perm)) {
			t.Error("outputs depend on the order of the rows")
		}
	})
	t.Run("row by row", func(t *testing.T) {
		in := frame.Select(data, sig.Inputs...)
		for i := range min(50, in.NumRows()) {
			if got := apply(t, whole, sig, in.NewSlice(i, i+1)); !array.RecordEqual(got, want.NewSlice(i, i+1)) {
				t.Fatalf("row %d alone gives %v, among others %v", i, got, want.NewSlice(i, i+1))
			}
		}
	})
	t.Run("stored", func(t *testing.T) {
		js, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := e.Load(js)
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		equalModels(t, whole, loaded)
		if got := apply(t, loaded, sig, frame.Select(data, sig.Inputs...)); !array.RecordEqual(got, want) {
			t.Error("the loaded model scores otherwise than the fitted one")
		}
		if _, err := e.Load(json.RawMessage(`{`)); err == nil {
			t.Error("Load took broken JSON")
		}
		again := fit(t, e, loaded, frame.Select(data, sig.FitInputs...))
		checkOutputs(t, sig, apply(t, again, sig, frame.Select(data, sig.Inputs...)), int(data.NumRows()))
	})
	t.Run("no rows and one row", func(t *testing.T) {
		for n := range int64(2) {
			m := fit(t, e, nil, frame.Select(data, sig.FitInputs...).NewSlice(0, n))
			checkOutputs(t, sig, apply(t, m, sig, frame.Select(data, sig.Inputs...)), int(data.NumRows()))
		}
		fit(t, e, nil)
		if got := apply(t, whole, sig, frame.Select(data, sig.Inputs...).NewSlice(0, 0)); got.NumRows() != 0 {
			t.Errorf("no rows in, %d rows out", got.NumRows())
		}
	})
	t.Run("errors and cancellation", func(t *testing.T) {
		if _, err := e.Fit(ctx, frame.Fail(context.DeadlineExceeded), nil); err == nil && len(sig.FitInputs) > 0 {
			t.Error("Fit swallowed the error of its input")
		}
	})
}

// Take returns the rows of b at the indexes rows, in that order.
func Take(b frame.Batch, rows []int) frame.Batch {
	out := make([]frame.Batch, len(rows))
	for i, r := range rows {
		out[i] = b.NewSlice(int64(r), int64(r)+1)
	}
	cols := make([]arrow.Array, b.NumCols())
	for c := range cols {
		parts := make([]arrow.Array, len(out))
		for i, o := range out {
			parts[i] = o.Column(c)
		}
		if len(parts) == 0 {
			cols[c] = b.NewSlice(0, 0).Column(c)
			continue
		}
		arr, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			panic(err)
		}
		cols[c] = arr
	}
	return array.NewRecord(b.Schema(), cols, int64(len(rows)))
}

func fit(t *testing.T, e transforms.Estimator, prev transforms.Model, bs ...frame.Batch) transforms.Model {
	t.Helper()
	m, err := e.Fit(context.Background(), frame.Of(bs...), prev)
	if err != nil {
		t.Fatalf("Fit: %v", err)
	}
	return m
}

func apply(t *testing.T, m transforms.Model, sig transforms.Signature, b frame.Batch) frame.Batch {
	t.Helper()
	out, err := m.Apply(context.Background(), b)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	if !out.Schema().Equal(frame.Schema(sig.Outputs...)) {
		t.Fatalf("Apply returned %v, the signature says %v", out.Schema(), frame.Schema(sig.Outputs...))
	}
	return out
}

func equalModels(t *testing.T, a, b transforms.Model) {
	t.Helper()
	ja, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	jb, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if string(ja) != string(jb) {
		t.Errorf("the models differ:\n%s\n%s", ja, jb)
	}
}

func checkOutputs(t *testing.T, sig transforms.Signature, out frame.Batch, rows int) {
	t.Helper()
	if int(out.NumRows()) != rows {
		t.Fatalf("%d rows in, %d rows out", rows, out.NumRows())
	}
	checkValues(t, sig.Outputs, out)
}

func checkValues(t *testing.T, cols []frame.Column, b frame.Batch) {
	t.Helper()
	for i, c := range cols {
		arr := b.Column(i)
		if !c.Nullable && arr.NullN() > 0 {
			t.Errorf("column %s has %d NULLs and is not nullable", c.Name, arr.NullN())
		}
		for r := range arr.Len() {
			if arr.IsNull(r) {
				continue
			}
			switch a := arr.(type) {
			case *array.Float64:
				if !finite(a.Value(r)) {
					t.Fatalf("column %s, row %d is %v", c.Name, r, a.Value(r))
				}
			case *array.String:
				if c.Values != nil && !slices.Contains(c.Values, a.Value(r)) {
					t.Fatalf("column %s, row %d is %q, not one of %q", c.Name, r, a.Value(r), c.Values)
				}
			}
		}
	}
}

func checkLearned(t *testing.T, sig transforms.Signature, m transforms.Model) {
	t.Helper()
	learned := m.Learned()
	if len(learned) != len(sig.Learned) {
		t.Fatalf("Learned returned %d tables, the signature says %d", len(learned), len(sig.Learned))
	}
	for i, tab := range sig.Learned {
		if !learned[i].Schema().Equal(frame.Schema(tab.Columns...)) {
			t.Fatalf("table %s has columns %v, the signature says %v", tab.Name, learned[i].Schema(), frame.Schema(tab.Columns...))
		}
		checkValues(t, tab.Columns, learned[i])
	}
}

func checkSegmentations(t *testing.T, sig transforms.Signature, m transforms.Model, out frame.Batch) {
	t.Helper()
	for _, s := range m.Segmentations() {
		at := slices.IndexFunc(sig.Outputs, func(c frame.Column) bool { return c.Name == s.Name })
		if at < 0 || sig.Outputs[at].Kind != frame.StringKind {
			t.Fatalf("segmentation %s is no String column of the outputs", s.Name)
		}
		known := map[string]bool{}
		for _, g := range s.Segments {
			if known[g.Name] {
				t.Errorf("segmentation %s defines %s twice", s.Name, g.Name)
			}
			if g.Name == "" || g.Rule == "" {
				t.Errorf("segmentation %s, segment %q: name and rule are needed", s.Name, g.Name)
			}
			known[g.Name] = true
		}
		a := out.Column(at).(*array.String)
		for r := range a.Len() {
			if a.IsValid(r) && !known[a.Value(r)] {
				t.Fatalf("segmentation %s does not define %q", s.Name, a.Value(r))
			}
		}
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func asJSON(t *testing.T, e transforms.Estimator) string {
	t.Helper()
	js, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(js)
}
