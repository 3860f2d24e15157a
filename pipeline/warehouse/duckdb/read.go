package duckdb

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
	duck "github.com/duckdb/duckdb-go-bindings"

	"segments/sql"
	"segments/transforms/frame"
)

// A batch ends with the chunk of 2,048 rows that brings it to one of these.
const (
	batchRows = 1 << 16
	batchText = 32 << 20 // bytes of text
)

// physical are the kinds that DuckDB's vectors have the memory layout of.
var physical = map[duck.Type]frame.Kind{
	duck.TypeBigInt: frame.Int64Kind, duck.TypeDouble: frame.Float64Kind, duck.TypeVarchar: frame.StringKind,
	duck.TypeBoolean: frame.BoolKind, duck.TypeDate: frame.DateKind, duck.TypeTimestamp: frame.TimestampKind,
}

// stream gives yield the rows of q, whose columns are all of physical kinds. It returns when yield returns false.
func (c *conn) stream(ctx context.Context, q sql.Query, yield func(frame.Batch, error) bool) {
	stopped := false
	err := c.run(ctx, q, func(result *duck.Result) error {
		r, err := newReader(result)
		if err != nil {
			return fmt.Errorf("query %s: %w", q.Name, err)
		}
		for !stopped {
			b, err := r.next()
			if err != nil {
				return fmt.Errorf("query %s: %w", q.Name, err)
			}
			if message := duck.ResultError(result); message != "" { // an error ends a stream as its last row does
				return c.failure(ctx, q.Name, message)
			}
			if b == nil {
				return c.interrupted(ctx)
			}
			stopped = !yield(b, nil)
		}
		return nil
	})
	if err != nil && !stopped {
		yield(nil, err)
	}
}

// A reader makes batches in Go memory of a result's chunks.
type reader struct {
	result *duck.Result
	schema *arrow.Schema
	kinds  []frame.Kind
	chunks []duck.DataChunk // of the next batch
	ended  bool
}

func newReader(result *duck.Result) (*reader, error) {
	r := &reader{result: result}
	fields := make([]arrow.Field, duck.ColumnCount(result))
	for i := range fields {
		name, id := duck.ColumnName(result, duck.IdxT(i)), duck.ColumnType(result, duck.IdxT(i))
		kind, ok := physical[id]
		if !ok {
			return nil, fmt.Errorf("column %s is of type %s", name, nativeName(id))
		}
		r.kinds = append(r.kinds, kind)
		fields[i] = arrow.Field{Name: name, Type: kind.ArrowType(), Nullable: true}
	}
	r.schema = arrow.NewSchema(fields, nil)
	return r, nil
}

// next returns the next batch, nil after the last one.
func (r *reader) next() (frame.Batch, error) {
	defer func() {
		for i := range r.chunks {
			duck.DestroyDataChunk(&r.chunks[i])
		}
		r.chunks = r.chunks[:0]
	}()
	rows, text := 0, 0
	for !r.ended && rows < batchRows && text < batchText {
		chunk := duck.FetchChunk(*r.result)
		if r.ended = chunk.Ptr == nil; r.ended {
			break
		}
		r.chunks = append(r.chunks, chunk)
		rows += int(duck.DataChunkGetSize(chunk))
		for i, k := range r.kinds {
			if k == frame.StringKind {
				text += textSize(vectorOf(chunk, i))
			}
		}
	}
	if rows == 0 {
		return nil, nil
	}
	arrays := make([]arrow.Array, len(r.kinds))
	for i, k := range r.kinds {
		var err error
		if arrays[i], err = r.column(i, k, rows); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(r.schema, arrays, int64(rows)), nil
}

// column makes the array of column i.
func (r *reader) column(i int, kind frame.Kind, rows int) (arrow.Array, error) {
	valid, nulls := r.validity(i, rows)
	var buffers []*memory.Buffer
	switch kind {
	case frame.Int64Kind, frame.TimestampKind:
		buffers = []*memory.Buffer{valid, fixed[int64](r, i, rows)}
	case frame.Float64Kind:
		buffers = []*memory.Buffer{valid, fixed[float64](r, i, rows)}
	case frame.DateKind:
		buffers = []*memory.Buffer{valid, fixed[int32](r, i, rows)}
	case frame.BoolKind:
		buffers = []*memory.Buffer{valid, r.bools(i, rows)}
	case frame.StringKind:
		offsets, text, err := r.strings(i, rows)
		if err != nil {
			return nil, err
		}
		buffers = []*memory.Buffer{valid, offsets, text}
	}
	return array.MakeFromData(array.NewData(kind.ArrowType(), rows, buffers, nil, nulls, 0)), nil
}

// A vector is a column of a chunk.
type vector struct {
	data unsafe.Pointer
	mask unsafe.Pointer // 64 rows a word, 1 where there is a value; nil where there are no NULLs
	rows int
}

func vectorOf(chunk duck.DataChunk, i int) vector {
	v := duck.DataChunkGetVector(chunk, duck.IdxT(i))
	return vector{duck.VectorGetData(v), duck.VectorGetValidity(v), int(duck.DataChunkGetSize(chunk))}
}

// eachNull calls f with every row that is NULL, whose data is garbage.
func (v vector) eachNull(f func(row int)) {
	if v.mask == nil {
		return
	}
	for w, word := range unsafe.Slice((*uint64)(v.mask), (v.rows+63)/64) {
		for gone := ^word; gone != 0; gone &= gone - 1 {
			row := w*64 + bits.TrailingZeros64(gone)
			if row >= v.rows {
				return
			}
			f(row)
		}
	}
}

func (v vector) null(row int) bool {
	return v.mask != nil && (*(*uint64)(unsafe.Add(v.mask, row/64*8)))>>(row%64)&1 == 0
}

// parts calls f with column i of each chunk and the row of the batch at which it begins.
func (r *reader) parts(i int, f func(at int, v vector)) {
	at := 0
	for _, chunk := range r.chunks {
		v := vectorOf(chunk, i)
		f(at, v)
		at += v.rows
	}
}

// validity returns Arrow's bitmap of the rows that are not NULL; nil where all are.
func (r *reader) validity(i, rows int) (bitmap *memory.Buffer, nulls int) {
	var set []byte
	r.parts(i, func(at int, v vector) {
		v.eachNull(func(row int) {
			if set == nil {
				set = make([]byte, bitutil.BytesForBits(int64(rows)))
				bitutil.SetBitsTo(set, 0, int64(rows), true)
			}
			bitutil.ClearBit(set, at+row)
			nulls++
		})
	})
	if set == nil {
		return nil, 0
	}
	return memory.NewBufferBytes(set), nulls
}

// fixed copies the values of column i; those of NULLs are 0.
func fixed[T int32 | int64 | float64](r *reader, i, rows int) *memory.Buffer {
	out := make([]T, rows)
	r.parts(i, func(at int, v vector) {
		copy(out[at:], unsafe.Slice((*T)(v.data), v.rows))
		v.eachNull(func(row int) { out[at+row] = 0 })
	})
	return memory.NewBufferBytes(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(out))), rows*int(unsafe.Sizeof(out[0]))))
}

func (r *reader) bools(i, rows int) *memory.Buffer {
	out := make([]byte, bitutil.BytesForBits(int64(rows)))
	r.parts(i, func(at int, v vector) {
		for row, b := range unsafe.Slice((*byte)(v.data), v.rows) {
			if b == 1 && !v.null(row) {
				bitutil.SetBit(out, at+row)
			}
		}
	})
	return memory.NewBufferBytes(out)
}

// A text is DuckDB's duckdb_string_t: up to 12 bytes lie in it; of longer ones it has 4 bytes and the address, which is
// no field of its own since Go's collector must never see bytes of text as an address.
type text struct {
	length uint32
	inline [maxInline]byte
}

const maxInline = 12

func (t *text) bytes() []byte {
	if t.length <= maxInline {
		return t.inline[:t.length]
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&t.inline[4])), t.length)
}

func (v vector) texts() []text { return unsafe.Slice((*text)(v.data), v.rows) }

func textSize(v vector) (bytes int) {
	for row, t := range v.texts() {
		if !v.null(row) {
			bytes += int(t.length)
		}
	}
	return bytes
}

func (r *reader) strings(i, rows int) (offsets, data *memory.Buffer, err error) {
	size := 0
	r.parts(i, func(_ int, v vector) { size += textSize(v) })
	if size > math.MaxInt32 {
		return nil, nil, fmt.Errorf("column %s holds %d bytes in %d rows, want at most 2 GB", r.schema.Field(i).Name, size, rows)
	}
	ends, bytes := make([]int32, 1, rows+1), make([]byte, 0, size)
	r.parts(i, func(_ int, v vector) {
		texts := v.texts()
		for row := range texts {
			if !v.null(row) {
				bytes = append(bytes, texts[row].bytes()...)
			}
			ends = append(ends, int32(len(bytes)))
		}
	})
	return memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(ends)), memory.NewBufferBytes(bytes), nil
}
