package sql_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"segments/sql"
)

// The files of testdata/features hold small sources and what is expected of them. The comment of each says what it is
// about, and after the keywords zone, as_of, today and undated what they are. source/NAME.sql is the query of the source NAME,
// table/NAME.sql that of a relation that others make, and want/NAME.csv lists some columns of the table or query NAME,
// all of its rows, sorted.
func TestFeatures(t *testing.T) {
	for _, file := range cases(t) {
		t.Run(file.name, func(t *testing.T) {
			w := parseWorld(t, file.archive, "SELECT * FROM (%s) AS source")
			for _, f := range file.archive.Files {
				if name, ok := strings.CutPrefix(f.Name, "table/"); ok {
					name = strings.TrimSuffix(name, ".sql")
					w.have[name] = sql.Relation{Name: name, Select: string(f.Data)}
				}
			}
			w.features()
			for _, f := range file.archive.Files {
				name, ok := strings.CutPrefix(f.Name, "want/")
				if !ok {
					continue
				}
				want := strings.TrimSpace(string(f.Data))
				header, _, _ := strings.Cut(want, "\n")
				got := strings.TrimSpace(w.table(strings.TrimSuffix(name, ".csv"), strings.Split(header, ",")))
				if got != want {
					t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
				}
			}
		})
	}
}

// parseWorld reads a case; as is the query that is put around each source.
func parseWorld(t testing.TB, a *txtar.Archive, as string) world {
	t.Helper()
	set := map[string]string{"zone": "UTC", "today": ""}
	for line := range strings.Lines(string(a.Comment)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			set[k] = v
		}
	}
	if set["today"] == "" {
		set["today"] = set["as_of"]
	}
	var sources []sql.Source
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, "source/"); ok {
			s := sql.Source{Name: strings.TrimSuffix(name, ".sql"), Query: strings.ReplaceAll(as, "%s", string(f.Data))}
			if s.Name == "customers" && set["attributes"] != "" {
				s.Attributes = strings.Split(set["attributes"], " ")
			}
			if !slices.Contains(sql.SourceNames(), s.Name) {
				t.Fatalf("no source %s", s.Name)
			}
			sources = append(sources, s)
		}
	}
	w := newWorld(open(t, ""), set["zone"], set["as_of"], set["today"], sources)
	w.params["undated"] = set["undated"] != "false"
	return w
}
