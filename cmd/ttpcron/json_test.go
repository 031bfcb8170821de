package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jsontext"
)

// hostile has terminal controls, changes the text's direction, hides some of it, and ends
// in invalid UTF-8.
const hostile = "\x1b[31m \u009b31mRED\u0085 \x7f \u061c\u200e\u200f\u202a\u202e\u2066\u2069 \u2028\u2029\ufeff\u200b\u00ad\u3164 \U000e0041\U000e007f \U0001d159 \xff\xc3"

// TestOneWayToPrintJSON: commands print JSON only through their output's JSON and RawJSON.
func TestOneWayToPrintJSON(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob("internal/*/*.go")
	if err != nil || len(below) == 0 {
		t.Fatalf("%d files below, %v", len(below), err)
	}
	files = append(files, below...)
	allowed := map[string][]string{
		"internal/term/output.go": {"json.NewEncoder"},
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				called := selector(n)
				if slices.Contains([]string{"json.NewEncoder", "json.Marshal", "json.MarshalIndent", "out.Write", "s.out.Write"}, called) && !slices.Contains(allowed[name], called) {
					t.Errorf("%s: %s; print JSON with JSON or RawJSON", set.Position(n.Pos()), called)
				}
			case *ast.CallExpr:
				for _, arg := range n.Args {
					text, ok := arg.(*ast.BasicLit)
					if fun, sel := n.Fun.(*ast.SelectorExpr); ok && sel && strings.HasPrefix(selector(fun), "fmt.Fprint") && strings.HasPrefix(strings.Trim(text.Value, "\"`"), "{") {
						t.Errorf("%s: JSON by %s; print it with JSON", set.Position(n.Pos()), selector(fun))
					}
				}
			}
			return true
		})
	}
}

// selector writes x.y.z as in the source.
func selector(s *ast.SelectorExpr) string {
	switch x := s.X.(type) {
	case *ast.Ident:
		return x.Name + "." + s.Sel.Name
	case *ast.SelectorExpr:
		return selector(x) + "." + s.Sel.Name
	}
	return s.Sel.Name
}

// hostileStore makes a store, and rules, with hostile text wherever possible. It returns
// the environment for it, and the UUID of a tag.
func hostileStore(t *testing.T) (env []string, tag string) {
	t.Helper()
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(rules, 0o700))
	text := jsontext.AppendString(nil, strings.ToValidUTF8(hostile, ""))
	must(os.WriteFile(filepath.Join(rules, "a.yaml"), fmt.Appendf(nil, `{rule_id: HOSTILE, rule_version: 1, name: %s, applies_to: [command], match: {pattern: 'uname'},
 emits: [{tactic: TA0007, technique_id: T1082, confidence: 0.8}], evidence_fields: [command_text], tests: {match: [%s, "uname"], no_match: ["x"]}}`, text, text), 0o600))
	must(os.WriteFile(filepath.Join(rules, "broken.yaml"), fmt.Appendf(nil, "%s: 1\n", text), 0o600))
	text = jsontext.AppendString(nil, hostile)
	command := jsontext.AppendString(nil, "uname "+hostile)
	var lines []byte
	for _, c := range []string{string(command), string(text)} {
		lines = fmt.Appendf(lines, `{"source_kind":"command","source_id":%s,"time":"2026-05-04T05:49:05Z","attacker_ip":%s,"session_id":%s,"payload":{"command_text":%s,%s:[%s]}}`+"\n", c, text, text, c, text, text)
	}
	lines = fmt.Appendf(lines, "{\"source_kind\":\"%s\"}\n", hostile)
	events := filepath.Join(dir, "events\u202e\x1b.jsonl")
	must(os.WriteFile(events, lines, 0o600))
	env = []string{"TTPCRON_DB=" + filepath.Join(dir, "\u202et\u009b.db"), "TTPCRON_EMBEDDED=false", "TTPCRON_RULES=" + rules, "EVENTS=" + events}
	for _, args := range [][]string{
		{"import", "--format", "events", events}, {"run-once", "--since-days", "3650"},
		{"rules", "state", "set", "HOSTILE", "clipped=0.7", "--reason", hostile},
	} {
		if code, out, stderr := invoke(t, env, args...); code != exitDone {
			t.Fatalf("%v: exit %d\n%s%s", args, code, out, stderr)
		}
	}
	_, out, stderr := invoke(t, env, "tags", "--json")
	var got struct{ UUID string }
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &got); err != nil || got.UUID == "" {
		t.Fatalf("no tag: %v\n%s%s", err, out, stderr)
	}
	return env, got.UUID
}

// TestJSONIsVisible runs every command that has --json over a store of hostile text, and
// checks its output and log.
func TestJSONIsVisible(t *testing.T) {
	env, tag := hostileStore(t)
	events := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "EVENTS="); ok {
			events = v
		}
	}
	labelled := filepath.Join(t.TempDir(), "labelled.jsonl")
	if err := os.WriteFile(labelled, fmt.Appendf(nil, `{"command_text":%s,"technique_ids":["T1105"],"test_id":"x"}`+"\n{", jsontext.AppendString(nil, hostile)), 0o600); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "\u202eb.db")
	tree := map[string][][]string{
		"import": {{"--format", "events", events}, {"--rejected"}}, "run-once": {{"--dry-run"}, {"--since-days", "3650", "--input", "events:" + events}},
		"explain":     {{hostile}, {"uname " + hostile}, {"--tag", tag}},
		"rules check": {nil}, "rules show": {{"HOSTILE"}}, "rules eval": {{labelled}}, "rules retire": {{"HOSTILE"}}, "rules unretire": {{"HOSTILE"}},
		"rules state set": {{"HOSTILE", "clipped=0.6", "--reason", hostile}}, "rules state clear": {{"HOSTILE"}},
		"checkpoint set": {{"1"}}, "db prune": {{"--dry-run", "--keep-events", "1d"}}, "db purge": {{"--dry-run", "--session", hostile}},
		"db backup": {{backup}}, "db recover": {{backup + ".new"}}, "db restore": {{backup}}, "config check": {nil},
		"report":  {{"--output", filepath.Join(t.TempDir(), "report.html")}},
		"session": {{hostile}, {"1"}}, "attacker": {{hostile}, {"203.0.113.7"}},
		"rules untagged": {nil}, "rules noise": {nil, {"--replay"}},
	}
	var names []string
	rootCommand().Each(func(c *command) {
		if c.Run != nil && c.Has("json") {
			names = append(names, c.Name)
		}
	})
	slices.Sort(names)
	// What reads first, then what changes; a backup before it is restored.
	last := []string{"db backup", "db recover", "db restore", "rules retire", "rules unretire", "rules state set", "rules state clear", "checkpoint set", "checkpoint reset"}
	names = append(slices.DeleteFunc(names, func(n string) bool { return slices.Contains(last, n) }), last...)
	for _, name := range append(names, "export-events") {
		cases := tree[name]
		if cases == nil {
			cases = [][]string{nil}
		}
		for _, args := range cases {
			all := append(strings.Fields(name), args...)
			if name != "export-events" {
				all = append(all, "--json")
			}
			for _, logs := range []string{"false", "true"} {
				code, out, stderr := invoke(t, append(env, "TTPCRON_LOG_JSON="+logs), all...)
				if code == exitUsage {
					t.Errorf("%q: %s", all, stderr)
				}
				for stream, text := range map[string]string{"stdout": out, "stderr": stderr} {
					if strings.ReplaceAll(text, "\n", "") != term.Clean(strings.ReplaceAll(text, "\n", "")) {
						t.Errorf("%s of %q is not clean: %q", stream, name, text)
					}
				}
				for line := range bytes.Lines([]byte(out)) {
					if !json.Valid(line) {
						t.Errorf("%q prints %q, which is no JSON", name, line)
					}
				}
			}
		}
	}
}

// TestExplainJSONIsExact: a value is the same before and after JSON.
func TestExplainJSONIsExact(t *testing.T) {
	_, out, stderr := invoke(t, []string{"TTPCRON_DB=" + filepath.Join(t.TempDir(), "t.db")}, "explain", "--json", "echo "+hostile)
	var got struct{ Text json.RawMessage }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr)
	}
	if text, err := jsontext.DecodeString(got.Text); err != nil || text != "echo "+hostile {
		t.Errorf("text is %q, %v", text, err)
	}
}

// TestExportComesBack: an escaped event is the same event.
func TestExportComesBack(t *testing.T) {
	env, _ := hostileStore(t)
	_, out, _ := invoke(t, env, "export-events")
	file := filepath.Join(t.TempDir(), "export.jsonl")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if !utf8.ValidString(out) || !strings.Contains(out, `\u202e`) || !strings.Contains(out, `\udcff`) {
		t.Errorf("exported: %s", out)
	}
	code, back, stderr := invoke(t, env, "import", "--json", "--format", "events", file)
	if code != exitDone || !strings.Contains(back, `"new":0,"known":2,"changed":0`) {
		t.Errorf("exit %d: %s%s", code, back, stderr)
	}
}
