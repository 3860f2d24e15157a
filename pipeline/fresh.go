package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"segments/sql"
	"segments/transforms/frame"
)

// pollEvery is how often a source that is too old is looked at again.
const pollEvery = time.Minute

// waitUntilFresh waits until every source is as new as the configuration asks, at most so long as it allows.
func (r *run) waitUntilFresh(ctx context.Context) error {
	for {
		err := r.fresh(ctx)
		left := r.FreshnessWait - r.Now().Sub(r.started)
		if !errors.Is(err, ErrNotReady) || left <= 0 {
			return err
		}
		r.Log.Warn("waiting", "for", err.Error(), "at_most", left.String())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(pollEvery, left)):
		}
		r.sourceCache = nil // a source may be another table by then
	}
}

func (r *run) fresh(ctx context.Context) error {
	ss, err := r.Job.sources(ctx)
	if err != nil {
		return err
	}
	for _, s := range ss {
		days := r.Freshness[s.Name]
		if days == 0 {
			continue
		}
		d := r.Warehouse.Dialect()
		q, err := sql.Select(s.Newest(s.typed), d, map[string]any{"as_of_day": int64(frame.DayOf(r.AsOf)), "timezone": r.Location.String()})
		if err != nil {
			return err
		}
		for b, err := range r.Warehouse.Query(ctx, q) {
			if err != nil {
				return fmt.Errorf("sources.%s: %w", s.Name, err)
			}
			newest := rowCount.Of(b)
			switch {
			case b.NumRows() == 0 || newest.IsNull(0):
				return notReady("sources.%s has no row up to %s", s.Name, r.AsOf.Format(time.DateOnly))
			case int64(frame.DayOf(r.AsOf))-newest.Value(0) >= int64(days):
				return notReady("sources.%s is too old: its newest row up to %s is of %s, freshness.%s allows %dd", s.Name,
					r.AsOf.Format(time.DateOnly), frame.TimeOf(frame.Day(newest.Value(0))).Format(time.DateOnly), s.Name, days)
			}
		}
	}
	return nil
}
