// Package jsontext reads and writes JSON text that holds what attackers wrote.
//
// A [Scanner] checks a text against RFC 8259 while it walks over it, once, and
// gives out values where they lie. [AppendString] and [Value.AppendText] are the
// two halves of one codec for strings, which keeps every byte, and
// [AppendCanonical] gives a value the one spelling that events are known by.
//
// Attackers send bytes that are not UTF-8, and JSON cannot hold them. Python, in
// which Cowrie and OpenCanary are written, reads byte 0xNN of such input as the
// lone surrogate U+DCNN (PEP 383, "surrogateescape") and its json module writes
// that as \udcNN. This package keeps the same convention, so that text survives
// a round trip byte for byte.
//
// What a text costs is in proportion to its length, how deep it may nest is
// bounded, and nothing looks past it. The package needs the standard library
// alone, and whatever else reads or writes JSON by itself may import it.
package jsontext

import (
	"errors"
	"fmt"
)

// MaxDepth is how deep arrays and objects may nest where no [Scanner] says
// otherwise. It is what [encoding/json] accepts.
const MaxDepth = 10_000

var (
	// ErrEnd says that a text ends within a value.
	ErrEnd = errors.New("JSON ends too early")
	// ErrNotObject says that a text is JSON and something else than an object.
	ErrNotObject = errors.New("not a JSON object")
	// ErrNotArray says that a text is JSON and something else than an array.
	ErrNotArray = errors.New("not a JSON list")
)

// SyntaxError says which byte of a text, from 1, is not as RFC 8259 wants it.
type SyntaxError struct{ Byte int }

func (e *SyntaxError) Error() string { return fmt.Sprintf("malformed JSON at byte %d", e.Byte) }

// DepthError says how deep arrays and objects of a text may nest, and that they
// nest deeper.
type DepthError struct{ Limit int }

func (e *DepthError) Error() string { return fmt.Sprintf("JSON is nested deeper than %d", e.Limit) }

// Check returns nil for one JSON value with nothing but white space around it.
func Check(text []byte) error {
	var s Scanner
	s.Reset(text)
	return s.End()
}

// EachMember calls do with the name and the value of every member of a JSON
// object until do returns false. It returns false itself, and has called nothing,
// for what is no object. The name is decoded and valid until do returns; the
// value points into text.
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
