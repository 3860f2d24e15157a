// Package report writes a run as one HTML file for a marketer, and one click below for an analyst.
//
// It goes one way: the tables of the run are read (read.go), panels make sections of them (panels.go lists them, each has
// a file of its own), and the sections are rendered (html.go) together with the bundle that draws the charts (web/).
//
// Two rules keep a report honest. A chart draws cells of a table that stands beneath it, and a sentence cites cells; so
// there is no number without its evidence. And a cell holds a value of the tables, or of a query over them, never one
// that was typed. A panel whose tables are not there is left out.
package report

import (
	"context"
	"fmt"
	"io"
	"time"

	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

// A Source is what a report is made from.
type Source struct {
	Run       Run
	Warehouse warehouse.Warehouse

	// Table returns the table called name as the run left it: published, or of a run that was not published, staged. ok is
	// false where there is none.
	Table func(ctx context.Context, name string) (ref warehouse.Ref, ok bool, err error)

	Declared []frame.Table // what the job publishes, for the descriptions of columns
	Content  Content       // what to suggest to which group

	CoreSegment string // the segmentation that the report is about
	Currency    string // of amounts of money; empty takes the only one that the run's checks found
	MinGroup    int64  // groups under this many people are hidden
}

// A Run says which run a report is about.
type Run struct {
	ID, Name    string
	AsOf        time.Time // the day
	State       State
	EndedAt     time.Time
	CodeVersion string
	Why         string // of a rejected run, why
}

// A State is what became of the rows that a report is about.
type State string

// The states of a report's run.
const (
	Published State = "PUBLISHED"
	Rejected  State = "REJECTED" // nothing was published: the report is of what would have been
	DryRun    State = "DRY RUN"  // likewise, as asked for
)

// Write writes the report of s to w. An error says that what was written is no report. It does not panic: a run that has
// been published must not look as if it had failed because of its report.
func Write(ctx context.Context, w io.Writer, s Source) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("report: a bug, please report it: %v", p)
		}
	}()
	doc, err := build(ctx, s)
	if err != nil {
		return err
	}
	return doc.render(w)
}

// build reads the tables and makes the sections.
func build(ctx context.Context, s Source) (*document, error) {
	return newData(ctx, s).document()
}

func (d *data) document() (*document, error) {
	if d.Currency == "" {
		d.Currency = d.onlyCurrency()
	}
	doc := &document{Source: d.Source}
	for _, p := range panels {
		if !d.has(p.needs...) {
			continue
		}
		section, err := p.build(d)
		if err != nil {
			return nil, err
		}
		if d.err != nil {
			return nil, d.err
		}
		if section != nil {
			section.ID, section.Question = p.id, p.question
			doc.Sections = append(doc.Sections, section)
		}
	}
	return doc, nil
}

// A document is a report before it is rendered.
type document struct {
	Source
	Sections []*section
}
