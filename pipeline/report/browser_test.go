package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"segments/pipeline/report/reporttest"
)

func TestBrowser(t *testing.T) {
	dir := cmp.Or(os.Getenv("REPORT_SHOTS"), t.TempDir())
	var files []string
	for name, d := range map[string]*document{
		"full":     fixture(Published, plainNames),
		"rejected": fixture(Rejected, plainNames[:3]),
		"hostile":  fixture(DryRun, hostile),
	} {
		var b bytes.Buffer
		if err := d.render(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name+".html")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	for _, p := range reporttest.Browse(t, files...) {
		p.Check(t)
		if p.Printed != 2 {
			t.Errorf("%s: %d pages on paper, want 2", p.File, p.Printed)
		}
		if !slices.Contains(p.Keyboard, "details") {
			t.Errorf("%s: the keyboard opens no details", p.File)
		}
		if p.Cites == "" {
			t.Errorf("%s: the first cited number does not lead to its cell", p.File)
		}
		for _, v := range p.Views {
			if got := len(v.Charts); got != 8+4 {
				t.Errorf("%s: %d charts, want 8 and 4 of them on paper", p.File, got)
			}
		}
	}
}

// TestBundle says that the files in assets are what their sources give.
func TestBundle(t *testing.T) {
	web, dir := reporttest.Web(t), t.TempDir()
	reporttest.Node(t, web, os.Environ(), "build.mjs", dir)
	for _, name := range []string{"report.js", "report.css", "LICENSES.txt", "SHA256SUMS"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("assets", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("assets/%s is stale: run npm run build in pipeline/report/web", name)
		}
	}
}

// TestFormatsInJavaScript writes the numbers of testdata/formats.json with the script of the page.
func TestFormatsInJavaScript(t *testing.T) {
	reporttest.Node(t, reporttest.Web(t), os.Environ(), "--test")
}

func TestChecksums(t *testing.T) {
	sums, err := os.ReadFile("assets/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(sums)), "\n")
	if len(lines) != 3 {
		t.Errorf("%d checksums, want 3", len(lines))
	}
	for _, line := range lines {
		want, name, _ := strings.Cut(line, "  ")
		b, err := os.ReadFile(filepath.Join("assets", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); got != want {
			t.Errorf("%s: checksum %s, want %s", name, got, want)
		}
	}
}
