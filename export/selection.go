package export

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// narrowing says in words which filters of a query may leave out some tags of a technique,
// an attacker, a sensor and a day, except for the times of events. It is empty if only the
// default levels do.
func narrowing(q *ttpcron.TagQuery) []string {
	var words []string
	say := func(is bool, format string, args ...any) {
		if is {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	say(q.Session != "", "session %s", q.Session)
	say(len(q.Tactics) > 0, "tactic %s", strings.Join(q.Tactics, " or "))
	say(q.Rule != "", "rule %s", q.Rule)
	say(q.MinConfidence > 0, "confidence at least %s", strconv.FormatFloat(q.MinConfidence, 'f', -1, 64))
	switch m := q.MinLevels; {
	case m == ttpcron.DefaultMinLevels():
	case m.Host == m.Honeypot:
		say(m.Host != 0, "level at least %s", m.Host)
	default:
		say(m.Honeypot != 0, "level at least %s on honeypots", m.Honeypot)
		say(m.Host != 0, "level at least %s on hosts", m.Host)
	}
	var levels []string
	for _, l := range q.Levels {
		levels = append(levels, l.String())
	}
	say(len(levels) > 0, "level %s", strings.Join(levels, " or "))
	say(q.ArrivedAfter > 0, "arrived after event %d", q.ArrivedAfter)
	say(!q.FoundSince.IsZero(), "findings since %s", stamp(q.FoundSince.Truncate(time.Second)))
	say(!q.MadeSince.IsZero(), "made since %s", stamp(q.MadeSince.Truncate(time.Second)))
	return words
}

// selecting says in words what a query selects, except for the times of events.
func selecting(q *ttpcron.TagQuery) []string {
	var words []string
	for _, w := range [][2]string{{"attacker", q.Attacker}, {"network", q.Networks.String()}, {"sensor", q.Sensor}, {"technique", q.Technique}} {
		if w[1] != "" {
			words = append(words, w[0]+" "+w[1])
		}
	}
	return append(words, narrowing(q)...)
}

// selectionWords says in words which events and tags a query selects.
func selectionWords(q *ttpcron.TagQuery) string {
	only := strings.Join(selecting(q), ", ")
	switch {
	case only == "":
		return windowWords(q.Window)
	case q.Window == ttpcron.Window{}:
		return only
	}
	return only + ", " + windowWords(q.Window)
}

// windowWords says in words which events a window selects.
func windowWords(w ttpcron.Window) string {
	switch {
	case w.Since.IsZero() && w.Until.IsZero():
		return "all events"
	case w.Until.IsZero():
		return "events since " + minute(w.Since)
	case w.Since.IsZero():
		return "events before " + minute(w.Until)
	}
	return "events from " + minute(w.Since) + " to " + minute(w.Until)
}

// minute writes a time in UTC for people.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// noteCutDays warns that days of the selection are not whole, for a format with daily
// objects: what it writes for such a day replaces what it wrote for the whole day.
func (j *Job) noteCutDays() {
	for _, t := range []time.Time{j.Query.Window.Since, j.Query.Window.Until} {
		if !t.IsZero() && !t.Equal(ttpcron.DayOf(t).Start()) {
			j.Note("%s is selected in part: what you load replaces what you loaded of the whole day; give --since and --until as days", t.UTC().Format(time.DateOnly))
		}
	}
}
