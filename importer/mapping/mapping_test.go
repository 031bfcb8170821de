package mapping

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// parse reads a description in TOML.
func parse(t testing.TB, text string) (*Mapping, []*Error) {
	t.Helper()
	var table map[string]any
	if err := toml.Unmarshal([]byte(text), &table); err != nil {
		t.Fatal(err)
	}
	return Parse("test", table)
}

// must is parse of a description without faults.
func must(t testing.TB, text string) *Mapping {
	t.Helper()
	m, faults := parse(t, text)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return m
}

type room struct{}

func (room) Text(b []byte) string         { return string(b) }
func (room) Raw(b []byte) []byte          { return append([]byte(nil), b...) }
func (room) Fields(n int) ttpcron.Payload { return make(ttpcron.Payload, n) }

// plainTime reads RFC 3339 and whole seconds since 1970.
func plainTime(v jsontext.Value) (time.Time, bool) {
	if s, ok := v.Text(); ok {
		t, err := time.Parse(time.RFC3339, s)
		return t.UTC(), err == nil
	}
	var n int64
	err := json.Unmarshal(v.Raw(), &n)
	return time.Unix(n, 0).UTC(), err == nil && n > 0
}

var source = Source{
	Time: plainTime, Host: "web-1", Number: func(e *ttpcron.Event) { e.Ordinal = 7 },
	Address: func(s string) string {
		if a, err := netip.ParseAddr(s); err == nil {
			return a.Unmap().String()
		}
		return s
	},
}

// tell reads a record, and writes its events one a line.
func tell(r *Reader, record string) string {
	var all []string
	ignored, err := r.Read([]byte(record), room{}, func(e *ttpcron.Event) {
		payload, _ := json.Marshal(e.Payload)
		all = append(all, fmt.Sprintf("%s %s %s|%s|%s|%s %s", e.Kind, e.Time.Format("15:04:05"), e.AttackerIP, e.SessionID, e.DeckyID, e.ID, payload))
	})
	switch {
	case err != nil:
		return "error: " + err.Error()
	case len(all) == 0:
		return "ignored: " + string(ignored)
	}
	return strings.Join(all, "\n")
}

const head = `
recognised-by = { t = true }
type = "what"
time = "t"
address = "ip"
[[event]]
`

func TestValues(t *testing.T) {
	for _, tt := range []struct{ name, event, record, want string }{
		{"text", `kind = "command"
payload.command_text = "c"`, `{"t":1,"ip":"203.0.113.7","c":"id\u0000\n"}`, `command 00:00:01 203.0.113.7||| {"command_text":"id\u0000\n"}`},
		{"numbers and words", `kind = "x"
payload = { a = "a", b = "b", c = "c", d = "d" }`, `{"t":1,"ip":"203.0.113.7","a":22,"b":true,"c":1.50,"d":{"y":1, "x":[ ]}}`, `x 00:00:01 203.0.113.7||| {"a":22,"b":true,"c":1.50,"d":{"y":1,"x":[]}}`},
		{"null is missing", `kind = "x"
payload = { a = "a", b = ["b", "c"] }`, `{"t":1,"ip":"203.0.113.7","a":null,"b":null,"c":"y"}`, `x 00:00:01 203.0.113.7||| {"b":"y"}`},
		{"paths", `kind = "x"
payload = { a = "h.u.x", b = "id.orig_h" }`, `{"t":1,"ip":"203.0.113.7","h":{"u":{"x":"deep"}},"id.orig_h":"literal"}`, `x 00:00:01 203.0.113.7||| {"a":"deep","b":"literal"}`},
		{"dots within", `kind = "x"
payload = { a = "f.proc.name", b = "f.proc.id", c = "f.user.name" }`, `{"t":1,"ip":"203.0.113.7","f":{"proc.name":"x","proc":{"id":7},"user.name":{"no":1},"user":{"name":"y"}}}`, `x 00:00:01 203.0.113.7||| {"a":"x","b":7,"c":"y"}`},
		{"pairs", `kind = "x"
payload = { a = "h.Host", b = "g.Host" }`, `{"t":1,"ip":"203.0.113.7","h":[["Host","a"],["X"],["Y",1,2]],"g":[{"name":"Host","value":"b"},7,{"value":1}]}`, `x 00:00:01 203.0.113.7||| {"a":"a","b":"b"}`},
		{"ports", `kind = "x"
address = "peer"
payload = { h = { from = "peer", part = "host" }, p = { from = "peer", part = "port" } }`, `{"t":1,"peer":"[::ffff:203.0.113.7]:22"}`, `x 00:00:01 203.0.113.7||| {"h":"::ffff:203.0.113.7","p":"22"}`},
		{"no port", `kind = "x"
address = "peer"
payload = { p = { from = "peer", part = "port" } }`, `{"t":1,"peer":"2001:db8::7"}`, `x 00:00:01 2001:db8::7||| {}`},
		{"decoding", `kind = "x"
payload = { a = { from = "a", decode = "base64" }, b = { from = "b", decode = "hex" }, c = { from = "c", decode = "base64" } }`, `{"t":1,"ip":"203.0.113.7","a":"aWQK","b":"69 64","c":"~"}`, `x 00:00:01 203.0.113.7||| {"a":"id\n","b":"id","c":"~"}`},
		{"matching", `kind = "x"
address = { from = "m", match = '^\((.*?):\d+\)' }
payload = { a = { from = "m", match = '\): (\w+)', lower = true }, b = { from = "m", match = '\w+$' }, c = { from = "m", match = 'x(y)', default = "z" }, d = { from = "m", match = 'PO|(x)' }, e = { from = "n", match = '"q":(\d)' } }`,
			`{"t":1,"m":"(2001:db8::7:22): POST /a","n":{ "q" : 7 }}`, `x 00:00:01 2001:db8::7||| {"a":"post","b":"a","c":"z","e":"7"}`},
		{"each with a time of its own", `kind = "command"
each = "list"
time = "at"
payload = { command_text = "c", n = "n" }`, `{"t":1,"at":2,"ip":"203.0.113.7","list":[{"at":5,"c":"id","n":3},{"c":"ls"}]}`, "command 00:00:05 203.0.113.7||| {\"command_text\":\"id\",\"n\":3}\ncommand 00:00:02 203.0.113.7||| {\"command_text\":\"ls\"}"},
		{"changes", `kind = "auth_attempt"
payload = { success = { from = "s", map = { ok = true, no = false } }, service = { from = "v", lower = true, cut-suffix = "_server" }, username = { from = "u", default = "" }, method = { from = "m", cut-prefix = "auth:", map = { pw = "password" }, default = "other" } }`,
			`{"t":1,"ip":"203.0.113.7","s":"no","v":"SSH_server","m":"auth:pw"}`, `auth_attempt 00:00:01 203.0.113.7||| {"method":"password","service":"ssh","success":false,"username":""}`},
		{"constants", `kind = "x"
payload = { a = { value = "x" }, b = { value = 22 }, c = { value = true }, d = { join = ["p", "none", "q"] } }`, `{"t":1,"ip":"203.0.113.7","p":"ls","q":"-l"}`, `x 00:00:01 203.0.113.7||| {"a":"x","b":22,"c":true,"d":"ls -l"}`},
		{"each", `kind = "auth_attempt"
each = "list"
time = ["at", "t"]
payload = { username = "u", password = "p", service = "s" }`, `{"t":1,"ip":"203.0.113.7","s":"ftp","list":[{"u":"a","p":"b","at":5},7,{"u":"c","p":null,"s":"own"}]}`,
			"auth_attempt 00:00:05 203.0.113.7||| {\"password\":\"b\",\"service\":\"ftp\",\"username\":\"a\"}\nauth_attempt 00:00:01 203.0.113.7||| {\"service\":\"own\",\"username\":\"c\"}"},
		{"each of plain values", `kind = "command"
each = "list"
payload.command_text = "."`, `{"t":1,"ip":"203.0.113.7","list":["id","",null,"ls"]}`, "command 00:00:01 203.0.113.7||| {\"command_text\":\"id\"}\ncommand 00:00:01 203.0.113.7||| {\"command_text\":\"ls\"}"},
		{"each of columns", `kind = "auth_attempt"
each = "list"
payload = { username = "u", password = "p" }`, `{"t":1,"ip":"203.0.113.7","list":{"u":["a","b"],"p":["x"],"other":[1,2,3]}}`, "auth_attempt 00:00:01 203.0.113.7||| {\"password\":\"x\",\"username\":\"a\"}\nauth_attempt 00:00:01 203.0.113.7||| {\"username\":\"b\"}"},
		{"each of no list", `kind = "command"
each = "list"
payload.command_text = "."`, `{"t":1,"ip":"203.0.113.7","list":"id","what":"odd"}`, "ignored: odd"},
		{"conditions", `kind = "command"
when = { what = ["cmd.*", "x"], n = 5, no = false }
unless = { c = "exit" }
payload.command_text = "c"`, `{"t":1,"ip":"203.0.113.7","what":"cmd.input","n":5,"c":"id"}`, `command 00:00:01 203.0.113.7||| {"command_text":"id"}`},
		{"unless", `kind = "command"
unless = { c = "exit" }
payload.command_text = "c"`, `{"t":1,"ip":"203.0.113.7","what":"cmd.input","c":"exit"}`, `ignored: cmd.input`},
		{"what follows", `kind = "payload"
payload = { url = "u", filename = "f" }`, `{"t":1,"ip":"203.0.113.7","u":"http://198.51.100.9/a","f":"a"}`, `payload 00:00:01 203.0.113.7||| {"filename":"a","payload_text":"http://198.51.100.9/a a","url":"http://198.51.100.9/a"}`},
		{"destination", `kind = "tunnel"
payload = { dst_ip = "d", dst_port = "p" }`, `{"t":1,"ip":"203.0.113.7","d":"2001:db8::1","p":443}`, `tunnel 00:00:01 203.0.113.7||| {"destination":"[2001:db8::1]:443","dst_ip":"2001:db8::1","dst_port":443}`},
		{"nothing said", `kind = "command"
payload.command_text = "c"`, `{"t":1,"ip":"203.0.113.7"}`, "ignored: (other)"},
		{"no time", `kind = "command"
time = ["at", "when"]
payload.command_text = "c"`, `{"t":1,"ip":"203.0.113.7","c":"id"}`, "error: at is missing"},
		{"bad time", `kind = "command"
payload.command_text = "c"`, `{"t":"soon","ip":"203.0.113.7","c":"id"}`, `error: t "soon" is not a time`},
		{"foreign", `kind = "command"
payload.command_text = "c"`, `{"ip":"203.0.113.7","c":"id"}`, "error: not a record of this format"},
		{"damaged", `kind = "command"
payload.command_text = "c"`, `{"t":1,"ip":"203.0.113.7","c":"id"`, "error: JSON ends too early"},
		{"format and zone", `kind = "command"
time = { from = "t", format = ["%Y/%m/%d %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z"], zone = "Europe/Berlin" }
payload.command_text = "c"`, `{"t":"2026/07/01 12:00:00.5","ip":"203.0.113.7","c":"id"}`, `command 10:00:00 203.0.113.7||| {"command_text":"id"}`},
		{"format with its zone", `kind = "command"
time = { from = "t", format = ["%Y/%m/%d %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z"], zone = "Europe/Berlin" }
payload.command_text = "c"`, `{"t":"01/Jul/2026:12:00:00 +0000","ip":"203.0.113.7","c":"id"}`, `command 12:00:00 203.0.113.7||| {"command_text":"id"}`},
		{"zone alone", `kind = "command"
time = { from = "t", zone = "Europe/Berlin" }
payload.command_text = "c"`, `{"t":"2026-07-01 12:00:00","ip":"203.0.113.7","c":"id"}`, `command 10:00:00 203.0.113.7||| {"command_text":"id"}`},
		{"zone that is said", `kind = "command"
time = { from = "t", zone = "Europe/Berlin" }
payload.command_text = "c"`, `{"t":"2026-07-01T12:00:00Z","ip":"203.0.113.7","c":"id"}`, `command 12:00:00 203.0.113.7||| {"command_text":"id"}`},
		{"its own members", `kind = "command"
session = "s"
sensor = { value = "pot" }
id = "id"
payload.command_text = "c"`, `{"t":1,"ip":"203.0.113.7","c":"id","s":42,"id":"x-1"}`, `command 00:00:01 203.0.113.7|42|pot|x-1 {"command_text":"id"}`},
	} {
		if got := tell(must(t, head+tt.event).NewReader(source), tt.record); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// A record without an address has that of its session.
func TestSessionAddress(t *testing.T) {
	m := must(t, head+"kind = \"session\"\nsession = \"s\"\npayload.fact = \"f\"")
	r := m.NewReader(source)
	if got := tell(r, `{"t":1,"ip":"203.0.113.7","s":"a","f":"opened"}`); !strings.Contains(got, "203.0.113.7|a") {
		t.Error(got)
	}
	if got := tell(r, `{"t":2,"s":"a","f":"closed"}`); !strings.Contains(got, "203.0.113.7|a") {
		t.Error(got)
	}
	next := m.NewReader(source)
	if got := tell(next, `{"t":2,"s":"a","f":"closed"}`); !strings.Contains(got, " |a|") {
		t.Error(got)
	}
	next.Continue(r)
	if got := tell(next, `{"t":2,"s":"a","f":"closed"}`); !strings.Contains(got, "203.0.113.7|a") {
		t.Error(got)
	}
}

// A log of a host names its host, or the input does.
func TestHost(t *testing.T) {
	m := must(t, "vantage = \"host\"\nwhole-seconds = true\nsensor = \"node\"\n"+head+"kind = \"command\"\npayload.command_text = \"c\"")
	var got []ttpcron.Event
	r := m.NewReader(source)
	for _, record := range []string{`{"t":1,"c":"id","node":"db-1"}`, `{"t":1,"c":"id"}`, `{"t":1,"c":"id","ip":"203.0.113.7"}`} {
		if _, err := r.Read([]byte(record), room{}, func(e *ttpcron.Event) { got = append(got, *e) }); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []struct{ host, identity, address string }{{"db-1", ttpcron.HostIdentity("db-1"), ""}, {"web-1", ttpcron.HostIdentity("web-1"), ""}, {"web-1", "", "203.0.113.7"}} {
		if e := got[i]; e.DeckyID != want.host || e.IdentityUUID != want.identity || e.AttackerIP != want.address || e.Vantage != ttpcron.VantageHost || e.Ordinal != 7 {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	nobody := source
	nobody.Host = ""
	if got := tell(m.NewReader(nobody), `{"t":1,"c":"id"}`); got != `error: the record does not name its host: set host = "…" for the input` {
		t.Error(got)
	}
}

func TestRecognises(t *testing.T) {
	m := must(t, `recognised-by = { eventid = "adb.*", ip = true, error = false, "a.b" = [1, "x"] }
time = "t"
[[event]]
kind = "x"
payload = {}`)
	for record, want := range map[string]bool{
		`{"eventid":"adb.in","ip":"x","a":{"b":1}}`:             true,
		`{"a":{"b":"x"},"ip":"x","eventid":"adb.in"}`:           true,
		`{"a.b":"x","ip":"x","eventid":"adb."}`:                 true,
		`{"a":{"b":1},"ip":"x","eventid":"adb.in","cut":"of`:    true,
		`{"a":{"b":1},"ip":"x","eventid":"adb.in","error":"y"}`: false,
		`{"a":{"b":2},"ip":"x","eventid":"adb.in"}`:             false,
		`{"a":{"b":1},"ip":null,"eventid":"adb.in"}`:            false,
		`{"a":{"b":1},"ip":"x","eventid":"cowrie.in"}`:          false,
		`{"a":{"b":1},"x":"\"ip\"","eventid":"adb.in"}`:         false,
		`["eventid","ip","a"]`:                                  false,
		``:                                                      false,
	} {
		if got := m.Recognises([]byte(record)); got != want {
			t.Errorf("%s: %t", record, got)
		}
	}
}

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*a", "ba", true}, {"*a", "ab", false}, {"*", "", true},
		{"a*b*c", "a1b2c", true}, {"a*b*c", "ac", false}, {"ab*ba", "aba", false}, {"*x*", "axb", true}, {"*x*", "ab", false},
	} {
		if got := newPattern(tt.pattern).matches([]byte(tt.text)); got != tt.want {
			t.Errorf("%q in %q: %t", tt.pattern, tt.text, got)
		}
	}
}

// Every mistake is named with its key.
func TestFaults(t *testing.T) {
	const good = "recognised-by = { t = true }\ntime = \"t\"\n[[event]]\nkind = \"x\"\npayload = {}\n"
	for text, want := range map[string]string{
		"":                                 "recognised-by: names no member that a record must have, such as recognised-by = { eventid = \"adbhoney.*\" }",
		"recognised-by = { t = false }":    "recognised-by: names no member that a record must have, such as recognised-by = { eventid = \"adbhoney.*\" }",
		"recognised-by = \"t\"":            "recognised-by: is not a table of members and what they must say",
		"colour = \"red\"\n" + good:        "colour: is not known; known are title, version, vantage, recognised-by, type, richer, richer-lacks, whole-seconds, with-text, payload, event, time, address, session, sensor, id",
		"vantage = \"moon\"\n" + good:      "vantage: is neither honeypot nor host",
		"version = 0\n" + good:             "version: is not a number from 1 to 999",
		"title = 7\n" + good:               "title: is not a text in quotes",
		"title = \"a\\u001b[2J\"\n" + good: "title: is not one line of up to 200 bytes without control characters",
		"title = \"a\\nb\"\n" + good:       "title: is not one line of up to 200 bytes without control characters",
		"title = \"" + strings.Repeat("a", 201) + "\"\n" + good:     "title: is not one line of up to 200 bytes without control characters",
		good + "address = \"a\\u009bb\"":                            `event[1].address: "a\u009bb" is not the name of a member, or has more than 8 dots`,
		good + "session = { from = \"a\", match = \"(a?){1000}\" }": "event[1].session.match: would take too long for a long text: it repeats too much, such as in {100}",
		"whole_seconds = 1\n" + good:                                "whole-seconds: is neither true nor false",
		"recognised-by = { t = true }":                              "event: is missing: each [[format.test.event]] says which records become events of which kind",
		good + "each = 1":                                           "event[1].each: is not a text in quotes",
		good + "when = { a = 1.5 }":                                 "event[1].when.a: is not a text, a number, a list of them, true or false",
		good + "when = { a = [] }":                                  "event[1].when.a: is an empty list",
		good + "session = []":                                       "event[1].session: is not the name of a member, and not a list of names",
		good + "session = { from = \"a\", value = \"b\" }":          "event[1].session: has to have one of from, join and value",
		good + "session = { value = \"b\", lower = true }":          "event[1].session: only what comes from a member can be changed",
		good + "session = { from = \"a\", decode = \"rot13\" }":     "event[1].session.decode: is \"rot13\", want base64 or hex",
		good + "session = { from = \"a\", match = \"(\" }":          "event[1].session.match: error parsing regexp: missing closing ): `(`",
		good + "session = { value = \"a\", match = \"b\" }":         "event[1].session: only what comes from a member can be changed",
		"with-text = 1\n" + good:                                    "with-text: is neither true nor false",
		good + "session = { from = \"a\", map = { b = 1.5 } }":      "event[1].session.map.b: is not a text, a whole number, true or false",
		good + "session = \".\"":                                    "event[1].session: \".\" is an element of a list, and there is no each",
		good + "time = { from = \"t\", zone = \"Nowhere\" }":        "event[1].time.zone: \"Nowhere\" is not a time zone; want a name such as Europe/Berlin, or \"input\"",
		good + "time = { from = \"t\", format = \"%H:%M\" }":        "event[1].time.format: \"%H:%M\" has no year",
		good + "address = \"a.b.c.d.e.f.g.h.i.j\"":                  "event[1].address: \"a.b.c.d.e.f.g.h.i.j\" is not the name of a member, or has more than 8 dots",
		strings.Replace(good, "\"x\"", "\"a b\"", 1):                "event[1].kind: \"a b\" is not a kind of event, such as command or auth_attempt",
		strings.Replace(good, "\"x\"", "\"comand\"", 1):             "event[1].kind: \"comand\" is not a kind that ttpcron knows; did you mean command?",
		strings.Replace(good, "\"x\"", "\"canary\"", 1):             "event[1].kind: \"canary\" is not a kind that ttpcron knows; did you mean canary_fingerprint?",
		strings.Replace(good, "payload = {}", "", 1):                "event[1].payload: is not a table of fields",
		strings.Replace(good, "{}\n", "{ \"a-b\" = \"c\" }\n", 1):   "event[1].payload.a-b: is not a name of letters, digits and _",
		strings.Replace(good, "time = \"t\"\n", "", 1):              "event[1].time: is missing, here and in the format",
	} {
		_, faults := parse(t, text)
		found := false
		for _, f := range faults {
			found = found || f.Error() == want
		}
		if !found {
			t.Errorf("%q: %v, want %q", text, faults, want)
		}
	}
	if _, faults := Parse("A b", map[string]any{}); len(faults) == 0 || !strings.HasPrefix(faults[0].Error(), `the name "A b" is not 2 to 32 small letters`) {
		t.Errorf("a name: %v", faults)
	}
	var many strings.Builder
	many.WriteString("recognised-by = { t = true }\ntime = \"t\"\n")
	for range maxEventTables + 1 {
		many.WriteString("[[event]]\nkind = \"x\"\npayload = {}\n")
	}
	if _, faults := parse(t, many.String()); len(faults) != 1 || faults[0].Key != "event" {
		t.Errorf("many events: %v", faults)
	}
}

// What a condition compares with is quoted if it cannot be shown as it is.
func TestConditionsAreShown(t *testing.T) {
	m := must(t, "recognised-by = { t = true }\ntime = \"t\"\n[[event]]\nkind = \"x\"\npayload = {}\nwhen = { a = \"\\u001b[2J\", b = [\"x\", \"\\u202e\"] }")
	if got, want := m.Kinds()[0].When, `a = "\x1b[2J", b = x or "\u202e"`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A list that is longer than the bound is an error, whatever it has.
func TestTooMany(t *testing.T) {
	m := must(t, head+"kind = \"command\"\neach = \"list\"\npayload.command_text = \".\"")
	list := strings.Repeat(`"id",`, MaxEvents)
	if got := tell(m.NewReader(source), `{"t":1,"ip":"203.0.113.7","list":[`+list[:len(list)-1]+`]}`); strings.Count(got, "\n") != MaxEvents-1 {
		t.Errorf("%d lines", strings.Count(got, "\n")+1)
	}
	if got := tell(m.NewReader(source), `{"t":1,"ip":"203.0.113.7","list":[`+list+`"id"]}`); got != "error: the record gives more than 2048 events" {
		t.Errorf("one more: %.80s", got)
	}
}

// What the record says once may not be copied into each of its events without end.
func TestTooMuch(t *testing.T) {
	m := must(t, head+"kind = \"command\"\neach = \"list\"\npayload = { command_text = \".\", host = \"h\" }")
	list := strings.Repeat(`"id",`, MaxEvents-1) + `"id"`
	record := `{"t":1,"ip":"203.0.113.7","list":[` + list + `],"h":"` + strings.Repeat("a", maxGiven/MaxEvents-2)
	if got := tell(m.NewReader(source), record+`"}`); strings.Count(got, "\n") != MaxEvents-1 {
		t.Errorf("%.80s", got)
	}
	if got := tell(m.NewReader(source), record+`a"}`); got != "error: the record gives events of more than 16777216 bytes" {
		t.Errorf("%.80s", got)
	}
}

const everything = `
recognised-by = { t = true }
type = "what"
time = ["t", "u"]
address = ["ip", "peer"]
session = { from = "s", lower = true }
sensor = "n.s"
id = "id"
[[event]]
kind = "command"
when = { what = ["a*", "b"] }
payload = { command_text = { from = "c", decode = "base64" }, argv = "argv", user = "u.name" }
[[event]]
kind = "auth_attempt"
each = "list"
payload = { username = ["u", "."], password = "p", service = { from = "v", map = { a = "b" }, default = "x" }, port = { from = "peer", part = "port" } }
[[event]]
kind = "tunnel"
unless = { what = true }
payload = { dst_ip = { from = "h.Host", match = "^(a)|b$" }, dst_port = { from = "h.Port", decode = "hex" }, both = { join = ["c", "p"] } }
`

// FuzzRead: whatever a record holds, its events can be stored if they are valid, and a
// record that is no JSON gives none.
func FuzzRead(f *testing.F) {
	for _, record := range []string{
		`{"t":1,"ip":"203.0.113.7","what":"a","c":"aWQ=","argv":["a"],"u":{"name":"x"},"list":[{"u":"a","p":null},"b"]}`,
		`{"t":"2026-05-04T05:49:05Z","peer":"[2001:db8::7]:22","list":{"u":["a","b"],"p":["c"]},"h":[["Host","h"],["Port","32"]],"s":"S","n":{"s":"x"},"id":7}`,
		`{"t":1,"h":{"Host":"h"}}`, `{}`, `{"t":`, `[]`, "\x00",
	} {
		f.Add([]byte(record))
	}
	m := must(f, everything)
	f.Fuzz(func(t *testing.T, record []byte) {
		r := m.NewReader(source)
		var events []ttpcron.Event
		_, err := r.Read(record, room{}, func(e *ttpcron.Event) { events = append(events, *e) })
		if len(events) > MaxEvents+1 {
			t.Fatalf("%d events", len(events))
		}
		if err != nil {
			return
		}
		if !json.Valid(record) {
			t.Fatalf("%q is no JSON", record)
		}
		if !m.Recognises(record) && len(events) > 0 {
			t.Fatalf("%q is not recognised", record)
		}
		for i := range events {
			for j := 1; j < len(events[i].Payload); j++ {
				if events[i].Payload[j-1].Name >= events[i].Payload[j].Name {
					t.Fatalf("fields %v are not sorted", events[i].Payload)
				}
			}
			for _, field := range events[i].Payload {
				if field.Raw != nil && !json.Valid(field.Raw) {
					t.Fatalf("%s is %q", field.Name, field.Raw)
				}
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	record := []byte(`{"t":"2026-05-04T05:49:05Z","what":"a","ip":"203.0.113.7","s":"0123456789ab","n":{"s":"pot-1"},"c":"Y2QgL3RtcDsgd2dldCBodHRwOi8vMTk4LjUxLjEwMC45L2E=","other":{"x":[1,2,3],"y":"zzzzzzzzzzzzzzzzzzzzzzzz"},"argv":["cd","/tmp"]}`)
	r := must(b, everything).NewReader(source)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(record, room{}, func(*ttpcron.Event) {}); err != nil {
			b.Fatal(err)
		}
	}
}

// Only the last of several attempts has how the record ended.
func TestLast(t *testing.T) {
	m := must(t, head+`kind = "auth_attempt"
each = "list"
payload = { username = "u", success = { from = "ok", map = { Y = true, N = false }, last = true, default = false } }`)
	for record, want := range map[string]string{
		`{"t":1,"ip":"203.0.113.7","ok":"Y","list":[{"u":"a"},{"u":"b"}]}`: `{"success":false,"username":"a"} {"success":true,"username":"b"}`,
		`{"t":1,"ip":"203.0.113.7","ok":"Y","list":{"u":["a","b"]}}`:       `{"success":false,"username":"a"} {"success":true,"username":"b"}`,
		`{"t":1,"ip":"203.0.113.7","ok":"N","list":[{"u":"a"},{"u":"b"}]}`: `{"success":false,"username":"a"} {"success":false,"username":"b"}`,
		`{"t":1,"ip":"203.0.113.7","ok":"Y","list":[{"u":"a"}]}`:           `{"success":true,"username":"a"}`,
	} {
		var got []string
		for line := range strings.Lines(tell(m.NewReader(source), record)) {
			got = append(got, strings.TrimSpace(line[strings.IndexByte(line, '{'):]))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %s, want %s", record, text, want)
		}
	}
}

// What of a description does not fit the records is said.
func TestFindings(t *testing.T) {
	m := must(t, head+`kind = "command"
when = { what = "line" }
payload = { command_text = "c", user = "nobody.name" }
[[event]]
kind = "session"
when = { what = "conect" }
payload = { fact = { value = "opened" } }
[[event]]
kind = "auth_attempt"
each = "list"
payload = { username = "u", password = "p" }`)
	r := m.NewReader(source)
	r.Account()
	for _, record := range []string{
		`{"t":1,"ip":"203.0.113.7","what":"line","c":"id"}`, `{"t":1,"ip":"203.0.113.7","what":"line","c":""}`,
		`{"t":1,"ip":"203.0.113.7","what":"connect","list":[{"u":"a"},{"x":"b"}]}`,
		`{"t":"no time","ip":"203.0.113.7","what":"line","c":"id"}`,                  // rejected: the reason says it all,
		`{"t":"no time","ip":"203.0.113.7","what":"line","c":"","list":[{"u":"a"}]}`, // also if only another event finds out
	} {
		tell(r, record)
	}
	want := "no record has nobody.name, p\n" +
		"event 1, command, what = line: 1 of 2 that meet its conditions have no command_text\n" +
		"event 2, session, what = conect: no record meets its conditions\n" +
		"event 3, auth_attempt, each of list: 1 of 2 that meet its conditions have no username or password or key_fingerprint"
	if got := strings.Join(r.Findings(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	r = m.NewReader(source)
	r.Account()
	tell(r, `{"t":"no time","ip":"203.0.113.7","what":"line","c":"id"}`)
	for _, finding := range r.Findings() {
		if strings.HasPrefix(finding, "event 1,") {
			t.Errorf("of a record without a time: %s", finding)
		}
	}
}

// What rules and views could make nothing of is refused.
func TestContents(t *testing.T) {
	const begin = "recognised-by = { t = true }\ntime = \"t\"\n[[event]]\n"
	for event, want := range map[string]string{
		`kind = "session"
payload.fact = { value = "open" }`: `event[1].payload.fact: becomes "open", want opened or client or kex or var or size or params or closed`,
		`kind = "payload"
payload = { url = "u", direction = { from = "d", map = { down = "inbound" } } }`: `event[1].payload.direction: becomes "inbound", want in or out`,
		`kind = "auth_attempt"
payload = { username = "u", success = { from = "s", map = { Y = "yes" } } }`: `event[1].payload.success: becomes "yes", want true or false, without quotes`,
		`kind = "auth_attempt"
payload = { username = "u", pasword = "p" }`: "event[1].payload.pasword: is not a field of auth_attempt; did you mean password?",
		`kind = "command"
payload = { command = "c" }`: "event[1].payload: has no command_text, without which an event of this kind says nothing",
		`kind = "command"
sesion = "s"
payload = { command_text = "c" }`: "event[1].sesion: is not known; did you mean session?",
		`kind = "command"
payload = { command_text = { from = "c", last = true } }`: "event[1].payload.command_text.last: is for the elements of a list, and there is no each",
	} {
		_, faults := parse(t, begin+event)
		if len(faults) != 1 || faults[0].Error() != want {
			t.Errorf("%s: %v, want %q", event, faults, want)
		}
	}
	if _, faults := parse(t, begin+"kind = \"command\"\npayload = { command_text = \"c\", own = \"x\" }"); len(faults) > 0 {
		t.Error(faults)
	}
}
