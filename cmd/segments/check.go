package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"segments/cmd/segments/terminal"
	"segments/pipeline"
	"segments/pipeline/config"
	"segments/pipeline/warehouse"
	"segments/sql"
)

// A finding is something that check has to say.
type finding struct {
	Level   string `json:"level"`          // error or warning
	Key     string `json:"key,omitempty"`  // of the configuration
	File    string `json:"file,omitempty"` // with its place
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`

	err error
}

// The levels of a finding.
const (
	isError   = "error"
	isWarning = "warning"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check configuration, sources, wiring and permissions; nothing is run", Args: cobra.NoArgs,
		Long: "Check the configuration, the sources, the wiring and what the warehouse allows, and tell every mistake at once. Nothing is run.\n" +
			"What looks odd but could be meant, such as a source without rows, is a warning. With -o json the findings are data.",
		Example: "  segments check -c shop.yaml\n  segments check -o json | jq '.[] | select(.level == \"error\")'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, summary := a.findings(cmd.Context())
			found = inOrder(found)
			var wrong []error
			for _, f := range found {
				if f.Level == isError {
					wrong = append(wrong, f.err)
				}
			}
			if err := a.showFindings(found); err != nil {
				return err
			}
			if len(wrong) > 0 {
				fmt.Fprintf(a.err, "%s %s\n", a.mark(markBad), tally(len(wrong), "mistake", len(found)-len(wrong)))
				return exitError(exitCode(cmd.Context(), errors.Join(wrong...), false))
			}
			fmt.Fprintf(a.err, "%s %s: %s\n", a.mark(markGood), a.configFile, summary)
			return nil
		},
	}
}

// tally says how many mistakes and warnings there are.
func tally(n int, what string, warnings int) string {
	s := plural(int64(n), what)
	if warnings > 0 {
		s += ", " + plural(int64(warnings), "warning")
	}
	return s
}

// findings looks at everything that can be looked at, whatever is wrong with the rest. summary is what there is, where
// nothing is wrong.
func (a *app) findings(ctx context.Context) (found []finding, summary string) {
	c, err := a.readConfig()
	var mistakes config.Errors
	if rest := mistakes.Add(err); rest != nil || c == nil {
		return a.findingsOf(isError, err), ""
	}
	a.config = c
	j, err := a.jobWith(c, &mistakes)
	if err != nil {
		return append(a.findingsOf(isError, mistakes.Err()), a.findingsOf(isError, err)...), ""
	}
	for _, wrong := range checkNotify(c) {
		if rest := mistakes.Add(wrong); rest != nil {
			found = append(found, a.findingsOf(isError, rest)...)
		}
	}
	var w warehouse.Warehouse
	if len(c.Warehouse) == 1 {
		w, err = a.warehouseWith(ctx, c, true, &mistakes)
		if rest := mistakes.Add(err); rest != nil {
			found = append(found, a.findingsOf(isError, rest)...)
		}
	}
	found = append(a.findingsOf(isError, mistakes.Err()), found...)
	for _, o := range oddities(c) {
		found = append(found, a.findingsOf(isWarning, o)...)
	}
	if w == nil {
		return found, ""
	}
	j.Warehouse = w
	defer func() { _ = w.Close() }() // it was only read
	sources := len(j.Sources)
	j.Sources = sound(j.Sources, mistakes)
	errs, warnings := j.Findings(ctx)
	for _, err := range errs {
		found = append(found, a.findingsOf(isError, err)...)
	}
	for _, err := range warnings {
		found = append(found, a.findingsOf(isWarning, err)...)
	}
	tables, err := j.Tables()
	if err != nil { // Findings has said so
		return found, ""
	}
	return found, fmt.Sprintf("%s, %s, %s", plural(int64(sources), "source"), plural(int64(len(j.Steps)), "transform"), plural(int64(len(tables)), "table"))
}

// inOrder returns the findings in the order of the file, what has no place in it at the end, and each of them once.
func inOrder(found []finding) []finding {
	slices.SortStableFunc(found, func(a, b finding) int {
		if (a.Line == 0) != (b.Line == 0) {
			return b.Line - a.Line
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(found, func(a, b finding) bool { return a.Line == b.Line && a.Key == b.Key && a.Message == b.Message })
}

// sound are the sources without a mistake of their own.
func sound(sources []sql.Source, mistakes config.Errors) []sql.Source {
	return slices.DeleteFunc(sources, func(s sql.Source) bool {
		key := "sources." + s.Name
		return slices.ContainsFunc(mistakes, func(e *config.Error) bool { return e.Key == key || strings.HasPrefix(e.Key, key+".") })
	})
}

// findingsOf makes findings of err, each with its place in the configuration.
func (a *app) findingsOf(level string, err error) []finding {
	var several pipeline.Errors
	var many config.Errors
	var out []finding
	switch {
	case err == nil:
	case errors.As(err, &many):
		for _, e := range many {
			out = append(out, a.findingsOf(level, e)...)
		}
	case errors.As(err, &several):
		for _, e := range several {
			out = append(out, a.findingsOf(level, e)...)
		}
	default:
		f := finding{Level: level, Message: hinted(err), err: err}
		var at *config.Error
		if located := a.located(err); errors.As(located, &at) {
			f.Key, f.File, f.Line, f.Column, f.Message = at.Key, at.File, at.Line, at.Column, at.Message
			f.err = errors.Join(located, err)
		}
		out = append(out, f)
	}
	return out
}

// showFindings prints them: on the error stream as a person reads them, or as data.
func (a *app) showFindings(found []finding) error {
	if a.format != "table" {
		l := &listing{headers: []string{"level", "key", "file", "line", "column", "message"}}
		for _, f := range found {
			l.add(f.Level, f.Key, f.File, int64(f.Line), int64(f.Column), f.Message)
		}
		return a.show(l)
	}
	for _, f := range found {
		mark := markBad
		if f.Level == isWarning {
			mark = markWarning
		}
		fmt.Fprintf(a.alarm, "%s %s\n", a.mark(mark), indented(f.text()))
	}
	return nil
}

// text is the finding as a person reads it: with the line of the configuration where it has one.
func (f finding) text() string {
	var at *config.Error
	if errors.As(f.err, &at) {
		return terminal.Visible(at.Error())
	}
	return terminal.Visible(f.Message)
}

// indented is a text of several lines, those after the first one moved to the right.
func indented(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") }

var (
	keyed      = regexp.MustCompile(`^([a-z_]+(?:\.[a-z_0-9]+)+): `)
	keyedPlain = regexp.MustCompile(`^(sources\.[a-z_]+) `)
	noDataset  = regexp.MustCompile(`Dataset ([\w.-]+:\w+) was not found in location ([\w-]+)`)
	queryOf    = regexp.MustCompile(`^((?:sources\.[a-z_.]+: )?)query [a-z_]+: `)
	engineSays = regexp.MustCompile(`(?:not found: )?(?:IO|Catalog|Binder|Parser|Invalid Input|Conversion) Error: `)
	noColumn   = regexp.MustCompile(`the source has no column (.+?); it has (.+)$`)
	noFile     = regexp.MustCompile(`No files found that match the pattern "([^"]*)"`)
)

// located gives err, whose message begins with a key of the configuration, its place there. Other errors stay as they are.
func (a *app) located(err error) error {
	if a.config == nil {
		return err
	}
	msg := hinted(err)
	if m := keyed.FindStringSubmatch(msg); m != nil {
		return a.config.Errorf(m[1], "%s", msg[len(m[0]):])
	}
	if m := keyedPlain.FindStringSubmatch(msg); m != nil {
		located := a.config.Errorf(m[1], "")
		var at *config.Error
		if errors.As(located, &at) {
			at.Message = msg
		}
		return located
	}
	return err
}

// hinted is what err says, without what a warehouse puts before it and with what to do where it leaves that out.
func hinted(err error) string {
	msg := queryOf.ReplaceAllString(err.Error(), "$1")
	msg = engineSays.ReplaceAllString(msg, "")
	msg = noFile.ReplaceAllString(msg, `there is no file $1; a relative path is looked for beside the configuration`)
	if m := noColumn.FindStringSubmatch(msg); m != nil {
		has := strings.Split(m[2], ", ")
		switch near := config.Nearest(m[1], has); {
		case near != nil:
			msg = strings.Replace(msg, "; it has ", "; did you mean "+strings.Join(firstOf(near, 2), " or ")+"? It has ", 1)
		case has[0] == "column0":
			msg += ": its first line is not taken for names; is there a row below it?"
		}
	}
	if strings.Contains(msg, `.xlsx"`) {
		msg = strings.TrimRight(msg, ".!") + "; Excel files are not read: save the sheet as CSV"
	}
	if m := noDataset.FindStringSubmatch(msg); m != nil && errors.Is(err, warehouse.ErrNotFound) {
		msg += fmt.Sprintf("; is the name right, and is it in %s, as warehouse.bigquery.location says? `bq show %s` tells", m[2], m[1])
	}
	return msg
}
