package tagger

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/bench/workload"
)

func history(n int, unique bool) []ttpcron.Event {
	var out []ttpcron.Event
	for e := range workload.Events(workload.Options{Commands: n, Unique: unique, Seed: 1}) {
		e.ID = e.ContentID()
		out = append(out, e)
	}
	return out
}

// firstRules keeps every nth rule, so that about n are left.
func firstRules(rs *RuleSet, n int) *RuleSet {
	ids := map[string]bool{}
	step := max(rs.Len()/n, 1)
	for i, r := range rs.Rules() {
		if i%step == 0 && len(ids) < n {
			ids[r.ID] = true
		}
	}
	return rs.Only(ids)
}

func benchTag(b *testing.B, rs *RuleSet, events []ttpcron.Event) {
	c := rs.Tagger(nil)
	var dst []ttpcron.Tag
	tags := 0
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime()
	for i := range b.N {
		if i%len(events) == 0 {
			c = rs.Tagger(nil) // a new pass begins with nothing known
		}
		dst, _ = c.Tag(&events[i%len(events)], dst[:0])
		tags += len(dst)
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(tags)/float64(b.N), "tags/op")
}

// BenchmarkTag tags commands one after the other, on one core.
func BenchmarkTag(b *testing.B) {
	all := loadEmbedded()
	for _, load := range []struct {
		name   string
		unique bool
	}{{"real", false}, {"unique", true}} {
		events := history(200_000, load.unique)
		b.Run(load.name+"/20rules", func(b *testing.B) { benchTag(b, firstRules(all, 20), events) })
		b.Run(load.name+"/300rules", func(b *testing.B) { benchTag(b, firstRules(all, 300), events) })
		b.Run(load.name+"/pack", func(b *testing.B) { benchTag(b, all, events) })
	}
}

// BenchmarkParseOnly is the part of BenchmarkTag that taking the texts apart
// takes.
func BenchmarkParseOnly(b *testing.B) {
	events := history(100_000, true)
	c := loadEmbedded().Tagger(nil)
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime()
	defer func() { b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op") }()
	for i := range b.N {
		c.parser.Parse(commandText(events[i%len(events)].Payload))
	}
}

// BenchmarkYLoop is the yardstick: every literal, program and pattern of the
// pack as one expression a rule, each tried on every command with package
// regexp.
func BenchmarkYLoop(b *testing.B) {
	rs := loadEmbedded()
	var res []*regexp.Regexp
	for _, d := range rs.defs {
		if expr := yardstick(needOf(resolve(d.match, ttpcron.Command))); expr != "" {
			res = append(res, regexp.MustCompile(expr))
		}
	}
	for _, load := range []struct {
		name   string
		unique bool
	}{{"real", false}, {"unique", true}} {
		events := history(20_000, load.unique)
		b.Run(load.name, func(b *testing.B) {
			hits := 0
			cpu := cpuTime()
			for i := range b.N {
				text := commandText(events[i%len(events)].Payload)
				for _, re := range res {
					if re.MatchString(text) {
						hits++
					}
				}
			}
			b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(len(res)), "patterns")
		})
	}
}

// yardstick writes what a rule needs as an expression.
func yardstick(n need) string {
	expr := ""
	for _, p := range n.programs {
		expr += `|\b` + regexp.QuoteMeta(p) + `\b`
	}
	for _, l := range n.literals {
		for _, text := range l.texts {
			expr += `|(?i:` + regexp.QuoteMeta(text) + `)`
		}
	}
	if expr == "" {
		return ""
	}
	return expr[1:]
}

// BenchmarkHostile judges texts of 1 MiB that were made to be costly.
func BenchmarkHostile(b *testing.B) {
	rs := loadEmbedded()
	for name, text := range hostile(1 << 20) {
		b.Run(name, func(b *testing.B) {
			c := rs.Tagger(nil)
			e := commandEvent(text)
			b.ReportAllocs()
			cpu := cpuTime()
			for range b.N {
				c.Tag(e, nil)
			}
			b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkWorstEvent makes 1 MiB of everything that is likely to cost much:
// the inputs that fuzzing has kept, the examples of every rule repeated, so that
// each rule has its own words before it, and all of them together. It reports
// the most processor time and memory that one of these events took.
func BenchmarkWorstEvent(b *testing.B) {
	const size = 1 << 20
	rs := loadEmbedded()
	inputs := hostile(size)
	var all strings.Builder
	for _, d := range rs.defs {
		var own strings.Builder
		for _, ex := range d.examples {
			own.WriteString(ex.text + ";")
			all.WriteString(ex.text + "\n")
		}
		inputs["examples of "+d.ID] = own.String()
	}
	inputs["examples of all rules"] = all.String()
	for name, text := range fuzzed(b) {
		inputs[name] = text
	}
	names := slices.Sorted(maps.Keys(inputs))
	if testing.Short() {
		names = names[:50]
	}
	type cost struct {
		name  string
		value float64
	}
	var time, memory cost
	for b.Loop() {
		c := rs.Tagger(nil)
		for _, name := range names {
			text := inputs[name]
			if text == "" {
				continue
			}
			e := commandEvent(strings.Repeat(text, size/len(text)+1)[:size])
			c.Tag(e, nil) // what is made once for all events is no event's cost
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			cpu := cpuTime()
			c.Tag(e, nil)
			used := float64(cpuTime() - cpu)
			runtime.ReadMemStats(&after)
			if used > time.value {
				time = cost{name, used}
			}
			if n := float64(after.TotalAlloc - before.TotalAlloc); n > memory.value {
				memory = cost{name, n}
			}
		}
	}
	b.Logf("most time: %s; most memory: %s", time.name, memory.name)
	b.ReportMetric(time.value/1e6, "worst-ms")
	b.ReportMetric(memory.value/(1<<20), "worst-MiB")
	b.ReportMetric(float64(len(names)), "inputs")
}

// BenchmarkBombs judges 1 MiB with forty rules whose expressions can only be
// matched by backtracking, and never match.
func BenchmarkBombs(b *testing.B) {
	files := fstest.MapFS{}
	for i := range 40 {
		expr := [...]string{`(\w+\s?)*\1!x`, `(?=(a+))\1b`, `(a|aa)+(?!a)bc`, `^(?:a?){30}a{30}\b(?=(x))`}[i%4]
		files[fmt.Sprintf("b%d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "rule_id: B%d\nrule_version: 1\nname: b\napplies_to: [command]\n"+
			"match: {pattern: '%s'}\nemits: [{tactic: TA0002, technique_id: T1059, confidence: 0.9}]\n", i, expr)}
	}
	rs, report := Load(Options{Sources: []Source{{Name: "bombs", FS: files}}})
	if rs.Len() != 40 {
		b.Fatal(report.Problems)
	}
	c := rs.Tagger(nil)
	e := commandEvent(strings.Repeat("a", 1<<20))
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		c.Tag(e, nil)
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/1e6, "cpu-ms/op")
}

// fuzzed returns the texts of the corpora of this package and of the shell
// parser.
func fuzzed(b *testing.B) map[string]string {
	out := map[string]string{}
	for _, pattern := range []string{"testdata/fuzz/*/*", "shell/testdata/fuzz/*/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				b.Fatal(err)
			}
			for _, line := range strings.Split(string(data), "\n") {
				quoted, ok := strings.CutPrefix(line, "string(")
				if text, err := strconv.Unquote(strings.TrimSuffix(quoted, ")")); ok && err == nil {
					out[name] += text
				}
			}
		}
	}
	return out
}

// BenchmarkLoad reads the embedded pack, and makes it ready to run.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	cpu := cpuTime()
	defer func() { b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op") }()
	for range b.N {
		rs, _ := Load(Options{Sources: []Source{{Name: "embedded", FS: Embedded()}}})
		rs.ready()
	}
}
