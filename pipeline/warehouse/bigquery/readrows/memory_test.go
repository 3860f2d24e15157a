package readrows

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	storage "cloud.google.com/go/bigquery/storage/apiv1"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"

	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

// visits returns a table of messages records, each of as many rows of about 40 bytes that LZ4 takes little off.
func visits(rows, messages int) table {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "visit", Type: arrow.PrimitiveTypes.Int64},
		{Name: "seconds", Type: arrow.PrimitiveTypes.Float64},
		{Name: "visitor", Type: arrow.BinaryTypes.String},
	}, nil)
	random := rand.New(rand.NewPCG(1, 2))
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for range rows {
		b.Field(0).(*array.Int64Builder).Append(random.Int64())
		b.Field(1).(*array.Float64Builder).Append(random.Float64())
		b.Field(2).(*array.StringBuilder).Append(strconv.FormatUint(random.Uint64(), 36) + "@mail")
	}
	return slices.Repeat(table{b.NewRecord()}, messages)
}

// blobs returns a table of messages records, each of as many rows of 1 kB that cannot be compressed.
func blobs(rows, messages int) table {
	schema := arrow.NewSchema([]arrow.Field{{Name: "blob", Type: arrow.BinaryTypes.Binary}}, nil)
	random := rand.NewChaCha8([32]byte{})
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	blob := make([]byte, 1000)
	for range rows {
		_, _ = random.Read(blob) // never fails
		b.Field(0).(*array.BinaryBuilder).Append(blob)
	}
	return slices.Repeat(table{b.NewRecord()}, messages)
}

// arrivals counts the bytes of the messages that gRPC has put together for a client.
type arrivals struct{ bytes atomic.Int64 }

func (*arrivals) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*arrivals) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (*arrivals) HandleConn(context.Context, stats.ConnStats)                       {}
func (a *arrivals) HandleRPC(_ context.Context, s stats.RPCStats) {
	if p, ok := s.(*stats.InPayload); ok && p.Length > 1<<20 { // not a session
		a.bytes.Add(int64(p.Length))
	}
}

// However many streams there are and however slow the consumer is, no more has been received than there is memory for.
func TestMemory(t *testing.T) {
	for name, test := range map[string]struct {
		rows, messages int
		ahead          int64 // bytes of the consumer's batch and of those that must be there with it
	}{
		"4 MB":  {4_000, 48, 4 * 4_000_000},
		"12 MB": {12_000, 16, 2 * 12_000_000}, // one at a time: gRPC needs 36 MB for it
	} {
		t.Run(name, func(t *testing.T) {
			const limit = 24 << 20
			data := blobs(test.rows, test.messages)
			whole, head := encode(t, data[0].Schema(), data[:1], ipc.WithLZ4())
			message := int64(len(whole) - len(head))
			s := bigquerytest.NewReadServer(t, data)
			s.Streams = 8
			var received arrivals
			o := quick()
			o.Streams, o.Memory = 8, limit
			var consumed, most int64
			rows := int64(test.rows * test.messages)
			for batch, err := range New(s.Client(t, grpc.WithStatsHandler(&received)), o).Read(t.Context(), Table{Name: orders, Rows: rows}) {
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * time.Millisecond) // the streams receive what they may
				for end := time.Now().Add(5 * time.Second); consumed == 0 && received.bytes.Load() < test.ahead; time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("%d bytes have been received: nothing is read ahead", received.bytes.Load())
					}
				}
				most = max(most, received.bytes.Load()-consumed)
				consumed += message * batch.NumRows() / int64(test.rows)
			}
			if total := received.bytes.Load(); total < message*int64(test.messages) {
				t.Errorf("%d bytes have been received", total)
			}
			held := most - message // the consumer's own
			t.Logf("messages of %d bytes: at most %d bytes waited", message, held)
			if held > max(limit, message) {
				t.Errorf("%d bytes waited, the limit is %d", held, limit)
			}
		})
	}
}

// TestServe serves a table of so many messages to the process that started this one, until its end.
func TestServe(t *testing.T) {
	messages, err := strconv.Atoi(os.Getenv("READROWS_SERVE"))
	if err != nil {
		t.Skip("this is the server's side of BenchmarkRead")
	}
	s := bigquerytest.NewReadServer(t, visits(visitsRows, messages))
	s.Streams = 8
	fmt.Println(s.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

const visitsRows = 110_000 // 4 MB

// serve starts a process that serves messages of visits, and returns its address.
func serve(b *testing.B, messages int) string {
	server := exec.Command(os.Args[0], "-test.run=^TestServe$", "-test.v=false")
	server.Env = append(os.Environ(), fmt.Sprintf("READROWS_SERVE=%d", messages))
	in, err := server.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = server.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(addr)
}

// BenchmarkRead reads 4 GB in messages of 4 MB that another process serves: here, and with the client's own
// ArrowIterator, which asks for no compression. MB/s are of decoded data.
func BenchmarkRead(b *testing.B) {
	const messages = 1024
	const rows = visitsRows * messages
	addr := serve(b, messages)
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	for _, streams := range []int{1, 2, 8} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			client, err := storage.NewBigQueryReadClient(b.Context(), option.WithGRPCConn(conn))
			if err != nil {
				b.Fatal(err)
			}
			r := New(client, Options{Project: "p", Streams: streams})
			measure(b, rows, func(yield func(arrow.Record)) error {
				for batch, err := range r.Read(b.Context(), Table{Name: orders, Rows: rows}) {
					if err != nil {
						return err
					}
					yield(batch)
				}
				return nil
			})
		})
	}
	b.Run("ArrowIterator", func(b *testing.B) {
		rest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"kind":"bigquery#table","type":"TABLE","tableReference":{"projectId":"p","datasetId":"shop","tableId":"orders"},
				"schema":{"fields":[{"name":"visit","type":"INTEGER"},{"name":"seconds","type":"FLOAT"},{"name":"visitor","type":"STRING"}]}}`)
		}))
		defer rest.Close()
		client, err := bq.NewClient(b.Context(), "p", option.WithEndpoint(rest.URL), option.WithoutAuthentication())
		if err != nil {
			b.Fatal(err)
		}
		if err := client.EnableStorageReadClient(b.Context(), option.WithGRPCConn(conn)); err != nil {
			b.Fatal(err)
		}
		measure(b, rows, func(yield func(arrow.Record)) error {
			it, err := client.Dataset("shop").Table("orders").Read(b.Context()).ArrowIterator()
			if err != nil {
				return err
			}
			for {
				next, err := it.Next()
				if errors.Is(err, iterator.Done) {
					return nil
				}
				if err != nil {
					return err
				}
				r, err := ipc.NewReader(io.MultiReader(bytes.NewReader(next.Schema), bytes.NewReader(next.Data)))
				if err != nil {
					return err
				}
				for r.Next() {
					yield(r.Record())
				}
			}
		})
	})
}

// measure runs read b.N times and reports what it took. The peaks are those of this process.
func measure(b *testing.B, rows int64, read func(yield func(arrow.Record)) error) {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak is from here on
	stop := make(chan struct{})
	peak := make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for most := uint64(0); ; {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-time.After(5 * time.Millisecond):
			case <-stop:
				peak <- most
				return
			}
		}
	}()
	var bytes int64
	for b.Loop() {
		var n int64
		bytes = 0
		if err := read(func(batch arrow.Record) {
			n += batch.NumRows()
			for _, column := range batch.Columns() {
				for _, buffer := range column.Data().Buffers() {
					if buffer != nil {
						bytes += int64(buffer.Len())
					}
				}
			}
		}); err != nil {
			b.Fatal(err)
		}
		if n != rows {
			b.Fatalf("%d rows of %d", n, rows)
		}
	}
	b.SetBytes(bytes)
	close(stop)
	b.ReportMetric(float64(<-peak)/1e6, "peak-heap-MB")
	b.ReportMetric(float64(resident())/1e6, "peak-resident-MB")
}

// resident returns the most bytes that this process has had in memory, 0 where that is not known.
func resident() int64 {
	data, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	rest, _, _ = strings.Cut(rest, "kB")
	n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
	return n << 10
}
