package duckdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

// childEnv makes the test binary play a second process: what to do, the database file, and a number or a name.
const childEnv = "SEGMENTS_DUCKDB_TEST_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		if err := child(strings.Split(job, ",")); err != nil {
			fmt.Println("FAILED", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(job []string) error {
	c := Defaults()
	c.Path, c.Threads, c.LockWait = job[1], 2, "10s"
	d, err := open(context.Background(), warehouse.Env{Now: time.Now}, c)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // it is killed sooner or later
	switch job[0] {
	case "claim":
		err = d.Claim(context.Background(), crashRun(1))
		fmt.Println("READY")
		_, _ = io.ReadAll(os.Stdin)
	case "write":
		err = d.write(context.Background(), func(*conn) error {
			fmt.Println("READY")
			_, _ = io.ReadAll(os.Stdin)
			return nil
		})
	case "publish": // and die at the moment called job[3]
		n, _ := strconv.Atoi(job[2])
		d.reached = func(point string) {
			if point == job[3] {
				_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			}
		}
		err = publishGeneration(d, n, func() { fmt.Println("READY") })
	}
	return err
}

// A started is a second process that has printed READY. End its standard input and it ends.
type started struct {
	*exec.Cmd
	stdin io.Closer
}

func start(t *testing.T, job ...string) *started {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(job, ","))
	stdin, err := cmd.StdinPipe()
	check(t, err)
	stdout, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	if strings.TrimSpace(line) != "READY" {
		t.Fatalf("the second process said %q", line)
	}
	return &started{cmd, stdin}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestClaimOfAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	p := start(t, "claim", path)
	d := openAt(t, path)
	err := d.Claim(t.Context(), crashRun(1))
	if want := fmt.Sprintf("another run is at work (PID %d)", p.Process.Pid); !errors.Is(err, warehouse.ErrBusy) || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %q", err, want)
	}
	check(t, d.Sweep(t.Context()))
	if _, err := os.Stat(filepath.Join(path+".staging", crashRun(1).ID+".duckdb")); err != nil {
		t.Errorf("the staging of a run at work is gone: %v", err)
	}
	check(t, p.Process.Kill())
	_ = p.Wait()
	check(t, d.Sweep(t.Context()))
	if entries, _ := os.ReadDir(path + ".staging"); len(entries) > 0 {
		t.Errorf("left in staging: %v", entries)
	}
	check(t, d.Claim(t.Context(), crashRun(1)))
}

func TestFileOpenInAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	p := start(t, "write", path)
	d := openAt(t, path)
	d.lockWait = 100 * time.Millisecond
	_, _, err := d.Published(t.Context(), warehouse.Runs)
	if want := fmt.Sprintf("PID %d", p.Process.Pid); !errors.Is(err, warehouse.ErrTemporary) || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want a temporary failure that speaks of %s", err, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	d.lockWait = time.Minute
	if _, _, err = d.Published(ctx, warehouse.Runs); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the context's error", err)
	}
	time.AfterFunc(200*time.Millisecond, func() { _ = p.stdin.Close() })
	if _, _, err = d.Published(t.Context(), warehouse.Runs); err != nil { // waits
		t.Fatal(err)
	}
	check(t, p.Wait())
	// Close ends the wait.
	p = start(t, "write", path)
	other := openAt(t, path)
	other.lockWait = time.Minute
	begun := time.Now()
	time.AfterFunc(100*time.Millisecond, func() { _ = other.Close() })
	if _, _, err = other.Published(t.Context(), warehouse.Runs); !errors.Is(err, errClosed) {
		t.Errorf("got %v, want %v", err, errClosed)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("closing took %s", took)
	}
	check(t, p.stdin.Close())
	check(t, p.Wait())
	// An open warehouse that does nothing stands in nobody's way.
	p = start(t, "write", path)
	check(t, p.stdin.Close())
	check(t, p.Wait())
}

// Others may open the file as soon as a publish has closed it: what is published stays published.
func TestFileOpenInAnotherProcessAfterPublish(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	var log strings.Builder
	d := openAt(t, path)
	d.env.Log, d.lockWait = slog.New(slog.NewTextHandler(&log, nil)), 100*time.Millisecond
	var p *started
	d.reached = func(point string) {
		if point == "checkpointed" {
			p = start(t, "write", path)
		}
	}
	check(t, publishGeneration(d, 1, func() {}))
	if !strings.Contains(log.String(), "could not be read back") {
		t.Errorf("the log says %q", log.String())
	}
	if got := asked(t, d, "SELECT 1"); !strings.Contains(got, "in use") {
		t.Errorf("the other process does not hold the file: %s", got)
	}
	check(t, p.stdin.Close())
	check(t, p.Wait())
	if got := asked(t, d, "SELECT state FROM runs"); got != "PUBLISHED" {
		t.Errorf("the ledger has %s", got)
	}
	check(t, d.Close())
}

var (
	asOf  = frame.Date("as_of", "The date.")
	value = frame.Int64("value", "The generation.")
	label = frame.String("label", "Some text.")

	crashDated = frame.Table{
		Name: "seg", Doc: "Rows.", PartitionBy: "as_of",
		Columns: []frame.Column{asOf.Column, value.Column, label.Column},
	}
	crashWhole = frame.Table{Name: "totals", Doc: "Rows.", Columns: []frame.Column{value.Column, label.Column}}
)

const crashRows = 30_000

// crashRun returns the run of generation n: a date each, and every third one again with another digest.
func crashRun(n int) warehouse.Run {
	d := fmt.Sprintf("%064x", n)
	at := time.Date(2024, 1, 1+n-n/3, 0, 0, 0, 0, time.UTC)
	return warehouse.Run{ID: fmt.Sprintf("%s-%012x", at.Format("2006-01-02"), n), Name: "crash", AsOf: at, Digest: d}
}

// publishGeneration publishes generation n: in both tables every row has the value n.
func publishGeneration(d *db, n int, ready func()) error {
	ctx := context.Background()
	run := crashRun(n)
	previous, err := newestBefore(d, run.AsOf)
	if err != nil {
		return err
	}
	run.Previous = previous
	if err := d.Claim(ctx, run); err != nil {
		return err
	}
	if err := d.Sweep(ctx); err != nil {
		return err
	}
	var refs []warehouse.Ref
	for _, table := range []frame.Table{crashDated, crashWhole} {
		if n%2 == 0 { // and a column that comes and goes
			table.Columns = append(table.Columns[:len(table.Columns):len(table.Columns)], frame.Int64("even", "Later.").Null().Column)
		}
		w, err := d.Stage(ctx, table)
		if err != nil {
			return err
		}
		labels := make([]string, crashRows)
		for i := range labels {
			labels[i] = fmt.Sprintf("row %d of generation %d", i, n)
		}
		all := frame.Record(asOf.Array(slices.Repeat([]frame.Day{frame.DayOf(run.AsOf)}, crashRows), nil),
			value.Array(slices.Repeat([]int64{int64(n)}, crashRows), nil), label.Array(labels, nil),
			frame.Int64("even", "Later.").Null().Array(make([]int64, crashRows), nil))
		if err := w.Write(frame.Select(all, table.Columns...)); err != nil {
			return err
		}
		ref, err := w.Commit()
		if err != nil {
			return err
		}
		refs = append(refs, ref)
	}
	ready()
	e := warehouse.Entry{Run: run, StartedAt: run.AsOf, EndedAt: run.AsOf.Add(time.Duration(n) * time.Hour)}
	return d.Publish(ctx, e, time.Time{}, nil, refs...)
}

func newestBefore(d *db, asOf time.Time) (string, error) {
	c, err := d.session(context.Background())
	if err != nil {
		return "", err
	}
	defer d.release(c)
	has, err := c.columns(context.Background(), warehouse.Runs.Name)
	if err != nil || has == nil {
		return "", err
	}
	rows, err := c.rows(context.Background(), "newest", "SELECT run_id FROM "+latest+
		" WHERE as_of < $d AND state = 'PUBLISHED' ORDER BY as_of DESC, ended_at DESC LIMIT 1", map[string]any{"d": frame.DayOf(asOf)})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0][0], nil
}

// seen returns the generation that a reader sees; 0 where there is none. It fails where that is not one whole generation.
func seen(t *testing.T, d *db) int {
	t.Helper()
	c, err := d.session(t.Context())
	if errors.Is(err, warehouse.ErrTemporary) {
		return -1 // being written
	}
	check(t, err)
	defer d.release(c)
	has, err := c.columns(t.Context(), warehouse.Runs.Name)
	check(t, err)
	if has == nil {
		return 0
	}
	rows, err := c.rows(t.Context(), "seen", `SELECT (SELECT count(*) FROM seg_current), (SELECT min(value) FROM seg_current),
		(SELECT max(value) FROM seg_current), (SELECT count(*) FROM totals), (SELECT min(value) FROM totals), (SELECT max(value) FROM totals),
		(SELECT max_by(digest, ended_at) FROM runs WHERE state = 'PUBLISHED')`, nil)
	check(t, err)
	n, err := strconv.Atoi(rows[0][1])
	check(t, err)
	want := []string{strconv.Itoa(crashRows), rows[0][1], rows[0][1], strconv.Itoa(crashRows), rows[0][1], rows[0][1], crashRun(n).Digest}
	if !slices.Equal(rows[0], want) {
		t.Fatalf("a reader sees %v, want %v", rows[0], want)
	}
	return n
}

func TestKilledPublish(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	path := filepath.Join(t.TempDir(), "w.duckdb")
	points := []string{"begun", "committed", "replaced", "checkpointed", "", "", "", "", "", ""} // the second one adds a column
	before := 0
	for i, point := range points {
		n := i + 1
		p := start(t, "publish", path, strconv.Itoa(n), point)
		if point == "" {
			delay := time.Duration(random.IntN(120)) * time.Millisecond
			reader := openAt(t, path) // reads while the other process publishes
			reader.lockWait = 0
			for end := time.Now().Add(delay); time.Now().Before(end); {
				if now := seen(t, reader); now != before && now != n && now != -1 {
					t.Fatalf("a reader sees generation %d, want %d or %d", now, before, n)
				}
			}
			check(t, reader.Close())
			_ = p.Process.Kill()
		}
		_ = p.Wait()

		d := openAt(t, path)
		now := seen(t, d)
		if now != before && now != n {
			t.Fatalf("after %q: a reader sees generation %d, want %d or %d", point, now, before, n)
		}
		if committed := point == "committed" || point == "checkpointed"; point != "" && committed != (now == n) {
			t.Errorf("after %q: a reader sees generation %d", point, now)
		}
		if err := publishGeneration(d, n, func() {}); now == n != errors.Is(err, warehouse.ErrDone) || now != n && err != nil {
			t.Fatalf("after %q, with generation %d there: %v", point, now, err)
		}
		if got := seen(t, d); got != n {
			t.Fatalf("after the next run a reader sees generation %d, want %d", got, n)
		}
		check(t, d.Sweep(t.Context()))
		check(t, d.Close())
		want := []string{path + ".lock"}
		if _, err := os.Stat(path + ".wal"); now == n && err == nil {
			want = append(want, path+".wal") // the next publish moves it into the file
		}
		if left, _ := filepath.Glob(path + "?*"); !slices.Equal(left, want) {
			t.Errorf("left behind: %v, want %v", left, want)
		}
		before = n
	}
}
