package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// staleAfter is how many days the newest order may lie before the as-of day until a run warns, where no freshness is set.
const staleAfter = 7

// warnOfTime warns of a day that is not over, of orders that end long before it, and of customers without a date.
func (r *run) warnOfTime(ctx context.Context) error {
	if frame.DayOf(r.AsOf) == frame.DayOf(r.Now().In(r.Location)) {
		r.warnings = append(r.warnings, "the as-of day is not over: run it again tomorrow")
	}
	if configured(r.sources, "customers") && !given(r.sources, "customers", "created_at") {
		r.warnings = append(r.warnings, "customers: created_at is not mapped: who has not bought or been seen by an origin cannot be tested from there")
	}
	q, err := r.bind("newest_order", r.AsOf)
	if err != nil {
		return err
	}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return fmt.Errorf("read the newest order: %w", err)
		}
		if newest := rowCount.Of(b); b.NumRows() > 0 && newest.IsValid(0) && int64(frame.DayOf(r.AsOf))-newest.Value(0) > staleAfter {
			r.warnings = append(r.warnings, fmt.Sprintf("the newest order is of %s: everybody looks silent since; freshness.orders would have stopped this run",
				frame.TimeOf(frame.Day(newest.Value(0))).Format(time.DateOnly)))
		}
	}
	return nil
}

// fresh says whether every source is as new as the configuration asks.
func (r *run) fresh(ctx context.Context) error {
	ss, err := r.Job.sources(ctx)
	if err != nil {
		return err
	}
	for _, s := range ss {
		if err := r.freshSource(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) freshSource(ctx context.Context, s source) error {
	days := r.Freshness[s.Name]
	if days == 0 {
		return nil
	}
	// What was last written to before then holds nothing newer: that is known before anything is read.
	if last := s.written.In(r.Location); !s.written.IsZero() && int(frame.DayOf(r.AsOf)-frame.DayOf(last)) >= days {
		return notReady("sources.%s is too old: it was last written to on %s, freshness.%s allows %dd", s.Name,
			last.Format(time.DateOnly), s.Name, days)
	}
	if seen, ok := r.stale[s.Name]; ok && !s.written.IsZero() && s.written.Equal(seen.written) {
		return seen.err // looking again would give the same, and cost again
	}
	q, err := r.selectSource(s.Newest(s.typed), map[string]any{"as_of_day": int64(frame.DayOf(r.AsOf))})
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
			return r.isStale(s, "sources.%s has no row up to %s", s.Name, r.AsOf.Format(time.DateOnly))
		case int64(frame.DayOf(r.AsOf))-newest.Value(0) >= int64(days):
			return r.isStale(s, "sources.%s is too old: its newest row up to %s is of %s, freshness.%s allows %dd", s.Name,
				r.AsOf.Format(time.DateOnly), frame.TimeOf(frame.Day(newest.Value(0))).Format(time.DateOnly), s.Name, days)
		}
	}
	return nil
}

// A staleness is what was found of a source that had been written to at a time, if that is known.
type staleness struct {
	written time.Time
	err     error
}

// isStale is the error that s is not ready, kept for as long as nobody writes to s.
func (r *run) isStale(s source, format string, args ...any) error {
	err := notReady(format, args...)
	r.stale[s.Name] = staleness{s.written, err}
	return err
}
