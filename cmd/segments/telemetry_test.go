package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"segments/pipeline"
	"segments/pipeline/telemetry/telemetrytest"
	"segments/pipeline/warehouse"
	segmentssql "segments/sql"
	"segments/transforms/frame"
)

const otlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

// A locked is a buffer that a run and its telemetry write to at once.
type locked struct {
	mu sync.Mutex
	bytes.Buffer
}

// Write implements io.Writer.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

// traced runs the command in ctx and wants the exit code; it returns the steps that the log has, and its warnings.
func (s shop) traced(ctx context.Context, code int, args ...string) (steps, warnings []string) {
	s.Helper()
	var stderr locked
	a := &app{out: io.Discard, err: &stderr, now: func() time.Time { return s.now }}
	if got := a.main(ctx, append(args, "-c", s.config())); got != code {
		s.Fatalf("segments %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, stderr.String())
	}
	for line := range strings.Lines(stderr.String()) {
		var l struct{ Level, Msg, Step, Error string }
		switch err := json.Unmarshal([]byte(line), &l); {
		case err == nil && l.Msg == "step":
			steps = append(steps, l.Step)
		case err == nil && l.Level == "WARN":
			warnings = append(warnings, l.Msg+": "+l.Error)
		}
	}
	return steps, warnings
}

// trail checks that all spans but the first are its children, one after the other, and returns their names as the log has
// them: with the day.
func trail(t *testing.T, spans []*traces.Span) (run *traces.Span, steps []string) {
	t.Helper()
	if len(spans) == 0 || spans[0].Name != "run" || len(spans[0].ParentSpanId) != 0 {
		t.Fatalf("the first span is no root called run: %v", spans)
	}
	run = spans[0]
	end := run.StartTimeUnixNano
	for _, s := range spans[1:] {
		if !bytes.Equal(s.ParentSpanId, run.SpanId) || !bytes.Equal(s.TraceId, run.TraceId) {
			t.Errorf("%s is no child of the run", s.Name)
		}
		if s.StartTimeUnixNano < end || s.EndTimeUnixNano > run.EndTimeUnixNano {
			t.Errorf("%s begins before the step before it has ended, or ends after the run", s.Name)
		}
		end = s.EndTimeUnixNano
		name := s.Name
		if day := telemetrytest.Attributes(s.Attributes)["segments.as_of"]; day != "" {
			name += " as of " + day
		}
		steps = append(steps, name)
	}
	return run, steps
}

// one is the single value of a metric; -1 where there is none.
func one(c *telemetrytest.Collector, name string) float64 {
	if p := c.Metrics()["segments.run."+name].Points; len(p) == 1 {
		return p[0].Value
	}
	return -1
}

// by is the values of a metric by an attribute, a line each, as by the ledger.
func by(c *telemetrytest.Collector, name, key string) []string {
	var out []string
	for _, p := range c.Metrics()["segments.run."+name].Points {
		if p.Value != 0 {
			out = append(out, fmt.Sprintf("%s %v", p.Attributes[key], p.Value))
		}
	}
	slices.Sort(out)
	return out
}

func TestTelemetry(t *testing.T) {
	c := telemetrytest.New(t)
	t.Setenv(otlpEndpoint, c.URL)
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	ctx := t.Context()

	steps, warnings := s.traced(ctx, exitOK, "run", "--as-of", day(0))
	if warnings != nil {
		t.Errorf("warnings %q", warnings)
	}
	run, got := trail(t, c.Spans())
	if !slices.Equal(got, steps) || len(steps) < 20 || steps[len(steps)-1] != "publish" {
		t.Errorf("spans\n%q\nthe log has\n%q", got, steps)
	}
	id, customers := s.row("SELECT run_id FROM runs"), s.row("SELECT count(*) FROM customer_segments")
	want := map[string]string{
		"segments.configuration": "demo", "segments.mode": "run", "segments.run.id": id, "segments.as_of": day(0),
		"segments.outcome": "published", "segments.exit_code": "0", "segments.customers": customers,
	}
	if got := telemetrytest.Attributes(run.Attributes); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the run's attributes: %v, want %v", got, want)
	}
	if got := strconv.FormatFloat(one(c, "customers"), 'f', -1, 64); got != customers {
		t.Errorf("%s customers, want %s", got, customers)
	}
	for _, tt := range []struct{ metric, key, query string }{
		{"left_out", "segments.reason", "SELECT reason, rows FROM run_rejects WHERE source = 'customers_known' AND reason NOT IN ('read', 'used') ORDER BY 1"},
		{"checks", "segments.check.state", "SELECT state, count(*) FROM run_checks GROUP BY 1 ORDER BY 1"},
	} {
		if got, want := by(c, tt.metric, tt.key), s.rows(tt.query); !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s: %q, want %q", tt.metric, got, want)
		}
	}
	if age := float64(time.Now().Unix()) - one(c, "last_success"); age < 0 || age > 60 {
		t.Errorf("the last success was %v s ago", age)
	}
	if d := one(c, "duration"); d <= 0 || d > 60 {
		t.Errorf("the duration was %v s", d)
	}
	for _, who := range s.rows("SELECT customer_id FROM customer_segments ORDER BY hash(customer_id) LIMIT 200") {
		if len(who) >= 6 && bytes.Contains(c.Bytes(), []byte(who)) {
			t.Errorf("the customer %s was sent", who)
		}
	}

	c.Reset()
	s.traced(ctx, exitOK, "run", "--as-of", day(0))
	run, _ = trail(t, c.Spans())
	if a := telemetrytest.Attributes(run.Attributes); a["segments.outcome"] != "already_published" || a["segments.run.id"] != id {
		t.Errorf("again: %v", a)
	}
	if one(c, "last_success") < 0 || one(c, "customers") >= 0 {
		t.Errorf("again: %v", c.Metrics())
	}

	c.Reset()
	stopped, stop := context.WithCancelCause(ctx)
	stop(signalError{syscall.SIGTERM})
	s.traced(stopped, 143, "run", "--as-of", day(1))
	run, _ = trail(t, c.Spans())
	if a := telemetrytest.Attributes(run.Attributes); a["segments.outcome"] != "stopped" || a["segments.exit_code"] != "143" || one(c, "last_success") >= 0 {
		t.Errorf("stopped: %v", a)
	}
}

func TestTelemetryOfFailures(t *testing.T) {
	c := telemetrytest.New(t)
	t.Setenv(otlpEndpoint, c.URL)
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.edit("validation: {origins: 1}", "validation: {origins: 1, gate: {min_auc_lower: 0.999}}")
	s.traced(t.Context(), exitRejected, "run", "--as-of", day(0))
	spans := c.Spans()
	run, steps := trail(t, spans)
	a := telemetrytest.Attributes(run.Attributes)
	if a["segments.outcome"] != "rejected" || a["segments.exit_code"] != "3" || !strings.Contains(run.Status.GetMessage(), "gate of core_segment") {
		t.Errorf("rejected: %v, %v", a, run.Status)
	}
	for i, span := range spans[1:] {
		last := i == len(steps)-1
		if failed := span.Status.GetCode() == traces.Status_STATUS_CODE_ERROR; failed != last || last && span.Name != "audit" {
			t.Errorf("step %s: failed %t, want %t", span.Name, failed, last)
		}
	}
	if one(c, "last_success") >= 0 || one(c, "customers") <= 0 || !slices.Contains(by(c, "checks", "segments.check.state"), "failed 1") {
		t.Errorf("rejected: %v", c.Metrics())
	}

	c.Reset()
	s.edit("name: demo", "name: demo\nnonsense: 1")
	s.traced(t.Context(), exitConfig, "run", "--as-of", day(0))
	run, steps = trail(t, c.Spans())
	if a := telemetrytest.Attributes(run.Attributes); a["segments.outcome"] != "configuration" || steps != nil || one(c, "outcome") != 1 {
		t.Errorf("configuration: %v, steps %q, %v", a, steps, c.Metrics())
	}
}

// A collector that takes connections and never answers changes nothing but the time, and that by five seconds.
func TestTelemetryHangs(t *testing.T) {
	release := make(chan struct{})
	c := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer c.Close()
	defer close(release)
	data, _ := company(t, small)
	without, with := newShop(t, data, quick), newShop(t, data, quick)
	begun := time.Now()
	without.publish(0)
	bare := time.Since(begun)

	t.Setenv(otlpEndpoint, c.URL)
	begun = time.Now()
	_, warnings := with.traced(t.Context(), exitOK, "run", "--as-of", day(0))
	took := time.Since(begun)
	t.Logf("%s without, %s with a collector that hangs", bare, took)
	if took > 3*bare+6*time.Second { // a run's own time differs from run to run
		t.Errorf("the run took %s, %s without telemetry", took, bare)
	}
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0], "telemetry is incomplete") {
		t.Errorf("warnings %q, want one", warnings)
	}
	same(t, "with a collector that hangs", with.image(), without.image())
}

// What a warehouse asks for in a step carries the step's span, so that it can say which jobs it ran.
func TestJobsOfSteps(t *testing.T) {
	c := telemetrytest.New(t)
	t.Setenv(otlpEndpoint, c.URL)
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	a := &app{out: io.Discard, err: io.Discard, now: func() time.Time { return s.now }, configFile: s.config()}
	spy := &jobs{}
	check(t, a.watched(t.Context(), func(ctx context.Context) error {
		ctx, run := a.telemetry.Run(ctx)
		j, _, err := a.open(ctx, false)
		check(t, err)
		spy.Warehouse = j.Warehouse
		j.Warehouse = spy
		res, err := a.runSlot(ctx, j, pipeline.Options{AsOf: lastDay})
		run.End(a.summary(ctx, pipeline.Options{}, res, err))
		check(t, j.Warehouse.Close())
		return err
	}))
	where := map[string]int{}
	told := 0
	for _, span := range c.Spans() {
		for _, e := range span.Events {
			told++
			where[telemetrytest.Attributes(e.Attributes)["job.id"]+" in "+span.Name]++
		}
	}
	if told != spy.n || told < 20 {
		t.Errorf("%d jobs ran, %d are told of: %v", spy.n, told, where)
	}
	for _, want := range []string{
		"fingerprint in read orders", "materialize in stage orders", "materialize in read customer_features", "scan in fit rfm",
		"materialize in score", "scan in apply", "stage in apply", "query in audit", "publish in publish", "query in profile core_segment",
	} {
		if where[want] == 0 {
			t.Errorf("no job: %s; there are %v", want, where)
		}
	}
}

// jobs is a warehouse that says what it does as one does that runs jobs elsewhere.
type jobs struct {
	warehouse.Warehouse
	mu sync.Mutex
	n  int
}

func (w *jobs) job(ctx context.Context, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	trace.SpanFromContext(ctx).AddEvent("job", trace.WithAttributes(attribute.String("job.id", id)))
}

// Fingerprint implements warehouse.Warehouse.
func (w *jobs) Fingerprint(ctx context.Context, q segmentssql.Query) (warehouse.Fingerprint, error) {
	w.job(ctx, "fingerprint")
	return w.Warehouse.Fingerprint(ctx, q)
}

// Query implements warehouse.Warehouse.
func (w *jobs) Query(ctx context.Context, q segmentssql.Query) frame.Batches {
	w.job(ctx, "query")
	return w.Warehouse.Query(ctx, q)
}

// Materialize implements warehouse.Warehouse.
func (w *jobs) Materialize(ctx context.Context, t frame.Table, q segmentssql.Query) (warehouse.Ref, error) {
	w.job(ctx, "materialize")
	return w.Warehouse.Materialize(ctx, t, q)
}

// Stage implements warehouse.Warehouse.
func (w *jobs) Stage(ctx context.Context, t frame.Table) (warehouse.Writer, error) {
	w.job(ctx, "stage")
	return w.Warehouse.Stage(ctx, t)
}

// Scan implements warehouse.Warehouse.
func (w *jobs) Scan(ctx context.Context, ref warehouse.Ref, cols ...frame.Column) frame.Batches {
	w.job(ctx, "scan")
	return w.Warehouse.Scan(ctx, ref, cols...)
}

// Publish implements warehouse.Warehouse.
func (w *jobs) Publish(
	ctx context.Context, e warehouse.Entry, keepFrom time.Time, views []warehouse.View, refs ...warehouse.Ref,
) error {
	w.job(ctx, "publish")
	return w.Warehouse.Publish(ctx, e, keepFrom, views, refs...)
}
