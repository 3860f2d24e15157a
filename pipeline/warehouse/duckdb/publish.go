package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// storage is the version of new files. From it on, a log left behind by the writer of another file is refused instead
// of replayed.
const storage = "STORAGE_VERSION 'v1.4.0'"

func (d *db) Publish(ctx context.Context, e warehouse.Entry, keepFrom time.Time, views []warehouse.View, refs ...warehouse.Ref) error {
	held, err := d.claimed()
	if err != nil {
		return err
	}
	if held.run.ID != e.ID {
		return fmt.Errorf("publish %s: the claim is that of %s", e.ID, held.run.ID)
	}
	e.State = warehouse.Published
	var done []warehouse.Ref
	if err := d.write(ctx, func(c *conn) error {
		if err := c.transaction(ctx, func() error {
			done, err = c.publish(ctx, e, keepFrom, views, refs)
			return err
		}); err != nil {
			return err
		}
		d.reached("committed")
		return c.checkpoint()
	}); err != nil {
		return fmt.Errorf("publish %s: %w", e.ID, err)
	}
	d.reached("checkpointed")
	return d.verify(context.WithoutCancel(ctx), e, done)
}

// publish is what the transaction of a publish does. It returns the tables whose rows it replaced.
func (c *conn) publish(
	ctx context.Context, e warehouse.Entry, keepFrom time.Time, views []warehouse.View, refs []warehouse.Ref,
) ([]warehouse.Ref, error) {
	if err := c.refuseStrangers(ctx, refs); err != nil {
		return nil, err
	}
	if err := c.mayRun(ctx, e.Run, true); err != nil {
		return nil, err
	}
	if err := c.ensure(ctx, warehouse.Runs); err != nil {
		return nil, err
	}
	c.d.reached("begun")
	newer, err := c.rows(ctx, "newer dates", "SELECT count(*) FROM "+latest+
		" WHERE state = 'PUBLISHED' AND NOT backfill AND as_of > $as_of", map[string]any{"as_of": arrow.Date32FromTime(e.AsOf)})
	if err != nil {
		return nil, err
	}
	history := e.Backfill || newer[0][0] != "0"
	var done []warehouse.Ref
	for _, r := range refs {
		if err := c.ensure(ctx, r.Table); err != nil {
			return nil, err
		}
		if r.Table.PartitionBy == "" && history {
			continue
		}
		if err := c.replace(ctx, e.Run, r); err != nil {
			return nil, err
		}
		done = append(done, r)
	}
	if err := errors.Join(c.views(ctx, refs), c.namedViews(ctx, views)); err != nil {
		return nil, err
	}
	if err := c.forget(ctx, keepFrom); err != nil {
		return nil, err
	}
	c.d.reached("replaced")
	return done, c.record(ctx, e)
}

// partition returns the condition of the rows of t that run replaces.
func partition(t frame.Table, run warehouse.Run) (where string, params map[string]any, err error) {
	switch t.PartitionBy {
	case "":
		return "TRUE", nil, nil
	case "as_of":
		return "as_of = $as_of", map[string]any{"as_of": arrow.Date32FromTime(run.AsOf)}, nil
	case "run_id":
		return "run_id = $run_id", map[string]any{"run_id": run.ID}, nil
	}
	return "", nil, fmt.Errorf("table %s: partitioned by %q, want as_of, run_id or nothing", t.Name, t.PartitionBy)
}

// replace puts the rows of r in the place of those that run has published before.
func (c *conn) replace(ctx context.Context, run warehouse.Run, r warehouse.Ref) error {
	where, params, err := partition(r.Table, run)
	if err != nil {
		return err
	}
	at := publishedName(r.Table.Name)
	old := sql.Query{Name: "replace " + r.Table.Name, Text: "DELETE FROM " + at + " WHERE " + where, Params: params}
	if err := c.exec(ctx, old); err != nil {
		return err
	}
	cols := names(r.Table.Columns)
	if err := c.do(ctx, "publish "+r.Table.Name, "INSERT INTO "+at+" ("+cols+") SELECT "+cols+" FROM "+r.Name); err != nil {
		return err
	}
	return c.counted(ctx, run, r)
}

// counted fails where the published rows of run are not as many as r has.
func (c *conn) counted(ctx context.Context, run warehouse.Run, r warehouse.Ref) error {
	where, params, err := partition(r.Table, run)
	if err != nil {
		return err
	}
	rows, err := c.rows(ctx, "count "+r.Table.Name, "SELECT count(*) FROM "+publishedName(r.Table.Name)+" WHERE "+where, params)
	if err != nil {
		return err
	}
	if n := rows[0][0]; r.Rows >= 0 && n != strconv.FormatInt(r.Rows, 10) {
		return fmt.Errorf("%w: %s has %s rows of this run, want %d", warehouse.ErrBadData, r.Table.Name, n, r.Rows)
	}
	return nil
}

// views renews the view of the latest events, and of each dated table that of its newest date.
func (c *conn) views(ctx context.Context, refs []warehouse.Ref) error {
	runs := publishedName("runs")
	statements := []string{
		"CREATE OR REPLACE VIEW " + runs + " AS " + runsOf("main."+warehouse.Runs.Name),
		"COMMENT ON VIEW " + runs + " IS 'The latest event of each run.'",
	}
	for _, r := range refs {
		if r.Table.PartitionBy == "as_of" {
			view := publishedName(r.Table.Name + "_current")
			statements = append(statements,
				"CREATE OR REPLACE VIEW "+view+" AS SELECT * FROM main."+quote(r.Table.Name)+
					" WHERE as_of = (SELECT max(as_of) FROM main.runs WHERE state = 'PUBLISHED' AND NOT backfill)",
				"COMMENT ON VIEW "+view+" IS "+sql.DuckDB.Literal(currentDoc+r.Table.Name+"."))
		}
	}
	return c.do(ctx, "views", statements...)
}

// namedViews renews the views that the job asked for.
func (c *conn) namedViews(ctx context.Context, views []warehouse.View) error {
	for _, v := range views {
		var reads []sql.Relation
		for _, name := range v.Reads {
			reads = append(reads, sql.Relation{Name: name, Select: "SELECT * FROM main." + quote(name)})
		}
		q, err := sql.Bind(v.Query, sql.DuckDB, nil, reads...)
		if err != nil {
			return err
		}
		at := publishedName(v.Name)
		if err := c.do(ctx, "view "+v.Name, "CREATE OR REPLACE VIEW "+at+" AS "+q.Text,
			"COMMENT ON VIEW "+at+" IS "+sql.DuckDB.Literal(v.Doc)); err != nil {
			return err
		}
	}
	return nil
}

// currentDoc begins the comment of the views of the newest date, by which dated tables are known.
const currentDoc = "The newest published date of "

// forget deletes the dates before keepFrom from every dated table.
func (c *conn) forget(ctx context.Context, keepFrom time.Time) error {
	if keepFrom.IsZero() {
		return nil
	}
	views, err := c.rows(ctx, "dated tables", `SELECT view_name FROM duckdb_views()
		WHERE database_name = $db AND schema_name = 'main' AND starts_with(comment, $doc)`,
		map[string]any{"db": publishedDB, "doc": currentDoc})
	if err != nil {
		return err
	}
	for _, v := range views {
		table := strings.TrimSuffix(v[0], "_current")
		if err := c.exec(ctx, sql.Query{
			Name: "retention of " + table, Text: "DELETE FROM " + publishedName(table) + " WHERE as_of < $keep_from",
			Params: map[string]any{"keep_from": arrow.Date32FromTime(keepFrom)},
		}); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint moves what is committed from the log into the file. Where it fails, readers see the log's content all the same.
func (c *conn) checkpoint() error {
	if err := c.do(context.Background(), "checkpoint", "CHECKPOINT "+publishedDB); err != nil {
		c.d.env.Log.Warn("published, but not yet moved from the log into the file", "path", c.d.path, "error", err)
	}
	return nil
}

// verify counts what was published in the file, opened anew. What is not there is recorded as broken.
func (d *db) verify(ctx context.Context, e warehouse.Entry, refs []warehouse.Ref) error {
	c, err := d.session(ctx)
	if err != nil {
		return fmt.Errorf("publish %s: published, but it could not be read back: %w", e.ID, err)
	}
	var bad []error
	for _, r := range refs {
		bad = append(bad, c.counted(ctx, e.Run, r))
	}
	d.release(c)
	if err = errors.Join(bad...); err == nil {
		return nil
	}
	e.State, e.EndedAt = warehouse.Broken, d.env.Now()
	e.Message = "what was read back is not what was written: " + err.Error()
	return fmt.Errorf("publish %s: %s; publish the date again: %w", e.ID, e.Message, errors.Join(err, d.Record(ctx, e)))
}

func (d *db) Record(ctx context.Context, e warehouse.Entry, refs ...warehouse.Ref) error {
	if _, err := d.claimed(); err != nil { // a run that never came to work writes under a lock of its own
		lock, err := d.lockFile()
		if err != nil {
			return fmt.Errorf("record %s: %w", e.ID, err)
		}
		defer lock.release() //nolint:errcheck // the kernel takes it back anyway
	}
	for _, r := range refs {
		if r.Table.PartitionBy != "run_id" {
			return fmt.Errorf("record %s: table %s is partitioned by %q, want run_id", e.ID, r.Table.Name, r.Table.PartitionBy)
		}
	}
	err := d.write(ctx, func(c *conn) error {
		if err := c.transaction(ctx, func() error {
			if err := errors.Join(c.refuseStrangers(ctx, refs), c.mayRun(ctx, e.Run, false), c.ensure(ctx, warehouse.Runs)); err != nil {
				return err
			}
			for _, r := range refs {
				if err := errors.Join(c.ensure(ctx, r.Table), c.replace(ctx, e.Run, r)); err != nil {
					return err
				}
			}
			return errors.Join(c.views(ctx, nil), c.record(ctx, e))
		}); err != nil {
			return err
		}
		return c.checkpoint()
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", e.ID, err)
	}
	return nil
}

// write opens the published file for writing, for as long as f takes.
func (d *db) write(ctx context.Context, f func(*conn) error) error {
	wait, cancel := context.WithTimeout(ctx, d.lockWait)
	defer cancel()
	if d.gate.Acquire(wait, all) != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: streams or writers of this run were still open after %s", warehouse.ErrTemporary, d.lockWait)
	}
	defer d.gate.Release(all)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errClosed
	}
	if err := d.detach(); err != nil {
		return err
	}
	err := d.create(ctx)
	if err == nil {
		if err = d.attach(ctx, sql.DuckDB.Literal(d.path)+" AS "+publishedDB); err == nil {
			err = f(d.control)
			err = errors.Join(err, d.detach())
		}
	}
	if d.users > 0 { // the claim's hold
		d.users--
		err = errors.Join(err, d.retain(context.WithoutCancel(ctx)))
	}
	return err
}

// create makes the published file where there is none: beside its place first, since a program that dies while DuckDB
// makes a file leaves one that no program can open.
func (d *db) create(ctx context.Context) error {
	if _, err := os.Stat(d.path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(d.path + ".wal"); err == nil {
		return fmt.Errorf("%s.wal is there without its database file; bring the file back, or remove the .wal", d.path)
	}
	if err := os.MkdirAll(d.staging, 0o755); err != nil {
		return fmt.Errorf("%w: %w", warehouse.ErrPermission, err)
	}
	file := filepath.Join(d.staging, "new.duckdb")
	if err := removeDatabase(file); err != nil {
		return err
	}
	if err := d.attach(ctx, sql.DuckDB.Literal(file)+" AS "+publishedDB+" ("+storage+")"); err != nil {
		return err
	}
	if err := d.detach(); err != nil {
		return err
	}
	return os.Rename(file, d.path)
}
