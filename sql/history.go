package sql

import (
	"strconv"
	"strings"

	"segments/transforms/frame"
)

// An Origin is a day for which a backtest said who was in which segment: the relation Members of customer_id and segment.
type Origin struct {
	Day     int64 // counted from 1970-01-01
	Members Relation
}

// Then returns the relation segments_then: customer_id, segment (NULL from when on a customer was in none), from_day, counted
// from 1970-01-01, and known_us, in microseconds since 1970 UTC. It is what history, which is segment_history, tells of the days
// before day; and what origins say of the days before the history begins, with known_us NULL.
func Then(history Relation, d Dialect, day int64, origins ...Origin) Relation {
	integer := func(x string) string { return "CAST(" + x + " AS " + d.Type(frame.Int64Kind) + ")" }
	from, known := "date_diff('day', DATE '1970-01-01', true_from)", "epoch_us(known_from)"
	if d == BigQuery {
		from, known = "unix_date(true_from)", "unix_micros(known_from)"
	}
	today := strconv.FormatInt(day, 10)
	told := "(" + history.Select + ") AS h WHERE " + from + " < " + today
	parts := []string{"SELECT customer_id, core_segment AS segment, " + integer(from) + " AS from_day, " + integer(known) + " AS known_us FROM " + told}
	begins := "(SELECT coalesce(min(" + from + "), " + today + ") FROM " + told + ")"
	for _, o := range origins {
		at := strconv.FormatInt(o.Day, 10)
		parts = append(parts, "SELECT customer_id, segment, "+integer(at)+", "+integer("NULL")+
			" FROM ("+o.Members.Select+") AS o WHERE segment IS NOT NULL AND "+at+" < "+begins)
	}
	return Relation{"segments_then", strings.Join(parts, "\nUNION ALL\n")}
}

// Said returns the relation said: what the history says of each customer on the day that the parameter as_of_day counts,
// customer_id and segment, which is NULL of who had left. history is segment_history.
func Said(history Relation) Relation {
	return Relation{"said", `SELECT customer_id, core_segment AS segment
FROM (
  SELECT customer_id, core_segment, row_number() OVER (PARTITION BY customer_id ORDER BY true_from DESC, known_from DESC, run_id DESC) AS nth
  FROM (` + history.Select + `) AS h
  WHERE true_from <= date_from_unix_date(@as_of_day)
) AS s
WHERE nth = 1`}
}
