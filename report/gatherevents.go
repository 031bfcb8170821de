package report

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// eventSide is what events contribute.
type eventSide struct {
	o     *Options
	lim   *limits
	h     hasher
	whose ttpcron.TagQuery // that of o, whatever it says of time and arrival
	who   ttpcron.Attackers
	as    ttpcron.Tag // an event, as the query looks at it

	total Total // of events
	seen  span
	kinds map[ttpcron.SourceKind]int
	days  dayCounts

	actors   table[eventActor]
	aliases  table[uint32] // actors by the address by which they are known alone
	sessions table[eventSession]
	both     pairs // actors of sessions that have several
	sets     bitRows
	sensors  []eventSensor
	names    names
	noSensor int // events of sensors that are not told apart
	most     struct{ actors, sessions, logins, files int }

	logins    table[login]
	loginSeen pairs
	files     table[file]
	others    table[tally] // of favourites
	transfers []joinedFile
	lost      struct{ transfers int }
	canaries  []*canary
	canaryN   int
	canaryOf  int64 // no canary before is kept

	last struct { // whom the last event was of
		address, who string
		actor        uint32
	}
}

// eventActor is an attacker, as the events say.
type eventActor struct {
	span
	events, commands, requests, logins, won, files, canaries, resolver, sessions uint32

	who     uint32 // UUID; 0: it follows from the address
	address favourite
	sensors idSet
	old     bool
}

// eventSession is a session, as its events say.
type eventSession struct {
	span
	events, commands, tries, won, files uint32

	actor  uint32 // of the first event
	sensor uint16
	old    bool
}

// eventSensor is a sensor, as its events say.
type eventSensor struct {
	span
	events, sessions int
	attackers        int // the most that were told apart before some were dropped
	old              bool
}

func newEventSide(o *Options, lim *limits, h hasher) *eventSide {
	s := &eventSide{o: o, lim: lim, h: h, whose: o.Query, seen: never, kinds: map[ttpcron.SourceKind]int{}, days: newDayCounts(lim.days), names: newNames(lim.sensors)}
	s.whose.Window, s.whose.ArrivedAfter, s.whose.MadeSince = ttpcron.Window{}, 0, time.Time{}
	s.actors = table[eventActor]{bound: lim.attackers, texts: lim.texts, full: s.cutActors}
	s.aliases = table[uint32]{bound: lim.attackers, texts: 1, full: s.forgetAliases}
	s.sessions = table[eventSession]{bound: lim.eventSessions, texts: 1, full: s.cutSessions}
	s.logins = table[login]{bound: lim.logins, texts: lim.texts, full: s.cutLogins}
	s.files = table[file]{bound: lim.files, texts: lim.texts, full: s.cutFiles}
	s.others = table[tally]{bound: lim.files, texts: lim.texts, full: s.cutOthers}
	s.sets.bound, s.both.bound, s.loginSeen.bound = lim.rowWords/8, lim.pairs/8, lim.pairs
	s.last.actor = gone
	return s
}

func (s *eventSide) event(e *ttpcron.Event) {
	q := &s.o.Query
	if !s.matches(e) {
		return
	}
	within, old := q.Window.Contains(e.Time) && e.Seq > q.ArrivedAfter, s.o.asksNew() && e.Seq <= s.o.NewAfter
	if !within && !old {
		return
	}
	o := occurrence{at: e.Time.UnixMicro(), within: within, old: old, sensor: s.names.of(e.DeckyID)}
	o.actor = s.actor(e)
	o.who = s.actors.hashOf(o.actor)
	if within {
		s.whole(e, &o)
	}
	if o.sensor != nameless {
		s.ofSensor(&o)
	}
	s.ofActor(e, &o)
	if e.SessionID != "" {
		s.ofSession(e, &o)
	}
	switch e.Kind {
	case ttpcron.AuthAttempt:
		s.login(e, &o)
	case ttpcron.FileTransfer:
		s.file(e, &o)
	case ttpcron.CanaryFingerprint:
		if within {
			s.canary(e, &o)
		}
	}
}

// occurrence is what is counted for an event.
type occurrence struct {
	at          int64 // microseconds since 1970
	within, old bool  // it is selected by time and arrival; it had arrived before NewSince
	won         bool
	sensor      uint16
	actor       uint32
	who         uint64 // hash of the actor
}

// matches reports whether an event's attacker and sensor are selected.
func (s *eventSide) matches(e *ttpcron.Event) bool {
	who := e.AttackerUUID
	if s.whose.Attacker != "" {
		who, _ = s.who.Of(e)
	}
	s.as.AttackerUUID, s.as.AttackerIP, s.as.IdentityUUID = who, e.AttackerIP, e.IdentityUUID
	s.as.SessionID, s.as.DeckyID, s.as.Seq, s.as.EventTime = e.SessionID, e.DeckyID, e.Seq, e.Time
	return s.whose.MatchEvent(&s.as)
}

// whole counts an event among all.
func (s *eventSide) whole(e *ttpcron.Event, o *occurrence) {
	s.total.Events++
	s.seen.see(o.at)
	s.days.of(ttpcron.DayOf(e.Time)).Events++
	if n, has := s.kinds[e.Kind]; has || len(s.kinds) < 256 {
		s.kinds[e.Kind] = n + 1
	}
	switch e.Kind {
	case ttpcron.AuthAttempt:
		s.total.LoginsTried++
		if success, _ := e.Payload.Said("success"); success == "true" {
			o.won = true
			s.total.LoginsWon++
		}
	case ttpcron.FileTransfer:
		s.total.Files++
	}
	if o.sensor == nameless {
		s.noSensor++
	}
}

// actor returns the number of who did it.
func (s *eventSide) actor(e *ttpcron.Event) uint32 {
	if !e.DerivesAttacker() {
		who := cmp.Or(e.AttackerUUID, e.IdentityUUID)
		if s.last.actor == gone || s.last.who != who {
			i, added := s.actors.get(s.h.of(who))
			if added {
				*s.actors.at(i) = eventActor{span: never, who: s.actors.text.add(who)}
			}
			s.last.address, s.last.who, s.last.actor = "", who, i
		}
		return s.last.actor
	}
	if s.last.actor == gone || s.last.who != "" || s.last.address != e.AttackerIP {
		s.last.address, s.last.who, s.last.actor = e.AttackerIP, "", s.known(e.AttackerIP)
	}
	return s.last.actor
}

// known returns the number of an attacker who is known only by address.
func (s *eventSide) known(address string) uint32 {
	hash := s.h.of(address)
	if i := s.aliases.find(hash); i != gone {
		return *s.aliases.at(i)
	}
	who := ttpcron.DeriveAttacker(address)
	actor, added := s.actors.get(s.h.of(who))
	if added {
		*s.actors.at(actor) = eventActor{span: never}
		if len(address) > maxName {
			s.actors.at(actor).who = s.actors.text.add(who)
		}
	}
	if f := &s.actors.at(actor).address; f.text == 0 {
		*f = favourite{hash: uint32(hash), text: s.actors.text.add(spelled(address))}
	}
	i, _ := s.aliases.get(hash)
	*s.aliases.at(i) = actor
	return actor
}

func (s *eventSide) ofActor(e *ttpcron.Event, o *occurrence) {
	a := s.actors.at(o.actor)
	a.old = a.old || o.old
	if !o.within {
		return
	}
	a.see(o.at)
	a.events++
	if e.DerivesAttacker() {
		a.address.times++
	} else if e.AttackerIP != "" {
		s.favour(&a.address, &s.actors.text, o.who, ofAddress, e.AttackerIP)
	}
	switch e.Kind {
	case ttpcron.Command:
		a.commands++
	case ttpcron.AuthAttempt:
		a.logins++
		if o.won {
			a.won++
		}
	case ttpcron.HTTPRequest, ttpcron.ServiceRequest:
		a.requests++
	case ttpcron.FileTransfer:
		a.files++
	case ttpcron.CanaryFingerprint:
		a.canaries++
		if e.ByResolver() {
			a.resolver++
		}
	}
	if o.sensor != nameless {
		s.sets.add(&a.sensors, o.sensor)
	}
}

func (s *eventSide) ofSensor(o *occurrence) {
	for int(o.sensor) >= len(s.sensors) {
		s.sensors = append(s.sensors, eventSensor{span: never})
	}
	n := &s.sensors[o.sensor]
	n.old = n.old || o.old
	if o.within {
		n.see(o.at)
		n.events++
	}
}

func (s *eventSide) ofSession(e *ttpcron.Event, o *occurrence) {
	i, added := s.sessions.get(s.h.both(e.SessionID, e.DeckyID))
	f := s.sessions.at(i)
	if added {
		*f = eventSession{span: never, actor: gone, sensor: o.sensor}
	}
	f.old = f.old || o.old
	if !o.within {
		return
	}
	first := f.events == 0
	f.see(o.at)
	f.events++
	switch e.Kind {
	case ttpcron.Command:
		f.commands++
	case ttpcron.AuthAttempt:
		f.tries++
		if o.won {
			f.won++
		}
	case ttpcron.FileTransfer:
		f.files++
	}
	switch {
	case first:
		f.actor = o.actor
		if s.sessions.cuts == 0 { // afterwards it may have been counted before
			s.actors.at(o.actor).sessions++
			if o.sensor != nameless {
				s.sensors[o.sensor].sessions++
			}
		}
	case f.actor != o.actor && s.sessions.cuts == 0 && s.both.first(mix(s.sessions.hashOf(i), o.who)):
		s.actors.at(o.actor).sessions++
	}
}

// favour counts a name of something, and remembers the most frequent ones.
func (s *eventSide) favour(f *favourite, text *texts, owner uint64, kind byte, name string) {
	hash := s.h.of(name)
	if f.text == 0 && f.times == 0 {
		*f = favourite{hash: uint32(hash), text: text.add(shownName(kind, name))}
	}
	if f.hash == uint32(hash) {
		f.times++
		return
	}
	i, added := s.others.get(mix(owner+uint64(kind), hash))
	if added {
		*s.others.at(i) = tally{owner: owner, kind: kind, text: s.others.text.add(shownName(kind, name))}
	}
	s.others.at(i).times++
}

func shownName(kind byte, name string) string {
	if kind == ofAddress {
		return spelled(name)
	}
	return name
}

// tally is how often a name was there of something that has another favourite.
type tally struct {
	owner       uint64
	text, times uint32
	kind        byte
}

// What names are of.
const (
	ofAddress byte = iota
	ofPath
	ofDirection
)

// path is the URL or the name of a file.
func path(e *ttpcron.Event) string {
	for _, name := range [...]string{"url", "filename", "payload_text"} {
		if s, _ := e.Payload.Said(name); s != "" {
			return s
		}
	}
	return ""
}

// fileSum identifies a file: by its SHA-256, or else by its path.
func fileSum(e *ttpcron.Event) (sum, at string) {
	if sum, _ := e.Payload.Said("sha256"); sum != "" {
		return strings.ToLower(sum), ""
	}
	return "", path(e)
}

// numberOf returns a whole number in the payload, or 0.
func numberOf(e *ttpcron.Event, name string) uint64 {
	s, _ := e.Payload.Said(name)
	n, _ := strconv.ParseUint(s, 10, 62)
	return n
}
