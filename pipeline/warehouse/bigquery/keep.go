package bigquery

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"
	"golang.org/x/sync/errgroup"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// What is kept of a run are its staged tables themselves, until they expire. That they are kept says a table beside them,
// segments_HASH_DATASET_NONCE_kept, whose description names the run and the tables by what follows the nonce.
const (
	keptSuffix = "_kept"
	keptDoc    = "Kept of run " // begins the description; run, a colon and the tables follow
)

// A keeping is what such a description says.
type keeping struct {
	marker string // the table with the description
	run    string
	tables []string // the names of the tables in the staging data set
	until  time.Time
}

// Keep writes down which of the run's tables stay.
func (d *db) Keep(ctx context.Context, refs ...warehouse.Ref) (_ warehouse.Kept, err error) {
	defer func() { err = d.permit(err) }()
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return warehouse.Kept{}, err
	}
	defer end()
	c, err := d.working()
	if err != nil {
		return warehouse.Kept{}, err
	}
	if len(refs) == 0 {
		return warehouse.Kept{}, nil
	}
	own := d.prefix() + c.nonce
	var names, short []string
	for _, r := range refs {
		name := r.Name[strings.LastIndex(strings.TrimSuffix(r.Name, "`"), "`")+1 : len(r.Name)-1]
		names, short = append(names, name), append(short, strings.TrimPrefix(name, own+"_"))
	}
	md, err := d.call.Table(ctx, d.stagingTable(names[0])) // which was staged first and goes first
	if err != nil {
		return warehouse.Kept{}, err
	}
	k := keeping{marker: own + keptSuffix, run: c.run.ID, tables: names, until: md.ExpirationTime}
	if err := d.call.Create(ctx, d.stagingTable(k.marker), &bq.TableMetadata{
		Description: keptDoc + k.run + ": " + strings.Join(short, " "), ExpirationTime: k.until, Schema: leaseSchema(),
	}); err != nil {
		return warehouse.Kept{}, fmt.Errorf("keep %s: %w", k.run, err)
	}
	d.mu.Lock()
	c.kept = append(names, k.marker)
	d.mu.Unlock()
	return warehouse.Kept{Tables: refs, Until: k.until}, nil
}

// keepings are those that names, the tables of the staging data set, tell of.
func (d *db) keepings(ctx context.Context, names []string) ([]keeping, error) {
	marker := regexp.MustCompile("^" + regexp.QuoteMeta(d.prefix()) + "[0-9a-f]{12}" + keptSuffix + "$")
	var out []keeping
	for _, name := range names {
		if !marker.MatchString(name) {
			continue
		}
		md, err := d.call.Table(ctx, d.stagingTable(name))
		if errors.Is(err, warehouse.ErrNotFound) {
			continue // it has just expired
		}
		if err != nil {
			return nil, err
		}
		said, ok := strings.CutPrefix(md.Description, keptDoc)
		if !ok {
			continue
		}
		k := keeping{marker: name, until: md.ExpirationTime}
		run, tables, _ := strings.Cut(said, ": ")
		k.run = run
		for _, t := range strings.Fields(tables) {
			k.tables = append(k.tables, strings.TrimSuffix(name, keptSuffix)+"_"+t)
		}
		out = append(out, k)
	}
	return out, nil
}

// staying are the tables among names that Sweep leaves, to a run of the date asOf: what is kept of other dates.
func (d *db) staying(ctx context.Context, names []string, asOf time.Time) (map[string]bool, error) {
	all, err := d.keepings(ctx, names)
	if err != nil {
		return nil, err
	}
	stay := map[string]bool{}
	for _, k := range all {
		if !asOf.IsZero() && strings.HasPrefix(k.run, asOf.Format(time.DateOnly)+"-") {
			continue
		}
		for _, name := range append(k.tables, k.marker) {
			stay[name] = true
		}
	}
	return stay, nil
}

// Kept looks for the tables that are still there.
func (d *db) Kept(ctx context.Context, id string, tables ...frame.Table) (_ warehouse.Kept, err error) {
	defer func() { err = d.permit(err) }()
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return warehouse.Kept{}, err
	}
	defer end()
	names, err := d.call.Tables(ctx, d.bq.DatasetInProject(d.staging.project, d.staging.name))
	if errors.Is(err, warehouse.ErrNotFound) {
		return warehouse.Kept{}, nil
	}
	if err != nil {
		return warehouse.Kept{}, err
	}
	all, err := d.keepings(ctx, names)
	at := slices.IndexFunc(all, func(k keeping) bool { return k.run == id })
	if err != nil || at < 0 {
		return warehouse.Kept{}, err
	}
	k, out := all[at], warehouse.Kept{Until: all[at].until}
	found := make([]*warehouse.Ref, len(tables))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, t := range tables {
		numbered := regexp.MustCompile("_[0-9]+_" + regexp.QuoteMeta(t.Name) + "$")
		j := slices.IndexFunc(k.tables, numbered.MatchString)
		if j < 0 || !slices.Contains(names, k.tables[j]) {
			continue
		}
		group.Go(func() (err error) {
			found[i], err = d.keptTable(inner, k.tables[j], t)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return warehouse.Kept{}, err
	}
	for _, ref := range found {
		if ref != nil {
			out.Tables = append(out.Tables, *ref)
		}
	}
	return out, nil
}

// keptTable is the staged table called name as t; nil where it is no longer there, or has not all of t's columns.
func (d *db) keptTable(ctx context.Context, name string, t frame.Table) (*warehouse.Ref, error) {
	at := d.stagingTable(name)
	md, err := d.call.Table(ctx, at)
	if err != nil {
		return nil, unlessMissing(err)
	}
	for _, c := range t.Columns {
		f := field(md.Schema, c.Name)
		if f == nil {
			return nil, nil
		}
		if _, native := typeOf(f); native != sql.BigQuery.Type(c.Kind) {
			return nil, nil
		}
	}
	ref := d.staged(at, t, int64(md.NumRows))
	return &ref, nil
}
