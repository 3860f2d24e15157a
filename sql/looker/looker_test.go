package looker_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"segments/sql/looker"
	"segments/transforms/frame"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var example = frame.Table{
	Name: "example", Doc: `One row a "customer"; it's an example.`, Key: []string{"as_of", "customer_id"},
	Columns: []frame.Column{
		frame.Date("as_of", "The day.").Column,
		frame.String("customer_id", "Who.").Column,
		frame.String("size", "How large | small.").Null().OneOf("s", "l").Column,
		frame.Float64("value", "How much.").In("money").Null().Column,
		frame.Int64("orders", "How often.").In("orders").Column,
		frame.Bool("known", "Whether.").Column,
		frame.Timestamp("seen_at", "When.").Null().Column,
	},
	PartitionBy: "as_of", ClusterBy: []string{"customer_id"},
}

func TestLookML(t *testing.T) {
	files, err := looker.LookML([]frame.Table{example})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
		if !strings.HasPrefix(f.Text, looker.LookMLHeader) {
			t.Errorf("%s does not say that it was generated", f.Path)
		}
		if f.Path == "views/base/example.view.lkml" {
			golden(t, "example.view.lkml", f.Text)
		}
	}
	want := []string{
		"manifest.lkml", "models/segments.model.lkml", "views/base/example.view.lkml", "tests/segments.lkml", "dashboards/customer_segments.dashboard.lookml",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("files %q, want %q", paths, want)
	}
}

func TestLookMLNames(t *testing.T) {
	column := frame.String("c", "").Column
	for _, c := range []struct {
		table   string
		columns []frame.Column
		want    string
	}{
		{"t } view: evil {", []frame.Column{column}, "Looker takes no such name"},
		{"Ünï", []frame.Column{column}, "Looker takes no such name"},
		{"t", []frame.Column{frame.String("select;;", "").Column}, `column "select;;": Looker takes no such name`},
		{"t", []frame.Column{frame.String("", "").Column}, "Looker takes no such name"},
		{"t", []frame.Column{frame.Date("order_on", "").Column, frame.Timestamp("order_at", "").Column}, "the field order_raw of column order_at is that of column order_on"},
		{"t", []frame.Column{frame.Int64("row_count", "").Column}, "is that of the number of rows already"},
		{"t", []frame.Column{frame.Date("seen_on", "").Column, frame.String("seen_date", "").Column}, "the field seen_date of column seen_date is that of column seen_on"},
	} {
		_, err := looker.LookML([]frame.Table{{Name: c.table, Columns: c.columns, Key: []string{"c"}}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want %s", c.table, c.columns, err, c.want)
		}
	}
}

// templates are what Looker or dbt would take for more than text.
var templates = regexp.MustCompile(`\{\{|\{%|\{#|\$\{|@\{|;;`)

// shape is what of a text must come through: all but spaces and what nobody sees.
func shape(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

var quotedLookML = regexp.MustCompile(`(?m)^ *description: "((?:[^"\\]|\\.)*)"$`)

func TestProseIsHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"{", "{", "}", "%", "#", "$", "@", ";", `"`, `\`, "\n", "'", "\x00", "\u202e", "\ufeff", "\xff", " ", ": ", "- ", "\u2028", "\u0085", "🧭", "é",
		})), 0, 20).Draw(t, "pieces")
		text := strings.Join(pieces, "")
		table := frame.Table{Name: "t", Doc: text, Key: []string{"c"}, Columns: []frame.Column{frame.String("c", text+"!").OneOf(text).Column}}
		read := func(what, got string) {
			if want := text + "! One of: " + text + "."; shape(got) != shape(want) || templates.MatchString(got) {
				t.Fatalf("%s: %q was read back as %q", what, want, got)
			}
		}
		files, err := looker.LookML([]frame.Table{table})
		if err != nil {
			t.Fatal(err)
		}
		view := files[slices.IndexFunc(files, func(f looker.File) bool { return f.Path == "views/base/t.view.lkml" })].Text
		found := quotedLookML.FindAllStringSubmatch(view, -1)
		if len(found) != 1 {
			t.Fatalf("%d descriptions in\n%s", len(found), view)
		}
		read("LookML", regexp.MustCompile(`\\(.)`).ReplaceAllString(found[0][1], "$1"))

		sources, err := looker.DBT([]frame.Table{table})
		if err != nil {
			t.Fatal(err)
		}
		var project dbtProject
		if err := yaml.Unmarshal([]byte(sources[0].Text), &project); err != nil {
			t.Fatalf("%v\n%s", err, sources[0].Text)
		}
		read("dbt", project.Sources[0].Tables[0].Columns[0].Description)
	})
}

// A dbtProject is what is read back of dbt's file.
type dbtProject struct {
	Version int
	Sources []struct {
		Name   string
		Tables []struct {
			Name, Description string
			Tests             []any `yaml:"data_tests"`
			Config            struct {
				LoadedAt  string `yaml:"loaded_at_field"`
				Freshness map[string]any
			}
			Columns []struct {
				Name, Description string
				Type              string `yaml:"data_type"`
				Tests             []any  `yaml:"data_tests"`
			}
		}
	}
	Exposures []struct {
		Name, Type, Description string
		Owner                   map[string]string
		DependsOn               []string `yaml:"depends_on"`
	}
}

func TestDBT(t *testing.T) {
	ledger := frame.Table{Name: "run_events", Doc: "Runs.", Key: []string{"run_id"}, Columns: []frame.Column{frame.String("run_id", "The run.").Column}}
	files, err := looker.DBT([]frame.Table{example, ledger})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "example.dbt.yml", files[0].Text)
	var project dbtProject
	if err := yaml.UnmarshalWithOptions([]byte(files[0].Text), &project); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, table := range project.Sources[0].Tables {
		tests := len(table.Tests)
		for _, c := range table.Columns {
			tests += len(c.Tests)
			if c.Description == "" || c.Type == "" {
				t.Errorf("%s.%s has no description or type", table.Name, c.Name)
			}
		}
		got = append(got, fmt.Sprint(table.Name, " ", len(table.Columns), " ", tests, " ", table.Config.LoadedAt))
	}
	// The whole history is not tested: that would read all of it.
	want := []string{"example 7 0 ", "example_current 7 4 ", "run_events 1 2 ended_at", "runs 1 2 "}
	if !slices.Equal(got, want) {
		t.Errorf("tables, columns, tests: %q, want %q", got, want)
	}
	if len(project.Exposures) != 2 || project.Exposures[0].Owner["email"] == "" || len(project.Exposures[1].DependsOn) == 0 {
		t.Errorf("exposures %+v", project.Exposures)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is stale (go test ./sql/looker -update):\n%s", file, got)
	}
}
