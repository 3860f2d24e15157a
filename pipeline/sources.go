package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// A source is a configured source that has been checked.
type source struct {
	sql.Source
	mapped  sql.Relation // its mapped columns, typed as the source has them
	typed   sql.Relation // what the canonical queries read
	given   map[string]bool
	bytes   int64     // to be read for mapped; 0 where the warehouse does not charge for it
	most    int64     // rows that it has at most; 0 where that is not known before they are counted
	written time.Time // when it was last written to; zero where that is not known
	rows    int64     // set by fingerprint
	digest  string    // set by fingerprint

	addresses sql.Relation // what the view people reads of it, where there is one
}

// sources resolves the configured sources against what the warehouse says is there.
func (j *Job) sources(ctx context.Context) ([]source, error) {
	if j.sourceCache != nil {
		return j.sourceCache, nil
	}
	var tables []string
	for _, s := range j.Sources {
		if s.Query == "" && !sql.IsFile(s.From) {
			tables = append(tables, s.From)
		}
	}
	pin, err := j.Warehouse.Pin(ctx, tables...)
	if err != nil {
		return nil, err
	}
	j.snapshot = pin.At
	out := make([]source, 0, len(j.Sources))
	var wrong Errors
	if err := j.checkPeople(); err != nil {
		wrong = append(wrong, err)
	}
	for _, s := range j.Sources {
		s.Pinned = pin.Tables[s.From]
		ctx := j.step(ctx, "check "+s.Name)
		checked, err := j.source(ctx, s)
		var several Errors
		switch {
		case errors.As(err, &several):
			wrong = append(wrong, several...)
		case errors.Is(err, ErrConfig), errors.Is(err, ErrNotReady), errors.Is(err, warehouse.ErrPermission):
			wrong = append(wrong, err) // and perhaps others have mistakes too
		case err != nil:
			return nil, err
		}
		out = append(out, checked)
	}
	if wrong != nil {
		return nil, wrong.err()
	}
	j.sourceCache = out
	return out, nil
}

// source resolves s. Where several of its columns are wrong, the error is Errors.
func (j *Job) source(ctx context.Context, s sql.Source) (source, error) {
	d := j.Warehouse.Dialect()
	all, err := s.All(d)
	if err != nil {
		return source{}, configError(err)
	}
	key := "sources." + s.Name
	place := key + ".from"
	if s.Query != "" {
		place = key + ".query"
	}
	has, err := j.describe(ctx, place, all)
	if err != nil {
		return source{}, err
	}
	wrong := func(err error) (source, error) {
		if errors.Is(err, ErrConfig) {
			if all := j.mistakes(ctx, s, has.Columns); len(all) > 0 {
				err = all.err()
			}
		}
		return source{}, err
	}
	mapped, err := s.Mapped(d, has.Columns)
	if err != nil {
		return wrong(configError(err))
	}
	types, err := j.describe(ctx, key+".columns", mapped)
	if err != nil {
		return wrong(err)
	}
	out := source{Source: s, mapped: mapped, given: map[string]bool{}, bytes: types.Bytes, most: types.Rows, written: types.Written}
	if out.typed, err = s.Typed(d, mapped, types.Columns); err != nil {
		if empty, countErr := j.empty(ctx, mapped); countErr == nil && empty {
			return source{}, isEmpty(s.Name) // an empty file says nothing of its types
		}
		return wrong(configError(err))
	}
	for c := range s.Columns {
		out.given[c] = true
	}
	out.addresses, err = j.addresses(s, has.Columns, types.Columns)
	return out, err
}

// selectSource returns the query of r, a relation of a source. params are those of its parameters that differ from run
// to run.
func (j *Job) selectSource(r sql.Relation, params map[string]any) (sql.Query, error) {
	all := map[string]any{"snapshot": frame.MomentOf(j.snapshot), "timezone": j.Location.String()}
	maps.Copy(all, params)
	return sql.Select(r, j.Warehouse.Dialect(), all)
}

// describe estimates r, which key of the configuration is about. What is not there is its fault.
func (j *Job) describe(ctx context.Context, key string, r sql.Relation) (warehouse.Estimate, error) {
	q, err := j.selectSource(r, nil)
	if err != nil {
		return warehouse.Estimate{}, configError(fmt.Errorf("%s: %w", key, err))
	}
	e, err := j.Warehouse.Estimate(ctx, q)
	if err != nil {
		for _, kind := range []error{
			warehouse.ErrUnusable, warehouse.ErrTemporary, warehouse.ErrPermission, warehouse.ErrBudget, context.Canceled, context.DeadlineExceeded,
		} {
			if errors.Is(err, kind) {
				return e, err // that is not the source's fault
			}
		}
		return e, configError(fmt.Errorf("%s: %w", key, err))
	}
	return e, nil
}

// fingerprint reads every source once and notes how many rows it has and what they are.
func (j *Job) fingerprint(ctx context.Context) ([]source, error) {
	ss, err := j.sources(ctx)
	if err != nil {
		return nil, err
	}
	for i, s := range ss {
		ctx := j.step(ctx, "read "+s.Name)
		q, err := j.selectSource(s.mapped, nil)
		if err != nil {
			return nil, configError(err)
		}
		fp, err := j.Warehouse.Fingerprint(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("sources.%s: %w", s.Name, err)
		}
		ss[i].rows, ss[i].digest = fp.Rows, fp.Digest
		if fp.Rows == 0 && !slices.Contains(besides, s.Name) { // an empty source would lift every objection, or switch the gate off
			return nil, isEmpty(s.Name)
		}
	}
	return ss, nil
}

// given says whether the configuration maps column c of source name.
func given(ss []source, name, c string) bool {
	for _, s := range ss {
		if s.Name == name {
			return s.given[c]
		}
	}
	return false
}

// configured says whether the source called name is configured.
func configured(ss []source, name string) bool {
	for _, s := range ss {
		if s.Name == name {
			return true
		}
	}
	return false
}
