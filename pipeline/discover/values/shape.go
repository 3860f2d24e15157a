// Package values says what the sampled values of a column look like, and how SQL reads them: as moments, amounts, consents and
// names of events.
package values

import (
	"regexp"
	"strings"

	"segments/sql"
)

// A Column is a column of a table with the sampled values, one for each sampled row, as text. NULL is empty.
type Column struct {
	sql.ColumnInfo
	Values []string
}

// A Shape is what the sampled values of a column look like.
type Shape struct {
	Rows     int            // sampled
	Filled   int            // neither NULL nor empty
	Distinct int            // different ones among them
	Values   map[string]int // how often each value is there
	Email    bool           // nearly every value is an address
	Integer  bool           // every value is one
	Negative int            // how many begin with a minus
}

var (
	emailForm   = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`)
	integerForm = regexp.MustCompile(`^-?\d+(\.0+)?$`)
	wordForm    = regexp.MustCompile(`^[\pL][\pL\pN ._/-]{0,39}$`)
)

// ShapeOf describes the sampled values of c.
func ShapeOf(c Column) Shape {
	s := Shape{Rows: len(c.Values), Values: map[string]int{}}
	emails, integers := 0, 0
	for _, v := range c.Values {
		if v = strings.TrimSpace(v); v == "" {
			continue
		}
		s.Filled++
		s.Values[v]++
		if emailForm.MatchString(v) {
			emails++
		}
		if integerForm.MatchString(v) {
			integers++
		}
		if strings.HasPrefix(v, "-") {
			s.Negative++
		}
	}
	s.Distinct = len(s.Values)
	s.Email = Most(emails, s.Filled)
	s.Integer = s.Filled > 0 && integers == s.Filled
	return s
}

// Most says whether n of so many is nearly all of them.
func Most(n, of int) bool { return of > 0 && float64(n) >= 0.97*float64(of) }

// Unique says whether hardly any value is there twice.
func (s Shape) Unique() bool { return s.Filled > 0 && s.Distinct*10 >= s.Filled*9 }

// Quoted returns name as an identifier of d. Columns that have none are not looked at.
func Quoted(d sql.Dialect, name string) string {
	q, err := d.Quote(name)
	if err != nil {
		return name
	}
	return q
}
