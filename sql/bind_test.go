package sql

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEachParam(t *testing.T) {
	for _, c := range []struct {
		d        Dialect
		in, want string
	}{
		{DuckDB, "a = @x AND b = @y1_Z", "a = <x> AND b = <y1_Z>"},
		{DuckDB, "'@x' \"@x\" `@x` -- @x\n/* @x */ @x", "'@x' \"@x\" `@x` -- @x\n/* @x */ <x>"},
		{DuckDB, "'it''s @x' @x", "'it''s @x' <x>"},
		{DuckDB, `'C:\' @x`, `'C:\' <x>`}, // a backslash is a letter like any other
		{BigQuery, `'C:\' @x' @x`, `'C:\' @x' <x>`},
		{BigQuery, `'''it's @x''' """a"@x""" @x # it's @x`, `'''it's @x''' """a"@x""" <x> # it's @x`},
		{BigQuery, "# it's\n@x", "# it's\n<x>"},
		{DuckDB, "'open @x", "'open @x"},
		{DuckDB, "/* open @x", "/* open @x"},
		{DuckDB, "@ @1 a@", "@ @1 a@"},
		{DuckDB, "", ""},
	} {
		if got := eachParam(c.in, c.d, func(p string) string { return "<" + p + ">" }); got != c.want {
			t.Errorf("%s: %s gives %s, want %s", c.d, c.in, got, c.want)
		}
	}
}

// Cutting text into pieces loses nothing.
func FuzzRewrite(f *testing.F) {
	for _, s := range []string{"SELECT '@a', \"b\" -- c\n/* d */ @e", "'", "'''", "\\", "@", "--", "/*", "a''b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, d := range []Dialect{DuckDB, BigQuery} {
			if got := rewrite(s, d, func(piece string) string { return piece }); got != s {
				t.Errorf("%s: %q became %q", d, s, got)
			}
		}
	})
}

// A quoted name and a literal are one piece each, whatever they hold: nothing in them is read as SQL.
func TestQuotedIsOnePiece(t *testing.T) {
	nasty := rapid.SliceOfN(rapid.SampledFrom([]string{"'", `"`, "`", `\`, "--", "/*", "*/", ";", "@x", "#", "\n", "a", "é", " "}), 1, 8)
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(nasty.Draw(t, "s"), "")
		for _, d := range []Dialect{DuckDB, BigQuery} {
			quoted := []string{d.Literal(s)}
			if q, err := d.Quote(s); err == nil {
				quoted = append(quoted, q)
			}
			for _, q := range quoted {
				for rest := q; rest != ""; { // DuckDB doubles quotes, which are two pieces that touch
					n := pieceLen(rest, d)
					if rest[0] != q[0] || n < 2 {
						t.Fatalf("%s: %s of %q: %q stands outside", d, q, s, rest)
					}
					rest = rest[n:]
				}
				if got := eachParam(q, d, func(string) string { return "!" }); got != q {
					t.Fatalf("%s: %s holds a parameter", d, q)
				}
			}
		}
	})
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ name, duckdb, bigquery string }{
		{"a", `"a"`, "`a`"},
		{"Größe in €", `"Größe in €"`, "`Größe in €`"},
		{`a"b`, `"a""b"`, "`a\"b`"},
		{"a`b", "\"a`b\"", ""},
		{`a\b`, `"a\b"`, ""},
		{"", "", ""},
		{"a\nb", "", ""},
		{"a\x00b", "", ""},
		{"a\xffb", "", ""},
		{strings.Repeat("x", 301), "", ""},
	} {
		for d, want := range map[Dialect]string{DuckDB: c.duckdb, BigQuery: c.bigquery} {
			if got, err := d.Quote(c.name); got != want || (err != nil) != (want == "") {
				t.Errorf("%s: %q gives %s, %v, want %s", d, c.name, got, err, want)
			}
		}
	}
}

func TestTableName(t *testing.T) {
	for name, want := range map[string]string{
		"orders": "`orders`", "shop.orders": "`shop`.`orders`", "my-project.shop.orders": "`my-project`.`shop`.`orders`",
		"": "", "a.b.c.d": "", "a..b": "", ".a": "", "a b": "", "a;b": "", "1a": "", "`a`": "", "a'": "", "a\n": "",
	} {
		if got, err := BigQuery.TableName(name); got != want || (err != nil) != (want == "") {
			t.Errorf("%q gives %s, %v, want %s", name, got, err, want)
		}
	}
}

func TestBind(t *testing.T) {
	params := map[string]any{"has_conversions": true, "as_of_day": 3, "horizon_days": 90, "as_of": 1, "unused": 2}
	q, err := Bind("outcomes", DuckDB, params, Relation{"features", "SELECT * FROM m WHERE d = @as_of"}, Relation{"horizons", "SELECT * FROM o"})
	if err != nil {
		t.Fatal(err)
	}
	want := "WITH \"features\" AS NOT MATERIALIZED (SELECT * FROM m WHERE d = $as_of\n),\n" +
		"\"horizons\" AS NOT MATERIALIZED (SELECT * FROM o\n),\nconversions AS ("
	if !strings.HasPrefix(q.Text, want) {
		t.Errorf("the text is\n%s\nwant\n%s", q.Text, want)
	}
	if got := slices.Sorted(maps.Keys(q.Params)); !slices.Equal(got, []string{"as_of", "as_of_day", "has_conversions", "horizon_days"}) {
		t.Errorf("the parameters are %v", got)
	}
	if _, err := Bind("outcomes", BigQuery, nil); err == nil || !strings.Contains(err.Error(), "no value for the parameters as_of_day, horizon_days, has_conversions") {
		t.Errorf("without parameters: %v", err)
	}
	if _, err := Bind("nothing", DuckDB, nil); err == nil {
		t.Error("a query that is not there was bound")
	}
	if q, err := Bind("population", BigQuery, map[string]any{"as_of_day": 1}); err != nil || !strings.Contains(q.Text, "AS `rows`") {
		t.Errorf("quoted names are not BigQuery's: %v\n%s", err, q.Text)
	}
}

func TestResolve(t *testing.T) {
	have := func(names ...string) []Relation {
		var out []Relation
		for _, n := range names {
			out = append(out, Relation{n, "SELECT 1"})
		}
		return out
	}
	rels, err := Resolve("customer_purchases", DuckDB, have("refunds", "late_lines", "orders", "other")...)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range rels {
		names = append(names, r.Name)
	}
	if want := []string{"late_lines", "orders", "refunds", "known_orders", "purchases"}; !slices.Equal(names, want) {
		t.Errorf("it reads %v, want %v", names, want)
	}
	if _, err := Resolve("customer_purchases", DuckDB, have("orders", "refunds")...); err == nil || !strings.Contains(err.Error(), "late_lines") {
		t.Errorf("without late_lines: %v", err)
	}
}

// Every file says what it is for, and reads nothing but what another file, a table or the job gives it.
func TestQueryFiles(t *testing.T) {
	entries, err := fs.ReadDir(files, "query")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name, _, _ := strings.Cut(e.Name(), ".")
		for _, d := range []Dialect{DuckDB, BigQuery} {
			text, err := load(name, d)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(text, "-- ") {
				t.Errorf("%s does not begin with a comment", e.Name())
			}
			if body := stripLeadingComments(text); !strings.HasPrefix(body, "SELECT") && !strings.HasPrefix(body, "WITH ") {
				t.Errorf("%s is no SELECT", e.Name())
			}
			if strings.Contains(text, "::") || strings.Contains(text, "FILTER") || strings.ContainsRune(text, ';') && !strings.Contains(text, "--") {
				t.Errorf("%s is not in the common subset", e.Name())
			}
		}
	}
}
