package frame

import (
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Unfit returns how many values of a the column c may not have, and what is wrong with them: NULL in a column that is not
// nullable, NaN, an infinity, or text that is no UTF-8. What lies under a NULL does not count.
func Unfit(c Column, a arrow.Array) (n int, what string) {
	if !c.Nullable && a.NullN() > 0 {
		return a.NullN(), "NULL"
	}
	switch a := a.(type) {
	case *array.Float64:
		for i, v := range a.Float64Values() {
			if v-v != 0 && a.IsValid(i) { // NaN or infinite
				n++
			}
		}
		return n, "NaN or an infinity"
	case *array.String:
		for i := range a.Len() {
			if a.IsValid(i) && !utf8.ValidString(a.Value(i)) {
				n++
			}
		}
		return n, "invalid UTF-8"
	}
	return 0, ""
}
