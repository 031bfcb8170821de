package jobs

import (
	"context"
	"iter"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// long is a history with one command on each of many days.
type long struct {
	*memory
	days    int
	covered string
	heap    []uint64 // live bytes at each page of days
}

func (l *long) DayPage(_ context.Context, kind ttpcron.SourceKind, from ttpcron.Day) (page []ttpcron.DayHistory, err error) {
	if kind != ttpcron.Command {
		return nil, nil
	}
	for d := from; int(d) < l.days && len(page) < 1000; d++ {
		at, seq := d.Start().Add(time.Hour), uint64(d)+1
		h := ttpcron.DayHistory{Kind: kind, Day: d, Events: 1, FirstSeq: seq, LastSeq: seq, Earliest: at, Latest: at}
		if l.covered != "" {
			h.Coverage = []ttpcron.Coverage{{Kind: kind, Day: d, RuleSet: l.covered, UpTo: seq, Events: 1}}
		}
		page = append(page, h)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	l.heap = append(l.heap, m.HeapAlloc)
	return page, nil
}

func (l *long) Events(_ context.Context, _ ttpcron.SourceKind, day ttpcron.Day, _, _ uint64) iter.Seq2[[]ttpcron.Event, error] {
	return func(yield func([]ttpcron.Event, error) bool) {
		e := command(day.Start().Add(time.Hour), "uname -a")
		e.ID, e.Seq = e.ContentID(), uint64(day)+1
		yield([]ttpcron.Event{e}, nil)
	}
}

func (l *long) LastSeq(context.Context) (uint64, error) { return uint64(l.days), nil }

func (l *long) Commit(_ context.Context, c ttpcron.Commit) (ttpcron.Committed, error) {
	if n := len(c.Coverage); n > maxGroupDays {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.commits = max(l.commits, n)
	}
	return ttpcron.Committed{TagChanges: ttpcron.TagChanges{Inserted: len(c.Tags)}}, nil
}

// TestMemoryOfDays plans and replays a history of many days. Memory does not grow with the
// days, and a commit has a limited number of them.
func TestMemoryOfDays(t *testing.T) {
	for name, covered := range map[string]string{"new": "", "covered by other rules": "others"} {
		t.Run(name, func(t *testing.T) {
			l := &long{memory: newMemory(), days: 20_000, covered: covered}
			l.cursors[ttpcron.Command] = ttpcron.Cursor{Kind: ttpcron.Command}
			if covered != "" {
				l.cursors[ttpcron.Command] = ttpcron.Cursor{Kind: ttpcron.Command, Seq: uint64(l.days)}
			}
			j := &Job{Store: storeOf(l), Rules: rules("uname"), Workers: 2, Now: clock, Source: SourceCommand}
			r, err := j.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s := r.Run.Sources[0]; s.Events+s.Retagged != l.days || s.Tags+s.RetagTags != l.days {
				t.Fatalf("%+v", s)
			}
			if l.commits > 0 {
				t.Errorf("a commit covers %d days", l.commits)
			}
			// A group of tags waits for its commit: some MiB, as with few days.
			const room = 8 << 20
			least, most := l.heap[0], l.heap[0]
			for _, n := range l.heap {
				least, most = min(least, n), max(most, n)
			}
			if most-least > room {
				t.Errorf("live memory grows by %d bytes over %d days", most-least, l.days)
			}
		})
	}
}

// TestGroupNames commits before a group has more attackers and sessions than a
// transaction should touch.
func TestGroupNames(t *testing.T) {
	m := newMemory()
	var events []ttpcron.Event
	for i := range 3 * maxGroupNames {
		e := command(daysAgo(1).Add(time.Duration(i)*time.Microsecond), "uname -a")
		e.SessionID = "s" + strconv.Itoa(i)
		events = append(events, e)
	}
	add(m, events...)
	m.pageSize = 100
	m.onCommit = func(_ int, c ttpcron.Commit) {
		names := map[string]bool{}
		for _, tag := range c.Tags {
			names[tag.SessionID] = true
		}
		if len(names) > maxGroupNames+maxUnit {
			t.Errorf("a commit with tags of %d sessions", len(names))
		}
	}
	j := &Job{Store: storeOf(m), Rules: sessions{rules("uname")}, Workers: 2, Now: clock, Source: SourceCommand}
	if r, err := j.Run(t.Context()); err != nil || r.Run.Sources[0].Inserted != len(events) {
		t.Fatal(r.Run.Sources, err)
	}
}

// sessions is a rule set whose tags name the session.
type sessions struct{ words }

func (s sessions) Tagger() Tagger { return s }

func (s sessions) Tag(e *ttpcron.Event, dst []ttpcron.Tag) ([]ttpcron.Tag, ttpcron.Verdict) {
	from := len(dst)
	dst, v := s.words.Tag(e, dst)
	for i := range dst[from:] {
		dst[from+i].SessionID = e.SessionID
	}
	return dst, v
}
