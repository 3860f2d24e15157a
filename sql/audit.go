package sql

import (
	"fmt"
	"strings"

	"segments/transforms/frame"
)

// Audit returns the query that looks for what must not be in the rows of t, which the relation rows has under the name t.
// Its result has a row for each finding: check_name is unique_keys or accepted_values, column_name says where, and
// bad_rows how many rows are affected. Rows that are as t declares them give an empty result.
func Audit(t frame.Table, d Dialect, rows Relation) (Query, error) {
	var findings []string
	add := func(check, column, from string) {
		findings = append(findings, fmt.Sprintf("SELECT %s AS check_name, %s AS column_name, %s", d.Literal(check), d.Literal(column), from))
	}
	if len(t.Key) > 0 {
		key := strings.Join(mapSlice(t.Key, d.ident), ", ")
		add("unique_keys", strings.Join(t.Key, ", "), fmt.Sprintf(
			"CAST(coalesce(sum(copies), 0) AS %s) AS bad_rows FROM (SELECT count(*) AS copies FROM t GROUP BY %s HAVING count(*) > 1) AS doubled",
			d.Type(frame.Int64Kind), key))
	}
	for _, c := range t.Columns {
		if bad := d.violation(c); bad != "" {
			add("accepted_values", c.Name, "count(*) AS bad_rows FROM t WHERE "+bad)
		}
	}
	if len(findings) == 0 {
		add("accepted_values", "", "0 AS bad_rows")
	}
	text := "SELECT check_name, column_name, bad_rows\nFROM (\n" + strings.Join(findings, "\nUNION ALL\n") +
		"\n) AS findings\nWHERE bad_rows > 0\nORDER BY check_name, column_name"
	return bind("audit of "+t.Name, text, d, nil, []Relation{{"t", rows.Select}})
}

// violation returns the condition under which a value of c is not as declared; empty where every value is.
func (d Dialect) violation(c frame.Column) string {
	x := d.ident(c.Name)
	var bad []string
	if !c.Nullable {
		bad = append(bad, x+" IS NULL")
	}
	if c.Kind == frame.Float64Kind {
		// true of NaN in both dialects: it is greater than all numbers in DuckDB and compares false in BigQuery
		bad = append(bad, "NOT (abs("+x+") <= 1.7976931348623157e308)")
	}
	if len(c.Values) > 0 {
		bad = append(bad, x+" NOT IN ("+strings.Join(mapSlice(c.Values, d.Literal), ", ")+")")
	}
	return strings.Join(bad, " OR ")
}
