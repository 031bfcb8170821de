package story

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// MaxSessions is how many sessions of an attacker are told apart.
const MaxSessions = 1 << 18

// Attacker is the head of an attacker's story.
type Attacker struct {
	Actor Actor // as the last event says; its mark is that of all events
	// OfGroup says that it is no attacker: only tags of a group that names none.
	OfGroup bool
	span
	Events  int
	Kinds   map[ttpcron.SourceKind]int
	Sensors Listed
	Names   Listed // addresses and identities
	Logins  Logins
	Tags    Techniques

	Sessions []SessionRef // in the order in which they began
	Named    int          // how many of Sessions are no visits
	Unnamed  int          // events without a session
	Untold   int          // events of sessions beyond MaxSessions

	resolver int // events of resolvers

	seed  maphash.Seed
	index map[uint64]int32
}

// VisitGap is how long an attacker is away from a sensor before its events without a session
// are another visit.
const VisitGap = time.Hour

// SessionRef is a session of an attacker, or a visit: a sensor's events without a session
// that are at most [VisitGap] apart.
type SessionRef struct {
	key         uint64
	First, Last time.Time
	Events      int32
	Tries       int32 // of logins
	Failed      int32 // of Tries; of the others, the result was not recorded if Quiet
	Quiet       bool  // nobody is known to have been let in, and nothing was done but to try
	Unnamed     bool  // a visit
}

// Key identifies a session of a sensor. Different sessions have different keys, apart
// from hash collisions. All visits to a sensor have one key.
func (a *Attacker) Key(sensor, session string) uint64 {
	if a.index == nil {
		a.seed, a.index = maphash.MakeSeed(), map[uint64]int32{}
	}
	var h maphash.Hash
	h.SetSeed(a.seed)
	_, _ = h.WriteString(sensor)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(session)
	return h.Sum64()
}

// Key is the [Attacker.Key] of the session, or of the visits to the same sensor.
func (r *SessionRef) Key() uint64 { return r.key }

// Has reports whether an event or tag with the key of a session is of it. Visits differ only
// in their times.
func (r *SessionRef) Has(at time.Time) bool {
	return !r.Unnamed || !at.Before(r.First) && !at.After(r.Last)
}

// Add adds an event, in the order of time.
func (a *Attacker) Add(e *ttpcron.Event, own ttpcron.Networks) {
	if a.Events++; a.Events == 1 {
		a.Kinds = map[ttpcron.SourceKind]int{}
	}
	if e.ByResolver() {
		a.resolver++
	}
	if a.Actor = ActorOf(e, own); a.Actor.Mark == ttpcron.MarkResolver && a.resolver < a.Events {
		a.Actor.Mark = ttpcron.MarkNone // somebody who looked up names did other things too
	}
	a.span.add(e.Time)
	if _, has := a.Kinds[e.Kind]; has || len(a.Kinds) < maxCounted {
		a.Kinds[e.Kind]++
	}
	if e.DeckyID != "" {
		a.Sensors.add(e.DeckyID)
	}
	for _, name := range []string{e.AttackerIP, e.IdentityUUID} {
		if name != "" {
			a.Names.add(name)
		}
	}
	if e.SessionID == "" {
		a.Unnamed++
	}
	worked, failed := false, false
	if e.Kind == ttpcron.AuthAttempt {
		t := Tell(e)
		worked, failed = t.Outcome == Worked, t.Outcome == Failed
		a.Logins.add(Try{e.Time, ttpcron.Shorten(t.Text, maxKeptBytes), t.Outcome})
	}
	key := a.Key(e.DeckyID, e.SessionID)
	i, has := a.index[key]
	if has && a.Sessions[i].Unnamed && e.Time.Sub(a.Sessions[i].Last) > VisitGap {
		has = false
	}
	if !has {
		if len(a.Sessions) == MaxSessions {
			a.Untold++
			return
		}
		i = int32(len(a.Sessions))
		a.index[key] = i
		unnamed := e.SessionID == ""
		if !unnamed {
			a.Named++
		}
		a.Sessions = append(a.Sessions, SessionRef{key: key, First: e.Time, Quiet: !unnamed, Unnamed: unnamed})
	}
	r := &a.Sessions[i]
	if e.Time.Before(r.First) { // where the order is only approximate
		r.First = e.Time
	}
	if e.Time.After(r.Last) {
		r.Last = e.Time
	}
	r.Events++
	if e.Kind == ttpcron.AuthAttempt {
		r.Tries++
	}
	if failed {
		r.Failed++
	}
	r.Quiet = r.Quiet && !worked && (e.Kind == ttpcron.AuthAttempt || e.Kind == ttpcron.SessionFact)
}

// Visits is how many of Sessions are visits.
func (a *Attacker) Visits() int { return len(a.Sessions) - a.Named }

// Rows returns the sessions of an attacker as they are told: one by one, except that
// consecutive sessions without a successful login form one row.
func (a *Attacker) Rows() (rows [][]SessionRef) {
	for rest := a.Sessions; len(rest) > 0; {
		n := 1
		for rest[0].Quiet && n < len(rest) && rest[n].Quiet {
			n++
		}
		rows, rest = append(rows, rest[:n]), rest[n:]
	}
	return slices.Clip(rows)
}
