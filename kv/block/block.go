// Package block is the bytes of events: blocks of up to 256 events of one kind and
// day, in the order of arrival. It knows no transaction and no file.
//
// A block is a record (see package record), whose body is
//
//	number of events
//	length of the ids, form of the ids, ids   (those that sources gave)
//	length of the columns, form of the columns, columns
//
// and the columns, one after the other, are
//
//	actors    attacker, session and sensor, each distinct combination once
//	shapes    names and types of payload fields, each distinct list once
//	payloads  number of a shape and the values, each distinct payload once
//	arrival   differences, less 1; the first number is in the key
//	time      unit, time of day of the first event, signed differences
//	actor     number of the event's actor
//	payload   number of the event's payload
//
// Nine in ten commands that honeypots see repeat another, so most events cost
// their time and two numbers. The id of an event whose source gave it none is
// computed when it is wanted, see [ttpcron.Event.SourceID].
package block

import "github.com/ttpcron/ttpcron"

// The bounds of a block.
const (
	MaxEvents      = 256      // of one block
	maxBlockCost   = 1 << 20  // of more than one event, see costOf
	maxBlockBytes  = 16 << 20 // of columns; one event has less than ttpcron.MaxText and some names
	maxBlockFields = 1 << 16
	MaxFields      = 1 << 14 // of one event
)

// The forms of ids and columns.
const (
	idsContent  = 0 // no event has an id of its own; 16 bytes each in version 1
	idsPacked   = 1 // packed strings, empty for an event without an id of its own
	columnsRaw  = 0
	columnsZstd = 1
)

// costOf returns about how many bytes of memory an event takes.
func costOf(e *ttpcron.Event) int {
	n := 256 + len(e.ID) + len(e.AttackerUUID) + len(e.AttackerIP) + len(e.IdentityUUID) + len(e.SessionID) + len(e.DeckyID)
	for i := range e.Payload {
		f := &e.Payload[i]
		n += 64 + len(f.Name) + len(f.Text) + len(f.Raw)
	}
	return n
}

// Length returns how many of the events go into one block.
func Length(events []ttpcron.Event) int {
	cost, fields := 0, 0
	for i := range events {
		cost += costOf(&events[i])
		fields += len(events[i].Payload)
		if i > 0 && (i == MaxEvents || cost > maxBlockCost || fields > MaxFields) {
			return i
		}
	}
	return len(events)
}
