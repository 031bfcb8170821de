package shell

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// variable is what the script is known to assign.
type variable struct {
	text string
	list []string // of an array
}

// maxValue bounds the stored value of one variable.
const maxValue = 64 << 10

// assign stores a literal value; an unknown value deletes the variable.
func (b *build) assign(name string, w word) {
	if !w.known || len(w.text) > maxValue || len(b.vars) >= 1024 {
		delete(b.vars, name)
		return
	}
	if b.vars == nil {
		b.vars = map[string]variable{}
	}
	b.vars[name] = variable{text: w.text}
}

// separators returns the bytes that unquoted expansions are split at, besides
// blanks.
func (b *build) separators() *[256]bool {
	v := b.vars["IFS"]
	if v.text != b.ifs && b.text.spend(len(v.text)) {
		b.ifs, b.separates = v.text, [256]bool{}
		for i := range len(v.text) {
			b.separates[v.text[i]] = v.text[i] < utf8.RuneSelf
		}
	}
	return &b.separates
}

// splitAt returns where the first separator of a text is, or -1.
func splitAt(text string, also *[256]bool) int {
	for i := range len(text) {
		if c := text[i]; c == ' ' || c == '\t' || c == '\n' || also[c] {
			return i
		}
	}
	return -1
}

// parameter puts the expansion text ($x or ${…}) that begins at off of the word.
func (s *speller) parameter(text string, off int, quoted bool) {
	inner := text[1:]
	if strings.HasPrefix(inner, "{") {
		inner = strings.TrimSuffix(inner[1:], "}")
		s.happen(inner, off+2)
	}
	n := parameterLen(inner)
	name, op := inner[:n], inner[n:]
	v, known := s.b.vars[name]
	after := s.afterIF
	s.afterIF = false
	switch {
	case name == "IFS" && !known && (op == "" || !quoted):
		s.afterIF = true
		s.value(" ", quoted)
	case name == "@" || name == "*" || after && isDigits(name):
		s.positional(text, op, after)
	case name == "#" && isName(op):
		if v, ok := s.b.vars[op]; ok {
			s.value(strconv.Itoa(len(v.text)), quoted)
			return
		}
		s.asWritten(text)
	default:
		out, ok := s.b.parameterValue(name, op, v, known)
		if !ok {
			s.asWritten(text)
			return
		}
		s.value(out, quoted)
	}
}

// positional puts $@, $* and, after $IFS, $1 to $9. A command that is typed has
// no positional parameters: inside a word they are there to break it up, and
// give nothing. Alone they are kept as written.
func (s *speller) positional(text, op string, after bool) {
	if !after && (op != "" || !s.some || len(s.b.spool.buf) == s.from) {
		s.asWritten(text)
	}
}

// parameterValue returns the value of ${name op}, if it can be known.
func (b *build) parameterValue(name, op string, v variable, known bool) (string, bool) {
	switch {
	case op == "":
		return v.text, known
	case op == "[@]" || op == "[*]":
		if !known || v.list == nil {
			return "", false
		}
		return b.text.join(v.list, "")
	case op[0] == '[' && op[len(op)-1] == ']':
		i, err := strconv.Atoi(op[1 : len(op)-1])
		if err != nil || i < 0 || i >= len(v.list) {
			return "", false
		}
		return v.list[i], true
	}
	if value, ok, is := b.defaulted(name, op, v, known); is {
		return value, ok
	}
	if op[0] == ':' {
		text := v.text
		if !known {
			if name != "PATH" && name != "HOME" && name != "PWD" && name != "SHELL" {
				return "", false
			}
			text = "/" // all that is known of them
			if op != ":0:1" && op != "::1" {
				return "", false
			}
		}
		return substring(text, op[1:])
	}
	if !known {
		return "", false
	}
	return b.modified(v.text, op)
}

// defaulted handles ${x:-w}, ${x:=w} and ${x:+w}. A variable that the script does not
// assign counts as unset: that is what w is for.
func (b *build) defaulted(name, op string, v variable, known bool) (value string, ok, is bool) {
	colon := strings.TrimPrefix(op, ":")
	if colon == "" || strings.IndexByte("-=+", colon[0]) < 0 || !isName(name) {
		return "", false, false
	}
	set := known && (v.text != "" || len(colon) == len(op))
	alternative := b.text.unquote(colon[1:])
	literal := !strings.ContainsAny(alternative, "$`")
	switch {
	case colon[0] == '+':
		if !set { // names in capitals may come from the environment
			return "", known || name[0] >= 'a', true
		}
		return alternative, literal, true
	case set:
		return v.text, true, true
	}
	if colon[0] == '=' && literal {
		b.assign(name, word{text: alternative, known: true})
	}
	return alternative, literal, true
}

// substring returns the part that offset:length names.
func substring(text, spec string) (string, bool) {
	first, second, both := strings.Cut(spec, ":")
	first = strings.Trim(first, " ()")
	if first == "" {
		first = "0"
	}
	from, err := strconv.Atoi(first)
	if err != nil {
		return "", false
	}
	if from < 0 {
		from += len(text)
	}
	if from < 0 || from > len(text) {
		return "", true
	}
	to := len(text)
	if both {
		n, err := strconv.Atoi(strings.TrimSpace(second))
		if err != nil {
			return "", false
		}
		if to = from + n; n < 0 {
			to = len(text) + n
		}
	}
	if to < from {
		return "", true
	}
	return text[from:min(to, len(text))], true
}

// modified applies the literal forms of #, %, /, ^ and , to a value.
func (b *build) modified(text, op string) (string, bool) {
	switch op {
	case "^^":
		return b.text.upper(text)
	case ",,":
		return b.text.lower(text)
	}
	pattern := strings.TrimLeft(op, op[:1])
	if strings.ContainsAny(pattern, "*?[$`\\") {
		return "", false
	}
	switch op[0] {
	case '#':
		return strings.TrimPrefix(text, b.text.unquote(pattern)), true
	case '%':
		return strings.TrimSuffix(text, b.text.unquote(pattern)), true
	case '/':
		old, with, _ := strings.Cut(pattern, "/")
		if old = b.text.unquote(old); old == "" {
			return text, true
		}
		n := 1
		if strings.HasPrefix(op, "//") {
			n = -1
		}
		if len(with) > 256 {
			return "", false
		}
		return b.text.replace(text, old, b.text.unquote(with), n)
	}
	return "", false
}
