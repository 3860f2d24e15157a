// On-emulator runs a command on an emulator of BigQuery, so that the warehouse can be tried without an account:
//
//	on-emulator [--shop DIR] [COMMAND ARGUMENT...]
//
// It starts the emulator, makes the data sets of examples/bigquery there, loads the shop that `segments demo --dir DIR`
// has made, and runs the command with the variables set that make segments talk to the emulator. The exit code is the
// command's. Without a command it prints those variables and waits for Ctrl-C. What is on the emulator is gone with it.
//
// It is run in the checkout: the emulator is installed in bin, and the schemas are in examples.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"

	"segments/pipeline/warehouse/bigquery/emulator"
)

// What examples/bigquery/segments.yaml says.
const (
	project  = "example-project"
	location = "EU"
)

var shop = emulator.Shop{Source: "shop", Results: "segments", Staging: "segments_staging"}

const usage = `Usage: on-emulator [--shop DIR] [COMMAND ARGUMENT...]

Runs a command on an emulator of BigQuery, which ends with it and keeps nothing. For example:

  segments demo --dir bin/shop --customers 5000
  on-emulator --shop bin/shop segments run -c examples/bigquery/segments.yaml --as-of 2026-10-31

Without a command it prints the variables to set in another shell, and waits for Ctrl-C.

`

// What the emulator is without.
const howToInstall = `
The emulator is a Python program: it needs Python 3.13 with venv, and the package index once.
  Debian, Ubuntu    apt-get install python3.13-venv
  Fedora            dnf install python3.13
  macOS             brew install python@3.13
  anywhere          uv python install 3.13, or pyenv install 3.13
If it is there under another name: export SEGMENTS_PYTHON=/path/to/python3.13`

func main() {
	var o options
	flag.StringVar(&o.dir, "shop", "", "load the shop that `segments demo` has made in this `folder`")
	flag.StringVar(&o.schemas, "schemas", filepath.Join("examples", "bigquery", "schema"), "the `folder` of the schemas of its tables")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	o.command = flag.Args()
	code, err := o.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "on-emulator:", err)
		if errors.Is(err, emulator.ErrUnavailable) {
			fmt.Fprintln(os.Stderr, howToInstall)
		}
	}
	os.Exit(code)
}

type options struct {
	dir, schemas string
	command      []string
}

// run returns the exit code: the command's, or 1 with an error of its own, 130 or 143 after a signal.
func (o options) run() (code int, err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	// The server lives until the command has ended, however the signals come, so that it is its own goroutine's.
	began := time.Now()
	fmt.Fprintln(os.Stderr, "starting the emulator of BigQuery; the first time it is downloaded into bin/emulator, 110 MB")
	type start struct {
		server *emulator.Server
		err    error
	}
	started := make(chan start, 1)
	go func() {
		server, err := o.start(ctx)
		started <- start{server, err}
	}()
	var server *emulator.Server
	select {
	case s := <-started:
		if s.err != nil {
			return 1, s.err
		}
		server = s.server
	case sig := <-signals:
		cancel()
		<-started
		return exitCode(sig), nil
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	fmt.Fprintf(os.Stderr, "it is ready after %.1f s\n\n", time.Since(began).Seconds())
	if len(o.command) == 0 {
		return wait(os.Stdout, server, signals)
	}
	return execute(o.command, server, signals)
}

// start starts the emulator, and makes and fills the data sets.
func (o options) start(ctx context.Context) (server *emulator.Server, err error) {
	if o.dir != "" {
		if _, err := os.Stat(filepath.Join(o.dir, "orders.csv")); err != nil {
			return nil, fmt.Errorf("--shop %s: there is no shop: %w; make it: segments demo --dir %s", o.dir, err, o.dir)
		}
	}
	server, err = emulator.Launch(ctx, io.Discard) // what it logs last is in the error
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Close())
		}
	}()
	client, err := server.Client(ctx, project)
	if err != nil {
		return nil, err
	}
	defer client.Close() //nolint:errcheck // its work is done
	if err := shop.Make(ctx, client, location); err != nil {
		return nil, err
	}
	if o.dir == "" {
		return server, nil
	}
	return server, shop.Load(ctx, client, o.dir, o.schemas)
}

// variables make segments talk to the server.
func variables(server *emulator.Server) []string {
	return []string{"BIGQUERY_EMULATOR_HOST=" + server.REST, "BIGQUERY_STORAGE_EMULATOR_HOST=" + server.Storage}
}

// wait prints the variables and waits for a signal.
func wait(out io.Writer, server *emulator.Server, signals <-chan os.Signal) (int, error) {
	for _, v := range variables(server) {
		fmt.Fprintln(out, "export", v)
	}
	fmt.Fprintf(os.Stderr, "\nthe data sets %s, %s and %s of the project %s are there; Ctrl-C ends it\n", shop.Source, shop.Results, shop.Staging, project)
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	select {
	case <-signals:
		return 0, nil
	case err := <-ended:
		return 1, err
	}
}

// execute runs the command and passes signals on to it, each once: Ctrl-C in a terminal reaches it without our help.
func execute(command []string, server *emulator.Server, signals <-chan os.Signal) (int, error) {
	interactive := term.IsTerminal(int(os.Stdin.Fd()))
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), variables(server)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !interactive}
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			if !interactive || sig != syscall.SIGINT {
				_ = cmd.Process.Signal(sig) // it may have ended
			}
		case err := <-ended:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 1, err
			}
			status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if ok && status.Signaled() {
				return exitCode(status.Signal()), nil
			}
			return cmd.ProcessState.ExitCode(), nil
		}
	}
}

// exitCode is that of a process that a signal ended.
func exitCode(sig os.Signal) int {
	if s, ok := sig.(syscall.Signal); ok {
		return 128 + int(s)
	}
	return 1
}
