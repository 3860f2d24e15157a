package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"segments/pipeline"
	"segments/pipeline/attribution"
	"segments/pipeline/config"
	"segments/pipeline/steps"
	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
	"segments/transforms/holdout"
)

// readConfig is config.Read, which says where a configuration comes from if there is none.
func (a *app) readConfig() (*config.Config, error) {
	c, err := config.Read(a.configFile)
	var e *config.Error
	if _, missing := os.Stat(a.configFile); errors.Is(missing, fs.ErrNotExist) && errors.As(err, &e) {
		e.Message += "; `segments init` makes one, -c names another"
	}
	return c, err
}

// open reads the configuration and makes the job of it.
func (a *app) open(ctx context.Context, readOnly bool) (*pipeline.Job, *config.Config, error) {
	c, err := a.readConfig()
	if c == nil {
		return nil, nil, err
	}
	a.config = c
	var found config.Errors
	if err := found.Add(err); err != nil {
		return nil, nil, err
	}
	j, err := a.jobWith(c, &found)
	if err != nil {
		return nil, nil, err
	}
	if err := found.Err(); err != nil {
		return nil, nil, err
	}
	j.Warehouse, err = a.warehouse(ctx, c, readOnly)
	if err != nil {
		return nil, nil, err
	}
	return j, c, nil
}

// job makes the job of the configuration, but for its warehouse.
func (a *app) job(c *config.Config) (*pipeline.Job, error) {
	var found config.Errors
	j, err := a.jobWith(c, &found)
	if err == nil {
		err = found.Err()
	}
	if err != nil {
		return nil, err
	}
	return j, nil
}

// jobWith is job, which adds to found what the configuration has wrong.
func (a *app) jobWith(c *config.Config, found *config.Errors) (*pipeline.Job, error) {
	v := c.Validation
	f := steps.Forecast()
	j := &pipeline.Job{
		Name: c.Name, Location: c.Location(), Sources: c.SQLSources(), Forecast: &f, CoreSegment: steps.CoreSegment(),
		HorizonDays: int(v.Horizon), Origins: v.Origins, MaxSegments: v.MaxSegments,
		Gate:     validation.Gate{MinAUCLower: v.Gate.MinAUCLower, MinConverters: v.Gate.MinConverters},
		Currency: c.Currency.Code, Rates: c.Currency.Rates,
		MaxRejected: c.Quality.MaxRejected, MaxAnonymous: c.Quality.MaxAnonymous, MinGroup: c.Privacy.MinGroup,
		RetentionDays: int(c.Outputs.Retention), People: c.Outputs.People, Freshness: c.FreshnessDays(), FreshnessWait: time.Duration(c.Freshness.Wait),
		Now: a.now, Log: a.logger(), CodeVersion: codeVersion(),
	}
	at := c.Attribution
	j.Attribution = attribution.Options{
		WindowDays: int(at.Window), Days: int(at.Days), HalfLifeDays: int(at.HalfLife), Model: attribution.Model(at.Model),
	}
	e := c.Experiments
	j.Experiments = pipeline.Experiments{Controls: e.Control, HorizonDays: int(e.Horizon), Expected: e.Expected}
	for _, d := range v.ShorterHorizons() {
		j.Horizons = append(j.Horizons, int(d))
	}
	wrong := func(section string, err error) error {
		if err == nil || found.Add(err) == nil {
			return nil
		}
		field, rest, ok := strings.Cut(err.Error(), ":") // it begins with the key that is at fault
		if !ok {
			return err
		}
		return found.Add(c.Errorf(section+"."+field, "%s", strings.TrimSpace(rest)))
	}
	errs := []error{wrong("validation.gate", j.Gate.Check()), wrong("attribution", j.Attribution.Check())}
	known := map[string]bool{}
	j.Steps = steps.All()
	for _, t := range j.Steps {
		section := "transforms." + t.Name
		errs = append(errs, wrong(section, c.Section(c.Transforms[t.Name])(t.Estimator)))
		_, err := t.Estimator.Signature()
		errs = append(errs, wrong(section, err))
		known[t.Name] = true
		if h, ok := t.Estimator.(*holdout.Estimator); ok {
			j.Experiments.Holdout = h.On()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Transforms)) {
		if !known[name] {
			errs = append(errs, wrong("", c.Errorf("transforms."+name, "there is no such transform%s", config.DidYouMean(name, slices.Sorted(maps.Keys(known))))))
		}
	}
	_, err := contentOf(c) // rather now than when a run has ended
	errs = append(errs, found.Add(err))
	if c.Report.File != config.NoReport {
		if err := a.inUse(c, c.Path(c.Report.File)); err != nil {
			errs = append(errs, found.Add(c.Errorf("report.file", "%v", err)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	digest, err := json.Marshal([]any{c.Validation, c.Currency, c.Quality, c.Privacy, c.Outputs, c.Experiments, c.Attribution})
	j.ConfigDigest = digest
	return j, err
}

// warehouse opens the configured warehouse.
func (a *app) warehouse(ctx context.Context, c *config.Config, readOnly bool) (warehouse.Warehouse, error) {
	return a.warehouseWith(ctx, c, readOnly, nil)
}

// warehouseWith is warehouse. Where found is not nil, mistakes in the section are added to it, and what has none is opened.
func (a *app) warehouseWith(ctx context.Context, c *config.Config, readOnly bool, found *config.Errors) (warehouse.Warehouse, error) {
	for name, node := range c.Warehouse {
		w, ok := warehouses[name]
		if !ok {
			return nil, c.Errorf("warehouse."+name, "there is no such warehouse%s", config.DidYouMean(name, slices.Sorted(maps.Keys(warehouses))))
		}
		decode := a.decode(c, node)
		if found != nil {
			strict := decode
			decode = func(into any) error { return found.Add(strict(into)) }
		}
		opened, err := w.open(ctx, warehouse.Env{Now: a.now, Log: a.logger(), ReadOnly: readOnly}, decode)
		if err != nil && exitCode(ctx, err, false) == exitBug {
			if field, rest, ok := strings.Cut(err.Error(), ": "); ok { // what Open says of a value begins with its key
				return nil, c.Errorf("warehouse."+name+"."+field, "%s", rest)
			}
		}
		return opened, err
	}
	return nil, errors.New("no warehouse") // config has seen to it that there is one
}

// decode is the decoder of the warehouse's section; a relative path in it is made absolute.
func (a *app) decode(c *config.Config, node ast.Node) func(any) error {
	return func(into any) error {
		err := c.Section(node)(into)
		if p, ok := into.(interface{ Resolve(func(string) string) }); ok {
			p.Resolve(c.Path)
		}
		return err
	}
}

// yesterday is the default slot's day.
func (a *app) yesterday(loc *time.Location) time.Time { return dayBefore(a.now(), loc) }

// dayBefore is the day before that of t in loc.
func dayBefore(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d-1, 0, 0, 0, 0, time.UTC)
}
