package readrows

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/array"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

// Whatever the server and the consumer do, a read that succeeds has given every row of the server once, and one that
// does not has given none twice.
func TestReadIsExact(t *testing.T) {
	harmless := []bigquerytest.ReadFault{
		{Error: status.Error(codes.Unavailable, "gone")},
		{Error: status.Error(codes.Internal, "reset")},
		{Error: status.Error(codes.ResourceExhausted, "slow down")},
		{Error: status.Error(codes.Canceled, "by a proxy")},
		{Bytes: 1},
		{Bytes: 64},
		{Bytes: 500},
		{Rows: 1000},
		{Hang: true},
		{Reset: true},
	}
	fatal := []bigquerytest.ReadFault{
		{Error: status.Error(codes.PermissionDenied, "no")},
		{Error: status.Error(codes.FailedPrecondition, "the session has expired")},
		{End: true}, // too early
	}
	rapid.Check(t, func(rt *rapid.T) {
		rows := int64(rapid.IntRange(0, 400).Draw(rt, "rows"))
		known := rapid.Bool().Draw(rt, "known")
		faulty := rapid.IntRange(0, 60).Draw(rt, "percent of messages with faults")
		deadly := rapid.IntRange(0, 9).Draw(rt, "deadly") == 0
		draw := rapid.Uint64().Draw(rt, "draw")
		slow := rapid.SampledFrom([]time.Duration{0, 0, 0, time.Millisecond}).Draw(rt, "slow")
		deadline := time.Duration(rapid.SampledFrom([]int{0, 0, 1, 5, 20}).Draw(rt, "deadline ms")) * time.Millisecond
		leave := int64(rapid.SampledFrom([]int{-1, -1, -1, 0, 100}).Draw(rt, "leave at"))

		s := bigquerytest.NewReadServer(t, ordersTable(rows))
		s.Streams = rapid.IntRange(1, 6).Draw(rt, "streams of the server")
		s.BatchRows = int64(rapid.IntRange(1, 120).Draw(rt, "rows of a message"))
		s.WholeStreams = rapid.Bool().Draw(rt, "whole streams")
		s.OnMessage = func(m bigquerytest.ReadMessage) bigquerytest.ReadFault {
			// By place and try, whatever the order of events; no place fails too often in a row.
			dice := rand.NewPCG(draw, uint64(m.Stream)<<48|uint64(m.Call)<<24|uint64(m.Offset)).Uint64()
			switch {
			case m.Rows > 0 && deadly && dice%100 == 99:
				return fatal[dice/100%uint64(len(fatal))]
			case int(dice%100) < faulty && m.Call%4 != 0:
				return harmless[dice/100%uint64(len(harmless))]
			}
			return bigquerytest.ReadFault{}
		}
		o := quick()
		o.Streams = rapid.IntRange(1, 4).Draw(rt, "streams")
		o.Memory = rapid.SampledFrom([]int64{1, 10_000, 0}).Draw(rt, "memory")
		o.Stall = 15 * time.Millisecond
		o.Attempts = 1000 // a cut fails the other streams too
		want := Table{Name: orders, Rows: -1, Ordered: rapid.Bool().Draw(rt, "ordered")}
		if known || deadly { // a server that says too early that this was all is found out by the number of rows only
			want.Rows = rows
		}
		ctx := t.Context()
		if deadline > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, deadline)
			defer cancel()
		}

		seen := map[int64]bool{}
		last, left := int64(-1), false
		var failed error
		for batch, err := range New(s.Client(t), o).Read(ctx, want) {
			if failed != nil {
				rt.Fatal("there is something after the error")
			}
			if failed = err; err != nil {
				continue
			}
			for _, id := range batch.Column(0).(*array.Int64).Int64Values() {
				if seen[id] || id < 0 || id >= rows {
					rt.Fatalf("the row %d of %d came twice, or is none", id, rows)
				}
				if want.Ordered && id != last+1 {
					rt.Fatalf("the row %d came after %d", id, last)
				}
				seen[id], last = true, id
			}
			time.Sleep(slow)
			if left = leave >= 0 && int64(len(seen)) >= leave; left {
				break
			}
		}
		quiet(t, s)
		switch {
		case left:
		case failed == nil && int64(len(seen)) != rows:
			rt.Fatalf("success with %d rows of %d", len(seen), rows)
		case errors.Is(failed, context.DeadlineExceeded) && deadline == 0:
			rt.Fatalf("there was no deadline: %v", failed)
		case failed != nil && deadline == 0 && !deadly:
			rt.Fatalf("a read that could succeed failed: %v", failed)
		case errors.Is(failed, warehouse.ErrTemporary):
			rt.Fatalf("a read gave up: %v", failed)
		}
	})
}
