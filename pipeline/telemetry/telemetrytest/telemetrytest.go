// Package telemetrytest is a collector for tests: it takes OTLP over HTTP on the loopback interface and keeps what it was sent.
package telemetrytest

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	metricscollector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A Collector keeps what it was sent.
type Collector struct {
	URL string // for OTEL_EXPORTER_OTLP_ENDPOINT

	mu       sync.Mutex
	bodies   []byte
	spans    []*traces.Span
	metrics  map[string]Metric
	resource map[string]string
}

// A Metric is a gauge or a sum.
type Metric struct {
	Unit   string
	Points []Point
}

// A Point is a value of a metric.
type Point struct {
	Attributes map[string]string
	Value      float64
}

// New starts a collector that ends with the test. What is no OTLP fails the test.
func New(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{metrics: map[string]Metric{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(_ http.ResponseWriter, r *http.Request) {
		var m tracecollector.ExportTraceServiceRequest
		c.read(t, r, &m, func() {
			for _, rs := range m.ResourceSpans {
				c.resource = Attributes(rs.Resource.Attributes)
				for _, ss := range rs.ScopeSpans {
					c.spans = append(c.spans, ss.Spans...)
				}
			}
		})
	})
	mux.HandleFunc("POST /v1/metrics", func(_ http.ResponseWriter, r *http.Request) {
		var m metricscollector.ExportMetricsServiceRequest
		c.read(t, r, &m, func() {
			for _, rm := range m.ResourceMetrics {
				c.resource = Attributes(rm.Resource.Attributes)
				for _, sm := range rm.ScopeMetrics {
					c.keep(sm.Metrics)
				}
			}
		})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	c.URL = s.URL
	return c
}

// read reads a request into m, and then does what keeps it.
func (c *Collector) read(t testing.TB, r *http.Request, m proto.Message, keep func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, m)
	}
	if err != nil {
		t.Errorf("%s: %v", r.URL, err)
		return
	}
	c.bodies = append(c.bodies, body...)
	keep()
}

func (c *Collector) keep(ms []*metrics.Metric) {
	for _, m := range ms {
		out := Metric{Unit: m.Unit}
		for _, p := range slices.Concat(m.GetGauge().GetDataPoints(), m.GetSum().GetDataPoints()) {
			v := p.GetAsDouble()
			if i, ok := p.Value.(*metrics.NumberDataPoint_AsInt); ok {
				v = float64(i.AsInt)
			}
			out.Points = append(out.Points, Point{Attributes(p.Attributes), v})
		}
		c.metrics[m.Name] = out
	}
}

// Spans returns the spans sent so far, the first to begin first.
func (c *Collector) Spans() []*traces.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedStableFunc(slices.Values(c.spans), func(a, b *traces.Span) int {
		return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano))
	})
}

// Metrics returns what each metric was when it was last sent.
func (c *Collector) Metrics() map[string]Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.metrics)
}

// Resource returns the attributes of who sent last.
func (c *Collector) Resource() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resource
}

// Bytes returns all that was sent, as it was.
func (c *Collector) Bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.bodies)
}

// Reset forgets what was sent.
func (c *Collector) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies, c.spans, c.metrics, c.resource = nil, nil, map[string]Metric{}, nil
}

// Attributes returns attributes by key, with their values as text.
func Attributes(as []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range as {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			out[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			out[a.Key] = strconv.FormatInt(v.IntValue, 10)
		default:
			out[a.Key] = a.Value.String()
		}
	}
	return out
}
