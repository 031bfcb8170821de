package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func (b *build) statements(src *sourceText, stmts []*syntax.Stmt, at *place, in stream) stream {
	out := stream{known: true}
	for _, s := range stmts {
		if b.full() {
			return stream{}
		}
		out = b.join(out, b.statement(src, s, at, in))
	}
	return out
}

func (b *build) statement(src *sourceText, s *syntax.Stmt, at *place, in stream) stream {
	if s.Background || s.Coprocess || s.Disown {
		at = at.inBackground()
	}
	switch cmd := s.Cmd.(type) {
	case nil:
		return b.simple(src, s, nil, nil, at, in)
	case *syntax.CallExpr:
		return b.simple(src, s, cmd.Assigns, cmd.Args, at, in)
	case *syntax.DeclClause:
		return b.declaration(src, s, cmd, at, in)
	}
	at, redirected := b.compound(src, s, at)
	if redirected.text != "" || redirected.known {
		in = redirected
	}
	switch cmd := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		return b.binary(src, cmd, at, in)
	case *syntax.Subshell:
		return b.statements(src, cmd.Stmts, at, in)
	case *syntax.Block:
		return b.statements(src, cmd.Stmts, at, in)
	case *syntax.IfClause:
		for c := cmd; c != nil; c = c.Else {
			b.statements(src, c.Cond, at, in)
			b.statements(src, c.Then, at, in)
		}
	case *syntax.WhileClause:
		b.statements(src, cmd.Cond, at, in)
		b.statements(src, cmd.Do, at, in)
	case *syntax.ForClause:
		b.loop(src, cmd, at, in)
	case *syntax.CaseClause:
		b.happening(src, at, cmd.Word)
		for _, item := range cmd.Items {
			b.statements(src, item.Stmts, at, in)
		}
	case *syntax.FuncDecl:
		b.statement(src, cmd.Body, at, stream{})
	case *syntax.TimeClause:
		if cmd.Stmt != nil {
			return b.statement(src, cmd.Stmt, at.under("time"), in)
		}
	case *syntax.CoprocClause:
		b.statement(src, cmd.Stmt, at.inBackground(), in)
	case *syntax.ArithmCmd, *syntax.TestClause, *syntax.LetClause:
		syntax.Walk(cmd, func(n syntax.Node) bool {
			if w, ok := n.(*syntax.Word); ok {
				b.happening(src, at, w)
				return false
			}
			return true
		})
		return stream{known: true}
	}
	return stream{}
}

// binary reports the commands of a list or pipeline. The parser nests a chain
// to the left, which is as deep as the chain is long: it is walked flat.
func (b *build) binary(src *sourceText, cmd *syntax.BinaryCmd, at *place, in stream) stream {
	piped := cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll
	var chain []*syntax.BinaryCmd
	for {
		chain = append(chain, cmd)
		next, ok := cmd.X.Cmd.(*syntax.BinaryCmd)
		if !ok || len(cmd.X.Redirs) > 0 || cmd.X.Background || piped != (next.Op == syntax.Pipe || next.Op == syntax.PipeAll) {
			break
		}
		cmd = next
	}
	pipe := &pipeline{}
	stage := 0
	part := func(s *syntax.Stmt, in stream) stream {
		if !piped {
			return b.statement(src, s, at, in)
		}
		stage++
		return b.statement(src, s, at.inPipe(pipe, stage-1), in)
	}
	out := part(cmd.X, in)
	for i := len(chain) - 1; i >= 0 && !b.full(); i-- {
		switch c := chain[i]; {
		case piped:
			out = part(c.Y, out)
		case c.Op == syntax.OrStmt:
			part(c.Y, in)
		default:
			out = b.join(out, part(c.Y, in))
		}
	}
	return out
}

// compound returns the place inside a compound command, whose redirections apply to every
// command in it.
func (b *build) compound(src *sourceText, s *syntax.Stmt, at *place) (*place, stream) {
	if len(s.Redirs) == 0 {
		return at, stream{}
	}
	inner := at.inner()
	mark := len(b.redirs)
	b.treeRedirs(src, s, at)
	in := stream{}
	for _, r := range b.redirs[mark:] {
		if r.op.reads() && len(inner.reads) < maxInherited {
			inner.reads = append(inner.reads[:len(inner.reads):len(inner.reads)], r.target.text)
		}
		if r.op.writes() && len(inner.writes) < maxInherited {
			inner.writes = append(inner.writes[:len(inner.writes):len(inner.writes)], r.target.text)
		}
		if text, ok := r.given(); ok {
			in = text
		}
	}
	b.redirs = b.redirs[:mark]
	return inner, in
}

// loop reports the body of a for loop once. Its variable is known if there is only one
// item.
func (b *build) loop(src *sourceText, cmd *syntax.ForClause, at *place, in stream) {
	if iter, ok := cmd.Loop.(*syntax.WordIter); ok {
		mark := len(b.words)
		for _, w := range iter.Items {
			b.treeWord(src, at, w)
		}
		if items := b.words[mark:]; len(items) == 1 {
			b.assign(iter.Name.Value, items[0])
		} else {
			b.assign(iter.Name.Value, word{})
		}
		b.words = b.words[:mark]
	}
	b.statements(src, cmd.Do, at, in)
}

// happening runs the substitutions in a word whose value is not used, such as the subject
// of case.
func (b *build) happening(src *sourceText, at *place, w *syntax.Word) {
	if w == nil || len(w.Parts) == 0 {
		return
	}
	before := len(b.words)
	b.treeWord(src, at, w)
	b.words = b.words[:before]
}

// treeWord pushes the expansion of a parsed word.
func (b *build) treeWord(src *sourceText, at *place, w *syntax.Word) {
	from, to := int(w.Pos().Offset()), int(w.End().Offset())
	raw := src.slice(from, to)
	if len(w.Parts) == 1 {
		if lit, ok := w.Parts[0].(*syntax.Lit); ok && lit.Value == raw && !strings.ContainsAny(raw, "\\{") {
			b.push(src, word{text: raw, known: true})
			return
		}
	}
	b.expand(src, at, from, raw, w)
}

func (b *build) simple(src *sourceText, s *syntax.Stmt, assigns []*syntax.Assign, args []*syntax.Word, at *place, in stream) stream {
	words, redirs := len(b.words), len(b.redirs)
	c := call{src: src, at: at, in: in, index: b.reserve()}
	c.start, c.end = simpleSpan(s, assigns, args)
	for _, a := range assigns {
		b.treeAssign(&c, src, at, a)
	}
	b.treeRedirs(src, s, at)
	for i, w := range args {
		if i == 0 {
			c.first = int(w.Pos().Offset())
		}
		b.treeWord(src, at, w)
	}
	c.words, c.redirs = b.words[words:], b.redirs[redirs:]
	out := b.call(&c)
	b.words, b.redirs = b.words[:words], b.redirs[:redirs]
	return out
}

// declaration reports export, declare and the like, whose assignments the parser keeps
// separate from the words.
func (b *build) declaration(src *sourceText, s *syntax.Stmt, d *syntax.DeclClause, at *place, in stream) stream {
	words, redirs := len(b.words), len(b.redirs)
	c := call{src: src, at: at, in: in, index: b.reserve(), first: int(d.Variant.Pos().Offset())}
	c.start, c.end = c.first, int(d.End().Offset())
	b.treeRedirs(src, s, at)
	b.push(src, word{text: d.Variant.Value, known: true})
	for _, a := range d.Args {
		if a.Name == nil || a.Naked && a.Index == nil {
			if a.Name == nil && a.Value != nil {
				b.treeWord(src, at, a.Value)
			} else if a.Name != nil {
				b.push(src, word{text: a.Name.Value, known: true})
			}
			continue
		}
		b.treeAssign(&c, src, at, a)
		b.push(src, word{text: c.assigns[len(c.assigns)-1], known: true})
	}
	c.words, c.redirs = b.words[words:], b.redirs[redirs:]
	out := b.call(&c)
	b.words, b.redirs = b.words[:words], b.redirs[:redirs]
	return out
}

func (b *build) treeAssign(c *call, src *sourceText, at *place, a *syntax.Assign) {
	from, to := int(a.Pos().Offset()), int(a.End().Offset())
	if a.Name == nil {
		return
	}
	switch {
	case a.Array != nil:
		mark := len(b.words)
		for _, e := range a.Array.Elems {
			if e.Value != nil {
				b.treeWord(src, at, e.Value)
			}
		}
		b.assignList(c, a.Name.Value, b.words[mark:], src.slice(from, to))
		b.words = b.words[:mark]
	case a.Value != nil && a.Index == nil:
		at0 := int(a.Value.Pos().Offset())
		w := b.expandOne(src, at, at0, src.slice(at0, to), a.Value)
		if a.Append {
			if old, ok := b.vars[a.Name.Value]; ok {
				if w.text, ok = b.text.concat(old.text, w.text); !ok {
					w = word{}
				}
			} else {
				w.known = false
			}
		}
		b.assignment(c, a.Name.Value, w, src.slice(from, to))
	case a.Index == nil:
		b.assignment(c, a.Name.Value, word{known: true}, src.slice(from, to))
	default:
		c.assigns = append(c.assigns, src.slice(from, to))
	}
}

// treeRedirs pushes the redirections of a statement.
func (b *build) treeRedirs(src *sourceText, s *syntax.Stmt, at *place) {
	for _, r := range s.Redirs {
		out := redir{fd: -1}
		if r.N != nil {
			out.fd = descriptor(r.N.Value)
		}
		from, to := int(r.Word.Pos().Offset()), int(r.Word.End().Offset())
		switch r.Op {
		case syntax.RdrOut, syntax.RdrAll, syntax.RdrClob, syntax.RdrAllClob:
			out.op = writeOp
		case syntax.AppOut, syntax.AppAll, syntax.AppClob, syntax.AppAllClob:
			out.op = appendOp
		case syntax.RdrIn:
			out.op = readOp
		case syntax.RdrInOut:
			out.op = readWriteOp
		case syntax.DplIn, syntax.DplOut:
			out.op = dupOp
		case syntax.WordHdoc:
			out.op = herestringOp
		case syntax.Hdoc, syntax.DashHdoc:
			out.op = heredocOp
			out.target = b.treeDocument(src, at, r)
			b.redirs = append(b.redirs, out)
			continue
		default:
			continue
		}
		out.target = b.hereString(out.op, b.expandOne(src, at, from, src.slice(from, to), r.Word))
		b.redirs = append(b.redirs, out)
	}
}

func (b *build) treeDocument(src *sourceText, at *place, r *syntax.Redirect) word {
	if r.Hdoc == nil || len(r.Hdoc.Parts) == 0 {
		return word{known: true}
	}
	from, to := int(r.Hdoc.Pos().Offset()), int(r.Hdoc.End().Offset())
	delim := src.slice(int(r.Word.Pos().Offset()), int(r.Word.End().Offset()))
	body := beforeDelimiter(src.slice(from, to), b.text.unquote(delim))
	tabs := r.Op == syntax.DashHdoc
	if !plainDelimiter(delim) {
		return word{text: b.text.stripTabs(body, tabs), known: true}
	}
	w := b.document(src, at, from, body, r.Hdoc)
	w.text = b.text.stripTabs(w.text, tabs)
	return w
}

// beforeDelimiter cuts off the last line when it is the delimiter, which the
// parser leaves in place when no newline follows it.
func beforeDelimiter(body, delim string) string {
	at := strings.LastIndexByte(body, '\n') + 1
	if strings.TrimLeft(body[at:], "\t") == delim {
		return body[:at]
	}
	return body
}

// plainDelimiter reports whether the delimiter of a here-document is unquoted,
// so that its body is expanded.
func plainDelimiter(raw string) bool { return !strings.ContainsAny(raw, `'"\`) }

// simpleSpan returns the bytes from the first to the last part of a command,
// without the bodies of here-documents.
func simpleSpan(s *syntax.Stmt, assigns []*syntax.Assign, args []*syntax.Word) (start, end int) {
	start = -1
	extend := func(from, to uint) {
		if start < 0 || int(from) < start {
			start = int(from)
		}
		end = max(end, int(to))
	}
	if n := len(assigns); n > 0 {
		extend(assigns[0].Pos().Offset(), assigns[n-1].End().Offset())
	}
	if n := len(args); n > 0 {
		extend(args[0].Pos().Offset(), args[n-1].End().Offset())
	}
	for _, r := range s.Redirs {
		extend(r.Pos().Offset(), r.Word.End().Offset())
	}
	return max(start, 0), end
}
