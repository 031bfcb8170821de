package jobs

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// matchBook is the base matches of a store in memory.
type matchBook struct {
	list    map[matchKey]ttpcron.BaseMatch
	touched []touchedMatch
	number  uint64
	judged  map[ttpcron.Day][]ttpcron.RuleDef // of every day that ever had matches
	streams map[string]*ttpcron.Stream        // as the store has them
	horizon ttpcron.Day
	awaited ttpcron.Day
	copies  bool // matches are read twice
	reads   int  // matches that were read
	named   int  // readings of some groups
}

type matchKey struct {
	stream string
	seq    uint64
}

type touchedMatch struct {
	ttpcron.BaseMatch
	number uint64
	went   bool
}

func newMatchBook() *matchBook {
	return &matchBook{list: map[matchKey]ttpcron.BaseMatch{}, judged: map[ttpcron.Day][]ttpcron.RuleDef{}, streams: map[string]*ttpcron.Stream{}}
}

// correlating is a store that keeps base matches too.
func correlating(m *memory) Store {
	s := storeOf(m)
	s.Matches = m
	return s
}

func (b *matchBook) touch(m ttpcron.BaseMatch, went bool) {
	b.number++
	b.touched = append(b.touched, touchedMatch{m, b.number, went})
	if _, ok := b.judged[ttpcron.DayOf(m.Time)]; !ok {
		b.judged[ttpcron.DayOf(m.Time)] = nil
	}
}

func (b *matchBook) stream(s *ttpcron.Stream) *ttpcron.Stream {
	if b.streams[s.ID] == nil {
		own := *s
		b.streams[s.ID] = &own
	}
	return b.streams[s.ID]
}

func (b *matchBook) remove(k matchKey) {
	if m, ok := b.list[k]; ok {
		delete(b.list, k)
		b.touch(m, true)
	}
}

// commit applies a commit's base matches.
func (b *matchBook) commit(c ttpcron.Commit, events []ttpcron.Event) {
	made := map[matchKey]bool{}
	for _, m := range c.Matches {
		k := matchKey{m.Stream.ID, m.Seq}
		made[k] = true
		m.Stream = b.stream(m.Stream)
		switch old, ok := b.list[k]; {
		case ok && old == m:
			continue
		case ok:
			b.touch(old, true)
		}
		b.list[k] = m
		b.touch(m, false)
	}
	for _, v := range c.Reviews {
		for i := range events {
			e := &events[i]
			if v.Kind != e.Kind || v.Day != ttpcron.DayOf(e.Time) || !slices.ContainsFunc(v.Events, func(r ttpcron.SeqRange) bool { return r.First <= e.Seq && e.Seq <= r.Last }) {
				continue
			}
			for _, id := range v.Rules {
				if k := (matchKey{id, e.Seq}); !made[k] {
					b.remove(k)
				}
			}
		}
	}
	for _, d := range c.Judged {
		b.judged[d.Day] = d.Rules
	}
	for _, s := range c.Settled {
		b.touched = slices.DeleteFunc(b.touched, func(t touchedMatch) bool {
			return ttpcron.DayOf(t.Time) == s.Day && t.number <= s.UpTo
		})
	}
}

// judge applies the tags that a commit has from correlations.
func judgeTags(c ttpcron.Commit, tags map[ttpcron.UUID]ttpcron.Tag, kept map[ttpcron.UUID]bool, count func(*ttpcron.Tag, ttpcron.TagChanges)) {
	for _, u := range c.Kept {
		kept[u] = true
	}
	remove := func(u ttpcron.UUID, t ttpcron.Tag) {
		delete(tags, u)
		count(&t, ttpcron.TagChanges{Removed: 1})
	}
	for u, t := range tags {
		if t.SourceKind == ttpcron.Correlation && !kept[u] && slices.ContainsFunc(c.Judgements, func(j ttpcron.Judgement) bool {
			return j.Rule == t.RuleID && !t.EventTime.Before(j.Since) && t.EventTime.Before(j.Until) && j.Holds(u)
		}) {
			remove(u, t)
		}
	}
	for _, k := range c.Gone {
		if t, ok := tags[k.UUID]; ok && t.EventTime.Equal(k.EventTime) {
			remove(k.UUID, t)
		}
	}
}

func (m *memory) MatchDays(_ context.Context, from ttpcron.Day) ([]ttpcron.MatchDay, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []ttpcron.MatchDay
	for _, day := range slices.Sorted(maps.Keys(m.book.judged)) {
		if day < from {
			continue
		}
		d := ttpcron.MatchDay{Day: day, Judged: ttpcron.RuleSet{Rules: slices.Clone(m.book.judged[day])}}
		for _, x := range m.book.list {
			if ttpcron.DayOf(x.Time) == day {
				d.Matches++
			}
		}
		for _, x := range m.book.touched {
			if ttpcron.DayOf(x.Time) == day {
				d.Touched++
				d.Last = x.number
			}
		}
		if out = append(out, d); len(out) == 3 {
			break
		}
	}
	return out, nil
}

func (m *memory) BaseMatches(ctx context.Context, q ttpcron.MatchQuery) iter.Seq2[*ttpcron.BaseMatch, error] {
	m.mu.Lock()
	var list []ttpcron.BaseMatch
	for _, x := range m.book.list {
		if x.Stream.Grouping() != q.Grouping || x.Time.Before(q.Since) || !x.Time.Before(q.Until) || q.Groups != nil && !slices.Contains(q.Groups, ttpcron.Group(x.Group)) ||
			q.Streams != nil && !slices.Contains(q.Streams, x.Stream.ID) {
			continue
		}
		if list = append(list, x); m.book.copies {
			list = append(list, x)
		}
	}
	slices.SortFunc(list, func(a, b ttpcron.BaseMatch) int {
		// Groups come in an order of their own.
		return cmp.Or(-cmp.Compare(a.Group, b.Group), a.Time.Compare(b.Time), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Stream.ID, b.Stream.ID))
	})
	m.book.reads += len(list)
	if q.Groups != nil {
		m.book.named++
	}
	onMatch := m.onMatch
	m.mu.Unlock()
	return func(yield func(*ttpcron.BaseMatch, error) bool) {
		var one ttpcron.BaseMatch
		for i := range list {
			if onMatch != nil {
				onMatch()
			}
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			// The arguments are valid until the next call.
			group, values := []byte(list[i].Group), []byte(list[i].Values)
			one = list[i]
			one.Group, one.Values = string(group), string(values)
			if !yield(&one, nil) {
				return
			}
			one = ttpcron.BaseMatch{Group: "gone", Values: "gone"}
		}
	}
}

func (m *memory) Touched(_ context.Context, day ttpcron.Day, upTo uint64) iter.Seq2[ttpcron.TouchedGroup, error] {
	m.mu.Lock()
	var list []ttpcron.TouchedGroup
	for _, x := range m.book.touched {
		if ttpcron.DayOf(x.Time) == day && x.number <= upTo {
			list = append(list, ttpcron.TouchedGroup{Grouping: x.Stream.Grouping(), Group: ttpcron.Group(x.Group), Earliest: x.Time, Latest: x.Time, Went: x.went})
		}
	}
	m.mu.Unlock()
	return func(yield func(ttpcron.TouchedGroup, error) bool) {
		for _, t := range list {
			if !yield(t, nil) {
				return
			}
		}
	}
}

func (m *memory) EventHorizon(context.Context) (ttpcron.Day, error) { return m.book.horizon, nil }

func (m *memory) AwaitedBefore(context.Context) (ttpcron.Day, error) { return m.book.awaited, nil }

// prune removes the events of the days before one, and their base matches.
func (m *memory) prune(before ttpcron.Day) {
	old := func(t time.Time) bool { return ttpcron.DayOf(t) < before }
	m.events = slices.DeleteFunc(m.events, func(e ttpcron.Event) bool { return old(e.Time) })
	maps.DeleteFunc(m.coverage, func(k kindDay, _ []ttpcron.Coverage) bool { return k.day < before })
	b := m.book
	maps.DeleteFunc(b.list, func(_ matchKey, x ttpcron.BaseMatch) bool { return old(x.Time) })
	maps.DeleteFunc(b.judged, func(d ttpcron.Day, _ []ttpcron.RuleDef) bool { return d < before })
	b.touched = slices.DeleteFunc(b.touched, func(x touchedMatch) bool { return old(x.Time) })
	b.horizon = max(b.horizon, before)
}

// learn gives an event another payload. It counts as newly arrived, and its findings are
// removed.
func (m *memory) learn(i int, p ttpcron.Payload) {
	e := m.events[i]
	m.events = slices.Delete(m.events, i, i+1)
	for k := range m.book.list {
		if k.seq == e.Seq {
			m.book.remove(k)
		}
	}
	m.seq++
	e.Seq, e.Payload = m.seq, p
	m.events = append(m.events, e)
}
