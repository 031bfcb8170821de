package importer

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer/mapping"
)

// The setting sensor names the sensor of records that name none, in every format, and nothing
// else changes.
func TestSensorSetting(t *testing.T) {
	named := 0
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			dir := "testdata/" + f.Name
			input, settings := goldenInput(t, dir), goldenSettings(t, dir)
			if settings.Host != "" {
				settings.Host, settings.Sensor = "", "pot-9"
				if _, err := Open(t.Context(), input, Options{Settings: settings}); !errors.As(err, new(*LacksError)) {
					t.Errorf("the log of a real host: %v", err)
				}
				return
			}
			before := mustRead(t, input, Options{Settings: settings})
			settings.Sensor = "pot-9"
			after := mustRead(t, input, Options{Settings: settings})
			if len(before.Events) != len(after.Events) || len(before.Rejects) != len(after.Rejects) {
				t.Fatalf("%d events and %d rejects, want %d and %d", len(after.Events), len(after.Rejects), len(before.Events), len(before.Rejects))
			}
			for i := range before.Events {
				want, got := before.Events[i], after.Events[i]
				if want.DeckyID == "" {
					named++
					if want.ID == "" && want.SourceID() == got.SourceID() {
						t.Errorf("event %d has the same id without the sensor", i)
					}
					if want.IdentityUUID == ttpcron.SessionIdentity("", want.SessionID) {
						want.IdentityUUID = ttpcron.SessionIdentity("pot-9", want.SessionID)
					}
					want.DeckyID = "pot-9"
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("event %d is %+v, want %+v", i, got, want)
				}
			}
			comesBack(t, after.Events)
		})
	}
	if named == 0 {
		t.Error("no event was named")
	}
}

// A sensor that is set or changed later makes other events of a file that was read, and a
// record that rotation tore in two has the sensor too.
func TestSensorSettingChanges(t *testing.T) {
	dir := t.TempDir()
	record := `{"timestamp":"2026-05-04T05:49:05.586207","src_ip":"203.0.113.7","src_port":1,"dst_ip":"192.0.2.1","dst_port":2,"connection":{"protocol":"smbd","transport":"tcp","type":"accept"}}` + "\n"
	whole := strings.Repeat(record, 1) + strings.Replace(record, "05:49:05", "05:49:06", 1)
	cut := len(record) + 40
	older := write(t, dir, "dionaea.json.1", []byte(whole[:cut]))
	write(t, dir, "dionaea.json", []byte(whole[cut:]+strings.Replace(record, "05:49:05", "05:49:07", 1)))
	now := func() time.Time { return time.Now().Add(time.Hour) }
	var positions PositionList
	ids := map[string]bool{}
	for _, sensor := range []string{"", "pot-1", "pot-2"} {
		o := Options{Now: now, Settings: Settings{Sensor: sensor}, Positions: positions}
		got := mustRead(t, older, o)
		if len(got.Events) != 2 || len(got.Rejects) > 0 {
			t.Fatalf("sensor %q: %d events, rejects %+v", sensor, len(got.Events), got.Rejects)
		}
		for i := range got.Events {
			if got.Events[i].DeckyID != sensor {
				t.Errorf("event %d has the sensor %q, want %q", i, got.Events[i].DeckyID, sensor)
			}
			ids[got.Events[i].SourceID()] = true
		}
		positions = append(positions, *got.Position)
		o.Positions = positions
		if again := mustRead(t, older, o); len(again.Events) > 0 {
			t.Errorf("sensor %q, read again: %+v", sensor, again.Events)
		}
	}
	if len(ids) != 6 {
		t.Errorf("%d different events, want 6", len(ids))
	}
}

// The sensor that a record names wins, in an event with an identity of its own too.
func TestSensorSettingYields(t *testing.T) {
	const own = `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","decky_id":"own","payload":{"command_text":"id"}}
{"source_kind":"command","time":"2026-05-04T05:49:06Z","identity_uuid":"23fc975a-049a-5e0f-b303-fec2ebde74ec","payload":{"command_text":"id"}}
`
	r := mustRead(t, Stdin, Options{Settings: Settings{Sensor: "pot-1"}, Stdin: bytes.NewReader([]byte(own))})
	if len(r.Events) != 2 || r.Events[0].DeckyID != "own" || r.Events[1].DeckyID != "pot-1" || r.Events[1].IdentityUUID != "23fc975a-049a-5e0f-b303-fec2ebde74ec" {
		t.Errorf("%+v", r.Events)
	}
}

// Either host or sensor says what wrote the files, not both.
func TestHostOrSensor(t *testing.T) {
	for _, order := range [][2]string{{"host", "sensor"}, {"sensor", "host"}} {
		var s Settings
		if err := s.Set(order[0], "a-1"); err != nil {
			t.Fatal(err)
		}
		if err := s.Set(order[1], "b-1"); err == nil || !strings.Contains(err.Error(), "host and sensor are both set") {
			t.Errorf("%q: %v", order, err)
		}
		var other Settings
		if err := other.Set(order[1], "b-1"); err != nil {
			t.Fatal(err)
		}
		if got := s.Or(other); got != s {
			t.Errorf("%v or %v is %v", s, other, got)
		}
		if got := (Settings{}).Or(other); got != other {
			t.Errorf("%v alone is %v", other, got)
		}
	}
	for _, value := range []string{"", "a b", "a,b", "a=b", "a:b", "a\x1b[31m", "a\u202eb"} {
		if err := (&Settings{}).Set("sensor", value); err == nil || !strings.Contains(err.Error(), "is not a name of letters, digits and . _ -") {
			t.Errorf("%q: %v", value, err)
		}
	}
	if err := (&Settings{}).Set("sensor", strings.Repeat("a", 254)); err == nil || !strings.Contains(err.Error(), "is longer than 253 bytes") {
		t.Error(err)
	}
	if s := (Settings{Sensor: strings.Repeat("a", 253)}).String(); len(s) != len("sensor=")+253 {
		t.Error(s)
	}
}

// Equal records of one second are different events, also if only some of them name the sensor
// that is set.
func TestSensorSettingCountsEqualRecords(t *testing.T) {
	m, faults := mapping.Parse("made", map[string]any{
		"title": "Made", "recognised-by": map[string]any{"at": true, "cmd": true},
		"time": "at", "whole-seconds": true, "address": "src", "sensor": "pot_id",
		"event": []any{map[string]any{"kind": "command", "payload": map[string]any{"command_text": "cmd"}}},
	})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	named := `{"at":"2026-05-04T05:49:05Z","src":"203.0.113.7","cmd":"id","pot_id":"pot-1"}` + "\n"
	unnamed := strings.Replace(named, `,"pot_id":"pot-1"`, "", 1)
	o := Options{Settings: Settings{Sensor: "pot-1"}, Catalog: NewCatalog([]*mapping.Mapping{m})}
	for _, text := range []string{named + unnamed, unnamed + named, unnamed + unnamed, named + unnamed + named} {
		o.Stdin = strings.NewReader(text)
		r := mustRead(t, Stdin, o)
		ids := map[string]bool{}
		for i := range r.Events {
			ids[r.Events[i].SourceID()] = true
		}
		if want := strings.Count(text, "\n"); len(ids) != want {
			t.Errorf("%d different events, want %d, of\n%s", len(ids), want, text)
		}
	}
}
