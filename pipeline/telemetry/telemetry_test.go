package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"segments/pipeline/telemetry/telemetrytest"
)

const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

// environment makes these the only OTEL_ variables of the test.
func environment(t *testing.T, keyvalue ...string) {
	t.Helper()
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "OTEL_") {
			t.Setenv(k, "")
		}
	}
	for i := 0; i < len(keyvalue); i += 2 {
		t.Setenv(keyvalue[i], keyvalue[i+1])
	}
}

// logged returns a log and what it has so far.
func logged() (*slog.Logger, func() string) {
	var b strings.Builder // one warning is all that there is: nobody writes at the same time
	return slog.New(slog.NewTextHandler(&b, nil)), b.String
}

func TestWanted(t *testing.T) {
	const traces, metrics = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
	tests := []struct {
		env             []string
		traces, metrics bool
		err             string
	}{
		{nil, false, false, ""},
		{[]string{endpoint, "http://c:4318"}, true, true, ""},
		{[]string{endpoint, "https://c:4318/otlp"}, true, true, ""},
		{[]string{traces, "http://c:4318/v1/traces"}, true, false, ""},
		{[]string{metrics, "http://c:4318/v1/metrics"}, false, true, ""},
		{[]string{endpoint, " "}, false, false, ""},
		{[]string{endpoint, "http://c:4318", "OTEL_SDK_DISABLED", "True"}, false, false, ""},
		{[]string{endpoint, "http://c:4318", "OTEL_SDK_DISABLED", "false"}, true, true, ""},
		{[]string{endpoint, "http://c:4318", "OTEL_METRICS_EXPORTER", "none"}, true, false, ""},
		{[]string{endpoint, "http://c:4318", "OTEL_TRACES_EXPORTER", "none"}, false, true, ""},
		{[]string{endpoint, "localhost:4318"}, false, false, endpoint + " is no address"},
		{[]string{endpoint, "http://c:4318", metrics, "://"}, true, false, metrics + " is no address"},
		{[]string{endpoint, "http://key:secret@c:port"}, false, false, "no address"},
		{[]string{endpoint, "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, false, false, "only http/protobuf"},
		{[]string{endpoint, "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}, true, true, ""},
		{
			[]string{endpoint, "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"},
			true, false, "OTEL_EXPORTER_OTLP_PROTOCOL",
		},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.env, " "), func(t *testing.T) {
			environment(t, tt.env...)
			gotTraces, gotMetrics, err := wanted()
			if gotTraces != tt.traces || gotMetrics != tt.metrics {
				t.Errorf("traces %t, metrics %t; want %t, %t", gotTraces, gotMetrics, tt.traces, tt.metrics)
			}
			switch {
			case tt.err == "" && err != nil, tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("error %v, want %q", err, tt.err)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("error %v tells a secret", err)
			}
		})
	}
}

// Without an endpoint there is nothing: no goroutine, no span, no allocation.
func TestOff(t *testing.T) {
	environment(t)
	log, warnings := logged()
	before := runtime.NumGoroutine()
	tel := Start(t.Context(), "v1", log)
	if tel != nil {
		t.Fatalf("Start returns %v", tel)
	}
	ctx, run := tel.Run(t.Context())
	if trace.SpanFromContext(ctx).IsRecording() {
		t.Error("the context carries a span that records")
	}
	if n := testing.AllocsPerRun(100, func() { _, r := tel.Run(ctx); r.End(Summary{}) }); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
	run.End(Summary{Outcome: "published"})
	tel.Close()
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
	if warnings() != "" {
		t.Errorf("logged: %s", warnings())
	}
}

func TestRun(t *testing.T) {
	c := telemetrytest.New(t)
	environment(t, endpoint, c.URL, "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging")
	log, warnings := logged()
	tel := Start(t.Context(), "v1", log)
	ctx, run := tel.Run(t.Context())
	job, step := tracer(ctx, "segments/pipeline").Start(ctx, "stage orders")
	_, foreign := tracer(ctx, "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp").Start(job, "HTTP POST",
		trace.WithAttributes(attribute.String("url.full", "https://warehouse/?q=somebody@example.com")))
	foreign.End()
	step.End()
	before := time.Now().Unix()
	run.End(Summary{
		Configuration: "shop", Mode: "run", RunID: "2025-06-30-0123456789ab", AsOf: time.Date(2025, 6, 30, 0, 0, 0, 0, time.UTC),
		Outcome: "published", Current: true, Customers: 7, LeftOut: map[string]int64{"objected": 2, "quarantined": 1},
		Checks: map[string]int64{"passed": 5, "failed": 0}, BytesBilled: 10 << 20,
	})
	tel.Close()

	spans := c.Spans()
	if len(spans) != 2 || spans[0].Name != "run" || spans[1].Name != "stage orders" || string(spans[1].ParentSpanId) != string(spans[0].SpanId) {
		t.Errorf("spans: %v", spans)
	}
	want := map[string]string{
		"segments.configuration": "shop", "segments.mode": "run", "segments.run.id": "2025-06-30-0123456789ab", "segments.as_of": "2025-06-30",
		"segments.outcome": "published", "segments.exit_code": "0", "segments.customers": "7",
	}
	if got := telemetrytest.Attributes(spans[0].Attributes); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("attributes of the run %v, want %v", got, want)
	}
	if spans[0].Status.GetCode() != traces.Status_STATUS_CODE_UNSET {
		t.Errorf("status of the run %v", spans[0].Status)
	}

	got := c.Metrics()
	last := got["segments.run.last_success"]
	if len(last.Points) != 1 || last.Points[0].Value < float64(before) || last.Points[0].Value > float64(time.Now().Unix()) || last.Unit != "s" {
		t.Errorf("last success: %v, want about %d", last, before)
	}
	if d := got["segments.run.duration"]; len(d.Points) != 1 || d.Points[0].Value <= 0 || d.Points[0].Value > 60 || d.Unit != "s" {
		t.Errorf("duration: %v", d)
	}
	common := map[string]string{"segments.configuration": "shop", "segments.mode": "run"}
	for name, want := range map[string]telemetrytest.Metric{
		"segments.run.customers":    {Unit: "{customer}", Points: points(common, "", 7)},
		"segments.run.left_out":     {Unit: "{customer}", Points: points(common, "segments.reason", "objected", 2, "quarantined", 1)},
		"segments.run.checks":       {Unit: "{check}", Points: points(common, "segments.check.state", "failed", 0, "passed", 5)},
		"segments.run.bytes_billed": {Unit: "By", Points: points(common, "", 10<<20)},
		"segments.run.outcome":      {Unit: "{run}", Points: points(common, "segments.exit_code", "0", 1)},
	} {
		if !sameMetric(got[name], want) {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	if len(got) != 7 {
		t.Errorf("%d metrics, want 7: %v", len(got), got)
	}
	r := c.Resource()
	if r["service.name"] != "segments" || r["service.version"] != "v1" || r["deployment.environment.name"] != "staging" {
		t.Errorf("resource %v", r)
	}
	for k := range r { // nothing of the machine or its user
		if strings.HasPrefix(k, "host.") || strings.HasPrefix(k, "process.") || strings.HasPrefix(k, "os.") {
			t.Errorf("resource has %s", k)
		}
	}
	if warnings() != "" {
		t.Errorf("logged: %s", warnings())
	}
	gone(t)
}

// tracer is what instrumented code makes spans with, given a context only.
func tracer(ctx context.Context, scope string) trace.Tracer {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer(scope)
}

// points are those of a metric by the values of key, or its only one.
func points(common map[string]string, key string, valued ...any) []telemetrytest.Point {
	if key == "" {
		return []telemetrytest.Point{{Attributes: common, Value: float64(valued[0].(int))}}
	}
	var out []telemetrytest.Point
	for i := 0; i < len(valued); i += 2 {
		as := map[string]string{key: valued[i].(string)}
		for k, v := range common {
			as[k] = v
		}
		out = append(out, telemetrytest.Point{Attributes: as, Value: float64(valued[i+1].(int))})
	}
	return out
}

func sameMetric(a, b telemetrytest.Metric) bool {
	in := map[string]bool{}
	for _, p := range a.Points {
		in[fmt.Sprint(p)] = true
	}
	for _, p := range b.Points {
		if !in[fmt.Sprint(p)] {
			return false
		}
	}
	return a.Unit == b.Unit && len(a.Points) == len(b.Points)
}

// What the SDK finds wrong by itself is warned of too, and not written to standard error.
func TestSDKErrors(t *testing.T) {
	c := telemetrytest.New(t)
	environment(t, endpoint, c.URL)
	log, warnings := logged()
	tel := Start(t.Context(), "v1", log)
	defer tel.Close()
	otel.Handle(errors.New("a span was dropped"))
	otel.Handle(errors.New("another span was dropped"))
	if w := warnings(); strings.Count(w, "\n") != 1 || !strings.Contains(w, "a span was dropped") {
		t.Errorf("warnings %q, want the first", w)
	}
}

// A run that failed is an error with its reason, tells neither customers nor a last success, and is told of although its
// context has ended.
func TestFailedRun(t *testing.T) {
	c := telemetrytest.New(t)
	environment(t, endpoint, c.URL, "OTEL_SERVICE_NAME", "other")
	log, _ := logged()
	ctx, cancel := context.WithCancel(t.Context())
	tel := Start(ctx, "v1", log)
	_, run := tel.Run(ctx)
	cancel()
	run.End(Summary{Mode: "run", Outcome: "stopped", ExitCode: 143, Err: errors.New("stopped by \xff")})
	tel.Close()
	spans := c.Spans()
	if len(spans) != 1 || spans[0].Status.GetCode() != traces.Status_STATUS_CODE_ERROR || spans[0].Status.Message != "stopped by �" {
		t.Errorf("spans %v", spans)
	}
	got := c.Metrics()
	if p := got["segments.run.outcome"].Points; len(p) != 1 || p[0].Attributes["segments.exit_code"] != "143" {
		t.Errorf("outcome %v", p)
	}
	for _, name := range []string{"last_success", "customers", "left_out", "checks", "bytes_billed"} {
		if m, ok := got["segments.run."+name]; ok {
			t.Errorf("%s is told: %v", name, m)
		}
	}
	if name := c.Resource()["service.name"]; name != "other" {
		t.Errorf("service.name %q: the environment goes first", name)
	}
}

// Whatever the collector does, Close returns in time, warns once, and leaves nothing behind.
func TestBadCollectors(t *testing.T) {
	const atMost = time.Second
	release := make(chan struct{})
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	answer := func(code int, headers map[string]string, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range headers {
				w.Header().Set(k, v)
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	protobuf := map[string]string{"Content-Type": "application/x-protobuf"}
	partial, err := proto.Marshal(&tracecollector.ExportTraceServiceResponse{
		PartialSuccess: &tracecollector.ExportTracePartialSuccess{RejectedSpans: 1, ErrorMessage: "I keep nothing"},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		warning string
	}{
		{"hangs", hang, "telemetry is incomplete"},
		{"sends a byte now and then", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				time.Sleep(50 * time.Millisecond)
			}
		}, "telemetry is incomplete"},
		{"500", answer(500, nil, "out of order"), "out of order"},
		{"503", answer(503, nil, ""), "telemetry is incomplete"},
		{"429 come back in an hour", answer(429, map[string]string{"Retry-After": "3600"}, ""), "telemetry is incomplete"},
		{"404 with a page", answer(404, nil, strings.Repeat("<html>", 1<<16)), "…"},
		{"redirects for ever", answer(307, map[string]string{"Location": "/v1/traces"}, ""), "telemetry is incomplete"},
		{"garbage", answer(200, protobuf, "\xff\xff\xff\xff"), "telemetry is incomplete"},
		{"endless garbage", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			for {
				if _, err := io.WriteString(w, strings.Repeat("\xff", 1<<16)); err != nil {
					return
				}
			}
		}, "telemetry is incomplete"},
		{"breaks the connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "telemetry is incomplete"},
		{"says that it took part", answer(200, protobuf, string(partial)), "telemetry is incomplete"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(tt.handler)
			defer s.Close()
			broken(t, s.URL, atMost, tt.warning)
		})
	}
	close(release)
	t.Run("refuses", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := "http://" + l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		broken(t, at, atMost, "refused")
	})
	t.Run("accepts and says nothing", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		broken(t, "https://"+l.Addr().String(), atMost, "telemetry is incomplete")
	})
}

// broken tells a collector at url of a run, and wants one warning, in time.
func broken(t *testing.T, url string, atMost time.Duration, warning string) {
	t.Helper()
	environment(t, endpoint, url, "OTEL_EXPORTER_OTLP_HEADERS", "authorization=canary-key")
	log, warnings := logged()
	tel := start(t.Context(), "v1", log, atMost)
	_, run := tel.Run(t.Context())
	run.End(Summary{Mode: "run", Outcome: "published"})
	begun := time.Now()
	tel.Close()
	if d := time.Since(begun); d > atMost+500*time.Millisecond {
		t.Errorf("Close took %s, want at most %s", d, atMost)
	}
	gone(t)
	if w := warnings(); strings.Count(w, "\n") != 1 || !strings.Contains(w, "level=WARN") || !strings.Contains(w, warning) {
		t.Errorf("warnings %q, want one of %q", w, warning)
	}
	if w := warnings(); strings.Contains(w, "canary-key") || len(w) > 2*longest {
		t.Errorf("the warning %q tells too much", w)
	}
}

// gone waits until no goroutine is in OpenTelemetry's code.
func gone(t *testing.T) {
	t.Helper()
	var stacks string
	for range 100 {
		b := make([]byte, 1<<20)
		stacks = string(b[:runtime.Stack(b, true)])
		if !strings.Contains(stacks, "go.opentelemetry.io/otel/") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("goroutines are left:\n%s", stacks)
}

// What OpenTelemetry logs of the environment quotes it; our warning does not.
func TestBadEnvironment(t *testing.T) {
	c := telemetrytest.New(t)
	environment(t, endpoint, c.URL, "OTEL_EXPORTER_OTLP_HEADERS", "canary-key", "OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
	log, warnings := logged()
	tel := Start(t.Context(), "v1", log)
	_, run := tel.Run(t.Context())
	run.End(Summary{Mode: "run", Outcome: "published"})
	tel.Close()
	if len(c.Spans()) != 1 || len(c.Metrics()) == 0 {
		t.Error("nothing was sent")
	}
	if w := warnings(); strings.Count(w, "\n") != 1 || strings.Contains(w, "canary-key") || !strings.Contains(w, "OTEL_") {
		t.Errorf("warnings %q", w)
	}
}
