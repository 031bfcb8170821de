package kv_test

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// The model of a store from which attackers and sessions are purged.

// wasPurged reports whether an event is a purged one. It may say more or less about
// attacker, session and sensor than that did.
func (m *model) wasPurged(e *ttpcron.Event, content bool) bool {
	got := says(e)
	return slices.ContainsFunc(m.purged[string(e.Kind)+"|"+e.ID], func(p ttpcron.Event) bool {
		want := says(&p)
		return content || saysMore(got, want) || saysMore(want, got)
	})
}

// saysMore reports whether one event says what the other does, and perhaps more about
// attacker, session and sensor.
func saysMore(one, other map[string]string) bool {
	for k, v := range other {
		if one[k] != v {
			return false
		}
	}
	for k := range one {
		if _, ok := other[k]; !ok && !slices.Contains([]string{"uuid", "ip", "session", "sensor"}, k) {
			return false
		}
	}
	return true
}

// purges removes what is of an attacker or a session.
func (h *history) purges() {
	if len(h.m.events) == 0 {
		return
	}
	e := h.m.events[h.rnd.IntN(len(h.m.events))]
	uuid, _ := e.Attacker()
	p := kv.Purge{By: "me", Attacker: [...]string{uuid, e.AttackerIP, e.IdentityUUID, "nobody"}[h.rnd.IntN(4)]}
	if h.rnd.IntN(3) == 0 || p.Attacker == "" {
		p.Attacker, p.Session = "", e.SessionID
	}
	if p.Session == "" && p.Attacker == "" {
		return
	}
	want := h.m.clone()
	events, tags := want.purge(&p)
	for _, dry := range []bool{true, false} {
		p.DryRun = dry
		r, err := h.db.Purge(h.t.Context(), p)
		h.check(err)
		n := 0
		for _, k := range r.Kinds {
			n += k.Events
		}
		if n != events || r.Tags != tags {
			h.t.Fatalf("purged %d events and %d tags, want %d and %d", n, r.Tags, events, tags)
		}
	}
	h.m = want
}

func (m *model) purge(p *kv.Purge) (events, tags int) {
	of := func(uuid, ip, identity, session string) bool {
		return (p.Session == "" || session == p.Session) && (p.Attacker == "" || uuid == p.Attacker || ip == p.Attacker || identity == p.Attacker)
	}
	gone, left := map[kindAndDay]bool{}, map[kindAndDay]bool{}
	some := map[ttpcron.SourceKind]bool{}
	m.events = slices.DeleteFunc(m.events, func(e ttpcron.Event) bool {
		uuid, _ := e.Attacker()
		at := kindAndDay{e.Kind, ttpcron.DayOf(e.Time)}
		if !of(uuid, e.AttackerIP, e.IdentityUUID, e.SessionID) {
			left[at], some[e.Kind] = true, true
			return false
		}
		events++
		gone[at] = true
		key := string(e.Kind) + "|" + e.ID
		m.purged[key] = append(m.purged[key], e)
		if n := len(e.ID) - 13; n > 0 && e.ID[n] == '~' {
			given := e.ID[:n]
			m.purged[string(e.Kind)+"|"+given] = append(m.purged[string(e.Kind)+"|"+given], e)
		}
		delete(m.ids, key)
		return true
	})
	for u, t := range m.tags {
		if of(t.AttackerUUID, t.AttackerIP, t.IdentityUUID, t.SessionID) {
			delete(m.tags, u)
			tags++
		}
	}
	for at := range gone {
		m.uncover(at, left[at], some[at.kind])
	}
	return events, tags
}
