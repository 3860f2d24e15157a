package call

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"golang.org/x/sync/errgroup"

	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

const (
	project  = "acme"
	location = "europe-west3"
)

// quick are options under which a call that hangs is soon given up, and pauses are none.
func quick() Options {
	return Options{
		Location: location, Timeout: 300 * time.Millisecond, Labels: map[string]string{"run": "2025-03-01 A"},
		Pause: func(ctx context.Context, _ time.Duration) error {
			select { // long enough to let others run
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
			}
			return ctx.Err()
		},
	}
}

var columns = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)

// numbers are n rows that do not compress.
func numbers(n int) arrow.Record {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		b.Append(r.Int64())
	}
	return array.NewRecord(columns, []arrow.Array{b.NewArray()}, int64(n))
}

func parquetFile(t testing.TB, n int) string {
	path := filepath.Join(t.TempDir(), "rows.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	plain := parquet.NewWriterProperties(parquet.WithDictionaryDefault(false))
	w, err := pqarrow.NewFileWriter(columns, f, plain, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(numbers(n)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// A bench is a server, a client and a table that is there.
type bench struct {
	*Client
	server *bigquerytest.REST
	data   *bigquery.Dataset
	old    *bigquery.Table // with the rows of numbers(3)
	etag   string
}

func newBench(t testing.TB, h bigquerytest.Hooks, o Options) *bench {
	s := bigquerytest.StartREST(t, h)
	s.AddDataset(project, "out", location)
	if err := s.Put(project+".out.old", columns, numbers(3)); err != nil {
		t.Fatal(err)
	}
	bq := s.Client(t, project)
	b := &bench{Client: New(bq, o), server: s, data: bq.Dataset("out")}
	b.old = b.data.Table("old")
	b.etag = "etag-3" // what the first three changes of a server leave
	return b
}

func (b *bench) rows(name string) int64 {
	_, records, err := b.server.Table(project + ".out." + name)
	if err != nil {
		return -1
	}
	var n int64
	for _, r := range records {
		n += r.NumRows()
	}
	return n
}

func schema() bigquery.Schema {
	return bigquery.Schema{{Name: "id", Type: bigquery.IntegerFieldType}}
}

// a kind is a kind of call, with what it must have done, once, whatever happened to its messages.
type kind struct {
	name    string
	do      func(ctx context.Context, b *bench) error
	effects []string // methods
	chunks  bool
}

func want[T comparable](what string, have, want T) error {
	if have != want {
		return fmt.Errorf("%s: %v, want %v", what, have, want)
	}
	return nil
}

func kinds(t testing.TB) []kind {
	small, large := parquetFile(t, 1000), parquetFile(t, 80_000) // 8 kB, 640 kB: three chunks
	load := func(file string, rows int64) func(ctx context.Context, b *bench) error {
		return func(ctx context.Context, b *bench) error {
			l := Load{Step: "stage customer_web", Key: "run", File: file, Schema: schema(), Into: b.data.Table("new")}
			d, err := b.Load(ctx, l)
			if err != nil {
				return err
			}
			if err := want("rows loaded", d.Rows, rows); err != nil {
				return err
			}
			return want("rows there", b.rows("new"), rows)
		}
	}
	return []kind{
		{name: "query", effects: []string{"jobs.insert"}, do: func(ctx context.Context, b *bench) error {
			d, err := b.Query(ctx, Query{Step: "materialize customer_web", Key: "run", SQL: "SELECT 1", Into: b.data.Table("new")})
			if err != nil {
				return err
			}
			if err := want("billed", d.Billed, 10<<20); err != nil {
				return err
			}
			if err := want("billed in all", b.Billed(), 10<<20); err != nil {
				return err
			}
			return want("rows there", b.rows("new"), 7)
		}},
		{name: "script", effects: []string{"jobs.insert"}, do: func(ctx context.Context, b *bench) error {
			_, err := b.Query(ctx, Query{
				Step: "publish", Key: "run", SQL: "BEGIN TRANSACTION; COMMIT TRANSACTION",
				Params: []bigquery.QueryParameter{{Name: "run_id", Value: "r1"}},
			})
			return err
		}},
		{name: "load", effects: []string{"jobs.insert"}, do: load(small, 1000)},
		{name: "load in chunks", effects: []string{"jobs.insert"}, do: load(large, 80_000), chunks: true},
		{name: "dry run", do: func(ctx context.Context, b *bench) error {
			d, err := b.DryRun(ctx, Query{Step: "estimate", SQL: "SELECT 1"})
			if err != nil {
				return err
			}
			if d.At.IsZero() || len(d.Schema) != 1 || len(d.Tables) != 1 || d.Tables[0].TableID != "old" || d.User == "" {
				return fmt.Errorf("%+v", d)
			}
			return want("bytes", d.Bytes, 5<<20)
		}},
		{name: "dataset", do: func(ctx context.Context, b *bench) error {
			md, err := b.Dataset(ctx, b.data)
			if err != nil {
				return err
			}
			return want("location", md.Location, location)
		}},
		{name: "table", do: func(ctx context.Context, b *bench) error {
			md, err := b.Table(ctx, b.old)
			if err != nil {
				return err
			}
			return want("rows", md.NumRows, 3)
		}},
		{name: "tables", do: func(ctx context.Context, b *bench) error {
			ids, err := b.Tables(ctx, b.data)
			if err != nil {
				return err
			}
			return want("ids", fmt.Sprint(ids), "[old]")
		}},
		{name: "create", effects: []string{"tables.insert"}, do: func(ctx context.Context, b *bench) error {
			return b.Create(ctx, b.data.Table("claim"), &bigquery.TableMetadata{Description: "nonce 1", Schema: schema()})
		}},
		{name: "update", effects: []string{"tables.patch"}, do: func(ctx context.Context, b *bench) error {
			md, err := b.Update(ctx, b.old, bigquery.TableMetadataToUpdate{Description: "nonce 2"}, b.etag)
			if err != nil {
				return err
			}
			return want("description", md.Description, "nonce 2")
		}},
		{name: "delete", effects: []string{"tables.delete"}, do: func(ctx context.Context, b *bench) error {
			return b.Delete(ctx, b.old)
		}},
	}
}

// outcome is what every query of these tests does.
func outcome(bigquerytest.Job) bigquerytest.Outcome {
	return bigquerytest.Outcome{
		Records: []arrow.Record{numbers(7)}, Bytes: 5 << 20, Billed: 10 << 20, Tables: []string{project + ".out.old"},
	}
}

// try runs k with the faults, by the number of the call, and returns the calls that were made.
func (k kind) try(t testing.TB, faults map[int]bigquerytest.Fault) ([]bigquerytest.Call, error) {
	b := newBench(t, bigquerytest.Hooks{
		Query: outcome,
		Polls: func(bigquerytest.Job) int { return 2 },
		Fault: func(i int, _ bigquerytest.Call) bigquerytest.Fault { return faults[i] },
	}, quick())
	if k.chunks {
		b.oneRequest, b.chunk = 0, 256<<10
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := k.do(ctx, b); err != nil {
		return b.server.Calls(), err
	}
	var did []string
	for _, e := range b.server.Effects() {
		did = append(did, e.Method)
	}
	if !slices.Equal(did, k.effects) {
		return b.server.Calls(), fmt.Errorf("took effect: %q, want %q", did, k.effects)
	}
	return b.server.Calls(), nil
}

// Whatever happens once to any one message of a call, the call succeeds and has taken effect once. And so it is when a
// second thing happens to the message after it, where a call has an effect.
func TestEveryFaultOfEveryCall(t *testing.T) {
	var g errgroup.Group
	g.SetLimit(64)
	var mu sync.Mutex
	cases := 0
	try := func(k kind, faults map[int]bigquerytest.Fault) {
		cases++
		g.Go(func() error {
			if calls, err := k.try(t, faults); err != nil {
				mu.Lock()
				defer mu.Unlock()
				t.Errorf("%s with %v: %v; calls: %v", k.name, faults, err, calls)
			}
			return nil
		})
	}
	start := time.Now()
	for _, k := range kinds(t) {
		calls, err := k.try(t, nil)
		if err != nil {
			t.Fatalf("%s: %v; calls: %v", k.name, err, calls)
		}
		for i := range calls {
			for _, f := range bigquerytest.Passing() {
				try(k, map[int]bigquerytest.Fault{i: f})
				if i > 0 || k.effects == nil || k.chunks {
					continue
				}
				for _, second := range bigquerytest.Passing() {
					try(k, map[int]bigquerytest.Fault{i: f, i + 1: second})
				}
			}
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases in %s", cases, time.Since(start).Round(time.Millisecond))
}
