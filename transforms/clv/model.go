package clv

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"segments/transforms"
	"segments/transforms/clv/btyd"
	"segments/transforms/frame"
)

// A model is what was learned. Everything but stored follows from it.
type model struct {
	stored
	counting *btyd.BetaGeometric // nil where none converged
	chosen   string
	spend    *btyd.GammaGamma // nil where it did not converge
	cache    outlookCache
}

// stored is the JSON of a model.
type stored struct {
	Settings         settings `json:"settings"`
	Buyers           int64    `json:"buyers"`
	RepeatBuyers     int64    `json:"repeat_buyers"`
	InvalidHistories int64    `json:"invalid_histories"`
	SpendNotPositive int64    `json:"spend_not_positive"`
	Counting         []fitted `json:"counting"` // those fitted
	Spend            *fitted  `json:"spend"`
	SpendCorrelation float64  `json:"spend_correlation"`
}

// settings are the hyperparameters that scoring needs.
type settings struct {
	HorizonDays        int64   `json:"horizon_days"`
	DiscountRateAnnual float64 `json:"discount_rate_annual"`
	TimeUnit           string  `json:"time_unit"`
}

func (s settings) check() error {
	if !(s.DiscountRateAnnual >= 0 && s.DiscountRateAnnual <= 10) {
		return fmt.Errorf("discount_rate_annual: %v is not within 0 and 10 (0.10 is 10 %% a year)", s.DiscountRateAnnual)
	}
	if timeUnits[s.TimeUnit] == 0 {
		return fmt.Errorf("time_unit: %q is not known, want day or week", s.TimeUnit)
	}
	return nil
}

// fitted is the fit of one model.
type fitted struct {
	Name string `json:"name"`
	btyd.Fit
}

// paramNames are the names of each model's parameters, in order.
var paramNames = map[string][]string{
	nameBG:  {"r", "alpha", "a", "b"},
	nameMBG: {"r", "alpha", "a", "b"},
	nameGG:  {"p", "q", "gamma"},
}

// check reports what makes stored parameters unusable.
func (s *stored) check() error {
	if s.Settings.HorizonDays < 1 || s.Settings.HorizonDays > maxHorizonDays {
		return fmt.Errorf("horizon_days: %d is not within 1 and %d", s.Settings.HorizonDays, maxHorizonDays)
	}
	if err := s.Settings.check(); err != nil {
		return err
	}
	for _, f := range s.Counting {
		if err := f.check(nameBG, nameMBG); err != nil {
			return err
		}
	}
	if s.Spend != nil {
		return s.Spend.check(nameGG)
	}
	return nil
}

// check reports what makes f unusable as the fit of one of the models names.
func (f fitted) check(names ...string) error {
	params := paramNames[f.Name]
	if !slices.Contains(names, f.Name) || len(f.Params) != len(params) ||
		f.StandardErrors != nil && len(f.StandardErrors) != len(params) {
		return fmt.Errorf("%q with %d parameters and %d standard errors is not known", f.Name, len(f.Params), len(f.StandardErrors))
	}
	for i, v := range f.Params {
		if !(v > 0) {
			return fmt.Errorf("%s_%s: %v is not positive", f.Name, params[i], v)
		}
	}
	return nil
}

// choose sets the models to score with: the likeliest converged counting model, and the spend model if it converged.
func (m *model) choose() {
	best := math.Inf(-1)
	for _, f := range m.Counting {
		if f.Converged && f.LogLikelihood > best {
			build := btyd.BGNBD
			if f.Name == nameMBG {
				build = btyd.MBGNBD
			}
			g := build(f.Params[0], f.Params[1], f.Params[2], f.Params[3])
			m.counting, m.chosen, best = &g, f.Name, f.LogLikelihood
		}
	}
	if f := m.Spend; f != nil && f.Converged {
		m.spend = &btyd.GammaGamma{P: f.Params[0], Q: f.Params[1], Gamma: f.Params[2]}
	}
}

// MarshalJSON returns parameters and hyperparameters.
func (m *model) MarshalJSON() ([]byte, error) { return json.Marshal(m.stored) }

// Learned returns nothing: all parameters are in the report.
func (m *model) Learned() []frame.Batch { return nil }

// Segmentations returns nothing: no output is a segment.
func (m *model) Segmentations() []transforms.Segmentation { return nil }

// status returns the report's status.
func (m *model) status() string {
	switch {
	case m.Buyers == 0:
		return "no_rows"
	case m.Counting == nil:
		return statusNoModel
	case m.counting == nil:
		return statusNotConverged
	case m.spend == nil:
		return statusNoSpendModel
	default:
		return statusOK
	}
}

// Report returns the parameters with their standard errors, named like mbgnbd_alpha and mbgnbd_alpha_se, Alpha in time
// units, and the log-likelihood of each model fitted.
func (m *model) Report() transforms.Report {
	r := transforms.Report{Status: m.status()}
	add := func(name string, v float64) { r.Params = append(r.Params, transforms.Param{Name: name, Value: v}) }
	warn := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }

	add("buyers", float64(m.Buyers))
	add("repeat_buyers", float64(m.RepeatBuyers))
	for _, f := range m.Counting {
		addFit(f, add, warn)
		chosen := 0.0
		if f.Name == m.chosen {
			chosen = 1
		}
		add(f.Name+"_chosen", chosen)
	}
	if m.Spend != nil {
		addFit(*m.Spend, add, warn)
		add("spend_correlation", m.SpendCorrelation)
	}

	switch m.status() {
	case "no_rows":
		warn("Nobody has bought anything: there is nothing to learn from.")
	case statusNoModel:
		warn("Only %d customers bought on more than one day; at least %d are needed to learn from.", m.RepeatBuyers, minRepeatBuyers)
	case statusNoSpendModel:
		if m.Spend == nil {
			warn("Fewer than %d repeat buyers have a mean repeat spend above zero: money is left out.", minRepeatBuyers)
		}
	}
	if oneTime := m.Buyers - m.RepeatBuyers; m.counting != nil && oneTime > 0 {
		warn("The probabilities of the %d one-time buyers have not been held against what came (status uncalibrated).", oneTime)
	}
	if m.InvalidHistories > 0 {
		warn("%d customers were left out because their purchase days contradict each other.", m.InvalidHistories)
	}
	if m.SpendNotPositive > 0 {
		warn("Left out of the spend model, since their mean repeat spend is not above zero: %d repeat buyers.", m.SpendNotPositive)
	}
	if m.spend != nil && math.Abs(m.SpendCorrelation) > 0.3 {
		warn("Spend goes with the number of orders (correlation %.2f of the logarithms), which the spend model takes to be "+
			"independent: the value of frequent buyers is biased.", m.SpendCorrelation)
	}
	return r
}

func addFit(f fitted, add func(string, float64), warn func(string, ...any)) {
	for i, name := range paramNames[f.Name] {
		add(f.Name+"_"+name, f.Params[i])
	}
	for i, se := range f.StandardErrors {
		add(f.Name+"_"+paramNames[f.Name][i]+"_se", se)
	}
	add(f.Name+"_log_likelihood", f.LogLikelihood)
	switch {
	case !f.Converged:
		warn("The fit of %s did not converge; it is not used.", f.Name)
	case f.StandardErrors == nil:
		warn("The likelihood of %s is flat in some direction: forecasts hold, but its parameters cannot be told apart "+
			"and have no standard errors.", f.Name)
	}
}
