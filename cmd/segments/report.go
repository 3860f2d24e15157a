package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/config"
	"segments/pipeline/report"
	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

// reportTime is the most that a run's report may take.
const reportTime = time.Minute

func (a *app) reportCommand() *cobra.Command {
	var file string
	var printContent bool
	c := &cobra.Command{
		Use: "report [RUN]", Short: "Write the HTML report of a run again (default the current one)", Args: cobra.MaximumNArgs(1),
		Long: "Write the HTML report of a run again: of a published one from the published tables, of a rejected one from what is kept of it for\n" +
			"a while. RUN is a run or its day, which stands for the run published on it; `segments runs` lists them.",
		Example: "  segments report -c shop.yaml\n  segments report 2026-11-20 --file friday.html\n  segments report --print-content > content.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			if printContent {
				_, err := a.out.Write(report.DefaultContentCSV)
				return err
			}
			return a.reading(func(ctx context.Context, j *pipeline.Job, args []string) error {
				name := strings.Join(args, "")
				run, staged, err := rejectedRun(ctx, j, name)
				if err == nil && staged == nil {
					run, err = publishedRun(ctx, j, name)
				}
				if err != nil {
					return err
				}
				if file == "" {
					if file = a.reportFile(run.State); file == "" {
						return usageError{errors.New("report.file is none: say where with --file")}
					}
				}
				if err := a.writeReport(ctx, j, run, staged, file); err != nil {
					return err
				}
				if file != "-" {
					_, err = fmt.Fprintln(a.out, file)
				}
				return err
			})(cmd, args)
		},
	}
	c.Flags().StringVar(&file, "file", "", "where to write it (default report.file of the configuration); - is the standard output")
	c.Flags().BoolVar(&printContent, "print-content", false, "print the table of suggested content that report.content may replace")
	return c
}

// rejectedRun finds the run called name and what is kept of it; without tables it is no rejected run.
func rejectedRun(ctx context.Context, j *pipeline.Job, name string) (report.Run, []warehouse.Ref, error) {
	if name == "" {
		return report.Run{}, nil, nil
	}
	runs, err := list(j.Runs(ctx, name), "run_id", "as_of", "state", "ended_at", "code_version", "message")
	if err != nil || len(runs.rows) != 1 || runs.rows[0][2] != string(warehouse.Rejected) {
		return report.Run{}, nil, err
	}
	r := runs.rows[0]
	kept, err := j.Kept(ctx, name)
	if err != nil {
		return report.Run{}, nil, err
	}
	if len(kept.Tables) == 0 {
		return report.Run{}, nil, usageError{fmt.Errorf("nothing is kept of run %s, which was rejected; `segments show %s` has its checks", name, name)}
	}
	asOf, err := time.Parse(time.DateOnly, fmt.Sprint(r[1]))
	if err != nil {
		return report.Run{}, nil, err
	}
	ended, err := time.Parse(time.RFC3339, fmt.Sprint(r[3]))
	if err != nil {
		return report.Run{}, nil, err
	}
	return report.Run{
		ID: name, Name: j.Name, AsOf: asOf, State: report.Rejected, EndedAt: ended, CodeVersion: fmt.Sprint(r[4]), Why: whyRejected(fmt.Sprint(r[5])),
	}, kept.Tables, nil
}

// whyRejected is what the report says of an error.
func whyRejected(message string) string {
	return strings.TrimPrefix(message, "nothing was published. ")
}

// publishedRun finds the run called name, a run or a day, whose rows are the published ones of its day; the current one
// where name is empty.
func publishedRun(ctx context.Context, j *pipeline.Job, name string) (report.Run, error) {
	runs, err := list(j.Runs(ctx, ""), "run_id", "as_of", "state", "ended_at", "code_version")
	if err != nil {
		return report.Run{}, err
	}
	day := name
	for _, r := range runs.rows {
		if r[0] == name {
			if r[2] != string(warehouse.Published) {
				return report.Run{}, usageError{fmt.Errorf(
					"run %s is %s: only of published runs are there tables to report on; `segments show %s` has its checks", name, r[2], name)}
			}
			day = fmt.Sprint(r[1])
		}
	}
	if day == "" {
		current, err := j.CurrentDay(ctx)
		if err != nil {
			return report.Run{}, err
		}
		day = current.Format(time.DateOnly)
	}
	for _, r := range runs.rows { // the latest one first
		if r[1] != day || r[2] != string(warehouse.Published) {
			continue
		}
		if name != "" && name != day && r[0] != name {
			return report.Run{}, usageError{fmt.Errorf("the rows of run %s have been replaced by those of run %s", name, r[0])}
		}
		asOf, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return report.Run{}, err
		}
		ended, err := time.Parse(time.RFC3339, fmt.Sprint(r[3]))
		if err != nil {
			return report.Run{}, err
		}
		return report.Run{ID: fmt.Sprint(r[0]), Name: j.Name, AsOf: asOf, State: report.Published, EndedAt: ended, CodeVersion: fmt.Sprint(r[4])}, nil
	}
	return report.Run{}, usageError{fmt.Errorf("there is no published run %s; `segments runs` lists them", name)}
}

// reportOn writes the report of a run that has just been published, or rejected with runErr, and says where. Whatever goes
// wrong is told, and changes nothing.
func (a *app) reportOn(ctx context.Context, j *pipeline.Job, o pipeline.Options, res *pipeline.Result, runErr error) {
	run := report.Run{ID: res.Run.ID, Name: j.Name, AsOf: res.Run.AsOf, EndedAt: j.Now(), CodeVersion: j.CodeVersion, State: report.Published}
	switch {
	case o.Backfill || o.ValidateOnly:
		return
	case runErr != nil:
		run.State, run.Why = report.Rejected, whyRejected(runErr.Error())
	case o.DryRun:
		run.State = report.DryRun
	}
	file := a.reportFile(run.State)
	if file == "" {
		return
	}
	if _, err := os.Stat(file); res.Already && err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	if day, err := j.CurrentDay(ctx); run.State == report.Published && err == nil && day.After(run.AsOf) {
		fmt.Fprintf(a.err, "  %-10s %s is left with the newest day; segments report %s --file FILE writes this one's\n", "report", shown(file),
			run.AsOf.Format(time.DateOnly))
		return
	}
	if err := a.writeReport(ctx, j, run, res.Staged, file); err != nil {
		fmt.Fprintf(a.err, "  %-10s not written: %v\n", "report", err)
		return
	}
	fmt.Fprintf(a.err, "  %-10s %s\n", "report", shown(file))
}

// reportFile is where the report of a run in this state goes; empty where none is wanted. What was not published does not
// take the place of what was.
func (a *app) reportFile(s report.State) string {
	file := a.config.Report.File
	if file == config.NoReport {
		return ""
	}
	if s != report.Published {
		ext := filepath.Ext(file)
		file = strings.TrimSuffix(file, ext) + "." + strings.ReplaceAll(strings.ToLower(string(s)), " ", "-") + ext
	}
	return a.config.Path(file)
}

// shown is the path file as a person would write it: relative, where it is below the working folder.
func shown(file string) string {
	wd, err := os.Getwd()
	if err != nil {
		return file
	}
	if rel, err := filepath.Rel(wd, file); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return file
}

// writeReport writes the report of run to file, whole or not at all. staged has the tables of a run that was not published.
func (a *app) writeReport(ctx context.Context, j *pipeline.Job, run report.Run, staged []warehouse.Ref, file string) error {
	if err := a.inUse(a.config, file); err != nil {
		return usageError{err}
	}
	tables, err := j.Tables()
	if err != nil {
		return err
	}
	content, err := contentOf(a.config)
	if err != nil {
		return err
	}
	s := report.Source{
		Run: run, Warehouse: j.Warehouse, Declared: tables, Content: content, CoreSegment: j.CoreSegment, MinGroup: j.MinGroup,
		Currency: j.Currency,
		Table: func(ctx context.Context, name string) (warehouse.Ref, bool, error) {
			if run.State != report.Published && name != warehouse.Runs.Name {
				at := slices.IndexFunc(staged, func(r warehouse.Ref) bool { return r.Table.Name == name })
				if at < 0 {
					return warehouse.Ref{}, false, nil
				}
				return staged[at], true, nil
			}
			at := slices.IndexFunc(tables, func(t frame.Table) bool { return t.Name == name })
			if at < 0 {
				return warehouse.Ref{}, false, nil
			}
			return j.Warehouse.Published(ctx, tables[at])
		},
	}
	var b bytes.Buffer
	if err := report.Write(ctx, &b, s); err != nil {
		return err
	}
	if file == "-" {
		_, err := b.WriteTo(a.out)
		return err
	}
	return replaceReport(file, b.Bytes())
}

// contentOf is the user's table of suggestions, or the one that comes with the program.
func contentOf(c *config.Config) (report.Content, error) {
	name := c.Report.Content
	if name == "" {
		return report.DefaultContent(), nil
	}
	f, err := os.Open(c.Path(name))
	if err != nil {
		return nil, c.Errorf("report.content", "%v", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	content, err := report.ParseContent(f)
	if err != nil {
		return nil, c.Errorf("report.content", "%s: %v", name, err)
	}
	return content, nil
}

// replaceReport writes a report. Where there can be no such file, the command line or the configuration is at fault.
func replaceReport(file string, content []byte) error {
	dir := filepath.Dir(file)
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return usageError{fmt.Errorf("%s is a folder: name a file in it for the report", file)}
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usageError{fmt.Errorf("%s cannot be written: there is no folder %s", file, dir)}
	}
	err := replaceFile(file, content)
	if errors.Is(err, fs.ErrPermission) {
		return usageError{fmt.Errorf("%s cannot be written: the folder %s does not allow it", file, dir)}
	}
	return err
}

// replaceFile writes file, whole or not at all.
func replaceFile(file string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".report-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone once it has been renamed
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
