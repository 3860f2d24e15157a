package discover

import (
	"fmt"
	"slices"
	"strings"

	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/values"
	"segments/pipeline/discover/words"
	"segments/sql"
)

// orders settles what is particular to orders: lines without a total, orders without a number, totals repeated on every
// line, guests who share one number.
func (r *reader) orders(s *draft.Source, chosen map[string]candidate, used map[int]bool) {
	r.product(chosen, used)
	r.discounts(chosen, used)
	id, numbered := chosen["order_id"]
	paid, has := chosen["amount"]
	if has && numbered && paid.column >= 0 && id.column >= 0 {
		switch {
		case r.once(id.column, paid.column):
			s.Query = fmt.Sprintf("SELECT *\nFROM %s\nWHERE %s IS NOT NULL", r.relation(), values.Quoted(r.d, r.t.Columns[paid.column].Name))
			s.From, s.Note.Reason, s.Note.Confidence = "", "the total stands on one line of an order only; the others are left out, and products with them", 80
			for _, line := range []string{"product_id", "category", "quantity"} { // they would be those of one line
				if c, ok := chosen[line]; ok {
					delete(chosen, line)
					delete(used, c.column)
				}
			}
		case r.repeated(id.column, paid.column):
			x := paid.Value
			if paid.Value == r.t.Columns[paid.column].Name {
				x = values.Quoted(r.d, x)
			}
			split := x + " / count(*) OVER (PARTITION BY " + values.Quoted(r.d, r.t.Columns[id.column].Name) + ")"
			paid.Others = append([]draft.Other{{Value: paid.Value, Why: "if it is the money of the line"}}, paid.Others...)
			paid.Value, paid.Confidence, paid.Reason = split, 70, "the lines of an order all have the same amount, so it is shared among them"
			paid.Ask = "is it the total of the whole order, repeated on each line?"
			chosen["amount"] = paid
		}
		s.Lines = s.Query == "" && r.shapes[id.column].Distinct*100 < r.shapes[id.column].Filled*99
	}
	if _, ok := chosen["customer_id"]; ok && has && !numbered {
		if _, dated := chosen["ordered_at"]; dated {
			r.number(s, chosen)
		}
	}
	r.guests(chosen)
}

// relation returns what stands in a FROM for the table.
func (r *reader) relation() string {
	if r.t.Query != "" {
		return "(\n  " + strings.ReplaceAll(r.t.Query, "\n", "\n  ") + "\n) AS t"
	}
	all, err := r.t.Source().All(r.d)
	if err != nil {
		return values.Quoted(r.d, r.t.From) + " AS t"
	}
	return strings.TrimPrefix(all.Select, "SELECT * FROM ") + " AS t"
}

// number gives each row a number of its own, by what it says and how often that is there.
func (r *reader) number(s *draft.Source, chosen map[string]candidate) {
	row := "md5(CAST(t AS VARCHAR))"
	alike := "t"
	if r.d == sql.BigQuery {
		row, alike = "to_hex(md5(to_json_string(t)))", "to_json_string(t)"
	}
	s.From, s.Query = "", fmt.Sprintf("SELECT *, concat(%s, '-', CAST(row_number() OVER (PARTITION BY %s) AS %s)) AS order_key\nFROM %s",
		row, alike, map[sql.Dialect]string{sql.DuckDB: "VARCHAR", sql.BigQuery: "STRING"}[r.d], r.relation())
	chosen["order_id"] = candidate{column: -1, Guess: draft.Guess{
		Value: "order_key", Confidence: 60, Reason: "no column tells orders apart, so each row is one; the query makes a number of what it says",
	}}
}

// product makes the amount of quantity and price where there is no total.
func (r *reader) product(chosen map[string]candidate, used map[int]bool) {
	if a, ok := chosen["amount"]; ok && a.Confidence >= 70 && !slices.Contains(r.words[max(a.column, 0)], "price") {
		return
	}
	q, ok := chosen["quantity"]
	if !ok {
		return
	}
	for i := range r.t.Columns {
		w := strings.Join(r.words[i], " ")
		if !slices.Contains([]string{"unit price", "price", "price unit", "line price", "product price", "single price", "lineitem price"}, w) {
			continue
		}
		p, ok := values.Amount(r.d, r.t.Columns[i])
		if !ok {
			continue
		}
		factors := [2]string{q.Value, p.Value}
		for k, at := range []int{q.column, i} {
			if factors[k] == r.t.Columns[at].Name {
				factors[k] = bare(r.d, factors[k])
			}
		}
		g := draft.Guess{Value: factors[0] + " * " + factors[1], Confidence: 85, Reason: "no total, so quantity times price"}
		if r.shapes[q.column].Negative > 0 {
			g.Reason += "; negative ones are refunds of their day"
		}
		chosen["amount"], used[i] = candidate{column: i, Guess: g}, true
		return
	}
}

// bare returns name as it stands in an expression, with quotes only where it needs them.
func bare(d sql.Dialect, name string) string {
	if _, err := d.TableName(name); err == nil && !strings.ContainsAny(name, ".-") && !reserved[strings.ToLower(name)] {
		return name
	}
	return values.Quoted(d, name)
}

// reserved are the reserved words of either dialect that a column of money or of a count may be called.
var reserved = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields("all at by case check column default desc end from group hash limit no of on order range rows select set " +
		"table to user using when where window with") {
		out[w] = true
	}
	return out
}()

// discounts adds up the columns of discounts, which tills have several of.
func (r *reader) discounts(chosen map[string]candidate, used map[int]bool) {
	first, ok := chosen["discount_amount"]
	if !ok {
		return
	}
	sum := []string{}
	for i, c := range r.t.Columns {
		if i != first.column && (used[i] || words.Score(r.source, "discount_amount", r.words[i], r.nouns) < enough) {
			continue
		}
		g, ok := values.Amount(r.d, c)
		if !ok {
			continue
		}
		if g.Value == c.Name {
			g.Value = bare(r.d, c.Name)
		}
		sum, used[i] = append(sum, g.Value), true
	}
	if len(sum) > 1 {
		first.Value, first.Reason, first.Others = "coalesce("+strings.Join(sum, ", 0) + coalesce(")+", 0)", "several columns of discounts, added up", nil
		chosen["discount_amount"] = first
	}
}

// once says whether orders have several lines, of which one bears the amount.
func (r *reader) once(id, paid int) bool {
	f, numbers := r.shapes[paid], r.shapes[id]
	if f.Filled*100 < f.Rows*95 && numbers.Distinct*100 < numbers.Filled*98 {
		return true
	}
	bears := map[string]bool{}
	for i, v := range r.t.Columns[paid].Values {
		if v != "" {
			bears[r.t.Columns[id].Values[i]] = true
		}
	}
	others := 0
	for i, v := range r.t.Columns[paid].Values {
		if order := r.t.Columns[id].Values[i]; v == "" && order != "" && bears[order] {
			others++
		}
	}
	return others >= 3
}

// repeated says whether the lines of an order all have the same amount, and orders have not.
func (r *reader) repeated(id, paid int) bool {
	first := map[string]string{}
	several, same := map[string]bool{}, map[string]bool{}
	for i, order := range r.t.Columns[id].Values {
		v := r.t.Columns[paid].Values[i]
		if was, ok := first[order]; ok && order != "" {
			if !several[order] {
				several[order], same[order] = true, true
			}
			same[order] = same[order] && was == v
		} else {
			first[order] = v
		}
	}
	n := 0
	for _, s := range same {
		if s {
			n++
		}
	}
	return len(several) >= 10 && values.Most(n, len(several)) && r.shapes[paid].Distinct > 5
}

// guests takes away a customer number that stands for everybody without an account.
func (r *reader) guests(chosen map[string]candidate) {
	c, ok := chosen["customer_id"]
	if !ok || c.column < 0 {
		return
	}
	s := r.shapes[c.column]
	for _, nobody := range []string{"0", "-1", "guest", "Guest", "null", "NULL", "unknown", "n/a", "N/A"} {
		if n := s.Values[nobody]; n >= 3 && n*s.Distinct > 5*s.Filled {
			literal := r.d.Literal(nobody)
			if r.t.Columns[c.column].Family != sql.Text {
				literal = nobody
			}
			c.Others = []draft.Other{{Value: c.Value, Why: "as it is"}}
			c.Value = "nullif(" + values.Quoted(r.d, r.t.Columns[c.column].Name) + ", " + literal + ")"
			c.Reason += "; " + nobody + " stands for guests, who are in no segment"
			chosen["customer_id"] = c
			return
		}
	}
}
