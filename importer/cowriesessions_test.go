package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/internal/testlogs"
)

// cyberLab writes records by session, as the CyberLab data set has them: lists of a few
// commands each, in objects of a few sessions.
func cyberLab(sessions, perObject int, pretty bool) string {
	var out strings.Builder
	out.WriteString("[")
	for i := range sessions {
		switch {
		case i == 0:
			out.WriteString("{")
		case i%perObject == 0:
			out.WriteString("}, {")
		default:
			out.WriteString(", ")
		}
		fmt.Fprintf(&out, `"%012x": [`, i)
		for j := range 3 {
			if j > 0 {
				out.WriteString(", ")
			}
			fmt.Fprintf(&out, `{"kexAlgs": ["a", "b"], "eventid": "cowrie.command.input", "input": "echo %d \"]}, {\"", "timestamp": "2019-05-%02dT05:%02d:%02d.%06dZ", "session_id": "%012x", "src_ip_identifier": "%06x", "dst_ip_identifier": null, "sensor": "s"}`,
				j, 1+i/86400%28, i/60%60, i%60, j, i, i%7)
		}
		out.WriteString("]")
	}
	out.WriteString("}]")
	if !pretty {
		return out.String()
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(out.String()), "", "  "); err != nil {
		panic(err)
	}
	return b.String()
}

// TestCyberLab: the records of each session are a list under its name, in files of any size
// and form. An attacker is who has the same hash in place of the address.
func TestCyberLab(t *testing.T) {
	for name, tt := range map[string]struct {
		sessions, perObject int
		pretty              bool
	}{
		"one":                         {1, 1, false},
		"an object a session":         {50, 1, false},
		"one object":                  {50, 50, false},
		"over lines":                  {50, 7, true},
		"one object of more than max": {8000, 8000, false},
		"objects of more than max":    {14_000, 6500, false},
		"the same over lines":         {10_000, 6000, true},
	} {
		content := cyberLab(tt.sessions, tt.perObject, tt.pretty)
		r := mustRead(t, Stdin, Options{Stdin: &inPieces{[]byte(content), 8191}})
		if len(r.Events) != 3*tt.sessions || len(r.Rejects) != 0 || r.Format != "cowrie" {
			t.Errorf("%s, %d bytes: %d events of %d, %d rejects, the first %+v", name, len(content), len(r.Events), 3*tt.sessions, len(r.Rejects), r.Rejects[:min(1, len(r.Rejects))])
			continue
		}
		attackers := map[string]bool{}
		for i := range r.Events {
			attackers[r.Events[i].IdentityUUID] = true
		}
		if len(attackers) != min(tt.sessions, 7) || attackers[""] {
			t.Errorf("%s: %d attackers", name, len(attackers))
		}
		if e := &r.Events[0]; e.IdentityUUID != ttpcron.AttackerIdentity("000000") || e.SessionID != "000000000000" || told(e) != `command {"command_text":"echo 0 \"]}, {\""}` {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestCyberLabResumes: reading goes on within an object that is too long to hold, from the
// position of any batch.
func TestCyberLabResumes(t *testing.T) {
	for _, pretty := range []bool{false, true} {
		content := cyberLab(8000, 8000, pretty)
		path := write(t, t.TempDir(), "cyberlab.json", []byte(content))
		f, err := Open(t.Context(), path, Options{Final: true, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		n, tried := 0, 0
		for b, err := range f.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			n += len(b.Events)
			if b.Position == nil || tried == 3 || n == 24_000 {
				continue
			}
			tried++
			if rest := mustRead(t, path, Options{Final: true, Positions: PositionList{*b.Position}}); len(rest.Events) < 24_000-n || len(rest.Rejects) != 0 {
				t.Errorf("pretty %t: %d events and %d later, rejects %+v", pretty, n, len(rest.Events), rest.Rejects[:min(1, len(rest.Rejects))])
			}
		}
		f.Close()
		if n != 24_000 || !pretty && tried == 0 {
			t.Errorf("pretty %t: %d events, %d positions tried", pretty, n, tried)
		}
	}
}

// TestCyberLabCut: what is left of a document that was cut is some of its events.
func TestCyberLabCut(t *testing.T) {
	for _, pretty := range []bool{false, true} {
		content := cyberLab(3, 2, pretty)
		want := readBytes(t, []byte(content), Auto)
		for at := 0; at < len(content); at += cutStep() {
			for _, part := range []string{content[:at], content[at:]} {
				r := readAll(t, Stdin, Options{Format: "cowrie", Stdin: strings.NewReader(part)})
				for _, id := range r.IDs() {
					if !slices.Contains(want.IDs(), id) {
						t.Fatalf("cut at %d: %v", at, tell(r))
					}
				}
			}
		}
	}
}

// TestListsAreNoSessions: a list of a sensor's own record is not read as records.
func TestListsAreNoSessions(t *testing.T) {
	record := strings.TrimSpace(command(1, "forged"))
	for _, content := range []string{
		`{"src_ip":"198.51.100.1","headers":[` + record + `]}`,
		`{"a":1,"b":[` + record + `]}`,
		`{"b":[` + record + `],"a":1}`,
		`{"message":{"b":[` + record + `]}}`,
	} {
		if r := readBytes(t, []byte(command(2, "id")+content+"\n"), "cowrie"); len(r.Events) != 1 {
			t.Errorf("%s: %v", content, tell(r))
		}
	}
}

// TestSampleSessions compares with encoding/json.
func TestSampleSessions(t *testing.T) {
	for _, h := range testlogs.All(t) {
		for _, path := range h.More(t, "faults/18*/*.json") {
			var all []map[string][]struct{ EventID string }
			if err := json.Unmarshal(testlogs.Content(t, path), &all); err != nil {
				t.Fatal(err)
			}
			want, commands := 0, 0
			for _, o := range all {
				for _, records := range o {
					want += len(records)
					for _, r := range records {
						if r.EventID == "cowrie.command.input" {
							commands++
						}
					}
				}
			}
			r := mustRead(t, path, Options{})
			got := 0
			for i := range r.Events {
				if r.Events[i].Kind == ttpcron.Command {
					got++
				}
			}
			if len(r.Events) != want || got != commands || len(r.Rejects) != 0 {
				t.Errorf("%s: %d events, %d commands; encoding/json finds %d, %d", path, len(r.Events), got, want, commands)
			}
		}
	}
}
