package sql_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"segments/sql"
	"segments/transforms/customer"
)

// The order of the rows, and rows that are there twice, change nothing in any staged table but the count of copies.
func TestShuffledRows(t *testing.T) {
	for _, file := range cases(t) {
		a := file.archive
		// identifiers that the case counts itself would be others
		if strings.Contains(string(a.Files[0].Data), "row_number()") {
			continue
		}
		t.Run(file.name, func(t *testing.T) {
			want := digests(parseWorld(t, a, "SELECT * FROM (%s) AS source"))
			for seed := range 2 {
				as := fmt.Sprintf("SELECT * FROM (SELECT * FROM (%%s) AS a UNION ALL SELECT * FROM (%%s) AS b) AS source ORDER BY hash(source, %d)", seed)
				if got := digests(parseWorld(t, a, as)); got != want {
					t.Errorf("seed %d:\n%s\nwant\n%s", seed, got, want)
				}
			}
		})
	}
}

// What happened after the as-of day changes no feature.
func TestLaterRows(t *testing.T) {
	later := map[string]string{
		"orders": `SELECT 'later' AS order_id, customer_id, ordered_at + to_days(40000) AS ordered_at, amount FROM all_rows
			UNION ALL SELECT order_id, customer_id, ordered_at + to_days(40001), -1 FROM all_rows
			UNION ALL SELECT order_id, customer_id, ordered_at + to_days(40002), 1000 FROM all_rows WHERE customer_id IS NOT NULL`,
		"web_events":   `SELECT customer_id, occurred_at + to_days(40000) AS occurred_at, event_name FROM all_rows`,
		"email_events": `SELECT customer_id, occurred_at + to_days(40000) AS occurred_at, event_name FROM all_rows`,
		"conversions":  `SELECT customer_id || ' later' AS customer_id, converted_at + to_days(40000) AS converted_at FROM all_rows`,
	}
	for _, file := range cases(t) {
		if file.name == "plain_dates" {
			continue // a later moment beside them would make the dates moments
		}
		t.Run(file.name, func(t *testing.T) {
			before := parseWorld(t, file.archive, "SELECT * FROM (%s) AS source")
			before.features()
			a := *file.archive
			a.Comment = append([]byte("today: 9999-01-01\n"), withoutToday(string(a.Comment))...)
			a.Files = nil
			for _, f := range file.archive.Files {
				name, ok := strings.CutPrefix(f.Name, "source/")
				if add := later[strings.TrimSuffix(name, ".sql")]; ok && add != "" {
					f.Data = fmt.Appendf(nil, "WITH all_rows AS (SELECT * FROM (%s) AS q WHERE true) SELECT * FROM all_rows UNION ALL BY NAME (%s)", f.Data, add)
				}
				a.Files = append(a.Files, f)
			}
			after := parseWorld(t, &a, "SELECT * FROM (%s) AS source")
			after.features()
			if got, want := after.digest("customer_features"), before.digest("customer_features"); got != want {
				t.Errorf("rows and hash %s, want %s", got, want)
			}
		})
	}
}

func withoutToday(comment string) string {
	var keep []string
	for line := range strings.Lines(comment) {
		if !strings.HasPrefix(line, "today:") {
			keep = append(keep, line)
		}
	}
	return strings.Join(keep, "")
}

// digests stages everything and returns a line for each table, without the copies of canonical ones.
func digests(w world) string {
	w.features()
	var b strings.Builder
	for _, name := range sql.SourceNames() {
		_, rows := w.rows(sql.Query{Text: "SELECT count(*), sum(hash(t)) FROM (SELECT * EXCLUDE copies FROM (" +
			w.have["canonical_"+name].Select + ")) AS t"})
		fmt.Fprintln(&b, name, rows)
	}
	for _, t := range append(append(sql.Prepared(), sql.AsOf()...), customer.Features) {
		fmt.Fprintln(&b, t.Name, w.digest(t.Name))
	}
	return b.String()
}

type featureCase struct {
	name    string
	archive *txtar.Archive
}

func cases(t testing.TB) []featureCase {
	t.Helper()
	files, err := filepath.Glob("testdata/features/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	var out []featureCase
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, featureCase{strings.TrimSuffix(filepath.Base(file), ".txtar"), a})
	}
	return out
}
