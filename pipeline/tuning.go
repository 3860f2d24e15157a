package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"segments/pipeline/tune"
	"segments/pipeline/validation/stats"
	"segments/pipeline/warehouse"
	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A Tunable is a segmentation, and the thresholds that make it.
type Tunable struct {
	Steps        []string // that it takes, in order; the first has the thresholds
	Segmentation string
	Measures     []Measure
	Thresholds   []Threshold

	// Customers makes a customer of each cell for the first step with the estimator e: all features that Steps read.
	Customers func(e transforms.Estimator, cells []tune.Cell) frame.Batch
}

// A Measure is a number about customers that segments depend on: an Int64 or Float64 column of the customer features, or
// PurchaseDaysWindow.
type Measure struct {
	Column frame.Column
	Edges  []float64 // where segments part besides at thresholds
}

// PurchaseDaysWindow is a measure for thresholds: the purchase days of the last FrequencyDays of a TuneOptions.
var PurchaseDaysWindow = frame.Int64("purchase_days_window", "Purchase days within the window of frequency.")

// A Threshold is one of a step's hyperparameters, of one number or several in ascending order.
type Threshold struct {
	Name    string // its key in the step's configuration
	Measure int    // which of the Measures it parts
	Least   bool   // whether it is the least value of those above it, rather than the greatest of those below
	Fixed   bool   // whether it parts the measure and is not to be changed

	Choices []float64 // what each number may become; nil takes quantiles of the measure

	// Now returns the numbers in force; of those for which why is not empty nothing is proposed.
	Now  func(e transforms.Estimator, m transforms.Model) (numbers []float64, why string)
	With func(e transforms.Estimator, numbers []float64) transforms.Estimator // a changed copy of e
	Text func(numbers []float64) string                                       // as the configuration has them
}

// TuneOptions say what to tune, and on what.
type TuneOptions struct {
	AsOf          time.Time // the end of the horizon in which conversions count
	Kind          string    // of the conversions; empty is any
	Seed          uint64    // parts the customers into those that are searched and those that judge
	FrequencyDays int64     // the window of PurchaseDaysWindow
}

// A Tuning is what thresholds were found to be better.
type Tuning struct {
	AsOf, Origin time.Time
	Kind         string
	Seed         uint64
	Customers    int64 // at the origin
	Converters   int64 // of them, in the horizon
	Proposals    []Proposal
}

// A Proposal is what was found about a hyperparameter, or about several together where Parameter is Together.
type Proposal struct {
	Step, Parameter, Segmentation string
	Now, Proposed                 string // as the configuration has them; Proposed is empty where nothing was found
	AUCNow, AUCThen               *float64
	Gain                          *stats.Estimate // of AUC, on the half that was not searched
	Movers                        int64           // how many of the customers at the origin would be in another segment
	Verdict                       TuneVerdict
	Reason                        string
}

// Together is the Parameter of a proposal to change all hyperparameters of a segmentation at once that are better alone.
const Together = "together"

// A TuneVerdict is what a Proposal comes to.
type TuneVerdict string

// The verdicts.
const (
	TuneBetter       TuneVerdict = "better"
	TuneNothing      TuneVerdict = "no proposal"
	TuneNotEvaluated TuneVerdict = "not evaluated"
)

// Tune looks for thresholds that tell converters from others better than those in force. It goes back by the horizon, takes
// the customers as they were known then, searches on a half of them and judges on the other. It publishes nothing.
func (j *Job) Tune(ctx context.Context, o TuneOptions, ts []Tunable) (*Tuning, error) {
	ctx = withSpans(ctx)
	t, err := j.tuneAll(ctx, o, ts)
	endSpan(ctx, err)
	return t, err
}

func (j *Job) tuneAll(ctx context.Context, o TuneOptions, ts []Tunable) (*Tuning, error) {
	if o.Kind == "" {
		o.Kind = anyKind
	}
	part := *j // only with the steps that it takes
	part.signatureCache, part.Steps = nil, nil
	for _, s := range j.Steps {
		if slices.ContainsFunc(ts, func(t Tunable) bool { return slices.Contains(t.Steps, s.Name) }) {
			part.Steps = append(part.Steps, s)
		}
	}
	r := &run{
		Job: j, Options: Options{AsOf: o.AsOf, ValidateOnly: true}, started: j.Now(),
		tables: map[string]warehouse.Ref{}, stale: map[string]staleness{},
	}
	if today := frame.DayOf(j.Now().In(j.Location)); o.AsOf.IsZero() || frame.DayOf(o.AsOf) > today {
		return nil, configError(fmt.Errorf("the as-of date %s has not come yet", o.AsOf.Format(time.DateOnly)))
	}
	if err := r.claim(ctx); err != nil && !errors.Is(err, warehouse.ErrDone) {
		return nil, err
	}
	if err := j.Warehouse.Sweep(ctx); err != nil {
		return nil, err
	}
	if err := r.canonical(ctx); err != nil {
		return nil, err
	}
	if err := r.auditSources(ctx); err != nil {
		return nil, err
	}
	res := &Tuning{AsOf: o.AsOf, Origin: o.AsOf.AddDate(0, 0, -j.HorizonDays), Kind: o.Kind, Seed: o.Seed}
	ref, err := r.tuningCustomers(ctx, o, res.Origin)
	if err != nil {
		return nil, err
	}
	inForce, err := r.previous(ctx, o.AsOf.AddDate(0, 0, 1)) // what that day published is in force too
	if err != nil {
		return nil, err
	}
	models, _, err := r.storedModels(ctx, inForce)
	if err != nil {
		return nil, err
	}
	c, err := part.fit(ctx, ref, models)
	if err != nil {
		return nil, err
	}
	ways := make([]*tuner, len(ts))
	tried := 0
	for i, t := range ts {
		if ways[i], err = newTuner(ctx, &part, c, t, ref, o.Seed); err != nil {
			return nil, fmt.Errorf("tune %s: %w", t.Segmentation, err)
		}
		tried += ways[i].open()
	}
	// The intervals hold together: Bonferroni's correction for how many hyperparameters are looked at.
	z := distuv.UnitNormal.Quantile(1 - 0.025/float64(max(tried, 1)))
	for i, t := range ts {
		ctx := j.step(ctx, "tune "+t.Segmentation)
		ps, err := ways[i].proposals(ctx, z, j.Gate.MinConverters)
		if err != nil {
			return nil, fmt.Errorf("tune %s: %w", t.Segmentation, err)
		}
		res.Proposals = append(res.Proposals, ps...)
	}
	for _, w := range ways {
		if w.cells != nil { // each has everybody
			res.Customers, res.Converters = tune.Sum(w.cells)
			break
		}
	}
	return res, nil
}

var (
	tuningConverted = frame.Bool("converted", "Whether the customer converted within the horizon.")

	tuningTable = frame.Table{
		Name: "tuning_customers", Key: []string{"customer_id"},
		Columns: append(slices.Clone(customer.Features.Columns), PurchaseDaysWindow.Column, tuningConverted.Column),
	}
)

// tuningCustomers stages the customers as they were known at the origin, and what they did then.
func (r *run) tuningCustomers(ctx context.Context, o TuneOptions, at time.Time) (warehouse.Ref, error) {
	features, err := r.features(r.stepAsOf(ctx, "backtest", at), at, false)
	if err != nil {
		return warehouse.Ref{}, err
	}
	params := r.params(at)
	params["conversion_kind"], params["frequency_days"] = o.Kind, o.FrequencyDays
	q, err := r.resolve(tuningTable.Name, params, append(r.relations(), features.As("features")))
	if err != nil {
		return warehouse.Ref{}, err
	}
	return r.Warehouse.Materialize(ctx, tuningTable, q)
}
