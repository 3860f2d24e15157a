package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// featureColumns are what the steps may read.
func featureColumns() []frame.Column { return customer.Features.Columns }

// relation is the staged input called name, or what stands for it where its source is not there.
func (r *run) relation(name string) sql.Relation {
	rels := r.relations()
	return rels[slices.IndexFunc(rels, func(rel sql.Relation) bool { return rel.Name == name })]
}

// params are the values of the queries' named parameters for the as-of day at.
func (r *run) params(at time.Time) map[string]any {
	p := map[string]any{
		"timezone": r.Location.String(), "snapshot": frame.MomentOf(r.snapshot), "horizon_days": int64(r.HorizonDays),
		"as_of_day": int64(frame.DayOf(at)), "as_of_end_us": dayEnd(at, r.Location).UnixMicro(),
		"today_day": int64(frame.DayOf(r.Now().In(r.Location))), "undated": frame.DayOf(at) == frame.DayOf(r.AsOf),
		"has_web":   configured(r.sources, "web_events"),
		"has_email": configured(r.sources, "email_events"), "has_conversions": configured(r.sources, "conversions"),
		"has_discounts": given(r.sources, "orders", "discount_amount"), "has_stores": given(r.sources, "orders", "store_id"),
	}
	sigs, err := r.signatures()
	if err != nil {
		panic(err) // claim has seen to it
	}
	for _, s := range sigs {
		for k, v := range s.Params {
			p[k] = v
		}
	}
	return p
}

// dayEnd is the moment at which the day of t ends in loc.
func dayEnd(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, loc)
}

// relations are the staged inputs of the run.
func (r *run) relations() []sql.Relation {
	out := append([]sql.Relation{sql.Rates(r.Rates, r.Warehouse.Dialect())}, r.absent...)
	for name, ref := range r.tables {
		out = append(out, ref.As(name))
	}
	slices.SortFunc(out, func(a, b sql.Relation) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
	return out
}

// bind returns the query called name over the staged inputs and more, for the as-of day at.
func (r *run) bind(name string, at time.Time, more ...sql.Relation) (sql.Query, error) {
	return r.resolve(name, r.params(at), append(r.relations(), more...))
}

func (r *run) resolve(name string, params map[string]any, have []sql.Relation) (sql.Query, error) {
	d := r.Warehouse.Dialect()
	rels, err := sql.Resolve(name, d, have...)
	if err != nil {
		return sql.Query{}, err
	}
	return sql.Bind(name, d, params, rels...)
}

// materialize stages what the query of t's name gives, as t with suffix.
func (r *run) materialize(ctx context.Context, t frame.Table, suffix string, at time.Time, more ...sql.Relation) (warehouse.Ref, error) {
	q, err := r.bind(t.Name, at, more...)
	if err != nil {
		return warehouse.Ref{}, err
	}
	t.Name += suffix
	return r.Warehouse.Materialize(ctx, t, q)
}

// canonical stages the canonical inputs: each source once, then what is prepared of them for all dates.
func (r *run) canonical(ctx context.Context) error {
	d := r.Warehouse.Dialect()
	for _, name := range sql.SourceNames() {
		t := sql.Canonical(name)
		at := slices.IndexFunc(r.sources, func(s source) bool { return s.Name == name })
		if at < 0 {
			r.absent = append(r.absent, sql.Empty(t, d))
			continue
		}
		ctx := r.step(ctx, "stage "+name)
		ref, err := r.materialize(ctx, t, "", r.AsOf, r.sources[at].typed)
		if err != nil {
			return fmt.Errorf("sources.%s: %w", name, err)
		}
		r.tables[t.Name] = ref
	}
	for _, t := range sql.Prepared() {
		ctx := r.step(ctx, "prepare "+t.Name)
		ref, err := r.materialize(ctx, t, "", r.AsOf)
		if err != nil {
			return err
		}
		r.tables[t.Name] = ref
	}
	return nil
}

// features stages the customer features as of the day at. withPrevious takes in what the previous generation said of
// each customer; a backtest does not.
func (r *run) features(ctx context.Context, at time.Time, withPrevious bool) (warehouse.Ref, error) {
	suffix := "_" + at.Format("20060102")
	var steps []sql.Relation
	for _, t := range sql.AsOf() {
		ctx := r.stepAsOf(ctx, "read "+t.Name, at)
		ref, err := r.materialize(ctx, t, suffix, at, steps...)
		if err != nil {
			return warehouse.Ref{}, err
		}
		steps = append(steps, ref.As(t.Name))
		r.tables[t.Name] = ref // of the newest date read: what is asked next is about it
	}
	ctx = r.stepAsOf(ctx, "read customer_features", at)
	previous, err := r.previousSegments(ctx, withPrevious)
	if err != nil {
		return warehouse.Ref{}, err
	}
	params := r.params(at)
	params["previous_as_of"] = frame.DayOf(r.prev.asOf)
	q, err := r.resolve(customer.Features.Name, params, append(r.relations(), previous))
	if err != nil {
		return warehouse.Ref{}, err
	}
	t := customer.Features
	if !withPrevious {
		t.Name += suffix
	}
	ref, err := r.Warehouse.Materialize(ctx, t, q)
	if err == nil {
		r.keepInputs(at, ref)
	}
	return ref, err
}

// previousSegments is the relation of what the previous generation said of each customer.
func (r *run) previousSegments(ctx context.Context, want bool) (sql.Relation, error) {
	d := r.Warehouse.Dialect()
	none := sql.Empty(frame.Table{Name: "previous", Columns: []frame.Column{
		customer.ID.Column, frame.String(r.CoreSegment, "").Column, frame.Date(r.CoreSegment+"_since", "").Column,
	}}, d)
	if !want || r.prev.runID == "" {
		return none, nil
	}
	ref, ok, err := r.Warehouse.Published(ctx, r.customerSegments())
	if err != nil || !ok {
		return none, err
	}
	history, ok, err := r.Warehouse.Published(ctx, segmentHistory)
	if err != nil || !ok || r.back.behind == "" {
		return ref.As("previous").Where(d, "as_of", "previous_as_of"), err
	}
	return r.previousSince(ctx, ref, history)
}

var (
	currencyCode = frame.String("currency", "").Null()
	sourceNote   = frame.Bool("note", "")
)

// auditSources counts what became of every row, and rejects the run where too much had to be put aside.
func (r *run) auditSources(ctx context.Context) error {
	q, err := r.bind("source_rows", r.AsOf)
	if err != nil {
		return err
	}
	counts := map[string]map[string]int64{}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return fmt.Errorf("count the sources' rows: %w", err)
		}
		for i := range int(b.NumRows()) {
			source, reason, n := rejectSource.Of(b).Value(i), rejectReason.Of(b).Value(i), rejectRows.Of(b).Value(i)
			r.rejects = append(r.rejects, Reject{source, reason, n})
			if counts[source] == nil {
				counts[source] = map[string]int64{}
			}
			if sourceNote.Of(b).Value(i) {
				reason = "note " + reason
			}
			counts[source][reason] = n
		}
	}
	for _, s := range r.sources {
		r.auditSource(s, counts[s.Name])
	}
	if err := r.auditCurrency(ctx); err != nil {
		return err
	}
	if err := r.auditRefunds(ctx); err != nil {
		return err
	}
	return r.verdict()
}

// Reasons of source_rows that put nothing aside, or only what was there already.
var harmless = []string{"read", "used", "later", "duplicate", "duplicate_key", "not_a_purchase", "missing_customer_id", "several_variants"}

func (r *run) auditSource(s source, counts map[string]int64) {
	read := counts["read"]
	if read == 0 && s.rows == 0 {
		return
	}
	if read != s.rows {
		r.check(checkConservation, s.Name, Failed, "%d rows were fingerprinted and %d read: the source changed in between", s.rows, read)
		return
	}
	var accounted, aside int64
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		n := counts[reason]
		if reason == "read" || len(reason) > 5 && reason[:5] == "note " {
			continue
		}
		accounted += n
		if !slices.Contains(harmless, reason) {
			aside += n
			why = append(why, fmt.Sprintf("%s %d", reason, n))
		}
	}
	state := Passed
	if accounted != read {
		state = Failed
	}
	r.check(checkConservation, s.Name, state, "%d rows read, %d accounted for", read, accounted)
	r.limit(checkRejected, s.Name, aside, read, r.MaxRejected, "quality.max_rejected", putAside(why))
	if s.Name == "costs" { // they are nobody's
		return
	}
	r.limit(checkAnonymous, s.Name, counts["missing_customer_id"], read, r.MaxAnonymous, "quality.max_anonymous", "have no customer")
}

func (r *run) limit(check, source string, n, of int64, most float64, key, what string) {
	share, state := float64(n)/float64(of), Passed
	switch {
	case share > most && !slices.Contains(besides, source):
		state = Failed
	case n > 0:
		state = Warned
	}
	r.check(check, source, state, "%d of %d rows (%.1f %%) %s; %s allows %.1f %%", n, of, 100*share, what, key, 100*most)
}

// mostUnmatched is the share of the money ordered that may be given back without an order before a run warns.
const mostUnmatched = 0.02

var (
	unmatchedMoney = frame.Int64("unmatched", "")
	orderedMoney   = frame.Int64("ordered", "")
)

// auditRefunds warns where much money was given back that belongs to no order: it counts against what customers spent so
// far, and not against the value of any order.
func (r *run) auditRefunds(ctx context.Context) error {
	q, err := r.bind("unmatched_refunds", r.AsOf)
	if err != nil {
		return err
	}
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return fmt.Errorf("sum the refunds: %w", err)
		}
		unmatched, ordered := unmatchedMoney.Of(b).Value(0), orderedMoney.Of(b).Value(0)
		if ordered == 0 {
			continue
		}
		share, state := float64(unmatched)/float64(ordered), Passed
		if share > mostUnmatched {
			state = Warned
		}
		r.check(checkRefunds, "orders", state, "%.1f %% of the money ordered was given back without an order it belongs to: "+
			"it lowers monetary_total, and no order's value", 100*share)
	}
	return nil
}

// auditCurrency refuses amounts in several currencies without rates.
func (r *run) auditCurrency(ctx context.Context) error {
	q, err := r.bind("currencies", r.AsOf)
	if err != nil {
		return err
	}
	var codes []string
	for b, err := range r.Warehouse.Query(ctx, q) {
		if err != nil {
			return fmt.Errorf("list the currencies: %w", err)
		}
		for i := range int(b.NumRows()) {
			if c := currencyCode.Of(b); c.IsValid(i) {
				codes = append(codes, c.Value(i))
			}
		}
	}
	foreign := slices.DeleteFunc(slices.Clone(codes), func(c string) bool {
		_, rated := r.Rates[c]
		return rated || c == r.Currency
	})
	switch {
	case len(codes) == 0:
	case len(foreign) == 0:
		r.check(checkCurrency, "orders", Passed, "%v", codes)
	case r.Currency == "" && len(codes) == 1:
		r.check(checkCurrency, "orders", Passed, "%s", codes[0])
	case r.Currency == "":
		r.check(checkCurrency, "orders", Failed,
			"the orders are in %v: set currency.code to that of the outputs and currency.rates to what the others are worth", codes)
	default:
		r.check(checkCurrency, "orders", Failed, "the orders are in %v and the outputs in %s: currency.rates has nothing for %v", codes, r.Currency, foreign)
	}
	return nil
}

// putAside says that rows were put aside, and for what.
func putAside(why []string) string {
	if why == nil {
		return "were put aside"
	}
	return "were put aside (" + strings.Join(why, ", ") + ")"
}
