package bigquery

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	bq "cloud.google.com/go/bigquery"
	"golang.org/x/sync/errgroup"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/sql"
)

const (
	mostStay = 7 * 24 * time.Hour        // how long staged tables may stay at most
	dropTime = 10 * time.Second          // for removing a table
	leaseDoc = "The run at work. Lease " // begins the description of the lease's table; its nonce follows
)

// A claim is what a run holds from Claim to Close.
type claim struct {
	run   warehouse.Run
	nonce string
	seen  ledger        // as the claim found it, and what was added to it since
	stop  func()        // stops renewing the lease
	ended chan struct{} // closed when nobody renews it any more
	once  sync.Once
	lost  atomic.Bool // another run has the lease
	kept  []string    // staged tables that stay; db.mu guards it
}

// key is that of the claim's jobs.
func (c *claim) key() string { return c.run.ID + " " + c.nonce }

var runID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]*$`)

func (d *db) Claim(ctx context.Context, run warehouse.Run) (err error) {
	defer func() { err = d.permit(err) }()
	if !runID.MatchString(run.ID) {
		return fmt.Errorf("claim: %q is no run id: want letters, digits, dots, _ and -", run.ID)
	}
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := d.datasets(ctx); err != nil {
		return err
	}
	c, err := d.lease(ctx, run)
	if err != nil {
		return fmt.Errorf("claim %s: %w", run.ID, err)
	}
	if c.seen, err = d.ledger(ctx); err == nil {
		err = d.mayRun(ctx, c.seen, run)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("claim %s: %w", run.ID, err), d.freed(c))
	}
	d.mu.Lock()
	d.claim = c
	d.mu.Unlock()
	return nil
}

// datasets checks the two data sets: that they are there, in the right place, and that what is staged expires.
func (d *db) datasets(ctx context.Context) error {
	for _, s := range []struct {
		dataset
		key string
	}{{d.output, "dataset"}, {d.staging, "staging_dataset"}} {
		md, err := d.call.Dataset(ctx, d.bq.DatasetInProject(s.project, s.name))
		if errors.Is(err, warehouse.ErrNotFound) {
			options := ""
			if s.key == "staging_dataset" {
				options = " --default_table_expiration=86400"
			}
			return fmt.Errorf("%w: warehouse.bigquery.%s: there is no data set %s; make it: bq --location=%s mk%s --dataset %s",
				warehouse.ErrUnusable, s.key, s.ID(), d.Location, options, s.ID())
		}
		if err != nil {
			return err
		}
		if !strings.EqualFold(md.Location, d.Location) {
			return fmt.Errorf("%w: warehouse.bigquery.location: %s is in %s, the configuration says %s", warehouse.ErrUnusable, s.ID(), md.Location, d.Location)
		}
		if stay := md.DefaultTableExpiration; s.key == "staging_dataset" && (stay <= 0 || stay > mostStay) {
			return fmt.Errorf("%w: warehouse.bigquery.staging_dataset: tables in %s do not expire within 7 days; let them: "+
				"bq update --default_table_expiration=86400 %s", warehouse.ErrUnusable, s.ID(), s.ID())
		}
		if s.key == "dataset" && (md.DefaultTableExpiration > 0 || md.DefaultPartitionExpiration > 0) {
			return fmt.Errorf("%w: warehouse.bigquery.dataset: tables or partitions in %s expire by default, and with them what is published; "+
				"bq update --default_table_expiration=0 --default_partition_expiration=0 %s", warehouse.ErrUnusable, s.ID(), s.ID())
		}
	}
	return nil
}

// lease takes the lease of the output data set for run, or fails with ErrBusy, and renews it until it is given back.
func (d *db) lease(ctx context.Context, run warehouse.Run) (*claim, error) {
	c := &claim{run: run, nonce: nonce(), ended: make(chan struct{})}
	clock, err := d.serverClock(ctx)
	if err != nil {
		return nil, err
	}
	at, doc := d.leaseTable(), leaseDoc+c.nonce+", run "+run.ID
	err = d.call.Create(ctx, at, &bq.TableMetadata{
		Description: doc, ExpirationTime: clock().Add(d.leaseTime), Schema: leaseSchema(),
	})
	if errors.Is(err, call.ErrExists) {
		err = d.inherit(ctx, at, doc, clock())
	}
	if err != nil && (ctx.Err() != nil || errors.Is(err, warehouse.ErrTemporary)) { // it may have it all the same
		c.stop = func() { close(c.ended) }
		_ = d.freed(c) // it ends by itself
	}
	if err != nil {
		return nil, err
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	go func() {
		defer close(c.ended)
		d.renew(renewing, at, doc, clock, &c.lost)
	}()
	return c, nil
}

// leaseSchema is that of a table that only has to be there.
func leaseSchema() bq.Schema { return bq.Schema{{Name: "nothing", Type: bq.BooleanFieldType}} }

func (d *db) leaseTable() *bq.Table { return d.stagingTable(d.prefix() + "claim") }

// serverClock returns a clock that goes like the server's: leases are compared across machines.
func (d *db) serverClock(ctx context.Context) (func() time.Time, error) {
	dry, err := d.dryRun(ctx, sql.Query{Name: "clock", Text: "SELECT 1"})
	if err != nil {
		return nil, err
	}
	began := time.Now()
	return func() time.Time { return dry.At.Add(time.Since(began)) }, nil
}

// inherit takes a lease over that has ended without being given back.
func (d *db) inherit(ctx context.Context, at *bq.Table, doc string, now time.Time) error {
	md, err := d.call.Table(ctx, at)
	if errors.Is(err, warehouse.ErrNotFound) {
		return fmt.Errorf("%w: the lease has just been given back", warehouse.ErrBusy)
	}
	if err != nil {
		return err
	}
	if md.ExpirationTime.After(now) {
		return fmt.Errorf("%w: %s (lease until %s)", warehouse.ErrBusy, strings.TrimPrefix(md.Description, leaseDoc), md.ExpirationTime.UTC().Format(time.TimeOnly))
	}
	_, err = d.call.Update(ctx, at, bq.TableMetadataToUpdate{Description: doc, ExpirationTime: now.Add(d.leaseTime)}, md.ETag)
	if errors.Is(err, call.ErrChanged) || errors.Is(err, warehouse.ErrNotFound) {
		return fmt.Errorf("%w: it has just taken an old lease over", warehouse.ErrBusy)
	}
	return err
}

// renew renews the lease until ctx ends. When another run has it, it notes that as lost: then nothing more is staged. A
// publish that is at work goes on, and finds out by the ledger whether that matters.
func (d *db) renew(ctx context.Context, at *bq.Table, doc string, clock func() time.Time, lost *atomic.Bool) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(d.leaseTime / 4):
		}
		md, err := d.call.Table(ctx, at)
		switch {
		case errors.Is(err, warehouse.ErrNotFound): // it has ended, and nobody has it
			err = d.call.Create(ctx, at, &bq.TableMetadata{Description: doc, ExpirationTime: clock().Add(d.leaseTime), Schema: leaseSchema()})
		case err == nil && md.Description != doc:
			lost.Store(true)
			err = errors.New("another run has it")
		case err == nil:
			_, err = d.call.Update(ctx, at, bq.TableMetadataToUpdate{Description: doc, ExpirationTime: clock().Add(d.leaseTime)}, md.ETag)
		}
		if err != nil && ctx.Err() == nil {
			d.env.Log.Warn("the lease was not renewed", "table", at.TableID, "error", err)
		}
	}
}

// freed gives back what was leased in vain.
func (d *db) freed(c *claim) error {
	ctx, cancel := context.WithTimeout(context.Background(), dropTime)
	defer cancel()
	return d.release(ctx, c)
}

// release removes what the claim staged, and then gives its lease back.
func (d *db) release(ctx context.Context, c *claim) error {
	c.once.Do(func() { c.stop(); <-c.ended })
	d.mu.Lock()
	kept := c.kept
	d.mu.Unlock()
	names, err := d.call.Tables(ctx, d.bq.DatasetInProject(d.staging.project, d.staging.name))
	if err == nil {
		err = d.remove(ctx, names, func(name string) bool {
			return strings.HasPrefix(name, d.prefix()+c.nonce+"_") && !slices.Contains(kept, name)
		})
	}
	at := d.leaseTable()
	md, e := d.call.Table(ctx, at)
	if errors.Is(e, warehouse.ErrNotFound) || e == nil && !strings.HasPrefix(md.Description, leaseDoc+c.nonce) {
		return err // it has ended already
	}
	if e == nil {
		e = d.call.Delete(ctx, at)
	}
	return errors.Join(err, e)
}

// remove deletes those of the staging tables called names that are to go.
func (d *db) remove(ctx context.Context, names []string, goes func(name string) bool) error {
	var group errgroup.Group
	group.SetLimit(8)
	for _, name := range names {
		if goes(name) {
			group.Go(func() error { return d.call.Delete(ctx, d.stagingTable(name)) })
		}
	}
	return group.Wait()
}

// Sweep takes the lease for as long as it takes, so that it removes nothing of a run at work.
func (d *db) Sweep(ctx context.Context) (err error) {
	defer func() { err = d.permit(err) }()
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return err
	}
	defer end()
	c, err := d.claimed()
	if err != nil {
		if c, err = d.lease(ctx, warehouse.Run{ID: "sweep"}); err != nil {
			if errors.Is(err, warehouse.ErrBusy) {
				return nil // whoever is at work sweeps
			}
			return err
		}
		defer func() { _ = d.freed(c) }() // it ends by itself
	}
	names, err := d.call.Tables(ctx, d.bq.DatasetInProject(d.staging.project, d.staging.name))
	if err != nil {
		return err
	}
	stay, err := d.staying(ctx, names, c.run.AsOf)
	if err != nil {
		return err
	}
	return d.remove(ctx, names, func(name string) bool {
		return strings.HasPrefix(name, d.prefix()) && name != d.leaseTable().TableID && !stay[name] &&
			!strings.HasPrefix(name, d.prefix()+c.nonce+"_") && !strings.Contains(name, "_scan_")
	})
}

// working returns the claim, unless another run has taken its lease over.
func (d *db) working() (*claim, error) {
	c, err := d.claimed()
	if err == nil && c.lost.Load() {
		return nil, fmt.Errorf("%w: it has taken over the lease of %s, which had ended", warehouse.ErrBusy, c.run.ID)
	}
	return c, err
}

// claimed returns the claim.
func (d *db) claimed() (*claim, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.claim == nil {
		return nil, errors.New("bigquery: nothing is claimed")
	}
	return d.claim, nil
}
