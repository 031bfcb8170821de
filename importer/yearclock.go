package importer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// The times of many syslog daemons have no year. It comes from a date in the name of the
// file, else from the setting, else from the date in the name of the rotated file before.
// It is never guessed, and never the year of the clock or of the file's last change. But a
// setting that was right goes stale when the log is rotated in the next year, so the last
// change of the file is used to contradict it: see yearScan.

// written returns the date in a rotated file's name: when the file was complete. It is zero
// if there is none.
func (s *source) written() time.Time {
	if s.path == "" {
		return time.Time{}
	}
	return placeOf(filepath.Base(s.path)).day()
}

// day returns the date in a file's name, or zero.
func (p place) day() time.Time {
	if p.form != dated {
		return time.Time{}
	}
	return time.Date(p.stamp[0], time.Month(p.stamp[1]), p.stamp[2], 0, 0, 0, 0, time.UTC)
}

// begun returns when the log that is written to was begun, by the date in the name of the
// file that rotation made last. It is zero if there is none.
func (s *source) begun() time.Time {
	if s.path == "" || s.sought {
		return s.before
	}
	s.sought = true
	real, err := filepath.EvalSymlinks(s.path)
	if err != nil {
		return s.before
	}
	if s.names == nil {
		s.names = &folderNames{}
	}
	if p := placeOf(filepath.Base(real)); p.form == written {
		for _, n := range s.names.of(context.Background(), filepath.Dir(real), p.log) { // the oldest first
			if n.form == dated {
				s.before, s.beforeName = n.day(), filepath.Base(n.path)
			}
		}
	}
	return s.before
}

// tooLate reports whether a line cannot be of this time, because nobody has changed the file
// since.
func (s *source) tooLate(t time.Time) bool {
	return !s.modified.IsZero() && t.Sub(s.modified) > aheadOfChange
}

// yearClock finds the year of times that have none. The lines are in the order of time,
// unless a clock was set or a line came late.
type yearClock struct {
	src    *source
	begins int       // the year of the first time
	year   int       // of the last time; 0 before the first if it is not set
	last   time.Time // the latest time; zero before the first
}

const (
	// backwards is how far times may go back within a year; further means the next year.
	backwards = 31 * 24 * time.Hour
	// aheadOfName is how long after the date in its name a file may end, or before the one
	// in the name of the file before it begin: the date may be in another zone.
	aheadOfName = 2 * 24 * time.Hour
	// aheadOfChange is how long after the last change of its file a line may be: the clocks
	// and zones of hosts differ.
	aheadOfChange = 2 * 24 * time.Hour
)

var (
	errNoZone  = errors.New("its time names no zone; set zone")
	errNoYear  = errors.New("its time has no year; set year")
	errTooLate = errors.New("its time is later than the last change of the file")
	errFuture  = errors.New("its time is in the future; is the year right?") // from standard input
)

func newYearClock(src *source) yearClock { return yearClock{src: src, year: src.Year} }

// first returns the year of the first time, 0 if nothing tells it.
func (c *yearClock) first(in func(year int) time.Time) int {
	if written := c.src.written(); !written.IsZero() {
		year := written.Year()
		if in(year).Sub(written) > aheadOfName {
			year--
		}
		return year
	}
	if c.year != 0 || c.src.begun().IsZero() {
		return c.year
	}
	begun := c.src.begun()
	year := begun.Year() - 1
	for begun.Sub(in(year)) > aheadOfName {
		year++
	}
	return year
}

func (c *yearClock) at(l *sysLine) (time.Time, error) {
	if c.src.Zone == nil {
		return time.Time{}, errNoZone
	}
	in := func(year int) time.Time {
		return time.Date(year, time.Month(l.bsd[0]), l.bsd[1], l.bsd[2], l.bsd[3], l.bsd[4], l.nanos, c.src.Zone)
	}
	year := c.year
	if c.last.IsZero() {
		if year = c.first(in); year == 0 {
			return time.Time{}, errNoYear
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
	if c.src.tooLate(t) { // of a host with a wrong clock, which must not begin a new year
		if c.src.path == "" {
			return t, errFuture
		}
		return t, errTooLate
	}
	if c.last.IsZero() {
		c.begins = year
	}
	if c.year = ahead; t.After(c.last) {
		c.last = t
	}
	return t.UTC(), nil
}

// yearBefore returns the time of a line that was written before another time, or hardly later.
func (c *yearClock) yearBefore(l *sysLine, now time.Time) (time.Time, bool) {
	if c.src.Zone == nil {
		return time.Time{}, false
	}
	year := now.In(c.src.Zone).Year() + 1
	for ; ; year-- {
		t := time.Date(year, time.Month(l.bsd[0]), l.bsd[1], l.bsd[2], l.bsd[3], l.bsd[4], l.nanos, c.src.Zone).UTC()
		if t.Sub(now) <= recalled {
			return t, true
		}
	}
}

// yearScan is a parser that reads a file only for its times, to see whether the year can be
// right before anything of the file is stored.
type yearScan struct {
	clock     yearClock
	tooLate   time.Time // the first time after the file's last change
	late, not int       // how many times are later than that, and are not
	lead      int       // how many are before the first that is not
}

func (s *yearScan) parse(record []byte, to *parsed) error {
	l, ok := cutAnySysLine(record)
	if !ok {
		return errNotSyslog
	}
	to.ignore(nil)
	if !l.noYear {
		return nil
	}
	t, err := s.clock.at(&l)
	switch {
	case err == nil:
		s.not++
	case errors.Is(err, errTooLate):
		if s.late++; s.tooLate.IsZero() {
			s.tooLate = t
		}
		if s.not == 0 {
			s.lead++
		}
	}
	return err
}

const (
	// wrongYear is how far the last time of a log may be from the last change of its file
	// before the year is in doubt.
	wrongYear = 300 * 24 * time.Hour
	// anniversary is how near, but for the year, the last time of a log must be to the last
	// change of its file for the year to be wrong for sure. A daemon writes its lines at once.
	// The rest is for a wrong zone, and for a log that rotation copied and then emptied.
	anniversary = 24 * time.Hour
	// maxLead is how many lines at the beginning of a file may be of hosts with wrong clocks.
	maxLead = 10
)

// doubt says why the year of a file that was last changed at a time cannot be right, and
// which year would be. It is empty if nothing contradicts the year. A file with a date in its
// name is not in doubt.
func (s *yearScan) doubt(modified time.Time) (reason string, year int) {
	src := s.clock.src
	if modified.IsZero() || !src.written().IsZero() || s.late+s.not == 0 {
		return "", 0
	}
	with := fmt.Sprintf("with year = %d", src.Year)
	if src.Year == 0 {
		with = "by the date in the name of " + src.beforeName
	}
	const day = "2006-01-02"
	modified = modified.In(src.Zone)
	changed := "the file was last changed on " + modified.Format(day)
	if s.late > s.not || s.lead >= maxLead {
		years := 1
		for s.tooLate.AddDate(-years, 0, 0).Sub(modified) > aheadOfChange {
			years++
		}
		t := s.tooLate.In(src.Zone)
		return fmt.Sprintf("%s it has lines of %s, but %s", with, t.Format(day), changed), t.Year() - years
	}
	last := s.clock.last
	for years := 1; years <= modified.Year()-last.Year()+1; years++ {
		if d := modified.Sub(last.AddDate(years, 0, 0)); d < anniversary && d > -anniversary {
			return fmt.Sprintf("%s its lines end on %s, but %s", with, last.Format(day), changed), s.clock.begins + years
		}
	}
	return "", 0
}

// notes says that the year may be wrong although nothing contradicts it.
func (c *yearClock) notes(modified time.Time) []string {
	if c.last.IsZero() || modified.IsZero() || !c.src.written().IsZero() {
		return nil
	}
	if d := modified.Sub(c.last); d < wrongYear && d > -wrongYear {
		return nil
	}
	const day = "2006-01-02"
	return []string{fmt.Sprintf("its times end on %s, and the file was last changed on %s: is the year right?", c.last.Format(day), modified.Format(day))}
}
