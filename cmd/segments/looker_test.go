package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	segsql "segments/sql"
	"segments/sql/looker"
	"segments/transforms/frame"
)

// checkerFiles are what checks a LookML project: an npm project.
const checkerFiles = "../../sql/looker/testdata/lookml"

// lookmlChecker installs the checker into bin/lookml, once for each version of it, and returns its folder.
var lookmlChecker = sync.OnceValues(func() (string, error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", err
		}
	}
	names := []string{".npmrc", "check.mjs", "package-lock.json", "package.json"}
	h := sha256.New()
	var files [][]byte
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(checkerFiles, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		files = append(files, text)
	}
	all, err := filepath.Abs("../../bin/lookml")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(all, hex.EncodeToString(h.Sum(nil))[:12])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(all, 0o755); err != nil {
		return "", err
	}
	made, err := os.MkdirTemp(all, "new-")
	if err != nil {
		return "", err
	}
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(made, name), files[i], 0o644); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = made
	if said, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", errors.Join(err, os.RemoveAll(made)), said)
	}
	if err := os.Rename(made, dir); err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been faster
		return "", err
	}
	return dir, nil
})

// A lookmlReport is what the checker says of a project.
type lookmlReport struct {
	Findings     []string
	Descriptions map[string]string
	Queries      []struct{ Name, SQL string }
}

// checkLookML asks the checker about files, for a warehouse that has tables.
func checkLookML(t *testing.T, files []looker.File, tables []frame.Table) (r lookmlReport) {
	t.Helper()
	checker, err := lookmlChecker()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("node and npm are needed in CI: %v", err)
		}
		t.Skipf("SKIPPED, THE LOOKML WAS NOT PARSED: it needs node, npm and the npm registry: %v", err)
	}
	dir := t.TempDir()
	project, ddl := filepath.Join(dir, "project"), filepath.Join(dir, "ddl.sql")
	check(t, writeProject(project, "# Generated", files))
	var statements strings.Builder
	for _, table := range tables {
		fmt.Fprintln(&statements, segsql.CreateTable(table, segsql.BigQuery, "`"+table.Name+"`")+";")
	}
	check(t, os.WriteFile(ddl, []byte(statements.String()), 0o600))
	node := exec.CommandContext(t.Context(), "node", filepath.Join(checker, "check.mjs"), project, ddl)
	var stderr bytes.Buffer
	node.Stderr = &stderr
	out, err := node.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	check(t, json.Unmarshal(out, &r))
	return r
}

// lookmlOf returns the LookML of tables.
func lookmlOf(t *testing.T, tables []frame.Table) []looker.File {
	t.Helper()
	files, err := looker.LookML(tables)
	check(t, err)
	return files
}

func TestLookerIsFresh(t *testing.T) {
	t.Parallel()
	tables, err := declared()
	check(t, err)
	want := map[string]string{}
	for _, f := range lookmlOf(t, tables) {
		want[f.Path] = f.Text
	}
	root := os.DirFS("../../looker")
	check(t, fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		if got, ok := want[path]; !ok || got != string(text) {
			t.Errorf("looker/%s is stale: run make golden", path)
		}
		delete(want, path)
		return err
	}))
	for path := range want {
		t.Errorf("looker/%s is missing: run make golden", path)
	}
}

// Everything that Looker would ask is asked of a shop: every field, tile and test, in the warehouse's own SQL.
func TestLookMLAnswers(t *testing.T) {
	t.Parallel()
	tables, err := declared()
	check(t, err)
	r := checkLookML(t, lookmlOf(t, tables), tables)
	if len(r.Findings) > 0 {
		t.Fatalf("%d findings:\n%s", len(r.Findings), strings.Join(r.Findings, "\n"))
	}
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(30)
	s.publish(0)
	db, err := sql.Open("duckdb", s.file()+"?access_mode=READ_ONLY")
	check(t, err)
	defer db.Close() //nolint:errcheck // it is only read
	db.SetMaxOpenConns(1)
	for _, statement := range append(segsql.DuckDBPrelude, "CREATE TEMP MACRO to_json_string(v) AS CAST(to_json(v) AS VARCHAR)") {
		_, err := db.Exec(statement)
		check(t, err)
	}
	asked := map[string]int{}
	for _, q := range r.Queries {
		kind, _, _ := strings.Cut(q.Name, " ")
		asked[kind]++
		lines, err := queryDB(db, strings.ReplaceAll(q.SQL, "`", `"`))
		if err != nil {
			t.Errorf("%s: %v\n%s", q.Name, err, q.SQL)
			continue
		}
		switch {
		case strings.HasSuffix(q.Name, "_has_unique_keys"):
			if len(lines) != 1 || !strings.HasPrefix(lines[0]+" ", "0 ") {
				t.Errorf("%s: %q", q.Name, lines)
			}
			if counts := strings.Fields(lines[0])[1:]; strings.HasPrefix(q.Name, "test customer_segments_current") &&
				(len(counts) != 5 || len(slices.Compact(slices.Clone(counts[:4]))) != 1) {
				t.Errorf("%s: the views of customers do not join one to one: %q", q.Name, lines)
			}
		case q.Name == "test shares_sum_to_1":
			if len(lines) < 6 {
				t.Errorf("%s: %q", q.Name, lines)
			}
			for _, l := range lines {
				if !strings.HasPrefix(l, "1.0 ") && !strings.HasPrefix(l, "0.99999999") && !strings.HasPrefix(l, "1.00000000") {
					t.Errorf("%s: %s", q.Name, l)
				}
			}
		case q.Name == "test newest_run_is_published":
			if len(lines) != 1 || !strings.HasPrefix(lines[0], "PUBLISHED ") {
				t.Errorf("%s: %q", q.Name, lines)
			}
		case kind == "tile" && len(lines) == 0 && !strings.Contains(q.Name, "Proven"):
			t.Errorf("%s shows nothing:\n%s", q.Name, q.SQL)
		}
	}
	if asked["explore"] < 30 || asked["tile"] < 18 || asked["test"] < 15 {
		t.Errorf("asked only %v", asked)
	}
	// What is shown is what the tables say; over two published days, the mean of both.
	for name, c := range map[string]struct{ field, want string }{
		"tile Customers":                        {"customer_segments_current.total_customers", "SELECT customers FROM run_events WHERE as_of = '" + day(0) + "'"},
		"tile Revenue so far":                   {"customer_segments_current.total_revenue", "SELECT sum(monetary_total) FROM customer_segments_current"},
		"explore customer_segments: measures":   {"customer_segments.total_customers", "SELECT avg(customers) FROM run_events"},
		"explore segment_profiles: measures":    {"segment_profiles.total_customers", "SELECT avg(customers) FROM run_events"},
		"explore segment_validation: measures":  {"segment_validation.total_converters", "SELECT sum(converters) FROM segment_validation WHERE main_horizon AND segmentation = 'core_segment'"},
		"explore segment_transitions: measures": {"segment_transitions.total_moved", "SELECT sum(customers) FROM segment_transitions WHERE segmentation = 'core_segment' AND cause <> 'none'"},
		"explore run_checks: measures":          {"run_checks.total_warned", "SELECT count(*) FROM run_checks WHERE state = 'warned'"},
	} {
		i := slices.IndexFunc(r.Queries, func(q struct{ Name, SQL string }) bool { return q.Name == name })
		got, err := queryDB(db, "SELECT CAST(round(\""+c.field+"\", 4) AS DOUBLE) FROM ("+strings.ReplaceAll(r.Queries[i].SQL, "`", `"`)+")")
		check(t, err)
		want, err := queryDB(db, "SELECT CAST(round(v, 4) AS DOUBLE) FROM ("+c.want+") AS t(v)")
		check(t, err)
		equal(t, name, got, want)
	}
}

// The checker sees what is wrong: each of these changes is reported.
func TestLookMLMutations(t *testing.T) {
	t.Parallel()
	without := func(table, column string) func([]frame.Table) []frame.Table {
		return change(table, func(t *frame.Table) {
			t.Columns = slices.DeleteFunc(t.Columns, func(c frame.Column) bool { return c.Name == column })
		})
	}
	same := func(ts []frame.Table) []frame.Table { return ts }
	undescribed := change("customer_clv", func(t *frame.Table) {
		i := slices.IndexFunc(t.Columns, func(c frame.Column) bool { return c.Name == "p_alive" })
		t.Columns[i].Doc, t.Columns[i].Unit = "", ""
	})
	const segments, clv, dashboard, model = "views/core/customer_segments.view.lkml", "views/core/customer_clv.view.lkml",
		"dashboards/customer_segments.dashboard.lookml", "models/segments.model.lkml"
	for name, c := range map[string]struct {
		lookml, warehouse func([]frame.Table) []frame.Table // the declarations that each of them is made of
		edit              []string                          // path, old, new
		want              string
	}{
		"a column that a measure needs is removed": {
			lookml: without("customer_segments", "monetary_total"), warehouse: without("customer_segments", "monetary_total"),
			want: "customer_segments_current.mean_revenue refers to customer_segments_current.monetary_total, which is not there",
		},
		"a column of a join is removed": {
			lookml: without("segment_definitions", "segmentation"), warehouse: without("segment_definitions", "segmentation"),
			want: "explore segment_profiles_current joins on segment_definitions.segmentation, which is not there",
		},
		"a column of a tile is removed": {
			lookml: without("segment_validation", "verdict"), warehouse: without("segment_validation", "verdict"),
			want: "tile Verdicts: explore segment_validation_current has no field segment_validation_current.verdict",
		},
		"the warehouse lacks a column": {
			lookml: same, warehouse: without("customer_rfm", "r_score"), want: "customer_rfm_current.r_score: table customer_rfm_current has no column r_score",
		},
		"a column is not shown": {
			lookml: without("customer_rfm", "r_score"), warehouse: same, want: "view customer_rfm_current has no field of column r_score",
		},
		"a description is dropped": {lookml: undescribed, warehouse: same, want: "customer_clv.p_alive is neither described nor hidden"},
		"a field of a measure is renamed": {
			lookml: same, warehouse: same, edit: []string{clv, "sql: ${clv_revenue}", "sql: ${clv_income}"},
			want: "customer_clv.mean_clv refers to customer_clv.clv_income, which is not there",
		},
		"a measure loses its description": {
			lookml: same, warehouse: same, edit: []string{segments, `description: "Net revenue so far by customers."`, ""},
			want: "customer_segments.mean_revenue is neither described nor hidden",
		},
		"a field of the dashboard is misspelled": {
			lookml: same, warehouse: same, edit: []string{dashboard, "customer_clv_current.mean_clv", "customer_clv_current.meanclv"},
			want: "tile Mean CLV by core segment: explore customer_segments_current has no field customer_clv_current.meanclv",
		},
		"a timeframe that is not there": {
			lookml: same, warehouse: same, edit: []string{dashboard, "runs.ended_time", "runs.ended_hour"},
			want: "tile Newest run: explore runs has no field runs.ended_hour",
		},
		"the filter of days is dropped": {
			lookml: same, warehouse: same,
			edit: []string{model, `filters: [customer_segments.as_of_date: "90 days"]`, `filters: [customer_segments.life_cycle: "lapsed"]`},
			want: "explore customer_segments may be asked without a day",
		},
		"a join that multiplies": {
			lookml: same, warehouse: same, edit: []string{model, "relationship: one_to_one", "relationship: one_to_many"},
			want: "customer_features_current is joined one_to_many: sums would count twice",
		},
		"a constant is misspelled": {
			lookml: same, warehouse: same, edit: []string{"views/base/rfm_cuts.view.lkml", "@{PROJECT}", "@{PROJCT}"}, want: "view rfm_cuts: there is no constant PROJCT",
		},
		"a brace is lost": {lookml: same, warehouse: same, edit: []string{segments, "\n}\n", "\n"}, want: segments + ": "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tables, err := declared()
			check(t, err)
			files := lookmlOf(t, c.lookml(tables))
			if c.edit != nil {
				i := slices.IndexFunc(files, func(f looker.File) bool { return f.Path == c.edit[0] })
				edited := strings.ReplaceAll(files[i].Text, c.edit[1], c.edit[2])
				if edited == files[i].Text {
					t.Fatalf("%s has no %q", c.edit[0], c.edit[1])
				}
				files[i].Text = edited
			}
			r := checkLookML(t, files, c.warehouse(tables))
			if !strings.Contains(strings.Join(r.Findings, "\n"), c.want) {
				t.Errorf("not reported: %s\nbut: %q", c.want, r.Findings)
			}
		})
	}
}

// change returns a function that changes the table called name in a copy.
func change(name string, by func(*frame.Table)) func([]frame.Table) []frame.Table {
	return func(tables []frame.Table) []frame.Table {
		out := slices.Clone(tables)
		i := slices.IndexFunc(out, func(t frame.Table) bool { return t.Name == name })
		out[i].Columns = slices.Clone(out[i].Columns)
		by(&out[i])
		return out
	}
}

// Descriptions that try to break out are read back as they are, but for the spaces that keep templates apart.
func TestLookMLHostile(t *testing.T) {
	t.Parallel()
	hostile := []string{
		`"; } dimension: evil { sql: 1 ;; }`, `back\`, `\"`, `\\" ;; }`, "a\nview: x {\n}\n", "{{ _user_attributes['secret'] }}", "{% assign x = 1 %}",
		"${customer_id} @{PROJECT} {{{", "# no comment", "</script><script>alert(1)</script>", "\u202etxt.exe", "עברית", "👩‍👩‍👧", "nul\x00 and \x1b[31m", "tab\tand\r\n",
		"\xff\xfe", ";;;;", strings.Repeat(`x"`, 5_000), "'", "`", "%s %d %", "--", "/*", "&nbsp;", " leading", "trailing ",
	}
	tables, err := declared()
	check(t, err)
	evil := change("customer_clusters", func(c *frame.Table) {
		c.Doc = hostile[4] + strings.Join(hostile, " ")
		for i, text := range hostile {
			c.Columns = append(c.Columns, frame.String(fmt.Sprintf("hostile_%d", i), text).OneOf(hostile...).Column)
			c.Columns = append(c.Columns, frame.String(fmt.Sprintf("plain_%d", i), text).Column)
		}
	})(tables)
	r := checkLookML(t, lookmlOf(t, evil), evil)
	if len(r.Findings) > 0 {
		t.Fatalf("%d findings:\n%.2000s", len(r.Findings), strings.Join(r.Findings, "\n"))
	}
	shape := func(s string) string { // what must come through
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, "\ufffd"))
	}
	for i, text := range hostile {
		got := r.Descriptions[fmt.Sprintf("customer_clusters_current.plain_%d", i)]
		if shape(got) != shape(text) {
			t.Errorf("%.80q was read back as %.80q", text, got)
		}
		for _, part := range []string{"{{", "{%", "{#", "${", "@{", ";;", "\n", "\x1b", "\u202e"} {
			if strings.Contains(got, part) {
				t.Errorf("%.80q was read back as %.80q, with %q", text, got, part)
			}
		}
	}
}

func TestWriteProject(t *testing.T) {
	t.Parallel()
	s := shop{t, t.TempDir(), today}
	dir := filepath.Join(s.dir, "a", "looker")
	written := func() (files []string) {
		check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, path)
			}
			return err
		}))
		return files
	}
	_, stderr := s.segments(exitOK, "tables", "lookml", "--dir", dir)
	n := len(written())
	says(t, stderr, fmt.Sprintf("wrote %d files to %s", n, dir))
	listing, _ := s.segments(exitOK, "tables", "lookml")
	if got := strings.Count(listing, "# ---- "); got != n || n < 20 {
		t.Errorf("%d files written, %d listed", n, got)
	}

	// What was generated for a table that is no more goes; what others wrote stays.
	stale, own := filepath.Join(dir, "views", "base", "gone.view.lkml"), filepath.Join(dir, "views", "base", "own.view.lkml")
	check(t, os.WriteFile(stale, []byte(looker.LookMLHeader+"view: gone {}\n"), 0o644))
	check(t, os.WriteFile(own, []byte("view: own {}\n"), 0o644))
	s.segments(exitOK, "tables", "lookml", "--dir", dir)
	if files := written(); slices.Contains(files, stale) || !slices.Contains(files, own) || len(files) != n+1 {
		t.Errorf("after writing again: %q", files)
	}

	manifest := filepath.Join(dir, "manifest.lkml")
	check(t, os.WriteFile(manifest, []byte("project_name: \"mine\"\n"), 0o644))
	check(t, os.Remove(filepath.Join(dir, "models", "segments.model.lkml")))
	_, stderr = s.segments(exitConfig, "tables", "lookml", "--dir", dir)
	says(t, stderr, "manifest.lkml is not a file that this command wrote", "nothing was written")
	if text, err := os.ReadFile(manifest); err != nil || string(text) != "project_name: \"mine\"\n" {
		t.Errorf("the manifest of others is now %q, %v", text, err)
	}
	if len(written()) != n {
		t.Error("files were written all the same")
	}

	// A link does not lead out of the folder.
	outside, linked := filepath.Join(s.dir, "outside"), filepath.Join(s.dir, "linked")
	check(t, os.MkdirAll(outside, 0o755))
	check(t, os.MkdirAll(linked, 0o755))
	check(t, os.Symlink(outside, filepath.Join(linked, "views")))
	s.segments(exitConfig, "tables", "lookml", "--dir", linked)
	if there, err := os.ReadDir(outside); err != nil || len(there) > 0 {
		t.Errorf("written outside: %v, %v", there, err)
	}
	_, stderr = s.segments(exitConfig, "tables", "dbt", "--dir", manifest)
	says(t, stderr, "--dir: ")
	sources, _ := s.segments(exitOK, "tables", "dbt")
	says(t, sources, looker.DBTHeader+"version: 2\n", "source('segments', 'customer_segments_current')")
}
