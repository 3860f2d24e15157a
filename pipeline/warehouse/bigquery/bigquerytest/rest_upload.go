package bigquerytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	bq "google.golang.org/api/bigquery/v2"
)

// upload is a resumable upload: https://cloud.google.com/bigquery/docs/reference/api-uploads.
type upload struct {
	spec    bq.Job
	content []byte
	answer  any // to the last chunk, for when it is sent again
	err     error
}

// parts splits a request into the job and the file. A request that is not multipart is the job alone.
func (r *request) parts() (doc, content []byte, err error) {
	kind := r.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "multipart/") {
		return r.body, nil, nil
	}
	_, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return nil, nil, failure{http.StatusBadRequest, "badRequest", err.Error()}
	}
	m := multipart.NewReader(bytes.NewReader(r.body), params["boundary"])
	for _, into := range []*[]byte{&doc, &content} {
		p, err := m.NextPart()
		if err != nil {
			return nil, nil, failure{http.StatusBadRequest, "badRequest", "multipart: " + err.Error()}
		}
		if *into, err = io.ReadAll(p); err != nil {
			return nil, nil, failure{http.StatusBadRequest, "badRequest", "multipart: " + err.Error()}
		}
	}
	return doc, content, nil
}

// insertUpload begins an upload, or takes all of it.
func (s *REST) insertUpload(r *request) (any, error) {
	doc, content, err := r.parts()
	if err != nil {
		return nil, err
	}
	var spec bq.Job
	if err := json.Unmarshal(doc, &spec); err != nil {
		return nil, failure{http.StatusBadRequest, "parseError", err.Error()}
	}
	if r.URL.Query().Get("uploadType") != "resumable" {
		return s.addJob(r, &spec, content)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	session := fmt.Sprintf("upload-%d", s.version)
	s.uploads[session] = &upload{spec: spec}
	r.header.Set("Location", fmt.Sprintf("%s/upload/bigquery/v2/projects/%s/sessions/%s", s.URL, r.project(), session))
	return nil, nil
}

func (s *REST) uploadedJob(r *request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.uploads[r.PathValue("session")]; u != nil && u.spec.JobReference != nil {
		return u.spec.JobReference.JobId
	}
	return ""
}

// continueUpload takes a chunk; the job begins with the last one. Chunks may come again.
func (s *REST) continueUpload(r *request) (any, error) {
	s.mu.Lock()
	u := s.uploads[r.PathValue("session")]
	if u == nil {
		s.mu.Unlock()
		return nil, notFound("Upload", r.PathValue("session"))
	}
	if u.answer != nil || u.err != nil {
		defer s.mu.Unlock()
		return u.answer, u.err
	}
	var from, to, total int
	span := r.Header.Get("Content-Range")
	last := true
	if _, err := fmt.Sscanf(span, "bytes %d-%d/%d", &from, &to, &total); err != nil {
		_, err = fmt.Sscanf(span, "bytes */%d", &from)
		if last = err == nil; !last {
			_, err = fmt.Sscanf(span, "bytes %d-%d/*", &from, &to)
		}
		if err != nil {
			s.mu.Unlock()
			return nil, failure{http.StatusBadRequest, "badRequest", "Content-Range: " + span}
		}
	}
	if from > len(u.content) {
		s.mu.Unlock()
		return nil, failure{http.StatusBadRequest, "badRequest", "Content-Range: " + span + " leaves a gap"}
	}
	u.content = append(u.content[:from], r.body...)
	if !last {
		r.header.Set("X-Http-Status-Code-Override", "308")
		r.header.Set("Range", fmt.Sprintf("bytes=0-%d", len(u.content)-1))
		s.mu.Unlock()
		return nil, nil
	}
	s.mu.Unlock()
	answer, err := s.addJob(r, &u.spec, u.content)
	s.mu.Lock()
	defer s.mu.Unlock()
	u.answer, u.err = answer, err
	return answer, err
}

// readParquet returns the rows of a Parquet file.
func readParquet(content []byte) Outcome {
	r, err := file.NewParquetReader(bytes.NewReader(content))
	if err != nil {
		return Outcome{Reason: "invalid", Message: "Error while reading data, error message: " + err.Error()}
	}
	defer r.Close() //nolint:errcheck // it is only read
	rows, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 8192}, memory.DefaultAllocator)
	if err != nil {
		return Outcome{Reason: "invalid", Message: err.Error()}
	}
	batches, err := rows.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return Outcome{Reason: "invalid", Message: err.Error()}
	}
	out := Outcome{Schema: batches.Schema()}
	for batches.Next() {
		rec := batches.Record()
		rec.Retain()
		out.Records = append(out.Records, rec)
	}
	if err := batches.Err(); err != nil && !errors.Is(err, io.EOF) {
		return Outcome{Reason: "invalid", Message: err.Error()}
	}
	return out
}

// tableSchema is the schema that BigQuery gives a table of these columns.
func tableSchema(schema *arrow.Schema) *bq.TableSchema {
	out := &bq.TableSchema{Fields: []*bq.TableFieldSchema{}}
	for _, f := range schema.Fields() {
		g := &bq.TableFieldSchema{Name: f.Name, Type: fieldType(f.Type), Mode: "NULLABLE"}
		if !f.Nullable {
			g.Mode = "REQUIRED"
		}
		out.Fields = append(out.Fields, g)
	}
	return out
}

func fieldType(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.Int64Type, *arrow.Int32Type:
		return "INTEGER"
	case *arrow.Float64Type:
		return "FLOAT"
	case *arrow.BooleanType:
		return "BOOLEAN"
	case *arrow.Date32Type:
		return "DATE"
	case *arrow.TimestampType:
		if t.TimeZone == "" {
			return "DATETIME"
		}
		return "TIMESTAMP"
	case *arrow.Decimal128Type:
		return "NUMERIC"
	case *arrow.BinaryType:
		return "BYTES"
	}
	return "STRING"
}
