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
		if v > 0 {
			return "+" + percent(v)
		}
		return percent(v)
	case formatRatio:
		return decimals(v) + "x"
	case formatMoney:
		return strings.TrimSpace(money(v) + " " + c.Unit)
	case formatDays:
		n := tenths(v)
		if n == "1" {
			return n + " day"
		}
		return n + " days"
	case formatMean:
		return tenths(v)
	case formatRate:
		return decimals(v)
	}
	return grouped(math.Round(v))
}

// percent writes a share: 47 %, 4.7 %, 0.47 %, and minus signs as such.
func percent(v float64) string {
	digits := 0
	switch a := math.Abs(100 * v); {
	case a == 0 || a >= 9.95:
	case a >= 0.995:
		digits = 1
	default:
		digits = 2
	}
	return signed(strconv.FormatFloat(100*v, 'f', digits, 64)) + " %"
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

// decimals writes a number with about three digits.
func decimals(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.5:
		return grouped(math.Round(v))
	case a >= 9.95:
		return signed(strconv.FormatFloat(v, 'f', 1, 64))
	}
	return signed(strconv.FormatFloat(v, 'f', 2, 64))
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
