package values

import (
	"regexp"

	"segments/pipeline/discover/draft"
	"segments/sql"
)

var (
	currencySigns = regexp.MustCompile(`(?i)€|\$|£|¥|\b(eur|usd|gbp|chf|jpy|sek|dkk|nok|pln|czk)\b|[\s\x{00a0}\x{202f}'’]`)
	plainNumber   = regexp.MustCompile(`^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$`)
	commaNumber   = regexp.MustCompile(`^[-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?-?$`)
	pointNumber   = regexp.MustCompile(`^[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?-?$`)
)

// Number says whether s is a plain number, with a decimal point if any.
func Number(s string) bool { return plainNumber.MatchString(s) }

// Amount returns the expression that reads column c as a number. ok is false where its values are none.
func Amount(d sql.Dialect, c Column) (g draft.Guess, ok bool) {
	switch c.Family {
	case sql.Integer, sql.Decimal, sql.Float:
		return draft.Guess{Value: c.Name}, true
	case sql.Text:
	default:
		return draft.Guess{}, false
	}
	s := ShapeOf(c)
	plain, comma, point := 0, 0, 0
	for v, times := range s.Values {
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
	x := Quoted(d, c.Name)
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
	commas := draft.Guess{Value: read("replace(" + strip(",") + ", ',', '.')"), Reason: "text with a decimal comma"}
	points := draft.Guess{Value: read(strip(".")), Reason: "text with a decimal point"}
	switch {
	case Most(plain, s.Filled):
		return draft.Guess{Value: read(x), Reason: "text of a number"}, true
	case Most(comma, s.Filled) && comma > point:
		return commas, true
	case Most(point, s.Filled) && point > comma:
		return points, true
	case Most(comma, s.Filled):
		commas.Ask = "is the comma or the point the decimal one? the sampled values do not say"
		commas.Others = []draft.Other{{Value: points.Value, Why: points.Reason}}
		return commas, true
	}
	return draft.Guess{}, false
}
