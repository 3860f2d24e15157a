package bigquerytest_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/api/googleapi"

	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

var _ bigquerytest.Tables = (*bigquerytest.REST)(nil)

func code(err error) int {
	var e *googleapi.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func rows(n int) arrow.Record {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range n {
		b.Append(int64(i))
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	return array.NewRecord(schema, []arrow.Array{b.NewArray()}, int64(n))
}

func start(t *testing.T, h bigquerytest.Hooks) (*bigquerytest.REST, *bigquery.Client) {
	s := bigquerytest.StartREST(t, h)
	s.AddDataset("p", "d", "europe-west3")
	return s, s.Client(t, "p")
}

// A job goes through its states, its rows are there when it is done and not before, and its id is taken for good.
func TestJobs(t *testing.T) {
	ctx := t.Context()
	s, c := start(t, bigquerytest.Hooks{
		Polls: func(bigquerytest.Job) int { return 2 },
		Query: func(j bigquerytest.Job) bigquerytest.Outcome {
			if strings.Contains(j.SQL, "bad") {
				return bigquerytest.Outcome{Reason: "invalidQuery", Message: "Syntax error: bad"}
			}
			return bigquerytest.Outcome{Records: []arrow.Record{rows(3), rows(4)}, Billed: 100}
		},
	})
	run := func(id, text string) (*bigquery.Job, error) {
		q := c.Query(text)
		q.JobID, q.Location, q.Dst = id, "europe-west3", c.Dataset("d").Table("t")
		q.WriteDisposition = bigquery.WriteTruncate
		return q.Run(ctx)
	}
	job, err := run("one", "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	states := []bigquery.State{job.LastStatus().State}
	for range 2 {
		if _, _, err := s.Table("p.d.t"); err == nil {
			t.Error("the rows are there before the job is done")
		}
		status, err := job.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, status.State)
	}
	if states[0] != bigquery.Pending || states[1] != bigquery.Running || states[2] != bigquery.Done {
		t.Errorf("states %v", states)
	}
	md, err := c.Dataset("d").Table("t").Metadata(ctx)
	if err != nil || md.NumRows != 7 || md.Schema[0].Type != bigquery.IntegerFieldType || md.LastModifiedTime.IsZero() {
		t.Errorf("%+v, %v", md, err)
	}
	if _, records, err := s.Table("projects/p/datasets/d/tables/t"); err != nil || len(records) != 2 {
		t.Errorf("%d records, %v", len(records), err)
	}
	_, err = run("one", "SELECT 1")
	if code(err) != 409 || !strings.Contains(err.Error(), "Already Exists: Job p:europe-west3.one") {
		t.Error(err)
	}
	if _, err := c.JobFromIDLocation(ctx, "one", ""); code(err) != 404 {
		t.Errorf("a job in another place: %v", err)
	}

	job, err = run("two", "bad")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := job.Wait(ctx); code(err) != 400 {
		t.Errorf("getQueryResults of a query that failed: %v", err)
	}
	if status, err := job.Status(ctx); err != nil || !strings.Contains(status.Err().Error(), "Syntax error: bad") {
		t.Errorf("%v", err)
	}
	dry := c.Query("bad")
	dry.DryRun = true
	if _, err := dry.Run(ctx); code(err) != 400 {
		t.Errorf("a dry run: %v", err)
	}

	if job, err = run("three", "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	if err := job.Cancel(ctx); err != nil {
		t.Fatal(err)
	}
	if status, err := job.Status(ctx); err != nil || !status.Done() || !strings.Contains(status.Err().Error(), "stopped") {
		t.Errorf("%v", err)
	}
	want := []bigquerytest.Call{
		{Method: "jobs.insert", What: "one"},
		{Method: "jobs.insert", What: "two"},
		{Method: "jobs.insert", What: "three"},
		{Method: "jobs.cancel", What: "three"},
	}
	effects := s.Effects()
	if len(effects) != len(want) {
		t.Fatalf("%v", effects)
	}
	for i := range want {
		if effects[i] != want[i] {
			t.Errorf("%v, want %v", effects[i], want[i])
		}
	}
}

func TestTables(t *testing.T) {
	ctx := t.Context()
	now := time.Unix(1_000_000, 0)
	_, c := start(t, bigquerytest.Hooks{Now: func() time.Time { return now }})
	table := c.Dataset("d").Table("t")
	schema := bigquery.Schema{{Name: "id", Type: bigquery.IntegerFieldType}}
	create := func() error {
		return table.Create(ctx, &bigquery.TableMetadata{
			Schema: schema, Description: "first", ExpirationTime: now.Add(time.Minute), Labels: map[string]string{"a": "1", "b": "2"},
		})
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	if err := create(); code(err) != 409 || !strings.Contains(err.Error(), "Already Exists: Table p:d.t") {
		t.Error(err)
	}
	before, err := table.Metadata(ctx)
	if err != nil {
		t.Fatal(err)
	}
	wider := bigquery.TableMetadataToUpdate{Schema: append(schema, &bigquery.FieldSchema{Name: "x", Type: bigquery.StringFieldType})}
	wider.DeleteLabel("a")
	after, err := table.Update(ctx, wider, before.ETag)
	if err != nil || len(after.Schema) != 2 || after.Description != "first" || len(after.Labels) != 1 || after.ETag == before.ETag {
		t.Errorf("%+v, %v", after, err)
	}
	if _, err := table.Update(ctx, wider, before.ETag); code(err) != 412 {
		t.Error(err)
	}
	if _, err := table.Update(ctx, bigquery.TableMetadataToUpdate{Schema: schema}, ""); code(err) != 400 {
		t.Errorf("a column goes: %v", err)
	}
	now = now.Add(time.Hour)
	if _, err := table.Metadata(ctx); code(err) != 404 {
		t.Errorf("it has expired: %v", err)
	}
	if err := create(); err != nil {
		t.Error(err)
	}
	if err := table.Delete(ctx); err != nil {
		t.Error(err)
	}
	if err := table.Delete(ctx); code(err) != 404 {
		t.Error(err)
	}
}

// Each fault is what the client sees, and took effect or not as it says.
func TestFaults(t *testing.T) {
	for fault, want := range map[bigquerytest.Fault]struct {
		code    int
		effects int
	}{
		bigquerytest.NoFault:         {0, 1},
		bigquerytest.Unavailable:     {503, 0},
		bigquerytest.LostUnavailable: {503, 1},
		bigquerytest.LostReset:       {0, 1},
		bigquerytest.LostClosed:      {0, 1},
		bigquerytest.LostHang:        {0, 1},
		bigquerytest.Hang:            {0, 0},
		bigquerytest.Twice:           {409, 1},
		bigquerytest.TooMany:         {429, 0},
		bigquerytest.RateLimit:       {403, 0},
		bigquerytest.Denied:          {403, 0},
	} {
		var asked atomic.Int32
		s, c := start(t, bigquerytest.Hooks{Fault: func(int, bigquerytest.Call) bigquerytest.Fault {
			asked.Add(1)
			return fault
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // ends the client library's own retries
		err := c.Dataset("d").Table("t").Create(ctx, nil)
		cancel()
		if code(err) != want.code || (err == nil) != (fault == bigquerytest.NoFault) || len(s.Effects()) != want.effects {
			t.Errorf("%s: %v, effects %v", fault, err, s.Effects())
		}
		if n := int(asked.Load()); n == 0 || n != len(s.Calls()) {
			t.Errorf("%s: asked %d times for %d calls", fault, n, len(s.Calls()))
		}
	}
}
