package page

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// Only two files decide what a page consists of: the writer, and the one with the
// program's own style and script. No other makes an attribute, turns a string into a name
// or appends to the page's bytes.
func TestOnlyTheWriterWrites(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := f.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "writer.go" || name == "asset.go" {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if isNamed(n.Type, "attr") && len(n.Elts) > 0 {
					t.Errorf("%s: an attribute is made", set.Position(n.Pos()))
				}
			case *ast.CallExpr:
				if isNamed(n.Fun, "name") && len(n.Args) == 1 {
					if _, constant := n.Args[0].(*ast.BasicLit); !constant {
						t.Errorf("%s: a string is made a name", set.Position(n.Pos()))
					}
				}
			case *ast.SelectorExpr:
				if n.Sel.Name == "buf" || n.Sel.Name == "open" || n.Sel.Name == "asset" {
					if name == "page.go" && n.Sel.Name == "buf" {
						return true // which hands the bytes on
					}
					t.Errorf("%s: the bytes of the page are touched", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func isNamed(e ast.Expr, name string) bool {
	id, is := e.(*ast.Ident)
	return is && id.Name == name
}
