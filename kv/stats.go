package kv

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Stats describes a store.
type Stats struct {
	Path      string
	Schema    int
	FileBytes int64 // size of the file
	FreeBytes int64 // of which are free for reuse
	LastSeq   uint64
	Arrived   time.Time // when the last events arrived; zero where that is not known

	Kinds          []KindStats  // in the order of their names
	Levels         []LevelCount // levels that have tags, by vantage, the highest first
	TagDays        int          // days on which there are tags that are not retired
	Runs           int
	Rejects        int // rejects kept
	RejectsDropped int // rejects that were dropped to keep the list short
	FilePositions  int
	Clock          Clock
	Horizons       []Horizon
}

// KindStats describes what a store holds of one kind.
type KindStats struct {
	Kind             ttpcron.SourceKind
	Events           int
	Tags             int       // not retired
	Days             int       // days on which there are events
	Earliest, Latest time.Time // event time

	// Newest is the latest event that is not dated later than tomorrow. Later events mean
	// that a clock was wrong, the sensor's or this machine's; Future counts them, and
	// FutureDays their days.
	Newest             time.Time
	Future, FutureDays int
}

// LevelCount counts the tags of one level, of events seen from one vantage, that are
// not hidden.
type LevelCount struct {
	Vantage ttpcron.Vantage
	Level   ttpcron.Level // never 0: what names no level is medium
	Tags    int
}

// Stats does what View.Stats does, under the names of the rules.
func (db *DB) Stats(ctx context.Context) (Stats, error) { return db.Under(nil).Stats(ctx) }

// Stats describes the store from its stored counts, whatever its size. If the names merge
// tags, days that have such tags are read.
func (v View) Stats(ctx context.Context) (Stats, error) {
	db := v.db
	s := Stats{Path: db.path, Schema: db.schema}
	page := 0
	err := db.view(ctx, func(tx *txn) (err error) {
		s.FileBytes = tx.bolt.Size()
		page = tx.bolt.DB().Info().PageSize // outside of a transaction a commit may map the file anew meanwhile
		s.Runs = int(tx.top(layout.Runs).Sequence())
		s.FilePositions = int(tx.top(layout.Positions).Sequence())
		if s.LastSeq, err = arrival(tx); err != nil {
			return err
		}
		last, err := lastArrived(tx)
		if err != nil {
			return err
		}
		s.Arrived = last.At
		hidden, err := db.hidden(tx)
		if err != nil {
			return err
		}
		if s.TagDays, err = hidden.shownTagDays(tx); err != nil {
			return err
		}
		if s.Rejects, s.RejectsDropped, err = countRejects(tx); err != nil {
			return err
		}
		if s.Clock, err = storedClock(tx); err != nil {
			return err
		}
		if s.Horizons, err = listHorizons(tx); err != nil {
			return err
		}
		spared, err := v.spared(ctx, tx, hidden)
		if err != nil {
			return err
		}
		s.Kinds, s.Levels, err = db.kindStats(tx, hidden, spared)
		return err
	})
	if err != nil {
		return Stats{}, fmt.Errorf("describe store: %w", err)
	}
	free := db.bolt.Stats()
	s.FreeBytes = int64(free.FreePageN+free.PendingPageN) * int64(page)
	return s, nil
}

// kindStats puts the counts of events and of tags that are shown together.
func (db *DB) kindStats(tx *txn, hidden hiddenClaims, spared spared) ([]KindStats, []LevelCount, error) {
	kinds := map[ttpcron.SourceKind]KindStats{}
	levels := map[LevelCount]int{}
	c := tx.top(layout.Totals).Cursor()
	for k, rec := c.First(); k != nil; k, rec = c.Next() {
		switch {
		case k[0] == record.TotalKind:
			t, err := record.ReadKindTotal(k, rec)
			if err != nil {
				return nil, nil, err
			}
			kind := ttpcron.SourceKind(k[1:])
			kinds[kind] = KindStats{Kind: kind, Tags: kinds[kind].Tags, Events: t.Events, Days: t.Days, Earliest: t.Earliest, Latest: t.Latest}
		case k[0] == record.RollupClaim && len(k) == 5:
			t, err := record.ReadTotal(k, rec)
			if err != nil {
				return nil, nil, err
			}
			id := binary.BigEndian.Uint32(k[1:])
			cl, err := db.claims.get(tx, id)
			if err != nil {
				return nil, nil, err
			}
			s := kinds[cl.Kind]
			s.Kind = cl.Kind
			if hidden.has(id) {
				t.Tags = 0
			}
			t.Tags -= spared[id]
			s.Tags += t.Tags
			kinds[cl.Kind] = s
			if t.Tags > 0 {
				levels[LevelCount{Vantage: cl.Vantage, Level: cl.Level.Rank()}] += t.Tags
			}
		}
	}
	tomorrow := ttpcron.DayOf(db.now()) + 1
	for kind, s := range kinds {
		if err := s.splitFuture(tx, tomorrow); err != nil {
			return nil, nil, err
		}
		kinds[kind] = s
	}
	out := slices.Collect(maps.Values(kinds))
	slices.SortFunc(out, func(a, b KindStats) int { return cmp.Compare(a.Kind, b.Kind) })
	return out, levelCounts(levels), nil
}

func levelCounts(tags map[LevelCount]int) (out []LevelCount) {
	for c, n := range tags {
		c.Tags = n
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b LevelCount) int {
		return cmp.Or(cmp.Compare(a.Vantage, b.Vantage), cmp.Compare(b.Level, a.Level))
	})
	return out
}

// splitFuture separates the newest event from those dated after tomorrow.
func (s *KindStats) splitFuture(tx *txn, tomorrow ttpcron.Day) error {
	if s.Events == 0 {
		return nil
	}
	if ttpcron.DayOf(s.Latest) <= tomorrow {
		s.Newest = s.Latest
		return nil
	}
	b := tx.top(layout.DayCounts).Bucket([]byte(s.Kind))
	if b == nil {
		return record.Damagef("counts of %s events are missing", s.Kind)
	}
	c := b.Cursor()
	for k, rec := c.Last(); k != nil; k, rec = c.Prev() {
		day, ok := record.ParseDay(k)
		if !ok {
			return record.Damagef("%x is no day", k)
		}
		h, err := record.ReadDay(record.KindDay{Kind: s.Kind, Day: day}, rec)
		if err != nil {
			return err
		}
		if day <= tomorrow {
			s.Newest = h.Latest
			return nil
		}
		s.Future += h.Events
		s.FutureDays++
	}
	return nil
}
