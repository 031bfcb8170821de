package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/jsontext"
)

// printJSON prints a value as one line of JSON. All JSON that the program prints
// goes through here or through writeJSON.
func (a *app) printJSON(v any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return a.writeJSON(line.Bytes())
}

// printEither prints a value as JSON, or else a line for people.
func (a *app) printEither(asJSON bool, v any, format string, args ...any) error {
	if asJSON {
		return a.printJSON(v)
	}
	_, err := fmt.Fprintf(a.stdout, format+"\n", args...)
	return err
}

// writeJSON prints JSON, with what [clean] would escape written as \uXXXX.
func (a *app) writeJSON(text []byte) error {
	if !plain(text) {
		text = appendVisibleJSON(nil, text)
	}
	_, err := a.stdout.Write(text)
	return err
}

// plain reports whether a text holds nothing but ASCII without DEL, eight bytes
// at a time: one that does has its highest bit set, or gets it when 1 is added.
func plain(text []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		if w := binary.LittleEndian.Uint64(text); (w|(w+ones))&high != 0 {
			return false
		}
	}
	for _, c := range text {
		if c >= 0x7f {
			return false
		}
	}
	return true
}

// appendVisibleJSON appends JSON with every character that is not visible
// written as \uXXXX, and every byte that is not UTF-8 as
// [jsontext.AppendString] writes it. What it decodes to stays the same: such
// characters occur in strings alone. Line ends between values stay.
//
// It is kept apart from AppendString because that one is hashed into the
// stored ids of events.
func appendVisibleJSON(dst, text []byte) []byte {
	from := 0
	for i := 0; i < len(text); {
		if c := text[i]; c < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		bad := r == utf8.RuneError && n == 1
		if !bad && visible(r) {
			i += n
			continue
		}
		dst = append(dst, text[from:i]...)
		switch {
		case bad:
			dst = appendUnit(dst, 0xdc00|uint16(text[i]))
		case r >= 0x10000:
			dst = appendUnit(dst, 0xd800|uint16((r-0x10000)>>10))
			dst = appendUnit(dst, 0xdc00|uint16(r&0x3ff))
		default:
			dst = appendUnit(dst, uint16(r))
		}
		i += n
		from = i
	}
	return append(dst, text[from:]...)
}

// appendUnit appends the escape of one unit of UTF-16.
func appendUnit(dst []byte, u uint16) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}

// exact is text that may hold bytes that are not UTF-8, such as a file name or
// what an attacker wrote. Its JSON keeps them as [jsontext.AppendString] does,
// where that of a string has U+FFFD.
type exact string

// MarshalJSON implements [json.Marshaler].
func (s exact) MarshalJSON() ([]byte, error) { return jsontext.AppendString(nil, string(s)), nil }

// exacts makes a list of texts exact; nil stays nil.
func exacts(list []string) []exact {
	if list == nil {
		return nil
	}
	out := make([]exact, 0, len(list))
	for _, s := range list {
		out = append(out, exact(s))
	}
	return out
}

// visibleLog escapes what a log line must not carry to a terminal, whoever made
// the line.
type visibleLog struct {
	w    io.Writer
	json bool
}

var _ hclog.LevelWriter = visibleLog{}

func (l visibleLog) Write(p []byte) (int, error) { return l.LevelWrite(hclog.Info, p) }

func (l visibleLog) LevelWrite(level hclog.Level, p []byte) (int, error) {
	line := appendVisibleJSON(nil, p)
	if !l.json {
		line = cleanLines(p)
	}
	var err error
	if w, ok := l.w.(hclog.LevelWriter); ok {
		_, err = w.LevelWrite(level, line)
	} else {
		_, err = l.w.Write(line)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}
