package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"unicode/utf8"
)

//go:embed page.gohtml
var pageText string

//go:embed assets/report.css
var styles string

//go:embed assets/report.js
var script string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"figure": partOf,
	"brief":  func(s string) string { return cut(s, nameRunes) },
	"long":   func(s string) bool { return utf8.RuneCountInString(s) > nameRunes },
	"whole":  func(s string) string { return cut(s, titleRunes) },
	"says":   parts,
	"tone":   toneOf,
}).Parse(pageText))

// render writes the document as one HTML file.
func (d *document) render(w io.Writer) error {
	b, err := d.fitted()
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// A page is what the template sees.
type page struct {
	*document
	Policy  string
	Styles  template.CSS
	Script  template.JS
	Specs   template.JS
	Verdict *section   // the first
	First   sentence   // what to do first
	Short   []*section // what a marketer wants to know next
	Parts   []pagePart // for the marketer, for the analyst
	Printed printed
	Stamp   string

	cited map[string]bool // cells
}

// A pagePart is a part of the page, for one kind of reader.
type pagePart struct {
	Title    string // empty for the first: it is the page's
	Sections []pageSection
}

// A pageSection is a section with its evidence in order.
type pageSection struct {
	*section
	Open, Closed []tableView
	Elsewhere    []*table
	Stamp        string
}

// mostOpen is how many sentences of a section stand open where it does not say; one more is no reason to fold.
const mostOpen = 4

// Said are the sentences that stand open.
func (s pageSection) Said() []sentence {
	open := cmp.Or(s.Told, mostOpen)
	if len(s.Lead) <= open+1 {
		return s.Lead
	}
	return s.Lead[:open]
}

// More are the others, a click below.
func (s pageSection) More() []sentence { return s.Lead[len(s.Said()):] }

// printed is the digest for paper: two pages.
type printed struct {
	Findings []*section
	Charts   []*chart
	Cards    []*card
	More     int // cards that found no place
}

// forAnalysts are the sections of the page's second part.
var forAnalysts = []string{"quality", "drift", "provenance"}

// inShort are the sections whose findings stand at the top of the page, under the verdict: who the customers are, what
// becomes of them, and what to do.
var inShort = []string{"customers", "groups", "content", "moves"}

// A chartSpec is what the script needs to draw a chart.
type chartSpec struct {
	ID     string         `json:"id"`
	Height int            `json:"height"`
	Option map[string]any `json:"option"`
}

func newPage(d *document) (*page, error) {
	p := &page{document: d, Styles: template.CSS(styles), Script: template.JS(script), Policy: policy(styles, script), cited: citations(d.Sections)}
	if d.Run.State != Published {
		p.Stamp = string(d.Run.State)
	}
	first, second := pagePart{}, pagePart{Title: "For analysts"}
	specs, seen := []chartSpec{}, map[*table]bool{}
	for _, s := range d.Sections {
		if p.Verdict == nil {
			p.Verdict = s
		}
		ps := pageSection{section: s, Stamp: p.Stamp}
		for _, t := range s.evidence() {
			switch {
			case seen[t]: // an earlier section has it: a table is on the page once
				ps.Elsewhere = append(ps.Elsewhere, t)
			case t.Shown:
				ps.Open = append(ps.Open, viewOf(t, p.cited, mostRows))
			default:
				ps.Closed = append(ps.Closed, viewOf(t, p.cited, mostRows))
			}
			seen[t] = true
		}
		ps.explain()
		if slices.Contains(forAnalysts, s.ID) {
			second.Sections = append(second.Sections, ps)
		} else {
			first.Sections = append(first.Sections, ps)
		}
		for _, c := range s.Charts {
			specs = append(specs, chartSpec{c.ID, c.height(), trimmed(c.Option).(map[string]any)})
		}
	}
	for _, part := range []pagePart{first, second} {
		if len(part.Sections) > 0 {
			p.Parts = append(p.Parts, part)
		}
	}
	for _, s := range d.Sections {
		if s.First != nil {
			p.First = s.First
		}
		if slices.Contains(inShort, s.ID) && d.Run.State != Rejected { // whose findings are not to be used
			p.Short = append(p.Short, s)
		}
	}
	p.Printed = digest(d.Sections)
	j, err := json.Marshal(specs) // escapes <, >, &, U+2028 and U+2029
	if err != nil {
		return nil, fmt.Errorf("report: charts: %w", err)
	}
	p.Specs = template.JS(j)
	return p, nil
}

// evidence lists the tables of charts, of cards, and the others, each once.
func (s *section) evidence() []*table {
	var all []*table
	add := func(t *table) {
		if t != nil && !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	for _, c := range s.Charts {
		add(c.Table)
	}
	for _, c := range s.Cards {
		add(c.Table)
	}
	for _, t := range s.Tables {
		add(t)
	}
	return all
}

// citations are the cells that are cited: only they need an id on the page, which half of its size would be otherwise.
func citations(sections []*section) map[string]bool {
	cited := map[string]bool{}
	add := func(sentences ...sentence) {
		for _, s := range sentences {
			for _, p := range s {
				if c, ok := p.(*cell); ok {
					cited[c.at] = true
				}
			}
		}
	}
	for _, s := range sections {
		add(s.Title)
		add(s.Lead...)
		for _, c := range s.Cards {
			add(c.Says...)
			for _, f := range c.Figures {
				add(sentence{f.Value})
			}
		}
	}
	return cited
}

const (
	printedCharts = 4  // two rows of two
	printedCards  = 12 // six rows of two
)

func digest(sections []*section) printed {
	var p printed
	for _, s := range sections {
		if !slices.Contains(forAnalysts, s.ID) {
			p.Findings = append(p.Findings, s)
		}
		for _, c := range s.Charts {
			if c.Print && len(p.Charts) < printedCharts {
				p.Charts = append(p.Charts, c)
			}
		}
		p.Cards = append(p.Cards, s.Cards...)
	}
	if n := len(p.Cards); n > printedCards {
		p.Cards, p.More = p.Cards[:printedCards], n-printedCards
	}
	return p
}

// policy lets the page run its own script and styles, by their hashes, and nothing else: it can ask nobody for anything.
func policy(styles, script string) string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(styles) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}
