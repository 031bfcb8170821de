package inputs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
)

const good = `{"eventid":"cowrie.command.input","input":"id","src_ip":"203.0.113.7","timestamp":"2026-05-04T05:49:06Z"}` + "\n"

// A named file fails if it gives nothing but rejects. Earlier reads of it may have been
// useful, and without a demand nothing fails.
func TestDemanded(t *testing.T) {
	bad := strings.Replace(good, "2026-05-04", "yesterday", 1)
	for name, tt := range map[string]struct {
		before, text string
		o            Options
		want         string
	}{
		"rejects":         {"", bad + "\n" + bad, Options{Demanding: true}, "none of its 2 lines could be used; the first: timestamp"},
		"one":             {"", bad, Options{Demanding: true}, "its one line could not be used; the first: timestamp"},
		"one of use":      {"", bad + good, Options{Demanding: true}, ""},
		"one is ignored":  {"", bad + strings.Replace(good, "command.input", "log.open", 1), Options{Demanding: true}, ""},
		"one is left out": {"", bad + good, Options{Demanding: true, Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}}, ""},
		"read before":     {good, good + bad, Options{Demanding: true}, ""},
		"empty":           {"", "", Options{Demanding: true}, ""},
		"no demand":       {"", bad, Options{}, ""},
	} {
		path := filepath.Join(t.TempDir(), "cowrie.json")
		var positions importer.PositionList
		read := func(text string) error {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			tt.o.Now = time.Now
			found, err := Find([]string{path}, tt.o)
			if err != nil || len(found) != 1 {
				t.Fatalf("%d inputs, %v", len(found), err)
			}
			f, err := found[0].Open(t.Context(), jobs.Known{Positions: positions, Look: ttpcron.FileLook{}})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for b, err := range f.Batches(t.Context()) {
				if err != nil {
					return err
				}
				if b.Position != nil {
					positions = append(positions, *b.Position)
				}
			}
			return nil
		}
		if tt.before != "" {
			if err := read(tt.before); err != nil {
				t.Fatal(err)
			}
		}
		err := read(tt.text)
		var useless *UselessError
		if errors.As(err, &useless) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
