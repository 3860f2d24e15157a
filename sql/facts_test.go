package sql_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/sql"
)

// The files of testdata/parity that say what they want get it: want/NAME.csv lists some columns of what the query NAME
// gives, as in testdata/features.
func TestFacts(t *testing.T) {
	held := 0
	for _, c := range parityCases(t) {
		if c.staged != nil {
			continue // TestFeatures holds it
		}
		t.Run(c.name, func(t *testing.T) {
			w := world{open(t, ""), map[string]sql.Relation{}, map[string]any{}}
			for name, v := range c.params {
				if d, ok := v.(arrow.Date32); ok {
					v = d.ToTime() // what database/sql takes
				}
				w.params[name] = v
			}
			for _, f := range c.archive.Files {
				if name, ok := strings.CutPrefix(f.Name, "table/"); ok {
					name = strings.TrimSuffix(name, ".sql")
					w.have[name] = sql.Relation{Name: name, Select: string(f.Data)}
				}
			}
			for _, f := range c.archive.Files {
				name, ok := strings.CutPrefix(f.Name, "want/")
				if !ok {
					continue
				}
				held++
				want := strings.TrimSpace(string(f.Data))
				header, _, _ := strings.Cut(want, "\n")
				if got := strings.TrimSpace(w.table(strings.TrimSuffix(name, ".csv"), strings.Split(header, ","))); got != want {
					t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
				}
			}
		})
	}
	if held == 0 {
		t.Error("no file of testdata/parity says what it wants")
	}
}
