package sql_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"segments/sql"
)

// The files of testdata/features hold small sources and what is expected of them. The comment of each says what it is
// about, and after the keywords zone, as_of and today what they are. source/NAME.sql is the query of the source NAME;
// want/NAME.csv lists some columns of the table or query NAME, all of its rows, sorted.
func TestFeatures(t *testing.T) {
	files, err := filepath.Glob("testdata/features/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := parseWorld(t, a, "SELECT * FROM (%s) AS source")
			w.features()
			for _, f := range a.Files {
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
	return newWorld(open(t, ""), set["zone"], set["as_of"], set["today"], sources)
}
