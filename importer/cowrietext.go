package importer

import (
	"bytes"
	"errors"
	"fmt"
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
// Twisted writes a tab after each newline in a message. So a line that begins with a tab
// continues the record, and whatever an attacker types stays in its record. output_textlog
// writes no tab. A line that does not begin like a record continues the previous one, but
// a typed line that does counts as a record.
var cowrieTextLog = Format{
	Name: "cowrie-text", Title: "Cowrie or Kippo SSH and Telnet honeypot, text log", Version: 2,
	Records: cowrieTextRecords(),
	lines: &lineFormat{
		recognises: isCowrieText,
		continues:  cowrieContinues,
		richer:     "cowrie",
		parser:     func(src *source) recordParser { return &cowrieTextParser{ordinals: ordinals{settings: src.Settings}} },
	},
}

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

// isCowrieText recognises what only Cowrie and Kippo write: a system of theirs, or a
// session with a known message.
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
	if _, _, ok := cutCEF(rest); ok {
		return true
	}
	_, text, ok := cutSession(rest)
	return ok && typeOf(text) != nil
}

// cowrieContinues reports whether a line continues the record before, and with what.
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
			if _, _, cef := cutCEF(rest); cef {
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
	if _, _, ok = cutCEF(rest); !ok {
		_, _, ok = cutSession(rest)
	}
	return line, ok
}

// cutSystem splits "[system] text". If the system has a bracket, its record was cut off,
// and the next record comes after it.
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

// lineClock reads the times at the beginning of lines. It keeps the last second.
type lineClock struct {
	text [len(secondForm)]byte
	at   time.Time
}

const secondForm = "2006-01-02T15:04:05"

// read reads "2025-10-18T01:02:03.100000+0200 ", also with a blank before the hour,
// without a fraction, and with any form of zone or none, which means UTC. whole says that
// there is no fraction.
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

// zone reads the zone at the beginning of a text, and returns its length.
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

// continues takes over the connections and sessions of the previous file, but not the
// counts of equal records: these would differ if this file were read alone.
func (p *cowrieTextParser) continues(from recordParser) {
	if before, ok := from.(*cowrieTextParser); ok {
		p.sessions = before.sessions
	}
}

var (
	errNoLineTime = fmt.Errorf("%w: it does not begin with a time", errForeign)
	errCEF        = errors.New("its members are not as Cowrie writes CEF, or somebody made them ambiguous")
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
	} else if eventid, members, ok := cutCEF(rest); ok {
		if !p.inCEF(&m, eventid, members) {
			return errCEF
		}
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
