package bigquerytest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	storage "cloud.google.com/go/bigquery/storage/apiv1"
	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow/go/v17/arrow"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Tables are what there is to read.
type Tables interface {
	// Table returns the schema and the rows of the table called name, which is projects/P/datasets/D/tables/T. An error
	// that is no gRPC status says that there is no such table. The same record may be there many times: it makes a
	// large table at no cost.
	Table(name string) (*arrow.Schema, []arrow.Record, error)
}

// A ReadServer is BigQuery's Storage Read API on a loopback port, over Arrow, with faults on demand. It divides a table
// into streams of consecutive rows and honors offsets, selected fields and compression. A session keeps the table as it
// was when the session was made; snapshot times are recorded only.
//
// The exported fields are set before the first call.
type ReadServer struct {
	Streams   int   // how many streams a session has, at most. 0 means 4
	BatchRows int64 // the most rows in a message. 0 means those of a record of the table

	// WholeStreams makes every message an IPC stream of its own, with schema and end; Silent sessions announce no schema.
	WholeStreams, Silent bool

	// OnSession is asked when a session is to be made, for the call-th time counted from 1.
	OnSession func(call int) SessionFault
	// OnMessage is asked before each message of a stream, and before its end. It is called from several goroutines.
	OnMessage func(m ReadMessage) ReadFault

	addr string
	live atomic.Int64
	sent atomic.Int64

	mu       sync.Mutex
	tables   Tables
	requests []*storagepb.CreateReadSessionRequest
	sessions map[string]*session
	calls    map[string]int // of ReadRows, by the stream's name
	conns    map[net.Conn]bool
}

// A SessionFault says what goes wrong with a session. The zero value is nothing.
type SessionFault struct {
	Error     error // the answer
	Hang      bool  // there is no answer until the caller gives up
	NoStreams bool  // the session has no streams, whatever the table has
}

// A ReadMessage is about to be sent.
type ReadMessage struct {
	Stream int   // its number in the session
	Call   int   // how many calls there have been for the stream, with this one
	Offset int64 // of its first row in the stream
	Rows   int64 // 0 where the stream ends
}

// A ReadFault says what happens instead of a message. The zero value is nothing; otherwise one field is set.
type ReadFault struct {
	Error error // the call ends with it
	Hang  bool  // there is no message until the caller hangs up
	Reset bool  // all connections are cut
	End   bool  // the stream ends as if this were all
	Bytes int   // the message has only so many of its bytes
	Rows  int64 // the message says that it has so many rows
}

// NewReadServer starts a server that lives as long as the test.
func NewReadServer(t testing.TB, tables Tables) *ReadServer {
	t.Helper()
	s := &ReadServer{tables: tables, sessions: map[string]*session{}, calls: map[string]int{}, conns: map[net.Conn]bool{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	server := grpc.NewServer()
	storagepb.RegisterBigQueryReadServer(server, &readService{s: s})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(&listener{l, s}); err != nil {
			t.Errorf("the read server ended: %v", err)
		}
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return s
}

// Addr returns the host and port where s listens.
func (s *ReadServer) Addr() string { return s.addr }

// Client returns a client of s that lives as long as the test. After a cut it connects again at once.
func (s *ReadServer) Client(t testing.TB, o ...grpc.DialOption) *storage.BigQueryReadClient {
	t.Helper()
	o = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: time.Millisecond, Multiplier: 1, MaxDelay: time.Millisecond},
			MinConnectTimeout: time.Second,
		}),
	}, o...)
	conn, err := grpc.NewClient(s.addr, o...)
	if err != nil {
		t.Fatal(err)
	}
	client, err := storage.NewBigQueryReadClient(context.Background(), option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Live returns how many streams are being read.
func (s *ReadServer) Live() int { return int(s.live.Load()) }

// Sent returns the size of the batches that have been sent.
func (s *ReadServer) Sent() int64 { return s.sent.Load() }

// Calls returns how often streams have been read or taken up again.
func (s *ReadServer) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, calls := range s.calls {
		n += calls
	}
	return n
}

// Requests returns the requests for sessions so far.
func (s *ReadServer) Requests() []*storagepb.CreateReadSessionRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// cut cuts all connections.
func (s *ReadServer) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	clear(s.conns)
}

// A listener tells its server of the connections, so that they can be cut.
type listener struct {
	net.Listener
	s *ReadServer
}

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.s.mu.Lock()
		defer l.s.mu.Unlock()
		l.s.conns[conn] = true
	}
	return conn, err
}

// A readService is what gRPC sees of a ReadServer.
type readService struct {
	storagepb.UnimplementedBigQueryReadServer
	s *ReadServer
}

func (r *readService) CreateReadSession(
	ctx context.Context, request *storagepb.CreateReadSessionRequest,
) (*storagepb.ReadSession, error) {
	s := r.s
	s.mu.Lock()
	s.requests = append(s.requests, request)
	call := len(s.requests)
	s.mu.Unlock()
	var fault SessionFault
	if s.OnSession != nil {
		fault = s.OnSession(call)
	}
	if fault.Hang {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if fault.Error != nil {
		return nil, fault.Error
	}
	schema, records, err := s.tables.Table(request.GetReadSession().GetTable())
	if err != nil {
		if _, ok := status.FromError(err); !ok {
			err = status.Error(codes.NotFound, err.Error())
		}
		return nil, err
	}
	n := s.Streams
	if n <= 0 {
		n = 4
	}
	if most := int(request.GetMaxStreamCount()); most > 0 {
		n = min(n, most)
	}
	made, err := newSession(schema, records, request.GetReadSession().GetReadOptions(), n, s.WholeStreams)
	if err != nil {
		return nil, err
	}
	answer := &storagepb.ReadSession{
		Name:              fmt.Sprintf("%s/locations/test/sessions/%d", request.GetParent(), call),
		Table:             request.GetReadSession().GetTable(),
		DataFormat:        storagepb.DataFormat_ARROW,
		EstimatedRowCount: made.rows(),
	}
	if !s.Silent {
		answer.Schema = &storagepb.ReadSession_ArrowSchema{
			ArrowSchema: &storagepb.ArrowSchema{SerializedSchema: made.announcement},
		}
	}
	for i := range made.streams {
		if !fault.NoStreams {
			answer.Streams = append(answer.Streams, &storagepb.ReadStream{Name: fmt.Sprintf("%s/streams/%d", answer.GetName(), i)})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[answer.GetName()] = made
	return answer, nil
}

func (r *readService) ReadRows(request *storagepb.ReadRowsRequest, out storagepb.BigQueryRead_ReadRowsServer) error {
	s := r.s
	s.live.Add(1)
	defer s.live.Add(-1)
	name, number, _ := strings.Cut(request.GetReadStream(), "/streams/")
	i, err := strconv.Atoi(number)
	s.mu.Lock()
	s.calls[request.GetReadStream()]++
	call := s.calls[request.GetReadStream()]
	from := s.sessions[name]
	s.mu.Unlock()
	if err != nil || from == nil || i < 0 || i >= from.streams {
		return status.Errorf(codes.NotFound, "no stream %s", request.GetReadStream())
	}
	first, end := from.bounds(i)
	if request.GetOffset() < 0 || request.GetOffset() > end-first {
		return status.Errorf(codes.OutOfRange, "offset %d of %d rows", request.GetOffset(), end-first)
	}
	for row := first + request.GetOffset(); ; {
		batch := from.batch(row, end, s.BatchRows)
		var fault ReadFault
		if s.OnMessage != nil {
			fault = s.OnMessage(ReadMessage{Stream: i, Call: call, Offset: row - first, Rows: batch.rows()})
		}
		switch {
		case fault.Error != nil:
			return fault.Error
		case fault.Hang:
			<-out.Context().Done()
			return status.FromContextError(out.Context().Err()).Err()
		case fault.Reset:
			s.cut()
			return status.Error(codes.Unavailable, "cut")
		case fault.End || batch.rows() == 0:
			return nil
		}
		data, err := from.encode(batch)
		if err != nil {
			return err
		}
		rows := batch.rows()
		row += rows
		if fault.Bytes > 0 {
			data = data[:min(fault.Bytes, len(data))]
		}
		if fault.Rows > 0 {
			rows = fault.Rows
		}
		s.sent.Add(int64(len(data)))
		if err := out.Send(&storagepb.ReadRowsResponse{
			RowCount: rows,
			Rows: &storagepb.ReadRowsResponse_ArrowRecordBatch{
				ArrowRecordBatch: &storagepb.ArrowRecordBatch{SerializedRecordBatch: data},
			},
		}); err != nil {
			return err
		}
	}
}
