package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"segments/pipeline/warehouse"
	"segments/sql"
)

// A claim is what a run holds from Claim to Close.
type claim struct {
	run  warehouse.Run
	lock *fileLock
	file string // the staging database
}

var runID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]*$`)

func (d *db) Claim(ctx context.Context, run warehouse.Run) (err error) {
	if !runID.MatchString(run.ID) {
		return fmt.Errorf("claim: %q is no run id: want letters, digits, dots, _ and -", run.ID)
	}
	lock, err := d.lockFile()
	if err != nil {
		return err
	}
	c := &claim{run, lock, filepath.Join(d.staging, run.ID+".duckdb")}
	if err := d.enter(ctx, c); err != nil {
		return errors.Join(fmt.Errorf("claim %s: %w", run.ID, err), lock.release())
	}
	return nil
}

// enter checks the ledger, and gives the run of c its staging and hold of the published file.
func (d *db) enter(ctx context.Context, c *claim) error {
	session, err := d.session(ctx)
	if err != nil {
		return err
	}
	defer d.release(session)
	if err := session.mayRun(ctx, c.run); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := makePrivate(d.staging); err != nil {
		return err
	}
	if err := removeDatabase(c.file); err != nil {
		return err
	}
	if err := d.control.do(ctx, "attach", "ATTACH "+sql.DuckDB.Literal(c.file)+" AS "+stagingDB); err != nil {
		return err
	}
	if err := d.retain(ctx); err != nil {
		return errors.Join(err, d.control.do(ctx, "detach", "DETACH "+stagingDB), removeDatabase(c.file))
	}
	d.claim = c
	return nil
}

// claimed returns the claim.
func (d *db) claimed() (*claim, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.claim == nil {
		return nil, errors.New("duckdb: nothing is claimed")
	}
	return d.claim, nil
}

// retain attaches the published file for reading, unless it is; nothing stands in for a file that is not there.
// Its caller holds mu.
func (d *db) retain(ctx context.Context) error {
	if d.closed.Load() {
		return errClosed
	}
	if !d.attached {
		at := sql.DuckDB.Literal(d.path) + " AS " + publishedDB + " (READ_ONLY)"
		if _, err := os.Stat(d.path); errors.Is(err, os.ErrNotExist) {
			at = "':memory:' AS " + publishedDB
		}
		if err := d.attach(ctx, at); err != nil {
			return err
		}
	}
	d.users++
	return nil
}

// letGo detaches the published file after its last user. Its caller holds mu.
func (d *db) letGo() {
	if d.users--; d.users == 0 {
		if err := d.detach(); err != nil {
			d.env.Log.Warn("the warehouse's file stays open", "path", d.path, "error", err)
		}
	}
}

// attach attaches the published database; while another process has the file open it waits, though not for long.
// Its caller holds mu.
func (d *db) attach(ctx context.Context, what string) error {
	deadline := time.Now().Add(d.lockWait)
	for {
		err := d.control.do(ctx, "attach", "ATTACH "+what)
		if err == nil {
			d.attached = true
			return nil
		}
		switch {
		case errors.Is(err, warehouse.ErrPermission), errors.Is(err, errClosed):
			return err
		case ctx.Err() != nil: // whatever it failed with in the same moment
			return ctx.Err()
		case !errors.Is(err, warehouse.ErrTemporary):
			return fmt.Errorf("%w: %s: %w", warehouse.ErrUnusable, d.path, err)
		case !errors.Is(err, errLocked), time.Now().After(deadline):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.closing:
			return errClosed
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// detach detaches the published database. Its caller holds mu.
func (d *db) detach() error {
	if !d.attached || d.closed.Load() { // Close closes it
		return nil
	}
	d.attached = false
	return d.control.do(context.Background(), "detach", "DETACH "+publishedDB)
}

func (d *db) Sweep(context.Context) error {
	own, asOf := "", time.Time{}
	if c, err := d.claimed(); err == nil {
		own, asOf = filepath.Base(c.file), c.run.AsOf
	} else {
		lock, err := d.lockFile()
		if errors.Is(err, warehouse.ErrBusy) {
			return nil // whoever is at work sweeps
		}
		if err != nil {
			return err
		}
		defer lock.release() //nolint:errcheck // the kernel takes it back anyway
	}
	entries, err := os.ReadDir(d.staging)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var failed []error
	for _, e := range entries {
		if e.Name() == own || e.Name() == own+".wal" || e.IsDir() && !d.abandoned(e.Name()) || d.stays(e, asOf) {
			continue
		}
		failed = append(failed, os.RemoveAll(filepath.Join(d.staging, e.Name())))
	}
	return errors.Join(failed...)
}

// abandoned says whether the process that spilled to the folder tmp-PID-TIME is gone, to one that holds the lock.
// Another folder of our own PID is that of a container killed before: the first process of each has the PID 1.
func (d *db) abandoned(folder string) bool {
	if folder == filepath.Base(d.temp) {
		return false
	}
	parts := strings.Split(folder, "-")
	if len(parts) != 3 {
		return true
	}
	pid, err := strconv.Atoi(parts[1])
	return err != nil || pid == os.Getpid() || errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// A fileLock is held by one process at a time; the kernel takes it back from a dead one.
type fileLock struct{ f *os.File }

func (d *db) lockFile() (*fileLock, error) {
	if d.env.ReadOnly {
		return nil, errors.New("duckdb: the warehouse was opened for reading only")
	}
	f, err := os.OpenFile(d.path+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", warehouse.ErrPermission, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		pid, _ := io.ReadAll(f)
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w (PID %s)", warehouse.ErrBusy, strings.TrimSpace(string(pid)))
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(f, os.Getpid()) // for people; the lock is the kernel's
	}
	return &fileLock{f}, nil
}

func (l *fileLock) release() error { return l.f.Close() }

// makePrivate makes the folder, which holds what is known of customers, and nobody else's to read.
func makePrivate(folder string) error {
	err := os.MkdirAll(folder, 0o700)
	if err == nil {
		err = os.Chmod(folder, 0o700) // one that was there before
	}
	if err != nil {
		return fmt.Errorf("%w: %w", warehouse.ErrPermission, err)
	}
	return nil
}

// removeDatabase removes a database file and its log.
func removeDatabase(file string) error {
	for _, f := range []string{file, file + ".wal"} {
		if err := os.Remove(f); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
