package queries

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"segments/pipeline"
	"segments/pipeline/attribution"
	"segments/pipeline/steps"
	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// asOf is the day that the job is run for, and clock the moment at which it is.
func asOf() time.Time { return time.Date(2026, time.January, 31, 0, 0, 0, 0, time.UTC) }

func clock() time.Time { return asOf().AddDate(0, 0, 1) }

// runs records the job: first with the least that it can be given, on an empty warehouse; then with every source, column
// and option, on one with history; and then what reads the history.
func runs(r *recorder) error {
	r.scene = "first run"
	least := sql.Source{Name: "orders", From: "project.raw.plain_orders", Columns: map[string]string{}}
	for _, c := range sql.SourceColumns("orders") {
		if c.Needed {
			least.Columns[c.Name] = c.Name
		}
	}
	j, err := r.job(least)
	if err != nil {
		return err
	}
	if err := run(j); err != nil {
		return fmt.Errorf("%s: %w", r.scene, err)
	}

	r.scene, r.history, r.pinned = "run", true, true
	var all []sql.Source
	for _, name := range sql.SourceNames() {
		s := sql.Source{Name: name, From: "project.raw." + name, Columns: map[string]string{}}
		for _, c := range sql.SourceColumns(name) {
			s.Columns[c.Name] = c.Name
		}
		if name == "customers" {
			s.Attributes = []string{"hair color", "größe"}
		}
		all = append(all, s)
	}
	if j, err = r.job(all...); err != nil {
		return err
	}
	j.Currency, j.Rates, j.People = "EUR", map[string]float64{"USD": 0.9, "CHF": 1}, true
	j.Experiments.Holdout = true
	j.Freshness = map[string]int{}
	for _, name := range sql.SourceNames() {
		j.Freshness[name] = 1
	}
	if err := run(j); err != nil {
		return fmt.Errorf("%s: %w", r.scene, err)
	}
	r.scene = "reading"
	if err := readings(j); err != nil {
		return err
	}
	r.scene = "report"
	return writeReport(r, j)
}

// job makes the job of sources on r, which learns what there is to read.
func (r *recorder) job(sources ...sql.Source) (*pipeline.Job, error) {
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.Name
		infos, err := ideal(s)
		if err != nil {
			return nil, err
		}
		r.sources[s.Name] = infos
		if err := r.declareSource(s); err != nil {
			return nil, err
		}
	}
	f := steps.Forecast()
	j := &pipeline.Job{
		Name: "check", Location: time.UTC, Warehouse: r, Sources: sources, Steps: steps.All(), Forecast: &f, CoreSegment: steps.CoreSegment(),
		HorizonDays: f.HorizonDays, Horizons: []int{30}, Origins: 2, MaxSegments: 12, Gate: validation.DefaultGate(), MaxRejected: 1, MaxAnonymous: 1, MinGroup: 1,
		Attribution: attribution.Default(), Now: clock, Log: slog.New(slog.DiscardHandler),
	}
	tables, err := j.Tables()
	if err != nil {
		return nil, err
	}
	r.answers, err = answersOf(tables, names)
	return j, err
}

// declareSource says that there is the table that s is read from.
func (r *recorder) declareSource(s sql.Source) error {
	_, err := r.declare("raw", strings.TrimPrefix(s.From, "project.raw."), natives(r.sources[s.Name]))
	return err
}

// run runs j. It fails where the run came to an early end, behind which queries would be missing.
func run(j *pipeline.Job) error {
	res, err := j.Run(context.Background(), pipeline.Options{AsOf: asOf()})
	if err == nil && !res.Published {
		err = errors.New("nothing was published")
	}
	return err
}

// readings records what the commands ask that read what was published.
func readings(j *pipeline.Job) error {
	ctx := context.Background()
	if _, err := j.Plan(ctx, asOf()); err != nil {
		return err
	}
	definition, profile, validated, err := j.Segment(ctx, "somebody")
	if err != nil {
		return err
	}
	for _, in := range []frame.Batches{
		j.History(ctx, "somebody"),
		j.Runs(ctx, ""), j.Checks(ctx, "run"), j.Rejects(ctx, "run"), definition, profile, validated,
		j.Audiences(ctx), j.Members(ctx, "core_segment", "somebody", false), j.Members(ctx, "core_segment", "somebody", true),
	} {
		if _, err := frame.Collect(in); err != nil {
			return err
		}
	}
	tables, err := j.Tables()
	if err != nil {
		return err
	}
	ref, _, err := j.Warehouse.Published(ctx, tables[0])
	if err != nil {
		return err
	}
	side := pipeline.Side{ID: "run", Day: asOf(), Table: func(ctx context.Context, name string) (warehouse.Ref, bool, error) {
		return j.Warehouse.Published(ctx, tables[slices.IndexFunc(tables, func(t frame.Table) bool { return t.Name == name })])
	}}
	if _, err := j.Diff(ctx, side, side); err != nil {
		return err
	}
	if _, err := frame.Collect(j.RunRows(ctx, "run", asOf(), ref, 20)); err != nil {
		return err
	}
	if _, _, err = j.Customer(ctx, "somebody", time.Time{}); err != nil {
		return err
	}
	_, err = j.Tune(ctx, pipeline.TuneOptions{AsOf: asOf(), FrequencyDays: 730}, steps.Tunables())
	return err
}
