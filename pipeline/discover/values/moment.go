package values

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"segments/pipeline/discover/draft"
	"segments/sql"
)

// A layout is a way to write a moment: as package time has it, as strptime has it, and whether it has a time of day or a
// zone.
type layout struct {
	golang, strptime string
	timed, zoned     bool
}

// iso is what CAST reads.
const iso = ""

var layouts = func() []layout {
	out := []layout{
		{"2006-01-02", iso, false, false},
		{"2006-01-02 15:04:05", iso, true, false},
		{"2006-01-02T15:04:05", iso, true, false},
		{"2006-01-02 15:04", iso, true, false},
		{"2006-01-02T15:04", iso, true, false},
		{"2006-01-02T15:04:05Z07:00", iso, true, true},
		{"2006-01-02 15:04:05Z07:00", iso, true, true},
		{"2006-01-02 15:04:05-07", iso, true, true},
		{"2006-01-02 15:04:05 -0700", "%Y-%m-%d %H:%M:%S %z", true, true},
		{"2006-01-02 15:04:05 UTC", "%Y-%m-%d %H:%M:%S UTC", true, false},
		{"20060102", "%Y%m%d", false, false},
	}
	for _, d := range [][2]string{
		{"2.1.2006", "%d.%m.%Y"},
		{"2/1/2006", "%d/%m/%Y"},
		{"1/2/2006", "%m/%d/%Y"},
		{"2-1-2006", "%d-%m-%Y"},
		{"1-2-2006", "%m-%d-%Y"},
		{"2006/1/2", "%Y/%m/%d"},
		{"2.1.06", "%d.%m.%y"},
		{"2/1/06", "%d/%m/%y"},
		{"1/2/06", "%m/%d/%y"},
		{"2 Jan 2006", "%d %b %Y"},
		{"2-Jan-2006", "%d-%b-%Y"},
		{"Jan 2, 2006", "%b %d, %Y"},
		{"January 2, 2006", "%B %d, %Y"},
	} {
		out = append(out, layout{d[0], d[1], false, false})
		for _, t := range [][2]string{
			{" 15:04:05", " %H:%M:%S"},
			{" 15:04", " %H:%M"},
			{", 15:04:05", ", %H:%M:%S"},
			{", 15:04", ", %H:%M"},
			{" 3:04:05 PM", " %I:%M:%S %p"},
			{" 3:04 PM", " %I:%M %p"},
		} {
			out = append(out, layout{d[0] + t[0], d[1] + t[1], true, false})
		}
	}
	return out
}()

// moments returns the layouts that read nearly all values of c; more than one only where the values do not say whether
// the day or the month comes first.
func moments(c Column) (out []layout) {
	var values []string
	for _, v := range c.Values {
		if v = strings.TrimSpace(v); v != "" && len(values) < 500 {
			values = append(values, v)
		}
	}
	for _, l := range layouts {
		n := 0
		for i, v := range values {
			if t, err := time.Parse(l.golang, v); err == nil && t.Year() >= 1900 && t.Year() < 2200 {
				n++
			} else if i-n > 1+len(values)/10 {
				break
			}
		}
		if Most(n, len(values)) {
			out = append(out, l)
		}
	}
	return out
}

// EitherDayOrMonth says whether the values of c are dates that do not say whether the day or the month comes first.
func EitherDayOrMonth(c Column) bool {
	ls := moments(c)
	return len(ls) > 1 && ls[0].strptime != ls[1].strptime && ls[0].strptime != iso
}

// epochs are units in which integers count time since 1970, with how BigQuery and DuckDB read them.
var epochs = []struct {
	unit, bigquery, duckdb string
	perSecond              float64
}{
	{"seconds", "TIMESTAMP_SECONDS(%s)", "to_timestamp(%s)", 1},
	{"milliseconds", "TIMESTAMP_MILLIS(%s)", "to_timestamp(%s / 1000.0)", 1e3},
	{"microseconds", "TIMESTAMP_MICROS(%s)", "to_timestamp(%s / 1000000.0)", 1e6},
}

// Moment returns the expression that reads column c as a date or timestamp, and what else it may be. ok is false where
// its values are no moments.
func Moment(d sql.Dialect, c Column) (value draft.Guess, ok bool) {
	s := ShapeOf(c)
	x := Quoted(d, c.Name)
	text := c.Family == sql.Text
	switch c.Family {
	case sql.Day, sql.Timestamp, sql.Instant:
		g := draft.Guess{Value: c.Name}
		if s.Filled < s.Rows/2 && c.Family != sql.Instant {
			if d == sql.DuckDB { // which tells types by the rows there are
				kind := map[sql.Family]string{sql.Day: "DATE", sql.Timestamp: "TIMESTAMP"}[c.Family]
				g = draft.Guess{Value: "CAST(" + x + " AS " + kind + ")", Reason: "mostly empty, hence the CAST"}
			}
		}
		return g, true
	case sql.Integer, sql.Float:
		if !s.Integer {
			return draft.Guess{}, false
		}
		for _, e := range epochs {
			n := 0
			for v, times := range s.Values {
				f, err := strconv.ParseFloat(v, 64)
				if t := f / e.perSecond; err == nil && t > 631152000 && t < 4102444800 { // 1990 to 2100
					n += times
				}
			}
			if Most(n, s.Filled) {
				form := e.bigquery
				if d == sql.DuckDB {
					form = e.duckdb
				}
				return draft.Guess{Value: strings.Replace(form, "%s", x, 1), Reason: e.unit + " since 1970"}, true
			}
		}
		x, text = "CAST("+x+" AS "+map[sql.Dialect]string{sql.DuckDB: "VARCHAR", sql.BigQuery: "STRING"}[d]+")", true
	}
	if !text || s.Filled == 0 {
		return draft.Guess{}, false
	}
	ls := moments(c)
	if len(ls) == 0 {
		return draft.Guess{}, false
	}
	g := draft.Guess{Value: parse(d, x, ls[0]), Reason: "text of a date"}
	if i := slices.IndexFunc(ls, func(l layout) bool { return l.strptime != ls[0].strptime }); i > 0 {
		g.Ask = "does the day or the month come first? the sampled values do not say"
		g.Others = []draft.Other{{Value: parse(d, x, ls[i]), Why: "the other way round"}}
	}
	return g, true
}

// parse returns the expression that reads text x as l says; NULL where it cannot.
func parse(d sql.Dialect, x string, l layout) string {
	if d == sql.BigQuery {
		kind := map[[2]bool]string{{false, false}: "DATE", {true, false}: "DATETIME", {true, true}: "TIMESTAMP"}[[2]bool{l.timed, l.zoned}]
		if l.strptime == iso {
			return "SAFE_CAST(" + x + " AS " + kind + ")"
		}
		return "SAFE.PARSE_" + kind + "('" + l.strptime + "', " + x + ")"
	}
	kind := map[[2]bool]string{{false, false}: "DATE", {true, false}: "TIMESTAMP", {true, true}: "TIMESTAMPTZ"}[[2]bool{l.timed, l.zoned}]
	switch {
	case l.strptime == iso:
		return "TRY_CAST(" + x + " AS " + kind + ")"
	case l.timed:
		return "try_strptime(" + x + ", '" + l.strptime + "')"
	}
	return "CAST(try_strptime(" + x + ", '" + l.strptime + "') AS DATE)"
}
