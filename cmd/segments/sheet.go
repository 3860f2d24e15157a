package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// A sheet is what a person reads of one thing: titles, and lines of a name and a text that is wrapped beside it.
type sheet struct {
	out   io.Writer
	width int
	parts []sheetPart
}

type sheetPart struct {
	title string // or a line:
	name  string
	text  string
}

func (a *app) sheet() *sheet { return &sheet{out: a.out, width: a.width()} }

// title begins a section.
func (s *sheet) title(t string) { s.parts = append(s.parts, sheetPart{title: t}) }

// line adds a line; one without text is left out.
func (s *sheet) line(name, t string) {
	if t != "" {
		s.parts = append(s.parts, sheetPart{name: name, text: t})
	}
}

// mostName is the widest name that texts are aligned after; wider ones have their text below.
const mostName = 28

// print writes the sheet.
func (s *sheet) print() error {
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
			fmt.Fprintln(&b, wrapped(visible(p.title), s.width, 0))
			continue
		}
		name, indent := visible(p.name), width+4
		switch n := text.StringWidthWithoutEscSequences(name); {
		case n == 0:
			indent = 2
		case n > mostName:
			name += "\n" + strings.Repeat(" ", indent)
		default:
			name += strings.Repeat(" ", width-n+2)
		}
		fmt.Fprintln(&b, "  "+name+wrapped(cell(p.text), s.width, indent))
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

// nameWidth is that of the names of the section which part i begins.
func (s *sheet) nameWidth(i int) int {
	width := 0
	for k, p := range s.parts[i:] {
		if p.title != "" && k > 0 {
			break
		}
		if n := text.StringWidthWithoutEscSequences(visible(p.name)); n <= mostName {
			width = max(width, n)
		}
	}
	return width
}
