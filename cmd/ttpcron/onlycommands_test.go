package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// earlierStore is a store from a version that read only commands from Cowrie's logs: some
// days of these, of a DECNET database and of native events.
func earlierStore(t *testing.T, path string) {
	t.Helper()
	var events []ttpcron.Event
	command := func(month time.Month, day int, change func(e *ttpcron.Event)) {
		e := ttpcron.Event{
			Kind: ttpcron.Command, Time: time.Date(2024, month, day, 10, 0, 2, 1000, time.UTC), AttackerIP: "192.0.2.7", SessionID: fmt.Sprintf("a1b2c3d4e5%02d", day), DeckyID: "s1",
			Payload: ttpcron.Payload{{Name: "command_text", Text: fmt.Sprint("uname -a ", day)}},
		}
		if change != nil {
			change(&e)
		}
		events = append(events, e)
	}
	for _, day := range []int{1, 2, 3, 5} {
		command(5, day, nil)
		command(6, day, func(e *ttpcron.Event) {
			e.ID, e.AttackerUUID = fmt.Sprint("cmd_", day), "11111111-1111-4111-8111-111111111111"
		})
		command(7, day, func(e *ttpcron.Event) { e.SessionID = "" })
	}
	db := kvtest.OpenAt(t, path)
	defer db.Close()
	position := ttpcron.FilePosition{Path: "cowrie.json.2024-05-01", Format: "cowrie/2", HeadLen: 64, TailLen: 64, Offset: 128, Line: 1, SeenAt: time.Now()}
	if _, err := db.Import(t.Context(), ttpcron.Batch{Events: events, Position: &position}); err != nil {
		t.Fatal(err)
	}
}

// cowrieDay is the log of a day with a command of the earlier store.
func cowrieDay(day int) string {
	var b strings.Builder
	for i, what := range []string{`"eventid":"cowrie.session.connect"`, `"eventid":"cowrie.login.success","username":"root","password":"x"`, fmt.Sprintf(`"eventid":"cowrie.command.input","input":"uname -a %d"`, day), `"eventid":"cowrie.session.closed"`} {
		fmt.Fprintf(&b, `{%s,"timestamp":"2024-05-%02dT10:00:%02d.000001Z","session":"a1b2c3d4e5%02d","src_ip":"192.0.2.7","sensor":"s1"}`+"\n", what, day, i, day)
	}
	return b.String()
}

// TestDaysWithOnlyCommands: of a store that an earlier version made an import that reads
// logs again, and status, say which days have only commands because their logs are gone.
// Nothing is said before logs were read again, of DECNET's and native events, where the
// configuration leaves the other kinds out, and of days that were pruned.
func TestDaysWithOnlyCommands(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "t.db")
	earlierStore(t, path)
	env := []string{"TTPCRON_DB=" + path, "TTPCRON_CONFIG=" + os.DevNull}
	log := func(day int) string {
		name := filepath.Join(dir, fmt.Sprintf("cowrie.json.2024-05-%02d", day))
		if err := os.WriteFile(name, []byte(cowrieDay(day)), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const said = "only commands, and no log that was read again"
	status := func(want string, args ...string) {
		t.Helper()
		code, out, stderr := invoke(t, env, append([]string{"status"}, args...)...)
		if code != exitDone || strings.Contains(out, said) != (want != "") || !strings.Contains(out, want) {
			t.Errorf("status %v: %d, want %q\n%s%s", args, code, want, out, stderr)
		}
	}
	status("")
	code, _, stderr := invoke(t, env, "import", log(2))
	if want := "3 days have " + said + " tells of their logins and sessions: 2024-05-01, 2024-05-03, 2024-05-05"; code != exitDone || !strings.Contains(stderr, want) {
		t.Errorf("import: %d, %s", code, stderr)
	}
	status("3 days have " + said)
	status("", "--kinds", "command,canary")
	status("3 days have", "--kinds", "command,auth_attempt")
	if _, out, _ := invoke(t, env, "status", "--json"); !strings.Contains(out, `"only_commands":[{"from":"2024-05-01","to":"2024-05-01"},{"from":"2024-05-03","to":"2024-05-03"},{"from":"2024-05-05","to":"2024-05-05"}]`) {
		t.Errorf("status --json: %s", out)
	}
	// A log that comes back gives the rest. Its commands are known.
	code, out, stderr := invoke(t, env, "run-once", "--input", log(3))
	if code != exitDone || !strings.Contains(out, "4 lines; 3 new events, 1 known") || !strings.Contains(stderr, "2 days have "+said) {
		t.Errorf("run-once: %d, %s%s", code, out, stderr)
	}
	// What was pruned is gone on purpose.
	db := kvtest.OpenAt(t, path)
	first := ttpcron.DayOf(time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC))
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: first + 1, TagsBefore: first + 1}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	status("1 day has " + said + " tells of their logins and sessions: 2024-05-05")
	invoke(t, env, "import", log(5))
	status("")
}
