package census

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron"
)

func appendHash(dst []byte, seed maphash.Seed, value []byte) []byte {
	return binary.BigEndian.AppendUint64(dst, maphash.Bytes(seed, value))
}

// event counts an event.
func (n *count) event(o *observed, e *ttpcron.Event) error {
	name, ok := n.groupOf(o, e)
	if !ok {
		return nil
	}
	if !o.within {
		return n.put(name, ofOthers, "", o.sum)
	}
	flags := byte(0)
	if e.Kind == ttpcron.AuthAttempt && won(e) {
		flags |= hasWon
	}
	if e.ByResolver() {
		flags |= isResolver
	}
	n.value = append(append(n.value[:0], flags), e.Kind...)
	o.lost = n.c.q.Won && flags&hasWon == 0
	err := errors.Join(n.put(name, ofEvents, string(n.value), o.sum), n.around(name, o))
	switch {
	case err != nil:
		return err
	case n.by == Sessions:
		err = n.ofSession(name, o, e, flags&hasWon != 0)
	case n.by == Files:
		err = n.ofFile(name, o, e)
	}
	if err != nil || n.joined == nil {
		return err
	}
	group := append([]byte(nil), n.key[:name]...)
	n.matched++
	n.key = append(append(binary.BigEndian.AppendUint64(n.key[:0], e.Seq), byte(ofEvents)), group...)
	return n.joined.add(n.key, o.sum)
}

// around counts who it was, and where.
func (n *count) around(name int, o *observed) error {
	known := o.who
	if o.address != "" && n.counts(ofAddresses) {
		known = spelled(o.address)
	}
	var err error
	if !o.nobody {
		err = n.hashed(name, ofAttackers, o.sum, o.who)
	}
	if !o.nobody && (!o.lost || !n.by.ofLogins()) {
		err = errors.Join(err, n.put(name, ofAddresses, bounded(known), o.sum))
	}
	if o.sensor != "" {
		err = errors.Join(err, n.put(name, ofSensors, bounded(o.sensor), o.sum))
	}
	if o.session != "" {
		err = errors.Join(err, n.hashed(name, ofSessions, o.sum, o.sensor, o.session))
	}
	return err
}

// spelled is an address in the one spelling that counts, see [ttpcron.DeriveAttacker].
func spelled(address string) string {
	if addr, err := netip.ParseAddr(address); err == nil {
		return addr.Unmap().String()
	}
	return address
}

func (n *count) ofSession(name int, o *observed, e *ttpcron.Event, won bool) error {
	if won {
		return n.put(name, ofLogged, bounded(ttpcron.TellingText(e.Kind, func(name string) (string, bool) { return e.Payload.Said(name) })), o.sum)
	}
	if client, _ := e.Payload.Said("client_version"); client != "" {
		return n.put(name, ofClients, bounded(client), o.sum)
	}
	if fact, _ := e.Payload.Text("fact"); e.Kind != ttpcron.SessionFact || fact != "closed" {
		return nil
	}
	s := o.sum
	if ms := numberOf(e, "duration_ms"); ms < maxLasted {
		s.most = ms
	}
	return n.put(name, ofEnds, "", s)
}

func (n *count) ofFile(name int, o *observed, e *ttpcron.Event) error {
	direction, _ := e.Payload.Said("direction")
	s := o.sum
	s.most = numberOf(e, "size")
	return errors.Join(n.put(name, ofPaths, bounded(path(e)), o.sum), n.put(name, ofDirections, bounded(direction), o.sum), n.put(name, ofSizes, "", s))
}

// maxLasted is above every number of milliseconds that a session can last; no end is
// believed that says more.
const maxLasted = 1e12

// numberOf returns a whole number in the payload, or 0.
func numberOf(e *ttpcron.Event, name string) uint64 {
	s, _ := e.Payload.Said(name)
	n, _ := strconv.ParseUint(s, 10, 62)
	return n
}

// tag counts a tag.
func (n *count) tag(o *observed, t Tag) error {
	technique := bounded(t.Shown.Technique())
	if n.by.joined() {
		if n.joined == nil || t.Seq == 0 || !n.by.ofKind(t.SourceKind) {
			return nil
		}
		n.key = append(append(binary.BigEndian.AppendUint64(n.key[:0], t.Seq), byte(ofTags)), technique...)
		return n.joined.add(n.key, o.sum)
	}
	var name int
	if n.by == Techniques {
		name = n.named(t.Shown.Tactic, technique)
	} else {
		var ok bool
		if name, ok = n.group(o); !ok {
			return nil
		}
	}
	if !o.within {
		if n.by != Techniques {
			return nil
		}
		return n.put(name, ofOthers, "", o.sum)
	}
	err := errors.Join(n.put(name, ofTags, technique, o.sum), n.put(name, ofRules, bounded(t.RuleID), o.sum))
	if t.SourceKind != ttpcron.Correlation && n.by.counts(ofTagged) {
		err = errors.Join(err, n.tagged(name, o, t))
	}
	if n.by == Techniques || t.Seq == 0 { // otherwise its event says so
		err = errors.Join(err, n.around(name, o))
	}
	return err
}

// tagged counts a tag's event once, however many of its tags are in the group.
func (n *count) tagged(name int, o *observed, t Tag) error {
	n.value = append(n.value[:0], n.key[:name]...)
	n.value = append(append(n.value, byte(n.by)), t.SourceKind...)
	n.value = append(append(n.value, 0), t.SourceID...)
	switch once, sure := n.c.met.first(maphash.Bytes(n.c.seed, n.value)); {
	case !sure:
		return n.hashed(name, ofTagged, o.sum, string(t.SourceKind), t.SourceID)
	case once:
		return n.put(name, ofTagged, "", o.sum)
	}
	return nil
}

// met reports whether something appeared before at the same instant: tags of one event
// have its time and come close together. It remembers a limited number.
type met struct {
	now  instant
	seen map[uint64]struct{}
}

// mostMet is how many things of an instant are remembered. Tests change it.
var mostMet = 1 << 15

func newMet() met { return met{seen: map[uint64]struct{}{}} }

func (m *met) at(now instant) {
	if now != m.now {
		m.now = now
		if len(m.seen) > 256 { // one that grew stays large, and takes long to clear
			m.seen = map[uint64]struct{}{}
		}
		clear(m.seen)
	}
}

// first reports whether it is the first time, if that is sure.
func (m *met) first(hash uint64) (once, sure bool) {
	if _, again := m.seen[hash]; again {
		return false, true
	}
	if len(m.seen) >= mostMet {
		return false, false
	}
	m.seen[hash] = struct{}{}
	return true, true
}

// wantsTags reports whether it depends on tags.
func (n *count) wantsTags() bool {
	if n.by.joined() {
		return n.joined != nil && n.matched > 0
	}
	return true
}

// join finds the groups of tags by their events.
func (n *count) join(ctx context.Context) error {
	if n.joined == nil {
		return nil
	}
	var seq uint64
	var group []byte // of the event with that number
	for e, err := range n.joined.all() {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		at, f, value := binary.BigEndian.Uint64(e.key), fact(e.key[8]), e.key[9:]
		switch {
		case f == ofEvents:
			seq, group = at, append(group[:0], value...)
		case at == seq && seq != 0:
			n.key = append(n.key[:0], group...)
			if err := n.put(len(group), ofTags, string(value), e.sum); err != nil {
				return err
			}
		}
	}
	n.joined.close()
	return nil
}

// rows calls do for the groups, in the order of their names.
func (n *count) rows(ctx context.Context, do func(r *Row, group []byte) error) error {
	var g *tally
	end := func() error {
		if g == nil {
			return nil
		}
		if !n.keeps(g) {
			return nil
		}
		return do(g.row(), g.name)
	}
	for e, err := range n.table.all() {
		if err != nil {
			return err
		}
		rest := afterParts(e.key, n.by.names())
		name := e.key[:len(e.key)-len(rest)]
		if g == nil || string(g.name) != string(name) {
			if err := end(); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			g = newTally(name, n.by.names())
		}
		g.add(fact(rest[0]), string(rest[1:]), &e.sum)
	}
	return end()
}

// keeps reports whether the query wants a group.
func (n *count) keeps(g *tally) bool {
	q := &n.c.q
	return g.told().n > 0 && (!q.Tagged || g.Tags > 0) && (!q.Won || g.Won > 0) && (!q.onlyNew() || g.arrived() > q.NewAfter)
}

// tally is a group whose facts arrive one after another.
type tally struct {
	Row
	name []byte
	// For all events, for those not selected by time and arrival, and for the tags.
	events, others, tags sum
}

func newTally(name []byte, parts int) *tally {
	g := &tally{name: append([]byte(nil), name...)}
	for range parts {
		var part string
		part, name = cutPart(name)
		g.Name = append(g.Name, part)
	}
	return g
}

func (g *tally) add(f fact, value string, s *sum) {
	switch f {
	case ofEvents:
		g.addEvents(value[0], value[1:], s)
	case ofOthers:
		g.others = *s
	case ofTags:
		g.Tags += int(s.n)
		g.Techniques.add(value, s.n)
		g.tags.add(*s)
	case ofTagged:
		g.Tagged += int(s.n)
		if value != "" {
			g.Tagged -= int(s.n) - 1
		}
	case ofRules:
		g.Rules.add(value, s.n)
	case ofAttackers:
		g.Attackers++
	case ofSessions:
		g.Sessions++
	case ofSensors:
		g.Sensors.add(value, s.n)
	case ofAddresses:
		g.Addresses.add(value, s.n)
	case ofLogged:
		g.Logged.add(value, s.n)
	case ofClients:
		g.Clients.add(value, s.n)
	case ofPaths:
		g.Paths.add(value, s.n)
	case ofDirections:
		g.Directions.add(value, s.n)
	case ofSizes:
		g.Size = s.most
	case ofEnds:
		g.Ended, g.Lasted = true, time.Duration(s.most)*time.Millisecond
	}
}

func (g *tally) addEvents(flags byte, kind string, s *sum) {
	n := int(s.n)
	g.events.add(*s)
	g.Events += n
	if flags&isResolver != 0 {
		g.Resolver += n
	}
	switch ttpcron.SourceKind(kind) {
	case ttpcron.Command:
		g.Commands += n
	case ttpcron.AuthAttempt:
		g.Logins += n
		if flags&hasWon != 0 {
			g.Won += n
		}
	case ttpcron.FileTransfer:
		g.Files += n
	}
	for i := range g.Kinds.Top { // a kind has several flags
		if g.Kinds.Top[i].Name == kind {
			g.Kinds.again(i, s.n)
			return
		}
	}
	g.Kinds.add(kind, s.n)
}

// told is the part that says when the group was seen: its events or, without any, the
// tags.
func (g *tally) told() *sum {
	if g.events.n == 0 {
		return &g.tags
	}
	return &g.events
}

// arrived is when something of the group arrived first.
func (g *tally) arrived() uint64 {
	if g.others.n > 0 {
		return min(g.told().seq, g.others.seq)
	}
	return g.told().seq
}

func (g *tally) row() *Row {
	of := g.told()
	g.First, g.Last, g.Arrived = of.first.time(), of.last.time(), g.arrived()
	if g.Arrived == math.MaxUint64 {
		g.Arrived = 0
	}
	if g.tags.n > 0 {
		g.Level = ttpcron.Level(g.tags.most)
	}
	return &g.Row
}
