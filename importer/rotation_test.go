package importer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// shelf is what importing files one after the other left: the events, each once, the
// rejects, each once, and the positions.
type shelf struct {
	events    map[string]bool
	rejects   map[ttpcron.RejectID]string
	positions PositionList
	lines     int
	format    string
}

func newShelf() *shelf {
	return &shelf{format: "cowrie", events: map[string]bool{}, rejects: map[ttpcron.RejectID]string{}}
}

func (s *shelf) take(t testing.TB, path string, o Options) result {
	t.Helper()
	o.Positions, o.Format = s.positions, s.format
	r := mustRead(t, path, o)
	for _, id := range r.IDs() {
		s.events[id] = true
	}
	for _, x := range r.Rejects {
		s.rejects[x.ID] = x.Reason
	}
	if r.Position != nil {
		s.positions = append(s.positions, *r.Position)
	}
	s.lines += r.Report.Lines
	return r
}

// is fails unless the shelf has just these events and no rejects.
func (s *shelf) is(t testing.TB, want result, what string, args ...any) {
	t.Helper()
	ok := len(s.events) == len(want.Events) && len(s.rejects) == 0
	for _, id := range want.IDs() {
		ok = ok && s.events[id]
	}
	if !ok {
		t.Errorf("%s: %d events of %d, rejects %v", fmt.Sprintf(what, args...), len(s.events), len(want.Events), s.rejects)
	}
}

// session is a log of Cowrie's in the shape that sensors write.
const session = `{"eventid":"cowrie.session.connect","src_ip":"203.0.113.7","src_port":40122,"dst_ip":"192.0.2.1","dst_port":2222,"session":"c0ffee00beef","protocol":"ssh","message":"New connection: 203.0.113.7:40122","sensor":"s1","timestamp":"2024-05-31T23:59:57.102233Z"}
{"eventid":"cowrie.command.input","input":"echo \"a\\\",\\\"input\\\":\\\"x\"; uname -a","message":"CMD: echo","sensor":"s1","timestamp":"2024-05-31T23:59:58.586207Z","src_ip":"203.0.113.7","session":"c0ffee00beef"}
{"eventid":"cowrie.command.input","input":"cat /proc/cpuinfo {\"eventid\":1}","message":"CMD: cat","sensor":"s1","timestamp":"2024-05-31T23:59:59.100000Z","src_ip":"203.0.113.7","session":"c0ffee00beef"}
{"eventid":"cowrie.command.input","input":"exit","message":"CMD: exit","sensor":"s1","timestamp":"2024-06-01T00:00:01.586207Z","src_ip":"203.0.113.7","session":"c0ffee00beef"}
`

// series are the names that rotation gives to a file, and to the one that follows.
var series = [][2]string{
	{"cowrie.json.1", "cowrie.json"},
	{"cowrie.json.1.gz", "cowrie.json"},
	{"cowrie.json.0", "cowrie.json"},
	{"cowrie.json.2.gz", "cowrie.json.1"},
	{"cowrie.json.11.gz", "cowrie.json.10.gz"},
	{"cowrie.json.2024-05-31", "cowrie.json.2024-06-01"},
	{"cowrie.json.2024-05-31", "cowrie.json"},
	{"cowrie.json.2024-05-31.gz", "cowrie.json"},
	{"cowrie.json-20240531", "cowrie.json"},
	{"cowrie.json-20240531.gz", "cowrie.json-20240602"},
	{"cowrie.log.2024_5_31", "cowrie.log"},
	{"cowrie-2024-05-31.json", "cowrie-2024-06-01.json"},
	{"cowrie-2024-05-31.json.gz", "cowrie.json"},
	{"cowrie-2024-05-31T23-59-59.000.json", "cowrie.json"},
	{"0.log.20240531-235959", "0.log"},
}

// put writes a file, compressed when its name says so.
func put(t testing.TB, dir, name, content string) string {
	t.Helper()
	if strings.HasSuffix(name, ".gz") {
		return write(t, dir, name, zipped(t, content))
	}
	return write(t, dir, name, []byte(content))
}

// TestTornRecord cuts a log into two files, at every byte for one pair of names, and
// imports them in both orders.
func TestTornRecord(t *testing.T) {
	second := strings.Index(session, "\n") + 1
	from, to := second, second+strings.Index(session[second:], "\n")+2
	want := readBytes(t, []byte(session), "cowrie")
	for i, names := range series {
		t.Run(names[0]+" "+names[1], func(t *testing.T) {
			dir := t.TempDir()
			step := 17
			if i == 0 {
				step = 1
			}
			for cut := from + i%step; cut <= to; cut += step * cutStep() {
				older := put(t, dir, names[0], session[:cut])
				newer := put(t, dir, names[1], session[cut:])
				forth, back := newShelf(), newShelf()
				forth.take(t, older, Options{})
				forth.take(t, newer, Options{})
				forth.is(t, want, "cut at %d, in order", cut)
				back.take(t, newer, Options{})
				back.take(t, older, Options{})
				back.is(t, want, "cut at %d, the newer file first", cut)
				lines := back.lines
				back.take(t, older, Options{})
				back.take(t, newer, Options{})
				if back.is(t, want, "cut at %d, again", cut); back.lines > lines+1 {
					t.Errorf("cut at %d: %d lines were read again", cut, back.lines-lines)
				}
			}
		})
	}
}

// TestTornWhileRead imports a log while its last line is being written, rotates it,
// by renaming or by copying it and cutting it to nothing, and imports what is there.
func TestTornWhileRead(t *testing.T) {
	want := readBytes(t, []byte(session), "cowrie")
	from, to := strings.Index(session, "\n")+1, strings.LastIndex(session[:len(session)-1], "\n")+2
	for i, rotated := range []string{"cowrie.json.1", "cowrie.json.1.gz", "cowrie.json.2024-05-31"} {
		for k, begins := range []string{"", strings.Repeat("\x00", 5000)} {
			dir := t.TempDir()
			for cut := from + i + 3*k; cut <= to; cut += 7 * cutStep() {
				os.Remove(filepath.Join(dir, rotated))
				s := newShelf()
				live := put(t, dir, "cowrie.json", session[:cut])
				s.take(t, live, Options{})
				older := put(t, dir, rotated, session[:cut])
				put(t, dir, "cowrie.json", "")
				if r := s.take(t, older, Options{}); len(r.Rejects) != 0 {
					t.Errorf("cut at %d: rejected before the rest was there: %+v", cut, r.Rejects)
				}
				put(t, dir, "cowrie.json", begins+session[cut:cut+(len(session)-cut)/3])
				s.take(t, older, Options{})
				s.take(t, live, Options{})
				put(t, dir, "cowrie.json", begins+session[cut:])
				s.take(t, live, Options{})
				s.take(t, older, Options{})
				s.is(t, want, "%s, cut at %d, %d NULs", rotated, cut, len(begins))
			}
		}
	}
}

// TestNotTorn has pieces that lie where those of one record would, and are of two:
// both are rejected, once, whichever file is read first.
func TestNotTorn(t *testing.T) {
	lines := strings.SplitAfter(session, "\n")
	input := func(text, at string) string {
		return fmt.Sprintf(`{"eventid":"cowrie.command.input","input":%q,"sensor":"s1","timestamp":%q,"src_ip":"203.0.113.9","session":"f00d"}`+"\n", text, at)
	}
	x, y := input("wget http://198.51.100.1/a", "2024-05-31T23:59:59.100000Z"), input("cat /etc/passwd", "2024-06-09T00:00:01.586207Z")
	within := func(text, at string) int { return strings.Index(text, at) }
	for _, tt := range []struct {
		name         string
		older, newer [2]string // name, content
		rejects      int
	}{
		{"a number lacks", [2]string{"cowrie.json.3", lines[1] + x[:within(x, "http")]}, [2]string{"cowrie.json.1", y[within(y, "/etc"):] + lines[3]}, 2},
		{"no number one", [2]string{"cowrie.json.2", lines[1] + x[:within(x, "http")]}, [2]string{"cowrie.json", y[within(y, "/etc"):] + lines[3]}, 2},
		{"other logs", [2]string{"cowrie.json.1", lines[1] + x[:within(x, "http")]}, [2]string{"other.json", y[within(y, "/etc"):] + lines[3]}, 2},
		{"another day", [2]string{"cowrie.json.2024-05-31", lines[1] + x[:within(x, "http")]}, [2]string{"cowrie.json.2024-06-09", y[within(y, "/etc"):] + lines[3]}, 2},
		{"a member twice", [2]string{"cowrie.json.1", lines[1] + x[:within(x, `"sensor"`)]}, [2]string{"cowrie.json", y[within(y, `"input"`):] + lines[3]}, 2},
		{"a whole record follows", [2]string{"cowrie.json.1", lines[1] + x[:within(x, "http")]}, [2]string{"cowrie.json", lines[2] + lines[3]}, 1},
		{"no JSON together", [2]string{"cowrie.json.1", lines[1] + x[:within(x, "http")]}, [2]string{"cowrie.json", y[within(y, `:"cat`):] + lines[3]}, 2},
		{"the older one is damaged", [2]string{"cowrie.json.1.gz", ""}, [2]string{"cowrie.json", x[within(x, "http"):] + lines[3]}, 2},
	} {
		want := map[string]bool{}
		for _, text := range []string{tt.older[1], tt.newer[1]} {
			r := readBytes(t, []byte(text), "cowrie")
			for _, id := range r.IDs() {
				want[id] = true
			}
		}
		dir := t.TempDir()
		older, newer := put(t, dir, tt.older[0], tt.older[1]), put(t, dir, tt.newer[0], tt.newer[1])
		if tt.older[1] == "" {
			whole := zipped(t, commands(0, 2000)+x[:within(x, "http")])
			write(t, dir, tt.older[0], whole[:len(whole)-9])
		}
		for _, order := range [][]string{{older, newer}, {newer, older}, {older, newer, older, newer}} {
			s := newShelf()
			for _, path := range order {
				s.take(t, path, Options{})
			}
			for id := range want {
				if !s.events[id] {
					t.Errorf("%s: an event is missing", tt.name)
				}
			}
			if tt.older[1] != "" && len(s.events) != len(want) || len(s.rejects) != tt.rejects {
				t.Errorf("%s: %d events, want %d; rejects %v", tt.name, len(s.events), len(want), s.rejects)
			}
		}
	}
}

// TestTornAcross: the neighbour is found past an empty file, among others of its name
// and packed otherwise; never behind a link, in a FIFO or a folder.
func TestTornAcross(t *testing.T) {
	cut := strings.Index(session, "cpuinfo")
	want := readBytes(t, []byte(session), "cowrie")
	t.Run("empty files between", func(t *testing.T) {
		dir := t.TempDir()
		older := put(t, dir, "cowrie.json.3.gz", session[:cut])
		put(t, dir, "cowrie.json.2", "")
		put(t, dir, "cowrie.json.1", "")
		newer := put(t, dir, "cowrie.json", session[cut:])
		for _, order := range [][]string{{older, newer}, {newer, older}} {
			s := newShelf()
			s.take(t, order[0], Options{})
			s.take(t, order[1], Options{})
			s.is(t, want, "%v", order)
		}
	})
	t.Run("a thousand siblings", func(t *testing.T) {
		dir := t.TempDir()
		for n := range 1000 {
			put(t, dir, fmt.Sprintf("cowrie.json.%d", n+2), commands(n, 1))
		}
		older := put(t, dir, "cowrie.json.1", session[:cut])
		newer := put(t, dir, "cowrie.json", session[cut:])
		s := newShelf()
		s.take(t, newer, Options{})
		s.take(t, older, Options{})
		s.is(t, want, "a thousand")
	})
	t.Run("two series of one log", func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, "cowrie.json.1.gz", session[:cut])
		put(t, dir, "cowrie.json.2.gz", commands(0, 3))
		put(t, dir, "cowrie.json.2024-05-30", commands(0, 3))
		put(t, dir, "cowrie.json.2024-05-31", session[:cut])
		put(t, dir, "cowrie.json", session[cut:])
		for _, name := range []string{"cowrie.json.1.gz", "cowrie.json.2024-05-31"} {
			s := newShelf()
			s.take(t, filepath.Join(dir, name), Options{})
			if len(s.rejects) != 0 || len(s.events) != 3 {
				t.Errorf("%s: %d events, rejects %v", name, len(s.events), s.rejects)
			}
		}
	})
	t.Run("no files", func(t *testing.T) {
		dir, elsewhere := t.TempDir(), t.TempDir()
		older := put(t, dir, "cowrie.json.1", session[:cut])
		outside := put(t, elsewhere, "cowrie.json", session[cut:])
		live := filepath.Join(dir, "cowrie.json")
		for name, make := range map[string]func() error{
			"link": func() error { return os.Symlink(outside, live) }, "folder": func() error { return os.Mkdir(live, 0o700) },
		} {
			if err := make(); err != nil {
				t.Fatal(err)
			}
			s := newShelf()
			if s.take(t, older, Options{}); len(s.events) != 2 || len(s.rejects) != 1 {
				t.Errorf("%s: %d events, rejects %v", name, len(s.events), s.rejects)
			}
			os.Remove(live)
		}
	})
	t.Run("named by a link", func(t *testing.T) {
		dir, elsewhere := t.TempDir(), t.TempDir()
		older := put(t, dir, "cowrie.json.1", session[:cut])
		put(t, dir, "cowrie.json", session[cut:])
		link := filepath.Join(elsewhere, "yesterday.1")
		if err := os.Symlink(older, link); err != nil {
			t.Fatal(err)
		}
		s := newShelf()
		if s.take(t, link, Options{}); len(s.events) != 3 || len(s.rejects) != 0 {
			t.Errorf("%d events, rejects %v", len(s.events), s.rejects)
		}
	})
}

// TestTornBehindATornOne: a piece may share its line with what a crash left there.
func TestTornBehindATornOne(t *testing.T) {
	lines := strings.SplitAfter(session, "\n")
	dir := t.TempDir()
	cut := strings.Index(lines[2], "cpuinfo")
	for _, between := range []string{"", "\x00\x00\x00"} {
		older := put(t, dir, "cowrie.json.1", lines[0]+lines[1][:40]+between+lines[2][:cut]+between)
		newer := put(t, dir, "cowrie.json", between+strings.TrimSuffix(lines[2][cut:], "\n")+between+lines[3])
		want := readBytes(t, []byte(lines[0]+lines[2]+lines[3]), "cowrie")
		for _, order := range [][]string{{older, newer}, {newer, older}} {
			s := newShelf()
			s.take(t, order[0], Options{})
			s.take(t, order[1], Options{})
			if len(s.rejects) != 1 || len(s.events) != len(want.Events) {
				t.Errorf("%q, %v: %d events, rejects %v", between, order, len(s.events), s.rejects)
			}
		}
	}
}

// TestTornLong: what lies across is found up to the longest line, and looked for no
// further.
func TestTornLong(t *testing.T) {
	record := func(n int) string {
		return strings.Replace(command(7, "x"), `"input":"x"`, `"input":"`+strings.Repeat("x", n)+`"`, 1)
	}
	for _, tt := range []struct{ length, cut, events, rejects int }{
		{MaxLine - 300, 100, 3, 0}, {MaxLine - 300, MaxLine - 400, 3, 0}, {MaxLine - 300, MaxLine / 2, 3, 0},
		{MaxLine + 300, MaxLine / 2, 2, 2}, {2 * MaxLine, MaxLine + 100, 2, 2},
	} {
		dir := t.TempDir()
		text := record(tt.length)
		older := put(t, dir, "cowrie.json.2024-05-31", command(1, "first")+text[:tt.cut])
		newer := put(t, dir, "cowrie.json.2024-06-01", text[tt.cut:]+command(9, "last"))
		// Both dates are far from the records': only where one is read is it seen.
		if tt.rejects == 0 {
			os.Rename(older, filepath.Join(dir, "cowrie.json.2026-05-04"))
			os.Rename(newer, filepath.Join(dir, "cowrie.json.2026-05-05"))
			older, newer = filepath.Join(dir, "cowrie.json.2026-05-04"), filepath.Join(dir, "cowrie.json.2026-05-05")
		}
		for _, order := range [][]string{{older, newer}, {newer, older}} {
			s := newShelf()
			s.take(t, order[0], Options{})
			s.take(t, order[1], Options{})
			if len(s.events) != tt.events || len(s.rejects) != tt.rejects {
				t.Errorf("%d bytes cut at %d: %d events, %d rejects", tt.length, tt.cut, len(s.events), len(s.rejects))
			}
		}
	}
}

// TestAwaitedRestIsMissed: a torn record whose rest never comes is rejected in the end.
func TestAwaitedRestIsMissed(t *testing.T) {
	dir := t.TempDir()
	older := put(t, dir, "cowrie.json.1", commands(0, 2)+command(3, "x")[:40])
	put(t, dir, "cowrie.json", "")
	r, look, _ := importOf(t, older, Options{})
	if len(r.Events) != 2 || look != nil {
		t.Errorf("%d events, look %v", len(r.Events), look)
	}
	if r := mustRead(t, older, Options{}); r.Report.Waiting != 40 || r.Report.Rejected != 0 {
		t.Errorf("%+v", r.Report)
	}
	if r := mustRead(t, older, Options{Final: true}); r.Report.Waiting != 0 || r.Report.Rejected != 1 {
		t.Errorf("final: %+v", r.Report)
	}
	day := func() time.Time { return later().Add(25 * time.Hour) }
	if r := mustRead(t, older, Options{Now: day}); r.Report.Waiting != 0 || r.Report.Rejected != 1 {
		t.Errorf("after a day %+v", r.Report)
	}
}

func TestOldestFirst(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	want := []string{
		"logs/a.log", "logs/cowrie.json.2024-05-31", "logs/cowrie.json.2024-06-01.gz", "logs/cowrie.json.10", "logs/cowrie.json.2.gz", "logs/cowrie.json.1", "logs/cowrie.json",
		"logs/cowrie-2024-5-9.log", "logs/cowrie-2024-5-10.log", "logs/cowrie.log", "logs/deep/cowrie.json.2", "logs/deep/cowrie.json.1", "logs/z",
	}
	tree(t, dir, want...)
	x, err := Expand([]string{"logs"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range x.Files {
		got = append(got, f.Path)
		if f.Below != strings.Contains(f.Path, "deep") {
			t.Errorf("%+v", f)
		}
	}
	family := func(paths []string, log string) (out []string) {
		for _, path := range paths {
			if filepath.Dir(path) == "logs" && placeOf(filepath.Base(path)).log == log {
				out = append(out, path)
			}
		}
		return out
	}
	for _, log := range []string{"cowrie.json", "cowrie.log"} {
		if !slices.Equal(family(got, log), family(want, log)) {
			t.Errorf("%q, want %q", family(got, log), family(want, log))
		}
	}
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("%q", got)
	}
	// What the user gave in some order stays in it, and a file named twice is one.
	x, err = Expand([]string{"logs/cowrie.json", "logs/cowrie.json.1", "logs/cowrie.json.10", "logs"})
	if err != nil || len(x.Files) != len(want) || x.Files[0].Path != "logs/cowrie.json" || x.Files[2].Path != "logs/cowrie.json.10" {
		t.Errorf("%+v, %v", x.Files, err)
	}
}

// TestSessionsGoOn: what a session told in one file is known in the next of its log,
// and nowhere else.
func TestSessionsGoOn(t *testing.T) {
	connect := `{"eventid":"cowrie.session.connect","src_ip":"203.0.113.7","session":"12","timestamp":"2015-05-04T05:49:05Z"}` + "\n"
	input := `{"eventid":"cowrie.command.input","input":"id","session":"12","timestamp":"2015-05-04T05:49:06Z"}` + "\n"
	for _, tt := range []struct {
		first, second string
		known         bool
	}{
		{"cowrie.json.2", "cowrie.json.1", true},
		{"cowrie.json.1.gz", "cowrie.json", true},
		{"cowrie.json.2015-05-03", "cowrie.json", true},
		{"cowrie.json", "cowrie.json.1", false},
		{"cowrie.json.2", "cowrie.json", false},
		{"cowrie.json.1", "other.json", false},
		{"cowrie.json.1", "elsewhere/cowrie.json", false},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "elsewhere"), 0o700); err != nil {
			t.Fatal(err)
		}
		sequence := &Sequence{}
		mustRead(t, put(t, dir, tt.first, connect), Options{Sequence: sequence})
		e := mustRead(t, put(t, dir, tt.second, input), Options{Sequence: sequence}).Events[0]
		if known := e.AttackerIP == "203.0.113.7"; known != tt.known {
			t.Errorf("%s, %s: address %q", tt.first, tt.second, e.AttackerIP)
		}
	}
}

// TestTornTextRecord cuts a text log within its last records. The file that has the
// beginning gives the event, since what it means depends on the lines before.
func TestTornTextRecord(t *testing.T) {
	const log = `2026-05-04T05:49:01+0000 [cowrie.ssh.factory.CowrieSSHFactory] New connection: 203.0.113.7:50123 (192.0.2.10:2222) [session: a1b2c3d4e5f6]
2026-05-04T05:49:03+0000 [HoneyPotSSHTransport,0,203.0.113.7] CMD: uname -a
2026-05-04T05:49:03+0000 [HoneyPotSSHTransport,0,203.0.113.7] CMD: uname -a; echo 2026-05-04T05:49:03
2026-05-04T05:49:04+0000 [HoneyPotSSHTransport,0,203.0.113.7] CMD: exit
`
	want := readBytes(t, []byte(log), "cowrie-text")
	dir := t.TempDir()
	for cut := strings.Index(log, "\n") + 1; cut <= strings.LastIndex(log[:len(log)-1], "\n")+1; cut++ {
		older, newer := put(t, dir, "cowrie.log.1", log[:cut]), put(t, dir, "cowrie.log", log[cut:])
		for _, order := range [][]string{{older, newer}, {newer, older}} {
			s := newShelf()
			s.format = "cowrie-text"
			s.take(t, order[0], Options{})
			s.take(t, order[1], Options{})
			for i, id := range want.IDs() {
				// What lies whole in the newer file may be known by other lines than in the
				// older one.
				if at := strings.Index(log, "CMD: exit"); cut < at && i == len(want.Events)-1 {
					continue
				}
				if !s.events[id] {
					t.Errorf("cut at %d: event %d is missing", cut, i)
				}
			}
			if len(s.rejects) != 0 || len(s.events) != len(want.Events) {
				t.Errorf("cut at %d: %d events of %d, rejects %v", cut, len(s.events), len(want.Events), s.rejects)
			}
		}
	}
}

// TestNamesOfAFolder: the names of a folder are read once, and again when it changed.
func TestNamesOfAFolder(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "cowrie.json", "cowrie.json.1", "cowrie.json.2.gz", "other.json")
	var f folderNames
	names := func() (out []string) {
		for _, n := range f.of(t.Context(), dir, "cowrie.json") {
			out = append(out, filepath.Base(n.path))
		}
		return out
	}
	if got := names(); !slices.Equal(got, []string{"cowrie.json.2.gz", "cowrie.json.1", "cowrie.json"}) {
		t.Errorf("%q", got)
	}
	f.files["cowrie.json"] = f.files["cowrie.json"][:1]
	if got := names(); len(got) != 1 {
		t.Errorf("%q: an unchanged folder was read again", got)
	}
	tree(t, dir, "cowrie.json.3")
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(dir, later, later); err != nil {
		t.Fatal(err)
	}
	if got := names(); len(got) != 4 {
		t.Errorf("%q", got)
	}
}

// TestTornWrappedRecord cuts logs whose records are in wrappers or behind prefixes.
func TestTornWrappedRecord(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(session, "\n"), "\n")
	for name, wrap := range map[string]func(string) string{
		"docker": func(s string) string {
			return fmt.Sprintf(`{"log":%q,"stream":"stdout","time":"2024-06-01T00:00:02Z"}`, s+"\n")
		},
		"filebeat": func(s string) string { return fmt.Sprintf(`{"@timestamp":"2024-06-01T00:00:02Z","message":%q}`, s) },
		"object":   func(s string) string { return `{"_index":"logstash","_source":` + s + `}` },
		"syslog":   func(s string) string { return "May 31 23:59:59 host cowrie[71]: " + s },
		"CRI":      func(s string) string { return "2024-05-31T23:59:59.123456789Z stdout F " + s },
	} {
		t.Run(name, func(t *testing.T) {
			var all []string
			for _, line := range lines {
				all = append(all, wrap(line))
			}
			log := strings.Join(all, "\n") + "\n"
			want := readBytes(t, []byte(log), "cowrie")
			if plain := readBytes(t, []byte(session), "cowrie"); !slices.Equal(plain.IDs(), want.IDs()) {
				t.Fatalf("%d events in wrappers, %d without", len(want.Events), len(plain.Events))
			}
			dir := t.TempDir()
			for cut := len(all[0]) + 1; cut <= len(all[0])+len(all[1])+2; cut += 3 * cutStep() {
				older, newer := put(t, dir, "cowrie.json.1", log[:cut]), put(t, dir, "cowrie.json", log[cut:])
				for _, order := range [][]string{{older, newer}, {newer, older}} {
					s := newShelf()
					s.take(t, order[0], Options{})
					s.take(t, order[1], Options{})
					s.is(t, want, "cut at %d, %s first", cut, filepath.Base(order[0]))
				}
			}
		})
	}
}
