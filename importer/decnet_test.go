package importer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

var decnetDir = filepath.Join("testdata", "decnet")

// openWriter opens a database as DECNET does, in WAL mode.
func openWriter(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(wal)&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	exec(t, db, "PRAGMA wal_autocheckpoint=0")
	return db
}

func exec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

// listing is the content of a folder.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		info, _ := e.Info()
		names = append(names, fmt.Sprint(e.Name(), " ", info.Size(), " ", info.Mode()))
	}
	return names
}

const goldenEvents = 13 // of testdata/decnet

func TestDecnetWhileWritten(t *testing.T) {
	path := buildDecnet(t, decnetDir, "")
	writer := openWriter(t, path)
	exec(t, writer, `INSERT INTO attackers VALUES ('wal-1', '192.0.2.50', NULL, '2026-05-04', '2026-05-04 01:00:00', '[{"command":"in the wal"}]', NULL, NULL)`)
	tx, err := writer.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`INSERT INTO attackers VALUES ('wal-2', '192.0.2.51', NULL, '2026-05-04', '2026-05-04 01:00:00', '[{"command":"not yet"}]', NULL, NULL)`); err != nil {
		t.Fatal(err)
	}
	if r := mustRead(t, path, Options{}); len(r.Events) != goldenEvents+1 {
		t.Errorf("%d events while a transaction is open, want %d", len(r.Events), goldenEvents+1)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events := 0
	for b, err := range f.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		events += len(b.Events)
		exec(t, writer, "UPDATE attackers SET last_seen = '2026-06-01'") // nobody is locked out
	}
	if events != goldenEvents+2 {
		t.Errorf("%d events, want %d", events, goldenEvents+2)
	}
}

// TestDecnetTwice reads a database that changes as DECNET's does: events keep their names,
// and their time may change.
func TestDecnetTwice(t *testing.T) {
	path := buildDecnet(t, decnetDir, "")
	first := mustRead(t, path, Options{})
	db := openWriter(t, path)
	exec(t, db, "UPDATE attackers SET last_seen = '2026-06-01 00:00:00', country_code = 'FR', identity_id = 'new'")
	exec(t, db, "UPDATE canary_triggers SET attacker_id = '11111111-0000-4000-8000-000000000001' WHERE src_ip = '203.0.113.7'")
	second := mustRead(t, path, Options{})
	for i := range first.Events {
		a, b := &first.Events[i], &second.Events[i]
		if a.ID != b.ID || !a.SameRecord(b) {
			t.Errorf("event %q has become another", a.ID)
		}
	}
	if e := second.Events[9]; e.AttackerUUID != "11111111-0000-4000-8000-000000000001" || e.AttackerOrigin != ttpcron.OriginRecorded || e.IdentityUUID != "new" {
		t.Errorf("after correlation: %+v", e)
	}
}

func TestDecnetLeavesNoTrace(t *testing.T) {
	path := buildDecnet(t, decnetDir, "PRAGMA journal_mode=wal")
	dir := filepath.Dir(path)
	before := listing(t, dir)
	if r := mustRead(t, path, Options{}); len(r.Events) != goldenEvents || len(r.Notes) != 1 {
		t.Errorf("%d events, notes %q", len(r.Events), r.Notes)
	}
	if after := listing(t, dir); !slices.Equal(before, after) {
		t.Errorf("before %q, after %q", before, after)
	}
}

// TestDecnetAfterCrash reads what a killed writer left: a -wal that nobody has open, with
// and without its -shm, and a journal.
func TestDecnetAfterCrash(t *testing.T) {
	path := buildDecnet(t, decnetDir, "")
	writer := openWriter(t, path)
	exec(t, writer, `INSERT INTO attackers VALUES ('wal-1', '192.0.2.50', NULL, '2026-05-04', '2026-05-04 01:00:00', '[{"command":"in the wal"}]', NULL, NULL)`)
	for name, suffixes := range map[string][]string{"with shm": {"", "-wal", "-shm"}, "without shm": {"", "-wal"}} {
		dir := t.TempDir()
		for _, suffix := range suffixes {
			data, err := os.ReadFile(path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, "decnet.db"+suffix, data)
		}
		before := listing(t, dir)
		if r := mustRead(t, filepath.Join(dir, "decnet.db"), Options{}); len(r.Events) != goldenEvents+1 {
			t.Errorf("%s: %d events, want %d; notes %q", name, len(r.Events), goldenEvents+1, r.Notes)
		}
		if after := listing(t, dir); !slices.Equal(before, after) {
			t.Errorf("%s: before %q, after %q", name, before, after)
		}
	}
}

// TestDecnetStarted: DECNET starts while its database is read as if nobody had it open.
func TestDecnetStarted(t *testing.T) {
	path := buildDecnet(t, decnetDir, "PRAGMA journal_mode=wal")
	f, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	exec(t, openWriter(t, path), "UPDATE attackers SET last_seen = '2026-06-01'")
	var last error
	for _, err := range f.Batches(t.Context()) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "import it again") {
		t.Errorf("error %v", last)
	}
}

func TestDecnetOlder(t *testing.T) {
	for name, tt := range map[string]struct {
		schema string
		events int
		notes  []string
		fails  bool
	}{
		"commands only": {
			`CREATE TABLE attackers (uuid TEXT, ip TEXT, first_seen TEXT, last_seen TEXT, commands TEXT);
			 INSERT INTO attackers VALUES ('a', '192.0.2.1', NULL, '2026-05-04 00:00:00', '[{"text":"id"}]')`,
			1, []string{
				"table attackers has no identity_id, country_code, as in older versions of DECNET: read without",
				"there is no table canary_triggers: no canary events are read",
			}, false,
		},
		"triggers without tokens and attackers": {
			`CREATE TABLE canary_triggers (uuid TEXT, occurred_at TEXT, src_ip TEXT);
			 INSERT INTO canary_triggers VALUES ('t', '2026-05-04 00:00:00', '192.0.2.1')`,
			1, []string{
				"there is no table attackers: no commands are read",
				"table canary_triggers has no token_uuid, user_agent, request_path, dns_qname, raw_headers, attacker_id, as in older versions of DECNET: read without",
				"there is no table canary_tokens: triggers are read without what their tokens are",
			}, false,
		},
		"another database":  {schema: `CREATE TABLE bookmarks (url TEXT)`, fails: true},
		"another attackers": {schema: `CREATE TABLE attackers (name TEXT)`, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a #%?.db")
			db, err := sql.Open("sqlite", "file:"+strings.NewReplacer(" ", "%20", "#", "%23", "%", "%25", "?", "%3f").Replace(path))
			if err != nil {
				t.Fatal(err)
			}
			exec(t, db, tt.schema)
			db.Close()
			r := readAll(t, path, Options{})
			var unknown *UnknownFormatError
			if tt.fails != errors.As(r.Err, &unknown) || !tt.fails && r.Err != nil {
				t.Fatal(r.Err)
			}
			if len(r.Events) != tt.events || !slices.Equal(r.Notes, tt.notes) {
				t.Errorf("%d events, notes %q", len(r.Events), r.Notes)
			}
		})
	}
}

func TestDecnetHostile(t *testing.T) {
	path := buildDecnet(t, decnetDir, "DELETE FROM attackers; DELETE FROM canary_triggers")
	db := openWriter(t, path)
	insert := func(uuid, commands string) {
		exec(t, db, `INSERT INTO attackers VALUES (?, '192.0.2.1', NULL, '2026-05-04', '2026-05-04 01:00:00', ?, NULL, NULL)`, uuid, commands)
	}
	insert("long", `["`+strings.Repeat("a", MaxRow)+`"]`)
	insert("deep", strings.Repeat("[", 1<<20))
	insert("many", "["+strings.Repeat(`{"command":"id"},`, 3*MaxBatchEvents)+`{"command":"id"}]`)
	insert("big", `[{"command":"`+strings.Repeat("b", MaxLine+1)+`"},{"command":"after"}]`)
	insert("nul", "[{\"command\":\"a\x00b\"}]")
	insert(strings.Repeat("u", 2000), `[{"command":"id"}]`)
	insert("", `[{"command":"nobody"}]`)
	r := mustRead(t, path, Options{})
	if len(r.Events) != 3*MaxBatchEvents+1+1+1 || r.Batches < 3 {
		t.Errorf("%d events in %d batches", len(r.Events), r.Batches)
	}
	if last := r.Events[len(r.Events)-1]; last.ID != "" || last.AttackerIP != "192.0.2.1" {
		t.Errorf("without uuid: %+v", last)
	}
	var reasons []string
	for _, j := range r.Rejects {
		reasons = append(reasons, j.Reason[:min(len(j.Reason), 60)])
	}
	want := []string{
		`table attackers: the row of "long" has 16777262 bytes, more `, `attacker "deep": commands: JSON is nested deeper than 128`,
		`attacker "big": entry 1 of commands: payload is longer than `, `attacker "nul": commands: malformed JSON at byte 15`,
		`attacker "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu`,
	}
	if !slices.Equal(reasons, want) {
		t.Errorf("rejects %q", reasons)
	}
}

// An export can be read back, however deep it is nested.
func TestDecnetDepthIsThatOfNativeEvents(t *testing.T) {
	nested := func(depth int) string {
		return strings.Repeat(`{"a":`, depth-1) + `{}` + strings.Repeat(`}`, depth-1)
	}
	for _, c := range []struct {
		headers, uid int // how deep
		reason       string
	}{
		{126, 126, ""},
		{127, 126, "is kept without its raw_headers: JSON is nested deeper than 126"},
		{126, 127, "commands: JSON is nested deeper than 128"},
	} {
		path := buildDecnet(t, decnetDir, "DELETE FROM attackers; DELETE FROM canary_triggers")
		db := openWriter(t, path)
		exec(t, db, `INSERT INTO canary_triggers (uuid, token_uuid, occurred_at, src_ip, raw_headers) VALUES ('t', 'k', '2026-05-04 00:00:00', '192.0.2.1', ?)`, nested(c.headers))
		exec(t, db, `INSERT INTO attackers (uuid, ip, first_seen, last_seen, commands) VALUES ('a', '192.0.2.1', '2026-05-04 00:00:00', '2026-05-04 00:00:00', ?)`, `[{"command":"id","uid":`+nested(c.uid)+`}]`)
		r := mustRead(t, path, Options{})
		if len(r.Rejects) > 0 != (c.reason != "") || c.reason != "" && !strings.Contains(r.Rejects[0].Reason, c.reason) {
			t.Errorf("%+v: rejects %+v", c, r.Rejects)
		}
		var exported []byte
		for i := range r.Events {
			exported = append(r.Events[i].AppendJSON(exported), '\n')
		}
		back := readBytes(t, exported, "events")
		if len(r.Events) == 0 || !slices.Equal(back.IDs(), r.IDs()) || len(back.Rejects) > 0 {
			t.Errorf("%+v: %d events, read back %d and rejects %+v", c, len(r.Events), len(back.Events), back.Rejects)
		}
	}
}

func TestDecnetStops(t *testing.T) {
	path := buildDecnet(t, decnetDir, "")
	exec(t, openWriter(t, path), `UPDATE attackers SET commands = ?`, "["+strings.Repeat(`{"command":"id"},`, 2*MaxBatchEvents)+`{"command":"id"}]`)
	f, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range f.Batches(t.Context()) {
		n++
		break
	}
	if err := f.Close(); n != 1 || err != nil {
		t.Errorf("%d batches, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f, err = Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var last error
	for _, err := range f.Batches(ctx) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("error %v", last)
	}
}

func TestDecnetDamaged(t *testing.T) {
	data, err := os.ReadFile(buildDecnet(t, decnetDir, ""))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"header only": data[:16], "cut off": data[:len(data)/2], "page of rubbish": append(data[:4096:4096], make([]byte, len(data)-4096)...),
	} {
		if r := readAll(t, write(t, t.TempDir(), "decnet.db", content), Options{}); r.Err == nil {
			t.Errorf("%s: no error, %d events", name, len(r.Events))
		}
	}
}

// TestDecnetAgain reads lists that were trimmed and re-ordered while attackers were seen
// again: a malformed entry is the same reject in any place, and a time that is not the
// command's own is marked as derived.
func TestDecnetAgain(t *testing.T) {
	path := buildDecnet(t, decnetDir, "DELETE FROM attackers; DELETE FROM canary_triggers")
	db := openWriter(t, path)
	set := func(uuid, seen, commands string) {
		exec(t, db, `DELETE FROM attackers WHERE uuid = ?`, uuid)
		exec(t, db, `INSERT INTO attackers VALUES (?, '192.0.2.1', NULL, '2026-05-04', ?, ?, NULL, NULL)`, uuid, seen, commands)
	}
	set("a", "2026-05-04 01:00:00", `[{"command":"id","timestamp":"2026-05-04 00:30:00"},{},7,{"command":"w"},{"command":"ps","ts":"never"}]`)
	set("b", "2026-05-04 01:00:00", `[{}]`)
	before := mustRead(t, path, Options{})
	set("a", "2026-05-09 01:00:00", `[7,{"command":"w"},{}]`)
	after := mustRead(t, path, Options{})
	ids := func(r result) (ids []string) {
		for i := range r.Rejects {
			ids = append(ids, fmt.Sprintf("%x", r.Rejects[i].Identity()))
		}
		slices.Sort(ids)
		return slices.Compact(ids)
	}
	if a, b := ids(before), ids(after); len(a) != 3 || !slices.Equal(a, b) {
		t.Errorf("rejects %s, then %s", a, b)
	}
	var origins []ttpcron.Origin
	for i := range before.Events {
		origins = append(origins, before.Events[i].TimeOrigin)
	}
	if !slices.Equal(origins, []ttpcron.Origin{ttpcron.OriginRecorded, ttpcron.OriginDerived, ttpcron.OriginDerived}) {
		t.Errorf("origins of times: %v", origins)
	}
	if len(after.Events) != 1 || after.Events[0].Time.Equal(before.Events[1].Time) || !after.Events[0].SameRecord(&before.Events[1]) {
		t.Errorf("events %+v", after.Events)
	}
}
