package pipeline

import (
	"context"
	"fmt"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

var (
	trueFrom  = frame.Date("true_from", "The as-of day from which it was so, until the next row of the customer.")
	knownFrom = frame.Timestamp("known_from", "When it was known (UTC): the start of the run that published it.")

	segmentHistory = frame.Table{
		Name: "segment_history",
		Doc: "Who was in which core segment, with both times: from when on it was true, and from when on it was known. Only changes are written, and nothing " +
			"is ever changed. What is true of a day: the customer's row with the greatest true_from up to that day, of those the one known last. What " +
			"was known at a moment: the same, of the rows known by then.",
		Key: []string{"run_id", "customer_id", "true_from", "known_from"},
		Columns: cols(runID, customer.ID,
			frame.String("core_segment", "The core segment; NULL of who is in none from then on: they have left.").Null(),
			frame.String("previous_segment", "The core segment in the generation before true_from, as the run saw it; NULL where it was none.").Null(),
			trueFrom, knownFrom,
			frame.String("cause", causeDoc+" restated: no move; the history said otherwise of the day, because it was published before, "+
				"or an earlier day has been filled in, or the history begins.").OneOf(append([]string{causeRestated}, causes...)...)),
		PartitionBy: "run_id",
		ClusterBy:   []string{"customer_id"},
	}
)

// stageHistory stages what the run adds to segment_history.
//
// As a rule the run's day is the newest one: then the history says of it what the previous generation was published with,
// and is not read. Else it is asked what it says of the day, and the next day that it tells of is told again of whom it would
// say otherwise from now on. What is added then depends on the runs of these days, which are not in the run's digest: what
// the history says of the run's day afterwards does not depend on them.
func (r *run) stageHistory(ctx context.Context, previous, now, causes sql.Relation) (warehouse.Ref, error) {
	ctx = r.step(ctx, "write history")
	d := r.Warehouse.Dialect()
	params := r.params(r.AsOf)
	params["previous_as_of"] = frame.DayOf(r.prev.asOf)
	params["run_id"], params["first"] = r.id.ID, r.prev.runID == ""
	params["known_from"], params["has_next"], params["next_on"] = frame.MomentOf(r.started), false, frame.DayOf(r.AsOf)
	history, begun, err := r.Warehouse.Published(ctx, segmentHistory)
	if err != nil {
		return warehouse.Ref{}, err
	}
	told, said := sql.Empty(segmentHistory, d), sql.Relation{Name: "said", Select: previous.Select}
	if !begun {
		said = sql.Empty(memberTable("said"), d)
	} else if newest, err := r.newestDay(ctx); err != nil {
		return warehouse.Ref{}, err
	} else if !newest {
		told = history.Relation()
		said = sql.Said(told)
		if err := r.readHistory(ctx, told, params); err != nil {
			return warehouse.Ref{}, err
		}
	}
	q, err := r.resolve(segmentHistory.Name, params, []sql.Relation{previous, now, causes, told, said})
	if err != nil {
		return warehouse.Ref{}, err
	}
	return r.Warehouse.Materialize(ctx, segmentHistory, q)
}

// newestDay says whether no run of the as-of day, or of a later one, was published.
func (r *run) newestDay(ctx context.Context) (bool, error) {
	events, ok, err := r.Warehouse.Published(ctx, warehouse.Runs)
	if err != nil || !ok {
		return true, err
	}
	q, err := sql.Bind("runs_from", r.Warehouse.Dialect(), map[string]any{"as_of": frame.DayOf(r.AsOf)}, events.Relation())
	if err != nil {
		return false, err
	}
	n, err := r.count(ctx, q)
	return n == 0, err
}

// What history_state gives.
var (
	lastKnown = frame.Timestamp("known_from", "").Null()
	nextOn    = frame.Date("next_on", "").Null()
)

// readHistory sets the parameters of segment_history by what has been told: the next day, and a moment after all others.
func (r *run) readHistory(ctx context.Context, told sql.Relation, params map[string]any) error {
	events, _, err := r.Warehouse.Published(ctx, warehouse.Runs)
	if err != nil {
		return err
	}
	q, err := sql.Bind("history_state", r.Warehouse.Dialect(), map[string]any{"as_of": frame.DayOf(r.AsOf)}, events.Relation(), told)
	if err != nil {
		return err
	}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return fmt.Errorf("read the history: %w", err)
		}
		for i := range int(b.NumRows()) {
			if known := lastKnown.Of(b); known.IsValid(i) {
				params["known_from"] = max(frame.MomentOf(r.started), known.Value(i)+1) // clocks may stand still, or go back
			}
			if next := nextOn.Of(b); next.IsValid(i) {
				params["has_next"], params["next_on"] = true, next.Value(i)
			}
		}
	}
	return nil
}

// previousSince is the relation previous where the history of the days before the previous generation has changed since.
func (r *run) previousSince(ctx context.Context, published, history warehouse.Ref) (sql.Relation, error) {
	params := map[string]any{"previous_as_of": frame.DayOf(r.prev.asOf)}
	q, err := r.resolve("previous_segments", params, []sql.Relation{published.As("customer_segments"), history.Relation()})
	if err != nil {
		return sql.Relation{}, err
	}
	t := frame.Table{Name: "previous_segments", Key: []string{"customer_id"}, Columns: []frame.Column{
		customer.ID.Column, frame.String(r.CoreSegment, "").Null().Column, frame.Date(r.CoreSegment+"_since", "").Null().Column,
	}}
	ref, err := r.Warehouse.Materialize(ctx, t, q)
	return ref.As("previous"), err
}

// behind is the newest run that published a day before that of the generation g after it: the history of who is since when
// where is another than g knew. It is empty where there is none.
func (j *Job) behind(ctx context.Context, g generation) (string, error) {
	events, ok, err := j.Warehouse.Published(ctx, warehouse.Runs)
	if err != nil || !ok || g.runID == "" {
		return "", err
	}
	q, err := sql.Bind("runs_behind", j.Warehouse.Dialect(),
		map[string]any{"previous_run": g.runID, "previous_as_of": frame.DayOf(g.asOf)}, events.Relation())
	if err != nil {
		return "", err
	}
	var id string
	for b, err := range j.Warehouse.Query(ctx, q) {
		if err != nil {
			return "", fmt.Errorf("read the ledger: %w", err)
		}
		for i := range int(b.NumRows()) {
			id = runID.Of(b).Value(i)
		}
	}
	return id, nil
}

// History lists what the history tells of a customer, as it is true now: a row for each change, oldest first.
func (j *Job) History(ctx context.Context, customerID string) frame.Batches {
	return j.read(ctx, "customer_history", map[string]any{"customer_id": customerID}, segmentHistory)
}
