// Package mapping turns JSON objects into events, as a description says. (A row of CSV is
// such an object by the time it gets here.)
//
// A [Mapping] is the description in a table [format.NAME] of a config file: how to recognise
// the records of the format, and which members become the time, the address and the payload
// of which kinds of event. docs/sources.md describes the language. Start with [Parse]; a
// [Reader] then reads the records of one file.
//
// An attacker may have written every value. The work for a record is proportional to its
// size, and a record becomes at most [MaxEvents] events.
package mapping

import (
	"bytes"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// MaxEvents is the largest number of events that one record may become. More is an error.
// An attacker may try many passwords in one connection.
const MaxEvents = 2048

// Mapping describes the records of one format. It is not changed after [Parse], and may be
// used by several readers at once.
type Mapping struct {
	Name    string // letters, digits and -
	Title   string // a few words for help
	Version int    // raised whenever the same record becomes other events; at least 1
	Vantage ttpcron.Vantage
	// NeedsZone says that the times name no zone, so the input's settings have to.
	NeedsZone bool
	// Richer names the format in which the same sensor logs the same and more; empty if there
	// is none.
	Richer string
	// Own are the kinds of event that the richer format lacks.
	Own []ttpcron.SourceKind
	// WholeSeconds says that equal records within a second are different events.
	WholeSeconds bool
	// WithText says that the sensor writes lines of text between its records.
	WithText bool

	sum        string
	names      names // of the members of a record that the description uses
	recognised []alternative
	kind       []place // what an ignored record is counted as
	events     []event
	remembers  bool // the addresses of sessions
}

// alternative is a way to recognise a record.
type alternative struct {
	conditions []condition
	hints      [][]byte // texts without which no record meets the conditions
}

// possible reports whether a record has all hints of an alternative.
func (a *alternative) possible(record []byte) bool {
	for _, hint := range a.hints {
		if !bytes.Contains(record, hint) {
			return false
		}
	}
	return true
}

// event describes how a record becomes events of one kind.
type event struct {
	kind    ttpcron.SourceKind
	summary string // of its conditions
	when    []condition
	unless  [][]condition // lists of conditions of which none may be met as a whole
	each    *place        // of the list whose elements become an event each; nil: the record becomes one
	names   names         // of the members of an element

	time, address, session, sensor, id *value
	moment                             moment
	numbered                           bool    // equal events are different ones
	payload                            []field // sorted by name
}

// field is a field of a payload.
type field struct {
	name string
	value
}

// moment describes how a time is written.
type moment struct {
	layouts []string       // for package time; none: the usual spellings of honeypots
	zone    *time.Location // of times that name none; nil: that of the input
}

// Sum changes when anything in the description does.
func (m *Mapping) Sum() string { return m.sum }

// Kinds are the kinds of event that records become, with the conditions, in the order of
// the description.
func (m *Mapping) Kinds() []Kind {
	var all []Kind
	for i := range m.events {
		all = append(all, Kind{m.events[i].summary, m.events[i].kind})
	}
	return all
}

// Kind says which records become events of a kind.
type Kind struct {
	When string // such as `action = "login"`; empty: all
	Kind ttpcron.SourceKind
}

// Recognises reports whether a text, perhaps cut at its end, is a record of the format.
func (m *Mapping) Recognises(record []byte) bool {
	for i := range m.recognised {
		if m.recognised[i].possible(record) {
			var r Reader
			r.begin(m)
			r.scanner.Reset(record)
			r.object(&m.names)
			return r.known()
		}
	}
	return false
}

// Source is what a reader must know in addition to the records.
type Source struct {
	// Time reads a time in the usual spellings of honeypots; one without a zone is UTC.
	Time func(jsontext.Value) (time.Time, bool)
	// Address returns an address in the spelling that events use.
	Address func(string) string
	Zone    *time.Location // of times that name none, if the mapping does not say; may be nil
	Host    string         // of the log, if it is a host's and a record does not name it
	// Number sets the ordinal of an event whose source writes whole seconds.
	Number func(*ttpcron.Event)
}
