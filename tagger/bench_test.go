package tagger

import (
	"regexp"
	"testing"

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
