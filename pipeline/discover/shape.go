package discover

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"segments/sql"
)

// A shape is what the sampled values of a column look like.
type shape struct {
	family   sql.Family
	rows     int // sampled
	filled   int // neither NULL nor empty
	distinct int
	values   map[string]int // how often each value is there
	email    bool
	integer  bool // every value is one
	negative int
}

var (
	emailForm   = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`)
	integerForm = regexp.MustCompile(`^-?\d+(\.0+)?$`)
	wordForm    = regexp.MustCompile(`^[\pL][\pL\pN ._/-]{0,39}$`)
)

func shapeOf(c Column) shape {
	s := shape{family: c.Family, rows: len(c.Values), values: map[string]int{}}
	emails, integers := 0, 0
	for _, v := range c.Values {
		if v = strings.TrimSpace(v); v == "" {
			continue
		}
		s.filled++
		s.values[v]++
		if emailForm.MatchString(v) {
			emails++
		}
		if integerForm.MatchString(v) {
			integers++
		}
		if strings.HasPrefix(v, "-") {
			s.negative++
		}
	}
	s.distinct = len(s.values)
	s.email = most(emails, s.filled)
	s.integer = s.filled > 0 && integers == s.filled
	return s
}

// most says whether n of so many is nearly all of them.
func most(n, of int) bool { return of > 0 && float64(n) >= 0.97*float64(of) }

// unique says whether hardly any value is there twice.
func (s shape) unique() bool { return s.filled > 0 && s.distinct*10 >= s.filled*9 }

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
		if most(n, len(values)) {
			out = append(out, l)
		}
	}
	return out
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

// moment returns the expression that reads column c as a date or timestamp, and what else it may be. ok is false where
// its values are no moments.
func moment(d sql.Dialect, c Column) (value Guess, ok bool) {
	s := shapeOf(c)
	x := quoted(d, c.Name)
	text := c.Family == sql.Text
	switch c.Family {
	case sql.Day, sql.Timestamp, sql.Instant:
		g := Guess{Value: c.Name}
		if s.filled < s.rows/2 && c.Family != sql.Instant {
			if d == sql.DuckDB { // which tells types by the rows there are
				kind := map[sql.Family]string{sql.Day: "DATE", sql.Timestamp: "TIMESTAMP"}[c.Family]
				g = Guess{Value: "CAST(" + x + " AS " + kind + ")", Reason: "mostly empty, hence the CAST"}
			}
		}
		return g, true
	case sql.Integer, sql.Float:
		if !s.integer {
			return Guess{}, false
		}
		for _, e := range epochs {
			n := 0
			for v, times := range s.values {
				f, err := strconv.ParseFloat(v, 64)
				if t := f / e.perSecond; err == nil && t > 631152000 && t < 4102444800 { // 1990 to 2100
					n += times
				}
			}
			if most(n, s.filled) {
				form := e.bigquery
				if d == sql.DuckDB {
					form = e.duckdb
				}
				return Guess{Value: strings.Replace(form, "%s", x, 1), Reason: e.unit + " since 1970"}, true
			}
		}
		x, text = "CAST("+x+" AS "+map[sql.Dialect]string{sql.DuckDB: "VARCHAR", sql.BigQuery: "STRING"}[d]+")", true
	}
	if !text || s.filled == 0 {
		return Guess{}, false
	}
	ls := moments(c)
	if len(ls) == 0 {
		return Guess{}, false
	}
	g := Guess{Value: parse(d, x, ls[0]), Reason: "text of a date"}
	if i := slices.IndexFunc(ls, func(l layout) bool { return l.strptime != ls[0].strptime }); i > 0 {
		g.Ask = "does the day or the month come first? the sampled values do not say"
		g.Others = []Other{{parse(d, x, ls[i]), "the other way round"}}
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

var (
	currencySigns = regexp.MustCompile(`(?i)€|\$|£|¥|\b(eur|usd|gbp|chf|jpy|sek|dkk|nok|pln|czk)\b|[\s\x{00a0}\x{202f}'’]`)
	plainNumber   = regexp.MustCompile(`^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$`)
	commaNumber   = regexp.MustCompile(`^[-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?-?$`)
	pointNumber   = regexp.MustCompile(`^[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?-?$`)
)

// amount returns the expression that reads column c as a number. ok is false where its values are none.
func amount(d sql.Dialect, c Column) (g Guess, ok bool) {
	switch c.Family {
	case sql.Integer, sql.Decimal, sql.Float:
		return Guess{Value: c.Name}, true
	case sql.Text:
	default:
		return Guess{}, false
	}
	s := shapeOf(c)
	plain, comma, point := 0, 0, 0
	for v, times := range s.values {
		if plainNumber.MatchString(v) {
			plain += times
		}
		v = currencySigns.ReplaceAllString(v, "")
		if commaNumber.MatchString(v) {
			comma += times
		}
		if pointNumber.MatchString(v) {
			point += times
		}
	}
	x := quoted(d, c.Name)
	read := func(x string) string {
		if d == sql.BigQuery {
			return "SAFE_CAST(" + x + " AS NUMERIC)"
		}
		return "TRY_CAST(" + x + " AS DECIMAL(18, 4))"
	}
	strip := func(keep string) string {
		if d == sql.BigQuery {
			return "REGEXP_REPLACE(" + x + ", r'[^0-9" + keep + "-]', '')"
		}
		return "regexp_replace(" + x + ", '[^0-9" + keep + "-]', '', 'g')"
	}
	commas := Guess{Value: read("replace(" + strip(",") + ", ',', '.')"), Reason: "text with a decimal comma"}
	points := Guess{Value: read(strip(".")), Reason: "text with a decimal point"}
	switch {
	case most(plain, s.filled):
		return Guess{Value: read(x), Reason: "text of a number"}, true
	case most(comma, s.filled) && comma > point:
		return commas, true
	case most(point, s.filled) && point > comma:
		return points, true
	case most(comma, s.filled):
		commas.Ask = "is the comma or the point the decimal one? the sampled values do not say"
		commas.Others = []Other{{points.Value, points.Reason}}
		return commas, true
	}
	return Guess{}, false
}

// quoted returns name as an identifier of d. Look keeps no column that has none.
func quoted(d sql.Dialect, name string) string {
	q, err := d.Quote(name)
	if err != nil {
		return name
	}
	return q
}
