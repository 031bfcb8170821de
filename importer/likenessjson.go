package importer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/jsontext"
)

// jsonHead is the first JSON object of a file that no format recognises, as far as the
// head contains it.
type jsonHead struct {
	is      bool // there is one
	members []jsonMember
	inner   []byte // the object in the first member that carries records, if one does
}

type jsonMember struct {
	name string
	text string // its value when that is a string, else the beginning of it
}

const (
	maxJSONMembers = 64
	maxJSONValue   = 64
)

// newJSONHead looks for the first object: at the beginning, in a list, or behind
// the prefix of a line.
func newJSONHead(h *head) *jsonHead {
	j := &jsonHead{}
	if text := bytes.TrimLeft(h.text, " \t\r\n\x00\x1e["); bytes.HasPrefix(text, []byte("{")) {
		if j.read(text); j.is {
			return j
		}
	}
	for _, line := range h.lines {
		if at := bytes.IndexByte(line, '{'); at >= 0 {
			if j.read(line[at:]); j.is {
				return j
			}
		}
	}
	return j
}

// read reads the members of an object. The last one may be cut off, but has its first
// byte.
func (j *jsonHead) read(text []byte) {
	*j = jsonHead{}
	s := jsontext.Scanner{MaxDepth: maxDepth}
	s.Reset(text)
	for s.Object(); s.Member() && len(j.members) < maxJSONMembers; {
		name, kind, value := string(s.Name()), s.Kind(), s.Value()
		if len(value.Raw()) == 0 {
			if kind != 0 {
				j.members = append(j.members, jsonMember{name, string(kind)})
			}
			break
		}
		if _, carries := wrapperIndex[name]; carries && j.inner == nil {
			j.inner = objectIn(value)
		}
		short, ok := value.Text()
		if !ok {
			short = string(value.Raw()[:min(len(value.Raw()), maxJSONValue)])
		}
		j.members = append(j.members, jsonMember{name, short[:min(len(short), maxJSONValue)]})
	}
	j.is = len(j.members) > 0
}

// objectIn is the object that a value is, or that its text begins with, or nil.
func objectIn(value jsontext.Value) []byte {
	if value.IsObject() {
		return value.Raw()
	}
	if text, ok := value.Text(); ok && strings.HasPrefix(text, "{") {
		return []byte(text)
	}
	return nil
}

// unwrapped is the record inside a shipper's object.
func (j *jsonHead) unwrapped() *jsonHead {
	in := &jsonHead{}
	if j.inner != nil {
		in.read(j.inner)
	}
	return in
}

// has reports whether all of some members are there.
func (j *jsonHead) has(names ...string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(j.members, func(m jsonMember) bool { return m.name == name }) {
			return false
		}
	}
	return true
}

// begins reports whether a member's text begins with a prefix.
func (j *jsonHead) begins(name, prefix string) bool {
	return slices.ContainsFunc(j.members, func(m jsonMember) bool { return m.name == name && strings.HasPrefix(m.text, prefix) })
}

// ofSensor is the test for records with certain members. "name=text" says that a member's
// text begins with that.
func ofSensor(members ...string) func(*head) bool {
	return func(h *head) bool {
		if !h.record.is {
			return false
		}
		for _, m := range members {
			name, prefix, valued := strings.Cut(m, "=")
			if valued && !h.record.begins(name, prefix) || !h.record.has(name) {
				return false
			}
		}
		return true
	}
}

// jsonLikenesses are logs of other sensors and programs, recognised by their members. The
// first that matches counts.
var jsonLikenesses = []likeness{
	{"events as OCSF", notReadYet, ofSensor("class_uid", "metadata"), false},
	{"a log of qeeqbox/honeypots", notReadYet, ofSensor("action", "src_ip", "dest_ip", "dest_port", "timestamp"), false},
	{"a log of Zeek", notReadYet, ofSensor("id.orig_h", "id.resp_h"), false},
	{"alerts of Wazuh", notReadYet, ofSensor("rule={", "agent={", "manager={"), false},
	{"a recording of a terminal (asciicast)", recorded, ofSensor("version", "width", "height"), false},
	{"a STIX bundle", notReadYet, ofSensor("type=bundle", "objects"), false},
	{"an event of MISP", notReadYet, ofSensor("Event={"), false},
	{"tags as ttpcron prints them", "ttpcron export-events prints what import reads", ofSensor("rule_id", "technique_id", "source_id"), false},
	{"a log of qeeqbox/honeypots as Python prints it", "let it write JSON: \"logs\":\"file,json\"", lines(`^\{'action': '`), false},
}

const maxMembersNamed = 8

// unknown describes records about which nothing more is known.
func (j *jsonHead) unknown() *likeness {
	if !j.is {
		return nil
	}
	var names []string
	for _, m := range j.members[:min(len(j.members), maxMembersNamed)] {
		names = append(names, fmt.Sprintf("%.*q", maxJSONValue/2, m.name))
	}
	more := ""
	if len(j.members) > maxMembersNamed {
		more = " and others"
	}
	return &likeness{what: "JSON whose records have the members " + strings.Join(names, ", ") + more, todo: "if a sensor wrote them, describe them in the config file, in a table [format.NAME]: see docs/sources.md"}
}
