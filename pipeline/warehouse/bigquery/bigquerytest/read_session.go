package bigquerytest

import (
	"bytes"
	"sort"
	"strings"
	"sync"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A session is a table that is being read.
type session struct {
	schema       *arrow.Schema
	announcement []byte // the schema as an encapsulated IPC message
	records      []arrow.Record
	ends         []int64 // of the records, counted in rows of the table
	streams      int
	options      []ipc.Option
	whole        bool // messages are IPC streams

	mu      sync.Mutex
	encoded map[arrow.Record][]byte // of records that the table has more than once; nil until needed
}

func newSession(
	schema *arrow.Schema, records []arrow.Record, o *storagepb.ReadSession_TableReadOptions, streams int, whole bool,
) (*session, error) {
	columns, err := selected(schema, o.GetSelectedFields())
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = schema.Field(c)
	}
	s := &session{schema: arrow.NewSchema(fields, nil), whole: whole, encoded: map[arrow.Record][]byte{}}
	s.options = []ipc.Option{ipc.WithSchema(s.schema)}
	switch o.GetArrowSerializationOptions().GetBufferCompression() {
	case storagepb.ArrowSerializationOptions_LZ4_FRAME:
		s.options = append(s.options, ipc.WithLZ4())
	case storagepb.ArrowSerializationOptions_ZSTD:
		s.options = append(s.options, ipc.WithZstd())
	}
	if s.announcement, err = s.write(); err != nil {
		return nil, err
	}
	var rows int64
	projected := map[arrow.Record]arrow.Record{}
	for _, record := range records {
		p := projected[record]
		if p == nil {
			arrays := make([]arrow.Array, len(columns))
			for i, c := range columns {
				arrays[i] = record.Column(c)
			}
			p = array.NewRecord(s.schema, arrays, record.NumRows())
			projected[record] = p
		} else {
			s.encoded[p] = nil
		}
		rows += record.NumRows()
		s.records, s.ends = append(s.records, p), append(s.ends, rows)
	}
	s.streams = int(min(int64(streams), rows))
	return s, nil
}

// selected returns the indices of the columns called names, in the schema's order; all of them without names.
func selected(schema *arrow.Schema, names []string) ([]int, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[strings.ToLower(name)] = true
	}
	var columns []int
	for i, f := range schema.Fields() {
		if name := strings.ToLower(f.Name); len(names) == 0 || wanted[name] {
			columns = append(columns, i)
			delete(wanted, name)
		}
	}
	for name := range wanted {
		return nil, status.Errorf(codes.InvalidArgument, "the table has no field %s", name)
	}
	return columns, nil
}

// write returns records as an IPC stream without the mark that ends one.
func (s *session) write(records ...arrow.Record) ([]byte, error) {
	var b bytes.Buffer
	w := ipc.NewWriter(&b, s.options...)
	for _, record := range records {
		if err := w.Write(record); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	const mark = 8
	return b.Bytes()[:b.Len()-mark], nil
}

func (s *session) rows() int64 {
	if len(s.ends) == 0 {
		return 0
	}
	return s.ends[len(s.ends)-1]
}

// bounds returns the rows of the table that are in stream i: first ≤ row < end.
func (s *session) bounds(i int) (first, end int64) {
	return s.rows() * int64(i) / int64(s.streams), s.rows() * int64(i+1) / int64(s.streams)
}

// A batch is a part of a record.
type batch struct {
	record   arrow.Record
	from, to int64
}

func (b batch) rows() int64 { return b.to - b.from }

// batch returns the rows from row on that go into one message: those before end, of one record, at most most.
func (s *session) batch(row, end, most int64) batch {
	if row >= end {
		return batch{}
	}
	i := sort.Search(len(s.ends), func(i int) bool { return s.ends[i] > row })
	record := s.records[i]
	first := s.ends[i] - record.NumRows()
	b := batch{record, row - first, min(record.NumRows(), end-first)}
	if most > 0 {
		b.to = min(b.to, b.from+most)
	}
	return b
}

// encode returns b as the encapsulated IPC messages that go into one response.
func (s *session) encode(b batch) ([]byte, error) {
	s.mu.Lock()
	_, again := s.encoded[b.record]
	s.mu.Unlock()
	if !again || b.rows() < b.record.NumRows() {
		return s.message(b)
	}
	s.mu.Lock() // until it is encoded: who else wants it waits
	defer s.mu.Unlock()
	if s.encoded[b.record] == nil {
		data, err := s.message(b)
		if err != nil {
			return nil, err
		}
		s.encoded[b.record] = data
	}
	return s.encoded[b.record], nil
}

func (s *session) message(b batch) ([]byte, error) {
	data, err := s.write(b.record.NewSlice(b.from, b.to))
	if err != nil {
		return nil, err
	}
	if s.whole {
		return append(data, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0), nil
	}
	return data[len(s.announcement):], nil
}
