package duckdb

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	duck "github.com/duckdb/duckdb-go-bindings"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// A writer appends to a staged table in a transaction of its own session.
type writer struct {
	ctx   context.Context
	c     *conn // nil after Commit and Abort
	table frame.Table
	app   duck.Appender
	chunk duck.DataChunk
	rows  int64
	err   error // the first one; nothing is committed after it
}

func (d *db) Stage(ctx context.Context, t frame.Table) (warehouse.Writer, error) {
	if _, err := d.claimed(); err != nil {
		return nil, err
	}
	c, err := d.session(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{ctx: ctx, c: c, table: t}
	if err := w.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("stage %s: %w", t.Name, err), w.Abort())
	}
	return w, nil
}

func (w *writer) begin() error {
	at := stagingName(w.table.Name)
	err := w.c.do(w.ctx, "stage "+w.table.Name,
		"BEGIN TRANSACTION", "DROP TABLE IF EXISTS "+at, sql.CreateTable(w.table, sql.DuckDB, at))
	if err != nil {
		return err
	}
	if duck.AppenderCreateExt(w.c.c, stagingDB, "main", w.table.Name, &w.app) != duck.StateSuccess {
		return w.failure()
	}
	types := make([]duck.LogicalType, duck.AppenderColumnCount(w.app))
	for i := range types {
		types[i] = duck.AppenderColumnType(w.app, duck.IdxT(i))
		defer duck.DestroyLogicalType(&types[i])
	}
	w.chunk = duck.CreateDataChunk(types)
	return nil
}

func (w *writer) failure() error {
	return w.c.failure(w.ctx, "stage "+w.table.Name, duck.AppenderError(w.app))
}

func (w *writer) Write(b frame.Batch) error {
	if w.c == nil {
		return fmt.Errorf("stage %s: the writer has ended", w.table.Name)
	}
	if w.err == nil {
		w.err = w.write(b)
	}
	return w.err
}

func (w *writer) write(b frame.Batch) error {
	if err := w.c.interrupted(w.ctx); err != nil {
		return fmt.Errorf("stage %s: %w", w.table.Name, err)
	}
	if err := frame.Check(b.Schema(), w.table.Columns...); err != nil {
		return fmt.Errorf("stage %s: %w", w.table.Name, err)
	}
	b = frame.Select(b, w.table.Columns...)
	for i, col := range w.table.Columns {
		if n, what := frame.Unfit(col, b.Column(i)); n > 0 {
			return fmt.Errorf("stage %s: %w: column %s has %s in %d of %d rows",
				w.table.Name, warehouse.ErrBadData, col.Name, what, n, b.NumRows())
		}
	}
	size := int64(duck.VectorSize())
	for at := int64(0); at < b.NumRows(); at += size {
		part := b.NewSlice(at, min(at+size, b.NumRows()))
		for i, a := range part.Columns() {
			fill(duck.DataChunkGetVector(w.chunk, duck.IdxT(i)), a)
		}
		duck.DataChunkSetSize(w.chunk, duck.IdxT(part.NumRows()))
		if duck.AppendDataChunk(w.app, w.chunk) != duck.StateSuccess {
			return w.failure()
		}
		duck.DataChunkReset(w.chunk)
	}
	w.rows += b.NumRows()
	return nil
}

func (w *writer) Commit() (warehouse.Ref, error) {
	if w.c == nil {
		return warehouse.Ref{}, fmt.Errorf("stage %s: the writer has ended", w.table.Name)
	}
	err := w.err
	if err == nil {
		if duck.AppenderClose(w.app) != duck.StateSuccess {
			err = w.failure()
		} else {
			err = w.c.do(w.ctx, "stage "+w.table.Name, "COMMIT")
		}
	}
	if err != nil {
		return warehouse.Ref{}, errors.Join(err, w.Abort())
	}
	w.end()
	return warehouse.Ref{Name: stagingName(w.table.Name), Table: w.table, Rows: w.rows}, nil
}

func (w *writer) Abort() error {
	if w.c == nil {
		return nil
	}
	if w.app.Ptr != nil {
		_ = duck.AppenderClear(w.app)
	}
	_ = w.c.do(context.WithoutCancel(w.ctx), "abort", "ROLLBACK") // fails where no transaction has begun
	w.end()
	return nil
}

func (w *writer) end() {
	duck.DestroyDataChunk(&w.chunk)
	_ = duck.AppenderDestroy(&w.app)
	w.c.d.release(w.c)
	w.c = nil
}

// fill copies a, of up to 2,048 rows, into v.
func fill(v duck.Vector, a arrow.Array) {
	data := duck.VectorGetData(v)
	switch a := a.(type) {
	case *array.Int64:
		copy(unsafe.Slice((*int64)(data), a.Len()), a.Int64Values())
	case *array.Float64:
		copy(unsafe.Slice((*float64)(data), a.Len()), a.Float64Values())
	case *array.Timestamp:
		copy(unsafe.Slice((*arrow.Timestamp)(data), a.Len()), a.TimestampValues())
	case *array.Date32:
		copy(unsafe.Slice((*arrow.Date32)(data), a.Len()), a.Date32Values())
	case *array.Boolean:
		for i := range unsafe.Slice((*bool)(data), a.Len()) {
			unsafe.Slice((*bool)(data), a.Len())[i] = a.Value(i)
		}
	case *array.String:
		texts := unsafe.Slice((*text)(data), a.Len())
		for i := range texts {
			s := a.Value(i)
			if len(s) <= maxInline {
				texts[i] = text{length: uint32(len(s))}
				copy(texts[i].inline[:], s)
			} else {
				duck.UnsafeVectorAssignStringElementLen(v, duck.IdxT(i), unsafe.Slice(unsafe.StringData(s), len(s)))
			}
		}
	}
	if a.NullN() == 0 {
		return
	}
	duck.VectorEnsureValidityWritable(v)
	mask := unsafe.Slice((*uint64)(duck.VectorGetValidity(v)), (a.Len()+63)/64)
	for i := range a.Len() {
		if a.IsNull(i) {
			mask[i/64] &^= 1 << (i % 64)
		}
	}
}
