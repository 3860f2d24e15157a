package bigquery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/sql"
	"segments/transforms/frame"
)

// query returns q as a query to call.
func (d *db) query(q sql.Query, key string) (call.Query, error) {
	params, err := parameters(q)
	return call.Query{Step: q.Name, Key: key, SQL: q.Text, Params: params}, err
}

// dryRun describes q, and remembers who asked.
func (d *db) dryRun(ctx context.Context, q sql.Query) (call.Dry, error) {
	c, err := d.query(q, "")
	if err != nil {
		return call.Dry{}, err
	}
	dry, err := d.call.DryRun(ctx, c)
	if err == nil && dry.At.IsZero() {
		return dry, fmt.Errorf("query %s: BigQuery did not say what time it is", q.Name)
	}
	if dry.User != "" {
		d.mu.Lock()
		d.user = dry.User
		d.mu.Unlock()
	}
	return dry, err
}

func (d *db) Estimate(ctx context.Context, q sql.Query) (_ warehouse.Estimate, err error) {
	defer func() { err = d.permit(err) }()
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return warehouse.Estimate{}, err
	}
	defer end()
	dry, err := d.dryRun(ctx, q)
	if err != nil {
		return warehouse.Estimate{}, err
	}
	est := warehouse.Estimate{Bytes: dry.Bytes}
	inputs, err := d.inputs(ctx, dry)
	if err != nil {
		return warehouse.Estimate{}, err
	}
	est.Rows = inputs.rows
	if inputs.known && !inputs.streamed {
		est.Written = inputs.written
	}
	for _, f := range dry.Schema {
		t, name := typeOf(f)
		est.Columns = append(est.Columns, sql.ColumnInfo{Name: f.Name, Native: name, Family: t.family})
	}
	return est, nil
}

// Pin takes the server's clock for the moment.
func (d *db) Pin(ctx context.Context, names ...string) (_ warehouse.Pin, err error) {
	defer func() { err = d.permit(err) }()
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return warehouse.Pin{}, err
	}
	defer end()
	dry, err := d.dryRun(ctx, sql.Query{Name: "clock", Text: "SELECT 1"})
	if err != nil {
		return warehouse.Pin{}, err
	}
	pin := warehouse.Pin{At: dry.At, Tables: map[string]bool{}}
	var views []string
	for _, name := range names {
		md, err := d.call.Table(ctx, d.named(name))
		if errors.Is(err, warehouse.ErrNotFound) {
			continue // whoever reads it says so, with its place in the configuration
		}
		if err != nil {
			return warehouse.Pin{}, err
		}
		pin.Tables[name] = md.Type == bq.RegularTable
		if md.ViewQuery != "" {
			views = append(views, name, md.ViewQuery)
		}
	}
	d.mu.Lock()
	d.pinned, d.views = pin.At, strings.Join(views, "\n")
	d.mu.Unlock()
	return pin, nil
}

// named returns the table that SQL calls name, of one to three dotted parts.
func (d *db) named(name string) *bq.Table {
	parts := strings.Split(name, ".")
	switch len(parts) {
	case 1:
		return d.outputTable(name)
	case 2:
		return d.bq.Dataset(parts[0]).Table(parts[1])
	}
	return d.bq.DatasetInProject(parts[0], parts[1]).Table(parts[2])
}

// Fingerprint goes by when the tables that q reads were written to last, since reading them all would double the bill.
// Of what BigQuery keeps no such time for, such as files, each fingerprint is another one.
func (d *db) Fingerprint(ctx context.Context, q sql.Query) (_ warehouse.Fingerprint, err error) {
	defer func() { err = d.permit(err) }()
	alive, end, err := d.alive(ctx)
	if err != nil {
		return warehouse.Fingerprint{}, err
	}
	defer end()
	dry, err := d.dryRun(alive, q)
	if err != nil {
		return warehouse.Fingerprint{}, err
	}
	rows, err := d.small(alive, sql.Query{Name: "count " + q.Name, Text: "SELECT count(*) AS n FROM (" + q.Text + "\n)", Params: q.Params})
	if err != nil {
		return warehouse.Fingerprint{}, err
	}
	out := warehouse.Fingerprint{Rows: rows.values[0][0].(int64)}
	h := sha256.New()
	fmt.Fprintf(h, "%q %d\n", q.Text, out.Rows)
	for _, f := range dry.Schema {
		fmt.Fprintf(h, "%q %s %v\n", f.Name, f.Type, f.Repeated)
	}
	inputs, err := d.inputs(alive, dry)
	if err != nil {
		return warehouse.Fingerprint{}, err
	}
	d.mu.Lock()
	at, views := d.pinned, d.views
	d.mu.Unlock()
	h.Write([]byte(inputs.state + views))
	// What was written to since the pin is no longer what will be read.
	if len(dry.Tables) > 0 && (!inputs.known || !at.IsZero() && inputs.written.After(at)) {
		fmt.Fprintf(h, "%d\n", dry.At.UnixNano())
	}
	out.Digest = hex.EncodeToString(h.Sum(nil))
	return out, nil
}

// inputs are the tables that a query reads.
type inputs struct {
	state   string    // another one after every write
	written time.Time // when the last of them was written to
	known   bool      // BigQuery keeps track of it
	rows    int64     // of all of them

	streamed bool // some rows are in a buffer: written says nothing of them
}

func (d *db) inputs(ctx context.Context, dry call.Dry) (inputs, error) {
	in := inputs{known: len(dry.Tables) > 0}
	for _, t := range dry.Tables {
		at := *t
		at.TableID, _, _ = strings.Cut(t.TableID, "@")
		md, err := d.call.Table(ctx, &at)
		if err != nil {
			return in, err
		}
		name, _, _ := strings.Cut(resource(t), "@") // of a table as of a moment
		in.state += fmt.Sprintf("%s %d %d\n", name, md.CreationTime.UnixMilli(), md.LastModifiedTime.UnixMilli())
		if md.StreamingBuffer != nil {
			in.state += fmt.Sprintf("%d rows in the buffer\n", md.StreamingBuffer.EstimatedRows)
			in.streamed = true
		}
		if md.LastModifiedTime.After(in.written) {
			in.written = md.LastModifiedTime
		}
		in.rows += int64(md.NumRows)
		in.known = in.known && (md.Type == bq.RegularTable || md.Type == bq.ViewTable)
	}
	return in, nil
}

// Query runs q as a job and takes its result, which is small, over the REST interface.
func (d *db) Query(ctx context.Context, q sql.Query) frame.Batches {
	return func(yield func(frame.Batch, error) bool) {
		alive, end, err := d.alive(ctx)
		if err != nil {
			yield(nil, fmt.Errorf("query %s: %w", q.Name, err))
			return
		}
		defer end()
		r, err := d.small(alive, q)
		if err != nil {
			yield(nil, d.permit(err))
			return
		}
		for at := 0; at < len(r.values); at += batchRows {
			b, err := batchOf(q.Name, r.schema, r.values[at:min(at+batchRows, len(r.values))])
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

const batchRows = 1 << 16

// A result is a small one.
type result struct {
	schema bq.Schema
	values [][]bq.Value
}

// small runs q and returns all of its result.
func (d *db) small(ctx context.Context, q sql.Query) (result, error) {
	c, err := d.query(q, nonce())
	if err != nil {
		return result{}, err
	}
	done, err := d.call.Query(ctx, c)
	if err != nil {
		return result{}, err
	}
	schema, values, err := d.call.Rows(ctx, q.Name, done.JobID)
	return result{schema, values}, err
}

func (d *db) Published(ctx context.Context, t frame.Table) (_ warehouse.Ref, _ bool, err error) {
	defer func() { err = d.permit(err) }()
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return warehouse.Ref{}, false, err
	}
	defer end()
	if _, err := d.call.Table(ctx, d.outputTable(warehouse.Runs.Name)); err != nil {
		return warehouse.Ref{}, false, unlessMissing(err)
	}
	at := d.outputTable(t.Name)
	md, err := d.call.Table(ctx, at)
	if err != nil {
		return warehouse.Ref{}, false, unlessMissing(err)
	}
	ref := warehouse.Ref{Name: quoted(at), Table: t, Rows: -1}
	cols := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		cols[i] = "`" + c.Name + "`"
		if field(md.Schema, c.Name) == nil {
			ref.Lacking = append(ref.Lacking, c.Name)
			cols[i] = "CAST(NULL AS " + sql.BigQuery.Type(c.Kind) + ") AS " + cols[i]
		}
	}
	switch {
	case ref.Lacking != nil:
		ref.Name = "(SELECT " + strings.Join(cols, ", ") + " FROM " + ref.Name + ")"
	case md.Type == bq.RegularTable:
		d.remember(ref.Name, at)
	}
	return ref, true, nil
}

// remember notes that the table at can be read without a query under the name that refs give it.
func (d *db) remember(name string, at *bq.Table) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plain[name] = resource(at)
}

func unlessMissing(err error) error {
	if errors.Is(err, warehouse.ErrNotFound) {
		return nil
	}
	return err
}

// field returns the field of s called name, nil where there is none. BigQuery does not tell cases apart.
func field(s bq.Schema, name string) *bq.FieldSchema {
	for _, f := range s {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}
