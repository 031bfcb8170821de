package importer

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// timeOf reads a member as a point in time: a string as parseTime does, or a
// number of seconds or milliseconds since 1970, which may be spelled as a
// string.
func timeOf(v jsontext.Value) (time.Time, bool) {
	if !v.IsString() {
		return epoch(string(v.Raw()))
	}
	if b, _ := v.Plain(); len(b) == len("2006-01-02T15:04:05.000000Z") {
		if t, ok := ttpcron.ParseUTC(b); ok {
			return t, true
		}
	}
	s, _ := v.Text()
	if t, ok := parseTime(s); ok {
		return t, true
	}
	return epoch(s)
}

// layouts are the times that honeypots write; without a zone they are UTC. A
// fraction of a second is accepted by all of them.
var layouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
}

// parseTime reads an ISO 8601 time with or without a zone.
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) < len("2006-01-02 15:04") || len(s) > 64 {
		return time.Time{}, false
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), usable(t)
		}
	}
	return time.Time{}, false
}

// epoch reads a number of seconds since 1970, or of milliseconds when it is too
// large for that.
func epoch(s string) (time.Time, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f <= 0 {
		return time.Time{}, false
	}
	if f >= 1e11 {
		f /= 1000
	}
	if f >= 1e11 {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(f)
	t := time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000).UTC()
	return t, usable(t)
}

// usable reports whether an event may have this time.
func usable(t time.Time) bool { return t.Unix() >= 0 && t.UTC().Year() <= 9999 }
