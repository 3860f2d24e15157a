package terminal

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"Champions":                "Champions",
		"Größe 大 👩‍👩‍👧":            "Größe 大 👩‍👩‍👧", // its joiners stay
		"\x1b[31mred\x1b[0m":       `\x1b[31mred\x1b[0m`,
		"a\u202egpj.exe":           `a\u202egpj.exe`,
		"\u2066x\u2069":            `\u2066x\u2069`,
		"bell\a, back\b, \u009b2J": `bell\a, back\b, \u009b2J`,
		"two\nlines":               "two\nlines",
		"\r\t\x00\x7f":             `\r\t\x00\x7f`,
		"bad \xff\xfe":             `bad \xff\xfe`,
		"\ufeffmark\u200b":         `\ufeffmark\u200b`,
	} {
		if got := Visible(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
	if got := Cell("a\nb"); got != "a ↵ b" {
		t.Errorf("a cell is %q", got)
	}
	if got := Cell(strings.Repeat("é", 10_000)); len(got) != cellMost+len("…") || !utf8.ValidString(got) {
		t.Errorf("a long cell has %d bytes", len(got))
	}
}

func TestFit(t *testing.T) {
	long := strings.Repeat("word ", 20)
	cells := [][]string{{"id", "text"}, {"2026-10-31-f25220842f81", long}, {"x", "short"}}
	for _, tc := range []struct{ width, text int }{{0, 80}, {60, 33}, {20, 16}, {300, 80}} {
		if got := fit(cells, tc.width); got[0] != 23 || got[1] != tc.text {
			t.Errorf("%d: %v, want the identifier whole and %d for the text", tc.width, got, tc.text)
		}
	}
	if got := Clipped("größer", 4); got != "grö…" {
		t.Errorf("%q", got)
	}
	if got := Wrapped("one two three four five six seven", 24, 4); got != "one two three four\n    five six seven" {
		t.Errorf("%q", got)
	}
}
