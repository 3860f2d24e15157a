package main

import (
	"context"
	"errors"
	"syscall"

	"segments/pipeline"
	"segments/pipeline/config"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms"
)

// Exit codes. 2 is what a crashed Go program gives and is never chosen.
const (
	exitOK         = 0
	exitBug        = 1
	exitRejected   = 3
	exitPermission = 4
	exitBudget     = 5
	exitNotReady   = 6
	exitChanges    = 10 // of plan --detailed-exitcode
	exitConfig     = 64
	exitTemporary  = 75
)

// usageError is what is wrong with the command line.
type usageError struct{ err error }

// Error implements error.
func (e usageError) Error() string { return e.err.Error() }

// Unwrap returns the error itself.
func (e usageError) Unwrap() error { return e.err }

// exitError asks for an exit code without an error to tell.
type exitError int

// Error implements error.
func (exitError) Error() string { return "" }

// exitCode returns the code of err. running says that it happened in a run: a column that a source has lost since the
// check is the data's fault then, no longer the configuration's.
func exitCode(ctx context.Context, err error, running bool) int {
	var (
		asked    exitError
		usage    usageError
		bad      *config.Error
		signaled signalError
	)
	is := func(kinds ...error) bool {
		for _, k := range kinds {
			if errors.Is(err, k) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &asked):
		return int(asked)
	case errors.As(context.Cause(ctx), &signaled):
		return 128 + int(signaled.sig)
	case is(pipeline.ErrNotReady) && !is(pipeline.ErrConfig): // what is wrong is wrong, whatever is late besides
		return exitNotReady
	case is(pipeline.ErrRejected, warehouse.ErrBadData, transforms.ErrTooFewRows), running && is(sql.ErrNoColumn, sql.ErrColumnType):
		return exitRejected
	case is(warehouse.ErrPermission):
		return exitPermission
	case is(warehouse.ErrBudget):
		return exitBudget
	case is(warehouse.ErrBusy, warehouse.ErrTemporary, warehouse.ErrMoved, syscall.ENOSPC, syscall.EDQUOT): // the last two: no room for a file
		return exitTemporary
	case errors.As(err, &usage), errors.As(err, &bad), is(pipeline.ErrConfig, pipeline.ErrNothing, warehouse.ErrOwner, warehouse.ErrUnusable):
		return exitConfig
	}
	return exitBug
}
