package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/config"
)

// acceptFlag adds the flag --accept to c. The function it returns reads what was given.
func acceptFlag(c *cobra.Command) func() ([]pipeline.Acceptance, error) {
	var given []string
	c.Flags().StringArrayVar(&given, "accept", nil,
		"a check that may fail, as CHECK or CHECK:SUBJECT, such as history:orders; again for others. The ledger and the report say so")
	if err := c.RegisterFlagCompletionFunc("accept", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return acceptable(), cobra.ShellCompDirectiveNoFileComp
	}); err != nil {
		panic(err) // there is no such flag: a mistake in this file
	}
	return func() ([]pipeline.Acceptance, error) {
		var out []pipeline.Acceptance
		for _, s := range given {
			a, known, err := pipeline.ParseAcceptance(s)
			switch {
			case err != nil:
				return nil, usageError{fmt.Errorf("--accept: %w", err)}
			case !known:
				return nil, usageError{fmt.Errorf("--accept: there is no check %q%s; `segments explain check` lists them", a.Check,
					config.DidYouMean(a.Check, acceptable()))}
			}
			out = append(out, a)
		}
		return out, nil
	}
}

// acceptable are the checks that fail and can be accepted.
func acceptable() []string {
	var out []string
	for _, d := range pipeline.CheckDocs() {
		if d.Fails != "" && d.Never == "" {
			out = append(out, d.Name)
		}
	}
	slices.Sort(out)
	return out
}

// howToAccept is what `explain check` says of accepting a check; empty where it never fails.
func howToAccept(d pipeline.CheckDoc) string {
	switch {
	case d.Never != "":
		return "never: " + d.Never
	case d.Fails != "":
		return "`segments run --accept " + d.Name + "` publishes all the same, for this one run; the ledger, the report and who is notified are told"
	}
	return ""
}

// acceptedLines are the checks that were accepted, each with what was seen.
func acceptedLines(checks []pipeline.Check) []string {
	var out []string
	for _, c := range checks {
		if c.State == pipeline.Accepted {
			_, seen, _ := strings.Cut(strings.TrimPrefix(c.Detail, "accepted by --accept "), ": ")
			out = append(out, strings.TrimRight(c.Name+" of "+c.Subject+": "+seen, "."))
		}
	}
	return out
}
