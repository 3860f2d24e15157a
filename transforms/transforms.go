// Package transforms is the contract that every transform meets; transformstest is that contract as a test.
//
// A transform is pure: it reads Arrow batches and returns Arrow batches, and does no other input or output. The same
// input gives the same bytes out, whatever the order, size and number of the batches. Each transform lives in a folder
// of its own below this one.
package transforms

import (
	"context"
	"encoding/json"
	"errors"

	"segments/transforms/frame"
)

// ErrTooFewRows is wrapped by a Fit whose rows cannot give what the hyperparameters ask for.
var ErrTooFewRows = errors.New("too few customers")

// An Estimator learns a Model from data. It holds hyperparameters only, as exported fields with yaml tags.
type Estimator interface {
	// Signature says what the transform reads and returns. It fails when the hyperparameters make no sense; the error
	// begins with the yaml name of the field.
	Signature() (Signature, error)

	// Fit learns from in, ranging over it as often as it needs to. It leaves the estimator unchanged, and fitting twice
	// gives the same model. prev is the newest model published before, or nil: what is learned once and then kept
	// (cut points) is taken over from it. Fit of no rows gives a model that applies and says so in its Report.
	Fit(ctx context.Context, in frame.Batches, prev Model) (Model, error)

	// Load returns the model that was stored as data, to score without fitting.
	Load(data json.RawMessage) (Model, error)
}

// A Model is the immutable result of a fit, safe for concurrent use. Its JSON is all that Load needs.
type Model interface {
	json.Marshaler

	// Apply returns the signature's Outputs for b: the same rows in the same order, each depending on its own row only.
	Apply(ctx context.Context, b frame.Batch) (frame.Batch, error)

	// Learned returns one batch for each of the signature's Learned tables, in that order.
	Learned() []frame.Batch

	// Segmentations says which of the outputs are segment names and what they mean; nil where none is.
	Segmentations() []Segmentation

	// Report says how the fit went, what was learned, and what to be wary of.
	Report() Report
}

// A Recutter is a model whose cut points can be told from its rules. Where both are others than before, it says which of
// the two moved somebody.
type Recutter interface {
	Model

	// Recut returns a model with the rules of the receiver and the cut points of before; nil where before is of another kind.
	Recut(before Model) Model
}

// A Signature lists what a transform reads and what it adds.
type Signature struct {
	FitInputs []frame.Column // what Fit reads: customer features, and outputs of earlier transforms
	Inputs    []frame.Column // what Apply reads
	Outputs   []frame.Column // what Apply returns, by names no other transform uses
	Learned   []frame.Table  // tables of what was learned, without the as_of column that the job puts before them

	// Params are values for named parameters of the customer features query (sql/query/customer_features.sql):
	// windows and thresholds that the warehouse has to know. Two transforms may set one only to the same value.
	Params map[string]any
}

// A Report says how a fit went.
type Report struct {
	Status   string   // "ok", or a short code that says what is wrong, such as "no_rows" or "not_converged"
	Params   []Param  // what was learned, in a fixed order
	Warnings []string // sentences for a person

	// Whether segments have other borders than those of the model that Fit was given, so that somebody who did nothing may
	// be in another one: because cut points were learned anew or configured otherwise, or because names were.
	CutMoved, RuleChanged bool
}

// A Param is one learned number. It is finite.
type Param struct {
	Name  string
	Value float64
}

// A Segmentation gives each customer one of a few names, in a String column of the outputs.
type Segmentation struct {
	Name     string // the name of the column
	Doc      string
	Fitted   bool      // the segments were found in the data: names of another fit need not mean the same groups
	Segments []Segment // best first: the order stands for the score where nothing has been measured yet
}

// A Segment is one group of a segmentation.
type Segment struct {
	Name   string // the value in the column
	Parent string // the group of a coarser segmentation it lies in; empty where there is none
	Rule   string // who is in it, in words
	Action string // what a marketer could do
}
