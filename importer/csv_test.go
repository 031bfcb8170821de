package importer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer/mapping"
	"github.com/ttpcron/ttpcron/internal/testlogs"
	"github.com/ttpcron/ttpcron/jsontext"
)

// sheet writes rows as encoding/csv does.
func sheet(comma rune, rows ...[]string) string {
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.Comma = comma
	_ = w.WriteAll(rows)
	return out.String()
}

// objectsOf are rows as the CSV layer gives them, marks among them.
func objectsOf(t testing.TB, r io.Reader, shape *csvShape, done bool) string {
	t.Helper()
	all, err := io.ReadAll(&untilSomething{newCSV(r, shape, nil, done)})
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

const csvHead = "timestamp,eventid,src_ip,session,sensor,username,password,input,message\n"

// csvRowOf is a row below csvHead.
func csvRowOf(n int, input string) string {
	return sheet(',', []string{fmt.Sprintf("2026-05-04T05:%02d:%02d.%06dZ", n/60%60, n%60, n), "cowrie.command.input", "203.0.113.7", "c0ffee00beef", "a", "", "", input, "CMD: " + input})
}

// TestCSVIsTheLog: a log and the table that was made of it are the same events.
func TestCSVIsTheLog(t *testing.T) {
	var log strings.Builder
	rows := [][]string{{"timestamp", "eventid", "src_ip", "session", "sensor", "input"}}
	texts := []string{"uname -a", `echo "a,b";c`, "a\nb\r\nc\td", " spaces ", "\"", "\"\"", ",", "\x00nul", "päss\x80\xff", strings.Repeat("long ", 40_000), "-", "=1+1", "\ufeffbom", "a\n{\"eventid\":\"cowrie.command.input\"}\nb"}
	for i, text := range texts {
		quoted := string(appendJSONString(nil, []byte(text)))
		line := strings.Replace(command(i, "X"), `"X"`, quoted, 1)
		log.WriteString(line)
		rows = append(rows, []string{fmt.Sprintf("2026-05-04T05:%02d:%02d.%06dZ", i/60%60, i%60, i), "cowrie.command.input", "203.0.113.7", "c0ffee00beef", "a", text})
	}
	want := readBytes(t, []byte(log.String()), "cowrie")
	if len(want.Events) != len(texts) {
		t.Fatalf("%d events of %d", len(want.Events), len(texts))
	}
	for _, comma := range []rune{',', ';', '\t'} {
		for name, edit := range map[string]func(string) string{
			"as written": func(s string) string { return s },
			"with a BOM": func(s string) string { return "\ufeff" + s },
			"sep=":       func(s string) string { return "sep=" + string(comma) + "\r\n" + s },
			"twice":      func(s string) string { return s + s },
			"quoted":     func(s string) string { return strings.Replace(s, "timestamp", `"timestamp"`, 1) },
			"BOM, quoted": func(s string) string {
				return "\ufeff" + strings.Replace(s, "timestamp", `"timestamp"`, 1)
			},
			"NULs first": func(s string) string { return strings.Repeat("\x00", 5000) + s },
			"no newline": func(s string) string { return strings.TrimSuffix(s, "\n") },
			"zipped":     func(s string) string { return string(zipped(t, s)) },
			"keyword":    func(s string) string { return strings.Replace(s, "input", "input.keyword", 1) },
			"flattened": func(s string) string {
				return strings.Replace(s, sheet(comma, rows[0]), sheet(comma, []string{"_source.timestamp", "_source.eventid", "_source.src_ip", "_source.session", "_source.sensor", "_source.input"}), 1)
			},
			"capitals": func(s string) string { return strings.ToUpper(s[:strings.Index(s, "\n")]) + s[strings.Index(s, "\n"):] },
		} {
			got := readBytes(t, []byte(edit(sheet(comma, rows...))), Auto)
			ids := want.IDs()
			if name == "keyword" { // "-" is no value there
				ids = slices.Delete(ids, slices.Index(texts, "-"), slices.Index(texts, "-")+1)
				if len(got.Rejects) == 1 && got.Rejects[0].Reason == "input is missing or not a string" {
					got.Rejects = nil
				}
			}
			if name == "twice" {
				ids = append(ids, ids...)
			}
			if !slices.Equal(got.IDs(), ids) || len(got.Rejects) != 0 || got.Format != "cowrie" {
				t.Errorf("%q, %s: %d events of %d as %q, rejects %+v", comma, name, len(got.Events), len(ids), got.Format, got.Rejects)
			}
		}
	}
}

// TestCSVColumns moves, drops and adds columns.
func TestCSVColumns(t *testing.T) {
	columns := map[string]string{
		"timestamp": "2026-05-04T05:00:01Z", "eventid": "cowrie.login.failed", "src_ip": "203.0.113.7", "session": "s1", "username": "root", "password": "a,\"b",
	}
	read := func(names ...string) result {
		row := []string{}
		for _, name := range names {
			row = append(row, columns[strings.Trim(name, " ")])
		}
		return readBytes(t, []byte(sheet(',', names, row)), Auto)
	}
	names := slices.Sorted(maps.Keys(columns))
	want := read(names...)
	if len(want.Events) != 1 || told(&want.Events[0]) != `auth_attempt {"method":"password","password":"a,\"b","success":false,"username":"root"}` {
		t.Fatal(tell(want))
	}
	slices.Reverse(names)
	if got := read(names...); !slices.Equal(got.IDs(), want.IDs()) {
		t.Errorf("the other way round: %v", tell(got))
	}
	if got := read(append([]string{"", "more", "dst_port"}, names...)...); !slices.Equal(got.IDs(), want.IDs()) {
		t.Errorf("with more columns: %v", tell(got))
	}
	if got := read("timestamp", "eventid", "src_ip", "session", "username"); len(got.Events) != 1 || told(&got.Events[0]) != `auth_attempt {"success":false,"username":"root"}` {
		t.Errorf("without passwords: %v", tell(got))
	}
	if got := read("eventid", "src_ip", "session", "username"); len(got.Rejects) != 1 || got.Rejects[0].Reason != "timestamp is missing" {
		t.Errorf("without times: %v", got.Rejects)
	}
}

// TestCSVEmpty: an empty cell is no value, but for what an attempt to log in always has,
// and for a command that was an empty line.
func TestCSVEmpty(t *testing.T) {
	for _, tt := range []struct{ columns, row, want string }{
		{"username,password", "root,", `auth_attempt {"method":"password","password":"","success":false,"username":"root"}`},
		{"username,password", ",", `auth_attempt {"method":"password","password":"","success":false,"username":""}`},
		{"username,password,fingerprint", "root,,aa:bb", `auth_attempt {"key_fingerprint":"aa:bb","method":"publickey","success":false,"username":"root"}`},
		{"username,protocol", "root,", `auth_attempt {"success":false,"username":"root"}`},
	} {
		r := readBytes(t, []byte("timestamp,eventid,src_ip,"+tt.columns+"\n2026-05-04T05:00:01Z,cowrie.login.failed,203.0.113.7,"+tt.row+"\n"), Auto)
		if got := strings.Join(tell(r), "\n"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.row, got, tt.want)
		}
	}
	r := readBytes(t, []byte(csvHead+csvRowOf(1, "")+csvRowOf(2, "id")), Auto)
	if len(r.Events) != 1 || r.Report.Ignored != 2 {
		t.Errorf("%v, %+v", tell(r), r.Report)
	}
	r = readBytes(t, []byte("timestamp,eventid,src_ip,input\n2026-05-04T05:00:01Z,cowrie.command.input,203.0.113.7,\n"), Auto)
	if len(r.Events) != 0 || r.Report.Ignored != 2 || len(r.Rejects) != 0 {
		t.Errorf("an empty line that was typed: %+v %+v", r.Report, r.Rejects)
	}
}

// TestCSVNumbers: a table may have made fractions of numbers.
func TestCSVNumbers(t *testing.T) {
	want := readBytes(t, []byte(cowrieLine("cowrie.direct-tcpip.request", `,"dst_ip":"192.0.2.1","dst_port":25`)), "cowrie")
	for _, port := range []string{"25", "25.0"} {
		r := readBytes(t, []byte("eventid,timestamp,src_ip,session,sensor,dst_ip,dst_port\ncowrie.direct-tcpip.request,2026-05-04T05:00:01.000001Z,203.0.113.7,s1,a,192.0.2.1,"+port+"\n"), Auto)
		if !slices.Equal(r.IDs(), want.IDs()) {
			t.Errorf("%s: %v, want %v", port, tell(r), tell(want))
		}
	}
}

// TestCSVEvents reads native events as a table.
func TestCSVEvents(t *testing.T) {
	want := readBytes(t, []byte(`{"source_kind":"command","time":"2026-05-04T05:49:13Z","attacker_ip":"203.0.113.7","session_id":"s","payload":{"command_text":"id; echo \"x\"","uid":0}}`), "events")
	for _, text := range []string{
		"source_kind,time,attacker_ip,session_id,payload.command_text,payload.uid\ncommand,2026-05-04T05:49:13Z,203.0.113.7,s,\"id; echo \"\"x\"\"\",0\n",
		"source_kind,time,attacker_ip,session_id,payload,identity_uuid\ncommand,2026-05-04T05:49:13Z,203.0.113.7,s,\"{\"\"command_text\"\":\"\"id; echo \\\"\"x\\\"\"\"\",\"\"uid\"\":0}\",\n",
	} {
		if r := readBytes(t, []byte(text), Auto); !slices.Equal(r.IDs(), want.IDs()) || r.Format != "events" {
			t.Errorf("%s: %v, %+v", text, tell(r), r.Rejects)
		}
	}
}

// TestCSVOfAShipper: a record as JSON in a cell, as Splunk exports it, is the record.
func TestCSVOfAShipper(t *testing.T) {
	want := readBytes(t, []byte(commands(0, 3)), "cowrie")
	for _, header := range [][]string{{"_raw"}, {"_time", "host", "_raw"}} {
		rows := [][]string{header}
		for i := range 3 {
			row := make([]string, len(header))
			row[len(row)-1] = strings.TrimSpace(command(i, fmt.Sprintf("echo %d", i)))
			rows = append(rows, row)
		}
		r := readBytes(t, []byte(sheet(',', rows...)), Auto)
		if !slices.Equal(r.IDs(), want.IDs()) || len(r.Rejects) != 0 {
			t.Errorf("%v: %v, %+v", header, tell(r), r.Rejects)
		}
	}
}

// TestHostileCSV: rows that are no rows are kept with the reason, and what follows them is
// read.
func TestHostileCSV(t *testing.T) {
	row := csvRowOf(1, "id")
	long := strings.Repeat("x", MaxLine)
	forged := "2026-05-04T05:00:09Z,cowrie.command.input,198.51.100.66,f0f0f0f0f0f0,a,,,forged,CMD: forged"
	for _, tt := range []struct {
		name, content             string
		events, ignored, rejected int
		reason                    string
		line                      int // of the first reject
	}{
		{name: "too few cells", content: row + "a,b\n" + row, events: 2, rejected: 1, reason: "it has 2 cells, and the header has 9 cells", line: 3},
		{name: "too many cells", content: row + strings.TrimSpace(row) + ",x\n" + row, events: 2, rejected: 1, reason: "it has 10 cells, and the header has 9 cells", line: 3},
		{name: "one cell", content: row + "oops\n" + row, events: 2, rejected: 1, reason: "it has 1 cell, and the header has 9 cells", line: 3},
		{name: "blank lines", content: "\n" + row + "\r\n,,,,,,,,\n" + row, events: 2, ignored: 3},
		{name: "CR LF", content: strings.ReplaceAll(row+row, "\n", "\r\n"), events: 2},
		{name: "text behind a quote", content: row + "\"a\"b,c\n" + row, events: 2, rejected: 1, reason: "a quoted cell goes on after its quote", line: 3},
		{name: "a quote that a crash left open", content: row + "2026,\"x\n" + row + csvRowOf(2, `a"b`) + row, events: 4, rejected: 1, reason: "a quoted cell goes on after its quote", line: 3},
		{name: "a quote that never ends", content: row + "\"x\n" + strings.Repeat(strings.ReplaceAll(row, `"`, ""), 3), events: 1, rejected: 1, reason: "a quoted cell does not end", line: 3},
		{name: "a quote without end in more than a row may have", content: row + "\"x\n" + strings.Repeat("y\n"+forged+"\n", MaxLine/64) + row, events: 1, rejected: 1, reason: "the row is longer than 4194304 bytes", line: 3},
		{name: "a long cell with rows in it", content: row + "\"" + long + "\n" + forged + "\n\"\"" + forged + "\n\"," + "x\n" + row, events: 2, rejected: 1, reason: "the row is longer than 4194304 bytes", line: 3},
		{name: "a row that never ends", content: row + long + long + "," + long + "\n" + row, events: 2, rejected: 1, reason: "the row is longer than 4194304 bytes", line: 3},
		{name: "a row that never ends, at the end", content: row + long + long, events: 1, rejected: 1, reason: "the row is longer than 4194304 bytes", line: 3},
		{name: "too many empty cells", content: row + strings.Repeat(",", 100_000) + "\n" + row, events: 2, rejected: 1, reason: "it has 100001 cells, and the header has 9 cells", line: 3},
		{name: "more cells than a table may have", content: row + strings.Repeat("x,", 1<<20) + "\n" + row, events: 2, rejected: 1, reason: "it has 1048577 cells, and the header has 9 cells", line: 3},
		{name: "rows in a cell", content: row + csvRowOf(2, "a\n"+forged+"\n") + row, events: 3},
		{name: "a header in a cell", content: row + csvRowOf(2, "a\n"+csvHead+"b") + row, events: 3},
		{name: "headers again", content: row + csvHead + row + csvHead + csvHead, events: 2, ignored: 3},
		{name: "NULs between rows", content: row + strings.Repeat("\x00", 100_000) + row, events: 2},
		{name: "NULs in a row", content: row + row[:30] + strings.Repeat("\x00", 100_000) + row, events: 2, rejected: 1, reason: "it has 2 cells, and the header has 9 cells", line: 3},
		{name: "NULs at the end", content: row + strings.Repeat("\x00", 1000), events: 1},
		{name: "a reject behind lines in cells", content: csvRowOf(2, "a\nb\nc") + "x\n" + row, events: 2, rejected: 1, reason: "it has 1 cell, and the header has 9 cells", line: 7},
		{name: "marks of the layer", content: row + "\x02r" + strings.TrimSpace(row)[1:] + "\n\x02h\n" + row, events: 2, rejected: 2, reason: `timestamp "\x02r026-05-04T05:00:01.000001Z" is not a time`, line: 3},
		{name: "another header", content: row + "sensor,session,eventid,timestamp,input,src_ip\nb,s,cowrie.command.input,2026-05-04T05:00:01Z,pwd,203.0.113.9\n", events: 2, ignored: 1},
		{name: "a header that somebody typed", content: row + "2026-05-04T05:00:02Z,cowrie.login.failed,203.0.113.7,s,a,password,username,input,message\n" + row, events: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			content := csvHead + tt.content
			r := readBytes(t, []byte(content), Auto)
			if len(r.Events) != tt.events || r.Report.Ignored != tt.ignored+1 || r.Report.Rejected != tt.rejected {
				t.Errorf("%d events, %d ignored, %d rejected; want %d, %d, %d", len(r.Events), r.Report.Ignored, r.Report.Rejected, tt.events, tt.ignored+1, tt.rejected)
			}
			for i := range r.Events {
				if r.Events[i].AttackerIP == "198.51.100.66" {
					t.Errorf("what was typed is an event: %s", told(&r.Events[i]))
				}
			}
			if len(r.Rejects) > 0 && (r.Rejects[0].Reason != tt.reason || r.Rejects[0].Line != tt.line) {
				t.Errorf("line %d: %q; want line %d: %q", r.Rejects[0].Line, r.Rejects[0].Reason, tt.line, tt.reason)
			}
			pieces := mustRead(t, Stdin, Options{Stdin: &inPieces{[]byte(content), 4099}})
			if !slices.Equal(pieces.IDs(), r.IDs()) || !reflect.DeepEqual(pieces.Report, r.Report) || !sameRejects(pieces.Rejects, r.Rejects) {
				t.Errorf("in pieces %+v, at once %+v", pieces.Report, r.Report)
			}
		})
	}
}

func sameRejects(a, b []ttpcron.Reject) bool {
	return slices.EqualFunc(a, b, func(a, b ttpcron.Reject) bool {
		return a.ID == b.ID && a.Line == b.Line && a.Reason == b.Reason && bytes.Equal(a.Excerpt, b.Excerpt)
	})
}

// TestRejectedRow: the row is kept as it is written.
func TestRejectedRow(t *testing.T) {
	bad := "x,\"a\n\x10\x1f\x00\r\nb\",\xff"
	r := readBytes(t, []byte(csvHead+csvRowOf(1, "id")+bad+"\n"), Auto)
	if len(r.Rejects) != 1 || string(r.Rejects[0].Excerpt) != bad {
		t.Errorf("%+v", r.Rejects)
	}
}

// TestCSVOnly: what is no CSV is not taken for it, and CSV is taken for nothing else.
func TestCSVOnly(t *testing.T) {
	for name, content := range map[string]string{
		"JSON":                  commands(0, 3),
		"JSON list":             "[" + strings.TrimSpace(command(1, "a,b")) + ",\n" + strings.TrimSpace(command(2, "a,b")) + "]\n",
		"prose":                 "some, words, here\nand a line\nand one more\n",
		"syslog":                "Nov 27 13:51:56 host su: a, b, c\nNov 27 13:51:57 host su: a, b, c\n",
		"a table without names": "1,2,3\n4,5,6\n",
		"a script":              "a,b\nc,d,e\nf\n",
	} {
		if shape := csvOf([]byte(content), true); shape != nil {
			t.Errorf("%s is taken for CSV with the columns %q", name, shape.header)
		}
	}
	text := "2025-10-18T01:02:03+0000 [HoneyPotSSHTransport,7,203.0.113.50] CMD: uname -a\n"
	if r := readBytes(t, []byte("one,two,three\n1,2,\"\n"+strings.Repeat(text, 3)+"\"\n"), "events"); len(r.Events) != 0 {
		t.Error(tell(r))
	}
	_, err := Open(t.Context(), Stdin, Options{Stdin: strings.NewReader("one,two,three\n1,2,\"\n" + strings.Repeat(text, 3) + "\"\n")})
	if unknown, ok := err.(*UnknownFormatError); !ok || !strings.Contains(unknown.Detail, "CSV") {
		t.Errorf("lines in a cell: %v", err)
	}
}

// TestCSVOnlyHeader: a log in which nothing was logged yet is an empty file.
func TestCSVOnlyHeader(t *testing.T) {
	for _, content := range []string{csvHead, "timestamp,auth_id,session_id,source_ip\n"} {
		if r := readBytes(t, []byte(content), Auto); r.Format != "" || r.Batches != 0 {
			t.Errorf("%+v", r)
		}
	}
	if r := readAll(t, Stdin, Options{Stdin: strings.NewReader("some,more,words\n")}); r.Err == nil {
		t.Error("words are a log")
	}
}

// TestCSVGrows: the last row of a file that grows waits, wherever it is cut, and is taken
// whole. A file that does not grow is read to its end.
func TestCSVGrows(t *testing.T) {
	whole := csvHead + csvRowOf(1, "id") + csvRowOf(2, "a,\n\"b\"") + csvRowOf(3, "w")
	rows := []int{len(csvHead), len(csvHead + csvRowOf(1, "id")), len(csvHead + csvRowOf(1, "id") + csvRowOf(2, "a,\n\"b\"")), len(whole)}
	want := readBytes(t, []byte(whole), Auto)
	path := filepath.Join(t.TempDir(), "cowrie.csv")
	for at := len(csvHead) + 1; at <= len(whole); at += cutStep() {
		write(t, "", path, []byte(whole[:at]))
		touch(t, path, testNow.Add(-time.Hour))
		complete := 0
		for i, end := range rows[1:] {
			if at >= end {
				complete = i + 1
			}
		}
		first := readAll(t, path, Options{})
		if complete == 0 {
			continue // nothing shows yet what it is
		}
		if first.Err != nil || !slices.Equal(first.IDs(), want.IDs()[:complete]) || len(first.Rejects) != 0 {
			t.Fatalf("cut at %d: %d events of %d, rejects %+v, %v", at, len(first.Events), complete, first.Rejects, first.Err)
		}
		if waits := first.Report.Waiting > 0; waits == slices.Contains(rows, at) {
			t.Errorf("cut at %d: %d bytes wait", at, first.Report.Waiting)
		}
		write(t, "", path, []byte(whole))
		touch(t, path, testNow.Add(-time.Hour))
		second := mustRead(t, path, Options{Positions: PositionList{*first.Position}})
		if !slices.Equal(second.IDs(), want.IDs()[complete:]) || len(second.Rejects) != 0 {
			t.Fatalf("grown from %d: %d events, %d before, rejects %+v", at, len(second.Events), len(first.Events), second.Rejects)
		}
		write(t, "", path, []byte(whole[:at]))
		for name, o := range map[string]Options{"final": {Final: true}, "idle": {Now: func() time.Time { return testNow.Add(48 * time.Hour) }}} {
			touch(t, path, testNow.Add(-time.Hour))
			r := mustRead(t, path, o)
			if got := len(r.Events) + len(r.Rejects); got < complete || len(r.Events) < complete || r.Report.Waiting > 0 || !slices.Contains(rows, at) && got != complete+1 {
				t.Fatalf("%s, cut at %d: %d events and %d rejects, want %d and what follows: %+v", name, at, len(r.Events), len(r.Rejects), complete, r.Rejects)
			}
		}
	}
}

// touch sets when a file changed.
func touch(t testing.TB, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestKibanaCSV: times are in the zone of a browser, which must be named.
func TestKibanaCSV(t *testing.T) {
	text := "\ufeff@timestamp,_id,eventid.keyword,input.keyword,src_ip.keyword,dst_port,session.keyword,username,password\n" +
		"\"Oct 18, 2025 @ 01:02:03.100\",x1,cowrie.command.input,uname -a,203.0.113.50,-,s1,-,-\n" +
		"\"Mar 1, 2025 @ 23:59:59.000\",x2,cowrie.login.failed,-,203.0.113.50,\"40,000\",s1,root,\n" +
		"2025-03-01 23:59:59.000,x3,cowrie.direct-tcpip.request,-,203.0.113.50,\"40,000\",s1,-,-\n"
	_, err := Open(t.Context(), Stdin, Options{Stdin: strings.NewReader(text)})
	lacks, ok := err.(*LacksError)
	if !ok || !slices.Equal(lacks.Settings, []string{"zone"}) || !strings.Contains(err.Error(), `set zone = "Europe/Berlin"`) || !strings.Contains(err.Error(), "CSV of Kibana") {
		t.Fatal(err)
	}
	var ids []string
	for zone, want := range map[string][]string{
		"UTC":             {"2025-10-18T01:02:03.1Z", "2025-03-01T23:59:59Z", "2025-03-01T23:59:59Z"},
		"Europe/Berlin":   {"2025-10-17T23:02:03.1Z", "2025-03-01T22:59:59Z", "2025-03-01T22:59:59Z"},
		"America/Chicago": {"2025-10-18T06:02:03.1Z", "2025-03-02T05:59:59Z", "2025-03-02T05:59:59Z"},
	} {
		var s Settings
		if err := s.Set("zone", zone); err != nil {
			t.Fatal(err)
		}
		r := mustRead(t, Stdin, Options{Stdin: strings.NewReader(text), Settings: s})
		var got []string
		for i := range r.Events {
			got = append(got, r.Events[i].Time.Format(time.RFC3339Nano))
		}
		if !slices.Equal(got, want) || len(r.Rejects) != 0 {
			t.Errorf("%s: %v, rejects %+v", zone, got, r.Rejects)
		}
		if told := tell(r); told[0] != `command {"command_text":"uname -a"}` || told[1] != `auth_attempt {"method":"password","password":"","success":false,"username":"root"}` || told[2] != `tunnel {"dst_port":40000}` {
			t.Errorf("%s: %v", zone, told)
		}
		ids = append(ids, r.IDs()...)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := newCSV(nil, &csvShape{kibana: true}, berlin, false)
	if got, ok := c.local([]byte("Oct 26, 2025 @ 02:30:00.000")); !ok || !got.Equal(time.Date(2025, 10, 26, 0, 30, 0, 0, time.UTC)) {
		t.Errorf("a time that comes twice: %v", got.UTC())
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 9 {
		t.Error("events of two zones are the same")
	}
	utc := strings.NewReplacer(`"Oct 18, 2025 @ 01:02:03.100"`, "2025-10-18T01:02:03.100Z", `"Mar 1, 2025 @ 23:59:59.000"`, "2025-03-01T23:59:59.000Z", "2025-03-01 23:59:59.000", "2025-03-01T23:59:59+0000").Replace(text)
	if r := readBytes(t, []byte(utc), Auto); len(r.Events) != 3 {
		t.Errorf("times with a zone: %+v", r)
	}
}

// heralding are a log's rows, below its header.
var heralding = map[string]string{
	"auth": "timestamp,auth_id,session_id,source_ip,source_port,destination_ip,destination_port,protocol,username,password,password_hash\n" +
		"2026-05-04 05:49:05.586207,8f0a1f6e-0c1d-4f0a-9c3a-0a1b2c3d4e5f,5a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d,203.0.113.7,41190,198.51.100.2,22,ssh,root,\"a,b\"\"c\n\",\n" +
		"2026-05-04 05:49:06,8f0a1f6e-0c1d-4f0a-9c3a-0a1b2c3d4e60,5a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d,2001:db8::7,41190,198.51.100.2,22,ssh,,,\n",
	"older auth": "timestamp,auth_id,session_id,source_ip,source_port,destination_ip,destination_port,protocol,username,password\n" +
		"2026-05-04 05:49:05.586207,8f0a1f6e-0c1d-4f0a-9c3a-0a1b2c3d4e5f,5a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d,203.0.113.7,41190,198.51.100.2,21,ftp,root,x\n",
	"session": "timestamp,duration,session_id,source_ip,source_port,destination_ip,destination_port,protocol,num_auth_attempts\n" +
		"2026-05-04 05:49:04.100000,3,5a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d,203.0.113.7,41190,198.51.100.2,22,ssh,1\n",
}

// TestCSVWithoutHeader: a log whose header was lost has the columns that its sensor writes.
func TestCSVWithoutHeader(t *testing.T) {
	for name, text := range heralding {
		header, rows, _ := strings.Cut(text, "\n")
		want := csvOf([]byte(text), true)
		if want == nil || want.implied || !slices.Equal(want.header, strings.Split(header, ",")) {
			t.Fatalf("%s: %+v", name, want)
		}
		for what, text := range map[string]string{"": rows, "torn": "tail\",\n" + rows, "header again": rows + text} {
			shape := csvOf([]byte(text), true)
			if shape == nil || !shape.implied || !slices.Equal(shape.header, want.header) {
				t.Errorf("%s %s: %+v", name, what, shape)
				continue
			}
			objects := func(text string) (all []string) {
				for line := range strings.Lines(text) {
					if line[0] == '{' {
						all = append(all, line)
					}
				}
				return all
			}
			full := objects(objectsOf(t, strings.NewReader(header+"\n"+rows), want, true))
			got := objects(objectsOf(t, strings.NewReader(text), shape, true))
			if len(got) < len(full) || !slices.Equal(got[:len(full)], full) {
				t.Errorf("%s %s: %v, want %v", name, what, got, full)
			}
		}
		if shape := csvOf([]byte(strings.NewReplacer("203.0.113.7", "host", "2001:db8::7", "host").Replace(rows)), true); shape != nil {
			t.Errorf("%s: an address that is none: %+v", name, shape)
		}
	}
}

// TestCSVOfAMapping: a format that a mapping describes reads its CSV, with a header or
// without.
func TestCSVOfAMapping(t *testing.T) {
	m, faults := mapping.Parse("attempts", map[string]any{
		"title": "attempts", "version": int64(1), "recognised-by": map[string]any{"auth_id": true, "source_ip": true},
		"time": "timestamp", "address": "source_ip", "session": "session_id", "id": "auth_id",
		"event": []any{map[string]any{"kind": "auth_attempt", "payload": map[string]any{"username": "username", "password": "password", "service": "protocol"}}},
	})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	catalog := &Catalog{formats: append(slices.Clone(formats), mappedFormat("attempts", "attempts", 1, errForeign, func() *mapping.Mapping { return m }))}
	header, rows, _ := strings.Cut(heralding["auth"], "\n")
	want := []string{`auth_attempt {"password":"a,\"b\"c\n","service":"ssh","username":"root"}`, `auth_attempt {"password":"","service":"ssh","username":""}`}
	want[0] = strings.Replace(want[0], `,\"b\"c`, `,b\"c`, 1)
	for name, text := range map[string]string{"with a header": header + "\n" + rows, "without": rows} {
		r := mustRead(t, Stdin, Options{Catalog: catalog, Format: "attempts", Stdin: strings.NewReader(text)})
		if got := tell(r); !slices.Equal(got, want) || len(r.Rejects) != 0 || r.Events[0].Time.Nanosecond() != 586207000 {
			t.Errorf("%s: %v, want %v; %+v", name, got, want, r.Rejects)
		}
	}
}

// TestCSVCells compares the layer with encoding/csv.
func TestCSVCells(t *testing.T) {
	r := readBytes(t, []byte(csvHead+csvRowOf(1, "x")), Auto)
	if len(r.Events) != 1 {
		t.Fatal(r.Rejects)
	}
	for _, h := range testlogs.All(t) {
		for _, path := range h.More(t, "faults/12*/*.csv") {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(f).ReadAll()
			f.Close()
			if err != nil {
				t.Fatal(err)
			}
			got := mustRead(t, path, Options{})
			if len(got.Events) != len(rows)-1 || len(got.Rejects) != 0 {
				t.Errorf("%s: %d events, encoding/csv finds %d", path, len(got.Events), len(rows)-1)
			}
		}
	}
}

// FuzzCSVRows writes rows with encoding/csv and reads them back, in pieces.
func FuzzCSVRows(f *testing.F) {
	f.Add("a", "b,\"c\"\n", "", uint8(0), uint16(1))
	f.Add("=1", "\xff\x80", "\u2028", uint8(1), uint16(0))
	f.Add("\x02r", "\r", "x\r\ny", uint8(2), uint16(3))
	f.Fuzz(func(t *testing.T, a, b, c string, comma uint8, cut uint16) {
		for _, s := range []string{a, b, c} {
			if strings.Contains(s, "\r\n") || strings.Contains(s, strings.Repeat("\x00", maxCSVNULs+1)) {
				return // encoding/csv's reader drops the one, the layer the other
			}
		}
		a = "x" + a // a row with a first cell that is text
		shape := &csvShape{comma: ",;\t"[comma%3], newline: '\n', header: []string{"one", "two", "three"}}
		rows := [][]string{shape.header, {a, b, c}, {a, c, b}}
		content := sheet(rune(shape.comma), rows...)
		text := objectsOf(t, &inPieces{[]byte(content), int(cut) + 1}, shape, true)
		var got [][]string
		for line := range strings.Lines(text) {
			if line[0] != '{' {
				continue
			}
			var o struct{ One, Two, Three json.RawMessage }
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			row := []string{}
			for _, raw := range []json.RawMessage{o.One, o.Two, o.Three} {
				cell := ""
				if len(raw) > 0 {
					var err error
					if cell, err = jsontext.DecodeString(raw); err != nil {
						t.Fatal(err)
					}
				}
				row = append(row, cell)
			}
			got = append(got, row)
		}
		if !reflect.DeepEqual(got, rows[1:]) {
			t.Fatalf("%q is read as %q, want %q", content, got, rows[1:])
		}
	})
}

// csvSeeds are tables to vary.
var csvSeeds = []string{
	csvHead + csvRowOf(1, "id") + "\"x\n" + csvRowOf(2, "a\"b\n"),
	"source_kind,time,attacker_ip,payload.command_text\ncommand,2026-05-04T05:49:13Z,203.0.113.7,x\n,,,\n",
	"@timestamp;eventid.keyword;input\n\"Oct 18, 2025 @ 01:02:03.100\";cowrie.command.input;-\n",
	csvHead + csvRowOf(1, "\x00\x02r\x1f") + csvHead,
	csvHead + strings.ReplaceAll(csvRowOf(1, "a,b")+csvRowOf(2, "c"), "\n", "\r\n"),
}

// FuzzCSV reads hostile text as CSV: nothing is lost, every event can be stored and comes
// back equal, and it does not matter in how many pieces it is read.
func FuzzCSV(f *testing.F) {
	for i, seed := range csvSeeds {
		f.Add([]byte(seed), uint16(7*i), i%2 == 0)
	}
	f.Fuzz(readCSV)
}

// TestCSVVaried does the same with random changes.
func TestCSVVaried(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	bits := []string{",", "\"", "\n", "\r\n", "\x00", strings.Repeat("\x00", 70), "\"\"", ",\"", "\",", csvHead, "\ufeff", "\x02", "\xff", "cowrie.command.input", ";", "\t", "sep=,\n", csvRowOf(9, "\"\n,")}
	n := 1000
	if testing.Short() {
		n = 300
	}
	for range n {
		content := []byte(csvSeeds[rng.IntN(len(csvSeeds))])
		for range 1 + rng.IntN(5) {
			at := rng.IntN(len(content) + 1)
			switch rng.IntN(3) {
			case 0:
				content = slices.Insert(content, at, []byte(bits[rng.IntN(len(bits))])...)
			case 1:
				content = slices.Delete(content, at, min(len(content), at+rng.IntN(5)))
			case 2:
				content = append(content, content[at:]...)
			}
		}
		readCSV(t, content, uint16(rng.IntN(len(content)+1)), rng.IntN(2) == 0)
		if t.Failed() {
			t.Fatalf("%q", content)
		}
	}
}

func readCSV(t *testing.T, content []byte, cut uint16, final bool) {
	if csvOf(content, true) == nil {
		content = append([]byte(csvHead+csvRowOf(1, "id")), content...)
	}
	o := Options{Settings: Settings{Zone: time.UTC}, Stdin: bytes.NewReader(content)}
	whole := readAll(t, Stdin, o)
	if whole.Err != nil || whole.Format == "" || compressionOf(content) != nil {
		return
	}
	o.Stdin = &inPieces{content, int(cut)%300 + 1}
	if pieces := readAll(t, Stdin, o); !slices.Equal(pieces.IDs(), whole.IDs()) || !reflect.DeepEqual(pieces.Report, whole.Report) || !sameRejects(pieces.Rejects, whole.Rejects) {
		t.Fatalf("%q: in pieces %+v, at once %+v", content, pieces.Report, whole.Report)
	}
	for i := range whole.Events {
		e := &whole.Events[i]
		back := readBytes(t, e.AppendJSON(nil), "events")
		if len(back.Events) != 1 || back.Events[0].ContentID() != e.ContentID() {
			t.Fatalf("event %+v does not come back: %+v", e, back.Rejects)
		}
	}
	// A file that grows to it has the same events. If it is final it may end in half a cell.
	path := write(t, t.TempDir(), "log.csv", content[:min(len(content), int(cut))])
	touch(t, path, testNow.Add(-time.Hour))
	first := readAll(t, path, Options{Settings: Settings{Zone: time.UTC}, Final: final})
	if first.Err != nil || first.Format != whole.Format || final {
		return
	}
	for _, id := range first.IDs() {
		if !slices.Contains(whole.IDs(), id) {
			t.Fatalf("%q, cut at %d: an event that the whole has not: %v", content, cut, tell(first))
		}
	}
	write(t, "", path, content)
	touch(t, path, testNow.Add(-time.Hour))
	var positions PositionList
	if first.Position != nil {
		positions = PositionList{*first.Position}
	}
	second := mustRead(t, path, Options{Settings: Settings{Zone: time.UTC}, Final: true, Positions: positions})
	all := append(first.IDs(), second.IDs()...)
	for _, id := range whole.IDs() {
		if !slices.Contains(all, id) {
			t.Fatalf("%q, grown from %d: an event is lost", content, cut)
		}
	}
}

// generateCSV is generateCowrie's log as a table.
func generateCSV(t testing.TB, sessions int) []byte {
	header := []string{"timestamp", "eventid", "src_ip", "session", "sensor", "protocol", "username", "password", "input", "message", "src_port", "dst_ip", "dst_port", "version", "hassh", "duration"}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(header)
	for line := range bytes.Lines(generateCowrie(sessions)) {
		var members map[string]any
		if err := json.Unmarshal(line, &members); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(header))
		for i, name := range header {
			if v, ok := members[name]; ok {
				row[i] = fmt.Sprint(v)
			}
		}
		_ = w.Write(row)
	}
	w.Flush()
	return out.Bytes()
}

// BenchmarkCSV reads a Cowrie log as CSV into batches of events. The yardsticks are
// encoding/csv, and encoding/csv with a map of the cells, which is not an event yet.
func BenchmarkCSV(b *testing.B) {
	content := generateCSV(b, 3000)
	b.Run("import", func(b *testing.B) { benchmarkLines(b, content) })
	for name, mapped := range map[string]bool{"encoding-csv": false, "encoding-csv, a map a row": true} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				r := csv.NewReader(bytes.NewReader(content))
				header, err := r.Read()
				if err != nil {
					b.Fatal(err)
				}
				for {
					row, err := r.Read()
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					if mapped {
						members := make(map[string]string, len(header))
						for i, cell := range row {
							members[header[i]] = cell
						}
					}
				}
			}
		})
	}
}

// TestCSVTornInACell cuts a table within cells that an attacker wrote, as rotation by copying
// does, and reads the rest: nothing in them is a row, and all rows below it are.
func TestCSVTornInACell(t *testing.T) {
	const header = "timestamp,auth_id,session_id,source_ip,source_port,destination_ip,destination_port,protocol,username,password\n"
	row := func(i int, address, password string) string {
		return fmt.Sprintf("2026-05-04 05:00:%02d.123456,00000000-0000-0000-0000-%012d,00000000-0000-0000-0000-000000000002,%s,4000,192.0.2.1,22,ssh,root,%s\n", i, i, address, password)
	}
	for _, typed := range []string{
		"a\n" + row(9, "198.51.100.66", "x") + `b"c`, row(9, "198.51.100.66", "x"), "\n" + row(9, "198.51.100.66", `",`), `","` + "\n" + row(9, "198.51.100.66", `"`) + row(8, "198.51.100.66", `",",x`),
	} {
		content := header + row(1, "203.0.113.7", "x") + row(2, "203.0.113.7", `"`+strings.ReplaceAll(typed, `"`, `""`)+`"`)
		begin := strings.Index(content, `,"`) + 1
		below := row(3, "203.0.113.7", "x") + row(4, "203.0.113.7", `"a,b"`) + row(5, "203.0.113.7", `",x"`) + row(6, "203.0.113.7", `"",`[:2])
		for at := begin + 1; at < len(content)-1; at += cutStep() {
			for name, part := range map[string]string{"before": content[:at], "behind": content[at:] + below} {
				r := readAll(t, Stdin, Options{Stdin: strings.NewReader(part)})
				for i := range r.Events {
					if r.Events[i].AttackerIP != "203.0.113.7" {
						t.Fatalf("%q, cut at %d, %s: %+v", typed, at, name, r.Events[i])
					}
				}
				closed := name == "before" && strings.Count(part[begin:], `"`)%2 == 0 // it seems whole
				if want := map[string]int{"before": 1, "behind": 4}[name]; len(r.Events) != want && !closed || len(r.Rejects) == 0 && !closed {
					t.Errorf("%q, cut at %d, %s: %d events, %d rejects, %v", typed, at, name, len(r.Events), len(r.Rejects), r.Err)
				}
			}
		}
	}
	// Rows that hide within a cell which does not end are not nothing.
	if r := readAll(t, Stdin, Options{Stdin: strings.NewReader(header + "\"\n" + row(1, "203.0.113.7", "x"))}); r.Err == nil {
		t.Errorf("%d events, %d rejects, %v", len(r.Events), len(r.Rejects), r.Err)
	}
}
