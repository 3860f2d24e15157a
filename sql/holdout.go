package sql

import (
	"strconv"

	"segments/transforms/frame"
)

// HeldOut returns the relation called rows.Name of who is said to be in the holdout, and who not to be: customer_id,
// in_holdout, segment, and since when, which is the same for all. column is that of the segment in rows; sinceUS is in
// microseconds since 1970 UTC, sinceDay a day counted from 1970-01-01.
func HeldOut(rows Relation, d Dialect, column string, sinceUS, sinceDay int64) Relation {
	whole := func(n int64, name string) string {
		return "CAST(" + strconv.FormatInt(n, 10) + " AS " + d.Type(frame.Int64Kind) + ") AS " + name
	}
	return Relation{
		rows.Name,
		"SELECT customer_id, in_holdout, " + d.ident(column) + " AS segment, " + whole(sinceUS, "since_us") + ", " +
			whole(sinceDay, "since_day") + " FROM (" + rows.Select + ") AS h WHERE in_holdout IS NOT NULL",
	}
}
