package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Parser parses texts one after another and reuses its working memory. It is not safe
// for concurrent use, but the scripts that it returns are.
type Parser struct {
	// Processes makes scripts list the processes that a text starts.
	Processes bool

	limits Limits
	panics bool // tests: no panic is hidden
	b      build
}

// NewParser returns a parser with the given limits.
func NewParser(limits Limits) *Parser { return &Parser{limits: limits.withDefaults()} }

func (l Limits) withDefaults() Limits {
	if l.Depth <= 0 {
		l.Depth = 8
	}
	if l.Commands <= 0 {
		l.Commands = 4096
	}
	if l.Bytes <= 0 {
		l.Bytes = 1 << 20
	}
	return l
}

// Parse returns what the text does. It never fails and never returns nil. The
// script shares memory with the text.
func (p *Parser) Parse(text string) *Script { return p.parse(text, (*build).finish) }

// View is like Parse for a script that is not kept: its lists, but not their texts,
// become invalid when the parser is used again. It takes half the memory.
func (p *Parser) View(text string) *Script { return p.parse(text, (*build).view) }

func (p *Parser) parse(text string, finish func(*build) *Script) (script *Script) {
	defer func() {
		if r := recover(); r != nil {
			if p.panics {
				panic(r)
			}
			p.b = build{}
			script = &Script{Bounded: true, Fallback: true}
		}
	}()
	p.b.reset(p.limits)
	copied := min(len(text), copiedSource)
	p.b.copies = budget{limit: 2*p.limits.Bytes + 2*copied + maxValue}
	p.b.moved = budget{limit: 4*p.limits.Bytes + 4*copied + maxValue}
	p.b.listing, p.b.lines = p.Processes, budget{limit: p.limits.Bytes + 2*copied + maxValue}
	if len(text) > maxSource {
		text, p.b.bounded = text[:maxSource], true
	}
	p.b.typed = text
	if strings.Contains(text, "\r\n") { // as terminals send it; offsets stay
		text, _ = p.b.text.replace(text, "\r\n", "\n\n", -1)
	}
	p.b.src = sourceText{text: text, end: len(text), original: true, started: true, by: -1}
	p.b.run(&p.b.src, &p.b.root, stream{})
	return finish(&p.b)
}

// Work returns how many bytes the last parse walked, made and copied, of those that
// Limits.Bytes bounds.
func (p *Parser) Work() int {
	return p.b.text.spent + p.b.copies.spent + p.b.moved.spent + p.b.lists.spent + p.b.lines.spent
}

// copiedSource is how much text may be copied for words, lines and assignments. If a text
// uses up its budget, that must not affect the plain commands after it, so copies have
// their own budget: each byte of the source and of the output may be in a word and in a
// line. The same goes for the buffer that words pass through, which costs no memory.
const copiedSource = 1 << 20

// maxSource bounds the text that is parsed.
const maxSource = 64 << 20

// build is the state of one parse.
type build struct {
	limits Limits
	slow   bool // tests: no strict scanning
	sh     *syntax.Parser
	reader strings.Reader
	src    sourceText // the original
	root   place

	cmds    []draft
	layers  []Layer
	bounded bool
	fell    bool // some text was split tolerantly

	text   budget // what expansion, decoding and layers produce, and what they walk
	copies budget // what words, lines and assignments copy of it and of the source
	moved  budget // what passes through the buffer in which words are put together
	lists  budget // what lists of arrays and pipelines take
	lines  budget // what lines of processes copy

	listing   bool // processes are listed
	typed     string
	processes []Process
	enclosing []enclosing // the wrappers of the command at hand
	unlisted  bool        // a process was left out
	startedOf [processSorts]int

	parsed     int // bytes given to the full parser
	tokens     int // tokens given to the full parser
	piped      int // entries in the program lists of pipelines
	substs     int // substitutions run
	expansions int // expansions and quotes looked at
	braced     int // bytes looked at for braces

	vars      map[string]variable
	ifs       string // the value of IFS that separates is made of
	separates [256]bool
	files     map[string]stream // what the script wrote, by base name

	// Stacks: the function that pushes also pops. Slices of them stay valid when they
	// grow.
	words  []word
	redirs []redir
	spool  spool
	toks   []token

	strs []string // grows until finish

	viewed Script
}

// draft is a command before its lists are packed.
type draft struct {
	Command
	place *place
	fed   []*place // substitutions whose output the command executes
}

// sourceText is a text being parsed: the original or a layer.
type sourceText struct {
	text       string
	start, end int   // span in the original
	original   bool  // the text stands in the original, from start
	quiet      bool  // substitutions in it were already reported
	started    bool  // a shell runs it, of which no process shows it
	by         int32 // the command that brings it, or -1
}

// span converts offsets in the source into a span of the original.
func (s *sourceText) span(from, to int) (start, end int) {
	if s.original {
		return s.start + from, min(s.start+to, s.end)
	}
	return s.start, s.end
}

// slice returns text[from:to], cut to the text.
func (s *sourceText) slice(from, to int) string {
	to = max(min(to, len(s.text)), 0)
	return s.text[min(max(from, 0), to):to]
}

// place is the surroundings of a command: they give it neighbours, wrappers and files.
type place struct {
	parent     *place // whose output its output is; nil at the top and in substitutions
	pipe       *pipeline
	stage      int
	depth      int
	nested     int // commands around it that run it by their arguments
	background bool
	script     bool  // a layer that the outer command read from its input
	process    int32 // that starts what stands here; -1 when the text does not tell
	wrappers   []string
	reads      []string
	writes     []string
	feeds      string // program that executes the output of a substitution
}

// pipeline lists the programs of a pipeline with the stage each belongs to.
type pipeline struct {
	programs []string
	stages   []int // ascending

	before, after [][]string // of a long pipeline, see distinct
}

// stream is what a command writes or reads. A text that is not fully known may be there in
// part, with expansions as written.
type stream struct {
	text   string
	known  bool
	substs bool // text shows substitutions whose commands are already reported
}

func (b *build) reset(limits Limits) {
	b.limits = limits
	b.root = place{process: -1}
	b.processes, b.unlisted = emptied(b.processes, 256), false
	b.startedOf = [processSorts]int{}
	b.bounded, b.fell = false, false
	b.text = budget{limit: limits.Bytes}
	b.lists = budget{limit: limits.Bytes}
	b.ifs, b.separates = "", [256]bool{}
	b.parsed, b.tokens, b.piped, b.substs, b.expansions, b.braced = 0, 0, 0, 0, 0, 0
	clear(b.vars)
	clear(b.files)
	b.layers = nil
	b.cmds = emptied(b.cmds, 64)
	b.viewed.Commands = emptied(b.viewed.Commands, 64)
	b.strs = emptied(b.strs, strsKept)
	if cap(b.words)+cap(b.redirs)+cap(b.toks)+cap(b.spool.buf) > maxKept {
		b.words, b.redirs, b.toks, b.spool.buf = nil, nil, nil, nil
	}
	b.words, b.redirs, b.toks, b.spool = b.words[:0], b.redirs[:0], b.toks[:0], spool{buf: b.spool.buf[:0]}
}

// strsKept is how many strings are made room for at once.
const strsKept = 1024

// maxKept bounds the working memory, in entries, that outlives a parse.
const maxKept = 64 << 10

// emptied empties a slice for the next parse, unless it has grown too large to keep.
func emptied[T any](s []T, keep int) []T {
	if cap(s) > keep {
		return nil
	}
	clear(s)
	return s[:0]
}

// boundMet reports whether something may be missing.
func (b *build) boundMet() bool {
	return b.bounded || b.unlisted || b.lines.met || b.text.met || b.copies.met || b.moved.met || b.lists.met
}

// run reports the commands in a text and returns their output.
func (b *build) run(src *sourceText, at *place, in stream) stream {
	mark := len(b.toks)
	defer func() { b.toks = b.toks[:mark] }()
	if !b.slow && b.scan(src.text, true) {
		b.startTokens(src, mark, at)
		return b.runTokens(src, mark, at, in)
	}
	b.toks = b.toks[:mark]
	if b.affordable(src.text) {
		if file := b.parse(src.text); file != nil {
			if b.listing && src.started && compoundTree(src.text, file.Stmts) {
				b.startText(src, at)
			}
			return b.statements(src, file.Stmts, at, in)
		}
	}
	b.fell = true
	b.scan(src.text, false)
	b.startTokens(src, mark, at)
	return b.runTokens(src, mark, at, in)
}

// parse calls the full parser. It returns nil for text that is valid neither in Bash nor
// in a POSIX shell.
func (b *build) parse(text string) *syntax.File {
	if b.sh == nil {
		b.sh = syntax.NewParser(syntax.Variant(syntax.LangBash))
	}
	b.reader.Reset(text)
	file, err := b.sh.Parse(&b.reader, "")
	b.reader.Reset("")
	if err != nil {
		return nil
	}
	return file
}

// layer parses a text that a command brings: the argument of sh -c, a here-document for a
// shell, the output of a substitution.
func (b *build) layer(c *call, text stream, wrapper string) stream {
	return b.layerOf(c, text, wrapper, true)
}

// layerOf is layer, but also says whether the text is more than an argument of the
// command, whose process would show it.
func (b *build) layerOf(c *call, text stream, wrapper string, started bool) stream {
	if !b.text.spend(len(text.text)) || strings.TrimSpace(text.text) == "" || isBinary(text.text) {
		return stream{}
	}
	if !text.known && (text.text[0] == '$' || text.text[0] == '`') && skipPart(text.text, 0) >= len(strings.TrimRight(text.text, "\n")) {
		return stream{} // nothing but an expansion, already reported
	}
	if c.at.depth+1 > b.limits.Depth {
		b.bounded = true
		return stream{}
	}
	start, end := c.src.span(c.start, c.end)
	src := sourceText{text: text.text, start: start, end: end, quiet: text.substs, started: started, by: int32(c.index)}
	at := &place{parent: c.at, depth: c.at.depth + 1, background: c.at.background || c.background, wrappers: c.at.wrappers, process: c.process}
	in := c.in
	if text == c.in {
		at.script, in = true, stream{}
	}
	at.wrappers = addWrappers(addWrappers(at.wrappers, c.wrappers...), wrapper)
	return b.run(&src, at, in)
}

func (b *build) found(l Layer) {
	if l.Text == "" {
		return
	}
	if len(b.layers) >= maxLayers {
		b.bounded = true
		return
	}
	b.layers = append(b.layers, l)
}

// maxLayers bounds the decoded texts that are kept.
const maxLayers = 256

// isBinary reports whether a text is no text: NUL or other control characters
// that no script holds.
func isBinary(s string) bool {
	bad := 0
	for i := range min(len(s), 4096) {
		switch c := s[i]; {
		case c == 0:
			return true
		case c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1b:
			bad++
		}
	}
	return bad*20 > min(len(s), 4096)
}
