package report

import (
	"crypto/sha256"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A part is one of a sentence as the template writes it: words, a name, or a cell.
type part struct {
	Text   string
	Whole  string // the text, where Text is cut
	IsName bool
	IsCell bool
	Raw    string
	At     string // of a cell in a table
	Link   bool   // numbers lead to their cells; names and dates only say which they are
}

func parts(s sentence) []part {
	var out []part
	for _, p := range s {
		switch p := p.(type) {
		case string:
			out = append(out, part{Text: p})
		case name:
			out = append(out, namePart(string(p), nameRunes))
		case quote:
			out = append(out, namePart(string(p), cellRunes))
		case *cell:
			out = append(out, partOf(p))
		}
	}
	return out
}

// namePart is a text of the user's, or of the run's, of so many characters at most.
func namePart(s string, most int) part {
	p := part{Text: cut(s, most), IsName: true}
	if utf8.RuneCountInString(s) > most {
		p.Whole = cut(s, titleRunes)
	}
	return p
}

func partOf(c *cell) part {
	if c == nil {
		return part{Text: "–"}
	}
	_, text := c.Value.(string)
	p := namePart(c.String(), nameRunes)
	p.Raw, p.At = c.raw(), c.at
	p.IsCell, p.IsName, p.Link = true, text && c.Format == formatText, !text && c.Value != nil && c.at != ""
	return p
}

// Href leads to the cell in its table.
func (p part) Href() template.URL { return template.URL("#cell-" + p.At) }

// A tableView is a table as the template writes it.
type tableView struct {
	*table
	Rows  [][]tableCell
	More  *cell    // how many rows are only in the warehouse; nil for none
	Docs  []column // the columns that have to be explained
	limit int      // rows that may be shown without being cited
}

// A tableCell is a cell of a tableView.
type tableCell struct {
	part
	Class  string // n for numbers, t for long texts
	Header bool
	Cited  bool
	Apart  bool // its value is not what it says, or is cited: it stands in an attribute
}

// viewOf takes the first rows of t, up to the limit, and those that are cited.
func viewOf(t *table, cited map[string]bool, limit int) tableView {
	v := tableView{table: t, limit: min(limit, len(t.Rows))}
	for i, row := range t.Rows {
		if i >= limit && !slices.ContainsFunc(row, func(c *cell) bool { return cited[c.at] }) {
			continue
		}
		cells := make([]tableCell, len(row))
		for i, c := range row {
			cells[i] = cellOf(c)
			cells[i].Header, cells[i].Cited = i < t.Key, cited[c.at]
			cells[i].Apart = cells[i].Apart && (cells[i].Cited || cells[i].Raw != cells[i].Text || cells[i].Text == "")
		}
		v.Rows = append(v.Rows, cells)
	}
	if n := len(t.Rows) - len(v.Rows); n > 0 {
		v.More = &cell{Value: int64(n), Format: formatCount}
	}
	return v
}

func cellOf(c *cell) tableCell {
	_, text := c.Value.(string)
	full := clean(c.String())
	t := tableCell{
		part:  part{Text: cut(full, cellRunes), Raw: c.raw(), At: c.at, IsCell: true, IsName: text},
		Apart: c.Value != nil,
	}
	if utf8.RuneCountInString(full) > cellRunes {
		t.Whole = cut(full, titleRunes)
	}
	switch {
	case c.Format.Numeric():
		t.Class = "n"
	case len(full) > 40:
		t.Class = "t"
	}
	return t
}

// raw is the value of c as it is in the table, for whoever reads the page with a program.
func (c *cell) raw() string {
	switch v := c.Value.(type) {
	case string:
		return cut(v, cellRunes)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// Numeric says whether cells of f stand at the right.
func (f format) Numeric() bool { return f != formatText && f != formatDate }

// explain has each table say what its columns mean, but for those that a table before it in the section has explained.
func (s *pageSection) explain() {
	type meaning struct{ title, doc string }
	said := map[meaning]bool{}
	for _, views := range [][]tableView{s.Open, s.Closed} {
		for i := range views {
			for _, c := range views[i].Columns {
				if m := (meaning{c.Title, c.Doc}); c.Doc != "" && !said[m] {
					said[m] = true
					views[i].Docs = append(views[i].Docs, c)
				}
			}
		}
	}
}

// A toneText is a tone in more than color.
type toneText struct{ Icon, Word string }

func toneOf(t tone) toneText {
	switch t {
	case good:
		return toneText{"✓", "Good"}
	case caution:
		return toneText{"!", "Take care"}
	case bad:
		return toneText{"✕", "Problem"}
	}
	return toneText{}
}

// Texts of the user's are cut beyond so many characters.
const (
	chartRunes = 60
	nameRunes  = 120
	cellRunes  = 400
	titleRunes = 800
)

// cut shortens s to n characters, and says so.
func cut(s string, n int) string {
	s = strings.Join(strings.FieldsFunc(clean(s), func(r rune) bool { return r == '\n' || r == '\t' }), " ")
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n--; n < 0 {
			return strings.TrimSpace(s[:i]) + "…"
		}
	}
	return s
}

// clean takes control characters out of s: those of bidirectional text make a name look like another.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
}

// trimmed is a chart's option with its texts cut. What was cut is marked, since a chart tells its parts by their names.
func trimmed(v any) any {
	switch v := v.(type) {
	case string:
		if utf8.RuneCountInString(v) <= chartRunes {
			return clean(v)
		}
		return fmt.Sprintf("%s %.2x", cut(v, chartRunes), sha256.Sum256([]byte(v)))
	case []string:
		out := make([]string, len(v))
		for i := range v {
			out[i] = trimmed(v[i]).(string)
		}
		return out
	case map[string]any:
		out := maps.Clone(v)
		for k := range out {
			out[k] = trimmed(out[k])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = trimmed(v[i])
		}
		return out
	case []map[string]any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = trimmed(v[i])
		}
		return out
	}
	return v
}

// Class is how the chart takes its place.
func (c *chart) Class() string {
	var class []string
	if c.Wide {
		class = append(class, "wide")
	}
	if c.Pan {
		class = append(class, "panned")
	}
	return strings.Join(class, " ")
}

func (c *chart) height() int {
	if c.Height > 0 {
		return c.Height
	}
	return 320
}
