package importer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"net/netip"
	"strconv"

	"github.com/ttpcron/ttpcron"
)

// spoke fills in what the system of a record implies.
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

// inSession fills in what is known about a record's session.
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

// command makes the event for a typed line. An empty line is ignored.
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

// opened reads "203.0.113.50:40000 (198.51.100.2:2222) [session: a1b2c3d4e5f6]", which
// gives the session's address.
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
	case m.cef:
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
	p.some("payload_text", ttpcron.PayloadText(url, filename))
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
	p.text("destination", ttpcron.Destination(host, strconv.Itoa(int(port))))
	p.text("dst_ip", host)
	p.uint(a, "dst_port", uint64(port))
}
