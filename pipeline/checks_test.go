package pipeline

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every name of a check that stands in this package is described, and no other.
func TestEveryCheckIsDescribed(t *testing.T) {
	var described []string
	for _, d := range CheckDocs() {
		described = append(described, d.Name)
		if d.About == "" || d.Do == "" || d.Warns == "" && d.Fails == "" {
			t.Errorf("%s: %+v", d.Name, d)
		}
		for _, s := range []string{d.About, d.Warns, d.Fails, d.Skips, d.Do} {
			if s != "" && !strings.HasSuffix(s, ".") {
				t.Errorf("%s: %q does not end", d.Name, s)
			}
		}
	}
	var named []string
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range files {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if lit, ok := valueOf(n, i).(*ast.BasicLit); ok && lit.Kind == token.STRING && strings.HasPrefix(name.Name, "check") {
						text, err := strconv.Unquote(lit.Value)
						if err != nil {
							t.Fatal(err)
						}
						named = append(named, text)
					}
				}
			case *ast.CallExpr: // r.check("name", …) would pass by the names
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "check" && len(n.Args) > 3 {
					if lit, ok := n.Args[0].(*ast.BasicLit); ok {
						t.Errorf("%s: the check %s has no constant", e.Name(), lit.Value)
					}
				}
			}
			return true
		})
	}
	slices.Sort(described)
	slices.Sort(named)
	if len(named) < 12 || !slices.Equal(described, named) {
		t.Errorf("described %v\nnamed     %v", described, named)
	}
}

func valueOf(s *ast.ValueSpec, i int) ast.Expr {
	if i < len(s.Values) {
		return s.Values[i]
	}
	return nil
}
