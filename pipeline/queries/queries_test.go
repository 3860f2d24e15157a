package queries

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func all(t testing.TB) []Query {
	t.Helper()
	qs, err := All(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	return qs
}

// Every query has been type-checked as it is.
func TestChecked(t *testing.T) {
	checked, err := os.ReadFile(filepath.Join(root, RecordFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, q := range Unchecked(checked, all(t)) {
		t.Errorf("%s: changed since it was type-checked: run make typecheck", q.Name)
	}
}

// Every file below sql/query is in some query of the list, as it is.
func TestEveryFile(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "sql/query/*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no queries", err)
	}
	qs := all(t)
	for _, file := range files {
		if strings.HasSuffix(file, ".duckdb.sql") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for strings.HasPrefix(text, "--") {
			_, text, _ = strings.Cut(text, "\n")
		}
		text = strings.TrimPrefix(strings.TrimSpace(strings.ReplaceAll(text, `"`, "`")), "WITH ")
		if !slices.ContainsFunc(qs, func(q Query) bool { return strings.Contains(q.Text, text) }) {
			t.Errorf("%s is in no query that the job asks", filepath.Base(file))
		}
	}
}

func TestAll(t *testing.T) {
	qs := all(t)
	again := all(t)
	if !reflect.DeepEqual(qs, again) {
		t.Error("a second list is not like the first")
	}
	names := map[string]bool{}
	for _, q := range qs {
		if names[q.Name] {
			t.Errorf("there are two of %s", q.Name)
		}
		names[q.Name] = true
		if !q.Script && strings.Contains(q.Text, "`project`") && len(q.Reads) == 0 && !strings.Contains(q.Text, "CREATE TABLE") {
			t.Errorf("%s reads no table that is declared", q.Name)
		}
	}
	for _, want := range []string{
		"first run: canonical_orders", "run: customer_features", "of BIGNUMERIC: canonical_orders",
		"table: customer_segments", "added column: date",
	} {
		if !names[want] {
			t.Errorf("%s is not in the list", want)
		}
	}
}

// A hash is of all that decides, and of nothing else.
func TestHash(t *testing.T) {
	q := Query{Name: "a", Text: "SELECT @p FROM t", Params: []Column{{"p", "INT64"}}, Reads: []Table{{"t", []Column{{"x", "DATE"}}}}, Gives: []Column{{"p", "INT64"}}}
	renamed := q
	renamed.Name = "b"
	if renamed.Hash() != q.Hash() {
		t.Error("the name decides")
	}
	for what, change := range map[string]func(*Query){
		"text":      func(q *Query) { q.Text += " " },
		"parameter": func(q *Query) { q.Params = []Column{{"p", "STRING"}} },
		"input":     func(q *Query) { q.Reads = []Table{{"t", []Column{{"x", "STRING"}}}} },
		"output":    func(q *Query) { q.Gives = nil },
	} {
		other := q
		change(&other)
		if got := Unchecked(Record([]Query{q, renamed}), []Query{other, q}); len(got) != 1 || got[0].Text != other.Text {
			t.Errorf("another %s: unchecked are %v", what, got)
		}
	}
}
