package shell

import (
	"slices"
	"strings"
)

type redirOp uint8

const (
	readOp redirOp = iota
	writeOp
	appendOp
	readWriteOp
	dupOp // 2>&1, or >&file
	heredocOp
	herestringOp
	procOp // <( or >(, which begin a word
)

func (o redirOp) reads() bool { return o == readOp || o == readWriteOp }

func (o redirOp) writes() bool { return o == writeOp || o == appendOp || o == readWriteOp }

type redir struct {
	op     redirOp
	fd     int  // -1 when not written
	target word // the file; of a here-document or here-string its text
}

// given returns the text that a here-document or here-string gives.
func (r *redir) given() (stream, bool) {
	switch r.op {
	case heredocOp, herestringOp:
		return r.target.stream(), true
	}
	return stream{}, false
}

// call is one simple command on its way into the script.
type call struct {
	src        *sourceText
	at         *place
	in         stream // what it reads, as far as the text tells
	words      []word // program and arguments; the program's wrappers come first until unwrap
	assigns    []string
	redirs     []redir
	wrappers   []string
	first      int   // offset of the first word
	shift      int   // from there to the program, when the words stand with one blank between
	start, end int   // span in src
	index      int   // in b.cmds; -1 when the script is full
	process    int32 // which runs what the command brings; -1 for none that is known
	background bool
}

// full reports whether no more commands are kept.
func (b *build) full() bool {
	if len(b.cmds) >= b.limits.Commands {
		b.bounded = true
	}
	return b.bounded && len(b.cmds) >= b.limits.Commands
}

// reserve makes room for a command, so that it comes before those inside it.
func (b *build) reserve() int {
	if b.full() {
		return -1
	}
	if n := len(b.cmds); n == cap(b.cmds) && n >= 512 {
		b.cmds = slices.Grow(b.cmds, b.limits.Commands-n) // once, not piece by piece
	}
	b.cmds = append(b.cmds, draft{})
	return len(b.cmds) - 1
}

// assignment records NAME=value, written as raw, in front of a command or alone.
func (b *build) assignment(c *call, name string, w word, raw string) {
	b.assign(name, w)
	if len(raw) != len(name)+1+len(w.text) || raw[len(name)] != '=' || raw[len(name)+1:] != w.text {
		if text, ok := b.copies.concat(name, "=", w.text); ok {
			raw = text
		}
	}
	c.assigns = append(c.assigns, raw)
}

func (b *build) assignList(c *call, name string, items []word, raw string) {
	c.assigns = append(c.assigns, raw)
	if !b.lists.spend(stringCost * len(items)) {
		delete(b.vars, name)
		return
	}
	list := make([]string, 0, len(items))
	size := 0
	for _, w := range items {
		if size += len(w.text); !w.known || size > maxValue || len(b.vars) >= 1024 {
			delete(b.vars, name)
			return
		}
		list = append(list, w.text)
	}
	if b.vars == nil {
		b.vars = map[string]variable{}
	}
	v := variable{list: list}
	if len(list) > 0 {
		v.text = list[0]
	}
	b.vars[name] = v
}

// call reports a command, and the commands in the layers that it opens. It returns what
// the command prints, if that is known.
func (b *build) call(c *call) stream {
	if c.index < 0 {
		return stream{}
	}
	for i := range c.redirs {
		if text, ok := c.redirs[i].given(); ok {
			c.in = text
		} else if c.redirs[i].op == readOp && c.redirs[i].fd <= 0 {
			c.in = b.files[fileKey(c.redirs[i].target.text)]
		}
	}
	written := joinedLen(c.words)
	b.unwrap(c)
	c.shift = written - joinedLen(c.words)
	b.describe(c)
	if c.process = c.at.process; b.listing {
		b.startAll(c)
	}
	b.enter(c)
	out := stream{known: len(c.words) == 0}
	if len(c.words) > 0 {
		out = b.execute(c)
	}
	return b.redirect(c, out)
}

// joinedLen is the length of the words with one blank between each two.
func joinedLen(words []word) int {
	n := len(words)
	for i := range words {
		n += len(words[i].text)
	}
	return n
}

// enter makes the command's program known to the pipelines that it is part of.
func (b *build) enter(c *call) {
	name := b.cmds[c.index].Program
	if name == "" {
		return
	}
	for at := c.at; at != nil && !at.script; at = at.parent {
		if at.pipe == nil {
			continue
		}
		if b.piped++; b.piped > maxPiped {
			b.bounded = true
			return
		}
		at.pipe.programs = append(at.pipe.programs, name)
		at.pipe.stages = append(at.pipe.stages, at.stage)
	}
}

// maxPiped bounds the entries in the lists of all pipelines.
const maxPiped = 16384

// redirect follows a command's output into files, and returns what is left of it for the
// pipe.
func (b *build) redirect(c *call, out stream) stream {
	for i := range c.redirs {
		r := &c.redirs[i]
		if !r.op.writes() || r.fd > 1 {
			continue
		}
		b.write(c, r.target.text, out, r.op == appendOp)
		out = stream{known: true}
	}
	return out
}

// write remembers the known content of a file that the script writes. If it begins like a
// script, it is parsed.
func (b *build) write(c *call, name string, text stream, more bool) {
	key := fileKey(name)
	old, had := b.files[key]
	if more && had {
		joined, ok := b.text.concat(old.text, text.text)
		text = stream{text: joined, known: ok && old.known && text.known, substs: old.substs || text.substs}
	}
	if text.text == "" || len(text.text) > maxValue || len(b.files) >= 64 || strings.HasPrefix(name, "/dev/") || !b.text.spend(len(text.text)) {
		delete(b.files, key)
		return
	}
	if b.files == nil {
		b.files = map[string]stream{}
	}
	b.files[key] = text
	if strings.HasPrefix(text.text, "#!") && !more {
		run := *c
		run.process = -1 // whoever runs it
		b.layer(&run, text, "")
	}
}

// fileKey identifies the script's own files by base name, since cd gives one file many
// paths.
func fileKey(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// join returns what two commands print, one after the other.
func (b *build) join(x, y stream) stream {
	if x.text == "" && x.known {
		return y
	}
	if y.text == "" && y.known {
		return x
	}
	text, ok := b.text.concat(x.text, y.text)
	if !ok {
		return stream{}
	}
	return stream{text: text, known: x.known && y.known && x.text != "", substs: x.substs || y.substs}
}

// inner returns a place within p.
func (p *place) inner() *place {
	q := *p
	q.parent, q.pipe, q.feeds, q.script = p, nil, "", false
	return &q
}

func (p *place) inBackground() *place {
	if p.background {
		return p
	}
	q := p.inner()
	q.background = true
	return q
}

func (p *place) inPipe(pipe *pipeline, stage int) *place {
	q := p.inner()
	q.pipe, q.stage = pipe, stage
	return q
}

func (p *place) under(wrapper string) *place {
	q := p.inner()
	q.wrappers = addWrappers(q.wrappers, wrapper)
	return q
}

// maxInherited bounds the wrappers and files that a command has from what
// surrounds it.
const maxInherited = 16

// addWrappers returns the list with names added; the list itself stays.
func addWrappers(list []string, names ...string) []string {
	for _, name := range names {
		if name != "" && len(list) < maxInherited {
			list = append(slices.Clip(list), name)
		}
	}
	return list
}
