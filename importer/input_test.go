package importer

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

func TestParseInput(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, dir, "cowire:here", nil)
	for in, want := range map[string]Input{
		"/var/log/cowrie.json":   {Format: Auto, Path: "/var/log/cowrie.json"},
		"cowrie:/var/log/x":      {Format: "cowrie", Path: "/var/log/x"},
		"auto:/var/log/x":        {Format: Auto, Path: "/var/log/x"},
		"events:-":               {Format: "events", Path: "-"},
		"-":                      {Format: Auto, Path: "-"},
		"decnet:C:\\decnet.db":   {Format: "decnet", Path: "C:\\decnet.db"},
		`C:\logs\cowrie.json`:    {Format: Auto, Path: `C:\logs\cowrie.json`},
		"./cowire:there":         {Format: Auto, Path: "./cowire:there"},
		"/var/log/2026-05-04:05": {Format: Auto, Path: "/var/log/2026-05-04:05"},
		"cowire:here":            {Format: Auto, Path: "cowire:here"},
		"cowrie:a:b":             {Format: "cowrie", Path: "a:b"},
		"auto,zone=UTC,year=2026,host=web-1:/var/log/auth.log": {Format: Auto, Settings: Settings{Zone: time.UTC, Year: 2026, Host: "web-1"}, Path: "/var/log/auth.log"},
		"2026:05": {Format: Auto, Path: "2026:05"},
	} {
		got, err := ParseInput(in)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", in, got, err, want)
		}
		if again, err := ParseInput(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q, which is %+v, %v", in, got.String(), again, err)
		}
	}
	for in, want := range map[string]string{
		"":                       "the path of an input is empty",
		"cowrie:":                `input "cowrie:" has no path after the format`,
		"cowrie,zone=Nowhere:/x": `input "cowrie,zone=Nowhere:/x": zone "Nowhere" is not known; want a name such as Europe/Berlin or UTC`,
		"cowrie,year=20:/x":      `input "cowrie,year=20:/x": year "20" is not a year from 1970 to 9999`,
		"cowrie,host=:/x":        `input "cowrie,host=:/x": host "" is not a name of letters, digits and . _ -`,
		"cowrie,colour=red:/x":   `input "cowrie,colour=red:/x": unknown setting "colour"; known are zone, year, host, sensor`,
		"cowire:/var":            `input "cowire:/var": unknown format "cowire"`,
	} {
		if got, err := ParseInput(in); err == nil || err.Error() != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"logs/b.json", "logs/a.json", "logs/deep/er/c.json", "logs/d.db", "logs/d.db-wal", "logs/d.db-shm", "logs/alone-wal", "odd[1].json", "elsewhere/x.json"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, []byte("x"))
	}
	for to, from := range map[string]string{
		"logs/inside": "a.json", "logs/outside": "../elsewhere/x.json", "logs/loop": "../logs", "logs/self": "self", "link": "logs", "lost": "nowhere",
	} {
		if err := os.Symlink(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo("logs/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	logs := []string{"logs/a.json", "logs/alone-wal", "logs/b.json", "logs/d.db", "logs/deep/er/c.json"}
	inLogs := []string{"logs/fifo: it is a FIFO", "logs/outside: it is a link out of the folder", "logs/self: it is a link that leads nowhere"}
	for _, tt := range []struct {
		in   []string
		want []string
		errs []string // and what is left
	}{
		{[]string{"logs"}, logs, inLogs},
		{[]string{"link"}, strings.Split(strings.ReplaceAll(strings.Join(logs, " "), "logs", "link"), " "),
			[]string{"link/fifo: it is a FIFO", "link/outside: it is a link", "link/self: "}},
		{[]string{"logs/*.json", "logs/a.json", "./logs/b.json"}, []string{"logs/a.json", "logs/b.json"}, nil},
		{[]string{"logs/d*"}, []string{"logs/d.db", "logs/deep/er/c.json"}, nil},
		{[]string{"odd[1].json"}, []string{"odd[1].json"}, nil},
		{[]string{"-", "logs/a.json", "-"}, []string{"-", "logs/a.json"}, nil},
		{[]string{"missing", "logs/a.json", "*.none", "lost"}, []string{"logs/a.json"}, []string{"stat missing: ", `pattern "*.none": no file matches`, "stat lost: "}},
		{[]string{"[", "logs/fifo", "logs/self"}, nil, []string{`pattern "[": syntax error`, "logs/fifo is a FIFO", "stat logs/self: "}},
		{nil, nil, nil},
	} {
		x, err := Expand(tt.in)
		var got []string
		for _, f := range x.Files {
			got = append(got, f.Path)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
		var lines []string
		if err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		for _, left := range x.Left {
			lines = append(lines, left.Error())
		}
		ok := len(lines) == len(tt.errs)
		for i := range lines {
			ok = ok && strings.HasPrefix(lines[i], tt.errs[i])
		}
		if !ok {
			t.Errorf("%q: errors %q, want %q", tt.in, lines, tt.errs)
		}
	}
}

func TestNotRegular(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, dir, os.DevNull} {
		_, err := Open(t.Context(), path, Options{})
		if irregular := new(ttpcron.NotRegularError); !errors.As(err, &irregular) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// tree makes files, each holding its own path, and their folders.
func tree(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Dir(path), filepath.Base(path), []byte(name))
	}
}

// TestCaptureFolders walks sensors' folders: attackers' files are an input only if the
// user names them.
func TestCaptureFolders(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	tree(t, dir, "cowrie/log/cowrie.json", "cowrie/downloads/evil.db", "cowrie/log/tty/2026/x", "adbhoney/Downloads/y", "dionaea/binaries/z", "a/dl.json")
	for _, tt := range []struct {
		in       []string
		want     []string
		captured []string
	}{
		{[]string{"."}, []string{"a/dl.json", "cowrie/log/cowrie.json"}, []string{"adbhoney/Downloads", "cowrie/downloads", "cowrie/log/tty", "dionaea/binaries"}},
		{[]string{"cowrie"}, []string{"cowrie/log/cowrie.json"}, []string{"cowrie/downloads", "cowrie/log/tty"}},
		{[]string{"cowrie/downloads"}, []string{"cowrie/downloads/evil.db"}, nil},
		{[]string{"cowrie/downloads/*"}, []string{"cowrie/downloads/evil.db"}, nil},
		{[]string{"cowrie/*/*"}, []string{"cowrie/log/cowrie.json"}, []string{"cowrie/downloads", "cowrie/log/tty"}},
		{[]string{"dionaea/*"}, nil, []string{"dionaea/binaries"}},
		{[]string{"*/*"}, []string{"a/dl.json", "cowrie/log/cowrie.json"}, []string{"adbhoney/Downloads", "cowrie/downloads", "cowrie/log/tty", "dionaea/binaries"}},
	} {
		x, err := Expand(tt.in)
		var got []string
		for _, f := range x.Files {
			got = append(got, f.Path)
		}
		var captured []string
		for _, left := range x.Left {
			list, of := strings.CutSuffix(left.Reason, "; name one to read what is in it")
			n, names, _ := strings.Cut(list, " of captured files, not entered: ")
			captured = strings.Split(names, ", ")
			if !of || left.Path != tt.in[0] || n[:1] != strconv.Itoa(len(captured)) {
				t.Errorf("%q: %s", tt.in, left)
			}
		}
		if slices.Sort(captured); err != nil || !slices.Equal(got, tt.want) || !slices.Equal(captured, tt.captured) {
			t.Errorf("%q: %q, captured %q, %v", tt.in, got, captured, err)
		}
	}
}

// TestLeft: something that a scan skips is not a failure. It is reported once, and again
// when it changes.
func TestLeft(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	tree(t, dir, "logs/cowrie.json", "elsewhere/x")
	for name, target := range map[string]string{"logs/inside": "cowrie.json", "logs/out": "../elsewhere/x", "logs/gone": "nowhere", "logs/loop": "loop"} {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	x, err := Expand([]string{"logs"})
	if err != nil || len(x.Files) != 1 {
		t.Fatalf("%d files, %v", len(x.Files), err)
	}
	var got []string
	for _, l := range x.Left {
		got = append(got, l.Error())
	}
	want := []string{
		"logs/gone: it is a link that leads nowhere", "logs/loop: it is a link that leads nowhere",
		"logs/out: it is a link out of the folder and was not followed; name it to read it",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	now := time.Unix(1_700_000_000, 0).UTC()
	first := x.Left[2].Remembered(ttpcron.FileLook{}, now)
	if first.SaidBefore() || first.Look() == nil {
		t.Fatalf("%+v", first)
	}
	if again := x.Left[2].Remembered(*first.Look(), now.Add(time.Hour)); !again.SaidBefore() || again.Look() != nil {
		t.Errorf("an hour later: %+v", again)
	}
	if again := x.Left[2].Remembered(*first.Look(), now.Add(2*seenAgain)); !again.SaidBefore() || again.Look() == nil {
		t.Errorf("days later: %+v, which is forgotten", again)
	}
	if other := (&LeftError{Path: "logs/out", Reason: "it is a FIFO, not a file"}).Remembered(*first.Look(), now); other.SaidBefore() {
		t.Error("it is something else by now")
	}
	if _, err := Expand([]string{"logs/gone"}); err == nil {
		t.Error("a link that was named may lead nowhere")
	}
}

// Anyone who can make folders could make one too deep for the system.
func TestTooDeep(t *testing.T) {
	root := t.TempDir()
	tree(t, root, "a.json", "z.json")
	t.Chdir(root)
	long := strings.Repeat("d", 250)
	for range 20 {
		if err := errors.Join(os.Mkdir(long, 0o700), os.Chdir(long)); err != nil {
			t.Fatal(err)
		}
	}
	x, err := Expand([]string{root})
	if err != nil || len(x.Files) != 2 || len(x.Left) != 1 || len(x.Left[0].Path) > maxNamed+len("…") || x.Left[0].Reason != "its path is too long" {
		t.Fatalf("%d files, %d left, %v", len(x.Files), len(x.Left), err)
	}
}

// TestCaptureNames: a renamed folder of captured files is still recognised.
func TestCaptureNames(t *testing.T) {
	for name, want := range map[string]bool{
		"downloads": true, "Downloads.old": true, "DOWNLOADS2": true, "tty.1": true, "dl_2026": true, "upload.d": true,
		"sensor1_downloads": true, "downloads ": true, "extract_files": true, "log": false, "settys": false, "cowrie": false,
		"2026": false, "dlog": false, "tty-less logs": true, "logs of downloads here": false,
	} {
		if got := isCapture(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}

// TestSpeaksForOthers: a file that can name any sensor and attacker is read if the user
// named it or its folder, but not below that.
func TestSpeaksForOthers(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	event := `{"source_kind":"command","time":"2026-05-04T05:49:13Z","attacker_ip":"203.0.113.7","payload":{"command_text":"x"}}` + "\n"
	tree(t, dir, "data/log/x", "data/x")
	for _, name := range []string{"data/log/events.jsonl", "data/events.jsonl"} {
		write(t, dir, name, []byte(event))
	}
	write(t, dir, "data/log/cowrie.json", []byte(commands(0, 2)))
	write(t, dir, "data/log/d.db", sqliteMagic)
	for _, tt := range []struct {
		in    []string
		below []string
	}{
		{[]string{"data"}, []string{"data/log/d.db", "data/log/events.jsonl"}},
		{[]string{"data/log"}, nil},
		{[]string{"data", "data/log"}, nil},
		{[]string{"data/log/events.jsonl", "data"}, []string{"data/log/d.db"}},
		{[]string{"data/*/*.*"}, nil},
		{[]string{"data/*"}, nil}, // each folder that matches is named
	} {
		x, err := Expand(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		var below []string
		for _, found := range x.Files {
			f, err := Open(t.Context(), found.Path, Options{Below: found.Below})
			if b := (*BelowError)(nil); errors.As(err, &b) {
				below = append(below, found.Path)
			}
			if err == nil {
				f.Close()
			}
		}
		if !slices.Equal(below, tt.below) {
			t.Errorf("%q: %q are passed over, want %q", tt.in, below, tt.below)
		}
	}
	if _, err := Open(t.Context(), "data/log/events.jsonl", Options{Below: true, Format: "events"}); !errors.As(err, new(*BelowError)) {
		t.Errorf("its format was named, its folder was not: %v", err)
	}
}
