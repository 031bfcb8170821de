package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const secret = "0123456789abcdef"

func TestHTTPAddress(t *testing.T) {
	for _, c := range []struct {
		address string
		exposed bool
		ok      bool
	}{
		{"", false, true}, {"127.0.0.1:1", false, true}, {"[::1]:1", false, true}, {"localhost:1", false, true}, {"127.9.9.9:1", false, true},
		{":1", false, false}, {"0.0.0.0:1", false, false}, {"192.0.2.1:1", false, false}, {"example.org:1", false, false}, {"127.0.0.1", false, false},
		{"0.0.0.0:1", true, true}, {"nonsense", true, false},
	} {
		if err := (&Daemon{HTTP: c.address, HTTPExposed: c.exposed}).checkHTTP(); (err == nil) != c.ok {
			t.Errorf("%q, exposed %t: %v", c.address, c.exposed, err)
		}
	}
}

// Refused: a report without a token at an address that others can reach, a report that
// nothing serves, and a token that everyone can read.
func TestReportPolicy(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, open, short := file("good", secret+"\n", 0o600), file("open", secret, 0o644), file("short", "short", 0o600)
	for _, tt := range []struct {
		name, address string
		exposed       bool
		report        bool
		token         string
		want          string // in the fault
	}{
		{"nothing", "", false, false, "", ""},
		{"metrics for all", "0.0.0.0:1", true, false, "", ""},
		{"on the loopback", "127.0.0.1:1", false, true, "", ""},
		{"on the loopback with a token", "localhost:1", false, true, good, ""},
		{"for all with a token", "0.0.0.0:1", true, true, good, ""},
		{"a token alone", "", false, false, good, ""},
		{"nowhere", "", false, true, "", "no address is set"},
		{"for all", "0.0.0.0:1", true, true, "", "whoever reaches 0.0.0.0:1 could read it"},
		{"for all by a name", "sensor.example:1", true, true, "", "whoever reaches sensor.example:1"},
		{"on the loopback, and exposed for no reason", "127.0.0.1:1", true, true, "", ""},
		{"for all, not said", "0.0.0.0:1", false, true, good, "which other machines could reach"},
		{"an open token", "127.0.0.1:1", false, true, open, "open to everybody"},
		{"a short token", "127.0.0.1:1", false, true, short, "5 characters, want at least 16"},
		{"a missing token", "127.0.0.1:1", false, false, filepath.Join(dir, "missing"), "there is no file or folder "},
		{"a folder", "127.0.0.1:1", false, true, dir, "is a folder"},
	} {
		config := "[daemon]\n"
		if tt.address != "" {
			config += "http = \"" + tt.address + "\"\n"
		}
		if tt.exposed {
			config += "http-exposed = true\n"
		}
		if tt.report {
			config += "http-report = true\n"
		}
		if tt.token != "" {
			config += "http-token-file = \"" + tt.token + "\"\n"
		}
		c, err := readDaemon(t, config)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if tt.want == "" && text != "" || !strings.Contains(text, tt.want) || strings.Contains(text, secret) {
			t.Errorf("%s: %q, want %q", tt.name, text, tt.want)
		}
		if p := c.ReportPolicy(); err == nil && (p.On != tt.report || p.Token.Needed() != (tt.token != "")) {
			t.Errorf("%s: policy %+v", tt.name, p)
		}
	}
}

// A reload says what became of the report, and nothing of the token.
func TestChangeOfReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	read := func(token, config string) *Daemon {
		t.Helper()
		if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := readDaemon(t, "inputs = []\nrules = []\n[daemon]\nhttp = \"127.0.0.1:1\"\n"+config)
		if err != nil {
			t.Fatal(err)
		}
		c.Rules, c.Jobs = nil, nil // each has a folder of its own
		return c
	}
	off := read(secret, "")
	on := read(secret, "http-report = true\nhttp-token-file = \""+path+"\"\nhttp-hosts = [\"a.example\", \"B.example:8080\"]\nhttp-report-since = \"90d\"\n")
	other := read(secret+"other", "http-report = true\nhttp-token-file = \""+path+"\"\nhttp-hosts = [\"a.example\"]\n")
	for _, tt := range []struct {
		from, to *Daemon
		want     string
	}{
		{off, on, "added http-report true, http-hosts a.example, http-hosts b.example:8080, http-token-file " + path + "; changed http-report-since none to 90d"},
		{on, other, "gone http-hosts b.example:8080; changed http-report-since 90d to none, the token of the report"},
		{on, on, ""},
		{other, off, "gone http-report true, http-hosts a.example, http-token-file " + path},
	} {
		if got := ChangeOf(tt.from, tt.to).String(); got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
}
