package importer

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// written returns the date in a rotated file's name: when the file was complete. It is zero
// if there is none.
func (s *source) written() time.Time {
	if s.path == "" {
		return time.Time{}
	}
	p := placeOf(filepath.Base(s.path))
	if p.form != dated {
		return time.Time{}
	}
	return time.Date(p.stamp[0], time.Month(p.stamp[1]), p.stamp[2], 0, 0, 0, 0, time.UTC)
}

// yearClock finds the year of times that have none. The lines are in the order of time,
// unless a clock was set or a line came late.
type yearClock struct {
	zone    *time.Location
	year    int       // of the last time
	written time.Time // when the file was complete, or zero
	last    time.Time // the latest time; zero before the first
}

const (
	// backwards is how far times may go back within a year; further means the next year.
	backwards = 31 * 24 * time.Hour
	// aheadOfName is how long after the date in its name a file may end: the date may be in
	// another zone.
	aheadOfName = 2 * 24 * time.Hour
)

var (
	errNoZone = errors.New("its time names no zone; set zone")
	errNoYear = errors.New("its time has no year; set year")
)

func (c *yearClock) at(l *sysLine) (time.Time, error) {
	switch {
	case c.zone == nil:
		return time.Time{}, errNoZone
	case c.year == 0 && c.written.IsZero():
		return time.Time{}, errNoYear
	}
	in := func(year int) time.Time {
		return time.Date(year, time.Month(l.bsd[0]), l.bsd[1], l.bsd[2], l.bsd[3], l.bsd[4], l.nanos, c.zone)
	}
	year := c.year
	if c.last.IsZero() && !c.written.IsZero() {
		if year = c.written.Year(); in(year).Sub(c.written) > aheadOfName {
			year--
		}
	}
	t, ahead := in(year), year
	if !c.last.IsZero() {
		switch {
		case c.last.Sub(t) > backwards:
			t, ahead = in(year+1), year+1
		case t.Sub(c.last) > backwards && c.last.Sub(in(year-1)) < backwards: // late, in the new year
			t = in(year - 1)
		}
	}
	if int(t.Month()) != l.bsd[0] && l.bsd[4] < 60 {
		return time.Time{}, fmt.Errorf("%d has no day %d of month %d", t.Year(), l.bsd[1], l.bsd[0])
	}
	if !usable(t) {
		return time.Time{}, errors.New("its time is outside the years 1970 to 9999")
	}
	if c.year = ahead; t.After(c.last) {
		c.last = t
	}
	return t.UTC(), nil
}

// wrongYear is how far the last time of a log may be from the last change of its file before
// the year is in doubt.
const wrongYear = 300 * 24 * time.Hour

// notes says that the setting year may be wrong. A common cause: rotated files that begin in
// different years share one setting.
func (c *yearClock) notes(modified time.Time) []string {
	if c.last.IsZero() || modified.IsZero() || !c.written.IsZero() {
		return nil
	}
	if d := modified.Sub(c.last); d < wrongYear && d > -wrongYear {
		return nil
	}
	const day = "2006-01-02"
	return []string{fmt.Sprintf("its times end on %s, and the file was last changed on %s: is the year right?", c.last.Format(day), modified.Format(day))}
}
