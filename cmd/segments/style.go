package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// The marks before a line that says how something went.
const (
	markGood    = "✓"
	markBad     = "✗"
	markWarning = "!"
)

var markColors = map[string]string{markGood: "\x1b[32m", markBad: "\x1b[31m", markWarning: "\x1b[33m"}

// mark is a mark for the error stream: in color on a terminal, unless NO_COLOR (https://no-color.org) asks for none.
func (a *app) mark(m string) string {
	if !a.terminal || a.env("NO_COLOR") != "" || a.env("TERM") == "dumb" {
		return m
	}
	return markColors[m] + m + "\x1b[0m"
}

// marked is s, which may begin with a mark.
func (a *app) marked(s string) string {
	for m := range markColors {
		if rest, ok := strings.CutPrefix(s, m+" "); ok {
			return a.mark(m) + " " + rest
		}
	}
	return s
}

// The width of a terminal that does not tell its own, and the least that is filled.
const (
	usualWidth = 80
	leastWidth = 40
)

// width is how wide the output may be; 0 where it is no terminal, so that no line need be broken.
func (a *app) width() int {
	if a.columns == nil {
		return 0
	}
	n := a.columns()
	if n <= 0 {
		return usualWidth
	}
	return max(n, leastWidth)
}

// wrapped is s broken into lines of at most width, each after the first one moved to the right by indent.
func wrapped(s string, width, indent int) string {
	if width <= 0 {
		return s
	}
	lines := strings.Split(text.WrapSoft(s, max(width-indent, leastWidth/2)), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

// fit returns how wide each column of a table may be so that all of it is at most width wide, as far as texts with spaces
// can be broken: the widest of them are first. Two spaces are between columns, and one at either end.
func fit(cells [][]string, width int) []int {
	const least = 16
	widths, leasts := make([]int, len(cells[0])), make([]int, len(cells[0]))
	all := 2 * len(widths)
	for k := range widths {
		for _, row := range cells {
			n := min(text.StringWidthWithoutEscSequences(row[k]), wrapAt)
			widths[k] = max(widths[k], n)
			if strings.Contains(row[k], " ") {
				n = min(n, least)
			}
			leasts[k] = max(leasts[k], n)
		}
		all += widths[k]
	}
	for ; width > 0 && all > width; all-- {
		widest := -1
		for k, n := range widths {
			if n > leasts[k] && (widest < 0 || n > widths[widest]) {
				widest = k
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

// clipped is s on at most width columns of the terminal.
func clipped(s string, width int) string {
	if width <= 0 || text.StringWidthWithoutEscSequences(s) <= width {
		return s
	}
	return text.Trim(s, max(width-1, 1)) + "…"
}

// plural is n of something, such as 1 source and 3 sources.
func plural(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%s %s", thousands(n), what)
}
