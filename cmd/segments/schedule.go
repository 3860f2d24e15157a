package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/config"
)

func (a *app) scheduleCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schedule", Short: "Run the job at the configured times, in this process", Args: cobra.NoArgs,
		Long: "Run the job at the times of the configuration's schedule (five cron fields, UTC) until it is stopped.\n" +
			"Where Kubernetes has CronJobs, use those. A run that fails is logged, and the next one comes at its time.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(a.configFile)
			if err != nil {
				return err
			}
			if c.Schedule == "" {
				return c.Errorf("schedule", "is not set: want five cron fields in UTC, such as 0 3 * * *")
			}
			when, err := cron.ParseStandard(c.Schedule)
			if err != nil {
				return c.Errorf("schedule", "%v", err)
			}
			return a.schedule(cmd.Context(), when, c.Location())
		},
	}
}

// schedule runs the job at each time of when until ctx ends, for the day before that time in loc. Two runs never overlap:
// a time that comes while one is at work is made up for when it is done, of several times of a day the last one.
func (a *app) schedule(ctx context.Context, when cron.Schedule, loc *time.Location) error {
	log := a.logger()
	for last := a.now().UTC(); ; {
		next := when.Next(last)
		for later := when.Next(next); !later.IsZero() && later.Before(a.now()) && dayBefore(later, loc).Equal(dayBefore(next, loc)); later = when.Next(next) {
			next = later
		}
		if next.IsZero() {
			return errors.New("the schedule has no next time")
		}
		fmt.Fprintf(a.err, "next run at %s\n", next.Format(time.RFC3339))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(next.Sub(a.now())):
		}
		day := dayBefore(next, loc).Format(time.DateOnly)
		if err := a.watched(ctx, func(ctx context.Context) error { return a.runJob(ctx, day, pipeline.Options{}) }); err != nil {
			if ctx.Err() != nil {
				return err
			}
			log.Error("run failed", "scheduled", next, "exit_code", exitCode(ctx, err, true), "error", err.Error())
		}
		last = next
	}
}
