package shell

import "strings"

// maxBraces bounds the words that one brace expansion gives; a longer one is
// kept as written.
const maxBraces = 64

// braces returns the words, still quoted, that brace expansion makes from a word, or nil
// if there is nothing to expand.
func (b *build) braces(raw string) []string {
	open := strings.IndexByte(raw, '{')
	if open < 0 || len(raw) > maxValue || !strings.ContainsAny(raw[open:], ",.") {
		return nil
	}
	if b.braced >= maxBraceWork {
		b.bounded = true
		return nil
	}
	e := braceExpander{m: &b.text, work: maxBraceWork - b.braced}
	out, ok := e.expand(raw, nil, 0)
	b.braced = maxBraceWork - max(e.work, 0) + len(out)*32
	if !ok || len(out) < 2 && (len(out) == 0 || out[0] == raw) {
		return nil
	}
	return out
}

// maxBraceWork bounds the bytes that are scanned for the ends of braces, in all words.
const maxBraceWork = 4 * maxValue

type braceExpander struct {
	m    *budget
	work int
}

// expand appends the expansions of raw to out. It is false when there would be
// too many, or finding them would take too long.
func (e *braceExpander) expand(raw string, out []string, depth int) ([]string, bool) {
	for i := 0; i < len(raw); {
		if raw[i] != '{' {
			i = skipPart(raw, i)
			continue
		}
		end, items := braceItems(raw, i)
		if e.work -= end - i; e.work < 0 {
			return nil, false
		}
		if items == nil {
			i++
			continue
		}
		if depth >= 8 {
			return nil, false
		}
		tails, ok := e.expand(raw[end:], nil, depth+1)
		if !ok {
			return nil, false
		}
		for _, item := range items {
			heads, ok := e.expand(item, nil, depth+1)
			if !ok || len(out)+len(heads)*len(tails) > maxBraces {
				return nil, false
			}
			for _, h := range heads {
				for _, t := range tails {
					joined, ok := e.m.concat(raw[:i], h, t)
					if !ok {
						return nil, false
					}
					out = append(out, joined)
				}
			}
		}
		return out, true
	}
	return append(out, raw), true
}

// braceItems returns the items of the braces that open at i and the index after
// them; no items when they are no list, or are never closed. Sequences ({1..9}) are expanded when they
// are short.
func braceItems(raw string, i int) (end int, items []string) {
	depth, from := 0, i+1
	for j := i; j < len(raw); {
		switch raw[j] {
		case '{':
			depth++
			j++
		case '}':
			if depth--; depth > 0 {
				j++
				continue
			}
			if items == nil {
				return j + 1, sequence(raw[i+1 : j])
			}
			return j + 1, append(items, raw[from:j])
		case ',':
			if depth == 1 {
				if len(items) >= maxBraces {
					return len(raw), nil
				}
				items = append(items, raw[from:j])
				from = j + 1
			}
			j++
		default:
			j = skipPart(raw, j)
		}
	}
	return len(raw), nil
}

// sequence returns the items of a..b for single letters and digits.
func sequence(s string) []string {
	if len(s) != 4 || s[1] != '.' || s[2] != '.' || !isAlnum(s[0]) || !isAlnum(s[3]) || s[0] > s[3] || s[3]-s[0] > 25 {
		return nil
	}
	out := make([]string, 0, 26)
	for c := s[0]; c <= s[3]; c++ {
		out = append(out, ascii[c:c+1])
	}
	return out
}

// ascii holds every byte of ASCII at its own place.
const ascii = "\x00\x01\x02\x03\x04\x05\x06\a\b\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f" +
	" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f"

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
