// Segments is a batch job that computes customer segments in a warehouse, proves them on what customers did next, and
// publishes them all at once or not at all.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

func main() {
	ctx, stop := withSignals(context.Background())
	defer stop()
	a := &app{
		out: os.Stdout, err: os.Stderr, now: time.Now, getenv: os.Getenv,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	code := a.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// A signalError is the cause of a context that a signal ended.
type signalError struct{ sig syscall.Signal }

// Error implements error.
func (e signalError) Error() string { return "stopped by signal: " + e.sig.String() }

// withSignals returns a context that SIGINT and SIGTERM end, with the signal as its cause.
func withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case s := <-ch:
			signal.Stop(ch) // a second signal ends the process at once
			cancel(signalError{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(ch); cancel(errors.New("done")) }
}
