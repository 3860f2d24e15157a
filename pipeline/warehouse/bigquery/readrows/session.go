package readrows

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow/go/v17/arrow"
	gax "github.com/googleapis/gax-go/v2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"segments/pipeline/warehouse"
)

// maxMessage is the size of the largest message that the service sends; how much is said around the rows is little.
const maxMessage = 128 << 20

// callOptions leave retrying to this package: what the client does by itself has no limit but the context.
func callOptions() []gax.CallOption {
	return []gax.CallOption{
		gax.WithRetry(func() gax.Retryer { return nil }),
		gax.WithGRPCOptions(grpc.MaxCallRecvMsgSize(maxMessage + 1<<20)),
	}
}

// open makes a session for t and returns its streams.
func (r *Reader) open(ctx context.Context, t Table) ([]*stream, error) {
	request := r.sessionRequest(t)
	var session *storagepb.ReadSession
	// A session that was made and whose answer was lost costs nothing and ends by itself: asking again is safe.
	err := r.retry(ctx, "session of "+t.Name, func() (progress bool, err error) {
		ctx, cancel := context.WithTimeout(ctx, r.o.Stall)
		defer cancel()
		session, err = r.client.CreateReadSession(ctx, request, callOptions()...)
		if err != nil {
			return false, err
		}
		expected := t.Rows
		if expected < 0 {
			expected = session.GetEstimatedRowCount()
		}
		if len(session.GetStreams()) == 0 && expected > 0 { // seen for a while with tables that have just been made
			return false, failuref(warehouse.ErrTemporary, "the session has no streams for %d rows", expected)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	schema, err := sessionSchema(session, t)
	if err != nil {
		return nil, err
	}
	if n := len(session.GetStreams()); t.Ordered && n > 1 {
		return nil, fmt.Errorf("%w: one stream was asked for, the session has %d", warehouse.ErrBadData, n)
	}
	streams := make([]*stream, len(session.GetStreams()))
	for i, s := range session.GetStreams() {
		streams[i] = &stream{Reader: r, name: s.GetName(), index: i, schema: schema}
	}
	return streams, nil
}

func (r *Reader) sessionRequest(t Table) *storagepb.CreateReadSessionRequest {
	session := &storagepb.ReadSession{
		Table:      t.Name,
		DataFormat: storagepb.DataFormat_ARROW,
		ReadOptions: &storagepb.ReadSession_TableReadOptions{
			SelectedFields: t.Fields,
			OutputFormatSerializationOptions: &storagepb.ReadSession_TableReadOptions_ArrowSerializationOptions{
				ArrowSerializationOptions: &storagepb.ArrowSerializationOptions{
					// Not ZSTD: Arrow v17 makes a decoder for every batch of it.
					BufferCompression: storagepb.ArrowSerializationOptions_LZ4_FRAME,
				},
			},
		},
	}
	if !t.Snapshot.IsZero() {
		session.TableModifiers = &storagepb.ReadSession_TableModifiers{SnapshotTime: timestamppb.New(t.Snapshot)}
	}
	streams := int32(min(r.o.Streams, math.MaxInt32))
	if t.Ordered {
		streams = 1
	}
	return &storagepb.CreateReadSessionRequest{Parent: "projects/" + r.o.Project, ReadSession: session, MaxStreamCount: streams}
}

// sessionSchema returns the schema that session announces, if it does, as the IPC message that it is. It has t's fields.
func sessionSchema(session *storagepb.ReadSession, t Table) ([]byte, error) {
	message := session.GetArrowSchema().GetSerializedSchema()
	d, err := newDecoder(message)
	if err != nil {
		return nil, fmt.Errorf("the session's schema: %w", err)
	}
	if d.schema == nil {
		return nil, nil
	}
	for _, field := range t.Fields {
		name, _, _ := strings.Cut(field, ".") // of a record's field the record comes, with that field alone
		if !slices.ContainsFunc(d.schema.Fields(), func(f arrow.Field) bool { return strings.EqualFold(f.Name, name) }) {
			return nil, fmt.Errorf("column %s: %w", field, warehouse.ErrNotFound)
		}
	}
	return message, nil
}
