package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/bench/workload"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

var soakTime = flag.Duration("soak", 4*time.Second, "how long the daemon is soaked")

// TestSoak runs the daemon with a schedule of one second, while a sensor writes
// its log in pieces that need not be lines, the log is rotated in all ways that
// there are, the daemon is killed, stopped and reloaded at random, its clock is set
// hours, days and years ahead and back, and commands beside it are suspended while
// they have its turn or wait for it, resumed later or killed. Retention is at work
// all the time, and no clock lets it take out what is not too old. It must end with
// exactly the events and tags of one clean pass over all that was written. go test -run TestSoak -soak 10m -timeout 20m ./cmd/ttpcron
//
// What a sensor writes between the two steps of copytruncate is in neither file,
// whoever reads it; the sensor here writes nothing then.
func TestSoak(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	// Under the right clock nothing is as old as that.
	n := newNode(t, everySecond+"[[job]]\nname = \"tidy\"\ntask = \"maintenance\"\nschedule = \"@every 2s\"\n[daemon]\nkeep-events = \"3000d\"\n")
	lasts := *soakTime
	if testing.Short() {
		lasts = min(lasts, 2*time.Second)
	}
	s := newSensor(n, rnd, lasts)
	n.Env = append(n.Env, "TTPCRON_INPUT="+s.dir, "TTPCRON_MIN_FREE=0", "TTPCRON_LOG_LEVEL=debug", clockVariable+"="+n.Path("clock"))
	n.otherRules()
	s.setClock(n, 0)
	c := &callers{n: n, rnd: rnd, exits: map[int]int{}}
	var kills, stops, reloads, starts, taken int
	for until := time.Now().Add(lasts); time.Now().Before(until); {
		n.start()
		starts++
		life := time.Duration(rnd.ExpFloat64() * float64(2*time.Second))
		if lasts > 3*store.Lease && rnd.IntN(10) == 0 {
			life += 2 * store.Lease // so that turns are taken back
		}
		for life > 0 {
			step := min(life, time.Duration(rnd.IntN(60))*time.Millisecond)
			time.Sleep(step)
			life -= max(step, time.Millisecond)
			s.act()
			if rnd.IntN(40) == 0 {
				s.jump(n)
			}
			if strings.Contains(n.messages(), "READY=1") {
				c.act()
			}
			if rnd.IntN(200) == 0 && strings.Contains(n.messages(), "READY=1") {
				n.signal(syscall.SIGHUP)
				reloads++
			}
		}
		if kills > 0 && rnd.IntN(4) == 0 && strings.Contains(n.messages(), "READY=1") {
			stops++
			if code := n.stop(); code != exitDone {
				t.Fatalf("exit %d\n%s", code, n.stderr.String())
			}
		} else {
			kills++
			n.signal(syscall.SIGKILL)
			n.exit()
		}
		taken += strings.Count(n.stderr.String(), "was taken back")
		c.daemonGone()
		n.forget()
	}
	s.close()
	s.setClock(n, 0)
	n.start()
	n.told(`READY=1`)
	c.end()
	for range 2 { // the run that is in progress may have looked before the end
		n.told(`STATUS=idle.*last run \d\d:\d\d:\d\d UTC: 0 new events, 0 new tags`)
		n.told(`STATUS=running often`)
	}
	if code := n.stop(); code != exitDone {
		t.Fatalf("exit %d\n%s", code, n.stderr.String())
	}
	kvtest.Check(t, n.Path("t.db"))

	k := &killer{t: t, dir: n.Dir, binary: n.Path("ttpcron"), env: n.Env}
	clean := n.Path("clean.db")
	n.Write("all.json", s.written.String())
	k.run(clean, "import", n.Path("all.json"))
	k.run(clean, "run-once", "--since-days", "3650", "--input", n.Path("all.json"))
	wantEvents, wantTags := allEvents(t, clean), k.tags(clean)
	t.Logf("%d starts, %d kills, %d stops, %d reloads; %d lines in %d files: %d renamed, %d copied and truncated, %d compressed; %d events, %d tags",
		starts, kills, stops, reloads, bytes.Count(s.written.Bytes(), []byte("\n")), s.files, s.renamed, s.truncated, s.compressed, len(wantEvents), len(wantTags))
	t.Logf("%d jumps of the clock, %d events under a wrong one; %d commands, %d suspensions, %d killed, %d turns taken back, exits %v", s.jumps, s.wrong, c.begun, c.suspended, c.killed, taken, c.exits)
	if len(wantEvents) == 0 || len(wantTags) == 0 || s.renamed+s.truncated == 0 || kills == 0 {
		t.Fatal("nothing happened")
	}
	differ(t, "events", allEvents(t, n.Path("t.db")), wantEvents)
	differ(t, "tags", k.tags(n.Path("t.db")), wantTags)
}

// differ says how two sorted lists differ.
func differ(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%d %s, want %d", len(got), what, len(want))
	in := map[string]bool{}
	for _, l := range want {
		in[l] = true
	}
	shown := 0
	for _, l := range got {
		if !in[l] {
			if shown++; shown <= 5 {
				t.Errorf("not in a clean pass: %s", l)
			}
		}
		delete(in, l)
	}
	for l := range in {
		if shown++; shown > 10 {
			break
		}
		t.Errorf("missing: %s", l)
	}
}

// sensor writes a Cowrie log and rotates it.
type sensor struct {
	t       *testing.T
	dir     string
	rnd     *rand.Rand
	rest    []byte       // of the history, yet to be written
	written bytes.Buffer // what was
	log     *os.File
	rotated []string // not yet compressed

	ahead time.Duration // of the clock

	files, renamed, truncated, compressed, jumps, wrong int
}

func newSensor(n *node, rnd *rand.Rand, d time.Duration) *sensor {
	n.T.Helper()
	s := &sensor{t: n.T, dir: n.Path("logs"), rnd: rnd}
	var b bytes.Buffer
	if err := workload.WriteCowrie(&b, workload.Options{Commands: 2000 + int(d/time.Second)*250, Seed: rnd.Uint64(), Days: 9}); err != nil {
		n.T.Fatal(err)
	}
	s.rest = b.Bytes()
	s.check(os.Mkdir(s.dir, 0o777))
	s.open()
	return s
}

func (s *sensor) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sensor) open() {
	var err error
	s.log, err = os.OpenFile(filepath.Join(s.dir, "cowrie.json"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o666)
	s.check(err)
	s.files++
}

// setClock sets the clock of the daemon, of commands and of the sensor.
func (s *sensor) setClock(n *node, ahead time.Duration) {
	s.ahead = ahead
	n.Write("clock.new", ahead.String())
	s.check(os.Rename(n.Path("clock.new"), n.Path("clock")))
}

// jump sets the clock ahead or back, or right.
func (s *sensor) jump(n *node) {
	unit := []time.Duration{0, time.Minute, time.Hour, 24 * time.Hour, 365 * 24 * time.Hour}[s.rnd.IntN(5)]
	s.setClock(n, time.Duration(s.rnd.IntN(17)-8)*unit)
	s.jumps++
}

// logs writes an event of now, as the clock is.
func (s *sensor) logs() {
	s.line()
	s.wrong++
	line := fmt.Appendf(nil, `{"eventid":"cowrie.command.input","input":"uname -a; echo %d","sensor":"s","timestamp":%q,"src_ip":"203.0.113.5","session":"w%d"}`+"\n",
		s.wrong, time.Now().UTC().Add(s.ahead).Format("2006-01-02T15:04:05.000000Z"), s.wrong)
	_, err := s.log.Write(line)
	s.check(err)
	s.written.Write(line)
}

// act does something, mostly writing.
func (s *sensor) act() {
	switch s.rnd.IntN(40) {
	case 0:
		s.rename()
	case 1:
		s.truncate()
	case 2, 3:
		s.compress()
	case 4:
		s.logs()
	default:
		s.write(s.rnd.IntN(8000))
	}
}

// write appends the next bytes of the history, wherever that cuts it.
func (s *sensor) write(n int) {
	n = min(n, len(s.rest))
	_, err := s.log.Write(s.rest[:n])
	s.check(err)
	s.written.Write(s.rest[:n])
	s.rest = s.rest[n:]
}

// line completes the line.
func (s *sensor) line() {
	if b := s.written.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		s.write(bytes.IndexByte(s.rest, '\n') + 1)
	}
}

func (s *sensor) name() string {
	return filepath.Join(s.dir, fmt.Sprintf("cowrie.json.%d", s.files))
}

// rename renames the log; the sensor keeps writing to it until it opens a new one, perhaps
// after a run has noticed.
func (s *sensor) rename() {
	name := s.name()
	s.check(os.Rename(s.log.Name(), name))
	if s.rnd.IntN(2) == 0 {
		s.write(s.rnd.IntN(5000))
		time.Sleep(time.Duration(s.rnd.IntN(100)) * time.Millisecond)
	}
	s.line()
	s.check(s.log.Close())
	s.rotated = append(s.rotated, name)
	s.renamed++
	s.open()
}

// truncate copies the log and empties it.
func (s *sensor) truncate() {
	s.line()
	name := s.name()
	whole, err := os.ReadFile(s.log.Name())
	s.check(err)
	f, err := os.Create(name)
	s.check(err)
	half := s.rnd.IntN(len(whole) + 1)
	for _, part := range [][]byte{whole[:half], whole[half:]} {
		_, err := f.Write(part)
		s.check(err)
		time.Sleep(time.Duration(s.rnd.IntN(50)) * time.Millisecond)
	}
	s.check(f.Close())
	s.check(os.Truncate(s.log.Name(), 0))
	s.rotated = append(s.rotated, name)
	s.truncated++
	s.files++
}

// compress compresses a rotated file as logrotate does: next to it, and then it removes
// the plain one.
func (s *sensor) compress() {
	if len(s.rotated) == 0 {
		return
	}
	name := s.rotated[0]
	s.rotated = s.rotated[1:]
	whole, err := os.ReadFile(name)
	s.check(err)
	f, err := os.Create(name + ".gz")
	s.check(err)
	w := gzip.NewWriter(slow{f, s.rnd})
	_, err = w.Write(whole)
	s.check(err)
	s.check(w.Close())
	s.check(f.Close())
	s.check(os.Remove(name))
	s.compressed++
}

// slow is a disk that takes its time.
type slow struct {
	w   io.Writer
	rnd *rand.Rand
}

func (s slow) Write(p []byte) (int, error) {
	if s.rnd.IntN(4) == 0 {
		time.Sleep(time.Duration(s.rnd.IntN(20)) * time.Millisecond)
	}
	return s.w.Write(p)
}

// close rotates once more and ends the last line.
func (s *sensor) close() {
	s.rename()
	s.write(3000)
	s.truncate()
	s.write(3000)
	s.line()
	s.check(s.log.Close())
}
