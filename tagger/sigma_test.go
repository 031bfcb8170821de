package tagger

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron"
)

// sigmaRule wraps a detection in an otherwise complete Sigma rule.
func sigmaRule(detection string) string {
	return `title: Test rule
id: 7a1c6f0e-0000-4000-8000-000000000001
status: test
description: Written for this test.
author: ttpcron
date: 2024-02-29
modified: 2025-06-01
tags:
  - attack.execution
  - attack.t1059.004
logsource:
  product: linux
  category: process_creation
detection:
` + indent(detection) + `
level: high
`
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ")
}

// sigmaReleases know the names of tactics, and no technique.
var sigmaReleases = []AttackRelease{{Name: "enterprise-v19.1", Tactics: map[string]string{
	"reconnaissance": "TA0043", "resource-development": "TA0042", "initial-access": "TA0001", "execution": "TA0002", "persistence": "TA0003",
	"privilege-escalation": "TA0004", "stealth": "TA0005", "defense-evasion": "TA0005", "defense-impairment": "TA0112", "credential-access": "TA0006",
	"discovery": "TA0007", "lateral-movement": "TA0008", "collection": "TA0009", "command-and-control": "TA0011", "exfiltration": "TA0010", "impact": "TA0040",
}}}

func loadSigma(text string) (*RuleSet, *LoadReport) {
	return Load(Options{Releases: sigmaReleases, Folders: []Folder{{Name: "test", FS: fstest.MapFS{"rule.yml": {Data: []byte(text)}}}}})
}

func tagCommand(rs *RuleSet, text string) []ttpcron.Tag {
	e := ttpcron.Event{Kind: ttpcron.Command, ID: "1", AttackerIP: "203.0.113.1", Payload: ttpcron.TextPayload("command_text", text)}
	tags, _ := rs.Tagger(nil).Tag(&e, nil)
	return tags
}

func TestSigmaModifiers(t *testing.T) {
	tests := []sigmaCase{
		{"equals", "sel:\n  Image: /usr/bin/wget\ncondition: sel", []string{"wget x", "sudo wget x", "/usr/bin/wget", "w'g'et x"}, []string{"/tmp/wget x", "wgetx", "curl wget"}},
		{"endswith list", "sel:\n  Image|endswith:\n    - /wget\n    - /curl\ncondition: sel", []string{"/bin/busybox wget http://192.0.2.1/a", "true; CURL=1 curl x", "/tmp/curl x"}, []string{"echo /wget", "wget2 x"}},
		{"startswith", "sel:\n  Image|startswith: /tmp/\ncondition: sel", []string{"/tmp/x -a"}, []string{"ls /tmp/x", "tmp/x"}},
		{"contains all", "sel:\n  CommandLine|contains|all:\n    - ' -d '\n    - http\ncondition: sel", []string{"curl -d @x http://192.0.2.1/"}, []string{"curl http://192.0.2.1/", "curl -d x; echo ftp"}},
		{"case", "sel:\n  CommandLine|contains: HISTFILE\ncondition: sel", []string{"echo histfile"}, []string{"echo hist file"}},
		{"cased", "sel:\n  CommandLine|contains|cased: HISTFILE\ncondition: sel", []string{"echo HISTFILE"}, []string{"echo histfile"}},
		{"wildcards", "sel:\n  CommandLine: 'rm -rf */log/*.gz'\ncondition: sel", []string{"rm -rf /var/log/a.gz"}, []string{"rm -rf /var/log/a.gzip", "rm -rf /var/log"}},
		{"escaped wildcard", `sel:
  CommandLine|endswith: 'rm -rf \*'
condition: sel`, []string{"rm -rf *"}, []string{"rm -rf x"}},
		{"re", "sel:\n  CommandLine|re: 'chmod\\s+[0-7]*7\\b'\ncondition: sel", []string{"chmod 777 x"}, []string{"chmod 775 x", "CHMOD 777 x"}},
		{"re i", "sel:\n  CommandLine|re|i: 'chmod 777'\ncondition: sel", []string{"echo CHMOD 777"}, []string{"chmod 755 a"}},
		{"base64", "sel:\n  CommandLine|contains|base64: 'wget http'\ncondition: sel", []string{"echo d2dldCBodHRw|cat"}, []string{"echo wget http"}},
		{"base64offset", "sel:\n  CommandLine|base64offset|contains: 'bash -i'\ncondition: sel", []string{"echo YmFzaCAtaQ==", "echo eGJhc2ggLWk=", "echo eHhiYXNoIC1p"}, []string{"echo bash -i"}},
		{"wide base64", "sel:\n  CommandLine|wide|base64offset|contains: ping\ncondition: sel", []string{"x cABpAG4AZwA="}, []string{"x cGluZw=="}},
		{"windash", "sel:\n  CommandLine|windash|contains: ' -enc'\ncondition: sel", []string{"pwsh -enc x", "pwsh /enc x", "pwsh –enc x"}, []string{"pwsh enc x"}},
		{"neq", "sel:\n  Image|endswith: /sh\n  CommandLine|contains|neq: ' -c'\ncondition: sel", []string{"sh x"}, []string{"sh -c x"}},
		{"parent", "sel:\n  ParentImage|endswith: /sudo\n  Image|endswith: /id\ncondition: sel", []string{"sudo id"}, []string{"id", "sudo ls"}},
		{"keywords", "keywords:\n  - 'shred *history'\n  - dropbear\ncondition: keywords", []string{"shred -u ~/.bash_history", "x; DropBear"}, []string{"shred x"}},
		{"not", "sel:\n  Image|endswith: /wget\nfilter:\n  CommandLine|contains: example.com\ncondition: sel and not filter", []string{"wget 192.0.2.1", "wget 192.0.2.1; curl example.com"}, []string{"wget example.com"}},
		{"1 of", "selection_a:\n  Image|endswith: /nc\nselection_b:\n  Image|endswith: /ncat\nother:\n  Image|endswith: /ls\ncondition: 1 of selection_*", []string{"nc x", "ncat x"}, []string{"ls"}},
		{"all of them", "a:\n  Image|endswith: /nc\nb:\n  CommandLine|contains: ' -e'\n_c:\n  CommandLine|contains: never\ncondition: all of them", []string{"nc -e sh"}, []string{"nc -l", "ls -e"}},
		{"precedence", "a:\n  Image|endswith: /aa\nb:\n  Image|endswith: /bb\nc:\n  CommandLine|contains: ' x'\ncondition: a or b and c", []string{"aa", "bb x"}, []string{"bb"}},
		{"parentheses", "a:\n  Image|endswith: /aa\nb:\n  Image|endswith: /bb\nc:\n  CommandLine|contains: ' x'\ncondition: (a or b) and c", []string{"aa x", "bb x"}, []string{"aa", "bb"}},
		{"null is absent", "sel:\n  Image|endswith: /id\n  ParentImage: null\ncondition: sel", []string{"id"}, []string{"sudo id"}},
		{"an empty text is not absence", "sel:\n  Image|endswith: /id\nfilter:\n  ParentCommandLine: ''\ncondition: sel and not filter", []string{"id", "timeout 5 id"}, []string{"ls"}},
		{"an empty text beside null", "sel:\n  Image|endswith: /id\n  ParentImage:\n    - ''\n    - null\ncondition: sel", []string{"id"}, []string{"sudo id"}},
		{"null in a list", "sel:\n  Image|endswith: /id\n  ParentImage:\n    - null\n    - /usr/bin/sudo\ncondition: sel", []string{"id", "sudo id", "nohup id"}, []string{"timeout 5 id"}},
		{"exists", "sel:\n  Image|endswith: /id\n  ParentImage|exists: true\ncondition: sel", []string{"sudo id"}, []string{"id"}},
		{"exists not", "sel:\n  Image|endswith: /id\n  ParentImage|exists: false\ncondition: sel", []string{"id"}, []string{"sudo id"}},
		{"letters of others", "sel:\n  CommandLine|contains: GRÜN\ncondition: sel", []string{"echo grÜn"}, []string{"echo grun"}},
		{"re m", "sel:\n  CommandLine|re|m|s: '^b.c$'\ncondition: sel", []string{"printf 'a\nb\nc\nd'"}, []string{"echo abc"}},
		{"base64 of an escape", `sel:
  CommandLine|base64|contains: 'rm \*\*\*'
condition: sel`, []string{"echo cm0gKioq"}, []string{"echo rm"}},
		{"utf16be", "sel:\n  CommandLine|utf16be|base64offset|contains: ping\ncondition: sel", []string{"x AHAAaQBuAGc="}, []string{"x cGluZw=="}},
		{"utf16", "sel:\n  CommandLine|utf16|base64|contains: ping\ncondition: sel", []string{"x //5wAGkAbgBnAA=="}, []string{"x cABpAG4AZwA="}},
		{"numbers", "sel:\n  CommandLine|endswith:\n    - 4444\n    - 1.5\ncondition: sel", []string{"nc 192.0.2.1 4444", "x 1.5"}, []string{"nc 192.0.2.1 444"}},
		{"all keywords", "keywords:\n  '|all':\n    - wget\n    - chmod\ncondition: keywords", []string{"wget x; chmod 7 x"}, []string{"wget x"}},
		{"any of", "a:\n  Image|endswith: /nc\nb:\n  Image|endswith: /id\ncondition: any of them", []string{"nc x", "id"}, []string{"ls"}},
		{"not 1 of", "sel:\n  Image|endswith: /id\nfilter_a:\n  CommandLine|contains: ' -u'\nfilter_b:\n  CommandLine|contains: ' -g'\ncondition: sel and not 1 of filter_*", []string{"id"}, []string{"id -u", "id -g"}},
		{"conditions", "a:\n  Image|endswith: /nc\nb:\n  Image|endswith: /id\ncondition:\n  - a\n  - b", []string{"nc x", "id"}, []string{"ls"}},
		{"list of maps", "sel:\n  - Image|endswith: /aa\n  - CommandLine|contains: zz\ncondition: sel", []string{"aa", "x zz"}, []string{"x"}},
	}
	checkSigma(t, tests)
}

func TestSigmaClaim(t *testing.T) {
	rs, report := loadSigma(sigmaRule("sel:\n  Image|endswith: /id\ncondition: sel"))
	if len(report.Problems) > 0 {
		t.Fatal(report.Problems)
	}
	tags := tagCommand(rs, "id")
	if len(tags) != 1 {
		t.Fatalf("%d tags, want 1", len(tags))
	}
	got := fmt.Sprintf("%s@%d %s %s %s %v", tags[0].RuleID, tags[0].RuleVersion, tags[0].Tactic, tags[0].TechniqueID, tags[0].SubTechniqueID, tags[0].Confidence)
	want := "7a1c6f0e-0000-4000-8000-000000000001@20250601 TA0002 T1059 T1059.004 0.8"
	if got != want {
		t.Errorf("claim is %s, want %s", got, want)
	}
}

// manySelections are the selections s0, s1, … of a rule.
func manySelections(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "s%d:\n  Image|endswith: /id%d\n", i, i)
	}
	return b.String()
}

// TestSigmaRefused checks that a rule that could not work is refused for a
// reason that names the part.
func TestSigmaRefused(t *testing.T) {
	plain := "sel:\n  Image|endswith: /id\ncondition: sel"
	tests := []struct{ name, rule, want string }{
		{"windows", strings.Replace(sigmaRule(plain), "product: linux", "product: windows", 1), `logsource.product: "windows"`},
		{"category", strings.Replace(sigmaRule(plain), "process_creation", "network_connection", 1), `"network_connection" is not shown by shell commands`},
		{"service", strings.Replace(sigmaRule(plain), "category: process_creation", "service: auditd", 1), `logsource.service: "auditd"`},
		{"field", sigmaRule("sel:\n  Hashes: x\n  LogonId: 0\n  Image|endswith: /id\ncondition: sel"), `can never hold: Hashes, LogonId are not shown`},
		{"modifier", sigmaRule("sel:\n  Image|cidr: 10.0.0.0/8\ncondition: sel"), `modifier "cidr" is not supported`},
		{"aggregation", sigmaRule("sel:\n  Image|endswith: /id\ncondition: sel | count() > 5"), "aggregation (| count"},
		{"timeframe", sigmaRule("sel:\n  Image|endswith: /id\ntimeframe: 5m\ncondition: sel"), "several events"},
		{"selection", sigmaRule("sel:\n  Image|endswith: /id\ncondition: sell"), `there is no selection "sell"`},
		{"of nothing", sigmaRule("sel:\n  Image|endswith: /id\ncondition: 1 of filter_*"), `no selection is called "filter_*"`},
		{"open", sigmaRule("sel:\n  Image|endswith: /id\ncondition: (sel"), "not closed"},
		{"null with a modifier", sigmaRule("sel:\n  Image|contains: null\ncondition: sel"), "is nothing, want a text"},
		{"null keyword", sigmaRule("keywords:\n  - null\ncondition: keywords"), "is nothing, want a text"},
		{"empty text", sigmaRule("sel:\n  CommandLine|contains: ''\ncondition: sel"), "match everything"},
		{"wide alone", sigmaRule("sel:\n  CommandLine|wide|contains: x\ncondition: sel"), "modifier wide without base64"},
		{"wide after base64", sigmaRule("sel:\n  CommandLine|base64|wide: x\ncondition: sel"), "modifier wide without base64"},
		{"wildcards encoded", sigmaRule("sel:\n  CommandLine|base64offset|contains: 'a*b'\ncondition: sel"), "a value with wildcards cannot be encoded"},
		{"re encoded", sigmaRule("sel:\n  CommandLine|base64|re: x\ncondition: sel"), "cannot stand with re"},
		{"flag of re", sigmaRule("sel:\n  CommandLine|ignorecase|contains: x\ncondition: sel"), "stand only after re"},
		{"two operators", sigmaRule("sel:\n  CommandLine|contains|endswith: x\ncondition: sel"), "cannot stand together"},
		{"exists and others", sigmaRule("sel:\n  User|exists|cased: true\ncondition: sel"), "cannot stand with others"},
		{"lt", sigmaRule("sel:\n  ProcessId|lt: 5\ncondition: sel"), `can never hold: ProcessId is not shown`},
		{"absent", sigmaRule("sel:\n  Hashes: null\ncondition: sel"), `holds of all shell commands: Hashes is not shown`},
		{"gte", sigmaRule("sel:\n  CommandLine|gte: 5\ncondition: sel"), `modifier "gte" is not supported`},
		{"fieldref", sigmaRule("sel:\n  Image|fieldref: ParentImage\ncondition: sel"), `modifier "fieldref" is not supported`},
		{"expand", sigmaRule("sel:\n  User|expand: '%admins%'\ncondition: sel"), `modifier "expand" is not supported`},
		{"time", sigmaRule("sel:\n  CommandLine|hour: 5\ncondition: sel"), `modifier "hour" is not supported`},
		{"2 of", sigmaRule("a:\n  Image|endswith: /id\ncondition: 2 of them"), "only 1, any and all"},
		{"filter", "title: x\nlogsource: {product: linux}\nfilter:\n  rules: [x]\n", "filters for other rules"},
		{"collection", "action: global\ntitle: x\nlogsource: {product: linux}\n", "several documents"},
		{"unsupported", strings.Replace(sigmaRule(plain), "status: test", "status: unsupported", 1), "cannot be used"},
		{"no product", strings.Replace(sigmaRule(plain), "  product: linux\n  category: process_creation", "  service: bash", 1), "logsource.product: is missing"},
		{"no tactic", strings.Replace(sigmaRule(plain), "  - attack.execution\n", "", 1), "name no tactic for T1059.004"},
		{"date", strings.NewReplacer("2024-02-29", "June", "modified: 2025-06-01\n", "").Replace(sigmaRule(plain)), `date: "June", want YYYY-MM-DD`},
		{"correlation", "title: x\ncorrelation:\n  type: event_count\n", "correlation.rules: is missing"},
		{"no id", strings.Replace(sigmaRule(plain), "id: 7a1c6f0e-0000-4000-8000-000000000001\n", "", 1), "id: is missing"},
		{"level", strings.Replace(sigmaRule(plain), "level: high", "level: huge", 1), `level: "huge"`},
		{"empty", sigmaRule("sel: {}\ncondition: sel"), "match everything"},
		{"only an empty text", sigmaRule("sel:\n  CommandLine: ''\ncondition: sel"), "can never hold: a field of a process is absent"},
		{"forms without end", sigmaRule("sel:\n  CommandLine|contains|" + strings.Repeat("windash|base64offset|", 4) + "wide: -a\ncondition: sel"), "modifiers that change a value"},
		{"forms of forms", sigmaRule("sel:\n  CommandLine|contains|base64offset|base64offset|base64offset|base64offset: abcdefgh\ncondition: sel"), "forms of a value, at most"},
		{"selections without end", sigmaRule(manySelections(400) + "condition: [" + strings.Repeat("all of them, ", 200) + "1 of them]"), "names selections more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rs, report := loadSigma(tt.rule)
			if rs.Len() != 0 {
				t.Error("the rule was loaded")
			}
			if text := fmt.Sprint(report.Problems); !strings.Contains(text, tt.want) {
				t.Errorf("problems are %s, want %q", text, tt.want)
			}
		})
	}
}

func FuzzSigma(f *testing.F) {
	f.Add("sel:\n  Image|endswith: /id\ncondition: sel", "id")
	f.Add("a:\n  - CommandLine|re|i: 'x+'\n  - foo\ncondition: not (1 of a* or a) and a", "x")
	f.Add("k:\n  '|all': [a, b*]\ncondition: all of them", "a b")
	f.Fuzz(func(t *testing.T, detection, text string) {
		rs, report := loadSigma(sigmaRule(detection))
		if rs.Len() == 0 && len(report.Problems) == 0 {
			t.Fatal("neither loaded nor refused for a reason")
		}
		tagCommand(rs, text)
	})
}

// TestSigmaLevel: a Sigma rule has its own level, in any case, or else medium. Its
// confidence does not depend on it.
func TestSigmaLevel(t *testing.T) {
	for line, want := range map[string]ttpcron.Level{
		"level: critical": ttpcron.LevelCritical, "level: High": ttpcron.LevelHigh, "level: medium": ttpcron.LevelMedium, "": ttpcron.LevelMedium,
		"level: low": ttpcron.LevelLow, "level: informational": ttpcron.LevelInformational,
	} {
		rs, report := loadSigma(strings.Replace(sigmaRule("sel:\n  Image|endswith: /id\ncondition: sel"), "level: high", line, 1))
		tags := tagCommand(rs, "id")
		if len(tags) != 1 || tags[0].Level.String() != want.String() || tags[0].Confidence != 0.8 || rs.Rules()[0].Level.String() != want.String() {
			t.Errorf("%q: %v, %+v; want level %s, confidence 0.8", line, report.Problems, tags, want)
		}
	}
}

// TestSigmaConfidence: the technique that a rule names first, with its parent, has a
// higher confidence than those after it.
func TestSigmaConfidence(t *testing.T) {
	rule := strings.Replace(sigmaRule("sel:\n  Image|endswith: /id\ncondition: sel"), "  - attack.t1059.004\n", "  - attack.t1059.004\n  - attack.t1105\n  - attack.t1059\n  - attack.t1105\n", 1)
	rs, report := loadSigma(rule)
	var got []string
	for _, tag := range tagCommand(rs, "id") {
		got = append(got, fmt.Sprintf("%s %v", tag.Technique(), tag.Confidence))
	}
	if want := "[T1059.004 0.8 T1105 0.5 T1059 0.8]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s (%v)", got, want, report.Problems)
	}
}

// TestSigmaSilent: a rule without a technique loads and makes no tag, and the report
// counts it.
func TestSigmaSilent(t *testing.T) {
	rs, report := loadSigma(strings.Replace(sigmaRule("sel:\n  Image|endswith: /id\ncondition: sel"), "  - attack.t1059.004\n", "", 1))
	if rs.Len() != 1 || report.Silent != 1 || len(report.Problems) > 0 || rs.InForce() != 0 || len(tagCommand(rs, "id")) != 0 {
		t.Errorf("%d rules, %d of them silent, %d in force, %v", rs.Len(), report.Silent, rs.InForce(), report.Problems)
	}
	x := rs.Explain(*commandEvent("id"))
	if len(x.Rules) != 1 || x.Rules[0].Dropped != "it names no technique" {
		t.Errorf("explained as %+v", x.Rules)
	}
}

// TestSigmaUndated: a rule needs no date.
func TestSigmaUndated(t *testing.T) {
	rs, report := loadSigma(strings.NewReplacer("date: 2024-02-29\n", "", "modified: 2025-06-01\n", "").Replace(sigmaRule("sel:\n  Image|endswith: /id\ncondition: sel")))
	if rs.Len() != 1 || rs.Rules()[0].Version != 1 {
		t.Errorf("%v", report.Problems)
	}
}

// TestSigmaTactics: tactics have the names of every release.
func TestSigmaTactics(t *testing.T) {
	for tag, want := range map[string]string{"stealth": "TA0005", "defense_impairment": "TA0112", "defense-impairment": "TA0112", "ta0112": "TA0112"} {
		rs, report := loadSigma(strings.Replace(sigmaRule("sel:\n  Image|endswith: /id\ncondition: sel"), "attack.execution", "attack."+tag, 1))
		if tags := tagCommand(rs, "id"); len(tags) != 1 || tags[0].Tactic != want {
			t.Errorf("%s: %v, %v; want %s", tag, tags, report.Problems, want)
		}
	}
}

// TestSigmaAbsent: a field that no shell text shows is absent. A rule that can match
// without it loads.
func TestSigmaAbsent(t *testing.T) {
	for name, detection := range map[string]string{
		"alternative":   "a:\n  Hashes|contains: x\nb:\n  Image|endswith: /id\ncondition: a or b",
		"list":          "sel:\n  - OriginalFileName: id\n  - Image|endswith: /id\ncondition: sel",
		"not":           "sel:\n  Image|endswith: /id\nfilter:\n  IntegrityLevel: System\ncondition: sel and not filter",
		"not 1 of":      "sel:\n  Image|endswith: /id\nfilter_a:\n  LogonId: 0\nfilter_b:\n  CommandLine|contains: ' -u'\ncondition: sel and not 1 of filter_*",
		"null":          "sel:\n  Image|endswith: /id\n  Hashes: null\ncondition: sel",
		"null or value": "sel:\n  Image|endswith: /id\n  Hashes: [null, x]\ncondition: sel",
		"exists":        "sel:\n  Image|endswith: /id\n  Hashes|exists: false\ncondition: sel",
		"neq":           "sel:\n  Image|endswith: /id\n  LogonId|neq: 0\ncondition: sel",
	} {
		rs, report := loadSigma(sigmaRule(detection))
		if len(report.Problems) > 0 || len(tagCommand(rs, "id")) != 1 || len(tagCommand(rs, "ls")) != 0 {
			t.Errorf("%s: %v", name, report.Problems)
		}
	}
	rs, report := loadSigma(sigmaRule("sel:\n  - CommandLin: id\n  - Image|endswith: /id\ncondition: sel"))
	if rs.Len() != 1 || len(report.Problems) != 1 || !strings.Contains(report.Problems[0].Text, `"CommandLin" is no field`) {
		t.Errorf("%v", report.Problems)
	}
}

// TestSigmaAnyProduct: a rule without a product applies to Linux too.
func TestSigmaAnyProduct(t *testing.T) {
	rs, report := loadSigma(strings.Replace(sigmaRule("sel:\n  Image|endswith: /id\ncondition: sel"), "  product: linux\n", "", 1))
	if len(report.Problems) > 0 || len(tagCommand(rs, "id")) != 1 {
		t.Errorf("%v", report.Problems)
	}
}

// TestSigmaFolders: Sigma rules are found in folders of any depth, as in a checkout of
// SigmaHQ. DECNET would ignore those.
func TestSigmaFolders(t *testing.T) {
	rule := []byte(sigmaRule("sel:\n  Image|endswith: /id\ncondition: sel"))
	rs, report := Load(Options{Releases: sigmaReleases, Folders: []Folder{{Name: "test", FS: fstest.MapFS{
		"rules/linux/process-creation/proc-creation.yml": {Data: rule},
		"rules/linux/own.yaml":                           {Data: []byte("rule_id: X")},
		"not-a-name.yaml":                                {Data: []byte("rule_id: X")},
		".git/hidden.yml":                                {Data: rule},
		"rules/linux/two-in-one.yml":                     {Data: append(append(rule[:len(rule):len(rule)], "---\n"...), rule...)},
	}}}})
	if rs.Len() != 1 || report.Files != 2 || report.Refused() != 2 || len(report.Problems) != 4 {
		t.Errorf("%d rules of %d files, problems %v; want 1 of 2, two refused and two warnings of files passed over", rs.Len(), report.Files, report.Problems)
	}
}
