package importer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// The access log of Apache, nginx, lighttpd and others, in the common and the combined format, with
// or without the virtual host before it:
//
//	203.0.113.7 - - [27/Nov/2026:13:51:56 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0"
//
// A quotation mark that a client sent is escaped, so the request ends at the first one that
// is not.
var accessLog = Format{
	Name: "access", Title: "the access log of a web server (common and combined form)", Version: 2,
	Records: []RecordType{{Name: "request", Kinds: []ttpcron.SourceKind{ttpcron.HTTPRequest}}},
	lines: &lineFormat{
		recognises: func(line []byte) bool {
			_, ok := cutAccess(line)
			return ok
		},
		continues: oneLine,
		parser:    newAccessParser,
	},
}

// accessLine is the part of a line before the request.
type accessLine struct {
	host, from, user, time []byte
	rest                   []byte // from the request on
}

// cutAccess reads the part before the request. The client chooses the user, which may contain
// spaces. A host name counts as an address only if "-" follows it, so the prefix of a syslog
// daemon or a container is not taken for one.
//
// The virtual host may be an address, too: that of the server, or any other that a client wrote into
// the Host header. Of two addresses, the first is the host if the "-" of identd follows the
// second: only a line that begins with the virtual host has it there.
func cutAccess(line []byte) (l accessLine, ok bool) {
	from, rest, one := bytes.Cut(line, []byte(" "))
	ident, rest, two := bytes.Cut(rest, []byte(" "))
	if !one || !two || !isAccessName(from) || !isAccessName(ident) {
		return l, false
	}
	l.from = from
	for at := 0; ; {
		n := bytes.Index(rest[at:], []byte(`] "`))
		if n < 0 {
			return l, false
		}
		at += n
		if begin := at - len(accessTime); begin > 2 && string(rest[begin-2:begin]) == " [" && isAccessTime(rest[begin:at]) {
			l.user, l.time, l.rest = rest[:begin-2], rest[begin:at], rest[at+len(`] "`):]
			break
		}
		at++
	}
	name, port, ported := bytes.Cut(l.from, []byte(":"))
	named := !ported || isDigits(port)
	switch {
	case isPlainAddress(l.from) && !(isPlainAddress(ident) && bytes.HasPrefix(l.user, []byte("- "))):
		if string(ident) != "-" { // lighttpd writes the host where others write what identd says
			l.host = ident
		}
	case named && isPlainAddress(ident): // the virtual host comes first
		l.host, l.from = name, ident
		if _, user, ok := bytes.Cut(l.user, []byte(" ")); ok { // behind what identd says
			l.user = user
		}
	default:
		return l, (named || bytes.HasPrefix(l.from, []byte("unix:"))) && string(ident) == "-"
	}
	return l, true
}

func isAccessName(text []byte) bool {
	return len(text) > 0 && len(text) <= maxHostName && !bytes.ContainsAny(text, "\"{}<>|[]\t\r\n\f\v")
}

// isAccessTime reports whether a text looks like "27/Nov/2026:13:51:56 +0000".
func isAccessTime(text []byte) bool {
	return text[2] == '/' && text[6] == '/' && text[11] == ':' && text[14] == ':' && text[17] == ':' && text[20] == ' ' && (text[21] == '+' || text[21] == '-') &&
		isDigits(text[:2]) && isDigits(text[7:11]) && isDigits(text[22:])
}

const accessTime = "02/Jan/2006:15:04:05 -0700"

type accessParser struct {
	host     string
	ordinals ordinals
	list     fieldList
	last     string // the last time, and what it means
	at       time.Time
	leftover
}

// recall numbers the last records of the file before: equal ones may follow in this file.
func (p *accessParser) recall(first []byte) {
	last, now := p.last, p.at
	p.leftover.recall(first, now, recalled, func(record []byte) (time.Time, bool) {
		l, ok := cutAccess(record)
		t, err := time.Parse(accessTime, string(l.time))
		return t, ok && err == nil
	}, p.parse)
	p.last, p.at = last, now
}

func newAccessParser(src *source) recordParser {
	return &accessParser{host: src.Host, ordinals: ordinals{settings: src.Settings}}
}

var (
	errNoAccess = fmt.Errorf("%w: it does not begin with an address and a time", errForeign)
	errNoQuote  = errors.New("the request does not end")
	errNoStatus = errors.New("no status follows the request")
)

func (p *accessParser) parse(record []byte, to *parsed) error {
	l, ok := cutAccess(record)
	if !ok {
		return errNoAccess
	}
	if s := string(l.time); s != p.last {
		t, err := time.Parse(accessTime, s)
		if err != nil || !usable(t) {
			return fmt.Errorf("%q is not a time", s)
		}
		p.last, p.at = s, t.UTC()
		if p.records != nil {
			p.recall(record)
		}
	}
	request, rest, ok := cutQuoted(l.rest)
	if !ok {
		return errNoQuote
	}
	status, rest := cutWord(rest)
	if len(status) != 3 && string(status) != "-" && string(status) != "0" || len(status) == 3 && !isDigits(status) {
		return errNoStatus
	}
	size := []byte(nil)
	if word, behind := cutWord(rest); isDigits(word) || string(word) == "-" {
		size, rest = word, behind
	}
	e := ttpcron.Event{Kind: ttpcron.HTTPRequest, Time: p.at, DeckyID: p.host}
	if p.host != "" {
		e.Vantage = ttpcron.VantageHost
	}
	p.list = p.list[:0]
	switch from := string(l.from); {
	case isPlainAddress(l.from):
		e.AttackerIP = plainAddress(from)
	case from != "-" && !strings.HasPrefix(from, "unix:"):
		p.list.text("src_host", from)
	}
	if string(l.user) != "-" {
		p.list.some("username", unescapeAccess(l.user))
	}
	p.list.some("host", string(l.host))
	p.request(unescapeAccess(request))
	if len(status) == 3 {
		p.list.number("status", string(status))
	}
	p.list.number("response_size", string(size))
	for _, name := range [...]string{"referer", "user_agent", "forwarded_for"} {
		text, behind, ok := cutQuoted(bytes.TrimPrefix(bytes.TrimLeft(rest, " "), []byte{'"'}))
		if !ok || !startsWith(bytes.TrimLeft(rest, " "), '"') {
			break
		}
		if rest = behind; string(text) != "-" {
			p.list.some(name, unescapeAccess(text))
		}
	}
	e.NameNobody()
	e.Payload = p.list.payload(to.arena)
	p.ordinals.number(&e)
	to.add(&e)
	return nil
}

func isPlainAddress(text []byte) bool {
	_, err := netip.ParseAddr(string(text))
	return err == nil
}

// request reads "GET / HTTP/1.1". Text that is not a request is kept as raw_url, so that rules
// see it.
func (p *accessParser) request(text string) {
	if text == "-" || text == "" {
		return
	}
	rest := text
	protocol := ""
	if i := strings.LastIndex(text, " "); i >= 0 && strings.HasPrefix(text[i+1:], "HTTP/") {
		rest, protocol = text[:i], text[i+1:]
	}
	method, url, ok := strings.Cut(rest, " ")
	if !ok || !isToken(method) || protocol == "" && !strings.HasPrefix(url, "/") {
		p.list.text("raw_url", text)
		return
	}
	p.list.text("method", method)
	p.list.some("protocol", protocol)
	p.list.text("raw_url", url)
}

// isToken reports whether a text can be a method.
func isToken(text string) bool {
	for _, c := range []byte(text) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if c != '-' && c != '_' {
				return false
			}
		}
	}
	return text != "" && len(text) <= 32
}

// cutWord splits " 200 1" after its first word.
func cutWord(text []byte) (word, rest []byte) {
	if !startsWith(text, ' ') {
		return nil, text
	}
	if n := bytes.IndexByte(text[1:], ' '); n >= 0 {
		return text[1 : n+1], text[n+1:]
	}
	return text[1:], nil
}

// cutQuoted splits the text after a quotation mark at the closing one.
func cutQuoted(text []byte) (quoted, rest []byte, ok bool) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[:i], text[i+1:], true
		}
	}
	return nil, nil, false
}

// unescapeAccess undoes the escapes of Apache and nginx: \" \\ \n \x16.
func unescapeAccess(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text)
	}
	const escapes, means = `"\nrtbvfe`, "\"\\\n\r\t\b\v\f\x1b"
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			if text[i+1] == 'x' && i+4 <= len(text) {
				var one [1]byte
				if _, err := hex.Decode(one[:], text[i+2:i+4]); err == nil {
					out = append(out, one[0])
					i += 3
					continue
				}
			}
			if n := strings.IndexByte(escapes, text[i+1]); n >= 0 {
				out = append(out, means[n])
				i++
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}
