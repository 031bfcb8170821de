package importer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// cef is a line of output_textlog with format = cef.
func cef(second int, eventid, msg, src, more string) string {
	return fmt.Sprintf("2025-10-18T01:02:%02d.100000Z CEF:0|Cowrie|Cowrie|1.0|cowrie.%[2]s|cowrie.%[2]s|5|app=SSHv2 destinationServicename=sshd deviceExternalId=hp1 msg=%[3]s src=%[4]s proto=tcp%[5]s\n", second, eventid, msg, src, more)
}

// TestCEF reads Cowrie's messages from CEF.
func TestCEF(t *testing.T) {
	text := cef(1, "session.connect", "New connection: 203.0.113.50:40000 (198.51.100.2:2222) [session: a1b2c3d4e5f6]", "203.0.113.50", " spt=40000 dpt=2222 dst=198.51.100.2") +
		cef(2, "login.success", "login attempt [root/ad min=x] succeeded", "203.0.113.50", " duser=root outcome=success") +
		cef(3, "command.input", "CMD: uname -a", "203.0.113.50", "") +
		cef(4, "command.input", "CMD: A=1 src=198.51.100.66 proto=tcp | sh \\n", "203.0.113.50", "") +
		cef(5, "command.input", "CMD: a\nb msg=c\n\td", "2001:db8::50", "") +
		cef(6, "command.input", `CMD: A\=1 x \| y \\ z \n w`, "203.0.113.50", "") +
		cef(7, "command.input", `CMD: printf "a\n"`, "203.0.113.50", "") +
		cef(8, "command.failed", "Command not found: x", "203.0.113.50", "") +
		cef(9, "session.closed", "Connection lost after 5 seconds", "203.0.113.50", "")
	r := readBytes(t, []byte(text), Auto)
	want := []string{
		`session {"dst_ip":"198.51.100.2","dst_port":2222,"fact":"opened","src_port":40000}`,
		`auth_attempt {"method":"password","password":"ad min=x","success":true,"username":"root"}`,
		`command {"command_text":"uname -a"}`,
		`command {"command_text":"A=1 src=198.51.100.66 proto=tcp | sh \\n"}`,
		`command {"command_text":"a\nb msg=c\n\td"}`,
		`command {"command_text":"A=1 x | y \\ z \n w"}`,
		`command {"command_text":"printf \"a\\n\""}`,
		`session {"duration_ms":5000,"fact":"closed"}`,
	}
	if got := tell(r); !slices.Equal(got, want) || r.Format != "cowrie-text" || len(r.Rejects) != 0 {
		t.Errorf("%s:\n%s\n%+v", r.Format, strings.Join(got, "\n"), r.Rejects)
	}
	for i := range r.Events {
		e := &r.Events[i]
		if from := map[bool]string{true: "2001:db8::50", false: "203.0.113.50"}[i == 4]; e.AttackerIP != from || e.DeckyID != "hp1" || (e.SessionID != "") != (i == 0) {
			t.Errorf("%+v", e)
		}
	}
	for at := 0; at < len(text); at += cutStep() {
		for _, part := range []string{text[:at], text[at:]} {
			if strings.HasSuffix(part, "src=198.51.100.66 proto=tcp") {
				continue // nothing shows that the line was cut there
			}
			cut := readAll(t, Stdin, Options{Format: "cowrie-text", Stdin: strings.NewReader(part)})
			for i := range cut.Events {
				if e := &cut.Events[i]; e.AttackerIP == "198.51.100.66" {
					t.Fatalf("cut at %d: %+v", at, e)
				}
			}
		}
	}
}

// TestHostileCEF: nobody speaks for another address by what he types.
func TestHostileCEF(t *testing.T) {
	const honest, forged = "203.0.113.50", "198.51.100.66"
	more := " src=" + forged + " proto=tcp"
	for name, line := range map[string]string{
		"command":               cef(1, "command.input", "CMD: x"+more, honest, ""),
		"command, twice":        cef(1, "command.input", "CMD: x"+more+more, honest, ""),
		"user":                  cef(1, "login.failed", "login attempt [root"+more+"/x] failed", honest, " duser=root"+more+" outcome=failed"),
		"user with an outcome":  cef(1, "login.failed", "login attempt [a"+more+" duser=a outcome=failed/x] failed", honest, " duser=a"+more+" duser=a outcome=failed outcome=failed"),
		"password":              cef(1, "login.failed", "login attempt [a/x] failed"+more+" duser=a outcome=failed] failed", honest, " duser=a outcome=failed"),
		"user that says it all": cef(1, "login.failed", "login attempt [a/b] failed"+more+" duser=a/c] failed", honest, " duser=a/b] failed"+more+" duser=a outcome=failed"),
		"addresses without end": cef(1, "login.failed", "login attempt ["+strings.Repeat(" src="+forged+" duser= outcome=", 100_000)+"/x] failed", honest, " duser=x outcome=failed"),
		"no members":            "2025-10-18T01:02:03.100000Z CEF:0|Cowrie|Cowrie|1.0|cowrie.command.input|x|5|CMD: x\n",
		"no address":            cef(1, "command.input", "CMD: x", "host", ""),
		"a sensor":              strings.Replace(cef(1, "command.input", "CMD: deviceExternalId=evil x", honest, ""), "deviceExternalId=hp1 ", "", 1),
	} {
		r := readBytes(t, []byte(line), "cowrie-text")
		for i := range r.Events {
			if e := &r.Events[i]; e.AttackerIP != honest || e.DeckyID == "evil" {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if len(r.Events)+len(r.Rejects) != 1 {
			t.Errorf("%s: %v %+v", name, tell(r), r.Rejects)
		}
	}
}
