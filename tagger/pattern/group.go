package pattern

import (
	"strconv"
	"strings"
	"unicode"
)

// group reads what follows an opening parenthesis. It returns nil for a comment
// and for flags that concern the whole expression.
func (p *parser) group() (*node, error) {
	switch {
	case p.accept("?P<"):
		return p.named()
	case p.accept("?P="):
		name, err := p.groupName(")")
		if err != nil {
			return nil, err
		}
		group, ok := p.names[name]
		if !ok {
			return nil, p.errorf("unknown group name %.40q", name)
		}
		if err := p.checkGroup(group, name); err != nil {
			return nil, err
		}
		return p.node(node{op: opBackref, group: group, fold: p.flags.fold})
	case p.accept("?:"):
		return p.body()
	case p.accept("?#"):
		end := strings.IndexByte(p.in[p.pos:], ')')
		if end < 0 {
			return nil, p.errorf("missing ), unterminated comment")
		}
		p.pos += end + 1
		return nil, nil
	case p.accept("?>"):
		n, err := p.body()
		if err != nil {
			return nil, err
		}
		return p.node(node{op: opAtomic, subs: []*node{n}})
	case p.accept("?="):
		return p.look(false, false)
	case p.accept("?!"):
		return p.look(false, true)
	case p.accept("?<="):
		return p.look(true, false)
	case p.accept("?<!"):
		return p.look(true, true)
	case p.accept("?("):
		return p.conditional()
	case p.accept("?"):
		return p.flagGroup()
	}
	return p.capture("")
}

func (p *parser) named() (*node, error) {
	name, err := p.groupName(">")
	if err != nil {
		return nil, err
	}
	if _, taken := p.names[name]; taken {
		return nil, p.errorf("redefinition of group name %.40q", name)
	}
	return p.capture(name)
}

func (p *parser) groupName(end string) (string, error) {
	name, _, ok := strings.Cut(p.in[p.pos:], end)
	if !ok {
		return "", p.errorf("missing %s, unterminated name", end)
	}
	for i, c := range name {
		if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return "", p.errorf("bad character in group name %.40q", name)
		}
	}
	if name == "" {
		return "", p.errorf("missing group name")
	}
	p.pos += len(name) + len(end)
	return name, nil
}

func (p *parser) capture(name string) (*node, error) {
	p.groups++
	group := p.groups
	if name != "" {
		p.names[name] = group
	}
	p.open[group] = true
	n, err := p.body()
	if err != nil {
		return nil, err
	}
	delete(p.open, group)
	return p.node(node{op: opGroup, group: group, subs: []*node{n}})
}

// body reads up to the closing parenthesis. Flags that were set inside end there.
func (p *parser) body() (*node, error) {
	outer := p.flags
	n, err := p.alternation()
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.errorf("missing ), unterminated subpattern")
	}
	p.flags = outer
	// For a quantifier, a group is one item, whatever is in it.
	if n.op == opRepeat || n.op >= opBegin {
		return p.node(node{op: opConcat, subs: []*node{n}})
	}
	return n, nil
}

func (p *parser) look(behind, negate bool) (*node, error) {
	n, err := p.body()
	if err != nil {
		return nil, err
	}
	l := node{op: opLook, subs: []*node{n}, behind: behind, negate: negate}
	if behind {
		w, ok := n.fixedWidth()
		if !ok {
			return nil, p.errorf("look-behind requires fixed-width pattern")
		}
		l.width = w
	}
	return p.node(l)
}

func (p *parser) conditional() (*node, error) {
	name, _, ok := strings.Cut(p.in[p.pos:], ")")
	if !ok {
		return nil, p.errorf("missing ), unterminated name")
	}
	group, known := p.names[name]
	if n, err := strconv.Atoi(name); err == nil {
		group, known = n, n >= 1 && n <= p.groups
	}
	if !known {
		return nil, p.errorf("unknown group name %.40q", name)
	}
	p.pos += len(name) + 1
	outer := p.flags
	yes, err := p.concatenation()
	if err != nil {
		return nil, err
	}
	no := &node{op: opEmpty}
	if p.accept("|") {
		if no, err = p.concatenation(); err != nil {
			return nil, err
		}
		if strings.HasPrefix(p.in[p.pos:], "|") {
			return nil, p.errorf("conditional backref with more than two branches")
		}
	}
	if !p.accept(")") {
		return nil, p.errorf("missing ), unterminated subpattern")
	}
	p.flags = outer
	return p.node(node{op: opCondition, group: group, subs: []*node{yes, no}})
}

// flagGroup reads (?flags), (?flags:…) and (?flags-flags:…).
func (p *parser) flagGroup() (*node, error) {
	inner, on, seen := p.flags, true, false
	for p.more() {
		c := p.next()
		switch {
		case strings.ContainsRune("aimsux", c):
			if c == 'a' || c == 'u' {
				seen = true
				break
			}
			inner.set(byte(c), on)
			seen = true
		case c == 'L':
			return nil, p.errorf("flag L needs a bytes pattern")
		case c == '-' && on:
			on = false
		case c == ')' && on && seen:
			return nil, nil // globalFlags has seen to it
		case c == ':':
			outer := p.flags
			p.flags = inner
			n, err := p.body()
			p.flags = outer
			return n, err
		default:
			return nil, p.errorf("unknown extension ?%c", c)
		}
	}
	return nil, p.errorf("missing ), unterminated flags")
}
