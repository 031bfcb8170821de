package mysqldb

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
	"time"

	_ "modernc.org/sqlite"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

// reading is what an import of a database gave.
type reading struct {
	events  []ttpcron.Event
	ids     []string
	rejects []string
	notes   []string
	format  string
	err     error
}

func read(ctx context.Context, path string) (r reading) {
	f, err := importer.Open(ctx, path, importer.Options{Connect: Connect, Named: true})
	if err != nil {
		r.err = err
		return r
	}
	defer f.Close()
	for b, err := range f.Batches(ctx) {
		if err != nil {
			r.err = err
			break
		}
		r.events = append(r.events, b.Events...)
		for i := range b.Rejects {
			r.rejects = append(r.rejects, b.Rejects[i].Reason)
		}
	}
	r.notes, r.format = f.Notes(), f.Format()
	for i := range r.events {
		r.ids = append(r.ids, r.events[i].ID+" "+r.events[i].ContentID())
	}
	slices.Sort(r.ids)
	slices.Sort(r.rejects)
	return r
}

func passwordFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sqliteDecnet has the same rows in SQLite.
func sqliteDecnet(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "decnet.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statements := range testdata(t, "schema.sql", "rows.sql") {
		if _, err := db.Exec(statements); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestServer is all that needs a real server, which takes seconds to start.
func TestServer(t *testing.T) {
	s := startServer(t)
	s.decnet(t)
	name := "mysql://" + testUser + "@" + s.address + "/decnet?password-file=" + passwordFile(t, testPassword+"\r\nmore")
	want := read(t.Context(), sqliteDecnet(t))
	if want.err != nil || len(want.ids) < 10 {
		t.Fatalf("%d events, %v", len(want.ids), want.err)
	}

	t.Run("same as SQLite", func(t *testing.T) {
		got := read(t.Context(), name)
		if f, err := importer.Open(t.Context(), name, importer.Options{Connect: Connect}); err != nil || f.Recognition().Encoding != "" || f.Recognition().Format != "decnet" {
			t.Errorf("%+v, %v", f, err)
		} else {
			f.Close()
		}
		if got.err != nil || !slices.Equal(got.ids, want.ids) || !slices.Equal(got.rejects, want.rejects) || got.format != "decnet" || !slices.Equal(got.notes, want.notes) {
			t.Errorf("%v\nevents  %q\nwant    %q\nrejects %q\nwant    %q\nnotes %q", got.err, got.ids, want.ids, got.rejects, want.rejects, got.notes)
		}
		for i := range got.events { // what is no part of an event's identity
			a, b := &got.events[i], &want.events[slices.IndexFunc(want.events, func(e ttpcron.Event) bool {
				return e.ID == got.events[i].ID && e.ContentID() == got.events[i].ContentID()
			})]
			if string(a.AppendJSON(nil)) != string(b.AppendJSON(nil)) {
				t.Errorf("%s\nwant %s", a.AppendJSON(nil), b.AppendJSON(nil))
			}
		}
		if again := read(t.Context(), name); !slices.Equal(again.ids, got.ids) {
			t.Error("read again, there are other events")
		}
	})

	t.Run("names", func(t *testing.T) {
		t.Setenv(PasswordVariable, testPassword)
		for _, name := range []string{
			"mysql://" + testUser + "@" + s.address + "/decnet",
			"MariaDB://" + testUser + "@localhost/decnet?socket=" + s.socket,
		} {
			if got := read(t.Context(), name); got.err != nil || len(got.ids) != len(want.ids) {
				t.Errorf("%s: %d events, %v", name, len(got.ids), got.err)
			}
		}
	})

	t.Run("encrypted", func(t *testing.T) {
		s.run(t, "decnet", "CREATE USER 'safe'@'%' IDENTIFIED BY '"+testPassword+"' REQUIRE SSL; GRANT SELECT ON decnet.* TO 'safe'@'%'")
		safe := strings.Replace(name, testUser+"@", "safe@", 1)
		if got := read(t.Context(), safe+"&tls=verify&ca="+s.dir+"/cert.pem"); got.err != nil || len(got.ids) != len(want.ids) {
			t.Errorf("%d events, %v", len(got.ids), got.err)
		}
		if got := read(t.Context(), safe); got.err == nil || !strings.Contains(got.err.Error(), "Access denied") {
			t.Errorf("not encrypted: %v", got.err)
		}
	})

	t.Run("twice into a store", func(t *testing.T) {
		store, err := kv.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), kv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		for i, want := range []struct{ fresh, known int }{{len(want.ids), 0}, {0, len(want.ids)}} {
			im := &jobs.Import{Archive: store, Inputs: []jobs.Input{{Name: name, Open: func(ctx context.Context, known jobs.Known) (jobs.File, error) {
				return importer.Open(ctx, name, importer.Options{Connect: Connect, Positions: known.Positions, Look: known.Look, Named: true})
			}}}}
			files, err := im.Run(t.Context())
			if err != nil || len(files) != 1 || files[0].New != want.fresh || files[0].Known != want.known || files[0].Changed != 0 {
				t.Errorf("import %d: %+v, %v", i+1, files, err)
			}
		}
	})

	t.Run("refused", func(t *testing.T) {
		t.Setenv(PasswordVariable, "wrong secret")
		for name, want := range map[string]string{
			"mysql://" + testUser + "@" + s.address + "/decnet":                                                                    "Access denied for user",
			"mysql://" + testUser + "@" + s.address + "/decnet?password-file=/nowhere":                                             "password-file: stat /nowhere",
			"mysql://" + testUser + "@" + s.address + "/decnet?password-file=" + passwordFile(t, ""):                               "has nothing in its first line",
			"mysql://" + testUser + "@" + s.address + "/decnet?tls=verify":                                                         "certificate",
			"mysql://" + testUser + "@localhost:" + s.address[len("127.0.0.1:"):] + "/decnet?tls=verify&ca=" + s.dir + "/cert.pem": "certificate",
			"mysql://" + testUser + "@" + s.address + "/decnet?tls=verify&ca=" + passwordFile(t, "x"):                              "has no certificate in PEM",
			"mysql://" + testUser + "@127.0.0.1:1/decnet":                                                                          "connection refused",
			name + "&ca=/x": "ca has no use",
		} {
			got := read(t.Context(), name)
			if got.err == nil || !strings.Contains(got.err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, got.err, want)
			} else if strings.Contains(got.err.Error(), "secret") || strings.Contains(got.err.Error(), testPassword) {
				t.Errorf("%s: a password in %v", name, got.err)
			}
		}
	})

	t.Run("only reads", func(t *testing.T) {
		// As root, who may do everything, nothing is written.
		f, err := importer.Open(t.Context(), "mysql://root@localhost/decnet?socket="+s.socket, importer.Options{Connect: func(ctx context.Context, s *importer.Server) (importer.ServerConn, error) {
			c, err := Connect(ctx, s)
			return &writing{c, t}, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	})

	t.Run("programs and large rows", func(t *testing.T) {
		s.run(t, "decnet", "CREATE DATABASE odd; GRANT SELECT ON odd.* TO '"+testUser+"'@'%'; CREATE VIEW odd.attackers AS SELECT * FROM decnet.attackers")
		odd := strings.Replace(name, "/decnet", "/odd", 1)
		if got := read(t.Context(), odd); got.err == nil || !strings.Contains(got.err.Error(), "attackers is not a table; DECNET makes it") {
			t.Errorf("a view: %v", got.err)
		}
		s.run(t, "decnet", "DROP VIEW odd.attackers; CREATE TABLE odd.attackers (uuid VARCHAR(64), commands LONGTEXT AS (repeat(uuid, 10)))")
		if got := read(t.Context(), odd); got.err == nil || !strings.Contains(got.err.Error(), "a table with computed columns") {
			t.Errorf("computed columns: %v", got.err)
		}
		s.run(t, "decnet", "DROP TABLE odd.attackers; CREATE TABLE odd.attackers (UUID BINARY(4), IP VARCHAR(64) CHARACTER SET latin1, last_seen DATETIME(6), commands LONGBLOB)")
		s.run(t, "decnet", "INSERT INTO odd.attackers VALUES ('long', '192.0.2.1', '2026-05-04 01:00:00.25', repeat('x', 20000000)), ('some', '192.0.2.1', '2026-05-04 01:00:00.25', '[{\"command\":\"id\"}]')")
		got := read(t.Context(), odd)
		if got.err != nil || len(got.events) != 1 || len(got.rejects) != 1 || !strings.Contains(got.rejects[0], `the row of "long" has 20000`) {
			t.Errorf("%d events, rejects %q, %v", len(got.events), got.rejects, got.err)
		} else if at := time.Date(2026, 5, 4, 1, 0, 0, 250_000_000, time.UTC); !got.events[0].Time.Equal(at) || got.events[0].AttackerUUID != "some" {
			t.Errorf("%+v", got.events[0])
		}
		if len(got.notes) != 2 || !strings.Contains(got.notes[0], "table attackers has no identity_id, first_seen, country_code") {
			t.Errorf("notes %q", got.notes)
		}
		s.run(t, "decnet", "CREATE DATABASE none; GRANT SELECT ON none.* TO '"+testUser+"'@'%'")
		if got := read(t.Context(), strings.Replace(name, "/decnet", "/none", 1)); got.err == nil || !strings.Contains(got.err.Error(), "without the tables attackers and canary_triggers") {
			t.Errorf("an empty database: %v", got.err)
		}
	})

	t.Run("one moment, and a server that is killed", func(t *testing.T) {
		s.run(t, "decnet", "DELETE FROM canary_triggers; DELETE FROM attackers")
		const rows = 12000
		s.run(t, "decnet", fmt.Sprintf("INSERT INTO attackers SELECT concat('a', seq), '192.0.2.1', NULL, '2026-05-04', '2026-05-04 01:00:00', '[{\"command\":\"%s\"}]', NULL, NULL FROM seq_1_to_%d", strings.Repeat("x", 3000), rows))
		f, err := importer.Open(t.Context(), name, importer.Options{Connect: Connect})
		if err != nil {
			t.Fatal(err)
		}
		events := 0
		for b, err := range f.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if events == 0 {
				s.run(t, "decnet", "INSERT INTO attackers SELECT concat('b', seq), '192.0.2.1', NULL, '2026-05-04', '2026-05-04 01:00:00', '[{\"command\":\"later\"}]', NULL, NULL FROM seq_1_to_10")
			}
			events += len(b.Events)
		}
		if f.Close(); events != rows {
			t.Errorf("%d events while others write, want %d", events, rows)
		}

		if f, err = importer.Open(t.Context(), name, importer.Options{Connect: Connect}); err != nil {
			t.Fatal(err)
		}
		events = 0
		program := s.process.Path
		for b, berr := range f.Batches(t.Context()) {
			events, err = events+len(b.Events), berr
			s.kill()
		}
		f.Close()
		if events == 0 || events >= rows || err == nil || !strings.Contains(err.Error(), "read table attackers after row") {
			t.Errorf("killed: %d events, %v", events, err)
		}
		if got := read(t.Context(), name); got.err == nil || !strings.Contains(got.err.Error(), "connection refused") {
			t.Errorf("gone: %v", got.err)
		}
		s.start(t, program)
		if got := read(t.Context(), name); got.err != nil || len(got.events) != rows+10 {
			t.Errorf("started again: %d events, %v", len(got.events), got.err)
		}
	})

	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f, err := importer.Open(ctx, name, importer.Options{Connect: Connect})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var last error
		for _, err := range f.Batches(ctx) {
			last = err
			cancel()
		}
		if last != context.Canceled {
			t.Errorf("error %v", last)
		}
	})
}

// writing tries to write once the transaction has begun.
type writing struct {
	importer.ServerConn
	t *testing.T
}

func (w *writing) Query(ctx context.Context, query string, most int, row func(values [][]byte) error) error {
	err := w.ServerConn.Query(ctx, query, most, row)
	if err != nil || !strings.HasPrefix(query, "START") {
		return err
	}
	for _, try := range []string{"DELETE FROM attackers", "CREATE TABLE x (y INT)", "INSERT INTO attackers (uuid) VALUES ('x')", "SELECT 1; SELECT 2"} {
		if err := w.ServerConn.Query(ctx, try, 1000, func([][]byte) error { return nil }); !errors.As(err, new(*Error)) {
			w.t.Errorf("%s: %v", try, err)
		}
	}
	return nil
}
