package importer

import (
	"strconv"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Programs in Python that print a dictionary instead of writing JSON leave lines such as
// {'action': 'login', 'username': None}. Such a line is read as the JSON that it would be:
// strings, numbers, True, False, None, lists, tuples and dictionaries. The bytes of b'…' become
// the characters with their numbers.

// pythonText is the last line that Python printed, as JSON.
type pythonText []byte

// json returns the JSON of a line that Python printed, until the next call, or the line itself.
func (t *pythonText) json(line []byte) []byte {
	if !isPython(line) {
		return line
	}
	json, ok := appendPython((*t)[:0], line)
	if *t = json; !ok {
		return line
	}
	return json
}

// isPython reports whether a text begins like a dictionary that Python printed. JSON has no
// single quotes.
func isPython(text []byte) bool {
	return len(text) > 1 && text[0] == '{' && text[1] == '\''
}

// appendPython appends a dictionary that Python printed as JSON, and returns false if the text
// is not all of one.
func appendPython(dst, text []byte) ([]byte, bool) {
	p := python{text: text, out: dst}
	ok := p.value(0)
	p.space()
	return p.out, ok && p.at == len(text)
}

type python struct {
	text []byte
	at   int
	out  []byte
}

func (p *python) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *python) space() {
	for c := p.peek(); c == ' ' || c == '\t'; c = p.peek() {
		p.at++
	}
}

// word takes a word of Python, and puts out that of JSON.
func (p *python) word(word, json string) bool {
	if end := p.at + len(word); end <= len(p.text) && string(p.text[p.at:end]) == word {
		p.at, p.out = end, append(p.out, json...)
		return true
	}
	return false
}

func (p *python) value(depth int) bool {
	if depth > maxDepth {
		return false
	}
	p.space()
	switch c := p.peek(); {
	case c == '{':
		return p.list('{', '}', "{", "}", depth)
	case c == '[':
		return p.list('[', ']', "[", "]", depth)
	case c == '(':
		return p.list('(', ')', "[", "]", depth)
	case c == '\'' || c == '"':
		return p.str()
	case c == 'b' && p.at+1 < len(p.text) && (p.text[p.at+1] == '\'' || p.text[p.at+1] == '"'):
		p.at++
		return p.str()
	case c == 'T':
		return p.word("True", "true")
	case c == 'F':
		return p.word("False", "false")
	case c == 'N':
		return p.word("None", "null")
	}
	return p.number()
}

// list takes a list, a tuple or, in braces, a dictionary.
func (p *python) list(opening, closing byte, open, shut string, depth int) bool {
	p.at++
	p.out = append(p.out, open...)
	for n := 0; ; n++ {
		p.space()
		if p.peek() == closing {
			break
		}
		if n > 0 {
			p.out = append(p.out, ',')
		}
		if opening == '{' {
			if c := p.peek(); c != '\'' && c != '"' || !p.str() {
				return false
			}
			if p.space(); p.peek() != ':' {
				return false
			}
			p.at++
			p.out = append(p.out, ':')
		}
		if !p.value(depth + 1) {
			return false
		}
		if p.space(); p.peek() == ',' {
			p.at++
		} else if p.peek() != closing {
			return false
		}
	}
	p.at++
	p.out = append(p.out, shut...)
	return true
}

// number takes a number that JSON can have.
func (p *python) number() bool {
	from := p.at
	for c := p.peek(); c == '-' || c == '+' || c == '.' || c == 'e' || c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	text := p.text[from:p.at]
	if len(text) == 0 || len(text) > 40 {
		return false
	}
	if jsontext.Check(text) != nil {
		return false
	}
	p.out = append(p.out, text...)
	return true
}

// str takes a string.
func (p *python) str() bool {
	quote := p.peek()
	p.at++
	p.out = append(p.out, '"')
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == quote:
			p.out = append(p.out, '"')
			return true
		case c == '\\':
			if !p.escape() {
				return false
			}
		case c == '"':
			p.out = append(p.out, `\"`...)
		case c < ' ':
			p.unit(int(c))
		default:
			p.out = append(p.out, c)
		}
	}
	return false
}

func (p *python) escape() bool {
	c := p.peek()
	p.at++
	switch c {
	case '\\', '"':
		p.out = append(p.out, '\\', c)
	case '\'':
		p.out = append(p.out, c)
	case 'n', 'r', 't':
		p.out = append(p.out, '\\', c)
	case 'x':
		return p.hex(2)
	case 'u':
		return p.hex(4)
	case 'U':
		return p.hex(8)
	default:
		return false
	}
	return true
}

// hex takes the digits of an escape.
func (p *python) hex(digits int) bool {
	if p.at+digits > len(p.text) {
		return false
	}
	n, err := strconv.ParseUint(string(p.text[p.at:p.at+digits]), 16, 32)
	if err != nil || n > utf8.MaxRune {
		return false
	}
	p.at += digits
	if n <= 0xffff {
		p.unit(int(n))
	} else {
		p.out = utf8.AppendRune(p.out, rune(n))
	}
	return true
}

// unit puts out a unit of UTF-16 as an escape.
func (p *python) unit(n int) {
	const digits = "0123456789abcdef"
	p.out = append(p.out, '\\', 'u', digits[n>>12&15], digits[n>>8&15], digits[n>>4&15], digits[n&15])
}
