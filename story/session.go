package story

import (
	"cmp"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// The limits of each list, however long a session is. The rest is counted.
const (
	maxTries     = 10
	maxListed    = 8
	maxCounted   = 64  // kinds, and techniques by tactic
	maxKeptBytes = 512 // of a text that is kept
)

// Session is the head of a session's story.
type Session struct {
	ID, Sensor string
	Attacker   Actor
	Vantage    ttpcron.Vantage
	span
	Events int
	Kinds  map[ttpcron.SourceKind]int

	Opened, Closed time.Time     // zero where that was not recorded
	Lasted         time.Duration // as the sensor says; 0 where it does not
	Protocol       string
	Clients, Hassh Listed
	Logins         Logins
	Tags           Techniques
}

// Actor is an attacker, as events name one.
type Actor struct {
	IP, UUID, Identity string
	Mark               ttpcron.Mark
}

// Name returns the shortest name of an actor.
func (a *Actor) Name() string { return cmp.Or(a.IP, a.UUID, a.Identity) }

// ActorOf returns the actor of an event.
func ActorOf(e *ttpcron.Event, own ttpcron.Networks) Actor {
	a := Actor{IP: e.AttackerIP, Identity: e.IdentityUUID}
	a.UUID, _ = e.Attacker()
	switch {
	case own.Contains(e.AttackerIP):
		a.Mark = ttpcron.MarkOwnNetwork
	case e.ByResolver():
		a.Mark = ttpcron.MarkResolver
	}
	return a
}

// Listed has the first distinct texts of a kind, and the number of all, including
// repetitions.
type Listed struct {
	Texts []string
	N     int // of all, repeated ones too
	More  bool
}

func (l *Listed) add(text string) {
	l.N++
	text = ttpcron.Shorten(text, maxKeptBytes)
	switch {
	case slices.Contains(l.Texts, text):
	case len(l.Texts) == maxListed:
		l.More = true
	default:
		l.Texts = append(l.Texts, text)
	}
}

// Logins sums up login attempts.
type Logins struct {
	Tried, Failed, Worked int   // Tried less the others: of these it was not recorded
	Tries                 []Try // the first ones
	Successes             []Try // the first that worked
	Before                int   // how many were tried before the first that worked
}

// Try is a login attempt.
type Try struct {
	Time    time.Time
	Text    string // user/password, or the user and a key
	Outcome Outcome
}

func (l *Logins) add(t Try) {
	l.Tried++
	switch t.Outcome {
	case Worked:
		if l.Worked++; l.Worked == 1 {
			l.Before = l.Tried - 1
		}
		if len(l.Successes) < maxListed {
			l.Successes = append(l.Successes, t)
		}
	case Failed:
		l.Failed++
	}
	if len(l.Tries) < maxTries {
		l.Tries = append(l.Tries, t)
	}
}

// Techniques counts tags by tactic and technique.
type Techniques struct {
	N       int
	Highest ttpcron.Level
	Counts  []TechniqueCount
}

// TechniqueCount counts tags of a technique under a tactic.
type TechniqueCount struct {
	Tactic, Technique string
	N                 int
	Highest           ttpcron.Level
	Confidence        float64 // the highest of a tag with the level Highest
}

// Add counts a tag.
func (t *Techniques) Add(tag *Tag) {
	if t.N++; t.N == 1 || tag.Level.AtLeast(t.Highest) {
		t.Highest = tag.Level
	}
	tactic, technique := tag.Shown.Tactic, tag.Shown.Technique()
	i := slices.IndexFunc(t.Counts, func(c TechniqueCount) bool { return c.Tactic == tactic && c.Technique == technique })
	if i < 0 {
		if len(t.Counts) == 4*maxCounted {
			return
		}
		i = len(t.Counts)
		t.Counts = append(t.Counts, TechniqueCount{Tactic: tactic, Technique: technique, Highest: tag.Level})
	}
	c := &t.Counts[i]
	c.N++
	switch {
	case tag.Level.Rank() == c.Highest.Rank():
		c.Confidence = max(c.Confidence, tag.Confidence)
	case tag.Level.AtLeast(c.Highest):
		c.Highest, c.Confidence = tag.Level, tag.Confidence
	}
}

// Add adds an event of the session.
func (s *Session) Add(e *ttpcron.Event, own ttpcron.Networks) {
	if s.Events++; s.Events == 1 {
		s.ID, s.Sensor, s.Vantage, s.Kinds = e.SessionID, e.DeckyID, e.Vantage, map[ttpcron.SourceKind]int{}
	}
	if a := ActorOf(e, own); s.Attacker.IP == "" && (a.IP != "" || s.Events == 1) {
		s.Attacker = a
	} else if s.Attacker.Mark == ttpcron.MarkResolver && a.Mark == ttpcron.MarkNone {
		s.Attacker.Mark = ttpcron.MarkNone // somebody who looked up names did other things too
	}
	s.span.add(e.Time)
	if _, has := s.Kinds[e.Kind]; has || len(s.Kinds) < maxCounted {
		s.Kinds[e.Kind]++
	}
	if p := cmp.Or(value(e, "protocol"), value(e, "service")); s.Protocol == "" && (e.Kind == ttpcron.SessionFact || e.Kind == ttpcron.AuthAttempt) {
		s.Protocol = ttpcron.Shorten(p, maxKeptBytes)
	}
	switch e.Kind {
	case ttpcron.AuthAttempt:
		t := Tell(e)
		s.Logins.add(Try{e.Time, ttpcron.Shorten(t.Text, maxKeptBytes), t.Outcome})
	case ttpcron.SessionFact:
		s.addFact(e)
	}
}

func (s *Session) addFact(e *ttpcron.Event) {
	switch value(e, "fact") {
	case "opened":
		if s.Opened.IsZero() {
			s.Opened = e.Time
		}
	case "closed":
		s.Closed = e.Time
		if d, ok := Duration(e); ok {
			s.Lasted = d
		}
	case "client":
		s.Clients.add(value(e, "client_version"))
	case "kex":
		s.Hassh.add(value(e, "hassh"))
	}
}
