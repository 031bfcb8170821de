package mapping

import (
	"strings"

	"github.com/ttpcron/ttpcron/jsontext"
)

// condition is what a member must say.
type condition struct {
	place place
	// there says whether the member has to be there, if nothing is asked of its value.
	there bool
	want  []pattern // one of these; none: nothing is asked of its value
}

// pattern is a text in which a * stands for any text.
type pattern struct {
	parts []string // between the stars
}

func newPattern(text string) pattern { return pattern{strings.Split(text, "*")} }

// matches compares in time that is proportional to the length of the text.
func (p pattern) matches(text string) bool {
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(p.parts) == 1 {
		return text == first
	}
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range p.parts[1 : len(p.parts)-1] {
		at := strings.Index(text, part)
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
	text := plainText(v)
	for _, p := range c.want {
		if p.matches(text) {
			return true
		}
	}
	return false
}

// plainText is the text of a string, else the JSON of a value.
func plainText(v jsontext.Value) string {
	if b, plain := v.Plain(); plain {
		return string(b)
	}
	if s, ok := v.Text(); ok {
		return s
	}
	return string(v.Raw())
}
