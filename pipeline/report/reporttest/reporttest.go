// Package reporttest opens reports in a browser for tests.
package reporttest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// A Page is what a browser saw of a report.
type Page struct {
	File     string   // as given to Browse
	Views    []View   // in light and dark, wide and narrow
	Printed  int      // pages on paper
	Keyboard []string // what the Tab and Enter keys reached and worked, among skip, toggle, contents, details
	Cites    string   // the cell that the first cited number led to
}

// A View is the page in one color scheme and width.
type View struct {
	Scheme   string
	Width    int
	Overflow int      // pixels that the page is wider than the window
	Requests []string // other than for the report itself
	Console  []string // errors and warnings
	Blocked  []string // by the content security policy
	Charts   []Chart
	Axe      []Violation
}

// A Chart is one as it was drawn.
type Chart struct {
	ID      string
	Printed bool     // on paper
	Shapes  int      // drawn
	Texts   []string // drawn
}

// A Violation is a rule of axe-core that the page breaks.
type Violation struct {
	ID     string
	Impact string // minor, moderate, serious or critical
	Where  []string
}

// Browse opens every file in Chromium, which the environment variable CHROMIUM may name, in light and dark, wide and
// narrow. It skips the test where there is no Chromium or no Node, unless CI is true.
func Browse(t *testing.T, files ...string) []Page {
	t.Helper()
	return browse(t, nil, files)
}

// Glance is Browse in light and wide, and in dark and narrow with what is closed left closed, only.
func Glance(t *testing.T, files ...string) []Page {
	t.Helper()
	return browse(t, []string{"--brief"}, files)
}

func browse(t *testing.T, options, files []string) []Page {
	t.Helper()
	web := Web(t)
	browser := chromium(t)
	args := append([]string{"check.mjs"}, options...)
	if dir := os.Getenv("REPORT_SHOTS"); dir != "" { // pictures, for whoever changes how the report looks
		args = append(args, "--shots", dir)
	}
	for _, f := range files {
		abs, err := filepath.Abs(f)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, abs)
	}
	out := Node(t, web, append(os.Environ(), "CHROMIUM="+browser), args...)
	var pages []Page
	if err := json.Unmarshal(out, &pages); err != nil {
		t.Fatalf("%v in what check.mjs wrote: %.300s", err, out)
	}
	for i := range pages {
		pages[i].File = files[i]
	}
	return pages
}

// Check fails the test for whatever no report may do: ask somebody for anything, write to the console, do what its policy
// bars, break a serious rule of accessibility, be wider than the window, or leave a chart empty.
func (p *Page) Check(t *testing.T) {
	t.Helper()
	for _, v := range p.Views {
		for what, list := range map[string][]string{"requests": v.Requests, "console": v.Console, "blocked": v.Blocked} {
			if len(list) > 0 {
				t.Errorf("%s, %s, %d px: %s: %.500q", p.File, v.Scheme, v.Width, what, list)
			}
		}
		if v.Overflow > 0 {
			t.Errorf("%s, %s, %d px: the page is %d px wider than the window", p.File, v.Scheme, v.Width, v.Overflow)
		}
		for _, a := range v.Axe {
			if a.Impact == "serious" || a.Impact == "critical" {
				t.Errorf("%s, %s, %d px: axe %s (%s): %.600q", p.File, v.Scheme, v.Width, a.ID, a.Impact, a.Where)
			}
		}
		for _, c := range v.Charts {
			if c.Shapes == 0 {
				t.Errorf("%s, %s, %d px: nothing is drawn of chart %s", p.File, v.Scheme, v.Width, c.ID)
			}
		}
	}
	for _, want := range []string{"contents", "skip", "toggle"} {
		if !slices.Contains(p.Keyboard, want) {
			t.Errorf("%s: the keyboard does not reach or work %s", p.File, want)
		}
	}
}

// Web returns the folder with the report's JavaScript, its packages installed. It skips the test where there is no Node,
// unless CI is true.
func Web(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, "it needs Node 20 or later, and npm")
		}
	}
	_, self, _, _ := runtime.Caller(0)
	web := filepath.Join(filepath.Dir(self), "..", "web")
	// Packages of the lock file are marked by a copy of it, so that they are installed once.
	lock, err := os.ReadFile(filepath.Join(web, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	unlock := exclusive(t, filepath.Join(web, ".lock"))
	defer unlock()
	mark := filepath.Join(web, "node_modules", ".installed")
	if have, err := os.ReadFile(mark); err == nil && bytes.Equal(have, lock) {
		return web
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = web
	if out, err := cmd.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("npm ci: %v: %s", err, out)
		}
		t.Skipf("SKIPPED: npm ci: %v: %s", err, out)
	}
	if err := os.WriteFile(mark, lock, 0o644); err != nil {
		t.Fatal(err)
	}
	return web
}

// Node runs node in dir and returns what it wrote to its standard output.
func Node(t *testing.T, dir string, env []string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("node", args...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("node %v: %v\n%.3000s", args, err, errs.String())
	}
	return out.Bytes()
}

func chromium(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("CHROMIUM"); named != "" {
		return named
	}
	for _, name := range []string{"/usr/bin/chromium", "chromium", "google-chrome", "chromium-browser"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "it needs Chromium; CHROMIUM names one that is elsewhere")
	return ""
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED: " + what)
}

// exclusive waits until no other process holds the lock.
func exclusive(t *testing.T, path string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { _ = f.Close() }
}
