package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"segments/pipeline/config"
)

// referenceCommand prints the pages of docs that are made from the program; `make golden` writes them.
func (a *app) referenceCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "reference", Short: "Print a page of the reference", Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("which page? commands or configuration")}
		},
	}
	c.AddCommand(
		&cobra.Command{
			Use: "commands", Short: "Print the reference of the commands", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := fmt.Fprint(a.out, commandsPage(cmd.Root()))
				return err
			},
		},
		&cobra.Command{
			Use: "configuration", Short: "Print the reference of the configuration", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				js, err := schema()
				if err != nil {
					return err
				}
				page, err := config.Markdown(js)
				if err != nil {
					return err
				}
				_, err = fmt.Fprint(a.out, page)
				return err
			},
		},
	)
	return c
}

// commandsPage is the reference of root and all commands below it.
func commandsPage(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nGenerated from the program, which says the same with `--help`. Text for people goes to the error stream, data to the output.\n")
	fmt.Fprintf(&b, "\nEvery command takes these:\n\n%s", flagsTable(root.PersistentFlags()))
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		if c.Name() == "completion" { // cobra's own: what it says of each shell is longer than all the rest
			fmt.Fprintf(&b, "\n## %s bash|fish|powershell|zsh\n\nGenerate the completion script of a shell; `--help` says how it is loaded.\n", c.CommandPath())
			return
		}
		if c != root {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", strings.TrimSuffix(c.UseLine(), " [flags]"), flowing(cmp.Or(c.Long, c.Short)))
			if c.Example != "" {
				fmt.Fprintf(&b, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
			}
			if t := flagsTable(c.LocalNonPersistentFlags()); t != "" {
				fmt.Fprintf(&b, "\n%s", t)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	b.WriteString("\n# Exit codes\n\n| code | meaning | what to do |\n|---|---|---|\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", e.code, e.meaning, e.remedy)
	}
	return b.String()
}

// flowing is the help text s as Markdown: lines of a paragraph become one, which ends with a period.
func flowing(s string) string {
	paragraphs := strings.Split(s, "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.TrimRight(strings.ReplaceAll(p, "\n", " "), ".") + "."
	}
	return strings.Join(paragraphs, "\n\n")
}

// flagsTable describes flags; empty where there are none.
func flagsTable(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		byDefault := ""
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" {
			byDefault = "`" + f.DefValue + "`"
		}
		_, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, byDefault, strings.ReplaceAll(usage, "|", "\\|"))
	})
	if b.Len() == 0 {
		return ""
	}
	return "| flag | default | what it does |\n|---|---|---|\n" + b.String()
}

// exitCodes are what the command ends with, for the reference; exitCode chooses.
var exitCodes = []struct{ code, meaning, remedy string }{
	{"0", "published, or published already", ""},
	{"1", "a bug", "report it"},
	{"3", "the data were rejected; nothing was published", "`segments show` has the checks, the report beside the last good one the pictures"},
	{"4", "permission denied", "the message names the role, or the table"},
	{"5", "over budget, or a quota", "`segments plan` has the bytes"},
	{"6", "a source is empty or too old", "run again when it has been loaded"},
	{"10", "`plan --detailed-exitcode` only: tables or columns would be added", ""},
	{"64", "command line or configuration", "the message has file, line and column"},
	{"75", "temporary: another run is at work, a file is in use, the disk is full, BigQuery is away", "try again"},
	{"130, 143", "stopped by a signal", ""},
}
