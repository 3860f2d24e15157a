package report

import (
	"fmt"
	"strings"
)

// A section is a panel's answer to its question.
type section struct {
	ID       string // of the panel: also its anchor
	Question string
	Title    sentence   // the finding, as one sentence
	Tone     tone       // how good the finding is
	First    sentence   // what to do first, for the top of the page; Lead has it, too
	Lead     []sentence // what follows from the numbers, most important first
	Told     int        // so many sentences of Lead stand open, the others a click below; 0 is mostOpen
	Charts   []*chart
	Cards    []*card
	Tables   []*table // the evidence; those of charts are shown beneath them, the others after
	Notes    []string // how to read it, in plain words; no numbers of the run
}

// A tone colors a finding; the words say it too.
type tone string

const (
	good    tone = "good"
	caution tone = "caution"
	bad     tone = "bad"
	neutral tone = "neutral"
)

// A chart draws cells of its table.
type chart struct {
	ID     string // unlike that of any other
	Label  string // what it shows, with unit, n and date, for who cannot see it and as its caption
	Height int    // in pixels
	Wide   bool   // it takes the whole width of the page; others share it
	Pan    bool   // where the page is narrow it keeps its width, and is moved sideways
	Print  bool   // it is on the printed pages, too

	// Option is the ECharts option. A text in it that begins with @ is resolved when the chart is drawn: @color:NAME is a
	// color of the theme (good, caution, bad, neutral, ink, muted, line, surface, accent, seq0 to seq6 from least to most,
	// cat0 to cat7; and ink-on-seq0 to ink-on-seq6 for text on those), @format:FORMAT a function that writes numbers as
	// cells of that format are written.
	//
	// A custom series cannot bring a function, but name one as its renderItem. "@render:interval" draws a whisker of an
	// item [y index, low, value, high] across, "@render:intervalUp" one of [x index, low, value, high] upright, and
	// "@render:outline" a frame of [x index, y index, x index, y index] around cells of two category axes, from the first
	// to the last, both within.
	//
	// A data item may have a tip, a list of texts: the lines that are shown when it is pointed at. Where there is none it
	// is its name and its value as the tooltip's valueFormatter writes it, which may be a "@format:FORMAT".
	Option map[string]any
	Table  *table
}

// A card describes a group.
type card struct {
	ID      string
	Name    string // of the group, as the tables have it
	Title   string // a name for the people
	Tone    tone
	Badge   string     // the verdict in a word or two
	Figures []figure   // three or four
	Says    []sentence // who they are, what they do, when and where they can be reached, what they are worth
	Action  string     // what to do next
	Table   *table     // the evidence of Says
}

// A figure is a number with its name.
type figure struct {
	Label string
	Value *cell
	Of    string // what it is a part of, or since when, in words
}

// A table is evidence: cells under columns.
type table struct {
	ID      string // unlike that of any other
	Caption string
	From    string // the published tables it was made of, in words that find them
	Columns []column
	Rows    [][]*cell
	Key     int  // so many columns at the left are row headers
	Shown   bool // it stands open, since it is what its section is about, and not a click below
}

// A column is one of a table.
type column struct {
	Name   string // as in the published table, or what the query gives
	Title  string // for people
	Format format
	Doc    string // what it means
}

// A cell is a value of a table, or what a query over it gives. Its Value is nil, a string, a float64 or an int64.
type cell struct {
	Value  any
	Format format
	Unit   string // currency of money
	at     string // table:row:column, once it is in a table
}

// A format says how the value of a cell is written.
type format string

const (
	formatText  format = "text"
	formatCount format = "count" // 1,204
	formatShare format = "share" // 0.47 is written 47 %, with a space that does not break
	formatRatio format = "ratio" // 2.3 is written 2.3x
	formatMoney format = "money" // 1,234 EUR
	formatDays  format = "days"  // 12 days
	formatRate  format = "rate"  // 1.25
	formatP     format = "p"     // a p or q value: 0.23, 0.012, <0.001
	formatMean  format = "mean"  // 6.1, 12
	formatScore format = "score" // 3
	formatDate  format = "date"  // 2026-10-31
	formatDelta format = "delta" // 0.04 is written +4 %
)

// add appends a row of values to t, which has a column for each, and returns its cells.
func (t *table) add(unit string, values ...any) []*cell {
	row := make([]*cell, len(t.Columns))
	for i, c := range t.Columns {
		row[i] = &cell{Value: values[i], Format: c.Format, Unit: unit, at: fmt.Sprintf("%s:%d:%d", t.ID, len(t.Rows), i)}
	}
	t.Rows = append(t.Rows, row)
	return row
}

// number returns the value of c; ok is false where it is none.
func (c *cell) number() (v float64, ok bool) {
	switch v := c.Value.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// A sentence is text that cites cells: its parts are of type string, name and *cell.
type sentence []any

// A name is the user's: of a group, or a value of an attribute.
type name string

// A quote is what the run said, with its own numbers: sentences have it whole, and do not stand for it.
type quote string

// say makes a sentence of a text with a {} for each of the parts: cells, quotes, names of the user's, which are text, and
// sentences.
func say(text string, parts ...any) sentence {
	pieces := strings.Split(text, "{}")
	if len(pieces) != len(parts)+1 {
		panic(fmt.Sprintf("report: %d parts for %q", len(parts), text))
	}
	var s sentence
	for i, p := range pieces {
		if p != "" {
			s = append(s, p)
		}
		if i < len(parts) {
			if text, ok := parts[i].(string); ok {
				s = append(s, name(text))
				continue
			}
			if inner, ok := parts[i].(sentence); ok {
				s = append(s, inner...)
				continue
			}
			s = append(s, parts[i])
		}
	}
	return s
}

// String is the sentence as plain text.
func (s sentence) String() string {
	var b strings.Builder
	for _, p := range s {
		switch p := p.(type) {
		case string:
			b.WriteString(p)
		case name:
			b.WriteString(string(p))
		case quote:
			b.WriteString(string(p))
		case *cell:
			b.WriteString(p.String())
		}
	}
	return b.String()
}
