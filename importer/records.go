package importer

import "bytes"

// matcher finds where a JSON value ends in a text that comes in pieces. It looks at
// every byte once, and checks how brackets, names, colons and commas follow one
// another, and that words are those of JSON; numbers and escapes it leaves to the parser.
type matcher struct {
	state   matchState
	depth   int
	objects [maxDepth/64 + 1]uint64 // a bit for each level that is an object
	isName  bool                    // the string at hand is a member's name
	word    string                  // what is to come of true, false or null
	n       int                     // bytes looked at
	name    []byte                  // of the last member, when it may be that of a list
	known   int                     // levels, from the outermost, that lists may lie in
	// list is where the elements of the first list under a known name begin, or 0. It
	// lies in objects only, so that it is no part of a list of records itself.
	list int
	// sessions says that lists lie under any name, in the outermost object.
	sessions bool
}

type matchState uint8

const (
	matchValue     matchState = iota // a value
	matchFirst                       // the first element, or the bracket that closes
	matchFirstName                   // the first name, or the bracket that closes
	matchName                        // a name
	matchColon                       // the colon behind a name
	matchNext                        // a comma or a bracket that closes
	matchString                      // within a string
	matchEscape                      // behind a backslash within a string
	matchWord                        // within a number, true, false or null
	matchWhole                       // the value has ended
	matchBroken                      // it is no JSON
)

func (m *matcher) reset() { *m = matcher{name: m.name[:0], sessions: m.sessions} }

// open reports whether the value continues, and could be completed by later lines.
func (m *matcher) open() bool { return m.state != matchWhole && m.state != matchBroken }

// inString reports whether what has been read ends within a string, which no
// newline can be a part of.
func (m *matcher) inString() bool { return m.state == matchString || m.state == matchEscape }

// feed reads on and returns how many bytes it used: all of them, unless the value
// ended or broke before. The byte that broke it is not counted.
func (m *matcher) feed(b []byte) int {
	i := 0
	for i < len(b) && m.open() {
		c := b[i]
		switch m.state {
		case matchString:
			i = m.within(b, i)
			continue
		case matchEscape:
			m.state = matchString
			if c < ' ' {
				m.state = matchBroken
				continue
			}
			i++
			continue
		case matchWord:
			if m.word != "" {
				if c != m.word[0] {
					m.state = matchBroken
					continue
				}
				m.word = m.word[1:]
				i++
				if m.word == "" {
					m.ended()
				}
				continue
			}
			if isNumeric(c) {
				i++
				continue
			}
			m.ended()
			continue // the byte is still to be looked at
		}
		if c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			i++
			continue
		}
		if !m.token(c, m.n+i+1) {
			m.state = matchBroken
			break
		}
		i++
	}
	m.n += i
	return i
}

func isNumeric(c byte) bool {
	return c-'0' <= 9 || c|0x20 == 'e' || c == '+' || c == '-' || c == '.'
}

// within reads to the end of a string.
func (m *matcher) within(b []byte, i int) int {
	start := i
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			m.keepName(b[start:i])
			if m.isName {
				m.state = matchColon
			} else {
				m.ended()
			}
			return i + 1
		case c == '\\':
			m.keepName(b[start : i+1])
			m.state = matchEscape
			return i + 1
		case c < ' ':
			m.state = matchBroken
			return i
		}
		i++
	}
	m.keepName(b[start:i])
	return i
}

// keepName keeps the beginning of the names of levels that a list may lie in.
func (m *matcher) keepName(b []byte) {
	if room := maxListName + 1 - len(m.name); m.isName && room > 0 && m.depth <= m.known+1 {
		m.name = append(m.name, b[:min(room, len(b))]...)
	}
}

// token reads a byte outside strings and words; next is the place behind it.
func (m *matcher) token(c byte, next int) bool {
	switch m.state {
	case matchFirst, matchValue:
		switch {
		case c == '{':
			return m.push(true)
		case c == '[':
			if m.depth > 0 && m.depth <= m.known+1 && m.inObject() && m.list == 0 && (listNames[string(m.name)] || m.sessions && m.depth == 1) {
				m.list = next
			}
			return m.push(false)
		case c == '"':
			m.state, m.isName = matchString, false
			return true
		case c == ']' && m.state == matchFirst:
			m.pop()
			return true
		}
		m.state = matchWord
		switch c {
		case 't':
			m.word = "rue"
		case 'f':
			m.word = "alse"
		case 'n':
			m.word = "ull"
		default:
			m.word = ""
			return c-'0' <= 9 || c == '-'
		}
		return true
	case matchFirstName, matchName:
		if c == '"' {
			m.state, m.isName, m.name = matchString, true, m.name[:0]
			return true
		}
		if c == '}' && m.state == matchFirstName {
			m.pop()
			return true
		}
		return false
	case matchColon:
		m.state = matchValue
		return c == ':'
	}
	switch object := m.inObject(); {
	case c == ',' && object:
		m.state = matchName
	case c == ',':
		m.state = matchValue
	case c == '}' && object || c == ']' && !object:
		m.pop()
	default:
		return false
	}
	return true
}

func (m *matcher) inObject() bool { return m.objects[m.depth/64]>>(m.depth%64)&1 == 1 }

func (m *matcher) push(object bool) bool {
	if m.depth >= maxDepth {
		return false
	}
	// Lists lie in the document itself, or in members of it with a known name.
	if object && m.depth > 0 && m.depth == m.known+1 && m.depth < maxListDepth && m.inObject() && listNames[string(m.name)] {
		m.known++
	}
	m.depth++
	m.objects[m.depth/64] &^= 1 << (m.depth % 64)
	m.state = matchFirst
	if object {
		m.objects[m.depth/64] |= 1 << (m.depth % 64)
		m.state = matchFirstName
	}
	return true
}

func (m *matcher) pop() {
	m.depth--
	m.known = min(m.known, max(0, m.depth-1))
	m.ended()
}

// ended is called behind each value.
func (m *matcher) ended() {
	m.state = matchNext
	if m.depth == 0 {
		m.state = matchWhole
	}
}

const (
	maxListName  = 16
	maxListDepth = 3
)

// listNames are the names under which exports keep lists of records. An object under
// one of them may hold such a list too: hits.hits.
var listNames = map[string]bool{
	"Items": true, "Records": true, "data": true, "docs": true, "documents": true, "entries": true, "events": true,
	"hits": true, "items": true, "lines": true, "logEvents": true, "logs": true, "messages": true, "records": true,
	"response": true, "result": true, "results": true, "rows": true, "streams": true, "value": true, "values": true,
}

// skipGlue returns text from the first byte on that is not between records: white
// space, the brackets and commas of lists, record separators of JSON text sequences
// (RFC 7464), byte order marks.
func skipGlue(text []byte) []byte {
	for len(text) > 0 {
		switch c := text[0]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == '[' || c == ']' || c == '}' || c == 0x1e:
			text = text[1:]
		case c == 0xef && bytes.HasPrefix(text, byteOrderMark):
			text = text[len(byteOrderMark):]
		default:
			return text
		}
	}
	return nil
}
