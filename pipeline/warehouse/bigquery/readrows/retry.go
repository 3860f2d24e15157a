package readrows

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"segments/pipeline/warehouse"
)

// A pause is drawn between nothing and a bound that doubles with every failure in a row ("full jitter": Brooker,
// Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
const (
	firstPause = time.Second
	maxPause   = 32 * time.Second
)

// A failure is one that is worth another try though it is no answer of the server.
type failure struct {
	kind error
	text string
}

func failuref(kind error, format string, args ...any) error {
	return &failure{kind, fmt.Sprintf(format, args...)}
}

func (f *failure) Error() string { return f.kind.Error() + ": " + f.text }
func (f *failure) Unwrap() error { return f.kind }

// retry calls f until it succeeds, fails for good, or has failed too often in a row without progress.
func (r *Reader) retry(ctx context.Context, what string, f func() (progress bool, err error)) error {
	for failures := 0; ; {
		progress, err := f()
		if err == nil {
			return nil
		}
		if err := ended(ctx); err != nil {
			return err
		}
		if progress {
			failures = 0
		}
		if failures++; failures >= r.o.Attempts || !transient(err) {
			return explain(err)
		}
		wait := pause(failures, err)
		r.o.Log.Warn("reading again", "what", what, "failures", failures, "pause", wait, "error", oneLine(err))
		if err := r.o.Pause(ctx, wait); err != nil {
			return err
		}
	}
}

// ended returns why ctx has ended, nil if it has not. A deadline that has passed counts before the context knows of it:
// gRPC, too, looks at the clock.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// transient reports whether err may go away by itself. Reading has no effects: what is not known to be for good is not.
func transient(err error) bool {
	if f := (*failure)(nil); errors.As(err, &f) {
		return true
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.Internal, codes.Aborted, codes.ResourceExhausted,
		codes.DeadlineExceeded, // the server's own or that of one call: ctx has not ended
		codes.Canceled,         // by the server, or a proxy
		codes.Unknown:          // HTTP 500 of a proxy
		return true
	}
	return false
}

// explain returns the last error of a read, of a kind that package warehouse names.
func explain(err error) error {
	if f := (*failure)(nil); errors.As(err, &f) {
		return err
	}
	s := status.Convert(err)
	var kind error
	switch {
	case s.Code() == codes.PermissionDenied || s.Code() == codes.Unauthenticated:
		kind = warehouse.ErrPermission
	case s.Code() == codes.NotFound:
		kind = warehouse.ErrNotFound
	case transient(err):
		kind = warehouse.ErrTemporary
	default:
		return fmt.Errorf("%s (%s)", oneLine(err), s.Code())
	}
	return fmt.Errorf("%w: %s (%s)", kind, oneLine(err), s.Code())
}

// oneLine returns what err says, on one line.
func oneLine(err error) string {
	return strings.Join(strings.Fields(status.Convert(err).Message()), " ")
}

// pause returns how long to wait after failures in a row, the last of which is err.
func pause(failures int, err error) time.Duration {
	wait := rand.N(min(firstPause<<min(failures-1, 10), maxPause))
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok { // the server says how long it wants to be left alone
			wait += max(0, min(info.GetRetryDelay().AsDuration(), 2*maxPause))
		}
	}
	return wait
}
