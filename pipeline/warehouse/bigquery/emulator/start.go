package emulator

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"sync"
	"testing"
)

// shared is the one server of a test binary. Nothing stops it: it ends with the binary, even when that is killed.
var shared = sync.OnceValues(func() (*Server, error) { return Launch(context.Background(), io.Discard) })

// Start returns the server that all tests of a binary share; a Dataset of its own keeps a test apart from the others.
// Where the machine cannot run the emulator the test is skipped, or fails if the environment has CI=true.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	switch {
	case errors.Is(err, ErrUnavailable) && os.Getenv("CI") != "true":
		t.Skipf("NOT TESTED against the BigQuery emulator: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	select {
	case <-s.done:
		t.Fatalf("the emulator has ended in an earlier test: %v", s.Wait())
	default:
	}
	return s
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// Dataset makes an empty dataset of the project and returns its name, which no other has.
func (s *Server) Dataset(t testing.TB) string {
	t.Helper()
	name := notInNames.ReplaceAllString(t.Name(), "_")
	name = fmt.Sprintf("%.40s_%s", name, rand.Text()[:10])
	body, err := json.Marshal(map[string]any{"datasetReference": map[string]string{"projectId": s.Project, "datasetId": name}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.call(t.Context(), http.MethodPost, "/datasets", body); err != nil {
		t.Fatalf("emulator: dataset %s: %v\n%s", name, err, s.log)
	}
	return name
}
