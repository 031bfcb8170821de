package scheduler

import (
	"slices"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when something occurs. It comes from [Parse] and does not
// change.
type Schedule struct {
	expr  string
	zone  *time.Location
	every time.Duration      // of @every; times is nil then
	times *cron.SpecSchedule // over civil time written as UTC
}

// String returns the expression that was parsed.
func (s *Schedule) String() string { return s.expr }

// Every returns the interval of an @every schedule, 0 for one of times.
func (s *Schedule) Every() time.Duration { return s.every }

// Next returns the first occurrence after t, in the schedule's time zone, or zero if there
// is none for 20 years.
//
// The library finds times on a calendar without daylight saving, which are then looked up
// in the zone, because its own arithmetic omits skipped times and returns repeated ones
// twice. Here a skipped time occurs right after the jump, together with other skipped ones,
// and a repeated time occurs the first time. An hourly schedule runs every real hour:
// nothing is caught up with, and the repeated hour counts twice.
func (s *Schedule) Next(t time.Time) time.Time {
	if s.every > 0 {
		return t.Add(s.every).In(s.zone)
	}
	t = t.In(s.zone)
	// In the repeated hour, later readings of the clock may come before earlier
	// ones.
	overlap := time.Duration(0)
	if s.everyHour() {
		overlap = change(t)
	}
	var best time.Time
	for c := s.civil(asUTC(t).Add(-overlap)); !c.IsZero(); c = s.civil(c) {
		for _, at := range s.instants(c) {
			if at.After(t) && (best.IsZero() || at.Before(best)) {
				best = at
			}
		}
		if !best.IsZero() && c.Sub(asUTC(best)) >= overlap {
			break
		}
	}
	return best
}

// change is the largest change of the clocks within a day of t, as when summer time
// begins or ends.
func change(t time.Time) time.Duration {
	const day = 24 * time.Hour
	_, here := t.Zone()
	most := 0
	start, end := t.ZoneBounds()
	if !start.IsZero() && t.Sub(start) < day {
		_, before := start.Add(-time.Second).Zone()
		most = max(here-before, before-here)
	}
	if !end.IsZero() && end.Sub(t) < day {
		_, after := end.Zone()
		most = max(most, here-after, after-here)
	}
	return time.Duration(most) * time.Second
}

// everyHour reports whether the hour is not restricted.
func (s *Schedule) everyHour() bool { return s.times.Hour&(1<<24-1) == 1<<24-1 }

// civil returns the next civil time, zero when there is none. The library gives
// up after five years, and the 29th of February may be eight years away.
func (s *Schedule) civil(c time.Time) time.Time {
	for range 4 {
		if next := s.times.Next(c); !next.IsZero() {
			return next
		}
		c = time.Date(c.Year()+5, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second)
	}
	return time.Time{}
}

// asUTC returns what a clock on the wall shows at t, as a time in UTC.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instants returns when a civil time occurs.
func (s *Schedule) instants(c time.Time) []time.Time {
	if s.zone == time.UTC {
		return []time.Time{c}
	}
	about := time.Date(c.Year(), c.Month(), c.Day(), c.Hour(), c.Minute(), c.Second(), 0, s.zone)
	start, end := about.ZoneBounds()
	var out []time.Time
	for _, near := range []time.Time{about, start.Add(-time.Second), end} {
		if near.IsZero() {
			continue
		}
		_, offset := near.Zone()
		if at := c.Add(-time.Duration(offset) * time.Second).In(s.zone); asUTC(at).Equal(c) && !slices.ContainsFunc(out, at.Equal) {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	switch {
	case len(out) == 0 && s.everyHour():
		return nil
	case len(out) == 0 && asUTC(about).After(c): // about lies behind the jump
		return []time.Time{start}
	case len(out) == 0:
		return []time.Time{end}
	case len(out) > 1 && !s.everyHour():
		return out[:1]
	}
	return out
}
