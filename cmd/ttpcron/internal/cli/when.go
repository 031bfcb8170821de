package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// ParseWhen reads a point in time: RFC 3339, a UTC day as YYYY-MM-DD, or how
// long ago it was, such as 36h, 7d or 1d12h.
func ParseWhen(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	if d, ok := ParseAgo(s); ok {
		return now.Add(-d).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: want 2026-05-04T05:49:05Z, 2026-05-04, or how long ago, such as 7d or 36h", s)
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
