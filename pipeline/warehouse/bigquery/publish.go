package bigquery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/sql"
	"segments/transforms/frame"
)

func (d *db) Publish(ctx context.Context, e warehouse.Entry, keepFrom time.Time, views []warehouse.View, refs ...warehouse.Ref) error {
	if err := d.publish(ctx, e, keepFrom, views, refs); err != nil {
		return fmt.Errorf("publish %s: %w", e.ID, d.permit(err))
	}
	return nil
}

func (d *db) publish(ctx context.Context, e warehouse.Entry, keepFrom time.Time, views []warehouse.View, refs []warehouse.Ref) error {
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return err
	}
	defer end()
	c, err := d.claimed()
	if err != nil {
		return err
	}
	if c.run.ID != e.ID {
		return fmt.Errorf("the claim is that of %s", c.run.ID)
	}
	e.State = warehouse.Published
	e.EndedAt = e.EndedAt.Truncate(time.Microsecond)
	if err := d.mayRun(ctx, c.seen, e.Run); err != nil {
		return err
	}
	if err := d.refuseStrangers(ctx, c.seen, refs); err != nil {
		return err
	}
	after := c.seen.with(e)
	if err := d.prepare(ctx, c.key(), bound(c.seen, after), refs, views); err != nil {
		return err
	}
	s := d.script(c.seen, e)
	day, ok := c.seen.current()
	history := e.Backfill || ok && day > frame.DayOf(e.AsOf)
	var done []warehouse.Ref
	for _, r := range refs {
		if r.Table.PartitionBy == "" && history {
			continue
		}
		if err := s.replace(r); err != nil {
			return err
		}
		done = append(done, r)
	}
	s.record()
	if err := d.forget(ctx, s, after, e, keepFrom); err != nil {
		return err
	}
	if err := s.run(ctx, c.key(), "publish"); err != nil {
		return err
	}
	c.seen = after
	return d.verify(context.WithoutCancel(ctx), c, e, done)
}

// A script is the one transaction of a publish or of a record. It does nothing where its entry is in the ledger already,
// and fails where the ledger is no longer the one that it was made for.
//
// BigQuery lets two transactions go on side by side that only insert, or delete what is not there, so that both could
// find the ledger as they want it. Of two that update the same row it ends one: that row is in the table run_lock.
type script struct {
	d          *db
	e          warehouse.Entry
	statements []string
	params     map[string]any
}

// What the message of a script says that fails on purpose.
const (
	badCount    = "segments counted: "
	ledgerMoved = "segments: the ledger has changed"
)

func (d *db) script(seen ledger, e warehouse.Entry) *script {
	s := &script{d: d, e: e, params: map[string]any{
		"run_id": e.ID, "name": e.Name, "as_of": frame.DayOf(e.AsOf), "digest": e.Digest, "previous_run": any(e.Previous), "state": string(e.State),
		"backfill": e.Backfill, "started_at": arrow.Timestamp(e.StartedAt.UnixMicro()), "ended_at": arrow.Timestamp(e.EndedAt.UnixMicro()),
		"customers": e.Customers, "left_out": e.LeftOut, "bytes_billed": e.BytesBilled, "snapshot": nil, "code_version": e.CodeVersion, "message": e.Message,
		"seen": int64(len(seen.events)),
	}}
	if e.Previous == "" {
		s.params["previous_run"] = nil
	}
	if !e.Snapshot.IsZero() {
		s.params["snapshot"] = arrow.Timestamp(e.Snapshot.UnixMicro())
	}
	runs := d.published(warehouse.Runs.Name)
	s.add("BEGIN TRANSACTION",
		"UPDATE "+d.published(lockTable)+" SET changes = changes + 1 WHERE TRUE",
		"IF NOT EXISTS (SELECT 1 FROM "+runs+" WHERE run_id = @run_id AND ended_at = @ended_at AND state = @state) THEN\n"+
			"IF (SELECT count(*) FROM "+runs+") != @seen THEN RAISE USING MESSAGE = "+sql.BigQuery.Literal(ledgerMoved)+"; END IF")
	return s
}

func (s *script) add(statements ...string) { s.statements = append(s.statements, statements...) }

// replace puts the rows of r in the place of those that the run has published before, and counts them.
func (s *script) replace(r warehouse.Ref) error {
	where, err := partition(r.Table)
	if err != nil {
		return err
	}
	at, cols := s.d.published(r.Table.Name), names(r.Table.Columns)
	s.add("DELETE FROM "+at+" WHERE "+where,
		"INSERT INTO "+at+" ("+cols+") SELECT "+cols+" FROM "+r.Name)
	if r.Rows >= 0 {
		count := "(SELECT count(*) FROM " + at + " WHERE " + where + ")"
		s.add(fmt.Sprintf("IF %s != %d THEN RAISE USING MESSAGE = concat(%s, CAST(%s AS STRING), %s); END IF", count, r.Rows,
			sql.BigQuery.Literal(badCount+r.Table.Name+" has "), count, sql.BigQuery.Literal(fmt.Sprintf(" rows of this run, want %d", r.Rows))))
	}
	return nil
}

// record adds the entry to the ledger.
func (s *script) record() {
	cols := warehouse.Runs.Columns
	values := make([]string, len(cols))
	for i, c := range cols {
		values[i] = "CAST(@" + c.Name + " AS " + sql.BigQuery.Type(c.Kind) + ")" // a NULL has no type of its own
	}
	s.add("INSERT INTO " + s.d.published(warehouse.Runs.Name) + " (" + names(cols) + ") VALUES (" + strings.Join(values, ", ") + ")")
}

// text is the whole script.
func (s *script) text() string {
	return strings.Join(append(s.statements, "END IF", "COMMIT TRANSACTION"), ";\n") + ";\n"
}

// run runs the script, once.
func (s *script) run(ctx context.Context, key, step string) error {
	q, err := s.d.query(sql.Query{Name: step, Text: s.text(), Params: s.params}, key)
	q.Anyway = s.e.State != warehouse.Published
	if err != nil {
		return err
	}
	_, err = s.d.call.Query(ctx, q)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, call.ErrUnknown):
		return s.unknown(ctx, err)
	case strings.Contains(err.Error(), badCount):
		_, what, _ := strings.Cut(err.Error(), badCount)
		what, _, _ = strings.Cut(what, " at [")
		return fmt.Errorf("%w: %s", warehouse.ErrBadData, what)
	case strings.Contains(err.Error(), ledgerMoved):
		return fmt.Errorf("%w: the ledger has changed since this run began", warehouse.ErrMoved)
	}
	return err
}

// unknown asks the ledger whether the script, of which BigQuery gave no account, has taken effect. Where it has not by
// now, it may only do so before somebody else writes to the ledger, and the next run sees it there.
func (s *script) unknown(ctx context.Context, why error) error {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), ledgerTime)
	defer end()
	l, err := s.d.ledger(ctx)
	if err != nil {
		return fmt.Errorf("%w; the ledger does not answer: %w", why, err)
	}
	for _, e := range l.events {
		if e.run == s.e.ID && e.ended.Equal(s.e.EndedAt) && e.state == s.e.State {
			return nil
		}
	}
	return fmt.Errorf("%w; the ledger does not have it", why)
}

// ledgerTime is how long the ledger is asked for when an answer is missing.
const ledgerTime = 30 * time.Second

// forget adds the statements that delete the dates before keepFrom from every dated table, but neither e's date nor the
// current one, nor any after them.
func (d *db) forget(ctx context.Context, s *script, after ledger, e warehouse.Entry, keepFrom time.Time) error {
	if keepFrom.IsZero() {
		return nil
	}
	from := min(frame.DayOf(keepFrom), frame.DayOf(e.AsOf))
	if day, ok := after.current(); ok {
		from = min(from, day)
	}
	tables, err := d.datedTables(ctx)
	if err != nil {
		return err
	}
	s.params["keep_from"] = from
	for _, t := range tables {
		s.add("DELETE FROM " + d.published(t) + " WHERE as_of < @keep_from")
	}
	return nil
}

// verify counts what is published. What is not there is recorded as broken. Where it cannot be read now, there is only
// a warning, since what was committed is published.
func (d *db) verify(ctx context.Context, c *claim, e warehouse.Entry, refs []warehouse.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	counts, params := make([]string, len(refs)), map[string]any{}
	for i, r := range refs {
		where, err := partition(r.Table)
		if err != nil {
			return err
		}
		counts[i] = fmt.Sprintf("(SELECT count(*) FROM %s WHERE %s) AS n%d", d.published(r.Table.Name), where, i)
		switch r.Table.PartitionBy {
		case "as_of":
			params["as_of"] = frame.DayOf(e.AsOf)
		case "run_id":
			params["run_id"] = e.ID
		}
	}
	got, err := d.small(ctx, sql.Query{Name: "verify", Text: "SELECT " + strings.Join(counts, ",\n  "), Params: params})
	if err != nil {
		d.env.Log.Warn("published, but it could not be read back", "run", e.ID, "error", err)
		return nil
	}
	var wrong []string
	for i, r := range refs {
		if n := got.values[0][i].(int64); r.Rows >= 0 && n != r.Rows {
			wrong = append(wrong, fmt.Sprintf("%s has %d rows of this run, want %d", r.Table.Name, n, r.Rows))
		}
	}
	if wrong == nil {
		return nil
	}
	what := strings.Join(wrong, "; ")
	e.State, e.EndedAt, e.Message = warehouse.Broken, d.env.Now(), warehouse.ErrBroken.Error()+": "+what
	err = fmt.Errorf("%w: %s; publish the date again", warehouse.ErrBroken, what)
	if unsaid := d.record(ctx, c, e, nil); unsaid != nil {
		return fmt.Errorf("%w; the ledger does not say so: %w", err, unsaid)
	}
	return err
}

func (d *db) Record(ctx context.Context, e warehouse.Entry, refs ...warehouse.Ref) error {
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return err
	}
	defer end()
	fail := func(err error) error { return fmt.Errorf("record %s: %w", e.ID, d.permit(err)) }
	if e.State == warehouse.Published {
		return fail(errors.New("only Publish makes a run published"))
	}
	c, err := d.working()
	if errors.Is(err, warehouse.ErrBusy) { // a line of ours would make the other's publish fail
		return fail(err)
	}
	if err != nil { // a run that never came to work writes under a lease of its own
		if c, err = d.lease(ctx, e.Run); err != nil {
			return fail(err)
		}
		defer func() { _ = d.freed(c) }() // it ends by itself
		if c.seen, err = d.ledger(ctx); err != nil {
			return fail(err)
		}
	}
	if err := d.record(ctx, c, e, refs); err != nil {
		return fail(err)
	}
	return nil
}

func (d *db) record(ctx context.Context, c *claim, e warehouse.Entry, refs []warehouse.Ref) error {
	for _, r := range refs {
		if r.Table.PartitionBy != "run_id" {
			return fmt.Errorf("table %s is partitioned by %q, want run_id", r.Table.Name, r.Table.PartitionBy)
		}
	}
	if err := d.mayRecord(c.seen, e); err != nil {
		return err
	}
	if err := d.refuseStrangers(ctx, c.seen, refs); err != nil {
		return err
	}
	e.EndedAt = e.EndedAt.Truncate(time.Microsecond)
	after := c.seen.with(e)
	if err := d.prepare(ctx, c.key(), bound(c.seen, after), refs, nil); err != nil {
		return err
	}
	s := d.script(c.seen, e)
	for _, r := range refs {
		if err := s.replace(r); err != nil {
			return err
		}
	}
	s.record()
	if err := s.run(ctx, c.key(), "record"); err != nil {
		return err
	}
	c.seen = after
	return nil
}

// names returns the list of the names of cols.
func names(cols []frame.Column) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = "`" + c.Name + "`"
	}
	return strings.Join(out, ", ")
}
