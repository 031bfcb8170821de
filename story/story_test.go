package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

var start = time.Date(2026, 5, 4, 5, 49, 0, 0, time.UTC)

// event makes an event whose payload is name, value, name, value; a value that is not a
// string is kept as JSON.
func event(t *testing.T, seq int, kind ttpcron.SourceKind, payload ...any) *ttpcron.Event {
	t.Helper()
	e := &ttpcron.Event{Seq: uint64(seq), Kind: kind, Time: start.Add(time.Duration(seq) * time.Second), SessionID: "s1", DeckyID: "hp-1", AttackerIP: "203.0.113.7"}
	for i := 0; i < len(payload); i += 2 {
		f := ttpcron.Field{Name: payload[i].(string)}
		if text, ok := payload[i+1].(string); ok {
			f.Text = text
		} else {
			raw, err := json.Marshal(payload[i+1])
			if err != nil {
				t.Fatal(err)
			}
			f.Raw = raw
		}
		e.Payload = append(e.Payload, f)
	}
	return e
}

// tag makes a tag of the event with that number.
func tag(seq int, technique, level string, confidence float64) Tag {
	var t Tag
	t.Seq, t.TechniqueID, t.Tactic, t.Confidence = uint64(seq), technique, "TA0002", confidence
	t.Level, _ = ttpcron.ParseLevel(level)
	t.RuleID = fmt.Sprint("R", technique, level)
	t.Shown = t.Claim
	return t
}

// told is a source of given events and tags.
type told struct {
	events []*ttpcron.Event
	tags   []Tag
	asked  int   // how often for tags
	err    error // of the last event
}

func (s *told) Events(context.Context) iter.Seq2[*ttpcron.Event, error] {
	return func(yield func(*ttpcron.Event, error) bool) {
		var e ttpcron.Event // the same one each time, as a store does it
		for _, next := range s.events {
			if e = *next; !yield(&e, nil) {
				return
			}
		}
		if s.err != nil {
			yield(nil, s.err)
		}
	}
}

func (s *told) Tags(_ context.Context, w ttpcron.Window) iter.Seq2[*Tag, error] {
	s.asked++
	return func(yield func(*Tag, error) bool) {
		for i := range s.tags {
			at := start.Add(time.Duration(s.tags[i].Seq) * time.Second)
			if s.tags[i].Seq > 0 && len(s.events) > 0 {
				at = s.events[s.tags[i].Seq-1].Time
			}
			if w.Contains(at) && !yield(&s.tags[i], nil) {
				return
			}
		}
	}
}

// Each event gets its tags, wherever a page of events ends.
func TestEntries(t *testing.T) {
	for _, n := range []int{0, 1, pageEvents - 1, pageEvents, pageEvents + 1, 3 * pageEvents} {
		for _, sameInstant := range []bool{false, true} {
			s := &told{}
			for i := 1; i <= n; i++ {
				e := event(t, i, ttpcron.Command, "command_text", fmt.Sprint("id ", i))
				if sameInstant {
					e.Time = start
				}
				s.events = append(s.events, e)
				s.tags = append(s.tags, tag(i, "T1082", "low", 0.5), tag(i, "T1033", "high", 0.4), tag(i, "T1059", "high", 0.9))
			}
			slices.Reverse(s.tags)
			i := 0
			for e, err := range Entries(t.Context(), s) {
				if err != nil {
					t.Fatal(err)
				}
				i++
				var names []string
				for k := range e.Tags {
					names = append(names, e.Tags[k].TechniqueID)
				}
				if int(e.Event.Seq) != i || e.Event.Telling() != fmt.Sprint("id ", i) || strings.Join(names, " ") != "T1059 T1033 T1082" {
					t.Fatalf("%d events, same instant %v: event %d at place %d with %v", n, sameInstant, e.Event.Seq, i, names)
				}
			}
			if i != n || s.asked > n/pageEvents+1 {
				t.Errorf("%d events of %d, tags were asked for %d times", i, n, s.asked)
			}
		}
	}
}

// The source's error is passed on, and a caller may stop early.
func TestEntriesEndEarly(t *testing.T) {
	broken := errors.New("broken")
	s := &told{err: broken}
	for i := 1; i <= pageEvents+10; i++ {
		s.events = append(s.events, event(t, i, ttpcron.Command, "command_text", "id"))
	}
	var got error
	n := 0
	for _, err := range Entries(t.Context(), s) {
		if got = err; err == nil {
			n++
		}
	}
	if !errors.Is(got, broken) || n != pageEvents {
		t.Errorf("%d entries, then %v", n, got)
	}
	n = 0
	for range Entries(t.Context(), s) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d entries after a stop at 3", n)
	}
}

func TestTell(t *testing.T) {
	for _, c := range []struct {
		kind    ttpcron.SourceKind
		payload []any
		want    Telling
	}{
		{ttpcron.Command, []any{"command_text", "uname -a"}, Telling{What: Typed, Text: "uname -a"}},
		{ttpcron.Stdin, []any{"input_text", "yes", "program", "passwd"}, Telling{What: Input, Text: "(passwd) yes"}},
		{ttpcron.AuthAttempt, []any{"username", "root", "password", "hunter2", "success", true}, Telling{What: Login, Text: "root/hunter2", Outcome: Worked}},
		{ttpcron.AuthAttempt, []any{"username", "root", "password", "hunter2", "success", false}, Telling{What: Login, Text: "root/hunter2", Outcome: Failed}},
		{ttpcron.AuthAttempt, []any{"username", "root", "password", "hunter2"}, Telling{What: Login, Text: "root/hunter2"}},
		{ttpcron.AuthAttempt, []any{"username", "root", "password", "hunter2", "success", "perhaps"}, Telling{What: Login, Text: "root/hunter2"}},
		{ttpcron.FileTransfer, []any{"url", "http://192.0.2.1/x", "method", "download", "sha256", "ab"}, Telling{What: Fetched, Text: "http://192.0.2.1/x", Details: []Detail{{"sha256", "ab"}}}},
		{ttpcron.FileTransfer, []any{"filename", "/root/x", "method", "download", "sha256", "ab"}, Telling{What: Wrote, Text: "/root/x", Details: []Detail{{"sha256", "ab"}}}},
		{ttpcron.FileTransfer, []any{"filename", "/root/x", "method", "download", "failed", true}, Telling{What: Fetched, Text: "/root/x", Outcome: Failed}},
		{ttpcron.FileTransfer, []any{"filename", "/root/x", "sha256", "ab"}, Telling{What: Fetched, Text: "/root/x", Details: []Detail{{"sha256", "ab"}}}},
		{ttpcron.FileTransfer, []any{"filename", "x.sh", "method", "upload", "sha256", "ab"}, Telling{What: Uploaded, Text: "x.sh", Details: []Detail{{"sha256", "ab"}}}},
		{ttpcron.FileTransfer, []any{"filename", "x.sh", "direction", "out", "method", "download"}, Telling{What: Sent, Text: "x.sh"}},
		{ttpcron.FileTransfer, []any{"url", "http://192.0.2.1/x", "method", "download", "failed", true}, Telling{What: Fetched, Text: "http://192.0.2.1/x", Outcome: Failed}},
		{ttpcron.HTTPRequest, []any{"raw_url", "/x?y", "method", "GET", "user_agent", "curl"}, Telling{What: Web, Text: "GET /x?y", Details: []Detail{{"agent", "curl"}}}},
		{ttpcron.SessionFact, []any{"fact", "closed", "duration_ms", 1500}, Telling{What: Closed, Details: []Detail{{"after", "1.5s"}}}},
		{ttpcron.SessionFact, []any{"fact", "kex", "hassh", "ab"}, Telling{What: Fact, Text: "hassh ab"}},
		{ttpcron.SessionFact, []any{"fact", "var", "name", "LANG", "value", "C"}, Telling{What: Fact, Text: "var LANG=C"}},
		{ttpcron.SessionFact, []any{"fact", "opened", "src_port", 4242, "dst_ip", "192.0.2.2", "dst_port", 22}, Telling{What: Connected, Details: []Detail{{"from port", "4242"}, {"to", "192.0.2.2 port 22"}}}},
		{ttpcron.HTTPRequest, []any{"method", "POST", "body", "x=1", "host", "decoy.example", "dst_port", 8080}, Telling{What: Web, Text: "POST", Details: []Detail{{"host", "decoy.example"}, {"to", "port 8080"}, {"body", "x=1"}}}},
		{ttpcron.HTTPRequest, []any{"status", 408}, Telling{What: Web, Text: "status 408", Details: []Detail{{"status", "408"}}}},
		{ttpcron.CanaryFingerprint, []any{"token_kind", "pdf", "request_path", "/t/1"}, Telling{What: Triggered, Text: "pdf, /t/1"}},
		{ttpcron.CanaryFingerprint, []any{"memo", "payroll", "token_kind", "ms_excel", "token_uuid", "k1", "user_agent", "curl/8", "request_path", "/t/1", "placement_path", "/srv/p.xlsx", "channel", "http"}, Telling{What: Triggered, Text: "payroll, curl/8",
			Details: []Detail{{"kind", "ms_excel"}, {"placed at", "/srv/p.xlsx"}, {"token", "k1"}, {"path", "/t/1"}, {"channel", "http"}}}},
		{ttpcron.CanaryFingerprint, []any{"memo", "key", "token_kind", "dns", "dns_qname", "x.example.net"}, Telling{What: Triggered, Text: "key, x.example.net", Details: []Detail{{"kind", "dns"}}}},
		{ttpcron.ServiceRequest, []any{"service", "redis", "request_text", "INFO", "dst_ip", "192.0.2.2", "dst_port", "6379"}, Telling{What: Requested, Text: "INFO", Details: []Detail{{"service", "redis"}, {"to", "192.0.2.2 port 6379"}}}},
		{ttpcron.ServiceRequest, []any{"service", "telnet", "user", "-f root", "dst_port", -1}, Telling{What: Requested, Text: "telnet -f root", Details: []Detail{{"service", "telnet"}, {"user", "-f root"}}}},
		{ttpcron.Scan, []any{"scan", "port", "dst_port", "1723", "ports", "22, 1723"}, Telling{What: Scanned, Text: "port", Details: []Detail{{"to", "port 1723"}, {"ports", "22, 1723"}}}},
		{ttpcron.Alert, []any{"signature", "ET SCAN", "signature_id", 7, "category", "Misc", "severity", 2, "protocol", "tcp", "dst_port", 22}, Telling{What: Alerted, Text: "ET SCAN",
			Details: []Detail{{"category", "Misc"}, {"severity", "2"}, {"signature id", "7"}, {"protocol", "tcp"}, {"to", "port 22"}}}},
	} {
		e := event(t, 1, c.kind, c.payload...)
		got := Tell(e)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %v\n got %+v\nwant %+v", c.kind, c.payload, got, c.want)
		}
	}
}

// A session that says it lasted for ever, or less than nothing, is not believed.
func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "12.5": 12500 * time.Microsecond, "-1": -1, "1e300": -1, "NaN": -1, "x": -1, "": -1} {
		got, ok := Duration(event(t, 1, ttpcron.SessionFact, "duration_ms", text))
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
}

func TestSession(t *testing.T) {
	var s Session
	for i, e := range []*ttpcron.Event{
		event(t, 1, ttpcron.SessionFact, "fact", "opened", "protocol", "ssh"),
		event(t, 2, ttpcron.SessionFact, "fact", "client", "client_version", "SSH-2.0-Go"),
		event(t, 3, ttpcron.AuthAttempt, "username", "root", "password", "a", "success", false),
		event(t, 4, ttpcron.AuthAttempt, "username", "root", "password", "b", "success", true),
		event(t, 5, ttpcron.AuthAttempt, "username", "root", "password", "c", "success", true),
		event(t, 6, ttpcron.Command, "command_text", "id"),
		event(t, 7, ttpcron.Command, "command_text", "id"),
		event(t, 8, ttpcron.FileTransfer, "url", "http://192.0.2.1/x", "method", "download"),
		event(t, 9, ttpcron.SessionFact, "fact", "closed", "duration_ms", 9000),
	} {
		if i == 0 {
			e.AttackerIP = "" // an address that comes later is taken
		}
		s.Add(e, ttpcron.Networks{})
	}
	if s.ID != "s1" || s.Sensor != "hp-1" || s.Attacker.Name() != "203.0.113.7" || s.Events != 9 || s.Protocol != "ssh" {
		t.Errorf("%+v", s)
	}
	if l := s.Logins; l.Tried != 3 || l.Failed != 1 || l.Worked != 2 || l.Before != 1 || l.Successes[0].Text != "root/b" {
		t.Errorf("logins: %+v", l)
	}
	if s.Kinds[ttpcron.Command] != 2 || s.Kinds[ttpcron.FileTransfer] != 1 || s.Clients.Texts[0] != "SSH-2.0-Go" {
		t.Errorf("%+v %+v", s.Kinds, s.Clients)
	}
	if s.Opened != start.Add(time.Second) || s.Closed != start.Add(9*time.Second) || s.Lasted != 9*time.Second || s.First != s.Opened || s.Last != s.Closed {
		t.Errorf("%v %v %v", s.Opened, s.Closed, s.Lasted)
	}
}

// However much an attacker does, the head of the story keeps its size.
func TestHeadsAreBounded(t *testing.T) {
	var s Session
	var a Attacker
	long := strings.Repeat("x", 1<<16)
	for i := range 5000 {
		for _, e := range []*ttpcron.Event{
			event(t, i, ttpcron.Command, "command_text", fmt.Sprint(i, long)),
			event(t, i, ttpcron.AuthAttempt, "username", long, "password", fmt.Sprint(i), "success", true),
			event(t, i, ttpcron.SourceKind(fmt.Sprint("kind", i))),
		} {
			e.DeckyID = fmt.Sprint("sensor", i)
			e.AttackerIP = fmt.Sprint("name", i)
			s.Add(e, ttpcron.Networks{})
			a.Add(e, ttpcron.Networks{})
		}
		g := tag(i, fmt.Sprint("T", 1000+i), "low", 0.5)
		s.Tags.Add(&g)
	}
	if s.Events != 15000 || s.Kinds[ttpcron.Command] != 5000 || len(s.Kinds) > maxCounted+2 || s.Logins.Worked != 5000 || len(s.Logins.Successes) != maxListed || len(s.Logins.Tries) != maxTries {
		t.Errorf("%d events, %d kinds, %+v", s.Events, len(s.Kinds), len(s.Logins.Tries))
	}
	if text := s.Logins.Tries[0].Text; len(text) > maxKeptBytes+16 {
		t.Errorf("%d bytes are kept of a text", len(text))
	}
	if s.Tags.N != 5000 || len(s.Tags.Counts) != 4*maxCounted {
		t.Errorf("%d tags, %d techniques", s.Tags.N, len(s.Tags.Counts))
	}
	if a.Names.N != 15000 || len(a.Names.Texts) != maxListed || len(a.Sensors.Texts) != maxListed || len(a.Sessions) != 5000 {
		t.Errorf("%d names, %d sessions", a.Names.N, len(a.Sessions))
	}
}

// Adjacent sessions without a login are one line.
func TestAttackerRows(t *testing.T) {
	var a Attacker
	quiet := func(session, sensor string, success bool) {
		e := event(t, 1, ttpcron.AuthAttempt, "username", "root", "password", "x", "success", success)
		e.SessionID, e.DeckyID = session, sensor
		a.Add(e, ttpcron.Networks{})
	}
	quiet("a", "hp-1", false)
	quiet("b", "hp-1", false)
	quiet("b", "hp-2", false) // another session, of the same id
	quiet("c", "hp-1", true)
	typed := event(t, 1, ttpcron.Command, "command_text", "id")
	typed.SessionID = "d"
	a.Add(typed, ttpcron.Networks{})
	quiet("d", "hp-1", false)
	quiet("e", "hp-1", false)
	var sizes []int
	for _, row := range a.Rows() {
		sizes = append(sizes, len(row))
	}
	if !slices.Equal(sizes, []int{3, 1, 1, 1}) {
		t.Errorf("rows of %v sessions", sizes)
	}
	if r := a.Sessions[4]; r.Key() != a.Key("hp-1", "d") || r.Events != 2 || r.Tries != 1 || r.Quiet {
		t.Errorf("%+v", r)
	}
}

// Events without a session are visits: an attacker who was away from a sensor for long comes
// back.
func TestAttackerVisits(t *testing.T) {
	var a Attacker
	add := func(after time.Duration, sensor, session string) {
		e := event(t, 1, ttpcron.HTTPRequest, "raw_url", "/")
		e.Time, e.DeckyID, e.SessionID = start.Add(after), sensor, session
		a.Add(e, ttpcron.Networks{})
	}
	add(0, "web-1", "")
	add(30*time.Minute, "web-2", "")
	add(VisitGap, "web-1", "")               // the same visit, since it began
	add(VisitGap+time.Minute, "", "")        // of no sensor that is named
	add(2*VisitGap+time.Second, "web-1", "") // another
	add(300*VisitGap, "web-2", "s")          // sessions may last
	add(900*VisitGap, "web-2", "s")
	add(900*VisitGap-time.Minute, "web-1", "") // late, as where the order is approximate
	add(900*VisitGap-2*time.Minute, "web-1", "")
	if a.Visits() != 5 || a.Named != 1 || a.Unnamed != 7 || len(a.Rows()) != 6 {
		t.Fatalf("%d visits, %d sessions, %d events without one, %d rows", a.Visits(), a.Named, a.Unnamed, len(a.Rows()))
	}
	last := a.Sessions[5]
	if first := a.Sessions[0]; first.Events != 2 || first.Last != start.Add(VisitGap) || first.Key() != last.Key() || !first.Has(start) || first.Has(start.Add(2*VisitGap)) {
		t.Errorf("first visit: %+v", first)
	}
	if last.First != start.Add(900*VisitGap-2*time.Minute) || last.Events != 2 || !last.Has(last.First) || !last.Has(last.Last) {
		t.Errorf("last visit: %+v", last)
	}
	if s := a.Sessions[4]; s.Unnamed || s.Events != 2 || !s.Has(start) {
		t.Errorf("session: %+v", s)
	}
}

func TestAgreements(t *testing.T) {
	tags := []Tag{tag(1, "T1059", "high", 0.5), tag(1, "T1059", "low", 0.9), tag(1, "T1082", "low", 0.4), tag(1, "T1059", "medium", 0.7)}
	all := Agreements(tags)
	if len(all) != 2 || all[0].TechniqueID != "T1059" || all[0].Others != 2 || all[0].Confidence != 0.5 || all[0].Level.String() != "high" || all[1].Others != 0 {
		t.Errorf("%+v", all)
	}
	if tags[0].Confidence != 0.5 || tags[1].Level.String() != "low" {
		t.Errorf("the tags themselves were changed")
	}
}

// Findings, and tags whose events are gone, are separate from tags of events.
func TestLoose(t *testing.T) {
	s := &told{tags: []Tag{tag(1, "T1059", "low", 0.5), tag(0, "T1110", "high", 0.9), tag(2, "T1082", "low", 0.4)}}
	var names []string
	for g, err := range Loose(t.Context(), s, ttpcron.Window{}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, g.TechniqueID)
	}
	if !slices.Equal(names, []string{"T1110"}) {
		t.Errorf("%v", names)
	}
}
