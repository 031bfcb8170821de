package ttpcron

import (
	"bytes"
	"encoding/json"
	"errors"
)

// jsonSpace is what JSON allows between tokens, less than what Unicode calls
// space.
const jsonSpace = " \t\r\n"

var errNotObject = errors.New("not a JSON object")

func isObject(data []byte) bool {
	return json.Valid(data) && data[skipSpace(data, 0)] == '{'
}

// eachMember calls do with the name, as a JSON string, and the value of every
// member of an object for which isObject is true. The slices point into data.
// [encoding/json] would decode the names, and lose the bytes in them that are
// not UTF-8.
func eachMember(data []byte, do func(name, value []byte) error) error {
	for i := skipSpace(data, skipSpace(data, 0)+1); data[i] != '}'; {
		name := data[i:skipString(data, i)]
		i = skipSpace(data, i+len(name))
		i = skipSpace(data, i+1) // the colon
		value := data[i:skipValue(data, i)]
		if err := do(name, value); err != nil {
			return err
		}
		i = skipSpace(data, i+len(value))
		if data[i] == ',' {
			i = skipSpace(data, i+1)
		}
	}
	return nil
}

var errEnough = errors.New("enough")

// EachMember calls do with the name and the value of every member of a JSON
// object until do is false. It is false itself for what is no object. Values
// point into data: an object of a million members costs a walk, not a map.
func EachMember(data []byte, do func(name string, value json.RawMessage) bool) bool {
	if !isObject(data) {
		return false
	}
	_ = eachMember(data, func(name, value []byte) error {
		if !do(decodeString(name), value) {
			return errEnough
		}
		return nil
	})
	return true
}

// EachElement is EachMember for a JSON list.
func EachElement(data []byte, do func(value json.RawMessage) bool) bool {
	if !json.Valid(data) || data[skipSpace(data, 0)] != '[' {
		return false
	}
	for i := skipSpace(data, skipSpace(data, 0)+1); data[i] != ']'; {
		value := data[i:skipValue(data, i)]
		if !do(value) {
			break
		}
		i = skipSpace(data, i+len(value))
		if data[i] == ',' {
			i = skipSpace(data, i+1)
		}
	}
	return true
}

// The skip functions take JSON that json.Valid accepted and the index of what
// they skip, and return the index after it.

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r') {
		i++
	}
	return i
}

func skipString(data []byte, i int) int {
	for i++; data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func skipValue(data []byte, i int) int {
	for depth := 0; i < len(data); {
		switch data[i] {
		case '"':
			i = skipString(data, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // a number or word that ended with its container
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

// canonicalJSON returns a JSON value without white space between its tokens and
// with every string in it as AppendJSONString writes it, so that a value has one
// spelling however the programs that it passed through like to escape. The
// order of members and the spelling of numbers stay.
func canonicalJSON(raw []byte) (json.RawMessage, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, err
	}
	b := compact.Bytes()
	if !bytes.ContainsFunc(b, func(r rune) bool { return r == '\\' || r >= 0x7f }) {
		return b, nil
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		if b[i] != '"' {
			out = append(out, b[i])
			i++
			continue
		}
		end := skipString(b, i)
		out = AppendJSONString(out, string(appendUnescaped(nil, b[i+1:end-1])))
		i = end
	}
	return out, nil
}
