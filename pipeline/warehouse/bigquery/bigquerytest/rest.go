// Package bigquerytest has stand-ins for BigQuery's servers, in this process and on loopback: REST for jobs, tables and
// datasets, and the Storage Read API for rows. They run no SQL. They are for what no emulator shows: answers that are
// lost, requests that come twice, limits, and what took effect how often.
package bigquerytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"
)

// A Call is a request, or what it took effect on.
type Call struct {
	Method string // as the API names it: jobs.insert, jobs.get, tables.patch; jobs.upload for the later parts of an upload
	What   string // the job's id, or "dry run"; the table as P.D.T; the dataset as P.D
}

// A Fault is what goes wrong with a call.
type Fault int

// The faults. Those that say Lost happen after the call took effect.
const (
	NoFault         Fault = iota
	Unavailable           // HTTP 503, and nothing was done
	LostUnavailable       // HTTP 503
	LostReset             // the connection is reset
	LostClosed            // the connection ends without an answer
	LostHang              // no answer until the client gives up
	Hang                  // as LostHang, but nothing was done
	Twice                 // the network delivers the request twice; the answer is the second one's
	TooMany               // HTTP 429 without a reason
	RateLimit             // HTTP 403 rateLimitExceeded
	Denied                // HTTP 403 accessDenied
	OverQuota             // HTTP 403 quotaExceeded
)

func (f Fault) String() string {
	return [...]string{
		"no fault", "503", "503 after acting", "reset after acting", "closed after acting", "hang after acting",
		"hang before acting", "twice", "429", "rateLimitExceeded", "accessDenied", "quotaExceeded",
	}[f]
}

// Passing are the faults that a call survives by being made again, if that is done right.
func Passing() []Fault {
	return []Fault{
		Unavailable, LostUnavailable, LostReset, LostClosed, LostHang, Hang, Twice, TooMany, RateLimit,
	}
}

// denial is how BigQuery words it that nobody has granted c.
func (c Call) denial(project string) string {
	place := strings.Split(c.What, ".")
	switch kind, verb, _ := strings.Cut(c.Method, "."); {
	case kind == "jobs" && (verb == "insert" || verb == "upload"):
		return fmt.Sprintf("Access Denied: Project %s: User does not have bigquery.jobs.create permission in project %[1]s.", project)
	case kind == "jobs":
		return fmt.Sprintf("Access Denied: Job %s:%s: User does not have bigquery.jobs.get permission for the job", project, c.What)
	case kind == "datasets", verb == "insert", verb == "list":
		return fmt.Sprintf("Access Denied: Dataset %s:%s: Permission bigquery.%s.%s denied on dataset %[1]s:%[2]s (or it may not exist).",
			place[0], place[1], kind, strings.Replace(verb, "insert", "create", 1))
	default:
		return fmt.Sprintf("Access Denied: Table %s:%s.%s: Permission bigquery.tables.%s denied on table %[1]s:%[2]s.%[3]s (or it may not exist).",
			place[0], place[1], place[2], strings.Replace(verb, "patch", "update", 1))
	}
}

// At returns a hook that makes the call number n go wrong, and no other.
func At(n int, f Fault) func(int, Call) Fault {
	return func(i int, _ Call) Fault {
		if i == n {
			return f
		}
		return NoFault
	}
}

// Hooks say how a REST behaves; each may be nil. They are called from the server's goroutines, without its locks.
type Hooks struct {
	// Fault is asked about each call, whose number i counts from 0.
	Fault func(i int, c Call) Fault
	// Query does what a query job does, or would do if it is a dry run. It runs when the job ends.
	Query func(Job) Outcome
	// Polls is how often a job is looked up before it has ended: none by default, so that the insert says DONE.
	Polls func(Job) int
	// Now is the server's clock.
	Now func() time.Time
	// Linger keeps tables that have expired, as BigQuery may for a while.
	Linger bool
}

// A REST is a server of BigQuery's REST API.
type REST struct {
	URL string

	hooks  Hooks
	closed chan struct{}

	mu       sync.Mutex
	calls    []Call
	effects  []Call
	jobs     map[string]*job
	datasets map[string]*bq.Dataset
	tables   map[string]*table // by their full name
	uploads  map[string]*upload
	version  int // of etags, and ids of uploads
}

// StartREST starts a server that ends with the test.
func StartREST(t testing.TB, h Hooks) *REST {
	if h.Now == nil {
		h.Now = time.Now
	}
	s := &REST{
		hooks: h, closed: make(chan struct{}), jobs: map[string]*job{}, datasets: map[string]*bq.Dataset{},
		tables: map[string]*table{}, uploads: map[string]*upload{},
	}
	server := httptest.NewServer(s.routes())
	s.URL = server.URL
	t.Cleanup(func() {
		close(s.closed)
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// Client returns a client of the project that talks to the server, with connections of its own.
func (s *REST) Client(t testing.TB, project string) *bigquery.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	c, err := bigquery.NewClient(t.Context(), project, append(s.Options(),
		option.WithHTTPClient(&http.Client{Transport: transport}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = c.Close()
	})
	return c
}

// Options are those that make a client of bigquery talk to the server.
func (s *REST) Options() []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(s.URL + "/bigquery/v2/"), option.WithoutAuthentication()}
}

// Calls returns the requests in the order in which they arrived.
func (s *REST) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Effects returns the calls that changed something: jobs and tables that were made, tables that were changed or
// deleted, jobs that were cancelled.
func (s *REST) Effects() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.effects)
}

// effect records, under the lock.
func (s *REST) effect(method, what string) { s.effects = append(s.effects, Call{method, what}) }

// etag returns a new one, under the lock.
func (s *REST) etag() string {
	s.version++
	return fmt.Sprintf("etag-%d", s.version)
}

func (s *REST) routes() http.Handler {
	mux := http.NewServeMux()
	const base, up = "/bigquery/v2/projects/{project}", "/upload/bigquery/v2/projects/{project}"
	handle := func(pattern, method string, what func(*request) string, do func(*request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, method, what, do) })
	}
	handle("POST "+base+"/jobs", "jobs.insert", (*request).newJob, s.insertJob)
	handle("POST "+up+"/jobs", "jobs.insert", (*request).newJob, s.insertUpload)
	handle("POST "+up+"/sessions/{session}", "jobs.upload", s.uploadedJob, s.continueUpload)
	handle("PUT "+up+"/sessions/{session}", "jobs.upload", s.uploadedJob, s.continueUpload)
	handle("GET "+base+"/jobs/{job}", "jobs.get", (*request).job, s.getJob)
	handle("POST "+base+"/jobs/{job}/cancel", "jobs.cancel", (*request).job, s.cancelJob)
	handle("GET "+base+"/queries/{job}", "jobs.getQueryResults", (*request).job, s.queryResults)
	handle("GET "+base+"/datasets/{dataset}", "datasets.get", (*request).dataset, s.getDataset)
	handle("GET "+base+"/datasets/{dataset}/tables", "tables.list", (*request).dataset, s.listTables)
	handle("POST "+base+"/datasets/{dataset}/tables", "tables.insert", (*request).newTable, s.insertTable)
	handle("GET "+base+"/datasets/{dataset}/tables/{table}", "tables.get", (*request).table, s.getTable)
	handle("PATCH "+base+"/datasets/{dataset}/tables/{table}", "tables.patch", (*request).table, s.patchTable)
	handle("DELETE "+base+"/datasets/{dataset}/tables/{table}", "tables.delete", (*request).table, s.deleteTable)
	return mux
}

// A request has been read whole, so that it can be served twice.
type request struct {
	*http.Request
	body   []byte
	header http.Header // of the answer
}

func (r *request) project() string { return r.PathValue("project") }
func (r *request) job() string     { return r.PathValue("job") }
func (r *request) dataset() string { return r.project() + "." + r.PathValue("dataset") }
func (r *request) table() string   { return r.dataset() + "." + r.PathValue("table") }

func (r *request) newTable() string {
	var t bq.Table
	if r.decode(&t) != nil || t.TableReference == nil {
		return r.dataset()
	}
	return r.dataset() + "." + t.TableReference.TableId
}

func (r *request) decode(v any) error {
	if err := json.Unmarshal(r.body, v); err != nil {
		return failure{http.StatusBadRequest, "parseError", err.Error()}
	}
	return nil
}

// A failure is an answer that is an error.
type failure struct {
	code            int
	reason, message string
}

func (f failure) Error() string { return f.message }

var unavailable = failure{http.StatusServiceUnavailable, "backendError", "The service is currently unavailable."}

func notFound(kind, name string) failure {
	return failure{http.StatusNotFound, "notFound", "Not found: " + kind + " " + name}
}

func duplicate(kind, name string) failure {
	return failure{http.StatusConflict, "duplicate", "Already Exists: " + kind + " " + name}
}

// serve answers one request, with the fault that it is to have.
func (s *REST) serve(
	w http.ResponseWriter, r *http.Request, method string, what func(*request) string, do func(*request) (any, error),
) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client gave up while it sent: nothing arrived
	}
	req := &request{Request: r, body: body, header: http.Header{}}
	call := Call{method, what(req)}
	s.mu.Lock()
	i := len(s.calls)
	s.calls = append(s.calls, call)
	s.mu.Unlock()

	fault := NoFault
	if s.hooks.Fault != nil {
		fault = s.hooks.Fault(i, call)
	}
	switch fault {
	case Unavailable:
		answer(w, nil, nil, unavailable)
		return
	case TooMany:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case RateLimit:
		answer(w, nil, nil, failure{http.StatusForbidden, "rateLimitExceeded", "Exceeded rate limits: too many requests"})
		return
	case Denied:
		answer(w, nil, nil, failure{http.StatusForbidden, "accessDenied", call.denial(req.project())})
		return
	case OverQuota:
		answer(w, nil, nil, failure{http.StatusForbidden, "quotaExceeded", "Quota exceeded: Your project exceeded quota for " + call.Method})
		return
	case Hang:
		s.hang(r.Context())
		return
	case Twice:
		_, _ = do(req)
	}
	result, err := do(req)
	switch fault {
	case LostUnavailable:
		answer(w, nil, nil, unavailable)
	case LostReset, LostClosed:
		hangUp(w, fault == LostReset)
	case LostHang:
		s.hang(r.Context())
	default:
		answer(w, req.header, result, err)
	}
}

func (s *REST) hang(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.closed:
	}
	panic(http.ErrAbortHandler)
}

func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// answer writes result, or err the way BigQuery words errors.
func answer(w http.ResponseWriter, header http.Header, result any, err error) {
	code := http.StatusOK
	if err != nil {
		var f failure
		if !errors.As(err, &f) {
			f = failure{http.StatusInternalServerError, "internalError", err.Error()}
		}
		code = f.code
		result = map[string]any{"error": map[string]any{
			"code": f.code, "message": f.message, "status": strings.ToUpper(f.reason),
			"errors": []map[string]string{{"reason": f.reason, "message": f.message, "domain": "global"}},
		}}
	}
	var b bytes.Buffer
	if result != nil {
		if err := json.NewEncoder(&b).Encode(result); err != nil {
			code = http.StatusInternalServerError
		}
	}
	maps.Copy(w.Header(), header)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes())
}
