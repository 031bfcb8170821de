package importer

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// sysLine is a line of syslog, or an entry of systemd's journal.
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

var rfc5424Line = newExpression(`(?s)^1 (` + isoTime + `) ([^\s{}]+) ([^\s{}]+) (\d{1,10}|-) [^\s{}]+ (?:-|(?:\[[^\s\]"={}]+(?: [^\s\]"={}]+="(?:[^"\\]|\\.)*")*\])+) ?\x{feff}?`)

// maxRFC5424 bounds the header of a line of RFC 5424, with its structured data.
const maxRFC5424 = 16 << 10

var months = map[string]int{"Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6, "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12}

// cutAnySysLine reads a line of syslog or an entry of the journal.
func cutAnySysLine(record []byte) (sysLine, bool) {
	if startsWith(record, '{') {
		return cutJournal(record)
	}
	return cutSysLine(record)
}

// cutSysLine reads the header of a line of syslog.
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

// maxProgram bounds the name of a program, with the process id after it.
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

// isoTime reads an ISO 8601 time with its zone, or seconds since 1970 with a fraction.
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
	m := rfc5424Line.FindSubmatch(line[:min(len(line), maxRFC5424)])
	if m == nil || len(m[2]) > maxHostName || len(m[3]) > maxProgram {
		return l, false
	}
	l.host, l.program, l.pid, l.text = m[2], m[3], m[4], line[len(m[0]):]
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
