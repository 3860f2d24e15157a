package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"segments/pipeline"
	"segments/pipeline/config"
	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

// mostRows is how many rows of a table are shown at most. Lists of customers are for `segments export`.
const mostRows = 100_000

// keptLine says what is kept of a rejected run, and for how long; empty where nothing is.
func keptLine(id string, k warehouse.Kept) string {
	if len(k.Tables) == 0 {
		return ""
	}
	on := ""
	if k.Bytes > 0 {
		on = ", " + size(k.Bytes) + " on disk"
	}
	return fmt.Sprintf("%s to look at until %s%s: `segments show %s --table NAME`", plural(int64(len(k.Tables)), "table"),
		k.Until.UTC().Format("2006-01-02 15:04 UTC"), on, id)
}

// keptOf is what is kept of a run, if it is one of which anything can be.
func keptOf(ctx context.Context, j *pipeline.Job, run ledgerRun) (warehouse.Kept, error) {
	if run.state != string(warehouse.Rejected) {
		return warehouse.Kept{}, nil
	}
	return j.Kept(ctx, run.id)
}

// keptListing lists the tables that are kept, for programs.
func keptListing(k warehouse.Kept) *listing {
	l := &listing{headers: []string{"table", "until"}}
	for _, ref := range k.Tables {
		l.add(ref.Table.Name, k.Until.UTC().Format(time.RFC3339))
	}
	return l
}

// showTable prints rows of a table of run: of a published one, or of what is kept of a rejected one.
func (a *app) showTable(ctx context.Context, j *pipeline.Job, run ledgerRun, name string, limit int) error {
	if limit < 1 || limit > mostRows {
		return usageError{fmt.Errorf("--limit: %d, want 1 to %d", limit, mostRows)}
	}
	day, err := time.Parse(time.DateOnly, run.asOf)
	if err != nil {
		return err
	}
	ref, err := tableOf(ctx, j, run, name)
	if err != nil {
		return err
	}
	var columns []string
	for _, c := range ref.Table.Columns {
		columns = append(columns, c.Name)
	}
	l, err := list(j.RunRows(ctx, run.id, day, ref, limit+1), columns...)
	if err != nil {
		return err
	}
	more := len(l.rows) > limit
	if more {
		l.rows = l.rows[:limit]
	}
	if err := a.show(l); err != nil {
		return err
	}
	if a.format == "table" && more {
		fmt.Fprintf(a.err, "the first %s; --limit shows more\n", plural(int64(limit), "row"))
	}
	return nil
}

// tableOf finds the table called name of run.
func tableOf(ctx context.Context, j *pipeline.Job, run ledgerRun, name string) (warehouse.Ref, error) {
	tables, err := j.Tables()
	if err != nil {
		return warehouse.Ref{}, err
	}
	var names []string
	for _, t := range tables {
		names = append(names, t.Name)
	}
	at := slices.Index(names, name)
	if at < 0 {
		return warehouse.Ref{}, usageError{fmt.Errorf("--table: there is no table %q%s; `segments tables` lists them", name, config.DidYouMean(name, names))}
	}
	ofLedger := slices.ContainsFunc(tables[at].Columns, func(c frame.Column) bool { return c.Name == "run_id" })
	if run.state == string(warehouse.Rejected) && !ofLedger {
		return keptTable(ctx, j, run, name)
	}
	if !ofLedger {
		if _, err := publishedRun(ctx, j, run.id); err != nil {
			return warehouse.Ref{}, err
		}
	}
	ref, ok, err := j.Warehouse.Published(ctx, tables[at])
	if err == nil && !ok {
		err = fmt.Errorf("%w: there is no table %s yet", pipeline.ErrNothing, name)
	}
	return ref, err
}

// keptTable finds the table called name among what is kept of run, which was rejected.
func keptTable(ctx context.Context, j *pipeline.Job, run ledgerRun, name string) (warehouse.Ref, error) {
	k, err := j.Kept(ctx, run.id)
	if err != nil {
		return warehouse.Ref{}, err
	}
	if len(k.Tables) == 0 {
		return warehouse.Ref{}, usageError{fmt.Errorf("nothing is kept of run %s: what a rejected run has staged goes after %d days at most, "+
			"with the next run of its day, or when the disk is full", run.id, int(warehouse.KeptFor/(24*time.Hour)))}
	}
	var names []string
	for _, ref := range k.Tables {
		if ref.Table.Name == name {
			return ref, nil
		}
		names = append(names, ref.Table.Name)
	}
	return warehouse.Ref{}, usageError{fmt.Errorf("run %s was stopped before it made %s; there are %s", run.id, name, strings.Join(names, ", "))}
}
