package importer

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden is what reading an input gave.
type golden struct {
	Report  ttpcron.ImportReport
	Rejects []goldenReject
	Notes   []string
	Events  []goldenEvent
}

type goldenReject struct {
	Line   int
	Reason string
}

type goldenEvent struct {
	ContentID string
	Event     ttpcron.Event
}

// TestGolden reads testdata/<format>/input* of every format, by its name and by
// recognition. A database is built from schema.sql and rows.sql.
func TestGolden(t *testing.T) {
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			dir := filepath.Join("testdata", f.Name)
			input := goldenInput(t, dir)
			settings := goldenSettings(t, dir)
			byName := mustRead(t, input, Options{Format: f.Name, Settings: settings})
			byContent := mustRead(t, input, Options{Settings: settings})
			got := goldenText(t, byName)
			if auto := goldenText(t, byContent); !bytes.Equal(got, auto) || byContent.Format != f.Name {
				t.Errorf("recognition took it for %q", byContent.Format)
			}
			if len(byName.Events) == 0 || len(byName.Rejects) == 0 {
				t.Error("the input shows no events or no rejects")
			}
			path := filepath.Join(dir, "golden.json")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("differs from %s; if that is meant, run with -update. Got:\n%s", path, got)
			}
		})
	}
}

func goldenInput(t *testing.T, dir string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "schema.sql")); err == nil {
		return buildDecnet(t, dir, "")
	}
	matches, _ := filepath.Glob(filepath.Join(dir, "input*"))
	if len(matches) != 1 {
		t.Fatalf("%s has no input: every format needs one", dir)
	}
	return matches[0]
}

// goldenSettings are what a file settings says, such as "zone=Europe/Berlin,year=2026".
func goldenSettings(t *testing.T, dir string) Settings {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "settings"))
	if err != nil {
		return Settings{}
	}
	s, err := parseSettings(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// buildDecnet makes a database of testdata's statements and of more.
func buildDecnet(t testing.TB, dir, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "decnet.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, name := range []string{"schema.sql", "rows.sql"} {
		statements, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(string(statements)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if _, err := db.Exec(more); err != nil {
		t.Fatal(err)
	}
	return path
}

func goldenText(t *testing.T, r result) []byte {
	t.Helper()
	g := golden{Report: r.Report, Notes: r.Notes}
	for i := range r.Events {
		g.Events = append(g.Events, goldenEvent{r.Events[i].ContentID(), r.Events[i]})
	}
	for _, j := range r.Rejects {
		g.Rejects = append(g.Rejects, goldenReject{j.Line, j.Reason})
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(g); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String())
}
