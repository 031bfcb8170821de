package ttpcron

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sample() Event {
	return Event{
		Kind: Command, Time: time.Date(2026, 5, 4, 5, 49, 5, 586207000, time.UTC),
		AttackerIP: "203.0.113.7", SessionID: "d3adb33f0001", DeckyID: "sensor-1",
		Payload: TextPayload("command_text", "uname -a"),
	}
}

func TestEventAttacker(t *testing.T) {
	derived := DeriveAttacker("203.0.113.7")
	for _, c := range []struct {
		name   string
		event  Event
		uuid   string
		origin Origin
	}{
		{"recorded", Event{AttackerUUID: "a", AttackerIP: "203.0.113.7"}, "a", OriginRecorded},
		{"resolved", Event{AttackerUUID: "a", AttackerOrigin: OriginResolved}, "a", OriginResolved},
		{"address only", Event{AttackerIP: "203.0.113.7"}, derived, OriginDerived},
		{"identity only", Event{IdentityUUID: "i", AttackerIP: "203.0.113.7"}, "", OriginRecorded},
		{"nobody", Event{}, "", OriginRecorded},
	} {
		if uuid, origin := c.event.Attacker(); uuid != c.uuid || origin != c.origin {
			t.Errorf("%s: %q %v, want %q %v", c.name, uuid, origin, c.uuid, c.origin)
		}
	}
}

func TestEventValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Event)
		want   string
	}{
		"good":              {func(e *Event) {}, ""},
		"unknown kind":      {func(e *Event) { e.Kind = "vendor.Honey-pot_1:x" }, ""},
		"first instant":     {func(e *Event) { e.Time = time.Unix(0, 0) }, ""},
		"year 9999":         {func(e *Event) { e.Time = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC) }, ""},
		"identity only":     {func(e *Event) { e.AttackerIP, e.IdentityUUID = "", "i" }, ""},
		"largest payload":   {func(e *Event) { e.Payload = TextPayload("x", strings.Repeat("a", MaxText-1)) }, ""},
		"no kind":           {func(e *Event) { e.Kind = "" }, "source_kind is missing"},
		"long kind":         {func(e *Event) { e.Kind = SourceKind(strings.Repeat("k", 65)) }, "source_kind is longer"},
		"kind with a bar":   {func(e *Event) { e.Kind = "command|x" }, "other characters"},
		"kind with escape":  {func(e *Event) { e.Kind = "\x1b[2J" }, "other characters"},
		"kind not in UTF-8": {func(e *Event) { e.Kind = "\xff" }, "other characters"},
		"a finding":         {func(e *Event) { e.Kind = Correlation }, "source_kind correlation is that of a finding over several events, which is no event"},
		"no time":           {func(e *Event) { e.Time = time.Time{} }, "time is missing"},
		"before 1970":       {func(e *Event) { e.Time = time.Unix(0, -1) }, "outside the years"},
		"year 10000":        {func(e *Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "outside the years"},
		"nobody":            {func(e *Event) { e.AttackerIP = "" }, "none of attacker_uuid"},
		"long id":           {func(e *Event) { e.ID = strings.Repeat("i", 1025) }, "source_id is longer"},
		"long session":      {func(e *Event) { e.SessionID = strings.Repeat("i", 1025) }, "session_id is longer"},
		"large payload":     {func(e *Event) { e.Payload = TextPayload("x", strings.Repeat("a", MaxText)) }, "payload is longer"},
	} {
		e := sample()
		c.change(&e)
		err := e.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// The line is the one of the contract.
func TestEventNativeForm(t *testing.T) {
	const line = `{"source_kind":"command","source_id":"optional","time":"2026-05-04T05:49:05.586207Z","attacker_uuid":null,"attacker_ip":"203.0.113.7","identity_uuid":null,"session_id":"optional","decky_id":"sensor-1","payload":{"command_text":"uname -a"}}`
	var e Event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	want := sample()
	want.ID, want.SessionID = "optional", "optional"
	if !reflect.DeepEqual(e, want) {
		t.Errorf("event %+v, want %+v", e, want)
	}
	if got := string(e.AppendJSON(nil)); got != line {
		t.Errorf("event gives\n%s, want\n%s", got, line)
	}
}

func TestEventJSONRoundTrip(t *testing.T) {
	hostile := "\xff\x1b[31m\u202e<&>\"\\\n\xc3"
	for name, e := range map[string]Event{
		"sample":   sample(),
		"derived":  {Kind: Command, Time: time.Unix(1, 1).UTC(), AttackerIP: "203.0.113.7", AttackerUUID: DeriveAttacker("203.0.113.7"), AttackerOrigin: OriginDerived, Payload: Payload{}},
		"resolved": {Kind: Command, Time: time.Unix(1, 0).UTC(), AttackerIP: "203.0.113.7", AttackerUUID: "a", AttackerOrigin: OriginResolved, Payload: Payload{}},
		"hostile": {Kind: "k", ID: hostile, Time: time.Unix(1, 0).UTC(), AttackerUUID: hostile, AttackerIP: hostile,
			IdentityUUID: hostile, SessionID: hostile, DeckyID: hostile, Payload: TextPayload(hostile, hostile)},
		"time derived": {Kind: Command, Time: time.Unix(1, 0).UTC(), TimeOrigin: OriginDerived, AttackerIP: "203.0.113.7", Payload: Payload{}},
		"raw":          {Kind: "k", Time: time.Unix(1, 0).UTC(), IdentityUUID: "i", Payload: mustPayload(t, `{"a":null,"b":[1,{"c":"<\udcff\u00e9"}],"d":true}`)},
	} {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range [][]byte{line, e.AppendJSON(nil)} {
			var got Event
			if err := json.Unmarshal(form, &got); err != nil || !reflect.DeepEqual(got, e) {
				t.Errorf("%s: %s gives %+v, %v, want %+v", name, form, got, err, e)
			}
			if got.ContentID() != e.ContentID() || got.RecordDigest() != e.RecordDigest() {
				t.Errorf("%s: the ContentID or RecordDigest changed on the way", name)
			}
		}
	}
}

func TestEventUnmarshalRefuses(t *testing.T) {
	for in, want := range map[string]string{
		`[]`:                                     "not a JSON object",
		`null`:                                   "not a JSON object",
		`{"source_kind":"command","payload":{}}`: "time is missing",
		`{"time":null,"payload":{}}`:             "time is missing",
		`{"time":"2026-05-04 05:49:05","payload":{}}`:                              "not RFC 3339",
		`{"time":1777873745,"payload":{}}`:                                         "time is not a string",
		`{"time":"2026-05-04T05:49:05Z"}`:                                          "payload is missing",
		`{"time":"2026-05-04T05:49:05Z","payload":null}`:                           "payload is missing",
		`{"time":"2026-05-04T05:49:05Z","payload":[]}`:                             "payload: not a JSON object",
		`{"time":"2026-05-04T05:49:05Z","payload":{},"session_id":7}`:              "session_id is not a string",
		`{"time":"2026-05-04T05:49:05Z","payload":{},"attacker_origin":"guessed"}`: `attacker_origin "guessed"`,
		`{"time":"2026-05-04T05:49:05Z","payload":{},"time_origin":"guessed"}`:     `time_origin "guessed"`,
		`{"time":"2026-05-04T05:49:05Z","payload":{},"vantage":"moon"}`:            `vantage "moon"`,
		`{"time":"2026-05-04T05:49:05Z","payload":{},"session_origin":"guessed"}`:  `session_origin "guessed"`,
		`{"time":"2026-05-04T05:49:05Z","payload":{},"ordinal":-1}`:                `ordinal "-1"`,
		`{"time":"2026-05-04T05:49:05Z","payload":{},"ordinal":1.5}`:               `ordinal "1.5"`,
		`{"time":"2026-05-04T05:49:05Z","payload":{},"ordinal":"1"}`:               "ordinal",
		`{"time":"2026-05-04T05:49:05Z","payload":{},"ordinal":4294967296}`:        `ordinal "4294967296"`,
		`{"time":"2026-05-04T05:49:05Z","payload":{},"address_origin":"guessed"}`:  `address_origin "guessed"`,
		`{"time":"2026-05-04T05:49:05Z","payload":{},"source_kind":["command"]}`:   "source_kind is not a string",
	} {
		e := Event{ID: "kept"}
		if err := e.UnmarshalJSON([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", in, err, want)
		}
		if e.ID != "kept" {
			t.Errorf("%s: a refused line changed the event", in)
		}
	}
}

// Whatever line is read as an event is written as a line that gives the same
// event with the same identity, also after encoding/json escaped it.
func FuzzEventJSON(f *testing.F) {
	full := sample()
	full.ID, full.AttackerUUID, full.AttackerOrigin, full.IdentityUUID = "1", DeriveAttacker("203.0.113.7"), OriginDerived, "i"
	f.Add(full.AppendJSON(nil))
	full.Ordinal, full.SessionOrigin, full.Connection = 4294967295, OriginResolved, "T,7"
	f.Add(full.AppendJSON(nil))
	f.Add([]byte(`{"source_kind":"k","time":"2026-05-04T05:49:05.5+02:00","payload":{"a":["\udcff",{"b":"<"}]},"session_id":"\udc80","x":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var e Event
		if e.UnmarshalJSON(line) != nil {
			return
		}
		over := full // what it holds must not show
		if err := over.UnmarshalJSON(line); err != nil || !reflect.DeepEqual(over, e) {
			t.Fatalf("%q over another event gives %+v, %v, want %+v", line, over, err, e)
		}
		if e.Time.Year() < 0 || e.Time.Year() > 9999 {
			return // has no RFC 3339 form; Validate refuses it
		}
		marshalled, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, form := range [][]byte{e.AppendJSON(nil), marshalled} {
			var again Event
			if err := again.UnmarshalJSON(form); err != nil || !reflect.DeepEqual(again, e) {
				t.Fatalf("%q gives %q, which gives %+v, %v, want %+v", line, form, again, err, e)
			}
		}
	})
}

func BenchmarkContentID(b *testing.B) {
	e := sample()
	e.Payload.Set("user", "root")
	b.ReportAllocs()
	for b.Loop() {
		_ = e.ContentID()
	}
}

func BenchmarkEventUnmarshal(b *testing.B) {
	e := sample()
	line := e.AppendJSON(nil)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if err := e.UnmarshalJSON(line); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEventJSON writes events as export-events does.
func BenchmarkEventJSON(b *testing.B) {
	plain, other := sample(), sample()
	plain.Payload.Set("protocol", "ssh")
	other.Payload = mustPayload(b, `{"command_text":"echo \"caf\u00e9\\n\udcff\" \u4e2d\u6587 > /tmp/\u6f22","headers":{"user-agent":"Mozilla/5.0 (X11; Linux x86_64)","n":[1,2,3]}}`)
	for name, e := range map[string]Event{"ASCII": plain, "other": other} {
		b.Run(name, func(b *testing.B) {
			line := e.AppendJSON(nil)
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				line = e.AppendJSON(line[:0])
			}
		})
	}
}
