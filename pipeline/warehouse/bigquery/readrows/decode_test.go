package readrows

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"segments/pipeline/warehouse"
)

// encode returns records as an IPC stream, and its schema alone; both without the mark that ends a stream.
func encode(t testing.TB, schema *arrow.Schema, records []arrow.Record, o ...ipc.Option) (whole, head []byte) {
	t.Helper()
	write := func(records ...arrow.Record) []byte {
		var b bytes.Buffer
		w := ipc.NewWriter(&b, append(o, ipc.WithSchema(schema))...)
		for _, r := range records {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()[:b.Len()-len(endMark)]
	}
	return write(records...), write()
}

var endMark = []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}

func response(rows int64, data, schema []byte) *storagepb.ReadRowsResponse {
	r := &storagepb.ReadRowsResponse{
		RowCount: rows,
		Rows: &storagepb.ReadRowsResponse_ArrowRecordBatch{
			ArrowRecordBatch: &storagepb.ArrowRecordBatch{SerializedRecordBatch: data},
		},
	}
	if schema != nil {
		r.Schema = &storagepb.ReadRowsResponse_ArrowSchema{ArrowSchema: &storagepb.ArrowSchema{SerializedSchema: schema}}
	}
	return r
}

func same(a, b []arrow.Record) bool {
	return slices.EqualFunc(a, b, array.RecordEqual)
}

func TestDecode(t *testing.T) {
	records := []arrow.Record{ordersFrom(0, 50), ordersFrom(50, 51), ordersFrom(51, 200)}
	other := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}}, nil)
	_, otherHead := encode(t, other, nil)
	for name, o := range map[string][]ipc.Option{
		"uncompressed": nil, "LZ4": {ipc.WithLZ4()}, "ZSTD": {ipc.WithZstd()}, "deltas": {ipc.WithDictionaryDeltas(true)},
	} {
		t.Run(name, func(t *testing.T) {
			whole, head := encode(t, ordersSchema, records, o...)
			bare := whole[len(head):]
			for name, test := range map[string]struct {
				announced []byte
				responses []*storagepb.ReadRowsResponse
				want      []arrow.Record
				bad       bool
			}{
				"bare":                  {announced: head, responses: []*storagepb.ReadRowsResponse{response(200, bare, nil)}, want: records},
				"with the mark":         {announced: head, responses: []*storagepb.ReadRowsResponse{response(200, slices.Concat(bare, endMark), nil)}, want: records},
				"announced with a mark": {announced: slices.Concat(head, endMark), responses: []*storagepb.ReadRowsResponse{response(200, bare, nil)}, want: records},
				"schema in the stream":  {responses: []*storagepb.ReadRowsResponse{response(200, whole, nil)}, want: records},
				"two streams in one":    {announced: head, responses: []*storagepb.ReadRowsResponse{response(400, slices.Concat(whole, endMark, whole), nil)}, want: slices.Concat(records, records)},
				"schema beside":         {responses: []*storagepb.ReadRowsResponse{response(200, bare, head), response(200, bare, head)}, want: slices.Concat(records, records)},
				"nothing":               {announced: head, responses: []*storagepb.ReadRowsResponse{response(0, nil, nil), {}}},
				"no schema":             {responses: []*storagepb.ReadRowsResponse{response(200, bare, nil)}, bad: true},
				"another schema":        {announced: otherHead, responses: []*storagepb.ReadRowsResponse{response(200, whole, nil)}, bad: true},
				"another one beside":    {announced: head, responses: []*storagepb.ReadRowsResponse{response(200, bare, otherHead)}, bad: true},
				"fewer rows":            {announced: head, responses: []*storagepb.ReadRowsResponse{response(201, bare, nil)}, bad: true},
				"no rows":               {announced: head, responses: []*storagepb.ReadRowsResponse{response(1, nil, nil)}, bad: true},
				"more rows":             {announced: head, responses: []*storagepb.ReadRowsResponse{response(0, bare, nil)}, bad: true},
				"Avro":                  {announced: head, responses: []*storagepb.ReadRowsResponse{{RowCount: 5, Rows: &storagepb.ReadRowsResponse_AvroRows{}}}, bad: true},
				"zeros":                 {announced: head, responses: []*storagepb.ReadRowsResponse{response(1, make([]byte, 64), nil)}, bad: true},
			} {
				d, err := newDecoder(test.announced)
				var got []arrow.Record
				var size int64
				for _, r := range test.responses {
					var batches []arrow.Record
					if err == nil {
						batches, size, err = d.decode(r)
						got = append(got, batches...)
					}
				}
				switch {
				case test.bad != (err != nil), test.bad && !errors.Is(err, warehouse.ErrBadData):
					t.Errorf("%s: %v", name, err)
				case !test.bad && !same(got, test.want):
					t.Errorf("%s: %v", name, got)
				case len(test.want) > 0 && err == nil && size < 200*8*2:
					t.Errorf("%s: 200 orders in %d bytes", name, size)
				}
			}
		})
	}
}

// A message that is cut short never passes for a whole one, wherever the cut is.
func TestCutMessage(t *testing.T) {
	for _, o := range [][]ipc.Option{nil, {ipc.WithLZ4()}} {
		whole, head := encode(t, ordersSchema, []arrow.Record{ordersFrom(0, 100), ordersFrom(100, 200)}, o...)
		for _, start := range []int{0, len(head)} {
			for end := start; end < len(whole); end++ {
				d, err := newDecoder(head)
				if err != nil {
					t.Fatal(err)
				}
				if batches, _, err := d.decode(response(200, whole[start:end], nil)); !errors.Is(err, warehouse.ErrBadData) || len(batches) > 0 {
					t.Fatalf("cut at %d of %d: %d batches, %v", end, len(whole), len(batches), err)
				}
			}
		}
	}
}

// A batch is not touched by those that come after it, nor by a new call.
func TestBatchesStay(t *testing.T) {
	var all []arrow.Record
	for i := range int64(20) {
		all = append(all, ordersFrom(i*10, i*10+10))
	}
	whole, head := encode(t, ordersSchema, all, ipc.WithDictionaryDeltas(true), ipc.WithLZ4())
	var kept []arrow.Record
	for range 3 {
		d, err := newDecoder(head)
		if err != nil {
			t.Fatal(err)
		}
		data := slices.Clone(whole[len(head):])
		batches, _, err := d.decode(response(200, data, nil))
		if err != nil {
			t.Fatal(err)
		}
		clear(data) // nor does it lie in the message
		kept = append(kept, batches...)
	}
	if !same(kept, slices.Concat(all, all, all)) {
		t.Error("batches have changed")
	}
}

func TestTallyIsBounded(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	a := tally{bytes: maxDecoded}
	a.Allocate(1)
}

// Damage in the values is an error or other values, never other numbers of rows, nor the end of the program. TLS sees to
// it that there is none.
func TestDamagedValues(t *testing.T) {
	for _, o := range [][]ipc.Option{nil, {ipc.WithLZ4()}} {
		whole, head := encode(t, ordersSchema, []arrow.Record{ordersFrom(0, 200)}, o...)
		for data := whole[len(head):]; len(data) > 0; {
			message, rest, err := nextMessage(data)
			if err != nil {
				t.Fatal(err)
			}
			end := len(whole) - len(rest)
			for i := end - int(message.BodyLen()); i < end; i++ {
				for _, flip := range []byte{0x01, 0x80, 0xFF} {
					broken := slices.Clone(whole)
					broken[i] ^= flip
					d, err := newDecoder(head)
					if err != nil {
						t.Fatal(err)
					}
					batches, _, err := d.decode(response(200, broken[len(head):], nil))
					if err == nil && (len(batches) != 1 || batches[0].NumRows() != 200) || err != nil && !errors.Is(err, warehouse.ErrBadData) {
						t.Fatalf("byte %d: %v, %v", i, batches, err)
					}
				}
			}
			data = rest
		}
	}
}
