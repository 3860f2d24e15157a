package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// Kept returns the tables that are kept of the run called id, which was rejected.
func (j *Job) Kept(ctx context.Context, id string) (warehouse.Kept, error) {
	tables, err := j.Tables()
	if err != nil {
		return warehouse.Kept{}, err
	}
	return j.Warehouse.Kept(ctx, id, tables...)
}

// RunRows reads at most limit rows of a run's table ref, a staged or a published one, in the order of its key. day is the
// run's.
func (j *Job) RunRows(ctx context.Context, id string, day time.Time, ref warehouse.Ref, limit int) frame.Batches {
	has := func(name string) bool { _, ok := ref.Table.Column(name); return ok }
	where := ""
	switch {
	case has("run_id"):
		where = " WHERE run_id = @run_id"
	case has("as_of"):
		where = " WHERE as_of = @as_of"
	}
	key := slices.Clone(ref.Table.Key)
	if len(key) == 0 { // any order is as good, but it must be one
		for _, c := range ref.Table.Columns {
			key = append(key, c.Name)
		}
	}
	text := fmt.Sprintf("SELECT * FROM %s%s ORDER BY %s LIMIT %d", ref.Name, where, strings.Join(key, ", "), limit)
	q, err := sql.Select(sql.Relation{Name: "run_rows", Select: text}, j.Warehouse.Dialect(),
		map[string]any{"run_id": id, "as_of": frame.DayOf(day)})
	if err != nil {
		return frame.Fail(err)
	}
	return j.Warehouse.Query(ctx, q)
}
