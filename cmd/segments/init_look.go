package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"segments/pipeline/config"
	"segments/pipeline/discover"
	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/scout"
	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery"
	"segments/pipeline/warehouse/duckdb"
	"segments/transforms/frame"
)

// lookAt opens what is looked at. Nothing is written to it.
func (a *app) lookAt(ctx context.Context, o initiation) (warehouse.Warehouse, error) {
	env := warehouse.Env{Now: a.now, Log: a.logger(), ReadOnly: true}
	if o.bigquery != "" {
		project, _, _ := strings.Cut(o.bigquery, ".")
		w, err := bigquery.Open(ctx, env, func(into any) error {
			c := into.(*bigquery.Config) //nolint:forcetypeassert // Open says so
			c.Project, c.Location, c.Dataset, c.StagingDataset = project, o.location, o.dataset, o.stagingDataset()
			c.MaxBytesBilled = o.budget
			return nil
		})
		return w, asUsage(err, "--bigquery")
	}
	w, err := duckdb.Open(ctx, env, func(into any) error {
		c := into.(*duckdb.Config) //nolint:forcetypeassert // Open says so
		c.Path = cmp.Or(o.duckdb, filepath.Join(o.folder(), "segments-init-makes-no-such-file.duckdb"))
		return nil
	})
	return w, asUsage(err, "--duckdb")
}

// asUsage says that what Open refuses was asked for on the command line.
func asUsage(err error, flag string) error {
	if err == nil || errors.Is(err, warehouse.ErrTemporary) || errors.Is(err, warehouse.ErrPermission) {
		return err
	}
	return usageError{fmt.Errorf("%s: %w", flag, err)}
}

// tablesOf looks at every table or file.
func (a *app) tablesOf(ctx context.Context, l scout.Scout, o initiation) (out []discover.Table, err error) {
	unread := func(name string, err error) error {
		if ctx.Err() != nil || errors.Is(err, warehouse.ErrPermission) || errors.Is(err, warehouse.ErrBudget) {
			return err
		}
		fmt.Fprintf(a.err, "  %s cannot be read: %s\n", draft.Safe(name), oneLine(err))
		return nil
	}
	if o.duckdb != "" || o.bigquery != "" {
		tables, err := l.Tables(ctx, o.bigquery)
		if err != nil {
			return nil, err
		}
		for _, t := range tables {
			if a.ours(t.Name) {
				continue
			}
			if err := l.Look(ctx, &t); err != nil {
				if err := unread(t.Name, err); err != nil {
					return nil, err
				}
				continue
			}
			out = append(out, t)
		}
		return nothingThere(out, "no table")
	}
	args := o.args
	if len(args) == 0 {
		args = []string{"."}
	}
	files, err := scout.FindFiles(args)
	if err != nil {
		return nil, usageError{err}
	}
	for len(files) > 0 {
		f := files[0]
		files = files[1:]
		t, err := l.LookFiles(ctx, f, o.relative(f.Glob))
		switch {
		case err == nil:
			out = append(out, t)
		case len(f.Paths) > 1 && ctx.Err() == nil:
			files = append(f.Split(), files...)
		default:
			if err := unread(f.Name, err); err != nil {
				return nil, err
			}
		}
	}
	return nothingThere(out, "no CSV, Parquet or JSON file")
}

func nothingThere(out []discover.Table, what string) ([]discover.Table, error) {
	if len(out) == 0 {
		return nil, usageError{fmt.Errorf("%w: there is %s that could be read", discover.ErrNothing, what)}
	}
	return out, nil
}

// ours says whether name is that of a table or view that a run publishes.
func (a *app) ours(name string) bool {
	if slices.Contains([]string{"runs", "people", "audiences", "audience_memberships", "drops_next_week", warehouse.Runs.Name}, name) {
		return true
	}
	c := config.Default()
	j, err := a.job(&c)
	if err != nil {
		return false
	}
	tables, err := j.Tables()
	return err == nil && slices.ContainsFunc(tables, func(t frame.Table) bool {
		return name == t.Name || name == t.Name+"_current"
	})
}
