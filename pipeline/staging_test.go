package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

// A slowStore is a warehouse whose commits wait for each other.
type slowStore struct {
	warehouse.Warehouse
	least    int64
	together sync.WaitGroup
	fails    string // the table that cannot be committed
	aborted  []string
}

func (s *slowStore) Charges() warehouse.Charges { return warehouse.Charges{Least: s.least} }

func (s *slowStore) Stage(_ context.Context, t frame.Table) (warehouse.Writer, error) {
	return &slowWriter{s, t, false}, nil
}

type slowWriter struct {
	*slowStore
	t         frame.Table
	committed bool
}

func (w *slowWriter) Write(frame.Batch) error { return nil }

func (w *slowWriter) Commit() (warehouse.Ref, error) {
	w.together.Done()
	w.together.Wait()
	if w.t.Name == w.fails {
		return warehouse.Ref{}, errors.New("no room")
	}
	w.committed = true
	return warehouse.Ref{Name: w.t.Name, Table: w.t}, nil
}

func (w *slowWriter) Abort() error {
	if !w.committed {
		w.aborted = append(w.aborted, w.t.Name)
	}
	return nil
}

// Each commit here ends only when all have begun: one after the other they would never end.
func TestTablesAreCommittedSideBySide(t *testing.T) {
	ts := []staging{{table: frame.Table{Name: "a"}}, {table: frame.Table{Name: "b"}}, {table: frame.Table{Name: "c"}}}
	for _, fails := range []string{"", "b"} {
		w := &slowStore{fails: fails}
		w.together.Add(len(ts))
		r := &run{Job: &Job{Warehouse: w}}
		var refs []warehouse.Ref
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			refs, err = r.stageBatches(t.Context(), ts...)
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("the tables are committed one after the other")
		}
		if fails == "" {
			names := each(refs, func(r warehouse.Ref) string { return r.Name })
			if err != nil || !slices.Equal(names, []string{"a", "b", "c"}) || w.aborted != nil {
				t.Errorf("staged %v, %v, aborted %v", names, err, w.aborted)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "stage b: ") || refs != nil || !slices.Equal(w.aborted, []string{"b"}) {
			t.Errorf("with b failing: staged %v, %v, aborted %v", refs, err, w.aborted)
		}
	}
}

func TestSideBySide(t *testing.T) {
	bad := errors.New("bad")
	for _, c := range []struct {
		least, most int64
		fails       int
	}{{0, 1, -1}, {1, atOnce, -1}, {0, 1, 3}, {1, atOnce, 3}} {
		const n = 40
		var begun, working, most atomic.Int64
		done := make([]bool, n)
		r := &run{Job: &Job{Warehouse: &slowStore{least: c.least}}}
		err := r.sideBySide(t.Context(), n, func(_ context.Context, i int) error {
			begun.Add(1)
			now := working.Add(1)
			defer working.Add(-1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			time.Sleep(2 * time.Millisecond)
			if done[i] = true; i == c.fails {
				return bad
			}
			return nil
		})
		if most.Load() > c.most || c.most > 1 && most.Load() < 2 {
			t.Errorf("%d were at work at once, want up to %d", most.Load(), c.most)
		}
		if c.fails < 0 && (err != nil || slices.Contains(done, false)) {
			t.Errorf("%v; done: %v", err, done)
		}
		if c.fails >= 0 && (!errors.Is(err, bad) || begun.Load() > int64(c.fails)+1+2*c.most) {
			t.Errorf("%v after %d had begun", err, begun.Load())
		}
	}
}
