package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/report"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// toldSession is the story of a session whose events have this kind and payload, name,
// value, name, value.
func toldSession(t *testing.T, passwords bool, events ...[]any) *report.Story {
	t.Helper()
	db, end, err := store.Scratch(t.Context(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	start := time.Date(2026, 5, 4, 5, 49, 0, 0, time.UTC)
	s := &report.Session{ID: "s1", Sensor: "hp-1", Events: len(events)}
	s.First, s.Last = start, start.Add(time.Duration(len(events)-1)*time.Second)
	var batch ttpcron.Batch
	for i, of := range events {
		e := ttpcron.Event{Kind: of[0].(ttpcron.SourceKind), Time: start.Add(time.Duration(i) * time.Second), AttackerIP: "203.0.113.7", SessionID: "s1", DeckyID: "hp-1"}
		for k := 1; k < len(of); k += 2 {
			f := ttpcron.Field{Name: of[k].(string)}
			if text, is := of[k+1].(string); is {
				f.Text = text
			} else if f.Raw, err = json.Marshal(of[k+1]); err != nil {
				t.Fatal(err)
			}
			e.Payload = append(e.Payload, f)
		}
		other := e
		other.DeckyID, other.Payload = "hp-2", ttpcron.TextPayload("command_text", "of another sensor")
		batch.Events = append(batch.Events, e, other)
	}
	if _, err := db.Archive.Import(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	m := &reportMaker{passwords: passwords}
	m.under = attack.Current()
	story, err := m.story(t.Context(), db, s, shell.NewParser(shell.Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	return story
}

func toldText(s *report.Story) string {
	var b strings.Builder
	for _, f := range s.Head {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Text)
	}
	for _, l := range s.Lines {
		fmt.Fprintf(&b, "%s | %s | %s", l.What, l.Text, l.Outcome)
		for _, d := range l.Details {
			fmt.Fprintf(&b, " | %s=%s", d.Name, d.Text)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "more: %d\n", s.More)
	return b.String()
}

func TestReportStory(t *testing.T) {
	type row = []any
	events := []row{
		{ttpcron.SessionFact, "fact", "opened", "protocol", "ssh", "src_port", 4242},
		{ttpcron.SessionFact, "fact", "client", "client_version", "SSH-2.0-Go"},
		{ttpcron.SessionFact, "fact", "var", "name", "LANG", "value", "C"},
	}
	for i := range 9 {
		events = append(events, row{ttpcron.AuthAttempt, "service", "ssh", "username", "root", "password", fmt.Sprint("guess", i), "success", false})
	}
	events = append(events,
		row{ttpcron.AuthAttempt, "service", "ssh", "username", "pi", "password", "raspberry", "success", true},
		row{ttpcron.Command, "command_text", "echo aWQ7IHVuYW1lIC1h | base64 -d | sh"},
		row{ttpcron.Command, "command_text", "curl -u admin:raspberry http://198.51.100.1/\x1b[31m</script>"},
		row{ttpcron.Stdin, "input_text", "hunter2", "program", "passwd"},
		row{ttpcron.SessionFact, "fact", "closed", "duration_ms", 32000},
	)
	const want = `client: ssh, SSH-2.0-Go
login: pi/[masked] let in after 9 other tries in this session
did: 2 commands, 1 text typed into programs
end: closed after 32s
connected |  |  | from port=4242 | by=ssh
fact | var LANG=C | 
login | root/[masked] | failed
login | root/[masked] | failed
login | root/[masked] | failed
and | 6 more like this, until 05:49:11 | 
login | pi/[masked] | worked
typed | echo aWQ7IHVuYW1lIC1h | base64 -d | sh |  | decoded (base64)=id; uname -a
typed | curl -u admin:raspberry http://198.51.100.1/` + "\x1b" + `[31m</script> | 
input | (passwd) [masked] | 
closed |  |  | after=32s
more: 0
`
	if got := toldText(toldSession(t, false, events...)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := toldText(toldSession(t, true, events...)); !strings.Contains(got, "pi/raspberry") || !strings.Contains(got, "(passwd) hunter2") || strings.Contains(got, ttpcron.Masked) {
		t.Errorf("with passwords: %s", got)
	}
}

// However long a session is, and whatever it contains, its story is bounded, and says how
// much was left out.
func TestReportStoryIsBounded(t *testing.T) {
	var events [][]any
	for i := range storyEvents + 500 {
		events = append(events, []any{ttpcron.Command, "command_text", fmt.Sprint("run ", i)})
	}
	s := toldSession(t, false, events...)
	if len(s.Lines) != storyLines || s.More != storyEvents+500-storyLines || strings.Contains(toldText(s), "end:") {
		t.Errorf("%d lines and %d more: %.300s", len(s.Lines), s.More, toldText(s))
	}
	events = nil
	for i := range 100 {
		events = append(events, []any{ttpcron.HTTPRequest, "raw_url", fmt.Sprint("/", i, strings.Repeat("x", 5000)), "method", "GET", "user_agent", strings.Repeat("y", 5000)})
	}
	s = toldSession(t, false, events...)
	if size := len(toldText(s)); size > storyBytes+8<<10 || len(s.Lines)+s.More != 100 || len(s.Lines) < 10 {
		t.Errorf("%d bytes, %d lines and %d more", size, len(s.Lines), s.More)
	}
}
