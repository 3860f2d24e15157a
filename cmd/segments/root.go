package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"segments/cmd/segments/terminal"
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
	columns  func() int          // the width of the terminal that out is; nil where it is none
	screen   func() int          // that of err

	configFile string
	config     *config.Config // what was read of it
	format     string
	debug      bool
	quiet      bool
	logFormat  string
	alarm      io.Writer // err, also where it is to be quiet
	args       []string
	running    bool // a run is at work: what fails is the data's fault rather than the configuration's
	telemetry  *telemetry.Telemetry
}

// main runs the command and returns its exit code.
func (a *app) main(ctx context.Context, args []string) int {
	a.alarm, a.args = a.err, args
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	code := exitCode(ctx, err, a.running)
	if err != nil && err.Error() != "" {
		fmt.Fprintln(a.alarm, "segments:", terminal.Visible(a.words(ctx, err, code)))
	}
	return code
}

// words says what went wrong and what to do.
func (a *app) words(ctx context.Context, err error, code int) string {
	var signaled signalError
	if errors.As(context.Cause(ctx), &signaled) {
		return signaled.Error() + "; nothing was published"
	}
	s := err.Error()
	if errors.Is(err, pipeline.ErrConfig) || errors.Is(err, pipeline.ErrNotReady) {
		all := []string{}
		for _, f := range a.findingsOf(isError, err) {
			all = append(all, f.text())
		}
		s = strings.Join(all, "\n")
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

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "segments",
		Short: "Customer segments that are proved, published all at once or not at all",
		Long: "Segments reads customers, orders, web and e-mail events from a warehouse, computes RFM, CLV, clusters and behavior,\n" +
			"holds the segments against what customers did next, and publishes every table in one transaction.",
		SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd == root && len(a.args) > 0 && !strings.HasPrefix(a.args[0], "-") { // rather the command is wrong than its flags
			return usageError{noSuchCommand(root, a.args[:1])}
		}
		return flagWords(cmd, err)
	})
	f := root.PersistentFlags()
	f.StringVarP(&a.configFile, "config", "c", "segments.yaml", "the configuration")
	f.StringVarP(&a.format, "output", "o", "table", "what lists: table, json or csv")
	f.BoolVar(&a.debug, "debug", false, "log every query")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "say nothing but what goes wrong")
	f.StringVar(&a.logFormat, "log-format", "", "of what is logged: text or json (default text on a terminal)")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		switch {
		case a.format != "table" && a.format != "json" && a.format != "csv":
			return usageError{fmt.Errorf("--output: %q, want table, json or csv", a.format)}
		case a.logFormat != "" && a.logFormat != "text" && a.logFormat != "json":
			return usageError{fmt.Errorf("--log-format: %q, want text or json", a.logFormat)}
		case a.configFile == "":
			return usageError{errors.New("--config is empty: want the name of a file")}
		}
		if a.quiet {
			a.err = io.Discard
		}
		return nil
	}
	root.AddCommand(a.demoCommand(), a.initCommand(), a.checkCommand(), a.planCommand(), a.runCommand(), a.backfillCommand(),
		a.validateCommand(), a.tuneCommand(), a.scheduleCommand(), a.statusCommand(), a.runsCommand(), a.showCommand(), a.diffCommand(), a.explainCommand(),
		a.reportCommand(), a.audiencesCommand(), a.exportCommand(), a.referenceCommand(), a.tablesCommand(), a.versionCommand())
	root.InitDefaultCompletionCmd()
	usageErrors(root)
	completeFlags(root)
	return root
}

// logger logs to the error stream: JSON lines where that is no terminal, unless --log-format says otherwise.
func (a *app) logger() *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	out := a.err
	switch {
	case a.debug:
		o.Level = slog.LevelDebug
	case a.quiet:
		o.Level, out = slog.LevelWarn, a.alarm
	case a.terminal:
		o.Level = slog.LevelWarn // the bar says the rest
	}
	if a.logFormat == "text" || a.logFormat == "" && a.terminal {
		return slog.New(slog.NewTextHandler(out, o))
	}
	return slog.New(slog.NewJSONHandler(out, o))
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
