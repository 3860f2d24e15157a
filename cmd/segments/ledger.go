package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

// reading opens the job to read what was published.
func (a *app) reading(f func(ctx context.Context, j *pipeline.Job, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		j, _, err := a.open(cmd.Context(), true)
		if err != nil {
			return err
		}
		defer closing(j, &err)
		return f(cmd.Context(), j, args)
	}
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check configuration, sources and wiring; nothing is run", Args: cobra.NoArgs,
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, _ []string) error {
			if err := j.Check(ctx); err != nil {
				return err
			}
			tables, err := j.Tables()
			if err != nil {
				return err
			}
			fmt.Fprintf(a.err, "✓ %s: %d sources, %d transforms, %d tables\n", a.configFile, len(j.Sources), len(j.Steps), len(tables))
			return nil
		}),
	}
}

func (a *app) planCommand() *cobra.Command {
	var asOf string
	var detailed bool
	c := &cobra.Command{
		Use: "plan", Short: "Say what a run would do: sources, tables, rows, schema changes", Args: cobra.NoArgs,
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, _ []string) error {
			day := a.yesterday(j.Location)
			if asOf != "" {
				var err error
				if day, err = date("as-of", asOf); err != nil {
					return err
				}
			}
			p, err := j.Plan(ctx, day)
			if err != nil {
				return err
			}
			if err := a.show(planListing(p)); err != nil {
				return err
			}
			on := "building on no earlier day"
			if p.Previous != "" {
				on = "building on " + p.Previous
			}
			fmt.Fprintf(a.err, "as of %s, %s; %s\n", day.Format(time.DateOnly), on, plannedCost(p))
			if b := p.Charges.Budget; b > 0 && p.Cost.Bytes > b {
				return fmt.Errorf("%w: max_bytes_billed allows %s", warehouse.ErrBudget, size(b))
			}
			if detailed && p.Changes() {
				return exitError(exitChanges)
			}
			return nil
		}),
	}
	c.Flags().StringVar(&asOf, "as-of", "", "the day (default yesterday)")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 10 where tables would be made or columns added")
	return c
}

// plannedCost says what a run would cost.
func plannedCost(p *pipeline.Plan) string {
	if p.Charges.Least == 0 {
		return "the embedded warehouse costs nothing"
	}
	s := "a run would read about " + size(p.Cost.Bytes) + money(p.Charges.Price, p.Cost.Bytes)
	if p.Charges.Budget > 0 {
		return s + "; " + size(p.Charges.Budget) + " are allowed"
	}
	return s + "; there is no limit (max_bytes_billed)"
}

// size is bytes in the unit that fits.
func size(bytes int64) string {
	v, unit := float64(bytes), 0
	for v >= 1024 && unit < 5 {
		v, unit = v/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%.1f %ciB", v, " KMGTP"[unit])
}

// money says what bytes cost, where the configuration has a price.
func money(p warehouse.Price, bytes int64) string {
	if p == (warehouse.Price{}) {
		return ""
	}
	return fmt.Sprintf(", %.2f %s at the price of %s", p.Of(bytes), p.Currency, p.Date)
}

func planListing(p *pipeline.Plan) *listing {
	l := &listing{headers: []string{"what", "name", "rows_now", "detail"}}
	for _, s := range p.Sources {
		detail := "every column"
		if len(s.Absent) > 0 {
			detail = "without " + strings.Join(s.Absent, ", ")
		}
		l.add("source", s.Name, s.Rows, detail)
	}
	if p.Charges.Least > 0 {
		l.add("cost", "bytes", nil, fmt.Sprintf("%d to be read, in about %d reads of tables", p.Cost.Bytes, p.Cost.Reads))
	}
	for _, t := range p.Tables {
		detail := "the rows of " + p.AsOf.Format(time.DateOnly) + ", if any, are replaced"
		switch {
		case t.New:
			detail = "would be made"
		case len(t.Columns) > 0:
			detail = "columns added: " + strings.Join(t.Columns, ", ")
		}
		l.add("table", t.Name, t.Rows, detail)
	}
	return l
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say what is published and how the last run went", Args: cobra.NoArgs,
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, _ []string) error {
			day, err := j.CurrentDay(ctx)
			if err != nil && !errors.Is(err, pipeline.ErrNothing) {
				return err
			}
			runs, err := list(j.Runs(ctx, ""), "run_id", "as_of", "state", "ended_at", "customers", "message")
			if err != nil {
				return err
			}
			current := "none"
			if !day.IsZero() {
				current = day.Format(time.DateOnly)
			}
			l := &listing{headers: append([]string{"current"}, runs.headers...)}
			if len(runs.rows) > 0 {
				l.add(append([]any{current}, runs.rows[0]...)...)
			} else {
				l.headers = []string{"current"}
				l.add(current)
			}
			return a.show(l)
		}),
	}
}

func (a *app) runsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "runs", Short: "List the runs, newest first", Args: cobra.NoArgs,
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, _ []string) error {
			l, err := list(j.Runs(ctx, ""), "run_id", "as_of", "state", "backfill", "ended_at", "customers", "left_out", "message")
			if err != nil {
				return err
			}
			return a.show(l)
		}),
	}
}

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show [RUN]", Short: "Show the checks of a run and what became of its rows (default the last run)", Args: cobra.MaximumNArgs(1),
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, args []string) error {
			id := ""
			if len(args) > 0 {
				id = args[0]
			}
			runs, err := list(j.Runs(ctx, id), "run_id", "as_of", "state", "started_at", "ended_at", "customers", "left_out", "bytes_billed", "snapshot", "message")
			if err != nil {
				return err
			}
			if len(runs.rows) == 0 {
				return usageError{fmt.Errorf("there is no run %s; `segments runs` lists them", id)}
			}
			runs.rows = runs.rows[:1]
			id = fmt.Sprint(runs.rows[0][0])
			checks, err := list(j.Checks(ctx, id), "check_name", "subject", "state", "detail")
			if err != nil {
				return err
			}
			rejects, err := list(j.Rejects(ctx, id), "source", "reason", "rows")
			if err != nil {
				return err
			}
			return a.showAll([]string{"run", "checks", "rejects"}, runs, checks, rejects)
		}),
	}
}

// showAll shows listings one after the other; as JSON they are one object, by names.
func (a *app) showAll(names []string, ls ...*listing) error {
	if a.format == "json" {
		all := map[string]any{}
		for i, l := range ls {
			all[names[i]] = l.objects()
		}
		return a.json(all)
	}
	for i, l := range ls {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		if err := a.show(l); err != nil {
			return err
		}
	}
	return nil
}

// list makes a listing of the columns of in; of all where none is named.
func list(in frame.Batches, columns ...string) (*listing, error) {
	l := &listing{headers: columns}
	for b, err := range in {
		if err != nil {
			return nil, err
		}
		if len(l.headers) == 0 {
			for _, f := range b.Schema().Fields() {
				l.headers = append(l.headers, f.Name)
			}
		}
		for i := range int(b.NumRows()) {
			row := make([]any, len(l.headers))
			for k, name := range l.headers {
				row[k] = frame.Value(b, name, i)
			}
			l.add(row...)
		}
	}
	return l, nil
}
