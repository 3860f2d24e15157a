package pipeline

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

// A staging is rows that are to be staged as a table.
type staging struct {
	table frame.Table
	rows  []frame.Batch
}

// stageBatches stages several tables, which are committed side by side. It returns them in the order of ts.
func (r *run) stageBatches(ctx context.Context, ts ...staging) (_ []warehouse.Ref, err error) {
	writers := make([]warehouse.Writer, 0, len(ts))
	defer func() {
		if err != nil {
			abort(writers)
		}
	}()
	for _, t := range ts {
		w, err := r.Warehouse.Stage(ctx, t.table)
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", t.table.Name, err)
		}
		writers = append(writers, w)
		for _, b := range t.rows {
			if err := w.Write(b); err != nil {
				return nil, fmt.Errorf("stage %s: %w", t.table.Name, err)
			}
		}
	}
	return commit(writers, func(i int) frame.Table { return ts[i].table })
}

// atOnce is how many queries are at work at a time where the warehouse is elsewhere, and a query mostly waits for its job.
const atOnce = 8

// sideBySide does f of 0 to n-1, which ask a query each. Where the warehouse is this machine, which does not charge, it is one
// after the other: two would need the memory of two. After an error nothing more begins.
func (r *run) sideBySide(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(1)
	if r.Warehouse.Charges().Least > 0 {
		group.SetLimit(atOnce)
	}
	for i := range n {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return f(ctx, i)
		})
	}
	return group.Wait()
}

// commit commits all writers at once and waits for all of them: where a warehouse loads each table by a job of its own, that is
// seconds, however few the rows. The error is that of the first writer that has one.
func commit(writers []warehouse.Writer, table func(i int) frame.Table) ([]warehouse.Ref, error) {
	refs, errs := make([]warehouse.Ref, len(writers)), make([]error, len(writers))
	var all sync.WaitGroup
	for i, w := range writers {
		all.Go(func() { refs[i], errs[i] = w.Commit() })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", table(i).Name, err)
		}
	}
	return refs, nil
}

// abort ends what writers have open. Why they are aborted is what matters, so that their own errors are dropped.
func abort(writers []warehouse.Writer) {
	for _, w := range writers {
		_ = w.Abort()
	}
}
