package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"segments/pipeline"
	"segments/pipeline/config"
	"segments/pipeline/steps"
	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
)

// open reads the configuration and makes the job of it.
func (a *app) open(ctx context.Context, readOnly bool) (*pipeline.Job, *config.Config, error) {
	c, err := config.Load(a.configFile)
	if err != nil {
		return nil, nil, err
	}
	a.config = c
	j, err := a.job(c)
	if err != nil {
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
	v := c.Validation
	f := steps.Forecast()
	j := &pipeline.Job{
		Name: c.Name, Location: c.Location(), Sources: c.SQLSources(), Forecast: &f, CoreSegment: steps.CoreSegment(),
		HorizonDays: int(v.Horizon), Origins: v.Origins,
		Gate:     validation.Gate{MinAUCLower: v.Gate.MinAUCLower, MinConverters: v.Gate.MinConverters},
		Currency: c.Currency.Code, Rates: c.Currency.Rates,
		MaxRejected: c.Quality.MaxRejected, MaxAnonymous: c.Quality.MaxAnonymous, MinGroup: c.Privacy.MinGroup,
		RetentionDays: int(c.Outputs.Retention), Freshness: c.FreshnessDays(), FreshnessWait: time.Duration(c.Freshness.Wait),
		Now: a.now, Log: a.logger(), CodeVersion: codeVersion(),
	}
	if err := j.Gate.Check(); err != nil {
		field, rest, _ := strings.Cut(err.Error(), ":")
		return nil, c.Errorf("validation.gate."+field, "%s", strings.TrimSpace(rest))
	}
	known := map[string]bool{}
	j.Steps = steps.All()
	for _, t := range j.Steps {
		if err := c.Section(c.Transforms[t.Name])(t.Estimator); err != nil {
			return nil, err
		}
		if _, err := t.Estimator.Signature(); err != nil {
			field, rest, _ := strings.Cut(err.Error(), ":")
			return nil, c.Errorf("transforms."+t.Name+"."+field, "%s", strings.TrimSpace(rest))
		}
		known[t.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(c.Transforms)) {
		if !known[name] {
			return nil, c.Errorf("transforms."+name, "there is no such transform; there are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	digest, err := json.Marshal([]any{c.Validation, c.Currency, c.Quality, c.Privacy, c.Outputs})
	j.ConfigDigest = digest
	return j, err
}

// warehouse opens the configured warehouse.
func (a *app) warehouse(ctx context.Context, c *config.Config, readOnly bool) (warehouse.Warehouse, error) {
	for name, node := range c.Warehouse {
		w, ok := warehouses[name]
		if !ok {
			return nil, c.Errorf("warehouse."+name, "there is no such warehouse; there are %s", strings.Join(slices.Sorted(maps.Keys(warehouses)), ", "))
		}
		opened, err := w.open(ctx, warehouse.Env{Now: a.now, Log: a.logger(), ReadOnly: readOnly}, a.decode(c, node))
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
		if err := c.Section(node)(into); err != nil {
			return err
		}
		if p, ok := into.(interface{ Resolve(func(string) string) }); ok {
			p.Resolve(c.Path)
		}
		return nil
	}
}

// yesterday is the default slot's day.
func (a *app) yesterday(loc *time.Location) time.Time { return dayBefore(a.now(), loc) }

// dayBefore is the day before that of t in loc.
func dayBefore(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d-1, 0, 0, 0, 0, time.UTC)
}
