package report

import (
	"fmt"
	"testing"
)

// faked is fake with what the panels of analysts read besides.
func faked(tables map[string][]record) *data {
	d := fake(tables)
	for _, t := range []string{"model_parameters", "rfm_cuts", "behavior_thresholds", "cluster_candidates", "run_events", "segment_shifts", "segment_shift_validation", "drift"} {
		d.cached[fmt.Sprint("report_day", map[string]string{"t": t})] = tables[t]
	}
	d.cached[fmt.Sprint("report_scores", map[string]string{"customer_rfm": "customer_rfm"})] = tables["report_scores"]
	d.cached[fmt.Sprint("report_everybody", map[string]string{"customer_features": "customer_features", "customer_segments": "customer_segments"})] = tables["report_everybody"]
	return d
}

// A said is a test of what a panel says.
type said struct {
	name        string
	tables      map[string][]record
	title, lead string
	tone        tone
	none        bool // the panel is left out
}

func (x said) run(t *testing.T, p panel) {
	t.Helper()
	t.Run(x.name, func(t *testing.T) {
		s := built(t, faked(x.tables), p)
		if x.none || s == nil {
			if s != nil || !x.none {
				t.Fatalf("the section: %+v", s)
			}
			return
		}
		equal(t, "title", s.Title.String(), x.title)
		equal(t, "lead", lines(s.Lead), x.lead)
		if s.Tone != x.tone {
			t.Errorf("tone %q, want %q", s.Tone, x.tone)
		}
	})
}

func TestListed(t *testing.T) {
	for want, in := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := listed(in).String(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// What is not known stays so.
func TestArithmetic(t *testing.T) {
	for _, x := range []struct{ got, want any }{
		{ratio(int64(1), 2.0), 0.5},
		{ratio(nil, 2.0), nil},
		{ratio(1.0, 0.0), nil},
		{ratio(1.0, nil), nil},
		{change(2.0, 3.0), 0.5},
		{change(0.0, 3.0), nil},
		{change(-1.0, 3.0), nil},
		{change(nil, 3.0), nil},
		{sum([]record{{"n": int64(1)}, {"n": nil}, {"n": 2.5}}, "n"), 3.5},
		{sum([]record{{"n": nil}}, "n"), nil},
		{sum(nil, "n"), nil},
	} {
		if x.got != x.want {
			t.Errorf("%v, want %v", x.got, x.want)
		}
	}
}
