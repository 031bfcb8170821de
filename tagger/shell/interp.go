package shell

import "strings"

// isInterpreter reports whether a program takes code that can run commands.
func isInterpreter(name string) bool {
	switch name {
	case "perl", "ruby", "php", "node", "nodejs", "lua", "awk", "gawk", "mawk", "nawk", "tclsh", "expect":
		return true
	}
	version := strings.TrimPrefix(name, "python")
	return version != name && strings.Trim(version, "0123456789.") == ""
}

// runners are the functions that run a command in Python, Perl, Ruby, PHP, Lua, Node and
// awk, as ends of a call's name.
var runners = []string{"system", "popen", "Popen", "exec", "execSync", "spawn", "call", "run", "check_output", "getoutput", "passthru", "execute"}

// interpreted reports the commands that code for an interpreter runs: literal texts in
// calls such as os.system("…"), also if they or the code around them are a base64 literal.
// Nothing else of the code is understood.
func (b *build) interpreted(c *call, name string) {
	b.feedProcesses(c, name)
	for i := 1; i < len(c.words); i++ {
		b.feed(c, &c.words[i], name)
		b.runsCommands(c, c.words[i].text, name, 0)
	}
	if c.in.text != "" {
		b.runsCommands(c, c.in.text, name, 0)
	}
}

func (b *build) runsCommands(c *call, code, name string, depth int) {
	if len(code) < 8 || depth > 2 || !b.text.spend(len(code)) {
		return
	}
	for i, n := 0, 0; i < len(code) && n < 64; i++ {
		j := strings.IndexAny(code[i:], "(\"'")
		if j < 0 {
			return
		}
		i += j
		function, at := callee(code[:i])
		if function == "" {
			continue
		}
		n++
		start := i
		for code[start] == '(' && i+1 < len(code) && strings.IndexByte("[ \"'", code[i+1]) >= 0 {
			i++ // its quote is no second call
		}
		text := b.codeLiteral(strings.TrimLeft(strings.TrimPrefix(code[start:], "("), " \t\n["))
		if function == "b64" && text != "" {
			if text, _ = decodeBase64(&b.text, text); text != "" {
				b.foundBy(c, text, "base64")
			}
			function, _ = callee(strings.TrimRight(code[max(0, at-64):at], "base64.MIE:"))
		}
		switch {
		case text == "":
		case function == "" || function == "exec" && strings.HasPrefix(name, "python"):
			b.runsCommands(c, text, name, depth+1)
		default:
			b.layer(c, stream{text: text, known: true}, name)
		}
	}
}

// callee returns which runner's name ends the code before a bracket or quote,
// "b64" for a decoder of base64, or nothing, and where the name begins.
func callee(before string) (name string, at int) {
	off := max(0, len(before)-48)
	before = strings.TrimRight(before[off:], "( \t")
	for _, f := range decoderCalls {
		if strings.HasSuffix(before, f) {
			return "b64", off + len(before) - len(f)
		}
	}
	for _, f := range runners {
		if strings.HasSuffix(before, f) {
			return f, off + len(before) - len(f)
		}
	}
	return "", 0
}

var decoderCalls = []string{"b64decode", "decode_base64", "base64_decode", "decode64", "atob"}

// codeLiteral returns the string literal that code begins with. A list of
// strings gives a command line.
func (b *build) codeLiteral(code string) string {
	code = strings.TrimLeft(code, " bru\n\t")
	var words []string
	for len(code) > 1 && (code[0] == '"' || code[0] == '\'') && len(words) < 64 {
		quote := code[:1]
		if len(code) > 2 && code[1] == quote[0] && code[2] == quote[0] {
			quote = code[:3]
		}
		end := literalEnd(code, quote)
		if !b.text.spend(end) {
			return ""
		}
		s, _, _ := b.text.unescape(code[min(len(quote), end):end], ansiEscapes)
		words = append(words, s)
		code = strings.TrimLeft(code[min(len(code), end+len(quote)):], " \n\t")
		if !strings.HasPrefix(code, ",") {
			break
		}
		code = strings.TrimLeft(code[1:], " \n\t")
	}
	if len(words) < 2 {
		text, _ := b.text.concat(words...)
		return text
	}
	for i, w := range words {
		quoted, _ := b.text.replace(w, "'", `'\''`, -1)
		words[i], _ = b.text.concat("'", quoted, "'")
	}
	text, _ := b.text.join(words, "")
	return text
}

// literalEnd returns where the closing quote of a literal is, or the end.
func literalEnd(code, quote string) int {
	code = code[:min(len(code), maxValue)]
	for i := len(quote); i < len(code); i++ {
		if code[i] == '\\' {
			i++
		} else if strings.HasPrefix(code[i:], quote) {
			return i
		}
	}
	return len(code)
}
