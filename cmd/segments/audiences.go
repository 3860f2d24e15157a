package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"segments/cmd/segments/terminal"
	"segments/pipeline"
	"segments/pipeline/steps"
	"segments/transforms/frame"
)

func (a *app) audiencesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "audiences", Short: "List the groups of the newest published day, and how many of each may be e-mailed", Args: cobra.NoArgs,
		Long: "List the groups of the newest published day: how many customers each has, and how many of them may be e-mailed,\n" +
			"because they agreed to it, have not unsubscribed and are not in the holdout. As JSON or CSV the list says also\n" +
			"who is in a group, and how many are held out.",
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, _ []string) error {
			columns := []string{"as_of", "segmentation", "segment", "customers", "mailable", "held_out", "share", "rule", "action"}
			if a.format == "table" {
				columns = []string{"segmentation", "segment", "customers", "mailable", "share", "action"}
			}
			l, err := list(j.Audiences(ctx), columns...)
			if err != nil {
				return err
			}
			if len(l.rows) == 0 {
				return pipeline.ErrNothing
			}
			return a.show(l)
		}),
	}
}

// An export is what `segments export` is asked for.
type export struct {
	segmentation string
	address      bool
	file         string
	force, raw   bool
}

func (a *app) exportCommand() *cobra.Command {
	var x export
	c := &cobra.Command{
		Use: "export SEGMENT", Short: "Write who of a group may be e-mailed, as CSV", Args: cobra.ExactArgs(1),
		Long: "Write who of a group of the newest published day may be e-mailed, as CSV: customer_id, segmentation, segment, as_of.\n" +
			"Who has not agreed to e-mail, has unsubscribed or is in the holdout is not among them. `segments audiences` lists the groups.\n\n" +
			"A text that a spreadsheet would take for a formula gets an apostrophe before it. Where a program reads the file,\n" +
			"--raw leaves every text as it is.",
		Example: "  segments export Champions --file champions.csv\n  segments export repeat_customer --segmentation life_cycle\n" +
			"  segments export Champions --with-address --raw --file champions.csv",
	}
	c.RunE = a.reading(func(ctx context.Context, j *pipeline.Job, args []string) error {
		if c.Flags().Changed("file") && x.file == "" { // as with a variable of the shell that is not set
			return usageError{errors.New("--file: there is no name; leave it out for the standard output")}
		}
		return a.export(ctx, j, args[0], x)
	})
	f := c.Flags()
	f.StringVar(&x.segmentation, "segmentation", steps.CoreSegment(), "which grouping the group belongs to")
	f.BoolVar(&x.address, "with-address", false, "also email and phone, read from the customers source now; wants outputs.people")
	f.StringVar(&x.file, "file", "", "write to a new file that only you may read, rather than to standard output")
	f.BoolVar(&x.force, "force", false, "replace the file where it is there")
	f.BoolVar(&x.raw, "raw", false, "leave texts that begin like a formula as they are")
	return c
}

func (a *app) export(ctx context.Context, j *pipeline.Job, name string, x export) error {
	if a.format == "json" {
		return usageError{errors.New("--output: export writes CSV")}
	}
	if x.force && x.file == "" {
		return usageError{errors.New("--force: there is no --file to replace")}
	}
	all, err := a.audiences(ctx, j)
	if err != nil {
		return err
	}
	group, err := pick(all, x.segmentation, name)
	if err != nil {
		return usageError{err}
	}
	if x.address && !j.People {
		return usageError{fmt.Errorf("--with-address: %w", pipeline.ErrNoPeople)}
	}
	out, end := a.out, func(err error) error { return err }
	if x.file != "" {
		if out, end, err = a.newFile(x.file, x.force); err != nil {
			return usageError{fmt.Errorf("--file: %w", err)}
		}
	}
	w := newCSV(out, x.raw)
	n, err := writeMembers(w, j.Members(ctx, group.segmentation, group.segment, x.address), x.address)
	err = end(err)
	if errors.Is(err, pipeline.ErrNoPeople) {
		return usageError{fmt.Errorf("--with-address: %w", err)}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "✓ %s of %s customers of %s may be e-mailed, as of %s\n",
		thousands(n), thousands(group.customers), terminal.Visible(group.segment), group.asOf)
	if group.heldOut > 0 {
		fmt.Fprintf(a.err, "  %s more might be, but are in the holdout\n", thousands(group.heldOut))
	}
	if n == 0 && group.heldOut == 0 {
		fmt.Fprintln(a.err, "  nobody in it is known to have agreed: sources.customers.columns.consent_email names the column that says who has")
	}
	if w.changed > 0 {
		fmt.Fprintf(a.err, "  where a text begins like a formula there is an apostrophe before it (%s); --raw leaves texts as they are\n",
			plural(int64(w.changed), "time"))
	}
	return nil
}

// writeMembers writes the rows of in, and returns how many there were.
func writeMembers(w *csvWriter, in frame.Batches, address bool) (n int64, err error) {
	columns := []string{"customer_id", "segmentation", "segment", "as_of"}
	if address {
		columns = append(columns, "email", "phone")
	}
	header := false
	for b, err := range in {
		if err != nil {
			return n, err
		}
		if !header {
			header = true
			if err := w.Write(columns); err != nil {
				return n, err
			}
		}
		for i := range int(b.NumRows()) {
			row := make([]any, len(columns))
			for k, c := range columns {
				row[k] = frame.Value(b, c, i)
			}
			if err := w.Write(texts(row, exact, w.text)); err != nil {
				return n, err
			}
			n++
		}
	}
	if !header {
		if err := w.Write(columns); err != nil {
			return n, err
		}
	}
	w.Flush()
	return n, w.Error()
}

// An audience is a group as it can be asked for.
type audience struct {
	segmentation, segment, asOf string
	customers, heldOut          int64
}

func (a *app) audiences(ctx context.Context, j *pipeline.Job) ([]audience, error) {
	l, err := list(j.Audiences(ctx), "segmentation", "segment", "as_of", "customers", "held_out")
	if err != nil {
		return nil, err
	}
	if len(l.rows) == 0 {
		return nil, pipeline.ErrNothing
	}
	out := make([]audience, len(l.rows))
	for i, r := range l.rows {
		n, _ := r[3].(int64)
		held, _ := r[4].(int64)
		out[i] = audience{fmt.Sprint(r[0]), fmt.Sprint(r[1]), fmt.Sprint(r[2]), n, held}
	}
	return out, nil
}

// pick returns the audience that is called name, or the only one that is but for upper and lower case.
func pick(all []audience, segmentation, name string) (audience, error) {
	var segmentations, names, elsewhere []string
	var alike []audience
	for _, g := range all {
		if !slices.Contains(segmentations, g.segmentation) {
			segmentations = append(segmentations, g.segmentation)
		}
		same := strings.EqualFold(g.segment, name)
		switch {
		case g.segmentation != segmentation:
			if same && !slices.Contains(elsewhere, g.segmentation) {
				elsewhere = append(elsewhere, g.segmentation)
			}
			continue
		case g.segment == name:
			return g, nil
		case same:
			alike = append(alike, g)
		}
		names = append(names, g.segment)
	}
	switch {
	case len(alike) == 1:
		return alike[0], nil
	case len(alike) > 1:
		return audience{}, fmt.Errorf("%q could be %s of %s; write it as it is there", name, quotedList(of(alike)), segmentation)
	case len(names) == 0:
		return audience{}, fmt.Errorf("--segmentation: nobody is in a group of %q; there are %s", segmentation, strings.Join(segmentations, ", "))
	case elsewhere != nil:
		return audience{}, fmt.Errorf("nobody is in a group %q of %s; there is one in %s: --segmentation %s", name, segmentation,
			strings.Join(elsewhere, " and "), elsewhere[0])
	}
	return audience{}, fmt.Errorf("nobody is in a group %q of %s; there are %s", name, segmentation, quotedList(names))
}

func of(as []audience) []string {
	out := make([]string, len(as))
	for i, g := range as {
		out[i] = g.segment
	}
	return out
}

// quotedList lists names, each cut where it is endless.
func quotedList(names []string) string {
	const most = 80
	out := make([]string, len(names))
	for i, n := range names {
		if r := []rune(n); len(r) > most {
			n = string(r[:most]) + "…"
		}
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}

// newFile makes a file that only its owner may read. end closes it, and leaves nothing behind where there was an error:
// what force replaces stays until then.
func (a *app) newFile(path string, force bool) (w io.Writer, end func(error) error, err error) {
	if err := a.writable(path, force); err != nil {
		return nil, nil, err
	}
	var f *os.File
	if force {
		f, err = os.CreateTemp(filepath.Dir(path), ".segments-*.csv") // 0600
	} else if f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); errors.Is(err, os.ErrExist) {
		err = fmt.Errorf("%s is there already; --force replaces it", path)
	}
	if err != nil {
		return nil, nil, err
	}
	return f, func(failed error) error {
		err := errors.Join(failed, f.Close())
		if err == nil && force {
			err = os.Rename(f.Name(), path)
		}
		if err != nil {
			_ = os.Remove(f.Name()) // err says what happened
		}
		return err
	}, nil
}

// writable says why newFile would not make a file at path, as far as that can be told before.
func (a *app) writable(path string, force bool) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder: name a file in it", path)
	case err == nil && !force:
		return fmt.Errorf("%s is there already; --force replaces it", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no folder %s", filepath.Dir(path))
	}
	return a.inUse(a.config, path)
}
