package sql_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"golang.org/x/tools/txtar"
	"google.golang.org/api/option"

	"segments/pipeline/warehouse/bigquery/emulator"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A parityCase is a case of TestFeatures, or a file of testdata/parity, which is written alike: but it needs no sources,
// and says in its comment, after the keyword queries, which further queries to run, and after param NAME what a parameter is.
type parityCase struct {
	name    string
	archive *txtar.Archive
	staged  []frame.Table // what comes of the sources, where there are any
	more    []string      // queries over that and the relations table/NAME.sql
	params  map[string]any
}

// Every query gives the same rows in DuckDB and in BigQuery, as far as an emulator of it can tell: integers, texts and
// days alike, and floats to twelve digits. All that a case stages is compared, so that the first difference shows.
func TestParity(t *testing.T) {
	server := emulator.Start(t)
	client, err := bigquery.NewClient(t.Context(), server.Project, option.WithEndpoint(server.Endpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	for _, c := range parityCases(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tw := newTwin(t, c)
			got := tw.run(client)
			for _, name := range tw.compared {
				if diff := difference(got[name], tw.duckRows(name)); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

// TestParityOfAll fails for a query that no case of TestParity runs. It needs no emulator.
func TestParityOfAll(t *testing.T) {
	run := map[string]bool{}
	for _, c := range parityCases(t) {
		for _, s := range c.staged {
			run[s.Name] = true
		}
		for _, q := range c.more {
			run[q] = true
		}
	}
	for name := range run {
		if !slices.Contains(queryNames(t), name) {
			t.Errorf("there is no query %s", name)
		}
	}
	for _, name := range queryNames(t) {
		if !run[name] {
			t.Errorf("no case of testdata/features or testdata/parity runs the query %s on both engines", name)
		}
	}
}

func queryNames(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(os.DirFS("query"), "*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no queries", err)
	}
	for i, f := range files {
		files[i], _, _ = strings.Cut(f, ".")
	}
	return slices.Compact(files)
}

func parityCases(t *testing.T) []parityCase {
	t.Helper()
	files, err := filepath.Glob("testdata/features/*.txtar")
	more, err2 := filepath.Glob("testdata/parity/*.txtar")
	if err := errors.Join(err, err2); err != nil || len(files) == 0 || len(more) == 0 {
		t.Fatal("no cases", err)
	}
	var out []parityCase
	for _, file := range append(files, more...) {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := parityCase{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), archive: a, params: map[string]any{}}
		for line := range strings.Lines(string(a.Comment)) {
			key, value, _ := strings.Cut(line, ":")
			value = strings.TrimSpace(value)
			if name, ok := strings.CutPrefix(key, "param "); ok {
				c.params[name] = parameter(value)
			} else if key == "queries" {
				c.more = strings.Fields(value)
			}
		}
		sources := map[string]bool{}
		for _, f := range a.Files {
			if name, ok := strings.CutPrefix(f.Name, "source/"); ok {
				name = strings.TrimSuffix(name, ".sql")
				sources[name] = true
				c.staged = append(c.staged, sql.Canonical(name))
			}
		}
		if c.staged != nil {
			for _, s := range slices.Concat(sql.Prepared(), sql.AsOf()) {
				if of := emptyWithout[s.Name]; of == "" || sources[of] {
					c.staged = append(c.staged, s)
				}
			}
			c.staged = append(c.staged, customer.Features, outcomes)
		}
		for _, f := range a.Files {
			name := strings.TrimSuffix(strings.TrimPrefix(f.Name, "want/"), ".csv")
			isStaged := slices.ContainsFunc(c.staged, func(s frame.Table) bool { return s.Name == name })
			if strings.HasPrefix(f.Name, "want/") && !isStaged && !slices.Contains(c.more, name) {
				c.more = append(c.more, name)
			}
		}
		out = append(out, c)
	}
	return out
}

// emptyWithout names the source without which a staged table is empty, so that a case without it need not ask for it.
var emptyWithout = map[string]string{
	"orders": "orders", "late_lines": "orders", "refunds": "orders", "customer_purchases": "orders",
	"customer_web": "web_events", "customer_moments": "web_events", "customer_email": "email_events",
}

// parameter returns the value that s is written as: an integer, a boolean, a day, or else text.
func parameter(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if b, err := strconv.ParseBool(s); err == nil {
		return b
	}
	if d, err := time.Parse(time.DateOnly, s); err == nil {
		return frame.DayOf(d)
	}
	return s
}

func TestDifference(t *testing.T) {
	rows := []string{`{"k":"a","n":1,"f":0.1}`, `{"k":"b","n":2,"f":3.0,"at":"2024-01-01 00:00:00"}`}
	for _, c := range []struct {
		want string
		same bool
	}{
		{`{"k":"a","n":1,"f":0.1}`, true},
		{`{"f":0.10000000000000001,"k":"a","n":1}`, true},
		{`{"k":"a","n":1,"f":0.1000000001}`, false},
		{`{"k":"a","n":1.0,"f":0.1}`, false}, // another type
		{`{"k":"a","n":"1","f":0.1}`, false},
		{`{"k":"a","n":null,"f":0.1}`, false},
		{`{"k":"a","n":1}`, false},
		{`{"k":"A","n":1,"f":0.1}`, false},
	} {
		if diff := difference([]string{`{"k":"b","n":2,"f":3.0,"at":"2024-01-01 00:00:00+00"}`, c.want}, rows); (diff == "") != c.same {
			t.Errorf("%s: %s", c.want, diff)
		}
	}
	if difference(rows[:1], rows) == "" || difference(rows, rows[:1]) == "" {
		t.Error("a row may be missing")
	}
}

// difference says how the rows got, in JSON, are others than the rows want, whatever the order.
func difference(got, want []string) string {
	g, w := parsed(got), parsed(want)
	for i := range min(len(g), len(w)) {
		if !maps.EqualFunc(g[i], w[i], equal) {
			return fmt.Sprintf("BigQuery has the row\n%v\nDuckDB\n%v", g[i], w[i])
		}
	}
	if len(g) != len(w) {
		return fmt.Sprintf("BigQuery has %d rows, DuckDB %d:\n%v\n%v", len(g), len(w), g, w)
	}
	return ""
}

// parsed returns the objects that rows are, sorted, with numbers as they are written.
func parsed(rows []string) []map[string]any {
	var out []map[string]any
	for _, row := range rows {
		d := json.NewDecoder(strings.NewReader(row))
		d.UseNumber()
		object := map[string]any{}
		if err := d.Decode(&object); err != nil {
			object["invalid JSON"] = row
		}
		for k, v := range object {
			// a moment: DuckDB writes it without a zone
			if s, ok := v.(string); ok && len(s) >= len(time.DateTime) {
				if _, err := time.Parse(time.DateTime, s[:len(time.DateTime)]); err == nil {
					object[k] = strings.TrimSuffix(s, "+00")
				}
			}
		}
		out = append(out, object)
	}
	slices.SortFunc(out, func(a, b map[string]any) int { return strings.Compare(exact(a), exact(b)) })
	return out
}

// exact is the row without its floats, which may differ in their last digits; fmt sorts the keys.
func exact(row map[string]any) string {
	row = maps.Clone(row)
	maps.DeleteFunc(row, func(_ string, v any) bool {
		n, ok := v.(json.Number)
		return ok && isFloat(n)
	})
	return fmt.Sprint(row)
}

func isFloat(n json.Number) bool { return strings.ContainsAny(n.String(), ".eE") }

// equal compares values of JSON: floats to twelve digits, all else exactly.
func equal(a, b any) bool {
	x, ok1 := a.(json.Number)
	y, ok2 := b.(json.Number)
	if !ok1 || !ok2 || !isFloat(x) || !isFloat(y) {
		return a == b
	}
	f, err1 := x.Float64()
	g, err2 := y.Float64()
	return err1 == nil && err2 == nil && math.Abs(f-g) <= 1e-12*max(math.Abs(f), math.Abs(g))
}
