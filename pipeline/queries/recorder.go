package queries

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// A recorder is a warehouse that keeps what it is asked. It answers as if every table had one row, and none where all
// rows are read.
type recorder struct {
	scene   string                      // what the job is at: it goes before the names of queries
	history bool                        // whether there is something published
	pinned  bool                        // whether the sources can be read as of a moment
	answers map[string]answer           // by the name of the query
	sources map[string][]sql.ColumnInfo // by the name of the source

	tables    map[string][]Column    // what there is, by quoted name
	published map[string]frame.Table // of that, what the job has been given to read
	asked     []Query
	bound     map[string]sql.Query // the newest query of each name
	seen      map[string]bool      // the hashes and names of what was asked

	staging sync.Mutex // writers are committed side by side
}

func newRecorder() *recorder {
	return &recorder{
		answers: map[string]answer{}, sources: map[string][]sql.ColumnInfo{}, tables: map[string][]Column{},
		published: map[string]frame.Table{}, bound: map[string]sql.Query{}, seen: map[string]bool{},
	}
}

// findTables notes which tables each query reads.
func (r *recorder) findTables() {
	for i, q := range r.asked {
		for _, name := range slices.Sorted(maps.Keys(r.tables)) {
			if strings.Contains(q.Text, name) {
				r.asked[i].Reads = append(r.asked[i].Reads, Table{name, r.tables[name]})
			}
		}
	}
}

// declare says that there is a table with the columns cs. It fails where one name would stand for two tables.
func (r *recorder) declare(dataset, name string, cs []Column) (quoted string, err error) {
	if quoted, err = sql.BigQuery.TableName("project." + dataset + "." + name); err != nil {
		return "", err
	}
	if had, ok := r.tables[quoted]; ok && !slices.Equal(had, cs) {
		return "", fmt.Errorf("%s is declared twice, with other columns", quoted)
	}
	r.tables[quoted] = cs
	return quoted, nil
}

// keep remembers q, which must give the columns gives.
func (r *recorder) keep(q sql.Query, gives []Column) error {
	r.bound[q.Name] = q
	kept := Query{Name: r.scene + ": " + q.Name, Text: q.Text, Gives: slices.Clone(gives)}
	slices.SortFunc(kept.Gives, func(a, b Column) int { return cmp.Compare(a.Name, b.Name) })
	for _, name := range slices.Sorted(maps.Keys(q.Params)) {
		t, ok := paramTypes[fmt.Sprintf("%T", q.Params[name])]
		if !ok {
			return fmt.Errorf("query %s: the parameter %s is of type %T, which no query may have", q.Name, name, q.Params[name])
		}
		kept.Params = append(kept.Params, Column{name, t})
	}
	if r.seen[kept.Hash()] {
		return nil
	}
	r.seen[kept.Hash()] = true
	for name, n := kept.Name, 2; r.seen[kept.Name]; n++ {
		kept.Name = fmt.Sprintf("%s, %d", name, n)
	}
	r.seen[kept.Name] = true
	r.asked = append(r.asked, kept)
	return nil
}

// paramTypes are the types of parameters by those of their values in Go.
var paramTypes = map[string]string{
	"int64": "INT64", "float64": "FLOAT64", "string": "STRING", "bool": "BOOL", "arrow.Date32": "DATE", "arrow.Timestamp": "TIMESTAMP",
}

func (r *recorder) Dialect() sql.Dialect { return sql.BigQuery }

func (r *recorder) Check(context.Context) error { return nil }

func (r *recorder) Charges() warehouse.Charges { return warehouse.Charges{} }

func (r *recorder) Pin(_ context.Context, names ...string) (warehouse.Pin, error) {
	p := warehouse.Pin{Tables: map[string]bool{}}
	for _, name := range names {
		p.Tables[name] = r.pinned
	}
	if r.pinned {
		p.At = clock()
	}
	return p, nil
}

// Estimate is asked of sources only: as they are, and mapped to columns that here are called the same.
func (r *recorder) Estimate(_ context.Context, q sql.Query) (warehouse.Estimate, error) {
	return warehouse.Estimate{Columns: r.sources[q.Name]}, r.keep(q, nil)
}

func (r *recorder) Fingerprint(_ context.Context, q sql.Query) (warehouse.Fingerprint, error) {
	return warehouse.Fingerprint{Rows: 1, Digest: "1"}, r.keep(q, nil)
}

func (r *recorder) Query(_ context.Context, q sql.Query) frame.Batches {
	a, ok := r.answers[q.Name]
	switch {
	case strings.HasPrefix(q.Name, "audit of "):
		a, ok = auditAnswer, true
	case q.Name == "report_day":
		a, ok = r.rowOf(q.Text)
	}
	if !ok {
		return frame.Fail(fmt.Errorf("query %s: answers.go does not say what it gives", q.Name))
	}
	if err := r.keep(q, columnsOf(a.columns)); err != nil {
		return frame.Fail(err)
	}
	return frame.Of(a.batch())
}

func (r *recorder) Published(_ context.Context, t frame.Table) (warehouse.Ref, bool, error) {
	if !r.history {
		return warehouse.Ref{}, false, nil
	}
	name, err := r.declare("published", t.Name, columnsOf(t.Columns))
	r.published[name] = t
	return warehouse.Ref{Name: name, Table: t, Rows: 1}, true, err
}

func (r *recorder) Claim(context.Context, warehouse.Run) error { return nil }

func (r *recorder) Materialize(_ context.Context, t frame.Table, q sql.Query) (warehouse.Ref, error) {
	if err := r.keep(q, columnsOf(t.Columns)); err != nil {
		return warehouse.Ref{}, err
	}
	return r.stage(t)
}

func (r *recorder) stage(t frame.Table) (warehouse.Ref, error) {
	r.staging.Lock()
	defer r.staging.Unlock()
	name, err := r.declare("staging", t.Name, columnsOf(t.Columns))
	return warehouse.Ref{Name: name, Table: t, Rows: 1}, err
}

func (r *recorder) Stage(_ context.Context, t frame.Table) (warehouse.Writer, error) {
	return writer{r, t}, nil
}

func (r *recorder) Scan(context.Context, warehouse.Ref, ...frame.Column) frame.Batches {
	return frame.Of()
}

// Publish keeps the views.
func (r *recorder) Publish(_ context.Context, _ warehouse.Entry, _ time.Time, views []warehouse.View, refs ...warehouse.Ref) error {
	for _, ref := range refs {
		for _, name := range []string{ref.Table.Name, ref.Table.Name + "_current"} {
			if _, err := r.declare("published", name, columnsOf(ref.Table.Columns)); err != nil {
				return err
			}
		}
	}
	for _, v := range views {
		if v.Gone {
			continue
		}
		q, err := sql.Bind(v.Query, sql.BigQuery, nil, v.Relations(func(name string) string { return "`project`.`published`.`" + name + "`" })...)
		if err != nil {
			return err
		}
		q.Text = "CREATE OR REPLACE VIEW `project`.`published`.`" + v.Name + "` AS " + q.Text
		if err := r.keep(q, nil); err != nil {
			return err
		}
	}
	return nil
}

func (r *recorder) Record(context.Context, warehouse.Entry, ...warehouse.Ref) error { return nil }

func (r *recorder) Sweep(context.Context) error { return nil }

func (r *recorder) Keep(context.Context, ...warehouse.Ref) (warehouse.Kept, error) {
	return warehouse.Kept{}, nil
}

func (r *recorder) Kept(context.Context, string, ...frame.Table) (warehouse.Kept, error) {
	return warehouse.Kept{}, nil
}

func (r *recorder) Close() error { return nil }

// A writer forgets what it is given.
type writer struct {
	r *recorder
	t frame.Table
}

func (w writer) Write(frame.Batch) error { return nil }

func (w writer) Commit() (warehouse.Ref, error) { return w.r.stage(w.t) }

func (w writer) Abort() error { return nil }

// natives returns the columns of a source with the warehouse's own types.
func natives(cs []sql.ColumnInfo) []Column {
	out := make([]Column, len(cs))
	for i, c := range cs {
		out[i] = Column{c.Name, c.Native}
	}
	return out
}
