package report

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"segments/pipeline/warehouse"
)

// fake is the data of a run that left these tables. Queries over tables have their rows under the name of the query.
func fake(tables map[string][]record) *data {
	s := Source{
		Run: Run{
			ID: "2026-10-31-3f9c1a7be210", Name: "shop", State: Published,
			AsOf: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC), EndedAt: time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC),
		},
		Content: DefaultContent(), CoreSegment: "core_segment", Currency: "EUR", MinGroup: 20,
		Table: func(_ context.Context, name string) (warehouse.Ref, bool, error) {
			_, ok := tables[name]
			return warehouse.Ref{}, ok, nil
		},
	}
	d := newData(context.Background(), s)
	over := map[string][]string{
		"report_definitions": {"segment_definitions"}, "report_worth": {"customer_segments", "customer_clv"}, "report_drops": {"customer_segments"},
		"report_stages": {"customer_segments", "customer_features"}, "report_history": {"segment_profiles"}, "run_checks": {"run_checks"},
		"run_rejects": {"run_rejects"},
	}
	for _, t := range []string{
		"segment_profiles", "segment_validation", "segmentation_validation", "segment_merges", "segment_traits", "segment_transitions", "model_validation", "experiment_results", "experiment_arms",
		"attribution", "channel_returns", "segment_funnel",
	} {
		d.cached[fmt.Sprint("report_day", map[string]string{"t": t})] = tables[t]
	}
	for q, reads := range over {
		aliases := map[string]string{}
		for _, t := range reads {
			aliases[t] = t
		}
		d.cached[fmt.Sprint(q, aliases)] = tables[q]
	}
	return d
}

// rowsOf makes rows of a segmentation out of texts like "segment=Loyal customers=120 rate=0.4": whole numbers are int64,
// others float64, _ stands for a blank and nothing for NULL.
func rowsOf(t *testing.T, lines ...string) []record {
	t.Helper()
	var out []record
	for _, l := range lines {
		r := record{"segmentation": "core_segment"}
		for _, f := range strings.Fields(l) {
			name, v, _ := strings.Cut(f, "=")
			var whole int64
			var number float64
			switch n, _ := fmt.Sscanf(v, "%d", &whole); {
			case v == "":
				r[name] = nil
			case n == 1 && strconv.FormatInt(whole, 10) == v:
				r[name] = whole
			case strings.Trim(v, "-.0123456789") == "" && strings.Count(v, "-") < 2:
				if _, err := fmt.Sscanf(v, "%g", &number); err != nil {
					t.Fatal(err)
				}
				r[name] = number
			default:
				r[name] = strings.ReplaceAll(v, "_", " ")
			}
		}
		out = append(out, r)
	}
	return out
}

// with returns tables and more of them.
func with(tables, more map[string][]record) map[string][]record {
	out := maps.Clone(tables)
	maps.Copy(out, more)
	return out
}

// built is what a panel says.
func built(t *testing.T, d *data, p panel) *section {
	t.Helper()
	s, err := p.build(d)
	if err != nil || d.err != nil {
		t.Fatal(err, d.err)
	}
	if s != nil {
		checkCited(t, s)
	}
	return s
}

// checkCited fails where a sentence cites a cell that is in no table of the section, or says a digit that is in no cell.
func checkCited(t *testing.T, s *section) {
	t.Helper()
	cells := map[*cell]bool{}
	ids := map[string]bool{}
	tables := append([]*table(nil), s.Tables...)
	for _, c := range s.Charts {
		tables = append(tables, c.Table)
	}
	said := append([]sentence{s.Title}, s.Lead...)
	for _, c := range s.Cards {
		tables = append(tables, c.Table)
		said = append(said, c.Says...)
		for _, f := range c.Figures {
			said = append(said, sentence{f.Value})
		}
	}
	for _, table := range tables {
		if ids[table.ID] {
			t.Errorf("table %s is there twice", table.ID)
		}
		ids[table.ID] = true
		for _, r := range table.Rows {
			for _, c := range r {
				cells[c] = true
			}
		}
	}
	for _, s := range said {
		for _, p := range s {
			switch p := p.(type) {
			case *cell:
				if !cells[p] {
					t.Errorf("%q cites %q, which is in no table", s, p)
				}
				if p.Value == nil {
					t.Errorf("%q says what is not known", s)
				}
			case string:
				if strings.ContainsAny(p, "0123456789") {
					t.Errorf("%q has a number of its own: %q", s, p)
				}
			case name, quote:
			default:
				t.Errorf("%q has a part of type %T", s, p)
			}
		}
	}
}

// lines are sentences as text.
func lines(s []sentence) string {
	var out []string
	for _, l := range s {
		out = append(out, l.String())
	}
	return strings.Join(out, "\n")
}

// spaced is s with spaces for those that do not break.
func spaced(s string) string { return strings.ReplaceAll(s, nbsp, " ") }

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	got = spaced(got)
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.TrimSpace(got), strings.TrimSpace(want))
	}
}
