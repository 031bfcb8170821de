package shell

import (
	"encoding/base32"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Only the functions in this file make text: all of them take the budget, and pay before
// they walk or copy. TestOnlyTheBudgetMakesText enforces this.

// budget is the work that a parse may still do, in bytes walked or produced.
type budget struct {
	limit, spent int
	met          bool // something was refused
}

// spend pays for n bytes, and is false when they are more than is left. What
// costs less may still be paid for then.
func (m *budget) spend(n int) bool {
	if m.spent+n > m.limit {
		m.met = true
		return false
	}
	m.spent += n
	return true
}

// writer puts a text together. What cannot be paid for is left out, and all that
// follows it.
type writer struct {
	m       *budget
	text    strings.Builder
	refused bool
}

func (w *writer) add(s string) {
	if w.refused = w.refused || !w.m.spend(len(s)); !w.refused {
		w.text.WriteString(s)
	}
}

func (w *writer) addByte(c byte) {
	if w.refused = w.refused || !w.m.spend(1); !w.refused {
		w.text.WriteByte(c)
	}
}

func (m *budget) concat(parts ...string) (string, bool) {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	if !m.spend(size) {
		return "", false
	}
	var out strings.Builder
	out.Grow(size)
	for _, p := range parts {
		out.WriteString(p)
	}
	return out.String(), true
}

// join joins texts by blanks, and puts end behind them.
func (m *budget) join(list []string, end string) (string, bool) {
	size := len(list) + len(end)
	for _, s := range list {
		size += len(s)
	}
	if !m.spend(size) {
		return "", false
	}
	var out strings.Builder
	out.Grow(size)
	for i, s := range list {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(s)
	}
	out.WriteString(end)
	return out.String(), true
}

// wordLine joins words by blanks.
func (m *budget) wordLine(words []word) (string, bool) {
	size := joinedLen(words)
	if !m.spend(size) {
		return "", false
	}
	var out strings.Builder
	out.Grow(size)
	for i := range words {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(words[i].text)
	}
	return out.String(), true
}

// line joins a program and its arguments to size bytes.
func (m *budget) line(program string, args []string, size int) (string, bool) {
	if !m.spend(size) {
		return "", false
	}
	var out strings.Builder
	out.Grow(size)
	out.WriteString(program)
	for _, a := range args {
		out.WriteByte(' ')
		out.WriteString(a)
	}
	return out.String(), true
}

// joinWords joins words by blanks, and puts end behind them.
func (m *budget) joinWords(words []word, end string) (stream, bool) {
	if len(words) == 1 && end == "" {
		return words[0].stream(), true
	}
	size := joinedLen(words) + len(end)
	if !m.spend(size) {
		return stream{}, false
	}
	out := stream{known: true}
	var text strings.Builder
	text.Grow(size)
	for i := range words {
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(words[i].text)
		out.known = out.known && words[i].known
		out.substs = out.substs || words[i].substs
	}
	text.WriteString(end)
	out.text = text.String()
	return out, true
}

func (m *budget) keep(buf []byte) (string, bool) {
	if !m.spend(len(buf)) {
		return "", false
	}
	return string(buf), true
}

// spool is a buffer in which words are assembled.
type spool struct {
	buf  []byte
	room int // what this parse has paid for; the buffer may have more from others
}

// put appends a text; the words in the buffer may reach size bytes. The growth of the
// buffer is paid for from made.
func (m *budget) put(s *spool, text string, size int, made *budget) bool {
	if !m.spend(len(text)) {
		return false
	}
	if need := len(s.buf) + len(text); need > s.room {
		room := max(need, size, leastRoom)
		if room < s.room+s.room/4 {
			room = 2 * s.room
		}
		if !made.spend(room) {
			return false
		}
		if s.room = room; room > cap(s.buf) {
			s.buf = append(make([]byte, 0, room), s.buf...)
		}
	}
	s.buf = append(s.buf, text...)
	return true
}

// leastRoom is how many bytes a buffer has room for at first.
const leastRoom = 256

// replace is strings.Replace, but its size is known in advance.
func (m *budget) replace(text, old, with string, n int) (string, bool) {
	if old == "" || !m.spend(len(text)) {
		return "", false
	}
	found := strings.Count(text, old)
	if n >= 0 {
		found = min(found, n)
	}
	if found == 0 {
		return text, true
	}
	if !m.spend(len(text) + found*(len(with)-len(old))) {
		return "", false
	}
	return strings.Replace(text, old, with, n), true
}

// replaceFirst replaces the first occurrence on each line.
func (m *budget) replaceFirst(text, old, with string) (string, bool) {
	if !m.spend(len(text)) {
		return "", false
	}
	out := writer{m: m}
	for line := range strings.Lines(text) {
		if i := strings.Index(line, old); i >= 0 {
			out.add(line[:i])
			out.add(with)
			line = line[i+len(old):]
		}
		out.add(line)
	}
	return out.text.String(), !out.refused
}

func (m *budget) upper(text string) (string, bool) {
	if !m.spend(2 * len(text)) { // walked, and written in another length at times
		return "", false
	}
	return strings.ToUpper(text), true
}

func (m *budget) lower(text string) (string, bool) {
	if !m.spend(2 * len(text)) {
		return "", false
	}
	return strings.ToLower(text), true
}

// unquote removes quotes and backslashes and expands nothing, as the shell does with the
// delimiter of a here-document. What the budget does not allow stays.
func (m *budget) unquote(s string) string {
	if !strings.ContainsAny(s, `'"\`) || !m.spend(len(s)) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote && quote != 0:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescapeBackquotes removes the backslashes that protect $, ` and \ between
// backquotes.
func (m *budget) unescapeBackquotes(s string) (string, bool) {
	if !m.spend(len(s)) {
		return "", false
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\\", s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

// stripTabs removes tabs from the starts of lines, one of each, as <<- does.
func (m *budget) stripTabs(body string, tabs bool) string {
	if !tabs || !m.spend(2*len(body)) {
		return body
	}
	return strings.ReplaceAll(strings.TrimPrefix(body, "\t"), "\n\t", "\n")
}

type decoder func(m *budget, s string) (string, bool)

// decodeBase64 decodes what base64 -d would: line breaks and missing padding do
// no harm, and it ends at the first byte that is no base64.
func decodeBase64(m *budget, s string) (string, bool) {
	return m.decodeBits(s, plainBase64.DecodedLen, plainBase64.Decode,
		func(c byte) bool { return isAlnum(c) || c == '+' || c == '/' }, 4)
}

var (
	plainBase64 = base64.RawStdEncoding
	plainBase32 = base32.StdEncoding.WithPadding(base32.NoPadding)
)

func decodeBase32(m *budget, s string) (string, bool) {
	return m.decodeBits(s, plainBase32.DecodedLen, plainBase32.Decode,
		func(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '2' && c <= '7' }, 8)
}

func (m *budget) decodeBits(s string, size func(int) int, decode func(dst, src []byte) (int, error), valid func(byte) bool, group int) (string, bool) {
	if !m.spend(3 * len(s)) { // without line breaks, as bytes, as text
		return "", false
	}
	clean := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		if valid(c) {
			clean = append(clean, c)
		} else if strings.IndexByte(" \t\r\n", c) < 0 {
			break
		}
	}
	out := make([]byte, size(len(clean)))
	n, err := decode(out, clean)
	if err != nil {
		n, _ = decode(out, clean[:len(clean)/group*group])
	}
	return string(out[:n]), true
}

func decodeHex(m *budget, s string) (string, bool) {
	if !m.spend(len(s) + len(s)/2) {
		return "", false
	}
	var out strings.Builder
	out.Grow(len(s) / 2)
	high := -1
	for i := range len(s) {
		v := hexValue(s[i])
		switch {
		case v < 0:
		case high < 0:
			high = v
		default:
			out.WriteByte(byte(high<<4 | v))
			high = -1
		}
	}
	return out.String(), true
}

func reverseLines(m *budget, s string) (string, bool) {
	if !m.spend(4 * len(s)) { // a byte that is no UTF-8 gives three
		return "", false
	}
	var out strings.Builder
	out.Grow(len(s))
	for line := range strings.Lines(s) {
		body, newline := strings.CutSuffix(line, "\n")
		for body != "" {
			r, n := utf8.DecodeLastRuneInString(body)
			out.WriteRune(r)
			body = body[:len(body)-n]
		}
		if newline {
			out.WriteByte('\n')
		}
	}
	return out.String(), true
}

func lastFirst(m *budget, s string) (string, bool) {
	if !m.spend(2 * len(s)) {
		return "", false
	}
	var out strings.Builder
	out.Grow(len(s))
	for s != "" {
		at := strings.LastIndexByte(s[:len(s)-1], '\n') + 1
		out.WriteString(s[at:])
		s = s[:at]
	}
	return out.String(), true
}
