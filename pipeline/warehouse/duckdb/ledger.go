package duckdb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// runsOf is the SELECT of each run's latest event, given the name of the ledger.
func runsOf(ledger string) string {
	return "SELECT * FROM " + ledger + " QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) = 1"
}

// latest is runsOf of the ledger of the published file, as a relation.
var latest = "(" + runsOf(publishedName(warehouse.Runs.Name)) + ")"

// current is the newest published date, NULL where there is none.
var current = "(SELECT max(as_of) FROM " + latest + " WHERE state = 'PUBLISHED' AND NOT backfill)"

// mayRun asks the ledger whether the slot of run is still to be published, by run.
func (c *conn) mayRun(ctx context.Context, run warehouse.Run) error {
	if has, err := c.owned(ctx, run); err != nil || !has {
		return err
	}
	asOf := map[string]any{"as_of": frame.DayOf(run.AsOf)}
	by, err := c.doneBy(ctx, run)
	if err != nil {
		return err
	}
	if by != "" {
		return fmt.Errorf("%w: %s, by run %s", warehouse.ErrDone, run.AsOf.Format(time.DateOnly), by)
	}
	previous, err := c.rows(ctx, "previous run", "SELECT run_id FROM "+latest+
		" WHERE as_of < $as_of AND state = 'PUBLISHED' ORDER BY as_of DESC, ended_at DESC, run_id LIMIT 1", asOf)
	if err != nil {
		return err
	}
	newest := ""
	if len(previous) > 0 {
		newest = previous[0][0]
	}
	if newest != run.Previous {
		return fmt.Errorf("%w: the newest run before %s is %q, this one builds on %q", warehouse.ErrMoved,
			run.AsOf.Format(time.DateOnly), newest, run.Previous)
	}
	return nil
}

// doneBy returns the run that has published the slot of run for good; empty where there is none.
func (c *conn) doneBy(ctx context.Context, run warehouse.Run) (string, error) {
	done, err := c.rows(ctx, "slot", "SELECT run_id, digest, state, backfill FROM "+latest+
		" WHERE as_of = $as_of AND state IN ('PUBLISHED', 'BROKEN') ORDER BY ended_at DESC, run_id",
		map[string]any{"as_of": frame.DayOf(run.AsOf)})
	if err != nil {
		return "", err
	}
	for i, r := range done {
		by, digest, state, backfill := r[0], r[1], warehouse.State(r[2]), r[3] == "true"
		if state == warehouse.Broken {
			continue
		}
		same := i == 0 && digest == run.Digest && backfill == run.Backfill // i is 0: nothing broken came after it
		if !same && (backfill || !run.Backfill) {
			return "", nil
		}
		if there, err := c.keeps(ctx, run); err != nil || !there {
			return "", err
		}
		return by, nil
	}
	return "", nil
}

// keeps says whether rows of run's date are still there, which retention takes from all dated tables at once.
func (c *conn) keeps(ctx context.Context, run warehouse.Run) (bool, error) {
	tables, err := c.datedTables(ctx)
	if err != nil || len(tables) == 0 {
		return err == nil, err
	}
	var there []string
	for _, t := range tables {
		there = append(there, "EXISTS (SELECT 1 FROM "+publishedName(t)+" WHERE as_of = $as_of)")
	}
	rows, err := c.rows(ctx, "rows of the slot", "SELECT "+strings.Join(there, " OR "),
		map[string]any{"as_of": frame.DayOf(run.AsOf)})
	if err != nil {
		return false, err
	}
	return rows[0][0] == "true", nil
}

// mayRecord says whether e, which publishes nothing, may be the last word on its run.
func (c *conn) mayRecord(ctx context.Context, e warehouse.Entry) error {
	if has, err := c.owned(ctx, e.Run); err != nil || !has || e.State == warehouse.Broken {
		return err
	}
	published, err := c.rows(ctx, "published run", "SELECT ended_at FROM "+publishedName(warehouse.Runs.Name)+
		" WHERE run_id = $run_id AND state = 'PUBLISHED' LIMIT 1", map[string]any{"run_id": e.ID})
	if err != nil || len(published) == 0 {
		return err
	}
	return fmt.Errorf("%w: at %s; it is not %s", warehouse.ErrDone, published[0][0], e.State)
}

// owned says whether there is a ledger. It fails where that is not the ledger of run's configuration.
func (c *conn) owned(ctx context.Context, run warehouse.Run) (bool, error) {
	has, err := c.columns(ctx, warehouse.Runs.Name)
	if err != nil || has == nil {
		return false, err
	}
	for _, needed := range []string{"run_id", "name", "as_of", "digest", "state", "backfill", "ended_at"} {
		if _, ok := has[needed]; !ok {
			return false, fmt.Errorf("%w: %s has a table %s that is no ledger: it lacks the column %s",
				warehouse.ErrOwner, c.d.path, warehouse.Runs.Name, needed)
		}
	}
	owner, err := c.rows(ctx, "owner", "SELECT name FROM "+publishedName(warehouse.Runs.Name)+" WHERE name <> $name LIMIT 1",
		map[string]any{"name": run.Name})
	if err != nil {
		return false, err
	}
	if len(owner) > 0 {
		return false, fmt.Errorf("%w: %s is that of %q; give %q a file of its own", warehouse.ErrOwner, c.d.path, owner[0][0], run.Name)
	}
	return true, nil
}

// record adds e to the ledger.
func (c *conn) record(ctx context.Context, e warehouse.Entry) error {
	values := map[string]any{
		"run_id": e.ID, "name": e.Name, "as_of": frame.DayOf(e.AsOf), "digest": e.Digest, "previous_run": any(e.Previous),
		"state": string(e.State), "backfill": e.Backfill,
		"started_at": arrow.Timestamp(e.StartedAt.UnixMicro()), "ended_at": arrow.Timestamp(e.EndedAt.UnixMicro()),
		"customers": e.Customers, "left_out": e.LeftOut, "code_version": e.CodeVersion, "message": e.Message,
	}
	if e.Previous == "" {
		values["previous_run"] = nil
	}
	values["bytes_billed"], values["snapshot"] = nil, nil // nobody charges, and nothing is pinned
	cols := warehouse.Runs.Columns
	return c.exec(ctx, sql.Query{
		Name: "ledger", Params: values,
		Text: "INSERT INTO " + publishedName(warehouse.Runs.Name) + " (" + names(cols) + ") VALUES (" +
			list(len(cols), func(i int) string { return "$" + cols[i].Name }) + ")",
	})
}

// A columnState is a column as the published file has it.
type columnState struct {
	dataType, comment string
	nullable          bool
}

// columns returns the columns of a published table or view by name; nil where there is none.
func (c *conn) columns(ctx context.Context, table string) (map[string]columnState, error) {
	rows, err := c.rows(ctx, "columns of "+table, `SELECT column_name, data_type, is_nullable, coalesce(comment, '')
		FROM duckdb_columns() WHERE database_name = $db AND schema_name = 'main' AND table_name = $table`,
		map[string]any{"db": publishedDB, "table": table})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	out := map[string]columnState{}
	for _, r := range rows {
		out[r[0]] = columnState{dataType: r[1], nullable: r[2] == "true", comment: r[3]}
	}
	return out, nil
}

// refuseStrangers fails where the published file has no ledger, and yet something under one of our names.
func (c *conn) refuseStrangers(ctx context.Context, refs []warehouse.Ref) error {
	ledger, err := c.columns(ctx, warehouse.Runs.Name)
	if err != nil || ledger != nil {
		return err
	}
	ours := []string{warehouse.Runs.Name, "runs"}
	for _, r := range refs {
		ours = append(ours, r.Table.Name, r.Table.Name+"_current")
	}
	rows, err := c.rows(ctx, "names in use", `SELECT table_name FROM information_schema.tables
		WHERE table_catalog = $db AND table_schema = 'main' AND lower(table_name) IN (`+
		list(len(ours), func(i int) string { return sql.DuckDB.Literal(strings.ToLower(ours[i])) })+`) ORDER BY table_name`,
		map[string]any{"db": publishedDB})
	if err != nil || len(rows) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s has a table %s that this program did not make; rename it, or publish to another file",
		warehouse.ErrOwner, c.d.path, rows[0][0])
}

// ensure makes the published table t, or adds what it lacks.
func (c *conn) ensure(ctx context.Context, t frame.Table) error {
	at := publishedName(t.Name)
	has, err := c.columns(ctx, t.Name)
	if err != nil {
		return err
	}
	var statements []string
	if has == nil {
		statements = append(statements, sql.CreateTable(t, sql.DuckDB, at))
	}
	stale := has == nil
	declared := map[string]bool{}
	for _, col := range t.Columns {
		h, ok := has[col.Name]
		declared[col.Name] = !col.Nullable
		stale = stale || h.comment != sql.Description(col)
		switch {
		case has == nil:
		case !ok:
			statements = append(statements, sql.AddColumn(col, sql.DuckDB, at))
		case h.dataType != sql.DuckDB.Type(col.Kind):
			return fmt.Errorf("the column %s.%s is of type %s, want %s; rename the table in %s or publish to another file",
				t.Name, col.Name, h.dataType, sql.DuckDB.Type(col.Kind), c.d.path)
		}
	}
	for name, h := range has {
		if !h.nullable && !declared[name] {
			statements = append(statements, "ALTER TABLE "+at+" ALTER COLUMN "+quote(name)+" DROP NOT NULL")
		}
	}
	if stale {
		statements = append(statements, sql.Comments(t, at)...)
	}
	return c.do(ctx, "table "+t.Name, statements...)
}

// names returns the list of the names of cols.
func names(cols []frame.Column) string {
	return list(len(cols), func(i int) string { return quote(cols[i].Name) })
}
