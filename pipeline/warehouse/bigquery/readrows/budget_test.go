package readrows

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(100)
		ctx := t.Context()
		admitted := func() bool {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return b.reserve(ctx) == nil
		}
		if !admitted() || admitted() {
			t.Fatal("before a message has come there is one at a time")
		}
		b.settle(10, 20) // 3 × 10 while it came; 20 wait
		for range 2 {
			if !admitted() {
				t.Fatal("20 + 2 × 30 is no more than 100")
			}
		}
		if admitted() {
			t.Fatal("20 + 3 × 30 is more than 100")
		}
		b.settle(0, 0) // a call that broke
		b.settle(1, 49)
		if admitted() {
			t.Fatal("20 + 49 + 50 is more than 100: the largest message needed 50")
		}
		b.release(20)
		if !admitted() {
			t.Fatal("49 + 50 is no more than 100")
		}
		b.settle(200, 300)
		b.release(49)
		if admitted() {
			t.Fatal("300 wait")
		}
		b.release(300)
		if !admitted() || admitted() {
			t.Fatal("a message that is too large goes through alone")
		}
		b.settle(0, 100)

		// Who waits wakes up when there is room, and when its context ends.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var failed atomic.Int32
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if errors.Is(b.reserve(ctx), context.Canceled) {
					failed.Add(1)
				}
			})
		}
		synctest.Wait()
		b.release(100)
		synctest.Wait()
		cancel()
		group.Wait()
		if failed.Load() != 2 {
			t.Errorf("%d waited in vain, want 2", failed.Load())
		}
	})
}
