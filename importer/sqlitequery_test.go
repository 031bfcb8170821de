package importer

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/ttpcron/ttpcron"
)

const attackersTable = "CREATE TABLE attackers (uuid TEXT PRIMARY KEY, ip TEXT, last_seen TEXT, first_seen TEXT, commands TEXT, country_code TEXT, identity_id TEXT)"

// TestDatabaseIsNoProgram: what a database brings along that would run is not
// run. Each of these is endless, or computes.
func TestDatabaseIsNoProgram(t *testing.T) {
	endless := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT 'v'||i uuid, '1.2.3.4' ip, '2026-05-04 05:00:00' last_seen, '[{\"command\":\"id\"}]' commands FROM n"
	for _, tt := range []struct {
		name       string
		statements []string
		want       string
	}{
		{"a view", []string{"CREATE VIEW attackers AS " + endless}, "attackers is not a table; DECNET makes it a plain table"},
		{"a view of the other table", []string{attackersTable, "CREATE VIEW canary_triggers AS SELECT i uuid, '2026-05-04' occurred_at FROM (" + endless + ")"}, "canary_triggers is not a table; DECNET makes it a plain table"},
		{"a view that says that it is a table", []string{"CREATE VIEW attackers AS " + endless, "PRAGMA writable_schema=1", "UPDATE sqlite_schema SET type='table'"}, "malformed database schema"},
		{"a virtual table", []string{"CREATE VIRTUAL TABLE attackers USING fts5(uuid, commands)"}, "attackers is not a table; DECNET makes it a plain table"},
		{"computed columns", []string{"CREATE TABLE attackers (uuid TEXT, commands TEXT AS (hex(zeroblob(30000000))))"}, "attackers is a table with computed columns; DECNET"},
		{"stored computed columns", []string{"CREATE TABLE attackers (uuid TEXT, commands TEXT AS (uuid) STORED)"}, "attackers is a table with computed columns; DECNET"},
		{"no rowids", []string{"CREATE TABLE attackers (uuid TEXT PRIMARY KEY, commands TEXT) WITHOUT ROWID"}, "attackers is a table without rowids"},
		{"another rowid", []string{"CREATE TABLE attackers (uuid TEXT, commands TEXT, _rowid_ TEXT)"}, "attackers is a table with a column _rowid_"},
	} {
		path := filepath.Join(t.TempDir(), "d.db")
		w, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		w.SetMaxOpenConns(1)
		for _, s := range tt.statements {
			if _, err := w.Exec(s); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
		}
		w.Close()
		f, err := Open(t.Context(), path, Options{})
		if err == nil {
			f.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// openTest opens a database with attackers as Open does.
func openTest(t *testing.T, path string) *database {
	t.Helper()
	src, err := openFile(path, &Options{})
	if err != nil {
		t.Fatal(err)
	}
	src.close()
	d, err := openDatabaseFile(t.Context(), path, src)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.close() })
	return d
}

func makeDatabase(t *testing.T, rows int, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d.db")
	w := openWriter(t, path)
	exec(t, w, "PRAGMA journal_mode=DELETE")
	exec(t, w, "PRAGMA page_size=512")
	exec(t, w, "VACUUM")
	exec(t, w, attackersTable)
	exec(t, w, "INSERT INTO attackers(uuid, ip, last_seen, commands) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT 'u'||i, '192.0.2.1', '2026-05-04 05:00:00', '[{\"command\":\"id\"}]' FROM n LIMIT ?", rows)
	for _, s := range statements {
		exec(t, w, s)
	}
	w.Close()
	return path
}

// TestQueryEnds: a query that would not end in this life is given up, and what
// is forbidden is refused before it runs.
func TestQueryEnds(t *testing.T) {
	d := openTest(t, makeDatabase(t, 400))
	d.budget = 50 * time.Millisecond
	err := d.rows(t.Context(), "SELECT count(*) FROM attackers a, attackers b, attackers c, attackers d, attackers e, attackers f", nil, nil)
	if !errors.As(err, new(*TooLongError)) {
		t.Errorf("a query without end: %v", err)
	}
	d.budget = 0
	if err := d.rows(t.Context(), "SELECT 1", nil, nil); !errors.As(err, new(*TooLongError)) {
		t.Errorf("a query after the last: %v", err)
	}
	d.budget = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := d.rows(ctx, "SELECT count(*) FROM attackers a, attackers b, attackers c, attackers d, attackers e, attackers f", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a query that is cancelled: %v", err)
	}
	for _, q := range []string{
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT max(i) FROM n", "SELECT hex(zeroblob(100000000))", "ATTACH 'x' AS x",
		"CREATE TEMP TABLE x (y)", "PRAGMA trusted_schema = 1", "DELETE FROM attackers",
	} {
		if err := d.rows(t.Context(), q, nil, nil); err == nil {
			t.Errorf("%s was run", q)
		}
	}
}

// TestMemoryOfDatabase: the bounds on what SQLite takes are in force.
func TestMemoryOfDatabase(t *testing.T) {
	d := openTest(t, makeDatabase(t, 1))
	for _, l := range limits {
		if got, err := sqlite.Limit(d.conn, l.id, -1); err != nil || got != l.value {
			t.Errorf("limit %d is %d, want %d, %v", l.id, got, l.value, err)
		}
	}
	var pages int
	if err := d.rows(t.Context(), "PRAGMA cache_size", nil, func(r *sql.Rows) error { return r.Scan(&pages) }); err != nil || pages != -cacheKiB {
		t.Errorf("the cache is %d, %v", pages, err)
	}
	// Of a row that is too large as a whole no column is loaded.
	path := makeDatabase(t, 0, "ALTER TABLE attackers ADD COLUMN more TEXT",
		"INSERT INTO attackers(uuid, ip, commands, country_code) VALUES ('large', hex(zeroblob(9000000)), hex(zeroblob(9000000)), '')",
		"INSERT INTO attackers(uuid, commands, last_seen) VALUES ('small', '[{\"command\":\"id\"}]', '2026-05-04 05:00:00')")
	d = openTest(t, path)
	r, err := openDecnet(t.Context(), &decnet, d, Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	q := r.(*decnetReader).commandsQuery()
	err = d.rows(t.Context(), q.byID(), []any{1, 1}, func(rows *sql.Rows) error {
		values := make([]any, len(q.columns)+1)
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values[2:] {
			if v != nil {
				t.Errorf("column %d was loaded", i)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := mustRead(t, path, Options{})
	if len(got.Events) != 1 || len(got.Rejects) != 1 || !strings.Contains(got.Rejects[0].Reason, `the row of "large" has`) {
		t.Errorf("%d events, rejects %+v", len(got.Events), got.Rejects)
	}
}

// TestTriggersSortFirst: the query that is read while others run has done its
// work before its first row.
func TestTriggersSortFirst(t *testing.T) {
	d := openTest(t, makeDatabase(t, 1, "CREATE TABLE canary_triggers (uuid TEXT PRIMARY KEY, occurred_at TEXT, src_ip TEXT, attacker_id TEXT, token_uuid TEXT)", "CREATE TABLE canary_tokens (uuid TEXT PRIMARY KEY)"))
	r, err := openDecnet(t.Context(), &decnet, d, Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	q := r.(*decnetReader).triggersQuery()
	var plan []string
	err = d.rows(t.Context(), "EXPLAIN QUERY PLAN "+d.idsQuery(&q, 0), nil, func(rows *sql.Rows) error {
		var id, parent, unused int
		var detail string
		err := rows.Scan(&id, &parent, &unused, &detail)
		plan = append(plan, detail)
		return err
	})
	if err != nil || !strings.Contains(strings.Join(plan, "\n"), "USE TEMP B-TREE FOR ORDER BY") {
		t.Errorf("%q, %v", plan, err)
	}
}

// loop makes the pages of a table lead to each other: each of the first pages
// names the next as all of its children, so that there are more ways through the
// file than can be walked.
func loop(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const size = 512
	var inner []int // pages of the kind that holds children of a table
	leaf := 0
	for p := 2; p*size <= len(data); p++ {
		switch data[(p-1)*size] {
		case 5:
			inner = append(inner, p)
		case 13:
			leaf = p
		}
	}
	if len(inner) < 2 || leaf == 0 {
		t.Fatalf("inner pages %v, leaf %d", inner, leaf)
	}
	for i, p := range inner {
		next := leaf
		if i+1 < len(inner) {
			next = inner[i+1]
		}
		page := data[(p-1)*size : p*size]
		clear(page)
		const cells = 60
		page[0] = 5
		binary.BigEndian.PutUint16(page[3:], cells)
		binary.BigEndian.PutUint16(page[5:], size-cells*5)
		binary.BigEndian.PutUint32(page[8:], uint32(next))
		for c := range cells {
			at := size - (c+1)*5
			binary.BigEndian.PutUint16(page[12+2*c:], uint16(at))
			binary.BigEndian.PutUint32(page[at:], uint32(next))
			page[at+4] = byte(c)
		}
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLoopInDatabase reads a table whose pages give each row 60 to the power of
// its depth times.
func TestLoopInDatabase(t *testing.T) {
	path := makeDatabase(t, 3000)
	loop(t, path)
	got := readAll(t, path, Options{})
	if len(got.Events) > 3000 || got.Err == nil && !strings.Contains(strings.Join(got.Notes, ";"), "rows of table attackers were counted") {
		t.Errorf("%d events, %v, notes %q", len(got.Events), got.Err, got.Notes)
	}
}

func TestOddCompanion(t *testing.T) {
	path := makeDatabase(t, 1)
	if err := syscall.Mkfifo(path+"-journal", 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, Options{})
	if odd := (*ttpcron.NotRegularError)(nil); !errors.As(err, &odd) || odd.Path != path+"-journal" {
		t.Errorf("a FIFO in the place of the journal: %v", err)
	}
}

// TestJoinedRowsInPages: every row is read once, however many are read at once, and whatever
// it is joined with.
func TestJoinedRowsInPages(t *testing.T) {
	path := makeDatabase(t, 0, "CREATE TABLE a (x)", "CREATE TABLE b (x)", "INSERT INTO b VALUES (1), (1), (1), (1), (1), (2), (NULL)",
		"INSERT INTO a(_rowid_, x) VALUES (-9223372036854775808, 1), (-5, 3), (0, 2), (1, 1), (2, NULL), (7, 1), (9223372036854775807, 2)")
	for _, sorted := range []int{1, 2, 3, 5, 7, 100} {
		d := openTest(t, path)
		d.sorted = sorted
		var got []string
		q := rowQuery{table: "a", alias: "a", columns: []string{"a._rowid_", "b.x"}, joins: []rowJoin{{table: "b", alias: "b", on: "b.x = a.x"}}}
		err := d.each(t.Context(), &q, func(c []column) error {
			got = append(got, c[1].text()+" "+c[2].text())
			return nil
		})
		want := "-9223372036854775808 1,-5 ,0 2,1 1,2 ,7 1,9223372036854775807 2"
		if err != nil || strings.Join(got, ",") != want {
			t.Errorf("%d at once: %q, %v", sorted, strings.Join(got, ","), err)
		}
	}
}

// TestOwnerMayWrite: while a row is dealt with, the owner of the database can write to it.
func TestOwnerMayWrite(t *testing.T) {
	path := makeDatabase(t, 3, "CREATE TABLE b (x)", "INSERT INTO b VALUES ('u1')")
	d := openTest(t, path)
	w, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, joins := range [][]rowJoin{nil, {{table: "b", alias: "b", on: "b.x = a.uuid"}}} {
		q := rowQuery{table: "attackers", alias: "a", columns: []string{"a.uuid"}, joins: joins}
		rows := 0
		err := d.each(t.Context(), &q, func([]column) error {
			rows++
			return nil
		})
		if err != nil || rows != 3 {
			t.Fatalf("%d rows, %v", rows, err)
		}
		some := false
		err = d.ids(t.Context(), &q, func([]any) error {
			if !some {
				exec(t, w, "INSERT INTO b VALUES ('more')")
			}
			some = true
			return nil
		})
		if err != nil || !some {
			t.Error(err)
		}
	}
}
