package importer

import (
	"bytes"
	"encoding/hex"
)

func credentials(who []byte) (username, password []byte, ok bool) {
	if name, rest, literal := pythonBytes(who); literal && bytes.HasPrefix(rest, []byte("/")) {
		if word, rest, literal := pythonBytes(rest[1:]); literal && len(rest) == 0 {
			return name, word, true
		}
	}
	return bytes.Cut(who, []byte("/"))
}

// cutLast splits a text at the last occurrence of another: what an attacker chose comes
// before it.
func cutLast(text []byte, at string) (before, after []byte, ok bool) {
	if i := bytes.LastIndex(text, []byte(at)); i >= 0 {
		return text[:i], text[i+len(at):], true
	}
	return text, nil, false
}

// unquoted is a text without the marks of Python's bytes, if it has some.
func unquoted(text []byte) []byte {
	if value, rest, ok := pythonBytes(text); ok && len(rest) == 0 {
		return value
	}
	return text
}

// pythonBytes reads bytes in Python's notation, such as b'a\n\xff', from the beginning of
// a text.
func pythonBytes(text []byte) (value, rest []byte, ok bool) {
	if len(text) < 3 || text[0] != 'b' || text[1] != '\'' && text[1] != '"' {
		return nil, text, false
	}
	quote := text[1]
	if end := bytes.IndexByte(text[2:], quote); end >= 0 && bytes.IndexByte(text[2:2+end], '\\') < 0 {
		return text[2 : 2+end], text[2+end+1:], true
	}
	for i := 2; i < len(text); i++ {
		c := text[i]
		if c == quote {
			return value, text[i+1:], true
		}
		if c != '\\' || i+1 == len(text) {
			value = append(value, c)
			continue
		}
		i++
		switch c = text[i]; c {
		case 'n':
			value = append(value, '\n')
		case 'r':
			value = append(value, '\r')
		case 't':
			value = append(value, '\t')
		case 'x':
			var one [1]byte
			if i+2 >= len(text) {
				return nil, text, false
			}
			if _, err := hex.Decode(one[:], text[i+1:i+3]); err != nil {
				return nil, text, false
			}
			value = append(value, one[0])
			i += 2
		default:
			value = append(value, c)
		}
	}
	return nil, text, false
}
