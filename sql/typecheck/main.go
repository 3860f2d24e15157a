// Typecheck checks every statement that the job sends to BigQuery with GoogleSQL's own analyzer, and writes down what has
// been checked, so that a test without the analyzer can say what has not (segments/pipeline/queries).
//
// It is a module of its own, since building the analyzer takes minutes and 7 GB of memory.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"segments/pipeline/queries"
)

func main() {
	write := flag.Bool("write", false, "write down what has been checked")
	all := flag.Bool("all", false, "check also what has been checked before")
	root := flag.String("root", "../..", "the folder of the module segments")
	flag.Parse()
	if err := run(os.Stdout, *root, *all, *write); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run checks the statements that are new, or all, and writes the record of it.
func run(out io.Writer, root string, all, write bool) error {
	file := filepath.Join(root, filepath.FromSlash(queries.RecordFile))
	record, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	qs, err := queries.All(os.DirFS(root))
	if err != nil {
		return err
	}
	due := qs
	if !all {
		due = queries.Unchecked(record, qs)
	}
	wrong, err := check(due)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d statements, %d checked, %d wrong\n", len(qs), len(due), len(wrong))
	if len(wrong) > 0 || !write {
		return errors.Join(wrong...)
	}
	return os.WriteFile(file, queries.Record(qs), 0o644) //nolint:gosec // it is for everybody to read
}

// check returns what is wrong with qs.
func check(qs []queries.Query) (wrong []error, err error) {
	if len(qs) == 0 {
		return nil, nil
	}
	a, err := newAnalyzer()
	if err != nil {
		return nil, err
	}
	for _, q := range qs {
		if err := a.check(q); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", q.Name, err))
		}
	}
	return wrong, nil
}
