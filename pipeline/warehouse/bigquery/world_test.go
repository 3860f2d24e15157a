package bigquery

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/pipeline/warehouse/bigquery/readrows"
	"segments/transforms/frame"
)

const (
	project = "acme-shop"
	region  = "europe-west3"
	output  = project + ".segments"
	staging = project + ".segments_staging"
	source  = project + ".shop.orders"
)

var (
	asOfCol  = frame.Date("as_of", "The date.")
	runCol   = frame.String("run_id", "The run.")
	idCol    = frame.String("id", "The key.")
	valueCol = frame.Float64("value", "A number.").Null()
	addedCol = frame.Int64("added", "A later column.").Null()

	dated = frame.Table{
		Name: "dated", Doc: "Rows of a date.", PartitionBy: "as_of", Key: []string{"as_of", "id"},
		Columns: []frame.Column{asOfCol.Column, runCol.Column, idCol.Column, valueCol.Column, addedCol.Column},
	}
	fresh = frame.Table{
		Name: "fresh", Doc: "Rows of a date, new.", PartitionBy: "as_of", Key: []string{"as_of", "id"},
		Columns: []frame.Column{asOfCol.Column, runCol.Column, idCol.Column},
	}
	whole = frame.Table{
		Name: "whole", Doc: "Rows of the newest date.", Key: []string{"id"},
		Columns: []frame.Column{runCol.Column, idCol.Column, valueCol.Column},
	}
	perRun = frame.Table{
		Name: "per_run", Doc: "Rows of a run.", PartitionBy: "run_id", Key: []string{"run_id", "id"},
		Columns: []frame.Column{runCol.Column, idCol.Column, valueCol.Column},
	}

	oldest, first, second, other = runOf(-40, "a", ""), runOf(0, "b", oldest.ID), runOf(1, "c", first.ID), runOf(1, "d", first.ID)

	// tables are what the queries of second give.
	tables = map[string]arrow.Record{"fresh": data(fresh, second, 30, 2), "whole": data(whole, second, 30, 2)}
)

// runOf returns the run of the n-th day whose digest begins with the letter digest.
func runOf(n int, digest, previous string) warehouse.Run {
	d, day := strings.Repeat(digest, 64), time.Date(2024, 2, 27+n, 0, 0, 0, 0, time.UTC)
	return warehouse.Run{ID: day.Format(time.DateOnly) + "-" + d[:12], Name: "shop", AsOf: day, Digest: d, Previous: previous}
}

// entryOf is r's line in the ledger.
func entryOf(r warehouse.Run, s warehouse.State) warehouse.Entry {
	at := r.AsOf.Add(30 * time.Hour)
	return warehouse.Entry{
		Run: r, State: s, StartedAt: at.Add(-time.Minute), EndedAt: at, Customers: 30, LeftOut: 1, BytesBilled: 5, CodeVersion: "v1", Message: "It's done.",
	}
}

// data returns n rows of t.
func data(t frame.Table, r warehouse.Run, n int, value float64) frame.Batch {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("id %04d", i)
	}
	var cols []frame.Data
	for _, c := range t.Columns {
		switch c.Name {
		case "as_of":
			cols = append(cols, asOfCol.Array(slices.Repeat([]frame.Day{frame.DayOf(r.AsOf)}, n), nil))
		case "run_id":
			cols = append(cols, runCol.Array(slices.Repeat([]string{r.ID}, n), nil))
		case "id":
			cols = append(cols, idCol.Array(ids, nil))
		case "value":
			cols = append(cols, valueCol.Array(slices.Repeat([]float64{value}, n), nil))
		case "added":
			cols = append(cols, addedCol.Array(slices.Repeat([]int64{int64(value)}, n), nil))
		}
	}
	return frame.Record(cols...)
}

// A world is a BigQuery of its own, with what goes wrong in it.
type world struct {
	t     *scope
	rest  *bigquerytest.REST
	reads *bigquerytest.ReadServer
	engine

	// These are asked about each call, whose key is the same in every run; they may be nil.
	fault   func(key string) bigquerytest.Fault
	session func(key string) bigquerytest.SessionFault
	message func(key string) bigquerytest.ReadFault
	clock   func() time.Time
	budget  string

	keys  sync.Mutex
	seen  map[string]int
	calls []string // by their keys, as they came
	warns []string // what was logged
}

// A scope ends before its test does.
type scope struct {
	testing.TB
	ends []func()
}

func (s *scope) Cleanup(f func()) { s.ends = append(s.ends, f) }

func (s *scope) end() {
	for _, f := range slices.Backward(s.ends) {
		f()
	}
}

// newWorld makes a world that has what like has; an empty one without like.
func newWorld(t testing.TB, like *world, hooks ...func(*bigquerytest.Hooks)) *world {
	w := &world{t: &scope{TB: t}, seen: map[string]int{}, clock: time.Now, budget: "1GiB"}
	h := bigquerytest.Hooks{
		Fault: func(_ int, c bigquerytest.Call) bigquerytest.Fault {
			if key := w.arrived(keyOf(c)); w.fault != nil {
				return w.fault(key)
			}
			return bigquerytest.NoFault
		},
		Query: w.answer,
		Polls: func(bigquerytest.Job) int { return 1 },
		Now:   func() time.Time { return w.clock() },
	}
	for _, change := range hooks {
		change(&h)
	}
	w.rest = bigquerytest.StartREST(w.t, h)
	w.engine.rest = w.rest
	w.reads = bigquerytest.NewReadServer(w.t, w.rest)
	w.reads.Streams, w.reads.BatchRows = 2, 10
	w.reads.OnSession = func(int) bigquerytest.SessionFault {
		if key := w.arrived("session"); w.session != nil {
			return w.session(key)
		}
		return bigquerytest.SessionFault{}
	}
	w.reads.OnMessage = func(m bigquerytest.ReadMessage) bigquerytest.ReadFault {
		what := "rows"
		if m.Rows == 0 {
			what = "end of rows"
		}
		if key := w.arrived(what); w.message != nil {
			return w.message(key)
		}
		return bigquerytest.ReadFault{}
	}
	if like != nil {
		w.rest.Copy(like.rest)
		return w
	}
	w.rest.AddDataset(project, "segments", region)
	w.rest.AddDataset(project, "shop", region)
	w.rest.AddExpiringDataset(project, "segments_staging", region, 24*time.Hour)
	if err := w.rest.Put(source, sourceRows.Schema(), sourceRows); err != nil {
		t.Fatal(err)
	}
	return w
}

// The parts of names that are different in each run.
var (
	jobName = regexp.MustCompile(`^segments_(.+)_[0-9a-f]{24}(_a[0-9]+)$`)
	anyWord = regexp.MustCompile(`_[0-9a-f]{12}_`)
)

// keyOf names c the same in every run: "jobs.insert publish_a1".
func keyOf(c bigquerytest.Call) string {
	what := jobName.ReplaceAllString(c.What, "$1$2")
	what = anyWord.ReplaceAllString(strings.TrimPrefix(what, project+"."), "_NONCE_")
	return c.Method + " " + what
}

// arrived counts: "jobs.insert publish_a1 #1".
func (w *world) arrived(key string) string {
	w.keys.Lock()
	defer w.keys.Unlock()
	w.seen[key]++
	key = fmt.Sprintf("%s #%d", key, w.seen[key])
	w.calls = append(w.calls, key)
	return key
}

// effects are what was done in w, in the order of the text.
func (w *world) effects() []string {
	var out []string
	for _, c := range w.rest.Effects() {
		out = append(out, keyOf(c))
	}
	slices.Sort(out)
	return out
}

// hasty is how long the tests wait for an answer. Less would do, but not on a machine that has much else to do.
const hasty = 1500 * time.Millisecond

// atOnce is how many lives are lived at a time.
const atOnce = 48

// open opens the warehouse in w: one that soon gives up what hangs, and does not rest.
func (w *world) open() (*db, error) {
	c := Defaults()
	c.Project, c.Location, c.Dataset, c.StagingDataset, c.MaxBytesBilled, c.ReadStreams = project, region, "segments", "segments_staging", w.budget, 2
	s, err := c.check()
	if err != nil {
		return nil, err
	}
	pause := func(ctx context.Context, _ time.Duration) error {
		select { // long enough to let others run
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	d, err := open(context.Background(), warehouse.Env{Now: time.Now, Log: slog.New(logged{w})}, s,
		strings.TrimPrefix(w.rest.URL, "http://"), w.reads.Addr(), call.Options{Timeout: hasty, Pause: pause})
	if err != nil {
		return nil, err
	}
	d.rows = readrows.New(d.reads, readrows.Options{Project: project, Streams: 2, Stall: hasty, Pause: pause})
	return d, nil
}

// logged keeps the messages of warnings.
type logged struct{ w *world }

func (logged) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (l logged) WithAttrs([]slog.Attr) slog.Handler         { return l }
func (l logged) WithGroup(string) slog.Handler              { return l }

func (l logged) Handle(_ context.Context, r slog.Record) error {
	l.w.keys.Lock()
	defer l.w.keys.Unlock()
	l.w.warns = append(l.w.warns, r.Message)
	return nil
}

// left is what is in the staging data set, and what should be there in the other one.
func (w *world) left() []string {
	return append(w.rest.Names(staging), slices.DeleteFunc(w.rest.Names(output), func(name string) bool {
		return !strings.HasPrefix(name, output+"."+ours)
	})...)
}
