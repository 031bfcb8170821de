package importer

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// The messages of an SSH server and sudo in the system's log: auth.log, secure or messages as
// syslog daemons write them, or systemd's journal as journalctl prints it:
//
//	Nov 27 13:51:56 web-1 sshd[4711]: Failed password for root from 203.0.113.7 port 40000 ssh2
//	2026-11-27T13:51:56.123456+01:00 web-1 sudo: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id
//	{"__REALTIME_TIMESTAMP":"1777873745586000","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Accepted …"}
//
// The name of a user is what an attacker sent, and may read " from 198.51.100.1 port 5". So
// messages are matched from their right end, which the server wrote.
var sshdLog = Format{
	Name: "sshd", Title: "the log of an SSH server and sudo (auth.log, secure, journald)", Version: 1,
	Records: []RecordType{
		{Name: "sshd: Failed, Accepted", Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}, Why: "not for method none, which only asks which methods there are"},
		{Name: "sshd: Connection closed, Disconnected", Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}, Why: "only if the client named a user, and no other record of the connection is an attempt"},
		{Name: "sshd: Invalid user", Why: "a record that follows says what was tried"},
		{Name: sshdOther, Why: "no attempt to log in"},
		{Name: "sudo: COMMAND=", Kinds: []ttpcron.SourceKind{ttpcron.Command}},
		{Name: sudoOther, Why: "no command"},
		{Name: "others", Why: "from other programs"},
	},
	lines: &lineFormat{
		recognises: isSSHD,
		continues:  oneLine,
		parser:     newSSHDParser,
		lacks:      sshdLacks,
		carries:    true,
	},
}

const (
	sshdOther = "sshd: other message"
	sudoOther = "sudo: other message"
)

// sysLine is a record of a system's log.
type sysLine struct {
	at      time.Time
	bsd     [5]int // month, day, hour, minute and second, if the time has no year
	nanos   int
	host    []byte
	program []byte
	pid     []byte
	text    []byte
	whole   bool // the time has whole seconds
	noYear  bool
}

var rfc5424Line = newExpression(`(?s)^1 (` + isoTime + `) ([^\s{}]+) ([^\s{}]+) (\d{1,10}|-) [^\s{}]+ (?:-|(?:\[[^\s\]"={}]+(?: [^\s\]"={}]+="(?:[^"\\]|\\.)*")*\])+) ?\x{feff}?(.*)$`)

var months = map[string]int{"Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6, "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12}

// cutSysLine reads what a line of a system's log begins with.
func cutSysLine(line []byte) (l sysLine, ok bool) {
	if startsWith(line, '<') { // a priority
		end := bytes.IndexByte(line, '>')
		if end < 2 || end > 4 || !isDigits(line[1:end]) {
			return l, false
		}
		if line = line[end+1:]; bytes.HasPrefix(line, []byte("1 ")) {
			return cutRFC5424(line)
		}
	}
	rest, ok := l.bsdTime(line)
	if !ok {
		if rest, ok = l.isoTime(line); !ok {
			return l, false
		}
	}
	l.host, rest, ok = bytes.Cut(rest, []byte(" "))
	if !ok || len(l.host) == 0 || len(l.host) > maxHostName || bytes.ContainsAny(l.host, `{}"`) {
		return l, false
	}
	end := bytes.IndexAny(rest[:min(len(rest), maxProgram)], `:[ {}"]`)
	if end <= 0 || rest[end] != ':' && rest[end] != '[' {
		return l, false
	}
	l.program = rest[:end]
	if rest = rest[end:]; rest[0] == '[' {
		end := bytes.IndexByte(rest[:min(len(rest), 16)], ']')
		if end < 2 || end > 11 || !isDigits(rest[1:end]) || end+1 >= len(rest) || rest[end+1] != ':' {
			return l, false
		}
		l.pid, rest = rest[1:end], rest[end+1:]
	}
	l.text = bytes.TrimPrefix(rest[1:], []byte(" "))
	return l, true
}

// maxProgram is how long the name of a program may be, and what follows it.
const maxProgram = 64

// bsdTime reads "Nov 27 13:51:56 ", perhaps with a fraction.
func (l *sysLine) bsdTime(line []byte) (rest []byte, ok bool) {
	if len(line) < len("Nov 27 13:51:56 ") || line[3] != ' ' || line[6] != ' ' || line[9] != ':' || line[12] != ':' {
		return nil, false
	}
	l.bsd[0] = months[string(line[:3])]
	for i, at := range [...]int{4, 7, 10, 13} {
		tens, ones := line[at]-'0', line[at+1]-'0'
		if i == 0 && line[at] == ' ' {
			tens = 0
		}
		if tens > 9 || ones > 9 {
			return nil, false
		}
		l.bsd[i+1] = 10*int(tens) + int(ones)
	}
	if l.bsd[0] == 0 || l.bsd[1] == 0 || l.bsd[1] > 31 || l.bsd[2] > 23 || l.bsd[3] > 59 || l.bsd[4] > 60 {
		return nil, false
	}
	rest = line[15:]
	l.noYear, l.whole = true, rest[0] != '.'
	if !l.whole {
		end := bytes.IndexByte(rest, ' ')
		if end < 2 || end > 10 || !isDigits(rest[1:end]) {
			return nil, false
		}
		l.nanos, _ = strconv.Atoi((string(rest[1:end]) + "000000000")[:9])
		rest = rest[end:]
	}
	if rest[0] != ' ' {
		return nil, false
	}
	return rest[1:], true
}

// isoTime reads a time of ISO 8601 with its zone, or seconds since 1970 with a fraction.
func (l *sysLine) isoTime(line []byte) (rest []byte, ok bool) {
	at, _, ok := bytes.Cut(line[:min(len(line), 48)], []byte(" "))
	if !ok || len(at) < len("1767323045.000000") || at[0]-'0' > 9 {
		return nil, false
	}
	l.whole = !bytes.ContainsAny(at, ".,")
	if at[4] == '-' {
		if len(at) <= len(secondForm) || at[10] != 'T' || !bytes.ContainsAny(at[len(secondForm):], "Z+-") {
			return nil, false
		}
		l.at, ok = parseTime(strings.Replace(string(at), ",", ".", 1))
	} else {
		whole, fraction, _ := bytes.Cut(at, []byte("."))
		if !isDigits(whole) || len(whole) < 9 || len(whole) > 11 || len(fraction) != 6 {
			return nil, false
		}
		l.at, ok = epoch(string(at))
	}
	return line[len(at)+1:], ok
}

// cutRFC5424 reads "1 2026-11-27T13:51:56Z host sshd 7 - - message".
func cutRFC5424(line []byte) (l sysLine, ok bool) {
	m := rfc5424Line.FindSubmatch(line)
	if m == nil || len(m[2]) > maxHostName || len(m[3]) > maxProgram {
		return l, false
	}
	l.host, l.program, l.pid, l.text = m[2], m[3], m[4], m[5]
	if !isDigits(l.pid) {
		l.pid = nil
	}
	l.whole = bytes.IndexByte(m[1], '.') < 0
	l.at, ok = parseTime(string(m[1]))
	return l, ok
}

// cutJournal reads an entry of systemd's journal. The host may be missing.
func cutJournal(line []byte) (l sysLine, ok bool) {
	s := jsontext.Scanner{MaxDepth: maxDepth}
	s.Reset(line)
	var message jsontext.Value
	timed := false
	for s.Object(); s.Member(); {
		name := string(s.Name())
		switch v := s.Value(); name {
		case "__REALTIME_TIMESTAMP":
			l.at, timed = timeOf(v)
		case "MESSAGE":
			message = v
		case "_HOSTNAME":
			l.host = v.AppendText(nil)
		case "SYSLOG_IDENTIFIER":
			l.program = v.AppendText(nil)
		case "_PID":
			if l.pid = v.AppendText(nil); !isDigits(l.pid) {
				l.pid = v.Raw()
			}
		}
	}
	if s.End() != nil || !timed || len(l.program) > 64 || len(l.host) > maxHostName || len(message.Raw()) == 0 {
		return l, false
	}
	if len(l.pid) > 10 || !isDigits(l.pid) {
		l.pid = nil
	}
	if message.IsString() {
		l.text = message.AppendText(nil)
	} else if startsWith(message.Raw(), '[') {
		l.text, _ = appendNumbers(nil, message.Raw())
	}
	return l, true
}

// isServer reports whether a program is an SSH server: sshd and, since OpenSSH 9.8, what
// it starts for each connection.
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

// sshdLacks names the settings that a log needs because its times have no year or zone.
func sshdLacks(head []byte, src *source) (missing []string) {
	if !bsdHead.Match(head) {
		return nil
	}
	if src.Zone == nil {
		missing = append(missing, settingZone)
	}
	if src.Year == 0 && src.written().IsZero() {
		missing = append(missing, settingYear)
	}
	return missing
}

var bsdHead = newExpression(`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? [^\s{}"]+ (?:sshd(?:-session|-auth)?|sudo)(?:\[\d{1,10}\])?: `)

// written returns the date in a rotated file's name: when the file was complete. It is zero
// if there is none.
func (s *source) written() time.Time {
	if s.path == "" {
		return time.Time{}
	}
	p := placeOf(filepath.Base(s.path))
	if p.form != dated {
		return time.Time{}
	}
	return time.Date(p.stamp[0], time.Month(p.stamp[1]), p.stamp[2], 0, 0, 0, 0, time.UTC)
}

// yearClock finds the year of times that have none. The lines are in the order of time,
// unless a clock was set or a line came late.
type yearClock struct {
	zone    *time.Location
	year    int       // of the last time
	written time.Time // when the file was complete, or zero
	last    time.Time // the latest time; zero before the first
}

const (
	// backwards is how far times may go back within a year; further means the next year.
	backwards = 31 * 24 * time.Hour
	// aheadOfName is how long after the date in its name a file may end: the date may be in
	// another zone.
	aheadOfName = 2 * 24 * time.Hour
)

var (
	errNoZone = errors.New("its time names no zone; set zone")
	errNoYear = errors.New("its time has no year; set year")
)

func (c *yearClock) at(l *sysLine) (time.Time, error) {
	switch {
	case c.zone == nil:
		return time.Time{}, errNoZone
	case c.year == 0 && c.written.IsZero():
		return time.Time{}, errNoYear
	}
	in := func(year int) time.Time {
		return time.Date(year, time.Month(l.bsd[0]), l.bsd[1], l.bsd[2], l.bsd[3], l.bsd[4], l.nanos, c.zone)
	}
	year := c.year
	if c.last.IsZero() && !c.written.IsZero() {
		if year = c.written.Year(); in(year).Sub(c.written) > aheadOfName {
			year--
		}
	}
	t, ahead := in(year), year
	if !c.last.IsZero() {
		switch {
		case c.last.Sub(t) > backwards:
			t, ahead = in(year+1), year+1
		case t.Sub(c.last) > backwards && c.last.Sub(in(year-1)) < backwards: // late, in the new year
			t = in(year - 1)
		}
	}
	if int(t.Month()) != l.bsd[0] && l.bsd[4] < 60 {
		return time.Time{}, fmt.Errorf("%d has no day %d of month %d", t.Year(), l.bsd[1], l.bsd[0])
	}
	if !usable(t) {
		return time.Time{}, errors.New("its time is outside the years 1970 to 9999")
	}
	if c.year = ahead; t.After(c.last) {
		c.last = t
	}
	return t.UTC(), nil
}

// wrongYear is how far the last time of a log may be from the last change of its file before
// the year is in doubt.
const wrongYear = 300 * 24 * time.Hour

// notes says that the setting year may be wrong. A common cause: rotated files that begin in
// different years share one setting.
func (c *yearClock) notes(modified time.Time) []string {
	if c.last.IsZero() || modified.IsZero() || !c.written.IsZero() {
		return nil
	}
	if d := modified.Sub(c.last); d < wrongYear && d > -wrongYear {
		return nil
	}
	const day = "2006-01-02"
	return []string{fmt.Sprintf("its times end on %s, and the file was last changed on %s: is the year right?", c.last.Format(day), modified.Format(day))}
}

// sshdConnection is what is known of a connection before anything was tried.
type sshdConnection struct {
	user  string
	named bool // user was
	tried bool
}

type sshdKey struct{ host, of string }

type sshdParser struct {
	host        string
	clock       yearClock
	connections recent[sshdKey, sshdConnection]
	ordinals    ordinals
	list        fieldList
}

func newSSHDParser(src *source) recordParser {
	return &sshdParser{host: src.Host, clock: yearClock{zone: src.Zone, year: src.Year, written: src.written()}}
}

var errForged = errors.New("its user or certificate is named like an address, so it has two")

var errNotSyslog = fmt.Errorf("%w: it does not begin with a time, a host and a program", errForeign)

func (p *sshdParser) parse(record []byte, to *parsed) error {
	var l sysLine
	var ok bool
	if startsWith(record, '{') {
		l, ok = cutJournal(record)
	} else {
		l, ok = cutSysLine(record)
	}
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
	server := isServer(l.program)
	if !server && string(l.program) != "sudo" {
		to.ignore(l.program)
		return nil
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
		if is, err := p.server(&e, &l); !is || err != nil {
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

// maxRepeated is the largest number of attempts that one line may stand for. sshd ends a connection after
// MaxAuthTries, which is 6 unless it is set.
const maxRepeated = 64

// repeated is how syslog daemons say that the last message came again.
var repeated = newExpression(`(?s)^message repeated (\d{1,9}) times: \[ ?(.*)\]$`)

func repeatedOf(text []byte) [][]byte {
	if !bytes.HasPrefix(text, []byte("message repeated ")) {
		return nil
	}
	return repeated.FindSubmatch(text)
}

// The messages of OpenSSH. The name of a user goes up to the last address behind it.
var (
	sshdTried  = newExpression(`(?s)^(Failed|Accepted|Postponed) ([A-Za-z0-9/_-]+) for (invalid user |illegal user )?(.*) from (\S+) port (\d{1,5})(?: ssh[12]?)?(?:: ([A-Za-z0-9@.-]+) ((?:SHA256:|MD5:)?[A-Za-z0-9+/=:]+)( ID .*)?)?(?: \[preauth\])?$`)
	sshdForged = newExpression(` from \S+ port \d{1,5} ssh2: `)
	sshdNamed  = newExpression(`(?s)^(?:Invalid|Illegal) user (.*) from (\S+)(?: port (\d{1,5}))?(?: \[preauth\])?$`)
	sshdLeft   = newExpression(`(?s)^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) (?:authenticating|invalid) user (.*) (\S+) port (\d{1,5})(?:: Too many authentication failures)?(?: \[preauth\])?$`)
	sshdEnds   = newExpression(`(?s)^(?:Connection (?:closed|reset) by|Received disconnect from|Disconnected from) ([0-9A-Fa-f.:%a-z]+?)(?: port (\d{1,5}))?(?:: ?\d+: .*)?(?: \[preauth\])?$`)
)

// server reads a message of an SSH server. It is false for one that is no attempt.
func (p *sshdParser) server(e *ttpcron.Event, l *sysLine) (is bool, err error) {
	switch text := l.text; {
	case bytes.HasPrefix(text, []byte("Failed ")) || bytes.HasPrefix(text, []byte("Accepted ")):
		m := cutTried(text)
		if m == nil {
			if m = sshdTried.FindSubmatch(text); m == nil {
				return false, nil
			}
		}
		// A certificate's name is the client's text too, and comes after the address.
		if len(m[9]) > 0 && sshdForged.Match(m[4]) {
			return false, errForged
		}
		key := p.connection(e, l, m[5], m[6])
		if string(m[2]) == "none" {
			p.names(key, m[4])
			return false, nil
		}
		p.connections.put(key, sshdConnection{tried: true})
		p.attempt(e, l, m[4], m[5], m[6])
		p.list.truth("success", text[0] == 'A')
		p.list.text("method", string(m[2]))
		p.list.some("key_type", string(m[7]))
		p.list.some("key_fingerprint", string(m[8]))
		return true, nil
	case bytes.HasPrefix(text, []byte("Invalid user ")) || bytes.HasPrefix(text, []byte("Illegal user ")):
		if m := sshdNamed.FindSubmatch(text); m != nil {
			p.names(p.connection(e, l, m[2], m[3]), m[1])
		}
		return false, nil
	case !bytes.HasPrefix(text, []byte("Connection ")) && !bytes.HasPrefix(text, []byte("Disconnect")) && !bytes.HasPrefix(text, []byte("Received disconnect ")):
		return false, nil
	}
	user, address, port := []byte(nil), []byte(nil), []byte(nil)
	m := sshdLeft.FindSubmatch(l.text)
	if m != nil {
		user, address, port = m[1], m[2], m[3]
	} else if m = sshdEnds.FindSubmatch(l.text); m != nil {
		address, port = m[1], m[2]
	} else {
		return false, nil
	}
	key := p.connection(e, l, address, port)
	c, known := p.connections.get(key)
	if user == nil && !c.named || known && c.tried {
		return false, nil
	}
	if user == nil {
		user = []byte(c.user)
	}
	p.connections.put(key, sshdConnection{tried: true})
	p.attempt(e, l, user, address, port)
	p.list.truth("success", false)
	return true, nil
}

// cutTried is sshdTried for the usual message, "Failed password for root from 203.0.113.7
// port 40000 ssh2", several times as fast. It is nil for any other.
func cutTried(text []byte) [][]byte {
	rest, ok := bytes.CutSuffix(text, []byte(" ssh2"))
	rest, port, ported := cutLast(rest, " port ")
	rest, address, from := cutLast(rest, " from ")
	how, user, named := bytes.Cut(rest, []byte(" for "))
	outcome, method, one := bytes.Cut(how, []byte(" "))
	if !ok || !ported || !from || !named || !one || !isDigits(port) || len(port) > 5 || len(address) == 0 || bytes.ContainsAny(address, " \t\r\n\f\v") {
		return nil
	}
	for _, c := range method {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if c != '-' && c != '/' && c != '_' && c-'0' > 9 {
				return nil
			}
		}
	}
	for _, invalid := range []string{"invalid user ", "illegal user "} {
		if behind, ok := bytes.CutPrefix(user, []byte(invalid)); ok {
			user = behind
			break
		}
	}
	return [][]byte{text, outcome, method, nil, user, address, port, nil, nil, nil}
}

// connection names a connection: by the server's process, else by the client's port.
func (p *sshdParser) connection(e *ttpcron.Event, l *sysLine, address, port []byte) sshdKey {
	if len(l.pid) > 0 {
		return sshdKey{e.DeckyID, string(l.pid) + " " + string(address)}
	}
	return sshdKey{e.DeckyID, string(address) + " " + string(port)}
}

// names remembers which user a client named, until it tries something or leaves.
func (p *sshdParser) names(key sshdKey, user []byte) {
	if c, _ := p.connections.get(key); !c.tried {
		p.connections.put(key, sshdConnection{user: clip(string(user), maxAuditMore), named: true})
	}
}

// attempt fills in what all attempts have.
func (p *sshdParser) attempt(e *ttpcron.Event, l *sysLine, user, address, port []byte) {
	e.Kind = ttpcron.AuthAttempt
	if a, err := netip.ParseAddr(string(address)); err == nil {
		e.AttackerIP = plainAddress(a.String())
	} else {
		p.list.text("src_host", string(address))
	}
	if len(l.pid) > 0 {
		e.SessionID = e.DeckyID + "/sshd/" + string(l.pid)
		if len(port) > 0 {
			e.SessionID += "/" + string(port)
		}
	}
	p.list.text("protocol", "ssh")
	p.list.text("service", "ssh")
	p.list.number("src_port", string(port))
	p.list.text("username", unvis(user))
}

// unvis undoes sshd's escapes for unusual bytes, \303 or \\.
func unvis(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text)
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			if n, err := strconv.ParseUint(string(text[i+1:min(i+4, len(text))]), 8, 8); err == nil && i+4 <= len(text) {
				out = append(out, byte(n))
				i += 3
				continue
			}
			if i+1 < len(text) && text[i+1] == '\\' {
				i++
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}

var sudoRan = newExpression(`(?s)^ *(\S+) : (?:([^;=]+?) ; )?(?:HOST=\S* ; )?(?:TTY=(\S*) ; )?(?:CHROOT=.*? ; )?PWD=(.*?) ; (?:USER=(\S*) ; )?(?:GROUP=\S* ; )?(?:TSID=\S* ; )?(?:ENV=.*? ; )?COMMAND=(.*)$`)

// sudo reads "alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id".
func (p *sshdParser) sudo(e *ttpcron.Event, text []byte) bool {
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

// otherCommand returns the command of a line of sudo that can be read in two ways: the name
// of a folder, and the arguments of a command, may look like what sudo writes before the
// command. Both commands are events then, so that nobody can hide one.
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

// unhash undoes the escapes of sudo and syslog daemons for control characters, #012.
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
