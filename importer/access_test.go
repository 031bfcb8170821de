package importer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

func TestAccessLines(t *testing.T) {
	const at, end = ` [27/Nov/2026:13:51:56 +0000] `, ` 200 1 "-" "-"`
	for line, want := range map[string]string{
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1"` + end:                                                  `203.0.113.7|GET|/|||`,
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1" 200 1`:                                                  `203.0.113.7|GET|/|||`,
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1" 200 -`:                                                  `203.0.113.7|GET|/|||`,
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1" 200`:                                                    `203.0.113.7|GET|/|||`,
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1" - -`:                                                    `203.0.113.7|GET|/|||`,
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1" 200 1 "-" "a\"b" "-" 0.001 extra`:                       `203.0.113.7|GET|/||a"b|`,
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1" 200 1 "-" "a\x22b\x5C\x0a"`:                             "203.0.113.7|GET|/||a\"b\\\n|",
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1" 200 1 "-" "torn`:                                        `203.0.113.7|GET|/|||`,
		`203.0.113.7 - -` + at + `"GET /a HTTP/1.1 HTTP/1.1"` + end:                                        `203.0.113.7|GET|/a HTTP/1.1|||`,
		`203.0.113.7 - -` + at + `"GET http://h/a b HTTP/1.0"` + end:                                       `203.0.113.7|GET|http://h/a b|||`,
		`203.0.113.7 - -` + at + `"\x16\x03\x01"` + end:                                                    "203.0.113.7||\x16\x03\x01|||",
		`203.0.113.7 - -` + at + `"\xzz\q\"` + "\\\\\"" + end:                                              `203.0.113.7||\xzz\q"\|||`,
		`203.0.113.7 - -` + at + `"GET"` + end:                                                             `203.0.113.7||GET|||`,
		`203.0.113.7 - -` + at + `"quit now"` + end:                                                        `203.0.113.7||quit now|||`,
		`203.0.113.7 - -` + at + `"GET /"` + end:                                                           `203.0.113.7|GET|/|||`,
		`203.0.113.7 - -` + at + `"-"` + end:                                                               `203.0.113.7|||||`,
		`203.0.113.7 - -` + at + `""` + end:                                                                `203.0.113.7|||||`,
		`203.0.113.7 - a b` + at + `"GET / HTTP/1.1"` + end:                                                `203.0.113.7|GET|/|||a b`,
		`203.0.113.7 - a [27/Nov/2000:00:00:00 +0000] \"GET /x HTTP/1.1\"` + at + `"GET / HTTP/1.1"` + end: `203.0.113.7|GET|/|||a [27/Nov/2000:00:00:00 +0000] "GET /x HTTP/1.1"`,
		`203.0.113.7 - 198.51.100.1 - -` + at + `"GET / HTTP/1.1"` + end:                                   `203.0.113.7|GET|/|||198.51.100.1 - -`,
		`www.example.com 203.0.113.7 - -` + at + `"GET / HTTP/1.1"` + end:                                  `203.0.113.7|GET|/|www.example.com||`,
		`www.example.com:80 2001:db8::7 - bob` + at + `"GET / HTTP/1.1"` + end:                             `2001:db8::7|GET|/|www.example.com||bob`,
		// An address may be the virtual host, which a client names as it likes.
		`192.0.2.10 203.0.113.7 - -` + at + `"GET / HTTP/1.1"` + end:          `203.0.113.7|GET|/|192.0.2.10||`,
		`198.51.100.1 2001:db8::7 - bob` + at + `"GET / HTTP/1.1"` + end:      `2001:db8::7|GET|/|198.51.100.1||bob`,
		`203.0.113.7 192.0.2.10 -` + at + `"GET / HTTP/1.1"` + end:            `203.0.113.7|GET|/|192.0.2.10||`,
		`203.0.113.7 192.0.2.10 bob` + at + `"GET / HTTP/1.1"` + end:          `203.0.113.7|GET|/|192.0.2.10||bob`,
		`2001:db8::7 - -` + at + `"GET / HTTP/1.1"` + end:                     `2001:db8::7|GET|/|||`,
		`::ffff:203.0.113.7 - -` + at + `"GET / HTTP/1.1"` + end:              `203.0.113.7|GET|/|||`,
		`203.0.113.7 www.example.com -` + at + `"GET / HTTP/1.1"` + end:       `203.0.113.7|GET|/|www.example.com||`,
		`host.example - -` + at + `"GET / HTTP/1.1"` + end:                    `|GET|/|||`,
		`- - -` + at + `"GET / HTTP/1.1"` + end:                               `|GET|/|||`,
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1`:                            "",
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1"`:                           "",
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1"200 1`:                      "",
		`203.0.113.7 - -` + at + `"GET / HTTP/1.1" 2000 1`:                    "",
		`203.0.113.7 - - [27/Nov/2026:13:51:99 +0000] "GET / HTTP/1.1"` + end: "",
		`203.0.113.7 - - [27/Now/2026:13:51:56 +0000] "GET / HTTP/1.1"` + end: "",
		`203.0.113.7 - - [27/Nov/1926:13:51:56 +0000] "GET / HTTP/1.1"` + end: "",
		`203.0.113.7 - -` + at + `GET / HTTP/1.1` + end:                       "",
		`{"a":1} - -` + at + `"GET / HTTP/1.1"` + end:                         "",
	} {
		r := readAll(t, Stdin, Options{Format: "access", Stdin: strings.NewReader(line + "\n")})
		if r.Err != nil {
			t.Errorf("%s: %v", line, r.Err)
			continue
		}
		got := ""
		for i := range r.Events {
			e := &r.Events[i]
			all := []string{e.AttackerIP}
			for _, name := range []string{"method", "raw_url", "host", "user_agent", "username"} {
				s, _ := e.Payload.Text(name)
				all = append(all, s)
			}
			got += strings.Join(all, "|")
		}
		if got != want || len(r.Events)+len(r.Rejects) != 1 {
			t.Errorf("%s: %q, want %q; rejects %+v", line, got, want, r.Rejects)
		}
		comesBack(t, r.Events)
	}
}

// Who says whose log it is has the log of a real host, and equal requests of a second are
// as many events.
func TestAccessVantage(t *testing.T) {
	line := `203.0.113.7 - - [27/Nov/2026:14:51:56 +0100] "GET / HTTP/1.1" 200 1 "-" "-"` + "\n"
	decoy := readBytes(t, []byte(strings.Repeat(line, 3)), Auto)
	real := mustRead(t, Stdin, Options{Settings: Settings{Host: "web-1"}, Stdin: strings.NewReader(line)})
	if decoy.Format != "access" || len(decoy.Events) != 3 || decoy.Events[2].Ordinal != 2 || decoy.Events[0].Vantage != ttpcron.VantageHoneypot || decoy.Events[0].Time.Hour() != 13 {
		t.Errorf("%s: %+v", decoy.Format, decoy.Events)
	}
	if len(real.Events) != 1 || real.Events[0].Vantage != ttpcron.VantageHost || real.Events[0].DeckyID != "web-1" || real.Events[0].AttackerIP != "203.0.113.7" {
		t.Errorf("%+v", real.Events)
	}
}

// The log is read from a container's output too.
func TestAccessWrapped(t *testing.T) {
	line := `203.0.113.7 - - [27/Nov/2026:13:51:56 +0000] "GET /%s HTTP/1.1" 200 1 "-" "x\"y"`
	want := readBytes(t, []byte(fmt.Sprintf(line, "a")+"\n"+fmt.Sprintf(line, "b")+"\n"), Auto)
	var docker, cri, compose strings.Builder
	for _, name := range []string{"a", "b"} {
		l := fmt.Sprintf(line, name)
		docker.WriteString(`{"log":` + quoted(l+"\n") + `,"stream":"stdout","time":"2026-05-04T05:00:01Z"}` + "\n")
		cri.WriteString("2026-05-04T05:00:01.5Z stdout F " + l + "\n")
		compose.WriteString("web-1  | " + l + "\n")
	}
	for name, content := range map[string]string{"Docker": docker.String(), "CRI": cri.String(), "compose": compose.String()} {
		if got := readBytes(t, []byte(content), Auto); got.Format != "access" || len(got.Events) != 2 || !slices.Equal(got.IDs(), want.IDs()) {
			t.Errorf("%s: %s, %d events, rejects %+v", name, got.Format, len(got.Events), got.Rejects)
		}
	}
}

// TestAccessTorn: equal requests of a second stay different wherever rotation cuts the log.
func TestAccessTorn(t *testing.T) {
	line := `203.0.113.7 - - [27/Nov/2026:13:51:56 +0000] "GET / HTTP/1.1" 200 1 "-" "x"` + "\n"
	content := strings.Replace(line, "GET /", "GET /first", 1) + strings.Repeat(line, 3)
	for at := 2 * len(line); at < 3*len(line); at += cutStep() {
		dir := t.TempDir()
		older, newer := write(t, dir, "access.log.1", []byte(content[:at])), write(t, dir, "access.log", []byte(content[at:]))
		before, behind := mustRead(t, older, Options{}), mustRead(t, newer, Options{})
		seen := map[string]bool{}
		for _, id := range append(before.IDs(), behind.IDs()...) {
			seen[id] = true
		}
		if len(seen) != 4 {
			t.Errorf("cut at %d: %d and %d events, %d of them different", at, len(before.Events), len(behind.Events), len(seen))
		}
	}
}
