package readrows

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

const orders = "projects/p/datasets/shop/tables/orders"

var ordersSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "amount", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "note", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "country", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}},
}, nil)

// ordersFrom returns the orders first ≤ id < end. Every column follows from id.
func ordersFrom(first, end int64) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, ordersSchema)
	for id := first; id < end; id++ {
		b.Field(0).(*array.Int64Builder).Append(id)
		if id%5 == 0 {
			b.Field(1).AppendNull()
		} else {
			b.Field(1).(*array.Float64Builder).Append(float64(id) / 2)
		}
		b.Field(2).(*array.StringBuilder).Append(strings.Repeat("x", int(id%7)))
		if err := b.Field(3).(*array.BinaryDictionaryBuilder).AppendString(countries[id%3]); err != nil {
			panic(err)
		}
	}
	return b.NewRecord()
}

var countries = []string{"AT", "BE", "CH"}

// A table is the only one that a server has, under any name but "missing".
type table []arrow.Record

func (t table) Table(name string) (*arrow.Schema, []arrow.Record, error) {
	if strings.HasSuffix(name, "/missing") {
		return nil, nil, errors.New("no table missing")
	}
	if len(t) == 0 {
		return ordersSchema, nil, nil
	}
	return t[0].Schema(), t, nil
}

// ordersTable returns rows orders in records of some hundreds.
func ordersTable(rows int64) table {
	var t table
	for first := int64(0); first < rows; first += 300 {
		t = append(t, ordersFrom(first, min(first+300, rows)))
	}
	return t
}

// quick are options of tests: no pauses.
func quick() Options {
	return Options{Project: "p", Streams: 4, Stall: 5 * time.Second, Attempts: 3, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

// ids checks every row of in and returns the orders' ids in the order in which they came.
func ids(in iter.Seq2[arrow.Record, error]) ([]int64, error) {
	var all []int64
	var kept []arrow.Record
	for batch, err := range in {
		if err != nil {
			return all, err
		}
		kept = append(kept, batch)
	}
	for _, batch := range kept { // after the last one: batches stay good
		id, amount := batch.Column(0).(*array.Int64), batch.Column(1).(*array.Float64)
		note, country := batch.Column(2).(*array.String), batch.Column(3).(*array.Dictionary)
		for i, v := range id.Int64Values() {
			c := country.Dictionary().(*array.String).Value(country.GetValueIndex(i))
			if amount.IsNull(i) != (v%5 == 0) || amount.IsValid(i) && amount.Value(i) != float64(v)/2 || len(note.Value(i)) != int(v%7) || c != countries[v%3] {
				return nil, fmt.Errorf("order %d came with the columns of another one: %v", v, batch.NewSlice(int64(i), int64(i+1)))
			}
		}
		all = append(all, id.Int64Values()...)
	}
	return all, nil
}

func whole(got []int64, rows int64) error {
	got = slices.Sorted(slices.Values(got))
	for i, id := range got {
		if id != int64(i) {
			return fmt.Errorf("at place %d of %d is the order %d", i, rows, id)
		}
	}
	if int64(len(got)) != rows {
		return fmt.Errorf("%d rows of %d", len(got), rows)
	}
	return nil
}

// quiet fails the test unless nothing is being read any more: here at once, at the server soon.
func quiet(t *testing.T, s *bigquerytest.ReadServer) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for line := range strings.Lines(string(stacks)) {
		// A watch that has just gone off is not in the way; created by says nothing of what a goroutine still does.
		if strings.HasPrefix(line, "segments/pipeline/warehouse/bigquery/readrows.(*stream)") && !strings.Contains(line, "attempt.func1") {
			t.Errorf("a stream is still being read:\n%s", stacks)
		}
	}
	for end := time.Now().Add(2 * time.Second); s.Live() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d streams are still being read at the server", s.Live())
		}
	}
}

func TestEveryRowOnce(t *testing.T) {
	for name, set := range map[string]func(*bigquerytest.ReadServer){
		"bare batches":      func(*bigquerytest.ReadServer) {},
		"small messages":    func(s *bigquerytest.ReadServer) { s.BatchRows = 7 },
		"one stream":        func(s *bigquerytest.ReadServer) { s.Streams = 1 },
		"more streams":      func(s *bigquerytest.ReadServer) { s.Streams = 9 },
		"whole IPC streams": func(s *bigquerytest.ReadServer) { s.WholeStreams = true },
		"schema in streams": func(s *bigquerytest.ReadServer) { s.WholeStreams, s.Silent = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			const rows = 2000
			s := bigquerytest.NewReadServer(t, ordersTable(rows))
			set(s)
			read := New(s.Client(t), quick()).Read(t.Context(), Table{Name: orders, Rows: rows})
			for range 2 { // it is replayable
				got, err := ids(read)
				if err != nil {
					t.Fatal(err)
				}
				if err := whole(got, rows); err != nil {
					t.Fatal(err)
				}
			}
			quiet(t, s)
		})
	}
}

func TestRequest(t *testing.T) {
	s := bigquerytest.NewReadServer(t, ordersTable(1000))
	r := New(s.Client(t), quick())
	at := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	var got []int64
	for batch, err := range r.Read(t.Context(), Table{Name: orders, Fields: []string{"note", "id"}, Rows: 1000, Snapshot: at, Ordered: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if n := batch.Schema().NumFields(); n != 2 || batch.ColumnName(0) != "id" || batch.ColumnName(1) != "note" {
			t.Fatalf("columns: %v", batch.Schema())
		}
		got = append(got, batch.Column(0).(*array.Int64).Int64Values()...)
	}
	if !slices.IsSorted(got) || len(got) != 1000 {
		t.Errorf("an ordered read gave %d rows, sorted: %v", len(got), slices.IsSorted(got))
	}
	request := s.Requests()[0]
	session := request.GetReadSession()
	if request.GetParent() != "projects/p" || request.GetMaxStreamCount() != 1 || session.GetTable() != orders ||
		!session.GetTableModifiers().GetSnapshotTime().AsTime().Equal(at) ||
		!slices.Equal(session.GetReadOptions().GetSelectedFields(), []string{"note", "id"}) ||
		session.GetReadOptions().GetArrowSerializationOptions().GetBufferCompression() != storagepb.ArrowSerializationOptions_LZ4_FRAME {
		t.Errorf("request: %v", request)
	}
	if _, err := ids(r.Read(t.Context(), Table{Name: orders, Rows: -1})); err != nil {
		t.Fatal(err)
	}
	if request := s.Requests()[1]; request.GetMaxStreamCount() != 4 || request.GetReadSession().GetTableModifiers() != nil {
		t.Errorf("request: %v", request)
	}
}

// Whatever breaks, at whatever place, once at each: every row comes once.
func TestResume(t *testing.T) {
	const rows = 100
	unavailable := bigquerytest.ReadFault{Error: status.Error(codes.Unavailable, "gone")}
	for name, test := range map[string]struct {
		fault bigquerytest.ReadFault
		stall time.Duration
	}{
		"error":    {fault: unavailable},
		"quota":    {fault: bigquerytest.ReadFault{Error: status.Error(codes.ResourceExhausted, "slow down")}},
		"aborted":  {fault: bigquerytest.ReadFault{Error: status.Error(codes.Aborted, "again")}},
		"internal": {fault: bigquerytest.ReadFault{Error: status.Error(codes.Internal, "RST_STREAM")}},
		"deadline": {fault: bigquerytest.ReadFault{Error: status.Error(codes.DeadlineExceeded, "the server's own")}},
		"reset":    {fault: bigquerytest.ReadFault{Reset: true}},
		"hang":     {fault: bigquerytest.ReadFault{Hang: true}, stall: 30 * time.Millisecond},
		"count":    {fault: bigquerytest.ReadFault{Rows: 99}},
		"damage":   {fault: bigquerytest.ReadFault{Bytes: 70}},
	} {
		t.Run(name, func(t *testing.T) {
			s := bigquerytest.NewReadServer(t, ordersTable(rows))
			s.BatchRows = 10
			s.Streams = 2
			s.OnMessage = func(m bigquerytest.ReadMessage) bigquerytest.ReadFault {
				if m.Offset == int64(m.Call-1)*10 { // every message in turn, and the end
					return test.fault
				}
				return bigquerytest.ReadFault{}
			}
			o := quick()
			o.Attempts = 2 // one failure after another without a row is too many
			if test.fault.Reset {
				o.Attempts = 20 // the other stream's fault is this one's too, and what was on its way is lost: 14 in a row may be
				o.Pause = func(context.Context, time.Duration) error {
					time.Sleep(5 * time.Millisecond) // until gRPC has noticed, and has a connection again
					return nil
				}
			}
			if test.stall > 0 {
				o.Stall = test.stall
			}
			got, err := ids(New(s.Client(t), o).Read(t.Context(), Table{Name: orders, Rows: rows}))
			if err == nil {
				err = whole(got, rows)
			}
			if err != nil {
				t.Fatal(err)
			}
			calls := 2 * (1 + 5 + 1) // each of two streams, after each of five messages, and the last time
			if test.fault.Bytes > 0 || test.fault.Rows > 0 {
				calls = 2 * (1 + 5) // the end cannot be damaged
			}
			if s.Calls() != calls && !test.fault.Reset {
				t.Errorf("%d calls, want %d", s.Calls(), calls)
			}
		})
	}
}

// A server may say how long it wants to be left alone.
func TestPause(t *testing.T) {
	s := bigquerytest.NewReadServer(t, ordersTable(10))
	s.OnMessage = func(m bigquerytest.ReadMessage) bigquerytest.ReadFault {
		busy, err := status.New(codes.ResourceExhausted, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(7 * time.Second)})
		if err != nil || m.Call > 3 {
			return bigquerytest.ReadFault{}
		}
		return bigquerytest.ReadFault{Error: busy.Err()}
	}
	o := quick()
	o.Streams, o.Attempts = 1, 4
	var pauses []time.Duration
	o.Pause = func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}
	if _, err := ids(New(s.Client(t), o).Read(t.Context(), Table{Name: orders, Rows: 10})); err != nil {
		t.Fatal(err)
	}
	for i, d := range pauses {
		if d < 7*time.Second || d >= 7*time.Second+firstPause<<i {
			t.Errorf("pause %d: %v", i, d)
		}
	}
	if len(pauses) != 3 {
		t.Errorf("%d pauses", len(pauses))
	}
}

func TestPauseIsBounded(t *testing.T) {
	var most time.Duration
	for failures := range 1000 {
		d := pause(failures+1, errors.New("no status"))
		if d < 0 || d >= maxPause {
			t.Fatalf("after %d failures: %v", failures+1, d)
		}
		most = max(most, d)
	}
	if most < maxPause/2 {
		t.Errorf("never longer than %v", most)
	}
}

// The consumer may take its time: that is no stall.
func TestSlowConsumer(t *testing.T) {
	s := bigquerytest.NewReadServer(t, ordersTable(600))
	s.Streams, s.BatchRows = 2, 100
	o := quick()
	o.Stall = 50 * time.Millisecond
	var n int64
	for batch, err := range New(s.Client(t), o).Read(t.Context(), Table{Name: orders, Rows: 600}) {
		if err != nil {
			t.Fatal(err)
		}
		n += batch.NumRows()
		time.Sleep(80 * time.Millisecond)
	}
	if n != 600 || s.Calls() != 2 {
		t.Errorf("%d rows in %d calls", n, s.Calls())
	}
}

// A row counts as handed over when the consumer has it.
func TestHandOver(t *testing.T) {
	s := &stream{offset: 7}
	out := make(chan arrow.Record, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.handOver(ctx, []arrow.Record{ordersFrom(7, 10), ordersFrom(10, 20)}, out); !errors.Is(err, context.DeadlineExceeded) || s.offset != 10 {
		t.Errorf("the consumer took 3 rows: the offset is %d, error %v", s.offset, err)
	}
	<-out
	if err := s.handOver(ctx, []arrow.Record{ordersFrom(10, 20)}, out); err == nil || s.offset != 10 {
		t.Errorf("the context had ended: the offset is %d, error %v", s.offset, err)
	}
}

// Once the context has ended a read has not succeeded, even where all rows had come.
func TestContext(t *testing.T) {
	s := bigquerytest.NewReadServer(t, ordersTable(1000))
	s.BatchRows = 50
	r := New(s.Client(t), quick())
	want := Table{Name: orders, Rows: 1000}

	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	var rows int64
	var last error
	for batch, err := range r.Read(ctx, want) {
		if last = err; err == nil {
			rows += batch.NumRows()
			time.Sleep(10 * time.Millisecond)
		}
	}
	if !errors.Is(last, context.DeadlineExceeded) || rows >= 1000 {
		t.Errorf("deadline in the middle: %d rows, %v", rows, last)
	}
	quiet(t, s)

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := ids(r.Read(ctx, want)); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before: %v", err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	rows = 0
	for batch, err := range r.Read(ctx, want) {
		if last = err; err == nil {
			if rows += batch.NumRows(); rows == 1000 {
				cancel()
			}
		}
	}
	cancel()
	if !errors.Is(last, context.Canceled) || rows != 1000 {
		t.Errorf("canceled with the last row: %d rows, %v", rows, last)
	}
	quiet(t, s)

	s = bigquerytest.NewReadServer(t, ordersTable(1000))
	s.OnMessage = func(bigquerytest.ReadMessage) bigquerytest.ReadFault { return bigquerytest.ReadFault{Hang: true} }
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := ids(New(s.Client(t), quick()).Read(ctx, want)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline while the server hangs: %v", err)
	}
	quiet(t, s)
}

// Leaving a range early, in whatever way, leaves nothing behind.
func TestLeave(t *testing.T) {
	s := bigquerytest.NewReadServer(t, ordersTable(1000))
	s.BatchRows = 10
	r := New(s.Client(t), quick())
	read := r.Read(t.Context(), Table{Name: orders, Rows: 1000})
	for range 20 {
		for range read { //nolint:errcheck // it is left at once
			break
		}
		quiet(t, s)
	}
	func() {
		defer func() { _ = recover() }()
		for range read { //nolint:errcheck // it is left at once
			panic("the consumer's")
		}
	}()
	quiet(t, s)
	next, stop := iter.Pull2(read)
	if _, err, ok := next(); err != nil || !ok {
		t.Fatal(err, ok)
	}
	stop()
	quiet(t, s)

	// One stream fails for good while the others wait for the consumer.
	var failed atomic.Bool
	s = bigquerytest.NewReadServer(t, ordersTable(1000))
	s.BatchRows = 10
	s.OnMessage = func(m bigquerytest.ReadMessage) bigquerytest.ReadFault {
		if m.Stream == 2 && m.Offset > 100 && !failed.Swap(true) {
			return bigquerytest.ReadFault{Error: status.Error(codes.PermissionDenied, "no longer")}
		}
		return bigquerytest.ReadFault{}
	}
	if _, err := ids(New(s.Client(t), quick()).Read(t.Context(), Table{Name: orders, Rows: 1000})); !errors.Is(err, warehouse.ErrPermission) {
		t.Errorf("error: %v", err)
	}
	if s.Calls() > 4 {
		t.Errorf("%d calls: something was tried again", s.Calls())
	}
	quiet(t, s)
}
