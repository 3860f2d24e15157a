package pipeline

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope names the spans of this package among those of others.
const scope = "segments/pipeline"

// spans are those of a run's steps: one after the other, all of them children of the span in which Run was called.
// Where that one records nothing, there are none, and a context is handed on as it is.
type spans struct {
	run  trace.Span
	step trace.Span // the newest; nil before the first
}

type spansKey struct{}

// withSpans returns a context in which steps have spans.
func withSpans(ctx context.Context) context.Context {
	run := trace.SpanFromContext(ctx)
	if !run.IsRecording() {
		return ctx
	}
	return context.WithValue(ctx, spansKey{}, &spans{run: run})
}

// step says that a step begins, which ends the one before. What the step asks of the warehouse goes with the context
// returned, which carries its span. Steps follow one another: they never overlap.
func (j *Job) step(ctx context.Context, name string) context.Context {
	j.progress(name, 0, 0)
	return beginSpan(ctx, name)
}

// stepAsOf is step for the day at, which the span has as an attribute rather than in its name.
func (j *Job) stepAsOf(ctx context.Context, name string, at time.Time) context.Context {
	day := at.Format(time.DateOnly)
	j.progress(name+" as of "+day, 0, 0)
	return beginSpan(ctx, name, attribute.String("segments.as_of", day))
}

func beginSpan(ctx context.Context, name string, attributes ...attribute.KeyValue) context.Context {
	s, ok := ctx.Value(spansKey{}).(*spans)
	if !ok {
		return ctx
	}
	endSpan(ctx, nil)
	tracer := s.run.TracerProvider().Tracer(scope)
	ctx, s.step = tracer.Start(trace.ContextWithSpan(ctx, s.run), name, trace.WithAttributes(attributes...))
	return ctx
}

// endSpan ends the step at work, which err ended if it is not nil.
func endSpan(ctx context.Context, err error) {
	s, ok := ctx.Value(spansKey{}).(*spans)
	if !ok || s.step == nil {
		return
	}
	if err != nil {
		s.step.SetStatus(codes.Error, strings.ToValidUTF8(err.Error(), "�"))
	}
	s.step.End()
	s.step = nil
}
