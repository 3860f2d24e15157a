package main

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A child is the command in a process of its own.
type child struct {
	*exec.Cmd
	t      testing.TB
	err    bytes.Buffer
	ended  chan struct{}
	logged chan string // a line of its error stream each; closed at its end
}

// child starts the command.
func (s shop) child(args ...string) *child {
	s.Helper()
	c := &child{Cmd: exec.Command("segments", append(args, "-c", s.config())...), t: s, ended: make(chan struct{}), logged: make(chan string, 1000)}
	stderr, err := c.StderrPipe()
	check(s, err)
	check(s, c.Start())
	go func() {
		defer close(c.ended)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			c.err.WriteString(lines.Text() + "\n")
			c.logged <- lines.Text()
		}
		close(c.logged)
		_ = c.Wait() // ProcessState says how it went
	}()
	s.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		<-c.ended
	})
	return c
}

// reaches waits until the step has been done.
func (c *child) reaches(step string) {
	c.t.Helper()
	for line := range c.logged {
		if strings.Contains(line, `"step":"`+step+`"`) {
			return
		}
	}
	c.t.Fatalf("the child never did the step %q\n%s", step, c.err.String())
}

// exits waits for the end, wants the exit code and returns the error stream.
func (c *child) exits(code int) string {
	c.t.Helper()
	<-c.ended
	if got := c.ProcessState.ExitCode(); got != code {
		c.t.Fatalf("exit code %d (%s), want %d\n%s", got, c.ProcessState, code, c.err.String())
	}
	return withoutLog(c.err.String())
}

func (c *child) signal(sig syscall.Signal) {
	c.t.Helper()
	check(c.t, c.Process.Signal(sig))
}

// staging lists what runs have left in the folder of staging.
func (s shop) staging() []string {
	files, err := filepath.Glob(s.file() + ".staging/*")
	check(s, err)
	return files
}

// Half of the kills are spread over the whole run, half over the publish.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	const kills = 20
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(1)
	before := s.image()
	base, err := os.ReadFile(s.file())
	check(t, err)
	began := time.Now()
	s.child("run", "--as-of", day(0)).exits(exitOK)
	took := time.Since(began)
	after := s.image()

	check(t, os.WriteFile(s.file(), base, 0o644))
	published, left := 0, 0
	for n := range kills {
		c := s.child("run", "--as-of", day(0))
		if n%2 == 0 {
			time.Sleep(time.Duration(random.Int64N(int64(took))))
		} else {
			c.reaches("audit")
			time.Sleep(time.Duration(random.Int64N(int64(150 * time.Millisecond))))
		}
		_ = c.Process.Kill() // it may have ended
		<-c.ended
		left += len(s.staging())
		var now image
		if now, err = imageOf(s.file(), "TRUE"); err != nil {
			t.Fatalf("kill %d, seed %d: %v", n, seed, err)
		}
		if now["customer_segments"] == before["customer_segments"] {
			same(t, fmt.Sprintf("kill %d, seed %d", n, seed), now, before)
		} else {
			published++
			same(t, fmt.Sprintf("kill %d, seed %d, which came too late", n, seed), now, after)
		}
		s.child("run", "--as-of", day(0)).exits(exitOK) // brings what was undisturbed
		same(t, fmt.Sprintf("the run after kill %d, seed %d", n, seed), s.image(), after)
		if files := s.staging(); files != nil {
			t.Errorf("left in staging: %v", files)
		}
		check(t, os.Remove(s.file()))
		_ = os.Remove(s.file() + ".wal") // there is one only where a publish was cut short
		check(t, os.WriteFile(s.file(), base, 0o644))
		if t.Failed() {
			return
		}
	}
	t.Logf("%d of %d kills came after the commit; %d files were left in staging and swept", published, kills, left)
	if left == 0 || published == kills {
		t.Errorf("the kills hit nothing")
	}
}

func TestStoppedBySignal(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(1)
	before := s.image()
	for sig, code := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
		c := s.child("run", "--as-of", day(0))
		c.reaches("fit rfm")
		c.signal(sig)
		says(t, c.exits(code), "stopped by signal", "nothing was published")
		same(t, "after "+sig.String(), s.image(), before)
		if files := s.staging(); files != nil {
			t.Errorf("left in staging after %s: %v", sig, files)
		}
	}
}

func TestASecondProcess(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	c := s.child("run", "--as-of", day(0))
	c.reaches("stage customers")
	c.signal(syscall.SIGSTOP)
	_, stderr := s.segments(exitTemporary, "run", "--as-of", day(0))
	says(t, stderr, fmt.Sprintf("another run is at work (PID %d)", c.Process.Pid), "try again")
	s.segments(exitOK, "status") // reading is free
	c.signal(syscall.SIGCONT)
	says(t, c.exits(exitOK), "✓ published")
}

func TestAReaderDelaysThePublish(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(1)
	before := s.image()
	db, err := sql.Open("duckdb", s.file()+"?access_mode=READ_ONLY")
	check(t, err)
	check(t, db.Ping())
	s.edit("threads: 1}", "threads: 1, lock_wait: 200ms}")
	says(t, s.child("run", "--as-of", day(0)).exits(exitTemporary), fmt.Sprintf("(PID %d)", os.Getpid()), "nothing was changed; try again")

	s.edit("lock_wait: 200ms", "lock_wait: 60s")
	c := s.child("run", "--as-of", day(0))
	c.reaches("audit") // and is about to publish
	time.Sleep(300 * time.Millisecond)
	select {
	case <-c.ended:
		t.Error("it has not waited for the reader")
	default:
	}
	got, err := queryDB(db, "SELECT max(as_of) FROM customer_segments_current")
	if err != nil || got[0] != day(1) {
		t.Errorf("the reader sees %v, %v", got, err)
	}
	check(t, db.Close())
	says(t, c.exits(exitOK), "✓ published")
	if after := s.image(); after["customer_segments"] == before["customer_segments"] {
		t.Error("nothing was published")
	}
}

func TestRejectedRuns(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	orders := filepath.Join(data, "orders.parquet")
	for name, c := range map[string]struct {
		edit []string
		says string
	}{
		"gate":   {[]string{"validation: {origins: 1}", "validation: {origins: 1, gate: {min_auc_lower: 0.999}}"}, "gate of core_segment"},
		"volume": {[]string{"from: orders.parquet", `query: "SELECT * FROM read_parquet('` + orders + `') WHERE hash(customer) % 3 = 0"`}, "volume of customers"},
		"collapse": {
			[]string{"cluster: {k: 4}", "cluster: {k: 4}, rfm: {map: custom, segments: [{name: Buyer}]}"},
			"collapse of core_segment: Buyer has 100.0 % of all customers, 0.0 % before",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shop{t, t.TempDir(), today}
			check(t, os.WriteFile(s.config(), []byte(ordersOnly), 0o644))
			check(t, os.Symlink(orders, filepath.Join(s.dir, "orders.parquet")))
			s.publish(1)
			before := s.image()
			s.edit(c.edit...)
			_, stderr := s.segments(exitRejected, "run", "--as-of", day(0))
			says(t, stderr, "✗ rejected "+day(0), c.says, "nothing was published", "`segments show` has the checks")
			same(t, "after the rejected run", s.image(), before)
			out, _ := s.segments(exitOK, "show", "-o", "csv")
			check, subject, _ := strings.Cut(strings.SplitN(c.says, ":", 2)[0], " of ")
			says(t, out, "REJECTED", check+","+subject+",failed")
			if got := s.row("SELECT state, message LIKE '%" + c.says + "%' FROM runs WHERE as_of = '" + day(0) + "'"); got != "REJECTED true" {
				t.Errorf("the ledger says %s", got)
			}
		})
	}
}

// A file that is no database is refused, and left as it is.
func TestAFileOfSomethingElse(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	check(t, os.WriteFile(s.file(), []byte("my novel"), 0o644))
	a := &app{out: &bytes.Buffer{}, err: &bytes.Buffer{}, now: func() time.Time { return today }}
	if code := a.main(t.Context(), []string{"run", "--as-of", day(0), "-c", s.config()}); code == exitOK {
		t.Error("exit code 0")
	}
	if got, err := os.ReadFile(s.file()); err != nil || string(got) != "my novel" {
		t.Error(errors.Join(err, fmt.Errorf("the file is %q", got)))
	}
}
