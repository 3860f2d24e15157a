package bigquerytest

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type numbers int64 // 0, 1, … in two columns and two records

func (n numbers) Table(name string) (*arrow.Schema, []arrow.Record, error) {
	if name != "numbers" {
		return nil, nil, fmt.Errorf("no table %s", name)
	}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "N", Type: arrow.PrimitiveTypes.Int64}, {Name: "twice", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	var records []arrow.Record
	for _, part := range [][2]int64{{0, int64(n) / 3}, {int64(n) / 3, int64(n)}} {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := part[0]; i < part[1]; i++ {
			b.Field(0).(*array.Int64Builder).Append(i)
			b.Field(1).(*array.Int64Builder).Append(2 * i)
		}
		records = append(records, b.NewRecord())
	}
	return schema, records, nil
}

// Whatever the offset, a stream goes on from there to its end.
func TestReadServerOffsets(t *testing.T) {
	s := NewReadServer(t, numbers(100))
	s.Streams, s.BatchRows = 3, 10
	c := s.Client(t)
	session, err := c.CreateReadSession(t.Context(), &storagepb.CreateReadSessionRequest{
		Parent:      "projects/p",
		ReadSession: &storagepb.ReadSession{Table: "numbers", ReadOptions: &storagepb.ReadSession_TableReadOptions{SelectedFields: []string{"n"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if session.GetEstimatedRowCount() != 100 || len(session.GetStreams()) != 3 {
		t.Fatalf("session: %v", session)
	}
	var total int64
	for i, stream := range session.GetStreams() {
		var length int64
		for offset := int64(0); ; offset++ {
			call, err := c.ReadRows(t.Context(), &storagepb.ReadRowsRequest{ReadStream: stream.GetName(), Offset: offset})
			if err != nil {
				t.Fatal(err)
			}
			var rows int64
			for err == nil {
				var m *storagepb.ReadRowsResponse
				m, err = call.Recv()
				if rows += m.GetRowCount(); m.GetRowCount() > 10 {
					t.Errorf("a message of %d rows", m.GetRowCount())
				}
			}
			if offset == 0 {
				length = rows
			}
			if offset > length {
				if status.Code(err) != codes.OutOfRange {
					t.Errorf("stream %d of %d rows at %d: %v", i, length, offset, err)
				}
				break
			}
			if !errors.Is(err, io.EOF) || rows != length-offset {
				t.Errorf("stream %d of %d rows at %d: %d rows, %v", i, length, offset, rows, err)
			}
		}
		total += length
	}
	if total != 100 {
		t.Errorf("%d rows in all streams", total)
	}
}

func TestReadServerRefuses(t *testing.T) {
	s := NewReadServer(t, numbers(9))
	c := s.Client(t)
	for want, session := range map[codes.Code]*storagepb.ReadSession{
		codes.NotFound: {Table: "letters"},
		codes.InvalidArgument: {
			Table: "numbers", ReadOptions: &storagepb.ReadSession_TableReadOptions{SelectedFields: []string{"thrice"}},
		},
	} {
		_, err := c.CreateReadSession(t.Context(), &storagepb.CreateReadSessionRequest{Parent: "projects/p", ReadSession: session})
		if status.Code(err) != want {
			t.Errorf("%v: %v", session, err)
		}
	}
	call, err := c.ReadRows(t.Context(), &storagepb.ReadRowsRequest{ReadStream: "projects/p/locations/test/sessions/7/streams/0"})
	if err == nil {
		_, err = call.Recv()
	}
	if status.Code(err) != codes.NotFound {
		t.Errorf("a stream of nobody: %v", err)
	}
}
