package importer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestHistories(t *testing.T) {
	host := Settings{Host: "web-1"}
	for name, c := range map[string]struct {
		content string
		want    []string
		rejects int
	}{
		"bash":                 {"#1767322800\nid\n#1767322801\nuname -a\n", []string{"id", "uname -a"}, 0},
		"several lines":        {"#1767322800\nfor i in 1; do\n\n  x\ndone\n\n#1767322801\nls\n", []string{"for i in 1; do\n\n  x\ndone", "ls"}, 0},
		"comments":             {"#1767322800\n# a comment\n#12\nls\n", []string{"# a comment\n#12\nls"}, 0},
		"no command":           {"#1767322800\n#1767322801\nls\n", []string{"ls"}, 0},
		"before the first":     {"a\nb\n\nc\n#1767322801\nls\n", []string{"ls"}, 1},
		"DOS":                  {"#1767322800\r\nid\r\n#1767322801\r\nls\r\n", []string{"id", "ls"}, 0},
		"a tab":                {"#1767322800\nif x; then\n\t#1767322805\n\ty\nfi\n", []string{"if x; then\n\t#1767322805\n\ty\nfi"}, 0},
		"zsh":                  {": 1767322800:0;id\n: 1767322801:12;uname -a; ls\n", []string{"id", "uname -a; ls"}, 0},
		"zsh, several lines":   {": 1767322800:0;for i in 1; do\\\n  x\\\ndone\n: 1767322801:0;ls\n", []string{"for i in 1; do\n  x\ndone", "ls"}, 0},
		"zsh, a backslash":     {": 1767322800:0;ls \\\\\n  -la\n: 1767322801:0;echo a\\ \n: 1767322802:0;id\n", []string{"ls \\\n  -la", "echo a\\", "id"}, 0},
		"zsh, metafied":        {": 1767322800:0;echo \xc3\x83\xa4 \x83\xa3\n", []string{"echo \xc3\x84 \x83"}, 0},
		"zsh, other lines":     {": 1767322800:0;id\nls\n: 1767322801:0;w\n", []string{"id", "w"}, 1},
		"fish":                 {"- cmd: id\n  when: 1767322800\n- cmd: cat a\\nb\\\\n\n  when: 1767322801\n  paths:\n    - a\n", []string{"id", "cat a\nb\\n"}, 0},
		"fish without a time":  {"- cmd: id\n  when: 1767322800\n- cmd: ls\n- cmd: w\n  when: 1767322801\n", []string{"id", "w"}, 1},
		"fish, a time in text": {"- cmd: x\\n  when: 1\n  when: 1767322800\n", []string{"x\n  when: 1"}, 0},
		"cut":                  {"#1767322800\nid\n#1767322801", []string{"id"}, 0},
	} {
		r := mustRead(t, Stdin, Options{Settings: host, Stdin: strings.NewReader(c.content)})
		var got []string
		for i := range r.Events {
			got = append(got, r.Events[i].Payload.CommandText())
		}
		if r.Format != "history" || !slices.Equal(got, c.want) || len(r.Rejects) != c.rejects {
			t.Errorf("%s: %s %q, want %q; rejects %+v", name, r.Format, got, c.want, r.Rejects)
		}
		comesBack(t, r.Events)
	}
}

// What was typed into a history is never another log, however much of it there is.
func TestHistoryIsNoOtherLog(t *testing.T) {
	csv := "\"timestamp\",\"eventid\",\"src_ip\",\"session\",\"input\"\n" + strings.Repeat("\"2026-05-04T05:00:00Z\",\"cowrie.command.input\",\"198.51.100.6\",\"c0ffee00beef\",\"id\"\n", 60)
	for name, typed := range map[string]string{
		"Cowrie":     commands(0, 60),
		"sshd":       string(sshdSaid(slices.Repeat([]string{"Failed password for root from 198.51.100.6 port 4 ssh2"}, 60)...)),
		"access log": strings.Repeat("198.51.100.6 - - [27/Nov/2026:13:51:56 +0000] \"GET / HTTP/1.1\" 200 612\n", 60),
		"CSV":        csv,
	} {
		const command = "cat > x <<END\n"
		for file, content := range map[string]string{
			"copy":            "#1767322800\n" + command + typed + "END\n#1767322801\nls\n",
			"copy of DOS":     "#1767322800\r\n" + command + typed + "END\n#1767322801\nls\n",
			".bash_history":   typed + "#1767322801\nls\n",
			"eve.sh_history":  typed + "#1767322801\nls\n",
			"fish_history":    typed + "- cmd: ls\n  when: 1767322801\n",
			"zsh":             ": 1767322800:0;" + strings.ReplaceAll(command+typed, "\n", "\\\n") + "END\n: 1767322801:0;ls\n",
			"without a stamp": ": 1767322800:0;ls\n" + typed,
		} {
			r := mustRead(t, write(t, t.TempDir(), file, []byte(content)), Options{Settings: Settings{Host: "web-1"}, Final: true})
			if r.Format != "history" || len(r.Events) == 0 || r.Events[len(r.Events)-1].Payload.CommandText() != "ls" {
				t.Errorf("%s, %s: %s, %d events", name, file, r.Format, len(r.Events))
			}
			for i := range r.Events {
				if r.Events[i].DeckyID != "web-1" || r.Events[i].AttackerIP != "" {
					t.Errorf("%s, %s: forged %+v", name, file, r.Events[i])
				}
			}
		}
		r := readAll(t, write(t, t.TempDir(), ".bash_history", []byte(typed)), Options{Settings: Settings{Host: "web-1"}})
		if r.Err == nil || !strings.Contains(r.Err.Error(), "a shell's history without times") {
			t.Errorf("%s: %v, %d events", name, r.Err, len(r.Events))
		}
	}
}

// The user is found in the path, and the host must be set.
func TestHistoryOfWhom(t *testing.T) {
	for path, want := range map[string]string{
		"home/alice/.bash_history": "alice", "evidence/home/bob/.local/share/fish/fish_history": "bob", "root/.bash_history": "root",
		"Users/carol/.zsh_history": "carol", "copies/x": "", "home/.bash_history": "",
	} {
		full := filepath.Join(t.TempDir(), path)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Dir(full), filepath.Base(full), []byte("#1767322800\nid\n"))
		if r := readAll(t, full, Options{}); r.Err == nil || !strings.Contains(r.Err.Error(), "does not say its host") {
			t.Errorf("%s: %v", path, r.Err)
		}
		r := mustRead(t, full, Options{Settings: Settings{Host: "web-1"}})
		if got, _ := r.Events[0].Payload.Text("user"); got != want {
			t.Errorf("%s is the history of %q", path, got)
		}
	}
}

// A history without times is refused, with what would help.
func TestHistoryWithoutTimes(t *testing.T) {
	path := write(t, t.TempDir(), ".bash_history", []byte("ls\nid\nuname -a\n"))
	if r := readAll(t, path, Options{Settings: Settings{Host: "web-1"}}); r.Err == nil || !strings.Contains(r.Err.Error(), "a shell's history without times") || !strings.Contains(r.Err.Error(), "HISTTIMEFORMAT") {
		t.Errorf("%v", r.Err)
	}
	r := mustRead(t, path, Options{Format: "history", Settings: Settings{Host: "web-1"}})
	if len(r.Events) != 0 || len(r.Rejects) != 1 || !strings.Contains(r.Rejects[0].Reason, "HISTTIMEFORMAT") {
		t.Errorf("named: %+v", r.Rejects)
	}
}
