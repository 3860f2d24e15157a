package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"segments/pipeline"
)

// completionTime is what completing a name from the warehouse may take: a shell waits for it.
const completionTime = 2 * time.Second

// complete makes the completion of an argument of names that are read from the warehouse. Where that fails, or takes too
// long, there are none: what is wrong is told by the command itself.
func (a *app) complete(names func(ctx context.Context, j *pipeline.Job) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		found := make(chan []string, 1)
		go func() {
			all, err := a.namesOf(ctx, names)
			if err != nil {
				all = nil
			}
			found <- all
		}()
		select {
		case all := <-found:
			return all, cobra.ShellCompDirectiveNoFileComp
		case <-ctx.Done():
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

func (a *app) namesOf(ctx context.Context, names func(ctx context.Context, j *pipeline.Job) ([]string, error)) (all []string, err error) {
	j, _, err := a.open(ctx, true)
	if err != nil {
		return nil, err
	}
	defer closing(j, &err)
	return names(ctx, j)
}

// completeSegments completes the name of a segment.
func (a *app) completeSegments(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	return a.complete(segmentNames)(cmd, args, begun)
}

// completeRuns completes the identifier of a run, the newest first.
func (a *app) completeRuns(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	all, directive := a.complete(func(ctx context.Context, j *pipeline.Job) ([]string, error) {
		l, err := list(j.Runs(ctx, ""), "run_id")
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, r := range firstOf(l.rows, 50) {
			ids = append(ids, spoken(r[0]))
		}
		return ids, nil
	})(cmd, args, begun)
	return all, directive | cobra.ShellCompDirectiveKeepOrder
}

// completeFlags makes the values of global flags known to shells.
func completeFlags(root *cobra.Command) {
	for flag, values := range map[string][]string{
		"output":     {"table\tfor people", "json\tfor programs", "csv\tfor spreadsheets"},
		"log-format": {"text\tfor people", "json\ta line an event"},
	} {
		if err := root.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // there is no such flag: a mistake in this file
		}
	}
	if err := root.MarkPersistentFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // as above
	}
}
