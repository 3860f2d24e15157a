// Package holdout keeps a share of the customers out of all campaigns, always the same ones, so that what campaigns do can be
// measured at any time against those who got none.
//
// Who is in it is decided by a hash of the salt and the customer's identifier alone: not by order, day or number of customers.
// Whoever is in stays in for the same salt and share, and a larger share only adds.
package holdout

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/segment"
)

// InHoldout is the output.
var InHoldout = frame.Bool("in_holdout", "Whether the customer is kept out of all campaigns, to measure what these do; audiences and "+
	"exports leave who is out. NULL where no share is kept out of the customer's segment.").Null()

// An Estimator has the hyperparameters. Make one with New.
type Estimator struct {
	Share  float64            `yaml:"share" json:"share" jsonschema:"minimum=0,maximum=0.9" jsonschema_description:"The share of customers that is kept out of all campaigns; 0 keeps nobody out."`
	Shares map[string]float64 `yaml:"shares" json:"shares,omitempty" jsonschema_description:"Shares by core segment, where they are not to be share. With different shares the holdout is judged by segment only."`
	Salt   string             `yaml:"salt" json:"salt,omitempty" jsonschema:"example=2026" jsonschema_description:"Decides who is in it, together with customer_id: another salt draws other customers. Needed where a share is above 0."`
}

var _ transforms.Estimator = (*Estimator)(nil)

// New returns the estimator with the defaults: nobody is kept out.
func New() transforms.Estimator { return &Estimator{} }

// most is the largest share: somebody must be left to write to.
const most = .9

// Signature implements transforms.Estimator.
func (e *Estimator) Signature() (transforms.Signature, error) {
	if err := e.check(); err != nil {
		return transforms.Signature{}, err
	}
	sig := transforms.Signature{
		Inputs:  []frame.Column{customer.ID.Column, segment.Core.Column},
		Outputs: []frame.Column{InHoldout.Column},
	}
	if len(e.Shares) > 0 {
		sig.FitInputs = []frame.Column{segment.Core.Column}
	}
	return sig, nil
}

// On says whether anybody is kept out.
func (e *Estimator) On() bool {
	for _, s := range e.Shares {
		if s > 0 {
			return true
		}
	}
	return e.Share > 0
}

// check says which hyperparameter makes no sense.
func (e *Estimator) check() error {
	bad := func(s float64) bool { return !(s >= 0 && s <= most) }
	if bad(e.Share) {
		return fmt.Errorf("share: want 0 to %v, not %v", most, e.Share)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Shares)) {
		if s := e.Shares[name]; bad(s) {
			return fmt.Errorf("shares: %s: want 0 to %v, not %v", name, most, s)
		}
	}
	if e.On() && e.Salt == "" {
		return errors.New("salt: is needed where a share is above 0: any text that stays the same")
	}
	return nil
}

// A model is the hyperparameters, and the segments in Shares that nobody is in.
type model struct {
	Estimator
	Empty []string `json:"empty,omitempty"` // sorted
}

// Fit implements transforms.Estimator. There is nothing to learn but whether somebody is in the segments that have shares.
func (e *Estimator) Fit(ctx context.Context, in frame.Batches, _ transforms.Model) (transforms.Model, error) {
	m := &model{Estimator: *e}
	if len(e.Shares) == 0 {
		return m, nil
	}
	seen := map[string]bool{}
	for b, err := range in {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		core := segment.Core.Of(b)
		for i := range core.Len() {
			if core.IsValid(i) {
				seen[core.Value(i)] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Shares)) {
		if !seen[name] {
			m.Empty = append(m.Empty, name)
		}
	}
	return m, nil
}

// Load implements transforms.Estimator.
func (e *Estimator) Load(data json.RawMessage) (transforms.Model, error) {
	var m model
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("holdout: stored model: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("holdout: stored model: %w", err)
	}
	return &m, nil
}

// MarshalJSON implements json.Marshaler.
func (m *model) MarshalJSON() ([]byte, error) {
	type plain model
	return json.Marshal((*plain)(m))
}

// Apply implements transforms.Model.
func (m *model) Apply(_ context.Context, b frame.Batch) (frame.Batch, error) {
	id, core := customer.ID.Of(b), segment.Core.Of(b)
	n := int(b.NumRows())
	in, known := make([]bool, n), make([]bool, n)
	for i := range n {
		share := m.Share
		if core.IsValid(i) {
			if s, ok := m.Shares[core.Value(i)]; ok {
				share = s
			}
		}
		if share > 0 {
			in[i], known[i] = lot(m.Salt, id.Value(i)) < share, true
		}
	}
	return frame.Record(InHoldout.Array(in, known)), nil
}

// lot is a number in [0, 1) that looks drawn by lot and is always the same: the first eight bytes of SHA-256 of the salt, a zero
// byte and the customer's identifier, as a fraction. Of the 64 bits the last eleven are left out, so that it is exact and
// never 1.
func lot(salt, id string) float64 {
	h := make([]byte, 0, 128)
	h = append(append(append(h, salt...), 0), id...)
	sum := sha256.Sum256(h)
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}

// Learned implements transforms.Model: nothing is.
func (m *model) Learned() []frame.Batch { return nil }

// Segmentations implements transforms.Model: there are none.
func (m *model) Segmentations() []transforms.Segmentation { return nil }

// Report implements transforms.Model.
func (m *model) Report() transforms.Report {
	r := transforms.Report{Status: "ok", Params: []transforms.Param{{Name: "share", Value: m.Share}}}
	for _, name := range slices.Sorted(maps.Keys(m.Shares)) {
		r.Params = append(r.Params, transforms.Param{Name: "share " + name, Value: m.Shares[name]})
	}
	for _, name := range m.Empty {
		r.Warnings = append(r.Warnings, fmt.Sprintf("shares: nobody is in a core segment %q", name))
	}
	return r
}
