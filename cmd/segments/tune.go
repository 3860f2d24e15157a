package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/steps"
)

// A tuneRequest is what `segments tune` is asked for.
type tuneRequest struct {
	asOf, kind, out string
	seed            uint64
	force           bool
}

func (a *app) tuneCommand() *cobra.Command {
	var q tuneRequest
	c := &cobra.Command{
		Use: "tune", Short: "Propose thresholds that tell who converts better than those in force, and change nothing", Args: cobra.NoArgs,
		Long: "Propose cuts of RFM and thresholds of engagement and intent from what customers did: go back by the horizon of the\n" +
			"validation, try other values on a half of the customers, and judge what is best there on the other half, by the gain\n" +
			"in AUC. The intervals of all gains hold together at 95 %. Nothing is changed: with --out the proposals are written\n" +
			"as YAML, to be put under transforms. Who adopts them moves customers, and segment_transitions calls the cause of it\n" +
			"a moved cut.",
		Example: "  segments tune --as-of 2026-11-20\n  segments tune --as-of 2026-11-20 --kind trial --out suggestion.yaml",
	}
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if c.Flags().Changed("out") && q.out == "" {
			return usageError{errors.New("--out: there is no name; leave it out for the table alone")}
		}
		if q.force && q.out == "" {
			return usageError{errors.New("--force: there is no --out to replace")}
		}
		return a.watched(cmd.Context(), func(ctx context.Context) error { return a.tune(ctx, q) })
	}
	f := c.Flags()
	f.StringVar(&q.asOf, "as-of", "", "the day at which the horizon of the conversions ends (default yesterday)")
	f.StringVar(&q.kind, "kind", "", "count conversions of this kind only (default any)")
	f.StringVar(&q.out, "out", "", "write what is better to a new YAML file")
	f.BoolVar(&q.force, "force", false, "replace the file where it is there")
	f.Uint64Var(&q.seed, "seed", 1, "another seed parts the customers into other halves")
	return c
}

func (a *app) tune(ctx context.Context, q tuneRequest) (err error) {
	j, cfg, err := a.open(ctx, false)
	if err != nil {
		return err
	}
	defer closing(j, &err)
	if q.out != "" { // rather now than when the work is done
		if err := a.writable(q.out, q.force); err != nil {
			return usageError{fmt.Errorf("--out: %w", err)}
		}
	}
	o := pipeline.TuneOptions{AsOf: a.yesterday(cfg.Location()), Kind: q.kind, Seed: q.seed, FrequencyDays: steps.FrequencyDays(j.Steps)}
	if q.asOf != "" {
		if o.AsOf, err = date("as-of", q.asOf); err != nil {
			return err
		}
	}
	a.running = true
	p := a.startProgress()
	p.onlyBacktest()
	j.Progress = p.update
	t, err := j.Tune(ctx, o, steps.Tunables())
	p.done()
	if err != nil {
		return err
	}
	if err := a.show(tuneListing(t)); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "%s of %s customers, as known on %s, converted within %d days\n", thousands(t.Converters), thousands(t.Customers),
		t.Origin.Format(time.DateOnly), j.HorizonDays)
	if q.out == "" {
		return nil
	}
	out, end, err := a.newFile(q.out, q.force)
	if err != nil {
		return usageError{fmt.Errorf("--out: %w", err)}
	}
	_, err = io.WriteString(out, suggestion(t, j.HorizonDays))
	if err = end(err); err == nil {
		fmt.Fprintf(a.err, "✓ %s has what is better; nothing was changed\n", q.out)
	}
	return err
}

// tuneListing has a row for each proposal.
func tuneListing(t *pipeline.Tuning) *listing {
	l := &listing{clip: true, headers: []string{
		"parameter", "segmentation", "now", "proposed", "auc_now", "auc_then", "gain", "gain_low", "gain_high", "movers",
		"verdict", "reason",
	}}
	for _, p := range t.Proposals {
		var gain, low, high *float64
		var movers any
		if p.Gain != nil {
			gain, low, high, movers = &p.Gain.Value, &p.Gain.Low, &p.Gain.High, p.Movers
		}
		l.add(p.Step+"."+p.Parameter, p.Segmentation, p.Now, p.Proposed, p.AUCNow, p.AUCThen, gain, low, high, movers,
			string(p.Verdict), p.Reason)
	}
	return l
}

// suggestion is what is better of t, as YAML to be put under transforms.
func suggestion(t *pipeline.Tuning, horizon int) string {
	var b strings.Builder
	kind := "any kind"
	if t.Kind != "any" {
		kind = fmt.Sprintf("the kind %q", t.Kind)
	}
	fmt.Fprintf(&b, "# Proposed by segments tune as of %s: what told better who of %s customers, as known on %s, converted within\n"+
		"# %d days (%s did, by conversions of %s). Chosen on a half of them and judged on the other (seed %d); the intervals of all\n"+
		"# gains hold together at 95 %%.\n", t.AsOf.Format(time.DateOnly), thousands(t.Customers), t.Origin.Format(time.DateOnly), horizon,
		thousands(t.Converters), kind, t.Seed)
	step := ""
	for _, p := range t.Proposals {
		if p.Verdict != pipeline.TuneBetter || p.Parameter == pipeline.Together {
			continue
		}
		if step == "" {
			b.WriteString("#\n# To adopt it, put it into the configuration. The next run moves the customers whom a cut passes over, and\n" +
				"# segment_transitions calls the cause of it a moved cut.\ntransforms:\n")
		}
		if p.Step != step {
			step = p.Step
			fmt.Fprintf(&b, "  %s:\n", step)
		}
		fmt.Fprintf(&b, "    # was %s; %s\n    %s: %s\n", p.Now, gained(p), p.Parameter, p.Proposed)
	}
	for _, p := range t.Proposals {
		if p.Parameter == pipeline.Together && p.Gain != nil {
			fmt.Fprintf(&b, "# %s together: %s\n", p.Proposed, gained(p))
		}
	}
	if step == "" {
		b.WriteString("#\n# Nothing was shown to be better than what is in force.\n")
	}
	return b.String()
}

// gained says what a proposal gains, and whom it moves.
func gained(p pipeline.Proposal) string {
	return fmt.Sprintf("AUC of %s %.4f, then %.4f, gain %+.4f [%+.4f, %+.4f]; %s of the customers would move", p.Segmentation,
		*p.AUCNow, *p.AUCThen, p.Gain.Value, p.Gain.Low, p.Gain.High, thousands(p.Movers))
}
