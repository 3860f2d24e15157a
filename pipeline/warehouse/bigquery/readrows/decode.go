package readrows

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"segments/pipeline/warehouse"
)

// maxDecoded is more bytes than any message decodes to: a damaged length must not take the machine's memory.
const maxDecoded int64 = 2 << 30

// damaged is the failure of a message that does not say what it should.
func damaged(format string, args ...any) error {
	return failuref(warehouse.ErrBadData, "damaged message: "+format, args...)
}

// A decoder makes batches of the responses to one call.
//
// The service announces the schema with the session and sends bare record batches; emulators send the schema again with
// every response, or whole IPC streams. All of these are taken, also with dictionaries. Lengths and numbers of rows are
// checked; that nobody has forged Arrow's metadata is the business of TLS.
type decoder struct {
	announced []byte        // the last schema that came beside rows
	schema    *arrow.Schema // the first one that came: all batches have its columns
	reader    *ipc.Reader   // of the IPC stream that the last schema began
	waiting   queue         // what reader is about to read
	memory    tally
}

// newDecoder returns a decoder for a session that announced schema, an encapsulated IPC message; it may be empty.
func newDecoder(schema []byte) (*decoder, error) {
	d := &decoder{}
	return d, d.announce(schema)
}

// decode returns the batches of response, which have as many rows as it says, and the bytes that they take.
func (d *decoder) decode(response *storagepb.ReadRowsResponse) ([]arrow.Record, int64, error) {
	if err := d.announce(response.GetArrowSchema().GetSerializedSchema()); err != nil {
		return nil, 0, err
	}
	d.memory.bytes = 0
	batches, err := d.messages(response.GetArrowRecordBatch().GetSerializedRecordBatch())
	if err != nil {
		return nil, 0, err
	}
	var rows int64
	for _, batch := range batches {
		rows += batch.NumRows()
	}
	if rows != response.GetRowCount() { // a message that has been cut short may look whole otherwise
		return nil, 0, damaged("it has %d rows and says %d", rows, response.GetRowCount())
	}
	return batches, d.memory.bytes, nil
}

// announce takes a schema that comes beside the rows, often the same one again.
func (d *decoder) announce(schema []byte) error {
	if len(schema) == 0 || slices.Equal(schema, d.announced) {
		return nil
	}
	d.announced = schema
	_, err := d.messages(schema)
	return err
}

// messages decodes data, which is any number of encapsulated IPC messages, and returns those batches that have rows.
func (d *decoder) messages(data []byte) (batches []arrow.Record, err error) {
	defer func() {
		if p := recover(); p != nil { // some damages make Arrow panic
			batches, err = nil, damaged("%v", p)
		}
	}()
	for len(data) > 0 {
		var message *ipc.Message
		if message, data, err = nextMessage(data); err != nil {
			return nil, err
		}
		if message == nil { // the end of an IPC stream; another one may follow
			continue
		}
		d.waiting = append(d.waiting, message)
		switch message.Type() {
		case ipc.MessageSchema:
			d.waiting = queue{message}
			err = d.begin()
		case ipc.MessageDictionaryBatch: // read with the next batch
		case ipc.MessageRecordBatch:
			var batch arrow.Record
			if batch, err = d.batch(); err == nil && batch.NumRows() > 0 {
				batches = append(batches, batch)
			}
		default:
			err = damaged("it is of type %s", message.Type())
		}
		if err != nil {
			return nil, err
		}
	}
	return batches, nil
}

// begin starts an IPC stream with the schema that waits.
func (d *decoder) begin() error {
	reader, err := ipc.NewReaderFromMessageReader(&d.waiting, ipc.WithAllocator(&d.memory))
	if err != nil {
		return damaged("%v", err)
	}
	if d.schema == nil {
		d.schema = reader.Schema()
	}
	if !sameColumns(d.schema, reader.Schema()) {
		return damaged("its columns are %v, announced were %v", reader.Schema().Fields(), d.schema.Fields())
	}
	d.reader = reader
	return nil
}

// batch reads the batch that waits, and the dictionaries before it.
func (d *decoder) batch() (arrow.Record, error) {
	if d.reader == nil {
		return nil, damaged("it has no schema")
	}
	if !d.reader.Next() {
		if err := d.reader.Err(); err != nil {
			return nil, damaged("%v", err)
		}
		return nil, damaged("dictionaries are missing") // the reader takes that for the end
	}
	batch := d.reader.Record()
	batch.Retain() // else the reader would take it apart at the next one
	return batch, nil
}

func sameColumns(a, b *arrow.Schema) bool {
	return slices.EqualFunc(a.Fields(), b.Fields(), func(f, g arrow.Field) bool {
		return f.Name == g.Name && arrow.TypeEqual(f.Type, g.Type)
	})
}

// nextMessage splits the first message off data; it is nil where data begins with the mark that ends an IPC stream.
// The format: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format.
func nextMessage(data []byte) (message *ipc.Message, rest []byte, err error) {
	const continuation = 0xFFFFFFFF // lacks before Arrow 0.15
	size, rest, err := nextUint32(data)
	if err == nil && size == continuation {
		size, rest, err = nextUint32(rest)
	}
	if err != nil || size == 0 {
		return nil, rest, err
	}
	if int64(size) > int64(len(rest)) {
		return nil, nil, damaged("it is cut short")
	}
	meta, rest := memory.NewBufferBytes(rest[:size]), rest[size:]
	length := ipc.NewMessage(meta, memory.NewBufferBytes(nil)).BodyLen()
	if length < 0 || length > int64(len(rest)) {
		return nil, nil, damaged("it is cut short")
	}
	return ipc.NewMessage(meta, memory.NewBufferBytes(rest[:length])), rest[length:], nil
}

func nextUint32(data []byte) (v uint32, rest []byte, err error) {
	if len(data) < 4 {
		return 0, nil, damaged("it is cut short")
	}
	return binary.LittleEndian.Uint32(data), data[4:], nil
}

// A queue gives an ipc.Reader its messages.
type queue []*ipc.Message

// Message implements ipc.MessageReader.
func (q *queue) Message() (*ipc.Message, error) {
	if len(*q) == 0 {
		return nil, io.EOF
	}
	m := (*q)[0]
	*q = (*q)[1:]
	return m, nil
}

// Retain implements ipc.MessageReader; there is nothing to count.
func (q *queue) Retain() {}

// Release implements ipc.MessageReader; there is nothing to free.
func (q *queue) Release() {}

// A tally is Go's memory, counted.
type tally struct {
	memory.GoAllocator
	bytes int64
}

// Allocate implements memory.Allocator. It panics beyond maxDecoded bytes, as Go does beyond what there can be.
func (t *tally) Allocate(size int) []byte {
	if t.bytes += int64(size); t.bytes > maxDecoded {
		panic(fmt.Sprintf("it decodes to more than %d bytes", maxDecoded))
	}
	return t.GoAllocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (t *tally) Reallocate(size int, b []byte) []byte {
	c := t.Allocate(size)
	copy(c, b)
	return c
}
