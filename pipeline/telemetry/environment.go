package telemetry

import (
	"fmt"
	"net/url"
	"os"
	"strings"
)

// wanted says what the environment asks for. Traces and metrics are each on where an endpoint is set for them. The error
// says what is asked for that cannot be had, and then it is off.
//
// The variables are those of https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/. The exporters read all others of them.
func wanted() (traces, metrics bool, err error) {
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") {
		return false, false, nil
	}
	traces, err = signal("TRACES")
	metrics, metricsErr := signal("METRICS")
	if err == nil {
		err = metricsErr // two would most likely say the same
	}
	return traces, metrics, err
}

// signal says whether TRACES or METRICS are on. An endpoint that the exporter cannot read must not get that far: it would
// send to its default, on this machine, instead.
func signal(name string) (bool, error) {
	key, endpoint := first("OTEL_EXPORTER_OTLP_"+name+"_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if endpoint == "" || strings.EqualFold(env("OTEL_"+name+"_EXPORTER"), "none") {
		return false, nil
	}
	if u, err := url.Parse(endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return false, fmt.Errorf("%s is no address: want one such as http://localhost:4318", key)
	}
	key, protocol := first("OTEL_EXPORTER_OTLP_"+name+"_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	if protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("%s is %q: only http/protobuf is spoken here", key, protocol)
	}
	return true, nil
}

// first returns the first of the variables that is set, and its value.
func first(keys ...string) (key, value string) {
	for _, k := range keys {
		if v := env(k); v != "" {
			return k, v
		}
	}
	return "", ""
}

func env(key string) string { return strings.TrimSpace(os.Getenv(key)) }
