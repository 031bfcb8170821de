package kv

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/match"
	"github.com/ttpcron/ttpcron/kv/record"
)

// place is where a match goes.
type place struct {
	record.GroupHash
	at     uint32 // its index
	stream uint32
	part   uint32 // index of the dayGrouping
}

// dayGrouping is a day and the number of a grouping.
type dayGrouping struct {
	day      ttpcron.Day
	grouping uint32
}

// matchRoom is memory for the matches of a commit, which is used again.
type matchRoom struct {
	places, spare []place
	entries       []match.Entry
}

// sort gives each day its matches in order. Of those of one key the last counts.
func (m *matchCommit) sort(matches []ttpcron.BaseMatch, of func(ttpcron.Day) *matchChange) error {
	if len(matches) == 0 {
		return nil
	}
	room := &m.db.room
	places := slices.Grow(room.places[:0], len(matches))
	parts, index := []dayGrouping(nil), map[dayGrouping]uint32{}
	hashes := lastHashes{secret: &m.db.secret}
	for i := range matches {
		b := &matches[i]
		day := ttpcron.DayOf(b.Time)
		if b.Stream == nil || b.Seq == 0 || day < 0 || b.Time.Year() > 9999 {
			return fmt.Errorf("base match without stream, event or time: event %d of %v", b.Seq, b.Time)
		}
		n := m.streams.of(b.Stream)
		at := dayGrouping{day, n.grouping}
		part, ok := index[at]
		if !ok {
			part = uint32(len(parts))
			index[at], parts = part, append(parts, at)
		}
		places = append(places, place{hashes.of(b.Group), uint32(i), n.stream, part})
	}
	places, spare := sortPlaces(places, room.spare, parts, matches)
	room.places, room.spare = places, spare
	entries := slices.Grow(room.entries[:0], len(places))
	for len(places) > 0 {
		day, n := parts[places[0].part].day, 1
		for n < len(places) && parts[places[n].part].day == day {
			n++
		}
		first := len(entries)
		entries = appendEntries(entries, places[:n], parts, matches)
		d := of(day)
		d.add = entries[first:len(entries):len(entries)]
		d.stored = make([]bool, len(d.add))
		places = places[n:]
	}
	room.entries = entries
	return nil
}

// sortPlaces sorts places by part, hash, time, arrival and stream: first by the part and
// 16 bits of the hash, a digit after the other, which leaves little to compare. It
// returns memory that is free, too.
func sortPlaces(places, spare []place, parts []dayGrouping, matches []ttpcron.BaseMatch) (sorted, free []place) {
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(parts[a].day, parts[b].day), cmp.Compare(parts[a].grouping, parts[b].grouping))
	})
	rank := make([]int, len(parts))
	for i, part := range order {
		rank[part] = i
	}
	spare = slices.Grow(spare[:0], len(places))[:len(places)]
	counts := make([]int, max(256, len(parts)))
	for _, digit := range [...]func(p *place) int{
		func(p *place) int { return int(p.Hi >> 48 & 0xff) }, func(p *place) int { return int(p.Hi >> 56) }, func(p *place) int { return rank[p.part] },
	} {
		clear(counts)
		for i := range places {
			counts[digit(&places[i])]++
		}
		sum := 0
		for i, n := range counts {
			counts[i], sum = sum, sum+n
		}
		for i := range places {
			d := digit(&places[i])
			spare[counts[d]] = places[i]
			counts[d]++
		}
		places, spare = spare, places
	}
	compare := func(a, b place) int {
		switch {
		case a.Hi != b.Hi:
			return cmp.Compare(a.Hi, b.Hi)
		case a.Lo != b.Lo:
			return cmp.Compare(a.Lo, b.Lo)
		}
		x, y := &matches[a.at], &matches[b.at]
		if c := x.Time.Compare(y.Time); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(x.Seq, y.Seq), cmp.Compare(a.stream, b.stream), cmp.Compare(a.at, b.at))
	}
	for i := 0; i < len(places); {
		n := i + 1
		for n < len(places) && places[n].part == places[i].part && places[n].Hi>>48 == places[i].Hi>>48 {
			n++
		}
		if n > i+1 {
			slices.SortFunc(places[i:n], compare)
		}
		i = n
	}
	return places, spare
}

// appendEntries appends the entries of matches of a day, which are in order.
func appendEntries(entries []match.Entry, places []place, parts []dayGrouping, matches []ttpcron.BaseMatch) []match.Entry {
	first := len(entries)
	for i := range places {
		p := &places[i]
		b, at := &matches[p.at], &parts[p.part]
		k := record.MatchKey{Grouping: at.grouping, Hash: p.GroupHash, Nanos: record.NanosOf(b.Time, at.day), Seq: b.Seq, Stream: p.stream}
		if n := len(entries); n > first && entries[n-1].MatchKey == k {
			entries = entries[:n-1]
		}
		entries = append(entries, match.Entry{MatchKey: k, Group: b.Group, Values: b.Values})
	}
	return entries
}

// lastHashes remembers the hashes of the groups of some matches: those of an event have
// few groups between them.
type lastHashes struct {
	secret *record.Secret
	groups [4]string
	hashes [4]record.GroupHash
	next   int
}

func (l *lastHashes) of(group string) record.GroupHash {
	for i, g := range &l.groups {
		if g == group && g != "" {
			return l.hashes[i]
		}
	}
	h := l.secret.Group(group)
	l.groups[l.next], l.hashes[l.next] = group, h
	l.next = (l.next + 1) % len(l.groups)
	return h
}
