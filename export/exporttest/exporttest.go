// Package exporttest reads, for tests, what package export writes, in the way of those
// who read its formats: by a library where there is one, and without the code that wrote.
package exporttest

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	_ "modernc.org/sqlite" // the database
)

// A Reader reads the UUIDs of tags out of what a format wrote: out of a stream, or of what
// lies at a path where the format writes none.
type Reader func(t testing.TB, stream []byte, path string) []string

// Readers are by the names of formats. One that has counts and no tags has nil. A new format
// has an entry here: without one its tests fail.
var Readers = map[string]Reader{
	"attack-flow": flow,
	"csv":         rows,
	"decnet":      decnet,
	"ecs":         func(t testing.TB, stream []byte, _ string) []string { return members(t, stream, "create", "_id") },
	"jsonl":       func(t testing.TB, stream []byte, _ string) []string { return members(t, stream, "uuid") },
	"misp":        comments,
	"navigator":   nil, // see Scores
	"ocsf":        func(t testing.TB, stream []byte, _ string) []string { return members(t, stream, "metadata", "uid") },
	"parquet":     days,
	"stix":        sightings,
	"timesketch":  func(t testing.TB, stream []byte, _ string) []string { return members(t, stream, "uuid") },
}

// Lines decodes JSON lines, of which each ends.
func Lines(t testing.TB, stream []byte) (all []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(stream) {
		var object map[string]any
		if err := json.Unmarshal(line, &object); err != nil || !bytes.HasSuffix(line, []byte("\n")) {
			t.Fatalf("%v in %.200q", err, line)
		}
		all = append(all, object)
	}
	return all
}

// members are the texts at a path in the lines that have it: in bulk loads every other
// line.
func members(t testing.TB, stream []byte, path ...string) (uuids []string) {
	t.Helper()
	for _, object := range Lines(t, stream) {
		for _, name := range path[:len(path)-1] {
			object, _ = object[name].(map[string]any)
		}
		if uuid, ok := object[path[len(path)-1]].(string); ok {
			uuids = append(uuids, uuid)
		}
	}
	return uuids
}

func rows(t testing.TB, stream []byte, _ string) (uuids []string) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(stream)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(rows[0], "uuid")
	for _, row := range rows[1:] {
		uuids = append(uuids, row[column])
	}
	return uuids
}

// flow goes from action to action, along the arrows.
func flow(t testing.TB, stream []byte, _ string) (uuids []string) {
	t.Helper()
	type object struct {
		Type, ID   string
		Start      []string `json:"start_refs"`
		Effects    []string `json:"effect_refs"`
		References []struct {
			ID string `json:"external_id"`
		} `json:"external_references"`
	}
	var bundle struct{ Objects []object }
	if err := json.Unmarshal(stream, &bundle); err != nil {
		t.Fatal(err)
	}
	byID := map[string]object{}
	var next []string
	for _, o := range bundle.Objects {
		byID[o.ID] = o
		next = append(next, o.Start...)
	}
	for len(next) > 0 && len(uuids) <= len(byID) {
		o := byID[next[0]]
		if len(o.References) == 0 {
			t.Fatalf("%s names no tag", next[0])
		}
		uuids = append(uuids, o.References[0].ID)
		next = o.Effects
	}
	return uuids
}

var namedTags = regexp.MustCompile(`; tags ([0-9a-f -]+)$`)

// comments are MISP's comments, its only place for tags.
func comments(t testing.TB, stream []byte, _ string) (uuids []string) {
	t.Helper()
	type commented struct{ Comment string }
	var document struct {
		Response []struct {
			Event struct{ Attribute, Object []commented }
		}
	}
	if err := json.Unmarshal(stream, &document); err != nil {
		t.Fatal(err)
	}
	for _, r := range document.Response {
		for _, c := range append(r.Event.Attribute, r.Event.Object...) {
			m := namedTags.FindStringSubmatch(c.Comment)
			if m == nil {
				t.Fatalf("comment %q names no tags", c.Comment)
			}
			uuids = append(uuids, strings.Fields(m[1])...)
		}
	}
	return uuids
}

func sightings(t testing.TB, stream []byte, _ string) (uuids []string) {
	t.Helper()
	for dec := json.NewDecoder(bytes.NewReader(stream)); ; {
		var bundle struct {
			Objects []struct {
				Extensions map[string]struct {
					Tags []string `json:"tag_uuids"`
				}
			}
		}
		if err := dec.Decode(&bundle); err == io.EOF {
			return uuids
		} else if err != nil {
			t.Fatal(err)
		}
		for _, o := range bundle.Objects {
			for _, x := range o.Extensions {
				uuids = append(uuids, x.Tags...)
			}
		}
	}
}

func days(t testing.TB, _ []byte, path string) (uuids []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(path, "date=*", "part-0.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		rows, err := parquet.ReadFile[struct {
			UUID string `parquet:"uuid"`
		}](file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, r := range rows {
			uuids = append(uuids, r.UUID)
		}
	}
	return uuids
}

// DECNETSchema is that of DECNET 1.2.1, of the tables and columns that matter.
const DECNETSchema = `
CREATE TABLE attackers (uuid TEXT PRIMARY KEY, ip TEXT, first_seen DATETIME, last_seen DATETIME);
CREATE TABLE attacker_identities (uuid TEXT PRIMARY KEY);
CREATE TABLE ttp_tag (
	uuid TEXT PRIMARY KEY, source_kind TEXT NOT NULL, source_id TEXT NOT NULL,
	attacker_uuid TEXT REFERENCES attackers (uuid) ON DELETE CASCADE, identity_uuid TEXT REFERENCES attacker_identities (uuid),
	session_id TEXT, decky_id TEXT, tactic TEXT NOT NULL, technique_id TEXT NOT NULL, sub_technique_id TEXT,
	confidence FLOAT NOT NULL CHECK (confidence BETWEEN 0 AND 1), rule_id TEXT NOT NULL, rule_version INTEGER NOT NULL,
	evidence JSON NOT NULL CHECK (json_valid(evidence)), attack_release TEXT NOT NULL, mitre_url TEXT, created_at DATETIME NOT NULL,
	CHECK (attacker_uuid IS NOT NULL OR identity_uuid IS NOT NULL));
`

// decnet fills a database, with foreign keys, and asks what is in it.
func decnet(t testing.TB, stream []byte, _ string) (uuids []string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "decnet.db")+"?_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, text := range []string{DECNETSchema, string(stream)} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	found, err := db.Query("SELECT uuid FROM ttp_tag")
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var uuid string
		if err := found.Scan(&uuid); err != nil {
			t.Fatal(err)
		}
		uuids = append(uuids, uuid)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return uuids
}

// Scores adds up the scores of a layer of the ATT&CK Navigator.
func Scores(t testing.TB, stream []byte) (sum int) {
	t.Helper()
	var layer struct{ Techniques []struct{ Score int } }
	if err := json.Unmarshal(stream, &layer); err != nil {
		t.Fatal(err)
	}
	for _, technique := range layer.Techniques {
		sum += technique.Score
	}
	return sum
}
