// Package ttpcron has the types that the parts of ttpcron share: the [Event] that a
// honeypot recorded, the [Tag] that a rule gave it, and the windows, positions and counters
// that keep track of a replay.
//
// The package depends only on the standard library and package jsontext. Every other
// package of the module may import these two, but not one another; cmd/ttpcron connects
// them.
//
// Only this package decides what identifies an event or a tag ([Event.ContentID],
// [Tag.UUID]), because a stored identity can never change.
package ttpcron

import "time"

// Day is a UTC calendar day, counted from 1970-01-01. The day of an event's
// time is the unit in which history and tags are stored, replayed and retired;
// it never depends on when the event was imported or tagged.
type Day int32

// DayOf returns the UTC day that t lies in.
func DayOf(t time.Time) Day {
	s := t.Unix()
	d := s / 86400
	if s%86400 < 0 {
		d--
	}
	return Day(d)
}

// Start returns the first instant of the day.
func (d Day) Start() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String returns the day as YYYY-MM-DD.
func (d Day) String() string { return d.Start().Format(time.DateOnly) }

// Window is the half-open range of event time [Since, Until). A zero bound is
// open.
type Window struct {
	Since, Until time.Time
}

// Contains reports whether t lies in the window.
func (w Window) Contains(t time.Time) bool {
	return (w.Since.IsZero() || !t.Before(w.Since)) && (w.Until.IsZero() || t.Before(w.Until))
}

// Overlaps reports whether any instant of the day lies in the window.
func (w Window) Overlaps(d Day) bool {
	if !w.Since.IsZero() && !w.Until.IsZero() && !w.Since.Before(w.Until) {
		return false // an empty window
	}
	return (w.Since.IsZero() || w.Since.Before((d + 1).Start())) && (w.Until.IsZero() || d.Start().Before(w.Until))
}

// Covers reports whether every instant of the day lies in the window.
func (w Window) Covers(d Day) bool {
	return (w.Since.IsZero() || !w.Since.After(d.Start())) && (w.Until.IsZero() || !w.Until.Before((d + 1).Start()))
}
