package ttpcron

import (
	"encoding/json"

	"github.com/ttpcron/ttpcron/jsontext"
)

// AppendJSONString is [jsontext.AppendString].
func AppendJSONString(dst []byte, s string) []byte { return jsontext.AppendString(dst, s) }

// DecodeJSONString is [jsontext.DecodeString].
func DecodeJSONString(raw []byte) (string, error) { return jsontext.DecodeString(raw) }

// EachMember is [jsontext.EachMember].
func EachMember(data []byte, do func(name string, value json.RawMessage) bool) bool {
	return jsontext.EachMember(data, func(name []byte, v jsontext.Value) bool { return do(string(name), v.Raw()) })
}

// EachElement is [jsontext.EachElement].
func EachElement(data []byte, do func(value json.RawMessage) bool) bool {
	return jsontext.EachElement(data, func(v jsontext.Value) bool { return do(v.Raw()) })
}
