package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"segments/pipeline/config"
	"segments/pipeline/discover"
	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/scout"
	"segments/sql"
	"segments/transforms/frame"
)

// An initiation is what init was asked for.
type initiation struct {
	file, name        string
	force, yes        bool
	duckdb            string // a file with tables
	bigquery          string // PROJECT.DATASET
	location, dataset string
	staging, budget   string
	args              []string
}

func (a *app) initCommand() *cobra.Command {
	var o initiation
	c := &cobra.Command{
		Use: "init [FILE|FOLDER|GLOB ...]", Short: "Draft a configuration from the files or tables that are there", Args: cobra.ArbitraryArgs,
		Long: "Look at files (CSV, Parquet, JSON; by default those of this folder and one level down) or at tables, guess which are\n" +
			"the orders, customers, events and conversions and which column is what, and write a commented configuration.\n" +
			"Guesses say what they are guessed from; what only a person can know is marked ANSWER. No values of the data are\n" +
			"written but the words of event names and consents. On a terminal it asks the marked questions.",
		Example: "  segments init exports/\n  segments init --duckdb shop.duckdb\n" +
			"  segments init --bigquery my-project.shop --location EU --output-dataset segments",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.args = args
			if o.file == "" {
				o.file = a.configFile
			}
			return a.initiate(cmd.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.file, "file", "f", "", "the configuration to write; - is the standard output (default what --config says)")
	f.StringVar(&o.name, "name", "", "the configuration's name (default that of the folder)")
	f.BoolVar(&o.force, "force", false, "overwrite a configuration that is there")
	f.BoolVar(&o.yes, "yes", false, "ask nothing, also on a terminal: guesses stand, questions are marked in the file")
	f.StringVar(&o.duckdb, "duckdb", "", "look at the tables of this DuckDB file; results go there too")
	f.StringVar(&o.bigquery, "bigquery", "", "look at the tables of this data set, PROJECT.DATASET")
	f.StringVar(&o.location, "location", "EU", "where BigQuery's data sets are")
	f.StringVar(&o.dataset, "output-dataset", "segments", "the data set that results will go to, in BigQuery")
	f.StringVar(&o.budget, "max-bytes-billed", "20GiB", "the most that looking at BigQuery's tables may bill")
	f.StringVar(&o.staging, "staging-dataset", "", "the data set of what runs stage (default the one above with _staging)")
	return c
}

func (a *app) initiate(ctx context.Context, o initiation) error {
	if err := o.check(); err != nil {
		return usageError{err}
	}
	w, err := a.lookAt(ctx, o)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }() // it was only read
	l := scout.Scout{Warehouse: w}
	tables, err := a.tablesOf(ctx, l, o)
	if err != nil {
		return err
	}
	proposal, err := discover.Propose(w.Dialect(), tables, l.Overlap(ctx), a.now())
	if err != nil {
		return usageError{err}
	}
	proposal.Name = draft.Guess{Value: o.called(), Ask: "what is it called? the published tables belong to one name"}
	if o.name != "" {
		proposal.Name.Ask = ""
	}
	if !o.yes && o.file != "-" && a.terminal && term.IsTerminal(int(os.Stdin.Fd())) {
		if err := answer(proposal, os.Stdin, a.err); err != nil {
			return err
		}
	}
	day := ""
	if s := proposal.Source("orders"); s != nil {
		if day, err = l.Newest(ctx, o.absolute(s, tables), proposal.Timezone.Value, frame.DayOf(a.now())); err != nil {
			a.logger().Debug("the newest order is not known", "error", err.Error())
		}
	}
	s := proposal.Source("orders")
	if s != nil && s.Day {
		day = s.Note.Value // what is counted back from it is known up to then
	}
	switch {
	case s != nil && s.Day && s.Note.Ask != "":
		day = draft.DayAsked
	case day >= a.yesterday(time.UTC).Format(time.DateOnly):
		day = "" // the data are up to date: yesterday is the default
	}
	text := proposal.Write(o.warehouse(proposal.Name.Value), day)
	if o.file == "-" {
		if _, err := a.out.Write(text); err != nil {
			return err
		}
	} else if err := os.WriteFile(o.file, text, 0o644); err != nil { //nolint:gosec // a configuration holds no secrets
		return usageError{err}
	}
	a.found(proposal, tables, o, day)
	if billed := w.Charges().Bytes; billed > 0 {
		fmt.Fprintf(a.err, "Looking has billed %s.\n", size(billed))
	}
	return a.passes(ctx, o, text)
}

// check looks at the arguments.
func (o *initiation) check() error {
	if o.duckdb != "" && o.bigquery != "" {
		return errors.New("--duckdb and --bigquery: want one of them")
	}
	if len(o.args) > 0 && o.duckdb+o.bigquery != "" {
		return errors.New("files are looked at without --duckdb and --bigquery; load them into tables, or leave the option out")
	}
	if o.bigquery != "" && !bigqueryDataset.MatchString(o.bigquery) {
		return fmt.Errorf("--bigquery: %q, want PROJECT.DATASET", o.bigquery)
	}
	if o.duckdb != "" {
		if _, err := os.Stat(o.duckdb); err != nil {
			return fmt.Errorf("--duckdb: %w", err)
		}
	}
	if _, err := os.Stat(o.file); err == nil && o.file != "-" && !o.force {
		return fmt.Errorf("%s is there already; --force overwrites it, --file gives another one", o.file)
	}
	if o.name != "" && slug(o.name) != o.name {
		return fmt.Errorf("--name: %q, want a lower-case letter, then letters, digits, _ and -, at most 63", o.name)
	}
	return nil
}

var bigqueryDataset = regexp.MustCompile(`^[a-z][a-z0-9-]+\.[A-Za-z0-9_]+$`)

// folder is that of the configuration.
func (o *initiation) folder() string {
	file := o.file
	if file == "-" {
		file = "segments.yaml"
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return "."
	}
	return filepath.Dir(abs)
}

// called is the name to propose.
func (o *initiation) called() string {
	if o.name != "" {
		return o.name
	}
	if o.bigquery != "" {
		_, dataset, _ := strings.Cut(o.bigquery, ".")
		return slug(dataset)
	}
	return slug(filepath.Base(o.folder()))
}

// slug returns s as a name of a configuration.
func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', b.Len() > 0 && (r >= '0' && r <= '9' || r == '_' || r == '-'):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	out := strings.Trim(b.String()[:min(b.Len(), 63)], "_")
	return cmp.Or(out, "shop")
}

// warehouse returns the section of the configuration, as lines.
func (o *initiation) warehouse(name string) []string {
	if o.bigquery != "" {
		project, _, _ := strings.Cut(o.bigquery, ".")
		return []string{
			"bigquery:",
			"  project: " + project + "   # who pays",
			"  location: " + o.location,
			"  dataset: " + o.dataset + "   # what readers see",
			"  staging_dataset: " + o.stagingDataset() + "   # what runs stage; its tables must expire by default, within 7 days",
			"  # max_bytes_billed: 100GiB   # a run that would read more ends before it costs anything",
		}
	}
	path := name + ".duckdb"
	if o.duckdb != "" {
		path = o.relative(o.duckdb)
	}
	return []string{"duckdb: {path: " + draft.Scalar(path) + "}   # the results go into this file"}
}

func (o *initiation) stagingDataset() string { return cmp.Or(o.staging, o.dataset+"_staging") }

// relative returns path as the configuration names it: relative to its folder where it is below that.
func (o *initiation) relative(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(o.folder(), abs)
	if err != nil || strings.HasPrefix(rel, "..") {
		return abs
	}
	return rel
}

func oneLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return draft.Safe(s)
}

// answer asks the marked questions. An empty line takes the guess, the end of the input all that are left.
func answer(d *draft.Draft, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	keys, guesses := d.Questions()
	for i, g := range guesses {
		if g.Ask == "" {
			continue // answered with another
		}
		fmt.Fprintf(out, "%s: %s\n", keys[i], g.Ask)
		for k, o := range g.Others {
			fmt.Fprintf(out, "  %d) %s (%s)\n", k+1, draft.Safe(o.Value), o.Why)
		}
		for {
			fmt.Fprintf(out, "  [%s] ", cmp.Or(draft.Safe(g.Value), "leave it open"))
			if !lines.Scan() {
				return lines.Err()
			}
			said := strings.TrimSpace(lines.Text())
			if said == "" {
				if g.Value != "" {
					g.Ask = ""
				}
				break
			}
			if n, err := strconv.Atoi(said); err == nil && n >= 1 && n <= len(g.Others) {
				said = g.Others[n-1].Value
			}
			if wrong := d.Answer(keys[i], said); wrong != nil {
				fmt.Fprintf(out, "  %v\n", wrong)
				continue
			}
			break
		}
	}
	return nil
}

// absolute returns s with the place of its file, which the configuration names relative to itself.
func (o *initiation) absolute(s *draft.Source, tables []discover.Table) (out sql.Source) {
	out = s.SQL()
	for _, t := range tables {
		if out.From != "" && t.From == out.From && t.At != "" {
			out.From = t.At
		}
	}
	return out
}

// found prints what was found and what to do next.
func (a *app) found(d *draft.Draft, tables []discover.Table, o initiation, day string) {
	rows := map[string]int64{}
	for _, t := range tables {
		rows[t.Name] = t.Rows
	}
	for _, s := range d.Sources {
		of := ""
		if n := rows[s.Table]; n > 0 {
			of = ", " + thousands(n) + " rows"
		}
		fmt.Fprintf(a.err, "  %-12s %s%s: %s", s.Name, draft.Safe(s.Table), of, plural(int64(len(s.Columns)), "column"))
		if len(s.Attributes) > 0 {
			fmt.Fprintf(a.err, ", %s", plural(int64(len(s.Attributes)), "attribute"))
		}
		fmt.Fprintln(a.err)
	}
	for _, u := range d.Unused[:min(len(d.Unused), 10)] {
		fmt.Fprintf(a.err, "  %-12s %s: %s\n", "not used", draft.Safe(u.Value), u.Why)
	}
	keys, guesses := d.Questions()
	if len(keys) > 0 {
		fmt.Fprintf(a.err, "%s marked ANSWER in the file:\n", plural(int64(len(keys)), "question"))
		for i, k := range keys {
			fmt.Fprintf(a.err, "  %s: %s\n", k, guesses[i].Ask)
		}
	}
	config := ""
	file := o.file
	if file == "-" {
		file = "segments.yaml"
	}
	if file != "segments.yaml" {
		config = " -c " + shellWord(file)
	}
	asOf := ""
	switch day {
	case "":
	case draft.DayAsked:
		asOf = " --as-of " + day + "   # the day that the file asks for"
	default:
		asOf = " --as-of " + day + "   # the day of the newest order"
	}
	fmt.Fprintf(a.err, "Next:\n  segments check%s\n  segments run%s%s\n  the report is then %s\n", config, config, asOf,
		filepath.Join(filepath.Dir(file), "report.html"))
}

// shellWord quotes s for a shell where it needs that.
func shellWord(s string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./-]+$`).MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// passes checks the configuration as `segments check` does.
func (a *app) passes(ctx context.Context, o initiation, text []byte) (err error) {
	if o.bigquery != "" {
		return nil // its data sets may not be there yet; check says how they are made
	}
	file := filepath.Join(o.folder(), filepath.Base(o.file))
	c, err := config.Parse(file, text)
	if err == nil {
		a.config = c
		j, jobErr := a.job(c)
		if jobErr != nil {
			return jobErr
		}
		if j.Warehouse, err = a.warehouse(ctx, c, true); err == nil {
			defer closing(j, &err)
			err = j.Check(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("the configuration was written, and check says: %w", err)
	}
	return nil
}
