package sql

import (
	"strconv"
	"strings"

	"segments/transforms/frame"
)

// Horizons returns the relation horizons: a row for each number of days, in horizon_days.
func Horizons(d Dialect, days ...int) Relation {
	parts := make([]string, len(days))
	for i, n := range days {
		parts[i] = "SELECT CAST(" + strconv.Itoa(n) + " AS " + d.Type(frame.Int64Kind) + ") AS horizon_days"
	}
	return Relation{"horizons", strings.Join(parts, "\nUNION ALL\n")}
}
