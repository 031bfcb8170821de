package tagger

import (
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/tagger/pattern"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// A form is how a log shows the process of a text with several commands: as typed, or as
// the argument of the shell that ran it.
type form uint8

const (
	asTyped form = iota
	underSh
	underBash

	formCount
)

// given is how a shell is called before a text. The other forms are suffixes of the last
// one.
const given = "bash -c "

// begins is where a form begins in the text with given before it.
var begins = [formCount]int{asTyped: len(given), underSh: len("ba"), underBash: 0}

// ofProcess returns the value of a field of the current process. It is empty if there is
// none, and false if there is no room to make it.
func (ev *evaluation) ofProcess(f field) (string, bool) {
	p, at := ev.processOf(f)
	switch {
	case p == nil:
		return "", true
	case f.scanned() == fieldCommandLine && (!p.Text || ev.form == asTyped):
		return p.Line, true
	case f.scanned() == fieldImage && imageSize(p.Path) == 0:
		return p.Path, true
	}
	value, ok := ev.madeOf(f.scanned(), p, at)
	if ok && p.Text {
		value = value[begins[ev.form]:]
	}
	return value, ok
}

// processOf returns the process that a field refers to: the current one, or its parent, if
// the text shows it.
func (ev *evaluation) processOf(f field) (*shell.Process, int) {
	at := ev.process
	if f == fieldParentImage || f == fieldParentCommandLine {
		at = int(ev.script.Processes[at].Parent)
	}
	if at < 0 {
		return nil, at
	}
	return &ev.script.Processes[at], at
}

// madeOf puts a value together, once for all rules.
func (ev *evaluation) madeOf(f field, p *shell.Process, at int) (string, bool) {
	kept := ev.slotAt(f, false, at, len(ev.script.Processes))
	if kept == nil {
		return "", false
	}
	if *kept == "" {
		if f == fieldImage && ev.pays(imageSize(p.Path)) {
			*kept = imageOf(p.Path)
		} else if f == fieldCommandLine && ev.pays(len(given)+len(p.Line)) {
			*kept = given + p.Line
		}
	}
	return *kept, *kept != ""
}

// foldedOf returns the value of a field of the process at hand in lower case.
func (ev *evaluation) foldedOf(f field, value string) (string, bool) {
	p, at := ev.processOf(f)
	if f.scanned() == fieldCommandLine && p.Within >= 0 { // folding keeps the length of all but some rare letters
		outer := ev.script.Processes[p.Within].Line
		if whole, ok := ev.foldedAt(fieldCommandLine, int(p.Within), outer); !ok || len(whole) == len(outer) {
			return whole[max(len(whole)-len(p.Line), 0):], ok
		}
	}
	return ev.foldedAt(f.scanned(), at, value)
}

// foldedAt folds the value of a process, once for all rules.
func (ev *evaluation) foldedAt(f field, at int, value string) (string, bool) {
	p := &ev.script.Processes[at]
	kept := ev.slotAt(f, true, at, len(ev.script.Processes))
	if kept == nil {
		return "", false
	}
	if *kept == "" {
		ok := true
		if p.Text {
			value, ok = ev.madeOf(fieldCommandLine, p, at)
		}
		if ok && ev.pays(len(value)) {
			*kept = pattern.Fold(value)
		}
	}
	if p.Text && *kept != "" {
		return (*kept)[begins[ev.form]:], true
	}
	return *kept, *kept != ""
}

// imageOf returns the path of the program: Linux finds a bare name in a folder of PATH,
// and /usr/bin stands for these.
func imageOf(path string) string {
	if imageSize(path) == 0 {
		return path
	}
	return foundIn + path
}

const foundIn = "/usr/bin/"

// imageSize returns the size of a path's image when it is not the path, or 0.
func imageSize(path string) int {
	if path == "" || strings.Contains(path, "/") {
		return 0
	}
	return len(foundIn) + len(path)
}

// tryProcesses tries a rule on each program that a text starts, and then on the texts of
// several programs. It skips a text if the rule would match any text, or if the rule
// selects some program in it: the rule's exceptions are then decided for that program, not
// for the whole text.
func (r *runnable) tryProcesses(check *prepared, ev *evaluation) (quote, bool) {
	selected := false
	for i := range ev.script.Processes {
		if p := &ev.script.Processes[i]; !p.Text {
			if ev.holdsOf(check.is, i, asTyped) {
				return quoteProcess(ev.text, ev.script, p), true
			}
			selected = selected || check.selects != nil && ev.holdsOf(check.selects, i, asTyped)
		}
	}
	if selected {
		return quote{}, false
	}
	for i := range ev.script.Processes {
		p := &ev.script.Processes[i]
		for f := range formCount {
			if p.Text && check.forms[f] && ev.holdsOf(check.is, i, f) {
				return quoteProcess(ev.text, ev.script, p), true
			}
		}
	}
	return quote{}, false
}

// holdsOf reports whether a check holds for one process.
func (ev *evaluation) holdsOf(c check, process int, as form) bool {
	if ev.budget.Steps < leastSteps {
		ev.budget.Met = true
		return false
	}
	ev.process, ev.form = process, as
	return c.holds(ev)
}

// anyText is a process with a text that matches nothing in particular.
var anyText = &shell.Script{Processes: []shell.Process{{Line: "\x01", Parent: -1, Command: -1, Text: true}}}

// prepareForms finds the forms of a text that can matter to a rule. cond treats everything
// that depends on more than the text as true.
func (p *prepared) prepareForms(cond condition) {
	relaxed := prepare(relax(cond, true), true)
	for f := range formCount {
		var ev evaluation
		ev.begin(anyText.Processes[0].Line, nil)
		ev.script, ev.once = anyText, make([]answer, relaxed.slots)
		p.forms[f] = !ev.holdsOf(relaxed.is, 0, f)
	}
}

// exceptNothing adds the check for a condition without its exceptions.
func (p *prepared) exceptNothing(cond condition) {
	c := compiler{perCommand: true, slots: p.slots}
	p.selects = c.compile(selecting(cond))
	p.slots = c.slots
}

// selecting is a condition without its exceptions.
func selecting(c condition) condition {
	list := func(in []condition) []condition {
		out := make([]condition, len(in))
		for i, c := range in {
			out[i] = selecting(c)
		}
		return out
	}
	switch c := c.(type) {
	case allOf:
		return allOf(list(c))
	case anyOf:
		return anyOf(list(c))
	case noneOf:
		if !asksForAbsence(c) {
			return always
		}
	}
	return c
}

// asksForAbsence reports whether a condition is that of Sigma's null.
func asksForAbsence(c noneOf) bool {
	return !slices.ContainsFunc(c, func(c condition) bool {
		t, is := c.(fieldTest)
		return !is || !t.test.empty()
	})
}

// quoteProcess quotes the text that was typed for a process.
func quoteProcess(text string, script *shell.Script, p *shell.Process) quote {
	switch {
	case p.Command < 0:
		start := strings.Index(text, p.Line)
		if start < 0 {
			return literally(p.Line)
		}
		return quote{start: start, end: start + len(p.Line)}
	case p.Text:
		return literally(p.Line)
	}
	c := script.Commands[p.Command]
	c.Line = p.Line
	return quoteLine(text, &c)
}
