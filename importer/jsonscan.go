package importer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/ttpcron/ttpcron"
)

// maxDepth bounds how deep arrays and objects may nest. Honeypots write four
// levels at most.
const maxDepth = 128

var (
	errJSONEnd   = errors.New("JSON ends too early")
	errJSONDepth = fmt.Errorf("JSON is nested deeper than %d", maxDepth)
	errNoObject  = errors.New("not a JSON object")
)

// jsonError says which byte of a text, from 1, is not as RFC 8259 wants it.
type jsonError struct{ at int }

func (e *jsonError) Error() string { return fmt.Sprintf("malformed JSON at byte %d", e.at) }

// value is a JSON value within a line that has been checked.
type value struct {
	raw     []byte // with the quotes of a string; nil when the member is missing
	escaped bool   // a string that holds a backslash
}

func (v value) isString() bool { return len(v.raw) > 0 && v.raw[0] == '"' }
func (v value) isObject() bool { return len(v.raw) > 0 && v.raw[0] == '{' }
func (v value) isNull() bool   { return v.raw == nil || v.raw[0] == 'n' }

// text decodes a string as [ttpcron.DecodeJSONString] does; it is false for
// anything else.
func (v value) text(a *arena) (string, bool) {
	if !v.isString() {
		return "", false
	}
	if !v.escaped {
		return a.string(v.raw[1 : len(v.raw)-1]), true
	}
	s, err := ttpcron.DecodeJSONString(v.raw)
	return s, err == nil
}

// scanner checks JSON against RFC 8259 while it walks over it once, without
// building anything. Like encoding/json it accepts strings that are not valid
// UTF-8. It never looks past its text and its recursion is bounded.
type scanner struct {
	b []byte
	i int
}

// object checks that line is one JSON object with nothing but white space around
// it, and calls member for each of its members. Of members with one name the
// last counts, which callers get by overwriting. The name is decoded.
func scanObject(line []byte, member func(name []byte, v value)) error {
	s := scanner{b: line}
	s.space()
	if s.i == len(line) || line[s.i] != '{' {
		if err := s.value(0); err != nil {
			return err
		}
		return errNoObject
	}
	if err := s.object(0, member); err != nil {
		return err
	}
	return s.end()
}

// scanArray checks that text is one JSON array and calls element for each of
// its elements once all of it has been checked.
func scanArray(text []byte, element func(v value) bool) error {
	s := scanner{b: text}
	s.space()
	start := s.i
	if err := s.value(0); err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	if text[start] != '[' {
		return errors.New("not a JSON list")
	}
	s.i = start
	return s.array(0, element)
}

// checkJSON reports whether text is one JSON value.
func checkJSON(text []byte) error {
	s := scanner{b: text}
	s.space()
	if err := s.value(0); err != nil {
		return err
	}
	return s.end()
}

func (s *scanner) end() error {
	s.space()
	if s.i != len(s.b) {
		return s.fail()
	}
	return nil
}

func (s *scanner) fail() error {
	if s.i >= len(s.b) {
		return errJSONEnd
	}
	return &jsonError{s.i + 1}
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// value walks over one value that begins at s.i.
func (s *scanner) value(depth int) error {
	if s.i >= len(s.b) {
		return errJSONEnd
	}
	switch c := s.b[s.i]; c {
	case '"':
		_, err := s.string()
		return err
	case '{':
		return s.object(depth, nil)
	case '[':
		return s.array(depth, nil)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *scanner) word(w string) error {
	for k := 0; k < len(w); k++ {
		if s.i >= len(s.b) || s.b[s.i] != w[k] {
			return s.fail()
		}
		s.i++
	}
	return nil
}

func (s *scanner) number() error {
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if !s.digits() {
		return s.fail()
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !s.digits() {
			return s.fail()
		}
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if !s.digits() {
			return s.fail()
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i > start
}

// object walks over an object, calling member, which may be nil, for each of
// its members.
func (s *scanner) object(depth int, member func(name []byte, v value)) error {
	if depth >= maxDepth {
		return errJSONDepth
	}
	s.i++
	s.space()
	if s.i < len(s.b) && s.b[s.i] == '}' {
		s.i++
		return nil
	}
	for {
		if s.i >= len(s.b) || s.b[s.i] != '"' {
			return s.fail()
		}
		keyStart := s.i
		escapedKey, err := s.string()
		if err != nil {
			return err
		}
		key := s.b[keyStart:s.i]
		if s.i < len(s.b) && s.b[s.i] != ':' {
			s.space()
		}
		if s.i >= len(s.b) || s.b[s.i] != ':' {
			return s.fail()
		}
		s.i++
		s.space()
		start, escaped := s.i, false
		if s.i < len(s.b) && s.b[s.i] == '"' {
			escaped, err = s.string()
		} else {
			err = s.value(depth + 1)
		}
		if err != nil {
			return err
		}
		if member != nil {
			member(decodeName(key, escapedKey), value{s.b[start:s.i:s.i], escaped})
		}
		if more, err := s.next('}'); !more {
			return err
		}
	}
}

func decodeName(quoted []byte, escaped bool) []byte {
	if !escaped {
		return quoted[1 : len(quoted)-1]
	}
	name, _ := ttpcron.DecodeJSONString(quoted)
	return []byte(name)
}

// array walks over an array, calling element, which may be nil, for each of its
// elements until it returns false.
func (s *scanner) array(depth int, element func(v value) bool) error {
	if depth >= maxDepth {
		return errJSONDepth
	}
	s.i++
	s.space()
	if s.i < len(s.b) && s.b[s.i] == ']' {
		s.i++
		return nil
	}
	for {
		start := s.i
		if err := s.value(depth + 1); err != nil {
			return err
		}
		if element != nil && !element(value{raw: s.b[start:s.i:s.i], escaped: true}) {
			return nil
		}
		if more, err := s.next(']'); !more {
			return err
		}
	}
}

// next walks over a comma and the space after it, or over the closing bracket.
func (s *scanner) next(closing byte) (more bool, err error) {
	if s.i < len(s.b) && s.b[s.i] <= ' ' {
		s.space()
	}
	if s.i >= len(s.b) {
		return false, errJSONEnd
	}
	c := s.b[s.i]
	if c != ',' && c != closing {
		return false, s.fail()
	}
	s.i++
	if c == ',' {
		s.space()
	}
	return c == ',', nil
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// string walks over a string, eight bytes at a time ("Bit Twiddling Hacks",
// S. E. Anderson, on finding a byte in a word).
func (s *scanner) string() (escaped bool, err error) {
	b, i := s.b, s.i+1
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
			s.i = i
			return escaped, errJSONEnd
		}
		switch b[i] {
		case '"':
			s.i = i + 1
			return escaped, nil
		case '\\':
			escaped = true
			n := escapeLen(b[i:])
			if n == 0 {
				s.i = i
				return escaped, &jsonError{i + 1}
			}
			i += n
		default:
			s.i = i
			return escaped, &jsonError{i + 1}
		}
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
