package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A Check is an audit or a verdict of a run.
type Check struct {
	Name    string // what was checked
	Subject string // the table, source, segmentation or step it is about
	State   CheckState
	Detail  string // what was seen, in words and numbers
}

// A CheckState is how a check went.
type CheckState string

// The states of a check. Failed forbids to publish, Accepted would if nobody had accepted it.
const (
	Passed       CheckState = "passed"
	Warned       CheckState = "warned"
	Failed       CheckState = "failed"
	Accepted     CheckState = "accepted"
	NotEvaluated CheckState = "not_evaluated"
)

// The names of the checks.
const (
	checkRejected     = "rejected_rows"
	checkAnonymous    = "anonymous_rows"
	checkCurrency     = "one_currency"
	checkRefunds      = "unmatched_refunds"
	checkKeys         = "unique_keys"
	checkValues       = "accepted_values"
	checkConservation = "conservation"
	checkCollapse     = "collapse"
	checkVolume       = "volume"
	checkHistory      = "history"
	checkAmounts      = "amounts"
	checkRecent       = "recent_rows"
	checkGate         = "gate"
	checkForecast     = "forecast_beats_naive"
	checkFit          = "fit"
	checkRatio        = "sample_ratio"
	checkExperiment   = "experiment"
	checkShifts       = "shifts"
	checkDrift        = "drift"
	checkWarnings     = "warnings"
)

// A Reject counts rows of a source, or people, by what became of them.
type Reject struct {
	Source, Reason string
	Rows           int64
}

func (r *run) check(name, subject string, state CheckState, format string, args ...any) {
	r.checks = append(r.checks, r.accept(Check{name, subject, state, fmt.Sprintf(format, args...)}))
}

// checkWarnings makes checks of the warnings, one for each step that warned, so that the ledger has them.
func (r *run) checkWarnings() {
	by := map[string][]string{}
	var steps []string
	for _, w := range r.warnings {
		name, text, ok := strings.Cut(w, ": ")
		if !ok || strings.Contains(name, " ") {
			name, text = "run", w
		}
		if by[name] == nil {
			steps = append(steps, name)
		}
		by[name] = append(by[name], text)
	}
	for _, s := range steps {
		r.check(checkWarnings, s, Warned, "%s", strings.Join(by[s], " "))
	}
}

// verdict is an error that wraps ErrRejected where a check failed, and says which.
func (r *run) verdict() error {
	var why []string
	for _, c := range r.checks {
		if c.State == Failed {
			why = append(why, fmt.Sprintf("%s of %s: %s", c.Name, c.Subject, strings.TrimSuffix(c.Detail, ".")))
		}
	}
	if why == nil {
		return nil
	}
	return rejected("nothing was published. %s", strings.Join(why, ". "))
}

// audit looks at the staged tables: keys, accepted values, conservation of customers, sizes.
func (r *run) audit(ctx context.Context, res *Result, refs []warehouse.Ref) error {
	ctx = r.step(ctx, "audit")
	if err := r.auditTables(ctx, refs); err != nil {
		return err
	}
	if err := r.auditConservation(ctx, res, refs); err != nil {
		return err
	}
	return r.auditSizes(ctx, res, refs[0])
}

var (
	auditColumn = frame.String("column_name", "")
	auditCheck  = frame.String("check_name", "")
	auditRows   = frame.Int64("bad_rows", "")
)

// auditTables checks keys and values in the staged tables. What it finds is told in their order.
func (r *run) auditTables(ctx context.Context, refs []warehouse.Ref) error {
	found := make([][]frame.Batch, len(refs))
	err := r.sideBySide(ctx, len(refs), func(ctx context.Context, i int) error {
		q, err := sql.Audit(refs[i].Table, r.Warehouse.Dialect(), refs[i].As("t"))
		if err != nil {
			return err
		}
		for b, err := range r.Warehouse.Query(ctx, q) {
			if err != nil {
				return fmt.Errorf("audit %s: %w", refs[i].Table.Name, err)
			}
			found[i] = append(found[i], b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, ref := range refs {
		r.tellAudit(ref, found[i])
	}
	return nil
}

// tellAudit makes checks of what the audit of one table found.
func (r *run) tellAudit(ref warehouse.Ref, found []frame.Batch) {
	bad := map[string]bool{}
	for _, b := range found {
		for i := range int(b.NumRows()) {
			name := auditCheck.Of(b).Value(i)
			bad[name] = true
			r.check(name, ref.Table.Name+"."+auditColumn.Of(b).Value(i), Failed, "%d rows", auditRows.Of(b).Value(i))
		}
	}
	for _, name := range []string{checkKeys, checkValues} {
		if !bad[name] {
			r.check(name, ref.Table.Name, Passed, "%d rows", ref.Rows)
		}
	}
}

// auditConservation checks that everybody known is segmented or left out for a reason, once in each customer table.
func (r *run) auditConservation(ctx context.Context, res *Result, refs []warehouse.Ref) error {
	q, err := r.bind("population", r.AsOf)
	if err != nil {
		return err
	}
	var known, leftOut int64
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return fmt.Errorf("count the population: %w", err)
		}
		for i := range int(b.NumRows()) {
			reason, n := rejectReason.Of(b).Value(i), rejectRows.Of(b).Value(i)
			if reason == "known" {
				known = n
				continue
			}
			if n > 0 {
				leftOut += n
				res.LeftOut = append(res.LeftOut, Reject{populationSource, reason, n})
			}
		}
	}
	r.rejects = append(r.rejects, Reject{populationSource, "read", known})
	r.rejects = append(r.rejects, res.LeftOut...)
	for _, ref := range refs {
		if !slices.Equal(ref.Table.Key, customer.Features.Key) {
			continue
		}
		res.Customers = ref.Rows
		if ref.Rows+leftOut != known {
			r.check(checkConservation, ref.Table.Name, Failed, "%d customers known, %d in the table and %d left out", known, ref.Rows, leftOut)
			continue
		}
		r.check(checkConservation, ref.Table.Name, Passed, "%d customers known = %d in the table + %d left out", known, ref.Rows, leftOut)
	}
	r.rejects = append(r.rejects, Reject{populationSource, "used", res.Customers})
	if res.Customers == 0 {
		r.check(checkVolume, allCustomers, Failed, "nobody is left to segment: %d known, %d left out", known, leftOut)
	}
	return nil
}

const populationSource = "customers_known"

// stageLedger stages run_checks and run_rejects.
func (r *run) stageLedger(ctx context.Context) ([]warehouse.Ref, error) {
	n := len(r.checks)
	id, names, subjects, states, details := repeat(r.id.ID, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, c := range r.checks {
		names[i], subjects[i], states[i], details[i] = c.Name, c.Subject, string(c.State), c.Detail
	}
	checks := frame.Record(runID.Array(id, nil), checkName.Array(names, nil), checkSubject.Array(subjects, nil), checkState.Array(states, nil),
		checkDetail.Array(details, nil))
	n = len(r.rejects)
	sources, reasons, rows := make([]string, n), make([]string, n), make([]int64, n)
	for i, x := range r.rejects {
		sources[i], reasons[i], rows[i] = x.Source, x.Reason, x.Rows
	}
	rejects := frame.Record(runID.Array(repeat(r.id.ID, n), nil), rejectSource.Array(sources, nil), rejectReason.Array(reasons, nil),
		rejectRows.Array(rows, nil))
	refs, err := r.stageBatches(ctx, staging{runChecks, []frame.Batch{checks}}, staging{runRejects, []frame.Batch{rejects}})
	r.staged = append(r.staged, refs...)
	return refs, err
}

func repeat[V any](v V, n int) []V {
	out := make([]V, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// stageBatch stages b as the table t.
func (r *run) stageBatch(ctx context.Context, t frame.Table, bs ...frame.Batch) (warehouse.Ref, error) {
	refs, err := r.stageBatches(ctx, staging{t, bs})
	if err != nil {
		return warehouse.Ref{}, err
	}
	return refs[0], nil
}
