package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// selected describes the selection in words, and as the flags of commands, with absolute
// times, so that they mean the same tomorrow.
func (s *tagSelection) selected() (words []string, flags [][2]string) {
	add := func(flag, value, text string) {
		if value != "" {
			words, flags = append(words, text), append(flags, [2]string{flag, value})
		}
	}
	instant := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	add("attacker", s.attacker, "attacker "+s.attacker)
	add("session", s.q.Session, "session "+s.q.Session)
	add("sensor", s.q.Sensor, "sensor "+s.q.Sensor)
	add("technique", s.technique, "technique "+s.technique)
	add("tactic", s.tactic, "tactic "+s.tactic)
	add("rule", s.q.Rule, "rule "+s.q.Rule)
	add("since", instant(s.q.Window.Since), "events from "+term.Time(s.q.Window.Since)+" UTC on")
	add("until", instant(s.q.Window.Until), "events before "+term.Time(s.q.Window.Until)+" UTC")
	add("arrived-since", instant(s.arrived), "events that arrived from "+term.Time(s.arrived)+" UTC on")
	if c := s.q.MinConfidence; c > 0 {
		add("min-confidence", fmt.Sprint(c), fmt.Sprintf("confidence %v and above", c))
	}
	if s.minLevel.IsSet {
		add("min-level", s.minLevel.String(), "level "+s.minLevel.String()+" and above")
	}
	add("level", s.levels.String(), "level "+s.levels.String()+" alone")
	return words, flags
}

// eventFlags hold for events as well as for tags, and timeFlags for rules too.
var (
	eventFlags = []string{"attacker", "session", "sensor", "since", "until", "arrived-since"}
	timeFlags  = []string{"since", "until"}
)

// narrowed are the commands, by prefix, for which some flags mean something else than for
// the list on the page.
var narrowed = map[string][]string{
	// A page lists these for all events; with flags of tags, the commands list only those
	// of events with such tags.
	"credentials": eventFlags,
	"files":       eventFlags,
	"rules":       timeFlags, // whose levels are those of rules
}

// filterFlags are the page's filters.
var filterFlags = []string{"attacker", "sensor", "tactic", "technique", "min-level", "since", "until"}

// flagsOf returns the command of a line, and which flags it takes beside a list of a page.
func flagsOf(line string) (of *command, takes func(flag string) bool) {
	name := strings.TrimPrefix(line, "ttpcron ")
	rootCommand().Each(func(c *command) {
		if c.Run != nil && (name == c.Name || strings.HasPrefix(name, c.Name+" ")) {
			of = c
		}
	})
	first, _, _ := strings.Cut(name, " ")
	only, some := narrowed[first]
	return of, func(flag string) bool {
		return of != nil && of.Has(flag) && (!some || slices.Contains(only, flag))
	}
}

// shownBeside returns a command line to show next to a list, with the flags that it takes,
// and those that the page may add.
func shownBeside(line string, flags [][2]string) (with string, more []string) {
	of, takes := flagsOf(line)
	for _, flag := range filterFlags {
		if takes(flag) {
			more = append(more, flag)
		}
	}
	if of != nil && of.Has("csv") {
		more = append(more, "csv")
	}
	return withFlags(line, flags), more
}

// withFlags adds flags to a command line, as far as the command takes them.
func withFlags(line string, flags [][2]string) string {
	_, takes := flagsOf(line)
	for _, f := range flags {
		if takes(f[0]) {
			line += " --" + f[0] + " " + shellQuoted(f[1])
		}
	}
	return line
}

// shellQuoted is a word as a shell takes it.
func shellQuoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,@+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
