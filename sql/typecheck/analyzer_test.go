package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"segments/pipeline/queries"
)

var orders = queries.Table{Name: "`project`.`raw`.`orders`", Columns: []queries.Column{
	{Name: "customer_id", Type: "STRING"},
	{Name: "ordered_on", Type: "DATE"},
	{Name: "ordered_at", Type: "TIMESTAMP"},
	{Name: "local_at", Type: "DATETIME"},
	{Name: "amount", Type: "NUMERIC"},
	{Name: "score", Type: "FLOAT64"},
	{Name: "lines", Type: "INT64"},
	{Name: "paid", Type: "BOOL"},
	{Name: "tags", Type: "ARRAY<STRING>"},
}}

func query(text string, gives ...queries.Column) queries.Query {
	return queries.Query{
		Name: "test", Text: strings.ReplaceAll(text, "orders", orders.Name), Reads: []queries.Table{orders}, Gives: gives,
		Params: []queries.Column{{Name: "as_of", Type: "DATE"}, {Name: "n", Type: "INT64"}, {Name: "at", Type: "TIMESTAMP"}, {Name: "timezone", Type: "STRING"}},
	}
}

func analyzed(t *testing.T) *analyzer {
	t.Helper()
	a, err := newAnalyzer()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAccepts(t *testing.T) {
	a := analyzed(t)
	for _, q := range []queries.Query{
		{Name: "script", Script: true, Text: "DECLARE n INT64;\nBEGIN TRANSACTION;\nSET n = (SELECT count(*) FROM t);\nIF n <> @n THEN\n  " +
			"RAISE USING MESSAGE = 'other rows';\nEND IF;\nDELETE FROM t WHERE as_of = @as_of;\nCOMMIT TRANSACTION;"},
		query("SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id", queries.Column{Name: "n", Type: "INT64"}, queries.Column{Name: "customer_id", Type: "STRING"}),
		query("SELECT CUSTOMER_ID FROM orders FOR SYSTEM_TIME AS OF @at", queries.Column{Name: "customer_id", Type: "STRING"}),
		query("SELECT sum(amount) AS a, avg(score) AS b, max(local_at) AS c FROM orders", queries.Column{Name: "a", Type: "NUMERIC"},
			queries.Column{Name: "b", Type: "FLOAT64"}, queries.Column{Name: "c", Type: "DATETIME"}),
		query("CREATE TABLE IF NOT EXISTS `project`.`d`.`t` (a INT64 NOT NULL OPTIONS (description = \"x\")) OPTIONS (description = \"y\")"),
		query("ALTER TABLE orders ADD COLUMN x DATE"),
		query("CREATE OR REPLACE VIEW `project`.`d`.`v` AS SELECT customer_id FROM orders"),
		query("DELETE FROM orders WHERE ordered_on = @as_of"),
		query("INSERT INTO orders (customer_id, lines) SELECT customer_id, lines FROM orders"),
	} {
		if err := a.check(q); err != nil {
			t.Errorf("%s: %v", q.Text, err)
		}
	}
}

func TestRejects(t *testing.T) {
	a := analyzed(t)
	column := func(name, typ string) queries.Column { return queries.Column{Name: name, Type: typ} }
	for want, q := range map[string]queries.Query{
		"Did you mean customer_id":                 query("SELECT custmer_id FROM orders"),
		"Table not found":                          query("SELECT 1 AS one FROM `project`.`raw`.`ordres`"),
		"Function not found: farm_fingerprints":    query("SELECT farm_fingerprints(customer_id) AS f FROM orders"),
		"No matching signature for operator +":     query("SELECT score + customer_id AS s FROM orders"),
		"No matching signature for function":       query("SELECT unix_date(score) AS d FROM orders"),
		"neither grouped nor aggregated":           query("SELECT customer_id, ordered_on, count(*) AS n FROM orders GROUP BY customer_id"),
		"No matching signature for operator = ":    query("SELECT lines FROM orders WHERE ordered_on = @n"),
		"Query parameter 'nobody' not found":       query("SELECT @nobody AS p"),
		"Aggregations of aggregations":             query("SELECT max(ordered_on) AS ordered_on FROM orders HAVING max(ordered_on) IS NOT NULL"),
		"Syntax error":                             query("SELECT FROM WHERE"),
		"not allowed in WHERE":                     query("SELECT lines FROM orders WHERE sum(lines) > 1"),
		"has incompatible types":                   query("SELECT lines AS x FROM orders UNION ALL SELECT customer_id FROM orders"),
		"mismatched column count":                  query("SELECT lines AS x FROM orders UNION ALL SELECT lines, score FROM orders"),
		"No matching signature for aggregate":      query("SELECT sum(customer_id) AS s FROM orders"),
		"WHERE clause should return type BOOL":     query("SELECT lines FROM orders WHERE lines"),
		"Invalid cast from DATE to INT64":          query("SELECT CAST(ordered_on AS INT64) AS d FROM orders"),
		"is ambiguous":                             query("SELECT customer_id FROM orders AS a JOIN orders AS b ON a.lines = b.lines"),
		"cannot be used in SELECT DISTINCT":        query("SELECT DISTINCT tags FROM orders"),
		"Type not found: VARCHAR":                  query("SELECT CAST(lines AS VARCHAR) AS v FROM orders"),
		"QUALIFY is not supported":                 query("SELECT lines FROM orders WHERE TRUE QUALIFY row_number() OVER (ORDER BY lines) = 1"),
		"No matching signature for function IF":    query("SELECT if(paid, lines, customer_id) AS x FROM orders"),
		"has type STRING which cannot be inserted": query("INSERT INTO orders (lines) SELECT customer_id FROM orders"),
		"Type not found: BIGINT":                   query("ALTER TABLE orders ADD COLUMN x BIGINT"),

		"column lines is of type INT64, want FLOAT64": query("SELECT lines FROM orders", column("lines", "FLOAT64")),
		"column x is of type NUMERIC, want INT64":     query("SELECT round(amount) AS x FROM orders", column("x", "INT64")),
		"the result has no column score":              query("SELECT lines FROM orders", column("lines", "INT64"), column("score", "FLOAT64")),
		"a column score, which nobody wants":          query("SELECT lines, score FROM orders", column("lines", "INT64")),
		"two columns lines":                           query("SELECT lines, lines FROM orders"),
		"of type INT64 without a name":                query("SELECT lines + 1 FROM orders"),

		"Expected keyword IF": {Name: "script", Script: true, Text: "BEGIN TRANSACTION; IF TRUE THEN SELECT 1; END; COMMIT TRANSACTION;"},
	} {
		if err := a.check(q); err == nil {
			t.Errorf("accepted: %s", q.Text)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", q.Text, err, want)
		}
	}
}

// A mistake in a query of the job is found, wherever it is: without a parameter, a column that it reads or one that it
// must give, with another type in its place, or with another word.
func TestRejectsMistakes(t *testing.T) {
	qs, err := queries.All(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	a := analyzed(t)
	if err := a.check(queries.Query{Name: "none", Text: "SELECT 1 AS one"}); err != nil {
		t.Fatal(err)
	}
	n := 0
	mistaken := func(what string, q queries.Query) {
		n++
		if err := a.check(q); err == nil {
			t.Errorf("%s without %s was accepted", q.Name, what)
		}
	}
	for _, q := range qs {
		for i, p := range q.Params {
			less := q
			less.Params = slices.Delete(slices.Clone(q.Params), i, i+1)
			mistaken(p.Name, less)
		}
		for _, i := range []int{0, len(q.Gives) - 1} {
			if len(q.Gives) < 2 {
				continue
			}
			other, less := q, q
			other.Gives, less.Gives = slices.Clone(q.Gives), slices.Delete(slices.Clone(q.Gives), i, i+1)
			other.Gives[i].Type = "BYTES"
			mistaken("the type of "+q.Gives[i].Name, other)
			mistaken(q.Gives[i].Name, less)
		}
		for _, word := range []string{"SELECT ", "FROM ", "`project`"} {
			if strings.Contains(q.Text, word) && !strings.HasPrefix(q.Text, "CREATE ") {
				other := q
				other.Text = strings.Replace(q.Text, word, "mistake ", 1)
				mistaken(word, other)
			}
		}
	}
	if n < 1000 {
		t.Errorf("only %d mistakes were tried", n)
	}
}

// What is written down is right, all of it.
func TestRecord(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out, "../..", true, false); err != nil {
		t.Error(err)
	}
	t.Log(out.String())
}
