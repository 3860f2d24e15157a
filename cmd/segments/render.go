package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
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

// wrapAt is the width at which long texts are broken in a table.
const wrapAt = 80

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
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Options.DrawBorder, t.Style().Options.SeparateColumns = false, false
	t.AppendHeader(row(l.headers))
	cells := [][]string{l.headers}
	for _, r := range l.rows {
		cells = append(cells, texts(r, decimal, cell))
	}
	var columns []table.ColumnConfig
	widths := fit(cells, a.width())
	if last := len(widths) - 1; l.clip && a.width() > 0 {
		for _, r := range cells[1:] {
			r[last] = clipped(r[last], widths[last])
		}
	}
	for k, width := range widths {
		c := table.ColumnConfig{Number: k + 1, WidthMax: width, WidthMaxEnforcer: text.WrapSoft}
		if len(l.rows) > 0 && number(l.rows[0][k]) {
			c.Align, c.AlignHeader = text.AlignRight, text.AlignRight
		}
		columns = append(columns, c)
	}
	t.SetColumnConfigs(columns)
	for _, r := range cells[1:] {
		t.AppendRow(row(r))
	}
	var out strings.Builder
	for line := range strings.Lines(t.Render() + "\n") {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	_, err := io.WriteString(a.out, out.String())
	return err
}

func number(v any) bool {
	switch v.(type) {
	case int, int64, float64, *float64:
		return true
	}
	return false
}

func row(ss []string) table.Row {
	r := make(table.Row, len(ss))
	for i, s := range ss {
		r[i] = s
	}
	return r
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
