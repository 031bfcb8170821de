package importer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// typed is a format of lines such as "2026-05-04T05:49:05Z 203.0.113.7 uname -a".
type typed struct{}

func (typed) parse(line []byte, to *parsed) error {
	parts := strings.SplitN(string(line), " ", 4)
	if len(parts) < 4 {
		return errors.New("a part is missing")
	}
	at, err := time.Parse(time.RFC3339, parts[1])
	if err != nil {
		return err
	}
	to.add(&ttpcron.Event{Kind: ttpcron.Command, Time: at, AttackerIP: parts[2], Payload: ttpcron.TextPayload("command_text", parts[3])})
	return nil
}

// TestNewFormat adds a format to the list, and nothing else: it is read by its name,
// recognised by its content, refused and kept where a line is none, and resumed.
func TestNewFormat(t *testing.T) {
	defer func(before []Format) { formats = before }(formats)
	formats = append(slices.Clone(formats), Format{Name: "typed", Title: "a test", Version: 1, lines: &lineFormat{
		recognises: func(line []byte) bool { return bytes.HasPrefix(line, []byte("TYPED ")) },
		begins:     "TYPED ", parser: func(*source) recordParser { return typed{} },
	}})
	path := filepath.Join(t.TempDir(), "typed.log")
	text := "TYPED 2026-05-04T05:49:05Z 203.0.113.7 uname -a\nTYPED then\nTYPED 2026-05-04T05:49:06Z 203.0.113.7 id\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if in, err := ParseInput("typed:" + path); err != nil || in.Format != "typed" {
		t.Errorf("named: %+v, %v", in, err)
	}
	for _, name := range []string{"typed", Auto} {
		got := mustRead(t, path, Options{Format: name})
		if got.Format != "typed" || len(got.Events) != 2 || len(got.Rejects) != 1 || got.Rejects[0].Reason != "a part is missing" {
			t.Errorf("%s: %s, %d events, rejects %+v", name, got.Format, len(got.Events), got.Rejects)
		}
	}
}
