package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// parameters are what a fit learns, as they are stored.
type parameters struct {
	Method       string      `json:"method"`
	Seed         int64       `json:"seed"`
	Status       string      `json:"status"`    // of the report
	Customers    int         `json:"customers"` // with a purchase
	Sampled      int         `json:"sampled"`
	MinCustomers int         `json:"min_customers,omitempty"` // where Status says that they are too few
	Features     []scale     `json:"features"`
	Dropped      []dropped   `json:"dropped"`
	Clusters     []group     `json:"clusters"` // in the order of their ids; none unless Status is ok or not_converged
	Passes       int         `json:"passes"`
	Inertia      float64     `json:"inertia"`  // of the sample
	Variance     float64     `json:"variance"` // mean square distance of the sample to its centers along one feature
	Silhouette   float64     `json:"silhouette"`
	Candidates   []candidate `json:"candidates"`
	AtKMax       bool        `json:"at_k_max"` // whether auto took the largest number it may try
}

type model struct{ parameters }

var _ transforms.Model = (*model)(nil)

// newModel returns the model of par, or what is wrong with it.
func newModel(par parameters) (*model, error) {
	if par.Method != methodName || par.Status == "" {
		return nil, fmt.Errorf("method %q, status %q: no k-means model", par.Method, par.Status)
	}
	for i := range par.Features {
		s := &par.Features[i]
		s.feature = slices.IndexFunc(features[:], func(f feature) bool { return f.column.Name == s.Column })
		if s.feature < 0 || !(s.Scale > 0) {
			return nil, fmt.Errorf("feature %q of scale %g: unknown", s.Column, s.Scale)
		}
	}
	for _, g := range par.Clusters {
		if g.Name == "" || len(g.Center) != len(par.Features) {
			return nil, fmt.Errorf("cluster %q has %d coordinates, want %d", g.Name, len(g.Center), len(par.Features))
		}
	}
	if n := len(par.Clusters); n == 1 || n > 0 && !(par.Variance >= 0) {
		return nil, fmt.Errorf("%d clusters of variance %g", n, par.Variance)
	}
	return &model{par}, nil
}

// Load implements transforms.Estimator.
func (e *Estimator) Load(data json.RawMessage) (transforms.Model, error) {
	var par parameters
	if err := json.Unmarshal(data, &par); err != nil {
		return nil, fmt.Errorf("cluster model: %w", err)
	}
	m, err := newModel(par)
	if err != nil {
		return nil, fmt.Errorf("cluster model: %w", err)
	}
	return m, nil
}

// MarshalJSON implements json.Marshaler.
func (m *model) MarshalJSON() ([]byte, error) { return json.Marshal(m.parameters) }

// Apply implements transforms.Model.
func (m *model) Apply(ctx context.Context, b frame.Batch) (frame.Batch, error) {
	if err := errors.Join(ctx.Err(), frame.Check(b.Schema(), inputs()...)); err != nil {
		return nil, err
	}
	n := int(b.NumRows())
	var (
		names, seconds    = make([]string, n), make([]string, n)
		ids               = make([]int64, n)
		distances, shares = make([]float64, n), make([]float64, n)
		statuses          = make([]string, n)
		valid             = make([]bool, n)
		days, read        = customer.PurchaseDays.Of(b), readers(b)
		x                 = make([]float64, len(m.Features))
		squares           = make([]float64, len(m.Clusters))
	)
	for i := range n {
		switch {
		case days.Value(i) < 1:
			statuses[i] = statusNoPurchase
		case len(m.Clusters) == 0:
			statuses[i] = m.Status
		default:
			for j := range m.Features {
				x[j] = m.Features[j].of(read[m.Features[j].feature](i))
			}
			for l := range squares {
				squares[l] = squared(x, m.Clusters[l].Center)
			}
			first, second := nearestTwo(squares)
			statuses[i], valid[i] = statusOK, true
			names[i], seconds[i], ids[i] = m.Clusters[first].Name, m.Clusters[second].Name, int64(first+1)
			distances[i], shares[i] = math.Sqrt(squares[first]), m.probability(squares, squares[first])
		}
	}
	return frame.Record(
		Name.Array(names, valid), ID.Array(ids, valid), Distance.Array(distances, valid),
		Second.Array(seconds, valid), Probability.Array(shares, valid), Status.Array(statuses, nil),
	), nil
}

// nearestTwo returns the indexes of the least and the second least of squares, of equal ones the first. There are two
// at least.
func nearestTwo(squares []float64) (first, second int) {
	second = -1
	for l, d := range squares {
		switch {
		case d < squares[first]:
			first, second = l, first
		case l != first && (second < 0 || d < squares[second]):
			second = l
		}
	}
	return first, second
}

// probability returns the posterior probability of the nearest cluster in a mixture of spherical normal distributions of
// equal shares and equal variance, the one that k-means fits as a classification: Celeux & Govaert (Computational
// Statistics & Data Analysis 14, 1992), section 3.
func (m *model) probability(squares []float64, least float64) float64 {
	sum := 0.0
	for _, d := range squares {
		if d == least {
			sum++
		} else if m.Variance > 0 {
			sum += math.Exp((least - d) / (2 * m.Variance))
		}
	}
	return 1 / sum
}

// Learned implements transforms.Model.
func (m *model) Learned() []frame.Batch {
	n := len(m.Candidates)
	ks, customers, chosen := make([]int64, n), make([]int64, n), make([]bool, n)
	inertias, silhouettes := make([]float64, n), make([]float64, n)
	for i, c := range m.Candidates {
		ks[i], customers[i], inertias[i], silhouettes[i], chosen[i] = int64(c.K), int64(c.Customers), c.Inertia, c.Silhouette, c.Chosen
	}
	return []frame.Batch{frame.Record(
		candidateK.Array(ks, nil), candidateCustomers.Array(customers, nil), candidateInertia.Array(inertias, nil),
		candidateSilhouette.Array(silhouettes, nil), candidateChosen.Array(chosen, nil),
	)}
}

// Segmentations implements transforms.Model.
func (m *model) Segmentations() []transforms.Segmentation {
	if len(m.Clusters) == 0 {
		return nil
	}
	s := transforms.Segmentation{
		Fitted: true,
		Name:   Name.Name,
		Doc:    "Customers with a purchase, grouped by likeness in what they do; the order is by frequency, order value and recency.",
	}
	for _, g := range m.Clusters {
		s.Segments = append(s.Segments, transforms.Segment{Name: g.Name, Rule: g.Rule, Action: g.Action})
	}
	return []transforms.Segmentation{s}
}

// Report implements transforms.Model.
func (m *model) Report() transforms.Report {
	r := transforms.Report{Status: m.Status, Params: []transforms.Param{
		{Name: "customers", Value: float64(m.Customers)},
		{Name: "sampled", Value: float64(m.Sampled)},
		{Name: "k", Value: float64(len(m.Clusters))},
		{Name: "passes", Value: float64(m.Passes)},
		{Name: "inertia", Value: m.Inertia},
		{Name: "variance", Value: m.Variance},
		{Name: "silhouette", Value: m.Silhouette},
	}}
	for _, s := range m.Features {
		r.Params = append(r.Params,
			transforms.Param{Name: "center_log_" + s.Column, Value: s.Center},
			transforms.Param{Name: "scale_log_" + s.Column, Value: s.Scale},
			transforms.Param{Name: "nulls_" + s.Column, Value: s.Nulls})
	}
	r.Warnings = m.warnings()
	return r
}

// warnings says what to be wary of. The limits of the silhouette are those of Kaufman & Rousseeuw, "Finding Groups in
// Data" (1990), table 4 of chapter 2.
func (m *model) warnings() (ws []string) {
	warn := func(format string, args ...any) { ws = append(ws, fmt.Sprintf(format, args...)) }
	switch m.Status {
	case statusNotEnough:
		warn("There are %d customers with a purchase; fewer than min_customers (%d) are not clustered.", m.Customers, m.MinCustomers)
		return ws
	case statusNoVariation:
		warn("The %d customers with a purchase are alike in every feature: there is nothing to cluster by.", m.Customers)
		return ws
	case statusNotConverged:
		warn("The centers still moved after %d passes.", m.Passes)
	}
	switch {
	case m.Silhouette < .25:
		warn("The clusters are no natural groups (silhouette %.2f, below 0.25): they cut a continuum into pieces.", m.Silhouette)
	case m.Silhouette < .5:
		warn("The clusters are weak (silhouette %.2f, below 0.50): many customers lie between two.", m.Silhouette)
	}
	if m.AtKMax {
		warn("The best number of clusters is the largest that k_max allows (%d): a larger one may be better.", len(m.Clusters))
	}
	for _, reason := range []string{"null", "constant"} {
		var cols []string
		for _, d := range m.Dropped {
			if d.Reason == reason {
				cols = append(cols, d.Column)
			}
		}
		if cols != nil {
			warn("Left out, since they tell no customers apart (%s): %s.", reason, strings.Join(cols, ", "))
		}
	}
	for _, s := range m.Features {
		if s.Nulls > 0 {
			warn("%s is NULL for %.1f %% of the customers, who count as the median.", s.Column, 100*s.Nulls)
		}
	}
	return ws
}
