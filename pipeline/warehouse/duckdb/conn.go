package duckdb

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	duck "github.com/duckdb/duckdb-go-bindings"

	"segments/sql"
	"segments/transforms/frame"
)

// A conn is one connection. One goroutine uses it at a time.
type conn struct {
	d *db
	c duck.Connection

	steady bool // nothing interrupts it
}

// connect makes a connection on which the names of GoogleSQL work and all times are UTC.
func (d *db) connect(ctx context.Context) (*conn, error) {
	c := &conn{d: d}
	if duck.Connect(d.instance, &c.c) != duck.StateSuccess {
		return nil, fmt.Errorf("duckdb: cannot connect to %s", d.path)
	}
	for _, text := range append([]string{"SET TimeZone = 'UTC'"}, sql.DuckDBPrelude...) {
		if err := c.exec(ctx, sql.Query{Name: "prelude", Text: text}); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *conn) close() { duck.Disconnect(&c.c) }

// interruptible makes ctx's end, and the warehouse's, interrupt what c runs until stop is called.
func (c *conn) interruptible(ctx context.Context) (stop func()) {
	if c.steady {
		return func() {}
	}
	over, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-over:
			return
		case <-ctx.Done():
		case <-c.d.closing:
		}
		for { // again and again, since an interrupt between two statements is forgotten
			duck.Interrupt(c.c)
			select {
			case <-over:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() { close(over); <-stopped }
}

// run starts q and gives its result, a stream, to f. Nothing of it is left after f.
func (c *conn) run(ctx context.Context, q sql.Query, f func(*duck.Result) error) error {
	if err := c.interrupted(ctx); err != nil {
		return fmt.Errorf("query %s: %w", q.Name, err)
	}
	stop := c.interruptible(ctx)
	defer stop()
	if log := c.d.env.Log; log != nil && log.Enabled(ctx, slog.LevelDebug) {
		began := time.Now()
		defer func() { log.Debug("query", "name", q.Name, "seconds", time.Since(began).Seconds(), "sql", q.Text) }()
	}
	fail := func(message string) error { return c.failure(ctx, q.Name, message) }

	var statement duck.PreparedStatement
	defer duck.DestroyPrepare(&statement)
	if duck.Prepare(c.c, q.Text, &statement) != duck.StateSuccess {
		return fail(duck.PrepareError(statement))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Params)) {
		if err := bind(statement, name, q.Params[name]); err != nil {
			return fmt.Errorf("query %s: %w", q.Name, err)
		}
	}
	var pending duck.PendingResult
	defer duck.DestroyPending(&pending)
	if duck.PendingPreparedStreaming(statement, &pending) != duck.StateSuccess {
		return fail(duck.PendingError(pending))
	}
	var result duck.Result
	defer duck.DestroyResult(&result)
	if duck.ExecutePending(pending, &result) != duck.StateSuccess {
		return fail(duck.ResultError(&result))
	}
	return f(&result)
}

// bind gives the parameter called name its value.
func bind(statement duck.PreparedStatement, name string, value any) error {
	var at duck.IdxT
	if duck.BindParameterIndex(statement, &at, name) != duck.StateSuccess {
		return fmt.Errorf("it has no parameter %s", name)
	}
	var state duck.State
	switch v := value.(type) {
	case nil:
		state = duck.BindNull(statement, at)
	case int64:
		state = duck.BindInt64(statement, at, v)
	case float64:
		state = duck.BindDouble(statement, at, v)
	case string:
		state = duck.BindVarchar(statement, at, v)
	case bool:
		state = duck.BindBoolean(statement, at, v)
	case arrow.Date32:
		state = duck.BindDate(statement, at, duck.NewDate(int32(v)))
	case arrow.Timestamp:
		state = duck.BindTimestamp(statement, at, duck.NewTimestamp(int64(v)))
	default:
		return fmt.Errorf("the parameter %s is of type %T", name, value)
	}
	if state != duck.StateSuccess {
		return fmt.Errorf("the parameter %s cannot have the value %v", name, value)
	}
	return nil
}

// exec runs q to its end.
func (c *conn) exec(ctx context.Context, q sql.Query) error {
	return c.run(ctx, q, func(*duck.Result) error { return nil })
}

// do runs statements that have no parameters, in order.
func (c *conn) do(ctx context.Context, name string, statements ...string) error {
	for _, s := range statements {
		if err := c.exec(ctx, sql.Query{Name: name, Text: s}); err != nil {
			return err
		}
	}
	return nil
}

// rows returns the few rows of q as text. None of its values may be NULL.
func (c *conn) rows(ctx context.Context, name, text string, params map[string]any) ([][]string, error) {
	var out [][]string
	var err error
	c.stream(ctx, sql.Query{Name: name, Text: text, Params: params}, func(b frame.Batch, e error) bool {
		if err = e; err != nil {
			return false
		}
		for i := range int(b.NumRows()) {
			row := make([]string, b.NumCols())
			for j := range row {
				row[j] = b.Column(j).ValueStr(i)
			}
			out = append(out, row)
		}
		return true
	})
	return out, err
}

// transaction runs f between BEGIN and COMMIT; after an error nothing is left of it. COMMIT itself is not interrupted.
func (c *conn) transaction(ctx context.Context, f func() error) error {
	if err := c.do(ctx, "begin", "BEGIN TRANSACTION"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = c.interrupted(ctx)
	}
	c.steady = true
	defer func() { c.steady = false }()
	if err == nil {
		if err = c.do(ctx, "commit", "COMMIT"); err == nil {
			return nil
		}
	}
	_ = c.do(ctx, "rollback", "ROLLBACK") // fails where a fatal error has ended the transaction
	return err
}

// session returns a connection on which unqualified names are those of the published file, for reading.
func (d *db) session(ctx context.Context) (*conn, error) {
	if err := d.gate.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.newSession(ctx)
	if err != nil {
		d.gate.Release(1)
	}
	return c, err
}

func (d *db) newSession(ctx context.Context) (*conn, error) {
	if err := d.retain(ctx); err != nil {
		return nil, err
	}
	if n := len(d.idle); n > 0 {
		c := d.idle[n-1]
		d.idle = d.idle[:n-1]
		return c, nil
	}
	c, err := d.connect(ctx)
	if err == nil {
		if err = c.do(ctx, "search path", "SET search_path = '"+publishedDB+".main'"); err == nil {
			return c, nil
		}
		c.close()
	}
	d.letGo()
	return nil, err
}

// release ends a session.
func (d *db) release(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.idle) < 8 && !d.closed.Load() {
		d.idle = append(d.idle, c)
	} else {
		c.close()
	}
	d.letGo()
	d.gate.Release(1)
}
