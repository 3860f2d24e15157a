package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/config"
	"segments/pipeline/telemetry"
)

// An app is the command as a function of its arguments and streams.
type app struct {
	out, err io.Writer
	now      func() time.Time
	getenv   func(string) string // nil: there is no environment
	terminal bool                // err is one

	configFile string
	config     *config.Config // what was read of it
	format     string
	debug      bool
	running    bool // a run is at work: what fails is the data's fault rather than the configuration's
	telemetry  *telemetry.Telemetry
}

// main runs the command and returns its exit code.
func (a *app) main(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	code := exitCode(ctx, err, a.running)
	if err != nil && err.Error() != "" {
		fmt.Fprintln(a.err, "segments:", a.words(ctx, err, code))
	}
	return code
}

// words says what went wrong and what to do.
func (a *app) words(ctx context.Context, err error, code int) string {
	s := err.Error()
	var signaled signalError
	if errors.As(context.Cause(ctx), &signaled) {
		return signaled.Error() + "; nothing was published"
	}
	if errors.Is(err, pipeline.ErrConfig) || errors.Is(err, pipeline.ErrNotReady) {
		s = a.located(s)
	}
	switch code {
	case exitTemporary:
		s += "\n  nothing was changed; try again"
	case exitRejected:
		s += "\n  what was published before is untouched"
		if errors.Is(err, pipeline.ErrRejected) {
			s += "; `segments show` has the checks"
		}
	case exitNotReady:
		s += "\n  nothing was changed; run again when the source has been loaded"
	case exitBug:
		s += "\n  this is not an error we foresaw; --debug says more"
	}
	return s
}

var keyed = regexp.MustCompile(`^([a-z_]+(?:\.[a-z_0-9]+)+): `)

// located puts the place in the configuration before a message that begins with a key of it.
func (a *app) located(msg string) string {
	m := keyed.FindStringSubmatch(msg)
	if m == nil || a.config == nil {
		return msg
	}
	return a.config.Errorf(m[1], "%s", msg[len(m[0]):]).Error()
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "segments",
		Short: "Customer segments that are proved, published all at once or not at all",
		Long: "Segments reads customers, orders, web and e-mail events from a warehouse, computes RFM, CLV, clusters and behavior,\n" +
			"holds the segments against what customers did next, and publishes every table in one transaction.",
		SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		CompletionOptions: cobra.CompletionOptions{DisableDescriptions: true},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	f := root.PersistentFlags()
	f.StringVarP(&a.configFile, "config", "c", "segments.yaml", "the configuration")
	f.StringVarP(&a.format, "output", "o", "table", "what lists: table, json or csv")
	f.BoolVar(&a.debug, "debug", false, "log every query")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if a.format != "table" && a.format != "json" && a.format != "csv" {
			return usageError{fmt.Errorf("--output: %q, want table, json or csv", a.format)}
		}
		return nil
	}
	root.AddCommand(a.demoCommand(), a.checkCommand(), a.planCommand(), a.runCommand(), a.backfillCommand(), a.validateCommand(),
		a.scheduleCommand(), a.statusCommand(), a.runsCommand(), a.showCommand(), a.explainCommand(), a.tablesCommand(), a.versionCommand())
	usageErrors(root)
	return root
}

// usageErrors marks what a command says of its arguments as errors of usage.
func usageErrors(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		usageErrors(sub)
	}
}

// logger logs to the error stream: JSON lines where that is no terminal.
func (a *app) logger() *slog.Logger {
	level := slog.LevelInfo
	if a.debug {
		level = slog.LevelDebug
	}
	if a.terminal {
		if !a.debug {
			level = slog.LevelWarn
		}
		return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(slog.NewJSONHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// date reads a day as --as-of gives it. A day is midnight UTC, whatever the zone it is counted in: some zones have days
// without a midnight.
func date(flag, s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, strings.TrimSpace(s))
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--%s: %q is no date: want for example 2026-11-20", flag, s)}
	}
	return t, nil
}
