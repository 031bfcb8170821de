// Package engines compares engines that could match the rules' expressions.
// It is a module of its own, so that the program does not depend on them.
package engines

import (
	"fmt"
	"regexp"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/bench/workload"
	"github.com/ttpcron/ttpcron/tagger"
	"github.com/ttpcron/ttpcron/tagger/literal"
	"github.com/ttpcron/ttpcron/tagger/pattern"
	re2 "github.com/wasilibs/go-re2"
	"github.com/wasilibs/go-re2/experimental"
)

const rules = 300

// matcher returns how many patterns a text matches.
type matcher func(text string) int

// engines are made of the same expressions.
var engines = []struct {
	name string
	make func(tb testing.TB, patterns []string) matcher
}{
	{"regexp", loop},
	{"regexp behind literals", behindLiterals},
	{"go-re2", re2Loop},
	{"go-re2 set", re2Set},
	{"automata behind literals", ours},
}

func loop(tb testing.TB, patterns []string) matcher {
	var res []*regexp.Regexp
	for _, expr := range patterns {
		res = append(res, regexp.MustCompile(expr))
	}
	return func(text string) (n int) {
		for _, re := range res {
			if re.MatchString(text) {
				n++
			}
		}
		return n
	}
}

func behindLiterals(tb testing.TB, patterns []string) matcher {
	var res []*regexp.Regexp
	var b literal.Builder
	found := make(literal.IDs, len(patterns)/64+1)
	for i, expr := range patterns {
		res = append(res, regexp.MustCompile(expr))
		p, err := pattern.Compile(expr)
		if err != nil {
			tb.Fatal(err)
		}
		for _, l := range p.Literals() {
			b.Add(l, i, 1)
		}
		if len(p.Literals()) == 0 {
			tb.Fatalf("%s has no literal", expr)
		}
	}
	scanner := b.Build().Scanner()
	return func(text string) (n int) {
		clear(found)
		scanner.Reset()
		scanner.Scan(text, 1, found)
		for i, re := range res {
			if found.Has(i) && re.MatchString(text) {
				n++
			}
		}
		return n
	}
}

func re2Loop(tb testing.TB, patterns []string) matcher {
	var res []*re2.Regexp
	for _, expr := range patterns {
		res = append(res, re2.MustCompile(expr))
	}
	return func(text string) (n int) {
		for _, re := range res {
			if re.MatchString(text) {
				n++
			}
		}
		return n
	}
}

func re2Set(tb testing.TB, patterns []string) matcher {
	set, err := experimental.CompileSet(patterns)
	if err != nil {
		tb.Fatal(err)
	}
	return func(text string) int { return len(set.FindAllString(text, len(patterns))) }
}

// ours is the tagger itself, evidence and tags included, without its memory of
// texts: the texts here are all different.
func ours(tb testing.TB, patterns []string) matcher {
	files := fstest.MapFS{}
	for i, expr := range patterns {
		files[fmt.Sprintf("p%03d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "rule_id: P%03d\nrule_version: 1\nname: p\napplies_to: [command]\n"+
			"match: {pattern: '%s'}\nemits: [{tactic: TA0002, technique_id: T1059, confidence: 0.9}]\n", i, expr)}
	}
	rs, report := tagger.Load(tagger.Options{Folders: []tagger.Folder{{Name: "patterns", FS: files}}})
	if rs.Len() != len(patterns) {
		tb.Fatal(report.Problems)
	}
	c := rs.Tagger(nil)
	var tags []ttpcron.Tag
	return func(text string) int {
		tags, _ = c.Tag(&ttpcron.Event{Kind: ttpcron.Command, ID: "e", AttackerIP: "192.0.2.1", Payload: ttpcron.TextPayload("command_text", text)}, tags[:0])
		return len(tags)
	}
}

func texts(n int) (out []string) {
	for e := range workload.Events(workload.Options{Commands: n, Unique: true, Seed: 1}) {
		text, _ := e.Payload.Text("command_text")
		out = append(out, text)
	}
	return out
}

// TestEnginesAgree holds that all give the same answers.
func TestEnginesAgree(t *testing.T) {
	patterns := workload.Patterns(rules)
	all := texts(400)
	want := loop(t, patterns)
	for _, c := range engines[1:] {
		match := c.make(t, patterns)
		for _, text := range all {
			if n, m := match(text), want(text); n != m {
				t.Errorf("%s: %d patterns match %q, regexp says %d", c.name, n, text, m)
			}
		}
	}
}

func BenchmarkEngines(b *testing.B) {
	patterns := workload.Patterns(rules)
	all := texts(50_000)
	for _, c := range engines {
		b.Run(c.name, func(b *testing.B) {
			match := c.make(b, patterns)
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuTime(b)
			for i := range b.N {
				match(all[i%len(all)])
			}
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkStart makes each candidate of the expressions.
func BenchmarkStart(b *testing.B) {
	patterns := workload.Patterns(rules)
	for _, c := range engines {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			cpu := cpuTime(b)
			for range b.N {
				c.make(b, patterns)
			}
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/1e6, "cpu-ms/op")
		})
	}
}

func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
