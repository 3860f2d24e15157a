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
	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

func (a *app) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use: "diff [A [B]]", Short: "Say how two runs differ (default the two newest)", Args: atMostTwo,
		Long: "Say how run B differs from run A: checks that went otherwise, rows of the sources, sizes of the core segments, how well each\n" +
			"segmentation tells who converts, cuts and parameters that moved, rules that were changed, and who moved on B's day, and why.\n" +
			"A and B are runs, first letters of runs, or days. Without B it is the newest run, without both the two newest. Of a rejected run\n" +
			"there is what the ledger has and, for a while, what would have been published.",
		Example: "  segments diff -c shop.yaml\n  segments diff 2026-11-13 2026-11-20\n" +
			"  segments diff -o json | jq '.[] | select(.about == \"segments\")'",
		ValidArgsFunction: a.completeRuns,
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, args []string) error {
			l, err := list(j.Runs(ctx, ""), append(slices.Clone(runColumns), "code_version")...)
			if err != nil {
				return err
			}
			first, second, err := pickTwo(ledgerRuns(l), args)
			if err != nil {
				return err
			}
			return a.diff(ctx, j, l, first, second)
		}),
	}
}

func atMostTwo(_ *cobra.Command, args []string) error {
	if len(args) > 2 {
		return fmt.Errorf("`segments diff` takes two runs at most, and there are %d arguments", len(args))
	}
	return nil
}

// pickTwo finds the runs of the arguments, by their places among runs, which are newest first.
func pickTwo(runs []ledgerRun, args []string) (first, second int, err error) {
	if len(args) == 0 {
		if len(runs) < 2 {
			return 0, 0, fmt.Errorf("%w: there are no two runs yet; `segments runs` lists them", pipeline.ErrNothing)
		}
		first, second = 1, 0
		if runs[first].asOf > runs[second].asOf { // a day was run again
			first, second = second, first
		}
		return first, second, nil
	}
	if first, err = pickRun(runs, args[0]); err != nil {
		return 0, 0, err
	}
	if len(args) == 2 {
		second, err = pickRun(runs, args[1])
	}
	return first, second, err
}

// diff prints how the runs at two places of l differ.
func (a *app) diff(ctx context.Context, j *pipeline.Job, l *listing, first, second int) error {
	runs := ledgerRuns(l)
	var sides [2]pipeline.Side
	var notes []string
	for k, at := range []int{first, second} {
		side, note, err := sideOf(ctx, j, runs[at])
		if err != nil {
			return err
		}
		if sides[k] = side; note != "" && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	all := ledgerDifferences(l, first, second)
	ds, err := j.Diff(ctx, sides[0], sides[1])
	if err != nil {
		return err
	}
	all = append(all, ds...)
	if a.format == "table" {
		return a.diffSheet(runs[first], runs[second], all, notes)
	}
	out := &listing{headers: []string{"about", "name", "before", "after", "difference"}}
	for _, d := range all {
		out.add(d.About, d.Name, d.Before, d.After, differenceOf(d))
	}
	return a.show(out)
}

// ledgerDifferences are those of the ledger's own columns.
func ledgerDifferences(l *listing, first, second int) []pipeline.Difference {
	var out []pipeline.Difference
	for _, name := range []string{"run_id", "as_of", "state", "customers", "left_out", "code_version"} {
		at := slices.Index(l.headers, name)
		before, after := l.rows[first][at], l.rows[second][at]
		if before != after {
			out = append(out, pipeline.Difference{About: "run", Name: name, Before: before, After: after})
		}
	}
	return out
}

// sideOf is run as Diff wants it, and what there is to say of tables that it does not have.
func sideOf(ctx context.Context, j *pipeline.Job, run ledgerRun) (pipeline.Side, string, error) {
	day, err := time.Parse(time.DateOnly, run.asOf)
	if err != nil {
		return pipeline.Side{}, "", err
	}
	s := pipeline.Side{ID: run.id, Day: day, Table: func(context.Context, string) (warehouse.Ref, bool, error) { return warehouse.Ref{}, false, nil }}
	note := fmt.Sprintf("run %s is %s, and there are no tables of it any more: only what the ledger has is compared", run.id, run.state)
	switch run.state {
	case string(warehouse.Rejected):
		k, err := j.Kept(ctx, run.id)
		if err != nil || len(k.Tables) == 0 {
			return s, note, err
		}
		s.Table = func(_ context.Context, name string) (warehouse.Ref, bool, error) {
			at := slices.IndexFunc(k.Tables, func(r warehouse.Ref) bool { return r.Table.Name == name })
			if at < 0 {
				return warehouse.Ref{}, false, nil
			}
			return k.Tables[at], true, nil
		}
		return s, "", nil
	case string(warehouse.Published):
		_, err := publishedRun(ctx, j, run.id)
		if replaced := (usageError{}); errors.As(err, &replaced) {
			return s, replaced.Error() + ": only what the ledger has is compared", nil
		}
		if err != nil {
			return s, "", err
		}
		tables, err := j.Tables()
		s.Table = func(ctx context.Context, name string) (warehouse.Ref, bool, error) {
			at := slices.IndexFunc(tables, func(t frame.Table) bool { return t.Name == name })
			if at < 0 {
				return warehouse.Ref{}, false, nil
			}
			return j.Warehouse.Published(ctx, tables[at])
		}
		return s, "", err
	}
	return s, note, nil
}

// differenceOf is by how much a number differs; nil where it is none.
func differenceOf(d pipeline.Difference) any {
	switch after := d.After.(type) {
	case int64:
		if before, ok := d.Before.(int64); ok {
			return after - before
		}
	case float64:
		if before, ok := d.Before.(float64); ok {
			return after - before
		}
	}
	return nil
}

// diffTitles are what the parts of a diff are about, for people.
var diffTitles = []struct{ about, title string }{
	{"run", "the runs"},
	{"checks", "checks that went otherwise"},
	{"sources", "used rows of the sources"},
	{"segments", "customers by core segment"},
	{"validation", "how well the order of the segments ranks who converts"},
	{"parameters", "what the models learned, where it moved by 1 % or more"},
	{"rules", "rules that were changed"},
	{"moves", "customers who moved, by cause"},
}

func (a *app) diffSheet(first, second ledgerRun, ds []pipeline.Difference, notes []string) error {
	s := a.sheet()
	s.Title(fmt.Sprintf("from run %s (%s) to run %s (%s)", first.id, first.state, second.id, second.state))
	for _, n := range notes {
		s.Line("note", n)
	}
	if first.id == second.id {
		s.Line("", "it is the same run")
		return s.Print()
	}
	for _, part := range diffTitles {
		of := slices.DeleteFunc(slices.Clone(ds), func(d pipeline.Difference) bool { return d.About != part.about })
		if len(of) == 0 {
			continue
		}
		s.Title(part.title)
		for _, d := range of {
			s.Line(d.Name, diffWords(d))
		}
	}
	return s.Print()
}

// diffWords says what a value was, is, and how much that differs.
func diffWords(d pipeline.Difference) string {
	word := func(v any) string {
		switch v := v.(type) {
		case nil:
			return "none"
		case int64:
			return thousands(v)
		case float64:
			return decimal(v)
		}
		return spoken(v)
	}
	if d.About == "rules" || d.About == "moves" {
		return word(d.After)
	}
	by := ""
	switch n := differenceOf(d).(type) {
	case int64:
		if n == 0 {
			return word(d.After)
		}
		by = fmt.Sprintf(" (%s)", signed(thousands(n)))
		if before := d.Before.(int64); before != 0 {
			by = fmt.Sprintf(" (%s, %s)", signed(thousands(n)), signed(fmt.Sprintf("%.1f %%", 100*float64(n)/float64(before))))
		}
	case float64:
		by = fmt.Sprintf(" (%s)", signed(decimal(n)))
	}
	return word(d.Before) + " → " + word(d.After) + by
}

// signed is a number with its sign.
func signed(s string) string {
	if strings.HasPrefix(s, "-") {
		return s
	}
	return "+" + s
}
