package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// login is a user, or a user and a password.
type login struct {
	span
	tries, won, attackers, passwords uint32

	user, password      uint32 // texts
	lacks               uint8  // noUser and so on
	attacker, passwordH uint32 // of the first: the upper half of its hash
	sensors             idSet
	old                 bool
}

// What a login lacked. Missing is not the same as empty.
const (
	noUser = 1 << iota
	noPassword
	onlyKey
)

// file is a file that came in or went out.
type file struct {
	span
	size             uint64
	times, attackers uint32

	sum             uint32 // text
	attacker        uint32 // of the first: the upper half of its hash
	path, direction favourite
	sensors         idSet
	old             bool
}

// joinedFile identifies the file of an event.
type joinedFile struct{ seq, file uint64 }

func (s *eventSide) login(e *ttpcron.Event, o *occurrence) {
	user, hasUser := e.Payload.Said("username")
	password, hasPassword := e.Payload.Said("password")
	var hash uint64
	var lacks uint8
	if !hasUser {
		lacks = noUser
	}
	if s.o.WithPasswords {
		if !hasPassword {
			lacks |= noPassword
			if key, _ := e.Payload.Said("key_fingerprint"); key != "" {
				lacks |= onlyKey
			}
		}
		hash = s.h.both(user, password)
	} else {
		hash = s.h.of(user)
	}
	if lacks != 0 {
		hash = mix(hash, uint64(lacks))
	}
	i, added := s.logins.get(hash)
	f := s.logins.at(i)
	if added {
		*f = login{span: never, user: s.logins.text.add(user), lacks: lacks}
		if s.o.WithPasswords {
			f.password = s.logins.text.add(password)
		}
	}
	f.old = f.old || o.old
	if !o.within {
		return
	}
	f.see(o.at)
	f.tries++
	if o.won {
		f.won++
	}
	if o.sensor != nameless {
		s.sets.add(&f.sensors, o.sensor)
	}
	s.different(&f.attackers, &f.attacker, hash, o.who)
	if !s.o.WithPasswords && hasPassword {
		s.different(&f.passwords, &f.passwordH, hash+1, s.h.of(password))
	}
}

// different counts distinct things; the first is stored directly.
func (s *eventSide) different(n, first *uint32, of, thing uint64) {
	switch half := uint32(thing >> 32); {
	case *n == 0:
		*n, *first = 1, half
	case half != *first && s.loginSeen.first(mix(of, thing)):
		*n++
	}
}

func (s *eventSide) file(e *ttpcron.Event, o *occurrence) {
	sum, at := fileSum(e)
	hash := s.h.both(sum, at)
	i, added := s.files.get(hash)
	f := s.files.at(i)
	if added {
		*f = file{span: never, sum: s.files.text.add(sum)}
	}
	f.old = f.old || o.old
	if !o.within {
		return
	}
	f.see(o.at)
	f.times++
	f.size = max(f.size, numberOf(e, "size"))
	if at == "" {
		at = path(e)
	}
	direction, _ := e.Payload.Said("direction")
	s.favour(&f.path, &s.files.text, hash, ofPath, at)
	s.favour(&f.direction, &s.files.text, hash, ofDirection, direction)
	if o.sensor != nameless {
		s.sets.add(&f.sensors, o.sensor)
	}
	s.different(&f.attackers, &f.attacker, hash+2, o.who)
	if len(s.transfers) < s.lim.joined {
		s.transfers = append(s.transfers, joinedFile{e.Seq, hash})
	} else {
		s.lost.transfers++
	}
}

// canary is an event of a canary.
type canary struct {
	Canary
	at  int64
	seq uint64
	who uint64 // hash
	on  uint16 // sensor
}

// mostCanaries is how many are listed, the newest.
const mostCanaries = 200

func (s *eventSide) canary(e *ttpcron.Event, o *occurrence) {
	s.canaryN++
	if len(s.canaries) >= mostCanaries && o.at < s.canaryOf {
		return
	}
	shown := *e
	if !s.o.WithPasswords {
		shown.MaskPasswords()
	}
	c := &canary{at: o.at, seq: e.Seq, who: o.who, on: o.sensor}
	token, _ := e.Payload.Said("token_uuid")
	c.Token, c.Sensor = strings.Clone(bounded(token)), strings.Clone(bounded(e.DeckyID))
	c.Text = strings.Clone(ttpcron.Shorten(shown.Telling(), ttpcron.MaxShown))
	c.Canary.Attacker = strings.Clone(bounded(cmp.Or(e.AttackerIP, e.AttackerUUID, e.IdentityUUID)))
	c.New = s.o.asksNew() && !o.old
	switch {
	case s.o.Own.Contains(e.AttackerIP):
		c.Mark = ttpcron.MarkOwnNetwork
	case e.ByResolver():
		c.Mark = ttpcron.MarkResolver
	}
	if s.canaries = append(s.canaries, c); len(s.canaries) >= 2*mostCanaries {
		s.newestCanaries()
	}
}

// newestCanaries keeps as many as are listed.
func (s *eventSide) newestCanaries() {
	slices.SortFunc(s.canaries, func(a, b *canary) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.seq, a.seq)) })
	if len(s.canaries) >= mostCanaries {
		clear(s.canaries[mostCanaries:])
		s.canaries = s.canaries[:mostCanaries]
		s.canaryOf = s.canaries[mostCanaries-1].at
	}
}

func (s *eventSide) cutLogins() {
	s.most.logins = max(s.most.logins, counted(&s.logins, func(f *login) bool { return f.tries > 0 }))
	s.logins.cut(func(f *login) uint64 { return uint64(f.tries) + 4*uint64(f.won) }, func(f *login) { s.sets.drop(&f.sensors) },
		func(f *login) []*uint32 { return []*uint32{&f.user, &f.password} })
}

func (s *eventSide) cutFiles() {
	s.most.files = max(s.most.files, counted(&s.files, func(f *file) bool { return f.times > 0 }))
	s.files.cut(func(f *file) uint64 { return uint64(f.times) }, func(f *file) { s.sets.drop(&f.sensors) },
		func(f *file) []*uint32 { return []*uint32{&f.sum, &f.path.text, &f.direction.text} })
}

func (s *eventSide) cutOthers() {
	s.others.cut(func(f *tally) uint64 { return uint64(f.times) }, func(*tally) {}, func(f *tally) []*uint32 { return []*uint32{&f.text} })
}

func (s *eventSide) cutActors() {
	s.most.actors = max(s.most.actors, counted(&s.actors, func(a *eventActor) bool { return a.events > 0 }))
	for i, n := range s.attackersOfSensors() {
		s.sensors[i].attackers = max(s.sensors[i].attackers, n)
	}
	moved := s.actors.cut(func(a *eventActor) uint64 {
		return uint64(a.events) + 8*uint64(a.commands+a.won+a.files+a.canaries)
	}, func(a *eventActor) { s.sets.drop(&a.sensors) }, func(a *eventActor) []*uint32 { return []*uint32{&a.who, &a.address.text} })
	for i := range uint32(s.sessions.n) {
		if f := s.sessions.at(i); f.actor != gone {
			f.actor = moved[f.actor]
		}
	}
	s.forgetAliases()
	s.last.actor = gone
}

// attackersOfSensors counts the distinguished attackers.
func (s *eventSide) attackersOfSensors() []int {
	n := make([]int, len(s.sensors))
	for i := range uint32(s.actors.n) {
		s.sets.each(&s.actors.at(i).sensors, func(sensor uint16) { n[sensor]++ })
	}
	return n
}

func (s *eventSide) forgetAliases() {
	s.aliases = table[uint32]{bound: s.aliases.bound, texts: 1, full: s.forgetAliases}
}

func (s *eventSide) cutSessions() {
	s.most.sessions = max(s.most.sessions, counted(&s.sessions, func(f *eventSession) bool { return f.events > 0 }))
	s.sessions.cut(func(f *eventSession) uint64 {
		return uint64(min(f.events, 4)) + 8*uint64(f.commands) + 32*uint64(f.won) + 64*uint64(f.files)
	}, func(*eventSession) {}, func(*eventSession) []*uint32 { return nil })
}

// counted is how many entries of a table count.
func counted[F any](t *table[F], counts func(*F) bool) (n int) {
	for i := range uint32(t.n) {
		if counts(t.at(i)) {
			n++
		}
	}
	return n
}
