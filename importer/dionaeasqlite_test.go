package importer

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

var dionaeaDatabaseDir = filepath.Join("testdata", "dionaea-sqlite")

// TestDionaeaCounts: as many events as other queries count.
func TestDionaeaCounts(t *testing.T) {
	path := databaseOf(t, statementsOf(t, dionaeaDatabaseDir, "schema.sql", "rows.sql")...)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r := mustRead(t, path, Options{})
	got := map[ttpcron.SourceKind]int{}
	for i := range r.Events {
		got[r.Events[i].Kind]++
	}
	const timed = "connection IN (SELECT connection FROM connections WHERE connection_timestamp IS NOT NULL)"
	for kind, query := range map[ttpcron.SourceKind]string{
		ttpcron.SessionFact:    "SELECT count(*) FROM connections WHERE connection_type = 'accept' AND " + timed,
		ttpcron.Scan:           "SELECT count(*) FROM connections WHERE connection_type = 'reject'",
		ttpcron.AuthAttempt:    "SELECT count(*) FROM logins WHERE " + timed,
		ttpcron.FileTransfer:   "SELECT (SELECT count(*) FROM downloads) + (SELECT count(*) FROM offers)",
		ttpcron.ServiceRequest: "SELECT (SELECT count(*) FROM mssql_commands WHERE mssql_command_cmd <> '') + (SELECT count(*) FROM sip_commands WHERE sip_command_method IS NOT NULL) + (SELECT count(*) FROM dcerpcrequests) + (SELECT count(*) FROM mysql_command_args WHERE mysql_command IN (SELECT mysql_command FROM mysql_commands))",
	} {
		var want int
		if err := db.QueryRow(query).Scan(&want); err != nil || got[kind] != want || want == 0 {
			t.Errorf("%s: %d, counted %d, %v", kind, got[kind], want, err)
		}
	}
}

// TestDionaeaSame: what is said twice is one event, and what happened twice is two.
func TestDionaeaSame(t *testing.T) {
	r := mustRead(t, databaseOf(t, statementsOf(t, dionaeaDatabaseDir, "schema.sql", "rows.sql")...), Options{})
	ids := map[string][]string{}
	for i := range r.Events {
		e := &r.Events[i]
		text, _ := e.Payload.Text("request_text")
		url, _ := e.Payload.Text("url")
		ids[url+text] = append(ids[url+text], e.ContentID())
	}
	if two := ids["SELECT 1"]; len(two) != 2 || two[0] == two[1] {
		t.Errorf("one request twice: %q", two)
	}
	if one := ids["smb://203.0.113.7"]; len(one) != 2 || one[0] != one[1] {
		t.Errorf("a file that was offered and fetched: %q", one)
	}
	again := mustRead(t, databaseOf(t, statementsOf(t, dionaeaDatabaseDir, "schema.sql", "rows.sql")...), Options{})
	if !slices.Equal(again.IDs(), r.IDs()) {
		t.Error("read again, there are other events")
	}
}

func TestDionaeaOther(t *testing.T) {
	const connections = "CREATE TABLE connections (connection INTEGER PRIMARY KEY, connection_type TEXT, connection_timestamp REAL, remote_host TEXT)"
	path := databaseOf(t, connections, "CREATE TABLE logins (connection, login_username, login_password)",
		"INSERT INTO connections VALUES (1, 'accept', 1777873745.586207, '203.0.113.7'), (2, 'accept', '2026-05-04T05:49:05.5', ''), (3, x'00ff', 'x', NULL), (4, 'reject', 'x', NULL)",
		"INSERT INTO logins VALUES (1, 'root', 'a'), (1, x'ff00', 5.5), ('1', NULL, NULL)")
	r := mustRead(t, path, Options{})
	if len(r.Events) != 5 || len(r.Rejects) != 1 || !strings.Contains(r.Rejects[0].Reason, `"x" is not a time`) {
		t.Errorf("%d events, rejects %+v", len(r.Events), r.Rejects)
	}
	if at := time.Date(2026, 5, 4, 5, 49, 5, 586207000, time.UTC); !r.Events[0].Time.Equal(at) {
		t.Errorf("%s, want %s", r.Events[0].Time, at)
	}
	want := []string{
		"table connections has no connection_transport, connection_protocol, connection_root, local_host, local_port, remote_hostname, remote_port, as in older versions of Dionaea: read without",
		"there are no tables downloads, offers, mssql_commands, mysql_commands, mysql_command_args, mysql_command_ops, sip_commands, dcerpcrequests, as in older versions of Dionaea: read without",
	}
	if !slices.Equal(r.Notes, want) {
		t.Errorf("notes %q", r.Notes)
	}
	if named := mustRead(t, path, Options{Settings: Settings{Sensor: "trap-1"}}); named.Events[0].DeckyID != "trap-1" || r.Events[0].DeckyID != "" {
		t.Errorf("the sensor is %q, and unnamed %q", named.Events[0].DeckyID, r.Events[0].DeckyID)
	}
	if _, err := Open(t.Context(), databaseOf(t, connections, "CREATE VIEW logins AS SELECT 1 connection"), Options{}); err == nil || !strings.Contains(err.Error(), "logins is not a table; Dionaea makes it a plain table") {
		t.Error(err)
	}
	if _, err := Open(t.Context(), path, Options{Format: "cowrie-sqlite"}); err == nil || !strings.Contains(err.Error(), "without the tables sessions, auth and input of Cowrie") {
		t.Error(err)
	}
}

// TestDionaeaLogIsItsDatabase: where the clock said the same to both, they give the same
// events.
func TestDionaeaLogIsItsDatabase(t *testing.T) {
	const log = `{"connection":{"protocol":"smbd","transport":"tcp","type":"accept"},"dst_ip":"::ffff:172.20.0.3","dst_port":445,"src_hostname":"","src_ip":"::ffff:203.0.113.7","src_port":41190,"timestamp":"2026-05-04T05:49:05.586207"}
{"connection":{"protocol":"mysqld","transport":"tcp","type":"accept"},"credentials":[{"password":"","username":"root"},{"password":"root","username":"root"}],"dst_ip":"172.20.0.3","dst_port":3306,"src_hostname":"host.example","src_ip":"203.0.113.8","src_port":5000,"timestamp":"2026-05-04T05:49:06"}
{"connection":{"protocol":"pcap","transport":"tcp","type":"reject"},"dst_ip":"172.20.0.3","dst_port":23,"src_hostname":"","src_ip":"203.0.113.9","src_port":5001,"timestamp":"2026-05-04T05:49:07.250000"}
{"connection":{"protocol":"ftpctrl","transport":"tcp","type":"connect"},"dst_ip":"192.0.2.66","dst_port":21,"src_hostname":"","src_ip":"172.20.0.3","src_port":40000,"timestamp":"2026-05-04T05:49:09.500000"}
`
	r := mustRead(t, databaseOf(t, statementsOf(t, dionaeaDatabaseDir, "schema.sql", "rows.sql")...), Options{})
	json := mustRead(t, write(t, t.TempDir(), "dionaea.json", []byte(log)), Options{Format: "dionaea"})
	if len(json.Events) != 5 || len(json.Rejects) != 0 {
		t.Fatalf("%d events, rejects %+v", len(json.Events), json.Rejects)
	}
	ids := r.IDs()
	for i, id := range json.IDs() {
		at := slices.Index(ids, id)
		if at < 0 || string(r.Events[at].AppendJSON(nil)) != string(json.Events[i].AppendJSON(nil)) {
			t.Errorf("not in the database: %s", json.Events[i].AppendJSON(nil))
		}
	}
}
