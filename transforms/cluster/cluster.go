// Package cluster is the transform that groups customers who behave alike, by k-means.
//
// It clusters the customers with a purchase; the others have cluster_status no_purchase. A fit goes like this:
//
//  1. Sample: the customers with the smallest keyed hashes of their ids, in the order of the hashes. What follows
//     therefore depends on neither the order nor the batches of the rows.
//  2. Scale: each feature is the logarithm of a column, less its median, over its interquartile range. Columns that are
//     NULL or the same for everybody are left out. The scales are part of the model.
//  3. Start: k-means++ and Lloyd's algorithm, several times, on the first 10,000 customers of the sample. Where k is
//     auto, this is done for each k, and the one with the largest mean silhouette is taken.
//  4. Refine: Lloyd's algorithm on the whole sample, from the best centers.
//  5. Order and name the clusters by what sets them apart, so that ids and names do not depend on chance.
//
// Held in memory are one batch and the sample: up to 2 × sample × 80 bytes and the ids while reading, 32 MB by default.
package cluster

import (
	"fmt"
	"strconv"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// The outputs.
var (
	Name = frame.String("cluster",
		"The cluster, by a name that says what sets it apart; NULL where cluster_status is not ok.").Null()
	ID = frame.Int64("cluster_id",
		"The number of the cluster, from 1: by frequency, order value and recency, best first.").Null()
	Distance = frame.Float64("cluster_distance",
		"Euclidean distance to the center of the cluster, over the scaled features: 1 is about a standard deviation of one.").Null()
	Second      = frame.String("cluster_second", "The cluster with the second nearest center.").Null()
	Probability = frame.Float64("cluster_probability",
		"Probability of the cluster, were each one a round normal cloud of the same size and the spread seen on average. "+
			"It tells clear members from those on a border; it is not calibrated.").In("share").Null()
	Status = frame.String("cluster_status", "Why there is a cluster or none.").
		OneOf(statusOK, statusNoPurchase, statusNotEnough, statusNoVariation)
)

// Candidates is the table of the numbers of clusters that were tried.
var Candidates = frame.Table{
	Name: "cluster_candidates",
	Doc:  "The numbers of clusters that were tried, and how well each fits.",
	Key:  []string{"k"},
	Columns: []frame.Column{
		candidateK.Column, candidateCustomers.Column, candidateInertia.Column, candidateSilhouette.Column, candidateChosen.Column,
	},
	PartitionBy: "as_of",
}

var (
	candidateK          = frame.Int64("k", "The number of clusters.").In("clusters")
	candidateCustomers  = frame.Int64("customers", "The customers it was tried on.").In("customers")
	candidateInertia    = frame.Float64("inertia", "Sum of the squared distances to the nearest center, over the scaled features.")
	candidateSilhouette = frame.Float64("silhouette",
		"Mean silhouette of at most 2,000 of the customers, from -1 to 1: the larger, the farther apart the clusters.")
	candidateChosen = frame.Bool("chosen", "Whether it was taken.")
)

// The values of cluster_status; those of the report are the same, and statusNotConverged.
const (
	statusOK           = "ok"
	statusNoPurchase   = "no_purchase"
	statusNotEnough    = "not_enough_customers"
	statusNoVariation  = "no_variation"
	statusNotConverged = "not_converged"
)

const (
	kMost      = 50
	auto       = "auto"
	methodName = "kmeans"
)

// An Estimator holds the hyperparameters. New gives their defaults.
type Estimator struct {
	Method       string `yaml:"method" jsonschema:"enum=kmeans" jsonschema_description:"How clusters are found."`
	K            string `yaml:"k" jsonschema:"oneof_type=string;integer" jsonschema_description:"The number of clusters, 2 to 50; or auto, for the number whose clusters are the most distinct."`
	KMin         int    `yaml:"k_min" jsonschema:"minimum=2,maximum=50" jsonschema_description:"The smallest number of clusters that auto tries: fewer than four tell little that the core segments do not."`
	KMax         int    `yaml:"k_max" jsonschema:"minimum=2,maximum=50" jsonschema_description:"The largest number of clusters that auto tries."`
	Seed         int64  `yaml:"seed" jsonschema_description:"Seeds the sample and the starts; the same seed gives the same clusters."`
	Starts       int    `yaml:"starts" jsonschema:"minimum=1,maximum=1000" jsonschema_description:"Random starts, of which the best is kept."`
	Sample       int    `yaml:"sample" jsonschema:"minimum=1000,maximum=10000000" jsonschema_description:"The most customers to fit on."`
	MinCustomers int    `yaml:"min_customers" jsonschema:"minimum=2" jsonschema_description:"With fewer customers there are no clusters."`
}

var _ transforms.Estimator = (*Estimator)(nil)

// New returns an estimator with the default hyperparameters.
func New() transforms.Estimator {
	return &Estimator{Method: methodName, K: auto, KMin: 4, KMax: 12, Seed: 1, Starts: 10, Sample: 200_000, MinCustomers: 100}
}

// Signature implements transforms.Estimator.
func (e *Estimator) Signature() (transforms.Signature, error) {
	if _, err := e.check(); err != nil {
		return transforms.Signature{}, err
	}
	return transforms.Signature{
		FitInputs: append([]frame.Column{customer.ID.Column}, inputs()...),
		Inputs:    inputs(),
		Outputs: []frame.Column{
			Name.Column, ID.Column, Distance.Column, Second.Column, Probability.Column, Status.Column,
		},
		Learned: []frame.Table{Candidates},
	}, nil
}

// check returns the number of clusters asked for, 0 for auto, or what is wrong with the hyperparameters.
func (e *Estimator) check() (k int, err error) {
	if e.Method != methodName {
		return 0, fmt.Errorf("method: want %s, got %q", methodName, e.Method)
	}
	if e.K != auto {
		if k, err = strconv.Atoi(e.K); err != nil || k < 2 || k > kMost {
			return 0, fmt.Errorf("k: want %s or a number from 2 to %d, got %q", auto, kMost, e.K)
		}
	}
	for _, f := range []struct {
		name               string
		value, least, most int
	}{
		{"k_min", e.KMin, 2, kMost},
		{"k_max", e.KMax, max(e.KMin, 2), kMost},
		{"starts", e.Starts, 1, 1000},
		{"sample", e.Sample, 1000, 10_000_000},
		{"min_customers", e.MinCustomers, 2, 1_000_000_000},
	} {
		if f.value < f.least || f.value > f.most {
			return 0, fmt.Errorf("%s: want a number from %d to %d, got %d", f.name, f.least, f.most, f.value)
		}
	}
	return k, nil
}
