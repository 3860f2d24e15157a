package sql_test

import (
	"fmt"
	"testing"

	"segments/sql"
)

// The moves are counted between the days that belong together, and nobody twice.
func TestShiftCounts(t *testing.T) {
	db := open(t, "")
	labels := sql.LabelsAgo(map[int]sql.Relation{
		0:   {Select: "SELECT * FROM (VALUES ('ann', 'A'), ('bob', 'B'), ('cat', 'B'), ('eve', 'A'), ('nan', NULL)) AS l(customer_id, segment)"},
		30:  {Select: "SELECT * FROM (VALUES ('ann', 'A'), ('bob', 'A'), ('dan', 'A')) AS l(customer_id, segment)"},
		60:  {Select: "SELECT * FROM (VALUES ('ann', 'A'), ('fay', 'B')) AS l(customer_id, segment)"},
		120: {Select: "SELECT * FROM (VALUES ('fay', 'A')) AS l(customer_id, segment)"},
		180: {Select: "SELECT * FROM (VALUES ('eve', 'B')) AS l(customer_id, segment)"},
	})
	q, err := sql.Bind("shift_counts", sql.DuckDB, nil, labels)
	if err != nil {
		t.Fatal(err)
	}
	q.Text = "SELECT horizon_days, ended, from_segment, to_segment, customers FROM (" + q.Text + ") WHERE from_segment <> '' OR to_segment <> ''"
	_, rows := db.rows(q)
	want := [][]string{
		{"30", "0", "", "A", "1"},
		{"30", "0", "", "B", "1"},
		{"30", "0", "A", "", "1"},
		{"30", "0", "A", "A", "1"},
		{"30", "0", "A", "B", "1"},
		{"30", "30", "", "A", "2"},
		{"30", "30", "A", "A", "1"},
		{"30", "30", "B", "", "1"},
		{"60", "0", "", "A", "1"},
		{"60", "0", "", "B", "2"},
		{"60", "0", "A", "A", "1"},
		{"60", "0", "B", "", "1"},
		{"60", "60", "", "A", "1"},
		{"60", "60", "A", "B", "1"},
		{"90", "0", "", "A", "2"},
		{"90", "0", "", "B", "2"},
		{"90", "90", "B", "", "1"},
	}
	if fmt.Sprint(rows) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", rows, want)
	}
}
