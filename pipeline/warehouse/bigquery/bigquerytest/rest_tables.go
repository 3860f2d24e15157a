package bigquerytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	bq "google.golang.org/api/bigquery/v2"
)

// table is a table on the server.
type table struct {
	meta    *bq.Table
	schema  *arrow.Schema
	records []arrow.Record
}

// AddDataset makes a dataset.
func (s *REST) AddDataset(project, id, location string) {
	s.AddExpiringDataset(project, id, location, 0)
}

// AddExpiringDataset makes a dataset whose tables are to expire after stay. They do only if they say so themselves.
func (s *REST) AddExpiringDataset(project, id, location string, stay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.datasets[project+"."+id] = &bq.Dataset{
		DefaultTableExpirationMs: stay.Milliseconds(),
		Id:                       project + ":" + id, DatasetReference: &bq.DatasetReference{ProjectId: project, DatasetId: id},
		Location: location, CreationTime: s.hooks.Now().UnixMilli(), Etag: s.etag(),
	}
}

// Put makes the rows of the table called P.D.T these, or makes the table.
func (s *REST) Put(name string, schema *arrow.Schema, records ...arrow.Record) error {
	_, err := s.store(name, nil, schema, records, "WRITE_TRUNCATE", "CREATE_IF_NEEDED")
	return err
}

// Drop removes the table called P.D.T.
func (s *REST) Drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tables, name)
}

// Table returns the rows of the table called name, which is projects/P/datasets/D/tables/T, or P.D.T.
func (s *REST) Table(name string) (*arrow.Schema, []arrow.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := strings.Split(name, "/"); len(p) == 6 {
		name = p[1] + "." + p[3] + "." + p[5]
	}
	t, err := s.there(name)
	if err != nil {
		return nil, nil, err
	}
	return t.schema, slices.Clone(t.records), nil
}

// there returns a table that is there and has not expired, under the lock.
func (s *REST) there(name string) (*table, error) {
	p := strings.SplitN(name, ".", 3)
	if len(p) != 3 || s.datasets[p[0]+"."+p[1]] == nil {
		return nil, notFound("Dataset", strings.Replace(strings.Join(p[:min(len(p), 2)], "."), ".", ":", 1))
	}
	t := s.tables[name]
	if t != nil && !s.hooks.Linger && t.meta.ExpirationTime != 0 && t.meta.ExpirationTime <= s.hooks.Now().UnixMilli() {
		delete(s.tables, name)
		t = nil
	}
	if t == nil {
		return nil, notFound("Table", strings.Replace(name, ".", ":", 1))
	}
	return t, nil
}

// store writes rows as a job's dispositions say, and returns how many.
func (s *REST) store(
	name string, declared *bq.TableSchema, schema *arrow.Schema, records []arrow.Record, write, create string,
) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.there(name)
	if err != nil {
		if create == "CREATE_NEVER" || !strings.HasPrefix(err.Error(), "Not found: Table") {
			return 0, err
		}
		t = s.newTable(name, &bq.Table{})
	}
	if declared == nil {
		declared = tableSchema(schema)
	}
	switch {
	case write == "WRITE_TRUNCATE", len(t.records) == 0:
		t.schema, t.records, t.meta.Schema = schema, records, declared
	case write == "WRITE_APPEND":
		t.records = append(slices.Clip(t.records), records...)
	default:
		return 0, duplicate("Table", strings.Replace(name, ".", ":", 1))
	}
	var rows int64
	for _, r := range records {
		rows += r.NumRows()
	}
	t.count()
	s.touch(t)
	return rows, nil
}

func (t *table) count() {
	t.meta.NumRows = 0
	for _, r := range t.records {
		t.meta.NumRows += uint64(r.NumRows())
	}
}

// newTable makes a table, under the lock.
func (s *REST) newTable(name string, meta *bq.Table) *table {
	p := strings.SplitN(name, ".", 3)
	meta.TableReference = &bq.TableReference{ProjectId: p[0], DatasetId: p[1], TableId: p[2]}
	meta.Id, meta.Kind, meta.Type = p[0]+":"+p[1]+"."+p[2], "bigquery#table", "TABLE"
	if meta.View != nil {
		meta.Type = "VIEW"
	}
	meta.CreationTime, meta.Location = s.hooks.Now().UnixMilli(), s.datasets[p[0]+"."+p[1]].Location
	t := &table{meta: meta, schema: arrow.NewSchema(nil, nil)}
	s.tables[name] = t
	s.touch(t)
	return t
}

func (s *REST) touch(t *table) {
	t.meta.Etag, t.meta.LastModifiedTime = s.etag(), uint64(s.hooks.Now().UnixMilli())
}

func (s *REST) getDataset(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.datasets[r.dataset()]
	if d == nil {
		return nil, notFound("Dataset", strings.Replace(r.dataset(), ".", ":", 1))
	}
	return *d, nil
}

func (s *REST) getTable(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.there(r.table())
	if err != nil {
		return nil, err
	}
	return t.copy(), nil
}

// copy is for answers, which are written without the lock.
func (t *table) copy() *bq.Table {
	c := *t.meta
	return &c
}

func (s *REST) insertTable(r *request) (any, error) {
	var meta bq.Table
	if err := r.decode(&meta); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.newTable()
	switch _, err := s.there(name); {
	case err == nil:
		return nil, duplicate("Table", strings.Replace(name, ".", ":", 1))
	case !strings.HasPrefix(err.Error(), "Not found: Table"):
		return nil, err
	}
	t := s.newTable(name, &meta)
	s.effect("tables.insert", name)
	return t.copy(), nil
}

// patchTable merges the request into the table (RFC 7396). The columns that there are must stay.
func (s *REST) patchTable(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.there(r.table())
	if err != nil {
		return nil, err
	}
	if match := r.Header.Get("If-Match"); match != "" && match != t.meta.Etag {
		return nil, failure{http.StatusPreconditionFailed, "conditionNotMet", "Precondition Failed"}
	}
	var have, patch any
	b, err := json.Marshal(t.meta)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &have); err != nil {
		return nil, err
	}
	if err := r.decode(&patch); err != nil {
		return nil, err
	}
	if b, err = json.Marshal(merge(have, patch)); err != nil {
		return nil, err
	}
	var meta bq.Table
	if err := json.Unmarshal(b, &meta); err != nil {
		return nil, failure{http.StatusBadRequest, "invalid", err.Error()}
	}
	if lacking := lacks(meta.Schema, t.meta.Schema); lacking != "" {
		return nil, failure{http.StatusBadRequest, "invalid", fmt.Sprintf(
			"Provided Schema does not match Table %s. Field %s is missing in new schema", meta.Id, lacking)}
	}
	t.meta = &meta
	s.touch(t)
	s.effect("tables.patch", r.table())
	return t.copy(), nil
}

// lacks returns a column of old that schema does not have, or "".
func lacks(schema, old *bq.TableSchema) string {
	if schema == nil || old == nil {
		return ""
	}
	for _, f := range old.Fields {
		same := func(g *bq.TableFieldSchema) bool { return g.Name == f.Name && g.Type == f.Type }
		if !slices.ContainsFunc(schema.Fields, same) {
			return f.Name
		}
	}
	return ""
}

func merge(have, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	h, ok := have.(map[string]any)
	if !ok {
		h = map[string]any{}
	}
	for k, v := range p {
		if v == nil {
			delete(h, k)
		} else {
			h[k] = merge(h[k], v)
		}
	}
	return h
}

func (s *REST) deleteTable(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.there(r.table()); err != nil {
		return nil, err
	}
	delete(s.tables, r.table())
	s.effect("tables.delete", r.table())
	return nil, nil
}

func (s *REST) listTables(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.datasets[r.dataset()] == nil {
		return nil, notFound("Dataset", strings.Replace(r.dataset(), ".", ":", 1))
	}
	names := s.names(r.dataset())
	q := r.URL.Query()
	from, _ := strconv.Atoi(q.Get("pageToken"))
	page, _ := strconv.Atoi(q.Get("maxResults"))
	if page <= 0 {
		page = 50
	}
	from = min(max(from, 0), len(names))
	to := min(from+page, len(names))
	out := &bq.TableList{TotalItems: int64(len(names))}
	for _, name := range names[from:to] {
		m := s.tables[name].meta
		out.Tables = append(out.Tables, &bq.TableListTables{Id: m.Id, TableReference: m.TableReference, Type: m.Type})
	}
	if to < len(names) {
		out.NextPageToken = strconv.Itoa(to)
	}
	return out, nil
}

// names returns the tables of a dataset in order, under the lock.
func (s *REST) names(dataset string) []string {
	var names []string
	for name := range s.tables {
		if _, err := s.there(name); err == nil && strings.HasPrefix(name, dataset+".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// reference returns the name of a table as P.D.T.
func reference(t *bq.TableReference) string {
	if t == nil {
		return ""
	}
	return t.ProjectId + "." + t.DatasetId + "." + t.TableId
}
