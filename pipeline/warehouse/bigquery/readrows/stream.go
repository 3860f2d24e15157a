package readrows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow/go/v17/arrow"

	"segments/pipeline/warehouse"
)

// A stream is one of a session's, read by one goroutine.
type stream struct {
	*Reader
	name   string
	index  int
	schema []byte // an IPC message; empty where the session announced none
	offset int64  // how many rows have been handed over
}

// read sends the rows of s to out, each once.
func (s *stream) read(ctx context.Context, memory *budget, out chan<- arrow.Record) error {
	err := s.retry(ctx, s.name, func() (progress bool, err error) {
		before := s.offset
		err = s.attempt(ctx, memory, out)
		return s.offset > before, err
	})
	if err != nil {
		return fmt.Errorf("stream %d at row %d: %w", s.index, s.offset, err)
	}
	return nil
}

// attempt reads on at the offset until the stream ends or breaks.
func (s *stream) attempt(ctx context.Context, memory *budget, out chan<- arrow.Record) error {
	stalled := failuref(warehouse.ErrTemporary, "no message for %s", s.o.Stall)
	ctx, hangUp := context.WithCancelCause(ctx)
	defer hangUp(nil)
	watch := time.AfterFunc(s.o.Stall, func() { hangUp(stalled) })
	defer watch.Stop()

	err := s.receive(ctx, watch, memory, out)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, stalled) {
		return cause
	}
	return err
}

// receive sends what one call gives to out, until the server says that the stream has ended.
// While it waits for the server watch runs, while it waits for the consumer it does not.
func (s *stream) receive(ctx context.Context, watch *time.Timer, memory *budget, out chan<- arrow.Record) error {
	call, err := s.client.ReadRows(ctx, &storagepb.ReadRowsRequest{ReadStream: s.name, Offset: s.offset}, callOptions()...)
	if err != nil {
		return err
	}
	decoder, err := newDecoder(s.schema) // a call starts from nothing: dictionaries are sent again too
	if err != nil {
		return err
	}
	for {
		watch.Stop()
		if err := memory.reserve(ctx); err != nil {
			return err
		}
		watch.Reset(s.o.Stall)
		response, err := call.Recv()
		watch.Stop()
		last := errors.Is(err, io.EOF) // from here only: elsewhere it would be a failure
		var batches []arrow.Record
		var size int64
		if err == nil {
			batches, size, err = decoder.decode(response)
		}
		memory.settle(int64(len(response.GetArrowRecordBatch().GetSerializedRecordBatch())), size)
		if err == nil {
			err = s.handOver(ctx, batches, out)
		}
		memory.release(size)
		if last {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// handOver sends batches to out.
func (s *stream) handOver(ctx context.Context, batches []arrow.Record, out chan<- arrow.Record) error {
	for _, batch := range batches {
		if ctx.Err() != nil { // gRPC gives what it has received before it says that the context is dead
			return ctx.Err()
		}
		select {
		case out <- batch:
			s.offset += batch.NumRows()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
