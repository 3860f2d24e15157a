package bigquerytest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	bq "google.golang.org/api/bigquery/v2"
)

// queryResults says whether a query is done, and gives its rows. That of a failed query is an HTTP error.
func (s *REST) queryResults(r *request) (any, error) {
	j, err := s.lookUp(r)
	if err != nil {
		return nil, err
	}
	s.advance(j)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case j.cancelled:
		return nil, failure{http.StatusBadRequest, "stopped", "Job execution was cancelled: User requested cancellation"}
	case j.out.Reason != "":
		return nil, failure{statusOf(j.out.Reason), j.out.Reason, j.out.Message}
	}
	out := &bq.GetQueryResultsResponse{
		JobReference: &bq.JobReference{ProjectId: j.project, JobId: j.ID, Location: j.location}, JobComplete: j.endedAt != 0,
	}
	if j.out.Schema == nil && len(j.out.Records) > 0 {
		j.out.Schema = j.out.Records[0].Schema()
	}
	if j.out.Schema != nil {
		out.Schema = tableSchema(j.out.Schema)
	}
	for _, rec := range j.out.Records {
		out.TotalRows += uint64(rec.NumRows())
	}
	if !out.JobComplete {
		return out, nil
	}
	from, to := page(r.URL.Query(), int(out.TotalRows))
	out.Rows = rows(j.out.Records, from, to)
	if to < int(out.TotalRows) && to > from {
		out.PageToken = strconv.Itoa(to)
	}
	return out, nil
}

// page returns the rows of total that q asks for.
func page(q url.Values, total int) (from, to int) {
	from, _ = strconv.Atoi(q.Get("startIndex"))
	if token := q.Get("pageToken"); token != "" {
		from, _ = strconv.Atoi(token)
	}
	from = min(max(from, 0), total)
	to = total
	if most, err := strconv.Atoi(q.Get("maxResults")); err == nil {
		to = min(from+max(most, 0), total)
	}
	return from, to
}

// rows returns those between from and to as the API writes them: everything is text.
func rows(records []arrow.Record, from, to int) []*bq.TableRow {
	var out []*bq.TableRow
	at := 0
	for _, rec := range records {
		for i := range int(rec.NumRows()) {
			if at >= from && at < to {
				row := &bq.TableRow{}
				for c := range int(rec.NumCols()) {
					row.F = append(row.F, &bq.TableCell{V: cell(rec.Column(c), i)})
				}
				out = append(out, row)
			}
			at++
		}
	}
	return out
}

// cell returns the value number i of a; times are in microseconds, as useInt64Timestamp asks for.
func cell(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Date32:
		return a.Value(i).ToTime().Format(time.DateOnly)
	case *array.Timestamp:
		t := a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit)
		if fieldType(a.DataType()) == "DATETIME" {
			return t.UTC().Format("2006-01-02T15:04:05.999999")
		}
		return strconv.FormatInt(t.UnixMicro(), 10)
	case *array.Boolean:
		return strconv.FormatBool(a.Value(i))
	case *array.Float64:
		return strconv.FormatFloat(a.Value(i), 'g', -1, 64)
	}
	return a.ValueStr(i)
}

// PutView makes the view called P.D.T, or makes it this query. It has the columns of the table called of.
func (s *REST) PutView(name, query, of string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, err := s.there(of)
	if err != nil {
		return err
	}
	view := &bq.Table{View: &bq.ViewDefinition{Query: query}, Schema: from.meta.Schema}
	switch t, err := s.there(name); {
	case err == nil && t.meta.View == nil:
		return fmt.Errorf("%s is no view", name)
	case err == nil:
		t.meta.View, t.meta.Schema = view.View, view.Schema
		s.touch(t)
	case strings.HasPrefix(err.Error(), "Not found: Table"):
		s.newTable(name, view)
	default:
		return err
	}
	return nil
}

// Names returns the tables and views of the dataset called P.D, which have not expired.
func (s *REST) Names(dataset string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names(dataset)
}

// Describe returns the description and the end of a table called P.D.T, and whether it is there.
func (s *REST) Describe(name string) (description string, ends time.Time, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.there(name)
	if err != nil {
		return "", time.Time{}, false
	}
	if t.meta.ExpirationTime != 0 {
		ends = time.UnixMilli(t.meta.ExpirationTime)
	}
	return t.meta.Description, ends, true
}

// Fill replaces the rows of the tables called P.D.T, which are there: of all of them at once, as a transaction does.
func (s *REST) Fill(rows map[string][]arrow.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range rows {
		if _, err := s.there(name); err != nil {
			return err
		}
	}
	for name, records := range rows {
		t := s.tables[name]
		if t.records = records; len(records) > 0 {
			t.schema = records[0].Schema()
		}
		t.count()
		s.touch(t)
	}
	return nil
}

// Copy makes the datasets and tables of from those of s.
func (s *REST) Copy(from *REST) {
	from.mu.Lock()
	defer from.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.datasets = maps.Clone(from.datasets)
	s.version += from.version
	for name, t := range from.tables {
		s.tables[name] = &table{meta: t.copy(), schema: t.schema, records: t.records}
	}
}
