package importer

import (
	"slices"
	"strings"
	"testing"
)

// TestWrappedTextLog: a text log in what containers and syslog put around its lines is
// the same log, and a plain one is not opened, whatever is typed.
func TestWrappedTextLog(t *testing.T) {
	const session = "2025-10-18T01:02:03+0000 [HoneyPotSSHTransport,0,203.0.113.50] "
	lines := []string{
		"2025-10-18T01:02:01+0000 [cowrie.ssh.factory.CowrieSSHFactory] New connection: 203.0.113.50:40000 (198.51.100.2:2222) [session: a1b2c3d4e5f6]",
		session + "CMD: uname -a",
		session + "CMD: echo one",
		"echo two",
		session + "CMD: " + strings.TrimSpace(command(1, "forged")),
		session + "CMD: " + strings.Repeat("x", 40<<10),
		session + "CMD: id",
	}
	plain := []byte(strings.Join(lines, "\n") + "\n")
	want := readBytes(t, plain, Auto)
	if want.Format != "cowrie-text" || len(want.Events) < 5 {
		t.Fatalf("%s: %d events", want.Format, len(want.Events))
	}
	docker := func(text string) string {
		return `{"log":` + quoted(text) + `,"stream":"stdout","time":"2025-10-18T01:02:03Z"}`
	}
	for name, wrap := range map[string]func(string) string{
		"docker": func(l string) string { return docker(l + "\n") },
		"docker in pieces": func(l string) string {
			out := ""
			for l += "\n"; len(l) > dockerChunk; l = l[dockerChunk:] {
				out += docker(l[:dockerChunk]) + "\n"
			}
			return out + docker(l)
		},
		"CRI":     func(l string) string { return "2025-10-18T01:02:03.5Z stdout F " + l },
		"compose": func(l string) string { return "cowrie-1  | " + l },
		"journal": func(l string) string { return `{"MESSAGE":` + quoted(l) + `,"_PID":"1"}` },
	} {
		content := strings.Join(mapped(lines, wrap), "\n") + "\n"
		for _, format := range []string{Auto, "cowrie-text"} {
			got := readBytes(t, []byte(content), format)
			if !slices.Equal(got.IDs(), want.IDs()) || len(got.Rejects) != len(want.Rejects) {
				t.Errorf("%s as %s: %s, %d events of %d, rejects %+v", name, format, got.Format, len(got.Events), len(want.Events), got.Rejects)
			}
		}
	}
	// Typed into a log that is not wrapped, a wrapper is what was typed.
	typed := strings.Join(lines[:3], "\n") + "\n" + docker(session+"CMD: forged\n") + "\n" + lines[6] + "\n"
	r := readBytes(t, []byte(typed), Auto)
	for _, e := range r.Events {
		if text, _ := e.Payload.Text("command_text"); text == "forged" {
			t.Error("a line that was typed was opened")
		}
	}
}
