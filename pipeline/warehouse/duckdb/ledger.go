package duckdb

import (
	"context"
	"fmt"
	"strings"

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

// mayRun holds run against the ledger. slot asks whether its slot is still to be published.
func (c *conn) mayRun(ctx context.Context, run warehouse.Run, slot bool) error {
	has, err := c.columns(ctx, warehouse.Runs.Name)
	if err != nil || has == nil {
		return err
	}
	for _, needed := range []string{"run_id", "name", "as_of", "digest", "state", "backfill", "ended_at"} {
		if _, ok := has[needed]; !ok {
			return fmt.Errorf("%w: %s has a table %s that is no ledger: it lacks the column %s",
				warehouse.ErrOwner, c.d.path, warehouse.Runs.Name, needed)
		}
	}
	owner, err := c.rows(ctx, "owner", "SELECT name FROM "+publishedName(warehouse.Runs.Name)+" WHERE name <> $name LIMIT 1",
		map[string]any{"name": run.Name})
	if err != nil {
		return err
	}
	if len(owner) > 0 {
		return fmt.Errorf("%w: %s is that of %q; give %q a file of its own", warehouse.ErrOwner, c.d.path, owner[0][0], run.Name)
	}
	asOf := map[string]any{"as_of": arrow.Date32FromTime(run.AsOf)}
	if !slot {
		return nil
	}
	done, err := c.rows(ctx, "slot", "SELECT run_id, digest, state FROM "+latest+
		" WHERE as_of = $as_of AND state IN ('PUBLISHED', 'BROKEN') ORDER BY ended_at DESC, run_id LIMIT 1", asOf)
	if err != nil {
		return err
	}
	if len(done) > 0 && done[0][1] == run.Digest && done[0][2] == string(warehouse.Published) {
		return fmt.Errorf("%w: %s, by run %s", warehouse.ErrDone, run.AsOf.Format("2006-01-02"), done[0][0])
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
			run.AsOf.Format("2006-01-02"), newest, run.Previous)
	}
	return nil
}

// record adds e to the ledger.
func (c *conn) record(ctx context.Context, e warehouse.Entry) error {
	values := map[string]any{
		"run_id": e.ID, "name": e.Name, "as_of": arrow.Date32FromTime(e.AsOf), "digest": e.Digest, "previous_run": any(e.Previous),
		"state": string(e.State), "backfill": e.Backfill,
		"started_at": arrow.Timestamp(e.StartedAt.UnixMicro()), "ended_at": arrow.Timestamp(e.EndedAt.UnixMicro()),
		"customers": e.Customers, "left_out": e.LeftOut, "code_version": e.CodeVersion, "message": e.Message,
	}
	if e.Previous == "" {
		values["previous_run"] = nil
	}
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
