package main

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestFormula(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"Champions":               "Champions",
		"Can't Lose":              "Can't Lose",
		"=HYPERLINK(\"x\")":       "'=HYPERLINK(\"x\")",
		"+cmd|' /C calc'!A0":      "'+cmd|' /C calc'!A0",
		"-1+cmd|' /C calc'!A0":    "'-1+cmd|' /C calc'!A0",
		"@SUM(1)":                 "'@SUM(1)",
		"\t=1":                    "'\t'=1",
		"\r=1":                    "'\r'=1",
		"\n=1":                    "'\n'=1",
		"＝1":                      "'＝1",
		"-12.5":                   "-12.5",
		"+49 (0)30 123-456":       "+49 (0)30 123-456",
		"-":                       "'-",
		"-x":                      "'-x",
		"+1;=cmd":                 "'+1;'=cmd",
		"x; =HYPERLINK(\"u\")":    "x; '=HYPERLINK(\"u\")",
		"a;b":                     "a;b",
		"person@example.com":      "person@example.com",
		"'=already":               "'=already",
		"-1\n=cmd":                "'-1\n'=cmd",
		"00000017-=not-at-the-st": "00000017-=not-at-the-st",
	} {
		if got := newCSV(nil, false).text(in); got != want {
			t.Errorf("%q is written as %q, want %q", in, got, want)
		}
		if got := newCSV(nil, true).text(in); got != in {
			t.Errorf("raw, %q is written as %q", in, got)
		}
	}
}

// Whatever the texts are, a table has nothing that a terminal obeys, and CSV comes back as it was but for apostrophes.
func TestHostileTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"</script>", "\x1b]0;x\a", "\u202e", "=1+1", "\"'`", "\xff", "a,b\nc", "🏴‍☠️"}))
		rows := rapid.SliceOfN(rapid.SliceOfN(text, 2, 2), 1, 5).Draw(t, "rows")
		l := &listing{headers: []string{"segment", "rule"}}
		for _, r := range rows {
			l.add(r[0], r[1])
		}
		var out bytes.Buffer
		a := &app{out: &out}
		if err := a.show(l); err != nil {
			t.Fatal(err)
		}
		for _, r := range out.String() {
			if r != '\n' && r != '\u200d' && r != '\u200c' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
				t.Fatalf("the table has %U", r)
			}
		}
		out.Reset()
		a.format = "csv"
		if err := a.show(l); err != nil {
			t.Fatal(err)
		}
		back, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			for k, want := range r {
				got := back[i+1][k]
				if formula(got) {
					t.Fatalf("%q comes back as %q", want, got)
				}
				want = strings.ReplaceAll(want, "\r\n", "\n") // as package csv reads
				if strings.ReplaceAll(got, "'", "") != strings.ReplaceAll(want, "'", "") {
					t.Fatalf("%q comes back as %q", want, got)
				}
			}
		}
	})
}
