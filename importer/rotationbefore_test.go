package importer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// idsOfFiles reads files one after the other, each in an import of its own, and returns the
// events, sorted.
func idsOfFiles(t *testing.T, format string, settings Settings, paths ...string) (ids []string) {
	t.Helper()
	for _, path := range paths {
		r := mustRead(t, path, Options{Format: format, Settings: settings, Final: true})
		ids = append(ids, r.IDs()...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// rotatedHosts are logs of hosts in which most records depend on others.
func rotatedHosts(t testing.TB) map[string][]byte {
	_, audited, _ := hostInput(t, "auditd")
	_, requests, _ := hostInput(t, "access")
	var sshd, access strings.Builder
	for i, text := range []string{
		"Connection from 203.0.113.7 port 4",
		"Invalid user a from 203.0.113.7 port 4",
		"Failed password for invalid user a from 203.0.113.7 port 4 ssh2",
		"Failed password for invalid user a from 203.0.113.7 port 4 ssh2",
		"message repeated 2 times: [ Failed password for invalid user a from 203.0.113.7 port 4 ssh2]",
		"Connection closed by invalid user a 203.0.113.7 port 4 [preauth]",
		"Invalid user b from 203.0.113.8",
		"Connection closed by 203.0.113.8 [preauth]",
		"Failed none for invalid user c from 203.0.113.9 port 9 ssh2",
		"Received disconnect from 203.0.113.9 port 9:11: Bye [preauth]",
		"Disconnected from invalid user c 203.0.113.9 port 9 [preauth]",
	} {
		fmt.Fprintf(&sshd, "2026-01-02T03:04:%02dZ web-1 sshd[%d]: %s\n", 5+i/4, 7+i/6, text)
	}
	for range 2 {
		sshd.WriteString("2026-01-02T03:04:09Z web-1 sudo: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id\n")
	}
	access.WriteString("203.0.113.7 - - [27/Nov/2026:13:51:49 +0000] \"HEAD / HTTP/1.1\" 200 0\n")
	for i := range 8 {
		fmt.Fprintf(&access, "203.0.113.7 - - [27/Nov/2026:13:51:%02d +0000] \"GET /%d HTTP/1.1\" 200 612\n", 50+i/5, i%2)
	}
	return map[string][]byte{"sshd": []byte(sshd.String()), "access": append([]byte(access.String()), requests...), "auditd": audited}
}

// A log that was rotated between any two lines has the same events as the whole, each once,
// in whatever order its files are imported, and if it grew before.
func TestRotatedHostLogs(t *testing.T) {
	for format, content := range rotatedHosts(t) {
		settings := Settings{Host: "web-1"}
		whole := mustRead(t, write(t, t.TempDir(), "x.log", content), Options{Format: format, Settings: settings, Final: true})
		want := whole.IDs()
		slices.Sort(want)
		for cut := 0; cut < len(content)-1; cut++ {
			if content[cut] != '\n' {
				continue
			}
			for _, names := range [][2]string{{"x.log.1", "x.log"}, {"x.log.2.gz", "x.log.1"}, {"x.log-20260504", "x.log"}} {
				dir := t.TempDir()
				older, newer := put(t, dir, names[0], string(content[:cut+1])), put(t, dir, names[1], string(content[cut+1:]))
				for _, order := range [][]string{{older, newer}, {newer, older}} {
					if got := idsOfFiles(t, format, settings, order...); !slices.Equal(got, want) {
						t.Errorf("%s, rotated after %q, %v: %s", format, lastLineOf(content[:cut]), names, differ(got, want))
					}
				}
			}
		}
	}
}

// atRandom makes a log of few clients and processes that use the same names, ports and seconds
// again and again.
func atRandom(format string, rnd *rand.Rand) []byte {
	var b strings.Builder
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	serial := 100
	for range 10 + rnd.IntN(30) {
		at = at.Add([]time.Duration{0, 0, 0, time.Second, 3 * time.Second, 4 * time.Minute, 11 * time.Minute}[rnd.IntN(7)])
		n := rnd.IntN(2)
		switch format {
		case "sshd":
			text := []string{
				"Invalid user a from 203.0.113.%d port 4", "Failed password for a from 203.0.113.%d port 4 ssh2", "Failed none for invalid user a from 203.0.113.%d port 4 ssh2",
				"message repeated 2 times: [ Failed password for a from 203.0.113.%d port 4 ssh2]", "Connection closed by invalid user a 203.0.113.%d port 4 [preauth]",
				"Connection closed by 203.0.113.%d port 4 [preauth]", "Accepted password for a from 203.0.113.%d port 4 ssh2",
			}[rnd.IntN(7)]
			fmt.Fprintf(&b, "%s web-1 sshd[%d]: "+text+"\n", at.Format(time.RFC3339), 7+rnd.IntN(2), n)
		case "access":
			fmt.Fprintf(&b, "203.0.113.%d - - [%s] \"GET / HTTP/1.1\" 200 612\n", n, at.Format(accessTime))
		case "auditd":
			kind := rnd.IntN(4)
			for i, fields := range [][]string{
				{"SYSCALL ses=%d syscall=59 arch=c000003e success=yes", `EXECVE argc=2 a0="a" a1_len=8 a1[0]=62636465`, "EXECVE a1[1]=6667", `CWD cwd="/"`, `PROCTITLE proctitle="a"`},
				{"SYSCALL ses=%d syscall=59 arch=c000003e success=yes", `PROCTITLE proctitle="id"`},
				{`USER_AUTH pid=%d uid=0 msg='op=password acct="a" exe="/usr/sbin/sshd" addr=203.0.113.7 res=failed'`},
				{`USER_AUTH pid=%d uid=0 msg='op=PAM:authentication acct="a" exe="/usr/sbin/sshd" addr=203.0.113.7 res=failed'`},
			}[kind] {
				kind, rest, _ := strings.Cut(fields, " ")
				if i == 0 {
					rest = fmt.Sprintf(rest, n)
				}
				fmt.Fprintf(&b, "node=web-1 type=%s msg=audit(%d.000:%d): %s\n", kind, at.Unix(), serial, rest)
			}
			serial++
		}
	}
	return []byte(b.String())
}

// Logs made at random have the same events in two files, too, if these do not begin alike.
func TestRotatedAtRandom(t *testing.T) {
	for _, format := range []string{"sshd", "access", "auditd"} {
		for seed := range uint64(150) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			content := atRandom(format, rnd)
			settings := Settings{Host: "web-1"}
			whole := mustRead(t, write(t, t.TempDir(), "x.log", content), Options{Format: format, Settings: settings, Final: true})
			want := whole.IDs()
			slices.Sort(want)
			lines := bytes.SplitAfter(content, []byte("\n"))
			cut := 1 + rnd.IntN(len(lines)-2)
			dir := t.TempDir()
			before, after := bytes.Join(lines[:cut], nil), bytes.Join(lines[cut:], nil)
			if both := min(len(before), len(after)); bytes.Equal(before[:both], after[:both]) {
				continue
			}
			older, newer := write(t, dir, "x.log.1", before), write(t, dir, "x.log", after)
			if got := idsOfFiles(t, format, settings, newer, older); !slices.Equal(got, want) {
				t.Errorf("%s, seed %d, cut after line %d: %s\n%s", format, seed, cut, differ(got, want), content)
				break
			}
		}
	}
}

// A log that is imported while it grows and is rotated has the same events too.
func TestHostLogsRotateWhileTheyGrow(t *testing.T) {
	for format, content := range rotatedHosts(t) {
		settings := Settings{Host: "web-1"}
		whole := mustRead(t, write(t, t.TempDir(), "x.log", content), Options{Format: format, Settings: settings, Final: true})
		want := whole.IDs()
		slices.Sort(want)
		ends := []int{}
		for i, c := range content {
			if c == '\n' {
				ends = append(ends, i+1)
			}
		}
		for n := 2; n < len(ends)-1; n++ {
			dir := t.TempDir()
			current, rotated := filepath.Join(dir, "x.log"), filepath.Join(dir, "x.log.1")
			var got []string
			var positions PositionList
			take := func(path string, from, to int, final bool) {
				if err := os.WriteFile(path, content[from:to], 0o600); err != nil {
					t.Fatal(err)
				}
				r := mustRead(t, path, Options{Format: format, Settings: settings, Positions: positions, Final: final})
				if got = append(got, r.IDs()...); r.Position != nil {
					positions = append(positions, *r.Position)
				}
			}
			take(current, 0, ends[n-2], false)
			take(current, 0, ends[n-1], false)
			if err := os.Rename(current, rotated); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(rotated, content[:ends[n]], 0o600); err != nil { // a line was added
				t.Fatal(err)
			}
			take(current, ends[n], ends[min(n+6, len(ends)-1)], false) // auditd writes the records of an event at once
			take(rotated, 0, ends[n], false)
			take(current, ends[n], len(content), true)
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, want) {
				t.Errorf("%s, rotated after %q: %s", format, lastLineOf(content[:ends[n]-1]), differ(got, want))
			}
		}
	}
}

// A log that is copied before it is emptied (copytruncate) does not come before itself.
func TestHostLogIsCopied(t *testing.T) {
	for format, content := range rotatedHosts(t) {
		dir := t.TempDir()
		o := Options{Format: format, Settings: Settings{Host: "web-1"}, Final: true}
		path := write(t, dir, "x.log", content)
		want := mustRead(t, path, o)
		write(t, dir, "x.log.1", content[:len(content)-10])
		if got := mustRead(t, path, o); !slices.Equal(got.IDs(), want.IDs()) {
			t.Errorf("%s: %s", format, differ(got.IDs(), want.IDs()))
		}
	}
}

// A log whose last lines stay when it is rotated by copying has each event once.
func TestHostLogKeepsLines(t *testing.T) {
	for format, content := range rotatedHosts(t) {
		settings := Settings{Host: "web-1"}
		whole := mustRead(t, write(t, t.TempDir(), "x.log", content), Options{Format: format, Settings: settings, Final: true})
		want := whole.IDs()
		slices.Sort(want)
		lines := bytes.SplitAfter(content, []byte("\n"))
		for _, stay := range []int{7, 9, 12} {
			cut := bytes.Join(lines[:13], nil)
			dir := t.TempDir()
			older := write(t, dir, "x.log.1", cut)
			newer := write(t, dir, "x.log", bytes.Join(lines[13-stay:], nil))
			if got := idsOfFiles(t, format, settings, older, newer); !slices.Equal(got, want) {
				t.Errorf("%s, %d lines stay: %s", format, stay, differ(got, want))
			}
		}
	}
}

// What was said long ago in the file before plays no part, and neither does another year.
func TestFileBeforeIsForgotten(t *testing.T) {
	left := " web-1 sshd[7]: Connection closed by invalid user a 203.0.113.7 port 4 [preauth]\n"
	failed := " web-1 sshd[7]: Failed password for invalid user a from 203.0.113.7 port 4 ssh2\n"
	for name, c := range map[string]struct {
		older, newer string
		events       int // of the newer file
	}{
		"at once":         {"2026-01-02T03:04:05Z" + failed, "2026-01-02T03:04:06Z" + left, 0},
		"long ago":        {"2026-01-02T03:04:05Z" + failed, "2026-01-02T03:24:06Z" + left, 1},
		"no year":         {"Dec 31 23:59:59" + failed, "Jan  1 00:00:00" + left, 0},
		"another year":    {"Jan  1 01:00:00" + failed, "Dec 31 23:59:59" + left, 1},
		"now with a year": {"Dec 31 23:59:59" + failed, "2027-01-01T00:00:00Z" + left, 0},
	} {
		dir := t.TempDir()
		write(t, dir, "auth.log.1", []byte(c.older))
		path := write(t, dir, "auth.log", []byte(c.newer))
		changed(t, path, time.Date(2030, 6, 15, 0, 0, 0, 0, time.UTC))
		r := mustRead(t, path, Options{Format: "sshd", Settings: Settings{Zone: time.UTC, Year: 2027}, Final: true})
		if len(r.Events) != c.events {
			t.Errorf("%s: %d events, rejects %+v", name, len(r.Events), r.Rejects)
		}
	}
}

func lastLineOf(text []byte) []byte { return text[bytes.LastIndexByte(text, '\n')+1:] }

func differ(got, want []string) string {
	var out []string
	for _, s := range want {
		if !slices.Contains(got, s) {
			out = append(out, "without "+s)
		}
	}
	for _, s := range got {
		if !slices.Contains(want, s) {
			out = append(out, "with "+s)
		}
	}
	return strings.Join(out, ", ")
}
