package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// labels are the staged core segments of a backtest's origin.
type labels struct {
	at  time.Time
	ref warehouse.Ref
}

// segmentsThen is the relation segments_then: which core segment a customer was in, from which day on. Where no run
// published it, it is what the backtests of this run gave at their origins, fitted on nothing later.
func (r *run) segmentsThen(_ context.Context) (sql.Relation, error) {
	d := r.Warehouse.Dialect()
	parts := []string{sql.Empty(segmentsThenTable, d).Select}
	for _, l := range r.labeled {
		parts = append(parts, fmt.Sprintf("SELECT customer_id, segment, CAST(%d AS %s) AS from_day, CAST(NULL AS %s) AS known_us FROM (%s) AS l WHERE segment IS NOT NULL",
			frame.DayOf(l.at), d.Type(frame.Int64Kind), d.Type(frame.Int64Kind), sql.Members("", l.ref.Relation(), d, r.CoreSegment).Select))
	}
	return sql.Relation{Name: segmentsThenTable.Name, Select: strings.Join(parts, "\nUNION ALL\n")}, nil
}

// segmentsThenTable has the columns of segments_then.
var segmentsThenTable = frame.Table{Name: "segments_then", Columns: []frame.Column{
	customer.ID.Column, segment.Column,
	frame.Int64("from_day", "The as-of day from which it was so, counted from 1970-01-01.").Column,
	frame.Int64("known_us", "When a run published it, in microseconds since 1970 UTC; NULL where a backtest reconstructed it.").Null().Column,
}}
