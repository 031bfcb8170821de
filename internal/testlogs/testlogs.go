// Package testlogs finds the histories that tests read: the one in testdata, which
// was made for the project and is there for everybody, and logs of real sensors
// where there are any. Real logs are not part of the project; a clone finds them
// in the folder ../shared/data beside it. Start with [All].
package testlogs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A History is a folder of logs and commands.
type History struct {
	Name string // "bundled" or "real"
	dir  string
}

// All returns the histories that are there, the bundled one first.
func All(t testing.TB) []History {
	t.Helper()
	module, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(module, "go.mod")) {
		above := filepath.Dir(module)
		if above == module {
			t.Fatal("a test runs outside of the module")
		}
		module = above
	}
	all := []History{{"bundled", filepath.Join(module, "internal", "testlogs", "testdata")}}
	if real := filepath.Join(module, "..", "shared", "data"); exists(filepath.Join(real, "cowrie")) {
		all = append(all, History{"real", real})
	}
	return all
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Cowrie is a folder with a folder of logs for each Cowrie sensor, and a README.
func (h History) Cowrie() string { return filepath.Join(h.dir, "cowrie") }

// Folders are all folders of logs, Cowrie's among them.
func (h History) Folders() (folders []string) {
	for _, name := range []string{"cowrie", "opencanary", "canarytokens"} {
		if folder := filepath.Join(h.dir, name); exists(folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// CowrieLogs are the files in Cowrie, some of them compressed.
func (h History) CowrieLogs(t testing.TB) []string {
	t.Helper()
	return h.glob(t, "cowrie/*/cowrie.json*")
}

func (h History) glob(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(h.dir, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no %s: %v", h.dir, pattern, err)
	}
	return paths
}

// More are the files of the folder that a pattern names; a history need not have any.
func (h History) More(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(h.dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// CowrieEvents counts the different events of each kind in the Cowrie logs.
func (h History) CowrieEvents(t testing.TB) map[string]int {
	t.Helper()
	counts := CowrieEvents(t, h.CowrieLogs(t)...)
	if counts["command"] == 0 {
		t.Fatalf("no commands in %s", h.Cowrie())
	}
	return counts
}

// CowrieEvents counts the different events of each kind in Cowrie's logs. It goes by
// encoding/json and a list of its own, as a second opinion on an importer.
func CowrieEvents(t testing.TB, paths ...string) map[string]int {
	t.Helper()
	found := map[string]bool{}
	counts := map[string]int{}
	for _, path := range paths {
		for line := range lines(t, path) {
			record := map[string]any{}
			if json.Unmarshal(bytes.TrimLeft(line, "\x00"), &record) != nil {
				continue
			}
			for _, kind := range cowrieKinds(record) {
				event := kind
				for _, name := range cowrieTells[kind] {
					event += fmt.Sprintf("|%q", fmt.Sprint(record[name]))
				}
				for _, name := range []string{"timestamp", "session", "sensor", "src_ip"} {
					event += fmt.Sprintf("|%q", fmt.Sprint(record[name]))
				}
				if !found[event] {
					found[event] = true
					counts[kind]++
				}
			}
		}
	}
	return counts
}

// cowrieTells are the members of a record that tell two events of a kind apart.
var cowrieTells = map[string][]string{
	"command":         {"input", "attempted_command"},
	"stdin":           {"input", "realm"},
	"auth_attempt":    {"eventid", "username", "password", "fingerprint", "protocol"},
	"session":         {"eventid", "version", "hassh"},
	"payload":         {"url", "shasum", "destfile", "filename"},
	"tunnel":          {"dst_ip", "dst_port", "data"},
	"service_request": {"username", "original_username"},
}

// cowrieKinds returns the kinds of the events that a record is, if it is any. Records
// that repeat a command are none.
func cowrieKinds(record map[string]any) []string {
	id, _ := record["eventid"].(string)
	_, realm := record["realm"]
	switch id {
	case "cowrie.command.input":
		switch {
		case record["input"] == "":
			return nil
		case realm:
			return []string{"stdin"}
		}
		return []string{"command"}
	case "cowrie.session.input":
		return []string{"stdin"}
	case "cowrie.login.success", "cowrie.login.failed", "cowrie.client.fingerprint":
		return []string{"auth_attempt"}
	case "cowrie.session.connect", "cowrie.session.closed", "cowrie.session.params",
		"cowrie.client.version", "cowrie.client.kex", "cowrie.client.var", "cowrie.client.size":
		return []string{"session"}
	case "cowrie.session.file_download", "cowrie.session.file_download.failed", "cowrie.session.file_upload":
		return []string{"payload"}
	case "cowrie.direct-tcpip.request", "cowrie.direct-tcpip.data":
		return []string{"tunnel"}
	case "cowrie.telnet.exploit_attempt", "cowrie.telnet.exploit_success":
		if _, command := record["attempted_command"]; command {
			return []string{"service_request", "command"}
		}
		return []string{"service_request"}
	}
	return nil
}

// Login is a login that a sensor refused.
type Login struct {
	Time                        time.Time
	Address, Username, Password string
	PasswordNoted               bool
}

// RefusedLogins are the different records of logins that were refused in Cowrie's
// logs. It goes by encoding/json alone.
func RefusedLogins(t testing.TB, paths ...string) (logins []Login) {
	t.Helper()
	type record struct {
		session, sensor string
		Login
	}
	found := map[record]bool{}
	for _, path := range paths {
		for line := range lines(t, path) {
			var e struct {
				EventID, Session, Sensor, Username, Src_IP string
				Password                                   *string
				Timestamp                                  time.Time
			}
			if json.Unmarshal(bytes.TrimLeft(line, "\x00"), &e) != nil || e.EventID != "cowrie.login.failed" {
				continue
			}
			l := Login{Time: e.Timestamp, Address: e.Src_IP, Username: e.Username, PasswordNoted: e.Password != nil}
			if l.PasswordNoted {
				l.Password = *e.Password
			}
			if r := (record{e.Session, e.Sensor, l}); !found[r] {
				found[r] = true
				logins = append(logins, l)
			}
		}
	}
	return logins
}

// CommandEvents counts the different command events of the Cowrie logs.
func (h History) CommandEvents(t testing.TB) int {
	t.Helper()
	return h.CowrieEvents(t)["command"]
}

// Commands are the different texts of commands, in logs and lists.
func (h History) Commands(t testing.TB) (texts []string) {
	t.Helper()
	for _, path := range h.CowrieLogs(t) {
		for line := range lines(t, path) {
			var e struct{ EventID, Input string }
			if json.Unmarshal(line, &e) == nil && e.EventID == "cowrie.command.input" && e.Input != "" {
				texts = append(texts, e.Input)
			}
		}
	}
	texts = append(texts, h.Listed(t)...)
	slices.Sort(texts)
	return slices.Compact(texts)
}

// Lists are the files of commands, one JSON object a line.
func (h History) Lists(t testing.TB) []string {
	t.Helper()
	return h.glob(t, "labelled/*.jsonl")
}

// Listed are the commands of lists, which say of none when, where and by whom.
func (h History) Listed(t testing.TB) (texts []string) {
	t.Helper()
	for _, path := range h.Lists(t) {
		for line := range lines(t, path) {
			var e struct{ Command_Text string }
			if json.Unmarshal(line, &e) == nil && e.Command_Text != "" {
				texts = append(texts, e.Command_Text)
			}
		}
	}
	return texts
}

// lines yields the lines of a file, compressed or not.
func lines(t testing.TB, path string) func(yield func([]byte) bool) {
	t.Helper()
	s := bufio.NewScanner(bytes.NewReader(Content(t, path)))
	s.Buffer(nil, 16<<20)
	return func(yield func([]byte) bool) {
		for s.Scan() {
			if !yield(s.Bytes()) {
				return
			}
		}
		if s.Err() != nil {
			t.Errorf("%s: %v", path, s.Err())
		}
	}
}

// Content returns what is in a file, uncompressed.
func Content(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
