package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/jsontext"
)

// account counts what became of the records, to show somebody who writes a description
// where it does not fit.
type account struct {
	records int
	events  []eventAccount
	before  []eventAccount  // events before the record at hand
	there   map[string]bool // names that a record had
}

// begins notes that another record is read.
func (a *account) begins(n *names, values []jsontext.Value) {
	a.records++
	a.before = append(a.before[:0], a.events...)
	a.noticed(n, values)
}

// rejected takes back what the record at hand counted: its reason is told elsewhere, and it
// may be read twice.
func (a *account) rejected() {
	for i := range a.events {
		a.events[i].whole, a.events[i].part = a.before[i].whole, a.before[i].part
	}
}

// eventAccount counts what one description of an event made.
type eventAccount struct {
	met         bool // a record or element met its conditions
	whole, part int  // those that gave an event, and those without what an event of the kind needs
}

// Account makes the reader count, for [Reader.Findings].
func (r *Reader) Account() {
	r.account = &account{events: make([]eventAccount, len(r.mapping.events)), there: map[string]bool{}}
}

// noticed notes which members the record at hand has.
func (a *account) noticed(n *names, values []jsontext.Value) {
	for name, slot := range n.at {
		if slot < len(values) && len(values[slot].Raw()) > 0 {
			a.there[name] = true
		}
	}
}

// Findings says, one sentence each, where the description does not fit the records that were
// read since [Reader.Account]: members that no record has, conditions that none meets, and
// records that meet the conditions but lack what an event needs.
func (r *Reader) Findings() (all []string) {
	a := r.account
	if a == nil || a.records == 0 {
		return nil
	}
	m := r.mapping
	used := map[string]bool{}
	for name := range m.names.at {
		used[name] = true
	}
	for i := range m.events {
		for name := range m.events[i].names.at {
			used[name] = true
		}
	}
	var missing []string
	for name := range used {
		if !a.there[name] && name != itself {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		all = append(all, "no record has "+strings.Join(missing, ", "))
	}
	for i, n := range a.events {
		e := &m.events[i]
		what := fmt.Sprintf("event %d, %s", i+1, e.kind)
		if e.summary != "" {
			what += ", " + e.summary
		}
		switch {
		case !n.met:
			all = append(all, what+": no record meets its conditions")
		case n.part > 0:
			all = append(all, fmt.Sprintf("%s: %d of %d that meet its conditions have no %s", what, n.part, n.whole+n.part, strings.Join(contents[e.kind].needs, " or ")))
		}
	}
	return all
}
