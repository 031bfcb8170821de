package mapping

import (
	"bytes"
	"strings"
)

// condition is what a member must say.
type condition struct {
	place place
	// there says whether the member has to be present; it matters only without want.
	there bool
	want  []pattern // texts that the value may have; none: any
}

// pattern is a text in which a * stands for any text.
type pattern struct {
	parts [][]byte // between the stars
}

func newPattern(text string) (p pattern) {
	for part := range strings.SplitSeq(text, "*") {
		p.parts = append(p.parts, []byte(part))
	}
	return p
}

// matches compares in time that is proportional to the length of the text.
func (p pattern) matches(text []byte) bool {
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(p.parts) == 1 {
		return bytes.Equal(text, first)
	}
	if len(text) < len(first)+len(last) || !bytes.HasPrefix(text, first) || !bytes.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range p.parts[1 : len(p.parts)-1] {
		at := bytes.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}

// all reports whether all conditions hold.
func (r *Reader) all(conditions []condition) bool {
	for i := range conditions {
		if !r.holds(&conditions[i]) {
			return false
		}
	}
	return true
}

func (r *Reader) holds(c *condition) bool {
	v := r.find(c.place)
	if len(c.want) == 0 {
		return (len(v.Raw()) > 0) == c.there
	}
	if len(v.Raw()) == 0 {
		return false
	}
	text, plain := v.Plain()
	switch {
	case plain:
	case v.IsString():
		r.text = v.AppendText(r.text[:0])
		text = r.text
	default:
		text = v.Raw()
	}
	for _, p := range c.want {
		if p.matches(text) {
			return true
		}
	}
	return false
}
