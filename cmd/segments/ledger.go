package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/config"
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

// runColumns are what status, runs and show tell of a run.
var runColumns = []string{
	"run_id", "as_of", "state", "backfill", "started_at", "ended_at", "customers", "left_out", "bytes_billed", "snapshot", "message",
}

// A ledgerRun is a run as the ledger has it.
type ledgerRun struct {
	id, asOf, state, started, ended, message string
	customers, leftOut                       any
	backfill                                 bool
}

// ledgerRuns reads the runs of l, a listing of runColumns.
func ledgerRuns(l *listing) []ledgerRun {
	out := make([]ledgerRun, len(l.rows))
	for i, r := range l.rows {
		of := func(name string) any { return r[slices.Index(l.headers, name)] }
		word := func(name string) string { return spoken(of(name)) }
		out[i] = ledgerRun{
			id: word("run_id"), asOf: word("as_of"), state: word("state"), started: word("started_at"), ended: word("ended_at"),
			message: word("message"), customers: of("customers"), leftOut: of("left_out"), backfill: of("backfill") == true,
		}
	}
	return out
}

// spoken is a value of a listing as text; empty where there is none.
func spoken(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// took is how long the run was at work; empty where the ledger does not say.
func (r ledgerRun) took() string {
	from, err1 := time.Parse(time.RFC3339, r.started)
	to, err2 := time.Parse(time.RFC3339, r.ended)
	if err1 != nil || err2 != nil || !to.After(from) {
		return ""
	}
	return seconds(to.Sub(from))
}

// when is the moment at which the run ended, and how long ago that was.
func (a *app) when(r ledgerRun) string {
	at, err := time.Parse(time.RFC3339, r.ended)
	if err != nil {
		return r.ended
	}
	return at.Format("2006-01-02 15:04 UTC") + ago(a.now().Sub(at))
}

func ago(d time.Duration) string {
	switch {
	case d < 0:
		return ""
	case d < time.Minute:
		return ", just now"
	case d < 2*time.Hour:
		return fmt.Sprintf(", %s ago", plural(int64(d/time.Minute), "minute"))
	case d < 48*time.Hour:
		return fmt.Sprintf(", %s ago", plural(int64(d/time.Hour), "hour"))
	}
	return fmt.Sprintf(", %s ago", plural(int64(d/(24*time.Hour)), "day"))
}

// next says what to do after a run; empty where there is nothing.
func (r ledgerRun) next() string {
	switch warehouse.State(r.state) {
	case warehouse.Rejected:
		return "what was published before is untouched; `segments show " + r.id + "` has the checks that failed, `segments explain check NAME` what to do"
	case warehouse.Failed:
		return "what was published before is untouched; mend what the message says, then `segments run --as-of " + r.asOf + "`"
	case warehouse.Broken:
		return "what readers see of " + r.asOf + " is not to be trusted: `segments run --as-of " + r.asOf + "`, and report it"
	}
	return ""
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say what is published and how the last run went", Args: cobra.NoArgs,
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, _ []string) error {
			day, err := j.CurrentDay(ctx)
			if err != nil && !errors.Is(err, pipeline.ErrNothing) {
				return err
			}
			l, err := list(j.Runs(ctx, ""), runColumns...)
			if err != nil {
				return err
			}
			current := "none"
			if !day.IsZero() {
				current = day.Format(time.DateOnly)
			}
			if a.format == "table" {
				return a.statusSheet(j, current, ledgerRuns(l))
			}
			out := &listing{headers: []string{"current"}}
			if len(l.rows) == 0 {
				out.add(current)
			} else {
				out.headers = append(out.headers, l.headers...)
				out.add(append([]any{current}, l.rows[0]...)...)
			}
			return a.show(out)
		}),
	}
}

// statusSheet prints what a person wants to know first. runs are newest first.
func (a *app) statusSheet(j *pipeline.Job, current string, runs []ledgerRun) error {
	s := a.sheet()
	i := slices.IndexFunc(runs, func(r ledgerRun) bool {
		return r.asOf == current && r.state == string(warehouse.Published) && !r.backfill
	})
	switch {
	case i >= 0:
		s.Line("published", fmt.Sprintf("%s by run %s: %s customers · %s", current, runs[i].id, amount(runs[i].customers), a.when(runs[i])))
	case current != "none":
		s.Line("published", current)
	default:
		s.Line("published", "none")
	}
	switch {
	case len(runs) == 0:
		s.Line("last run", "none")
		s.Line("next", "`segments check`, then `segments run`")
	case i != 0:
		r := runs[0]
		s.Line("last run", fmt.Sprintf("%s · %s · %s", r.id, r.state, a.when(r)))
		s.Line("message", r.message)
		s.Line("next", r.next())
	default:
		s.Line("message", runs[0].message)
	}
	failed := 0
	for _, r := range runs {
		if r.state == string(warehouse.Published) {
			break
		}
		failed++
	}
	if failed > 1 {
		s.Line("since then", plural(int64(failed), "run")+" in a row without a publish; `segments runs` lists them")
	}
	if yesterday := a.yesterday(j.Location).Format(time.DateOnly); len(runs) > 0 && current != "none" && current < yesterday {
		s.Line("behind", "yesterday was "+yesterday)
	}
	return s.Print()
}

func (a *app) runsCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "runs", Short: "List the runs, newest first", Args: cobra.NoArgs,
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, _ []string) error {
			if limit < 0 {
				return usageError{fmt.Errorf("--limit: %d, want 1 or more, or 0 for all", limit)}
			}
			l, err := list(j.Runs(ctx, ""), "run_id", "as_of", "state", "backfill", "ended_at", "customers", "left_out", "message")
			if err != nil {
				return err
			}
			all := len(l.rows)
			if limit > 0 && all > limit {
				l.rows = l.rows[:limit]
			}
			if a.format == "table" {
				l = shortRuns(l)
			}
			if err := a.show(l); err != nil {
				return err
			}
			switch {
			case all == 0 && a.format == "table":
				fmt.Fprintln(a.err, "there is no run yet; `segments run` makes the first one")
			case all > len(l.rows):
				fmt.Fprintf(a.err, "%d of %d runs; --limit 0 lists all\n", limit, all)
			}
			return nil
		}),
	}
	c.Flags().IntVar(&limit, "limit", 20, "how many; 0 lists all")
	return c
}

// shortRuns is l, runs, as a person reads it: the day is in the run's name.
func shortRuns(l *listing) *listing {
	out := &listing{headers: []string{"run", "state", "ended", "customers", "left_out", "message"}, clip: true}
	for _, r := range l.rows {
		state, ended := spoken(r[2]), spoken(r[4])
		if r[3] == true {
			state += " (backfill)"
		}
		if at, err := time.Parse(time.RFC3339, ended); err == nil {
			ended = at.Format("2006-01-02 15:04")
		}
		out.add(r[0], state, ended, r[5], r[6], r[7])
	}
	return out
}

func (a *app) showCommand() *cobra.Command {
	var table string
	var limit int
	c := &cobra.Command{
		Use: "show [RUN]", Short: "Show the checks of a run and what became of its rows (default the last run)", Args: cobra.MaximumNArgs(1),
		Long: "Show the checks of a run and what became of its rows. RUN is a run, the first letters of one, or a day, which stands for its\n" +
			"newest run. Without it, it is the last run. With --table, show the first rows of one of its tables: of a rejected run they are\n" +
			"kept for a while, so that one can see what would have been published.",
		Example: "  segments show -c shop.yaml\n  segments show 2026-11-20\n  segments show --table segment_profiles\n" +
			"  segments show -o json | jq '.checks[] | select(.state == \"failed\")'",
		ValidArgsFunction: a.completeRuns,
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, args []string) error {
			runs, err := list(j.Runs(ctx, ""), runColumns...)
			if err != nil {
				return err
			}
			i, err := pickRun(ledgerRuns(runs), strings.Join(args, ""))
			if err != nil {
				return err
			}
			runs.rows = runs.rows[i : i+1]
			if table != "" {
				return a.showTable(ctx, j, ledgerRuns(runs)[0], table, limit)
			}
			return a.showRun(ctx, j, runs)
		}),
	}
	c.Flags().StringVar(&table, "table", "", "show rows of this table of the run; `segments tables` lists them")
	c.Flags().IntVar(&limit, "limit", 20, "with --table: how many rows")
	return c
}

// showRun shows the one run of runs.
func (a *app) showRun(ctx context.Context, j *pipeline.Job, runs *listing) error {
	run := ledgerRuns(runs)[0]
	checks, err := list(j.Checks(ctx, run.id), "check_name", "subject", "state", "detail")
	if err != nil {
		return err
	}
	rejects, err := list(j.Rejects(ctx, run.id), "source", "reason", "rows")
	if err != nil {
		return err
	}
	kept, err := keptOf(ctx, j, run)
	if err != nil {
		return err
	}
	if a.format == "table" {
		return a.showSheet(run, checks, rejects, kept)
	}
	return a.showAll([]string{"run", "checks", "rejects", "staged"}, runs, checks, rejects, keptListing(kept))
}

// pickRun finds the run that name means among runs, which are newest first: the whole identifier, its beginning, or its day.
func pickRun(runs []ledgerRun, name string) (int, error) {
	if len(runs) == 0 {
		return 0, fmt.Errorf("%w: there is no run yet; `segments run` makes the first one", pipeline.ErrNothing)
	}
	if i := slices.IndexFunc(runs, func(r ledgerRun) bool { return r.id == name }); i >= 0 {
		return i, nil
	}
	if name == "" {
		return 0, nil
	}
	var begin, ids []string
	first := -1
	for i, r := range runs {
		ids = append(ids, r.id)
		if strings.HasPrefix(r.id, name) {
			if begin = append(begin, r.id); first < 0 {
				first = i
			}
		}
	}
	if len(begin) == 1 || first >= 0 && runs[first].asOf == name {
		return first, nil
	}
	if len(begin) > 1 {
		return 0, usageError{fmt.Errorf("%s begins several runs: %s", name, strings.Join(firstOf(begin, 5), ", "))}
	}
	near := config.Nearest(name, ids)
	if near == nil {
		near = ids
	}
	return 0, usageError{fmt.Errorf("there is no run %s; near are %s; `segments runs` lists all", name, strings.Join(firstOf(near, 3), ", "))}
}

// firstOf is at most n of s.
func firstOf[E any](s []E, n int) []E { return s[:min(n, len(s))] }

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
