package ttpcron

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron/jsontext"
)

// A Group is the values of the fields that matches are grouped by, in the order of the
// fields' names, after a byte for the vantage: events seen by hosts and by honeypots are
// never in one group.
type Group string

// ParseGroup is the inverse of [Group.AppendJSON]: it returns the group with a vantage and
// names from its text.
func ParseGroup(object []byte, names []string, v Vantage) (Group, error) {
	values := map[string]*PackedValue{}
	jsontext.EachMember(object, func(name []byte, value jsontext.Value) bool {
		if p, ok := unpackedJSON(value); ok && values[string(name)] == nil {
			values[string(name)] = &p
		}
		return true
	})
	packed := []byte{byte(v)}
	for _, name := range names {
		if values[name] == nil {
			return "", fmt.Errorf("the group says nothing of %.80q", name)
		}
		packed = values[name].Append(packed)
	}
	if g := Group(packed); string(g.AppendJSON(nil, names)) == string(object) {
		return g, nil
	}
	return "", fmt.Errorf("the group has other fields than %.200q", names)
}

// unpackedJSON reads what [PackedValue.AppendJSON] makes.
func unpackedJSON(value jsontext.Value) (v PackedValue, ok bool) {
	switch {
	case value.IsNull():
		return PackedValue{Null: true}, true
	case value.IsObject():
		jsontext.EachMember(value.Raw(), func(_ []byte, sum jsontext.Value) bool {
			digits, _ := sum.Text()
			hash, _ := hex.DecodeString(digits)
			v.Hash = string(hash)
			return false
		})
		return v, len(v.Hash) == sha256.Size
	}
	v.Text, ok = value.Text()
	return v, ok
}

// Vantage returns where the group's events were seen from.
func (g Group) Vantage() Vantage {
	if g == "" {
		return VantageHoneypot
	}
	return Vantage(g[0])
}

// AppendJSON appends the names and values of the group as a JSON object in canonical form,
// its members ordered by name. Groups of events seen by hosts also have a member "vantage".
func (g Group) AppendJSON(dst []byte, names []string) []byte {
	t := g.text(dst, MaxPacked)
	for _, name := range names {
		t.add(name)
	}
	return t.end()
}

// groupText is the JSON object of a group as far as it is written.
type groupText struct {
	to     []byte
	values string // packed, those that follow
	some   bool   // there are members
	host   bool   // "vantage" is to come
	most   int    // bytes of a value; a longer one is cut
}

func (g Group) text(dst []byte, most int) groupText {
	t := groupText{to: append(dst, '{'), host: g.Vantage() == VantageHost, most: most}
	if g != "" {
		t.values = string(g[1:])
	}
	return t
}

func (t *groupText) name(name string) {
	if t.some {
		t.to = append(t.to, ',')
	}
	t.some = true
	t.to = append(jsontext.AppendString(t.to, name), ':')
}

func (t *groupText) vantage() {
	if t.host {
		t.host = false
		t.name("vantage")
		t.to = append(t.to, `"host"`...)
	}
}

func (t *groupText) add(name string) {
	var v PackedValue
	v, t.values, _ = NextPacked(t.values)
	v.Text = Shorten(v.Text, t.most)
	if name > "vantage" {
		t.vantage()
	}
	t.name(name)
	t.to = v.AppendJSON(t.to)
}

func (t *groupText) end() []byte {
	t.vantage()
	return append(t.to, '}')
}

// Value returns the value of a name, and false when the group has none.
func (g Group) Value(names []string, name string) (v PackedValue, ok bool) {
	i := slices.Index(names, name)
	if i < 0 || g == "" {
		return v, false
	}
	rest := string(g[1:])
	for range i + 1 {
		if v, rest, ok = NextPacked(rest); !ok {
			return PackedValue{}, false
		}
	}
	return v, !v.Null
}

// Hash returns the first 32 hexadecimal digits of the SHA-256 of the group's names and
// values as canonical JSON. It is what the ids of findings call the group.
func (g Group) Hash(names []string) string {
	var stack [512]byte
	sum := sha256.Sum256(g.AppendJSON(stack[:0], names))
	return hex.EncodeToString(sum[:16])
}
