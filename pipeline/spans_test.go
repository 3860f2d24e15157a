package pipeline

import (
	"errors"
	"testing"
)

// Where nobody records, steps cost nothing and hand the context on.
func TestStepsWithoutSpans(t *testing.T) {
	j, ctx := &Job{}, t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		c := withSpans(ctx)
		if j.step(c, "audit") != ctx {
			t.Error("another context")
		}
		endSpan(c, errors.ErrUnsupported)
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
