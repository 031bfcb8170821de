package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// WhenForms says in a usage text how a time may be written.
const WhenForms = "RFC 3339, YYYY-MM-DD, '2026-05-04 05:49:05' (UTC, as tables have it), or how long ago, such as 7d or 36h"

// instants are the forms of an instant, each with any fraction of a second. One without
// a zone is in UTC, as tables are.
var instants = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05 Z07:00", "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05 -0700", "2006-01-02T15:04:05-07", "2006-01-02T15:04:05 -07", "2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04 Z07:00", "2006-01-02T15:04",
}

// ParseWhen reads a point in time: RFC 3339, what a table or an error prints, which is in
// UTC, with or without a zone behind it; a UTC day as YYYY-MM-DD; or how long ago it was,
// such as 36h, 7d, 1d12h or 3 days ago.
func ParseWhen(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, ok := parseInstant(strings.TrimSpace(s)); ok {
		return t, nil
	}
	if d, ok := ParseAgo(agoText(s)); ok {
		return now.Add(-d).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%.80q is no time: want 2026-05-04T05:49:05Z, \"2026-05-04 05:49:05\" (UTC), 2026-05-04, or how long ago, such as 7d or 36h", s)
}

func parseInstant(s string) (time.Time, bool) {
	s, isUTC := strings.CutSuffix(s, " UTC")
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, true
	}
	if len(s) > len(time.DateOnly) && (s[len(time.DateOnly)] == ' ' || s[len(time.DateOnly)] == 't') {
		s = s[:len(time.DateOnly)] + "T" + s[len(time.DateOnly)+1:]
	}
	if rest, ok := strings.CutSuffix(s, "z"); ok {
		s = rest + "Z"
	}
	for _, form := range instants {
		if t, err := time.Parse(form, s); err == nil {
			_, offset := t.Zone()
			return t.UTC(), !isUTC || offset == 0
		}
	}
	return time.Time{}, false
}

// agoText makes of "3 days ago", as status has it, 3d.
func agoText(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(s), " ago")
	n, unit, _ := strings.Cut(s, " ")
	switch unit {
	case "day", "days":
		return n + "d"
	case "week", "weeks":
		return n + "w"
	}
	return s
}

// ParseAgo reads a duration as Go writes it, with days and weeks before it.
func ParseAgo(s string) (time.Duration, bool) {
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

// Window reads --since and --until.
func Window(since, until string, now time.Time) (ttpcron.Window, error) {
	var w ttpcron.Window
	var err error
	if w.Since, err = ParseWhen(since, now); err != nil {
		return w, Usagef("--since: %v", err)
	}
	if w.Until, err = ParseWhen(until, now); err != nil {
		return w, Usagef("--until: %v", err)
	}
	if !w.Since.IsZero() && !w.Until.IsZero() && !w.Since.Before(w.Until) {
		return w, Usagef("--since %s is not before --until %s", since, until)
	}
	return w, nil
}
