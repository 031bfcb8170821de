package importer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Cowrie's text logs, and those of Kippo, which it comes from: what Twisted writes to
// cowrie.log or a container's output,
//
//	2025-10-18T01:02:03+0000 [HoneyPotSSHTransport,7,203.0.113.50] CMD: uname -a
//
// and what output_textlog writes, a session instead of the part that speaks:
//
//	2025-10-18T01:02:03.100000Z a1b2c3d4e5f6 CMD: uname -a
//
// A record goes on where Twisted begins a line with a tab, which it puts behind each
// newline of a message: whatever an attacker types stays in its record. output_textlog
// puts nothing there. What does not begin like a record goes on with the one before, but
// a typed line that does is taken for one.
var cowrieTextLog = Format{
	Name: "cowrie-text", Title: "Cowrie or Kippo SSH and Telnet honeypot, text log", Version: 1,
	Records: cowrieTextRecords(),
	lines: &lineFormat{
		recognises: isCowrieText,
		continues:  cowrieContinues,
		richer:     "cowrie",
		parser:     func() recordParser { return &cowrieTextParser{} },
	},
}

// message is what a record says, behind the time and whoever spoke.
type message struct {
	event    ttpcron.Event // with all that events of any kind have
	protocol string        // that the record names; empty if it names none
	who      *speaker      // at the other end of the connection that the record names
	plain    bool          // the record names a session, and no part that speaks
	text     []byte        // behind the words by which its type is known
}

// messageType is a type of messages.
type messageType struct {
	begins string
	kind   ttpcron.SourceKind
	read   func(p *cowrieTextParser, m *message, to *parsed) error // nil: of no interest
	why    string
}

// cowrieMessages are the types of messages that are told apart. The first that fits is taken.
var cowrieMessages = []messageType{
	{"CMD: ", ttpcron.Command, (*cowrieTextParser).command, "unless nothing was typed"},
	{"CMD:", ttpcron.Command, (*cowrieTextParser).command, "unless nothing was typed"},
	{"Command found: ", "", nil, "repeats the command"},
	{"Command not found: ", "", nil, "repeats the command"},
	{"INPUT (", ttpcron.Stdin, (*cowrieTextParser).stdin, ""},
	{"login attempt [", ttpcron.AuthAttempt, (*cowrieTextParser).login, ""},
	{"public key attempt for user ", ttpcron.AuthAttempt, (*cowrieTextParser).key, ""},
	{"New connection: ", ttpcron.SessionFact, (*cowrieTextParser).opened, ""},
	{"Connection lost", ttpcron.SessionFact, (*cowrieTextParser).closed, ""},
	{"connection lost", ttpcron.SessionFact, (*cowrieTextParser).closed, ""},
	{"Remote SSH version: ", ttpcron.SessionFact, (*cowrieTextParser).client, ""},
	{"SSH client hassh fingerprint: ", ttpcron.SessionFact, (*cowrieTextParser).kex, ""},
	{"Terminal Size: ", ttpcron.SessionFact, (*cowrieTextParser).size, ""},
	{"request_env: ", ttpcron.SessionFact, (*cowrieTextParser).variable, ""},
	{"Downloaded URL (", ttpcron.FileTransfer, (*cowrieTextParser).downloaded, ""},
	{"Attempt to download file(s) from URL (", ttpcron.FileTransfer, (*cowrieTextParser).notDownloaded, ""},
	{"Saved redir contents with SHA-256 ", ttpcron.FileTransfer, (*cowrieTextParser).saved, ""},
	{"Saved stdin contents with SHA-256 ", ttpcron.FileTransfer, (*cowrieTextParser).saved, ""},
	{"SFTP Uploaded file \"", ttpcron.FileTransfer, (*cowrieTextParser).uploaded, ""},
	{"Uploaded file \"", ttpcron.FileTransfer, (*cowrieTextParser).uploaded, ""},
	{"direct-tcp connection request to ", ttpcron.Tunnel, (*cowrieTextParser).tunnel, ""},
	{"discarded direct-tcp forward request ", ttpcron.Tunnel, (*cowrieTextParser).tunnelData, ""},
	{"Log opened.", "", (*cowrieTextParser).started, "the sensor began"},
	{"twistd ", "", (*cowrieTextParser).started, "the sensor began"},
}

// otherMessage is the type of all other messages.
const otherMessage = "other message"

func cowrieTextRecords() (all []RecordType) {
	for _, t := range cowrieMessages {
		r := RecordType{Name: t.name(), Why: t.why}
		if t.kind != "" {
			r.Kinds = []ttpcron.SourceKind{t.kind}
		}
		if n := len(all); n == 0 || all[n-1].Name != r.Name {
			all = append(all, r)
		}
	}
	return append(all, RecordType{Name: otherMessage, Why: "says what the sensor did"})
}

// name is what the messages of a type begin with, without what belongs to the value.
func (t *messageType) name() string {
	return string(bytes.TrimRight([]byte(t.begins), " :([\""))
}

func typeOf(text []byte) *messageType {
	for i := range cowrieMessages {
		if t := &cowrieMessages[i]; len(text) >= len(t.begins) && text[0] == t.begins[0] && string(text[:len(t.begins)]) == t.begins {
			return t
		}
	}
	return nil
}

// isCowrieText recognises what only Cowrie and Kippo write: a part of theirs that
// speaks, or a session and a message that is known.
func isCowrieText(line []byte) bool {
	var clock lineClock
	_, _, rest, ok := clock.read(line)
	if !ok {
		return false
	}
	if system, text, ok := cutSystem(rest); ok {
		for _, part := range []string{"HoneyPot", "Cowrie", "cowrie.", "kippo."} {
			if bytes.Contains(system, []byte(part)) {
				return len(text) > 0
			}
		}
		return false
	}
	_, text, ok := cutSession(rest)
	return ok && typeOf(text) != nil
}

// cowrieContinues reports whether a line goes on with the record before, and with what.
func cowrieContinues(record, line []byte) (more []byte, ok bool) {
	var clock lineClock
	if len(line) > 0 && line[0] != '\t' {
		if _, _, rest, timed := clock.read(line); timed {
			if _, _, twisted := cutSystem(rest); twisted {
				return nil, false
			}
			if _, _, plain := cutSession(rest); plain {
				return nil, false
			}
		}
	}
	_, _, rest, timed := clock.read(record)
	switch {
	case !timed:
		return nil, false
	case len(rest) > 0 && rest[0] == '[':
		more, ok = bytes.CutPrefix(line, []byte("\t"))
		return more, ok
	}
	_, _, ok = cutSession(rest)
	return line, ok
}

// cutSystem splits "[system] text". A system that has a bracket is one whose record was
// cut off, and the next one behind it.
func cutSystem(rest []byte) (system, text []byte, ok bool) {
	if len(rest) == 0 || rest[0] != '[' {
		return nil, nil, false
	}
	end := bytes.Index(rest, []byte("] "))
	if end < 0 {
		if end = len(rest) - 1; rest[end] != ']' {
			return nil, nil, false
		}
		return rest[1:end], nil, bytes.IndexByte(rest[1:], '[') < 0
	}
	system = rest[1:end]
	return system, rest[end+len("] "):], bytes.IndexByte(system, '[') < 0
}

// cutSession splits "session text".
func cutSession(rest []byte) (session, text []byte, ok bool) {
	session, text, ok = bytes.Cut(rest, []byte(" "))
	if !ok || len(session) == 0 || len(session) > 64 {
		return nil, nil, false
	}
	for _, c := range session {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return nil, nil, false
		}
	}
	return session, text, true
}

// lineClock reads the times with which lines begin. It keeps the last second.
type lineClock struct {
	text [len(secondForm)]byte
	at   time.Time
}

const secondForm = "2006-01-02T15:04:05"

// read reads "2025-10-18T01:02:03.100000+0200 ", or with a blank before the hour, with no
// fraction, and with any form of zone or none, which is UTC. whole says that there is no
// fraction.
func (c *lineClock) read(line []byte) (at time.Time, whole bool, rest []byte, ok bool) {
	if len(line) < len(secondForm)+2 || line[4] != '-' {
		return at, false, nil, false
	}
	if string(line[:len(secondForm)]) != string(c.text[:]) && !c.second(line) {
		return at, false, nil, false
	}
	at, rest = c.at, line[len(secondForm):]
	whole = true
	if rest[0] == '.' || rest[0] == ',' {
		whole = false
		nanos, n := 0, 1
		for ; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			if n <= 9 {
				nanos = 10*nanos + int(rest[n]-'0')
			}
		}
		if n == 1 {
			return at, false, nil, false
		}
		for k := n; k <= 9; k++ {
			nanos *= 10
		}
		at, rest = at.Add(time.Duration(nanos)), rest[n:]
	}
	offset, n, ok := zone(rest)
	if !ok || n >= len(rest) || rest[n] != ' ' {
		return at, false, nil, false
	}
	return at.Add(-offset), whole, rest[n+1:], true
}

func (c *lineClock) second(line []byte) bool {
	var utc [len(secondForm) + 1]byte
	copy(utc[:], line)
	if utc[10] == ' ' {
		utc[10] = 'T'
	}
	utc[len(secondForm)] = 'Z'
	at, ok := ttpcron.ParseUTC(utc[:])
	if ok {
		c.at = at
		copy(c.text[:], line)
	}
	return ok
}

// zone reads the zone at the beginning of a text, and says how long it is.
func zone(text []byte) (offset time.Duration, n int, ok bool) {
	if len(text) == 0 || text[0] == ' ' {
		return 0, 0, true
	}
	if text[0] == 'Z' {
		return 0, 1, true
	}
	if text[0] != '+' && text[0] != '-' {
		return 0, 0, false
	}
	digits := 0
	for n = 1; n < len(text) && digits < 4; n++ {
		switch c := text[n]; {
		case c >= '0' && c <= '9':
			offset = 10*offset + time.Duration(c-'0')
			digits++
		case c == ':' && digits == 2:
		default:
			return 0, 0, false
		}
	}
	if digits < 4 || offset%100 > 59 || offset > 1500 {
		return 0, 0, false
	}
	offset = offset/100*time.Hour + offset%100*time.Minute
	if text[0] == '-' {
		offset = -offset
	}
	return offset, n, true
}

// cowrieTextParser reads the records of a text log, with a newline for each that a
// message holds.
type cowrieTextParser struct {
	clock    lineClock
	sessions textSessions
	ordinals ordinals
	whole    bool // the record has whole seconds
	fields   []ttpcron.Field
	number   []byte
}

// continues takes over whose connections and sessions those of the file before are, and
// not how many equal records there were: they would be others when this file is read
// without the one before.
func (p *cowrieTextParser) continues(from recordParser) {
	if before, ok := from.(*cowrieTextParser); ok {
		p.sessions = before.sessions
	}
}

var (
	errNoLineTime = fmt.Errorf("%w: it does not begin with a time", errForeign)
	errNoSpeaker  = fmt.Errorf("%w: no part of Cowrie and no session behind the time", errForeign)
)

func (p *cowrieTextParser) parse(record []byte, to *parsed) error {
	at, whole, rest, ok := p.clock.read(record)
	if !ok {
		return errNoLineTime
	}
	m := message{event: ttpcron.Event{Time: at}}
	p.whole = whole
	if system, text, ok := cutSystem(rest); ok {
		m.text = text
		p.spoke(&m, system)
	} else if session, text, ok := cutSession(rest); ok {
		m.text = text
		p.inSession(&m, session)
	} else {
		return errNoSpeaker
	}
	t := typeOf(m.text)
	if t == nil {
		to.ignore([]byte(otherMessage))
		return nil
	}
	if t.read == nil {
		to.ignore([]byte(t.name()))
		return nil
	}
	m.event.Kind = t.kind
	m.text = m.text[len(t.begins):]
	if err := t.read(p, &m, to); err != nil {
		return fmt.Errorf("%s: %w", t.name(), err)
	}
	if len(to.events) == 0 && to.ignored == nil {
		to.ignore([]byte(t.name()))
	}
	return nil
}

// spoke fills in what the part that wrote a record tells.
func (p *cowrieTextParser) spoke(m *message, system []byte) {
	who := p.sessions.speaker(system)
	if m.who = who; who == nil {
		m.protocol = protocolOf(system)
		return
	}
	m.protocol, m.event.AttackerIP, m.event.Connection = who.protocol, who.address, who.connection
	if who.session != "" {
		m.event.SessionID, m.event.SessionOrigin = who.session, ttpcron.OriginResolved
	}
}

// inSession fills in what is known of the session of a record.
func (p *cowrieTextParser) inSession(m *message, session []byte) {
	m.plain = true
	if m.who = p.sessions.find(session); m.who != nil {
		m.event.SessionID = m.who.session
		m.event.AttackerIP, m.event.AddressOrigin = m.who.address, ttpcron.OriginResolved
		return
	}
	m.event.SessionID = string(session)
}

// give gives the event of a message, with the fields, sorted by name.
func (p *cowrieTextParser) give(m *message, to *parsed) error {
	e := &m.event
	e.Payload = to.arena.Fields(len(p.fields))
	copy(e.Payload, p.fields)
	e.NameNobody()
	if p.whole {
		p.ordinals.number(e)
	}
	to.add(e)
	return nil
}

func (p *cowrieTextParser) begin() { p.fields = p.fields[:0] }

func (p *cowrieTextParser) text(name, text string) {
	p.fields = append(p.fields, ttpcron.Field{Name: name, Text: text})
}

// some adds a field unless its text is empty.
func (p *cowrieTextParser) some(name, text string) {
	if text != "" {
		p.text(name, text)
	}
}

func (p *cowrieTextParser) uint(a *arena, name string, n uint64) {
	p.number = strconv.AppendUint(p.number[:0], n, 10)
	p.fields = append(p.fields, ttpcron.Field{Name: name, Raw: a.Raw(p.number)})
}

// command makes the event of a line that was typed. An empty one is of no interest.
func (p *cowrieTextParser) command(m *message, to *parsed) error {
	if len(bytes.TrimSpace(m.text)) == 0 {
		return nil
	}
	p.begin()
	p.text("command_text", to.arena.Text(m.text))
	p.some("protocol", m.protocol)
	return p.give(m, to)
}

var errMessage = errors.New("the message is not as Cowrie writes it")

// stdin reads "realm): text".
func (p *cowrieTextParser) stdin(m *message, to *parsed) error {
	realm, text, ok := bytes.Cut(m.text, []byte("):"))
	if !ok {
		return errMessage
	}
	if text = bytes.TrimPrefix(text, []byte(" ")); len(text) == 0 {
		return nil
	}
	p.begin()
	p.text("input_text", to.arena.Text(text))
	p.some("program", to.arena.Text(realm))
	p.some("protocol", m.protocol)
	return p.give(m, to)
}

// login reads "b'root'/b'admin'] succeeded", or without the marks of Python's bytes.
func (p *cowrieTextParser) login(m *message, to *parsed) error {
	who, success := bytes.CutSuffix(m.text, []byte("] succeeded"))
	if !success {
		var failed bool
		if who, failed = bytes.CutSuffix(m.text, []byte("] failed")); !failed {
			return errMessage
		}
	}
	username, password, ok := credentials(who)
	if !ok {
		return errMessage
	}
	a := to.arena
	p.begin()
	p.text("method", "password")
	p.text("password", a.Text(password))
	p.some("protocol", m.protocol)
	p.some("service", m.protocol)
	outcome := rawFalse
	if success {
		outcome = rawTrue
	}
	p.fields = append(p.fields, ttpcron.Field{Name: "success", Raw: outcome})
	p.text("username", a.Text(username))
	return p.give(m, to)
}

func credentials(who []byte) (username, password []byte, ok bool) {
	if name, rest, literal := pythonBytes(who); literal && bytes.HasPrefix(rest, []byte("/")) {
		if word, rest, literal := pythonBytes(rest[1:]); literal && len(rest) == 0 {
			return name, word, true
		}
	}
	return bytes.Cut(who, []byte("/"))
}

// key reads "root of type ssh-rsa with fingerprint 00:11:22".
func (p *cowrieTextParser) key(m *message, to *parsed) error {
	rest, print, ok := cutLast(m.text, " with fingerprint ")
	username, kind, more := cutLast(rest, " of type ")
	if !ok || !more {
		return errMessage
	}
	a := to.arena
	p.begin()
	p.text("key_fingerprint", a.Text(unquoted(print)))
	p.some("key_type", a.Text(unquoted(kind)))
	p.text("method", "publickey")
	p.some("protocol", m.protocol)
	p.some("service", m.protocol)
	p.text("username", a.Text(unquoted(username)))
	return p.give(m, to)
}

// opened reads "203.0.113.50:40000 (198.51.100.2:2222) [session: a1b2c3d4e5f6]". It tells
// of which address the session is.
func (p *cowrieTextParser) opened(m *message, to *parsed) error {
	rest, session, ok := cutLast(m.text, " [session: ")
	session, closed := bytes.CutSuffix(session, []byte("]"))
	from, local, both := bytes.Cut(rest, []byte(" ("))
	host, port, good := hostPort(string(from))
	address, err := netip.ParseAddr(host)
	if !ok || !closed || !both || !good || err != nil || len(session) == 0 || len(session) > 64 {
		return errMessage
	}
	dstHost, dstPort, known := hostPort(string(bytes.TrimSuffix(local, []byte(")"))))
	who := speaker{protocol: m.protocol, address: plainAddress(address.String()), session: string(session)}
	e := &m.event
	switch {
	case m.plain:
		who.session = e.SessionID
		p.sessions.keep(who.session, &who)
	case m.who != nil:
		m.who.session = who.session
	default:
		p.sessions.connected(who, dstPort)
	}
	e.AttackerIP, e.AddressOrigin = who.address, ttpcron.OriginRecorded
	e.SessionID, e.SessionOrigin, e.Connection = who.session, ttpcron.OriginRecorded, ""
	a := to.arena
	p.begin()
	if known {
		p.text("dst_ip", a.Text([]byte(dstHost)))
		p.uint(a, "dst_port", uint64(dstPort))
	}
	p.text("fact", "opened")
	p.some("protocol", m.protocol)
	p.uint(a, "src_port", uint64(port))
	return p.give(m, to)
}

// started reads the rest of "Log opened." or of "twistd 22.4.0 (…) starting up.".
func (p *cowrieTextParser) started(m *message, to *parsed) error {
	if !m.plain && (len(m.text) == 0 || bytes.HasSuffix(m.text, []byte("starting up."))) {
		p.sessions.restarted()
	}
	return nil
}

// closed reads " after 5 seconds", or nothing.
func (p *cowrieTextParser) closed(m *message, to *parsed) error {
	p.begin()
	if text, ok := bytes.CutPrefix(m.text, []byte(" after ")); ok {
		number, unit, _ := bytes.Cut(text, []byte(" "))
		n, err := strconv.ParseFloat(string(number), 64)
		if string(unit) != "ms" {
			n *= 1000
		}
		if err != nil || !(n >= 0 && n < 1e15) {
			return errMessage
		}
		p.uint(to.arena, "duration_ms", uint64(math.Round(n)))
	} else if len(m.text) > 0 {
		to.ignore([]byte(otherMessage))
		return nil
	}
	p.text("fact", "closed")
	p.some("protocol", m.protocol)
	return p.give(m, to)
}

func (p *cowrieTextParser) client(m *message, to *parsed) error {
	p.begin()
	p.text("client_version", to.arena.Text(unquoted(m.text)))
	p.text("fact", "client")
	p.some("protocol", m.protocol)
	return p.give(m, to)
}

func (p *cowrieTextParser) kex(m *message, to *parsed) error {
	p.begin()
	p.text("fact", "kex")
	p.text("hassh", to.arena.Text(m.text))
	p.some("protocol", m.protocol)
	return p.give(m, to)
}

// size reads "80 24".
func (p *cowrieTextParser) size(m *message, to *parsed) error {
	width, height, ok := bytes.Cut(m.text, []byte(" "))
	if !ok {
		return errMessage
	}
	p.begin()
	p.text("fact", "size")
	p.some("protocol", m.protocol)
	p.text("term_size", string(width)+"x"+string(height))
	return p.give(m, to)
}

// variable reads "LANG=C".
func (p *cowrieTextParser) variable(m *message, to *parsed) error {
	name, value, ok := bytes.Cut(m.text, []byte("="))
	if !ok {
		return errMessage
	}
	p.begin()
	p.text("fact", "var")
	p.text("name", to.arena.Text(unquoted(name)))
	p.some("protocol", m.protocol)
	p.text("value", to.arena.Text(unquoted(value)))
	return p.give(m, to)
}

// file gives a file that came in.
func (p *cowrieTextParser) file(m *message, to *parsed, method, filename, sha256, url string, failed bool) error {
	p.begin()
	p.text("direction", "in")
	if failed {
		p.fields = append(p.fields, ttpcron.Field{Name: "failed", Raw: rawTrue})
	}
	p.some("filename", filename)
	p.text("method", method)
	p.some("payload_text", joined(url, filename))
	p.some("sha256", sha256)
	p.some("url", url)
	return p.give(m, to)
}

// downloaded reads "http://198.51.100.9/x.sh) with SHA-256 … to …".
func (p *cowrieTextParser) downloaded(m *message, to *parsed) error {
	url, rest, ok := cutLast(m.text, ") with SHA-256 ")
	sum, _, more := bytes.Cut(rest, []byte(" to "))
	if !ok || !more {
		return errMessage
	}
	return p.file(m, to, "download", "", to.arena.Text(sum), to.arena.Text(unquoted(url)), false)
}

// notDownloaded reads "http://198.51.100.9/x.sh) failed".
func (p *cowrieTextParser) notDownloaded(m *message, to *parsed) error {
	url, _, ok := cutLast(m.text, ") failed")
	if !ok {
		return errMessage
	}
	return p.file(m, to, "download", "", "", to.arena.Text(unquoted(url)), true)
}

// saved reads "<SHA-256> to …".
func (p *cowrieTextParser) saved(m *message, to *parsed) error {
	sum, _, ok := bytes.Cut(m.text, []byte(" to "))
	if !ok {
		return errMessage
	}
	return p.file(m, to, "download", "", to.arena.Text(sum), "", false)
}

// uploaded reads `x.sh" to var/lib/cowrie/downloads/<SHA-256>`.
func (p *cowrieTextParser) uploaded(m *message, to *parsed) error {
	name, path, ok := cutLast(m.text, "\" to ")
	if !ok {
		return errMessage
	}
	sum := path[bytes.LastIndexByte(path, '/')+1:]
	if _, err := hex.DecodeString(string(sum)); err != nil || len(sum) != 64 {
		sum = nil
	}
	return p.file(m, to, "upload", to.arena.Text(name), to.arena.Text(sum), "", false)
}

// tunnel reads "198.51.100.9:80 from 127.0.0.1:40001".
func (p *cowrieTextParser) tunnel(m *message, to *parsed) error {
	target, origin, _ := cutLast(m.text, " from ")
	host, port, ok := hostPort(string(target))
	if !ok {
		return errMessage
	}
	a := to.arena
	p.begin()
	p.target(a, host, port)
	if from, fromPort, ok := hostPort(string(origin)); ok {
		p.text("orig_ip", a.Text([]byte(from)))
		p.uint(a, "orig_port", uint64(fromPort))
	}
	return p.give(m, to)
}

// tunnelData reads "0 to 198.51.100.9:80 with data …".
func (p *cowrieTextParser) tunnelData(m *message, to *parsed) error {
	_, rest, ok := bytes.Cut(m.text, []byte(" to "))
	target, data, more := bytes.Cut(rest, []byte(" with data "))
	host, port, good := hostPort(string(target))
	if !ok || !more || !good {
		return errMessage
	}
	p.begin()
	p.text("data", to.arena.Text(data))
	p.target(to.arena, host, port)
	return p.give(m, to)
}

func (p *cowrieTextParser) target(a *arena, host string, port uint16) {
	p.text("destination", destination(host, strconv.Itoa(int(port))))
	p.text("dst_ip", host)
	p.uint(a, "dst_port", uint64(port))
}

// cutLast splits a text at the last occurrence of another: what an attacker chose comes
// before it.
func cutLast(text []byte, at string) (before, after []byte, ok bool) {
	if i := bytes.LastIndex(text, []byte(at)); i >= 0 {
		return text[:i], text[i+len(at):], true
	}
	return text, nil, false
}

// unquoted is a text without the marks of Python's bytes, if it has some.
func unquoted(text []byte) []byte {
	if value, rest, ok := pythonBytes(text); ok && len(rest) == 0 {
		return value
	}
	return text
}

// pythonBytes reads bytes as Python shows them, such as b'a\n\xff', from the beginning of
// a text.
func pythonBytes(text []byte) (value, rest []byte, ok bool) {
	if len(text) < 3 || text[0] != 'b' || text[1] != '\'' && text[1] != '"' {
		return nil, text, false
	}
	quote := text[1]
	if end := bytes.IndexByte(text[2:], quote); end >= 0 && bytes.IndexByte(text[2:2+end], '\\') < 0 {
		return text[2 : 2+end], text[2+end+1:], true
	}
	for i := 2; i < len(text); i++ {
		c := text[i]
		if c == quote {
			return value, text[i+1:], true
		}
		if c != '\\' || i+1 == len(text) {
			value = append(value, c)
			continue
		}
		i++
		switch c = text[i]; c {
		case 'n':
			value = append(value, '\n')
		case 'r':
			value = append(value, '\r')
		case 't':
			value = append(value, '\t')
		case 'x':
			var one [1]byte
			if i+2 >= len(text) {
				return nil, text, false
			}
			if _, err := hex.Decode(one[:], text[i+1:i+3]); err != nil {
				return nil, text, false
			}
			value = append(value, one[0])
			i += 2
		default:
			value = append(value, c)
		}
	}
	return nil, text, false
}
