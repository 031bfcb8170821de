package shell

import (
	"strconv"
	"strings"
)

// prints returns a program's output if it is a plain function of arguments and input, and
// otherwise false.
func (b *build) prints(c *call, name string) (stream, bool) {
	args := c.words[1:]
	switch name {
	case "echo":
		return b.echo(c, args), true
	case "printf":
		return b.printf(c, args), true
	case "cat":
		return b.input(c, args, ""), true
	case "tee":
		b.tee(c, args)
		return c.in, true
	case "base64", "base32":
		if decodes(args) {
			return b.decoded(c, b.input(c, args, "w"), name, decoders[name]), true
		}
	case "openssl":
		if opensslDecodes(args) {
			return b.decoded(c, b.opensslInput(c, args), "base64", decodeBase64), true
		}
	case "xxd":
		if plainHex(args) {
			return b.decoded(c, b.input(c, args, "cls"), "hex", decodeHex), true
		}
	case "rev":
		return b.decoded(c, b.input(c, args, ""), name, reverseLines), true
	case "tac":
		return b.decoded(c, b.input(c, args, ""), name, lastFirst), true
	case "tr":
		if m := b.text.translation(args); m != nil {
			return b.decoded(c, c.in, name, m), true
		}
	case "sed":
		if f := literalSubstitution(&b.text, args); f != nil {
			return b.decoded(c, c.in, name, f), true
		}
	}
	return stream{}, false
}

var decoders = map[string]decoder{"base64": decodeBase64, "base32": decodeBase32}

// decoded applies a decoder to a known text and records the result as a layer.
func (b *build) decoded(c *call, in stream, how string, decode decoder) stream {
	if !in.known || in.text == "" {
		return stream{}
	}
	out, ok := decode(&b.text, in.text)
	if !ok || out == "" {
		return stream{}
	}
	if out != in.text {
		b.foundBy(c, out, how)
	}
	return stream{text: out, known: true}
}

// foundBy records a layer that a command decodes.
func (b *build) foundBy(c *call, text, how string) {
	start, end := c.src.span(c.start, c.end)
	b.found(Layer{Text: strings.TrimSuffix(text, "\n"), How: how, Depth: c.at.depth, Start: start, End: end})
}

// input is what a program reads: the named files, if the script has written them, or its
// standard input.
func (b *build) input(c *call, args []word, valued string) stream {
	out := stream{known: true}
	named := false
	for i := 0; i < len(args); i++ {
		a := args[i].text
		if isShort(a) {
			if strings.IndexByte(valued, a[len(a)-1]) >= 0 {
				i++
			}
			continue
		}
		if strings.HasPrefix(a, "--") {
			continue
		}
		named = true
		if a == "-" || a == "/dev/stdin" {
			out = b.join(out, c.in)
		} else {
			out = b.join(out, b.files[fileKey(a)])
		}
	}
	if !named {
		return c.in
	}
	return out
}

func (b *build) tee(c *call, args []word) {
	more := false
	for _, w := range args {
		switch {
		case w.text == "-a" || w.text == "--append":
			more = true
		case !strings.HasPrefix(w.text, "-"):
			b.write(c, w.text, c.in, more)
		}
	}
}

// echo prints its arguments. Backslash escapes count with -e only, as in Bash
// and BusyBox.
func (b *build) echo(c *call, args []word) stream {
	newline, escapes := "\n", false
	for len(args) > 0 && isShort(args[0].text) && strings.Trim(args[0].text[1:], "neE") == "" {
		if strings.Contains(args[0].text, "n") {
			newline = ""
		}
		escapes = strings.Contains(args[0].text, "e") || escapes && !strings.Contains(args[0].text, "E")
		args = args[1:]
	}
	if !escapes {
		out, _ := b.text.joinWords(args, newline)
		return out
	}
	out := b.joinWords(args)
	text, numeric, stop := b.text.unescape(out.text, echoEscapes)
	if numeric {
		b.foundBy(c, text, "echo")
	}
	out.text = text
	if newline != "" && !stop {
		var ok bool
		if out.text, ok = b.text.concat(text, newline); !ok {
			return stream{}
		}
	}
	return out
}

func (b *build) printf(c *call, args []word) stream {
	if len(args) > 1 && args[0].text == "-v" {
		if len(args) > 2 && isName(args[1].text) {
			out := b.format(c, args[2:])
			b.assign(args[1].text, word{text: out.text, known: out.known})
		}
		return stream{known: true}
	}
	if len(args) > 0 && args[0].text == "--" {
		args = args[1:]
	}
	return b.format(c, args)
}

func (b *build) format(c *call, args []word) stream {
	if len(args) == 0 {
		return stream{}
	}
	out := stream{known: true}
	for i := range args {
		out.known = out.known && args[i].known
		out.substs = out.substs || args[i].substs
	}
	format, rest := args[0].text, args[1:]
	text := writer{m: &b.text}
	numeric, stop := false, false
	for round := 0; round == 0 || len(rest) > 0 && !stop; round++ {
		if !b.text.spend(len(format)) {
			return stream{}
		}
		before := len(rest)
		var n bool
		rest, n, stop = formatOnce(&text, format, rest)
		numeric = numeric || n
		if before == len(rest) || text.refused {
			break
		}
	}
	out.text, out.known = text.text.String(), out.known && !text.refused
	if numeric {
		b.foundBy(c, out.text, "printf")
	}
	return out
}

// formatOnce prints the format once and returns the arguments that are left.
func formatOnce(text *writer, format string, rest []word) (left []word, numeric, stop bool) {
	next := func() string {
		if len(rest) == 0 {
			return ""
		}
		a := rest[0].text
		rest = rest[1:]
		return a
	}
	for len(format) > 0 {
		n := strings.IndexByte(format, '%')
		if n < 0 {
			n = len(format)
		}
		s, num, end := text.m.unescape(format[:n], ansiEscapes)
		text.add(s)
		numeric = numeric || num
		if end || n == len(format) {
			return rest, numeric, end
		}
		format = strings.TrimLeft(format[n+1:], "-+ #0123456789.l")
		if format == "" {
			break
		}
		switch verb := format[0]; verb {
		case '%':
			text.addByte('%')
		case 'b':
			s, num, _ := text.m.unescape(next(), echoEscapes)
			text.add(s)
			numeric = numeric || num
		case 'c':
			if a := next(); a != "" {
				text.addByte(a[0])
			}
		case 'd', 'i', 'u':
			writeNumber(text, next(), 10)
		case 'o':
			writeNumber(text, next(), 8)
		case 'x', 'X':
			writeNumber(text, next(), 16)
		default:
			text.add(next())
		}
		format = format[1:]
	}
	return rest, numeric, false
}

func writeNumber(text *writer, arg string, base int) {
	v, _ := strconv.ParseInt(arg, 0, 64)
	text.add(strconv.FormatInt(v, base))
}

// decodes reports whether the arguments of base64 ask for decoding.
func decodes(args []word) bool {
	for _, w := range args {
		if a := w.text; strings.HasPrefix(a, "--d") || isShort(a) && strings.ContainsAny(strings.TrimRight(a, "0123456789"), "dD") {
			return true
		}
	}
	return false
}

// opensslDecodes reports whether the arguments of openssl are "base64 -d" or
// "enc -base64 -d".
func opensslDecodes(args []word) bool {
	if len(args) == 0 || args[0].text != "base64" && args[0].text != "enc" {
		return false
	}
	decode, encoded, cipher := false, args[0].text == "base64", false
	for _, w := range args[1:] {
		switch w.text {
		case "-d":
			decode = true
		case "-base64", "-a":
			encoded = true
		case "-A", "-in", "-out":
		default:
			cipher = cipher || strings.HasPrefix(w.text, "-")
		}
	}
	return decode && encoded && !cipher
}

func (b *build) opensslInput(c *call, args []word) stream {
	for i, w := range args[:len(args)-1] {
		if w.text == "-in" {
			return b.files[fileKey(args[i+1].text)]
		}
	}
	return c.in
}

// plainHex reports whether the arguments of xxd are -r and -p.
func plainHex(args []word) bool {
	reverse, plain := false, false
	for _, w := range args {
		if isShort(w.text) {
			reverse = reverse || strings.Contains(w.text, "r")
			plain = plain || strings.Contains(w.text, "p")
		}
	}
	return reverse && plain
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
