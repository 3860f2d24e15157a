package emulator_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	storage "cloud.google.com/go/bigquery/storage/apiv1"
	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"golang.org/x/sys/unix"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"segments/pipeline/warehouse/bigquery/emulator"
)

func client(t *testing.T, s *emulator.Server) *bigquery.Client {
	t.Helper()
	c, err := bigquery.NewClient(t.Context(), s.Project, option.WithEndpoint(s.Endpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// run waits for a query and returns its rows.
func run(t *testing.T, q *bigquery.Query) [][]bigquery.Value {
	t.Helper()
	it, err := q.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]bigquery.Value
	for {
		var row []bigquery.Value
		err := it.Next(&row)
		if errors.Is(err, iterator.Done) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

func TestQuery(t *testing.T) {
	s := emulator.Start(t)
	if got := fmt.Sprint(run(t, client(t, s).Query("SELECT 1 AS one"))); got != "[[1]]" {
		t.Errorf("SELECT 1 gives %s", got)
	}
}

func TestStorage(t *testing.T) {
	s := emulator.Start(t)
	dataset := s.Dataset(t)
	run(t, client(t, s).Query("CREATE TABLE "+dataset+".numbers AS SELECT n FROM unnest(generate_array(1, 1000)) AS n"))

	reader, err := storage.NewBigQueryReadClient(t.Context(), option.WithEndpoint(s.Storage), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	session, err := reader.CreateReadSession(t.Context(), &storagepb.CreateReadSessionRequest{
		Parent: "projects/" + s.Project, MaxStreamCount: 1,
		ReadSession: &storagepb.ReadSession{
			Table:      fmt.Sprintf("projects/%s/datasets/%s/tables/numbers", s.Project, dataset),
			DataFormat: storagepb.DataFormat_ARROW,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(session.Streams) != 1 {
		t.Fatalf("%d streams, want 1", len(session.Streams))
	}
	rows, err := reader.ReadRows(t.Context(), &storagepb.ReadRowsRequest{ReadStream: session.Streams[0].Name})
	if err != nil {
		t.Fatal(err)
	}
	var count, sum int64
	for {
		response, err := rows.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		message := bytes.NewReader(append(session.GetArrowSchema().SerializedSchema, response.GetArrowRecordBatch().SerializedRecordBatch...))
		batches, err := ipc.NewReader(message)
		if err != nil {
			t.Fatal(err)
		}
		for batches.Next() {
			for _, n := range batches.Record().Column(0).(*array.Int64).Int64Values() {
				count, sum = count+1, sum+n
			}
		}
	}
	if count != 1000 || sum != 500_500 {
		t.Errorf("%d rows with the sum %d, want 1000 and 500500", count, sum)
	}
}

func TestClose(t *testing.T) {
	emulator.Start(t) // or skip
	s, err := emulator.Launch(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	c := client(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := c.Query("SELECT 1").Read(ctx); err == nil {
		t.Error("it still answers")
	}
}

// The server ends, and its data go, when the process that launched it is killed.
func TestKilled(t *testing.T) {
	const child = "EMULATOR_TEST_CHILD"
	if os.Getenv(child) != "" {
		if _, err := emulator.Launch(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
		fmt.Println("READY")
		select {}
	}
	emulator.Start(t) // or skip
	temp := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
	cmd.Env = append(os.Environ(), child+"=1", "TMPDIR="+temp)
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "READY"); {
	}
	if names := entries(t, temp); len(names) != 1 {
		t.Errorf("while it runs the folder of temporary files has %q, want one folder", names)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		// the server is in the group of its parent; a group without processes takes no signal
		if err := unix.Kill(-cmd.Process.Pid, 0); errors.Is(err, unix.ESRCH) && len(entries(t, temp)) == 0 {
			return
		}
	}
	t.Errorf("10 s after its parent was killed the server or its data are there: %q", entries(t, temp))
	_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}
