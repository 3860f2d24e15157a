package bigquery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"
	"golang.org/x/sync/errgroup"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/sql"
	"segments/transforms/frame"
)

// currentSuffix ends the names of the views of the newest date.
const currentSuffix = "_current"

// prepare makes what a publish needs before its transaction, in which nothing permanent can be made: the ledger, the
// tables of refs and the columns that they lack, and the views. Readers notice nothing of it: new tables are empty, new
// columns NULL, and the views show what they showed.
func (d *db) prepare(ctx context.Context, key string, from frame.Day, refs []warehouse.Ref, views []warehouse.View) error {
	if err := d.ensure(ctx, warehouse.Runs); err != nil { // first: what is there without a ledger is taken for a stranger's
		return err
	}
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, t := range tablesOf(refs) {
		group.Go(func() error { return d.ensure(limited, t) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	statements, err := d.viewStatements(ctx, from, refs, views)
	if err != nil {
		return err
	}
	q, err := d.query(sql.Query{Name: "views", Text: strings.Join(statements, ";\n") + ";"}, key)
	if err != nil {
		return err
	}
	q.Anyway = true // it costs nothing
	_, err = d.call.Query(ctx, q)
	return err
}

// tablesOf lists the tables of refs, each once.
func tablesOf(refs []warehouse.Ref) []frame.Table {
	var out []frame.Table
	seen := map[string]bool{}
	for _, r := range refs {
		if !seen[r.Table.Name] {
			out = append(out, r.Table)
		}
		seen[r.Table.Name] = true
	}
	return out
}

// ensure makes the published table t, or adds what it lacks: one change of the table at most, since BigQuery counts them.
func (d *db) ensure(ctx context.Context, t frame.Table) error {
	at := d.outputTable(t.Name)
	md, err := d.call.Table(ctx, at)
	if errors.Is(err, warehouse.ErrNotFound) {
		made := &bq.TableMetadata{Description: t.Doc, Schema: schemaOf(t.Columns, true), Labels: map[string]string{"application": "segments"}}
		if t.PartitionBy == "as_of" {
			made.TimePartitioning = &bq.TimePartitioning{Type: bq.DayPartitioningType, Field: "as_of"}
		}
		if len(t.ClusterBy) > 0 {
			made.Clustering = &bq.Clustering{Fields: t.ClusterBy}
		}
		if err := d.call.Create(ctx, at, made); err == nil || !errors.Is(err, call.ErrExists) {
			return err
		}
		md, err = d.call.Table(ctx, at)
	}
	if err != nil {
		return err
	}
	schema, stale := schemaOf(t.Columns, true), md.Description != t.Doc
	out := bq.Schema{}
	for _, has := range md.Schema {
		want := field(schema, has.Name)
		f := *has
		switch {
		case want == nil:
			f.Required = false // rows no longer have it
		case want.Type != has.Type || has.Repeated:
			_, is := typeOf(has)
			_, should := typeOf(want)
			return fmt.Errorf("%w: the column %s.%s is of type %s, want %s; rename the table in %s or publish to another data set",
				warehouse.ErrUnusable, t.Name, has.Name, is, should, d.output.ID())
		default:
			f.Description, f.Required = want.Description, has.Required && want.Required
		}
		stale = stale || f.Description != has.Description || f.Required != has.Required
		out = append(out, &f)
	}
	for _, want := range schema {
		if field(md.Schema, want.Name) == nil {
			f := *want
			f.Required = false // older rows lack it
			out, stale = append(out, &f), true
		}
	}
	if !stale {
		return nil
	}
	_, err = d.call.Update(ctx, at, bq.TableMetadataToUpdate{Schema: out, Description: t.Doc}, md.ETag)
	return err
}

// bound returns a date that neither the current one before a change of the ledger lies before, nor that after it; 0 where
// one of them is none.
func bound(before, after ledger) frame.Day {
	a, ok := before.current()
	b, too := after.current()
	if !ok || !too {
		return 0
	}
	return min(a, b)
}

// viewStatements renews the view of the latest events, of each dated table that of its newest date, and views. Dated
// tables that are not published now are among them: none stays behind the ledger.
func (d *db) viewStatements(ctx context.Context, from frame.Day, refs []warehouse.Ref, views []warehouse.View) ([]string, error) {
	dated, err := d.datedTables(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range refs {
		if r.Table.PartitionBy == "as_of" && !slices.Contains(dated, r.Table.Name) {
			dated = append(dated, r.Table.Name)
		}
	}
	out := []string{d.lock(), d.runsView()}
	for _, name := range dated {
		md, err := d.call.Table(ctx, d.outputTable(name))
		if err != nil {
			return nil, err
		}
		out = append(out, d.currentView(name, md.Schema, from))
	}
	for _, v := range views {
		text, err := d.namedView(ctx, v)
		if err != nil {
			return nil, err
		}
		if text != "" {
			out = append(out, text)
		}
	}
	return out, nil
}

// lockTable has the one row that every transaction changes.
const lockTable = "run_lock"

// lock is the statement that makes the table run_lock with its row, unless it is there.
func (d *db) lock() string {
	return "CREATE TABLE IF NOT EXISTS " + d.published(lockTable) + " OPTIONS (description = " +
		sql.BigQuery.Literal("One row that every publish changes, so that of two at once BigQuery ends one.") + ") AS\nSELECT 0 AS changes"
}

func (d *db) runsView() string {
	return d.view("runs", "", "The latest event of each run.",
		"SELECT * EXCEPT (nth) FROM (SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth FROM "+
			d.published(warehouse.Runs.Name)+") AS e WHERE nth = 1")
}

// currentView is the view of the newest date of the table called name.
//
// The date is in the ledger, so that one transaction turns all of these views over. BigQuery leaves partitions unread only
// where it knows them before it begins: that is what the bound from is for, a constant that no current date lies before
// while the view has it; 0 is none.
func (d *db) currentView(name string, schema bq.Schema, from frame.Day) string {
	where := "as_of = (SELECT max(as_of) FROM " + d.published("runs") + " WHERE state = 'PUBLISHED' AND NOT backfill)"
	if from != 0 {
		where = "as_of >= DATE '" + frame.TimeOf(from).Format(time.DateOnly) + "' AND " + where
	}
	columns, described := make([]string, len(schema)), make([]string, len(schema))
	for i, f := range schema {
		columns[i] = "`" + f.Name + "`"
		described[i] = columns[i] + " OPTIONS (description = " + sql.BigQuery.Literal(f.Description) + ")"
	}
	return d.view(name+currentSuffix, " ("+strings.Join(described, ", ")+")", "The newest published date of "+name+".",
		"SELECT "+strings.Join(columns, ", ")+" FROM "+d.published(name)+" WHERE "+where)
}

// namedView is the statement that makes the view v, or drops it where it is not wanted; none where nothing is to be done.
//
// A view over sources is left alone while it is what it should be, which its description tells: once a data set has
// authorized it, who replaces it needs bigquery.datasets.update there, which a run has not
// (https://github.com/mozilla/bigquery-etl/pull/4681).
func (d *db) namedView(ctx context.Context, v warehouse.View) (string, error) {
	q, err := sql.Bind(v.Query, sql.BigQuery, nil, v.Relations(d.published)...)
	if err != nil {
		return "", err
	}
	if len(v.Over) == 0 && !v.Gone {
		return d.view(v.Name, "", v.Doc, q.Text), nil
	}
	digest := sha256.Sum256([]byte(q.Text))
	doc := v.Doc + " Definition " + hex.EncodeToString(digest[:6]) + "."
	md, err := d.call.Table(ctx, d.outputTable(v.Name))
	if unlessMissing(err) != nil {
		return "", err
	}
	there := err == nil && md.Type == bq.ViewTable && strings.HasPrefix(md.Description, v.Doc)
	switch {
	case v.Gone && there:
		return "DROP VIEW IF EXISTS " + d.published(v.Name), nil
	case v.Gone, there && md.Description == doc:
		return "", nil
	}
	return d.view(v.Name, "", doc, q.Text), nil
}

// view is the statement that makes a view, or replaces it.
func (d *db) view(name, columns, doc, query string) string {
	return "CREATE OR REPLACE VIEW " + d.published(name) + columns + " OPTIONS (description = " + sql.BigQuery.Literal(doc) + ") AS\n" + query
}
