package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// What is kept of a run is a file of its own, kept-RUN.duckdb in the folder of staging: it has the outputs alone, without
// what was staged of the sources.
const (
	keptDB     = "segments_kept" // attached under this name and that of the run: two of them can be read side by side
	keptPrefix = "kept-"
	keptSuffix = ".duckdb"
)

// roomFactor is how much room there must be on the disk, by the size of a kept file: with less, the next run needs it more.
const roomFactor = 4

func (d *db) keptFile(run string) string { return filepath.Join(d.staging, keptPrefix+run+keptSuffix) }

// Keep copies the tables into a file beside the one of staging, and gives it its name when it is whole.
func (d *db) Keep(ctx context.Context, refs ...warehouse.Ref) (warehouse.Kept, error) {
	held, err := d.claimed()
	if err != nil {
		return warehouse.Kept{}, err
	}
	fail := func(err error) (warehouse.Kept, error) {
		return warehouse.Kept{}, fmt.Errorf("keep %s: %w", held.run.ID, err)
	}
	making := filepath.Join(d.staging, "keeping"+keptSuffix)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed.Load() {
		return fail(errClosed)
	}
	if err := removeDatabase(making); err != nil {
		return fail(err)
	}
	if err := d.control.copied(ctx, making, held.run.ID, refs); err != nil {
		return fail(errors.Join(err, removeDatabase(making)))
	}
	file := d.keptFile(held.run.ID)
	if err := os.Rename(making, file); err != nil {
		return fail(errors.Join(err, removeDatabase(making)))
	}
	info, err := os.Stat(file)
	if err != nil {
		return fail(err)
	}
	return warehouse.Kept{Tables: refs, Until: info.ModTime().Add(warehouse.KeptFor), Bytes: info.Size()}, nil
}

// copied makes the database file of the staged tables refs of the run.
func (c *conn) copied(ctx context.Context, file, run string, refs []warehouse.Ref) error {
	if err := c.do(ctx, "attach", "ATTACH "+sql.DuckDB.Literal(file)+" AS "+quote(keptAs(run))+" ("+storage+")"); err != nil {
		return err
	}
	var err error
	for _, r := range refs {
		if err = c.do(ctx, "keep "+r.Table.Name,
			"CREATE TABLE "+keptName(run, r.Table.Name)+" AS SELECT "+names(r.Table.Columns)+" FROM "+r.Name); err != nil {
			break
		}
	}
	return errors.Join(err, c.do(context.WithoutCancel(ctx), "detach", "DETACH "+quote(keptAs(run))))
}

func keptAs(run string) string { return keptDB + "_" + run }

func keptName(run, table string) string { return quote(keptAs(run)) + `."main".` + quote(table) }

// Kept attaches the file of the run.
func (d *db) Kept(ctx context.Context, id string, tables ...frame.Table) (warehouse.Kept, error) {
	if !runID.MatchString(id) {
		return warehouse.Kept{}, nil
	}
	info, err := os.Stat(d.keptFile(id))
	if errors.Is(err, fs.ErrNotExist) {
		return warehouse.Kept{}, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return warehouse.Kept{}, fmt.Errorf("%w: %w", warehouse.ErrPermission, err)
	}
	if err != nil {
		return warehouse.Kept{}, err
	}
	out := warehouse.Kept{Until: info.ModTime().Add(warehouse.KeptFor), Bytes: info.Size()}
	if !time.Now().Before(out.Until) { // the next run removes it
		return warehouse.Kept{}, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed.Load() {
		return warehouse.Kept{}, errClosed
	}
	fail := func(err error) (warehouse.Kept, error) {
		return warehouse.Kept{}, fmt.Errorf("what is kept of %s: %w", id, err)
	}
	if err := d.control.do(ctx, "detach", "DETACH DATABASE IF EXISTS "+quote(keptAs(id)),
		"ATTACH "+sql.DuckDB.Literal(d.keptFile(id))+" AS "+quote(keptAs(id))+" (READ_ONLY)"); err != nil {
		if ctx.Err() != nil || errors.Is(err, warehouse.ErrTemporary) {
			return fail(err)
		}
		d.env.Log.Warn("what was kept of a rejected run cannot be read", "run", id, "error", err)
		return warehouse.Kept{}, nil
	}
	rows, err := d.control.rows(ctx, "kept tables", "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = $db",
		map[string]any{"db": keptAs(id)})
	if err != nil {
		return fail(err)
	}
	has := map[string]bool{}
	for _, r := range rows {
		has[strings.Join(r, "\x00")] = true
	}
	for _, t := range tables {
		whole := !slices.ContainsFunc(t.Columns, func(c frame.Column) bool {
			return !has[strings.Join([]string{t.Name, c.Name, sql.DuckDB.Type(c.Kind)}, "\x00")]
		})
		if whole {
			out.Tables = append(out.Tables, warehouse.Ref{Name: keptName(id, t.Name), Table: t, Rows: -1})
		}
	}
	return out, nil
}

// stays says whether Sweep leaves the entry of the folder of staging, to a run of the date asOf: a kept file that is not too
// old, of another date, while there is room on the disk.
func (d *db) stays(e fs.DirEntry, asOf time.Time) bool {
	run, ok := strings.CutPrefix(e.Name(), keptPrefix)
	if !ok || !strings.HasSuffix(run, keptSuffix) || !asOf.IsZero() && strings.HasPrefix(run, asOf.Format(time.DateOnly)+"-") {
		return false
	}
	info, err := e.Info()
	if err != nil || time.Since(info.ModTime()) >= warehouse.KeptFor {
		return false
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(d.staging, &disk); err != nil {
		return true
	}
	room := disk.Bavail * uint64(disk.Bsize)
	if room >= roomFactor*uint64(info.Size()) {
		return true
	}
	d.env.Log.Warn("what was kept of a rejected run goes: the disk is nearly full", "run", strings.TrimSuffix(run, keptSuffix), "free_bytes", room)
	return false
}
