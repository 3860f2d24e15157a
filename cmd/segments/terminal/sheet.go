package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// A Sheet is what a person reads of one thing: titles, and lines of a name and a text that is wrapped beside it.
type Sheet struct {
	out   io.Writer
	width int
	parts []sheetPart
}

type sheetPart struct {
	title string // or a line:
	name  string
	text  string
}

// NewSheet returns an empty sheet for out, width columns wide; 0 is as wide as need be.
func NewSheet(out io.Writer, width int) *Sheet { return &Sheet{out: out, width: width} }

// Title begins a section.
func (s *Sheet) Title(t string) { s.parts = append(s.parts, sheetPart{title: t}) }

// Line adds a line; one without text is left out.
func (s *Sheet) Line(name, t string) {
	if t != "" {
		s.parts = append(s.parts, sheetPart{name: name, text: t})
	}
}

// mostName is the widest name that texts are aligned after; wider ones have their text below.
const mostName = 28

// Print writes the sheet.
func (s *Sheet) Print() error {
	var b strings.Builder
	width := 0
	for i, p := range s.parts {
		if i == 0 || p.title != "" {
			width = s.nameWidth(i)
		}
		if p.title != "" {
			if i > 0 {
				b.WriteString("\n")
			}
			fmt.Fprintln(&b, Wrapped(Visible(p.title), s.width, 0))
			continue
		}
		name, indent := Visible(p.name), width+4
		switch n := text.StringWidthWithoutEscSequences(name); {
		case n == 0:
			indent = 2
		case n > mostName:
			name += "\n" + strings.Repeat(" ", indent)
		default:
			name += strings.Repeat(" ", width-n+2)
		}
		fmt.Fprintln(&b, "  "+name+Wrapped(Cell(p.text), s.width, indent))
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

// nameWidth is that of the names of the section which part i begins.
func (s *Sheet) nameWidth(i int) int {
	width := 0
	for k, p := range s.parts[i:] {
		if p.title != "" && k > 0 {
			break
		}
		if n := text.StringWidthWithoutEscSequences(Visible(p.name)); n <= mostName {
			width = max(width, n)
		}
	}
	return width
}
