package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cloud.google.com/go/bigquery"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"segments/pipeline/warehouse"
)

// A Query is a query, a script or a DDL statement to run.
type Query struct {
	Step   string // what it is for, in words: "materialize customer_web"; in the job's id, its labels and in errors
	Key    string // makes it another job although the text is the same: the run's id and pin
	SQL    string
	Params []bigquery.QueryParameter
	Into   *bigquery.Table // the result replaces this table's rows, or makes it; nil for scripts and DDL

	Anyway bool // it runs even where the budget is used up: the ledger must be told how a run ended
}

// A Load replaces a table's rows by those of a Parquet file, or makes the table.
type Load struct {
	Step, Key string // as in Query
	File      string // path; it must not change during the call
	Schema    bigquery.Schema
	Into      *bigquery.Table
}

// Done is what became of a job that succeeded.
type Done struct {
	JobID  string
	Rows   int64 // loaded; -1 for a query
	Billed int64 // bytes
}

// Dry is what BigQuery says of a query without running it.
type Dry struct {
	Bytes  int64 // that it would read
	Schema bigquery.Schema
	Tables []*bigquery.Table // that it reads
	At     time.Time         // the server's clock
	User   string            // the e-mail address of the account that calls; empty if not told
}

// Query runs q once and waits for its end. Where the same query with the same key has succeeded before, in whatever
// process, that was it: nothing runs, so a key must not outlive the tables made under it.
//
// When ctx ends, the job is cancelled, within 10 s. A job that succeeds all the same is returned as done; else the
// error wraps that of ctx, and says so where the job's outcome is not known.
func (c *Client) Query(ctx context.Context, q Query) (Done, error) {
	digest, err := q.content().digest()
	if err != nil {
		return Done{}, explain("query "+q.Step, err)
	}
	return c.do(ctx, work{
		what: "query " + q.Step, id: jobID(q.Step, digest), digest: digest, billed: true, anyway: q.Anyway,
		submit: func(ctx context.Context, id string) (job *bigquery.Job, err error) {
			run := c.query(q, digest)
			run.JobID = id
			if left := c.left(); left > 0 && !q.Anyway {
				run.MaxBytesBilled = left
			}
			ctx, stop := outlive(ctx, grace) // so as to know what there is to cancel
			defer stop()
			err = c.exchange(ctx, func(ctx context.Context) (err error) {
				job, err = run.Run(ctx)
				return err
			})
			return job, err
		},
	})
}

// Load loads l.File once and waits for the end of the job, as Query does. The file is read twice: to know its content,
// and to send it.
func (c *Client) Load(ctx context.Context, l Load) (Done, error) {
	what := "load " + l.Step
	content, size, err := l.content()
	if err != nil {
		return Done{}, explain(what, err)
	}
	digest, err := content.digest()
	if err != nil {
		return Done{}, explain(what, err)
	}
	return c.do(ctx, work{
		what: what, id: jobID(l.Step, digest), digest: digest,
		submit: func(ctx context.Context, id string) (*bigquery.Job, error) { return c.upload(ctx, l, size, digest, id) },
	})
}

// DryRun describes q without running it, past the cache, for no money.
func (c *Client) DryRun(ctx context.Context, q Query) (Dry, error) {
	var job *bigquery.Job
	err := c.repeat(ctx, "query "+q.Step, func(ctx context.Context) (err error) {
		run := c.query(q, "")
		run.DryRun, run.DisableQueryCache = true, true
		job, err = run.Run(ctx)
		return err
	})
	if err != nil {
		return Dry{}, err
	}
	dry := Dry{User: job.Email()}
	if status := job.LastStatus(); status != nil && status.Statistics != nil {
		dry.Bytes, dry.At = status.Statistics.TotalBytesProcessed, status.Statistics.CreationTime
		if s, ok := status.Statistics.Details.(*bigquery.QueryStatistics); ok {
			dry.Schema, dry.Tables = s.Schema, s.ReferencedTables
		}
	}
	return dry, nil
}

// query makes the job of q, which may use cached results: they are the same rows, for no money. BigQuery has them only
// for queries without a destination.
func (c *Client) query(q Query, digest string) *bigquery.Query {
	run := c.bq.Query(q.SQL)
	run.Location, run.Labels, run.Parameters = c.o.Location, c.labels(q.Step, digest), q.Params
	run.Priority = bigquery.InteractivePriority
	if c.o.Default != nil {
		run.DefaultProjectID, run.DefaultDatasetID = c.o.Default.ProjectID, c.o.Default.DatasetID
	}
	if q.Into != nil {
		run.Dst, run.WriteDisposition, run.CreateDisposition = q.Into, bigquery.WriteTruncate, bigquery.CreateIfNeeded
	}
	return run
}

// left returns the bytes that may still be billed, 0 where there is no limit.
func (c *Client) left() int64 {
	if c.o.Budget <= 0 {
		return 0
	}
	return c.o.Budget - c.Billed()
}

// work is a job to be done once. Its attempts have the ids id_a1, id_a2 and so on: BigQuery keeps a job that failed,
// and its id.
type work struct {
	what, id, digest string

	billed bool
	anyway bool
	submit func(ctx context.Context, id string) (*bigquery.Job, error)
}

const (
	abortRetries = 2   // after others' writing ended a transaction: who loses more often has a competitor
	mostAttempts = 100 // of all processes together
)

// do runs the attempts at w until one succeeds. One that an earlier process made and that failed did nothing, and what
// was wrong then may be right by now: it does not count.
func (c *Client) do(ctx context.Context, w work) (Done, error) {
	if w.billed && c.o.Budget > 0 {
		select {
		case c.one <- struct{}{}:
			defer func() { <-c.one }()
		case <-ctx.Done():
		}
	}
	p := c.patience(w.what)
	ours, aborts := 0, 0
	for attempt := 1; attempt <= mostAttempts; attempt++ {
		switch {
		case ctx.Err() != nil:
			return Done{}, ended(ctx, w.what)
		case w.billed && !w.anyway && c.o.Budget > 0 && c.left() <= 0:
			return Done{}, fmt.Errorf("%s: %w: %d bytes of max_bytes_billed = %d are billed", w.what, warehouse.ErrBudget,
				c.Billed(), c.o.Budget)
		}
		id := fmt.Sprintf("%s_a%d", w.id, attempt)
		r, err := c.attempt(ctx, w, id, p)
		if err != nil {
			return Done{}, err
		}
		done := c.account(ctx, w.what, id, r.status)
		err = r.status.Err()
		switch {
		case err == nil:
			return done, nil
		case !r.ours:
			continue
		case !faultOf(err).retryable():
			return Done{}, c.explainJob(w, err)
		}
		if ours++; faultOf(err).aborted() {
			aborts++
		}
		if ours >= c.o.Attempts || aborts > abortRetries {
			return Done{}, temporary(w.what, fmt.Sprintf("%d jobs failed", ours), err)
		}
		c.o.Log.LogAttrs(ctx, slog.LevelWarn, "running a job again", slog.String("for", w.what), slog.String("failed", id),
			slog.String("error", line(faultOf(err).message)))
		if c.backoff(ctx, ours) != nil {
			return Done{}, ended(ctx, w.what)
		}
		p.known()
	}
	return Done{}, fmt.Errorf("%s: %w: %d jobs failed", w.what, warehouse.ErrTemporary, mostAttempts)
}

// account notes what a job was billed for, also in the span that is at work. A script's own statistics have the sum of its
// statements'.
func (c *Client) account(ctx context.Context, step, id string, s *bigquery.JobStatus) Done {
	done := Done{JobID: id, Rows: -1}
	if s.Statistics == nil {
		return done
	}
	switch d := s.Statistics.Details.(type) {
	case *bigquery.QueryStatistics:
		done.Billed = d.TotalBytesBilled
	case *bigquery.LoadStatistics:
		done.Rows = d.OutputRows
	}
	c.bill(id, done.Billed)
	trace.SpanFromContext(ctx).AddEvent("job", trace.WithAttributes(
		attribute.String("job.id", id), attribute.String("job.step", step), attribute.Int64("job.bytes_billed", done.Billed),
	))
	return done
}

func (c *Client) explainJob(w work, err error) error {
	if f := faultOf(err); f.aboutValues() {
		return fmt.Errorf("%s: %w: %s", w.what, warehouse.ErrBadData, withoutValues(line(f.message)))
	}
	explained := explain(w.what, err)
	if c.o.Budget > 0 && errors.Is(explained, warehouse.ErrBudget) && faultOf(err).reason == "bytesBilledLimitExceeded" {
		return fmt.Errorf("%w (%d of max_bytes_billed = %d are left)", explained, c.left(), c.o.Budget)
	}
	return explained
}
