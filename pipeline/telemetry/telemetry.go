// Package telemetry tells an OpenTelemetry collector how runs go: a trace and a few metrics each, over OTLP and HTTP. It is
// off unless the standard environment names an endpoint, and whatever the collector does, a run ends as it would without
// one, at most five seconds later.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// limit is how much longer a program may take because of telemetry: to set it up, to flush it and to shut it down.
const limit = 5 * time.Second

// What is sent while a run is at work is tried again after these times; Close gives up earlier.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 2 * time.Second
	retryFor   = time.Minute
)

// A Telemetry sends what runs tell it. A nil one, which Start returns where telemetry is off, does nothing.
type Telemetry struct {
	log    *slog.Logger
	warned sync.Once
	left   time.Duration // of limit, for Close

	traces  *sdktrace.TracerProvider // nil where traces are off
	metrics *metrics                 // nil where metrics are off

	stopped context.Context // done when what is still being sent is to be given up
	stop    context.CancelFunc
}

// Start sets up what the environment asks for; see docs/telemetry.md. It returns nil where that is nothing. What fails is
// logged to log, once in the life of a Telemetry, and changes nothing else.
func Start(ctx context.Context, version string, log *slog.Logger) *Telemetry {
	return start(ctx, version, log, limit)
}

func start(ctx context.Context, version string, log *slog.Logger, atMost time.Duration) *Telemetry {
	t := &Telemetry{log: log}
	wantTraces, wantMetrics, err := wanted()
	t.warn(err)
	if !wantTraces && !wantMetrics {
		return nil
	}
	begun := time.Now()
	t.stopped, t.stop = context.WithCancel(context.WithoutCancel(ctx)) // a run that was stopped is told of too
	setUp, cancel := context.WithTimeout(t.stopped, atMost)
	defer cancel()
	// What OpenTelemetry would write to standard error by itself. Its log quotes the environment, headers with keys too.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(t.warn))
	otel.SetLogger(logr.New(quiet{t.warn}))
	res, err := resource.New(setUp, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "segments"), attribute.String("service.version", version)),
		resource.WithFromEnv()) // which goes before ours
	t.warn(err)
	if wantTraces {
		t.warn(t.startTraces(setUp, res))
	}
	if wantMetrics {
		t.warn(t.startMetrics(setUp, res))
	}
	t.left = max(atMost-time.Since(begun), 0)
	return t
}

func (t *Telemetry) startTraces(ctx context.Context, res *resource.Resource) error {
	e, err := otlptracehttp.New(ctx, otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
		Enabled: true, InitialInterval: firstRetry, MaxInterval: lastRetry, MaxElapsedTime: retryFor,
	}))
	if err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	t.traces = sdktrace.NewTracerProvider(sdktrace.WithResource(res),
		sdktrace.WithSpanProcessor(ours{sdktrace.NewBatchSpanProcessor(spanExporter{e, t})}))
	return nil
}

func (t *Telemetry) startMetrics(ctx context.Context, res *resource.Resource) error {
	e, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{
		Enabled: true, InitialInterval: firstRetry, MaxInterval: lastRetry, MaxElapsedTime: retryFor,
	}))
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	// Nothing is measured before a run ends: there is no need to send anything at intervals.
	reader := sdkmetric.NewManualReader(sdkmetric.WithTemporalitySelector(e.Temporality), sdkmetric.WithAggregationSelector(e.Aggregation))
	t.metrics, err = newMetrics(sdkmetric.NewMeterProvider(sdkmetric.WithResource(res), sdkmetric.WithReader(reader)), reader, e)
	return err
}

// Close sends what has not been sent, and gives up after five seconds in all.
func (t *Telemetry) Close() {
	if t == nil {
		return
	}
	defer t.stop()
	ctx, cancel := context.WithTimeout(t.stopped, t.left)
	defer cancel()
	var sending sync.WaitGroup
	if t.traces != nil {
		sending.Go(func() { t.warn(t.traces.Shutdown(ctx)) })
	}
	if t.metrics != nil {
		sending.Go(func() { t.warn(t.metrics.send(ctx)) })
	}
	sent := make(chan struct{})
	go func() { sending.Wait(); close(sent) }()
	select {
	case <-sent:
	case <-ctx.Done():
		t.warn(fmt.Errorf("the collector did not take everything in %s", limit))
	}
}

// longest is how much is logged of an error, which may quote what a collector answered.
const longest = 300

// warn logs the first error.
func (t *Telemetry) warn(err error) {
	if err == nil {
		return
	}
	t.warned.Do(func() {
		s := err.Error()
		if len(s) > longest {
			s = s[:longest] + "…"
		}
		t.log.Warn("telemetry is incomplete; the run is not affected", "error", s)
	})
}

// quiet is a sink of OpenTelemetry's own log: errors are warned of without what they quote, the rest is let go.
type quiet struct{ warn func(error) }

// Init implements logr.LogSink.
func (quiet) Init(logr.RuntimeInfo) {}

// Enabled implements logr.LogSink.
func (quiet) Enabled(int) bool { return false }

// Info implements logr.LogSink.
func (quiet) Info(int, string, ...any) {}

// Error implements logr.LogSink.
func (q quiet) Error(_ error, what string, _ ...any) {
	q.warn(errors.New("OpenTelemetry: " + what + "; see the OTEL_ variables of the environment"))
}

// WithValues implements logr.LogSink.
func (q quiet) WithValues(...any) logr.LogSink { return q }

// WithName implements logr.LogSink.
func (q quiet) WithName(string) logr.LogSink { return q }

// A spanExporter swallows errors, having warned of them, and gives up when the Telemetry stops.
type spanExporter struct {
	sdktrace.SpanExporter
	t *Telemetry
}

// ExportSpans implements sdktrace.SpanExporter.
func (e spanExporter) ExportSpans(ctx context.Context, ss []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.t.stopped, cancel)()
	e.t.warn(e.SpanExporter.ExportSpans(ctx, ss))
	return nil
}

// ours lets only the job's spans pass. The HTTP clients of a warehouse make spans too, beneath those of the context that
// they get, and what these say, such as whole addresses, was not looked at for what must not leave.
type ours struct{ sdktrace.SpanProcessor }

// OnEnd implements sdktrace.SpanProcessor.
func (p ours) OnEnd(s sdktrace.ReadOnlySpan) {
	if name := s.InstrumentationScope().Name; name == scope || strings.HasPrefix(name, scope+"/") {
		p.SpanProcessor.OnEnd(s)
	}
}

// send collects what was measured and exports it.
func (m *metrics) send(ctx context.Context) error {
	var rm metricdata.ResourceMetrics
	if err := m.reader.Collect(ctx, &rm); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	var err error
	if len(rm.ScopeMetrics) > 0 {
		err = m.exporter.Export(ctx, &rm)
	}
	return errors.Join(err, m.provider.Shutdown(ctx), m.exporter.Shutdown(ctx))
}
