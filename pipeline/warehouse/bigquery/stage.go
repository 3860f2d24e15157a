package bigquery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	bq "cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/pipeline/warehouse/bigquery/readrows"
	"segments/sql"
	"segments/transforms/frame"
)

// prefix begins the names of everything that runs on this output data set stage. No other data set has the same one, nor
// one that begins with it.
func (d *db) prefix() string {
	sum := sha256.Sum256([]byte(d.output.ID()))
	return "segments_" + hex.EncodeToString(sum[:4]) + "_" + d.output.name + "_"
}

// newStaged returns a table of the claim that nobody has had before. Names are never used twice, so that a job that is
// sent again, even much later, cannot write over what came after it.
func (d *db) newStaged(c *claim, name string) *bq.Table {
	return d.stagingTable(fmt.Sprintf("%s%s_%d_%s", d.prefix(), c.nonce, d.number.Add(1), name))
}

// Materialize makes the query itself refuse what t's columns may not have, so that nothing is read twice. Only where it
// did are the rows counted, for the message.
func (d *db) Materialize(ctx context.Context, t frame.Table, q sql.Query) (_ warehouse.Ref, err error) {
	defer func() { err = d.permit(err) }()
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return warehouse.Ref{}, err
	}
	defer end()
	c, err := d.working()
	if err != nil {
		return warehouse.Ref{}, err
	}
	guarded := q
	guarded.Text = materialized(t, q)
	job, err := d.query(guarded, c.key())
	if err != nil {
		return warehouse.Ref{}, err
	}
	job.Step, job.Into = "materialize "+t.Name, d.newStaged(c, t.Name)
	if _, err := d.call.Query(ctx, job); err != nil {
		if strings.Contains(err.Error(), refused) {
			return warehouse.Ref{}, d.whatIsBad(ctx, t, q)
		}
		return warehouse.Ref{}, err
	}
	md, err := d.call.Table(ctx, job.Into)
	if err != nil {
		return warehouse.Ref{}, err
	}
	return d.staged(job.Into, t, int64(md.NumRows)), nil
}

// materialized is the query of q's result as t has it.
func materialized(t frame.Table, q sql.Query) string {
	cols := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		cols[i] = guard(col) + " AS `" + col.Name + "`"
	}
	return "SELECT " + strings.Join(cols, ",\n  ") + "\nFROM (" + q.Text + "\n) AS q"
}

// staged returns the ref of the staged table at.
func (d *db) staged(at *bq.Table, t frame.Table, rows int64) warehouse.Ref {
	ref := warehouse.Ref{Name: quoted(at), Table: t, Rows: rows}
	d.remember(ref.Name, at)
	return ref
}

// refused is what the message of a query says that refuses its own result.
const refused = "segments refuses the column "

// bad returns the conditions under which column c of the relation q may not be as it is: NULL, and NaN or infinite.
// They are empty where they cannot be.
func bad(c frame.Column) (null, infinite string) {
	x := "q.`" + c.Name + "`"
	if !c.Nullable {
		null = x + " IS NULL"
	}
	if c.Kind == frame.Float64Kind {
		f := "CAST(" + x + " AS FLOAT64)"
		infinite = "IS_NAN(" + f + ") OR IS_INF(" + f + ")"
	}
	return null, infinite
}

// guard returns the expression of column c of the relation q in its type, which fails where it is bad.
func guard(c frame.Column) string {
	cast := "CAST(q.`" + c.Name + "` AS " + sql.BigQuery.Type(c.Kind) + ")"
	null, infinite := bad(c)
	conditions := strings.TrimPrefix(strings.TrimSuffix(null+" OR "+infinite, " OR "), " OR ")
	if conditions == "" {
		return cast
	}
	return "CASE WHEN " + conditions + " THEN CAST(ERROR(" + sql.BigQuery.Literal(refused+c.Name) + ") AS " +
		sql.BigQuery.Type(c.Kind) + ") ELSE " + cast + " END"
}

// whatIsBad counts the values of q's result that t may not have.
func (d *db) whatIsBad(ctx context.Context, t frame.Table, q sql.Query) error {
	counts := []string{"count(*)"}
	var words []string
	for _, col := range t.Columns {
		null, infinite := bad(col)
		if null != "" {
			counts, words = append(counts, "countif("+null+")"), append(words, col.Name+" is NULL")
		}
		if infinite != "" {
			counts, words = append(counts, "countif("+infinite+")"), append(words, col.Name+" is NaN or infinite")
		}
	}
	for i := range counts {
		counts[i] += fmt.Sprintf(" AS n%d", i)
	}
	r, err := d.small(ctx, sql.Query{
		Name: "count what is bad in " + t.Name, Text: "SELECT " + strings.Join(counts, ", ") + " FROM (" + q.Text + "\n) AS q", Params: q.Params,
	})
	if err != nil {
		return err
	}
	var found []string
	for i, what := range words {
		if n := r.values[0][i+1].(int64); n > 0 {
			found = append(found, fmt.Sprintf("%s.%s in %d of %d rows", t.Name, what, n, r.values[0][0].(int64)))
		}
	}
	if found == nil {
		found = []string{t.Name + " held values that it no longer holds"}
	}
	return fmt.Errorf("%w: %s", warehouse.ErrBadData, strings.Join(found, "; "))
}

// Scan reads a table over the Storage Read API; the result of a query into a table first, where it is no table.
func (d *db) Scan(ctx context.Context, ref warehouse.Ref, cols ...frame.Column) frame.Batches {
	if len(cols) == 0 {
		cols = ref.Table.Columns
	}
	return func(yield func(frame.Batch, error) bool) {
		fail := func(err error) { yield(nil, fmt.Errorf("scan %s: %w", ref.Table.Name, d.permit(err))) }
		alive, end, err := d.alive(ctx)
		if err != nil {
			fail(err)
			return
		}
		defer end()
		d.mu.Lock()
		table := readrows.Table{Name: d.plain[ref.Name], Rows: ref.Rows}
		d.mu.Unlock()
		if table.Name == "" {
			at, rows, err := d.stored(alive, ref, cols)
			if err != nil {
				fail(err)
				return
			}
			defer d.drop(at)
			table = readrows.Table{Name: resource(at), Rows: rows}
		}
		for _, c := range cols {
			table.Fields = append(table.Fields, c.Name)
		}
		for r, err := range d.rows.Read(alive, table) {
			var b frame.Batch
			if err == nil {
				b, err = shaped(r, cols)
			}
			if err != nil {
				if ctx.Err() != nil {
					err = context.Cause(ctx)
				}
				fail(err)
				return
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

// stored puts the columns cols of ref, which is a view or no plain table, into a staging table of its own.
func (d *db) stored(ctx context.Context, ref warehouse.Ref, cols []frame.Column) (_ *bq.Table, rows int64, err error) {
	list := make([]string, len(cols))
	for i, c := range cols {
		list[i] = "CAST(`" + c.Name + "` AS " + sql.BigQuery.Type(c.Kind) + ") AS `" + c.Name + "`"
	}
	key := nonce()
	at := d.stagingTable(d.prefix() + key + "_scan_" + ref.Table.Name)
	job := call.Query{Step: "scan " + ref.Table.Name, Key: key, SQL: "SELECT " + strings.Join(list, ", ") + " FROM " + ref.Name, Into: at}
	defer func() {
		if err != nil {
			d.drop(at)
		}
	}()
	if _, err := d.call.Query(ctx, job); err != nil {
		return nil, 0, err
	}
	md, err := d.call.Table(ctx, at)
	if err != nil {
		return nil, 0, err
	}
	return at, int64(md.NumRows), nil
}

// drop removes a staging table that nobody needs any more; what stays expires.
func (d *db) drop(at *bq.Table) {
	ctx, end := context.WithTimeout(context.Background(), dropTime)
	defer end()
	if err := d.call.Delete(ctx, at); err != nil {
		d.env.Log.Debug("a staging table stays until it expires", "table", at.TableID, "error", err)
	}
}

// A writer spools batches to a Parquet file, and loads that when it is whole.
type writer struct {
	d     *db
	ctx   context.Context
	c     *claim
	table frame.Table
	file  *os.File
	out   *pqarrow.FileWriter
	rows  int64
	err   error // the first one; nothing is committed after it
	mu    sync.Mutex
}

// rowGroup is how many rows a group of the spooled file has; one of them is in memory.
const rowGroup = 1 << 17

func (d *db) Stage(ctx context.Context, t frame.Table) (warehouse.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if d.closed.Load() {
		return nil, errClosed
	}
	c, err := d.working()
	if err != nil {
		return nil, err
	}
	w := &writer{d: d, ctx: ctx, c: c, table: t}
	if w.file, err = os.CreateTemp("", "segments-"+t.Name+"-*.parquet"); err != nil { // private: mode 0600
		return nil, fmt.Errorf("%w: stage %s: %w", warehouse.ErrTemporary, t.Name, err)
	}
	fields := make([]arrow.Field, len(t.Columns))
	for i, col := range t.Columns {
		fields[i] = arrow.Field{Name: col.Name, Type: parquetType(col.Kind), Nullable: true}
	}
	w.out, err = pqarrow.NewFileWriter(arrow.NewSchema(fields, nil), unclosed{w.file}, parquet.NewWriterProperties(
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithMaxRowGroupLength(rowGroup), parquet.WithVersion(parquet.V2_LATEST),
	), pqarrow.DefaultWriterProps())
	if err != nil {
		w.remove()
		return nil, fmt.Errorf("stage %s: %w", t.Name, err)
	}
	return w, nil
}

// unclosed is a file that the Parquet writer does not close: its error would get lost.
type unclosed struct{ *os.File }

// Close does nothing.
func (unclosed) Close() error { return nil }

// parquetType is k's type in Parquet: a time without a zone would be taken for a DATETIME.
func parquetType(k frame.Kind) arrow.DataType {
	if k == frame.TimestampKind {
		return arrow.FixedWidthTypes.Timestamp_us
	}
	return k.ArrowType()
}

var errEnded = errors.New("the writer has ended")

func (w *writer) Write(b frame.Batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return fmt.Errorf("stage %s: %w", w.table.Name, errEnded)
	}
	if w.err == nil {
		if w.err = w.write(b); w.err != nil {
			w.err = fmt.Errorf("stage %s: %w", w.table.Name, w.err)
		}
	}
	return w.err
}

func (w *writer) write(b frame.Batch) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.d.closed.Load() {
		return errClosed
	}
	if err := frame.Check(b.Schema(), w.table.Columns...); err != nil {
		return err
	}
	b = frame.Select(b, w.table.Columns...)
	fields, arrays := make([]arrow.Field, len(w.table.Columns)), make([]arrow.Array, len(w.table.Columns))
	for i, col := range w.table.Columns {
		if n, what := frame.Unfit(col, b.Column(i)); n > 0 {
			return fmt.Errorf("%w: column %s has %s in %d of %d rows", warehouse.ErrBadData, col.Name, what, n, b.NumRows())
		}
		fields[i] = arrow.Field{Name: col.Name, Type: parquetType(col.Kind), Nullable: true}
		arrays[i] = retyped(b.Column(i), fields[i].Type)
	}
	if b.NumRows() == 0 {
		return nil
	}
	if err := w.out.WriteBuffered(array.NewRecord(arrow.NewSchema(fields, nil), arrays, b.NumRows())); err != nil {
		return spoolError(err)
	}
	w.rows += b.NumRows()
	return nil
}

// spoolError is err of writing the spooled file: its disk may be full.
func spoolError(err error) error {
	return fmt.Errorf("%w: the file that is spooled in %s: %w", warehouse.ErrTemporary, os.TempDir(), err)
}

func (w *writer) Commit() (warehouse.Ref, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return warehouse.Ref{}, fmt.Errorf("stage %s: %w", w.table.Name, errEnded)
	}
	defer w.remove()
	if w.err != nil {
		return warehouse.Ref{}, w.err
	}
	ctx, end, err := w.d.alive(w.ctx)
	if err != nil {
		return warehouse.Ref{}, err
	}
	defer end()
	if err := w.out.Close(); err != nil {
		return warehouse.Ref{}, fmt.Errorf("stage %s: %w", w.table.Name, spoolError(err))
	}
	at := w.d.newStaged(w.c, w.table.Name)
	done, err := w.d.call.Load(ctx, call.Load{
		Step: "stage " + w.table.Name, Key: w.c.key(), File: w.file.Name(), Schema: schemaOf(w.table.Columns, false), Into: at,
	})
	if err != nil {
		return warehouse.Ref{}, w.d.permit(err)
	}
	if done.Rows != w.rows {
		return warehouse.Ref{}, fmt.Errorf("stage %s: %w: %d rows were loaded, want %d", w.table.Name, warehouse.ErrBadData, done.Rows, w.rows)
	}
	return w.d.staged(at, w.table, w.rows), nil
}

func (w *writer) Abort() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove()
	return nil
}

// remove ends the writer and removes its file.
func (w *writer) remove() {
	if w.file == nil {
		return
	}
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
	w.file = nil
}
