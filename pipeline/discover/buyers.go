package discover

import (
	"fmt"
	"slices"
	"strings"

	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/values"
	"segments/sql"
)

// buyers drafts customers made of the orders, where those say where their customers live or whether they agreed to e-mail,
// by what the newest one says; nil where they say neither. consent is whether they say that somebody agreed.
func buyers(d sql.Dialect, f fit) (made *draft.Source, consent bool) {
	id, _ := mapped(f.source, "customer_id")
	at, _ := mapped(f.source, "ordered_at")
	r := newReader(d, "customers", f.table)
	plain := func(v string) string {
		if slices.ContainsFunc(f.table.Columns, func(c values.Column) bool { return c.Name == v }) {
			return values.Quoted(d, v)
		}
		return v
	}
	s := draft.Source{
		Name: "customers", Table: f.table.Name, Place: f.table.At,
		Columns: []draft.Mapping{
			{Column: "customer_id", Guess: draft.Guess{Value: "customer", Reason: "who ordered"}},
			{Column: "created_at", Guess: draft.Guess{Value: "first_order", Reason: "known at the latest since the first order"}},
		},
	}
	inner, outer := "", ""
	for _, c := range r.candidates() {
		name := sql.SourceColumns("customers")[c.canonical].Name
		if _, done := mapped(s, name); done || c.Confidence < enough || name != "country" && name != "consent_email" {
			continue
		}
		column := f.table.Columns[c.column].Name
		inner += ", " + values.Quoted(d, column) + " AS " + name
		outer += ",\n  " + newest(d, name, name == "consent_email" && !values.Objects(r.words[c.column])) + " AS " + name
		g := c.Guess
		if g.Value == column {
			g.Value = name
		}
		g.Value, g.Reason = strings.ReplaceAll(g.Value, values.Quoted(d, column), name), draft.Safe(column)+", "+g.Reason
		s.Columns = append(s.Columns, draft.Mapping{Column: name, Guess: g})
		consent = consent || name == "consent_email"
	}
	if inner == "" {
		return nil, false
	}
	if consent {
		s.Note.Reason = "there is no table of customers: this makes one of what their orders say, the newest one first"
	}
	s.Query = fmt.Sprintf("SELECT\n  customer,\n  min(ordered) AS first_order%s\nFROM (\n"+
		"  SELECT %s AS customer, %s AS ordered%s\n  FROM %s\n)\nWHERE customer IS NOT NULL AND ordered IS NOT NULL\nGROUP BY customer",
		outer, plain(id.Value), plain(at.Value), inner, strings.ReplaceAll(r.relation(), "\n", "\n  "))
	return &s, consent
}

// newest returns the value of column x on the newest order that has one. Of several at that time it is the least or the
// greatest: of consents the least is the one that says no.
func newest(d sql.Dialect, x string, least bool) string {
	up, down := "ASC", "DESC"
	if least {
		up, down = down, up
	}
	if d == sql.BigQuery {
		return "ARRAY_AGG(" + x + " IGNORE NULLS ORDER BY ordered DESC, " + x + " " + down + " LIMIT 1)[SAFE_OFFSET(0)]"
	}
	return "last(" + x + " ORDER BY ordered, " + x + " " + up + ") FILTER (WHERE " + x + " IS NOT NULL)"
}
