package discover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/values"
	"segments/sql"
)

// summary drafts orders and customers from a table that has a row for each customer, how long ago the last order was and
// what was spent, and no dates: nil where t is no such table. The day that is counted back from must be answered.
func summary(d sql.Dialect, t *Table, today time.Time) []fit {
	r := newReader(d, "customers", t)
	find := func(names ...string) int {
		for _, n := range names {
			for i, w := range r.words {
				if strings.Join(w, " ") == n {
					return i
				}
			}
		}
		return -1
	}
	recency := find("recency", "recency months", "months since last order", "months since last purchase", "recency days",
		"days since last order", "days since last purchase")
	spent := find("monetary", "monetary value", "total spend", "total spent", "history", "spend", "revenue", "total", "amount")
	if d != sql.DuckDB || recency < 0 || spent < 0 || !r.shapes[recency].Integer || t.Columns[spent].Family == sql.Text {
		return nil
	}
	unit := "months"
	if slices.Contains(r.words[recency], "days") || slices.ContainsFunc(t.Columns[recency].Values, func(v string) bool { return len(v) > 2 }) {
		unit = "days"
	}
	day := today.Format(time.DateOnly)
	back := fmt.Sprintf("CAST(DATE '%s' - to_%s(CAST(%s AS INTEGER)) AS DATE)", day, unit, values.Quoted(d, t.Columns[recency].Name))
	id := "customer_row"
	inOrder := strings.Replace(r.relation(), "')", "', parallel = false)", 1) // so that each row has the same number each time
	rows := fmt.Sprintf("SELECT *, row_number() OVER () AS customer_row, %s AS last_order\nFROM %s", back, inOrder)
	number := draft.Guess{Value: id, Confidence: 50, Reason: "no column says who the customer is: the number of the row stands for it"}
	if own, ok := r.identifier(); ok {
		id = t.Columns[own].Name
		number = draft.Guess{Value: id, Confidence: 90, Reason: "by its name"}
	}
	note := draft.Guess{
		Value: day, Confidence: 30, Reason: "one row a customer and no dates: the last order is put so many " + unit + " before a day",
		Ask: "which day is " + draft.Safe(t.Columns[recency].Name) + " counted back from? write it in place of " + day + ", here and below",
	}
	orders := draft.Source{
		Name: "orders", Table: t.Name, Query: rows, Note: note, Day: true,
		Columns: []draft.Mapping{
			{Column: "order_id", Guess: draft.Guess{Value: id, Confidence: 50, Reason: "one order is known of each"}},
			{Column: "customer_id", Guess: number},
			{Column: "ordered_at", Guess: draft.Guess{Value: "last_order", Confidence: 50, Reason: "counted back by the query"}},
			{Column: "amount", Guess: draft.Guess{Value: t.Columns[spent].Name, Confidence: 60, Reason: "what was spent in all stands for the one order"}},
		},
	}
	if i := find("channel"); i >= 0 {
		orders.Columns = append(orders.Columns, draft.Mapping{Column: "channel", Guess: draft.Guess{Value: t.Columns[i].Name, Confidence: 70, Reason: "by its name"}})
	}
	customers := draft.Source{
		Name: "customers", Table: t.Name, Query: rows, Note: note, Day: true,
		Columns: []draft.Mapping{
			{Column: "customer_id", Guess: number},
			{Column: "created_at", Guess: draft.Guess{Value: "last_order", Confidence: 50, Reason: "known at the latest since the last order"}},
		},
	}
	r.rest(&customers, map[int]bool{recency: true, spent: true})
	return []fit{{table: t, source: orders}, {table: t, source: customers}}
}

// identifier returns the column that tells the rows apart and is named like it.
func (r *reader) identifier() (int, bool) {
	for _, c := range r.candidates() {
		if sql.SourceColumns(r.source)[c.canonical].Name == "customer_id" && r.shapes[c.column].Unique() {
			return c.column, true
		}
	}
	return 0, false
}
