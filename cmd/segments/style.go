package main

import (
	"fmt"
	"strings"

	"segments/cmd/segments/terminal"
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

// width is how wide the output may be; 0 where it is no terminal, so that no line need be broken.
func (a *app) width() int {
	if a.columns == nil {
		return 0
	}
	n := a.columns()
	if n <= 0 {
		return terminal.UsualWidth
	}
	return max(n, terminal.LeastWidth)
}

// sheet begins a sheet on the standard output.
func (a *app) sheet() *terminal.Sheet { return terminal.NewSheet(a.out, a.width()) }

// plural is n of something, such as 1 source and 3 sources.
func plural(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%s %s", thousands(n), what)
}
