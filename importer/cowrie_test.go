package importer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer/recent"
)

// cowrieLine is a record of an eventid with more members, which begin with a comma.
func cowrieLine(eventid, more string) string {
	return fmt.Sprintf(`{"eventid":"%s","sensor":"a","timestamp":"2026-05-04T05:00:01.000001Z","src_ip":"203.0.113.7","session":"s1"%s}`+"\n", eventid, more)
}

// told returns an event's kind and payload.
func told(e *ttpcron.Event) string {
	return string(e.Kind) + " " + string(e.Payload.AppendJSON(nil))
}

func tell(r result) (all []string) {
	for i := range r.Events {
		all = append(all, told(&r.Events[i]))
	}
	return all
}

// TestCowrieTypes reads a record of each type that gives events.
func TestCowrieTypes(t *testing.T) {
	shown := map[string]bool{}
	for _, tt := range []struct{ eventid, more, want string }{
		{"cowrie.session.connect", `,"src_port":40000,"dst_ip":"198.51.100.2","dst_port":2222,"protocol":"ssh"`,
			`session {"dst_ip":"198.51.100.2","dst_port":2222,"fact":"opened","protocol":"ssh","src_port":40000}`},
		{"cowrie.session.connect", `,"src_port":"40000","dst_ip":null,"dst_port":[22],"protocol":"sftp"`,
			`session {"dst_port":[22],"fact":"opened","protocol":"sftp","src_port":40000}`},
		{"cowrie.login.success", `,"username":"root","password":"x","protocol":"ssh"`,
			`auth_attempt {"method":"password","password":"x","protocol":"ssh","service":"ssh","success":true,"username":"root"}`},
		{"cowrie.login.failed", `,"username":"","password":""`, `auth_attempt {"method":"password","password":"","success":false,"username":""}`},
		{"cowrie.login.failed", `,"username":"a","password":"b","type":"Cowrie"`, `auth_attempt {"method":"password","password":"b","success":false,"username":"a"}`},
		{"cowrie.client.fingerprint", `,"key":"ssh-rsa AAAA","fingerprint":"f","type":"Cowrie"`, `auth_attempt {"key":"ssh-rsa AAAA","key_fingerprint":"f","key_type":"ssh-rsa","method":"publickey"}`},
		{"cowrie.login.failed", `,"username":null`, `auth_attempt {"success":false}`},
		{"cowrie.login.failed", `,"username":22,"password":1e3`, `auth_attempt {"method":"password","password":1e3,"success":false,"username":"22"}`},
		{"cowrie.login.failed", `,"username":-0,"password":["b",{"z":1,"a":null}]`, `auth_attempt {"method":"password","password":["b",{"z":1,"a":null}],"success":false,"username":-0}`},
		{"cowrie.login.success", `,"username":"root","fingerprint":"f","key":"k","type":"ssh-rsa"`,
			`auth_attempt {"key":"k","key_fingerprint":"f","key_type":"ssh-rsa","method":"publickey","success":true,"username":"root"}`},
		{"cowrie.client.fingerprint", `,"username":"root","fingerprint":"f","key":"k","type":"ssh-rsa","protocol":"ssh"`,
			`auth_attempt {"key":"k","key_fingerprint":"f","key_type":"ssh-rsa","method":"publickey","protocol":"ssh","service":"ssh","username":"root"}`},
		{"cowrie.client.version", `,"version":"SSH-2.0-Go"`, `session {"client_version":"SSH-2.0-Go","fact":"client"}`},
		{"cowrie.client.version", `,"version":"b'SSH-2.0-Go'"`, `session {"client_version":"SSH-2.0-Go","fact":"client"}`},
		{"cowrie.client.version", `,"version":"b'GET /'"`, `session {"client_version":"b'GET /'","fact":"client"}`},
		{"cowrie.client.kex", `,"hassh":"h","kexAlgs":["a"],"protocol":"ssh"`, `session {"fact":"kex","hassh":"h","protocol":"ssh"}`},
		{"cowrie.client.var", `,"name":"LANG","value":"C"`, `session {"fact":"var","name":"LANG","value":"C"}`},
		{"cowrie.client.size", `,"width":80,"height":"24"`, `session {"fact":"size","term_size":"80x24"}`},
		{"cowrie.client.size", `,"width":80`, `session {"fact":"size"}`},
		{"cowrie.session.params", `,"arch":"linux-x64-lsb"`, `session {"fact":"params","name":"arch","value":"linux-x64-lsb"}`},
		{"cowrie.session.closed", `,"duration":7.5`, `session {"duration_ms":7500,"fact":"closed"}`},
		{"cowrie.session.closed", `,"duration":"120.0"`, `session {"duration_ms":120000,"fact":"closed"}`},
		{"cowrie.session.closed", `,"duration":"9","duration_ms":120345`, `session {"duration_ms":120345,"fact":"closed"}`},
		{"cowrie.session.closed", `,"duration":1.2345678`, `session {"duration_ms":1235,"fact":"closed"}`},
		{"cowrie.session.closed", `,"duration":"1e9"`, `session {"fact":"closed"}`},
		{"cowrie.session.closed", `,"duration":{"a":1}`, `session {"fact":"closed"}`},
		{"cowrie.session.closed", `,"duration":"99999999999999999999"`, `session {"fact":"closed"}`},
		{"cowrie.session.closed", ``, `session {"fact":"closed"}`},
		{"cowrie.command.input", `,"input":"id","protocol":"telnet"`, `command {"command_text":"id","protocol":"telnet"}`},
		{"cowrie.command.input", `,"input":"id","realm":null`, `command {"command_text":"id"}`},
		{"cowrie.command.input", `,"input":"id","realm":""`, `command {"command_text":"id"}`},
		{"cowrie.command.input", `,"input":false`, `command {"command_text":"false"}`},
		{"cowrie.command.input", `,"input":{"type":"log"},"message":"CMD: a: b "`, `command {"command_text":"a: b "}`},
		{"cowrie.command.input", `,"input":7,"message":"CMD: 07"`, `command {"command_text":"07"}`},
		{"cowrie.command.input", `,"input":"root:x","realm":"chpasswd","protocol":"ssh"`, `stdin {"input_text":"root:x","program":"chpasswd","protocol":"ssh"}`},
		{"cowrie.command.input", `,"input":["a"],"realm":"cat","message":"INPUT (cat): x): y"`, `stdin {"input_text":"x): y","program":"cat"}`},
		{"cowrie.command.success", `,"input":"new","realm":"passwd"`, `stdin {"input_text":"new","program":"passwd"}`},
		{"cowrie.command.failed", `,"input":"new","realm":"passwd"`, `stdin {"input_text":"new","program":"passwd"}`},
		{"cowrie.session.input", `,"input":"wget x","realm":"cat"`, `stdin {"input_text":"wget x","program":"cat"}`},
		{"cowrie.session.input", `,"input":"wget x"`, `stdin {"input_text":"wget x"}`},
		{"cowrie.session.input", `,"input":"wget x","realm":5`, `stdin {"input_text":"wget x","program":"5"}`},
		{"cowrie.command.chpasswd", `,"username":"root"`, `stdin {"input_text":"root","program":"chpasswd"}`},
		{"cowrie.command.chpasswd", `,"username":"root","password":"x"`, `stdin {"input_text":"root:x","program":"chpasswd"}`},
		{"cowrie.session.file_download", `,"url":"http://192.0.2.9/b","shasum":"9f","outfile":"dl/9f","destfile":"/tmp/b","duplicate":false,"late":true`,
			`payload {"direction":"in","filename":"/tmp/b","method":"download","payload_text":"http://192.0.2.9/b /tmp/b","sha256":"9f","url":"http://192.0.2.9/b"}`},
		{"cowrie.session.file_download", `,"shasum":"9f"`, `payload {"direction":"in","method":"download","sha256":"9f"}`},
		{"cowrie.session.file_download", `,"url":["http://192.0.2.9/b"],"filename":"b","size":"12"`,
			`payload {"direction":"in","filename":"b","method":"download","payload_text":"b","size":12,"url":["http://192.0.2.9/b"]}`},
		{"cowrie.session.file_download.failed", `,"url":"http://192.0.2.9/b","error":"refused"`,
			`payload {"direction":"in","error":"refused","failed":true,"method":"download","payload_text":"http://192.0.2.9/b","url":"http://192.0.2.9/b"}`},
		{"cowrie.session.file_upload", `,"filename":"a.arm7","shasum":"a8","size":12`,
			`payload {"direction":"in","filename":"a.arm7","method":"upload","payload_text":"a.arm7","sha256":"a8","size":12}`},
		{"cowrie.direct-tcpip.request", `,"dst_ip":"example.org","dst_port":443,"orig_ip":"127.0.0.1","orig_port":5556`,
			`tunnel {"destination":"example.org:443","dst_ip":"example.org","dst_port":443,"orig_ip":"127.0.0.1","orig_port":5556}`},
		{"cowrie.direct-tcpip.redirect", `,"dst_ip":"2001:db8::1","dst_port":"25"`, `tunnel {"destination":"[2001:db8::1]:25","dst_ip":"2001:db8::1","dst_port":25}`},
		{"cowrie.direct-tcpip.request", `,"dest_ip":"example.org","dest_port":443`, `tunnel {"destination":"example.org:443","dst_ip":"example.org","dst_port":443}`},
		{"cowrie.direct-tcpip.tunnel", `,"dst_ip":"example.org"`, `tunnel {"destination":"example.org","dst_ip":"example.org"}`},
		{"cowrie.direct-tcpip.data", `,"dst_ip":"example.org","dst_port":80,"data":"b'\\x16'"`,
			`tunnel {"data":"b'\\x16'","destination":"example.org:80","dst_ip":"example.org","dst_port":80}`},
		{"cowrie.tunnelproxy-tcpip.data", `,"data":"x"`, `tunnel {"data":"x"}`},
		{"cowrie.telnet.exploit_attempt", `,"cve":"CVE-2026-24061","username":"-f root"`,
			`service_request {"cve":"CVE-2026-24061","request_text":"-f root","service":"telnet","user":"-f root"}`},
		{"cowrie.telnet.exploit_success", `,"cve":"CVE-2026-24061","username":"root","original_username":"-f root","attempted_command":"id","protocol":"telnet"`,
			`service_request {"cve":"CVE-2026-24061","request_text":"-f root","service":"telnet","user":"root"} command {"command_text":"id","protocol":"telnet"}`},
	} {
		shown[tt.eventid] = true
		r := readBytes(t, []byte(cowrieLine(tt.eventid, tt.more)), "cowrie")
		if got := strings.Join(tell(r), " "); got != tt.want {
			t.Errorf("%s%s gives\n%s, want\n%s; %+v", tt.eventid, tt.more, got, tt.want, r.Rejects)
		}
		for _, e := range r.Events {
			if !slices.Contains(cowrieTypeCalled([]byte(tt.eventid)).kinds, e.Kind) {
				t.Errorf("%s gives an event of kind %s, which is not listed", tt.eventid, e.Kind)
			}
		}
	}
	for _, ty := range cowrieTypes {
		if ty.read != nil != shown[ty.name] {
			t.Errorf("%s: shown is %v", ty.name, shown[ty.name])
		}
		if (ty.read != nil) != (len(ty.kinds) > 0) || ty.read == nil && ty.why == "" {
			t.Errorf("%s: %v, %q", ty.name, ty.kinds, ty.why)
		}
	}
}

// TestCowrieIgnored: records without an event are counted by type, whoever invented it; a
// record that is not Cowrie's is refused.
func TestCowrieIgnored(t *testing.T) {
	for _, name := range []string{"cowrie.log.open", "cowrie.virustotal.scanurl", "cowrie.invented.later", "cowrie.", "KIPP0004", "COW0099", "cowrie.command.failed"} {
		r := readBytes(t, []byte(cowrieLine(name, `,"input":"id"`)), "cowrie")
		if r.Report.Ignored != 1 || r.Report.IgnoredTypes[name] != 1 {
			t.Errorf("%s: %+v", name, r.Report)
		}
	}
	for eventid, reason := range map[string]string{
		`"adbhoney.command.input"`: `eventid "adbhoney.command.input" is none of Cowrie's`,
		`"KIPP05"`:                 `eventid "KIPP05" is none of Cowrie's`,
		`7`:                        "eventid is missing or not a string",
		`null`:                     "eventid is missing or not a string",
	} {
		r := readBytes(t, []byte(`{"eventid":`+eventid+`,"input":"id"}`), "cowrie")
		if len(r.Rejects) != 1 || r.Rejects[0].Reason != reason {
			t.Errorf("%s: %+v", eventid, r.Rejects)
		}
	}
}

// TestCowrieRefused: an unusable record is refused with a reason.
func TestCowrieRefused(t *testing.T) {
	deep := strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1)
	for _, tt := range []struct{ line, reason string }{
		{cowrieLine("cowrie.login.failed", `,"src_ip":{"a":1}`), "src_ip is not a string"},
		{cowrieLine("cowrie.login.failed", `,"timestamp":[1]`), "timestamp [1] is not a time"},
		{cowrieLine("cowrie.login.failed", `,"timestamp":true`), "timestamp true is not a time"},
		{cowrieLine("cowrie.login.failed", `,"timestamp":null`), "timestamp is missing"},
		{cowrieLine("cowrie.command.input", `,"input":{"a":"CMD: x"},"message":["CMD: x"]`), "input is missing or not a string"},
		{cowrieLine("cowrie.command.chpasswd", ``), "username is missing or not a string"},
		{cowrieLine("cowrie.login.failed", `,"password":`+deep), "password: JSON is nested deeper than 126"},
		{cowrieLine("cowrie.telnet.exploit_success", `,"attempted_command":"id","protocol":`+deep), "protocol: JSON is nested deeper than 126"},
	} {
		r := readBytes(t, []byte(tt.line), "cowrie")
		if len(r.Events) != 0 || len(r.Rejects) != 1 || r.Rejects[0].Reason != tt.reason {
			t.Errorf("%s: %v, %+v", tt.line, tell(r), r.Rejects)
		}
	}
}

// TestCowrieOldNumbers: types had numbers in 2015 and 2016.
func TestCowrieOldNumbers(t *testing.T) {
	for _, tt := range []struct {
		number int
		more   string
		want   string // the eventid that the type has now
	}{
		{1, `,"src_port":1`, "cowrie.session.connect"},
		{2, `,"username":"a","password":"b"`, "cowrie.login.success"},
		{3, `,"username":"a","password":"b"`, "cowrie.login.failed"},
		{4, ``, "cowrie.log.open"},
		{7, `,"url":"u","shasum":"s"`, "cowrie.session.file_download"},
		{8, `,"realm":"passwd","input":"x"`, "cowrie.session.input"},
		{9, `,"version":"SSH-2.0-x"`, "cowrie.client.version"},
		{10, `,"width":1,"height":2`, "cowrie.client.size"},
		{11, ``, "cowrie.session.closed"},
		{12, ``, "cowrie.log.closed"},
		{13, `,"name":"a","value":"b"`, "cowrie.client.var"},
		{14, `,"dst_ip":"192.0.2.1","dst_port":1`, "cowrie.direct-tcpip.request"},
		{15, `,"dst_ip":"192.0.2.1","dst_port":1,"data":"x"`, "cowrie.direct-tcpip.data"},
		{16, `,"username":"a","fingerprint":"b"`, "cowrie.client.fingerprint"},
	} {
		want := readBytes(t, []byte(cowrieLine(tt.want, tt.more)), "cowrie")
		for _, prefix := range []string{"KIPP", "COW"} {
			r := readBytes(t, []byte(cowrieLine(fmt.Sprintf("%s%04d", prefix, tt.number), tt.more)), Auto)
			if !slices.Equal(r.IDs(), want.IDs()) || len(r.Rejects) != 0 {
				t.Errorf("%s%04d: %v, want %v", prefix, tt.number, tell(r), tell(want))
			}
		}
	}
}

// TestCowrieSessions reads records that depend on those before them.
func TestCowrieSessions(t *testing.T) {
	at := func(year int, eventid, more string) string {
		return strings.Replace(cowrieLine(eventid, more), "2026-", fmt.Sprint(year, "-"), 1)
	}
	bare := func(line string) string { return strings.Replace(line, `"src_ip":"203.0.113.7",`, "", 1) }
	other := func(line string) string { return strings.Replace(line, `"s1"`, `"s2"`, 1) }
	connect, input := "cowrie.session.connect", "cowrie.command.input"
	success, failed := "cowrie.command.success", "cowrie.command.failed"
	for _, tt := range []struct {
		name    string
		content string
		want    string // the commands, and what programs read
	}{
		{"only results, 2016", at(2016, connect, "") + at(2016, success, `,"input":"a"`) + at(2016, failed, `,"input":"b"`), "a b"},
		{"only results, later, from the beginning", at(2019, connect, "") + at(2019, success, `,"input":"a"`) + at(2019, failed, `,"input":"b"`), "a b"},
		{"only results, 2016, from the middle", at(2016, "KIPP0005", `,"input":"a"`) + at(2016, "COW0006", `,"input":"b"`), "a b"},
		{"only results, later, from the middle", at(2019, success, `,"input":"a"`), ""},
		{"input and result", at(2019, connect, "") + at(2019, input, `,"input":"a"`) + at(2019, failed, `,"input":"a"`), "a"},
		{"input and result, 2016", at(2016, input, `,"input":"a"`) + at(2016, failed, `,"input":"a"`), "a"},
		{"input of another session", at(2016, input, `,"input":"a"`) + other(at(2016, failed, `,"input":"b"`)), "a b"},
		{"input with realm", at(2019, connect, "") + at(2019, input, `,"input":"a","realm":"cat"`) + at(2019, failed, `,"input":"b"`), "a"},
		{"a number that is used again", at(2016, input, `,"input":"a"`) + at(2016, connect, "") + at(2016, failed, `,"input":"b"`), "a b"},
		{"read once", at(2019, success, `,"input":"a","realm":"passwd"`), "a"},
		{"read and repeated", at(2019, input, `,"input":"a","realm":"passwd"`) + at(2019, success, `,"input":"a","realm":"passwd"`), "a"},
		{"an exploit that worked", cowrieLine("cowrie.telnet.exploit_attempt", `,"attempted_command":"id"`) + cowrieLine("cowrie.telnet.exploit_success", `,"attempted_command":"id"`), "id"},
		{"two exploits", cowrieLine("cowrie.telnet.exploit_attempt", `,"attempted_command":"id"`) + cowrieLine("cowrie.telnet.exploit_attempt", `,"attempted_command":"w"`), "id w"},
		{"read twice", at(2019, input, `,"input":"a","realm":"passwd"`) + at(2019, success, `,"input":"b","realm":"passwd"`), "a b"},
	} {
		r := readBytes(t, []byte(tt.content), "cowrie")
		var got []string
		for _, e := range r.Events {
			for _, name := range []string{"command_text", "input_text"} {
				if text, ok := e.Payload.Text(name); ok {
					got = append(got, text)
				}
			}
		}
		if strings.Join(got, " ") != tt.want || len(r.Rejects) > 0 {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}

	alone := readBytes(t, []byte(bare(cowrieLine(input, `,"input":"id"`))), "cowrie").Events[0]
	r := readBytes(t, []byte(cowrieLine(connect, "")+bare(cowrieLine(input, `,"input":"id"`))+other(bare(cowrieLine(input, `,"input":"id"`)))), "cowrie")
	found, nobody := r.Events[1], r.Events[2]
	if found.AttackerIP != "203.0.113.7" || found.AddressOrigin != ttpcron.OriginResolved || found.IdentityUUID != "" {
		t.Errorf("the address of the session is not that of its command: %+v", found)
	}
	if found.ContentID() != alone.ContentID() {
		t.Error("another record changes what an event is")
	}
	if nobody.AttackerIP != "" || nobody.IdentityUUID == "" {
		t.Errorf("an address of another session: %+v", nobody)
	}
}

// TestCowrieSessionsAreBounded: a flood of sessions pushes out only sessions that are not
// in use.
func TestCowrieSessionsAreBounded(t *testing.T) {
	c := newCowrieParser(nil).(*cowrieParser).sessions
	c.begins(c.key("kept", "a"), "192.0.2.1")
	c.begins(c.key("idle", "a"), "192.0.2.2")
	for i := range 5 * recent.Most {
		c.begins(c.key(fmt.Sprint(i), "a"), "2001:db8::1%"+strings.Repeat("z", 40))
		if i%100 == 0 && c.find(c.key("kept", "a")).length == 0 {
			t.Fatalf("forgotten after %d sessions", i)
		}
	}
	if c.find(c.key("idle", "a")).connected {
		t.Error("a session that is not in use is kept for ever")
	}
	if s := c.find(c.key("kept", "a")); string(s.address[:s.length]) != "192.0.2.1" {
		t.Errorf("%+v", s)
	}
}

// TestCowrieCut cuts one record of each type at any place: the rest is not a record, and
// does not affect the next one.
func TestCowrieCut(t *testing.T) {
	whole := cowrieLine("cowrie.command.input", `,"input":"id","timestamp":"2026-05-04T06:00:00Z"`)
	first := readBytes(t, []byte(whole), "cowrie")
	want := first.IDs()
	for _, ty := range cowrieTypes {
		line := cowrieLine(ty.name, `,"input":"i","username":"u","dst_ip":"h","dst_port":2,"duration":1.5,"data":"\u00e9","attempted_command":"c"`)
		for n := 1; n < len(line)-2; n++ {
			r := readBytes(t, []byte(line[:n]+"\n"+whole), "cowrie")
			if !slices.Equal(r.IDs(), want) || len(r.Rejects) != 1 {
				t.Fatalf("%q: %v, %+v", line[:n], tell(r), r.Rejects)
			}
		}
	}
}

func TestCowrieTimes(t *testing.T) {
	for _, tt := range []struct{ members, want string }{
		{`"timestamp":1760745601`, "2025-10-18T00:00:01Z"},
		{`"timestamp":1760745601.25`, "2025-10-18T00:00:01.25Z"},
		{`"timestamp":1760745601000`, "2025-10-18T00:00:01Z"},
		{`"timestamp":1760745601000001`, "2025-10-18T00:00:01.000001Z"},
		{`"timestamp":1760745601123456789`, "2025-10-18T00:00:01.123456789Z"},
		{`"timestamp":"1760745601123456789"`, "2025-10-18T00:00:01.123456789Z"},
		{`"timestamp":"1760745601.123456789"`, "2025-10-18T00:00:01.123456789Z"},
		{`"timestamp":1760745601.1234567`, "2025-10-18T00:00:01.123457Z"}, // a float64 knows no more
		{`"timestamp":1.760745601e9`, "2025-10-18T00:00:01Z"},
		{`"timestamp":{"$date":"2025-10-18T00:00:01.000Z"}`, "2025-10-18T00:00:01Z"},
		{`"timestamp":{"$date":1760745601123}`, "2025-10-18T00:00:01.123Z"},
		{`"timestamp":{"$date":{"$numberLong":"1760745601123"}}`, "2025-10-18T00:00:01.123Z"},
		{`"timestamp":{"$date":{"$numberLong":"1000"}}`, "1970-01-01T00:00:01Z"},
		{`"timestamp":"2025-10-18 00:00:01.000 UTC"`, "2025-10-18T00:00:01Z"},
		{`"timestamp":"2025-10-18T00:00:01,5 GMT"`, "2025-10-18T00:00:01.5Z"},
		{`"timestamp":"2025-10-18T02:00:01.000001+02"`, "2025-10-18T00:00:01.000001Z"},
		{`"timestamp":"2025-10-18T02:00:01.000001+0200"`, "2025-10-18T00:00:01.000001Z"},
		{`"timestamp":"2025-10-17 18:30:01,000001 -05:30"`, "2025-10-18T00:00:01.000001Z"},
		{`"timestamp":"2025-10-17 19:00:01-05"`, "2025-10-18T00:00:01Z"},
		{`"timestamp":"2025-10-18T00:00:01.123456789Z"`, "2025-10-18T00:00:01.123456789Z"},
		{`"timestamp":"2025-10-18T00:00:01"`, "2025-10-18T00:00:01Z"},
		{`"@timestamp":"2025-10-18T00:00:01.123Z"`, "2025-10-18T00:00:01.123Z"},
		{`"@timestamp":"2025-10-18T00:00:09Z","timestamp":"2025-10-18T00:00:01Z"`, "2025-10-18T00:00:01Z"},
		{`"timestamp":null,"epoch":1760745601123`, "2025-10-18T00:00:01.123Z"},
		{`"timestamp":1e-5`, "1970-01-01T00:00:00.00001Z"},
		{`"timestamp":0`, ""},
		{`"timestamp":-1760745601`, ""},
		{`"timestamp":1760745601123456789012`, ""},
		{`"timestamp":1e99`, ""},
		{`"timestamp":"1e999999999"`, ""},
		{`"timestamp":"NaN"`, ""},
		{`"timestamp":"0x1p30"`, ""},
		{`"timestamp":"1.2.3"`, ""},
		{`"timestamp":{"$date":null}`, ""},
		{`"timestamp":{"$date":{"a":1}}`, ""},
		{`"timestamp":{"$date":1760745601123,"a":1}`, ""},
		{`"timestamp":{}`, ""},
		{`"timestamp":"2025-10-18 00:00:01 CEST"`, ""},
		{`"timestamp":"2025-10-18T00:00:01+99"`, ""},
	} {
		r := readBytes(t, []byte(`{"eventid":"cowrie.session.closed","src_ip":"192.0.2.1",`+tt.members+`}`), "cowrie")
		got := ""
		if len(r.Events) == 1 {
			got = r.Events[0].Time.Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("%s is %s, want %s", tt.members, got, tt.want)
		}
	}
}
