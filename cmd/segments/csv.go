package main

import (
	"encoding/csv"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

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
	if w.raw {
		return s
	}
	safe := inside.ReplaceAllString(s, "$1'$2")
	if formula(s) {
		safe = "'" + safe
	}
	if safe != s {
		w.changed++
	}
	return safe
}

// inside matches what begins like a formula after what some spreadsheets take for the end of a field, quoted or not: where
// commas are decimal points, that is the semicolon.
var inside = regexp.MustCompile("([;\t\r\n] *)([=+@\\-＝＋－＠])")

// plainNumber matches what begins like a formula and can be nothing but a number, such as -12.5 or +49 (0)30 123-456.
var plainNumber = regexp.MustCompile(`^[+-][0-9][0-9 ().,/-]*$`)

// formula says whether a spreadsheet might take s for one. The wide forms of = + - @ are among what begins one in some.
func formula(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", r) && !plainNumber.MatchString(s)
}
