package shell

import "strings"

// translation returns what tr does with literal sets, such as rot13 or the deletion of
// filler characters. It is nil for anything else: classes, complements, squeezing.
func (m *budget) translation(args []word) decoder {
	remove := false
	if len(args) > 0 && args[0].text == "-d" {
		remove, args = true, args[1:]
	}
	if len(args) == 0 || len(args) > 2 || remove == (len(args) == 2) {
		return nil
	}
	for _, w := range args {
		if !w.known || len(w.text) > 512 || strings.HasPrefix(w.text, "-") || strings.HasPrefix(w.text, "[:") {
			return nil
		}
	}
	var to [256]int16 // -1 for what is deleted
	for i := range to {
		to[i] = int16(i)
	}
	from := m.set(args[0].text)
	if len(from) == 0 {
		return nil
	}
	if remove {
		for _, c := range from {
			to[c] = -1
		}
	} else {
		with := m.set(args[1].text)
		if len(with) == 0 {
			return nil
		}
		for i, c := range from {
			to[c] = int16(with[min(i, len(with)-1)])
		}
	}
	return func(m *budget, s string) (string, bool) {
		if !m.spend(2 * len(s)) {
			return "", false
		}
		var out strings.Builder
		out.Grow(len(s))
		for i := range len(s) {
			if t := to[s[i]]; t >= 0 {
				out.WriteByte(byte(t))
			}
		}
		return out.String(), true
	}
}

// set expands the ranges and escapes of a set of tr.
func (m *budget) set(s string) []byte {
	text, _, _ := m.unescape(s, ansiEscapes)
	out := make([]byte, 0, 256)
	for i := 0; i < len(text) && m.spend(1); i++ {
		if i+2 < len(text) && text[i+1] == '-' && text[i] <= text[i+2] && m.spend(int(text[i+2]-text[i])) {
			for c := int(text[i]); c <= int(text[i+2]); c++ {
				out = append(out, byte(c))
			}
			i += 2
			continue
		}
		out = append(out, text[i])
	}
	return out
}

// literalSubstitution returns what sed s/old/new/[g] does when old is literal.
// It is nil for every other script.
func literalSubstitution(m *budget, args []word) decoder {
	if len(args) > 0 && args[0].text == "-e" {
		args = args[1:]
	}
	if len(args) != 1 || !args[0].known || len(args[0].text) < 4 || args[0].text[0] != 's' {
		return nil
	}
	script := args[0].text
	if !m.spend(len(script)) || strings.Count(script[1:], script[1:2]) != 3 {
		return nil
	}
	parts := strings.Split(script[1:], script[1:2])
	if len(parts) != 4 || parts[1] == "" || strings.ContainsAny(parts[1], `.*[]^$\+?(){}`) || strings.ContainsAny(parts[2], `&\`) || len(parts[2]) > 64 {
		return nil
	}
	n := 1
	switch parts[3] {
	case "g":
		n = -1
	case "":
	default:
		return nil
	}
	return func(m *budget, s string) (string, bool) {
		if n < 0 {
			return m.replace(s, parts[1], parts[2], -1)
		}
		return m.replaceFirst(s, parts[1], parts[2])
	}
}
