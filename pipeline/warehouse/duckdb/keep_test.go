package duckdb

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// keepOne rejects a run that has staged one row, keeps that, and returns the file that it is kept in.
func keepOne(t *testing.T, path string, run warehouse.Run) (file string, table frame.Table) {
	t.Helper()
	d := openAt(t, path)
	table = frame.Table{Name: "kept_rows", Key: []string{"n"}, Columns: []frame.Column{frame.Int64("n", "A number.").Column}}
	check(t, d.Claim(t.Context(), run))
	ref, err := d.Materialize(t.Context(), table, sql.Query{Name: "one", Text: "SELECT 7 AS n"})
	check(t, err)
	_, err = d.Materialize(t.Context(), frame.Table{Name: "sources", Columns: table.Columns}, sql.Query{Name: "one", Text: "SELECT 8 AS n"})
	check(t, err)
	kept, err := d.Keep(t.Context(), ref)
	check(t, err)
	check(t, d.Close())
	s, err := os.Stat(d.keptFile(run.ID))
	check(t, err)
	if kept.Bytes != s.Size() || s.Size() == 0 {
		t.Errorf("%d bytes are said to be kept, the file has %d", kept.Bytes, s.Size())
	}
	folder, err := os.Stat(d.staging)
	check(t, err)
	if folder.Mode().Perm() != 0o700 {
		t.Errorf("the folder of what is kept is %v", folder.Mode())
	}
	return d.keptFile(run.ID), table
}

// What is kept goes after a week, with the next run of anybody; it cannot be read any more from then on.
func TestKeptForAWeek(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	run := crashRun(1)
	file, table := keepOne(t, path, run)
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("beside what is kept there are %v, %v", entries, err)
	}
	for _, c := range []struct {
		age    time.Duration
		tables int
	}{{warehouse.KeptFor - time.Minute, 1}, {warehouse.KeptFor, 0}} {
		at := time.Now().Add(-c.age)
		check(t, os.Chtimes(file, at, at))
		d := openAt(t, path)
		kept, err := d.Kept(t.Context(), run.ID, table, frame.Table{Name: "sources", Columns: table.Columns})
		check(t, err)
		if len(kept.Tables) != c.tables {
			t.Errorf("after %s %d tables are there, want %d", c.age, len(kept.Tables), c.tables)
		}
		check(t, d.Sweep(t.Context()))
		check(t, d.Close())
		if _, err := os.Stat(file); (err == nil) != (c.tables > 0) {
			t.Errorf("after %s: %v", c.age, err)
		}
	}
	if _, err := os.Stat(filepath.Dir(file)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of staging is still there: %v", err)
	}
}

// A table whose columns are not those that are asked for is none.
func TestKeptByAnOlderProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	_, table := keepOne(t, path, crashRun(1))
	d := openAt(t, path)
	for _, cols := range [][]frame.Column{
		{frame.String("n", "A text.").Column}, append([]frame.Column{frame.Int64("more", "More.").Column}, table.Columns...),
	} {
		other := table
		other.Columns = cols
		kept, err := d.Kept(t.Context(), crashRun(1).ID, other)
		check(t, err)
		if len(kept.Tables) != 0 || kept.Until.IsZero() {
			t.Errorf("%v: %+v", cols, kept)
		}
	}
}

// A damaged file is as none: the checks of its run can be looked at all the same.
func TestKeptDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	file, table := keepOne(t, path, crashRun(1))
	for _, size := range []int64{5000, 0} {
		check(t, os.Truncate(file, size))
		d := openAt(t, path)
		kept, err := d.Kept(t.Context(), crashRun(1).ID, table)
		check(t, err)
		if len(kept.Tables) != 0 {
			t.Errorf("of a file of %d bytes there is %+v", size, kept)
		}
		check(t, d.Close())
	}
}
