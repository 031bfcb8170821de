package tagger

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
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

// logins is a flood of attempts: with a list of passwords that is the same for everyone,
// or each with its own password. Every 20th gets in.
func logins(n int, unique bool) []ttpcron.Event {
	users := []string{"root", "root", "root", "admin", "ubuntu", "pi", "test", "oracle", "user", "postgres"}
	rnd := rand.New(rand.NewPCG(1, 2))
	out := make([]ttpcron.Event, n)
	for i := range out {
		password := fmt.Sprintf("pass%d", rnd.IntN(300))
		if unique {
			password = strconv.FormatUint(rnd.Uint64(), 36)
		}
		p := ttpcron.Payload{{Name: "method", Text: "password"}, {Name: "password", Text: password}, {Name: "protocol", Text: "ssh"}, {Name: "service", Text: "ssh"},
			{Name: "success", Raw: json.RawMessage(strconv.FormatBool(i%20 == 0))}, {Name: "username", Text: users[rnd.IntN(len(users))]}}
		if i%50 == 0 {
			p[1].Text, p[5].Text = "vizxv", "root"
		}
		out[i] = ttpcron.Event{Kind: ttpcron.AuthAttempt, ID: strconv.Itoa(i), AttackerIP: "203.0.113.9", Payload: p}
	}
	return out
}

// BenchmarkLogins tags login attempts one after the other, on one core.
func BenchmarkLogins(b *testing.B) {
	for name, unique := range map[string]bool{"list": false, "unique": true} {
		events := logins(200_000, unique)
		b.Run(name, func(b *testing.B) { benchTag(b, loadEmbedded(), events) })
	}
}

// sessions are connections that are opened, name their client and are closed, in turn.
func sessions(n int) []ttpcron.Event {
	rnd := rand.New(rand.NewPCG(5, 3))
	out := make([]ttpcron.Event, n)
	for i := range out {
		p := ttpcron.Payload{{Name: "dst_ip", Text: "192.0.2.1"}, {Name: "dst_port", Raw: json.RawMessage("22")}, {Name: "fact", Text: "opened"}, {Name: "protocol", Text: "ssh"},
			{Name: "src_port", Raw: json.RawMessage(strconv.Itoa(1024 + rnd.IntN(60_000)))}}
		switch i % 3 {
		case 1:
			p = ttpcron.Payload{{Name: "client_version", Text: "SSH-2.0-libssh2_1.4.3"}, {Name: "fact", Text: "client"}}
		case 2:
			p = ttpcron.Payload{{Name: "duration_ms", Raw: json.RawMessage(strconv.Itoa(rnd.IntN(30_000)))}, {Name: "fact", Text: "closed"}}
		}
		out[i] = ttpcron.Event{Kind: ttpcron.SessionFact, ID: strconv.Itoa(i), AttackerIP: fmt.Sprintf("203.0.%d.%d", i/90%200, i/3%250), SessionID: fmt.Sprintf("%012x", i/3), DeckyID: "sensor-1", Payload: p}
	}
	return out
}

// BenchmarkSessions tags facts about sessions one after the other, on one core: few make a
// tag, but every third is a base match.
func BenchmarkSessions(b *testing.B) { benchTag(b, loadEmbedded(), sessions(200_000)) }

// BenchmarkSigma tags commands with the Sigma rules of the tests, alone and together with
// the pack, on one core.
func BenchmarkSigma(b *testing.B) {
	sigma := Folder{Name: "sigma", FS: os.DirFS("testdata/sigma")}
	for name, folders := range map[string][]Folder{"alone": {sigma}, "pack": {{Name: "embedded", FS: Embedded()}, sigma}} {
		rs, _ := Load(Options{Releases: sigmaReleases, Folders: folders})
		b.Run("real/"+name, func(b *testing.B) { benchTag(b, rs, history(200_000, false)) })
		b.Run("unique/"+name, func(b *testing.B) { benchTag(b, rs, history(200_000, true)) })
	}
}

// BenchmarkParseOnly measures the part of BenchmarkTag that parses texts.
func BenchmarkParseOnly(b *testing.B) {
	events := history(100_000, true)
	c := loadEmbedded().Tagger(nil)
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime()
	defer func() { b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op") }()
	for i := range b.N {
		c.parser.Parse(events[i%len(events)].Payload.CommandText())
	}
}

// patternRules are rules of DECNET's form, each with one expression on the text.
func patternRules(b *testing.B, patterns []string) *RuleSet {
	files := fstest.MapFS{}
	for i, expr := range patterns {
		files[fmt.Sprintf("p%03d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "rule_id: P%03d\nrule_version: 1\nname: p\napplies_to: [command]\n"+
			"match: {pattern: '%s'}\nemits: [{tactic: TA0002, technique_id: T1059, confidence: 0.9}]\n", i, expr)}
	}
	rs, report := Load(Options{Folders: []Folder{{Name: "patterns", FS: files}}})
	if rs.Len() != len(patterns) {
		b.Fatal(report.Problems)
	}
	return rs
}

// BenchmarkPatterns matches commands against patterns on one core. It compares package
// regexp, which tries every pattern on every command, and ripgrep as a whole process,
// which only says how many commands match any. bench/engines compares other engines.
func BenchmarkPatterns(b *testing.B) {
	patterns := workload.Patterns(300)
	for _, load := range []struct {
		name   string
		unique bool
	}{{"real", false}, {"unique", true}} {
		events := history(100_000, load.unique)
		all := patternRules(b, patterns)
		// The twenty that match most give nearly the same tags: this compares the cost of
		// the rules that do not match.
		busiest := busiestRules(all, events, 20)
		b.Run(load.name+"/ours-20", func(b *testing.B) { benchTag(b, busiest, events) })
		b.Run(load.name+"/ours-300", func(b *testing.B) { benchTag(b, all, events) })
		b.Run(load.name+"/loop-300", func(b *testing.B) { benchLoop(b, patterns, events) })
		b.Run(load.name+"/rg-300", func(b *testing.B) { benchRipgrep(b, patterns, events) })
	}
}

// busiestRules keeps the n rules that match the most of some events.
func busiestRules(rs *RuleSet, events []ttpcron.Event, n int) *RuleSet {
	hits := map[string]int{}
	c := rs.Tagger(nil)
	var tags []ttpcron.Tag
	for i := range events[:min(len(events), 20_000)] {
		tags, _ = c.Tag(&events[i], tags[:0])
		for _, t := range tags {
			hits[t.RuleID]++
		}
	}
	ids := slices.SortedFunc(maps.Keys(hits), func(x, y string) int { return cmp.Or(hits[y]-hits[x], cmp.Compare(x, y)) })
	keep := map[string]bool{}
	for _, id := range ids[:min(n, len(ids))] {
		keep[id] = true
	}
	return rs.Only(keep)
}

func benchLoop(b *testing.B, patterns []string, events []ttpcron.Event) {
	var res []*regexp.Regexp
	for _, expr := range patterns {
		res = append(res, regexp.MustCompile(expr))
	}
	hits := 0
	cpu := cpuTime()
	for i := range b.N {
		text := events[i%len(events)].Payload.CommandText()
		for _, re := range res {
			if re.MatchString(text) {
				hits++
			}
		}
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(hits)/float64(b.N), "tags/op")
}

// benchRipgrep runs rg over the commands, a line each.
func benchRipgrep(b *testing.B, patterns []string, events []ttpcron.Event) {
	rg, err := exec.LookPath("rg")
	if err != nil {
		b.Skip("ripgrep is not installed")
	}
	list, commands := filepath.Join(b.TempDir(), "patterns"), filepath.Join(b.TempDir(), "commands")
	var lines strings.Builder
	for i := range b.N {
		lines.WriteString(strings.ReplaceAll(events[i%len(events)].Payload.CommandText(), "\n", " ") + "\n")
	}
	if err := errors.Join(os.WriteFile(list, []byte(strings.Join(patterns, "\n")), 0o600), os.WriteFile(commands, []byte(lines.String()), 0o600)); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	cmd := exec.Command(rg, "-j1", "-c", "-a", "-f", list, commands)
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		b.Fatal(err)
	}
	matched, _ := strconv.Atoi(strings.TrimSpace(string(out)))
	b.ReportMetric(float64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(matched)/float64(b.N), "lines/op")
}

// BenchmarkHostile tags texts of 1 MiB that were made to be costly.
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

// BenchmarkWorstEvent makes 1 MiB of everything that is likely to be expensive: the inputs
// that fuzzing has kept, the examples of every rule repeated, so that each rule meets its
// own words, and all of them combined. It reports the most processor time and memory that
// one of these events took.
func BenchmarkWorstEvent(b *testing.B) {
	const (
		size  = 1 << 20
		tries = 3 // the least time of them: the machine has other things to do
	)
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
			used := math.Inf(1)
			for range tries {
				cpu := cpuTime()
				c.Tag(e, nil)
				used = min(used, float64(cpuTime()-cpu))
			}
			runtime.ReadMemStats(&after)
			if used > time.value {
				time = cost{name, used}
			}
			if n := float64(after.TotalAlloc-before.TotalAlloc) / tries; n > memory.value {
				memory = cost{name, n}
			}
		}
	}
	b.Logf("most time: %s; most memory: %s", time.name, memory.name)
	b.ReportMetric(time.value/1e6, "worst-ms")
	b.ReportMetric(memory.value/(1<<20), "worst-MiB")
	b.ReportMetric(float64(len(names)), "inputs")
}

// bombs are rules whose expressions can only be matched by backtracking.
func bombs(t testing.TB, n int) *RuleSet {
	files := fstest.MapFS{}
	for i := range n {
		expr := [...]string{`(\w+\s?)*\1!x`, `(?=(a+))\1b`, `(a|aa)+(?!a)bc`, `^(?:a?){30}a{30}\b(?=(x))`}[i%4]
		files[fmt.Sprintf("b%d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "rule_id: B%d\nrule_version: 1\nname: b\napplies_to: [command]\n"+
			"match: {pattern: '%s'}\nemits: [{tactic: TA0002, technique_id: T1059, confidence: 0.9}]\n", i, expr)}
	}
	rs, report := Load(Options{Folders: []Folder{{Name: "bombs", FS: files}}})
	if rs.Len() != n {
		t.Fatal(report.Problems)
	}
	return rs
}

// BenchmarkBombs tags 1 MiB with forty rules whose expressions can only be
// matched by backtracking, and never match.
func BenchmarkBombs(b *testing.B) {
	rs := bombs(b, 40)
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
		rs, _ := Load(Options{Folders: []Folder{{Name: "embedded", FS: Embedded()}}})
		rs.ready()
	}
}

// correlated are rules over logins: n correlations, each with its own stream of all failed
// logins.
func correlated(b *testing.B, groupings ...string) *RuleSet {
	files := fstest.MapFS{"base.yaml": {Data: []byte("rule_id: BASE\nrule_version: 1\nname: n\napplies_to: [auth_attempt]\nmatch: {field: {name: success, equals: 'false'}}\nemits: []\n")}}
	for i, g := range groupings {
		files[fmt.Sprintf("c%d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "rule_id: C%d\nrule_version: 1\nname: n\ncorrelation: {type: value_count, rules: [BASE], group-by: [%s], timespan: 10m, condition: {gte: 5, field: password}}\n"+
			"emits: [{tactic: TA0006, technique_id: T1110, confidence: 0.9}]\n", i, g)}
	}
	rs, report := Load(Options{Folders: []Folder{{Name: "correlated", FS: files}}})
	if len(report.Problems) > 0 || len(rs.Correlations()) != len(groupings) {
		b.Fatal(report.Problems)
	}
	return rs
}

// BenchmarkMatches makes matches of login attempts in no stream, in three, and in the
// streams of groups by session, which hold the attacker.
func BenchmarkMatches(b *testing.B) {
	for _, bm := range []struct {
		name      string
		groupings []string
	}{
		{"none", nil},
		{"one", []string{"attacker_ip, username"}},
		{"three", []string{"attacker_ip", "attacker_ip, username", "decky_id"}},
		{"sessions", []string{"session_id", "session_id, username", "attacker_uuid"}},
	} {
		rs := correlated(b, bm.groupings...)
		for name, unique := range map[string]bool{"list": false, "unique": true} {
			events := logins(200_000, unique)
			for i := range events {
				e := &events[i]
				e.AttackerIP, e.SessionID, e.DeckyID, e.Seq = fmt.Sprintf("203.0.%d.%d", i/7%200, i/3%250), fmt.Sprintf("%012x", i/4), "sensor-1", uint64(i)
			}
			b.Run(bm.name+"/"+name, func(b *testing.B) {
				c, matches := rs.Tagger(nil), 0
				b.ReportAllocs()
				b.ResetTimer()
				cpu := cpuTime()
				for i := range b.N {
					c.Tag(&events[i%len(events)], nil)
					matches += len(c.Matches())
				}
				b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(matches)/float64(b.N), "matches/op")
			})
		}
	}
}
