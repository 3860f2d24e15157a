package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// String writes the value of c for people. What is not known is a dash.
func (c *cell) String() string {
	if s, ok := c.Value.(string); ok {
		return s
	}
	v, ok := c.number()
	if !ok {
		return "–"
	}
	switch c.Format {
	case formatShare:
		return percent(v)
	case formatDelta:
		s := percent(v)
		if v > 0 && s[0] >= '0' && s[0] <= '9' {
			return "+" + s
		}
		return s
	case formatRatio:
		return decimals(v) + "x"
	case formatMoney:
		if c.Unit == "" {
			return money(v)
		}
		return money(v) + nbsp + c.Unit
	case formatDays:
		n := tenths(v)
		if n == "1" {
			return n + nbsp + "day"
		}
		return n + nbsp + "days"
	case formatMean:
		return tenths(v)
	case formatRate:
		return decimals(v)
	case formatP:
		return probability(v)
	}
	return grouped(math.Round(v))
}

// nbsp holds a number and its unit together at the end of a line.
const nbsp = "\u00a0"

// noise is what is nothing but the rounding of sums, in a hundredth.
const noise = 1e-9

// percent writes a share: 47 %, 4.7 %, 0.47 %, and minus signs as such. What is not nothing is not written as nothing, nor
// what is not all as all: <0.01 %, 99.6 %, >99.9 %.
func percent(v float64) string {
	digits, bound := 0, ""
	switch a := math.Abs(100 * v); {
	case a < noise || a >= 100-noise || a >= 9.95 && a < 99.5:
	case a < 0.005:
		digits, bound = 2, "<"
		v = math.Copysign(0.0001, v)
	case a >= 99.95:
		digits, bound = 1, ">"
		v = math.Copysign(0.999, v)
	case a >= 99.5 || a >= 0.995 && a < 9.95:
		digits = 1
	default:
		digits = 2
	}
	return bounded(bound, v, strconv.FormatFloat(100*v, 'f', digits, 64)) + nbsp + "%"
}

// bounded writes a number of which is known that it is below or above s, in size.
func bounded(bound string, v float64, s string) string {
	switch {
	case bound == "<" && v < 0:
		bound = ">"
	case bound == ">" && v < 0:
		bound = "<"
	}
	return bound + signed(s)
}

// money writes an amount: whole from 100 on, else with two digits unless it is whole.
func money(v float64) string {
	if math.Abs(v) >= 99.995 || v == math.Trunc(v) {
		return grouped(math.Round(v))
	}
	return signed(strconv.FormatFloat(v, 'f', 2, 64))
}

// tenths writes a mean number of days or things: whole from 10 on, else with one digit unless it is whole.
func tenths(v float64) string {
	if math.Abs(v) >= 9.95 || v == math.Trunc(v) {
		return grouped(math.Round(v))
	}
	return signed(strconv.FormatFloat(v, 'f', 1, 64))
}

// decimals writes a number with about three digits; what is not nothing is not written as nothing: <0.01.
func decimals(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.5:
		return grouped(math.Round(v))
	case a >= 9.95:
		return signed(strconv.FormatFloat(v, 'f', 1, 64))
	case a >= noise && a < 0.005:
		return bounded("<", v, strconv.FormatFloat(math.Copysign(0.01, v), 'f', 2, 64))
	}
	return signed(strconv.FormatFloat(v, 'f', 2, 64))
}

// probability writes how likely chance alone is: 0.23, 0.012, <0.001.
func probability(v float64) string {
	switch {
	case v < 0.001:
		return "<0.001"
	case v < 0.0995:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// grouped writes a whole number as 1,204,118.
func grouped(v float64) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < 0 {
		s = "-" + s
	}
	return signed(s)
}

// signed writes a minus as the sign it is, and no minus before nothing.
func signed(s string) string {
	digits, negative := strings.CutPrefix(s, "-")
	if !negative || strings.Trim(digits, "0.,") == "" {
		return digits
	}
	return fmt.Sprintf("\u2212%s", digits)
}
