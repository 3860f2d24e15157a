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
	a := &app{out: os.Stdout, err: os.Stderr, now: time.Now, getenv: os.Getenv, columns: widthOf(os.Stdout), screen: widthOf(os.Stderr)}
	a.terminal = a.screen != nil
	code := a.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// widthOf tells the width of the terminal that f is, 0 where it does not say; nil where f is no terminal.
func widthOf(f *os.File) func() int {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return nil
	}
	return func() int {
		width, _, err := term.GetSize(fd)
		if err != nil {
			return 0
		}
		return width
	}
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
