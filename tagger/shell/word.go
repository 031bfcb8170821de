package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// word is one word of a command after expansion and quote removal.
type word struct {
	text   string
	known  bool   // nothing of it depends on the system it runs on
	substs bool   // text shows substitutions whose commands are reported
	base   int32  // where the base name begins, unless known
	sub    *place // of the substitutions in it
}

// name returns the base name of a program.
func (w *word) name() string {
	at := int(w.base)
	if w.known {
		at = strings.LastIndexByte(w.text, '/') + 1
	}
	if at >= len(w.text) {
		return w.text
	}
	return w.text[at:]
}

// speller makes words from the text of one word in the source.
type speller struct {
	b    *build
	src  *sourceText
	at   *place
	raw  string       // the word as it is written
	ast  *syntax.Word // when the full parser has parsed it
	off  int          // of the text in the source
	size int          // of the text

	from    int  // where the word in progress begins in the buffer
	base    int  // of its base name
	unknown bool // it holds an expansion that cannot be known
	some    bool // it exists, even if it is empty
	substs  bool
	escaped bool // a numeric escape was decoded in it
	broke   bool // something of it could not be paid for
	afterIF bool // the last expansion was of IFS
	sub     *place
	throw   bool // words are not wanted, only what happens in them
	inner   int  // expansions within expansions around it
}

// expand pushes the words that the text at off of the source gives. Unquoted
// expansions may give several words or none.
func (b *build) expand(src *sourceText, at *place, off int, raw string, ast *syntax.Word) {
	if alternatives := b.braces(raw); alternatives != nil {
		start, end := src.span(off, off+len(raw))
		fixed := sourceText{text: raw, start: start, end: end, quiet: src.quiet}
		for _, alt := range alternatives {
			s := speller{b: b, src: &fixed, at: at, raw: alt, size: len(raw), from: len(b.spool.buf)}
			s.parts(alt, false)
			s.finish()
		}
		return
	}
	s := speller{b: b, src: src, at: at, raw: raw, ast: ast, off: off, size: len(raw), from: len(b.spool.buf)}
	s.parts(raw, false)
	s.finish()
}

// expandOne returns the text as a single word, as in assignments and
// redirections, which are not split.
func (b *build) expandOne(src *sourceText, at *place, off int, raw string, ast *syntax.Word) word {
	mark := len(b.words)
	s := speller{b: b, src: src, at: at, raw: raw, ast: ast, off: off, size: len(raw), from: len(b.spool.buf), some: true}
	s.parts(raw, true)
	w := s.take()
	b.words = b.words[:mark]
	return w
}

// document expands the body of a here-document whose delimiter is not quoted.
func (b *build) document(src *sourceText, at *place, off int, raw string, ast *syntax.Word) word {
	s := speller{b: b, src: src, at: at, raw: raw, ast: ast, off: off, size: len(raw), from: len(b.spool.buf), some: true}
	s.double(raw, 0, true)
	return s.take()
}

func (s *speller) put(text string) {
	if i := strings.LastIndexByte(text, '/'); i >= 0 {
		s.base = len(s.b.spool.buf) - s.from + i + 1
	}
	s.add(text)
	s.some, s.afterIF = true, false
}

// add appends a text as it is. If the budget does not allow it, the word stays as written.
func (s *speller) add(text string) {
	if !s.b.moved.put(&s.b.spool, text, s.from+s.size, &s.b.copies) {
		s.broke = true
	}
}

// asWritten puts an expansion that cannot be known.
func (s *speller) asWritten(text string) {
	s.add(text)
	s.unknown, s.some = true, true
}

// value puts the value of an expansion, which is split when it is not quoted.
func (s *speller) value(text string, quoted bool) {
	if !s.b.text.spend(len(text)) {
		s.broke, s.some = true, true
		return
	}
	if quoted {
		s.put(text)
		return
	}
	also := s.b.separators()
	for text != "" && !s.broke {
		n := splitAt(text, also)
		if n < 0 {
			s.put(text)
			return
		}
		if n > 0 {
			s.put(text[:n])
		}
		if s.some && !s.b.text.spend(wordCost) {
			s.broke = true
			return
		}
		s.finish()
		text = text[n+1:]
	}
}

// finish pushes the current word, if any, and begins another.
func (s *speller) finish() {
	if s.some {
		s.b.push(s.src, s.take())
	}
}

// push adds a word. Words of the original are limited by its size. Those of layers and
// substitutions may be in many of them, so they are paid for.
func (b *build) push(src *sourceText, w word) {
	if src == &b.src || b.text.spend(wordCost/4) {
		b.words = append(b.words, w)
	}
}

// wordCost is the cost of a word besides its text.
const wordCost = 128

// take returns the current word and begins another. If the budget does not allow it, the
// word is as written.
func (s *speller) take() word {
	b := s.b
	w := word{known: !s.unknown, base: int32(s.base), substs: s.substs, sub: s.sub}
	ok := false
	if !s.broke {
		w.text, ok = b.copies.keep(b.spool.buf[s.from:])
	}
	if !ok {
		w.text, w.known, w.substs, w.base, s.escaped, s.broke = s.raw, false, true, int32(strings.LastIndexByte(s.raw, '/')+1), false, true
	}
	s.drop()
	if s.escaped && !s.throw {
		start, end := s.src.span(s.off, s.off+s.size)
		b.found(Layer{Text: w.text, How: "escape", Depth: s.at.depth, Start: start, End: end})
	}
	s.base, s.unknown, s.some, s.substs, s.escaped = 0, false, false, false, false
	return w
}

// drop forgets the word in progress.
func (s *speller) drop() { s.b.spool.buf = s.b.spool.buf[:s.from] }

// parts expands unquoted text; whole, its expansions are not split into words.
func (s *speller) parts(text string, whole bool) {
	for i := 0; i < len(text); {
		if n := plainLen(text[i:], false); n > 0 {
			s.put(text[i : i+n])
			i += n
			continue
		}
		if b := s.b; text[i] != 0 && text[i] != '\\' {
			if b.expansions++; b.expansions > maxExpansions {
				b.bounded = true
				s.asWritten(text[i:])
				return
			}
		}
		end := skipPart(text, i)
		switch c := text[i]; {
		case c == 0:
		case c == '\\':
			if end == i+1 || text[i+1] != '\n' {
				s.put(text[end-1 : end])
			}
		case c == '\'':
			s.put(closed(text[i+1:end], '\''))
		case c == '"':
			s.some = true
			s.double(closed(text[i+1:end], '"'), i+1, false)
		case (c == '<' || c == '>') && i+1 < len(text) && text[i+1] == '(':
			end = s.process(text, i)
		case c == '$' && end > i+1 && text[i+1] == '\'':
			s.ansi(closed(text[i+2:end], '\''))
		case c == '$' && i+1 < len(text) && text[i+1] == '"':
			end = i + 1
		default:
			end = s.expansion(text, i, end, whole)
		}
		i = end
	}
}

// plainLen returns how many bytes at the start of text have no special meaning, unquoted
// or between double quotes.
func plainLen(text string, quoted bool) int {
	for i := range len(text) {
		switch text[i] {
		case '\\', '`', '$', 0:
			return i
		case '\'', '"', '<', '>':
			if !quoted {
				return i
			}
		}
	}
	return len(text)
}

// closed removes the closing quote, which torn input lacks.
func closed(s string, quote byte) string {
	if n := len(s); n > 0 && s[n-1] == quote {
		return s[:n-1]
	}
	return s
}

// double expands the text between double quotes, which begins at off of the
// word, or that of a here-document.
func (s *speller) double(text string, off int, document bool) {
	outer := s.off
	s.off += off
	defer func() { s.off = outer }()
	for i := 0; i < len(text); {
		if n := plainLen(text[i:], true); n > 0 {
			s.put(text[i : i+n])
			i += n
			continue
		}
		if s.b.expansions > maxExpansions {
			s.asWritten(text[i:])
			return
		}
		end := i + 1
		switch c := text[i]; {
		case c == 0:
		case c == '\\':
			switch next := byteAt(text, i+1); {
			case next == '\n':
				end = i + 2
			case next == '$' || next == '`' || next == '\\' || next == '"' && !document:
				s.put(text[i+1 : i+2])
				end = i + 2
			default:
				s.put(`\`)
			}
		case c == '$' && byteAt(text, i+1) == '\'':
			s.put("$")
		default:
			s.b.expansions++
			end = s.expansion(text, i, skipPart(text, i), true)
		}
		i = end
	}
}

func byteAt(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// ansi puts the text of $'…'.
func (s *speller) ansi(text string) {
	out, numeric, _ := s.b.text.unescape(text, ansiEscapes)
	s.put(out)
	s.escaped = s.escaped || numeric
}

// expansion expands what begins with $ or ` at i, and ends at end unless the
// full parser knows better. It returns where it ends.
func (s *speller) expansion(text string, i, end int, quoted bool) int {
	if text[i] == '`' || byteAt(text, i+1) == '(' && !strings.HasPrefix(text[i:], "$((") {
		return s.substitution(text, i, end, quoted)
	}
	if strings.HasPrefix(text[i:], "$((") {
		if !strings.HasSuffix(text[i:end], "))") {
			return s.substitution(text, i, end, quoted)
		}
		s.happen(text[i+3:end-2], i+3)
		s.asWritten(text[i:end])
		return end
	}
	if byteAt(text, i+1) != '{' {
		end = i + 1 + parameterLen(text[i+1:])
		if end == i+1 {
			s.put("$")
			return end
		}
	}
	s.parameter(text[i:end], i, quoted)
	return end
}

// parameterLen returns the length of the name after a dollar sign.
func parameterLen(s string) int {
	n := 0
	for n < len(s) && (s[n] == '_' || isAlnum(s[n])) && (n > 0 || s[0] > '9') {
		n++
	}
	if n == 0 && s != "" && strings.IndexByte("@*#?-$!0123456789", s[0]) >= 0 {
		return 1
	}
	return n
}

// maxInner bounds expansions within expansions, ${a:-${b:-$(c)}}.
const maxInner = 8

// happen runs the substitutions in text and ignores their output.
func (s *speller) happen(text string, off int) {
	if !strings.Contains(text, "$(") && !strings.Contains(text, "`") {
		return
	}
	if s.inner >= maxInner {
		s.b.bounded = true
		return
	}
	mark := len(s.b.words)
	in := speller{b: s.b, src: s.src, at: s.at, ast: s.ast, off: s.off + off, from: len(s.b.spool.buf), throw: true, sub: s.sub, inner: s.inner + 1}
	in.double(text, 0, true)
	in.drop()
	s.sub = in.sub
	s.b.words = s.b.words[:mark]
}

// substitution runs a command substitution and appends its output, if that is known.
func (s *speller) substitution(text string, i, end int, quoted bool) int {
	node := s.node(i)
	if node != nil {
		end = min(len(text), max(i+1, int(node.End().Offset())-s.off))
	}
	if text[i] == '`' && strings.Contains(text[i:end], `\`) {
		node = nil // its text stands there with one more layer of backslashes
	}
	out, ok := s.inside(text, i, end, node)
	if ok && out.known {
		s.value(strings.TrimRight(out.text, "\n"), quoted)
		s.some = s.some || quoted
		return end
	}
	s.asWritten(text[i:end])
	s.substs = true
	return end
}

// process runs a process substitution.
func (s *speller) process(text string, i int) int {
	end := skipParens(text, i+2)
	node := s.node(i)
	if node != nil {
		end = min(len(text), max(i+1, int(node.End().Offset())-s.off))
	}
	s.inside(text, i, end, node)
	s.asWritten(text[i:end])
	s.substs = true
	return end
}

// maxSubsts bounds the substitutions that are run.
const maxSubsts = 4096

// maxExpansions bounds the number of expansions; the text after them stays as written.
const maxExpansions = 16384

// inside runs the commands of the substitution text[i:end].
func (s *speller) inside(text string, i, end int, node syntax.Node) (stream, bool) {
	b := s.b
	if s.src.quiet || b.full() {
		return stream{}, false
	}
	if b.substs++; s.at.depth+1 > b.limits.Depth || b.substs > maxSubsts {
		b.bounded = true
		return stream{}, false
	}
	if s.sub == nil {
		s.sub = &place{depth: s.at.depth + 1, wrappers: s.at.wrappers, background: s.at.background, process: s.at.process}
	}
	switch n := node.(type) {
	case *syntax.CmdSubst:
		return b.statements(s.src, n.Stmts, s.sub, stream{}), true
	case *syntax.ProcSubst:
		return b.statements(s.src, n.Stmts, s.sub, stream{}), true
	}
	from, to := i+2, end
	if text[i] == '`' {
		from = i + 1
	}
	from = min(from, to)
	if to > from && (text[to-1] == ')' || text[to-1] == '`') {
		to--
	}
	inner := text[from:to]
	if !b.text.spend(len(inner)) {
		return stream{}, false
	}
	start, stop := s.src.span(s.off+from, s.off+to)
	src := sourceText{text: inner, start: start, end: stop, original: s.src.original}
	if text[i] == '`' && strings.Contains(inner, `\`) {
		var ok bool
		if src.text, ok = b.text.unescapeBackquotes(inner); !ok {
			return stream{}, false
		}
		src.original = false
	}
	return b.run(&src, s.sub, stream{}), true
}

// node returns the substitution that the full parser found at i of the word.
func (s *speller) node(i int) syntax.Node {
	if s.ast == nil {
		return nil
	}
	return substAt(s.ast.Parts, uint(s.off+i))
}

func substAt(parts []syntax.WordPart, at uint) syntax.Node {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.CmdSubst:
			if p.Left.Offset() == at {
				return p
			}
		case *syntax.ProcSubst:
			if p.OpPos.Offset() == at {
				return p
			}
		case *syntax.DblQuoted:
			if n := substAt(p.Parts, at); n != nil {
				return n
			}
		}
	}
	return nil
}
