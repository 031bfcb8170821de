package shell

// Both the scanner's tokens and the full parser's tree end in calls, arranged
// in lists and pipelines. This file walks the tokens.

// runTokens reports the commands of the tokens with index first and above.
func (b *build) runTokens(src *sourceText, first int, at *place, in stream) stream {
	toks := b.toks[first:]
	out := stream{known: true}
	for i := 0; i < len(toks) && !b.full(); i++ {
		end := i
		for end < len(toks) && toks[end].kind != endToken && toks[end].kind != ampToken {
			end++
		}
		inner := at
		if end < len(toks) && toks[end].kind == ampToken {
			inner = at.inBackground()
		}
		out = b.join(out, b.runList(src, toks[i:end], inner, in))
		i = end
	}
	return out
}

// runList reports the commands of an and-or list. For the list's output, commands after ||
// count as not run.
func (b *build) runList(src *sourceText, toks []token, at *place, in stream) stream {
	out := stream{known: true}
	otherwise := false
	for i := 0; i < len(toks); i++ {
		end := i
		for end < len(toks) && toks[end].kind != andToken && toks[end].kind != orToken {
			end++
		}
		printed := b.runPipeline(src, toks[i:end], at, in)
		if !otherwise {
			out = b.join(out, printed)
		}
		otherwise = end < len(toks) && toks[end].kind == orToken
		i = end
	}
	return out
}

func (b *build) runPipeline(src *sourceText, toks []token, at *place, in stream) stream {
	end := stageEnd(toks)
	if end == len(toks) {
		return b.runStage(src, toks, at, in)
	}
	pipe := &pipeline{}
	for stage := 0; ; stage++ {
		in = b.runStage(src, toks[:end], at.inPipe(pipe, stage), in)
		if end == len(toks) || b.full() {
			return in
		}
		toks = toks[end+1:]
		end = stageEnd(toks)
	}
}

func stageEnd(toks []token) int {
	for i := range toks {
		if toks[i].kind == pipeToken {
			return i
		}
	}
	return len(toks)
}

// runStage reports the commands between two operators. There is one, except with
// parentheses, which the tolerant scanner does not match.
func (b *build) runStage(src *sourceText, toks []token, at *place, in stream) stream {
	out := stream{known: true}
	for i := 0; i < len(toks); i++ {
		end := i
		for end < len(toks) && toks[end].kind != openToken && toks[end].kind != closeToken {
			end++
		}
		if end > i && !declares(toks[i:]) {
			out = b.join(out, b.runSimple(src, toks[i:end], at, in))
		}
		i = end
	}
	return out
}

// declares reports whether the tokens begin a function: name ( ).
func declares(toks []token) bool {
	return len(toks) >= 3 && toks[0].kind == wordToken && toks[1].kind == openToken && toks[2].kind == closeToken && toks[1].start == toks[0].end
}

// runSimple reports the command that words and redirections make.
func (b *build) runSimple(src *sourceText, toks []token, at *place, in stream) stream {
	toks = skipKeywords(src.text, toks)
	if len(toks) == 0 {
		return stream{}
	}
	words, redirs := len(b.words), len(b.redirs)
	c := call{src: src, at: at, in: in, start: int(toks[0].start), end: int(toks[len(toks)-1].end), index: b.reserve()}
	for i := 0; i < len(toks); i++ {
		t := &toks[i]
		if t.kind == redirToken {
			r := redir{op: t.op, fd: descriptor(src.text[t.start:t.end])}
			if i+1 < len(toks) && toks[i+1].kind == wordToken {
				i++
				r.target = b.tokenTarget(src, at, t, &toks[i])
			}
			b.redirs = append(b.redirs, r)
			continue
		}
		raw := src.text[t.start:t.end]
		if len(b.words) == words {
			if n := assignment(raw); n > 0 {
				b.assignment(&c, raw[:n-1], b.expandOne(src, at, int(t.start)+n, raw[n:], nil), raw)
				continue
			}
			c.first = int(t.start)
		}
		if t.plain {
			b.push(src, word{text: raw, known: true})
		} else {
			b.expand(src, at, int(t.start), raw, nil)
		}
	}
	c.words, c.redirs = b.words[words:], b.redirs[redirs:]
	out := b.call(&c)
	b.words, b.redirs = b.words[:words], b.redirs[:redirs]
	return out
}

func (b *build) tokenTarget(src *sourceText, at *place, op, target *token) word {
	raw := src.text[target.start:target.end]
	if op.op != heredocOp {
		if target.plain {
			return b.hereString(op.op, word{text: raw, known: true})
		}
		return b.hereString(op.op, b.expandOne(src, at, int(target.start), raw, nil))
	}
	if op.bodyEnd == 0 {
		return word{}
	}
	body := src.slice(int(op.body), int(op.bodyEnd))
	tabs := src.text[op.start:op.end] == "<<-"
	if !plainDelimiter(raw) {
		return word{text: b.text.stripTabs(body, tabs), known: true}
	}
	w := b.document(src, at, int(op.body), body, nil)
	w.text = b.text.stripTabs(w.text, tabs)
	return w
}

// hereString ends the text of a here-string with a newline; other targets stay.
func (b *build) hereString(op redirOp, w word) word {
	if op == herestringOp {
		text, ok := b.text.concat(w.text, "\n")
		if !ok {
			return word{text: w.text}
		}
		w.text = text
	}
	return w
}

// skipKeywords drops reserved words at the start of a command, and everything that is not
// a command: the head of for, case and function.
func skipKeywords(text string, toks []token) []token {
	for len(toks) > 0 && toks[0].kind == wordToken {
		switch text[toks[0].start:toks[0].end] {
		case "if", "then", "else", "elif", "fi", "while", "until", "do", "done", "{", "}", "!", "esac", "time", "coproc":
			toks = toks[1:]
		case "for", "select":
			if len(toks) > 1 && toks[1].kind == wordToken && !isName(text[toks[1].start:toks[1].end]) {
				return toks
			}
			return nil
		case "function":
			return nil
		case "case":
			if len(toks) < 3 {
				return nil
			}
			toks = toks[3:]
		default:
			return toks
		}
	}
	return toks
}

// descriptor returns the file descriptor before a redirection operator, or -1.
func descriptor(op string) int {
	n := 0
	for n < len(op) && op[n] >= '0' && op[n] <= '9' {
		n++
	}
	if n == 0 || n > 3 {
		return -1
	}
	fd := 0
	for i := range n {
		fd = fd*10 + int(op[i]-'0')
	}
	return fd
}

// assignment returns the length of NAME= or NAME+= at the start of a word, or 0.
func assignment(raw string) int {
	n := parameterLen(raw)
	if n == 0 || !isName(raw[:n]) || n >= len(raw) {
		return 0
	}
	if raw[n] == '=' {
		return n + 1
	}
	return 0
}
