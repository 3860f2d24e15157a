// Package clv forecasts what customers will buy: how likely they are to order again, how often, and for how much.
//
// A counting model (BG/NBD or MBG/NBD) learns from when customers bought, a spend model (Gamma-Gamma) from what repeat
// buyers spent; package btyd has both. Fitting holds counted histories and spends, and no customer.
//
// MBG/NBD is the default: BG/NBD lets nobody leave before the second purchase, and calls every one-time buyer alive
// whatever happened since. With model auto both are fitted and the one of higher likelihood on the fitted data is
// used. They have equally many parameters, so that this is also what AIC and BIC would choose; it is no choice by
// held-out data.
package clv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/array"

	"segments/transforms"
	"segments/transforms/clv/btyd"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// Estimator holds the hyperparameters.
type Estimator struct {
	Model              string  `yaml:"model" jsonschema:"enum=mbgnbd,enum=bgnbd,enum=auto" jsonschema_description:"The counting model; auto fits both and takes the likelier one."`
	Horizon            string  `yaml:"horizon" jsonschema:"pattern=^[1-9][0-9]*d$" jsonschema_description:"How many days the customer lifetime value looks ahead, 1d to 3650d."`
	DiscountRateAnnual float64 `yaml:"discount_rate_annual" jsonschema:"minimum=0,maximum=10" jsonschema_description:"What a year takes off the value of money: 0.10 is 10 %."`
	TimeUnit           string  `yaml:"time_unit" jsonschema:"enum=day,enum=week" jsonschema_description:"The unit of time of the fitted parameters; forecasts do not depend on it."`
}

// New returns the estimator with its default hyperparameters.
func New() transforms.Estimator {
	return &Estimator{Model: nameMBG, Horizon: "365d", DiscountRateAnnual: 0.10, TimeUnit: "week"}
}

const (
	nameBG   = "bgnbd"
	nameMBG  = "mbgnbd"
	nameGG   = "gammagamma"
	nameAuto = "auto"

	maxHorizonDays = 3650

	// minRepeatBuyers is the least number of repeat buyers that four parameters are learned from. It is a judgement:
	// with fewer, standard errors exceed the parameters.
	minRepeatBuyers = 10
)

// timeUnits are the accepted time units, in days.
var timeUnits = map[string]float64{"day": 1, "week": 7}

// Signature says what clv reads and returns.
func (e *Estimator) Signature() (transforms.Signature, error) {
	if _, err := e.settings(); err != nil {
		return transforms.Signature{}, err
	}
	if _, err := e.candidates(); err != nil {
		return transforms.Signature{}, err
	}
	return transforms.Signature{FitInputs: fitInputs(), Inputs: inputs(), Outputs: outputs()}, nil
}

// candidates returns the names of the counting models to fit.
func (e *Estimator) candidates() ([]string, error) {
	switch e.Model {
	case nameBG:
		return []string{nameBG}, nil
	case nameMBG, "":
		return []string{nameMBG}, nil
	case nameAuto:
		return []string{nameBG, nameMBG}, nil
	case "paretonbd":
		return nil, errors.New("model: paretonbd is not built yet, want mbgnbd, bgnbd or auto")
	default:
		return nil, fmt.Errorf("model: %q is not known, want mbgnbd, bgnbd or auto", e.Model)
	}
}

// settings returns the hyperparameters that scoring needs.
func (e *Estimator) settings() (settings, error) {
	number, isDays := strings.CutSuffix(e.Horizon, "d")
	days, err := strconv.ParseUint(number, 10, 32)
	if !isDays || err != nil || days < 1 || days > maxHorizonDays {
		return settings{}, fmt.Errorf("horizon: %q is not a number of days from 1d to %dd", e.Horizon, maxHorizonDays)
	}
	s := settings{HorizonDays: int64(days), DiscountRateAnnual: e.DiscountRateAnnual, TimeUnit: e.TimeUnit}
	return s, s.check()
}

// Fit learns the counting and spend models. What was published before is not looked at.
func (e *Estimator) Fit(ctx context.Context, in frame.Batches, _ transforms.Model) (transforms.Model, error) {
	set, err := e.settings()
	if err != nil {
		return nil, err
	}
	names, err := e.candidates()
	if err != nil {
		return nil, err
	}
	m := &model{stored: stored{Settings: set}}
	histories, spends, err := m.count(ctx, in)
	if err != nil {
		return nil, err
	}
	if m.RepeatBuyers >= minRepeatBuyers {
		for _, name := range names {
			fit, err := histories.Fit(ctx, timeUnits[set.TimeUnit], name == nameMBG)
			if err != nil {
				return nil, err
			}
			m.Counting = append(m.Counting, fitted{name, fit})
		}
	}
	if m.RepeatBuyers-m.SpendNotPositive >= minRepeatBuyers {
		fit, err := spends.Fit(ctx)
		if err != nil {
			return nil, err
		}
		m.Spend = &fitted{nameGG, fit}
		m.SpendCorrelation = spends.Correlation()
	}
	m.choose()
	return m, nil
}

// count reads the histories and mean spends of in, and notes in m how many customers there are and cannot be used.
func (m *model) count(ctx context.Context, in frame.Batches) (btyd.Histories, btyd.Spends, error) {
	histories, spends := btyd.Histories{}, btyd.Spends{}
	for b, err := range in {
		if err != nil {
			return nil, nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if err := frame.Check(b.Schema(), fitInputs()...); err != nil {
			return nil, nil, fmt.Errorf("clv: %w", err)
		}
		rows := readRows(b)
		for i := range int(b.NumRows()) {
			x, tx, age, mean, status := rows.at(i)
			switch status {
			case statusNoPurchase:
				continue
			case statusInvalidHistory:
				m.InvalidHistories++
				continue
			}
			m.Buyers++
			histories.Add(x, tx, age)
			if x == 0 {
				continue
			}
			m.RepeatBuyers++
			if !validSpend(mean) {
				m.SpendNotPositive++
				continue
			}
			spends.Add(x, mean)
		}
	}
	return histories, spends, nil
}

// rows reads the fit inputs of a batch.
type rows struct {
	x, tx, age *array.Int64
	mean       *array.Float64
}

func readRows(b frame.Batch) rows {
	return rows{customer.BtydX.Of(b), customer.BtydTx.Of(b), customer.BtydAge.Of(b), customer.MonetaryRepeatMean.Of(b)}
}

// at returns the history in row i, in days, and the mean repeat spend, NaN where it is NULL; or else the status that
// says why there is no history.
func (r rows) at(i int) (x, tx, age int64, mean float64, status string) {
	if r.x.IsNull(i) {
		return 0, 0, 0, 0, statusNoPurchase
	}
	x, tx, age, mean = r.x.Value(i), r.tx.Value(i), r.age.Value(i), math.NaN()
	if r.tx.IsNull(i) || r.age.IsNull(i) || !btyd.Valid(x, tx, age) {
		return 0, 0, 0, 0, statusInvalidHistory
	}
	if r.mean.IsValid(i) {
		mean = r.mean.Value(i)
	}
	return x, tx, age, mean, statusOK
}

func validSpend(mean float64) bool { return mean > 0 && !math.IsInf(mean, 1) }

// Load returns the model stored as data. It scores with the hyperparameters it was fitted with.
func (e *Estimator) Load(data json.RawMessage) (transforms.Model, error) {
	m := &model{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m.stored); err != nil {
		return nil, fmt.Errorf("clv: stored model: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("clv: stored model: %w", err)
	}
	m.choose()
	return m, nil
}
