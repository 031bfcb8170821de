package tagger

import (
	"sync"

	"github.com/ttpcron/ttpcron/tagger/pattern"
)

// A condition is what an event must satisfy for a rule to match: the tree that a rule's
// YAML is read into, and all that the compiler knows of it. To support another rule
// language, build this tree.
type condition interface{ condition() }

type (
	allOf  []condition // every one holds
	anyOf  []condition // at least one holds
	noneOf []condition // none holds

	// someCommand holds when any simple command of the text satisfies it.
	someCommand struct{ is condition }

	// fieldTest holds when a value of the field satisfies the test.
	fieldTest struct {
		field fieldRef
		test  *valueTest
	}

	// flagTest is a test of a boolean field of a simple command.
	flagTest struct {
		field field
		want  bool
	}

	// predicateTest asks a built-in predicate.
	predicateTest struct {
		name     string
		settings map[string]any
	}
)

func (allOf) condition()         {}
func (anyOf) condition()         {}
func (noneOf) condition()        {}
func (someCommand) condition()   {}
func (fieldTest) condition()     {}
func (flagTest) condition()      {}
func (predicateTest) condition() {}

// valueTest is a test of one string. The same value must pass every member that is set.
// For a list, one element suffices, except for containsAll.
type valueTest struct {
	equals      []string
	contains    []string
	containsAll []string
	startsWith  []string
	endsWith    []string
	globs       []string
	patterns    []*pattern.Pattern
	not         *valueTest // must not hold
	ignoreCase  bool
	// countMin is how many values of the field must pass; 0 means 1.
	countMin int

	asked sync.Once
	sets  [][]string // see literals

	listed sync.Once
	exact  map[string]struct{} // equals, when they are many
}

// empty reports whether the test holds of every value.
func (t *valueTest) empty() bool {
	return t == nil || len(t.equals) == 0 && len(t.contains) == 0 && len(t.containsAll) == 0 && len(t.startsWith) == 0 &&
		len(t.endsWith) == 0 && len(t.globs) == 0 && len(t.patterns) == 0 && t.not == nil
}

// fieldRef is a field of a simple command or of the event.
type fieldRef struct {
	field field
	// name is the payload field, for fieldPayload.
	name string
	// stringOnly makes the test blind to payload values that are not JSON
	// strings, which is what match.pattern promises.
	stringOnly bool
}

// scope is what a condition speaks of.
type scope struct {
	command bool // a field of the simple command or process at hand
	process bool // of the process
	shell   bool // anything that the shell parser gives: command fields, some, decoded
	payload bool // anything but the command's text
}

func scopeOf(c condition) scope {
	switch c := c.(type) {
	case allOf:
		return scopeOfList(c)
	case anyOf:
		return scopeOfList(c)
	case noneOf:
		return scopeOfList(c)
	case someCommand:
		s := scopeOf(c.is)
		return scope{shell: true, payload: s.payload}
	case fieldTest:
		switch c.field.field {
		case fieldText:
			return scope{}
		case fieldDecoded:
			return scope{shell: true}
		case fieldPayload:
			return scope{payload: true}
		}
		return scope{command: true, process: c.field.field.ofProcess(), shell: true}
	case flagTest:
		return scope{command: true, shell: true}
	case predicateTest:
		return scope{payload: true}
	}
	panic("unknown condition")
}

func scopeOfList(list []condition) scope {
	var all scope
	for _, c := range list {
		s := scopeOf(c)
		all.command = all.command || s.command
		all.process = all.process || s.process
		all.shell = all.shell || s.shell
		all.payload = all.payload || s.payload
	}
	return all
}
