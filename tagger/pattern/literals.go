package pattern

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxExact   = 64 // strings that a part of an expression is spelled out to
	maxLiteral = 24 // bytes of a literal
)

// Fold returns s in the form in which literals are compared: ASCII letters in lower
// case, and U+212A and U+017F, which are ASCII letters in another case, as those
// letters.
func Fold(s string) string {
	from := firstFoldable(s)
	if from == len(s) {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	out.WriteString(s[:from])
	for i := from; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z':
			out.WriteByte(c + 'a' - 'A')
		case c == kelvin[0] && strings.HasPrefix(s[i:], kelvin):
			out.WriteByte('k')
			i += len(kelvin) - 1
		case c == longS[0] && strings.HasPrefix(s[i:], longS):
			out.WriteByte('s')
			i += len(longS) - 1
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

const kelvin, longS = "\u212a", "\u017f"

// Folds reports whether Fold has to make a copy.
func Folds(s string) bool { return firstFoldable(s) < len(s) }

// firstFoldable returns where something that Fold changes may begin.
func firstFoldable(s string) int {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' || c == kelvin[0] || c == longS[0] {
			return i
		}
	}
	return len(s)
}

// known is what a node's spelling says about the texts that it matches.
type known struct {
	exact    []string   // all the strings it can match, or nil when unknown
	required []string   // every match contains one of these; nil when unknown
	more     [][]string // other sets like required, bounded; only of a sequence
}

const maxMore = 8

// Best returns the better of two sets of literals, given that a matching text contains
// one of each: the one that occurs in fewer texts.
func Best(a, b []string) []string {
	if Score(b) > Score(a) {
		return b
	}
	return a
}

// Score rates how selective a set of literals is, by its least selective member: long
// and rare is good, and every further member costs. It is 0 for an empty set.
func Score(set []string) int {
	if len(set) == 0 {
		return 0
	}
	worst := 1 << 20
	for _, s := range set {
		sum := 0
		for i := 0; i < len(s) && i < 10; i++ {
			switch c := s[i]; {
			case c == ' ', c == '/', c == '-', c == '.', c == 'e':
				sum += 10
			case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
				sum += 16
			default:
				sum += 18
			}
		}
		worst = min(worst, sum)
	}
	if worst == 0 {
		return 0
	}
	return max(worst-min(len(set), 200)/8, 1)
}

func (n *node) known() known {
	if n.knowledge == nil {
		k := n.deriveKnown()
		n.knowledge = &k
	}
	return *n.knowledge
}

func (n *node) deriveKnown() known {
	switch n.op {
	case opLiteral:
		return knownRune(n.char, n.fold)
	case opClass:
		return n.knownClass()
	case opConcat:
		return n.knownConcat()
	case opAlternate:
		return n.knownAlternate()
	case opRepeat:
		return n.knownRepeat()
	case opGroup, opAtomic:
		return n.subs[0].known()
	case opLook:
		k := known{exact: []string{""}}
		if !n.negate {
			k.required = n.subs[0].known().best()
		}
		return k
	case opBackref, opCondition:
		return known{}
	}
	return known{exact: []string{""}}
}

// others are the sets that the best one does not imply.
func (k known) others(best []string) (sets [][]string) {
	for i, set := range append(slices.Clip(k.more), usable(k.exact)) {
		redundant := len(set) == 0 || len(set) > 16 || implied(set, best)
		for _, later := range k.more[min(i+1, len(k.more)):] {
			redundant = redundant || implied(set, later)
		}
		if !redundant {
			sets = append(sets, set)
		}
	}
	return sets
}

// implied reports whether every text that contains one of best contains one of set.
func implied(set, best []string) bool {
	for _, b := range best {
		if !slices.ContainsFunc(set, func(s string) bool { return strings.Contains(b, s) }) {
			return false
		}
	}
	return true
}

// best is the most selective set with a literal for every match.
func (k known) best() []string { return Best(k.required, usable(k.exact)) }

// usable returns the set, unless one of its strings occurs in every text.
func usable(set []string) []string {
	for _, s := range set {
		if s == "" {
			return nil
		}
	}
	return set
}

func knownRune(r rune, fold bool) known {
	if fold && r >= utf8.RuneSelf && r != '\u212a' && r != '\u017f' || r == utf8.RuneError {
		return known{} // other letters fold to it; an invalid byte reads as U+FFFD
	}
	if r < utf8.RuneSelf {
		return known{exact: asciiStrings[r : r+1]}
	}
	return known{exact: []string{Fold(string(r))}}
}

// asciiStrings are the ASCII characters, folded.
var asciiStrings = func() []string {
	out := make([]string, utf8.RuneSelf)
	for r := range out {
		out[r] = Fold(string(rune(r)))
	}
	return out
}()

func (n *node) knownClass() known {
	var exact []string
	for i := 0; i+1 < len(n.set); i += 2 {
		if n.set[i+1]-n.set[i] > 8 {
			return known{}
		}
		for r := n.set[i]; r <= n.set[i+1]; r++ {
			k := knownRune(r, n.fold)
			if k.exact == nil || len(exact) > 8 {
				return known{}
			}
			exact = append(exact, k.exact...)
		}
	}
	if exact = distinct(exact); len(exact) > 4 {
		return known{} // a blank, a digit: many literals that tell little
	}
	return known{exact: exact}
}

func (n *node) knownConcat() known {
	cur := []string{""}
	var required []string
	var more [][]string
	note := func(set []string) {
		required = Best(required, set)
		if len(set) > 0 && len(more) < maxMore {
			more = append(more, set)
		}
	}
	whole := true
	for i := 0; i < len(n.subs); i++ {
		s := n.subs[i]
		if run := literalRun(n.subs[i:]); len(run) > 1 {
			if next := cross(cur, []string{run}); next != nil {
				cur = next
				i += len(run) - 1
				continue
			}
		}
		k := s.known()
		note(k.required)
		for _, set := range k.more {
			note(set)
		}
		if next := cross(cur, k.exact); next != nil {
			cur = next
			continue
		}
		note(usable(cur))
		whole = false
		before := cur
		cur = []string{""}
		if s.op == opRepeat && s.min > 0 {
			// The first round comes right after the text before it, the last one right
			// before the text after it.
			if k := s.subs[0].known(); len(k.exact) > 0 {
				note(usable(cross(before, k.exact)))
				cur = k.exact
			}
		} else if len(k.exact) > 0 {
			cur = k.exact
		}
	}
	if whole {
		return known{exact: cur, required: required, more: more}
	}
	note(usable(cur))
	return known{required: required, more: more}
}

// literalRun returns the ASCII characters that nodes begin with, folded.
func literalRun(nodes []*node) string {
	var buf [maxLiteral]byte
	run := buf[:0]
	for _, n := range nodes {
		if n.op != opLiteral || n.char >= utf8.RuneSelf || len(run) == maxLiteral {
			break
		}
		run = append(run, asciiStrings[n.char]...)
	}
	return string(run)
}

// cross joins every string of a with every one of b, or returns nil when b is
// unknown or the result too large.
func cross(a, b []string) []string {
	if len(b) == 0 || len(a)*len(b) > maxExact {
		return nil
	}
	if len(b) == 1 && b[0] == "" {
		return a
	}
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		if len(x) >= maxLiteral {
			return nil
		}
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	if len(a) == 1 || len(b) == 1 {
		return out // as distinct as what it was made of
	}
	return distinct(out)
}

// distinct drops repetitions, in place.
func distinct(list []string) []string {
	if len(list) < 2 {
		return list
	}
	if len(list) <= 24 {
		out := list[:1]
		for _, s := range list[1:] {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		return out
	}
	seen := make(map[string]struct{}, len(list))
	out := list[:0]
	for _, s := range list {
		if _, ok := seen[s]; !ok {
			seen[s] = struct{}{}
			out = append(out, s)
		}
	}
	return out
}

func (n *node) knownAlternate() known {
	var all known
	exact, required := true, true
	for _, s := range n.subs {
		k := s.known()
		if required {
			best := k.best()
			required = len(best) > 0
			all.required = append(all.required, best...)
		}
		if exact {
			exact = len(k.exact) > 0 && len(all.exact) <= maxExact
			all.exact = append(all.exact, k.exact...)
		}
	}
	if all.exact = distinct(all.exact); !exact || len(all.exact) > maxExact {
		all.exact = nil
	}
	if all.required = distinct(all.required); !required {
		all.required = nil
	}
	return all
}

func (n *node) knownRepeat() known {
	k := n.subs[0].known()
	switch {
	case n.min == 0 && n.max == 1:
		if len(k.exact) > 0 && len(k.exact) < maxExact {
			return known{exact: distinct(append(slices.Clone(k.exact), ""))}
		}
		return known{}
	case n.min == 0:
		return known{}
	case n.min == n.max && n.min <= 4 && len(k.exact) > 0:
		exact := k.exact
		for i := 1; i < n.min && exact != nil; i++ {
			exact = cross(exact, k.exact)
		}
		return known{exact: exact, required: k.best()}
	}
	return known{required: k.best()}
}
