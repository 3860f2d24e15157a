package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"segments/cmd/segments/terminal"
)

// A listing is rows under headers, to be shown as a table, JSON or CSV.
type listing struct {
	headers []string
	rows    [][]any
	clip    bool // on a terminal, texts of the last column are cut rather than broken
}

func (l *listing) add(row ...any) { l.rows = append(l.rows, row) }

// objects returns the rows as JSON objects.
func (l *listing) objects() []map[string]any {
	out := make([]map[string]any, len(l.rows))
	for i, r := range l.rows {
		out[i] = map[string]any{}
		for k, h := range l.headers {
			out[i][h] = r[k]
		}
	}
	return out
}

func (a *app) json(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// show prints l in the format that was asked for.
func (a *app) show(l *listing) error {
	switch a.format {
	case "json":
		return a.json(l.objects())
	case "csv":
		w := newCSV(a.out, false)
		rows := [][]string{l.headers}
		for _, r := range l.rows {
			rows = append(rows, texts(r, exact, w.text))
		}
		return w.WriteAll(rows)
	}
	t := terminal.Table{Headers: l.headers, Right: make([]bool, len(l.headers)), Clip: l.clip}
	for i, r := range l.rows {
		t.Rows = append(t.Rows, texts(r, decimal, terminal.Cell))
		for k, v := range r {
			if i == 0 {
				t.Right[k] = number(v)
			}
		}
	}
	return t.Write(a.out, a.width())
}

func number(v any) bool {
	switch v.(type) {
	case int, int64, float64, *float64:
		return true
	}
	return false
}

// texts writes the values of a row: format writes numbers that are no integers, and words writes texts.
func texts(r []any, format func(float64) string, words func(string) string) []string {
	out := make([]string, len(r))
	for i, v := range r {
		switch v := v.(type) {
		case nil:
		case *float64:
			if v != nil {
				out[i] = format(*v)
			}
		case float64:
			out[i] = format(v)
		case string:
			out[i] = words(v)
		default:
			out[i] = fmt.Sprint(v)
		}
	}
	return out
}

func exact(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// decimal returns v with four digits or so, and never with an exponent where it is large.
func decimal(v float64) string {
	switch {
	case abs(v) >= 1e5:
		return fmt.Sprintf("%.0f", v)
	case abs(v) >= 1e3:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

// thousands returns n as 1,204,118.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
