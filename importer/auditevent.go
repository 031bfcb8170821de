package importer

import (
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// auditEvent is an event of the kernel, as far as it was read.
type auditEvent struct {
	node, stamp string
	at          time.Time
	from        int64 // where its first record begins in the file
	before      bool  // it began in the file before
	elsewhere   bool  // it goes on in the file that follows, where its lines count
	lines       int
	types       []typeCount // of the lines
	arch        string
	syscall     string
	failed      bool
	title       []byte
	cwd         string
	fields      map[string]string // of SYSCALL

	exec  bool // there is an EXECVE
	argc  int
	args  map[int]string
	size  int  // of args
	large bool // some arguments were left out
}

// maxAuditTypes is how many types of records are counted for one event. The kernel has about ten.
const maxAuditTypes = 16

// count counts a line of the event.
func (e *auditEvent) count(kind string) {
	if e.elsewhere {
		return
	}
	e.lines++
	for i := range e.types {
		if t := &e.types[i]; t.name == kind || i == maxAuditTypes-1 {
			t.n++
			return
		}
	}
	e.types = append(e.types, typeCount{kind, 1})
}

// empty reports whether nothing is known of an event.
func (e *auditEvent) empty() bool { return e.fields == nil && !e.exec && e.cwd == "" && e.title == nil }

// titled reports whether PROCTITLE, which the kernel writes last, ends the event.
func (e *auditEvent) titled() bool {
	if e.exec {
		return e.large || len(e.args) >= e.argc
	}
	return e.fields != nil
}

// readSyscall reads what SYSCALL says about the process.
func (e *auditEvent) readSyscall(fields []byte) error {
	said := map[string]string{}
	err := eachAuditField(fields, func(f auditField) {
		switch name := string(f.name); name {
		case "exe", "comm", "key":
			if f.quoted || name != "key" {
				said[name] = clip(f.decoded(), maxAuditMore)
			} else { // several keys, with 0x01 between them
				said[name] = strings.ReplaceAll(clip(f.decoded(), maxAuditMore), "\x01", ",")
			}
		case "arch", "syscall", "success", "pid", "ppid", "auid", "uid", "tty", "ses", "UID", "AUID", "SYSCALL":
			if s := string(f.value); s != "(none)" && s != "(null)" && s != "?" && s != auditUnset {
				said[name] = clip(s, maxHostName)
			}
		}
	})
	if err != nil {
		return err
	}
	e.fields, e.arch, e.syscall, e.failed = said, said["arch"], said["syscall"], said["success"] == "no"
	return nil
}

// readArgs reads `argc=3 a0="sh" a1="-c" a2=6375…`. Long arguments are split over several records:
// "a2_len=9000 a2[0]=… a2[1]=…".
func (e *auditEvent) readArgs(fields []byte) error {
	if e.args == nil {
		e.args = map[int]string{}
	}
	return eachAuditField(fields, func(f auditField) {
		if string(f.name) == "argc" {
			n, err := strconv.Atoi(string(f.value))
			if err == nil && n >= 0 {
				e.argc = n
			}
			return
		}
		name, ok := strings.CutPrefix(string(f.name), "a")
		if !ok {
			return
		}
		name, _, piece := strings.Cut(name, "[")
		n, err := strconv.Atoi(name)
		switch value := f.decoded(); {
		case err != nil || n < 0: // a2_len
		case n >= maxAuditArgc || e.size+len(value) > maxAuditArgs:
			e.large = true
		case piece:
			e.args[n] += value
			e.size += len(value)
		default:
			e.args[n] = value
			e.size += len(value)
		}
	})
}

// argv returns the arguments before the first missing one, and whether none is missing.
func (e *auditEvent) argv() (args []string, whole bool) {
	for n := range len(e.args) {
		arg, ok := e.args[n]
		if !ok {
			return args, false
		}
		args = append(args, arg)
	}
	return args, !e.large && len(args) >= e.argc
}

// execCalls are the numbers of execve and execveat on each machine.
var execCalls = map[string][2]string{
	"c000003e": {"59", "322"}, "40000003": {"11", "358"}, "c00000b7": {"221", "281"}, "40000028": {"11", "387"},
	"c0000015": {"11", "362"}, "80000015": {"11", "362"}, "80000016": {"11", "354"}, "c00000f3": {"221", "281"},
}

// started reports whether the call started a program. Then PROCTITLE has that program's arguments,
// and otherwise those of the caller.
func (e *auditEvent) started() bool {
	name := e.fields["SYSCALL"]
	calls := execCalls[e.arch]
	return !e.failed && (name == "execve" || name == "execveat" || e.syscall != "" && (e.syscall == calls[0] || e.syscall == calls[1]))
}

// titleCut is the length at which the kernel cuts PROCTITLE.
const titleCut = 128

// finish turns open event i into an event of ours, or ignores it, and removes it from the open ones.
func (p *auditParser) finish(i int, to *parsed) {
	e := p.open[i]
	p.open = append(p.open[:i], p.open[i+1:]...)
	if e.before && e.lines == 0 { // the file before has all of it
		to = &parsed{arena: &arena{}}
	}
	var args []string
	whole := true
	switch {
	case e.exec:
		args, whole = e.argv()
	case e.started() && len(e.title) > 0:
		whole = len(e.title) < titleCut-1
		args = strings.Split(strings.TrimSuffix(string(e.title), "\x00"), "\x00")
	}
	if len(args) == 0 {
		to.others = append(to.others, e.types...)
		return
	}
	to.lines += e.lines
	l := &p.list
	*l = (*l)[:0]
	l.raw("argv", textList(args))
	l.number("auid", e.fields["auid"])
	l.text("command_text", shellText(args))
	l.some("exe", e.fields["exe"])
	l.some("key", e.fields["key"])
	l.some("login_user", named(e.fields["AUID"]))
	l.number("pid", e.fields["pid"])
	l.number("ppid", e.fields["ppid"])
	l.some("pwd", e.cwd)
	if !whole {
		l.truth("truncated", true)
	}
	l.some("tty", e.fields["tty"])
	l.number("uid", e.fields["uid"])
	l.some("user", named(e.fields["UID"]))
	p.give(&ttpcron.Event{Kind: ttpcron.Command, Time: e.at, DeckyID: e.node}, e.fields["ses"], "", to)
}
