package export

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/export/exporttest"
)

// master makes a database of DECNET's.
func master(t testing.TB, rows ...string) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "decnet.db")
	db, err := sql.Open("sqlite", path+"?_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	for _, text := range append([]string{exporttest.DECNETSchema}, rows...) {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	return path, db
}

func ask[T any](t testing.TB, db *sql.DB, query string, args ...any) (x T) {
	t.Helper()
	if err := db.QueryRow(query, args...).Scan(&x); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return x
}

// withAttackers are the tags that have an attacker: of identities DECNET knows its own.
func withAttackers(tags []Tag) (out []Tag) {
	for _, tag := range tags {
		if tag.AttackerUUID != "" {
			out = append(out, tag)
		}
	}
	return out
}

// TestDECNETFilledTwice runs the SQL twice in a real SQLite with foreign keys.
func TestDECNETFilledTwice(t *testing.T) {
	tags := sampleTags(2500)
	stream, _ := exportTo(t, decnet, tags)
	_, db := master(t)
	for range 2 {
		if _, err := db.Exec(string(stream)); err != nil {
			t.Fatal(err)
		}
		if got, want := ask[int](t, db, "SELECT count(*) FROM ttp_tag"), len(withAttackers(tags)); got != want {
			t.Errorf("%d tags, want %d", got, want)
		}
		if got := ask[int](t, db, "SELECT count(*) FROM attackers"); got != 10 {
			t.Errorf("%d attackers, want 10", got)
		}
	}
	if got, want := ask[string](t, db, "SELECT max(last_seen) || min(first_seen) FROM attackers"), decnetTime(tags[0].EventTime)+decnetTime(withAttackers(tags)[len(withAttackers(tags))-1].EventTime); got != want {
		t.Errorf("seen %s, want %s", got, want)
	}
	for _, tag := range withAttackers(tags) {
		if got := ask[string](t, db, "SELECT evidence ->> 'command_text' FROM ttp_tag WHERE uuid = ?", tag.UUID); !strings.HasPrefix(unicodeText(tag.Text), strings.SplitN(got, "\x00", 2)[0]) {
			t.Fatalf("evidence of %q is %q", tag.Text, got)
		}
		if got := ask[sql.NullString](t, db, "SELECT session_id FROM ttp_tag WHERE uuid = ?", tag.UUID); got.String != unicodeText(tag.SessionID) {
			t.Fatalf("session %q became %q", tag.SessionID, got.String)
		}
	}
}

// TestDECNETFillsWhatAttackersNeed: a master whose attackers have unknown columns accepts
// the rows, and their tags, if the export can read it.
func TestDECNETFillsWhatAttackersNeed(t *testing.T) {
	tags := sampleTags(100)
	path, db := master(t, "DROP TABLE attackers", `CREATE TABLE attackers (uuid VARCHAR PRIMARY KEY NOT NULL, ip VARCHAR NOT NULL, first_seen DATETIME NOT NULL, last_seen DATETIME NOT NULL,
		event_count INTEGER NOT NULL, services JSON NOT NULL, commands TEXT NOT NULL, score FLOAT NOT NULL, is_traversal BOOLEAN NOT NULL, updated_at DATETIME NOT NULL, country_code VARCHAR, kind TEXT NOT NULL DEFAULT 'x')`)
	stream, _ := exportTo(t, decnet, tags, "--decnet-db", path)
	for range 2 {
		if _, err := db.Exec(string(stream)); err != nil {
			t.Fatal(err)
		}
		if got, want := ask[int](t, db, "SELECT count(*) FROM ttp_tag"), len(withAttackers(tags)); got != want {
			t.Errorf("%d tags, want %d", got, want)
		}
	}
	if got := ask[string](t, db, "SELECT DISTINCT event_count || services || commands || score || is_traversal || kind FROM attackers"); got != "0[]0.00x" {
		t.Errorf("what is not known is %q", got)
	}
	if n := ask[int](t, db, "SELECT count(*) FROM attackers WHERE updated_at < '2020'"); n != 0 {
		t.Errorf("%d attackers have no time", n)
	}
}

// TestDECNETMapsAttackers: a master has some of the attackers under its own UUIDs.
func TestDECNETMapsAttackers(t *testing.T) {
	tags := withAttackers(sampleTags(60))
	path, db := master(t, `INSERT INTO attackers (uuid, ip) VALUES ('theirs', '203.0.113.0')`)
	_ = db.Close()
	for _, what := range []string{"make", "skip"} {
		stream, _ := exportTo(t, decnet, tags, "--decnet-db", path, "--attackers", what)
		_, db := master(t, `INSERT INTO attackers (uuid, ip) VALUES ('theirs', '203.0.113.0')`)
		if _, err := db.Exec(string(stream)); err != nil {
			t.Fatal(err)
		}
		mapped := 0
		for _, tag := range tags {
			if tag.AttackerIP == "203.0.113.0" {
				mapped++
			}
		}
		if got := ask[int](t, db, "SELECT count(*) FROM ttp_tag WHERE attacker_uuid = 'theirs'"); got != mapped || mapped == 0 {
			t.Errorf("%s: %d tags of the attacker that the master has, want %d", what, got, mapped)
		}
		want := map[string]int{"make": len(tags), "skip": mapped}[what]
		if got := ask[int](t, db, "SELECT count(*) FROM ttp_tag"); got != want {
			t.Errorf("%s: %d tags, want %d", what, got, want)
		}
	}
}

func TestDECNETLeavesOutAndSays(t *testing.T) {
	j := jobOf(t, sampleTags(60))
	var notes []string
	j.Note = func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if err := writeDECNET(t.Context(), j, &decnetOptions{dialect: "sqlite", attackers: "make"}); err != nil {
		t.Fatal(err)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "identity alone") || !strings.HasSuffix(notes[0], ": 10") {
		t.Errorf("notes are %q", notes)
	}
}

func TestDECNETLiterals(t *testing.T) {
	for _, s := range append(hostile, `\`, `'`, `\'`, `''; --`) {
		for dialect, plain := range map[bool]string{false: "sqlite", true: "mysql"} {
			w := decnetWriter{mysql: dialect}
			w.literal(s)
			got := string(w.b)
			if strings.ContainsFunc(got, func(r rune) bool { return r < 0x20 || r >= 0x7f }) || dialect && strings.Contains(got, `\`) {
				t.Errorf("%s: %q", plain, got)
			}
			if got[0] == '\'' && strings.Count(got, "'")%2 != 0 {
				t.Errorf("%s: quotes of %q do not pair", plain, got)
			}
		}
	}
}
