package shell

import (
	"slices"
	"strings"
)

// The scanner splits a text into words and operators. Strictly, it accepts a
// small part of the language (plain words, quotes without expansions, lists,
// pipelines, simple redirections), for which it gives what the full parser
// would, several times faster; the property test compares the two. Tolerantly
// it accepts every text.

type tokenKind uint8

const (
	wordToken  tokenKind = iota
	endToken             // ; or newline
	ampToken             // &
	andToken             // &&
	orToken              // ||
	pipeToken            // | or |&
	openToken            // (
	closeToken           // )
	redirToken           // a redirection operator
)

type token struct {
	kind       tokenKind
	plain      bool // a word without quotes and expansions
	op         redirOp
	start, end int32
	// For a here-document: where its body is.
	body, bodyEnd int32
}

// Bytes by their meaning to the scanner.
const (
	plainByte  uint8 = iota
	blankByte        // blank or tab
	operByte         // operator or newline
	quoteByte        // ' or "
	expandByte       // $ ` \ : strictly not ours
	braceByte        // { } # ! : plain inside a word unless strict
	oddByte          // control characters and what is not ASCII
)

var byteClass = func() (t [256]uint8) {
	for c := range t {
		if c < ' ' || c >= 0x7f {
			t[c] = oddByte
		}
	}
	t[' '], t['\t'] = blankByte, blankByte
	for _, c := range "\n;&|<>()" {
		t[c] = operByte
	}
	t['\''], t['"'] = quoteByte, quoteByte
	t['$'], t['`'], t['\\'] = expandByte, expandByte, expandByte
	for _, c := range "{}#!" {
		t[c] = braceByte
	}
	return t
}()

// Limits for one text. A command with more words loses the rest of them, so padding does
// not hide the commands after it.
const (
	maxWords      = 4096
	maxTokenCount = 32 << 10
)

type scanner struct {
	b      *build
	text   string
	strict bool
	pos    int
	mark   int   // where its tokens begin in b.toks
	words  int   // of the command in progress
	first  bool  // the next word is in command position
	hdocs  []int // redirection tokens whose here-document has not begun
}

// scan appends the tokens of the text to b.toks. Strictly, it returns false for
// a text that it leaves to the full parser.
func (b *build) scan(text string, strict bool) bool {
	s := scanner{b: b, text: text, strict: strict, first: true, mark: len(b.toks)}
	for s.pos < len(text) {
		if len(b.toks)-s.mark >= maxTokenCount {
			b.bounded = true
			break
		}
		var ok bool
		switch byteClass[text[s.pos]] {
		case blankByte:
			s.pos++
			continue
		case operByte:
			ok = s.operator()
		default:
			ok = s.word()
		}
		if strict && !ok {
			return false
		}
	}
	return !strict || s.complete()
}

// complete reports whether a strictly scanned text is a whole one.
func (s *scanner) complete() bool {
	toks := s.b.toks
	if len(toks) == s.mark {
		return true
	}
	switch toks[len(toks)-1].kind {
	case andToken, orToken, pipeToken, redirToken:
		return false
	}
	return true
}

func (s *scanner) push(t token) {
	if t.kind != wordToken {
		s.words = 0
	} else if s.words++; s.words > maxWords {
		s.b.bounded = true
		return
	}
	if n := len(s.b.toks); n == cap(s.b.toks) && n >= 2048 {
		s.b.toks = slices.Grow(s.b.toks, maxTokenCount) // once, not piece by piece
	}
	s.b.toks = append(s.b.toks, t)
}

// at returns the byte n places on, or 0.
func (s *scanner) at(n int) byte {
	if s.pos+n < len(s.text) {
		return s.text[s.pos+n]
	}
	return 0
}

// operator reads the operator at pos. It returns false if the strict scanner does not
// handle it.
func (s *scanner) operator() bool {
	start, toks := s.pos, s.b.toks
	t := token{start: int32(start)}
	size := 1
	switch c, next := s.text[start], s.at(1); {
	case c == '<' || c == '>' || c == '&' && next == '>':
		return s.redirection(start)
	case c == '(' || c == ')':
		t.kind = openToken
		if c == ')' {
			t.kind = closeToken
		}
		if s.strict {
			return false
		}
	case c == '&' && next == '&':
		t.kind, size = andToken, 2
	case c == '|' && next == '|':
		t.kind, size = orToken, 2
	case c == '|':
		t.kind = pipeToken
		if next == '&' {
			if s.strict {
				return false
			}
			size = 2
		}
	case c == '&':
		t.kind = ampToken
	case c == '\n':
		if s.strict && s.wantsTarget() {
			return false
		}
		s.pos++
		if len(s.hdocs) > 0 {
			s.bodies()
		}
		if !s.needsMore() {
			s.push(token{kind: endToken, start: int32(start), end: int32(start) + 1})
		}
		s.first = true
		return true
	default:
		t.kind = endToken
	}
	if s.strict {
		// An operator needs a command before it, and ;; is for case only.
		if len(toks) == s.mark || toks[len(toks)-1].kind != wordToken || s.wantsTarget() {
			return false
		}
	}
	s.pos += size
	t.end = int32(s.pos)
	s.push(t)
	s.first = true
	return true
}

// needsMore reports whether the list continues after a newline.
func (s *scanner) needsMore() bool {
	toks := s.b.toks
	if len(toks) == s.mark {
		return true
	}
	switch toks[len(toks)-1].kind {
	case andToken, orToken, pipeToken, endToken, ampToken:
		return true
	}
	return false
}

// wantsTarget reports whether the last token is a redirection operator.
func (s *scanner) wantsTarget() bool {
	toks := s.b.toks
	return len(toks) > s.mark && toks[len(toks)-1].kind == redirToken
}

// redirection takes a redirection operator at pos; start is where its
// descriptor begins.
func (s *scanner) redirection(start int) bool {
	if s.strict && s.wantsTarget() {
		return false
	}
	rest := s.text[s.pos:min(len(s.text), s.pos+3)]
	t := token{kind: redirToken, start: int32(start)}
	size := 0
	for _, o := range operators {
		if strings.HasPrefix(rest, o.text) {
			t.op, size = o.op, len(o.text)
			break
		}
	}
	if t.op == procOp && !s.strict { // <( and >( begin a word
		return s.word()
	}
	if s.strict && (t.op == procOp || t.op == heredocOp || t.op == herestringOp || t.op == dupOp && !s.duplicates(size)) {
		return false
	}
	s.pos += size
	t.end = int32(s.pos)
	s.push(t)
	if t.op == heredocOp {
		s.hdocs = append(s.hdocs, len(s.b.toks)-1)
	}
	return true
}

// duplicates reports whether a digit or a minus sign follows the operator, as
// in 2>&1.
func (s *scanner) duplicates(size int) bool {
	c := s.at(size)
	next := s.at(size + 1)
	return c >= '0' && c <= '9' && (next == 0 || byteClass[next] == blankByte || byteClass[next] == operByte && next != '<' && next != '>')
}

// operators are the redirection operators, longer ones first.
var operators = []struct {
	text string
	op   redirOp
}{
	{"<<<", herestringOp}, {"<<-", heredocOp}, {"<<", heredocOp}, {"<&", dupOp}, {"<>", readWriteOp}, {"<(", procOp}, {"<", readOp},
	{">>", appendOp}, {">&", dupOp}, {">|", writeOp}, {">(", procOp}, {">", writeOp},
	{"&>>", appendOp}, {"&>", writeOp},
}

// word takes the word at pos, or the descriptor of a redirection.
func (s *scanner) word() bool {
	start := s.pos
	if s.text[start] == '#' {
		return s.comment()
	}
	plain := true
	i := start
	for i < len(s.text) {
		c := s.text[i]
		class := byteClass[c]
		if class == plainByte {
			i++
			continue
		}
		if class == blankByte || class == operByte {
			if (c == '<' || c == '>') && i+1 < len(s.text) && s.text[i+1] == '(' && !s.strict {
				plain = false
				i = skipParens(s.text, i+2)
				continue
			}
			break
		}
		if s.strict {
			end := s.strictPart(i)
			if end < 0 {
				return false
			}
			plain = plain && class == oddByte
			i = end
			continue
		}
		if class == quoteByte || class == expandByte {
			plain = false
			i = skipPart(s.text, i)
			continue
		}
		plain = plain && c != '{' && c != 0
		i++
	}
	s.pos = i
	if i < len(s.text) && (s.text[i] == '<' || s.text[i] == '>') && isDigits(s.text[start:i]) {
		return s.redirection(start)
	}
	target := s.wantsTarget()
	if s.strict && !target && !s.acceptable(s.text[start:i], plain) {
		return false
	}
	s.push(token{kind: wordToken, plain: plain, start: int32(start), end: int32(i)})
	return true
}

// strictPart returns the index after the quoted string, variable, escaped byte
// or other byte at i, or -1 when it is nothing for strict scanning.
func (s *scanner) strictPart(i int) int {
	switch c := s.text[i]; {
	case c == '\'':
		n := strings.IndexByte(s.text[i+1:], c)
		if n < 0 || !graphic(s.text[i+1:i+1+n]) {
			return -1
		}
		return i + n + 2
	case c == '"':
		for i++; i < len(s.text) && s.text[i] != '"'; {
			switch c := s.text[i]; {
			case c == '`' || !graphicByte(c):
				return -1
			case c == '$' || c == '\\':
				if i = s.strictPart(i); i < 0 {
					return -1
				}
			default:
				i++
			}
		}
		if i == len(s.text) {
			return -1
		}
		return i + 1
	case c == '$':
		return s.strictVariable(i + 1)
	case c == '\\' && i+1 < len(s.text) && s.text[i+1] > ' ' && s.text[i+1] < 0x7f:
		return i + 2
	case c > 0x7f:
		return i + 1
	}
	return -1
}

// strictVariable returns the index after name or {name} at i, or -1.
func (s *scanner) strictVariable(i int) int {
	braced := i < len(s.text) && s.text[i] == '{'
	if braced {
		i++
	}
	n := parameterLen(s.text[i:])
	if n == 0 || !isName(s.text[i:i+n]) {
		return -1
	}
	i += n
	if !braced {
		if i < len(s.text) && s.text[i] == '[' {
			return -1
		}
		return i
	}
	if i == len(s.text) || s.text[i] != '}' {
		return -1
	}
	return i + 1
}

// graphic reports whether the full parser treats no byte of the quoted text specially.
func graphic(s string) bool {
	for i := range len(s) {
		if !graphicByte(s[i]) {
			return false
		}
	}
	return true
}

func graphicByte(c byte) bool { return c >= ' ' && c != 0x7f || c == '\n' || c == '\t' }

// acceptable reports whether the strict scanner may use the word in its place.
func (s *scanner) acceptable(word string, plain bool) bool {
	if !s.first {
		return true
	}
	if eq := strings.IndexByte(word, '='); eq > 0 && isName(word[:eq]) {
		return true
	}
	s.first = false
	if strings.ContainsAny(word, "[+=") && strings.IndexByte(word, '=') > 0 {
		return false // an assignment that the full parser reads in its own way
	}
	if i := strings.IndexByte(word, '['); i > 0 && isName(word[:i]) {
		return false
	}
	return !plain || !reserved(word)
}

// reserved reports whether the full parser treats a word in command position
// as more than a program's name.
func reserved(word string) bool {
	switch word {
	case "if", "then", "else", "elif", "fi", "for", "select", "while", "until", "do", "done", "case", "esac", "in",
		"function", "time", "coproc", "declare", "local", "export", "readonly", "typeset", "nameref", "let", "[[", "]]", "@test",
		"foreach", "end", "repeat", "noglob":
		return true
	}
	return false
}

// comment skips the rest of the line, newline excluded.
func (s *scanner) comment() bool {
	if s.strict {
		return false
	}
	n := strings.IndexByte(s.text[s.pos:], '\n')
	if n < 0 {
		n = len(s.text) - s.pos
	}
	s.pos += n
	return true
}

// bodies takes the here-documents that begin at pos. One whose end is missing
// has the rest of the text.
func (s *scanner) bodies() {
	toks := s.b.toks
	for _, at := range s.hdocs {
		if at+1 >= len(toks) || toks[at+1].kind != wordToken {
			continue
		}
		delim := s.b.text.unquote(s.text[toks[at+1].start:toks[at+1].end])
		tabs := strings.HasPrefix(s.text[toks[at].start:toks[at].end], "<<-")
		toks[at].body, toks[at].bodyEnd = int32(s.pos), int32(len(s.text))
		for s.pos < len(s.text) {
			line, from := s.text[s.pos:], s.pos
			if n := strings.IndexByte(line, '\n'); n >= 0 {
				line = line[:n]
			}
			s.pos = min(len(s.text), s.pos+len(line)+1)
			line = strings.TrimSuffix(line, "\r")
			if tabs {
				line = strings.TrimLeft(line, "\t")
			}
			if line == delim {
				toks[at].bodyEnd = int32(from)
				break
			}
		}
	}
	s.hdocs = s.hdocs[:0]
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isName reports whether s can name a variable.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
