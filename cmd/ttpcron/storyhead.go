package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/story"
)

type headJSON struct {
	Type       string                     `json:"type"` // session
	ID         term.Exact                 `json:"session_id"`
	Sensor     term.Exact                 `json:"sensor"`
	Vantage    string                     `json:"vantage"`
	IP         *term.Exact                `json:"attacker_ip"`
	UUID       *term.Exact                `json:"attacker_uuid"`
	Identity   *term.Exact                `json:"identity_uuid"`
	Mark       *ttpcron.Mark              `json:"attacker_mark"`
	First      *time.Time                 `json:"first_seen"` // null where only tags are left
	Last       *time.Time                 `json:"last_seen"`
	Opened     *time.Time                 `json:"opened"` // null where that was not recorded
	Closed     *time.Time                 `json:"closed"`
	Lasted     float64                    `json:"duration_seconds"` // from first to last, where the sensor does not say
	Protocol   term.Exact                 `json:"protocol"`
	Clients    []term.Exact               `json:"client_versions"`
	Hassh      []term.Exact               `json:"hassh"`
	Events     int                        `json:"events"`
	Kinds      map[ttpcron.SourceKind]int `json:"events_by_kind"`
	Tried      int                        `json:"logins"`
	Failed     int                        `json:"logins_failed"`
	Worked     int                        `json:"logins_worked"`
	LoggedIn   []term.Exact               `json:"logged_in_as"`
	Tags       int                        `json:"tags"`
	Highest    string                     `json:"highest_level"` // empty without tags
	Techniques []techniqueCountJSON       `json:"techniques"`
}

type techniqueCountJSON struct {
	Tactic        string `json:"tactic"`
	TacticName    string `json:"tactic_name"`
	Technique     string `json:"technique"`
	TechniqueName string `json:"technique_name"`
	Tags          int    `json:"tags"`
	Highest       string `json:"highest_level"`
}

func headJSONOf(o *storyOptions, h *head) headJSON {
	j := headJSON{
		Type: "session", ID: term.Exact(h.ID), Sensor: term.Exact(h.Sensor), Vantage: h.Vantage.String(), IP: exactOrNull(h.Attacker.IP), UUID: exactOrNull(h.Attacker.UUID),
		Identity: exactOrNull(h.Attacker.Identity), Mark: markOrNull(h.Attacker.Mark), First: term.TimeOrNull(h.First), Last: term.TimeOrNull(h.Last),
		Opened: term.TimeOrNull(h.Opened), Closed: term.TimeOrNull(h.Closed), Lasted: lasted(&h.Session).Seconds(), Protocol: term.Exact(h.Protocol),
		Clients: exactly(h.Clients.Texts), Hassh: exactly(h.Hassh.Texts), Events: h.Events, Kinds: h.Kinds,
		Tried: h.Logins.Tried, Failed: h.Logins.Failed, Worked: h.Logins.Worked, LoggedIn: []term.Exact{},
		Tags: h.Tags.N, Techniques: []techniqueCountJSON{},
	}
	for _, t := range h.Logins.Successes {
		j.LoggedIn = append(j.LoggedIn, term.Exact(t.Text))
	}
	if h.Tags.N > 0 {
		j.Highest = h.Tags.Highest.String()
	}
	j.Techniques = techniquesJSON(o, &h.Tags)
	return j
}

func techniquesJSON(o *storyOptions, t *story.Techniques) []techniqueCountJSON {
	list := []techniqueCountJSON{}
	for _, c := range t.Counts {
		list = append(list, techniqueCountJSON{c.Tactic, tacticName(o.under, c.Tactic), c.Technique, techniqueName(o.under, c.Technique), c.N, c.Highest.String()})
	}
	slices.SortFunc(list, func(a, b techniqueCountJSON) int {
		return cmp.Or(cmp.Compare(a.Tactic, b.Tactic), cmp.Compare(a.Technique, b.Technique))
	})
	return list
}

// exactOrNull is a text, null for an empty one.
func exactOrNull(s string) *term.Exact {
	if s == "" {
		return nil
	}
	return (*term.Exact)(&s)
}

// exactly is a list of texts that is never null.
func exactly(texts []string) []term.Exact {
	if len(texts) == 0 {
		return []term.Exact{}
	}
	return term.Exacts(texts)
}

// lasted is a session's duration: by the sensor, or from its first to its last event.
func lasted(s *story.Session) time.Duration {
	if s.Lasted > 0 {
		return s.Lasted
	}
	return s.Last.Sub(s.First)
}

// headText prints the head of a story.
func (p *storyPage) headText(h *head) {
	on := ""
	if h.Sensor != "" {
		on = " on " + term.Clean(h.Sensor)
	}
	what := "Session " + term.Clean(h.ID)
	if h.ID == "" {
		what = "Without a session"
	}
	p.say("%s\n", p.bold(p.fit(what+on, 0)))
	p.field("attacker", p.actor(&h.Attacker))
	if h.Events == 0 {
		p.field("when", p.unseen())
	} else {
		p.field("when", between(h.First, h.Last)+" UTC, "+duration(lasted(&h.Session)))
	}
	if h.Vantage == ttpcron.VantageHost {
		p.field("seen", "in the log of a host, by whose owner it may be")
	}
	p.field("client", clientText(&h.Session))
	p.field("login", loginsText(&h.Logins, inSession))
	p.field("did", didText(&h.Session))
	p.field("tags", p.tagsText(&h.Tags))
	if h.Events > 0 && h.ID != "" {
		p.field("end", endText(&h.Session))
	}
}

func (p *storyPage) actor(a *story.Actor) string {
	text := term.Clean(a.Name()) + besideAttacker[a.Mark]
	if beside := placeText(p.o.places.Of(a.IP)); beside != "" {
		text += ", " + term.Clean(beside)
	}
	return text
}

// between says from when to when, the day of the end where it is another.
func between(first, last time.Time) string {
	if first.UTC().Format(time.DateOnly) == last.UTC().Format(time.DateOnly) {
		return term.Time(first) + " to " + last.UTC().Format(time.TimeOnly)
	}
	return term.Time(first) + " to " + term.Time(last)
}

func clientText(s *story.Session) string {
	var parts []string
	if s.Protocol != "" {
		parts = append(parts, term.Clean(s.Protocol))
	}
	for _, l := range []struct {
		before string
		list   *story.Listed
	}{{"", &s.Clients}, {"hassh ", &s.Hassh}} {
		for _, text := range l.list.Texts {
			parts = append(parts, l.before+term.Clean(text))
		}
		if l.list.More {
			parts = append(parts, "and others")
		}
	}
	return strings.Join(parts, ", ")
}

// inSession says that tries of a session are meant, since the attacker may have had others.
const inSession = " in this session"

// loginsText says how somebody was let in, and where the tries are counted.
func loginsText(l *story.Logins, where string) string {
	switch {
	case l.Tried == 0:
		return ""
	case l.Worked > 0:
		text := term.Clean(l.Successes[0].Text) + " let in"
		switch l.Before {
		case 0:
			text += " at the first try"
		case 1:
			text += " after 1 other try"
		default:
			text += fmt.Sprintf(" after %s other tries", term.Count(l.Before))
		}
		text += where
		if l.Worked > 1 {
			text += fmt.Sprintf("; %s logins worked in all", term.Count(l.Worked))
		}
		return text
	case l.Failed == l.Tried:
		return term.Plural(l.Tried, "try", "tries") + ", none let in"
	}
	return term.Plural(l.Tried, "try", "tries") + ", whether one was let in is not recorded"
}

// didNames are what events of a kind are called when they are counted.
var didNames = []struct {
	kind      ttpcron.SourceKind
	one, many string
}{
	{ttpcron.Command, "command", "commands"}, {ttpcron.Stdin, "text typed into programs", "texts typed into programs"}, {ttpcron.FileTransfer, "file", "files"},
	{ttpcron.Tunnel, "tunnel", "tunnels"}, {ttpcron.ServiceRequest, "request", "requests"}, {ttpcron.HTTPRequest, "web request", "web requests"},
	{ttpcron.Scan, "scan", "scans"}, {ttpcron.CanaryFingerprint, "canary triggered", "canaries triggered"}, {ttpcron.Alert, "alert", "alerts"},
}

// didText counts deeds other than logins.
func didText(s *story.Session) string {
	var parts []string
	rest := s.Events - s.Kinds[ttpcron.SessionFact] - s.Kinds[ttpcron.AuthAttempt]
	for _, n := range didNames {
		if k := s.Kinds[n.kind]; k > 0 {
			parts = append(parts, term.Plural(k, n.one, n.many))
			rest -= k
		}
	}
	if rest > 0 {
		parts = append(parts, term.Plural(rest, "other event", "other events"))
	}
	if len(parts) == 0 && s.Events > 0 {
		return "nothing else"
	}
	return strings.Join(parts, ", ")
}

// tagsText counts tags by tactic, in the order of the release.
func (p *storyPage) tagsText(t *story.Techniques) string {
	if t.N == 0 {
		return "none"
	}
	text := term.Count(t.N) + ", up to level " + p.level(t.Highest)
	by := map[string]int{}
	for _, c := range t.Counts {
		by[c.Tactic] += c.N
	}
	var parts []string
	for _, tactic := range p.o.under.Tactics() {
		if n := by[tactic.ID]; n > 0 {
			parts = append(parts, tactic.Name+" "+term.Count(n))
		}
		delete(by, tactic.ID)
	}
	for id := range by {
		parts = append(parts, term.Clean(id)+" "+term.Count(by[id]))
	}
	return text + ": " + strings.Join(parts, ", ")
}

func endText(s *story.Session) string {
	if s.Closed.IsZero() {
		return "not recorded"
	}
	if s.Lasted > 0 {
		return "closed after " + duration(s.Lasted)
	}
	return "closed"
}
