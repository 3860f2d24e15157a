package bigquerytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	bq "google.golang.org/api/bigquery/v2"
)

// A Job is what a client asked for.
type Job struct {
	ID     string
	SQL    string // empty for a load
	DryRun bool
	Into   string // the table that takes the rows, as P.D.T; "" for none
	Config *bq.JobConfiguration
}

// An Outcome is what becomes of a query. Its rows go into the destination, if there is one.
type Outcome struct {
	Schema  *arrow.Schema // of the rows; that of the first of Records by default
	Records []arrow.Record

	Bytes, Billed int64    // processed; billed, which MaximumBytesBilled limits
	Tables        []string // that the query reads, as P.D.T; for dry runs

	Reason, Message string // a Reason makes the job fail
}

// job is a job on the server. What changes of it is guarded by the server's lock.
type job struct {
	Job
	project, location string
	content           []byte // of a load
	polls             int    // still to come before it ends
	started           bool   // to end: who set it does the work
	cancelled         bool
	out               Outcome
	rows              int64
	created, endedAt  int64
	done              chan struct{}
}

func (r *request) newJob() string {
	var j bq.Job
	doc, _, err := r.parts()
	if err != nil || json.Unmarshal(doc, &j) != nil {
		return ""
	}
	if j.Configuration != nil && j.Configuration.DryRun {
		return "dry run"
	}
	if j.JobReference == nil {
		return ""
	}
	return j.JobReference.JobId
}

func (s *REST) insertJob(r *request) (any, error) {
	var spec bq.Job
	if err := r.decode(&spec); err != nil {
		return nil, err
	}
	return s.addJob(r, &spec, nil)
}

// addJob makes a job, unless there is one of its id, and runs it if it is to end at once.
func (s *REST) addJob(r *request, spec *bq.Job, content []byte) (any, error) {
	conf := spec.Configuration
	if conf == nil || conf.Query == nil && conf.Load == nil || spec.JobReference == nil {
		return nil, failure{http.StatusBadRequest, "invalid", "Required parameter is missing: configuration"}
	}
	j := &job{
		Job:     Job{ID: spec.JobReference.JobId, DryRun: conf.DryRun, Config: conf},
		project: r.project(), location: spec.JobReference.Location, content: content,
		created: s.hooks.Now().UnixMilli(), done: make(chan struct{}),
	}
	if conf.Query != nil {
		j.SQL = conf.Query.Query
		j.Into = reference(conf.Query.DestinationTable)
	} else {
		j.Into = reference(conf.Load.DestinationTable)
	}
	if j.DryRun {
		return s.dryRun(j)
	}
	if s.hooks.Polls != nil {
		j.polls = s.hooks.Polls(j.Job)
	}
	s.mu.Lock()
	if s.jobs[j.ID] != nil {
		s.mu.Unlock()
		return nil, duplicate("Job", j.fullID())
	}
	if j.SQL != "" && j.Into == "" { // as BigQuery does: an anonymous table takes the result
		conf.Query.DestinationTable = &bq.TableReference{ProjectId: j.project, DatasetId: "_anonymous", TableId: "anon_" + j.ID}
	}
	s.jobs[j.ID] = j
	s.effect("jobs.insert", j.ID)
	s.mu.Unlock()
	s.advance(j)
	return s.describe(j), nil
}

func (j *job) fullID() string { return j.project + ":" + j.location + "." + j.ID }

// advance is one look at a job: it runs when there have been enough.
func (s *REST) advance(j *job) {
	s.mu.Lock()
	if j.polls--; j.polls >= 0 || j.started {
		running := j.started && j.endedAt == 0 && j.polls < 0
		s.mu.Unlock()
		if running {
			<-j.done // another look is at it
		}
		return
	}
	j.started = true
	s.mu.Unlock()
	defer close(j.done)

	out, rows := s.run(j)
	s.mu.Lock()
	defer s.mu.Unlock()
	j.out, j.rows, j.endedAt = out, rows, s.hooks.Now().UnixMilli()
}

// run does what j does, and returns the number of rows of its destination.
func (s *REST) run(j *job) (Outcome, int64) {
	var out Outcome
	var write, create string
	if j.Config.Load != nil {
		out = readParquet(j.content)
		write, create = j.Config.Load.WriteDisposition, j.Config.Load.CreateDisposition
	} else {
		if s.hooks.Query != nil {
			out = s.hooks.Query(j.Job)
		}
		write, create = j.Config.Query.WriteDisposition, j.Config.Query.CreateDisposition
		if most := j.Config.Query.MaximumBytesBilled; most > 0 && out.Billed > most && out.Reason == "" {
			out.Reason = "bytesBilledLimitExceeded"
			out.Message = fmt.Sprintf("Query exceeded limit for bytes billed: %d. %d or higher required.", most, out.Billed)
			out.Billed = 0
		}
	}
	if out.Reason != "" || j.Into == "" {
		return out, 0
	}
	if out.Schema == nil && len(out.Records) > 0 {
		out.Schema = out.Records[0].Schema()
	}
	if out.Schema == nil {
		out.Schema = arrow.NewSchema(nil, nil)
	}
	var schema *bq.TableSchema
	if j.Config.Load != nil {
		schema = j.Config.Load.Schema
	}
	rows, err := s.store(j.Into, schema, out.Schema, out.Records, write, create)
	if err != nil {
		var f failure
		errors.As(err, &f)
		return Outcome{Reason: f.reason, Message: f.message}, 0
	}
	return out, rows
}

func (s *REST) dryRun(j *job) (any, error) {
	var out Outcome
	if s.hooks.Query != nil {
		out = s.hooks.Query(j.Job)
	}
	if out.Reason != "" {
		return nil, failure{statusOf(out.Reason), out.Reason, out.Message}
	}
	stats := &bq.JobStatistics2{TotalBytesProcessed: out.Bytes, StatementType: "SELECT"}
	if out.Schema == nil && len(out.Records) > 0 {
		out.Schema = out.Records[0].Schema()
	}
	if out.Schema != nil {
		stats.Schema = tableSchema(out.Schema)
	}
	for _, name := range out.Tables {
		if p := strings.SplitN(name, ".", 3); len(p) == 3 {
			stats.ReferencedTables = append(stats.ReferencedTables,
				&bq.TableReference{ProjectId: p[0], DatasetId: p[1], TableId: p[2]})
		}
	}
	return &bq.Job{
		Configuration: j.Config, JobReference: &bq.JobReference{ProjectId: j.project, Location: j.location}, UserEmail: user,
		Status:     &bq.JobStatus{State: "DONE"},
		Statistics: &bq.JobStatistics{CreationTime: j.created, TotalBytesProcessed: out.Bytes, Query: stats},
	}, nil
}

// user is who calls.
const user = "segments@project.iam.gserviceaccount.com"

// statusOf is the HTTP status that goes with a reason.
func statusOf(reason string) int {
	switch reason {
	case "accessDenied", "quotaExceeded", "rateLimitExceeded":
		return http.StatusForbidden
	case "notFound":
		return http.StatusNotFound
	case "backendError", "internalError", "jobBackendError", "jobInternalError":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// describe returns the resource of j.
func (s *REST) describe(j *job) *bq.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &bq.Job{
		Id: j.fullID(), UserEmail: user, Configuration: j.Config,
		JobReference: &bq.JobReference{ProjectId: j.project, JobId: j.ID, Location: j.location},
		Status:       &bq.JobStatus{State: "RUNNING"},
		Statistics:   &bq.JobStatistics{CreationTime: j.created, EndTime: j.endedAt},
	}
	switch {
	case j.cancelled:
		out.Status = &bq.JobStatus{State: "DONE", ErrorResult: &bq.ErrorProto{
			Reason: "stopped", Message: "Job execution was cancelled: User requested cancellation",
		}}
	case j.endedAt == 0 && j.polls > 0:
		out.Status.State = "PENDING"
	case j.endedAt != 0:
		out.Status.State = "DONE"
		if j.out.Reason != "" {
			out.Status.ErrorResult = &bq.ErrorProto{Reason: j.out.Reason, Message: j.out.Message}
		}
	}
	if out.Status.ErrorResult != nil {
		out.Status.Errors = []*bq.ErrorProto{out.Status.ErrorResult}
	}
	out.Statistics.TotalBytesProcessed = j.out.Bytes
	if j.Config.Load != nil {
		out.Statistics.Load = &bq.JobStatistics3{OutputRows: j.rows, InputFiles: 1, InputFileBytes: int64(len(j.content))}
	} else {
		out.Statistics.Query = &bq.JobStatistics2{TotalBytesBilled: j.out.Billed, TotalBytesProcessed: j.out.Bytes}
	}
	return out
}

// lookUp returns the job that r is about: BigQuery finds a job outside US and EU only if told where it is.
func (s *REST) lookUp(r *request) (*job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	location := r.URL.Query().Get("location")
	j := s.jobs[r.job()]
	if j == nil || location != j.location && (location != "" || j.location != "US" && j.location != "EU") {
		return nil, notFound("Job", r.project()+":"+location+"."+r.job())
	}
	return j, nil
}

func (s *REST) getJob(r *request) (any, error) {
	j, err := s.lookUp(r)
	if err != nil {
		return nil, err
	}
	s.advance(j)
	return s.describe(j), nil
}

func (s *REST) cancelJob(r *request) (any, error) {
	j, err := s.lookUp(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if !j.started {
		j.started, j.cancelled, j.endedAt = true, true, s.hooks.Now().UnixMilli()
		close(j.done)
		s.effect("jobs.cancel", j.ID)
	}
	s.mu.Unlock()
	return &bq.JobCancelResponse{Job: s.describe(j)}, nil
}

// Jobs returns the jobs that there are, by id, with the labels and configuration that they were sent with.
func (s *REST) Jobs() map[string]Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]Job, len(s.jobs))
	for id, j := range maps.All(s.jobs) {
		out[id] = j.Job
	}
	return out
}

// Running returns the ids of the jobs that have not ended.
func (s *REST) Running() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, j := range s.jobs {
		if j.endedAt == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// AddJob puts a job there as if another process had sent it, ended with out.
func (s *REST) AddJob(project, location string, j Job, out Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.hooks.Now().UnixMilli()
	done := make(chan struct{})
	close(done)
	s.jobs[j.ID] = &job{
		Job: j, project: project, location: location, started: true, out: out, created: now, endedAt: now, done: done,
	}
}
