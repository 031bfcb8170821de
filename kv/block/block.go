// Package block encodes events: blocks of up to 256 events of one kind and day, in order of
// arrival. It knows no transactions and no files.
//
// A block is a record (see package record), whose body is
//
//	number of events
//	second of the day of the earliest event, seconds from it to the latest one
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
//	ordinal   of the few events that have one: how many lie between, the ordinal
//
// Nine in ten commands that honeypots see repeat another, so most events cost their time
// and two numbers. The id of an event whose source gave it none is computed when needed,
// see [ttpcron.Event.SourceID].
package block

import (
	"encoding/binary"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

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

// Span is the time of a block's events: seconds of the day.
type Span struct{ First, Last int }

// spanOf returns the span of events of a day.
func spanOf(day ttpcron.Day, events []ttpcron.Event) (s Span) {
	for i := range events {
		at := int(record.NanosOf(events[i].Time, day) / 1e9)
		if i == 0 {
			s = Span{at, at}
		}
		s.First, s.Last = min(s.First, at), max(s.Last, at)
	}
	return s
}

// PeekSpan reads only the span of a block's record. It checks nothing. Blocks of
// version 1 have none.
func PeekSpan(rec []byte) (s Span, ok bool) {
	if len(rec) < record.HeaderSize || rec[0] < 2 {
		return s, false
	}
	rest := rec[record.HeaderSize:]
	var numbers [3]uint64
	for i := range numbers {
		v, n := binary.Uvarint(rest)
		if n <= 0 || v > 86400 {
			return s, false
		}
		numbers[i], rest = v, rest[n:]
	}
	return Span{int(numbers[1]), int(numbers[1] + numbers[2])}, true
}

// costOf returns about how many bytes of memory an event takes.
func costOf(e *ttpcron.Event) int {
	n := 256 + len(e.ID) + len(e.AttackerUUID) + len(e.AttackerIP) + len(e.IdentityUUID) + len(e.SessionID) + len(e.Connection) + len(e.DeckyID)
	for i := range e.Payload {
		f := &e.Payload[i]
		n += 64 + len(f.Name) + len(f.Text) + len(f.Raw)
	}
	return n
}

// Cost returns about how many bytes of memory events take.
func Cost(events []ttpcron.Event) (n int) {
	for i := range events {
		n += costOf(&events[i])
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
