package tagger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ttpcron/ttpcron"
)

// sigmaLogin is a base rule as Sigma users write it, with its own technique.
const sigmaLogin = `title: Failed login
id: 53ba33fd-3a50-4468-a5ef-c583635cfa92
name: failed_login
status: test
tags: [attack.credential-access, attack.t1110]
logsource:
  product: linux
  service: sshd
detection:
  selection:
    event.outcome: failure
  condition: selection
`

// sigmaGuessing is a correlation over it.
const sigmaGuessing = `title: Multiple failed logins
id: a8418a5a-5fc4-46b5-b23b-6c73beb19d41
name: multiple_failed_login
status: test
date: 2025-03-01
level: high
tags: [attack.credential-access, attack.t1110.001]
correlation:
  type: event_count
  rules: [failed_login]
  group-by: [src_ip, User]
  timespan: 10m
  condition: {gte: 3}
`

// loadFiles loads files of a folder, the second of each two being the text.
func loadSigmaFiles(files ...string) (*RuleSet, *LoadReport) {
	folder := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		folder[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return Load(Options{Releases: sigmaReleases, Folders: []Folder{{Name: "test", FS: folder}}})
}

func attempt(service, user string, success bool) *ttpcron.Event {
	e := &ttpcron.Event{Kind: ttpcron.AuthAttempt, ID: "1", AttackerIP: "203.0.113.1", DeckyID: "d", SessionID: "s", Time: time.Unix(1, 0)}
	e.Payload.Set("service", service)
	e.Payload.Set("username", user)
	e.Payload.SetRaw("success", []byte(fmt.Sprint(success)))
	return e
}

// gives describes the tags and matches that an event gives.
func gives(rs *RuleSet, e *ttpcron.Event) string {
	c := rs.Tagger(nil)
	tags, _ := c.Tag(e, nil)
	var out []string
	for _, t := range tags {
		out = append(out, "tag of "+t.RuleID)
	}
	for _, m := range c.Matches() {
		var names []string
		for _, f := range m.Stream.Group {
			names = append(names, f.Name)
		}
		out = append(out, string(ttpcron.Group(m.Group).AppendJSON(nil, names)))
	}
	return strings.Join(out, ", ")
}

// A Sigma file with a correlation and its base rule: the base rule makes no tags unless
// generate says so. In its own file it does.
func TestSigmaCorrelation(t *testing.T) {
	const group = `{"attacker_ip":"203.0.113.1","username":"root"}`
	const base, guess = "53ba33fd-3a50-4468-a5ef-c583635cfa92", "a8418a5a-5fc4-46b5-b23b-6c73beb19d41"
	generate := strings.Replace(sigmaGuessing, "correlation:", "correlation:\n  generate: true", 1)
	for name, tt := range map[string]struct {
		files []string
		want  string
	}{
		"one file":               {[]string{"a.yml", sigmaLogin + "---\n" + sigmaGuessing}, group},
		"the correlation first":  {[]string{"a.yml", "---\n" + sigmaGuessing + "---\n" + sigmaLogin + "---\n"}, group},
		"generate":               {[]string{"a.yml", sigmaLogin + "---\n" + generate}, "tag of " + base + ", " + group},
		"generate: false":        {[]string{"a.yml", sigmaLogin + "---\n" + strings.Replace(generate, "true", "false", 1)}, group},
		"two files":              {[]string{"rules/login.yml", sigmaLogin, "correlations/x/guess.yml", sigmaGuessing}, "tag of " + base + ", " + group},
		"by id":                  {[]string{"a.yml", sigmaLogin, "b.yml", strings.Replace(sigmaGuessing, "[failed_login]", "["+base+"]", 1)}, "tag of " + base + ", " + group},
		"a rule of ours":         {[]string{"a.yml", sigmaLogin, "b.yaml", ourGuessing("failed_login")}, "tag of " + base + `, {"attacker_ip":"203.0.113.1"}`},
		"a base rule without id": {[]string{"a.yml", strings.Replace(sigmaLogin, "id: "+base+"\n", "", 1) + "---\n" + sigmaGuessing}, group},
		"names of fields of ECS": {[]string{"a.yml", sigmaLogin + "---\n" + strings.Replace(sigmaGuessing, "src_ip, User", "source.ip, user.name", 1)}, group},
		"aliases":                {[]string{"a.yml", sigmaLogin + "---\n" + strings.Replace(sigmaGuessing, "group-by: [src_ip, User]", "group-by: [who]\n  aliases: {who: {failed_login: TargetUserName}}", 1)}, `{"who":"root"}`},
		"the sensor":             {[]string{"a.yml", sigmaLogin + "---\n" + strings.Replace(sigmaGuessing, "src_ip, User", "Computer", 1)}, `{"decky_id":"d"}`},
		"without group-by":       {[]string{"a.yml", sigmaLogin + "---\n" + strings.Replace(sigmaGuessing, "  group-by: [src_ip, User]\n", "", 1)}, `{}`},
	} {
		rs, report := loadSigmaFiles(tt.files...)
		if len(report.Problems) > 0 || len(rs.Correlations()) != 1 {
			t.Errorf("%s: %v", name, report.Problems)
			continue
		}
		if got := gives(rs, attempt("ssh", "root", false)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if got := gives(rs, attempt("ssh", "root", true)) + gives(rs, attempt("telnet", "root", false)); got != "" {
			t.Errorf("%s: a login that succeeded, or of telnet, gives %s", name, got)
		}
	}
	rs, _ := loadSigmaFiles("a.yml", sigmaLogin+"---\n"+sigmaGuessing)
	r, _ := rs.Rule(guess)
	if r.Version != 20250301 || r.Level != ttpcron.LevelHigh || len(r.Claims) != 1 || r.Claims[0].SubTechniqueID != "T1110.001" || !r.Active {
		t.Errorf("%+v", r)
	}
	if b, _ := rs.Rule(base); b.Silent != "it feeds "+guess+", which has no generate: true" || b.Active || !slices.Equal(b.Feeds, []string{guess}) {
		t.Errorf("%+v", b)
	}
}

func ourGuessing(base string) string {
	return "rule_id: OURS\nrule_version: 1\nname: x\ncorrelation: {type: event_count, rules: [" + base + "], group-by: [attacker_ip], timespan: 1h, condition: {gte: 5}}\n" +
		"emits: [{tactic: TA0006, technique_id: T1110, confidence: 0.9}]\n"
}

// Sigma asks for no id of a correlation: it has its name, or its title.
func TestSigmaCorrelationWithoutID(t *testing.T) {
	without := strings.Replace(sigmaGuessing, "id: a8418a5a-5fc4-46b5-b23b-6c73beb19d41\n", "", 1)
	for want, text := range map[string]string{
		"multiple_failed_login":  without,
		"Multiple_failed_logins": strings.Replace(without, "name: multiple_failed_login\n", "", 1),
	} {
		rs, report := loadSigmaFiles("a.yml", sigmaLogin+"---\n"+text)
		if _, ok := rs.Rule(want); !ok || len(report.Problems) > 0 {
			t.Errorf("there is no %s: %v", want, report.Problems)
		}
	}
}

// A name means the rule in the same file, or else the one in the folder with the highest
// precedence. If that folder has two, the name is refused.
func TestSigmaNames(t *testing.T) {
	named := func(id, service string) string {
		return strings.NewReplacer("53ba33fd-3a50-4468-a5ef-c583635cfa92", id, "service: sshd", "service: "+service).Replace(sigmaLogin)
	}
	load := func(first, second fstest.MapFS) (*RuleSet, string) {
		rs, report := Load(Options{Releases: sigmaReleases, Folders: []Folder{{Name: "one", FS: first}, {Name: "two", FS: second}}})
		return rs, fmt.Sprint(report.Problems)
	}
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, tt := range map[string]struct {
		one, two fstest.MapFS
		base     string
		problem  string
	}{
		"the same file":    {fstest.MapFS{"a.yml": file(named("A", "ssh") + "---\n" + sigmaGuessing)}, fstest.MapFS{"b.yml": file(named("B", "ssh"))}, "A", "[]"},
		"the later folder": {fstest.MapFS{"a.yml": file(named("A", "ssh")), "guess.yml": file(sigmaGuessing)}, fstest.MapFS{"b.yml": file(named("B", "ssh"))}, "B", "[]"},
		"two of one folder": {fstest.MapFS{"a.yml": file(named("A", "ssh")), "b.yml": file(named("B", "ssh")), "guess.yml": file(sigmaGuessing)}, fstest.MapFS{}, "",
			`[one/guess.yml:10: correlation.rules[0]: "failed_login" is the name of several rules, A and B among them: name one by its id]`},
		"a rule that is refused": {fstest.MapFS{"a.yml": file(named("A", "rsyslog")), "guess.yml": file(sigmaGuessing)}, fstest.MapFS{}, "",
			`[one/a.yml:7: logsource.service: "rsyslog" is not shown by shell commands one/guess.yml:10: correlation.rules[0]: "failed_login" is refused itself]`},
	} {
		rs, problems := load(tt.one, tt.two)
		if problems != tt.problem {
			t.Errorf("%s: %s", name, problems)
		}
		base := ""
		for _, c := range rs.Correlations() {
			base = c.Streams()[0].Rule
		}
		if base != tt.base {
			t.Errorf("%s: %q, want %q", name, base, tt.base)
		}
	}
}

// In a Sigma correlation, the user of a command is a different field from that of a login.
func TestSigmaUserOfCommands(t *testing.T) {
	id := "title: id\nid: ID\nname: identity\nlogsource: {product: linux, category: process_creation}\ndetection: {sel: {Image|endswith: /id}, condition: sel}\n"
	rs, report := loadSigmaFiles("a.yml", sigmaLogin+"---\n"+id+"---\n"+strings.Replace(sigmaGuessing, "[failed_login]", "[failed_login, identity]", 1))
	if len(report.Problems) > 0 {
		t.Fatal(report.Problems)
	}
	e := &ttpcron.Event{Kind: ttpcron.Command, ID: "1", AttackerIP: "203.0.113.1", Payload: ttpcron.TextPayload("command_text", "id")}
	e.Payload.Set("user", "pi")
	if got, want := gives(rs, e)+" "+gives(rs, attempt("ssh", "root", false)), `{"attacker_ip":"203.0.113.1","username":"pi"} {"attacker_ip":"203.0.113.1","username":"root"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestSigmaSources goes through the log sources that are no shell commands.
func TestSigmaSources(t *testing.T) {
	source := func(logsource, selection string) string {
		return "title: x\nid: X\ntags: [attack.credential-access, attack.t1110]\nlogsource: {" + logsource + "}\ndetection: {sel: " + selection + ", condition: sel}\n"
	}
	request := &ttpcron.Event{Kind: ttpcron.HTTPRequest, ID: "1", AttackerIP: "203.0.113.1"}
	request.Payload.Set("raw_url", "/a.php?id=1")
	request.Payload.Set("method", "POST")
	request.Payload.SetRaw("status", []byte("404"))
	failed, accepted := attempt("ssh", "root", false), attempt("telnet", "admin", true)
	for _, tt := range []struct {
		logsource, selection string
		hit, miss            *ttpcron.Event
	}{
		{"category: auth", "{EventType: login_failure}", failed, accepted},
		{"category: authentication", "{event.outcome: success, User: admin}", accepted, failed},
		{"product: linux, service: auth", "{outcome: [failure, denied]}", failed, accepted},
		{"product: linux, category: authentication", "{username|startswith: ro}", failed, accepted},
		{"product: linux, service: sshd", "{User|exists: true}", failed, accepted},
		{"service: telnet", "{User|exists: true}", accepted, failed},
		{"product: linux, service: auth", "{success: false}", failed, accepted},
		{"category: webserver", "{c-uri|contains: a.php, cs-method: POST}", request, failed},
		{"category: webserver, service: nginx", "{sc-status: 404}", request, failed},
		{"category: webserver", "['A.PHP?id']", request, failed},
		{"product: ttpcron, category: auth_attempt", "{username: ROOT, service: ssh}", failed, accepted},
		{"product: ttpcron, category: http_request", "{status: 404, method: post}", request, failed},
	} {
		rs, report := loadSigmaFiles("a.yml", source(tt.logsource, tt.selection))
		if len(report.Problems) > 0 {
			t.Errorf("%s %s: %v", tt.logsource, tt.selection, report.Problems)
		} else if gives(rs, tt.hit) != "tag of X" || gives(rs, tt.miss) != "" {
			t.Errorf("%s %s: %q, %q", tt.logsource, tt.selection, gives(rs, tt.hit), gives(rs, tt.miss))
		}
	}
	for _, tt := range []struct{ logsource, selection, want string }{
		{"category: auth", "['Failed password']", "keywords are looked for in the text of events, and attempts to log in have none"},
		{"category: auth", "{'|all': [a, b]}", "and attempts to log in have none"},
		{"category: auth", "{outcome: maybe}", `"maybe" says neither that a login succeeded nor that it failed`},
		{"category: auth", "{outcome|contains: fail}", "modifiers cannot stand here"},
		{"category: auth", "{src_ip: 192.0.2.1}", "src_ip is no part of the payload, and cannot be tested"},
		{"category: auth", "{EventID: 4625}", "can never hold: EventID is not shown by attempts to log in"},
		{"category: auth", "{EventID: null}", "holds of all attempts to log in: EventID is not shown by attempts to log in"},
		{"product: windows, category: authentication", "{User: x}", `logsource.product: "windows"`},
		{"product: ttpcron", "{username: x}", "logsource.category: is missing"},
		{"product: linux, service: cron", "{User: x}", `logsource.service: "cron"`},
	} {
		rs, report := loadSigmaFiles("a.yml", source(tt.logsource, tt.selection))
		if got := fmt.Sprint(report.Problems); rs.Len() != 0 || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: %s, want %q", tt.logsource, tt.selection, got, tt.want)
		}
	}
}
