package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"segments/pipeline/warehouse/bigquery/emulator"
)

// TestMain makes this test binary play the program where a test asks for that.
func TestMain(m *testing.M) {
	if os.Getenv("ON_EMULATOR_TEST") != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is the program in a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	emulator.Start(t) // or skip
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), "ON_EMULATOR_TEST=1")
	return c
}

func TestCommand(t *testing.T) {
	for _, c := range []struct {
		script, out string
		code        int
	}{
		{`echo $BIGQUERY_EMULATOR_HOST $BIGQUERY_STORAGE_EMULATOR_HOST | sed 's/:[0-9]*/:port/g'`, "127.0.0.1:port 127.0.0.1:port\n", 0},
		{"cat", "typed", 0},
		{"exit 7", "", 7},
		{"kill -KILL $$", "", 137},
	} {
		p := program(t, "sh", "-c", c.script)
		var out, log bytes.Buffer
		p.Stdin, p.Stdout, p.Stderr = strings.NewReader("typed"), &out, &log
		_ = p.Run() // the exit code says it
		if got := p.ProcessState.ExitCode(); got != c.code || out.String() != c.out {
			t.Errorf("%s: exit code %d and %q, want %d and %q\n%s", c.script, got, out.String(), c.code, c.out, &log)
		}
	}
}

// A signal reaches the command once, and the emulator is there until the command has ended.
func TestSignals(t *testing.T) {
	for sig, code := range map[syscall.Signal]int{syscall.SIGTERM: 20, syscall.SIGINT: 10} {
		p := program(t, "sh", "-c", `n=0; trap 'n=$((n+10))' INT; trap 'n=$((n+20))' TERM; echo READY; while [ $n = 0 ]; do sleep 0.1; done; sleep 0.5; exit $n`)
		out, err := p.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		if line, err := lines.ReadString('\n'); line != "READY\n" {
			t.Fatalf("it said %q: %v", line, err)
		}
		_ = p.Process.Signal(sig)
		_ = p.Wait()
		if got := p.ProcessState.ExitCode(); got != code {
			t.Errorf("%s: exit code %d, want %d", sig, got, code)
		}
	}
}

func TestWithoutCommand(t *testing.T) {
	p := program(t)
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for _, want := range []string{"export BIGQUERY_EMULATOR_HOST=127.0.0.1:", "export BIGQUERY_STORAGE_EMULATOR_HOST=127.0.0.1:"} {
		if line, err := lines.ReadString('\n'); !strings.HasPrefix(line, want) {
			t.Errorf("it said %q, %v, want %s", line, err, want)
		}
	}
	_ = p.Process.Signal(syscall.SIGINT)
	if rest, _ := io.ReadAll(lines); len(rest) > 0 {
		t.Errorf("and then %q", rest)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestMistakes(t *testing.T) {
	for want, c := range map[string]struct {
		args []string
		env  string
		code int
	}{
		"make it: segments demo --dir nowhere":            {[]string{"--shop", "nowhere", "true"}, "", 1},
		"SEGMENTS_PYTHON is /nowhere, which is no Python": {[]string{"true"}, "SEGMENTS_PYTHON=/nowhere", 1},
		"apt-get install python3.13-venv":                 {[]string{"true"}, "SEGMENTS_PYTHON=/nowhere", 1},
		"no-such-command":                                 {[]string{"no-such-command"}, "", 127},
	} {
		p := program(t, c.args...)
		p.Env = append(p.Env, c.env)
		out, _ := p.CombinedOutput()
		if got := p.ProcessState.ExitCode(); got != c.code || !strings.Contains(string(out), want) {
			t.Errorf("%v: exit code %d, want %d and %q in\n%s", c.args, got, c.code, want, out)
		}
	}
}
