package report

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// shows is a column of a panel's table that shows a column of a published table, and takes its meaning from there.
func (d *data) shows(table, name, title string, f format) column {
	c := column{Name: name, Title: title, Format: f}
	for _, t := range d.Declared {
		if t.Name == table {
			if declared, ok := t.Column(name); ok {
				c.Doc = declared.Doc
			}
		}
	}
	return c
}

// where returns the rows whose column c has the value v, which is a text.
func where(rows []record, c, v string) []record {
	var out []record
	for _, r := range rows {
		if r.text(c) == v {
			out = append(out, r)
		}
	}
	return out
}

// find returns the first row with the text v in column c; nil, which has no values, where there is none.
func find(rows []record, c, v string) record {
	for _, r := range rows {
		if r.text(c) == v {
			return r
		}
	}
	return nil
}

// distinct lists the texts in column c, in order.
func distinct(rows []record, c string) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.text(c))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// newest is the last origin; empty where there are no rows.
func newest(rows []record) string {
	if dates := distinct(rows, "origin"); len(dates) > 0 {
		return dates[len(dates)-1]
	}
	return ""
}

// definitions are the segments of a segmentation, best first.
func (d *data) definitions(segmentation string) []record {
	return where(d.query("report_definitions", map[string]string{"segment_definitions": "segment_definitions"}), "segmentation", segmentation)
}

// byOrder sorts the rows of a segmentation, best segment first, those that nobody defined last.
func (d *data) byOrder(segmentation, c string, rows []record) []record {
	place := map[string]int{}
	for i, s := range d.definitions(segmentation) {
		place[s.text("segment")] = i - math.MaxInt32
	}
	return slices.SortedStableFunc(slices.Values(rows), func(a, b record) int {
		return cmp.Or(cmp.Compare(place[a.text(c)], place[b.text(c)]), strings.Compare(a.text(c), b.text(c)))
	})
}

// profiles are the segments of a segmentation that anybody is in, best first.
func (d *data) profiles(segmentation string) []record {
	var out []record
	for _, r := range d.byOrder(segmentation, "segment", where(d.rows("segment_profiles"), "segmentation", segmentation)) {
		if n, _ := r.number("customers"); n > 0 {
			out = append(out, r)
		}
	}
	return out
}

// checks are the run's checks of that name.
func (d *data) checks(name string) []record {
	return where(d.query("run_checks", map[string]string{"run_checks": "run_checks"}), "check_name", name)
}

// hidden says that a group of n people is too small to be described.
func (d *data) hidden(r record, c string) bool {
	n, _ := r.number(c)
	return n < float64(d.MinGroup)
}

// small says that a group of profiles is too small to be described.
func (d *data) small(profile record) bool { return d.hidden(profile, "customers") }

// ratio is a by b; nil where that is not known.
func ratio(a, b any) any {
	x, y, ok := pair(a, b)
	if !ok || y == 0 {
		return nil
	}
	return x / y
}

// change is the growth from a to b, as a share of a; nil where that is not known or a is not above nothing.
func change(a, b any) any {
	x, y, ok := pair(a, b)
	if !ok || x <= 0 {
		return nil
	}
	return y/x - 1
}

// sum adds a column up in the order of the rows; nil where no row has a number there.
func sum(rows []record, c string) any {
	var total float64
	known := false
	for _, r := range rows {
		if v, ok := r.number(c); ok {
			total, known = total+v, true
		}
	}
	if !known {
		return nil
	}
	return total
}

func pair(a, b any) (x, y float64, ok bool) {
	r := record{"a": a, "b": b}
	x, okX := r.number("a")
	y, okY := r.number("b")
	return x, y, okX && okY
}

// value is the number in c; 0 where there is none.
func value(c *cell) float64 {
	v, _ := c.number()
	return v
}

// known says that c has a value.
func known(c *cell) bool { return c.Value != nil }

// words joins texts, cells and sentences.
func words(parts ...any) sentence {
	var s sentence
	for _, p := range parts {
		if inner, ok := p.(sentence); ok {
			s = append(s, inner...)
			continue
		}
		s = append(s, p)
	}
	return s
}

// listed joins parts as in "a, b and c".
func listed[P any](parts []P) sentence {
	var s sentence
	for i, p := range parts {
		switch {
		case i > 0 && i == len(parts)-1:
			s = append(s, " and ")
		case i > 0:
			s = append(s, ", ")
		}
		s = words(s, p)
	}
	return s
}

// counted is a number of things: 1 group, 2 groups.
func counted(c *cell, one, many string) sentence {
	if value(c) == 1 {
		return sentence{c, " " + one}
	}
	return sentence{c, " " + many}
}

// number is one of two words, by how many things are meant.
func number(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// plain is a name of the tables as people write it.
func plain(name string) string { return strings.ReplaceAll(name, "_", " ") }

// upper begins s with a capital letter, where it begins with a text.
func upper(s sentence) sentence {
	if len(s) == 0 {
		return s
	}
	if text, ok := s[0].(string); ok && text != "" {
		return append(sentence{strings.ToUpper(text[:1]) + text[1:]}, s[1:]...)
	}
	return s
}
