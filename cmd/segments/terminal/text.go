// Package terminal writes texts, sheets and tables for people who read them on a terminal: as wide as it is, and with nothing
// in them that it would obey.
package terminal

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
)

// The width in columns of a terminal that does not tell its own, and the least that is filled.
const (
	UsualWidth = 80
	LeastWidth = 40
)

// Visible returns s with what a terminal would obey rather than show written as an escape: control characters, what turns
// the direction of text around, and what has no width. Line breaks stay. The joiners of emoji and scripts stay too.
func Visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[i]), 16))
		case hidden(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// hidden says whether r does something to a terminal instead of being seen.
func hidden(r rune) bool {
	const joiner, nonJoiner = '\u200d', '\u200c'
	switch {
	case r == '\n' || r == joiner || r == nonJoiner:
		return false
	case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
		return true
	}
	return false
}

// cellMost is how much of a text a table shows; JSON and CSV have all of it.
const cellMost = 2000

// Cell is s as a table shows it: on one line until it is wrapped, and cut where it is endless.
func Cell(s string) string {
	s = Visible(strings.ReplaceAll(s, "\n", " ↵ "))
	if len(s) <= cellMost {
		return s
	}
	end := cellMost
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// Wrapped is s broken into lines of at most width, each after the first one moved to the right by indent.
func Wrapped(s string, width, indent int) string {
	if width <= 0 {
		return s
	}
	lines := strings.Split(text.WrapSoft(s, max(width-indent, LeastWidth/2)), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

// Clipped is s on at most width columns of the terminal.
func Clipped(s string, width int) string {
	if width <= 0 || text.StringWidthWithoutEscSequences(s) <= width {
		return s
	}
	return text.Trim(s, max(width-1, 1)) + "…"
}
