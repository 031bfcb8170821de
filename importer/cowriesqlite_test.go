package importer

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

var cowrieDatabaseDir = filepath.Join("testdata", "cowrie-sqlite")

// databaseOf makes a database of statements.
func databaseOf(t testing.TB, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return path
}

// statementsOf are those of testdata.
func statementsOf(t testing.TB, dir string, names ...string) (all []string) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// outputSQLite writes the records of a JSON log to a database as Cowrie's output_sqlite
// does, and returns how many rows each table has.
func outputSQLite(t *testing.T, path string, log []byte) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec(t, db, statementsOf(t, cowrieDatabaseDir, "schema.sql")[0])
	exec(t, db, "BEGIN")
	rows := map[string]int{}
	insert := func(table, columns string, values ...any) {
		marks := strings.TrimSuffix(strings.Repeat("?,", len(values)), ",")
		exec(t, db, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, columns, marks), values...)
		rows[table]++
	}
	sensors := map[any]int{}
	for line := range strings.Lines(string(log)) {
		var r map[string]any
		if json.Unmarshal([]byte(line), &r) != nil {
			continue
		}
		session, at := r["session"], r["timestamp"]
		switch r["eventid"] {
		case "cowrie.session.connect":
			if sensors[r["sensor"]] == 0 {
				sensors[r["sensor"]] = len(sensors) + 1
				insert("sensors", "id, ip", sensors[r["sensor"]], r["sensor"])
			}
			insert("sessions", "id, starttime, sensor, ip", session, at, sensors[r["sensor"]], r["src_ip"])
		case "cowrie.session.closed":
			exec(t, db, "UPDATE sessions SET endtime = ? WHERE id = ?", at, session)
		case "cowrie.login.success":
			insert("auth", "session, success, username, password, timestamp", session, 1, r["username"], r["password"], at)
		case "cowrie.login.failed":
			insert("auth", "session, success, username, password, timestamp", session, 0, r["username"], r["password"], at)
		case "cowrie.command.input":
			insert("input", "session, timestamp, success, input", session, at, 1, r["input"])
		case "cowrie.command.failed":
			insert("input", "session, timestamp, success, input", session, at, 0, r["input"])
		case "cowrie.session.file_download":
			url, _ := r["url"].(string)
			insert("downloads", "session, timestamp, url, outfile, shasum", session, at, url, r["outfile"], r["shasum"])
		case "cowrie.session.file_download.failed":
			insert("downloads", "session, timestamp, url, outfile, shasum", session, at, r["url"], "NULL", "NULL")
		case "cowrie.direct-tcpip.request":
			insert("ipforwards", "session, timestamp, dst_ip, dst_port", session, at, r["dst_ip"], r["dst_port"])
		case "cowrie.direct-tcpip.data":
			insert("ipforwardsdata", "session, timestamp, dst_ip, dst_port, data", session, at, r["dst_ip"], r["dst_port"], r["data"])
		}
	}
	exec(t, db, "COMMIT")
	return rows
}

const cowrieLog = `{"eventid":"cowrie.session.connect","src_port":40000,"dst_ip":"198.51.100.2","dst_port":2222,"protocol":"ssh","sensor":"hp1","timestamp":"2025-10-18T01:02:01.100001Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.login.failed","username":"root","password":"","sensor":"hp1","timestamp":"2025-10-18T01:02:02.000000Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.login.success","username":"root","password":"a\u0000\"\\\u00e4\u2028","sensor":"hp1","timestamp":"2025-10-18T01:02:02.100002Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.command.input","input":"nproc; foo\u001b[0m","sensor":"hp1","timestamp":"2025-10-18T01:02:03.100003Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.command.failed","input":"foo","sensor":"hp1","timestamp":"2025-10-18T01:02:03.100303Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.command.input","input":"","sensor":"hp1","timestamp":"2025-10-18T01:02:04.100003Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.session.file_download","url":"http://192.0.2.9/x.sh","outfile":"dl/0a","shasum":"0a","sensor":"hp1","timestamp":"2025-10-18T01:02:05.100003Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.session.file_download.failed","url":"http://192.0.2.9/y.sh","sensor":"hp1","timestamp":"2025-10-18T01:02:06.100003Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.direct-tcpip.request","dst_ip":"ya.example","dst_port":80,"src_port":1,"sensor":"hp1","timestamp":"2025-10-18T01:02:07.100003Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.direct-tcpip.data","dst_ip":"ya.example","dst_port":80,"data":"b'GET /'","sensor":"hp1","timestamp":"2025-10-18T01:02:08.100003Z","src_ip":"203.0.113.50","session":"a1"}
{"eventid":"cowrie.session.closed","duration":"8.0","sensor":"hp1","timestamp":"2025-10-18T01:02:09.100009Z","src_ip":"203.0.113.50","session":"a1"}
`

// TestCowrieDatabaseIsItsLog: what Cowrie writes to both gives the same events, and a
// database has none that its log does not have.
func TestCowrieDatabaseIsItsLog(t *testing.T) {
	logs := map[string][]byte{"made": []byte(cowrieLog)}
	shared, _ := filepath.Glob("/work/shared/data/cowrie/*/cowrie.json*[0-9]")
	for _, path := range shared {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		logs[path] = text
	}
	for name, text := range logs {
		path := filepath.Join(t.TempDir(), "cowrie.db")
		rows := outputSQLite(t, path, text)
		log := mustRead(t, write(t, t.TempDir(), "cowrie.json", text), Options{Format: "cowrie"})
		got := mustRead(t, path, Options{})
		if got.Format != "cowrie-sqlite" || len(got.Rejects) != 0 || len(got.Notes) != 0 {
			t.Fatalf("%s: %s, rejects %+v, notes %q", name, got.Format, got.Rejects, got.Notes)
		}
		logged := map[string]*ttpcron.Event{}
		counts, without := map[ttpcron.SourceKind]int{}, 0
		for i := range log.Events {
			e := &log.Events[i]
			logged[e.ContentID()] = e
		}
		for i := range got.Events {
			e := &got.Events[i]
			of := logged[e.ContentID()]
			if of == nil {
				if e.AttackerIP == "" {
					without++ // the file lacks the beginning of its session
					continue
				}
				if _, named := e.Payload.Text("filename"); e.Kind == ttpcron.FileTransfer && !named {
					continue // its record has destfile, which the table lacks
				}
				t.Errorf("%s: not in the log: %s", name, e.AppendJSON(nil))
				continue
			}
			counts[e.Kind]++
			if e.AttackerOrigin != of.AttackerOrigin || e.AddressOrigin != of.AddressOrigin {
				t.Errorf("%s: origins %v, %v", name, e, of)
			}
		}
		want := map[ttpcron.SourceKind]int{}
		for i := range log.Events {
			switch e := &log.Events[i]; e.Kind {
			case ttpcron.Command, ttpcron.AuthAttempt, ttpcron.Tunnel:
				want[e.Kind]++
			}
		}
		maps.DeleteFunc(counts, func(k ttpcron.SourceKind, _ int) bool { return k == ttpcron.SessionFact || k == ttpcron.FileTransfer })
		if name == "made" && !maps.Equal(counts, want) || counts[ttpcron.AuthAttempt]+without != rows["auth"] || counts[ttpcron.Tunnel] != rows["ipforwards"]+rows["ipforwardsdata"] {
			t.Errorf("%s: %v of %v, rows %v", name, counts, want, rows)
		}
	}
}

func TestCowrieDatabaseShared(t *testing.T) {
	path := "/work/shared/data/faults/33-cowrie-sqlite/56-cowrie.db"
	if _, err := os.Stat(path); err != nil {
		t.Skip("not here")
	}
	r := mustRead(t, path, Options{})
	i := slices.IndexFunc(r.Events, func(e ttpcron.Event) bool { return e.Kind == ttpcron.Command })
	if len(r.Events) != 2 || i < 0 {
		t.Fatalf("%d events", len(r.Events))
	}
	e := r.Events[i]
	if text, _ := e.Payload.Text("command_text"); text != "uname -a" || e.AttackerIP != "203.0.113.50" || e.SessionID != "a1b2c3d4e5f6" || e.DeckyID != "hp1" ||
		!e.Time.Equal(time.Date(2025, 10, 18, 1, 2, 3, 100003000, time.UTC)) {
		t.Errorf("%s", e.AppendJSON(nil))
	}
}

// TestCowrieDatabaseOther: other columns, types and orders.
func TestCowrieDatabaseOther(t *testing.T) {
	const sensors = "CREATE TABLE sensors (ip TEXT, id INTEGER PRIMARY KEY); INSERT INTO sensors VALUES ('hp1', 1)"
	for name, tt := range map[string]struct {
		schema string
		events int
		notes  []string
		reject string
	}{
		"Kippo": {
			`CREATE TABLE sessions (id CHAR(32) PRIMARY KEY, starttime DATETIME, endtime DATETIME, sensor INT, ip VARCHAR(15), termsize VARCHAR(7), client INT);
			 CREATE TABLE auth (id INTEGER PRIMARY KEY, session CHAR(32), success TINYINT, username VARCHAR, password VARCHAR, timestamp DATETIME);
			 CREATE TABLE input (id INTEGER PRIMARY KEY, session CHAR(32), timestamp DATETIME, realm VARCHAR, success TINYINT, input TEXT);
			 INSERT INTO sessions VALUES ('a', '2012-05-01 10:00:00', NULL, 1, '192.0.2.1', NULL, NULL);
			 INSERT INTO auth VALUES (1, 'a', 1, 'root', '123456', '2012-05-01 10:00:01'); INSERT INTO input VALUES (1, 'a', '2012-05-01 10:00:02', NULL, 0, 'foo')`,
			3, []string{"there are no tables downloads, keyfingerprints, ipforwards, ipforwardsdata, params, clients, as in older versions of Cowrie: read without"}, "",
		},
		"without columns, in another order": {
			`CREATE TABLE sessions (ip, starttime, id); CREATE TABLE input (input, timestamp, session);
			 INSERT INTO sessions VALUES ('192.0.2.1', 1760749323.5, 7); INSERT INTO input VALUES ('id', '2025-10-18T01:02:03.5Z', 7)`,
			2, []string{"table sessions has no endtime, sensor, termsize, client, as in older versions of Cowrie: read without", "table input has no realm, success, as in older versions of Cowrie: read without",
				"there are no tables auth, downloads, keyfingerprints, ipforwards, ipforwardsdata, params, clients, as in older versions of Cowrie: read without"}, "",
		},
		"other types": {
			`CREATE TABLE sessions (id BLOB, starttime, endtime, sensor, ip, termsize, client); CREATE TABLE input (session BLOB, timestamp, realm, success, input);
			 INSERT INTO sessions VALUES (x'ff00', '2025-10-18T01:02:03.5Z', 5, 'x', 4.5, 6, 'c'); INSERT INTO input VALUES (x'ff00', '2025-10-18T01:02:03.5Z', 0.0, '1', 17)`,
			2, nil, `session "\xff\x00": timestamp "5" is not a time`,
		},
		"a session that is there often": {
			`CREATE TABLE sessions (id, starttime, ip, endtime, sensor, termsize, client); CREATE TABLE input (session, timestamp, input, success, realm);
			 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<300) INSERT INTO sessions SELECT 'a', '2025-10-18T01:02:03.'||i||'Z', '192.0.2.1', NULL, 1, NULL, NULL FROM n;
			 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<10) INSERT INTO input SELECT 'a', '2025-10-18T01:02:03.'||i||'Z', 'id', 1, NULL FROM n`,
			310, nil, "",
		},
		"a row that is too long": {
			`CREATE TABLE sessions (id, starttime, ip); CREATE TABLE input (session, timestamp, input);
			 INSERT INTO input VALUES ('long', '2025-10-18T01:02:03.5Z', hex(zeroblob(2200000))), ('short', '2025-10-18T01:02:03.5Z', 'id')`,
			1, nil, `table input: the row of "long" has 4400026 bytes, more than 4194304`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRead(t, databaseOf(t, sensors, tt.schema), Options{})
			if r.Format != "cowrie-sqlite" || len(r.Events) != tt.events || tt.notes != nil && !slices.Equal(r.Notes, tt.notes) {
				t.Errorf("%s, %d events, notes %q", r.Format, len(r.Events), r.Notes)
			}
			if tt.reject == "" && len(r.Rejects) > 0 || tt.reject != "" && (len(r.Rejects) != 1 || r.Rejects[0].Reason != tt.reject) {
				t.Errorf("rejects %+v", r.Rejects)
			}
		})
	}
}

// TestCowrieDatabaseIsNoProgram: a view in the place of a table is refused, and so named.
func TestCowrieDatabaseIsNoProgram(t *testing.T) {
	_, err := Open(t.Context(), databaseOf(t, "CREATE TABLE sessions (id, starttime, ip)", "CREATE VIEW input AS SELECT 'a' session, '2025-10-18' timestamp, 'id' input"), Options{})
	if err == nil || !strings.Contains(err.Error(), "input is not a table; Cowrie makes it a plain table") {
		t.Error(err)
	}
	// Another program's table of that name is no reason to refuse it.
	r := mustRead(t, databaseOf(t, "CREATE VIEW attackers AS SELECT 1", statementsOf(t, cowrieDatabaseDir, "schema.sql")[0], statementsOf(t, cowrieDatabaseDir, "rows.sql")[0]), Options{})
	if r.Format != "cowrie-sqlite" {
		t.Error(r.Format)
	}
}

// TestDatabasesDamaged overwrites each page of a database in turn: reading ends, with as
// many events as there are at most, or an error.
func TestDatabasesDamaged(t *testing.T) {
	for _, format := range []string{"cowrie-sqlite", "dionaea-sqlite", "decnet"} {
		dir := filepath.Join("testdata", format)
		statements := append([]string{"PRAGMA page_size=512"}, statementsOf(t, dir, "schema.sql", "rows.sql")...)
		path := databaseOf(t, statements...)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		most := len(mustRead(t, path, Options{}).Events)
		failed := 0
		for at := 0; at < len(whole); at += 512 {
			for _, with := range []byte{0, 0xff, 5, 13} {
				data := slices.Clone(whole)
				from := at
				if at == 0 {
					from = 100 // the header has tests of its own
				}
				for i := from; i < at+512; i += 1 + int(with)%3 {
					data[i] = with
				}
				r := readAll(t, write(t, t.TempDir(), "d.db", data), Options{})
				if len(r.Events) > most {
					t.Errorf("%s: page %d of %#x: %d events of %d", format, at/512+1, with, len(r.Events), most)
				}
				if r.Err != nil {
					failed++
				}
			}
		}
		if failed == 0 {
			t.Errorf("%s: no damage was an error", format)
		}
	}
}

// TestCowrieDatabaseBesideLog: in a folder the log has it all, and the database only what
// is older.
func TestCowrieDatabaseBesideLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cowrie.db")
	outputSQLite(t, path, []byte(cowrieLog+strings.NewReplacer(`"a1"`, `"a0"`, "2025-10-18", "2024-10-18").Replace(cowrieLog)))
	alone := mustRead(t, path, Options{})
	log := mustRead(t, write(t, dir, "cowrie.json", []byte(cowrieLog)), Options{})
	r := mustRead(t, path, Options{})
	if len(r.Events) != len(log.Events) || len(alone.Events) != 2*len(r.Events) || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "is left to cowrie.json beside it") {
		t.Errorf("%d of %d events, the log has %d, notes %q", len(r.Events), len(alone.Events), len(log.Events), r.Notes)
	}
	for i := range r.Events {
		if r.Events[i].Time.Year() != 2024 {
			t.Errorf("%s", r.Events[i].AppendJSON(nil))
		}
	}
	if r := mustRead(t, path, Options{Named: true}); len(r.Events) != len(alone.Events) || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "come twice") {
		t.Errorf("named: %d events, notes %q", len(r.Events), r.Notes)
	}
}

func TestDatabaseGivenUpInTheMiddle(t *testing.T) {
	path := databaseOf(t, append(statementsOf(t, cowrieDatabaseDir, "schema.sql"),
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<9000) INSERT INTO input SELECT i, 's'||i, '2025-10-18T01:02:03.5Z', NULL, 1, 'id' FROM n")...)
	f, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events := 0
	for b, berr := range f.Batches(t.Context()) {
		events, err = events+len(b.Events), berr
		f.reader.(*cowrieRows).db.(*database).budget = 0
	}
	if events != MaxBatchEvents || !errors.As(err, new(*TooLongError)) {
		t.Errorf("%d events, %v", events, err)
	}
}

// FuzzCowrieRow reads rows with hostile values.
func FuzzCowrieRow(f *testing.F) {
	f.Add("s", "192.0.2.1", "hp", "2025-10-18T01:02:03.5Z", "80x24", "SSH-2.0-Go", "0", byte(0))
	f.Add("", "", "", "1760749323", "x", "\xff\x00", "1", byte(255))
	f.Fuzz(func(t *testing.T, session, address, sensor, at, a, b, c string, null byte) {
		r := &cowrieRows{tableReader: newTableReader(&database{name: "x.db"}, &cowrieDatabase, Options{Now: clock}), parser: newCowrieParser(&source{}).(*cowrieParser)}
		r.row = 1
		r.yield = func(b ttpcron.Batch, _ error) bool {
			checkBatch(t, b)
			var exported []byte
			for i := range b.Events {
				exported = append(b.Events[i].AppendJSON(exported), '\n')
			}
			if len(b.Events) > 0 {
				if back := readBytes(t, exported, "events"); len(back.Events) != len(b.Events) {
					t.Errorf("%d events, read back %d: %+v", len(b.Events), len(back.Events), back.Rejects)
				}
			}
			return true
		}
		row := make([]column, cowrieRowFirst+3)
		for i, v := range []string{session, address, sensor, at, at, at, a, b, c} {
			row[i+1] = column{raw: []byte(v), given: null>>(i%8)&1 == 0}
		}
		for _, read := range []func([]column){r.session, r.auth, r.input, r.download, r.key, r.forward, r.forwarded, r.params} {
			read(row)
		}
		r.flush()
	})
}
