package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command and every flag that is not hidden is on the page of commands, and every exit code.
func TestReferenceOfCommands(t *testing.T) {
	t.Parallel()
	a := &app{out: io.Discard, err: io.Discard}
	root := a.root()
	page := commandsPage(root)
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			return
		}
		_, section, ok := strings.Cut(page, "\n## "+strings.TrimSuffix(c.UseLine(), " [flags]")+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		if c != root && !ok {
			t.Errorf("%s has no section", c.CommandPath())
		}
		if c == root {
			section = page
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if c.PersistentFlags().Lookup(f.Name) == nil && f.Name != "help" && !f.Hidden && !strings.Contains(section, "`--"+f.Name+"`") {
				t.Errorf("%s --%s is not there", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	for _, flag := range []string{"`-c`, `--config`", "`-o`, `--output`", "`--debug`"} {
		says(t, page, flag)
	}
	if strings.Contains(page, "reference") && strings.Contains(page, "## segments reference") {
		t.Error("a hidden command is there")
	}
	for _, code := range []int{exitOK, exitBug, exitRejected, exitPermission, exitBudget, exitNotReady, exitChanges, exitConfig, exitTemporary} {
		says(t, page, fmt.Sprintf("\n| %d | ", code))
	}
}

// The exit codes of the README are those of the reference.
func TestExitCodesOfDocuments(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile(`(?m)^\| (\d+(?:, \d+)?) \|`)
	var want, got []string
	for _, e := range exitCodes {
		want = append(want, e.code)
	}
	for _, d := range documents(t) {
		if d.name == "README.md" {
			for _, m := range row.FindAllStringSubmatch(d.prose, -1) {
				got = append(got, m[1])
			}
		}
	}
	equal(t, "exit codes of the README", got, want)
}

// The page of the configuration has every key, with its description.
func TestReferenceOfConfiguration(t *testing.T) {
	t.Parallel()
	out, _ := shop{t, t.TempDir(), today}.segments(exitOK, "reference", "configuration")
	for _, key := range strings.Fields("name timezone warehouse sources transforms validation freshness currency quality privacy outputs report notify schedule") {
		says(t, out, "\n## "+key+"\n")
	}
	says(t, out, "| `warehouse.duckdb.path` | text, needed |", "| `validation.horizon` | days, such as 90d | `90d` |",
		"| `sources.orders.columns.order_id` | text, needed |",
		"| `transforms.rfm.frequency_bands` | list of whole numbers | `[1, 2, 3, 4, 6]` |")
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, "| `") && (strings.Count(line, " | ") != 3 || strings.HasSuffix(line, "|  |")) {
			t.Errorf("a row without a description, or with more columns than the head: %s", line)
		}
	}
}
