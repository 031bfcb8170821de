package importer

import (
	"bytes"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron"
)

// sshdConnection says what the client of a connection did so far.
type sshdConnection struct {
	user  string
	named bool // user was
	tried bool
	at    time.Time
}

type sshdKey struct{ host, of string }

var errForged = errors.New("its user or certificate is named like an address, so it has two")

// The messages of OpenSSH. A user name extends to the last address after it.
var (
	sshdTried  = newExpression(`(?s)^(Failed|Accepted|Postponed) ([A-Za-z0-9/_-]+) for (invalid user |illegal user )?(.*) from (\S+) port (\d{1,5})(?: ssh[12]?)?(?:: ([A-Za-z0-9@.-]+) ((?:SHA256:|MD5:)?[A-Za-z0-9+/=:]+)( ID .*)?)?(?: \[preauth\])?$`)
	sshdForged = newExpression(` from \S+ port \d{1,5} ssh2: `)
	sshdNamed  = newExpression(`(?s)^(?:Invalid|Illegal) user (.*) from (\S+)(?: port (\d{1,5}))?(?: \[preauth\])?$`)
	sshdLeft   = newExpression(`(?s)^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) (?:authenticating|invalid) user (.*) (\S+) port (\d{1,5})(?:: Too many authentication failures)?(?: \[preauth\])?$`)
	sshdEnds   = newExpression(`(?s)^(?:Connection (?:closed|reset) by|Received disconnect from|Disconnected from) ([0-9A-Fa-f.:%a-z]+?)(?: port (\d{1,5}))?(?:: ?\d+: .*)?(?: \[preauth\])?$`)
)

// server reads a message of an SSH server. is reports whether it is an attempt.
func (p *sshdParser) server(e *ttpcron.Event, l *sysLine) (is bool, err error) {
	switch text := l.text; {
	case bytes.HasPrefix(text, []byte("Failed ")) || bytes.HasPrefix(text, []byte("Accepted ")):
		m := cutTried(text)
		if m == nil {
			if m = sshdTried.FindSubmatch(text); m == nil {
				return false, nil
			}
		}
		// The client also chooses a certificate's name, which comes after the address.
		if len(m[9]) > 0 && sshdForged.Match(m[4]) {
			return false, errForged
		}
		key := p.connection(e, l, m[5], m[6])
		if string(m[2]) == "none" {
			p.names(key, m[4], l.at)
			return false, nil
		}
		p.connections.Put(key, sshdConnection{tried: true, at: l.at})
		p.attempt(e, l, m[4], m[5], m[6])
		p.list.truth("success", text[0] == 'A')
		p.list.text("method", string(m[2]))
		p.list.some("key_type", string(m[7]))
		p.list.some("key_fingerprint", string(m[8]))
		return true, nil
	case bytes.HasPrefix(text, []byte("Invalid user ")) || bytes.HasPrefix(text, []byte("Illegal user ")):
		if m := sshdNamed.FindSubmatch(text); m != nil {
			p.names(p.connection(e, l, m[2], m[3]), m[1], l.at)
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
	c := p.known(key, l.at)
	if user == nil && !c.named || c.tried {
		return false, nil
	}
	if user == nil {
		user = []byte(c.user)
	}
	p.connections.Put(key, sshdConnection{tried: true, at: l.at})
	p.attempt(e, l, user, address, port)
	p.list.truth("success", false)
	return true, nil
}

// cutTried does what sshdTried does for the usual message, "Failed password for root from
// 203.0.113.7 port 40000 ssh2", several times as fast. It returns nil for any other.
func cutTried(text []byte) [][]byte {
	rest, ok := bytes.CutSuffix(text, []byte(" ssh2"))
	rest, port, ported := cutLast(rest, " port ")
	rest, address, from := cutLast(rest, " from ")
	how, user, named := bytes.Cut(rest, []byte(" for "))
	outcome, method, one := bytes.Cut(how, []byte(" "))
	if !ok || !ported || !from || !named || !one || len(method) == 0 || !isDigits(port) || len(port) > 5 || len(address) == 0 || bytes.ContainsAny(address, " \t\r\n\f\v") {
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

// connection identifies a connection by the server's process, or else by the client's port.
func (p *sshdParser) connection(e *ttpcron.Event, l *sysLine, address, port []byte) sshdKey {
	if len(l.pid) > 0 {
		return sshdKey{e.DeckyID, string(l.pid) + " " + string(address)}
	}
	return sshdKey{e.DeckyID, string(address) + " " + string(port)}
}

// known returns what is known of a connection. Processes and ports are used again, so it is
// forgotten after a while.
func (p *sshdParser) known(key sshdKey, now time.Time) sshdConnection {
	if c, ok := p.connections.Get(key); ok && isRecalled(c.at, now) {
		return c
	}
	return sshdConnection{}
}

// names remembers which user a client named, until it tries something or leaves.
func (p *sshdParser) names(key sshdKey, user []byte, now time.Time) {
	if !p.known(key, now).tried {
		p.connections.Put(key, sshdConnection{user: clip(string(user), maxAuditMore), named: true, at: now})
	}
}

// attempt fills in the fields that all attempts have.
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
