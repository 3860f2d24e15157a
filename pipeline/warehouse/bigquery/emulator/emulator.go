// Package emulator runs local-bigquery, an emulator of BigQuery made by others, so that tests and people can try the
// warehouse without a project: BigQuery's REST and Storage Read APIs, answered by DuckDB.
//
// It shows that requests, jobs, SQL and row streams are understood. It does not show what only BigQuery can: that
// publishing is atomic for readers, quotas, permissions, costs, or the optimizer's view of a query.
//
// The emulator is a Python program. What it needs is installed once, from the package index, into bin/emulator.
package emulator

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// ErrUnavailable says that this machine has no Python of the version needed, or cannot install what it needs.
var ErrUnavailable = errors.New("the BigQuery emulator cannot be installed here")

// startLimit bounds the time from starting the server to its first answer. Mostly it is 3 s, on a busy machine 10.
const startLimit = time.Minute

//go:embed serve.py
var serve string

// A Server is a running emulator. Its data are gone when it ends.
type Server struct {
	REST    string // host and port of the REST API
	Storage string // host and port of the Storage API, without TLS
	Project string // the project that is there

	stdin io.Closer // the server ends when this does, be it closed or its holder dead
	done  chan struct{}
	err   error // why it ended; to be read after done
	log   *tail
}

// Launch installs the emulator where that has not been done yet, starts it and waits until it answers. It writes what
// pip and the server say to log. The server runs until Close, the end of ctx or that of this process, however it ends.
// The error wraps ErrUnavailable where the machine lacks Python or the package index.
func Launch(ctx context.Context, log io.Writer) (*Server, error) {
	python, err := install(ctx, log)
	if err != nil {
		return nil, err
	}
	s := &Server{done: make(chan struct{}), log: &tail{to: log}}
	cmd := exec.Command(python, "-I", "-c", serve)
	cmd.Env = environment()
	cmd.Stderr = s.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.stdin = stdin
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	ready := make(chan []byte, 1)
	go func() {
		defer close(s.done)
		line, _ := bufio.NewReader(stdout).ReadBytes('\n')
		ready <- line
		_, _ = io.Copy(s.log, stdout) // Wait closes it, so that it is read before
		s.err = cmd.Wait()
	}()
	context.AfterFunc(ctx, func() { _ = stdin.Close() })
	if err := s.await(ctx, ready); err != nil {
		_ = cmd.Process.Kill()
		<-s.done
		return nil, fmt.Errorf("emulator: %w\n%s", err, s.log)
	}
	return s, nil
}

// environment returns what the server needs of this process's environment: no more, since it takes settings from it.
func environment() []string {
	env := []string{"TZ=UTC"}
	for _, name := range []string{"HOME", "PATH", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// await reads where the server listens, then asks it something until it answers.
func (s *Server) await(ctx context.Context, ready <-chan []byte) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var line []byte
	select {
	case line = <-ready:
	case <-ctx.Done():
		return fmt.Errorf("did not say within %s that it is ready: %w", startLimit, ctx.Err())
	}
	if len(line) == 0 {
		return errors.New("ended before it was ready")
	}
	if err := json.Unmarshal(line, s); err != nil {
		return fmt.Errorf("said %q: %w", line, err)
	}
	for {
		err := s.call(ctx, http.MethodGet, "/datasets", nil)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-s.done:
			return errors.New("ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("did not answer within %s: %w", startLimit, err)
		}
	}
}

// call sends a request about the project, path, to the REST API.
func (s *Server) call(ctx context.Context, method, path string, body []byte) error {
	url := "http://" + s.REST + "/bigquery/v2/projects/" + s.Project + path
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<12))
		return fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, text)
	}
	return nil
}

// Endpoint returns the URL that the BigQuery client takes by option.WithEndpoint.
func (s *Server) Endpoint() string { return "http://" + s.REST + "/bigquery/v2/" }

// Wait waits for the server to end and says why it did; nil after Close.
func (s *Server) Wait() error {
	<-s.done
	if s.err != nil {
		return fmt.Errorf("emulator: %w\n%s", s.err, s.log)
	}
	return nil
}

// Close ends the server and waits until it has.
func (s *Server) Close() error {
	_ = s.stdin.Close()
	return s.Wait()
}

// A tail passes on what is written to it and keeps the last of it for messages.
type tail struct {
	mu   sync.Mutex
	to   io.Writer
	last []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	t.last = t.last[max(0, len(t.last)-tailBytes):]
	if t.to != nil {
		_, _ = t.to.Write(p) // a log that cannot be written is no reason to block the server
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.last) == 0 {
		return "It logged nothing."
	}
	return "The end of its log:\n" + strings.TrimSpace(string(t.last))
}
