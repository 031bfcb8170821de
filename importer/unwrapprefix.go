package importer

import (
	"bytes"
)

// A prefix is what programs that carry logs put before a line. A record is read only if it
// begins right after a complete prefix, because anything later in a line may be what an
// attacker typed.
type prefix struct {
	name string
	at   *expression
}

const (
	isoTime  = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)`
	bsdTime  = `(?:\d{4} )?[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4})?`
	fullTime = `[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? [A-Z]{2,5}`
	upTime   = `\[ *\d{1,12}\.\d{6}\]|\d{9,11}\.\d{6}`
	// sender is a host and a program. Cowrie's own text log has a session in place of the
	// host, and "CMD:" before what the attacker typed.
	sender = `[^\s{}\[\]"]+ ([^\s:{}\[\]"]+)(?:\[\d{1,10}\])?: ?`
	colour = `(?:\x1b\[[\d;]{0,16}m)*`
)

var prefixes = []prefix{
	{"CRI", newExpression(`^` + isoTime + ` (stdout|stderr) ([PF])(?::[A-Za-z:]*)? `)},
	{"fluentd", newExpression(`^` + isoTime + `\t[^\t\s{}]+\t`)},
	{"OpenCanary", newExpression(`^(?:<\d{1,3}>)?(?:(?:` + bsdTime + `|` + isoTime + `) (?:[^\s{}\[\]"]+ )?)?opencanaryd\[[\d :]{1,40}\]: [^\s{}\[\]"]{1,255} [A-Z]{1,16} {1,4}`)},
	{"RFC 5424", newExpression(`^(?:\d{1,7} )?<\d{1,3}>1 (?:` + isoTime + `|-) [^\s{}]+ [^\s{}]+ [^\s{}]+ [^\s{}]+ (?:-|(?:\[[^\s\]"={}]+(?: [^\s\]"={}]+="(?:[^"\\]|\\.)*")*\])+) \x{feff}?`)},
	{"syslog", newExpression(`^(?:\d{1,7} )?(?:<\d{1,3}>)?(?:` + bsdTime + `|` + isoTime + `|` + fullTime + `|` + upTime + `) ` + sender)},
	{"syslog", newExpression(`^(?:\d{1,7} )?<\d{1,3}>(?:(?:` + bsdTime + `|` + isoTime + `) (?:[^\s{}\[\]"]+ )?)?`)},
	{"kubectl", newExpression(`^\[pod/[^\s\]{}]+\] `)},
	{"compose", newExpression(`^` + colour + `[A-Za-z0-9][\w.@-]* *` + colour + `\| ?` + colour)},
	{"timestamp", newExpression(`^` + isoTime + ` `)},
}

// maxPrefixes bounds how many prefixes stand one behind another.
const maxPrefixes = 3

// carried is a line without what was put before it.
type carried struct {
	text    []byte
	names   [maxPrefixes]int // of the prefixes, as their index and 1
	n       int
	stream  string // that a container wrote to
	partial bool   // the next line of the stream goes on where this one ends
}

// carry takes the prefixes off a line up to a record, first those that the last line had.
func carry(text []byte, last *carried) carried { return carryMost(text, last, maxPrefixes) }

// carryMost takes at most so many prefixes off a line: a text log has times of its own.
func carryMost(text []byte, last *carried, most int) (c carried) {
	c.text = text
	for c.n < most {
		c.text = trimColour(c.text)
		if len(c.text) == 0 || c.text[0] == '{' {
			break
		}
		found := 0
		if want := last.names[c.n]; want > 0 && c.take(want-1) {
			found = want
		}
		for i := 0; found == 0 && i < len(prefixes); i++ {
			if c.take(i) {
				found = i + 1
			}
		}
		if found == 0 {
			break
		}
		c.names[c.n] = found
		c.n++
		if c.stream == "" && len(c.text) == journalChunk {
			c.stream, c.partial = journalStream, true
		}
	}
	return c
}

func trimColour(text []byte) []byte {
	for len(text) > 2 && text[0] == 0x1b && text[1] == '[' {
		n := bytes.IndexByte(text[:min(len(text), 20)], 'm')
		if n < 0 {
			break
		}
		text = text[n+1:]
	}
	return text
}

// maxPrefix bounds how much of a line is looked at for each prefix.
const maxPrefix = 20 << 10

func (c *carried) take(i int) bool {
	at := prefixes[i].at.FindSubmatchIndex(c.text[:min(len(c.text), maxPrefix)])
	if at == nil {
		return false
	}
	group := func(n int) []byte { return c.text[at[2*n]:at[2*n+1]] }
	switch prefixes[i].name {
	case "CRI":
		c.stream, c.partial = string(group(1)), group(2)[0] == 'P'
	case "syslog":
		if len(at) > 2 && string(group(1)) == "CMD" {
			return false
		}
	}
	c.text = c.text[at[1]:]
	return true
}
