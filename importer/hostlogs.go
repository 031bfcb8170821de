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

// What the logs of real hosts have in common. The one who typed may be the owner of the
// host, so their events have the vantage host. If no address is known, the host itself
// stands for whoever acted on it.

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

// number adds a number that is spelled in digits. Anything else, and none, is left out.
func (l *fieldList) number(name, digits string) {
	if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
		l.raw(name, strconv.AppendUint(nil, n, 10))
	}
}

// payload returns the fields in the order of their names, in memory of their own.
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

// shellSafe are the bytes that no shell takes for anything but themselves, wherever they
// are in a word.
var shellSafe = func() (safe [256]bool) {
	for c := range safe {
		safe[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("_@%+:,./-", byte(c)) >= 0
	}
	return safe
}()

// shellReserved are words that are no program's name unless they are quoted.
var shellReserved = []string{
	"if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "select", "function", "time", "coproc", "let", "declare",
}

// appendShellWord appends an argument so that a shell reads it back. first says that it is
// the program's name. An argument cannot have a NUL; one that a forged log has is left out.
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

// appendEscapedWord appends an argument that is not UTF-8 as $'…', in which the bytes have
// numbers: the parser of commands reads nothing else.
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

// shellText is the command of these arguments.
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

// textList is a list of texts as JSON.
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
