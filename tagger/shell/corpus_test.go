package shell

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron/internal/testlogs"
)

// Commands of logs are parsed, not split. Documentation of key strokes and the
// like among the benign samples is no shell, and is only listed.
func TestCommandsOfLogs(t *testing.T) {
	for _, h := range testlogs.All(t) {
		t.Run(h.Name, func(t *testing.T) { commandsOfLogs(t, h.Commands(t)) })
	}
}

func commandsOfLogs(t *testing.T, commands []string) {
	p := NewParser(Limits{})
	p.panics = true
	fast, fell, real := 0, 0, 0
	for _, text := range commands {
		s := p.Parse(text)
		checkScript(t, text, s)
		checkProcesses(t, text, s)
		if s.Fallback {
			fell++
			t.Logf("split tolerantly: %.200q", text)
			if !strings.Contains(text, "<") && !strings.HasSuffix(text, "|") {
				real++
			}
		}
		if s.Bounded {
			t.Errorf("bounded: %.200q", text)
		}
		p.b.reset(p.limits)
		if p.b.scan(text, true) {
			fast++
		}
	}
	t.Logf("%d commands: %d scanned strictly, %d split tolerantly, %d of them without <Key> and a torn end", len(commands), fast, fell, real)
	if real*100 > len(commands) {
		t.Errorf("%d of %d split tolerantly, want under 1 %%", real, len(commands))
	}
}

// The strict scanner's result equals that of the full parser.
func TestStrictEqualsFull(t *testing.T) {
	for _, h := range testlogs.All(t) {
		t.Run(h.Name, func(t *testing.T) {
			for _, text := range h.Commands(t) {
				sameBothWays(t, text)
			}
		})
	}
}

// sameBothWays checks that strict scanning and the full parser agree on a text.
func sameBothWays(t *testing.T, text string) {
	t.Helper()
	fast := NewParser(Limits{})
	if !utf8.ValidString(text) || !fast.b.scan(text, true) {
		return // a shell takes other bytes as they are; the full parser refuses them
	}
	slow := NewParser(Limits{})
	fast.panics, slow.panics = true, true
	slow.b.slow = true
	fast.Processes, slow.Processes = true, true
	want, got := slow.Parse(text), fast.Parse(text)
	if slow.b.parse(text) == nil {
		t.Errorf("strictly scanned, but no valid shell: %q", text)
	}
	for _, l := range want.Decoded {
		if !utf8.ValidString(l.Text) {
			got.Fallback = want.Fallback // of the layer, for the same reason
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q:\nstrict %+v\nfull   %+v", text, got, want)
	}
}

// checkProcesses checks what holds for the processes of every text, and that listing
// them changes nothing else.
func checkProcesses(t *testing.T, text string, plain *Script) {
	t.Helper()
	p := NewParser(Limits{})
	p.panics, p.Processes = true, true
	s := p.Parse(text)
	last := map[int32]*Process{}
	for i := range s.Processes {
		q := &s.Processes[i]
		if q.Parent >= int32(i) || q.Parent < -1 || q.Command < -1 || int(q.Command) >= len(s.Commands) || q.Text && q.Path != "" || q.Parent >= 0 && s.Processes[q.Parent].Text {
			t.Fatalf("%.300q: process %d is %+v", text, i, *q)
		}
		if q.Within >= int32(i) || q.Within >= 0 && (s.Processes[q.Within].Command != q.Command || !strings.HasSuffix(s.Processes[q.Within].Line, q.Line)) {
			t.Fatalf("%.300q: process %d stands in none: %+v", text, i, *q)
		}
		if !q.Text {
			last[q.Command] = q
		}
	}
	for i := range s.Commands {
		c := &s.Commands[i]
		line := strings.Join(append([]string{c.Path}, c.Args...), " ")
		if q := last[int32(i)]; c.Program != "" && !s.Bounded && (q == nil || q.Path != c.Path || q.Line != line) {
			t.Errorf("%.300q: the process of %q is %+v", text, c.Line, q)
		}
	}
	s.Processes = nil
	if s.Bounded = plain.Bounded; !reflect.DeepEqual(s, plain) {
		t.Errorf("%.300q: listing processes changes the script", text)
	}
}

// checkScript checks what holds for the script of every text.
func checkScript(t *testing.T, text string, s *Script) {
	t.Helper()
	if s == nil {
		t.Fatal("no script")
	}
	for i := range s.Commands {
		c := &s.Commands[i]
		if c.Start < 0 || c.Start > c.End || c.End > len(text) {
			t.Errorf("%.300q: command %q has span %d:%d of %d", text, c.Line, c.Start, c.End, len(text))
		}
		if len(c.Args) > 0 && c.Line != c.Program+" "+c.ArgLine || c.ArgLine != strings.Join(c.Args, " ") {
			t.Errorf("%.300q: line %q of %q and %q", text, c.Line, c.Program, c.Args)
		}
		if c.Depth < 0 || c.Depth > 8 {
			t.Errorf("%.300q: depth %d", text, c.Depth)
		}
	}
	for _, l := range s.Decoded {
		if l.Start < 0 || l.Start > l.End || l.End > len(text) {
			t.Errorf("%.300q: layer %q has span %d:%d of %d", text, l.Text, l.Start, l.End, len(text))
		}
	}
}
