package jsontext

import (
	"encoding/binary"
	"math/bits"
)

// Scanner reads a JSON text from beginning to end. Like [encoding/json] it accepts
// strings that are not valid UTF-8. It returns members in the order of the text,
// including those that share a name.
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
// Values that the caller does not take are checked and skipped. Until End returns
// nil, the text after the last value taken may still turn out to be malformed.
type Scanner struct {
	// MaxDepth is how deep arrays and objects may nest; 0 means [MaxDepth].
	MaxDepth int

	text  []byte
	i     int
	depth int
	at    place
	err   error // the first one; i is then len(text)

	// The last member's name with its quotes, as text[nameStart:nameEnd].
	nameStart, nameEnd int
	nameEscaped        bool
	decoded            []byte // room for a name with escapes
}

// place says what comes at text[i].
type place uint8

const (
	behind place = iota // what may follow a value
	before              // a value
	inside              // the first member or element, or the bracket that closes
)

// Reset makes the scanner read text, keeping MaxDepth. It invalidates what
// [Scanner.Name] returned.
func (s *Scanner) Reset(text []byte) {
	s.text, s.i, s.depth, s.at, s.err = text, 0, 0, before, nil
	s.nameStart, s.nameEnd, s.nameEscaped = 0, 0, false
	s.space()
}

// Kind returns the first byte of the next value, or 0 if no value comes next.
func (s *Scanner) Kind() byte {
	if s.at != before || s.i >= len(s.text) {
		return 0
	}
	return s.text[s.i]
}

// Value reads the next value. It returns the zero Value if there is none or it is
// malformed; End then says why.
func (s *Scanner) Value() Value {
	start := s.i
	if s.Kind() == '"' {
		if end, escaped := stringEnd(s.text, start); end > 0 {
			s.i, s.at = end, behind
			return Value{raw: s.text[start:end:end], escaped: escaped}
		}
	}
	s.skip()
	if s.err != nil {
		return Value{}
	}
	return Value{raw: s.text[start:s.i:s.i]}
}

// Object enters the next value, which must be an object; any other value makes End
// return [ErrNotObject]. Call Member next.
func (s *Scanner) Object() { s.open('{', ErrNotObject) }

// Array enters the next value, which must be an array; any other value makes End
// return [ErrNotArray]. Call Element next.
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

// Member advances to the next member of the object that was entered, skipping the
// value of the last one if it was not taken. It returns false at the end of the
// object, and on an error.
func (s *Scanner) Member() bool {
	if s.at == before {
		s.skip()
	}
	i := s.i
	if s.at == behind && i+1 < len(s.text) && s.text[i] == ',' && s.text[i+1] == '"' {
		i++ // as most programs write it
	} else if !s.next('}') {
		return false
	} else if i = s.i; i >= len(s.text) || s.text[i] != '"' {
		s.malformed()
		return false
	}
	end, escaped := stringEnd(s.text, i)
	if end <= 0 {
		s.i = i
		s.badString()
		return false
	}
	s.nameStart, s.nameEnd, s.nameEscaped = i, end, escaped
	s.i = end
	if end >= len(s.text) || s.text[end] != ':' {
		s.space()
		if !s.one(':') {
			s.malformed()
			return false
		}
	} else {
		s.i++
	}
	s.at = before
	if s.i < len(s.text) && s.text[s.i] <= ' ' {
		s.space()
	}
	return true
}

// Name returns the decoded name of the member whose value comes next. The slice is
// valid until the next call of Name.
func (s *Scanner) Name() []byte {
	if s.nameEnd == 0 {
		return nil
	}
	inside := s.text[s.nameStart+1 : s.nameEnd-1]
	if !s.nameEscaped {
		return inside
	}
	s.decoded = appendUnescaped(s.decoded[:0], inside)
	return s.decoded
}

// Element advances to the next element of the array that was entered, skipping the
// last one if it was not taken. It returns false at the end of the array, and on
// an error.
func (s *Scanner) Element() bool {
	if s.at == before {
		s.skip()
	}
	if !s.next(']') {
		return false
	}
	s.at = before
	return true
}

// End returns the first error, or nil if the text is one JSON value with nothing
// but white space around it. Call it when the outermost value has been read; if it
// has not been entered, End checks all of it.
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

// fail keeps the first error and goes to the end of the text, where nothing else
// can be read.
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

// next reads the comma before the next member or element, or the closing bracket.
func (s *Scanner) next(closing byte) bool {
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

// skip reads one value. The limit of depth bounds its recursion.
func (s *Scanner) skip() {
	switch s.Kind() {
	case '"':
		end, _ := stringEnd(s.text, s.i)
		if end <= 0 {
			s.badString()
			return
		}
		s.i, s.at = end, behind
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

// one reads the byte c, if it comes next.
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

// badString fails within the string that comes next.
func (s *Scanner) badString() {
	end, _ := stringEnd(s.text, s.i)
	s.i = -end
	s.malformed()
}

// stringEnd returns the index after the string that begins at b[i], and whether it
// contains a backslash. If the string is malformed or unfinished, end is the
// negated index of the first wrong byte. It reads eight bytes at a time ("Bit
// Twiddling Hacks", S. E. Anderson, on finding a byte in a word).
func stringEnd(b []byte, i int) (end int, escaped bool) {
	i++
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
		if i >= len(b) {
			return -i, false
		}
		switch b[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			escaped = true
			if n := escapeLen(b[i:]); n > 0 {
				i += n
				continue
			}
		}
		return -i, false
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
