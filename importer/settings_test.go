package importer

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// zoned is a format of lines such as "ZONED 2026-05-04T05:49:05 id".
type zoned struct{ zone *time.Location }

func (z zoned) parse(line []byte, to *parsed) error {
	at, err := time.ParseInLocation("ZONED 2006-01-02T15:04:05 id", string(line), z.zone)
	if err != nil {
		return err
	}
	to.add(&ttpcron.Event{Kind: ttpcron.Command, Time: at.UTC(), AttackerIP: "203.0.113.7", Payload: ttpcron.TextPayload("command_text", "id")})
	return nil
}

// A file that needs a setting is refused until the setting is there. Then it is read, and
// read again when the setting changes.
func TestSettings(t *testing.T) {
	defer func(before []Format) { formats = before }(formats)
	formats = append(slices.Clone(formats), Format{Name: "zoned", Title: "a test", Version: 1, lines: &lineFormat{
		recognises: func(line []byte) bool { return bytes.HasPrefix(line, []byte("ZONED ")) },
		parser:     func(src *source) recordParser { return zoned{src.Zone} },
		needs:      func([]byte, bool) needs { return needs{zone: true} },
	}})
	path := write(t, t.TempDir(), "zoned.log", []byte("ZONED 2026-05-04T05:49:05 id\n"))
	now := func() time.Time { return time.Now().Add(time.Hour) } // the look of a file that has only just changed is not kept
	_, err := Open(t.Context(), path, Options{Now: now})
	var lacks *LacksError
	if !errors.As(err, &lacks) || lacks.Look() == nil || lacks.Found.Format != "zoned" {
		t.Fatalf("without a zone: %v", err)
	}
	if want := path + `: its format is zoned, but it does not say its zone: set zone = "Europe/Berlin" in a table [[input]] of the config file, or give import --zone`; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	look := *lacks.Look()
	if _, again := Open(t.Context(), path, Options{Now: now, Look: look}); !errors.As(again, &lacks) || !lacks.SaidBefore() || again.Error() != err.Error() {
		t.Errorf("the second time: %v", again)
	}
	var positions PositionList
	for _, tt := range []struct{ zone, want string }{{"UTC", "05:49"}, {"Europe/Berlin", "03:49"}} {
		var s Settings
		if err := s.Set("zone", tt.zone); err != nil {
			t.Fatal(err)
		}
		o := Options{Now: now, Look: look, Settings: s, Positions: positions}
		got := mustRead(t, path, o)
		if len(got.Events) != 1 || got.Events[0].Time.Format("15:04") != tt.want {
			t.Fatalf("in %s: %+v", tt.zone, got.Events)
		}
		positions = append(positions, *got.Position)
		o.Positions = positions
		if got := mustRead(t, path, o); len(got.Events) > 0 {
			t.Errorf("in %s, read again: %+v", tt.zone, got.Events)
		}
	}
}
