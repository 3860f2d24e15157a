package bigquery

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

// The lease of a run that died is free after a while; of those who want it one gets it.
func TestLeaseOfTheDead(t *testing.T) {
	shop, _ := cleanLife(t)
	for _, linger := range []bool{false, true} { // BigQuery may take its time to remove a table that has expired
		for n := range 10 {
			w := newWorld(t, shop, func(h *bigquerytest.Hooks) { h.Linger = linger })
			var late atomic.Int64
			w.clock = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
			open := func() *db {
				d, err := w.open()
				if err != nil {
					t.Fatal(err)
				}
				w.t.Cleanup(func() { _ = d.Close() })
				return d
			}
			dead := open()
			if err := dead.Claim(t.Context(), second); err != nil {
				t.Fatal(err)
			}
			dead.claim.stop() // it renews nothing any more
			late.Store(int64(dead.leaseTime - 5*time.Second))
			if err := open().Claim(t.Context(), other); !errors.Is(err, warehouse.ErrBusy) || !strings.Contains(err.Error(), second.ID) {
				t.Errorf("before its time: %v", err)
			}
			late.Store(int64(dead.leaseTime + time.Second))
			var got sync.Map
			var wg sync.WaitGroup
			for i := range 3 {
				d := open()
				wg.Go(func() { got.Store(i, d.Claim(t.Context(), other)) })
			}
			wg.Wait()
			won := 0
			got.Range(func(_, v any) bool {
				switch err, _ := v.(error); {
				case err == nil:
					won++
				case !errors.Is(err, warehouse.ErrBusy):
					t.Errorf("linger %t, %d: %v", linger, n, err)
				}
				return true
			})
			if won != 1 {
				t.Errorf("linger %t, %d: %d have the lease", linger, n, won)
			}
			w.t.end()
		}
	}
}

// A lease is held for as long as the run is at work.
func TestLeaseIsRenewed(t *testing.T) {
	shop, _ := cleanLife(t)
	w := newWorld(t, shop)
	defer w.t.end()
	d, err := w.open()
	if err != nil {
		t.Fatal(err)
	}
	d.leaseTime = time.Second
	if err := d.Claim(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	next, err := w.open()
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close() //nolint:errcheck // what it leaves expires
	for start := time.Now(); time.Since(start) < 2500*time.Millisecond; time.Sleep(100 * time.Millisecond) {
		if err := next.Claim(t.Context(), other); !errors.Is(err, warehouse.ErrBusy) {
			t.Fatalf("after %s: %v", time.Since(start), err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := next.Claim(t.Context(), other); err != nil {
		t.Errorf("after its end: %v", err)
	}
}

// Who has lost the lease publishes only what nobody has published over, and leaves the lease to whoever has it.
func TestLeaseThatIsLost(t *testing.T) {
	shop, _ := cleanLife(t)
	for _, published := range []bool{false, true} {
		t.Run(fmt.Sprintf("the other has published %t", published), func(t *testing.T) {
			w := newWorld(t, shop)
			defer w.t.end()
			var late atomic.Int64
			w.clock = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
			d, err := w.open()
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Claim(t.Context(), second); err != nil {
				t.Fatal(err)
			}
			ref, err := stage(t.Context(), d, dated, data(dated, second, 30, 2))
			if err != nil {
				t.Fatal(err)
			}
			late.Store(int64(d.leaseTime + time.Second)) // it slept
			heir, err := w.open()
			if err != nil {
				t.Fatal(err)
			}
			if published {
				if err := w.generation(other, 8); err != nil {
					t.Fatal(err)
				}
			}
			if err := heir.Claim(t.Context(), runOf(3, "e", map[bool]string{false: first.ID, true: other.ID}[published])); err != nil {
				t.Fatal(err)
			}
			err = d.Publish(t.Context(), entryOf(second, warehouse.Published), time.Time{}, nil, ref)
			if published != errors.Is(err, warehouse.ErrMoved) || !published && err != nil {
				t.Errorf("error %v", err)
			}
			if seen := w.summary(); strings.Contains(seen, second.ID[:12]) == published {
				t.Errorf("readers see %s", seen)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if doc, _, _ := w.rest.Describe(staging + "." + heir.leaseTable().TableID); doc != leaseDoc+heir.claim.nonce+", run "+heir.claim.run.ID {
				t.Errorf("the lease is now that of %q", doc)
			}
			if err := heir.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Who sees that another run has the lease stages nothing more, and leaves the ledger alone: a line would make the other's
// publish fail. A lease that has only ended is taken again.
func TestLeaseThatEnds(t *testing.T) {
	shop, _ := cleanLife(t)
	for _, taken := range []bool{false, true} {
		t.Run(fmt.Sprintf("taken over %t", taken), func(t *testing.T) {
			w := newWorld(t, shop)
			defer w.t.end()
			d, err := w.open()
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close() //nolint:errcheck // what it leaves expires
			d.leaseTime = 400 * time.Millisecond
			if err := d.Claim(t.Context(), second); err != nil {
				t.Fatal(err)
			}
			if err := d.call.Delete(t.Context(), d.leaseTable()); err != nil { // as its end does
				t.Fatal(err)
			}
			heir, err := w.open()
			if err != nil {
				t.Fatal(err)
			}
			defer heir.Close() //nolint:errcheck // as above
			if taken {
				if err := heir.Claim(t.Context(), other); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(4 * d.leaseTime)
			_, staged := stage(t.Context(), d, dated, data(dated, second, 3, 2))
			recorded := d.Record(t.Context(), entryOf(second, warehouse.Failed))
			for _, err := range []error{staged, recorded} {
				if taken != errors.Is(err, warehouse.ErrBusy) || !taken && err != nil {
					t.Errorf("error %v", err)
				}
			}
			if err := heir.Claim(t.Context(), other); !taken && !errors.Is(err, warehouse.ErrBusy) {
				t.Errorf("the lease was not taken again: %v", err)
			}
		})
	}
}
