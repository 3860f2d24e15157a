package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms"
	"segments/transforms/frame"
)

// A generation is a published run that a later one builds on.
type generation struct {
	runID string
	asOf  time.Time
}

// previous returns the newest generation published before asOf; the zero generation where there is none.
func (j *Job) previous(ctx context.Context, asOf time.Time) (generation, error) {
	events, ok, err := j.Warehouse.Published(ctx, warehouse.Runs)
	if err != nil || !ok {
		return generation{}, err
	}
	q, err := sql.Bind("previous_run", j.Warehouse.Dialect(), map[string]any{"as_of": frame.DayOf(asOf)}, events.Relation())
	if err != nil {
		return generation{}, err
	}
	g := generation{}
	for b, err := range j.Warehouse.Query(ctx, q) {
		if err != nil {
			return generation{}, fmt.Errorf("read the ledger: %w", err)
		}
		for i := range int(b.NumRows()) {
			g = generation{runID.Of(b).Value(i), frame.TimeOf(asOfOut.Of(b).Value(i))}
		}
	}
	return g, nil
}

var asOfOut = frame.Date("as_of", "The generation's day.")

// digest is a SHA-256 over everything that the result of a run depends on.
func (j *Job) digest(asOf time.Time, ss []source, prev generation, lookedBack []string, mode string) (string, error) {
	sigs, err := j.signatures()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			fmt.Fprintf(h, "%d:%s", len(p), p)
		}
	}
	put(lookedBack...)
	put(j.Name, asOf.Format(time.DateOnly), mode, j.CodeVersion, string(j.ConfigDigest), prev.runID, j.Location.String(), sql.Checksum())
	for _, s := range ss {
		put(s.Name, s.mapped.Select, s.digest)
	}
	for i, s := range j.Steps {
		js, err := json.Marshal(s.Estimator)
		if err != nil {
			return "", err
		}
		put(s.Name, string(js))
		for _, k := range slices.Sorted(maps.Keys(sigs[i].Params)) {
			put(k, fmt.Sprint(sigs[i].Params[k]))
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// storedModels returns the models that generation g published, by step. What can no longer be loaded, because the
// configuration has changed, is left out and said in a warning.
func (j *Job) storedModels(ctx context.Context, g generation) (map[string]transforms.Model, []string, error) {
	raw, err := j.storedJSON(ctx, g)
	if err != nil {
		return nil, nil, err
	}
	out := map[string]transforms.Model{}
	var warnings []string
	for _, s := range j.Steps {
		if raw[s.Name] == nil {
			continue
		}
		m, err := s.Estimator.Load(raw[s.Name])
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("%s: the model of %s cannot be taken over (%v); everything is learnt anew",
				s.Name, g.asOf.Format(time.DateOnly), err))
			continue
		}
		out[s.Name] = m
	}
	return out, warnings, nil
}

// storedJSON returns the stored models of generation g, by step.
func (j *Job) storedJSON(ctx context.Context, g generation) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if g.runID == "" {
		return out, nil
	}
	ref, ok, err := j.Warehouse.Published(ctx, modelParameters)
	if err != nil || !ok {
		return out, err
	}
	q, err := sql.Bind("stored_models", j.Warehouse.Dialect(), map[string]any{"as_of": frame.DayOf(g.asOf)}, ref.Relation())
	if err != nil {
		return nil, err
	}
	for b, err := range j.Warehouse.Query(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("read the stored models: %w", err)
		}
		for i := range int(b.NumRows()) {
			out[step.Of(b).Value(i)] = json.RawMessage(text.Of(b).Value(i))
		}
	}
	return out, nil
}

var rowCount = frame.Int64("n", "A number of rows.")

// count returns the integer n of the single row that q gives.
func (j *Job) count(ctx context.Context, q sql.Query) (int64, error) {
	var n int64
	for b, err := range j.Warehouse.Query(ctx, q) {
		if err != nil {
			return 0, err
		}
		if b.NumRows() > 0 {
			n = rowCount.Of(b).Value(0)
		}
	}
	return n, nil
}
