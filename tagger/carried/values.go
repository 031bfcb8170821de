package carried

import (
	"strings"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// bodyOf returns the body of a request; a collector may have written JSON as it is.
func bodyOf(p ttpcron.Payload) string {
	for i := range p {
		if p[i].Name == "body" {
			if p[i].Raw != nil {
				return string(p[i].Raw)
			}
			return p[i].Text
		}
	}
	return ""
}

// headers looks into the headers and what sensors record apart from them.
func (f *finder) headers(p ttpcron.Payload) {
	for i := range p {
		switch p[i].Name {
		case "headers":
			if len(p[i].Raw) == 0 {
				f.header(p[i].Name, "", p[i].Text)
				continue
			}
			jsontext.EachMember(p[i].Raw, func(name []byte, value jsontext.Value) bool {
				if text, ok := value.Text(); ok {
					f.header("headers", string(name), text)
					return f.values > 0
				}
				jsontext.EachElement(value.Raw(), func(value jsontext.Value) bool {
					if text, ok := value.Text(); ok {
						f.header("headers", string(name), text)
					}
					return f.values > 0
				})
				return f.values > 0
			})
		case "user_agent", "referer", "cookie":
			f.header(p[i].Name, "", p[i].Text)
		}
	}
}

func (f *finder) header(field, name, text string) {
	sort := ""
	if name != "" {
		sort = "member"
	}
	if mayCarry(text) {
		f.value(field, sort, name, text, inHeader)
	}
}

// parameters looks into a query or a form.
func (f *finder) parameters(field, query string) {
	var joined []string // of the parameters called command, as Kubernetes takes them
	f.calls = callsOf(query)
	several := strings.Count(query, "command=") > 1
	for rest := query; rest != "" && f.values > 0; {
		var pair string
		pair, rest = cutPair(rest)
		if pair == "" {
			continue
		}
		name, value, named := strings.Cut(pair, "=")
		if !named || strings.ContainsAny(name, " ;|`") || strings.Contains(name, "$(") {
			name, value = "", pair
		}
		if !mayCarry(value) && !isCommandName(name) && !f.calls {
			continue
		}
		if several && name == "command" && len(joined) < maxArguments {
			joined = append(joined, f.decoded(value, true))
			continue
		}
		sort := "parameter"
		if name == "" {
			sort = "query"
			if field != "raw_url" {
				sort = ""
			}
		}
		f.value(field, sort, f.decoded(name, true), value, inParameter)
	}
	f.calls = false
	if len(joined) > 1 {
		f.arguments(place(field, "parameter", "command"), joined)
	}
}

// cutPair returns the first parameter of a query: up to a single &.
func cutPair(s string) (pair, rest string) {
	for i := 0; i < len(s); i++ {
		if s[i] != '&' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '&' && i > 0 && strings.Trim(s[i+2:], "& ") != "" && !strings.Contains(headOf(s[i+2:]), "=") {
			i++ // && of a shell
			continue
		}
		return s[:i], s[i+1:]
	}
	return s, ""
}

// headOf is what comes before the first &.
func headOf(s string) string {
	head, _, _ := strings.Cut(s[:min(len(s), 256)], "&")
	return head
}

// callsOf reports whether a parameter is the name of a function that runs commands, as in
// vars[0]=system&vars[1][]=id.
func callsOf(query string) bool {
	for _, name := range [...]string{"=system", "=shell_exec", "=exec", "=passthru", "=popen", "=proc_open"} {
		for at := 0; ; {
			i := strings.Index(query[at:], name)
			if i < 0 {
				break
			}
			at += i + len(name)
			if at == len(query) || query[at] == '&' {
				return true
			}
		}
	}
	return false
}

// body looks into the body of a request.
func (f *finder) body(body string) {
	trimmed := strings.TrimLeft(body, " \t\r\n")
	if f.shell && trimmed != "" && f.pays(len(body)) {
		f.add("body", "read by the shell that was asked for", body)
		return
	}
	if trimmed == "" || !mayCarry(trimmed) && len(trimmed) < 2 {
		return
	}
	switch {
	case trimmed[0] == '{' || trimmed[0] == '[':
		if jsontext.Check([]byte(trimmed)) == nil {
			f.json([]byte(trimmed), "", 0)
			return
		}
	case trimmed[0] == '<' && !strings.HasPrefix(trimmed, "<?php") && !strings.HasPrefix(trimmed, "<?="):
		f.xml(trimmed)
		return
	case isForm(trimmed):
		f.parameters("body", trimmed)
		return
	}
	f.value("body", "", "", body, inText)
}

// isForm reports whether a body has the form of a query: a name and an equals sign.
func isForm(s string) bool {
	for i := 0; i < len(s) && i < 128; i++ {
		switch c := s[i]; {
		case c == '=':
			return i > 0
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-.[]%:#@/+$*", c) >= 0:
		default:
			return false
		}
	}
	return false
}

// json looks into the strings of a JSON text.
func (f *finder) json(text []byte, name string, depth int) {
	if depth > maxNested || f.values <= 0 {
		f.bounded = true
		return
	}
	jsontext.EachMember(text, func(member []byte, value jsontext.Value) bool {
		f.jsonValue(value, string(member), depth)
		return f.values > 0
	})
	var list []string
	jsontext.EachElement(text, func(value jsontext.Value) bool {
		if text, ok := value.Text(); ok && len(list) < maxArguments {
			list = append(list, text)
		}
		f.jsonValue(value, name, depth)
		return f.values > 0
	})
	if len(list) > 1 && isArguments(name) {
		f.arguments(place("body", "member", name), list)
	}
}

func (f *finder) jsonValue(value jsontext.Value, name string, depth int) {
	if text, ok := value.Text(); ok {
		if rest, ok := strings.CutPrefix(text, "-c "); ok && isCommandName(name) {
			f.add(place("body", "member", name), "argument of a shell", strings.Trim(rest, `'"`)) // utilCmdArgs of F5
			return
		}
		if mayCarry(text) || isCommandName(name) {
			f.value("body", "member", name, text, inMember)
		}
		return
	}
	if raw := value.Raw(); len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		f.json(raw, name, depth+1)
	}
}

// isArguments reports whether a list of that name is a program with its arguments.
func isArguments(name string) bool {
	switch strings.ToLower(name) {
	case "cmd", "command", "commands", "args", "arguments", "argv", "entrypoint":
		return true
	}
	return false
}

// maxArguments is how many elements of a list are one command.
const maxArguments = 64

// arguments notes a program that is given as a list.
func (f *finder) arguments(in string, list []string) {
	if !isProgram(list[0]) {
		return
	}
	var b strings.Builder
	for i, arg := range list[:min(len(list), maxArguments)] {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quoted(arg))
	}
	f.add(in, "list of arguments", b.String())
}

// quoted writes an argument as a shell reads it.
func quoted(arg string) string {
	if arg != "" && !strings.ContainsFunc(arg, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:=+,@%", r))
	}) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// xml looks into the texts between the tags of a document.
func (f *finder) xml(s string) {
	var list []string // texts of <string> and <value>, which may be a program's arguments
	whole := s
	for s != "" && f.values > 0 {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			break
		}
		s = s[open+1:]
		if data, ok := strings.CutPrefix(s, "![CDATA["); ok {
			text, rest, _ := strings.Cut(data, "]]>")
			f.value("body", "element", "", text, inMember)
			s = rest
			continue
		}
		end := strings.IndexByte(s, '>')
		if end < 0 {
			break
		}
		tag := s[:end]
		s = s[end+1:]
		next := strings.IndexByte(s, '<')
		if next < 0 {
			next = len(s)
		}
		text := strings.TrimSpace(s[:next])
		if strings.HasPrefix(tag, "/") || strings.HasPrefix(tag, "!") || text == "" {
			continue
		}
		name := tagName(tag)
		text = unescapeXML(text)
		if (name == "string" || name == "value" || name == "arg") && len(list) < maxArguments {
			list = append(list, text)
		}
		f.value("body", "element", name, text, inMember)
	}
	for i := range list {
		if len(list)-i > 1 && (isProgram(list[i])) && (strings.HasPrefix(list[i+1], "-") || strings.HasPrefix(list[i+1], "/")) {
			f.arguments("body element list", list[i:min(len(list), i+3)])
			break
		}
	}
	if strings.Contains(whole, "<?php") || strings.Contains(whole, "<%") || strings.Contains(whole, "system(") || strings.Contains(whole, "exec(") {
		f.value("body", "", "", whole, inText)
	}
}

func tagName(tag string) string {
	end := strings.IndexAny(tag, " \t\r\n/")
	if end >= 0 {
		tag = tag[:end]
	}
	if i := strings.LastIndexByte(tag, ':'); i >= 0 {
		tag = tag[i+1:]
	}
	return tag
}

// A replacer is made once: that takes longer than to use it.
var (
	newlines   = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n", `\x0a`, "\n", `\"`, `"`)
	quotes     = strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\/`, `/`)
	alphabet64 = strings.NewReplacer("-", "+", "_", "/", " ", "+") // of URLs, as the usual one
	separators = strings.NewReplacer("${IFS}", " ", "$IFS", " ")
)

var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&#39;", "'", "&#34;", `"`, "&#x27;", "'", "&#10;", "\n", "&#xa;", "\n", "&#38;", "&")

func unescapeXML(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return entities.Replace(s)
}

// decoded undoes percent encoding, also when it was done several times, and + for a blank.
func (f *finder) decoded(s string, plus bool) string {
	for range 3 {
		out, changed := unescape(s, plus)
		if !changed {
			return s
		}
		if f.read -= len(s); f.read < 0 {
			f.bounded = true
			return s
		}
		s, plus = out, false
	}
	return s
}

// unescape undoes one layer.
func unescape(s string, plus bool) (out string, changed bool) {
	first := strings.IndexByte(s, '%')
	if i := strings.IndexByte(s, '+'); plus && i >= 0 && (first < 0 || i < first) {
		first = i
	}
	if first < 0 {
		return s, false
	}
	b := make([]byte, first, len(s))
	copy(b, s)
	for i := first; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+' && plus:
			c, changed = ' ', true
		case c == '%' && i+2 < len(s):
			if hi, lo := hex(s[i+1]), hex(s[i+2]); hi >= 0 && lo >= 0 {
				c, changed = byte(hi<<4|lo), true
				i += 2
			} else if (s[i+1] == 'u' || s[i+1] == 'U') && i+5 < len(s) {
				if r := hex4(s[i+2 : i+6]); r > 0 {
					b = utf8.AppendRune(b, rune(r))
					changed = true
					i += 5
					continue
				}
			}
		}
		b = append(b, c)
	}
	if !changed {
		return s, false
	}
	return string(b), true
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func hex4(s string) (n int) {
	for i := range 4 {
		d := hex(s[i])
		if d < 0 {
			return -1
		}
		n = n<<4 | d
	}
	return n
}
