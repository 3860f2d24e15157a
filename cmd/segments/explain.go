package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"segments/cmd/segments/terminal"
	"segments/pipeline"
	"segments/pipeline/config"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

func (a *app) explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "explain", Short: "Explain a customer, a segment, a check or a key of the configuration",
		Example: "  segments explain customer c0000001\n  segments explain segment \"At Risk\"\n  segments explain check gate\n" +
			"  segments explain config transforms.rfm.map",
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("what is to be explained? customer ID, segment NAME, check NAME or config KEY")}
		},
	}
	c.AddCommand(a.explainCustomerCommand(), a.explainSegmentCommand(), a.explainCheckCommand(), a.explainConfigCommand())
	return c
}

func (a *app) explainCustomerCommand() *cobra.Command {
	var asOf string
	c := &cobra.Command{
		Use: "customer ID", Short: "Score a customer again from what was published, and show what it rests on", Args: oneArg("customer ID"),
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, args []string) error {
			day, err := a.dayOr(asOf, time.Time{})
			if err != nil {
				return err
			}
			return a.explainCustomer(ctx, j, args[0], day)
		}),
	}
	c.Flags().StringVar(&asOf, "as-of", "", "a published day (default the current one)")
	return c
}

func (a *app) explainSegmentCommand() *cobra.Command {
	return &cobra.Command{
		Use: "segment NAME", Short: "Say what a segment is, how it looks and what conversions said of it", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeSegments,
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, args []string) error {
			name := strings.Join(args, " ") // of a name without quotes
			definition, profile, validated, err := j.Segment(ctx, name)
			if err != nil {
				return err
			}
			var ls []*listing
			for _, in := range []frame.Batches{definition, profile, validated} {
				l, err := list(in)
				if err != nil {
					return err
				}
				ls = append(ls, l)
			}
			if len(ls[0].rows) == 0 {
				names, err := segmentNames(ctx, j)
				if err != nil {
					return err
				}
				return usageError{fmt.Errorf("there is no segment %q%s", name, config.DidYouMean(name, names))}
			}
			switch a.format {
			case "table":
				return a.segmentSheet(ls[0], ls[1], ls[2])
			case "csv":
				ls[0], ls[1] = down(ls[0]), down(ls[1])
			}
			return a.showAll([]string{"definitions", "profiles", "validation"}, ls...)
		}),
	}
}

func (a *app) explainCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check [NAME]", Short: "Say what a check means, when it warns or fails and what to do; without a name list them", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, d := range pipeline.CheckDocs() {
				names = append(names, d.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var names []string
			l := &listing{headers: []string{"check", "about", "warns", "fails", "not_evaluated", "what_to_do", "accept"}}
			for _, d := range pipeline.CheckDocs() {
				if names = append(names, d.Name); len(args) == 0 || strings.EqualFold(d.Name, args[0]) {
					l.add(d.Name, d.About, d.Warns, d.Fails, d.Skips, d.Do, howToAccept(d))
				}
			}
			if len(l.rows) == 0 {
				return usageError{fmt.Errorf("there is no check %q%s", args[0], config.DidYouMean(args[0], names))}
			}
			if a.format != "table" {
				return a.show(l)
			}
			s := a.sheet()
			for _, r := range l.rows {
				if len(args) == 0 {
					s.Line(spoken(r[0]), spoken(r[1]))
					continue
				}
				s.Title(spoken(r[0]))
				for k, name := range []string{"about", "warns where", "fails where", "not evaluated where", "what to do", "accept"} {
					s.Line(name, spoken(r[k+1]))
				}
			}
			return s.Print()
		},
	}
}

func (a *app) explainConfigCommand() *cobra.Command {
	return &cobra.Command{
		Use: "config [KEY]", Short: "Say what a key of the configuration does; without one list them all", Args: cobra.MaximumNArgs(1),
		Long: "Say what a key of the configuration does. Without one, all keys are listed on a terminal; elsewhere, and with -o json, it is the\n" +
			"JSON Schema of the configuration, for editors.",
		Example: "  segments explain config\n  segments explain config validation.gate\n  segments explain config -o json > segments.schema.json",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			js, err := schema()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			keys, err := config.Keys(js)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			var names []string
			for _, k := range keys {
				names = append(names, k.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			js, err := schema()
			if err != nil {
				return err
			}
			switch {
			case len(args) == 1:
				s, err := config.Describe(js, args[0])
				if err != nil {
					return usageError{err}
				}
				return a.described(s)
			case a.format == "csv" || a.format == "table" && a.columns != nil:
				return a.configKeys(js)
			}
			_, err = fmt.Fprintf(a.out, "%s\n", js)
			return err
		},
	}
}

// described prints what config.Describe says, its lines broken at the width of the terminal: those of keys beside the key.
func (a *app) described(s string) error {
	var b strings.Builder
	for line := range strings.Lines(s) {
		indent := 0
		if strings.HasPrefix(line, "  ") {
			key := strings.TrimLeft(line, " ")
			_, text, _ := strings.Cut(key, "  ")
			indent = len(line) - len(strings.TrimLeft(text, " "))
		}
		b.WriteString(terminal.Wrapped(strings.TrimRight(line, "\n"), a.width(), indent) + "\n")
	}
	_, err := fmt.Fprint(a.out, b.String())
	return err
}

// configKeys lists the keys of the configuration, a line each.
func (a *app) configKeys(js []byte) error {
	keys, err := config.Keys(js)
	if err != nil {
		return err
	}
	l := &listing{headers: []string{"key", "takes", "default", "what_it_does"}}
	width := 0
	for _, k := range keys {
		l.add(k.Name, k.Kind, k.Default, k.Doc)
		width = max(width, len(branch(k.Name)))
	}
	if a.format == "csv" {
		return a.show(l)
	}
	for _, k := range keys {
		doc, _, _ := strings.Cut(k.Doc, ". ")
		doc = strings.TrimSuffix(doc, ".")
		switch {
		case k.Needed:
			doc += " (needed)"
		case k.Default != "":
			doc += " (default " + k.Default + ")"
		}
		room := max(a.width()-width-2, terminal.LeastWidth/2)
		if r := []rune(doc); a.width() > 0 && len(r) > room {
			doc = string(r[:room-1]) + "…"
		}
		fmt.Fprintln(a.out, strings.TrimRight(fmt.Sprintf("%-*s  %s", width, branch(k.Name), doc), " "))
	}
	fmt.Fprintln(a.err, "`segments explain config KEY` says more of one; -o json prints the JSON Schema")
	return nil
}

// branch is the last part of a key, as far to the right as it lies deep.
func branch(key string) string {
	parts := strings.Split(key, ".")
	return strings.Repeat("  ", len(parts)-1) + parts[len(parts)-1]
}

// oneArg wants one argument, called what.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s wants one argument: %s; there are %d", cmd.CommandPath(), what, len(args))
		}
		return nil
	}
}

func (a *app) explainCustomer(ctx context.Context, j *pipeline.Job, id string, day time.Time) error {
	features, outputs, err := j.Customer(ctx, id, day)
	if err != nil {
		return err
	}
	been, err := history(ctx, j, id)
	if err != nil {
		return err
	}
	if features == nil {
		of := ""
		if !day.IsZero() {
			of = " of " + day.Format(time.DateOnly)
		}
		return usageError{fmt.Errorf("customer %q is not in the published customer_features%s: unknown, or left out "+
			"(`segments show` says how many were, and why)%s", id, of, left(been))}
	}
	tables, err := declared()
	if err != nil {
		return err
	}
	columns := map[string]frame.Column{}
	for _, t := range tables {
		for _, c := range t.Columns {
			if columns[c.Name].Doc == "" {
				columns[c.Name] = c
			}
		}
	}
	l := &listing{headers: []string{"column", "value", "meaning"}}
	for _, b := range []frame.Batch{outputs, features} {
		for _, f := range b.Schema().Fields() {
			if v := frame.Value(b, f.Name, 0); v != nil && f.Name != customer.ID.Name {
				l.add(f.Name, v, columns[f.Name].Doc)
			}
		}
	}
	if a.format == "table" {
		return a.customerSheet(id, j, l, been, columns)
	}
	return a.show(l)
}

// segmentNames lists the names of all segments.
func segmentNames(ctx context.Context, j *pipeline.Job) ([]string, error) {
	l, err := list(j.Definitions(ctx), "segment")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range l.rows {
		if name := spoken(r[0]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// down turns a listing of few rows into one of a row for each value.
func down(l *listing) *listing {
	out := &listing{headers: []string{"column", "value"}}
	for _, r := range l.rows {
		for k, h := range l.headers {
			if r[k] != nil {
				out.add(h, r[k])
			}
		}
	}
	return out
}
