package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

const (
	startRows      = 10_000 // of the sample, for the starts and the choice of k
	silhouetteRows = 2_000  // of the sample, for silhouettes, which cost the square of it
)

// A candidate is a number of clusters that was tried.
type candidate struct {
	K          int     `json:"k"`
	Customers  int     `json:"customers"`
	Inertia    float64 `json:"inertia"`
	Silhouette float64 `json:"silhouette"`
	Chosen     bool    `json:"chosen"`
}

// Fit implements transforms.Estimator. It fails with transforms.ErrTooFewRows when k is a number and fewer customers of the
// sample differ, unless nobody has a purchase. Nothing is taken over from the previous model.
func (e *Estimator) Fit(ctx context.Context, in frame.Batches, _ transforms.Model) (transforms.Model, error) {
	asked, err := e.check()
	if err != nil {
		return nil, err
	}
	s := newSampler(e.Sample, e.Seed)
	for b, err := range in {
		if err == nil {
			err = errors.Join(ctx.Err(), frame.Check(b.Schema(), append(inputs(), customer.ID.Column)...))
		}
		if err != nil {
			return nil, err
		}
		s.add(b)
	}
	sample := s.sample()
	par := parameters{Method: methodName, Seed: e.Seed, Customers: s.customers, Sampled: len(sample)}
	par.Features, par.Dropped = fitScales(sample)
	p := scaled(sample, par.Features)
	distinct := p.distinct()
	switch {
	case len(sample) > 0 && asked > distinct:
		return nil, fmt.Errorf("k: %w for %d clusters: only %d of %d with a purchase differ",
			transforms.ErrTooFewRows, asked, distinct, s.customers)
	case s.customers < max(e.MinCustomers, 2):
		par.Status = statusNotEnough
		par.MinCustomers = e.MinCustomers
	case distinct < 2:
		par.Status = statusNoVariation
	default:
		if err := e.cluster(ctx, &par, asked, p); err != nil {
			return nil, err
		}
	}
	return newModel(par)
}

// cluster finds the clusters of p, the scaled sample, and writes them into par.
func (e *Estimator) cluster(ctx context.Context, par *parameters, asked int, p points) error {
	few := p.first(startRows)
	if few.distinct() < max(asked, 2) {
		few = p
	}
	least, most := 2, min(e.KMax, few.distinct())
	if asked > 0 {
		least, most = asked, asked
	}
	var best partition
	chosen := 0
	for k := least; k <= most; k++ {
		c, err := kMeans(ctx, few, k, e.Starts, e.Seed)
		if err != nil {
			return err
		}
		par.Candidates = append(par.Candidates, candidate{
			K: k, Customers: few.n, Inertia: c.inertia, Silhouette: silhouette(few.first(silhouetteRows), c.labels, k),
		})
		if at := len(par.Candidates) - 1; at == 0 || par.Candidates[at].Silhouette > par.Candidates[chosen].Silhouette {
			best, chosen = c, at
		}
	}
	par.Candidates[chosen].Chosen = true
	k := par.Candidates[chosen].K
	if few.n < p.n {
		best = lloyd(p, slices.Clone(best.centers))
	}
	par.Status = statusOK
	if !best.converged {
		par.Status = statusNotConverged
	}
	par.Passes = best.passes
	par.Inertia = best.inertia
	par.Silhouette = silhouette(p.first(silhouetteRows), best.labels, k)
	par.Variance = best.inertia / float64(p.n*p.dim)
	par.AtKMax = asked == 0 && k == e.KMax
	par.Clusters = describe(par.Features, p, best)
	return nil
}
