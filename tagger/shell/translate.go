package shell

import "strings"

// translation returns what tr does with literal sets, such as rot13 or the
// deletion of filler characters. It is nil for what it does not know: classes,
// complements, squeezing.
func translation(args []word) func(string) string {
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
	from := set(args[0].text)
	if len(from) == 0 {
		return nil
	}
	if remove {
		for _, c := range from {
			to[c] = -1
		}
	} else {
		with := set(args[1].text)
		if len(with) == 0 {
			return nil
		}
		for i, c := range from {
			to[c] = int16(with[min(i, len(with)-1)])
		}
	}
	return func(s string) string {
		out := make([]byte, 0, len(s))
		for i := range len(s) {
			if t := to[s[i]]; t >= 0 {
				out = append(out, byte(t))
			}
		}
		return string(out)
	}
}

// set expands the ranges and escapes of a set of tr.
func set(s string) []byte {
	text, _, _ := unescape(s, ansiEscapes)
	var out []byte
	for i := 0; i < len(text); i++ {
		if i+2 < len(text) && text[i+1] == '-' && text[i] <= text[i+2] {
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
func literalSubstitution(args []word) func(string) string {
	if len(args) > 0 && args[0].text == "-e" {
		args = args[1:]
	}
	if len(args) != 1 || !args[0].known || len(args[0].text) < 4 || args[0].text[0] != 's' {
		return nil
	}
	script := args[0].text
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
	return func(s string) string {
		if n < 0 {
			return strings.ReplaceAll(s, parts[1], parts[2])
		}
		var out strings.Builder
		for line := range strings.Lines(s) {
			out.WriteString(strings.Replace(line, parts[1], parts[2], 1))
		}
		return out.String()
	}
}
