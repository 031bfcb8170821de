package store

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

// Matches are the base matches of correlations.
type Matches struct{ conn *conn }

var _ jobs.Matches = Matches{}

// MatchDays does what kv.DB.MatchDays does.
func (s Matches) MatchDays(ctx context.Context, from ttpcron.Day) ([]ttpcron.MatchDay, error) {
	return calls.MatchDays.ask(ctx, s.conn, from)
}

// EventHorizon does what kv.DB.EventHorizon does.
func (s Matches) EventHorizon(ctx context.Context) (ttpcron.Day, error) {
	return calls.EventHorizon.ask(ctx, s.conn, none{})
}

// AwaitedBefore does what kv.DB.AwaitedBefore does.
func (s Matches) AwaitedBefore(ctx context.Context) (ttpcron.Day, error) {
	return calls.AwaitedBefore.ask(ctx, s.conn, none{})
}

// maxMatchPage is the most base matches, or groups, that a caller gets at once.
const maxMatchPage = 8192

// BaseMatches does what kv.DB.BaseMatches does.
func (s Matches) BaseMatches(ctx context.Context, q ttpcron.MatchQuery) iter.Seq2[*ttpcron.BaseMatch, error] {
	if h := s.conn.holder; h != nil {
		return h.DB.BaseMatches(ctx, q)
	}
	return func(yield func(*ttpcron.BaseMatch, error) bool) {
		for at := (kv.MatchPosition{}); !at.End; {
			page, err := calls.BaseMatches.ask(ctx, s.conn, matchesFrom{q, at, maxMatchPage})
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Matches.Items {
				m := &page.Matches.Items[i]
				m.Stream = s.conn.streams.of(m.Stream)
				if !yield(m, nil) {
					return
				}
			}
			at = page.Next
		}
	}
}

// Touched does what kv.DB.Touched does.
func (s Matches) Touched(ctx context.Context, day ttpcron.Day, upTo uint64) iter.Seq2[ttpcron.TouchedGroup, error] {
	if h := s.conn.holder; h != nil {
		return h.DB.Touched(ctx, day, upTo)
	}
	return func(yield func(ttpcron.TouchedGroup, error) bool) {
		for at := (kv.MatchPosition{}); !at.End; {
			page, err := calls.Touched.ask(ctx, s.conn, touchedFrom{day, upTo, at, maxMatchPage})
			if err != nil {
				yield(ttpcron.TouchedGroup{}, err)
				return
			}
			for _, g := range page.Groups {
				if !yield(g, nil) {
					return
				}
			}
			at = page.Next
		}
	}
}

// Groups finds the groups that are sought and have base matches on a day, and reports
// whether there are more than it gives.
func (s Matches) Groups(ctx context.Context, q GroupsSought, day ttpcron.Day) (found []GroupFound, more bool, err error) {
	a, err := calls.Groups.ask(ctx, s.conn, groupsOf{q, day})
	return a.Found, a.More, err
}

// EventsAt yields the events of a kind and day with some arrival numbers, ascending, as far
// as the history holds them.
func (s Matches) EventsAt(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, seqs []uint64) iter.Seq2[*ttpcron.Event, error] {
	return func(yield func(*ttpcron.Event, error) bool) {
		left := slices.Compact(slices.Sorted(slices.Values(seqs)))
		for len(left) > 0 {
			some := left[:min(len(left), maxEventsAt)]
			page, err := calls.EventsAt.ask(ctx, s.conn, eventsAt{kind, day, some})
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				if !yield(&page[i], nil) {
					return
				}
			}
			if len(page) == 0 { // none of them is there
				left = left[len(some):]
				continue
			}
			for last := page[len(page)-1].Seq; len(left) > 0 && left[0] <= last; {
				left = left[1:]
			}
		}
	}
}

// maxEventsAt is the most events in one request.
const maxEventsAt = 1024

// eventsAtBytes is roughly how many bytes of text a call returns, or a single event.
const eventsAtBytes = 1 << 20

// readEventsAt reads some of the requested events, ascending; none only if none of them
// exists.
func readEventsAt(ctx context.Context, db *kv.DB, q *eventsAt) (events []ttpcron.Event, err error) {
	seqs := slices.Compact(slices.Sorted(slices.Values(q.Seqs[:min(len(q.Seqs), maxEventsAt)])))
	size := 0
	for len(seqs) > 0 && size < eventsAtBytes {
		page, err := db.EventPage(ctx, q.Kind, q.Day, max(seqs[0], 1)-1, seqs[len(seqs)-1])
		if err != nil || len(page) == 0 {
			return events, err
		}
		for i := range page {
			for len(seqs) > 0 && seqs[0] < page[i].Seq {
				seqs = seqs[1:]
			}
			if len(seqs) == 0 || size >= eventsAtBytes {
				return events, nil
			}
			if seqs[0] == page[i].Seq {
				seqs = seqs[1:]
				events = append(events, page[i])
				for _, f := range page[i].Payload {
					size += len(f.Name) + len(f.Text) + len(f.Raw)
				}
			}
		}
		for last := page[len(page)-1].Seq; len(seqs) > 0 && seqs[0] <= last; {
			seqs = seqs[1:]
		}
	}
	return events, nil
}

// streams are those that a caller has met: each is one pointer as long as it calls.
type streams struct {
	mu   sync.Mutex
	byID map[string]*ttpcron.Stream
}

// of returns the stream that was met first under the id of another.
func (t *streams) of(s *ttpcron.Stream) *ttpcron.Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.byID[s.ID]; known != nil {
		return known
	}
	if t.byID == nil {
		t.byID = map[string]*ttpcron.Stream{}
	}
	t.byID[s.ID] = s
	return s
}

// What calls about base matches take and give.
type (
	matchesFrom struct {
		Query ttpcron.MatchQuery
		From  kv.MatchPosition
		About int
	}
	matchPage struct {
		Matches MatchList
		Next    kv.MatchPosition
	}
	touchedFrom struct {
		Day   ttpcron.Day
		UpTo  uint64
		From  kv.MatchPosition
		About int
	}
	touchedPage struct {
		Groups []ttpcron.TouchedGroup
		Next   kv.MatchPosition
	}
	groupsOf struct {
		Sought GroupsSought
		Day    ttpcron.Day
	}
	groupsFound struct {
		Found []GroupFound
		More  bool
	}
	eventsAt struct {
		Kind ttpcron.SourceKind
		Day  ttpcron.Day
		Seqs []uint64
	}
)
