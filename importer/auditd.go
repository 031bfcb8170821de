package importer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// The audit log of Linux, audit.log as auditd writes it:
//
//	node=web-1 type=EXECVE msg=audit(1777873745.586:4567): argc=2 a0="cat" a1="/etc/passwd"
//
// One event of the kernel is several records with the same time and serial number. The
// records of two events may alternate. auditd does not write the last one, EOE, to its log, so
// an event ends with PROCTITLE, or when a later record shows that nothing more will come. At
// the end of a file that may grow, an open event waits.
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
		lacks:      auditLacks,
	},
}

// oneLine is the continues of a text log in which each line is a record. The log has one
// because its records depend on those before them: see joins.
func oneLine(_, _ []byte) ([]byte, bool) { return nil, false }

// auditHead is what each line begins with.
type auditHead struct {
	node, kind, stamp []byte
	at                time.Time
	fields            []byte // behind it
}

// cutAuditHead reads "node=web-1 type=EXECVE msg=audit(1777873745.586:4567): ".
func cutAuditHead(line []byte) (h auditHead, ok bool) {
	line, named := bytes.CutPrefix(line, []byte("node="))
	if named {
		if h.node, line, ok = bytes.Cut(line, []byte(" ")); !ok || len(h.node) == 0 || len(h.node) > maxHostName {
			return h, false
		}
	}
	if line, ok = bytes.CutPrefix(line, []byte("type=")); !ok {
		return h, false
	}
	if h.kind, line, ok = bytes.Cut(line, []byte(" msg=audit(")); !ok || len(h.kind) == 0 || len(h.kind) > 64 || bytes.IndexByte(h.kind, ' ') >= 0 {
		return h, false
	}
	end := bytes.IndexByte(line, ')')
	if end < 0 || end > 48 || len(line) < end+2 || line[end+1] != ':' {
		return h, false
	}
	h.stamp, h.fields = line[:end], line[end+2:]
	seconds, serial, ok := bytes.Cut(h.stamp, []byte(":"))
	if !ok || !isDigits(serial) || bytes.IndexByte(seconds, '.') < 0 {
		return h, false
	}
	h.at, ok = epoch(string(seconds))
	return h, ok
}

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

// auditLacks names the setting host if neither the first record nor a setting names the host.
func auditLacks(head []byte, src *source) []string {
	if src.Host != "" {
		return nil
	}
	for line := range bytes.Lines(head) {
		at := bytes.Index(line, []byte("type="))
		if at < 0 || !isAudit(line[at:]) {
			continue
		}
		if !bytes.Contains(line[:at], []byte("node=")) {
			return []string{settingHost}
		}
		break
	}
	return nil
}

// auditField is a name and a value of a record.
type auditField struct {
	name, value []byte
	quoted      bool
}

var (
	errAuditQuote = errors.New("a value in quotation marks does not end")
	errNotAudit   = fmt.Errorf("%w: it does not begin with type= and a time", errForeign)
	errNoHost     = errors.New("it does not say which host it is of; set host")
)

// eachAuditField calls do for the fields of a record, those in msg='…' and the enriched
// ones behind 0x1D too.
func eachAuditField(rest []byte, do func(f auditField)) error {
	for {
		rest = bytes.TrimLeft(rest, " ,\x1d'")
		end := bytes.IndexAny(rest, "= ")
		if end < 0 {
			return nil
		}
		if rest[end] == ' ' { // a word without a value
			rest = rest[end:]
			continue
		}
		f := auditField{name: rest[:end]}
		rest = rest[end+1:]
		switch {
		case len(rest) > 0 && rest[0] == '"':
			n := bytes.IndexByte(rest[1:], '"')
			if n < 0 {
				return errAuditQuote
			}
			f.value, f.quoted, rest = rest[1:1+n], true, rest[n+2:]
		case len(rest) > 0 && rest[0] == '\'' && string(f.name) == "msg":
			rest = rest[1:]
			continue
		default:
			n := bytes.IndexAny(rest, " \x1d'")
			if n < 0 {
				n = len(rest)
			}
			f.value, rest = rest[:n], rest[n:]
		}
		do(f)
	}
}

// decoded is the value of a field that the kernel writes in quotation marks, or in
// hexadecimal digits if it has other bytes than letters, digits and plain marks.
func (f *auditField) decoded() string {
	if !f.quoted {
		if len(f.value) > 0 && len(f.value)%2 == 0 {
			if b, err := hex.DecodeString(string(f.value)); err == nil {
				return string(b)
			}
		}
		if s := string(f.value); s == "?" || s == "(null)" {
			return ""
		}
	}
	return string(f.value)
}

const (
	auditUnset = "4294967295" // -1: no session, nobody logged in
	// maxAuditEvents is how many events of the kernel are open at most, and maxAuditArgs
	// how many bytes of arguments one of them keeps. Linux allows 2 MiB, but the text is
	// kept twice, and its escapes may be six times as long.
	maxAuditEvents  = 64
	maxAuditArgs    = 256 << 10
	maxAuditArgc    = 1 << 14
	maxAuditMore    = 1 << 12         // of any other value
	auditEventEnds  = 2 * time.Second // no record of an event comes later than this, as auditd assumes too
	auditClocks     = time.Minute     // how far the clocks of hosts that share a log may differ
	auditPidForgets = 10 * time.Minute
)

// auditEvent is an event of the kernel, as far as its records were read.
type auditEvent struct {
	node, stamp string
	at          time.Time
	kind        string // of the first record
	arch        string
	syscall     string
	failed      bool
	title       []byte
	cwd         string
	fields      map[string]string // of SYSCALL

	exec  bool // there is an EXECVE
	argc  int
	args  map[int]string
	size  int  // of args
	large bool // some arguments were left out
}

type auditSession struct{ node, ses string }

// auditAttempts is what a process reported about login attempts.
type auditAttempts struct {
	at                time.Time
	op                string // the operation that first reported a password
	failed, succeeded bool
}

type auditParser struct {
	host     string
	open     []*auditEvent // the oldest first
	sessions recent[auditSession, string]
	attempts recent[auditSession, auditAttempts]
	execs    map[string]bool // hosts whose log has EXECVE
	ordinals ordinals
	list     fieldList
}

func newAuditParser(src *source) recordParser {
	return &auditParser{host: src.Host, execs: map[string]bool{}}
}

// continues takes over the addresses of sessions from the previous file, and nothing else:
// with more, this file would have other events than when it is read alone.
func (p *auditParser) continues(from recordParser) {
	if before, ok := from.(*auditParser); ok {
		p.sessions = before.sessions
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
	to.gathers = true
	p.expire(node, h.at, to)
	switch kind := string(h.kind); kind {
	case "SYSCALL", "EXECVE", "CWD", "PROCTITLE", "PATH", "EOE":
		return p.part(node, kind, &h, to)
	case "USER_AUTH", "USER_ERR", "USER_LOGIN", "USER_START", "USER_CMD", "LOGIN":
		return p.user(node, kind, &h, to)
	case "DAEMON_START", "SYSTEM_BOOT":
		p.sessions, p.attempts = recent[auditSession, string]{}, recent[auditSession, auditAttempts]{}
		to.ignoreAnother(kind)
	default:
		if p.find(node, h.stamp) < 0 {
			to.ignoreAnother(kind)
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

// expire ends the events that will not go on, judging by the time of a later record.
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

// part reads a record that says something of an event of the kernel.
func (p *auditParser) part(node, kind string, h *auditHead, to *parsed) error {
	i := p.find(node, h.stamp)
	if i < 0 {
		if kind == "EOE" || kind == "PATH" {
			to.ignoreAnother(kind)
			return nil
		}
		p.open = append(p.open, &auditEvent{node: node, stamp: string(h.stamp), at: h.at, kind: kind})
		i = len(p.open) - 1
	}
	e := p.open[i]
	var err error
	switch kind {
	case "SYSCALL":
		err = e.readSyscall(h.fields)
	case "EXECVE":
		e.exec, p.execs[node] = true, true
		if len(p.execs) > maxRecent {
			p.execs = map[string]bool{node: true}
		}
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
	if kind == "EOE" || kind == "PROCTITLE" && e.titled() {
		p.finish(i, to)
	}
	return nil
}

// empty reports that nothing is known of an event.
func (e *auditEvent) empty() bool { return e.fields == nil && !e.exec && e.cwd == "" && e.title == nil }

// titled reports whether PROCTITLE, which the kernel writes last, ends the event.
func (e *auditEvent) titled() bool {
	if e.exec {
		return e.large || len(e.args) >= e.argc
	}
	return e.fields != nil
}

func clip(s string, most int) string { return s[:min(len(s), most)] }

// readSyscall reads what SYSCALL says of the process.
func (e *auditEvent) readSyscall(fields []byte) error {
	said := map[string]string{}
	err := eachAuditField(fields, func(f auditField) {
		switch name := string(f.name); name {
		case "exe", "comm", "key":
			if f.quoted || name != "key" {
				said[name] = clip(f.decoded(), maxAuditMore)
			} else { // several keys, with 0x01 between them
				said[name] = strings.ReplaceAll(clip(f.decoded(), maxAuditMore), "\x01", ",")
			}
		case "arch", "syscall", "success", "pid", "ppid", "auid", "uid", "tty", "ses", "UID", "AUID", "SYSCALL":
			if s := string(f.value); s != "(none)" && s != "(null)" && s != "?" && s != auditUnset {
				said[name] = clip(s, maxHostName)
			}
		}
	})
	if err != nil {
		return err
	}
	e.fields, e.arch, e.syscall, e.failed = said, said["arch"], said["syscall"], said["success"] == "no"
	return nil
}

// readArgs reads "argc=3 a0="sh" a1="-c" a2=6375…", or of long arguments
// "a2_len=9000 a2[0]=… a2[1]=…", over several records.
func (e *auditEvent) readArgs(fields []byte) error {
	if e.args == nil {
		e.args = map[int]string{}
	}
	return eachAuditField(fields, func(f auditField) {
		if string(f.name) == "argc" {
			n, err := strconv.Atoi(string(f.value))
			if err == nil && n >= 0 {
				e.argc = n
			}
			return
		}
		name, ok := strings.CutPrefix(string(f.name), "a")
		if !ok {
			return
		}
		name, _, piece := strings.Cut(name, "[")
		n, err := strconv.Atoi(name)
		switch value := f.decoded(); {
		case err != nil || n < 0: // a2_len
		case n >= maxAuditArgc || e.size+len(value) > maxAuditArgs:
			e.large = true
		case piece:
			e.args[n] += value
			e.size += len(value)
		default:
			e.args[n] = value
			e.size += len(value)
		}
	})
}

// argv returns the arguments, up to the first that is missing, and whether these are all.
func (e *auditEvent) argv() (args []string, whole bool) {
	for n := range len(e.args) {
		arg, ok := e.args[n]
		if !ok {
			return args, false
		}
		args = append(args, arg)
	}
	return args, !e.large && len(args) >= e.argc
}

// execCalls are the numbers of execve and execveat on each machine.
var execCalls = map[string][2]string{
	"c000003e": {"59", "322"}, "40000003": {"11", "358"}, "c00000b7": {"221", "281"}, "40000028": {"11", "387"},
	"c0000015": {"11", "362"}, "80000015": {"11", "362"}, "80000016": {"11", "354"}, "c00000f3": {"221", "281"},
}

// started reports whether the call started a program: PROCTITLE has its arguments then, and
// otherwise those of whoever made the call.
func (e *auditEvent) started() bool {
	name := e.fields["SYSCALL"]
	calls := execCalls[e.arch]
	return !e.failed && (name == "execve" || name == "execveat" || e.syscall != "" && (e.syscall == calls[0] || e.syscall == calls[1]))
}

// titleCut is the length at which the kernel cuts PROCTITLE.
const titleCut = 128

// finish makes an event of the kernel's event i, and forgets the latter.
func (p *auditParser) finish(i int, to *parsed) {
	e := p.open[i]
	p.open = append(p.open[:i], p.open[i+1:]...)
	var args []string
	whole := true
	switch {
	case e.exec:
		args, whole = e.argv()
	case e.started() && len(e.title) > 0:
		whole = len(e.title) < titleCut-1
		args = strings.Split(strings.TrimSuffix(string(e.title), "\x00"), "\x00")
	}
	if len(args) == 0 {
		to.ignoreAnother(e.kind)
		return
	}
	l := &p.list
	*l = (*l)[:0]
	l.raw("argv", textList(args))
	l.number("auid", e.fields["auid"])
	l.text("command_text", shellText(args))
	l.some("exe", e.fields["exe"])
	l.some("key", e.fields["key"])
	l.some("login_user", named(e.fields["AUID"]))
	l.number("pid", e.fields["pid"])
	l.number("ppid", e.fields["ppid"])
	l.some("pwd", e.cwd)
	if !whole {
		l.truth("truncated", true)
	}
	l.some("tty", e.fields["tty"])
	l.number("uid", e.fields["uid"])
	l.some("user", named(e.fields["UID"]))
	p.give(&ttpcron.Event{Kind: ttpcron.Command, Time: e.at, DeckyID: e.node}, e.fields["ses"], "", to)
}

// named returns a user's name from an enriched log, or nothing for "unset" and
// "unknown(1000)".
func named(user string) string {
	if user == "unset" || strings.HasPrefix(user, "unknown(") {
		return ""
	}
	return user
}

// give completes an event and hands it on. Its address is that of the record, or else of the
// login that began the session.
func (p *auditParser) give(e *ttpcron.Event, ses, address string, to *parsed) {
	e.Vantage = ttpcron.VantageHost
	if ses != "" && ses != auditUnset && isDigits([]byte(ses)) {
		e.SessionID = e.DeckyID + "/" + ses
	}
	if e.AttackerIP = address; address == "" && e.SessionID != "" {
		if from, ok := p.sessions.get(auditSession{e.DeckyID, ses}); ok {
			e.AttackerIP, e.AddressOrigin = from, ttpcron.OriginResolved
		}
	}
	e.NameNobody()
	e.Payload = p.list.payload(to.arena)
	p.ordinals.number(e)
	to.add(e)
}

// user reads a record that a program wrote about a user.
func (p *auditParser) user(node, kind string, h *auditHead, to *parsed) error {
	said := map[string]string{}
	err := eachAuditField(h.fields, func(f auditField) {
		switch name := string(f.name); name {
		case "acct", "cmd", "cwd", "exe":
			said[name] = clip(f.decoded(), 64<<10)
		case "addr", "auid", "op", "pid", "res", "result", "ses", "terminal", "uid", "ID", "UID", "AUID":
			if s := string(f.value); s != "?" && s != auditUnset {
				said[name] = clip(s, maxHostName)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	address := ""
	if a, err := netip.ParseAddr(said["addr"]); err == nil {
		address = plainAddress(a.String())
	}
	ses := said["ses"]
	success := said["res"] == "success" || said["res"] == "1" || strings.EqualFold(said["result"], "success")
	session := auditSession{node, ses}
	switch {
	case kind == "LOGIN" && ses != "":
		p.sessions.drop(session)
	case (kind == "USER_START" || kind == "USER_LOGIN") && success && ses != "" && address != "":
		p.sessions.put(session, address)
	}
	switch kind {
	case "USER_AUTH", "USER_ERR", "USER_LOGIN":
		if p.firstReport(node, kind, said, success, h.at) {
			p.attempt(node, said, success, address, h.at, to)
			return nil
		}
	case "USER_CMD":
		if text := said["cmd"]; text != "" && !p.execs[node] {
			p.sudo(node, said, text, success, h.at, to)
			return nil
		}
	}
	to.ignoreAnother(kind)
	return nil
}

// firstReport reports whether a record is the first about an attempt to log in. sshd and
// the PAM modules that it calls both report a password, and sshd reports the login again.
func (p *auditParser) firstReport(node, kind string, said map[string]string, success bool, at time.Time) bool {
	process := auditSession{node, said["pid"]}
	a, _ := p.attempts.get(process)
	if d := at.Sub(a.at); d > auditPidForgets || d < -auditPidForgets {
		a = auditAttempts{}
	}
	first := true
	switch op := said["op"]; {
	case said["pid"] == "":
		return true
	case kind == "USER_LOGIN":
		first = success && !a.succeeded || !success && !a.failed
	case strings.HasPrefix(op, "pubkey") || strings.HasPrefix(op, "key"):
	case a.op == "":
		a.op = op
	default:
		first = a.op == op
	}
	a.at, a.failed, a.succeeded = at, a.failed || !success, a.succeeded || success
	p.attempts.put(process, a)
	return first
}

func (p *auditParser) attempt(node string, said map[string]string, success bool, address string, at time.Time, to *parsed) {
	l := &p.list
	*l = (*l)[:0]
	l.some("exe", said["exe"])
	switch op := said["op"]; {
	case strings.HasPrefix(op, "pubkey") || strings.HasPrefix(op, "key"):
		l.text("method", "publickey")
	case op == "password":
		l.text("method", op)
	}
	l.number("pid", said["pid"])
	service := path.Base(said["exe"])
	switch {
	case said["exe"] == "":
		service = ""
	case strings.HasPrefix(service, "sshd"):
		service = "ssh"
		l.text("protocol", service)
	}
	l.some("service", service)
	l.truth("success", success)
	l.some("tty", said["terminal"])
	user := said["acct"]
	if user == "" || strings.HasPrefix(user, "(") { // (unknown), (invalid user)
		user = named(said["ID"])
	}
	l.some("username", user)
	p.give(&ttpcron.Event{Kind: ttpcron.AuthAttempt, Time: at, DeckyID: node}, said["ses"], address, to)
}

// sudo reads the command that sudo was asked for.
func (p *auditParser) sudo(node string, said map[string]string, text string, success bool, at time.Time, to *parsed) {
	l := &p.list
	*l = (*l)[:0]
	l.number("auid", said["auid"])
	l.text("command_text", text)
	l.some("exe", said["exe"])
	if !success {
		l.truth("failed", true)
	}
	l.some("login_user", named(said["AUID"]))
	l.number("pid", said["pid"])
	l.some("pwd", said["cwd"])
	l.some("tty", said["terminal"])
	l.number("uid", said["uid"])
	l.some("user", named(said["UID"]))
	p.give(&ttpcron.Event{Kind: ttpcron.Command, Time: at, DeckyID: node}, said["ses"], "", to)
}

// end ends what is open at the end of the file. It is true if there may be more.
func (p *auditParser) end(to *parsed) bool {
	to.gathers = true
	for len(p.open) > 0 && to.room() {
		p.finish(0, to)
	}
	return len(p.open) > 0
}

// waits reports whether something is open.
func (p *auditParser) waits() bool { return len(p.open) > 0 }
