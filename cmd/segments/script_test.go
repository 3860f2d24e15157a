package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the transcripts in testdata; with UPDATE_SCRIPTS=1 it writes what they compare with anew. Besides the usual commands of scripts they have these:
//
//	exits CODE ARG...   run segments with the arguments; it must exit with the code
//	sql FILE QUERY      print what a DuckDB file has, a line a row
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				got := 0
				if err := ts.Exec("segments", args[1:]...); err != nil {
					var exit *exec.ExitError
					if !errors.As(err, &exit) {
						ts.Fatalf("%v", err)
					}
					got = exit.ExitCode()
				}
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
			"sql": func(ts *testscript.TestScript, _ bool, args []string) {
				db, err := sql.Open("duckdb", ts.MkAbs(args[0])+"?access_mode=READ_ONLY")
				ts.Check(err)
				defer db.Close() //nolint:errcheck // it was only read
				lines, err := queryDB(db, args[1])
				ts.Check(err)
				for _, l := range lines {
					fmt.Fprintln(ts.Stdout(), l)
				}
			},
		},
	})
}
