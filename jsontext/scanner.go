package jsontext

import (
	"encoding/binary"
	"math/bits"
)

// Scanner walks over a JSON text from its beginning to its end. Like
// [encoding/json] it accepts strings that are not valid UTF-8. Members come in
// the order of the text, also those whose name another one has.
//
//	s.Reset(text)
//	for s.Object(); s.Member(); {
//		switch string(s.Name()) {
//		case "command":
//			command = s.Value()
//		}
//	}
//	err := s.End()
//
// A value that is not taken is walked over. Before End has returned nil nothing
// is known of what lies behind what was taken.
type Scanner struct {
	// MaxDepth is how deep arrays and objects may nest; 0 stands for [MaxDepth].
	MaxDepth int

	text  []byte
	i     int
	depth int
	at    place
	err   error // the first one; i is then len(text)

	name    Value
	decoded []byte // room for a name with escapes
}

// place says what comes at text[i].
type place uint8

const (
	behind place = iota // what may follow a value
	before              // a value
	inside              // the first member or element, or the bracket that closes
)

// Reset makes the scanner walk over a text. What [Scanner.Name] gave is no longer
// valid.
func (s *Scanner) Reset(text []byte) {
	s.text, s.i, s.depth, s.at, s.err, s.name = text, 0, 0, before, nil, Value{}
	s.space()
}

// Kind returns the first byte of the value that comes next, or 0 where none does.
func (s *Scanner) Kind() byte {
	if s.at != before || s.i >= len(s.text) {
		return 0
	}
	return s.text[s.i]
}

// Value walks over the next value and returns it. It returns the zero Value when
// there is none, which End explains.
func (s *Scanner) Value() Value {
	start, escaped := s.i, false
	if s.Kind() == '"' {
		escaped = s.string()
	} else {
		s.skip()
	}
	if s.err != nil {
		return Value{}
	}
	return Value{raw: s.text[start:s.i:s.i], escaped: escaped}
}

// Object goes into the object that comes next; anything else is ErrNotObject.
// What follows are calls of Member.
func (s *Scanner) Object() { s.open('{', ErrNotObject) }

// Array goes into the array that comes next; anything else is ErrNotArray. What
// follows are calls of Element.
func (s *Scanner) Array() { s.open('[', ErrNotArray) }

func (s *Scanner) open(bracket byte, otherwise error) {
	if s.Kind() != bracket {
		if s.skip(); s.err == nil {
			s.fail(otherwise)
		}
		return
	}
	limit := s.MaxDepth
	if limit == 0 {
		limit = MaxDepth
	}
	if s.depth >= limit {
		s.fail(&DepthError{limit})
		return
	}
	s.depth++
	s.i++
	s.at = inside
}

// Member goes to the next member of an object, past the value of the last one.
// It returns false behind the object.
func (s *Scanner) Member() bool {
	if !s.next('}') {
		return false
	}
	start := s.i
	if start >= len(s.text) || s.text[start] != '"' {
		s.malformed()
		return false
	}
	escaped := s.string()
	if s.err != nil {
		return false
	}
	s.name = Value{raw: s.text[start:s.i:s.i], escaped: escaped}
	if s.i < len(s.text) && s.text[s.i] != ':' {
		s.space()
	}
	if s.i >= len(s.text) || s.text[s.i] != ':' {
		s.malformed()
		return false
	}
	s.i++
	s.space()
	s.at = before
	return true
}

// Name returns the decoded name of the member whose value comes next. What it
// returned is valid until its next call.
func (s *Scanner) Name() []byte {
	if !s.name.escaped {
		return s.name.inside()
	}
	s.decoded = s.name.AppendText(s.decoded[:0])
	return s.decoded
}

// Element goes to the next element of an array, past the last one. It returns
// false behind the array.
func (s *Scanner) Element() bool {
	if !s.next(']') {
		return false
	}
	s.at = before
	return true
}

// End returns nil when the text is one JSON value with nothing but white space
// around it, and all of it was what it was taken for. It is called behind the
// outermost value, or before it, to walk over it.
func (s *Scanner) End() error {
	if s.at == before && s.err == nil {
		s.skip()
	}
	s.space()
	if s.i != len(s.text) || s.depth != 0 && s.err == nil {
		s.malformed()
	}
	return s.err
}

// fail keeps the first error. What follows it is at the end of the text.
func (s *Scanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.i, s.at = len(s.text), behind
}

// malformed fails at the byte that comes next.
func (s *Scanner) malformed() {
	if s.i >= len(s.text) {
		s.fail(ErrEnd)
		return
	}
	s.fail(&SyntaxError{s.i + 1})
}

func (s *Scanner) space() {
	for s.i < len(s.text) {
		switch s.text[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// next walks over a value that was not taken, and then over the comma before the
// next member or element, or over the bracket that closes.
func (s *Scanner) next(closing byte) bool {
	if s.at == before {
		s.skip()
	}
	if s.i < len(s.text) && s.text[s.i] <= ' ' {
		s.space()
	}
	if s.i >= len(s.text) {
		s.fail(ErrEnd)
		return false
	}
	c, first := s.text[s.i], s.at == inside
	s.at = behind
	switch {
	case c == closing:
		s.i++
		s.depth--
		return false
	case first:
		return true
	case c != ',':
		s.malformed()
		return false
	}
	s.i++
	s.space()
	return true
}

// skip walks over one value. Its recursion ends at the greatest depth.
func (s *Scanner) skip() {
	switch s.Kind() {
	case '"':
		s.string()
	case '{':
		for s.Object(); s.Member(); {
		}
	case '[':
		for s.Array(); s.Element(); {
		}
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		s.number()
	}
}

func (s *Scanner) word(w string) {
	s.at = behind
	for k := 0; k < len(w); k++ {
		if s.i >= len(s.text) || s.text[s.i] != w[k] {
			s.malformed()
			return
		}
		s.i++
	}
}

func (s *Scanner) number() {
	s.at = behind
	s.one('-')
	if !s.one('0') && !s.digits() {
		s.malformed()
		return
	}
	if s.one('.') && !s.digits() {
		s.malformed()
		return
	}
	if s.one('e') || s.one('E') {
		if !s.one('+') {
			s.one('-')
		}
		if !s.digits() {
			s.malformed()
		}
	}
}

// one walks over the byte c, if it comes next.
func (s *Scanner) one(c byte) bool {
	if s.i < len(s.text) && s.text[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *Scanner) digits() bool {
	start := s.i
	for s.i < len(s.text) && s.text[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i > start
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// string walks over a string, eight bytes at a time ("Bit Twiddling Hacks",
// S. E. Anderson, on finding a byte in a word), and reports whether it holds a
// backslash.
func (s *Scanner) string() (escaped bool) {
	b, i := s.text, s.i+1
	s.at = behind
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			quote, slash := w^ones*'"', w^ones*'\\'
			// The lowest bit set marks the first byte that is a control
			// character, a quote or a backslash.
			hit := (w - ones*0x20) &^ w
			hit |= (quote - ones) &^ quote
			hit |= (slash - ones) &^ slash
			if hit &= highs; hit != 0 {
				i += bits.TrailingZeros64(hit) / 8
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
		}
		s.i = i
		if i >= len(b) {
			s.fail(ErrEnd)
			return false
		}
		switch b[i] {
		case '"':
			s.i = i + 1
			return escaped
		case '\\':
			escaped = true
			if n := escapeLen(b[i:]); n > 0 {
				i += n
				continue
			}
		}
		s.fail(&SyntaxError{i + 1})
		return false
	}
}

// escapeLen returns the length of the escape sequence that b begins with, or 0.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if c-'0' > 9 && (c|0x20)-'a' > 5 {
				return 0
			}
		}
		return 6
	}
	return 0
}
