package importer

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// A text log names the session only when a connection is made. All other records name the
// transport: "HoneyPotSSHTransport,7,203.0.113.50", the seventh connection that a port
// accepted since the sensor started. Nothing says which transport a new connection has. A
// new transport belongs to a connection from its address that has none yet: the one with
// the expected number, counting the connections to the port since the last known
// transport, or else the earliest.

const (
	// maxTransports is how many transports, or sessions, are remembered at least.
	maxTransports = 1 << 14
	// maxUnmet is how many connections may wait for their transport.
	maxUnmet = 1 << 10
	// maxPorts is how many listening ports are distinguished.
	maxPorts = 64
)

// restarted forgets everything: the sensor counts its connections from the start.
func (s *textSessions) restarted() { *s = textSessions{} }

// speaker is the other end of a connection.
type speaker struct {
	protocol string // ssh, telnet or empty
	address  string
	session  string // empty if not known
	// connection names the transport and its number.
	connection string
}

// connection is a connection whose transport is not known yet.
type connection struct {
	speaker
	port  portKey
	index int // how many were made to the port before
}

type portKey struct {
	protocol string
	port     uint16
}

// portCount is the last connection of a port whose transport is known, and the number of
// connections.
type portCount struct {
	made          int
	index, number int
	known         bool
}

// textSessions has the most recent transports and sessions of a file.
type textSessions struct {
	speakers, before map[string]*speaker // by transport, or by session
	unmet            []connection
	ports            map[portKey]*portCount

	system []byte // of the last line
	last   *speaker
}

// find returns the speaker of a name, or nil.
func (s *textSessions) find(name []byte) *speaker {
	if who := s.speakers[string(name)]; who != nil {
		return who
	}
	who := s.before[string(name)]
	if who != nil {
		s.keep(string(name), who)
	}
	return who
}

func (s *textSessions) keep(name string, who *speaker) {
	if len(s.speakers) >= maxTransports || s.speakers == nil {
		s.before, s.speakers = s.speakers, map[string]*speaker{}
	}
	s.speakers[name] = who
}

// protocolOf returns the protocol of the system that wrote a line.
func protocolOf(system []byte) string {
	switch {
	case bytes.Contains(system, []byte("elnet")):
		return "telnet"
	case bytes.Contains(system, []byte("SSH")), bytes.Contains(system, []byte("ssh")), bytes.HasPrefix(system, []byte("HoneyPotTransport,")):
		return "ssh"
	}
	return ""
}

// speaker returns who is at the other end of the transport that a system names, or nil
// when it names none.
func (s *textSessions) speaker(system []byte) *speaker {
	if bytes.Equal(system, s.system) && s.system != nil {
		return s.last
	}
	s.last = s.transport(system)
	s.system = append(s.system[:0], system...)
	return s.last
}

// transport reads "… on HoneyPotSSHTransport,7,203.0.113.50".
func (s *textSessions) transport(system []byte) *speaker {
	if at := bytes.LastIndex(system, []byte(" on ")); at >= 0 {
		system = system[at+len(" on "):]
	}
	name, rest, ok := bytes.Cut(system, []byte(","))
	digits, host, two := bytes.Cut(rest, []byte(","))
	number, err := strconv.Atoi(string(digits))
	if !ok || !two || err != nil || number < 0 {
		return nil
	}
	if who := s.find(system); who != nil {
		return who
	}
	address, err := netip.ParseAddr(string(host))
	if err != nil || len(name) == 0 {
		return nil
	}
	who := &speaker{
		protocol: protocolOf(system), address: plainAddress(address.String()),
		connection: string(system[:len(system)-len(host)-1]),
	}
	who.session = s.meet(who, number)
	s.keep(string(system), who)
	return who
}

// meet returns the session of a transport that is met for the first time.
func (s *textSessions) meet(who *speaker, number int) (session string) {
	found := -1
	for i := range s.unmet {
		c := &s.unmet[i]
		if c.address != who.address || c.protocol != who.protocol && c.protocol != "" && who.protocol != "" {
			continue
		}
		if p := s.ports[c.port]; p != nil && p.known && p.number+c.index-p.index == number {
			found = i
			break
		}
		if found < 0 {
			found = i
		}
	}
	if found < 0 {
		return ""
	}
	c := s.unmet[found]
	s.unmet = append(s.unmet[:found], s.unmet[found+1:]...)
	if p := s.ports[c.port]; p != nil {
		p.index, p.number, p.known = c.index, number, true
	}
	return c.session
}

// connected remembers a new connection, whose transport follows.
func (s *textSessions) connected(who speaker, port uint16) {
	key := portKey{who.protocol, port}
	p := s.ports[key]
	if p == nil && len(s.ports) < maxPorts {
		if s.ports == nil {
			s.ports = map[portKey]*portCount{}
		}
		p = &portCount{}
		s.ports[key] = p
	}
	c := connection{speaker: who, port: key}
	if p != nil {
		c.index = p.made
		p.made++
	}
	if len(s.unmet) == maxUnmet {
		s.unmet = append(s.unmet[:0], s.unmet[1:]...)
	}
	s.unmet = append(s.unmet, c)
}

// hostPort splits "203.0.113.50:40000", where IPv6 has no brackets.
func hostPort(text string) (host string, port uint16, ok bool) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(text[at+1:], 10, 16)
	return text[:at], uint16(n), err == nil
}
