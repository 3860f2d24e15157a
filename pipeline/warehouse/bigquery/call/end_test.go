package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

// Being denied ends each kind of call at once.
func TestDenied(t *testing.T) {
	for _, k := range kinds(t) {
		calls, err := k.try(t, map[int]bigquerytest.Fault{0: bigquerytest.Denied})
		if !errors.Is(err, warehouse.ErrPermission) || len(calls) != 1 {
			t.Errorf("%s: %v after %d calls", k.name, err, len(calls))
		}
	}
}

// What was sent is looked up before it is sent again.
func TestLookUpFirst(t *testing.T) {
	for f, want := range map[bigquerytest.Fault]string{
		bigquerytest.Hang:       "jobs.insert jobs.get jobs.insert",
		bigquerytest.TooMany:    "jobs.insert jobs.get jobs.insert",
		bigquerytest.LostHang:   "jobs.insert jobs.get",
		bigquerytest.LostClosed: "jobs.insert jobs.get",
		bigquerytest.LostReset:  "jobs.insert jobs.insert jobs.get", // the client library's own retry, and its 409
	} {
		b := newBench(t, bigquerytest.Hooks{Query: outcome, Fault: bigquerytest.At(0, f)}, quick())
		b.o.Timeout = time.Second // for the client library's pause
		if _, err := b.Query(t.Context(), query); err != nil || methods(b.server.Calls()) != want {
			t.Errorf("%s: %v; calls %v, want %s", f, err, methods(b.server.Calls()), want)
		}
	}
}

// A server that answers nothing is given up, soon, and not before it was asked as often as allowed.
func TestPatience(t *testing.T) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, f := range bigquerytest.Passing() {
		if f == bigquerytest.Twice {
			continue
		}
		wg.Go(func() {
			o := quick()
			o.Attempts = 3
			var pauses []time.Duration
			o.Rand = func() float64 { return 1 }
			o.Pause = func(_ context.Context, d time.Duration) error {
				pauses = append(pauses, d)
				return nil
			}
			b := newBench(t, bigquerytest.Hooks{Fault: func(int, bigquerytest.Call) bigquerytest.Fault { return f }}, o)
			_, err := b.Query(t.Context(), query)
			if !errors.Is(err, warehouse.ErrTemporary) || !errors.Is(err, ErrUnknown) {
				t.Errorf("%s: %v", f, err)
			}
			if want := []time.Duration{firstPause, 2 * firstPause}; !slices.Equal(pauses, want) {
				t.Errorf("%s: paused %v, want %v", f, pauses, want)
			}
		})
	}
}

// The clock ends what the number of tries does not.
func TestPatienceInTime(t *testing.T) {
	o := quick()
	o.Attempts, o.Patience, o.Rand = 1000, 10*time.Minute, func() float64 { return 1 }
	now := time.Unix(0, 0)
	o.Now = func() time.Time { return now }
	o.Pause = func(_ context.Context, d time.Duration) error {
		now = now.Add(d)
		return nil
	}
	b := newBench(t, bigquerytest.Hooks{Fault: func(int, bigquerytest.Call) bigquerytest.Fault { return bigquerytest.TooMany }}, o)
	_, err := b.Query(t.Context(), query)
	if took := now.Sub(time.Unix(0, 0)); !errors.Is(err, warehouse.ErrTemporary) || took > 10*time.Minute || took < 9*time.Minute {
		t.Errorf("%v after %s", err, took)
	}
}

// A job that is known to run may take longer than the patience.
func TestLongJob(t *testing.T) {
	o := quick()
	now := time.Unix(0, 0)
	o.Now = func() time.Time { return now }
	o.Pause = func(_ context.Context, d time.Duration) error {
		if d > mostPoll {
			t.Errorf("paused %s", d)
		}
		now = now.Add(10 * time.Minute)
		return nil
	}
	b := newBench(t, bigquerytest.Hooks{
		Query: outcome,
		Polls: func(bigquerytest.Job) int { return 20 },
		Fault: bigquerytest.At(10, bigquerytest.TooMany),
	}, o)
	if _, err := b.Query(t.Context(), query); err != nil {
		t.Error(err)
	}
}

func TestCancel(t *testing.T) {
	for _, ends := range []bool{false, true} {
		t.Run(fmt.Sprintf("the job ends first %t", ends), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			polls := 0
			b := newBench(t, bigquerytest.Hooks{
				Query: outcome,
				Polls: func(bigquerytest.Job) int {
					if ends {
						return 2 // the insert and a poll; the look-up before canceling finds it done
					}
					return 1000
				},
				Fault: func(int, bigquerytest.Call) bigquerytest.Fault {
					if polls++; polls == 3 {
						cancel()
						return bigquerytest.Hang
					}
					return bigquerytest.NoFault
				},
			}, quick())
			d, err := b.Query(ctx, query)
			did := methods(b.server.Effects())
			switch {
			case ends && (err != nil || d.Billed != 10<<20 || did != "jobs.insert"):
				t.Errorf("%+v, %v; did %s", d, err, did)
			case !ends && (!errors.Is(err, context.Canceled) || errors.Is(err, ErrUnknown) || did != "jobs.insert jobs.cancel"):
				t.Errorf("%v; did %s", err, did)
			}
		})
	}
	t.Run("while it is sent", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBench(t, bigquerytest.Hooks{
			Polls: func(bigquerytest.Job) int { return 1000 },
			Fault: func(int, bigquerytest.Call) bigquerytest.Fault {
				if ctx.Err() == nil {
					cancel()
					time.Sleep(50 * time.Millisecond) // the server acts later than a hasty client would ask
				}
				return bigquerytest.NoFault
			},
		}, quick())
		_, err := b.Query(ctx, query)
		if did := methods(b.server.Effects()); !errors.Is(err, context.Canceled) || did != "jobs.insert jobs.cancel" {
			t.Errorf("%v; did %s", err, did)
		}
	})
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b := newBench(t, bigquerytest.Hooks{}, quick())
		if _, err := b.Query(ctx, query); !errors.Is(err, context.Canceled) || len(b.server.Calls()) != 0 {
			t.Errorf("%v; calls %v", err, b.server.Calls())
		}
	})
	t.Run("the server is gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBench(t, bigquerytest.Hooks{Fault: func(int, bigquerytest.Call) bigquerytest.Fault {
			cancel()
			return bigquerytest.LostClosed
		}}, quick())
		if _, err := b.Query(ctx, query); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnknown) {
			t.Error(err)
		}
	})
}

func TestBudget(t *testing.T) {
	o := quick()
	o.Budget = 25 << 20
	b := newBench(t, bigquerytest.Hooks{Query: outcome}, o) // 10 MiB each
	var wg sync.WaitGroup
	var over atomic.Int32
	for i := range 4 {
		wg.Go(func() {
			_, err := b.Query(t.Context(), Query{Step: "q", Key: strconv.Itoa(i), SQL: "SELECT 1"})
			if errors.Is(err, warehouse.ErrBudget) {
				over.Add(1)
				if !strings.Contains(err.Error(), "5242880 of max_bytes_billed = 26214400 are left") {
					t.Error(err)
				}
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if over.Load() != 2 || b.Billed() != 20<<20 {
		t.Errorf("%d were over budget; billed %d", over.Load(), b.Billed())
	}
	var limits []int64
	for _, j := range b.server.Jobs() {
		limits = append(limits, j.Config.Query.MaximumBytesBilled)
	}
	slices.Sort(limits)
	if want := []int64{5 << 20, 5 << 20, 15 << 20, 25 << 20}; !slices.Equal(limits, want) {
		t.Errorf("limits %v, want %v", limits, want)
	}

	o.Budget = 10 << 20
	b = newBench(t, bigquerytest.Hooks{Query: outcome}, o)
	if _, err := b.Query(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	calls := len(b.server.Calls())
	other := query
	other.Key = "run 2"
	_, err := b.Query(t.Context(), other)
	const text = "over budget: 10485760 bytes of max_bytes_billed = 10485760 are billed"
	if !errors.Is(err, warehouse.ErrBudget) || !strings.Contains(err.Error(), text) || len(b.server.Calls()) != calls {
		t.Errorf("nothing left: %v", err)
	}
}
