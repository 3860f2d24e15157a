package pipeline

import (
	"context"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// labels are the staged core segments of a backtest's origin.
type labels struct {
	at  time.Time
	ref warehouse.Ref
}

// segmentsThen is the relation segments_then: which core segment a customer was in, from which day on. It is what the
// history tells of the days before the run's; before the history begins, it is what the backtests of this run gave at their
// origins, fitted on nothing later.
//
// Rows of the history that a later one corrects are there too, each with the moment from which it was known. The segment is
// NULL from when on a customer was in none.
//
// The run's digest need not name the runs that the history is of: what it tells of earlier days follows from the previous
// generation, whose digest names the one before it, and so on; and lookback.behind names the newest run that published one
// of these days anew.
func (r *run) segmentsThen(ctx context.Context) (sql.Relation, error) {
	d := r.Warehouse.Dialect()
	history, begun, err := r.Warehouse.Published(ctx, segmentHistory)
	if err != nil {
		return sql.Relation{}, err
	}
	var origins []sql.Origin
	for _, l := range r.labeled {
		origins = append(origins, sql.Origin{Day: int64(frame.DayOf(l.at)), Members: sql.Members("", l.ref.Relation(), d, r.CoreSegment)})
	}
	told := sql.Empty(segmentHistory, d)
	if begun {
		told = history.Relation()
	}
	return sql.Then(told, d, int64(frame.DayOf(r.AsOf)), origins...), nil
}
