package importer

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// The history of a shell, with times. bash writes them if HISTTIMEFORMAT is set, zsh with
// EXTENDED_HISTORY, and fish always:
//
//	#1700000000              : 1700000000:0;uname -a      - cmd: uname -a
//	uname -a                                                when: 1700000000
//
// A history has no addresses, and names neither host nor user. The file's path says whose it is.
var shellHistory = Format{
	Name: "history", Title: "the history of a shell (bash, zsh, fish) with times", Version: 1,
	Records: []RecordType{{Name: "command", Kinds: []ttpcron.SourceKind{ttpcron.Command}, Why: "only with a time"}},
	lines: &lineFormat{
		recognises: func(line []byte) bool {
			return bashStamp.Match(line) || zshEntry.Match(line) || bytes.HasPrefix(line, []byte(fishEntry))
		},
		continues: historyContinues,
		parser:    newHistoryParser,
		needs:     func([]byte, bool) needs { return needs{host: true} },
	},
}

var (
	bashStamp = newExpression(`^#\d{9,10}$`)
	zshEntry  = newExpression(`^: {1,10}(\d{9,10}):\d{1,9};`)
	fishWhen  = newExpression(`(?m)^  when: (\d{9,10})$`)
)

const fishEntry = "- cmd: "

// historyForm says which shell wrote a record, judging by its beginning.
type historyForm int

const (
	noTime historyForm = iota
	bashForm
	zshForm
	fishForm
)

func historyFormOf(line []byte) historyForm {
	first, _, _ := bytes.Cut(line, []byte("\n"))
	switch {
	case bashStamp.Match(first):
		return bashForm
	case zshEntry.Match(first):
		return zshForm
	case bytes.HasPrefix(first, []byte(fishEntry)):
		return fishForm
	}
	return noTime
}

func historyContinues(record, line []byte) ([]byte, bool) {
	switch historyFormOf(record) {
	case bashForm:
		return line, !bashStamp.Match(line)
	case zshForm:
		return line, bytes.HasSuffix(record, []byte(`\`))
	case fishForm:
		return line, bytes.HasPrefix(line, []byte("  "))
	}
	return line, historyFormOf(line) == noTime
}

type historyParser struct {
	host, user string
	ordinals   ordinals
	list       fieldList
}

func newHistoryParser(src *source) recordParser {
	return &historyParser{host: src.Host, user: homeOf(src.path), ordinals: ordinals{settings: src.Settings}}
}

// homeOf returns the user in whose home folder a file is, empty if the path does not say it.
func homeOf(path string) string {
	if path == "" {
		return ""
	}
	parts := strings.Split(filepath.ToSlash(filepath.Dir(path)), "/")
	for i := len(parts) - 2; i >= 0; i-- {
		if parts[i] == "home" || parts[i] == "Users" {
			return parts[i+1]
		}
	}
	if slices.Contains(parts, "root") {
		return "root"
	}
	return ""
}

const setHistoryTimes = "bash writes times if HISTTIMEFORMAT is set, zsh with setopt EXTENDED_HISTORY"

var (
	errHistoryTime = errors.New("it has no time: " + setHistoryTimes)
	errFishTime    = errors.New("no when: says its time")
)

func (p *historyParser) parse(record []byte, to *parsed) error {
	if p.host == "" {
		return errNoHost
	}
	var stamp, text []byte
	shell := ""
	switch historyFormOf(record) {
	case bashForm:
		shell = "bash"
		stamp, text, _ = bytes.Cut(record[1:], []byte("\n"))
	case zshForm:
		shell = "zsh"
		m := zshEntry.FindSubmatchIndex(record)
		stamp, text = record[m[2]:m[3]], unmetafy(bytes.ReplaceAll(record[m[1]:], []byte("\\\n"), []byte("\n")))
		if bytes.HasSuffix(text, []byte(`\ `)) { // which keeps the backslash from going on
			text = text[:len(text)-1]
		}
	case fishForm:
		shell = "fish"
		m := fishWhen.FindSubmatch(record)
		if m == nil {
			return errFishTime
		}
		first, _, _ := bytes.Cut(record[len(fishEntry):], []byte("\n"))
		stamp, text = m[1], unescapeFish(first)
	default:
		return errHistoryTime
	}
	text = bytes.TrimRight(text, "\r\n")
	if len(bytes.TrimSpace(text)) == 0 {
		to.ignore(emptyLine)
		return nil
	}
	at, ok := epoch(string(stamp))
	if !ok {
		return errHistoryTime
	}
	p.list = p.list[:0]
	p.list.text("command_text", string(text))
	p.list.text("shell", shell)
	p.list.some("user", p.user)
	e := ttpcron.Event{Kind: ttpcron.Command, Time: at, DeckyID: p.host, Vantage: ttpcron.VantageHost}
	e.NameNobody()
	e.Payload = p.list.payload(to.arena)
	p.ordinals.number(&e)
	to.add(&e)
	return nil
}

// unmetafy undoes zsh's escapes. A byte that means something to zsh itself is written as 0x83 and
// the byte with bit 5 flipped.
func unmetafy(text []byte) []byte {
	if bytes.IndexByte(text, 0x83) < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == 0x83 && i+1 < len(text) {
			i++
			out = append(out, text[i]^0x20)
			continue
		}
		out = append(out, text[i])
	}
	return out
}

// unescapeFish undoes \n and \\.
func unescapeFish(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) && (text[i+1] == 'n' || text[i+1] == '\\') {
			i++
			if c = text[i]; c == 'n' {
				c = '\n'
			}
		}
		out = append(out, c)
	}
	return out
}

// isHistoryName reports whether a file has the name of a shell's history, as in
// .bash_history, alice.zsh_history or fish_history.gz.
func isHistoryName(path string) bool {
	name := strings.ToLower(filepath.Base(path))
	for _, packed := range []string{".gz", ".bz2", ".xz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	return strings.HasSuffix(name, "sh_history") || slices.Contains([]string{".zhistory", ".histfile", ".history"}, name)
}

// beginsHistory reports whether a file begins as a history with times does.
func beginsHistory(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), "\r\n")
	first, _, _ := bytes.Cut(head, []byte("\n"))
	return historyFormOf(bytes.TrimRight(first, "\r")) != noTime
}
