package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// importPolicy says for every package which others of ours it may import; a package's own line goes before a pattern.
// Test files are free: they import what they test with.
const importPolicy = `
transforms/frame                 :
transforms                       : transforms/frame
transforms/customer              : transforms/frame
transforms/quantile              : transforms/frame
transforms/transformstest        : transforms transforms/frame
transforms/*                     : transforms transforms/frame transforms/customer
transforms/rfm                   : transforms transforms/frame transforms/customer transforms/quantile
transforms/behavior              : transforms transforms/frame transforms/customer transforms/quantile
transforms/clv                   : transforms transforms/frame transforms/customer transforms/clv/btyd
transforms/clv/btyd              :
transforms/holdout               : transforms transforms/frame transforms/customer transforms/segment
transforms/segment               : transforms transforms/frame transforms/customer
                                   transforms/rfm transforms/clv transforms/cluster transforms/behavior
sql                              : transforms/frame
sql/looker                       : transforms/frame sql
pipeline/warehouse               : transforms/frame sql
pipeline/warehouse/warehousetest : transforms/frame sql pipeline/warehouse
pipeline/warehouse/*             : transforms/frame sql pipeline/warehouse
pipeline/warehouse/bigquery      : transforms/frame sql pipeline/warehouse pipeline/warehouse/bigquery/call
                                   pipeline/warehouse/bigquery/readrows
pipeline/warehouse/bigquery/call : pipeline/warehouse
pipeline/warehouse/bigquery/readrows : pipeline/warehouse
pipeline/warehouse/bigquery/bigquerytest :
pipeline/warehouse/bigquery/emulator :
pipeline/tune                    : pipeline/validation/stats
pipeline/steps                   : pipeline pipeline/tune transforms transforms/customer transforms/frame transforms/rfm transforms/clv transforms/cluster
                                   transforms/behavior transforms/segment transforms/holdout
pipeline/queries                 : transforms/frame sql pipeline pipeline/warehouse pipeline/validation pipeline/attribution pipeline/steps
                                   pipeline/report
sql/typecheck                    : pipeline/queries
pipeline/experiment              : pipeline/validation/stats
pipeline/validation              : transforms/frame pipeline/validation/stats
pipeline/validation/stats        :
pipeline/attribution             :
pipeline/report                  : transforms/frame sql pipeline/warehouse pipeline/validation
pipeline/report/reporttest       :
pipeline/drift                   : pipeline/validation/stats
pipeline/shift                   : pipeline/validation/stats
pipeline/demo                    : transforms/frame
pipeline/discover                : sql pipeline/discover/draft pipeline/discover/values pipeline/discover/words
pipeline/discover/draft          : sql
pipeline/discover/values         : sql pipeline/discover/draft pipeline/discover/words
pipeline/discover/words          :
pipeline/discover/scout          : transforms/frame sql pipeline/warehouse pipeline/discover pipeline/discover/draft
                                   pipeline/discover/values
pipeline/config                  : sql
pipeline/notify                  :
pipeline/telemetry               :
pipeline/telemetry/telemetrytest :
pipeline                         : transforms transforms/frame transforms/customer transforms/quantile sql pipeline/tune
                                   pipeline/warehouse pipeline/validation pipeline/validation/stats pipeline/experiment pipeline/attribution
                                   pipeline/drift pipeline/shift
cmd/segments                     : *
cmd/segments/terminal            :
cmd/on-emulator                  : pipeline/warehouse/bigquery/emulator
`

const (
	ownModule = "segments"
	arrowPath = "github.com/apache/arrow" // of every major version, arrow-go included
	arrowV17  = "github.com/apache/arrow/go/v17"
)

var (
	// A transform is a function of its batches: it neither touches the machine nor looks at the clock nor draws lots.
	barredFromTransforms = []string{"os", "io", "net", "syscall", "database/sql", "math/rand", "crypto/rand"}
	clockFuncs           = []string{
		"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer",
	}
	// Who may see Arrow itself; all others see frame.
	arrowReaders = []string{"transforms/*", "pipeline/warehouse/*", "pipeline/warehouse/bigquery/*"}
)

func TestImports(t *testing.T) {
	for _, s := range importViolations(os.DirFS("../.."), importPolicy) {
		t.Error(s)
	}
}

func TestImportViolations(t *testing.T) {
	const policy = `
		transforms     :
		transforms/*   : transforms
		transforms/rfm : transforms
		                 transforms/clv
		pipeline       : transforms
		cmd            : *
	`
	clean := map[string]string{
		"transforms/a.go":         `package transforms; import "time"; var _ time.Duration`,
		"transforms/a_test.go":    `package transforms; import ("os"; "segments/cmd"); var _ = os.Args`,
		"transforms/clv/a.go":     `package clv; import "segments/transforms"`,
		"transforms/rfm/a.go":     `package rfm; import ("segments/transforms/clv"; "` + arrowV17 + `/arrow/array")`,
		"transforms/rfmtest/a.go": `package rfmtest; import "math/rand/v2"`,
		"pipeline/a.go":           `package pipeline; import ("os"; "time"; "segments/transforms"); var _ = time.Now`,
		"cmd/a.go":                `package main; import ("segments/pipeline"; "segments/transforms/rfm")`,
		"cmd/testdata/x/a.go":     `package x; not Go`,
		"_old/a.go":               `package old; import "segments/cmd"`,
	}
	tests := []struct{ file, src, want string }{
		{"cmd/b.go", `package main`, ""},
		{"transforms/b.go", `package transforms; import "segments/transforms/clv"`, "transforms may not import transforms/clv"},
		{"transforms/clv/b.go", `package clv; import "segments/transforms/rfm"`, "transforms/clv may not import transforms/rfm"},
		{"transforms/clv/deep/b.go", `package deep`, "package transforms/clv/deep has no line"},
		{"report/b.go", `package report`, "package report has no line"},
		{"b.go", `package segments`, "package . has no line"},
		{"transforms/b.go", `package transforms; import _ "os/exec"`, "transforms may not import os/exec"},
		{"transforms/clv/b.go", `package clv; import "math/rand/v2"`, "transforms/clv may not import math/rand/v2"},
		{"transforms/clv/b.go", `package clv; import . "time"`, "transforms/clv may not import time with a dot"},
		{"transforms/clv/b.go", `package clv; import "time"; var now = time.Now`, "transforms/clv may not use time.Now"},
		{"transforms/clv/b.go", `package clv; import c "time"; var _ = c.Since(c.Time{})`, "transforms/clv may not use time.Since"},
		{"transforms/b.go", `package transforms; import "` + arrowV17 + `/arrow"`, "pipeline/warehouse/bigquery/* may see Arrow"},
		{"pipeline/b.go", `package pipeline; import "` + arrowV17 + `/arrow"`, "pipeline/warehouse/bigquery/* may see Arrow"},
		{"cmd/b_test.go", `package main; import "github.com/apache/arrow-go/v18/arrow"`, "one binary holds one Arrow"},
		{"transforms/clv/b.go", `package clv; import "github.com/apache/arrow/go/v16/arrow"`, "one binary holds one Arrow"},
		{"cmd/b.go", `package main; import "unclosed`, "cmd/b.go:1:"},
	}
	for _, tt := range tests {
		tree := fstest.MapFS{tt.file: {Data: []byte(tt.src)}}
		for file, src := range clean {
			tree[file] = &fstest.MapFile{Data: []byte(src)}
		}
		got := strings.Join(importViolations(tree, policy), "\n")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %s\n got %q\nwant %q", tt.file, tt.src, got, tt.want)
		}
	}

	tree := fstest.MapFS{"sql/a.go": {Data: []byte(`package sql`)}}
	got := importViolations(tree, "sql: frame\nframe:\npipeline/*: sql")
	want := []string{
		`importPolicy: the line of frame has no package`,
		`importPolicy: the line of pipeline/* has no package`,
		`importPolicy: sql may import frame, which is no package`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines without packages:\n got %q\nwant %q", got, want)
	}
}

// importViolations holds the Go files of tree against policy.
func importViolations(tree fs.FS, policy string) []string {
	var (
		found    []string
		rules    = parseImportPolicy(policy)
		used     = map[string]bool{}
		packages = map[string]bool{}
		fset     = token.NewFileSet()
	)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := d.Name(); d.IsDir() && name != "." && (base == "testdata" || strings.ContainsRune("._", rune(base[0]))) {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if err != nil {
			found = append(found, err.Error())
			return nil
		}
		complain := func(n ast.Node, format string, args ...any) {
			found = append(found, fmt.Sprintf("%s: %s", fset.Position(n.Pos()), fmt.Sprintf(format, args...)))
		}
		checkArrowMajor(f, complain)
		if strings.HasSuffix(name, "_test.go") {
			return nil
		}
		pkg := path.Dir(name)
		pattern, ok := importRule(rules, pkg)
		if !ok && !packages[pkg] {
			complain(f, "package %s has no line in importPolicy", pkg)
		}
		packages[pkg], used[pattern] = true, true
		if ok {
			checkImports(f, pkg, rules[pattern], complain)
		}
		if strings.HasPrefix(pkg+"/", "transforms/") && !strings.HasSuffix(pkg, "test") {
			checkPurity(f, pkg, complain)
		}
		return nil
	})
	if err != nil {
		found = append(found, err.Error())
	}
	return append(found, idleImportRules(rules, used, packages)...)
}

// checkImports complains of imports that the package's line does not allow.
func checkImports(f *ast.File, pkg string, allowed []string, complain func(ast.Node, string, ...any)) {
	for _, spec := range f.Imports {
		p := importPath(spec)
		if own, ok := strings.CutPrefix(p, ownModule+"/"); ok && !slices.Contains(allowed, own) && !slices.Contains(allowed, "*") {
			complain(spec, "%s may not import %s", pkg, own)
		}
		if within(p, arrowV17) && !slices.ContainsFunc(arrowReaders, func(pattern string) bool { return matches(pattern, pkg) }) {
			complain(spec, "%s imports %s: only %s may see Arrow", pkg, p, strings.Join(arrowReaders, " and "))
		}
	}
}

// checkArrowMajor complains of any Arrow but the one that the data path is made of.
func checkArrowMajor(f *ast.File, complain func(ast.Node, string, ...any)) {
	for _, spec := range f.Imports {
		if p := importPath(spec); strings.HasPrefix(p, arrowPath) && !within(p, arrowV17) {
			complain(spec, "%s: one binary holds one Arrow, and that is %s", p, arrowV17)
		}
	}
}

// checkPurity complains of what would make a transform depend on more than its batches.
func checkPurity(f *ast.File, pkg string, complain func(ast.Node, string, ...any)) {
	clock := ""
	for _, spec := range f.Imports {
		p := importPath(spec)
		if slices.ContainsFunc(barredFromTransforms, func(barred string) bool { return within(p, barred) }) {
			complain(spec, "%s may not import %s", pkg, p)
		}
		if p != "time" {
			continue
		}
		clock = "time"
		if spec.Name != nil {
			clock = spec.Name.Name
		}
		if clock == "." {
			complain(spec, "%s may not import time with a dot", pkg)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && clock != "" {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == clock && slices.Contains(clockFuncs, sel.Sel.Name) {
				complain(sel, "%s may not use time.%s: dates come with the data", pkg, sel.Sel.Name)
			}
		}
		return true
	})
}

// idleImportRules complains of lines and names that no package answers to.
func idleImportRules(rules map[string][]string, used, packages map[string]bool) []string {
	var lines, names []string
	for pkg, allowed := range rules {
		if !used[pkg] {
			lines = append(lines, fmt.Sprintf("importPolicy: the line of %s has no package", pkg))
		}
		for _, p := range allowed {
			if p != "*" && !packages[p] {
				names = append(names, fmt.Sprintf("importPolicy: %s may import %s, which is no package", pkg, p))
			}
		}
	}
	slices.Sort(lines)
	slices.Sort(names)
	return append(lines, names...)
}

// parseImportPolicy returns what the package or pattern of each line may import. A line without a colon goes on with the
// one before.
func parseImportPolicy(policy string) map[string][]string {
	rules := map[string][]string{}
	pkg := ""
	for line := range strings.Lines(policy) {
		if left, right, ok := strings.Cut(line, ":"); ok {
			pkg, line = strings.TrimSpace(left), right
			rules[pkg] = nil
		}
		if pkg != "" {
			rules[pkg] = append(rules[pkg], strings.Fields(line)...)
		}
	}
	return rules
}

// importRule returns the line for pkg: its own, else the pattern that it matches.
func importRule(rules map[string][]string, pkg string) (string, bool) {
	if _, ok := rules[pkg]; ok {
		return pkg, true
	}
	for pattern := range rules {
		if matches(pattern, pkg) {
			return pattern, true
		}
	}
	return "", false
}

// matches reports whether pkg is one folder below that of a pattern such as transforms/*.
func matches(pattern, pkg string) bool {
	dir, ok := strings.CutSuffix(pattern, "/*")
	return ok && path.Dir(pkg) == dir
}

// within reports whether p is root or below it.
func within(p, root string) bool { return p == root || strings.HasPrefix(p, root+"/") }

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser has looked at it
	}
	return p
}
