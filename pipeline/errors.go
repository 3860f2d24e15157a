package pipeline

import (
	"errors"
	"fmt"
)

// The kinds of failure that only the job knows. The warehouse has its own; cmd maps both to exit codes.
var (
	// ErrConfig is wrapped by what the configuration has wrong: a source that is not there, a column of the wrong type.
	ErrConfig = errors.New("configuration")
	// ErrNotReady is wrapped where a source is empty or too old to run on.
	ErrNotReady = errors.New("source not ready")
	// ErrRejected is wrapped where the data, an audit or the gate forbids to publish.
	ErrRejected = errors.New("rejected")
)

// configError marks err as the configuration's fault without adding words to it.
func configError(err error) error { return kindError{ErrConfig, err} }

// rejected is an error that says why the data were refused.
func rejected(format string, args ...any) error {
	return kindError{ErrRejected, fmt.Errorf(format, args...)}
}

func notReady(format string, args ...any) error {
	return kindError{ErrNotReady, fmt.Errorf(format, args...)}
}

// A kindError is err, and is kind as well.
type kindError struct{ kind, err error }

func (e kindError) Error() string   { return e.err.Error() }
func (e kindError) Unwrap() []error { return []error{e.kind, e.err} }
