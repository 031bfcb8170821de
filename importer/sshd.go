package importer

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer/recent"
)

// Messages of an SSH server and sudo, in the files of a syslog daemon (auth.log, secure, messages) or
// in systemd's journal as journalctl prints it:
//
//	Nov 27 13:51:56 web-1 sshd[4711]: Failed password for root from 203.0.113.7 port 40000 ssh2
//	2026-11-27T13:51:56.123456+01:00 web-1 sudo: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id
//	{"__REALTIME_TIMESTAMP":"1777873745586000","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Accepted …"}
//
// An attacker chooses the user name, which may be "x from 198.51.100.1 port 5". So messages are
// matched from their right end, which the server wrote.
var sshdLog = Format{
	Name: "sshd", Title: "the log of an SSH server and sudo (auth.log, secure, journald)", Version: 1,
	Records: []RecordType{
		{Name: "sshd: Failed, Accepted", Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}, Why: "not for method none, which only asks which methods there are"},
		{Name: "sshd: Connection closed, Disconnected", Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}, Why: "only if the client named a user, and no other record of the connection is an attempt"},
		{Name: "sshd: Invalid user", Why: "a record that follows says what was tried"},
		{Name: sshdOther, Why: "no attempt to log in"},
		{Name: "sudo: COMMAND=", Kinds: []ttpcron.SourceKind{ttpcron.Command}},
		{Name: "sudo: (command continued)", Kinds: []ttpcron.SourceKind{ttpcron.Command}, Why: "the rest of a command that is longer than a message may be"},
		{Name: sudoOther, Why: "no command"},
		{Name: "others", Why: "from other programs"},
	},
	lines: &lineFormat{
		recognises: isSSHD,
		continues:  oneLine,
		parser:     newSSHDParser,
		needs:      sshdNeeds,
		carries:    true,
	},
}

const (
	sshdOther = "sshd: other message"
	sudoOther = "sudo: other message"
)

// isServer reports whether a program is an SSH server. Since OpenSSH 9.8, sshd starts other programs
// for each connection.
func isServer(program []byte) bool {
	return string(program) == "sshd" || string(program) == "sshd-session" || string(program) == "sshd-auth"
}

// isSSHD recognises records of an SSH server and of sudo.
func isSSHD(line []byte) bool {
	var l sysLine
	ok := false
	switch {
	case startsWith(line, '{'):
		if bytes.Contains(line, []byte(`"__REALTIME_TIMESTAMP"`)) {
			l, ok = cutJournal(line)
		}
	case bytes.Contains(line, []byte("sshd")) || bytes.Contains(line, []byte("sudo")):
		l, ok = cutSysLine(line)
	}
	return ok && (isServer(l.program) || string(l.program) == "sudo")
}

// sshdNeeds says that a record needs what its time lacks, a year and a zone.
func sshdNeeds(record []byte, _ bool) needs {
	if startsWith(record, '{') {
		return needs{}
	}
	l, ok := cutSysLine(record)
	return needs{zone: ok && l.noYear, year: ok && l.noYear}
}

type sshdParser struct {
	host        string
	clock       yearClock
	connections recent.Map[sshdKey, sshdConnection]
	ordinals    ordinals
	list        fieldList
	leftover
}

func newSSHDParser(src *source) recordParser {
	return &sshdParser{host: src.Host, clock: newYearClock(src), ordinals: ordinals{settings: src.Settings}}
}

var errNotSyslog = fmt.Errorf("%w: it does not begin with a time, a host and a program", errForeign)

func (p *sshdParser) parse(record []byte, to *parsed) error {
	l, ok := cutAnySysLine(record)
	if !ok {
		return errNotSyslog
	}
	if l.noYear { // also of other programs: they show that a year has passed
		at, err := p.clock.at(&l)
		if err != nil {
			return err
		}
		l.at = at
	}
	if p.records != nil {
		p.recall(record, l.at)
	}
	return p.read(&l, to)
}

// recall reads the records of the file before that still matter. The first record of this file
// tells their year.
func (p *sshdParser) recall(first []byte, now time.Time) {
	cut := func(record []byte) (l sysLine, ok bool) {
		if l, ok = cutAnySysLine(record); ok && l.noYear {
			l.at, ok = p.clock.yearBefore(&l, now)
		}
		return l, ok
	}
	at := func(record []byte) (time.Time, bool) {
		l, ok := cut(record)
		return l.at, ok
	}
	p.leftover.recall(first, now, recalled, at, func(record []byte, to *parsed) error {
		l, _ := cut(record)
		return p.read(&l, to)
	})
}

// read reads a line whose time is known.
func (p *sshdParser) read(l *sysLine, to *parsed) error {
	server := isServer(l.program)
	if !server && string(l.program) != "sudo" {
		to.ignore(l.program)
		return nil
	}
	switch {
	case server && len(l.text) > maxSSHDMessage:
		return fmt.Errorf("its message is longer than %d bytes, and sshd writes none of 2 KiB", maxSSHDMessage)
	case len(l.text) > maxSudoMessage:
		return fmt.Errorf("its message is longer than %d bytes", maxSudoMessage)
	}
	if len(l.host) == 0 {
		if l.host = []byte(p.host); len(l.host) == 0 {
			return errNoHost
		}
	}
	times := 1
	if m := repeatedOf(l.text); m != nil {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil || n > maxRepeated {
			return fmt.Errorf("the message was repeated more than %d times", maxRepeated)
		}
		times, l.text, l.whole = n, m[2], true
	}
	e := ttpcron.Event{Time: l.at, DeckyID: string(l.host), Vantage: ttpcron.VantageHost}
	p.list = p.list[:0]
	switch {
	case server:
		if is, err := p.server(&e, l); !is || err != nil {
			to.ignore([]byte(sshdOther))
			return err
		}
	case !p.sudo(&e, l.text):
		to.ignore([]byte(sudoOther))
		return nil
	}
	e.NameNobody()
	e.Payload = p.list.payload(to.arena)
	for range times {
		if l.whole {
			p.ordinals.number(&e)
		}
		to.add(&e)
	}
	if other, ok := otherCommand(&e); ok && times > 0 {
		e.Payload = e.Payload.Clone()
		e.Payload.Set("command_text", to.arena.Text([]byte(other)))
		if l.whole {
			p.ordinals.number(&e)
		}
		to.add(&e)
	}
	if times == 0 {
		to.ignore([]byte(sshdOther))
	}
	return nil
}

// maxSSHDMessage and maxSudoMessage bound messages, because matching takes time. sshd cuts its
// own after 1 KiB, and sudo splits its own for syslog.
const (
	maxSSHDMessage = 8 << 10
	maxSudoMessage = 64 << 10
)

// maxRepeated is the largest number of attempts that one line may stand for. sshd ends a connection
// after MaxAuthTries attempts, 6 by default.
const maxRepeated = 64

// repeated matches how syslog daemons write that the last message came again.
var repeated = newExpression(`(?s)^message repeated (\d{1,9}) times: \[ ?(.*)\]$`)

func repeatedOf(text []byte) [][]byte {
	if !bytes.HasPrefix(text, []byte("message repeated ")) {
		return nil
	}
	return repeated.FindSubmatch(text)
}
