package terminal

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// wrapAt is the width at which long texts are broken in a table.
const wrapAt = 80

// A Table is rows of cells under headers. Right says which columns are aligned to the right; where Clip is set, texts of the
// last column are cut rather than broken.
type Table struct {
	Headers []string
	Rows    [][]string
	Right   []bool
	Clip    bool
}

// Write writes t to out, width columns wide as far as texts can be broken; 0 is as wide as need be.
func (t Table) Write(out io.Writer, width int) error {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	w.Style().Options.DrawBorder, w.Style().Options.SeparateColumns = false, false
	w.AppendHeader(row(t.Headers))
	widths := fit(append([][]string{t.Headers}, t.Rows...), width)
	var columns []table.ColumnConfig
	for k, n := range widths {
		c := table.ColumnConfig{Number: k + 1, WidthMax: n, WidthMaxEnforcer: text.WrapSoft}
		if t.Right[k] {
			c.Align, c.AlignHeader = text.AlignRight, text.AlignRight
		}
		columns = append(columns, c)
	}
	w.SetColumnConfigs(columns)
	for _, cells := range t.Rows {
		r := row(cells)
		if last := len(r) - 1; t.Clip && width > 0 {
			r[last] = Clipped(cells[last], widths[last])
		}
		w.AppendRow(r)
	}
	var b strings.Builder
	for line := range strings.Lines(w.Render() + "\n") {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func row(ss []string) table.Row {
	r := make(table.Row, len(ss))
	for i, s := range ss {
		r[i] = s
	}
	return r
}

// fit returns how wide each column of a table may be so that all of it is at most width wide, as far as texts with spaces
// can be broken: the widest of them are first. Two spaces are between columns, and one at either end.
func fit(cells [][]string, width int) []int {
	const least = 16
	widths, leasts := make([]int, len(cells[0])), make([]int, len(cells[0]))
	all := 2 * len(widths)
	for k := range widths {
		for _, row := range cells {
			n := min(text.StringWidthWithoutEscSequences(row[k]), wrapAt)
			widths[k] = max(widths[k], n)
			if strings.Contains(row[k], " ") {
				n = min(n, least)
			}
			leasts[k] = max(leasts[k], n)
		}
		all += widths[k]
	}
	for ; width > 0 && all > width; all-- {
		widest := -1
		for k, n := range widths {
			if n > leasts[k] && (widest < 0 || n > widths[widest]) {
				widest = k
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}
