package importer

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
)

var sudoRan = newExpression(`(?s)^ *(\S+) : (?:([^;=]+?) ; )?(?:HOST=\S* ; )?(?:TTY=(\S*) ; )?(?:CHROOT=.*? ; )?PWD=(.*?) ; (?:USER=(\S*) ; )?(?:GROUP=\S* ; )?(?:TSID=\S* ; )?(?:ENV=.*? ; )?COMMAND=(.*)$`)

// sudoContinued matches how sudo goes on with a command that is too long for one message of syslog:
// it splits the command at a space, after at most 980 bytes.
var sudoContinued = newExpression(`(?s)^ *(\S+) : \(command continued\) (.*)$`)

// sudo reads "alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id".
func (p *sshdParser) sudo(e *ttpcron.Event, text []byte) bool {
	if bytes.Contains(text, []byte(" : (command continued) ")) {
		if m := sudoContinued.FindSubmatch(text); m != nil && len(bytes.TrimSpace(m[2])) > 0 {
			e.Kind = ttpcron.Command
			p.list.text("command_text", unhash(m[2]))
			p.list.truth("continued", true)
			p.list.text("user", string(m[1]))
			return true
		}
	}
	m := sudoRan.FindSubmatch(text)
	if m == nil || len(bytes.TrimSpace(m[6])) == 0 {
		return false
	}
	e.Kind = ttpcron.Command
	p.list.text("command_text", unhash(m[6]))
	p.list.some("pwd", unhash(m[4]))
	p.list.some("refused", string(m[2]))
	p.list.some("run_as", string(m[5]))
	p.list.some("tty", string(m[3]))
	p.list.text("user", string(m[1]))
	return true
}

// otherCommand returns the second command of a line that can be read in two ways, because the name
// of a folder or an argument looks like what sudo writes before the command. Both become events,
// so that nobody can hide a command.
func otherCommand(e *ttpcron.Event) (string, bool) {
	if e.Kind != ttpcron.Command {
		return "", false
	}
	text, _ := e.Payload.Text("command_text")
	i := strings.LastIndex(text, " ; COMMAND=")
	if i < 0 || strings.TrimSpace(text[i+len(" ; COMMAND="):]) == "" {
		return "", false
	}
	return text[i+len(" ; COMMAND="):], true
}

// unhash undoes the escapes that sudo and syslog daemons use for control characters (#012).
func unhash(text []byte) string {
	if bytes.IndexByte(text, '#') < 0 {
		return string(text)
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '#' && i+4 <= len(text) {
			if n, err := strconv.ParseUint(string(text[i+1:i+4]), 8, 8); err == nil && (n < ' ' || n == 0x7f) {
				out = append(out, byte(n))
				i += 3
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}
