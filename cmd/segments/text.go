package main

import (
	"encoding/csv"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible returns s with what a terminal would obey rather than show written as an escape: control characters, what turns
// the direction of text around, and what has no width. Line breaks stay. The joiners of emoji and scripts stay too.
func visible(s string) string {
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

// cell is s as a table shows it: on one line until it is wrapped, and cut where it is endless.
func cell(s string) string {
	s = visible(strings.ReplaceAll(s, "\n", " ↵ "))
	if len(s) <= cellMost {
		return s
	}
	end := cellMost
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// A csvWriter writes texts so that no spreadsheet takes one for a formula: an apostrophe goes before it, as OWASP has it
// (CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection). Raw leaves them as they are.
type csvWriter struct {
	*csv.Writer
	raw     bool
	changed int // texts that got an apostrophe
}

func newCSV(w io.Writer, raw bool) *csvWriter { return &csvWriter{Writer: csv.NewWriter(w), raw: raw} }

// text returns s as a field.
func (w *csvWriter) text(s string) string {
	if w.raw || !formula(s) {
		return s
	}
	w.changed++
	return "'" + s
}

// plainNumber matches what begins like a formula and can be nothing but a number, such as -12.5 or +49 (0)30 123-456.
var plainNumber = regexp.MustCompile(`^[+-][0-9][0-9 ().,/-]*$`)

// formula says whether a spreadsheet might take s for one. The wide forms of = + - @ are among what begins one in some.
func formula(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", r) && !plainNumber.MatchString(s)
}
