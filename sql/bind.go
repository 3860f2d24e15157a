package sql

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"segments/transforms/frame"
)

//go:embed query
var files embed.FS

// A Query is SQL text and the values of its named parameters, which are of type int64, float64, string, bool,
// arrow.Date32 or arrow.Timestamp. The text has them in the dialect's own form: @name in BigQuery, $name in DuckDB.
type Query struct {
	Name   string // for messages and logs
	Text   string
	Params map[string]any
}

// A Relation is a logical name and the SELECT that it stands for.
type Relation struct {
	Name, Select string
}

// Bind returns the query called name with relations put before it and with those of params that it uses.
// It fails where a parameter has no value.
func Bind(name string, d Dialect, params map[string]any, relations ...Relation) (Query, error) {
	text, err := load(name, d)
	if err != nil {
		return Query{}, err
	}
	return bind(name, text, d, params, relations)
}

// Select returns the query that reads the relation r alone.
func Select(r Relation, d Dialect, params map[string]any) (Query, error) {
	return bind(r.Name, r.Select, d, params, nil)
}

func bind(name, text string, d Dialect, params map[string]any, relations []Relation) (Query, error) {
	var b strings.Builder
	for i, r := range relations {
		b.WriteString([]string{"WITH ", ",\n"}[min(i, 1)] + d.ident(r.Name) + " AS ")
		if d == DuckDB {
			b.WriteString("NOT MATERIALIZED ")
		}
		b.WriteString("(" + r.Select + "\n)")
	}
	body := stripLeadingComments(text)
	switch {
	case len(relations) == 0:
		b.WriteString(body)
	case len(body) > 5 && strings.EqualFold(body[:5], "WITH "):
		b.WriteString(",\n" + body[5:])
	default:
		b.WriteString("\n" + body)
	}
	used := map[string]any{}
	var missing []string
	out := eachParam(b.String(), d, func(p string) string {
		v, ok := params[p]
		if !ok {
			missing = append(missing, p)
		}
		used[p] = v
		if d == DuckDB {
			return "$" + p
		}
		return "@" + p
	})
	if missing != nil {
		return Query{}, fmt.Errorf("sql: query %s: no value for the parameters %s", name, strings.Join(slices.Compact(missing), ", "))
	}
	return Query{name, out, used}, nil
}

func load(name string, d Dialect) (string, error) {
	for _, p := range []string{"query/" + name + "." + string(d) + ".sql", "query/" + name + ".sql"} {
		if b, err := fs.ReadFile(files, p); err == nil {
			text := strings.TrimRight(strings.TrimSpace(string(b)), ";")
			if d == BigQuery {
				text = backticks(text)
			}
			return text, nil
		}
	}
	return "", fmt.Errorf("sql: no query %q for %s", name, d)
}

func stripLeadingComments(text string) string {
	for {
		text = strings.TrimSpace(text)
		if !strings.HasPrefix(text, "--") {
			return text
		}
		_, text, _ = strings.Cut(text, "\n")
	}
}

// eachParam returns text with every @name outside of strings, quoted names and comments replaced by f(name).
func eachParam(text string, d Dialect, f func(name string) string) string {
	return rewrite(text, d, func(piece string) string {
		if piece[0] == '@' && len(piece) > 1 {
			return f(piece[1:])
		}
		return piece
	})
}

// backticks returns the text of a query file with its quoted names, "name", in the form of BigQuery, where double quotes
// are for strings.
func backticks(text string) string {
	return rewrite(text, DuckDB, func(piece string) string {
		if piece[0] == '"' && len(piece) > 1 {
			return "`" + strings.Trim(piece, `"`) + "`"
		}
		return piece
	})
}

// rewrite cuts text, which is SQL of d, into comments, strings, quoted names, parameters and single other bytes, and
// joins f of each.
func rewrite(text string, d Dialect, f func(piece string) string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := pieceLen(text, d)
		b.WriteString(f(text[:n]))
		text = text[n:]
	}
	return b.String()
}

// pieceLen returns the length of the piece that text begins with.
func pieceLen(text string, d Dialect) int {
	switch c := text[0]; {
	case strings.HasPrefix(text, "--"), d == BigQuery && c == '#':
		return until(text, "\n", 1)
	case strings.HasPrefix(text, "/*"):
		return until(text, "*/", 2)
	case d == BigQuery && (strings.HasPrefix(text, "'''") || strings.HasPrefix(text, `"""`)):
		return untilQuote(text, text[:3], true)
	case c == '\'' || c == '"' || c == '`':
		return untilQuote(text, text[:1], d == BigQuery)
	case c == '@' && len(text) > 1 && isNameStart(text[1]):
		n := 2
		for n < len(text) && (isNameStart(text[n]) || text[n] >= '0' && text[n] <= '9') {
			n++
		}
		return n
	}
	return 1
}

// untilQuote returns the length of the string or quoted name that s begins with. escapes says whether a backslash takes
// the meaning from the byte after it; a doubled quote is two strings, which comes to the same here.
func untilQuote(s, quote string, escapes bool) int {
	for i := len(quote); i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote)
		}
	}
	return len(s)
}

// until returns the length of the piece of s that ends with the first end at or after from, or of all of s.
func until(s, end string, from int) int {
	if at := strings.Index(s[from:], end); at >= 0 {
		return from + at + len(end)
	}
	return len(s)
}

func isNameStart(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// Checksum returns the SHA-256 of all queries.
func Checksum() string {
	h := sha256.New()
	entries, err := fs.ReadDir(files, "query") // sorted by name
	if err != nil {
		panic(err) // they are in the binary
	}
	for _, e := range entries {
		text, err := fs.ReadFile(files, "query/"+e.Name())
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(h, "%s %d\n%s", e.Name(), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Pick returns r with the columns cs alone.
func (r Relation) Pick(d Dialect, cs ...frame.Column) Relation {
	names := make([]string, len(cs))
	for i, c := range cs {
		names[i] = d.ident(c.Name)
	}
	return Relation{r.Name, "SELECT " + strings.Join(names, ", ") + " FROM (" + r.Select + ") AS r"}
}

// Where returns r with the rows in which the Date column has the day of the parameter param.
func (r Relation) Where(d Dialect, column, param string) Relation {
	return Relation{r.Name, r.Select + " WHERE " + d.ident(column) + " = @" + param}
}
