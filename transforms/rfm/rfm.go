// Package rfm scores buyers from 1 to 5 by recency, frequency and money, names their segment by a map that is data, and
// says on which day silence alone will change that name.
//
// A score comes from cut points, never from a row's rank: equal inputs get equal scores. By default the cuts of recency
// and money are quintiles of the buyers that are learned once and then kept, and frequency is banded by purchase days
// within a window, so that a customer moves because of what they did and not because a quantile moved.
//
// Every class is an interval that excludes its lower end and includes its upper one. Recency is the number of days since
// the last purchase, frequency the number of purchase days, money the net revenue so far, which silence never changes.
// Who has never bought has no scores and no segment.
//
// A fit holds what package quantile holds; with cuts that are kept it does not read its input at all.
package rfm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// The outputs. All are NULL for who has never bought, and where there were no buyers to learn cuts from.
var (
	RScore = frame.Int64("r_score", "Recency score: 5 for the latest buyers, 1 for those away longest.").Null()
	FScore = frame.Int64("f_score", "Frequency score: 5 for the most purchase days in the window, 1 for the fewest, none included.").Null()
	MScore = frame.Int64("m_score", "Monetary score: 5 for the highest net revenue so far, 1 for the lowest.").Null()

	SegmentColumn = frame.String("rfm_segment", "The RFM segment: the name the segment map gives to the scores.").Null()
	ValueTier     = frame.String("value_tier", "The tier of net revenue so far, by stored cuts of the buyers.").Null().OneOf(tiers...)

	RDaysToBetter = frame.Int64("r_days_to_better", "By how many days the last purchase is too old for the next better recency score; NULL at 5.").In("days").Null()
	RDaysToWorse  = frame.Int64("r_days_to_worse", "Days of silence until the recency score falls; NULL at 1.").In("days").Null()
	FDaysToBetter = frame.Int64("f_days_to_better", "Purchase days that the next better frequency score needs, at most: fewer only where a band spans several counts and older purchases have left the window; NULL at 5.").In("purchase days").Null()
	FDaysToWorse  = frame.Int64("f_days_to_worse", "Days of silence until the frequency score falls; NULL where it cannot.").In("days").Null()
	MToBetter     = frame.Float64("m_to_better", "Money up to the cut above which the monetary score is better; NULL at 5.").In("money").Null()
	MToWorse      = frame.Float64("m_to_worse", "Money above the cut at which the monetary score is worse; NULL at 1.").In("money").Null()

	DropsOn = frame.Date("drops_on", "The first day on which silence alone changes rfm_segment, under today's cuts; NULL where it never does.").Null()
	DropsTo = frame.String("drops_to", "The segment that silence alone leads to on drops_on.").Null()
)

// An Estimator holds the hyperparameters. Make one with New.
type Estimator struct {
	// Map is rf10, rfxm or rxfm (see Describe), or custom for Segments.
	Map string `yaml:"map" json:"map" jsonschema:"enum=rf10,enum=rfxm,enum=rxfm,enum=custom" jsonschema_description:"The segment map: which scores make which segment; custom takes the map from segments."`
	// Segments is the map where Map is custom, best first; empty otherwise.
	Segments []Segment `yaml:"segments" json:"segments" jsonschema_description:"The segment map where map is custom, best first; each of the 125 combinations of scores must get exactly one name."`

	// Cuts is stored, or quantile for scores that are relative to the buyers of the day: quintiles learned by every fit,
	// those of frequency from all purchase days so far.
	Cuts string `yaml:"cuts" json:"cuts" jsonschema:"enum=stored,enum=quantile" jsonschema_description:"With stored, scores are by bands and stored cuts; with quantile, by quintiles of the buyers of the day."`
	// FrequencyBands is the least number of purchase days in the window of each frequency score.
	FrequencyBands []int `yaml:"frequency_bands" json:"frequency_bands" jsonschema:"minItems=5,maxItems=5" jsonschema_description:"The least number of purchase days in the window for each frequency score, 1 to 5."`
	// RecencyCuts is learned, or the most days since the last purchase of the scores 5, 4, 3 and 2.
	RecencyCuts Cuts `yaml:"recency_cuts" json:"recency_cuts" jsonschema:"oneof_type=string;array" jsonschema_description:"The most days since the last purchase for the recency scores 5, 4, 3 and 2; or learned, for quintiles of the buyers."`
	// MonetaryCuts is learned, or the amounts above which the scores 2, 3, 4 and 5 begin.
	MonetaryCuts Cuts `yaml:"monetary_cuts" json:"monetary_cuts" jsonschema:"oneof_type=string;array" jsonschema_description:"The amounts, in the currency of the outputs, above which the monetary scores 2, 3, 4 and 5 begin; or learned, for quintiles of the buyers."`
	// Refresh is never, to keep the learned cuts of the previous model, or always, to learn them anew.
	Refresh string `yaml:"refresh" json:"refresh" jsonschema:"enum=never,enum=always" jsonschema_description:"Whether every fit learns the cuts anew; with never, those learned first are kept."`
	// Window is how long a purchase day counts towards frequency, in days: 730d.
	Window string `yaml:"window" json:"window" jsonschema:"pattern=^[1-9][0-9]*d$" jsonschema_description:"For how many days a purchase day counts towards frequency."`
}

var _ transforms.Estimator = (*Estimator)(nil)

// New returns the default estimator: ten segments by recency and frequency, bands of 1, 2, 3, 4-5 and 6 or more purchase
// days in 730 days, other cuts learned once.
func New() transforms.Estimator {
	return &Estimator{
		Map:            "rf10",
		Cuts:           "stored",
		FrequencyBands: []int{1, 2, 3, 4, 6},
		Refresh:        "never",
		Window:         "730d",
	}
}

// Signature implements transforms.Estimator.
func (e *Estimator) Signature() (transforms.Signature, error) {
	if _, err := e.rules(); err != nil {
		return transforms.Signature{}, err
	}
	return transforms.Signature{
		FitInputs: []frame.Column{
			customer.AsOf.Column, customer.DaysSinceLastOrder.Column, customer.PurchaseDays.Column, customer.MonetaryTotal.Column,
		},
		Inputs: []frame.Column{
			customer.AsOf.Column, customer.DaysSinceLastOrder.Column, customer.FirstOrderOn.Column, customer.PurchaseDays.Column,
			customer.Band2On.Column, customer.Band3On.Column, customer.Band4On.Column, customer.Band5On.Column,
			customer.MonetaryTotal.Column,
		},
		Outputs: []frame.Column{
			RScore.Column, FScore.Column, MScore.Column, SegmentColumn.Column, ValueTier.Column,
			RDaysToBetter.Column, RDaysToWorse.Column, FDaysToBetter.Column, FDaysToWorse.Column, MToBetter.Column, MToWorse.Column,
			DropsOn.Column, DropsTo.Column,
		},
		Learned: []frame.Table{cutTable},
		Params: map[string]any{
			"band_2": int64(e.FrequencyBands[1]),
			"band_3": int64(e.FrequencyBands[2]),
			"band_4": int64(e.FrequencyBands[3]),
			"band_5": int64(e.FrequencyBands[4]),
		},
	}, nil
}

// maxDays bounds windows and cuts given by hand: a hundred years.
const maxDays = 36_500

// rules checks the hyperparameters and returns a model of all that need not be learned.
func (e *Estimator) rules() (*model, error) {
	m := &model{Segments: e.Segments, Relative: e.Cuts == "quantile"}
	if e.Map == "custom" {
		if len(e.Segments) == 0 {
			return nil, errors.New("segments: map custom needs a list of segments")
		}
	} else {
		shipped, ok := shippedMaps[e.Map]
		if !ok {
			return nil, fmt.Errorf("map: %q is not rf10, rfxm, rxfm or custom", e.Map)
		}
		if len(e.Segments) > 0 {
			return nil, fmt.Errorf("segments: needs map custom, not %s", e.Map)
		}
		m.Segments = shipped
	}
	var err error
	if m.grid, err = newGrid(m.Segments); err != nil {
		return nil, fmt.Errorf("segments: %w", err)
	}
	if e.Cuts != "stored" && e.Cuts != "quantile" {
		return nil, fmt.Errorf("cuts: %q is neither stored nor quantile", e.Cuts)
	}
	if e.Refresh != "never" && e.Refresh != "always" {
		return nil, fmt.Errorf("refresh: %q is neither never nor always", e.Refresh)
	}
	if m.WindowDays, err = parseDays(e.Window); err != nil {
		return nil, fmt.Errorf("window: %w", err)
	}
	if err := e.checkCuts(); err != nil {
		return nil, err
	}
	if !m.Relative {
		m.Frequency = cuts{Source: configured}
		for _, least := range e.FrequencyBands[1:] {
			m.Frequency.At = append(m.Frequency.At, float64(least-1))
		}
	}
	return m, nil
}

func (e *Estimator) checkCuts() error {
	b := e.FrequencyBands
	if len(b) != 5 || b[0] != 1 || !increasing(b) || b[4] > maxDays {
		return fmt.Errorf("frequency_bands: %v is not five increasing numbers of days that begin with 1", b)
	}
	if err := e.RecencyCuts.check(); err != nil {
		return fmt.Errorf("recency_cuts: %w", err)
	}
	if err := e.MonetaryCuts.check(); err != nil {
		return fmt.Errorf("monetary_cuts: %w", err)
	}
	for _, days := range e.RecencyCuts {
		if days != float64(int64(days)) || days < 0 || days > maxDays {
			return fmt.Errorf("recency_cuts: %v is not a whole number of days from 0 to %d", days, maxDays)
		}
	}
	if e.Cuts == "quantile" && e.RecencyCuts != nil {
		return errors.New("recency_cuts: a list needs cuts: stored")
	}
	if e.Cuts == "quantile" && e.MonetaryCuts != nil {
		return errors.New("monetary_cuts: a list needs cuts: stored")
	}
	return nil
}

// parseDays reads a number of days, written as 730d.
func parseDays(s string) (int64, error) {
	number, ok := strings.CutSuffix(s, "d")
	days, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || days < 1 || days > maxDays {
		return 0, fmt.Errorf("%q is not a number of days from 1d to %dd", s, maxDays)
	}
	return days, nil
}

func increasing[V int | float64](vs []V) bool {
	for i := 1; i < len(vs); i++ {
		if vs[i] <= vs[i-1] {
			return false
		}
	}
	return true
}
