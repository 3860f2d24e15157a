package sql_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"segments/sql"
	"segments/transforms/frame"
)

// A number is in the bucket whose bounds hold it, at the bounds themselves too.
func TestBucketsOfNumbers(t *testing.T) {
	db := open(t, "")
	columns := []frame.Column{frame.Float64("x", "").Column}
	for _, test := range []struct {
		x    string
		want string
	}{
		{"0", "0"},
		{"-0.0::DOUBLE", "0"},
		{"NULL::DOUBLE", ""},
		{"1", "3000"},
		{"1.41", "3000"},
		{"1.42", "3001"},
		{"2", "3002"},
		{"3", "3003"},
		{"8", "3006"},
		{"1024", "3020"},
		{"1048576", "3040"},
		{"0.5", "2998"},
		{"0.7", "2998"},
		{"0.71", "2999"},
		{"-8", "-3006"},
		{"-0.5", "-2998"},
		{"1e300", strconv.Itoa(3000 + int(2*math.Log2(1e300)))},
		{"1e-300", strconv.Itoa(3000 + int(math.Floor(2*math.Log2(1e-300))))},
	} {
		g := sql.Relation{Name: "g", Select: "SELECT " + test.x + " AS x"}
		_, rows := db.rows(sql.Query{Text: sql.Buckets(sql.DuckDB, columns, g).Select})
		if got := fmt.Sprint(rows); got != fmt.Sprintf("[[0 x %s  1]]", test.want) {
			t.Errorf("%s: %s, want the bucket %q", test.x, got, test.want)
		}
	}
}

func TestBucketsOfGenerations(t *testing.T) {
	db := open(t, "")
	columns := []frame.Column{frame.Int64("n", "").Column, frame.Bool("b", "").Column, frame.String("s", "").Column}
	long := strings.Repeat("ß", 130)
	now := sql.Relation{Name: "g", Select: "SELECT * FROM (VALUES (4, TRUE, 'x'), (5, FALSE, '" + long + "'), (6, NULL, 'x')) AS v(n, b, s)"}
	before := sql.Relation{Name: "g", Select: "SELECT * FROM (VALUES (0, TRUE, NULL)) AS v(n, b, s)"}
	_, rows := db.rows(sql.Query{Text: "SELECT * FROM (" + sql.Buckets(sql.DuckDB, columns, now, before).Select + ") ORDER BY ALL"})
	want := [][]string{
		{"0", "b", "0", "", "1"},
		{"0", "b", "1", "", "1"},
		{"0", "b", "", "", "1"},
		{"0", "n", "3004", "", "2"},
		{"0", "n", "3005", "", "1"},
		{"0", "s", "", "x", "2"},
		{"0", "s", "", strings.Repeat("ß", 120), "1"},
		{"1", "b", "1", "", "1"},
		{"1", "n", "0", "", "1"},
		{"1", "s", "", "", "1"},
	}
	if fmt.Sprint(rows) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", rows, want)
	}
	if _, rows := db.rows(sql.Query{Text: sql.Buckets(sql.DuckDB, nil, now).Select}); len(rows) != 0 {
		t.Errorf("of no columns: %v", rows)
	}
}
