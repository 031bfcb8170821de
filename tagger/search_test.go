package tagger

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/internal/race"
)

var (
	searchTime = flag.Duration("search", 0, "how long costly commands are searched for; 0 for the same few each time")
	searchSeed = flag.Uint64("search-seed", 0, "where the search begins; 0 for a new place each time")
	searchDir  = flag.String("search-dir", "", "folder for the costliest commands that were found")
	searchFrom = flag.String("search-from", "", "folder with commands, one a file, that are tried and changed too")
)

// Limits for one event, whatever its content.
const mostEventText = 1 << 20

var mostAllocated uint64 = 16 << 20

func init() {
	if race.Enabled { // it takes stacks and escapes differently: a quarter more counts
		mostAllocated += 4 << 20
	}
}

// TestSearch looks at random for commands that cost more than they may, with the
// whole embedded pack: constructs of the shell repeated and put into each other,
// and changes of the costliest found so far. What it cannot hold to by a count,
// processor time, it only reports.
//
//	go test ./tagger -run TestSearch -search 1h -timeout 2h -search-dir /tmp/worst -v
func TestSearch(t *testing.T) {
	c := loadEmbedded().Tagger(nil)
	searchCommands(t, "", mostAllocated, 80, tagging(c))
}

// searchCommands searches for expensive commands, only a few without a time.
func searchCommands(t *testing.T, prefix string, most uint64, few int, costs func(text string) cost) {
	seed := *searchSeed
	if seed == 0 && *searchTime > 0 {
		seed = uint64(time.Now().UnixNano())
	}
	s := newSearch(t, seed)
	s.most, s.costs = most, costs
	for until := time.Now().Add(*searchTime); s.tried < few || time.Now().Before(until); {
		s.step()
		if testing.Short() && s.tried >= few/4 && *searchTime == 0 {
			break
		}
	}
	t.Logf("seed %d: %d commands tried", seed, s.tried)
	for m, name := range measures {
		pool := s.pools[m]
		if len(pool) == 0 {
			continue
		}
		worst := pool[0]
		t.Logf("most %s: %s, %d bytes: %.120q", name, worst.cost, worst.size, worst.render())
		for i, g := range pool[:min(len(pool), 8)] {
			s.save(prefix+name, i, g.render())
		}
	}
}

// save keeps a command in the folder for these, if there is one.
func (s *search) save(name string, n int, text string) {
	if *searchDir == "" {
		return
	}
	file := filepath.Join(*searchDir, fmt.Sprintf("%s-%d-%d.txt", name, s.seed, n))
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// cost is what tagging one command took.
type cost struct {
	cpu       time.Duration
	allocated uint64
	work      int // bytes and steps, as the budgets count them
	bounded   bool
}

func (c cost) String() string {
	return fmt.Sprintf("%v, %.1f MiB, work %d, bounded %v", c.cpu.Round(10*time.Microsecond), float64(c.allocated)/(1<<20), c.work, c.bounded)
}

var measures = []string{"cpu", "allocation", "work"}

func (c cost) of(measure int) float64 {
	return [...]float64{float64(c.cpu), float64(c.allocated), float64(c.work)}[measure]
}

// measured runs a function once, for what is made only once, and then measures the
// cheapest of several runs.
func measured(do func() (work int, bounded bool)) cost {
	do()
	best := cost{}
	for i := range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		cpu := cpuTime()
		work, bounded := do()
		now := cost{cpu: cpuTime() - cpu, work: work, bounded: bounded}
		runtime.ReadMemStats(&after)
		now.allocated = after.TotalAlloc - before.TotalAlloc
		if i == 0 {
			best = now
		}
		best.cpu, best.allocated = min(best.cpu, now.cpu), min(best.allocated, now.allocated)
		if best.cpu < 10*time.Millisecond && best.allocated < mostAllocated/2 {
			break
		}
	}
	return best
}

// tagging is the cost of tagging a new command.
func tagging(c *Composite) func(text string) cost {
	return func(text string) cost {
		e := commandEvent(text)
		return measured(func() (int, bool) {
			c.cache = cache{}
			_, v := c.Tag(e, nil)
			return c.fresh.steps + c.parser.Work(), v.Bounded
		})
	}
}

// genome is a command as the search changes it.
type genome struct {
	parts []part
	size  int // at most
	cost  cost
}

type part struct {
	text  string
	times int
}

func (g *genome) render() string {
	var out strings.Builder
	for _, p := range g.parts {
		for range p.times {
			if out.Len() >= g.size {
				break
			}
			out.WriteString(p.text)
		}
	}
	text := out.String()
	return text[:min(len(text), g.size)]
}

type search struct {
	t     *testing.T
	seed  uint64
	rnd   *rand.Rand
	most  uint64 // bytes that one may allocate
	costs func(text string) cost
	words []string // of the examples of rules
	given []genome
	pools [3][]genome
	tried int
}

func newSearch(t *testing.T, seed uint64) *search {
	rs := loadEmbedded()
	s := &search{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 2))}
	for _, d := range rs.defs {
		for _, ex := range d.examples {
			if ex.text != "" {
				s.words = append(s.words, ex.text)
			}
		}
	}
	if *searchFrom != "" {
		files, err := filepath.Glob(filepath.Join(*searchFrom, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s.given = append(s.given, genome{parts: []part{{string(data), 1}}, size: min(len(data), mostEventText)})
		}
	}
	return s
}

// step tries one command.
func (s *search) step() {
	var g genome
	if n := len(s.given); n > 0 && s.tried < n {
		g = s.given[s.tried]
	} else if s.rnd.IntN(3) == 0 || s.tried == 0 {
		g = s.fresh()
	} else {
		pool := s.pool()
		g = s.mutated(pool[s.rnd.IntN(len(pool))])
	}
	text := g.render()
	if text == "" {
		return
	}
	s.tried++
	g.cost = s.costs(text)
	if g.cost.allocated > s.most {
		s.t.Errorf("%d bytes of text: %v: %.300q", len(text), g.cost, text)
		s.save("over", s.tried, text)
	}
	for m := range s.pools {
		s.keep(m, g)
	}
}

// pool returns one of the lists of the costliest; that of processor time, which
// differs each time, only when it is searched for a time.
func (s *search) pool() []genome {
	if *searchTime == 0 {
		return s.pools[1+s.rnd.IntN(2)]
	}
	return s.pools[s.rnd.IntN(3)]
}

// keep puts a genome among the costliest by a measure.
func (s *search) keep(m int, g genome) {
	const kept = 24
	s.pools[m] = append(s.pools[m], g)
	slices.SortStableFunc(s.pools[m], func(x, y genome) int { return cmp.Compare(y.cost.of(m), x.cost.of(m)) })
	s.pools[m] = s.pools[m][:min(len(s.pools[m]), kept)]
}

func (s *search) pick(list []string) string { return list[s.rnd.IntN(len(list))] }

// length returns a number up to most, small ones as likely as large ones.
func (s *search) length(most int) int {
	n := most
	for n > 1 && s.rnd.IntN(4) > 0 {
		n /= 2
	}
	return 1 + s.rnd.IntN(n)
}

func (s *search) size() int {
	switch s.rnd.IntN(4) {
	case 0:
		return mostEventText
	case 1:
		return 64 << 10
	}
	return 1<<10 + s.length(mostEventText-1<<10)
}

func (s *search) fresh() genome {
	g := genome{size: s.size()}
	for range s.rnd.IntN(4) {
		g.parts = append(g.parts, part{s.setting(), 1})
	}
	for range 1 + s.rnd.IntN(3) {
		g.parts = append(g.parts, part{s.unit(0), s.times(g.size)})
	}
	return g
}

func (s *search) times(size int) int { return 1 + s.length(size) }

// settings are large and much used: %s is a filling.
var settings = []string{
	"a=%s;", "a='%s';", "a=(%s);", "IFS='%s';", "echo '%s'>f;", "set -- %s;", "f() { %s; };", "alias a='%s';", "export a='%s';", "a=\"%s\" b='%s';",
	"cat <<E >f\n%s\nE\n", "cat <<'E' | sh\n%s\nE\n", "sh -c '%s';", "eval '%s';", "read a <<< '%s';", "printf -v a '%s';", "a=$(echo '%s');", "declare -a a=(%s);",
	"#!/bin/sh\n%s\n", "echo '#!/bin/sh\n%s' > f;", "%s|", "\"%s", "'%s", "$(%s", "{ %s", "( %s", "if %s; then ", "echo %s | base64 -d |", "python -c '%s';",
	"crontab - <<E\n%s\nE\n", "case $a in %s) ", "for a in %s; do ", "b=%s;a=$b;", "a=%s;a=$a$a;a=$a$a;", "wget %s;", "echo -e '%s' > f;",
}

var fillings = []string{
	"x", "x ", "X", "\xff", "é", " ", "\n", "x\n", "-x ", "/", "x/", "\\x41", "\\", "aGVs", "$a", "a;", "a|", "a&&", "* ", "* * * * * a\n", "system(\"a\")", "http://a ", "a=b ",
	"'a' ", "[", "{a,b}", "wget ", "sh ", "$((1)) ", "a=a ", "\t", "0", "4142", "é ", "://", "a@b:", "\"", "(", "${a}", "$b", "%s ", "%d", "\\0101", "..", "{", "%",
}

// uses are constructs; %s is another unit or a variable.
var uses = []string{
	"b=$a;", "b=${a//x/yy};", "b=${a/x/%s};", "b=${a//x/%s};", "b=${a^^};", "b=${a,,};", "b=${a#x};", "b=${a##*x};", "b=${a%%x};", "b=${#a};", "b=${a:1:2};", "b=${!a};", "b=${a[@]};",
	"b=${a[1]};", "b=${a:-%s};", "b=${b:=%s};", "b=${a:+%s};", "a+=x;", "a=$a$a;", "set -- $a;", "echo $a ;", "echo $a$a >f;", "echo $a >>f;", "sh f;", ". f;", "cat f f f|sh;", "cat f;",
	"$a ", "\"$a\" ", "$a;", "eval $a;", "eval \"$a\";", "sh -c \"$a\";", "bash -c '%s';", "echo $a|base64 -d;", "echo $a|rev|tac|tr a-z b-za|sed s/a/b/g;", "echo $a|sed s/x/yyyyyyyy/g|",
	"echo $a|xxd -r -p|", "echo -e $a|", "printf $a a b c;", "printf '%%s%%s' $a $a;", "printf -v b $a;", "read a b c d <<< $a;", "cat <<< $a;", "cat <<E\n$a\nE\n", "sh <<E\n$a\nE\n",
	"sudo env A=b %s ", "env -S \"$a\" ", "xargs -I{} %s;", "find . -exec %s \\; -exec a +;", "ssh a@b $a;", "wget $a ", "curl -d@a -o b -abcd ", "curl $a;", "scp a@b:c d;", "docker exec a sh -c '%s';",
	"kubectl exec a -- %s;", "screen -dm %s;", "trap '%s' EXIT;", "crontab f;", "crontab - <<< $a;", "tee f g h <<< $a;", "python -c \"$a\";", "awk 'BEGIN{system(\"%s\")}';", "perl -e 'exec(\"%s\")';",
	"$(%s)", "`%s`", "<(%s)", "\"$(%s)\"", "${a:-$(%s)}", "$((%s))", "{%s,a}", "{a,b}{c,d}", "{a..z}", "(%s)", "{ %s; }", "if %s; then %s; fi;", "for a in %s; do %s; done;", "while %s; do %s; done;",
	"case a in a) %s;; esac;", "f() { %s; };", "%s|%s|", "%s&&%s||", "%s&", "%s;", "! %s;", "time %s;", "[[ %s ]];", "coproc %s;", "a=(%s);", "declare a=%s;", "export a=$a;", "IFS=%s;", "unset a;",
	"${IFS}", "$IFS$9", "$@", "$*", "w$@get ", "\\x", "$'\\x41%s'", "$\"%s\"", "'%s'", "\"%s\"", "#%s\n", "a >%s;", "a <%s;", "a 2>&1 >/dev/null;", ">%s ", "cp a b;", "dd if=a of=b;", "cat a b c|",
	"tar -xzf a;", "grep -e a b;", "sed -i s/a/b/ c;", "nohup %s &", "busybox %s ", "timeout 1 %s;", "~ ", "*?[a-z] ", "$((a[%s]))", "let a=%s;", "function f { %s; };", "select a in b; do %s; done;",
	"openssl base64 -d;", "base32 -d <<< $a;", "tr -d $a <<< $a;", "su -c '%s';", "at now <<< $a;", "watch -n 1 '%s';", "flock a -c '%s';", "ip netns exec a %s;", "\r\n", "\x00", "\xff", "://", "http://a/b ",
}

func (s *search) fill(text string, with func() string) string {
	var out strings.Builder
	for {
		head, tail, ok := strings.Cut(text, "%")
		out.WriteString(head)
		if !ok {
			return out.String()
		}
		switch {
		case strings.HasPrefix(tail, "s"):
			out.WriteString(with())
			text = tail[1:]
		case strings.HasPrefix(tail, "%"):
			out.WriteByte('%')
			text = tail[1:]
		default:
			out.WriteByte('%')
			text = tail
		}
	}
}

func (s *search) setting() string {
	return s.fill(s.pick(settings), func() string {
		unit := s.pick(fillings)
		if s.rnd.IntN(4) == 0 {
			unit = s.unit(0)
		}
		return strings.Repeat(unit, min(1+s.length(40<<10), (128<<10)/len(unit)+1))
	})
}

func (s *search) unit(depth int) string {
	switch n := s.rnd.IntN(8); {
	case n == 0 || depth > 4:
		return s.pick(fillings)
	case n == 1:
		return s.pick(s.words)
	case n == 2:
		return s.unit(depth+1) + s.unit(depth+1)
	}
	return s.fill(s.pick(uses), func() string {
		if s.rnd.IntN(6) == 0 {
			unit := s.pick(fillings)
			return strings.Repeat(unit, s.length(256))
		}
		return s.unit(depth + 1)
	})
}

func (s *search) mutated(g genome) genome {
	g.parts = slices.Clone(g.parts)
	for range 1 + s.rnd.IntN(3) {
		i := s.rnd.IntN(len(g.parts))
		p := &g.parts[i]
		switch s.rnd.IntN(9) {
		case 0:
			p.times = s.times(g.size)
		case 1:
			p.times = max(1, p.times*(1+s.rnd.IntN(4))/2)
		case 2:
			g.parts = slices.Insert(g.parts, i, part{s.setting(), 1})
		case 3:
			g.parts = slices.Insert(g.parts, i+s.rnd.IntN(2), part{s.unit(0), s.times(g.size)})
		case 4:
			if len(g.parts) > 1 {
				g.parts = slices.Delete(g.parts, i, i+1)
			}
		case 5:
			p.text = s.spliced(p.text, s.unit(0))
		case 6:
			if n := len(p.text); n > 1 {
				from := s.rnd.IntN(n)
				p.text = p.text[:from] + p.text[min(n, from+s.length(n)):]
			}
		case 7:
			pool := s.pool()
			other := pool[s.rnd.IntN(len(pool))]
			g.parts = slices.Insert(g.parts, i, other.parts[s.rnd.IntN(len(other.parts))])
		case 8:
			g.size = s.size()
		}
	}
	g.parts = slices.DeleteFunc(g.parts, func(p part) bool { return p.text == "" })
	if len(g.parts) == 0 || len(g.parts) > 24 {
		return s.fresh()
	}
	return g
}

// spliced puts a text into another somewhere.
func (s *search) spliced(text, with string) string {
	at := s.rnd.IntN(len(text) + 1)
	return text[:at] + with + text[at:]
}
