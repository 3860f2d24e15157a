// Package warehouse is what the job needs of a data warehouse; warehousetest is that contract as a test.
//
// The warehouse keeps three kinds of things: the user's sources, which are only read; the staged tables of a run, which
// no reader looks at; and the published tables with the ledger, which change in one transaction or not at all.
package warehouse

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"segments/sql"
	"segments/transforms/frame"
)

// A Warehouse answers queries, keeps staged tables and publishes them.
// Its methods may be called from several goroutines.
type Warehouse interface {
	// Dialect says which SQL the warehouse speaks.
	Dialect() sql.Dialect

	// Check tries what a run needs to be allowed to do, and leaves nothing behind. It wraps ErrPermission, and says who
	// lacks which role where, and the command that grants it; or ErrUnusable, and the command that makes what is missing.
	Check(ctx context.Context) error

	// Pin fixes the moment as of which sources are read from now on, anew with each call, and says which of the tables
	// called names can be read as of it; views, for one, cannot. The zero Pin is that of a warehouse without such moments.
	Pin(ctx context.Context, names ...string) (Pin, error)

	// Estimate describes the result of q without running it. It wraps ErrNotFound where q names a table, file or
	// column that is not there.
	Estimate(ctx context.Context, q sql.Query) (Estimate, error)

	// Fingerprint returns how many rows q gives, and a digest that is another one whenever the rows or their columns are
	// others, and the same one as long as nobody has written to what q reads.
	Fingerprint(ctx context.Context, q sql.Query) (Fingerprint, error)

	// Charges says what the warehouse has charged for since Open, what it may at most, and the price.
	Charges() Charges

	// Query streams the result of q, which may read published tables, staged ones and sources. It is for small results:
	// the ledger, audits, reports. The columns have the kinds of frame; decimals arrive as float64.
	Query(ctx context.Context, q sql.Query) frame.Batches

	// Published returns the published table called t.Name, as far as it has t's columns: those that it lacks read as NULL.
	// ok is false where there is no such table. The view runs, and X_current of a dated table X, are there like tables.
	Published(ctx context.Context, t frame.Table) (ref Ref, ok bool, err error)

	// Claim makes run the only one at work on its slot until Close, and gives it staging of its own, emptied.
	// It fails with ErrBusy where another run is at work, with ErrMoved where run.Previous is no longer the newest run
	// published before run.AsOf, with ErrOwner where what is published belongs to another configuration, and with
	// ErrDone where the slot is done, as long as rows of its date are there: published with the same digest, or, for
	// a backfill, by a run that is none, whatever the digest. A backfill does not make a slot done for other runs.
	Claim(ctx context.Context, run Run) error

	// Materialize stores the result of q as the staged table t, whose columns the result has by name.
	// It refuses NaN, infinities and NULL in columns that are not nullable, naming the column and the number of rows.
	Materialize(ctx context.Context, t frame.Table, q sql.Query) (Ref, error)

	// Stage returns a Writer for the staged table t. Several writers may be open at once.
	Stage(ctx context.Context, t frame.Table) (Writer, error)

	// Scan streams the columns cols of a staged or published table; it gives the same rows each time, in an order of the
	// warehouse's own. Without cols it streams all of them. Memory is that of a few batches, whatever the number of rows.
	Scan(ctx context.Context, ref Ref, cols ...frame.Column) frame.Batches

	// Publish makes the staged tables refs and the ledger entry e visible, all of them or none. What a table's rows
	// replace is said by its PartitionBy. It creates tables and adds columns where they are lacking, counts the rows
	// inside the transaction, lets as-of dates before keepFrom go from every dated table, though neither e.AsOf nor
	// what is current, and renews the views of the newest date, and views, of which it drops those that are Gone. Streams and writers of the run have ended
	// by then.
	//
	// An error says that nothing was published, unless it wraps ErrBroken: then e is published, what was read back is
	// not what was written, and the ledger says BROKEN. After ErrBroken the caller must not Record. What else fails
	// once e is published, such as opening the warehouse again, is only logged.
	// Where a remote warehouse can neither be asked what became of the publish nor for its ledger, the error says that it
	// is not known, and wraps ErrTemporary: the next run finds out.
	Publish(ctx context.Context, e Entry, keepFrom time.Time, views []View, refs ...Ref) error

	// Record writes the ledger entry e, and the tables refs, which are all partitioned by run_id, without publishing.
	// It refuses the state Published, and fails with ErrDone where e is Rejected or Failed and the run has been
	// published before: nobody unpublishes a run.
	Record(ctx context.Context, e Entry, refs ...Ref) error

	// Keep makes the staged tables refs of the run at work, no two of a name, stay after Close: until Sweep finds them KeptFor old, or another run
	// of the same date, or, where the warehouse keeps staged tables for a shorter time, until then. What else the run has
	// staged goes with Close.
	Keep(ctx context.Context, refs ...Ref) (Kept, error)

	// Kept returns what there still is of what Keep has kept of the run called id, as far as tables has it with all of its
	// columns. They can be read until Close. Of a run of which nothing is kept it is the zero Kept.
	Kept(ctx context.Context, id string, tables ...frame.Table) (Kept, error)

	// Sweep removes what runs that are no longer at work left in staging, but for what is kept.
	Sweep(ctx context.Context) error

	// Close gives up the claim, the staging of the run and all connections.
	Close() error
}

// A Writer appends batches to a staged table, from one goroutine. After Abort, or without Commit, nothing is there.
type Writer interface {
	// Write appends b, whose schema is that of the table. It refuses NaN, infinities and forbidden NULLs.
	Write(b frame.Batch) error
	Commit() (Ref, error)
	Abort() error
}

// A Ref is a staged or published table. Name is quoted and qualified: it stands in a FROM of this warehouse's SQL.
type Ref struct {
	Name  string
	Table frame.Table
	Rows  int64 // how many rows it has; -1 where nobody counted

	Lacking []string // columns of Table that the published table does not have yet: they read as NULL
}

// KeptFor is how long what a rejected run has staged can be looked at, at most.
const KeptFor = 7 * 24 * time.Hour

// A Kept is what can be looked at of a run that has published nothing.
type Kept struct {
	Tables []Ref
	Until  time.Time // when it goes, at the latest
	Bytes  int64     // that it takes on a disk; 0 where that is not known
}

// Relation returns the relation that reads r under its own name.
func (r Ref) Relation() sql.Relation { return r.As(r.Table.Name) }

// As returns the relation that reads r under the name name.
func (r Ref) As(name string) sql.Relation {
	return sql.Relation{Name: name, Select: "SELECT * FROM " + r.Name}
}

// A View is a query that readers find under a name of its own among the published tables.
type View struct {
	Name, Doc string
	Query     string         // its name in package sql; it has no parameters
	Reads     []string       // the published tables and views that it reads
	Over      []sql.Relation // what else it reads, without parameters: sources, whenever the view is asked
	Gone      bool           // it is not wanted: the view that was made of it is dropped, anything else of its name stays
}

// Relations returns what the view's query reads, given how the warehouse names what is published.
func (v View) Relations(published func(name string) string) []sql.Relation {
	var out []sql.Relation
	for _, name := range v.Reads {
		out = append(out, sql.Relation{Name: name, Select: "SELECT * FROM " + published(name)})
	}
	return append(out, v.Over...)
}

// An Estimate says what a query would give and cost.
type Estimate struct {
	Columns []sql.ColumnInfo
	Bytes   int64     // to be read; 0 where the warehouse does not charge for it
	Rows    int64     // that what q reads has, all tables together; 0 where that is not known
	Written time.Time // when what q reads was last written to; zero where that is not known
}

// A Fingerprint stands for the rows of a source.
type Fingerprint struct {
	Rows   int64
	Digest string
}

// A Pin is a moment as of which sources are read.
type Pin struct {
	At     time.Time       // the value of the queries' parameter snapshot; zero where there is no such moment
	Tables map[string]bool // by name as given: whether it can be read as of At
}

// Charges are what queries have cost. All are zero where nobody charges.
type Charges struct {
	Bytes  int64 // billed since Open
	Budget int64 // the most that may be billed from Open to Close; 0 where there is no limit
	Least  int64 // what each table costs, at least, that a query reads
	Price  Price
}

// A Price is what reading costs; zero where the configuration does not say.
type Price struct {
	PerTiB   float64 // of 2^40 bytes
	Currency string
	Date     string // of the price list
}

// Of returns what reading so many bytes costs.
func (p Price) Of(bytes int64) float64 { return p.PerTiB * float64(bytes) / (1 << 40) }

// A Run is one try at a slot: the as-of date of a configuration.
type Run struct {
	ID       string    // the as-of date and the first 12 digits of the digest
	Name     string    // of the configuration, which owns what is published
	AsOf     time.Time // the calendar day that it is in its own location
	Digest   string    // of everything the result depends on; hexadecimal SHA-256
	Previous string    // the newest run published before AsOf, or empty
	Backfill bool      // history only: such a run's date is never the newest one
}

// A State is how a run ended.
type State string

// The states of a run.
const (
	Published State = "PUBLISHED"
	Rejected  State = "REJECTED" // by an audit or the gate: nothing was published
	Failed    State = "FAILED"   // by an error: nothing was published
	Broken    State = "BROKEN"   // published, but what was read back is not what was written
)

// An Entry is a run's line in the ledger.
type Entry struct {
	Run
	State       State
	StartedAt   time.Time
	EndedAt     time.Time
	Customers   int64     // segmented
	LeftOut     int64     // known, and excluded or quarantined
	BytesBilled int64     // up to the publish; 0 where nobody charges
	Snapshot    time.Time // as of which the sources were read; zero where they were read as they were
	CodeVersion string
	Message     string // what a person should know: the headline, or why it was rejected
}

// Runs is the ledger: one row a run and state. The view `runs` shows each run's latest one. It is insert-only.
var Runs = frame.Table{
	Name: "run_events", Doc: "The ledger: what became of each run. The view runs shows each run's latest line.",
	Key: []string{"run_id", "ended_at"},
	Columns: []frame.Column{
		frame.String("run_id", "The run: as-of date and digest.").Column,
		frame.String("name", "The configuration's name.").Column,
		frame.Date("as_of", "The day at whose end the run's rows were true.").Column,
		frame.String("digest", "SHA-256 of everything the result depends on: SQL, configuration, code, inputs, previous run.").Column,
		frame.String("previous_run", "The newest run published before as_of, which this one builds on.").Null().Column,
		frame.String("state", "What became of the run.").OneOf(string(Published), string(Rejected), string(Failed), string(Broken)).Column,
		frame.Bool("backfill", "Whether the run wrote history only, never what the _current views show.").Column,
		frame.Timestamp("started_at", "When the run began (UTC).").Column,
		frame.Timestamp("ended_at", "When the line was written (UTC).").Column,
		frame.Int64("customers", "Customers segmented.").In("customers").Column,
		frame.Int64("left_out", "Customers known and left out: excluded or quarantined.").In("customers").Column,
		frame.Int64("bytes_billed", "What the warehouse billed for the run's queries, up to the publish; NULL where it does not charge.").In("bytes").Null().Column,
		frame.Timestamp("snapshot", "The moment (UTC) as of which the sources were read; NULL where they were read as they were.").Null().Column,
		frame.String("code_version", "The version of the program.").Column,
		frame.String("message", "The headline, or why nothing was published.").Column,
	},
}

// The ways in which a warehouse fails that callers tell apart.
var (
	ErrBusy       = errors.New("another run is at work")
	ErrDone       = errors.New("already published")
	ErrMoved      = errors.New("the previous generation has changed")
	ErrBroken     = errors.New("published, but what was read back is not what was written")
	ErrOwner      = errors.New("the outputs belong to another configuration")
	ErrNotFound   = errors.New("not found")
	ErrBadData    = errors.New("bad data")                       // NaN, infinities, forbidden NULLs, numbers of rows that do not agree
	ErrUnusable   = errors.New("the warehouse cannot be opened") // it is no database, or a damaged one
	ErrPermission = errors.New("permission denied")
	ErrBudget     = errors.New("over budget")
	ErrTemporary  = errors.New("temporary failure") // locks held by others, full disks: try again
)

// Env is what a warehouse gets from the program.
type Env struct {
	Now      func() time.Time
	Log      *slog.Logger
	ReadOnly bool // the caller will not Claim, Publish or Record
}

// Open connects to a warehouse, given its section of the configuration.
type Open func(ctx context.Context, env Env, decode func(into any) error) (Warehouse, error)
