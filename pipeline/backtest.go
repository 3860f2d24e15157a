package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A Backtest is the job as of an earlier date, held against what followed.
type Backtest struct {
	Origin        time.Time
	Segmentations []SegmentationResult   // within the horizon
	Shorter       []SegmentationResult   // within the shorter horizons
	Forecasts     []ForecastResult       // the job's own first
	Orders, Value *validation.Comparison // of the job's own with the naive ones; nil where nothing came
}

// A SegmentationResult is what the conversions of a kind say about a segmentation.
type SegmentationResult struct {
	Kind, Segmentation string
	HorizonDays        int
	Order              []string // as declared, best first
	Fitted             bool     // the segments were found in the data: those of another origin are others
	Current            bool     // made of what has no history, so that nothing is known of the origin: the Evaluation is empty
	ByEarlierRates     bool     // the segments were scored by their rates at an earlier origin, else by Order
	validation.Evaluation
	Finding validation.Finding
	Merges  []validation.Merge
}

// A ForecastResult is how the forecast purchases of one model compare with what came.
type ForecastResult struct {
	Model         string
	Orders, Value validation.Result
}

// anyKind stands for conversions of all kinds together.
const anyKind = "any"

// The naive forecasts that a model must beat.
const (
	repeatLastPeriod = "repeat_last_period"
	cohortMean       = "cohort_mean"
	rfCellMean       = "rf_cell_mean"
)

// earlier is what one origin teaches the next: conversions by segment, and purchases by cell.
type earlier struct {
	counts              map[judged][]validation.Count
	cohortN, cellN      *validation.CellMeans // purchase days
	cohortMoney, cellMo *validation.CellMeans // value
}

// backtest fits and scores the job as of earlier origins, oldest first, and holds it against the horizon after each.
// It returns which forecasts must be withheld, and the staged validation tables.
func (r *run) backtest(ctx context.Context, res *Result) (hidden withheld, refs []warehouse.Ref, err error) {
	var before *earlier
	var all []Backtest
	for k := r.Origins; k >= 1; k-- {
		b, learnt, err := r.backtestAt(ctx, r.AsOf.AddDate(0, 0, -k*r.HorizonDays), before)
		if err != nil {
			return hidden, nil, fmt.Errorf("backtest: %w", err)
		}
		before = learnt
		if b != nil {
			all = append([]Backtest{*b}, all...)
		}
	}
	res.Backtests = all
	r.decide(all)
	r.judgeSegmentations(all)
	hidden = r.judgeForecasts(all)
	refs, err = r.stageBatches(ctx,
		staging{segmentValidation, r.segmentRows(all)},
		staging{segmentationValidation, r.segmentationRows(all)},
		staging{segmentMerges, r.mergeRows(all)},
		staging{modelValidation, r.modelRows(all)},
	)
	return hidden, refs, err
}

// backtestAt does one origin. Without anybody known then, it is nil.
func (r *run) backtestAt(ctx context.Context, at time.Time, before *earlier) (*Backtest, *earlier, error) {
	ctx = r.stepAsOf(ctx, "backtest", at)
	features, err := r.features(ctx, at, false)
	if err != nil || features.Rows == 0 {
		return nil, nil, err
	}
	c, err := r.fit(ctx, features, nil)
	if errors.Is(err, transforms.ErrTooFewRows) { // of that day; today there may be enough
		r.warnings = append(r.warnings, fmt.Sprintf("backtest: %s is left out: %v", at.Format(time.DateOnly), err))
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	ctx = r.stepAsOf(ctx, "score", at)
	staged, err := r.stageBacktest(ctx, c, features, at)
	if err != nil {
		return nil, nil, err
	}
	r.labeled = append(r.labeled, labels{at, staged})
	q, err := r.bind("outcomes", at, features.As("features"), sql.Horizons(r.Warehouse.Dialect(), r.horizons()...))
	if err != nil {
		return nil, nil, err
	}
	outcomes, err := r.Warehouse.Materialize(ctx, named(outcomesTable, at), q)
	if err != nil {
		return nil, nil, err
	}
	b := &Backtest{Origin: at}
	learnt := &earlier{}
	results, err := r.evaluate(ctx, c, staged, outcomes, before, learnt)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range results {
		if s.HorizonDays == r.HorizonDays {
			b.Segmentations = append(b.Segmentations, s)
		} else {
			b.Shorter = append(b.Shorter, s)
		}
	}
	if err := r.score(ctx, b, staged, at, before, learnt); err != nil {
		return nil, nil, err
	}
	return b, learnt, nil
}

// Tables of a backtest. They are staged, never published.
var (
	forecastOrders = frame.Float64("forecast_orders", "Forecast purchase days.").Null()
	forecastValue  = frame.Float64("forecast_value", "Forecast value.").Null()
	cell           = frame.String("cell", "The RF cell at the origin.").Null()

	outcomeKind  = frame.String("conversion_kind", "The kind of conversion.")
	outcomeCount = frame.Int64("conversions", "Conversions within the horizon.")
	outcomeMoney = frame.Int64("value_e4", "Their value, in ten thousandths.")
	outcomeValue = frame.Float64("value", "Their value.")

	outcomesTable = frame.Table{
		Name: "outcomes", Key: []string{"customer_id", "conversion_kind", "horizon_days"},
		Columns: cols(customer.ID, outcomeKind, horizonDays, outcomeCount, outcomeMoney),
	}

	actualOrders = frame.Int64("actual_orders", "Purchase days within the horizon.")
	actualValue  = frame.Float64("actual_value", "Net value of the purchases within the horizon.")

	forecastTable = frame.Table{
		Name: "forecast_outcomes", Key: []string{"customer_id"},
		Columns: cols(customer.ID, forecastOrders, forecastValue, customer.PurchaseDaysLastHorizon, customer.ValueLastHorizon,
			customer.FirstOrderOn, cell, actualOrders, actualValue),
	}
)

// named is t under a name of its own for the origin at.
func named(t frame.Table, at time.Time) frame.Table {
	t.Name += "_" + at.Format("20060102")
	return t
}

// stageBacktest applies the chain to the features and stages what the validation needs of it.
func (r *run) stageBacktest(ctx context.Context, c *chain, features warehouse.Ref, at time.Time) (warehouse.Ref, error) {
	base := cols(customer.ID, customer.PurchaseDaysLastHorizon, customer.ValueLastHorizon, customer.FirstOrderOn)
	want := append([]frame.Column{}, base...)
	t := frame.Table{Name: "backtest", Key: []string{"customer_id"}, Columns: base}
	for _, s := range r.segmentationsOf(c) {
		col, _ := r.customerSegments().Column(s.Name)
		want, t.Columns = append(want, col), append(t.Columns, col)
	}
	if f := r.Forecast; f != nil {
		want = append(want, f.Orders, f.Value)
		want = append(want, f.Cell...)
		t.Columns = append(t.Columns, cols(forecastOrders, forecastValue, cell)...)
	}
	in := c.stream(ctx, r.Warehouse, features, want)
	w, err := r.Warehouse.Stage(ctx, named(t, at))
	if err != nil {
		return warehouse.Ref{}, err
	}
	for b, err := range in {
		if err == nil {
			err = w.Write(r.backtestRows(b, t.Columns))
		}
		if err != nil {
			_ = w.Abort() // the first error says what happened
			return warehouse.Ref{}, err
		}
	}
	return w.Commit()
}

// backtestRows is b with the forecast's columns under the names of the backtest, and its cell in one column.
func (r *run) backtestRows(b frame.Batch, want []frame.Column) frame.Batch {
	f := r.Forecast
	if f == nil {
		return frame.Select(b, want...)
	}
	n := int(b.NumRows())
	cells, known := make([]string, n), repeat(true, n)
	for _, c := range f.Cell {
		a := frame.Int64(c.Name, "").Of(b)
		for i := range n {
			cells[i] += strconv.FormatInt(a.Value(i), 10) + " "
			known[i] = known[i] && a.IsValid(i)
		}
	}
	b = frame.Zip(b, frame.Zip(frame.Rename(frame.Select(b, f.Orders, f.Value), forecastOrders.Column, forecastValue.Column),
		frame.Record(cell.Array(cells, known))))
	return frame.Select(b, want...)
}

// newest is the backtest whose horizon ends with the as-of day; nil where that one could not be done.
func (r *run) newest(all []Backtest) *Backtest {
	if len(all) > 0 && all[0].Origin.Equal(r.AsOf.AddDate(0, 0, -r.HorizonDays)) {
		return &all[0]
	}
	return nil
}

// decide lets the gate judge the core segments at the newest origin.
func (r *run) decide(all []Backtest) {
	newest := r.newest(all)
	if newest == nil {
		r.check(checkGate, r.CoreSegment, NotEvaluated, "%s", r.noHistory())
		return
	}
	for _, s := range newest.Segmentations {
		if s.Segmentation != r.CoreSegment {
			continue
		}
		if s.Current {
			r.check(checkGate, r.CoreSegment, NotEvaluated, "%s", s.Finding.Reason)
			return
		}
		d := r.Gate.Decide(s.Evaluation)
		state := map[validation.State]CheckState{
			validation.StatePassed: Passed, validation.StateFailed: Failed, validation.StateNotEvaluated: NotEvaluated,
		}[d.State]
		r.check(checkGate, r.CoreSegment, state, "%s", d.Reason)
		for _, w := range d.Warnings {
			r.warnings = append(r.warnings, "gate: "+w)
		}
		return // the kinds together, or the only one
	}
	r.check(checkGate, r.CoreSegment, NotEvaluated, "no step gives this segmentation")
}

func (r *run) noHistory() string {
	return fmt.Sprintf("too little history: nobody, or too few, were known %d days before the as-of date", r.HorizonDays)
}
