package call

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	bq "google.golang.org/api/bigquery/v2"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

var query = Query{
	Step: "Materialize customer/web", Key: "run 1", SQL: "SELECT 1",
	Params: []bigquery.QueryParameter{{Name: "day", Value: time.Unix(1, 0).UTC()}},
}

// attempts are the numbers of the jobs that were made.
func (b *bench) attempts() string {
	var out []string
	for _, e := range b.server.Effects() {
		if e.Method == "jobs.insert" {
			out = append(out, e.What[strings.LastIndex(e.What, "_")+1:])
		}
	}
	return strings.Join(out, " ")
}

func methods(calls []bigquerytest.Call) string {
	var out []string
	for _, c := range calls {
		out = append(out, c.Method)
	}
	return strings.Join(out, " ")
}

func TestJobsHaveStableIDs(t *testing.T) {
	b := newBench(t, bigquerytest.Hooks{Query: outcome}, quick())
	d, err := b.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	// As sha256sum says of
	// {"Key":"run 1","SQL":"SELECT 1","Params":[{"Name":"day","Type":"time.Time","Value":"1970-01-01T00:00:01Z"}]}
	if want := "segments_materialize_customer_web_b1f12990c38664254b25dfd6_a1"; d.JobID != want {
		t.Errorf("the job is %s, want %s", d.JobID, want)
	}
	job := b.server.Jobs()[d.JobID]
	labels := job.Config.Labels
	if labels["step"] != "materialize_customer_web" || labels["run"] != "2025-03-01_a" || len(labels["digest"]) != 63 {
		t.Errorf("labels: %v", labels)
	}
	if c := job.Config.Query; *c.UseLegacySql || c.Priority != "INTERACTIVE" || c.UseQueryCache != nil {
		t.Errorf("the query is %+v", c)
	}

	ids := map[string]string{}
	into := b.data.Table("new")
	text := []bigquery.QueryParameter{{Name: "day", Value: "1970-01-01T00:00:01Z"}} // the same JSON, of another type
	for name, q := range map[string]Query{
		"as it is":  query,
		"key":       {Step: query.Step, Key: "run 2", SQL: query.SQL, Params: query.Params},
		"text":      {Step: query.Step, Key: query.Key, SQL: "SELECT 2", Params: query.Params},
		"parameter": {Step: query.Step, Key: query.Key, SQL: query.SQL, Params: text},
		"table":     {Step: query.Step, Key: query.Key, SQL: query.SQL, Params: query.Params, Into: into},
	} {
		d, err := b.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if ids[d.JobID] != "" {
			t.Errorf("another %s, but the same job as with another %s", name, ids[d.JobID])
		}
		ids[d.JobID] = name
	}
	small, large := parquetFile(t, 10), parquetFile(t, 11)
	for _, file := range []string{small, large} {
		d, err := b.Load(t.Context(), Load{Step: query.Step, Key: query.Key, File: file, Schema: schema(), Into: into})
		if err != nil {
			t.Fatal(err)
		}
		if ids[d.JobID] != "" {
			t.Error("another file, but the same job")
		}
		ids[d.JobID] = file
	}
	if valid := regexp.MustCompile(`^[a-zA-Z0-9_-]+$`); !valid.MatchString(d.JobID) || len(d.JobID) > 1024 {
		t.Errorf("BigQuery refuses the id %s", d.JobID)
	}
}

// What was run before, by another process perhaps, is looked up.
func TestJobThatIsThere(t *testing.T) {
	digest, err := query.content().digest()
	if err != nil {
		t.Fatal(err)
	}
	id := func(attempt int) string { return fmt.Sprintf("%s_a%d", jobID(query.Step, digest), attempt) }
	there := func(b *bench, attempt int, digest string, out bigquerytest.Outcome) {
		b.server.AddJob(project, location, bigquerytest.Job{
			ID:     id(attempt),
			Config: &bq.JobConfiguration{Labels: map[string]string{"digest": digest[:63]}, Query: &bq.JobConfigurationQuery{}},
		}, out)
	}
	ctx := t.Context()

	t.Run("done", func(t *testing.T) {
		b := newBench(t, bigquerytest.Hooks{Query: outcome}, quick())
		there(b, 1, digest, bigquerytest.Outcome{Billed: 5})
		d, err := b.Query(ctx, query)
		if err != nil || d.JobID != id(1) || b.attempts() != "" || b.Billed() != 5 {
			t.Errorf("%+v, %v; made %q", d, err, b.attempts())
		}
	})
	t.Run("running", func(t *testing.T) {
		b := newBench(t, bigquerytest.Hooks{Query: outcome, Polls: func(bigquerytest.Job) int { return 6 }}, quick())
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if d, err := b.Query(ctx, query); err != nil || d.JobID != id(1) {
					t.Errorf("%+v, %v", d, err)
				}
			})
		}
		wg.Wait()
		if b.attempts() != "a1" || b.Billed() != 10<<20 {
			t.Errorf("made %q, billed %d", b.attempts(), b.Billed())
		}
	})
	t.Run("failed for now", func(t *testing.T) {
		b := newBench(t, bigquerytest.Hooks{Query: outcome}, quick())
		there(b, 1, digest, bigquerytest.Outcome{Reason: "backendError"})
		there(b, 2, digest, bigquerytest.Outcome{Reason: "accessDenied"}) // may have been granted since
		d, err := b.Query(ctx, query)
		if err != nil || d.JobID != id(3) || b.attempts() != "a3" {
			t.Errorf("%+v, %v; made %q", d, err, b.attempts())
		}
	})
	t.Run("of another digest", func(t *testing.T) {
		b := newBench(t, bigquerytest.Hooks{Query: outcome}, quick())
		there(b, 1, strings.Repeat("0", 64), bigquerytest.Outcome{})
		_, err := b.Query(ctx, query)
		if err == nil || errors.Is(err, warehouse.ErrTemporary) || !strings.Contains(err.Error(), "something else made it") {
			t.Error(err)
		}
		if b.attempts() != "" {
			t.Errorf("made %q", b.attempts())
		}
	})
}

func TestJobsThatFail(t *testing.T) {
	const aborted = "Transaction is aborted due to concurrent update against table acme:out.customers. Transaction ID: x"
	for _, c := range []struct {
		reason, message string
		times           int // it fails; 0 is always
		attempts        string
		err             error
		text            string
	}{
		{"backendError", "try again", 3, "a1 a2 a3 a4", nil, ""},
		{"jobRateLimitExceeded", "", 1, "a1 a2", nil, ""},
		{"internalError", "try again", 0, "a1 a2 a3 a4 a5 a6", warehouse.ErrTemporary, "6 jobs failed: try again"},
		{"stopped", "an administrator", 1, "a1 a2", nil, ""},
		{"invalidQuery", aborted, 2, "a1 a2 a3", nil, ""},
		{"invalidQuery", aborted, 0, "a1 a2 a3", warehouse.ErrTemporary, "3 jobs failed: Transaction is aborted"},
		{
			"invalidQuery", "Unrecognized name: revnue;\n  Did you mean revenue?", 0, "a1", warehouse.ErrNotFound,
			"not found: Unrecognized name: revnue; Did you mean revenue?",
		},
		{"notFound", "Not found: Table acme:shop.orders", 0, "a1", warehouse.ErrNotFound, ""},
		{"accessDenied", "Access Denied: Table acme:shop.orders", 0, "a1", warehouse.ErrPermission, ""},
		{"quotaExceeded", "Quota exceeded: bytes scanned", 0, "a1", warehouse.ErrBudget, "over budget: Quota exceeded"},
		{"invalidQuery", "Syntax error: Unexpected \"x\" at [1:8]", 0, "a1", nil, "query Materialize customer/web: Syntax error: Unexpected \"x\" at [1:8]"},
		{"invalidQuery", "Division by zero: 1 / 0", 0, "a1", warehouse.ErrBadData, "query Materialize customer/web: bad data: Division by zero: 1 / 0"},
		{"invalidQuery", "Bad int64 value: ann@example.com", 0, "a1", warehouse.ErrBadData, "bad data: Bad int64 value …"},
		{"invalidQuery", `Failed to parse input string "ann@example.com"`, 0, "a1", warehouse.ErrBadData, "bad data: Failed to parse input string …"},
		{"invalidQuery", "Could not cast literal 'ann' to type DATE at [1:8]", 0, "a1", warehouse.ErrBadData, "bad data: Could not cast literal a value …"},
		{"invalidQuery", "Query error: Invalid timestamp: '4711'; in the function at [2:3]", 0, "a1", warehouse.ErrBadData, "Invalid timestamp …; in the function"},
	} {
		t.Run(c.reason+" "+c.message, func(t *testing.T) {
			var n atomic.Int32
			b := newBench(t, bigquerytest.Hooks{Query: func(j bigquerytest.Job) bigquerytest.Outcome {
				if i := int(n.Add(1)); c.times == 0 || i <= c.times {
					return bigquerytest.Outcome{Reason: c.reason, Message: c.message}
				}
				return outcome(j)
			}}, quick())
			_, err := b.Query(t.Context(), query)
			if b.attempts() != c.attempts {
				t.Errorf("made %q, want %q", b.attempts(), c.attempts)
			}
			if c.times > 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			text := fmt.Sprint(err)
			if !strings.HasPrefix(text, "query Materialize customer/web: ") || !strings.Contains(text, c.text) || strings.Contains(text, "\n") {
				t.Errorf("error %v, want %q", err, c.text)
			}
			for _, kind := range []error{
				warehouse.ErrTemporary, warehouse.ErrNotFound, warehouse.ErrPermission, warehouse.ErrBudget, ErrUnknown,
			} {
				if errors.Is(err, kind) != errors.Is(c.err, kind) {
					t.Errorf("error %v: it is %v: %t", err, kind, errors.Is(err, kind))
				}
			}
		})
	}
}
