package kv

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// MatchPosition says where a page of base matches or touched groups ended. The zero value
// is before the first page. The store may change between two pages: what was there both
// before and after is returned once.
type MatchPosition struct {
	Begun bool
	Day   ttpcron.Day
	Key   record.MatchKey // of the match that was given last
	End   bool            // nothing follows
}

// pageText is roughly how many bytes of text a page has.
const pageText = 1 << 20

// MatchPage returns about as many of the matches that BaseMatches yields as requested, from
// a position on. The caller owns them.
func (db *DB) MatchPage(ctx context.Context, q ttpcron.MatchQuery, from MatchPosition, about int) (page []ttpcron.BaseMatch, next MatchPosition, err error) {
	next, size := from, 0
	err = db.eachMatch(ctx, q, from, func(m *ttpcron.BaseMatch, s *matchScan) bool {
		one := *m
		if n := len(page); n > 0 && page[n-1].Group == m.Group {
			one.Group = page[n-1].Group
		} else {
			one.Group = strings.Clone(m.Group)
			size += len(m.Group)
		}
		one.Values = strings.Clone(m.Values)
		size += len(m.Values)
		page = append(page, one)
		next = MatchPosition{Begun: true, Day: s.day, Key: s.at}
		return len(page) < about && size < pageText
	})
	if err != nil {
		return nil, from, fmt.Errorf("read base matches: %w", err)
	}
	next.End = len(page) < about && size < pageText
	return page, next, nil
}

// eachMatch calls do with the matches of a query from a position on, until it is false.
func (db *DB) eachMatch(ctx context.Context, q ttpcron.MatchQuery, from MatchPosition, do func(*ttpcron.BaseMatch, *matchScan) bool) error {
	s := db.matchScan(ctx)
	defer s.done()
	s.since, s.until, s.grouping, s.only = q.Since, q.Until, q.Grouping, q.Streams
	resume := func() {
		if from.Begun {
			s.at, s.day, s.some = from.Key, from.Day, true
		}
	}
	if q.Groups == nil {
		resume()
		_, err := s.each(do)
		return err
	}
	groups := make([]hashedGroup, 0, len(q.Groups))
	for _, g := range q.Groups {
		if h := db.secret.Group(string(g)); !from.Begun || h.Compare(from.Key.Hash) >= 0 {
			groups = append(groups, hashedGroup{h, string(g)})
		}
	}
	slices.SortFunc(groups, func(a, b hashedGroup) int { return a.Compare(b.GroupHash) })
	for _, g := range slices.Compact(groups) {
		if s.group(g); g.GroupHash == from.Key.Hash {
			resume()
		}
		if more, err := s.each(do); !more || err != nil {
			return err
		}
	}
	return nil
}

// hashedGroup is a group with its hash.
type hashedGroup struct {
	record.GroupHash
	text string
}

// each calls do with the matches that follow, until it is false: then there may be more.
func (s *matchScan) each(do func(*ttpcron.BaseMatch, *matchScan) bool) (more bool, err error) {
	m := &ttpcron.BaseMatch{}
	for {
		c, err := s.live()
		if err != nil || c == nil {
			return err == nil, err
		}
		r := c.Row()
		m.Stream, m.Group, m.Values = s.streams[r.Stream-1].Stream, c.Group().Text, c.Values()
		m.Time, m.Seq = record.TimeOf(c.Day, r.Nanos), r.Seq
		if !do(m, s) {
			return false, nil
		}
	}
}

// TouchedPage returns about as many of the groups that Touched yields as requested, from a
// position on.
func (db *DB) TouchedPage(ctx context.Context, day ttpcron.Day, upTo uint64, from MatchPosition, about int) (page []ttpcron.TouchedGroup, next MatchPosition, err error) {
	next, size := from, 0
	next.End = true
	err = db.eachTouched(ctx, day, upTo, from, func(g ttpcron.TouchedGroup, last record.MatchKey) bool {
		page = append(page, g)
		size += len(g.Group) + len(g.Grouping)
		next = MatchPosition{Begun: true, Day: day, Key: last, End: len(page) < about && size < pageText}
		return next.End
	})
	if err != nil {
		return nil, from, fmt.Errorf("read groups of %s: %w", day, err)
	}
	return page, next, nil
}
