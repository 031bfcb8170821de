package shell

import "strings"

// skipPart returns the index after the part of a word that begins at i: a quoted string,
// an expansion, an escaped byte or one byte. If it is never closed, it ends with the text.
// skipPart does not recurse, and reads each byte at most a few times.
func skipPart(s string, i int) int {
	switch s[i] {
	case '\\':
		return min(i+2, len(s))
	case '\'':
		return after(s, i+1, '\'')
	case '"':
		return skipDouble(s, i+1)
	case '`':
		return skipBackquote(s, i+1)
	case '$':
		if i+1 < len(s) {
			switch s[i+1] {
			case '(':
				return skipParens(s, i+2)
			case '{':
				return skipBraces(s, i+2)
			case '\'':
				return skipANSI(s, i+2)
			}
		}
	}
	return i + 1
}

// after returns the index after the next byte c.
func after(s string, i int, c byte) int {
	n := strings.IndexByte(s[min(i, len(s)):], c)
	if n < 0 {
		return len(s)
	}
	return i + n + 1
}

// skipANSI returns the index after a $'…' whose text begins at i.
func skipANSI(s string, i int) int {
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\'':
			return i + 1
		}
	}
	return len(s)
}

// skipBackquote returns the index after a `…` whose text begins at i.
func skipBackquote(s string, i int) int {
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '`':
			return i + 1
		}
	}
	return len(s)
}

// skipBraces returns the index after a ${…} whose text begins at i.
func skipBraces(s string, i int) int {
	depth := 1
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\'':
			i = after(s, i+1, '\'') - 1
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// skipDouble returns the index after a "…" whose text begins at i.
func skipDouble(s string, i int) int { return skipNested(s, i, '"') }

// skipParens returns the index after a (…) whose text begins at i.
func skipParens(s string, i int) int { return skipNested(s, i, ')') }

// skipNested returns the index after the byte that closes what was opened before i. Double
// quotes and parentheses nest.
func skipNested(s string, i int, closer byte) int {
	var few [64]byte
	open := append(few[:0], closer)
	for ; i < len(s); i++ {
		quoted := open[len(open)-1] == '"'
		switch c := s[i]; c {
		case '\\':
			i++
		case '\'':
			if !quoted {
				i = after(s, i+1, '\'') - 1
			}
		case '`':
			i = skipBackquote(s, i+1) - 1
		case '"':
			if quoted {
				open = open[:len(open)-1]
			} else {
				open = append(open, '"')
			}
		case '(':
			if !quoted || i > 0 && s[i-1] == '$' {
				open = append(open, ')')
			}
		case ')':
			if !quoted {
				open = open[:len(open)-1]
			}
		}
		switch len(open) {
		case 0:
			return i + 1
		case maxNesting:
			return len(s)
		}
	}
	return len(s)
}

// maxNesting is how deep quotes and parentheses may nest; deeper ones count as never
// closed.
const maxNesting = 1024
