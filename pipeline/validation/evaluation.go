package validation

import "segments/pipeline/validation/stats"

// An Evaluation is what the conversions of a horizon say about a segmentation.
type Evaluation struct {
	Customers, Converters int64
	BaseRate              *float64  // converters per customer; nil without customers
	Segments              []Segment // by name

	// Information. All are nil unless two segments have customers, and some of these converted and some did not.
	// They ask whether the segments differ at all; the order of the segments plays no part.
	//
	// MutualInformation of segment and conversion, in bits, less what it is expected to be between things that have
	// nothing to do with each other ([stats.InformationBias]), and at least 0; InformationShare is its share of the entropy
	// of conversion. CramersV is corrected likewise ([stats.CramersVCorrected]), and nil also where there are about as many
	// segments as customers. ChiSquare is Pearson's, with DF one less than the segments that have customers; its PValue
	// is an approximation, a rough one where many segments are too few.
	MutualInformation *float64
	InformationShare  *float64
	CramersV          *float64
	ChiSquare         *float64
	DF                int
	PValue            *float64

	// AUC is the probability that a converter's segment scores higher than a non-converter's, ties counting half, with
	// DeLong's interval; Gini is 2 AUC - 1. They are nil unless two segments have customers, at least two customers
	// converted and two did not, and every segment that has customers has a score. KendallTau is tau-b of score and conversion,
	// and nil also where all segments have one score.
	AUC, Gini  *Estimate
	KendallTau *float64
	Unscored   []string // segments with customers but without a score
}

// Occupied counts the segments that have customers.
func (e Evaluation) Occupied() int {
	n := 0
	for _, s := range e.Segments {
		if s.Customers > 0 {
			n++
		}
	}
	return n
}

// Differing counts the segments that convert measurably more or less often than the rest, and the customers in them.
func (e Evaluation) Differing() (segments int, customers int64) {
	for _, s := range e.Segments {
		if s.Verdict == Above || s.Verdict == Below {
			segments, customers = segments+1, customers+s.Customers
		}
	}
	return segments, customers
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
	for _, c := range cs {
		e.Customers += c.Customers
		e.Converters += c.Converters
		if c.Customers > 0 {
			if s, ok := scores[c.Segment]; !ok || known(s) == nil {
				e.Unscored = append(e.Unscored, c.Segment)
			}
		}
	}
	e.BaseRate = known(float64(e.Converters) / float64(e.Customers))
	e.Segments = judge(cs, e.Customers, e.Converters)
	e.inform(rows(cs))
	if e.Occupied() > 1 && e.Unscored == nil {
		e.rank(cs, scores)
	}
	return e, nil
}

// inform fills in the measures of information, where they are defined.
func (e *Evaluation) inform(rows [][2]int64) {
	test, ok := stats.ChiSquare(rows)
	if !ok {
		return
	}
	e.ChiSquare, e.DF, e.PValue = &test.Statistic, test.DF, &test.P
	bits := max(0, stats.MutualInformation(rows)-stats.InformationBias(test.DF, e.Customers))
	share := bits / stats.Entropy(e.Converters, e.Customers)
	e.MutualInformation, e.InformationShare = &bits, &share
	if v, ok := stats.CramersVCorrected(rows); ok {
		e.CramersV = &v
	}
}

// rank fills in the measures of the order.
func (e *Evaluation) rank(cs []Count, scores map[string]float64) {
	groups := make([]stats.Group, len(cs))
	for i, c := range cs {
		groups[i] = stats.Group{Score: scores[c.Segment], Converted: c.Converters, Rest: c.Customers - c.Converters}
	}
	if auc, ok := stats.AUC(groups); ok {
		e.AUC = &auc
		e.Gini = &Estimate{Value: 2*auc.Value - 1, Low: 2*auc.Low - 1, High: 2*auc.High - 1}
		if tau, ok := stats.KendallTauOfGroups(groups); ok {
			e.KendallTau = &tau
		}
	}
}

// rows are the counts as a table of who converted and who did not.
func rows(cs []Count) [][2]int64 {
	out := make([][2]int64, len(cs))
	for i, c := range cs {
		out[i] = [2]int64{c.Converters, c.Customers - c.Converters}
	}
	return out
}
