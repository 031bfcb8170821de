package tagger

import "unicode/utf8"

// globMatches reports whether a shell pattern matches the whole of s: * is any characters,
// including /, ? is one character, […] one of a set, and a backslash quotes the next
// character.
func globMatches(glob, s string) bool {
	star, resume := -1, 0
	g, i := 0, 0
	for i < len(s) {
		if g < len(glob) && glob[g] == '*' {
			star, resume = g+1, i
			g++
			continue
		}
		if n, ok := globOne(glob[g:], s[i:]); ok {
			_, size := utf8.DecodeRuneInString(s[i:])
			g, i = g+n, i+size
			continue
		}
		if star < 0 {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[resume:])
		resume += size
		g, i = star, resume
	}
	for g < len(glob) && glob[g] == '*' {
		g++
	}
	return g == len(glob)
}

// globOne matches one element of a glob against the first character of s, and returns the
// element's length.
func globOne(glob, s string) (n int, ok bool) {
	if glob == "" {
		return 0, false
	}
	c, _ := utf8.DecodeRuneInString(s)
	switch glob[0] {
	case '?':
		return 1, true
	case '\\':
		if len(glob) > 1 {
			r, size := utf8.DecodeRuneInString(glob[1:])
			return 1 + size, r == c
		}
	case '[':
		if n, in := globSet(glob, c); n > 0 {
			return n, in
		}
	}
	r, size := utf8.DecodeRuneInString(glob)
	return size, r == c
}

// globSet reads a set at the start of glob; n is 0 when it is not closed.
func globSet(glob string, c rune) (n int, in bool) {
	i := 1
	negate := i < len(glob) && (glob[i] == '!' || glob[i] == '^')
	if negate {
		i++
	}
	for first := true; i < len(glob); first = false {
		if glob[i] == ']' && !first {
			return i + 1, in != negate
		}
		lo, size := utf8.DecodeRuneInString(glob[i:])
		i += size
		hi := lo
		if i+1 < len(glob) && glob[i] == '-' && glob[i+1] != ']' {
			hi, size = utf8.DecodeRuneInString(glob[i+1:])
			i += 1 + size
		}
		in = in || c >= lo && c <= hi
	}
	return 0, false
}
