package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"segments/cmd/segments/terminal"
	"segments/pipeline"
	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
)

func (a *app) runCommand() *cobra.Command {
	var asOf string
	var o pipeline.Options
	var accept func() ([]pipeline.Acceptance, error)
	c := &cobra.Command{
		Use: "run", Short: "Run the job for a day", Args: cobra.NoArgs,
		Long: "Run the job for a day: read, fit, score, validate, and publish every table in one transaction, or nothing.\n" +
			"Running a day again does nothing unless something has changed that the result depends on.",
		Example: "  segments run -c shop.yaml\n  segments run -c shop.yaml --as-of 2026-11-20\n  segments run --accept history:orders",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Accept, err = accept(); err != nil {
				return err
			}
			return a.watched(cmd.Context(), func(ctx context.Context) error { return a.runJob(ctx, asOf, o) })
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "the day at whose end the result is true (default yesterday; in a Job of a CronJob the day before its time)")
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "do everything but publish")
	c.Flags().BoolVar(&o.Backfill, "backfill", false, "write history only: what the _current views show stays")
	accept = acceptFlag(c)
	return c
}

func (a *app) runJob(ctx context.Context, asOf string, o pipeline.Options) (err error) {
	var res *pipeline.Result
	ctx, run := a.telemetry.Run(ctx)
	defer func() { run.End(a.summary(ctx, o, res, err)) }()
	defer func() { a.notify(ctx, o, res, err) }()
	j, c, err := a.open(ctx, false)
	if err != nil {
		return err
	}
	defer closing(j, &err)
	if asOf == "" {
		o.AsOf = a.slot(c.Location())
	} else if o.AsOf, err = date("as-of", asOf); err != nil {
		return err
	}
	res, err = a.runSlot(ctx, j, o)
	return err
}

// closing closes the job's warehouse; its error counts where there is no other.
func closing(j *pipeline.Job, err *error) {
	if e := j.Warehouse.Close(); *err == nil {
		*err = e
	}
}

// runSlot runs one slot and prints how it went.
func (a *app) runSlot(ctx context.Context, j *pipeline.Job, o pipeline.Options) (*pipeline.Result, error) {
	a.running = true
	p := a.startProgress()
	j.Progress = p.update
	res, err := j.Run(ctx, o)
	p.done()
	if err != nil && res != nil && errors.Is(err, pipeline.ErrRejected) {
		fmt.Fprint(a.err, a.marked(rejectedBlock(res, j)))
	}
	if err != nil {
		if res != nil && exitCode(ctx, err, true) == exitRejected {
			a.reportOn(ctx, j, o, res, err)
		}
		return res, err
	}
	fmt.Fprint(a.err, a.marked(closingBlock(res, j, o)))
	a.reportOn(ctx, j, o, res, nil)
	return res, nil
}

func (a *app) backfillCommand() *cobra.Command {
	var from, to, index string
	var accept func() ([]pipeline.Acceptance, error)
	c := &cobra.Command{
		Use: "backfill --from DAY --to DAY", Short: "Run the job for every day of a range, oldest first", Args: cobra.NoArgs,
		Long: "Run the job for every day of a range, oldest first, as history: what the _current views show stays.\n" +
			"It stops at the first rejection. Days published already are skipped.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			first, err := date("from", from)
			if err != nil {
				return err
			}
			last, err := date("to", to)
			if err != nil {
				return err
			}
			if last.Before(first) {
				return usageError{fmt.Errorf("--to %s is before --from %s", to, from)}
			}
			if first, last, err = a.part(first, last, index); err != nil {
				return err
			}
			accepted, err := accept()
			if err != nil {
				return err
			}
			return a.watched(cmd.Context(), func(ctx context.Context) error {
				for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
					day := d.Format(time.DateOnly)
					if err := a.runJob(ctx, day, pipeline.Options{Backfill: true, Accept: accepted}); err != nil {
						return fmt.Errorf("%s: %w", day, err)
					}
				}
				a.notifyBackfill(ctx, first, last)
				return nil
			})
		},
	}
	c.Flags().StringVar(&from, "from", "", "the first day")
	c.Flags().StringVar(&to, "to", "", "the last day")
	c.Flags().StringVar(&index, "index", "", "only one day, 0 being the first (default $"+indexVariable+", where that is set)")
	accept = acceptFlag(c)
	return c
}

func (a *app) validateCommand() *cobra.Command {
	var asOf string
	c := &cobra.Command{
		Use: "validate", Short: "Hold the segments against what customers did next, and publish nothing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.watched(cmd.Context(), func(ctx context.Context) error { return a.validate(ctx, asOf) })
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "the day at whose end it is looked back (default yesterday)")
	return c
}

func (a *app) validate(ctx context.Context, asOf string) (err error) {
	o := pipeline.Options{ValidateOnly: true}
	var res *pipeline.Result
	ctx, run := a.telemetry.Run(ctx)
	defer func() { run.End(a.summary(ctx, o, res, err)) }()
	j, cfg, err := a.open(ctx, false)
	if err != nil {
		return err
	}
	defer closing(j, &err)
	if o.AsOf = a.yesterday(cfg.Location()); asOf != "" {
		if o.AsOf, err = date("as-of", asOf); err != nil {
			return err
		}
	}
	a.running = true
	p := a.startProgress()
	p.onlyBacktest()
	j.Progress = p.update
	res, err = j.Run(ctx, o)
	p.done()
	if res != nil && len(res.Backtests) > 0 {
		if showErr := a.show(validationListing(res)); showErr != nil {
			return showErr
		}
	}
	if err == nil {
		fmt.Fprint(a.err, checksLine(res)+"\n")
	}
	return err
}

func validationListing(res *pipeline.Result) *listing {
	l := &listing{headers: []string{"origin", "conversion", "segmentation", "segment", "customers", "converters", "rate", "low", "high", "lift", "q", "verdict"}}
	for _, b := range res.Backtests {
		for _, s := range b.Segmentations {
			for _, g := range s.Segments {
				var rate, low, high *float64
				if g.Rate != nil {
					rate, low, high = &g.Rate.Value, &g.Rate.Low, &g.Rate.High
				}
				l.add(b.Origin.Format(time.DateOnly), s.Kind, s.Segmentation, g.Segment, g.Customers, g.Converters, rate, low, high, g.Lift, g.QValue, string(g.Verdict))
			}
		}
	}
	return l
}

// closingBlock is what a person reads after a run that was not rejected.
func closingBlock(res *pipeline.Result, j *pipeline.Job, o pipeline.Options) string {
	day := res.Run.AsOf.Format(time.DateOnly)
	if res.Already && o.Backfill {
		return fmt.Sprintf("✓ %s is published already, and a backfill leaves it as it is: without --backfill it is published again "+
			"where something has changed · %s\n", day, seconds(res.Elapsed))
	}
	if res.Already {
		return fmt.Sprintf("✓ %s is published already · run %s · nothing has changed since, nothing was done · %s\n", day, res.Run.ID, seconds(res.Elapsed))
	}
	what := "published"
	if o.DryRun {
		what = "dry run of"
	}
	return fmt.Sprintf("✓ %s %s · run %s · %s customers · %d segments · %s\n", what, day, res.Run.ID, thousands(res.Customers),
		len(res.Segments), seconds(res.Elapsed)) + details(res, j)
}

func rejectedBlock(res *pipeline.Result, j *pipeline.Job) string {
	return fmt.Sprintf("✗ rejected %s · run %s · nothing was published · %s\n", res.Run.AsOf.Format(time.DateOnly), res.Run.ID,
		seconds(res.Elapsed)) + details(res, j)
}

func details(res *pipeline.Result, j *pipeline.Job) string {
	var b strings.Builder
	line := func(name, s string) {
		if s != "" {
			fmt.Fprintf(&b, "  %-10s %s\n", name, terminal.Visible(s))
		}
	}
	line("validated", validated(res, j))
	line("clv", clvLine(res))
	line("quality", checksLine(res)+leftOut(res))
	for _, s := range acceptedLines(res.Checks) {
		line("accepted", s)
	}
	line("cost", costLine(res, j.Warehouse.Charges()))
	for _, w := range res.Warnings {
		line("warning", w)
	}
	for _, n := range res.Notes {
		line("note", n)
	}
	line("staged", keptLine(res.Run.ID, res.Kept))
	return b.String()
}

// validated is the headline of the backtest.
func validated(res *pipeline.Result, j *pipeline.Job) string {
	for _, c := range res.Checks {
		if c.Name == "gate" && c.State == pipeline.NotEvaluated {
			return "not evaluated: " + c.Detail
		}
	}
	if len(res.Backtests) == 0 {
		return ""
	}
	for _, s := range res.Backtests[0].Segmentations {
		if s.Segmentation != j.CoreSegment || s.BaseRate == nil {
			continue
		}
		differ, with := 0, 0
		var best *validation.Segment
		for i, g := range s.Segments {
			if g.Customers == 0 {
				continue
			}
			with++
			if g.Verdict == validation.Above || g.Verdict == validation.Below {
				differ++
			}
			if g.Verdict == validation.Above && (best == nil || g.Rate.Value > best.Rate.Value) {
				best = &s.Segments[i]
			}
		}
		var parts []string
		if best != nil {
			parts = append(parts, fmt.Sprintf("%s: %s %s within %d days, everybody %s",
				best.Segment, percent(best.Rate.Value), did(s.Kind), j.HorizonDays, percent(*s.BaseRate)))
		}
		parts = append(parts, fmt.Sprintf("%d of %d groups differ measurably from the rest", differ, with))
		if s.AUC != nil {
			parts = append(parts, fmt.Sprintf("AUC %.2f [%.2f, %.2f]", s.AUC.Value, s.AUC.Low, s.AUC.High))
		}
		return strings.Join(parts, " · ")
	}
	return ""
}

// percent returns a share as 47 %, or 1.3 % where it is small.
func percent(share float64) string {
	if share < 0.1 {
		return fmt.Sprintf("%.1f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

func did(kind string) string {
	if kind == "order" {
		return "bought"
	}
	return "converted"
}

// clvLine is the headline of the forecast's backtest.
func clvLine(res *pipeline.Result) string {
	if len(res.Backtests) == 0 || len(res.Backtests[0].Forecasts) < 2 {
		return ""
	}
	f := res.Backtests[0].Forecasts
	model, naive := f[0].Orders, f[1].Orders
	var parts []string
	if model.Bias != nil && model.Deviance != nil && naive.Deviance != nil && *naive.Deviance > 0 {
		under := "under"
		if *model.Bias > 0 {
			under = "over"
		}
		better := 1 - *model.Deviance / *naive.Deviance
		than := "better"
		if better < 0 {
			than = "worse"
		}
		parts = append(parts, fmt.Sprintf("orders forecast %.0f %% %s what came (deviance %.0f %% %s than the last period repeated)",
			100*abs(*model.Bias), under, 100*abs(better), than))
	}
	if c := res.Backtests[0].Orders; c != nil && !c.Beats {
		parts = append(parts, "withheld: "+c.Reason)
	}
	return strings.Join(parts, " · ")
}

// costLine says what the run cost, and what was planned; nothing where nobody charges.
func costLine(res *pipeline.Result, c warehouse.Charges) string {
	if c.Least == 0 {
		return ""
	}
	return size(res.BytesBilled) + " billed" + money(c.Price, res.BytesBilled) + " (planned about " + size(res.Planned.Bytes) + ")"
}

func abs(v float64) float64 { return max(v, -v) }

func checksLine(res *pipeline.Result) string {
	n := map[pipeline.CheckState]int{}
	for _, c := range res.Checks {
		n[c.State]++
	}
	parts := []string{fmt.Sprintf("%d checks passed", n[pipeline.Passed])}
	for _, s := range []pipeline.CheckState{pipeline.Warned, pipeline.Failed, pipeline.Accepted, pipeline.NotEvaluated} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], strings.ReplaceAll(string(s), "_", " ")))
		}
	}
	return strings.Join(parts, " · ")
}

func leftOut(res *pipeline.Result) string {
	var all int64
	var parts []string
	for _, r := range res.LeftOut {
		all += r.Rows
		parts = append(parts, fmt.Sprintf("%s %s", strings.ReplaceAll(r.Reason, "_", " "), thousands(r.Rows)))
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("     left out %s (%s)", thousands(all), strings.Join(parts, " · "))
}

func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
