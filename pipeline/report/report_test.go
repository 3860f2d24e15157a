package report

import (
	"context"
	"io"
	"strings"
	"testing"

	"segments/pipeline/warehouse"
)

// A bug in a panel is an error of the report, and none of the run that it is about.
func TestABugIsAnError(t *testing.T) {
	s := Source{Table: func(context.Context, string) (warehouse.Ref, bool, error) { panic("say: 2 parts") }}
	err := Write(t.Context(), io.Discard, s)
	if err == nil || !strings.Contains(err.Error(), "a bug") || !strings.Contains(err.Error(), "say: 2 parts") {
		t.Errorf("the error is %v", err)
	}
}
