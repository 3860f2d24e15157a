package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// customersOf makes a customers file of the shop's own, of what query makes of that of the company, which is called old.
func (s shop) customersOf(data, query string) {
	s.Helper()
	old := "read_parquet('" + filepath.Join(data, "customers.parquet") + "')"
	copyToParquet(s, strings.ReplaceAll(query, "old", old), filepath.Join(s.dir, "customers.parquet"))
}

// The view people follows the source from one moment to the next, and goes with the configuration that asked for it.
func TestPeople(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.customersOf(data, "SELECT *, '+49 30 ' || regexp_extract(id, '[0-9]+') AS phone, CAST(NULL AS TIMESTAMP) AS gone FROM old")
	s.edit("from: "+filepath.Join(data, "customers.parquet"), "from: customers.parquet",
		"      email: email\n", "      email: email\n      phone: phone\n      deleted_at: gone\n")
	s.publish(0)
	views := "SELECT view_name FROM duckdb_views() WHERE view_name IN ('people', 'audiences', 'audience_memberships') ORDER BY 1"
	if got := s.rows(views); !slices.Equal(got, []string{"audience_memberships", "audiences"}) {
		t.Errorf("without outputs.people there are the views %v", got)
	}
	_, stderr := s.segments(exitConfig, "export", "Champions", "--with-address")
	says(t, stderr, "there is no view people: set outputs.people to true")

	check(t, os.WriteFile(s.config(), append(read(t, s.config()), "outputs: {people: true}\n"...), 0o644))
	_, stderr = s.segments(exitConfig, "export", "Champions", "--with-address") // nothing has made it yet
	says(t, stderr, "there is no view people")
	says(t, s.publish(0), "✓ published")
	mailable := s.rows("SELECT DISTINCT customer_id FROM audience_memberships ORDER BY 1")
	if got := s.rows("SELECT customer_id FROM people ORDER BY 1"); !slices.Equal(got, mailable) || len(got) < 100 {
		t.Errorf("%d people, want the %d of audience_memberships", len(got), len(mailable))
	}
	file := filepath.Join(s.dir, "customers.parquet")
	source := "SELECT DISTINCT trim(id), trim(email), phone FROM read_parquet('" + file + "')"
	if got := s.row("SELECT count(*) FROM (SELECT customer_id, email, phone FROM people EXCEPT " + source + ")"); got != "0" {
		t.Errorf("%s people have another address than in the source", got)
	}
	for _, table := range s.rows("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'") {
		if got := s.row("SELECT count(*) FROM " + table + " AS t WHERE CAST(t AS VARCHAR) LIKE '%@example.com%'"); got != "0" {
			t.Errorf("%s rows of %s have an address", got, table)
		}
	}

	// Whoever withdraws, is deleted or is erased from the source is out at once; whoever agrees comes with the next run.
	out, erased, deleted, objects := mailable[0], mailable[1], mailable[2], mailable[3]
	s.customersOf(data, "SELECT * REPLACE (newsletter AND trim(id) <> '"+out+"' OR trim(id) = 'nobody' AS newsletter, opted_in AND trim(id) <> '"+objects+"' AS opted_in), "+
		"'+49 30 ' || regexp_extract(id, '[0-9]+') AS phone, CASE WHEN trim(id) = '"+deleted+"' THEN TIMESTAMP '2025-01-01' END AS gone FROM old WHERE trim(id) <> '"+erased+"'")
	if got := s.rows("SELECT customer_id FROM people ORDER BY 1"); !slices.Equal(got, mailable[4:]) {
		t.Errorf("%d people are left, want %d", len(got), len(mailable)-4)
	}
	text, stderr := s.segments(exitOK, "export", "Champions", "--with-address")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	check(t, err)
	want := s.rows("SELECT customer_id, segmentation, segment, as_of, email, phone FROM audience_memberships JOIN people USING (customer_id)" +
		" WHERE segmentation = 'core_segment' AND segment = 'Champions' ORDER BY customer_id")
	if len(rows) != len(want)+1 || len(want) < 5 || strings.Join(rows[1], " ") != want[0] {
		t.Errorf("the export has %d rows, want %d; the first is %v, want %s", len(rows)-1, len(want), rows[1], want[0])
	}
	if !strings.HasPrefix(rows[1][5], "+49") {
		t.Errorf("the telephone number is %q", rows[1][5])
	}
	says(t, stderr, "customers of Champions may be e-mailed, as of "+day(0))

	s.edit("people: true", "people: false")
	s.publish(0)
	if got := s.rows(views); len(got) != 2 {
		t.Errorf("after outputs.people was turned off there are the views %v", got)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	check(t, err)
	return b
}

// What the view people needs is missed before anything is run, with its place.
func TestPeopleConfiguration(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	for name, c := range map[string]struct {
		oldnew []string
		want   string
	}{
		"no address": {
			[]string{"      email: email\n", ""},
			"outputs.people: sources.customers.columns has neither email nor phone",
		},
		"no consent": {
			[]string{"      consent_email: newsletter\n", ""},
			"outputs.people: sources.customers.columns has no consent_email",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, data, quick+"outputs: {people: true}\n")
			s.edit(c.oldnew...)
			_, stderr := s.segments(exitConfig, "check")
			says(t, stderr, c.want, "outputs: {people: true}", s.config()+":")
			_, stderr = s.segments(exitConfig, "run", "--as-of", day(0))
			says(t, stderr, c.want)
		})
	}
	s := shop{t, t.TempDir(), today}
	check(t, os.WriteFile(s.config(), []byte(strings.Replace(ordersOnly, "from: orders.parquet", "from: "+filepath.Join(data, "orders.parquet"), 1)+
		"outputs: {people: true}\n"), 0o644))
	_, stderr := s.segments(exitConfig, "check")
	says(t, stderr, "outputs.people: there is no source customers")
}

func TestAudiencesAndExport(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.customersOf(data, "SELECT * REPLACE (CASE WHEN id = (SELECT min(id) FROM old WHERE newsletter AND opted_in) THEN '=cmd()' ELSE id END AS id) FROM old")
	s.edit("from: "+filepath.Join(data, "customers.parquet"), "from: customers.parquet")
	_, stderr := s.segments(exitConfig, "audiences")
	says(t, stderr, "nothing has been published")
	_, stderr = s.segments(exitConfig, "export", "Champions")
	says(t, stderr, "nothing has been published")
	s.publish(0)

	text, _ := s.segments(exitOK, "audiences", "-o", "csv")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	check(t, err)
	var sum int
	segmentations := map[string]bool{}
	for _, r := range rows[1:] {
		segmentations[r[1]] = true
		n := s.row("SELECT count(*), count(*) FILTER (f.consent_email AND f.email_unsubscribed_on IS NULL) FROM customer_segments_current AS s" +
			" JOIN customer_features_current AS f USING (customer_id) WHERE s." + r[1] + " = '" + strings.ReplaceAll(r[2], "'", "''") + "'")
		if n != r[3]+" "+r[4] {
			t.Errorf("%s %s: %s customers, %s mailable, want %s", r[1], r[2], r[3], r[4], n)
		}
		sum++
	}
	if len(segmentations) != 8 || sum < 25 {
		t.Errorf("%d audiences of %v", sum, segmentations)
	}
	text, _ = s.segments(exitOK, "audiences")
	says(t, text, "mailable", "Champions", "repeat_customer")

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"export"}, "accepts 1 arg"},
		{[]string{"export", "Champs"}, `nobody is in a group "Champs" of core_segment; there are "Champions", `},
		{[]string{"export", "lapsed"}, "there is one in life_cycle: --segmentation life_cycle"},
		{[]string{"export", "lapsed", "--segmentation", "mood"}, `--segmentation: nobody is in a group of "mood"; there are core_segment, life_cycle, `},
		{[]string{"export", "Champions", "-o", "json"}, "export writes CSV"},
		{[]string{"export", "Champions", "--force"}, "there is no --file to replace"},
		{[]string{"export", "Champions", "--file", filepath.Join(s.dir, "no", "such", "folder.csv")}, "--file: there is no folder "},
	} {
		_, stderr := s.segments(exitConfig, c.args...)
		says(t, stderr, c.want)
	}

	plain, _ := s.segments(exitOK, "export", "champions")
	file := filepath.Join(s.dir, "out.csv")
	out, stderr := s.segments(exitOK, "export", "Champions", "--file", file)
	if out != "" || string(read(t, file)) != plain {
		t.Errorf("the file has\n%s, want\n%s; printed was %q", read(t, file), plain, out)
	}
	says(t, stderr, "customers of Champions may be e-mailed")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	check(t, os.WriteFile(file, []byte("mine"), 0o644))
	_, stderr = s.segments(exitConfig, "export", "Champions", "--file", file)
	says(t, stderr, file+" is there already; --force replaces it")
	if got := string(read(t, file)); got != "mine" {
		t.Errorf("the file that was there is %q now", got)
	}
	s.segments(exitOK, "export", "Champions", "--file", file, "--force")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || string(read(t, file)) != plain {
		t.Errorf("after --force the mode is %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, ".segments-*")); left != nil {
		t.Errorf("%v is left", left)
	}

	// The customer whose id is a formula, in whatever life cycle it is.
	stage := s.row("SELECT life_cycle FROM customer_segments_current WHERE customer_id = '=cmd()'")
	text, stderr = s.segments(exitOK, "export", stage, "--segmentation", "life_cycle")
	says(t, text, "\n'=cmd(),")
	says(t, stderr, "begins like a formula there is an apostrophe before it (1 time); --raw")
	text, stderr = s.segments(exitOK, "export", stage, "--segmentation", "life_cycle", "--raw")
	says(t, text, "\n=cmd(),")
	if strings.Contains(stderr, "formula") {
		t.Errorf("raw: %s", stderr)
	}

	s.edit("      consent_email: newsletter\n", "")
	s.publish(0)
	_, stderr = s.segments(exitOK, "export", "Champions")
	says(t, stderr, "✓ 0 of ", "nobody in it is known to have agreed: sources.customers.columns.consent_email names the column")
}

func TestPick(t *testing.T) {
	t.Parallel()
	all := []audience{
		{"core_segment", "Loyal", "2024-01-01", 5, 0},
		{"core_segment", "LOYAL", "2024-01-01", 1, 0},
		{"core_segment", "\u202e=x\x1b[2J", "2024-01-01", 1, 0},
		{"rfm_segment", "Lost", "2024-01-01", 2, 0},
		{"cluster", "Lost", "2024-01-01", 2, 0},
		{"core_segment", strings.Repeat("x", 10_000), "2024-01-01", 1, 0},
	}
	for name, want := range map[string]string{
		"Loyal":           "",
		"LOYAL":           "",
		"\u202e=X\x1b[2j": "",
		"loyal":           `"loyal" could be "Loyal", "LOYAL" of core_segment; write it as it is there`,
		"lost":            `nobody is in a group "lost" of core_segment; there is one in rfm_segment and cluster: --segmentation rfm_segment`,
		"nix":             `nobody is in a group "nix" of core_segment; there are "Loyal", "LOYAL", "\u202e=x\x1b[2J", "` + strings.Repeat("x", 80) + `…"`,
	} {
		got, err := pick(all, "core_segment", name)
		if (err == nil) != (want == "") || err != nil && err.Error() != want || err == nil && !strings.EqualFold(got.segment, name) {
			t.Errorf("%q: %v, %v, want %s", name, got, err, want)
		}
	}
}
