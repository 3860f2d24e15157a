package validation

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// An Evaluation is what the conversions of a horizon say about a segmentation.
type Evaluation struct {
	Customers, Converters int64
	BaseRate              *float64  // converters per customer; nil without customers
	Segments              []Segment // by name

	// Information. All are nil unless two segments have customers, and some of these converted and some did not.
	// They ask whether the segments differ at all; the order of the segments plays no part.
	//
	// MutualInformation of segment and conversion, in bits, less what it is expected to be between things that have
	// nothing to do with each other, DF/(2 n ln 2) (Miller, "Note on the Bias of Information Estimates", 1955), and
	// at least 0. CramersV is corrected likewise (Bergsma, "A Bias-Correction for Cramér's V and Tschuprow's T", J.
	// Korean Stat. Soc. 42, 2013), and nil also where there are about as many segments as customers. ChiSquare is
	// Pearson's, with DF one less than the segments that have customers; its PValue is an approximation, a rough one
	// where many segments are too few.
	MutualInformation *float64
	CramersV          *float64
	ChiSquare         *float64
	DF                int
	PValue            *float64

	// AUC is the probability that a converter's segment scores higher than a non-converter's, ties counting half, with
	// DeLong's interval; Gini is 2 AUC - 1. They are nil unless two segments have customers, at least two customers
	// converted and two did not, and every segment that has customers has a score.
	AUC, Gini *Estimate
	Unscored  []string // segments with customers but without a score
}

// Evaluate holds a segmentation against the conversions that followed its origin. Each segment is counted once, empty
// ones too if the caller likes. scores orders the segments, higher meaning more likely to convert; see [EarlierScores]
// and [OrderScores]. It fails on counts that contradict themselves: a segment without a name or counted twice, more
// converters than customers.
func Evaluate(counts []Count, scores map[string]float64) (Evaluation, error) {
	cs, err := sorted(counts)
	if err != nil {
		return Evaluation{}, err
	}
	var e Evaluation
	occupied := 0
	for _, c := range cs {
		e.Customers += c.Customers
		e.Converters += c.Converters
		if c.Customers > 0 {
			occupied++
			if s, ok := scores[c.Segment]; !ok || known(s) == nil {
				e.Unscored = append(e.Unscored, c.Segment)
			}
		}
	}
	e.BaseRate = known(float64(e.Converters) / float64(e.Customers))
	e.Segments = judge(cs, e.Customers, e.Converters)
	if occupied < 2 {
		return e, nil
	}
	if e.Converters > 0 && e.Converters < e.Customers {
		e.inform(cs, occupied-1)
	}
	if e.Converters >= 2 && e.Customers-e.Converters >= 2 && e.Unscored == nil {
		auc := delong(cs, scores)
		e.AUC = &auc
		e.Gini = &Estimate{2*auc.Value - 1, 2*auc.Low - 1, 2*auc.High - 1}
	}
	return e, nil
}

// inform fills in the measures of information. Both margins of cs have at least two cells that are not empty.
func (e *Evaluation) inform(cs []Count, df int) {
	n, base := float64(e.Customers), *e.BaseRate
	var chi2, mi float64
	for _, c := range cs {
		if c.Customers == 0 {
			continue
		}
		size := float64(c.Customers)
		d := float64(c.Converters) - size*base
		chi2 += d * d / (size * base * (1 - base))
		for _, cell := range [2]struct{ observed, expected float64 }{
			{float64(c.Converters), size * base},
			{float64(c.Customers - c.Converters), size * (1 - base)},
		} {
			if cell.observed > 0 {
				mi += cell.observed / n * math.Log2(cell.observed/cell.expected)
			}
		}
	}
	e.DF = df
	e.ChiSquare = known(chi2)
	e.PValue = known(distuv.ChiSquared{K: float64(df)}.Survival(chi2))
	e.MutualInformation = known(max(0, mi-float64(df)/(2*n*math.Ln2)))

	// Bergsma's correction of a table with df+1 rows and 2 columns; the columns are the shorter side.
	phi2 := max(0, chi2/n-float64(df)/(n-1))
	short := min(float64(df)-float64(df*df)/(n-1), 1-1/(n-1))
	if short > 0 {
		e.CramersV = known(min(1, math.Sqrt(phi2/short)))
	}
}
