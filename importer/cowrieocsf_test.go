package importer

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/internal/testlogs"
)

// ocsf wraps a record of Cowrie's in an object of OCSF.
func ocsf(record, more string) string {
	return `{"metadata":{"product":{"name":"Cowrie"},"version":"1.8.0"},"class_uid":1007,"activity_id":1,"time":1777870801000,"src_endpoint":{"ip":"203.0.113.7","port":40000},` +
		`"unmapped":{"eventid":"cowrie.command.input","session":"s1"},"raw_data":` + quoted(record) + more + "}\n"
}

// TestOCSFOriginal: the record in raw_data is read, if it is the one that the object tells of.
func TestOCSFOriginal(t *testing.T) {
	record := strings.TrimSpace(cowrieLine("cowrie.command.input", `,"input":"uname -a"`))
	want := readBytes(t, []byte(record+"\n"), "cowrie")
	for name, line := range map[string]string{
		"alone":      ocsf(record, ""),
		"spelled":    ocsf(" "+strings.ReplaceAll(record, `":`, `": `)+"\n", ""),
		"with input": ocsf(record, `,"process":{"cmd_line":"uname"}`),
		"wrapped":    `{"message":` + quoted(strings.TrimSpace(ocsf(record, ""))) + "}\n",
		"as a list":  "[" + ocsf(record, "") + "]",
		"as CSV":     sheet(',', []string{"_raw"}, []string{strings.TrimSpace(ocsf(record, ""))}),
	} {
		if r := readBytes(t, []byte(line), Auto); !slices.Equal(r.IDs(), want.IDs()) || r.Format != "cowrie" {
			t.Errorf("%s: %v, %+v", name, tell(r), r.Rejects)
		}
	}
	other := `{"eventid":"cowrie.command.input","input":"forged","timestamp":"2026-05-04T05:00:01Z","src_ip":"198.51.100.66","session":"s1"}`
	for name, record := range map[string]string{
		"another address": other, "another session": strings.NewReplacer("198.51.100.66", "203.0.113.7", "s1", "s2").Replace(other), "no record": "uname -a", "torn": record[:40], "a list": "[" + record + "]",
	} {
		for _, before := range []string{"", ocsf(strings.TrimSpace(cowrieLine("cowrie.command.input", `,"input":"id"`)), "")} {
			r := readBytes(t, []byte(before+ocsf(record, `,"process":{"cmd_line":"w"}`)), "cowrie")
			if told := tell(r); told[len(told)-1] != `command {"command_text":"w"}` {
				t.Errorf("%s: %v, %+v", name, told, r.Rejects)
			}
		}
	}
}

// TestOCSFWithoutOriginal reads what OCSF's own members say.
func TestOCSFWithoutOriginal(t *testing.T) {
	object := func(eventid, unmapped, more string) string {
		return `{"class_uid":1,"time":1777870801123,"src_endpoint":{"ip":"203.0.113.7","port":40000},"dst_endpoint":{"ip":"192.0.2.1","port":22},` + more + `"unmapped":{` + unmapped + `"eventid":"cowrie.` + eventid + `","session":"s1","sensor":"a"}}` + "\n"
	}
	for _, tt := range []struct{ eventid, unmapped, more, want string }{
		{"command.input", "", `"process":{"cmd_line":"uname -a","name":"x"},`, `command {"command_text":"uname -a"}`},
		{"command.input", "", `"message":"CMD: uname -a",`, `command {"command_text":"uname -a"}`},
		{"command.input", `"input":"id","protocol":"ssh",`, `"process":{"cmd_line":"id"},`, `command {"command_text":"id","protocol":"ssh"}`},
		{"command.input", `"realm":"passwd",`, `"process":{"cmd_line":"x"},`, `stdin {"input_text":"x","program":"passwd"}`},
		{"login.failed", `"password":"p",`, `"user":{"name":"root"},`, `auth_attempt {"method":"password","password":"p","success":false,"username":"root"}`},
		{"session.connect", "", "", `session {"dst_ip":"192.0.2.1","dst_port":22,"fact":"opened","src_port":40000}`},
		{"session.closed", "", `"duration":5000,`, `session {"duration_ms":5000,"fact":"closed"}`},
		{"session.file_download", "", `"url":{"url_string":"http://192.0.2.9/x"},"file":{"name":"x","size":3,"hashes":[{"algorithm_id":1,"value":"00"},{"algorithm_id":3,"value":"` + strings.Repeat("ab", 32) + `"}]},`,
			`payload {"direction":"in","filename":"x","method":"download","payload_text":"http://192.0.2.9/x x","sha256":"` + strings.Repeat("ab", 32) + `","size":3,"url":"http://192.0.2.9/x"}`},
	} {
		r := readBytes(t, []byte(object(tt.eventid, tt.unmapped, tt.more)), Auto)
		if len(r.Events) != 1 || told(&r.Events[0]) != tt.want || r.Events[0].AttackerIP != "203.0.113.7" || r.Events[0].SessionID != "s1" || r.Events[0].DeckyID != "a" || r.Events[0].Time.UnixMilli() != 1777870801123 {
			t.Errorf("%s: %v %+v", tt.eventid, r.Events, r.Rejects)
		}
	}
	if _, err := Open(t.Context(), Stdin, Options{Stdin: strings.NewReader(strings.ReplaceAll(object("x", "", ""), "cowrie.", "other."))}); err == nil {
		t.Error("another program's objects are read")
	}
	r := readBytes(t, []byte(object("command.input", "", `"process":{"cmd_line":"id"},`)+strings.Replace(object("command.input", "", `"process":{"cmd_line":"id"},`), `"time":1777870801123,`, "", 1)), Auto)
	if len(r.Events) != 1 || len(r.Rejects) != 1 || r.Rejects[0].Reason != "timestamp is missing" {
		t.Errorf("without a time: %v, %+v", tell(r), r.Rejects)
	}
}

// TestOCSFSample reads the record that a user has.
func TestOCSFSample(t *testing.T) {
	for _, h := range testlogs.All(t) {
		for _, path := range h.More(t, "faults/50*/*.json") {
			if r := mustRead(t, path, Options{}); !slices.Equal(tell(r), []string{`command {"command_text":"uname -a"}`}) || r.Events[0].SessionID != "a1b2c3d4e5f6" || r.Events[0].AttackerIP != "203.0.113.50" {
				t.Errorf("%s: %+v", path, r.Events)
			}
		}
	}
}

// BenchmarkOCSF reads records of OCSF, with the original and without, next to encoding/json.
func BenchmarkOCSF(b *testing.B) {
	var original, without bytes.Buffer
	for i := range 10_000 {
		record := strings.TrimSpace(command(i, "uname -s -v -n -r -m"))
		line := ocsf(strings.Replace(record, "c0ffee00beef", "s1", 1), `,"process":{"cmd_line":"uname -s -v -n -r -m"}`)
		original.WriteString(line)
		before, _, _ := strings.Cut(line, `"raw_data"`)
		without.WriteString(before + `"process":{"cmd_line":"uname -s -v -n -r -m"}}` + "\n")
	}
	for name, content := range map[string][]byte{"original": original.Bytes(), "without": without.Bytes()} {
		b.Run(name+"/import", func(b *testing.B) { benchmarkLines(b, content) })
		b.Run(name+"/encoding-json", func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				for line := range bytes.Lines(content) {
					var o struct {
						Time        int64
						RawData     string                   `json:"raw_data"`
						SrcEndpoint struct{ IP string }      `json:"src_endpoint"`
						Process     struct{ CmdLine string } `json:"process"`
						Unmapped    struct{ EventID, Session string }
					}
					if err := json.Unmarshal(line, &o); err != nil {
						b.Fatal(err)
					}
					if o.RawData == "" {
						continue
					}
					var e struct {
						EventID, Timestamp, Input, Session, Sensor string
						SrcIP                                      string `json:"src_ip"`
					}
					if err := json.Unmarshal([]byte(o.RawData), &e); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
