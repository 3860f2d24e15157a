package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/invopop/jsonschema"
)

// Days is a number of days, written 90d.
type Days int

var daysForm = regexp.MustCompile(`^([0-9]{1,5})d$`)

// UnmarshalYAML reads 90d.
func (d *Days) UnmarshalYAML(unmarshal func(any) error) error {
	s, err := word(unmarshal)
	if err != nil {
		return fmt.Errorf("%w, want a number of days such as 90d", err)
	}
	m := daysForm.FindStringSubmatch(s)
	if m == nil {
		return fmt.Errorf("%q is no number of days; want for example 90d", s)
	}
	v, err := strconv.Atoi(m[1])
	*d = Days(v)
	return err
}

// word reads a scalar as it is written.
func word(unmarshal func(any) error) (string, error) {
	var v any
	if err := unmarshal(&v); err != nil {
		return "", err
	}
	switch v.(type) {
	case []any:
		return "", errors.New("is a list")
	case map[string]any:
		return "", errors.New("is a mapping")
	}
	return fmt.Sprint(v), nil
}

// String returns 90d.
func (d Days) String() string { return strconv.Itoa(int(d)) + "d" }

// MarshalText returns 90d.
func (d Days) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// JSONSchema describes the written form.
func (Days) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: daysForm.String()}
}

// Duration is a duration, written 2h or 90m.
type Duration time.Duration

// UnmarshalYAML reads what time.ParseDuration reads.
func (d *Duration) UnmarshalYAML(unmarshal func(any) error) error {
	s, err := word(unmarshal)
	if err != nil {
		return fmt.Errorf("%w, want a duration such as 2h or 30m", err)
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration; want for example 2h or 30m", s)
	}
	*d = Duration(v)
	return nil
}

const durationPattern = `^([0-9]+(\.[0-9]+)?(h|m|s|ms|us|ns))+$`

// String returns the written form, such as 2h0m0s.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText returns the written form.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// JSONSchema describes the written form.
func (Duration) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: durationPattern}
}
