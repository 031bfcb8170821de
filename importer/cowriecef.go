package importer

import (
	"bytes"
	"net/netip"
)

// output_textlog can write CEF:
//
//	2025-10-18T01:02:03.100000Z CEF:0|Cowrie|Cowrie|1.0|cowrie.command.input|cowrie.command.input|5|app=SSHv2 destinationServicename=sshd deviceExternalId=hp1 msg=CMD: uname -a src=203.0.113.50 proto=tcp
//
// Cowrie escapes nothing, so what was typed may look like members, and have newlines. But
// its members have a fixed order: what was typed is in msg, and in duser of a login. What is
// before these was written by the sensor, and so was the end of the line.

// cutCEF splits "CEF:0|Cowrie|Cowrie|1.0|eventid|name|severity|members".
func cutCEF(rest []byte) (eventid, members []byte, ok bool) {
	if !bytes.HasPrefix(rest, []byte("CEF:")) {
		return nil, nil, false
	}
	parts := bytes.SplitN(rest, []byte("|"), 8)
	if len(parts) < 8 || string(parts[1]) != "Cowrie" || !bytes.HasPrefix(parts[4], []byte("cowrie.")) {
		return nil, nil, false
	}
	return parts[4], parts[7], true
}

// cefMembers is what a record says of its message.
type cefMembers struct {
	sensor, address, message []byte
}

// maxCEFTried is how many texts of a record that look like the address are tried.
const maxCEFTried = 32

// readCEF reads the members of a record. It is false if they are not as Cowrie writes them,
// or if what was typed was made to look like them in such a way that both can be meant.
func readCEF(eventid, members []byte) (m cefMembers, ok bool) {
	before, rest, ok := bytes.Cut(members, []byte("msg="))
	if !ok || len(before) > 0 && before[len(before)-1] != ' ' {
		return m, false
	}
	m.sensor = cefMember(before, "deviceExternalId")
	login := bytes.HasPrefix(eventid, []byte("cowrie.login."))
	found, tried := 0, 0
	for at := len(rest); at >= 0; {
		if at = bytes.LastIndex(rest[:at], []byte(" src=")); at < 0 {
			break
		}
		message, tail := rest[:at], rest[at+1:]
		address, _, _ := bytes.Cut(tail[len("src="):], []byte(" "))
		if _, err := netip.ParseAddr(string(address)); err != nil {
			continue
		}
		if tried++; tried > maxCEFTried {
			return m, false
		}
		_, more, named := bytes.Cut(tail, []byte(" duser="))
		switch {
		case login && named:
			name, _, closed := cutLast(more, " outcome=")
			if who, ok := bytes.CutPrefix(message, []byte("login attempt [")); !closed || !ok || !bytes.HasPrefix(who, append(bytes.Clone(name), '/')) {
				continue
			}
		case !simpleCEF(tail):
			return m, found == 1
		}
		if found++; found > 1 && login {
			return m, false
		}
		m.message, m.address = message, address
		if !login {
			break
		}
	}
	m.message = unescapedCEF(m.message)
	return m, found == 1
}

// simpleCEF reports whether members, with the protocol among them, have no blanks in their
// values, as no text of an attacker's.
func simpleCEF(tail []byte) bool {
	if proto := cefMember(tail, "proto"); string(proto) != "tcp" && string(proto) != "udp" {
		return false // the line was cut off, perhaps within what was typed
	}
	for part := range bytes.SplitSeq(tail, []byte(" ")) {
		name, _, ok := bytes.Cut(part, []byte("="))
		if !ok || len(name) == 0 || len(name) > 32 {
			return false
		}
	}
	return true
}

// cefMember returns the value of a member among some without blanks.
func cefMember(members []byte, name string) []byte {
	for part := range bytes.SplitSeq(members, []byte(" ")) {
		if value, ok := bytes.CutPrefix(part, []byte(name+"=")); ok {
			return value
		}
	}
	return nil
}

// unescapedCEF is a text without the escapes of CEF, if it must have been escaped: if it has
// no = without a backslash, and an escape that nobody types for another reason.
func unescapedCEF(text []byte) []byte {
	escaped := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '=':
			return text
		case '\\':
			if i++; i == len(text) || bytes.IndexByte([]byte(`\=|nr`), text[i]) < 0 {
				return text
			}
			escaped = escaped || text[i] == '=' || text[i] == '\\'
		}
	}
	if !escaped {
		return text
	}
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			i++
			switch c = text[i]; c {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			}
		}
		plain = append(plain, c)
	}
	return plain
}

// inCEF fills in what a record says. It is false if that cannot be read.
func (p *cowrieTextParser) inCEF(m *message, eventid, members []byte) bool {
	said, ok := readCEF(eventid, members)
	if !ok {
		return false
	}
	m.plain, m.cef, m.text = true, true, said.message
	m.event.DeckyID = string(said.sensor)
	m.event.AttackerIP = plainAddress(string(said.address))
	return true
}
