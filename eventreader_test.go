package ttpcron_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/internal/nountest"
)

// The event before must leave nothing in the next one.
func TestEventReaderForgetsTheLastEvent(t *testing.T) {
	least := ttpcron.Event{Kind: "k", Time: time.Unix(1, 0).UTC(), AttackerIP: "192.0.2.1", Payload: ttpcron.Payload{}}
	for _, line := range []string{
		`{"source_kind":"k","time":"1970-01-01T00:00:01Z","attacker_ip":"192.0.2.1","payload":{}}`,
		`{"source_kind":"k","source_id":null,"time":"1970-01-01T00:00:01Z","attacker_uuid":null,"attacker_ip":"192.0.2.1","identity_uuid":"","session_id":null,"decky_id":null,"payload":{}}`,
	} {
		var e ttpcron.Event
		nountest.Fill(t, &e)
		if err := new(ttpcron.EventReader).Read([]byte(line), &e, nil); err != nil || !reflect.DeepEqual(e, least) {
			t.Errorf("%s gives %+v, %v, want %+v", line, e, err, least)
		}
	}
}

// Of members with one name the last counts, and null counts as missing.
func TestEventReaderTakesTheLastOfEachName(t *testing.T) {
	const begin = `{"time":"1970-01-01T00:00:01Z","payload":{"a":"1"},`
	for more, want := range map[string]string{
		`"session_id":"a","session_id":"b"}`:                `session "b", payload {"a":"1"}`,
		`"session_id":"a","session\u005fid":"b"}`:           `session "b", payload {"a":"1"}`,
		`"session_id":"a","session_id":null}`:               `session "", payload {"a":"1"}`,
		`"payload":{"b":1,"b":"2","a":"3"}}`:                `session "", payload {"a":"3","b":"2"}`,
		`"payload":null}`:                                   `payload is missing`,
		`"payload":null,"payload":{}}`:                      `session "", payload {}`,
		`"payload":[],"payload":{}}`:                        `payload: not a JSON object`,
		`"session_id":[{"session_id":1}],"time":1}`:         `session_id is not a string`,
		`"time":null}`:                                      `time is missing`,
		`"time":""}`:                                        `time is missing`,
		`"payload":{"a":1,"b":2,"c":3,"c":4}}`:              `payload has more than 3 members`,
		`"payload":{"a":1,"b":2,"c":3,"c":4},"time":1}`:     `payload has more than 3 members`,
		`"payload":{"a":1,"b":2,"c":3,"c":4},"time":1`:      `JSON ends too early`,
		`"payload":{"a":1,"b":2,"c":3,"d":4},"payload":{}}`: `session "", payload {}`,
		`"payload":{"a":[[]]}}`:                             `session "", payload {"a":[[]]}`,
		`"payload":{"a":[[[]]]}}`:                           `JSON is nested deeper than 4`,
		`"x":{"payload":{"a":[1]},"time":7}}`:               `session "", payload {"a":"1"}`,
		`"session_id":1,"x":}`:                              `malformed JSON at byte`,
	} {
		r := ttpcron.EventReader{MaxDepth: 4, MaxMembers: 3}
		e := ttpcron.Event{ID: "kept"}
		err := r.Read([]byte(begin+more), &e, nil)
		got := fmt.Sprintf("session %q, payload %s", e.SessionID, e.Payload.AppendJSON(nil))
		if err != nil {
			got = err.Error()
			if !reflect.DeepEqual(e, ttpcron.Event{ID: "kept"}) {
				t.Errorf("%s: a refused line changed the event", more)
			}
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", more, got, want)
		}
	}
}

type countingRoom struct{ texts, raws, fields int }

func (c *countingRoom) Text(b []byte) string         { c.texts++; return string(b) }
func (c *countingRoom) Raw(b []byte) []byte          { c.raws++; return append([]byte{}, b...) }
func (c *countingRoom) Fields(n int) ttpcron.Payload { c.fields += n; return make(ttpcron.Payload, n) }

// What the event before has already costs no room, and everything else does.
func TestEventReaderPutsWhatIsNewIntoRoom(t *testing.T) {
	line := func(session string, n int) []byte {
		return fmt.Appendf(nil, `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"192.0.2.1","session_id":%q,"payload":{"command_text":"id \u00e9","n":%d}}`, session, n)
	}
	var r ttpcron.EventReader
	var e ttpcron.Event
	for i, c := range []struct {
		line []byte
		want countingRoom
	}{
		{line("a", 1), countingRoom{6, 1, 2}}, // kind, address, session, two names, one text
		{line("a", 1), countingRoom{0, 1, 2}},
		{line("b", 2), countingRoom{1, 1, 2}},
	} {
		var room countingRoom
		last := e
		if err := r.Read(c.line, &e, &room); err != nil {
			t.Fatal(err)
		}
		if room != c.want {
			t.Errorf("event %d took %+v, want %+v", i, room, c.want)
		}
		if i > 0 && &last.Payload[0] == &e.Payload[0] {
			t.Errorf("event %d has the fields of the last one", i)
		}
	}
}
