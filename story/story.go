// Package story joins the events and tags of a session, or of an attacker, into a story:
// who came, with which client, how they got in, what they did in order, and what that
// showed.
//
// A [Source] provides events and tags, and [Entries] joins them. [Session] and
// [Attacker] are the heads of stories, summed up one entry at a time in bounded memory.
// [Tell] describes an event in parts that a terminal and a page show in their own ways.
// Text is not escaped here: all of it is as the attacker wrote it.
package story

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Tag is a tag with its claim in the ids of the release that is shown.
type Tag struct {
	ttpcron.Tag
	Shown ttpcron.Claim
}

// Source provides the events and tags of a story.
type Source interface {
	// Events yields events in the order of time. Each is good until the next.
	Events(context.Context) iter.Seq2[*ttpcron.Event, error]
	// Tags yields the tags of these events within a window of event time, and those of
	// findings, in any order.
	Tags(context.Context, ttpcron.Window) iter.Seq2[*Tag, error]
}

// Entry is an event with its tags, sorted by level and then confidence, highest first.
type Entry struct {
	Event ttpcron.Event
	Tags  []Tag
}

// The limits of what is joined at once. Events of one instant stay together unless they
// are more than that.
const (
	pageEvents  = 512
	pageBytes   = 4 << 20
	pageInstant = 8192
)

// Entries yields the events of a source with their tags, in order. An entry is valid
// until the next one.
func Entries(ctx context.Context, s Source) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		var page []Entry
		size := 0
		flush := func() bool {
			if err := join(ctx, s, page); err != nil {
				yield(nil, err)
				return false
			}
			for i := range page {
				if !yield(&page[i], nil) {
					return false
				}
			}
			clear(page)
			page, size = page[:0], 0
			return true
		}
		for e, err := range s.Events(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			n := len(page)
			full := n >= pageEvents || size >= pageBytes
			if full && (n >= pageInstant || size >= 2*pageBytes || !page[n-1].Event.Time.Equal(e.Time)) && !flush() {
				return
			}
			page = append(page, Entry{Event: *e})
			size += sizeOf(e)
		}
		if len(page) > 0 {
			flush()
		}
	}
}

func sizeOf(e *ttpcron.Event) int {
	n := 512
	for i := range e.Payload {
		n += 64 + len(e.Payload[i].Text) + len(e.Payload[i].Raw)
	}
	return n
}

// join gives events their tags.
func join(ctx context.Context, s Source, page []Entry) error {
	if len(page) == 0 {
		return nil
	}
	at := make(map[uint64]int, len(page))
	first, last := page[0].Event.Time, page[0].Event.Time
	for i := range page {
		e := &page[i].Event
		at[e.Seq] = i
		if e.Time.Before(first) {
			first = e.Time
		}
		if e.Time.After(last) {
			last = e.Time
		}
	}
	for t, err := range s.Tags(ctx, ttpcron.Window{Since: first, Until: last.Add(1)}) {
		if err != nil {
			return err
		}
		if i, ok := at[t.Seq]; ok && t.Seq > 0 {
			page[i].Tags = append(page[i].Tags, *t)
		}
	}
	for i := range page {
		slices.SortFunc(page[i].Tags, func(a, b Tag) int {
			return cmp.Or(higher(&a, &b), cmp.Compare(b.Confidence, a.Confidence),
				cmp.Compare(a.Shown.Technique(), b.Shown.Technique()), cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Technique(), b.Technique()))
		})
	}
	return nil
}

// higher compares tags by level, the highest first.
func higher(a, b *Tag) int {
	switch {
	case a.Level.String() == b.Level.String():
		return 0
	case a.Level.AtLeast(b.Level):
		return -1
	}
	return 1
}

// Loose yields tags without an event in the store: those of findings over several
// events, and those whose events are gone.
func Loose(ctx context.Context, s Source, w ttpcron.Window) iter.Seq2[*Tag, error] {
	return func(yield func(*Tag, error) bool) {
		for t, err := range s.Tags(ctx, w) {
			if err != nil || t.Seq == 0 {
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

// Agreement is a technique that tags of one event share: the first of these tags, see
// [ttpcron.Tag.Before], and how many others claim the same.
type Agreement struct {
	Tag
	Others int
}

// Agreements sums up the tags of an entry, or findings of one instant, by technique.
func Agreements(tags []Tag) (all []Agreement) {
next:
	for i := range tags {
		t := &tags[i]
		for k := range all {
			if a := &all[k]; a.Shown.Technique() == t.Shown.Technique() {
				a.Others++
				if t.Before(&a.Tag.Tag) {
					a.Tag = *t
				}
				continue next
			}
		}
		all = append(all, Agreement{Tag: *t})
	}
	return all
}

// span is when something began and ended.
type span struct{ First, Last time.Time }

func (s *span) add(t time.Time) {
	if s.First.IsZero() || t.Before(s.First) {
		s.First = t
	}
	if t.After(s.Last) {
		s.Last = t
	}
}
