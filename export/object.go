package export

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/jsontext"
)

// object is a JSON object that is written member by member. Members without a value are
// left out. Texts are made fit for readers that know Unicode alone, see unicodeText.
type object struct{ b []byte }

func (o *object) begin() { o.b = append(o.b, '{') }
func (o *object) end()   { o.b = append(o.b, '}') }

func (o *object) name(name string) {
	if c := o.b[len(o.b)-1]; c != '{' && c != '[' {
		o.b = append(o.b, ',')
	}
	if name != "" {
		o.b = append(append(append(o.b, '"'), name...), '"', ':')
	}
}

// in writes an object as a member, or without a name as an element of a list. An empty
// object is left out.
func (o *object) in(name string, members func()) {
	before := len(o.b)
	o.name(name)
	o.begin()
	first := len(o.b)
	if members(); len(o.b) == first {
		o.b = o.b[:before]
		return
	}
	o.end()
}

// list writes a list as a member, left out if nothing is in it.
func (o *object) list(name string, elements func()) {
	before := len(o.b)
	o.name(name)
	o.b = append(o.b, '[')
	first := len(o.b)
	if elements(); len(o.b) == first {
		o.b = o.b[:before]
		return
	}
	o.b = append(o.b, ']')
}

// texts writes the nonempty texts as a list.
func (o *object) texts(name string, texts ...string) {
	o.list(name, func() {
		for _, s := range texts {
			o.text("", s)
		}
	})
}

func (o *object) text(name, s string) {
	if s != "" {
		o.name(name)
		o.b = jsontext.AppendString(o.b, unicodeText(s))
	}
}

func (o *object) number(name string, n int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, n, 10)
}

func (o *object) float(name string, f float64) {
	o.name(name)
	o.b = strconv.AppendFloat(o.b, f, 'f', -1, 64)
}

func (o *object) bool(name string, b bool) {
	o.name(name)
	o.b = strconv.AppendBool(o.b, b)
}

// unicodeText replaces each byte that is not UTF-8 by its number, such as \xff. This
// program's JSON has lone surrogates for these bytes, which preserves them, but many
// receivers refuse those, or replace all of them by one sign.
func unicodeText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// evidence are the members of a tag's evidence that are texts, by name.
type evidence map[string]string

// read replaces the texts by those of an evidence object.
func (e evidence) read(raw []byte) {
	clear(e)
	jsontext.EachMember(raw, func(name []byte, value jsontext.Value) bool {
		if text, ok := value.Text(); ok {
			e[string(name)] = text
		}
		return true
	})
}

// unicodeJSON writes JSON in ASCII without lone surrogates: those for bytes that are not
// UTF-8 become the form of unicodeText, any other becomes U+FFFD.
func unicodeJSON(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\\' && i+5 < len(text) && text[i+1] == 'u':
			n := 0
			if dst, n = appendEscaped(dst, text[i:]); n > 0 {
				i += n
				continue
			}
		case c == '\\' && i+1 < len(text):
			dst = append(dst, c, text[i+1])
			i += 2
			continue
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && n == 1 {
				dst = fmt.Appendf(dst, `\\x%02x`, c)
			} else {
				dst = appendRune(dst, r)
			}
			i += n
			continue
		}
		dst = append(dst, c)
		i++
	}
	return dst
}

// appendEscaped appends the meaning of \uXXXX at the beginning of a text, and returns its
// length in the text.
func appendEscaped(dst, text []byte) (out []byte, n int) {
	unit, ok := hexUnit(text)
	switch {
	case !ok:
		return dst, 0
	case unit < 0xd800 || unit > 0xdfff:
		return append(dst, text[:6]...), 6
	case unit < 0xdc00:
		if low, ok := hexUnit(text[6:]); ok && low >= 0xdc00 && low <= 0xdfff {
			return append(dst, text[:12]...), 12
		}
	case unit >= 0xdc80 && unit <= 0xdcff:
		return fmt.Appendf(dst, `\\x%02x`, unit-0xdc00), 6
	}
	return append(dst, `\ufffd`...), 6
}

func hexUnit(text []byte) (unit uint16, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return uint16(n), err == nil
}

func appendRune(dst []byte, r rune) []byte {
	if r >= 0x10000 {
		r -= 0x10000
		return jsontext.AppendEscape(jsontext.AppendEscape(dst, uint16(0xd800+r>>10)), uint16(0xdc00+r&0x3ff))
	}
	return jsontext.AppendEscape(dst, uint16(r))
}

// release is the number of the ATT&CK release under whose names a tag is shown, such as
// 19.1.
func (t *Tag) release() string { return strings.TrimPrefix(t.Shown.AttackRelease, "enterprise-v") }

// ownName is a technique's name without its parent's.
func ownName(table *attack.Table, id string) string {
	x, _ := table.Lookup(id)
	return x.Name
}

// headline is what a receiver's list shows for a tag.
func (t *Tag) headline(names Names) string {
	id := t.Shown.Technique()
	line := id
	if name := names.TechniqueName(id); name != "" {
		line += " " + name
	}
	if t.Text != "" {
		line += ": " + t.Text
	}
	return line
}
