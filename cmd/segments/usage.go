package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"segments/pipeline/config"
)

// usageErrors makes what a command and those below it say of arguments and flags errors of usage, in plain words.
func usageErrors(c *cobra.Command) {
	check := c.Args
	if c.HasSubCommands() {
		check = noSuchCommand
		if !c.Runnable() { // cobra looks at the arguments of what runs alone
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	if check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{fmt.Errorf("%s; see `%s --help`", argumentWords(cmd, args, err), cmd.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		usageErrors(sub)
	}
}

// noSuchCommand refuses arguments of a command that has others below it.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return fmt.Errorf("there is no command %q%s", cmd.CommandPath()+" "+args[0], config.DidYouMean(args[0], names))
}

// argumentWords puts what cobra says of arguments into plain words.
func argumentWords(cmd *cobra.Command, args []string, err error) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	switch msg := err.Error(); {
	case strings.HasPrefix(msg, "unknown command"):
		return fmt.Sprintf("`%s` takes no argument, and there is %s", cmd.CommandPath(), strings.Join(quoted, " "))
	case strings.HasPrefix(msg, "accepts at most 1 arg"):
		return fmt.Sprintf("`%s` takes one argument at most, and there are %s; a name with spaces needs quotes", cmd.CommandPath(), strings.Join(quoted, " "))
	case strings.HasPrefix(msg, "requires at least 1 arg"):
		return fmt.Sprintf("`%s` wants %s", cmd.CommandPath(), strings.TrimPrefix(cmd.Use, cmd.Name()+" "))
	default:
		return msg
	}
}

var (
	unknownFlag  = regexp.MustCompile(`^unknown flag: --(\S+)`)
	unknownShort = regexp.MustCompile(`^unknown shorthand flag: '(.)' in (\S+)`)
	needsValue   = regexp.MustCompile(`^flag needs an argument: (?:'.' in )?(-\S+)`)
	invalidValue = regexp.MustCompile(`^invalid argument (".*") for "(?:-., )?(--[^"]+)" flag`)
)

// flagWords puts what pflag says of a flag into plain words.
func flagWords(cmd *cobra.Command, err error) error {
	msg := err.Error()
	if m := unknownFlag.FindStringSubmatch(msg); m != nil {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		msg = "unknown flag: --" + m[1]
		if near := config.Nearest(m[1], names); near != nil {
			msg += "; did you mean --" + strings.Join(firstOf(near, 2), " or --") + "?"
		}
	} else if m := unknownShort.FindStringSubmatch(msg); m != nil {
		msg = "unknown flag: -" + m[1]
		if len(m[2]) > 2 {
			msg += fmt.Sprintf("; is -%s meant?", m[2])
		}
	} else if m := needsValue.FindStringSubmatch(msg); m != nil {
		msg = m[1] + " needs a value"
	} else if m := invalidValue.FindStringSubmatch(msg); m != nil {
		want := "a whole number"
		if f := cmd.Flags().Lookup(strings.TrimPrefix(m[2], "--")); f != nil && f.Value.Type() == "bool" {
			want = "true or false"
		}
		msg = fmt.Sprintf("%s: %s, want %s", m[2], m[1], want)
	}
	return usageError{errors.New(msg + "; see `" + cmd.CommandPath() + " --help`")}
}
