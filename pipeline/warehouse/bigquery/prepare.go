package bigquery

import (
	"context"
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

// currentView ends the names of the views of the newest date.
const currentView = "_current"

// prepare makes what a publish needs before its transaction, in which nothing permanent can be made: the ledger, the
// tables of refs and the columns that they lack, and the views. Readers notice nothing of it: new tables are empty, new
// columns NULL, and the views show what they showed.
func (d *db) prepare(ctx context.Context, key string, from frame.Day, refs []warehouse.Ref, views []warehouse.View) error {
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
	_, err = d.call.Query(ctx, q)
	return err
}

// tablesOf lists the ledger and the tables of refs, each once.
func tablesOf(refs []warehouse.Ref) []frame.Table {
	out, seen := []frame.Table{warehouse.Runs}, map[string]bool{warehouse.Runs.Name: true}
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

// viewStatements renews the view of the latest events, of each dated table that of its newest date, and views.
//
// The date that a view of the newest date shows is in the ledger, so that one transaction turns all of them over. BigQuery
// leaves partitions unread only where it knows them before it begins: that is what the bound from is for, a constant that
// no current date lies before while the view has it.
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
	runs := d.published("runs")
	out := []string{
		"CREATE OR REPLACE VIEW " + runs + " OPTIONS (description = " + sql.BigQuery.Literal("The latest event of each run.") + ") AS\n" +
			"SELECT * FROM " + d.published(warehouse.Runs.Name) +
			" WHERE TRUE QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) = 1",
	}
	where := "as_of = (SELECT max(as_of) FROM " + runs + " WHERE state = 'PUBLISHED' AND NOT backfill)"
	if from != 0 {
		where = "as_of >= DATE '" + frame.TimeOf(from).Format(time.DateOnly) + "' AND " + where
	}
	for _, name := range dated { // those that are not published now too: none stays behind the ledger
		md, err := d.call.Table(ctx, d.outputTable(name))
		if err != nil {
			return nil, err
		}
		columns, described := make([]string, len(md.Schema)), make([]string, len(md.Schema))
		for i, f := range md.Schema {
			columns[i] = "`" + f.Name + "`"
			described[i] = columns[i] + " OPTIONS (description = " + sql.BigQuery.Literal(f.Description) + ")"
		}
		out = append(out, "CREATE OR REPLACE VIEW "+d.published(name+currentView)+" ("+strings.Join(described, ", ")+
			") OPTIONS (description = "+sql.BigQuery.Literal("The newest published date of "+name+".")+") AS\n"+
			"SELECT "+strings.Join(columns, ", ")+" FROM "+d.published(name)+" WHERE "+where)
	}
	for _, v := range views {
		var reads []sql.Relation
		for _, name := range v.Reads {
			reads = append(reads, sql.Relation{Name: name, Select: "SELECT * FROM " + d.published(name)})
		}
		q, err := sql.Bind(v.Query, sql.BigQuery, nil, reads...)
		if err != nil {
			return nil, err
		}
		out = append(out, "CREATE OR REPLACE VIEW "+d.published(v.Name)+" OPTIONS (description = "+sql.BigQuery.Literal(v.Doc)+") AS\n"+q.Text)
	}
	return out, nil
}
