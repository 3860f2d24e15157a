package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"segments/pipeline/warehouse"
	"segments/sql"
)

// Errors are several things that the configuration has wrong. What each says begins with the key that it is about.
type Errors []error

// Error returns what each of them says, one below the other.
func (ms Errors) Error() string {
	all := make([]string, len(ms))
	for i, m := range ms {
		all[i] = m.Error()
	}
	return strings.Join(all, "\n")
}

// Unwrap returns each of them.
func (ms Errors) Unwrap() []error { return ms }

// err returns them as one error; nil where there are none.
func (ms Errors) err() error {
	switch len(ms) {
	case 0:
		return nil
	case 1:
		return ms[0]
	}
	return ms
}

// Check looks at the wiring, at what the warehouse allows and at the sources, without running anything. Where the
// configuration is at fault, the error wraps ErrConfig and begins with the key; it is Errors where several things are wrong.
func (j *Job) Check(ctx context.Context) error {
	found, _ := j.Findings(ctx)
	return Errors(found).err()
}

// Findings is Check, which tells apart what stands in the way of a run, and warnings of sources that have no rows.
func (j *Job) Findings(ctx context.Context) (found, warnings []error) {
	if _, err := j.Tables(); err != nil {
		found = append(found, err)
	}
	if err := j.Warehouse.Check(ctx); err != nil {
		found = append(found, err)
		if !errors.Is(err, warehouse.ErrPermission) { // without some permissions sources can be looked at all the same
			return found, nil
		}
	}
	_, err := j.sources(ctx)
	var several Errors
	if !errors.As(err, &several) {
		several = Errors{err}
	}
	for _, err := range several {
		switch {
		case err == nil:
		case errors.Is(err, ErrNotReady):
			warnings = append(warnings, err)
		default:
			found = append(found, err)
		}
	}
	if err != nil {
		return found, warnings
	}
	for _, s := range j.sourceCache {
		none, err := j.empty(ctx, s.mapped)
		switch {
		case err != nil:
			found = append(found, fmt.Errorf("sources.%s: %w", s.Name, err))
		case none && !slices.Contains(besides, s.Name):
			warnings = append(warnings, isEmpty(s.Name))
		}
	}
	return found, warnings
}

// isEmpty is what a run would say of the source called name, which has no rows.
func isEmpty(name string) error {
	return notReady("sources.%s is empty; leave a source that you do not have out of the configuration", name)
}

// empty says whether r, a relation of a source, has no rows. Only a row is read, where that costs nothing.
func (j *Job) empty(ctx context.Context, r sql.Relation) (bool, error) {
	if j.Warehouse.Charges().Least > 0 {
		return false, nil
	}
	r.Select = "SELECT count(*) AS n FROM (SELECT 1 AS one FROM (" + r.Select + "\n) AS s LIMIT 1) AS first"
	q, err := j.selectSource(r, nil)
	if err != nil {
		return false, err
	}
	n, err := j.count(ctx, q)
	return n == 0, err
}

// mistakes looks at each column of s, which has the columns has, on its own, and returns all that is wrong with them.
func (j *Job) mistakes(ctx context.Context, s sql.Source, has []sql.ColumnInfo) Errors {
	var found Errors
	look := func(one sql.Source, key string) {
		if err := j.columnMistake(ctx, one, key, has); err != nil {
			found = append(found, err)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(s.Columns)) {
		one := s
		one.Columns, one.Attributes = map[string]string{c: s.Columns[c]}, nil
		look(one, "sources."+s.Name+".columns."+c)
	}
	for _, a := range s.Attributes {
		one := s
		one.Columns, one.Attributes = nil, []string{a}
		look(one, "sources."+s.Name+".attributes")
	}
	return found
}

func (j *Job) columnMistake(ctx context.Context, s sql.Source, key string, has []sql.ColumnInfo) error {
	d := j.Warehouse.Dialect()
	mapped, err := s.Mapped(d, has)
	if err != nil {
		return configError(err)
	}
	types, err := j.describe(ctx, key, mapped)
	if err != nil {
		return err
	}
	if _, err := s.Typed(d, mapped, types.Columns); err != nil {
		return configError(err)
	}
	return nil
}
