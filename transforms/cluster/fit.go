package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

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
	most := min(e.KMax, few.distinct())
	least := min(e.KMin, most)
	if asked > 0 {
		least, most = asked, asked
	}
	partitions, err := e.candidates(ctx, par, few, least, most)
	if err != nil {
		return err
	}
	chosen := 0
	for at, c := range par.Candidates {
		if c.Silhouette > par.Candidates[chosen].Silhouette {
			chosen = at
		}
	}
	best := partitions[chosen]
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

// candidates partitions p into each number of clusters from least to most, side by side, and writes how good each
// partition is into par.
func (e *Estimator) candidates(ctx context.Context, par *parameters, p points, least, most int) ([]partition, error) {
	n := most - least + 1
	par.Candidates = make([]candidate, n)
	partitions, errs := make([]partition, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			k := least + i
			c, err := kMeans(ctx, p, k, e.Starts, e.Seed)
			if err != nil {
				errs[i] = err
				return
			}
			partitions[i] = c
			par.Candidates[i] = candidate{
				K: k, Customers: p.n, Inertia: c.inertia, Silhouette: silhouette(p.first(silhouetteRows), c.labels, k),
			}
		})
	}
	wg.Wait()
	return partitions, errors.Join(errs...)
}
