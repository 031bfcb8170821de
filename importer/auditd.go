package importer

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer/recent"
)

// Linux's audit log as auditd writes it:
//
//	node=web-1 type=EXECVE msg=audit(1777873745.586:4567): argc=2 a0="cat" a1="/etc/passwd"
//
// The kernel writes several records for one event, all with the same time and serial number. The
// records of two events may alternate. auditd does not log the last record, EOE. So an event ends
// with PROCTITLE, or when a later record shows that no more will come. At the end of a file that
// may grow, an open event waits.
var auditd = Format{
	Name: "auditd", Title: "the audit log of Linux (auditd)", Version: 1,
	Records: []RecordType{
		{Name: "EXECVE", Kinds: []ttpcron.SourceKind{ttpcron.Command}, Why: "with SYSCALL, CWD and PROCTITLE of the same event"},
		{Name: "SYSCALL", Kinds: []ttpcron.SourceKind{ttpcron.Command}, Why: "only if PROCTITLE says what execve started, and there is no EXECVE"},
		{Name: "USER_CMD", Kinds: []ttpcron.SourceKind{ttpcron.Command}, Why: "only if the host's log had no EXECVE before"},
		{Name: "USER_AUTH", Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}, Why: "if two parts of a program report an attempt, only what the first says"},
		{Name: "USER_ERR", Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}, Why: "the same"},
		{Name: "USER_LOGIN", Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}, Why: "only if nothing else reported the attempt; gives the session's address"},
		{Name: "USER_START", Why: "gives the session's address"},
		{Name: "LOGIN", Why: "begins a session"},
		{Name: "DAEMON_START", Why: "ends all sessions"},
		{Name: "SYSTEM_BOOT", Why: "ends all sessions"},
		{Name: "others", Why: "neither commands nor logins"},
	},
	lines: &lineFormat{
		recognises: isAudit,
		continues:  oneLine,
		parser:     newAuditParser,
		needs:      auditNeeds,
	},
}

// oneLine is for text logs in which each line is a record. They set continues nevertheless, because
// their records depend on earlier ones: see joins.
func oneLine(_, _ []byte) ([]byte, bool) { return nil, false }

func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

func isAudit(line []byte) bool {
	_, ok := cutAuditHead(line)
	return ok
}

// auditNeeds says that a log needs a host if its first record does not name its node.
func auditNeeds(record []byte, first bool) needs {
	return needs{host: first && !bytes.HasPrefix(record, []byte("node="))}
}

const (
	auditUnset = "4294967295" // -1: no session, nobody logged in
	// maxAuditEvents bounds the open events, and maxAuditArgs the bytes of arguments of one
	// event. Linux allows 2 MiB, but the text is kept twice, and may be six times as long when
	// escaped.
	maxAuditEvents  = 64
	maxAuditArgs    = 256 << 10
	maxAuditArgc    = 1 << 14
	maxAuditMore    = 1 << 12         // of any other value
	auditEventEnds  = 2 * time.Second // no record of an event comes later than this, as auditd assumes too
	auditClocks     = time.Minute     // how far the clocks of hosts that share a log may differ
	auditPidForgets = 10 * time.Minute
	// auditSessionLasts is how long after a login its address is looked for in the file before.
	auditSessionLasts = 31 * 24 * time.Hour
)

type auditSession struct{ node, ses string }

type auditParser struct {
	host     string
	open     []*auditEvent // the oldest first
	sessions recent.Map[auditSession, string]
	attempts recent.Map[auditSession, auditAttempts]
	execs    recent.Map[string, bool] // hosts whose log has EXECVE
	ordinals ordinals
	list     fieldList
	leftover
}

func newAuditParser(src *source) recordParser {
	return &auditParser{host: src.Host, ordinals: ordinals{settings: src.Settings}}
}

// continues takes over the addresses of sessions from the previous file of the same import, and
// nothing else: events must not depend on what else an import reads.
func (p *auditParser) continues(from recordParser) {
	if before, ok := from.(*auditParser); ok {
		p.sessions = before.sessions
	}
}

// recall reads the last records of the file before. Their open events may continue in this file.
func (p *auditParser) recall(first []byte, now time.Time) {
	at := func(record []byte) (time.Time, bool) {
		h, ok := cutAuditHead(record)
		return h.at, ok
	}
	p.leftover.recall(first, now, auditSessionLasts, at, p.parse)
	for _, e := range p.open {
		e.before, e.lines, e.types, e.from = true, 0, nil, 0
	}
}

// goesOn reads those of the first records of the next file that belong to open events.
func (p *auditParser) goesOn(records [][]byte, to *parsed) {
	to.gathers = true
	for _, record := range records {
		h, ok := cutAuditHead(record)
		if !ok {
			continue
		}
		node := cmp.Or(string(h.node), p.host)
		if i := p.find(node, h.stamp); i >= 0 {
			p.open[i].elsewhere = true
			_ = p.part(node, string(h.kind), &h, to) // what is wrong with a record is said where it is
		}
	}
}

func (p *auditParser) parse(record []byte, to *parsed) error {
	h, ok := cutAuditHead(record)
	if !ok {
		return errNotAudit
	}
	node := string(h.node)
	if node == "" {
		if node = p.host; node == "" {
			return errNoHost
		}
	}
	if p.records != nil {
		p.recall(record, h.at)
	}
	to.gathers = true
	p.expire(node, h.at, to)
	switch kind := string(h.kind); kind {
	case "SYSCALL", "EXECVE", "CWD", "PROCTITLE", "PATH", "EOE":
		return p.part(node, kind, &h, to)
	case "USER_AUTH", "USER_ERR", "USER_LOGIN", "USER_START", "USER_CMD", "LOGIN":
		return p.user(node, kind, &h, to)
	case "DAEMON_START", "SYSTEM_BOOT":
		p.sessions, p.attempts = recent.Map[auditSession, string]{}, recent.Map[auditSession, auditAttempts]{}
		to.ignoreAnother(kind, 1)
	default:
		if i := p.find(node, h.stamp); i >= 0 {
			p.open[i].count(kind)
		} else {
			to.ignoreAnother(kind, 1)
		}
	}
	return nil
}

func (p *auditParser) find(node string, stamp []byte) int {
	for i := len(p.open) - 1; i >= 0; i-- {
		if e := p.open[i]; e.stamp == string(stamp) && e.node == node {
			return i
		}
	}
	return -1
}

// expire ends the events that are complete, judging by the time of a later record.
func (p *auditParser) expire(node string, now time.Time, to *parsed) {
	for i := 0; i < len(p.open) && to.room(); {
		e := p.open[i]
		if age := now.Sub(e.at); len(p.open) >= maxAuditEvents || age > auditClocks || age > auditEventEnds && e.node == node {
			p.finish(i, to)
		} else {
			i++
		}
	}
}

// part reads a record that belongs to an event.
func (p *auditParser) part(node, kind string, h *auditHead, to *parsed) error {
	i := p.find(node, h.stamp)
	if i < 0 {
		if kind == "EOE" || kind == "PATH" {
			to.ignoreAnother(kind, 1)
			return nil
		}
		p.open = append(p.open, &auditEvent{node: node, stamp: string(h.stamp), at: h.at, from: to.at})
		i = len(p.open) - 1
	}
	e := p.open[i]
	var err error
	switch kind {
	case "SYSCALL":
		err = e.readSyscall(h.fields)
	case "EXECVE":
		e.exec = true
		p.execs.Put(node, true)
		err = e.readArgs(h.fields)
	case "CWD":
		err = eachAuditField(h.fields, func(f auditField) {
			if string(f.name) == "cwd" {
				e.cwd = clip(f.decoded(), maxAuditMore)
			}
		})
	case "PROCTITLE":
		err = eachAuditField(h.fields, func(f auditField) {
			if string(f.name) == "proctitle" {
				e.title = []byte(clip(f.decoded(), maxAuditMore))
			}
		})
	}
	if err != nil {
		if kind == "EXECVE" {
			e.exec, e.args, e.size = false, nil, 0
		}
		if e.empty() {
			p.open = append(p.open[:i], p.open[i+1:]...)
		}
		return fmt.Errorf("%s: %w", kind, err)
	}
	e.count(kind)
	if kind == "EOE" || kind == "PROCTITLE" && e.titled() {
		p.finish(i, to)
	}
	return nil
}

func clip(s string, most int) string { return s[:min(len(s), most)] }

// named returns a user's name from an enriched log, empty for "unset" and "unknown(1000)".
func named(user string) string {
	if user == "unset" || strings.HasPrefix(user, "unknown(") {
		return ""
	}
	return user
}

// give completes an event and adds it. Its address comes from the record, or else from the login
// that began the session.
func (p *auditParser) give(e *ttpcron.Event, ses, address string, to *parsed) {
	e.Vantage = ttpcron.VantageHost
	if ses != "" && ses != auditUnset && isDigits([]byte(ses)) {
		e.SessionID = e.DeckyID + "/" + ses
	}
	if e.AttackerIP = address; address == "" && e.SessionID != "" {
		if from, ok := p.sessions.Get(auditSession{e.DeckyID, ses}); ok {
			e.AttackerIP, e.AddressOrigin = from, ttpcron.OriginResolved
		}
	}
	e.NameNobody()
	e.Payload = p.list.payload(to.arena)
	p.ordinals.number(e)
	to.add(e)
}

// end ends the events that are open at the end of the file. It returns true if more are open.
func (p *auditParser) end(to *parsed) bool {
	to.gathers = true
	for len(p.open) > 0 && to.room() {
		p.finish(0, to)
	}
	return len(p.open) > 0
}

// waits reports whether an event is open, and where the oldest begins.
func (p *auditParser) waits() (from int64, ok bool) {
	if len(p.open) == 0 {
		return 0, false
	}
	return p.open[0].from, true
}
