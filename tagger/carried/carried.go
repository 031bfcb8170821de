// Package carried finds the shell commands that a request carries: in the parameters of its
// URL, in its headers and body, or in the text of another protocol.
//
// A request is not a command, and most of its text is not one either. A text counts as a
// command only by where it is and what it looks like:
//
//   - Text that a shell or interpreter is certain to run: the tail of a Shellshock function, the
//     argument of xp_cmdshell or COPY … FROM PROGRAM, a command in a JNDI address, the body
//     of a request for /bin/sh.
//   - Text in a call that runs commands, such as system("…") or exec("…"), in a line of a
//     crontab, or in a list of arguments, if it begins with a program.
//   - Text after ; | & or a newline in a parameter or path, or in $(…) or backquotes, if it
//     begins with a program, followed by what could be its arguments.
//   - The whole value of a parameter called cmd, exec or the like, under the same condition.
//   - The whole value of another parameter, if it cannot be anything else: a download tool with
//     its URL, a shell with -c, a change to a folder and another command.
//
// So /search?q=cat+food and /?name=wget carry nothing. Names that are usual for free text,
// such as q and comment, need a metacharacter and the last condition, as headers do.
package carried

import (
	"strings"

	"github.com/ttpcron/ttpcron"
)

// Text is a shell text that a request carries.
type Text struct {
	In   string // where it was found: "raw_url parameter cmd", "body element NewStatusURL"
	How  string // what makes it a command: "whole value", "after ;", "in backquotes", "argument of system"
	Text string // decoded
}

// Limits of one event.
const (
	maxTexts  = 8        // that are found
	maxFound  = 32 << 10 // bytes of them
	maxValues = 4096     // parameters, members, elements and headers that are looked at
	maxRead   = 1 << 20  // bytes of them, each layer of encoding again
	maxTries  = 16 << 10 // places where a command may begin
	maxNested = 16       // levels of JSON
	maxName   = 64       // bytes of a name that are shown
)

// Carries reports whether events of a kind may carry commands.
func Carries(kind ttpcron.SourceKind) bool {
	return kind == ttpcron.HTTPRequest || kind == ttpcron.ServiceRequest
}

// Kinds lists the kinds of events that may carry commands.
func Kinds() []ttpcron.SourceKind {
	return []ttpcron.SourceKind{ttpcron.HTTPRequest, ttpcron.ServiceRequest}
}

// Fields are the payload fields that are read.
func Fields(kind ttpcron.SourceKind) []string {
	switch kind {
	case ttpcron.HTTPRequest:
		return []string{"body", "cookie", "headers", "raw_url", "referer", "request_path", "user_agent"}
	case ttpcron.ServiceRequest:
		return []string{"request_text", "service"}
	}
	return nil
}

// Find returns the texts that an event carries, each once, in the order in which they are
// found. bounded is true if a limit was met, so that some may be missing.
func Find(e *ttpcron.Event) (texts []Text, bounded bool) {
	if !Carries(e.Kind) {
		return nil, false
	}
	f := finder{read: maxRead, tries: maxTries, values: maxValues, found: maxFound}
	if e.Kind == ttpcron.HTTPRequest {
		f.request(e.Payload)
	} else {
		f.service(e.Payload)
	}
	return f.texts, f.bounded
}

// finder looks for texts in one event.
type finder struct {
	texts   []Text
	bounded bool

	// What is left of the limits.
	read, tries, values, found int

	shell bool // the request is for a shell, which reads its body
	calls bool // a parameter names a function that runs commands
}

// request looks into a request to a web server.
func (f *finder) request(p ttpcron.Payload) {
	url, _ := p.Text("raw_url")
	if url == "" {
		url, _ = p.Text("request_path")
	}
	body := bodyOf(p)
	f.url(url)
	f.headers(p)
	if body != "" {
		f.body(body)
	}
}

func (f *finder) url(url string) {
	path, query, _ := strings.Cut(url, "?")
	if path != "" && mayCarry(path) {
		f.value("raw_url", "path", "", path, inPath)
	}
	whole := f.decoded(path, false)
	f.shell = isShell(whole)
	if query != "" {
		f.parameters("raw_url", query)
	}
}

// isShell reports whether a path leads to a shell, as in /cgi-bin/../../bin/sh.
func isShell(path string) bool {
	for _, name := range [...]string{"/bin/sh", "/bin/bash", "/bin/ash", "/bin/dash"} {
		if strings.HasSuffix(path, name) && len(path) > len(name) {
			return true
		}
	}
	return false
}

// service looks into a request in another protocol.
func (f *finder) service(p ttpcron.Payload) {
	text, _ := p.Text("request_text")
	service, _ := p.Text("service")
	if text == "" || !mayCarry(text) {
		return
	}
	switch service = strings.ToLower(service); service {
	case "telnet", "ssh":
		return // the command that was attempted there is an event of its own
	case "adb":
		for _, prefix := range [...]string{"shell:", "exec:"} {
			if command, ok := strings.CutPrefix(text, prefix); ok && command != "" {
				f.add("request_text", "command of adb", strings.TrimRight(command, "\x00"))
				return
			}
		}
	}
	if method, rest, ok := strings.Cut(text, " "); ok && isMethod(method) { // HTTP spoken to another service
		head, body, _ := cutHead(rest)
		target, _, _ := strings.Cut(head, " ")
		f.url(target)
		f.value("request_text", "", "", head, inHeader)
		f.body(body)
		return
	}
	f.value("request_text", "", "", text, inProtocol)
}

func isMethod(s string) bool {
	switch s {
	case "GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH":
		return true
	}
	return false
}

// cutHead separates the head of an HTTP request from its body.
func cutHead(s string) (head, body string, ok bool) {
	if head, body, ok = strings.Cut(s, "\r\n\r\n"); ok {
		return head, body, ok
	}
	return strings.Cut(s, "\n\n")
}

// mayCarry rules out most texts at a glance.
func mayCarry(s string) bool {
	return strings.ContainsAny(s, "% \t\n+;|&$`({<>='\"/")
}

// add notes a text.
func (f *finder) add(in, how, text string) {
	text = strings.Trim(text, " \t\r\n\x00")
	if text == "" {
		return
	}
	for i := range f.texts {
		if f.texts[i].Text == text {
			return
		}
	}
	if len(f.texts) == maxTexts || f.found < len(text) && f.found < 1024 {
		f.bounded, f.tries, f.values = true, 0, 0
		return
	}
	if len(text) > f.found {
		text, f.bounded = ttpcron.CutText(text, f.found), true
	}
	f.found -= len(text)
	f.texts = append(f.texts, Text{in, how, text})
}

// pays accounts for one value of some bytes.
func (f *finder) pays(n int) bool {
	if f.values--; f.values < 0 || f.read < n {
		f.bounded = true
		return false
	}
	f.read -= n
	return true
}

// name joins the words that say where a text was found.
func place(field, sort, name string) string {
	if sort == "" {
		return field
	}
	if name == "" {
		return field + " " + sort
	}
	return field + " " + sort + " " + ttpcron.Shorten(name, maxName)
}
