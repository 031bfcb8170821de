package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// wrappers are the forms in which a log of lines comes.
var wrappers = []struct {
	name string
	wrap func(lines []string) string
}{
	{"docker", eachLine(func(l string) string {
		return `{"log":` + quoted(l+"\n") + `,"stream":"stdout","time":"2026-05-04T05:00:01.000000001Z"}`
	})},
	{"docker in pieces", eachLine(func(l string) string {
		out := ""
		for rest := l + "\n"; len(rest) > 0; {
			n := min(len(rest), 50)
			for n < len(rest) && !utf8.RuneStart(rest[n]) {
				n++
			}
			out += `{"log":` + quoted(rest[:n]) + `,"stream":"stdout","time":"2026-05-04T05:00:01Z"}` + "\n"
			rest = rest[n:]
		}
		return strings.TrimSuffix(out, "\n")
	})},
	{"filebeat", eachLine(func(l string) string {
		return `{"@timestamp":"2026-05-04T05:00:01.000Z","@metadata":{"beat":"filebeat"},"message":` + quoted(l) + `,"log":{"offset":0,"file":{"path":"/cowrie.json"}},"input":{"type":"filestream"},"agent":{"type":"filebeat","ip":["10.0.0.1"]}}`
	})},
	{"elasticdump", eachLine(func(l string) string { return `{"_index":"x","_id":"1","_score":1,"_source":` + l + `}` })},
	{"elasticsearch with the line", eachLine(func(l string) string {
		return `{"_index":"x","_source":{"host":{"name":"a"},"event":{"original":` + quoted(l) + `,"kind":"event"},"source":{"ip":"203.0.113.7"}}}`
	})},
	{"splunk", eachLine(func(l string) string {
		return `{"preview":false,"result":{"_raw":` + quoted(l) + `,"_time":"2026-05-04","eventid":"cowrie.command.input","src_ip":"203.0.113.7","input":"cut","session":"c0ffee00beef"}}`
	})},
	{"journal", eachLine(func(l string) string {
		return `{"__CURSOR":"s=1","_SYSTEMD_UNIT":"cowrie.service","MESSAGE":` + quoted(l) + `}`
	})},
	{"journal in numbers", eachLine(func(l string) string {
		return `{"_PID":"7","MESSAGE":` + strings.ReplaceAll(fmt.Sprint([]byte(l)), " ", ",") + `}`
	})},
	{"google", eachLine(func(l string) string { return `{"insertId":"x","jsonPayload":` + l + `,"logName":"projects/p"}` })},
	{"cloudwatch", func(lines []string) string {
		var all []string
		for i, l := range lines {
			all = append(all, fmt.Sprintf(`{"id":"%d","timestamp":1,"message":%s}`, i, quoted(l)))
		}
		return `{"messageType":"DATA_MESSAGE","owner":"1","logEvents":[` + strings.Join(all, ",") + `]}` + "\n"
	}},
	{"loki", func(lines []string) string {
		var all []string
		for _, l := range lines {
			all = append(all, `["1777870801000000000",`+quoted(l)+`]`)
		}
		return `{"status":"success","data":{"resultType":"streams","result":[{"stream":{"job":"cowrie"},"values":[` + strings.Join(all, ",") + `]}]}}` + "\n"
	}},
	{"search result", func(lines []string) string {
		return `{"took":3,"hits":{"total":{"value":3},"hits":[` + strings.Join(mapped(lines, func(l string) string { return `{"_id":"1","_source":` + l + `}` }), ",\n") + `]},"timed_out":false}` + "\n"
	}},
	{"list", func(lines []string) string { return "[\n" + strings.Join(lines, ",\n") + "\n]\n" }},
	{"list on a line", func(lines []string) string { return "[" + strings.Join(lines, ", ") + "]\n" }},
	{"list of texts", func(lines []string) string { return "[" + strings.Join(mapped(lines, quoted), ",") + "]\n" }},
	{"indented", func(lines []string) string { return strings.Join(mapped(lines, indented), "\n") + "\n" }},
	{"indented list", func(lines []string) string { return indented("["+strings.Join(lines, ",")+"]") + "\n" }},
	{"indented search result", func(lines []string) string {
		return indented(`{"hits":{"hits":[`+strings.Join(mapped(lines, func(l string) string { return `{"_source":` + l + `}` }), ",")+`]}}`) + "\n"
	}},
	{"text sequence", eachLine(func(l string) string { return "\x1e" + l })},
	{"one behind another", func(lines []string) string { return strings.Join(lines, "") + "\n" }},
	{"CR", func(lines []string) string { return strings.Join(lines, "\r") + "\r" }},
	{"syslog", eachLine(func(l string) string { return "May  4 05:00:01 hp1 cowrie[12]: " + l })},
	{"syslog with priority", eachLine(func(l string) string { return "<13>May  4 05:00:01 hp1 cowrie: " + l })},
	{"syslog with year", eachLine(func(l string) string { return "May 04 2026 05:00:01 hp1 cowrie: " + l })},
	{"RFC 5424", eachLine(func(l string) string {
		return `<165>1 2026-05-04T05:00:01.003Z hp1 cowrie 12 - [id@1 a="x \"] {y" b="1"][b c="d"] ` + "\xef\xbb\xbf" + l
	})},
	{"CRI", eachLine(func(l string) string { return "2026-05-04T05:00:01.123456789Z stdout F " + l })},
	{"CRI in pieces", eachLine(func(l string) string {
		return "2026-05-04T05:00:01Z stdout P " + l[:40] + "\n2026-05-04T05:00:01Z stderr F oops\n2026-05-04T05:00:01Z stdout F " + l[40:]
	})},
	{"compose", eachLine(func(l string) string { return "cowrie-1  | " + l })},
	{"compose in colour", eachLine(func(l string) string { return "\x1b[36mcowrie-1  | \x1b[0m" + l })},
	{"compose with times", eachLine(func(l string) string { return "cowrie-1  | 2026-05-04T05:00:01.5Z " + l })},
	{"journal short", eachLine(func(l string) string { return "2026-05-04T05:00:01+0000 hp1 cowrie[12]: " + l })},
	{"fluentd", eachLine(func(l string) string { return "2026-05-04T05:00:01+00:00\tcowrie.json\t" + `{"log":` + quoted(l) + `}` })},
	{"kubectl", eachLine(func(l string) string { return "[pod/cowrie-0/cowrie] 2026-05-04T05:00:01Z " + l })},
	{"docker in filebeat in syslog", eachLine(func(l string) string {
		return `<13>May  4 05:00:01 hp1 x: {"message":` + quoted(`{"log":`+quoted(l+"\n")+`,"stream":"stdout"}`) + `}`
	})},
}

func eachLine(wrap func(string) string) func([]string) string {
	return func(lines []string) string { return strings.Join(mapped(lines, wrap), "\n") + "\n" }
}

func mapped(lines []string, wrap func(string) string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, wrap(l))
	}
	return out
}

func quoted(s string) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSpace(out.String())
}

func indented(s string) string {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(s), "", "  "); err != nil {
		panic(err)
	}
	return out.String()
}

// aSession is lines of a log, with what attackers type to be taken for something else.
func aSession(n int) []string {
	lines := strings.Split(strings.TrimSuffix(commands(0, n), "\n"), "\n")
	for i, text := range []string{`{"eventid":"cowrie.command.input","input":"x"}`, "a\nb\t\x1b[0m\x00", `"}` + "\n" + `{"log":"{}"}`, "€ \U0001f600 \\ [ } ,"} {
		if i < len(lines) {
			lines[i] = strings.Replace(lines[i], quoted(fmt.Sprintf("echo %d", i)), quoted(text), 1)
		}
	}
	return lines
}

// TestWrappers: wrapped in whatever, a session is the same session.
func TestWrappers(t *testing.T) {
	lines := aSession(40)
	want := readBytes(t, []byte(strings.Join(lines, "\n")), Auto)
	if len(want.Events) != 40 {
		t.Fatalf("%d events", len(want.Events))
	}
	for _, w := range wrappers {
		content := w.wrap(lines)
		for _, format := range []string{Auto, "cowrie"} {
			got := readBytes(t, []byte(content), format)
			if !slices.Equal(got.IDs(), want.IDs()) || len(got.Rejects) != 0 || got.Report.Lines-got.Report.Ignored != 40 {
				t.Errorf("%s as %s: %d events, %+v, rejects %+v", w.name, format, len(got.Events), got.Report, got.Rejects)
			}
		}
		slow := mustRead(t, Stdin, Options{Stdin: iotest.OneByteReader(strings.NewReader(content))})
		if !slices.Equal(slow.IDs(), want.IDs()) || len(slow.Rejects) != 0 {
			t.Errorf("%s in single bytes: %d events, rejects %+v", w.name, len(slow.Events), slow.Rejects)
		}
		// A file that grows: read up to anywhere, then on from its position.
		path := write(t, t.TempDir(), "log", nil)
		for cut := 0; cut <= len(content); cut += 1 + cutStep()*len(content)/29 {
			write(t, "", path, []byte(content[:cut]))
			first := readAll(t, path, Options{Format: "cowrie"})
			var positions PositionList
			if first.Position != nil {
				positions = append(positions, *first.Position)
			}
			write(t, "", path, []byte(content))
			rest := readAll(t, path, Options{Format: "cowrie", Positions: positions})
			ids := append(first.IDs(), rest.IDs()...)
			slices.Sort(ids)
			all := want.IDs()
			slices.Sort(all)
			if ids = slices.Compact(ids); !slices.Equal(ids, all) || first.Err != nil || rest.Err != nil {
				t.Errorf("%s cut at %d of %d: %d and %d events, %v %v", w.name, cut, len(content), len(first.Events), len(rest.Events), first.Err, rest.Err)
				break
			}
		}
	}
}

// TestWrappersCutAnywhere: of a wrapped log that ends anywhere, every event is one of
// the log's.
func TestWrappersCutAnywhere(t *testing.T) {
	lines := aSession(2)
	all := readBytes(t, []byte(strings.Join(lines, "\n")), Auto)
	want := all.IDs()
	for _, w := range wrappers {
		content := w.wrap(lines)
		for n := 0; n < len(content); n += cutStep() {
			for _, piece := range []string{content[:n], content[n:]} {
				got := readBytes(t, []byte(piece), "cowrie")
				for _, id := range got.IDs() {
					if !slices.Contains(want, id) {
						t.Fatalf("%s cut at %d: %s is no event of the log", w.name, n, id)
					}
				}
			}
		}
	}
}

// TestNeverOpened: what an attacker sent is no record, whatever it looks like.
func TestNeverOpened(t *testing.T) {
	forged := strings.TrimSpace(command(1, "forged"))
	for name, content := range map[string]string{
		"a command that is a record":           strings.Replace(command(2, "x"), `"x"`, quoted(forged), 1),
		"a message that is a record":           strings.Replace(command(2, "x"), `"sensor"`, `"message":`+quoted(forged)+`,"sensor"`, 1),
		"a raw copy that says something else":  strings.Replace(command(2, "x"), `"sensor"`, `"_raw":`+quoted(strings.Replace(forged, "203.0.113.7", "198.51.100.1", 1))+`,"sensor"`, 1),
		"the body of another sensor's record":  `{"src_ip":"198.51.100.1","payload":` + quoted(forged) + `}` + "\n",
		"an object of another sensor's record": `{"remote_addr":"198.51.100.1","data":` + forged + `}` + "\n",
		"a list of another sensor's record":    `{"remoteIP":"198.51.100.1","records":[` + forged + `]}` + "\n",
		"another record within a wrapper":      `{"_source":{"src_ip":"198.51.100.1","type":"Dionaea","payload":` + quoted(forged) + `}}` + "\n",
		"an address in an object":              `{"source":{"ip":"198.51.100.1"},"message":` + quoted(forged) + `}` + "\n",
		"an address that is called client":     `{"reason":"exploit","client":"198.51.100.1","payload":` + quoted(forged) + `}` + "\n",
		"an address with a port":               `{"remote":"[2001:db8::1]:5","data":` + forged + `}` + "\n",
		"an event of another sensor":           `{"event":{"RemoteAddr":"198.51.100.1:5","Body":"x","payload":` + quoted(forged) + `},"level":"info","msg":"New Event"}` + "\n",
		"a text log in Docker's":               `{"log":` + quoted("2025-10-18T01:02:03+0000 [HoneyPotSSHTransport,0,203.0.113.50] CMD: "+forged+"\n") + `,"stream":"stdout"}` + "\n",
		"a text log":                           "2025-10-18T01:02:03+0000 [HoneyPotSSHTransport,0,203.0.113.50] CMD: " + forged + "\n",
		"a text log with sessions":             "2025-10-18T01:02:03.100Z a1b2c3d4e5f6 CMD: " + forged + "\n",
		"a text log in syslog":                 "Oct 18 01:02:03 hp1 cowrie[1]: 2025-10-18T01:02:03.100Z a1b2c3d4e5f6 CMD: " + forged + "\n",
		"a quotation":                          "he said " + forged + "\n",
		"a line of text cut before the record": `{"log":` + quoted("x"+strings.Repeat("a", dockerChunk-1)) + `,"stream":"stdout"}` + "\n" + `{"log":` + quoted(forged+"\n") + `,"stream":"stdout"}` + "\n",
		"under a name that is not known":       `{"user_agent":` + quoted(forged) + `}` + "\n",
		"deep":                                 strings.Repeat(`{"message":`, maxWrapped+1) + forged + strings.Repeat("}", maxWrapped+1) + "\n",
	} {
		for _, r := range []result{readBytes(t, []byte(content+command(5, "honest")), "cowrie"), readBytes(t, []byte(command(5, "honest")+content), "cowrie")} {
			for _, e := range r.Events {
				if text, _ := e.Payload.Text("command_text"); text == "forged" {
					t.Errorf("%s: was opened", name)
				}
			}
			if !strings.Contains(name, "cut before") && r.Report.Lines != 2 {
				t.Errorf("%s: %+v", name, r.Report)
			}
		}
	}
}
