package sql_test

import (
	"testing"

	"segments/sql"
)

// The newest day of each source is that of its newest row up to the as-of day.
func TestNewest(t *testing.T) {
	d := open(t, "")
	for _, name := range sql.SourceNames() {
		for _, c := range sql.SourceColumns(name) {
			if c.Name != "created_at" && c.Name != "ordered_at" && c.Name != "occurred_at" && c.Name != "converted_at" {
				continue
			}
			s := sql.Source{Name: name, Columns: map[string]string{c.Name: c.Name}, Query: "SELECT unnest([TIMESTAMP '2024-01-01 12:00:00', " +
				"TIMESTAMP '2024-01-02 23:30:00', TIMESTAMP '2024-01-04 00:00:00', NULL]) AS " + c.Name}
			has := []sql.ColumnInfo{{Name: c.Name, Native: "TIMESTAMP", Family: sql.Timestamp}}
			mapped, err := s.Mapped(sql.DuckDB, has)
			if err != nil {
				t.Fatal(err)
			}
			typed, err := s.Typed(sql.DuckDB, mapped, has)
			if err != nil {
				t.Fatal(err)
			}
			for asOf, want := range map[string]string{"2024-01-03": "19724", "2024-01-04": "19726", "2023-12-31": ""} {
				q, err := sql.Select(s.Newest(typed), sql.DuckDB, map[string]any{"as_of_day": day(t, asOf), "timezone": "UTC"})
				if err != nil {
					t.Fatal(err)
				}
				if _, rows := d.rows(q); rows[0][0] != want {
					t.Errorf("%s up to %s: %s, want %s", name, asOf, rows[0][0], want)
				}
			}
		}
	}
}
