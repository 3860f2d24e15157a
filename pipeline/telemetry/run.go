package telemetry

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope is the instrumentation scope of what this package makes. Package pipeline has one below it.
const scope = "segments"

// A Summary is what is told of a run that has ended.
type Summary struct {
	Configuration string           // its name; empty where it could not be read
	Mode          string           // run, backfill, dry_run or validate
	RunID         string           // empty where the run did not come to have one
	AsOf          time.Time        // the slot's day; zero where it is not known
	Outcome       string           // one word of few
	ExitCode      int              // what the program exits with
	Err           error            // what ended the run; nil where nothing did
	Current       bool             // the day is published, and the _current views may show it
	Customers     int64            // segmented; 0 where the run did not come to count them
	LeftOut       map[string]int64 // customers by reason
	Checks        map[string]int64 // by state
	BytesBilled   int64            // by the warehouse; 0 where it does not charge
}

// A Run is a run at work. A nil one does nothing.
type Run struct {
	t     *Telemetry
	span  trace.Span
	begun time.Time
}

// Run begins a run. The context returned carries its span, beneath which the job puts those of its steps.
func (t *Telemetry) Run(ctx context.Context) (context.Context, *Run) {
	if t == nil {
		return ctx, nil
	}
	r := &Run{t: t, begun: time.Now()}
	tracer := noop.NewTracerProvider().Tracer(scope)
	if t.traces != nil {
		tracer = t.traces.Tracer(scope)
	}
	ctx, r.span = tracer.Start(ctx, "run", trace.WithNewRoot())
	return ctx, r
}

// End tells how the run went. It sends nothing: Close does.
func (r *Run) End(s Summary) {
	if r == nil {
		return
	}
	now := time.Now()
	if r.t.metrics != nil {
		ctx := trace.ContextWithSpan(context.Background(), r.span) // for the exemplars: a measurement leads to its trace
		r.t.metrics.record(ctx, s, now.Sub(r.begun), now)
	}
	r.span.SetAttributes(attribute.String("segments.outcome", s.Outcome), attribute.Int("segments.exit_code", s.ExitCode))
	r.span.SetAttributes(common(s)...)
	if s.RunID != "" {
		r.span.SetAttributes(attribute.String("segments.run.id", s.RunID))
	}
	if !s.AsOf.IsZero() {
		r.span.SetAttributes(attribute.String("segments.as_of", s.AsOf.Format(time.DateOnly)))
	}
	if s.Customers > 0 {
		r.span.SetAttributes(attribute.Int64("segments.customers", s.Customers))
	}
	if s.Err != nil {
		r.span.SetStatus(codes.Error, strings.ToValidUTF8(s.Err.Error(), "�"))
	}
	r.span.End()
}

// common are the attributes of the run's span and of all metrics.
func common(s Summary) []attribute.KeyValue {
	a := []attribute.KeyValue{attribute.String("segments.mode", s.Mode)}
	if s.Configuration != "" {
		a = append(a, attribute.String("segments.configuration", s.Configuration))
	}
	return a
}

// metrics are the instruments, and how what they measure is sent.
//
// All but the outcome are gauges, the duration too: the process ends with the run, so that a histogram or a counter never
// holds more than this run's value, and a gauge says so.
type metrics struct {
	provider *sdkmetric.MeterProvider
	reader   sdkmetric.Reader
	exporter sdkmetric.Exporter

	duration                                               metric.Float64Gauge
	customers, leftOut, checks, bytesBilled, lastPublished metric.Int64Gauge
	outcome                                                metric.Int64Counter
}

func newMetrics(p *sdkmetric.MeterProvider, r sdkmetric.Reader, e sdkmetric.Exporter) (*metrics, error) {
	m, meter := &metrics{provider: p, reader: r, exporter: e}, p.Meter(scope)
	var errs []error
	gauge := func(name, unit, doc string) metric.Int64Gauge {
		g, err := meter.Int64Gauge(name, metric.WithUnit(unit), metric.WithDescription(doc))
		errs = append(errs, err)
		return g
	}
	var err error
	m.duration, err = meter.Float64Gauge("segments.run.duration", metric.WithUnit("s"), metric.WithDescription("How long the run took."))
	errs = append(errs, err)
	m.customers = gauge("segments.run.customers", "{customer}", "Customers segmented.")
	m.leftOut = gauge("segments.run.left_out", "{customer}", "Customers known and left out, by reason.")
	m.checks = gauge("segments.run.checks", "{check}", "Checks of the run, by state.")
	m.bytesBilled = gauge("segments.run.bytes_billed", "By", "Bytes that the warehouse billed for the run.")
	m.lastPublished = gauge("segments.run.last_success", "s", "When a run last found its day published, or published it (Unix time).")
	m.outcome, err = meter.Int64Counter("segments.run.outcome", metric.WithUnit("{run}"), metric.WithDescription("Runs, by exit code."))
	return m, errors.Join(append(errs, err)...)
}

// record measures a run that took elapsed and ended at now.
func (m *metrics) record(ctx context.Context, s Summary, elapsed time.Duration, now time.Time) {
	attributes := common(s)
	with := func(more ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributes(append(slices.Clone(attributes), more...)...)
	}
	m.duration.Record(ctx, elapsed.Seconds(), with())
	m.outcome.Add(ctx, 1, with(attribute.Int("segments.exit_code", s.ExitCode)))
	if s.Customers > 0 {
		m.customers.Record(ctx, s.Customers, with())
	}
	for _, reason := range slices.Sorted(maps.Keys(s.LeftOut)) {
		m.leftOut.Record(ctx, s.LeftOut[reason], with(attribute.String("segments.reason", reason)))
	}
	for _, state := range slices.Sorted(maps.Keys(s.Checks)) {
		m.checks.Record(ctx, s.Checks[state], with(attribute.String("segments.check.state", state)))
	}
	if s.BytesBilled > 0 {
		m.bytesBilled.Record(ctx, s.BytesBilled, with())
	}
	if s.Current {
		m.lastPublished.Record(ctx, now.Unix(), with())
	}
}
