package main

import (
	"context"
	"errors"

	"segments/pipeline"
	"segments/pipeline/telemetry"
	"segments/pipeline/warehouse"
)

// watched does what f does, with telemetry where the environment asks for it: the runs in f are told of until it ends.
func (a *app) watched(ctx context.Context, f func(context.Context) error) error {
	a.telemetry = telemetry.Start(ctx, version, a.logger())
	defer func() {
		a.telemetry.Close()
		a.telemetry = nil
	}()
	return f(ctx)
}

// summary is what telemetry is told of a run that gave res, if anything, and err.
func (a *app) summary(ctx context.Context, o pipeline.Options, res *pipeline.Result, err error) telemetry.Summary {
	if res == nil {
		res = &pipeline.Result{}
	}
	code := exitCode(ctx, err, a.running)
	s := telemetry.Summary{
		Mode: mode(o), RunID: res.Run.ID, AsOf: o.AsOf, Outcome: outcome(code, o, res, err), ExitCode: code, Err: err,
		Current: (res.Published || res.Already) && !o.Backfill, Customers: res.Customers, BytesBilled: res.BytesBilled,
		LeftOut: map[string]int64{}, Checks: map[string]int64{},
	}
	if a.config != nil {
		s.Configuration = a.config.Name
	}
	for _, l := range res.LeftOut {
		s.LeftOut[l.Reason] += l.Rows
	}
	if len(res.Checks) > 0 { // then a state without any is told of too
		for _, state := range []pipeline.CheckState{pipeline.Passed, pipeline.Warned, pipeline.Failed, pipeline.Accepted, pipeline.NotEvaluated} {
			s.Checks[string(state)] = 0
		}
	}
	for _, c := range res.Checks {
		s.Checks[string(c.State)]++
	}
	return s
}

func mode(o pipeline.Options) string {
	switch {
	case o.ValidateOnly:
		return "validate"
	case o.DryRun:
		return "dry_run"
	case o.Backfill:
		return "backfill"
	}
	return "run"
}

// outcome is how a run ended, in a word.
func outcome(code int, o pipeline.Options, res *pipeline.Result, err error) string {
	switch {
	case errors.Is(err, warehouse.ErrBroken):
		return "broken"
	case code == exitOK && res.Already:
		return "already_published"
	case code == exitOK && o.ValidateOnly:
		return "validated"
	case code == exitOK && o.DryRun:
		return "dry_run"
	case code > 128:
		return "stopped"
	}
	switch code {
	case exitOK:
		return "published"
	case exitRejected:
		return "rejected"
	case exitPermission:
		return "permission"
	case exitBudget:
		return "budget"
	case exitNotReady:
		return "not_ready"
	case exitConfig:
		return "configuration"
	case exitTemporary:
		return "temporary"
	}
	return "bug"
}
