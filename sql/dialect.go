// Package sql holds every query of the job and is the only place that builds SQL text.
//
// A file below query/ is one SELECT over logical names (orders, customer_features, …) with named parameters (@as_of).
// Bind puts the relations that the names stand for before it. The files are written in what GoogleSQL and DuckDB have in
// common; dialect.go says what makes up the difference, and NAME.duckdb.sql or NAME.bigquery.sql is there only where
// nothing does.
package sql

import (
	"fmt"
	"regexp"
	"strings"

	"segments/transforms/frame"
)

// A Dialect is a warehouse's SQL.
type Dialect string

// The dialects.
const (
	BigQuery Dialect = "bigquery"
	DuckDB   Dialect = "duckdb"
)

// DuckDBPrelude makes DuckDB understand the GoogleSQL functions and type names that the queries use.
// A connection runs each statement once, before anything else.
var DuckDBPrelude = []string{
	`CREATE TEMP MACRO date_from_unix_date(n) AS DATE '1970-01-01' + CAST(n AS INTEGER)`,
	`CREATE TEMP MACRO timestamp_micros(n) AS make_timestamp(CAST(n AS BIGINT))`,
	`CREATE TEMP MACRO div(a, b) AS a // b`,
	`CREATE TEMP MACRO json_extract_scalar(j, path) AS json_extract_string(j, path)`,
	`CREATE TEMP TYPE FLOAT64 AS DOUBLE`,
}

var types = map[Dialect]map[frame.Kind]string{
	BigQuery: {
		frame.Int64Kind: "INT64", frame.Float64Kind: "FLOAT64", frame.StringKind: "STRING",
		frame.BoolKind: "BOOL", frame.DateKind: "DATE", frame.TimestampKind: "TIMESTAMP",
	},
	DuckDB: {
		frame.Int64Kind: "BIGINT", frame.Float64Kind: "DOUBLE", frame.StringKind: "VARCHAR",
		frame.BoolKind: "BOOLEAN", frame.DateKind: "DATE", frame.TimestampKind: "TIMESTAMP",
	},
}

// Type returns the name of kind k in d.
func (d Dialect) Type(k frame.Kind) string { return types[d][k] }

// Quote returns name as an identifier of d, whatever it holds.
// It fails on what no warehouse can name: the empty string, control characters, and names over 300 bytes.
func (d Dialect) Quote(name string) (string, error) {
	if name == "" || len(name) > 300 {
		return "", fmt.Errorf("%q is no identifier: it has %d bytes, want 1 to 300", name, len(name))
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return "", fmt.Errorf("%q is no identifier: it holds a control or an invalid character", name)
		}
	}
	if d == BigQuery {
		if strings.ContainsAny(name, "`\\") {
			return "", fmt.Errorf("%q is no identifier: it holds a backtick or a backslash", name)
		}
		return "`" + name + "`", nil
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`, nil
}

// ident quotes a name that the program itself declared.
func (d Dialect) ident(name string) string {
	q, err := d.Quote(name)
	if err != nil {
		panic(err)
	}
	return q
}

// Literal returns s as a string literal of d. It is for DDL, which takes no parameters; values in queries are parameters.
func (d Dialect) Literal(s string) string {
	if d == BigQuery {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(s) + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

var dotted = regexp.MustCompile(`^[\pL_][\pL\pN_$-]*(\.[\pL_][\pL\pN_$-]*){0,2}$`)

// TableName returns the quoted form of a table's or view's name of one to three dotted parts.
func (d Dialect) TableName(name string) (string, error) {
	if !dotted.MatchString(name) {
		return "", fmt.Errorf("%q is no table name: want letters, digits, _ and -, in one to three parts with dots between", name)
	}
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = d.ident(p)
	}
	return strings.Join(parts, "."), nil
}
