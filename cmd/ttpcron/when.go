package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// parseWhen reads a point in time: RFC 3339, a UTC day as YYYY-MM-DD, or how
// long ago it was, such as 36h, 7d or 1d12h.
func parseWhen(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	if d, ok := parseAgo(s); ok {
		return now.Add(-d).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: want 2026-05-04T05:49:05Z, 2026-05-04, or how long ago, such as 7d or 36h", s)
}

// parseAgo reads a duration as Go writes it, with days and weeks before it.
func parseAgo(s string) (time.Duration, bool) {
	var total time.Duration
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		head, rest, found := strings.Cut(s, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(head, 10, 16)
		if err != nil {
			return 0, false
		}
		total += time.Duration(n) * unit.length
		if s = rest; s == "" {
			return total, true
		}
	}
	d, err := time.ParseDuration(s)
	return total + d, err == nil && d >= 0 && total+d >= 0
}

// window reads --since and --until.
func window(since, until string, now time.Time) (ttpcron.Window, error) {
	var w ttpcron.Window
	var err error
	if w.Since, err = parseWhen(since, now); err != nil {
		return w, usagef("--since: %v", err)
	}
	if w.Until, err = parseWhen(until, now); err != nil {
		return w, usagef("--until: %v", err)
	}
	if !w.Since.IsZero() && !w.Until.IsZero() && !w.Since.Before(w.Until) {
		return w, usagef("--since %s is not before --until %s", since, until)
	}
	return w, nil
}

const timeShown = "2006-01-02 15:04:05"

func shown(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(timeShown)
}

// ago says roughly how long something took, or has been.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	}
	days := int(d.Hours() / 24)
	if days >= 2*365 {
		return fmt.Sprintf("%d years", (days*100+36525/2)/36525)
	}
	return fmt.Sprintf("%d days", days)
}

// away says how long before now something was, or how long after it will be.
func away(at, now time.Time) string {
	long := ago(now.Sub(at).Abs())
	if years := now.Year() - at.Year(); max(years, -years) > 200 { // a Duration ends at 292
		long = fmt.Sprintf("%d years", max(years, -years))
	}
	if at.After(now) {
		return "in " + long
	}
	return long + " ago"
}
