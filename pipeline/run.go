package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms"
	"segments/transforms/frame"
)

// Options say what to run.
type Options struct {
	AsOf         time.Time // the slot's day
	DryRun       bool      // stop before the publish
	Backfill     bool      // write history only: the date is never what the _current views show
	ValidateOnly bool      // only the backtest

	Accept []Acceptance // checks that may fail
}

// A Result says what a run did.
type Result struct {
	Run       warehouse.Run
	Published bool // by this run
	Already   bool // the slot had been published with the same digest: nothing was done
	Customers int64
	LeftOut   []Reject // people left out, by reason
	Rejects   []Reject // rows of the sources, by source and reason
	Segments  []SegmentSize
	Checks    []Check
	Backtests []Backtest // newest origin first
	Warnings  []string
	Notes     []string // what a person may want to know, and no check says
	Moved     *Move    // the largest move between core segments; nil where there was none to tell of
	Elapsed   time.Duration

	// Staged is what a run would have published that did not: rejected, or dry. It can be read until the warehouse is closed;
	// what is Kept, longer.
	Staged []warehouse.Ref
	Kept   warehouse.Kept

	Planned     Cost  // what the run was expected to read
	BytesBilled int64 // what the warehouse billed for the run; 0 where it does not charge
}

// A SegmentSize is how many customers a core segment has.
type SegmentSize struct {
	Segment   string
	Customers int64
}

// A run is one execution of a Job.
type run struct {
	*Job
	Options
	id       warehouse.Run
	sources  []source
	prev     generation
	back     lookback
	started  time.Time
	planned  Cost
	moved    *Move
	stale    map[string]staleness // by source
	checks   []Check
	warnings []string
	rejects  []Reject

	tables map[string]warehouse.Ref // staged inputs by logical name
	absent []sql.Relation           // what stands for the canonical inputs of sources that are not configured
	staged []warehouse.Ref          // outputs, the ledger's included

	applied  []warehouse.Ref // of those, what the chain gave of each customer
	profiled warehouse.Ref   // of those, segment_profiles

	labeled []labels // of the backtest's origins, oldest first

	inputsAt map[frame.Day]warehouse.Ref // what the core segment is scored from, by day: see coreInputs
}

// Run does the job for one slot. Where the data are rejected, the error wraps ErrRejected, the ledger says why, and the
// result holds what was found.
//
// Each step has a span, a child of that in ctx; where ctx has none that records, nothing is traced.
func (j *Job) Run(ctx context.Context, o Options) (*Result, error) {
	ctx = withSpans(ctx)
	res, err := j.run(ctx, o)
	endSpan(ctx, err)
	return res, err
}

func (j *Job) run(ctx context.Context, o Options) (*Result, error) {
	r := &run{Job: j, Options: o, started: j.Now(), tables: map[string]warehouse.Ref{}, stale: map[string]staleness{}}
	if o.AsOf.IsZero() {
		return nil, configError(errors.New("no as-of date"))
	}
	if today := frame.DayOf(j.Now().In(j.Location)); frame.DayOf(o.AsOf) > today {
		return nil, configError(fmt.Errorf("the as-of date %s has not come yet", o.AsOf.Format(time.DateOnly)))
	}
	err := r.claim(ctx)
	already := errors.Is(err, warehouse.ErrDone)
	if err != nil && !already {
		return nil, err
	}
	if err := j.Warehouse.Sweep(ctx); err != nil {
		return nil, err
	}
	if already {
		return r.result(&Result{Run: r.id, Already: true}), nil
	}
	res := &Result{Run: r.id}
	refs, err := r.work(ctx, res)
	r.checkWarnings()
	res.Checks, res.Rejects, res.Warnings, res.Notes = r.checks, r.rejects, r.warnings, r.unused()
	switch {
	case err != nil, o.ValidateOnly:
	case o.DryRun:
		_, err = r.stageLedger(ctx)
	default:
		err = r.publish(ctx, res, refs)
	}
	endSpan(ctx, err)
	if err != nil && !errors.Is(err, warehouse.ErrBroken) && ctx.Err() == nil && !o.DryRun && !o.ValidateOnly {
		if recErr := r.record(ctx, res, err); recErr != nil {
			j.Log.Warn("the ledger could not be told of the failure", "error", recErr)
		}
	}
	return r.result(res), err
}

// result adds to res what is known at the end.
func (r *run) result(res *Result) *Result {
	res.Elapsed = r.Now().Sub(r.started)
	res.Planned, res.BytesBilled, res.Moved = r.planned, r.Warehouse.Charges().Bytes, r.moved
	if !res.Published && !res.Already {
		res.Staged = r.staged
	}
	return res
}

// claim fingerprints the inputs and claims the slot. Where another run published in between, it looks again.
func (r *run) claim(ctx context.Context) error {
	if err := r.affordable(ctx); err != nil {
		return err
	}
	for try := 1; ; try++ {
		if err := r.waitUntilFresh(ctx); err != nil {
			return err
		}
		var err error
		if r.sources, err = r.fingerprint(ctx); err != nil {
			return err
		}
		if r.prev, err = r.previous(ctx, r.AsOf); err != nil {
			return err
		}
		if r.back, err = r.lookedBack(ctx, r.AsOf, r.prev); err != nil {
			return err
		}
		digest, err := r.digest(r.AsOf, r.sources, r.prev, r.back.runs(), r.mode())
		if err != nil {
			return err
		}
		r.id = warehouse.Run{
			ID: runName(r.AsOf, digest), Name: r.Name, AsOf: r.AsOf, Digest: digest, Previous: r.prev.runID,
			Backfill: r.Backfill,
		}
		err = r.Warehouse.Claim(ctx, r.id)
		if !errors.Is(err, warehouse.ErrMoved) || try == 3 {
			return err
		}
	}
}

// mode is what o makes the result depend on.
func (o Options) mode() string {
	mode := "run"
	switch {
	case o.ValidateOnly:
		mode = "validate"
	case o.DryRun:
		mode = "dry-run"
	}
	return strings.Join(append([]string{mode}, acceptedNames(o.Accept)...), " --accept ")
}

// work does everything up to the publish, and returns the staged tables to be published.
func (r *run) work(ctx context.Context, res *Result) ([]warehouse.Ref, error) {
	if err := r.canonical(ctx); err != nil {
		return nil, err
	}
	if err := r.auditSources(ctx); err != nil {
		return nil, err
	}
	if err := r.warnOfTime(ctx); err != nil {
		return nil, err
	}
	var weeks warehouse.Ref
	if !r.ValidateOnly {
		var err error
		if weeks, err = r.auditHistory(ctx); err != nil {
			return nil, err
		}
		r.staged = append(r.staged, weeks)
	}
	withheld, validated, err := r.backtest(ctx, res)
	r.staged = append(r.staged, validated...)
	if err != nil {
		return nil, err
	}
	if r.ValidateOnly {
		return nil, r.verdict()
	}
	features, err := r.features(ctx, r.AsOf, true)
	if err != nil {
		return nil, err
	}
	models, warnings, err := r.storedModels(ctx, r.prev)
	if err != nil {
		return nil, err
	}
	r.warnings = append(r.warnings, warnings...)
	c, err := r.fit(ctx, features, models)
	if err != nil {
		return nil, err
	}
	refs, err := r.stage(ctx, c, features, withheld)
	r.staged = append(r.staged, refs...)
	if err != nil {
		return nil, err
	}
	refs = append(refs, validated...)
	refs = append(refs, weeks)
	if err := r.audit(ctx, res, refs); err != nil {
		return nil, err
	}
	return refs, r.verdict()
}

// publish makes the staged tables and the ledger visible.
func (r *run) publish(ctx context.Context, res *Result, refs []warehouse.Ref) error {
	ctx = r.step(ctx, "publish")
	ledger, err := r.stageLedger(ctx)
	if err != nil {
		return err
	}
	var keepFrom time.Time
	if r.RetentionDays > 0 {
		keepFrom = r.AsOf.AddDate(0, 0, -r.RetentionDays)
	}
	if err := r.Warehouse.Publish(ctx, r.entry(warehouse.Published, res, headline(res)), keepFrom, r.views(), append(refs, ledger...)...); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	res.Published = true
	return nil
}

// record tells the ledger that nothing was published, and why.
func (r *run) record(ctx context.Context, res *Result, why error) error {
	state := warehouse.Failed
	if errors.Is(why, ErrRejected) || errors.Is(why, warehouse.ErrBadData) || errors.Is(why, transforms.ErrTooFewRows) {
		state = warehouse.Rejected
	}
	ledger, err := r.stageLedger(ctx)
	if err != nil {
		return err
	}
	if err := r.Warehouse.Record(ctx, r.entry(state, res, why.Error()), ledger...); err != nil || state != warehouse.Rejected {
		return err
	}
	if res.Kept, err = r.Warehouse.Keep(ctx, distinct(r.staged)...); err != nil {
		r.Log.Warn("what was staged cannot be looked at later", "error", err)
	}
	return nil
}

// distinct is refs with the last one of each name.
func distinct(refs []warehouse.Ref) []warehouse.Ref {
	var out []warehouse.Ref
	for i, r := range refs {
		if !slices.ContainsFunc(refs[i+1:], func(later warehouse.Ref) bool { return later.Table.Name == r.Table.Name }) {
			out = append(out, r)
		}
	}
	return out
}

func (r *run) entry(s warehouse.State, res *Result, message string) warehouse.Entry {
	e := warehouse.Entry{
		Run: r.id, State: s, StartedAt: r.started, EndedAt: r.Now(), Customers: res.Customers,
		BytesBilled: r.Warehouse.Charges().Bytes, Snapshot: r.snapshot, CodeVersion: r.CodeVersion, Message: message,
	}
	for _, l := range res.LeftOut {
		e.LeftOut += l.Rows
	}
	return e
}

// headline is what a person should know of a published run.
func headline(res *Result) string {
	s := fmt.Sprintf("%d customers in %d segments", res.Customers, len(res.Segments))
	for _, c := range res.Checks {
		if c.Name == checkGate {
			s += "; " + c.Detail
		}
	}
	if taken := accepted(res.Checks); taken != nil {
		s = strings.TrimSuffix(s, ".") + "; accepted: " + strings.Join(taken, ", ")
	}
	return s
}
