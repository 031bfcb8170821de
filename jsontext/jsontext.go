// Package jsontext reads and writes JSON that contains attackers' text.
//
// A [Scanner] checks a text against RFC 8259 in a single pass and returns values that
// point into it. [AppendString] and [Value.AppendText] are the two halves of a string
// codec that keeps every byte. [AppendCanonical] writes a value in the canonical form
// over which the identity of events is hashed.
//
// Attackers send bytes that are not UTF-8, which JSON cannot hold. Python, in which
// Cowrie and OpenCanary are written, reads byte 0xNN of such input as the lone surrogate
// U+DCNN (PEP 383, "surrogateescape"), and its json module writes that as \udcNN. This
// package uses the same convention, so text survives a round trip byte for byte.
//
// Cost is proportional to the length of the text, nesting is bounded, and nothing reads
// past the end. The package depends only on the standard library, so any package that
// handles JSON by hand can import it.
package jsontext

import (
	"errors"
	"fmt"
)

// MaxDepth is how deep arrays and objects may nest unless a [Scanner] sets another
// limit. [encoding/json] has the same limit.
const MaxDepth = 10_000

var (
	// ErrEnd means that a text ends before its value does.
	ErrEnd = errors.New("JSON ends too early")
	// ErrNotObject means that a value is JSON but not an object.
	ErrNotObject = errors.New("not a JSON object")
	// ErrNotArray means that a value is JSON but not an array.
	ErrNotArray = errors.New("not a JSON list")
)

// SyntaxError gives the first byte of a text, counted from 1, that breaks the
// grammar of RFC 8259.
type SyntaxError struct{ Byte int }

func (e *SyntaxError) Error() string { return fmt.Sprintf("malformed JSON at byte %d", e.Byte) }

// DepthError means that arrays and objects nest deeper than Limit.
type DepthError struct{ Limit int }

func (e *DepthError) Error() string { return fmt.Sprintf("JSON is nested deeper than %d", e.Limit) }

// Check returns nil if text is one JSON value, with nothing but white space around
// it.
func Check(text []byte) error {
	var s Scanner
	s.Reset(text)
	return s.End()
}

// EachMember calls do with the name and value of each member of a JSON object
// until do returns false. If text is not a JSON object it returns false without
// calling do. The name is decoded and valid until do returns; the value points
// into text.
func EachMember(text []byte, do func(name []byte, value Value) bool) bool {
	var s Scanner
	if s.Reset(text); s.Kind() != '{' || s.End() != nil {
		return false
	}
	s.Reset(text)
	for s.Object(); s.Member() && do(s.Name(), s.Value()); {
	}
	return true
}

// EachElement is [EachMember] for a JSON array.
func EachElement(text []byte, do func(value Value) bool) bool {
	var s Scanner
	if s.Reset(text); s.Kind() != '[' || s.End() != nil {
		return false
	}
	s.Reset(text)
	for s.Array(); s.Element() && do(s.Value()); {
	}
	return true
}
