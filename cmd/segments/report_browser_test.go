package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"segments/pipeline/report/reporttest"
)

// browse opens reports in a browser: nothing is asked for, nothing is complained about, everybody can read them, and they
// are printed on two pages.
func browse(t *testing.T, files ...string) {
	t.Helper()
	for _, f := range files {
		info, err := os.Stat(f)
		check(t, err)
		if info.Size() > 1_500_000 {
			t.Errorf("%s has %d bytes, want at most 1,500,000", f, info.Size())
		}
	}
	for _, p := range reporttest.Glance(t, files...) {
		p.Check(t)
		if p.Printed != 2 {
			t.Errorf("%s: %d pages on paper, want 2", p.File, p.Printed)
		}
		if p.Cites == "" {
			t.Errorf("%s: the first cited number does not lead to its cell", p.File)
		}
	}
}

// Reports of a run that was published, and of one that was rejected.
func TestReportsInABrowser(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(30)
	s.publish(1)
	s.edit("origins: 1", "origins: 1, gate: {min_auc_lower: 0.99}")
	s.segments(exitRejected, "run", "--as-of", day(0))
	said := 0
	page := parsePage(t, s.read("rejected"))
	for n := range page.root.Descendants() {
		if n.Type == html.TextNode && strings.Contains(n.Data, "0.9900") && !page.exempt(n) {
			said++
		}
	}
	if said != 1 {
		t.Errorf("why the run was rejected is said %d times beside the tables and the paper, want 1", said)
	}
	browse(t, s.report(""), s.report("rejected"))
}

// The least that can be reported on.
func TestReportsOfAlmostNothing(t *testing.T) {
	t.Parallel()
	var files []string
	for _, test := range []struct{ name, orders string }{
		{"sixty customers", "SELECT concat(c, '-', k) AS invoice, concat('c', c) AS customer, DATE '" + day(0) + "' - CAST(c * 7 % 200 + 31 * k AS INTEGER) AS date," +
			" 20 + c % 7 AS total FROM range(60) AS r(c), range(6) AS k(k) WHERE k <= c % 6"},
		{"nothing proven", "SELECT i AS invoice, concat('c', i % 5) AS customer, DATE '" + day(0) + "' - CAST(11 * i AS INTEGER) AS date, 20 AS total FROM range(30) AS r(i)"},
		{"one customer", "SELECT 1 AS invoice, 'c' AS customer, DATE '" + day(9) + "' AS date, 20 AS total"},
	} {
		s := shop{t, t.TempDir(), today}
		check(t, os.WriteFile(s.config(), []byte(strings.Replace(ordersOnly, "transforms: {cluster: {k: 4}}", "", 1)), 0o644))
		copyToParquet(t, test.orders, filepath.Join(s.dir, "orders.parquet"))
		s.publish(0)
		text := s.read("")
		page := parsePage(t, text)
		for n := range page.root.Descendants() {
			for _, bad := range []string{"NaN", "not_enough", "few_buyers", "no_model", "no_spend_model", "Nobody bought", "all of it from", "nobody may be e-mailed"} {
				if n.Type == html.TextNode && strings.Contains(n.Data, bad) && !page.inside(n, "table", "script", "style") {
					t.Errorf("%s: the report says %q", test.name, n.Data)
				}
			}
		}
		says(t, text, "privacy.min_group")
		files = append(files, s.report(""))
	}
	browse(t, files[len(files)-1]) // that of one customer
}

// Names of segments and attributes, and their values, may be anything: in the report, in exports, on the terminal, and in
// what Looker and dbt read.
func TestHostileCompany(t *testing.T) {
	t.Parallel()
	s := shop{t, t.TempDir(), today}
	check(t, os.WriteFile(s.config(), []byte(strings.Replace(ordersOnly, "transforms: {cluster: {k: 4}}", `
transforms:
  cluster: {k: 4}
  rfm:
    map: custom
    segments:
      - {name: "</script><script>alert(1)</script>", r: [5]}
      - {name: "=cmd() {{ x }} ${y}", r: [4]}
      - {name: "\"><img src=x onerror=alert(1)>", r: [3]}
      - {name: "👩‍👩‍👧‍👦 عملاء ܫܠܡܐ", r: [1, 2]}
`, 1)+"privacy: {min_group: 5}\n"), 0o644))
	s.edit("sources:\n", `sources:
  customers:
    from: customers.parquet
    columns: {customer_id: customer, created_at: made, country: country}
    attributes: ["</style><b>\"'", motto]
`)
	copyToParquet(t, "SELECT concat(c, '-', k) AS invoice, concat('=c', c, '</td>') AS customer, DATE '"+day(0)+"' - CAST(c % 100 + 17 * k AS INTEGER) AS date, 20 + c % 7 AS total"+
		" FROM range(600) AS r(c), range(12) AS k(k) WHERE k <= c % 12", filepath.Join(s.dir, "orders.parquet"))
	copyToParquet(t, "SELECT concat('=c', c, '</td>') AS customer, DATE '2020-01-01' AS made, CASE WHEN c % 100 < 30 THEN '</script><svg onload=alert(1)>' ELSE '\u202eDE' END AS country,"+
		" CASE WHEN c % 100 > 60 THEN '{{7*7}}${x}' ELSE '=1+1' END AS \"</style><b>\"\"'\", CASE WHEN c % 2 = 0 THEN repeat('x', 10000) ELSE 'a\n\"b' END AS motto"+
		" FROM range(600) AS r(c)", filepath.Join(s.dir, "customers.parquet"))
	stderr := s.publish(0)
	says(t, stderr, "✓ published")
	if strings.ContainsAny(stderr, "\u202e\x1b") {
		t.Errorf("the terminal is told to do things: %q", stderr)
	}
	page := parsePage(t, s.read(""))
	for n := range page.root.Descendants() {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || n.Data == "svg" || n.Data == "img" {
				t.Errorf("a name became <%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
	for _, bad := range []string{"\u202e", "\x1b", "<script>alert", "xxxxxxxxxx"} {
		if strings.Contains(s.read(""), bad) {
			t.Errorf("%q is in the report", bad)
		}
	}
	out, _ := s.segments(exitOK, "explain", "segment", "=cmd() {{ x }} ${y}")
	if strings.ContainsAny(out, "\u202e\x1b") {
		t.Errorf("the terminal is told to do things: %q", out)
	}
	file := filepath.Join(s.dir, "export.csv")
	s.segments(exitOK, "export", "=cmd() {{ x }} ${y}", "--file", file)
	rows, err := csv.NewReader(strings.NewReader(string(read(t, file)))).ReadAll()
	check(t, err)
	for _, r := range rows[1:] {
		for _, field := range r {
			if strings.HasPrefix(field, "=") {
				t.Fatalf("a spreadsheet would run %q", field)
			}
		}
	}
	for _, kind := range []string{"lookml", "dbt"} {
		dir := filepath.Join(s.dir, kind)
		s.segments(exitOK, "tables", kind, "--dir", dir)
		check(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if text := string(read(t, path)); strings.Contains(text, "alert(1)") || strings.Contains(text, "{{ x }}") {
				t.Errorf("%s has names of the user's", path)
			}
			return nil
		}))
	}
	browse(t, s.report(""))
}
