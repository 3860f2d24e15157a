package sql

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"segments/transforms/frame"
)

// Empty returns a relation that has t's name and columns and no rows: what stands for a source that is not there.
func Empty(t frame.Table, d Dialect) Relation {
	cols := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		cols[i] = "CAST(NULL AS " + d.Type(c.Kind) + ") AS " + d.ident(c.Name)
	}
	return Relation{t.Name, "SELECT " + strings.Join(cols, ", ") + " FROM (SELECT 1) AS none WHERE FALSE"}
}

// Rates returns the relation rates: what a unit of each currency is worth in that of the outputs. Codes are compared in
// upper case, and a currency without a rate is taken as it is.
func Rates(rates map[string]float64, d Dialect) Relation {
	r := Empty(frame.Table{Name: "rates", Columns: []frame.Column{text("currency"), frame.Float64("rate", "").Column}}, d)
	for _, code := range slices.Sorted(maps.Keys(rates)) {
		r.Select += fmt.Sprintf("\nUNION ALL SELECT %s, CAST('%s' AS %s)", d.Literal(strings.ToUpper(code)),
			strconv.FormatFloat(rates[code], 'g', -1, 64), d.Type(frame.Float64Kind))
	}
	return r
}

// Attributes returns the relation attributes: what the customers source says of each customer under names, which are its
// attributes as configured. customers is the relation of canonical_customers.
func Attributes(names []string, d Dialect, customers Relation) Relation {
	r := Empty(frame.Table{Name: "attributes", Columns: []frame.Column{text("customer_id"), text("trait"), text("value")}}, d)
	for i, name := range names {
		value := fmt.Sprintf("json_extract_scalar(attributes, '$.a%d')", i+1)
		r.Select += "\nUNION ALL SELECT customer_id, " + d.Literal(name) + ", " + value +
			" FROM (" + customers.Select + ") AS c WHERE reject IS NULL AND " + value + " IS NOT NULL"
	}
	return r
}

// views are the queries that others read without their being staged.
var views = []string{
	"order_lines", "known_orders", "purchases", "later_purchases", "buying_moments", "known_customers", "traits",
	"segment_spans", "web_sessions", "touches", "attributed_conversions", "paths",
}

// Resolve returns the relations that the query called name reads, each after those that it reads itself. They are taken
// from have, by name; what is a query itself and is never staged (such as purchases) is put in where it is needed.
// It fails where have lacks one.
func Resolve(name string, d Dialect, have ...Relation) ([]Relation, error) {
	text, err := load(name, d)
	if err != nil {
		return nil, err
	}
	var out []Relation
	var missing []string
	add := func(r Relation) {
		if !slices.ContainsFunc(out, func(o Relation) bool { return o.Name == r.Name }) {
			out = append(out, r)
		}
	}
	for _, n := range reads(text) {
		if i := slices.IndexFunc(have, func(r Relation) bool { return r.Name == n }); i >= 0 {
			add(have[i])
			continue
		}
		if !slices.Contains(views, n) {
			missing = append(missing, n)
			continue
		}
		below, err := Resolve(n, d, have...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
		for _, r := range below {
			add(r)
		}
		view, err := load(n, d)
		if err != nil {
			return nil, err
		}
		add(Relation{n, stripLeadingComments(view)})
	}
	if missing != nil {
		return nil, fmt.Errorf("sql: query %s reads %s, which is not there", name, strings.Join(missing, ", "))
	}
	return out, nil
}

var (
	extractFrom = regexp.MustCompile(`extract\(\w+ FROM`)
	fromTable   = regexp.MustCompile(`(?:FROM|JOIN)\s+(\w+)`)
	withTable   = regexp.MustCompile(`(\w+) AS \(`)
)

// reads lists the relations that the text of a query file names, sorted.
func reads(text string) []string {
	text = extractFrom.ReplaceAllString(rewrite(text, DuckDB, func(piece string) string {
		if len(piece) > 1 && piece[0] != '@' {
			return " "
		}
		return piece
	}), "")
	names := map[string]bool{}
	for _, m := range fromTable.FindAllStringSubmatch(text, -1) {
		names[m[1]] = true
	}
	for _, m := range withTable.FindAllStringSubmatch(text, -1) {
		delete(names, m[1])
	}
	return slices.Sorted(maps.Keys(names))
}

// Nothing returns the relation of a source called name that is not there.
func Nothing(name string) Relation {
	return Relation{name, "SELECT 1 AS nothing FROM (SELECT 1) AS one WHERE FALSE"}
}

// Members returns the relation called name of customer_id and segment: rows by their column.
func Members(name string, rows Relation, d Dialect, column string) Relation {
	return Relation{name, "SELECT " + d.ident("customer_id") + ", " + d.ident(column) + " AS segment FROM (" + rows.Select + ") AS m"}
}

// Memberships returns the relation memberships: who is in which segment of each of the segmentations, which are columns of
// rows; in none, where the segment is NULL.
func Memberships(rows Relation, d Dialect, segmentations ...string) Relation {
	parts := make([]string, len(segmentations))
	for i, s := range segmentations {
		parts[i] = "SELECT customer_id, " + d.Literal(s) + " AS segmentation, segment FROM (" + Members("", rows, d, s).Select + ") AS s"
	}
	return Relation{"memberships", strings.Join(parts, "\nUNION ALL\n")}
}

// MembersBefore returns the relation members_before: who was in which segment so many days ago. rows is a dated table;
// the dates are the parameters as_of_30 for 30 days ago, and so on.
func MembersBefore(rows Relation, d Dialect, column string, daysAgo ...int) Relation {
	parts := make([]string, len(daysAgo))
	for i, days := range daysAgo {
		at := rows.Where(d, "as_of", "as_of_"+strconv.Itoa(days))
		parts[i] = Members("", at, d, column).Select + "\nCROSS JOIN (SELECT " + strconv.Itoa(days) + " AS days_ago) AS ago"
		parts[i] = strings.Replace(parts[i], " AS segment FROM", " AS segment, days_ago FROM", 1)
	}
	return Relation{"members_before", strings.Join(parts, "\nUNION ALL\n")}
}
