// Package readrows reads BigQuery tables over the Storage Read API: every row exactly once, or an error.
//
// A session divides a table into streams, which are read in parallel. A stream that breaks is taken up again at the
// first row that was not handed over; a message counts only when it decodes to as many rows as it says it has; and the
// read has succeeded only when every stream has ended, the rows add up, and the context is still alive.
//
// # Memory
//
// Not receiving is what slows a server down: a stream receives its next message when the last one has been handed over
// and Options.Memory has room for another. A message is taken to need three times its size while gRPC puts it together,
// or its size and that of the decoded batch if that is more; until the first one has come, it is taken to be as large as
// messages can be, 128 MB. So what waits for the consumer stays under Options.Memory, with two exceptions: one message
// is always let through, and while messages grow, each stream may hold one that is larger than all before it. Beside
// that there is the batch in the consumer's hands, gRPC's flow-control window for each stream (64 KiB, up to 16 MiB where
// the network makes it worth while), and what Go's garbage collector has not collected yet.
package readrows

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"time"

	storage "cloud.google.com/go/bigquery/storage/apiv1"
	"github.com/apache/arrow/go/v17/arrow"
	gax "github.com/googleapis/gax-go/v2"
	"golang.org/x/sync/errgroup"

	"segments/pipeline/warehouse"
)

// Options say how to read. The zero value is good for production, except that it has no project.
type Options struct {
	Project string // whose sessions they are; it needs no data of its own
	Streams int    // how many streams of a table are read at once, at most. 0 means GOMAXPROCS
	Memory  int64  // bytes that batches waiting for the consumer may take; see the package comment. 0 means 256 MiB

	// Stall is how long a stream may go without a message, and a session without an answer, before it is tried again.
	// A stream that waits for the consumer does not stall. 0 means a minute.
	Stall time.Duration
	// Attempts is how many failures in a row without a row in between are one too many. 0 means 6.
	Attempts int
	Log      *slog.Logger // nil discards

	Pause func(ctx context.Context, d time.Duration) error // nil sleeps; it fails when ctx ends
}

// A Reader reads tables. Its methods may be called from several goroutines.
type Reader struct {
	client *storage.BigQueryReadClient
	o      Options
}

// New returns a Reader that reads through client, which stays the caller's to close.
func New(client *storage.BigQueryReadClient, o Options) *Reader {
	if o.Streams <= 0 {
		o.Streams = runtime.GOMAXPROCS(0)
	}
	if o.Memory <= 0 {
		o.Memory = 256 << 20
	}
	if o.Stall <= 0 {
		o.Stall = time.Minute
	}
	if o.Attempts <= 0 {
		o.Attempts = 6
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Pause == nil {
		o.Pause = gax.Sleep
	}
	return &Reader{client, o}
}

// A Table says what to read.
type Table struct {
	Name     string    // projects/P/datasets/D/tables/T; not a view
	Fields   []string  // the columns wanted, in any order; they come in the table's. None means all
	Rows     int64     // how many rows the table is known to have: it is an error to read another number. -1 means unknown
	Snapshot time.Time // the table as it was then; the zero time means as it is when the session is made
	Ordered  bool      // one stream, which keeps the order that an ORDER BY wrote; without it rows come in no order
}

// Read streams the rows of t. It is replayable: each range over it makes a session of its own. It ends after the first
// error. A range that is left early, or whose ctx ends, has freed its goroutines and streams when it returns.
//
// Batches are Go memory of their own; they may be kept, and nobody needs to release them.
//
// Errors wrap ErrPermission, ErrNotFound, ErrTemporary or ErrBadData of package warehouse: the last one where messages
// are damaged or numbers of rows do not agree. Once ctx has ended the error wraps ctx.Err(), even after the last row.
func (r *Reader) Read(ctx context.Context, t Table) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		left := false
		err := r.read(ctx, t, func(batch arrow.Record) bool {
			left = !yield(batch, nil)
			return !left
		})
		if err != nil && !left {
			yield(nil, fmt.Errorf("reading %s: %w", t.Name, err))
		}
	}
}

// read gives yield the batches of t until it returns false.
func (r *Reader) read(ctx context.Context, t Table, yield func(arrow.Record) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	streams, err := r.open(ctx, t)
	if err != nil {
		cancel()
		return err
	}
	batches, failure := r.start(ctx, streams)
	defer func() {
		cancel()
		for range batches { // it is closed when all goroutines have ended
		}
	}()
	var rows int64
	for batch := range batches {
		if err := ended(ctx); err != nil {
			return err
		}
		if rows += batch.NumRows(); t.Rows >= 0 && rows > t.Rows {
			return fmt.Errorf("%w: more than the %d rows that the table has", warehouse.ErrBadData, t.Rows)
		}
		if !yield(batch) {
			return nil
		}
	}
	if err := ended(ctx); err != nil {
		return err
	}
	if err := failure(); err != nil {
		return err
	}
	if t.Rows >= 0 && rows != t.Rows {
		return fmt.Errorf("%w: %d rows, and the table has %d", warehouse.ErrBadData, rows, t.Rows)
	}
	return nil
}

// start reads streams into batches, which is closed when all have ended; failure says then what went wrong.
func (r *Reader) start(ctx context.Context, streams []*stream) (batches <-chan arrow.Record, failure func() error) {
	out := make(chan arrow.Record) // unbuffered: a batch that has been sent is in the consumer's hands
	memory := newBudget(r.o.Memory)
	waiting := make(chan *stream, len(streams))
	for _, s := range streams {
		waiting <- s
	}
	close(waiting)
	group, ctx := errgroup.WithContext(ctx)
	for range min(r.o.Streams, len(streams)) {
		group.Go(func() error {
			for s := range waiting {
				if err := s.read(ctx, memory, out); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var err error
	go func() {
		err = group.Wait()
		close(out)
	}()
	return out, func() error { return err }
}
