package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"segments/pipeline/demo"
)

// Every number of a report is one of the tables': each of its tables is what SQL written here, apart from the report's,
// finds in the published file; a sentence cites cells and has no digits of its own; and a chart draws its table's numbers.
func TestReportNumbers(t *testing.T) {
	t.Parallel()
	data, _ := company(t, demo.Options{Customers: 4000, Days: 500, Seed: 3, Dirt: true})
	s := newShop(t, data, "\ntransforms: {cluster: {k: 4}}\nvalidation: {origins: 2}\n")
	s.publish(30)
	s.publish(0)
	page := parsePage(t, s.read(""))
	page.tablesAreTrue(s)
	page.sentencesCite()
	page.chartsDraw()
}

// A page is a report taken apart.
type page struct {
	testing.TB
	root   *html.Node
	tables map[string]*pageTable
	cells  map[string]pageCell // that are cited, by what cites them
	shown  map[string]bool     // the numbers in the texts of cells
}

type pageTable struct {
	columns []string
	rows    [][]pageCell
}

type pageCell struct {
	raw   string
	known bool
	text  string
}

func parsePage(t testing.TB, text string) *page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	check(t, err)
	p := &page{TB: t, root: root, tables: map[string]*pageTable{}, cells: map[string]pageCell{}, shown: map[string]bool{}}
	for n := range root.Descendants() {
		if n.Data != "table" || attrOf(n, "id") == "" {
			continue
		}
		table := &pageTable{}
		for c := range n.Descendants() {
			switch {
			case c.Data == "th" && attrOf(c, "scope") == "col":
				table.columns = append(table.columns, attrOf(c, "data-column"))
			case c.Data == "tr" && c.Parent.Data == "tbody":
				table.rows = append(table.rows, nil)
			case c.Data == "td" || c.Data == "th" && attrOf(c, "scope") == "row":
				raw, known := attr(c, "data-value")
				if text := content(c); !known && text != "" && text != "–" { // its value is what it says
					raw, known = text, true
				}
				cell := pageCell{raw, known, content(c)}
				table.rows[len(table.rows)-1] = append(table.rows[len(table.rows)-1], cell)
				for _, number := range anyNumber.FindAllString(cell.text, -1) {
					p.shown[number] = true
				}
				if id := attrOf(c, "id"); id != "" { // somebody cites it
					p.cells[strings.TrimPrefix(id, "cell-")] = cell
				}
			}
		}
		p.tables[attrOf(n, "id")] = table
	}
	return p
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func attrOf(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

// content is the text below n.
func content(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.ReplaceAll(b.String(), "\u00a0", " ")
}

// tablesAreTrue holds every table against its oracle.
func (p *page) tablesAreTrue(s shop) {
	db, err := sql.Open("duckdb", s.file()+"?access_mode=READ_ONLY")
	check(s, err)
	defer db.Close() //nolint:errcheck // it was only read
	fill := strings.NewReplacer("{day}", "DATE '"+day(0)+"'", "{run}", "'"+s.row("SELECT run_id FROM runs WHERE as_of = '"+day(0)+"'")+"'").Replace
	for _, m := range oracleMacros {
		_, err := db.Exec(fill(m))
		check(s, err)
	}
	cards := regexp.MustCompile(`^group-\d+-facts$`)
	for id, table := range p.tables {
		want, known := oracles[id]
		if id == "content" {
			want, known = contentOracle(table.columns), true
		}
		if cards.MatchString(id) {
			p.cardIsTrue(db, fill, id, table)
			continue
		}
		if !known {
			p.Errorf("table %s has no oracle", id)
			continue
		}
		rows, err := valuesOf(db, fill(want))
		if err != nil {
			p.Errorf("table %s: %v", id, err)
			continue
		}
		if len(rows) != len(table.rows) || len(rows) == 0 {
			p.Errorf("table %s has %d rows, want %d", id, len(table.rows), len(rows))
			continue
		}
		for i, row := range rows {
			p.rowIsTrue(fmt.Sprintf("table %s row %d", id, i), table.columns, table.rows[i], row)
		}
	}
	for id := range oracles {
		if p.tables[id] == nil {
			p.Errorf("there is no table %s, which has an oracle", id)
		}
	}
}

// cardIsTrue finds each row of a card's evidence among all that could be said of the group.
func (p *page) cardIsTrue(db *sql.DB, fill func(string) string, id string, table *pageTable) {
	n, err := strconv.Atoi(strings.Split(id, "-")[1])
	check(p, err)
	rows, err := valuesOf(db, fill(strings.ReplaceAll(cardOracle, "{n}", strconv.Itoa(n))))
	if err != nil {
		p.Errorf("table %s: %v", id, err)
		return
	}
	for i, row := range table.rows {
		at := slices.IndexFunc(rows, func(r []any) bool {
			return fmt.Sprint(r[0]) == row[0].raw && (r[1] == nil || fmt.Sprint(r[1]) == row[1].raw)
		})
		if at < 0 {
			p.Errorf("table %s row %d: %s %s is nothing that could be said", id, i, row[0].raw, row[1].raw)
			continue
		}
		p.rowIsTrue(fmt.Sprintf("table %s row %d", id, i), table.columns, row, rows[at])
	}
}

// valuesOf returns the rows of a query: nil, a text or a float64 each.
func valuesOf(db *sql.DB, query string) ([][]any, error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err says it
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out [][]any
	for rows.Next() {
		row, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		for i, v := range row {
			switch v := v.(type) {
			case nil, string, float64:
			case time.Time:
				row[i] = v.Format(time.DateOnly)
			default: // integers of every size
				n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
				if err != nil {
					return nil, err
				}
				row[i] = n
			}
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// rowIsTrue compares a row with what it must be, and its texts with its values.
func (p *page) rowIsTrue(where string, columns []string, got []pageCell, want []any) {
	if len(got) != len(want) {
		p.Errorf("%s has %d cells, want %d", where, len(got), len(want))
		return
	}
	for i, c := range got {
		at := where + " " + columns[i]
		switch w := want[i].(type) {
		case nil:
			if c.known || c.text != "–" {
				p.Errorf("%s: %q (%q), want nothing", at, c.raw, c.text)
			}
		case string:
			v, err := strconv.ParseFloat(c.raw, 64)
			f, err2 := strconv.ParseFloat(w, 64)
			if number := err == nil && err2 == nil; number && near(v, f) && rounds(c.text, v) || c.raw == w && shortened(c.text) == shortened(w) {
				continue
			}
			p.Errorf("%s: %q (%q), want %q", at, c.raw, c.text, w)
		case float64:
			v, err := strconv.ParseFloat(c.raw, 64)
			if err != nil || !near(v, w) {
				p.Errorf("%s: %q, want %v", at, c.raw, w)
			} else if !rounds(c.text, v) {
				p.Errorf("%s: %q is not %v rounded", at, c.text, v)
			}
		}
	}
}

// near says whether two numbers are the same but for the order in which they were summed.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }

// shortened is the beginning of a text, since long ones are cut.
func shortened(s string) string {
	r := []rune(strings.TrimSuffix(s, "…"))
	return string(r[:min(len(r), 110)])
}

var writtenNumber = regexp.MustCompile(`^([<>]?)([+−]?)([0-9][0-9,]*(?:\.[0-9]+)?)( %|x| days?| [A-Z]{3})?$`)

// rounds says whether text is v as people write it, right to its last digit.
func rounds(text string, v float64) bool {
	m := writtenNumber.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	digits := strings.ReplaceAll(m[3], ",", "")
	shown, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return false
	}
	if m[2] == "−" {
		shown = -shown
	}
	if m[4] == " %" {
		v *= 100
	}
	switch m[1] {
	case "<":
		return v < shown
	case ">":
		return v > shown
	}
	if m[4] == " %" && (shown == 0 && math.Abs(v) > 1e-9 || shown == 100 && v < 100-1e-9) {
		return false // neither is a little nothing nor nearly all everything
	}
	_, decimals, _ := strings.Cut(digits, ".")
	return math.Abs(shown-v) <= 0.5*math.Pow(10, -float64(len(decimals)))+1e-9
}

// What may stand in a sentence with digits, beside what it cites.
var freeDigits = regexp.MustCompile(`\b\d{4}-\d\d-\d\d\b|\b\d+ [A-Z][a-z]+ \d{4}\b|\b95 %`)

var anyNumber = regexp.MustCompile(`[0-9][0-9,.]*[0-9]|[0-9]`)

var digit = regexp.MustCompile(`[0-9]`)

// sentencesCite wants every number of the text to be a cell's.
func (p *page) sentencesCite() {
	cited := 0
	for n := range p.root.Descendants() {
		if n.Data != "data" {
			continue
		}
		cited++
		at := attrOf(n, "data-cell")
		cell, ok := p.cells[at]
		if !ok {
			p.Errorf("%q cites the cell %q, which is not there", content(n), at)
			continue
		}
		if raw := attrOf(n, "value"); raw != cell.raw || shortened(content(n)) != shortened(cell.text) {
			p.Errorf("%q (%s) cites %q (%s)", content(n), raw, cell.text, cell.raw)
		}
	}
	if cited < 100 {
		p.Errorf("only %d cells are cited", cited)
	}
	for n := range p.root.Descendants() {
		if n.Type != html.TextNode || !digit.MatchString(n.Data) || p.exempt(n) {
			continue
		}
		if rest := freeDigits.ReplaceAllString(n.Data, ""); digit.MatchString(rest) {
			p.Errorf("digits of its own in <%s class=%q>: %q", n.Parent.Data, attrOf(n.Parent, "class"), strings.TrimSpace(n.Data))
		}
	}
}

// elsewhere are the classes of what columns mean, of the printed sheets, which say the same again without citing, and of how
// many rows are only in the warehouse.
var elsewhere = []string{"columns", "paper", "more"}

// exempt says whether a text may have digits: tables, what is cited, names, dates, captions of charts (chartsDraw looks at
// those), the foot of the page, and what is elsewhere, the printed sheets of which chartsDraw looks at as well.
func (p *page) exempt(n *html.Node) bool {
	for a := n.Parent; a != nil; a = a.Parent {
		switch a.Data {
		case "table", "data", "bdi", "time", "figcaption", "script", "style", "head", "noscript", "footer":
			return true
		}
		if class := strings.Fields(attrOf(a, "class")); slices.ContainsFunc(class, func(c string) bool { return slices.Contains(elsewhere, c) }) {
			return true
		}
	}
	return false
}

// inside says whether n is within any of these elements.
func (p *page) inside(n *html.Node, elements ...string) bool {
	for a := n.Parent; a != nil; a = a.Parent {
		if slices.Contains(elements, a.Data) {
			return true
		}
	}
	return false
}

// chartsDraw wants the numbers of series to be those of the chart's table, and those of captions to be written in it.
func (p *page) chartsDraw() {
	var charts []struct {
		ID     string
		Option map[string]any
	}
	drawn := map[string]string{} // tables by chart
	for n := range p.root.Descendants() {
		if n.Data == "script" && attrOf(n, "id") == "charts" {
			check(p, json.Unmarshal([]byte(content(n)), &charts))
		}
		if id := attrOf(n, "data-chart"); id != "" && attrOf(n, "data-table") != "" {
			drawn[id] = attrOf(n, "data-table")
		}
	}
	if len(charts) < 8 {
		p.Errorf("only %d charts", len(charts))
	}
	for _, c := range charts {
		table := p.tables[drawn[c.ID]]
		if table == nil {
			p.Errorf("chart %s is of the table %q, which is not there", c.ID, drawn[c.ID])
			continue
		}
		var known []float64
		for _, row := range table.rows {
			for _, cell := range row {
				if v, err := strconv.ParseFloat(cell.raw, 64); err == nil {
					known = append(known, v)
				}
			}
		}
		for _, series := range asList(c.Option["series"]) {
			s := series.(map[string]any)
			interval := s["renderItem"] == "@render:interval"
			for _, key := range []string{"data", "links"} {
				for _, item := range asList(s[key]) {
					for _, v := range numbers(item, interval) {
						if !slices.Contains(known, v) {
							p.Errorf("chart %s draws %v, which is not in the table %s", c.ID, v, drawn[c.ID])
						}
					}
				}
			}
		}
	}
	for n := range p.root.Descendants() {
		if paper := attrOf(n, "class") == "paper"; n.Data != "figcaption" && !paper {
			continue
		}
		for t := range n.Descendants() {
			if t.Type != html.TextNode {
				continue
			}
			for _, number := range anyNumber.FindAllString(freeDigits.ReplaceAllString(t.Data, ""), -1) {
				if !p.shown[number] {
					p.Errorf("%q has %s, which no cell has", t.Data, number)
				}
			}
		}
	}
}

// asList is v as a list.
func asList(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

// numbers are those that a data item draws. The first of an interval is its place.
func numbers(item any, interval bool) []float64 {
	switch v := item.(type) {
	case float64:
		return []float64{v}
	case map[string]any:
		return numbers(v["value"], interval)
	case []any:
		var out []float64
		for i, x := range v {
			if f, ok := x.(float64); ok && (i > 0 || !interval) {
				out = append(out, f)
			}
		}
		return out
	}
	return nil
}
