package report

import (
	"bytes"
	"fmt"
)

// mostBytes is what a report may weigh, so that it can be mailed.
const mostBytes = 1_500_000

// mostRows are the rows of a table of evidence that stand in a report: the first ones, and all that are cited. The page
// says how many there are beside them, and where.
const mostRows = 120

// fitted is the page as bytes. While it weighs too much, the heaviest table of evidence keeps the first half of its rows
// only: first of those that are closed, then of those that stand open.
func (d *document) fitted() ([]byte, error) {
	p, err := newPage(d)
	if err != nil {
		return nil, err
	}
	for {
		var b bytes.Buffer
		if err := pageTemplate.Execute(&b, p); err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		over := b.Len() - mostBytes
		if over <= 0 || !p.lighten(over) {
			return b.Bytes(), nil
		}
	}
}

// lighten takes about so many bytes of evidence away; it returns false where there is none.
func (p *page) lighten(over int) bool {
	done := false
	for over > 0 {
		v := p.heaviest()
		if v == nil {
			break
		}
		before := v.weight()
		docs := v.Docs
		*v = viewOf(v.table, p.cited, v.limit/2)
		v.Docs = docs
		over -= before - v.weight()
		done = true
	}
	return done
}

// heaviest is the table with the most text that could be shorter; nil where none could.
func (p *page) heaviest() *tableView {
	var closed, open *tableView
	for _, part := range p.Parts {
		for _, s := range part.Sections {
			closed, open = heavier(closed, s.Closed), heavier(open, s.Open)
		}
	}
	if closed == nil {
		return open
	}
	return closed
}

func heavier(than *tableView, views []tableView) *tableView {
	for i := range views {
		if v := &views[i]; v.limit > 0 && (than == nil || v.weight() > than.weight()) {
			than = v
		}
	}
	return than
}

// weight is about how many bytes the rows take.
func (v *tableView) weight() int {
	const markup = 40 // of a cell
	n := 0
	for _, row := range v.Rows {
		for _, c := range row {
			n += markup + len(c.Text) + len(c.Raw) + len(c.Whole)
		}
	}
	return n
}
