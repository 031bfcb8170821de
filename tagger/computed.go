package tagger

import "github.com/ttpcron/ttpcron/tagger/pattern"

// computed are values that tests look at and an event does not have: values in lower
// case, and the fields of Sigma that are put together. Each is computed once for all
// rules, as long as there is room for it.
type computed struct {
	fields [fieldCount]computedField
	bytes  int
}

// computedField has the values of one field, by command or process.
type computedField struct{ value, folded []string }

// maxComputed bounds the bytes that are computed for one event, the lists included. It
// is room for a text of the greatest length in each of the ways that it can be
// asked for.
const maxComputed = 4 << 20

// stringSize is what a string takes in a list.
const stringSize = 16

// forget drops what was computed for the previous event.
func (m *computed) forget() {
	if m != nil && m.bytes > 0 {
		*m = computed{}
	}
}

func (ev *evaluation) room() *computed {
	if ev.computed == nil {
		ev.computed = &computed{}
	}
	return ev.computed
}

// pays reports whether there is room for n bytes more.
func (ev *evaluation) pays(n int) bool {
	m := ev.room()
	if m.bytes+n > maxComputed {
		ev.budget.Met = true
		return false
	}
	m.bytes += n
	return true
}

// slot returns where the current command's text is kept, or nil if there is no room for
// it.
func (ev *evaluation) slot(f field, folded bool) *string {
	if f.ofCommand() {
		return ev.slotAt(f, folded, ev.command, len(ev.script.Commands))
	}
	return ev.slotAt(f, folded, 0, 1)
}

// slotAt is slot for one of n commands or processes.
func (ev *evaluation) slotAt(f field, folded bool, at, n int) *string {
	list := &ev.room().fields[f].value
	if folded {
		list = &ev.computed.fields[f].folded
	}
	if len(*list) <= at {
		if !ev.pays(stringSize * n) {
			return nil
		}
		*list = make([]string, n)
	}
	return &(*list)[at]
}

// folded returns a value of a field in lower case, or false if there is no room for it.
func (ev *evaluation) folded(f field, value string) (string, bool) {
	if !pattern.Folds(value) {
		return value, true
	}
	if !f.single() && f != fieldText {
		if !ev.pays(len(value)) {
			return "", false
		}
		return pattern.Fold(value), true
	}
	if f.ofProcess() {
		return ev.foldedOf(f, value)
	}
	kept := ev.slot(f, true)
	if kept == nil {
		return "", false
	}
	if *kept == "" && ev.pays(len(value)) {
		*kept = pattern.Fold(value)
	}
	return *kept, *kept != ""
}
