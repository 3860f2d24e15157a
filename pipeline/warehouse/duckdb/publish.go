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
		done, err = c.publish(ctx, e, keepFrom, views, refs)
		return err
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
	if err := c.mayRun(ctx, e.Run); err != nil {
		return nil, err
	}
	if err := c.ensure(ctx, warehouse.Runs); err != nil {
		return nil, err
	}
	c.d.reached("begun")
	newer, err := c.rows(ctx, "newer date", "SELECT coalesce("+current+" > $as_of, false)", map[string]any{"as_of": frame.DayOf(e.AsOf)})
	if err != nil {
		return nil, err
	}
	history := e.Backfill || newer[0][0] == "true"
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
	if err := c.record(ctx, e); err != nil {
		return nil, err
	}
	c.d.reached("replaced")
	return done, c.forget(ctx, e.Run, keepFrom)
}

// partition returns the condition of the rows of t that run replaces.
func partition(t frame.Table, run warehouse.Run) (where string, params map[string]any, err error) {
	switch t.PartitionBy {
	case "":
		return "TRUE", nil, nil
	case "as_of":
		return "as_of = $as_of", map[string]any{"as_of": frame.DayOf(run.AsOf)}, nil
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
			for _, col := range r.Table.Columns {
				statements = append(statements, "COMMENT ON COLUMN "+view+"."+quote(col.Name)+" IS "+sql.DuckDB.Literal(sql.Description(col)))
			}
		}
	}
	return c.do(ctx, "views", statements...)
}

// namedViews renews the views that the job asked for.
func (c *conn) namedViews(ctx context.Context, views []warehouse.View) error {
	for _, v := range views {
		at := publishedName(v.Name)
		if v.Gone {
			if err := c.dropView(ctx, v); err != nil {
				return err
			}
			continue
		}
		q, err := sql.Bind(v.Query, sql.DuckDB, nil, v.Relations(func(name string) string { return "main." + quote(name) })...)
		if err != nil {
			return err
		}
		if err := c.do(ctx, "view "+v.Name, "CREATE OR REPLACE VIEW "+at+" AS "+q.Text,
			"COMMENT ON VIEW "+at+" IS "+sql.DuckDB.Literal(v.Doc)); err != nil {
			return err
		}
	}
	return nil
}

// dropView drops the view v, unless what has its name is not ours.
func (c *conn) dropView(ctx context.Context, v warehouse.View) error {
	ours, err := c.rows(ctx, "view "+v.Name, `SELECT view_name FROM duckdb_views()
		WHERE database_name = $db AND schema_name = 'main' AND view_name = $name AND comment = $doc`,
		map[string]any{"db": publishedDB, "name": v.Name, "doc": v.Doc})
	if err != nil || len(ours) == 0 {
		return err
	}
	return c.do(ctx, "drop view "+v.Name, "DROP VIEW "+publishedName(v.Name))
}

// currentDoc begins the comment of the views of the newest date, by which dated tables are known.
const currentDoc = "The newest published date of "

// datedTables returns the published tables that have a view of their newest date.
func (c *conn) datedTables(ctx context.Context) (tables []string, err error) {
	views, err := c.rows(ctx, "dated tables", `SELECT view_name FROM duckdb_views()
		WHERE database_name = $db AND schema_name = 'main' AND starts_with(comment, $doc) ORDER BY view_name`,
		map[string]any{"db": publishedDB, "doc": currentDoc})
	for _, v := range views {
		tables = append(tables, strings.TrimSuffix(v[0], "_current"))
	}
	return tables, err
}

// forget deletes the dates before keepFrom from every dated table, but neither run's date nor the current one, nor any
// after them. run is in the ledger by then.
func (c *conn) forget(ctx context.Context, run warehouse.Run, keepFrom time.Time) error {
	if keepFrom.IsZero() {
		return nil
	}
	tables, err := c.datedTables(ctx)
	if err != nil {
		return err
	}
	from := min(frame.DayOf(keepFrom), frame.DayOf(run.AsOf))
	for _, table := range tables {
		if err := c.exec(ctx, sql.Query{
			Name:   "retention of " + table,
			Text:   "DELETE FROM " + publishedName(table) + " WHERE as_of < least($keep_from, coalesce(" + current + ", $keep_from))",
			Params: map[string]any{"keep_from": from},
		}); err != nil {
			return err
		}
	}
	return nil
}

// verify counts what was published in the file, opened anew. What is not there is recorded as broken. Where the file
// cannot be read now, there is only a warning, since what was committed is published.
func (d *db) verify(ctx context.Context, e warehouse.Entry, refs []warehouse.Ref) error {
	c, err := d.session(ctx)
	if err != nil {
		d.env.Log.Warn("published, but it could not be read back", "run", e.ID, "path", d.path, "error", err)
		return nil
	}
	for _, r := range refs {
		if err = c.counted(ctx, e.Run, r); err != nil {
			break
		}
	}
	d.release(c)
	if err == nil || errors.Is(err, errClosed) {
		return nil
	}
	e.State, e.EndedAt, e.Message = warehouse.Broken, d.env.Now(), warehouse.ErrBroken.Error()+": "+err.Error()
	err = fmt.Errorf("publish %s: %w: %w; publish the date again", e.ID, warehouse.ErrBroken, err)
	if unsaid := d.Record(ctx, e); unsaid != nil {
		return fmt.Errorf("%w; the ledger does not say so: %w", err, unsaid)
	}
	return err
}

func (d *db) Record(ctx context.Context, e warehouse.Entry, refs ...warehouse.Ref) error {
	if e.State == warehouse.Published {
		return fmt.Errorf("record %s: only Publish makes a run published", e.ID)
	}
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
		if err := c.refuseStrangers(ctx, refs); err != nil {
			return err
		}
		if err := c.mayRecord(ctx, e); err != nil {
			return err
		}
		if err := c.ensure(ctx, warehouse.Runs); err != nil {
			return err
		}
		for _, r := range refs {
			if err := c.ensure(ctx, r.Table); err != nil {
				return err
			}
			if err := c.replace(ctx, e.Run, r); err != nil {
				return err
			}
		}
		if err := c.views(ctx, nil); err != nil {
			return err
		}
		return c.record(ctx, e)
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", e.ID, err)
	}
	return nil
}

// write opens the published file for writing, for as long as the transaction f takes. An error says that nothing was
// written: what fails after COMMIT is only logged. The claim's hold of the file ends here: sessions attach it anew.
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
	if d.closed.Load() {
		return errClosed
	}
	d.users = 0
	if err := d.detach(); err != nil {
		return err
	}
	if err := d.create(ctx); err != nil {
		return err
	}
	if err := d.attach(ctx, sql.DuckDB.Literal(d.path)+" AS "+publishedDB); err != nil {
		return err
	}
	err := d.control.transaction(ctx, func() error { return f(d.control) })
	if err == nil {
		d.reached("committed")
		if err := d.control.do(context.Background(), "checkpoint", "CHECKPOINT "+publishedDB); err != nil {
			d.env.Log.Warn("written, but not yet moved from the log into the file, which readers do not notice", "path", d.path, "error", err)
		}
	}
	if err := d.detach(); err != nil {
		d.env.Log.Warn("the warehouse's file stays open", "path", d.path, "error", err)
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
	if err := makePrivate(d.staging); err != nil {
		return err
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
