package ttpcron

import (
	"slices"
	"strings"
)

// EventQuery selects events by who acted, and where. Empty members select everything.
type EventQuery struct {
	Attacker    string   // UUID or address
	AttackerToo []string // other names of the Attacker
	// AttackerBegins is the first characters, in lower case, of the UUID of an attacker or
	// identity. It is used only without an Attacker.
	AttackerBegins string
	Session        string
	SessionBegins  string // the first characters of the id of the session
	Sensor         string
	Window         Window // of event time
	UpTo           uint64 // arrival number, at the most; 0: any
}

// MatchActor reports whether events of an actor can be selected. It looks at attacker,
// session and sensor.
func (q *EventQuery) MatchActor(e *Event, attackers *Attackers) bool {
	if q.Session != "" && e.SessionID != q.Session || q.Sensor != "" && e.DeckyID != q.Sensor || !strings.HasPrefix(e.SessionID, q.SessionBegins) {
		return false
	}
	if q.Attacker == "" && q.AttackerBegins != "" {
		uuid, _ := attackers.Of(e)
		return q.begins(uuid) || q.begins(e.IdentityUUID)
	}
	if q.Attacker == "" || q.named(e.AttackerIP) || q.named(e.IdentityUUID) || q.named(e.AttackerUUID) {
		return true
	}
	if !e.DerivesAttacker() {
		return false
	}
	uuid, _ := attackers.Of(e)
	return q.named(uuid)
}

func (q *EventQuery) named(name string) bool {
	return name == q.Attacker || name != "" && slices.Contains(q.AttackerToo, name)
}

func (q *EventQuery) begins(uuid string) bool {
	n := len(q.AttackerBegins)
	return len(uuid) >= n && strings.EqualFold(uuid[:n], q.AttackerBegins)
}

// Match reports whether an event is selected.
func (q *EventQuery) Match(e *Event, attackers *Attackers) bool {
	return (q.UpTo == 0 || e.Seq <= q.UpTo) && q.Window.Contains(e.Time) && q.MatchActor(e, attackers)
}

// EventBlock is at most a few hundred events of a kind and day that arrived one after
// another, and the ones among them that a query selects.
type EventBlock struct {
	Kind        SourceKind
	Day         Day
	First       uint64 // arrival number of the first
	Since, Till int    // seconds of the day in which all of them happened
}
