package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/config"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

func (a *app) explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "explain", Short: "Explain a customer, a segment or a key of the configuration",
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("what is to be explained? customer ID, segment NAME or config KEY")}
		},
	}
	var asOf string
	who := &cobra.Command{
		Use: "customer ID", Short: "Score a customer again from what was published, and show what it rests on", Args: cobra.ExactArgs(1),
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, args []string) error {
			var day time.Time
			if asOf != "" {
				var err error
				if day, err = date("as-of", asOf); err != nil {
					return err
				}
			}
			return a.explainCustomer(ctx, j, args[0], day)
		}),
	}
	who.Flags().StringVar(&asOf, "as-of", "", "a published day (default the current one)")
	what := &cobra.Command{
		Use: "segment NAME", Short: "Say what a segment is, how it looks and what conversions said of it", Args: cobra.ExactArgs(1),
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, args []string) error {
			definition, profile, validated, err := j.Segment(ctx, args[0])
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
				return usageError{fmt.Errorf("there is no segment %q; segment_definitions lists them", args[0])}
			}
			if a.format != "json" {
				ls[0], ls[1] = down(ls[0]), down(ls[1])
			}
			return a.showAll([]string{"definitions", "profiles", "validation"}, ls...)
		}),
	}
	key := &cobra.Command{
		Use: "config [KEY]", Short: "Say what a key of the configuration does; without one print its JSON Schema", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			js, err := schema()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				_, err = fmt.Fprintf(a.out, "%s\n", js)
				return err
			}
			s, err := config.Describe(js, args[0])
			if err != nil {
				return usageError{err}
			}
			_, err = fmt.Fprintln(a.out, s)
			return err
		},
	}
	c.AddCommand(who, what, key)
	return c
}

func (a *app) explainCustomer(ctx context.Context, j *pipeline.Job, id string, day time.Time) error {
	features, outputs, err := j.Customer(ctx, id, day)
	if err != nil {
		return err
	}
	if features == nil {
		return usageError{fmt.Errorf("customer %q is not in the published customer_features: unknown, or left out (`segments show` says how many were, and why)", id)}
	}
	tables, err := declared()
	if err != nil {
		return err
	}
	docs := map[string]string{}
	for _, t := range tables {
		for _, c := range t.Columns {
			if docs[c.Name] == "" {
				docs[c.Name] = c.Doc
			}
		}
	}
	l := &listing{headers: []string{"column", "value", "meaning"}}
	for _, b := range []frame.Batch{outputs, features} {
		for _, f := range b.Schema().Fields() {
			if v := frame.Value(b, f.Name, 0); v != nil && f.Name != customer.ID.Name {
				l.add(f.Name, v, docs[f.Name])
			}
		}
	}
	return a.show(l)
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
