package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/demo"
)

func (a *app) demoCommand() *cobra.Command {
	var dir string
	o := demo.Options{Dirt: true}
	c := &cobra.Command{
		Use: "demo", Short: "Make a small company and run the whole job on it", Args: cobra.NoArgs,
		Long: "Make a small company with known parameters as CSV files, with a configuration beside them, run the whole job on it in\n" +
			"an embedded warehouse, and show the result. Nothing leaves the machine and no account is needed.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Customers < 1 {
				return usageError{fmt.Errorf("--customers: %d, want at least 1", o.Customers)}
			}
			if err := demoFolder(dir); err != nil {
				return err
			}
			truth, err := demo.Write(dir, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.err, "made a company of %s people in %s\n", thousands(int64(o.Customers)), dir)
			a.configFile = filepath.Join(dir, "segments.yaml")
			for months := earlierMonths; months >= 0; months-- {
				if err := a.demoDay(cmd.Context(), monthsBefore(truth.Options.AsOf, months), months == 0); err != nil {
					return err
				}
			}
			fmt.Fprintf(a.err, queriesToTry, filepath.Join(filepath.Dir(a.config.Path("x")), "shop.duckdb"), a.configFile)
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "segments-demo", "where to make it")
	c.Flags().IntVar(&o.Customers, "customers", 20000, "how many people")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "another seed makes another company")
	return c
}

// earlierMonths is how many month ends are published before the demo's day, so that there are moves and trends to show.
const earlierMonths = 3

// monthsBefore is the last day of the month so many months before that of day, which is the last of its own.
func monthsBefore(day time.Time, months int) time.Time {
	return time.Date(day.Year(), day.Month()-time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC)
}

// demoDay publishes a day of the demo; all is told of the last one.
func (a *app) demoDay(ctx context.Context, day time.Time, last bool) (err error) {
	j, _, err := a.open(ctx, false)
	if err != nil {
		return err
	}
	defer closing(j, &err)
	o := pipeline.Options{AsOf: day}
	if last {
		_, err = a.runSlot(ctx, j, o)
		return err
	}
	p := a.startProgress()
	j.Progress = p.update
	res, err := j.Run(ctx, o)
	p.done()
	if err == nil {
		fmt.Fprintf(a.err, "published %s: %s customers\n", day.Format(time.DateOnly), thousands(res.Customers))
	}
	return err
}

// demoFolder makes dir, unless it is there: then it must be empty or have a demo in it, which may be written anew.
func demoFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usageError{fmt.Errorf("--dir: %w", err)}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return usageError{fmt.Errorf("--dir: %w", err)}
	}
	if len(files) == 0 {
		return nil
	}
	if old, err := os.ReadFile(filepath.Join(dir, "segments.yaml")); err != nil || !bytes.Contains(old, []byte("\nname: demo\n")) {
		return usageError{fmt.Errorf("--dir: %s holds files that are no demo; give another folder", dir)}
	}
	return nil
}

const queriesToTry = `
Three queries to try, in the duckdb shell on %s:
  SELECT core_segment, count(*) AS customers, round(avg(monetary_total)) AS spent FROM customer_segments_current GROUP BY ALL ORDER BY 3 DESC;
  SELECT origin, segment, customers, round(rate, 3) AS rate, verdict FROM segment_validation_current
    WHERE segmentation = 'core_segment' AND conversion_kind = 'any' AND main_horizon ORDER BY 1 DESC, 4 DESC;
  SELECT customer_id, core_segment, drops_on, drops_to FROM customer_segments_current WHERE drops_on <= as_of + 7 ORDER BY monetary_total DESC LIMIT 10;
Or here:
  segments explain segment Champions -c %s
`
