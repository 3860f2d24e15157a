// Package duckdb is the embedded warehouse: one DuckDB file, and a folder beside it while a run is at work.
//
// A Warehouse is one DuckDB instance in memory with two databases attached. The published file is attached for reading
// only while somebody reads, and from Claim to the first write; it is open for writing only in Publish and Record, for
// seconds, since a process that has a DuckDB file open for writing shuts all others out. The staging file belongs to one run.
//
//	warehouse.duckdb            what is published, and the user's own tables if they are in there
//	warehouse.duckdb.lock       flock: held by the run at work, whose process id it holds
//	warehouse.duckdb.staging/   RUN.duckdb and files spilled by queries, for the owner's eyes; gone when nobody is at work,
//	                            but for kept-RUN.duckdb, what a rejected run would have published, which stays for a week
//
// Everything read from DuckDB is copied into Go memory (see read.go), everything written goes through its appender.
package duckdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	duck "github.com/duckdb/duckdb-go-bindings"
	"golang.org/x/sync/semaphore"

	"segments/pipeline/warehouse"
	"segments/sql"
)

// Config is the section of the configuration that describes the warehouse.
type Config struct {
	Path     string `yaml:"path" json:"path" jsonschema:"required" jsonschema_description:"The database file. Its folder must exist."`
	Memory   string `yaml:"memory" json:"memory,omitempty" jsonschema:"default=3GB" jsonschema_description:"What DuckDB may use before it spills to disk."`
	Threads  int    `yaml:"threads" json:"threads,omitempty" jsonschema:"minimum=1" jsonschema_description:"Threads of a query; all CPUs by default."`
	LockWait string `yaml:"lock_wait" json:"lock_wait,omitempty" jsonschema:"default=60s" jsonschema_description:"How long to wait for others to close the file."`
}

// Defaults returns the configuration that the user's one is decoded over. 3 GB leave the whole job below 4 GiB.
func Defaults() Config {
	return Config{Memory: "3GB", Threads: runtime.GOMAXPROCS(0), LockWait: "60s"}
}

// The names of the attached databases. They are unlikely as names of the user's schemas, with which they would clash.
const (
	publishedDB = "segments_published"
	stagingDB   = "segments_staging"
)

// all is the gate's weight: a session takes 1 of it, whoever detaches a database takes all.
const all = 1 << 30

var errClosed = errors.New("duckdb: the warehouse is closed")

type db struct {
	path, staging, temp string // the file, the folder of staging, the folder that DuckDB spills to
	env                 warehouse.Env
	lockWait            time.Duration
	instance            duck.Database
	gate                *semaphore.Weighted
	closed              atomic.Bool
	closing             chan struct{}      // closed with closed, without mu, which whoever waits for the file holds
	reached             func(point string) // for tests: a moment at which the program may die

	mu       sync.Mutex
	control  *conn // attaches and detaches
	idle     []*conn
	attached bool // the published file, or an empty database in its place
	users    int  // of the published file: sessions, and the claim until it writes
	claim    *claim
}

var (
	_ warehouse.Open      = Open
	_ warehouse.Warehouse = (*db)(nil)
)

// Open opens the warehouse that the configuration section read by decode, a Config, describes. The file need not exist.
func Open(ctx context.Context, env warehouse.Env, decode func(into any) error) (warehouse.Warehouse, error) {
	c := Defaults()
	if err := decode(&c); err != nil {
		return nil, err
	}
	d, err := open(ctx, env, c)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func open(ctx context.Context, env warehouse.Env, c Config) (*db, error) {
	if c.Path == "" {
		return nil, errors.New("path: missing; want the name of the database file")
	}
	if c.Threads < 1 {
		return nil, fmt.Errorf("threads: %d, want at least 1", c.Threads)
	}
	wait, err := time.ParseDuration(c.LockWait)
	if err != nil || wait < 0 {
		return nil, fmt.Errorf("lock_wait: %q is no duration; want one such as 60s", c.LockWait)
	}
	folder := filepath.Dir(c.Path)
	if s, err := os.Stat(folder); err != nil || !s.IsDir() {
		return nil, fmt.Errorf("path: the folder %s is not there; make it, or mount the volume", folder)
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	d := &db{
		path: c.Path, staging: c.Path + ".staging", env: env, lockWait: wait,
		gate: semaphore.NewWeighted(all), closing: make(chan struct{}), reached: func(string) {},
	}
	d.temp = filepath.Join(d.staging, fmt.Sprintf("tmp-%d-%d", os.Getpid(), time.Now().UnixNano()))
	private := d.staging
	if env.ReadOnly {
		d.temp = filepath.Join(os.TempDir(), "segments-"+filepath.Base(d.temp))
		private = d.temp
	}
	_ = makePrivate(private) // before DuckDB makes it for all to read; where it cannot be made, Claim says so
	if err := d.start(map[string]string{
		"memory_limit":                 c.Memory,
		"threads":                      strconv.Itoa(c.Threads),
		"temp_directory":               d.temp,
		"autoinstall_known_extensions": "false", // nothing is ever fetched from the network
		"autoload_known_extensions":    "false",
		"allow_community_extensions":   "false",
		"allocator_background_threads": "true", // what queries have freed goes back even where their threads, Go's, are idle
	}); err != nil {
		return nil, err
	}
	d.control, err = d.connect(ctx)
	if err != nil {
		duck.Close(&d.instance)
		return nil, err
	}
	return d, nil
}

// start makes the DuckDB instance.
func (d *db) start(settings map[string]string) error {
	var config duck.Config
	if duck.CreateConfig(&config) != duck.StateSuccess {
		return errors.New("duckdb: no memory for a configuration")
	}
	defer duck.DestroyConfig(&config)
	for name, value := range settings {
		if duck.SetConfig(config, name, value) != duck.StateSuccess {
			return fmt.Errorf("duckdb: %q is no value for %s", value, name)
		}
	}
	var message string
	if duck.OpenExt("", &d.instance, config, &message) != duck.StateSuccess {
		return fmt.Errorf("duckdb: %s", firstLine(message))
	}
	return nil
}

func (d *db) Dialect() sql.Dialect { return sql.DuckDB }

// Check tries whether the published file and its folder may be written to.
func (d *db) Check(context.Context) error {
	if f, err := os.OpenFile(d.path, os.O_RDWR, 0); err == nil {
		if err := f.Close(); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", warehouse.ErrPermission, err)
	}
	probe, err := os.CreateTemp(filepath.Dir(d.path), ".segments-check-*")
	if err != nil {
		return fmt.Errorf("%w: a run makes files beside %s: %w", warehouse.ErrPermission, d.path, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Pin pins nothing: files and tables are read as they are.
func (d *db) Pin(context.Context, ...string) (warehouse.Pin, error) { return warehouse.Pin{}, nil }

// Charges are none.
func (d *db) Charges() warehouse.Charges { return warehouse.Charges{} }

// Close interrupts what still runs, though no COMMIT, and whoever waits for the file.
func (d *db) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	close(d.closing)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := d.gate.Acquire(ctx, all)
	if err != nil {
		err = errors.New("duckdb: closed while streams or writers were still open")
	} else {
		defer d.gate.Release(all) // whoever comes now is told that it is closed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range append(d.idle, d.control) {
		c.close()
	}
	duck.Close(&d.instance)
	err = errors.Join(err, os.RemoveAll(d.temp))
	if d.claim != nil {
		err = errors.Join(err, removeDatabase(d.claim.file), d.claim.lock.release())
		d.claim = nil
	}
	_ = os.Remove(d.staging) // unless others have something there
	return err
}

// Resolve makes the path absolute.
func (c *Config) Resolve(abs func(string) string) {
	if c.Path != "" {
		c.Path = abs(c.Path)
	}
}
