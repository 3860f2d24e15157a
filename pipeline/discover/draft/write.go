package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Write returns the configuration as YAML. warehouse is its section, as lines; day, if not empty, is the newest one that
// has orders, or DayAsked.
func (d *Draft) Write(warehouse []string, day string) []byte {
	w := &writer{}
	w.line(0, "# Drafted by segments init from what it found. A comment that begins with guess says what a line was guessed from and how")
	w.line(0, "# sure that is. A line ANSWER is a question: change the line below it if it is wrong, and take the question away.")
	w.line(0, "#")
	w.line(0, "#   segments check                    # is everything in its place? nothing is run")
	run := "segments run"
	switch day {
	case "":
	case DayAsked:
		run = fmt.Sprintf("%-34s# the day that is asked for below", "segments run --as-of "+day)
	default:
		run = fmt.Sprintf("%-34s# the newest order is of that day", "segments run --as-of "+day)
	}
	w.line(0, "#   "+run)
	w.line(0, "#   segments explain config KEY       # what a key does and what its default is")
	w.blank()
	w.guess(0, "name", d.Name)
	w.guess(0, "timezone", d.Timezone)
	w.line(0, "warehouse:")
	for _, l := range warehouse {
		w.line(1, l)
	}
	w.line(0, "sources:")
	for _, s := range d.Sources {
		w.source(s)
	}
	if d.Traits != nil {
		w.line(1, "# There is no table of customers. The orders say where they live; without the leading # this describes groups by it:")
		made := &writer{}
		made.source(*d.Traits)
		for l := range strings.Lines(made.String()) {
			w.line(1, "# "+strings.TrimSuffix(l[2:], "\n"))
		}
	}
	switch c := d.Currency; {
	case c.Value != "":
		w.question(0, c.Ask)
		w.value(0, "currency", "{code: "+c.Value+"}", c)
	case c.Ask != "":
		w.question(0, c.Ask)
		w.line(0, "# currency: {code: EUR}")
	}
	if len(d.Unused) > 0 {
		w.blank()
		w.line(0, "# Nothing is taken from:")
		for _, u := range d.Unused[:min(len(d.Unused), 40)] {
			w.line(0, "#   "+Safe(u.Value)+": "+u.Why)
		}
	}
	w.blank()
	w.line(0, "# What has a default and is changed most often:")
	w.line(0, "# validation: {horizon: 90d, origins: 3}   # what customers did so many days after earlier dates proves the segments")
	w.line(0, "# freshness: {orders: 2d}                  # a run whose newest order is older ends with exit code 6")
	w.line(0, "# outputs: {retention: 400d}               # older days go")
	if d.Source("experiments") != nil {
		w.line(0, "# experiments: {control: [control]}        # the variant that others are held against; else the first one by name")
	}
	return []byte(w.String())
}

type writer struct{ strings.Builder }

func (w *writer) blank() { w.WriteByte('\n') }

func (w *writer) line(depth int, s string) {
	w.WriteString(strings.Repeat("  ", depth) + s + "\n")
}

func (w *writer) question(depth int, ask string) {
	if ask != "" {
		w.line(depth, "# ANSWER: "+ask)
	}
}

// wide is where a comment goes above its line instead of behind it.
const wide = 60

// value writes a line with what g says of it.
func (w *writer) value(depth int, key, value string, g Guess) {
	comment := ""
	switch {
	case g.Reason != "" && g.Confidence > 0:
		comment = fmt.Sprintf("# guess %d %%: %s", g.Confidence, g.Reason)
	case g.Reason != "":
		comment = "# " + g.Reason
	}
	text := key + ": " + value
	switch {
	case comment == "":
		w.line(depth, text)
	case len(text) > wide:
		w.line(depth, comment)
		w.line(depth, text)
	default:
		w.line(depth, fmt.Sprintf("%-38s   %s", text, comment))
	}
	for _, o := range g.Others {
		w.line(depth, fmt.Sprintf("# %-36s   # or: %s", key+": "+expression(o.Value), o.Why))
	}
}

func (w *writer) guess(depth int, key string, g Guess) {
	w.question(depth, g.Ask)
	w.value(depth, key, expression(g.Value), g)
}

func (w *writer) source(s Source) {
	what := ""
	if s.Lines {
		what = "   # some orders have several rows: a row is a line"
	}
	w.line(1, s.Name+":"+what)
	w.question(2, s.Note.Ask)
	if s.Note.Reason != "" {
		w.line(2, "# "+s.Note.Reason)
	}
	if s.Place != "" {
		w.line(2, "# A path in a query is not relative to this file: when the data move, change it, or put ${VARIABLE} of the environment into it")
	}
	switch {
	case s.Query == "":
		w.line(2, "from: "+Scalar(s.From))
	case strings.ContainsFunc(s.Query, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }):
		w.line(2, "query: "+Scalar(s.Query))
	default:
		w.line(2, "query: |")
		for _, l := range strings.Split(s.Query, "\n") {
			w.line(3, l)
		}
	}
	w.line(2, "columns:")
	for _, m := range s.Columns {
		w.guess(3, m.Column, m.Guess)
	}
	if s.Name == "customers" && !slices.ContainsFunc(s.Columns, func(m Mapping) bool { return m.Column == "created_at" }) {
		w.line(3, "# created_at is not there: who has done nothing yet is not known on earlier days, so nothing about them can be tested")
	}
	if len(s.Attributes) > 0 {
		names := make([]string, len(s.Attributes))
		for i, a := range s.Attributes {
			names[i] = Scalar(a)
		}
		w.line(2, "# guess 60 %: columns of few values, which groups are described by")
		w.line(2, "attributes: ["+strings.Join(names, ", ")+"]")
	}
	w.names("# no attributes, for they look like results, arms of a test or groupings: ", s.Outcomes)
	w.names("# not used: ", s.Unused)
}

// names writes a comment that lists columns.
func (w *writer) names(what string, columns []string) {
	if len(columns) == 0 {
		return
	}
	names := make([]string, min(len(columns), 30))
	for i := range names {
		names[i] = Safe(columns[i])
	}
	w.line(2, what+strings.Join(names, ", "))
}

var (
	plainScalar     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	plainPath       = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./-]*$`)
	plainExpression = regexp.MustCompile(`^[A-Za-z_]([A-Za-z0-9_ *+/().-]*[A-Za-z0-9_)])?$`)
	yamlWords       = map[string]bool{"true": true, "false": true, "null": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true}
)

// expression returns s as YAML text in a place of its own, where SQL is best read without quotes or in single ones.
func expression(s string) string {
	switch {
	case plainExpression.MatchString(s) && !yamlWords[strings.ToLower(s)]:
		return s
	case strings.Contains(s, `"`) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return Scalar(s)
}

// Scalar returns s as YAML text, in quotes where it needs them.
func Scalar(s string) string {
	if (plainScalar.MatchString(s) || plainPath.MatchString(s)) && !yamlWords[strings.ToLower(s)] {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Safe returns s as it may stand in a comment or on a terminal: one line, printable, not too long.
func Safe(s string) string {
	const most = 60
	var b strings.Builder
	for i, r := range []rune(s) {
		if i == most {
			b.WriteString("…")
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}
