package carried

import (
	"encoding/base64"
	"strings"
)

// position is the sort of place where a value was found. It decides how closely a text must
// resemble a command.
type position uint8

const (
	inPath      position = iota
	inParameter          // of a query or form
	inMember             // of JSON, or an element of XML
	inHeader
	inProtocol // the text of another protocol
	inText     // a body without structure
)

// value looks into one value, as the request has it.
func (f *finder) value(field, sort, name, value string, at position) {
	if len(value) > f.read {
		value, f.bounded = value[:max(f.read, 0)], true
	}
	if value == "" || !f.pays(len(value)) {
		return
	}
	switch at {
	case inPath, inHeader:
		value = f.decoded(value, false)
	case inParameter:
		value = f.decoded(value, true)
	case inProtocol:
		value = newlines.Replace(value)
	}
	in := place(field, sort, name)
	if f.certain(in, value, at) {
		return
	}
	free := at == inHeader || at == inProtocol || at == inText || isFreeText(name)
	commanded := isCommandName(name) || f.calls && at == inParameter
	if at == inParameter || at == inMember {
		text := strings.TrimLeft(value, " \t\r\n")
		if commanded && likely(text) || !free && !isFreeText(name) && unmistakable(text) {
			f.add(in, "whole value", value)
			return
		}
	}
	f.injected(in, value, at, free && !commanded, isFreeText(name))
}

// injected finds what a shell would run if the value were pasted into a command. free requires
// more than a program; written says that people write such texts.
func (f *finder) injected(in, value string, at position, free, written bool) {
	for i := 0; i < len(value); i++ {
		c := value[i]
		if !isMeta[c] {
			continue
		}
		if f.tries--; f.tries < 0 {
			f.bounded = true
			return
		}
		switch {
		case c == '`' && written:
			// people write so what they do not mean to run
		case c == '`':
			end := strings.IndexByte(value[i+1:], '`')
			if end < 0 {
				end = len(value) - i - 1
			}
			if inner := value[i+1 : i+1+end]; f.accepts(inner, free) {
				f.add(in, "in backquotes", inner)
				i += end + 1
			}
		case c == '$':
			if i+1 == len(value) || value[i+1] != '(' || !f.accepts(value[i+2:], free) {
				continue
			}
			end := closing(value[i+2:])
			f.add(in, "in $(…)", value[i+2:i+2+end])
			i += end + 2
		case c == '\n' && at != inPath && at != inParameter:
		default:
			rest := strings.TrimLeft(value[i+1:], "|&; \t\r")
			if f.accepts(rest, free) && !ambiguous(value[:i], rest) {
				f.add(in, "after "+shown(c), unquoted(rest))
				return
			}
			i = len(value) - len(rest) - 1
		}
	}
}

func shown(c byte) string {
	if c == '\n' {
		return "a newline"
	}
	return string(rune(c))
}

// isMeta has the bytes after which a shell begins a command.
var isMeta = [256]bool{';': true, '|': true, '&': true, '\n': true, '`': true, '$': true}

func (f *finder) accepts(text string, free bool) bool {
	if free {
		return unmistakable(text)
	}
	return likely(text)
}

// closing returns where the bracket closes that was opened before s.
func closing(s string) int {
	depth := 1
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// unquoted cuts the quote that ends the text around an injected command, as in
// ping '1.1.1.1;id'.
func unquoted(text string) string {
	trimmed := strings.TrimRight(text, " ;#$&|")
	if trimmed == "" {
		return text
	}
	if q := trimmed[len(trimmed)-1]; (q == '\'' || q == '"') && strings.Count(trimmed, string(q))%2 == 1 {
		return strings.TrimRight(trimmed[:len(trimmed)-1], " ;#&|")
	}
	if q := trimmed[len(trimmed)-1]; q == ')' && strings.Count(trimmed, "(") < strings.Count(trimmed, ")") {
		return trimmed[:len(trimmed)-1]
	}
	return text
}

// ambiguous reports whether a word after a separator may just as well be an element of a list,
// as in name|id.
func ambiguous(before, text string) bool {
	word, _ := firstWord(text)
	switch word {
	case "id", "ls", "ps", "env", "hostname", "w", "dir", "pwd", "date":
	default:
		return false
	}
	if rest := strings.TrimLeft(text[min(len(text), strings.Index(text, word)+len(word)):], " \t\r\n;|&#"); rest != "" && likely(rest) {
		return false
	}
	before = strings.TrimRight(before, " \t;|&")
	if before == "" {
		return false
	}
	c := before[len(before)-1]
	if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_') {
		return false
	}
	start := strings.LastIndexAny(before, " \t;|&=,")
	return !isProgram(before[start+1:]) || before[start+1:] == "id" || before[start+1:] == "hostname"
}

// certain finds commands that an interpreter is certain to run, or as good as certain. It
// reports whether the whole value is dealt with.
func (f *finder) certain(in, value string, at position) bool {
	if i := strings.Index(value, "() {"); i >= 0 && strings.Contains(value[i:], "}") {
		if tail := shellshock(value[i:]); tail != "" {
			f.add(in, "after a Shellshock function", tail)
			return true
		}
	}
	if i := strings.Index(value, "/Base64/"); i >= 0 && containsFold(value, "jndi") {
		word, _, _ := strings.Cut(value[i+len("/Base64/"):], "}")
		if text, ok := decode64(word); ok {
			f.add(in, "base64 of a JNDI address", text)
			return true
		}
	}
	found := false
	if i := indexFold(value, "xp_cmdshell"); i >= 0 {
		if text, ok := literal(value[i+len("xp_cmdshell"):], true); ok {
			f.add(in, "argument of xp_cmdshell", text)
			found = true
		}
	}
	for _, word := range [...]string{"from program", "to program"} {
		if i := indexFold(value, word); i >= 0 {
			if text, ok := literal(value[i+len(word):], true); ok {
				f.add(in, "argument of PROGRAM", text)
				found = true
			}
		}
	}
	if at == inProtocol {
		if i := indexFold(value, "system.exec"); i >= 0 {
			rest := strings.TrimSpace(value[i+len("system.exec"):])
			if text, ok := literal(rest, false); ok {
				rest = text
			}
			if likely(rest) {
				f.add(in, "argument of system.exec", rest)
				return true
			}
		}
		found = f.crontab(in, value) || found
	}
	return f.called(in, value) || found
}

// shellshock returns what follows an imported function.
func shellshock(s string) string {
	end := strings.IndexByte(s, '}')
	tail := strings.TrimLeft(s[end+1:], " ;\t")
	if strings.HasPrefix(tail, ">") { // >_[$($())] { id; } of CVE-2014-6278
		_, inner, ok := strings.Cut(tail, "{")
		if !ok {
			return ""
		}
		tail = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(inner), "}"))
	}
	return tail
}

// crontab finds lines of a crontab.
func (f *finder) crontab(in, value string) (found bool) {
	for rest := value; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if f.tries--; f.tries < 0 {
			f.bounded = true
			return found
		}
		command := cronCommand(strings.TrimLeft(line, " \t\"'"))
		if command != "" && likely(command) {
			f.add(in, "line of a crontab", strings.TrimRight(command, "\"' \r"))
			found = true
		}
	}
	return found
}

// cronCommand returns what a line of a crontab runs, or "".
func cronCommand(line string) string {
	fields := 0
	for fields < 5 {
		word, rest, ok := strings.Cut(line, " ")
		if i := strings.IndexByte(word, '\t'); i >= 0 {
			word, rest, ok = line[:i], line[i+1:], true
		}
		if !ok || word == "" || strings.Trim(word, "0123456789*/,-") != "" {
			if fields == 0 && ok && strings.HasPrefix(word, "@") {
				line, fields = rest, 5
				break
			}
			return ""
		}
		line = strings.TrimLeft(rest, " \t")
		fields++
	}
	if user, rest, ok := strings.Cut(line, " "); ok && (user == "root" || user == "www-data" || user == "redis") {
		return strings.TrimLeft(rest, " \t")
	}
	return line
}

// callNames are functions that run the command that they are given.
var callNames = map[string]bool{
	"system": true, "exec": true, "shell_exec": true, "passthru": true, "popen": true, "proc_open": true, "pcntl_exec": true,
	"execSync": true, "execFile": true, "execFileSync": true, "spawn": true, "spawnSync": true, "sys_exec": true, "sys_eval": true,
	"execute": true, "getoutput": true, "check_output": true, "check_call": true, "Popen": true, "ProcessBuilder": true, "call": true, "run": true,
	"Exec": true, "Command": true,
}

// called finds the arguments of calls, and literals of which .execute() is called.
func (f *finder) called(in, value string) (found bool) {
	for at := 0; ; {
		i := strings.IndexByte(value[at:], '(')
		if i < 0 {
			return found
		}
		at += i
		if f.tries--; f.tries < 0 {
			f.bounded = true
			return found
		}
		name := nameBefore(value[:at])
		at++
		if !callNames[name] {
			continue
		}
		if name == "execute" && strings.HasPrefix(value[at:], ")") {
			f.tries -= 15 // it looks back
			if text := literalBefore(value[:at-len("execute(")]); likely(text) {
				f.add(in, "text that is executed", text)
				found = true
			}
			continue
		}
		list := literals(value[at:min(len(value), at+maxFound)])
		switch {
		case len(list) == 0:
		case len(list) > 1 && isProgram(list[0]) && (strings.HasPrefix(list[1], "-") || strings.HasPrefix(list[1], "/")):
			f.arguments(in, list)
			found = true
		case beginsProgram(list[0]):
			f.add(in, "argument of "+name, list[0])
			found = true
		}
	}
}

// nameBefore returns the name that a text ends with.
func nameBefore(s string) string {
	start := len(s)
	for start > 0 && len(s)-start < 32 && isNameByte(s[start-1]) {
		start--
	}
	return s[start:]
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// literals returns the literal texts that an argument list begins with: "a", or {"a", "b"}
// with a word or two before it, or the text of base64_decode("YQ==").
func literals(s string) (list []string) {
	head := min(len(s), 64)
	q := strings.IndexAny(s[:head], `'"`)
	if q < 0 || strings.ContainsAny(s[:q], ";)") {
		return nil
	}
	coded := strings.Contains(s[:q], "base64") || strings.Contains(s[:q], "b64decode") || strings.Contains(s[:q], "atob")
	s = s[q:]
	for len(list) < maxArguments {
		text, rest, ok := quotedText(s)
		if !ok {
			break
		}
		if coded {
			text, _ = decode64(text)
		}
		list = append(list, text)
		rest = strings.TrimLeft(rest, " \t\r\n")
		if rest == "" || rest[0] != ',' || coded {
			break
		}
		if s = strings.TrimLeft(rest[1:], " \t\r\n["); s == "" || s[0] != '"' && s[0] != '\'' {
			break
		}
	}
	return list
}

// literal returns the literal text that s begins with, after blanks and a sign or two. In
// SQL a quote is doubled.
func literal(s string, sql bool) (string, bool) {
	q := strings.IndexAny(s[:min(len(s), 32)], `'"`)
	if q < 0 || sql && (q == 0 || strings.ContainsAny(s[:q], ",;")) {
		return "", false
	}
	if sql {
		s = s[q:]
		quote := s[:1]
		for end := 1; ; {
			i := strings.Index(s[end:], quote)
			if i < 0 {
				return strings.ReplaceAll(s[1:], quote+quote, quote), true
			}
			if end += i; strings.HasPrefix(s[end+1:], quote) {
				end += 2
				continue
			}
			return strings.ReplaceAll(s[1:end], quote+quote, quote), true
		}
	}
	text, _, ok := quotedText(s[q:])
	return text, ok
}

// quotedText returns a text in quotes, without backslashes before quotes, and what follows.
func quotedText(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return "", s, false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			text = s[1:i]
			if strings.IndexByte(text, '\\') >= 0 {
				text = quotes.Replace(text)
			}
			return text, s[i+1:], true
		}
	}
	return s[1:], "", len(s) > 1
}

// maxLiteral is how far before a call its text may begin.
const maxLiteral = 4096

// literalBefore returns the literal, or the first of a list of them, that a text ends with:
// "id". or ["sh","-c","id"].
func literalBefore(s string) string {
	s = s[max(0, len(s)-maxLiteral):]
	s = strings.TrimRight(strings.TrimSuffix(strings.TrimRight(s, " "), "."), " ")
	if strings.HasSuffix(s, "]") {
		open := strings.LastIndexByte(s, '[')
		if open < 0 {
			return ""
		}
		list := literals(s[open+1:])
		for i := range list {
			list[i] = quoted(list[i])
		}
		return strings.Join(list, " ")
	}
	if s == "" || s[len(s)-1] != '"' && s[len(s)-1] != '\'' {
		return ""
	}
	open := strings.LastIndexByte(s[:len(s)-1], s[len(s)-1])
	if open < 0 {
		return ""
	}
	return s[open+1 : len(s)-1]
}

// decode64 decodes base64 in any of its alphabets.
func decode64(s string) (string, bool) {
	s = alphabet64.Replace(strings.TrimRight(s, "= \r\n"))
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || len(b) < 2 {
		return "", false
	}
	return string(b), true
}

func containsFold(s, word string) bool { return indexFold(s, word) >= 0 }

// indexFold finds a word in lower case, whatever the case of the text. A byte of the word
// that is no letter is looked for first, if it has one.
func indexFold(s, word string) int {
	anchor := strings.IndexFunc(word, func(r rune) bool { return r < 'a' || r > 'z' })
	for at := max(anchor, 0); at < len(s); at++ {
		if anchor >= 0 && s[at] != word[anchor] {
			i := strings.IndexByte(s[at:], word[anchor])
			if i < 0 {
				return -1
			}
			at += i
		}
		from := at - max(anchor, 0)
		if from+len(word) > len(s) {
			return -1
		}
		if s[from]|0x20 == word[0] && strings.EqualFold(s[from:from+len(word)], word) {
			return from
		}
	}
	return -1
}
