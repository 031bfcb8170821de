package kv

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// filter decides by a rollup whether a day can have what a query selects.
type filter struct {
	claims  []uint32 // nil: any
	names   [][]byte // keys, one of which must exist; nil: any
	session []byte   // key that must exist; nil: any
}

// newFilter prepares a query's filter. Matching says for each claim, number 1 first,
// whether the query can select it.
func newFilter(s *record.Secret, q *ttpcron.TagQuery, matching []bool) *filter {
	f := &filter{}
	for i, ok := range matching {
		if ok {
			f.claims = append(f.claims, uint32(i+1))
		}
	}
	if len(f.claims) == len(matching) {
		f.claims = nil
	}
	if q.Attacker != "" {
		for _, name := range append([]string{q.Attacker}, q.AttackerToo...) {
			hash := s.Attacker(name)
			f.names = append(f.names, record.HashKey(record.RollupAttacker, hash), record.HashKey(record.RollupAlias, hash))
		}
		derived := s.Attacker(ttpcron.DeriveAttacker(q.Attacker)) // has no alias for the address
		f.names = append(f.names, record.HashKey(record.RollupAttacker, derived))
	}
	if q.Session != "" {
		f.session = record.HashKey(record.RollupAlias, s.Session(q.Session))
	}
	return f
}

// within returns the part of a day in which what matches lies, and false when nothing
// in the day can match.
func (f *filter) within(day []byte, rollup *bucket) (span record.Span, ok bool, err error) {
	has := func(id uint32) bool { return rollup.Get(record.ClaimKey(record.RollupClaim, id)) != nil }
	if f.claims != nil && !slices.ContainsFunc(f.claims, has) {
		return span, false, nil
	}
	span = record.WholeDay()
	if f.names != nil {
		if span, ok, err = spanOf(f.names, day, rollup); err != nil || !ok {
			return span, false, err
		}
	}
	if f.session != nil {
		s, ok, err := spanOf([][]byte{f.session}, day, rollup)
		if err != nil || !ok {
			return span, false, err
		}
		span = record.Span{First: max(span.First, s.First), Last: min(span.Last, s.Last)}
	}
	return span, span.First <= span.Last, nil
}

// spanOf returns when in a day one of some names can be found, and false when none is.
func spanOf(names [][]byte, day []byte, rollup *bucket) (span record.Span, ok bool, err error) {
	for _, k := range names {
		rec := rollup.Get(k)
		if rec == nil {
			continue
		}
		var s record.Span
		if k[0] == record.RollupAttacker {
			var t record.AttackerTally
			t, err = record.ReadAttackerTally(rec, day, k)
			s = record.SpanOf(t.First, t.Last)
		} else {
			s, err = record.ReadAlias(rec, day, k)
		}
		if err != nil {
			return span, false, err
		}
		if ok {
			s = s.Join(span)
		}
		span, ok = s, true
	}
	return span, ok, nil
}
