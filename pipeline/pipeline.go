// Package pipeline is the job. The data go one way:
//
//  1. check: the configuration against the sources and the wiring of the steps (sources.go)
//  2. read: canonical inputs and customer features as of a date, computed in the warehouse (features.go)
//  3. fit: each step learns an immutable model from a replayable stream (chain.go)
//  4. apply: the fitted chain is a function from batch to batch (chain.go)
//  5. stage: every output lands in a table that no reader looks at (outputs.go)
//  6. validate: the same chain as of earlier dates against what followed (backtest.go), and audits (audit.go)
//  7. publish: all tables and the ledger in one transaction, or nothing (run.go)
//
// A step never reaches past its neighbor.
package pipeline

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"segments/pipeline/attribution"
	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms"
	"segments/transforms/frame"
)

// A Step is a transform and what becomes of its outputs.
type Step struct {
	Name      string
	Doc       string
	Estimator transforms.Estimator
	Table     string         // the table of its own that the outputs go to; empty where it has none
	Wide      []frame.Column // the outputs that customer_segments has too
}

// A Forecast names the columns of a step's outputs that the backtest holds against what came.
type Forecast struct {
	Model       string         // what to call it in model_validation
	HorizonDays int            // the days that Orders and Value look ahead
	Orders      frame.Column   // forecast purchase days
	Value       frame.Column   // forecast value
	Cell        []frame.Column // Int64 outputs that make up the cell of the naive cell mean

	// What becomes NULL where a naive forecast of orders, or of value, is as good as this one, and what Status says then of
	// customers who had a forecast. Without the orders there is no value either.
	Withhold, WithholdValue     []frame.Column
	Status                      frame.Column
	WithheldAs, ValueWithheldAs string
}

// A Job is a configured job on a warehouse.
type Job struct {
	Name        string
	Location    *time.Location
	Warehouse   warehouse.Warehouse
	Sources     []sql.Source
	Steps       []Step // in order: a step may read what earlier ones gave
	Forecast    *Forecast
	CoreSegment string // the segmentation that the gate judges

	HorizonDays int   // of the validation
	Horizons    []int // shorter ones, which do not decide
	Origins     int   // how many earlier dates the backtest goes back to
	MaxSegments int   // of a segmentation, beyond which merges are proposed
	Gate        validation.Gate
	Experiments Experiments
	Attribution attribution.Options

	Currency       string             // the code of the outputs; empty takes the only one there is
	Rates          map[string]float64 // to Currency, a unit of each other currency; nil refuses mixed ones
	MaxRejected    float64            // share of a source's rows that may be put aside
	MaxAnonymous   float64            // share of a source's rows that may lack a customer
	MinGroup       int64              // groups under this many people are not described
	RetentionDays  int                // dated rows older than this go; 0 keeps all
	People         bool               // whether there is the view people, over the customers source
	Freshness      map[string]int     // source: the days it may be old
	FreshnessWait  time.Duration      // how long to wait for a source that is too old
	Now            func() time.Time   // the clock
	Log            *slog.Logger       //
	Progress       func(Progress)     // told about steps; may be nil
	CodeVersion    string             //
	ConfigDigest   []byte             // what else of the configuration the result depends on
	snapshot       time.Time          // as of which sources are read, where the warehouse can
	sourceCache    []source           // checked sources
	signatureCache []transforms.Signature
	currentCache   map[string]bool // outputs without history
}

// Progress is a step of the job beginning, or going on.
type Progress struct {
	Step  string
	Rows  int64 // done
	Total int64 // 0 where it is not known
}

func (j *Job) progress(step string, rows, total int64) {
	if j.Progress != nil {
		j.Progress(Progress{step, rows, total})
	}
}

// signatures checks the wiring: each step's inputs are customer features or outputs of earlier steps, nothing current
// is fitted, and no name is used twice.
func (j *Job) signatures() ([]transforms.Signature, error) {
	if j.signatureCache != nil {
		return j.signatureCache, nil
	}
	have := append([]frame.Column{}, featureColumns()...)
	sigs := make([]transforms.Signature, len(j.Steps))
	params, without := map[string]any{}, map[string]bool{}
	for i, s := range j.Steps {
		sig, err := s.Estimator.Signature()
		if err != nil {
			return nil, configError(StepError{s.Name, err})
		}
		for _, in := range [][]frame.Column{sig.FitInputs, sig.Inputs} {
			if err := frame.Check(frame.Schema(have...), in...); err != nil {
				return nil, fmt.Errorf("step %s: %w among the customer features and the outputs of earlier steps", s.Name, err)
			}
		}
		for _, c := range sig.FitInputs {
			if known := slices.IndexFunc(have, func(h frame.Column) bool { return h.Name == c.Name }); have[known].Current {
				return nil, fmt.Errorf("step %s fits column %s, which has no history: a backtest would see the future", s.Name, c.Name)
			}
		}
		for name, v := range sig.Params {
			if old, ok := params[name]; ok && old != v {
				return nil, fmt.Errorf("step %s sets the parameter %s to %v, an earlier one to %v", s.Name, name, v, old)
			}
			params[name] = v
		}
		current := slices.ContainsFunc(sig.Inputs, func(c frame.Column) bool {
			return c.Current || have[slices.IndexFunc(have, func(h frame.Column) bool { return h.Name == c.Name })].Current
		})
		for _, c := range sig.Outputs {
			c.Current = current // what is made of attributes without history has none either
			have = append(have, c)
			if current {
				without[c.Name] = true
			}
		}
		if err := frame.Check(frame.Schema(have...), have...); err != nil {
			return nil, fmt.Errorf("step %s: %w", s.Name, err)
		}
		if err := frame.Check(frame.Schema(sig.Outputs...), s.Wide...); err != nil {
			return nil, fmt.Errorf("step %s: wide %w among its outputs", s.Name, err)
		}
		sigs[i] = sig
	}
	j.signatureCache, j.currentCache = sigs, without
	return sigs, nil
}

// current are the outputs of steps that are made of what has no history, by name.
func (j *Job) current() (map[string]bool, error) {
	_, err := j.signatures()
	return j.currentCache, err
}

// A StepError says which step's hyperparameters make no sense.
type StepError struct {
	Step string
	Err  error
}

// Error implements error.
func (e StepError) Error() string { return "transforms." + e.Step + "." + e.Err.Error() }

// Unwrap returns what Signature said.
func (e StepError) Unwrap() error { return e.Err }
