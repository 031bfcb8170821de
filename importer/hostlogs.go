package importer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// What the logs of real hosts have in common. Whoever typed may be the owner of the host, so the
// events have the vantage host. If no address is known, the host's identity stands for whoever
// acted on it.

// fieldList collects the fields of a payload.
type fieldList []ttpcron.Field

func (l *fieldList) text(name, text string) { *l = append(*l, ttpcron.Field{Name: name, Text: text}) }

// some adds a field unless its text is empty.
func (l *fieldList) some(name, text string) {
	if text != "" {
		l.text(name, text)
	}
}

func (l *fieldList) raw(name string, raw json.RawMessage) {
	*l = append(*l, ttpcron.Field{Name: name, Raw: raw})
}

func (l *fieldList) truth(name string, is bool) {
	if is {
		l.raw(name, rawTrue)
	} else {
		l.raw(name, rawFalse)
	}
}

// number adds a number that is written in digits. It leaves out anything else.
func (l *fieldList) number(name, digits string) {
	if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
		l.raw(name, strconv.AppendUint(nil, n, 10))
	}
}

// payload returns a copy of the fields, sorted by name.
func (l *fieldList) payload(a *arena) ttpcron.Payload {
	slices.SortFunc(*l, func(f, g ttpcron.Field) int { return strings.Compare(f.Name, g.Name) })
	p := a.Fields(len(*l))
	for i, f := range *l {
		p[i] = f
		a.size += len(f.Text) + len(f.Raw)
	}
	return p
}

// maxHostName bounds the names of hosts. DNS has 253 bytes at most.
const maxHostName = 255

// shellSafe are the bytes that have no special meaning for any shell, wherever they are in a word.
var shellSafe = func() (safe [256]bool) {
	for c := range safe {
		safe[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("_@%+:,./-", byte(c)) >= 0
	}
	return safe
}()

// shellReserved are words that a shell takes for a program's name only if they are quoted.
var shellReserved = []string{
	"if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "select", "function", "time", "coproc", "let", "declare",
}

// appendShellWord appends an argument, quoted for a shell. first says that it is the program's name.
// Real arguments have no NULs, so those of a forged log are left out.
func appendShellWord(dst []byte, arg string, first bool) []byte {
	plain := arg != ""
	for i := range len(arg) {
		c := arg[i]
		plain = plain && (shellSafe[c] || c == '=' && !first || i > 0 && (c == '~' || c == '#'))
	}
	switch {
	case arg == "{}" || (arg == "[" || arg == "]"), plain && !(first && slices.Contains(shellReserved, arg)):
		return append(dst, arg...)
	case !utf8.ValidString(arg):
		return appendEscapedWord(dst, arg)
	}
	dst = append(dst, '\'')
	for i := range len(arg) {
		switch arg[i] {
		case 0:
		case '\'':
			dst = append(dst, `'\''`...)
		default:
			dst = append(dst, arg[i])
		}
	}
	return append(dst, '\'')
}

// appendEscapedWord appends an argument that is not UTF-8 as $'…' with numbered bytes, because the
// parser of commands needs UTF-8.
func appendEscapedWord(dst []byte, arg string) []byte {
	dst = append(dst, "$'"...)
	for i, r := range arg {
		switch c := arg[i]; {
		case c == 0:
		case r == utf8.RuneError && !strings.HasPrefix(arg[i:], "\ufffd"):
			dst = fmt.Appendf(dst, `\x%02x`, c)
		case c == '\'' || c == '\\':
			dst = append(dst, '\\', c)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '\'')
}

// shellText joins arguments to a command that a shell reads back as the same arguments.
func shellText(args []string) string {
	var text []byte
	for i, arg := range args {
		if i > 0 {
			text = append(text, ' ')
		}
		text = appendShellWord(text, arg, i == 0)
	}
	return string(text)
}

// textList returns a list of texts as JSON.
func textList(texts []string) json.RawMessage {
	list := []byte{'['}
	for i, text := range texts {
		if i > 0 {
			list = append(list, ',')
		}
		list = jsontext.AppendString(list, text)
	}
	return append(list, ']')
}
