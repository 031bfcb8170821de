package importer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// countsOf tells what reading gave: the number of events of each kind, of ignored and of
// rejected records.
func countsOf(r result) string {
	kinds := map[string]int{}
	for i := range r.Events {
		kinds[string(r.Events[i].Kind)]++
	}
	var all []string
	for kind, n := range kinds {
		all = append(all, fmt.Sprint(kind, " ", n))
	}
	slices.Sort(all)
	return fmt.Sprintf("%s; %d ignored, %d rejected", strings.Join(all, ", "), r.Report.Ignored, r.Report.Rejected)
}

// Samples of sensors' logs are recognised and give what was counted in them with jq.
func TestSensorSamples(t *testing.T) {
	for _, tt := range []struct{ path, format, want string }{
		{"opencanary/canary-decoy-2019-05.opencanary.log", "opencanary", "auth_attempt 2, http_request 1; 0 ignored, 0 rejected"},
		{"opencanary/documented-events.opencanary.log", "opencanary", "auth_attempt 4, session 1; 1 ignored, 0 rejected"},
		{"sources/opencanary-new.jsonl", "opencanary", "auth_attempt 2, service_request 1; 1 ignored, 0 rejected"},
		{"canarytokens/canarytokens-history-slow_redirect.json", "canarytokens", "canary_fingerprint 1; 0 ignored, 0 rejected"},
		{"canarytokens/canarytokens-history-web_image.json", "canarytokens", "canary_fingerprint 1; 0 ignored, 0 rejected"},
		{"canarytokens/canarytokens-webhooks.jsonl", "canarytokens", "canary_fingerprint 1; 0 ignored, 0 rejected"},
		{"canarytokens/thinkst-console-webhooks.jsonl", "thinkst", "auth_attempt 1, canary_fingerprint 2, scan 1; 3 ignored, 0 rejected"},
		{"sources/beelzebub-tpot.jsonl", "beelzebub", "auth_attempt 1, command 2, session 2; 0 ignored, 0 rejected"},
		{"sources/beelzebub-upstream.jsonl", "beelzebub", "auth_attempt 1, command 2, http_request 1, session 2; 1 ignored, 0 rejected"},
		{"sources/dionaea.jsonl", "dionaea", "auth_attempt 3, service_request 2, session 3; 0 ignored, 0 rejected"},
		{"sources/heralding-session.jsonl", "heralding", "auth_attempt 1, session 2; 0 ignored, 0 rejected"},
		{"sources/heralding-auth.csv", "heralding", "auth_attempt 1; 1 ignored, 0 rejected"}, // the header line
		{"sources/honeypots-qeeqbox.jsonl", "qeeqbox", "auth_attempt 1, command 1; 0 ignored, 1 rejected"},
		{"sources/sshesame.jsonl", "sshesame", "auth_attempt 1, command 2, session 2; 0 ignored, 0 rejected"},
		{"sources/adbhoney.jsonl", "adbhoney", "command 1, session 2; 0 ignored, 0 rejected"},
		{"faults/34-adbhoney/34-adbhoney.json", "adbhoney", "command 1, session 2; 0 ignored, 0 rejected"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			path := filepath.Join("/work/shared/data", tt.path)
			if _, err := os.Stat(path); err != nil {
				t.Skip("the samples are not here")
			}
			got := mustRead(t, path, Options{Final: true})
			if got.Format != tt.format || countsOf(got) != tt.want {
				t.Errorf("%s: %s, want %s: %s", got.Format, countsOf(got), tt.format, tt.want)
			}
		})
	}
}

// Records of other versions, and with other values than a sensor writes, are read as far as
// they say something.
func TestSensorVariants(t *testing.T) {
	for _, tt := range []struct{ format, record, want string }{
		{"opencanary", `{"src_host":"203.0.113.7","logtype":"2000","logdata":{"USERNAME":"a","PASSWORD":null},"node_id":"n","local_time":"2026-05-04 05:49:05.586207"}`,
			`auth_attempt 2026-05-04T05:49:05.586207Z 203.0.113.7 {"protocol":"ftp","service":"ftp","username":"a"}`},
		{"opencanary", `{"message":"{\"dst_host\":\"\",\"dst_port\":\"-1\",\"src_host\":\"::ffff:203.0.113.7\",\"src_port\":-1,\"logtype\":17001,\"logdata\":{\"CMD\":\"GET\",\"ARGS\":\"\\u0000a\"},\"node_id\":\"n\",\"utc_time\":\"2026-05-04 05:49:05.586207\",\"local_time\":\"x\"}"}`,
			`service_request 2026-05-04T05:49:05.586207Z 203.0.113.7 {"request_text":"GET \u0000a","service":"redis"}`},
		{"opencanary", `<12>opencanaryd[9    :140261098514240]: n-1 WARNING {"logtype":5003,"logdata":{"PROTO":"TCP"},"node_id":"n-1","src_host":"203.0.113.7","dst_port":"23","src_port":"1","local_time":"2026-05-04 05:49:05"}`,
			`scan 2026-05-04T05:49:05Z 203.0.113.7 {"dst_port":"23","protocol":"tcp","scan":"null","src_port":"1"}`},
		{"opencanary", `May  4 05:49:05 canary opencanaryd[9    :140261098514240]: n-1 WARNING {"logtype":4000,"logdata":{"SESSION":7},"node_id":"n-1","src_host":"203.0.113.7","local_time":"2026-05-04 05:49:05"}`,
			`session 2026-05-04T05:49:05Z 203.0.113.7 {"fact":"opened","number":7,"protocol":"ssh"}`},
		{"opencanary", `{"logtype":[2000],"logdata":"x","node_id":{},"src_host":["a"],"local_time":"2026-05-04 05:49:05"}`, "ignored [2000]"},
		{"canarytokens", "time_of_hit,src_ip,input_channel,useragent,token_type\n1714637259.126385,203.0.113.7,DNS,,windows_dir\n2024-05-02 08:07:40 (UTC),203.0.113.8,HTTP,curl,web",
			`canary_fingerprint 2024-05-02T08:07:39.126385Z 203.0.113.7 {"channel":"dns","token_kind":"windows_dir","ua_signature":""}
canary_fingerprint 2024-05-02T08:07:40Z 203.0.113.8 {"channel":"http","token_kind":"web","ua_signature":"curl","user_agent":"curl"}`},
		{"canarytokens", `{"token_type":"web","hits":[{"src_ip":"203.0.113.7","time_of_hit":"1714637259"},{"src_ip":7,"time_of_hit":1714637260}]}`,
			`canary_fingerprint 2024-05-02T08:07:39Z 203.0.113.7 {"token_kind":"web","ua_signature":""}
canary_fingerprint 2024-05-02T08:07:40Z 7 {"token_kind":"web","ua_signature":""}`},
		{"canarytokens", `[{"token_type":"svn","hits":[{"src_ip":null,"time_of_hit":1714637259}]}]`, `canary_fingerprint 2024-05-02T08:07:39Z  {"token_kind":"svn","ua_signature":""}`},
		{"thinkst", `{"AdditionalDetails":"none","AlertType":"CanaryIncident","Description":"Telnet Login Attempt","Timestamp":"2026-02-02 14:19:02","SourceIP":"203.0.113.7"}`, "ignored Telnet Login Attempt"},
		{"thinkst", `{"Triggered":"2","Description":"MS Word Document Canarytoken triggered","AlertType":"CanarytokenIncident","Timestamp":"2026-02-02 14:19:02 (UTC)","SourceIP":"203.0.113.7","AdditionalDetails":{"User-Agent":"Word"}}`,
			`canary_fingerprint 2026-02-02T14:19:02Z 203.0.113.7 {"description":"MS Word Document Canarytoken triggered","details":{"User-Agent":"Word"},"token_kind":"ms_word","triggered":"2","ua_signature":"Word","user_agent":"Word"}`},
		{"heralding", "timestamp,auth_id,session_id,source_ip,source_port,destination_ip,destination_port,protocol,username,password\n2026-05-04 05:49:05.586207,x1,s1,203.0.113.7,1,198.51.100.2,22,ssh,root,\"a,b\"\"\nc\"",
			`auth_attempt 2026-05-04T05:49:05.586207Z 203.0.113.7 s1 {"auth_id":"x1","dst_ip":"198.51.100.2","dst_port":"22","password":"a,b\"\nc","protocol":"ssh","service":"ssh","src_port":"1","username":"root"}`},
		{"heralding", "timestamp,duration,session_id,source_ip,source_port,destination_ip,destination_port,protocol,num_auth_attempts\n2026-05-04 05:49:05.586207,7,s1,203.0.113.7,1,198.51.100.2,22,ssh,0",
			`session 2026-05-04T05:49:05.586207Z 203.0.113.7 s1 {"auth_attempts":"0","dst_ip":"198.51.100.2","dst_port":"22","duration_ms":7000,"fact":"opened","protocol":"ssh","src_port":"1"}`},
		{"beelzebub", `{"status":"Interaction","event":{"Status":"Interaction","Msg":"TELNET Terminal Session Interaction","Protocol":"TELNET","Command":"id","RemoteAddr":"203.0.113.7:1","ID":"a"},"time":"2026-05-04T05:49:05Z"}`,
			`command 2026-05-04T05:49:05Z 203.0.113.7 a {"command_text":"id","protocol":"telnet"}`},
		{"beelzebub", `{"event":{"Msg":"MCP tool","Protocol":"MCP","Status":"Stateless","Command":"","Body":"","SourceIp":"203.0.113.7"},"time":"2026-05-04T05:49:05Z"}`, "ignored MCP tool"},
		{"dionaea", `{"timestamp":"2026-05-04T05:49:05","src_ip":"203.0.113.7","src_port":"1","connection":{"type":"accept","transport":"udp","protocol":"SipSession"},"credentials":{"username":["a","b"],"password":["x"]},"ftp":[]}`,
			`session 2026-05-04T05:49:05Z 203.0.113.7 {"fact":"opened","protocol":"SipSession","src_port":"1","transport":"udp"}
auth_attempt 2026-05-04T05:49:05Z 203.0.113.7 {"method":"password","password":"x","protocol":"SipSession","service":"SipSession","username":"a"}
auth_attempt 2026-05-04T05:49:05Z 203.0.113.7 {"method":"password","protocol":"SipSession","service":"SipSession","username":"b"}`},
		{"sshesame", `{"event_type":"keyboard_interactive_auth","event":{"answers":["a","b"],"accepted":false,"user":"u"},"source":"[2001:db8::7]:22","time":"2026-05-04T07:49:05+02:00"}`,
			`auth_attempt 2026-05-04T05:49:05Z 2001:db8::7 [2001:db8::7]:22 {"method":"keyboard-interactive","password":"a b","protocol":"ssh","service":"ssh","success":false,"username":"u"}`},
		{"qeeqbox", `{'src_ip': '203.0.113.7', 'action': 'login', 'timestamp': '2026-05-04T05:49:05', 'dest_ip': '0.0.0.0', 'dest_port': 23, 'protocol': 'telnet', 'username': None, 'password': "it's", 'status': 'success'}`,
			`auth_attempt 2026-05-04T05:49:05Z 203.0.113.7 {"dst_port":23,"password":"it's","protocol":"telnet","service":"telnet","success":true}`},
		{"qeeqbox", `{"log":"{'src_ip': '203.0.113.7', 'action': 'connection', 'timestamp': '2026-05-04T05:49:05', 'dest_ip': '0.0.0.0', 'dest_port': 23, 'server': 'vnc_server'}\n","stream":"stdout","time":"2026-05-04T05:49:06Z"}`,
			`session 2026-05-04T05:49:05Z 203.0.113.7 {"dst_port":23,"fact":"opened","protocol":"vnc"}`},
		{"qeeqbox", `May  4 05:49:05 host honeypots[7]: {'src_ip': '203.0.113.7', 'action': 'connection', 'timestamp': '2026-05-04T05:49:05', 'dest_ip': '0.0.0.0', 'server': 'vnc_server'}`,
			`session 2026-05-04T05:49:05Z 203.0.113.7 {"fact":"opened","protocol":"vnc"}`},
		{"beelzebub", `{"log":"{\"event\":{\"Status\":\"Interaction\",\"Msg\":\"SSH Terminal Session Interaction\",\"Protocol\":\"SSH\",\"Command\":\"{\\\"eventid\\\":1}\",\"SourceIp\":\"203.0.113.7\",\"ID\":\"a\"},\"time\":\"2026-05-04T05:49:05Z\"}\n","stream":"stdout"}`,
			`command 2026-05-04T05:49:05Z 203.0.113.7 a {"command_text":"{\"eventid\":1}","protocol":"ssh"}`},
		{"dionaea", `{"@timestamp":"2026-05-04T05:50:00Z","message":"{\"timestamp\":\"2026-05-04T05:49:05\",\"src_ip\":\"203.0.113.7\",\"connection\":{\"type\":\"reject\",\"transport\":\"tcp\",\"protocol\":\"pcap\"}}"}`,
			`scan 2026-05-04T05:49:05Z 203.0.113.7 {"protocol":"tcp","scan":"probe"}`},
		{"adbhoney", `{"input":"id","eventid":"adbhoney.command.input","src_ip":"203.0.113.7","unixtime":1777873746,"session":null}`,
			`command 2026-05-04T05:49:06Z 203.0.113.7 {"command_text":"id","protocol":"adb"}`},
		{"adbhoney", `{"duration":"2.1","eventid":"adbhoney.session.closed","src_ip":"203.0.113.7","timestamp":"2026-05-04 05:49:06.5","session":"b'a1'"}`,
			`session 2026-05-04T05:49:06.5Z 203.0.113.7 a1 {"duration_ms":2100,"fact":"closed","protocol":"adb"}`},
	} {
		got := mustRead(t, write(t, t.TempDir(), "some.log", []byte(tt.record+"\n")), Options{Final: true})
		var all []string
		for i := range got.Events {
			e := &got.Events[i]
			line := fmt.Sprintf("%s %s %s", e.Kind, e.Time.Format("2006-01-02T15:04:05.999999Z07:00"), e.AttackerIP)
			if e.SessionID != "" {
				line += " " + e.SessionID
			}
			all = append(all, line+" "+string(e.Payload.AppendJSON(nil)))
		}
		for name := range got.Report.IgnoredTypes {
			if name != "(header line)" {
				all = append(all, "ignored "+name)
			}
		}
		for _, r := range got.Rejects {
			all = append(all, "rejected: "+r.Reason)
		}
		if text := strings.Join(all, "\n"); got.Format != tt.format || text != tt.want {
			t.Errorf("%s gave, as %s:\n%s\nwant, as %s:\n%s", tt.record, got.Format, text, tt.format, tt.want)
		}
	}
}

// A login that Heralding wrote to both of its files is one event, and so is a session.
func TestHeraldingTwice(t *testing.T) {
	ids := map[string]string{}
	for name, text := range map[string]string{
		"log_session.json": `{"timestamp":"2026-05-04 05:49:04.100000","duration":3,"session_id":"s1","source_ip":"203.0.113.7","source_port":1,"destination_ip":"198.51.100.2","destination_port":22,"protocol":"ssh","num_auth_attempts":1,"auth_attempts":[{"timestamp":"2026-05-04 05:49:05.586207","username":"root","password":"x"}]}`,
		"auth.csv":         "timestamp,auth_id,session_id,source_ip,source_port,destination_ip,destination_port,protocol,username,password,password_hash\n2026-05-04 05:49:05.586207,a1,s1,203.0.113.7,1,198.51.100.2,22,ssh,root,x,",
		"session.csv":      "timestamp,duration,session_id,source_ip,source_port,destination_ip,destination_port,protocol,num_auth_attempts\n2026-05-04 05:49:04.100000,3,s1,203.0.113.7,1,198.51.100.2,22,ssh,1",
	} {
		r := mustRead(t, write(t, t.TempDir(), name, []byte(text+"\n")), Options{Final: true})
		for i := range r.Events {
			ids[name+string(r.Events[i].Kind)] = r.Events[i].ContentID()
		}
	}
	if len(ids) != 4 || ids["log_session.jsonauth_attempt"] != ids["auth.csvauth_attempt"] || ids["log_session.jsonsession"] != ids["session.csvsession"] {
		t.Errorf("got %v", ids)
	}
}

// In a folder with Dionaea's database, its JSON log has only what the database lacks.
func TestDionaeaBesideDatabase(t *testing.T) {
	dir := t.TempDir()
	database, err := os.ReadFile(buildDecnet(t, "testdata/dionaea-sqlite", ""))
	if err != nil {
		t.Fatal(err)
	}
	record := func(at, more string) string {
		return `{"connection":{"protocol":"ftpd","transport":"tcp","type":"accept"},"dst_ip":"198.51.100.3","dst_port":21,"src_ip":"203.0.113.7","src_port":1,"timestamp":"` + at + `"` + more + "}\n"
	}
	log := write(t, dir, "dionaea.json", []byte(record("2026-05-03T05:49:05", "")+record("2026-05-04T06:00:00", `,"ftp":{"commands":{"command":["LIST"],"arguments":[""]}}`)))
	for _, tt := range []struct {
		beside bool
		o      Options
		want   string
	}{
		{false, Options{}, "service_request 1, session 2; 0 ignored, 0 rejected"},
		{true, Options{}, "service_request 1, session 1; 0 ignored, 0 rejected"},
		{true, Options{Named: true}, "service_request 1, session 2; 0 ignored, 0 rejected"},
		{true, Options{Below: true}, "service_request 1, session 2; 0 ignored, 0 rejected"}, // the database is not read either
	} {
		if tt.beside {
			write(t, dir, "dionaea.sqlite", database)
		}
		tt.o.Final = true
		if r := mustRead(t, log, tt.o); countsOf(r) != tt.want || (len(r.Notes) > 0) != (tt.beside && !tt.o.Below) {
			t.Errorf("%+v: %s, %q, want %s", tt.o, countsOf(r), r.Notes, tt.want)
		}
	}
}

// In T-Pot's folder the database is read, whichever folder above was named.
func TestDionaeaInTpot(t *testing.T) {
	dir := t.TempDir()
	for _, sensor := range []string{"cowrie", "dionaea", "heralding"} {
		if err := os.MkdirAll(filepath.Join(dir, sensor, "log"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	database, err := os.ReadFile(buildDecnet(t, "testdata/dionaea-sqlite", ""))
	if err != nil {
		t.Fatal(err)
	}
	logs := filepath.Join(dir, "dionaea", "log")
	log := write(t, logs, "dionaea.json", []byte(`{"connection":{"protocol":"ftpd","transport":"tcp","type":"accept"},"dst_ip":"198.51.100.3","dst_port":21,"src_ip":"203.0.113.7","src_port":1,"timestamp":"2026-05-04T06:00:00"}`+"\n"))
	write(t, logs, "dionaea.sqlite", database)
	if r := mustRead(t, log, Options{Final: true, Below: true}); len(r.Events) != 0 || len(r.Notes) != 1 {
		t.Errorf("%s, %q", countsOf(r), r.Notes)
	}
}

// The address of a DNS token's hit is a resolver's.
func TestCanaryResolvers(t *testing.T) {
	for record, want := range map[string]bool{
		`{"manage_url":"u","memo":"m","channel":"DNS","token_type":"dns","src_ip":"198.51.100.53","time":"2026-05-04 05:49:05 (UTC)"}`:                         true,
		`{"manage_url":"u","memo":"m","channel":"HTTP","token_type":"dns","src_ip":"198.51.100.53","time":"2026-05-04 05:49:05 (UTC)"}`:                        false,
		`{"hits":[{"time_of_hit":1714637259.1,"src_ip":"198.51.100.53","input_channel":"DNS"}],"token_type":"windows_dir"}`:                                    true,
		`{"AlertType":"CanarytokenIncident","Description":"DNS Canarytoken triggered","Timestamp":"2026-05-04 05:49:05 (UTC)","SourceIP":"198.51.100.53"}`:     true,
		`{"AlertType":"CanarytokenIncident","Description":"Web Bug Canarytoken triggered","Timestamp":"2026-05-04 05:49:05 (UTC)","SourceIP":"198.51.100.53"}`: false,
	} {
		r := mustRead(t, write(t, t.TempDir(), "hits.json", []byte(record+"\n")), Options{Final: true})
		if len(r.Events) != 1 || r.Events[0].ByResolver() != want {
			t.Errorf("%s: %+v, want a resolver: %v", record, r.Events, want)
		}
	}
}
