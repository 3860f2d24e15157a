package k8s

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// What becomes of a run by the name that its exit code has in cmd/segments/exit.go.
var (
	final     = []string{"exitRejected", "exitPermission", "exitBudget", "exitNotReady", "exitConfig"}
	tryAgain  = []string{"exitBug", "exitTemporary"}
	neverSeen = []string{"exitOK", "exitChanges"} // no failure; not of run and backfill
)

// exitCodes reads the exit codes of the program from its source.
func exitCodes(t *testing.T) map[string]int32 {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../cmd/segments/exit.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int32{}
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, s := range group.Specs {
			spec := s.(*ast.ValueSpec)
			value, ok := spec.Values[0].(*ast.BasicLit)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "exit") {
				continue
			}
			code, err := strconv.ParseInt(value.Value, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			codes[spec.Names[0].Name] = int32(code)
		}
	}
	return codes
}

// finalCodes returns the exit codes after which another try is no use, in order.
func finalCodes(t *testing.T) []int32 {
	t.Helper()
	codes := exitCodes(t)
	var finals []int32
	for _, name := range final {
		finals = append(finals, codes[name])
	}
	slices.Sort(finals)
	return finals
}

func TestExitCodesAreDecidedOn(t *testing.T) {
	codes := exitCodes(t)
	known := slices.Concat(final, tryAgain, neverSeen)
	for name := range codes {
		if !slices.Contains(known, name) {
			t.Errorf("%s: shall Kubernetes try again after it? Say so here, in base/cronjob.yaml and in docs/kubernetes.md", name)
		}
	}
	page, err := os.ReadFile("../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range known {
		code, ok := codes[name]
		if !ok {
			t.Errorf("cmd/segments/exit.go has no %s", name)
		}
		row := "\n| " + strconv.Itoa(int(code)) + " |"
		if !slices.Contains(neverSeen, name) && !strings.Contains(string(page), row) {
			t.Errorf("docs/kubernetes.md does not say what to do after %d (%s)", code, name)
		}
	}
}

func TestManifests(t *testing.T) {
	for _, folder := range []string{"base", "overlays/bigquery", "overlays/duckdb", "backfill"} {
		t.Run(folder, func(t *testing.T) {
			for _, v := range violations(t, render(t, filesys.MakeFsOnDisk(), folder), finalCodes(t)) {
				t.Error(v)
			}
		})
	}
	t.Run("backfill of duckdb", func(t *testing.T) {
		for _, v := range violations(t, render(t, edited(t, "backfill/kustomization.yaml", "../overlays/bigquery", "../overlays/duckdb"), "backfill"), finalCodes(t)) {
			t.Error(v)
		}
	})
}

// edited returns the manifests in memory, with something replaced in one of the files.
func edited(t *testing.T, file, from, to string) filesys.FileSystem {
	t.Helper()
	files := filesys.MakeFsInMemory()
	for _, pattern := range []string{"base/*.yaml", "overlays/*/*.yaml", "backfill/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if name == file {
				if !strings.Contains(string(text), from) {
					t.Fatalf("%s has no %q", name, from)
				}
				text = []byte(strings.ReplaceAll(string(text), from, to))
			}
			if err := files.WriteFile(name, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	return files
}

// A configuration that changes is another ConfigMap, which the CronJob names.
func TestConfigurationChangesItsName(t *testing.T) {
	name := func(files filesys.FileSystem) string {
		m, err := decode(render(t, files, "overlays/duckdb"))
		if err != nil {
			t.Fatal(err)
		}
		return m.configs[0].Name
	}
	before := name(filesys.MakeFsOnDisk())
	after := name(edited(t, "overlays/duckdb/segments.yaml", "name: shop", "name: shops"))
	if before == after {
		t.Errorf("both are called %s", before)
	}
}
