package term

import "github.com/ttpcron/ttpcron/jsontext"

// Exact is text that may hold bytes that are not UTF-8, such as a file name or what
// an attacker wrote. Its JSON keeps them as [jsontext.AppendString] does, where the
// JSON of a string has U+FFFD.
type Exact string

// MarshalJSON implements [json.Marshaler].
func (s Exact) MarshalJSON() ([]byte, error) { return jsontext.AppendString(nil, string(s)), nil }

// Exacts makes a list of texts exact; nil stays nil.
func Exacts(list []string) []Exact {
	if list == nil {
		return nil
	}
	out := make([]Exact, 0, len(list))
	for _, s := range list {
		out = append(out, Exact(s))
	}
	return out
}
